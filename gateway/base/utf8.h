#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gw {

// The length of the longest prefix of `text` that is well-formed UTF-8: text.size() if all of it
// is. Overlong forms, surrogates and code points past U+10FFFF are not well formed. Source: RFC
// 3629 section 4. Any thread.
size_t ValidUtf8Prefix(std::string_view text);

inline bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// One code point and the bytes that it took.
struct CodePoint {
  char32_t value;
  size_t bytes;
};

// The first code point of a text that is not empty. Bytes that are not well-formed UTF-8 give
// U+FFFD and the length of the maximal ill-formed part (Unicode 3.9, U+FFFD substitution).
CodePoint FirstCodePoint(std::string_view text);

// Appends a code point as UTF-8; a surrogate or a value past U+10FFFF becomes U+FFFD.
void AppendUtf8(char32_t code_point, std::string* out);

// At most `bytes_max` bytes of `text`, cut between code points.
std::string_view CutUtf8(std::string_view text, size_t bytes_max);

}  // namespace gw
