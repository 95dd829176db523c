#include <algorithm>
#include <utility>

#include "gateway/map/plan/compiler_internal.h"
#include "gateway/map/plan/path_internal.h"

namespace gw::map {
namespace {

bool MayBe(const StaticType& type, const fhir::TypeDef& filter) {
  if (type.type != nullptr && !IsOpen(*type.type)) {
    return IsA(filter, *type.type) || IsA(*type.type, filter);
  }
  return type.choice == nullptr || std::any_of(type.choice->types.begin(), type.choice->types.end(),
                                               [&filter](const fhir::TypeDef* t) {
                                                 return IsA(*t, filter) || IsA(filter, *t);
                                               });
}

Guard GuardOf(const SourceOp& source) {
  const bool is_needed = source.step.kind == Step::Kind::kElement && source.is_source &&
                         !source.has_cardinality && !source.has_default;
  return is_needed ? Guard{source.step.owner, source.step.element, source.context} : Guard{};
}

}  // namespace

Result<std::vector<RuleOp>> RuleCompiler::Rules(const std::vector<FmlRule>& rules) {
  std::vector<RuleOp> ops;
  ops.reserve(rules.size());
  for (const FmlRule& rule : rules) {
    GW_TRY(RuleOp op, Rule(rule));
    ops.push_back(std::move(op));
  }
  return ops;
}

Result<RuleOp> RuleCompiler::Rule(const FmlRule& rule) {
  RuleOp op;
  op.name = rule.name;
  op.place = FmlWhere(compiler_.library().map(map_).file, rule.place);
  const size_t mark = scope_.mark();
  const bool is_simple = IsSimple(rule);
  StaticType type;
  for (const FmlSource& source : rule.sources) {
    GW_TRY(SourceOp source_op, Source(source, &type));
    op.sources.push_back(std::move(source_op));
  }
  op.guard = GuardOf(op.sources.front());
  if (is_simple) {
    const Slot slot = scope_.Declare({}, rule.place, false, type);
    op.sources.front().variable = slot;
    GW_TRY(TargetOp target, ByType(rule.targets.front(), slot, type));
    op.targets.push_back(std::move(target));
  } else {
    for (const FmlTarget& target : rule.targets) {
      GW_TRY(TargetOp target_op, Target(target));
      op.targets.push_back(std::move(target_op));
    }
  }
  for (const FmlDependent& dependent : rule.dependents) {
    GW_TRY(CallOp call, Call(dependent));
    op.calls.push_back(std::move(call));
  }
  GW_TRY(op.rules, Rules(rule.rules));
  const Scope::Variable unused = scope_.Release(mark);
  if (unused.slot != kNoSlot && compiler_.options().refuse_unused_variables) {
    return Fail(unused.place, "nothing uses the variable '" + unused.name +
                                  "': use it, or leave out 'as " + unused.name + "'");
  }
  return op;
}

Result<const PathOp*> RuleCompiler::Path(const FmlPath& path, const StaticType* focus,
                                         std::string_view own_name) {
  if (path.text.empty()) {
    return static_cast<const PathOp*>(nullptr);
  }
  const FmlMap& map = compiler_.library().map(map_);
  PathCompiler paths(map.file, map.constants, &scope_, compiler_.definitions());
  GW_TRY(std::unique_ptr<PathOp> op, paths.Compile(path, focus, own_name));
  return compiler_.Keep(std::move(op));
}

Result<SourceOp> RuleCompiler::Source(const FmlSource& source, StaticType* type) {
  SourceOp op;
  const Scope::Variable* context = scope_.Find(source.context, false);
  if (context == nullptr) {
    return Fail(source.place, "there is no variable '" + source.context + "'");
  }
  op.context = context->slot;
  op.is_source = !context->is_target;
  Navigation navigation;
  if (!Navigate(context->type, source.element, compiler_.definitions(), &navigation)) {
    return Fail(source.element_place,
                Describe(context->type) + " has no element '" + source.element + "'");
  }
  op.step = std::move(navigation.step);
  op.filter = navigation.filter;
  *type = navigation.type;
  GW_RETURN_IF_ERROR(SourceFilter(source, type, &op));
  op.has_cardinality = source.has_cardinality;
  op.min = source.min;
  op.max = source.max;
  op.list_mode = source.list_mode;
  GW_RETURN_IF_ERROR(SourceDefault(source, *type, &op));
  if (!source.variable.empty()) {
    op.variable = scope_.Declare(source.variable, source.variable_place, context->is_target, *type);
  }
  GW_TRY(op.where, Path(source.where, type, source.element));
  GW_TRY(op.check, Path(source.check, type, source.element));
  GW_TRY(op.log, Path(source.log, type, source.element));
  return op;
}

Status RuleCompiler::SourceFilter(const FmlSource& source, StaticType* type, SourceOp* op) {
  if (source.type.empty()) {
    return {};
  }
  GW_TRY(const fhir::TypeDef* filter,
         compiler_.library().TypeNamed(map_, source.type, source.type_place));
  if (!MayBe(*type, *filter)) {
    return Fail(source.type_place, Describe(*type) + " is never " + std::string(filter->name()));
  }
  op->filter = filter;
  if (type->type == nullptr || IsOpen(*type->type) || IsA(*filter, *type->type)) {
    *type = {.type = filter, .choice = nullptr};
  }
  return {};
}

Status RuleCompiler::SourceDefault(const FmlSource& source, const StaticType& type, SourceOp* op) {
  op->has_default = source.has_default;
  if (!source.has_default) {
    return {};
  }
  StaticType value;
  GW_TRY(op->default_value, Argument(source.default_value, false, &value));
  if (op->default_value.kind != ArgumentOp::Kind::kText || type.type == nullptr) {
    return {};
  }
  const bool takes_text =
      IsLeaf(*type.type) && (type.type->kind() == fhir::Kind::kModel ||
                             fhir::IsLexicalForm(type.type->primitive(), op->default_value.text));
  if (!takes_text) {
    return Fail(source.default_value.place, "expected a value of type " + Describe(type));
  }
  op->default_value.type = type.type;
  return {};
}

Result<CallOp> RuleCompiler::Call(const FmlDependent& dependent) {
  GW_TRY(const Library::GroupRef ref,
         compiler_.library().GroupNamed(map_, dependent.group, dependent.place));
  const std::vector<FmlInput>& inputs = ref.group->inputs;
  if (inputs.size() != dependent.arguments.size()) {
    return Fail(dependent.place, "the group '" + dependent.group + "' takes " +
                                     std::to_string(inputs.size()) + " arguments, found " +
                                     std::to_string(dependent.arguments.size()));
  }
  CallOp call;
  std::vector<StaticType> types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    StaticType given;
    GW_TRY(ArgumentOp value, Argument(dependent.arguments[i], inputs[i].is_target, &given));
    if (inputs[i].is_target && (value.kind != ArgumentOp::Kind::kSlot || value.is_source)) {
      return Fail(dependent.arguments[i].place,
                  "expected a target variable for '" + inputs[i].name + "'");
    }
    const fhir::TypeDef* declared = nullptr;
    if (!inputs[i].type.empty()) {
      GW_TRY(declared,
             compiler_.library().TypeNamed(ref.map, inputs[i].type, inputs[i].type_place));
    }
    StaticType type;
    const fhir::TypeDef* must_be = nullptr;
    if (!Compiler::FitParameter(given, declared, &type, &must_be)) {
      return Fail(dependent.arguments[i].place, "the group '" + dependent.group + "' takes " +
                                                    std::string(declared->name()) + " as '" +
                                                    inputs[i].name + "', not " + Describe(given));
    }
    types.push_back(type);
    call.arguments.push_back({std::move(value), must_be});
  }
  call.group = compiler_.Instance(ref, std::move(types));
  return call;
}

}  // namespace gw::map
