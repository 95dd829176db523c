// MLLP on real sockets: many connections, every message answered on its own connection, bad frames
// told.
#include "gateway/edge/mllp_listener.h"

#include <Poco/Net/StreamSocket.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "gateway/edge/mllp_sender.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"
#include "tests/flow/flow_testing.h"

namespace gw::edge {
namespace {

std::string Numbered(int number) {
  std::string text = flow::ProjectFile("tests/bench/care-plan.hl7");
  for (size_t at = text.find("@N@"); at != std::string::npos; at = text.find("@N@")) {
    text.replace(at, 3, std::to_string(number));
  }
  return text;
}

std::string Field(const std::string& answer, const std::string& segment, uint32_t field) {
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer, {});
  return message ? message->Text({.segment = segment, .field = field}) : "unreadable";
}

// A message of nobody we know, which is quickly refused.
std::string Bad(size_t number) {
  return "MSH|^~\\&|NOBODY|X|C|D|20260120100000||ADT^A01|N" + std::to_string(number) + "|P|2.5.1\r";
}

class MllpListenerTest : public testing::Test {
 protected:
  MllpListenerTest() : gateway(folder.Path("gateway")) {}
  void Start(MllpOptions options) { listener = *MllpListener::Start(options, &gateway.ingest()); }

  TempFolder folder;
  flow::TestGateway gateway;
  std::unique_ptr<MllpListener> listener;
};

TEST_F(MllpListenerTest, ManyConnectionsEachGetTheAnswerToTheirOwnMessage) {
  Start({});
  std::vector<std::thread> senders;
  std::atomic<int> right = 0;
  for (int sender = 0; sender < 6; ++sender) {
    senders.emplace_back([&, sender] {
      auto connection = MllpSender::Connect("127.0.0.1", listener->port(), 30'000);
      for (int message = 0; connection && message < 5; ++message) {
        const int number = sender * 100 + message;
        const auto answers = (*connection)->Send(Numbered(number));
        const bool own = answers && answers->size() == 1 &&
                         Field(answers->front(), "MSA", 1) == "AA" &&
                         Field(answers->front(), "MSA", 2) == "B" + std::to_string(number);
        EXPECT_TRUE(own) << (answers ? "not its own answer" : answers.error().detail);
        right += own ? 1 : 0;
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  EXPECT_EQ(right, 30);
  EXPECT_EQ(gateway.Records().size(), 30u);
}

// All the bytes at once on one connection; as many answers as `count`, in the order in which they
// came.
std::vector<std::string> AnswersTo(uint16_t port, const std::string& bytes, size_t count) {
  Poco::Net::StreamSocket socket;
  socket.connect(Poco::Net::SocketAddress("127.0.0.1", port));
  socket.setReceiveTimeout(Poco::Timespan(30, 0));
  socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
  hl7v2::MllpDecoder decoder{Limits{}};
  std::vector<std::string> answers;
  std::array<char, 4096> buffer{};
  while (answers.size() < count) {
    const int received = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
    if (received <= 0) {
      break;
    }
    for (hl7v2::MllpUnit& unit : decoder.Feed({buffer.data(), static_cast<size_t>(received)})) {
      EXPECT_TRUE(unit.fault.ok());
      answers.push_back(std::move(unit.bytes));
    }
  }
  return answers;
}

std::vector<std::string> Pipelined(uint16_t port, const std::vector<std::string>& messages,
                                   size_t count) {
  std::string bytes;
  for (const std::string& message : messages) {
    bytes += hl7v2::MllpFrame(message);
  }
  return AnswersTo(port, bytes, count);
}

// "CA B1" of each.
std::vector<std::string> Told(const std::vector<std::string>& answers) {
  std::vector<std::string> told;
  for (const std::string& answer : answers) {
    told.push_back(Field(answer, "MSA", 1) + " " + Field(answer, "MSA", 2));
  }
  return told;
}

// The message with MSH-15 and MSH-16 set.
std::string Asking(const std::string& accept, const std::string& application, int number,
                   bool good = true) {
  std::string text = Numbered(number);
  const size_t end = text.find('\r');
  std::string line = text.substr(0, end);
  std::vector<std::string> fields;
  for (size_t at = 0; at <= line.size();) {
    const size_t bar = std::min(line.find('|', at), line.size());
    fields.push_back(line.substr(at, bar - at));
    at = bar + 1;
  }
  fields.resize(std::max<size_t>(fields.size(), 16));
  fields[14] = accept;
  fields[15] = application;
  line.clear();
  for (const std::string& field : fields) {
    line += (line.empty() ? "" : "|") + field;
  }
  if (!good) {
    line.replace(line.find("|P|2."), 3, "|T|");
  }
  return line + text.substr(end);
}

TEST_F(MllpListenerTest, PipelinedMessagesAreAnsweredInOrder) {
  Start({});
  const auto answers =
      Pipelined(listener->port(), {Numbered(1), Numbered(2), Numbered(3), Numbered(4)}, 4);
  EXPECT_EQ(Told(answers), (std::vector<std::string>{"AA B1", "AA B2", "AA B3", "AA B4"}));
}

// A frame that never ended, or has no CR at its end, is answered as itself, in its place; what
// stands whole after it is taken, and no message is answered twice.
TEST_F(MllpListenerTest, ABrokenFrameIsAnsweredInItsPlaceUnderItsOwnControlId) {
  Start({});
  const std::string bytes = "\x0b" + Numbered(1).substr(0, 120) + hl7v2::MllpFrame(Numbered(2)) +
                            "\x0b" + Numbered(3) + "\x1c" + hl7v2::MllpFrame(Numbered(4));
  EXPECT_EQ(Told(AnswersTo(listener->port(), bytes, 4)),
            (std::vector<std::string>{"AE B1", "AA B2", "AE B3", "AA B4"}));
  EXPECT_EQ(gateway.Records().size(), 4u);
}

// HL7 v2.9 section 2.10.3. Each message is taken by itself: one that is refused stops no other.
TEST_F(MllpListenerTest, ABatchIsAnsweredByABatch) {
  Start({});
  const std::string batch =
      "FHS|^~\\&|A|B|C|D|20260804||goals.hl7||FILE1\rBHS|^~\\&|A|B|C|D|20260804||||"
      "BATCH1\r" +
      Numbered(1) + Asking("", "", 2, false) + Numbered(3) + "BTS|4\rFTS|1\r";
  const auto answers = AnswersTo(listener->port(), hl7v2::MllpFrame(batch), 1);
  ASSERT_EQ(answers.size(), 1u);
  std::vector<std::string> warnings;
  const auto inside = hl7v2::SplitMessages(answers[0], &warnings);
  ASSERT_TRUE(inside);
  EXPECT_TRUE(warnings.empty()) << "it counts what it holds";
  EXPECT_EQ(Told({inside->begin(), inside->end()}),
            (std::vector<std::string>{"AA B1", "AR B2", "AA B3"}));
  EXPECT_TRUE(answers[0].starts_with("FHS|^~\\&|C|D|A|B|")) << answers[0];
  EXPECT_NE(answers[0].find("|FILE1\rBHS|"), std::string::npos) << answers[0];
  EXPECT_NE(answers[0].find("|BATCH1\rMSH|"), std::string::npos) << answers[0];
  EXPECT_NE(answers[0].find("\rBTS|3|BTS-1 does not count the messages of its batch\rFTS|1\r"),
            std::string::npos)
      << answers[0];
}

// HL7 v2.9 section 2.9.3, table 0155: the accept acknowledgment first, then that of the
// application, of each message before those of the next.
TEST_F(MllpListenerTest, TheEnhancedModeGetsBothAcknowledgmentsInOrder) {
  Start({});
  const auto answers = Pipelined(
      listener->port(),
      {Asking("AL", "AL", 1), Asking("AL", "NE", 2), Numbered(3), Asking("NE", "AL", 4),
       Asking("NE", "NE", 5), Asking("AL", "AL", 6, false), Asking("ER", "SU", 7),
       Asking("ER", "SU", 8, false), Asking("SU", "ER", 9), Asking("SU", "ER", 10, false),
       Asking("SU", "SU", 11, false), Asking("", "AL", 12), Asking("AL", "", 13), Numbered(14)},
      14);
  EXPECT_EQ(Told(answers), (std::vector<std::string>{"CA B1", "AA B1", "CA B2", "AA B3", "AA B4",
                                                     "CR B6", "AR B6", "AA B7", "CR B8", "CA B9",
                                                     "AR B10", "AA B12", "CA B13", "AA B14"}));
  for (const std::string& answer : answers) {
    const bool original = Field(answer, "MSA", 2) == "B3" || Field(answer, "MSA", 2) == "B14";
    EXPECT_EQ(Field(answer, "MSH", 15), original ? "" : "NE") << "an answer is not answered";
    EXPECT_EQ(Field(answer, "MSH", 16), original ? "" : "NE");
  }
}

TEST_F(MllpListenerTest, AnAcknowledgmentIsNeverAnswered) {
  Start({});
  const std::string ack = "MSH|^~\\&|X|Y|||20260120100000||ACK|99|P|2.5.1\rMSA|CA|B1\r";
  EXPECT_EQ(Told(Pipelined(listener->port(), {ack, Numbered(1)}, 1)),
            std::vector<std::string>{"AA B1"});
  EXPECT_EQ(gateway.Records().size(), 1u) << "it changes nothing and asks for nothing";
}

TEST_F(MllpListenerTest, ASenderWaitsForWhatItAskedFor) {
  Start({});
  auto connection = MllpSender::Connect("127.0.0.1", listener->port(), 30'000);
  ASSERT_TRUE(connection);
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {Asking("AL", "AL", 1), {"CA B1", "AA B1"}},
      {Asking("AL", "NE", 2), {"CA B2"}},
      {Asking("NE", "NE", 3), {}},
      {Asking("NE", "AL", 4), {"AA B4"}},
      {Asking("AL", "SU", 5, false), {"CR B5"}},
      {Asking("AL", "ER", 6, false), {"CR B6", "AR B6"}},
      {Numbered(7), {"AA B7"}}};
  for (const auto& [message, told] : cases) {
    const auto answers = (*connection)->Send(message);
    ASSERT_TRUE(answers) << answers.error().detail;
    EXPECT_EQ(Told(*answers), told);
  }
}

// Half of it would be taken for the whole.
TEST_F(MllpListenerTest, ASenderSendsNothingThatNoFrameCanHold) {
  Start({});
  auto connection = MllpSender::Connect("127.0.0.1", listener->port(), 30'000);
  ASSERT_TRUE(connection);
  for (const std::string byte : {"\x0B", "\x1C"}) {
    const auto refused = (*connection)->Send(Numbered(1) + "NTE|1||a" + byte + "b\r");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kUnprocessable);
  }
  EXPECT_TRUE((*connection)->Send("MSH|^~\\&|X|Y|||20260120100000||ADT^A28|9|P|2.5|||NE|NE\rxx\r"))
      << "it asks for no answer, and none is waited for";
  const auto answers = (*connection)->Send(Numbered(2));
  ASSERT_TRUE(answers) << answers.error().detail;
  EXPECT_EQ(Told(*answers), std::vector<std::string>{"AA B2"});
  EXPECT_EQ(gateway.Records().size(), 2u);
}

TEST_F(MllpListenerTest, WhatIsNoFrameIsAnsweredKeptAndTheConnectionClosed) {
  MllpOptions options;
  options.limits.body_bytes_max = 10'000;
  Start(options);
  const std::vector<std::string> bad = {"GET / HTTP/1.1\r\n\r\n", "\x0b" + std::string(20'000, 'x'),
                                        "\x0bMSH|^~\\&|A|B\x1cX"};
  for (const std::string& bytes : bad) {
    const size_t entries = gateway.Records().size();
    Poco::Net::StreamSocket socket;
    socket.connect(Poco::Net::SocketAddress("127.0.0.1", listener->port()));
    socket.setReceiveTimeout(Poco::Timespan(10, 0));
    socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    std::string answer;
    std::array<char, 4096> buffer{};
    int count = 0;
    try {
      while ((count = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()))) > 0) {
        answer.append(buffer.data(), static_cast<size_t>(count));
      }
    } catch (const Poco::Exception&) {
      // A reset, where bytes of ours were left unread: closed all the same.
    }
    EXPECT_NE(answer.find("MSA|A"), std::string::npos) << bytes.substr(0, 20) << " -> " << answer;
    EXPECT_EQ(gateway.Records().size(), entries + 1);
  }
}

// Each read ends within a frame: the stream goes on as long as frames do.
TEST_F(MllpListenerTest, AStreamThatNeverPausesIsNotCut) {
  MllpOptions options;
  options.frame_deadline_ms = 700;
  Start(options);
  Poco::Net::StreamSocket socket;
  socket.connect(Poco::Net::SocketAddress("127.0.0.1", listener->port()));
  socket.setReceiveTimeout(Poco::Timespan(10, 0));
  constexpr size_t kMessages = 8;
  std::string rest;
  for (size_t i = 0; i <= kMessages; ++i) {
    const std::string frame = i < kMessages ? hl7v2::MllpFrame(Bad(i)) : "";
    const std::string bytes = rest + frame.substr(0, frame.size() / 2);
    rest = frame.substr(frame.size() / 2);
    socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  hl7v2::MllpDecoder decoder{Limits{}};
  std::array<char, 4096> buffer{};
  size_t answers = 0;
  while (answers < kMessages) {
    const int count = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
    ASSERT_GT(count, 0) << "cut after " << answers;
    answers += decoder.Feed({buffer.data(), static_cast<size_t>(count)}).size();
  }
}

TEST_F(MllpListenerTest, AFrameThatIsCutOffIsAnsweredAndKept) {
  MllpOptions options;
  options.frame_deadline_ms = 300;
  Start(options);
  const std::string half = "\x0b" + Numbered(1).substr(0, 120);
  EXPECT_EQ(Told(AnswersTo(listener->port(), half, 1)), std::vector<std::string>{"AE B1"})
      << "past its deadline";
  ASSERT_EQ(gateway.Records().size(), 1u);
  EXPECT_NE(gateway.Records().back().reason.find("did not end in time"), std::string::npos);
  {
    Poco::Net::StreamSocket socket;
    socket.connect(Poco::Net::SocketAddress("127.0.0.1", listener->port()));
    socket.sendBytes(half.data(), static_cast<int>(half.size()));
    socket.shutdownSend();
    socket.setReceiveTimeout(Poco::Timespan(10, 0));
    std::array<char, 4096> buffer{};
    EXPECT_GT(socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size())), 0);
  }
  ASSERT_EQ(gateway.Records().size(), 2u);
  EXPECT_NE(gateway.Records().back().reason.find("the connection ended"), std::string::npos);
  EXPECT_EQ(gateway.parts().store.archive().Causes(std::nullopt)->size(), 1u);
}

// Who sends and never reads holds up neither its thread nor the end.
TEST_F(MllpListenerTest, AnAnswerThatNobodyReadsEndsTheConnection) {
  MllpOptions options;
  options.frame_deadline_ms = 300;
  Start(options);
  Poco::Net::StreamSocket socket;
  socket.init(AF_INET);
  socket.setReceiveBufferSize(4096);
  socket.connect(Poco::Net::SocketAddress("127.0.0.1", listener->port()));
  socket.setSendTimeout(Poco::Timespan(5, 0));
  // Each is answered with its own control id.
  const std::string frame =
      hl7v2::MllpFrame("MSH|^~\\&|A|B|C|D|2026||ADT^A01|" + std::string(400'000, 'x') + "|P|2.5\r");
  bool ended = false;
  for (int i = 0; i < 100 && !ended; ++i) {
    try {
      std::string_view bytes = frame;
      while (!bytes.empty()) {
        bytes.remove_prefix(
            static_cast<size_t>(socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()))));
      }
    } catch (const Poco::TimeoutException&) {
      break;
    } catch (const Poco::Exception&) {
      ended = true;
    }
  }
  EXPECT_TRUE(ended);
  const auto before = std::chrono::steady_clock::now();
  listener.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(MllpListenerTest, OnlyListedPeersMayConnect) {
  MllpOptions options;
  options.peers = {"192.0.2.1"};
  Start(options);
  auto connection = MllpSender::Connect("127.0.0.1", listener->port(), 3'000);
  EXPECT_FALSE(connection && (*connection)->Send(Numbered(1)));
  EXPECT_TRUE(gateway.Records().empty());
}

}  // namespace
}  // namespace gw::edge
