#include <algorithm>
#include <array>
#include <utility>

#include "gateway/map/plan/compiler_internal.h"

namespace gw::map {
namespace {

constexpr size_t kAnyNumber = 64;

struct Signature {
  std::string_view name;
  Transform transform;
  size_t min;  // arguments
  size_t max;
  const fhir::TypeDef* CommonTypes::*made;  // null: depends on the arguments, or on the run
};
using Types = CommonTypes;
constexpr std::array<Signature, 21> kTransforms = {{
    {"copy", Transform::kCopy, 1, 1, nullptr},
    {"truncate", Transform::kTruncate, 2, 2, nullptr},
    {"escape", Transform::kEscape, 2, 3, &Types::string_type},
    {"cast", Transform::kCast, 1, 2, nullptr},
    {"append", Transform::kAppend, 1, kAnyNumber, &Types::string_type},
    {"translate", Transform::kTranslate, 2, 3, nullptr},
    {"reference", Transform::kReference, 1, 1, &Types::uri_type},
    {"dateOp", Transform::kDateOp, 3, 3, nullptr},
    {"uuid", Transform::kUuid, 0, 0, &Types::string_type},
    {"pointer", Transform::kPointer, 1, 1, &Types::uri_type},
    {"evaluate", Transform::kEvaluate, 1, 2, nullptr},
    {"cc", Transform::kCc, 1, 3, &Types::codeable_concept},
    {"c", Transform::kC, 2, 3, &Types::coding},
    {"qty", Transform::kQty, 1, 4, &Types::quantity},
    {"id", Transform::kId, 2, 3, &Types::identifier},
    {"cp", Transform::kCp, 1, 2, &Types::contact_point},
    {"identifierSystem", Transform::kIdentifierSystem, 1, 2, &Types::uri_type},
    {"isNhsNumber", Transform::kIsNhsNumber, 1, 1, &Types::boolean_type},
    {"keyedHash", Transform::kKeyedHash, 1, kAnyNumber, &Types::string_type},
    {"place", Transform::kPlace, 1, 1, &Types::string_type},
    {"feed", Transform::kFeed, 1, 1, &Types::string_type},
}};

// The third argument of translate(), in the order of TranslateOutput.
constexpr std::array<std::string_view, 5> kOutputs = {"code", "system", "display", "Coding",
                                                      "CodeableConcept"};
constexpr std::array<const fhir::TypeDef * CommonTypes::*, 5> kOutputTypes = {
    &Types::code_type, &Types::uri_type, &Types::string_type, &Types::coding,
    &Types::codeable_concept};
constexpr std::array<std::string_view, 9> kFeedKeys = {
    "name",   "organization", "zone",    "policyUri",           "roles",
    "county", "unknownMerge", "surveys", "codedConsentComplete"};
// What takes a node with all below it.
constexpr std::array<std::string_view, 5> kOfWholes = {"copy", "reference", "pointer", "place",
                                                       "evaluate"};
constexpr std::array<std::string_view, 5> kFormats = {"text", "html", "xml", "json", "url"};
constexpr std::array<std::string_view, 7> kUnits = {"year", "month",  "week",  "day",
                                                    "hour", "minute", "second"};
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

template <size_t count>
bool Contains(const std::array<std::string_view, count>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsWhole(std::string_view number) {
  return !number.empty() && number.size() < 9 &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsText(const FmlArgument& argument) { return argument.kind == FmlArgument::Kind::kString; }

}  // namespace

Status RuleCompiler::Transformed(const FmlTarget& target, TargetOp* op, StaticType* place) {
  const auto* signature =
      std::find_if(kTransforms.begin(), kTransforms.end(),
                   [&target](const Signature& s) { return s.name == target.transform; });
  if (signature == kTransforms.end()) {
    return Fail(target.transform_place, "there is no transform '" + target.transform + "'");
  }
  const size_t count = target.arguments.size();
  if (count < signature->min || count > signature->max) {
    return Fail(target.transform_place, target.transform + " takes " + Count(*signature) +
                                            ", found " + std::to_string(count));
  }
  op->transform = signature->transform;
  op->follows_source = false;
  std::vector<StaticType> types(count);
  for (size_t i = 0; i < count; ++i) {
    const FmlArgument& argument = target.arguments[i];
    ArgumentOp value;
    if (op->transform == Transform::kEvaluate && i + 1 == count) {
      value.kind = ArgumentOp::Kind::kPath;
      GW_TRY(value.path, Path({.text = argument.text, .place = argument.place},
                              i == 0 ? nullptr : types.data()));
      types[i] = count == 1 ? TypeOfPath(argument.text) : StaticType();
    } else {
      GW_TRY(value, Argument(argument, false, &types[i]));
    }
    op->follows_source = op->follows_source || value.kind != ArgumentOp::Kind::kText;
    op->arguments.push_back(std::move(value));
  }
  StaticType made;
  if (signature->made != nullptr) {
    made.type = compiler_.types().*signature->made;
  }
  GW_RETURN_IF_ERROR(CheckTexts(target, types));
  GW_RETURN_IF_ERROR(CheckArguments(target, types, op, &made));
  GW_RETURN_IF_ERROR(Valued(target, made, op, place));
  return CheckLiteral(target, *op);
}

// Most transforms read their arguments as texts, which what has parts has none of.
Status RuleCompiler::CheckTexts(const FmlTarget& target, const std::vector<StaticType>& types) {
  if (std::find(kOfWholes.begin(), kOfWholes.end(), target.transform) != kOfWholes.end()) {
    return {};
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const fhir::TypeDef* type = types[i].type;
    const bool has_text = type == nullptr || IsLeaf(*type) || IsOpen(*type) || type->is_abstract();
    const bool is_coded = target.transform == "translate" && i == 0 && type != nullptr &&
                          (type->Is("Coding") || type->Is("CodeableConcept"));
    if (!has_text && !is_coded) {
      return Fail(target.arguments[i].place,
                  target.transform + " takes " +
                      (target.transform == "translate"
                           ? std::string("a code, a Coding or a CodeableConcept")
                           : std::string("a text")) +
                      ", not " + Describe(types[i]) + ": expected one of its parts");
    }
  }
  return {};
}

// A literal that no run of the transform takes.
Status RuleCompiler::CheckWords(const FmlTarget& target, const TargetOp& op) const {
  const auto literal = [&](size_t i) { return op.arguments[i].kind == ArgumentOp::Kind::kText; };
  if (op.transform == Transform::kTruncate && literal(1) && !IsWhole(op.arguments[1].text)) {
    return Fail(target.arguments[1].place, "expected a length that is a whole number");
  }
  for (size_t i = 1; op.transform == Transform::kEscape && i < op.arguments.size(); ++i) {
    if (literal(i) && !Contains(kFormats, op.arguments[i].text)) {
      return Fail(target.arguments[i].place,
                  "expected a format: 'text', 'html', 'xml', 'json' or 'url'");
    }
  }
  if (op.transform != Transform::kDateOp) {
    return {};
  }
  const std::string_view amount = op.arguments[1].text;
  const bool has_sign = amount.starts_with('-') || amount.starts_with('+');
  if (literal(1) && !IsWhole(amount.substr(has_sign ? 1 : 0))) {
    return Fail(target.arguments[1].place, "expected a whole number");
  }
  const std::string_view unit = op.arguments[2].text;
  if (literal(2) &&
      !Contains(kUnits, unit.ends_with('s') ? unit.substr(0, unit.size() - 1) : unit)) {
    return Fail(target.arguments[2].place,
                "expected a unit: 'year', 'month', 'week', 'day', 'hour', 'minute' or 'second'");
  }
  return {};
}

// What some transforms ask of their arguments, and what they make where it depends on them.
Status RuleCompiler::CheckArguments(const FmlTarget& target, const std::vector<StaticType>& types,
                                    TargetOp* op, StaticType* made) {
  switch (op->transform) {
    case Transform::kCopy:
      *made = types[0];
      return {};
    case Transform::kEvaluate:
      *made = types.back();
      return {};
    case Transform::kCast:
      return Casting(target, op, made);
    case Transform::kTranslate:
      return Translation(target, op, made);
    case Transform::kReference:
    case Transform::kPointer:
      return Referring(target, types[0], op, made);
    case Transform::kQty:
      if (target.arguments.size() == 3) {
        return Fail(target.transform_place,
                    "qty takes (text), (value, unit) or (value, unit, system, code), found 3 "
                    "arguments");
      }
      return {};
    case Transform::kFeed: {
      const FmlArgument& key = target.arguments[0];
      if (!IsText(key) ||
          std::find(kFeedKeys.begin(), kFeedKeys.end(), key.text) == kFeedKeys.end()) {
        return Fail(key.place,
                    "expected 'name', 'organization', 'zone', 'policyUri', 'roles', 'county', "
                    "'unknownMerge', 'surveys' or 'codedConsentComplete'");
      }
      made->type = key.text == kFeedKeys.back() ? compiler_.types().boolean_type : made->type;
      return {};
    }
    default:
      return CheckWords(target, *op);
  }
}

Status RuleCompiler::Casting(const FmlTarget& target, TargetOp* op, StaticType* made) {
  const fhir::ElementDef* element = op->step.element;
  if (target.arguments.size() == 2) {
    const FmlArgument& type = target.arguments[1];
    if (!IsText(type)) {
      return Fail(type.place, "expected the name of a type in quotes");
    }
    GW_TRY(made->type, compiler_.library().TypeNamed(map_, type.text, type.place));
  } else if (element != nullptr && element->types.size() == 1) {
    made->type = element->types.front();
  }
  if (made->type == nullptr || made->type->kind() != fhir::Kind::kPrimitive) {
    return Fail(target.transform_place, "cast makes a primitive: expected cast(value, 'type')");
  }
  op->arguments.resize(1);
  op->cast = made->type;
  return {};
}

Status RuleCompiler::Referring(const FmlTarget& target, const StaticType& resource, TargetOp* op,
                               StaticType* made) {
  const FmlArgument& argument = target.arguments[0];
  const fhir::TypeDef* type = resource.type;
  if (op->arguments[0].kind != ArgumentOp::Kind::kSlot ||
      (type != nullptr && type->kind() != fhir::Kind::kResource)) {
    return Fail(argument.place, "expected a variable that holds a resource");
  }
  const fhir::ElementDef* element = op->step.element;
  const fhir::TypeDef* reference = compiler_.types().reference;
  if (op->transform == Transform::kPointer || element == nullptr ||
      !TakesType(*element, *reference)) {
    return {};
  }
  made->type = reference;
  const auto allowed = element->targets;
  const bool fits = type == nullptr || allowed.empty() ||
                    std::any_of(allowed.begin(), allowed.end(),
                                [type](std::string_view t) { return type->Is(t); });
  if (!fits) {
    return Fail(argument.place,
                "'" + target.element + "' does not refer to " + std::string(type->name()));
  }
  return {};
}

Status RuleCompiler::Translation(const FmlTarget& target, TargetOp* op, StaticType* made) {
  const std::vector<FmlArgument>& arguments = target.arguments;
  if (!IsText(arguments[1])) {
    return Fail(arguments[1].place, "expected the url of a ConceptMap in quotes");
  }
  const std::string& url = arguments[1].text;
  if (url.starts_with(kFeedTable)) {
    // What the feed does not say, the ConceptMap of that name does, if there is one.
    op->feed_table = url.substr(kFeedTable.size());
    op->codes = compiler_.CodesNamed(map_, std::string(kCodes) + op->feed_table);
    compiler_.KeepFeedTable(
        {op->feed_table, Fail(arguments[1].place, "").where, op->codes != nullptr});
  } else {
    op->codes = compiler_.CodesNamed(map_, url);
    if (op->codes == nullptr) {
      return Fail(arguments[1].place, "there is no ConceptMap '" + url + "'");
    }
  }
  const std::string_view output = arguments.size() > 2 ? arguments[2].text : kOutputs.front();
  const auto* found = std::find(kOutputs.begin(), kOutputs.end(), output);
  if (found == kOutputs.end()) {
    return Fail(arguments[2].place,
                "expected 'code', 'system', 'display', 'Coding' or 'CodeableConcept'");
  }
  const auto index = static_cast<size_t>(found - kOutputs.begin());
  op->output = static_cast<TranslateOutput>(index);
  made->type = compiler_.types().*kOutputTypes.at(index);
  op->arguments.resize(1);
  return {};
}

}  // namespace gw::map
