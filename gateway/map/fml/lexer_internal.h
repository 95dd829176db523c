#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/map/fml/fml.h"

namespace gw::map {

struct FmlToken {
  enum class Kind : uint8_t {
    kIdentifier,  // text without back quotes
    kString,      // text with the escapes resolved
    kInteger,
    kDecimal,
    kDate,     // @2026-01-20, @T10:00; text without the @
    kSpecial,  // $this, $index, $total
    kSymbol,
    kMetadata,  // a `///` line; text is what follows
    kEnd
  } kind = Kind::kEnd;
  bool quoted = false;    // an identifier in back quotes or a string in double quotes
  std::string_view text;  // of the file, or of FmlTokens::made
  uint32_t begin = 0;     // byte offsets in the file
  uint32_t end = 0;
  FmlPlace place;
  uint32_t comments = 0;  // into FmlTokens::comments; 0: none

  bool Is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
  bool IsWord(std::string_view word) const {
    return kind == Kind::kIdentifier && !quoted && text == word;
  }
};

// Comments of one token without their marks, lines joined by \n: above the token with a blank line
// between, right above it, and behind it on its line.
struct FmlComments {
  std::string apart, above, beside;
};

struct FmlTokens {
  std::vector<FmlToken> list;
  std::vector<FmlComments> comments{1};  // the first is nobody's
  std::deque<std::string> made;          // texts that do not stand in the file as they are
};

// All tokens of a map file, or of a FHIRPath in one, which has the same ones; the last is kEnd.
// They view `text`. Comments stand with the tokens beside them. Errors: kInvalid, where =
// "file:line:column".
Result<FmlTokens> LexFml(std::string_view file, std::string_view text);

}  // namespace gw::map
