#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/base/arena.h"

namespace gw::fhir::path {

__extension__ typedef __int128 Int128;  // g++ and clang have it; -Wpedantic needs to be told

// An exact decimal: digits / 10^scale. FHIRPath 2.0 asks for 28 digits; this holds 37. Results that
// do not fit are absent, never rounded in silence.
struct Decimal {
  Int128 digits = 0;
  int32_t scale = 0;  // 0 to kScaleMax
};

inline constexpr int32_t kScaleMax = 37;
inline constexpr int32_t kDivisionScale = 8;  // FHIRPath 2.0, Decimal: a step of 10^-8

// 10^exponent; 0 <= exponent <= 38.
Int128 PowerOfTen(int32_t exponent);

// Reads [+-]digits[.digits][(e|E)[+-]digits]; trailing zeros count for the scale.
std::optional<Decimal> ParseDecimal(std::string_view text);
Decimal FromInteger(int64_t value);
// The whole number that `value` is, if it is one and fits.
std::optional<int64_t> ToInteger(const Decimal& value);
std::optional<Decimal> FromDouble(double value);
double ToDouble(const Decimal& value);

// With exactly `value.scale` digits after the point.
std::string_view FormatDecimal(const Decimal& value, Arena* arena);

std::optional<Decimal> Add(const Decimal& a, const Decimal& b);
std::optional<Decimal> Subtract(const Decimal& a, const Decimal& b);
std::optional<Decimal> Multiply(const Decimal& a, const Decimal& b);
// Rounded half up to 8 digits after the point, trailing zeros dropped. Absent where b is zero.
std::optional<Decimal> Divide(const Decimal& a, const Decimal& b);
// As Divide, with as many digits as fit: exact wherever a quotient of that length is.
std::optional<Decimal> DivideFully(const Decimal& a, const Decimal& b);
// The whole part of a / b, towards zero. Absent where b is zero.
std::optional<Decimal> WholeQuotient(const Decimal& a, const Decimal& b);
// Negative, zero or positive as a is below, equal to or above b.
int Compare(const Decimal& a, const Decimal& b);

enum class Rounding : uint8_t { kHalfUp, kTruncate, kFloor, kCeiling };
// To `scale` digits after the point; pads with zeros where there are fewer.
std::optional<Decimal> Rescale(const Decimal& value, int32_t scale, Rounding rounding);
Decimal WithoutTrailingZeros(Decimal value);

}  // namespace gw::fhir::path
