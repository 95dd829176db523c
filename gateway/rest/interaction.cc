#include "gateway/rest/interaction.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/rest/format.h"

namespace gw::rest {
namespace {

constexpr std::string_view kBase = "/fhir";

struct ServedType {
  std::string_view name;
  bool writable;
};

// The one list of what is served: the CapabilityStatement and the leak test are made from it.
constexpr std::array kServed = {
    ServedType{"AllergyIntolerance", false},
    ServedType{"Appointment", false},
    ServedType{"AuditEvent", false},
    ServedType{"CarePlan", true},
    ServedType{"CareTeam", true},
    ServedType{"Communication", false},
    ServedType{"Condition", false},
    ServedType{"Consent", true},
    ServedType{"DiagnosticReport", false},
    ServedType{"DocumentReference", false},
    ServedType{"Encounter", false},
    ServedType{"Flag", false},
    ServedType{"Goal", false},
    ServedType{"MedicationRequest", false},
    ServedType{"Observation", false},
    ServedType{"Organization", false},
    ServedType{"Patient", false},
    ServedType{"Practitioner", false},
    ServedType{"PractitionerRole", false},
    ServedType{"Procedure", false},
    ServedType{"Provenance", false},
    ServedType{"QuestionnaireResponse", false},
    ServedType{"RelatedPerson", false},
    ServedType{"ServiceRequest", false},
    ServedType{"Specimen", false},
    ServedType{"Task", false},
};

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

Error NoSuchPath() { return Error{Code::kNotFound, "there is no such resource", "", 0}; }

// The path below /fhir in its segments. FHIR ids and type names need no percent-encoding, so none
// is taken: that closes encoded dots and slashes, doubled slashes and path parameters at once.
std::vector<std::string_view> SegmentsOf(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<uint64_t> PositiveNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value == 0) {
    return std::nullopt;
  }
  return value;
}

// W/"3" as R4 writes version ids in ETag, If-Match and If-None-Match; the strong form is tolerated.
Result<std::optional<uint64_t>> VersionHeader(const Request& request, std::string_view name) {
  std::string_view value = request.Header(name);
  if (value.empty()) {
    return std::optional<uint64_t>();
  }
  if (value.starts_with("W/")) {
    value.remove_prefix(2);
  }
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    if (const auto version = PositiveNumber(value.substr(1, value.size() - 2))) {
      return version;
    }
  }
  return Error{Code::kInvalid, "is not one version in the form W/\"3\"", std::string(name), 0};
}

bool HasPreference(const Request& request, std::string_view preference) {
  return request.Header("Prefer").find(preference) != std::string_view::npos;
}

Status ParseBody(const Request& request, const fhir::Definitions& definitions, const Limits& limits,
                 Interaction* interaction) {
  GW_TRY(const Format format, BodyFormat(request));
  GW_TRY(fhir::Resource body, format == Format::kXml
                                  ? fhir::ParseXml(request.body, definitions, limits)
                                  : fhir::ParseJson(request.body, definitions, limits));
  if (body.type() != interaction->type) {
    return Error{Code::kInvalid, "the body is a resource of another type than the URL names",
                 "resourceType", 0};
  }
  if (interaction->kind == Kind::kUpdate && body.id() != interaction->id) {
    return Error{Code::kInvalid, "the id in the body must be the id in the URL",
                 interaction->type + ".id", 0};
  }
  interaction->body.emplace(std::move(body));
  return {};
}

// R4 http.html 3.1.0.9: JSON Patch by its own media type, FHIRPath Patch as Parameters.
Status ParsePatch(const Request& request, const fhir::Definitions& definitions,
                  const Limits& limits, Interaction* interaction) {
  std::string_view type = request.Header("Content-Type");
  type = type.substr(0, type.find_first_of("; "));
  if (EqualsIgnoringCase(type, "application/json-patch+json")) {
    interaction->json_patch = request.body;
    return {};
  }
  GW_TRY(const Format format, BodyFormat(request));
  GW_TRY(fhir::Resource body, format == Format::kXml
                                  ? fhir::ParseXml(request.body, definitions, limits)
                                  : fhir::ParseJson(request.body, definitions, limits));
  if (body.type() != "Parameters") {
    return Error{Code::kInvalid, "a patch is application/json-patch+json or a Parameters resource",
                 "resourceType", 0};
  }
  interaction->body.emplace(std::move(body));
  return {};
}

Status ParseSearch(const Request& request, const fhir::SearchIndexer& indexer, const Limits& limits,
                   Interaction* interaction) {
  std::string text = request.query;
  if (request.method == "POST") {
    const std::string_view type = request.Header("Content-Type");
    if (!type.starts_with("application/x-www-form-urlencoded")) {
      return Error{Code::kUnsupported, "_search takes application/x-www-form-urlencoded",
                   "Content-Type", 0};
    }
    if (!text.empty() && !request.body.empty()) {
      text += '&';
    }
    text += request.body;
  }
  const bool lenient = HasPreference(request, "handling=lenient");
  GW_TRY(interaction->query, fhir::ParseQuery(interaction->type, text, lenient, indexer, limits));
  return {};
}

Error NotOffered(std::string_view what) {
  return Error{Code::kUnsupported, std::string(what), "", 0};
}

// Type and id, by path and method alone. Errors: kNotFound, kUnsupported.
Result<Interaction> Route(const Request& request) {
  Interaction interaction;
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/health") {
    return get ? Result<Interaction>(std::move(interaction)) : NotOffered("health answers GET");
  }
  if (!request.path.starts_with(kBase) || request.path.find('%') != std::string::npos) {
    return NoSuchPath();
  }
  const std::string_view below = std::string_view(request.path).substr(kBase.size());
  if (!below.empty() && below.front() != '/') {
    return NoSuchPath();
  }
  const std::vector<std::string_view> segments = SegmentsOf(below);
  if (segments.size() == 1 && segments[0] == "metadata") {
    interaction.kind = Kind::kCapabilities;
    return get ? Result<Interaction>(std::move(interaction)) : NotOffered("metadata answers GET");
  }
  if (segments.empty() || !IsServed(segments[0])) {
    return NoSuchPath();
  }
  interaction.type = std::string(segments[0]);
  if (segments.size() == 1 || (segments.size() == 2 && segments[1] == "_search")) {
    const bool post_search = segments.size() == 2 && request.method == "POST";
    const bool create = segments.size() == 1 && request.method == "POST";
    if (!(segments.size() == 1 && get) && !post_search && !create) {
      return NotOffered("this method is not offered here");
    }
    interaction.kind = create ? Kind::kCreate : Kind::kSearch;
    return interaction;
  }
  if (!fhir::IsLexicalForm("id", segments[1])) {
    return NoSuchPath();
  }
  interaction.id = std::string(segments[1]);
  if (segments.size() == 2) {
    const bool patch = request.method == "PATCH";
    if (!get && !patch && request.method != "PUT") {
      return NotOffered("this method is not offered here");
    }
    interaction.kind = get ? Kind::kRead : patch ? Kind::kPatch : Kind::kUpdate;
    return interaction;
  }
  const auto version = segments.size() == 4 ? PositiveNumber(segments[3]) : std::nullopt;
  if (!version || segments[2] != "_history" || !get) {
    return NoSuchPath();
  }
  interaction.kind = Kind::kVread;
  interaction.version = *version;
  return interaction;
}

}  // namespace

std::string_view Request::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (EqualsIgnoringCase(header, name)) {
      return value;
    }
  }
  return {};
}

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kHealth:
      return "health";
    case Kind::kCapabilities:
      return "capabilities";
    case Kind::kRead:
      return "read";
    case Kind::kVread:
      return "vread";
    case Kind::kSearch:
      return "search-type";
    case Kind::kCreate:
      return "create";
    case Kind::kUpdate:
      return "update";
    case Kind::kPatch:
      return "patch";
  }
  return "";
}

bool IsServed(std::string_view type) {
  return std::any_of(kServed.begin(), kServed.end(),
                     [&](const ServedType& served) { return served.name == type; });
}

bool IsWritable(std::string_view type) {
  return std::any_of(kServed.begin(), kServed.end(), [&](const ServedType& served) {
    return served.writable && served.name == type;
  });
}

const std::vector<std::string_view>& ServedTypes() {
  static const std::vector<std::string_view> types = [] {
    std::vector<std::string_view> names;
    for (const ServedType& served : kServed) {
      names.push_back(served.name);
    }
    return names;
  }();
  return types;
}

Interaction Outline(const Request& request) {
  Result<Interaction> routed = Route(request);
  return routed ? *std::move(routed) : Interaction{};
}

Result<Interaction> Parse(const Request& request, const fhir::Definitions& definitions,
                          const fhir::SearchIndexer& indexer, const Limits& limits) {
  GW_TRY(Interaction interaction, Route(request));
  if (interaction.kind == Kind::kHealth) {
    return interaction;
  }
  GW_RETURN_IF_ERROR(AnswerFormat(request));
  GW_TRY(interaction.if_none_match, VersionHeader(request, "If-None-Match"));
  GW_TRY(interaction.if_match, VersionHeader(request, "If-Match"));
  if (HasPreference(request, "return=minimal")) {
    interaction.prefer = Interaction::Return::kMinimal;
  } else if (HasPreference(request, "return=OperationOutcome")) {
    interaction.prefer = Interaction::Return::kOutcome;
  }
  if (interaction.kind == Kind::kSearch) {
    GW_RETURN_IF_ERROR(ParseSearch(request, indexer, limits, &interaction));
  }
  const bool patch = interaction.kind == Kind::kPatch;
  if (patch || interaction.kind == Kind::kCreate || interaction.kind == Kind::kUpdate) {
    if (!IsWritable(interaction.type)) {
      return NotOffered("clients may not write resources of this type");
    }
    GW_RETURN_IF_ERROR(patch ? ParsePatch(request, definitions, limits, &interaction)
                             : ParseBody(request, definitions, limits, &interaction));
  }
  return interaction;
}

}  // namespace gw::rest
