#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/store/checked_transaction.h"
#include "gateway/store/sqlite_archive_apply.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

// Writes transactions with the statements of the one writing connection. Used by the writer's
// thread alone.
class SqliteApplier {
 public:
  // `connection` must outlive it. Errors: kUnavailable.
  static Result<SqliteApplier> Make(Connection* connection);

  // Writes the transaction's rows, inside the connection's open transaction. Refuses before the
  // first row is written where it can; `*wrote` says whether it could. *committed gets sequence,
  // message and pruned.
  // Errors: kConflict, kUnprocessable (the home of a resource would change), kUnavailable.
  Status Apply(const CheckedTransaction& transaction, uint64_t sequence, bool* wrote,
               Committed* committed);

  // Writes the index rows of a resource that is there anew; of the write, only the key, the home
  // and `index` count.
  Status RewriteIndex(const CheckedWrite& checked) { return WriteIndex(checked, true); }

  Result<uint64_t> LastSequence();
  // The last writes of an engine commit: the sequence, and the counters of its transactions.
  Status Finish(uint64_t sequence);

  // Forgets what it remembered of rows that a rollback has undone.
  void ForgetUncommitted() { label_ids_.clear(); }
  // The archive's half of the same connection, with its counters.
  SqliteArchiveApplier& archive() { return archive_; }

 private:
  // In the order of kStatements in the .cc.
  enum Id : uint8_t {
    kFindHome,
    kFindCurrent,
    kFindClaim,
    kInsertHome,
    kInsertResource,
    kArchiveVersion,
    kUpdateResource,
    kDeletePersons,
    kInsertPerson,
    kUpsertPolicy,
    kDeleteClaims,
    kInsertClaim,
    kDeleteTokens,
    kInsertToken,
    kDeleteReferences,
    kInsertReference,
    kDeleteDates,
    kInsertDate,
    kDeleteStrings,
    kInsertString,
    kFindLabel,
    kInsertLabel,
    kInsertEntry,
    kDeleteEntry,
    kFindSequence,
    kUpsertSequence,
    kStatementCount,
  };

  // The row that a write replaces.
  struct Current {
    bool exists = false;
    int64_t label_class_id = 0;
    std::string persons;
  };

  explicit SqliteApplier(SqliteArchiveApplier archive) : archive_(std::move(archive)) {}
  Statement& At(Id id) { return statements_[id]; }

  Result<Current> CheckVersion(const CheckedWrite& checked);
  Status CheckClaims(const CheckedTransaction& transaction, const CheckedWrite& checked);
  Status WriteResource(const CheckedWrite& checked, const Current& current,
                       const Committed& committed);
  Status WriteRow(const CheckedWrite& checked, bool exists, int64_t label_class_id,
                  std::string_view persons, uint64_t message);
  Status WritePersons(const CheckedWrite& checked, const Current& current);
  Status WritePolicy(const CheckedWrite& checked, const Current& current, uint64_t sequence);
  Status WriteIndex(const CheckedWrite& checked, bool exists);
  Status WriteIndexEntry(const CheckedWrite& checked, const fhir::IndexEntry& entry);
  Status WriteClaims(const CheckedWrite& checked);
  Status WriteEntries(const CheckedTransaction& transaction, uint64_t sequence);
  Result<int64_t> LabelClassId(const std::string& text);
  Status DeleteRows(Id id, const CheckedWrite& checked);

  SqliteArchiveApplier archive_;
  std::array<Statement, kStatementCount> statements_;
  std::unordered_map<std::string, int64_t> label_ids_;
};

}  // namespace gw::store
