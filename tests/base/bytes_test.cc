#include "gateway/base/bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gw {
namespace {

bool IsMark(char c) { return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20; }

// The same by looking at each byte.
void ExpectAsByByte(const std::string& text) {
  const auto mark = std::find_if(text.begin(), text.end(), IsMark);
  EXPECT_EQ(LengthBeforeJsonMark(text), static_cast<size_t>(mark - text.begin()));
  const bool is_ascii =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
  EXPECT_EQ(IsPlainJson(text), mark == text.end() && is_ascii);
  for (const uint8_t bound : {uint8_t{0x20}, uint8_t{0x21}, uint8_t{0x80}}) {
    const bool has = std::any_of(text.begin(), text.end(),
                                 [bound](char c) { return static_cast<uint8_t>(c) < bound; });
    EXPECT_EQ(HasByteBelow(text, bound), has);
  }
}

// Every byte at every place of texts of no, one and several words.
TEST(Bytes, AnswerAsByByte) {
  for (size_t size = 0; size <= 25; ++size) {
    ExpectAsByByte(std::string(size, 'a'));
    ExpectAsByByte(std::string(size, '\xC3'));
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, byte % 2 == 0 ? '!' : '\xE2');
        text[place] = static_cast<char>(byte);
        ExpectAsByByte(text);
        ASSERT_FALSE(testing::Test::HasFailure()) << size << " " << place << " " << byte;
      }
    }
  }
}

// A borrow from a marked byte must not hide or move what comes before it.
TEST(Bytes, FindTheFirstOfSeveralMarks) {
  for (size_t first = 0; first < 16; ++first) {
    for (size_t second = first; second < 16; ++second) {
      std::string text(16, ' ');
      text[first] = '"';
      text[second] = '\0';
      ExpectAsByByte(text);
    }
  }
}

}  // namespace
}  // namespace gw
