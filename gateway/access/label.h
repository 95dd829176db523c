#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::access {

// The label class of a resource: its type and its security labels, sorted, codes of table 0177 and
// the official v2-to-FHIR guide's read as the v3-ActCode sensitivities they mean (consent.md
// decision 7). Equal texts, equal decisions. Text form: "Condition R PSY@v3-ActCode ..." (one blank
// between, label codes with their system's name).
std::string LabelClassOf(const fhir::Resource& resource);

// Ids of all Patients that a resource concerns or names, the subject first: the Patient itself, and
// each reference "Patient/<id>" at any depth, contained resources included. A RelatedPerson,
// Consent and the like concern their patient.
std::vector<std::string> PersonsOf(const fhir::Resource& resource);

// Labels resources on the way in by code sets (profiles/labels/*.json): a Condition whose code is
// in a set gets the set's sensitivity and v3-Confidentiality R. Labels that are there stay.
// Immutable; any thread.
class Labeller {
 public:
  // Errors: kInvalid, where = file.
  static Result<Labeller> Load(const std::string& directory);
  Labeller(Labeller&&) noexcept;
  ~Labeller();
  // Adds missing labels to meta.security. Returns how many.
  Result<int> Label(fhir::Resource* resource) const;

 private:
  struct Sets;
  explicit Labeller(std::unique_ptr<Sets> sets);
  std::unique_ptr<Sets> sets_;
};

// Is this Consent one that the engine can enforce (consent.md decision 2)? A Consent that fails is
// refused at the door. Errors: kUnprocessable, where = FHIRPath, detail = what is not understood.
Status CheckConsent(const fhir::Resource& consent, const fhir::Definitions& definitions,
                    const Limits& limits);

}  // namespace gw::access
