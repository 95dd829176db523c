#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "gateway/base/result.h"
#include "gateway/store/archive.h"
#include "gateway/store/checked_transaction.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

// Writes what the archive keeps of a transaction: its message, the queue, alerts, and the counters,
// which are gathered over an engine commit and written once. Part of SqliteApplier; used by the
// writer's thread alone.
class SqliteArchiveApplier {
 public:
  // `connection` must outlive it. Errors: kUnavailable.
  static Result<SqliteArchiveApplier> Make(Connection* connection);

  // Before the first row is written. The number of the transaction's message, which keeps that of
  // its first arrival; 0 where there is none. Errors: kConflict where the message was answered AA
  // (but for a replay), or what is to be settled is not open.
  Result<uint64_t> Check(const CheckedTransaction& transaction, uint64_t sequence);
  // Writes message and upkeep; reads committed->sequence and ->message, sets ->pruned.
  Status Write(const CheckedTransaction& transaction, Committed* committed);

  void Count();          // the transaction that was written last stands
  Status WriteCounts();  // at the end of an engine commit
  void ForgetCounts();   // a rollback has undone them

 private:
  Status CheckOpen(uint64_t number);
  // In the order of kStatements in the .cc.
  enum Id : uint8_t {
    kFindMessage,
    kFindOpen,
    kUpsertMessage,
    kSettle,
    kCloseRows,
    kUpsertAlert,
    kPruneMessages,
    kPruneFields,
    kUpsertCounter,
    kUpsertField,
    kStatementCount,
  };
  // What one transaction, or all of an engine commit, add to a feed's row.
  struct Counts {
    std::array<int64_t, 9> added{};  // in the order of feed_counter's columns
    int64_t last_received = 0, last_taken = 0;
    void Add(const Counts& other);
  };
  using FieldKey = std::tuple<std::string, int64_t, std::string, std::string, std::string>;
  struct Seen {
    int64_t count = 0, last = 0;
  };
  struct Tally {
    std::map<std::string, Counts> feeds;
    std::map<FieldKey, Seen> fields;
  };

  explicit SqliteArchiveApplier(Connection* connection) : connection_(connection) {}
  Statement& At(Id id) { return statements_[id]; }
  Status WriteMessage(const CheckedTransaction& transaction, const Committed& committed);
  Status CloseRows(const MessageRecord& message, Committed* committed);
  Status WriteSettlements(const Upkeep& upkeep, const Committed& committed);
  Status WriteAlerts(const Upkeep& upkeep);
  Status Prune(const Pruning& pruning, Committed* committed);
  void CountMessage(const CheckedTransaction& transaction);

  Connection* connection_;
  std::array<Statement, kStatementCount> statements_;
  Tally one_;    // of the transaction being written
  Tally group_;  // of the engine commit so far
};

}  // namespace gw::store
