#include <algorithm>
#include <array>
#include <utility>

#include "gateway/map/plan_compiler_internal.h"
#include "gateway/map/plan_path_internal.h"

namespace gw::map {
namespace {

constexpr size_t kAnyNumber = 64;

struct Signature {
  std::string_view name;
  Transform transform;
  size_t min;
  size_t max;
};
constexpr std::array<Signature, 22> kTransforms = {{
    {"create", Transform::kCreate, 0, 1},
    {"copy", Transform::kCopy, 1, 1},
    {"truncate", Transform::kTruncate, 2, 2},
    {"escape", Transform::kEscape, 2, 3},
    {"cast", Transform::kCast, 1, 2},
    {"append", Transform::kAppend, 1, kAnyNumber},
    {"translate", Transform::kTranslate, 2, 3},
    {"reference", Transform::kReference, 1, 1},
    {"dateOp", Transform::kDateOp, 3, 3},
    {"uuid", Transform::kUuid, 0, 0},
    {"pointer", Transform::kPointer, 1, 1},
    {"evaluate", Transform::kEvaluate, 1, 2},
    {"cc", Transform::kCc, 1, 3},
    {"c", Transform::kC, 2, 3},
    {"qty", Transform::kQty, 1, 4},
    {"id", Transform::kId, 2, 3},
    {"cp", Transform::kCp, 1, 2},
    {"identifierSystem", Transform::kIdentifierSystem, 1, 2},
    {"isNhsNumber", Transform::kIsNhsNumber, 1, 1},
    {"keyedHash", Transform::kKeyedHash, 1, kAnyNumber},
    {"place", Transform::kPlace, 1, 1},
    {"feed", Transform::kFeed, 1, 1},
}};

constexpr std::array<std::string_view, 5> kOutputs = {"code", "system", "display", "Coding",
                                                      "CodeableConcept"};
constexpr std::string_view kFeedTable = "urn:caregate:feed:";
constexpr std::string_view kCodes = "urn:caregate:codes:";

std::string Count(const Signature& signature) {
  if (signature.max == kAnyNumber) {
    return std::to_string(signature.min) + " or more arguments";
  }
  const std::string max = std::to_string(signature.max);
  return (signature.min == signature.max ? max : std::to_string(signature.min) + " to " + max) +
         (signature.max == 1 ? " argument" : " arguments");
}

bool Takes(const fhir::ElementDef& element, const fhir::TypeDef& type) {
  return std::any_of(element.types.begin(), element.types.end(), [&type](const fhir::TypeDef* t) {
    return t == &type || (t->is_abstract() && IsA(type, *t));
  });
}

std::string TypesOf(const fhir::ElementDef& element) {
  std::string names;
  for (size_t i = 0; i < element.types.size() && i < 4; ++i) {
    names += (i == 0 ? "" : ", ") + std::string(element.types[i]->name());
  }
  return element.types.size() > 4 ? names + " ..." : names;
}

const Signature* SignatureOf(std::string_view transform) {
  const auto* found = std::find_if(kTransforms.begin(), kTransforms.end(),
                                   [transform](const Signature& s) { return s.name == transform; });
  return found == kTransforms.end() ? nullptr : found;
}

bool IsText(const FmlArgument& argument) { return argument.kind == FmlArgument::Kind::kString; }

}  // namespace

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
    *type = StaticType();
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
  *type = {.type = op.type, .choice = nullptr};
  return op;
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
    if (!IsText(type)) {
      return Fail(type.place, "expected the name of a type in quotes");
    }
    GW_TRY(op->type, compiler_.library().TypeNamed(map_, type.text, type.place));
    if (element != nullptr && !Takes(*element, *op->type)) {
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

Status RuleCompiler::Transformed(const FmlTarget& target, TargetOp* op, StaticType* place) {
  const Signature* signature = SignatureOf(target.transform);
  if (signature == nullptr) {
    return Fail(target.transform_place, "there is no transform '" + target.transform + "'");
  }
  if (target.arguments.size() < signature->min || target.arguments.size() > signature->max) {
    return Fail(target.transform_place, target.transform + " takes " + Count(*signature) +
                                            ", found " + std::to_string(target.arguments.size()));
  }
  op->transform = signature->transform;
  op->follows_source = false;
  std::vector<StaticType> types;
  for (size_t i = 0; i < target.arguments.size(); ++i) {
    const FmlArgument& argument = target.arguments[i];
    StaticType type;
    if (op->transform == Transform::kEvaluate && i + 1 == target.arguments.size()) {
      ArgumentOp path;
      path.kind = ArgumentOp::Kind::kPath;
      GW_TRY(path.path,
             Path({.text = argument.text, .place = argument.place}, i == 0 ? nullptr : &types[0]));
      op->arguments.push_back(std::move(path));
      types.emplace_back();
    } else {
      GW_TRY(ArgumentOp value, Argument(argument, false, &type));
      op->arguments.push_back(std::move(value));
      types.push_back(type);
    }
    op->follows_source = op->follows_source || op->arguments.back().kind != ArgumentOp::Kind::kText;
  }
  StaticType value;
  GW_RETURN_IF_ERROR(CheckArguments(target, op, &value, types));
  return Valued(target, value, op, place);
}

// What each transform asks of its arguments, and the type of what it makes.
Status RuleCompiler::CheckArguments(const FmlTarget& target, TargetOp* op, StaticType* value,
                                    const std::vector<StaticType>& types) {
  const CommonTypes& common = compiler_.types();
  const std::vector<FmlArgument>& arguments = target.arguments;
  switch (op->transform) {
    case Transform::kCopy:
      *value = types[0];
      return {};
    case Transform::kCast:
      if (arguments.size() == 2) {
        if (!IsText(arguments[1])) {
          return Fail(arguments[1].place, "expected the name of a type in quotes");
        }
        GW_TRY(value->type,
               compiler_.library().TypeNamed(map_, arguments[1].text, arguments[1].place));
      } else if (op->step.element != nullptr && op->step.element->types.size() == 1) {
        value->type = op->step.element->types.front();
      }
      if (value->type == nullptr || value->type->kind() != fhir::Kind::kPrimitive) {
        return Fail(target.transform_place, "cast makes a primitive: expected cast(value, 'type')");
      }
      op->arguments.resize(1);
      op->cast = value->type;
      return {};
    case Transform::kTranslate:
      return Translation(target, op, value);
    case Transform::kReference:
    case Transform::kPointer: {
      const bool is_node = op->arguments[0].kind == ArgumentOp::Kind::kSlot;
      const fhir::TypeDef* type = types[0].type;
      if (!is_node || (type != nullptr && type->kind() != fhir::Kind::kResource)) {
        return Fail(arguments[0].place, "expected a variable that holds a resource");
      }
      value->type = common.uri_type;
      const fhir::ElementDef* element = op->step.element;
      if (op->transform == Transform::kPointer || element == nullptr ||
          !Takes(*element, *common.reference)) {
        return {};
      }
      value->type = common.reference;
      const auto targets = element->targets;
      const bool fits = type == nullptr || targets.empty() ||
                        std::any_of(targets.begin(), targets.end(),
                                    [type](std::string_view t) { return type->Is(t); });
      if (!fits) {
        return Fail(arguments[0].place,
                    "'" + target.element + "' does not refer to " + std::string(type->name()));
      }
      return {};
    }
    case Transform::kCc:
      value->type = common.codeable_concept;
      return {};
    case Transform::kC:
      value->type = common.coding;
      return {};
    case Transform::kQty:
      value->type = common.quantity;
      if (arguments.size() == 3) {
        return Fail(target.transform_place,
                    "qty takes (text), (value, unit) or (value, unit, "
                    "system, code), found 3 arguments");
      }
      return {};
    case Transform::kId:
      value->type = common.identifier;
      return {};
    case Transform::kCp:
      value->type = common.contact_point;
      return {};
    case Transform::kIdentifierSystem:
      value->type = common.uri_type;
      return {};
    case Transform::kIsNhsNumber:
      value->type = common.boolean_type;
      return {};
    case Transform::kFeed:
      if (!IsText(arguments[0]) ||
          (arguments[0].text != "name" && arguments[0].text != "organization" &&
           arguments[0].text != "zone" && arguments[0].text != "policyUri" &&
           arguments[0].text != "codedConsentComplete")) {
        return Fail(arguments[0].place,
                    "expected 'name', 'organization', 'zone', 'policyUri' or "
                    "'codedConsentComplete'");
      }
      value->type =
          arguments[0].text == "codedConsentComplete" ? common.boolean_type : common.string_type;
      return {};
    case Transform::kEscape:
    case Transform::kAppend:
    case Transform::kUuid:
    case Transform::kKeyedHash:
    case Transform::kPlace:
      value->type = common.string_type;
      return {};
    default:
      return {};  // known in the run: evaluate, truncate, dateOp
  }
}

Status RuleCompiler::Translation(const FmlTarget& target, TargetOp* op, StaticType* value) {
  const std::vector<FmlArgument>& arguments = target.arguments;
  const CommonTypes& common = compiler_.types();
  if (!IsText(arguments[1])) {
    return Fail(arguments[1].place, "expected the url of a ConceptMap in quotes");
  }
  const std::string& url = arguments[1].text;
  if (url.starts_with(kFeedTable)) {
    // What the feed does not say, the ConceptMap of that name does, if there is one.
    op->feed_table = url.substr(kFeedTable.size());
    op->codes = compiler_.CodesNamed(map_, std::string(kCodes) + op->feed_table);
  } else {
    op->codes = compiler_.CodesNamed(map_, url);
    if (op->codes == nullptr) {
      return Fail(arguments[1].place, "there is no ConceptMap '" + url + "'");
    }
  }
  const std::string output = arguments.size() > 2 ? arguments[2].text : "code";
  const auto* found = std::find(kOutputs.begin(), kOutputs.end(), output);
  if (found == kOutputs.end()) {
    return Fail(arguments[2].place,
                "expected 'code', 'system', 'display', 'Coding' or 'CodeableConcept'");
  }
  const std::array<const fhir::TypeDef*, 5> made = {common.code_type, common.uri_type,
                                                    common.string_type, common.coding,
                                                    common.codeable_concept};
  op->output = static_cast<TranslateOutput>(found - kOutputs.begin());
  value->type = made[static_cast<size_t>(found - kOutputs.begin())];
  op->arguments.resize(1);
  return {};
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
  if (on_itself || (only != nullptr && element != nullptr && Takes(*element, *only))) {
    const bool fits =
        only == nullptr || IsA(*value.type, *only) || FitOf(*value.type, *only) != Fit::kNever;
    fitting = fits ? (only != nullptr ? only : value.type) : nullptr;
  } else if (element != nullptr) {
    fitting = TypeIn(*element, *value.type);
  } else {
    fitting = value.type;  // an element that only the run knows
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
    return only != nullptr ? &type == only : Takes(element, type);
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
  if (to == nullptr) {
    return Fail(target.place, "'" + target.element + "' takes " + TypesOf(element) + ", not " +
                                  std::string(source.name()) +
                                  ", and there is no group for these types");
  }
  op->cases.push_back({&source, to, kNoGroup});
  return {};
}

}  // namespace gw::map
