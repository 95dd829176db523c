#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace gw::edge {

// One MLLP connection to another system. Not thread-safe.
class MllpSender {
 public:
  // Errors: kUnavailable where nobody listens.
  static Result<std::unique_ptr<MllpSender>> Connect(const std::string& host, uint16_t port,
                                                     uint32_t timeout_ms);
  ~MllpSender();
  // Sends a message and waits for its answer. Errors: kUnavailable (connection lost, no answer in
  // time), kInvalid (what came is no MLLP frame).
  Result<std::string> Send(std::string_view message);

 private:
  struct Connection;
  explicit MllpSender(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace gw::edge
