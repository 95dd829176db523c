#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/fhir/definitions.h"

// Each file of this folder that is named after a format is one target: what libFuzzer calls with
// bytes of any kind, under the sanitizers (`./dev fuzz`), and what every `./dev test` feeds the
// files of corpus/<target>/. A target looks for crashes, hangs and leaks, and for answers that
// contradict each other.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace gw::fuzz {

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the run where something that must hold does not.
inline void Require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

inline const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

}  // namespace gw::fuzz
