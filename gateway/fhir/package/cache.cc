#include <filesystem>
#include <fstream>
#include <system_error>

#include "gateway/fhir/package/cache_internal.h"
#include "gateway/fhir/package/compiled_internal.h"

namespace gw::fhir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".compiled";
constexpr size_t kNameBytes = 8;  // random, of a file that is not whole yet

}  // namespace

std::string CacheName(const std::vector<PackageBytes>& packages) {
  std::string key = std::string(GW_VERSION) + "/" + std::to_string(compiled::kFormat) + "/" +
                    std::to_string(compiled::R4Bytes().size());
  for (const PackageBytes& package : packages) {
    key += '/';
    key += package.is_archive ? 'a' : 'f';
    // A folder without package.json is known by its name.
    key += package.is_archive ? std::string() : fs::path(package.path).filename().string();
    key += crypto::AsBytes(package.digest);
  }
  return crypto::Hex(crypto::Sha256(key)) + std::string(kSuffix);
}

std::optional<std::string> ReadCache(const std::string& folder, const std::string& name) {
  std::ifstream file(fs::path(folder) / name, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : 0;
  crypto::Digest digest;
  if (size <= static_cast<std::streamoff>(digest.size())) {
    return std::nullopt;
  }
  std::string kept(digest.size(), '\0');
  std::string bytes(static_cast<size_t>(size) - digest.size(), '\0');
  file.seekg(0);
  file.read(kept.data(), static_cast<std::streamsize>(kept.size()));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  digest = crypto::Sha256(bytes);
  if (!file || kept != crypto::AsBytes(digest) || !compiled::Open(bytes)) {
    return std::nullopt;
  }
  return bytes;
}

void WriteCache(const std::string& folder, const std::string& name, std::string_view bytes) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  const fs::path whole = fs::path(folder) / name;
  const fs::path part = fs::path(folder) / (crypto::Hex(crypto::RandomBytes(kNameBytes)) + ".part");
  std::ofstream file(part, std::ios::binary);
  const crypto::Digest digest = crypto::Sha256(bytes);
  file << crypto::AsBytes(digest) << bytes;
  file.close();
  if (file) {
    fs::rename(part, whole, failed);
  }
  if (!file || failed) {
    fs::remove(part, failed);
  }
}

}  // namespace gw::fhir
