#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/checkpoint.h"
#include "gateway/audit/frame_internal.h"
#include "gateway/audit/merkle.h"
#include "gateway/base/result.h"

namespace gw::audit {

// What a crash left half-written, and what is cut for it.
struct TornTail {
  uint64_t entry_bytes = 0;       // at the end of the last segment
  uint64_t checkpoint_bytes = 0;  // at the end of the checkpoints
  // Of the entry that was cut, if it had come as far as its leaf record.
  std::optional<crypto::Digest> lost_leaf;

  bool any() const { return entry_bytes > 0 || checkpoint_bytes > 0 || lost_leaf.has_value(); }
};

// How far the files of a log are good.
struct Recovered {
  bool fresh = false;  // there is no log yet; nothing below means anything
  Tree tree;           // over all whole entries
  std::vector<uint64_t> segments;
  uint64_t segment_end = 0;   // where the next frame goes in the last segment
  uint64_t leaf_records = 0;  // good ones in the file
  std::string new_records;    // for whole entries behind them
  std::vector<Id> recent;     // newest last
  Checkpoint last;
  uint64_t checkpoints_end = 0;
  TornTail torn;
};

// Reads the files of a log, changes nothing, and says how far they are good. kUnavailable, naming
// the first bad entry, where they are not what the last checkpoint covers, or where an entry that
// was durable is not there any more.
Result<Recovered> Recover(const Options& options, const VerifierKey& verifier);

}  // namespace gw::audit
