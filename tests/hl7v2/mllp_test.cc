#include "gateway/hl7v2/mllp.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace gw::hl7v2 {
namespace {

using Frames = std::vector<std::string>;

// Appends the frames among what comes; was there no fault?
bool Feed(std::string_view bytes, MllpDecoder* decoder, Frames* frames) {
  bool is_sound = true;
  for (MllpUnit& unit : decoder->Feed(bytes)) {
    if (unit.fault) {
      frames->push_back(std::move(unit.bytes));
    }
    is_sound = is_sound && unit.fault.ok();
  }
  return is_sound;
}

TEST(MllpTest, TakesFramesAndFaults) {
  struct Case {
    std::string name, bytes;
    Frames frames;
    bool fault;
  };
  const std::vector<Case> cases = {
      {"one",
       "\x0B"
       "a\x1C\r",
       {"a"},
       false},
      {"two",
       "\x0B"
       "a\x1C\r\x0B"
       "b\x1C\r",
       {"a", "b"},
       false},
      {"empty frame", "\x0B\x1C\r", {""}, false},
      {"line ends between",
       "\x0B"
       "a\x1C\r\n\r\n\x0B"
       "b\x1C\r",
       {"a", "b"},
       false},
      {"CR inside",
       "\x0B"
       "a\rb\r\x1C\r",
       {"a\rb\r"},
       false},
      {"unfinished",
       "\x0B"
       "a",
       {},
       false},
      {"no end mark yet",
       "\x0B"
       "a\x1C",
       {},
       false},
      {"no VT", "MSH|a\x1C\r", {}, true},
      {"text before VT",
       "hello\x0B"
       "a\x1C\r",
       {"a"},
       true},
      {"FS without CR",
       "\x0B"
       "a\x1C"
       "b\x0B"
       "c\x1C\r",
       {"c"},
       true},
      {"FS FS",
       "\x0B"
       "a\x1C\x1C\r\x0B"
       "c\x1C\r",
       {"c"},
       true},
      {"VT in a frame",
       "\x0B"
       "a\x0B"
       "b\x1C\r",
       {"b"},
       true},
      {"VT after FS",
       "\x0B"
       "a\x1C\x0B"
       "b\x1C\r",
       {"b"},
       true},
      {"a good one, then a fault, then a good one",
       "\x0B"
       "a\x1C\rxx\x0B"
       "b\x1C\r",
       {"a", "b"},
       true},
  };
  for (const Case& test : cases) {
    MllpDecoder decoder((Limits()));
    Frames frames;
    EXPECT_EQ(Feed(test.bytes, &decoder, &frames), !test.fault) << test.name;
    EXPECT_EQ(frames, test.frames) << test.name;
  }
}

TEST(MllpTest, ToldOnceUntilTheNextFrame) {
  MllpDecoder decoder((Limits()));
  Frames frames;
  EXPECT_FALSE(Feed("junk", &decoder, &frames));
  EXPECT_TRUE(decoder.is_lost());
  EXPECT_TRUE(Feed("more junk", &decoder, &frames));
  EXPECT_TRUE(
      Feed("\x0B"
           "a\x1C\r",
           &decoder, &frames));
  EXPECT_FALSE(decoder.is_lost());
  EXPECT_FALSE(Feed("junk", &decoder, &frames));
  EXPECT_EQ(frames, Frames{"a"});
}

// Of each unit in the order in which it came: what it is, with its own bytes.
TEST(MllpTest, WhatIsRefusedKeepsItsPlaceAndItsBytes) {
  MllpDecoder decoder((Limits()));
  std::vector<std::string> told;
  for (const std::string_view bytes :
       {"\x0Bha", "lf\x0Bgood\x1C\rju", "nk\x0Bx\x1Cy\x0Blast\x1C\r"}) {
    for (const MllpUnit& unit : decoder.Feed(bytes)) {
      told.push_back((unit.fault ? "" : "refused ") + unit.bytes);
    }
  }
  EXPECT_EQ(told, (Frames{"refused half", "good", "refused ju", "refused x", "last"}));
}

TEST(MllpTest, HoldsItsBound) {
  Limits limits;
  limits.body_bytes_max = 4;
  MllpDecoder decoder(limits);
  const std::vector<MllpUnit> units = decoder.Feed(
      "\x0B"
      "1234\x1C\r\x0B"
      "12345\x1C\r\x0B"
      "ab\x1C\r");
  ASSERT_EQ(units.size(), 3U);
  EXPECT_EQ(units[0].bytes, "1234");
  ASSERT_FALSE(units[1].fault.ok());
  EXPECT_EQ(units[1].fault.error().code, Code::kTooLarge);
  EXPECT_EQ(units[1].bytes, "12345");
  EXPECT_EQ(units[2].bytes, "ab");
  EXPECT_EQ(decoder.held_bytes(), 0U);
  limits.body_bytes_max = 100'000;
  MllpDecoder larger(limits);
  const auto refused = larger.Feed("\x0B" + std::string(100'001, 'x'));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].bytes.size(), size_t{64} * 1024) << "a refusal keeps no more of it";
}

// Any split of a stream gives the same frames and finds a fault, or none, as the whole does.
TEST(MllpTest, AnySplitGivesTheSameFrames) {
  std::mt19937 random(20260120);  // fixed: the test is repeatable
  const std::string alphabet = "\x0B\x1C\r\nab";
  for (int round = 0; round < 3000; ++round) {
    std::string stream;
    const size_t length = random() % 40;
    for (size_t i = 0; i < length; ++i) {
      stream.push_back(alphabet[random() % alphabet.size()]);
    }
    MllpDecoder whole((Limits()));
    Frames expected;
    const bool ok = Feed(stream, &whole, &expected);
    MllpDecoder split((Limits()));
    Frames frames;
    bool split_ok = true;
    for (size_t at = 0; at < stream.size();) {
      const size_t part = 1 + random() % 5;
      split_ok = Feed(std::string_view(stream).substr(at, part), &split, &frames) && split_ok;
      at += part;
    }
    EXPECT_EQ(frames, expected);
    EXPECT_EQ(split_ok, ok);
    EXPECT_EQ(split.in_frame(), whole.in_frame());
  }
}

TEST(MllpTest, FrameComesBack) {
  MllpDecoder decoder((Limits()));
  Frames frames;
  EXPECT_TRUE(Feed(MllpFrame("MSH|\rPID|\r"), &decoder, &frames));
  EXPECT_EQ(frames, Frames{"MSH|\rPID|\r"});
}

TEST(SplitMessagesTest, FindsTheMessagesOfAFile) {
  struct Case {
    std::string name, text;
    std::vector<std::string> messages;
    size_t warnings;
  };
  const std::vector<Case> cases = {
      {"one", "MSH|1\rPID|\r", {"MSH|1\rPID|\r"}, 0},
      {"several", "MSH|1\rPID|\rMSH|2\r", {"MSH|1\rPID|\r", "MSH|2\r"}, 0},
      {"LF", "MSH|1\nPID|\nMSH|2\n", {"MSH|1\nPID|\n", "MSH|2\n"}, 0},
      {"batch",
       "FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|1\rMSH|2\rBTS|2\rFTS|1\r",
       {"MSH|1\r", "MSH|2\r"},
       0},
      {"wrong counts", "FHS|^\rBHS|^\rMSH|1\rBTS|2|x\rFTS|3\r", {"MSH|1\r"}, 2},
      {"two batches, each counted",
       "BHS|^\rMSH|1\rBTS|1\rBHS|^\rMSH|2\rBTS|1\rFTS|2\r",
       {"MSH|1\r", "MSH|2\r"},
       0},
      {"counts left out", "BHS|^\rMSH|1\rBTS||\r", {"MSH|1\r"}, 0},
      {"MLLP", "\x0BMSH|1\rPID|\r\x1C\r\x0BMSH|2\r\x1C\r", {"MSH|1\rPID|\r", "MSH|2\r"}, 0},
      {"BOM", "\xEF\xBB\xBFMSH|1\r", {"MSH|1\r"}, 1},
      {"batch without BTS", "BHS|^\rMSH|1\rMSH|2\r", {"MSH|1\r", "MSH|2\r"}, 1},
      {"one of two batches without BTS",
       "BHS|^\rMSH|1\rBHS|^\rMSH|2\rBTS|1\r",
       {"MSH|1\r", "MSH|2\r"},
       1},
      {"file without FTS", "FHS|^\rBHS|^\rMSH|1\rBTS|1\r", {"MSH|1\r"}, 1},
      {"a line before the first message", "From: ward\r\nMSH|1\r", {"MSH|1\r"}, 1},
      {"lines after a batch", "BHS|^\rMSH|1\rBTS|1\rtotal\rend\r", {"MSH|1\r"}, 1},
      {"blank lines are nothing", " \r\n\r\nMSH|1\r", {"MSH|1\r"}, 0},
      {"blanks before a message", "  MSH|1\rPID|\r", {"MSH|1\rPID|\r"}, 0},
      {"blanks before a batch", "\n\tBHS|^\rMSH|1\rBTS|1\r", {"MSH|1\r"}, 0},
      {"VT in a text",
       "MSH|1\rNTE|a\x0B"
       "b\rOBX|\r",
       {"MSH|1\rNTE|a\x0B"
        "b\rOBX|\r"},
       0},
      {"FS in a text",
       "MSH|1\rNTE|a\x1C"
       "b\rOBX|\r",
       {"MSH|1\rNTE|a\x1C"
        "b\rOBX|\r"},
       0},
      {"VT and FS in the first line",
       "MSH|1\x0B"
       "2\x1C"
       "3\rPID|\r",
       {"MSH|1\x0B"
        "2\x1C"
        "3\rPID|\r"},
       0},
      {"a batch in a frame",
       "\x0B"
       "BHS|^\rMSH|1\rBTS|1\x1C\r\x0BMSH|2\r\x1C\r",
       {"MSH|1\r", "MSH|2\r"},
       0},
      {"FS at the end of a text", "MSH|1\rNTE|a\x1C\rOBX|\r", {"MSH|1\rNTE|a\x1C\rOBX|\r"}, 0},
      {"VT and FS in a text of a frame",
       "\x0BMSH|1\rNTE|a\x0B"
       "b\x1C"
       "c\rOBX|\r\x1C\r\x0BMSH|2\r\x1C\r",
       {"MSH|1\rNTE|a\x0B"
        "b\x1C"
        "c\rOBX|\r",
        "MSH|2\r"},
       0},
      {"frames without CR", "\x0BMSH|1\r\x1C\x0BMSH|2\r\x1C", {"MSH|1\r", "MSH|2\r"}, 0},
      {"an end of a frame alone", "MSH|1\r\x1CMSH|2\r\x1C\n", {"MSH|1\r", "MSH|2\r"}, 0},
      {"a frame without end", "\x0BMSH|1\rPID|\r\x0BMSH|2\r", {"MSH|1\rPID|\r", "MSH|2\r"}, 0},
      {"lines behind a frame", "\x0BMSH|1\r\x1C\rOBX|\r", {"MSH|1\r"}, 1},
      {"text behind a frame", "\x0BMSH|1\r\x1Cjunk\r\x0BMSH|2\r\x1C\r", {"MSH|1\r", "MSH|2\r"}, 1},
      {"a mark in each frame",
       "\x0BMSH|1\r\x1C\r\x0B\xEF\xBB\xBFMSH|2\r\x1C\r",
       {"MSH|1\r", "MSH|2\r"},
       0},
      {"texts that look like headers",
       "MSH|^~\\&|1\rNTE|a\nFTS is\nMSH? no\nBTS^1\rOBX|\r",
       {"MSH|^~\\&|1\rNTE|a\nFTS is\nMSH? no\nBTS^1\rOBX|\r"},
       0},
      {"messages with marks of their own",
       "BHS|^~\\&\rMSH#*~\\&#1\rMSH|^~\\&|2\rBTS|2\r",
       {"MSH#*~\\&#1\r", "MSH|^~\\&|2\r"},
       0},
      {"each warning once", "MSH|1\rBTS|9\rx\rBTS|9\rFTS|9\ry\rFTS|9\r", {"MSH|1\r"}, 3},
  };
  for (const Case& test : cases) {
    std::vector<std::string> warnings;
    const auto split = SplitMessages(test.text, &warnings);
    ASSERT_TRUE(split.ok()) << test.name;
    EXPECT_EQ(std::vector<std::string>(split->begin(), split->end()), test.messages) << test.name;
    EXPECT_EQ(warnings.size(), test.warnings) << test.name;
  }
}

// In either byte order, with a mark and without; one message alone is the file as it is.
TEST(SplitMessagesTest, FindsTheMessagesOfAFileInUtf16) {
  const std::string text = "BHS|^\rMSH|1\rPID|\xE9\rMSH|2\rBTS|2\r";
  const auto widened = [](std::string_view latin, bool little) {
    std::string wide;
    for (const char c : latin) {
      wide.append(little ? std::string{c, '\0'} : std::string{'\0', c});
    }
    return wide;
  };
  for (const bool little : {true, false}) {
    const std::string mark = little ? "\xFF\xFE" : "\xFE\xFF";
    for (const std::string& begin : {mark, std::string()}) {
      std::vector<std::string> warnings;
      const std::string file = begin + widened(text, little);
      const auto split = SplitMessages(file, &warnings);
      ASSERT_TRUE(split.ok());
      EXPECT_EQ(std::vector<std::string>(split->begin(), split->end()),
                (std::vector<std::string>{widened("MSH|1\rPID|\xE9\r", little),
                                          widened("MSH|2\r", little)}));
      EXPECT_TRUE(warnings.empty());
      const std::string one = begin + widened("MSH|1\rPID|\r", little);
      const auto alone = SplitMessages(one, &warnings);
      ASSERT_TRUE(alone.ok());
      EXPECT_EQ(std::vector<std::string>(alone->begin(), alone->end()),
                std::vector<std::string>{one});
      const std::string behind = begin + widened("\r\n MSH|1\r", little);
      const auto found = SplitMessages(behind, &warnings);
      ASSERT_TRUE(found.ok());
      EXPECT_EQ(std::vector<std::string>(found->begin(), found->end()),
                std::vector<std::string>{widened("MSH|1\r", little)});
    }
  }
}

// Time that grows with the square of a file's length would take minutes here.
TEST(SplitMessagesTest, TakesTimeInProportion) {
  const std::vector<std::string> junk = {"BTS|9\rx\r", "\x1C\r", "\x0BMSH?", "\x1CMSH?\r\x1C",
                                         "MSH?\r"};
  for (const std::string& part : junk) {
    std::string text = "MSH|^~\\&|1\r";
    while (text.size() < 1'000'000) {
      text += part;
    }
    std::vector<std::string> warnings;
    EXPECT_TRUE(SplitMessages(text, &warnings).ok());
    EXPECT_LE(warnings.size(), 3U);
  }
}

TEST(SplitMessagesTest, RefusesAFileWithoutMessage) {
  std::vector<std::string> warnings;
  for (const std::string text : {"", "PID|1\r", "a,b,c\n1,2,3\n", "FHS|^\rFTS|0\r"}) {
    const auto split = SplitMessages(text, &warnings);
    ASSERT_FALSE(split.ok()) << text;
    EXPECT_EQ(split.error().hl7_code, 100);
  }
}

}  // namespace
}  // namespace gw::hl7v2
