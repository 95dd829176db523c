#pragma once

#include <string_view>

namespace gw::bench {

// The baseline of the micro benches: RapidJSON's event reader over the same bytes, checking the
// grammar and keeping nothing. Returns the number of events.
size_t BareParse(std::string_view json);

}  // namespace gw::bench
