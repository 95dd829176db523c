#include "gateway/store/access_index.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

AccessRow RowOf(uint64_t index, std::vector<std::string> patients, std::vector<std::string> agents,
                std::string outcome = "0") {
  AccessRow row;
  row.index = index;
  row.id = "entry-" + std::to_string(index);
  row.recorded = Instant{static_cast<int64_t>(index) * 1'000'000};
  row.patients = std::move(patients);
  row.agents = std::move(agents);
  row.outcome = std::move(outcome);
  return row;
}

class AccessIndexTest : public testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    index_.reset();
    auto opened = OpenAccessIndex(path_);
    ASSERT_TRUE(opened) << opened.error().detail;
    index_ = *std::move(opened);
  }
  void AddFive() {
    const std::vector<AccessRow> rows = {
        RowOf(0, {"p1"}, {"client-a", "urn:org|X9900", "X9900"}),
        RowOf(1, {}, {"client-b"}, "4"),
        RowOf(2, {"p1", "p2"}, {"client-b"}),
        RowOf(4, {"p2"}, {"client-a"}, "8"),  // 3 told of no access
        RowOf(5, {"p1"}, {"client-b"}, "4"),
    };
    ASSERT_TRUE(index_->Add(rows));
  }
  std::vector<uint64_t> Find(const AccessQuery& query) {
    const auto page = index_->Search(query);
    EXPECT_TRUE(page) << page.error().detail;
    return page ? page->entries : std::vector<uint64_t>();
  }

  TempFolder folder_;
  const std::string path_ = folder_.Path("access.db");
  std::unique_ptr<AccessIndex> index_;
};

using Entries = std::vector<uint64_t>;

TEST_F(AccessIndexTest, FindsByEachCriterionNewestFirst) {
  AddFive();
  EXPECT_EQ(Find({}), (Entries{5, 4, 2, 1, 0}));
  AccessQuery query;
  query.patients = {"p1"};
  EXPECT_EQ(Find(query), (Entries{5, 2, 0}));
  query.patients = {"p1", "p2"};
  EXPECT_EQ(Find(query), (Entries{5, 4, 2, 0}));
  query.agents = {"client-b", "X9900"};
  EXPECT_EQ(Find(query), (Entries{5, 2, 0}));
  query.outcomes = {"4", "8"};
  EXPECT_EQ(Find(query), Entries{5});
  query = {};
  query.agents = {"client-a", "urn:org|X9900"};
  EXPECT_EQ(Find(query), (Entries{4, 0}));
  query = {};
  query.id = "entry-2";
  EXPECT_EQ(Find(query), Entries{2});
  query = {};
  query.from = Instant{1'000'000};
  query.until = Instant{4'000'000};  // is not in it
  EXPECT_EQ(Find(query), (Entries{2, 1}));
  query.patients = {"p3"};
  EXPECT_TRUE(Find(query).empty());
}

TEST_F(AccessIndexTest, PagesByItsCursor) {
  AddFive();
  AccessQuery query;
  query.count = 2;
  Entries all;
  int pages = 0;
  do {
    const auto page = index_->Search(query);
    ASSERT_TRUE(page);
    all.insert(all.end(), page->entries.begin(), page->entries.end());
    query.cursor = page->next_cursor;
    ++pages;
  } while (!query.cursor.empty());
  EXPECT_EQ(all, (Entries{5, 4, 2, 1, 0}));
  EXPECT_EQ(pages, 3);
  for (const char* bad : {"x", "-1", "1 ", "01", "1.5", "99999999999999999999"}) {
    query.cursor = bad;
    const auto page = index_->Search(query);
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code, Code::kInvalid) << bad;
  }
}

TEST_F(AccessIndexTest, SaysWhereToGoOn) {
  EXPECT_EQ(*index_->Next(), 0u);
  AddFive();
  EXPECT_EQ(*index_->Next(), 6u);
  AddFive();  // rows it has are skipped
  EXPECT_EQ(Find({}).size(), 5u);
  Open();
  EXPECT_EQ(*index_->Next(), 6u);
  EXPECT_EQ(Find({}).size(), 5u);
}

TEST_F(AccessIndexTest, StartsAnewFromADamagedFile) {
  AddFive();
  index_.reset();
  std::ofstream(path_, std::ios::binary) << std::string(4096, 'x');
  Open();
  EXPECT_EQ(*index_->Next(), 0u);
  AddFive();
  EXPECT_EQ(*index_->Next(), 6u);
}

TEST(OpenAccessIndex, RefusesAFolderThatIsNotThere) {
  const TempFolder folder;
  EXPECT_EQ(OpenAccessIndex(folder.Path("absent/access.db")).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace gw::store
