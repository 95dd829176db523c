#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gw::store {

// The Error for one of SQLite's result codes. Only SQLite's own fixed words are told, never its
// message, which may quote values. kConflict for a constraint, kTooLarge for a statement that was
// interrupted or a value past SQLite's bounds, kUnavailable for the rest (full, I/O, busy,
// corrupt).
Error SqliteError(int result_code);

// A prepared statement, kept for the life of its connection. Not thread-safe.
class Statement {
 public:
  Statement() = default;

 private:
  friend class Connection;
  friend class Execution;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// One run of a prepared statement: bind the values in order, step, read the columns; it is reset
// when this goes. Bound texts are not copied: they must outlive the Execution. A failed bind is
// reported by the next Step. While an Execution stands on a row, its connection keeps its snapshot.
class Execution {
 public:
  explicit Execution(Statement& statement) : handle_(statement.handle_.get()) {}
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  Execution& Int(int64_t value);
  Execution& Text(std::string_view value);
  Execution& Blob(std::string_view value);

  Result<bool> Step();  // true: on a row; false: done
  Status Finish();      // steps to the end

  // Columns of the row it stands on, from 0; views hold until the next Step.
  int64_t IntAt(int column) const;
  std::string_view TextAt(int column) const;
  std::string_view BlobAt(int column) const;

 private:
  sqlite3_stmt* handle_;
  int bound_ = 0;
  int bind_error_ = 0;
};

// An open database file, by the rules of docs/decisions/002-store.md. Each connection is used by
// one thread at a time; it may move between threads.
class Connection {
 public:
  enum class Mode : uint8_t {
    kWriter,  // creates the file; WAL, synchronous FULL; the only one that checkpoints
    kReader,  // read-only
    kIndex,   // as kWriter for a file that can be made again: synchronous NORMAL
  };

  // Errors: kUnavailable.
  static Result<Connection> Open(const std::string& path, Mode mode);

  // Runs a script of statements without values or rows.
  Status Run(const char* script);
  Result<Statement> Prepare(std::string_view text);
  // kUnavailable where SQLite's quick_check finds the file damaged.
  Status QuickCheck();
  bool in_transaction() const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  Status Configure(Mode mode);
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace gw::store
