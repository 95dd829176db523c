#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "gateway/base/place.h"
#include "gateway/fhir/instance.h"
#include "gateway/map/fml/cursor_internal.h"
#include "gateway/map/fml/names_internal.h"
#include "gateway/map/fml/structure_map.h"

namespace gw::map {
namespace {

using fhir::Element;
using Kind = FmlArgument::Kind;

constexpr uint32_t kDepthMax = 64;  // rules in rules
constexpr std::array<std::pair<std::string_view, Kind>, 6> kKindWords = {
    {{"string", Kind::kString},
     {"boolean", Kind::kBoolean},
     {"integer", Kind::kInteger},
     {"decimal", Kind::kDecimal},
     {"date", Kind::kDate},
     {"path", Kind::kPath}}};
constexpr std::array<FmlListMode, 7> kListModes = {
    FmlListMode::kFirst,   FmlListMode::kNotFirst, FmlListMode::kLast,   FmlListMode::kNotLast,
    FmlListMode::kOnlyOne, FmlListMode::kShare,    FmlListMode::kCollate};

// Children of one name, one after the other.
const Element* NextOf(const Element* item) {
  const Element* next = item->next();
  return next != nullptr && next->definition() == item->definition() ? next : nullptr;
}

// The value of an extension with a code or a text; null: there is none.
const Element* ExtensionValue(const Element& element, std::string_view url) {
  for (const Element* one = element.Child("extension"); one != nullptr; one = NextOf(one)) {
    if (one->TextAt("url") == url) {
      return one->Child("value");
    }
  }
  return nullptr;
}

class ResourceReader {
 public:
  ResourceReader(std::string_view file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  Result<FmlMap> Run(const Element& root) {
    map_.file = std::string(file_);
    map_.place = PlaceOf(root);
    map_.url = std::string(root.TextAt("url"));
    map_.name = std::string(root.TextAt("name"));
    if (root.type().name() != "StructureMap" || map_.url.empty()) {
      return Fail(root, "expected a StructureMap with a url");
    }
    for (const Element* child = root.first_child(); child != nullptr; child = child->next()) {
      GW_RETURN_IF_ERROR(Part(*child));
    }
    if (map_.groups.empty()) {
      return Fail(root, "expected 'group': a map has at least one");
    }
    return std::move(map_);
  }

 private:
  // Documents have their places asked for in rising order, mostly; then the finder goes on.
  FmlPlace PlaceOf(const Element& element) {
    const Place place = finder_.At(element.offset());
    return {.line = place.line, .column = place.column};
  }
  Error Fail(const Element& element, std::string detail) {
    return Error{.code = Code::kInvalid,
                 .detail = std::move(detail),
                 .where = FmlWhere(file_, PlaceOf(element))};
  }

  Result<std::string> Needed(const Element& of, std::string_view name) {
    const std::string_view text = of.TextAt(name);
    if (text.empty()) {
      return Fail(of, "expected '" + std::string(name) + "'");
    }
    return std::string(text);
  }

  Status Part(const Element& child) {
    if (child.name() == "structure") {
      return Use(child);
    }
    if (child.name() == "import") {
      map_.imports.push_back({PlaceOf(child), std::string(child.text())});
    } else if (child.name() == "group") {
      GW_TRY(FmlGroup group, Group(child));
      map_.groups.push_back(std::move(group));
    } else if (child.name() == "contained" && child.type().name() == "ConceptMap") {
      return ConceptMap(child);
    } else if (child.name() == "extension" && child.TextAt("url") == kConstantExtension) {
      return Constant(child);
    } else if (child.name() == "description") {
      map_.documentation = std::string(child.text());
    } else if (child.type().kind() == fhir::Kind::kPrimitive && child.name() != "url" &&
               child.name() != "name" && !(child.name() == "status" && child.text() == "draft")) {
      map_.metadata.push_back({std::string(child.name()), std::string(child.text())});
    }
    return {};
  }

  Status Constant(const Element& extension) {
    const Element* name = ExtensionValue(extension, "name");
    const Element* value = ExtensionValue(extension, "value");
    if (name == nullptr || value == nullptr) {
      return Fail(extension, "expected a name and a value");
    }
    const Element* documentation = ExtensionValue(extension, "documentation");
    GW_TRY(FmlPath path, Path(*value));
    map_.constants.push_back(
        {PlaceOf(extension), std::string(name->text()), std::move(path),
         documentation == nullptr ? std::string() : std::string(documentation->text())});
    return {};
  }

  Status Use(const Element& structure) {
    constexpr std::string_view kModes[] = {"source", "queried", "target", "produced"};
    FmlUse use;
    use.place = PlaceOf(structure);
    GW_TRY(use.url, Needed(structure, "url"));
    use.alias = std::string(structure.TextAt("alias"));
    use.documentation = std::string(structure.TextAt("documentation"));
    const auto* mode = std::find(std::begin(kModes), std::end(kModes), structure.TextAt("mode"));
    if (mode == std::end(kModes)) {
      return Fail(structure, "expected the mode 'source', 'queried', 'target' or 'produced'");
    }
    use.mode = static_cast<FmlUse::Mode>(mode - std::begin(kModes));
    map_.uses.push_back(std::move(use));
    return {};
  }

  // Contained ConceptMaps are named by their id.
  Status ConceptMap(const Element& resource) {
    FmlConceptMap map;
    map.place = PlaceOf(resource);
    GW_TRY(const std::string id, Needed(resource, "id"));
    map.id = "#" + id;
    map.documentation = std::string(resource.TextAt("description"));
    for (const Element* group = resource.Child("group"); group != nullptr; group = NextOf(group)) {
      const std::string source(group->TextAt("source"));
      const std::string target(group->TextAt("target"));
      for (const Element* one = group->Child("element"); one != nullptr; one = NextOf(one)) {
        GW_RETURN_IF_ERROR(Codes(*one, source, target, &map));
      }
      const Element* unmapped = group->Child("unmapped");
      if (unmapped == nullptr) {
        continue;
      }
      const std::string_view mode = unmapped->TextAt("mode");
      if (mode != "provided" && mode != "fixed") {
        return Fail(*unmapped, "expected the mode 'provided' or 'fixed'");
      }
      map.unmapped.push_back({source, mode == "provided" ? source : target, mode == "provided",
                              std::string(unmapped->TextAt("code")),
                              std::string(unmapped->TextAt("display"))});
    }
    map_.concept_maps.push_back(std::move(map));
    return {};
  }

  Status Codes(const Element& element, const std::string& source, const std::string& target,
               FmlConceptMap* map) {
    FmlConceptMap::Code code;
    code.place = PlaceOf(element);
    code.source_system = source;
    GW_TRY(code.source_code, Needed(element, "code"));
    for (const Element* one = element.Child("target"); one != nullptr; one = NextOf(one)) {
      code.equivalence = std::string(one->TextAt("equivalence"));
      if (SymbolOf(code.equivalence).empty()) {
        return Fail(*one, "expected an equivalence of R4");
      }
      code.target_code = std::string(one->TextAt("code"));
      code.target_system = code.target_code.empty() ? std::string() : target;
      code.display = std::string(one->TextAt("display"));
      map->codes.push_back(code);
    }
    return {};
  }

  Result<FmlGroup> Group(const Element& element) {
    FmlGroup group;
    group.place = PlaceOf(element);
    GW_TRY(group.name, Needed(element, "name"));
    group.extends = std::string(element.TextAt("extends"));
    group.extends_place = group.place;
    group.documentation = std::string(element.TextAt("documentation"));
    const std::string_view mode = element.TextAt("typeMode");
    if (mode == "types") {
      group.type_mode = FmlGroup::TypeMode::kTypes;
    } else if (mode == "type-and-types") {
      group.type_mode = FmlGroup::TypeMode::kTypeAndTypes;
    } else if (mode != "none" && !mode.empty()) {
      return Fail(element, "expected the type mode 'none', 'types' or 'type-and-types'");
    }
    for (const Element* one = element.Child("input"); one != nullptr; one = NextOf(one)) {
      FmlInput input;
      input.place = input.type_place = PlaceOf(*one);
      GW_TRY(input.name, Needed(*one, "name"));
      input.type = std::string(one->TextAt("type"));
      input.documentation = std::string(one->TextAt("documentation"));
      GW_TRY(const std::string input_mode, Needed(*one, "mode"));
      input.is_target = input_mode == "target";
      if (!input.is_target && input_mode != "source") {
        return Fail(*one, "expected the mode 'source' or 'target'");
      }
      group.inputs.push_back(std::move(input));
    }
    GW_TRY(group.rules, Rules(element, 0));
    return group;
  }

  Result<std::vector<FmlRule>> Rules(const Element& parent, uint32_t depth) {
    std::vector<FmlRule> rules;
    if (depth > kDepthMax) {
      return Fail(parent, "rules stand too deep in each other");
    }
    for (const Element* one = parent.Child("rule"); one != nullptr; one = NextOf(one)) {
      GW_TRY(FmlRule rule, Rule(*one, depth));
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  Result<FmlRule> Rule(const Element& element, uint32_t depth) {
    FmlRule rule;
    rule.place = PlaceOf(element);
    for (const Element* one = element.Child("source"); one != nullptr; one = NextOf(one)) {
      GW_TRY(FmlSource source, Source(*one));
      rule.sources.push_back(std::move(source));
    }
    if (rule.sources.empty()) {
      return Fail(element, "expected 'source': a rule has at least one");
    }
    for (const Element* one = element.Child("target"); one != nullptr; one = NextOf(one)) {
      GW_TRY(FmlTarget target, Target(*one));
      rule.targets.push_back(std::move(target));
    }
    GW_TRY(rule.rules, Rules(element, depth + 1));
    for (const Element* one = element.Child("dependent"); one != nullptr; one = NextOf(one)) {
      GW_TRY(FmlDependent dependent, Dependent(*one));
      rule.dependents.push_back(std::move(dependent));
    }
    MakeShort(&rule);
    rule.documentation = std::string(element.TextAt("documentation"));
    rule.name = std::string(element.TextAt("name"));
    if (rule.name.empty() || rule.name == NameOfSources(rule, "-")) {
      rule.name = NameOfSources(rule, ", ");
    }
    return rule;
  }

  // A create() without a type between two variables that nothing goes on with is the short form:
  // the types decide. A variable that the rule's own conditions use keeps it from being one.
  static void MakeShort(FmlRule* rule) {
    if (rule->sources.size() != 1 || rule->targets.size() != 1 || !rule->rules.empty() ||
        !rule->dependents.empty()) {
      return;
    }
    FmlSource& source = rule->sources.front();
    FmlTarget& target = rule->targets.front();
    const bool has_conditions =
        !source.where.text.empty() || !source.check.text.empty() || !source.log.text.empty();
    const bool is_short = !source.element.empty() && !target.element.empty() &&
                          !source.variable.empty() && !target.variable.empty() &&
                          target.transform == "create" && target.arguments.empty();
    if (is_short && (!has_conditions || source.variable == kShortFormVariable)) {
      source.variable.clear();
      target.variable.clear();
      target.transform.clear();
    }
  }

  Result<FmlSource> Source(const Element& element) {
    FmlSource source;
    source.place = source.element_place = source.type_place = source.variable_place =
        PlaceOf(element);
    GW_TRY(source.context, Needed(element, "context"));
    source.element = std::string(element.TextAt("element"));
    source.type = std::string(element.TextAt("type"));
    source.variable = std::string(element.TextAt("variable"));
    source.has_cardinality = element.Child("min") != nullptr || element.Child("max") != nullptr;
    GW_TRY(source.min, Number(element, "min", 0));
    GW_TRY(source.max, Number(element, "max", kFmlMany));
    if (const Element* value = element.Child("defaultValue"); value != nullptr) {
      source.has_default = true;
      GW_TRY(source.default_value, Argument(*value));
    }
    GW_TRY(source.list_mode, ListMode(element, 0, 5));
    GW_TRY(source.where, PathAt(element, "condition"));
    GW_TRY(source.check, PathAt(element, "check"));
    GW_TRY(source.log, PathAt(element, "logMessage"));
    return source;
  }

  Result<uint32_t> Number(const Element& element, std::string_view name, uint32_t absent) {
    const std::string_view text = element.TextAt(name);
    uint32_t value = absent;
    if (text.empty() || (text == "*" && absent == kFmlMany)) {
      return value;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Fail(element, "'" + std::string(name) + "' is no number");
    }
    return value;
  }

  // One of kListModes[first, last).
  Result<FmlListMode> ListMode(const Element& element, size_t first, size_t last) {
    const Element* mode = element.Child("listMode");
    if (mode == nullptr) {
      return FmlListMode::kNone;
    }
    for (size_t i = first; i < last; ++i) {
      if (WordOf(kListModes.at(i)) == mode->text()) {
        return kListModes.at(i);
      }
    }
    if (last == kListModes.size() && mode->text() == "first") {
      return FmlListMode::kFirst;
    }
    if (last == kListModes.size() && mode->text() == "last") {
      return FmlListMode::kLast;
    }
    return Fail(*mode, "there is no such list mode here");
  }

  Result<FmlPath> PathAt(const Element& element, std::string_view name) {
    const Element* path = element.Child(name);
    if (path == nullptr || !path->has_text()) {
      return FmlPath();
    }
    return Path(*path);
  }

  // The grammar's own reading, so that both forms hold an expression alike.
  Result<FmlPath> Path(const Element& element) {
    const FmlPlace place = PlaceOf(element);
    auto tokens = LexFml(file_, element.text());
    if (!tokens) {
      return Fail(element, tokens.error().detail);
    }
    FmlCursor cursor(file_, element.text(), *std::move(tokens));
    auto path = cursor.Path();
    if (!path || cursor.Now().kind != FmlToken::Kind::kEnd) {
      return Fail(element, path ? "expected one FHIRPath expression" : path.error().detail);
    }
    path->place = place;
    return path;
  }

  Result<FmlTarget> Target(const Element& element) {
    FmlTarget target;
    target.place = target.context_place = target.element_place = target.transform_place =
        target.variable_place = PlaceOf(element);
    target.context = std::string(element.TextAt("context"));
    target.element = std::string(element.TextAt("element"));
    target.variable = std::string(element.TextAt("variable"));
    target.transform = std::string(element.TextAt("transform"));
    target.share_id = std::string(element.TextAt("listRuleId"));
    GW_TRY(target.list_mode, ListMode(element, 5, kListModes.size()));
    for (const Element* one = element.Child("parameter"); one != nullptr; one = NextOf(one)) {
      const Element* value = one->Child("value");
      if (value == nullptr) {
        return Fail(*one, "expected a value");
      }
      const bool is_expression = target.transform == "evaluate" && NextOf(one) == nullptr;
      GW_TRY(FmlArgument argument, is_expression ? Expression(*value) : Argument(*value));
      target.arguments.push_back(std::move(argument));
    }
    if (target.context.empty() && target.transform.empty()) {
      return Fail(element, "expected a context or a transform");
    }
    return target;
  }

  Result<FmlArgument> Expression(const Element& value) {
    GW_TRY(FmlPath path, Path(value));
    return FmlArgument{.kind = Kind::kPath, .text = std::move(path.text), .place = path.place};
  }

  Result<FmlArgument> Argument(const Element& value) {
    FmlArgument argument;
    argument.place = PlaceOf(value);
    argument.text = std::string(value.text());
    if (const Element* kind = ExtensionValue(value, kArgumentExtension); kind != nullptr) {
      const auto* word =
          std::find_if(kKindWords.begin(), kKindWords.end(),
                       [kind](const auto& known) { return known.first == kind->text(); });
      if (word == kKindWords.end()) {
        return Fail(*kind, "there is no such kind of argument");
      }
      argument.kind = word->second;
      return argument.kind == Kind::kPath ? Expression(value) : Result<FmlArgument>(argument);
    }
    switch (value.type().primitive()) {
      case fhir::Primitive::kNone:
        return Fail(value, "expected a primitive value");
      case fhir::Primitive::kId:
        argument.kind =
            argument.text.find('.') == std::string::npos ? Kind::kVariable : Kind::kPath;
        break;
      case fhir::Primitive::kBoolean:
        argument.kind = Kind::kBoolean;
        break;
      case fhir::Primitive::kInteger:
      case fhir::Primitive::kPositiveInt:
      case fhir::Primitive::kUnsignedInt:
        argument.kind = Kind::kInteger;
        break;
      case fhir::Primitive::kDecimal:
        argument.kind = Kind::kDecimal;
        break;
      case fhir::Primitive::kTime:
        argument.text.insert(0, "T");
        argument.kind = Kind::kDate;
        break;
      case fhir::Primitive::kDate:
      case fhir::Primitive::kDateTime:
      case fhir::Primitive::kInstant:
        argument.kind = Kind::kDate;
        break;
      default:
        argument.kind = Kind::kString;
    }
    return argument;
  }

  Result<FmlDependent> Dependent(const Element& element) {
    FmlDependent dependent;
    dependent.place = PlaceOf(element);
    GW_TRY(dependent.group, Needed(element, "name"));
    for (const Element* one = element.Child("variable"); one != nullptr; one = NextOf(one)) {
      GW_TRY(FmlArgument argument, Argument(*one));
      const bool is_bare = ExtensionValue(*one, kArgumentExtension) == nullptr;
      argument.kind = is_bare ? Kind::kVariable : argument.kind;
      dependent.arguments.push_back(std::move(argument));
    }
    return dependent;
  }

  std::string_view file_;
  std::string_view bytes_;
  PlaceFinder finder_{bytes_};
  FmlMap map_;
};

}  // namespace

Result<FmlMap> ReadStructureMap(std::string_view file, std::string_view bytes,
                                const fhir::Resource& structure_map) {
  return ResourceReader(file, bytes).Run(structure_map.root());
}

Result<FmlMap> ReadMap(std::string_view file, std::string_view bytes,
                       const fhir::Definitions& definitions, const Limits& limits) {
  const size_t first = bytes.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  const char begin = first == std::string_view::npos ? '\0' : bytes[first];
  if (begin != '{' && begin != '<') {
    return ParseFml(file, bytes);
  }
  const fhir::InstanceTypes types{
      .definitions = &definitions, .models = nullptr, .expected = definitions.Find("StructureMap")};
  auto resource = fhir::ReadInstance(bytes, types, limits);
  if (!resource) {
    Error error = resource.error();
    FmlPlace place{.line = 1, .column = 1};
    const int count =
        std::sscanf(error.where.c_str(), "line %u, column %u", &place.line, &place.column);
    error.where = count == 2 ? FmlWhere(file, place) : std::string(file) + ": " + error.where;
    return error;
  }
  return ReadStructureMap(file, bytes, *resource);
}

}  // namespace gw::map
