#include "gateway/store/access_index.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <mutex>
#include <string_view>
#include <utility>

#include "gateway/store/sqlite_connection.h"

namespace gw::store {
namespace {

// The file's own tables: an index of one node's log, which can be made again at any time.
constexpr const char* kTables = R"sql(
CREATE TABLE access_schema(version INTEGER NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE access_entry(
  log_index INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  recorded INTEGER NOT NULL,
  outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_entry_by_id ON access_entry(id);
CREATE INDEX access_entry_by_time ON access_entry(recorded);
CREATE TABLE access_patient(
  patient TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  PRIMARY KEY (patient, log_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_agent(
  agent TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  PRIMARY KEY (agent, log_index)
) STRICT, WITHOUT ROWID;
INSERT INTO access_schema VALUES (1);
)sql";
constexpr int64_t kVersion = 1;
constexpr uint32_t kCountMax = 1000;

// A cursor is the log index at which the page before ended, and nothing else is in it.
Result<int64_t> ReadCursor(std::string_view cursor) {
  if (cursor.empty()) {
    return std::numeric_limits<int64_t>::max();
  }
  int64_t index = -1;
  const char* const end = cursor.data() + cursor.size();
  const auto [stop, code] = std::from_chars(cursor.data(), end, index);
  if (code != std::errc() || stop != end || index < 0 || std::to_string(index) != cursor) {
    return Error{Code::kInvalid, "the page link is not one of this search", "cursor"};
  }
  return index;
}

// "?, ?, ?"
std::string Marks(size_t count) {
  std::string marks;
  for (size_t i = 0; i < count; ++i) {
    marks += i == 0 ? "?" : ", ?";
  }
  return marks;
}

// The entries that name one of `names` in `table`. Few enough for a list where they drive the
// search, else each entry is looked up.
std::string NamedIn(std::string_view table, std::string_view column, size_t names, bool drives) {
  const std::string name(column);
  const std::string rows = "(SELECT x.log_index FROM " + std::string(table) + " x WHERE x." + name +
                           " IN (" + Marks(names) + ")";
  return drives ? " AND e.log_index IN " + rows + ")"
                : " AND EXISTS " + rows + " AND x.log_index = e.log_index)";
}

std::string TextOf(const AccessQuery& query) {
  std::string sql = "SELECT e.log_index FROM access_entry e WHERE e.log_index < ?";
  if (!query.id.empty()) {
    sql += " AND e.id = ?";
  }
  if (query.from) {
    sql += " AND e.recorded >= ?";
  }
  if (query.until) {
    sql += " AND e.recorded < ?";
  }
  if (!query.outcomes.empty()) {
    sql += " AND e.outcome IN (" + Marks(query.outcomes.size()) + ")";
  }
  if (!query.patients.empty()) {
    sql += NamedIn("access_patient", "patient", query.patients.size(), true);
  }
  if (!query.agents.empty()) {
    sql += NamedIn("access_agent", "agent", query.agents.size(), query.patients.empty());
  }
  return sql + " ORDER BY e.log_index DESC LIMIT ?";
}

void BindAll(const AccessQuery& query, int64_t before, uint32_t count, Execution* run) {
  run->Int(before);
  if (!query.id.empty()) {
    run->Text(query.id);
  }
  if (query.from) {
    run->Int(query.from->unix_us);
  }
  if (query.until) {
    run->Int(query.until->unix_us);
  }
  for (const auto* names : {&query.outcomes, &query.patients, &query.agents}) {
    for (const std::string& name : *names) {
      run->Text(name);
    }
  }
  run->Int(int64_t{count} + 1);
}

class SqliteAccessIndex final : public AccessIndex {
 public:
  static Result<std::unique_ptr<SqliteAccessIndex>> Open(const std::string& path) {
    GW_TRY(Connection connection, Connection::Open(path, Connection::Mode::kIndex));
    GW_RETURN_IF_ERROR(connection.QuickCheck());
    std::unique_ptr<SqliteAccessIndex> index(new SqliteAccessIndex(std::move(connection)));
    GW_RETURN_IF_ERROR(index->Prepare());
    return index;
  }

  Result<uint64_t> Next() override {
    const std::lock_guard lock(mutex_);
    Execution last(last_);
    GW_TRY(const bool found, last.Step());
    return found ? static_cast<uint64_t>(last.IntAt(0)) + 1 : uint64_t{0};
  }

  Status Add(std::span<const AccessRow> rows) override {
    const std::lock_guard lock(mutex_);
    GW_RETURN_IF_ERROR(connection_.Run("BEGIN IMMEDIATE"));
    Status added = AddAll(rows);
    if (added) {
      added = connection_.Run("COMMIT");
    }
    if (!added && connection_.in_transaction()) {
      (void)connection_.Run("ROLLBACK");  // the first error is the one to tell
    }
    return added;
  }

  Result<AccessPage> Search(const AccessQuery& query) override {
    GW_TRY(const int64_t before, ReadCursor(query.cursor));
    const uint32_t count = std::clamp<uint32_t>(query.count, 1, kCountMax);
    const std::lock_guard lock(mutex_);
    GW_TRY(Statement statement, connection_.Prepare(TextOf(query)));
    Execution run(statement);
    BindAll(query, before, count, &run);
    AccessPage page;
    while (true) {
      GW_TRY(const bool more, run.Step());
      if (!more) {
        return page;
      }
      if (page.entries.size() == count) {
        page.next_cursor = std::to_string(page.entries.back());
        return page;
      }
      page.entries.push_back(static_cast<uint64_t>(run.IntAt(0)));
    }
  }

 private:
  explicit SqliteAccessIndex(Connection connection) : connection_(std::move(connection)) {}

  Status Prepare() {
    Result<Statement> version = connection_.Prepare("SELECT version FROM access_schema");
    if (!version) {
      GW_RETURN_IF_ERROR(connection_.Run(kTables));
      version = connection_.Prepare("SELECT version FROM access_schema");
    }
    if (!version) {
      return version.error();
    }
    Execution run(*version);
    GW_TRY(const bool row, run.Step());
    if (!row || run.IntAt(0) != kVersion) {
      return Error{Code::kInvalid, "the access index is of another schema version", "store"};
    }
    GW_TRY(last_, connection_.Prepare(
                      "SELECT log_index FROM access_entry ORDER BY log_index DESC LIMIT 1"));
    GW_TRY(insert_entry_, connection_.Prepare("INSERT INTO access_entry VALUES (?1, ?2, ?3, ?4)"
                                              " ON CONFLICT (log_index) DO NOTHING"));
    GW_TRY(insert_patient_, connection_.Prepare("INSERT INTO access_patient VALUES (?1, ?2)"
                                                " ON CONFLICT (patient, log_index) DO NOTHING"));
    GW_TRY(insert_agent_, connection_.Prepare("INSERT INTO access_agent VALUES (?1, ?2)"
                                              " ON CONFLICT (agent, log_index) DO NOTHING"));
    return {};
  }

  Status AddAll(std::span<const AccessRow> rows) {
    for (const AccessRow& row : rows) {
      const auto index = static_cast<int64_t>(row.index);
      GW_RETURN_IF_ERROR(Execution(insert_entry_)
                             .Int(index)
                             .Text(row.id)
                             .Int(row.recorded.unix_us)
                             .Text(row.outcome)
                             .Finish());
      for (const std::string& patient : row.patients) {
        GW_RETURN_IF_ERROR(Execution(insert_patient_).Text(patient).Int(index).Finish());
      }
      for (const std::string& agent : row.agents) {
        GW_RETURN_IF_ERROR(Execution(insert_agent_).Text(agent).Int(index).Finish());
      }
    }
    return {};
  }

  std::mutex mutex_;  // guards all below: one connection
  Connection connection_;
  Statement last_, insert_entry_, insert_patient_, insert_agent_;
};

// Removes a file that can be made again, with what SQLite keeps beside it.
void Remove(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    (void)unlink((path + suffix).c_str());  // absent is as good
  }
}

}  // namespace

// A file that is damaged or of another version is made anew: the log has it all.
Result<std::unique_ptr<AccessIndex>> OpenAccessIndex(const std::string& path) {
  Result<std::unique_ptr<SqliteAccessIndex>> index = SqliteAccessIndex::Open(path);
  if (!index) {
    Remove(path);
    index = SqliteAccessIndex::Open(path);
  }
  if (!index) {
    return index.error();
  }
  return std::unique_ptr<AccessIndex>(*std::move(index));
}

}  // namespace gw::store
