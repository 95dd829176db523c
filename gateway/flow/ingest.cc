#include "gateway/flow/ingest.h"

#include <memory>
#include <optional>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"
#include "gateway/base/log.h"
#include "gateway/flow/apply.h"
#include "gateway/flow/identify.h"
#include "gateway/flow/older.h"
#include "gateway/flow/remarks.h"
#include "gateway/flow/review.h"
#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::flow {
namespace {

// Where MSH-18 is empty, the character set is the feed's: the sender stands before what needs one.
// `otherwise`: the feed of a sender that is nobody's.
hl7v2::ParseOptions OptionsFor(std::string_view bytes, const Mappings& mappings,
                               const Limits& limits, const std::string& otherwise) {
  hl7v2::ParseOptions options;
  options.limits = limits;
  const auto sender = mappings.senders.find(hl7v2::SenderOf(bytes));
  const auto feed =
      mappings.feeds.find(sender == mappings.senders.end() ? otherwise : sender->second);
  if (feed != mappings.feeds.end()) {
    options.default_charset = feed->second.default_charset;
  }
  return options;
}

store::Upkeep UpkeepOf(const Again* again) {
  store::Upkeep upkeep;
  if (again != nullptr && !again->same_bytes) {
    upkeep.settlements.push_back({again->number, store::MessageState::kReplaced, again->note});
  } else if (again != nullptr && !again->was_taken) {
    upkeep.still_open = again->number;  // another operator may have been first
  }
  return upkeep;
}

}  // namespace

// One message on its way: what is kept of it, and what the log will say.
struct Ingest::Arrival {
  store::MessageRecord kept;
  AccessRecord record;
  std::shared_ptr<const Mappings> mappings;
  const map::Feed* feed = nullptr;
  const Again* again = nullptr;  // taken once more at an operator's word
  Taken taken;
  std::optional<Error> refusal;
};

Result<hl7v2::Message> Ingest::Parse(std::string bytes, const Arrival& arrival) const {
  const hl7v2::ParseOptions options =
      OptionsFor(bytes, *arrival.mappings, parts_.limits, arrival.kept.feed);
  return hl7v2::Message::Parse(std::move(bytes), options);
}

Ingest::Answers Ingest::AnswerBatch(std::string_view bytes, std::string_view peer) {
  std::vector<std::string> warnings;
  const auto messages = hl7v2::SplitMessages(bytes, &warnings);
  if (!messages) {
    return RefuseV2(bytes, messages.error(), peer);
  }
  if (messages->size() > kBatchMessagesMax) {
    const Error too_many{Code::kTooLarge, "a batch of more messages than are taken at once", "BHS",
                         0};
    return RefuseV2(bytes, too_many, peer);
  }
  std::vector<std::string> answers;
  for (const std::string_view message : *messages) {
    Answers due = AnswerV2(std::string(message), peer);
    for (std::string* answer : {&due.accept, &due.application}) {
      if (!answer->empty()) {
        answers.push_back(std::move(*answer));
      }
    }
  }
  if (answers.empty()) {
    return {};
  }
  const Instant now = parts_.clock.Now();
  return {"", hl7v2::AcknowledgeBatch(bytes, answers, warnings, crypto::Uuid7(now.unix_us / 1000),
                                      now)};
}

Ingest::Answers Ingest::AnswerV2(std::string bytes, std::string_view peer) {
  if (hl7v2::IsBatch(bytes)) {
    return AnswerBatch(bytes, peer);
  }
  Arrival arrival = ArrivalOf(bytes, peer);
  const Result<hl7v2::Message> message = Parse(std::move(bytes), arrival);
  if (!message) {
    return AnswerUnreadable(&arrival, message.error());
  }
  if (message->message_code() == "ACK" || message->message_code() == "MCF") {
    log::Write(log::Level::kInfo, "message.acknowledgment",
               {{"peer", std::string(peer)},
                {"answer", message->Text({.segment = "MSA", .field = 1})},
                {"control_id", message->Text({.segment = "MSA", .field = 2})}});
    return {};
  }
  Answers answers{"", Answer(*message, &arrival)};
  const hl7v2::AckCode code =
      arrival.refusal ? hl7v2::AckCodeFor(*arrival.refusal) : hl7v2::AckCode::kAccept;
  const hl7v2::AcksDue due = hl7v2::AcksDueFor(*message, code);
  if (due.accept) {
    std::vector<hl7v2::Issue> issues;
    if (arrival.refusal) {
      issues.push_back({*arrival.refusal, 'E'});
    }
    answers.accept = hl7v2::Acknowledge(*message, hl7v2::CommitCodeFor(code), issues,
                                        crypto::Uuid7(arrival.record.recorded.unix_us / 1000),
                                        arrival.record.recorded);
  }
  if (!due.application) {
    answers.application.clear();
  }
  return answers;
}

Taken Ingest::TakeAgain(std::string bytes, const Again& again) {
  Arrival arrival = ArrivalOf(bytes, again.peer);
  arrival.again = &again;
  arrival.kept.replay = true;
  arrival.kept.feed = arrival.record.feed = again.feed;
  arrival.record.reason = again.note;
  const Result<hl7v2::Message> message = Parse(std::move(bytes), arrival);
  if (message) {
    static_cast<void>(Answer(*message, &arrival));
  } else {
    static_cast<void>(RefuseUnreadable(&arrival, message.error()));
  }
  return std::move(arrival.taken);
}

Ingest::Answers Ingest::RefuseV2(std::string_view bytes, const Error& error,
                                 std::string_view peer) {
  Arrival arrival = ArrivalOf(bytes, peer);
  return AnswerUnreadable(&arrival, error);
}

Ingest::Arrival Ingest::ArrivalOf(std::string_view bytes, std::string_view peer) const {
  Arrival arrival;
  arrival.mappings = parts_.mappings.Get();
  arrival.record.recorded = parts_.clock.Now();
  arrival.record.id = crypto::Uuid7(arrival.record.recorded.unix_us / 1000);
  arrival.record.kind = "message";
  arrival.record.peer = std::string(peer);
  arrival.kept.bytes = std::string(bytes);
  arrival.kept.digest = crypto::Sha256(bytes);
  arrival.kept.received = arrival.record.recorded;
  arrival.record.digest = crypto::Hex(arrival.kept.digest);
  return arrival;
}

// From the first look at MSH to the acknowledgment.
std::string Ingest::Answer(const hl7v2::Message& message, Arrival* arrival) {
  const std::string sender =
      std::string(message.sending_application()) + "|" + std::string(message.sending_facility());
  arrival->kept.sender = arrival->record.sender = sender;
  arrival->kept.control_id = arrival->record.control_id = std::string(message.control_id());
  arrival->record.action = arrival->kept.type =
      std::string(message.message_code()) + "^" + std::string(message.trigger_event());
  Result<std::optional<store::PriorAnswer>> prior =
      parts_.store.FindAnswer(sender, arrival->kept.control_id, arrival->kept.digest);
  if (!prior) {
    return Refuse(message, arrival, prior.error());
  }
  const bool once_more = arrival->again != nullptr && arrival->again->was_taken;
  if (*prior && (*prior)->same_bytes && !once_more) {
    return Repeat(message, **prior, arrival);
  }
  if (const Status found = FindFeed(message, arrival, prior->has_value() && !once_more); !found) {
    return Refuse(message, arrival, found.error());
  }
  std::string repeated;  // the answer, where the same bytes were taken at the same time
  const Status taken = TakeTurns(&turns_, [&](Turns::Turn* turn) -> Status {
    Status admitted = Take(message, arrival, turn);
    if (LostRace(admitted) && !once_more) {
      GW_TRY(const auto now,
             parts_.store.FindAnswer(sender, arrival->kept.control_id, arrival->kept.digest));
      if (now && now->same_bytes) {
        repeated = Repeat(message, *now, arrival);
        return Status();
      }
    }
    return admitted;
  });
  if (!taken) {
    return Refuse(message, arrival, taken.error());
  }
  return repeated.empty() ? arrival->kept.answer : repeated;
}

// Which feed it is of, and whether that feed takes it.
Status Ingest::FindFeed(const hl7v2::Message& message, Arrival* arrival, bool control_id_reused) {
  const auto sender = arrival->mappings->senders.find(arrival->kept.sender);
  if (sender == arrival->mappings->senders.end()) {
    return Error{Code::kForbidden, "no feed is configured for this sender", "MSH-3",
                 hl7_code::kApplicationError};
  }
  arrival->feed = &arrival->mappings->feeds.find(sender->second)->second;
  arrival->kept.feed = arrival->record.feed = arrival->feed->name;
  arrival->record.organization = {map::IdentifierSystem(*arrival->feed, "ODS", ""),
                                  arrival->feed->organization};
  if (message.control_id().empty()) {
    return Error{Code::kInvalid, "a message needs a control id", "MSH-10",
                 hl7_code::kRequiredFieldMissing};
  }
  if (message.processing_id() != "P" && !arrival->feed->accept_test_messages) {
    return Error{Code::kUnsupported, "this feed takes production messages (P) only", "MSH-11",
                 hl7_code::kUnsupportedProcessingId};
  }
  if (control_id_reused) {
    if (arrival->feed->reject_reused_control_id) {
      return Error{Code::kConflict, "the control id was used before, with other bytes", "MSH-10",
                   hl7_code::kDuplicateKeyIdentifier};
    }
    arrival->record.reason = "MSH-10: the control id was used before, with other bytes";
  }
  return arrival->mappings->translator.Takes(message, *arrival->feed);
}

// Translate, admit, log: AA is the last thing made of it, and stored before it is said.
Status Ingest::Take(const hl7v2::Message& message, Arrival* arrival, Turns::Turn* turn) {
  // What is taken once more was recorded when it came first: else it would differ by that alone.
  const Instant now = arrival->again != nullptr && arrival->again->was_taken
                          ? arrival->again->received
                          : arrival->record.recorded;
  GW_TRY(map::Translation translation,
         arrival->mappings->translator.FromV2(message, *arrival->feed, now));
  GW_RETURN_IF_ERROR(WhollyTaken(translation));
  arrival->kept.outcome = arrival->record.answer = "AA";
  arrival->kept.remarks_json = RemarksJson(translation);
  arrival->kept.fields = FieldsOf(translation);
  arrival->kept.map_version = arrival->mappings->translator.version();
  AccessRecord record = arrival->record;
  GW_TRY(Identified identified, Resolve(std::move(translation.changes), arrival->feed->upsert,
                                        record.recorded, turn, arrival->again));
  std::vector<hl7v2::Issue> issues = IssuesOf(translation.remarks);
  const std::vector<hl7v2::Issue> found = IssuesOf(identified.remarks);
  issues.insert(issues.end(), found.begin(), found.end());
  arrival->kept.answer =
      hl7v2::Acknowledge(message, hl7v2::AckCode::kAccept, issues, arrival->record.id, now);
  GW_TRY(const store::Committed committed,
         Admit(std::move(identified), arrival->kept, &record, arrival->again));
  arrival->taken = {"AA", "", committed.message, static_cast<uint32_t>(record.resources.size())};
  return {};
}

// The answer it was given, after its entry is in the log; the repeat itself is logged and counted
// too.
std::string Ingest::Repeat(const hl7v2::Message& message, const store::PriorAnswer& prior,
                           Arrival* arrival) {
  arrival->record.answer = "AA";
  arrival->record.reason = "a repeat: answered as before, nothing changed";
  if (const Status ensured = journal_->Ensure(prior.entry_id); !ensured) {
    return Refuse(message, arrival, ensured.error());
  }
  const auto sender = arrival->mappings->senders.find(arrival->kept.sender);
  store::Transaction counted;
  if (arrival->again != nullptr && !arrival->again->same_bytes) {
    // What an operator put in a message's place is known already: the message is settled by it.
    counted.upkeep = UpkeepOf(arrival->again);
  }
  counted.upkeep.repeated = arrival->again == nullptr;
  if (sender != arrival->mappings->senders.end()) {
    counted.upkeep.repeat_of = arrival->record.feed = sender->second;
  }
  counted.entry = store::PendingEntry{arrival->record.id, ToBytes(arrival->record)};
  const bool pending = journal_->Commit(std::move(counted)).ok();  // the answer stands without
  const Result<audit::Receipt> receipt = journal_->Append(arrival->record, pending);
  const std::optional<store::MessageEntry> known =
      arrival->again == nullptr ? std::nullopt : KnownAs(*arrival);
  arrival->taken = {"AA", arrival->record.reason, known ? known->number : 0, 0};
  return receipt ? prior.answer : Refuse(message, arrival, receipt.error());
}

std::string Ingest::Refuse(const hl7v2::Message& message, Arrival* arrival, const Error& error) {
  const hl7v2::AckCode code = hl7v2::AckCodeFor(error);
  arrival->refusal = error;
  arrival->kept.outcome = std::string(hl7v2::NameOf(code));
  arrival->kept.answer = hl7v2::Acknowledge(message, code, IssuesOfRefusal(*arrival, error),
                                            arrival->record.id, arrival->record.recorded);
  Keep(arrival, error);
  return arrival->kept.answer;
}

// What is kept of the same bytes.
std::optional<store::MessageEntry> Ingest::KnownAs(const Arrival& arrival) {
  store::MessageQuery query;
  query.control_id = arrival.kept.control_id;
  query.sender = arrival.kept.sender;
  query.digest = arrival.kept.digest;
  const auto known = parts_.store.archive().List(query);
  return known && !known->empty() ? std::optional(known->front()) : std::nullopt;
}

// What is wrong, and where an operator has settled the same bytes before: that this still stands,
// so that nobody waits for it in the queue.
std::vector<hl7v2::Issue> Ingest::IssuesOfRefusal(const Arrival& arrival, const Error& error) {
  std::vector<hl7v2::Issue> issues = {{error, 'E'}};
  if (arrival.again != nullptr || arrival.kept.control_id.empty()) {
    return issues;
  }
  const std::optional<store::MessageEntry> known = KnownAs(arrival);
  const bool replaced = known && known->state == store::MessageState::kReplaced;
  if (replaced || (known && known->state == store::MessageState::kDiscarded)) {
    issues.push_back({Error{Code::kConflict,
                            replaced ? "an operator has put another message in its place"
                                     : "an operator has discarded this message",
                            "", hl7_code::kApplicationError},
                      'W'});
  }
  return issues;
}

std::string Ingest::RefuseUnreadable(Arrival* arrival, const Error& error) {
  const hl7v2::AckCode code = hl7v2::AckCodeFor(error);
  arrival->kept.outcome = std::string(hl7v2::NameOf(code));
  arrival->kept.answer = hl7v2::AcknowledgeUnreadable(arrival->kept.bytes, code, error,
                                                      arrival->record.id, arrival->record.recorded);
  Keep(arrival, error);
  return arrival->kept.answer;
}

Ingest::Answers Ingest::AnswerUnreadable(Arrival* arrival, const Error& error) {
  Answers answers{"", RefuseUnreadable(arrival, error)};
  const hl7v2::AckCode code = hl7v2::AckCodeFor(error);
  const hl7v2::AcksDue due = hl7v2::AcksDueForUnreadable(arrival->kept.bytes, code);
  if (due.accept) {
    answers.accept = hl7v2::AcknowledgeUnreadable(
        arrival->kept.bytes, hl7v2::CommitCodeFor(code), error,
        crypto::Uuid7(arrival->record.recorded.unix_us / 1000), arrival->record.recorded);
  }
  if (!due.application) {
    answers.application.clear();
  }
  return answers;
}

// A refusal's bytes and reason. Where not even that can be kept the refusal stands all the same:
// the sender keeps the message, and the operator finds the line.
void Ingest::Keep(Arrival* arrival, const Error& error) {
  // An id of its own: where the log failed after the commit, the first one stands in the store
  // already.
  arrival->record.id = crypto::Uuid7(parts_.clock.Now().unix_us / 1000);
  arrival->record.answer = arrival->kept.outcome;
  arrival->record.reason = arrival->kept.reason = ReasonOf(error);
  arrival->kept.cause = CauseOf(error);
  arrival->taken = {arrival->kept.outcome, arrival->kept.reason, 0, 0};
  if (arrival->again != nullptr && arrival->again->was_taken) {
    return;  // what was answered AA stays so: today's maps refuse it, which the caller is told
  }
  arrival->record.outcome =
      error.code == Code::kInternal || error.code == Code::kUnavailable ? "8" : "4";
  log::Write(log::Level::kWarn, "message.refused",
             {{"feed", arrival->kept.feed},
              {"answer", arrival->kept.outcome},
              {"reason", arrival->kept.reason}});
  store::Transaction transaction;
  transaction.message = arrival->kept;
  transaction.upkeep = UpkeepOf(arrival->again);
  transaction.entry = store::PendingEntry{arrival->record.id, ToBytes(arrival->record)};
  const Result<store::Committed> committed = journal_->Commit(std::move(transaction));
  arrival->taken.number = committed ? committed->message : 0;
  const Result<audit::Receipt> receipt = committed ? journal_->Append(arrival->record, true)
                                                   : Result<audit::Receipt>(committed.error());
  const bool was_first = arrival->again == nullptr || receipt ||
                         receipt.error().code != Code::kConflict;  // else somebody else was
  if (!receipt && was_first) {
    log::Write(log::Level::kError, "message.refusal_not_kept",
               {{"reason", receipt.error().detail}});
  }
}

Result<Identified> Ingest::Resolve(std::vector<map::Change> changes, bool upsert, Instant now,
                                   Turns::Turn* turn, const Again* again) {
  GW_RETURN_IF_ERROR(journal_->Ready());  // the log took its last entry, or nothing new commits
  GW_TRY(Identified identified, Identify(&changes, parts_, now));
  const bool was_taken = again != nullptr && again->was_taken;
  if (!was_taken) {
    GW_RETURN_IF_ERROR(KeepSourcesOfPermits(changes, identified, parts_));
    GW_RETURN_IF_ERROR(
        RefuseOlder(changes, identified, {.in_rows = false, .upsert = upsert, .now = now}));
  }
  GW_RETURN_IF_ERROR(ApplyChanges(&changes, &identified, upsert, parts_));
  if (was_taken) {
    GW_RETURN_IF_ERROR(KeepNewer(again->number, &identified, &parts_.store));
  }
  turn->Note(identified);
  return identified;
}

Result<store::Committed> Ingest::Admit(Identified identified, store::MessageRecord message,
                                       AccessRecord* record, const Again* again) {
  AddRemarks(identified.remarks, &message.remarks_json);
  store::Transaction transaction;
  GW_TRY(transaction.writes,
         WritesOf(&identified, parts_, record->recorded, message.map_version, record));
  transaction.message = std::move(message);
  transaction.upkeep = UpkeepOf(again);
  const store::PendingEntry entry{record->id, ToBytes(*record)};
  transaction.entry = entry;
  GW_TRY(const store::Committed committed, journal_->Commit(std::move(transaction)));
  GW_TRY(const audit::Receipt receipt, journal_->Append(entry));
  static_cast<void>(receipt);
  return committed;
}

}  // namespace gw::flow
