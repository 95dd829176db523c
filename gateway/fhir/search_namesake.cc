#include <algorithm>
#include <string>
#include <utility>

#include "gateway/fhir/search.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {

std::vector<std::string> NamesakeKeys(const Resource& patient) {
  constexpr std::string_view kWholeDate = "YYYY-MM-DD";
  std::vector<std::string> keys;
  const std::string_view born = patient.root().TextAt("birthDate");
  if (born.size() != kWholeDate.size()) {
    return keys;
  }
  for (const Element* name = patient.root().first_child(); name != nullptr; name = name->next()) {
    if (name->name() != "name") {
      continue;
    }
    const std::string family = FoldedText(name->TextAt("family"));
    std::string key = std::string(born) + "|" + family;
    if (!family.empty() && std::find(keys.begin(), keys.end(), key) == keys.end()) {
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

void IndexNamesakes(const Resource& patient, std::vector<IndexEntry>* out) {
  for (std::string& key : NamesakeKeys(patient)) {
    IndexEntry entry;
    entry.code = kNamesake;
    entry.kind = SearchKind::kString;
    entry.text = std::move(key);
    out->push_back(std::move(entry));
  }
}

}  // namespace gw::fhir
