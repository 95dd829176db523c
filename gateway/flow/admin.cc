#include "gateway/flow/admin.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "gateway/base/json.h"
#include "gateway/base/percent.h"
#include "gateway/flow/operations_json.h"

namespace gw::flow {
namespace {

constexpr std::string_view kBase = "/admin/";
constexpr uint32_t kCountMax = 500;
constexpr size_t kNamedMax = 256;  // of a path or name, in the log

Error NoSuchPath() { return Error{Code::kNotFound, "there is no such operation", "", 0}; }

std::string_view Take(std::string_view* text, char separator) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return part;
}

std::optional<uint64_t> NumberIn(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(number) : std::nullopt;
}

// "CarePlan/<id>", of a type that is served: nothing else of what is asked goes into the log.
std::optional<fhir::Key> KeyIn(const std::string& text) {
  constexpr size_t kIdMax = 64;  // R4 datatypes.html#id
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string id = text.substr(std::min(slash + 1, text.size()));
  const bool is_id =
      !id.empty() && id.size() <= kIdMax && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
      });
  const std::string type = text.substr(0, slash);
  return is_id && rest::IsServed(type) ? std::optional(fhir::Key{type, id}) : std::nullopt;
}

}  // namespace

// A request, taken apart: the path below /admin/, and parameters from the query, or the members of
// a JSON body where there is one.
struct Admin::Call {
  std::string method;
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> parameters;
  const std::string& body;
  std::string who;

  std::optional<std::string> Find(std::string_view name) const {
    for (const auto& [known, value] : parameters) {
      if (known == name) {
        return value;
      }
    }
    return std::nullopt;
  }
  bool Is(std::string_view first, size_t segments) const {
    return path.size() == segments && path[0] == first;
  }

  // Errors: kInvalid for a parameter that the operation does not know, or one that stands twice.
  Status Only(std::initializer_list<std::string_view> names) const;

  static Result<Call> Parse(const rest::Request& request, std::string who);
  Status ReadBody(const Limits& limits);
  Result<Selection> SelectionIn() const;
};

Result<Admin::Call> Admin::Call::Parse(const rest::Request& request, std::string who) {
  Call call{request.method, {}, {}, request.body, std::move(who)};
  std::string_view below = std::string_view(request.path).substr(kBase.size());
  while (!below.empty()) {
    call.path.push_back(PercentDecoded(Take(&below, '/')));
  }
  std::string_view query = request.query;
  while (!query.empty()) {
    std::string_view pair = Take(&query, '&');
    const std::string_view name = Take(&pair, '=');
    call.parameters.emplace_back(std::string(name), PercentDecoded(pair));
  }
  return call;
}

Status Admin::Call::Only(std::initializer_list<std::string_view> names) const {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i].first;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Error{Code::kInvalid, "the operation has no such parameter", "parameter", 0};
    }
    const auto same = [&name](const auto& other) { return other.first == name; };
    const auto behind = parameters.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (std::any_of(behind, parameters.end(), same)) {
      return Error{Code::kInvalid, "a parameter stands twice", name, 0};
    }
  }
  return {};
}

Status Admin::Call::ReadBody(const Limits& limits) {
  if (body.empty()) {
    return {};
  }
  GW_TRY(const Json json, Json::Parse(body, limits));
  if (!json.is_object()) {
    return Error{Code::kInvalid, "the body must be a JSON object", "body", 0};
  }
  for (const auto& [name, value] : json.members()) {
    parameters.emplace_back(name, value.text());
  }
  return {};
}

Result<Selection> Admin::Call::SelectionIn() const {
  Selection selection;
  selection.feed = Find("feed").value_or("");
  selection.cause = Find("cause");
  for (const auto& [name, moment] :
       {std::pair("from", &selection.from), std::pair("until", &selection.until)}) {
    if (const auto text = Find(name)) {
      *moment = ParseMoment(*text);
      if (!*moment) {
        return Error{Code::kInvalid, "must be YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ", name, 0};
      }
    }
  }
  if (selection.from && selection.until && !(*selection.from < *selection.until)) {
    return Error{Code::kInvalid, "must be after from", "until", 0};
  }
  if (const auto count = Find("count")) {
    const auto number = NumberIn(*count);
    if (!number || *number == 0 || *number > kCountMax) {
      return Error{Code::kInvalid, "must be a number from 1 to " + std::to_string(kCountMax),
                   "count", 0};
    }
    selection.count = static_cast<uint32_t>(*number);
  }
  if (const auto after = Find("after")) {
    const size_t dot = after->find('.');
    const auto moment = NumberIn(after->substr(0, dot));
    const auto number = dot == std::string::npos ? moment : NumberIn(after->substr(dot + 1));
    if (!moment || !number) {
      return Error{Code::kInvalid, "must be what the page before gave", "after", 0};
    }
    selection.after = Instant{static_cast<int64_t>(*moment)};
    selection.after_number = *number;
  }
  return selection;
}

bool Admin::Serves(const rest::Request& request) { return request.path.starts_with(kBase); }

Result<access::Disclosure> Admin::Run(const rest::Request& request, AccessRecord* record) {
  record->kind = "operation";
  // The path names feeds and messages, no person; what a query or body names is not kept.
  record->action = request.method + " " + request.path.substr(0, kNamedMax);
  GW_TRY(const access::Principal principal,
         parts_.authenticator.Authenticate(request.Header("Authorization"), record->recorded));
  Describe(principal, record);
  GW_RETURN_IF_ERROR(access::AuthorizeOperator(principal));
  const std::string& who =
      principal.practitioner.value.empty() ? principal.client_id : principal.practitioner.value;
  GW_TRY(Call call, Call::Parse(request, who));
  if (call.path.empty()) {
    return NoSuchPath();
  }
  if (call.method != "GET" && call.method != "POST") {
    return Error{Code::kUnsupported, "operations are asked with GET and POST", "method", 0};
  }
  GW_TRY(std::string json, call.method == "GET" ? Read(call, record) : Write(call, record));
  record->status = 200;
  return access::ReleaseOperation(principal, std::move(json));
}

Result<std::string> Admin::Read(const Call& call, AccessRecord* record) {
  if (call.Is("feeds", 1)) {
    GW_RETURN_IF_ERROR(call.Only({}));
    return Feeds();
  }
  if (call.Is("causes", 1)) {
    return Causes(call, record);
  }
  if (call.Is("messages", 1)) {
    return Messages(call, record);
  }
  if (call.Is("feeds", 3) && call.path[2] == "fields") {
    GW_RETURN_IF_ERROR(call.Only({"count"}));
    GW_TRY(const Selection selection, call.SelectionIn());
    GW_RETURN_IF_ERROR(operations_->RequireFeed(call.path[1]));
    record->target = "feed/" + call.path[1];
    GW_TRY(const std::vector<store::FieldCount> fields,
           parts_.store.archive().Fields(call.path[1], selection.count));
    std::vector<std::string> objects;
    objects.reserve(fields.size());
    for (const store::FieldCount& field : fields) {
      objects.push_back(ToJson(field));
    }
    return ListJson("fields", objects);
  }
  const auto number = call.Is("messages", 2) ? NumberIn(call.path[1]) : std::nullopt;
  GW_RETURN_IF_ERROR(number ? call.Only({}) : Status());
  return number ? OpenMessage(*number, record) : Result<std::string>(NoSuchPath());
}

Result<std::string> Admin::Write(const Call& asked, AccessRecord* record) {
  const bool on_message = asked.Is("messages", 3);
  const auto number = on_message ? NumberIn(asked.path[1]) : std::nullopt;
  if (on_message && number && asked.path[2] == "resubmit") {
    return OnMessage(asked, *number, record);
  }
  Call call = asked;
  GW_RETURN_IF_ERROR(call.ReadBody(parts_.limits));
  if (on_message && number && call.path[2] == "discard") {
    return OnMessage(call, *number, record);
  }
  if (call.Is("causes", 2) && (call.path[1] == "resubmit" || call.path[1] == "discard")) {
    return OnCause(call, record);
  }
  if (call.Is("feeds", 3) && call.path[2] == "replay") {
    return Replay(call, record);
  }
  if (call.Is("trace", 1)) {
    return TraceFor(call, record);
  }
  return call.Is("reload", 1) ? Reload(call, record) : Result<std::string>(NoSuchPath());
}

Result<std::string> Admin::Feeds() {
  GW_TRY(std::vector<store::FeedState> states, parts_.store.archive().Feeds());
  GW_TRY(const std::vector<store::FeedAlert> alerts, parts_.store.archive().Alerts());
  for (const auto& [name, feed] : parts_.mappings.Get()->feeds) {
    AddFeed(name, &states);
  }
  std::vector<std::string> objects;
  objects.reserve(states.size());
  for (const store::FeedState& state : states) {
    objects.push_back(ToJson(state, alerts));
  }
  return ListJson("feeds", objects);
}

// Notes the feed that is asked about, if one is.
Status Admin::NameFeed(const Call& call, AccessRecord* record) {
  const std::optional<std::string> feed = call.Find("feed");
  if (!feed) {
    return {};
  }
  GW_RETURN_IF_ERROR(operations_->RequireFeed(*feed));
  record->target = "feed/" + *feed;
  return {};
}

Result<std::string> Admin::Causes(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(call.Only({"feed"}));
  GW_RETURN_IF_ERROR(NameFeed(call, record));
  GW_TRY(const std::vector<store::CauseGroup> groups,
         parts_.store.archive().Causes(call.Find("feed")));
  std::vector<std::string> objects;
  objects.reserve(groups.size());
  for (const store::CauseGroup& group : groups) {
    objects.push_back(ToJson(group));
  }
  return ListJson("causes", objects);
}

Result<std::string> Admin::Messages(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(
      call.Only({"feed", "cause", "control_id", "state", "from", "until", "after", "count"}));
  GW_RETURN_IF_ERROR(NameFeed(call, record));
  GW_TRY(const Selection selection, call.SelectionIn());
  store::MessageQuery query;
  query.feed = call.Find("feed");
  query.cause = selection.cause;
  query.control_id = call.Find("control_id");
  query.from = selection.from;
  query.until = selection.until;
  query.after = selection.after;
  query.after_number = selection.after_number;
  query.count = selection.count;
  const std::string state = call.Find("state").value_or("");
  query.state = store::StateNamed(state);
  if (!state.empty() && !query.state) {
    return Error{Code::kInvalid, "must be done, open, replaced or discarded", "state", 0};
  }
  if (!query.feed && !query.control_id && !query.state) {
    return Error{Code::kInvalid, "needs feed, control_id or state", "query", 0};
  }
  GW_TRY(const std::vector<store::MessageEntry> entries, parts_.store.archive().List(query));
  return MessagesJson(entries, query.count);
}

Result<std::string> Admin::OpenMessage(uint64_t number, AccessRecord* record) {
  record->target = "message/" + std::to_string(number);
  GW_TRY(const store::KeptMessage message, operations_->Open(number, record));
  return ToJson(message);
}

Result<std::string> Admin::OnMessage(const Call& call, uint64_t number, AccessRecord* record) {
  record->target = "message/" + std::to_string(number);
  if (call.path[2] == "discard") {
    GW_RETURN_IF_ERROR(call.Only({"reason"}));
    GW_RETURN_IF_ERROR(operations_->Discard(number, call.Find("reason").value_or(""), call.who));
    GW_TRY(const store::KeptMessage message, parts_.store.archive().Open(number));
    return ToJson(message.entry);
  }
  GW_RETURN_IF_ERROR(call.Only({}));
  GW_TRY(const Taken taken, call.body.empty()
                                ? operations_->Resubmit(number, call.who)
                                : operations_->ResubmitEdited(number, call.body, call.who));
  return ToJson(taken);
}

Result<std::string> Admin::OnCause(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(call.path[1] == "discard"
                         ? call.Only({"feed", "cause", "from", "until", "after", "count", "reason"})
                         : call.Only({"feed", "cause", "from", "until", "after", "count"}));
  GW_TRY(const Selection selection, call.SelectionIn());
  if (!selection.cause || !call.Find("feed")) {
    return Error{Code::kInvalid, "needs feed and cause", "body", 0};
  }
  GW_RETURN_IF_ERROR(NameFeed(call, record));
  GW_TRY(const Batch batch,
         call.path[1] == "resubmit"
             ? operations_->ResubmitAll(selection, call.who)
             : operations_->DiscardAll(selection, call.Find("reason").value_or(""), call.who));
  return ToJson(batch);
}

Result<std::string> Admin::Replay(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(call.Only({"from", "until", "after", "count"}));
  GW_TRY(Selection selection, call.SelectionIn());
  selection.feed = call.path[1];
  if (!selection.from || !selection.until) {
    return Error{Code::kInvalid, "needs from and until", "body", 0};
  }
  GW_RETURN_IF_ERROR(operations_->RequireFeed(selection.feed));
  record->target = "feed/" + selection.feed;
  GW_TRY(const Batch batch, operations_->Replay(selection, call.who));
  return ToJson(batch);
}

Result<std::string> Admin::TraceFor(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(call.Only({"control_id", "identifier", "resource"}));
  Result<Trace> trace =
      Error{Code::kInvalid, "needs control_id, identifier or resource, one of them", "body", 0};
  if (call.parameters.size() != 1) {
    return trace.error();
  }
  if (const auto control_id = call.Find("control_id")) {
    trace = operations_->TraceControlId(*control_id);
  } else if (const auto identifier = call.Find("identifier")) {
    trace = operations_->TracePerson(*identifier);
  } else if (const auto resource = call.Find("resource")) {
    const std::optional<fhir::Key> key = KeyIn(*resource);
    record->target = key ? *resource : "";
    trace = key ? operations_->TraceResource(*key)
                : Error{Code::kInvalid, "must be Type/id", "resource", 0};
  }
  GW_RETURN_IF_ERROR(trace);
  record->patients = trace->patients;
  for (const store::MessageEntry& message : trace->messages) {
    RecordOpened(message, parts_.store, record);
  }
  return ToJson(*trace);
}

Result<std::string> Admin::Reload(const Call& call, AccessRecord* record) {
  GW_RETURN_IF_ERROR(call.Only({}));
  record->target = "configuration";
  if (reloader_ == nullptr) {
    return Error{Code::kUnsupported, "there is nothing to reload", "", 0};
  }
  GW_RETURN_IF_ERROR(reloader_->Reload());
  std::string json;
  JsonWriter(&json)
      .ObjectStart()
      .Member("map_version", parts_.mappings.Get()->translator.version())
      .ObjectEnd();
  return json;
}

}  // namespace gw::flow
