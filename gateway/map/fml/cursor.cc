#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "gateway/map/fml/cursor_internal.h"

namespace gw::map {
namespace {

using Kind = FmlToken::Kind;

constexpr int kBracketsMax = 64;  // in each other, in one FHIRPath

// Words that stand between operands of FHIRPath, so that what follows them goes on with it.
constexpr std::array<std::string_view, 10> kOperatorWords = {"and", "or", "xor", "implies",  "div",
                                                             "mod", "is", "as",  "contains", "in"};

bool IsOperatorWord(std::string_view word) {
  return std::find(kOperatorWords.begin(), kOperatorWords.end(), word) != kOperatorWords.end();
}

bool EndsOperand(const FmlToken& token) {
  switch (token.kind) {
    case Kind::kIdentifier:
      return token.quoted || !IsOperatorWord(token.text);
    case Kind::kSymbol:
      return token.Is(")") || token.Is("]") || token.Is("}");
    default:
      return true;
  }
}

}  // namespace

const FmlToken& FmlCursor::Next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }

const FmlToken& FmlCursor::Take() { return Now().kind == Kind::kEnd ? Now() : tokens_[at_++]; }

bool FmlCursor::TakeIf(std::string_view symbol) {
  const bool is = Now().Is(symbol);
  at_ += is ? 1 : 0;
  return is;
}

bool FmlCursor::TakeWord(std::string_view word) {
  const bool is = Now().IsWord(word);
  at_ += is ? 1 : 0;
  return is;
}

std::string FmlCursor::TakeComments(size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) {
    FmlComments& comments = comments_[tokens_[i].comments];
    for (std::string* comment : {&comments.apart, &comments.above, &comments.beside}) {
      if (!comment->empty()) {
        text += text.empty() ? "" : "\n";
        text += std::exchange(*comment, {});
      }
    }
  }
  text.resize(text.find_last_not_of('\n') + 1);
  return text;
}

std::string FmlCursor::TakeApart() { return std::exchange(comments_[Now().comments].apart, {}); }

Error FmlCursor::Fail(std::string detail, FmlPlace place) const {
  return Error{
      .code = Code::kInvalid, .detail = std::move(detail), .where = FmlWhere(file_, place)};
}

Error FmlCursor::Expected(std::string_view what) const {
  const FmlToken& found = Now();
  std::string detail = "expected " + std::string(what) + ", found ";
  if (found.kind == Kind::kEnd) {
    detail += "the end of the file";
  } else {
    detail += "'" + std::string(text_.substr(found.begin, found.end - found.begin)) + "'";
  }
  return Fail(std::move(detail), found.place);
}

Status FmlCursor::Expect(std::string_view symbol) {
  if (!TakeIf(symbol)) {
    return Expected("'" + std::string(symbol) + "'");
  }
  return {};
}

Status FmlCursor::ExpectWord(std::string_view word) {
  if (!TakeWord(word)) {
    return Expected("'" + std::string(word) + "'");
  }
  return {};
}

// R4 delimits identifiers with double quotes, FHIRPath with back quotes.
Result<std::string> FmlCursor::Name(std::string_view what) {
  const bool is_delimited = Now().kind == Kind::kString && Now().quoted && !Now().text.empty();
  if (Now().kind != Kind::kIdentifier && !is_delimited) {
    return Expected(what);
  }
  return std::string(Take().text);
}

Result<std::string> FmlCursor::Text(std::string_view what) {
  if (Now().kind != Kind::kString) {
    return Expected(what);
  }
  return std::string(Take().text);
}

Result<std::string> FmlCursor::NameOrText(std::string_view what) {
  if (Now().kind != Kind::kString && Now().kind != Kind::kIdentifier) {
    return Expected(what);
  }
  return std::string(Take().text);
}

Result<std::string> FmlCursor::TypeName() {
  GW_TRY(std::string name, NameOrText("the name of a type"));
  while (Now().Is(".") && Next().kind == Kind::kIdentifier) {
    Take();
    name.append(".").append(Take().text);
  }
  return name;
}

Result<uint32_t> FmlCursor::Integer() {
  uint32_t value = 0;
  const std::string_view digits = Now().text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (Now().kind != Kind::kInteger || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return Expected("a whole number");
  }
  Take();
  return value;
}

Result<std::vector<FmlArgument>> FmlCursor::Arguments() {
  std::vector<FmlArgument> arguments;
  if (TakeIf(")")) {
    return arguments;
  }
  do {
    GW_TRY(FmlArgument argument, Argument());
    arguments.push_back(std::move(argument));
  } while (TakeIf(","));
  GW_RETURN_IF_ERROR(Expect(")"));
  return arguments;
}

Result<FmlArgument> FmlCursor::Argument() {
  if (Now().Is("(")) {
    return PathArgument();
  }
  if (Now().Is("%") && Next().kind == Kind::kIdentifier) {
    Take();  // %name is name
  }
  const bool boolean = Now().IsWord("true") || Now().IsWord("false");
  if (Now().kind != Kind::kIdentifier || boolean) {
    return Literal();
  }
  FmlArgument argument{
      .kind = FmlArgument::Kind::kVariable, .text = std::string(Now().text), .place = Now().place};
  const uint32_t begin = Now().begin;
  uint32_t end = Take().end;
  while (Now().Is(".") && Next().kind == Kind::kIdentifier) {
    argument.kind = FmlArgument::Kind::kPath;
    Take();
    end = Take().end;
  }
  if (argument.kind == FmlArgument::Kind::kPath) {
    argument.text = std::string(text_.substr(begin, end - begin));
  }
  return argument;
}

Result<FmlArgument> FmlCursor::Literal() {
  FmlArgument argument{.kind = FmlArgument::Kind::kString, .text = {}, .place = Now().place};
  const bool negative =
      Now().Is("-") && (Next().kind == Kind::kInteger || Next().kind == Kind::kDecimal);
  if (negative) {
    Take();
  }
  switch (Now().kind) {
    case Kind::kString:
      break;
    case Kind::kInteger:
      argument.kind = FmlArgument::Kind::kInteger;
      break;
    case Kind::kDecimal:
      argument.kind = FmlArgument::Kind::kDecimal;
      break;
    case Kind::kDate:
      argument.kind = FmlArgument::Kind::kDate;
      break;
    default:
      if (!Now().IsWord("true") && !Now().IsWord("false")) {
        return Expected("a literal, a variable or '('");
      }
      argument.kind = FmlArgument::Kind::kBoolean;
  }
  argument.text = negative ? "-" : "";
  argument.text += Take().text;
  return argument;
}

// [ index ], .name or .function(...)
Status FmlCursor::Postfix() {
  if (Take().Is("[")) {
    GW_RETURN_IF_ERROR(Path());
    return Expect("]");
  }
  GW_RETURN_IF_ERROR(Name("the name of an element or a function"));
  if (!TakeIf("(") || TakeIf(")")) {
    return {};
  }
  do {
    GW_RETURN_IF_ERROR(Path());
  } while (TakeIf(","));
  return Expect(")");
}

Result<FmlArgument> FmlCursor::PathArgument() {
  const size_t begin = at_;
  GW_RETURN_IF_ERROR(Expect("("));
  GW_RETURN_IF_ERROR(Path());
  GW_RETURN_IF_ERROR(Expect(")"));
  while (Now().Is(".") || Now().Is("[")) {
    GW_RETURN_IF_ERROR(Postfix());
  }
  return FmlArgument{.kind = FmlArgument::Kind::kPath,
                     .text = PathText(begin, at_),
                     .place = tokens_[begin].place};
}

// Does the expression whose tokens stand before the current one end here?

bool FmlCursor::PathEnds(size_t begin, int depth) const {
  const FmlToken& now = Now();
  if (now.kind == Kind::kEnd || now.Is(";") || now.Is("->")) {
    return true;  // never part of a FHIRPath, closed or not
  }
  if (depth > 0) {
    return false;
  }
  if (now.Is(",") || now.Is(")") || now.Is("}") || now.Is("]")) {
    return true;
  }
  const bool word = now.IsWord("then") || now.IsWord("check") || now.IsWord("log");
  return at_ > begin && (word || now.kind == Kind::kString) && EndsOperand(tokens_[at_ - 1]);
}

Result<FmlPath> FmlCursor::Path() {
  const size_t begin = at_;
  int depth = 0;
  while (!PathEnds(begin, depth)) {
    const FmlToken& token = Take();
    if (token.Is("(") || token.Is("[") || token.Is("{")) {
      if (++depth > kBracketsMax) {
        return Fail("brackets stand too deep in each other", token.place);
      }
    } else if (token.Is(")") || token.Is("]") || token.Is("}")) {
      --depth;
    }
  }
  if (at_ == begin) {
    return Expected("a FHIRPath expression");
  }
  if (depth > 0) {
    return Expected("')' of the FHIRPath expression");
  }
  return FmlPath{.text = PathText(begin, at_), .place = tokens_[begin].place};
}

// The text of these tokens, comments blanked and double quotes made single ones, each character
// in its place; but an apostrophe between double quotes is escaped.
std::string FmlCursor::PathText(size_t begin, size_t end) const {
  const uint32_t first = tokens_[begin].begin;
  std::string out(text_.substr(first, tokens_[end - 1].end - first));
  for (size_t i = begin; i < end; ++i) {
    const FmlToken& token = tokens_[i];
    if (i + 1 < end) {
      for (uint32_t at = token.end; at < tokens_[i + 1].begin; ++at) {
        out[at - first] = out[at - first] == '\n' ? '\n' : ' ';
      }
    }
    if (token.kind == Kind::kString && token.quoted) {
      out[token.begin - first] = '\'';
      out[token.end - 1 - first] = '\'';
    }
  }
  for (size_t i = end; i-- > begin;) {  // from the end, so that places before it stay
    const FmlToken& token = tokens_[i];
    if (token.kind != Kind::kString || !token.quoted) {
      continue;
    }
    for (uint32_t at = token.end - 2; at > token.begin; --at) {
      if (text_[at] == '\'' && text_[at - 1] != '\\') {
        out.insert(at - first, 1, '\\');
      }
    }
  }
  return out;
}

}  // namespace gw::map
