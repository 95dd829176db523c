// The text form of the FHIR Mapping Language.
#include "gateway/map/fml/fml.h"

#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static_cast<void>(gw::map::ParseFml("fuzz.map", gw::fuzz::Text(data, size)).ok());
  return 0;
}
