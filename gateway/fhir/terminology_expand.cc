#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "gateway/fhir/package/terms_internal.h"
#include "gateway/fhir/terminology.h"

namespace gw::fhir {
namespace {

using compiled::View;
using Answer = Terminology::Answer;
using Expanded = Terminology::Expanded;

constexpr size_t kCodesMax = 100'000;
constexpr size_t kSetsMax = 32;        // value sets in value sets; R4's deepest has four
constexpr uint32_t kStepsMax = 1'000;  // value sets looked at for one expansion

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

// Lists the codes of one value set and of those that it takes in.
class Expander {
 public:
  Expander(const Packages::Loaded& loaded, std::vector<std::string>* missing)
      : loaded_(loaded), missing_(*missing) {}

  Status Expand(std::string_view value_set, std::vector<Expanded>* out) {
    const std::optional<terms::Set> set = terms::FindSet(loaded_, value_set);
    if (!set || set->row->includes.count == 0) {
      Miss(value_set);
      return {};
    }
    if (std::find(inside_.begin(), inside_.end(), set->row) != inside_.end()) {
      return Error{Code::kInvalid, "value sets that contain each other", std::string(value_set)};
    }
    if (inside_.size() >= kSetsMax || ++steps_ > kStepsMax) {
      return Error{Code::kTooLarge, "the value set takes in too many others",
                   std::string(value_set)};
    }
    inside_.push_back(set->row);
    std::set<std::pair<std::string_view, std::string_view>> known;
    const auto includes = View::In(set->view->includes, set->row->includes);
    for (const compiled::IncludeRow& include : includes) {
      if ((include.flags & compiled::kExclude) != 0) {
        continue;
      }
      std::vector<Expanded> found;
      GW_RETURN_IF_ERROR(List(*set, include, &found));
      for (const Expanded& item : found) {
        if (IsWanted(*set, include, includes, item.coding) &&
            known.emplace(item.coding.system, item.coding.code).second) {
          out->push_back(item);
        }
      }
      if (out->size() > kCodesMax) {
        return Error{Code::kTooLarge, "the value set has too many codes", std::string(value_set)};
      }
    }
    inside_.pop_back();
    return {};
  }

 private:
  // The codes that an include draws on, before its value sets and the excludes are asked.
  Status List(const terms::Set& set, const compiled::IncludeRow& include,
              std::vector<Expanded>* out) {
    const std::string_view system_url = set.view->TextAt(include.system);
    if (system_url.empty()) {
      const auto value_sets = set.view->List(include.value_sets);
      return value_sets.empty() ? Status() : Expand(set.view->TextAt(value_sets.front()), out);
    }
    const std::string_view version = set.view->TextAt(include.version);
    const std::optional<terms::System> system = terms::FindSystem(loaded_, system_url, version);
    if ((include.flags & compiled::kListed) != 0) {
      ListMembers(set, include, system, out);
      return {};
    }
    if (!system || !system->IsComplete()) {
      Miss(system_url);
    }
    if (!system) {
      return {};
    }
    const terms::Evaluator evaluator(loaded_);
    for (uint32_t place = 0; place < system->codes().size(); ++place) {
      const Answer passes = evaluator.PassesFilters(*system, place, set, include);
      if (passes == Answer::kUnknown) {
        Miss(system_url);
      } else if (passes == Answer::kYes) {
        out->push_back(Of(*system, place));
      }
    }
    return {};
  }

  static Expanded Of(const terms::System& system, uint32_t place) {
    const compiled::CodeRow& code = system.codes()[place];
    const View& view = *system.view;
    return {{view.TextAt(system.row->url), view.TextAt(code.code), view.TextAt(code.display),
             view.TextAt(system.row->version)},
            (code.flags & compiled::kAbstractCode) != 0,
            (code.flags & compiled::kInactiveCode) != 0};
  }

  static void ListMembers(const terms::Set& set, const compiled::IncludeRow& include,
                          const std::optional<terms::System>& system, std::vector<Expanded>* out) {
    for (const compiled::MemberRow& member : View::In(set.view->members, include.members)) {
      Expanded item;
      const std::string_view code = set.view->TextAt(member.code);
      const std::optional<uint32_t> place = system ? system->Find(code) : std::nullopt;
      if (place) {
        item = Of(*system, *place);
      }
      item.coding.system = set.view->TextAt(include.system);
      item.coding.code = code;
      if (const std::string_view display = set.view->TextAt(member.display); !display.empty()) {
        item.coding.display = display;
      }
      out->push_back(item);
    }
  }

  // Is a code in the include's value sets and in none of the excludes?
  bool IsWanted(const terms::Set& set, const compiled::IncludeRow& include,
                std::span<const compiled::IncludeRow> includes, const Coding& coding) {
    const Coding asked = {coding.system, coding.code, {}, {}};
    for (const uint32_t text : set.view->List(include.value_sets)) {
      const auto found = terms::Evaluator(loaded_).InSet(set.view->TextAt(text), asked);
      if (found.answer != Answer::kYes) {
        Miss(found.answer == Answer::kUnknown ? found.missing : std::string_view());
        return false;
      }
    }
    for (const compiled::IncludeRow& exclude : includes) {
      if ((exclude.flags & compiled::kExclude) == 0) {
        continue;
      }
      const auto found = terms::Evaluator(loaded_).InInclude(set, exclude, asked);
      if (found.answer != Answer::kNo) {
        Miss(found.answer == Answer::kUnknown ? found.missing : std::string_view());
        return false;
      }
    }
    return true;
  }

  void Miss(std::string_view canonical) {
    if (!canonical.empty() &&
        std::find(missing_.begin(), missing_.end(), canonical) == missing_.end()) {
      missing_.emplace_back(canonical);
    }
  }

  const Packages::Loaded& loaded_;
  std::vector<std::string>& missing_;
  std::vector<const compiled::ValueSetRow*> inside_;
  uint32_t steps_ = 0;
};

}  // namespace

Result<Terminology::Expansion> Terminology::Expand(std::string_view value_set,
                                                   const ExpandOptions& options) const {
  if (!terms::FindSet(packages_.loaded(), value_set)) {
    return Error{Code::kNotFound, "no such value set is held", std::string(value_set)};
  }
  Expansion expansion;
  std::vector<Expanded> codes;
  GW_RETURN_IF_ERROR(Expander(packages_.loaded(), &expansion.missing).Expand(value_set, &codes));
  for (const Expanded& item : codes) {
    const bool is_wanted = ContainsIgnoringCase(item.coding.code, options.filter) ||
                           ContainsIgnoringCase(item.coding.display, options.filter);
    if (!is_wanted || (options.active_only && item.is_inactive)) {
      continue;
    }
    if (expansion.total >= options.offset && expansion.codes.size() < options.count) {
      expansion.codes.push_back(item);
    }
    ++expansion.total;
  }
  return expansion;
}

}  // namespace gw::fhir
