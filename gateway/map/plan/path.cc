#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "gateway/map/plan/path_internal.h"

namespace gw::map {
namespace {

using Kind = FmlToken::Kind;

template <size_t N>
bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 10> kOperators = {"and", "or", "xor", "implies",  "div",
                                                         "mod", "is", "as",  "contains", "in"};
// Functions whose argument is evaluated for each item of their input.
constexpr std::array<std::string_view, 8> kItemFunctions = {
    "where", "select", "all", "exists", "repeat", "aggregate", "trace", "sort"};
// Functions that give items of their input.
constexpr std::array<std::string_view, 10> kSameType = {
    "where", "first", "last", "tail", "skip", "take", "single", "distinct", "trace", "exclude"};
// Functions that give the items of their input and those of their argument.
constexpr std::array<std::string_view, 2> kJoins = {"combine", "union"};
// Functions that ask whether there are items, not what they say.
constexpr std::array<std::string_view, 4> kPresence = {"exists", "empty", "count", "hasValue"};
constexpr std::array<std::string_view, 3> kTypeFunctions = {"ofType", "as", "is"};
// What %name means to FHIRPath itself.
constexpr std::array<std::string_view, 6> kEnvironment = {"resource", "rootResource", "context",
                                                          "ucum",     "sct",          "loinc"};

// Names that the FHIRPath engine reads as literals before it looks for a variable.
bool IsEngineLiteral(std::string_view name) {
  return name == "ucum" || name == "sct" || name == "loinc" || name.starts_with("vs-") ||
         name.starts_with("ext-");
}

// The name by which the engine knows a variable of the map: the map's own always wins. %resource,
// %rootResource and %context give way to variables by themselves; a literal does not, so its
// namesake goes by a name that no variable can have.
std::string EngineName(const std::string& name) {
  return IsEngineLiteral(name) ? name + "'" : name;
}

Step ByName(std::string name) {
  return {
      .kind = Step::Kind::kByName, .owner = nullptr, .element = nullptr, .name = std::move(name)};
}

}  // namespace

Error PathCompiler::Fail(size_t offset, std::string detail) const {
  FmlPlace place = path_.place;
  for (size_t i = 0; i < std::min(offset, path_.text.size()); ++i) {
    const char c = path_.text[i];
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++place.column;
    }
  }
  return Error{
      .code = Code::kInvalid, .detail = std::move(detail), .where = FmlWhere(file_, place)};
}

void PathCompiler::Change(size_t at, size_t erased, std::string inserted) {
  edits_.push_back({at, erased, std::move(inserted)});
}

std::string PathCompiler::Edited() const {
  std::string out;
  size_t at = 0;
  for (const Edit& edit : edits_) {
    out.append(path_.text, at, edit.at - at);
    out += edit.inserted;
    at = edit.at + edit.erased;
  }
  return out.append(path_.text, at);
}

size_t PathCompiler::OriginalOffset(size_t edited_offset) const {
  size_t shift = 0;  // inserted minus erased so far, modulo the size of size_t
  for (const Edit& edit : edits_) {
    if (edit.at + shift >= edited_offset) {
      break;
    }
    shift += edit.inserted.size() - edit.erased;
  }
  return edited_offset - shift;
}

// An error of the FHIRPath engine, whose place is "line L, column C" of the edited expression.
Error PathCompiler::Relocate(const Error& error, const std::string& edited) const {
  unsigned line = 1;
  unsigned column = 1;
  if (std::sscanf(error.where.c_str(), "line %u, column %u", &line, &column) != 2) {
    return Fail(0, "FHIRPath: " + error.detail);
  }
  size_t offset = 0;
  for (; line > 1 && offset < edited.size(); ++offset) {
    line -= edited[offset] == '\n' ? 1U : 0U;
  }
  return Fail(OriginalOffset(offset + column - 1), "FHIRPath: " + error.detail);
}

// The variable that is named from `at` on, with or without its %.
PathCompiler::Operand PathCompiler::Use(const Scope::Variable& variable, size_t at, size_t end) {
  const std::string name = EngineName(variable.name);
  auto known = std::find_if(variables_.begin(), variables_.end(),
                            [&name](const PathOp::Variable& v) { return v.name == name; });
  if (known == variables_.end()) {
    const auto reading = static_cast<uint16_t>(readings_.size());
    readings_.emplace_back();
    known =
        variables_.insert(variables_.end(), {name, variable.slot, !variable.is_target, reading});
  }
  if (name != variable.name) {
    Change(at, end - at, "%`" + name + "`");
  } else if (path_.text[at] != '%') {
    Change(at, 0, "%");
  }
  return {variable.type, {known->reading}};
}

// Where a step leads from what an operand stands for.
std::vector<uint16_t> PathCompiler::Below(const Operand& of, const Step& step,
                                          std::string_view url) {
  std::vector<uint16_t> found;
  for (const uint16_t parent : of.readings) {
    const auto& below = readings_[parent].below;
    const auto known = std::find_if(below.begin(), below.end(), [&](uint16_t index) {
      const PathOp::Reading& reading = readings_[index];
      return reading.step.kind == step.kind && reading.step.name == step.name && reading.url == url;
    });
    if (known != below.end()) {
      found.push_back(*known);
      continue;
    }
    found.push_back(static_cast<uint16_t>(readings_.size()));
    readings_[parent].below.push_back(found.back());
    PathOp::Reading& added = readings_.emplace_back();
    added.step = step;
    added.url = url;
  }
  return found;
}

void PathCompiler::Read(const Operand& operand) {
  for (const uint16_t index : operand.readings) {
    readings_[index].is_read = true;
  }
}

// %name
Result<PathCompiler::Operand> PathCompiler::Variable() {
  const size_t percent = Now().begin;
  ++at_;
  if (Now().kind != Kind::kIdentifier && Now().kind != Kind::kString) {
    return Fail(percent, "expected the name of a variable after %");
  }
  const FmlToken& name = Now();
  ++at_;
  if (const Scope::Variable* variable = scope_.Find(name.text, false); variable != nullptr) {
    return Use(*variable, percent, name.end);
  }
  const auto constant = std::find_if(constants_.begin(), constants_.end(),
                                     [&name](const FmlConstant& c) { return c.name == name.text; });
  if (constant != constants_.end()) {
    Change(percent, name.end - percent, "(" + constant->value.text + ")");
    return Operand();
  }
  const bool is_environment = IsOneOf(name.text, kEnvironment) || name.text.starts_with("vs-") ||
                              name.text.starts_with("ext-");
  if (!is_environment) {
    return Fail(percent, "there is no variable '" + std::string(name.text) + "'");
  }
  return Operand();
}

void PathCompiler::ReadAll(const Operand& operand) {
  for (const uint16_t index : operand.readings) {
    readings_[index].is_deep = true;
  }
}

// The element that stands at the cursor, of a value of type `of`.
Result<PathCompiler::Operand> PathCompiler::Element(const Operand& of, bool is_head) {
  const FmlToken& token = Now();
  Navigation navigation;
  if (!Navigate(of.type, token.text, definitions_, &navigation)) {
    return Fail(token.begin,
                Describe(of.type) + " has no element '" + std::string(token.text) + "'");
  }
  ++at_;
  if (navigation.step.kind == Step::Kind::kValue) {
    const size_t dot = is_head ? token.begin : tokens_.list[at_ - 2].begin;
    Change(dot, token.end - dot, is_head ? "$this" : "");
    return Operand{navigation.type, of.readings};
  }
  if (navigation.filter != nullptr && navigation.step.element->choice) {
    Change(token.begin, token.end - token.begin,
           navigation.step.name + ".ofType(" + std::string(navigation.filter->name()) + ")");
  }
  return Operand{navigation.type, Below(of, navigation.step)};
}

// A name at the beginning of a path: a function, an element of the focus, a variable without its %,
// or the type of the focus.
Result<PathCompiler::Operand> PathCompiler::Name(const Focus& focus) {
  const FmlToken& token = Now();
  if (Ahead().Is("(")) {
    return Call(focus, focus.operand);
  }
  if (token.IsWord("true") || token.IsWord("false")) {
    ++at_;
    return Operand();
  }
  Navigation navigation;
  const StaticType& type = focus.operand.type;
  const bool is_typed = type.type != nullptr || type.choice != nullptr;
  const bool is_element = focus.exists && Navigate(type, token.text, definitions_, &navigation);
  if (is_element && (is_typed || focus.is_item)) {
    return Element(focus.operand, true);
  }
  if (const Scope::Variable* variable = scope_.Find(token.text, false); variable != nullptr) {
    ++at_;
    return Use(*variable, token.begin, token.end);
  }
  const auto constant =
      std::find_if(constants_.begin(), constants_.end(),
                   [&token](const FmlConstant& c) { return c.name == token.text; });
  if (constant != constants_.end()) {
    Change(token.begin, token.end - token.begin, "(" + constant->value.text + ")");
    ++at_;
    return Operand();
  }
  if (is_element) {
    return Element(focus.operand, true);
  }
  if (type.type != nullptr && type.type->Is(token.text)) {
    ++at_;
    return focus.operand;
  }
  if (focus.exists && !focus.is_item && !own_name_.empty() && token.text == own_name_) {
    Change(token.begin, token.end - token.begin, "$this");
    ++at_;
    return focus.operand;
  }
  return Fail(token.begin, focus.exists
                               ? Describe(type) + " has no element '" + std::string(token.text) +
                                     "', and there is no such variable"
                               : "there is no variable '" + std::string(token.text) + "'");
}

// What stands after a point.
Result<PathCompiler::Operand> PathCompiler::Member(const Focus& focus, const Operand& of) {
  if (Now().kind != Kind::kIdentifier) {
    if (Now().kind == Kind::kSpecial) {
      ++at_;
      return Operand();
    }
    return Fail(Now().begin, "expected the name of an element or a function");
  }
  return Ahead().Is("(") ? Call(focus, of) : Element(of, false);
}

// A function with its arguments. Its input is read, unless what comes out is the input's own items,
// or only whether there are any.
Result<PathCompiler::Operand> PathCompiler::Call(const Focus& focus, const Operand& input) {
  const std::string name(Now().text);
  at_ += 2;
  Operand result;
  if (IsOneOf(name, kTypeFunctions)) {
    const fhir::TypeDef* type = nullptr;
    while (!Now().Is(")") && Now().kind != Kind::kEnd) {
      type = definitions_.Find(Now().text);
      ++at_;
    }
    if (name != "is") {
      result = {{type, nullptr}, input.readings};
    }
  } else if (name == "extension" && Now().kind == Kind::kString) {
    result = {{definitions_.Find("Extension"), nullptr}, Below(input, ByName(name), Now().text)};
    Read({StaticType(), Below(result, ByName("url"))});
    GW_RETURN_IF_ERROR(Walk(focus));
  } else if (IsOneOf(name, kItemFunctions)) {
    GW_TRY(result, CallOnItems(name, input));
  } else {
    Focus inside = focus;
    inside.operand.type = name == "iif" ? StaticType() : focus.operand.type;
    GW_TRY(const Operand argument, Walk(inside));
    if (IsOneOf(name, kJoins)) {
      result.readings = input.readings;
      result.readings.insert(result.readings.end(), argument.readings.begin(),
                             argument.readings.end());
    } else {
      Read(argument);
      if (IsOneOf(name, kSameType)) {
        result = input;
      } else if (name == "children") {
        result.readings = Below(input, Step());
      } else if (name == "descendants") {
        ReadAll(input);
      } else if (!IsOneOf(name, kPresence)) {
        Read(input);
      }
    }
  }
  at_ += Now().Is(")") ? 1U : 0U;
  return result;
}

// A function whose argument is evaluated for each item of its input.
Result<PathCompiler::Operand> PathCompiler::CallOnItems(const std::string& name,
                                                        const Operand& input) {
  GW_TRY(Operand argument, Walk({.exists = true, .is_item = true, .operand = input}));
  if (name == "select") {
    return argument;
  }
  Read(argument);
  if (name == "repeat") {
    ReadAll(input);
  }
  return IsOneOf(name, kSameType) ? input : Operand();
}

Result<PathCompiler::Operand> PathCompiler::Bracket(const Focus& focus, const Operand& before) {
  const bool is_index = Now().Is("[");
  ++at_;
  GW_TRY(Operand inside, Walk(focus));
  at_ += Now().kind == Kind::kEnd ? 0U : 1U;
  if (!is_index) {
    return inside;
  }
  Read(inside);
  return before;
}

// Steps over an operator word, and over the type that `is` and `as` take.
bool PathCompiler::IsOperator(bool after_operand) {
  if (!after_operand || Now().quoted || !IsOneOf(Now().text, kOperators)) {
    return false;
  }
  const bool takes_type = Now().text == "is" || Now().text == "as";
  ++at_;
  while (takes_type && (Now().kind == Kind::kIdentifier || Now().Is("."))) {
    const bool goes_on = Ahead().Is(".") || Now().Is(".");
    ++at_;
    if (!goes_on) {
      break;
    }
  }
  return true;
}

// Reads tokens up to a closing bracket or the end. The result is what was read where it is one
// path, or a union of paths; its type is unknown otherwise, and what it stands for is read.
Result<PathCompiler::Operand> PathCompiler::Walk(const Focus& focus) {
  Operand current;
  std::vector<uint16_t> joined;  // left of |
  bool after_operand = false;
  bool is_one_path = true;
  bool is_union = true;
  while (Now().kind != Kind::kEnd && !Now().Is(")") && !Now().Is("]") && !Now().Is("}")) {
    const FmlToken& token = Now();
    if (token.kind == Kind::kIdentifier && IsOperator(after_operand)) {
      const bool is_typed = tokens_.list[at_ - 1].kind == Kind::kIdentifier &&
                            !IsOneOf(tokens_.list[at_ - 1].text, kOperators);
      after_operand = is_typed;
      is_one_path = false;
      current.type = StaticType();
      if (!is_typed) {
        is_union = false;
        Read(std::exchange(current, {}));
      }
    } else if (token.Is(".")) {
      ++at_;
      GW_TRY(current, Member(focus, current));
      after_operand = true;
    } else if (token.Is("(") || token.Is("[") || token.Is("{")) {
      GW_TRY(current, Bracket(focus, current));
      after_operand = true;
    } else if (token.Is("%")) {
      GW_TRY(current, Variable());
      after_operand = true;
    } else if (token.kind == Kind::kIdentifier && !after_operand) {
      GW_TRY(current, Name(focus));
      after_operand = true;
    } else if (token.Is("|")) {
      joined.insert(joined.end(), current.readings.begin(), current.readings.end());
      current = Operand();
      after_operand = is_one_path = false;
      ++at_;
    } else if (token.kind == Kind::kSymbol) {  // an operator: the next operand begins
      Read(std::exchange(current, {}));
      after_operand = is_one_path = is_union = false;
      ++at_;
    } else {  // a literal with its unit, or $this
      current = token.kind == Kind::kSpecial && token.text == "this" ? focus.operand : Operand();
      after_operand = true;
      ++at_;
    }
  }
  current.readings.insert(current.readings.end(), joined.begin(), joined.end());
  if (!is_union) {
    Read(std::exchange(current, {}));
  }
  return Operand{is_one_path ? current.type : StaticType(), current.readings};
}

Result<std::unique_ptr<PathOp>> PathCompiler::Compile(const FmlPath& path, const StaticType* focus,
                                                      std::string_view own_name) {
  path_ = path;  // what the tokens view
  own_name_ = std::string(own_name);
  auto tokens = LexFml(file_, path_.text);
  if (!tokens) {
    return Fail(0, tokens.error().detail);
  }
  tokens_ = *std::move(tokens);
  Focus start;
  if (focus != nullptr) {
    start = {.exists = true, .is_item = false, .operand = {*focus, {0}}};
  }
  while (Now().kind != Kind::kEnd) {
    GW_TRY(const Operand whole, Walk(start));
    Read(whole);
    at_ += Now().kind == Kind::kEnd ? 0U : 1U;
  }
  const std::string edited = Edited();
  auto compiled = fhir::path::Expression::Compile(edited, definitions_, fhir::path::Mode::kLenient);
  if (!compiled) {
    return Relocate(compiled.error(), edited);
  }
  auto op = std::make_unique<PathOp>(*std::move(compiled));
  op->variables = std::move(variables_);
  op->readings = std::move(readings_);
  op->is_literal = tokens_.list.size() == 2 && tokens_.list[0].kind == Kind::kString;
  op->text = op->is_literal ? std::string(tokens_.list[0].text) : path.text;
  return op;
}

}  // namespace gw::map
