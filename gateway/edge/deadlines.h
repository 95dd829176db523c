#pragma once

#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace gw::edge {

// Cuts connections that are past a deadline. POCO's own time-out is for one receive, so a byte a
// second would hold a thread for ever; this one is absolute. Thread-safe. Pitfall P10 of POCO 1.11.
class Deadlines {
 public:
  Deadlines();
  ~Deadlines();

  // The connection must be done with its present step by then; a later call moves the deadline. The
  // socket is shut down, not closed, when it is not: its thread wakes with the end of the stream.
  void Set(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now);
  // The same for a connection that waits for its next request: Drain() cuts it at once.
  void SetIdle(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now);
  // From here on idle connections are cut, those there are and those that become idle.
  void Drain();
  // Before the connection is closed.
  void Remove(const Poco::Net::StreamSocket& socket);

 private:
  void Sweep();
  void Watch(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now, bool idle);
  struct Watched {
    Poco::Net::StreamSocket socket;
    std::chrono::steady_clock::time_point deadline;
    bool idle = false;
  };
  std::mutex mutex_;  // guards watched_, draining_, stopping_
  std::condition_variable wake_;
  std::unordered_map<const void*, Watched> watched_;
  bool draining_ = false;
  bool stopping_ = false;
  std::thread sweeper_;
};

}  // namespace gw::edge
