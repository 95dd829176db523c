#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gateway/fhir/package/structure_internal.h"
#include "gateway/fhir/package/terminology_pack_internal.h"

namespace gw::fhir {
namespace {

const std::map<std::string_view, SearchKind> kKinds = {
    {"number", SearchKind::kNumber},       {"date", SearchKind::kDate},
    {"string", SearchKind::kString},       {"token", SearchKind::kToken},
    {"reference", SearchKind::kReference}, {"composite", SearchKind::kComposite},
    {"quantity", SearchKind::kQuantity},   {"uri", SearchKind::kUri},
    {"special", SearchKind::kSpecial}};

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

}  // namespace

Result<SearchKind> SearchKindOf(std::string_view code) {
  const auto found = kKinds.find(code);
  if (found == kKinds.end()) {
    return Error{Code::kInvalid, "an unknown kind of search parameter", std::string(code)};
  }
  return found->second;
}

std::string SearchExpressionFor(std::string_view base, std::string_view expression) {
  std::string own;
  for (const std::string_view part : UnionParts(expression)) {
    if (FirstName(part) == base) {
      own += own.empty() ? "" : " | ";
      own += part;
    }
  }
  return own.empty() ? std::string(expression) : own;
}

Status PackSearchParameter(const Json& json, compiled::Writer* out) {
  GW_TRY(const SearchKind kind, SearchKindOf(json.TextOf("type")));
  const std::string_view code = json.TextOf("code");
  if (code.empty() || ItemsOf(json, "base").empty()) {
    return Error{Code::kInvalid, "a SearchParameter has a code and a base",
                 code.empty() ? "code" : "base"};
  }
  std::vector<std::string> targets;
  for (const Json& target : ItemsOf(json, "target")) {
    targets.push_back(target.text());
  }
  for (const Json& base : ItemsOf(json, "base")) {
    compiled::SearchRow row = {};
    row.base = out->Intern(base.text());
    row.code = out->Intern(code);
    row.expression = out->Intern(SearchExpressionFor(base.text(), json.TextOf("expression")));
    row.url = out->Intern(json.TextOf("url"));
    row.targets = out->TextList(targets);
    row.kind = static_cast<uint32_t>(kind);
    out->searches.push_back(row);
  }
  return {};
}

}  // namespace gw::fhir
