#include "gateway/fhir/compiler/searches.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package/terminology_pack_internal.h"

namespace gw::fhir::compiler {
namespace {

struct Draft {
  std::string base, code, expression;
  std::vector<std::string> targets;
  SearchKind kind;
};

void EmitCompartment(const Json& compartment, TableWriter* out) {
  std::map<std::string, std::vector<std::string>> parameters;
  for (const Json& resource : ItemsOf(compartment, "resource")) {
    for (const Json& parameter : ItemsOf(resource, "param")) {
      parameters[std::string(resource.TextOf("code"))].push_back(parameter.text());
    }
  }
  for (const auto& [type, names] : parameters) {
    const TableWriter::Range range = out->TextList(names);
    out->patient_compartment.push_back({out->TextOf(type), range.first, range.count});
  }
}

}  // namespace

Status CompileSearches(const Package& package, TableWriter* out) {
  std::vector<Draft> drafts;
  for (const Json& parameter : package.search_parameters) {
    GW_TRY(const SearchKind kind, SearchKindOf(parameter.TextOf("type")));
    std::vector<std::string> targets;
    for (const Json& target : ItemsOf(parameter, "target")) {
      targets.push_back(target.text());
    }
    for (const Json& base : ItemsOf(parameter, "base")) {
      drafts.push_back({base.text(), std::string(parameter.TextOf("code")),
                        SearchExpressionFor(base.text(), parameter.TextOf("expression")), targets,
                        kind});
    }
  }
  std::sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    return std::tie(a.base, a.code) < std::tie(b.base, b.code);
  });
  for (const Draft& draft : drafts) {
    const TableWriter::Range targets = out->TextList(draft.targets);
    out->searches.push_back({out->TextOf(draft.base), out->TextOf(draft.code),
                             out->TextOf(draft.expression), targets.first, targets.count,
                             static_cast<uint8_t>(draft.kind)});
  }
  EmitCompartment(package.patient_compartment, out);
  return {};
}

}  // namespace gw::fhir::compiler
