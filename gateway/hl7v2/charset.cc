#include "gateway/hl7v2/charset.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "gateway/base/utf8.h"

namespace gw::hl7v2 {
namespace {

constexpr char32_t kNoCharacter = 0xFFFD;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

struct Name {
  std::string_view text;  // lower case
  Charset charset;
};

constexpr std::array kNames = {
    Name{"unicode utf-8", Charset::kUtf8},
    Name{"utf-8", Charset::kUtf8},
    Name{"utf8", Charset::kUtf8},
    Name{"unicode", Charset::kUtf8},
    Name{"ascii", Charset::kAscii},
    Name{"us-ascii", Charset::kAscii},
    Name{"iso ir6", Charset::kAscii},
    Name{"8859/1", Charset::kLatin1},
    Name{"iso-8859-1", Charset::kLatin1},
    Name{"iso8859-1", Charset::kLatin1},
    Name{"iso ir100", Charset::kLatin1},
    Name{"latin1", Charset::kLatin1},
    Name{"8859/15", Charset::kLatin9},
    Name{"iso-8859-15", Charset::kLatin9},
    Name{"windows-1252", Charset::kWindows1252},
    Name{"cp1252", Charset::kWindows1252},
    Name{"unicode utf-16", Charset::kUtf16},
    Name{"utf-16", Charset::kUtf16},
    Name{"utf-16le", Charset::kUtf16Le},
    Name{"utf-16be", Charset::kUtf16Be},
};

// Windows-1252, bytes 80 to 9F; five of them are undefined. Source: the WHATWG Encoding Standard's
// index, less its control characters.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

uint8_t ByteAt(std::string_view bytes, size_t index) { return static_cast<uint8_t>(bytes[index]); }

char32_t Latin9(uint8_t byte) {
  switch (byte) {
    case 0xA4:
      return 0x20AC;
    case 0xA6:
      return 0x0160;
    case 0xA8:
      return 0x0161;
    case 0xB4:
      return 0x017D;
    case 0xB8:
      return 0x017E;
    case 0xBC:
      return 0x0152;
    case 0xBD:
      return 0x0153;
    case 0xBE:
      return 0x0178;
    default:
      return byte;
  }
}

char32_t OneByte(uint8_t byte, Charset charset) {
  if (byte < 0x80) {
    return byte;
  }
  switch (charset) {
    case Charset::kWindows1252:
      return byte < 0xA0 ? kWindows1252[byte - 0x80U] : byte;
    case Charset::kLatin9:
      return Latin9(byte);
    case Charset::kLatin1:
      return byte;
    default:
      return kNoCharacter;
  }
}

struct Converted {
  std::string text;
  size_t first_fault = std::string::npos;
};

Converted FromOneByte(std::string_view bytes, Charset charset) {
  Converted out;
  out.text.reserve(bytes.size() + bytes.size() / 8);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char32_t code_point = OneByte(ByteAt(bytes, i), charset);
    if (code_point == kNoCharacter) {
      out.first_fault = std::min(out.first_fault, i);
    }
    AppendUtf8(code_point, &out.text);
  }
  return out;
}

Converted FromUtf16(std::string_view bytes, Charset charset) {
  bool little = charset == Charset::kUtf16Le;
  const auto unit = [&](size_t at) {
    const uint32_t low = ByteAt(bytes, little ? at : at + 1);
    const uint32_t high = ByteAt(bytes, little ? at + 1 : at);
    return static_cast<char32_t>(high << 8 | low);
  };
  size_t at = 0;
  if (bytes.size() >= 2) {
    const bool little_mark = ByteAt(bytes, 0) == 0xFF && ByteAt(bytes, 1) == 0xFE;
    const bool big_mark = ByteAt(bytes, 0) == 0xFE && ByteAt(bytes, 1) == 0xFF;
    little = little_mark || (little && !big_mark);
    at = little_mark || big_mark ? 2 : 0;
  }
  Converted out;
  out.text.reserve(bytes.size());
  while (at + 1 < bytes.size()) {
    char32_t code_point = unit(at);
    size_t length = 2;
    if (code_point >= 0xD800 && code_point <= 0xDBFF && at + 3 < bytes.size()) {
      const char32_t second = unit(at + 2);
      if (second >= 0xDC00 && second <= 0xDFFF) {
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (second - 0xDC00);
        length = 4;
      }
    }
    if (code_point >= 0xD800 && code_point <= 0xDFFF) {
      code_point = kNoCharacter;
      out.first_fault = std::min(out.first_fault, at);
    }
    AppendUtf8(code_point, &out.text);
    at += length;
  }
  if (at < bytes.size()) {
    AppendUtf8(kNoCharacter, &out.text);
    out.first_fault = std::min(out.first_fault, at);
  }
  return out;
}

bool IsUtf16(Charset charset) {
  return charset == Charset::kUtf16 || charset == Charset::kUtf16Le || charset == Charset::kUtf16Be;
}

// How far the bytes are ASCII; written so that the compiler can take many at a time.
bool IsAscii(std::string_view bytes) {
  uint8_t seen = 0;
  for (const char byte : bytes) {
    seen = static_cast<uint8_t>(seen | static_cast<uint8_t>(byte));
  }
  return seen < 0x80;
}

bool HasC1(std::string_view bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](char byte) {
    const auto value = static_cast<uint8_t>(byte);
    return value >= 0x80 && value < 0xA0;
  });
}

Error NotOfCharset(size_t index) {
  return Error{Code::kInvalid, "a byte that is not of the character set",
               "byte " + std::to_string(index + 1)};
}

}  // namespace

std::optional<Charset> CharsetNamed(std::string_view name) {
  std::string lower(name);
  for (char& letter : lower) {
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  for (const Name& known : kNames) {
    if (known.text == lower) {
      return known.charset;
    }
  }
  return std::nullopt;
}

Result<std::string> DecodeStrict(std::string_view bytes, Charset charset) {
  if (charset == Charset::kUtf8 || charset == Charset::kAscii) {
    const size_t mark =
        charset == Charset::kUtf8 && bytes.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
    const size_t valid = ValidUtf8Prefix(bytes);
    if (valid < bytes.size()) {
      return NotOfCharset(valid);
    }
    if (charset == Charset::kAscii && !IsAscii(bytes)) {
      const auto high =
          std::find_if(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) != 0; });
      return NotOfCharset(static_cast<size_t>(high - bytes.begin()));
    }
    return std::string(bytes.substr(mark));
  }
  Converted converted = IsUtf16(charset) ? FromUtf16(bytes, charset) : FromOneByte(bytes, charset);
  if (converted.first_fault != std::string::npos) {
    return NotOfCharset(converted.first_fault);
  }
  return std::move(converted.text);
}

Decoded DecodeLenient(std::string bytes, Charset charset) {
  if (IsUtf16(charset)) {
    Converted converted = FromUtf16(bytes, charset);
    const bool fault = converted.first_fault != std::string::npos;
    return {std::move(converted.text), fault ? "bytes that are no UTF-16 were replaced" : "",
            charset};
  }
  if (IsAscii(bytes)) {
    return {std::move(bytes), {}, charset};
  }
  const bool one_byte = charset != Charset::kUtf8 && charset != Charset::kAscii;
  if (IsValidUtf8(bytes)) {
    return {std::move(bytes),
            charset == Charset::kUtf8 ? std::string_view{}
                                      : "bytes disagree with the character set; read as UTF-8",
            Charset::kUtf8};
  }
  if (!one_byte || (charset != Charset::kWindows1252 && HasC1(bytes))) {
    return {FromOneByte(bytes, Charset::kWindows1252).text,
            "bytes disagree with the character set; read as Windows-1252", Charset::kWindows1252};
  }
  Converted converted = FromOneByte(bytes, charset);
  const bool fault = converted.first_fault != std::string::npos;
  return {std::move(converted.text), fault ? "bytes that no character has were replaced" : "",
          charset};
}

std::optional<Charset> Utf16ByStart(std::string_view bytes, char first) {
  if (bytes.starts_with("\xFF\xFE") ||
      (bytes.size() >= 4 && bytes[0] == first && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0)) {
    return Charset::kUtf16Le;
  }
  if (bytes.starts_with("\xFE\xFF") ||
      (bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == first && bytes[2] == 0 && bytes[3] != 0)) {
    return Charset::kUtf16Be;
  }
  return std::nullopt;
}

std::optional<Charset> Utf16OfMessages(std::string_view bytes) {
  constexpr std::string_view kFirst = "MFB \t\r\n";
  for (const char first : kFirst) {
    if (const auto charset = Utf16ByStart(bytes, first)) {
      return charset;
    }
  }
  return std::nullopt;
}

}  // namespace gw::hl7v2
