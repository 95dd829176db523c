#include "gateway/fhir/terminology.h"

#include <algorithm>
#include <utility>

#include "gateway/fhir/package/terms_internal.h"

namespace gw::fhir {

using compiled::View;

Terminology::Validation Terminology::ValidateCode(std::string_view value_set,
                                                  const Coding& coding) const {
  return terms::Evaluator(packages_.loaded()).InSet(value_set, coding);
}

Terminology::Validation Terminology::ValidateInSystem(const Coding& coding) const {
  return terms::InSystem(packages_.loaded(), coding);
}

Result<Terminology::Found> Terminology::Lookup(const Coding& coding) const {
  const auto system = terms::FindSystem(packages_.loaded(), coding.system, coding.version);
  if (!system || !system->is_version_asked) {
    return Error{Code::kUnsupported, "the code system is not held", std::string(coding.system)};
  }
  const std::optional<uint32_t> place = system->Find(coding.code);
  if (!place) {
    return Error{Code::kNotFound, "the code system has no such code", std::string(coding.system)};
  }
  const View& view = *system->view;
  const auto codes = system->codes();
  const compiled::CodeRow& code = codes[*place];
  Found found = {view.TextAt(system->row->name),
                 view.TextAt(system->row->version),
                 view.TextAt(code.display),
                 view.TextAt(code.definition),
                 {},
                 {}};
  for (const compiled::DesignationRow& row : View::In(view.designations, code.designations)) {
    found.designations.push_back(
        {view.TextAt(row.language), view.TextAt(row.use), view.TextAt(row.value)});
  }
  for (const uint32_t property : view.List(code.properties)) {
    found.properties.push_back({view.TextAt(view.properties[property].code),
                                view.TextAt(view.properties[property].value)});
  }
  for (const uint32_t parent : view.List(code.parents)) {
    found.properties.push_back({"parent", view.TextAt(codes[parent].code)});
  }
  for (const compiled::CodeRow& other : codes) {
    const auto parents = view.List(other.parents);
    if (std::find(parents.begin(), parents.end(), *place) != parents.end()) {
      found.properties.push_back({"child", view.TextAt(other.code)});
    }
  }
  return found;
}

Terminology::Relation Terminology::Subsumes(std::string_view system_url, std::string_view code_a,
                                            std::string_view code_b) const {
  const auto system = terms::FindSystem(packages_.loaded(), system_url, {});
  const auto a = system ? system->Find(code_a) : std::nullopt;
  const auto b = system ? system->Find(code_b) : std::nullopt;
  if (!a || !b) {
    return Relation::kUnknown;
  }
  if (*a == *b) {
    return Relation::kEquivalent;
  }
  if (system->IsBelow(*b, *a)) {
    return Relation::kSubsumes;
  }
  if (system->IsBelow(*a, *b)) {
    return Relation::kSubsumedBy;
  }
  return system->IsComplete() ? Relation::kNotSubsumed : Relation::kUnknown;
}

namespace {

bool FitsTarget(const View& view, const compiled::ConceptMapRow& map,
                const compiled::GroupRow& group, std::string_view target) {
  const std::string_view of_map = view.TextAt(map.target);
  return target.empty() || view.TextAt(group.target) == target ||
         of_map.substr(0, of_map.find('|')) == target.substr(0, target.find('|'));
}

Coding TargetOf(const View& view, const compiled::GroupRow& group, compiled::Text code,
                compiled::Text display) {
  const std::string_view text = view.TextAt(code);
  return {text.empty() ? std::string_view() : view.TextAt(group.target),
          text,
          view.TextAt(display),
          {}};
}

constexpr uint32_t kMapsMax = 8;  // maps that hand on to others

bool IsAmong(const View& view, const compiled::DependencyRow& row,
             std::span<const Terminology::Dependency> known) {
  return std::any_of(known.begin(), known.end(), [&](const Terminology::Dependency& item) {
    return item.property == view.TextAt(row.property) && item.value == view.TextAt(row.value) &&
           (view.TextAt(row.system).empty() || item.system == view.TextAt(row.system));
  });
}

}  // namespace

struct Terminology::Asked {
  const Coding& coding;
  std::string_view target;
  std::span<const Dependency> dependencies;
};

// What the groups of a map say of a code: their mappings, or what they say of all that they do not
// map.
void Terminology::TranslateBy(const Asked& asked, const View& view,
                              const compiled::ConceptMapRow& map, uint32_t maps_left,
                              std::vector<Match>* out) const {
  const Coding& coding = asked.coding;
  for (const compiled::GroupRow& group : View::In(view.groups, map.groups)) {
    const std::string_view source = view.TextAt(group.source);
    const bool is_of_source = source.empty() || coding.system.empty() || source == coding.system;
    if (!is_of_source || !FitsTarget(view, map, group, asked.target)) {
      continue;
    }
    const auto mappings = View::In(view.mappings, group.mappings);
    const auto first = std::partition_point(
        mappings.begin(), mappings.end(),
        [&](const compiled::MappingRow& row) { return view.TextAt(row.code) < coding.code; });
    auto last = first;
    for (; last != mappings.end() && view.TextAt(last->code) == coding.code; ++last) {
      const auto needed = View::In(view.dependencies, last->dependencies);
      const bool holds = std::all_of(needed.begin(), needed.end(), [&](const auto& row) {
        return IsAmong(view, row, asked.dependencies);
      });
      if (holds) {
        out->push_back({view.TextAt(last->equivalence),
                        TargetOf(view, group, last->target_code, last->target_display),
                        view.TextAt(last->comment), view.TextAt(map.url)});
      }
    }
    if (last == first) {
      TranslateUnmapped(asked, view, map, group, maps_left, out);
    }
  }
}

void Terminology::TranslateUnmapped(const Asked& asked, const View& view,
                                    const compiled::ConceptMapRow& map,
                                    const compiled::GroupRow& group, uint32_t maps_left,
                                    std::vector<Match>* out) const {
  const std::string_view mode = view.TextAt(group.unmapped_mode);
  if (mode == "provided") {
    out->push_back({"equal",
                    {view.TextAt(group.target), asked.coding.code, asked.coding.display, {}},
                    {},
                    view.TextAt(map.url)});
  } else if (mode == "fixed") {
    out->push_back({"inexact",
                    TargetOf(view, group, group.unmapped_code, group.unmapped_display),
                    {},
                    view.TextAt(map.url)});
  } else if (mode == "other-map" && maps_left > 0) {
    const std::string_view url = view.TextAt(group.unmapped_url);
    const auto& layers = packages_.loaded().layers;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      const View& other = (*layer)->view;
      if (const auto* row = compiled::FindCanonical(other, other.concept_maps, url)) {
        TranslateBy(asked, other, *row, maps_left - 1, out);
        return;
      }
    }
  }
}

Result<std::vector<Terminology::Match>> Terminology::Translate(
    std::string_view concept_map, const Coding& coding, std::string_view target,
    std::span<const Dependency> dependencies) const {
  const Asked asked{coding, target, dependencies};
  std::vector<Match> matches;
  const auto& layers = packages_.loaded().layers;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const View& view = (*layer)->view;
    if (concept_map.empty()) {
      for (const compiled::ConceptMapRow& map : view.concept_maps) {
        TranslateBy(asked, view, map, 0,
                    &matches);  // the maps that others hand on to are among them
      }
    } else if (const auto* wanted = compiled::FindCanonical(view, view.concept_maps, concept_map)) {
      TranslateBy(asked, view, *wanted, kMapsMax, &matches);
      return matches;
    }
  }
  if (!concept_map.empty()) {
    return Error{Code::kNotFound, "no such concept map is held", std::string(concept_map)};
  }
  return matches;
}

}  // namespace gw::fhir
