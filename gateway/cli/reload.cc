#include "gateway/cli/reload.h"

#include <memory>
#include <tuple>

#include "gateway/base/log.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

// The first key of which the new configuration says something else, and which only a restart
// changes: what sockets, stores and tokens were made from.
std::string KeyOfRestart(const Config& a, const Config& b) {
  const auto issuers = [](const Config& config) {
    std::string text;
    for (const access::Issuer& issuer : config.issuers) {
      text += issuer.url + " " + issuer.audience + " " + issuer.jwks + " " +
              std::to_string(issuer.skew_s) + "\n";
    }
    return text;
  };
  const auto folders = [](const Config& config) {
    std::string text;
    for (const CsvFolder& folder : config.csv_folders) {
      text += folder.path + "\n";
      for (const std::string& feed : folder.feeds) {
        text += " " + feed + "\n";
      }
    }
    return text;
  };
  const auto policy = [](const access::PolicySettings& p) {
    return std::tie(p.implicit, p.clinical_roles, p.absolute_bars, p.implicit_withholds);
  };
  const std::pair<const char*, bool> keys[] = {
      {"development", a.development == b.development},
      {"http", std::tie(a.http_address, a.http_port, a.http_connections, a.base_url) ==
                   std::tie(b.http_address, b.http_port, b.http_connections, b.base_url)},
      {"mllp", std::tie(a.mllp, a.mllp_address, a.mllp_port, a.mllp_connections, a.mllp_peers) ==
                   std::tie(b.mllp, b.mllp_address, b.mllp_port, b.mllp_connections, b.mllp_peers)},
      {"csv",
       std::tie(a.csv_poll_ms, a.csv_settle_ms) == std::tie(b.csv_poll_ms, b.csv_settle_ms) &&
           folders(a) == folders(b)},
      {"store", a.store_path == b.store_path},
      {"profiles", a.profiles == b.profiles},
      {"log", std::tie(a.log_directory, a.log_key, a.log_origin) ==
                  std::tie(b.log_directory, b.log_key, b.log_origin)},
      {"packages", std::tie(a.packages, a.package_cache) == std::tie(b.packages, b.package_cache)},
      {"issuers", issuers(a) == issuers(b)},
      {"policy", policy(a.policy) == policy(b.policy)}};
  for (const auto& [name, same] : keys) {
    if (!same) {
      return name;
    }
  }
  return {};
}

}  // namespace

Status ConfigReloader::Reload() {
  const std::lock_guard lock(mutex_);
  Status loaded = Load();
  if (!loaded) {
    log::Write(log::Level::kError, "reload.refused", {{"reason", Describe(loaded.error())}});
    return loaded;
  }
  log::Write(log::Level::kInfo, "reload.done",
             {{"map_version", gateway_->mappings->Get()->translator.version()}});
  return {};
}

Status ConfigReloader::Load() {
  GW_TRY(const Config config, ReadConfig(path_));
  if (const std::string key = KeyOfRestart(gateway_->config, config); !key.empty()) {
    return Error{Code::kUnsupported, "this key changes with a restart only", path_ + ": " + key, 0};
  }
  GW_TRY(std::shared_ptr<const flow::Mappings> mappings,
         LoadMappings(config, gateway_->definitions));
  GW_RETURN_IF_ERROR(CheckExports(path_, config, gateway_->definitions));
  gateway_->mappings->Set(std::move(mappings));
  return {};
}

}  // namespace gw::cli
