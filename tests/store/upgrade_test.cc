// A file of schema 4 opens as one of schema 5, and nothing is lost on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gateway/store/shard_key.h"
#include "gateway/store/sqlite_connection.h"
#include "tests/store/earlier_schema.h"
#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

using Ids = std::vector<std::string>;

// p1 lies at home; @1 and @2 stand for the keys of p1 and p2. Goal g1 names p2 in a reference and
// as a person, outside of p2's compartment; CarePlan c1 is in p2's compartment too; Goal g2 is
// deleted; Task t1 concerns p3 by its row in resource_person alone; Organization o1 is of a
// reference table, @o.
constexpr const char* kRows = R"sql(
INSERT INTO label_class VALUES (1, 'L N');
INSERT INTO resource_home VALUES ('p1', 'Patient', @1), ('g1', 'Goal', @1), ('c1', 'CarePlan', @1),
  ('g2', 'Goal', @1), ('t1', 'Task', @1), ('o1', 'Organization', @o);
INSERT INTO resource VALUES
  (@1, 'Patient', 'p1', 1, 1000000, 0, 1, 'p1', '{"id":"p1"}', 7),
  (@1, 'Goal', 'g1', 2, 2000000, 0, 1, 'p1 p2', '{"id":"g1"}', 0),
  (@1, 'CarePlan', 'c1', 1, 3000000, 0, 1, 'p1 p2', '{"id":"c1"}', 0),
  (@1, 'Goal', 'g2', 2, 4000000, 1, 1, 'p1', '', 0),
  (@1, 'Task', 't1', 1, 5000000, 0, 1, 'p1', '{"id":"t1"}', 0),
  (@o, 'Organization', 'o1', 1, 6000000, 0, 1, '', '{"id":"o1"}', 0);
INSERT INTO resource_version VALUES
  (@1, 'Goal', 'g1', 1, 1500000, 0, 1, 'p1', '{"id":"g1","old":1}', 0),
  (@1, 'Goal', 'g2', 1, 1600000, 0, 1, 'p1', '{"id":"g2","old":1}', 0);
INSERT INTO resource_person VALUES
  (@1, 'Patient', 'p1', 'p1', 1, 1), (@1, 'Goal', 'g1', 'p1', 1, 1),
  (@1, 'Goal', 'g1', 'p2', 0, 0), (@1, 'CarePlan', 'c1', 'p1', 1, 1),
  (@1, 'CarePlan', 'c1', 'p2', 1, 0), (@1, 'Goal', 'g2', 'p1', 1, 1),
  (@1, 'Task', 't1', 'p1', 1, 1), (@1, 'Task', 't1', 'p3', 0, 0);
INSERT INTO person_policy VALUES (@1, 'p1', 41), (@2, 'p2', 42);
INSERT INTO identifier_claim VALUES (1, 'Patient', 'urn:nhs', '9991001018', @1, 'p1'),
  (2, 'Patient', 'urn:own', 'not-searchable', @1, 'p1'),
  (3, 'Organization', 'urn:ods', 'X9901', @o, 'o1');
INSERT INTO index_token VALUES (@1, 'Patient', 'p1', 'identifier', '9991001018', 'urn:nhs'),
  (@1, 'Patient', 'p1', 'identifier', 'only-indexed', 'urn:x'),
  (@1, 'Goal', 'g1', 'lifecycle-status', 'active', 's'),
  (@o, 'Organization', 'o1', 'identifier', 'X9901', 'urn:ods');
INSERT INTO index_reference VALUES (@1, 'Goal', 'g1', 'patient', 'p1', 'Patient', 1),
  (@1, 'Goal', 'g1', 'about', 'p2', 'Patient', 0),
  (@1, 'CarePlan', 'c1', 'patient', 'p1', 'Patient', 1);
INSERT INTO index_date VALUES (@1, 'Goal', 'g1', 'start-date', -5, 9223372036854775807);
INSERT INTO index_string VALUES (@1, 'Patient', 'p1', 'name', 'ashdown'),
  (@1, 'Patient', 'p1', '_namesake', '1938-06-11 ashdown'),
  (@1, 'Patient', 'p1', 'page', 'urn:page:1');
)sql";

std::string Filled(std::string text) {
  const std::map<std::string, int64_t> keys = {{"@1", PatientKey("p1")},
                                               {"@2", PatientKey("p2")},
                                               {"@o", ResourceKey("Organization", "o1")}};
  for (const auto& [name, key] : keys) {
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
      text.replace(at, name.size(), std::to_string(key));
    }
  }
  return text;
}

class Upgrade : public testing::Test {
 protected:
  Upgrade() {
    Open();
    store_.reset();
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    EXPECT_TRUE(connection);
    EXPECT_TRUE(connection->Run(kResourcesBefore5));
    const Status filled = connection->Run(Filled(kRows).c_str());
    EXPECT_TRUE(filled) << filled.error().detail;
  }
  void Open() {
    store_.reset();
    SqliteOptions options;
    options.path = path_;
    auto opened = OpenSqlite(options, clock_);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = *std::move(opened);
  }
  Ids Found(std::string_view type, const fhir::Criterion& criterion) {
    fhir::Query query = QueryOf(type);
    query.criteria = {criterion};
    const auto page = store_->Search(query, all_);
    EXPECT_TRUE(page) << page.error().detail;
    return IdsOf(page->resources);
  }
  Ids InCompartment(std::string_view type, std::string_view patient) {
    fhir::Query query = QueryOf(type);
    query.compartment = {std::string(patient)};
    return IdsOf(store_->Search(query, all_)->resources);
  }
  Ids Claimed(std::string_view type, const fhir::Identifier& identifier) {
    return IdsOf(*store_->Find(type, std::vector{identifier}));
  }

  TempFolder folder_;
  const std::string path_ = folder_.Path("store.db");
  SystemClock clock_;
  SeesAll all_;
  std::unique_ptr<Store> store_;
};

fhir::Criterion Text(fhir::SearchKind kind, std::string_view code, std::string_view text) {
  fhir::Criterion criterion;
  criterion.parameter = Parameter(kind, code);
  criterion.values.emplace_back().text = text;
  return criterion;
}

TEST_F(Upgrade, CarriesClaims) {
  Open();
  EXPECT_EQ(Claimed("Patient", {"urn:nhs", "9991001018"}), Ids{"p1"});
  EXPECT_EQ(Claimed("Patient", {"urn:own", "not-searchable"}), Ids{"p1"});
  EXPECT_EQ(Claimed("Organization", {"urn:ods", "X9901"}), Ids{"o1"});
  EXPECT_EQ(Claimed("Patient", {"urn:x", "only-indexed"}), Ids{}) << "is no claim";
  EXPECT_EQ(Found("Patient", TokenIs("identifier", "not-searchable")), Ids{}) << "is not indexed";
  Write other = NewWrite("Patient", "p9", "p9");
  other.claims = {{"urn:own", "not-searchable"}};
  EXPECT_EQ(store_->Commit(Of(other)).error().code, Code::kConflict);
  Write gives_up = NextWrite(NewWrite("Patient", "p1", "p1"), 9'000'000);
  ASSERT_TRUE(store_->Commit(OfTwo(other, gives_up)));
  EXPECT_EQ(Claimed("Patient", {"urn:own", "not-searchable"}), Ids{"p9"});
  EXPECT_EQ(Claimed("Patient", {"urn:nhs", "9991001018"}), Ids{});
}

TEST_F(Upgrade, CarriesTheIndex) {
  Open();
  EXPECT_EQ(Found("Patient", TokenIs("identifier", "9991001018")), Ids{"p1"});
  EXPECT_EQ(Found("Patient", TokenIs("identifier", "only-indexed")), Ids{"p1"});
  EXPECT_EQ(Found("Goal", TokenIs("lifecycle-status", "active")), Ids{"g1"});
  EXPECT_EQ(Found("Goal", PatientIs("p1")), Ids{"g1"});
  fhir::Criterion about = PatientIs("p2");
  about.parameter = Parameter(fhir::SearchKind::kReference, "about");
  EXPECT_EQ(Found("Goal", about), Ids{"g1"});
  fhir::Criterion date;
  date.parameter = Parameter(fhir::SearchKind::kDate, "start-date");
  date.values.emplace_back().low_us = -4;
  date.values.front().prefix = fhir::Prefix::kLt;
  EXPECT_EQ(Found("Goal", date), Ids{"g1"});
  date.values.front().low_us = -5;
  EXPECT_EQ(Found("Goal", date), Ids{});
  EXPECT_EQ(Found("Patient", Text(fhir::SearchKind::kString, "name", "ash")), Ids{"p1"});
  EXPECT_EQ(Found("Patient", Text(fhir::SearchKind::kUri, "page", "urn:page:1")), Ids{"p1"});
  EXPECT_EQ(Found("Patient", Text(fhir::SearchKind::kUri, "page", "urn:page")), Ids{});
  const std::vector<std::string> namesake = {"1938-06-11 ashdown"};
  EXPECT_EQ(*store_->Namesakes(namesake, FitsAll(), 9), Ids{"p1"});
}

TEST_F(Upgrade, CarriesPersonsAndCompartments) {
  Open();
  EXPECT_EQ(InCompartment("Goal", "p1"), Ids{"g1"});
  EXPECT_EQ(InCompartment("Goal", "p2"), Ids{}) << "p2 is only named";
  EXPECT_EQ(InCompartment("CarePlan", "p2"), Ids{"c1"});
  EXPECT_EQ(*store_->PolicyClassOf("p1"), 41u);
  EXPECT_EQ(*store_->PolicyClassOf("p2"), 42u);
  SeesAllBut without_p2;
  without_p2.persons = {"p2"};
  EXPECT_TRUE(store_->Search(QueryOf("Goal"), without_p2)->resources.empty());
  EXPECT_EQ(store_->Read({"CarePlan", "c1"}, without_p2).error().code, Code::kNotFound);
  SeesAllBut without_p3;
  without_p3.persons = {"p3"};
  EXPECT_EQ(store_->Read({"Task", "t1"}, all_)->persons, (Ids{"p1", "p3"}));
  EXPECT_TRUE(store_->Search(QueryOf("Task"), without_p3)->resources.empty());
}

TEST_F(Upgrade, CarriesDeletionsVersionsAndMessages) {
  Open();
  EXPECT_EQ(store_->Read({"Goal", "g2"}, all_).error().code, Code::kGone);
  SeesAllBut without_p1;
  without_p1.persons = {"p1"};
  EXPECT_EQ(store_->Read({"Goal", "g2"}, without_p1).error().code, Code::kNotFound);
  EXPECT_EQ(store_->ReadVersion({"Goal", "g2"}, 1, all_)->json, R"({"id":"g2","old":1})");
  EXPECT_EQ(store_->ReadVersion({"Goal", "g1"}, 1, all_)->json, R"({"id":"g1","old":1})");
  const auto goal = store_->Read({"Goal", "g1"}, all_);
  ASSERT_TRUE(goal);
  EXPECT_EQ(goal->version, 2u);
  EXPECT_EQ(goal->last_updated.unix_us, 2'000'000);
  EXPECT_EQ(goal->label_class, "L N");
  EXPECT_EQ(goal->json, R"({"id":"g1"})");
  EXPECT_EQ(store_->archive().VersionsOf({"Patient", "p1"})->front().message, 7u);
}

// The rows by which a resource was found go with its next version, whoever wrote them.
TEST_F(Upgrade, WhatWasCarriedIsWrittenOnLikeAnyOther) {
  Open();
  Write plan = NextWrite(NewWrite("CarePlan", "c1", "p1"), 9'000'000);
  ASSERT_TRUE(store_->Commit(Of(plan)));
  EXPECT_EQ(InCompartment("CarePlan", "p2"), Ids{});
  EXPECT_EQ(InCompartment("CarePlan", "p1"), Ids{"c1"});
  ASSERT_TRUE(store_->Commit(Of(NextWrite(NewWrite("Patient", "p1", "p1"), 9'000'000))));
  store_.reset();
  auto connection = Connection::Open(path_, Connection::Mode::kWriter);
  for (const char* left :
       {"SELECT 1 FROM identifier WHERE type = 'Patient'", "SELECT 1 FROM string_value",
        "SELECT 1 FROM named_elsewhere"
        " WHERE type = 'CarePlan'"}) {
    auto statement = connection->Prepare(left);
    ASSERT_TRUE(statement);
    EXPECT_FALSE(*Execution(*statement).Step()) << left;
  }
}

TEST_F(Upgrade, LeavesTheFileAsItWasWhereItFails) {
  const auto run = [this](const char* script) {
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run(script));
  };
  run("CREATE TABLE string_value(a TEXT)");
  SqliteOptions options;
  options.path = path_;
  EXPECT_FALSE(OpenSqlite(options, clock_));
  run("SELECT * FROM index_token, resource_person, identifier_claim, resource");
  run("DROP TABLE string_value");
  Open();
  EXPECT_EQ(Claimed("Patient", {"urn:own", "not-searchable"}), Ids{"p1"});
}

TEST_F(Upgrade, MakesTheTablesOfANewFile) {
  Open();
  store_.reset();
  const auto tables = [](const std::string& path) {
    auto connection = Connection::Open(path, Connection::Mode::kWriter);
    auto statement = connection->Prepare(
        "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE '%message%'"
        " ORDER BY name");
    Execution run(*statement);
    Ids texts;
    while (*run.Step()) {
      texts.emplace_back(run.TextAt(0));
      std::erase(texts.back(), '"');
    }
    return texts;
  };
  SqliteOptions options;
  options.path = folder_.Path("new.db");
  ASSERT_TRUE(OpenSqlite(options, clock_));
  EXPECT_EQ(tables(path_), tables(options.path));
}

}  // namespace
}  // namespace gw::store
