#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"

namespace gw::bench {

// Resources as they come, which the micro benches read: a Patient of 0.5 KB, a CarePlan of 1.4 KB
// with two contained resources, an Observation of 0.9 KB. Valid.
extern const std::string_view kPatient;
extern const std::string_view kCarePlan;
extern const std::string_view kObservation;

const fhir::Definitions& R4();

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    std::abort();
  }
  return *std::move(result);
}

// The baseline of the micro benches: RapidJSON's event reader over the same bytes, checking the
// grammar and keeping nothing.
void BareParse(benchmark::State& state, std::string_view json);

}  // namespace gw::bench
