#include <algorithm>
#include <charconv>
#include <cstring>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/frame_internal.h"

namespace gw::audit {
namespace {

constexpr std::string_view kSegmentMagic = "CGAUDIT1";
constexpr std::string_view kNameStart = "entries-";
constexpr std::string_view kNameEnd = ".log";
constexpr size_t kNameDigits = 20;  // of the largest 64-bit number

// Eight tables, so that eight bytes are taken at a time: M. E. Kounavis and F. L. Berry, "A
// Systematic Approach to Building High Performance, Software-Based, CRC Generators", 2005.
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables() {
  constexpr uint32_t kReversedPolynomial = 0x82F63B78;
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (size_t table = 1; table < tables.size(); ++table) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = MakeCrcTables();

template <typename Number>
void Put(Number value, std::string* out) {
  for (size_t i = 0; i < sizeof(Number); ++i) {
    out->push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

template <typename Number>
Number Get(std::string_view bytes, size_t at) {
  Number value = 0;
  for (size_t i = sizeof(Number); i > 0; --i) {
    value = static_cast<Number>(value << 8) | static_cast<uint8_t>(bytes[at + i - 1]);
  }
  return value;
}

std::optional<uint8_t> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<uint8_t>(digit - '0');
  }
  if (digit >= 'a' && digit <= 'f') {
    return static_cast<uint8_t>(digit - 'a' + 10);
  }
  return std::nullopt;
}

bool HyphenBelongs(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

}  // namespace

size_t IdHash::operator()(const Id& id) const {
  uint64_t random_half = 0;
  std::memcpy(&random_half, id.bytes.data() + 8, sizeof(random_half));
  return random_half * 0x9E3779B97F4A7C15u;
}

std::optional<Id> ParseUuid(std::string_view text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  Id id;
  size_t digits = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (HyphenBelongs(at)) {
      if (text[at] != '-') {
        return std::nullopt;
      }
      continue;
    }
    const std::optional<uint8_t> digit = HexDigit(text[at]);
    if (!digit) {
      return std::nullopt;
    }
    char& byte = id.bytes.at(digits / 2);
    byte = static_cast<char>((static_cast<uint8_t>(byte) << 4) | *digit);
    ++digits;
  }
  return id;
}

std::string FormatUuid(const Id& id) {
  const std::string hex = crypto::Hex(id.view());
  std::string text;
  text.reserve(36);
  for (const char digit : hex) {
    if (HyphenBelongs(text.size())) {
      text.push_back('-');
    }
    text.push_back(digit);
  }
  return text;
}

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) {
    const uint32_t low = crc ^ Get<uint32_t>(bytes, at);
    const uint32_t high = Get<uint32_t>(bytes, at + 4);
    crc = kCrcTables[7][low & 0xFF] ^ kCrcTables[6][(low >> 8) & 0xFF] ^
          kCrcTables[5][(low >> 16) & 0xFF] ^ kCrcTables[4][low >> 24] ^
          kCrcTables[3][high & 0xFF] ^ kCrcTables[2][(high >> 8) & 0xFF] ^
          kCrcTables[1][(high >> 16) & 0xFF] ^ kCrcTables[0][high >> 24];
  }
  for (; at < bytes.size(); ++at) {
    crc = (crc >> 8) ^ kCrcTables[0][(crc ^ static_cast<uint8_t>(bytes[at])) & 0xFF];
  }
  return ~crc;
}

std::string SegmentHeader(uint64_t first_index) {
  std::string header(kSegmentMagic);
  Put(first_index, &header);
  return header;
}

std::string SegmentName(uint64_t first_index) {
  const std::string number = std::to_string(first_index);
  std::string name(kNameStart);
  name.append(kNameDigits - number.size(), '0').append(number).append(kNameEnd);
  return name;
}

std::optional<uint64_t> FirstIndexOfName(std::string_view name) {
  uint64_t index = 0;
  if (name.size() != kNameStart.size() + kNameDigits + kNameEnd.size()) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(kNameStart.size(), kNameDigits);
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  // One spelling for each number: what it formats to.
  return SegmentName(index) == name ? std::optional(index) : std::nullopt;
}

std::string MakeFrame(const Id& id, std::string_view bytes) {
  std::string checked;
  checked.reserve(kFrameHeaderBytes + kIdBytes + bytes.size());
  Put(uint32_t{0}, &checked);
  Put(static_cast<uint32_t>(kIdBytes + bytes.size()), &checked);
  checked.append(id.view()).append(bytes);
  std::string crc;
  Put(Crc32c(std::string_view(checked).substr(4)), &crc);
  checked.replace(0, 4, crc);
  return checked;
}

FrameState ReadFrame(std::string_view bytes, Frame* frame) {
  if (bytes.size() < kFrameHeaderBytes) {
    return FrameState::kCut;
  }
  const auto length = Get<uint32_t>(bytes, 4);
  if (length <= kIdBytes || length > kIdBytes + kEntryBytesMax) {
    return FrameState::kBroken;
  }
  if (bytes.size() - kFrameHeaderBytes < length) {
    return FrameState::kCut;
  }
  if (Get<uint32_t>(bytes, 0) != Crc32c(bytes.substr(4, 4u + length))) {
    return FrameState::kBroken;
  }
  std::copy_n(bytes.data() + kFrameHeaderBytes, kIdBytes, frame->id.bytes.data());
  frame->bytes = bytes.substr(kFrameHeaderBytes + kIdBytes, length - kIdBytes);
  frame->size = kFrameHeaderBytes + length;
  return FrameState::kWhole;
}

void AppendLeafRecord(const LeafRecord& record, std::string* out) {
  const size_t start = out->size();
  out->append(crypto::AsBytes(record.leaf)).append(record.id.view());
  Put(record.offset, out);
  Put(record.body_length, out);
  Put(Crc32c(std::string_view(*out).substr(start)), out);
}

std::optional<LeafRecord> ReadLeafRecord(std::string_view bytes) {
  if (Get<uint32_t>(bytes, kLeafRecordBytes - 4) != Crc32c(bytes.substr(0, kLeafRecordBytes - 4))) {
    return std::nullopt;
  }
  LeafRecord record;
  std::memcpy(record.leaf.data(), bytes.data(), record.leaf.size());
  std::memcpy(record.id.bytes.data(), bytes.data() + 32, kIdBytes);
  record.offset = Get<uint64_t>(bytes, 48);
  record.body_length = Get<uint32_t>(bytes, 56);
  return record;
}

}  // namespace gw::audit
