#pragma once

#include <cstddef>
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
  Write write;              // persons include the compartments' Patients; a Patient lies at home
  int64_t patient_key = 0;  // of every row
  std::string persons;      // write.stored.persons as one column
  std::string terms;        // what it holds as one column (terms.h)
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
// kUnsupported for an index row of a kind that no store holds; kConflict where two of the writes
// claim the same identifier (hl7_code 205: it is no race, and stays so).
Result<CheckedTransaction> CheckTransaction(Transaction transaction);

// The persons column: ids with one blank between; FHIR ids hold no blank.
std::string JoinPersons(const std::vector<std::string>& persons);
std::vector<std::string> SplitPersons(std::string_view column);
// Takes the next id off the column; empty where nothing is left.
std::string_view NextPerson(std::string_view* column);
// The id at that place, from 0; empty where there is none.
std::string_view PersonAt(std::string_view column, size_t place);

}  // namespace gw::store
