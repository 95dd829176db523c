#include "gateway/flow/access_record.h"

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"

namespace gw::flow {
namespace {

// The beginning of a text, whole characters of it.
std::string_view Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) {
    --end;
  }
  return text.substr(0, end);
}

void MemberIf(std::string_view name, std::string_view text, JsonWriter* writer,
              size_t bytes_max = kTextBytesMax) {
  if (!text.empty()) {
    writer->Member(name, Cut(text, bytes_max));
  }
}

void CountIf(std::string_view name, uint64_t count, JsonWriter* writer) {
  if (count != 0) {
    writer->Key(name).Integer(static_cast<int64_t>(count));
  }
}

constexpr size_t kEscapedMax = 6;  // bytes of the JSON that one byte of a text becomes

// The first items, as many as `bytes_max` hold. How many are left. `bytes`: what the writer writes
// to.
size_t WriteList(std::string_view name, const std::vector<std::string>& items, size_t bytes_max,
                 const std::string& bytes, JsonWriter* writer) {
  if (items.empty()) {
    return 0;
  }
  const size_t end = bytes.size() + bytes_max;
  size_t written = 0;
  writer->Key(name).ArrayStart();
  for (; written < items.size(); ++written) {
    const std::string_view item = Cut(items[written], kTextBytesMax);
    if (bytes.size() + kEscapedMax * item.size() > end) {
      break;
    }
    writer->String(item);
  }
  writer->ArrayEnd();
  return items.size() - written;
}

void WriteIdentifier(std::string_view name, const fhir::Identifier& identifier,
                     JsonWriter* writer) {
  if (!identifier.value.empty()) {
    writer->Key(name).ObjectStart();
    MemberIf("system", identifier.system, writer);
    writer->Member("value", Cut(identifier.value, kTextBytesMax)).ObjectEnd();
  }
}

std::vector<std::string> ReadList(const Json& json, std::string_view name) {
  std::vector<std::string> items;
  if (const Json* list = json.Find(name); list != nullptr) {
    for (const Json& item : list->items()) {
      items.push_back(item.text());
    }
  }
  return items;
}

fhir::Identifier ReadIdentifier(const Json& json, std::string_view name) {
  const Json* member = json.Find(name);
  return member == nullptr ? fhir::Identifier{}
                           : fhir::Identifier{std::string(member->TextOf("system")),
                                              std::string(member->TextOf("value"))};
}

int64_t ReadInteger(const Json& json, std::string_view name) {
  const Json* member = json.Find(name);
  if (member == nullptr) {
    return 0;
  }
  const Result<int64_t> value = member->integer();
  return value ? *value : 0;
}

void WriteDecision(const access::Decision& decision, JsonWriter* writer) {
  writer->ObjectStart().Key("permit").Bool(decision.permit);
  writer->Member("reason", Cut(decision.reason, kTextBytesMax));
  MemberIf("person", decision.person, writer);
  MemberIf("consent", decision.consent, writer);
  if (decision.version != 0) {
    writer->Key("version").Integer(static_cast<int64_t>(decision.version));
  }
  MemberIf("provision", decision.provision, writer);
  writer->ObjectEnd();
}

// As WriteList. `bytes`: what the writer writes to.
size_t WriteDecisions(const std::vector<access::Decision>& decisions, const std::string& bytes,
                      JsonWriter* writer) {
  if (decisions.empty()) {
    return 0;
  }
  constexpr size_t kOneMax = 4 * kEscapedMax * kTextBytesMax;
  const size_t end = bytes.size() + kDecisionsBytesMax - kOneMax;
  size_t written = 0;
  writer->Key("decisions").ArrayStart();
  for (; written < decisions.size() && bytes.size() < end; ++written) {
    WriteDecision(decisions[written], writer);
  }
  writer->ArrayEnd();
  return decisions.size() - written;
}

std::vector<access::Decision> ReadDecisions(const Json& json) {
  std::vector<access::Decision> decisions;
  const Json* list = json.Find("decisions");
  if (list == nullptr) {
    return decisions;
  }
  for (const Json& item : list->items()) {
    access::Decision decision;
    const Json* permit = item.Find("permit");
    decision.permit = permit != nullptr && permit->boolean();
    decision.reason = std::string(item.TextOf("reason"));
    decision.person = std::string(item.TextOf("person"));
    decision.consent = std::string(item.TextOf("consent"));
    decision.version = static_cast<uint64_t>(ReadInteger(item, "version"));
    decision.provision = std::string(item.TextOf("provision"));
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

}  // namespace

std::string ToBytes(const AccessRecord& record) {
  std::string bytes;
  JsonWriter writer(&bytes);
  writer.ObjectStart()
      .Member("id", record.id)
      .Key("recorded_us")
      .Integer(record.recorded.unix_us)
      .Member("kind", record.kind);
  MemberIf("action", record.action, &writer);
  MemberIf("target", record.target, &writer);
  MemberIf("query", record.query, &writer, kQueryBytesMax);
  MemberIf("peer", record.peer, &writer);
  MemberIf("client_id", record.client_id, &writer);
  MemberIf("subject", record.subject, &writer);
  MemberIf("token_id", record.token_id, &writer);
  WriteIdentifier("organization", record.organization, &writer);
  WriteIdentifier("practitioner", record.practitioner, &writer);
  static_cast<void>(WriteList("roles", record.roles, kRolesBytesMax, bytes, &writer));
  MemberIf("purpose", record.purpose, &writer);
  MemberIf("feed", record.feed, &writer);
  MemberIf("sender", record.sender, &writer);
  MemberIf("control_id", record.control_id, &writer);
  MemberIf("digest", record.digest, &writer);
  const size_t patients = WriteList("patients", record.patients, kPatientsBytesMax, bytes, &writer);
  CountIf("patients_more", patients + record.patients_more, &writer);
  const size_t resources =
      WriteList("resources", record.resources, kResourcesBytesMax, bytes, &writer);
  CountIf("resources_more", resources + record.resources_more, &writer);
  const size_t decisions = WriteDecisions(record.decisions, bytes, &writer);
  CountIf("decisions_more", decisions + record.decisions_more, &writer);
  CountIf("withheld", record.withheld, &writer);
  if (record.status != 0) {
    writer.Key("status").Integer(record.status);
  }
  MemberIf("answer", record.answer, &writer);
  writer.Member("outcome", record.outcome);
  MemberIf("reason", record.reason, &writer);
  writer.ObjectEnd();
  return bytes;
}

Result<AccessRecord> FromBytes(std::string_view bytes) {
  GW_TRY(const Json json, Json::Parse(bytes, Limits{}));
  AccessRecord record;
  const auto text = [&](std::string_view name) { return std::string(json.TextOf(name)); };
  record.id = text("id");
  record.recorded.unix_us = ReadInteger(json, "recorded_us");
  record.kind = text("kind");
  record.action = text("action");
  record.target = text("target");
  record.query = text("query");
  record.peer = text("peer");
  record.client_id = text("client_id");
  record.subject = text("subject");
  record.token_id = text("token_id");
  record.organization = ReadIdentifier(json, "organization");
  record.practitioner = ReadIdentifier(json, "practitioner");
  record.roles = ReadList(json, "roles");
  record.purpose = text("purpose");
  record.feed = text("feed");
  record.sender = text("sender");
  record.control_id = text("control_id");
  record.digest = text("digest");
  record.patients = ReadList(json, "patients");
  record.resources = ReadList(json, "resources");
  record.decisions = ReadDecisions(json);
  record.patients_more = static_cast<uint32_t>(ReadInteger(json, "patients_more"));
  record.resources_more = static_cast<uint32_t>(ReadInteger(json, "resources_more"));
  record.decisions_more = static_cast<uint32_t>(ReadInteger(json, "decisions_more"));
  record.withheld = static_cast<uint32_t>(ReadInteger(json, "withheld"));
  record.status = static_cast<int>(ReadInteger(json, "status"));
  record.answer = text("answer");
  record.outcome = text("outcome");
  record.reason = text("reason");
  if (record.id.empty() || record.kind.empty()) {
    return Error{Code::kInvalid, "an access-log entry has no id or kind", "", 0};
  }
  return record;
}

store::AccessRow ToRow(const AccessRecord& record, uint64_t index) {
  store::AccessRow row;
  row.index = index;
  row.id = record.id;
  row.recorded = record.recorded;
  row.patients = record.patients;
  for (const fhir::Identifier* agent : {&record.organization, &record.practitioner}) {
    if (!agent->value.empty()) {
      row.agents.push_back(agent->value);
      row.agents.push_back(agent->system + "|" + agent->value);
    }
  }
  for (const std::string* agent : {&record.client_id, &record.feed, &record.sender}) {
    if (!agent->empty()) {
      row.agents.push_back(*agent);
    }
  }
  row.outcome = record.outcome;
  return row;
}

void Describe(const access::Principal& principal, AccessRecord* record) {
  record->client_id = principal.client_id;
  record->subject = principal.subject;
  record->token_id = principal.token_id;
  record->organization = principal.organization;
  record->practitioner = principal.practitioner;
  record->roles = principal.roles;
  record->purpose = principal.purpose;
}

}  // namespace gw::flow
