#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/gateway.h"
#include "gateway/cli/reload.h"
#include "gateway/edge/csv_watcher.h"
#include "gateway/edge/mllp_listener.h"
#include "gateway/edge/rest_server.h"
#include "gateway/flow/admin.h"
#include "gateway/flow/feed_watch.h"

namespace gw::cli {
namespace {

// The gateway with its edges; undone from below, edges first.
struct Served {
  explicit Served(Config given) : gateway(std::move(given)) {}
  Gateway gateway;
  std::optional<flow::Admin> admin;
  std::unique_ptr<edge::MllpListener> mllp;
  std::unique_ptr<edge::CsvWatcher> csv;
  std::unique_ptr<edge::RestServer> rest;
};

Status Listen(Served* served, flow::Reloader* reloader) {
  Gateway* gateway = &served->gateway;
  const Config& config = gateway->config;
  edge::RestOptions rest;
  rest.address = config.http_address;
  rest.port = config.http_port;
  rest.connections = config.http_connections;
  GW_TRY(served->rest, edge::RestServer::Bind(rest));
  Connect(gateway, served->rest->port());
  served->admin.emplace(*gateway->parts, &*gateway->operations, reloader);
  gateway->exchange->Offer(&*served->admin);
  served->rest->Serve(&*gateway->exchange);
  if (config.mllp) {
    edge::MllpOptions mllp;
    mllp.address = config.mllp_address;
    mllp.port = config.mllp_port;
    mllp.connections = config.mllp_connections;
    mllp.peers = config.mllp_peers;
    GW_TRY(served->mllp, edge::MllpListener::Start(mllp, &*gateway->ingest));
  }
  edge::CsvOptions csv;
  csv.poll_ms = config.csv_poll_ms;
  csv.settle_ms = config.csv_settle_ms;
  for (const CsvFolder& folder : config.csv_folders) {
    csv.folders.push_back({folder.path, folder.feeds});
  }
  GW_TRY(served->csv, edge::CsvWatcher::Start(csv, &*gateway->ingest, &*gateway->mappings));
  return {};
}

void SayReady(const Served& served) {
  const Gateway& gateway = served.gateway;
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Member("event", "ready").Member("http", gateway.parts->base_url);
  if (served.mllp) {
    writer.Member("mllp", gateway.config.mllp_address + ":" + std::to_string(served.mllp->port()));
  }
  writer.ObjectEnd();
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
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
void Stop(Served* served) {
  served->mllp.reset();
  served->csv.reset();
  served->rest.reset();
  Close(&served->gateway);
  log::Write(log::Level::kInfo, "stopped");
}

// Waits for the signal that ends it; until then feeds are watched and reloads done.
void Run(const sigset_t& signals, Gateway* gateway, ConfigReloader* reloader) {
  constexpr timespec kLook{2, 0};
  flow::FeedWatch watch(*gateway->parts, &*gateway->journal);
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &kLook);
    if (signal == SIGTERM || signal == SIGINT) {
      return;
    }
    if (signal == SIGHUP) {
      static_cast<void>(reloader->Reload().ok());  // it has said why
      continue;
    }
    if (const Status looked = watch.Look(); !looked) {
      log::Write(log::Level::kError, "feeds.not_watched", {{"reason", Describe(looked.error())}});
    }
  }
}

}  // namespace

int Serve(Arguments arguments) {
  const std::string path = arguments.Option("--config");
  std::string unknown;
  if (path.empty() || !arguments.Operands(&unknown).empty()) {
    return Usage("serve");
  }
  const sigset_t signals = BlockSignals();
  Result<Config> config = ReadConfig(path);
  if (!config) {
    PrintError(Describe(config.error()));
    return config.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  Served served(*std::move(config));
  ConfigReloader reloader(path, &served.gateway);
  // What is sent on is checked too, as by `check` and each reload, though it is read when it is
  // sent.
  Status started = CheckExports(path, served.gateway.config, served.gateway.definitions);
  if (started) {
    started = Assemble(&served.gateway);
  }
  if (started) {
    started = Listen(&served, &reloader);
  }
  if (!started) {
    PrintError(Describe(started.error()));
    return kRefused;
  }
  SayReady(served);
  Run(signals, &served.gateway, &reloader);
  Stop(&served);
  return kDone;
}

}  // namespace gw::cli
