#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/audit/checkpoint.h"
#include "gateway/base/result.h"

namespace gw::audit {

// The first thing that is wrong with a log. Where the files tell the entry exactly, first == last;
// where both the entry and its leaf record were changed alike, only the checkpoints can tell, and
// the bad entry is one of first to last.
struct Finding {
  uint64_t first = 0;
  uint64_t last = 0;
  std::string reason;  // "the entry differs from its leaf record", ...; never an entry's text

  bool exact() const { return first == last; }
  std::string where() const;  // "entry 17", "entries 20 to 39"
};

// What verification found.
struct Verified {
  uint64_t entries = 0;      // whole entries in the files
  uint64_t covered = 0;      // of them, proven by the last good checkpoint
  crypto::Digest root{};     // of the tree over the covered entries
  uint64_t checkpoints = 0;  // whose signature and root are good, those given from outside included
  uint64_t torn_bytes = 0;   // at the end, of a write that a crash cut short: not tampering
  std::optional<Finding> first_bad;

  bool intact() const { return !first_bad.has_value(); }
  uint64_t not_yet_covered() const { return entries - covered; }
};

struct VerifyOptions {
  std::string directory;
  // The text of a checkpoint that was kept elsewhere; it finds a log cut back together with its own
  // checkpoints. Empty: none.
  std::string checkpoint;
  // The verifier key's text. Empty: the one that lies in the directory, which proves nothing
  // against somebody who could write there.
  std::string verifier;
};

// Reads the files of a log by itself, apart from AuditLog, and holds every entry against its leaf
// record and every checkpoint against the tree. kNotFound without a log at the place, kInvalid for
// a key or given checkpoint that cannot be read, kUnavailable if a file cannot be. A log that was
// tampered with is no error of this function: see first_bad. The log may be open and growing
// meanwhile. Source: docs/audit_log_format.md.
Result<Verified> VerifyDirectory(const VerifyOptions& options);

}  // namespace gw::audit
