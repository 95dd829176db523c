#define ZLIB_CONST  // zlib reads through pointers to const
#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kFolder = "package/";
// Small packages of much repetition are no bombs.
constexpr uint64_t kRatioSlack = 1u << 20;
constexpr int kGzip = 16 + MAX_WBITS;  // zlib: a gzip header, checksum and length are asked for
constexpr size_t kBlock = 64u << 10;
constexpr char kDamaged[] = "the archive is damaged or cut off";

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

// Takes gzip away. zlib holds the checksum and the length, which libarchive's own filter passes
// over.
class Gunzip {
 public:
  Gunzip(std::string_view bytes, const PackageLimits& limits)
      : bytes_(bytes),
        bytes_max_(std::min(bytes.size() * uint64_t{limits.ratio_max} + kRatioSlack,
                            limits.unpacked_bytes_max + uint64_t{limits.files_max} * kHeader)) {}
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  Result<std::string> Run() {
    if (inflateInit2(&stream_, kGzip) != Z_OK) {
      return Error{Code::kUnavailable, "the compression library cannot be used", {}};
    }
    if (bytes_.size() > UINT32_MAX) {
      return Error{Code::kTooLarge, "the archive is too large", {}};
    }
    stream_.next_in = reinterpret_cast<const Bytef*>(bytes_.data());
    stream_.avail_in = static_cast<uInt>(bytes_.size());
    std::string out;
    while (true) {
      GW_TRY(const bool is_end, Step(&out));
      if (is_end) {
        return out;
      }
    }
  }

 private:
  static constexpr uint64_t kHeader = 2048;  // tar's own bytes for an entry, more than enough

  // Appends the next block. True at the end.
  Result<bool> Step(std::string* out) {
    const size_t start = out->size();
    out->resize(start + kBlock);
    stream_.next_out = reinterpret_cast<Bytef*>(out->data() + start);
    stream_.avail_out = kBlock;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    out->resize(start + kBlock - stream_.avail_out);
    if (out->size() > bytes_max_) {
      return Error{Code::kTooLarge, "the archive unpacks to too many times its size", {}};
    }
    if (status == Z_STREAM_END) {
      return stream_.avail_in == 0 ? Result<bool>(true)
                                   : Result<bool>(NoArchive("bytes after the end of the archive"));
    }
    if (status == Z_OK && (stream_.avail_in > 0 || stream_.avail_out == 0)) {
      return false;
    }
    return NoArchive(stream_.total_out == 0 ? "not a gzip tar" : kDamaged);
  }

  std::string_view bytes_;
  uint64_t bytes_max_;
  z_stream stream_ = {};
};

// Reads one tar; nothing is written anywhere.
class Unpacker {
 public:
  Unpacker(std::string_view bytes, const PackageLimits& limits)
      : archive_(archive_read_new(), &archive_read_free), bytes_(bytes), limits_(limits) {}

  Result<std::vector<PackageFile>> Unpack() {
    if (archive_ == nullptr || archive_read_support_format_tar(archive_.get()) != ARCHIVE_OK) {
      return Error{Code::kUnavailable, "the archive library cannot be used", {}};
    }
    if (archive_read_open_memory(archive_.get(), bytes_.data(), bytes_.size()) != ARCHIVE_OK) {
      return NoArchive("not a gzip tar");
    }
    while (true) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) {
        break;
      }
      if (status != ARCHIVE_OK) {
        return NoArchive(kDamaged, last_path_);
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
    std::array<char, kBlock> block;
    while (true) {
      const la_ssize_t count = archive_read_data(archive_.get(), block.data(), block.size());
      if (count == 0) {
        return {};
      }
      if (count < 0) {
        return NoArchive(kDamaged, path);
      }
      const auto size = static_cast<size_t>(count);
      unpacked_ += size;
      if (out->size() + size > limits_.file_bytes_max) {
        return Error{Code::kTooLarge, "a file of the package is too large", path};
      }
      if (unpacked_ > limits_.unpacked_bytes_max) {
        return Error{Code::kTooLarge, "the files of the package are too large together", path};
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
  GW_TRY(const std::string tar, Gunzip(archive, limits).Run());
  return Unpacker(tar, limits).Unpack();
}

}  // namespace gw::fhir
