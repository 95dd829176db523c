#pragma once

#include "gateway/base/result.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

// Carries the resources of a file of version 4 or before into the tables of version 5: what their
// rows in index_*, resource_person and identifier_claim said becomes their terms and signposts. The
// old table is resource_before_5, the new ones are there and empty. Inside the caller's
// transaction. Errors: kUnavailable.
Status CarryResources(Connection* writer);

}  // namespace gw::store
