#include "gateway/store/sqlite_archive_apply.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"

namespace gw::store {
namespace {

// In the order of SqliteArchiveApplier::Id.
constexpr std::array kStatements = {
    "SELECT number, outcome FROM message WHERE control_id = ?1 AND sender = ?2 AND digest = ?3",
    "SELECT feed FROM message WHERE number = ?1 AND state = 1",
    "INSERT INTO message(control_id, sender, digest, feed, received, sequence,"
    " outcome, entry_id, reason, remarks, answer, bytes, number, first_received, state, type,"
    " cause, map_version, resources, row_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?5, ?14, ?15, ?16, ?17, ?18,"
    " ?20)"
    " ON CONFLICT (control_id, sender, digest) DO UPDATE SET feed = excluded.feed,"
    " received = CASE ?19 WHEN 0 THEN excluded.received ELSE message.received END,"
    " sequence = excluded.sequence, outcome = excluded.outcome,"
    " entry_id = excluded.entry_id, reason = excluded.reason, remarks = excluded.remarks,"
    " answer = CASE message.outcome WHEN 'AA' THEN message.answer ELSE excluded.answer END,"
    " attempts = message.attempts + 1,"
    // What an operator settled does not come back because its sender, or another row of its file,
    // tries once more in vain. An edit that brings its bytes back does.
    " state = CASE WHEN message.state IN (2, 3) AND excluded.state = 1"
    " AND (?19 = 0 OR excluded.type = 'rows') THEN message.state ELSE excluded.state END,"
    " type = excluded.type, cause = excluded.cause, map_version = excluded.map_version,"
    " row_key = excluded.row_key,"
    " resources = CASE excluded.resources WHEN '' THEN message.resources"
    " ELSE excluded.resources END",
    "UPDATE message SET state = ?2, note = ?3, replaced_by = ?4 WHERE number = ?1",
    // Of states of one thing that are open no more are closed at once than anybody would send.
    "UPDATE message SET state = 2, note = 'a later row of the same key was taken',"
    " replaced_by = ?3 WHERE number IN (SELECT number FROM message"
    " WHERE state = 1 AND row_key <> '' AND feed = ?1 AND row_key = ?2 AND number < ?3"
    " ORDER BY number LIMIT 1000)",
    "INSERT INTO feed_alert(feed, condition, since, raised)"
    " VALUES (?1, ?2, ?3, CASE ?3 WHEN 0 THEN 0 ELSE 1 END)"
    " ON CONFLICT (feed, condition) DO UPDATE SET raised = feed_alert.raised"
    " + CASE WHEN feed_alert.since = 0 AND excluded.since <> 0 THEN 1 ELSE 0 END,"
    " since = excluded.since",
    "DELETE FROM message WHERE number IN (SELECT number FROM message"
    " WHERE feed = ?1 AND received < ?2 AND state <> 1"
    // A file stands as long as a group of its rows is open: they have no other bytes.
    " AND NOT (type = 'file' AND EXISTS (SELECT 1 FROM message AS open_rows"
    " WHERE open_rows.control_id > message.control_id || ':'"
    " AND open_rows.control_id < message.control_id || ';'"
    " AND open_rows.sender = message.sender AND open_rows.state = 1))"
    " ORDER BY received LIMIT ?3)",
    "DELETE FROM feed_field WHERE feed = ?1 AND last_seen < ?2",
    "INSERT INTO feed_counter(feed, received, taken, refused, repeated, replayed, replaced,"
    " discarded, pruned, versions, last_received, last_taken)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    " ON CONFLICT (feed) DO UPDATE SET received = feed_counter.received + excluded.received,"
    " taken = feed_counter.taken + excluded.taken,"
    " refused = feed_counter.refused + excluded.refused,"
    " repeated = feed_counter.repeated + excluded.repeated,"
    " replayed = feed_counter.replayed + excluded.replayed,"
    " replaced = feed_counter.replaced + excluded.replaced,"
    " discarded = feed_counter.discarded + excluded.discarded,"
    " pruned = feed_counter.pruned + excluded.pruned,"
    " versions = feed_counter.versions + excluded.versions,"
    " last_received = max(feed_counter.last_received, excluded.last_received),"
    " last_taken = max(feed_counter.last_taken, excluded.last_taken)",
    "INSERT INTO feed_field(feed, unmapped, place, system, code, count, last_seen)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (feed, unmapped, place, system, code) DO UPDATE SET"
    " count = feed_field.count + excluded.count, last_seen = excluded.last_seen",
};

// Into Counts::added.
enum Counter : uint8_t {
  kReceived,
  kTaken,
  kRefused,
  kRepeated,
  kReplayed,
  kReplaced,
  kDiscarded,
  kPruned,
  kVersions,
};

// No lost race, which would be taken again: it stays so.
Error NotOpen() {
  return Error{Code::kConflict, "the message is not in the queue any more", "message",
               hl7_code::kApplicationError};
}

// One name a line; names hold no blanks.
std::string ResourcesOf(const CheckedTransaction& transaction) {
  std::string text;
  for (const CheckedWrite& checked : transaction.writes) {
    const fhir::StoredResource& stored = checked.write.stored;
    text += (text.empty() ? "" : " ") + stored.key.type + "/" + stored.key.id + "/_history/" +
            std::to_string(stored.version);
  }
  return text;
}

}  // namespace

void SqliteArchiveApplier::Counts::Add(const Counts& other) {
  for (size_t i = 0; i < added.size(); ++i) {
    added[i] += other.added[i];
  }
  last_received = std::max(last_received, other.last_received);
  last_taken = std::max(last_taken, other.last_taken);
}

Result<SqliteArchiveApplier> SqliteArchiveApplier::Make(Connection* connection) {
  static_assert(kStatements.size() == kStatementCount);
  SqliteArchiveApplier applier(connection);
  for (size_t i = 0; i < kStatements.size(); ++i) {
    GW_TRY(applier.statements_[i], connection->Prepare(kStatements[i]));
  }
  return applier;
}

Status SqliteArchiveApplier::CheckOpen(uint64_t number) {
  if (number == 0) {
    return {};
  }
  Execution find(At(kFindOpen));
  find.Int(static_cast<int64_t>(number));
  GW_TRY(const bool open, find.Step());
  return open ? Status() : Status(NotOpen());
}

Result<uint64_t> SqliteArchiveApplier::Check(const CheckedTransaction& transaction,
                                             uint64_t sequence) {
  one_ = Tally();
  GW_RETURN_IF_ERROR(CheckOpen(transaction.upkeep.still_open));
  for (const Settlement& settlement : transaction.upkeep.settlements) {
    GW_RETURN_IF_ERROR(CheckOpen(settlement.number));
  }
  if (!transaction.message) {
    return uint64_t{0};
  }
  const MessageRecord& message = *transaction.message;
  Execution find(At(kFindMessage));
  find.Text(message.control_id).Text(message.sender).Blob(crypto::AsBytes(message.digest));
  GW_TRY(const bool known, find.Step());
  if (!known) {
    return sequence;
  }
  if (find.TextAt(1) == "AA" && !message.replay) {
    return Error{Code::kConflict, "the message was answered AA before", "store"};
  }
  return static_cast<uint64_t>(find.IntAt(0));
}

Status SqliteArchiveApplier::Write(const CheckedTransaction& transaction, Committed* committed) {
  if (transaction.message) {
    GW_RETURN_IF_ERROR(WriteMessage(transaction, *committed));
    CountMessage(transaction);
    GW_RETURN_IF_ERROR(CloseRows(*transaction.message, committed));
  }
  const Upkeep& upkeep = transaction.upkeep;
  if (upkeep.repeated) {
    Counts& counts = one_.feeds[upkeep.repeat_of];
    ++counts.added[kReceived];
    ++counts.added[kRepeated];
  }
  GW_RETURN_IF_ERROR(WriteSettlements(upkeep, *committed));
  GW_RETURN_IF_ERROR(WriteAlerts(upkeep));
  return upkeep.pruning ? Prune(*upkeep.pruning, committed) : Status();
}

Status SqliteArchiveApplier::WriteMessage(const CheckedTransaction& transaction,
                                          const Committed& committed) {
  const MessageRecord& message = *transaction.message;
  const std::string_view entry_id =
      transaction.entry ? std::string_view(transaction.entry->id) : std::string_view();
  const std::string resources = ResourcesOf(transaction);
  return Execution(At(kUpsertMessage))
      .Text(message.control_id)
      .Text(message.sender)
      .Blob(crypto::AsBytes(message.digest))
      .Text(message.feed)
      .Int(message.received.unix_us)
      .Int(static_cast<int64_t>(committed.sequence))
      .Text(message.outcome)
      .Text(entry_id)
      .Text(message.reason)
      .Text(message.remarks_json)
      .Blob(message.answer)
      .Blob(message.bytes)
      .Int(static_cast<int64_t>(committed.message))
      .Int(message.outcome == "AA" ? 0 : 1)
      .Text(message.type)
      .Text(message.cause)
      .Text(message.map_version)
      .Text(resources)
      .Int(message.replay ? 1 : 0)
      .Text(message.row_key)
      .Finish();
}

// What came before and is open is said now: by a corrected file, or a later state.
Status SqliteArchiveApplier::CloseRows(const MessageRecord& message, Committed* committed) {
  if (message.row_key.empty() || message.outcome != "AA") {
    return {};
  }
  GW_RETURN_IF_ERROR(Execution(At(kCloseRows))
                         .Text(message.feed)
                         .Text(message.row_key)
                         .Int(static_cast<int64_t>(committed->message))
                         .Finish());
  committed->closed = static_cast<uint32_t>(sqlite3_changes(connection_->handle()));
  one_.feeds[message.feed].added[kReplaced] += committed->closed;
  return {};
}

void SqliteArchiveApplier::CountMessage(const CheckedTransaction& transaction) {
  const MessageRecord& message = *transaction.message;
  if (message.type == kFileType) {
    return;
  }
  Counts& counts = one_.feeds[message.feed];
  counts.added[kVersions] += static_cast<int64_t>(transaction.writes.size());
  if (message.replay) {
    ++counts.added[kReplayed];
    return;
  }
  const bool taken = message.outcome == "AA";
  ++counts.added[kReceived];
  ++counts.added[taken ? kTaken : kRefused];
  counts.last_received = message.received.unix_us;
  counts.last_taken = taken ? message.received.unix_us : 0;
  for (const FieldNote& field : message.fields) {
    Seen& seen = one_.fields[FieldKey(message.feed, field.unmapped ? 1 : 0, field.place,
                                      field.system, field.code)];
    ++seen.count;
    seen.last = message.received.unix_us;
  }
}

Status SqliteArchiveApplier::WriteSettlements(const Upkeep& upkeep, const Committed& committed) {
  for (const Settlement& settlement : upkeep.settlements) {
    const bool replaced = settlement.state == MessageState::kReplaced;
    std::string feed;
    {
      Execution find(At(kFindOpen));
      find.Int(static_cast<int64_t>(settlement.number));
      GW_TRY(const bool open, find.Step());
      if (!open) {
        return NotOpen();  // named twice, or the transaction's own message
      }
      feed = find.TextAt(0);
    }
    GW_RETURN_IF_ERROR(Execution(At(kSettle))
                           .Int(static_cast<int64_t>(settlement.number))
                           .Int(static_cast<int64_t>(settlement.state))
                           .Text(settlement.note)
                           .Int(replaced ? static_cast<int64_t>(committed.message) : 0)
                           .Finish());
    ++one_.feeds[feed].added[replaced ? kReplaced : kDiscarded];
  }
  return {};
}

Status SqliteArchiveApplier::WriteAlerts(const Upkeep& upkeep) {
  for (const FeedAlert& alert : upkeep.alerts) {
    GW_RETURN_IF_ERROR(Execution(At(kUpsertAlert))
                           .Text(alert.feed)
                           .Text(alert.condition)
                           .Int(alert.since.unix_us)
                           .Finish());
  }
  return {};
}

Status SqliteArchiveApplier::Prune(const Pruning& pruning, Committed* committed) {
  GW_RETURN_IF_ERROR(Execution(At(kPruneMessages))
                         .Text(pruning.feed)
                         .Int(pruning.before.unix_us)
                         .Int(pruning.messages_max)
                         .Finish());
  committed->pruned = static_cast<uint32_t>(sqlite3_changes(connection_->handle()));
  one_.feeds[pruning.feed].added[kPruned] += committed->pruned;
  return Execution(At(kPruneFields)).Text(pruning.feed).Int(pruning.before.unix_us).Finish();
}

void SqliteArchiveApplier::Count() {
  for (const auto& [feed, counts] : one_.feeds) {
    group_.feeds[feed].Add(counts);
  }
  for (const auto& [field, seen] : one_.fields) {
    Seen& all = group_.fields[field];
    all.count += seen.count;
    all.last = std::max(all.last, seen.last);
  }
  one_ = Tally();
}

Status SqliteArchiveApplier::WriteCounts() {
  for (const auto& [feed, counts] : group_.feeds) {
    Execution row(At(kUpsertCounter));
    row.Text(feed);
    for (const int64_t added : counts.added) {
      row.Int(added);
    }
    GW_RETURN_IF_ERROR(row.Int(counts.last_received).Int(counts.last_taken).Finish());
  }
  for (const auto& [key, seen] : group_.fields) {
    const auto& [feed, unmapped, place, system, code] = key;
    GW_RETURN_IF_ERROR(Execution(At(kUpsertField))
                           .Text(feed)
                           .Int(unmapped)
                           .Text(place)
                           .Text(system)
                           .Text(code)
                           .Int(seen.count)
                           .Int(seen.last)
                           .Finish());
  }
  group_ = Tally();
  return {};
}

void SqliteArchiveApplier::ForgetCounts() { group_ = Tally(); }

}  // namespace gw::store
