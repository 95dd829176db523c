// FHIR JSON: what is accepted is written as JSON that reads as the same, and as XML that reads.
#include "gateway/fhir/resource.h"
#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  const Limits limits;
  const auto read = fhir::ParseJson(fuzz::Text(data, size), fuzz::R4(), limits);
  if (!read) {
    return 0;
  }
  std::string json;
  fhir::WriteJson(*read, &json);
  const auto again = fhir::ParseJson(json, fuzz::R4(), limits);
  fuzz::Require(again.ok(), "written JSON reads");
  std::string twice;
  fhir::WriteJson(*again, &twice);
  fuzz::Require(json == twice, "written JSON reads as the same");
  std::string xml;
  fhir::WriteXml(*read, &xml);
  const auto of_xml = fhir::ParseXml(xml, fuzz::R4(), limits);
  fuzz::Require(of_xml.ok() || of_xml.error().code == Code::kTooLarge, "written XML reads");
  return 0;
}
