#include <algorithm>
#include <compare>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"
#include "gateway/map/change/internal.h"
#include "gateway/map/translate_identity_internal.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {

namespace {

using fhir::Element;

constexpr std::string_view kPlainText = "urn:caregate:plain-text";

Action ActionNamed(std::string_view code) {
  for (const Action action :
       {Action::kAdd, Action::kUpdate, Action::kCorrect, Action::kDelete, Action::kLink,
        Action::kUnlink, Action::kUnchanged, Action::kSnapshot}) {
    if (CodeOf(action) == code) {
      return action;
    }
  }
  return Action::kMerge;
}

// The part of a message that speaks of one person, where it may speak of several: the outermost
// group of that kind around a node; null where there is none.
const Element* PersonPartOf(const Element* node) {
  const Element* part = nullptr;
  for (; node != nullptr; node = node->parent()) {
    if (node->name() == "PATIENT" || node->name() == "PATIENT_RESULT") {
      part = node;
    }
  }
  return part;
}

// What stands for `""` in what a map writes: the element is null, an extension's value is.
Status MakeNull(Element* element) {
  for (Element* child = element->first_child(); child != nullptr; child = element->first_child()) {
    element->Remove(child);
  }
  element->SetNull();
  return {};
}

// The types that a walk over all elements asks for.
struct Types {
  explicit Types(const fhir::Definitions& definitions)
      : extension(definitions.Find("Extension")),
        identifier(definitions.Find("Identifier")),
        reference(definitions.Find("Reference")),
        attachment(definitions.Find("Attachment")),
        meta(definitions.Find("Meta")),
        coding(definitions.Find("Coding")),
        contact_point(definitions.Find("ContactPoint")) {}
  const fhir::TypeDef* extension;
  const fhir::TypeDef* identifier;
  const fhir::TypeDef* reference;
  const fhir::TypeDef* attachment;
  const fhir::TypeDef* meta;
  const fhir::TypeDef* coding;
  const fhir::TypeDef* contact_point;
};

class ChangeMaker {
 public:
  ChangeMaker(const Unit& unit, const Origins& origins, Translation* translation)
      : unit_(unit), origins_(origins), types_(*unit.definitions), translation_(*translation) {}

  Status Make(fhir::Resource* bundle) {
    Content ignored;
    GW_RETURN_IF_ERROR(Clean(&bundle->root(), &ignored));
    GW_RETURN_IF_ERROR(ReadEntries(bundle));
    for (Change& change : translation_.changes) {
      GW_RETURN_IF_ERROR(Fold(&change));
      Align(&change);
    }
    NameAll();
    for (size_t i = 0; i < translation_.changes.size(); ++i) {  // stubs are added meanwhile
      DropRepeats(&translation_.changes[i].fragment.root());
      finishing_ = i;
      GW_RETURN_IF_ERROR(Finish(&translation_.changes[i].fragment.root()));
    }
    return CompleteProvenance(unit_, &changes());
  }

 private:
  // What is left of an element that was cleaned.
  struct Content {
    bool is_valued = false;   // as IsValued()
    bool has_null = false;    // it, or something in it that says no more, deletes
    bool is_removed = false;  // a map takes it away, whatever the sender says of it
    bool is_any() const { return is_valued || has_null; }
  };

  // A local name, "#patient", as far as it reaches.
  struct Local {
    std::string_view name;
    const Element* part;
    size_t change;
  };

  std::vector<Change>& changes() { return translation_.changes; }

  // As far as its own text says.
  static Content ContentOf(const Element& element) {
    return {.is_valued = !element.text().empty() && !element.is_null(),
            .has_null = element.is_null()};
  }

  // The node of the source that an element was made of; null where that is not known.
  const Element* OriginOf(const Element& element) const {
    const auto origin = origins_.find(&element);
    return origin == origins_.end() ? nullptr : origin->second;
  }

  // The node that holds this text, of what an element was made of.
  static const Element* LeafWith(const Element& node, std::string_view text) {
    if (node.text() == text) {
      return &node;
    }
    for (const Element* child = node.first_child(); child != nullptr; child = child->next()) {
      if (const Element* found = LeafWith(*child, text)) {
        return found;
      }
    }
    return nullptr;
  }

  // Takes away what says nothing: a number that fails its check digit (decision 3), a system whose
  // code no table knew, an extension without its value; and makes null what a map removes.
  Status Clean(Element* element, Content* content) {
    const std::string_view half = HalfOf(element->type());
    *content = ContentOf(*element);
    for (Element *child = element->first_child(), *next = nullptr; child != nullptr; child = next) {
      next = child->next();
      if (&child->type() == types_.extension && IsMark(*child)) {
        if (child->TextAt("url") == kRemoveMark && child->TextAt("value") == "true") {
          content->is_removed = true;
          return {};
        }
        continue;
      }
      Content left;
      if (child->first_child() == nullptr) {
        left = ContentOf(*child);
      } else if (!IsBadNumber(*child)) {
        GW_RETURN_IF_ERROR(Clean(child, &left));
      }
      if (left.is_removed) {
        GW_RETURN_IF_ERROR(Erase(child));
        left = {.is_valued = false, .has_null = true};
      }
      if (IsTakenBack(*child, left)) {
        TellOf(*child, "null-number", "a number is never taken back: it stays as it is known");
        left = {};
      }
      // An item that says no more than that its list is whole stays.
      if (!left.is_any() && MarkOf(*child, kActionMark) != "SP") {
        element->Remove(child);
        continue;
      }
      content->has_null |= !left.is_valued;
      content->is_valued |= left.is_valued && child->name() != half;
    }
    content->is_valued &= !element->is_null();
    return {};
  }

  bool IsBadNumber(const Element& element) {
    const std::string_view value = element.TextAt("value");
    if (&element.type() != types_.identifier || value.empty() ||
        element.TextAt("system") != kNhsNumberSystem || IsNhsNumber(value)) {
      return false;
    }
    TellOf(element, "bad-check-digit", "an NHS number that fails its check digit is dropped");
    return true;
  }

  // A resource's own number, sent as `""`.
  bool IsTakenBack(const Element& element, const Content& content) const {
    return &element.type() == types_.identifier && element.parent()->is_resource() &&
           content.has_null && !content.is_valued;
  }

  // On a number that is not taken, where it was sent.
  void TellOf(const Element& number, const char* code, const char* text) {
    const Element* origin = OriginOf(number);
    const std::string_view value = number.TextAt("value");
    const Element* leaf = origin == nullptr || value.empty() ? nullptr : LeafWith(*origin, value);
    const Element* place = leaf != nullptr ? leaf : origin != nullptr ? origin : unit_.source;
    translation_.remarks.push_back({'W', code, PlaceOf(*place), text});
  }

  Status Erase(Element* element) const {
    if (&element->type() != types_.extension) {
      return MakeNull(element);
    }
    element->Clear("extension");
    GW_TRY(Element * value, element->Add("valueBoolean", "true"));
    return MakeNull(value);
  }

  Status ReadEntries(fhir::Resource* bundle) {
    for (Element* entry = bundle->root().first_child(); entry != nullptr; entry = entry->next()) {
      Element* resource = entry->name() == "entry" ? entry->Child("resource") : nullptr;
      if (resource == nullptr || !IsValued(*resource)) {
        continue;
      }
      const std::string_view local = entry->TextAt("fullUrl");
      const Element* source = OriginOf(*resource);
      const Element* part = PersonPartOf(source);
      Change change{ActionNamed(MarkOf(*entry, kActionMark)),
                    bundle->Detach(resource),
                    std::string(),
                    source == nullptr ? std::string() : PlaceOf(*source),
                    MarkOf(*entry, kStubMark) == "true",
                    MarkOf(*entry, kIfKnownMark) == "true"};
      change.done = MarkOf(*entry, kDoneMark);
      const std::optional<size_t> same = FindSame(local, part, change.fragment);
      const size_t at = same.value_or(changes().size());
      if (same) {
        if (parts_[at] != part) {
          BindLocals(part, &change.fragment.root());
        }
        GW_RETURN_IF_ERROR(Join(change, &changes()[at]));
      } else {
        parts_.push_back(part);
        changes().push_back(std::move(change));
      }
      if (!local.empty()) {
        local_.push_back({local, part, at});
      }
      GW_RETURN_IF_ERROR(JoinKin(at));
      Index(at);
    }
    return {};
  }

  // Of kin one segment says the number and another the name: where a third says both, all three
  // speak of one person, whichever stands first.
  Status JoinKin(size_t at) {
    if (changes()[at].fragment.type() != "RelatedPerson") {
      return {};
    }
    const fhir::Resource& fragment = changes()[at].fragment;
    for (const Element* child = fragment.root().first_child(); child != nullptr;
         child = child->next()) {
      const auto known = child->name() == "identifier"
                             ? by_identity_.find(IdentityOf(fragment.type(), *child))
                             : by_identity_.end();
      if (known != by_identity_.end() && known->second != at) {
        return JoinTwo(std::min(at, known->second), std::max(at, known->second));
      }
    }
    return {};
  }

  Status JoinTwo(size_t kept, size_t gone) {
    if (parts_[kept] != parts_[gone]) {
      BindLocals(parts_[gone], &changes()[gone].fragment.root());
    }
    GW_RETURN_IF_ERROR(Join(changes()[gone], &changes()[kept]));
    std::erase_if(by_identity_, [gone](const auto& known) { return known.second == gone; });
    changes().erase(changes().begin() + static_cast<std::ptrdiff_t>(gone));
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(gone));
    const auto shift = [kept, gone](size_t* change) {
      *change = *change == gone ? kept : *change - (*change > gone ? 1U : 0U);
    };
    for (auto& [identity, change] : by_identity_) {
      shift(&change);
    }
    for (Local& local : local_) {
      shift(&local.change);
    }
    Index(kept);
    return JoinKin(kept);
  }

  // A resource of which several parts speak is one change, of the first part: what a later part
  // refers to by a local name is its own, and gets a name that no part has.
  void BindLocals(const Element* part, Element* element) {
    const std::string_view name =
        &element->type() == types_.reference ? element->TextAt("reference") : std::string_view();
    const auto own = std::find_if(local_.begin(), local_.end(), [&](const Local& local) {
      return name.starts_with('#') && local.name == name && local.part == part;
    });
    if (own != local_.end()) {
      const size_t change = own->change;
      bound_.push_back(std::string(name) + ":" + std::to_string(change));
      local_.push_back({bound_.back(), part, change});
      element->Child("reference")->SetText(bound_.back());
    }
    for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
      BindLocals(part, child);
    }
  }

  // The change that speaks of the same resource already.
  std::optional<size_t> FindSame(std::string_view name, const Element* part,
                                 const fhir::Resource& fragment) const {
    for (const Local& local : local_) {
      if (local.name == name && local.part == part) {
        return local.change;
      }
    }
    for (const Element* child = fragment.root().first_child(); child != nullptr;
         child = child->next()) {
      const auto known = child->name() == "identifier"
                             ? by_identity_.find(IdentityOf(fragment.type(), *child))
                             : by_identity_.end();
      if (known != by_identity_.end()) {
        return known->second;
      }
    }
    return std::nullopt;
  }

  void Index(size_t at) {
    const fhir::Resource& fragment = changes()[at].fragment;
    for (const Element* child = fragment.root().first_child(); child != nullptr;
         child = child->next()) {
      if (child->name() != "identifier") {
        continue;
      }
      const Identity identity = IdentityOf(fragment.type(), *child);
      if (identity.is_known()) {
        by_identity_.emplace(identity, at);
      }
    }
  }

  // Two entries of one resource become one; what is dropped then is told.
  Status Join(const Change& from, Change* to) {
    // Of two decisions under one number neither can be taken: together they say a third thing.
    if (from.fragment.type() == "Consent" && !SameContent(from.fragment, to->fragment)) {
      return Error{Code::kConflict, "the message says two things of one consent", from.where,
                   hl7_code::kDuplicateKeyIdentifier};
    }
    const std::string loser = RankOf(from) >= RankOf(*to) ? to->where : from.where;
    // What no action code speaks of is said in passing, in several segments.
    const bool in_passing = from.action == Action::kMerge && to->action == Action::kMerge;
    const bool is_added = from.action == Action::kAdd && to->action == Action::kAdd;
    GW_TRY(const bool is_dropped, JoinChanges(from, to));
    if (is_dropped && is_added && IsKeyed(to->fragment.type())) {
      return Error{Code::kConflict, "added twice under one key, with other content", from.where,
                   hl7_code::kDuplicateKeyIdentifier};
    }
    if (is_dropped) {
      translation_.remarks.push_back({in_passing ? 'I' : 'W', "said-otherwise", loser,
                                      "another segment says otherwise of the same resource: its "
                                      "values stand, and some of this one are dropped"});
    }
    return {};
  }

  Status Fold(Change* change) {
    GW_TRY(const bool is_dropped, FoldItems(change));
    if (is_dropped) {
      translation_.remarks.push_back({'W', "said-otherwise", change->where,
                                      "two segments say otherwise of the same item: what the "
                                      "later one says stands"});
    }
    return {};
  }

  void Align(Change* change) {
    std::vector<Note> notes;
    AlignPeriods(&change->fragment, &notes);
    for (Note& note : notes) {
      translation_.remarks.push_back(
          {'W', std::string(note.code), change->where, std::move(note.text)});
    }
  }

  bool MayRepeat(const Element& element) const {
    const fhir::TypeDef* type = &element.type();
    return type == types_.coding || type == types_.identifier || type == types_.contact_point;
  }

  // Two fields may say the same: a number twice, a label for two reasons.
  void DropRepeats(Element* parent) const {
    std::set<std::string> known;
    const Element* first = nullptr;  // its key is asked for where a second one comes
    for (Element *child = parent->first_child(), *next = nullptr; child != nullptr; child = next) {
      next = child->next();
      if (&child->type() == types_.meta) {
        DropRepeats(child);
      } else if (MayRepeat(*child) && first == nullptr) {
        first = child;
      } else if (MayRepeat(*child)) {
        if (known.empty()) {
          known.insert(ContentKey(*first));
        }
        if (!known.insert(ContentKey(*child)).second) {
          parent->Remove(child);
        }
      }
    }
  }

  // Gives each change its urn:uuid, which follows from the unit and the resource's key.
  void NameAll() {
    for (size_t i = 0; i < changes().size(); ++i) {
      changes()[i].full_url = UrlOf(changes()[i], i);
    }
  }

  std::string UrlOf(const Change& change, size_t index) const {
    const std::string_view type = change.fragment.type();
    const Element* identifier = change.fragment.root().Child("identifier");
    const Identity identity = identifier == nullptr ? Identity() : IdentityOf(type, *identifier);
    std::string name = unit_.seed;
    name.reserve(name.size() + type.size() + identity.system.size() + identity.value.size() + 24);
    name.append("|").append(type);
    if (identity.is_known()) {
      name.append("|").append(identity.system).append("|").append(identity.value);
    } else {
      name.append("#").append(std::to_string(index));
    }
    return "urn:uuid:" + crypto::NamedUuid(name);
  }

  Status Finish(Element* element) {
    if (&element->type() == types_.reference) {
      return Link(element);
    }
    if (&element->type() == types_.attachment) {
      GW_RETURN_IF_ERROR(Encode(element));
    }
    for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
      if (child->first_child() != nullptr) {
        GW_RETURN_IF_ERROR(Finish(child));
      }
    }
    return {};
  }

  // Makes a reference literal; each one keeps the identifier that it is found by.
  Status Link(Element* reference) {
    const std::string_view of = MarkOf(*reference, kPersonOfMark);
    if (!of.empty()) {
      return LinkToPersonOf(of, reference);
    }
    const std::string_view local = reference->TextAt("reference");
    if (local.starts_with('#')) {
      const Local* known = FindLocal(local);
      if (known == nullptr) {
        return Error{Code::kUnprocessable, "a reference to an entry that is not there",
                     changes()[finishing_].where};
      }
      const Change& target = changes()[known->change];
      reference->Child("reference")->SetText(target.full_url);
      const Element* identifier = target.fragment.root().Child("identifier");
      if (identifier != nullptr && reference->Child("identifier") == nullptr) {
        GW_TRY([[maybe_unused]] Element * copy, reference->AddCopy("identifier", *identifier));
      }
      return {};
    }
    const Element* identifier = reference->Child("identifier");
    const std::string_view type = reference->TextAt("type");
    if (!local.empty() || identifier == nullptr || type.empty()) {
      return {};
    }
    const Identity identity = IdentityOf(type, *identifier);
    if (!identity.is_known()) {
      return {};
    }
    auto known = by_identity_.find(identity);
    if (known == by_identity_.end()) {
      if (!MayBeStub(type)) {
        return {};  // a logical reference: all that is known of it is its identifier
      }
      GW_RETURN_IF_ERROR(AddStub(type, *identifier, reference->TextAt("display")));
      known = by_identity_.find(identity);
    }
    if (!changes()[known->second].if_known) {
      GW_TRY([[maybe_unused]] Element * literal,
             reference->Add("reference", changes()[known->second].full_url));
    }
    return {};
  }

  // Whose that entry is, the store knows; where there is no such entry, nobody does.
  Status LinkToPersonOf(std::string_view local, Element* reference) {
    const Local* known = FindLocal(local);
    if (known == nullptr) {
      translation_.remarks.push_back({'E', "unidentified", changes()[finishing_].where,
                                      "neither a person nor a plan is named: held for matching"});
      return {};
    }
    for (Element* child = reference->first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "extension" && child->TextAt("url") == kPersonOfMark) {
        child->Child("value")->SetText(changes()[known->change].full_url);
      }
    }
    return {};
  }

  // The entry of that local name in the part of the message that speaks of the same person; else
  // one of the whole message, else the first.
  const Local* FindLocal(std::string_view name) const {
    const Local* found = nullptr;
    for (const Local& local : local_) {
      if (local.name == name && local.part == parts_[finishing_]) {
        return &local;
      }
      if (local.name == name && (found == nullptr || (found->part != nullptr && !local.part))) {
        found = &local;
      }
    }
    return found;
  }

  Status AddStub(std::string_view type, const Element& identifier, std::string_view name) {
    GW_TRY(fhir::Resource fragment, fhir::Resource::Make(type, *unit_.definitions));
    GW_TRY([[maybe_unused]] Element * key, fragment.root().AddCopy("identifier", identifier));
    if (type == "Organization") {
      GW_TRY([[maybe_unused]] Element * text,
             fragment.root().Add("name", name.empty() ? identifier.TextAt("value") : name));
    } else if (type == "Practitioner" && !name.empty()) {
      GW_TRY(Element * human, fragment.root().Add("name"));
      GW_TRY([[maybe_unused]] Element * text, human->Add("text", name));
    } else if (type == "RelatedPerson") {
      GW_TRY(Element * patient, fragment.root().Add("patient"));
      GW_TRY([[maybe_unused]] Element * local, patient->Add("reference", "#patient"));
    }
    Change stub{Action::kMerge, std::move(fragment), "", "", true};
    stub.full_url = UrlOf(stub, changes().size());
    changes().push_back(std::move(stub));
    parts_.push_back(parts_[finishing_]);
    Index(changes().size() - 1);
    return {};
  }

  // Maps write the text of an attachment; what stands in the resource is its base64 form.
  static Status Encode(Element* attachment) {
    for (Element* child = attachment->first_child(); child != nullptr; child = child->next()) {
      if (child->name() != "extension" || child->TextAt("url") != kPlainText) {
        continue;
      }
      const std::string text(child->TextAt("value"));
      attachment->Remove(child);
      attachment->Clear("data");
      GW_TRY([[maybe_unused]] Element * data, attachment->Add("data", crypto::Base64(text)));
      return {};
    }
    return {};
  }

  const Unit& unit_;
  const Origins& origins_;
  const Types types_;
  Translation& translation_;
  std::map<Identity, size_t> by_identity_;  // -> change
  std::vector<Local> local_;
  std::deque<std::string> bound_;      // the names that BindLocals made
  std::vector<const Element*> parts_;  // of each change: the part of the message it came from
  size_t finishing_ = 0;               // the change whose references are made literal
};

}  // namespace

Status MakeChanges(fhir::Resource bundle, const Origins& origins, const Unit& unit,
                   Translation* translation) {
  ChangeMaker maker(unit, origins, translation);
  GW_RETURN_IF_ERROR(maker.Make(&bundle));
  for (const Change& change : translation->changes) {
    if (change.fragment.type() == "Patient" &&
        change.fragment.root().Child("identifier") == nullptr) {
      translation->remarks.push_back({'E', "unidentified", change.where,
                                      "no identifier says who the person is: held for matching"});
    }
  }
  return {};
}

}  // namespace gw::map
