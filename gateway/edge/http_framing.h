#pragma once

#include <Poco/Net/HTTPServerRequest.h>

#include <cstdint>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/rest/interaction.h"

namespace gw::edge {

// The request line and headers as plain data, if their framing can be trusted.
// Errors, after which the connection must be closed: kInvalid (a missing or second Host, a second
// Content-Length, Transfer-Encoding or Authorization, both of the first two, a length that is no
// plain number, control characters or encoded words in a value), kTooLarge
// (the body), kUnsupported (a body without a length; chunked and other transfer codings: POCO 1.11
// cannot tell a cut chunk from a whole body). *body_bytes is what the body must have. Source: RFC
// 9112, pitfalls P2 to P7 of POCO 1.11.
Status ReadHeader(const Poco::Net::HTTPServerRequest& source, const Limits& limits,
                  rest::Request* request, uint64_t* body_bytes);

// Reads exactly `body_bytes`. Errors: kInvalid where the connection ends before (P4).
Status ReadBody(Poco::Net::HTTPServerRequest& source, uint64_t body_bytes, rest::Request* request);

}  // namespace gw::edge
