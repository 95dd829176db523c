#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "gateway/store/checked_transaction.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/sqlite_reader.h"
#include "gateway/store/sqlite_reindex.h"
#include "gateway/store/sqlite_schema.h"
#include "gateway/store/sqlite_writer.h"
#include "gateway/store/store.h"

namespace gw::store {
namespace {

// Lends readers, each to one thread at a time; who finds none waits. Thread-safe.
class ReaderPool {
 public:
  // A borrowed reader; goes back when this goes.
  class Lease {
   public:
    explicit Lease(ReaderPool* pool) : pool_(pool), reader_(pool->Take()) {}
    ~Lease() { pool_->Give(std::move(reader_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    SqliteReader* operator->() { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<SqliteReader> reader_;
  };

  Status Fill(const std::string& path, const std::string& cursor_key, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      GW_TRY(auto reader, SqliteReader::Open(path, cursor_key));
      idle_.push_back(std::move(reader));
    }
    return {};
  }

 private:
  std::unique_ptr<SqliteReader> Take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty(); });
    std::unique_ptr<SqliteReader> reader = std::move(idle_.back());  // the one with a warm cache
    idle_.pop_back();
    return reader;
  }
  void Give(std::unique_ptr<SqliteReader> reader) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(reader));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;  // guards idle_
  std::condition_variable returned_;
  std::vector<std::unique_ptr<SqliteReader>> idle_;
};

// Holds the file for this process: a second one that writes or checkpoints could corrupt it.
class ProcessLock {
 public:
  static Result<ProcessLock> Take(const std::string& path) {
    const int file = open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      return Error{Code::kUnavailable, "the database's folder cannot be written", "store"};
    }
    ProcessLock lock(file);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      return Error{Code::kUnavailable, "the database is open in another process", "store"};
    }
    return lock;
  }
  ProcessLock(ProcessLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  ProcessLock& operator=(ProcessLock&&) = delete;
  ~ProcessLock() {
    if (file_ >= 0) {
      close(file_);
    }
  }

 private:
  explicit ProcessLock(int file) : file_(file) {}
  int file_;
};

// Narrow reads never wait for anything but the engine, so a Visibility that asks for them while
// its own query holds a reader of the other pool always gets one.
constexpr uint32_t kNarrowReaders = 2;

class SqliteStore final : public Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const SqliteOptions& options, const Clock& clock) {
    GW_TRY(ProcessLock lock, ProcessLock::Take(options.path));
    GW_TRY(Connection connection, Connection::Open(options.path, Connection::Mode::kWriter));
    GW_RETURN_IF_ERROR(connection.QuickCheck());
    GW_TRY(const StoreIdentity identity, PrepareSchema(&connection));
    if (options.indexer != nullptr) {
      GW_RETURN_IF_ERROR(EnsureIndex(&connection, *options.indexer));
    }
    std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(lock)));
    GW_TRY(store->writer_, SqliteWriter::Start(std::move(connection), options, clock));
    const uint32_t readers = options.readers == 0 ? 1 : options.readers;
    GW_RETURN_IF_ERROR(store->judged_.Fill(options.path, identity.cursor_key, readers));
    GW_RETURN_IF_ERROR(store->narrow_.Fill(options.path, identity.cursor_key, kNarrowReaders));
    GW_TRY(store->archive_, OpenArchive(options.path));
    return std::unique_ptr<Store>(std::move(store));
  }

  Result<fhir::StoredResource> Read(const fhir::Key& key, const Visibility& visibility) override {
    return ReaderPool::Lease(&judged_)->Read(key, visibility);
  }
  Result<fhir::StoredResource> ReadVersion(const fhir::Key& key, uint64_t version,
                                           const Visibility& visibility) override {
    return ReaderPool::Lease(&judged_)->ReadVersion(key, version, visibility);
  }
  Result<Page> Search(const fhir::Query& query, const Visibility& visibility) override {
    return ReaderPool::Lease(&judged_)->Search(query, visibility);
  }
  Result<Consents> ConsentsOf(std::string_view person) override {
    return ReaderPool::Lease(&narrow_)->ConsentsOf(person);
  }
  Result<uint64_t> PolicyClassOf(std::string_view person) override {
    return ReaderPool::Lease(&narrow_)->PolicyClassOf(person);
  }
  Result<std::vector<fhir::StoredResource>> Find(
      std::string_view type, std::span<const fhir::Identifier> identifiers) override {
    return ReaderPool::Lease(&narrow_)->Find(type, identifiers);
  }
  Result<std::vector<std::vector<fhir::StoredResource>>> FindEach(
      std::span<const Wanted> wanted) override {
    return ReaderPool::Lease(&narrow_)->FindEach(wanted);
  }
  Result<std::vector<std::string>> Namesakes(std::span<const std::string> keys,
                                             const Likeness& likeness, uint32_t max) override {
    return ReaderPool::Lease(&narrow_)->Namesakes(keys, likeness, max);
  }
  Result<fhir::StoredResource> Current(const fhir::Key& key) override {
    return ReaderPool::Lease(&narrow_)->Current(key);
  }
  Result<std::optional<PriorAnswer>> FindAnswer(std::string_view sender,
                                                std::string_view control_id,
                                                const crypto::Digest& digest) override {
    return ReaderPool::Lease(&narrow_)->FindAnswer(sender, control_id, digest);
  }
  Result<Committed> Commit(Transaction transaction) override {
    GW_TRY(CheckedTransaction checked, CheckTransaction(std::move(transaction)));
    return writer_->Commit(std::move(checked));
  }
  Result<std::vector<PendingEntry>> PendingEntries(uint32_t max) override {
    return ReaderPool::Lease(&narrow_)->PendingEntries(max);
  }
  Archive& archive() override { return *archive_; }

 private:
  explicit SqliteStore(ProcessLock lock) : lock_(std::move(lock)) {}

  // Destroyed from below: readers first, so that the writer's connection is the last, which
  // checkpoints; the lock at the end.
  ProcessLock lock_;
  std::unique_ptr<SqliteWriter> writer_;
  ReaderPool judged_;  // for what is asked with a Visibility
  ReaderPool narrow_;
  std::unique_ptr<Archive> archive_;
};

}  // namespace

Result<std::unique_ptr<Store>> OpenSqlite(const SqliteOptions& options, const Clock& clock) {
  return SqliteStore::Open(options, clock);
}

}  // namespace gw::store
