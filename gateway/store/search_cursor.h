#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/crypto.h"
#include "gateway/base/result.h"
#include "gateway/fhir/search.h"

namespace gw::store {

// Where a page ends: the key of its last resource. The next page begins behind it, whatever has
// come or gone in between.
struct SearchPosition {
  int64_t last_updated_us = 0;
  std::string id;
};

// What a search asks, without page size, cursor and compartment: a cursor serves only the search
// that gave it.
crypto::Digest DigestOf(const fhir::Query& query);

// Opaque text with a MAC over position and search under `key`. It tells the caller nothing but the
// key of a resource that is on the page it came with.
std::string EncodeCursor(const SearchPosition& position, const crypto::Digest& search,
                         std::string_view key);
// Errors: kInvalid for any text that EncodeCursor did not make for this search and key.
Result<SearchPosition> DecodeCursor(std::string_view cursor, const crypto::Digest& search,
                                    std::string_view key);

}  // namespace gw::store
