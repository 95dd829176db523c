#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/base/result.h"
#include "gateway/flow/feed_care.h"

namespace gw {

// A client that `caregate token` may make tokens for, in a development configuration.
struct DevelopmentClient {
  std::string id;
  std::string name;
  std::string organization;  // ODS code
  std::string practitioner;  // "system|value"; empty: a system
  std::string role;
  std::string purpose;
  std::string patient;  // logical id of the launch patient
  std::vector<std::string> scopes;
};

struct CsvFolder {
  std::string path;
  std::vector<std::string> feeds;  // names; a file belongs to the first whose file_pattern it fits
};

// One deployment, as its configuration file says it. Paths in the file are relative to the file.
struct Config {
  bool development =
      false;  // opens `caregate token`; refused together with an address that is no loopback

  std::string http_address = "127.0.0.1";
  uint16_t http_port = 8080;
  uint32_t http_connections = 256;  // threads: one connection each
  std::string base_url;             // default: from address and port

  bool mllp = false;
  std::string mllp_address = "127.0.0.1";
  uint16_t mllp_port = 2575;
  uint32_t mllp_connections = 64;
  std::vector<std::string> mllp_peers;  // addresses that may connect; empty: loopback only

  std::vector<CsvFolder> csv_folders;
  uint32_t csv_poll_ms = 500;
  uint32_t csv_settle_ms = 2000;  // a file not written to for so long is whole

  std::string store_path;
  std::string log_directory;
  std::string log_key;     // PEM file of the signing key, outside the log's folder
  std::string log_origin;  // names the log in its checkpoints

  std::string mappings;  // folders
  std::string profiles;
  std::vector<std::string> packages;           // FHIR packages: .tgz files and folders
  std::string package_cache;                   // folder of their compiled form; empty: none is kept
  std::vector<std::string> feeds;              // files
  std::map<std::string, std::string> senders;  // "MSH-3.1|MSH-4.1" -> feed name

  flow::FeedCare care;                              // of each feed that is not named
  std::map<std::string, flow::FeedCare> feed_care;  // by feed

  std::vector<access::Issuer> issuers;
  access::PolicySettings policy;
  std::string token_key;  // development: PEM file that `caregate token` signs with
  std::vector<DevelopmentClient> clients;
};

// Errors: kNotFound: no such file; kInvalid, where = "file: key": JSON faults with line and column,
// unknown keys, wrong kinds, missing keys, an unsafe combination.
Result<Config> ReadConfig(const std::string& path);

}  // namespace gw
