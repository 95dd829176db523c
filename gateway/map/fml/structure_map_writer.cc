#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/json.h"
#include "gateway/map/fml/names_internal.h"
#include "gateway/map/fml/structure_map.h"

namespace gw::map {
namespace {

using Kind = FmlArgument::Kind;

// In the order of FmlArgument::Kind; a variable needs no word.
constexpr std::array<std::string_view, 7> kKindWords = {"",        "string", "boolean", "integer",
                                                        "decimal", "date",   "path"};
// What R4 StructureMap takes of `///` lines, in its order.
constexpr std::array<std::string_view, 10> kMetadata = {
    "version",   "title",       "status",  "experimental", "date",
    "publisher", "description", "purpose", "copyright",    "id"};

std::string_view MetadataOf(const FmlMap& map, std::string_view name) {
  const auto found = std::find_if(map.metadata.begin(), map.metadata.end(),
                                  [name](const FmlMetadata& m) { return m.name == name; });
  return found == map.metadata.end() ? std::string_view() : std::string_view(found->value);
}

class ResourceWriter {
 public:
  explicit ResourceWriter(std::string* out) : json_(out) {}

  void Run(const FmlMap& map) {
    json_.ObjectStart().Member("resourceType", "StructureMap");
    MemberOf("id", MetadataOf(map, "id"));
    List("contained", map.concept_maps, [this](const auto& c) { ConceptMap(c); });
    Extensions(map);
    json_.Member("url", map.url);
    MemberOf("version", MetadataOf(map, "version"));
    json_.Member("name", map.name.empty() ? std::string_view(map.url) : std::string_view(map.name));
    Metadata(map);
    List("structure", map.uses, [this](const auto& use) { Use(use); });
    if (!map.imports.empty()) {
      json_.Key("import").ArrayStart();
      for (const FmlImport& import : map.imports) {
        json_.String(import.url);
      }
      json_.ArrayEnd();
    }
    List("group", map.groups, [this](const auto& group) { Group(group); });
    json_.ObjectEnd();
  }

 private:
  template <typename Items, typename Write>
  void List(std::string_view name, const Items& items, Write write) {
    if (items.empty()) {
      return;
    }
    json_.Key(name).ArrayStart();
    for (const auto& item : items) {
      write(item);
    }
    json_.ArrayEnd();
  }

  void MemberOf(std::string_view name, std::string_view text) {
    if (!text.empty()) {
      json_.Member(name, text);
    }
  }

  void Metadata(const FmlMap& map) {
    for (const std::string_view name : kMetadata) {
      const std::string_view value =
          name == "description" ? std::string_view(map.documentation) : MetadataOf(map, name);
      if (name == "experimental" && (value == "true" || value == "false")) {
        json_.Key(name).Raw(value);
      } else if (name == "status") {
        json_.Member(name, value.empty() ? "draft" : value);
      } else if (name != "id" && name != "version" && name != "experimental") {
        MemberOf(name, value);
      }
    }
  }

  void Extensions(const FmlMap& map) {
    if (map.constants.empty() && map.concept_maps.empty()) {
      return;
    }
    json_.Key("extension").ArrayStart();
    for (const FmlConstant& constant : map.constants) {
      Constant(constant);
    }
    for (const FmlConceptMap& contained : map.concept_maps) {
      json_.ObjectStart().Member("url", kConceptMapExtension);
      json_.Member("valueCanonical", contained.id).ObjectEnd();
    }
    json_.ArrayEnd();
  }

  void Constant(const FmlConstant& constant) {
    json_.ObjectStart().Key("extension").ArrayStart();
    json_.ObjectStart().Member("url", "name").Member("valueString", constant.name).ObjectEnd();
    json_.ObjectStart().Member("url", "value").Member("valueString", constant.value.text);
    json_.ObjectEnd();
    if (!constant.documentation.empty()) {
      json_.ObjectStart().Member("url", "documentation");
      json_.Member("valueString", constant.documentation).ObjectEnd();
    }
    json_.ArrayEnd().Member("url", kConstantExtension).ObjectEnd();
  }

  void Use(const FmlUse& use) {
    constexpr std::string_view kModes[] = {"source", "queried", "target", "produced"};
    json_.ObjectStart().Member("url", use.url);
    json_.Member("mode", kModes[static_cast<size_t>(use.mode)]);
    MemberOf("alias", use.alias);
    MemberOf("documentation", use.documentation);
    json_.ObjectEnd();
  }

  // One group for each pair of systems, in the order in which they are named first.
  void ConceptMap(const FmlConceptMap& map) {
    json_.ObjectStart().Member("resourceType", "ConceptMap");
    json_.Member("id", std::string_view(map.id).substr(1)).Member("status", "draft");
    MemberOf("description", map.documentation);
    std::vector<std::pair<std::string, std::string>> pairs;
    const auto add = [&pairs](const std::string& source, const std::string& target) {
      const std::pair<std::string, std::string> pair(source, target);
      if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) {
        pairs.push_back(pair);
      }
    };
    for (const FmlConceptMap::Code& code : map.codes) {
      add(code.source_system, code.target_system);
    }
    for (const FmlConceptMap::Unmapped& rest : map.unmapped) {
      add(rest.source_system, rest.target_system);
    }
    List("group", pairs, [&](const auto& pair) { ConceptGroup(map, pair); });
    json_.ObjectEnd();
  }

  void ConceptGroup(const FmlConceptMap& map, const std::pair<std::string, std::string>& pair) {
    json_.ObjectStart().Member("source", pair.first);
    MemberOf("target", pair.second);
    std::vector<const FmlConceptMap::Code*> codes;
    for (const FmlConceptMap::Code& code : map.codes) {
      if (code.source_system == pair.first && code.target_system == pair.second) {
        codes.push_back(&code);
      }
    }
    List("element", codes, [this](const FmlConceptMap::Code* code) { ConceptCode(*code); });
    for (const FmlConceptMap::Unmapped& rest : map.unmapped) {
      if (rest.source_system == pair.first && rest.target_system == pair.second) {
        json_.Key("unmapped").ObjectStart().Member("mode", rest.provided ? "provided" : "fixed");
        MemberOf("code", rest.code);
        MemberOf("display", rest.display);
        json_.ObjectEnd();
      }
    }
    json_.ObjectEnd();
  }

  void ConceptCode(const FmlConceptMap::Code& code) {
    json_.ObjectStart().Member("code", code.source_code).Key("target").ArrayStart().ObjectStart();
    MemberOf("code", code.target_code);
    MemberOf("display", code.display);
    json_.Member("equivalence", code.equivalence).ObjectEnd().ArrayEnd().ObjectEnd();
  }

  void Group(const FmlGroup& group) {
    json_.ObjectStart().Member("name", group.name);
    MemberOf("extends", group.extends);
    constexpr std::string_view kModes[] = {"none", "types", "type-and-types"};
    json_.Member("typeMode", kModes[static_cast<size_t>(group.type_mode)]);
    MemberOf("documentation", group.documentation);
    List("input", group.inputs, [this](const FmlInput& input) {
      json_.ObjectStart().Member("name", input.name);
      MemberOf("type", input.type);
      json_.Member("mode", input.is_target ? "target" : "source");
      MemberOf("documentation", input.documentation);
      json_.ObjectEnd();
    });
    List("rule", group.rules, [this](const FmlRule& rule) { Rule(rule); });
    json_.ObjectEnd();
  }

  void Rule(const FmlRule& rule) {
    const bool is_short = IsSimple(rule);
    json_.ObjectStart();
    const bool is_named = rule.name != NameOfSources(rule, ", ");
    json_.Member("name", is_named ? rule.name : NameOfSources(rule, "-"));
    List("source", rule.sources, [&](const FmlSource& source) { Source(source, is_short); });
    List("target", rule.targets, [&](const FmlTarget& target) { Target(target, is_short); });
    List("rule", rule.rules, [this](const FmlRule& inner) { Rule(inner); });
    List("dependent", rule.dependents, [this](const FmlDependent& d) { Dependent(d); });
    MemberOf("documentation", rule.documentation);
    json_.ObjectEnd();
  }

  void Source(const FmlSource& source, bool is_short) {
    json_.ObjectStart().Member("context", source.context);
    if (source.has_cardinality) {
      json_.Key("min").Integer(source.min);
      json_.Member("max", source.max == kFmlMany ? "*" : std::to_string(source.max));
    }
    MemberOf("type", source.type);
    if (source.has_default) {
      Value("defaultValue", source.default_value);
    }
    MemberOf("element", source.element);
    MemberOf("listMode", WordOf(source.list_mode));
    MemberOf("variable", is_short ? kShortFormVariable : std::string_view(source.variable));
    MemberOf("condition", WithoutBrackets(source.where.text));
    MemberOf("check", WithoutBrackets(source.check.text));
    MemberOf("logMessage", WithoutBrackets(source.log.text));
    json_.ObjectEnd();
  }

  void Target(const FmlTarget& target, bool is_short) {
    json_.ObjectStart();
    if (!target.context.empty()) {
      json_.Member("context", target.context).Member("contextType", "variable");
    }
    MemberOf("element", target.element);
    MemberOf("variable", is_short ? kShortFormVariable : std::string_view(target.variable));
    if (target.list_mode != FmlListMode::kNone) {
      json_.Key("listMode").ArrayStart().String(WordOf(target.list_mode)).ArrayEnd();
    }
    MemberOf("listRuleId", target.share_id);
    MemberOf("transform", is_short ? std::string_view("create") : target.transform);
    if (!target.arguments.empty()) {
      json_.Key("parameter").ArrayStart();
      for (size_t i = 0; i < target.arguments.size(); ++i) {
        const bool is_expression =
            target.transform == "evaluate" && i + 1 == target.arguments.size();
        Parameter(target.arguments[i], is_expression);
      }
      json_.ArrayEnd();
    }
    json_.ObjectEnd();
  }

  void Parameter(const FmlArgument& argument, bool is_expression) {
    json_.ObjectStart();
    if (is_expression) {
      json_.Member("valueString", WithoutBrackets(argument.text));
    } else if (argument.kind == Kind::kDate) {
      json_.Member("valueString", argument.text);
      KindExtension("_valueString", argument.kind);
    } else {
      Value("value", argument);
    }
    json_.ObjectEnd();
  }

  // A value[x] of the argument's own type.
  void Value(const std::string& name, const FmlArgument& argument) {
    switch (argument.kind) {
      case Kind::kVariable:
        json_.Member(name + "Id", argument.text);
        break;
      case Kind::kString:
        json_.Member(name + "String", argument.text);
        break;
      case Kind::kBoolean:
        json_.Key(name + "Boolean").Raw(argument.text);
        break;
      case Kind::kInteger:
        json_.Key(name + "Integer").Raw(argument.text);
        break;
      case Kind::kDecimal:
        json_.Key(name + "Decimal").Raw(argument.text);
        break;
      case Kind::kDate:
        Date(name, argument.text);
        break;
      case Kind::kPath:
        Path(name, argument.text);
        break;
    }
  }

  void Date(const std::string& name, std::string_view text) {
    if (text.starts_with('T')) {
      json_.Member(name + "Time", text.substr(1));
    } else {
      const bool has_time = text.find('T') != std::string_view::npos;
      json_.Member(name + (has_time ? "DateTime" : "Date"), text);
    }
  }

  void Path(const std::string& name, std::string_view text) {
    if (IsDottedName(text) && name == "value") {
      json_.Member(name + "Id", text);
      return;
    }
    json_.Member(name + "String", WithoutBrackets(text));
    KindExtension("_" + name + "String", Kind::kPath);
  }

  void KindExtension(std::string_view name, Kind kind) {
    json_.Key(name);
    KindExtensionObject(kind);
  }

  void KindExtensionObject(Kind kind) {
    json_.ObjectStart().Key("extension").ArrayStart().ObjectStart();
    json_.Member("url", kArgumentExtension);
    json_.Member("valueCode", kKindWords.at(static_cast<size_t>(kind)));
    json_.ObjectEnd().ArrayEnd().ObjectEnd();
  }

  // R4 passes variables only; what else an argument is stands beside its text.
  void Dependent(const FmlDependent& dependent) {
    json_.ObjectStart().Member("name", dependent.group);
    const auto& arguments = dependent.arguments;
    if (!arguments.empty()) {
      json_.Key("variable").ArrayStart();
      for (const FmlArgument& argument : arguments) {
        json_.String(argument.kind == Kind::kPath ? WithoutBrackets(argument.text)
                                                  : std::string_view(argument.text));
      }
      json_.ArrayEnd();
    }
    const auto is_variable = [](const FmlArgument& a) { return a.kind == Kind::kVariable; };
    if (!std::all_of(arguments.begin(), arguments.end(), is_variable)) {
      json_.Key("_variable").ArrayStart();
      for (const FmlArgument& argument : arguments) {
        if (is_variable(argument)) {
          json_.Null();
        } else {
          KindExtensionObject(argument.kind);
        }
      }
      json_.ArrayEnd();
    }
    json_.ObjectEnd();
  }

  JsonWriter json_;
};

}  // namespace

std::string WriteStructureMap(const FmlMap& map) {
  std::string out;
  ResourceWriter(&out).Run(map);
  return out;
}

}  // namespace gw::map
