#include "gateway/map/fml/fml.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "gateway/map/fml/cursor_internal.h"
#include "gateway/map/fml/lexer_internal.h"
#include "gateway/map/fml/names_internal.h"

namespace gw::map {
namespace {

using Kind = FmlToken::Kind;

constexpr uint32_t kDepthMax = 64;                       // rules in rules
constexpr std::string_view kMetadataMarks = " \t\r\"'";  // around keys and values of /// lines

struct ModeWord {
  std::string_view word;
  FmlListMode mode;
};
constexpr std::array<ModeWord, 5> kSourceModes = {{{"first", FmlListMode::kFirst},
                                                   {"not_first", FmlListMode::kNotFirst},
                                                   {"last", FmlListMode::kLast},
                                                   {"not_last", FmlListMode::kNotLast},
                                                   {"only_one", FmlListMode::kOnlyOne}}};
constexpr std::array<ModeWord, 5> kTargetModes = {{{"first", FmlListMode::kFirst},
                                                   {"share", FmlListMode::kShare},
                                                   {"last", FmlListMode::kLast},
                                                   {"collate", FmlListMode::kCollate},
                                                   {"single", FmlListMode::kCollate}}};  // of R5

class Parser : private FmlCursor {
 public:
  Parser(std::string_view file, std::string_view text, FmlTokens tokens)
      : FmlCursor(file, text, std::move(tokens)) {
    map_.file = std::string(file);
  }

  Result<FmlMap> Run() {
    GW_RETURN_IF_ERROR(ReadMetadata());
    map_.place = Now().place;
    if (Now().IsWord("map")) {
      Take();
      GW_TRY(map_.url, Text("the url of the map in quotes"));
      GW_RETURN_IF_ERROR(Expect("="));
      GW_TRY(map_.name, NameOrText("the name of the map"));
      TakeIf(";");
    }
    if (map_.url.empty()) {
      return Expected("map \"url\" = \"name\"");
    }
    Document(TakeComments(0, position()));
    Document(TakeApart());
    GW_RETURN_IF_ERROR(ReadDeclarations());
    while (Now().kind != Kind::kEnd) {
      GW_RETURN_IF_ERROR(ReadGroup());
    }
    Document(TakeComments(0, tokens().size()));  // imports have no documentation in R4
    if (map_.groups.empty()) {
      return Expected("'group': a map has at least one");
    }
    return std::move(map_);
  }

 private:
  // Header.

  // More of what is said of the map as a whole.
  void Document(std::string_view text) {
    map_.documentation += map_.documentation.empty() || text.empty() ? "" : "\n";
    map_.documentation += text;
  }

  // `/// url = '...'` lines of R5 may stand for the map line; all others are notes.
  Status ReadMetadata() {
    for (size_t i = 0; i < tokens().size(); ++i) {
      if (tokens()[i].kind != Kind::kMetadata) {
        continue;
      }
      Document(TakeComments(i, i + 1));
      const FmlToken& token = tokens()[i];
      const size_t equals = token.text.find('=');
      if (equals == std::string::npos) {
        continue;
      }
      const auto trim = [](std::string_view part) {
        const size_t first = part.find_first_not_of(kMetadataMarks);
        return first == std::string_view::npos
                   ? std::string()
                   : std::string(
                         part.substr(first, part.find_last_not_of(kMetadataMarks) - first + 1));
      };
      const std::string key = trim(token.text.substr(0, equals));
      const std::string value = trim(token.text.substr(equals + 1));
      if (key == "url") {
        map_.url = value;
      } else if (key == "name") {
        map_.name = value;
      } else if (key == "description") {
        Document(value);
      } else if (!key.empty()) {
        map_.metadata.push_back({key, value});
      }
    }
    std::erase_if(tokens(), [](const FmlToken& token) { return token.kind == Kind::kMetadata; });
    return {};
  }

  // The grammar gives these an order; nothing is gained by refusing another one.
  Status ReadDeclarations() {
    while (!Now().IsWord("group")) {
      GW_RETURN_IF_ERROR(ReadDeclaration());
    }
    return {};
  }

  Status ReadDeclaration() {
    if (Now().IsWord("conceptmap")) {
      return ReadConceptMap();
    }
    if (Now().IsWord("uses")) {
      return ReadUse();
    }
    if (Now().IsWord("imports")) {
      return ReadImport();
    }
    if (Now().IsWord("let")) {
      return ReadConstant();
    }
    return Expected("'conceptmap', 'uses', 'imports', 'let' or 'group'");
  }

  Status ReadImport() {
    FmlImport import;
    import.place = Take().place;
    GW_TRY(import.url, Text("the url of a map in quotes"));
    TakeIf(";");
    map_.imports.push_back(std::move(import));
    return {};
  }

  Status ReadConstant() {
    FmlConstant constant;
    const size_t begin = position();
    constant.place = Take().place;
    GW_TRY(constant.name, Name("the name of the constant"));
    GW_RETURN_IF_ERROR(Expect("="));
    GW_TRY(constant.value, Path());
    GW_RETURN_IF_ERROR(Expect(";"));
    constant.documentation = TakeComments(begin, position());
    map_.constants.push_back(std::move(constant));
    return {};
  }

  Status ReadUse() {
    FmlUse use;
    const size_t begin = position();
    use.place = Take().place;
    GW_TRY(use.url, Text("the url of a structure in quotes"));
    if (TakeWord("alias")) {
      GW_TRY(use.alias, Name("the alias"));
    }
    GW_RETURN_IF_ERROR(ExpectWord("as"));
    if (TakeWord("source")) {
      use.mode = FmlUse::Mode::kSource;
    } else if (TakeWord("queried")) {
      use.mode = FmlUse::Mode::kQueried;
    } else if (TakeWord("target")) {
      use.mode = FmlUse::Mode::kTarget;
    } else if (TakeWord("produced")) {
      use.mode = FmlUse::Mode::kProduced;
    } else {
      return Expected("'source', 'queried', 'target' or 'produced'");
    }
    TakeIf(";");
    use.documentation = TakeComments(begin, position());
    map_.uses.push_back(std::move(use));
    return {};
  }

  Status ReadConceptMap() {
    FmlConceptMap concept_map;
    const size_t begin = position();
    concept_map.place = Take().place;
    GW_TRY(concept_map.id, Text("the name of the concept map in quotes: \"#name\""));
    if (concept_map.id.empty() || concept_map.id[0] != '#') {
      concept_map.id.insert(0, "#");
    }
    GW_RETURN_IF_ERROR(Expect("{"));
    std::map<std::string, std::string> prefixes;
    while (TakeWord("prefix")) {
      GW_TRY(std::string prefix, Name("a prefix"));
      GW_RETURN_IF_ERROR(Expect("="));
      GW_TRY(prefixes[prefix], Text("the url of a code system in quotes"));
      TakeIf(";");
    }
    while (TakeWord("unmapped")) {
      GW_RETURN_IF_ERROR(ExpectWord("for"));
      GW_TRY(std::string system, System(prefixes));
      GW_RETURN_IF_ERROR(Expect("="));
      GW_RETURN_IF_ERROR(ExpectWord("provided"));
      TakeIf(";");
      concept_map.unmapped.push_back({.source_system = system,
                                      .target_system = system,
                                      .provided = true,
                                      .code = {},
                                      .display = {}});
    }
    while (!TakeIf("}")) {
      GW_TRY(FmlConceptMap::Code code, ReadCode(prefixes));
      concept_map.codes.push_back(std::move(code));
    }
    concept_map.documentation = TakeComments(begin, position());
    map_.concept_maps.push_back(std::move(concept_map));
    return {};
  }

  Result<std::string> System(const std::map<std::string, std::string>& prefixes) {
    const FmlPlace place = Now().place;
    GW_TRY(std::string prefix, Name("a prefix of this concept map, or '}'"));
    const auto found = prefixes.find(prefix);
    if (found == prefixes.end()) {
      return Fail("expected a declared prefix: there is no 'prefix " + prefix + " = ...'", place);
    }
    return found->second;
  }

  // A code may hold hyphens where no blank stands around them: entered-in-error.
  Result<std::string> CodeText() {
    const bool number = Now().kind == Kind::kInteger || Now().kind == Kind::kDecimal;
    if (Now().kind == Kind::kString) {
      return std::string(Take().text);
    }
    if (!number && Now().kind != Kind::kIdentifier) {
      return Expected("a code");
    }
    const uint32_t begin = Now().begin;
    const FmlToken* last = &Take();
    const auto touches = [this](const FmlToken& before) {
      return Now().begin == before.end &&
             (Now().Is("-") || Now().Is("--") || Now().Is(".") || Now().kind == Kind::kIdentifier ||
              Now().kind == Kind::kInteger);
    };
    while (touches(*last)) {
      last = &Take();
    }
    return std::string(Slice(begin, last->end));
  }

  Result<FmlConceptMap::Code> ReadCode(const std::map<std::string, std::string>& prefixes) {
    FmlConceptMap::Code code;
    code.place = Now().place;
    GW_TRY(code.source_system, System(prefixes));
    GW_RETURN_IF_ERROR(Expect(":"));
    GW_TRY(code.source_code, CodeText());
    if (Now().kind == Kind::kSymbol) {
      code.equivalence = EquivalenceOf(Now().text);
    }
    if (code.equivalence.empty()) {
      return Expected("a relationship: one of - = == != -- <= <- >= >- ~");
    }
    Take();
    if (code.equivalence != "unmatched") {
      GW_TRY(code.target_system, System(prefixes));
      GW_RETURN_IF_ERROR(Expect(":"));
      GW_TRY(code.target_code, CodeText());
    }
    TakeIf(";");
    return code;
  }

  // Groups.

  Status ReadGroup() {
    FmlGroup group;
    const size_t begin = position();
    group.place = Now().place;
    GW_RETURN_IF_ERROR(ExpectWord("group"));
    GW_TRY(group.name, Name("the name of the group"));
    GW_RETURN_IF_ERROR(Expect("("));
    bool more = true;
    while (more) {
      const size_t first = position();
      GW_TRY(FmlInput input, ReadInput());
      more = TakeIf(",");
      input.documentation = TakeComments(first, position());
      group.inputs.push_back(std::move(input));
    }
    GW_RETURN_IF_ERROR(Expect(")"));
    if (TakeWord("extends")) {
      group.extends_place = Now().place;
      GW_TRY(group.extends, Name("the name of a group"));
    }
    if (TakeIf("<<")) {
      GW_RETURN_IF_ERROR(ReadTypeMode(&group));
    }
    GW_RETURN_IF_ERROR(ReadRules(&group.rules, 0));
    TakeIf(";");
    group.documentation = TakeComments(begin, position());
    map_.groups.push_back(std::move(group));
    return {};
  }

  Status ReadTypeMode(FmlGroup* group) {
    group->type_mode = FmlGroup::TypeMode::kTypes;
    if (TakeWord("type")) {
      group->type_mode = FmlGroup::TypeMode::kTypeAndTypes;
      GW_RETURN_IF_ERROR(Expect("+"));
      TakeWord("types");
    } else if (!TakeWord("types")) {
      return Expected("'types' or 'type+'");
    }
    return Expect(">>");
  }

  Result<FmlInput> ReadInput() {
    FmlInput input;
    input.place = Now().place;
    if (TakeWord("target")) {
      input.is_target = true;
    } else if (!TakeWord("source")) {
      return Expected("'source' or 'target'");
    }
    GW_TRY(input.name, Name("the name of the parameter"));
    if (TakeIf(":")) {
      input.type_place = Now().place;
      GW_TRY(input.type, TypeName());
    }
    return input;
  }

  Status ReadRules(std::vector<FmlRule>* rules, uint32_t depth) {
    if (depth > kDepthMax) {
      return Fail("rules stand too deep in each other", Now().place);
    }
    GW_RETURN_IF_ERROR(Expect("{"));
    while (!TakeIf("}")) {
      if (Now().kind == Kind::kEnd) {
        return Expected("a rule or '}'");
      }
      GW_TRY(FmlRule rule, ReadRule(depth));
      rules->push_back(std::move(rule));
    }
    return {};
  }

  Result<FmlRule> ReadRule(uint32_t depth) {
    FmlRule rule;
    const size_t begin = position();
    rule.place = Now().place;
    do {
      GW_TRY(FmlSource source, ReadSource());
      rule.sources.push_back(std::move(source));
    } while (TakeIf(","));
    if (TakeIf("->")) {
      do {
        GW_TRY(FmlTarget target, ReadTarget());
        rule.targets.push_back(std::move(target));
      } while (TakeIf(","));
    }
    if (TakeWord("then")) {
      GW_RETURN_IF_ERROR(ReadThen(&rule, depth));
    }
    if (Now().kind == Kind::kString) {
      rule.name = Take().text;
    } else {
      rule.name = NameOfSources(rule, ", ");
    }
    if (!TakeIf(";")) {
      return Expected(rule.targets.empty() ? "'->', 'then', the name of the rule in quotes or ';'"
                                           : "'then', the name of the rule in quotes or ';'");
    }
    rule.documentation = TakeComments(begin, position());
    return rule;
  }

  Status ReadThen(FmlRule* rule, uint32_t depth) {
    if (Now().Is("{")) {
      return ReadRules(&rule->rules, depth + 1);
    }
    do {
      FmlDependent dependent;
      dependent.place = Now().place;
      GW_TRY(dependent.group, Name("the name of a group or '{'"));
      GW_RETURN_IF_ERROR(Expect("("));
      GW_TRY(dependent.arguments, Arguments());
      rule->dependents.push_back(std::move(dependent));
    } while (TakeIf(","));
    if (Now().Is("{")) {
      return ReadRules(&rule->rules, depth + 1);
    }
    return {};
  }

  // Sources.

  Result<FmlSource> ReadSource() {
    FmlSource source;
    source.place = Now().place;
    GW_TRY(source.context, Name("a variable, or '}'"));
    if (Now().Is("(")) {
      return Fail("search() is not offered: a map sees its source only", source.place);
    }
    if (TakeIf(".")) {
      source.element_place = Now().place;
      GW_TRY(source.element, Name("the name of an element"));
    }
    if (TakeIf(":")) {
      source.type_place = Now().place;
      GW_TRY(source.type, TypeName());
    }
    if (Now().kind == Kind::kInteger) {
      GW_RETURN_IF_ERROR(ReadCardinality(&source));
    }
    if (TakeWord("default")) {
      source.has_default = true;
      if (Now().Is("(")) {
        GW_TRY(source.default_value, PathArgument());
      } else {
        GW_TRY(source.default_value, Literal());
      }
    }
    for (const ModeWord& mode : kSourceModes) {
      if (Now().IsWord(mode.word)) {
        Take();
        source.list_mode = mode.mode;
        break;
      }
    }
    if (TakeWord("as")) {
      source.variable_place = Now().place;
      GW_TRY(source.variable, Name("the name of a variable"));
    }
    GW_RETURN_IF_ERROR(ReadConditions(&source));
    return source;
  }

  Status ReadConditions(FmlSource* source) {
    for (const ModeWord& mode : kSourceModes) {
      if (Now().IsWord(mode.word)) {
        return Expected("the list mode of a source before 'as'");
      }
    }
    if (TakeWord("where")) {
      GW_TRY(source->where, Path());
    }
    if (TakeWord("check")) {
      GW_TRY(source->check, Path());
    }
    if (TakeWord("log")) {
      GW_TRY(source->log, Path());
    }
    return {};
  }

  Status ReadCardinality(FmlSource* source) {
    const FmlPlace place = Now().place;
    source->has_cardinality = true;
    GW_TRY(source->min, Integer());
    GW_RETURN_IF_ERROR(Expect(".."));
    if (!TakeIf("*")) {
      GW_TRY(source->max, Integer());
    }
    if (source->max < source->min) {
      return Fail("expected a cardinality whose upper bound is not below its lower one", place);
    }
    return {};
  }

  // Targets.

  Result<FmlTarget> ReadTarget() {
    FmlTarget target;
    target.place = Now().place;
    if (Now().Is("(")) {
      target.transform_place = Now().place;
      target.transform = "evaluate";
      GW_TRY(FmlArgument path, PathArgument());
      target.arguments.push_back(std::move(path));
    } else {
      GW_RETURN_IF_ERROR(ReadTargetHead(&target));
    }
    if (TakeWord("as")) {
      target.variable_place = Now().place;
      GW_TRY(target.variable, Name("the name of a variable"));
    }
    for (const ModeWord& mode : kTargetModes) {
      if (Now().IsWord(mode.word)) {
        Take();
        target.list_mode = mode.mode;
        break;
      }
    }
    if (target.list_mode == FmlListMode::kShare) {
      GW_TRY(target.share_id, NameOrText("the name that is shared"));
    }
    return target;
  }

  Status ReadTargetHead(FmlTarget* target) {
    const FmlPlace place = Now().place;
    GW_TRY(std::string first, Name("a target variable or a transform"));
    if (TakeIf("(")) {
      target->transform_place = place;
      target->transform = std::move(first);
      return ReadTransformArguments(target);
    }
    target->context = std::move(first);
    target->context_place = place;
    if (TakeIf(".")) {
      target->element_place = Now().place;
      GW_TRY(target->element, Name("the name of an element"));
    }
    if (TakeIf("=")) {
      return ReadTransform(target);
    }
    return {};
  }

  Status ReadTransform(FmlTarget* target) {
    target->transform_place = Now().place;
    if (Now().Is("(")) {
      target->transform = "evaluate";
      GW_TRY(FmlArgument path, PathArgument());
      target->arguments.push_back(std::move(path));
      return {};
    }
    if (Now().kind == Kind::kIdentifier && Next().Is("(")) {
      target->transform = Take().text;
      Take();
      return ReadTransformArguments(target);
    }
    target->transform = "copy";
    GW_TRY(FmlArgument argument, Argument());
    target->arguments.push_back(std::move(argument));
    return {};
  }

  // evaluate(source, expression) is the one whose last argument is FHIRPath as it stands.
  Status ReadTransformArguments(FmlTarget* target) {
    if (target->transform != "evaluate" || Now().Is(")")) {
      GW_TRY(target->arguments, Arguments());
      return {};
    }
    GW_TRY(FmlArgument first, Argument());
    target->arguments.push_back(std::move(first));
    if (TakeIf(",")) {
      FmlArgument path{.kind = FmlArgument::Kind::kPath, .text = {}, .place = Now().place};
      if (Now().kind == Kind::kString && Next().Is(")")) {
        path.text = Take().text;  // the R4 grammar knows the expression as a string only
      } else {
        GW_TRY(FmlPath expression, Path());
        path.text = std::move(expression.text);
      }
      target->arguments.push_back(std::move(path));
    }
    return Expect(")");
  }

  FmlMap map_;
};

}  // namespace

bool IsSimple(const FmlRule& rule) {
  return rule.sources.size() == 1 && rule.targets.size() == 1 && rule.rules.empty() &&
         rule.dependents.empty() && !rule.sources[0].element.empty() &&
         rule.sources[0].variable.empty() && !rule.targets[0].element.empty() &&
         rule.targets[0].transform.empty() && rule.targets[0].variable.empty();
}

Result<FmlMap> ParseFml(std::string_view file, std::string_view text) {
  GW_TRY(FmlTokens tokens, LexFml(file, text));
  return Parser(file, text, std::move(tokens)).Run();
}

}  // namespace gw::map
