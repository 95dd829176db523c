// FHIRPath text, in both modes, evaluated on a small resource.
#include "gateway/fhir/path/path.h"
#include "tests/fuzz/fuzzing.h"

namespace {

const gw::fhir::Resource& Sample() {
  static const gw::fhir::Resource kSample = *gw::fhir::ParseJson(
      R"({"resourceType":"Patient","id":"p","active":true,"name":[{"use":"official","family":"F",)"
      R"("given":["A","B"]},{"text":"x"}],"birthDate":"1950-01-02","multipleBirthInteger":2,)"
      R"("contained":[{"resourceType":"Observation","id":"o","status":"final",)"
      R"("valueQuantity":{"value":1.50,"unit":"mg","system":"http://unitsofmeasure.org",)"
      R"("code":"mg"}}],"managingOrganization":{"reference":"#o"}})",
      gw::fuzz::R4(), gw::Limits{});
  return kSample;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  using fhir::path::Expression;
  for (const fhir::path::Mode mode : {fhir::path::Mode::kLenient, fhir::path::Mode::kStrict}) {
    const auto expression = Expression::Compile(fuzz::Text(data, size), fuzz::R4(), mode);
    if (!expression) {
      continue;
    }
    Arena arena;
    fhir::path::Environment environment;
    environment.arena = &arena;
    environment.definitions = &fuzz::R4();
    environment.resource = &Sample().root();
    environment.root_resource = &Sample().root();
    static_cast<void>(expression->Evaluate(&Sample().root(), environment).ok());
  }
  return 0;
}
