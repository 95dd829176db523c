#include "gateway/store/sqlite_apply.h"

#include <algorithm>

#include "gateway/base/crypto.h"
#include "gateway/store/shard_key.h"

namespace gw::store {
namespace {

// In the order of SqliteApplier::Id.
constexpr std::array kStatements = {
    "SELECT patient_key FROM resource_home WHERE id = ?1 AND type = ?2",
    "SELECT version, label_class_id, persons FROM resource"
    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "SELECT id FROM identifier_claim"
    " WHERE identifier_key = ?1 AND type = ?2 AND system = ?3 AND value = ?4",
    "INSERT INTO resource_home(id, type, patient_key) VALUES (?1, ?2, ?3)",
    "INSERT INTO resource(patient_key, type, id, version, last_updated, deleted, label_class_id,"
    " persons, body, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "INSERT INTO resource_version(patient_key, type, id, version, last_updated, deleted,"
    " label_class_id, persons, body, message) SELECT patient_key, type, id, version, last_updated,"
    " deleted, label_class_id, persons, body, message FROM resource"
    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "UPDATE resource SET version = ?4, last_updated = ?5, deleted = ?6, label_class_id = ?7,"
    " persons = ?8, body = ?9, message = ?10 WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "DELETE FROM resource_person WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO resource_person(patient_key, type, id, person, in_compartment, at_home)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (patient_key, type, id, person) DO NOTHING",
    "INSERT INTO person_policy(patient_key, person, policy_class) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (patient_key, person) DO UPDATE SET policy_class = excluded.policy_class",
    "DELETE FROM identifier_claim WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO identifier_claim(identifier_key, type, system, value, patient_key, id)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    "DELETE FROM index_token WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO index_token(patient_key, type, id, parameter, code, system)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (patient_key, type, id, parameter, code, system) DO NOTHING",
    "DELETE FROM index_reference WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO index_reference(patient_key, type, id, parameter, target_id, target_type,"
    " at_home) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (patient_key, type, id, parameter, target_id, target_type) DO NOTHING",
    "DELETE FROM index_date WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO index_date(patient_key, type, id, parameter, low_us, high_us)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (patient_key, type, id, parameter, low_us, high_us) DO NOTHING",
    "DELETE FROM index_string WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO index_string(patient_key, type, id, parameter, text) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (patient_key, type, id, parameter, text) DO NOTHING",
    "SELECT text FROM label_class WHERE label_class_id = ?1",
    "INSERT INTO label_class(label_class_id, text) VALUES (?1, ?2)",
    "INSERT INTO pending_entry(id, sequence, bytes) VALUES (?1, ?2, ?3)",
    "DELETE FROM pending_entry WHERE id = ?1",
    "SELECT sequence FROM commit_sequence WHERE node = ''",
    "INSERT INTO commit_sequence(node, sequence) VALUES ('', ?1)"
    " ON CONFLICT (node) DO UPDATE SET sequence = excluded.sequence",
};

// The texts of label_ids_ are few in use, but they come from outside.
constexpr size_t kLabelsRemembered = 10'000;

Error Conflict(const char* rule) { return Error{Code::kConflict, rule, "store"}; }

}  // namespace

Result<SqliteApplier> SqliteApplier::Make(Connection* connection) {
  static_assert(kStatements.size() == kStatementCount);
  GW_TRY(SqliteArchiveApplier archive, SqliteArchiveApplier::Make(connection));
  SqliteApplier applier(std::move(archive));
  for (size_t i = 0; i < kStatements.size(); ++i) {
    GW_TRY(applier.statements_[i], connection->Prepare(kStatements[i]));
  }
  return applier;
}

Status SqliteApplier::Apply(const CheckedTransaction& transaction, uint64_t sequence, bool* wrote,
                            Committed* committed) {
  *wrote = false;
  *committed = Committed{sequence, 0, 0};
  GW_TRY(committed->message, archive_.Check(transaction, sequence));
  std::vector<Current> current;
  current.reserve(transaction.writes.size());
  for (const CheckedWrite& checked : transaction.writes) {
    GW_TRY(Current found, CheckVersion(checked));
    current.push_back(std::move(found));
    GW_RETURN_IF_ERROR(CheckClaims(transaction, checked));
  }
  *wrote = true;
  for (size_t i = 0; i < current.size(); ++i) {
    // All are let go first: one write may take what another gives up.
    GW_RETURN_IF_ERROR(current[i].exists ? DeleteRows(kDeleteClaims, transaction.writes[i])
                                         : Status());
  }
  for (size_t i = 0; i < current.size(); ++i) {
    GW_RETURN_IF_ERROR(WriteResource(transaction.writes[i], current[i], *committed));
  }
  GW_RETURN_IF_ERROR(archive_.Write(transaction, committed));
  return WriteEntries(transaction, sequence);
}

Status SqliteApplier::WriteEntries(const CheckedTransaction& transaction, uint64_t sequence) {
  for (const std::string& id : transaction.settled) {
    GW_RETURN_IF_ERROR(Execution(At(kDeleteEntry)).Text(id).Finish());
  }
  if (!transaction.entry) {
    return {};
  }
  return Execution(At(kInsertEntry))
      .Text(transaction.entry->id)
      .Int(static_cast<int64_t>(sequence))
      .Blob(transaction.entry->bytes)
      .Finish();
}

Result<SqliteApplier::Current> SqliteApplier::CheckVersion(const CheckedWrite& checked) {
  const fhir::Key& key = checked.write.stored.key;
  Current current;
  Execution home(At(kFindHome));
  home.Text(key.id).Text(key.type);
  GW_TRY(current.exists, home.Step());
  if (!current.exists) {
    if (checked.write.expected_version != 0) {
      return Conflict("the resource does not exist");
    }
    return current;
  }
  const int64_t patient_key = home.IntAt(0);
  Execution find(At(kFindCurrent));
  find.Int(patient_key).Text(key.type).Text(key.id);
  GW_TRY(const bool found, find.Step());
  if (!found) {
    return Error{Code::kUnavailable, "a resource is not where its home says", "store"};
  }
  if (static_cast<uint64_t>(find.IntAt(0)) != checked.write.expected_version) {
    return Conflict("the resource has another version by now");
  }
  if (patient_key != checked.patient_key) {
    return Error{Code::kUnprocessable, "a resource cannot move to another patient", "store"};
  }
  current.label_class_id = find.IntAt(1);
  current.persons = find.TextAt(2);
  return current;
}

Status SqliteApplier::CheckClaims(const CheckedTransaction& transaction,
                                  const CheckedWrite& checked) {
  const fhir::Key& key = checked.write.stored.key;
  for (size_t i = 0; i < checked.write.claims.size(); ++i) {
    Execution find(At(kFindClaim));
    find.Int(checked.claim_keys[i])
        .Text(key.type)
        .Text(checked.write.claims[i].system)
        .Text(checked.write.claims[i].value);
    GW_TRY(const bool taken, find.Step());
    if (!taken) {
      continue;
    }
    // A holder that this transaction writes may give it up; if not, the primary key refuses.
    const bool ours = std::any_of(transaction.writes.begin(), transaction.writes.end(),
                                  [&](const CheckedWrite& other) {
                                    return other.write.stored.key.type == key.type &&
                                           other.write.stored.key.id == find.TextAt(0);
                                  });
    if (!ours) {
      return Conflict("an identifier belongs to another resource");
    }
  }
  return {};
}

Status SqliteApplier::WriteResource(const CheckedWrite& checked, const Current& current,
                                    const Committed& committed) {
  const fhir::StoredResource& stored = checked.write.stored;
  // A deletion that names nobody is seen by those who could see what it deletes: else it would tell
  // everybody that there was something.
  const bool keeps_sight = stored.deleted && current.exists && stored.persons.empty();
  int64_t label_class_id = current.label_class_id;
  if (!keeps_sight) {
    GW_TRY(label_class_id, LabelClassId(stored.label_class));
  }
  GW_RETURN_IF_ERROR(WriteRow(checked, current.exists, label_class_id,
                              keeps_sight ? current.persons : checked.persons, committed.message));
  if (!keeps_sight) {
    GW_RETURN_IF_ERROR(WritePersons(checked, current));
  }
  // A Patient's links say whose consents hold for it too.
  if (stored.key.type == "Consent" || stored.key.type == "Patient") {
    GW_RETURN_IF_ERROR(WritePolicy(checked, current, committed.sequence));
  }
  GW_RETURN_IF_ERROR(WriteIndex(checked, current.exists));
  return WriteClaims(checked);
}

Status SqliteApplier::WriteRow(const CheckedWrite& checked, bool exists, int64_t label_class_id,
                               std::string_view persons, uint64_t message) {
  const fhir::StoredResource& stored = checked.write.stored;
  if (exists) {
    GW_RETURN_IF_ERROR(DeleteRows(kArchiveVersion, checked));
  } else {
    GW_RETURN_IF_ERROR(Execution(At(kInsertHome))
                           .Text(stored.key.id)
                           .Text(stored.key.type)
                           .Int(checked.patient_key)
                           .Finish());
  }
  return Execution(At(exists ? kUpdateResource : kInsertResource))
      .Int(checked.patient_key)
      .Text(stored.key.type)
      .Text(stored.key.id)
      .Int(static_cast<int64_t>(stored.version))
      .Int(stored.last_updated.unix_us)
      .Int(stored.deleted ? 1 : 0)
      .Int(label_class_id)
      .Text(persons)
      .Text(stored.json)
      .Int(static_cast<int64_t>(message))
      .Finish();
}

Status SqliteApplier::WritePersons(const CheckedWrite& checked, const Current& current) {
  if (current.exists) {
    GW_RETURN_IF_ERROR(DeleteRows(kDeletePersons, checked));
  }
  const fhir::StoredResource& stored = checked.write.stored;
  for (size_t i = 0; i < stored.persons.size(); ++i) {
    GW_RETURN_IF_ERROR(Execution(At(kInsertPerson))
                           .Int(checked.patient_key)
                           .Text(stored.key.type)
                           .Text(stored.key.id)
                           .Text(stored.persons[i])
                           .Int(checked.in_compartment[i] ? 1 : 0)
                           .Int(stored.persons[i] == checked.write.home ? 1 : 0)
                           .Finish());
  }
  return {};
}

// Whom it concerned before counts too: a Consent that no longer names somebody changes what holds
// for them.
Status SqliteApplier::WritePolicy(const CheckedWrite& checked, const Current& current,
                                  uint64_t sequence) {
  std::vector<std::string> persons = SplitPersons(current.persons);
  persons.insert(persons.end(), checked.write.stored.persons.begin(),
                 checked.write.stored.persons.end());
  for (const std::string& person : persons) {
    GW_RETURN_IF_ERROR(Execution(At(kUpsertPolicy))
                           .Int(PatientKey(person))
                           .Text(person)
                           .Int(static_cast<int64_t>(sequence))
                           .Finish());
  }
  return {};
}

Status SqliteApplier::WriteIndex(const CheckedWrite& checked, bool exists) {
  for (const Id id : {kDeleteTokens, kDeleteReferences, kDeleteDates, kDeleteStrings}) {
    GW_RETURN_IF_ERROR(exists ? DeleteRows(id, checked) : Status());
  }
  for (const fhir::IndexEntry& entry : checked.write.index) {
    GW_RETURN_IF_ERROR(WriteIndexEntry(checked, entry));
  }
  return {};
}

Status SqliteApplier::WriteIndexEntry(const CheckedWrite& checked, const fhir::IndexEntry& entry) {
  const fhir::Key& key = checked.write.stored.key;
  const bool token = entry.kind == fhir::SearchKind::kToken;
  const bool reference = entry.kind == fhir::SearchKind::kReference;
  const bool date = entry.kind == fhir::SearchKind::kDate;
  const Id id = token       ? kInsertToken
                : reference ? kInsertReference
                : date      ? kInsertDate
                            : kInsertString;
  Execution row(At(id));
  row.Int(checked.patient_key).Text(key.type).Text(key.id).Text(entry.code);
  if (date) {
    row.Int(entry.low_us).Int(entry.high_us);
    return row.Finish();
  }
  row.Text(entry.text);
  if (token) {
    row.Text(entry.system);
  } else if (reference) {
    const bool at_home = entry.reference_type == "Patient" && entry.text == checked.write.home;
    row.Text(entry.reference_type).Int(at_home ? 1 : 0);
  }
  return row.Finish();
}

Status SqliteApplier::WriteClaims(const CheckedWrite& checked) {
  const fhir::Key& key = checked.write.stored.key;
  for (size_t i = 0; i < checked.write.claims.size(); ++i) {
    GW_RETURN_IF_ERROR(Execution(At(kInsertClaim))
                           .Int(checked.claim_keys[i])
                           .Text(key.type)
                           .Text(checked.write.claims[i].system)
                           .Text(checked.write.claims[i].value)
                           .Int(checked.patient_key)
                           .Text(key.id)
                           .Finish());
  }
  return {};
}

// The id is a hash of the text, so that it needs no sequence; where another text has it already,
// the next of the chain is tried: two texts never share an id, since they would share decisions.
Result<int64_t> SqliteApplier::LabelClassId(const std::string& text) {
  if (const auto known = label_ids_.find(text); known != label_ids_.end()) {
    return known->second;
  }
  if (label_ids_.size() >= kLabelsRemembered) {
    label_ids_.clear();
  }
  int64_t id = ResourceKey("label_class", text);
  bool named = false;
  while (!named) {
    Execution find(At(kFindLabel));
    find.Int(id);
    GW_TRY(const bool taken, find.Step());
    GW_RETURN_IF_ERROR(taken ? Status() : Execution(At(kInsertLabel)).Int(id).Text(text).Finish());
    named = !taken || find.TextAt(0) == text;
    id = named ? id : ResourceKey(std::to_string(id), text);
  }
  label_ids_.emplace(text, id);
  return id;
}

Result<uint64_t> SqliteApplier::LastSequence() {
  Execution find(At(kFindSequence));
  GW_TRY(const bool found, find.Step());
  return found ? static_cast<uint64_t>(find.IntAt(0)) : uint64_t{0};
}

Status SqliteApplier::Finish(uint64_t sequence) {
  GW_RETURN_IF_ERROR(archive_.WriteCounts());
  return Execution(At(kUpsertSequence)).Int(static_cast<int64_t>(sequence)).Finish();
}

Status SqliteApplier::DeleteRows(Id id, const CheckedWrite& checked) {
  const fhir::Key& key = checked.write.stored.key;
  return Execution(At(id)).Int(checked.patient_key).Text(key.type).Text(key.id).Finish();
}

}  // namespace gw::store
