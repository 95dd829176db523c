#pragma once

#include <cstdint>
#include <string_view>

namespace gw::store {

// Shard keys: the first 64 bits of SHA-256, the same on every engine, machine and version. A key
// says where a row lies and is never identity: every look-up compares the full texts beside it.

// The patient_key of a resource of a reference table, and of a Patient.
int64_t ResourceKey(std::string_view type, std::string_view id);
// The patient_key of all rows whose home is this Patient.
int64_t PatientKey(std::string_view patient_id);

}  // namespace gw::store
