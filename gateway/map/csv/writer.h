#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/export/destination.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"

namespace gw::map {

// A cell that no spreadsheet takes for a formula: where it begins with = + - @ (in full width too,
// or behind blanks and what is not seen), a tab, a line end or an apostrophe, an apostrophe goes
// before it. Reversible: see WithoutGuard.
// Source: OWASP, CSV injection.
std::string WithGuard(std::string_view cell);
// Takes that apostrophe away again.
std::string WithoutGuard(std::string_view cell);

// A CSV file (RFC 4180, with the destination's delimiter, quote, line ends, encoding and dates) of
// a tree of type Rows, guarded cell by cell. `model`: the columns of the tree. A row with a
// character that the encoding does not have is left out, with a remark "row-refused" of severity E,
// where = "row 3, column Name" (of the rows as they came). Errors: kUnprocessable where the header
// has such a character.
Result<std::string> WriteCsv(const fhir::Element& rows, const std::vector<Column>& model,
                             const Destination& destination, std::vector<Remark>* remarks);

}  // namespace gw::map
