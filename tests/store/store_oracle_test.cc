// The store answers as fhir::Matches does, over generated resources and queries.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/resource.h"
#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

constexpr uint32_t kResources = 200;
constexpr uint32_t kQueries = 400;

class Generator {
 public:
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  std::string OneOf(const std::vector<std::string>& texts) {
    return texts[Below(static_cast<uint32_t>(texts.size()))];
  }
  std::string Patient() { return "p" + std::to_string(Below(5)); }
  std::string Date() {
    return OneOf({"2025", "2026", "2026-01", "2026-02", "2026-01-20", "2026-01-21",
                  "2026-01-20T10:00:00Z", "2026-01-20T10:00:30Z", "2026-01-20T12:00:00+02:00",
                  "2025-12-31T23:59:59.999Z"});
  }
  std::string Period() {
    const bool start = !OneIn(4);
    const bool end = !start || OneIn(2);
    std::string text = "{";
    text += start ? "\"start\":\"" + Date() + "\"" : "";
    text += start && end ? "," : "";
    return text + (end ? "\"end\":\"" + Date() + "\"" : "") + "}";
  }
  std::string Identifier() {
    const std::string system = OneIn(4) ? "" : "\"system\":\"urn:" + OneOf({"a", "b"}) + "\",";
    return "{" + system + "\"value\":\"" + OneOf({"1", "2", "3"}) + "\"}";
  }
  std::string Category() {
    return "{\"coding\":[{\"system\":\"urn:c\",\"code\":\"" + OneOf({"x", "y"}) +
           "\"},{\"code\":\"" + OneOf({"x", "z"}) + "\"}]}";
  }
  std::string CarePlan(const std::string& id, const std::string& updated);
  std::string Query();

 private:
  std::mt19937 random_{20260120};
};

std::string Generator::CarePlan(const std::string& id, const std::string& updated) {
  std::string json = "{\"resourceType\":\"CarePlan\",\"id\":\"" + id +
                     "\",\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"" + updated + "\"}";
  if (!OneIn(3)) {
    json += ",\"title\":\"" + OneOf({"Garden", "Gardening", "G\u00e4rten", "Stairs"}) + "\"";
  }
  if (!OneIn(3)) {
    json += ",\"instantiatesUri\":[\"" + OneOf({"urn:u", "urn:u:1", "urn:v"}) + "\"]";
  }
  if (!OneIn(3)) {
    json += ",\"identifier\":[" + Identifier() + (OneIn(3) ? "," + Identifier() : "") + "]";
  }
  json += ",\"status\":\"" + OneOf({"active", "completed", "revoked"}) + "\",\"intent\":\"plan\"";
  if (!OneIn(3)) {
    json += ",\"category\":[" + Category() + "]";
  }
  const std::string subject = OneIn(6) ? "Group/" + Patient() : "Patient/" + Patient();
  json += ",\"subject\":{\"reference\":\"" + subject + "\"}";
  if (!OneIn(4)) {
    json += ",\"period\":" + Period();
  }
  if (OneIn(4)) {  // the compartment of somebody else too
    json +=
        ",\"activity\":[{\"detail\":{\"status\":\"in-progress\",\"performer\":[{\"reference\":\"" +
        OneOf({"Patient/", "Patient/", "Practitioner/"}) + Patient() + "\"}]}}]";
  }
  return json + "}";
}

std::string Generator::Query() {
  static const std::vector<std::string> kPrefixes = {"",   "eq", "ne", "gt", "lt",
                                                     "ge", "le", "sa", "eb"};
  std::string text;
  for (uint32_t i = 0; i <= Below(3); ++i) {
    text += text.empty() ? "" : "&";
    switch (Below(12)) {
      case 0:
        text +=
            "_id=c" + std::to_string(Below(kResources)) + ",c" + std::to_string(Below(kResources));
        break;
      case 1:
        text += "_lastUpdated=" + OneOf(kPrefixes) +
                OneOf({"2026-01-20", "2026-01-20T10:00:00Z", "2026-01-20T10:00:00.123Z", "2026"});
        break;
      case 2:
        text += "identifier=" + OneOf({"1", "urn:a|1", "|2", "urn:b|", "1,3", "urn:a|2,urn:b|2"});
        break;
      case 3:
        text += OneOf({"patient=p1", "patient=Patient/p1", "patient=Patient/p1,Patient/p2"});
        break;
      case 4:
        text += OneOf({"subject=p1", "subject=Group/p1", "subject:Patient=p2",
                       "subject=Patient/p3,Group/p3", "subject:missing=true"});
        break;
      case 5:
        text += OneOf({"status=active", "status:not=active", "status=active,revoked",
                       "status=http://hl7.org/fhir/request-status|active"});
        break;
      case 6:
        text += OneOf({"category=x", "category=urn:c|x", "category=|z", "category:not=urn:c|y",
                       "category:missing=true", "category:missing=false", "category=urn:c|"});
        break;
      case 7:
        text += OneOf({"date:missing=true", "identifier:missing=false", "identifier:not=1"});
        break;
      case 8:
        text += OneOf({"title=gard", "title=Garten,stairs", "title=gardening", "title=arden",
                       "title:missing=true"});
        break;
      case 9:
        text += OneOf(
            {"from-uri=urn:u", "from-uri=urn:u:1,urn:v", "from-uri=urn", "from-uri:missing=false"});
        break;
      case 10:
        text += OneOf({"performer=Patient/p1", "performer=Patient/p1,Patient/p2",
                       "performer=Patient/p1,Practitioner/p1", "performer:Patient=p2",
                       "performer:Practitioner=p1", "performer=p3", "performer:missing=false"});
        break;
      default:
        text += "date=" + OneOf(kPrefixes) + Date();
        if (text.find('+') != std::string::npos) {
          text.replace(text.find('+'), 1, "%2B");
        }
    }
  }
  return text;
}

class StoreOracle : public testing::TestWithParam<Engine> {};

INSTANTIATE_TEST_SUITE_P(Engines, StoreOracle, testing::ValuesIn(Engines()),
                         [](const auto& engine) { return engine.param.name; });

// R4 offers no CarePlan a string, a URI or a performer, so that a package brings them.
fhir::Packages LoadPackage(const TempFolder& folder, const fhir::Definitions& definitions) {
  const auto add = [&](const std::string& code, const std::string& type, const std::string& path) {
    folder.Write("guide/" + code + ".json",
                 R"({"resourceType":"SearchParameter","status":"active","description":"d",)"
                 R"("name":"X","base":["CarePlan"],)"
                 R"("target":["Patient","Practitioner"],"url":"https://example.org/)" +
                     code + R"(","code":")" + code + R"(","type":")" + type +
                     R"(","expression":"CarePlan.)" + path + "\"}");
  };
  add("title", "string", "title");
  add("from-uri", "uri", "instantiatesUri");
  add("performer", "reference", "activity.detail.performer");
  auto packages = fhir::Packages::Load({{folder.Path("guide")}, {}, {}}, definitions);
  EXPECT_TRUE(packages.ok()) << packages.error().detail;
  return *std::move(packages);
}

struct Corpus {
  fhir::Definitions definitions = fhir::Definitions::R4();
  Limits limits;
  std::map<std::string, fhir::Resource> plans;  // by id; those that are not deleted
};

Write WriteOf(const fhir::Resource& plan, const fhir::SearchIndexer& indexer, Instant updated) {
  Write write;
  write.stored.key = {std::string(plan.type()), std::string(plan.id())};
  write.stored.version = 1;
  write.stored.last_updated = updated;
  write.stored.json = "{}";
  write.index = indexer.Index(plan);
  write.compartments = indexer.CompartmentsOf(plan);
  write.home = write.compartments.empty() ? "" : write.compartments.front();
  return write;
}

// What Matches says, in the order of the store.
std::vector<std::string> Expected(const Corpus& corpus, const fhir::SearchIndexer& indexer,
                                  const fhir::Query& query) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [plan_id, plan] : corpus.plans) {
    if (fhir::Matches(query, plan, indexer)) {
      found.emplace_back(plan.last_updated(), plan.id());
    }
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> ids;
  for (const auto& [updated, id] : found) {
    ids.push_back(id);
  }
  return ids;
}

class Comparison {
 public:
  Comparison(const fhir::SearchIndexer& indexer, Corpus* corpus)
      : indexer_(indexer), corpus_(*corpus) {}

  // A first version of each resource; then of some a second one, and of others none.
  void Fill(Store* store) {
    Transaction first;
    for (uint32_t i = 0; i < kResources; ++i) {
      first.writes.push_back(Next("c" + std::to_string(i), nullptr));
    }
    const std::vector<Write> before = first.writes;
    ASSERT_TRUE(store->Commit(std::move(first)));
    Transaction second;
    for (const Write& write : before) {
      if (generator_.OneIn(3)) {
        second.writes.push_back(Next(write.stored.key.id, &write));
      }
    }
    ASSERT_TRUE(store->Commit(std::move(second)));
  }

  void Ask(Store* store) {
    const SeesAll all;
    size_t answers = 0;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const std::string text = generator_.Query();
      auto query = fhir::ParseQuery("CarePlan", text, false, indexer_, corpus_.limits);
      ASSERT_TRUE(query) << text << ": " << query.error().detail << " " << query.error().where;
      if (generator_.OneIn(4)) {
        query->compartment = {generator_.Patient(), generator_.Patient()};
      }
      query->count = 1000;
      const auto page = store->Search(*query, all);
      ASSERT_TRUE(page) << text << ": " << page.error().detail;
      ASSERT_EQ(IdsOf(page->resources), Expected(corpus_, indexer_, *query)) << text;
      query->count = 0;
      ASSERT_EQ(store->Search(*query, all)->total, page->resources.size()) << text;
      answers += page->resources.empty() ? size_t{0} : size_t{1};
    }
    EXPECT_GT(answers, kQueries / 3) << "the queries must be ones that find something";
  }

 private:
  // A resource of that id, at the home of the version before.
  Write Next(const std::string& id, const Write* before) {
    const Instant base = FromCivil({2026, 1, 20, 9, 59, 58, 0});
    const Instant updated{base.unix_us + int64_t{generator_.Below(kResources)} * 10'000};
    auto plan = fhir::ParseJson(generator_.CarePlan(id, FormatInstant(updated)),
                                corpus_.definitions, corpus_.limits);
    EXPECT_TRUE(plan) << plan.error().detail << " " << plan.error().where;
    Write write = WriteOf(*plan, indexer_, updated);
    corpus_.plans.insert_or_assign(id, *std::move(plan));
    if (before != nullptr) {
      write.home = before->home;
      write.stored.version = 2;
      write.expected_version = 1;
      write.stored.deleted = generator_.OneIn(3);
    }
    if (write.stored.deleted) {
      write.index.clear();
      corpus_.plans.erase(id);
    }
    return write;
  }

  const fhir::SearchIndexer& indexer_;
  Corpus& corpus_;
  Generator generator_;
};

TEST_P(StoreOracle, AgreesWithMatches) {
  const TempFolder folder;
  const FixedClock clock(Instant{1'700'000'000'000'000});
  Corpus corpus;
  const fhir::Packages packages = LoadPackage(folder, corpus.definitions);
  const auto indexer = fhir::SearchIndexer::Make(corpus.definitions, packages.searches());
  ASSERT_TRUE(indexer) << indexer.error().detail << " " << indexer.error().where;
  auto store = GetParam().open(folder, clock);
  ASSERT_TRUE(store);
  Comparison comparison(*indexer, &corpus);
  comparison.Fill(store->get());
  comparison.Ask(store->get());
}

// The bounds on the column keep to the millisecond that meta.lastUpdated shows.
TEST_P(StoreOracle, ReadsLastUpdatedByTheMillisecond) {
  const TempFolder folder;
  const FixedClock clock(Instant{1'700'000'000'000'000});
  const auto store = GetParam().open(folder, clock);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->Commit(Of(NewWrite("Goal", "g", "p1", 5'000'123))));
  const SeesAll all;
  using fhir::Prefix;
  struct Case {
    Prefix prefix;
    int64_t low_us, high_us;
    bool found;
  };
  // The resource's interval is [5,000,000, 5,001,000).
  for (const Case& c : std::vector<Case>{{Prefix::kEq, 5'000'000, 5'001'000, true},
                                         {Prefix::kEq, 5'000'000, 5'000'500, false},
                                         {Prefix::kEq, 5'000'100, 5'002'000, false},
                                         {Prefix::kNe, 5'000'000, 5'001'000, false},
                                         {Prefix::kNe, 5'001'000, 5'002'000, true},
                                         {Prefix::kGt, 5'000'000, 5'001'000, false},
                                         {Prefix::kGt, 5'000'000, 5'000'999, true},
                                         {Prefix::kLt, 5'000'000, 5'001'000, false},
                                         {Prefix::kLt, 5'000'001, 5'001'000, true},
                                         {Prefix::kGe, 5'000'000, 5'001'000, true},
                                         {Prefix::kGe, 5'001'000, 5'002'000, false},
                                         {Prefix::kLe, 5'000'000, 5'001'000, true},
                                         {Prefix::kLe, 4'999'000, 5'000'000, false},
                                         {Prefix::kSa, 4'999'000, 5'000'000, true},
                                         {Prefix::kSa, 4'999'000, 5'000'001, false},
                                         {Prefix::kEb, 5'001'000, 5'002'000, true},
                                         {Prefix::kEb, 5'000'999, 5'002'000, false},
                                         {Prefix::kAp, 5'000'500, 5'000'600, true},
                                         {Prefix::kAp, 5'001'000, 5'002'000, false}}) {
    fhir::Query query = QueryOf("Goal");
    fhir::Criterion& updated = query.criteria.emplace_back();
    updated.parameter = Parameter(fhir::SearchKind::kDate, "_lastUpdated");
    fhir::SearchValue& value = updated.values.emplace_back();
    value.prefix = c.prefix;
    value.low_us = c.low_us;
    value.high_us = c.high_us;
    EXPECT_EQ((*store)->Search(query, all)->resources.size(), c.found ? 1u : 0u)
        << static_cast<int>(c.prefix) << " " << c.low_us << " " << c.high_us;
  }
}

}  // namespace
}  // namespace gw::store
