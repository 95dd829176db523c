// Parsing, checking, both, and writing, beside RapidJSON's bare parse of the same bytes; and how
// the time grows with the number of a Bundle's entries.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/validate/validator.h"
#include "tests/bench/samples.h"

namespace gw::validate {
namespace {

using bench::BareParse;
using bench::kCarePlan;
using bench::kObservation;
using bench::R4;

const Validator& TheValidator() {
  static const Validator kValidator(R4());
  return kValidator;
}

Limits LargeLimits() {
  Limits limits;
  limits.json_items_max = 1'000'000;
  limits.json_nodes_max = 100'000'000;
  limits.body_bytes_max = 1u << 30;
  return limits;
}

fhir::Resource Parsed(std::string_view json) {
  Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), LargeLimits());
  if (!resource || HasErrors(TheValidator().Check(*resource))) {
    std::abort();
  }
  return *std::move(resource);
}

void Parse(benchmark::State& state, std::string_view json) {
  const Limits limits;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fhir::ParseJson(json, R4(), limits));
  }
  state.SetItemsProcessed(state.iterations());
}

void Check(benchmark::State& state, std::string_view json) {
  const fhir::Resource resource = Parsed(json);
  for (auto _ : state) {
    benchmark::DoNotOptimize(TheValidator().Check(resource));
  }
  state.SetItemsProcessed(state.iterations());
}

void Write(benchmark::State& state, std::string_view json) {
  const fhir::Resource resource = Parsed(json);
  std::string text;
  for (auto _ : state) {
    text.clear();
    fhir::WriteJson(resource, &text);
    benchmark::DoNotOptimize(text.data());
  }
  state.SetItemsProcessed(state.iterations());
}

void ParseAndCheck(benchmark::State& state, std::string_view json) {
  const Limits limits;
  for (auto _ : state) {
    const Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), limits);
    benchmark::DoNotOptimize(TheValidator().Check(*resource));
  }
  state.SetItemsProcessed(state.iterations());
}

// Observations that refer to the Patient of the entry before them.
void CheckBundle(benchmark::State& state) {
  std::string text = R"({"resourceType":"Bundle","type":"collection","entry":[)";
  for (int64_t entry = 0; entry < state.range(0); ++entry) {
    const std::string id = std::to_string(entry);
    text += entry == 0 ? "" : ",";
    text += R"({"fullUrl":"https://example.org/fhir/Basic/)" + id +
            R"(","resource":{"resourceType":"Basic","id":")" + id + R"(","code":{"text":"c"},)" +
            R"("subject":{"reference":"Basic/)" + id + R"("}}})";
  }
  text += "]}";
  const fhir::Resource bundle = Parsed(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(TheValidator().Check(bundle));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetComplexityN(state.range(0));
}

BENCHMARK_CAPTURE(BareParse, care_plan, kCarePlan);
BENCHMARK_CAPTURE(Parse, care_plan, kCarePlan);
BENCHMARK_CAPTURE(Check, care_plan, kCarePlan);
BENCHMARK_CAPTURE(ParseAndCheck, care_plan, kCarePlan);
BENCHMARK_CAPTURE(Write, care_plan, kCarePlan);
BENCHMARK_CAPTURE(BareParse, observation, kObservation);
BENCHMARK_CAPTURE(Parse, observation, kObservation);
BENCHMARK_CAPTURE(Check, observation, kObservation);
BENCHMARK_CAPTURE(ParseAndCheck, observation, kObservation);
BENCHMARK_CAPTURE(Write, observation, kObservation);
BENCHMARK(CheckBundle)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Complexity(benchmark::oN);

}  // namespace
}  // namespace gw::validate

BENCHMARK_MAIN();
