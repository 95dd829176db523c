#include "gateway/edge/rest_server.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>

#include <chrono>
#include <exception>
#include <optional>

#include "gateway/base/log.h"
#include "gateway/edge/deadlines.h"
#include "gateway/edge/http_framing.h"

namespace gw::edge {
namespace {

using HttpStatus = Poco::Net::HTTPResponse::HTTPStatus;
using std::chrono::milliseconds;

// What is said where the access log does not take the request: no log, no answer.
constexpr std::string_view kNoAnswer =
    R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient",)"
    R"("diagnostics":"the gateway cannot answer now"}]})";
constexpr std::string_view kNoAnswerXml =
    R"(<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/>)"
    R"(<code value="transient"/><diagnostics value="the gateway cannot answer now"/></issue>)"
    R"(</OperationOutcome>)";

struct Body {
  std::string_view bytes;
  std::string_view media_type;
};

Body NoAnswer(const rest::Request& request) {
  const Result<rest::Format> asked = rest::AnswerFormat(request);
  const rest::Format format = asked ? *asked : rest::Format::kJson;
  return {format == rest::Format::kXml ? kNoAnswerXml : kNoAnswer, rest::MediaTypeOf(format)};
}

void Send(int status, const std::vector<std::pair<std::string, std::string>>& headers, Body body,
          bool head, Poco::Net::HTTPServerResponse* response) {
  response->setStatusAndReason(static_cast<HttpStatus>(status));
  response->set("Cache-Control", "private, no-store");
  response->set("X-Content-Type-Options", "nosniff");
  response->set("Vary", "Authorization, Accept");
  for (const auto& [name, value] : headers) {
    response->set(name, value);
  }
  if (!body.bytes.empty()) {
    response->setContentType(std::string(body.media_type));
  }
  if (head || status == HttpStatus::HTTP_NOT_MODIFIED) {
    response->setContentLength(static_cast<std::streamsize>(body.bytes.size()));
    response->send();
    return;
  }
  response->sendBuffer(body.bytes.data(), body.bytes.size());
}

class RequestHandler final : public Poco::Net::HTTPRequestHandler {
 public:
  RequestHandler(const RestOptions& options, flow::Exchange* exchange, Deadlines* deadlines)
      : options_(options), exchange_(exchange), deadlines_(deadlines) {}

  void handleRequest(Poco::Net::HTTPServerRequest& source,
                     Poco::Net::HTTPServerResponse& response) override {
    auto& socket = static_cast<Poco::Net::HTTPServerRequestImpl&>(source).socket();
    deadlines_->Set(socket, milliseconds(options_.request_deadline_ms));
    try {
      Answer(source, &response);
    } catch (const Poco::Exception& problem) {
      log::Write(log::Level::kWarn, "http.connection_lost", {{"reason", problem.name()}});
      response.setKeepAlive(false);
    } catch (const std::exception&) {
      log::Write(log::Level::kError, "http.request_failed");
      response.setKeepAlive(false);
      if (!response.sent()) {
        Send(500, {}, NoAnswer({}), false, &response);
      }
    }
    deadlines_->SetIdle(socket, milliseconds(options_.header_deadline_ms));
  }

 private:
  void Answer(Poco::Net::HTTPServerRequest& source, Poco::Net::HTTPServerResponse* response) {
    rest::Request request;
    uint64_t body_bytes = 0;
    Status framed = ReadHeader(source, options_.limits, &request, &body_bytes);
    if (framed) {
      if (source.getExpectContinue()) {
        response->sendContinue();
      }
      framed = ReadBody(source, body_bytes, &request);
    }
    if (!framed) {
      response->setKeepAlive(false);  // what was not read must not become the next request
    }
    const Result<flow::Response> answer =
        framed ? exchange_->Handle(request) : exchange_->Refuse(request, framed.error());
    const bool head = request.method == "HEAD";
    if (!answer) {
      log::Write(log::Level::kError, "http.not_logged", {{"reason", answer.error().detail}});
      Send(503, {{"Retry-After", "1"}}, NoAnswer(request), head, response);
      return;
    }
    Send(answer->status(), answer->headers(), {answer->body(), answer->media_type()}, head,
         response);
  }

  const RestOptions& options_;
  flow::Exchange* exchange_;
  Deadlines* deadlines_;
};

class RequestHandlerFactory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  RequestHandlerFactory(const RestOptions& options, flow::Exchange* exchange, Deadlines* deadlines)
      : options_(options), exchange_(exchange), deadlines_(deadlines) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(
      const Poco::Net::HTTPServerRequest&) override {
    return new RequestHandler(options_, exchange_, deadlines_);  // POCO owns and deletes it
  }

 private:
  const RestOptions& options_;
  flow::Exchange* exchange_;
  Deadlines* deadlines_;
};

// A connection under the deadlines from its first moment to its last.
class WatchedConnection final : public Poco::Net::HTTPServerConnection {
 public:
  WatchedConnection(const Poco::Net::StreamSocket& socket,
                    Poco::Net::HTTPServerParams::Ptr parameters,
                    Poco::Net::HTTPRequestHandlerFactory::Ptr factory, const RestOptions& options,
                    Deadlines* deadlines)
      : HTTPServerConnection(socket, parameters, factory), deadlines_(deadlines), watched_(socket) {
    watched_.setNoDelay(true);
    deadlines_->SetIdle(watched_, milliseconds(options.header_deadline_ms));
  }
  ~WatchedConnection() override { deadlines_->Remove(watched_); }

 private:
  Deadlines* deadlines_;
  Poco::Net::StreamSocket watched_;
};

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  ConnectionFactory(Poco::Net::HTTPServerParams::Ptr parameters, const RestOptions& options,
                    flow::Exchange* exchange, Deadlines* deadlines)
      : parameters_(std::move(parameters)),
        handlers_(new RequestHandlerFactory(options, exchange, deadlines)),
        options_(options),
        deadlines_(deadlines) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new WatchedConnection(socket, parameters_, handlers_, options_,
                                 deadlines_);  // POCO owns it
  }

 private:
  Poco::Net::HTTPServerParams::Ptr parameters_;
  Poco::Net::HTTPRequestHandlerFactory::Ptr handlers_;
  const RestOptions& options_;
  Deadlines* deadlines_;
};

Poco::Net::HTTPServerParams::Ptr Parameters(const RestOptions& options) {
  Poco::Net::HTTPServerParams::Ptr parameters = new Poco::Net::HTTPServerParams;
  parameters->setMaxThreads(static_cast<int>(options.connections));
  parameters->setMaxQueued(static_cast<int>(options.connections));
  parameters->setKeepAlive(true);
  parameters->setMaxKeepAliveRequests(0);
  parameters->setKeepAliveTimeout(Poco::Timespan(options.header_deadline_ms / 1000, 0));
  parameters->setTimeout(Poco::Timespan(options.header_deadline_ms / 1000, 0));
  return parameters;
}

}  // namespace

struct RestServer::Server {
  explicit Server(const RestOptions& given)
      : options(given),
        pool(2, static_cast<int>(given.connections)),
        socket(Poco::Net::SocketAddress(given.address, given.port), /*backlog=*/512) {}

  ~Server() {
    if (server) {
      server->stop();
      deadlines.Drain();
      pool.joinAll();  // bounded: the deadlines end what hangs
    }
  }

  RestOptions options;
  Deadlines deadlines;
  Poco::ThreadPool pool;
  Poco::Net::ServerSocket socket;
  std::optional<Poco::Net::TCPServer> server;
};

RestServer::RestServer(std::unique_ptr<Server> server) : server_(std::move(server)) {}

RestServer::~RestServer() = default;

Result<std::unique_ptr<RestServer>> RestServer::Bind(const RestOptions& options) {
  try {
    return std::unique_ptr<RestServer>(new RestServer(std::make_unique<Server>(options)));
  } catch (const Poco::Exception& problem) {
    return Error{Code::kUnavailable, "cannot listen: " + std::string(problem.name()),
                 options.address + ":" + std::to_string(options.port), 0};
  }
}

void RestServer::Serve(flow::Exchange* exchange) {
  const Poco::Net::HTTPServerParams::Ptr parameters = Parameters(server_->options);
  server_->server.emplace(
      new ConnectionFactory(parameters, server_->options, exchange, &server_->deadlines),
      server_->pool, server_->socket, parameters);
  server_->server->start();
}

uint16_t RestServer::port() const { return server_->socket.address().port(); }

}  // namespace gw::edge
