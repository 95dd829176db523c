// Conditions decided and paths walked without a collection on the stack: each item of
// `a.b.where(c)` is met where it stands in the tree, and the walk ends when there is enough.
#include <algorithm>
#include <cstring>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

constexpr std::string_view kSeveral = "one item was expected, there are several";

// Most texts that have one length differ at their end (c1, c2) or at their start.
bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || (a.back() == b.back() && a.front() == b.front() &&
                                                std::memcmp(a.data(), b.data(), a.size()) == 0));
}

bool IsAmong(const Value& sought, std::span<const Value> literals) {
  return std::any_of(literals.begin(), literals.end(), [&sought](const Value& literal) {
    return sought.kind() == Value::Kind::kString && literal.kind() == Value::Kind::kString
               ? SameText(sought.text(), literal.text())
               : EqualUnboxed(sought, literal).value_or(false);
  });
}

// Any single item that is no boolean counts as true (FHIRPath 2.0, 4.5).
bool AsBoolean(const Value& item) {
  const Value value = Unbox(item);
  return value.kind() != Value::Kind::kBoolean || value.is_true();
}

// The first item of a walk, and whether there are more.
struct Found {
  Value first;
  uint32_t count = 0;  // 2: two or more
  Walk Take(const Value& item) {
    first = count == 0 ? item : first;
    return ++count < 2 ? Walk::kOn : Walk::kEnough;
  }
};

// Three-valued (FHIRPath 2.0, 6.5).
std::optional<bool> Join(Operation operation, std::optional<bool> a, std::optional<bool> b) {
  const auto is = [](const std::optional<bool>& x, bool value) { return x && *x == value; };
  switch (operation) {
    case Operation::kAnd:
      return is(a, false) || is(b, false) ? std::optional(false)
             : a && b                     ? std::optional(true)
                                          : std::nullopt;
    case Operation::kOr:
      return is(a, true) || is(b, true) ? std::optional(true)
             : a && b                   ? std::optional(false)
                                        : std::nullopt;
    case Operation::kXor:
      return a && b ? std::optional(*a != *b) : std::nullopt;
    default:  // implies
      return is(a, false) || is(b, true) ? std::optional(true)
             : is(a, true) && b          ? std::optional(false)
                                         : std::nullopt;
  }
}

// Does the left operand decide?
bool Settles(Operation operation, std::optional<bool> left) {
  const bool by_true = operation == Operation::kOr;
  return left && operation != Operation::kXor && *left == by_true;
}

}  // namespace

bool Evaluator::Decide(const Node* node, std::optional<bool>* out) {
  if (node == nullptr) {
    *out = frame_->has_item ? std::optional(AsBoolean(frame_->item)) : std::nullopt;
    return true;
  }
  if (node->is_decided() && node->memo < 0) {
    return Charge(*node, stack_.TakePushed() + 1) && DecideAfresh(*node, out);
  }
  Found found;
  if (Each(node, [&found](const Value& item) { return found.Take(item); }) == Walk::kFailed) {
    return false;
  }
  if (found.count > 1) {
    return Fail(*node, kSeveral);
  }
  *out = found.count == 1 ? std::optional(AsBoolean(found.first)) : std::nullopt;
  return true;
}

bool Evaluator::DecideAfresh(const Node& node, std::optional<bool>* out) {
  switch (node.shape) {
    case Shape::kLogic:
      return DecideLogic(node, out);
    case Shape::kEquality:
      return DecideEquality(node, out);
    case Shape::kMembership:
      return DecideMembership(node, out);
    case Shape::kNot:
      if (!Decide(node.left, out)) {
        return false;
      }
      *out = *out ? std::optional(!**out) : std::nullopt;
      return true;
    default:
      return DecideAny(node, out);
  }
}

bool Evaluator::DecideLogic(const Node& node, std::optional<bool>* out) {
  std::optional<bool> left;
  if (!Decide(node.left, &left)) {
    return false;
  }
  if (Settles(node.operation, left)) {
    *out = node.operation != Operation::kAnd;
    return true;
  }
  std::optional<bool> right;
  if (!Decide(node.right, &right)) {
    return false;
  }
  *out = Join(node.operation, left, right);
  return true;
}

bool Evaluator::DecideAny(const Node& node, std::optional<bool>* out) {
  const Walk walk = Each(node.left, [](const Value& /*item*/) { return Walk::kEnough; });
  *out = (walk == Walk::kEnough) == (node.shape == Shape::kExists);
  return walk != Walk::kFailed;
}

bool Evaluator::DecideEquality(const Node& node, std::optional<bool>* out) {
  Found found;
  if (Each(node.left, [&found](const Value& item) { return found.Take(item); }) == Walk::kFailed) {
    return false;
  }
  const std::optional<bool> equal = found.count == 0 ? std::nullopt
                                    : found.count == 1
                                        ? EqualUnboxed(Unbox(found.first), node.right->literal)
                                        : std::optional(false);
  *out = equal ? std::optional(*equal == (node.operation == Operation::kEqual)) : std::nullopt;
  return true;
}

bool Evaluator::DecideMembership(const Node& node, std::optional<bool>* out) {
  Found found;
  if (Each(node.left, [&found](const Value& item) { return found.Take(item); }) == Walk::kFailed) {
    return false;
  }
  if (found.count > 1) {
    return Fail(node, kSeveral);
  }
  if (found.count == 0) {
    out->reset();
    return true;
  }
  const Value sought = Unbox(found.first);
  if (node.right->shape == Shape::kLiterals) {
    *out = IsAmong(sought, node.right->literals);
    return Charge(node, node.right->literals.size());
  }
  const Walk walk = Each(node.right, [&sought](const Value& item) {
    const bool is_it = EqualUnboxed(sought, Unbox(item)).value_or(false);
    return is_it ? Walk::kEnough : Walk::kOn;
  });
  *out = walk == Walk::kEnough;
  return walk != Walk::kFailed;
}

Walk Evaluator::Each(const Node* node, Visitor visit) {
  if (node == nullptr) {
    return frame_->has_item ? Meet(visit, frame_->item) : Walk::kOn;
  }
  if (!node->is_walked() || node->memo >= 0) {
    return EachMade(*node, visit);
  }
  return Charge(*node, stack_.TakePushed() + 1) ? EachAfresh(*node, visit) : Walk::kFailed;
}

Walk Evaluator::EachAfresh(const Node& node, Visitor visit) {
  switch (node.shape) {
    case Shape::kThis:
      return Each(nullptr, visit);
    case Shape::kVariable:
      return EachOfVariable(node, visit);
    case Shape::kLiterals:
      for (const Value& literal : node.literals) {
        if (const Walk walk = Meet(visit, literal); walk != Walk::kOn) {
          return walk;
        }
      }
      return Walk::kOn;
    case Shape::kWhere:
      return EachWhere(node, visit);
    case Shape::kFirst:
      return EachFirst(node, visit);
    default:
      break;
  }
  const bool is_path = !node.path.empty();
  const auto meet = [&](const Value& item) {
    return is_path ? EachOnPath(node, item, visit) : EachMember(node, item, visit);
  };
  const Node* base = is_path ? node.base : node.left;
  if (base == nullptr) {
    return frame_->has_item ? meet(frame_->item) : Walk::kOn;
  }
  return Each(base, meet);
}

// What lies on the stack meanwhile goes when the walk ends; what the visitor pushed moves down.
Walk Evaluator::EachMade(const Node& node, Visitor visit) {
  Range made{top(), top()};
  if (!Evaluate(node)) {
    return Walk::kFailed;
  }
  made.end = top();
  Walk walk = Walk::kOn;
  for (size_t i = made.begin; i < made.end && walk == Walk::kOn; ++i) {
    const Value item = stack_[i];  // the stack may move
    walk = visit(item);
  }
  stack_.Erase(made);
  return walk;
}

Walk Evaluator::EachOfVariable(const Node& node, Visitor visit) {
  for (const auto& [name, values] : environment_.variables) {
    if (name != node.name) {
      continue;
    }
    Walk walk = Walk::kOn;
    for (size_t i = 0; i < values.size() && walk == Walk::kOn; ++i) {
      walk = Meet(visit, values[i]);
    }
    return walk;
  }
  const Element* element = nullptr;
  if (node.name == "resource") {
    element = resource_;
  } else if (node.name == "rootResource") {
    element = root_resource_;
  } else if (node.name == "context") {
    element = focus_;
  } else {
    Fail(node, "there is no variable of this name");
    return Walk::kFailed;
  }
  return element == nullptr ? Walk::kOn : Meet(visit, Value::Of(*element));
}

Walk Evaluator::EachWhere(const Node& node, Visitor visit) {
  int64_t index = 0;
  return Each(node.left, [&](const Value& item) {
    std::optional<bool> holds;
    if (!Criterion(*node.arguments[0], item, index++, &holds)) {
      return Walk::kFailed;
    }
    return holds.value_or(false) ? visit(item) : Walk::kOn;
  });
}

Walk Evaluator::EachFirst(const Node& node, Visitor visit) {
  std::optional<Value> first;
  if (!FirstOf(node.left, &first)) {
    return Walk::kFailed;
  }
  return first ? visit(*first) : Walk::kOn;
}

// The first of two collections together is that of the second only where the first has none.
bool Evaluator::FirstOf(const Node* node, std::optional<Value>* out) {
  const bool is_combine = node != nullptr && node->function != nullptr && node->memo < 0 &&
                          node->function->name == "combine" && node->left != nullptr;
  if (is_combine || (node != nullptr && node->operation == Operation::kUnion && node->memo < 0)) {
    return FirstOf(node->left, out) &&
           (out->has_value() || FirstOf(is_combine ? node->arguments[0] : node->right, out));
  }
  const auto take = [out](const Value& item) {
    *out = item;
    return Walk::kEnough;
  };
  return Each(node, take) != Walk::kFailed;
}

Walk Evaluator::EachMember(const Node& node, const Value& value, Visitor visit) {
  switch (value.kind()) {
    case Value::Kind::kElement:
      return EachChild(node, *value.element(), visit);
    case Value::Kind::kTypeInfo:
      if (node.name == "name" || node.name == "namespace") {
        const std::string_view text = node.name == "name" ? value.text() : value.unit();
        return Meet(visit, Value::Of(Value::Kind::kString, text));
      }
      return Walk::kOn;
    case Value::Kind::kQuantity:
      if (node.name == "value") {
        return Meet(visit, Value::Of(Value::Kind::kDecimal, value.text()));
      }
      return node.name == "unit" || node.name == "code"
                 ? Meet(visit, Value::Of(Value::Kind::kString, value.unit()))
                 : Walk::kOn;
    default:
      return Walk::kOn;
  }
}

Walk Evaluator::EachChild(const Node& node, const Element& element, Visitor visit) {
  const std::string_view name = node.name;
  if (node.focus == &element.type()) {  // R4's element names begin with small letters
    return Meet(visit, Value::Of(element));
  }
  if (node.may_be_type && element.type().Find(name) == nullptr) {
    if (element.type().Is(name)) {
      return Meet(visit, Value::Of(element));
    }
    // A path of strict mode that names another type than its focus cannot be meant.
    const bool is_meant = !strict() || !element.is_resource();
    return is_meant || Fail(node, "the focus is not of the type that the path begins with")
               ? Walk::kOn
               : Walk::kFailed;
  }
  if (node.checked && element.type().Find(name) == nullptr && element.Child(name) == nullptr) {
    const ElementDef* definition = element.definition();
    const bool open = definition != nullptr &&
                      (definition->choice ||
                       (definition->types.size() == 1 && definition->types[0]->is_abstract()));
    if (!open) {
      Fail(node, "the type has no element of this name");
      return Walk::kFailed;
    }
  }
  return EachBelow(element, {&name, 1}, visit);
}

// Values that are no elements have members of their own, and nothing below these.
Walk Evaluator::EachOnPath(const Node& node, const Value& value, Visitor visit) {
  if (const Element* element = value.element(); element != nullptr) {
    return EachBelow(*element, node.path, visit);
  }
  return node.path.size() == 1 ? EachMember(node, value, visit) : Walk::kOn;
}

Walk Evaluator::EachBelow(const Element& element, std::span<const std::string_view> path,
                          Visitor visit) {
  bool is_found = false;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (!SameText(child->name(), path.front())) {
      if (is_found) {
        break;  // repetitions stand together
      }
      continue;
    }
    is_found = true;
    const Walk walk = path.size() == 1 ? Meet(visit, Value::Of(*child))
                                       : (++work_, EachBelow(*child, path.subspan(1), visit));
    if (walk != Walk::kOn) {
      return walk;
    }
  }
  return Walk::kOn;
}

}  // namespace gw::fhir::path
