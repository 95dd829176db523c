#include <algorithm>
#include <string>
#include <string_view>
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

void IndexPerson(const Resource& patient, std::vector<IndexEntry>* out) {
  const auto add = [out](std::string_view code, SearchKind kind, std::string_view text) {
    IndexEntry& entry = out->emplace_back();
    entry.code = code;
    entry.kind = kind;
    entry.text = text;
    return &entry;
  };
  for (const std::string& key : NamesakeKeys(patient)) {
    add(kNamesake, SearchKind::kString, key);
  }
  for (const Element* child = patient.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "gender") {
      add(kSex, SearchKind::kToken, child->text());
    } else if (child->name() == "name" && !child->TextAt("family").empty()) {
      add(kName, SearchKind::kToken, child->TextAt("given"))->system = child->TextAt("family");
    } else if (child->name() == "address" && !child->TextAt("postalCode").empty()) {
      add(kPostcode, SearchKind::kToken, child->TextAt("postalCode"));
    }
  }
}

}  // namespace gw::fhir
