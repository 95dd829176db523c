#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/flow/exchange.h"

namespace gw::edge {

struct RestOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;           // 0: any free one
  uint32_t connections = 256;  // threads: each connection has one, idle ones too
  uint32_t header_deadline_ms =
      10'000;  // from the connection, or the last answer, to the end of the header
  uint32_t request_deadline_ms = 30'000;  // from the header's end to the answer's
  Limits limits;
};

// HTTP/1.1 on POCO, framing checked before anything is believed: what POCO 1.11 lets pass (pitfalls
// P1 to P10) is refused here, with the connection closed so that no unread body becomes the next
// request. Stops when destroyed: requests in hand are answered.
class RestServer {
 public:
  // Takes the port; connections wait until Serve(). Errors: kUnavailable where it cannot listen.
  static Result<std::unique_ptr<RestServer>> Bind(const RestOptions& options);
  void Serve(flow::Exchange* exchange);
  ~RestServer();
  uint16_t port() const;

 private:
  struct Server;
  explicit RestServer(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace gw::edge
