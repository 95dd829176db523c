#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/result.h"

namespace gw {

// The bound of a file that a deployment is made of: a map, a feed, a table of segments or zones.
inline constexpr uint64_t kPartBytesMax = uint64_t{64} << 20;

// A whole file as bytes; a pipe, to its end. Errors: kNotFound: there is none, or it is a folder;
// kTooLarge: more than `bytes_max` bytes; kUnavailable: it cannot be opened, or read to its end.
// where = the path.
Result<std::string> ReadFile(const std::string& path, uint64_t bytes_max);

}  // namespace gw
