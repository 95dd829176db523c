#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/fhir/path/path.h"
#include "gateway/fhir/path/regex_internal.h"

namespace gw::fhir::path {

class Evaluator;
struct Node;

// The items [begin, end) of the evaluator's stack. Indices, not pointers: the stack may move.
struct Range {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
};

// A function of FHIRPath. Its input is `input`, on top of the stack; it pushes its result above and
// leaves the input in place. False: an error is set in the evaluator. Null for a function that has
// a Shape of its own.
using FunctionBody = bool (*)(Evaluator& evaluator, const Node& node, Range input);

struct FunctionSpec {
  std::string_view name;
  uint8_t arguments_min;
  uint8_t arguments_max;
  // Arguments are evaluated by the function, once an item, with $this bound to it. Otherwise they
  // are evaluated with the $this of the call.
  bool lambda;
  FunctionBody body;
};
// The functions of one area; each functions_*.cc holds one table.
std::span<const FunctionSpec> ExistenceFunctions();
std::span<const FunctionSpec> FilteringFunctions();
std::span<const FunctionSpec> CollectionFunctions();
std::span<const FunctionSpec> ConversionFunctions();
std::span<const FunctionSpec> StringFunctions();
std::span<const FunctionSpec> EncodingFunctions();
std::span<const FunctionSpec> MathFunctions();
std::span<const FunctionSpec> TreeFunctions();
std::span<const FunctionSpec> FhirFunctions();
const FunctionSpec* FindFunction(std::string_view name);  // null if there is none

// A type as an expression names it: Patient, FHIR.Patient, System.String.
struct TypeName {
  std::string_view space;  // "FHIR", "System" or empty
  std::string_view name;
  const TypeDef* fhir = nullptr;  // null where R4 has no such type
  bool system = false;            // names a System type
  Value::Kind system_kind = Value::Kind::kElement;
};

enum class Operation : uint8_t {
  kLiteral,
  kLiterals,  // a union of literals alone, made when it is compiled
  kEmpty,     // {}
  kThis,
  kIndex,
  kTotal,
  kVariable,
  kMember,
  kFunction,
  kIndexer,
  kNegate,
  kPlus,  // unary
  kMultiply,
  kDivide,
  kDiv,
  kMod,
  kAdd,
  kSubtract,
  kConcatenate,
  kIs,
  kAs,
  kUnion,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kEqual,
  kNotEqual,
  kEquivalent,
  kNotEquivalent,
  kIn,
  kContains,
  kAnd,
  kOr,
  kXor,
  kImplies
};

// How the value of an operation is found. Most of a condition is decided, and most of a path is
// walked, without its collections ever standing on the stack (evaluator_walk.cc).
enum class Shape : uint8_t {
  kMade,  // on the stack
  // Decided: at most one boolean.
  kLogic,    // and, or, xor, implies
  kExists,   // exists() without a criterion
  kIsEmpty,  // empty()
  kNot,
  kEquality,    // = or != with a literal on the right
  kMembership,  // in, with literals or what is walked on the right
  // Walked: its items are met one by one.
  kThis,
  kVariable,
  kLiterals,
  kMember,
  kWhere,
  kFirst,
};

// One operation of a compiled expression. Lives in the program's arena.
struct Node {
  Operation operation = Operation::kEmpty;
  Shape shape = Shape::kMade;
  // kMember at the start of a path that names an R4 type: kept where the focus is of that type.
  bool may_be_type = false;
  // kMember in strict mode: an item whose type lacks the element is an error.
  bool checked = false;
  bool varies = false;  // its value depends on $this
  bool leaks = false;   // it, or a part of it, uses $index or $total, which reach into lambdas
  bool walks = false;   // it, or a part of it, visits a whole tree
  uint16_t depth = 1;
  uint32_t offset = 0;        // of its place in the text
  uint32_t source_begin = 0;  // the text it was parsed from
  uint32_t source_end = 0;
  // What it is applied to: the receiver of a member, function or indexer (null: $this), the left
  // operand, the operand of a unary one.
  Node* left = nullptr;
  Node* right = nullptr;  // right operand, index
  std::span<Node* const> arguments;
  const FunctionSpec* function = nullptr;
  bool is_decided() const { return shape > Shape::kMade && shape < Shape::kThis; }
  bool is_walked() const { return shape >= Shape::kThis; }
  std::string_view name;            // of a member, variable or function
  Value literal;                    // kLiteral
  std::span<const Value> literals;  // kLiterals
  const TypeName* type = nullptr;   // kIs, kAs, and the functions is, as, ofType
  const TypeDef* focus = nullptr;   // may_be_type: the R4 type of that name, null if there is none
  const Regex* regex = nullptr;     // matches() and the like with a literal pattern
  int32_t memo = -1;                // slot of a value that is the same wherever it stands, -1: none
  // kMember that is met by its name alone: the names from `base` down to this one; else empty.
  std::span<const std::string_view> path;
  const Node* base = nullptr;  // null: $this
};

struct Expression::Program {
  Arena arena;  // nodes and literals
  std::string text;
  Mode mode = Mode::kLenient;
  const Node* root = nullptr;
  int32_t memo_slots = 0;
  std::deque<std::vector<Node*>> arguments;  // of its functions; a deque keeps their places
  std::deque<Regex> regexes;
  std::deque<std::vector<Value>> literals;  // of its unions
  std::deque<std::vector<std::string_view>> paths;
};

// "line 1, column 9" of an offset.
std::string PlaceOf(std::string_view text, size_t offset);

// After parsing: what strict mode refuses without a focus, which members it checks while
// evaluating, and which subexpressions are worth remembering (they walk a whole tree and do not
// depend on $this).
Status Analyse(Expression::Program* program, Node* root);

}  // namespace gw::fhir::path
