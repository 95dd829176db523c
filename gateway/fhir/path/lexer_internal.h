#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,       // identifier or keyword
  kDelimited,  // `identifier`
  kString,
  kNumber,
  kDate,
  kDateTime,
  kTime,
  kSymbol,   // operators and brackets: text is "<=", "(" ...
  kDollar,   // $this, $index, $total: text without the $
  kPercent,  // %name, %`name`, %'name': text is the name
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // escapes resolved, quotes and @ taken off
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Splits an expression into tokens, skipping white space and comments. `text` and the arena, which
// takes what escapes change, must outlive the tokens. Source: FHIRPath 2.0, the grammar of appendix
// A; lenient mode also takes unknown escapes as the character itself, as R4's own invariants need.
class Lexer {
 public:
  Lexer(std::string_view text, Arena* arena, Mode mode) : text_(text), arena_(arena), mode_(mode) {}

  // The next token. Errors: kInvalid, where = "line L, column C".
  Result<Token> Next();

 private:
  Error Refuse(size_t offset, std::string_view detail) const;
  Status SkipBlank();
  Result<Token> Quoted(char quote, TokenKind kind);
  Status Unescape(std::string_view raw, size_t offset, std::string* out) const;
  Result<Token> DateOrTime();
  size_t EndOfTime(size_t at) const;
  bool InHyphenatedName(size_t name) const;
  Token Number();
  Token Make(TokenKind kind, size_t begin, size_t end) const;
  char Peek(size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

  std::string_view text_;
  Arena* arena_;
  Mode mode_;
  size_t at_ = 0;
};

}  // namespace gw::fhir::path
