#include <algorithm>
#include <utility>

#include "gateway/fhir/package/terms_internal.h"
#include "gateway/fhir/path/regex_internal.h"

namespace gw::fhir::terms {
namespace {

using compiled::View;

constexpr size_t kSetsMax = 32;  // value sets in value sets; R4's deepest has four

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(x) == lower(y);
  });
}

// White space at the ends and runs of it say nothing in a display.
bool IsSameDisplay(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view* text) {
    const size_t start = std::min(text->find_first_not_of(" \t\r\n"), text->size());
    const size_t end = std::min(text->find_first_of(" \t\r\n", start), text->size());
    const std::string_view word = text->substr(start, end - start);
    text->remove_prefix(end);
    return word;
  };
  while (true) {
    const std::string_view word_a = next(&a);
    const std::string_view word_b = next(&b);
    if (!EqualIgnoringCase(word_a, word_b)) {
      return false;
    }
    if (word_a.empty()) {
      return true;
    }
  }
}

// The place of a code among rows, by their sorted places.
template <typename Row>
std::optional<uint32_t> FindByCode(const View& view, std::span<const Row> rows,
                                   std::span<const uint32_t> sorted, std::string_view code) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), code,
                                      [&](uint32_t place, std::string_view sought) {
                                        return view.TextAt(rows[place].code) < sought;
                                      });
  if (found == sorted.end() || view.TextAt(rows[*found].code) != code) {
    return std::nullopt;
  }
  return *found;
}

std::vector<std::string_view> SplitList(std::string_view list) {
  std::vector<std::string_view> items;
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(',', start), list.size());
    std::string_view item = list.substr(start, end - start);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    items.push_back(item.substr(0, item.find_last_not_of(' ') + 1));
    start = end + 1;
  }
  return items;
}

Answer AnswerOf(bool is_true) { return is_true ? Answer::kYes : Answer::kNo; }

// One filter of an include, on one code. R4 filter-operator.
class Filter {
 public:
  Filter(const System& system, const View& view, const compiled::FilterRow& row)
      : system_(system),
        property_(view.TextAt(row.property)),
        op_(view.TextAt(row.op)),
        value_(view.TextAt(row.value)) {}

  Answer Passes(uint32_t place) const {
    if (op_ == "is-a" || op_ == "descendent-of" || op_ == "is-not-a" || op_ == "generalizes") {
      return ByHierarchy(place);
    }
    if (op_ == "=") {
      return property_ == "parent" || property_ == "child" ? ByNeighbour(place)
                                                           : AnswerOf(HasValue(place, value_));
    }
    if (op_ == "in" || op_ == "not-in") {
      const std::vector<std::string_view> items = SplitList(value_);
      const bool is_in = std::any_of(items.begin(), items.end(),
                                     [&](std::string_view item) { return HasValue(place, item); });
      return AnswerOf(is_in == (op_ == "in"));
    }
    if (op_ == "exists") {
      return AnswerOf(!Values(place).empty() == (value_ == "true"));
    }
    return op_ == "regex" ? ByPattern(place) : Answer::kUnknown;
  }

 private:
  Answer ByHierarchy(uint32_t place) const {
    const std::optional<uint32_t> other = system_.Find(value_);
    if (!other) {
      // A code that the system does not hold has nothing below it; a part of a system may hold it.
      return system_.IsComplete() ? AnswerOf(op_ == "is-not-a") : Answer::kUnknown;
    }
    const bool is_below = system_.IsBelow(place, *other);
    if (op_ == "descendent-of") {
      return AnswerOf(is_below);
    }
    if (op_ == "generalizes") {
      return AnswerOf(place == *other || system_.IsBelow(*other, place));
    }
    return AnswerOf((place == *other || is_below) == (op_ == "is-a"));
  }

  Answer ByNeighbour(uint32_t place) const {
    const std::optional<uint32_t> other = system_.Find(value_);
    if (!other) {
      return Answer::kNo;
    }
    const uint32_t child = property_ == "parent" ? place : *other;
    const uint32_t parent = property_ == "parent" ? *other : place;
    const auto parents = system_.view->List(system_.codes()[child].parents);
    return AnswerOf(std::find(parents.begin(), parents.end(), parent) != parents.end());
  }

  Answer ByPattern(uint32_t place) const {
    const std::optional<path::Regex> pattern = path::Regex::Compile(value_);
    if (!pattern) {
      return Answer::kUnknown;
    }
    const std::vector<std::string_view> values = Values(place);
    return AnswerOf(std::any_of(values.begin(), values.end(), [&](std::string_view value) {
      return pattern->MatchesAll(value);
    }));
  }

  bool HasValue(uint32_t place, std::string_view value) const {
    const std::vector<std::string_view> values = Values(place);
    return std::find(values.begin(), values.end(), value) != values.end();
  }

  std::vector<std::string_view> Values(uint32_t place) const {
    const compiled::CodeRow& code = system_.codes()[place];
    const View& view = *system_.view;
    if (property_ == "code" || property_ == "concept") {
      return {view.TextAt(code.code)};
    }
    if (property_ == "display") {
      return {view.TextAt(code.display)};
    }
    std::vector<std::string_view> values;
    for (const uint32_t property : view.List(code.properties)) {
      if (view.TextAt(view.properties[property].code) == property_) {
        values.push_back(view.TextAt(view.properties[property].value));
      }
    }
    return values;
  }

  const System& system_;
  std::string_view property_;
  std::string_view op_;
  std::string_view value_;
};

}  // namespace

Answer And(Answer a, Answer b) {
  if (a == Answer::kNo || b == Answer::kNo) {
    return Answer::kNo;
  }
  return a == Answer::kUnknown ? a : b;
}

Answer Or(Answer a, Answer b) {
  if (a == Answer::kYes || b == Answer::kYes) {
    return Answer::kYes;
  }
  return a == Answer::kUnknown ? a : b;
}

Answer Not(Answer a) {
  if (a == Answer::kUnknown) {
    return a;
  }
  return AnswerOf(a == Answer::kNo);
}

std::optional<uint32_t> System::Find(std::string_view code) const {
  const auto rows = codes();
  if (const auto place = FindByCode(*view, rows, view->List(row->sorted), code);
      place || row->is_case_sensitive != 0) {
    return place;
  }
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const compiled::CodeRow& item) {
    return EqualIgnoringCase(view->TextAt(item.code), code);
  });
  return found == rows.end() ? std::nullopt
                             : std::optional(static_cast<uint32_t>(found - rows.begin()));
}

bool System::IsBelow(uint32_t place, uint32_t ancestor) const {
  // Most codes have one parent; those of others are looked at once each, since a code may be
  // reached on many ways.
  std::vector<uint32_t> open = {place};
  std::vector<bool> seen;
  for (size_t next = 0; next < open.size(); ++next) {
    const auto parents = view->List(codes()[open[next]].parents);
    if (parents.size() > 1 && seen.empty()) {
      seen.resize(codes().size());
    }
    for (const uint32_t parent : parents) {
      if (parent == ancestor) {
        return true;
      }
      if (open.size() > codes().size()) {
        return false;  // parents in a circle
      }
      if (seen.empty() || !seen[parent]) {
        open.push_back(parent);
        if (!seen.empty()) {
          seen[parent] = true;
        }
      }
    }
  }
  return false;
}

std::optional<System> FindSystem(const Packages::Loaded& loaded, std::string_view url,
                                 std::string_view version) {
  std::optional<System> best;
  for (auto layer = loaded.layers.rbegin(); layer != loaded.layers.rend(); ++layer) {
    const View& view = (*layer)->view;
    const compiled::CodeSystemRow* row = nullptr;
    if (!version.empty()) {
      row = compiled::FindCanonical(view, view.code_systems,
                                    std::string(url) + "|" + std::string(version));
    }
    const bool is_version_asked = version.empty() || row != nullptr;
    if (row == nullptr) {
      row = compiled::FindCanonical(view, view.code_systems, url);
    }
    if (row == nullptr || row->content == compiled::Content::kSupplement ||
        row->content == compiled::Content::kNotPresent) {
      continue;
    }
    const System found = {&view, row, is_version_asked};
    const auto is_better = [](const System& a, const System& b) {
      return std::pair(a.is_version_asked, a.IsComplete()) >
             std::pair(b.is_version_asked, b.IsComplete());
    };
    if (!best || is_better(found, *best)) {
      best = found;
    }
  }
  return best;
}

std::optional<Set> FindSet(const Packages::Loaded& loaded, std::string_view canonical) {
  for (auto layer = loaded.layers.rbegin(); layer != loaded.layers.rend(); ++layer) {
    const View& view = (*layer)->view;
    if (const auto* row = compiled::FindCanonical(view, view.value_sets, canonical);
        row != nullptr) {
      return Set{&view, row};
    }
  }
  return std::nullopt;
}

Terminology::Validation InSystem(const Packages::Loaded& loaded, const Coding& coding) {
  Terminology::Validation validation;
  validation.system = coding.system;
  const std::optional<System> system = FindSystem(loaded, coding.system, coding.version);
  if (!system) {
    validation.answer = FitsGrammar(coding.system, coding.code);
    validation.missing = validation.answer == Answer::kUnknown ? coding.system : "";
    return validation;
  }
  const std::optional<uint32_t> place = system->Find(coding.code);
  if (!place) {
    const bool is_sure = system->IsComplete() && system->is_version_asked;
    validation.answer = is_sure ? Answer::kNo : Answer::kUnknown;
    validation.missing = is_sure ? "" : coding.system;
    return validation;
  }
  validation.answer = Answer::kYes;
  validation.display = system->view->TextAt(system->codes()[*place].display);
  if (!coding.display.empty() && !validation.display.empty()) {
    validation.display_fits = AnswerOf(IsSameDisplay(coding.display, validation.display));
  }
  return validation;
}

Answer Evaluator::PassesFilters(const System& system, uint32_t place, const Set& set,
                                const compiled::IncludeRow& include) const {
  Answer answer = Answer::kYes;
  for (const compiled::FilterRow& filter : View::In(set.view->filters, include.filters)) {
    answer = And(answer, Filter(system, *set.view, filter).Passes(place));
  }
  return answer;
}

// Whether the system that an include names, less its filters, or its list, has the code.
Terminology::Validation Evaluator::OfSystem(const Set& set, const compiled::IncludeRow& include,
                                            const Coding& coding) const {
  Terminology::Validation validation;
  Coding asked = coding;
  asked.system = set.view->TextAt(include.system);
  validation.system = asked.system;
  validation.answer = Answer::kNo;
  if (!coding.system.empty() && coding.system != asked.system) {
    return validation;
  }
  if (asked.version.empty()) {
    asked.version = set.view->TextAt(include.version);
  }
  const bool is_listed = (include.flags & compiled::kListed) != 0;
  if (!is_listed && include.filters.count == 0) {
    return InSystem(loaded_, asked);
  }
  if (is_listed) {
    const auto members = View::In(set.view->members, include.members);
    const auto place = FindByCode(*set.view, members, set.view->List(include.sorted), coding.code);
    if (!place) {
      return validation;
    }
    validation = InSystem(loaded_, asked);
    validation.answer = Answer::kYes;
    validation.missing = {};
    const std::string_view display = set.view->TextAt(members[*place].display);
    if (validation.display.empty()) {
      validation.display = display;
    }
    if (!coding.display.empty() && !display.empty() && validation.display_fits != Answer::kYes) {
      validation.display_fits = AnswerOf(IsSameDisplay(coding.display, display));
    }
    return validation;
  }
  validation = InSystem(loaded_, asked);
  const std::optional<System> system = FindSystem(loaded_, asked.system, asked.version);
  const std::optional<uint32_t> place = system ? system->Find(coding.code) : std::nullopt;
  if (place) {
    validation.answer = PassesFilters(*system, *place, set, include);
  } else if (validation.answer == Answer::kYes) {  // by a grammar, which knows of no filters
    validation.answer = Answer::kUnknown;
    validation.missing = asked.system;
  }
  return validation;
}

Terminology::Validation Evaluator::InInclude(const Set& set, const compiled::IncludeRow& include,
                                             const Coding& coding) {
  Terminology::Validation validation;
  validation.answer = Answer::kYes;
  Coding asked = coding;
  if (!set.view->TextAt(include.system).empty()) {
    validation = OfSystem(set, include, coding);
    asked.system = validation.system;
  }
  for (const uint32_t text : set.view->List(include.value_sets)) {
    if (validation.answer == Answer::kNo) {
      break;
    }
    const Terminology::Validation other = InSet(set.view->TextAt(text), asked);
    const Answer both = And(validation.answer, other.answer);
    if (validation.system.empty() || (validation.answer != both && both != Answer::kNo)) {
      validation = other;
    }
    validation.answer = both;
  }
  return validation;
}

Terminology::Validation Evaluator::InSet(std::string_view value_set, const Coding& coding) {
  Terminology::Validation best;
  best.missing = value_set;
  const std::optional<Set> set = FindSet(loaded_, value_set);
  if (!set || set->row->includes.count == 0 || steps_left_ == 0 || inside_.size() >= kSetsMax) {
    return best;
  }
  --steps_left_;
  best.missing = {};
  best.answer = Answer::kNo;
  if (std::find(inside_.begin(), inside_.end(), set->row) != inside_.end()) {
    return best;  // a set adds nothing to itself
  }
  inside_.push_back(set->row);
  const auto includes = View::In(set->view->includes, set->row->includes);
  for (const compiled::IncludeRow& include : includes) {
    if ((include.flags & compiled::kExclude) != 0 || best.answer == Answer::kYes) {
      continue;
    }
    const Terminology::Validation found = InInclude(*set, include, coding);
    if (Or(best.answer, found.answer) != best.answer) {
      best = found;
    }
  }
  for (const compiled::IncludeRow& exclude : includes) {
    if ((exclude.flags & compiled::kExclude) == 0 || best.answer == Answer::kNo) {
      continue;
    }
    const Terminology::Validation found = InInclude(*set, exclude, coding);
    if (const Answer both = And(best.answer, Not(found.answer)); both != best.answer) {
      best.answer = both;
      best.missing = both == Answer::kUnknown ? found.missing : "";
    }
  }
  inside_.pop_back();
  return best;
}

}  // namespace gw::fhir::terms
