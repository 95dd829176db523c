#include "gateway/edge/http_framing.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "gateway/flow/admin.h"

namespace gw::edge {
namespace {

bool IsSafeValue(std::string_view value) {
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
  return !control && value.find("=?") == std::string_view::npos;
}

bool IsSingular(std::string_view name) {
  return name == "host" || name == "content-length" || name == "transfer-encoding" ||
         name == "authorization" || name == "content-type";
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

Status AddHeader(const std::string& name, const std::string& value, rest::Request* request) {
  const std::string lower = Lower(name);
  if (name.empty() || name.find(' ') != std::string::npos || !IsSafeValue(name) ||
      !IsSafeValue(value)) {
    return Error{Code::kInvalid, "a header holds what no header may", "header", 0};
  }
  for (auto& [known, joined] : request->headers) {
    if (known != lower) {
      continue;
    }
    if (IsSingular(lower)) {
      return Error{Code::kInvalid, "this header must not stand twice", lower, 0};
    }
    joined += ", " + value;
    return {};
  }
  request->headers.emplace_back(lower, value);
  return {};
}

// The length the body must have. Only plain digits: POCO takes "+5", and reads "1,0" as 10.
Result<uint64_t> BodyLength(const rest::Request& request, const Limits& limits) {
  const std::string_view coding = request.Header("transfer-encoding");
  const std::string_view length = request.Header("content-length");
  if (!coding.empty()) {
    if (!length.empty()) {
      return Error{Code::kInvalid, "Content-Length and Transfer-Encoding exclude each other",
                   "Transfer-Encoding", 0};
    }
    return Error{Code::kUnsupported, "send the body with a Content-Length", "Transfer-Encoding", 0};
  }
  // An operation may go without one: then the body is empty (RFC 9112, 6.3).
  const bool needs_body =
      !flow::Admin::Serves(request) &&
      (request.method == "POST" || request.method == "PUT" || request.method == "PATCH");
  if (length.empty()) {
    return needs_body
               ? Result<uint64_t>(Error{Code::kUnsupported, "a body without a length is not taken",
                                        "Content-Length", 0})
               : Result<uint64_t>(uint64_t{0});
  }
  uint64_t bytes = 0;
  const auto [end, problem] = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (problem != std::errc() || end != length.data() + length.size() || length.size() > 18) {
    return Error{Code::kInvalid, "Content-Length must be a plain number", "Content-Length", 0};
  }
  if (bytes > limits.body_bytes_max) {
    return Error{Code::kTooLarge,
                 "the body is larger than " + std::to_string(limits.body_bytes_max) + " bytes",
                 "Content-Length", 0};
  }
  return bytes;
}

}  // namespace

Status ReadHeader(const Poco::Net::HTTPServerRequest& source, const Limits& limits,
                  rest::Request* request, uint64_t* body_bytes) {
  request->method = source.getMethod();
  request->peer = source.clientAddress().host().toString();
  const std::string& target = source.getURI();
  const size_t question = std::min(target.find('?'), target.size());
  request->path = target.substr(0, question);
  request->query = question < target.size() ? target.substr(question + 1) : std::string();
  for (const auto& [name, value] : source) {
    GW_RETURN_IF_ERROR(AddHeader(name, value, request));
  }
  if (!target.starts_with('/') || !IsSafeValue(target)) {
    return Error{Code::kInvalid, "the request target must be a path", "request line", 0};
  }
  if (request->Header("host").empty()) {
    return Error{Code::kInvalid, "exactly one Host is needed", "Host", 0};
  }
  GW_TRY(*body_bytes, BodyLength(*request, limits));
  return {};
}

Status ReadBody(Poco::Net::HTTPServerRequest& source, uint64_t body_bytes, rest::Request* request) {
  request->body.resize(body_bytes);
  if (body_bytes == 0) {
    return {};
  }
  source.stream().read(request->body.data(), static_cast<std::streamsize>(body_bytes));
  if (static_cast<uint64_t>(source.stream().gcount()) != body_bytes) {
    return Error{Code::kInvalid, "the body is shorter than its Content-Length", "Content-Length",
                 0};
  }
  return {};
}

}  // namespace gw::edge
