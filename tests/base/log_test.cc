#include "gateway/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/json.h"

namespace gw {
namespace {

std::string Logged(std::initializer_list<log::Field> fields) {
  testing::internal::CaptureStderr();
  log::Write(log::Level::kWarn, "test.event", fields);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneJsonLine) {
  const std::string line = Logged({{"peer", "127.0.0.1"}, {"reason", "no\r\nframe"}});
  ASSERT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const Result<Json> json = Json::Parse(line, Limits{});
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->TextOf("level"), "warn");
  EXPECT_EQ(json->TextOf("event"), "test.event");
  EXPECT_EQ(json->TextOf("peer"), "127.0.0.1");
  EXPECT_EQ(json->TextOf("reason"), "no\r\nframe");
  EXPECT_EQ(json->TextOf("time").size(), std::string_view("2026-01-20T10:00:00.123Z").size());
}

TEST(Log, LeavesNothingThatATerminalActsOn) {
  const std::string text = "\x1b[31m\x7f\u0085\u202e\u2066é😀\xff";
  const std::string line = Logged({{"value", text}});
  for (const char byte : line) {
    EXPECT_TRUE(byte == '\n' || (byte >= 0x20 && byte < 0x7F));
  }
  const Result<Json> json = Json::Parse(line, Limits{});
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->TextOf("value"), "\x1b[31m\x7f\u0085\u202e\u2066é😀\uFFFD");
}

TEST(Log, CutsAValueAtOneKilobyte) {
  const auto logged = [](const std::string& text) {
    return std::string(Json::Parse(Logged({{"value", text}}), Limits{})->TextOf("value"));
  };
  EXPECT_EQ(logged(std::string(1024, 'x')).size(), 1024u);
  EXPECT_EQ(logged(std::string(1025, 'x')).size(), 1024u);
  EXPECT_EQ(logged(std::string(1023, 'x') + "é"), std::string(1023, 'x'));
}

TEST(Log, KeepsLinesOfThreadsApart) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int line = 0; line < 50; ++line) {
        log::Write(log::Level::kInfo, "test.line", {{"text", std::string(500, 'x')}});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::string all = testing::internal::GetCapturedStderr();
  size_t lines = 0;
  for (size_t start = 0; start < all.size(); ++lines) {
    const size_t end = all.find('\n', start);
    ASSERT_TRUE(Json::Parse(all.substr(start, end - start), Limits{}).ok());
    start = end + 1;
  }
  EXPECT_EQ(lines, 200u);
}

}  // namespace
}  // namespace gw
