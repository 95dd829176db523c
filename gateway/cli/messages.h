#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::cli {

// Calls `visit` with each message of a file, or with the error of one that cannot be read
// (const Result<hl7v2::Message>&), in order: one message, a batch, or an MLLP stream; it returns a
// Status. *warnings takes what the batch says wrong of itself. Errors: those of
// hl7v2::SplitMessages, and the first of `visit`, which ends the walk.
template <typename Visit>
Status ForEachMessage(std::string_view bytes, std::vector<std::string>* warnings,
                      const Visit& visit) {
  GW_TRY(const auto messages, hl7v2::SplitMessages(bytes, warnings));
  for (const std::string_view text : messages) {
    GW_RETURN_IF_ERROR(visit(hl7v2::Message::Parse(std::string(text), {})));
  }
  return {};
}

}  // namespace gw::cli
