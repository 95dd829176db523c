#include "gateway/access/access.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

Decision Explained(const Verdict& verdict, std::string_view person) {
  Decision decision;
  decision.permit = verdict.permit;
  decision.reason = NameOf(verdict.reason);
  decision.person = person;
  decision.provision = verdict.provision;
  if (verdict.consent != nullptr) {
    decision.consent = verdict.consent->id;
    decision.version = verdict.consent->version;
  }
  return decision;
}

void Record(Decision decision, std::vector<Decision>* decisions) {
  const auto same = [&decision](const Decision& other) {
    return other.permit == decision.permit && other.person == decision.person &&
           other.reason == decision.reason && other.consent == decision.consent &&
           other.version == decision.version && other.provision == decision.provision;
  };
  if (std::none_of(decisions->begin(), decisions->end(), same)) {
    decisions->push_back(std::move(decision));
  }
}

Decision DecideOne(const Judge& judge, std::span<const PersonConsents> consents,
                   const std::string& person, std::string_view label_class) {
  const auto found =
      std::find_if(consents.begin(), consents.end(),
                   [&person](const PersonConsents& one) { return one.person == person; });
  if (found == consents.end()) {
    return Explained(Verdict{false, Reason::kUnavailable, nullptr, {}}, person);
  }
  return judge.DecideByAll(person, found->consents, label_class);
}

// Every person is asked, so that the log tells of each.
bool ForAllPersons(const Judge& judge, std::span<const PersonConsents> consents,
                   const fhir::StoredResource& resource, std::vector<Decision>* decisions) {
  bool permit = resource.key.type == judge.permit().type();
  if (resource.persons.empty()) {
    return permit && judge.PermitsUnattributed(resource.key.type);
  }
  for (const std::string& person : resource.persons) {
    Decision decision = DecideOne(judge, consents, person, resource.label_class);
    permit = permit && decision.permit;
    Record(std::move(decision), decisions);
  }
  return permit;
}

// Who a person is stands in each Patient of records that are one: the labels of each hold for all.
Verdict VerdictOn(const Asked& asked, std::string_view person, const ConsentSet::Compiled& consents,
                  std::string_view label_class) {
  Verdict verdict = DecideFor(asked, person, consents, label_class);
  const bool is_patient = label_class.substr(0, label_class.find(' ')) == "Patient";
  if (!is_patient || !verdict.permit || consents.patient_class.empty() ||
      consents.patient_class == label_class) {
    return verdict;
  }
  return DecideFor(asked, person, consents, consents.patient_class);
}

constexpr std::string_view kOperatorRole = "integration-engineer";

}  // namespace

Judge::Judge(const Permit& permit, const Actor& actor, const PolicySettings& policy,
             const fhir::Definitions& definitions, Instant now)
    : permit_(permit),
      asked_(std::make_unique<const Asked>(permit, actor, policy, definitions, now)) {}
Judge::Judge(Judge&&) noexcept = default;
Judge::~Judge() = default;

Decision Judge::Decide(std::string_view person, const ConsentSet& consents,
                       std::string_view label_class) const {
  return Explained(VerdictOn(*asked_, person, consents.compiled(), label_class), person);
}

Decision Judge::DecideByAll(std::string_view person,
                            std::span<const std::shared_ptr<const ConsentSet>> consents,
                            std::string_view label_class) const {
  std::optional<Decision> first;
  for (const std::shared_ptr<const ConsentSet>& one : consents) {
    Decision decision = one == nullptr
                            ? Explained(Verdict{false, Reason::kUnavailable, nullptr, {}}, person)
                            : Decide(person, *one, label_class);
    if (!decision.permit) {
      return decision;
    }
    if (!first) {
      first = std::move(decision);
    }
  }
  return first ? *std::move(first)
               : Explained(Verdict{false, Reason::kUnavailable, nullptr, {}}, person);
}

bool Judge::Permits(std::string_view person, const ConsentSet& consents,
                    std::string_view label_class) const {
  return VerdictOn(*asked_, person, consents.compiled(), label_class).permit;
}

bool Judge::PermitsUnattributed(std::string_view type) const {
  return !asked_->within && !asked_->auditor &&
         asked_->definitions.PatientCompartment(type).empty();
}

Disclosure Release(const Judge& judge, std::span<const PersonConsents> consents,
                   std::vector<fhir::StoredResource> found) {
  Disclosure disclosure;
  const auto withheld =
      std::remove_if(found.begin(), found.end(), [&](const fhir::StoredResource& resource) {
        return !ForAllPersons(judge, consents, resource, &disclosure.decisions_);
      });
  disclosure.withheld_ = static_cast<uint32_t>(found.end() - withheld);
  found.erase(withheld, found.end());
  disclosure.resources_ = std::move(found);
  return disclosure;
}

Disclosure Public(fhir::StoredResource resource) {
  Disclosure disclosure;
  if (resource.key.type != "CapabilityStatement" || !resource.persons.empty()) {
    disclosure.withheld_ = 1;
    return disclosure;
  }
  disclosure.resources_.push_back(std::move(resource));
  return disclosure;
}

Result<Disclosure> ReleaseLog(const Permit& permit, std::vector<fhir::StoredResource> events) {
  const bool only_events =
      std::all_of(events.begin(), events.end(),
                  [](const fhir::StoredResource& event) { return event.key.type == "AuditEvent"; });
  if (!permit.auditor() || permit.type() != "AuditEvent" || !only_events) {
    return Error{Code::kForbidden, "the access log is open to the role auditor only", "role"};
  }
  Disclosure disclosure;
  disclosure.resources_ = std::move(events);
  return disclosure;
}

Status AuthorizeOperator(const Principal& principal) {
  const auto& roles = principal.roles;
  if (std::find(roles.begin(), roles.end(), kOperatorRole) == roles.end()) {
    return Error{Code::kForbidden, "operations need the role integration-engineer", "role"};
  }
  return {};
}

Result<Disclosure> ReleaseOperation(const Principal& principal, std::string json) {
  GW_RETURN_IF_ERROR(AuthorizeOperator(principal));
  Disclosure disclosure;
  disclosure.resources_.emplace_back().json = std::move(json);
  return disclosure;
}

Disclosure Refuse(std::string outcome_json) {
  Disclosure disclosure;
  fhir::StoredResource outcome;
  outcome.key.type = "OperationOutcome";
  outcome.json = std::move(outcome_json);
  disclosure.resources_.push_back(std::move(outcome));
  return disclosure;
}

}  // namespace gw::access
