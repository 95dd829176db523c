// The pitfalls of the JSON library's exact version (RapidJSON 1.1.0), R1 to R7, each against what
// the program does about it.
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <string_view>

#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace): texts with NUL

const Definitions& R4() {
  static const Definitions kDefinitions = Definitions::R4();
  return kDefinitions;
}

Result<Resource> Read(std::string_view text) { return ParseJson(text, R4(), Limits{}); }

std::string RuleOf(std::string_view text) {
  const Result<Resource> read = Read(text);
  return read ? "accepted" : read.error().detail;
}

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

// Runs where recursion has little room: a thread with a stack of a quarter of a megabyte.
template <typename Body>
void OnASmallStack(Body body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<Body*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// The library recurses by 50 bytes a level, and more when its tree is copied, written or freed: a
// body of 2 MB ends a process.
TEST(JsonPitfallsTest, R1DepthIsBoundedAndNothingRecursesPastIt) {
  const Limits limits;
  constexpr std::string_view kOpen = R"({"url":"http://example.org/x","extension":[)";
  const auto nested = [&](size_t levels) {
    return R"({"resourceType":"Basic","code":{"text":"c"},"extension":[)" + Repeat(kOpen, levels) +
           R"({"url":"http://example.org/x","valueCode":"y"})" + Repeat("]}", levels) + "]}";
  };
  const size_t deepest = (limits.json_depth_max - 3) / 2;
  OnASmallStack([&] {
    for (const std::string& text :
         {std::string(1'000'000, '['), Repeat("{\"a\":", 1'000'000), nested(10'000)}) {
      EXPECT_FALSE(Read(text).ok());
    }
    const Result<Resource> one_more = Read(nested(deepest + 1));
    ASSERT_FALSE(one_more.ok());
    EXPECT_EQ(one_more.error().code, Code::kTooLarge);
    const Result<Resource> read = Read(nested(deepest));
    ASSERT_TRUE(read.ok()) << read.error().detail;
    std::string written;
    WriteJson(*read, &written);
    EXPECT_EQ(written.size(), nested(deepest).size());
    const Resource copy = read->Clone();
    EXPECT_EQ(copy.type(), "Basic");
  });
}

// Read as binary64, 1.50 becomes 1.5 and long fractions lose digits.
TEST(JsonPitfallsTest, R2NumbersKeepTheirDigits) {
  for (const char* digits :
       {"1.00", "0.10", "1.0E3", "1e-7", "-0", "-0.0", "1.1030161663305387", "100000000000000.01",
        "0.1234567890123456789", "9007199254740993.5", "1.0e+2"}) {
    const std::string text =
        R"({"resourceType":"Observation","status":"final","code":{"text":"c"},)"
        R"("valueQuantity":{"value":)" +
        std::string(digits) + "}}";
    const Result<Resource> read = Read(text);
    ASSERT_TRUE(read.ok()) << digits << ": " << read.error().detail;
    std::string written;
    WriteJson(*read, &written);
    EXPECT_EQ(written, text);
  }
  EXPECT_NE(RuleOf(R"({"resourceType":"Observation","status":"final","code":{"text":"c"},)"
                   R"("valueQuantity":{"value":1E400}})"),
            "accepted");
}

// The library takes both, finds the first and writes both: what was checked is not what is used.
TEST(JsonPitfallsTest, R3AMemberThatComesTwiceIsRefusedAtEveryLevel) {
  for (const char* text :
       {R"({"resourceType":"Patient","active":true,"active":false})",
        R"({"resourceType":"Patient","resourceType":"Basic"})",
        R"({"resourceType":"Patient","name":[{"family":"a","family":"b"}]})",
        R"({"resourceType":"Patient","active":true,"\u0061ctive":false})",
        R"({"resourceType":"Patient","_active":{"id":"a"},"active":true,"_active":{"id":"b"}})"}) {
    EXPECT_NE(RuleOf(text).find("twice"), std::string::npos) << text << ": " << RuleOf(text);
  }
}

TEST(JsonPitfallsTest, R4OnlyUtf8AndNoNulCharacter) {
  const auto with = [](const std::string& family) {
    return R"({"resourceType":"Patient","name":[{"family":")" + family + R"("}]})";
  };
  EXPECT_EQ(RuleOf(with("Zo\xC3\xAB")), "accepted");
  for (const std::string& family :
       {"\xFF"s, "\xC3"s, "\xC0\xAF"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s, R"(\u0000)"s,
        R"(a\u0000b)"s, R"(\uD800)"s}) {
    EXPECT_NE(RuleOf(with(family)), "accepted");
  }
}

// The library stops at a NUL byte and says that the document was whole.
TEST(JsonPitfallsTest, R5NothingHidesBehindANulByte) {
  const std::string one = R"({"resourceType":"Patient"})";
  EXPECT_NE(RuleOf(one + "\0"s + one), "accepted");
  EXPECT_NE(RuleOf(one + "\0"s), "accepted");
  EXPECT_NE(RuleOf("\0"s + one), "accepted");
  EXPECT_NE(RuleOf(one + one), "accepted") << "nor behind the end";
}

// Members are looked up one after another: 100,000 of them, looked for 2,000 times, take a second.
TEST(JsonPitfallsTest, R6MembersItemsAndNodesAreBounded) {
  const Limits limits;
  std::string members = R"({"resourceType":"Patient")";
  for (uint32_t i = 0; i < limits.json_members_max; ++i) {
    members += ",\"m" + std::to_string(i) + "\":1";
  }
  Limits few;
  few.json_nodes_max = 100;
  few.json_items_max = 50;
  EXPECT_FALSE(Read(members + "}").ok());
  const auto names = [](size_t count) {
    return R"({"resourceType":"Patient","name":[{"text":"a"})" +
           Repeat(R"(,{"text":"b"})", count - 1) + "]}";
  };
  EXPECT_TRUE(ParseJson(names(40), R4(), few).ok());
  EXPECT_EQ(ParseJson(names(51), R4(), few).error().code, Code::kTooLarge) << "items";
  few.json_items_max = 1000;
  EXPECT_EQ(ParseJson(names(200), R4(), few).error().code, Code::kTooLarge) << "nodes";
}

// A look-up that fails asserts, and so ends the process, or gives back one shared null: every text,
// cut anywhere, is an error and nothing else.
TEST(JsonPitfallsTest, R7WhatIsMissingIsAnErrorAndNoAbort) {
  const std::string whole =
      R"({"resourceType":"CarePlan","status":"active","intent":"plan","_title":{"extension":[)"
      R"({"url":"http://example.org/x","valueDecimal":1.50}]},"subject":{"reference":"Patient/1"},)"
      R"("activity":[{"detail":{"status":"scheduled","description":"\u00e9\n"}}]})";
  ASSERT_EQ(RuleOf(whole), "accepted");
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_FALSE(Read(std::string_view(whole).substr(0, bytes)).ok()) << bytes;
    std::string without = whole;
    without.erase(bytes, 1);
    (void)Read(without).ok();  // a letter less may be another text that holds
  }
  for (const char* text : {"", " ", "{}", "[]", "null", "1", "\"a\"", "{\"a\"", "{\"a\":", "[1,"}) {
    EXPECT_FALSE(Read(text).ok()) << text;
  }
}

}  // namespace
}  // namespace gw::fhir
