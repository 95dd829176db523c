#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/map/fml.h"

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
  std::string text;
  uint32_t begin = 0;  // byte offsets in the file
  uint32_t end = 0;
  FmlPlace place;
  bool quoted = false;  // an identifier in back quotes or a string in double quotes
  // Comments without their marks, lines joined by \n: above the token with a blank line between,
  // right above it, and behind it on its line.
  std::string apart, above, beside;

  bool Is(std::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
  bool IsWord(std::string_view word) const {
    return kind == Kind::kIdentifier && !quoted && text == word;
  }
};

// All tokens of a map file, or of a FHIRPath in one, which has the same ones; the last is kEnd.
// Comments stand with the tokens beside them. Errors: kInvalid, where = "file:line:column".
Result<std::vector<FmlToken>> LexFml(std::string_view file, std::string_view text);

}  // namespace gw::map
