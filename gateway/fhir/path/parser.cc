#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "gateway/fhir/path/lexer_internal.h"
#include "gateway/fhir/path/node_internal.h"

namespace gw::fhir::path {
namespace {

// Nodes from a leaf to the root: the evaluator's recursion is bounded by it.
constexpr uint16_t kDepthMax = 250;
constexpr size_t kTextMax = size_t{64} << 10U;

struct BinaryOperator {
  std::string_view symbol;
  int precedence;
  Operation operation;
};
// FHIRPath 2.0, 6.8: the higher binds tighter.
constexpr std::array<BinaryOperator, 24> kBinaryOperators = {{
    {"*", 10, Operation::kMultiply},    {"/", 10, Operation::kDivide},
    {"div", 10, Operation::kDiv},       {"mod", 10, Operation::kMod},
    {"+", 9, Operation::kAdd},          {"-", 9, Operation::kSubtract},
    {"&", 9, Operation::kConcatenate},  {"is", 8, Operation::kIs},
    {"as", 8, Operation::kAs},          {"|", 7, Operation::kUnion},
    {"<=", 6, Operation::kLessOrEqual}, {"<", 6, Operation::kLess},
    {">", 6, Operation::kGreater},      {">=", 6, Operation::kGreaterOrEqual},
    {"=", 5, Operation::kEqual},        {"~", 5, Operation::kEquivalent},
    {"!=", 5, Operation::kNotEqual},    {"!~", 5, Operation::kNotEquivalent},
    {"in", 4, Operation::kIn},          {"contains", 4, Operation::kContains},
    {"and", 3, Operation::kAnd},        {"or", 2, Operation::kOr},
    {"xor", 2, Operation::kXor},        {"implies", 1, Operation::kImplies},
}};

constexpr std::array<std::string_view, 16> kCalendarWords = {
    "year", "years", "month",  "months",  "week",   "weeks",   "day",         "days",
    "hour", "hours", "minute", "minutes", "second", "seconds", "millisecond", "milliseconds"};

struct SystemType {
  std::string_view name;
  Value::Kind kind;
};
constexpr std::array<SystemType, 8> kSystemTypes = {{
    {"Boolean", Value::Kind::kBoolean},
    {"Integer", Value::Kind::kInteger},
    {"Decimal", Value::Kind::kDecimal},
    {"String", Value::Kind::kString},
    {"Date", Value::Kind::kDate},
    {"DateTime", Value::Kind::kDateTime},
    {"Time", Value::Kind::kTime},
    {"Quantity", Value::Kind::kQuantity},
}};

const BinaryOperator* FindOperator(const Token& token) {
  if (token.kind != TokenKind::kSymbol && token.kind != TokenKind::kWord) {
    return nullptr;
  }
  const auto* found =
      std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                   [&token](const BinaryOperator& entry) { return entry.symbol == token.text; });
  return found == kBinaryOperators.end() ? nullptr : found;
}

bool TakesType(std::string_view function) {
  return function == "is" || function == "as" || function == "ofType";
}

bool TakesPattern(std::string_view function) {
  return function == "matches" || function == "matchesFull" || function == "replaceMatches";
}

class Parser {
 public:
  Parser(Expression::Program* program, const Definitions& definitions)
      : program_(program),
        definitions_(definitions),
        lexer_(program->text, &program->arena, program->mode) {}

  Result<Node*> Parse() {
    GW_RETURN_IF_ERROR(Advance());
    GW_TRY(Node * root, Binary(1, 0));
    if (token_.kind != TokenKind::kEnd) {
      return Refuse("an operator or the end was expected");
    }
    return root;
  }

 private:
  Error Refuse(std::string_view detail) const {
    return Error{Code::kInvalid, std::string(detail), PlaceOf(program_->text, token_.begin)};
  }

  Status Advance() {
    last_end_ = token_.end;
    GW_TRY(token_, lexer_.Next());
    return {};
  }

  bool IsSymbol(std::string_view symbol) const {
    return token_.kind == TokenKind::kSymbol && token_.text == symbol;
  }

  Status Expect(std::string_view symbol) {
    if (!IsSymbol(symbol)) {
      return Refuse(std::string(symbol) + " was expected");
    }
    return Advance();
  }

  Node* New(Operation operation, const Token& at) {
    Node* node = program_->arena.New<Node>();
    node->operation = operation;
    node->offset = at.begin;
    node->source_begin = at.begin;
    return node;
  }

  // Fixes source range and depth once all parts are in.
  Result<Node*> Finish(Node* node) {
    uint16_t depth = 0;
    const auto take = [&depth](const Node* part) {
      depth = part == nullptr ? depth : std::max(depth, part->depth);
    };
    take(node->left);
    take(node->right);
    std::for_each(node->arguments.begin(), node->arguments.end(), take);
    node->depth = static_cast<uint16_t>(depth + 1);
    node->source_end = last_end_;
    if (node->left != nullptr) {
      node->source_begin = std::min(node->source_begin, node->left->source_begin);
    }
    if (node->depth > kDepthMax) {
      return Refuse("the expression is nested too deeply");
    }
    return node;
  }

  Result<Node*> Binary(int lowest, int nesting) {
    if (nesting > kDepthMax) {
      return Refuse("the expression is nested too deeply");
    }
    GW_TRY(Node * left, Unary(nesting));
    for (const BinaryOperator* found = FindOperator(token_);
         found != nullptr && found->precedence >= lowest; found = FindOperator(token_)) {
      Node* node = New(found->operation, token_);
      node->left = left;
      GW_RETURN_IF_ERROR(Advance());
      if (found->operation == Operation::kIs || found->operation == Operation::kAs) {
        GW_TRY(node->type, Type());
      } else {
        GW_TRY(node->right, Binary(found->precedence + 1, nesting + 1));
      }
      GW_TRY(left, Finish(node));
    }
    return left;
  }

  Result<Node*> Unary(int nesting) {
    if (!IsSymbol("-") && !IsSymbol("+")) {
      GW_TRY(Node * term, Term(nesting));
      return Postfix(term, nesting);
    }
    if (nesting > kDepthMax) {
      return Refuse("the expression is nested too deeply");
    }
    Node* node = New(IsSymbol("-") ? Operation::kNegate : Operation::kPlus, token_);
    GW_RETURN_IF_ERROR(Advance());
    GW_TRY(node->left, Unary(nesting + 1));
    return Finish(node);
  }

  Result<Node*> Postfix(Node* node, int nesting) {
    while (IsSymbol(".") || IsSymbol("[")) {
      GW_TRY(node, IsSymbol("[") ? Index(node, nesting) : Invocation(node, nesting));
    }
    return node;
  }

  Result<Node*> Index(Node* receiver, int nesting) {
    Node* indexer = New(Operation::kIndexer, token_);
    indexer->left = receiver;
    GW_RETURN_IF_ERROR(Advance());
    GW_TRY(indexer->right, Binary(1, nesting + 1));
    GW_RETURN_IF_ERROR(Expect("]"));
    return Finish(indexer);
  }

  Result<Node*> Invocation(Node* receiver, int nesting) {
    GW_RETURN_IF_ERROR(Advance());
    if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kDelimited) {
      return Refuse("a name was expected");
    }
    return Name(receiver, nesting);
  }

  // A member or a function, applied to `receiver` (null: $this).
  Result<Node*> Name(Node* receiver, int nesting) {
    const Token name = token_;
    GW_RETURN_IF_ERROR(Advance());
    const bool is_function = IsSymbol("(") && name.kind == TokenKind::kWord;
    Node* node = New(is_function ? Operation::kFunction : Operation::kMember, name);
    node->name = name.text;
    node->left = receiver;
    if (!is_function) {
      const char first = name.text.empty() ? '\0' : name.text.front();
      node->may_be_type = receiver == nullptr && first >= 'A' && first <= 'Z';
      node->focus = node->may_be_type ? definitions_.Find(name.text) : nullptr;
      return Finish(node);
    }
    node->function = FindFunction(name.text);
    if (node->function == nullptr) {
      return Error{Code::kInvalid, "there is no function of this name",
                   PlaceOf(program_->text, name.begin)};
    }
    GW_RETURN_IF_ERROR(Advance());
    if (TakesType(name.text)) {
      GW_TRY(node->type, Type());
    } else {
      GW_RETURN_IF_ERROR(Arguments(node, nesting));
    }
    GW_RETURN_IF_ERROR(Expect(")"));
    return Finish(node);
  }

  Status Arguments(Node* node, int nesting) {
    std::vector<Node*> arguments;
    while (!IsSymbol(")")) {
      const Status separated = arguments.empty() ? Status() : Expect(",");
      GW_RETURN_IF_ERROR(separated);
      GW_TRY(Node * argument, Binary(1, nesting + 1));
      arguments.push_back(argument);
    }
    if (arguments.size() < node->function->arguments_min ||
        arguments.size() > node->function->arguments_max) {
      return Error{Code::kInvalid, "wrong number of arguments",
                   PlaceOf(program_->text, node->offset)};
    }
    program_->arguments.push_back(std::move(arguments));
    node->arguments = program_->arguments.back();
    return Pattern(node);
  }

  // A pattern that is a literal is compiled once, here.
  Status Pattern(Node* node) {
    if (!TakesPattern(node->name) || node->arguments[0]->operation != Operation::kLiteral ||
        node->arguments[0]->literal.kind() != Value::Kind::kString) {
      return {};
    }
    std::optional<Regex> regex = Regex::Compile(node->arguments[0]->literal.text());
    if (!regex) {
      return Error{Code::kInvalid, "not a regular expression that is offered",
                   PlaceOf(program_->text, node->arguments[0]->offset)};
    }
    program_->regexes.push_back(*std::move(regex));
    node->regex = &program_->regexes.back();
    return {};
  }

  Result<Node*> Term(int nesting) {
    switch (token_.kind) {
      case TokenKind::kSymbol:
        return Bracket(nesting);
      case TokenKind::kWord:
        if (token_.text == "true" || token_.text == "false") {
          return Literal(Value::Boolean(token_.text == "true"));
        }
        return Name(nullptr, nesting);
      case TokenKind::kDelimited:
        return Name(nullptr, nesting);
      case TokenKind::kString:
        return Literal(Value::Of(Value::Kind::kString, token_.text));
      case TokenKind::kNumber:
        return Number();
      case TokenKind::kDate:
        return Literal(Value::Of(Value::Kind::kDate, token_.text));
      case TokenKind::kDateTime:
        return Literal(Value::Of(Value::Kind::kDateTime, token_.text));
      case TokenKind::kTime:
        return Literal(Value::Of(Value::Kind::kTime, token_.text));
      case TokenKind::kDollar:
        return Dollar();
      case TokenKind::kPercent:
        return Variable();
      case TokenKind::kEnd:
        break;
    }
    return Refuse("the expression ends too early");
  }

  Result<Node*> Literal(Value value) {
    Node* node = New(Operation::kLiteral, token_);
    node->literal = value;
    GW_RETURN_IF_ERROR(Advance());
    return Finish(node);
  }

  Result<Node*> Bracket(int nesting) {
    if (IsSymbol("(")) {
      GW_RETURN_IF_ERROR(Advance());
      GW_TRY(Node * inner, Binary(1, nesting + 1));
      GW_RETURN_IF_ERROR(Expect(")"));
      return inner;
    }
    if (IsSymbol("{")) {
      Node* node = New(Operation::kEmpty, token_);
      GW_RETURN_IF_ERROR(Advance());
      GW_RETURN_IF_ERROR(Expect("}"));
      return Finish(node);
    }
    return Refuse("a value, a name or a bracket was expected");
  }

  Result<Node*> Number() {
    const Token number = token_;
    Node* node = New(Operation::kLiteral, number);
    GW_RETURN_IF_ERROR(Advance());
    const bool calendar = token_.kind == TokenKind::kWord &&
                          std::find(kCalendarWords.begin(), kCalendarWords.end(), token_.text) !=
                              kCalendarWords.end();
    if (token_.kind == TokenKind::kString || calendar) {
      node->literal = Value::Of(Value::Kind::kQuantity, number.text, token_.text);
      GW_RETURN_IF_ERROR(Advance());
    } else if (number.text.find('.') != std::string_view::npos) {
      node->literal = Value::Of(Value::Kind::kDecimal, number.text);
    } else {
      int64_t value = 0;
      const char* end = number.text.data() + number.text.size();
      if (std::from_chars(number.text.data(), end, value).ec != std::errc()) {
        return Error{Code::kInvalid, "an integer is out of range",
                     PlaceOf(program_->text, number.begin)};
      }
      node->literal = Value::Integer(value, &program_->arena);
    }
    return Finish(node);
  }

  Result<Node*> Dollar() {
    Operation operation = Operation::kThis;
    if (token_.text == "index") {
      operation = Operation::kIndex;
    } else if (token_.text == "total") {
      operation = Operation::kTotal;
    } else if (token_.text != "this") {
      return Refuse("$this, $index or $total was expected");
    }
    Node* node = New(operation, token_);
    GW_RETURN_IF_ERROR(Advance());
    return Finish(node);
  }

  // R4 fhirpath.html, "Variables": the ones with a fixed value are literals.
  Result<Node*> Variable() {
    std::string text;
    if (token_.text == "sct") {
      text = "http://snomed.info/sct";
    } else if (token_.text == "loinc") {
      text = "http://loinc.org";
    } else if (token_.text == "ucum") {
      text = "http://unitsofmeasure.org";
    } else if (token_.text.starts_with("vs-")) {
      text = "http://hl7.org/fhir/ValueSet/" + std::string(token_.text.substr(3));
    } else if (token_.text.starts_with("ext-")) {
      text = "http://hl7.org/fhir/StructureDefinition/" + std::string(token_.text.substr(4));
    } else if (token_.text.empty()) {
      return Refuse("a name was expected after %");
    }
    if (!text.empty()) {
      return Literal(Value::Of(Value::Kind::kString, program_->arena.Copy(text)));
    }
    Node* node = New(Operation::kVariable, token_);
    node->name = token_.text;
    GW_RETURN_IF_ERROR(Advance());
    return Finish(node);
  }

  // Patient, FHIR.Patient, System.String; each part may stand in back-ticks.
  Result<const TypeName*> Type() {
    TypeName* type = program_->arena.New<TypeName>();
    const Token first = token_;
    GW_TRY(type->name, TypePart());
    if (IsSymbol(".")) {
      GW_RETURN_IF_ERROR(Advance());
      type->space = type->name;
      GW_TRY(type->name, TypePart());
    }
    if (type->space != "System") {
      type->fhir = definitions_.Find(type->name);
    }
    if (type->space != "FHIR") {
      const auto* found =
          std::find_if(kSystemTypes.begin(), kSystemTypes.end(),
                       [type](const SystemType& entry) { return entry.name == type->name; });
      type->system = found != kSystemTypes.end();
      type->system_kind = type->system ? found->kind : Value::Kind::kElement;
    }
    // Lenient: the type may be one of a source model, or of another version of FHIR.
    const bool known = type->fhir != nullptr || type->system || type->space == "System" ||
                       (program_->mode == Mode::kLenient && type->space.empty());
    if (!known) {
      return Error{Code::kInvalid, "there is no type of this name",
                   PlaceOf(program_->text, first.begin)};
    }
    return static_cast<const TypeName*>(type);
  }

  Result<std::string_view> TypePart() {
    if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kDelimited) {
      return Refuse("the name of a type was expected");
    }
    const std::string_view name = token_.text;
    GW_RETURN_IF_ERROR(Advance());
    return name;
  }

  Expression::Program* program_;
  const Definitions& definitions_;
  Lexer lexer_;
  Token token_;
  uint32_t last_end_ = 0;
};

}  // namespace

Result<Expression> Expression::Compile(std::string_view text, const Definitions& definitions,
                                       Mode mode) {
  if (text.size() > kTextMax) {
    return Error{Code::kTooLarge, "the expression is too long", "line 1, column 1"};
  }
  auto program = std::make_unique<Program>();
  program->text = std::string(text);
  program->mode = mode;
  GW_TRY(Node * root, Parser(program.get(), definitions).Parse());
  GW_RETURN_IF_ERROR(Analyse(program.get(), root));
  program->root = root;
  return Expression(std::move(program));
}

Expression::Expression(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

}  // namespace gw::fhir::path
