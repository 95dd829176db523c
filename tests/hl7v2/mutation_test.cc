// Broken messages must be refused or read, never crash: run it under the asan preset.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::hl7v2 {
namespace {

const std::vector<std::string>& Seeds() {
  static const std::vector<std::string> seeds = {
      "MSH|^~\\&|ASCCASE|X9903|CAREGW|X9900|20260120||PPP^PCB^PPP_PCB|C1|P|2.5.1||||||UNICODE "
      "UTF-8\rPID|1||H1^^^X9901^MR~9991001018^^^NHS^NH||Smith^Zo\xC3\xAB\rPTH|AD|1^Plan \\T\\ "
      "more^SCT|P1^A|20260115133000+0000\rNTE|1||a\\.br\\b\\X0D\\c\rROL|R1|AD|PP|N1^A~N2^B\r",
      "MSH#*!$%#A#B#C#D#2026##ADT*A08#1#P#2.3\nPID#1##9991007075***NHS*NH!A-1\n\nZPI#1#x\n",
      "\xEF\xBB\xBFMSH|^~\\&|A|B|C|D|2026||ADT^A31|1|P|2.8||||||8859/1\r\nNTE|1||Zo\xEB \x80\r\n",
      "FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4\rBTS|1\rFTS|1\r",
  };
  return seeds;
}

std::string Mutate(std::string text, std::mt19937* random) {
  const std::string special("|^~\\&\r\n\x0B\x1C\xFF\xC3\"MSHX.[]", 20);
  const auto at = [&] { return text.empty() ? 0 : (*random)() % text.size(); };
  for (size_t changes = 1 + (*random)() % 6; changes > 0; --changes) {
    switch ((*random)() % 5) {
      case 0:
        text.erase(at(), 1 + (*random)() % 4);
        break;
      case 1:
        text.insert(at(), 1, special[(*random)() % special.size()]);
        break;
      case 2:
        text.insert(at(), 1, static_cast<char>((*random)() % 256));
        break;
      case 3:
        text = text.substr(0, at());
        break;
      default:
        text.insert(at(), text.substr(at(), (*random)() % 20));
    }
  }
  return text;
}

// Reads every place of a message, those that do not exist too.
size_t ReadAll(const Message& message) {
  size_t bytes = 0;
  for (const Segment& segment : message.segments()) {
    for (uint32_t field = 0; field <= segment.fields.size() + 1; ++field) {
      for (uint32_t part = 0; part < 3; ++part) {
        bytes += message.Text({std::string(segment.name), 1, field, part, part, part}).size();
      }
    }
  }
  return bytes + message.structure().size();
}

TEST(MutationTest, TwentyThousandBrokenMessages) {
  std::mt19937 random(20260120);
  size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = Mutate(Seeds()[random() % Seeds().size()], &random);
    const auto message = Message::Parse(bytes, {});
    if (message) {
      ++read;
      ReadAll(*message);
      const auto answer = Message::Parse(
          Acknowledge(*message, AckCode::kAccept, {}, "G1", Instant{}), ParseOptions{});
      EXPECT_TRUE(answer.ok()) << round;
    } else {
      EXPECT_FALSE(message.error().detail.empty());
      const std::string answer =
          AcknowledgeUnreadable(bytes, AckCode::kReject, message.error(), "G1", Instant{});
      EXPECT_TRUE(Message::Parse(answer, {}).ok()) << round;
    }
    std::vector<std::string> warnings;
    MllpDecoder decoder((Limits()));
    static_cast<void>(decoder.Feed(bytes));
    static_cast<void>(SplitMessages(bytes, &warnings));
  }
  // Most mutations leave a message that can be read; if not, the test looks at refusals only.
  EXPECT_GT(read, 2'000U);
}

}  // namespace
}  // namespace gw::hl7v2
