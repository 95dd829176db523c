// Bytes as text: hexadecimal and Base64 (RFC 4648), declared in crypto.h beside what they are used
// on.
#include <array>

#include "gateway/base/crypto.h"

namespace gw::crypto {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNoDigit = 64;

constexpr std::array<uint8_t, 256> DigitsOf(std::string_view alphabet) {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    digits.at(static_cast<uint8_t>(alphabet[i])) = static_cast<uint8_t>(i);
  }
  return digits;
}

constexpr std::array<uint8_t, 256> kBase64Digits = DigitsOf(kBase64);
constexpr std::array<uint8_t, 256> kBase64UrlDigits = DigitsOf(kBase64Url);

std::string EncodeBase64(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(byte);
    for (count += 8; count >= 6; count -= 6) {
      text.push_back(alphabet[(bits >> (count - 6)) & 0x3F]);
    }
  }
  if (count > 0) {
    text.push_back(alphabet[(bits << (6 - count)) & 0x3F]);
  }
  return text;
}

// Digits without padding. RFC 4648 section 3.5: the bits left over must be zero, so that each value
// has one spelling.
std::optional<std::string> DecodeBase64(std::string_view text,
                                        const std::array<uint8_t, 256>& digits) {
  if (text.size() % 4 == 1) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char digit : text) {
    const uint8_t value = digits.at(static_cast<uint8_t>(digit));
    if (value == kNoDigit) {
      return std::nullopt;
    }
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xFF));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(bytes.size() * 2, '\0');
  size_t at = 0;
  for (const char byte : bytes) {
    hex[at++] = kDigits[static_cast<uint8_t>(byte) >> 4];
    hex[at++] = kDigits[static_cast<uint8_t>(byte) & 0xF];
  }
  return hex;
}

std::string Hex(const Digest& digest) { return Hex(AsBytes(digest)); }

std::string_view AsBytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string Base64(std::string_view bytes) {
  std::string text = EncodeBase64(bytes, kBase64);
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

std::string Base64Url(std::string_view bytes) { return EncodeBase64(bytes, kBase64Url); }

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) {
    text.remove_suffix(1);
  }
  return DecodeBase64(text, kBase64Digits);
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  return DecodeBase64(text, kBase64UrlDigits);
}

}  // namespace gw::crypto
