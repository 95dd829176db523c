#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/parts.h"
#include "gateway/store/archive.h"

namespace gw::flow {

// Many messages taken once more, or discarded: one page of them. What somebody else settled in the
// meantime is unchanged. Where more is left `more` is true, and the next call goes on behind
// `after`.
struct Batch {
  uint32_t taken = 0, refused = 0, unchanged = 0, discarded = 0;
  uint32_t versions = 0;  // of resources, written
  Instant after;
  uint64_t after_number = 0;
  bool more = false;
};

// The messages to take: open ones of a cause, or all of a feed from one moment to another.
struct Selection {
  std::string feed;
  std::optional<std::string> cause;
  std::optional<Instant> from, until;  // received in [from, until)
  Instant after;
  uint64_t after_number = 0;
  uint32_t count = 100;
};

// A message's way from its bytes to what it made, or back.
struct Trace {
  std::vector<std::string> patients;  // ids: whose record was asked for
  std::vector<store::MessageEntry> messages;
  std::vector<store::VersionOrigin> versions;
};

// "2026-01-20" or "2026-01-20T10:00:00Z", UTC.
std::optional<Instant> ParseMoment(std::string_view text);

// Adds a configured feed that has not sent anything yet, if it is not among them.
void AddFeed(std::string_view name, std::vector<store::FeedState>* states);

// Is there a feed of this name that messages are kept of? The empty name stands for what is of no
// configured feed. Errors: kNotFound.
Status RequireKeptFeed(std::string_view name, store::Archive* archive);

// For the access log: whose record a kept message is of, as far as what it made tells.
void RecordOpened(const store::MessageEntry& message, store::Store& store, AccessRecord* record);

// What operators do with kept messages. Nothing here deletes one. Whoever calls has been let in
// (access::AuthorizeOperator) and logs the call: `who` goes into the note of what is changed.
// Thread-safe.
class Operations {
 public:
  Operations(const Parts& parts, Ingest* ingest, Journal* journal)
      : parts_(parts), ingest_(ingest), journal_(journal) {}

  // A kept message; CSV rows with the text of the rows under their file's header, as far as file
  // and feed are there. The persons it speaks of, as far as they are known here, go into *record.
  // Errors: kNotFound.
  Result<store::KeptMessage> Open(uint64_t number, AccessRecord* record);
  // Is there a feed of this name, configured or of kept messages (RequireKeptFeed)? Errors:
  // kNotFound.
  Status RequireFeed(std::string_view name);

  // Takes an open message once more as it is; of CSV rows, all that is open of their file.
  // Errors: kNotFound; kConflict where it is not open; kUnprocessable where its feed or file is
  // gone. A refusal is no error: Taken says it.
  Result<Taken> Resubmit(uint64_t number, std::string_view who);
  // The same with other bytes, which take its place, refused or not: both are kept. Errors: also
  // kUnprocessable where the bytes are not one readable message, kUnsupported for rows; the message
  // is open as before.
  Result<Taken> ResubmitEdited(uint64_t number, std::string bytes, std::string_view who);
  // One page of the open messages of a cause.
  Result<Batch> ResubmitAll(const Selection& selection, std::string_view who);
  // Takes open messages out of the queue; they are kept. Errors: kInvalid without a reason, or with
  // a blank one; kNotFound; kConflict where it is not open.
  Status Discard(uint64_t number, std::string_view reason, std::string_view who);
  Result<Batch> DiscardAll(const Selection& selection, std::string_view reason,
                           std::string_view who);
  // One page of a feed's messages, in the order in which they came. What is open is taken once
  // more. What was answered AA with other maps is translated with today's, and changes what no
  // later message or client has changed since; with the same maps it is unchanged. So a second
  // replay changes nothing. CSV rows that were taken are unchanged.
  Result<Batch> Replay(const Selection& selection, std::string_view who);

  Result<Trace> TraceControlId(std::string_view control_id);
  // `token`: "system|value" or the value alone. Messages that made the person's resources, and open
  // ones in which the value stands.
  Result<Trace> TracePerson(std::string_view token);
  Result<Trace> TraceResource(const fhir::Key& key);

 private:
  Result<Taken> Retake(const store::KeptMessage& message, std::string_view who);
  Result<Taken> Settled(Taken taken, const Again& again);
  Result<Taken> RetakeRows(const store::MessageEntry& rows);
  // The file that rows are of.
  Result<store::KeptMessage> FileOf(const store::MessageEntry& rows);
  // `files`: those whose rows were taken once more already.
  Status RetakeInto(const store::MessageEntry& entry, std::string_view who,
                    std::set<std::string>* files, Batch* batch);
  Result<std::vector<store::MessageEntry>> MessagesOf(
      const std::vector<store::VersionOrigin>& versions);

  const Parts& parts_;
  Ingest* ingest_;
  Journal* journal_;
};

}  // namespace gw::flow
