#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/search.h"
#include "gateway/store/search_cursor.h"

namespace gw::store {

using SqlValue = std::variant<int64_t, std::string>;

// A SELECT and its values: $1 is values[0] and so on, each named once and in order. Nothing of the
// caller's stands in the text.
struct SearchPlan {
  std::string sql;
  std::vector<SqlValue> values;
};

enum class SearchShape : uint8_t {
  kPage,   // rows: id, version, last_updated, label_class_id, persons, body; newest first
  kCount,  // one row: how many
};

// What an engine adds to the plan: conditions on the row r. Both are asked inside the query, so
// that pages, order and totals are of what is found and may be seen.
struct SearchDialect {
  // On r.terms and r.persons: holds where the resource meets the query's criteria, but for _id and
  // _lastUpdated, and lies in its compartment (fhir::MeetsCriterion).
  std::string_view holds;
  // On r.persons and r.label_class_id: holds where the caller may see that label class of each of
  // the persons.
  std::string_view sees;
};

// Plans a search over the tables of docs/decisions/002-store.md: where it begins and in what order
// it goes; what the rows hold is decided by `dialect`. The page holds query.count + 1
// rows where there are as many: the last one only tells that there is more. `after` is where the
// page before ended, null for the first. query.compartment, where present, must not be empty.
// Reads a Criterion as fhir::Matches does.
// Errors: kUnsupported for a parameter of a kind that no table holds (where: the parameter).
Result<SearchPlan> PlanSearch(const fhir::Query& query, SearchShape shape,
                              const SearchPosition* after, const SearchDialect& dialect);

// Is it decided by columns of r, and not by what the row holds?
bool IsOwnColumn(const fhir::Criterion& criterion);

}  // namespace gw::store
