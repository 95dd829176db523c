#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/fhir/package/compiled_internal.h"
#include "gateway/fhir/package/loaded_internal.h"
#include "gateway/fhir/terminology.h"

namespace gw::fhir::terms {

using Answer = Terminology::Answer;

// kNo over kUnknown over kYes, and the other way.
Answer And(Answer a, Answer b);
Answer Or(Answer a, Answer b);
Answer Not(Answer a);

// A code system that is held.
struct System {
  const compiled::View* view = nullptr;
  const compiled::CodeSystemRow* row = nullptr;
  bool is_version_asked = true;  // false: another version than the one that was asked for

  std::span<const compiled::CodeRow> codes() const { return view->In(view->codes, row->codes); }
  // The place of a code among codes(); where the system does not mind case, neither does this.
  std::optional<uint32_t> Find(std::string_view code) const;
  // Is the code at `place` below the one at `ancestor`?
  bool IsBelow(uint32_t place, uint32_t ancestor) const;
  bool IsComplete() const { return row->content == compiled::Content::kComplete; }
};

struct Set {
  const compiled::View* view = nullptr;
  const compiled::ValueSetRow* row = nullptr;
};

// A package's before R4's, a whole system before a fragment. Supplements are no systems.
std::optional<System> FindSystem(const Packages::Loaded& loaded, std::string_view url,
                                 std::string_view version);
std::optional<Set> FindSet(const Packages::Loaded& loaded, std::string_view canonical);

// Is the code in the system? `display` and `missing` as in Terminology::Validation.
Terminology::Validation InSystem(const Packages::Loaded& loaded, const Coding& coding);

// Answers whether codes are in value sets. One object for one question: it counts its steps, so
// that sets of sets cannot take it long, and knows the sets that it is in.
class Evaluator {
 public:
  explicit Evaluator(const Packages::Loaded& loaded) : loaded_(loaded) {}

  Terminology::Validation InSet(std::string_view value_set, const Coding& coding);
  Terminology::Validation InInclude(const Set& set, const compiled::IncludeRow& include,
                                    const Coding& coding);
  // Does the code at `place` pass all filters of the include?
  Answer PassesFilters(const System& system, uint32_t place, const Set& set,
                       const compiled::IncludeRow& include) const;

 private:
  Terminology::Validation OfSystem(const Set& set, const compiled::IncludeRow& include,
                                   const Coding& coding) const;

  const Packages::Loaded& loaded_;
  std::vector<const compiled::ValueSetRow*> inside_;
  uint32_t steps_left_ = 10'000;
};

// The systems whose codes have a grammar and no list: MIME types (BCP 13), languages (BCP 47),
// UCUM. kUnknown for other systems, and for what is well formed by a grammar that is not wholly
// known.
Answer FitsGrammar(std::string_view system, std::string_view code);

}  // namespace gw::fhir::terms
