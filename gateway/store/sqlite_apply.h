#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/store/checked_transaction.h"
#include "gateway/store/signpost.h"
#include "gateway/store/sqlite_archive_apply.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/terms.h"

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

  // Where a resource lies. Views; the caller's, for the call.
  struct Place {
    int64_t patient_key = 0;
    std::string_view type;
    std::string_view id;
  };
  // Takes away the signposts to a resource that are only in `before`, and adds those that are only
  // in `after`; both sorted, as SignpostsTo makes them.
  Status MoveSignposts(const Place& place, std::span<const Signpost> before,
                       std::span<const Signpost> after);

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
    kUpsertPolicy,
    kInsertIdentifier,
    kDeleteIdentifier,
    kInsertElsewhere,
    kDeleteElsewhere,
    kInsertString,
    kDeleteString,
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
    std::string terms;
  };

  explicit SqliteApplier(SqliteArchiveApplier archive) : archive_(std::move(archive)) {}
  Statement& At(Id id) { return statements_[id]; }

  Result<Current> CheckVersion(const CheckedWrite& checked);
  Status CheckClaims(const CheckedTransaction& transaction, const CheckedWrite& checked);
  Status WriteResource(const CheckedWrite& checked, const Current& current,
                       const Committed& committed);
  Status WriteRow(const CheckedWrite& checked, bool exists, int64_t label_class_id,
                  std::string_view persons, uint64_t message);
  Status WritePolicy(const CheckedWrite& checked, const Current& current, uint64_t sequence);
  Status WriteSignposts(const CheckedWrite& checked, const Current& current,
                        std::string_view persons);
  Status AddSignpost(const Place& place, const Signpost& signpost);
  Status RemoveSignpost(const Place& place, const Signpost& signpost);
  Status WriteEntries(const CheckedTransaction& transaction, uint64_t sequence);
  Result<int64_t> LabelClassId(const std::string& text);

  SqliteArchiveApplier archive_;
  std::array<Statement, kStatementCount> statements_;
  std::unordered_map<std::string, int64_t> label_ids_;
  Terms before_;  // of the running write; kept for their memory
  Terms after_;
};

}  // namespace gw::store
