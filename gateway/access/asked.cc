#include <algorithm>

#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

constexpr std::string_view kPatientPrefix = "Patient/";

// consent.md decision 10.
uint8_t ActionOf(Interaction interaction) {
  switch (interaction) {
    case Interaction::kRead:
    case Interaction::kVread:
    case Interaction::kSearch:
      return kActionAccess;
    case Interaction::kCreate:
      return kActionCollect;
    case Interaction::kUpdate:
      return kActionCorrect;
  }
  return kActionUnknown;
}

// Whose own record it is, where a patient asks for himself: the user is that Patient, or the token
// knows of nobody else (no organisation, no practitioner, no role but that of patient).
std::string_view SelfOf(const Principal& principal) {
  if (!principal.related_person.empty() || !principal.organization.value.empty() ||
      !principal.practitioner.value.empty()) {
    return {};
  }
  const bool only_patient =
      std::all_of(principal.roles.begin(), principal.roles.end(),
                  [](std::string_view role) { return role == "PAT" || role == "patient"; });
  if (!only_patient) {
    return {};
  }
  const std::string_view user = principal.user;
  if (user.starts_with(kPatientPrefix)) {
    return user.substr(kPatientPrefix.size());
  }
  return user.empty() ? std::string_view(principal.patient) : std::string_view();
}

bool HasPrefix(const Asked& asked, std::string_view prefix) {
  const std::vector<std::string>& references = asked.actor.references;
  return asked.principal.user.starts_with(prefix) ||
         std::any_of(references.begin(), references.end(), [prefix](std::string_view reference) {
           return reference.starts_with(prefix);
         });
}

bool HasClinicalRole(const Principal& principal, const PolicySettings& policy) {
  return std::any_of(
      principal.roles.begin(), principal.roles.end(), [&policy](const std::string& role) {
        return std::find(policy.clinical_roles.begin(), policy.clinical_roles.end(), role) !=
               policy.clinical_roles.end();
      });
}

void ReadPurpose(Asked* asked) {
  const std::string_view text = asked->principal.purpose;
  const fhir::Definitions& definitions = asked->definitions;
  if (const size_t bar = text.find('|'); bar != std::string_view::npos) {
    const std::vector<std::string>& registered = asked->policy.registered_purposes;
    asked->purpose_system = text.substr(0, bar);
    asked->purpose = text.substr(bar + 1);
    asked->purpose_known =
        std::find(registered.begin(), registered.end(), text) != registered.end();
    return;
  }
  asked->purpose_system = kActReason;
  asked->purpose = text;
  const auto is = [&](std::string_view ancestor) {
    return !text.empty() && definitions.Subsumes(kActReason, ancestor, text);
  };
  // PurposeOfUse itself is the heading of the hierarchy and says nothing.
  asked->purpose_known = is("PurposeOfUse") && text != "PurposeOfUse";
  asked->purpose_of_hierarchy = asked->purpose_known;
  asked->treatment = is("TREAT");
  asked->individual_care = asked->treatment && !is("POPHLTH");
  asked->emergency = is("ETREAT");
  asked->break_glass = is("BTG");
  asked->research = is("HRESCH");
}

}  // namespace

Asked::Asked(const Permit& permit_in, const Actor& actor_in, const PolicySettings& policy_in,
             const fhir::Definitions& definitions_in, Instant now)
    : principal(permit_in.principal()),
      actor(actor_in),
      policy(policy_in),
      definitions(definitions_in),
      now_us(now.unix_us),
      action(ActionOf(permit_in.interaction())),
      within(permit_in.compartment()),
      auditor(permit_in.auditor()),
      type(permit_in.type()) {
  patient = SelfOf(principal);
  if (!principal.related_person.empty()) {
    caller = Caller::kProxy;
    proxy_reference = "RelatedPerson/" + principal.related_person;
    proxy_valid = std::find(actor.references.begin(), actor.references.end(), proxy_reference) !=
                  actor.references.end();
  } else if (!patient.empty()) {
    caller = Caller::kPatient;
  }
  for (const std::string_view bar : policy.absolute_bars) {
    const size_t separator = bar.find('|');
    bars.push_back(separator == std::string_view::npos
                       ? std::string(bar)
                       : LabelText({bar.substr(0, separator), bar.substr(separator + 1)}));
  }
  ReadPurpose(this);
  clinical = HasClinicalRole(principal, policy);
  has_organization = HasPrefix(*this, "Organization/");
  has_practitioner = HasPrefix(*this, "Practitioner/");
}

bool Asked::Names(std::string_view reference) const {
  return principal.user == reference || std::find(actor.references.begin(), actor.references.end(),
                                                  reference) != actor.references.end();
}

}  // namespace gw::access
