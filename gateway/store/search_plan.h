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

// A SELECT and its values: $1 is values[0] and so on, each named once and in order, which SQLite
// and PostgreSQL read alike. Nothing of the caller's stands in the text.
struct SearchPlan {
  std::string sql;
  std::vector<SqlValue> values;
};

enum class SearchShape : uint8_t {
  kPage,   // rows: id, version, last_updated, label_class_id, persons, body; newest first
  kCount,  // one row: how many
};

// What an engine adds to the plan.
struct SearchDialect {
  // A condition on p.person and r.label_class_id that holds where the caller may see that label
  // class of that person. It is asked inside the query, so that pages, order and totals are of
  // what may be seen.
  std::string_view sees;
};

// Plans a search over the tables of docs/decisions/002-store.md. The page holds query.count + 1
// rows where there are as many: the last one only tells that there is more. `after` is where the
// page before ended, null for the first. query.compartment, where present, must not be empty.
// Reads a Criterion as fhir::Matches does.
// Errors: kUnsupported for a parameter of a kind that no table holds (where: the parameter).
Result<SearchPlan> PlanSearch(const fhir::Query& query, SearchShape shape,
                              const SearchPosition* after, const SearchDialect& dialect);

}  // namespace gw::store
