#include "gateway/store/sqlite_apply.h"

#include <algorithm>

#include "gateway/base/crypto.h"
#include "gateway/store/shard_key.h"

namespace gw::store {
namespace {

// In the order of SqliteApplier::Id.
constexpr std::array kStatements = {
    "SELECT patient_key FROM resource_home WHERE id = ?1 AND type = ?2",
    "SELECT version, label_class_id, persons, terms FROM resource"
    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "SELECT id FROM identifier WHERE value = ?1 AND type = ?2 AND system = ?3 AND claimed",
    "INSERT INTO resource_home(id, type, patient_key) VALUES (?1, ?2, ?3)",
    "INSERT INTO resource(patient_key, type, id, version, last_updated, deleted, label_class_id,"
    " persons, message, terms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    "INSERT INTO resource_version(patient_key, type, id, version, last_updated, deleted,"
    " label_class_id, persons, body, message) SELECT patient_key, type, id, version, last_updated,"
    " deleted, label_class_id, persons, body, message FROM resource"
    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "UPDATE resource SET version = ?4, last_updated = ?5, deleted = ?6, label_class_id = ?7,"
    " persons = ?8, message = ?9, terms = ?10, body = ?11"
    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "INSERT INTO person_policy(patient_key, person, policy_class) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (person, patient_key) DO UPDATE SET policy_class = excluded.policy_class",
    "INSERT INTO identifier(type, id, patient_key, value, system, claimed)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    "DELETE FROM identifier WHERE type = ?1 AND id = ?2 AND value = ?3 AND system = ?4",
    "INSERT INTO named_elsewhere(type, id, patient_key, person) VALUES (?1, ?2, ?3, ?4)",
    "DELETE FROM named_elsewhere WHERE type = ?1 AND id = ?2 AND person = ?3",
    "INSERT INTO string_value(type, id, patient_key, text, parameter) VALUES (?1, ?2, ?3, ?4, ?5)",
    "DELETE FROM string_value WHERE type = ?1 AND id = ?2 AND text = ?3 AND parameter = ?4",
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
  if (checked.write.expected_version == 0) {
    return current;  // where it exists after all, the key of resource_home refuses
  }
  Execution home(At(kFindHome));
  home.Text(key.id).Text(key.type);
  GW_TRY(current.exists, home.Step());
  if (!current.exists) {
    return Conflict("the resource does not exist");
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
  current.terms = find.BlobAt(3);
  return current;
}

Status SqliteApplier::CheckClaims(const CheckedTransaction& transaction,
                                  const CheckedWrite& checked) {
  const fhir::Key& key = checked.write.stored.key;
  for (const fhir::Identifier& claim : checked.write.claims) {
    Execution find(At(kFindClaim));
    find.Text(claim.value).Text(key.type).Text(claim.system);
    GW_TRY(const bool taken, find.Step());
    if (!taken) {
      continue;
    }
    // A holder that this transaction writes gives it up: no two of its writes claim the same.
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
  const std::string& persons = keeps_sight ? current.persons : checked.persons;
  GW_RETURN_IF_ERROR(WriteRow(checked, current.exists, label_class_id, persons, committed.message));
  // A Patient's links say whose consents hold for it too.
  if (stored.key.type == "Consent" || stored.key.type == "Patient") {
    GW_RETURN_IF_ERROR(WritePolicy(checked, current, committed.sequence));
  }
  return WriteSignposts(checked, current, persons);
}

Status SqliteApplier::WriteRow(const CheckedWrite& checked, bool exists, int64_t label_class_id,
                               std::string_view persons, uint64_t message) {
  const fhir::StoredResource& stored = checked.write.stored;
  if (exists) {
    GW_RETURN_IF_ERROR(Execution(At(kArchiveVersion))
                           .Int(checked.patient_key)
                           .Text(stored.key.type)
                           .Text(stored.key.id)
                           .Finish());
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
      .Int(static_cast<int64_t>(message))
      .Blob(checked.terms)
      .Text(stored.json)
      .Finish();
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

Status SqliteApplier::WriteSignposts(const CheckedWrite& checked, const Current& current,
                                     std::string_view persons) {
  const fhir::Key& key = checked.write.stored.key;
  const std::string& home = checked.write.home;
  std::vector<Signpost> before;
  if (current.exists) {
    GW_RETURN_IF_ERROR(UnpackTerms(current.terms, &before_));
    before = SignpostsTo(before_, current.persons, home);
  }
  GW_RETURN_IF_ERROR(UnpackTerms(checked.terms, &after_));
  return MoveSignposts({checked.patient_key, key.type, key.id}, before,
                       SignpostsTo(after_, persons, home));
}

Status SqliteApplier::MoveSignposts(const Place& place, std::span<const Signpost> before,
                                    std::span<const Signpost> after) {
  // All that go first: one that changes its claim is under the same key.
  for (const Signpost& signpost : before) {
    if (!std::binary_search(after.begin(), after.end(), signpost)) {
      GW_RETURN_IF_ERROR(RemoveSignpost(place, signpost));
    }
  }
  for (const Signpost& signpost : after) {
    if (!std::binary_search(before.begin(), before.end(), signpost)) {
      GW_RETURN_IF_ERROR(AddSignpost(place, signpost));
    }
  }
  return {};
}

Status SqliteApplier::AddSignpost(const Place& place, const Signpost& signpost) {
  static constexpr std::array kInsert = {kInsertIdentifier, kInsertElsewhere, kInsertString};
  Execution row(At(kInsert[static_cast<size_t>(signpost.table)]));
  row.Text(place.type).Text(place.id).Int(place.patient_key).Text(signpost.key);
  if (signpost.table != Signpost::Table::kElsewhere) {
    row.Text(signpost.more);
  }
  if (signpost.table == Signpost::Table::kIdentifier) {
    row.Int(signpost.claimed ? 1 : 0);
  }
  return row.Finish();
}

Status SqliteApplier::RemoveSignpost(const Place& place, const Signpost& signpost) {
  static constexpr std::array kDelete = {kDeleteIdentifier, kDeleteElsewhere, kDeleteString};
  Execution row(At(kDelete[static_cast<size_t>(signpost.table)]));
  row.Text(place.type).Text(place.id).Text(signpost.key);
  if (signpost.table != Signpost::Table::kElsewhere) {
    row.Text(signpost.more);
  }
  return row.Finish();
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

}  // namespace gw::store
