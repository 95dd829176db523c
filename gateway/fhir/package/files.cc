#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {
namespace {

namespace fs = std::filesystem;

constexpr int kFolderDepthMax = 16;

// Walks a folder; links are refused, not followed.
class FolderReader {
 public:
  FolderReader(fs::path root, const PackageLimits& limits)
      : root_(std::move(root)), limits_(limits) {}

  Status Read(const fs::path& folder, int depth) {
    if (depth > kFolderDepthMax) {
      return Error{Code::kTooLarge, "the folders are nested too deep", folder.string()};
    }
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
      GW_RETURN_IF_ERROR(Take(*entry, depth));
    }
    if (failed) {
      return Error{Code::kUnavailable, "the folder cannot be read", folder.string()};
    }
    return {};
  }

  std::vector<PackageFile> Files() {
    std::sort(files_.begin(), files_.end(),
              [](const PackageFile& a, const PackageFile& b) { return a.name < b.name; });
    return std::move(files_);
  }

 private:
  Status Take(const fs::directory_entry& entry, int depth) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".")) {
      return {};
    }
    std::error_code failed;
    const fs::file_status status = entry.symlink_status(failed);
    if (!failed && fs::is_directory(status)) {
      return Read(entry.path(), depth + 1);
    }
    if (failed || !fs::is_regular_file(status)) {
      return Error{Code::kInvalid, "a link or device in the package", entry.path().string()};
    }
    if (!name.ends_with(".json") && !name.ends_with(".xml")) {
      return {};
    }
    if (files_.size() >= limits_.files_max) {
      return Error{Code::kTooLarge, "the package has too many files", entry.path().string()};
    }
    GW_TRY(std::string bytes, ReadFile(entry.path().string(), limits_.file_bytes_max));
    total_ += bytes.size();
    if (total_ > limits_.unpacked_bytes_max) {
      return Error{Code::kTooLarge, "the files of the package are too large together",
                   entry.path().string()};
    }
    files_.push_back({entry.path().lexically_relative(root_).string(), std::move(bytes)});
    return {};
  }

  fs::path root_;
  const PackageLimits& limits_;
  std::vector<PackageFile> files_;
  uint64_t total_ = 0;
};

crypto::Digest DigestOf(const std::vector<PackageFile>& files) {
  std::string digests;
  for (const PackageFile& file : files) {
    digests += crypto::AsBytes(crypto::Sha256(file.name));
    digests += crypto::AsBytes(crypto::Sha256(file.bytes));
  }
  return crypto::Sha256(digests);
}

Status ReadInto(PackageBytes* package, const PackageLimits& limits) {
  std::error_code failed;
  const fs::path path(package->path);
  const fs::file_status status = fs::status(path, failed);
  if (failed || !fs::exists(status)) {
    return Error{Code::kNotFound, "no such package", package->path};
  }
  if (fs::is_directory(status)) {
    FolderReader reader(path, limits);
    GW_RETURN_IF_ERROR(reader.Read(path, 0));
    package->files = reader.Files();
    package->digest = DigestOf(package->files);
    return {};
  }
  if (!fs::is_regular_file(status)) {
    return Error{Code::kInvalid, "a package is a file or a folder", package->path};
  }
  package->is_archive = true;
  GW_TRY(package->archive, ReadFile(package->path, limits.archive_bytes_max));
  package->digest = crypto::Sha256(package->archive);
  return {};
}

}  // namespace

Result<PackageBytes> ReadPackageBytes(const std::string& path, const PackageLimits& limits) {
  PackageBytes package;
  package.path = path;
  try {  // the library's paths and streams allocate
    GW_RETURN_IF_ERROR(ReadInto(&package, limits));
  } catch (const std::exception&) {
    return Error{Code::kUnavailable, "the package cannot be read", path};
  }
  return package;
}

}  // namespace gw::fhir
