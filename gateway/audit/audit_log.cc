#include "gateway/audit/audit_log.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "gateway/audit/log_files_internal.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"

namespace gw::audit {
namespace {

constexpr std::chrono::milliseconds kRetry{250};  // of an append, after one that failed

Error Refused(std::string_view reason) {
  return {Code::kUnavailable, "access log: " + std::string(reason), {}};
}

}  // namespace

// One caller of Append, waiting. Lives on the caller's stack; once it is in the queue, only the
// leader touches it, and the caller not before `result` is there.
struct AuditLog::Ticket {
  Prepared prepared;
  std::optional<Result<Receipt>> result;
  std::condition_variable wake;  // the result is there, or it is this caller's turn to lead
};

// The newest ids and their places.
struct AuditLog::Recent {
  explicit Recent(size_t most_ids) : most(most_ids) {}

  void Add(const Id& id, uint64_t index) {
    if (most > 0 && places.emplace(id, index).second) {
      order.push_back(id);
    }
    if (order.size() > most) {
      places.erase(order.front());
      order.pop_front();
    }
  }

  const size_t most;
  std::unordered_map<Id, uint64_t, IdHash> places;
  std::deque<Id> order;
};

Result<std::unique_ptr<AuditLog>> AuditLog::Open(Options options, const Clock& clock) {
  Result<VerifierKey> verifier = VerifierKey::Of(options.origin, options.key.Public());
  if (!verifier) {
    return std::move(verifier).error();
  }
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(options), *std::move(verifier), clock));
  TornTail torn;
  std::vector<Id> recent;
  GW_TRY(log->files_, LogFiles::Open(log->options_, log->verifier_, clock.Now(), &torn, &recent));
  const uint64_t size = log->files_->size();
  for (size_t i = 0; i < recent.size(); ++i) {
    log->recent_->Add(recent[i], size - recent.size() + i);
  }
  log->appended_ = size;
  log->covered_ = log->files_->last_checkpoint().size;
  if (torn.any()) {
    GW_RETURN_IF_ERROR(log->RecordRecovery(torn));
  }
  log->maintenance_ = std::thread([raw = log.get()] { raw->Maintain(); });
  return log;
}

AuditLog::AuditLog(Options options, VerifierKey verifier, const Clock& clock)
    : options_(std::move(options)),
      verifier_(std::move(verifier)),
      clock_(clock),
      recent_(std::make_unique<Recent>(options_.recent_ids)) {}

AuditLog::~AuditLog() {
  if (const Status closed = Close(); !closed) {
    log::Write(log::Level::kError, "audit.close_failed", {{"reason", closed.error().detail}});
  }
}

Result<Receipt> AuditLog::Append(const Entry& entry) {
  const std::optional<Id> id = ParseUuid(entry.id);
  if (!id) {
    return Error{Code::kInvalid, "the id of a log entry must be a UUID in lower case", {}};
  }
  if (entry.bytes.empty() || entry.bytes.size() > kEntryBytesMax) {
    return Error{Code::kInvalid, "a log entry has 1 byte to 1 MiB", {}};
  }
  Ticket ticket;
  ticket.prepared = {*id, LeafHash(id->view(), entry.bytes), MakeFrame(*id, entry.bytes)};
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) {
    return Refused("it is closed");
  }
  queue_.push_back(&ticket);
  ticket.wake.wait(lock, [this, &ticket] {
    return ticket.result.has_value() || (!leading_ && queue_.front() == &ticket);
  });
  if (!ticket.result) {
    Lead(&lock);
  }
  return *std::move(ticket.result);
}

// The caller at the head of the queue writes for everybody who waits by then; those who come
// meanwhile are the next batch.
void AuditLog::Lead(std::unique_lock<std::mutex>* lock) {
  std::vector<Ticket*> batch;
  batch.swap(queue_);
  leading_ = true;
  std::vector<Ticket*> repeats;
  const std::vector<const Prepared*> fresh = SetRepeatsAside(&batch, &repeats);
  lock->unlock();
  Result<uint64_t> first = uint64_t{0};
  if (!fresh.empty()) {
    first = files_->Append(fresh);
  }
  lock->lock();
  if (!fresh.empty()) {
    Finish(batch, first);
  }
  for (Ticket* ticket : repeats) {
    ticket->result = ReceiptOfRepeat(ticket->prepared);
    ticket->wake.notify_one();
  }
  leading_ = false;
  if (!queue_.empty()) {
    queue_.front()->wake.notify_one();
  } else {
    idle_.notify_all();
  }
}

// Leaves in *batch what is new; moves out of it each ticket whose id the log has already, or that
// an earlier ticket of the batch brings.
std::vector<const Prepared*> AuditLog::SetRepeatsAside(std::vector<Ticket*>* batch,
                                                       std::vector<Ticket*>* repeats) const {
  std::vector<const Prepared*> fresh;
  std::vector<Ticket*> kept;
  std::unordered_set<Id, IdHash> in_batch;
  for (Ticket* ticket : *batch) {
    const Id& id = ticket->prepared.id;
    if (recent_->places.contains(id) || !in_batch.insert(id).second) {
      repeats->push_back(ticket);
    } else {
      kept.push_back(ticket);
      fresh.push_back(&ticket->prepared);
    }
  }
  batch->swap(kept);
  return fresh;
}

// Tells each caller of the batch, and notes whether the log is well.
void AuditLog::Finish(const std::vector<Ticket*>& batch, const Result<uint64_t>& first) {
  for (size_t i = 0; i < batch.size(); ++i) {
    Ticket* ticket = batch[i];
    if (first) {
      recent_->Add(ticket->prepared.id, *first + i);
      ticket->result = Receipt(*first + i, ticket->prepared.leaf);
    } else {
      ticket->result = first.error();
    }
    ticket->wake.notify_one();
  }
  if (first) {
    health_ = Status();
    appended_ = *first + batch.size();
  } else {
    health_ = first.error();
  }
  if (!first || Uncovered() >= options_.checkpoint_entries) {
    wake_maintenance_.notify_one();
  }
}

Result<Receipt> AuditLog::ReceiptOfRepeat(const Prepared& prepared) const {
  const auto place = recent_->places.find(prepared.id);
  if (place == recent_->places.end()) {
    return health_.ok() ? Refused("the entry was not written") : health_.error();
  }
  GW_TRY(const LeafRecord record, files_->Record(place->second));
  if (record.leaf != prepared.leaf) {
    return Error{Code::kConflict, "the log has another entry of this id",
                 "entry " + std::to_string(place->second)};
  }
  return Receipt(place->second, record.leaf);
}

Status AuditLog::healthy() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return closed_ ? Status(Refused("it is closed")) : health_;
}

Result<std::vector<bool>> AuditLog::Contains(std::span<const std::string> ids) const {
  std::vector<Id> parsed;
  parsed.reserve(ids.size());
  std::unordered_set<Id, IdHash> missing;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& text : ids) {
      const std::optional<Id> id = ParseUuid(text);
      if (!id) {
        return Error{Code::kInvalid, "the id of a log entry must be a UUID in lower case", {}};
      }
      parsed.push_back(*id);
      if (!recent_->places.contains(*id)) {
        missing.insert(*id);
      }
    }
  }
  if (!missing.empty()) {
    GW_RETURN_IF_ERROR(files_->RemovePresent(&missing));
  }
  std::vector<bool> present;
  present.reserve(parsed.size());
  for (const Id& id : parsed) {
    present.push_back(!missing.contains(id));
  }
  return present;
}

Result<std::vector<Stored>> AuditLog::ReadFrom(uint64_t index, uint32_t max) const {
  return files_->Read(index, max);
}

Result<Checkpoint> AuditLog::Sign() {
  const std::lock_guard<std::mutex> signing(sign_mutex_);
  const LogFiles::TreeHead head = files_->Head();
  if (head.size > files_->last_checkpoint().size) {
    GW_TRY(Checkpoint checkpoint,
           SignCheckpoint(head.size, head.root, clock_.Now(), verifier_, options_.key));
    GW_RETURN_IF_ERROR(files_->AppendCheckpoint(std::move(checkpoint)));
    const std::lock_guard<std::mutex> lock(mutex_);
    covered_ = head.size;
  }
  return files_->last_checkpoint();
}

uint64_t AuditLog::size() const { return files_->size(); }

Status AuditLog::Close() {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (closed_ || files_ == nullptr) {
      return {};
    }
    closed_ = true;
    wake_maintenance_.notify_all();
    idle_.wait(lock, [this] { return !leading_ && queue_.empty(); });
  }
  if (maintenance_.joinable()) {
    maintenance_.join();
  }
  const Result<Checkpoint> last = Sign();
  return last ? Status() : Status(last.error());
}

// Signs in time, and tries on after a failed append until one succeeds.
void AuditLog::Maintain() {
  bool sign_failed = false;  // then the next try comes with its time, not at once
  std::unique_lock<std::mutex> lock(mutex_);
  while (!closed_) {
    const bool sick = !health_.ok();
    const auto patience = sick ? kRetry : std::chrono::milliseconds(options_.checkpoint_ms);
    wake_maintenance_.wait_for(lock, patience, [this, sick, sign_failed] {
      const bool due = !sign_failed && Uncovered() >= options_.checkpoint_entries;
      return closed_ || (!sick && (!health_.ok() || due));
    });
    if (closed_) {
      return;
    }
    const bool try_again = sick && !health_.ok();
    const bool sign = health_.ok() && Uncovered() > 0;
    lock.unlock();
    if (try_again) {
      RecordResumption();
    } else if (sign) {
      const Result<Checkpoint> checkpoint = Sign();
      sign_failed = !checkpoint.ok();
      if (sign_failed) {
        log::Write(log::Level::kWarn, "audit.checkpoint_failed",
                   {{"reason", checkpoint.error().detail}});
      }
    }
    lock.lock();
  }
}

Status AuditLog::RecordRecovery(const TornTail& torn) {
  std::string members;
  JsonWriter json(&members);
  json.ObjectStart().Member("kind", "log.recovered");
  json.Member("time", FormatInstant(clock_.Now()));
  json.Key("entries_kept").Integer(static_cast<int64_t>(files_->size()));
  json.Key("entry_bytes_cut").Integer(static_cast<int64_t>(torn.entry_bytes));
  json.Key("checkpoint_bytes_cut").Integer(static_cast<int64_t>(torn.checkpoint_bytes));
  if (torn.lost_leaf) {
    json.Member("lost_leaf", crypto::Hex(*torn.lost_leaf));
  }
  json.ObjectEnd();
  log::Write(log::Level::kWarn, "audit.recovered",
             {{"entry_bytes_cut", std::to_string(torn.entry_bytes)},
              {"checkpoint_bytes_cut", std::to_string(torn.checkpoint_bytes)}});
  const Result<Receipt> receipt =
      Append({crypto::Uuid7(clock_.Now().unix_us / 1000), std::move(members)});
  return receipt ? Status() : Status(receipt.error());
}

void AuditLog::RecordResumption() {
  std::string members;
  JsonWriter(&members)
      .ObjectStart()
      .Member("kind", "log.resumed")
      .Member("time", FormatInstant(clock_.Now()))
      .ObjectEnd();
  const Result<Receipt> receipt =
      Append({crypto::Uuid7(clock_.Now().unix_us / 1000), std::move(members)});
  if (receipt) {
    log::Write(log::Level::kWarn, "audit.resumed");
  }
}

}  // namespace gw::audit
