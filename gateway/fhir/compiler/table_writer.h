#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definition_tables_internal.h"

namespace gw::fhir::compiler {

// A row index or count as the tables hold it. Aborts where it does not fit: the tables would need
// wider columns.
uint16_t Narrow(size_t number);

// Appends a C++ string literal and a line end.
void AppendLiteral(std::string_view text, std::string* out);

// The tables while they grow, and their C++ text at the end. Equal texts and equal lists are kept
// once.
class TableWriter {
 public:
  // Where a list stands in its table.
  struct Range {
    uint16_t first = 0;
    uint16_t count = 0;
  };

  TableWriter() { TextOf({}); }

  tables::Text TextOf(std::string_view text);
  Range TextList(const std::vector<std::string>& texts);
  Range TypeList(const std::vector<uint16_t>& type_rows);
  // A C++ source that defines tables::kR4.
  std::string Source() const;

  std::vector<tables::TypeRow> types;
  std::vector<tables::ElementRow> elements;
  std::vector<tables::PropertyRow> properties;
  std::vector<tables::InvariantRow> invariants;
  std::vector<tables::InvariantUseRow> invariant_uses;
  std::vector<tables::SearchRow> searches;
  std::vector<tables::ValueSetRow> value_sets;
  std::vector<tables::MemberRow> members;
  std::vector<tables::CodeSystemRow> code_systems;
  std::vector<tables::CodeRow> codes;
  std::vector<uint16_t> parents;
  std::vector<tables::CompartmentRow> patient_compartment;

 private:
  using List = std::vector<uint16_t>;
  void AppendTypes(std::string* out) const;
  void AppendSearchesAndCodes(std::string* out) const;
  static Range Intern(const List& list, std::vector<uint16_t>* table, std::map<List, Range>* known);

  std::vector<std::string> texts_;
  std::map<std::string, tables::Text, std::less<>> text_rows_;
  List text_lists_;
  List type_lists_;
  std::map<List, Range> known_text_lists_;
  std::map<List, Range> known_type_lists_;
};

}  // namespace gw::fhir::compiler
