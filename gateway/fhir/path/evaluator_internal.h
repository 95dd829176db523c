#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/fhir/path/bundle_internal.h"
#include "gateway/fhir/path/node_internal.h"

namespace gw::fhir::path {

// The one place where an evaluation keeps its collections: each result lies on top, as a range.
// Starts in the object itself, so that a small evaluation allocates nothing.
class ValueStack {
 public:
  ValueStack() = default;
  ValueStack(const ValueStack&) = delete;
  ValueStack& operator=(const ValueStack&) = delete;

  size_t size() const { return size_; }
  Value& operator[](size_t i) { return items_[i]; }
  void Push(const Value& value) {
    const Value copy = value;  // it may lie in the stack that moves
    if (size_ == capacity_) {
      Grow();
    }
    new (&items_[size_++]) Value(copy);
    ++pushed_;
  }
  // How many were pushed since the last call.
  uint64_t TakePushed() { return std::exchange(pushed_, 0); }
  void Truncate(size_t size) { size_ = size; }
  // Takes [begin, end) out; what lies above moves down.
  void Erase(Range range) {
    if (size_ == range.end + 1) {  // one result above its operands: nearly always
      items_[range.begin] = items_[range.end];
    } else if (size_ > range.end) {
      std::memmove(static_cast<void*>(items_ + range.begin), items_ + range.end,
                   (size_ - range.end) * sizeof(Value));
    }
    size_ -= range.size();
  }

 private:
  static_assert(std::is_trivially_copyable_v<Value>);
  static constexpr size_t kInline = 48;
  void Grow();

  alignas(Value) std::array<std::byte, kInline * sizeof(Value)> inline_;
  std::unique_ptr<std::byte[]> heap_;
  Value* items_ = reinterpret_cast<Value*>(inline_.data());
  size_t size_ = 0;
  size_t capacity_ = kInline;
  uint64_t pushed_ = 0;
};

// What a walk does with each item.
enum class Walk : uint8_t { kOn, kEnough, kFailed };

// A function of one item, which must outlive the walk. The item may not.
class Visitor {
 public:
  template <typename Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, Visitor>)
      Visitor(const Function& function)  // NOLINT(google-explicit-constructor): a parameter's type
      : function_(&function), call_([](const void* called, const Value& item) {
          return (*static_cast<const Function*>(called))(item);
        }) {}
  Walk operator()(const Value& item) const { return call_(function_, item); }

 private:
  const void* function_;
  Walk (*call_)(const void* function, const Value& item);
};

// What $this, $index and $total mean.
struct Frame {
  Value item;
  bool has_item = false;
  int64_t index = 0;
  Range total;
};

inline constexpr size_t kMadeTextMax = size_t{16} << 20U;  // bytes of a string that is made

// One evaluation of one expression. Functions that return bool have set an error where they return
// false. Not thread-safe.
class Evaluator {
 public:
  Evaluator(const Expression::Program& program, const Environment& environment,
            const Element* focus);

  // Pushes the value of `node`.
  bool Evaluate(const Node& node);
  Error TakeError() { return std::move(error_); }

  ValueStack& stack() { return stack_; }
  Value& operator[](size_t i) { return stack_[i]; }
  size_t top() const { return stack_.size(); }
  bool Push(const Value& value) {
    stack_.Push(value);
    return true;
  }
  bool PushBoolean(bool value) { return Push(Value::Boolean(value)); }
  bool PushInteger(int64_t value) { return Push(Value::Integer(value, nullptr)); }
  bool PushString(std::string_view text) { return Push(Value::Of(Value::Kind::kString, text)); }
  // As PushString, for text that does not live long enough.
  bool PushCopy(std::string_view text) { return PushString(arena().Copy(text)); }

  // The two texts as one. An error where that is longer than any expression needs.
  bool PushJoined(const Node& node, std::string_view a, std::string_view b);

  Arena& arena() { return *environment_.arena; }
  const Environment& environment() const { return environment_; }
  bool strict() const { return program_.mode == Mode::kStrict; }
  const Frame& frame() const { return *frame_; }
  const Element* resource() const { return resource_; }
  const Element* root_resource() const { return root_resource_; }
  bool Fail(const Node& node, std::string_view detail, Code code = Code::kInvalid);
  // Counts work that is not one step for one item, and ends an evaluation that takes too much.
  bool Charge(const Node& node, uint64_t work);
  // What a reference points at in the Bundle that the referrer stands in; null: nothing.
  const Element* InBundle(const Element& referrer, std::string_view reference);

  // Pushes the value of the index-th argument; *out is where it lies.
  bool Argument(const Node& node, size_t index, Range* out);
  // As Argument, evaluated in a frame of its own; the result stays on the stack.
  bool Lambda(const Node& argument, const Frame& frame, Range* out);
  // Evaluates a criterion for an item and leaves the stack as it was. Empty: absent.
  bool Criterion(const Node& argument, const Value& item, int64_t index, std::optional<bool>* out);
  // As Criterion, in a frame of the caller's.
  bool CriterionIn(const Node& argument, const Frame& frame, std::optional<bool>* out);
  // The value of `node` where a single boolean is asked (SingleBoolean); null: of $this. Leaves the
  // stack as it was.
  bool Decide(const Node* node, std::optional<bool>* out);
  // Meets the items of `node` in their order, until there is enough; null: $this. What the visitor
  // pushes stays on the stack. An operand that is not needed for that is not evaluated, so that
  // its errors do not show.
  Walk Each(const Node* node, Visitor visit);

  // Singletons of a range (FHIRPath 2.0, 4.5): absent where it is empty; an error where it has
  // several items or one of another type.
  bool Single(const Node& node, Range range, std::optional<Value>* out);
  bool SingleBoolean(const Node& node, Range range, std::optional<bool>* out);
  bool SingleString(const Node& node, Range range, std::optional<std::string_view>* out);
  bool SingleInteger(const Node& node, Range range, std::optional<int64_t>* out);
  // The same of an argument, which leaves the stack again.
  bool StringArgument(const Node& node, size_t index, std::optional<std::string_view>* out);
  bool IntegerArgument(const Node& node, size_t index, std::optional<int64_t>* out);

 private:
  bool EvaluateAfresh(const Node& node);
  bool Remembered(const Node& node);
  bool PushThis();
  bool Call(const Node& node);
  bool Indexer(const Node& node);

  // evaluator_walk.cc; Afresh: of a node that is decided or walked, whether it is remembered or
  // not.
  bool DecideAfresh(const Node& node, std::optional<bool>* out);
  Walk EachAfresh(const Node& node, Visitor visit);
  bool DecideLogic(const Node& node, std::optional<bool>* out);
  bool DecideAny(const Node& node, std::optional<bool>* out);
  bool DecideEquality(const Node& node, std::optional<bool>* out);
  bool DecideMembership(const Node& node, std::optional<bool>* out);
  Walk EachMade(const Node& node, Visitor visit);
  Walk EachOfVariable(const Node& node, Visitor visit);
  Walk EachWhere(const Node& node, Visitor visit);
  Walk EachFirst(const Node& node, Visitor visit);
  bool FirstOf(const Node* node, std::optional<Value>* out);
  Walk EachMember(const Node& node, const Value& value, Visitor visit);
  Walk EachChild(const Node& node, const Element& element, Visitor visit);
  Walk EachOnPath(const Node& node, const Value& value, Visitor visit);
  Walk EachBelow(const Element& element, std::span<const std::string_view> path, Visitor visit);
  Walk Meet(Visitor visit, const Value& item) {
    ++work_;
    return visit(item);
  }

  const Expression::Program& program_;
  const Environment& environment_;
  const Element* focus_;
  const Element* resource_;
  const Element* root_resource_;
  ValueStack stack_;
  Frame root_frame_;
  const Frame* frame_ = &root_frame_;
  std::vector<std::optional<Collection>> memo_;
  std::optional<BundleIndex> bundle_;  // of the last Bundle that was asked
  uint64_t work_ = 0;
  Error error_;
};

// operators.cc: with the operands' ranges on the stack, pushes the result above them.
bool ApplyUnary(Evaluator& evaluator, const Node& node, Range operand);
bool ApplyBinary(Evaluator& evaluator, const Node& node, Range left, Range right);
// types.cc
enum class TypeMatch : uint8_t { kIs, kAs };
bool MatchesType(const Evaluator& evaluator, const Value& value, const TypeName& type,
                 TypeMatch match);

}  // namespace gw::fhir::path
