#include "gateway/flow/identify.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"
#include "gateway/flow/older.h"
#include "gateway/flow/person_links.h"
#include "gateway/flow/review.h"
#include "gateway/identity/matcher.h"

namespace gw::flow {
namespace {

const std::string kPatient = "Patient/";

std::string KeyOf(const fhir::Identifier& identifier) {
  return identifier.system + '\n' + identifier.value;
}

// Identifiers, to ask for one of them: a message may name thousands.
class IdentifierSet {
 public:
  IdentifierSet() = default;
  explicit IdentifierSet(const std::vector<fhir::Identifier>& identifiers) {
    for (const fhir::Identifier& identifier : identifiers) {
      static_cast<void>(Add(identifier));
    }
  }
  // True where it was not in it.
  bool Add(const fhir::Identifier& one) { return keys_.insert(KeyOf(one)).second; }
  bool Has(const fhir::Identifier& one) const { return keys_.contains(KeyOf(one)); }

 private:
  std::unordered_set<std::string> keys_;
};

bool Contains(const std::vector<fhir::Identifier>& identifiers, const fhir::Identifier& one) {
  return std::find(identifiers.begin(), identifiers.end(), one) != identifiers.end();
}

// Everything that one run of Identify carries along.
class Identification {
 public:
  Identification(std::vector<map::Change>* changes, const Parts& parts, Instant now)
      : changes_(changes), parts_(parts), now_(now), links_(parts) {}

  Result<Identified> Run() {
    const size_t given = changes_->size();
    GW_RETURN_IF_ERROR(LookUp());
    for (size_t index = 0; index < given; ++index) {
      GW_RETURN_IF_ERROR(Place(index));
    }
    for (size_t index = 0; index < given; ++index) {
      map::Change& change = (*changes_)[index];
      GW_RETURN_IF_ERROR(Refer(&change.fragment.root(), change.where));
      const Known& known = identified_.resources[identified_.of_change[index]];
      GW_RETURN_IF_ERROR(StayAtHome(known, &change.fragment.root()));
      GW_RETURN_IF_ERROR(LinkOwn(known, change));
    }
    for (size_t index = 0; index < given; ++index) {
      GW_RETURN_IF_ERROR(Merge(index));
    }
    for (map::Change& task : asked_) {
      std::vector<fhir::Identifier> claims = IdentifiersOf(task.fragment.root());
      identified_.of_change.push_back(AddNew(task, std::move(claims)));
      changes_->push_back(std::move(task));
    }
    return std::move(identified_);
  }

 private:
  // What is known under the changes' identifiers, all in one look at the store.
  Status LookUp() {
    identifiers_.reserve(changes_->size());
    std::vector<store::Wanted> wanted;
    wanted.reserve(changes_->size());
    for (const map::Change& change : *changes_) {
      identifiers_.push_back(IdentifiersOf(change.fragment.root()));
    }
    for (size_t index = 0; index < changes_->size(); ++index) {
      wanted.push_back({(*changes_)[index].fragment.type(), identifiers_[index]});
    }
    GW_TRY(stored_, parts_.store.FindEach(wanted));
    return {};
  }

  Status Place(size_t index) {
    map::Change& change = (*changes_)[index];
    const std::vector<fhir::Identifier>& identifiers = identifiers_[index];
    if (identifiers.empty() && change.fragment.type() == "Patient") {
      return Error{Code::kConflict, "held for matching: no number says who the person is",
                   change.where, hl7_code::kUnknownKeyIdentifier};
    }
    if (identifiers.empty()) {
      identified_.of_change.push_back(AddNew(change, {}));
      return {};
    }
    if (const std::optional<size_t> same = FindHere(change, identifiers)) {
      identified_.of_change.push_back(*same);
      Link(change, *same);
      return TakeMore(identifiers, *same, &change);
    }
    std::vector<fhir::StoredResource>& stored = stored_[index];
    std::vector<fhir::Resource> candidates;
    for (const fhir::StoredResource& resource : stored) {
      GW_TRY(fhir::Resource candidate,
             fhir::ParseJson(resource.json, parts_.definitions, parts_.limits));
      candidates.push_back(std::move(candidate));
    }
    GW_TRY(const size_t placed,
           change.fragment.type() == "Patient"
               ? PlacePatient(index, identifiers, std::move(stored), &candidates)
               : PlaceByKey(index, identifiers, stored, &candidates));
    identified_.of_change.push_back(placed);
    return {};
  }

  // Another change of the same message is about the same resource.
  std::optional<size_t> FindHere(const map::Change& change,
                                 const std::vector<fhir::Identifier>& identifiers) const {
    const auto found = claimed_.find(ClaimKey(change.fragment.type(), identifiers.front()));
    return found == claimed_.end() ? std::nullopt : std::optional(found->second);
  }

  static std::string ClaimKey(std::string_view type, const fhir::Identifier& identifier) {
    return std::string(type) + '\n' + KeyOf(identifier);
  }

  // What a later change of the message numbers the resource with is under the same rules as what
  // the first one did.
  Status TakeMore(const std::vector<fhir::Identifier>& identifiers, size_t index,
                  map::Change* change) {
    Known& known = identified_.resources[index];
    const IdentifierSet claims(known.claims);
    std::vector<fhir::Identifier> more;
    std::copy_if(identifiers.begin(), identifiers.end(), std::back_inserter(more),
                 [&claims](const fhir::Identifier& one) { return !claims.Has(one); });
    if (more.empty()) {
      return {};
    }
    GW_TRY(const std::vector<fhir::Identifier> own, OwnOf(known.key, more));
    for (const fhir::Identifier& one : own) {
      if (claimed_.emplace(ClaimKey(known.key.type, one), index).second) {
        known.claims.push_back(one);
      }
    }
    LeaveNumbersOfOthers(known, change);
    return {};
  }

  // The business key is the first identifier: what it names is the resource.
  Result<size_t> PlaceByKey(size_t change_index, const std::vector<fhir::Identifier>& identifiers,
                            const std::vector<fhir::StoredResource>& stored,
                            std::vector<fhir::Resource>* candidates) {
    map::Change& change = (*changes_)[change_index];
    for (size_t index = 0; index < stored.size(); ++index) {
      if (Contains(IdentifiersOf((*candidates)[index].root()), identifiers.front())) {
        return AddKnown(&change, identifiers, stored[index], std::move((*candidates)[index]),
                        stored.size());
      }
    }
    GW_TRY(std::vector<fhir::Identifier> free,
           FreeOf(change.fragment.type(), identifiers, stored.size()));
    return AddNew(change, std::move(free));
  }

  Result<size_t> PlacePatient(size_t change_index, const std::vector<fhir::Identifier>& identifiers,
                              std::vector<fhir::StoredResource> stored,
                              std::vector<fhir::Resource>* candidates) {
    map::Change& change = (*changes_)[change_index];
    const std::vector<identity::Match> matches = identity::Rank(change.fragment, *candidates);
    if (matches.empty() || matches.front().grade == identity::Grade::kCertainlyNot) {
      GW_TRY(std::vector<fhir::Identifier> free, FreeOf("Patient", identifiers, stored.size()));
      return PlaceUnknown(&change, std::move(free));
    }
    const identity::Match& best = matches.front();
    if (best.grade == identity::Grade::kCertain) {
      if (!IsLoser(change.fragment.root())) {
        GW_RETURN_IF_ERROR(AskAboutOthers(change.where, matches, stored));
        GW_RETURN_IF_ERROR(
            FollowLinks(&change, &stored[best.candidate], &(*candidates)[best.candidate]));
      }
      return AddKnown(&change, IdentifiersOf(change.fragment.root()), stored[best.candidate],
                      std::move((*candidates)[best.candidate]), stored.size());
    }
    GW_TRY(std::vector<fhir::Identifier> free, FreeOf("Patient", identifiers, stored.size()));
    if (free.empty()) {
      return Error{Code::kConflict,
                   "held for matching: the person may be one who is known, and has no identifier "
                   "of their own",
                   change.where, hl7_code::kUnknownKeyIdentifier};
    }
    const size_t placed = AddNew(change, std::move(free));
    LeaveNumbersOfOthers(identified_.resources[placed], &change);
    GW_RETURN_IF_ERROR(AskWhetherSame(identified_.resources[placed].key.id,
                                      {kPatient + stored[best.candidate].key.id},
                                      std::string(best.reason), change.where));
    return placed;
  }

  // A record that this message says is merged into another one (A40): it stays itself.
  static bool IsLoser(const fhir::Element& patient) {
    for (const fhir::Element* link = patient.first_child(); link != nullptr; link = link->next()) {
      if (link->name() == "link" && link->TextAt("type") == "replaced-by") {
        return true;
      }
    }
    return false;
  }

  // Nobody here has one of the numbers. They may all the same be here under another sender's
  // number, or one that was superseded: a human is asked, and nobody is matched on a name.
  Result<size_t> PlaceUnknown(map::Change* change, std::vector<fhir::Identifier> claims) {
    const size_t placed = AddNew(*change, std::move(claims));
    LeaveNumbersOfOthers(identified_.resources[placed], change);
    if (!change->stub && !IsLoser(change->fragment.root())) {
      GW_TRY(std::vector<std::string> lookalikes, LookalikesOf(change->fragment, parts_));
      if (!lookalikes.empty()) {
        GW_RETURN_IF_ERROR(
            AskWhetherSame(identified_.resources[placed].key.id, std::move(lookalikes),
                           "name and birth date agree, no number is shared", change->where));
      }
    }
    return placed;
  }

  // The numbers of one person lead to several records that no merge has joined.
  Status AskAboutOthers(const std::string& where, const std::vector<identity::Match>& matches,
                        const std::vector<fhir::StoredResource>& stored) {
    if (matches.size() < 2) {
      return {};
    }
    const std::string& patient = stored[matches.front().candidate].key.id;
    GW_TRY(const std::string end, links_.EndOf(patient));
    std::vector<std::string> others;
    for (size_t i = 1; i < matches.size(); ++i) {
      const std::string& other = stored[matches[i].candidate].key.id;
      GW_TRY(const std::string other_end, links_.EndOf(other));
      if (matches[i].grade != identity::Grade::kCertainlyNot && other_end != end) {
        others.push_back(kPatient + other);
      }
    }
    if (!others.empty() && map::SaysWhoSees(*changes_)) {
      return Error{Code::kConflict,
                   "held for matching: the numbers lead to several records, and what is said of "
                   "sharing must bind them all",
                   where, hl7_code::kUnknownKeyIdentifier};
    }
    return others.empty() ? Status()
                          : AskWhetherSame(patient, std::move(others),
                                           "one message names them by numbers of both", where);
  }

  // What a record says that was merged into another is said of the one that counts; the numbers of
  // the merged record stay its own.
  Status FollowLinks(map::Change* change, fhir::StoredResource* stored, fhir::Resource* candidate) {
    GW_TRY(const std::string end, links_.EndOf(stored->key.id));
    if (end == stored->key.id) {
      return {};
    }
    GW_TRY(*stored, parts_.store.Current({"Patient", end}));
    const IdentifierSet merged(IdentifiersOf(candidate->root()));
    GW_TRY(*candidate, fhir::ParseJson(stored->json, parts_.definitions, parts_.limits));
    const IdentifierSet kept(IdentifiersOf(candidate->root()));
    fhir::Element& fragment = change->fragment.root();
    for (fhir::Element* child = fragment.first_child(); child != nullptr;) {
      fhir::Element* next = child->next();
      const fhir::Identifier one{std::string(child->TextAt("system")),
                                 std::string(child->TextAt("value"))};
      if (child->name() == "identifier" && merged.Has(one) && !kept.Has(one)) {
        fragment.Remove(child);
      }
      child = next;
    }
    return {};
  }

  // A Task that asks a human whether Patients are one person.
  Status AskWhetherSame(const std::string& patient, std::vector<std::string> others,
                        std::string reason, const std::string& where) {
    identified_.remarks.push_back({'W', "possible-match", where, reason});
    others.push_back(kPatient + patient);
    const Review review{"possible-match", "Are these records of the same person?",
                        std::move(reason), patient, std::move(others)};
    return AskOnce(review, where);
  }

  Status AskOnce(const Review& review, const std::string& where) {
    GW_TRY(std::optional<map::Change> task, Ask(review, parts_, now_, where));
    if (task) {
      asked_.push_back(*std::move(task));
    }
    return {};
  }

  // The merge that a change speaks of: no cycle, and two plans in force are a human's to join.
  Status Merge(size_t index) {
    const map::Change& change = (*changes_)[index];
    const std::string survivor = change.fragment.type() == "Patient"
                                     ? PersonLinks::ReplacedBy(change.fragment.root())
                                     : std::string();
    if (survivor.empty()) {
      return {};
    }
    const Known& loser = identified_.resources[identified_.of_change[index]];
    GW_TRY(const bool is_link, links_.Merge(loser.key.id, survivor, change.where));
    if (!is_link) {
      DropLinks(loser.key.id, survivor);
    }
    GW_RETURN_IF_ERROR(AskAboutMerge(loser, survivor, change.where));
    GW_TRY(const std::vector<std::string> records, links_.SetOf(survivor));
    GW_TRY(std::vector<std::string> plans, ActivePlansOf(records, parts_));
    if (plans.size() < 2) {
      return {};
    }
    identified_.remarks.push_back({'W', "merged-plans", change.where,
                                   "the merged records have more than one active care plan"});
    return AskOnce({"merged-plans", "Which care plan goes on, after records were merged?",
                    "the merged records have more than one active care plan", records.front(),
                    std::move(plans)},
                   change.where);
  }

  // The links of a merge that a chain holds already, on both sides: one alone, or one beside the
  // chain, would say otherwise.
  void DropLinks(const std::string& loser, const std::string& survivor) {
    for (size_t index = 0; index < identifiers_.size(); ++index) {
      const fhir::Key& key = identified_.resources[identified_.of_change[index]].key;
      const std::string* other = key.type != "Patient" ? nullptr
                                 : key.id == loser     ? &survivor
                                 : key.id == survivor  ? &loser
                                                       : nullptr;
      fhir::Element& patient = (*changes_)[index].fragment.root();
      for (fhir::Element* link = patient.first_child(); other != nullptr && link != nullptr;) {
        fhir::Element* next = link->next();
        if (link->name() == "link" && link->TextAt("other.reference") == kPatient + *other) {
          patient.Remove(link);
        }
        link = next;
      }
    }
  }

  // A merge is done as it is asked for; where the records look like two persons a human is asked.
  Status AskAboutMerge(const Known& loser, const std::string& survivor, const std::string& where) {
    for (const Known& known : identified_.resources) {
      if (known.key == fhir::Key{"Patient", survivor} && known.current && loser.current &&
          identity::LookUnlike(*known.current, *loser.current)) {
        identified_.remarks.push_back({'W', "doubtful-merge", where,
                                       "birth date and family name of the merged records differ"});
        return AskOnce({"doubtful-merge",
                        "Are the merged records of the same person?",
                        "birth date and family name both differ",
                        survivor,
                        {kPatient + survivor, kPatient + loser.key.id}},
                       where);
      }
    }
    return {};
  }

  // A resource stays with the record that it was made for: a message that speaks of the person by
  // another record of theirs means the same person.
  Status StayAtHome(const Known& known, fhir::Element* element) {
    if (known.version == 0 || known.home.empty() || known.key.type == "Patient") {
      return {};
    }
    for (fhir::Element* child = element->first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "reference" && child->text().starts_with(kPatient)) {
        const std::string person(child->text().substr(kPatient.size()));
        GW_TRY(const std::string end, links_.EndOf(person));
        GW_TRY(const std::string home_end, links_.EndOf(known.home));
        if (person != known.home && end == home_end) {
          child->SetText(kPatient + known.home);
        }
      }
      GW_RETURN_IF_ERROR(StayAtHome(known, child));
    }
    return {};
  }

  // What is linked, or said to stand as it is, is not altered, so nothing later compares whose it
  // is: a reference to another person's resource would tell this person's readers of it. To take
  // such a reference away again is allowed.
  static Status LinkOwn(const Known& known, const map::Change& change) {
    const bool refers =
        change.action == map::Action::kLink || change.action == map::Action::kUnchanged;
    if (!refers || known.version == 0 || known.home.empty() || known.key.type == "Patient") {
      return {};
    }
    for (const std::string_view name : {"subject", "patient"}) {
      const fhir::Element* person = change.fragment.root().Child(name);
      const std::string_view said = person == nullptr ? "" : person->TextAt("reference");
      if (said.starts_with(kPatient) && said.substr(kPatient.size()) != known.home) {
        return Error{Code::kConflict, "what it refers to is in the record of another person",
                     change.where, hl7_code::kUnknownKeyIdentifier};
      }
    }
    return {};
  }

  // Those of the identifiers by which nothing but `key` is found, each once.
  Result<std::vector<fhir::Identifier>> OwnOf(const fhir::Key& key,
                                              const std::vector<fhir::Identifier>& identifiers) {
    std::vector<fhir::Identifier> own;
    IdentifierSet asked;
    for (const fhir::Identifier& identifier : identifiers) {
      if (!asked.Add(identifier)) {
        continue;
      }
      GW_TRY(const std::vector<fhir::StoredResource> holders,
             parts_.store.Find(key.type, {&identifier, 1}));
      const bool is_free =
          std::all_of(holders.begin(), holders.end(),
                      [&key](const fhir::StoredResource& holder) { return holder.key == key; });
      if (is_free) {
        own.push_back(identifier);
      }
    }
    return own;
  }

  // The identifiers of a new resource that no other one has, each once. `found`: how many resources
  // are found by them.
  Result<std::vector<fhir::Identifier>> FreeOf(std::string_view type,
                                               const std::vector<fhir::Identifier>& identifiers,
                                               size_t found) {
    if (found != 0) {
      return OwnOf({std::string(type), ""}, identifiers);
    }
    std::vector<fhir::Identifier> free;
    IdentifierSet seen;
    for (const fhir::Identifier& identifier : identifiers) {
      if (seen.Add(identifier)) {
        free.push_back(identifier);
      }
    }
    return free;
  }

  // A number that another record is found by stays that record's alone: a Patient that kept it as
  // well would be taken for the other one.
  void LeaveNumbersOfOthers(const Known& known, map::Change* change) {
    if (change->fragment.type() != "Patient") {
      return;
    }
    const IdentifierSet claims(known.claims);
    fhir::Element& patient = change->fragment.root();
    for (fhir::Element* child = patient.first_child(); child != nullptr;) {
      fhir::Element* next = child->next();
      const fhir::Identifier one{std::string(child->TextAt("system")),
                                 std::string(child->TextAt("value"))};
      if (child->name() == "identifier" && !one.value.empty() && !claims.Has(one)) {
        patient.Remove(child);
        identified_.remarks.push_back({'W', "number-of-other", change->where,
                                       "a number that belongs to another record was left out"});
      }
      child = next;
    }
  }

  size_t AddNew(const map::Change& change, std::vector<fhir::Identifier> claims) {
    Known known;
    known.key = {std::string(change.fragment.type()), crypto::Uuid7(now_.unix_us / 1000)};
    known.claims = std::move(claims);
    return Keep(change, std::move(known));
  }

  // `found`: how many resources are found by the identifiers.
  Result<size_t> AddKnown(map::Change* change, const std::vector<fhir::Identifier>& identifiers,
                          const fhir::StoredResource& stored, fhir::Resource current,
                          size_t found) {
    Known known;
    known.key = stored.key;
    known.version = stored.version;
    known.home = stored.persons.empty() ? std::string() : stored.persons.front();
    known.claims = IdentifiersOf(current.root());
    const IdentifierSet asked(identifiers);
    const bool all_asked =
        std::all_of(known.claims.begin(), known.claims.end(),
                    [&asked](const fhir::Identifier& own) { return asked.Has(own); });
    IdentifierSet claims(known.claims);
    for (const fhir::Identifier& identifier : identifiers) {
      if (claims.Add(identifier)) {
        known.claims.push_back(identifier);
      }
    }
    if (found != 1 || !all_asked) {
      GW_TRY(known.claims, OwnOf(known.key, known.claims));
    }
    GW_TRY(known.written, LastWritten(known.key, &parts_.store));
    LeaveNumbersOfOthers(known, change);
    known.current.emplace(std::move(current));
    return Keep(*change, std::move(known));
  }

  size_t Keep(const map::Change& change, Known known) {
    const auto [place, is_new] =
        places_.emplace(known.key.type + "/" + known.key.id, identified_.resources.size());
    if (is_new) {
      for (const fhir::Identifier& claim : known.claims) {
        claimed_.emplace(ClaimKey(known.key.type, claim), place->second);
      }
      identified_.resources.push_back(std::move(known));
    }
    Link(change, place->second);
    return place->second;
  }

  void Link(const map::Change& change, size_t index) {
    if (!change.full_url.empty()) {
      const fhir::Key& key = identified_.resources[index].key;
      references_[change.full_url] = key.type + "/" + key.id;
    }
  }

  // urn:uuid references become the logical ids of what they name.
  Status Refer(fhir::Element* element, const std::string& where) {
    if (element->type().name() == "Reference") {
      GW_RETURN_IF_ERROR(ReferToPersonOf(element, where));
    }
    for (fhir::Element* child = element->first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "reference" && child->text().starts_with("urn:uuid:")) {
        const auto found = references_.find(std::string(child->text()));
        if (found == references_.end()) {
          return Error{Code::kInternal, "a map refers to a resource that it did not make", where,
                       0};
        }
        child->SetText(found->second);
      }
      GW_RETURN_IF_ERROR(Refer(child, where));
    }
    return {};
  }

  // A reference to the person whom another resource concerns: the store knows who that is.
  Status ReferToPersonOf(fhir::Element* reference, const std::string& where) {
    for (const fhir::Element* mark = reference->first_child(); mark != nullptr;
         mark = mark->next()) {
      if (mark->name() != "extension" || mark->TextAt("url") != map::kPersonOfMark) {
        continue;
      }
      const auto named = references_.find(std::string(mark->TextAt("value")));
      const std::string home = named == references_.end() ? std::string() : HomeOf(named->second);
      if (home.empty()) {
        return Error{Code::kNotFound,
                     "held for matching: no person is named, and nothing here has the number that "
                     "says whose it is",
                     where, hl7_code::kUnknownKeyIdentifier};
      }
      reference->Clear("extension");
      reference->Clear("display");
      GW_TRY([[maybe_unused]] fhir::Element * text, reference->Add("reference", kPatient + home));
      return {};
    }
    return {};
  }

  std::string HomeOf(std::string_view reference) const {
    const auto found = places_.find(std::string(reference));
    return found == places_.end() ? std::string() : identified_.resources[found->second].home;
  }

  std::vector<map::Change>* changes_;
  // Of each change as it was given.
  std::vector<std::vector<fhir::Identifier>> identifiers_;
  std::vector<std::vector<fhir::StoredResource>> stored_;
  const Parts& parts_;
  Instant now_;
  PersonLinks links_;
  std::vector<map::Change> asked_;  // review Tasks
  Identified identified_;
  std::unordered_map<std::string, size_t> places_;   // "Type/id" -> index into resources
  std::unordered_map<std::string, size_t> claimed_;  // ClaimKey -> index of the first that claims
  std::unordered_map<std::string, std::string> references_;
};

}  // namespace

std::vector<fhir::Identifier> IdentifiersOf(const fhir::Element& resource) {
  std::vector<fhir::Identifier> identifiers;
  for (const fhir::Element* child = resource.first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "identifier" && !child->TextAt("value").empty()) {
      identifiers.push_back(
          {std::string(child->TextAt("system")), std::string(child->TextAt("value"))});
    }
  }
  return identifiers;
}

Result<Identified> Identify(std::vector<map::Change>* changes, const Parts& parts, Instant now) {
  return Identification(changes, parts, now).Run();
}

}  // namespace gw::flow
