#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/audit/audit_log.h"
#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/store/store.h"

namespace gw::flow {

// Keeps store and access log in step: an entry is pending in the store, in the same transaction as
// what it tells of, until it is in the log. Order: commit, append, answer; the pending row goes in
// a later commit. Thread-safe.
class Journal {
 public:
  Journal(store::Store* store, audit::AuditLog* log) : store_(store), log_(log) {}

  // Start-up, before anything else: appends what is pending and not in the log yet. An entry past
  // the log's bound, which an earlier version made, is written with the bounds of now. One that the
  // log does not take for itself stays pending and is told, and stops nothing. Errors:
  // kUnavailable.
  Status Recover();
  // May new work begin? Errors: kUnavailable after a failed append, until an append succeeds.
  Status Ready();
  // Appends; durable when it returns. `pending`: the entry stands in the store and may go with a
  // later commit. What failed to be appended before follows as soon as one entry is.
  Result<audit::Receipt> Append(const AccessRecord& record, bool pending);
  // Appends an entry that stands in the store as pending, and may go with a later commit.
  Result<audit::Receipt> Append(const store::PendingEntry& entry);
  // Makes sure that a pending entry is in the log, for a repeated message. An id that is not
  // pending is in it.
  Status Ensure(std::string_view entry_id);
  // Every commit of the flows: it takes away the pending rows of entries that are in the log; where
  // it fails the next one does. Errors: Store::Commit's.
  Result<store::Committed> Commit(store::Transaction transaction);
  // Takes away what the next commit would, at shutdown.
  void Settle();

 private:
  Status AppendPending(const store::PendingEntry& entry);
  Result<audit::Receipt> AppendOrFallBehind(audit::Entry entry);

  store::Store* store_;
  audit::AuditLog* log_;
  std::atomic<bool> is_behind_ = false;  // an entry may stand in the store that is not in the log
  std::mutex mutex_;                     // guards settled_
  std::vector<std::string> settled_;
};

}  // namespace gw::flow
