#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/resource.h"
#include "gateway/map/fml/fml.h"

namespace gw::map {

// A ConceptMap as translate() asks it. Immutable after it is made; any thread.
// Spec: FHIR R4 conceptmap.html; equivalences unmatched and disjoint are no translation.
class CodeTable {
 public:
  struct Answer {
    std::string_view system;
    std::string_view code;
    std::string_view display;
  };

  // Copies what it keeps. Errors: kInvalid where the resource is no ConceptMap with a url.
  static Result<CodeTable> FromResource(const fhir::Resource& concept_map);
  static CodeTable FromFml(const FmlConceptMap& concept_map);

  const std::string& url() const { return url_; }
  const std::string& version() const { return version_; }  // empty: it says none
  // The one system that all groups translate from; empty if there are several or none.
  std::string_view source_system() const { return source_system_; }
  // `system` may be empty: then any group serves. False: unmapped. Views into the table, or of
  // `code`.
  bool Translate(std::string_view system, std::string_view code, Answer* answer) const;
  // The url of the ConceptMap that a group says to ask for what it does not map; empty: none.
  const std::string& other_map() const { return other_map_; }
  void SetOther(const CodeTable* other) { other_ = other; }

 private:
  struct Row {
    std::string source_system;
    std::string source_code;
    std::string system;
    std::string code;
    std::string display;
  };
  // What a group does with a code that it does not map.
  struct Unmapped {
    std::string source_system;
    std::string system;
    bool provided = false;  // the code itself, else `code`
    std::string code;
    std::string display;
  };
  void AddUnmapped(const fhir::Element& group, const fhir::Element& unmapped);
  void AddElement(const fhir::Element& group, const fhir::Element& element);
  void Finish();
  bool TranslateHere(std::string_view system, std::string_view code, Answer* answer) const;

  std::string url_;
  std::string version_;
  std::string source_system_;
  std::string other_map_;
  const CodeTable* other_ = nullptr;
  std::vector<Row> rows_;  // sorted by source code, in the map's order otherwise
  std::vector<Unmapped> unmapped_;
};

}  // namespace gw::map
