#include "gateway/flow/journal.h"

#include <algorithm>
#include <utility>

#include "gateway/base/log.h"

namespace gw::flow {
namespace {

constexpr uint32_t kPendingAtOnce = 1'000'000;

static_assert(store::kEntryBytesMax == audit::kEntryBytesMax);
static_assert(kPatientsBytesMax + kResourcesBytesMax + kDecisionsBytesMax + kRolesBytesMax +
                  17 * 6 * kTextBytesMax + 6 * kQueryBytesMax + 4096 <
              audit::kEntryBytesMax);

// The log is well, and does not take this one entry.
bool IsOfTheEntry(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kConflict;
}

}  // namespace

Status Journal::Recover() {
  GW_TRY(const std::vector<store::PendingEntry> pending, store_->PendingEntries(kPendingAtOnce));
  if (pending.empty()) {
    return {};
  }
  std::vector<std::string> ids;
  ids.reserve(pending.size());
  for (const store::PendingEntry& entry : pending) {
    ids.push_back(entry.id);
  }
  const Result<std::vector<bool>> present = log_->Contains(ids);
  if (!present && !IsOfTheEntry(present.error())) {
    return present.error();
  }
  for (size_t i = 0; i < pending.size(); ++i) {
    const Status appended = present && (*present)[i] ? Status() : AppendPending(pending[i]);
    if (!appended && !IsOfTheEntry(appended.error())) {
      return appended.error();
    }
    if (appended) {
      const std::scoped_lock lock(mutex_);
      settled_.push_back(pending[i].id);
    } else {
      log::Write(log::Level::kError, "journal.entry_set_aside",
                 {{"entry", pending[i].id}, {"reason", appended.error().detail}});
    }
  }
  GW_TRY(const store::Committed committed, Commit({}));
  static_cast<void>(committed);
  return {};
}

Status Journal::AppendPending(const store::PendingEntry& entry) {
  std::string bytes = entry.bytes;
  if (bytes.size() > audit::kEntryBytesMax) {
    GW_TRY(const AccessRecord record, FromBytes(bytes));
    bytes = ToBytes(record);
  }
  GW_RETURN_IF_ERROR(log_->Append(audit::Entry{entry.id, std::move(bytes)}));
  return {};
}

Status Journal::Ready() { return log_->healthy(); }

Result<audit::Receipt> Journal::Append(const AccessRecord& record, bool pending) {
  store::PendingEntry entry{record.id, ToBytes(record)};
  return pending ? Append(entry)
                 : AppendOrFallBehind({std::move(entry.id), std::move(entry.bytes)});
}

// Only one of those who append at once follows up; who comes later finds nothing left to do.
Result<audit::Receipt> Journal::AppendOrFallBehind(audit::Entry entry) {
  Result<audit::Receipt> receipt = log_->Append(std::move(entry));
  if (!receipt) {
    is_behind_ = true;
  } else if (is_behind_.exchange(false) && !Recover()) {
    is_behind_ = true;
  }
  return receipt;
}

Result<audit::Receipt> Journal::Append(const store::PendingEntry& entry) {
  GW_TRY(const audit::Receipt receipt, AppendOrFallBehind({entry.id, entry.bytes}));
  const std::scoped_lock lock(mutex_);
  settled_.push_back(entry.id);
  return receipt;
}

Status Journal::Ensure(std::string_view entry_id) {
  GW_TRY(const std::vector<store::PendingEntry> pending, store_->PendingEntries(kPendingAtOnce));
  for (const store::PendingEntry& entry : pending) {
    if (entry.id != entry_id) {
      continue;
    }
    GW_TRY(const std::vector<bool> present, log_->Contains({&entry.id, 1}));
    if (!present.front()) {
      GW_RETURN_IF_ERROR(AppendPending(entry));
    }
  }
  return {};
}

Result<store::Committed> Journal::Commit(store::Transaction transaction) {
  {
    const std::scoped_lock lock(mutex_);
    transaction.settled = std::exchange(settled_, {});
  }
  const std::vector<std::string> settled = transaction.settled;
  Result<store::Committed> committed = store_->Commit(std::move(transaction));
  if (!committed && !settled.empty()) {
    const std::scoped_lock lock(mutex_);
    settled_.insert(settled_.end(), settled.begin(), settled.end());
  }
  return committed;
}

void Journal::Settle() {
  {
    const std::scoped_lock lock(mutex_);
    if (settled_.empty()) {
      return;
    }
  }
  // A failure here costs nothing: the next start finds the entries in the log.
  static_cast<void>(Commit({}).ok());
}

}  // namespace gw::flow
