#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/search.h"
#include "gateway/fhir/stored.h"
#include "gateway/store/archive.h"

namespace gw::store {

// What one caller may see. Every read and search takes one: there is no way to look without it.
// A resource that concerns nobody is visible; any other only where Sees() is true for each person
// it concerns.
class Visibility {
 public:
  virtual ~Visibility() = default;
  // May the caller see what concerns the person and is labelled so?
  // - `policy_class` changes whenever a Consent of the person, or the Patient, is written; 0:
  //   neither was.
  //
  // Called inside a query, once for each pair met (the store remembers within the query). Must not
  // call the store's search or commit.
  virtual bool Sees(std::string_view person, uint64_t policy_class,
                    std::string_view label_class) const = 0;
};

// Whom Namesakes looks for.
class Likeness {
 public:
  virtual ~Likeness() = default;
  // Of a Patient, by the rows of the index. Called inside the query: must not call the store.
  virtual bool Fits(std::span<const fhir::IndexRow> patient) const = 0;
};

struct Page {
  std::vector<fhir::StoredResource> resources;
  std::string next_cursor;  // empty: the last page
  std::optional<uint64_t>
      total;  // of what the caller may see; known where all fits one page or count is 0
};

// A person's consents, of every status, and the policy class they make.
struct Consents {
  uint64_t policy_class = 0;
  std::vector<fhir::StoredResource> resources;
};

// What is looked for by its identifiers; the caller's, for the call.
struct Wanted {
  std::string_view type;
  std::span<const fhir::Identifier> identifiers;
};

// How a message was answered, and what was kept of it.
struct MessageRecord {
  std::string feed;
  std::string sender;      // MSH-3 and MSH-4, or the CSV file name
  std::string type;        // as MessageEntry.type
  std::string control_id;  // MSH-10, or row group
  // Of rows: a digest of what they are of. Taken, they close those of the same feed and key that
  // came before them and are open. Empty: of no rows, or nothing says it.
  std::string row_key;
  crypto::Digest digest{};        // SHA-256 of the bytes
  std::string bytes;              // as received
  std::string outcome;            // AA, AE, AR
  std::string answer;             // the acknowledgment as sent
  std::string reason;             // of a refusal: code, place, rule; empty for AA
  std::string cause;              // of a refusal: what it is grouped by, see MessageEntry
  std::string map_version;        // of the maps it was taken with
  std::string remarks_json;       // unread fields, unmapped codes, remarks: a JSON array
  std::vector<FieldNote> fields;  // the same, to be counted
  Instant received;
  bool replay = false;  // taken once more: an earlier AA is no conflict, and no arrival is counted
};

// An access-log entry on its way: stored with what it tells of, appended to the log after.
struct PendingEntry {
  std::string id;     // UUID
  std::string bytes;  // 1 byte to kEntryBytesMax: what the log does not take must not be committed
};
inline constexpr size_t kEntryBytesMax = size_t{1} << 20;

// One resource version to write. `stored.json` holds id, meta.versionId (expected_version + 1) and
// meta.lastUpdated.
struct Write {
  fhir::StoredResource stored;
  uint64_t expected_version = 0;  // 0: must not exist yet
  // The Patient id whose shard holds it, for good; of a Consent its first person. Empty: a
  // reference table.
  std::string home;
  std::vector<fhir::IndexEntry> index;  // replaces the rows of the version before
  std::vector<fhir::Identifier>
      claims;  // identifiers by which this resource is found (Find); must be free
  // Ids of the Patients whose compartment holds it (fhir::SearchIndexer::CompartmentsOf): what
  // Query::compartment narrows to. Each is one of the persons concerned too, named there or not.
  std::vector<std::string> compartments;
};

// All of it, or nothing.
struct Transaction {
  std::vector<Write> writes;
  std::optional<MessageRecord> message;
  std::optional<PendingEntry> entry;
  std::vector<std::string>
      settled;  // ids of pending entries that are in the log now: their rows go
  Upkeep upkeep;
};

struct Committed {
  uint64_t sequence = 0;  // of the commit, growing
  uint64_t message = 0;   // number of the transaction's message; 0: it has none
  uint32_t pruned = 0;    // messages that its Pruning deleted
  uint32_t closed = 0;    // open rows of its message's row_key, which it took the place of
};

struct PriorAnswer {
  std::string answer;
  std::string entry_id;     // of its access-log entry
  bool same_bytes = false;  // false: the control id was used before, with other bytes
};

inline constexpr uint32_t kNamesakesMax = 50;

// Versioned resources, their search index, message archive and pending log entries, behind one
// interface for every engine. Durable when Commit returns. Thread-safe: reads run beside each
// other, commits are grouped. Every call may answer kUnavailable (the engine failed) and kBusy (the
// write queue is full).
class Store {
 public:
  virtual ~Store() = default;

  // kNotFound where it is absent or withheld; kGone where it is deleted and the caller may see
  // that.
  virtual Result<fhir::StoredResource> Read(const fhir::Key& key, const Visibility& visibility) = 0;
  virtual Result<fhir::StoredResource> ReadVersion(const fhir::Key& key, uint64_t version,
                                                   const Visibility& visibility) = 0;
  // Newest first: by last_updated and id, descending; keyset pages. Errors: kInvalid for a broken
  // cursor.
  virtual Result<Page> Search(const fhir::Query& query, const Visibility& visibility) = 0;

  // The narrow, unfiltered reads: deciding needs consents, ingestion needs what is there.
  virtual Result<Consents> ConsentsOf(std::string_view person) = 0;
  virtual Result<uint64_t> PolicyClassOf(std::string_view person) = 0;
  // The resources of that type that claim one of the identifiers, in the order given, each once.
  virtual Result<std::vector<fhir::StoredResource>> Find(
      std::string_view type, std::span<const fhir::Identifier> identifiers) = 0;
  // Find for each of `wanted`, in one snapshot.
  virtual Result<std::vector<std::vector<fhir::StoredResource>>> FindEach(
      std::span<const Wanted> wanted) = 0;
  // Ids of the Patients whose index has one of the keys (fhir::NamesakeKeys) and who fit, each
  // once: of each key the newest first, at most `max` in all. Of a key it looks at the newest
  // kNamesakesMax.
  virtual Result<std::vector<std::string>> Namesakes(std::span<const std::string> keys,
                                                     const Likeness& likeness, uint32_t max) = 0;
  virtual Result<fhir::StoredResource> Current(const fhir::Key& key) = 0;  // kNotFound

  // An earlier AA to this sender and control id, if there was one: that to the same bytes, or else
  // any.
  virtual Result<std::optional<PriorAnswer>> FindAnswer(std::string_view sender,
                                                        std::string_view control_id,
                                                        const crypto::Digest& digest) = 0;

  // Errors: kConflict where an expected_version is not the current one, a claim is taken by another
  // resource, or the message was answered AA in the meantime: nothing is written, read again and
  // retry. kUnprocessable: the home of a resource would change. kInvalid, kUnsupported: the
  // transaction breaks a rule of Write (checked_transaction.h).
  virtual Result<Committed> Commit(Transaction transaction) = 0;
  // Pending log entries, oldest first.
  virtual Result<std::vector<PendingEntry>> PendingEntries(uint32_t max) = 0;

  // What operators read; lives as long as the store.
  virtual Archive& archive() = 0;
};

struct SqliteOptions {
  std::string path;           // the database file; its folder must exist
  uint32_t readers = 4;       // connections for reading
  uint32_t queue_max = 4096;  // transactions waiting for the writer; more are kBusy
  uint32_t group_max = 256;   // transactions in one engine commit
  // What makes the rows of the search index. Where those in the file were made by another set of
  // search parameters, they are made anew before the store opens: a search never finds a part of
  // what matches in silence. Null: the rows are the callers' business. Used by Open alone.
  const fhir::SearchIndexer* indexer = nullptr;
};

// One writer thread with group commit (BEGIN IMMEDIATE, WAL, synchronous FULL), a pool of read-only
// connections. One process at a time (a lock on "<path>.lock"). `clock` must outlive the store; it
// gives commit sequences and policy classes. How and why: docs/decisions/002-store.md. Errors:
// kUnavailable where it cannot be opened, or its integrity check fails; kInvalid: schema of another
// version.
Result<std::unique_ptr<Store>> OpenSqlite(const SqliteOptions& options, const Clock& clock);

}  // namespace gw::store
