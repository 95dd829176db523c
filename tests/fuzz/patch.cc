// Both forms of patch: a JSON Patch where the bytes begin with "[", else Parameters of FHIRPath
// Patch. What a patch makes is a resource that is written and read.
#include "gateway/fhir/patch.h"

#include "tests/fuzz/fuzzing.h"

namespace {

const gw::fhir::Resource& Sample() {
  static const gw::fhir::Resource kSample = *gw::fhir::ParseJson(
      R"({"resourceType":"Patient","id":"p","active":true,"name":[{"family":"F","given":["A",)"
      R"("B"]}],"birthDate":"1950-01-02","_birthDate":{"id":"b"}})",
      gw::fuzz::R4(), gw::Limits{});
  return kSample;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  const Limits limits;
  const std::string_view text = fuzz::Text(data, size);
  Result<fhir::Resource> patched = Error{};
  if (text.starts_with('[')) {
    static_cast<void>(fhir::PatchJson(R"({"a":[1,{"b":null}],"c":"d"})", text, limits).ok());
    patched = fhir::ApplyJsonPatch(Sample(), text, fuzz::R4(), limits);
  } else if (const auto parameters = fhir::ParseJson(text, fuzz::R4(), limits); parameters) {
    patched = fhir::ApplyFhirPathPatch(Sample(), *parameters, fuzz::R4(), limits);
  }
  if (patched) {
    std::string json;
    fhir::WriteJson(*patched, &json);
    fuzz::Require(fhir::ParseJson(json, fuzz::R4(), limits).ok(), "what was patched reads");
  }
  return 0;
}
