#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/flow/ingest.h"

namespace gw::edge {

struct MllpOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;               // 0: any free one
  uint32_t connections = 64;       // one thread each; more wait, then are closed
  std::vector<std::string> peers;  // addresses that may connect; empty: loopback only
  // From a frame's first byte, or the answer to the one before, to its last byte; and for the
  // sender to take the answers to one.
  uint32_t frame_deadline_ms = 30'000;
  uint32_t idle_deadline_ms = 600'000;  // without a frame
  Limits limits;
};

// Takes HL7 v2 messages over MLLP: many connections, each message answered before the next of its
// connection is taken, so that an answer never goes to the wrong one. In the enhanced mode the
// accept acknowledgment goes first and the application acknowledgment after it, on the connection
// that the message came on, each as MSH-15 and MSH-16 ask (HL7 v2.9 section 2.9.3). A frame that is
// cut off, by the connection's end or its deadline, is refused like any other and kept. Who does
// not take its answers in time is cut off. Stops when destroyed: no new frame is taken, the one in
// hand is answered.
class MllpListener {
 public:
  // Errors: kUnavailable where it cannot listen.
  static Result<std::unique_ptr<MllpListener>> Start(const MllpOptions& options,
                                                     flow::Ingest* ingest);
  ~MllpListener();
  uint16_t port() const;

 private:
  struct Server;
  explicit MllpListener(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace gw::edge
