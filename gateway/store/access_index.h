#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace gw::store {

// What the index keeps of one access-log entry, so that AuditEvents are found without reading the
// log.
struct AccessRow {
  uint64_t index = 0;  // in the log
  std::string id;      // of the entry: the AuditEvent's id
  Instant recorded;
  std::vector<std::string> patients;  // whose record
  std::vector<std::string>
      agents;           // client, practitioner, organisation, as "system|value" and as plain values
  std::string outcome;  // AuditEvent.outcome: 0 4 8 12
};

struct AccessQuery {
  std::string id;                                       // each empty or absent: any
  std::vector<std::string> patients, agents, outcomes;  // ORed within
  std::optional<Instant> from, until;                   // [from, until)
  uint32_t count = 50;
  std::string cursor;
};

struct AccessPage {
  std::vector<uint64_t> entries;  // indices in the log, newest first
  std::string next_cursor;
};

// An index over the access log, in a file of its own, rebuilt from the log whenever it is missing.
// Thread-safe.
class AccessIndex {
 public:
  virtual ~AccessIndex() = default;
  virtual Result<uint64_t> Next() = 0;  // the first log index that is not in it yet
  virtual Status Add(
      std::span<const AccessRow> rows) = 0;  // in one transaction; rows it has are skipped
  virtual Result<AccessPage> Search(const AccessQuery& query) = 0;
};
Result<std::unique_ptr<AccessIndex>> OpenAccessIndex(const std::string& path);

}  // namespace gw::store
