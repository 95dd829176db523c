// The message's way for the rows of a CSV file.
#include <algorithm>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"
#include "gateway/base/log.h"
#include "gateway/flow/apply.h"
#include "gateway/flow/decisions.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/older.h"
#include "gateway/flow/remarks.h"

namespace gw::flow {
namespace {

using enum store::MessageState;

// A refusal of the translation has its row; one of what came of it has a place in a resource.
std::string PlaceInRows(const Error& error, const std::vector<uint32_t>& rows) {
  if (error.where.starts_with("row ")) {
    return error.where;
  }
  const std::string row = rows.empty() ? std::string("row") : "row " + std::to_string(rows.front());
  return error.where.empty() ? row : row + ", " + error.where;
}

// A part that must work does not: nothing is wrong with the rows.
bool IsOutage(Code code) {
  return code == Code::kUnavailable || code == Code::kBusy || code == Code::kInternal;
}

// The queue is shorter now, and nobody has to ask why.
void TellClosed(uint32_t closed, map::RowGroup* group) {
  if (closed > 0) {
    group->translation->remarks.push_back(
        {'I', "rows-closed", "row " + std::to_string(group->rows.front()),
         "rows of the same key that came before and waited in the queue are closed (" +
             std::to_string(closed) + "): this one was taken in their place"});
  }
}

bool HasPermit(const fhir::Element& rule) {
  if (rule.TextAt("type") == "permit") {
    return true;
  }
  for (const fhir::Element* child = rule.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "provision" && HasPermit(*child)) {
      return true;
    }
  }
  return false;
}

// A grant closes nothing: what waits may be a refusal that could not be read.
bool Permits(const map::Translation& translation) {
  return std::any_of(translation.changes.begin(), translation.changes.end(), [](const auto& one) {
    return one.fragment.type() == "Consent" && HasPermit(one.fragment.root());
  });
}

std::string RowsText(const std::vector<uint32_t>& rows) {
  std::string text;
  for (const uint32_t row : rows) {
    text += (text.empty() ? "rows " : ",") + std::to_string(row);
  }
  return text;
}

}  // namespace

// A CSV file on its way: what every group of its rows has in common.
struct Ingest::File {
  const map::Feed& feed;
  std::string_view name;
  const crypto::Digest digest;
  const std::shared_ptr<const Mappings> mappings;
  const bool again;
  const bool open_only;   // of its rows only those that wait for somebody
  bool is_known = false;  // it was kept before
};

// What the log says of a file, or of rows of it; `kept` is its record so far.
AccessRecord Ingest::RecordOf(const File& file, const store::MessageRecord& kept) {
  AccessRecord record;
  record.recorded = kept.received;
  record.id = crypto::Uuid7(record.recorded.unix_us / 1000);
  record.kind = "rows";
  record.action = file.feed.map;
  record.feed = file.feed.name;
  record.sender = std::string(file.name);
  record.organization = {map::IdentifierSystem(file.feed, "ODS", ""), file.feed.organization};
  record.control_id = kept.control_id;
  record.digest = crypto::Hex(file.digest);
  return record;
}

Result<CsvReport> Ingest::AcceptCsv(std::string_view bytes, const map::Feed& feed,
                                    std::string_view file_name, bool again) {
  const crypto::Digest digest = crypto::Sha256(bytes);
  File file{feed,   file_name,
            digest, parts_.mappings.Get(),
            again,  again && !IsIn(kOpen, feed.name, crypto::Hex(digest))};
  Result<map::CsvTranslation> translation =
      file.mappings->translator.FromCsv(bytes, feed, parts_.clock.Now());
  GW_TRY(file.is_known, KeepFile(bytes, file, translation ? nullptr : &translation.error()));
  if (!translation) {
    return translation.error();
  }
  CsvReport report;
  report.rows_read = translation->rows_read;
  report.duplicates = translation->duplicates;
  report.blank = translation->blank;
  report.trailers = translation->trailers;
  report.remarks = std::move(translation->remarks);
  for (map::RowGroup& group : translation->groups) {
    GW_TRY(RowReport rows, TakeRows(&group, file));
    const auto count = static_cast<uint32_t>(rows.rows.size());
    (rows.result == "refused"     ? report.refused
     : rows.result == "held"      ? report.held
     : rows.result == "unchanged" ? report.unchanged
                                  : report.taken) += count;
    if (group.translation) {
      for (map::Remark& remark : group.translation->remarks) {
        report.remarks.push_back(std::move(remark));
      }
    }
    report.groups.push_back(std::move(rows));
  }
  return report;
}

// The file's bytes stand once, beside what is kept of its groups: from them a refused group is
// taken once more. A file that is refused as such is open itself. Where they cannot be kept no row
// is taken: the file is still in the folder. True where it was kept before.
Result<bool> Ingest::KeepFile(std::string_view bytes, const File& file, const Error* refusal) {
  store::Transaction transaction;
  store::MessageRecord& kept = transaction.message.emplace();
  kept.feed = file.feed.name;
  kept.sender = "csv:" + file.feed.name;
  kept.control_id = crypto::Hex(file.digest);
  kept.digest = file.digest;
  kept.type = store::kFileType;
  kept.bytes = std::string(bytes);
  kept.outcome = kept.answer = "AA";
  kept.remarks_json = "[]";
  kept.map_version = file.mappings->translator.version();
  kept.received = parts_.clock.Now();
  kept.replay = file.again;
  const auto prior = parts_.store.FindAnswer(kept.sender, kept.control_id, kept.digest);
  if (!prior || *prior) {
    return prior ? Result<bool>(true) : Result<bool>(prior.error());
  }
  AccessRecord record = RecordOf(file, kept);
  if (refusal != nullptr) {
    kept.outcome = kept.answer = record.answer = "AE";
    kept.reason = record.reason = ReasonOf(*refusal);
    kept.cause = CauseOf(*refusal);
    record.outcome = "4";
    transaction.entry = store::PendingEntry{record.id, ToBytes(record)};
  }
  if (const auto committed = journal_->Commit(std::move(transaction)); !committed) {
    log::Write(log::Level::kError, "file.not_kept", {{"feed", file.feed.name}});
    return Error{Code::kUnavailable, committed.error().detail, "store"};
  }
  if (refusal != nullptr) {
    static_cast<void>(journal_->Append(record, true)
                          .ok());  // still pending if it failed: appended at the next start
  }
  return false;
}

// Resubmitting some rows of a file takes its other open ones along: none that was given up, or was
// taken so long ago that nobody knows. In the place of some stand later rows of their key: what
// they say is over, whoever sends them again.
bool Ingest::IsIn(store::MessageState state, const std::string& feed,
                  const std::string& control_id) {
  store::MessageQuery query;
  query.feed = feed;
  query.control_id = control_id;
  query.state = state;
  const auto found = parts_.store.archive().List(query);
  return found && !found->empty();
}

// Errors: those of an outage, which ends the file where it is: taken once more it goes on from
// here.
Result<RowReport> Ingest::TakeRows(map::RowGroup* group, const File& file) {
  const map::Feed& feed = file.feed;
  RowReport report{group->rows, "refused", "", ""};
  store::MessageRecord kept;
  kept.feed = feed.name;
  kept.sender = "csv:" + feed.name;
  // The file's bytes and the rows make the identity: the same file again finds its answer and
  // changes nothing.
  kept.control_id = crypto::Hex(file.digest) + ":" + RowsText(group->rows);
  kept.digest = file.digest;
  kept.type = "rows";
  kept.replay = file.again;
  kept.received = parts_.clock.Now();
  kept.row_key = group->key;
  AccessRecord record = RecordOf(file, kept);
  record.control_id = RowsText(group->rows);
  const auto prior = parts_.store.FindAnswer(kept.sender, kept.control_id, file.digest);
  if (!prior) {
    return prior.error();
  }
  if (*prior && (*prior)->same_bytes) {
    if (const Status ensured = journal_->Ensure((*prior)->entry_id); !ensured) {
      return Error{Code::kUnavailable, ensured.error().detail, "log"};
    }
    report.result = "unchanged";
    return report;
  }
  if ((file.open_only && !IsIn(kOpen, kept.feed, kept.control_id)) ||
      (file.is_known && IsIn(kReplaced, kept.feed, kept.control_id))) {
    report.result = "unchanged";
    return report;
  }
  Status taken = group->translation ? Status() : Status(group->translation.error());
  uint32_t closed = 0;
  if (taken) {
    taken = TakeTurns(&turns_, [&](Turns::Turn* turn) {
      const auto committed = AdmitRows(*group->translation, file, kept, record, turn);
      closed = committed ? committed->closed : 0;
      return committed ? Status() : Status(committed.error());
    });
    if (!taken && IsOutage(taken.error().code)) {
      return taken.error();
    }
  }
  if (taken) {
    report.result = "taken";
    TellClosed(closed, group);
    return report;
  }
  if (group->superseded && IsOlderState(taken.error())) {
    // A file that repeats what came to pass: the state after this one stands behind it.
    report.result = "unchanged";
    group->translation->remarks.push_back({'I', "superseded-row",
                                           PlaceInRows(taken.error(), group->rows),
                                           "older than what is held, and a later row of the file "
                                           "says what came after it: nothing is done"});
    return report;
  }
  report.result = taken.error().hl7_code == hl7_code::kUnknownKeyIdentifier ? "held" : "refused";
  report.where = PlaceInRows(taken.error(), group->rows);
  report.reason = taken.error().detail;
  record.outcome = "4";
  record.reason = report.where + ": " + report.reason;
  kept.cause = CauseOf(taken.error());
  GW_RETURN_IF_ERROR(KeepRows(std::move(kept), record));
  return report;
}

Result<store::Committed> Ingest::AdmitRows(const map::Translation& translation, const File& file,
                                           store::MessageRecord kept, AccessRecord record,
                                           Turns::Turn* turn) {
  GW_RETURN_IF_ERROR(WhollyTaken(translation));
  std::vector<map::Change> changes;
  changes.reserve(translation.changes.size());
  for (const map::Change& change : translation.changes) {
    changes.push_back({change.action, change.fragment.Clone(), change.full_url, change.where,
                       change.stub, change.if_known, change.state});
  }
  kept.outcome = kept.answer = record.answer = "AA";
  kept.row_key = Permits(translation) ? std::string() : kept.row_key;
  kept.remarks_json = RemarksJson(translation);
  kept.fields = FieldsOf(translation);
  kept.map_version = file.mappings->translator.version();
  GW_RETURN_IF_ERROR(journal_->Ready());
  GW_TRY(Identified identified, Identify(&changes, parts_, record.recorded));
  GW_RETURN_IF_ERROR(KeepDecisions(&changes, &identified, record.recorded));
  GW_RETURN_IF_ERROR(RefuseOlder(
      changes, identified, {.in_rows = true, .upsert = file.feed.upsert, .now = record.recorded}));
  GW_RETURN_IF_ERROR(ApplyChanges(&changes, &identified, file.feed.upsert, parts_));
  turn->Note(identified);
  return Admit(std::move(identified), std::move(kept), &record);
}

Status Ingest::KeepRows(store::MessageRecord kept, AccessRecord record) {
  kept.outcome = record.answer = "AE";
  kept.reason = record.reason;
  store::Transaction transaction;
  transaction.message = std::move(kept);
  transaction.entry = store::PendingEntry{record.id, ToBytes(record)};
  if (const auto committed = journal_->Commit(std::move(transaction)); !committed) {
    return Error{Code::kUnavailable, committed.error().detail, "store"};
  }
  static_cast<void>(journal_->Append(record, true)
                        .ok());  // still pending if it failed: appended at the next start
  return {};
}

}  // namespace gw::flow
