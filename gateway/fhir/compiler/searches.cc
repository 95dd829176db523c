#include "gateway/fhir/compiler/searches.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/fhir/definitions.h"

namespace gw::fhir::compiler {
namespace {

const std::map<std::string_view, SearchKind> kKinds = {
    {"number", SearchKind::kNumber},       {"date", SearchKind::kDate},
    {"string", SearchKind::kString},       {"token", SearchKind::kToken},
    {"reference", SearchKind::kReference}, {"composite", SearchKind::kComposite},
    {"quantity", SearchKind::kQuantity},   {"uri", SearchKind::kUri},
    {"special", SearchKind::kSpecial}};

Result<SearchKind> KindOf(std::string_view code) {
  const auto found = kKinds.find(code);
  if (found == kKinds.end()) {
    return Error{Code::kInvalid, "an unknown kind of search parameter", std::string(code)};
  }
  return found->second;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The operands of the outermost unions of a FHIRPath.
std::vector<std::string_view> UnionParts(std::string_view expression) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  int depth = 0;
  bool in_text = false;
  for (size_t at = 0; at < expression.size(); ++at) {
    const char character = expression[at];
    if (character == '\'') {
      in_text = !in_text;
    } else if (in_text) {
      continue;
    } else if (character == '(') {
      ++depth;
    } else if (character == ')') {
      --depth;
    } else if (character == '|' && depth == 0) {
      parts.push_back(Trim(expression.substr(start, at - start)));
      start = at + 1;
    }
  }
  parts.push_back(Trim(expression.substr(start)));
  return parts;
}

std::string_view FirstName(std::string_view part) {
  part.remove_prefix(std::min(part.find_first_not_of('('), part.size()));
  const auto end = std::find_if(part.begin(), part.end(), [](char character) {
    return character == '.' || character == ' ' || character == ')' || character == '[';
  });
  return part.substr(0, static_cast<size_t>(end - part.begin()));
}

// "AllergyIntolerance.code | Condition.code" is "Condition.code" for Condition. Where no part names
// the type, the whole is about it (InsurancePlan's name).
std::string ExpressionFor(std::string_view base, std::string_view expression) {
  std::string own;
  for (const std::string_view part : UnionParts(expression)) {
    if (FirstName(part) == base) {
      own += own.empty() ? "" : " | ";
      own += part;
    }
  }
  return own.empty() ? std::string(expression) : own;
}

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
    GW_TRY(const SearchKind kind, KindOf(parameter.TextOf("type")));
    std::vector<std::string> targets;
    for (const Json& target : ItemsOf(parameter, "target")) {
      targets.push_back(target.text());
    }
    for (const Json& base : ItemsOf(parameter, "base")) {
      drafts.push_back({base.text(), std::string(parameter.TextOf("code")),
                        ExpressionFor(base.text(), parameter.TextOf("expression")), targets, kind});
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
