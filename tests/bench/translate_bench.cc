// Translation of one message: parsed, mapped, and its resources written. The baseline (Bare) is
// what no translation can be without: the same bytes split into fields, and the same resources
// written.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "gateway/fhir/resource.h"
#include "gateway/hl7v2/message.h"
#include "gateway/map/translate.h"

namespace gw::map {
namespace {

// The root of the project, the working directory of `./dev bench`.
const Translator& TheTranslator() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  static const Result<Translator> kTranslator =
      Translator::Load("mappings", "profiles", kDefinitions);
  if (!kTranslator) {
    std::abort();
  }
  return *kTranslator;
}

struct Sample {
  explicit Sample(const std::string& message_file, const std::string& feed_file) {
    std::ifstream file(message_file, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    message = std::move(bytes).str();
    Result<Feed> read = ReadFeed(feed_file);
    if (!read || message.empty()) {
      std::abort();
    }
    feed = TheTranslator().Complete(*std::move(read));
  }
  std::string message;
  Feed feed;
};

const Sample& Admission() {
  static const Sample kSample("tests/bench/admit.hl7", "config/feeds/fenwick-hospital.json");
  return kSample;
}

const Sample& Plan() {
  static const Sample kSample("mappings/hl7v2-to-fhir/message/PPP_PCB.plan_add.in.hl7",
                              "config/feeds/northshire-council.json");
  return kSample;
}

hl7v2::Message Parsed(const Sample& sample) {
  Result<hl7v2::Message> message = hl7v2::Message::Parse(sample.message, {});
  if (!message) {
    std::abort();
  }
  return *std::move(message);
}

Translation Translated(const Sample& sample) {
  Result<Translation> translation =
      TheTranslator().FromV2(Parsed(sample), sample.feed, Instant{1'775'000'000'000'000});
  if (!translation) {
    std::abort();
  }
  return *std::move(translation);
}

void WriteAll(const Translation& translation, std::string* json) {
  json->clear();
  for (const Change& change : translation.changes) {
    fhir::WriteJson(change.fragment, json);
  }
}

void Bare(benchmark::State& state, const Sample& (*sample)()) {
  const Translation translation = Translated(sample());
  std::string json;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Parsed(sample()));
    WriteAll(translation, &json);
    benchmark::DoNotOptimize(json);
  }
  state.SetItemsProcessed(state.iterations());
}

void Translate(benchmark::State& state, const Sample& (*sample)()) {
  std::string json;
  for (auto _ : state) {
    WriteAll(Translated(sample()), &json);
    benchmark::DoNotOptimize(json);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Bare, adt_a01, &Admission);
BENCHMARK_CAPTURE(Translate, adt_a01, &Admission);
BENCHMARK_CAPTURE(Bare, ppp_pcb, &Plan);
BENCHMARK_CAPTURE(Translate, ppp_pcb, &Plan);

}  // namespace
}  // namespace gw::map

BENCHMARK_MAIN();
