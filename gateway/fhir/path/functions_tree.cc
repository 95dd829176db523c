// FHIRPath 2.0, 5.8 (tree navigation), 5.9 (the clock) and 6.3 (type()).
#include <array>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

using VKind = Value::Kind;

bool Children(Evaluator& evaluator, const Node& /*node*/, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    const Element* element = evaluator[i].element();
    for (const Element* child = element == nullptr ? nullptr : element->first_child();
         child != nullptr; child = child->next()) {
      evaluator.Push(Value::Of(*child));
    }
  }
  return true;
}

// In document order, without recursion.
void PushDescendants(Evaluator& evaluator, const Element& root) {
  const Element* at = root.first_child();
  while (at != nullptr) {
    evaluator.Push(Value::Of(*at));
    if (at->first_child() != nullptr) {
      at = at->first_child();
      continue;
    }
    while (at != &root && at->next() == nullptr) {
      at = at->parent();
    }
    at = at == &root ? nullptr : at->next();
  }
}

bool Descendants(Evaluator& evaluator, const Node& /*node*/, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    if (const Element* element = evaluator[i].element()) {
      PushDescendants(evaluator, *element);
    }
  }
  return true;
}

bool Now(Evaluator& evaluator, const Node& /*node*/, Range /*input*/) {
  const std::string text = FormatInstant(evaluator.environment().now);
  return evaluator.Push(Value::Of(VKind::kDateTime, evaluator.arena().Copy(text)));
}

bool Today(Evaluator& evaluator, const Node& /*node*/, Range /*input*/) {
  const std::string text = FormatInstant(evaluator.environment().now).substr(0, 10);
  return evaluator.Push(Value::Of(VKind::kDate, evaluator.arena().Copy(text)));
}

bool TimeOfDay(Evaluator& evaluator, const Node& /*node*/, Range /*input*/) {
  const std::string text = FormatInstant(evaluator.environment().now).substr(11, 12);
  return evaluator.Push(Value::Of(VKind::kTime, evaluator.arena().Copy(text)));
}

std::string_view SpaceOf(const Value& value) {
  if (value.kind() == VKind::kUnresolved) {
    return "FHIR";
  }
  const Element* element = value.element();
  if (element == nullptr) {
    return "System";
  }
  return element->type().kind() == Kind::kModel ? "Model" : "FHIR";
}

bool Type(Evaluator& evaluator, const Node& /*node*/, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    const Value item = evaluator[i];
    evaluator.Push(Value::Of(VKind::kTypeInfo, TypeNameOf(item), SpaceOf(item)));
  }
  return true;
}

constexpr std::array<FunctionSpec, 6> kFunctions = {{
    {"children", 0, 0, false, &Children},
    {"descendants", 0, 0, false, &Descendants},
    {"now", 0, 0, false, &Now},
    {"today", 0, 0, false, &Today},
    {"timeOfDay", 0, 0, false, &TimeOfDay},
    {"type", 0, 0, false, &Type},
}};

}  // namespace

std::span<const FunctionSpec> TreeFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
