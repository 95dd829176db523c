#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/stored.h"
#include "gateway/rest/interaction.h"
#include "gateway/rest/outcome.h"

namespace gw::rest {

// An answer but for its resources: what HTTP needs around them.
struct Reply {
  enum class Form : uint8_t { kResource, kSearchset, kEmpty } form = Form::kResource;
  Format format = Format::kJson;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // beside those that every answer has
  // Searchset only: the links and what is told of the whole.
  std::string self_link, next_link;
  std::vector<std::string>
      ignored;           // parameters skipped under handling=lenient: named in an outcome entry
  int64_t total = -1;    // of what the caller may see; -1: not told
  std::string base_url;  // of fullUrl
};

// The body in JSON, whatever the format: one resource as it is stored, or a Bundle of type
// searchset around them (R4 bundle.html). InFormat (format.h) makes XML of it.
std::string Render(const Reply& reply, const std::vector<fhir::StoredResource>& resources);

// ETag and Last-Modified of a version (R4 http.html 3.1.0.1).
void AddVersionHeaders(const fhir::StoredResource& resource, Reply* reply);

// "?patient=Patient%2F1&status=active": the parameters as they were applied, percent-encoded.
std::string QueryText(const std::vector<std::pair<std::string, std::string>>& parameters);

// The CapabilityStatement: made from the same tables that route and search, so it is true to what
// runs. Spec: R4 capabilitystatement.html; `date` a FHIR dateTime, `base_url` the server's own.
std::string CapabilityStatementJson(const fhir::SearchIndexer& indexer, std::string_view base_url,
                                    std::string_view date, std::string_view software_version);

}  // namespace gw::rest
