#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/clock.h"

namespace gw::log {

enum class Level : uint8_t { kInfo, kWarn, kError };

// A named value of a log line; text is escaped and cut at 1 KB.
using Field = std::pair<std::string_view, std::string_view>;

// Writes one JSON object, one line, to stderr: time, level, event, fields. Never pass a person's
// data. `event` is a fixed name such as "mllp.frame_refused". One write call a line, so lines of
// threads do not mix.
void Write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

}  // namespace gw::log
