#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "gateway/audit/file_internal.h"

namespace gw::audit {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

Error SystemError(std::string_view call, std::string_view where) {
  const int reason = errno;
  return {Code::kUnavailable,
          "access log: " + std::string(call) + ": " + std::generic_category().message(reason),
          std::string(where)};
}

// Calls again when a signal came between.
template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

void CloseDescriptor(int descriptor) {
  if (descriptor >= 0) {
    ::close(descriptor);
  }
}

}  // namespace

Result<File> File::Open(const std::string& directory, std::string_view name, Mode mode) {
  const std::string path = directory + "/" + std::string(name);
  int flags = O_CLOEXEC | O_NOFOLLOW;
  flags |= mode == Mode::kRead ? O_RDONLY : O_RDWR;
  flags |= mode == Mode::kCreate ? O_CREAT : 0;
  File file;
  file.name_ = std::string(name);
  file.descriptor_ = Retry([&] { return ::open(path.c_str(), flags, kFileMode); });
  if (file.descriptor_ < 0) {
    const bool absent = errno == ENOENT;
    Error error = SystemError("open", name);
    error.code = absent ? Code::kNotFound : error.code;
    return error;
  }
  return file;
}

File::~File() { CloseDescriptor(descriptor_); }

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(name_, other.name_);
  return *this;
}

Error File::Failed(std::string_view call) const { return SystemError(call, name_); }

Status File::ReadAt(uint64_t offset, size_t count, std::string* bytes) const {
  bytes->resize(count);
  size_t done = 0;
  while (done < count) {
    const ssize_t got = Retry([&] {
      return ::pread(descriptor_, bytes->data() + done, count - done,
                     static_cast<off_t>(offset + done));
    });
    if (got < 0) {
      return Failed("read");
    }
    if (got == 0) {
      break;
    }
    done += static_cast<size_t>(got);
  }
  bytes->resize(done);
  return {};
}

Status File::WriteAt(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = Retry([&] {
      return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (put < 0) {
      return Failed("write");
    }
    offset += static_cast<uint64_t>(put);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Status File::Truncate(uint64_t size) {
  if (Retry([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0) {
    return Failed("truncate");
  }
  return {};
}

Status File::Sync() const {
  if (Retry([&] { return ::fdatasync(descriptor_); }) != 0) {
    return Failed("fdatasync");
  }
  return {};
}

Result<uint64_t> File::Size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    return Failed("stat");
  }
  return static_cast<uint64_t>(status.st_size);
}

Result<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
    // The new name lies in the parent, which must keep it too.
    const DirectoryLock parent(
        ::open((directory + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    GW_RETURN_IF_ERROR(parent.Sync());
  } else if (errno != EEXIST) {
    return SystemError("mkdir", directory);
  }
  DirectoryLock lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.descriptor_ < 0) {
    return SystemError("open", directory);
  }
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    return Error{Code::kUnavailable, "access log: another process holds it", directory};
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock::~DirectoryLock() { CloseDescriptor(descriptor_); }

Status DirectoryLock::Sync() const {
  if (Retry([&] { return ::fsync(descriptor_); }) != 0) {
    return SystemError("fsync", "directory");
  }
  return {};
}

Result<std::string> ReadWhole(const std::string& directory, std::string_view name) {
  Result<File> file = File::Open(directory, name, File::Mode::kRead);
  if (!file && file.error().code == Code::kNotFound) {
    return std::string();
  }
  if (!file) {
    return std::move(file).error();
  }
  GW_TRY(const uint64_t size, file->Size());
  std::string bytes;
  GW_RETURN_IF_ERROR(file->ReadAt(0, size, &bytes));
  return bytes;
}

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::opendir(directory.c_str()), close);
  if (stream == nullptr) {
    Error error = SystemError("open", directory);
    error.code = Code::kNotFound;
    return error;
  }
  std::vector<std::string> names;
  for (const dirent* item = ::readdir(stream.get()); item != nullptr;
       item = ::readdir(stream.get())) {
    names.emplace_back(static_cast<const char*>(item->d_name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace gw::audit
