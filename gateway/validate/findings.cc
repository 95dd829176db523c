#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/validate/findings_internal.h"
#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

// Siblings that are counted each time; where there are more, they are counted once.
constexpr uint32_t kCountedMax = 32;

}  // namespace

std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kFatal:
      return "fatal";
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInformation:
      return "information";
  }
  return "error";
}

void Findings::Add(Severity severity, std::string_view code, std::string_view rule,
                   const fhir::Element& element, std::string detail) {
  out_.push_back({severity, std::string(code), LocationOf(element), std::move(detail),
                  std::string(rule), element.offset(), 0, 0});
}

void Findings::Broken(const fhir::Invariant& invariant, const fhir::Element& element) {
  Add(invariant.error ? Severity::kError : Severity::kWarning, "invariant", invariant.key, element,
      std::string(invariant.key) + ": " + std::string(invariant.human));
}

void Findings::Broken(std::string_view key, const fhir::Element& holder,
                      const fhir::Element& element) {
  if (const fhir::Invariant* invariant = FindInvariant(holder.type(), key)) {
    Broken(*invariant, element);
  }
}

void Findings::MoveUp(size_t first, size_t last) {
  const auto at = [this](size_t place) {
    return out_.begin() + static_cast<std::ptrdiff_t>(place);
  };
  std::rotate(at(first), at(last), out_.end());
}

void Findings::DropRepeats(size_t first) {
  std::set<std::tuple<std::string_view, std::string_view, std::string_view>> seen;
  std::vector<Issue> kept;
  const auto start = out_.begin() + static_cast<std::ptrdiff_t>(first);
  std::vector<Issue> found(std::make_move_iterator(start), std::make_move_iterator(out_.end()));
  out_.erase(start, out_.end());
  for (Issue& issue : found) {
    if (seen.emplace(issue.location, issue.rule, issue.detail).second) {
      kept.push_back(issue);
    }
  }
  std::move(kept.begin(), kept.end(), std::back_inserter(out_));
}

std::string Findings::LocationOf(const fhir::Element& element) {
  if (element.parent() == nullptr) {
    return std::string(element.name());
  }
  std::string location = LocationOf(*element.parent());
  location += '.';
  location += element.name();
  const fhir::ElementDef* definition = element.definition();
  if (definition == nullptr || definition->max != 1) {
    location += '[' + std::to_string(IndexOf(element)) + ']';
  } else if (definition->choice) {
    location += ".ofType(" + std::string(element.type().name()) + ")";
  }
  return location;
}

uint32_t Findings::IndexOf(const fhir::Element& element) {
  if (const auto known = indexes_.find(&element); known != indexes_.end()) {
    return known->second;
  }
  uint32_t index = 0;
  for (const fhir::Element* sibling = element.parent()->first_child(); sibling != &element;
       sibling = sibling->next()) {
    index += sibling->definition() == element.definition() ? 1u : 0u;
  }
  if (index > kCountedMax) {
    uint32_t next = 0;
    for (const fhir::Element* sibling = element.parent()->first_child(); sibling != nullptr;
         sibling = sibling->next()) {
      if (sibling->definition() == element.definition()) {
        indexes_.emplace(sibling, next++);
      }
    }
  }
  return index;
}

bool HasErrors(const std::vector<Issue>& issues) {
  return std::any_of(issues.begin(), issues.end(), [](const Issue& issue) {
    return issue.severity == Severity::kError || issue.severity == Severity::kFatal;
  });
}

}  // namespace gw::validate
