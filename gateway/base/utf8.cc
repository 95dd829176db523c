#include "gateway/base/utf8.h"

#include <cstring>

namespace gw {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr uint64_t kHighBits = 0x8080808080808080u;

// What RFC 3629 section 4 allows after a first byte: how many bytes follow, and the range of the
// second (which is where overlong forms, surrogates and values past U+10FFFF show).
struct Sequence {
  size_t following = 0;  // 0: the byte cannot start a sequence of several bytes
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

Sequence SequenceOf(uint8_t first) {
  if (first >= 0xC2 && first <= 0xDF) {
    return {1};
  }
  if (first >= 0xE0 && first <= 0xEF) {
    return {2, static_cast<uint8_t>(first == 0xE0 ? 0xA0 : 0x80),
            static_cast<uint8_t>(first == 0xED ? 0x9F : 0xBF)};
  }
  if (first >= 0xF0 && first <= 0xF4) {
    return {3, static_cast<uint8_t>(first == 0xF0 ? 0x90 : 0x80),
            static_cast<uint8_t>(first == 0xF4 ? 0x8F : 0xBF)};
  }
  return {};
}

}  // namespace

size_t ValidUtf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    // Most of what arrives is ASCII: take it eight bytes at a time.
    while (text.size() - at >= sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, text.data() + at, sizeof(word));
      if ((word & kHighBits) != 0) {
        break;
      }
      at += sizeof(word);
    }
    while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) {
      ++at;
    }
    if (at == text.size()) {
      break;
    }
    const CodePoint next = FirstCodePoint(text.substr(at));
    if (next.value == kReplacement && text.substr(at, 3) != "\xEF\xBF\xBD") {
      return at;
    }
    at += next.bytes;
  }
  return at;
}

CodePoint FirstCodePoint(std::string_view text) {
  const uint8_t first = static_cast<uint8_t>(text.front());
  if (first < 0x80) {
    return {first, 1};
  }
  const Sequence sequence = SequenceOf(first);
  if (sequence.following == 0) {
    return {kReplacement, 1};
  }
  char32_t value = first & (0x3Fu >> sequence.following);
  for (size_t i = 1; i <= sequence.following; ++i) {
    const uint8_t byte = i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
    const uint8_t low = i == 1 ? sequence.second_min : 0x80;
    const uint8_t high = i == 1 ? sequence.second_max : 0xBF;
    if (byte < low || byte > high) {
      return {kReplacement, i};
    }
    value = (value << 6) | (byte & 0x3Fu);
  }
  return {value, sequence.following + 1};
}

void AppendUtf8(char32_t code_point, std::string* out) {
  const auto put = [out](char32_t bits) { out->push_back(static_cast<char>(bits)); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacement;
  }
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | (code_point >> 12));
    } else {
      put(0xF0 | (code_point >> 18));
      put(0x80 | ((code_point >> 12) & 0x3F));
    }
    put(0x80 | ((code_point >> 6) & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

std::string_view CutUtf8(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  size_t end = bytes_max;
  while (end > 0 && bytes_max - end < 3 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace gw
