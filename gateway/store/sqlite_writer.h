#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/store/sqlite_apply.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/store.h"

namespace gw::store {

// The one thread that writes. Commit() waits; whatever waits together becomes durable together, in
// one engine commit of up to options.group_max transactions. Commit is thread-safe.
class SqliteWriter {
 public:
  // Takes the connection, whose schema is in place. `clock` must outlive it.
  static Result<std::unique_ptr<SqliteWriter>> Start(Connection connection,
                                                     const SqliteOptions& options,
                                                     const Clock& clock);
  ~SqliteWriter();  // after the last Commit has returned

  Result<Committed> Commit(CheckedTransaction transaction);

 private:
  // One waiting caller; lives on its stack.
  struct Job {
    CheckedTransaction transaction;
    std::optional<Result<Committed>> result;  // guarded by mutex_ once it is queued
    std::condition_variable done;
  };

  SqliteWriter(std::unique_ptr<Connection> connection, SqliteApplier applier,
               const SqliteOptions& options, const Clock& clock);
  void Work();
  std::vector<Job*> NextGroup();
  std::vector<Result<Committed>> CommitGroup(std::span<Job* const> group);
  Result<std::vector<Result<Committed>>> Guarded(std::span<Job* const> group, bool savepoints);
  // Runs the group in one engine transaction. An Error means that nothing of it was written.
  Result<std::vector<Result<Committed>>> TryGroup(std::span<Job* const> group, bool savepoints);
  Result<Committed> ApplyOne(const CheckedTransaction& transaction, bool savepoints, bool* wrote);
  Status Rollback();
  void Checkpoint();
  static int NotePages(void* self, sqlite3* handle, const char* database, int pages);

  std::unique_ptr<Connection> connection_;  // on the heap: applier_ points at it
  SqliteApplier applier_;
  const SqliteOptions options_;
  const Clock& clock_;
  uint64_t sequence_ = 0;
  int wal_pages_ = 0;  // in the write-ahead log after the last commit

  std::mutex mutex_;  // guards queue_, stopping_ and the jobs' results
  std::condition_variable work_;
  std::deque<Job*> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gw::store
