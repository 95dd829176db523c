#include "gateway/config.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>

#include "gateway/base/json.h"

namespace gw {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

// Reads the members of one object: each is taken by name, and what nobody took is an error.
class Members {
 public:
  Members(const Json& json, std::string place) : json_(json), place_(std::move(place)) {}

  Error Wrong(std::string_view name, std::string_view rule) const {
    return Error{Code::kInvalid, std::string(rule), place_ + std::string(name), 0};
  }

  const Json* Take(std::string_view name) {
    taken_.emplace_back(name);
    return json_.Find(name);
  }

  Status Text(std::string_view name, std::string* out) {
    const Json* member = Take(name);
    if (member == nullptr) {
      return {};
    }
    if (!member->is_string()) {
      return Wrong(name, "must be a string");
    }
    *out = member->text();
    return {};
  }

  Status Flag(std::string_view name, bool* out) {
    const Json* member = Take(name);
    if (member == nullptr) {
      return {};
    }
    if (member->kind() != Json::Kind::kBool) {
      return Wrong(name, "must be true or false");
    }
    *out = member->boolean();
    return {};
  }

  template <typename Number>
  Status Count(std::string_view name, int64_t max, Number* out) {
    const Json* member = Take(name);
    if (member == nullptr) {
      return {};
    }
    const Result<int64_t> value = member->integer();
    if (!value || *value < 0 || *value > max) {
      return Wrong(name, "must be a whole number from 0 to " + std::to_string(max));
    }
    *out = static_cast<Number>(*value);
    return {};
  }

  Status Texts(std::string_view name, std::vector<std::string>* out) {
    const Json* member = Take(name);
    if (member == nullptr) {
      return {};
    }
    out->clear();
    for (const Json& item : member->items()) {
      if (!item.is_string()) {
        return Wrong(name, "must be a list of strings");
      }
      out->push_back(item.text());
    }
    return member->is_array() ? Status() : Status(Wrong(name, "must be a list of strings"));
  }

  // Every member was asked for by now.
  Status Finish() const {
    if (!json_.is_object()) {
      return Wrong("", "must be an object");
    }
    for (const auto& [name, value] : json_.members()) {
      bool known = false;
      for (const std::string& taken : taken_) {
        known = known || taken == name;
      }
      if (!known) {
        return Wrong(name, "is no key of the configuration");
      }
    }
    return {};
  }

 private:
  const Json& json_;
  std::string place_;
  std::vector<std::string> taken_;
};

using Reader = std::function<Status(Members*)>;

Status ReadObject(Members* members, std::string_view name, const std::string& place,
                  const Reader& read) {
  const Json* member = members->Take(name);
  if (member == nullptr) {
    return {};
  }
  Members inner(*member, place + std::string(name) + ".");
  GW_RETURN_IF_ERROR(read(&inner));
  return inner.Finish();
}

Status ReadList(Members* members, std::string_view name, const std::string& place,
                const Reader& read) {
  const Json* member = members->Take(name);
  if (member == nullptr) {
    return {};
  }
  if (!member->is_array()) {
    return members->Wrong(name, "must be a list");
  }
  size_t index = 0;
  for (const Json& item : member->items()) {
    Members inner(item, place + std::string(name) + "[" + std::to_string(index++) + "].");
    GW_RETURN_IF_ERROR(read(&inner));
    GW_RETURN_IF_ERROR(inner.Finish());
  }
  return {};
}

Result<access::ImplicitPolicy> ImplicitPolicyNamed(const Members& members,
                                                   const std::string& name) {
  if (name == "basic-normal") {
    return access::ImplicitPolicy::kBasicNormal;
  }
  if (name == "all-normal") {
    return access::ImplicitPolicy::kAllNormal;
  }
  if (name == "break-glass-only") {
    return access::ImplicitPolicy::kBreakGlassOnly;
  }
  if (name == "deny") {
    return access::ImplicitPolicy::kDeny;
  }
  return members.Wrong("implicit", "must be basic-normal, all-normal, break-glass-only or deny");
}

class ConfigReader {
 public:
  ConfigReader(const std::string& path, const Json& json)
      : folder_(std::filesystem::path(path).parent_path().string()),
        file_(path + ": "),
        json_(json) {}

  Result<Config> Read() {
    Members members(json_, file_);
    GW_RETURN_IF_ERROR(members.Flag("development", &config_.development));
    GW_RETURN_IF_ERROR(
        ReadObject(&members, "http", file_, [this](Members* http) { return Http(http); }));
    GW_RETURN_IF_ERROR(
        ReadObject(&members, "mllp", file_, [this](Members* mllp) { return Mllp(mllp); }));
    GW_RETURN_IF_ERROR(
        ReadObject(&members, "csv", file_, [this](Members* csv) { return Csv(csv); }));
    GW_RETURN_IF_ERROR(ReadObject(&members, "store", file_, [this](Members* store) {
      return Path(store, "path", &config_.store_path);
    }));
    GW_RETURN_IF_ERROR(
        ReadObject(&members, "log", file_, [this](Members* log) { return Log(log); }));
    GW_RETURN_IF_ERROR(Path(&members, "mappings", &config_.mappings));
    GW_RETURN_IF_ERROR(Path(&members, "profiles", &config_.profiles));
    GW_RETURN_IF_ERROR(Paths(&members, "packages", &config_.packages));
    GW_RETURN_IF_ERROR(Path(&members, "package_cache", &config_.package_cache));
    GW_RETURN_IF_ERROR(Paths(&members, "feeds", &config_.feeds));
    GW_RETURN_IF_ERROR(Senders(&members));
    GW_RETURN_IF_ERROR(ReadObject(&members, "operations", file_,
                                  [this](Members* operations) { return Operations(operations); }));
    GW_RETURN_IF_ERROR(
        ReadList(&members, "issuers", file_, [this](Members* issuer) { return Issuer(issuer); }));
    GW_RETURN_IF_ERROR(
        ReadObject(&members, "policy", file_, [this](Members* policy) { return Policy(policy); }));
    GW_RETURN_IF_ERROR(Path(&members, "token_key", &config_.token_key));
    GW_RETURN_IF_ERROR(
        ReadList(&members, "clients", file_, [this](Members* client) { return Client(client); }));
    GW_RETURN_IF_ERROR(members.Finish());
    GW_RETURN_IF_ERROR(Check(members));
    return std::move(config_);
  }

 private:
  std::string Resolve(const std::string& path) const {
    return std::filesystem::path(path).is_absolute() || path.empty()
               ? path
               : (std::filesystem::path(folder_) / path).lexically_normal().string();
  }

  Status Path(Members* members, std::string_view name, std::string* out) const {
    GW_RETURN_IF_ERROR(members->Text(name, out));
    *out = Resolve(*out);
    return {};
  }

  Status Paths(Members* members, std::string_view name, std::vector<std::string>* out) const {
    GW_RETURN_IF_ERROR(members->Texts(name, out));
    for (std::string& path : *out) {
      path = Resolve(path);
    }
    return {};
  }

  Status Http(Members* http) {
    GW_RETURN_IF_ERROR(http->Text("address", &config_.http_address));
    GW_RETURN_IF_ERROR(http->Count("port", 65'535, &config_.http_port));
    GW_RETURN_IF_ERROR(http->Count("connections", 6'000, &config_.http_connections));
    return http->Text("base_url", &config_.base_url);
  }

  Status Mllp(Members* mllp) {
    config_.mllp = true;
    GW_RETURN_IF_ERROR(mllp->Text("address", &config_.mllp_address));
    GW_RETURN_IF_ERROR(mllp->Count("port", 65'535, &config_.mllp_port));
    GW_RETURN_IF_ERROR(mllp->Count("connections", 6'000, &config_.mllp_connections));
    return mllp->Texts("peers", &config_.mllp_peers);
  }

  Status Csv(Members* csv) {
    GW_RETURN_IF_ERROR(csv->Count("poll_ms", 3'600'000, &config_.csv_poll_ms));
    GW_RETURN_IF_ERROR(csv->Count("settle_ms", 3'600'000, &config_.csv_settle_ms));
    return ReadList(csv, "folders", file_ + "csv.", [this](Members* item) -> Status {
      CsvFolder folder;
      GW_RETURN_IF_ERROR(Path(item, "path", &folder.path));
      GW_RETURN_IF_ERROR(item->Texts("feeds", &folder.feeds));
      config_.csv_folders.push_back(std::move(folder));
      return {};
    });
  }

  Status Log(Members* log) {
    GW_RETURN_IF_ERROR(Path(log, "directory", &config_.log_directory));
    GW_RETURN_IF_ERROR(Path(log, "key", &config_.log_key));
    return log->Text("origin", &config_.log_origin);
  }

  Status Senders(Members* members) {
    const Json* senders = members->Take("senders");
    if (senders == nullptr) {
      return {};
    }
    for (const auto& [sender, feed] : senders->members()) {
      if (!feed.is_string()) {
        return members->Wrong("senders." + sender, "must be the name of a feed");
      }
      config_.senders[sender] = feed.text();
    }
    return {};
  }

  static Status Care(Members* members, flow::FeedCare* care) {
    GW_RETURN_IF_ERROR(
        members->Count("silent_after_minutes", 1'000'000, &care->silent_after_minutes));
    GW_RETURN_IF_ERROR(members->Count("queue_max", 1'000'000'000, &care->queue_max));
    return members->Count("retain_days", 36'500, &care->retain_days);
  }

  // What a feed does not say of itself is what is said of all.
  Status Operations(Members* operations) {
    GW_RETURN_IF_ERROR(Care(operations, &config_.care));
    const Json* feeds = operations->Take("feeds");
    if (feeds == nullptr) {
      return {};
    }
    for (const auto& [feed, said] : feeds->members()) {
      flow::FeedCare care = config_.care;
      Members members(said, file_ + "operations.feeds." + feed + ".");
      GW_RETURN_IF_ERROR(Care(&members, &care));
      GW_RETURN_IF_ERROR(members.Finish());
      config_.feed_care[feed] = care;
    }
    return feeds->is_object() ? Status() : Status(operations->Wrong("feeds", "must be an object"));
  }

  Status Issuer(Members* members) {
    access::Issuer issuer;
    std::string keys;
    GW_RETURN_IF_ERROR(members->Text("url", &issuer.url));
    GW_RETURN_IF_ERROR(members->Text("audience", &issuer.audience));
    GW_RETURN_IF_ERROR(Path(members, "jwks", &keys));
    GW_RETURN_IF_ERROR(members->Count("skew_s", 300, &issuer.skew_s));
    if (issuer.url.empty() || issuer.audience.empty() || keys.empty()) {
      return members->Wrong("", "needs url, audience and jwks");
    }
    GW_TRY(issuer.jwks, ReadFile(keys, kConfigBytesMax));
    config_.issuers.push_back(std::move(issuer));
    return {};
  }

  Status Policy(Members* policy) {
    std::string implicit = "basic-normal";
    GW_RETURN_IF_ERROR(policy->Text("implicit", &implicit));
    GW_TRY(config_.policy.implicit, ImplicitPolicyNamed(*policy, implicit));
    GW_RETURN_IF_ERROR(policy->Texts("clinical_roles", &config_.policy.clinical_roles));
    GW_RETURN_IF_ERROR(policy->Texts("absolute_bars", &config_.policy.absolute_bars));
    return policy->Texts("implicit_withholds", &config_.policy.implicit_withholds);
  }

  Status Client(Members* members) {
    DevelopmentClient client;
    GW_RETURN_IF_ERROR(members->Text("id", &client.id));
    GW_RETURN_IF_ERROR(members->Text("name", &client.name));
    GW_RETURN_IF_ERROR(members->Text("organization", &client.organization));
    GW_RETURN_IF_ERROR(members->Text("practitioner", &client.practitioner));
    GW_RETURN_IF_ERROR(members->Text("role", &client.role));
    GW_RETURN_IF_ERROR(members->Text("purpose", &client.purpose));
    GW_RETURN_IF_ERROR(members->Text("patient", &client.patient));
    GW_RETURN_IF_ERROR(members->Texts("scopes", &client.scopes));
    config_.clients.push_back(std::move(client));
    return {};
  }

  Status Check(const Members& members) {
    const bool loopback = config_.http_address == "127.0.0.1" || config_.http_address == "::1";
    if (config_.development && !loopback) {
      return members.Wrong("development", "a development configuration listens on loopback only");
    }
    for (const auto& [name, value] :
         {std::pair("store.path", &config_.store_path),
          std::pair("log.directory", &config_.log_directory),
          std::pair("log.key", &config_.log_key), std::pair("log.origin", &config_.log_origin),
          std::pair("mappings", &config_.mappings), std::pair("profiles", &config_.profiles)}) {
      if (value->empty()) {
        return members.Wrong(name, "is needed");
      }
    }
    if (config_.log_key.starts_with(config_.log_directory + "/")) {
      return members.Wrong("log.key", "the signing key must not stand in the log's own folder");
    }
    return config_.issuers.empty() ? Status(members.Wrong("issuers", "at least one is needed"))
                                   : Status();
  }

  std::string folder_;
  std::string file_;
  const Json& json_;
  Config config_;
};

}  // namespace

Result<std::string> ReadFile(const std::string& path, uint64_t bytes_max) {
  std::error_code problem;
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) {
    return Error{Code::kNotFound, "the file cannot be read", path, 0};
  }
  if (size > bytes_max) {
    return Error{Code::kTooLarge, "the file is larger than " + std::to_string(bytes_max) + " bytes",
                 path, 0};
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!file || static_cast<uint64_t>(file.gcount()) != size) {
    return Error{Code::kUnavailable, "the file cannot be read", path, 0};
  }
  return bytes;
}

Result<Config> ReadConfig(const std::string& path) {
  GW_TRY(const std::string text, ReadFile(path, kConfigBytesMax));
  Result<Json> json = Json::Parse(text, Limits{});
  if (!json) {
    return Error{Code::kInvalid, json.error().detail, path + ": " + json.error().where, 0};
  }
  return ConfigReader(path, *json).Read();
}

}  // namespace gw
