#include "gateway/rest/format.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "gateway/base/percent.h"
#include "gateway/fhir/resource.h"

namespace gw::rest {
namespace {

constexpr int kFullQuality = 1000;  // q=1, in thousandths as RFC 7231 has them

struct MediaType {
  std::string_view name;
  Format format;
};
constexpr auto kMediaTypes = std::to_array<MediaType>({{"application/fhir+json", Format::kJson},
                                                       {"application/json", Format::kJson},
                                                       {"text/json", Format::kJson},
                                                       {"application/json+fhir", Format::kJson},
                                                       {"application/fhir+xml", Format::kXml},
                                                       {"application/xml", Format::kXml},
                                                       {"text/xml", Format::kXml},
                                                       {"application/xml+fhir", Format::kXml}});

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

// Takes what stands before the next `mark` off the front of *text.
std::string_view Take(std::string_view* text, char mark) {
  const std::string_view part = text->substr(0, text->find(mark));
  text->remove_prefix(std::min(part.size() + 1, text->size()));
  return Trimmed(part);
}

// "1", "0.5", "0.125"; nothing for what is no such number.
std::optional<int> Quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.')) {
    return std::nullopt;
  }
  int quality = text[0] == '1' ? kFullQuality : 0;
  int weight = kFullQuality / 10;
  for (const char c : text.substr(std::min<size_t>(2, text.size()))) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    quality += (c - '0') * weight;
    weight /= 10;
  }
  return quality <= kFullQuality ? std::optional(quality) : std::nullopt;
}

// A media type or range with its parameters.
struct Range {
  std::string type;  // in small letters
  int quality = kFullQuality;
  bool is_ours = true;  // its charset and FHIR version, where it names them, are ours
};

Range ParseRange(std::string_view text) {
  Range range;
  range.type = Lower(Take(&text, ';'));
  while (!text.empty()) {
    std::string_view parameter = Take(&text, ';');
    const std::string name = Lower(Take(&parameter, '='));
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    if (name == "q") {
      range.quality = Quality(parameter).value_or(0);
    } else if (name == "charset") {
      range.is_ours &= Lower(parameter) == "utf-8";
    } else if (name == "fhirversion") {
      range.is_ours &= parameter == "4.0" || parameter == "4.0.1";
    }
  }
  return range;
}

std::optional<Format> FormatOf(const Range& range) {
  for (const MediaType& known : kMediaTypes) {
    if (range.is_ours && range.type == known.name) {
      return known.format;
    }
  }
  return std::nullopt;
}

// How exactly a range names a format: 0 not at all.
int Exactness(const Range& range, Format format) {
  if (!range.is_ours) {
    return 0;
  }
  if (range.type == "*/*") {
    return 1;
  }
  if (range.type == "application/*") {
    return 2;
  }
  return FormatOf(range) == format ? 3 : 0;
}

// What Accept says of one format: the most exact range decides (RFC 7231 section 5.3.2).
struct Rank {
  int quality = 0;
  int exactness = 0;
  int order = 0;  // the earlier, the higher
  auto operator<=>(const Rank&) const = default;
};

Rank RankOf(std::string_view accept, Format format) {
  Rank rank;
  for (int order = 0; !accept.empty(); --order) {
    const Range range = ParseRange(Take(&accept, ','));
    const int exactness = Exactness(range, format);
    if (exactness > rank.exactness) {
      rank = {range.quality, exactness, order};
    }
  }
  return rank;
}

// The values of _format in a query.
void CollectFormats(std::string_view query, std::vector<std::string>* formats) {
  constexpr std::string_view kName = "_format=";
  while (!query.empty()) {
    const std::string_view pair = Take(&query, '&');
    if (pair.starts_with(kName)) {
      // A "+" stays one: clients send media types so (R4 http.html 3.1.0.1.11).
      formats->push_back(PercentDecoded(pair.substr(kName.size())));
    }
  }
}

bool IsForm(std::string_view content_type) {
  return Lower(content_type).starts_with("application/x-www-form-urlencoded");
}

}  // namespace

Result<Format> AnswerFormat(const Request& request) {
  std::vector<std::string> named;
  CollectFormats(request.query, &named);
  const std::string_view content_type = request.Header("Content-Type");
  if (request.method == "POST" && IsForm(content_type)) {
    CollectFormats(request.body, &named);
  }
  if (named.size() > 1) {
    return Error{Code::kInvalid, "the parameter must stand once", "_format"};
  }
  if (!named.empty()) {
    const Range range = ParseRange(named.front());
    if (range.type == "json" || range.type == "xml") {
      return range.type == "xml" ? Format::kXml : Format::kJson;
    }
    const std::optional<Format> format = FormatOf(range);
    return format ? Result<Format>(*format)
                  : Error{Code::kUnsupported, "the format is not offered", "_format"};
  }
  const std::string_view accept = Trimmed(request.Header("Accept"));
  if (accept.empty() || accept == "*/*") {
    const bool has_body = request.method == "POST" || request.method == "PUT";
    const std::optional<Format> sent = has_body ? FormatOf(ParseRange(content_type)) : std::nullopt;
    return sent.value_or(Format::kJson);
  }
  const Rank json = RankOf(accept, Format::kJson);
  const Rank xml = RankOf(accept, Format::kXml);
  if (json.quality == 0 && xml.quality == 0) {
    return Error{Code::kUnsupported,
                 "application/fhir+json and application/fhir+xml are offered, of FHIR 4.0 in UTF-8",
                 "Accept"};
  }
  return xml > json ? Format::kXml : Format::kJson;
}

Result<Format> BodyFormat(const Request& request) {
  const std::optional<Format> format = FormatOf(ParseRange(request.Header("Content-Type")));
  if (!format) {
    return Error{Code::kUnsupported,
                 "the body must be application/fhir+json or application/fhir+xml, of FHIR 4.0 in "
                 "UTF-8",
                 "Content-Type"};
  }
  return *format;
}

std::string_view MediaTypeOf(Format format) {
  return format == Format::kXml ? "application/fhir+xml; charset=utf-8"
                                : "application/fhir+json; charset=utf-8";
}

Result<std::string> InFormat(Format format, std::string json,
                             const fhir::Definitions& definitions) {
  if (format == Format::kJson || json.empty()) {
    return json;
  }
  // The bounds are for what others send; a page of resources within them goes past each.
  Limits limits;
  limits.json_depth_max *= 2;
  limits.json_nodes_max = std::numeric_limits<uint32_t>::max();
  const Result<fhir::Resource> resource = fhir::ParseJson(json, definitions, limits);
  if (!resource) {
    return Error{Code::kInternal, "an answer is not FHIR R4: " + resource.error().detail,
                 resource.error().where};
  }
  std::string xml;
  xml.reserve(json.size() + json.size() / 4);
  fhir::WriteXml(*resource, &xml);
  return xml;
}

}  // namespace gw::rest
