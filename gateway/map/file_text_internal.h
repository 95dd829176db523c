#pragma once

#include <optional>
#include <string>

namespace gw::map {

// The bytes of a regular file; nothing where it is none or cannot be read.
std::optional<std::string> FileText(const std::string& path);

}  // namespace gw::map
