// What a row of the store holds: any bytes are refused, or read and written back the same.
#include "gateway/store/terms.h"

#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  store::Terms terms;
  if (!store::UnpackTerms(fuzz::Text(data, size), &terms)) {
    return 0;
  }
  fuzz::Require(terms.rows.size() + terms.claims.size() + terms.compartments.size() <= size,
                "nothing is read of no bytes");
  const std::string packed = store::PackTerms(terms);
  store::Terms again;
  fuzz::Require(store::UnpackTerms(packed, &again).ok(), "what is packed reads");
  fuzz::Require(store::PackTerms(again) == packed, "what was read is packed the same");
  fuzz::Require(again.rows.size() == terms.rows.size(), "no row is lost");
  return 0;
}
