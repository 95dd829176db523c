#include "gateway/store/sqlite_writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "gateway/base/log.h"

namespace gw::store {
namespace {

// Pages of 4 KB in the log before they are copied into the file (32 MB), and before readers are
// made to wait for a moment so that the log starts again (128 MB).
constexpr int kCheckpointPages = 8'000;
constexpr int kRestartPages = 32'000;
constexpr int kRestartWaitMs = 200;

}  // namespace

SqliteWriter::SqliteWriter(std::unique_ptr<Connection> connection, SqliteApplier applier,
                           const SqliteOptions& options, const Clock& clock)
    : connection_(std::move(connection)),
      applier_(std::move(applier)),
      options_(options),
      clock_(clock) {}

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::Start(Connection connection,
                                                          const SqliteOptions& options,
                                                          const Clock& clock) {
  auto owned = std::make_unique<Connection>(std::move(connection));
  GW_TRY(SqliteApplier applier, SqliteApplier::Make(owned.get()));
  GW_TRY(const uint64_t sequence, applier.LastSequence());
  std::unique_ptr<SqliteWriter> writer(
      new SqliteWriter(std::move(owned), std::move(applier), options, clock));
  writer->sequence_ = sequence;
  // The hook takes the place of SQLite's own checkpoints: it only notes how long the log has grown.
  sqlite3_wal_hook(writer->connection_->handle(), &SqliteWriter::NotePages, writer.get());
  writer->thread_ = std::thread([raw = writer.get()] { raw->Work(); });
  return writer;
}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<Committed> SqliteWriter::Commit(CheckedTransaction transaction) {
  Job job;
  job.transaction = std::move(transaction);
  std::unique_lock lock(mutex_);
  if (queue_.size() >= options_.queue_max) {
    return Error{Code::kBusy, "too many transactions wait to be written", "store"};
  }
  queue_.push_back(&job);
  work_.notify_one();
  job.done.wait(lock, [&job] { return job.result.has_value(); });
  return *std::move(job.result);
}

void SqliteWriter::Work() {
  while (true) {
    const std::vector<Job*> group = NextGroup();
    if (group.empty()) {
      return;
    }
    std::vector<Result<Committed>> results = CommitGroup(group);
    {
      const std::lock_guard lock(mutex_);
      for (size_t i = 0; i < group.size(); ++i) {
        group[i]->result = std::move(results[i]);
        group[i]->done.notify_one();  // under the lock: after it the job may be gone
      }
    }
    Checkpoint();
  }
}

// Waits for work; empty when it is time to stop.
std::vector<SqliteWriter::Job*> SqliteWriter::NextGroup() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  const auto count =
      static_cast<std::ptrdiff_t>(std::min<size_t>(queue_.size(), options_.group_max));
  std::vector<Job*> group(queue_.begin(), queue_.begin() + count);
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return group;
}

// A conflict is nearly always seen before a row is written and then costs nothing. One that shows
// only later (a new resource whose id is there already) undoes the group, which is then written
// again with a savepoint around each transaction.
std::vector<Result<Committed>> SqliteWriter::CommitGroup(std::span<Job* const> group) {
  Result<std::vector<Result<Committed>>> results = Guarded(group, /*savepoints=*/false);
  if (!results && results.error().code != Code::kUnavailable) {
    results = Guarded(group, /*savepoints=*/true);
  }
  if (results) {
    return *std::move(results);
  }
  log::Write(log::Level::kError, "store.commit_failed",
             {{"detail", results.error().detail}, {"transactions", std::to_string(group.size())}});
  return std::vector<Result<Committed>>(group.size(), results.error());
}

// The worker's catch-all: whatever was thrown, the group is undone and its callers are told.
Result<std::vector<Result<Committed>>> SqliteWriter::Guarded(std::span<Job* const> group,
                                                             bool savepoints) {
  try {
    return TryGroup(group, savepoints);
  } catch (const std::exception&) {
    (void)Rollback();  // where even this fails, the next group tries again before it begins
    return Error{Code::kUnavailable, "the store's writer failed", "store"};
  }
}

Result<std::vector<Result<Committed>>> SqliteWriter::TryGroup(std::span<Job* const> group,
                                                              bool savepoints) {
  if (connection_->in_transaction()) {  // of a commit that failed and could not be undone then
    GW_RETURN_IF_ERROR(Rollback());
  }
  GW_RETURN_IF_ERROR(connection_->Run("BEGIN IMMEDIATE"));
  std::vector<Result<Committed>> results;
  results.reserve(group.size());
  bool wrote_any = false;
  for (const Job* job : group) {
    bool wrote = false;
    results.push_back(ApplyOne(job->transaction, savepoints, &wrote));
    const Result<Committed>& result = results.back();
    const bool broken =
        !result && (result.error().code == Code::kUnavailable || (wrote && !savepoints));
    if (broken) {
      (void)Rollback();  // where even this fails, the next group tries again before it begins
      return result.error();
    }
    wrote_any = wrote_any || result.ok();
  }
  Status committed = wrote_any ? applier_.Finish(sequence_) : Status();
  if (committed) {
    committed = connection_->Run("COMMIT");
  }
  if (!committed) {
    (void)Rollback();
    return committed.error();
  }
  return results;
}

Result<Committed> SqliteWriter::ApplyOne(const CheckedTransaction& transaction, bool savepoints,
                                         bool* wrote) {
  // Policy classes are sequences. Taking them from the clock where it is ahead, a store that was
  // put back from a copy gives out no class that a cache may still hold from before.
  const uint64_t sequence =
      std::max(sequence_ + 1, static_cast<uint64_t>(std::max<int64_t>(clock_.Now().unix_us, 0)));
  if (savepoints) {
    GW_RETURN_IF_ERROR(connection_->Run("SAVEPOINT one"));
  }
  Committed committed;
  const Status applied = applier_.Apply(transaction, sequence, wrote, &committed);
  if (applied) {
    sequence_ = sequence;
    applier_.archive().Count();
  }
  if (savepoints && !applied) {
    applier_.ForgetUncommitted();
    GW_RETURN_IF_ERROR(connection_->Run("ROLLBACK TO one"));
  }
  if (savepoints) {
    GW_RETURN_IF_ERROR(connection_->Run("RELEASE one"));
  }
  GW_RETURN_IF_ERROR(applied);
  return committed;
}

Status SqliteWriter::Rollback() {
  applier_.ForgetUncommitted();
  applier_.archive().ForgetCounts();
  // SQLite undoes by itself what a full disk or an I/O error cut short.
  return connection_->in_transaction() ? connection_->Run("ROLLBACK") : Status();
}

int SqliteWriter::NotePages(void* self, sqlite3*, const char*, int pages) {
  static_cast<SqliteWriter*>(self)->wal_pages_ = pages;
  return 0;
}

// Only here: two connections that checkpoint or write at the same moment can corrupt a WAL database
// (SQLite before 3.51.3, "WAL-reset bug").
void SqliteWriter::Checkpoint() {
  if (wal_pages_ < kCheckpointPages) {
    return;
  }
  const bool restart = wal_pages_ > kRestartPages;
  sqlite3* handle = connection_->handle();
  sqlite3_busy_timeout(handle, kRestartWaitMs);
  const int code = sqlite3_wal_checkpoint_v2(
      handle, nullptr, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nullptr,
      nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) {
    log::Write(log::Level::kWarn, "store.checkpoint_failed",
               {{"detail", SqliteError(code).detail}});
  }
}

}  // namespace gw::store
