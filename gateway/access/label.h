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
// decision 7), those of DocumentReference.securityLabel, Composition.confidentiality and contained
// resources included. Equal texts, equal decisions. Text form: "Condition R PSY@v3-ActCode ..."
// (one blank between, label codes with their system's name); after the type "+Medication" for each
// type contained, and "~text" where a narrative may repeat what the resource refers to.
std::string LabelClassOf(const fhir::Resource& resource);

// Ids of all Patients that a resource concerns or names, the subject first: the Patient itself, and
// each reference "Patient/<id>" at any depth, contained resources included. A RelatedPerson,
// Consent and the like concern their patient.
std::vector<std::string> PersonsOf(const fhir::Resource& resource);

// Labels resources on the way in by code sets (profiles/labels/*.json): a resource with a
// Coding of a set at any depth (a Condition.code, a contained resource's) gets the set's
// v3-ActCode sensitivity and v3-Confidentiality R. Labels that are there stay.
// Immutable; any thread.
class Labeller {
 public:
  // Errors: kInvalid, where = file.
  static Result<Labeller> Load(const std::string& directory);
  Labeller(Labeller&&) noexcept;
  ~Labeller();
  // Adds missing labels to meta.security. Returns how many.
  Result<int> Label(fhir::Resource* resource) const;
  struct Sets;

 private:
  explicit Labeller(std::unique_ptr<Sets> sets);
  std::unique_ptr<Sets> sets_;
};

// Is this Consent one that the engine can enforce (consent.md decision 2)? A Consent that fails is
// refused at the door. Errors: kUnprocessable, where = FHIRPath, detail = what is not understood.
Status CheckConsent(const fhir::Resource& consent, const fhir::Definitions& definitions,
                    const Limits& limits);

}  // namespace gw::access
