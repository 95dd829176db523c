#include <algorithm>

#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

bool IsNameOrDot(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
}

}  // namespace

std::vector<std::string_view> PlainPath(std::string_view expression, const TypeDef& type) {
  std::vector<std::string_view> names;
  if (!std::all_of(expression.begin(), expression.end(), IsNameOrDot)) {
    return names;
  }
  const size_t first = expression.find('.');
  if (first == std::string_view::npos || !type.Is(expression.substr(0, first))) {
    return names;
  }
  for (std::string_view rest = expression.substr(first + 1); !rest.empty();) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    names.push_back(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return names;
}

}  // namespace gw::fhir
