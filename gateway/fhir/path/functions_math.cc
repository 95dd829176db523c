// FHIRPath 2.0, 5.7: mathematics; boundaries, precision() and comparable() of R4's suite.
#include <array>
#include <cmath>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

using VKind = Value::Kind;
constexpr int64_t kExactPowerMax = 128;

bool PushDecimal(Evaluator& evaluator, const std::optional<Decimal>& value) {
  return !value ||
         evaluator.Push(Value::Of(VKind::kDecimal, FormatDecimal(*value, &evaluator.arena())));
}

// The input as a number, absent where it is empty; anything else is an error.
bool Number(Evaluator& evaluator, const Node& node, Range range, std::optional<Decimal>* out) {
  std::optional<Value> value;
  if (!evaluator.Single(node, range, &value)) {
    return false;
  }
  out->reset();
  if (!value) {
    return true;
  }
  *out = NumberOf(*value);
  return out->has_value() || evaluator.Fail(node, "a number was expected");
}

bool NumberArgument(Evaluator& evaluator, const Node& node, std::optional<Decimal>* out) {
  Range range;
  if (!evaluator.Argument(node, 0, &range) || !Number(evaluator, *node.arguments[0], range, out)) {
    return false;
  }
  evaluator.stack().Truncate(range.begin);
  return true;
}

bool Abs(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Value> value;
  if (!evaluator.Single(node, input, &value)) {
    return false;
  }
  if (!value) {
    return true;
  }
  if (value->kind() == VKind::kInteger) {
    return value->integer() == INT64_MIN || evaluator.PushInteger(std::abs(value->integer()));
  }
  if (value->kind() != VKind::kDecimal && value->kind() != VKind::kQuantity) {
    return evaluator.Fail(node, "a number or a quantity was expected");
  }
  std::optional<Decimal> number = ParseDecimal(value->text());
  if (!number) {
    return true;
  }
  number->digits = number->digits < 0 ? -number->digits : number->digits;
  return evaluator.Push(
      Value::Of(value->kind(), FormatDecimal(*number, &evaluator.arena()), value->unit()));
}

template <Rounding kRounding>
bool ToWhole(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Decimal> number;
  if (!Number(evaluator, node, input, &number)) {
    return false;
  }
  const std::optional<Decimal> rounded = number ? Rescale(*number, 0, kRounding) : std::nullopt;
  const std::optional<int64_t> whole = rounded ? ToInteger(*rounded) : std::nullopt;
  return !whole || evaluator.PushInteger(*whole);
}

template <double (*kFunction)(double)>
bool Real(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Decimal> number;
  if (!Number(evaluator, node, input, &number)) {
    return false;
  }
  return !number || PushDecimal(evaluator, FromDouble(kFunction(ToDouble(*number))));
}

bool Log(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Decimal> number;
  std::optional<Decimal> base;
  if (!Number(evaluator, node, input, &number) || !NumberArgument(evaluator, node, &base)) {
    return false;
  }
  if (!number || !base) {
    return true;
  }
  const double x = ToDouble(*number);
  const double b = ToDouble(*base);
  // The library's own bases are exact where the quotient of two logarithms is not.
  const double out = b == 2 ? std::log2(x) : b == 10 ? std::log10(x) : std::log(x) / std::log(b);
  return PushDecimal(evaluator, FromDouble(out));
}

// base^exponent exactly, where that fits.
std::optional<Decimal> WholePower(const Decimal& base, int64_t exponent) {
  Decimal out{1, 0};
  for (int64_t i = 0; i < exponent; ++i) {
    const std::optional<Decimal> next = Multiply(out, base);
    if (!next) {
      return std::nullopt;
    }
    out = *next;
  }
  return out;
}

bool Power(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Decimal> base;
  std::optional<Decimal> exponent;
  if (!Number(evaluator, node, input, &base) || !NumberArgument(evaluator, node, &exponent)) {
    return false;
  }
  if (!base || !exponent) {
    return true;
  }
  const std::optional<int64_t> whole = ToInteger(*exponent);
  std::optional<Decimal> out;
  if (whole && *whole >= 0 && *whole <= kExactPowerMax) {
    out = WholePower(*base, *whole);
  }
  if (!out) {
    out = FromDouble(std::pow(ToDouble(*base), ToDouble(*exponent)));
  }
  const bool integers = base->scale == 0 && exponent->scale == 0 && out && out->scale == 0;
  const std::optional<int64_t> integer = integers ? ToInteger(*out) : std::nullopt;
  return integer ? evaluator.PushInteger(*integer) : PushDecimal(evaluator, out);
}

bool Round(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Decimal> number;
  std::optional<int64_t> scale = 0;
  if (!Number(evaluator, node, input, &number) ||
      (!node.arguments.empty() && !evaluator.IntegerArgument(node, 0, &scale))) {
    return false;
  }
  if (!number || !scale) {
    return true;
  }
  if (*scale < 0) {
    return evaluator.Fail(node, "the precision must not be negative");
  }
  if (*scale >= number->scale) {
    return PushDecimal(evaluator, number);
  }
  return PushDecimal(evaluator, Rescale(*number, static_cast<int32_t>(*scale), Rounding::kHalfUp));
}

// Half a unit of the last digit below or above. The magnitude that grows is rounded, the one that
// shrinks is cut, as the official suite has it.
std::optional<Decimal> NumberBoundary(const Decimal& number, int64_t scale, bool high) {
  if (scale < 0 || scale > 28) {
    return std::nullopt;
  }
  const bool negative = number.digits < 0;
  const bool away = negative != high;
  const Decimal magnitude{negative ? -number.digits : number.digits, number.scale};
  const Decimal half{5, number.scale + 1};
  const std::optional<Decimal> exact = away ? Add(magnitude, half) : Subtract(magnitude, half);
  std::optional<Decimal> out = exact ? Rescale(*exact, static_cast<int32_t>(scale),
                                               away ? Rounding::kHalfUp : Rounding::kTruncate)
                                     : std::nullopt;
  if (out && negative) {
    out->digits = -out->digits;
  }
  return out;
}

int64_t FullDigits(VKind kind) { return kind == VKind::kDate ? 8 : kind == VKind::kTime ? 9 : 17; }

template <bool kHigh>
bool BoundaryOf(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Value> value;
  std::optional<int64_t> digits;
  if (!evaluator.Single(node, input, &value) ||
      (!node.arguments.empty() && !evaluator.IntegerArgument(node, 0, &digits))) {
    return false;
  }
  if (!value || (!node.arguments.empty() && !digits)) {
    return true;
  }
  if (const std::optional<Moment> moment = MomentOf(*value)) {
    const std::optional<Moment> out =
        Boundary(*moment, digits.value_or(FullDigits(value->kind())), kHigh);
    return !out || evaluator.Push(Value::Of(value->kind(), FormatMoment(*out, &evaluator.arena())));
  }
  const bool quantity = value->kind() == VKind::kQuantity;
  const std::optional<Decimal> number = quantity ? ParseDecimal(value->text()) : NumberOf(*value);
  if (!number) {
    return evaluator.Fail(node, "a number, a quantity, a date or a time was expected");
  }
  const std::optional<Decimal> out = NumberBoundary(*number, digits.value_or(8), kHigh);
  return !out || evaluator.Push(Value::Of(quantity ? VKind::kQuantity : VKind::kDecimal,
                                          FormatDecimal(*out, &evaluator.arena()), value->unit()));
}

bool PrecisionOf(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Value> value;
  if (!evaluator.Single(node, input, &value)) {
    return false;
  }
  if (!value) {
    return true;
  }
  if (const std::optional<Moment> moment = MomentOf(*value)) {
    return evaluator.PushInteger(DigitsOf(*moment));
  }
  const std::optional<Decimal> number = NumberOf(*value);
  return number ? evaluator.PushInteger(number->scale)
                : evaluator.Fail(node, "a decimal, a date or a time was expected");
}

bool ComparableTo(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Value> a;
  std::optional<Value> b;
  Range range;
  if (!evaluator.Single(node, input, &a) || !evaluator.Argument(node, 0, &range) ||
      !evaluator.Single(*node.arguments[0], range, &b)) {
    return false;
  }
  evaluator.stack().Truncate(range.begin);
  if (!a || !b) {
    return true;
  }
  return evaluator.PushBoolean(a->kind() == VKind::kQuantity && b->kind() == VKind::kQuantity &&
                               Comparable(a->unit(), b->unit()));
}

constexpr std::array<FunctionSpec, 14> kFunctions = {{
    {"abs", 0, 0, false, &Abs},
    {"ceiling", 0, 0, false, &ToWhole<Rounding::kCeiling>},
    {"floor", 0, 0, false, &ToWhole<Rounding::kFloor>},
    {"truncate", 0, 0, false, &ToWhole<Rounding::kTruncate>},
    {"exp", 0, 0, false, &Real<&std::exp>},
    {"ln", 0, 0, false, &Real<&std::log>},
    {"sqrt", 0, 0, false, &Real<&std::sqrt>},
    {"log", 1, 1, false, &Log},
    {"power", 1, 1, false, &Power},
    {"round", 0, 1, false, &Round},
    {"lowBoundary", 0, 1, false, &BoundaryOf<false>},
    {"highBoundary", 0, 1, false, &BoundaryOf<true>},
    {"precision", 0, 0, false, &PrecisionOf},
    {"comparable", 1, 1, false, &ComparableTo},
}};

}  // namespace

std::span<const FunctionSpec> MathFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
