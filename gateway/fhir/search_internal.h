#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/search.h"

namespace gw::fhir {

// The search parameters that are offered for one type, codes apart by a blank. `_id` and
// `_lastUpdated` are offered for each of them.
struct OfferedParameters {
  std::string_view type;
  std::string_view codes;
};
std::span<const OfferedParameters> AllOffered();
bool IsOffered(std::string_view type, std::string_view code);

// Is there an index for parameters of that kind?
bool IsIndexed(SearchKind kind);

// What packages add to the offer.
struct PackageOffer {
  struct Offered {
    std::string_view type;
    const SearchParameter* parameter;
  };
  std::vector<Offered> offered;
  std::vector<std::string> left_out;  // "canonical for type: why", of those that are not
};
// Errors: kInvalid, where = "SearchParameter <canonical>: <place>".
Result<PackageOffer> OfferOf(const Definitions& definitions,
                             std::span<const PackageSearch> searches);

// A text as string parameters compare it: case, accents and runs of blanks aside (R4 search.html
// 3.1.1.4.8).
std::string FoldedText(std::string_view text);
// The texts that a string parameter finds in an element: itself, or the parts of a HumanName or
// Address.
std::vector<std::string_view> StringsOf(const Element& element);

// The names below the type, of an expression that only names elements, one below the other
// ("CarePlan.activity.detail.code"), as most of search parameters do; empty for every other one.
// Views into the expression.
std::vector<std::string_view> PlainPath(std::string_view expression, const TypeDef& type);
// Gives `visit` what such an expression selects, at a fraction of what FHIRPath costs; in document
// order.
template <typename Visit>
void AtPlainPath(const Element& from, std::span<const std::string_view> names, const Visit& visit) {
  if (names.empty()) {
    visit(from);
    return;
  }
  for (const Element* child = from.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == names.front()) {
      AtPlainPath(*child, names.subspan(1), visit);
    }
  }
}

// Appends the rows of kNamesake, kSex, kName and kPostcode; out holds none of them.
void IndexPerson(const Resource& patient, std::vector<IndexEntry>* out);

// The interval [low, high) that a date, dateTime or instant stands for: all of the year, month,
// day, minute, second or fraction that it names. Without a zone it is taken as UTC. Absent where it
// is none. Spec: R4 search.html 3.1.1.4.5.
struct Interval {
  int64_t low_us = 0;
  int64_t high_us = 0;
};
std::optional<Interval> IntervalOf(std::string_view text);

// A reference as it is written: "Patient/123" and "Patient/123/_history/2" give type and id;
// anything else that is not empty and no fragment stays whole, without a type.
struct ReferenceText {
  std::string_view type;
  std::string_view text;
};
std::optional<ReferenceText> SplitReference(std::string_view reference,
                                            const Definitions& definitions);

}  // namespace gw::fhir
