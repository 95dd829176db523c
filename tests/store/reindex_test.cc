// A file whose index was made with other search parameters is indexed anew before it opens.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "gateway/fhir/package.h"
#include "gateway/fhir/resource.h"
#include "gateway/store/sqlite_connection.h"
#include "tests/store/earlier_schema.h"
#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

class Reindex : public testing::Test {
 protected:
  Reindex() {
    folder_.Write(
        "guide/town.json",
        R"({"resourceType":"SearchParameter","url":"https://example.org/town","name":"X",)"
        R"("status":"active","description":"d","code":"town","base":["Patient"],)"
        R"("type":"string","expression":"Patient.address.city"})");
    Result<fhir::Packages> packages = fhir::Packages::Load({{folder_.Path("guide")}, {}, {}}, R4());
    EXPECT_TRUE(packages.ok()) << packages.error().detail;
    packages_.emplace(std::move(*packages));
    plain_.emplace(*fhir::SearchIndexer::Make(R4()));
    own_.emplace(*fhir::SearchIndexer::Make(R4(), packages_->searches()));
  }

  Result<std::unique_ptr<Store>> Open(const fhir::SearchIndexer& indexer) {
    SqliteOptions options;
    options.path = folder_.Path("store.db");
    options.indexer = &indexer;
    return OpenSqlite(options, clock_);
  }

  Write PatientIn(const std::string& id, const std::string& town,
                  const fhir::SearchIndexer& indexer) {
    Write write = NewWrite("Patient", id, id);
    write.stored.json = R"({"resourceType":"Patient","id":")" + id +
                        R"(","identifier":[{"system":"urn:x","value":")" + id +
                        R"("}],"generalPractitioner":[{"reference":"Organization/o"}],)" +
                        R"("address":[{"city":")" + town + R"("}]})";
    write.index = indexer.Index(*fhir::ParseJson(write.stored.json, R4(), Limits{}));
    return write;
  }

  std::vector<std::string> Found(Store& store, const std::string& query,
                                 const fhir::SearchIndexer& indexer) {
    const auto parsed = fhir::ParseQuery("Patient", query, false, indexer, Limits{});
    EXPECT_TRUE(parsed.ok()) << parsed.error().detail;
    const auto page = store.Search(*parsed, all_);
    EXPECT_TRUE(page.ok()) << page.error().detail;
    return IdsOf(page->resources);
  }

  TempFolder folder_;
  SystemClock clock_;
  SeesAll all_;
  std::optional<fhir::Packages> packages_;
  std::optional<fhir::SearchIndexer> plain_;
  std::optional<fhir::SearchIndexer> own_;
};

using Ids = std::vector<std::string>;

TEST_F(Reindex, FindsWhatWasStoredBeforeAParameterCame) {
  {
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    for (int i = 0; i < 1'200; ++i) {  // some groups
      const std::string id = "p" + std::to_string(i);
      ASSERT_TRUE((*store)->Commit(Of(PatientIn(id, i % 400 == 7 ? "Stoke" : "Derby", *plain_))));
    }
  }
  {
    auto store = Open(*own_);
    ASSERT_TRUE(store) << store.error().detail;
    EXPECT_EQ(Found(**store, "town=stoke", *own_).size(), 3u);
    EXPECT_EQ(Found(**store, "identifier=urn:x|p8", *own_), Ids{"p8"}) << "the others stand";
    ASSERT_TRUE((*store)->Commit(Of(PatientIn("late", "Stoke", *own_))));
    EXPECT_EQ(Found(**store, "town=stoke", *own_).size(), 4u);
  }
  {  // the parameter goes, one is stored without it, and it comes back
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    ASSERT_TRUE((*store)->Commit(Of(PatientIn("between", "Stoke", *plain_))));
  }
  auto store = Open(*own_);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(Found(**store, "town=stoke", *own_).size(), 5u);
}

TEST_F(Reindex, DeletedResourcesStayOutOfTheIndex) {
  {
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    const Write first = PatientIn("p1", "Stoke", *plain_);
    ASSERT_TRUE((*store)->Commit(Of(first)));
    Write gone = NextWrite(first, 2'000'000);
    gone.stored.deleted = true;
    gone.stored.json.clear();
    gone.index.clear();
    ASSERT_TRUE((*store)->Commit(Of(gone)));
  }
  auto store = Open(*own_);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(Found(**store, "town=stoke", *own_), Ids{});
}

TEST_F(Reindex, AFileThatCannotBeIndexedDoesNotOpen) {
  {
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    Write broken = PatientIn("p1", "Stoke", *plain_);
    broken.stored.json = "{}";
    ASSERT_TRUE((*store)->Commit(Of(broken)));
  }
  const auto store = Open(*own_);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kInvalid);
  EXPECT_EQ(store.error().where, "store: Patient/p1");
  EXPECT_FALSE(Open(*plain_).ok()) << "the rows are of no one set by now, so none may serve";
}

TEST_F(Reindex, AFileOfAnEarlierSchemaIsIndexedAnew) {
  {
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    Write write = PatientIn("p1", "Stoke", *plain_);
    write.index.clear();
    ASSERT_TRUE((*store)->Commit(Of(write)));
  }
  {
    auto connection = Connection::Open(folder_.Path("store.db"), Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run(kResourcesBefore5));
    ASSERT_TRUE(connection->Run(kPendingBefore4));
    ASSERT_TRUE(connection->Run("DROP TABLE search_index; UPDATE store_schema SET version = 2"));
  }
  auto store = Open(*plain_);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(Found(**store, "identifier=p1", *plain_), Ids{"p1"});
  EXPECT_EQ((*store)->PendingEntries(10)->size(), 1u);
}

TEST_F(Reindex, AFileOfSchemaThreeKeepsItsPendingEntries) {
  { ASSERT_TRUE(Open(*plain_)); }
  {
    auto connection = Connection::Open(folder_.Path("store.db"), Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run(kResourcesBefore5));
    ASSERT_TRUE(connection->Run(kPendingBefore4));
    ASSERT_TRUE(connection->Run("UPDATE store_schema SET version = 3"));
  }
  auto store = Open(*plain_);
  ASSERT_TRUE(store) << store.error().detail;
  ASSERT_EQ((*store)->PendingEntries(10)->size(), 1u);
  Transaction settled;
  settled.settled = {"entry-0"};
  ASSERT_TRUE((*store)->Commit(std::move(settled)));
  EXPECT_TRUE((*store)->PendingEntries(10)->empty());
}

TEST_F(Reindex, FindsNamesakesThatWereStoredBeforeTheirRowsCame) {
  const std::string json =
      R"({"resourceType":"Patient","id":"p1","name":[{"family":"Ashdown","given":["Winifred"]}],)"
      R"("birthDate":"1938-06-11"})";
  {
    auto store = Open(*plain_);
    ASSERT_TRUE(store) << store.error().detail;
    Write write = NewWrite("Patient", "p1", "p1");
    write.stored.json = json;
    ASSERT_TRUE((*store)->Commit(Of(write)));
  }
  const std::vector<std::string> keys = fhir::NamesakeKeys(*fhir::ParseJson(json, R4(), Limits{}));
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ((*Open(*plain_))->Namesakes(keys, FitsAll(), 9)->size(), 0u)
      << "the file says that all are there";
  auto store = Open(*own_);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(*(*store)->Namesakes(keys, FitsAll(), 9), Ids{"p1"});
}

}  // namespace
}  // namespace gw::store
