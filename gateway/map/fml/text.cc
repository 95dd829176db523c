#include <algorithm>
#include <map>
#include <utility>

#include "gateway/map/fml/names_internal.h"
#include "gateway/map/fml/structure_map.h"

namespace gw::map {
namespace {

constexpr std::string_view kIndent = "  ";

bool IsPlainName(std::string_view name) {
  return IsDottedName(name) && name.find('.') == std::string_view::npos;
}

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        out += c == quote || c == '\\' ? "\\" : "";
        out += c;
    }
  }
  return out + quote;
}

std::string NameText(std::string_view name) {
  return IsPlainName(name) ? std::string(name) : Quoted(name, '`');
}

// Of a type: the parts of a name with points stand as they are.
std::string TypeText(std::string_view name) {
  return IsDottedName(name) ? std::string(name) : Quoted(name, '"');
}

std::string InBrackets(std::string_view path) {
  return "(" + std::string(WithoutBrackets(path)) + ")";
}

std::string ArgumentText(const FmlArgument& argument) {
  using Kind = FmlArgument::Kind;
  switch (argument.kind) {
    case Kind::kVariable:
      return NameText(argument.text);
    case Kind::kString:
      return Quoted(argument.text, '\'');
    case Kind::kBoolean:
    case Kind::kInteger:
    case Kind::kDecimal:
      return argument.text;
    case Kind::kDate:
      return "@" + argument.text;
    case Kind::kPath:
      return IsDottedName(argument.text) ? argument.text : InBrackets(argument.text);
  }
  return {};
}

std::string ArgumentsText(const std::vector<FmlArgument>& arguments) {
  std::string out = "(";
  for (const FmlArgument& argument : arguments) {
    out += (out.size() == 1 ? "" : ", ") + ArgumentText(argument);
  }
  return out + ")";
}

std::string SourceText(const FmlSource& source) {
  std::string out = NameText(source.context);
  if (!source.element.empty()) {
    out += "." + NameText(source.element);
  }
  if (!source.type.empty()) {
    out += " : " + TypeText(source.type);
  }
  if (source.has_cardinality) {
    out += " " + std::to_string(source.min) + "..";
    out += source.max == kFmlMany ? "*" : std::to_string(source.max);
  }
  if (source.has_default) {
    const bool is_path = source.default_value.kind == FmlArgument::Kind::kPath;
    out += " default " +
           (is_path ? InBrackets(source.default_value.text) : ArgumentText(source.default_value));
  }
  if (source.list_mode != FmlListMode::kNone) {
    out += " " + std::string(WordOf(source.list_mode));
  }
  if (!source.variable.empty()) {
    out += " as " + NameText(source.variable);
  }
  const std::pair<std::string_view, const FmlPath*> conditions[] = {
      {" where ", &source.where}, {" check ", &source.check}, {" log ", &source.log}};
  for (const auto& [word, path] : conditions) {
    if (!path->text.empty()) {
      out += std::string(word) + InBrackets(path->text);
    }
  }
  return out;
}

std::string TransformText(const FmlTarget& target) {
  const std::vector<FmlArgument>& arguments = target.arguments;
  if (target.transform == "copy" && arguments.size() == 1) {
    return ArgumentText(arguments[0]);
  }
  if (target.transform == "evaluate" && arguments.size() == 1) {
    return InBrackets(arguments[0].text);
  }
  if (target.transform == "evaluate" && arguments.size() == 2) {
    return "evaluate(" + ArgumentText(arguments[0]) + ", " + arguments[1].text + ")";
  }
  return NameText(target.transform) + ArgumentsText(arguments);
}

std::string TargetText(const FmlTarget& target) {
  std::string out;
  if (!target.context.empty()) {
    out = NameText(target.context);
    out += target.element.empty() ? "" : "." + NameText(target.element);
    out += target.transform.empty() ? "" : " = ";
  }
  if (!target.transform.empty()) {
    const bool is_bare_copy = target.context.empty() && target.transform == "copy";
    out += is_bare_copy ? "copy" + ArgumentsText(target.arguments) : TransformText(target);
  }
  if (!target.variable.empty()) {
    out += " as " + NameText(target.variable);
  }
  if (target.list_mode != FmlListMode::kNone) {
    out += " " + std::string(WordOf(target.list_mode));
  }
  if (target.list_mode == FmlListMode::kShare) {
    out += " " + NameText(target.share_id);
  }
  return out;
}

class TextWriter {
 public:
  Result<std::string> Run(const FmlMap& map) {
    for (const FmlMetadata& note : map.metadata) {
      out_ += "/// " + note.name + " = " + Quoted(note.value, '"') + "\n";
    }
    out_ += "map " + Quoted(map.url, '"') + " = " + Quoted(map.name, '"') + "\n";
    Comment(map.documentation, 0);
    for (const FmlConceptMap& concept_map : map.concept_maps) {
      GW_RETURN_IF_ERROR(ConceptMap(concept_map));
    }
    Declarations(map);
    for (const FmlGroup& group : map.groups) {
      Group(group);
    }
    return std::move(out_);
  }

 private:
  // Documentation as comment lines above what it is of.
  void Comment(std::string_view text, size_t depth) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      Indent(depth);
      out_ += end == 0 ? "//" : "// " + std::string(text.substr(0, end));
      out_ += "\n";
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void Declarations(const FmlMap& map) {
    constexpr std::string_view kModes[] = {"source", "queried", "target", "produced"};
    out_ += map.uses.empty() ? "" : "\n";
    for (const FmlUse& use : map.uses) {
      Comment(use.documentation, 0);
      out_ += "uses " + Quoted(use.url, '"');
      out_ += use.alias.empty() ? "" : " alias " + NameText(use.alias);
      out_ += " as " + std::string(kModes[static_cast<size_t>(use.mode)]) + "\n";
    }
    out_ += map.imports.empty() ? "" : "\n";
    for (const FmlImport& import : map.imports) {
      out_ += "imports " + Quoted(import.url, '"') + "\n";
    }
    out_ += map.constants.empty() ? "" : "\n";
    for (const FmlConstant& constant : map.constants) {
      Comment(constant.documentation, 0);
      out_ += "let " + NameText(constant.name) + " = " + constant.value.text + ";\n";
    }
  }

  // Prefixes s, s2 ... and t, t2 ... in the order in which the systems are named.
  static std::string PrefixOf(const std::string& system, std::string_view letter,
                              std::vector<std::string>* systems) {
    const auto found = std::find(systems->begin(), systems->end(), system);
    const size_t index = static_cast<size_t>(found - systems->begin()) + 1;
    if (found == systems->end()) {
      systems->push_back(system);
    }
    return std::string(letter) + (index == 1 ? "" : std::to_string(index));
  }

  Status ConceptMap(const FmlConceptMap& concept_map) {
    std::vector<std::string> sources;
    std::vector<std::string> targets;
    std::string lines;
    for (const FmlConceptMap::Unmapped& rest : concept_map.unmapped) {
      if (!rest.provided) {
        return Error{.code = Code::kUnsupported,
                     .detail = "the text form has no word for a fixed code",
                     .where = concept_map.id};
      }
      lines += "  unmapped for " + PrefixOf(rest.source_system, "s", &sources) + " = provided\n";
    }
    for (const FmlConceptMap::Code& code : concept_map.codes) {
      lines += "  " + PrefixOf(code.source_system, "s", &sources) + ":" +
               Quoted(code.source_code, '"') + " " + std::string(SymbolOf(code.equivalence));
      if (code.equivalence != "unmatched") {
        lines +=
            " " + PrefixOf(code.target_system, "t", &targets) + ":" + Quoted(code.target_code, '"');
      }
      lines += "\n";
    }
    out_ += "\n";
    Comment(concept_map.documentation, 0);
    out_ += "conceptmap " + Quoted(concept_map.id, '"') + " {\n";
    for (const std::string& system : sources) {
      out_ += "  prefix " + PrefixOf(system, "s", &sources) + " = " + Quoted(system, '"') + "\n";
    }
    for (const std::string& system : targets) {
      out_ += "  prefix " + PrefixOf(system, "t", &targets) + " = " + Quoted(system, '"') + "\n";
    }
    out_ += "\n" + lines + "}\n";
    return {};
  }

  void Group(const FmlGroup& group) {
    out_ += "\n";
    Comment(group.documentation, 0);
    out_ += "group " + NameText(group.name) + "(";
    for (size_t i = 0; i < group.inputs.size(); ++i) {
      const FmlInput& input = group.inputs[i];
      out_ += i == 0 ? "" : ", ";
      if (!input.documentation.empty()) {
        out_ += "\n";
        Comment(input.documentation, 2);
        Indent(2);
      }
      out_ += (input.is_target ? "target " : "source ") + NameText(input.name);
      out_ += input.type.empty() ? "" : " : " + TypeText(input.type);
    }
    out_ += ")";
    out_ += group.extends.empty() ? "" : " extends " + NameText(group.extends);
    if (group.type_mode != FmlGroup::TypeMode::kNone) {
      out_ += group.type_mode == FmlGroup::TypeMode::kTypes ? " <<types>>" : " <<type+>>";
    }
    out_ += " {\n";
    Rules(group.rules, 1);
    out_ += "}\n";
  }

  void Rules(const std::vector<FmlRule>& rules, size_t depth) {
    for (const FmlRule& rule : rules) {
      Rule(rule, depth);
    }
  }

  void Indent(size_t depth) {
    for (; depth > 0; --depth) {
      out_ += kIndent;
    }
  }

  void Rule(const FmlRule& rule, size_t depth) {
    Comment(rule.documentation, depth);
    Indent(depth);
    for (size_t i = 0; i < rule.sources.size(); ++i) {
      out_ += (i == 0 ? "" : ", ") + SourceText(rule.sources[i]);
    }
    for (size_t i = 0; i < rule.targets.size(); ++i) {
      out_ += (i == 0 ? " -> " : ", ") + TargetText(rule.targets[i]);
    }
    for (size_t i = 0; i < rule.dependents.size(); ++i) {
      out_ += (i == 0 ? " then " : ", ") + NameText(rule.dependents[i].group);
      out_ += ArgumentsText(rule.dependents[i].arguments);
    }
    if (!rule.rules.empty()) {
      out_ += rule.dependents.empty() ? " then {\n" : " {\n";
      Rules(rule.rules, depth + 1);
      Indent(depth);
      out_ += "}";
    }
    if (rule.name != NameOfSources(rule, ", ")) {
      out_ += " " + Quoted(rule.name, '"');
    }
    out_ += ";\n";
  }

  std::string out_;
};

}  // namespace

Result<std::string> WriteFml(const FmlMap& map) { return TextWriter().Run(map); }

}  // namespace gw::map
