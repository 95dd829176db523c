#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/crypto.h"

// The bytes of the log's files: docs/audit_log_format.md. Integers are little-endian.
namespace gw::audit {

constexpr size_t kIdBytes = 16;
constexpr size_t kSegmentHeaderBytes = 16;
constexpr size_t kFrameHeaderBytes = 8;
constexpr size_t kLeafRecordBytes = 64;

// A UUID as 16 bytes.
struct Id {
  std::array<char, kIdBytes> bytes{};
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  bool operator==(const Id&) const = default;
};

// Hashes the random half of a UUID.
struct IdHash {
  size_t operator()(const Id& id) const;
};

// Takes 36 characters, lower case.
std::optional<Id> ParseUuid(std::string_view text);
std::string FormatUuid(const Id& id);

// CRC-32C (Castagnoli), RFC 3720 appendix B.4.
uint32_t Crc32c(std::string_view bytes);

// "CGAUDIT1" and the index of the segment's first entry.
std::string SegmentHeader(uint64_t first_index);
std::string SegmentName(uint64_t first_index);  // "entries-00000000000000000000.log"
std::optional<uint64_t> FirstIndexOfName(std::string_view name);

// One entry as it lies in a segment: CRC, length of the body, body = id and bytes.
std::string MakeFrame(const Id& id, std::string_view bytes);

struct Frame {
  Id id;
  std::string_view bytes;
  size_t size = 0;  // of the whole frame
};
enum class FrameState : uint8_t {
  kWhole,
  kCut,     // the bytes end before the frame does
  kBroken,  // the length is none or the CRC does not fit
};
FrameState ReadFrame(std::string_view bytes, Frame* frame);

// What the leaf file knows of an entry: enough to find it and to tell whether it changed.
struct LeafRecord {
  crypto::Digest leaf{};
  Id id;
  uint64_t offset = 0;       // of the frame in its segment
  uint32_t body_length = 0;  // of the frame: its length field

  uint64_t frame_size() const { return kFrameHeaderBytes + body_length; }
  bool operator==(const LeafRecord&) const = default;
};
void AppendLeafRecord(const LeafRecord& record, std::string* out);
// Nothing if the record's own CRC does not fit. `bytes` has kLeafRecordBytes.
std::optional<LeafRecord> ReadLeafRecord(std::string_view bytes);

}  // namespace gw::audit
