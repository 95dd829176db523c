#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/audit_log.h"
#include "gateway/base/result.h"
#include "gateway/flow/access_record.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/parts.h"
#include "gateway/flow/turns.h"
#include "gateway/hl7v2/acknowledgment.h"

namespace gw::flow {

// One row group of a CSV file, as the report file tells it.
struct RowReport {
  std::vector<uint32_t> rows;
  // "taken", "unchanged", "held" (nothing is wrong with it, but nothing here has its number, or a
  // human must say who it is: it waits in the queue), "refused".
  std::string result;
  std::string where;   // of what is held or refused: "row 7, column DOB"
  std::string reason;  // the rule
};

struct CsvReport {
  uint32_t rows_read = 0, duplicates = 0, blank = 0, trailers = 0;
  uint32_t taken = 0, unchanged = 0, held = 0, refused = 0;  // rows
  std::vector<RowReport> groups;
  std::vector<map::Remark> remarks;
};

struct Identified;

// A resource that a client writes.
struct ClientWrite {
  fhir::Resource resource;
  uint64_t expected_version = 0;  // 0: create
};

// Why a kept message is taken once more.
struct Again {
  uint64_t number = 0;     // of the kept one
  bool same_bytes = true;  // false: an edit, which takes its place in the queue
  bool was_taken = false;  // it was answered AA: what a later message changed stays as it is
  Instant received;        // when it came first
  std::string note;        // who, and why
  std::string feed;        // of the kept one: where the bytes do not say one
  std::string_view peer;
};

// What became of it.
struct Taken {
  std::string outcome;    // AA, AE, AR
  std::string reason;     // of a refusal: place and rule
  uint64_t number = 0;    // of the message now; 0: as before
  uint32_t versions = 0;  // of resources, written
};

// THE WAY OF A MESSAGE: parse, map, identify, apply, check, store, log, acknowledge. ingest.cc has
// it for v2 messages, ingest_rows.cc for CSV rows, which both end in Admit (ingest.cc);
// ingest_resource.cc has what is left of it for a resource that a client writes. What the stages do
// stands in identify.h and apply.h. Thread-safe.
class Ingest {
 public:
  Ingest(const Parts& parts, Journal* journal) : parts_(parts), journal_(journal) {}

  // Each acknowledgment that is due in the mode that the sender asks for (MSH-15, MSH-16), in ER7:
  // both where it asks for both, in the order in which they are sent; `application` alone where it
  // asks for neither. AA only when resources and log entry are durable; a repeat of what was
  // answered AA gets that answer again and changes nothing; what is refused is kept with the
  // reason. None to a message that is an acknowledgment itself (ACK, MCF): two systems would never
  // end. A batch is answered by a batch: what its messages are answered, each taken by itself, as
  // `application`; one of more than kBatchMessagesMax is refused as a whole. `peer`: the sender's
  // address, for the log.
  static constexpr size_t kBatchMessagesMax = 1'000;
  struct Answers {
    std::string accept;       // CA, CE, CR; empty: not due
    std::string application;  // AA, AE, AR; empty: not due
  };
  Answers AnswerV2(std::string bytes, std::string_view peer);

  // What framed badly: kept and logged, and answered so that the sender can read it, in the mode
  // that it asks for as far as that can be read.
  Answers RefuseV2(std::string_view bytes, const Error& error, std::string_view peer);

  // A message that is kept, or an edit of it, taken as if it came now, for an operator: no arrival
  // is counted, and nobody is answered.
  Taken TakeAgain(std::string bytes, const Again& again);

  // A whole file of a feed. Errors: those of the file as such (header, encoding); bad rows are in
  // the report and stop nothing. The same file again changes nothing. A file that is refused is
  // kept with the reason, and waits in the queue. kUnavailable, kBusy or kInternal: an outage; what
  // was taken before it stays, and the same file again goes on from there.
  // `again`: at an operator's word: no arrival is counted, and what was discarded stays so.
  Result<CsvReport> AcceptCsv(std::string_view bytes, const map::Feed& feed,
                              std::string_view file_name, bool again = false);

  // A client's create or update; `record` is logged with it (outcome and resources are filled in).
  // The entry is pending when this returns; the caller appends it. Errors: kUnprocessable with the
  // FHIRPath where the result does not conform; kConflict where expected_version is not the
  // current one.
  Result<fhir::StoredResource> AcceptResource(ClientWrite write, AccessRecord* record);

 private:
  Answers AnswerBatch(std::string_view bytes, std::string_view peer);
  struct Arrival;  // of one message: what is kept of it, its log record and its feed
  Arrival ArrivalOf(std::string_view bytes, std::string_view peer) const;
  Result<hl7v2::Message> Parse(std::string bytes, const Arrival& arrival) const;
  std::string Answer(const hl7v2::Message& message, Arrival* arrival);
  Status FindFeed(const hl7v2::Message& message, Arrival* arrival, bool control_id_reused);
  Status Take(const hl7v2::Message& message, Arrival* arrival, Turns::Turn* turn);
  std::string Repeat(const hl7v2::Message& message, const store::PriorAnswer& prior,
                     Arrival* arrival);
  std::string Refuse(const hl7v2::Message& message, Arrival* arrival, const Error& error);
  std::string RefuseUnreadable(Arrival* arrival, const Error& error);
  Answers AnswerUnreadable(Arrival* arrival, const Error& error);
  void Keep(Arrival* arrival, const Error& error);
  std::optional<store::MessageEntry> KnownAs(const Arrival& arrival);
  std::vector<hl7v2::Issue> IssuesOfRefusal(const Arrival& arrival, const Error& error);

  struct File;  // a CSV file on its way
  static AccessRecord RecordOf(const File& file, const store::MessageRecord& kept);
  Result<bool> KeepFile(std::string_view bytes, const File& file, const Error* refusal);
  bool IsIn(store::MessageState state, const std::string& feed, const std::string& control_id);
  Result<RowReport> TakeRows(map::RowGroup* group, const File& file);
  Result<store::Committed> AdmitRows(const map::Translation& translation, const File& file,
                                     store::MessageRecord kept, AccessRecord record,
                                     Turns::Turn* turn);
  Status KeepRows(store::MessageRecord kept, AccessRecord record);

  // Where every way ends: identify and apply, which may leave remarks for the sender ...
  Result<Identified> Resolve(std::vector<map::Change> changes, bool upsert, Instant now,
                             Turns::Turn* turn, const Again* again = nullptr);
  // ... check, store, and log: the entry is in the log when this returns.
  Result<store::Committed> Admit(Identified identified, store::MessageRecord message,
                                 AccessRecord* record, const Again* again = nullptr);

  const Parts& parts_;
  Journal* journal_;
  Turns turns_;
};

}  // namespace gw::flow
