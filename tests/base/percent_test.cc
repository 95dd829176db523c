#include "gateway/base/percent.h"

#include <array>

namespace gw {
namespace {

TEST(Percent, UnreservedCharactersStay) {
  EXPECT_EQ(PercentEncoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncoded("a b/c|d"), "a%20b%2Fc%7Cd");
  EXPECT_EQ(PercentEncoded("a/b", "/"), "a/b");
  EXPECT_EQ(PercentEncoded("\xC3\xA9"), "%C3%A9");
}

TEST(Percent, WhatIsNotWellFormedStays) {
  struct Case {
    const char* text;
    const char* decoded;
  };
  constexpr std::array kCases = {
      Case{"a%2Fb", "a/b"}, Case{"%2f", "/"},
      Case{"a+b", "a+b"},   Case{"100%", "100%"},
      Case{"%2", "%2"},     Case{"%G1", "%G1"},
      Case{"%1G", "%1G"},   Case{"%%41", "%A"},
      Case{"", ""},         Case{"%E2%82%AC", "\xE2\x82\xAC"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(PercentDecoded(c.text), c.decoded) << c.text;
  }
}

TEST(Percent, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  EXPECT_EQ(PercentDecoded(PercentEncoded(all)), all);
}

}  // namespace
}  // namespace gw
