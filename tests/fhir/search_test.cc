#include "gateway/fhir/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "tests/fhir/path_testing.h"

namespace gw::fhir {
namespace {

using path::Parsed;
using path::R4;

const SearchIndexer& Indexer() {
  static const SearchIndexer kIndexer = [] {
    auto made = SearchIndexer::Make(R4());
    EXPECT_TRUE(made) << (made ? "" : made.error().detail + " " + made.error().where);
    return *std::move(made);
  }();
  return kIndexer;
}

Result<Query> Parse(std::string_view type, std::string_view text, bool lenient = false) {
  return ParseQuery(type, text, lenient, Indexer(), Limits());
}

int64_t Us(const CivilTime& civil) { return FromCivil(civil).unix_us; }

TEST(ParseQuery, ReadsValuesByKind) {
  auto query = Parse("CarePlan",
                     "status=active,http://hl7.org/fhir/request-status%7Con-hold,%7Cdraft,urn:s|"
                     "&patient=Patient/p1,p2,https://other.example/fhir/Patient/3"
                     "&date=ge2026-01&date=lt2026-03-01T10:00:00%2B01:00");
  ASSERT_TRUE(query) << query.error().detail;
  EXPECT_EQ(query->type, "CarePlan");
  EXPECT_EQ(query->count, 50U);
  ASSERT_EQ(query->criteria.size(), 4U);
  const auto& status = query->criteria[0].values;
  EXPECT_EQ(query->criteria[0].parameter->code, "status");
  ASSERT_EQ(status.size(), 4U);
  EXPECT_EQ(status[0].system, std::nullopt);
  EXPECT_EQ(status[0].text, "active");
  EXPECT_EQ(status[1].system, "http://hl7.org/fhir/request-status");
  EXPECT_EQ(status[1].text, "on-hold");
  EXPECT_EQ(status[2].system, "");
  EXPECT_EQ(status[2].text, "draft");
  EXPECT_EQ(status[3].system, "urn:s");
  EXPECT_EQ(status[3].text, "");
  const auto& patient = query->criteria[1].values;
  EXPECT_EQ(patient[0].text, "p1");
  EXPECT_EQ(patient[0].reference_type, "Patient");
  EXPECT_EQ(patient[1].text, "p2");
  EXPECT_EQ(patient[1].reference_type, "Patient");
  EXPECT_EQ(patient[2].text, "https://other.example/fhir/Patient/3");
  EXPECT_EQ(patient[2].reference_type, "");
  const SearchValue& from = query->criteria[2].values[0];
  EXPECT_EQ(from.prefix, Prefix::kGe);
  EXPECT_EQ(from.low_us, Us({.year = 2026, .month = 1}));
  EXPECT_EQ(from.high_us, Us({.year = 2026, .month = 2}));
  const SearchValue& until = query->criteria[3].values[0];
  EXPECT_EQ(until.prefix, Prefix::kLt);
  EXPECT_EQ(until.low_us, Us({.year = 2026, .month = 3, .day = 1, .hour = 9}));
  EXPECT_EQ(until.high_us - until.low_us, 1'000'000);
  EXPECT_EQ(query->applied.size(), 4U);
}

TEST(ParseQuery, DecodesAndUnescapes) {
  auto query = Parse("Patient", "identifier=urn%3Aa%5C%7Cb%7Cx%5C%2Cy%5C%24z+1,%5C%5C");
  ASSERT_TRUE(query) << query.error().detail;
  const auto& values = query->criteria[0].values;
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].system, "urn:a|b");
  EXPECT_EQ(values[0].text, "x,y$z 1");
  EXPECT_EQ(values[1].text, "\\");
  EXPECT_EQ(query->applied[0].second, "urn:a\\|b|x\\,y\\$z 1,\\\\");
}

TEST(ParseQuery, ResultParameters) {
  auto query = Parse("Patient", "_id=p1&_count=20&_format=json&_pretty=true&_cursor=abc");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->count, 20U);
  EXPECT_EQ(query->cursor, "abc");
  EXPECT_EQ(query->criteria.size(), 1U);
  const std::vector<std::pair<std::string, std::string>> applied = {
      {"_id", "p1"}, {"_count", "20"}, {"_format", "json"}, {"_cursor", "abc"}};
  EXPECT_EQ(query->applied, applied);
  EXPECT_EQ(Parse("Patient", "_count=0")->count, 0U);
  EXPECT_EQ(Parse("Patient", "_count=1000")->count, 1000U);
  EXPECT_EQ(Parse("Patient", "_count=1001")->count, 1000U);
  EXPECT_TRUE(Parse("Patient", "")->criteria.empty());
  EXPECT_TRUE(Parse("Patient", "&&")->criteria.empty());
}

TEST(ParseQuery, Modifiers) {
  EXPECT_EQ(Parse("Observation", "status:not=final")->criteria[0].modifier, "not");
  EXPECT_EQ(Parse("Observation", "date:missing=true")->criteria[0].modifier, "missing");
  auto typed = Parse("Observation", "subject:Patient=p1");
  ASSERT_TRUE(typed);
  EXPECT_EQ(typed->criteria[0].modifier, "Patient");
  EXPECT_EQ(typed->criteria[0].values[0].reference_type, "Patient");
}

struct Refusal {
  std::string_view type;
  std::string_view text;
  Code code;
  std::string_view where;
};

TEST(ParseQuery, Refuses) {
  static constexpr Refusal kCases[] = {
      {"Nonsense", "_id=1", Code::kUnsupported, "Nonsense"},
      {"Patient", "colour=green", Code::kInvalid, "colour"},
      {"Patient", "phonetic=x", Code::kInvalid, "phonetic"},  // of R4, not offered
      {"Endpoint", "_id=1", Code::kInvalid, "_id"},           // a type that is not offered
      {"CarePlan", "_sort=date", Code::kInvalid, "_sort"},
      {"CarePlan", "_include=CarePlan:subject", Code::kInvalid, "_include"},
      {"Patient", "_has:Observation:patient:code=1", Code::kInvalid,
       "_has:Observation:patient:code"},
      {"CarePlan", "subject.name=x", Code::kInvalid, "subject.name"},
      {"CarePlan", "subject:Patient.name=x", Code::kInvalid, "subject:Patient.name"},
      {"CarePlan", "status:text=a", Code::kInvalid, "status:text"},
      {"CarePlan", "date:not=2026", Code::kInvalid, "date:not"},
      {"CarePlan", "subject:Device=d", Code::kInvalid, "subject:Device"},
      {"Patient", "_id:not=1", Code::kInvalid, "_id:not"},
      {"Patient", "_lastUpdated:missing=true", Code::kInvalid, "_lastUpdated:missing"},
      {"CarePlan", "date:missing=yes", Code::kInvalid, "date:missing"},
      {"CarePlan", "date:missing=true,false", Code::kInvalid, "date:missing"},
      {"CarePlan", "status=", Code::kInvalid, "status"},
      {"CarePlan", "status", Code::kInvalid, "status"},
      {"CarePlan", "status=active,,draft", Code::kInvalid, "status"},
      {"CarePlan", "status=|", Code::kInvalid, "status"},
      {"CarePlan", "status=a|b|c", Code::kInvalid, "status"},
      {"CarePlan", "status=a%5Cb", Code::kInvalid, "status"},
      {"CarePlan", "status=a%5C", Code::kInvalid, "status"},
      {"CarePlan", "status=%zz", Code::kInvalid, "status"},
      {"CarePlan", "status=%4", Code::kInvalid, "status"},
      {"CarePlan", "status=%00", Code::kInvalid, "status"},
      {"CarePlan", "status=%ff", Code::kInvalid, "status"},
      {"CarePlan", "%ff=1", Code::kInvalid, "query"},
      {"CarePlan", "=1", Code::kInvalid, "query"},
      {"CarePlan", "9991001018%20x=1", Code::kInvalid, "query"},
      {"CarePlan", "date=2026-13", Code::kInvalid, "date"},
      {"CarePlan", "date=ap2026", Code::kInvalid, "date"},
      {"CarePlan", "date=xx2026", Code::kInvalid, "date"},
      {"CarePlan", "date=2026-01-01T10", Code::kInvalid, "date"},
      {"CarePlan", "date=2026-01-01T10:00:00+01:00", Code::kInvalid, "date"},  // + is a blank
      {"CarePlan", "patient=Device/1", Code::kInvalid, "patient"},
      {"CarePlan", "patient=%23p", Code::kInvalid, "patient"},
      {"CarePlan", "patient=a/b", Code::kInvalid, "patient"},
      {"Patient", "_id=a/b", Code::kInvalid, "_id"},
      {"Patient", "_count=-1", Code::kInvalid, "_count"},
      {"Patient", "_count=x", Code::kInvalid, "_count"},
      {"Patient", "_count=1&_count=2", Code::kInvalid, "_count"},
      {"Patient", "_cursor=", Code::kInvalid, "_cursor"},
      {"Patient", "_pretty=1", Code::kInvalid, "_pretty"},
  };
  for (const Refusal& one : kCases) {
    auto query = Parse(one.type, one.text);
    ASSERT_FALSE(query) << one.text;
    EXPECT_EQ(query.error().code, one.code) << one.text;
    EXPECT_EQ(query.error().where, one.where) << one.text;
    EXPECT_EQ(query.error().detail.find("9991001018"), std::string::npos);
  }
}

TEST(ParseQuery, LenientSkipsUnknownNamesOnly) {
  auto query = Parse("CarePlan", "colour=green&status=active", true);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->ignored, std::vector<std::string>{"colour"});
  EXPECT_EQ(query->criteria.size(), 1U);
  EXPECT_EQ(query->applied.size(), 1U);
  for (const std::string_view text :
       {"colour=green", "colour=green&_count=5", "_sort=date&status=active",
        "status=active&subject.name=x", "status:text=a", "colour=green&date=x"}) {
    EXPECT_FALSE(Parse("CarePlan", text, true)) << text;
  }
}

TEST(ParseQuery, NumberOfValuesIsBounded) {
  const auto values = [](size_t count) {
    std::string text = "status=a";
    for (size_t i = 1; i < count; ++i) {
      text += i % 2 == 0 ? ",a" : "&status=a";
    }
    return text;
  };
  EXPECT_TRUE(Parse("CarePlan", values(100)));
  auto query = Parse("CarePlan", values(101));
  ASSERT_FALSE(query);
  EXPECT_EQ(query.error().code, Code::kTooLarge);
}

TEST(ParseQuery, SurvivesDamagedQueries) {
  static constexpr std::string_view kSeed =
      "status:not=a%7Cb,c%5C,d&patient=Patient/p1,p2&date=ge2026-01-01T10:00:00%2B01:00&_count=20"
      "&_lastUpdated=lt2026&identifier=%5C%7C%7Cx&_cursor=abc&colour=x";
  uint64_t state = 20260120;
  const auto next = [&state](size_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state >> 33U) % bound;
  };
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text(kSeed);
    for (size_t edits = next(3) + 1; edits > 0; --edits) {
      text.replace(next(text.size()), next(8), kSeed.substr(next(kSeed.size()), next(8)));
    }
    read += Parse("CarePlan", text, round % 2 == 0).ok() ? 1 : 0;
  }
  EXPECT_GT(read, 100);
  EXPECT_LT(read, 20'000);
}

// Every parameter that is offered can be asked for, on each type.
TEST(SearchIndexer, OffersWhatItParses) {
  std::set<std::string> types;
  for (const TypeDef* type : R4().resource_types()) {
    for (const SearchParameter* parameter : Indexer().OfferedFor(type->name())) {
      types.insert(std::string(type->name()));
      const std::string name(parameter->code);
      const std::string value = parameter->kind == SearchKind::kDate        ? "2026"
                                : parameter->kind == SearchKind::kReference ? "a1"
                                                                            : "a";
      EXPECT_TRUE(Indexer().Offers(type->name(), name));
      EXPECT_TRUE(Parse(type->name(), name + "=" + value)) << type->name() << "." << name;
    }
  }
  EXPECT_EQ(types.size(), 26U);
  EXPECT_FALSE(Indexer().Offers("CarePlan", "goal"));
  EXPECT_FALSE(Indexer().Offers("Endpoint", "_id"));
  EXPECT_TRUE(Indexer().OfferedFor("Endpoint").empty());
  const auto offered = Indexer().OfferedFor("CarePlan");
  EXPECT_TRUE(std::is_sorted(offered.begin(), offered.end(),
                             [](const auto* a, const auto* b) { return a->code < b->code; }));
}

// "code|system|text", "code>type/text", "code[low,high)": sorted.
std::vector<std::string> Rows(const Resource& resource) {
  std::vector<std::string> out;
  for (const IndexEntry& row : Indexer().Index(resource)) {
    std::string text(row.code);
    if (row.kind == SearchKind::kToken) {
      text += "|" + row.system + "|" + row.text;
    } else if (row.kind == SearchKind::kReference) {
      text += ">" + row.reference_type + "/" + row.text;
    } else {
      text += "[" + (row.low_us == INT64_MIN ? "" : FormatInstant(Instant{row.low_us})) + "," +
              (row.high_us == INT64_MAX ? "" : FormatInstant(Instant{row.high_us})) + ")";
    }
    out.push_back(text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

constexpr std::string_view kPlan = R"({
  "resourceType": "CarePlan", "id": "c1", "meta": {"lastUpdated": "2026-01-20T10:00:00.250Z"},
  "identifier": [{"system": "urn:plans", "value": "7"}, {"value": "bare"}],
  "status": "active", "intent": "plan",
  "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "734163000"},
                           {"code": "local"}]}],
  "subject": {"reference": "Patient/p1"},
  "period": {"start": "2026-01-05", "end": "2026-02"}
})";

TEST(SearchIndexer, IndexesACarePlan) {
  const std::vector<std::string> expected = {
      "category|http://snomed.info/sct|734163000",
      "category||local",
      "date[2026-01-05T00:00:00.000Z,2026-03-01T00:00:00.000Z)",
      "identifier|urn:plans|7",
      "identifier||bare",
      "patient>Patient/p1",
      "status|http://hl7.org/fhir/request-status|active",
      "subject>Patient/p1",
  };
  EXPECT_EQ(Rows(Parsed(kPlan)), expected);
}

TEST(SearchIndexer, IndexesEachShape) {
  struct Case {
    std::string_view json;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {R"({"resourceType": "Patient", "id": "p1", "active": true, "birthDate": "1950-03"})",
       {"active||true", "birthdate[1950-03-01T00:00:00.000Z,1950-04-01T00:00:00.000Z)"}},
      // Open ends; a Group is no patient.
      {R"({"resourceType": "CareTeam", "subject": {"reference": "Group/g1"},
           "period": {"start": "2026-01-05T10:00:00Z"}})",
       {"date[2026-01-05T10:00:00.000Z,)", "subject>Group/g1"}},
      {R"({"resourceType": "CareTeam", "subject": {"reference": "https://o.example/Patient/p1"},
           "period": {"end": "2026"}})",
       {"date[,2027-01-01T00:00:00.000Z)", "patient>/https://o.example/Patient/p1",
        "subject>/https://o.example/Patient/p1"}},
      // A version is not part of whom a reference names; a fragment is nobody elsewhere.
      {R"({"resourceType": "Task", "status": "requested", "intent": "order",
           "for": {"reference": "Patient/p1/_history/3"},
           "executionPeriod": {"extension": [{"url": "urn:x", "valueBoolean": true}]}})",
       {"patient>Patient/p1", "status|http://hl7.org/fhir/task-status|requested",
        "subject>Patient/p1"}},
      {R"({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
           "subject": {"reference": "#in"},
           "effectiveTiming": {"event": ["2026-03-01", "2026-01-01"]}})",
       {"date[2026-01-01T00:00:00.000Z,2026-03-02T00:00:00.000Z)",
        "status|http://hl7.org/fhir/observation-status|final"}},
      {R"({"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"},
           "subject": {"reference": "Patient/p1"}, "startDate": "2026-01-05",
           "target": [{"dueDate": "2026-06"}]})",
       {"lifecycle-status|http://hl7.org/fhir/goal-status|active", "patient>Patient/p1",
        "start-date[2026-01-05T00:00:00.000Z,2026-01-06T00:00:00.000Z)", "subject>Patient/p1",
        "target-date[2026-06-01T00:00:00.000Z,2026-07-01T00:00:00.000Z)"}},
      {R"({"resourceType": "Endpoint", "status": "active", "address": "https://o.example",
           "connectionType": {"code": "x"}, "payloadType": [{"text": "x"}]})",
       {}},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Rows(Parsed(one.json)), one.expected) << one.json;
  }
}

TEST(SearchIndexer, Compartments) {
  struct Case {
    std::string_view json;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {R"({"resourceType": "Patient", "id": "p1"})", {"p1"}},
      {R"({"resourceType": "Patient", "id": "p1",
           "link": [{"other": {"reference": "Patient/p2"}, "type": "seealso"}]})",
       {"p1", "p2"}},
      // The subject first, though the performer comes earlier in R4's list.
      {R"({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
           "performer": [{"reference": "Patient/carer"}], "subject": {"reference": "Patient/p1"}})",
       {"p1", "carer"}},
      {R"({"resourceType": "Consent", "status": "active", "scope": {"text": "x"},
           "category": [{"text": "x"}], "patient": {"reference": "Patient/p1"}})",
       {"p1"}},
      {R"({"resourceType": "Organization", "name": "X9900"})", {}},
      {R"({"resourceType": "CareTeam", "subject": {"reference": "https://o.example/Patient/p1"}})",
       {}},
      {R"({"resourceType": "RelatedPerson", "patient": {"reference": "Patient/p1"}})", {"p1"}},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Indexer().CompartmentsOf(Parsed(one.json)), one.expected) << one.json;
  }
}

TEST(Matches, ACarePlan) {
  struct Case {
    std::string_view text;
    bool expected;
  };
  static constexpr Case kCases[] = {
      {"", true},
      {"_id=c1", true},
      {"_id=c0,c1", true},
      {"_id=c2", false},
      {"status=active", true},
      {"status=draft,active", true},
      {"status=active&status=draft", false},
      {"status=http://hl7.org/fhir/request-status|active", true},
      {"status=urn:other|active", false},
      {"status=|active", false},
      {"status:not=active", false},
      {"status:not=draft", true},
      {"status:missing=false", true},
      {"status:missing=true", false},
      {"category=local", true},
      {"category=|local", true},
      {"category=http://snomed.info/sct|", true},
      {"category=LOCAL", false},
      {"identifier=urn:plans|7", true},
      {"identifier=7", true},
      {"identifier=|7", false},
      {"identifier=|bare", true},
      {"patient=p1", true},
      {"patient=Patient/p1", true},
      {"subject=p1", true},
      {"subject=Patient/p1", true},
      {"subject=Group/p1", false},
      {"subject:Group=p1", false},
      {"patient=p2", false},
      {"_lastUpdated=2026-01-20", true},
      {"_lastUpdated=2026-01-20T10:00:00Z", true},
      {"_lastUpdated=gt2026-01-20", false},
      {"_lastUpdated=ge2026-01-20", true},
      {"_lastUpdated=lt2026-01-20T10:00:00.250Z", false},
      {"_lastUpdated=le2026-01-20T10:00:00.250Z", true},
      // The plan's period is [2026-01-05, 2026-03-01).
      {"date=2026", true},
      {"date=2026-01", false},
      {"date=ne2026-01", true},
      {"date=ne2026", false},
      {"date=gt2026-02-28", false},
      {"date=gt2026-02-27", true},
      {"date=ge2026-02-28", false},
      {"date=lt2026-01-05", false},
      {"date=lt2026-01-06", true},
      {"date=le2026-01-05", false},
      {"date=sa2026-01-04", true},
      {"date=sa2026-01-05", false},
      {"date=eb2026-03-01", true},
      {"date=eb2026-02-28", false},
      {"date=eb2026-03-01T00:00:00Z", true},
      {"date=eb2026-03-01T00:00:00%2B01:00", false},
      {"date=2025,2026", true},
      {"date=ge2026-01-01&date=lt2026-02", true},
  };
  const Resource plan = Parsed(kPlan);
  for (const Case& one : kCases) {
    auto query = Parse("CarePlan", one.text);
    ASSERT_TRUE(query) << one.text << " " << query.error().detail;
    EXPECT_EQ(Matches(*query, plan, Indexer()), one.expected) << one.text;
  }
  EXPECT_FALSE(Matches(*Parse("CareTeam", "status=active"), plan, Indexer()));
}

TEST(Matches, HeedsTheCompartment) {
  const Resource plan = Parsed(kPlan);
  Query query = *Parse("CarePlan", "status=active");
  query.compartment = std::vector<std::string>{"p2", "p1"};
  EXPECT_TRUE(Matches(query, plan, Indexer()));
  query.compartment = std::vector<std::string>{"p2"};
  EXPECT_FALSE(Matches(query, plan, Indexer()));
  query.compartment = std::vector<std::string>{};
  EXPECT_FALSE(Matches(query, plan, Indexer()));
}

// On rows alone, as a store holds them: by the parameter's kind, the modifier over all rows.
TEST(MeetsCriterion, DecidesRows) {
  const std::vector<IndexRow> rows = {
      {"code", SearchKind::kToken, "urn:s", "a", {}, 0, 0},
      {"code", SearchKind::kToken, "", "b", {}, 0, 0},
      {"text", SearchKind::kString, {}, "garden", {}, 0, 0},
      {"who", SearchKind::kReference, {}, "p1", "Patient", 0, 0},
      {"when", SearchKind::kDate, {}, {}, {}, 10, 20},
  };
  SearchValue neither;
  SearchValue a;
  a.text = "a";
  SearchValue bare = a;
  bare.system = "";
  SearchValue gard;
  gard.text = "gard";
  SearchValue p1;
  p1.text = "p1";
  SearchValue group = p1;
  group.reference_type = "Group";
  SearchValue yes;
  yes.text = "true";
  SearchValue inside;
  inside.low_us = 10;
  inside.high_us = 20;
  struct Case {
    const char* code;
    SearchKind kind;
    const char* modifier;
    std::vector<SearchValue> values;
    bool expected;
  };
  const std::vector<Case> cases = {
      {"code", SearchKind::kToken, "", {a}, true},
      {"code", SearchKind::kToken, "", {bare}, false},
      {"code", SearchKind::kToken, "", {bare, a}, true},
      {"code", SearchKind::kToken, "", {neither}, false},  // asks for nothing, finds nothing
      {"code", SearchKind::kToken, "not", {a}, false},
      {"code", SearchKind::kToken, "not", {bare}, true},
      {"code", SearchKind::kToken, "missing", {yes}, false},
      {"other", SearchKind::kToken, "missing", {yes}, true},
      {"text", SearchKind::kString, "", {gard}, true},
      {"text", SearchKind::kUri, "", {gard}, false},  // the rows of both have one shape
      {"text", SearchKind::kToken, "", {gard}, false},
      {"who", SearchKind::kReference, "", {p1}, true},
      {"who", SearchKind::kReference, "", {group}, false},
      {"when", SearchKind::kDate, "", {inside}, true},
      {"when", SearchKind::kString, "", {neither}, false},  // rows of another kind are none
      {"when", SearchKind::kQuantity, "", {inside}, false},
  };
  for (const Case& one : cases) {
    SearchParameter parameter;
    parameter.code = one.code;
    parameter.kind = one.kind;
    const Criterion criterion{&parameter, one.modifier, one.values};
    EXPECT_EQ(MeetsCriterion(criterion, rows), one.expected)
        << one.code << ":" << one.modifier << " of kind " << static_cast<int>(one.kind);
  }
}

// What Index says of a resource is what a search for it finds, and nothing else of its kind.
TEST(Matches, AgreesWithTheIndex) {
  const std::string_view jsons[] = {
      kPlan,
      R"({"resourceType": "CarePlan", "id": "c2", "status": "draft", "intent": "plan",
          "subject": {"reference": "Group/p1"}, "period": {"start": "2025-12"}})",
      R"({"resourceType": "CarePlan", "id": "c3", "status": "active", "intent": "plan",
          "subject": {"reference": "Patient/p3"}, "identifier": [{"system": "urn:plans",
          "value": "8"}], "period": {"start": "2026-01-05", "end": "2026-01-05"}})",
  };
  std::vector<Resource> resources;
  std::vector<std::string> queries;
  for (const std::string_view json : jsons) {
    resources.push_back(Parsed(json));
    for (const IndexEntry& row : Indexer().Index(resources.back())) {
      const std::string name(row.code);
      if (row.kind == SearchKind::kToken) {
        queries.push_back(name + "=" + row.system + "|" + row.text);
        queries.push_back(name + "=" + row.text);
      } else if (row.kind == SearchKind::kReference) {
        queries.push_back(name + "=" + (name == "patient" ? "" : row.reference_type + "/") +
                          row.text);
      } else if (row.low_us != INT64_MIN) {
        for (const std::string_view prefix : {"ge", "le", "sa", "eb", "gt", "lt", "eq", "ne"}) {
          queries.push_back(name + "=" + std::string(prefix) + FormatInstant(Instant{row.low_us}));
        }
      }
    }
  }
  for (const std::string& text : queries) {
    const Query query = *Parse("CarePlan", text);
    const Criterion& criterion = query.criteria[0];
    const SearchValue& value = criterion.values[0];
    for (const Resource& resource : resources) {
      const auto rows = Indexer().Index(resource);
      const bool expected = std::any_of(rows.begin(), rows.end(), [&](const IndexEntry& row) {
        if (row.code != criterion.parameter->code) {
          return false;
        }
        const bool ge = row.low_us >= value.low_us || row.high_us > value.high_us;
        const bool le = row.high_us <= value.high_us || row.low_us < value.low_us;
        const bool eq = row.low_us >= value.low_us && row.high_us <= value.high_us;
        switch (row.kind) {
          case SearchKind::kToken:
            return row.text == value.text && (!value.system || row.system == *value.system);
          case SearchKind::kReference:
            return row.text == value.text && row.reference_type == value.reference_type;
          default:
            break;
        }
        switch (value.prefix) {
          case Prefix::kGe:
            return ge;
          case Prefix::kLe:
            return le;
          case Prefix::kSa:
            return row.low_us >= value.high_us;
          case Prefix::kEb:
            return row.high_us <= value.low_us;
          case Prefix::kGt:
            return row.high_us > value.high_us;
          case Prefix::kLt:
            return row.low_us < value.low_us;
          case Prefix::kEq:
            return eq;
          default:
            return !eq;
        }
      });
      EXPECT_EQ(Matches(query, resource, Indexer()), expected) << text << " " << resource.id();
    }
  }
  EXPECT_GT(queries.size(), 30U);
}

}  // namespace
}  // namespace gw::fhir
