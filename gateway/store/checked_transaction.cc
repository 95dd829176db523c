#include "gateway/store/checked_transaction.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/store/shard_key.h"
#include "gateway/store/terms.h"

namespace gw::store {
namespace {

Error Broken(const char* rule) { return Error{Code::kInvalid, rule, "store"}; }

bool IsPlainId(std::string_view id) {
  return !id.empty() && std::none_of(id.begin(), id.end(),
                                     [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
}

// The Patients of the compartments are persons concerned, whatever the list says: else a resource
// could lie in the record of someone who is not asked.
Status CheckPersons(CheckedWrite* checked) {
  std::vector<std::string>& persons = checked->write.stored.persons;
  for (const std::string& patient : checked->write.compartments) {
    if (std::find(persons.begin(), persons.end(), patient) == persons.end()) {
      persons.push_back(patient);
    }
  }
  for (const std::string& person : persons) {
    if (!IsPlainId(person)) {
      return Broken("a person concerned has no valid id");
    }
  }
  checked->persons = JoinPersons(persons);
  return {};
}

Status CheckIndex(const std::vector<fhir::IndexEntry>& index) {
  for (const fhir::IndexEntry& entry : index) {
    switch (entry.kind) {
      case fhir::SearchKind::kToken:
      case fhir::SearchKind::kReference:
      case fhir::SearchKind::kDate:
      case fhir::SearchKind::kString:
      case fhir::SearchKind::kUri:
        break;
      case fhir::SearchKind::kNumber:
      case fhir::SearchKind::kComposite:
      case fhir::SearchKind::kQuantity:
      case fhir::SearchKind::kSpecial:
        return Error{Code::kUnsupported, "no index holds search parameters of this kind",
                     std::string(entry.code)};
    }
  }
  return {};
}

std::string TermsOf(const Write& write) {
  Terms terms;
  const std::vector<std::string>& persons = write.stored.persons;
  for (size_t place = 0; place < persons.size(); ++place) {
    const auto& compartments = write.compartments;
    if (std::find(compartments.begin(), compartments.end(), persons[place]) != compartments.end()) {
      terms.compartments.push_back(place);
    }
  }
  terms.claims.reserve(write.claims.size());
  for (const fhir::Identifier& claim : write.claims) {
    terms.claims.push_back({claim.system, claim.value});
  }
  terms.rows = fhir::RowsOf(write.index);
  return PackTerms(terms);
}

Result<CheckedWrite> CheckWrite(Write write) {
  CheckedWrite checked;
  checked.write = std::move(write);
  const fhir::StoredResource& stored = checked.write.stored;
  if (!IsPlainId(stored.key.type) || !IsPlainId(stored.key.id)) {
    return Broken("a resource has no valid type or id");
  }
  if (stored.version != checked.write.expected_version + 1) {
    return Broken("a version does not follow the one that is expected");
  }
  GW_RETURN_IF_ERROR(CheckPersons(&checked));
  // ConsentsOf looks in the person's own shard only: a Consent elsewhere would not be heard.
  if (stored.key.type == "Consent" && !stored.persons.empty() &&
      stored.persons.front() != checked.write.home) {
    return Broken("a Consent lies with the person whose consent it is");
  }
  GW_RETURN_IF_ERROR(CheckIndex(checked.write.index));
  checked.patient_key = checked.write.home.empty() ? ResourceKey(stored.key.type, stored.key.id)
                                                   : PatientKey(checked.write.home);
  if (checked.write.home.empty() && stored.key.type == "Patient") {
    checked.write.home = stored.key.id;
  }
  checked.terms = TermsOf(checked.write);
  return checked;
}

bool WritesOneKeyTwice(const std::vector<CheckedWrite>& writes) {
  std::vector<const fhir::Key*> keys;
  keys.reserve(writes.size());
  for (const CheckedWrite& checked : writes) {
    keys.push_back(&checked.write.stored.key);
  }
  std::sort(keys.begin(), keys.end(),
            [](const fhir::Key* a, const fhir::Key* b) { return *a < *b; });
  return std::adjacent_find(keys.begin(), keys.end(), [](const fhir::Key* a, const fhir::Key* b) {
           return *a == *b;
         }) != keys.end();
}

bool ClaimsTwice(const std::vector<CheckedWrite>& writes) {
  struct Claimed {
    const std::string* type;
    const fhir::Identifier* identifier;
    const CheckedWrite* by;
  };
  const auto same = [](const Claimed& a, const Claimed& b) {
    return *a.type == *b.type && *a.identifier == *b.identifier;
  };
  std::vector<Claimed> all;
  for (const CheckedWrite& checked : writes) {
    for (const fhir::Identifier& claim : checked.write.claims) {
      all.push_back({&checked.write.stored.key.type, &claim, &checked});
    }
  }
  std::sort(all.begin(), all.end(), [](const Claimed& a, const Claimed& b) {
    return std::tie(*a.type, *a.identifier, a.by) < std::tie(*b.type, *b.identifier, b.by);
  });
  return std::adjacent_find(all.begin(), all.end(), [&same](const Claimed& a, const Claimed& b) {
           return same(a, b) && a.by != b.by;
         }) != all.end();
}

}  // namespace

Result<CheckedTransaction> CheckTransaction(Transaction transaction) {
  CheckedTransaction checked;
  checked.writes.reserve(transaction.writes.size());
  for (Write& write : transaction.writes) {
    GW_TRY(CheckedWrite next, CheckWrite(std::move(write)));
    checked.writes.push_back(std::move(next));
  }
  if (WritesOneKeyTwice(checked.writes)) {
    return Broken("a transaction writes a resource twice");
  }
  if (ClaimsTwice(checked.writes)) {
    return Error{Code::kConflict, "two resources claim the same identifier", "store",
                 hl7_code::kDuplicateKeyIdentifier};
  }
  if (transaction.entry &&
      (transaction.entry->bytes.empty() || transaction.entry->bytes.size() > kEntryBytesMax)) {
    return Broken("a log entry has 1 byte to 1 MiB");
  }
  checked.message = std::move(transaction.message);
  checked.entry = std::move(transaction.entry);
  checked.settled = std::move(transaction.settled);
  checked.upkeep = std::move(transaction.upkeep);
  return checked;
}

std::string JoinPersons(const std::vector<std::string>& persons) {
  std::string column;
  for (const std::string& person : persons) {
    if (!column.empty()) {
      column += ' ';
    }
    column += person;
  }
  return column;
}

std::vector<std::string> SplitPersons(std::string_view column) {
  std::vector<std::string> persons;
  while (!column.empty()) {
    persons.emplace_back(NextPerson(&column));
  }
  return persons;
}

std::string_view NextPerson(std::string_view* column) {
  const size_t end = column->find(' ');
  const std::string_view person = column->substr(0, end);
  column->remove_prefix(end == std::string_view::npos ? column->size() : end + 1);
  return person;
}

std::string_view PersonAt(std::string_view column, size_t place) {
  for (; place > 0 && !column.empty(); --place) {
    NextPerson(&column);
  }
  return NextPerson(&column);
}

}  // namespace gw::store
