// What only SQLite can do wrong: crashes, a full disk, a damaged file, query plans.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/search_plan.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/terms.h"
#include "tests/store/store_testing.h"

namespace gw::store {
namespace {

class SqliteStore : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> Open(uint32_t queue_max = 4096) {
    SqliteOptions options;
    options.path = path_;
    options.queue_max = queue_max;
    return OpenSqlite(options, clock_);
  }
  Code CodeOfOpen() {
    const auto opened = Open();
    return opened ? Code::kInternal : opened.error().code;
  }
  TempFolder folder_;
  const std::string path_ = folder_.Path("store.db");
  SystemClock clock_;
  SeesAll all_;
};

// The child: four threads commit, and tell each commit that was acknowledged through the pipe.
[[noreturn]] void CommitUntilKilled(const std::string& path, int round, int pipe_end) {
  const SystemClock clock;
  SqliteOptions options;
  options.path = path;
  const auto store = OpenSqlite(options, clock);
  if (!store) {
    _exit(1);
  }
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, round, t, pipe_end] {
      for (int i = 0;; ++i) {
        const std::string id =
            std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
        Write goal = NewWrite("Goal", id, "p" + std::to_string(t));
        goal.index = {TokenEntry("lifecycle-status", "s", "active")};
        Transaction transaction = OfTwo(std::move(goal), NewWrite("CarePlan", id, "p1"));
        transaction.entry = PendingEntry{id, "entry"};
        const std::string line = id + "\n";  // one write: lines of threads do not mix
        if ((*store)->Commit(std::move(transaction)) &&
            write(pipe_end, line.data(), line.size()) < 0) {
          _exit(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  _exit(1);
}

// Lets the child commit for a while, kills it, and returns what it had acknowledged.
std::vector<std::string> KillAfter(const std::string& path, int round, int milliseconds) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    CommitUntilKilled(path, round, ends[1]);
  }
  close(ends[1]);
  std::string told;
  char buffer[4096];
  ssize_t count = read(ends[0], buffer, sizeof buffer);  // it is at work now
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  EXPECT_EQ(kill(child, SIGKILL), 0);
  while (count > 0) {
    told.append(buffer, static_cast<size_t>(count));
    count = read(ends[0], buffer, sizeof buffer);
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  std::vector<std::string> ids;
  for (size_t at = 0, end = 0; (end = told.find('\n', at)) != std::string::npos; at = end + 1) {
    ids.push_back(told.substr(at, end - at));
  }
  return ids;
}

TEST_F(SqliteStore, LosesNothingAcknowledgedWhenItIsKilled) {
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    const std::vector<std::string> ids = KillAfter(path_, round, 3 + round * 17);
    acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
    const auto store = Open();
    ASSERT_TRUE(store) << store.error().detail;
    for (const std::string& id : acknowledged) {
      ASSERT_TRUE((*store)->Read({"Goal", id}, all_)) << id;
      ASSERT_TRUE((*store)->Read({"CarePlan", id}, all_)) << id;
    }
    // What was written but not acknowledged is there whole or not at all.
    fhir::Query count = QueryOf("Goal");
    count.count = 0;
    const auto goals = (*store)->Search(count, all_)->total;
    count.criteria = {TokenIs("lifecycle-status", "active")};
    EXPECT_EQ((*store)->Search(count, all_)->total, goals);
    EXPECT_EQ((*store)->PendingEntries(1'000'000)->size(), goals);
  }
  EXPECT_GT(acknowledged.size(), 8u);
}

// Lets no file of this process grow past `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

Write BigWrite(int number) {
  Write write = NewWrite("Binary", std::to_string(number), "p1");
  write.stored.json = std::string(64 * 1024, 'x');
  return write;
}

TEST_F(SqliteStore, RefusesWhenTheDiskIsFullAndGoesOnWhenThereIsSpace) {
  const auto store = Open();
  ASSERT_TRUE(store);
  int number = 0;
  {
    const FileSizeLimit limit(1 << 20);
    Result<Committed> result = Committed{};
    while (result) {
      ASSERT_LT(number, 100);
      result = (*store)->Commit(Of(BigWrite(number++)));
    }
    EXPECT_EQ(result.error().code, Code::kUnavailable);
    EXPECT_EQ((*store)->Commit(Of(BigWrite(number))).error().code, Code::kUnavailable);
    EXPECT_TRUE((*store)->Read({"Binary", "0"}, all_)) << "what is there can be read";
    EXPECT_EQ((*store)->Read({"Binary", std::to_string(number - 1)}, all_).error().code,
              Code::kNotFound);
  }
  EXPECT_TRUE((*store)->Commit(Of(BigWrite(number))));
  EXPECT_TRUE((*store)->Read({"Binary", std::to_string(number)}, all_));
}

TEST_F(SqliteStore, IsBusyWhenTheQueueIsFull) {
  const auto store = Open(/*queue_max=*/0);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->Commit(Of(NewWrite("Goal", "g", "p1"))).error().code, Code::kBusy);
}

TEST_F(SqliteStore, OpensOnceAtATime) {
  auto store = Open();
  ASSERT_TRUE(store);
  EXPECT_EQ(CodeOfOpen(), Code::kUnavailable);
  store->reset();
  EXPECT_TRUE(Open());
}

TEST_F(SqliteStore, RefusesAFolderThatIsNotThere) {
  SqliteOptions options;
  options.path = folder_.Path("absent/store.db");
  EXPECT_EQ(OpenSqlite(options, clock_).error().code, Code::kUnavailable);
}

TEST_F(SqliteStore, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(CodeOfOpen(), Code::kUnavailable);
}

TEST_F(SqliteStore, RefusesADamagedFile) {
  {
    const auto store = Open();
    ASSERT_TRUE(store);
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE((*store)->Commit(Of(BigWrite(i))));
    }
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 2; page < 40; ++page) {
    file.seekp(page * 8192);
    file << std::string(64, '\xff');
  }
  file.close();
  EXPECT_EQ(CodeOfOpen(), Code::kUnavailable);
}

TEST_F(SqliteStore, RefusesASchemaOfAnotherVersion) {
  ASSERT_TRUE(Open());
  {
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run("UPDATE store_schema SET version = 99"));
  }
  EXPECT_EQ(CodeOfOpen(), Code::kInvalid);
  {
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    ASSERT_TRUE(connection->Run("DROP TABLE store_schema"));
  }
  EXPECT_EQ(CodeOfOpen(), Code::kInvalid);  // a database of somebody else
}

TEST_F(SqliteStore, KeepsTheRulesOfItsConnections) {
  ASSERT_TRUE(Open());
  auto reader = Connection::Open(path_, Connection::Mode::kReader);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->Run("DELETE FROM resource"));
  auto writer = Connection::Open(path_, Connection::Mode::kWriter);
  ASSERT_TRUE(writer);
  const auto pragma = [](Connection& connection, const char* name) {
    auto statement = connection.Prepare(std::string("PRAGMA ") + name);
    Execution run(*statement);
    return *run.Step() ? std::string(run.TextAt(0)) : std::string();
  };
  EXPECT_EQ(pragma(*writer, "journal_mode"), "wal");
  EXPECT_EQ(pragma(*writer, "synchronous"), "2");
  EXPECT_EQ(pragma(*writer, "wal_autocheckpoint"), "0");
  for (Connection* connection : {&*reader, &*writer}) {
    EXPECT_EQ(pragma(*connection, "trusted_schema"), "0");
    EXPECT_EQ(pragma(*connection, "cell_size_check"), "1");
    EXPECT_FALSE(connection->Run("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = ''"));
  }
}

// What cannot be read is an error or is not seen; it is never a match.
TEST_F(SqliteStore, ShowsNothingOfADamagedRow) {
  const auto damage = [this](const char* column) {
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->Run(("UPDATE resource SET " + std::string(column)).c_str()));
  };
  {
    const auto store = Open();
    ASSERT_TRUE(store);
    Write goal = NewWrite("Goal", "g", "p1");
    goal.index = {TokenEntry("lifecycle-status", "s", "active")};
    ASSERT_TRUE((*store)->Commit(Of(goal)));
  }
  fhir::Query query = QueryOf("Goal");
  for (const char* persons : {"persons = 'p1 '", "persons = ' p1'", "persons = 'p1  p1'"}) {
    damage(persons);
    const auto store = Open();
    ASSERT_TRUE(store);
    EXPECT_TRUE((*store)->Search(query, all_)->resources.empty()) << persons;
    EXPECT_EQ((*store)->Read({"Goal", "g"}, all_).error().code, Code::kNotFound) << persons;
  }
  damage("persons = 'p1', terms = substr(terms, 1, length(terms) - 1)");
  const auto store = Open();
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->Search(query, all_)->resources.size(), 1u) << "nothing of it is asked";
  query.criteria = {TokenIs("lifecycle-status", "active")};
  const auto page = (*store)->Search(query, all_);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kUnavailable);
  Write next = NextWrite(NewWrite("Goal", "g", "p1"), 2'000'000);
  EXPECT_EQ((*store)->Commit(Of(next)).error().code, Code::kUnavailable);
}

// 100,000 resources: 5,000 patients with 20 Goals each, every tenth of them active.
constexpr const char* kManyGoals = R"sql(
INSERT INTO label_class VALUES (1, 'Goal N');
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS
  (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT i FROM n;
INSERT INTO resource(patient_key, type, id, version, last_updated, deleted, label_class_id,
    persons, message, terms, body)
  SELECT i / 20, 'Goal', printf('g%06d', i), 1, 1000000 + i / 3, 0, 1, 'p' || (i / 20), 0,
    terms_of(i), '{}' FROM n;
INSERT INTO resource_home SELECT printf('g%06d', i), 'Goal', i / 20 FROM n;
INSERT INTO identifier SELECT 'v' || i, 'Goal', 's', printf('g%06d', i), i / 20, 0 FROM n;
INSERT INTO named_elsewhere SELECT 'p' || (i / 20), 'Goal', printf('g%06d', i), i / 20 FROM n;
)sql";

void TermsOf(sqlite3_context* context, int, sqlite3_value** arguments) {
  const int64_t i = sqlite3_value_int64(arguments[0]);
  const std::string value = "v" + std::to_string(i);
  const std::string patient = "p" + std::to_string(i / 20);
  const std::vector<fhir::IndexEntry> index = {
      TokenEntry("lifecycle-status", "s", i % 10 == 0 ? "active" : "completed"),
      TokenEntry("identifier", "s", value), ReferenceEntry("patient", "Patient", patient),
      DateEntry("start-date", i, i + 10)};
  Terms terms;
  terms.rows = fhir::RowsOf(index);
  terms.compartments = {0};
  const std::string packed = PackTerms(terms);
  sqlite3_result_blob64(context, packed.data(), packed.size(), SQLITE_TRANSIENT);
}

std::vector<fhir::Query> ShapesOfSearch() {
  std::vector<fhir::Query> queries(9, QueryOf("Goal"));
  queries[1].criteria = {TokenIs("lifecycle-status", "active")};
  queries[2].criteria = {TokenIs("identifier", "v777")};
  queries[3].criteria = {PatientIs("p77")};
  queries[4].criteria = {IdIs("g000777"), TokenIs("lifecycle-status", "active")};
  queries[5].compartment = {"p77"};
  queries[6].criteria = {PatientIs("p77"), TokenIs("lifecycle-status", "active")};
  fhir::Criterion& date = queries[7].criteria.emplace_back();
  date.parameter = Parameter(fhir::SearchKind::kDate, "start-date");
  date.values.emplace_back().high_us = 50'000;
  fhir::Criterion& updated = queries[8].criteria.emplace_back();
  updated.parameter = Parameter(fhir::SearchKind::kDate, "_lastUpdated");
  updated.values.emplace_back().prefix = fhir::Prefix::kGe;
  return queries;
}

TEST_F(SqliteStore, SearchesByIndexNeverByScan) {
  ASSERT_TRUE(Open());
  auto connection = Connection::Open(path_, Connection::Mode::kWriter);
  ASSERT_TRUE(connection);
  const SearchPosition after{1, "x"};
  for (const fhir::Query& query : ShapesOfSearch()) {
    for (const SearchShape shape : {SearchShape::kPage, SearchShape::kCount}) {
      const auto plan =
          PlanSearch(query, shape, &after, SearchDialect{"r.terms <> x''", "r.persons <> ''"});
      ASSERT_TRUE(plan);
      auto statement = connection->Prepare("EXPLAIN QUERY PLAN " + plan->sql);
      ASSERT_TRUE(statement) << plan->sql;
      Execution run(*statement);
      while (*run.Step()) {
        const std::string step(run.TextAt(3));
        const bool scans = step.starts_with("SCAN ") && step != "SCAN d" && step != "SCAN k" &&
                           step != "SCAN (subquery-1)";
        EXPECT_FALSE(scans) << step << " in " << plan->sql;
      }
    }
  }
}

TEST_F(SqliteStore, PagesThroughAHundredThousand) {
  ASSERT_TRUE(Open());
  {
    auto connection = Connection::Open(path_, Connection::Mode::kWriter);
    ASSERT_TRUE(connection);
    ASSERT_EQ(sqlite3_create_function_v2(connection->handle(), "terms_of", 1, SQLITE_UTF8, nullptr,
                                         TermsOf, nullptr, nullptr, nullptr),
              SQLITE_OK);
    ASSERT_TRUE(connection->Run("BEGIN"));
    const Status filled = connection->Run(kManyGoals);
    ASSERT_TRUE(connection->Run("COMMIT"));
    ASSERT_TRUE(filled) << filled.error().detail;
  }
  const auto store = Open();
  ASSERT_TRUE(store);
  const std::vector<fhir::Query> queries = ShapesOfSearch();
  const std::vector<size_t> totals = {100'000, 10'000, 1, 20, 0, 20, 2, 49'991, 100'000};
  for (size_t i = 0; i < queries.size(); ++i) {
    fhir::Query query = queries[i];
    query.count = 0;
    EXPECT_EQ((*store)->Search(query, all_)->total, totals[i]) << i;
    if (i > 0 && totals[i] > 10'000) {
      continue;  // one long walk is enough
    }
    query.count = 1000;
    std::set<std::string> ids;
    size_t pages = 0;
    do {
      const auto page = (*store)->Search(query, all_);
      ASSERT_TRUE(page) << page.error().detail;
      for (const std::string& id : IdsOf(page->resources)) {
        EXPECT_TRUE(ids.insert(id).second);
      }
      query.cursor = page->next_cursor;
      ++pages;
    } while (!query.cursor.empty() && pages < 1000);
    EXPECT_EQ(ids.size(), totals[i]) << i;
  }
}

}  // namespace
}  // namespace gw::store
