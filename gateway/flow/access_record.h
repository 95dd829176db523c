#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/fhir/stored.h"
#include "gateway/store/access_index.h"

namespace gw::flow {

// What the access log keeps of one request or message: compact, with ids and codes but none of a
// person's values. An AuditEvent is rendered from it when an auditor asks.
struct AccessRecord {
  std::string id;  // UUID; of the log entry and of the AuditEvent
  Instant recorded;
  std::string kind;  // "request", "message", "rows", "log", "operation"
  std::string
      action;  // "read", "search-type" ...; "PPP^PCB"; the feed file's map; "POST /admin/..."
  std::string target;  // "CarePlan/<id>", "CarePlan"; empty where none is known
  std::string query;   // the raw search, as sent
  std::string peer;    // address, or the watched folder
  std::string client_id;
  std::string subject;
  std::string token_id;
  fhir::Identifier organization;
  fhir::Identifier practitioner;
  std::vector<std::string> roles;
  std::string purpose;
  std::string feed;  // message, rows: and from here what names the message
  std::string sender;
  std::string control_id;
  std::string digest;                 // hex SHA-256 of the bytes
  std::vector<std::string> patients;  // ids: whose record
  std::vector<std::string>
      resources;  // "CarePlan/<id>/_history/3": what was written or shown by name
  std::vector<access::Decision> decisions;
  uint32_t withheld = 0;
  int status = 0;             // HTTP status of the answer; 0 for a message
  std::string answer;         // AA, AE, AR of a message
  std::string outcome = "0";  // AuditEvent.outcome: 0 success, 4 refused, 8 serious failure
  std::string reason;         // the rule that refused: fixed words, never a value
};

// One JSON object; the same record gives the same bytes.
std::string ToBytes(const AccessRecord& record);
Result<AccessRecord> FromBytes(std::string_view bytes);

// The record as a FHIR AuditEvent (R4; IHE BALP's AuthZconsent and REST patterns), and as its index
// row.
fhir::StoredResource ToAuditEvent(const AccessRecord& record, std::string_view source_name);
store::AccessRow ToRow(const AccessRecord& record, uint64_t index);

// Fills in who asks.
void Describe(const access::Principal& principal, AccessRecord* record);

}  // namespace gw::flow
