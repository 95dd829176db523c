// FHIRPath: evaluation and compilation, beside RapidJSON's bare parse of the same bytes.
#include <benchmark/benchmark.h>

#include <initializer_list>
#include <string_view>
#include <vector>

#include "gateway/fhir/path/path.h"
#include "tests/bench/samples.h"

namespace gw::fhir::path {
namespace {

using bench::BareParse;
using bench::kCarePlan;
using bench::kPatient;
using bench::Must;
using bench::R4;

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
