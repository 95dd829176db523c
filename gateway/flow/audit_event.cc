// An access-log entry as a FHIR AuditEvent.
// Spec: R4 auditevent.html; IHE BALP 1.1 (patterns for REST and for AuthZconsent).
#include <algorithm>

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"
#include "gateway/flow/access_record.h"

namespace gw::flow {
namespace {

constexpr std::string_view kEventType = "http://terminology.hl7.org/CodeSystem/audit-event-type";
constexpr std::string_view kInteraction = "http://hl7.org/fhir/restful-interaction";
constexpr std::string_view kOperation = "urn:caregate:operation";
constexpr std::string_view kEntityType = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
constexpr std::string_view kObjectRole = "http://terminology.hl7.org/CodeSystem/object-role";
constexpr std::string_view kDicom = "http://dicom.nema.org/resources/ontology/DCM";
constexpr std::string_view kParticipation =
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
constexpr std::string_view kActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

void WriteCoding(std::string_view system, std::string_view code, JsonWriter* writer) {
  writer->ObjectStart().Member("system", system).Member("code", code).ObjectEnd();
}

void WriteConcept(std::string_view name, std::string_view system, std::string_view code,
                  JsonWriter* writer) {
  writer->Key(name).ObjectStart().Key("coding").ArrayStart();
  WriteCoding(system, code, writer);
  writer->ArrayEnd().ObjectEnd();
}

// AuditEvent.action of what was done: C R U E.
// What an operator did: of "POST /admin/messages/7/resubmit" and of "feed resubmit" the same.
std::string OperationOf(const AccessRecord& record) {
  constexpr std::string_view kPath = " /admin/";
  const size_t at = record.action.find(kPath);
  if (at == std::string::npos) {
    const std::string_view verb =
        std::string_view(record.action).substr(0, record.action.find(' '));
    return record.action.substr(verb == "feed" ? std::min(verb.size() + 1, record.action.size())
                                               : 0);
  }
  const std::string_view path = std::string_view(record.action).substr(at + kPath.size());
  const size_t first = path.find('/');
  const size_t last = path.rfind('/');
  if (first == std::string_view::npos) {
    return std::string(path == "feeds" ? "list" : path);
  }
  if (path.starts_with("messages/") && first == last) {
    return "show";
  }
  const std::string_view verb = path.substr(last + 1);
  return std::string(verb) + (path.starts_with("causes/") ? "-cause" : "");
}

// AuditEvent.action of an operation: looking, doing away with, or making something happen.
std::string_view ActionOfOperation(std::string_view operation) {
  for (const std::string_view looks : {"list", "causes", "messages", "fields", "show", "trace"}) {
    if (operation == looks) {
      return "R";
    }
  }
  return operation.starts_with("discard") ? "U" : "E";
}

// Is what was asked an interaction of FHIR's? "GET /nowhere" is none.
bool IsInteraction(const AccessRecord& record) {
  return record.kind == "request" && record.action != "health" && !record.action.empty() &&
         record.action.find(' ') == std::string::npos;
}

std::string_view ActionOf(const AccessRecord& record) {
  if (record.kind == "operation") {
    return ActionOfOperation(OperationOf(record));
  }
  if (record.action == "create") {
    return "C";
  }
  if (record.action == "update" || record.action == "patch") {
    return "U";
  }
  return record.kind == "request" && record.action != "search-type" ? "R" : "E";
}

void WriteIdentifierReference(std::string_view name, const fhir::Identifier& identifier,
                              JsonWriter* writer) {
  writer->Key(name).ObjectStart().Key("identifier").ObjectStart();
  if (!identifier.system.empty()) {
    writer->Member("system", identifier.system);
  }
  writer->Member("value", identifier.value).ObjectEnd().ObjectEnd();
}

void WriteNetwork(const AccessRecord& record, JsonWriter* writer) {
  if (!record.peer.empty()) {
    writer->Key("network")
        .ObjectStart()
        .Member("address", record.peer)
        .Member("type", "2")
        .ObjectEnd();
  }
}

// Who acted: the client or the sending system, then the person, then the organisation.
void WriteAgents(const AccessRecord& record, JsonWriter* writer) {
  writer->Key("agent").ArrayStart();
  writer->ObjectStart();
  WriteConcept("type", kDicom, "110153", writer);  // Source Role ID: the system that asked or sent
  const std::string& system = record.client_id.empty() ? record.sender : record.client_id;
  if (!system.empty()) {
    WriteIdentifierReference("who", {"", system}, writer);
  }
  writer->Key("requestor").Bool(record.practitioner.value.empty());
  WriteNetwork(record, writer);
  writer->ObjectEnd();
  if (!record.practitioner.value.empty()) {
    writer->ObjectStart();
    WriteConcept("type", kParticipation, "IRCP", writer);
    if (!record.roles.empty()) {
      writer->Key("role").ArrayStart();
      for (const std::string& role : record.roles) {
        writer->ObjectStart().Member("text", role).ObjectEnd();
      }
      writer->ArrayEnd();
    }
    WriteIdentifierReference("who", record.practitioner, writer);
    writer->Key("requestor").Bool(true).ObjectEnd();
  }
  if (!record.organization.value.empty()) {
    writer->ObjectStart();
    WriteConcept("type", "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", writer);
    WriteIdentifierReference("who", record.organization, writer);
    writer->Key("requestor").Bool(false).ObjectEnd();
  }
  writer->ArrayEnd();
}

void WriteDetail(std::string_view type, std::string_view value, JsonWriter* writer) {
  if (!value.empty()) {
    writer->ObjectStart().Member("type", type).Member("valueString", value).ObjectEnd();
  }
}

void WriteCount(std::string_view type, uint32_t count, JsonWriter* writer) {
  WriteDetail(type, count == 0 ? "" : std::to_string(count), writer);
}

void WriteReferenceEntity(std::string_view reference, std::string_view type, std::string_view role,
                          JsonWriter* writer) {
  writer->ObjectStart()
      .Key("what")
      .ObjectStart()
      .Member("reference", reference)
      .ObjectEnd()
      .Key("type");
  WriteCoding(kEntityType, type, writer);
  writer->Key("role");
  WriteCoding(kObjectRole, role, writer);
  writer->ObjectEnd();
}

// One entity for each consent that decided, with version, provision and rule.
void WriteDecision(const access::Decision& decision, JsonWriter* writer) {
  writer->ObjectStart();
  if (!decision.consent.empty()) {
    const std::string version =
        decision.version == 0 ? "" : "/_history/" + std::to_string(decision.version);
    writer->Key("what")
        .ObjectStart()
        .Member("reference", "Consent/" + decision.consent + version)
        .ObjectEnd();
  }
  writer->Key("type");
  WriteCoding(kEntityType, "2", writer);
  writer->Member("name", decision.consent.empty() ? "policy" : "consent")
      .Key("detail")
      .ArrayStart();
  WriteDetail("decision", decision.permit ? "permit" : "deny", writer);
  WriteDetail("reason", decision.reason, writer);
  WriteDetail("provision", decision.provision, writer);
  WriteDetail("person", decision.person.empty() ? "" : "Patient/" + decision.person, writer);
  writer->ArrayEnd().ObjectEnd();
}

void WriteMessageEntity(const AccessRecord& record, JsonWriter* writer) {
  writer->ObjectStart().Key("what").ObjectStart().Key("identifier").ObjectStart();
  writer->Member("value", record.control_id).ObjectEnd().ObjectEnd().Key("type");
  WriteCoding(kEntityType, "4", writer);
  writer->Member("name", "message").Key("detail").ArrayStart();
  WriteDetail("feed", record.feed, writer);
  WriteDetail("sender", record.sender, writer);
  WriteDetail("event", record.action, writer);
  WriteDetail("sha256", record.digest, writer);
  WriteDetail("answer", record.answer, writer);
  writer->ArrayEnd().ObjectEnd();
}

void WriteEntities(const AccessRecord& record, JsonWriter* writer) {
  writer->Key("entity").ArrayStart();
  for (const std::string& patient : record.patients) {
    WriteReferenceEntity("Patient/" + patient, "1", "1", writer);
  }
  for (const std::string& resource : record.resources) {
    WriteReferenceEntity(resource, "2", "4", writer);
  }
  if (record.action == "search-type") {
    writer->ObjectStart().Key("type");
    WriteCoding(kEntityType, "2", writer);
    writer->Key("role");
    WriteCoding(kObjectRole, "24", writer);
    writer->Member("name", record.target).Member("query", crypto::Base64(record.query)).ObjectEnd();
  }
  for (const access::Decision& decision : record.decisions) {
    WriteDecision(decision, writer);
  }
  if (!record.control_id.empty()) {
    WriteMessageEntity(record, writer);
  }
  writer->ObjectStart().Key("type");
  WriteCoding(kEntityType, "4", writer);
  writer->Member("name", "log").Key("detail").ArrayStart();
  WriteDetail("target", record.target.empty() ? "none" : record.target, writer);
  WriteDetail("token", record.token_id, writer);
  WriteDetail("status", record.status == 0 ? "" : std::to_string(record.status), writer);
  WriteCount("withheld", record.withheld, writer);
  WriteCount("patients-not-named", record.patients_more, writer);
  WriteCount("resources-not-named", record.resources_more, writer);
  WriteCount("decisions-not-named", record.decisions_more, writer);
  writer->ArrayEnd().ObjectEnd();
  writer->ArrayEnd();
}

}  // namespace

fhir::StoredResource ToAuditEvent(const AccessRecord& record, std::string_view source_name) {
  fhir::StoredResource event;
  event.key = {"AuditEvent", record.id};
  event.version = 1;
  event.last_updated = record.recorded;
  event.persons = record.patients;
  JsonWriter writer(&event.json);
  const std::string recorded = FormatInstant(record.recorded);
  writer.ObjectStart().Member("resourceType", "AuditEvent").Member("id", record.id);
  writer.Key("meta")
      .ObjectStart()
      .Member("versionId", "1")
      .Member("lastUpdated", recorded)
      .ObjectEnd();
  writer.Key("type");
  WriteCoding(kEventType,
              record.kind == "request" || record.kind == "operation" ? "rest" : "transmit",
              &writer);
  if (IsInteraction(record)) {
    writer.Key("subtype").ArrayStart();
    WriteCoding(kInteraction, record.action, &writer);
    writer.ArrayEnd();
  } else if (record.kind == "operation") {
    writer.Key("subtype").ArrayStart();
    WriteCoding(kOperation, OperationOf(record), &writer);
    writer.ArrayEnd();
  }
  writer.Member("action", ActionOf(record))
      .Member("recorded", recorded)
      .Member("outcome", record.outcome);
  if (!record.reason.empty()) {
    writer.Member("outcomeDesc", record.reason);
  }
  if (!record.purpose.empty()) {
    writer.Key("purposeOfEvent").ArrayStart().ObjectStart().Key("coding").ArrayStart();
    WriteCoding(kActReason, record.purpose, &writer);
    writer.ArrayEnd().ObjectEnd().ArrayEnd();
  }
  WriteAgents(record, &writer);
  writer.Key("source").ObjectStart();
  writer.Key("observer").ObjectStart().Member("display", source_name).ObjectEnd().ObjectEnd();
  WriteEntities(record, &writer);
  writer.ObjectEnd();
  return event;
}

}  // namespace gw::flow
