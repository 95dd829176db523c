#include "gateway/edge/mllp_sender.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>

#include <array>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::edge {
namespace {

Error Lost(const Poco::Exception& problem) {
  return Error{Code::kUnavailable, "the connection failed: " + std::string(problem.name()), "", 0};
}

}  // namespace

struct MllpSender::Connection {
  Poco::Net::StreamSocket socket;
  hl7v2::MllpDecoder decoder{Limits{}};
  std::vector<std::string> answers;
};

MllpSender::MllpSender(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

MllpSender::~MllpSender() = default;

Result<std::unique_ptr<MllpSender>> MllpSender::Connect(const std::string& host, uint16_t port,
                                                        uint32_t timeout_ms) {
  const Poco::Timespan timeout(static_cast<Poco::Timespan::TimeDiff>(timeout_ms) * 1000);
  try {
    auto connection = std::make_unique<Connection>();
    connection->socket.connect(Poco::Net::SocketAddress(host, port), timeout);
    connection->socket.setReceiveTimeout(timeout);
    connection->socket.setNoDelay(true);
    return std::unique_ptr<MllpSender>(new MllpSender(std::move(connection)));
  } catch (const Poco::Exception& problem) {
    return Lost(problem);
  }
}

Result<std::string> MllpSender::Send(std::string_view message) {
  const std::string frame = hl7v2::MllpFrame(message);
  std::string_view left = frame;
  std::array<char, 16 * 1024> buffer{};
  try {
    while (!left.empty()) {
      left.remove_prefix(static_cast<size_t>(
          connection_->socket.sendBytes(left.data(), static_cast<int>(left.size()))));
    }
    while (connection_->answers.empty()) {
      const int count =
          connection_->socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) {
        return Error{Code::kUnavailable, "the connection was closed before an answer came", "", 0};
      }
      GW_RETURN_IF_ERROR(connection_->decoder.Feed({buffer.data(), static_cast<size_t>(count)},
                                                   &connection_->answers));
    }
  } catch (const Poco::Exception& problem) {
    return Lost(problem);
  }
  std::string answer = std::move(connection_->answers.front());
  connection_->answers.erase(connection_->answers.begin());
  return answer;
}

}  // namespace gw::edge
