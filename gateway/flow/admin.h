#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/flow/operations.h"
#include "gateway/flow/parts.h"
#include "gateway/rest/interaction.h"

namespace gw::flow {

// Loads mappings, feeds and configuration anew: all, or nothing. Thread-safe.
class Reloader {
 public:
  virtual ~Reloader() = default;
  // Errors: kInvalid with the place ("file:line:column"); kUnsupported for a key that needs a
  // restart. What was in force stays so.
  virtual Status Reload() = 0;
};

// The operators' requests, under /admin/: plain JSON, and none of FHIR's (docs/operating.md lists
// them, docs/decisions/007-operations.md says why). Asks for the role of integration engineers and
// leaves one entry in the access log for each request, before its answer, with the persons whose
// messages it opened. Part of Exchange, which answers. Thread-safe.
class Admin {
 public:
  // `reloader` null: there is nothing to reload.
  Admin(const Parts& parts, Operations* operations, Reloader* reloader)
      : parts_(parts), operations_(operations), reloader_(reloader) {}

  static bool Serves(const rest::Request& request);

  // Authenticates, authorizes, does it; *record is filled in and not yet appended.
  // Errors: kUnauthenticated, kForbidden, kNotFound (no such path, feed or message), kInvalid,
  // kConflict.
  Result<access::Disclosure> Run(const rest::Request& request, AccessRecord* record);

 private:
  struct Call;
  Result<std::string> Read(const Call& call, AccessRecord* record);
  Result<std::string> Write(const Call& call, AccessRecord* record);
  Result<std::string> Feeds();
  Status NameFeed(const Call& call, AccessRecord* record);
  Result<std::string> Causes(const Call& call, AccessRecord* record);
  Result<std::string> Messages(const Call& call, AccessRecord* record);
  Result<std::string> OpenMessage(uint64_t number, AccessRecord* record);
  Result<std::string> OnMessage(const Call& call, uint64_t number, AccessRecord* record);
  Result<std::string> OnCause(const Call& call, AccessRecord* record);
  Result<std::string> Replay(const Call& call, AccessRecord* record);
  Result<std::string> TraceFor(const Call& call, AccessRecord* record);
  Result<std::string> Reload(const Call& call, AccessRecord* record);

  const Parts& parts_;
  Operations* operations_;
  Reloader* reloader_;
};

}  // namespace gw::flow
