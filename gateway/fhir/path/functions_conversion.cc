// FHIRPath 2.0, 5.5: conversion.
#include <algorithm>
#include <array>
#include <string>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

using VKind = Value::Kind;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

constexpr std::array<std::string_view, 6> kYes = {"true", "t", "yes", "y", "1", "1.0"};
constexpr std::array<std::string_view, 6> kNo = {"false", "f", "no", "n", "0", "0.0"};

std::optional<Value> BooleanOf(const std::string& text) {
  if (std::find(kYes.begin(), kYes.end(), text) != kYes.end()) {
    return Value::Boolean(true);
  }
  return std::find(kNo.begin(), kNo.end(), text) != kNo.end() ? std::optional(Value::Boolean(false))
                                                              : std::nullopt;
}

std::optional<Value> ToBoolean(const Value& value) {
  switch (value.kind()) {
    case VKind::kBoolean:
      return value;
    case VKind::kInteger:
    case VKind::kDecimal: {
      const std::optional<Decimal> number = NumberOf(value);
      const std::optional<int64_t> whole = number ? ToInteger(*number) : std::nullopt;
      return whole && (*whole == 0 || *whole == 1) ? std::optional(Value::Boolean(*whole == 1))
                                                   : std::nullopt;
    }
    case VKind::kString:
      return BooleanOf(Lowered(value.text()));
    default:
      return std::nullopt;
  }
}

// [+-]digits[.digits]: no exponent.
bool IsPlainNumber(std::string_view text) {
  const size_t first = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(first), text.end(),
                     [](char c) { return IsDigit(c) || c == '.'; }) &&
         ParseDecimal(text).has_value();
}

std::optional<Value> ToIntegerValue(const Value& value) {
  switch (value.kind()) {
    case VKind::kInteger:
      return value;
    case VKind::kBoolean:
      return Value::Integer(value.is_true() ? 1 : 0, nullptr);
    case VKind::kString: {
      if (!IsPlainNumber(value.text()) || value.text().find('.') != std::string_view::npos) {
        return std::nullopt;
      }
      const std::optional<int64_t> number = ToInteger(*ParseDecimal(value.text()));
      return number ? std::optional(Value::Integer(*number, nullptr)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Value> ToDecimalValue(const Value& value, Arena* arena) {
  switch (value.kind()) {
    case VKind::kDecimal:
      return value;
    case VKind::kInteger:
      return Value::Of(VKind::kDecimal, FormatDecimal(FromInteger(value.integer()), arena));
    case VKind::kBoolean:
      return Value::Of(VKind::kDecimal, value.is_true() ? "1.0" : "0.0");
    case VKind::kString:
      return IsPlainNumber(value.text()) ? std::optional(Value::Of(VKind::kDecimal, value.text()))
                                         : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Value> ToMomentValue(const Value& value, VKind wanted, Arena* arena) {
  if (value.kind() == wanted) {
    return value;
  }
  const bool date_from_moment = wanted == VKind::kDate && value.kind() == VKind::kDateTime;
  const bool moment_from_date = wanted == VKind::kDateTime && value.kind() == VKind::kDate;
  if (moment_from_date) {
    return Value::Of(wanted, value.text());
  }
  if (date_from_moment) {
    std::optional<Moment> moment = MomentOf(value);
    if (!moment) {
      return std::nullopt;
    }
    moment->kind = VKind::kDate;
    moment->precision = std::min(moment->precision, Precision::kDay);
    return Value::Of(wanted, FormatMoment(*moment, arena));
  }
  if (value.kind() != VKind::kString || value.text().empty() || value.text().back() == 'T' ||
      !ParseMoment(wanted, value.text())) {
    return std::nullopt;
  }
  return Value::Of(wanted, value.text());
}

// 5.5.8: '4 days', '10.5 \'mg\'', '1'.
std::optional<Value> ParseQuantityText(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && (IsDigit(text[end]) || text[end] == '.' ||
                               (end == 0 && (text[end] == '-' || text[end] == '+')))) {
    ++end;
  }
  const std::string_view number = text.substr(0, end);
  if (!ParseDecimal(number)) {
    return std::nullopt;
  }
  std::string_view unit = text.substr(end);
  while (!unit.empty() && (unit.front() == ' ' || unit.front() == '\t')) {
    unit.remove_prefix(1);
  }
  if (unit.empty()) {
    return Value::Of(VKind::kQuantity, number, "1");
  }
  if (unit.size() > 2 && unit.front() == '\'' && unit.back() == '\'') {
    return Value::Of(VKind::kQuantity, number, unit.substr(1, unit.size() - 2));
  }
  return CalendarWordOf(unit) ? std::optional(Value::Of(VKind::kQuantity, number, unit))
                              : std::nullopt;
}

std::optional<Value> ToQuantityValue(const Value& value, Arena* arena) {
  switch (value.kind()) {
    case VKind::kQuantity:
      return value;
    case VKind::kString:
      return ParseQuantityText(value.text());
    default: {
      const std::optional<Value> number = ToDecimalValue(value, arena);
      return number ? std::optional(Value::Of(VKind::kQuantity, number->text(), "1"))
                    : std::nullopt;
    }
  }
}

std::optional<Value> ToStringValue(const Value& value, Arena* arena) {
  switch (value.kind()) {
    case VKind::kElement:
    case VKind::kUnresolved:
    case VKind::kTypeInfo:
      return std::nullopt;
    case VKind::kInteger:
      return Value::Of(VKind::kString, Value::Integer(value.integer(), arena).text());
    case VKind::kQuantity:
      return Value::Of(VKind::kString, arena->Copy(QuantityText(value)));
    default:
      return Value::Of(VKind::kString, value.text());
  }
}

std::optional<Value> Converted(const Value& value, VKind wanted, Arena* arena) {
  switch (wanted) {
    case VKind::kBoolean:
      return ToBoolean(value);
    case VKind::kInteger:
      return ToIntegerValue(value);
    case VKind::kDecimal:
      return ToDecimalValue(value, arena);
    case VKind::kQuantity:
      return ToQuantityValue(value, arena);
    case VKind::kString:
      return ToStringValue(value, arena);
    default:
      return ToMomentValue(value, wanted, arena);
  }
}

// The unit that toQuantity() may be told: the value in that unit, absent where it cannot be.
bool InUnit(Evaluator& evaluator, const Node& node, std::optional<Value>* value) {
  std::optional<std::string_view> unit;
  if (node.arguments.empty() || !value->has_value()) {
    return true;
  }
  if (!evaluator.StringArgument(node, 0, &unit)) {
    return false;
  }
  if (!unit || *unit == (*value)->unit()) {
    return true;
  }
  const std::optional<Decimal> number = ParseDecimal((*value)->text());
  const std::optional<Decimal> converted =
      number ? Convert(*number, (*value)->unit(), *unit) : std::nullopt;
  value->reset();
  if (converted) {
    *value = Value::Of(VKind::kQuantity, FormatDecimal(*converted, &evaluator.arena()), *unit);
  }
  return true;
}

template <VKind kWanted, bool kTest>
bool Conversion(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<Value> value;
  if (!evaluator.Single(node, input, &value)) {
    return false;
  }
  if (!value) {
    return true;
  }
  std::optional<Value> converted = Converted(*value, kWanted, &evaluator.arena());
  if (kWanted == VKind::kQuantity && !InUnit(evaluator, node, &converted)) {
    return false;
  }
  if (kTest) {
    return evaluator.PushBoolean(converted.has_value());
  }
  return !converted || evaluator.Push(*converted);
}

constexpr std::array<FunctionSpec, 16> kFunctions = {{
    {"toBoolean", 0, 0, false, &Conversion<VKind::kBoolean, false>},
    {"toInteger", 0, 0, false, &Conversion<VKind::kInteger, false>},
    {"toDecimal", 0, 0, false, &Conversion<VKind::kDecimal, false>},
    {"toString", 0, 0, false, &Conversion<VKind::kString, false>},
    {"toDate", 0, 0, false, &Conversion<VKind::kDate, false>},
    {"toDateTime", 0, 0, false, &Conversion<VKind::kDateTime, false>},
    {"toTime", 0, 0, false, &Conversion<VKind::kTime, false>},
    {"toQuantity", 0, 1, false, &Conversion<VKind::kQuantity, false>},
    {"convertsToBoolean", 0, 0, false, &Conversion<VKind::kBoolean, true>},
    {"convertsToInteger", 0, 0, false, &Conversion<VKind::kInteger, true>},
    {"convertsToDecimal", 0, 0, false, &Conversion<VKind::kDecimal, true>},
    {"convertsToString", 0, 0, false, &Conversion<VKind::kString, true>},
    {"convertsToDate", 0, 0, false, &Conversion<VKind::kDate, true>},
    {"convertsToDateTime", 0, 0, false, &Conversion<VKind::kDateTime, true>},
    {"convertsToTime", 0, 0, false, &Conversion<VKind::kTime, true>},
    {"convertsToQuantity", 0, 1, false, &Conversion<VKind::kQuantity, true>},
}};

}  // namespace

std::span<const FunctionSpec> ConversionFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
