#pragma once

#include <cstddef>
#include <string_view>

namespace gw {

// How many bytes stand before the first that cannot stand in a JSON text as it is: a quote, a
// backslash or a control character; all where there is none.
size_t LengthBeforeSpecialByte(std::string_view text);

}  // namespace gw
