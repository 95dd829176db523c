#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

// The few things the log does with files. Where nothing else is said, an error is kUnavailable,
// names the call and the system's reason in `detail`, and the file, without its directory, in
// `where`.
namespace gw::audit {

constexpr std::string_view kLeavesName = "leaves";
constexpr std::string_view kCheckpointsName = "checkpoints";
constexpr std::string_view kVerifierName = "verifier";

// An open file, read and written at given places. Reads may come from any thread.
class File {
 public:
  enum class Mode : uint8_t {
    kRead,
    kWrite,   // must exist
    kCreate,  // made if absent, readable by its owner and group
  };
  // kNotFound if there is no such file.
  static Result<File> Open(const std::string& directory, std::string_view name, Mode mode);
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fills *bytes from `offset` on; fewer than `count` only at the end of the file.
  Status ReadAt(uint64_t offset, size_t count, std::string* bytes) const;
  Status WriteAt(uint64_t offset, std::string_view bytes);
  Status Truncate(uint64_t size);
  // The data, and of the metadata what is needed to read it back, on stable storage.
  Status Sync() const;
  Result<uint64_t> Size() const;

 private:
  Error Failed(std::string_view call) const;

  int descriptor_ = -1;
  std::string name_;
};

// Holds a directory for one process, by a lock that the system drops when the process ends.
class DirectoryLock {
 public:
  // Makes the directory if it is absent.
  static Result<DirectoryLock> Take(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();
  // Makes new names in the directory durable.
  Status Sync() const;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// All of a file; empty if there is none.
Result<std::string> ReadWhole(const std::string& directory, std::string_view name);
// The names in a directory, sorted. kNotFound if there is no such directory.
Result<std::vector<std::string>> NamesIn(const std::string& directory);

}  // namespace gw::audit
