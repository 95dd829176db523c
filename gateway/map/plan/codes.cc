#include <algorithm>
#include <utility>

#include "gateway/map/plan/codes_internal.h"

namespace gw::map {
namespace {

constexpr int kOtherMapsMax = 8;  // a ConceptMap that sends on to itself must end

bool IsTranslation(std::string_view equivalence) {
  return equivalence != "unmatched" && equivalence != "disjoint";
}

bool SystemFits(std::string_view asked, std::string_view known) {
  return asked.empty() || known.empty() || asked == known;
}

}  // namespace

Result<CodeTable> CodeTable::FromResource(const fhir::Resource& concept_map) {
  CodeTable table;
  const fhir::Element& root = concept_map.root();
  table.url_ = std::string(root.TextAt("url"));
  table.version_ = std::string(root.TextAt("version"));
  if (concept_map.type() != "ConceptMap" || table.url_.empty()) {
    return Error{
        .code = Code::kInvalid, .detail = "expected a ConceptMap with a url", .where = table.url_};
  }
  for (const fhir::Element* group = root.Child("group"); group != nullptr; group = group->next()) {
    if (group->name() != "group") {
      break;
    }
    for (const fhir::Element* part = group->first_child(); part != nullptr; part = part->next()) {
      if (part->name() == "unmapped") {
        table.AddUnmapped(*group, *part);
      } else if (part->name() == "element") {
        table.AddElement(*group, *part);
      }
    }
  }
  table.Finish();
  return table;
}

void CodeTable::AddUnmapped(const fhir::Element& group, const fhir::Element& unmapped) {
  if (unmapped.TextAt("mode") == "other-map") {
    other_map_ = std::string(unmapped.TextAt("url"));
    return;
  }
  unmapped_.push_back({std::string(group.TextAt("source")), std::string(group.TextAt("target")),
                       unmapped.TextAt("mode") == "provided", std::string(unmapped.TextAt("code")),
                       std::string(unmapped.TextAt("display"))});
}

void CodeTable::AddElement(const fhir::Element& group, const fhir::Element& element) {
  for (const fhir::Element* target = element.Child("target"); target != nullptr;
       target = target->next()) {
    if (target->name() == "target" && IsTranslation(target->TextAt("equivalence"))) {
      rows_.push_back({std::string(group.TextAt("source")), std::string(element.TextAt("code")),
                       std::string(group.TextAt("target")), std::string(target->TextAt("code")),
                       std::string(target->TextAt("display"))});
    }
  }
}

CodeTable CodeTable::FromFml(const FmlConceptMap& concept_map) {
  CodeTable table;
  table.url_ = concept_map.id;
  for (const FmlConceptMap::Code& code : concept_map.codes) {
    if (IsTranslation(code.equivalence)) {
      table.rows_.push_back({code.source_system, code.source_code, code.target_system,
                             code.target_code, code.display});
    }
  }
  for (const FmlConceptMap::Unmapped& rest : concept_map.unmapped) {
    table.unmapped_.push_back(
        {rest.source_system, rest.target_system, rest.provided, rest.code, rest.display});
  }
  table.Finish();
  return table;
}

void CodeTable::Finish() {
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.source_code < b.source_code; });
  const bool one_system = std::all_of(rows_.begin(), rows_.end(), [this](const Row& row) {
    return row.source_system == rows_.front().source_system;
  });
  source_system_ = one_system && !rows_.empty() ? rows_.front().source_system : std::string();
}

bool CodeTable::Translate(std::string_view system, std::string_view code, Answer* answer) const {
  const CodeTable* table = this;
  for (int hops = 0; table != nullptr && hops < kOtherMapsMax; ++hops, table = table->other_) {
    if (table->TranslateHere(system, code, answer)) {
      return true;
    }
  }
  return false;
}

bool CodeTable::TranslateHere(std::string_view system, std::string_view code,
                              Answer* answer) const {
  const auto first =
      std::lower_bound(rows_.begin(), rows_.end(), code,
                       [](const Row& row, std::string_view c) { return row.source_code < c; });
  for (auto row = first; row != rows_.end() && row->source_code == code; ++row) {
    if (SystemFits(system, row->source_system)) {
      *answer = {row->system, row->code, row->display};
      return true;
    }
  }
  for (const Unmapped& rest : unmapped_) {
    if (SystemFits(system, rest.source_system)) {
      *answer = rest.provided ? Answer{system.empty() ? rest.source_system : system, code, {}}
                              : Answer{rest.system, rest.code, rest.display};
      return true;
    }
  }
  return false;
}

}  // namespace gw::map
