#include <algorithm>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

// A collection past this is not a question about a health record but a way to fill the memory.
constexpr size_t kItemsMax = size_t{1} << 21U;
// Steps of an evaluation, of some nanoseconds each: invariants take a few for each element of a
// Bundle. Expressions come from clients too (patches, maps), and nesting can multiply any work.
constexpr uint64_t kWorkMax = 20'000'000;
constexpr size_t kMadeBytesMax = size_t{256} << 20U;  // of the arena

}  // namespace

void ValueStack::Grow() {
  const size_t capacity = capacity_ * 2;
  auto bytes = std::make_unique<std::byte[]>(capacity * sizeof(Value));
  std::memcpy(bytes.get(), static_cast<const void*>(items_), size_ * sizeof(Value));
  heap_ = std::move(bytes);
  items_ = reinterpret_cast<Value*>(heap_.get());
  capacity_ = capacity;
}

Evaluator::Evaluator(const Expression::Program& program, const Environment& environment,
                     const Element* focus)
    : program_(program),
      environment_(environment),
      focus_(focus),
      resource_(environment.resource != nullptr ? environment.resource : NearestResource(focus)),
      root_resource_(environment.root_resource != nullptr ? environment.root_resource
                                                          : RootResource(resource_)),
      memo_(static_cast<size_t>(program.memo_slots)) {
  if (focus != nullptr) {
    root_frame_.item = Value::Of(*focus);
    root_frame_.has_item = true;
  }
}

bool Evaluator::Fail(const Node& node, std::string_view detail, Code code) {
  error_ = Error{code, std::string(detail), PlaceOf(program_.text, node.offset)};
  return false;
}

bool Evaluator::PushJoined(const Node& node, std::string_view a, std::string_view b) {
  if (a.size() + b.size() > kMadeTextMax || arena().reserved_bytes() > kMadeBytesMax) {
    return Fail(node, "the string is too long", Code::kTooLarge);
  }
  if (a.empty() || b.empty()) {
    return PushString(a.empty() ? b : a);
  }
  char* room = static_cast<char*>(arena().Allocate(a.size() + b.size(), 1));
  std::memcpy(room, a.data(), a.size());
  std::memcpy(room + a.size(), b.data(), b.size());
  return PushString({room, a.size() + b.size()});
}

bool Evaluator::Charge(const Node& node, uint64_t work) {
  work_ += work;
  return work_ <= kWorkMax ||
         Fail(node, "the expression takes too long on this input", Code::kTooLarge);
}

bool Evaluator::Evaluate(const Node& node) {
  if (stack_.size() > kItemsMax) {
    return Fail(node, "the collection is too large", Code::kTooLarge);
  }
  if (!Charge(node, stack_.TakePushed() + 1)) {
    return false;
  }
  return node.memo < 0 ? EvaluateAfresh(node) : Remembered(node);
}

bool Evaluator::Remembered(const Node& node) {
  std::optional<Collection>& memo = memo_[static_cast<size_t>(node.memo)];
  if (memo) {
    for (const Value& value : *memo) {
      stack_.Push(value);
    }
    return true;
  }
  const size_t begin = top();
  if (!EvaluateAfresh(node)) {
    return false;
  }
  Collection kept;
  kept.reserve(top() - begin);
  for (size_t i = begin; i < top(); ++i) {
    kept.push_back(stack_[i]);
  }
  memo_[static_cast<size_t>(node.memo)] = std::move(kept);
  return true;
}

bool Evaluator::EvaluateAfresh(const Node& node) {
  if (node.operation == Operation::kLiteral) {
    return Push(node.literal);
  }
  if (node.is_decided()) {
    std::optional<bool> decided;
    return DecideAfresh(node, &decided) && (!decided || PushBoolean(*decided));
  }
  if (node.is_walked()) {
    const auto push = [this](const Value& item) {
      stack_.Push(item);
      return Walk::kOn;
    };
    return EachAfresh(node, push) != Walk::kFailed;
  }
  switch (node.operation) {
    case Operation::kEmpty:
      return true;
    case Operation::kIndex:
      return PushInteger(frame_->index);
    case Operation::kTotal:
      for (size_t i = frame_->total.begin; i < frame_->total.end; ++i) {
        stack_.Push(stack_[i]);
      }
      return true;
    case Operation::kFunction:
      return Call(node);
    case Operation::kIndexer:
      return Indexer(node);
    default:
      break;
  }
  Range left{top(), top()};
  if (!Evaluate(*node.left)) {
    return false;
  }
  left.end = top();
  if (node.right == nullptr) {
    if (!ApplyUnary(*this, node, left)) {
      return false;
    }
    stack_.Erase(left);
    return true;
  }
  Range right{top(), top()};
  if (!Evaluate(*node.right)) {
    return false;
  }
  right.end = top();
  if (!ApplyBinary(*this, node, left, right)) {
    return false;
  }
  stack_.Erase({left.begin, right.end});
  return true;
}

const Element* Evaluator::InBundle(const Element& referrer, std::string_view reference) {
  const Element* resource = RootResource(NearestResource(&referrer));
  const Element* entry = resource == nullptr ? nullptr : resource->parent();
  const Element* bundle = entry == nullptr ? nullptr : entry->parent();
  if (bundle == nullptr || bundle->type().name() != "Bundle") {
    return nullptr;
  }
  if (!bundle_ || &bundle_->bundle() != bundle) {
    bundle_.emplace(*bundle);
  }
  return bundle_->Resolve(referrer, reference);
}

bool Evaluator::PushThis() {
  if (frame_->has_item) {
    stack_.Push(frame_->item);
  }
  return true;
}

bool Evaluator::Call(const Node& node) {
  Range input{top(), top()};
  if (node.left == nullptr ? !PushThis() : !Evaluate(*node.left)) {
    return false;
  }
  input.end = top();
  if (!node.function->body(*this, node, input)) {
    return false;
  }
  stack_.Erase(input);
  return true;
}

bool Evaluator::Indexer(const Node& node) {
  Range input{top(), top()};
  if (!Evaluate(*node.left)) {
    return false;
  }
  input.end = top();
  Range index{top(), top()};
  if (!Evaluate(*node.right)) {
    return false;
  }
  index.end = top();
  std::optional<int64_t> at;
  if (!SingleInteger(node, index, &at)) {
    return false;
  }
  stack_.Truncate(index.begin);
  if (at && *at >= 0 && static_cast<size_t>(*at) < input.size()) {
    stack_.Push(stack_[input.begin + static_cast<size_t>(*at)]);
  }
  stack_.Erase(input);
  return true;
}

bool Evaluator::Argument(const Node& node, size_t index, Range* out) {
  out->begin = top();
  if (!Evaluate(*node.arguments[index])) {
    return false;
  }
  out->end = top();
  return true;
}

bool Evaluator::Lambda(const Node& argument, const Frame& frame, Range* out) {
  const Frame* outer = std::exchange(frame_, &frame);
  out->begin = top();
  const bool done = Evaluate(argument);
  out->end = top();
  frame_ = outer;
  return done;
}

bool Evaluator::Criterion(const Node& argument, const Value& item, int64_t index,
                          std::optional<bool>* out) {
  return CriterionIn(argument, Frame{item, true, index, frame_->total}, out);
}

bool Evaluator::CriterionIn(const Node& argument, const Frame& frame, std::optional<bool>* out) {
  const Frame* outer = std::exchange(frame_, &frame);
  const bool done = Decide(&argument, out);
  frame_ = outer;
  return done;
}

bool Evaluator::Single(const Node& node, Range range, std::optional<Value>* out) {
  if (range.size() > 1) {
    return Fail(node, "one item was expected, there are several");
  }
  out->reset();
  if (!range.empty()) {
    *out = Unbox(stack_[range.begin]);
  }
  return true;
}

bool Evaluator::SingleBoolean(const Node& node, Range range, std::optional<bool>* out) {
  std::optional<Value> value;
  if (!Single(node, range, &value)) {
    return false;
  }
  out->reset();
  if (value) {
    // Any other single item counts as true where a boolean is expected (FHIRPath 2.0, 4.5).
    *out = value->kind() != Value::Kind::kBoolean || value->is_true();
  }
  return true;
}

bool Evaluator::SingleString(const Node& node, Range range, std::optional<std::string_view>* out) {
  std::optional<Value> value;
  if (!Single(node, range, &value)) {
    return false;
  }
  out->reset();
  if (!value) {
    return true;
  }
  if (value->kind() != Value::Kind::kString) {
    // An element with an extension alone has no value: as good as absent.
    const bool valueless = value->element() != nullptr && !value->element()->has_text() &&
                           SystemKindOf(value->element()->type()) == Value::Kind::kString;
    return valueless || Fail(node, "a string was expected");
  }
  *out = value->text();
  return Charge(node, (*out)->size() >> 6U);
}

bool Evaluator::SingleInteger(const Node& node, Range range, std::optional<int64_t>* out) {
  std::optional<Value> value;
  if (!Single(node, range, &value)) {
    return false;
  }
  out->reset();
  if (value && value->kind() != Value::Kind::kInteger) {
    return Fail(node, "an integer was expected");
  }
  if (value) {
    *out = value->integer();
  }
  return true;
}

bool Evaluator::StringArgument(const Node& node, size_t index,
                               std::optional<std::string_view>* out) {
  Range range;
  if (!Argument(node, index, &range) || !SingleString(*node.arguments[index], range, out)) {
    return false;
  }
  stack_.Truncate(range.begin);
  return true;
}

bool Evaluator::IntegerArgument(const Node& node, size_t index, std::optional<int64_t>* out) {
  Range range;
  if (!Argument(node, index, &range) || !SingleInteger(*node.arguments[index], range, out)) {
    return false;
  }
  stack_.Truncate(range.begin);
  return true;
}

Result<Collection> Expression::Evaluate(const Element* focus,
                                        const Environment& environment) const {
  Evaluator evaluator(*program_, environment, focus);
  if (!evaluator.Evaluate(*program_->root)) {
    return evaluator.TakeError();
  }
  Collection out;
  out.reserve(evaluator.top());
  for (size_t i = 0; i < evaluator.top(); ++i) {
    const Value& value = evaluator[i];
    const bool bare = value.kind() == Value::Kind::kInteger && value.text().empty();
    out.push_back(bare ? Value::Integer(value.integer(), environment.arena) : value);
  }
  return out;
}

Result<bool> Expression::Test(const Element* focus, const Environment& environment) const {
  Evaluator evaluator(*program_, environment, focus);
  if (program_->root->is_decided()) {
    std::optional<bool> decided;
    if (!evaluator.Decide(program_->root, &decided)) {
      return evaluator.TakeError();
    }
    return decided.value_or(false);
  }
  if (!evaluator.Evaluate(*program_->root)) {
    return evaluator.TakeError();
  }
  return evaluator.top() == 1 && Unbox(evaluator[0]).is_true();
}

bool Expression::Holds(const Element* focus, const Environment& environment) const {
  const Result<bool> holds = Test(focus, environment);
  return holds && *holds;
}

}  // namespace gw::fhir::path
