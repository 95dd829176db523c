#include "gateway/base/bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gw {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighBits = kOnes * 0x80;
constexpr size_t kWordBytes = sizeof(uint64_t);

uint64_t WordAt(std::string_view text, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, text.data() + at, kWordBytes);
  return word;
}

// What `marks` gives for the words of a text of at least one word, together. The last word overlaps
// the one before where it must.
template <typename Marks>
uint64_t AllWords(std::string_view text, Marks marks) {
  const size_t last = text.size() - kWordBytes;
  uint64_t found = marks(WordAt(text, last));
  for (size_t at = 0; at < last; at += kWordBytes) {
    found |= marks(WordAt(text, at));
  }
  return found;
}

// These give the high bit of the bytes that are meant. Exact up to the first such byte: a borrow
// may mark bytes after it. Source: S. E. Anderson, "Bit Twiddling Hacks", haszero and hasless.
uint64_t BytesBelow(uint64_t word, uint8_t bound) {
  return (word - kOnes * bound) & ~word & kHighBits;
}

uint64_t JsonMarks(uint64_t word) {
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t backslash = word ^ (kOnes * '\\');
  return BytesBelow(quote, 1) | BytesBelow(backslash, 1) | BytesBelow(word, 0x20);
}

bool IsJsonMark(char byte) {
  return byte == '"' || byte == '\\' || static_cast<uint8_t>(byte) < 0x20;
}

}  // namespace

bool HasByteBelow(std::string_view text, uint8_t bound) {
  if (text.size() < kWordBytes) {
    return std::any_of(text.begin(), text.end(),
                       [bound](char c) { return static_cast<uint8_t>(c) < bound; });
  }
  return AllWords(text, [bound](uint64_t word) { return BytesBelow(word, bound); }) != 0;
}

size_t LengthBeforeJsonMark(std::string_view text) {
  size_t at = 0;
  for (; text.size() - at >= kWordBytes; at += kWordBytes) {
    if (const uint64_t marks = JsonMarks(WordAt(text, at)); marks != 0) {
      if constexpr (std::endian::native == std::endian::little) {
        return at + static_cast<size_t>(std::countr_zero(marks)) / 8;
      }
      break;
    }
  }
  while (at < text.size() && !IsJsonMark(text[at])) {
    ++at;
  }
  return at;
}

bool IsPlainJson(std::string_view text) {
  const auto marks = [](uint64_t word) { return JsonMarks(word) | (word & kHighBits); };
  if (text.size() >= kWordBytes) {
    return AllWords(text, marks) == 0;
  }
  uint64_t word = kOnes * ' ';
  if (!text.empty()) {
    std::memcpy(&word, text.data(), text.size());
  }
  return marks(word) == 0;
}

}  // namespace gw
