#include <algorithm>

#include "gateway/map/plan/types_internal.h"

namespace gw::map {
namespace {

using fhir::Primitive;

enum class Family : uint8_t { kNone, kText, kNumber, kDate, kTime, kBoolean };

Family FamilyOf(Primitive primitive) {
  switch (primitive) {
    case Primitive::kNone:
      return Family::kNone;
    case Primitive::kBoolean:
      return Family::kBoolean;
    case Primitive::kDate:
    case Primitive::kDateTime:
    case Primitive::kInstant:
      return Family::kDate;
    case Primitive::kTime:
      return Family::kTime;
    case Primitive::kDecimal:
    case Primitive::kInteger:
    case Primitive::kPositiveInt:
    case Primitive::kUnsignedInt:
      return Family::kNumber;
    default:
      return Family::kText;
  }
}

// Every R4 type that is no resource is concrete where it is used; an abstract one stands for many.
bool AnyResourceHas(const fhir::TypeDef& abstract_type, std::string_view name,
                    const fhir::Definitions& definitions) {
  const auto types = definitions.resource_types();
  return std::any_of(types.begin(), types.end(), [&](const fhir::TypeDef* type) {
    return type->Is(abstract_type.name()) &&
           (type->Find(name) != nullptr || type->ByJsonName(name).element != nullptr);
  });
}

StaticType TypeOf(const fhir::ElementDef& element) {
  if (element.types.size() == 1) {
    return {.type = element.types.front(), .choice = nullptr};
  }
  return {.type = nullptr, .choice = element.types.empty() ? nullptr : &element};
}

bool NavigateType(const fhir::TypeDef& type, std::string_view name,
                  const fhir::Definitions& definitions, Navigation* navigation) {
  navigation->step = {.kind = Step::Kind::kElement,
                      .owner = &type,
                      .element = type.Find(name),
                      .name = std::string(name)};
  if (navigation->step.element != nullptr) {
    navigation->type = TypeOf(*navigation->step.element);
    return true;
  }
  if (type.kind() == fhir::Kind::kPrimitive && name == "value") {
    navigation->step.kind = Step::Kind::kValue;
    navigation->type = {.type = &type, .choice = nullptr};
    return true;
  }
  if (const auto property = type.ByJsonName(name); property.element != nullptr) {
    navigation->step.element = property.element;
    navigation->step.name = std::string(property.element->name);
    navigation->type = {.type = property.type, .choice = nullptr};
    navigation->filter = property.type;
    return true;
  }
  if (type.is_abstract() && AnyResourceHas(type, name, definitions)) {
    navigation->step.kind = Step::Kind::kByName;
    return true;
  }
  return false;
}

}  // namespace

bool IsA(const fhir::TypeDef& from, const fhir::TypeDef& to) {
  if (to.kind() != fhir::Kind::kModel && from.kind() != fhir::Kind::kModel) {
    return &from == &to || from.Is(to.name());
  }
  const fhir::TypeDef* type = &from;
  while (type != nullptr && type != &to) {
    type = type->base();
  }
  return type != nullptr;
}

bool HasRoomFor(const fhir::TypeDef& place, const fhir::TypeDef& value) {
  return IsA(value, place) && (place.kind() != fhir::Kind::kModel || &place == &value);
}

bool IsLeaf(const fhir::TypeDef& type) {
  return type.kind() == fhir::Kind::kPrimitive ||
         (type.kind() == fhir::Kind::kModel && type.elements().empty());
}

bool IsOpen(const fhir::TypeDef& type) {
  return type.kind() == fhir::Kind::kModel && type.name().starts_with("VARIES");
}

Fit FitOf(const fhir::TypeDef& from, const fhir::TypeDef& to) {
  if (to.kind() == fhir::Kind::kModel) {
    return IsLeaf(from) && IsLeaf(to) ? Fit::kAlways : Fit::kNever;
  }
  if (to.kind() != fhir::Kind::kPrimitive || !IsLeaf(from)) {
    return Fit::kNever;
  }
  if (IsA(from, to)) {
    return Fit::kAlways;
  }
  const Primitive target = to.primitive();
  const Family source_family =
      from.kind() == fhir::Kind::kModel ? Family::kText : FamilyOf(from.primitive());
  const Family target_family = FamilyOf(target);
  if (target == Primitive::kString || target == Primitive::kMarkdown) {
    return Fit::kAlways;
  }
  if (source_family != target_family) {
    return Fit::kNever;
  }
  if (target_family == Family::kDate) {
    const bool narrower = target == Primitive::kDate;
    return narrower ? Fit::kNever : (target == Primitive::kDateTime ? Fit::kAlways : Fit::kChecked);
  }
  return target == Primitive::kDecimal ? Fit::kAlways : Fit::kChecked;
}

const fhir::TypeDef* TypeIn(const fhir::ElementDef& element, const fhir::TypeDef& value) {
  for (const fhir::TypeDef* type : element.types) {
    if (type == &value) {
      return type;
    }
  }
  for (const fhir::TypeDef* type : element.types) {
    if (HasRoomFor(*type, value)) {
      return type->is_abstract() ? &value : type;
    }
  }
  for (const fhir::TypeDef* type : element.types) {
    if (FitOf(value, *type) == Fit::kAlways) {
      return type;
    }
  }
  for (const fhir::TypeDef* type : element.types) {
    if (FitOf(value, *type) == Fit::kChecked) {
      return type;
    }
  }
  return nullptr;
}

bool TakesType(const fhir::ElementDef& element, const fhir::TypeDef& type) {
  return std::any_of(element.types.begin(), element.types.end(), [&type](const fhir::TypeDef* t) {
    return t == &type || (t->is_abstract() && IsA(type, *t));
  });
}

std::string Describe(const StaticType& type) {
  if (type.type != nullptr) {
    return std::string(type.type->name());
  }
  return type.choice != nullptr ? std::string(type.choice->name) + "[x]" : "a value";
}

bool Navigate(const StaticType& from, std::string_view name, const fhir::Definitions& definitions,
              Navigation* navigation) {
  *navigation = Navigation();
  if (name.empty()) {
    navigation->type = from;
    return true;
  }
  if (from.type != nullptr) {
    return NavigateType(*from.type, name, definitions, navigation);
  }
  bool known = from.choice == nullptr;
  if (from.choice != nullptr) {
    for (const fhir::TypeDef* type : from.choice->types) {
      Navigation one;
      known = known || NavigateType(*type, name, definitions, &one);
    }
  }
  navigation->step = {
      .kind = Step::Kind::kByName, .owner = nullptr, .element = nullptr, .name = std::string(name)};
  return known;
}

CommonTypes CommonTypesOf(const fhir::Definitions& definitions) {
  return {.string_type = definitions.Find("string"),
          .boolean_type = definitions.Find("boolean"),
          .integer_type = definitions.Find("integer"),
          .decimal_type = definitions.Find("decimal"),
          .date_type = definitions.Find("date"),
          .date_time_type = definitions.Find("dateTime"),
          .time_type = definitions.Find("time"),
          .code_type = definitions.Find("code"),
          .uri_type = definitions.Find("uri"),
          .coding = definitions.Find("Coding"),
          .codeable_concept = definitions.Find("CodeableConcept"),
          .quantity = definitions.Find("Quantity"),
          .identifier = definitions.Find("Identifier"),
          .contact_point = definitions.Find("ContactPoint"),
          .reference = definitions.Find("Reference")};
}

}  // namespace gw::map
