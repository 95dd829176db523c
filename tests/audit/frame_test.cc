#include <gtest/gtest.h>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/frame_internal.h"

namespace gw::audit {
namespace {

constexpr std::string_view kUuid = "0198a3c4-5d6e-7f80-9123-456789abcdef";

// RFC 3720 appendix B.4, and the check value of the catalogue of CRCs.
TEST(Crc32c, GivesTheKnownAnswers) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) {
    rising.push_back(c);
  }
  EXPECT_EQ(Crc32c(rising), 0x46DD794Eu);
}

TEST(Uuid, RoundTripsInLowerCaseOnly) {
  const std::optional<Id> id = ParseUuid(kUuid);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(FormatUuid(*id), kUuid);
  EXPECT_EQ(static_cast<uint8_t>(id->bytes[0]), 0x01);
  EXPECT_EQ(static_cast<uint8_t>(id->bytes[15]), 0xEF);
  for (const char* text :
       {"", "0198a3c4-5d6e-7f80-9123-456789abcde", "0198a3c4-5d6e-7f80-9123-456789abcdef0",
        "0198A3C4-5d6e-7f80-9123-456789abcdef", "0198a3c45-d6e-7f80-9123-456789abcdef",
        "0198a3c4-5d6e-7f80-9123-456789abcdeg", "{198a3c4-5d6e-7f80-9123-456789abcdef"}) {
    EXPECT_FALSE(ParseUuid(text).has_value()) << text;
  }
}

TEST(Frame, RoundTripsAndTellsCutFromBroken) {
  const Id id = *ParseUuid(kUuid);
  const std::string frame = MakeFrame(id, R"({"n":1})");
  EXPECT_EQ(frame.size(), kFrameHeaderBytes + kIdBytes + 7);
  Frame read;
  const std::string bytes = frame + "more";
  ASSERT_EQ(ReadFrame(bytes, &read), FrameState::kWhole);
  EXPECT_EQ(read.id, id);
  EXPECT_EQ(read.bytes, R"({"n":1})");
  EXPECT_EQ(read.size, frame.size());
  for (size_t length = 0; length < frame.size(); ++length) {
    EXPECT_EQ(ReadFrame(frame.substr(0, length), &read), FrameState::kCut) << length;
  }
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string flipped = frame;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(ReadFrame(flipped, &read), FrameState::kWhole) << bit;
  }
  EXPECT_EQ(ReadFrame(std::string(64, '\0'), &read), FrameState::kBroken);
}

TEST(LeafRecord, RoundTripsAndKnowsItsOwnBytes) {
  LeafRecord record;
  record.leaf = crypto::Sha256("leaf");
  record.id = *ParseUuid(kUuid);
  record.offset = 0x0102030405060708;
  record.body_length = 0x11223344;
  std::string bytes;
  AppendLeafRecord(record, &bytes);
  ASSERT_EQ(bytes.size(), kLeafRecordBytes);
  ASSERT_TRUE(ReadLeafRecord(bytes).has_value());
  EXPECT_EQ(*ReadLeafRecord(bytes), record);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_FALSE(ReadLeafRecord(changed).has_value()) << at;
  }
  EXPECT_FALSE(ReadLeafRecord(std::string(kLeafRecordBytes, '\0')).has_value());
}

TEST(Segment, IsNamedByItsFirstEntry) {
  EXPECT_EQ(SegmentName(0), "entries-00000000000000000000.log");
  EXPECT_EQ(SegmentName(18'446'744'073'709'551'615u), "entries-18446744073709551615.log");
  EXPECT_EQ(FirstIndexOfName(SegmentName(1'234)), 1'234u);
  for (const char* name :
       {"leaves", "entries-0000000000000000000.log", "entries-0000000000000000000x.log",
        "entries-99999999999999999999.log", "entries-00000000000000000000.bak"}) {
    EXPECT_FALSE(FirstIndexOfName(name).has_value()) << name;
  }
  EXPECT_EQ(SegmentHeader(0x0102), std::string("CGAUDIT1\x02\x01\0\0\0\0\0\0", 16));
}

}  // namespace
}  // namespace gw::audit
