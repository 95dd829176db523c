#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/path/path.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/fml/fml.h"
#include "gateway/map/plan/codes_internal.h"
#include "gateway/map/plan/plan.h"

namespace gw::map {

// The checked, flat form of a set of maps: what Compiler (compiler.cc) makes and Runner
// (run.cc) follows. Variables are slots of a group's frame, elements are pointers into the
// definitions, expressions are compiled. Nothing in it changes after it is made.

// What a slot holds in a run: a node of a tree, or a value without one.
struct Item {
  const fhir::Element* node = nullptr;
  fhir::Element* out = nullptr;         // the same node, where it belongs to the target
  std::string_view text;                // of a value; in the run's arena or the plan
  const fhir::TypeDef* type = nullptr;  // of a value

  bool is_absent() const { return node == nullptr && text.data() == nullptr; }
  std::string_view Text() const { return node != nullptr ? node->text() : text; }
  const fhir::TypeDef* Type() const { return node != nullptr ? &node->type() : type; }
};

using Slot = uint16_t;
inline constexpr Slot kNoSlot = 0xFFFF;

// How to get from a node to its children of one name.
struct Step {
  enum class Kind : uint8_t {
    kSelf,     // no element: the node itself
    kElement,  // `element` of a node of type `owner`; by name on nodes of other types
    kByName,   // the node's type is known in the run only
    kValue,    // the value of a primitive: src.value
  } kind = Kind::kSelf;
  const fhir::TypeDef* owner = nullptr;
  const fhir::ElementDef* element = nullptr;
  std::string name;
};

// A compiled FHIRPath with the variables that it mentions and what it reads of them.
struct PathOp {
  struct Variable {
    std::string name;
    Slot slot = kNoSlot;
    bool is_source = true;
    uint16_t reading = 0;  // of what it holds
  };
  // An element on a way from the focus, or from what a variable holds, to what the expression
  // reads.
  struct Reading {
    Step step;                    // from the one above; kSelf: any child
    std::string url;              // of extension(url); empty: any
    std::vector<uint16_t> below;  // in `readings`
    bool is_read = false;         // its own text is; what is only sought (exists(), empty()) is not
    bool is_deep = false;         // and all below it: descendants()
  };
  explicit PathOp(fhir::path::Expression compiled) : expression(std::move(compiled)) {}
  fhir::path::Expression expression;
  std::vector<Variable> variables;
  std::vector<Reading> readings;  // the first is the focus
  bool is_literal = false;        // a single string: safe to repeat in a log
  std::string text;               // as written
};

struct ArgumentOp {
  enum class Kind : uint8_t { kSlot, kText, kPath } kind = Kind::kText;
  Slot slot = kNoSlot;
  std::string text;
  const fhir::TypeDef* type = nullptr;  // of text
  const PathOp* path = nullptr;
  bool is_source = true;  // kSlot: holds a node of the source
};

struct SourceOp {
  Slot context = kNoSlot;
  bool is_source = true;  // reads the source, not the target: what it binds counts as read
  Step step;
  const fhir::TypeDef* filter = nullptr;  // only items of this type
  bool has_cardinality = false;
  uint32_t min = 0;
  uint32_t max = kFmlMany;
  bool has_default = false;
  ArgumentOp default_value;
  FmlListMode list_mode = FmlListMode::kNone;
  Slot variable = kNoSlot;
  const PathOp* where = nullptr;
  const PathOp* check = nullptr;
  const PathOp* log = nullptr;
};

enum class Transform : uint8_t {
  kNone,    // an empty element, or the variable itself
  kByType,  // the short form: the default group for the types, or a copy
  kCreate,
  kCopy,
  kTruncate,
  kEscape,
  kCast,
  kAppend,
  kTranslate,
  kReference,
  kDateOp,
  kUuid,
  kPointer,
  kEvaluate,
  kCc,
  kC,
  kQty,
  kId,
  kCp,
  // Beyond R4; docs/mapping.md lists them.
  kIdentifierSystem,
  kIsNhsNumber,
  kKeyedHash,
  kPlace,
  kFeed,
};

enum class TranslateOutput : uint8_t { kCode, kSystem, kDisplay, kCoding, kCodeableConcept };

inline constexpr uint32_t kNoGroup = 0xFFFFFFFF;

// What the short form does with one type of source.
struct TypeCase {
  const fhir::TypeDef* source = nullptr;  // null: any other
  const fhir::TypeDef* target = nullptr;  // null: the source's own
  uint32_t group = kNoGroup;              // kNoGroup: a copy
};

struct TargetOp {
  Slot context = kNoSlot;
  Step step;
  const fhir::TypeDef* type = nullptr;  // what is made there; null: the value decides
  Transform transform = Transform::kNone;
  std::vector<ArgumentOp> arguments;
  std::vector<TypeCase> cases;  // kByType
  Slot variable = kNoSlot;
  FmlListMode list_mode = FmlListMode::kNone;
  uint32_t share = 0;                   // names that are shared have numbers
  const fhir::TypeDef* cast = nullptr;  // kCast: to what
  const CodeTable* codes = nullptr;     // kTranslate
  std::string feed_table;               // kTranslate through a table of the feed
  TranslateOutput output = TranslateOutput::kCode;
  bool follows_source = true;  // a null source makes it null; false: made of literals alone
};

struct CallOp {
  uint32_t group = kNoGroup;
  struct Argument {
    ArgumentOp value;
    const fhir::TypeDef* must_be = nullptr;  // checked in the run; null: known to fit
  };
  std::vector<Argument> arguments;
};

// Without a child of this element a rule does nothing. Most rules of a segment end here, so that is
// kept where the rule begins.
struct Guard {
  const fhir::TypeDef* owner = nullptr;
  const fhir::ElementDef* element = nullptr;  // null: the rule has to be tried
  Slot context = kNoSlot;
};

struct RuleOp {
  Guard guard;
  std::vector<SourceOp> sources;
  std::vector<TargetOp> targets;
  std::vector<CallOp> calls;
  std::vector<RuleOp> rules;
  std::string name;
  std::string place;  // "file:line:column"
};

// A group for one combination of argument types; its parameters are the first slots of its frame.
struct GroupOp {
  std::string name;
  uint32_t parameters = 0;
  uint32_t slots = 0;
  uint32_t base = kNoGroup;  // the group that it extends, for the same types: runs first
  std::vector<RuleOp> rules;
};

// Types of R4 that literals and transforms make.
struct CommonTypes {
  const fhir::TypeDef* string_type = nullptr;
  const fhir::TypeDef* boolean_type = nullptr;
  const fhir::TypeDef* integer_type = nullptr;
  const fhir::TypeDef* decimal_type = nullptr;
  const fhir::TypeDef* date_type = nullptr;
  const fhir::TypeDef* date_time_type = nullptr;
  const fhir::TypeDef* time_type = nullptr;
  const fhir::TypeDef* code_type = nullptr;
  const fhir::TypeDef* uri_type = nullptr;
  const fhir::TypeDef* coding = nullptr;
  const fhir::TypeDef* codeable_concept = nullptr;
  const fhir::TypeDef* quantity = nullptr;
  const fhir::TypeDef* identifier = nullptr;
  const fhir::TypeDef* contact_point = nullptr;
  const fhir::TypeDef* reference = nullptr;
};

struct Program {
  struct Entry {
    uint32_t group = kNoGroup;
    const fhir::TypeDef* source = nullptr;
    const fhir::TypeDef* target = nullptr;
  };
  const fhir::Definitions* definitions = nullptr;
  CommonTypes types;
  std::vector<GroupOp> groups;
  std::map<std::string, Entry, std::less<>> entries;  // by the map's url
  std::vector<std::unique_ptr<PathOp>> paths;         // owned here: addresses stay
  std::vector<std::unique_ptr<CodeTable>> code_tables;
  std::vector<FeedTable> feed_tables;
};

}  // namespace gw::map
