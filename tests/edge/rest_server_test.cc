// HTTP framing on real sockets: what POCO 1.11 lets pass (pitfalls P1 to P10) must not get through.
#include "gateway/edge/rest_server.h"

#include <Poco/Net/StreamSocket.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>

#include "tests/flow/flow_testing.h"

namespace gw::edge {
namespace {

class RestServerTest : public testing::Test {
 protected:
  RestServerTest() : gateway(folder.Path("gateway")) {
    RestOptions options;
    options.header_deadline_ms = 1500;
    options.request_deadline_ms = 1500;
    options.connections = 16;
    server = *RestServer::Bind(options);
    server->Serve(&gateway.exchange());
  }

  Poco::Net::StreamSocket Connect() {
    Poco::Net::StreamSocket socket;
    socket.connect(Poco::Net::SocketAddress("127.0.0.1", server->port()));
    socket.setReceiveTimeout(Poco::Timespan(8, 0));
    return socket;
  }

  // All that comes back until the other side closes, or nothing comes for a while.
  static std::string ReceiveAll(Poco::Net::StreamSocket socket, int wait_ms = 400) {
    std::string all;
    std::array<char, 4096> buffer{};
    while (socket.poll(Poco::Timespan(0, wait_ms * 1000), Poco::Net::Socket::SELECT_READ)) {
      const int count = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) {
        break;
      }
      all.append(buffer.data(), static_cast<size_t>(count));
    }
    return all;
  }

  std::string Send(const std::string& bytes) {
    Poco::Net::StreamSocket socket = Connect();
    socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    return ReceiveAll(socket);
  }

  static size_t AnswersIn(const std::string& text) {
    size_t answers = 0;
    for (size_t at = text.find("HTTP/1.1 "); at != std::string::npos;
         at = text.find("HTTP/1.1 ", at + 1)) {
      ++answers;
    }
    return answers;
  }

  TempFolder folder;
  flow::TestGateway gateway;
  std::unique_ptr<RestServer> server;
};

TEST_F(RestServerTest, BadFramingIsRefusedOnceAndTheConnectionCloses) {
  const std::string smuggled = "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n";
  struct Case {
    std::string name, bytes, status;
  };
  const std::vector<Case> cases = {
      {"no host", "GET /fhir/metadata HTTP/1.1\r\n\r\n", "400"},
      {"two hosts", "GET /fhir/metadata HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"chunked",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "501"},
      {"gzip, chunked",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" +
           smuggled,
       "501"},
      {"both lengths",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: "
       "chunked\r\n\r\n" +
           smuggled,
       "400"},
      {"two lengths",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n" +
           smuggled,
       "400"},
      {"negative",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + smuggled, "400"},
      {"plus", "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n" + smuggled,
       "400"},
      {"no number",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n" + smuggled, "400"},
      {"no header",
       "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n" + std::string(9000, 'n') + "\r\n\r\n", "400"},
      {"no request line", std::string(4000, 'G') + "\r\n\r\n" + smuggled, "400"},
      {"comma", "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: 1,0\r\n\r\n" + smuggled,
       "400"},
      {"no length", "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\n\r\n", "411"},
      {"none needed", "POST /admin/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "401"},
      {"too large",
       "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + smuggled,
       "413"},
      {"encoded word",
       "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-Request-Id: =?utf-8?Q?=0D=0AX-Evil:1?=\r\n\r\n",
       "400"},
      {"absolute form", "GET http://x/fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
  };
  for (const Case& one : cases) {
    const size_t entries = gateway.Records().size();
    const std::string answer = Send(one.bytes);
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + one.status) << one.name << "\n" << answer;
    EXPECT_EQ(AnswersIn(answer), 1u) << one.name << ": an unread body became the next request";
    EXPECT_EQ(gateway.Records().size(), entries + 1) << one.name << ": not logged";
  }
}

TEST_F(RestServerTest, AnUnreadBodyOfARefusedRequestIsNotTheNextRequest) {
  const std::string inner = "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string outer = "GET /fhir/CarePlan/1 HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                            std::to_string(inner.size()) + "\r\n\r\n" + inner;
  const std::string answer = Send(outer);
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 401");
  EXPECT_EQ(AnswersIn(answer), 1u) << answer;
}

TEST_F(RestServerTest, ABodyShorterThanItsLengthStoresNothing) {
  Poco::Net::StreamSocket socket = Connect();
  const std::string bytes =
      "POST /fhir/CarePlan HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
      "Content-Length: 100\r\n\r\n{}";
  socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
  socket.shutdownSend();
  EXPECT_EQ(ReceiveAll(socket).substr(0, 12), "HTTP/1.1 400");
}

TEST_F(RestServerTest, RequestsOfOneConnectionAreAnsweredInOrder) {
  const std::string one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answer = Send(one + one + one);
  EXPECT_EQ(AnswersIn(answer), 3u) << answer;
}

TEST_F(RestServerTest, AnswersInTheFormatThatIsAsked) {
  struct Case {
    std::string target, header, status, type, starts;
  };
  const std::string json = "application/fhir+json; charset=utf-8";
  const std::string xml = "application/fhir+xml; charset=utf-8";
  const std::vector<Case> cases = {
      {"/fhir/metadata", "", "200", json, "{\"resourceType\":\"CapabilityStatement\""},
      {"/fhir/metadata", "Accept: application/fhir+xml\r\n", "200", xml, "<?xml"},
      {"/fhir/metadata?_format=xml", "Accept: application/fhir+json\r\n", "200", xml, "<?xml"},
      {"/fhir/metadata", "Accept: text/html\r\nAccept: text/xml;q=0.2\r\n", "200", xml, "<?xml"},
      {"/fhir/metadata", "Accept: text/html\r\n", "406", json,
       "{\"resourceType\":\"OperationOutcome\""},
      {"/fhir/CarePlan/1", "Accept: application/fhir+xml\r\n", "401", xml, "<?xml"},
      // A request whose framing is refused.
      {"/fhir/CarePlan?_format=xml", "Content-Length: +5\r\n", "400", xml, "<?xml"},
  };
  for (const Case& one : cases) {
    const std::string answer =
        Send("GET " + one.target + " HTTP/1.1\r\nHost: x\r\n" + one.header + "\r\n");
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + one.status) << answer;
    EXPECT_NE(answer.find("Content-Type: " + one.type + "\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Vary: Authorization, Accept\r\n"), std::string::npos);
    const size_t body = answer.find("\r\n\r\n");
    ASSERT_NE(body, std::string::npos);
    EXPECT_EQ(answer.substr(body + 4, one.starts.size()), one.starts) << answer;
  }
}

TEST_F(RestServerTest, APatchComesWhole) {
  gateway.Put(R"({"resourceType":"Patient","id":"p1"})");
  gateway.Put(R"({"resourceType":"Organization","id":"surgery","identifier":[
    {"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9902"}]})");
  gateway.Put(R"({"resourceType":"CarePlan","id":"plan1","status":"active","intent":"plan",
    "subject":{"reference":"Patient/p1"}})");
  const std::string patch = R"([{"op":"replace","path":"/status","value":"completed"}])";
  const rest::Request asked = gateway.Ask("PATCH", "/fhir/CarePlan/plan1", flow::Caller());
  const std::string answer =
      Send("PATCH /fhir/CarePlan/plan1 HTTP/1.1\r\nHost: x\r\nAuthorization: " +
           std::string(asked.Header("authorization")) +
           "\r\nIf-Match: W/\"1\"\r\nContent-Type: application/json-patch+json\r\n"
           "Content-Length: " +
           std::to_string(patch.size()) + "\r\n\r\n" + patch);
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 200") << answer;
  EXPECT_NE(answer.find("ETag: W/\"2\""), std::string::npos) << answer;
  EXPECT_NE(answer.find("\"status\":\"completed\""), std::string::npos) << answer;
}

TEST_F(RestServerTest, AByteASecondIsCutAtTheDeadline) {
  Poco::Net::StreamSocket slow = Connect();
  const auto start = std::chrono::steady_clock::now();
  const std::string bytes =
      "GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaa";
  bool cut = false;
  for (const char c : bytes) {
    try {
      slow.sendBytes(&c, 1);
      if (slow.poll(Poco::Timespan(0, 100'000), Poco::Net::Socket::SELECT_READ)) {
        cut = true;
        break;
      }
    } catch (const Poco::Exception&) {
      cut = true;
      break;
    }
  }
  const auto taken = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(cut);
  EXPECT_LT(taken, std::chrono::seconds(5));
  EXPECT_EQ(Send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
}

}  // namespace
}  // namespace gw::edge
