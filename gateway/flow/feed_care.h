#pragma once

#include <cstdint>

namespace gw::flow {

// What operators want to be told of a feed, and how long its messages are kept. 0: never, for ever.
struct FeedCare {
  uint32_t silent_after_minutes = 0;  // no message for so long is an alert
  uint32_t queue_max = 0;             // more open messages than that are an alert
  uint32_t retain_days = 0;           // messages that are not open are forgotten after
};

}  // namespace gw::flow
