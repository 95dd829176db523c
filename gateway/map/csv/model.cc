#include "gateway/map/csv/model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/csv/values_internal.h"
#include "gateway/map/csv/writer.h"
#include "gateway/map/translate.h"
#include "gateway/map/v2/zone.h"

namespace gw::map {
namespace {

constexpr std::string_view kBullet = "\xE2\x80\xA2";
constexpr size_t kNoColumn = static_cast<size_t>(-1);

// An item of a list as it was typed: "1. ", "2) ", "- ", "* " and a bullet before it are no text.
std::string_view WithoutListMark(std::string_view item) {
  const size_t digits = std::min(item.find_first_not_of("0123456789"), item.size());
  const std::string_view rest = item.substr(digits);
  const bool numbered =
      digits > 0 && digits <= 3 && (rest.starts_with(". ") || rest.starts_with(") "));
  if (numbered || item.starts_with("- ") || item.starts_with("* ")) {
    return TrimCell(numbered ? rest.substr(1) : item.substr(1));
  }
  return item.starts_with(kBullet) ? TrimCell(item.substr(kBullet.size())) : item;
}

// A control character other than a tab and the ends of lines: FHIR text cannot hold it.
bool HasControl(std::string_view cell) {
  return std::any_of(cell.begin(), cell.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r' && c != '\n';
  });
}

std::string FhirTypeOf(const std::string& column_type) {
  const bool text =
      column_type == "nhsNumber" || column_type == "list" || column_type == "interval";
  return text ? "string" : column_type;
}

// The header of a column that a folded text is; end() where it is none.
std::vector<std::string>::const_iterator WordFor(const Column& column, const std::string& text) {
  return std::find_if(column.headers.begin(), column.headers.end(),
                      [&](const std::string& known) { return FoldedCell(known) == text; });
}

Error Refused(const char* rule, std::string where) {
  return Error{Code::kInvalid, rule, std::move(where)};
}

// The rule that a value of the column's type keeps.
const char* RuleOf(const Column& column) {
  if (column.type == "date" || column.type == "dateTime") {
    return "not a date in a style of the feed";
  }
  if (column.type == "code" || column.type == "boolean") {
    return "a value that is not in the column's table";
  }
  return column.type == "interval" ? "not an interval" : "not a decimal number";
}

}  // namespace

struct CsvModel::Parts {
  Parts(const Feed& of, const fhir::Definitions& definitions, Zone in)
      : feed(of), zone(std::move(in)), builder(definitions) {}

  // The FHIR text of one value; nothing where it is none of the column's type.
  std::optional<std::string> TextOf(const Column& column, std::string_view cell) const;
  // The same, and what is done where it is none. Nothing where it is dropped; the remark is made
  // then.
  Result<std::optional<std::string>> ValueOf(const Column& column, std::string_view cell,
                                             const std::string& where,
                                             std::vector<Remark>* remarks) const;
  static void AppendList(const Column& column, const fhir::ElementDef& element,
                         std::string_view cell, fhir::Element* row);
  Status FillRow(const CsvRecord& record, fhir::Element* into, std::vector<Remark>* remarks) const;
  // The row's dates do not contradict each other (Column::not_before).
  Status CheckOrder(const CsvRecord& record, const fhir::Element& checked) const;

  Feed feed;
  Zone zone;
  fhir::ModelBuilder builder;
  const fhir::TypeDef* row = nullptr;
  const fhir::ElementDef* row_element = nullptr;
  std::vector<size_t> column_of;  // of each cell, an index in feed.columns or kNoColumn
  // What each column of the feed is called in the file: the feed's own word for it, so that no
  // text of a file without header gets into a message.
  std::vector<std::string> called;

  std::string PlaceIn(const CsvRecord& record, size_t column) const {
    return "row " + std::to_string(record.row) + ", column " + called[column];
  }
};

CsvModel::CsvModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CsvModel::CsvModel(CsvModel&&) noexcept = default;
CsvModel::~CsvModel() = default;

Result<CsvModel> CsvModel::Make(const Feed& feed, const fhir::Definitions& definitions) {
  GW_TRY(Zone zone, Zone::Load(feed.zone));
  auto parts = std::make_unique<Parts>(feed, definitions, std::move(zone));
  std::vector<fhir::ModelBuilder::ElementSpec> elements;
  for (const Column& column : feed.columns) {
    elements.push_back(
        {column.name, FhirTypeOf(column.type), column.type == "list" ? fhir::kMany : uint16_t{1}});
  }
  parts->builder.AddType("Row", std::move(elements));
  parts->builder.AddType("Rows", {{"row", "Row", fhir::kMany}});
  GW_RETURN_IF_ERROR(parts->builder.Finish());
  parts->row = parts->builder.Find("Row");
  parts->row_element = parts->builder.Find("Rows")->Find("row");
  return CsvModel(std::move(parts));
}

const fhir::TypeDef* CsvModel::Find(std::string_view type_name) const {
  return parts_->builder.Find(type_name);
}

Status CsvModel::ReadHeader(const CsvRecord& header, std::vector<Remark>* remarks) {
  const std::vector<Column>& columns = parts_->feed.columns;
  std::vector<bool> found(columns.size(), false);
  parts_->called.clear();
  for (const Column& column : columns) {
    parts_->called.push_back(column.headers.front());
  }
  parts_->column_of.assign(header.cells.size(), kNoColumn);
  for (size_t cell = 0; cell < header.cells.size(); ++cell) {
    const std::string text = FoldedCell(header.cells[cell]);
    const std::string number = "column " + std::to_string(cell + 1);
    const auto column = std::find_if(columns.begin(), columns.end(), [&](const Column& one) {
      return WordFor(one, text) != one.headers.end();
    });
    if (column == columns.end()) {
      remarks->push_back({'W', "unread", number, "a column that the feed file does not name"});
      continue;
    }
    const auto index = static_cast<size_t>(column - columns.begin());
    if (found[index]) {
      return Refused("two columns have the same meaning", parts_->called[index]);
    }
    found[index] = true;
    parts_->called[index] = *WordFor(*column, text);
    parts_->column_of[cell] = index;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].required && !found[i]) {
      return Refused("a required column is missing", parts_->called[i]);
    }
  }
  return {};
}

std::optional<std::string> CsvModel::Parts::TextOf(const Column& column,
                                                   std::string_view cell) const {
  if (column.type == "date" || column.type == "dateTime") {
    const auto& styles = column.date_styles.empty() ? feed.date_styles : column.date_styles;
    return column.type == "date" ? CsvDate(cell, styles) : CsvDateTime(cell, styles, zone);
  }
  if (column.type == "code" || column.type == "boolean") {
    const auto code = column.codes.find(FoldedCell(cell));
    return code == column.codes.end() ? std::nullopt : std::optional<std::string>(code->second);
  }
  if (column.type == "decimal") {
    return CsvDecimal(cell);
  }
  return column.type == "interval" ? CsvInterval(cell) : std::optional<std::string>(cell);
}

Result<std::optional<std::string>> CsvModel::Parts::ValueOf(const Column& column,
                                                            std::string_view cell,
                                                            const std::string& where,
                                                            std::vector<Remark>* remarks) const {
  if (column.type == "nhsNumber") {
    if (!IsNhsNumber(cell)) {
      remarks->push_back({'W', "bad-check-digit", where,
                          "not an NHS number: its check digit is wrong; it was dropped"});
      return std::optional<std::string>();
    }
    std::string digits(cell);
    std::erase_if(digits, [](char c) { return c == ' ' || c == '-'; });
    return std::optional<std::string>(std::move(digits));
  }
  std::optional<std::string> text = TextOf(column, cell);
  if (!text && (column.refuse_bad || column.valued)) {
    return Refused(RuleOf(column), where);
  }
  if (!text) {
    remarks->push_back({'W', column.type.starts_with("date") ? "bad-date" : "bad-value", where,
                        std::string(RuleOf(column)) + ": left out"});
  }
  return text;
}

void CsvModel::Parts::AppendList(const Column& column, const fhir::ElementDef& element,
                                 std::string_view cell, fhir::Element* row) {
  size_t at = 0;
  while (at <= cell.size()) {
    const size_t end = std::min(cell.find(column.separator, at), cell.size());
    const std::string_view item = WithoutListMark(TrimCell(cell.substr(at, end - at)));
    if (!item.empty()) {
      row->AppendRaw(&element, *element.types.front(), {})->SetText(item);
    }
    at = end + column.separator.size();
  }
}

Status CsvModel::Parts::FillRow(const CsvRecord& record, fhir::Element* into,
                                std::vector<Remark>* remarks) const {
  std::vector<bool> valued(feed.columns.size(), false);
  for (size_t cell = 0; cell < record.cells.size(); ++cell) {
    const size_t index = column_of[cell];
    if (index == kNoColumn) {
      continue;
    }
    const Column& column = feed.columns[index];
    const fhir::ElementDef& element = into->type().elements()[index];
    if (HasControl(record.cells[cell])) {
      return Error{Code::kInvalid, "a control character", PlaceIn(record, index),
                   hl7_code::kDataTypeError};
    }
    const std::string unguarded = WithoutGuard(record.cells[cell]);
    const std::string_view text = TrimCell(unguarded);
    if (text.empty()) {
      if (feed.empty_cell == "clear" && !column.valued) {
        into->AppendRaw(&element, *element.types.front(), {})->SetNull();
      }
      continue;
    }
    valued[index] = true;
    if (column.type == "list") {
      AppendList(column, element, text, into);
      continue;
    }
    GW_TRY(const auto value, ValueOf(column, text, PlaceIn(record, index), remarks));
    if (value) {
      into->AppendRaw(&element, *element.types.front(), {})->SetText(*value);
    }
  }
  for (size_t i = 0; i < feed.columns.size(); ++i) {
    if (feed.columns[i].valued && !valued[i]) {
      return Refused("a cell that each row must have is empty", PlaceIn(record, i));
    }
  }
  return CheckOrder(record, *into);
}

Status CsvModel::Parts::CheckOrder(const CsvRecord& record, const fhir::Element& checked) const {
  for (size_t i = 0; i < feed.columns.size(); ++i) {
    const Column& column = feed.columns[i];
    const std::string_view later = checked.TextAt(column.name);
    const std::string_view earlier =
        column.not_before.empty() ? std::string_view() : checked.TextAt(column.not_before);
    // Days are compared: a date and a date with a time may stand side by side.
    if (!later.empty() && !earlier.empty() && later.substr(0, 10) < earlier.substr(0, 10)) {
      return Refused("a date before the one that it follows", PlaceIn(record, i));
    }
  }
  return {};
}

std::string CsvModel::PlaceOf(const CsvRecord& record, std::string_view column_name) const {
  const std::vector<Column>& columns = parts_->feed.columns;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column_name) {
      return parts_->PlaceIn(record, i);
    }
  }
  return "row " + std::to_string(record.row);
}

Status CsvModel::AppendRow(const CsvRecord& record, fhir::Element* rows,
                           std::vector<Remark>* remarks) const {
  if (record.cells.size() != parts_->column_of.size()) {
    const bool fewer = record.cells.size() < parts_->column_of.size();
    return Refused(fewer ? "fewer cells than the header has" : "more cells than the header has",
                   "row " + std::to_string(record.row));
  }
  // offset() of a row is its number: what PlaceOf() says.
  fhir::Element* row = rows->AppendRaw(parts_->row_element, *parts_->row, {}, record.row);
  Status filled = parts_->FillRow(record, row, remarks);
  if (!filled) {
    rows->Remove(row);  // a refused row leaves no trace
  }
  return filled;
}

std::vector<std::string> CsvModel::TextsOf(const CsvRecord& record,
                                           const std::vector<std::string>& columns) const {
  std::vector<std::string> texts(columns.size());
  const size_t count = std::min(record.cells.size(), parts_->column_of.size());
  for (size_t cell = 0; cell < count; ++cell) {
    const size_t index = parts_->column_of[cell];
    const std::string unguarded = WithoutGuard(record.cells[cell]);
    const std::string_view text = TrimCell(unguarded);
    if (index == kNoColumn || text.empty()) {
      continue;
    }
    const Column& column = parts_->feed.columns[index];
    const auto wanted = std::find(columns.begin(), columns.end(), column.name);
    if (wanted == columns.end()) {
      continue;
    }
    std::vector<Remark> none;
    auto value = parts_->ValueOf(column, text, {}, &none);
    if (value && *value) {
      texts[static_cast<size_t>(wanted - columns.begin())] = std::move(**value);
    }
  }
  return texts;
}

}  // namespace gw::map
