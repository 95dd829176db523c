#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"
#include "gateway/map/feed.h"

namespace gw::cli {

// Calls `visit` with each message of a file, or with the error of one that cannot be read
// (const Result<hl7v2::Message>&), in order: one message, a batch, or an MLLP stream; it returns a
// Status. `feed_of` says of the bytes of a message whose feed it is (const map::Feed*, null:
// nobody's): its character set is that of a message that names none. *warnings takes what the batch
// says wrong of itself. Errors: those of hl7v2::SplitMessages, and the first of `visit`, which ends
// the walk.
template <typename Find, typename Visit>
Status ForEachMessage(std::string_view bytes, const Find& feed_of,
                      std::vector<std::string>* warnings, const Visit& visit) {
  GW_TRY(const auto messages, hl7v2::SplitMessages(bytes, warnings));
  for (const std::string_view text : messages) {
    hl7v2::ParseOptions options;
    if (const map::Feed* feed = feed_of(text)) {
      options.default_charset = feed->default_charset;
    }
    GW_RETURN_IF_ERROR(visit(hl7v2::Message::Parse(std::string(text), options)));
  }
  return {};
}

// The same where all messages are of one feed.
template <typename Visit>
Status ForEachMessage(std::string_view bytes, const map::Feed& feed,
                      std::vector<std::string>* warnings, const Visit& visit) {
  return ForEachMessage(
      bytes, [&feed](std::string_view) { return &feed; }, warnings, visit);
}

}  // namespace gw::cli
