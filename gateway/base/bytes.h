#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gw {

// Questions about the bytes of a text, answered eight bytes at a time.

// Is there a byte less than `bound`, which is at most 128?
bool HasByteBelow(std::string_view text, uint8_t bound);

// How many bytes stand before the first that cannot stand in a JSON text as it is: a quote, a
// backslash or a control character (RFC 8259, section 7). All, where there is none.
size_t LengthBeforeJsonMark(std::string_view text);

// Is it ASCII without such bytes?
bool IsPlainJson(std::string_view text);

}  // namespace gw
