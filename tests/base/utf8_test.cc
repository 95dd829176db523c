#include "gateway/base/utf8.h"

#include <gtest/gtest.h>

namespace gw {
namespace {

TEST(Utf8, TellsWellFormedFromIllFormedAtEveryFirstByteAndOffset) {
  // Every code point of the plane edges, behind 0 to 9 ASCII bytes, whole and cut short.
  for (const char32_t point : {0x80u, 0x7FFu, 0x800u, 0xFFFu, 0x1000u, 0xD7FFu, 0xE000u, 0xFFFDu,
                               0xFFFFu, 0x10000u, 0x3FFFFu, 0x40000u, 0x10FFFFu}) {
    std::string encoded;
    AppendUtf8(point, &encoded);
    EXPECT_EQ(FirstCodePoint(encoded).value, point);
    for (size_t ascii = 0; ascii < 10; ++ascii) {
      const std::string text = std::string(ascii, 'a') + encoded;
      EXPECT_TRUE(IsValidUtf8(text + "z"));
      EXPECT_EQ(ValidUtf8Prefix(text.substr(0, text.size() - 1)), ascii);
      EXPECT_EQ(ValidUtf8Prefix(text.substr(0, text.size() - 1) + "zzzzzzzz"), ascii);
    }
  }
  EXPECT_TRUE(IsValidUtf8(""));
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsPastTheEnd) {
  for (const std::string_view bytes :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80", "\xBF", "\xFE", "\xFF"}) {
    EXPECT_EQ(ValidUtf8Prefix(bytes), 0u);
    EXPECT_EQ(FirstCodePoint(bytes).value, 0xFFFDu);
  }
}

TEST(Utf8, ReplacesWhatHasNoEncoding) {
  for (const char32_t point : {0xD800u, 0xDFFFu, 0x110000u, 0xFFFFFFFFu}) {
    std::string out;
    AppendUtf8(point, &out);
    EXPECT_EQ(out, "\xEF\xBF\xBD");
  }
}

TEST(Utf8, CutsBetweenCodePoints) {
  EXPECT_EQ(CutUtf8("a€b", 5), "a€b");
  EXPECT_EQ(CutUtf8("a€b", 4), "a€");
  EXPECT_EQ(CutUtf8("a€b", 3), "a");
  EXPECT_EQ(CutUtf8("a€b", 2), "a");
  EXPECT_EQ(CutUtf8("a€b", 1), "a");
  EXPECT_EQ(CutUtf8("a€b", 0), "");
  EXPECT_EQ(CutUtf8("\x80\x80\x80\x80\x80\x80", 5).size(), 2u);  // ends in ill-formed bytes
}

}  // namespace
}  // namespace gw
