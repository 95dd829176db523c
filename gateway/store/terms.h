#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/search.h"

namespace gw::store {

// An identifier that a resource claims (Write::claims), as views.
struct Claim {
  std::string_view system;
  std::string_view value;
};

// What a resource's row says of what it holds, so that a search decides on the row alone: its index
// rows, the identifiers it claims, and in whose compartment it is. Views; whoever fills it keeps
// the texts.
struct Terms {
  std::vector<fhir::IndexRow> rows;
  std::vector<Claim> claims;
  std::vector<size_t> compartments;  // places in the list of persons concerned, ascending
};

// The column `terms`. Not for index rows of a kind that no store holds (CheckTransaction refuses
// them).
//   terms       := 0x01 n(compartments) n(each)... n(claims) {system value}... n(rows) row...
//   row         := 0x00 code system text | 0x01 code type id | 0x02 code date | 0x03 code string
//                | 0x04 code uri
//   date        := n(low, zigzag) n(high - low, modulo 2^64)
//   text        := n(2 * length) bytes | n(2 * k + 1): the k-th of the first 64 texts written out
//   n           := LEB128, at most 64 bits
std::string PackTerms(const Terms& terms);

// Reads it back; *out, whose memory is used again, holds views into `packed`. Errors: kUnavailable
// where PackTerms cannot have written this; *out is of no use then.
Status UnpackTerms(std::string_view packed, Terms* out);

}  // namespace gw::store
