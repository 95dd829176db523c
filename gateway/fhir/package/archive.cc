#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kFolder = "package/";
// Small packages of much repetition are no bombs.
constexpr uint64_t kRatioSlack = 1u << 20;

Error NoArchive(std::string detail, std::string where = {}) {
  return {Code::kInvalid, std::move(detail), std::move(where)};
}

// A path that stays below the folder that it is unpacked in: relative, without "..", of printable
// characters.
bool IsSafePath(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos ||
      path.find(':') != std::string_view::npos) {
    return false;
  }
  if (std::any_of(path.begin(), path.end(),
                  [](char character) { return static_cast<unsigned char>(character) < 0x20; })) {
    return false;
  }
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (path.substr(start, end - start) == "..") {
      return false;
    }
    start = end + 1;
  }
  return true;
}

bool IsWanted(std::string_view path) {
  return path.starts_with(kFolder) && path.find('/', kFolder.size()) == std::string_view::npos &&
         path.size() > kFolder.size() && path[kFolder.size()] != '.' &&
         (path.ends_with(".json") || path.ends_with(".xml"));
}

// Reads one archive; nothing is written anywhere.
class Unpacker {
 public:
  Unpacker(std::string_view bytes, const PackageLimits& limits)
      : archive_(archive_read_new(), &archive_read_free), bytes_(bytes), limits_(limits) {}

  Result<std::vector<PackageFile>> Unpack() {
    if (archive_ == nullptr || archive_read_support_filter_gzip(archive_.get()) != ARCHIVE_OK ||
        archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK) {
      return Error{Code::kUnavailable, "the archive library cannot be used", {}};
    }
    if (!bytes_.starts_with(kGzipMagic) ||
        archive_read_open_memory(archive_.get(), bytes_.data(), bytes_.size()) != ARCHIVE_OK) {
      return NoArchive("not a gzip tar");
    }
    while (true) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) {
        break;
      }
      if (status != ARCHIVE_OK) {
        return NoArchive("the archive is damaged or cut off", last_path_);
      }
      GW_RETURN_IF_ERROR(Take(entry));
    }
    if (entries_ == 0) {
      return NoArchive("the archive holds no files");
    }
    std::sort(files_.begin(), files_.end(),
              [](const PackageFile& a, const PackageFile& b) { return a.name < b.name; });
    return std::move(files_);
  }

 private:
  Status Take(archive_entry* entry) {
    const char* path_text = archive_entry_pathname(entry);
    const std::string path = path_text == nullptr ? "" : path_text;
    const auto type = archive_entry_filetype(entry);
    if (++entries_ > limits_.files_max) {
      return Error{Code::kTooLarge, "the package has too many files", {}};
    }
    if (!IsSafePath(path)) {
      return NoArchive("a path that leads out of the package", "entry " + std::to_string(entries_));
    }
    last_path_ = path;
    if (archive_entry_hardlink(entry) != nullptr || (type != AE_IFREG && type != AE_IFDIR)) {
      return NoArchive("a link or device in the package", path);
    }
    std::string bytes;
    GW_RETURN_IF_ERROR(ReadBytes(path, &bytes));
    if (type == AE_IFREG && IsWanted(path)) {
      files_.push_back({path.substr(kFolder.size()), std::move(bytes)});
    }
    return {};
  }

  Status ReadBytes(const std::string& path, std::string* out) {
    std::array<char, 64 << 10> block;
    while (true) {
      const la_ssize_t count = archive_read_data(archive_.get(), block.data(), block.size());
      if (count == 0) {
        return {};
      }
      if (count < 0) {
        return NoArchive("the archive is damaged or cut off", path);
      }
      const auto size = static_cast<size_t>(count);
      unpacked_ += size;
      if (out->size() + size > limits_.file_bytes_max) {
        return Error{Code::kTooLarge, "a file of the package is too large", path};
      }
      if (unpacked_ > limits_.unpacked_bytes_max) {
        return Error{Code::kTooLarge, "the files of the package are too large together", path};
      }
      if (unpacked_ > bytes_.size() * uint64_t{limits_.ratio_max} + kRatioSlack) {
        return Error{Code::kTooLarge, "the archive unpacks to too many times its size", path};
      }
      out->append(block.data(), size);
    }
  }

  std::unique_ptr<archive, decltype(&archive_read_free)> archive_;
  std::string_view bytes_;
  const PackageLimits& limits_;
  std::vector<PackageFile> files_;
  std::string last_path_;
  uint64_t unpacked_ = 0;
  uint32_t entries_ = 0;
};

}  // namespace

Result<std::vector<PackageFile>> UnpackArchive(std::string_view archive,
                                               const PackageLimits& limits) {
  return Unpacker(archive, limits).Unpack();
}

}  // namespace gw::fhir
