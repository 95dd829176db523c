#include <filesystem>
#include <fstream>
#include <system_error>

#include "gateway/map/file_text_internal.h"

namespace gw::map {

std::optional<std::string> FileText(const std::string& path) {
  std::error_code fault;
  if (!std::filesystem::is_regular_file(path, fault)) {
    return std::nullopt;
  }
  const auto size = std::filesystem::file_size(path, fault);
  std::ifstream file(path, std::ios::binary);
  if (fault || !file) {
    return std::nullopt;
  }
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace gw::map
