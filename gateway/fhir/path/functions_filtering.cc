// FHIRPath 2.0, 5.2 (filtering and projection), 5.9 (utility), 7 (aggregates); sort() of the
// continuous build, as the official suite asks.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

// What repeat() may make: elements are bounded by their tree, values by nothing.
constexpr size_t kValuesMax = 100'000;

bool Select(Evaluator& evaluator, const Node& node, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    const Frame frame{evaluator[i], true, static_cast<int64_t>(i - input.begin),
                      evaluator.frame().total};
    Range result;
    if (!evaluator.Lambda(*node.arguments[0], frame, &result)) {
      return false;
    }
  }
  return true;
}

// The items that a repeat() has met: elements are told apart by where they are, values by equality.
class Met {
 public:
  bool Insert(const Value& value) {
    if (value.element() != nullptr) {
      return elements_.insert(value.element()).second;
    }
    const bool fresh = values_.Insert(value);
    count_ += fresh ? 1 : 0;
    return fresh;
  }
  size_t values() const { return count_; }

 private:
  std::unordered_set<const Element*> elements_;
  DistinctSet values_;
  size_t count_ = 0;
};

bool Repeat(Evaluator& evaluator, const Node& node, Range input) {
  Met met;
  Collection found;
  const auto project = [&](const Value& item) {
    Range result;
    if (!evaluator.Lambda(*node.arguments[0], Frame{item, true, 0, evaluator.frame().total},
                          &result)) {
      return false;
    }
    for (size_t i = result.begin; i < result.end; ++i) {
      if (met.Insert(evaluator[i])) {
        found.push_back(evaluator[i]);
      }
    }
    evaluator.stack().Truncate(result.begin);
    return true;
  };
  for (size_t i = input.begin; i < input.end; ++i) {
    if (!project(Value(evaluator[i]))) {
      return false;
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (met.values() > kValuesMax) {
      return evaluator.Fail(node, "repeat() does not come to an end", Code::kTooLarge);
    }
    if (!project(Value(found[i]))) {
      return false;
    }
  }
  for (const Value& value : found) {
    evaluator.Push(value);
  }
  return true;
}

bool Is(Evaluator& evaluator, const Node& node, Range input) {
  if (input.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  return input.empty() || evaluator.PushBoolean(MatchesType(evaluator, evaluator[input.begin],
                                                            *node.type, TypeMatch::kIs));
}

bool OfType(Evaluator& evaluator, const Node& node, Range input) {
  for (size_t i = input.begin; i < input.end; ++i) {
    const Value item = evaluator[i];
    if (MatchesType(evaluator, item, *node.type, TypeMatch::kAs)) {
      evaluator.Push(item);
    }
  }
  return true;
}

// R4's dom-3 and some search parameters use as() on collections: lenient mode filters.
bool As(Evaluator& evaluator, const Node& node, Range input) {
  if (input.size() > 1 && evaluator.strict()) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  return OfType(evaluator, node, input);
}

bool Iif(Evaluator& evaluator, const Node& node, Range input) {
  if (input.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  Frame frame = evaluator.frame();  // $index and $total stay those around it
  frame.has_item = !input.empty();
  if (frame.has_item) {
    frame.item = evaluator[input.begin];
  }
  std::optional<bool> holds;
  Range result;
  if (evaluator.strict()) {
    if (!evaluator.Lambda(*node.arguments[0], frame, &result)) {
      return false;
    }
    if (result.size() == 1 && Unbox(evaluator[result.begin]).kind() != Value::Kind::kBoolean) {
      return evaluator.Fail(*node.arguments[0], "a boolean was expected");
    }
    if (!evaluator.SingleBoolean(*node.arguments[0], result, &holds)) {
      return false;
    }
    evaluator.stack().Truncate(result.begin);
  } else if (!evaluator.CriterionIn(*node.arguments[0], frame, &holds)) {
    return false;
  }
  if (holds.value_or(false)) {
    return evaluator.Lambda(*node.arguments[1], frame, &result);
  }
  return node.arguments.size() < 3 || evaluator.Lambda(*node.arguments[2], frame, &result);
}

bool Aggregate(Evaluator& evaluator, const Node& node, Range input) {
  Range total{evaluator.top(), evaluator.top()};
  if (node.arguments.size() > 1 && !evaluator.Argument(node, 1, &total)) {
    return false;
  }
  for (size_t i = input.begin; i < input.end; ++i) {
    const Frame frame{evaluator[i], true, static_cast<int64_t>(i - input.begin), total};
    Range result;
    if (!evaluator.Lambda(*node.arguments[0], frame, &result)) {
      return false;
    }
    evaluator.stack().Erase(total);
    total.end = total.begin + result.size();
  }
  return true;
}

// trace() hands on its input. What is traced is a person's data, so only a hook is told of it.
bool Trace(Evaluator& evaluator, const Node& node, Range input) {
  const auto* tracer = evaluator.environment().tracer;
  if (tracer != nullptr && *tracer) {
    std::optional<std::string_view> name;
    if (!evaluator.StringArgument(node, 0, &name)) {
      return false;
    }
    Range told = input;
    if (node.arguments.size() > 1) {
      told = {evaluator.top(), evaluator.top()};
      for (size_t i = input.begin; i < input.end; ++i) {
        const Frame frame{evaluator[i], true, static_cast<int64_t>(i - input.begin),
                          evaluator.frame().total};
        Range projected;
        if (!evaluator.Lambda(*node.arguments[1], frame, &projected)) {
          return false;
        }
        told.end = projected.end;
      }
    }
    const Collection items(&evaluator[0] + told.begin, &evaluator[0] + told.end);
    (*tracer)(name.value_or(""), items);
    evaluator.stack().Truncate(input.end);
  }
  for (size_t i = input.begin; i < input.end; ++i) {
    evaluator.Push(evaluator[i]);
  }
  return true;
}

struct Sorted {
  Value item;
  std::vector<std::optional<Value>> keys;
};

// Evaluates the keys of an item. A key with a minus sign is for descending order.
bool KeysOf(Evaluator& evaluator, const Node& node, const Value& item, Sorted* out) {
  out->item = item;
  if (node.arguments.empty()) {
    out->keys.emplace_back(item);
  }
  for (const Node* argument : node.arguments) {
    const Node& key = argument->operation == Operation::kNegate ? *argument->left : *argument;
    Range result;
    std::optional<Value> value;
    if (!evaluator.Lambda(key, Frame{item, true, 0, evaluator.frame().total}, &result) ||
        !evaluator.Single(key, result, &value)) {
      return false;
    }
    evaluator.stack().Truncate(result.begin);
    out->keys.push_back(value);
  }
  return true;
}

// Absent keys come first.
int CompareKeys(const std::optional<Value>& a, const std::optional<Value>& b, bool* mismatch) {
  if (!a || !b) {
    return (a ? 1 : 0) - (b ? 1 : 0);
  }
  switch (Compare(*a, *b)) {
    case Order::kLess:
      return -1;
    case Order::kGreater:
      return 1;
    case Order::kMismatch:
      *mismatch = true;
      return 0;
    default:
      return 0;
  }
}

bool Sort(Evaluator& evaluator, const Node& node, Range input) {
  std::vector<Sorted> items(input.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Value item = evaluator[input.begin + i];
    if (!KeysOf(evaluator, node, item, &items[i])) {
      return false;
    }
  }
  bool mismatch = false;
  std::stable_sort(items.begin(), items.end(), [&](const Sorted& a, const Sorted& b) {
    for (size_t k = 0; k < a.keys.size(); ++k) {
      const int order = CompareKeys(a.keys[k], b.keys[k], &mismatch);
      const bool descending = !node.arguments.empty() && a.keys[k] && b.keys[k] &&
                              node.arguments[k]->operation == Operation::kNegate;
      if (order != 0) {
        return descending ? order > 0 : order < 0;
      }
    }
    return false;
  });
  if (mismatch) {
    return evaluator.Fail(node, "these types have no order among them");
  }
  for (const Sorted& sorted : items) {
    evaluator.Push(sorted.item);
  }
  return true;
}

constexpr std::array<FunctionSpec, 10> kFunctions = {{
    {"where", 1, 1, true, nullptr},
    {"select", 1, 1, true, &Select},
    {"repeat", 1, 1, true, &Repeat},
    {"is", 0, 0, false, &Is},
    {"as", 0, 0, false, &As},
    {"ofType", 0, 0, false, &OfType},
    {"iif", 2, 3, true, &Iif},
    {"aggregate", 1, 2, true, &Aggregate},
    {"trace", 1, 2, true, &Trace},
    {"sort", 0, 8, true, &Sort},
}};

}  // namespace

std::span<const FunctionSpec> FilteringFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
