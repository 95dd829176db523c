#include "gateway/map/csv_writer.h"

#include <algorithm>

#include "gateway/hl7v2/charset_writer.h"

namespace gw::map {
namespace {

using fhir::Element;

constexpr std::string_view kDangerous = "=+-@\t\r'";
constexpr size_t kDateSize = 10;  // YYYY-MM-DD

// A whole date in the receiver's style; a partial one, and the time behind it, as they are.
std::string DateText(std::string_view text, const Destination& destination) {
  if (destination.date_style != "DD/MM/YYYY" || text.size() < kDateSize) {
    return std::string(text);
  }
  std::string out;
  out.append(text.substr(8, 2)).append("/").append(text.substr(5, 2)).append("/");
  out.append(text.substr(0, 4)).append(text.substr(kDateSize));
  return out;
}

std::string CellText(const Element& row, const ExportColumn& column, const Column& model,
                     const Destination& destination) {
  std::string text;
  for (const Element* cell = row.first_child(); cell != nullptr; cell = cell->next()) {
    if (cell->name() != column.name || cell->text().empty()) {
      continue;
    }
    const bool is_date = model.type == "date" || model.type == "dateTime";
    std::string one = is_date ? DateText(cell->text(), destination) : std::string(cell->text());
    const auto word = column.codes.find(one);
    text += (text.empty() ? "" : "; ") + (word == column.codes.end() ? one : word->second);
  }
  return text;
}

class Rows {
 public:
  explicit Rows(const Destination& destination) : destination_(destination) {}

  void Cell(std::string_view text) {
    const std::string guarded = WithGuard(text);
    const char quote = destination_.quote[0];
    const bool needs_quotes = destination_.quoting == "all" ||
                              guarded.find_first_of("\r\n") != guarded.npos ||
                              guarded.find(quote) != guarded.npos ||
                              guarded.find(destination_.delimiter) != guarded.npos ||
                              guarded.starts_with(' ') || guarded.ends_with(' ');
    line_ += is_first_ ? "" : destination_.delimiter;
    is_first_ = false;
    if (!needs_quotes) {
      line_ += guarded;
      return;
    }
    line_ += quote;
    for (const char c : guarded) {
      line_.append(c == quote ? 2 : 1, c);
    }
    line_ += quote;
  }

  void End() {
    out_ += line_ + destination_.line_end;
    line_.clear();
    is_first_ = true;
  }

  std::string& out() { return out_; }

 private:
  const Destination& destination_;
  std::string out_, line_;
  bool is_first_ = true;
};

}  // namespace

std::string WithGuard(std::string_view cell) {
  const bool guarded = !cell.empty() && kDangerous.find(cell[0]) != kDangerous.npos;
  return (guarded ? "'" : "") + std::string(cell);
}

std::string WithoutGuard(std::string_view cell) {
  const bool guarded =
      cell.size() > 1 && cell[0] == '\'' && kDangerous.find(cell[1]) != kDangerous.npos;
  return std::string(cell.substr(guarded ? 1 : 0));
}

Result<std::string> WriteCsv(const Element& rows, const std::vector<Column>& model,
                             const Destination& destination) {
  Rows text(destination);
  for (const ExportColumn& column : destination.columns) {
    text.Cell(column.header);
  }
  text.End();
  uint32_t number = 0;
  for (const Element* row = rows.first_child(); row != nullptr; row = row->next()) {
    ++number;
    for (const ExportColumn& column : destination.columns) {
      const auto of_model = std::find_if(model.begin(), model.end(), [&](const Column& known) {
        return known.name == column.name;
      });
      const std::string cell =
          of_model == model.end() ? "" : CellText(*row, column, *of_model, destination);
      if (!hl7v2::Encode(cell, destination.charset)) {
        return Error{Code::kUnprocessable, "a character that the encoding does not have",
                     "row " + std::to_string(number) + ", column " + column.header};
      }
      text.Cell(cell);
    }
    text.End();
  }
  GW_TRY(const std::string bytes, hl7v2::Encode(text.out(), destination.charset));
  const bool has_mark =
      destination.byte_order_mark || destination.charset == hl7v2::Charset::kUtf16;
  return (has_mark ? std::string(hl7v2::ByteOrderMark(destination.charset)) : "") + bytes;
}

}  // namespace gw::map
