#include <array>

#include "gateway/base/json.h"
#include "gateway/rest/reply.h"

namespace gw::rest {
namespace {

std::string_view NameOf(fhir::SearchKind kind) {
  constexpr std::array<std::string_view, 9> kNames = {
      "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"};
  return kNames.at(static_cast<size_t>(kind));
}

void WriteInteractions(std::string_view type, JsonWriter* writer) {
  writer->Key("interaction").ArrayStart();
  const auto write = [&](Kind kind) {
    writer->ObjectStart().Member("code", NameOf(kind)).ObjectEnd();
  };
  if (type != "AuditEvent") {
    write(Kind::kRead);
    write(Kind::kVread);
  }
  write(Kind::kSearch);
  if (IsWritable(type)) {
    write(Kind::kCreate);
    write(Kind::kUpdate);
    write(Kind::kPatch);
  }
  writer->ArrayEnd();
}

void WriteSearchParameter(std::string_view code, fhir::SearchKind kind, JsonWriter* writer) {
  writer->ObjectStart().Member("name", code).Member("type", NameOf(kind)).ObjectEnd();
}

void WriteType(std::string_view type, const fhir::SearchIndexer& indexer, JsonWriter* writer) {
  writer->ObjectStart().Member("type", type);
  WriteInteractions(type, writer);
  writer->Member("versioning", "versioned")
      .Key("readHistory")
      .Bool(type != "AuditEvent")
      .Key("updateCreate")
      .Bool(false)
      .Key("conditionalCreate")
      .Bool(false)
      .Key("conditionalUpdate")
      .Bool(false);
  writer->Key("searchParam").ArrayStart();
  WriteSearchParameter("_id", fhir::SearchKind::kToken, writer);
  if (type != "AuditEvent") {
    WriteSearchParameter("_lastUpdated", fhir::SearchKind::kDate, writer);
  }
  for (const fhir::SearchParameter* parameter : indexer.OfferedFor(type)) {
    if (!parameter->code.starts_with('_')) {
      WriteSearchParameter(parameter->code, parameter->kind, writer);
    }
  }
  writer->ArrayEnd().ObjectEnd();
}

}  // namespace

std::string CapabilityStatementJson(const fhir::SearchIndexer& indexer, std::string_view base_url,
                                    std::string_view date, std::string_view software_version) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart()
      .Member("resourceType", "CapabilityStatement")
      .Member("status", "active")
      .Member("date", date)
      .Member("kind", "instance")
      .Key("software")
      .ObjectStart()
      .Member("name", "Caregate")
      .Member("version", software_version)
      .ObjectEnd()
      .Key("implementation")
      .ObjectStart()
      .Member("description", "Caregate, a gateway that enforces each person's sharing preferences")
      .Member("url", base_url)
      .ObjectEnd()
      .Member("fhirVersion", "4.0.1")
      .Key("format")
      .ArrayStart()
      .String("json")
      .String("xml")
      .String("application/fhir+json")
      .String("application/fhir+xml")
      .ArrayEnd();
  writer.Key("patchFormat")
      .ArrayStart()
      .String("application/json-patch+json")
      .String("application/fhir+json")
      .String("application/fhir+xml")
      .ArrayEnd();
  writer.Key("rest").ArrayStart().ObjectStart().Member("mode", "server");
  writer.Key("security")
      .ObjectStart()
      .Member("description",
              "Bearer tokens of a configured issuer: SMART v2 scopes, and organisation, role and "
              "purpose of use as "
              "IHE IUA has them. What a person's consents do not permit answers as if it did not "
              "exist.")
      .ObjectEnd();
  writer.Key("resource").ArrayStart();
  for (const std::string_view type : ServedTypes()) {
    WriteType(type, indexer, &writer);
  }
  writer.ArrayEnd().ObjectEnd().ArrayEnd().ObjectEnd();
  return json;
}

}  // namespace gw::rest
