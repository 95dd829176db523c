#include <array>
#include <charconv>

#include "gateway/base/utf8.h"
#include "gateway/fhir/path/datetime_internal.h"
#include "gateway/fhir/path/lexer_internal.h"
#include "gateway/fhir/path/node_internal.h"

namespace gw::fhir::path {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr std::array<std::string_view, 4> kTwoCharacterSymbols = {"<=", ">=", "!=", "!~"};
// The characters that may stand after a backslash, and what each means.
constexpr std::string_view kEscapes = "rntf\\/'\"`";
constexpr std::string_view kEscaped = "\r\n\t\f\\/'\"`";
constexpr std::string_view kSymbols = ".,()[]{}+-*/|&<>=~";

}  // namespace

std::string PlaceOf(std::string_view text, size_t offset) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : text.substr(0, offset)) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    column = c == '\n' ? 1 : column + (continues ? 0 : 1);
    line += c == '\n' ? 1 : 0;
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Error Lexer::Refuse(size_t offset, std::string_view detail) const {
  return Error{Code::kInvalid, std::string(detail), PlaceOf(text_, offset)};
}

Token Lexer::Make(TokenKind kind, size_t begin, size_t end) const {
  return {kind, text_.substr(begin, end - begin), static_cast<uint32_t>(begin),
          static_cast<uint32_t>(end)};
}

Status Lexer::SkipBlank() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at_;
    } else if (c == '/' && Peek(at_ + 1) == '/') {
      const size_t end = text_.find('\n', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
    } else if (c == '/' && Peek(at_ + 1) == '*') {
      const size_t end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) {
        return Refuse(at_, "a comment is not closed");
      }
      at_ = end + 2;
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::Next() {
  GW_RETURN_IF_ERROR(SkipBlank());
  const size_t begin = at_;
  const char c = Peek(at_);
  if (at_ >= text_.size()) {
    return Make(TokenKind::kEnd, begin, begin);
  }
  if (IsLetter(c)) {
    while (IsLetter(Peek(at_)) || IsDigit(Peek(at_))) {
      ++at_;
    }
    return Make(TokenKind::kWord, begin, at_);
  }
  if (IsDigit(c)) {
    return Number();
  }
  if (c == '\'' || c == '`') {
    return Quoted(c, c == '`' ? TokenKind::kDelimited : TokenKind::kString);
  }
  if (c == '@') {
    return DateOrTime();
  }
  if (c == '$' || c == '%') {
    ++at_;
    if (c == '%' && (Peek(at_) == '`' || Peek(at_) == '\'')) {
      GW_TRY(Token quoted, Quoted(Peek(at_), TokenKind::kPercent));
      quoted.begin = static_cast<uint32_t>(begin);
      return quoted;
    }
    while (IsLetter(Peek(at_)) || IsDigit(Peek(at_)) || InHyphenatedName(begin + 1)) {
      ++at_;
    }
    Token name = Make(c == '$' ? TokenKind::kDollar : TokenKind::kPercent, begin, at_);
    name.text.remove_prefix(1);
    return name;
  }
  for (const std::string_view symbol : kTwoCharacterSymbols) {
    if (text_.substr(at_, 2) == symbol) {
      at_ += 2;
      return Make(TokenKind::kSymbol, begin, at_);
    }
  }
  if (kSymbols.find(c) == std::string_view::npos) {
    return Refuse(begin, "a character that no expression has here");
  }
  ++at_;
  return Make(TokenKind::kSymbol, begin, at_);
}

// %vs-name and %ext-name also stand without the quotes that their hyphens ask for.
bool Lexer::InHyphenatedName(size_t name) const {
  const std::string_view rest = text_.substr(name);
  return Peek(at_) == '-' && (rest.starts_with("vs-") || rest.starts_with("ext-"));
}

Token Lexer::Number() {
  const size_t begin = at_;
  while (IsDigit(Peek(at_))) {
    ++at_;
  }
  if (Peek(at_) == '.' && IsDigit(Peek(at_ + 1))) {
    ++at_;
    while (IsDigit(Peek(at_))) {
      ++at_;
    }
  }
  return Make(TokenKind::kNumber, begin, at_);
}

Result<Token> Lexer::Quoted(char quote, TokenKind kind) {
  const size_t begin = at_++;
  bool escaped = false;
  while (Peek(at_) != quote || at_ >= text_.size()) {
    if (at_ >= text_.size()) {
      return Refuse(begin, quote == '`' ? "an identifier is not closed" : "a string is not closed");
    }
    if (text_[at_] == '\\') {
      escaped = true;
      ++at_;
    }
    ++at_;
  }
  Token token = Make(kind, begin, at_ + 1);
  token.text = text_.substr(begin + 1, at_ - begin - 1);
  ++at_;
  if (escaped) {
    std::string plain;
    GW_RETURN_IF_ERROR(Unescape(token.text, begin + 1, &plain));
    token.text = arena_->Copy(plain);
  }
  return token;
}

Status Lexer::Unescape(std::string_view raw, size_t offset, std::string* out) const {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out->push_back(raw[i]);
      continue;
    }
    ++i;
    const size_t known = kEscapes.find(raw[i]);
    if (known != std::string_view::npos) {
      out->push_back(kEscaped[known]);
    } else if (raw[i] == 'u') {
      uint32_t value = 0;
      const char* first = raw.data() + i + 1;
      if (raw.size() - i <= 4 || std::from_chars(first, first + 4, value, 16).ptr != first + 4) {
        return Refuse(offset + i, "\\u needs four hexadecimal digits");
      }
      AppendUtf8(value, out);
      i += 4;
    } else if (mode_ == Mode::kLenient) {
      out->push_back(raw[i]);
    } else {
      return Refuse(offset + i, "an unknown escape");
    }
  }
  return {};
}

// The end of "14:34:28.123" that begins at `at`.
size_t Lexer::EndOfTime(size_t at) const {
  while (IsDigit(Peek(at)) || (Peek(at) == ':' && IsDigit(Peek(at + 1)))) {
    ++at;
  }
  if (Peek(at) == '.' && IsDigit(Peek(at + 1))) {
    ++at;
    while (IsDigit(Peek(at))) {
      ++at;
    }
  }
  return at;
}

Result<Token> Lexer::DateOrTime() {
  const size_t begin = at_++;
  const bool time = Peek(at_) == 'T';
  const size_t first = time ? at_ + 1 : at_;
  TokenKind kind = time ? TokenKind::kTime : TokenKind::kDate;
  if (time) {
    at_ = EndOfTime(first);
  } else {
    while (IsDigit(Peek(at_)) || (Peek(at_) == '-' && IsDigit(Peek(at_ + 1)) && at_ - begin < 9)) {
      ++at_;
    }
    if (Peek(at_) == 'T') {
      kind = TokenKind::kDateTime;
      at_ = EndOfTime(at_ + 1);
      const char zone = Peek(at_);
      if (zone == 'Z') {
        ++at_;
      } else if ((zone == '+' || zone == '-') && IsDigit(Peek(at_ + 1)) && IsDigit(Peek(at_ + 2)) &&
                 Peek(at_ + 3) == ':') {
        at_ += 6;
      }
    }
  }
  if (at_ > text_.size()) {
    at_ = text_.size();
  }
  Token token = Make(kind, begin, at_);
  token.text = text_.substr(first, at_ - first);
  const Value::Kind value_kind = kind == TokenKind::kTime   ? Value::Kind::kTime
                                 : kind == TokenKind::kDate ? Value::Kind::kDate
                                                            : Value::Kind::kDateTime;
  if (!ParseMoment(value_kind, token.text)) {
    return Refuse(begin, "not a date or time");
  }
  if (!token.text.empty() && token.text.back() == 'T') {
    token.text.remove_suffix(1);
  }
  return token;
}

}  // namespace gw::fhir::path
