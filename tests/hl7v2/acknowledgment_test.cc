#include "gateway/hl7v2/acknowledgment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "gateway/hl7v2/charset_writer.h"

namespace gw::hl7v2 {
namespace {

const Instant kNow = FromCivil({2026, 1, 20, 10, 0, 0, 0});

Message MessageOf(const std::string& version, const std::string& event = "ADT^A08^ADT_A01") {
  auto message = Message::Parse("MSH|^~\\&|ASCCASE^1|X9903|CAREGW|X9900|20260120||" + event +
                                    "|SC 1|P|" + version + "\rPID|1\r",
                                {});
  EXPECT_TRUE(message.ok());
  return *std::move(message);
}

TEST(AcknowledgmentTest, AnswersWithSenderAndReceiverExchanged) {
  EXPECT_EQ(Acknowledge(MessageOf("2.5.1"), AckCode::kAccept, {}, "G1", kNow),
            "MSH|^~\\&|CAREGW|X9900|ASCCASE^1|X9903|20260120100000+0000||ACK^A08^ACK|G1|P|2.5.1\r"
            "MSA|AA|SC 1\r");
}

TEST(AcknowledgmentTest, SaysErrorsInTheFormOfTheVersion) {
  const std::array<Issue, 2> issues = {
      Issue{{Code::kInvalid, "a required field has no value", "PTH-3[2].1", 101}, 'E'},
      Issue{{Code::kUnprocessable, "a | b", "somewhere", 0}, 'W'}};
  EXPECT_EQ(
      Acknowledge(MessageOf("2.5.1"), AckCode::kError, issues, "G1", kNow),
      "MSH|^~\\&|CAREGW|X9900|ASCCASE^1|X9903|20260120100000+0000||ACK^A08^ACK|G1|P|2.5.1\r"
      "MSA|AE|SC 1\r"
      "ERR||PTH^1^3^2^1|101^Required field missing^HL70357|E||||a required field has no value\r"
      "ERR|||207^Application internal error^HL70357|W|||somewhere|a \\F\\ b\r");
  EXPECT_EQ(Acknowledge(MessageOf("2.3"), AckCode::kError, issues, "G1", kNow),
            "MSH|^~\\&|CAREGW|X9900|ASCCASE^1|X9903|20260120100000+0000||ACK^A08|G1|P|2.3\r"
            "MSA|AE|SC 1|a required field has no value\r"
            "ERR|PTH^1^3^101&Required field missing&HL70357~^^^207&Application internal "
            "error&HL70357\r");
}

TEST(AcknowledgmentTest, UsesTheSendersDelimiters) {
  auto message = Message::Parse("MSH#*!$%#A#B#C#D#2026##PPP*PCC*PPP_PCB#1#P#2.5\rPTH#UP\r", {});
  ASSERT_TRUE(message.ok());
  const std::array<Issue, 1> issues = {Issue{{Code::kNotFound, "no # here", "PTH-3", 0}}};
  EXPECT_EQ(Acknowledge(*message, AckCode::kError, issues, "G1", kNow),
            "MSH#*!$%#C#D#A#B#20260120100000+0000##ACK*PCC*ACK#G1#P#2.5\r"
            "MSA#AE#1\r"
            "ERR##PTH*1*3*1#204*Unknown key identifier*HL70357#E####no $F$ here\r");
}

TEST(AcknowledgmentTest, NamesItsCharacterSetWhereItNeedsOne) {
  auto message =
      Message::Parse("MSH|^~\\&|Zo\xC3\xAB|B|C|D|2026||ADT^A08|1|P|2.5||||||UNICODE UTF-8\r", {});
  ASSERT_TRUE(message.ok());
  const std::string answer = Acknowledge(*message, AckCode::kAccept, {}, "G1", kNow);
  EXPECT_NE(answer.find("|2.5||||||UNICODE UTF-8\r"), answer.npos) << answer;
  const auto parsed = Message::Parse(answer, {});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->Raw({"MSH", 1, 18}), "UNICODE UTF-8");
}

TEST(AcknowledgmentTest, SaysWhatTheMessageLeavesOut) {
  const auto bare = Message::Parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1\rPID|1\r", {});
  ASSERT_TRUE(bare.ok());
  EXPECT_NE(Acknowledge(*bare, AckCode::kAccept, {}, "G1", kNow).find("|G1|P|2.5.1\r"),
            std::string::npos);
  ParseOptions latin;
  latin.default_charset = "8859/1";
  const auto accented = Message::Parse(
      "MSH|^~\\&|A|B|C|D|2026||ADT^A08|\xC9"
      "1|P|2.5\rPID|1\r",
      latin);
  ASSERT_TRUE(accented.ok());
  const std::string answer = Acknowledge(*accented, AckCode::kAccept, {}, "G1", kNow);
  EXPECT_NE(answer.find("|2.5||||||8859/1\rMSA|AA|\xC9"
                        "1\r"),
            answer.npos)
      << answer;
}

// The sender finds its own number in the answer, byte by byte, whatever set it writes in.
TEST(AcknowledgmentTest, AnswersInTheCharacterSetOfTheMessage) {
  struct Case {
    std::string name, said, id, answered;  // bytes of MSH-10; MSH-18, as sent and as answered
  };
  const std::vector<Case> cases = {
      {"ASCII", "ASCII", "A1", "ASCII"},
      {"ASCII, repeated", "8859/1~UNICODE UTF-8", "A1", "8859/1"},
      {"nothing said", "", "A1", ""},
      {"UTF-8", "UNICODE UTF-8", "\xC3\x89", "UNICODE UTF-8"},
      {"UTF-8, unsaid", "", "\xC3\x89", "UNICODE UTF-8"},
      {"8859/1", "8859/1", "\xC9\xFC", "8859/1"},
      {"8859/15", "8859/15", "\xA4", "8859/15"},
      {"Windows-1252 under another name", "8859/1", "\x80\xC9", "8859/1"},
      {"Windows-1252, unsaid", "", "\x80\xC9", ""},
      {"UTF-8 under another name", "8859/1", "\xC3\x89\xC3\xA9", "UNICODE UTF-8"},
  };
  for (const Case& test : cases) {
    const auto message = Message::Parse(
        "MSH|^~\\&|A|B|C|D|2026||ADT^A08|" + test.id + "|P|2.5||||||" + test.said + "\rPID|1\r",
        {});
    ASSERT_TRUE(message.ok()) << test.name;
    const std::string answer = Acknowledge(*message, AckCode::kAccept, {}, "G1", kNow);
    const std::string end = test.answered.empty() ? "" : "||||||" + test.answered;
    EXPECT_NE(answer.find("|2.5" + end + "\rMSA|AA|" + test.id + "\r"), answer.npos)
        << test.name << ": " << answer;
  }
}

TEST(AcknowledgmentTest, AnswersUtf16InItsOwnByteOrder) {
  // U+00C9 in MSH-10, as a text of UTF-8 for reading.
  const std::string heading =
      "MSH|^~\\&|A|B|C|D|2026||ADT^A08|\xC3\x89|P|2.5||||||UNICODE UTF-16\r";
  const Error error{Code::kInvalid, "not readable", "", 100};
  for (const Charset order : {Charset::kUtf16Le, Charset::kUtf16Be}) {
    for (const bool marked : {true, false}) {
      const std::string mark(marked ? ByteOrderMark(order) : "");
      const std::string bytes = mark + *Encode(heading + "PID|1\r", order);
      const auto message = Message::Parse(bytes, {});
      ASSERT_TRUE(message.ok());
      EXPECT_EQ(message->charset(), order);
      const std::string batch =
          mark + *Encode("BHS|^~\\&|A|B|C|D|||||\xC3\x89\r" + heading + "PID|1\rBTS|1\r", order);
      EXPECT_TRUE(IsBatch(batch));
      EXPECT_FALSE(IsBatch(bytes));
      const std::string part = Acknowledge(*message, AckCode::kAccept, {}, "G1", kNow);
      const std::array<std::string, 1> parts = {part.substr(mark.size())};
      for (const std::string& answer :
           {part,
            AcknowledgeUnreadable(mark + *Encode(heading + "xx\r", order), AckCode::kReject, error,
                                  "G1", kNow),
            AcknowledgeBatch(batch, parts, {}, "G1", kNow)}) {
        EXPECT_TRUE(answer.starts_with(mark));
        const auto text = DecodeStrict(answer, order);
        ASSERT_TRUE(text.ok());
        EXPECT_NE(text->find("|2.5||||||UNICODE UTF-16\rMSA|A"), text->npos) << *text;
        EXPECT_NE(text->find("|\xC3\x89\r"), text->npos) << *text;
        EXPECT_EQ(answer.size(),
                  (text->size() + (marked ? 1 : 0)) * 2 -
                      2 * static_cast<size_t>(std::count(text->begin(), text->end(), '\x89')));
      }
    }
  }
}

// A remark on what was taken is no error: a warning without a code of its own has code 0.
TEST(AcknowledgmentTest, WarnsOfAMessageThatIsAccepted) {
  const auto message = Message::Parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5\rPID|1\r", {});
  ASSERT_TRUE(message.ok());
  const std::array<Issue, 1> told = {Issue{Error{Code::kConflict, "it stands", "PID-3"}, 'W'}};
  const std::string answer = Acknowledge(*message, AckCode::kAccept, told, "G1", kNow);
  EXPECT_NE(answer.find("|0^Message accepted^HL70357|W|||"), answer.npos) << answer;
}

TEST(AcknowledgmentTest, AnswersTheUnreadableInTheModeItAsksFor) {
  struct Case {
    std::string name, bytes;
    bool accept, application;
  };
  const std::string start = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|77|P|2.5";
  const std::vector<Case> cases = {
      {"original mode", start + "\rxx\r", false, true},
      {"accept alone", start + "|||AL|NE\rxx\r", true, false},
      {"both, where refused", start + "|||ER|ER\rxx\r", true, true},
      {"where taken: never", start + "|||SU|SU\rxx\r", false, false},
      {"none", start + "|||NE|NE\rxx\r", false, false},
      {"wrong marks", "MSH|^^&|A|B|C|D|2026||ADT^A08|77|P|2.5|||AL|NE\rxx\r", true, false},
      {"no MSH", "xx|||AL|NE\r", false, true},
      {"UTF-16", *Encode(start + "|||AL|NE\rxx\r", Charset::kUtf16Le), true, false},
  };
  const Error error{Code::kInvalid, "not readable", "", 100};
  for (const Case& test : cases) {
    const AcksDue due = AcksDueForUnreadable(test.bytes, AckCode::kError);
    EXPECT_EQ(due.accept, test.accept) << test.name;
    EXPECT_EQ(due.application, test.application) << test.name;
  }
  EXPECT_NE(AcknowledgeUnreadable(cases[1].bytes, AckCode::kCommitError, error, "G1", kNow)
                .find("|2.5|||NE|NE\rMSA|CE|77\r"),
            std::string::npos);
}

TEST(AcknowledgmentTest, KnowsABatchBehindAMarkOrBlanks) {
  const std::string batch = "FHS|^~\\&|A|B|C|D|||||F1\rBHS|^~\\&|A|B|C|D|||||B1\rBTS|0\rFTS|1\r";
  for (const std::string lead : {"", "\n", " \t\r\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\r\n "}) {
    EXPECT_TRUE(IsBatch(lead + batch)) << lead;
    EXPECT_FALSE(IsBatch(lead + "MSH|^~\\&|A\rBHS|^~\\&|A\r")) << lead;
    const std::string answer = AcknowledgeBatch(lead + batch, {}, {}, "G1", kNow);
    EXPECT_TRUE(answer.starts_with("FHS|^~\\&|C|D|A|B|20260120100000+0000||||G1|F1\rBHS|"))
        << answer;
  }
  EXPECT_TRUE(IsBatch(*Encode("\r\n " + batch, Charset::kUtf16Be)));
}

TEST(AcknowledgmentTest, ChoosesCodes) {
  struct Case {
    Error error;
    int hl7_code;
    AckCode ack;
  };
  const std::vector<Case> cases = {
      {{Code::kInvalid, "", "", 101}, 101, AckCode::kError},
      {{Code::kInvalid, "", "", 0}, 102, AckCode::kError},
      {{Code::kUnsupported, "", "", 200}, 200, AckCode::kReject},
      {{Code::kInvalid, "", "", 201}, 201, AckCode::kReject},
      {{Code::kInvalid, "", "", 202}, 202, AckCode::kReject},
      {{Code::kNotFound, "", "", 0}, 204, AckCode::kError},
      {{Code::kConflict, "", "", 205}, 205, AckCode::kError},
      {{Code::kBusy, "", "", 0}, 207, AckCode::kReject},
      {{Code::kUnavailable, "", "", 0}, 207, AckCode::kReject},
      {{Code::kInternal, "", "", 207}, 207, AckCode::kReject},
      {{Code::kTooLarge, "", "", 0}, 207, AckCode::kError},
      {{Code::kUnprocessable, "", "", 0}, 207, AckCode::kError},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(Hl7CodeFor(test.error), test.hl7_code);
    EXPECT_EQ(AckCodeFor(test.error), test.ack) << test.hl7_code;
  }
}

TEST(AcknowledgmentTest, AnswersWhatItCannotRead) {
  struct Case {
    std::string name, bytes, first_lines;
  };
  const std::string plain = "MSH|^~\\&|||||20260120100000+0000||ACK^^ACK|G1|P|2.5.1\rMSA|AR|\r";
  const std::vector<Case> cases = {
      {"nothing", "", plain},
      {"no message", "hello", plain},
      {"broken delimiters", "MSH|AAAA|X\r",
       "MSH|^~\\&|||X||20260120100000+0000||ACK^^ACK|G1|P|2.5.1\rMSA|AR|\r"},
      {"delimiters named twice", "MSH|^^\\&|A|B|C|D|2026||ADT^A08|77|P|2.5\rPID|1\r",
       "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^^ACK|G1|P|2.5.1\rMSA|AR|77\r"},
      {"no encoding characters", "MSH#ab#A#B#C#D#2026##ADT#77#P#2.5\rPID#1\r",
       "MSH#^~\\&#C#D#A#B#20260120100000+0000##ACK^^ACK#G1#P#2.5.1\rMSA#AR#77\r"},
      {"a separator that is none", "MSHxabxA\r", plain},
      {"MSH is good, the rest is not", "MSH#*!$%#A#B#C#D#2026##PPP*PCC#77#P#2.5\rxx\r",
       "MSH#*!$%#C#D#A#B#20260120100000+0000##ACK*PCC*ACK#G1#P#2.5\rMSA#AR#77\r"},
      {"a BOM before it", "\xEF\xBB\xBFMSH|^~\\&|A|B|C|D|2026||ADT^A08|77|P|2.5\nxx\n",
       "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^A08^ACK|G1|P|2.5\rMSA|AR|77\r"},
      {"fields that cannot be trusted",
       "MSH|^~\\&|A\xFF|B\x01|C|D|2026||ADT^A08|77|P|2.5||||||KLINGON\rxx\r",
       "MSH|^~\\&|C|D|||20260120100000+0000||ACK^A08^ACK|G1|P|2.5\rMSA|AR|77\r"},
      {"a control id that cannot be trusted", "MSH|^~\\&|A|B|C|D|2026||ADT^A08|7\xFF|P|2.5\rxx\r",
       "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^A08^ACK|G1|P|2.5\rMSA|AR|7\xFF\r"},
      {"a control id with a control character", "MSH|^~\\&|A|B|C|D|2026||ADT^A08|7\x02|P|2.5\rxx\r",
       "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^A08^ACK|G1|P|2.5\rMSA|AR|\r"},
      {"a control id in a set that is not offered",
       "MSH|^~\\&|A|B|C|D|2026||ADT^A08|7\xC3\xA9|P|2.5||||||KLINGON\rPID|1|\xC3\xA9\r",
       "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^A08^ACK|G1|P|2.5||||||UNICODE UTF-8\r"
       "MSA|AR|7\xC3\xA9\r"},
  };
  const Error error{Code::kInvalid, "the message does not begin with an MSH segment", "MSH", 100};
  for (const Case& test : cases) {
    const std::string answer =
        AcknowledgeUnreadable(test.bytes, AckCode::kReject, error, "G1", kNow);
    EXPECT_EQ(answer.substr(0, test.first_lines.size()), test.first_lines) << test.name;
    EXPECT_TRUE(Message::Parse(answer, {}).ok()) << test.name;
    EXPECT_NE(answer.find("100"), answer.npos) << test.name;
  }
}

TEST(AcknowledgmentTest, GivesWhatTheEnhancedModeAsksFor) {
  struct Case {
    std::string accept, application;
    AcksDue taken, refused;
  };
  const std::vector<Case> cases = {
      {"", "", {false, true}, {false, true}},     {"AL", "NE", {true, false}, {true, false}},
      {"AL", "AL", {true, true}, {true, true}},   {"NE", "AL", {false, true}, {false, true}},
      {"", "AL", {false, true}, {false, true}},   {"ER", "SU", {false, true}, {true, false}},
      {"SU", "ER", {true, false}, {false, true}}, {"NE", "NE", {false, false}, {false, false}},
      {"?", "", {true, false}, {true, false}}};
  for (const Case& one : cases) {
    const auto message = Message::Parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5|||" + one.accept +
                                            "|" + one.application + "\rPID|1\r",
                                        {});
    ASSERT_TRUE(message.ok());
    for (const AckCode code : {AckCode::kAccept, AckCode::kError, AckCode::kReject}) {
      const AcksDue& expected = code == AckCode::kAccept ? one.taken : one.refused;
      const AcksDue due = AcksDueFor(*message, code);
      EXPECT_EQ(due.accept, expected.accept) << one.accept << "/" << one.application;
      EXPECT_EQ(due.application, expected.application) << one.accept << "/" << one.application;
    }
  }
  const auto asking =
      Message::Parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5|||AL|AL\rPID|1\r", ParseOptions{});
  ASSERT_TRUE(asking.ok());
  EXPECT_EQ(Acknowledge(*asking, AckCode::kCommitAccept, {}, "G1", kNow),
            "MSH|^~\\&|C|D|A|B|20260120100000+0000||ACK^A08^ACK|G1|P|2.5|||NE|NE\rMSA|CA|1\r")
      << "an answer asks for none";
  EXPECT_EQ(NameOf(CommitCodeFor(AckCode::kAccept)), "CA");
  EXPECT_EQ(NameOf(CommitCodeFor(AckCode::kError)), "CE");
  EXPECT_EQ(NameOf(CommitCodeFor(AckCode::kReject)), "CR");
}

}  // namespace
}  // namespace gw::hl7v2
