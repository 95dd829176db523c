#include "gateway/edge/rest_server.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponseImpl.h>
#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>
#include <Poco/Timestamp.h>

#include <array>
#include <chrono>
#include <exception>
#include <optional>

#include "gateway/base/log.h"
#include "gateway/edge/deadlines.h"
#include "gateway/edge/http_framing.h"

namespace gw::edge {
namespace {

using HttpStatus = Poco::Net::HTTPResponse::HTTPStatus;
using Poco::Net::HTTPServerRequestImpl;
using Poco::Net::HTTPServerResponseImpl;
using std::chrono::milliseconds;

constexpr milliseconds kLinger{1000};

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

// A connection under the deadlines from its first moment to its last, and its requests one after
// the other. POCO's own HTTPServerConnection answers what it cannot read by itself, or not at all;
// here that too is refused by the exchange, so that it stands in the access log.
class Connection final : public Poco::Net::TCPServerConnection {
 public:
  Connection(const Poco::Net::StreamSocket& socket, Poco::Net::HTTPServerParams::Ptr parameters,
             const RestOptions& options, flow::Exchange* exchange, Deadlines* deadlines)
      : TCPServerConnection(socket),
        parameters_(std::move(parameters)),
        options_(options),
        exchange_(exchange),
        deadlines_(deadlines),
        watched_(socket) {
    watched_.setNoDelay(true);
    deadlines_->SetIdle(watched_, milliseconds(options_.header_deadline_ms));
  }
  ~Connection() override { deadlines_->Remove(watched_); }

  void run() override {
    Poco::Net::HTTPServerSession session(watched_, parameters_);
    try {
      while (session.hasMoreRequests()) {
        if (!AnswerNext(&session)) {
          Linger();
          break;
        }
        deadlines_->SetIdle(watched_, milliseconds(options_.header_deadline_ms));
      }
    } catch (const Poco::Net::NoMessageException&) {
      // The other side closed before a request began.
    } catch (const Poco::Exception& problem) {
      log::Write(log::Level::kWarn, "http.connection_lost", {{"reason", problem.name()}});
    }
  }

 private:
  // True where the connection may bear another request.
  bool AnswerNext(Poco::Net::HTTPServerSession* session) {
    HTTPServerResponseImpl response(*session);
    std::optional<HTTPServerRequestImpl> source;
    try {
      source.emplace(response, *session, parameters_.get());
    } catch (const Poco::Net::NoMessageException&) {
      throw;
    } catch (const Poco::Net::MessageException&) {
      RefuseUnread(session, &response);
      return false;
    } catch (const Poco::SyntaxException&) {  // a Content-Length that is no number
      RefuseUnread(session, &response);
      return false;
    }
    deadlines_->Set(watched_, milliseconds(options_.request_deadline_ms));
    response.setDate(Poco::Timestamp());
    response.setVersion(source->getVersion());
    response.setKeepAlive(source->getKeepAlive() && session->canKeepAlive());
    try {
      Answer(*source, &response);
    } catch (const Poco::Exception&) {
      throw;
    } catch (const std::exception&) {
      log::Write(log::Level::kError, "http.request_failed");
      response.setKeepAlive(false);
      if (!response.sent()) {
        Send(500, {}, NoAnswer({}), false, &response);
      }
    }
    session->setKeepAlive(response.getKeepAlive());
    return response.getKeepAlive();
  }

  void Answer(HTTPServerRequestImpl& source, HTTPServerResponseImpl* response) {
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
    SendResult(request,
               framed ? exchange_->Handle(request) : exchange_->Refuse(request, framed.error()),
               response);
  }

  // What POCO could not read as a request's header: neither its method nor its target is known.
  void RefuseUnread(Poco::Net::HTTPServerSession* session, HTTPServerResponseImpl* response) {
    rest::Request request;
    request.peer = session->clientAddress().host().toString();
    response->setDate(Poco::Timestamp());
    response->setVersion(Poco::Net::HTTPMessage::HTTP_1_1);
    response->setKeepAlive(false);
    SendResult(request,
               exchange_->Refuse(
                   request, {Code::kInvalid, "this is no header of an HTTP request", "header", 0}),
               response);
  }

  // Takes in, for a moment, what was sent and is not read: closed with bytes unread, TCP resets the
  // connection and the answer with it (RFC 9112, 9.6).
  void Linger() {
    watched_.shutdownSend();
    deadlines_->Set(watched_, kLinger);
    std::array<char, 16384> unread;
    while (watched_.receiveBytes(unread.data(), static_cast<int>(unread.size())) > 0) {
    }
  }

  static void SendResult(const rest::Request& request, const Result<flow::Response>& answer,
                         HTTPServerResponseImpl* response) {
    const bool head = request.method == "HEAD";
    if (!answer) {
      log::Write(log::Level::kError, "http.not_logged", {{"reason", answer.error().detail}});
      Send(503, {{"Retry-After", "1"}}, NoAnswer(request), head, response);
      return;
    }
    Send(answer->status(), answer->headers(), {answer->body(), answer->media_type()}, head,
         response);
  }

  Poco::Net::HTTPServerParams::Ptr parameters_;
  const RestOptions& options_;
  flow::Exchange* exchange_;
  Deadlines* deadlines_;
  Poco::Net::StreamSocket watched_;
};

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  ConnectionFactory(Poco::Net::HTTPServerParams::Ptr parameters, const RestOptions& options,
                    flow::Exchange* exchange, Deadlines* deadlines)
      : parameters_(std::move(parameters)),
        options_(options),
        exchange_(exchange),
        deadlines_(deadlines) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new Connection(socket, parameters_, options_, exchange_, deadlines_);  // POCO owns it
  }

 private:
  Poco::Net::HTTPServerParams::Ptr parameters_;
  const RestOptions& options_;
  flow::Exchange* exchange_;
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
