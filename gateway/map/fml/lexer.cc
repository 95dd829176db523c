#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/utf8.h"
#include "gateway/map/fml/lexer_internal.h"

namespace gw::map {
namespace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsWordStart(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
constexpr bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }

// Longest first, so that the first that fits is the one that is meant.
constexpr std::array<std::string_view, 37> kSymbols = {
    "->", "<<", ">>", "..", "==", "!=", "!~", "<=", ">=", "<-", ">-", "--", "=",
    "<",  ">",  ".",  "-",  "+",  "*",  "/",  "(",  ")",  "{",  "}",  "[",  "]",
    ",",  ";",  ":",  "|",  "&",  "%",  "~",  "!",  "?",  "#",  "@"};

constexpr size_t kCodeUnit = 6;  // bytes of \uXXXX
constexpr std::string_view kEscapes = "'\"`\\/rntf";
constexpr std::string_view kEscaped = "'\"`\\/\r\n\t\f";

void AppendLine(std::string_view line, std::string* text) {
  *text += text->empty() ? "" : "\n";
  text->append(line);
}

// What a comment says: without its marks and the blank, or column of stars, behind them.
std::string CommentText(std::string_view comment) {
  const bool block = comment.starts_with("/*");
  comment.remove_prefix(2);
  comment.remove_suffix(block ? 2 : 0);
  if (!block) {
    comment.remove_prefix(comment.starts_with(' ') ? 1 : 0);
    return std::string(comment.substr(0, comment.find_last_not_of(" \t\r") + 1));
  }
  std::string text;
  while (!comment.empty()) {
    const size_t end = std::min(comment.find('\n'), comment.size());
    std::string_view line = comment.substr(0, end);
    comment.remove_prefix(std::min(end + 1, comment.size()));
    const size_t first = std::min(line.find_first_not_of(" \t\r*"), line.size());
    line = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
    if (!line.empty()) {
      AppendLine(line, &text);
    }
  }
  return text;
}

constexpr size_t kBytesOfToken = 5;  // on average, with the blanks around it

class Lexer {
 public:
  Lexer(std::string_view file, std::string_view text) : file_(file), text_(text) {}

  Result<FmlTokens> Run() {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
      at_ = 3;
    }
    tokens_.list.reserve(text_.size() / kBytesOfToken + 2);
    for (;;) {
      GW_RETURN_IF_ERROR(SkipBlank());
      FmlToken token;
      token.begin = static_cast<uint32_t>(at_);
      token.place = place_;
      if (!apart_.empty() || !above_.empty()) {
        FmlComments& comments = CommentsOf(&token);
        comments.apart = std::exchange(apart_, {});
        comments.above = std::exchange(above_, {});
      }
      if (at_ >= text_.size()) {
        token.end = token.begin;
        tokens_.list.push_back(token);
        return std::move(tokens_);
      }
      GW_RETURN_IF_ERROR(ReadToken(&token));
      token.end = static_cast<uint32_t>(at_);
      tokens_.list.push_back(token);
      token_line_ = place_.line;
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool StartsWith(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }

  void Advance(size_t bytes) {
    for (const size_t end = std::min(at_ + bytes, text_.size()); at_ < end; ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++place_.column;
      }
    }
  }

  Error Fail(std::string detail, FmlPlace place) const {
    return Error{
        .code = Code::kInvalid, .detail = std::move(detail), .where = FmlWhere(file_, place)};
  }

  FmlComments& CommentsOf(FmlToken* token) {
    if (token->comments == 0) {
      token->comments = static_cast<uint32_t>(tokens_.comments.size());
      tokens_.comments.emplace_back();
    }
    return tokens_.comments[token->comments];
  }

  bool AtMetadata() const { return StartsWith("///") && Peek(3) != '/'; }

  Status SkipBlank() {
    uint32_t line_ends = 0;  // since the last comment
    while (at_ < text_.size()) {
      const char c = Peek();
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
        line_ends += c == '\n' ? 1 : 0;
        if (line_ends > 1 && !above_.empty()) {
          AppendLine(std::exchange(above_, {}), &apart_);
        }
        Advance(1);
      } else if (StartsWith("//") && !AtMetadata()) {
        SkipComment(std::min(text_.find('\n', at_), text_.size()));
        line_ends = 0;
      } else if (StartsWith("/*")) {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) {
          return Fail("this comment is not closed: expected */", place_);
        }
        SkipComment(end + 2);
        line_ends = 0;
      } else {
        break;
      }
    }
    return {};
  }

  void SkipComment(size_t end) {
    const bool beside = !tokens_.list.empty() && place_.line == token_line_;
    AppendLine(CommentText(text_.substr(at_, end - at_)),
               beside ? &CommentsOf(&tokens_.list.back()).beside : &above_);
    Advance(end - at_);
  }

  Status ReadToken(FmlToken* token) {
    const char c = Peek();
    if (AtMetadata()) {
      const size_t end = std::min(text_.find('\n', at_), text_.size());
      token->kind = FmlToken::Kind::kMetadata;
      token->text = text_.substr(at_ + 3, end - at_ - 3);
      Advance(end - at_);
      return {};
    }
    if (IsWordStart(c)) {
      TakeWhile(token, FmlToken::Kind::kIdentifier, IsWordPart);
      return {};
    }
    if (IsDigit(c)) {
      ReadNumber(token);
      return {};
    }
    if (c == '\'' || c == '"' || c == '`') {
      return ReadQuoted(c, token);
    }
    if (c == '@' && (IsDigit(Peek(1)) || Peek(1) == 'T')) {
      ReadDate(token);
      return {};
    }
    if (c == '$' && IsWordStart(Peek(1))) {
      Advance(1);
      TakeWhile(token, FmlToken::Kind::kSpecial, IsWordPart);
      return {};
    }
    const char first = text_[at_];
    const auto* symbol = std::find_if(
        kSymbols.begin(), kSymbols.end(),
        [this, first](std::string_view s) { return s.front() == first && StartsWith(s); });
    if (symbol == kSymbols.end()) {
      return Fail("this character has no meaning in a map", place_);
    }
    token->kind = FmlToken::Kind::kSymbol;
    token->text = *symbol;
    Advance(symbol->size());
    return {};
  }

  template <typename Predicate>
  void TakeWhile(FmlToken* token, FmlToken::Kind kind, Predicate belongs) {
    size_t length = 0;
    while (at_ + length < text_.size() && belongs(text_[at_ + length])) {
      ++length;
    }
    token->kind = kind;
    token->text = text_.substr(at_, length);
    Advance(length);
  }

  void ReadNumber(FmlToken* token) {
    TakeWhile(token, FmlToken::Kind::kInteger, IsDigit);
    if (Peek() == '.' && IsDigit(Peek(1))) {
      Advance(1);
      TakeWhile(token, FmlToken::Kind::kDecimal, IsDigit);
      token->text = text_.substr(token->begin, at_ - token->begin);
    }
  }

  // A date ends where a sign or a point is followed by no digit: @2026-01-20 - 1 day.
  void ReadDate(FmlToken* token) {
    Advance(1);
    size_t length = 0;
    for (char c = Peek(); c != '\0'; c = Peek(++length)) {
      const bool sign = c == '-' || c == '+' || c == '.' || c == ':';
      if (!IsDigit(c) && c != 'T' && c != 'Z' && !(sign && IsDigit(Peek(length + 1)))) {
        break;
      }
    }
    token->kind = FmlToken::Kind::kDate;
    token->text = text_.substr(at_, length);
    Advance(length);
  }

  Status ReadQuoted(char quote, FmlToken* token) {
    const FmlPlace start = place_;
    token->kind = quote == '`' ? FmlToken::Kind::kIdentifier : FmlToken::Kind::kString;
    token->quoted = quote != '\'';
    Advance(1);
    const size_t end = text_.find_first_of(quote == '\''  ? "'\\"
                                           : quote == '"' ? "\"\\"
                                                          : "`\\",
                                           at_);
    if (end != std::string_view::npos && text_[end] == quote) {  // as it stands
      token->text = text_.substr(at_, end - at_);
      Advance(end - at_ + 1);
      return {};
    }
    std::string& made = tokens_.made.emplace_back();
    while (Peek() != quote) {
      if (at_ >= text_.size()) {
        return Fail(std::string("this text is not closed: expected ") + quote, start);
      }
      GW_RETURN_IF_ERROR(ReadCharacter(&made));
    }
    token->text = made;
    Advance(1);
    return {};
  }

  Status ReadCharacter(std::string* out) {
    if (Peek() == '\\') {
      return ReadEscape(out);
    }
    out->push_back(Peek());
    Advance(1);
    return {};
  }

  Status ReadEscape(std::string* out) {
    const size_t letter = kEscapes.find(Peek(1));
    if (at_ + 1 < text_.size() && letter != std::string_view::npos) {
      out->push_back(kEscaped[letter]);
      Advance(2);
      return {};
    }
    if (Peek(1) != 'u') {
      return Fail("unknown escape: expected one of \\' \\\" \\` \\\\ \\/ \\r \\n \\t \\f \\uXXXX",
                  place_);
    }
    GW_TRY(uint32_t code, CodeUnit(0));
    size_t length = kCodeUnit;
    if (code >= 0xD800 && code < 0xDC00 && Peek(kCodeUnit) == '\\' && Peek(kCodeUnit + 1) == 'u') {
      GW_TRY(const uint32_t low, CodeUnit(kCodeUnit));
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        length += kCodeUnit;
      }
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
      return Fail("half of a surrogate pair", place_);
    }
    AppendUtf8(static_cast<char32_t>(code), out);
    Advance(length);
    return {};
  }

  // The number of \uXXXX, which stands so many bytes ahead.
  Result<uint32_t> CodeUnit(size_t ahead) const {
    uint32_t code = 0;
    for (size_t i = ahead + 2; i < ahead + kCodeUnit; ++i) {
      const char c = Peek(i);
      const char lower = static_cast<char>(c | 0x20);
      if (!IsDigit(c) && (lower < 'a' || lower > 'f')) {
        return Fail("expected four hexadecimal digits after \\u", place_);
      }
      code = code * 16 + static_cast<uint32_t>(IsDigit(c) ? c - '0' : lower - 'a' + 10);
    }
    return code;
  }

  std::string_view file_;
  std::string_view text_;
  size_t at_ = 0;
  FmlPlace place_{.line = 1, .column = 1};
  FmlTokens tokens_;
  uint32_t token_line_ = 0;    // where the last token ended
  std::string apart_, above_;  // comments since then
};

}  // namespace

std::string FmlWhere(std::string_view file, FmlPlace place) {
  return std::string(file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Result<FmlTokens> LexFml(std::string_view file, std::string_view text) {
  return Lexer(file, text).Run();
}

}  // namespace gw::map
