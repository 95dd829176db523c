#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/fhir/path/datetime_internal.h"
#include "gateway/fhir/path/decimal_internal.h"

namespace gw::fhir::path {

// What a unit measures and how large it is: numerator / denominator in base units, which are
// UCUM's, with mole, international unit, enzyme unit and calendar month as dimensions of their own.
struct Unit {
  std::array<int, 11> dimension{};
  Decimal numerator{1, 0};
  Decimal denominator{1, 0};
};

// Reads a UCUM code ("mg/dL", "m2", "10*3/uL") or a calendar word ("week", "months"). Absent for a
// unit that is not in the table or does not fit. Source: UCUM 2.1, the units in R4's examples.
std::optional<Unit> ParseUnit(std::string_view text);

// May values of the two units be compared?
bool Comparable(std::string_view a, std::string_view b);
// `value` of unit `from`, in units of `to`; absent where the dimensions differ or it does not fit.
std::optional<Decimal> Convert(const Decimal& value, std::string_view from, std::string_view to);

// "day", "days" and the like.
std::optional<CalendarUnit> CalendarWordOf(std::string_view text);
// "d", "wk", "h", "min", "s", "ms": the UCUM units that calendar words equal (FHIRPath 2.0, 2.1.9).
std::optional<CalendarUnit> DefiniteDurationOf(std::string_view text);

// A year and UCUM's a, a month and mo: not equal, yet equivalent.
bool EquivalentDurations(std::string_view a, std::string_view b);

}  // namespace gw::fhir::path
