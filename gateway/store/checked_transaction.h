#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/store/store.h"

namespace gw::store {

// A Write with what follows from it alone, worked out on the caller's thread so that the writer
// only writes.
struct CheckedWrite {
  Write write;                       // persons include the compartments' Patients
  int64_t patient_key = 0;           // of every row
  std::string persons;               // write.stored.persons as one column
  std::vector<bool> in_compartment;  // one for each of write.stored.persons
  std::vector<int64_t> claim_keys;   // one for each of write.claims
};

// A Transaction that breaks no rule that can be told without the database.
struct CheckedTransaction {
  std::vector<CheckedWrite> writes;
  std::optional<MessageRecord> message;
  std::optional<PendingEntry> entry;
  std::vector<std::string> settled;
  Upkeep upkeep;
};

// The same for every engine.
// Errors: kInvalid for a version that is not expected_version + 1, a key that is empty or written
// twice, a person's id that no FHIR id can be, a Consent whose home is not its first person;
// kUnsupported for an index row of a kind that no table holds.
Result<CheckedTransaction> CheckTransaction(Transaction transaction);

// The persons column: ids with one blank between; FHIR ids hold no blank.
std::string JoinPersons(const std::vector<std::string>& persons);
std::vector<std::string> SplitPersons(std::string_view column);

}  // namespace gw::store
