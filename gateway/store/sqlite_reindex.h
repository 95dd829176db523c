#pragma once

#include "gateway/base/result.h"
#include "gateway/fhir/search.h"
#include "gateway/store/sqlite_connection.h"

namespace gw::store {

// Makes the rows of the search index anew where those in the file are of another set of search
// parameters, or of none that is known: of every current resource, some hundreds in one engine
// commit. Cut short, it begins again at the next call. Before anything else reads or writes.
// Errors: kInvalid where a stored resource cannot be read; kUnavailable.
Status EnsureIndex(Connection* writer, const fhir::SearchIndexer& indexer);

}  // namespace gw::store
