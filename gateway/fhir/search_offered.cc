#include <algorithm>
#include <array>

#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

constexpr auto kOffered = std::to_array<OfferedParameters>({
    {"AllergyIntolerance",
     "category clinical-status code criticality date identifier last-date onset patient type "
     "verification-status"},
    {"Appointment",
     "actor appointment-type based-on date identifier location part-status patient practitioner "
     "reason-code service-category service-type specialty status"},
    {"AuditEvent", "agent date outcome patient"},
    {"CarePlan", "category date identifier patient status subject"},
    {"CareTeam", "category date identifier patient status subject"},
    {"Communication", "category identifier patient received sent status subject"},
    {"Condition",
     "abatement-date category clinical-status identifier onset-date patient recorded-date subject "
     "verification-status"},
    {"Consent", "category date identifier patient period status"},
    {"DiagnosticReport",
     "based-on category code conclusion date encounter identifier issued patient performer result "
     "results-interpreter specimen status subject"},
    {"DocumentReference", "category date identifier patient period status subject type"},
    {"Encounter", "class date identifier patient status subject type"},
    {"Flag", "author date encounter identifier patient subject"},
    {"Goal",
     "achievement-status category identifier lifecycle-status patient start-date subject "
     "target-date"},
    {"MedicationRequest",
     "authoredon code date encounter identifier intent patient priority requester status subject"},
    {"Observation", "category code date identifier patient status subject"},
    {"Organization", "active identifier type"},
    {"Patient", "active birthdate death-date identifier"},
    {"Practitioner", "active identifier"},
    {"PractitionerRole",
     "active date identifier location organization practitioner role service specialty"},
    {"Procedure",
     "based-on category code date encounter identifier part-of patient performer reason-code "
     "status subject"},
    {"Provenance", "patient recorded target when"},
    {"QuestionnaireResponse",
     "author authored based-on encounter identifier part-of patient questionnaire source status "
     "subject"},
    {"RelatedPerson", "active birthdate identifier patient relationship"},
    {"ServiceRequest",
     "authored based-on category code encounter identifier intent occurrence patient performer "
     "performer-type priority requester requisition specimen status subject"},
    {"Specimen",
     "accession bodysite collected collector identifier parent patient status subject type"},
    {"Task", "authored-on business-status code identifier modified patient period status subject"},
});

}  // namespace

std::span<const OfferedParameters> AllOffered() { return kOffered; }

bool IsOffered(std::string_view type, std::string_view code) {
  const auto* found =
      std::find_if(kOffered.begin(), kOffered.end(),
                   [type](const OfferedParameters& entry) { return entry.type == type; });
  if (found == kOffered.end()) {
    return false;
  }
  if (code == "_id" || code == "_lastUpdated") {
    return true;
  }
  std::string_view rest = found->codes;
  while (!rest.empty()) {
    const size_t blank = rest.find(' ');
    if (rest.substr(0, blank) == code) {
      return true;
    }
    rest = blank == std::string_view::npos ? "" : rest.substr(blank + 1);
  }
  return false;
}

std::optional<ReferenceText> SplitReference(std::string_view reference,
                                            const Definitions& definitions) {
  if (reference.empty() || reference.front() == '#') {
    return std::nullopt;
  }
  const size_t slash = reference.find('/');
  const std::string_view type = reference.substr(0, slash);
  const TypeDef* known = definitions.Find(type);
  if (slash == std::string_view::npos || known == nullptr || known->kind() != Kind::kResource) {
    return ReferenceText{{}, reference};
  }
  const std::string_view rest = reference.substr(slash + 1);
  const std::string_view id = rest.substr(0, rest.find("/_history/"));
  return IsLexicalForm(Primitive::kId, id) ? ReferenceText{type, id} : ReferenceText{{}, reference};
}

}  // namespace gw::fhir
