#include "gateway/flow/operations_json.h"

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"
#include "gateway/base/utf8.h"

namespace gw::flow {
namespace {

void Moment(std::string_view name, Instant moment, JsonWriter* writer) {
  if (moment.unix_us != 0) {
    writer->Member(name, FormatInstant(moment));
  }
}

void Count(std::string_view name, uint64_t count, JsonWriter* writer) {
  writer->Key(name).Integer(static_cast<int64_t>(count));
}

void Text(std::string_view name, std::string_view text, JsonWriter* writer) {
  if (!text.empty()) {
    writer->Member(name, text);
  }
}

void Bytes(const std::string& name, const std::string& bytes, JsonWriter* writer) {
  if (IsValidUtf8(bytes)) {
    writer->Member(name, bytes);
  } else {
    writer->Member(name + "_base64", crypto::Base64(bytes));
  }
}

// Whether there is another page, and behind what.
void More(bool more, Instant after, uint64_t after_number, JsonWriter* writer) {
  writer->Key("more").Bool(more);
  if (more) {
    writer->Member("after", std::to_string(after.unix_us) + "." + std::to_string(after_number));
  }
}

void Members(const store::MessageEntry& entry, JsonWriter* writer) {
  Count("message", entry.number, writer);
  writer->Member("feed", entry.feed).Member("sender", entry.sender);
  writer->Member("control_id", entry.control_id).Member("type", entry.type);
  writer->Member("outcome", entry.outcome).Member("state", store::NameOf(entry.state));
  Text("cause", entry.cause, writer);
  Text("reason", entry.reason, writer);
  Text("note", entry.note, writer);
  if (entry.replaced_by != 0) {
    Count("replaced_by", entry.replaced_by, writer);
  }
  Text("map_version", entry.map_version, writer);
  Text("log_entry", entry.entry_id, writer);
  Moment("first_received", entry.first_received, writer);
  Moment("received", entry.received, writer);
  Count("attempts", entry.attempts, writer);
  writer->Key("resources").ArrayStart();
  for (const std::string& resource : entry.resources) {
    writer->String(resource);
  }
  writer->ArrayEnd();
}

}  // namespace

std::string ToJson(const store::FeedState& state, const std::vector<store::FeedAlert>& alerts) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("feed", state.feed);
  Count("received", state.received, &writer);
  Count("taken", state.taken, &writer);
  Count("refused", state.refused, &writer);
  Count("repeated", state.repeated, &writer);
  Count("replayed", state.replayed, &writer);
  Count("replaced", state.replaced, &writer);
  Count("discarded", state.discarded, &writer);
  Count("pruned", state.pruned, &writer);
  Count("versions", state.versions, &writer);
  Count("open", state.open, &writer);
  Moment("oldest_open", state.oldest_open, &writer);
  Moment("last_received", state.last_received, &writer);
  Moment("last_taken", state.last_taken, &writer);
  writer.Key("alerts").ArrayStart();
  for (const store::FeedAlert& alert : alerts) {
    if (alert.feed == state.feed) {
      writer.ObjectStart().Member("condition", alert.condition);
      writer.Key("in_force").Bool(alert.since.unix_us != 0);
      Moment("since", alert.since, &writer);
      Count("raised", alert.raised, &writer);
      writer.ObjectEnd();
    }
  }
  writer.ArrayEnd().ObjectEnd();
  return json;
}

std::string ToJson(const store::CauseGroup& group) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("feed", group.feed).Member("cause", group.cause);
  writer.Member("reason", group.reason);
  Count("messages", group.messages, &writer);
  Moment("first", group.first, &writer);
  Moment("last", group.last, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const store::MessageEntry& entry) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart();
  Members(entry, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const store::KeptMessage& message) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart();
  Members(message.entry, &writer);
  Bytes("bytes", message.bytes, &writer);
  Bytes("answer", message.answer, &writer);
  if (!message.remarks_json.empty()) {
    writer.Key("remarks").Raw(message.remarks_json);
  }
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const store::FieldCount& field) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("feed", field.feed);
  writer.Member("kind", field.field.unmapped ? "unmapped" : "unread");
  writer.Member("place", field.field.place);
  Text("system", field.field.system, &writer);
  Text("code", field.field.code, &writer);
  Count("count", field.count, &writer);
  Moment("last", field.last, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const Taken& taken) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("outcome", taken.outcome);
  Text("reason", taken.reason, &writer);
  if (taken.number != 0) {
    Count("message", taken.number, &writer);
  }
  Count("versions", taken.versions, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const Batch& batch) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart();
  Count("taken", batch.taken, &writer);
  Count("refused", batch.refused, &writer);
  Count("unchanged", batch.unchanged, &writer);
  Count("discarded", batch.discarded, &writer);
  Count("versions", batch.versions, &writer);
  More(batch.more, batch.after, batch.after_number, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ToJson(const Trace& trace) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Key("messages").ArrayStart();
  for (const store::MessageEntry& entry : trace.messages) {
    writer.ObjectStart();
    Members(entry, &writer);
    writer.ObjectEnd();
  }
  writer.ArrayEnd().Key("versions").ArrayStart();
  for (const store::VersionOrigin& version : trace.versions) {
    writer.ObjectStart().Member("resource", version.key.type + "/" + version.key.id + "/_history/" +
                                                std::to_string(version.version));
    Moment("last_updated", version.last_updated, &writer);
    if (version.message != 0) {
      Count("message", version.message, &writer);
    }
    writer.ObjectEnd();
  }
  writer.ArrayEnd().ObjectEnd();
  return json;
}

std::string MessagesJson(const std::vector<store::MessageEntry>& entries, uint32_t count) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Key("messages").ArrayStart();
  for (const store::MessageEntry& entry : entries) {
    writer.ObjectStart();
    Members(entry, &writer);
    writer.ObjectEnd();
  }
  writer.ArrayEnd();
  const bool more = !entries.empty() && entries.size() == count;
  More(more, more ? entries.back().received : Instant{}, more ? entries.back().number : 0, &writer);
  writer.ObjectEnd();
  return json;
}

std::string ListJson(std::string_view name, const std::vector<std::string>& objects) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Key(name).ArrayStart();
  for (const std::string& object : objects) {
    writer.Raw(object);
  }
  writer.ArrayEnd().ObjectEnd();
  return json;
}

}  // namespace gw::flow
