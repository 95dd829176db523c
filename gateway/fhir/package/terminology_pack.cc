#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/fhir/package/structure_internal.h"
#include "gateway/fhir/package/terminology_pack_internal.h"

namespace gw::fhir {
namespace {

using compiled::Range;
using compiled::Writer;

constexpr int kConceptDepthMax = 64;  // of nested concepts; Json itself goes no deeper by much

const std::map<std::string_view, compiled::Content> kContents = {
    {"complete", compiled::Content::kComplete},
    {"fragment", compiled::Content::kFragment},
    {"example", compiled::Content::kFragment},
    {"not-present", compiled::Content::kNotPresent},
    {"supplement", compiled::Content::kSupplement}};

Range RangeFrom(size_t first, size_t end) {
  return {static_cast<uint32_t>(first), static_cast<uint32_t>(end - first)};
}

// The places of rows counted from `first`, sorted by code.
template <typename Row>
Range SortedPlaces(const std::vector<Row>& rows, size_t first, Writer* out) {
  std::vector<uint32_t> places(rows.size() - first);
  for (uint32_t place = 0; place < places.size(); ++place) {
    places[place] = place;
  }
  std::stable_sort(places.begin(), places.end(), [&](uint32_t a, uint32_t b) {
    return out->TextAt(rows[first + a].code) < out->TextAt(rows[first + b].code);
  });
  return out->List(places);
}

// The value of value[x] as text.
std::string_view ValueText(const Json& property) {
  for (const auto& [name, value] : property.members()) {
    if (name.starts_with("value")) {
      if (value.is_bool()) {
        return value.boolean() ? "true" : "false";
      }
      return value.is_object() ? value.TextOf("code") : std::string_view(value.text());
    }
  }
  return {};
}

// Puts the concepts of one code system in order, and what stands above each.
class CodePacker {
 public:
  CodePacker(bool with_definitions, Writer* out)
      : with_definitions_(with_definitions), first_(out->codes.size()), out_(*out) {}

  Status Pack(const Json& system) {
    GW_RETURN_IF_ERROR(Concepts(system, compiled::kNoRow, 0));
    for (const auto& [child, parent] : named_) {
      const auto child_place = places_.find(child);
      const auto parent_place = places_.find(parent);
      if (child_place != places_.end() && parent_place != places_.end()) {
        AddParent(child_place->second, parent_place->second);
      }
    }
    for (size_t place = 0; place < parents_.size(); ++place) {
      out_.codes[first_ + place].parents = out_.List(parents_[place]);
    }
    return {};
  }

 private:
  Status Concepts(const Json& holder, uint32_t parent, int depth) {
    if (depth > kConceptDepthMax) {
      return Error{Code::kTooLarge, "concepts are nested too deep", "concept"};
    }
    for (const Json& item : ItemsOf(holder, "concept")) {
      const std::string_view code = item.TextOf("code");
      const auto place = static_cast<uint32_t>(out_.codes.size() - first_);
      if (code.empty()) {
        return Error{Code::kInvalid, "a concept has a code", "concept"};
      }
      const bool is_new = places_.emplace(std::string(code), place).second;
      if (!is_new) {
        return Error{Code::kInvalid, "a code stands once in its system", "concept"};
      }
      compiled::CodeRow row = {};
      row.code = out_.Intern(code);
      row.display = out_.Intern(item.TextOf("display"));
      row.definition = out_.Intern(with_definitions_ ? item.TextOf("definition") : "");
      ReadProperties(item, std::string(code), &row);
      ReadDesignations(item, &row);
      out_.codes.push_back(row);
      parents_.emplace_back();
      if (parent != compiled::kNoRow) {
        AddParent(place, parent);
      }
      GW_RETURN_IF_ERROR(Concepts(item, place, depth + 1));
    }
    return {};
  }

  // A code below two others is nested below one and named by property in the other; which property
  // differs between systems.
  void ReadProperties(const Json& item, const std::string& code, compiled::CodeRow* row) {
    std::vector<uint32_t> properties;
    for (const Json& property : ItemsOf(item, "property")) {
      const std::string_view name = property.TextOf("code");
      const std::string_view value = ValueText(property);
      if (name == "child") {
        named_.emplace_back(value, code);
      } else if (name == "parent" || name == "subsumedBy") {
        named_.emplace_back(code, value);
      } else {
        properties.push_back(out_.Property({out_.Intern(name), out_.Intern(value)}));
      }
      const bool is_true = value == "true";
      if ((name == "notSelectable" || name == "abstract") && is_true) {
        row->flags |= compiled::kAbstractCode;
      }
      if ((name == "status" && (value == "retired" || value == "inactive")) ||
          (name == "inactive" && is_true)) {
        row->flags |= compiled::kInactiveCode;
      }
    }
    row->properties = out_.List(properties);
  }

  void ReadDesignations(const Json& item, compiled::CodeRow* row) {
    const size_t first = out_.designations.size();
    if (with_definitions_) {
      for (const Json& designation : ItemsOf(item, "designation")) {
        const Json* use = designation.Find("use");
        out_.designations.push_back({out_.Intern(designation.TextOf("language")),
                                     out_.Intern(use == nullptr ? "" : use->TextOf("code")),
                                     out_.Intern(designation.TextOf("value"))});
      }
    }
    row->designations = RangeFrom(first, out_.designations.size());
  }

  void AddParent(uint32_t child, uint32_t parent) {
    std::vector<uint32_t>& parents = parents_[child];
    if (std::find(parents.begin(), parents.end(), parent) == parents.end()) {
      parents.push_back(parent);
    }
  }

  bool with_definitions_;
  size_t first_;
  Writer& out_;
  std::map<std::string, uint32_t, std::less<>> places_;
  std::vector<std::vector<uint32_t>> parents_;
  std::vector<std::pair<std::string, std::string>> named_;  // child, parent
};

// What include and exclude of compose say; the same row serves an expansion.
Status PackInclude(const Json& include, bool is_exclude, Writer* out) {
  compiled::IncludeRow row = {};
  row.system = out->Intern(include.TextOf("system"));
  row.version = out->Intern(include.TextOf("version"));
  row.flags = is_exclude ? compiled::kExclude : 0u;
  const size_t first_member = out->members.size();
  for (const Json& member : ItemsOf(include, "concept")) {
    if (member.TextOf("code").empty()) {
      return Error{Code::kInvalid, "a concept has a code", "compose.include.concept"};
    }
    out->members.push_back(
        {out->Intern(member.TextOf("code")), out->Intern(member.TextOf("display"))});
  }
  row.members = RangeFrom(first_member, out->members.size());
  row.sorted = SortedPlaces(out->members, first_member, out);
  if (include.Find("concept") != nullptr) {
    row.flags |= compiled::kListed;
  }
  const size_t first_filter = out->filters.size();
  for (const Json& filter : ItemsOf(include, "filter")) {
    out->filters.push_back({out->Intern(filter.TextOf("property")),
                            out->Intern(filter.TextOf("op")), out->Intern(filter.TextOf("value"))});
  }
  row.filters = RangeFrom(first_filter, out->filters.size());
  std::vector<std::string> value_sets;
  for (const Json& value_set : ItemsOf(include, "valueSet")) {
    value_sets.push_back(value_set.text());
  }
  row.value_sets = out->TextList(value_sets);
  if (include.TextOf("system").empty() && value_sets.empty()) {
    return Error{Code::kInvalid, "an include has a system or a valueSet", "compose"};
  }
  out->includes.push_back(row);
  return {};
}

// The codes of an expansion that a package carries without a compose, by system.
void ReadContains(const Json& holder, int depth, Writer* out,
                  std::map<std::string, std::vector<compiled::MemberRow>>* by_system) {
  if (depth > kConceptDepthMax) {
    return;
  }
  for (const Json& item : ItemsOf(holder, "contains")) {
    const Json* heading = item.Find("abstract");
    if (!item.TextOf("code").empty() && (heading == nullptr || !heading->boolean())) {
      (*by_system)[std::string(item.TextOf("system"))].push_back(
          {out->Intern(item.TextOf("code")), out->Intern(item.TextOf("display"))});
    }
    ReadContains(item, depth + 1, out, by_system);
  }
}

void PackExpansion(const Json& expansion, Writer* out) {
  std::map<std::string, std::vector<compiled::MemberRow>> by_system;
  ReadContains(expansion, 0, out, &by_system);
  for (const auto& [system, members] : by_system) {
    compiled::IncludeRow row = {};
    row.system = out->Intern(system);
    row.flags = compiled::kListed;
    const size_t first = out->members.size();
    out->members.insert(out->members.end(), members.begin(), members.end());
    row.members = RangeFrom(first, out->members.size());
    row.sorted = SortedPlaces(out->members, first, out);
    out->includes.push_back(row);
  }
}

// The places of a canonical that R4 gives as uri or canonical: sourceUri, sourceCanonical.
std::string_view EitherText(const Json& json, const std::string& name) {
  return json.TextOf(name + "Canonical", json.TextOf(name + "Uri"));
}

Range PackDependencies(const Json& target, Writer* out) {
  const size_t first = out->dependencies.size();
  for (const Json& dependency : ItemsOf(target, "dependsOn")) {
    out->dependencies.push_back({out->Intern(dependency.TextOf("property")),
                                 out->Intern(dependency.TextOf("system")),
                                 out->Intern(dependency.TextOf("value"))});
  }
  return RangeFrom(first, out->dependencies.size());
}

void PackGroup(const Json& group, Writer* out) {
  compiled::GroupRow row = {};
  row.source = out->Intern(group.TextOf("source"));
  row.target = out->Intern(group.TextOf("target"));
  if (const Json* unmapped = group.Find("unmapped"); unmapped != nullptr) {
    row.unmapped_mode = out->Intern(unmapped->TextOf("mode"));
    row.unmapped_code = out->Intern(unmapped->TextOf("code"));
    row.unmapped_display = out->Intern(unmapped->TextOf("display"));
    row.unmapped_url = out->Intern(unmapped->TextOf("url"));
  }
  const size_t first = out->mappings.size();
  for (const Json& element : ItemsOf(group, "element")) {
    const compiled::Text code = out->Intern(element.TextOf("code"));
    for (const Json& target : ItemsOf(element, "target")) {
      out->mappings.push_back(
          {code, out->Intern(target.TextOf("equivalence", "equivalent")),
           out->Intern(target.TextOf("code")), out->Intern(target.TextOf("display")),
           out->Intern(target.TextOf("comment")), PackDependencies(target, out)});
    }
    if (ItemsOf(element, "target").empty()) {
      out->mappings.push_back(
          {code, out->Intern("unmatched"), out->Intern({}), out->Intern({}), out->Intern({}), {}});
    }
  }
  std::stable_sort(out->mappings.begin() + static_cast<std::ptrdiff_t>(first), out->mappings.end(),
                   [out](const compiled::MappingRow& a, const compiled::MappingRow& b) {
                     return out->TextAt(a.code) < out->TextAt(b.code);
                   });
  row.mappings = RangeFrom(first, out->mappings.size());
  out->groups.push_back(row);
}

}  // namespace

Status PackCodeSystem(const Json& json, std::string_view package, bool with_definitions,
                      Writer* out) {
  const auto content = kContents.find(json.TextOf("content"));
  if (content == kContents.end()) {
    return Error{Code::kInvalid, "an unknown code: CodeSystem.content", "content"};
  }
  compiled::CodeSystemRow row = {};
  row.url = out->Intern(json.TextOf("url"));
  row.version = out->Intern(json.TextOf("version"));
  row.name = out->Intern(json.TextOf("name"));
  row.package = out->Intern(package);
  row.content = content->second;
  const Json* case_sensitive = json.Find("caseSensitive");
  row.is_case_sensitive = case_sensitive == nullptr || case_sensitive->boolean() ? 1 : 0;
  const size_t first = out->codes.size();
  GW_RETURN_IF_ERROR(CodePacker(with_definitions, out).Pack(json));
  row.codes = RangeFrom(first, out->codes.size());
  row.sorted = SortedPlaces(out->codes, first, out);
  out->code_systems.push_back(row);
  return {};
}

Status PackValueSet(const Json& json, std::string_view package, Writer* out) {
  compiled::ValueSetRow row = {};
  row.url = out->Intern(json.TextOf("url"));
  row.version = out->Intern(json.TextOf("version"));
  row.name = out->Intern(json.TextOf("name"));
  row.package = out->Intern(package);
  const size_t first = out->includes.size();
  if (const Json* compose = json.Find("compose"); compose != nullptr) {
    for (const Json& include : ItemsOf(*compose, "include")) {
      GW_RETURN_IF_ERROR(PackInclude(include, false, out));
    }
    for (const Json& exclude : ItemsOf(*compose, "exclude")) {
      GW_RETURN_IF_ERROR(PackInclude(exclude, true, out));
    }
  } else if (const Json* expansion = json.Find("expansion"); expansion != nullptr) {
    PackExpansion(*expansion, out);
  }
  row.includes = RangeFrom(first, out->includes.size());
  out->value_sets.push_back(row);
  return {};
}

Status PackConceptMap(const Json& json, std::string_view package, Writer* out) {
  compiled::ConceptMapRow row = {};
  row.url = out->Intern(json.TextOf("url"));
  row.version = out->Intern(json.TextOf("version"));
  row.name = out->Intern(json.TextOf("name"));
  row.package = out->Intern(package);
  row.source = out->Intern(EitherText(json, "source"));
  row.target = out->Intern(EitherText(json, "target"));
  const size_t first = out->groups.size();
  for (const Json& group : ItemsOf(json, "group")) {
    PackGroup(group, out);
  }
  row.groups = RangeFrom(first, out->groups.size());
  out->concept_maps.push_back(row);
  return {};
}

}  // namespace gw::fhir
