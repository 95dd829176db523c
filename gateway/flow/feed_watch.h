#pragma once

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/flow/feed_care.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/parts.h"

namespace gw::flow {

// Watches the feeds by what Mappings say of each: a feed that fell silent ("silent") or whose queue
// grew ("queue") is told once, by a log line and in the feed's state, and once more when it is
// over; a restart does not tell it again. Forgets what is past its time, a few messages at a time,
// through the store's one writer, so that traffic goes on between. Used by one thread.
class FeedWatch {
 public:
  FeedWatch(const Parts& parts, Journal* journal)
      : parts_(parts), journal_(journal), since_(parts.clock.Now()) {}

  // One look at all feeds. Errors: kUnavailable; the next look tries again.
  Status Look();

 private:
  // Since when the condition holds, as it was told; 0: it does not.
  Instant Since(std::string_view feed, std::string_view condition) const;
  Status Tell(const std::string& feed, std::string_view condition, bool holds, Instant now);
  Status Forget(const std::string& feed, const FeedCare& care, Instant now);

  const Parts& parts_;
  Journal* journal_;
  const Instant since_;  // silence that was not told yet is counted from here at the earliest
  std::vector<store::FeedAlert> alerts_;  // as they are stored
};

}  // namespace gw::flow
