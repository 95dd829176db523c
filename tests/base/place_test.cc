#include "gateway/base/place.h"

#include <gtest/gtest.h>

#include <string>

namespace gw {
namespace {

struct Case {
  const char* text;
  size_t offset;
  Place place;
};

TEST(Place, CountsLinesAndCodePointsFromOne) {
  const Case cases[] = {
      {"", 0, {1, 1}},
      {"abc", 0, {1, 1}},
      {"abc", 2, {1, 3}},
      {"abc", 9, {1, 4}},        // past the end: of the end
      {"a\nbc", 1, {1, 2}},      // the line feed ends its line
      {"a\nbc", 2, {2, 1}},      //
      {"a\r\nbc", 4, {2, 2}},    // a carriage return is a column
      {"\n\n\nx", 3, {4, 1}},    //
      {"\xC3\xA9x", 2, {1, 2}},  // one code point of two bytes
      {"\xF0\x9F\x98\x80x", 4, {1, 2}},
      {"a\x80", 1, {1, 2}},  // what follows has no say
  };
  for (const Case& test : cases) {
    EXPECT_EQ(PlaceAt(test.text, test.offset), test.place) << test.text << " at " << test.offset;
  }
  EXPECT_EQ(ToText({3, 9}), "line 3, column 9");
}

TEST(Place, AFinderAnswersInAnyOrder) {
  const std::string text = "one\ntw\xC3\xB3\nthree\n";
  PlaceFinder finder(text);
  for (const size_t offset : {0u, 5u, 5u, 12u, 3u, 16u, 1u}) {
    EXPECT_EQ(finder.At(offset), PlaceAt(text, offset)) << offset;
  }
}

TEST(Place, ManyQuestionsOfOneLongLineTakeTimeInProportion) {
  const std::string text(4 << 20, 'x');
  PlaceFinder finder(text);
  uint64_t sum = 0;
  for (size_t offset = 0; offset < text.size(); offset += 16) {
    sum += finder.At(offset).column;  // reading the text for each would be 10^12 bytes
  }
  EXPECT_GT(sum, 0u);
}

}  // namespace
}  // namespace gw
