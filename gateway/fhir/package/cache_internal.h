#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {

// The name that the compiled form of these packages, in this order, has in the cache.
std::string CacheName(const std::vector<PackageBytes>& packages);

// The compiled form of that name; nothing where there is none, or it is damaged or of another
// format.
std::optional<std::string> ReadCache(const std::string& folder, const std::string& name);

// Keeps a compiled form: the whole file appears at once or not at all. Where the folder cannot be
// written the next start compiles again; that is all. Format: 32 bytes SHA-256 of the rest, the
// rest.
void WriteCache(const std::string& folder, const std::string& name, std::string_view bytes);

}  // namespace gw::fhir
