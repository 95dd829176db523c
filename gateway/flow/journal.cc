#include "gateway/flow/journal.h"

#include <algorithm>
#include <utility>

namespace gw::flow {
namespace {

constexpr uint32_t kPendingAtOnce = 1'000'000;

}  // namespace

Status Journal::Recover() {
  while (true) {
    GW_TRY(const std::vector<store::PendingEntry> pending, store_->PendingEntries(kPendingAtOnce));
    if (pending.empty()) {
      return {};
    }
    store::Transaction cleared;
    for (const store::PendingEntry& entry : pending) {
      GW_TRY(const audit::Receipt receipt, log_->Append(audit::Entry{entry.id, entry.bytes}));
      static_cast<void>(receipt);
      cleared.settled.push_back(entry.id);
    }
    GW_TRY(const store::Committed committed, store_->Commit(std::move(cleared)));
    static_cast<void>(committed);
  }
}

Status Journal::Ready() { return log_->healthy(); }

Result<audit::Receipt> Journal::Append(const AccessRecord& record, bool pending) {
  store::PendingEntry entry{record.id, ToBytes(record)};
  return pending ? Append(entry)
                 : log_->Append(audit::Entry{std::move(entry.id), std::move(entry.bytes)});
}

Result<audit::Receipt> Journal::Append(const store::PendingEntry& entry) {
  GW_TRY(const audit::Receipt receipt, log_->Append(audit::Entry{entry.id, entry.bytes}));
  const std::scoped_lock lock(mutex_);
  settled_.push_back(entry.id);
  return receipt;
}

Status Journal::Ensure(std::string_view entry_id) {
  GW_TRY(const std::vector<store::PendingEntry> pending, store_->PendingEntries(kPendingAtOnce));
  for (const store::PendingEntry& entry : pending) {
    if (entry.id == entry_id) {
      GW_TRY(const audit::Receipt receipt, log_->Append(audit::Entry{entry.id, entry.bytes}));
      static_cast<void>(receipt);
    }
  }
  return {};
}

std::vector<std::string> Journal::TakeSettled() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(settled_, {});
}

void Journal::Settle() {
  store::Transaction transaction;
  transaction.settled = TakeSettled();
  if (!transaction.settled.empty()) {
    // A failure here costs nothing: the next start finds the entries in the log.
    static_cast<void>(store_->Commit(std::move(transaction)).ok());
  }
}

}  // namespace gw::flow
