#include "gateway/store/sqlite_connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "gateway/store/sqlite_log_vfs.h"

namespace gw::store {
namespace {

// SQLite's memory statistics put one mutex around every allocation of the process.
void ConfigureLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Too late where another part has used SQLite already; slower then, not wrong.
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize();
  });
}

// Pages of 4 KB: a commit writes each page that it touches whole, and most of them for a few narrow
// rows. (A file keeps the size that it was made with: 8 KB before version 4 of the schema.) The
// cache of the writer is 16 MB, which keeps the inner pages of all indexes; that of a reader 4 MB.
constexpr const char* kWriterPragmas =
    "PRAGMA page_size=4096;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0;"
    "PRAGMA cache_size=-16384;";
constexpr const char* kIndexPragmas =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-4096;";
constexpr const char* kReaderPragmas =
    "PRAGMA query_only=ON;"
    "PRAGMA cache_size=-4096;";
constexpr const char* kCommonPragmas =
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA foreign_keys=OFF;";

}  // namespace

Error SqliteError(int result_code) {
  const int primary = result_code & 0xff;
  Code code = Code::kUnavailable;
  if (primary == SQLITE_CONSTRAINT) {
    code = Code::kConflict;
  } else if (primary == SQLITE_INTERRUPT || primary == SQLITE_TOOBIG) {
    code = Code::kTooLarge;
  }
  return Error{code,
               "the store's engine: " + std::string(sqlite3_errstr(result_code)) + " (" +
                   std::to_string(result_code) + ")",
               "store"};
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

Execution::~Execution() { sqlite3_reset(handle_); }

Execution& Execution::Int(int64_t value) {
  bind_error_ |= sqlite3_bind_int64(handle_, ++bound_, value);
  return *this;
}

Execution& Execution::Text(std::string_view value) {
  // A null pointer would bind NULL; an empty view may hold one.
  const char* bytes = value.empty() ? "" : value.data();
  bind_error_ |= sqlite3_bind_text64(handle_, ++bound_, bytes, value.size(), nullptr, SQLITE_UTF8);
  return *this;
}

Execution& Execution::Blob(std::string_view value) {
  const char* bytes = value.empty() ? "" : value.data();
  bind_error_ |= sqlite3_bind_blob64(handle_, ++bound_, bytes, value.size(), nullptr);
  return *this;
}

Result<bool> Execution::Step() {
  if (bind_error_ != SQLITE_OK) {
    return Error{Code::kUnavailable, "a value could not be bound", "store"};
  }
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return SqliteError(code);
}

Status Execution::Finish() {
  while (true) {
    const Result<bool> row = Step();
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return {};
    }
  }
}

int64_t Execution::IntAt(int column) const { return sqlite3_column_int64(handle_, column); }

std::string_view Execution::TextAt(int column) const {
  return BlobAt(column);  // the database is UTF-8: a text's bytes are what was bound
}

std::string_view Execution::BlobAt(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

// What persons say is for its owner's eyes: the file is made so, and those that SQLite puts beside
// it follow it. Where it cannot be made, opening it says why.
static void MakePrivate(const std::string& path) {
  if (path.empty() || path.starts_with(':')) {
    return;  // no file
  }
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file >= 0) {
    close(file);
  }
}

Result<Connection> Connection::Open(const std::string& path, Mode mode) {
  ConfigureLibrary();
  const int access =
      mode == Mode::kReader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const char* vfs = nullptr;  // the system's
  if (mode == Mode::kWriter) {
    GW_TRY(vfs, GatheringVfs());
  }
  if (mode != Mode::kReader) {
    MakePrivate(path);
  }
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  Connection connection(handle);  // closed also where opening failed
  if (code != SQLITE_OK) {
    return SqliteError(code);
  }
  GW_RETURN_IF_ERROR(connection.Configure(mode));
  return connection;
}

Status Connection::Configure(Mode mode) {
  // One process, one writer: waiting is for the moment in which a file is opened or recovered.
  sqlite3_busy_timeout(handle(), 2000);
  int code = sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (code == SQLITE_OK && mode == Mode::kReader) {
    code = sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  if (code != SQLITE_OK) {
    return SqliteError(code);
  }
  GW_RETURN_IF_ERROR(Run(kCommonPragmas));
  switch (mode) {
    case Mode::kWriter:
      return Run(kWriterPragmas);
    case Mode::kReader:
      return Run(kReaderPragmas);
    case Mode::kIndex:
      return Run(kIndexPragmas);
  }
  return {};
}

Status Connection::Run(const char* script) {
  const int code = sqlite3_exec(handle(), script, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Status(SqliteError(code));
}

Result<Statement> Connection::Prepare(std::string_view text) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle(), text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return SqliteError(code);
  }
  return Statement(statement);
}

Status Connection::QuickCheck() {
  GW_TRY(Statement check, Prepare("PRAGMA quick_check(1)"));
  Execution run(check);
  GW_TRY(const bool row, run.Step());
  if (!row || run.TextAt(0) != "ok") {
    return Error{Code::kUnavailable, "the database file is damaged (quick_check)", "store"};
  }
  return {};
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }

}  // namespace gw::store
