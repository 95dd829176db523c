#include "gateway/base/file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace gw {
namespace {

constexpr uint64_t kStepBytes = 64 << 10;

Error Unreadable(Code code, const std::string& path) {
  return Error{code, "the file cannot be read", path, 0};
}

Error TooLarge(uint64_t bytes_max, const std::string& path) {
  return Error{Code::kTooLarge, "the file is larger than " + std::to_string(bytes_max) + " bytes",
               path, 0};
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, uint64_t bytes_max) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status) || std::filesystem::is_directory(status)) {
    return Unreadable(Code::kNotFound, path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Unreadable(Code::kUnavailable, path);
  }
  const auto size = std::filesystem::file_size(path, problem);  // a pipe has none
  if (!problem && size > bytes_max) {
    return TooLarge(bytes_max, path);
  }
  std::string bytes;
  // One byte more than its size, so that its end is met in the first step.
  uint64_t step = problem ? kStepBytes : size + 1;
  while (file && bytes.size() <= bytes_max) {
    const size_t begin = bytes.size();
    bytes.resize(begin + step);
    file.read(bytes.data() + begin, static_cast<std::streamsize>(step));
    bytes.resize(begin + static_cast<size_t>(file.gcount()));
    step = std::max(kStepBytes, uint64_t{bytes.size()});
  }
  if (bytes.size() > bytes_max) {
    return TooLarge(bytes_max, path);
  }
  return file.bad() ? Result<std::string>(Unreadable(Code::kUnavailable, path)) : std::move(bytes);
}

}  // namespace gw
