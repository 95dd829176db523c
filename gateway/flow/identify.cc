#include "gateway/flow/identify.h"

#include <algorithm>
#include <unordered_map>

#include "gateway/base/crypto.h"
#include "gateway/identity/matcher.h"

namespace gw::flow {
namespace {

bool Contains(const std::vector<fhir::Identifier>& identifiers, const fhir::Identifier& one) {
  return std::find(identifiers.begin(), identifiers.end(), one) != identifiers.end();
}

// Everything that one run of Identify carries along.
class Identification {
 public:
  Identification(std::vector<map::Change>* changes, const Parts& parts, Instant now)
      : changes_(changes), parts_(parts), now_(now) {}

  Result<Identified> Run() {
    const size_t given = changes_->size();
    for (size_t index = 0; index < given; ++index) {
      GW_RETURN_IF_ERROR(Place(index));
    }
    for (size_t index = given; index < changes_->size(); ++index) {  // review Tasks
      identified_.of_change.push_back(AddNew((*changes_)[index], {}));
    }
    for (map::Change& change : *changes_) {
      GW_RETURN_IF_ERROR(Refer(&change.fragment.root(), change.where));
    }
    return std::move(identified_);
  }

 private:
  Status Place(size_t index) {
    const map::Change& change = (*changes_)[index];
    const std::vector<fhir::Identifier> identifiers = IdentifiersOf(change.fragment.root());
    if (identifiers.empty()) {
      identified_.of_change.push_back(AddNew(change, {}));
      return {};
    }
    if (const std::optional<size_t> same = FindHere(change, identifiers)) {
      identified_.of_change.push_back(*same);
      Link(change, *same);
      return {};
    }
    GW_TRY(std::vector<fhir::StoredResource> stored,
           parts_.store.Find(change.fragment.type(), identifiers));
    std::vector<fhir::Resource> candidates;
    for (const fhir::StoredResource& resource : stored) {
      GW_TRY(fhir::Resource candidate,
             fhir::ParseJson(resource.json, parts_.definitions, parts_.limits));
      candidates.push_back(std::move(candidate));
    }
    GW_TRY(const size_t placed, change.fragment.type() == "Patient"
                                    ? PlacePatient(index, identifiers, stored, &candidates)
                                    : PlaceByKey(change, identifiers, stored, &candidates));
    identified_.of_change.push_back(placed);
    return {};
  }

  // Another change of the same message is about the same resource.
  std::optional<size_t> FindHere(const map::Change& change,
                                 const std::vector<fhir::Identifier>& identifiers) const {
    for (size_t index = 0; index < identified_.resources.size(); ++index) {
      const Known& known = identified_.resources[index];
      if (known.key.type == change.fragment.type() && Contains(known.claims, identifiers.front())) {
        return index;
      }
    }
    return std::nullopt;
  }

  // The business key is the first identifier: what it names is the resource.
  Result<size_t> PlaceByKey(const map::Change& change,
                            const std::vector<fhir::Identifier>& identifiers,
                            const std::vector<fhir::StoredResource>& stored,
                            std::vector<fhir::Resource>* candidates) {
    for (size_t index = 0; index < stored.size(); ++index) {
      if (Contains(IdentifiersOf((*candidates)[index].root()), identifiers.front())) {
        return AddKnown(change, identifiers, stored[index], candidates, index);
      }
    }
    return AddNew(change, FreeOf(identifiers, *candidates));
  }

  Result<size_t> PlacePatient(size_t change_index, const std::vector<fhir::Identifier>& identifiers,
                              const std::vector<fhir::StoredResource>& stored,
                              std::vector<fhir::Resource>* candidates) {
    const map::Change& change = (*changes_)[change_index];
    const std::vector<identity::Match> matches = identity::Rank(change.fragment, *candidates);
    if (matches.empty()) {
      return AddNew(change, identifiers);
    }
    if (matches.front().grade == identity::Grade::kCertain) {
      return AddKnown(change, identifiers, stored[matches.front().candidate], candidates,
                      matches.front().candidate);
    }
    const std::vector<fhir::Identifier> free = FreeOf(identifiers, *candidates);
    if (free.empty()) {
      return Error{Code::kConflict,
                   "held for matching: the person may be one who is known, and has no identifier "
                   "of their own",
                   change.where, 204};
    }
    const size_t placed = AddNew(change, free);
    const std::string where = change.where;
    identified_.remarks.push_back(
        {'W', "possible-match", where, std::string(matches.front().reason)});
    GW_RETURN_IF_ERROR(AskForReview(identified_.resources[placed].key,
                                    stored[matches.front().candidate].key, where));
    return placed;
  }

  // A Task that asks a human whether two Patients are one person.
  Status AskForReview(const fhir::Key& patient, const fhir::Key& candidate,
                      const std::string& where) {
    GW_TRY(fhir::Resource task, fhir::Resource::Make("Task", parts_.definitions));
    fhir::Element& root = task.root();
    GW_TRY(fhir::Element * unused, root.Add("status", "requested"));
    GW_TRY(unused, root.Add("intent", "order"));
    GW_TRY(fhir::Element * code, root.Add("code"));
    GW_TRY(unused, code->Add("text", "Review: are these records of the same person?"));
    GW_TRY(fhir::Element * focus, root.Add("focus"));
    GW_TRY(unused, focus->Add("reference", "Patient/" + candidate.id));
    GW_TRY(fhir::Element * person, root.Add("for"));
    GW_TRY(unused, person->Add("reference", "Patient/" + patient.id));
    GW_TRY(unused, root.Add("authoredOn", FormatInstant(now_)));
    static_cast<void>(unused);
    changes_->push_back({map::Action::kAdd, std::move(task), "", where, false});
    return {};
  }

  static std::vector<fhir::Identifier> FreeOf(const std::vector<fhir::Identifier>& identifiers,
                                              const std::vector<fhir::Resource>& others) {
    std::vector<fhir::Identifier> free;
    for (const fhir::Identifier& identifier : identifiers) {
      const bool taken =
          std::any_of(others.begin(), others.end(), [&](const fhir::Resource& other) {
            return Contains(IdentifiersOf(other.root()), identifier);
          });
      if (!taken && !Contains(free, identifier)) {
        free.push_back(identifier);
      }
    }
    return free;
  }

  size_t AddNew(const map::Change& change, std::vector<fhir::Identifier> claims) {
    Known known;
    known.key = {std::string(change.fragment.type()), crypto::Uuid7(now_.unix_us / 1000)};
    known.claims = std::move(claims);
    return Keep(change, std::move(known));
  }

  size_t AddKnown(const map::Change& change, const std::vector<fhir::Identifier>& identifiers,
                  const fhir::StoredResource& stored, std::vector<fhir::Resource>* candidates,
                  size_t candidate) {
    Known known;
    known.key = stored.key;
    known.version = stored.version;
    known.home = stored.persons.empty() ? std::string() : stored.persons.front();
    known.claims = IdentifiersOf((*candidates)[candidate].root());
    fhir::Resource current = std::move((*candidates)[candidate]);
    candidates->erase(candidates->begin() + static_cast<ptrdiff_t>(candidate));
    for (const fhir::Identifier& identifier : FreeOf(identifiers, *candidates)) {
      if (!Contains(known.claims, identifier)) {
        known.claims.push_back(identifier);
      }
    }
    known.current.emplace(std::move(current));
    return Keep(change, std::move(known));
  }

  size_t Keep(const map::Change& change, Known known) {
    for (size_t index = 0; index < identified_.resources.size(); ++index) {
      if (identified_.resources[index].key == known.key) {
        Link(change, index);
        return index;
      }
    }
    identified_.resources.push_back(std::move(known));
    Link(change, identified_.resources.size() - 1);
    return identified_.resources.size() - 1;
  }

  void Link(const map::Change& change, size_t index) {
    if (!change.full_url.empty()) {
      const fhir::Key& key = identified_.resources[index].key;
      references_[change.full_url] = key.type + "/" + key.id;
    }
  }

  // urn:uuid references become the logical ids of what they name.
  Status Refer(fhir::Element* element, const std::string& where) {
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

  std::vector<map::Change>* changes_;
  const Parts& parts_;
  Instant now_;
  Identified identified_;
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
