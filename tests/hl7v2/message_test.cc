#include "gateway/hl7v2/message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gw::hl7v2 {
namespace {

constexpr char kMsh[] = "MSH|^~\\&|ASCCASE|X9903|CAREGW|X9900|20260120100000||ADT^A08|C1|P|2.5.1";
const std::string kPid = "PID|1||H1^^^X9901^MR~9991001018^^^NHS^NH||Smith^Margaret";

std::string Text(const std::string& first, const std::string& rest) { return first + rest; }

Result<Message> Parse(std::string bytes) { return Message::Parse(std::move(bytes), {}); }

TEST(MessageTest, GivesFieldsRepetitionsAndParts) {
  const auto message = Parse(Text(kMsh, "\r" + kPid + "\rNTE|1||a\\T\\b\rNTE|2||c\r"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->segments().size(), 4U);
  EXPECT_EQ(message->Raw({"MSH", 1, 1}), "|");
  EXPECT_EQ(message->Raw({"MSH", 1, 2}), "^~\\&");
  EXPECT_EQ(message->Raw({"PID", 1, 3, 2, 4}), "NHS");
  EXPECT_EQ(message->Raw({"PID", 1, 3, 0, 5}), "MR");
  EXPECT_EQ(message->Raw({"PID", 1, 3}), "H1^^^X9901^MR~9991001018^^^NHS^NH");
  EXPECT_EQ(message->Raw({"PID", 1, 9}), "");
  EXPECT_EQ(message->Raw({"PID", 2, 3}), "");
  EXPECT_EQ(message->Raw({"NTE", 2, 3}), "c");
  EXPECT_EQ(message->Raw({"NTE", 2}), "NTE|2||c");
  EXPECT_EQ(message->Text({"NTE", 1, 3}), "a&b");
  EXPECT_EQ(message->control_id(), "C1");
  EXPECT_EQ(message->sending_application(), "ASCCASE");
  EXPECT_EQ(message->sending_facility(), "X9903");
  EXPECT_EQ(message->processing_id(), "P");
  EXPECT_EQ(message->version(), "2.5.1");
  EXPECT_TRUE(message->warnings().empty());
}

TEST(MessageTest, FindsStructureFromMsh9OrTheEvent) {
  struct Case {
    std::string type, rest, structure;
  };
  const std::vector<Case> cases = {
      {"ADT^A08", "", "ADT_A01"},
      {"ADT^A31", "", "ADT_A05"},
      {"ADT^A08^ADT_A01", "", "ADT_A01"},
      {"PPP^PCD", "", "PPP_PCB"},
      {"PGL^PC8", "", "PGL_PC6"},
      {"MDM^T08", "", "MDM_T02"},
      {"ADT^A08^ADT_A08", "", "ADT_A01"},  // no such structure: as the event implies
      {"DFT^P03^DFT_P03", "", "DFT_P03"},
      {"DFT^P03", "", "DFT_P03"},
      {"ADT", "EVN|A31|20260101\r", "ADT_A05"},
  };
  for (const Case& test : cases) {
    const auto message = Parse("MSH|^~\\&|A|B|C|D|2026||" + test.type + "|1|P|2.3\r" + test.rest);
    ASSERT_TRUE(message.ok()) << test.type;
    EXPECT_EQ(message->structure(), test.structure) << test.type;
  }
}

TEST(MessageTest, ReadsOtherDelimiters) {
  const auto message = Parse(
      "MSH#*!$%#A#B#C#D#2026##PPP*PCC*PPP_PCB#1#P#2.3.1\rPTH#UP#CSP*Care $T$ "
      "plan*L!X\r");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->delimiters().component, '*');
  EXPECT_EQ(message->delimiters().truncation, 0);
  EXPECT_EQ(message->Text({"PTH", 1, 2, 1, 2}), "Care % plan");
  EXPECT_EQ(message->Raw({"PTH", 1, 2, 2, 1}), "X");
}

TEST(MessageTest, KeepsDelimitersThatMsh2LeavesOutAsText) {
  const auto message = Parse("MSH|^~|A|B|C|D|2026||ADT^A08|1|P|2.3\rNTE|1||a\\T\\b&c\r");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->Text({"NTE", 1, 3, 1, 1, 1}), "a\\T\\b&c");
}

// What the wild does and is tolerated: the text, and how many warnings it makes.
TEST(MessageTest, ToleratesWithAWarning) {
  struct Case {
    std::string name, text;
    size_t warnings;
  };
  const std::string pid = kPid;
  const std::vector<Case> cases = {
      {"BOM", Text("\xEF\xBB\xBF", Text(kMsh, "\r" + pid + "\r")), 1},
      {"LF", Text(kMsh, "\n" + pid + "\n"), 1},
      {"CRLF", Text(kMsh, "\r\n" + pid + "\r\n"), 1},
      {"blank lines", Text("\r", Text(kMsh, "\r\r" + pid + "\r  \r")), 1},
      {"LF after the last", Text(kMsh, "\r" + pid + "\n"), 1},
      {"mixed ends", Text(kMsh, "\r" + pid + "\nPV1|1|N\r"), 1},
      {"no last CR", Text(kMsh, "\r" + pid), 0},
      {"control characters",
       Text(kMsh,
            "\rNTE|1||a\x01"
            "b\r" +
                pid + "\r"),
       1},
  };
  for (const Case& test : cases) {
    const auto message = Parse(test.text);
    ASSERT_TRUE(message.ok()) << test.name << ": " << message.error().detail;
    EXPECT_EQ(message->Raw({"PID", 1, 5, 1, 2}), "Margaret") << test.name;
    EXPECT_EQ(message->warnings().size(), test.warnings) << test.name;
  }
}

TEST(MessageTest, KeepsALineFeedInAText) {
  const auto message = Parse(Text(kMsh, "\rNTE|1||one\ntwo\r" + kPid + "\r"));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->Text({"NTE", 1, 3}), "one\ntwo");
  EXPECT_EQ(message->segments().size(), 3U);
}

TEST(MessageTest, RefusesWithAPlace) {
  struct Case {
    std::string name, text, where;
    int hl7_code;
  };
  const std::string msh = kMsh;
  const std::vector<Case> cases = {
      {"empty", "", "MSH", 100},
      {"blanks", " \r\n ", "MSH", 100},
      {"no MSH", kPid + "\r", "MSH", 100},
      {"batch header", "BHS|^~\\&|A\r" + msh + "\r", "MSH", 100},
      {"field separator", "MSHA^~\\&A\r", "MSH-1", 102},
      {"no encoding characters", "MSH||A|B\r", "MSH-2", 102},
      {"too many", "MSH|^~\\&#%|A\r", "MSH-2", 102},
      {"letters", "MSH|ABCD|A\r", "MSH-2", 102},
      {"twice the same", "MSH|^^\\&|A\r", "MSH-2", 102},
      {"a quote", "MSH|^~\"&|A\r", "MSH-2", 102},
      {"no segment name", msh + "\rpid|1\r", "MSH", 100},
      {"text between", msh + "\r" + kPid + "\rhello\r", "PID", 100},
      {"second MSH", msh + "\r" + msh + "\r", "MSH", 100},
      {"NUL", msh + "\rNTE|1||a" + std::string(1, '\0') + "b\r", "MSH", 102},
      {"unknown character set", msh + "||||||KLINGON\rNTE|1||\xC3\xA9\r", "MSH-18", 103},
      {"escapes between sets", msh + "||||||~ISO IR87\rNTE|1||\x1B$B;3ED\x1B(B\r", "MSH-18", 103},
      {"escapes between sets that are offered", msh + "||||||8859/1~8859/15\rNTE|1||\x1B-A\xA4\r",
       "MSH-18", 103},
      {"cut in a name", msh + "\rPI", "MSH", 100},
      {"cut after a name", msh + "\r" + kPid + "\rPV1", "PV1", 100},
      {"cut on a separator", msh + "\rPID|1||H1^^^", "PID", 100},
      {"cut in an escape", msh + "\rNTE|1||a \\T", "NTE", 100},
      {"cut in a character", msh + "||||||UNICODE UTF-8\rNTE|1||Zo\xC3", "", 100},
      {"cut in MSH-2", "MSH|^~", "MSH", 100},
  };
  for (const Case& test : cases) {
    const auto message = Parse(test.text);
    ASSERT_FALSE(message.ok()) << test.name;
    EXPECT_EQ(message.error().code, Code::kInvalid) << test.name;
    EXPECT_EQ(message.error().where, test.where) << test.name;
    EXPECT_EQ(message.error().hl7_code, test.hl7_code) << test.name;
  }
}

TEST(MessageTest, HoldsItsBounds) {
  ParseOptions options;
  options.limits.v2_segments_max = 3;
  options.limits.v2_fields_max = 12;
  const std::string three = Text(kMsh, "\rNTE|1\rNTE|2\r");
  EXPECT_TRUE(Message::Parse(three, options).ok());
  const auto four = Message::Parse(three + "NTE|3\r", options);
  ASSERT_FALSE(four.ok());
  EXPECT_EQ(four.error().code, Code::kTooLarge);
  EXPECT_EQ(four.error().where, "NTE[2]");

  const std::string twelve = Text(kMsh, "\rNTE|1|2|3|4|5|6|7|8|9|10|11|12\r");
  EXPECT_TRUE(Message::Parse(twelve, options).ok());
  const auto thirteen =
      Message::Parse(Text(kMsh, "\rNTE|1|2|3|4|5|6|7|8|9|10|11|12|13\r"), options);
  ASSERT_FALSE(thirteen.ok());
  EXPECT_EQ(thirteen.error().code, Code::kTooLarge);

  options.limits.body_bytes_max = static_cast<uint32_t>(three.size());
  EXPECT_TRUE(Message::Parse(three, options).ok());
  --options.limits.body_bytes_max;
  const auto large = Message::Parse(three, options);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, Code::kTooLarge);
}

TEST(MessageTest, FiveMegabytesAreTooMany) {
  const auto message = Parse(Text(kMsh, "\rOBX|1|TX|A||" + std::string(5U << 20, 'x') + "\r"));
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.error().code, Code::kTooLarge);
}

TEST(MessageTest, ReadsCharacterSets) {
  struct Case {
    std::string name, msh18, bytes, text;
    size_t warnings;
  };
  const std::vector<Case> cases = {
      {"UTF-8", "UNICODE UTF-8", "Zo\xC3\xAB", "Zo\xC3\xAB", 0},
      {"none: UTF-8", "", "Zo\xC3\xAB", "Zo\xC3\xAB", 0},
      {"Latin-1", "8859/1", "Zo\xEB", "Zo\xC3\xAB", 0},
      {"Latin-9: euro", "8859/15", "\xA4", "\xE2\x82\xAC", 0},
      {"ASCII", "ASCII", "Zoe", "Zoe", 0},
      {"repeated: the first", "8859/1~UNICODE UTF-8", "Zo\xEB", "Zo\xC3\xAB", 0},
      {"UTF-8 by name only", "UNICODE UTF-8", "Zo\xEB \x96", "Zo\xC3\xAB \xE2\x80\x93", 1},
      {"Latin-1 by name only", "8859/1", "Zo\xC3\xAB", "Zo\xC3\xAB", 1},
      {"Windows by the name of Latin-1", "8859/1", "\x80 5", "\xE2\x82\xAC 5", 1},
      {"ASCII by name only", "ASCII", "Zo\xEB", "Zo\xC3\xAB", 1},
      {"UTF-16 by name only", "UNICODE UTF-16", "Zo\xC3\xAB", "Zo\xC3\xAB", 1},
      {"unknown, but ASCII", "KLINGON", "Zoe", "Zoe", 0},
      {"a further one that is not used", "~ISO IR87", "Zoe", "Zoe", 0},
      {"an escape character in a text", "8859/1~8859/1", "Zo\x1B\xEB", "Zo \xC3\xAB", 1},
  };
  for (const Case& test : cases) {
    const auto message = Parse(Text(kMsh, "||||||" + test.msh18 + "\rNTE|1||" + test.bytes + "\r"));
    ASSERT_TRUE(message.ok()) << test.name;
    EXPECT_EQ(message->Text({"NTE", 1, 3}), test.text) << test.name;
    EXPECT_EQ(message->warnings().size(), test.warnings) << test.name;
  }
}

std::string Utf16(const std::string& latin1, bool little, bool mark) {
  std::string out = mark ? (little ? "\xFF\xFE" : "\xFE\xFF") : "";
  for (const char c : latin1) {
    out += little ? std::string{c, '\0'} : std::string{'\0', c};
  }
  return out;
}

TEST(MessageTest, ReadsUtf16ByItsMarkOrItsZeros) {
  const std::string text = Text(kMsh, "||||||UNICODE UTF-16\rNTE|1||Zo\xEB\r");
  for (const bool little : {true, false}) {
    for (const bool mark : {true, false}) {
      const auto message = Parse(Utf16(text, little, mark));
      ASSERT_TRUE(message.ok()) << little << mark;
      EXPECT_EQ(message->Text({"NTE", 1, 3}), "Zo\xC3\xAB") << little << mark;
      EXPECT_TRUE(message->warnings().empty());
    }
  }
}

TEST(MessageTest, UsesTheFeedsCharacterSetWhereMsh18IsEmpty) {
  ParseOptions options;
  options.default_charset = "8859/1";
  const auto message = Message::Parse(Text(kMsh, "\rNTE|1||Zo\xEB\r"), options);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->Text({"NTE", 1, 3}), "Zo\xC3\xAB");
  EXPECT_TRUE(message->warnings().empty());
}

TEST(MessageTest, TellsTheSenderBeforeTheCharacterSetIsKnown) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"MSH|^~\\&|CARE1|X9910|C\rNTE|1||Zo\xEB\r", "CARE1|X9910"},
      {"\xEF\xBB\xBF\r\n MSH#*~\\&#CARE1*x~y#X9910#C\r", "CARE1|X9910"},
      {"MSH|^~\\&|CARE1", "CARE1|"},
      {"MSH|^~\\&\rPID|CARE1|X9910", "|"},
      {"MSH|ABC|CARE1|X9910", ""},
      {"PID|1", ""},
      {"", ""},
  };
  for (const auto& [bytes, sender] : cases) {
    EXPECT_EQ(SenderOf(bytes), sender) << bytes;
  }
}

TEST(LocationTest, SaysAndReadsPlaces) {
  const std::vector<std::pair<Location, std::string>> cases = {
      {{"PID"}, "PID"},
      {{"PID", 2}, "PID[2]"},
      {{"PID", 1, 3}, "PID-3"},
      {{"PID", 1, 3, 2, 4}, "PID-3[2].4"},
      {{"OBX", 3, 5, 2, 4, 1}, "OBX[3]-5[2].4.1"},
      {{"PV1", 1, 44, 0, 1}, "PV1-44.1"},
  };
  for (const auto& [location, text] : cases) {
    EXPECT_EQ(location.ToString(), text);
    EXPECT_EQ(Location::FromString(text), location) << text;
  }
  const std::vector<std::string> broken = {"",       "PI",          "pid-3",   "PID-",     "PID-0",
                                           "PID-3.", "PID[0]",      "PID-3[2", "PID-3.4x", "row 7",
                                           "PID.4",  "PID-3.4.1.2", "MSH - 3"};
  for (const std::string& text : broken) {
    EXPECT_FALSE(Location::FromString(text).has_value()) << text;
  }
}

TEST(EscapeTest, ResolvesSequences) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"},
      {"\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"},
      {"a\\.br\\b", "a\nb"},
      {"\\P\\", "#"},
      {"\\X41\\", "A"},
      {"\\XC3AB\\", "\xC3\xAB"},
      {"\\XEB\\", "\xC3\xAB"},
      {"\\X0D0A\\b", "\nb"},
      {"\\X0d\\b", "\nb"},
      {"\\X00\\", "\\X00\\"},
      {"\\X4\\", "\\X4\\"},
      {"\\XZZ\\", "\\XZZ\\"},
      {"\\Z9\\T\\", "\\Z9\\T\\"},
      {"\\H\\bold\\N\\", "\\H\\bold\\N\\"},
      {"a\\b", "a\\b"},
      {"C:\\temp\\T\\x", "C:\\temp&x"},
      {"\\", "\\"},
      {"\\\\T\\", "\\&"},
  };
  for (const auto& [raw, text] : cases) {
    EXPECT_EQ(Unescape(raw, Delimiters{}), text) << raw;
  }
}

TEST(EscapeTest, EscapesSoThatTheTextComesBack) {
  EXPECT_EQ(Escape("a|b^c&d~e\\f\r\ng\nh", Delimiters{}),
            "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g\\.br\\h");
  Delimiters odd{'#', '*', '!', '$', '%', '@'};
  for (const std::string& text :
       {std::string("# * ! $ % @ | ^"), std::string("Zo\xC3\xAB \\T\\")}) {
    EXPECT_EQ(Unescape(Escape(text, odd), odd), text);
    EXPECT_EQ(Unescape(Escape(text, Delimiters{}), Delimiters{}), text);
  }
}

}  // namespace
}  // namespace gw::hl7v2
