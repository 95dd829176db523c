#include "tests/bench/samples.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace gw::bench {
namespace {

struct Counter : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Counter> {
  bool Default() {
    ++events;
    return true;
  }
  size_t events = 0;
};

}  // namespace

const std::string_view kPatient =
    R"({"resourceType":"Patient","id":"p1","active":true,)"
    R"("identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991001018"}],)"
    R"("name":[{"use":"usual","given":["Jo"]},)"
    R"({"use":"official","family":"Ashdown","given":["Joanna","Mary"],"prefix":["Ms"]}],)"
    R"("telecom":[{"system":"phone","value":"01632 960123","use":"home"}],"gender":"female",)"
    R"("birthDate":"1961-04-12","address":[{"line":["1 Mill Lane"],"postalCode":"ZZ99 3AA"}]})";

const std::string_view kCarePlan =
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

const std::string_view kObservation =
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

void BareParse(benchmark::State& state, std::string_view json) {
  for (auto _ : state) {
    rapidjson::MemoryStream stream(json.data(), json.size());
    rapidjson::Reader reader;
    Counter counter;
    reader.Parse(stream, counter);
    benchmark::DoNotOptimize(counter.events);
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace gw::bench
