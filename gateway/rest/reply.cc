#include "gateway/rest/reply.h"

#include <array>
#include <cstdio>

#include "gateway/base/json.h"
#include "gateway/base/percent.h"

namespace gw::rest {
namespace {

// RFC 7231 IMF-fixdate: "Tue, 20 Jan 2026 10:00:00 GMT".
std::string HttpDate(Instant instant) {
  constexpr std::array kDays = {"Thu", "Fri", "Sat", "Sun",
                                "Mon", "Tue", "Wed"};  // 1970-01-01 was a Thursday
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime civil = ToCivil(instant);
  const auto day = static_cast<size_t>(instant.unix_us / 86'400'000'000 % 7);
  std::array<char, 40> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays.at(day),
                    civil.day, kMonths.at(static_cast<size_t>(civil.month - 1)), civil.year,
                    civil.hour, civil.minute, civil.second);
  return std::string(text.data(), static_cast<size_t>(length));
}

void WriteLink(std::string_view relation, const std::string& url, JsonWriter* writer) {
  if (!url.empty()) {
    writer->ObjectStart().Member("relation", relation).Member("url", url).ObjectEnd();
  }
}

std::string Searchset(const Reply& reply, const std::vector<fhir::StoredResource>& resources) {
  std::string json;
  size_t bytes = 512;
  for (const fhir::StoredResource& resource : resources) {
    bytes += resource.json.size() + 160;
  }
  json.reserve(bytes);
  JsonWriter writer(&json);
  writer.ObjectStart().Member("resourceType", "Bundle").Member("type", "searchset");
  if (reply.total >= 0) {
    writer.Key("total").Integer(reply.total);
  }
  writer.Key("link").ArrayStart();
  WriteLink("self", reply.self_link, &writer);
  WriteLink("next", reply.next_link, &writer);
  writer.ArrayEnd();
  if (!resources.empty() || !reply.ignored.empty()) {
    writer.Key("entry").ArrayStart();
    for (const fhir::StoredResource& resource : resources) {
      writer.ObjectStart()
          .Member("fullUrl", reply.base_url + "/" + resource.key.type + "/" + resource.key.id)
          .Key("resource")
          .Raw(resource.json)
          .Key("search")
          .ObjectStart()
          .Member("mode", "match")
          .ObjectEnd()
          .ObjectEnd();
    }
    if (!reply.ignored.empty()) {
      std::vector<OutcomeIssue> issues;
      for (const std::string& name : reply.ignored) {
        issues.push_back({"warning", "not-supported", "this search parameter was ignored", name});
      }
      writer.ObjectStart().Key("resource").Raw(OutcomeJson(issues));
      writer.Key("search").ObjectStart().Member("mode", "outcome").ObjectEnd().ObjectEnd();
    }
    writer.ArrayEnd();
  }
  writer.ObjectEnd();
  return json;
}

}  // namespace

std::string Render(const Reply& reply, const std::vector<fhir::StoredResource>& resources) {
  switch (reply.form) {
    case Reply::Form::kSearchset:
      return Searchset(reply, resources);
    case Reply::Form::kResource:
      return resources.empty() ? std::string() : resources.front().json;
    case Reply::Form::kEmpty:
      return {};
  }
  return {};
}

void AddVersionHeaders(const fhir::StoredResource& resource, Reply* reply) {
  reply->headers.emplace_back("ETag", "W/\"" + std::to_string(resource.version) + "\"");
  reply->headers.emplace_back("Last-Modified", HttpDate(resource.last_updated));
}

std::string QueryText(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    text += text.empty() ? '?' : '&';
    text += PercentEncoded(name);
    text += '=';
    text += PercentEncoded(value);
  }
  return text;
}

}  // namespace gw::rest
