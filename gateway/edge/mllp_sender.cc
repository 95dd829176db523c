#include "gateway/edge/mllp_sender.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::edge {
namespace {

Error Lost(const Poco::Exception& problem) {
  return Error{Code::kUnavailable, "the connection failed: " + std::string(problem.name()), "", 0};
}

// MSA-1 of an answer to that message, empty where nobody can read it; nothing where it answers
// another one.
std::optional<std::string> AnswerCode(const std::string& answer, std::string_view control_id) {
  const Result<hl7v2::Message> read = hl7v2::Message::Parse(answer, {});
  if (!read) {
    return std::string();
  }
  const std::string of = read->Text({.segment = "MSA", .field = 2});
  if (!of.empty() && !control_id.empty() && of != control_id) {
    return std::nullopt;
  }
  return read->Text({.segment = "MSA", .field = 1});
}

// What an acknowledgment says of the work: of an accept acknowledgment what it would say in the
// original mode.
hl7v2::AckCode MeaningOf(std::string_view code) {
  if (code == "AA" || code == "CA") {
    return hl7v2::AckCode::kAccept;
  }
  return code == "AE" || code == "CE" ? hl7v2::AckCode::kError : hl7v2::AckCode::kReject;
}

// Whether nothing more is to come after this answer.
bool IsLast(const hl7v2::Message& message, std::string_view code) {
  const bool accept = code.starts_with("C");
  return !accept || !hl7v2::AcksDueFor(message, MeaningOf(code)).application;
}

bool IsAnswered(const hl7v2::Message& message) {
  for (const hl7v2::AckCode code : {hl7v2::AckCode::kAccept, hl7v2::AckCode::kReject}) {
    const hl7v2::AcksDue due = hl7v2::AcksDueFor(message, code);
    if (due.accept || due.application) {
      return true;
    }
  }
  return false;
}

// What cannot be read is refused, and answered where it asks for that.
bool IsAnsweredUnread(std::string_view message) {
  const hl7v2::AcksDue due = hl7v2::AcksDueForUnreadable(message, hl7v2::AckCode::kError);
  return due.accept || due.application;
}

}  // namespace

struct MllpSender::Connection {
  // The next frame that comes in.
  Result<std::string> Receive() {
    std::array<char, size_t{16} * 1024> buffer{};
    while (units.empty()) {
      const int count = socket.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) {
        return Error{Code::kUnavailable, "the connection was closed before an answer came", "", 0};
      }
      units = decoder.Feed({buffer.data(), static_cast<size_t>(count)});
    }
    hl7v2::MllpUnit unit = std::move(units.front());
    units.erase(units.begin());
    GW_RETURN_IF_ERROR(std::move(unit.fault));
    return std::move(unit.bytes);
  }

  Poco::Net::StreamSocket socket;
  hl7v2::MllpDecoder decoder{Limits{}};
  std::vector<hl7v2::MllpUnit> units;  // received and not yet looked at
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

Result<std::vector<std::string>> MllpSender::Send(std::string_view message) {
  if (message.find_first_of("\x0B\x1C") != message.npos) {
    return Error{Code::kUnprocessable, "a VT or FS inside the message: no frame can hold it",
                 "MLLP frame"};
  }
  const std::string frame = hl7v2::MllpFrame(message);
  std::string_view left = frame;
  const Result<hl7v2::Message> read = hl7v2::Message::Parse(std::string(message), {});
  const std::string control_id = read ? std::string(read->control_id()) : std::string();
  std::vector<std::string> answers;
  try {
    while (!left.empty()) {
      left.remove_prefix(static_cast<size_t>(
          connection_->socket.sendBytes(left.data(), static_cast<int>(left.size()))));
    }
    bool more = read ? IsAnswered(*read) : IsAnsweredUnread(message);
    while (more) {
      GW_TRY(std::string answer, connection_->Receive());
      if (const auto code = AnswerCode(answer, control_id)) {
        more = read && !IsLast(*read, *code);
        answers.push_back(std::move(answer));
      }
    }
  } catch (const Poco::Exception& problem) {
    return Lost(problem);
  }
  return answers;
}

}  // namespace gw::edge
