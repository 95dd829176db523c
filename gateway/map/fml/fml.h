#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gw::map {

// Where something stands in a map file; both count from 1, columns in characters.
struct FmlPlace {
  uint32_t line = 0;
  uint32_t column = 0;
};

// A FHIRPath expression as written, comments blanked, so that a place in it is a place in the file.
struct FmlPath {
  std::string text;  // empty: there is none
  FmlPlace place;
};

// An argument of a transform or of a group: a variable, a literal, or a FHIRPath.
struct FmlArgument {
  enum class Kind : uint8_t {
    kVariable,  // text = its name
    kString,
    kBoolean,
    kInteger,
    kDecimal,
    kDate,  // also dateTime and time, without the @
    kPath   // text = the expression: ( ... ), src.a.b or the second argument of evaluate()
  } kind = Kind::kString;
  std::string text;
  FmlPlace place;
};

enum class FmlListMode : uint8_t {
  kNone,
  kFirst,
  kNotFirst,
  kLast,
  kNotLast,
  kOnlyOne,
  kShare,
  kCollate
};

inline constexpr uint32_t kFmlMany = 0xFFFFFFFF;  // the * of a cardinality

// StructureMap.group.rule.source
struct FmlSource {
  FmlPlace place;
  std::string context;
  std::string element;  // empty: the context itself
  FmlPlace element_place;
  std::string type;
  FmlPlace type_place;
  bool has_cardinality = false;
  uint32_t min = 0;
  uint32_t max = kFmlMany;
  bool has_default = false;
  FmlArgument default_value;
  FmlListMode list_mode = FmlListMode::kNone;
  std::string variable;
  FmlPlace variable_place;
  FmlPath where, check, log;
};

// StructureMap.group.rule.target
struct FmlTarget {
  FmlPlace place;
  std::string context;  // empty where only a transform is invoked: uuid() as id
  FmlPlace context_place;
  std::string element;
  FmlPlace element_place;
  std::string transform;  // "create", "copy" ...; empty: there is none
  FmlPlace transform_place;
  std::vector<FmlArgument> arguments;
  std::string variable;
  FmlPlace variable_place;
  FmlListMode list_mode = FmlListMode::kNone;
  std::string share_id;
};

// StructureMap.group.rule.dependent
struct FmlDependent {
  FmlPlace place;
  std::string group;
  std::vector<FmlArgument> arguments;
};

// StructureMap.group.rule. The short form `src.a -> tgt.b` is one source and one target without
// variables, transform or dependents (IsSimple).
struct FmlRule {
  FmlPlace place;
  std::string name;  // as written, else the elements of its sources
  std::vector<FmlSource> sources;
  std::vector<FmlTarget> targets;
  std::vector<FmlRule> rules;
  std::vector<FmlDependent> dependents;
  std::string documentation;  // the comments above, in and behind it, but for those of its rules
};
bool IsSimple(const FmlRule& rule);

// StructureMap.group.input
struct FmlInput {
  FmlPlace place;
  bool is_target = false;
  std::string name;
  std::string type;  // alias of a `uses`, or a type's name; may be empty
  FmlPlace type_place;
  std::string documentation;
};

// StructureMap.group
struct FmlGroup {
  enum class TypeMode : uint8_t { kNone, kTypes, kTypeAndTypes };
  FmlPlace place;
  std::string name;
  std::vector<FmlInput> inputs;
  std::string extends;
  FmlPlace extends_place;
  TypeMode type_mode = TypeMode::kNone;
  std::vector<FmlRule> rules;
  std::string documentation;
};

// StructureMap.structure
struct FmlUse {
  enum class Mode : uint8_t { kSource, kQueried, kTarget, kProduced };
  FmlPlace place;
  std::string url;
  std::string alias;
  Mode mode = Mode::kSource;
  std::string documentation;
};

struct FmlImport {
  FmlPlace place;
  std::string url;  // may hold *
};

// let name = expression; (R5)
struct FmlConstant {
  FmlPlace place;
  std::string name;
  FmlPath value;
  std::string documentation;
};

// A ConceptMap declared in the map itself: conceptmap "#name" { ... }.
struct FmlConceptMap {
  struct Code {
    FmlPlace place;
    std::string source_system;
    std::string source_code;
    std::string equivalence;    // R4 concept-map-equivalence
    std::string target_system;  // empty where equivalence is unmatched
    std::string target_code;
    std::string display;  // of a StructureMap; the text form has none
  };
  // What becomes of the other codes of a system.
  struct Unmapped {
    std::string source_system;
    std::string target_system;
    bool provided = true;  // kept as they are: all that the text form can say; else all are `code`
    std::string code;
    std::string display;
  };
  FmlPlace place;
  std::string id;  // "#name"
  std::vector<Unmapped> unmapped;
  std::vector<Code> codes;
  std::string documentation;
};

// `/// title = "..."`: what else is said of the map; a name of R4 StructureMap, or a note.
struct FmlMetadata {
  std::string name;
  std::string value;
};

// One map file.
struct FmlMap {
  std::string file;
  FmlPlace place;
  std::string url;
  std::string name;
  std::vector<FmlMetadata> metadata;  // without url, name and description
  // The description, and the comments of the head and of what R4 has no place for.
  std::string documentation;
  std::vector<FmlConceptMap> concept_maps;
  std::vector<FmlUse> uses;
  std::vector<FmlImport> imports;
  std::vector<FmlConstant> constants;
  std::vector<FmlGroup> groups;
};

// Reads the text form of a map. Nothing is skipped: what the grammar does not know is refused.
// Also takes what R4 and R5 tools take: FHIRPath without parentheses after where, check and log,
// `///` metadata lines, `let` constants, `;` after declarations, single quotes for double ones.
// Comments become the documentation of what they stand above, in or behind.
// Errors: kInvalid, where = "file:line:column", detail says what was expected.
// Spec: FHIR R4 mapping-language.html, section 7.8.0.1 (grammar).
Result<FmlMap> ParseFml(std::string_view file, std::string_view text);

// "file:line:column"
std::string FmlWhere(std::string_view file, FmlPlace place);

}  // namespace gw::map
