// FHIRPath: evaluation and compilation, beside RapidJSON's bare parse of the same bytes.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/fhir/path/path.h"
#include "tests/bench/bare_json.h"

namespace gw::fhir::path {
namespace {

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","id":"p1","active":true,)"
    R"("identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991001018"}],)"
    R"("name":[{"use":"usual","given":["Jo"]},)"
    R"({"use":"official","family":"Ashdown","given":["Joanna","Mary"],"prefix":["Ms"]}],)"
    R"("telecom":[{"system":"phone","value":"01632 960123","use":"home"}],"gender":"female",)"
    R"("birthDate":"1961-04-12","address":[{"line":["1 Mill Lane"],"postalCode":"ZZ99 3AA"}]})";

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

constexpr std::string_view kDom2 = "contained.contained.empty()";
constexpr std::string_view kDom3 =
    "contained.where((('#'+id in (%resource.descendants().reference | "
    "%resource.descendants().as(canonical) | %resource.descendants().as(uri) | "
    "%resource.descendants().as(url))) or descendants().where(reference = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = "
    "'#').exists()).not()).trace('unmatched', id).empty()";
constexpr std::string_view kDom4 =
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()";
constexpr std::string_view kDom5 = "contained.meta.security.empty()";
constexpr std::string_view kDom6 = "text.`div`.exists()";

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    std::abort();
  }
  return *std::move(result);
}

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

void BareParse(benchmark::State& state, std::string_view json) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(bench::BareParse(json));
  }
}

void Evaluate(benchmark::State& state, std::string_view json,
              std::initializer_list<std::string_view> texts) {
  const Resource resource = Must(ParseJson(json, R4(), Limits()));
  std::vector<Expression> expressions;
  for (const std::string_view text : texts) {
    expressions.push_back(Must(Expression::Compile(text, R4(), Mode::kLenient)));
  }
  for (auto _ : state) {
    Arena arena;
    Environment environment;
    environment.arena = &arena;
    environment.definitions = &R4();
    for (const Expression& expression : expressions) {
      auto result = expression.Evaluate(&resource.root(), environment);
      if (!result || result->empty()) {
        state.SkipWithError("no result");
      }
      benchmark::DoNotOptimize(result);
    }
  }
}

void Compile(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    auto expression = Expression::Compile(text, R4(), Mode::kLenient);
    benchmark::DoNotOptimize(expression);
  }
}

BENCHMARK_CAPTURE(BareParse, patient, kPatient);
BENCHMARK_CAPTURE(Evaluate, patient_birth_date, kPatient, {"Patient.birthDate"});
BENCHMARK_CAPTURE(Evaluate, patient_official_given, kPatient,
                  {"Patient.name.where(use='official').given"});
BENCHMARK_CAPTURE(BareParse, care_plan, kCarePlan);
BENCHMARK_CAPTURE(Evaluate, care_plan_four_dom_invariants, kCarePlan, {kDom2, kDom4, kDom5, kDom6});
BENCHMARK_CAPTURE(Evaluate, care_plan_dom_3, kCarePlan, {kDom3});
BENCHMARK_CAPTURE(Evaluate, care_plan_four_dom_and_dom_3, kCarePlan,
                  {kDom2, kDom3, kDom4, kDom5, kDom6});
BENCHMARK_CAPTURE(Compile, birth_date, "Patient.birthDate");
BENCHMARK_CAPTURE(Compile, official_given, "Patient.name.where(use='official').given");
BENCHMARK_CAPTURE(Compile, dom_3, kDom3);

}  // namespace
}  // namespace gw::fhir::path

BENCHMARK_MAIN();
