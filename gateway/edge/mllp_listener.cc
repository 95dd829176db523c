#include "gateway/edge/mllp_listener.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>

#include "gateway/base/log.h"
#include "gateway/edge/deadlines.h"
#include "gateway/hl7v2/mllp.h"

namespace gw::edge {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kReadBytes = 64 * 1024;
constexpr int kWakeMs = 250;  // how soon an idle connection notices a stop

bool MayConnect(const std::vector<std::string>& peers, const Poco::Net::IPAddress& address) {
  if (peers.empty()) {
    return address.isLoopback();
  }
  const std::string text = address.toString();
  return std::find(peers.begin(), peers.end(), text) != peers.end();
}

// One sender's connection, from accept to close. The thread is the pool's.
class MllpConnection final : public Poco::Net::TCPServerConnection {
 public:
  MllpConnection(const Poco::Net::StreamSocket& socket, const MllpOptions& options,
                 flow::Ingest* ingest, Deadlines* deadlines, const std::atomic<bool>* stopping)
      : TCPServerConnection(socket),
        options_(options),
        ingest_(ingest),
        deadlines_(deadlines),
        stopping_(stopping) {}
  ~MllpConnection() override { deadlines_->Remove(socket()); }

  void run() override {
    std::string peer;
    try {
      socket().setNoDelay(true);  // an acknowledgment waits for nothing
      const Poco::Net::IPAddress address = socket().peerAddress().host();
      peer = address.toString();
      if (!MayConnect(options_.peers, address)) {
        log::Write(log::Level::kWarn, "mllp.peer_refused", {{"peer", peer}});
        return;
      }
      Serve(peer);
    } catch (const Poco::Exception& problem) {
      log::Write(log::Level::kWarn, "mllp.connection_lost",
                 {{"peer", peer}, {"reason", problem.name()}});
    }
  }

 private:
  void Serve(const std::string& peer) {
    hl7v2::MllpDecoder decoder(options_.limits);
    std::array<char, kReadBytes> buffer{};
    // The frame's first byte, the last frame's end or the last answer.
    SteadyClock::time_point since = SteadyClock::now();
    socket().setReceiveTimeout(Poco::Timespan(0, 1000L * kWakeMs));
    while (!*stopping_) {
      if (!InTime(decoder.in_frame(), since)) {
        Abandon("the frame did not end in time", "mllp.frame_timed_out", peer, &decoder);
        return;
      }
      const std::optional<int> count = Receive(&buffer);
      if (!count) {
        continue;
      }
      if (*count <= 0) {
        Abandon("the connection ended inside the frame", "mllp.frame_cut_off", peer, &decoder);
        return;
      }
      const bool began = decoder.in_frame();
      std::vector<hl7v2::MllpUnit> units =
          decoder.Feed({buffer.data(), static_cast<size_t>(*count)});
      const bool moved = !began || !units.empty() || !decoder.in_frame();
      Answer(std::move(units), peer);
      if (decoder.is_lost()) {
        return;
      }
      if (moved) {
        since = SteadyClock::now();
      }
    }
  }

  // One call of the system where poll() makes five; none: nothing came for a while.
  std::optional<int> Receive(std::array<char, kReadBytes>* buffer) {
    try {
      return socket().receiveBytes(buffer->data(), kReadBytes);
    } catch (const Poco::TimeoutException&) {
      return std::nullopt;
    } catch (const Poco::Net::ConnectionResetException&) {
      return 0;
    }
  }

  bool InTime(bool in_frame, SteadyClock::time_point since) const {
    const auto limit = std::chrono::milliseconds(in_frame ? options_.frame_deadline_ms
                                                          : options_.idle_deadline_ms);
    return SteadyClock::now() - since <= limit;
  }

  // The end of a frame will not come: what is there of it is refused, kept and answered, if anybody
  // is left to read it.
  void Abandon(const char* rule, const char* event, const std::string& peer,
               hl7v2::MllpDecoder* decoder) {
    if (!decoder->in_frame()) {
      return;
    }
    log::Write(log::Level::kWarn, event,
               {{"peer", peer}, {"bytes", std::to_string(decoder->held_bytes())}});
    const std::string held = decoder->TakeHeld();
    if (!held.empty()) {
      const Error error{Code::kInvalid, rule, "MLLP frame", 0};
      SendAll(ingest_->RefuseV2(held, error, peer));
    }
  }

  // Each unit is answered before the next one is looked at.
  void Answer(std::vector<hl7v2::MllpUnit> units, const std::string& peer) {
    for (hl7v2::MllpUnit& unit : units) {
      const flow::Ingest::Answers answers =
          unit.fault ? ingest_->AnswerV2(std::move(unit.bytes), peer)
                     : ingest_->RefuseV2(unit.bytes, unit.fault.error(), peer);
      SendAll(answers);
    }
  }

  // In the time that the sender has to take them.
  void SendAll(const flow::Ingest::Answers& answers) {
    deadlines_->Set(socket(), std::chrono::milliseconds(options_.frame_deadline_ms));
    for (const std::string* answer : {&answers.accept, &answers.application}) {
      if (!answer->empty()) {
        Send(hl7v2::MllpFrame(*answer));
      }
    }
    deadlines_->Remove(socket());
  }

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = socket().sendBytes(bytes.data(), static_cast<int>(bytes.size()));
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  const MllpOptions& options_;
  flow::Ingest* ingest_;
  Deadlines* deadlines_;
  const std::atomic<bool>* stopping_;
};

class MllpConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  MllpConnectionFactory(const MllpOptions& options, flow::Ingest* ingest, Deadlines* deadlines,
                        const std::atomic<bool>* stopping)
      : options_(options), ingest_(ingest), deadlines_(deadlines), stopping_(stopping) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    // POCO owns and deletes it.
    return new MllpConnection(socket, options_, ingest_, deadlines_, stopping_);
  }

 private:
  const MllpOptions& options_;
  flow::Ingest* ingest_;
  Deadlines* deadlines_;
  const std::atomic<bool>* stopping_;
};

}  // namespace

struct MllpListener::Server {
  explicit Server(const MllpOptions& given, flow::Ingest* ingest)
      : options(given),
        pool(1, static_cast<int>(given.connections)),
        socket(Poco::Net::SocketAddress(given.address, given.port)),
        server(new MllpConnectionFactory(options, ingest, &deadlines, &stopping), pool, socket,
               Parameters(given)) {
    server.start();
  }

  ~Server() {
    stopping = true;
    server.stop();
    pool.joinAll();  // bounded: the deadlines end an answer that nobody reads
  }

  static Poco::Net::TCPServerParams::Ptr Parameters(const MllpOptions& options) {
    Poco::Net::TCPServerParams::Ptr parameters = new Poco::Net::TCPServerParams;
    parameters->setMaxThreads(static_cast<int>(options.connections));
    parameters->setMaxQueued(static_cast<int>(options.connections));
    return parameters;
  }

  MllpOptions options;
  std::atomic<bool> stopping = false;
  Deadlines deadlines;
  Poco::ThreadPool pool;
  Poco::Net::ServerSocket socket;
  Poco::Net::TCPServer server;
};

MllpListener::MllpListener(std::unique_ptr<Server> server) : server_(std::move(server)) {}

MllpListener::~MllpListener() = default;

Result<std::unique_ptr<MllpListener>> MllpListener::Start(const MllpOptions& options,
                                                          flow::Ingest* ingest) {
  try {
    return std::unique_ptr<MllpListener>(
        new MllpListener(std::make_unique<Server>(options, ingest)));
  } catch (const Poco::Exception& problem) {
    return Error{Code::kUnavailable, "cannot listen: " + std::string(problem.name()),
                 options.address + ":" + std::to_string(options.port), 0};
  }
}

uint16_t MllpListener::port() const { return server_->server.port(); }

}  // namespace gw::edge
