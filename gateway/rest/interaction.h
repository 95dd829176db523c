#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/fhir/search.h"

namespace gw::rest {

// One HTTP request as plain data: no socket behind it. The edge has checked its framing, and read
// its body whole.
struct Request {
  std::string method;                                        // "GET", as sent
  std::string path;                                          // raw, still percent-encoded, no query
  std::string query;                                         // raw, without the question mark
  std::vector<std::pair<std::string, std::string>> headers;  // names as sent; each at most once
  std::string body;
  std::string peer;  // address of the other side
  // The value of a header, names compared without case; empty if absent.
  std::string_view Header(std::string_view name) const;
};

// The two formats of FHIR that are spoken.
enum class Format : uint8_t { kJson, kXml };

// What R4 calls an interaction (restful-interaction), and the one page that is none of FHIR's.
enum class Kind : uint8_t {
  kHealth,
  kCapabilities,
  kRead,
  kVread,
  kSearch,
  kCreate,
  kUpdate,
  kPatch
};
std::string_view NameOf(Kind kind);  // "read", "search-type" ...

// A request, understood.
struct Interaction {
  Kind kind = Kind::kHealth;
  std::string type;      // "CarePlan"; empty for health and capabilities
  std::string id;        // read, vread, update, patch
  uint64_t version = 0;  // vread
  fhir::Query query;     // search
  // create, update; patch: the Parameters of a FHIRPath Patch
  std::optional<fhir::Resource> body;
  std::string json_patch;                 // patch: the body of a JSON Patch
  std::optional<uint64_t> if_match;       // the version an update or patch insists on
  std::optional<uint64_t> if_none_match;  // the version a read need not send again
  enum class Return : uint8_t {
    kRepresentation,
    kMinimal,
    kOutcome
  } prefer = Return::kRepresentation;
};

// The paths and headers of the FHIR API under "/fhir"; "/health" beside it.
// Errors: kNotFound (no such path), kUnsupported (a method, type or media type that is not offered:
// `detail` says), kInvalid (a parameter, header or body, with its place), kTooLarge. Spec: FHIR R4
// http.html 3.1.0.
Result<Interaction> Parse(const Request& request, const fhir::Definitions& definitions,
                          const fhir::SearchIndexer& indexer, const Limits& limits);

// Only what Parse can find without reading query or body: for the log, where a request is refused
// early. kind, type and id as far as the path shows them; kHealth with empty type where it shows
// nothing.
Interaction Outline(const Request& request);

// Types that clients may read and search, and those they may create and update.
bool IsServed(std::string_view type);
bool IsWritable(std::string_view type);
const std::vector<std::string_view>& ServedTypes();

}  // namespace gw::rest
