#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gateway/fhir/path/regex_internal.h"

namespace gw::fhir::path {
namespace {

TEST(Regex, FindsAndMatches) {
  struct Case {
    std::string_view pattern;
    std::string_view text;
    bool find;
    bool full;
  };
  static constexpr Case kCases[] = {
      {"abc", "xabcx", true, false},
      {"abc", "abc", true, true},
      {"a.c", "a\nc", true, true},
      {"^b", "ab", false, false},
      {"b$", "ab", true, false},
      {"a|b|cd", "cd", true, true},
      {"(a|ab)(c|bcd)", "abcd", true, true},
      {"[A-Z]([A-Za-z0-9_]){0,3}", "Abcd", true, true},
      {"[A-Z]([A-Za-z0-9_]){0,3}", "Abcde", true, false},
      {"[^a-c]+", "xyz", true, true},
      {"[]a]", "]", true, true},
      {"[a-]", "-", true, true},
      {"[\\w-]+", "a-b", true, true},
      {"\\d{4}-\\d{2}", "2026-01", true, true},
      {"\\s\\S\\D\\W", " ab?", true, true},
      {"a{2}", "aaa", true, false},
      {"a{2,}", "aaa", true, true},
      {"a{0}b", "b", true, true},
      {"(?:ab)+", "abab", true, true},
      {"a+?b", "aab", true, true},
      {"(a*)*b", "aaab", true, true},
      {"(a*)*b", "aaa", false, false},
      {"\\bcat\\b", "a cat!", true, false},
      {"\\bcat\\b", "concat", false, false},
      {"\\Bcat", "concat", true, false},
      {"é.", "éà", true, true},
      {"[à-ÿ]", "é", true, true},
      {"\\u00e9", "é", true, true},
      {"\\[x\\]\\.\\/", "[x]./", true, true},
      {"", "abc", true, false},
      {"", "", true, true},
      {"x*", "", true, true},
  };
  for (const Case& one : kCases) {
    const auto regex = Regex::Compile(one.pattern);
    ASSERT_TRUE(regex) << one.pattern;
    EXPECT_EQ(regex->Find(one.text), one.find) << one.pattern << " in " << one.text;
    EXPECT_EQ(regex->MatchesAll(one.text), one.full) << one.pattern << " of " << one.text;
  }
}

TEST(Regex, Replaces) {
  struct Case {
    std::string_view pattern;
    std::string_view text;
    std::string_view substitution;
    std::string_view expected;
  };
  static constexpr Case kCases[] = {
      {"b", "abcb", "X", "aXcX"},
      {"(\\d+)-(\\d+)", "12-34 5-6", "$2-$1", "34-12 6-5"},
      {"(a)|(b)", "ab", "[$1${2}]", "[a][b]"},
      {"a+", "caat", "<$0>", "c<aa>t"},
      {"a", "a", "\\$1", "$1"},
      {"x*", "ab", "-", "-a-b-"},
      {"b*?", "b", "-", "-b-"},
      {"é", "aéb", "", "ab"},
      {"z", "abc", "X", "abc"},
      {"a", "a", "$9", ""},
  };
  for (const Case& one : kCases) {
    const auto regex = Regex::Compile(one.pattern);
    ASSERT_TRUE(regex) << one.pattern;
    EXPECT_EQ(regex->Replace(one.text, one.substitution), one.expected) << one.pattern;
  }
}

TEST(Regex, RefusesWhatIsMalformedOrNotOffered) {
  for (const std::string_view pattern :
       {"(", ")", "a)", "[a", "[b-a]", "*a", "a{3,2}", "a{", "a{2", "a{x}", "a{9999}", "\\", "\\1",
        "(?=a)", "(?<n>a)", "(?i)a", "\\p{L}", "\\u12", "[\\"}) {
    EXPECT_FALSE(Regex::Compile(pattern)) << pattern;
  }
  EXPECT_FALSE(Regex::Compile("((((a{999}){999}){999}){999}){999}"));
  EXPECT_TRUE(Regex::Compile(std::string(50, '(') + "a" + std::string(50, ')')));
  EXPECT_FALSE(Regex::Compile(std::string(51, '(') + "a" + std::string(51, ')')));
  std::string many = "a";
  for (int i = 0; i < 500; ++i) {
    many += "|b" + std::to_string(i);
  }
  const auto regex = Regex::Compile(many);
  ASSERT_TRUE(regex);
  EXPECT_TRUE(regex->MatchesAll("b499"));
}

// A backtracking engine takes 2^30 steps for the first and overflows its stack on the second.
TEST(Regex, TimeIsLinearInTheText) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(Regex::Compile("(a+)+$")->MatchesAll(std::string(3000, 'a') + "b"));
  EXPECT_TRUE(Regex::Compile("(a|b)*")->MatchesAll(std::string(30'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace gw::fhir::path
