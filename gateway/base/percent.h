#pragma once

#include <string>
#include <string_view>

namespace gw {

// Percent-encoding (RFC 3986 section 2.1). Any thread.

// Appends "%2F" for '/'.
void AppendPercent(char byte, std::string* out);
// Unreserved characters (RFC 3986 section 2.3) and those of `also_plain` stay as they are.
std::string PercentEncoded(std::string_view text, std::string_view also_plain = {});
// What is not well formed stays as it is, and so does "+".
std::string PercentDecoded(std::string_view text);
// Takes the byte that "%2F" at text[*at] stands for and moves *at to its last character; -1, and
// *at stays, where it is not well formed.
int TakePercent(std::string_view text, size_t* at);

}  // namespace gw
