#pragma once

#include "gateway/access/access.h"
#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/flow/consents.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/parts.h"
#include "gateway/rest/interaction.h"
#include "gateway/rest/reply.h"

namespace gw::flow {

// What every interaction gets: who may do it, what they may see, and the record of it that goes to
// the log.
struct Asked {
  const Parts& parts;
  const rest::Request& request;
  const rest::Interaction& interaction;
  const access::Permit& permit;
  const access::Actor& actor;
  const access::Judge& judge;
  const store::Visibility& visibility;
  ConsentBook* consents;
  Ingest* ingest;
  AccessRecord* record;
};

// What was found, before it is released, and the HTTP around it.
struct Found {
  std::vector<fhir::StoredResource> resources;
  rest::Reply reply;
  bool from_log = false;       // AuditEvents: released to auditors, not by consent
  bool entry_pending = false;  // a write: its log entry stands in the store already
};

// One R4 interaction each, in a file of its own that begins with the address of its specification.
Result<Found> Read(const Asked& asked);
Result<Found> Vread(const Asked& asked);
Result<Found> Search(const Asked& asked);
Result<Found> SearchLog(const Asked& asked);
Result<Found> Create(const Asked& asked);
Result<Found> Update(const Asked& asked);
Result<Found> Patch(const Asked& asked);

}  // namespace gw::flow
