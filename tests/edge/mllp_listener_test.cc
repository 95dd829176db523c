// MLLP on real sockets: many connections, every message answered on its own connection, bad frames
// told.
#include "gateway/edge/mllp_listener.h"

#include <Poco/Net/StreamSocket.h>
#include <gtest/gtest.h>

#include <array>
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
        const Result<std::string> answer = (*connection)->Send(Numbered(number));
        const bool own = answer && Field(*answer, "MSA", 1) == "AA" &&
                         Field(*answer, "MSA", 2) == "B" + std::to_string(number);
        EXPECT_TRUE(own) << (answer ? *answer : answer.error().detail);
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

TEST_F(MllpListenerTest, PipelinedMessagesAreAnsweredInOrder) {
  Start({});
  Poco::Net::StreamSocket socket;
  socket.connect(Poco::Net::SocketAddress("127.0.0.1", listener->port()));
  std::string bytes;
  for (int number = 1; number <= 4; ++number) {
    bytes += hl7v2::MllpFrame(Numbered(number));
  }
  socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
  hl7v2::MllpDecoder decoder{Limits{}};
  std::vector<std::string> answers;
  std::array<char, 4096> buffer{};
  while (answers.size() < 4) {
    const int count = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
    ASSERT_GT(count, 0);
    ASSERT_TRUE(decoder.Feed({buffer.data(), static_cast<size_t>(count)}, &answers));
  }
  for (int number = 1; number <= 4; ++number) {
    EXPECT_EQ(Field(answers[static_cast<size_t>(number - 1)], "MSA", 2),
              "B" + std::to_string(number));
  }
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
