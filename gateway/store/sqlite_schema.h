#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/result.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

inline constexpr int64_t kSchemaVersion = 1;

// What a database file says of itself.
struct StoreIdentity {
  std::string cursor_key;  // secret of the page cursors; made once, with the file
};

// Makes the tables in an empty file, or checks that the file's are of kSchemaVersion.
// Errors: kInvalid for another version; kUnavailable.
Result<StoreIdentity> PrepareSchema(Connection* writer);

}  // namespace gw::store
