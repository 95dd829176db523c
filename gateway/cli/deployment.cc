#include "gateway/cli/deployment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "gateway/base/file.h"
#include "gateway/map/export/export.h"

namespace gw::cli {
namespace {

constexpr uint64_t kKeyBytesMax = uint64_t{64} * 1024;

// A private key is for its owner's eyes: the file is made so, not changed to it.
Status WriteKey(const std::string& path, const std::string& pem) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    return Error{Code::kUnavailable, "the key file cannot be made", path, 0};
  }
  const bool written =
      write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) && fsync(file) == 0;
  close(file);
  return written ? Status()
                 : Status(Error{Code::kUnavailable, "the key file cannot be written", path, 0});
}

// A file belongs to the first feed whose pattern its name fits: of two with one pattern the second
// would never be given one.
Status CheckFolder(const CsvFolder& folder,
                   const std::map<std::string, map::Feed, std::less<>>& feeds) {
  std::set<std::string> patterns;
  for (const std::string& name : folder.feeds) {
    const auto feed = feeds.find(name);
    if (feed == feeds.end()) {
      return Error{Code::kInvalid, "no feed of this name is configured", "csv.folders: " + name, 0};
    }
    if (feed->second.format == map::Feed::Format::kCsv &&
        !patterns.insert(feed->second.file_pattern).second) {
      return Error{Code::kInvalid, "another feed of the folder has the same file_pattern",
                   "csv.folders: " + name, 0};
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const flow::Mappings>> LoadMappings(const Config& config,
                                                           const fhir::Definitions& definitions) {
  GW_TRY(map::Translator translator,
         map::Translator::Load(config.mappings, config.profiles, definitions));
  auto mappings = std::make_shared<flow::Mappings>(flow::Mappings{std::move(translator), {}, {}});
  for (const std::string& path : config.feeds) {
    GW_TRY(map::Feed feed, map::ReadFeed(path));
    const std::string name = feed.name;
    if (const Status fits = mappings->translator.Check(feed); !fits) {
      const std::string& where = fits.error().where;
      return Error{fits.error().code, fits.error().detail,
                   path + where.substr(std::min(feed.name.size(), where.size())), 0};
    }
    // Completed here, once, and not for each message.
    feed = mappings->translator.Complete(std::move(feed));
    if (!mappings->feeds.emplace(name, std::move(feed)).second) {
      return Error{Code::kInvalid, "another feed has this name", path + ": name", 0};
    }
  }
  GW_RETURN_IF_ERROR(mappings->translator.CheckTables(mappings->feeds));
  for (const auto& [sender, feed] : config.senders) {
    if (!mappings->feeds.contains(feed)) {
      return Error{Code::kInvalid, "no feed of this name is configured", "senders." + sender, 0};
    }
    mappings->senders[sender] = feed;
  }
  for (const CsvFolder& folder : config.csv_folders) {
    GW_RETURN_IF_ERROR(CheckFolder(folder, mappings->feeds));
  }
  mappings->care = config.care;
  for (const auto& [feed, care] : config.feed_care) {
    if (!mappings->feeds.contains(feed)) {
      return Error{Code::kInvalid, "no feed of this name is configured", "operations.feeds." + feed,
                   0};
    }
    mappings->feed_care[feed] = care;
  }
  return std::shared_ptr<const flow::Mappings>(std::move(mappings));
}

Status CheckExports(const std::string& config_path, const Config& config,
                    const fhir::Definitions& definitions) {
  namespace fs = std::filesystem;
  GW_TRY(const map::Exporter exporter,
         map::Exporter::Load(config.mappings, config.profiles, definitions));
  std::vector<std::string> files;
  std::error_code failure;
  const fs::path folder = fs::path(config_path).parent_path() / "destinations";
  for (auto at = fs::directory_iterator(folder, failure);
       !failure && at != fs::directory_iterator(); at.increment(failure)) {
    if (at->path().extension() == ".json") {
      files.push_back(at->path().generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<map::Destination> destinations;
  for (const std::string& file : files) {
    GW_TRY(map::Destination destination, map::ReadDestination(file));
    if (const Status fits = exporter.Check(destination); !fits) {
      return Error{fits.error().code, fits.error().detail, file + ": " + fits.error().where, 0};
    }
    destinations.push_back(std::move(destination));
  }
  return exporter.CheckTables(destinations);
}

Result<fhir::Packages> LoadPackages(const Config& config, const fhir::Definitions& definitions) {
  return fhir::Packages::Load({config.packages, config.package_cache, {}}, definitions);
}

Result<crypto::PrivateKey> LogKey(const Config& config) {
  if (config.development && !std::filesystem::exists(config.log_key)) {
    GW_TRY(crypto::PrivateKey key, crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519));
    std::error_code problem;
    std::filesystem::create_directories(std::filesystem::path(config.log_key).parent_path(),
                                        problem);
    GW_RETURN_IF_ERROR(WriteKey(config.log_key, key.ToPem()));
    return key;
  }
  GW_TRY(const std::string pem, ReadFile(config.log_key, kKeyBytesMax));
  return crypto::PrivateKey::FromPem(pem);
}

std::string DefaultConfigPath() {
  namespace fs = std::filesystem;
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem).parent_path();
  const fs::path installed = program / ".." / "share" / "caregate" / "config" / "development.json";
  return (fs::exists(installed, problem) ? installed
                                         : program / ".." / ".." / "config" / "development.json")
      .lexically_normal()
      .string();
}

std::string Describe(const Error& error) {
  return error.where.empty() ? error.detail : error.where + ": " + error.detail;
}

}  // namespace gw::cli
