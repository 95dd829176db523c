#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/result.h"
#include "gateway/fhir/stored.h"

namespace gw::store {

// Where a kept message stands. What is refused is open until it is taken, replaced or discarded;
// nothing but Pruning deletes any, and never an open one, nor the file whose rows are open. What
// was replaced or discarded stays so when it comes once more and is refused again.
enum class MessageState : uint8_t { kDone = 0, kOpen = 1, kReplaced = 2, kDiscarded = 3 };
std::string_view NameOf(MessageState state);  // "done", "open", "replaced", "discarded"
std::optional<MessageState> StateNamed(std::string_view name);

// MessageEntry.type of a CSV file kept whole, beside its rows' own records; not counted as arrived.
inline constexpr std::string_view kFileType = "file";

// A valued field that no rule read, or a code that no ConceptMap knew: counted by feed.
struct FieldNote {
  bool unmapped = false;  // false: unread
  std::string place;      // without repetitions: "PID-3.4", "column DOB"
  std::string system;     // unmapped only
  std::string code;       // unmapped only; cut to 64 bytes
};

// Takes an open message out of the queue: an edit took its place, or somebody gave it up.
struct Settlement {
  uint64_t number = 0;
  MessageState state = MessageState::kDiscarded;  // kReplaced: by the transaction's message
  std::string note;                               // why, and by whom
};

// A condition of a feed that somebody is to be told of, once: "silent", "queue".
struct FeedAlert {
  std::string feed;
  std::string condition;
  Instant since;        // 0: it is over
  uint64_t raised = 0;  // how often it began
};

// One small step of forgetting: messages of the feed that are not open, last received before.
struct Pruning {
  std::string feed;
  Instant before;
  uint32_t messages_max = 200;
};

// What a transaction changes of the archive beside its message.
struct Upkeep {
  std::vector<Settlement> settlements;
  uint64_t still_open = 0;  // the number of a message that must be open as yet; 0: none
  std::string repeat_of;  // a repeat was answered for this feed: counted, nothing else; empty: none
  bool repeated = false;
  std::vector<FeedAlert> alerts;  // since as it shall be; raised is counted by the store
  std::optional<Pruning> pruning;
};

// One kept message, without its bytes.
struct MessageEntry {
  uint64_t number = 0;  // of the commit that brought it first; names it for operators
  std::string feed, sender, control_id;
  std::string type;  // "PPP^PCB"; "rows" of a CSV file; kFileType
  std::string outcome;
  MessageState state = MessageState::kDone;
  std::string cause;   // of a refusal: "204 PID-3": table 0357 code and place, no value
  std::string reason;  // place and rule
  std::string note;    // of a settlement
  uint64_t replaced_by = 0;
  std::string map_version;
  std::string entry_id;                // of its access-log entry
  std::vector<std::string> resources;  // "CarePlan/<id>/_history/3", as its transaction wrote them
  Instant first_received, received;
  uint64_t attempts = 0;
};

struct KeptMessage {
  MessageEntry entry;
  std::string bytes, answer, remarks_json;
};

struct MessageQuery {
  std::optional<std::string> feed;  // "" is: of no configured feed
  std::optional<std::string> control_id;
  std::optional<std::string> sender;
  std::optional<crypto::Digest> digest;  // of the bytes
  std::optional<std::string> cause;
  std::optional<MessageState> state;
  std::optional<Instant> from, until;  // received in [from, until)
  std::string holds;  // these bytes stand in it; looks into open messages only, newest first
  Instant after;      // keyset: behind this moment and number
  uint64_t after_number = 0;
  uint32_t count = 100;
};

// The open messages of one cause.
struct CauseGroup {
  std::string feed, cause, reason;
  uint64_t messages = 0;
  Instant first, last;
};

// Counters of a feed: each changes in the transaction that it tells of.
// received = taken + refused + repeated.
struct FeedState {
  std::string feed;  // empty: of no configured feed
  uint64_t received = 0, taken = 0, refused = 0, repeated = 0;
  uint64_t replayed = 0, replaced = 0, discarded = 0, pruned = 0;
  uint64_t versions = 0;  // of resources, written by its messages
  Instant last_received, last_taken;
  uint64_t open = 0;
  Instant oldest_open;
};

struct FieldCount {
  std::string feed;
  FieldNote field;
  uint64_t count = 0;
  Instant last;
};

// A version of a resource, and which message made it.
struct VersionOrigin {
  fhir::Key key;
  uint64_t version = 0;
  Instant last_updated;
  uint64_t message = 0;  // 0: none (a client's write)
};

// What operators ask of kept messages: reads only, unfiltered by consent, so for operators alone.
// Each call sees one snapshot, in which every earlier commit is. Thread-safe. Every call may answer
// kUnavailable.
class Archive {
 public:
  virtual ~Archive() = default;
  virtual Result<std::vector<FeedState>> Feeds() = 0;
  virtual Result<std::vector<FeedAlert>> Alerts() = 0;
  // The queue, largest group first; of every feed where none is given.
  virtual Result<std::vector<CauseGroup>> Causes(const std::optional<std::string>& feed) = 0;
  // By received and number, ascending. A query names at least a feed, a control id or a state.
  virtual Result<std::vector<MessageEntry>> List(const MessageQuery& query) = 0;
  virtual Result<KeptMessage> Open(uint64_t number) = 0;  // kNotFound
  // The feed's fields and codes by count, descending.
  virtual Result<std::vector<FieldCount>> Fields(std::string_view feed, uint32_t count) = 0;
  // Every version of a resource, newest first. Errors: kNotFound.
  virtual Result<std::vector<VersionOrigin>> VersionsOf(const fhir::Key& key) = 0;
  // The current versions of all that lies with a Patient, newest first.
  virtual Result<std::vector<VersionOrigin>> RecordOf(std::string_view patient, uint32_t count) = 0;
  // The ids of the Patients that claim an identifier of this value, whatever its system where
  // `system` is empty.
  virtual Result<std::vector<std::string>> PatientsNamed(std::string_view system,
                                                         std::string_view value) = 0;
};

// Reads a store's file beside the process that writes it: takes no lock, writes nothing.
// Errors: kUnavailable where it cannot be opened; kInvalid: schema of another version.
Result<std::unique_ptr<Archive>> OpenArchive(const std::string& path);

}  // namespace gw::store
