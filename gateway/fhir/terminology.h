#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/package.h"

namespace gw::fhir {

namespace compiled {
struct View;
struct ConceptMapRow;
struct GroupRow;
}  // namespace compiled

// A code in a system. Views of the asker, or of the Packages where Terminology gives one back.
struct Coding {
  std::string_view system;  // empty: any system of the value set serves, as for a FHIR code
  std::string_view code;
  std::string_view display;
  std::string_view version;  // of the system
};

// The terminology operations over what R4 and the packages hold: no server is asked. Immutable; any
// thread. The Packages must outlive it.
// Source: R4 terminology-service.html, valueset.html#compose, conceptmap-operation-translate.html.
class Terminology {
 public:
  // kUnknown: a code system or value set that decides is not held (SNOMED CT, LOINC ...), or the
  // question needs more than this program knows. A caller warns and never refuses on it.
  enum class Answer : uint8_t { kYes, kNo, kUnknown };

  explicit Terminology(const Packages& packages) : packages_(packages) {}

  struct Validation {
    Answer answer = Answer::kUnknown;
    std::string_view system;   // of the code found; where none was asked for, the one that holds it
    std::string_view display;  // the system's own; empty if it gives none
    // kNo: a display was asked about and is none of the system's (case and white space aside).
    Answer display_fits = Answer::kUnknown;
    // kUnknown: the canonical that is not held. A view of the Packages or the asker.
    std::string_view missing;
  };
  // Is the code in the value set? `value_set` is a canonical, with or without |version.
  Validation ValidateCode(std::string_view value_set, const Coding& coding) const;
  // Is the code in its own system?
  Validation ValidateInSystem(const Coding& coding) const;

  struct Expanded {
    Coding coding;
    bool is_abstract = false;  // not for use itself: a heading
    bool is_inactive = false;
  };
  struct ExpandOptions {
    std::string_view filter;  // only codes whose code or display contains it, case aside
    uint32_t offset = 0;
    uint32_t count = UINT32_MAX;
    bool active_only = false;
  };
  struct Expansion {
    std::vector<Expanded> codes;  // in the order of the set's definition
    uint32_t total = 0;           // without offset and count
    // Canonicals that would be needed for the rest; empty: the expansion is whole.
    std::vector<std::string> missing;
  };
  // Errors: kNotFound: no such value set; kTooLarge: more than 100,000 codes
  // or a thousand value sets, or 32 inside each other; kInvalid: value sets
  // that contain each other.
  Result<Expansion> Expand(std::string_view value_set, const ExpandOptions& options) const;

  struct Property {
    std::string_view code;  // "parent", "child", "status", "notSelectable" or the system's own
    std::string_view value;
  };
  // What a code is called elsewhere, or for another use (CodeSystem.concept.designation).
  struct Designation {
    std::string_view language;
    std::string_view use;
    std::string_view value;
  };
  struct Found {
    std::string_view system_name;
    std::string_view system_version;
    std::string_view display;
    std::string_view definition;
    std::vector<Property> properties;
    std::vector<Designation> designations;
  };
  // Errors: kNotFound: the system does not hold the code; kUnsupported: the system is not held.
  Result<Found> Lookup(const Coding& coding) const;

  // How `code_a` stands to `code_b` in one system (CodeSystem $subsumes); kUnknown: not held.
  enum class Relation : uint8_t { kUnknown, kEquivalent, kSubsumes, kSubsumedBy, kNotSubsumed };
  Relation Subsumes(std::string_view system, std::string_view code_a,
                    std::string_view code_b) const;

  struct Match {
    std::string_view equivalence;  // R4 concept-map-equivalence: "equivalent", "wider" ...
    Coding target;                 // code empty for "unmatched"
    std::string_view comment;
    std::string_view source;  // canonical of the ConceptMap
  };
  // What is known beside the code, for maps that depend on it (ConceptMap dependsOn).
  struct Dependency {
    std::string_view property;
    std::string_view system;
    std::string_view value;
  };
  // `concept_map`: a canonical, or empty for all maps. `target`: the system or value set wanted, or
  // empty. A mapping that depends on what is not among `dependencies` is passed over. Where a group
  // says nothing of a code, its `unmapped` does, by another map too. No match is an empty list.
  // Errors: kNotFound: no such map.
  Result<std::vector<Match>> Translate(std::string_view concept_map, const Coding& coding,
                                       std::string_view target,
                                       std::span<const Dependency> dependencies = {}) const;

 private:
  struct Asked;
  void TranslateBy(const Asked& asked, const compiled::View& view,
                   const compiled::ConceptMapRow& map, uint32_t maps_left,
                   std::vector<Match>* out) const;
  void TranslateUnmapped(const Asked& asked, const compiled::View& view,
                         const compiled::ConceptMapRow& map, const compiled::GroupRow& group,
                         uint32_t maps_left, std::vector<Match>* out) const;

  const Packages& packages_;
};

}  // namespace gw::fhir
