#include "gateway/flow/exchange.h"

#include <algorithm>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/log.h"
#include "gateway/flow/consents.h"
#include "gateway/flow/interactions/interactions.h"

namespace gw::flow {
namespace {

// Bounds what a stranger can make the log keep of one request.
constexpr size_t kPathBytesKept = 256;

AccessRecord RecordFor(const rest::Request& request, const Clock& clock) {
  AccessRecord record;
  record.recorded = clock.Now();
  record.id = crypto::Uuid7(record.recorded.unix_us / 1000);
  record.kind = "request";
  record.peer = request.peer;
  const rest::Interaction outline = rest::Outline(request);
  record.action = rest::NameOf(outline.kind);
  record.target = outline.id.empty() ? outline.type : outline.type + "/" + outline.id;
  if (outline.kind == rest::Kind::kSearch) {
    // A search by POST asks what its query says too.
    const bool both = request.method == "POST" && !request.query.empty() && !request.body.empty();
    record.query = request.query.substr(0, kQueryBytesMax) + (both ? "&" : "");
    if (request.method == "POST") {
      record.query += request.body.substr(0, kQueryBytesMax);
    }
  } else if (outline.kind == rest::Kind::kHealth && request.path != "/health") {
    // No interaction: what was asked stands as it was sent, where that could be read.
    record.action = request.path.empty()
                        ? std::string()
                        : request.method + " " + request.path.substr(0, kPathBytesKept);
  }
  return record;
}

Result<access::Interaction> AccessKindOf(rest::Kind kind) {
  switch (kind) {
    case rest::Kind::kRead:
      return access::Interaction::kRead;
    case rest::Kind::kVread:
      return access::Interaction::kVread;
    case rest::Kind::kSearch:
      return access::Interaction::kSearch;
    case rest::Kind::kCreate:
      return access::Interaction::kCreate;
    case rest::Kind::kUpdate:
    case rest::Kind::kPatch:  // SMART App Launch 2.0: u, update, holds patch
      return access::Interaction::kUpdate;
    case rest::Kind::kHealth:
    case rest::Kind::kCapabilities:
      break;
  }
  return Error{Code::kInternal, "this interaction needs no permit", "", 0};
}

// A person writes to the record that their token names, and sees all that are one with it.
bool Reads(access::Interaction kind) {
  return kind == access::Interaction::kRead || kind == access::Interaction::kVread ||
         kind == access::Interaction::kSearch;
}

Result<Found> Perform(const Asked& asked) {
  const bool of_log = asked.interaction.type == "AuditEvent";
  switch (asked.interaction.kind) {
    case rest::Kind::kRead:
      return of_log ? Error{Code::kUnsupported, "AuditEvents are searched, not read", "", 0}
                    : Read(asked);
    case rest::Kind::kVread:
      return of_log ? Error{Code::kUnsupported, "AuditEvents are searched, not read", "", 0}
                    : Vread(asked);
    case rest::Kind::kSearch:
      return of_log ? SearchLog(asked) : Search(asked);
    case rest::Kind::kCreate:
      return Create(asked);
    case rest::Kind::kUpdate:
      return Update(asked);
    case rest::Kind::kPatch:
      return Patch(asked);
    case rest::Kind::kHealth:
    case rest::Kind::kCapabilities:
      break;
  }
  return Error{Code::kInternal, "this interaction is answered elsewhere", "", 0};
}

// A serious failure is ours (8), a refusal the caller's (4). R4 audit-event-outcome.
std::string_view OutcomeOf(const Error& error) {
  const int status = rest::HttpStatusOf(error);
  return status >= 500 && status != 501 ? "8" : "4";
}

rest::Reply RefusalReply(const Error& error) {
  rest::Reply reply;
  reply.status = rest::HttpStatusOf(error);
  if (error.code == Code::kUnauthenticated) {
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"caregate\"");
  }
  if (error.code == Code::kBusy || error.code == Code::kUnavailable) {
    reply.headers.emplace_back("Retry-After", "1");
  }
  return reply;
}

// What the caller is told: for what is our own fault, nothing but that.
Error Told(const Error& error) {
  if (error.code == Code::kInternal || error.code == Code::kUnavailable) {
    return Error{error.code, "the gateway cannot do this now", "", 0};
  }
  return error;
}

// A format that is not offered is refused in JSON.
rest::Format FormatFor(const rest::Request& request) {
  const Result<rest::Format> asked = rest::AnswerFormat(request);
  return asked ? *asked : rest::Format::kJson;
}

void AddPatient(const std::string& patient, AccessRecord* record) {
  if (std::find(record->patients.begin(), record->patients.end(), patient) ==
      record->patients.end()) {
    record->patients.push_back(patient);
  }
}

// Whose record was asked for, whether or not anything came of it.
void RecordAsked(const fhir::Query& query, AccessRecord* record) {
  for (const fhir::Criterion& criterion : query.criteria) {
    const std::string_view code = criterion.parameter->code;
    const bool names_patient =
        code == "patient" || code == "subject" || (code == "_id" && query.type == "Patient");
    for (const fhir::SearchValue& value : criterion.values) {
      const bool by_type = value.reference_type == "Patient" && query.type != "AuditEvent";
      if (by_type ||
          (names_patient && (value.reference_type.empty() || value.reference_type == "Patient"))) {
        AddPatient(value.text, record);
      }
    }
  }
}

void Record(const access::Disclosure& disclosure, const Found& found, AccessRecord* record) {
  record->status = found.reply.status;
  record->decisions = disclosure.decisions();
  record->withheld = disclosure.withheld();
  for (const fhir::StoredResource& resource : disclosure.resources()) {
    for (const std::string& person : resource.persons) {
      AddPatient(person, record);
    }
    if (!found.from_log) {
      record->resources.push_back(resource.key.type + "/" + resource.key.id + "/_history/" +
                                  std::to_string(resource.version));
    }
  }
}

// What anyone may have: the CapabilityStatement, and no other resource.
fhir::StoredResource Statement(std::string json) {
  fhir::StoredResource statement;
  statement.key.type = "CapabilityStatement";
  statement.json = std::move(json);
  return statement;
}

}  // namespace

struct Exchange::Answer {
  access::Disclosure disclosure;
  rest::Reply reply;
  bool entry_pending = false;
};

Response::Response(const access::Disclosure& disclosure, const audit::Receipt&, rest::Reply reply,
                   const fhir::Definitions& definitions)
    : status_(reply.status), format_(reply.format), headers_(std::move(reply.headers)) {
  Result<std::string> body =
      rest::InFormat(format_, rest::Render(reply, disclosure.resources()), definitions);
  if (!body) {
    log::Write(log::Level::kError, "http.not_rendered", {{"reason", body.error().detail}});
    const Error error = Told(body.error());
    status_ = rest::HttpStatusOf(error);
    format_ = rest::Format::kJson;
    body = rest::OutcomeJson(error);
  }
  body_ = *std::move(body);
}

Response::Response(const access::Disclosure& disclosure, const audit::Receipt&)
    : operation_(true), body_(disclosure.resources().front().json) {}

Exchange::Exchange(const Parts& parts, Ingest* ingest, Journal* journal)
    : parts_(parts),
      ingest_(ingest),
      journal_(journal),
      consents_(std::make_unique<ConsentBook>(parts.store, parts.definitions, parts.limits)) {}

Exchange::~Exchange() = default;

Result<Response> Exchange::Handle(const rest::Request& request) {
  AccessRecord record = RecordFor(request, parts_.clock);
  if (admin_ != nullptr && Admin::Serves(request)) {
    return Operate(request, std::move(record));
  }
  Result<Answer> answer = Run(request, &record);
  if (!answer) {
    return Refused(request, answer.error(), std::move(record));
  }
  GW_TRY(const audit::Receipt receipt, journal_->Append(record, answer->entry_pending));
  answer->reply.format = FormatFor(request);
  return Response(answer->disclosure, receipt, std::move(answer->reply), parts_.definitions);
}

Result<Response> Exchange::Operate(const rest::Request& request, AccessRecord record) {
  const Result<access::Disclosure> answer = admin_->Run(request, &record);
  if (!answer) {
    return Refused(request, answer.error(), std::move(record));
  }
  GW_TRY(const audit::Receipt receipt, journal_->Append(record, false));
  return Response(*answer, receipt);
}

Result<Response> Exchange::Refuse(const rest::Request& request, const Error& error) {
  return Refused(request, error, RecordFor(request, parts_.clock));
}

// Absent and withheld alike come here as kNotFound, and leave as the same bytes.
Result<Response> Exchange::Refused(const rest::Request& request, const Error& error,
                                   AccessRecord record) {
  record.outcome = OutcomeOf(error);
  record.status = rest::HttpStatusOf(error);
  record.reason = error.where.empty() ? error.detail : error.where + ": " + error.detail;
  record.resources.clear();
  if (error.code == Code::kNotFound && record.target.find('/') != std::string::npos) {
    RecordWithheld(&record);
  }
  GW_TRY(const audit::Receipt receipt, journal_->Append(record, false));
  rest::Reply reply = RefusalReply(error);
  reply.format = FormatFor(request);
  return Response(access::Refuse(rest::OutcomeJson(Told(error))), receipt, std::move(reply),
                  parts_.definitions);
}

// The log says whose record was asked for where the answer does not. Looked up for what is absent
// too: the one way takes no other time than the other.
void Exchange::RecordWithheld(AccessRecord* record) const {
  const size_t slash = record->target.find('/');
  const Result<fhir::StoredResource> resource =
      parts_.store.Current({record->target.substr(0, slash), record->target.substr(slash + 1)});
  if (resource) {
    for (const std::string& person : resource->persons) {
      AddPatient(person, record);
    }
  }
}

Result<Exchange::Answer> Exchange::Run(const rest::Request& request, AccessRecord* record) {
  const rest::Interaction outline = rest::Outline(request);
  const bool anonymous = outline.kind == rest::Kind::kCapabilities || request.path == "/health";
  if (anonymous) {
    return AnswerAnyone(request, record);
  }
  GW_TRY(const access::Principal principal,
         parts_.authenticator.Authenticate(request.Header("Authorization"), record->recorded));
  Describe(principal, record);
  GW_TRY(const rest::Interaction interaction,
         rest::Parse(request, parts_.definitions, parts_.indexer, parts_.limits));
  RecordAsked(interaction.query, record);
  GW_TRY(const access::Interaction kind, AccessKindOf(interaction.kind));
  GW_TRY(const access::Permit permit, access::Authorize(principal, kind, interaction.type));
  GW_TRY(access::Actor actor,
         ActorOf(principal, parts_.definitions, record->recorded, &parts_.store));
  if (Reads(kind)) {
    GW_RETURN_IF_ERROR(AddLinkedRecords(principal, parts_, &actor));
  }
  const access::Judge judge(permit, actor, parts_.policy, parts_.definitions, record->recorded);
  const ConsentVisibility visibility(judge, consents_.get());
  const Asked asked{parts_, request,    interaction,     permit,  actor,
                    judge,  visibility, consents_.get(), ingest_, record};
  GW_TRY(Found found, Perform(asked));
  if (found.from_log) {
    GW_TRY(access::Disclosure log, access::ReleaseLog(permit, found.resources));
    Record(log, found, record);
    return Answer{std::move(log), std::move(found.reply), false};
  }
  const std::vector<access::PersonConsents> consents =
      ConsentsFor(found.resources, consents_.get());
  const bool one = found.reply.form != rest::Reply::Form::kSearchset;
  access::Disclosure disclosure = access::Release(judge, consents, found.resources);
  if (one && disclosure.resources().empty() && !found.entry_pending) {
    return Error{Code::kNotFound, "there is no such resource", "",
                 0};  // withheld since it was read
  }
  if (!found.entry_pending) {
    Record(disclosure, found, record);  // a write's record was settled when it was committed
  }
  return Answer{std::move(disclosure), std::move(found.reply), found.entry_pending};
}

Result<Exchange::Answer> Exchange::AnswerAnyone(const rest::Request& request,
                                                AccessRecord* record) {
  GW_TRY(const rest::Interaction interaction,
         rest::Parse(request, parts_.definitions, parts_.indexer, parts_.limits));
  rest::Reply reply;
  record->status = reply.status;
  if (interaction.kind == rest::Kind::kHealth) {
    GW_RETURN_IF_ERROR(journal_->Ready());
    reply.form = rest::Reply::Form::kEmpty;
    return Answer{access::Public(Statement({})), std::move(reply), false};
  }
  std::string statement = rest::CapabilityStatementJson(
      parts_.indexer, parts_.base_url, FormatInstant(record->recorded), GW_VERSION);
  return Answer{access::Public(Statement(std::move(statement))), std::move(reply), false};
}

}  // namespace gw::flow
