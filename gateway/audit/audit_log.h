#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/audit/checkpoint.h"
#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/result.h"

namespace gw::audit {

// One record of the access log. The log does not look into `bytes`.
struct Entry {
  std::string id;     // a UUID: 36 characters, lower case
  std::string bytes;  // the exact compact JSON record; 1 byte to kEntryBytesMax
};
constexpr size_t kEntryBytesMax = size_t{1} << 20;

// An entry and its place in the log.
struct Stored {
  uint64_t index = 0;
  Entry entry;
};

// Proof that an entry is durable in the log: only AuditLog::Append makes one. Whoever must not
// answer before the log has its entry takes a Receipt.
class Receipt {
 public:
  uint64_t index() const { return index_; }  // the entry's place, from 0
  const crypto::Digest& leaf() const { return leaf_; }

 private:
  friend class AuditLog;
  Receipt(uint64_t index, const crypto::Digest& leaf) : index_(index), leaf_(leaf) {}

  uint64_t index_;
  crypto::Digest leaf_;
};

class LogFiles;
struct Prepared;
struct TornTail;

struct Options {
  std::string directory;                         // made if absent; its parent must exist
  std::string origin;                            // the log's name, "caregate.example/log"
  crypto::PrivateKey key;                        // Ed25519; kept outside `directory`
  uint64_t segment_bytes = uint64_t{256} << 20;  // a new file of entries is begun past this
  uint64_t checkpoint_entries = 10'000;          // a checkpoint is signed after so many entries,
  int64_t checkpoint_ms = 10'000;                // or so long after an entry that none covers
  uint32_t recent_ids = 16'384;       // the newest ids, which Append knows without reading
  uint64_t checked_on_open = 20'000;  // the newest covered entries whose bytes Open hashes again
};

// The access log: an append-only list of entries, leaves of a Merkle tree (RFC 9162) with signed
// checkpoints. The files and their bytes: docs/audit_log_format.md. One process at a time holds a
// directory. All members may be called from any thread.
class AuditLog {
 public:
  // Opens or makes the log. What a crash left half-written above the last checkpoint is cut, and an
  // entry of kind "log.recovered" says so. kUnavailable, naming the first bad entry, if the files
  // are shorter than or differ from what the last checkpoint covers, if another process holds the
  // log, or if the directory cannot be used; kInvalid for a key or origin that cannot sign. `clock`
  // must outlive the log.
  static Result<std::unique_ptr<AuditLog>> Open(Options options, const Clock& clock);

  // Closes without a word if Close was not called.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Appends and returns when the entry is on stable storage; concurrent callers share one
  // fdatasync. An id among the newest Options::recent_ids that is in the log already is not
  // appended again: the receipt of the first is returned, or kConflict if the bytes differ.
  // kInvalid for an id or bytes out of bounds; kUnavailable if the disk refuses, and then nothing
  // was appended.
  Result<Receipt> Append(const Entry& entry);

  // Ok if the last append succeeded. After one failed, new work must be refused until this is ok
  // again: the log itself tries on, with an entry of kind "log.resumed".
  Status healthy() const;

  // Which of `ids` are in the log, exactly, in one pass over the whole log where the newest ids do
  // not answer: for start-up, and for the rare repeat of an old message. kInvalid for a text that
  // is no id.
  Result<std::vector<bool>> Contains(std::span<const std::string> ids) const;

  // The entries from `index` on, at most `max` of them and at most about 4 MB; none at or past
  // size(). kUnavailable, naming the entry, if the bytes on disk are not those that were appended.
  Result<std::vector<Stored>> ReadFrom(uint64_t index, uint32_t max) const;

  // Signs a checkpoint over all durable entries and appends it to the file of checkpoints. Returns
  // the last one again if no entry came since.
  Result<Checkpoint> Sign();

  uint64_t size() const;  // durable entries
  // The public half of the key, for verification elsewhere.
  const VerifierKey& verifier() const { return verifier_; }

  // Signs a last checkpoint; appends are refused from then on.
  Status Close();

 private:
  struct Ticket;
  struct Recent;

  AuditLog(Options options, VerifierKey verifier, const Clock& clock);
  void Lead(std::unique_lock<std::mutex>* lock);
  std::vector<const Prepared*> SetRepeatsAside(std::vector<Ticket*>* batch,
                                               std::vector<Ticket*>* repeats) const;
  void Finish(const std::vector<Ticket*>& batch, const Result<uint64_t>& first);
  Result<Receipt> ReceiptOfRepeat(const Prepared& prepared) const;
  uint64_t Uncovered() const { return appended_ - std::min(appended_, covered_); }
  void Maintain();
  Status RecordRecovery(const TornTail& torn);
  void RecordResumption();

  const Options options_;
  const VerifierKey verifier_;
  const Clock& clock_;
  std::unique_ptr<LogFiles> files_;  // set by Open

  mutable std::mutex mutex_;  // guards what follows, up to the conditions
  std::vector<Ticket*> queue_;
  bool leading_ = false;  // a caller is writing for a batch
  bool closed_ = false;
  Status health_;
  uint64_t appended_ = 0;  // entries, and
  uint64_t covered_ = 0;   // those of them under the last checkpoint
  std::unique_ptr<Recent> recent_;
  std::condition_variable wake_maintenance_;
  std::condition_variable idle_;

  std::mutex sign_mutex_;  // one signer at a time; taken before mutex_
  std::thread maintenance_;
};

}  // namespace gw::audit
