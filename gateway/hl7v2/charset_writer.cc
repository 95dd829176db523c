#include "gateway/hl7v2/charset_writer.h"

#include <array>
#include <cstddef>
#include <optional>

#include "gateway/base/utf8.h"

namespace gw::hl7v2 {
namespace {

constexpr char32_t kNoCharacter = 0xFFFD;
constexpr size_t kUpperBytes = 128;

// What the bytes 80 to FF of a one-byte set mean; kNoCharacter where they mean nothing.
using UpperHalf = std::array<char32_t, kUpperBytes>;

// The reader's table, read the other way round: there is one truth on what a byte means.
UpperHalf UpperHalfOf(Charset charset) {
  UpperHalf half{};
  for (size_t i = 0; i < kUpperBytes; ++i) {
    const char byte = static_cast<char>(static_cast<unsigned char>(0x80 + i));
    const auto decoded = DecodeStrict(std::string_view(&byte, 1), charset);
    size_t at = 0;
    half[i] = decoded ? NextCharacter(*decoded, &at) : kNoCharacter;
  }
  return half;
}

const UpperHalf& UpperHalfFor(Charset charset) {
  static const UpperHalf kAscii = UpperHalfOf(Charset::kAscii);
  static const UpperHalf kLatin1 = UpperHalfOf(Charset::kLatin1);
  static const UpperHalf kLatin9 = UpperHalfOf(Charset::kLatin9);
  static const UpperHalf kWindows = UpperHalfOf(Charset::kWindows1252);
  switch (charset) {
    case Charset::kLatin1:
      return kLatin1;
    case Charset::kLatin9:
      return kLatin9;
    case Charset::kWindows1252:
      return kWindows;
    default:
      return kAscii;
  }
}

bool IsUnicode(Charset charset) {
  return charset == Charset::kUtf8 || charset == Charset::kUtf16 || charset == Charset::kUtf16Le ||
         charset == Charset::kUtf16Be;
}

std::optional<char> OneByteFor(char32_t code_point, Charset charset) {
  if (code_point < 0x80) {
    return static_cast<char>(code_point);
  }
  const UpperHalf& half = UpperHalfFor(charset);
  for (size_t i = 0; i < kUpperBytes; ++i) {
    if (half[i] == code_point && code_point != kNoCharacter) {
      return static_cast<char>(static_cast<unsigned char>(0x80 + i));
    }
  }
  return std::nullopt;
}

void AppendUnit(uint32_t unit, bool little, std::string* out) {
  const char high = static_cast<char>(static_cast<unsigned char>(unit >> 8));
  const char low = static_cast<char>(static_cast<unsigned char>(unit & 0xFF));
  out->push_back(little ? low : high);
  out->push_back(little ? high : low);
}

void AppendUtf16(char32_t code_point, bool little, std::string* out) {
  if (code_point < 0x10000) {
    AppendUnit(code_point, little, out);
    return;
  }
  const uint32_t rest = code_point - 0x10000;
  AppendUnit(0xD800 + (rest >> 10), little, out);
  AppendUnit(0xDC00 + (rest & 0x3FF), little, out);
}

}  // namespace

char32_t NextCharacter(std::string_view text, size_t* at) {
  const CodePoint found = FirstCodePoint(text.substr(*at));
  *at += found.bytes;
  return found.value;
}

bool CanSay(char32_t code_point, Charset charset) {
  return IsUnicode(charset) || OneByteFor(code_point, charset).has_value();
}

Result<std::string> Encode(std::string_view text, Charset charset) {
  if (charset == Charset::kUtf8 && IsValidUtf8(text)) {
    return std::string(text);
  }
  std::string bytes;
  bytes.reserve(text.size() * (IsUnicode(charset) ? 2 : 1));
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t code_point = NextCharacter(text, &at);
    if (charset == Charset::kUtf8) {
      AppendUtf8(code_point, &bytes);
      continue;
    }
    if (IsUnicode(charset)) {
      AppendUtf16(code_point, charset == Charset::kUtf16Le, &bytes);
      continue;
    }
    const std::optional<char> byte = OneByteFor(code_point, charset);
    if (!byte) {
      return Error{Code::kUnprocessable, "a character that the character set does not have",
                   "byte " + std::to_string(begin + 1)};
    }
    bytes.push_back(*byte);
  }
  return bytes;
}

std::string_view ByteOrderMark(Charset charset) {
  switch (charset) {
    case Charset::kUtf8:
      return "\xEF\xBB\xBF";
    case Charset::kUtf16:
    case Charset::kUtf16Be:
      return "\xFE\xFF";
    case Charset::kUtf16Le:
      return "\xFF\xFE";
    default:
      return {};
  }
}

std::string_view Table0211Name(Charset charset) {
  switch (charset) {
    case Charset::kUtf8:
      return "UNICODE UTF-8";
    case Charset::kAscii:
      return "ASCII";
    case Charset::kLatin1:
      return "8859/1";
    case Charset::kLatin9:
      return "8859/15";
    case Charset::kUtf16:
    case Charset::kUtf16Le:
    case Charset::kUtf16Be:
      return "UNICODE UTF-16";
    default:
      return {};
  }
}

}  // namespace gw::hl7v2
