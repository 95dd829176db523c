// Validation: parsing, checking and both, beside RapidJSON's bare parse of the same bytes; and how
// the time grows with the number of a Bundle's entries.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/validate/validator.h"
#include "tests/bench/bare_json.h"

namespace gw::validate {
namespace {

constexpr std::string_view kCarePlan =
    R"({"resourceType":"CarePlan","id":"c1","meta":{"versionId":"1",)"
    R"("lastUpdated":"2026-01-20T10:00:00Z"},"text":{"status":"generated",)"
    R"("div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Plan</div>"},"contained":[)"
    R"({"resourceType":"Condition","id":"cond","subject":{"reference":"Patient/p1"},)"
    R"("code":{"coding":[{"system":"http://snomed.info/sct","code":"44054006"}],"text":"T2DM"}},)"
    R"({"resourceType":"Goal","id":"goal","lifecycleStatus":"active","description":)"
    R"({"text":"HbA1c under 53"},"subject":{"reference":"Patient/p1"}}],"status":"active",)"
    R"("intent":"plan","category":[{"coding":[{"system":"http://snomed.info/sct",)"
    R"("code":"698358001"}]}],"title":"Diabetes","subject":{"reference":"Patient/p1"},)"
    R"("period":{"start":"2026-01-20","end":"2027-01-20"},"created":"2026-01-20",)"
    R"("careTeam":[{"reference":"CareTeam/t1"}],"addresses":[{"reference":"#cond"}],)"
    R"("goal":[{"reference":"#goal"}],"activity":[{"detail":{"status":"in-progress",)"
    R"("code":{"text":"Foot check"},"scheduledTiming":{"repeat":{"frequency":1,"period":1,)"
    R"("periodUnit":"a"}},"performer":[{"reference":"Practitioner/x1"}]}},)"
    R"({"reference":{"reference":"ServiceRequest/s1"}}]})";

constexpr std::string_view kObservation =
    R"({"resourceType":"Observation","id":"o1","meta":{"lastUpdated":"2026-01-20T10:00:00Z"},)"
    R"("text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Hb</div>"},)"
    R"("status":"final","category":[{"coding":[{"system":)"
    R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],)"
    R"("code":{"coding":[{"system":"http://loinc.org","code":"718-7"}],"text":"Haemoglobin"},)"
    R"("subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-01-20T09:00:00Z",)"
    R"("performer":[{"reference":"Practitioner/x1"}],"valueQuantity":{"value":132,"unit":"g/L",)"
    R"("system":"http://unitsofmeasure.org","code":"g/L"},"referenceRange":[{"low":)"
    R"({"value":120,"unit":"g/L"},"high":{"value":160,"unit":"g/L"}}]})";

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

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

void BareParse(benchmark::State& state, std::string_view json) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(bench::BareParse(json));
  }
  state.SetItemsProcessed(state.iterations());
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
BENCHMARK_CAPTURE(BareParse, observation, kObservation);
BENCHMARK_CAPTURE(Parse, observation, kObservation);
BENCHMARK_CAPTURE(Check, observation, kObservation);
BENCHMARK_CAPTURE(ParseAndCheck, observation, kObservation);
BENCHMARK(CheckBundle)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Complexity(benchmark::oN);

}  // namespace
}  // namespace gw::validate

BENCHMARK_MAIN();
