#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "gateway/fhir/path/decimal_internal.h"

namespace gw::fhir::path {
namespace {

constexpr int32_t kDigitsMax = 37;

constexpr std::array<Int128, 39> MakePowers() {
  std::array<Int128, 39> powers{};
  Int128 power = 1;
  for (size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) {
      power *= 10;
    }
  }
  return powers;
}
constexpr std::array<Int128, 39> kPowers = MakePowers();

Int128 Magnitude(Int128 value) { return value < 0 ? -value : value; }

// Both as whole numbers of the same scale.
struct Aligned {
  Int128 a = 0;
  Int128 b = 0;
  int32_t scale = 0;
};
std::optional<Aligned> Align(Decimal a, Decimal b) {
  const int32_t scale = std::max(a.scale, b.scale);
  Aligned out{0, 0, scale};
  if (__builtin_mul_overflow(a.digits, PowerOfTen(scale - a.scale), &out.a) ||
      __builtin_mul_overflow(b.digits, PowerOfTen(scale - b.scale), &out.b)) {
    return std::nullopt;
  }
  return out;
}

std::optional<Decimal> Checked(Int128 digits, int32_t scale) {
  if (Magnitude(digits) >= PowerOfTen(kDigitsMax)) {
    return std::nullopt;
  }
  return Decimal{digits, scale};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Int128 PowerOfTen(int32_t exponent) { return kPowers[static_cast<size_t>(exponent)]; }

std::optional<Decimal> ParseDecimal(std::string_view text) {
  size_t at = 0;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    at = 1;
  }
  Decimal out;
  int32_t count = 0;
  bool seen_digit = false;
  bool after_point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !after_point && seen_digit) {
      after_point = true;
      continue;
    }
    if (!IsDigit(c)) {
      break;
    }
    seen_digit = true;
    if (out.digits != 0 || c != '0') {
      ++count;
    }
    if (count > kDigitsMax || out.scale >= kScaleMax) {
      return std::nullopt;
    }
    out.digits = out.digits * 10 + (c - '0');
    out.scale += after_point ? 1 : 0;
  }
  if (!seen_digit || (after_point && out.scale == 0)) {
    return std::nullopt;
  }
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') {
      return std::nullopt;
    }
    at += (at + 1 < text.size() && text[at + 1] == '+') ? size_t{2} : size_t{1};
    int32_t exponent = 0;
    const auto read = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || exponent > 100 ||
        exponent < -100) {
      return std::nullopt;
    }
    out.scale -= exponent;
    if (out.scale < 0) {
      if (out.scale < -kDigitsMax ||
          __builtin_mul_overflow(out.digits, PowerOfTen(-out.scale), &out.digits)) {
        return std::nullopt;
      }
      out.scale = 0;
    }
    if (out.scale > kScaleMax) {
      return std::nullopt;
    }
  }
  if (negative) {
    out.digits = -out.digits;
  }
  return Checked(out.digits, out.scale);
}

Decimal FromInteger(int64_t value) { return Decimal{value, 0}; }

std::optional<int64_t> ToInteger(const Decimal& value) {
  const Int128 power = PowerOfTen(value.scale);
  const Int128 whole = value.digits / power;
  if (value.digits % power != 0 || whole > std::numeric_limits<int64_t>::max() ||
      whole < std::numeric_limits<int64_t>::min()) {
    return std::nullopt;
  }
  return static_cast<int64_t>(whole);
}

std::optional<Decimal> FromDouble(double value) {
  if (!std::isfinite(value)) {
    return std::nullopt;
  }
  // Fifteen significant digits survive double arithmetic; the rest is noise of the binary form.
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::scientific, 14);
  const std::string_view text(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
  std::optional<Decimal> read = ParseDecimal(text);
  return read ? std::optional<Decimal>(WithoutTrailingZeros(*read)) : std::nullopt;
}

double ToDouble(const Decimal& value) {
  return static_cast<double>(value.digits) / std::pow(10.0, value.scale);
}

std::string_view FormatDecimal(const Decimal& value, Arena* arena) {
  std::array<char, 48> buffer{};
  size_t at = buffer.size();
  Int128 rest = Magnitude(value.digits);
  int32_t written = 0;
  do {
    if (written == value.scale && written != 0) {
      buffer[--at] = '.';
    }
    buffer[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  } while (rest != 0 || written <= value.scale);
  if (value.digits < 0) {
    buffer[--at] = '-';
  }
  return arena->Copy(std::string_view(buffer.data() + at, buffer.size() - at));
}

std::optional<Decimal> Add(const Decimal& a, const Decimal& b) {
  const std::optional<Aligned> both = Align(a, b);
  Int128 sum = 0;
  if (!both || __builtin_add_overflow(both->a, both->b, &sum)) {
    return std::nullopt;
  }
  return Checked(sum, both->scale);
}

std::optional<Decimal> Subtract(const Decimal& a, const Decimal& b) {
  return Add(a, Decimal{-b.digits, b.scale});
}

std::optional<Decimal> Multiply(const Decimal& a, const Decimal& b) {
  Decimal x = a;
  Decimal y = b;
  Int128 product = 0;
  if (x.scale + y.scale > kScaleMax || __builtin_mul_overflow(x.digits, y.digits, &product)) {
    x = WithoutTrailingZeros(x);
    y = WithoutTrailingZeros(y);
    if (x.scale + y.scale > kScaleMax || __builtin_mul_overflow(x.digits, y.digits, &product)) {
      return std::nullopt;
    }
  }
  return Checked(product, x.scale + y.scale);
}

std::optional<Decimal> Divide(const Decimal& a, const Decimal& b) {
  if (b.digits == 0) {
    return std::nullopt;
  }
  const Decimal x = WithoutTrailingZeros(a);
  const Decimal y = WithoutTrailingZeros(b);
  // One digit more than asked, for the rounding: x * 10^(9 + y.scale - x.scale) / y.
  const int32_t shift = kDivisionScale + 1 + y.scale - x.scale;
  Int128 top = x.digits;
  Int128 bottom = y.digits;
  if (shift > 38 || shift < -38 ||
      (shift >= 0 ? __builtin_mul_overflow(top, PowerOfTen(shift), &top)
                  : __builtin_mul_overflow(bottom, PowerOfTen(-shift), &bottom))) {
    return FromDouble(ToDouble(a) / ToDouble(b));
  }
  const std::optional<Decimal> exact = Checked(top / bottom, kDivisionScale + 1);
  if (!exact) {
    return std::nullopt;
  }
  const std::optional<Decimal> rounded = Rescale(*exact, kDivisionScale, Rounding::kHalfUp);
  return rounded ? std::optional<Decimal>(WithoutTrailingZeros(*rounded)) : std::nullopt;
}

std::optional<Decimal> DivideFully(const Decimal& a, const Decimal& b) {
  if (b.digits == 0) {
    return std::nullopt;
  }
  const Decimal x = WithoutTrailingZeros(a);
  const Decimal y = WithoutTrailingZeros(b);
  int32_t shift = 0;
  while (shift < kDigitsMax && Magnitude(x.digits) * 10 < kPowers[37] / PowerOfTen(shift)) {
    ++shift;
  }
  Int128 digits = x.digits * PowerOfTen(shift) / y.digits;
  int32_t scale = x.scale + shift - y.scale;
  while (scale > 0 && (digits % 10 == 0 || scale > kScaleMax)) {
    digits /= 10;
    --scale;
  }
  if (scale < 0) {
    if (scale < -kDigitsMax || __builtin_mul_overflow(digits, PowerOfTen(-scale), &digits)) {
      return std::nullopt;
    }
    scale = 0;
  }
  return Checked(digits, scale);
}

std::optional<Decimal> WholeQuotient(const Decimal& a, const Decimal& b) {
  const std::optional<Aligned> both = Align(a, b);
  if (!both || both->b == 0) {
    return std::nullopt;
  }
  return Decimal{both->a / both->b, 0};
}

int Compare(const Decimal& a, const Decimal& b) {
  // Whole parts first, then the fractions on one scale: both steps fit whatever the scales are.
  const Int128 whole_a = a.digits / PowerOfTen(a.scale);
  const Int128 whole_b = b.digits / PowerOfTen(b.scale);
  if (whole_a != whole_b) {
    return whole_a < whole_b ? -1 : 1;
  }
  const int32_t scale = std::max(a.scale, b.scale);
  const Int128 rest_a = a.digits % PowerOfTen(a.scale) * PowerOfTen(scale - a.scale);
  const Int128 rest_b = b.digits % PowerOfTen(b.scale) * PowerOfTen(scale - b.scale);
  return rest_a == rest_b ? 0 : rest_a < rest_b ? -1 : 1;
}

std::optional<Decimal> Rescale(const Decimal& value, int32_t scale, Rounding rounding) {
  if (scale < 0 || scale > kScaleMax) {
    return std::nullopt;
  }
  if (scale >= value.scale) {
    Int128 digits = 0;
    if (__builtin_mul_overflow(value.digits, PowerOfTen(scale - value.scale), &digits)) {
      return std::nullopt;
    }
    return Checked(digits, scale);
  }
  const Int128 power = PowerOfTen(value.scale - scale);
  Int128 digits = value.digits / power;
  const Int128 rest = value.digits % power;
  const bool negative = value.digits < 0;
  const bool away = (rounding == Rounding::kHalfUp && Magnitude(rest) >= power - Magnitude(rest)) ||
                    (rounding == Rounding::kFloor && rest != 0 && negative) ||
                    (rounding == Rounding::kCeiling && rest != 0 && !negative);
  if (away) {
    digits += negative ? -1 : 1;
  }
  return Decimal{digits, scale};
}

Decimal WithoutTrailingZeros(Decimal value) {
  while (value.scale > 0 && value.digits % 10 == 0) {
    value.digits /= 10;
    --value.scale;
  }
  return value;
}

}  // namespace gw::fhir::path
