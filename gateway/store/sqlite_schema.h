#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/result.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

inline constexpr int64_t kSchemaVersion = 6;

// What a database file says of itself.
struct StoreIdentity {
  std::string cursor_key;  // secret of the page cursors; made once, with the file
};

// Makes the tables in an empty file, brings those of earlier versions up to kSchemaVersion, or
// checks that the file's are of it. Errors: kInvalid for another version; kUnavailable.
Result<StoreIdentity> PrepareSchema(Connection* writer);

// Only the check: for who may not write. Errors: the same.
Result<StoreIdentity> ReadIdentity(Connection* connection);

}  // namespace gw::store
