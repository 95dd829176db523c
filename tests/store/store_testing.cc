#include "tests/store/store_testing.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

namespace gw::store {

std::vector<Engine> Engines() {
  const auto open_sqlite = [](const TempFolder& folder, const Clock& clock) {
    SqliteOptions options;
    options.path = folder.Path("store.db");
    return OpenSqlite(options, clock);
  };
  return {Engine{"Sqlite", open_sqlite}};
}

void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }

Write NewWrite(std::string_view type, std::string_view id, std::string_view patient,
               int64_t last_updated_us) {
  Write write;
  write.stored.key = fhir::Key{std::string(type), std::string(id)};
  write.stored.version = 1;
  write.stored.last_updated = Instant{last_updated_us};
  write.stored.json = "{\"id\":\"" + std::string(id) + "\",\"meta\":{\"versionId\":\"1\"}}";
  write.stored.label_class = std::string(type) + " N";
  write.home = patient;
  if (!patient.empty()) {
    write.stored.persons = {std::string(patient)};
    write.compartments = {std::string(patient)};
  }
  return write;
}

Write NextWrite(const Write& before, int64_t last_updated_us) {
  Write next = before;
  next.expected_version = before.stored.version;
  next.stored.version = before.stored.version + 1;
  next.stored.last_updated = Instant{last_updated_us};
  next.stored.json = "{\"id\":\"" + before.stored.key.id + "\",\"meta\":{\"versionId\":\"" +
                     std::to_string(next.stored.version) + "\"}}";
  return next;
}

Transaction Of(Write write) {
  Transaction transaction;
  transaction.writes.push_back(std::move(write));
  return transaction;
}

Transaction OfTwo(Write first, Write second) {
  Transaction transaction = Of(std::move(first));
  transaction.writes.push_back(std::move(second));
  return transaction;
}

fhir::IndexEntry TokenEntry(std::string_view code, std::string system, std::string text) {
  fhir::IndexEntry entry;
  entry.code = code;
  entry.kind = fhir::SearchKind::kToken;
  entry.system = std::move(system);
  entry.text = std::move(text);
  return entry;
}

fhir::IndexEntry ReferenceEntry(std::string_view code, std::string type, std::string id) {
  fhir::IndexEntry entry;
  entry.code = code;
  entry.kind = fhir::SearchKind::kReference;
  entry.reference_type = std::move(type);
  entry.text = std::move(id);
  return entry;
}

fhir::IndexEntry DateEntry(std::string_view code, int64_t low_us, int64_t high_us) {
  fhir::IndexEntry entry;
  entry.code = code;
  entry.kind = fhir::SearchKind::kDate;
  entry.low_us = low_us;
  entry.high_us = high_us;
  return entry;
}

fhir::IndexEntry StringEntry(std::string_view code, std::string text) {
  fhir::IndexEntry entry;
  entry.code = code;
  entry.kind = fhir::SearchKind::kString;
  entry.text = std::move(text);
  return entry;
}

const fhir::SearchParameter* Parameter(fhir::SearchKind kind, std::string_view code) {
  static std::map<std::pair<fhir::SearchKind, std::string>, fhir::SearchParameter> known;
  const auto [at, added] =
      known.try_emplace(std::pair(kind, std::string(code)), fhir::SearchParameter{});
  at->second.code = at->first.second;
  at->second.kind = kind;
  return &at->second;
}

fhir::Query QueryOf(std::string_view type) {
  fhir::Query query;
  query.type = type;
  return query;
}

fhir::Criterion TokenIs(std::string_view code, std::string_view text) {
  fhir::Criterion criterion;
  criterion.parameter = Parameter(fhir::SearchKind::kToken, code);
  criterion.values.emplace_back().text = text;
  return criterion;
}

fhir::Criterion IdIs(std::string_view id) { return TokenIs("_id", id); }

fhir::Criterion PatientIs(std::string_view id) {
  fhir::Criterion criterion;
  criterion.parameter = Parameter(fhir::SearchKind::kReference, "patient");
  criterion.values.emplace_back().text = id;
  criterion.values.front().reference_type = "Patient";
  return criterion;
}

std::vector<std::string> IdsOf(const std::vector<fhir::StoredResource>& resources) {
  std::vector<std::string> ids;
  ids.reserve(resources.size());
  for (const fhir::StoredResource& resource : resources) {
    ids.push_back(resource.key.id);
  }
  return ids;
}

}  // namespace gw::store
