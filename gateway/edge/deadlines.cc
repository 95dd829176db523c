#include "gateway/edge/deadlines.h"

#include <Poco/Exception.h>

namespace gw::edge {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSweepEvery(250);

}  // namespace

Deadlines::Deadlines() : sweeper_([this] { Sweep(); }) {}

Deadlines::~Deadlines() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  sweeper_.join();
}

void Deadlines::Set(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now) {
  Watch(socket, from_now, false);
}

void Deadlines::SetIdle(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now) {
  Watch(socket, from_now, true);
}

void Deadlines::Watch(const Poco::Net::StreamSocket& socket, std::chrono::milliseconds from_now,
                      bool idle) {
  const auto deadline = SteadyClock::now() + from_now;
  const std::scoped_lock lock(mutex_);
  watched_.insert_or_assign(socket.impl(), Watched{socket, deadline, idle});
}

void Deadlines::Drain() {
  {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
  }
  wake_.notify_all();
}

void Deadlines::Remove(const Poco::Net::StreamSocket& socket) {
  const std::scoped_lock lock(mutex_);
  watched_.erase(socket.impl());
}

void Deadlines::Sweep() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kSweepEvery);
    const auto now = SteadyClock::now();
    for (auto entry = watched_.begin(); entry != watched_.end();) {
      if (entry->second.deadline > now && !(draining_ && entry->second.idle)) {
        ++entry;
        continue;
      }
      try {
        entry->second.socket.shutdown();
      } catch (const Poco::Exception&) {
        // It was gone already.
      }
      entry = watched_.erase(entry);
    }
  }
}

}  // namespace gw::edge
