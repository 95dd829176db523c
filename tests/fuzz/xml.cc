// FHIR XML: what is accepted is written as XML that reads as the same, and as JSON that reads. The
// reading that goes on past faults finds none in it.
#include "gateway/fhir/resource.h"
#include "gateway/fhir/xml_faults.h"
#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  const Limits limits;
  const auto read = fhir::ParseXml(fuzz::Text(data, size), fuzz::R4(), limits);
  const auto past_faults = fhir::ReadXmlPastFaults(fuzz::Text(data, size), fuzz::R4(), limits);
  fuzz::Require(!read || (past_faults && past_faults->faults.empty()), "no fault where none is");
  if (!read) {
    return 0;
  }
  std::string xml;
  fhir::WriteXml(*read, &xml);
  const auto again = fhir::ParseXml(xml, fuzz::R4(), limits);
  fuzz::Require(again.ok(), "written XML reads");
  std::string json;
  fhir::WriteJson(*read, &json);
  std::string json_again;
  fhir::WriteJson(*again, &json_again);
  fuzz::Require(json == json_again, "written XML reads as the same");
  const auto of_json = fhir::ParseJson(json, fuzz::R4(), limits);
  fuzz::Require(of_json.ok() || of_json.error().code == Code::kTooLarge, "written JSON reads");
  return 0;
}
