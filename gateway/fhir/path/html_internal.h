#pragma once

#include <string_view>

namespace gw::fhir::path {

// Is `text` a narrative div: one element tree of well-nested tags, only the basic formatting
// elements and attributes, no scripts or event handlers, some content? Source: R4 narrative.html,
// txt-1 and txt-2.
bool IsNarrative(std::string_view text);

}  // namespace gw::fhir::path
