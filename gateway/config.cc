#include "gateway/config.h"

#include <filesystem>
#include <optional>
#include <string_view>

#include "gateway/base/file.h"
#include "gateway/base/json_members.h"

namespace gw {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

// The policy of that name; null where there is none.
std::optional<access::ImplicitPolicy> ImplicitPolicyNamed(std::string_view name) {
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
  return std::nullopt;
}

class ConfigReader {
 public:
  ConfigReader(const std::string& path, const Json& json)
      : folder_(std::filesystem::path(path).parent_path().string()),
        file_(path + ": "),
        json_(json) {}

  Result<Config> Read() {
    JsonMembers members(json_, file_);
    members.Bool("development", &config_.development);
    ReadObject(&members, "http", &ConfigReader::Http);
    ReadObject(&members, "mllp", &ConfigReader::Mllp);
    ReadObject(&members, "csv", &ConfigReader::Csv);
    ReadObject(&members, "store", &ConfigReader::Store);
    ReadObject(&members, "log", &ConfigReader::Log);
    Path(&members, "mappings", &config_.mappings);
    Path(&members, "profiles", &config_.profiles);
    Paths(&members, "packages", &config_.packages);
    Path(&members, "package_cache", &config_.package_cache);
    Paths(&members, "feeds", &config_.feeds);
    members.Pairs("senders", &config_.senders);
    ReadObject(&members, "operations", &ConfigReader::Operations);
    ReadList(&members, "issuers", &ConfigReader::Issuer);
    ReadObject(&members, "policy", &ConfigReader::Policy);
    Path(&members, "token_key", &config_.token_key);
    ReadList(&members, "clients", &ConfigReader::Client);
    GW_RETURN_IF_ERROR(members.Finish());
    CheckWhole(&members);
    GW_RETURN_IF_ERROR(members.Finish());
    return std::move(config_);
  }

 private:
  using Part = void (ConfigReader::*)(JsonMembers*);

  void ReadObject(JsonMembers* members, std::string_view key, Part part) {
    if (const Json* member = members->Object(key)) {
      JsonMembers inner(*member, members->PlaceOf(key));
      (this->*part)(&inner);
      members->Keep(inner.Finish());
    }
  }

  void ReadList(JsonMembers* members, const std::string& key, Part part) {
    if (const Json* list = members->Array(key)) {
      for (size_t i = 0; i < list->items().size(); ++i) {
        JsonMembers inner(list->items()[i], members->PlaceOf(key + "[" + std::to_string(i) + "]"));
        (this->*part)(&inner);
        members->Keep(inner.Finish());
      }
    }
  }

  std::string Resolve(const std::string& path) const {
    return std::filesystem::path(path).is_absolute() || path.empty()
               ? path
               : (std::filesystem::path(folder_) / path).lexically_normal().string();
  }

  void Path(JsonMembers* members, std::string_view key, std::string* out) const {
    members->Text(key, out);
    *out = Resolve(*out);
  }

  void Paths(JsonMembers* members, std::string_view key, std::vector<std::string>* out) const {
    members->Texts(key, out);
    for (std::string& path : *out) {
      path = Resolve(path);
    }
  }

  void Http(JsonMembers* http) {
    http->Text("address", &config_.http_address)
        .Count("port", 65'535, &config_.http_port)
        .Count("connections", 6'000, &config_.http_connections)
        .Text("base_url", &config_.base_url);
  }

  void Mllp(JsonMembers* mllp) {
    config_.mllp = true;
    mllp->Text("address", &config_.mllp_address)
        .Count("port", 65'535, &config_.mllp_port)
        .Count("connections", 6'000, &config_.mllp_connections)
        .Texts("peers", &config_.mllp_peers);
  }

  void Csv(JsonMembers* csv) {
    csv->Count("poll_ms", 3'600'000, &config_.csv_poll_ms)
        .Count("settle_ms", 3'600'000, &config_.csv_settle_ms);
    ReadList(csv, "folders", &ConfigReader::Folder);
  }

  void Folder(JsonMembers* members) {
    CsvFolder folder;
    Path(members, "path", &folder.path);
    members->Texts("feeds", &folder.feeds);
    config_.csv_folders.push_back(std::move(folder));
  }

  void Store(JsonMembers* store) { Path(store, "path", &config_.store_path); }

  void Log(JsonMembers* log) {
    Path(log, "directory", &config_.log_directory);
    Path(log, "key", &config_.log_key);
    log->Text("origin", &config_.log_origin);
  }

  static void Care(JsonMembers* members, flow::FeedCare* care) {
    members->Count("silent_after_minutes", 1'000'000, &care->silent_after_minutes)
        .Count("queue_max", 1'000'000'000, &care->queue_max)
        .Count("retain_days", 36'500, &care->retain_days);
  }

  // What a feed does not say of itself is what is said of all.
  void Operations(JsonMembers* operations) {
    Care(operations, &config_.care);
    if (const Json* feeds = operations->Object("feeds")) {
      for (const auto& [feed, said] : feeds->members()) {
        flow::FeedCare care = config_.care;
        JsonMembers members(said, operations->PlaceOf("feeds." + feed));
        Care(&members, &care);
        operations->Keep(members.Finish());
        config_.feed_care[feed] = care;
      }
    }
  }

  void Issuer(JsonMembers* members) {
    access::Issuer issuer;
    std::string keys;
    members->Text("url", &issuer.url).Text("audience", &issuer.audience);
    Path(members, "jwks", &keys);
    members->Count("skew_s", 300, &issuer.skew_s);
    members->Check(!issuer.url.empty() && !issuer.audience.empty() && !keys.empty(),
                   "needs url, audience and jwks", "");
    if (!keys.empty()) {
      auto jwks = ReadFile(keys, kConfigBytesMax);
      if (!jwks) {
        return members->Keep(std::move(jwks).error());
      }
      issuer.jwks = *std::move(jwks);
    }
    config_.issuers.push_back(std::move(issuer));
  }

  void Policy(JsonMembers* policy) {
    std::string implicit = "basic-normal";
    policy->Text("implicit", &implicit);
    const auto named = ImplicitPolicyNamed(implicit);
    policy->Check(named.has_value(), "must be basic-normal, all-normal, break-glass-only or deny",
                  "implicit");
    config_.policy.implicit = named.value_or(config_.policy.implicit);
    policy->Texts("clinical_roles", &config_.policy.clinical_roles)
        .Texts("absolute_bars", &config_.policy.absolute_bars)
        .Texts("implicit_withholds", &config_.policy.implicit_withholds);
  }

  void Client(JsonMembers* members) {
    DevelopmentClient client;
    members->Text("id", &client.id)
        .Text("name", &client.name)
        .Text("organization", &client.organization)
        .Text("practitioner", &client.practitioner)
        .Text("role", &client.role)
        .Text("purpose", &client.purpose)
        .Text("patient", &client.patient)
        .Texts("scopes", &client.scopes);
    config_.clients.push_back(std::move(client));
  }

  // What the configuration must say, and must not say together.
  void CheckWhole(JsonMembers* members) const {
    const bool loopback = config_.http_address == "127.0.0.1" || config_.http_address == "::1";
    members->Check(!config_.development || loopback,
                   "a development configuration listens on loopback only", "development");
    for (const auto& [key, value] :
         {std::pair("store.path", &config_.store_path),
          std::pair("log.directory", &config_.log_directory),
          std::pair("log.key", &config_.log_key), std::pair("log.origin", &config_.log_origin),
          std::pair("mappings", &config_.mappings), std::pair("profiles", &config_.profiles)}) {
      members->Check(!value->empty(), "is needed", key);
    }
    members->Check(!config_.log_key.starts_with(config_.log_directory + "/"),
                   "the signing key must not stand in the log's own folder", "log.key");
    members->Check(!config_.issuers.empty(), "at least one is needed", "issuers");
  }

  std::string folder_;
  std::string file_;
  const Json& json_;
  Config config_;
};

}  // namespace

Result<Config> ReadConfig(const std::string& path) {
  GW_TRY(const std::string text, ReadFile(path, kConfigBytesMax));
  Result<Json> json = Json::Parse(text, Limits{});
  if (!json) {
    return Error{Code::kInvalid, json.error().detail, path + ": " + json.error().where, 0};
  }
  return ConfigReader(path, *json).Read();
}

}  // namespace gw
