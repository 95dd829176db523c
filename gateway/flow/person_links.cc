#include "gateway/flow/person_links.h"

#include <algorithm>
#include <utility>

#include "gateway/base/hl7_code.h"

namespace gw::flow {
namespace {

// Links from a record to the one that counts. Hospitals merge a record a few times in its life.
constexpr int kChainMax = 32;
constexpr size_t kSetMax = 256;
constexpr std::string_view kPatient = "Patient/";

// The Patients to whom links of that type lead.
std::vector<std::string> LinksOf(const fhir::Element& patient, std::string_view type) {
  std::vector<std::string> links;
  for (const fhir::Element* link = patient.first_child(); link != nullptr; link = link->next()) {
    if (link->name() == "link" && link->TextAt("type") == type) {
      std::string_view reference = link->TextAt("other.reference");
      if (reference.starts_with(kPatient)) {
        reference.remove_prefix(kPatient.size());
        links.emplace_back(reference.substr(0, reference.find('/')));
      }
    }
  }
  return links;
}

Result<std::vector<std::string>> StoredLinksOf(const std::string& patient, std::string_view type,
                                               const Parts& parts) {
  const auto stored = parts.store.Current({"Patient", patient});
  if (!stored) {
    if (stored.error().code == Code::kNotFound) {
      return std::vector<std::string>();
    }
    return stored.error();
  }
  GW_TRY(const fhir::Resource resource,
         fhir::ParseJson(stored->json, parts.definitions, parts.limits));
  return LinksOf(resource.root(), type);
}

}  // namespace

std::vector<std::string> PersonLinks::LinkedBy(const fhir::Element& patient) {
  std::vector<std::string> links = LinksOf(patient, "replaced-by");
  const std::vector<std::string> losers = LinksOf(patient, "replaces");
  links.insert(links.end(), losers.begin(), losers.end());
  return links;
}

std::string PersonLinks::ReplacedBy(const fhir::Element& patient) {
  const std::vector<std::string> links = LinksOf(patient, "replaced-by");
  return links.empty() ? std::string() : links.front();
}

Result<std::string> PersonLinks::Next(const std::string& patient) {
  const auto pending = merges_.find(patient);
  if (pending != merges_.end()) {
    return pending->second;
  }
  GW_TRY(const std::vector<std::string> links, StoredLinksOf(patient, "replaced-by", parts_));
  return links.empty() ? std::string() : links.front();
}

Result<std::vector<std::string>> PersonLinks::Replaced(const std::string& patient) {
  GW_TRY(std::vector<std::string> losers, StoredLinksOf(patient, "replaces", parts_));
  for (const auto& [loser, survivor] : merges_) {
    if (survivor == patient) {
      losers.push_back(loser);
    }
  }
  return losers;
}

Result<std::string> PersonLinks::EndOf(const std::string& patient) {
  std::string at = patient;
  for (int hops = 0; hops < kChainMax; ++hops) {
    GW_TRY(std::string next, Next(at));
    if (next.empty()) {
      return at;
    }
    at = std::move(next);
  }
  return Error{Code::kConflict, "the links of merged records do not end", "Patient.link",
               hl7_code::kUnknownKeyIdentifier};
}

Result<bool> PersonLinks::Merge(const std::string& loser, const std::string& survivor,
                                const std::string& where) {
  GW_TRY(const std::string end, EndOf(survivor));
  if (end == loser) {
    return Error{Code::kConflict, "a merge that would make a cycle: the survivor is the loser",
                 where, hl7_code::kUnknownKeyIdentifier};
  }
  GW_TRY(const std::string before, EndOf(loser));
  if (before != loser && before != end) {
    return Error{Code::kConflict, "the record was merged into another one before", where,
                 hl7_code::kUnknownKeyIdentifier};
  }
  if (before == loser) {
    merges_[loser] = survivor;
  }
  GW_TRY(const std::string next, Next(loser));
  return next == survivor;
}

Result<std::vector<std::string>> PersonLinks::SetOf(const std::string& patient) {
  GW_TRY(std::string end, EndOf(patient));
  std::vector<std::string> set = {std::move(end)};
  for (size_t i = 0; i < set.size() && set.size() < kSetMax; ++i) {
    GW_TRY(std::vector<std::string> losers, Replaced(set[i]));
    for (std::string& loser : losers) {
      if (std::find(set.begin(), set.end(), loser) == set.end()) {
        set.push_back(std::move(loser));
      }
    }
  }
  return set;
}

Result<std::vector<std::string>> PersonLinks::AgreedSetOf(const std::string& patient) {
  std::vector<std::string> set = {patient};
  constexpr std::pair<std::string_view, std::string_view> kSides[] = {{"replaced-by", "replaces"},
                                                                      {"replaces", "replaced-by"}};
  for (size_t i = 0; i < set.size() && set.size() < kSetMax; ++i) {
    const std::string record = set[i];
    for (const auto& [there, back] : kSides) {
      GW_TRY(const std::vector<std::string> others, StoredLinksOf(record, there, parts_));
      for (const std::string& other : others) {
        if (std::find(set.begin(), set.end(), other) != set.end()) {
          continue;
        }
        GW_TRY(const std::vector<std::string> returned, StoredLinksOf(other, back, parts_));
        if (std::find(returned.begin(), returned.end(), record) != returned.end()) {
          set.push_back(other);
        }
      }
    }
  }
  return set;
}

}  // namespace gw::flow
