// Narratives: what our own scanner takes for well formed, libxml2 does too.
#include "gateway/fhir/resource.h"
#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  std::string_view div = fuzz::Text(data, size);
  if (!fhir::CheckNarrative(div, Limits{}).ok()) {
    return 0;
  }
  const std::string xml =
      "<Basic xmlns=\"http://hl7.org/fhir\"><text>" + std::string(div) + "</text></Basic>";
  fuzz::Require(fhir::ParseXml(xml, fuzz::R4(), Limits{}).ok(), "a narrative that holds reads");
  return 0;
}
