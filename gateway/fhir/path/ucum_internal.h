#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/fhir/path/datetime_internal.h"
#include "gateway/fhir/path/decimal_internal.h"

namespace gw::fhir::path {

// A unit that UCUM names: `value` of `unit`.
struct UnitAtom {
  enum class Kind : uint8_t {
    kBase,             // a dimension of its own
    kPlain,            // takes no prefix
    kMetric,           // takes prefixes
    kOffset,           // a scale with a zero of its own: alone, without prefix or exponent
    kArbitrary,        // of a procedure: comparable with itself only
    kArbitraryMetric,  // the same, with prefixes
  };
  std::string_view code;
  std::string_view value;
  std::string_view unit;
  Kind kind = Kind::kPlain;
  std::string_view offset = {};  // kOffset: added before it is scaled

  bool takes_prefix() const {
    return kind == Kind::kBase || kind == Kind::kMetric || kind == Kind::kArbitraryMetric;
  }
};

// Null where the table has no such unit. Case counts (the c/s form of UCUM).
const UnitAtom* FindUnitAtom(std::string_view code);
// Its place in the table.
size_t PlaceOf(const UnitAtom& atom);

// What a unit measures and how large it is: (value + offset) * numerator / denominator, in base
// units, which are UCUM's, with mole and calendar month as dimensions of their own: an amount of
// substance is no mere number here.
struct Unit {
  // The exponent of an arbitrary unit, by its place in the table; exponent 0: unused.
  struct Arbitrary {
    size_t place = 0;
    int exponent = 0;
    bool operator==(const Arbitrary&) const = default;
  };
  std::array<int, 9> dimension{};        // m, s, g, rad, K, C, cd, mol, calendar month
  std::array<Arbitrary, 2> arbitrary{};  // sorted by place
  Decimal numerator{1, 0};
  Decimal denominator{1, 0};
  Decimal offset{0, 0};

  bool Measures(const Unit& other) const {
    return dimension == other.dimension && arbitrary == other.arbitrary;
  }
};

// Reads a UCUM code ("mg/dL", "m2", "10*3/uL", "kg.m/s2", "mmol/(24.h)", "ug{creat}") or a calendar
// word ("week", "months"). Absent for a unit that the table does not have, or where it does not
// fit. Source: UCUM 2.1, sections 2 to 4.
std::optional<Unit> ParseUnit(std::string_view text);

// May values of the two units be compared?
bool Comparable(std::string_view a, std::string_view b);
// `value` of unit `from`, in units of `to`; absent where the dimensions differ or it does not fit.
std::optional<Decimal> Convert(const Decimal& value, std::string_view from, std::string_view to);
// Cel, [degF]: differences of two such scales are not values of either.
bool HasOffset(std::string_view text);

// "day", "days" and the like.
std::optional<CalendarUnit> CalendarWordOf(std::string_view text);
// "d", "wk", "h", "min", "s", "ms": the UCUM units that calendar words equal (FHIRPath 2.0, 2.1.9).
std::optional<CalendarUnit> DefiniteDurationOf(std::string_view text);

// A year and UCUM's a, a month and mo: not equal, yet equivalent.
bool EquivalentDurations(std::string_view a, std::string_view b);

}  // namespace gw::fhir::path
