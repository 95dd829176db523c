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

// What one entry names of a list, in bytes; the rest is counted. With the texts, each cut to
// kTextBytesMax, any record fits an entry of the log (audit::kEntryBytesMax), whatever a message or
// an answer holds: 400 + 256 + 256 + 16 KiB of lists, and 17 texts of which one byte may become
// six.
inline constexpr size_t kPatientsBytesMax = size_t{400} << 10;  // those of 10,000 segments
inline constexpr size_t kResourcesBytesMax = size_t{256} << 10;
inline constexpr size_t kDecisionsBytesMax = size_t{256} << 10;
inline constexpr size_t kRolesBytesMax = size_t{16} << 10;
inline constexpr size_t kTextBytesMax = 512;
inline constexpr size_t kQueryBytesMax = 2048;

// What the access log keeps of one request or message: compact, with ids and codes, and no value of
// a person's but those a search asks by. An AuditEvent is rendered from it when an auditor asks.
struct AccessRecord {
  std::string id;  // UUID; of the log entry and of the AuditEvent
  Instant recorded;
  std::string kind;  // "request", "message", "rows", "log", "operation"
  // "read", "search-type" ...; "PPP^PCB"; the feed file's map; "POST /admin/..."; of a request that
  // is no interaction method and path; empty where not even these could be read.
  std::string action;
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
  // How many more there were than the entry names.
  uint32_t patients_more = 0, resources_more = 0, decisions_more = 0;
  uint32_t withheld = 0;
  int status = 0;             // HTTP status of the answer; 0 for a message
  std::string answer;         // AA, AE, AR of a message
  std::string outcome = "0";  // AuditEvent.outcome: 0 success, 4 refused, 8 serious failure
  std::string reason;         // the rule that refused: fixed words, never a value
};

// One JSON object of at most 1 MiB; the same record gives the same bytes. What is past the bounds
// above is counted, texts are cut.
std::string ToBytes(const AccessRecord& record);
// Errors: kInvalid where the bytes are no record.
Result<AccessRecord> FromBytes(std::string_view bytes);

// The record as a FHIR AuditEvent (R4; IHE BALP's AuthZconsent and REST patterns), and as its index
// row.
fhir::StoredResource ToAuditEvent(const AccessRecord& record, std::string_view source_name);
store::AccessRow ToRow(const AccessRecord& record, uint64_t index);

// Fills in who asks.
void Describe(const access::Principal& principal, AccessRecord* record);

}  // namespace gw::flow
