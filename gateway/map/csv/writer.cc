#include "gateway/map/csv/writer.h"

#include <algorithm>
#include <array>

#include "gateway/hl7v2/charset_writer.h"

namespace gw::map {
namespace {

using fhir::Element;

// What a formula begins with, as ASCII and in full width, which some spreadsheets take for the
// same.
constexpr std::array<std::string_view, 8> kFormula = {
    "=", "+", "-", "@", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
// Blanks and what is not seen, which may be skipped before it: space, controls, NBSP, soft hyphen,
// the spaces and marks of U+2000 to U+206F, U+3000, the byte order mark.
constexpr std::array<std::string_view, 3> kUnseen = {"\xC2\xA0", "\xC2\xAD", "\xEF\xBB\xBF"};
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

// The size of a character at the start that is not seen; 0 where it is seen.
size_t UnseenSize(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  const auto first = static_cast<unsigned char>(text.front());
  if (first <= ' ' || first == 0x7F) {
    return 1;
  }
  for (const std::string_view unseen : kUnseen) {
    if (text.starts_with(unseen)) {
      return unseen.size();
    }
  }
  const bool is_space = text.starts_with("\xE2\x80") || text.starts_with("\xE3\x80\x80");
  return is_space || text.starts_with("\xE2\x81") ? 3 : 0;
}

bool NeedsGuard(std::string_view cell) {
  if (cell.starts_with('\'') || cell.starts_with('\t') || cell.starts_with('\r') ||
      cell.starts_with('\n')) {
    return true;
  }
  for (size_t size = UnseenSize(cell); size != 0 && size <= cell.size(); size = UnseenSize(cell)) {
    cell.remove_prefix(size);
  }
  return std::any_of(kFormula.begin(), kFormula.end(),
                     [cell](std::string_view sign) { return cell.starts_with(sign); });
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
  return (NeedsGuard(cell) ? "'" : "") + std::string(cell);
}

std::string WithoutGuard(std::string_view cell) {
  const bool guarded = cell.starts_with('\'') && NeedsGuard(cell.substr(1));
  return std::string(cell.substr(guarded ? 1 : 0));
}

Result<std::string> WriteCsv(const Element& rows, const std::vector<Column>& model,
                             const Destination& destination, std::vector<Remark>* remarks) {
  Rows text(destination);
  for (const ExportColumn& column : destination.columns) {
    text.Cell(column.header);
  }
  text.End();
  uint32_t number = 0;
  for (const Element* row = rows.first_child(); row != nullptr; row = row->next()) {
    ++number;
    std::vector<std::string> cells;
    for (const ExportColumn& column : destination.columns) {
      const auto of_model = std::find_if(model.begin(), model.end(), [&](const Column& known) {
        return known.name == column.name;
      });
      cells.push_back(of_model == model.end() ? ""
                                              : CellText(*row, column, *of_model, destination));
    }
    const auto unsaid = std::find_if(cells.begin(), cells.end(), [&](const std::string& cell) {
      return !hl7v2::Encode(cell, destination.charset);
    });
    if (unsaid != cells.end()) {
      const auto at = static_cast<size_t>(unsaid - cells.begin());
      remarks->push_back(
          {'E', "row-refused",
           "row " + std::to_string(number) + ", column " + destination.columns[at].header,
           "a character that the encoding does not have"});
      continue;
    }
    for (const std::string& cell : cells) {
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
