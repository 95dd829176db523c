#include "gateway/fhir/compiler/table_writer.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace gw::fhir::compiler {
namespace {

constexpr size_t kNumbersPerLine = 96;

// Collects "{1,2,3}," rows and breaks lines between them.
class Rows {
 public:
  explicit Rows(std::string* out) : out_(out) {}

  void Add(std::initializer_list<unsigned> numbers) {
    *out_ += '{';
    for (const unsigned number : numbers) {
      *out_ += std::to_string(number) + ',';
    }
    out_->back() = '}';
    Separate();
  }

  void Add(unsigned number) {
    *out_ += std::to_string(number);
    Separate();
  }

 private:
  void Separate() {
    *out_ += ',';
    if (out_->size() - line_start_ > kNumbersPerLine) {
      *out_ += '\n';
      line_start_ = out_->size();
    }
  }

  std::string* out_;
  size_t line_start_ = 0;
};

template <typename Row, typename Print>
void AppendTable(const char* type, const char* name, const std::vector<Row>& rows, Print print,
                 std::string* out) {
  *out += std::string("constexpr ") + type + " " + name + "[] = {\n";
  Rows lines(out);
  for (const Row& row : rows) {
    print(row, &lines);
  }
  *out += "\n};\n";
}

constexpr auto kPrintNumber = [](const auto& number, Rows* out) { out->Add(number); };

}  // namespace

void AppendLiteral(std::string_view text, std::string* out) {
  *out += '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\' || character == '?') {
      *out += '\\';
      *out += character;
    } else if (byte < 0x20 || byte >= 0x7F) {
      char escape[5];
      std::snprintf(escape, sizeof(escape), "\\%03o", static_cast<unsigned>(byte));
      *out += escape;
    } else {
      *out += character;
    }
  }
  *out += "\"\n";
}

uint16_t Narrow(size_t number) {
  if (number >= tables::kNoRow) {
    std::fprintf(stderr, "the definitions outgrew the tables' 16-bit columns\n");
    std::abort();
  }
  return static_cast<uint16_t>(number);
}

tables::Text TableWriter::TextOf(std::string_view text) {
  const auto known = text_rows_.find(text);
  if (known != text_rows_.end()) {
    return known->second;
  }
  const tables::Text row = Narrow(texts_.size());
  texts_.emplace_back(text);
  text_rows_.emplace(text, row);
  return row;
}

TableWriter::Range TableWriter::TextList(const std::vector<std::string>& texts) {
  List rows;
  for (const std::string& text : texts) {
    rows.push_back(TextOf(text));
  }
  return Intern(rows, &text_lists_, &known_text_lists_);
}

TableWriter::Range TableWriter::TypeList(const std::vector<uint16_t>& type_rows) {
  return Intern(type_rows, &type_lists_, &known_type_lists_);
}

TableWriter::Range TableWriter::Intern(const List& list, std::vector<uint16_t>* table,
                                       std::map<List, Range>* known) {
  const auto [place, is_new] =
      known->emplace(list, Range{Narrow(table->size()), Narrow(list.size())});
  if (is_new) {
    table->insert(table->end(), list.begin(), list.end());
  }
  return place->second;
}

void TableWriter::AppendTypes(std::string* out) const {
  AppendTable(
      "TypeRow", "kTypes", types,
      [](const tables::TypeRow& row, Rows* to) {
        to->Add({row.name, row.base, row.kind, row.primitive, row.is_abstract, row.element,
                 row.element_count, row.property, row.property_count, row.invariant,
                 row.invariant_count});
      },
      out);
  AppendTable(
      "ElementRow", "kElements", elements,
      [](const tables::ElementRow& row, Rows* to) {
        to->Add({row.name, row.type, row.type_count, row.target, row.target_count, row.value_set,
                 row.min, row.max, row.binding, row.flags});
      },
      out);
  AppendTable(
      "PropertyRow", "kProperties", properties,
      [](const tables::PropertyRow& row, Rows* to) {
        to->Add({row.json_name, row.element, row.type});
      },
      out);
  AppendTable("uint16_t", "kTypeLists", type_lists_, kPrintNumber, out);
  AppendTable("Text", "kTextLists", text_lists_, kPrintNumber, out);
  AppendTable(
      "InvariantRow", "kInvariants", invariants,
      [](const tables::InvariantRow& row, Rows* to) {
        to->Add({row.key, row.expression, row.human, row.is_error});
      },
      out);
  AppendTable(
      "InvariantUseRow", "kInvariantUses", invariant_uses,
      [](const tables::InvariantUseRow& row, Rows* to) {
        to->Add({row.invariant, row.element});
      },
      out);
}

void TableWriter::AppendSearchesAndCodes(std::string* out) const {
  AppendTable(
      "SearchRow", "kSearches", searches,
      [](const tables::SearchRow& row, Rows* to) {
        to->Add({row.base, row.code, row.expression, row.target, row.target_count, row.kind});
      },
      out);
  AppendTable(
      "ValueSetRow", "kValueSets", value_sets,
      [](const tables::ValueSetRow& row, Rows* to) {
        to->Add({row.url, row.member, row.member_count, row.is_complete});
      },
      out);
  AppendTable(
      "MemberRow", "kMembers", members,
      [](const tables::MemberRow& row, Rows* to) {
        to->Add({row.code, row.system});
      },
      out);
  AppendTable(
      "CodeSystemRow", "kCodeSystems", code_systems,
      [](const tables::CodeSystemRow& row, Rows* to) {
        to->Add({row.url, row.code, row.code_count});
      },
      out);
  AppendTable(
      "CodeRow", "kCodes", codes,
      [](const tables::CodeRow& row, Rows* to) {
        to->Add({row.code, row.parent, row.parent_count});
      },
      out);
  AppendTable("uint16_t", "kParents", parents, kPrintNumber, out);
  AppendTable(
      "CompartmentRow", "kPatientCompartment", patient_compartment,
      [](const tables::CompartmentRow& row, Rows* to) {
        to->Add({row.type, row.parameter, row.parameter_count});
      },
      out);
}

std::string TableWriter::Source() const {
  std::string out =
      "// Made by gateway/fhir/compiler of HL7's R4 definitions (CC0). Do not edit.\n"
      "#include \"gateway/fhir/definition_tables_internal.h\"\n\n"
      "namespace gw::fhir::tables {\nnamespace {\n\nconstexpr char kText[] =\n";
  std::vector<unsigned> starts;
  unsigned size = 0;
  for (const std::string& text : texts_) {
    starts.push_back(size);
    size += static_cast<unsigned>(text.size());
    AppendLiteral(text, &out);
  }
  starts.push_back(size);
  out += ";\n";
  AppendTable("uint32_t", "kTextStarts", starts, kPrintNumber, &out);
  AppendTypes(&out);
  AppendSearchesAndCodes(&out);
  out +=
      "\n}  // namespace\n\n"
      "const Tables kR4 = {kText, kTextStarts, kTypes, kElements, kProperties, kTypeLists,\n"
      "                    kTextLists, kInvariants, kInvariantUses, kSearches, kValueSets,\n"
      "                    kMembers, kCodeSystems, kCodes, kParents, kPatientCompartment};\n\n"
      "}  // namespace gw::fhir::tables\n";
  return out;
}

}  // namespace gw::fhir::compiler
