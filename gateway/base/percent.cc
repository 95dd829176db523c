#include "gateway/base/percent.h"

#include <cstdint>

namespace gw {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Of either case; -1 where it is none.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void AppendPercent(char byte, std::string* out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<uint8_t>(byte);
  *out += {'%', kDigits[value >> 4], kDigits[value & 15]};
}

std::string PercentEncoded(std::string_view text, std::string_view also_plain) {
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c) || also_plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      AppendPercent(c, &out);
    }
  }
  return out;
}

int TakePercent(std::string_view text, size_t* at) {
  const int high = *at + 2 < text.size() ? HexDigit(text[*at + 1]) : -1;
  const int low = high >= 0 ? HexDigit(text[*at + 2]) : -1;
  if (low < 0) {
    return -1;
  }
  *at += 2;
  return high * 16 + low;
}

std::string PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const int byte = c == '%' ? TakePercent(text, &at) : -1;
    out += byte >= 0 ? static_cast<char>(byte) : c;
  }
  return out;
}

}  // namespace gw
