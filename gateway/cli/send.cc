#include <charconv>
#include <cstdio>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/edge/mllp_sender.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;
constexpr uint32_t kTimeoutMs = 30'000;

struct Target {
  std::string host;
  uint16_t port = 0;
};

bool ParseTarget(std::string_view text, Target* target) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return false;
  }
  target->host = std::string(text.substr(0, colon));
  const std::string_view port = text.substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), target->port);
  return problem == std::errc() && end == port.data() + port.size() && target->port != 0;
}

// The control id, code and first error text of an acknowledgment, as one line. False unless it is
// an AA.
bool PrintAnswer(const std::string& answer) {
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer, {});
  if (!message) {
    PrintError("the answer is no HL7 v2 message");
    return false;
  }
  const std::string code = message->Text({.segment = "MSA", .field = 1});
  std::string text = message->Text({.segment = "ERR", .field = 8});
  if (text.empty()) {
    text = message->Text({.segment = "MSA", .field = 3});
  }
  std::string line;
  JsonWriter(&line)
      .ObjectStart()
      .Member("control_id", message->Text({.segment = "MSA", .field = 2}))
      .Member("ack", code)
      .Member("text", text)
      .ObjectEnd();
  std::printf("%s\n", line.c_str());
  return code == "AA" || code == "CA";
}

int SendFile(const std::string& path, edge::MllpSender* sender) {
  const Result<std::string> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return kCannotRun;
  }
  std::vector<std::string> warnings;
  const auto messages = hl7v2::SplitMessages(*bytes, &warnings);
  if (!messages) {
    PrintError(path + ": " + Describe(messages.error()));
    return kRefused;
  }
  for (const std::string& warning : warnings) {
    PrintError(std::string(path).append(": ").append(warning));
  }
  int result = kDone;
  for (const std::string_view message : *messages) {
    const Result<std::vector<std::string>> answers = sender->Send(message);
    if (!answers) {
      PrintError(Describe(answers.error()));
      if (answers.error().code != Code::kUnprocessable) {
        return kCannotRun;
      }
      result = kRefused;
      continue;
    }
    for (const std::string& answer : *answers) {
      result = PrintAnswer(answer) ? result : kRefused;
    }
  }
  return result;
}

}  // namespace

int Send(Arguments arguments) {
  std::string unknown;
  const std::vector<std::string> operands = arguments.Operands(&unknown);
  Target target;
  if (!unknown.empty() || operands.size() < 2 || !ParseTarget(operands[0], &target)) {
    return Usage("send");
  }
  Result<std::unique_ptr<edge::MllpSender>> sender =
      edge::MllpSender::Connect(target.host, target.port, kTimeoutMs);
  if (!sender) {
    PrintError(Describe(sender.error()));
    return kCannotRun;
  }
  int result = kDone;
  for (size_t index = 1; index < operands.size(); ++index) {
    result = std::max(result, SendFile(operands[index], sender->get()));
  }
  return result;
}

}  // namespace gw::cli
