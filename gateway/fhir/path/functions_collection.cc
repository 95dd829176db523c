// FHIRPath 2.0, 5.3 (subsetting) and 5.4 (combining).
#include <algorithm>
#include <array>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

bool PushRange(Evaluator& evaluator, Range range) {
  for (size_t i = range.begin; i < range.end; ++i) {
    evaluator.Push(evaluator[i]);
  }
  return true;
}

bool Last(Evaluator& evaluator, const Node& /*node*/, Range input) {
  return input.empty() || evaluator.Push(evaluator[input.end - 1]);
}

bool Tail(Evaluator& evaluator, const Node& /*node*/, Range input) {
  return PushRange(evaluator, {std::min(input.begin + 1, input.end), input.end});
}

bool Single(Evaluator& evaluator, const Node& node, Range input) {
  if (input.size() > 1) {
    return evaluator.Fail(node, "one item was expected, there are several");
  }
  return PushRange(evaluator, input);
}

template <bool kTake>
bool Cut(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<int64_t> count;
  if (!evaluator.IntegerArgument(node, 0, &count)) {
    return false;
  }
  if (!count) {
    return true;
  }
  const size_t at =
      input.begin + std::min(input.size(), static_cast<size_t>(std::max<int64_t>(*count, 0)));
  return PushRange(evaluator, kTake ? Range{input.begin, at} : Range{at, input.end});
}

bool Union(Evaluator& evaluator, const Node& node, Range input) {
  Range other;
  if (!evaluator.Argument(node, 0, &other)) {
    return false;
  }
  DistinctSet seen;
  for (size_t i = input.begin; i < other.end; ++i) {
    const Value item = evaluator[i];
    if (seen.Insert(item)) {
      evaluator.Push(item);
    }
  }
  evaluator.stack().Erase(other);
  return true;
}

bool Combine(Evaluator& evaluator, const Node& node, Range input) {
  return PushRange(evaluator, input) && evaluator.Argument(node, 0, &input);
}

// intersect() keeps what the other has too, once; exclude() what it has not, as often as it is.
template <bool kIntersect>
bool Restrict(Evaluator& evaluator, const Node& node, Range input) {
  Range other;
  if (!evaluator.Argument(node, 0, &other)) {
    return false;
  }
  DistinctSet others;
  for (size_t i = other.begin; i < other.end; ++i) {
    others.Insert(evaluator[i]);
  }
  DistinctSet seen;
  for (size_t i = input.begin; i < input.end; ++i) {
    const Value item = evaluator[i];
    if (others.Contains(item) == kIntersect && (!kIntersect || seen.Insert(item))) {
      evaluator.Push(item);
    }
  }
  evaluator.stack().Erase(other);
  return true;
}

constexpr std::array<FunctionSpec, 10> kFunctions = {{
    {"first", 0, 0, false, nullptr},
    {"last", 0, 0, false, &Last},
    {"tail", 0, 0, false, &Tail},
    {"single", 0, 0, false, &Single},
    {"skip", 1, 1, false, &Cut<false>},
    {"take", 1, 1, false, &Cut<true>},
    {"union", 1, 1, false, &Union},
    {"combine", 1, 1, false, &Combine},
    {"intersect", 1, 1, false, &Restrict<true>},
    {"exclude", 1, 1, false, &Restrict<false>},
}};

}  // namespace

std::span<const FunctionSpec> CollectionFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
