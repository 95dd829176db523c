#include <algorithm>
#include <array>
#include <utility>

#include "gateway/map/fml/names_internal.h"

namespace gw::map {
namespace {

// The relationships of an inline ConceptMap and their R4 codes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kEquivalences = {
    {{"-", "relatedto"},
     {"=", "equal"},
     {"==", "equivalent"},
     {"!=", "disjoint"},
     {"--", "unmatched"},
     {"<=", "wider"},
     {"<-", "subsumes"},
     {">=", "narrower"},
     {">-", "specializes"},
     {"~", "inexact"}}};

constexpr bool IsWordPart(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Past the text that begins at `at` with a quote.
size_t PastQuoted(std::string_view text, size_t at) {
  const char quote = text[at++];
  while (at < text.size() && text[at] != quote) {
    at += text[at] == '\\' ? 2U : 1U;
  }
  return std::min(at + 1, text.size());
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::string NameOfSources(const FmlRule& rule, std::string_view separator) {
  std::string name;
  for (const FmlSource& source : rule.sources) {
    name += name.empty() ? "" : separator;
    name += source.element.empty() ? source.context : source.element;
  }
  return name;
}

std::string_view WithoutBrackets(std::string_view expression) {
  for (;;) {
    expression = Trimmed(expression);
    if (!expression.starts_with('(')) {
      return expression;
    }
    size_t depth = 0;
    size_t at = 0;
    do {
      const char c = expression[at];
      depth += c == '(' ? 1U : 0U;
      depth -= c == ')' ? 1U : 0U;
      at = c == '\'' || c == '"' || c == '`' ? PastQuoted(expression, at) : at + 1;
    } while (depth > 0 && at < expression.size());
    if (depth > 0 || at < expression.size()) {
      return expression;
    }
    expression = expression.substr(1, expression.size() - 2);
  }
}

bool IsDottedName(std::string_view text) {
  bool begins = true;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (begins ? !IsWordPart(c) || is_digit : !IsWordPart(c) && c != '.') {
      return false;
    }
    begins = c == '.';
  }
  return !begins;
}

std::string_view SymbolOf(std::string_view equivalence) {
  const auto* found = std::find_if(kEquivalences.begin(), kEquivalences.end(),
                                   [&](const auto& e) { return e.second == equivalence; });
  return found == kEquivalences.end() ? std::string_view() : found->first;
}

std::string_view EquivalenceOf(std::string_view symbol) {
  const auto* found = std::find_if(kEquivalences.begin(), kEquivalences.end(),
                                   [&](const auto& e) { return e.first == symbol; });
  return found == kEquivalences.end() ? std::string_view() : found->second;
}

// The rest after a star may begin anywhere; the earliest place is enough for each but the last.
bool UrlFits(std::string_view pattern, std::string_view url) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == url;
  }
  if (!url.starts_with(pattern.substr(0, star))) {
    return false;
  }
  url.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  while ((star = pattern.find('*')) != std::string_view::npos) {
    const size_t found = url.find(pattern.substr(0, star));
    if (found == std::string_view::npos) {
      return false;
    }
    url.remove_prefix(found + star);
    pattern.remove_prefix(star + 1);
  }
  return url.ends_with(pattern);
}

std::string_view WordOf(FmlListMode mode) {
  switch (mode) {
    case FmlListMode::kNone:
      return {};
    case FmlListMode::kFirst:
      return "first";
    case FmlListMode::kNotFirst:
      return "not_first";
    case FmlListMode::kLast:
      return "last";
    case FmlListMode::kNotLast:
      return "not_last";
    case FmlListMode::kOnlyOne:
      return "only_one";
    case FmlListMode::kShare:
      return "share";
    case FmlListMode::kCollate:
      return "collate";
  }
  return {};
}

}  // namespace gw::map
