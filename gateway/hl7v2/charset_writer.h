#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/hl7v2/charset.h"

namespace gw::hl7v2 {

// Can the character be said in that character set? Those of Unicode say everything.
bool CanSay(char32_t code_point, Charset charset);

// Bytes of that character set for UTF-8 text, without a byte order mark; bytes of `text` that are
// no UTF-8 count as U+FFFD. Errors: kUnprocessable with where = "byte N" (from 1, of the UTF-8) at
// the first character that the set does not have: nothing is ever replaced by another character.
Result<std::string> Encode(std::string_view text, Charset charset);

// The byte order mark of the set; empty where it has none.
std::string_view ByteOrderMark(Charset charset);

// The name of the set in HL7 table 0211, empty where the table has none (Windows-1252).
std::string_view Table0211Name(Charset charset);

// Reads one character of UTF-8 at `at` and moves *at behind it; U+FFFD where the bytes are none.
char32_t NextCharacter(std::string_view text, size_t* at);

}  // namespace gw::hl7v2
