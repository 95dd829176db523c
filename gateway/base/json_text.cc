#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "gateway/base/json.h"
#include "gateway/base/json_text_internal.h"
#include "gateway/base/utf8.h"

namespace gw {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighBits = kOnes * 0x80;

uint64_t WordAt(std::string_view text, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof(word));
  return word;
}

// The high bit of bytes that cannot stand in a JSON text as they are: quote, backslash and control
// characters. Exact up to the first such byte: a borrow may mark bytes after it. Source: S. E.
// Anderson, "Bit Twiddling Hacks", haszero and hasless.
uint64_t SpecialBytes(uint64_t word) {
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t backslash = word ^ (kOnes * '\\');
  const uint64_t control = (word - kOnes * 0x20) & ~word;
  return (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | control) & kHighBits;
}

bool IsSpecial(char byte) {
  return byte == '"' || byte == '\\' || static_cast<uint8_t>(byte) < 0x20;
}

// Is it ASCII without special bytes? The last word overlaps the one before where it must.
bool IsPlain(std::string_view text) {
  if (text.empty()) {
    return true;
  }
  if (text.size() < sizeof(uint64_t)) {
    uint64_t word = kOnes * ' ';
    std::memcpy(&word, text.data(), text.size());
    return (SpecialBytes(word) | (word & kHighBits)) == 0;
  }
  const size_t last = text.size() - sizeof(uint64_t);
  uint64_t found = 0;
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    const uint64_t word = WordAt(text, at);
    found |= SpecialBytes(word) | (word & kHighBits);
  }
  const uint64_t word = WordAt(text, last);
  return (found | SpecialBytes(word) | (word & kHighBits)) == 0;
}

void AppendEscape(char byte, std::string* out) {
  constexpr std::string_view kNames = "btnvfr";  // of bytes 8 to 13; JSON has no \v
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<uint8_t>(byte);
  out->push_back('\\');
  if (byte == '"' || byte == '\\') {
    out->push_back(byte);
  } else if (value >= 8 && value <= 13 && value != 11) {
    out->push_back(kNames[value - 8u]);
  } else {
    out->append("u00");
    out->push_back(kHex[value >> 4]);
    out->push_back(kHex[value & 0xF]);
  }
}

}  // namespace

size_t LengthBeforeSpecialByte(std::string_view text) {
  size_t at = 0;
  for (; text.size() - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
    if (const uint64_t special = SpecialBytes(WordAt(text, at)); special != 0) {
      if constexpr (std::endian::native == std::endian::little) {
        return at + static_cast<size_t>(std::countr_zero(special)) / 8;
      }
      break;
    }
  }
  while (at < text.size() && !IsSpecial(text[at])) {
    ++at;
  }
  return at;
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  if (IsPlain(text)) {
    out->append(text);
    out->push_back('"');
    return;
  }
  size_t copied = 0;
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    const CodePoint next = FirstCodePoint(text.substr(at));
    const bool ill_formed = next.value == 0xFFFD && text.substr(at, 3) != "\xEF\xBF\xBD";
    if (byte >= 0x80 && !ill_formed) {
      at += next.bytes;
      continue;
    }
    out->append(text.substr(copied, at - copied));
    if (ill_formed) {
      out->append("\xEF\xBF\xBD");
    } else {
      AppendEscape(text[at], out);
    }
    at += next.bytes;
    copied = at;
  }
  out->append(text.substr(copied));
  out->push_back('"');
}

}  // namespace gw
