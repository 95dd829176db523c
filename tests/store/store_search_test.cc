// Pages, totals and cursors, over what the caller may see.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

using std::string_literals::operator""s;
using fhir::Criterion;
using fhir::Key;
using fhir::Query;

class StoreSearch : public testing::TestWithParam<Engine> {
 protected:
  std::unique_ptr<Store> OpenIn(const TempFolder& folder) {
    Result<std::unique_ptr<Store>> opened = GetParam().open(folder, clock_);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? *std::move(opened) : nullptr;
  }
  void SetUp() override {
    store_ = OpenIn(folder_);
    ASSERT_NE(store_, nullptr);
  }
  void Put(Write write) {
    const Result<Committed> result = store_->Commit(Of(std::move(write)));
    ASSERT_TRUE(result) << result.error().detail;
  }
  Page Find(const Query& query) {
    Result<Page> page = store_->Search(query, all_);
    EXPECT_TRUE(page) << page.error().detail;
    return page ? *std::move(page) : Page();
  }

  TempFolder folder_;
  FixedClock clock_{Instant{1'700'000'000'000'000}};
  SeesAll all_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Engines, StoreSearch, testing::ValuesIn(Engines()),
                         [](const auto& engine) { return engine.param.name; });

using Ids = std::vector<std::string>;

TEST_P(StoreSearch, PagesNewestFirstAndTiesById) {
  for (const auto& [id, updated] : {std::pair("a", 1), {"b", 3}, {"c", 2}, {"d", 3}, {"e", 1}}) {
    Put(NewWrite("Goal", id, "p1", updated * 1'000'000));
  }
  Query query = QueryOf("Goal");
  query.count = 2;
  const Page first = Find(query);
  EXPECT_EQ(IdsOf(first.resources), (Ids{"d", "b"}));
  EXPECT_FALSE(first.total);
  query.cursor = first.next_cursor;
  Put(NewWrite("Goal", "f", "p1", 9'000'000));  // what comes in between moves no page
  const Page second = Find(query);
  EXPECT_EQ(IdsOf(second.resources), (Ids{"c", "e"}));
  query.cursor = second.next_cursor;
  const Page third = Find(query);
  EXPECT_EQ(IdsOf(third.resources), Ids{"a"});
  EXPECT_EQ(third.next_cursor, "");
}

TEST_P(StoreSearch, KnowsTheTotalWhereAllFitsOrOnlyTheCountIsAsked) {
  for (int i = 0; i < 3; ++i) {
    Put(NewWrite("Goal", std::to_string(i), "p1"));
  }
  Query query = QueryOf("Goal");
  for (const auto& [count, total] : std::vector<std::pair<uint32_t, std::optional<uint64_t>>>{
           {0, 3}, {2, std::nullopt}, {3, 3}, {4, 3}}) {
    query.count = count;
    EXPECT_EQ(Find(query).total, total) << count;
  }
  query.type = "Condition";
  EXPECT_EQ(Find(query).total, 0u);
}

TEST_P(StoreSearch, FollowsTheCurrentVersionOnly) {
  Write write = NewWrite("Goal", "g", "p1");
  write.index = {TokenEntry("lifecycle-status", "", "active"), ReferenceEntry("x", "", "urn:1"),
                 DateEntry("start-date", 1, 2), StringEntry("name", "old")};
  Put(write);
  Query query = QueryOf("Goal");
  query.criteria = {TokenIs("lifecycle-status", "active")};
  EXPECT_EQ(Find(query).resources.size(), 1u);
  Write next = NextWrite(write, 2'000'000);
  next.index = {TokenEntry("lifecycle-status", "", "completed")};
  Put(next);
  EXPECT_TRUE(Find(query).resources.empty());
  query.criteria = {TokenIs("lifecycle-status", "completed")};
  EXPECT_EQ(Find(query).resources.front().version, 2u);
}

TEST_P(StoreSearch, GivesAResourceOnceHoweverOftenItMatches) {
  Write write = NewWrite("Patient", "p1", "p1");
  write.index = {TokenEntry("identifier", "a", "1"), TokenEntry("identifier", "b", "1"),
                 TokenEntry("identifier", "b", "1"), StringEntry("family", "aa"),
                 StringEntry("family", "ab")};
  Put(write);
  Query query = QueryOf("Patient");
  query.criteria = {TokenIs("identifier", "1")};
  query.criteria.front().values.push_back(query.criteria.front().values.front());
  EXPECT_EQ(Find(query).resources.size(), 1u);
  query.count = 0;
  EXPECT_EQ(Find(query).total, 1u);
  query.count = 10;
  Criterion family;
  family.parameter = Parameter(fhir::SearchKind::kString, "family");
  family.values.emplace_back().text = "a";
  query.criteria = {family};
  EXPECT_EQ(Find(query).resources.size(), 1u);
}

TEST_P(StoreSearch, FindsReferencesWhereverTheyLie) {
  Write at_home = NewWrite("CareTeam", "t1", "p1");
  at_home.index = {ReferenceEntry("patient", "Patient", "p1")};
  Write elsewhere = NewWrite("CareTeam", "t2", "p2");
  elsewhere.index = {ReferenceEntry("patient", "Patient", "p1"),
                     ReferenceEntry("patient", "Patient", "p2")};
  Write other = NewWrite("CareTeam", "t3", "p2");
  other.index = {ReferenceEntry("patient", "Group", "p1"),
                 ReferenceEntry("patient", "Patient", "p2")};
  for (const Write& write : {at_home, elsewhere, other}) {
    Put(write);
  }
  Query query = QueryOf("CareTeam");
  query.criteria = {PatientIs("p1")};
  EXPECT_EQ(IdsOf(Find(query).resources), (Ids{"t2", "t1"}));
  query.criteria.front().values.front().reference_type.clear();
  EXPECT_EQ(IdsOf(Find(query).resources), (Ids{"t3", "t2", "t1"}));
  query.criteria = {PatientIs("p1"), PatientIs("p2")};
  EXPECT_EQ(IdsOf(Find(query).resources), Ids{"t2"});
  query.criteria = {PatientIs("p1")};
  query.criteria.front().values.push_back(PatientIs("p2").values.front());
  EXPECT_EQ(IdsOf(Find(query).resources), (Ids{"t3", "t2", "t1"}));
}

TEST_P(StoreSearch, NarrowsToCompartments) {
  Put(NewWrite("Goal", "g1", "p1"));
  Put(NewWrite("Goal", "g2", "p2"));
  Write named = NewWrite("Goal", "g3", "p3");  // names p1, and is in p1's compartment too
  named.compartments = {"p3", "p1"};
  Put(named);
  Write mentioned = NewWrite("Goal", "g4", "p2");  // concerns p1, outside of p1's compartment
  mentioned.stored.persons = {"p2", "p1"};
  Put(mentioned);
  Query query = QueryOf("Goal");
  query.compartment = {"p1"};
  EXPECT_EQ(IdsOf(Find(query).resources), (Ids{"g3", "g1"}));
  query.criteria = {IdIs("g2")};
  EXPECT_TRUE(Find(query).resources.empty());
  query.criteria = {IdIs("g3")};
  EXPECT_EQ(Find(query).resources.size(), 1u);
  query.criteria.clear();
  query.compartment = {"p1", "p2"};
  EXPECT_EQ(Find(query).total, 4u);
  query.compartment = std::vector<std::string>();
  EXPECT_EQ(Find(query).total, 0u);
  SeesAllBut without_p1;  // a Patient of a compartment is a person concerned, named there or not
  without_p1.persons = {"p1"};
  query.compartment.reset();
  EXPECT_EQ(IdsOf(store_->Search(query, without_p1)->resources), Ids{"g2"});
}

TEST_P(StoreSearch, TakesNoCursorButItsOwn) {
  for (int i = 0; i < 4; ++i) {
    Put(NewWrite("Goal", "goal-" + std::to_string(i), "p1"));
  }
  Query query = QueryOf("Goal");
  query.count = 2;
  const std::string cursor = Find(query).next_cursor;
  const auto code_of = [&](const Query& asked) {
    const Result<Page> page = store_->Search(asked, all_);
    return page ? Code::kInternal : page.error().code;
  };
  query.cursor = cursor;
  query.count = 1;  // the page size may change
  EXPECT_EQ(Find(query).resources.size(), 1u);
  for (size_t i = 0; i < cursor.size(); ++i) {
    query.cursor = cursor;
    query.cursor[i] = cursor[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(code_of(query), Code::kInvalid) << i;
    query.cursor = cursor.substr(0, i);
    if (i > 0) {
      EXPECT_EQ(code_of(query), Code::kInvalid) << i;
    }
  }
  for (const std::string& bad : {std::string("0"), std::string("%"), cursor + "A",
                                 cursor + "==", cursor + cursor, std::string(10'000, 'A')}) {
    query.cursor = bad;
    EXPECT_EQ(code_of(query), Code::kInvalid);
  }
  query.cursor = cursor;
  query.criteria = {TokenIs("lifecycle-status", "active")};  // a cursor of another search
  EXPECT_EQ(code_of(query), Code::kInvalid);
  query.criteria.clear();
  query.type = "Condition";
  EXPECT_EQ(code_of(query), Code::kInvalid);
  const TempFolder other_folder;
  const std::unique_ptr<Store> other = OpenIn(other_folder);
  query.type = "Goal";
  EXPECT_EQ(other->Search(query, all_).error().code, Code::kInvalid);
  store_.reset();
  store_ = OpenIn(folder_);  // a link outlives a restart
  EXPECT_EQ(Find(query).resources.size(), 1u);
}

TEST_P(StoreSearch, RefusesKindsThatNoTableHolds) {
  Query query = QueryOf("Observation");
  Criterion& quantity = query.criteria.emplace_back();
  quantity.parameter = Parameter(fhir::SearchKind::kQuantity, "value-quantity");
  quantity.values.emplace_back().text = "5";
  const Result<Page> page = store_->Search(query, all_);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kUnsupported);
  EXPECT_EQ(page.error().where, "value-quantity");
}

TEST_P(StoreSearch, TakesValuesAsValues) {
  Write write = NewWrite("Patient", "p1", "p1");
  const std::string odd = "x' OR '1'='1\0--"s;
  write.index = {TokenEntry("identifier", "s", odd)};
  Put(write);
  Query query = QueryOf("Patient");
  for (const auto& [text, found] :
       std::vector<std::pair<std::string, size_t>>{{odd, 1}, {"x' OR '1'='1", 0}, {"%", 0}}) {
    query.criteria = {TokenIs("identifier", text)};
    EXPECT_EQ(Find(query).resources.size(), found);
  }
}

// What is withheld changes nothing: a store in which it never was answers alike, page by page.
TEST_P(StoreSearch, AnswersAsIfTheWithheldHadNeverBeen) {
  const TempFolder clean_folder;
  const std::unique_ptr<Store> clean = OpenIn(clean_folder);
  SeesAllBut caller;
  caller.persons = {"p1", "p4"};
  caller.labels = {"Goal R"};
  std::mt19937 random(7);
  const auto pick = [&random](uint32_t below) { return static_cast<uint32_t>(random() % below); };
  for (int i = 0; i < 300; ++i) {
    const std::string home = "p" + std::to_string(pick(6));
    Write write = NewWrite("Goal", std::to_string(i), home, pick(40) * 1'000'000);
    if (pick(5) == 0) {
      write.stored.persons.push_back("p" + std::to_string(pick(6)));
    }
    write.stored.label_class = pick(4) == 0 ? "Goal R" : "Goal N";
    write.index = {ReferenceEntry("patient", "Patient", home),
                   TokenEntry("lifecycle-status", "s", pick(2) == 0 ? "active" : "completed")};
    bool seen = !caller.labels.contains(write.stored.label_class);
    for (const std::string& person : write.stored.persons) {
      seen = seen && !caller.persons.contains(person);
    }
    if (seen) {
      ASSERT_TRUE(clean->Commit(Of(write)));
    }
    Put(std::move(write));
  }
  std::vector<Query> queries(6, QueryOf("Goal"));
  queries[1].criteria = {TokenIs("lifecycle-status", "active")};
  queries[2].criteria = {PatientIs("p1")};  // of whom nothing is seen
  queries[3].criteria = {PatientIs("p2"), TokenIs("lifecycle-status", "active")};
  queries[4].compartment = {"p0", "p1", "p2"};
  queries[5].criteria = {IdIs("17")};
  for (Query query : queries) {
    for (const uint32_t count : {0u, 1u, 7u, 1000u}) {
      query.count = count;
      Query other = query;
      for (int page_number = 0; page_number < 400; ++page_number) {
        const Result<Page> dirty_page = store_->Search(query, caller);
        const Result<Page> clean_page = clean->Search(other, all_);
        ASSERT_TRUE(dirty_page && clean_page);
        ASSERT_EQ(IdsOf(dirty_page->resources), IdsOf(clean_page->resources));
        ASSERT_EQ(dirty_page->total, clean_page->total);
        ASSERT_EQ(dirty_page->next_cursor.size(), clean_page->next_cursor.size());
        query.cursor = dirty_page->next_cursor;
        other.cursor = clean_page->next_cursor;
        if (query.cursor.empty()) {
          break;
        }
      }
    }
  }
}

}  // namespace
}  // namespace gw::store
