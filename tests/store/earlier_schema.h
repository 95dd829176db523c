#pragma once

namespace gw::store {

// Makes of a file of version 6 whose resources have no terms worth keeping the tables of version 4:
// resources, their persons (each lies with the first and is in that one's compartment alone) and
// policy classes stay, with no index row and no claim.
inline constexpr const char* kResourcesBefore5 = R"sql(
DROP INDEX message_taken;
DROP INDEX message_open_named;
DROP INDEX message_open_rows;
ALTER TABLE message DROP COLUMN row_key;
DROP INDEX resource_by_time;
ALTER TABLE resource RENAME TO resource_of_5;
ALTER TABLE person_policy RENAME TO person_policy_of_5;
DROP TABLE identifier;
DROP TABLE named_elsewhere;
DROP TABLE string_value;
CREATE TABLE resource(
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
  PRIMARY KEY (patient_key, type, id)
) STRICT;
CREATE INDEX resource_by_time ON resource(type, last_updated, id);
CREATE TABLE resource_person(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  person TEXT NOT NULL,
  in_compartment INTEGER NOT NULL,
  at_home INTEGER NOT NULL,
  PRIMARY KEY (patient_key, type, id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_person_elsewhere ON resource_person(person, type) WHERE NOT at_home;
CREATE TABLE person_policy(
  patient_key INTEGER NOT NULL,
  person TEXT NOT NULL,
  policy_class INTEGER NOT NULL,
  PRIMARY KEY (patient_key, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE identifier_claim(
  identifier_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  system TEXT NOT NULL,
  value TEXT NOT NULL,
  patient_key INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (identifier_key, type, system, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX identifier_claim_by_resource ON identifier_claim(patient_key, type, id);
CREATE TABLE index_token(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  parameter TEXT NOT NULL,
  code TEXT NOT NULL,
  system TEXT NOT NULL,
  PRIMARY KEY (patient_key, type, id, parameter, code, system)
) STRICT, WITHOUT ROWID;
CREATE INDEX index_token_identifier ON index_token(type, code, system)
  WHERE parameter = 'identifier';
CREATE TABLE index_reference(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  parameter TEXT NOT NULL,
  target_id TEXT NOT NULL,
  target_type TEXT NOT NULL,
  at_home INTEGER NOT NULL,
  PRIMARY KEY (patient_key, type, id, parameter, target_id, target_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX index_reference_elsewhere ON index_reference(target_id, type, parameter, target_type)
  WHERE NOT at_home;
CREATE TABLE index_date(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  parameter TEXT NOT NULL,
  low_us INTEGER NOT NULL,
  high_us INTEGER NOT NULL,
  PRIMARY KEY (patient_key, type, id, parameter, low_us, high_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE index_string(
  patient_key INTEGER NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  parameter TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (patient_key, type, id, parameter, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX index_string_by_value ON index_string(type, parameter, text, id);
INSERT INTO resource SELECT patient_key, type, id, version, last_updated, deleted, label_class_id,
  persons, body, message FROM resource_of_5;
INSERT INTO resource_person SELECT patient_key, type, id, persons, 1, 1 FROM resource_of_5
  WHERE persons <> '' AND instr(persons, ' ') = 0;
INSERT INTO person_policy SELECT patient_key, person, policy_class FROM person_policy_of_5;
DROP TABLE resource_of_5;
DROP TABLE person_policy_of_5;
UPDATE store_schema SET version = 4;
)sql";

// Makes of a file's table of pending entries, which is empty, that of the schemas before 4, with
// one entry: "entry-0".
inline constexpr const char* kPendingBefore4 = R"sql(
DROP TABLE pending_entry;
CREATE TABLE pending_entry(id TEXT NOT NULL, sequence INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (id)) STRICT;
CREATE INDEX pending_entry_by_sequence ON pending_entry(sequence);
INSERT INTO pending_entry VALUES ('entry-0', 7, x'7B7D');
)sql";

}  // namespace gw::store
