#include "gateway/flow/consents.h"

#include <algorithm>
#include <utility>

#include "gateway/fhir/resource.h"
#include "gateway/flow/person_links.h"

namespace gw::flow {
namespace {

constexpr size_t kRememberedMax = 50'000;
constexpr int kPartOfDepthMax = 8;
constexpr size_t kLinkedMax = 256;  // records of one person

// Organisation, then those it is part of; a cycle or a long chain ends the walk.
Status AddOrganizations(const fhir::StoredResource& first, const fhir::Definitions& definitions,
                        store::Store* store, access::Actor* actor) {
  fhir::StoredResource organization = first;
  for (int depth = 0; depth < kPartOfDepthMax; ++depth) {
    const std::string reference = "Organization/" + organization.key.id;
    if (std::find(actor->references.begin(), actor->references.end(), reference) !=
        actor->references.end()) {
      return {};
    }
    actor->references.push_back(reference);
    GW_TRY(const fhir::Resource resource,
           fhir::ParseJson(organization.json, definitions, Limits{}));
    const std::string_view parent = resource.root().TextAt("partOf.reference");
    constexpr std::string_view kPrefix = "Organization/";
    if (!parent.starts_with(kPrefix)) {
      return {};
    }
    Result<fhir::StoredResource> next =
        store->Current({"Organization", std::string(parent.substr(kPrefix.size()))});
    if (!next) {
      return next.error().code == Code::kNotFound ? Status() : Status(std::move(next).error());
    }
    organization = *std::move(next);
  }
  return {};
}

// A proxy counts only while the record that makes them one is active and in its period. Dates
// compare as text: an instant begins with its date, and a bound without a time holds for the whole
// of its day.
Status AddProxy(const std::string& id, const fhir::Definitions& definitions, Instant now,
                store::Store* store, access::Actor* actor) {
  const Result<fhir::StoredResource> stored = store->Current({"RelatedPerson", id});
  if (!stored) {
    return stored.error().code == Code::kNotFound ? Status() : Status(stored.error());
  }
  GW_TRY(const fhir::Resource person, fhir::ParseJson(stored->json, definitions, Limits{}));
  const std::string today = FormatInstant(now);
  const std::string_view start = person.root().TextAt("period.start").substr(0, 10);
  const std::string_view end = person.root().TextAt("period.end").substr(0, 10);
  const bool begun = start.empty() || start <= std::string_view(today).substr(0, start.size());
  const bool ended = !end.empty() && end < std::string_view(today).substr(0, end.size());
  if (person.root().TextAt("active") != "false" && begun && !ended) {
    actor->references.push_back("RelatedPerson/" + id);
  }
  return {};
}

}  // namespace

Result<ConsentBook::Remembered> ConsentBook::Own(std::string_view person, uint64_t policy_class) {
  std::string key(person);
  {
    const std::scoped_lock lock(mutex_);
    const auto found = remembered_.find(key);
    if (found != remembered_.end() && found->second.policy_class == policy_class) {
      return found->second;
    }
  }
  GW_TRY(const store::Consents read, store_.ConsentsOf(person));
  Remembered fresh;
  fresh.policy_class = read.policy_class;
  std::string patient_class;
  if (const Result<fhir::StoredResource> patient = store_.Current({"Patient", key}); patient) {
    GW_TRY(const fhir::Resource resource, fhir::ParseJson(patient->json, definitions_, limits_));
    fresh.links = PersonLinks::LinkedBy(resource.root());
    patient_class = patient->label_class;
  } else if (patient.error().code != Code::kNotFound) {
    return patient.error();
  }
  fresh.consents =
      access::ConsentSet::Compile(read.resources, patient_class, definitions_, limits_);
  const std::scoped_lock lock(mutex_);
  if (remembered_.size() >= kRememberedMax) {
    remembered_.clear();  // rare, and cheaper to fill again than to keep an order on every request
  }
  Remembered& kept = remembered_[std::move(key)];
  if (kept.policy_class <= fresh.policy_class) {
    kept = fresh;
  }
  return fresh;
}

Governing ConsentBook::Of(std::string_view person, uint64_t policy_class) {
  Result<Remembered> own = Own(person, policy_class);
  if (!own || own->consents == nullptr) {
    return {};
  }
  Governing governing = {std::move(own->consents)};
  std::vector<std::string> linked = std::move(own->links);
  for (size_t i = 0; i < linked.size(); ++i) {
    const Result<uint64_t> its_class = store_.PolicyClassOf(linked[i]);
    const Result<Remembered> other =
        its_class ? Own(linked[i], *its_class) : Result<Remembered>(its_class.error());
    if (!other || other->consents == nullptr || linked.size() > kLinkedMax) {
      return {};
    }
    governing.push_back(other->consents);
    for (const std::string& further : other->links) {
      if (further != person && std::find(linked.begin(), linked.end(), further) == linked.end()) {
        linked.push_back(further);
      }
    }
  }
  return governing;
}

Governing ConsentBook::Now(std::string_view person) {
  const Result<uint64_t> policy_class = store_.PolicyClassOf(person);
  return policy_class ? Of(person, *policy_class) : Governing();
}

bool ConsentVisibility::Sees(std::string_view person, uint64_t policy_class,
                             std::string_view label_class) const {
  const Governing governing = book_->Of(person, policy_class);
  return !governing.empty() &&
         std::all_of(governing.begin(), governing.end(), [&](const auto& consents) {
           return judge_.Permits(person, *consents, label_class);
         });
}

std::vector<access::PersonConsents> ConsentsFor(std::span<const fhir::StoredResource> found,
                                                ConsentBook* book) {
  std::vector<access::PersonConsents> consents;
  for (const fhir::StoredResource& resource : found) {
    for (const std::string& person : resource.persons) {
      const auto known =
          std::find_if(consents.begin(), consents.end(),
                       [&](const access::PersonConsents& one) { return one.person == person; });
      if (known == consents.end()) {
        consents.push_back({person, book->Now(person)});
      }
    }
  }
  return consents;
}

Result<access::Actor> ActorOf(const access::Principal& principal,
                              const fhir::Definitions& definitions, Instant now,
                              store::Store* store) {
  access::Actor actor;
  const auto add = [&](std::string_view type, const fhir::Identifier& identifier) -> Status {
    if (identifier.value.empty()) {
      return {};
    }
    actor.identifiers.push_back(identifier);
    GW_TRY(const std::vector<fhir::StoredResource> found, store->Find(type, {&identifier, 1}));
    for (const fhir::StoredResource& resource : found) {
      if (type == "Organization") {
        GW_RETURN_IF_ERROR(AddOrganizations(resource, definitions, store, &actor));
      } else {
        actor.references.push_back(std::string(type) + "/" + resource.key.id);
      }
    }
    return {};
  };
  GW_RETURN_IF_ERROR(add("Organization", principal.organization));
  GW_RETURN_IF_ERROR(add("Practitioner", principal.practitioner));
  if (!principal.patient.empty()) {
    actor.references.push_back("Patient/" + principal.patient);
  }
  if (!principal.related_person.empty()) {
    GW_RETURN_IF_ERROR(AddProxy(principal.related_person, definitions, now, store, &actor));
  }
  return actor;
}

Status AddLinkedRecords(const access::Principal& principal, const Parts& parts,
                        access::Actor* actor) {
  constexpr std::string_view kPatient = "Patient/";
  std::vector<std::string> named = {principal.patient};
  if (principal.user.starts_with(kPatient)) {
    named.push_back(principal.user.substr(kPatient.size()));
  }
  PersonLinks links(parts);
  for (const std::string& record : named) {
    if (record.empty() || actor->RecordsOf(record).size() > 1) {
      continue;
    }
    GW_TRY(std::vector<std::string> set, links.AgreedSetOf(record));
    if (set.size() > 1) {
      actor->one_person.push_back(std::move(set));
    }
  }
  return {};
}

}  // namespace gw::flow
