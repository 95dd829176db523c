#include <cmath>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

using VKind = Value::Kind;

bool PushDecimal(Evaluator& evaluator, const std::optional<Decimal>& value) {
  return !value ||  // past the range or by zero: empty (FHIRPath 2.0, 6.6)
         evaluator.Push(Value::Of(VKind::kDecimal, FormatDecimal(*value, &evaluator.arena())));
}

bool Negate(Evaluator& evaluator, const Node& node, const Value& value) {
  switch (value.kind()) {
    case VKind::kInteger:
      return value.integer() == INT64_MIN || evaluator.PushInteger(-value.integer());
    case VKind::kDecimal:
    case VKind::kQuantity: {
      const std::optional<Decimal> number = ParseDecimal(value.text());
      if (!number) {
        return true;
      }
      const Decimal negative{-number->digits, number->scale};
      return evaluator.Push(
          Value::Of(value.kind(), FormatDecimal(negative, &evaluator.arena()), value.unit()));
    }
    default:
      return evaluator.Fail(node, "a number or a quantity was expected");
  }
}

bool ApplySign(Evaluator& evaluator, const Node& node, Range operand) {
  std::optional<Value> value;
  if (!evaluator.Single(node, operand, &value)) {
    return false;
  }
  if (!value) {
    return true;
  }
  if (node.operation == Operation::kNegate) {
    return Negate(evaluator, node, *value);
  }
  const bool numeric = value->kind() == VKind::kInteger || value->kind() == VKind::kDecimal ||
                       value->kind() == VKind::kQuantity;
  return numeric ? evaluator.Push(*value)
                 : evaluator.Fail(node, "a number or a quantity was expected");
}

// `is` and `as`. Lenient: R4's own expressions use `as` on collections, as ofType() is meant.
bool ApplyType(Evaluator& evaluator, const Node& node, Range operand) {
  if (node.operation == Operation::kIs) {
    if (operand.size() > 1) {
      return evaluator.Fail(node, "one item was expected, there are several");
    }
    return operand.empty() || evaluator.PushBoolean(MatchesType(evaluator, evaluator[operand.begin],
                                                                *node.type, TypeMatch::kIs));
  }
  if (operand.size() > 1 && evaluator.strict()) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  for (size_t i = operand.begin; i < operand.end; ++i) {
    const Value item = evaluator[i];
    if (MatchesType(evaluator, item, *node.type, TypeMatch::kAs)) {
      evaluator.Push(item);
    }
  }
  return true;
}

bool ApplyIntegers(Evaluator& evaluator, const Node& node, int64_t a, int64_t b) {
  int64_t out = 0;
  bool overflow = false;
  switch (node.operation) {
    case Operation::kAdd:
      overflow = __builtin_add_overflow(a, b, &out);
      break;
    case Operation::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &out);
      break;
    case Operation::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &out);
      break;
    case Operation::kDiv:
    case Operation::kMod:
      if (b == 0 || (b == -1 && a == INT64_MIN)) {
        return true;
      }
      out = node.operation == Operation::kDiv ? a / b : a % b;
      break;
    default:
      return PushDecimal(evaluator, Divide(FromInteger(a), FromInteger(b)));
  }
  return overflow || evaluator.PushInteger(out);
}

bool ApplyDecimals(Evaluator& evaluator, const Node& node, const Value& left, const Value& right) {
  const std::optional<Decimal> a = NumberOf(left);
  const std::optional<Decimal> b = NumberOf(right);
  if (!a || !b) {
    return true;
  }
  switch (node.operation) {
    case Operation::kAdd:
      return PushDecimal(evaluator, Add(*a, *b));
    case Operation::kSubtract:
      return PushDecimal(evaluator, Subtract(*a, *b));
    case Operation::kMultiply:
      return PushDecimal(evaluator, Multiply(*a, *b));
    case Operation::kDivide:
      return PushDecimal(evaluator, Divide(*a, *b));
    default:
      break;
  }
  const std::optional<Decimal> quotient = WholeQuotient(*a, *b);
  if (!quotient) {
    return true;
  }
  if (node.operation == Operation::kDiv) {
    const std::optional<int64_t> whole = ToInteger(*quotient);
    return !whole || evaluator.PushInteger(*whole);
  }
  const std::optional<Decimal> product = Multiply(*quotient, *b);
  return !product || PushDecimal(evaluator, Subtract(*a, *product));
}

std::string_view CombineUnits(Evaluator& evaluator, Operation operation, std::string_view a,
                              std::string_view b) {
  const bool multiply = operation == Operation::kMultiply;
  if (b == "1") {
    return a;
  }
  if (multiply && a == "1") {
    return b;
  }
  if (!multiply && a == b) {
    return "1";
  }
  const bool bracket = !multiply && b.find_first_of("./") != std::string_view::npos;
  std::string unit(a == "1" ? std::string_view() : a);
  unit += multiply ? "." : "/";
  unit += bracket ? "(" + std::string(b) + ")" : std::string(b);
  return evaluator.arena().Copy(unit);
}

// A number counts as a quantity of unit 1.
bool ApplyQuantities(Evaluator& evaluator, const Node& node, const Value& left,
                     const Value& right) {
  const auto unit_of = [](const Value& value) {
    return value.kind() == VKind::kQuantity ? value.unit() : std::string_view("1");
  };
  const auto number_of = [](const Value& value) {
    return value.kind() == VKind::kQuantity ? ParseDecimal(value.text()) : NumberOf(value);
  };
  const std::optional<Decimal> a = number_of(left);
  const std::optional<Decimal> b = number_of(right);
  if (!a || !b) {
    return true;
  }
  std::optional<Decimal> result;
  std::string_view unit = unit_of(left);
  switch (node.operation) {
    case Operation::kMultiply:
      result = Multiply(*a, *b);
      unit = CombineUnits(evaluator, node.operation, unit, unit_of(right));
      break;
    case Operation::kDivide:
      result = Divide(*a, *b);
      unit = CombineUnits(evaluator, node.operation, unit, unit_of(right));
      break;
    case Operation::kAdd:
    case Operation::kSubtract: {
      const bool scales = HasOffset(unit) || HasOffset(unit_of(right));
      const std::optional<Decimal> converted = unit == unit_of(right) ? b
                                               : scales               ? std::nullopt
                                                        : Convert(*b, unit_of(right), unit);
      if (converted) {
        result = node.operation == Operation::kAdd ? Add(*a, *converted) : Subtract(*a, *converted);
      }
      break;
    }
    default:
      return evaluator.Fail(node, "the operator does not take quantities");
  }
  return !result || evaluator.Push(Value::Of(VKind::kQuantity,
                                             FormatDecimal(*result, &evaluator.arena()), unit));
}

// FHIRPath 2.0, 6.6.7: calendar words and the definite durations of UCUM; a year or month of UCUM
// is no calendar year or month.
bool ShiftMoment(Evaluator& evaluator, const Node& node, const Value& left, const Value& right) {
  std::optional<CalendarUnit> unit = CalendarWordOf(right.unit());
  if (!unit) {
    unit = DefiniteDurationOf(right.unit());
  }
  if (!unit) {
    return evaluator.Fail(node, "the unit cannot be added to a date or time");
  }
  const bool time = left.kind() == VKind::kTime;
  if (time && *unit < CalendarUnit::kHour) {
    return evaluator.Fail(node, "the unit cannot be added to a time");
  }
  const std::optional<Moment> moment = MomentOf(left);
  std::optional<Decimal> count = ParseDecimal(right.text());
  if (!moment || !count) {
    return true;
  }
  if (node.operation == Operation::kSubtract) {
    count->digits = -count->digits;
  }
  std::optional<Moment> out;
  if (*unit == CalendarUnit::kSecond && count->scale > 0) {
    const std::optional<Decimal> scaled = Multiply(*count, Decimal{1'000'000, 0});
    const std::optional<Decimal> whole =
        scaled ? Rescale(*scaled, 0, Rounding::kTruncate) : std::nullopt;
    const std::optional<int64_t> microseconds = whole ? ToInteger(*whole) : std::nullopt;
    out = microseconds ? PlusMicroseconds(*moment, *microseconds) : std::nullopt;
  } else {
    // For what is coarser than a second the decimal part is ignored.
    const std::optional<Decimal> truncated = Rescale(*count, 0, Rounding::kTruncate);
    const std::optional<int64_t> whole = truncated ? ToInteger(*truncated) : std::nullopt;
    out = whole ? Plus(*moment, *whole, *unit) : std::nullopt;
  }
  return !out || evaluator.Push(Value::Of(left.kind(), FormatMoment(*out, &evaluator.arena())));
}

bool IsNumeric(const Value& value) {
  return value.kind() == VKind::kInteger || value.kind() == VKind::kDecimal;
}

bool IsTemporal(const Value& value) {
  return value.kind() == VKind::kDate || value.kind() == VKind::kDateTime ||
         value.kind() == VKind::kTime;
}

bool ApplyArithmetic(Evaluator& evaluator, const Node& node, Range left, Range right) {
  std::optional<Value> a;
  std::optional<Value> b;
  if (!evaluator.Single(node, left, &a) || !evaluator.Single(node, right, &b)) {
    return false;
  }
  if (!a || !b) {
    return true;
  }
  const bool shifts = node.operation == Operation::kAdd || node.operation == Operation::kSubtract;
  if (a->kind() == VKind::kInteger && b->kind() == VKind::kInteger) {
    return ApplyIntegers(evaluator, node, a->integer(), b->integer());
  }
  if (IsNumeric(*a) && IsNumeric(*b)) {
    return ApplyDecimals(evaluator, node, *a, *b);
  }
  if (node.operation == Operation::kAdd && a->kind() == VKind::kString &&
      b->kind() == VKind::kString) {
    return evaluator.PushJoined(node, a->text(), b->text());
  }
  if (shifts && IsTemporal(*a) && b->kind() == VKind::kQuantity) {
    return ShiftMoment(evaluator, node, *a, *b);
  }
  const bool quantities = (a->kind() == VKind::kQuantity || IsNumeric(*a)) &&
                          (b->kind() == VKind::kQuantity || IsNumeric(*b));
  return quantities ? ApplyQuantities(evaluator, node, *a, *b)
                    : evaluator.Fail(node, "the operator does not take these types");
}

// & : an absent operand is the empty string.
bool Concatenate(Evaluator& evaluator, const Node& node, Range left, Range right) {
  std::optional<std::string_view> a;
  std::optional<std::string_view> b;
  if (!evaluator.SingleString(node, left, &a) || !evaluator.SingleString(node, right, &b)) {
    return false;
  }
  return evaluator.PushJoined(node, a.value_or(""), b.value_or(""));
}

bool Union(Evaluator& evaluator, Range left, Range right) {
  DistinctSet seen;
  for (const Range range : {left, right}) {
    for (size_t i = range.begin; i < range.end; ++i) {
      const Value item = evaluator[i];
      if (seen.Insert(item)) {
        evaluator.Push(item);
      }
    }
  }
  return true;
}

bool ApplyInequality(Evaluator& evaluator, const Node& node, Range left, Range right) {
  if (left.size() > 1 || right.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  if (left.empty() || right.empty()) {
    return true;
  }
  const Order order = Compare(evaluator[left.begin], evaluator[right.begin]);
  if (order == Order::kMismatch) {
    return evaluator.Fail(node, "these types have no order among them");
  }
  if (order == Order::kOpen) {
    return true;
  }
  switch (node.operation) {
    case Operation::kLess:
      return evaluator.PushBoolean(order == Order::kLess);
    case Operation::kLessOrEqual:
      return evaluator.PushBoolean(order != Order::kGreater);
    case Operation::kGreater:
      return evaluator.PushBoolean(order == Order::kGreater);
    default:
      return evaluator.PushBoolean(order != Order::kLess);
  }
}

bool ApplyEquality(Evaluator& evaluator, const Node& node, Range left, Range right) {
  if (left.empty() || right.empty()) {
    return true;
  }
  std::optional<bool> equal = left.size() == right.size();
  for (size_t i = 0; i < left.size() && equal.value_or(false); ++i) {
    equal = Equal(evaluator[left.begin + i], evaluator[right.begin + i]);
  }
  return !equal || evaluator.PushBoolean(*equal == (node.operation == Operation::kEqual));
}

bool EquivalentRanges(Evaluator& evaluator, Range left, Range right) {
  std::vector<bool> taken(right.size(), false);
  for (size_t i = left.begin; i < left.end; ++i) {
    size_t found = right.size();
    for (size_t j = 0; j < right.size() && found == right.size(); ++j) {
      if (!taken[j] && Equivalent(evaluator[i], evaluator[right.begin + j])) {
        found = j;
      }
    }
    if (found == right.size()) {
      return false;
    }
    taken[found] = true;
  }
  return true;
}

bool ApplyEquivalence(Evaluator& evaluator, const Node& node, Range left, Range right) {
  if (!evaluator.Charge(node, static_cast<uint64_t>(left.size()) * right.size())) {
    return false;
  }
  const bool equivalent = left.size() == right.size() && EquivalentRanges(evaluator, left, right);
  return evaluator.PushBoolean(equivalent == (node.operation == Operation::kEquivalent));
}

// `in`, and `contains` with the operands exchanged.
bool ApplyMembership(Evaluator& evaluator, const Node& node, Range item, Range collection) {
  if (item.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  if (item.empty()) {
    return true;
  }
  if (!evaluator.Charge(node, collection.size())) {
    return false;
  }
  const Value sought = Unbox(evaluator[item.begin]);
  for (size_t i = collection.begin; i < collection.end; ++i) {
    if (EqualUnboxed(sought, Unbox(evaluator[i])).value_or(false)) {
      return evaluator.PushBoolean(true);
    }
  }
  return evaluator.PushBoolean(false);
}

}  // namespace

bool ApplyUnary(Evaluator& evaluator, const Node& node, Range operand) {
  return node.operation == Operation::kIs || node.operation == Operation::kAs
             ? ApplyType(evaluator, node, operand)
             : ApplySign(evaluator, node, operand);
}

bool ApplyBinary(Evaluator& evaluator, const Node& node, Range left, Range right) {
  switch (node.operation) {
    case Operation::kMultiply:
    case Operation::kDivide:
    case Operation::kDiv:
    case Operation::kMod:
    case Operation::kAdd:
    case Operation::kSubtract:
      return ApplyArithmetic(evaluator, node, left, right);
    case Operation::kConcatenate:
      return Concatenate(evaluator, node, left, right);
    case Operation::kUnion:
      return Union(evaluator, left, right);
    case Operation::kLess:
    case Operation::kLessOrEqual:
    case Operation::kGreater:
    case Operation::kGreaterOrEqual:
      return ApplyInequality(evaluator, node, left, right);
    case Operation::kEqual:
    case Operation::kNotEqual:
      return ApplyEquality(evaluator, node, left, right);
    case Operation::kEquivalent:
    case Operation::kNotEquivalent:
      return ApplyEquivalence(evaluator, node, left, right);
    case Operation::kContains:
      return ApplyMembership(evaluator, node, right, left);
    default:  // in
      return ApplyMembership(evaluator, node, left, right);
  }
}

}  // namespace gw::fhir::path
