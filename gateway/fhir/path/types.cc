#include <charconv>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

// Quantity, or one of its kinds: Age, Count ...
bool IsQuantity(const TypeDef& type) {
  return type.kind() == Kind::kComplex &&
         (type.name() == "Quantity" ||
          (type.base() != nullptr && type.base()->name() == "Quantity"));
}

// A FHIR Quantity is a System.Quantity where it has a value and no comparator.
Value QuantityOf(const Element& element) {
  const Element* value = element.Child("value");
  if (value == nullptr || !value->has_text() || element.Child("comparator") != nullptr) {
    return Value::Of(element);
  }
  const std::string_view code = element.TextAt("code");
  const std::string_view unit = code.empty() ? element.TextAt("unit") : code;
  return Value::Of(Value::Kind::kQuantity, value->text(), unit.empty() ? "1" : unit);
}

bool MatchesElement(const Evaluator& evaluator, const Element& element, const TypeName& type,
                    TypeMatch match) {
  if (type.space == "System") {
    return false;
  }
  const TypeDef& own = element.type();
  if (type.fhir == nullptr && type.system) {
    // R4's que-7 says `answer is Boolean` of a FHIR boolean.
    return !evaluator.strict() && SystemKindOf(own) == type.system_kind;
  }
  if (match == TypeMatch::kAs && own.kind() == Kind::kPrimitive) {
    return own.name() == type.name;  // a code is a string, but not as() one
  }
  return own.Is(type.name);
}

std::string_view SystemNameOf(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kBoolean:
      return "Boolean";
    case Value::Kind::kInteger:
      return "Integer";
    case Value::Kind::kDecimal:
      return "Decimal";
    case Value::Kind::kString:
      return "String";
    case Value::Kind::kDate:
      return "Date";
    case Value::Kind::kDateTime:
      return "DateTime";
    case Value::Kind::kTime:
      return "Time";
    case Value::Kind::kQuantity:
      return "Quantity";
    case Value::Kind::kTypeInfo:
      return "TypeInfo";
    default:
      return "Any";
  }
}

}  // namespace

std::string_view TypeNameOf(const Value& value) {
  if (value.kind() == Value::Kind::kUnresolved) {
    return value.unit();
  }
  const Element* element = value.element();
  if (element == nullptr) {
    return SystemNameOf(value.kind());
  }
  const TypeDef& type = element->type();
  // "CarePlan.activity" is a name of ours: such types have none in R4.
  const bool unnamed = type.kind() == Kind::kBackbone && type.base() != nullptr;
  return unnamed ? type.base()->name() : type.name();
}

std::string QuantityText(const Value& quantity) {
  const std::string_view quote = CalendarWordOf(quantity.unit()) ? "" : "'";
  std::string out(quantity.text());
  out.append(" ").append(quote).append(quantity.unit()).append(quote);
  return out;
}

// R4 fhirpath.html, "Using FHIR types in expressions".
Value::Kind SystemKindOf(const TypeDef& type) {
  switch (type.primitive()) {
    case Primitive::kNone:
      return IsQuantity(type) ? Value::Kind::kQuantity : Value::Kind::kElement;
    case Primitive::kBoolean:
      return Value::Kind::kBoolean;
    case Primitive::kInteger:
    case Primitive::kUnsignedInt:
    case Primitive::kPositiveInt:
      return Value::Kind::kInteger;
    case Primitive::kDecimal:
      return Value::Kind::kDecimal;
    case Primitive::kDate:
      return Value::Kind::kDate;
    case Primitive::kDateTime:
    case Primitive::kInstant:
      return Value::Kind::kDateTime;
    case Primitive::kTime:
      return Value::Kind::kTime;
    default:
      return Value::Kind::kString;
  }
}

Value Unbox(const Value& value) {
  const Element* element = value.element();
  if (element == nullptr) {
    return value;
  }
  const Value::Kind kind = SystemKindOf(element->type());
  if (kind == Value::Kind::kQuantity) {
    return QuantityOf(*element);
  }
  if (!element->has_text()) {
    return value;
  }
  const std::string_view text = element->text();
  switch (kind) {
    case Value::Kind::kElement:
      // A leaf of a source model without a FHIR type of its own.
      return element->type().kind() == Kind::kModel ? Value::Of(Value::Kind::kString, text) : value;
    case Value::Kind::kBoolean:
      return Value::Boolean(text == "true");
    case Value::Kind::kInteger: {
      int64_t number = 0;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      return read.ec == std::errc() ? Value::Integer(number, nullptr) : value;
    }
    default:
      return Value::Of(kind, text);
  }
}

bool MatchesType(const Evaluator& evaluator, const Value& value, const TypeName& type,
                 TypeMatch match) {
  switch (value.kind()) {
    case Value::Kind::kElement:
      return MatchesElement(evaluator, *value.element(), type, match);
    case Value::Kind::kUnresolved: {
      const TypeDef* target = evaluator.environment().definitions->Find(value.unit());
      return type.space != "System" && target != nullptr && target->Is(type.name);
    }
    case Value::Kind::kTypeInfo:
      return false;
    default:
      return type.system && value.kind() == type.system_kind;
  }
}

}  // namespace gw::fhir::path
