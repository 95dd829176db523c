#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/edge/csv_watcher.h"
#include "gateway/edge/mllp_listener.h"
#include "gateway/edge/rest_server.h"
#include "gateway/flow/exchange.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/journal.h"

namespace gw::cli {
namespace {

// The parts of one deployment, in the order they need each other; undone in the reverse of it.
struct Gateway {
  explicit Gateway(Config given) : config(std::move(given)), definitions(fhir::Definitions::R4()) {}

  Config config;
  SystemClock clock;
  fhir::Definitions definitions;
  std::optional<fhir::SearchIndexer> indexer;
  std::optional<validate::Validator> validator;
  std::optional<access::Labeller> labeller;
  std::optional<access::Authenticator> authenticator;
  std::optional<flow::CurrentMappings> mappings;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::AccessIndex> access_index;
  std::unique_ptr<audit::AuditLog> log;
  std::optional<flow::Journal> journal;
  std::optional<flow::Parts> parts;
  std::optional<flow::Ingest> ingest;
  std::optional<flow::Exchange> exchange;
  std::unique_ptr<edge::MllpListener> mllp;
  std::unique_ptr<edge::CsvWatcher> csv;
  std::unique_ptr<edge::RestServer> rest;
};

Status BuildParts(Gateway* gateway) {
  const Config& config = gateway->config;
  GW_TRY(fhir::SearchIndexer indexer, fhir::SearchIndexer::Make(gateway->definitions));
  gateway->indexer.emplace(std::move(indexer));
  gateway->validator.emplace(gateway->definitions);
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

Status Listen(Gateway* gateway) {
  const Config& config = gateway->config;
  edge::RestOptions rest;
  rest.address = config.http_address;
  rest.port = config.http_port;
  rest.connections = config.http_connections;
  GW_TRY(gateway->rest, edge::RestServer::Bind(rest));
  gateway->parts.emplace(flow::Parts{gateway->definitions, *gateway->indexer, *gateway->validator,
                                     *gateway->labeller, *gateway->authenticator,
                                     gateway->config.policy, *gateway->mappings, *gateway->store,
                                     *gateway->access_index, *gateway->log, gateway->clock,
                                     Limits{}, BaseUrl(config, gateway->rest->port()), "caregate"});
  gateway->ingest.emplace(*gateway->parts, &*gateway->journal);
  gateway->exchange.emplace(*gateway->parts, &*gateway->ingest, &*gateway->journal);
  gateway->rest->Serve(&*gateway->exchange);
  if (config.mllp) {
    edge::MllpOptions mllp;
    mllp.address = config.mllp_address;
    mllp.port = config.mllp_port;
    mllp.connections = config.mllp_connections;
    mllp.peers = config.mllp_peers;
    GW_TRY(gateway->mllp, edge::MllpListener::Start(mllp, &*gateway->ingest));
  }
  edge::CsvOptions csv;
  csv.poll_ms = config.csv_poll_ms;
  for (const CsvFolder& folder : config.csv_folders) {
    csv.folders.push_back({folder.path, folder.feeds});
  }
  GW_TRY(gateway->csv, edge::CsvWatcher::Start(csv, &*gateway->ingest, &*gateway->mappings));
  return {};
}

void SayReady(const Gateway& gateway) {
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Member("event", "ready").Member("http", gateway.parts->base_url);
  if (gateway.mllp) {
    writer.Member("mllp", gateway.config.mllp_address + ":" + std::to_string(gateway.mllp->port()));
  }
  writer.ObjectEnd();
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// SIGHUP: mappings and feeds are replaced whole, or kept whole.
void Reload(const std::string& path, Gateway* gateway) {
  const Result<Config> config = ReadConfig(path);
  const auto mappings = config ? LoadMappings(*config, gateway->definitions)
                               : Result<std::shared_ptr<const flow::Mappings>>(config.error());
  if (!mappings) {
    log::Write(log::Level::kError, "reload.refused", {{"reason", Describe(mappings.error())}});
    return;
  }
  gateway->mappings->Set(*mappings);
  log::Write(log::Level::kInfo, "reload.done",
             {{"map_version", (*mappings)->translator.version()}});
}

// Blocks the signals for every thread; this one waits for them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// What flows is let out first, then what it flows through: listeners, pending entries, the log's
// last checkpoint.
void Stop(Gateway* gateway) {
  gateway->mllp.reset();
  gateway->csv.reset();
  gateway->rest.reset();
  gateway->journal->Settle();
  if (const Status closed = gateway->log->Close(); !closed) {
    log::Write(log::Level::kError, "log.close_failed", {{"reason", Describe(closed.error())}});
  }
  log::Write(log::Level::kInfo, "stopped");
}

}  // namespace

int Serve(Arguments arguments) {
  const std::string path = arguments.Option("--config");
  std::string unknown;
  if (path.empty() || !arguments.Operands(&unknown).empty()) {
    return Usage("serve --config FILE");
  }
  const sigset_t signals = BlockSignals();
  Result<Config> config = ReadConfig(path);
  if (!config) {
    PrintError(Describe(config.error()));
    return config.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  Gateway gateway(*std::move(config));
  Status started = BuildParts(&gateway);
  if (started) {
    started = OpenStores(&gateway);
  }
  if (started) {
    started = Listen(&gateway);
  }
  if (!started) {
    PrintError(Describe(started.error()));
    return kRefused;
  }
  SayReady(gateway);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    Reload(path, &gateway);
  }
  Stop(&gateway);
  return kDone;
}

}  // namespace gw::cli
