#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/file_internal.h"
#include "gateway/audit/frame_internal.h"
#include "gateway/audit/merkle.h"
#include "gateway/audit/recovery_internal.h"
#include "gateway/base/result.h"

namespace gw::audit {

// An entry made ready by the thread that appends it, so that the one that writes need not.
struct Prepared {
  Id id;
  crypto::Digest leaf{};
  std::string frame;
};

// The files of an open log and how far they are good. Append is for one thread at a time, so is
// AppendCheckpoint; everything else may be called from any thread at any time.
class LogFiles {
 public:
  // Takes the directory, recovers, cuts what is torn. *torn says what was cut, *recent which ids
  // are the newest.
  static Result<std::unique_ptr<LogFiles>> Open(const Options& options, const VerifierKey& verifier,
                                                Instant now, TornTail* torn,
                                                std::vector<Id>* recent);

  // All of the batch is durable, or none of it is in the log. Returns the index of its first entry.
  Result<uint64_t> Append(std::span<const Prepared* const> batch);

  Result<std::vector<Stored>> Read(uint64_t index, uint32_t max) const;
  Result<LeafRecord> Record(uint64_t index) const;
  // Takes out of *wanted each id that the log has.
  Status RemovePresent(std::unordered_set<Id, IdHash>* wanted) const;

  struct TreeHead {
    uint64_t size = 0;
    crypto::Digest root{};
  };
  TreeHead Head() const;
  uint64_t size() const;
  const Checkpoint& last_checkpoint() const { return last_; }  // for who may AppendCheckpoint
  // Makes the leaf records under the checkpoint durable, then the checkpoint.
  Status AppendCheckpoint(Checkpoint checkpoint);

 private:
  LogFiles(const Options& options, DirectoryLock lock)
      : options_(options), lock_(std::move(lock)) {}
  Status Make(const VerifierKey& verifier, Instant now);
  Status TakeUp(Recovered recovered);
  Status TakeUpSegment(uint64_t first_index, uint64_t good_end);
  Status Mend();
  Status BeginSegment();
  Status WriteBatch(std::span<const Prepared* const> batch);
  Status ReadRun(const File& file, uint64_t first, std::span<const LeafRecord> records,
                 std::vector<Stored>* entries) const;
  Result<std::vector<LeafRecord>> Records(uint64_t index, uint64_t count) const;

  const Options& options_;
  const DirectoryLock lock_;
  File leaves_;
  File checkpoints_;

  // Of the thread that appends.
  File segment_;               // the last one
  uint64_t segment_end_ = 0;   // 0: there is none yet
  bool half_written_ = false;  // something may lie behind the good end of segment or leaves
  std::string frames_;         // kept for their room
  std::string records_;

  // Of the thread that signs.
  Checkpoint last_;
  uint64_t checkpoints_end_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  Tree tree_;                 // over the durable entries
  std::vector<uint64_t> segments_;
};

}  // namespace gw::audit
