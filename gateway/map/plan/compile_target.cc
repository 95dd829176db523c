#include <algorithm>
#include <array>
#include <utility>

#include "gateway/map/plan/compiler_internal.h"
#include "gateway/map/plan/path_internal.h"

namespace gw::map {
namespace {

std::string TypesOf(const fhir::ElementDef& element) {
  std::string names;
  for (size_t i = 0; i < element.types.size() && i < 4; ++i) {
    names += (i == 0 ? "" : ", ") + std::string(element.types[i]->name());
  }
  return element.types.size() > 4 ? names + " ..." : names;
}

}  // namespace

// Of an expression that is no more than a variable the type is known.
StaticType RuleCompiler::TypeOfPath(std::string_view text) {
  while (text.starts_with('(') && text.ends_with(')')) {
    text = text.substr(1, text.size() - 2);
  }
  const Scope::Variable* whole = scope_.Find(text.substr(text.starts_with('%') ? 1 : 0), false);
  return whole != nullptr ? whole->type : StaticType();
}

Result<ArgumentOp> RuleCompiler::Argument(const FmlArgument& argument, bool wants_target,
                                          StaticType* type) {
  using Kind = FmlArgument::Kind;
  const CommonTypes& types = compiler_.types();
  ArgumentOp op;
  op.text = argument.text;
  if (argument.kind == Kind::kVariable) {
    const Scope::Variable* variable = scope_.Find(argument.text, wants_target);
    if (variable != nullptr) {
      op.kind = ArgumentOp::Kind::kSlot;
      op.slot = variable->slot;
      op.is_source = !variable->is_target;
      *type = variable->type;
      return op;
    }
  }
  if (argument.kind == Kind::kVariable || argument.kind == Kind::kPath) {
    op.kind = ArgumentOp::Kind::kPath;
    GW_TRY(op.path, Path({.text = argument.text, .place = argument.place}, nullptr));
    *type = TypeOfPath(argument.text);
    return op;
  }
  const bool has_time = argument.text.find('T') != std::string::npos;
  op.type = argument.kind == Kind::kBoolean   ? types.boolean_type
            : argument.kind == Kind::kInteger ? types.integer_type
            : argument.kind == Kind::kDecimal ? types.decimal_type
            : argument.kind == Kind::kString  ? types.string_type
            : argument.text.starts_with('T')  ? types.time_type
            : has_time                        ? types.date_time_type
                                              : types.date_type;
  op.text = argument.text.substr(op.type == types.time_type ? 1 : 0);
  if (op.type == types.integer_type && !fhir::IsLexicalForm(op.type->primitive(), op.text)) {
    op.type = types.decimal_type;  // a number still, but none of FHIR's integers
  }
  if (op.type != types.string_type && !fhir::IsLexicalForm(op.type->primitive(), op.text)) {
    return Fail(argument.place,
                "'" + argument.text + "' is no " + std::string(op.type->name()) + " of FHIR");
  }
  *type = {.type = op.type, .choice = nullptr};
  return op;
}

// A literal stands as it is written: whether it has the form of the element is known here.
Status RuleCompiler::CheckLiteral(const FmlTarget& target, const TargetOp& op) const {
  const bool is_literal =
      op.transform == Transform::kCopy && op.arguments.front().kind == ArgumentOp::Kind::kText;
  const bool fits = !is_literal || op.type == nullptr || op.arguments.front().text.empty() ||
                    op.type->kind() != fhir::Kind::kPrimitive ||
                    fhir::IsLexicalForm(op.type->primitive(), op.arguments.front().text);
  return fits ? Status()
              : Status(Fail(
                    target.arguments.front().place,
                    "'" + op.arguments.front().text + "' is no " + std::string(op.type->name())));
}

Result<TargetOp> RuleCompiler::Target(const FmlTarget& target) {
  TargetOp op;
  StaticType place;
  GW_RETURN_IF_ERROR(TargetContext(target, &op, &place));
  op.list_mode = target.list_mode;
  if (target.list_mode == FmlListMode::kShare) {
    op.share = compiler_.ShareNumber(target.share_id);
  }
  if (target.list_mode != FmlListMode::kNone && target.element.empty()) {
    return Fail(target.place, "a list mode needs an element: expected variable.element");
  }
  const bool is_alias = target.element.empty() && target.transform.empty();
  if (!is_alias && (target.transform.empty() || target.transform == "create")) {
    GW_RETURN_IF_ERROR(Created(target, &op, &place));
  } else if (!is_alias) {
    GW_RETURN_IF_ERROR(Transformed(target, &op, &place));
  }
  if (!target.variable.empty()) {
    op.variable = scope_.Declare(target.variable, target.variable_place, true, place);
  }
  return op;
}

// The element that a target names; *place is what is known of its type.
Status RuleCompiler::TargetContext(const FmlTarget& target, TargetOp* op, StaticType* place) {
  if (target.context.empty()) {
    return {};
  }
  const Scope::Variable* context = scope_.Find(target.context, true);
  if (context == nullptr || !context->is_target) {
    return Fail(target.context_place,
                context == nullptr
                    ? "there is no variable '" + target.context + "'"
                    : "expected a target variable: '" + target.context + "' belongs to the source");
  }
  op->context = context->slot;
  Navigation navigation;
  if (!Navigate(context->type, target.element, compiler_.definitions(), &navigation)) {
    return Fail(target.element_place,
                Describe(context->type) + " has no element '" + target.element + "'");
  }
  op->step = std::move(navigation.step);
  op->type = navigation.filter;
  *place = navigation.type;
  return {};
}

// An empty element, or create().
Status RuleCompiler::Created(const FmlTarget& target, TargetOp* op, StaticType* place) {
  op->transform = target.transform.empty() ? Transform::kNone : Transform::kCreate;
  const fhir::ElementDef* element = op->step.element;
  if (target.arguments.size() > 1) {
    return Fail(target.transform_place, "create takes 0 to 1 argument");
  }
  if (!target.arguments.empty()) {
    const FmlArgument& type = target.arguments.front();
    if (type.kind != FmlArgument::Kind::kString) {
      return Fail(type.place, "expected the name of a type in quotes");
    }
    GW_TRY(op->type, compiler_.library().TypeNamed(map_, type.text, type.place));
    if (element != nullptr && !TakesType(*element, *op->type)) {
      return Fail(type.place,
                  "'" + target.element + "' takes " + TypesOf(*element) + ", not " + type.text);
    }
  }
  if (op->type == nullptr && element != nullptr) {
    if (element->types.size() != 1 || element->types.front()->is_abstract()) {
      return Fail(target.place, "'" + target.element + "' may be of several types: expected = " +
                                    "create('...') with one of them");
    }
    op->type = element->types.front();
  }
  if (op->type == nullptr && target.context.empty()) {
    return Fail(target.transform_place, "expected a type: create('...')");
  }
  if (op->type != nullptr && op->type->is_abstract()) {
    return Fail(target.transform_place, "nothing is just a " + std::string(op->type->name()));
  }
  if (op->step.kind == Step::Kind::kValue ||
      (op->step.kind == Step::Kind::kSelf && !target.context.empty())) {
    return Fail(target.transform_place, "expected a value here, not a new element");
  }
  *place = {.type = op->type, .choice = nullptr};
  return {};
}

// A string where the only type is another primitive, if a run may tell whether it fits.
const fhir::TypeDef* RuleCompiler::TextIn(const fhir::ElementDef& element,
                                          const fhir::TypeDef& value) const {
  const bool may_fit = compiler_.options().check_texts_in_runs &&
                       &value == compiler_.types().string_type && element.types.size() == 1 &&
                       element.types.front()->kind() == fhir::Kind::kPrimitive;
  return may_fit ? element.types.front() : nullptr;
}

// Where a value of that type goes.
Status RuleCompiler::Valued(const FmlTarget& target, const StaticType& value, TargetOp* op,
                            StaticType* place) {
  if (target.context.empty()) {
    *place = value;
    return {};
  }
  const fhir::TypeDef* only = op->type;  // by a choice's JSON name, or cast
  const bool on_itself = op->step.kind == Step::Kind::kSelf || op->step.kind == Step::Kind::kValue;
  if (on_itself) {
    if (place->type != nullptr && !IsLeaf(*place->type)) {
      return Fail(target.place, "expected an element: '" + target.context + "' is " +
                                    Describe(*place) + " and has no value of its own");
    }
    only = place->type;
  }
  const fhir::ElementDef* element = op->step.element;
  if (value.type == nullptr || IsOpen(*value.type)) {
    const bool is_certain = only == nullptr && element != nullptr && element->types.size() == 1 &&
                            !element->types.front()->is_abstract();
    op->type = is_certain ? element->types.front() : only;
    *place = op->type != nullptr ? StaticType{op->type, nullptr} : *place;
    return {};
  }
  const fhir::TypeDef* fitting = nullptr;
  if (on_itself || (only != nullptr && element != nullptr && TakesType(*element, *only))) {
    const bool fits = only == nullptr || HasRoomFor(*only, *value.type) ||
                      FitOf(*value.type, *only) != Fit::kNever;
    fitting = fits ? (only != nullptr ? only : value.type) : nullptr;
  } else if (element != nullptr) {
    fitting = TypeIn(*element, *value.type);
  } else {
    fitting = value.type;  // an element that only the run knows
  }
  if (fitting == nullptr && element != nullptr) {
    fitting = TextIn(*element, *value.type);
  }
  if (fitting == nullptr) {
    const std::string takes = element != nullptr ? TypesOf(*element) : Describe(*place);
    return Fail(target.transform_place,
                "'" + (target.element.empty() ? target.context : target.element) + "' takes " +
                    takes + ", not " + Describe(value) +
                    (IsLeaf(*value.type) ? ": use cast(value, 'type') where it can be one" : ""));
  }
  op->type = element == nullptr && !on_itself ? nullptr : fitting;
  *place = {.type = fitting, .choice = nullptr};
  return {};
}

// The short form: for each type that the source may have, the default group for it, or a copy.
Result<TargetOp> RuleCompiler::ByType(const FmlTarget& target, Slot source,
                                      const StaticType& type) {
  TargetOp op;
  StaticType place;
  GW_RETURN_IF_ERROR(TargetContext(target, &op, &place));
  op.transform = Transform::kByType;
  op.list_mode = target.list_mode;
  if (target.list_mode == FmlListMode::kShare) {
    op.share = compiler_.ShareNumber(target.share_id);
  }
  ArgumentOp argument;
  argument.kind = ArgumentOp::Kind::kSlot;
  argument.slot = source;
  op.arguments.push_back(argument);
  const bool is_value = op.step.kind == Step::Kind::kValue;
  if (is_value || op.step.element == nullptr) {
    op.transform = Transform::kCopy;
    GW_RETURN_IF_ERROR(Valued(target, type, &op, &place));
    return op;
  }
  std::vector<const fhir::TypeDef*> sources;
  if (type.type != nullptr && !IsOpen(*type.type)) {
    sources = {type.type};
  } else if (type.choice != nullptr) {
    sources.assign(type.choice->types.begin(), type.choice->types.end());
  } else {
    op.cases.push_back({});
  }
  for (const fhir::TypeDef* one : sources) {
    GW_RETURN_IF_ERROR(TypeCases(target, *one, *op.step.element, &op));
  }
  return op;
}

Status RuleCompiler::TypeCases(const FmlTarget& target, const fhir::TypeDef& source,
                               const fhir::ElementDef& element, TargetOp* op) {
  const auto groups = compiler_.library().DefaultGroups(map_);
  const fhir::TypeDef* only = op->type;
  const auto takes = [&](const fhir::TypeDef& type) {
    return only != nullptr ? &type == only : TakesType(element, type);
  };
  const auto call = [&](const Library::DefaultGroup& group, const fhir::TypeDef& from) {
    const uint32_t index = compiler_.Instance(
        group.ref, {{.type = &from, .choice = nullptr}, {.type = group.target, .choice = nullptr}});
    op->cases.push_back({&from, group.target, index});
  };
  // Of a choice: the source's own type first, then the target that its type+ group makes.
  const bool has_own = takes(source);
  for (const bool is_second : {false, true}) {
    for (const Library::DefaultGroup* group : groups) {
      const bool fits = is_second
                            ? (group->for_source_type || element.types.size() == 1 || !has_own)
                            : group->target == &source;
      if (group->source == &source && fits && takes(*group->target)) {
        call(*group, source);
        return {};
      }
    }
    if (!is_second && has_own && element.types.size() > 1) {
      op->cases.push_back({&source, &source, kNoGroup});
      return {};
    }
  }
  if (source.is_abstract()) {
    for (const Library::DefaultGroup* group : groups) {
      if (IsA(*group->source, source) && takes(*group->target)) {
        call(*group, *group->source);
      }
    }
    op->cases.push_back({nullptr, nullptr, kNoGroup});
    return {};
  }
  const fhir::TypeDef* to =
      only != nullptr && (only == &source || FitOf(source, *only) != Fit::kNever)
          ? only
          : (only != nullptr ? nullptr : TypeIn(element, source));
  if (to == nullptr && only == nullptr) {
    to = TextIn(element, source);
  }
  if (to == nullptr) {
    return Fail(target.place, "'" + target.element + "' takes " + TypesOf(element) + ", not " +
                                  std::string(source.name()) +
                                  ", and there is no group for these types");
  }
  op->cases.push_back({&source, to, kNoGroup});
  return {};
}

}  // namespace gw::map
