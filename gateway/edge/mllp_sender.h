#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gw::edge {

// One MLLP connection to another system. Not thread-safe.
class MllpSender {
 public:
  // Errors: kUnavailable where nobody listens.
  static Result<std::unique_ptr<MllpSender>> Connect(const std::string& host, uint16_t port,
                                                     uint32_t timeout_ms);
  ~MllpSender();
  // Sends a message and waits for its answers, in the mode that it asks for (MSH-15, MSH-16): the
  // accept acknowledgment, the application acknowledgment, or one after the other. Empty where it
  // asks for none. What answers another message (MSA-2) is passed over. Errors: kUnavailable
  // (connection lost, no answer in time), kInvalid (what came is no MLLP frame), kUnprocessable (a
  // VT or FS in the message: nothing of it is sent).
  Result<std::vector<std::string>> Send(std::string_view message);

 private:
  struct Connection;
  explicit MllpSender(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace gw::edge
