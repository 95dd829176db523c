#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/feed.h"

namespace gw::map {

struct Remark;

// One record of a CSV file; cells are unquoted, UTF-8.
struct CsvRecord {
  std::vector<std::string> cells;
  uint32_t row = 0;   // records after the header, from 1; 0 for the header
  uint32_t line = 0;  // where it begins
};

// Splits CSV (RFC 4180, with the feed's delimiter and quote): BOM, CR, LF and CRLF, quotes,
// embedded newlines. Errors: kInvalid: an unclosed quote, text after a closing quote (where = "line
// L, column C"), bytes that are not of the feed's encoding, a byte order mark of another; kTooLarge
// past a bound.
Result<std::vector<CsvRecord>> ReadCsv(std::string_view bytes, const Feed& feed,
                                       const Limits& limits);

// Are the bytes well-formed UTF-8 with more than ASCII under a feed of one byte a character? Chance
// hardly makes that.
bool LooksLikeUtf8(std::string_view bytes, const Feed& feed);

// The row model of one feed: type `Row` with an element per column (kModel; dates as FHIR text,
// code columns as the code their table gives, list columns repeat), and type `Rows` with
// `row` 1..*, what a map gets: the rows of a unit.
class CsvModel {
 public:
  static Result<CsvModel> Make(const Feed& feed, const fhir::Definitions& definitions);
  CsvModel(CsvModel&&) noexcept;
  ~CsvModel();
  const fhir::TypeDef* Find(std::string_view type_name) const;

  // The columns of the header line. Errors: kInvalid, where = the missing required column. Unknown
  // columns are remarked once each (their values are unread).
  Status ReadHeader(const CsvRecord& header, std::vector<Remark>* remarks);
  // "row 7, column Last Reviewed": the place of a column's cell, called as the file's header does.
  std::string PlaceOf(const CsvRecord& record, std::string_view column_name) const;
  // Appends one record as `row` to `rows` (a tree of type Rows). Errors: kInvalid, where = "row N,
  // column C": wrong number of cells, a missing valued cell, a value that is none of its column's
  // type (a date, a code) where the column says that this refuses the row, a date before the one
  // that it follows; elsewhere such a value is left out, with a remark. A bad NHS number is dropped
  // with a remark: who else the row names decides (decision 3). Columns are called in errors and
  // remarks as the file's header does; nothing of a refused row stays.
  Status AppendRow(const CsvRecord& record, fhir::Element* rows,
                   std::vector<Remark>* remarks) const;
  // What the columns of these names say in a record, bad as it may be elsewhere; empty where a cell
  // is not there, is empty or is none of its column's type. Columns are those of the feed.
  std::vector<std::string> TextsOf(const CsvRecord& record,
                                   const std::vector<std::string>& columns) const;

 private:
  struct Parts;
  explicit CsvModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gw::map
