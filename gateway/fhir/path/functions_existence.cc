// FHIRPath 2.0, 5.1: existence.
#include <array>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

// With a criterion.
bool Exists(Evaluator& evaluator, const Node& node, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    std::optional<bool> holds;
    const Value item = evaluator[i];
    if (!evaluator.Criterion(*node.arguments[0], item, static_cast<int64_t>(i - input.begin),
                             &holds)) {
      return false;
    }
    if (holds.value_or(false)) {
      return evaluator.PushBoolean(true);
    }
  }
  return evaluator.PushBoolean(false);
}

bool All(Evaluator& evaluator, const Node& node, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    std::optional<bool> holds;
    const Value item = evaluator[i];
    if (!evaluator.Criterion(*node.arguments[0], item, static_cast<int64_t>(i - input.begin),
                             &holds)) {
      return false;
    }
    if (!holds.value_or(false)) {
      return evaluator.PushBoolean(false);
    }
  }
  return evaluator.PushBoolean(true);
}

// allTrue, anyFalse and so on: `any` asks for one item of that value, otherwise for nothing else.
template <bool kWanted, bool kAny>
bool Quantified(Evaluator& evaluator, const Node& node, Range input) {
  bool found = false;
  for (size_t i = input.begin; i < input.end; ++i) {
    const Value value = Unbox(evaluator[i]);
    if (value.kind() != Value::Kind::kBoolean) {
      return evaluator.Fail(node, "a boolean was expected");
    }
    found |= value.is_true() == (kAny ? kWanted : !kWanted);
  }
  return evaluator.PushBoolean(found == kAny);
}

bool Count(Evaluator& evaluator, const Node& /*node*/, Range input) {
  return evaluator.PushInteger(static_cast<int64_t>(input.size()));
}

bool Subset(Evaluator& evaluator, Range part, Range whole) {
  DistinctSet items;
  for (size_t i = whole.begin; i < whole.end; ++i) {
    items.Insert(evaluator[i]);
  }
  for (size_t i = part.begin; i < part.end; ++i) {
    if (!items.Contains(evaluator[i])) {
      return false;
    }
  }
  return true;
}

template <bool kInputIsPart>
bool SetRelation(Evaluator& evaluator, const Node& node, Range input) {
  Range other;
  if (!evaluator.Argument(node, 0, &other)) {
    return false;
  }
  const bool holds =
      kInputIsPart ? Subset(evaluator, input, other) : Subset(evaluator, other, input);
  evaluator.stack().Truncate(other.begin);
  return evaluator.PushBoolean(holds);
}

bool Distinct(Evaluator& evaluator, const Node& /*node*/, Range input) {
  DistinctSet seen;
  for (size_t i = input.begin; i < input.end; ++i) {
    const Value item = evaluator[i];
    if (seen.Insert(item)) {
      evaluator.Push(item);
    }
  }
  return true;
}

bool IsDistinct(Evaluator& evaluator, const Node& /*node*/, Range input) {
  DistinctSet seen;
  for (size_t i = input.begin; i < input.end; ++i) {
    if (!seen.Insert(evaluator[i])) {
      return evaluator.PushBoolean(false);
    }
  }
  return evaluator.PushBoolean(true);
}

constexpr std::array<FunctionSpec, 13> kFunctions = {{
    {"empty", 0, 0, false, nullptr},
    {"exists", 0, 1, true, &Exists},
    {"all", 1, 1, true, &All},
    {"allTrue", 0, 0, false, &Quantified<true, false>},
    {"anyTrue", 0, 0, false, &Quantified<true, true>},
    {"allFalse", 0, 0, false, &Quantified<false, false>},
    {"anyFalse", 0, 0, false, &Quantified<false, true>},
    {"not", 0, 0, false, nullptr},
    {"count", 0, 0, false, &Count},
    {"subsetOf", 1, 1, false, &SetRelation<true>},
    {"supersetOf", 1, 1, false, &SetRelation<false>},
    {"distinct", 0, 0, false, &Distinct},
    {"isDistinct", 0, 0, false, &IsDistinct},
}};

}  // namespace

std::span<const FunctionSpec> ExistenceFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
