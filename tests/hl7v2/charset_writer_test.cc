#include "gateway/hl7v2/charset_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gw::hl7v2 {
namespace {

TEST(CharsetWriterTest, TakesBytesThatAreNoUtf8AsTheReplacementCharacter) {
  struct Case {
    std::string text, utf8;
  };
  const std::vector<Case> cases = {
      {"a\xC3\xA9\xF0\x9F\x99\x82", "a\xC3\xA9\xF0\x9F\x99\x82"},
      {"a\xFFz", "a\xEF\xBF\xBDz"},
      {"a\xC3", "a\xEF\xBF\xBD"},
      {"\xC0\xAFz", "\xEF\xBF\xBD\xEF\xBF\xBDz"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xF5\x80\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const Case& test : cases) {
    const auto utf8 = Encode(test.text, Charset::kUtf8);
    ASSERT_TRUE(utf8.ok());
    EXPECT_EQ(*utf8, test.utf8);
    for (const Charset order : {Charset::kUtf16Le, Charset::kUtf16Be}) {
      const auto utf16 = Encode(test.text, order);
      ASSERT_TRUE(utf16.ok());
      const auto back = DecodeStrict(*utf16, order);
      ASSERT_TRUE(back.ok()) << "half of a surrogate pair";
      EXPECT_EQ(*back, test.utf8);
    }
    EXPECT_EQ(Encode(test.text, Charset::kLatin9).ok(), false);
  }
}

TEST(CharsetWriterTest, RefusesWhatTheSetDoesNotHave) {
  const auto refused = Encode("\xC3\xA9\xE2\x82\xAC", Charset::kLatin1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().where, "byte 3");
  EXPECT_EQ(*Encode("\xC3\xA9\xE2\x82\xAC", Charset::kLatin9), "\xE9\xA4");
}

}  // namespace
}  // namespace gw::hl7v2
