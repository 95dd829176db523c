#include "gateway/cli/gateway.h"

#include <filesystem>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

Status BuildParts(Gateway* gateway) {
  const Config& config = gateway->config;
  GW_TRY(fhir::Packages packages, LoadPackages(config, gateway->definitions));
  gateway->packages.emplace(std::move(packages));
  GW_TRY(fhir::SearchIndexer indexer,
         fhir::SearchIndexer::Make(gateway->definitions, gateway->packages->searches()));
  gateway->indexer.emplace(std::move(indexer));
  for (const std::string& left_out : gateway->indexer->left_out()) {
    log::Write(log::Level::kInfo, "search_parameter.not_offered", {{"parameter", left_out}});
  }
  gateway->validator.emplace(gateway->definitions, *gateway->packages);
  GW_TRY(access::Labeller labeller, access::Labeller::Load(config.profiles + "/labels"));
  gateway->labeller.emplace(std::move(labeller));
  GW_TRY(access::Authenticator authenticator,
         access::Authenticator::Make(config.issuers, Limits{}));
  gateway->authenticator.emplace(std::move(authenticator));
  GW_TRY(std::shared_ptr<const flow::Mappings> mappings,
         LoadMappings(config, gateway->definitions));
  gateway->mappings.emplace(std::move(mappings));
  return {};
}

Status OpenStores(Gateway* gateway) {
  const Config& config = gateway->config;
  std::error_code problem;
  std::filesystem::create_directories(std::filesystem::path(config.store_path).parent_path(),
                                      problem);
  std::filesystem::create_directories(std::filesystem::path(config.log_directory).parent_path(),
                                      problem);
  store::SqliteOptions store_options;
  store_options.path = config.store_path;
  store_options.indexer = &*gateway->indexer;
  GW_TRY(gateway->store, store::OpenSqlite(store_options, gateway->clock));
  GW_TRY(gateway->access_index, store::OpenAccessIndex(config.store_path + ".access-index"));
  GW_TRY(const crypto::PrivateKey key, LogKey(config));
  audit::Options log_options{
      .directory = config.log_directory, .origin = config.log_origin, .key = key};
  GW_TRY(gateway->log, audit::AuditLog::Open(std::move(log_options), gateway->clock));
  gateway->journal.emplace(gateway->store.get(), gateway->log.get());
  return gateway->journal->Recover();
}

// The address clients are told where the configuration names none: known once the port is.
std::string BaseUrl(const Config& config, uint16_t port) {
  return config.base_url.empty()
             ? "http://" + config.http_address + ":" + std::to_string(port) + "/fhir"
             : config.base_url;
}

}  // namespace

Gateway::Gateway(Config given) : config(std::move(given)), definitions(fhir::Definitions::R4()) {}

Status Assemble(Gateway* gateway) {
  GW_RETURN_IF_ERROR(BuildParts(gateway));
  return OpenStores(gateway);
}

void Connect(Gateway* gateway, uint16_t port) {
  gateway->parts.emplace(flow::Parts{gateway->definitions, *gateway->indexer, *gateway->validator,
                                     *gateway->labeller, *gateway->authenticator,
                                     gateway->config.policy, *gateway->mappings, *gateway->store,
                                     *gateway->access_index, *gateway->log, gateway->clock,
                                     Limits{}, BaseUrl(gateway->config, port), "caregate"});
  gateway->ingest.emplace(*gateway->parts, &*gateway->journal);
  gateway->exchange.emplace(*gateway->parts, &*gateway->ingest, &*gateway->journal);
  gateway->operations.emplace(*gateway->parts, &*gateway->ingest, &*gateway->journal);
}

void Close(Gateway* gateway) {
  gateway->journal->Settle();
  if (const Status closed = gateway->log->Close(); !closed) {
    log::Write(log::Level::kError, "log.close_failed", {{"reason", Describe(closed.error())}});
  }
}

}  // namespace gw::cli
