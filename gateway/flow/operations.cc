#include "gateway/flow/operations.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::flow {
namespace {

constexpr uint32_t kTracedMax = 500;

Error NotOpen() {
  return Error{Code::kConflict, "the message is not in the queue any more", "message", 0};
}

std::string NoteOf(std::string_view what, std::string_view who, std::string_view reason = {}) {
  std::string note(what);
  note.append(" by ").append(who);
  if (!reason.empty()) {
    note.append(": ").append(reason);
  }
  return note;
}

store::MessageQuery QueryOf(const Selection& selection) {
  store::MessageQuery query;
  query.feed = selection.feed;
  query.cause = selection.cause;
  query.from = selection.from;
  query.until = selection.until;
  query.after = selection.after;
  query.after_number = selection.after_number;
  query.count = selection.count;
  return query;
}

// The file that rows are of, or that the entry is; empty of a message.
std::string FileNamed(const store::MessageEntry& entry) {
  return entry.type == "rows" || entry.type == store::kFileType
             ? entry.sender + "|" + entry.control_id.substr(0, entry.control_id.find(':'))
             : std::string();
}

Status IsReason(std::string_view reason) {
  return reason.find_first_not_of(" \t\r\n") == std::string_view::npos
             ? Status(Error{Code::kInvalid, "a message is discarded for a reason", "reason", 0})
             : Status();
}

// One message as it would stand in a frame: what cannot even be read is no edit of it.
Status IsOneMessage(const std::string& bytes, const Limits& limits) {
  const auto refused = [](std::string rule, std::string where) {
    return Error{Code::kUnprocessable, std::move(rule), std::move(where), 0};
  };
  if (bytes.find_first_of("\x0B\x1C") != std::string::npos) {
    return refused("the message alone, without its MLLP frame", "body");
  }
  std::vector<std::string> warnings;
  const auto messages = hl7v2::SplitMessages(bytes, &warnings);
  if (hl7v2::IsBatch(bytes) || !messages || messages->size() != 1) {
    return refused("one HL7 v2 message takes the place of another", "body");
  }
  hl7v2::ParseOptions options;
  options.limits = limits;
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(bytes, options);
  return message ? Status() : refused(message.error().detail, message.error().where);
}

Batch PageOf(const std::vector<store::MessageEntry>& entries, const Selection& selection) {
  Batch batch;
  batch.more = !entries.empty() && entries.size() == selection.count;
  if (!entries.empty()) {
    batch.after = entries.back().received;
    batch.after_number = entries.back().number;
  }
  return batch;
}

// A number of `digits` digits at `at`.
bool ReadNumber(std::string_view text, size_t at, size_t digits, int* number) {
  const char* begin = text.data() + at;
  return text.size() >= at + digits &&
         std::from_chars(begin, begin + digits, *number).ptr == begin + digits && *number >= 0;
}

}  // namespace

std::optional<Instant> ParseMoment(std::string_view text) {
  CivilTime civil;
  const bool dated = ReadNumber(text, 0, 4, &civil.year) && ReadNumber(text, 5, 2, &civil.month) &&
                     ReadNumber(text, 8, 2, &civil.day) && text[4] == '-' && text[7] == '-' &&
                     civil.month >= 1 && civil.month <= 12 && civil.day >= 1 &&
                     civil.day <= DaysInMonth(civil.year, civil.month);
  const bool timed = dated && text.size() == 20 && text[10] == 'T' && text[13] == ':' &&
                     text[16] == ':' && text[19] == 'Z' && ReadNumber(text, 11, 2, &civil.hour) &&
                     ReadNumber(text, 14, 2, &civil.minute) &&
                     ReadNumber(text, 17, 2, &civil.second) && civil.hour < 24 &&
                     civil.minute < 60 && civil.second < 60;
  return timed || (dated && text.size() == 10) ? std::optional(FromCivil(civil)) : std::nullopt;
}

void AddFeed(std::string_view name, std::vector<store::FeedState>* states) {
  const bool known = std::any_of(states->begin(), states->end(),
                                 [name](const auto& state) { return state.feed == name; });
  if (!known) {
    states->emplace_back().feed = name;
  }
}

Result<Taken> Operations::Resubmit(uint64_t number, std::string_view who) {
  GW_TRY(const store::KeptMessage message, parts_.store.archive().Open(number));
  if (message.entry.state != store::MessageState::kOpen) {
    return NotOpen();
  }
  return Retake(message, who);
}

Result<Taken> Operations::Retake(const store::KeptMessage& message, std::string_view who) {
  if (message.entry.type == "rows" || message.entry.type == store::kFileType) {
    return RetakeRows(message.entry);
  }
  Again again;
  again.number = message.entry.number;
  again.was_taken = message.entry.outcome == "AA";
  again.received = message.entry.first_received;
  again.note = NoteOf("taken once more", who);
  again.feed = message.entry.feed;
  again.peer = "operator";
  return Settled(ingest_->TakeAgain(message.bytes, again), again);
}

// What was not kept, though it was open: has somebody else settled it in the meantime?
Result<Taken> Operations::Settled(Taken taken, const Again& again) {
  if (taken.number == 0 && !again.was_taken) {
    GW_TRY(const store::KeptMessage now, parts_.store.archive().Open(again.number));
    if (now.entry.state != store::MessageState::kOpen) {
      return NotOpen();
    }
  }
  return taken;
}

// A group of rows has no bytes of its own: its file is read once more, in which all that was taken
// is unchanged. So is a file that was refused as such.
Result<Taken> Operations::RetakeRows(const store::MessageEntry& rows) {
  const std::shared_ptr<const Mappings> mappings = parts_.mappings.Get();
  const auto feed = mappings->feeds.find(rows.feed);
  const Result<store::KeptMessage> file = FileOf(rows);
  if (!file && file.error().code != Code::kNotFound) {
    return file.error();
  }
  if (!file || feed == mappings->feeds.end()) {
    return Error{Code::kUnprocessable, "the rows' file or feed is not there any more", "message",
                 0};
  }
  const Result<CsvReport> report =
      ingest_->AcceptCsv(file->bytes, feed->second, "resubmitted", /*again=*/true);
  if (!report && rows.type != store::kFileType) {
    return report.error();
  }
  GW_TRY(const store::KeptMessage now, parts_.store.archive().Open(rows.number));
  return Taken{now.entry.outcome, now.entry.reason, now.entry.number,
               static_cast<uint32_t>(now.entry.resources.size())};
}

Result<Taken> Operations::ResubmitEdited(uint64_t number, std::string bytes, std::string_view who) {
  GW_TRY(const store::KeptMessage message, parts_.store.archive().Open(number));
  if (message.entry.state != store::MessageState::kOpen) {
    return NotOpen();
  }
  if (bytes == message.bytes) {
    return Retake(message, who);
  }
  if (message.entry.type == "rows" || message.entry.type == store::kFileType) {
    return Error{Code::kUnsupported, "rows are edited in their file, which is put in again",
                 "message", 0};
  }
  GW_RETURN_IF_ERROR(IsOneMessage(bytes, parts_.limits));
  Again again;
  again.number = number;
  again.same_bytes = false;
  again.note = NoteOf("edited", who);
  again.feed = message.entry.feed;
  again.peer = "operator";
  return Settled(ingest_->TakeAgain(std::move(bytes), again), again);
}

Status Operations::RetakeInto(const store::MessageEntry& entry, std::string_view who,
                              std::set<std::string>* files, Batch* batch) {
  GW_TRY(const store::KeptMessage message, parts_.store.archive().Open(entry.number));
  if (const std::string file = FileNamed(entry); !file.empty() && !files->insert(file).second) {
    // Another of its file's groups has taken it along.
    ++(message.entry.outcome == "AA" ? batch->taken : batch->refused);
    return {};
  }
  if (message.entry.state != entry.state) {  // somebody else was first
    ++batch->unchanged;
    return {};
  }
  const Result<Taken> taken = Retake(message, who);
  if (!taken && taken.error().code == Code::kConflict) {  // or was while this one tried
    ++batch->unchanged;
    return {};
  }
  GW_RETURN_IF_ERROR(taken);
  batch->versions += taken->versions;
  ++(taken->outcome == "AA" ? batch->taken : batch->refused);
  return {};
}

Result<Batch> Operations::ResubmitAll(const Selection& selection, std::string_view who) {
  store::MessageQuery query = QueryOf(selection);
  query.state = store::MessageState::kOpen;
  GW_TRY(const std::vector<store::MessageEntry> entries, parts_.store.archive().List(query));
  Batch batch = PageOf(entries, selection);
  std::set<std::string> files;
  for (const store::MessageEntry& entry : entries) {
    GW_RETURN_IF_ERROR(RetakeInto(entry, who, &files, &batch));
  }
  return batch;
}

Status Operations::Discard(uint64_t number, std::string_view reason, std::string_view who) {
  GW_RETURN_IF_ERROR(IsReason(reason));
  GW_RETURN_IF_ERROR(parts_.store.archive().Open(number));
  store::Transaction transaction;
  transaction.upkeep.settlements = {
      {number, store::MessageState::kDiscarded, NoteOf("discarded", who, reason)}};
  GW_TRY(const store::Committed committed, journal_->Commit(std::move(transaction)));
  static_cast<void>(committed);
  return {};
}

Result<Batch> Operations::DiscardAll(const Selection& selection, std::string_view reason,
                                     std::string_view who) {
  GW_RETURN_IF_ERROR(IsReason(reason));
  store::MessageQuery query = QueryOf(selection);
  query.state = store::MessageState::kOpen;
  GW_TRY(const std::vector<store::MessageEntry> entries, parts_.store.archive().List(query));
  Batch batch = PageOf(entries, selection);
  for (const store::MessageEntry& entry : entries) {
    const Status discarded = Discard(entry.number, reason, who);
    if (!discarded && discarded.error().code != Code::kConflict) {
      return discarded.error();
    }
    ++(discarded ? batch.discarded : batch.unchanged);
  }
  return batch;
}

Result<Batch> Operations::Replay(const Selection& selection, std::string_view who) {
  GW_TRY(const std::vector<store::MessageEntry> entries,
         parts_.store.archive().List(QueryOf(selection)));
  const std::string version = parts_.mappings.Get()->translator.version();
  Batch batch = PageOf(entries, selection);
  std::set<std::string> files;
  for (const store::MessageEntry& entry : entries) {
    const bool open = entry.state == store::MessageState::kOpen;
    const bool other_maps = entry.state == store::MessageState::kDone && entry.type != "rows" &&
                            entry.type != store::kFileType && entry.map_version != version;
    if (open || other_maps) {
      GW_RETURN_IF_ERROR(RetakeInto(entry, who, &files, &batch));
    } else {
      ++batch.unchanged;
    }
  }
  return batch;
}

Result<std::vector<store::MessageEntry>> Operations::MessagesOf(
    const std::vector<store::VersionOrigin>& versions) {
  std::set<uint64_t> numbers;
  for (const store::VersionOrigin& version : versions) {
    numbers.insert(version.message);
  }
  numbers.erase(0);
  std::vector<store::MessageEntry> messages;
  for (const uint64_t number : numbers) {
    Result<store::KeptMessage> message = parts_.store.archive().Open(number);
    if (message) {
      messages.push_back(std::move(message->entry));
    } else if (message.error().code != Code::kNotFound) {  // not found: pruned since
      return message.error();
    }
  }
  return messages;
}

Result<Trace> Operations::TraceControlId(std::string_view control_id) {
  Trace trace;
  store::MessageQuery query;
  query.control_id = std::string(control_id);
  query.count = kTracedMax;
  GW_TRY(trace.messages, parts_.store.archive().List(query));
  for (const store::MessageEntry& message : trace.messages) {
    for (const std::string& name : message.resources) {
      const size_t slash = name.find('/');
      const std::string id = name.substr(slash + 1, name.find('/', slash + 1) - slash - 1);
      GW_TRY(const std::vector<store::VersionOrigin> versions,
             parts_.store.archive().VersionsOf({name.substr(0, slash), id}));
      std::copy_if(
          versions.begin(), versions.end(), std::back_inserter(trace.versions),
          [&](const store::VersionOrigin& version) { return version.message == message.number; });
    }
  }
  return trace;
}

Result<Trace> Operations::TracePerson(std::string_view token) {
  const size_t bar = token.find('|');
  const std::string_view system = bar == token.npos ? std::string_view() : token.substr(0, bar);
  const std::string_view value = bar == token.npos ? token : token.substr(bar + 1);
  if (value.empty()) {
    return Error{Code::kInvalid, "an identifier has a value", "identifier", 0};
  }
  Trace trace;
  GW_TRY(trace.patients, parts_.store.archive().PatientsNamed(system, value));
  for (const std::string& patient : trace.patients) {
    GW_TRY(const std::vector<store::VersionOrigin> record,
           parts_.store.archive().RecordOf(patient, kTracedMax));
    for (const store::VersionOrigin& current : record) {
      GW_TRY(const std::vector<store::VersionOrigin> versions,
             parts_.store.archive().VersionsOf(current.key));
      trace.versions.insert(trace.versions.end(), versions.begin(), versions.end());
    }
  }
  GW_TRY(trace.messages, MessagesOf(trace.versions));
  store::MessageQuery refused;
  refused.holds = std::string(value);
  refused.count = kTracedMax;
  GW_TRY(const std::vector<store::MessageEntry> open, parts_.store.archive().List(refused));
  trace.messages.insert(trace.messages.end(), open.begin(), open.end());
  return trace;
}

Result<Trace> Operations::TraceResource(const fhir::Key& key) {
  Trace trace;
  GW_TRY(trace.versions, parts_.store.archive().VersionsOf(key));
  GW_TRY(trace.messages, MessagesOf(trace.versions));
  GW_TRY(const fhir::StoredResource current, parts_.store.Current(key));
  trace.patients = current.persons;
  return trace;
}

}  // namespace gw::flow
