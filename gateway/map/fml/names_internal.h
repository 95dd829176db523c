#pragma once

#include <string>
#include <string_view>

#include "gateway/map/fml/fml.h"

namespace gw::map {

// What the forms of a map share.

inline constexpr std::string_view kShortFormVariable = "vvv";
inline constexpr std::string_view kArgumentExtension = "urn:caregate:fml:argument";
inline constexpr std::string_view kConstantExtension = "urn:caregate:fml:constant";
inline constexpr std::string_view kConceptMapExtension = "urn:caregate:fml:conceptmap";

// The name of a rule that was given none: the elements of its sources.
std::string NameOfSources(const FmlRule& rule, std::string_view separator);

// An expression without the brackets that only hold it together: `(a = b)` is `a = b`,
// `(a).first()` stays.
std::string_view WithoutBrackets(std::string_view expression);

// Is it `a` or `a.b.c`: a variable, and elements below it?
bool IsDottedName(std::string_view text);

// The symbol of an R4 concept-map-equivalence in an inline ConceptMap, and back; empty: none.
std::string_view SymbolOf(std::string_view equivalence);
std::string_view EquivalenceOf(std::string_view symbol);

// Does `url` fit a pattern in which * stands for anything?
bool UrlFits(std::string_view pattern, std::string_view url);

// The word of a list mode, as the text and the resource write it; empty for kNone.
std::string_view WordOf(FmlListMode mode);

}  // namespace gw::map
