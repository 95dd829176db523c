#include "gateway/store/sqlite_schema.h"

#include <array>

#include "gateway/base/crypto.h"
#include "gateway/store/sqlite_upgrade.h"

namespace gw::store {
namespace {

// The one source of the tables. Rules (docs/decisions/002-store.md): every table that holds
// personal data begins with its shard key, first in the primary key and in every UNIQUE; plain
// types; no trigger, no AUTOINCREMENT, no use of rowid; joins only between equal patient_keys.
// Tables of narrow rows are WITHOUT ROWID, clustered by their key, so that one patient's rows lie
// together; those with a body are not, since a wide row would thin out the tree.
// What a commit costs is the number of pages it touches. So every index ends in what the rows of
// one transaction have in common or what grows with time (ids are UUIDs of version 7), and no key
// that does not have to be is a hash.
constexpr const char* kTables = R"sql(
CREATE TABLE store_schema(
  version INTEGER NOT NULL PRIMARY KEY,
  cursor_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The number of the last commit of each node that writes.
CREATE TABLE commit_sequence(
  node TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Reference table: each distinct text of StoredResource.label_class once.
CREATE TABLE label_class(
  label_class_id INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (label_class_id)
) STRICT, WITHOUT ROWID;

-- Where a resource lives; sharded by the id. A home never changes.
CREATE TABLE resource_home(
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  patient_key INTEGER NOT NULL,
  PRIMARY KEY (id, type)
) STRICT, WITHOUT ROWID;

-- The versions before the current one.
CREATE TABLE resource_version(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  last_updated INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  label_class_id INTEGER NOT NULL,
  persons TEXT NOT NULL,
  body TEXT NOT NULL,
  message INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (patient_key, type, id, version)
) STRICT;

-- What was received and how it was answered; sharded by the control id, since a refused message has
-- no patient. The same bytes again overwrite their own earlier refusal. number: the sequence of the
-- commit that brought it first. state: as store::MessageState.
CREATE TABLE message(
  control_id TEXT NOT NULL,
  sender TEXT NOT NULL,
  digest BLOB NOT NULL,
  feed TEXT NOT NULL,
  received INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  remarks TEXT NOT NULL,
  answer BLOB NOT NULL,
  bytes BLOB NOT NULL,
  number INTEGER NOT NULL DEFAULT 0,
  first_received INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 1,
  state INTEGER NOT NULL DEFAULT 0,
  type TEXT NOT NULL DEFAULT '',
  cause TEXT NOT NULL DEFAULT '',
  map_version TEXT NOT NULL DEFAULT '',
  resources TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  replaced_by INTEGER NOT NULL DEFAULT 0,
  row_key TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (control_id, sender, digest)
) STRICT;

)sql";

// What a search reads of resources; since version 5, apart from the rest so that a file of an
// earlier version gets the same. "resource" says what a resource holds; the other tables say only
// where a search may begin, and hold nothing that lies with the Patient that is looked for: that is
// found by patient_key (signpost.h).
constexpr const char* kResourceTables = R"sql(
-- The current version of each resource, deletions included. message: the number of the message that
-- made it, 0 where none did; a column, so that the link costs a commit no page. persons: whom it
-- concerns, each of whom must agree. terms: what it holds (terms.h). The body, which may go on in
-- other pages, comes last.
CREATE TABLE resource(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  last_updated INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  label_class_id INTEGER NOT NULL,
  persons TEXT NOT NULL,
  message INTEGER NOT NULL,
  terms BLOB NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (patient_key, type, id)
) STRICT;
-- Without the id, which few rows of one type and moment need for their order: each type is a page
-- that every commit touches, and so these are split half as often.
CREATE INDEX resource_by_time ON resource(type, last_updated);

-- The policy class that a person's consents make, in the person's own shard; by the id, which grows
-- with time.
CREATE TABLE person_policy(
  patient_key INTEGER NOT NULL,
  person TEXT NOT NULL,
  policy_class INTEGER NOT NULL,
  PRIMARY KEY (person, patient_key)
) STRICT, WITHOUT ROWID;

-- Which resources have an identifier, and which of them is found by it (claimed: at most one of a
-- type, which the one writer sees to); sharded by the value.
CREATE TABLE identifier(
  value TEXT NOT NULL,
  type TEXT NOT NULL,
  system TEXT NOT NULL,
  id TEXT NOT NULL,
  patient_key INTEGER NOT NULL,
  claimed INTEGER NOT NULL,
  PRIMARY KEY (value, type, system, id)
) STRICT, WITHOUT ROWID;

-- Resources that are in the record of a Patient, or speak of one, with whom they do not lie;
-- sharded by that Patient.
CREATE TABLE named_elsewhere(
  person TEXT NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  patient_key INTEGER NOT NULL,
  PRIMARY KEY (person, type, id)
) STRICT, WITHOUT ROWID;

-- Folded strings. A search asks for what begins with a text, so that only ranges can be sharded.
CREATE TABLE string_value(
  type TEXT NOT NULL,
  parameter TEXT NOT NULL,
  text TEXT NOT NULL,
  id TEXT NOT NULL,
  patient_key INTEGER NOT NULL,
  PRIMARY KEY (type, parameter, text, id)
) STRICT, WITHOUT ROWID;
)sql";

// Access-log entries that may not be in the log yet: few, and each is written and deleted with a
// message, so one tree without an index; since version 4. What was pending before is kept.
constexpr const char* kPendingTable = R"sql(
CREATE TABLE pending_entry(
  id TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql";
constexpr const char* kPendingAside = R"sql(
DROP INDEX pending_entry_by_sequence;
ALTER TABLE pending_entry RENAME TO pending_entry_before_4;
)sql";
constexpr const char* kPendingBack = R"sql(
INSERT INTO pending_entry(id, sequence, bytes)
  SELECT id, sequence, bytes FROM pending_entry_before_4;
DROP TABLE pending_entry_before_4;
UPDATE store_schema SET version = 4;
)sql";

// The tables before version 5, which held the index rows themselves (sqlite_upgrade.h).
constexpr const char* kResourcesAside = R"sql(
DROP INDEX resource_by_time;
ALTER TABLE resource RENAME TO resource_before_5;
ALTER TABLE person_policy RENAME TO person_policy_before_5;
)sql";
constexpr const char* kResourcesBack = R"sql(
INSERT INTO person_policy(patient_key, person, policy_class)
  SELECT patient_key, person, policy_class FROM person_policy_before_5;
DROP TABLE person_policy_before_5;
DROP TABLE resource_before_5;
DROP TABLE resource_person;
DROP TABLE identifier_claim;
DROP TABLE index_token;
DROP TABLE index_reference;
DROP TABLE index_date;
DROP TABLE index_string;
UPDATE store_schema SET version = 5;
)sql";

// What operators look messages up by, and what is counted; since version 2. Apart from the rest so
// that a file of version 1 gets the same.
constexpr const char* kArchiveTables = R"sql(
CREATE INDEX message_by_number ON message(number);
CREATE INDEX message_by_feed ON message(feed, received, number);
-- The queue: only what is refused touches it.
CREATE INDEX message_open ON message(feed, cause, received) WHERE state = 1;

-- Counters of each feed, in the transactions that they tell of.
CREATE TABLE feed_counter(
  feed TEXT NOT NULL PRIMARY KEY,
  received INTEGER NOT NULL,
  taken INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  repeated INTEGER NOT NULL,
  replayed INTEGER NOT NULL,
  replaced INTEGER NOT NULL,
  discarded INTEGER NOT NULL,
  pruned INTEGER NOT NULL,
  versions INTEGER NOT NULL,
  last_received INTEGER NOT NULL,
  last_taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How often a feed's field was read by no rule (unmapped 0), or its code known to no map (1).
CREATE TABLE feed_field(
  feed TEXT NOT NULL,
  unmapped INTEGER NOT NULL,
  place TEXT NOT NULL,
  system TEXT NOT NULL,
  code TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (feed, unmapped, place, system, code)
) STRICT, WITHOUT ROWID;

-- What operators were told of; since 0: it is over.
CREATE TABLE feed_alert(
  feed TEXT NOT NULL,
  condition TEXT NOT NULL,
  since INTEGER NOT NULL,
  raised INTEGER NOT NULL,
  PRIMARY KEY (feed, condition)
) STRICT, WITHOUT ROWID;
)sql";

// Of which set of search parameters the rows of the index are (fhir::SearchIndexer::signature);
// empty while they are made anew. Since version 3; no row: not known.
constexpr const char* kIndexTables = R"sql(
CREATE TABLE search_index(
  signature TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
)sql";
constexpr const char* kFromVersion2 = "UPDATE store_schema SET version = 3;";

// The columns of version 2 in a file of version 1.
constexpr const char* kFromVersion1 = R"sql(
ALTER TABLE resource ADD COLUMN message INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resource_version ADD COLUMN message INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN first_received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE message ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN map_version TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN resources TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN replaced_by INTEGER NOT NULL DEFAULT 0;
UPDATE message SET number = sequence, first_received = received,
  state = CASE outcome WHEN 'AA' THEN 0 ELSE 1 END;
UPDATE store_schema SET version = 2;
)sql";

// Since version 6: a sender may use one control id for ever, and rows are known by their key. Only
// what is refused touches the last two.
constexpr const char* kMessageIndexes = R"sql(
CREATE INDEX message_taken ON message(control_id, sender) WHERE outcome = 'AA';
CREATE INDEX message_open_named ON message(control_id, received, number) WHERE state = 1;
CREATE INDEX message_open_rows ON message(feed, row_key, number)
  WHERE state = 1 AND row_key <> '';
)sql";

constexpr const char* kRowKey = "ALTER TABLE message ADD COLUMN row_key TEXT NOT NULL DEFAULT ''";
constexpr const char* kIsVersion6 = "UPDATE store_schema SET version = 6";

constexpr size_t kCursorKeyBytes = 32;

Result<bool> HasTables(Connection* writer) {
  GW_TRY(Statement find,
         writer->Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1"));
  return Execution(find).Step();
}

Status CreateTables(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kTables));
  GW_RETURN_IF_ERROR(writer->Run(kResourceTables));
  GW_RETURN_IF_ERROR(writer->Run(kPendingTable));
  GW_RETURN_IF_ERROR(writer->Run(kArchiveTables));
  GW_RETURN_IF_ERROR(writer->Run(kMessageIndexes));
  GW_RETURN_IF_ERROR(writer->Run(kIndexTables));
  GW_TRY(Statement insert, writer->Prepare("INSERT INTO store_schema VALUES (?1, ?2)"));
  const std::string cursor_key = crypto::RandomBytes(kCursorKeyBytes);
  return Execution(insert).Int(kSchemaVersion).Blob(cursor_key).Finish();
}

Result<bool> IsVersion(Connection* writer, int64_t version) {
  Result<Statement> read = writer->Prepare("SELECT 1 FROM store_schema WHERE version = ?1");
  return read ? Execution(*read).Int(version).Step() : Result<bool>(false);
}

Status FromVersion5(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kRowKey));
  GW_RETURN_IF_ERROR(writer->Run(kMessageIndexes));
  return writer->Run(kIsVersion6);
}

// Resources are carried with the statements of today, which know the messages' tables of today.
Status FromVersion4(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kResourcesAside));
  GW_RETURN_IF_ERROR(writer->Run(kResourceTables));
  GW_RETURN_IF_ERROR(writer->Run(kRowKey));
  GW_RETURN_IF_ERROR(CarryResources(writer));
  GW_RETURN_IF_ERROR(writer->Run(kResourcesBack));
  GW_RETURN_IF_ERROR(writer->Run(kMessageIndexes));
  return writer->Run(kIsVersion6);
}

Status FromVersion3(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kPendingAside));
  GW_RETURN_IF_ERROR(writer->Run(kPendingTable));
  GW_RETURN_IF_ERROR(writer->Run(kPendingBack));
  return FromVersion4(writer);
}

Status FromVersion2(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kIndexTables));
  GW_RETURN_IF_ERROR(writer->Run(kFromVersion2));
  return FromVersion3(writer);
}

Status FromVersion1(Connection* writer) {
  GW_RETURN_IF_ERROR(writer->Run(kFromVersion1));
  GW_RETURN_IF_ERROR(writer->Run(kArchiveTables));
  return FromVersion2(writer);
}

Status InTransaction(Connection* writer, Status (*change)(Connection*)) {
  GW_RETURN_IF_ERROR(writer->Run("BEGIN IMMEDIATE"));
  Status changed = change(writer);
  GW_RETURN_IF_ERROR(writer->Run(changed ? "COMMIT" : "ROLLBACK"));
  return changed;
}

}  // namespace

Result<StoreIdentity> ReadIdentity(Connection* connection) {
  const Error other_schema{Code::kInvalid, "the database file is of another schema version",
                           "store"};
  Result<Statement> read = connection->Prepare("SELECT version, cursor_key FROM store_schema");
  if (!read) {
    return other_schema;
  }
  Execution run(*read);
  GW_TRY(const bool row, run.Step());
  if (!row || run.IntAt(0) != kSchemaVersion || run.BlobAt(1).size() != kCursorKeyBytes) {
    return other_schema;
  }
  return StoreIdentity{std::string(run.BlobAt(1))};
}

Result<StoreIdentity> PrepareSchema(Connection* writer) {
  GW_TRY(const bool has_tables, HasTables(writer));
  if (!has_tables) {
    GW_RETURN_IF_ERROR(InTransaction(writer, CreateTables));
    return ReadIdentity(writer);
  }
  constexpr std::array kFrom = {FromVersion1, FromVersion2, FromVersion3, FromVersion4,
                                FromVersion5};
  static_assert(kFrom.size() == kSchemaVersion - 1);
  for (size_t i = 0; i < kFrom.size(); ++i) {
    GW_TRY(const bool is_it, IsVersion(writer, static_cast<int64_t>(i + 1)));
    if (is_it) {
      GW_RETURN_IF_ERROR(InTransaction(writer, kFrom[i]));
      break;
    }
  }
  return ReadIdentity(writer);
}

}  // namespace gw::store
