#include <algorithm>
#include <array>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/node_internal.h"

namespace gw::fhir::path {
namespace {

// Functions that hand on items of their input: what is known of the input holds for the result.
constexpr std::array<std::string_view, 12> kKeepsItems = {"where",   "first",    "last",  "tail",
                                                          "skip",    "take",     "trace", "sort",
                                                          "exclude", "distinct", "iif",   "single"};
constexpr std::array<std::string_view, 5> kNeedsOrder = {"first", "last", "tail", "skip", "take"};

bool Has(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Shape ShapeOfFunction(const Node& node) {
  const std::string_view name = node.function->name;
  if (name == "where") {
    return Shape::kWhere;
  }
  if (name == "first") {
    return Shape::kFirst;
  }
  if (name == "not") {
    return Shape::kNot;
  }
  if (name == "empty") {
    return Shape::kIsEmpty;
  }
  return name == "exists" && node.arguments.empty() ? Shape::kExists : Shape::kMade;
}

// Of a node whose parts have their shapes.
Shape ShapeOf(const Node& node) {
  switch (node.operation) {
    case Operation::kThis:
      return Shape::kThis;
    case Operation::kVariable:
      return Shape::kVariable;
    case Operation::kLiteral:
    case Operation::kLiterals:
      return Shape::kLiterals;
    case Operation::kMember:
      return Shape::kMember;
    case Operation::kFunction:
      return ShapeOfFunction(node);
    case Operation::kAnd:
    case Operation::kOr:
    case Operation::kXor:
    case Operation::kImplies:
      return Shape::kLogic;
    case Operation::kEqual:
    case Operation::kNotEqual:
      return node.right->operation == Operation::kLiteral ? Shape::kEquality : Shape::kMade;
    case Operation::kIn:
      return node.right->is_walked() ? Shape::kMembership : Shape::kMade;
    default:
      return Shape::kMade;
  }
}

struct Known {
  bool typed = false;      // each item's type is the one the path declares
  bool unordered = false;  // children() and descendants() promise no order
};

class Analyst {
 public:
  explicit Analyst(Expression::Program* program) : program_(program) {}

  Status Check(Node* root) {
    GW_TRY(const Known known, Visit(root, Known{.typed = true}));
    (void)known;
    Remember(root, false, false);
    SetShapes(root);
    return {};
  }

 private:
  bool strict() const { return program_->mode == Mode::kStrict; }

  Error Refuse(const Node* node, std::string_view detail) const {
    return Error{Code::kInvalid, std::string(detail), PlaceOf(program_->text, node->offset)};
  }

  static void Inherit(Node* node, const Node& part, bool same_this) {
    node->varies |= part.varies && same_this;
    node->leaks |= part.leaks;
    node->walks |= part.walks;
  }

  // Code lists are written as unions, and asked of each item of a collection.
  bool FoldUnion(Node* node) {
    std::vector<Value> values;
    DistinctSet seen;
    if (!GatherLiterals(*node, &seen, &values)) {
      return false;
    }
    program_->literals.push_back(std::move(values));
    node->operation = Operation::kLiterals;
    node->literals = program_->literals.back();
    node->left = nullptr;
    node->right = nullptr;
    return true;
  }

  static bool GatherLiterals(const Node& node, DistinctSet* seen, std::vector<Value>* values) {
    if (node.operation == Operation::kUnion) {
      return GatherLiterals(*node.left, seen, values) && GatherLiterals(*node.right, seen, values);
    }
    if (node.operation != Operation::kLiteral) {
      return false;
    }
    if (seen->Insert(node.literal)) {
      values->push_back(node.literal);
    }
    return true;
  }

  // `focus` is what is known of $this.
  Result<Known> Visit(Node* node, Known focus) {
    if (node->operation == Operation::kUnion && FoldUnion(node)) {
      return Known{};
    }
    Known left = focus;
    if (node->left != nullptr) {
      GW_TRY(left, Visit(node->left, focus));
      Inherit(node, *node->left, true);
    }
    if (node->right != nullptr) {
      GW_TRY(const Known right, Visit(node->right, focus));
      (void)right;
      Inherit(node, *node->right, true);
    }
    switch (node->operation) {
      case Operation::kThis:
        node->varies = true;
        return focus;
      case Operation::kIndex:
      case Operation::kTotal:
        node->leaks = true;
        return Known{};
      case Operation::kMember:
        return Member(node, left);
      case Operation::kFunction:
        return Function(node, left, focus);
      case Operation::kIndexer:
        if (strict() && left.unordered) {
          return Refuse(node, "an index into items that have no order");
        }
        return left;
      case Operation::kAs:
        return Known{.typed = true, .unordered = left.unordered};
      default:
        return Known{};
    }
  }

  Result<Known> Member(Node* node, Known receiver) {
    node->varies |= node->left == nullptr;
    const Node* left = node->left;
    const bool cast =
        left != nullptr && (left->operation == Operation::kAs ||
                            (left->operation == Operation::kFunction &&
                             (left->function->name == "as" || left->function->name == "ofType")));
    if (strict() && cast && left->type->fhir != nullptr && !left->type->system &&
        left->type->fhir->Find(node->name) == nullptr) {
      return Refuse(node, "the type has no element of this name");
    }
    node->checked = strict() && receiver.typed;
    return receiver;
  }

  Result<Known> Function(Node* node, Known receiver, Known focus) {
    const std::string_view name = node->function->name;
    node->varies |= node->left == nullptr;
    node->walks |= name == "descendants" || name == "children" || name == "repeat";
    if (strict() && receiver.unordered && Has(kNeedsOrder, name)) {
      return Refuse(node, "the function needs an order that its input does not have");
    }
    for (Node* argument : node->arguments) {
      GW_TRY(const Known known, Visit(argument, node->function->lambda ? receiver : focus));
      (void)known;
      // iif() and the start value of aggregate() see the $this around them.
      Inherit(node, *argument, !node->function->lambda || name == "iif" || name == "aggregate");
    }
    if (name == "children" || name == "descendants") {
      return Known{.unordered = true};
    }
    if (name == "as" || name == "ofType" || name == "extension") {
      return Known{.typed = true, .unordered = receiver.unordered};
    }
    if (name == "select" || name == "repeat") {
      return Known{.unordered = receiver.unordered};
    }
    return Has(kKeepsItems, name) ? receiver : Known{};
  }

  // Gives a slot to what would be computed afresh for each item of a lambda though it never
  // changes: the largest such part, and each walk inside it, shared where the text is the same.
  void Remember(Node* node, bool in_lambda, bool covered) {
    const bool is_walk =
        node->operation == Operation::kFunction && node->function->name == "descendants";
    const bool constant = in_lambda && node->walks && !node->varies && !node->leaks;
    if (constant && (is_walk || !covered)) {
      node->memo = SlotOf(node);
    }
    if (node->left != nullptr) {
      Remember(node->left, in_lambda, covered || constant);
    }
    if (node->right != nullptr) {
      Remember(node->right, in_lambda, covered || constant);
    }
    const bool lambda = node->function != nullptr && node->function->lambda;
    for (Node* argument : node->arguments) {
      Remember(argument, in_lambda || lambda, lambda ? false : covered || constant);
    }
  }

  void SetShapes(Node* node) {
    if (node->left != nullptr) {
      SetShapes(node->left);
    }
    if (node->right != nullptr) {
      SetShapes(node->right);
    }
    for (Node* argument : node->arguments) {
      SetShapes(argument);
    }
    if (node->operation == Operation::kLiteral) {
      node->literals = {&node->literal, 1};
    }
    node->shape = ShapeOf(*node);
    if (node->shape == Shape::kMember && !node->may_be_type && !node->checked) {
      SetPath(node);
    }
  }

  void SetPath(Node* node) {
    const Node* left = node->left;
    const bool goes_on = left != nullptr && !left->path.empty() && left->memo < 0;
    std::vector<std::string_view>& path = program_->paths.emplace_back();
    if (goes_on) {
      path.assign(left->path.begin(), left->path.end());
    }
    path.push_back(node->name);
    node->path = path;
    node->base = goes_on ? left->base : left;
  }

  int32_t SlotOf(const Node* node) {
    const std::string_view source =
        std::string_view(program_->text)
            .substr(node->source_begin, node->source_end - node->source_begin);
    const auto found = std::find(sources_.begin(), sources_.end(), source);
    const auto index = static_cast<int32_t>(found - sources_.begin());
    if (found == sources_.end()) {
      sources_.push_back(source);
      program_->memo_slots = index + 1;
    }
    return index;
  }

  Expression::Program* program_;
  std::vector<std::string_view> sources_;
};

}  // namespace

Status Analyse(Expression::Program* program, Node* root) { return Analyst(program).Check(root); }

}  // namespace gw::fhir::path
