#include <algorithm>
#include <set>
#include <utility>

#include "gateway/map/translate_internal.h"

namespace gw::map {

namespace {

using fhir::Element;

constexpr std::string_view kMapUrls = "urn:caregate:map:";

// The rows of one key, in file order.
struct Gathered {
  std::string key;
  std::vector<const CsvRecord*> records;
};

bool IsBlank(const CsvRecord& record) {
  return std::all_of(record.cells.begin(), record.cells.end(), [](const std::string& cell) {
    return cell.find_first_not_of(" \t\r\n") == std::string::npos;
  });
}

bool IsTrailer(const CsvRecord& record, const Feed& feed) {
  return !feed.trailer_prefix.empty() && !record.cells.empty() &&
         record.cells.front().starts_with(feed.trailer_prefix);
}

// All cells as one text; U+001F cannot be typed into a spreadsheet's cell.
std::string Joined(const CsvRecord& record) {
  std::string text;
  for (const std::string& cell : record.cells) {
    text += cell + '\x1F';
  }
  return text;
}

std::string KeyOfRow(const Element& row, const Feed& feed) {
  std::string key;
  for (const std::string& column : feed.key) {
    key.append(row.TextAt(column)).append("|");
  }
  return key;
}

// The row in the types that the map was checked against; columns meet by their names.
Status CopyRow(const Element& row, Element* rows) {
  const fhir::ElementDef* definition = rows->type().Find("row");
  Element* copy = rows->AppendRaw(definition, *definition->types.front(), {}, row.offset());
  for (const Element* cell = row.first_child(); cell != nullptr; cell = cell->next()) {
    GW_TRY(Element * added, copy->Add(cell->name(), cell->text()));
    if (cell->is_null()) {
      added->SetNull();
    }
  }
  return {};
}

// Reads one file: which rows are data, which belong together, what each unit becomes.
class FileReader {
 public:
  FileReader(const Translator::Parts& parts, const Feed& feed, Instant now, CsvModel model,
             const fhir::TypeDef& rows_type)
      : parts_(parts), feed_(feed), now_(now), model_(std::move(model)), rows_type_(rows_type) {}

  Result<CsvTranslation> Read(const std::vector<CsvRecord>& records) {
    if (records.empty()) {
      return Error{Code::kInvalid, "the file has no header", "line 1"};
    }
    GW_RETURN_IF_ERROR(model_.ReadHeader(records.front(), &result_.remarks));
    for (size_t i = 1; i < records.size(); ++i) {
      Take(records[i]);
    }
    for (const Gathered& unit : units_) {
      Translate(unit);
    }
    std::stable_sort(
        result_.groups.begin(), result_.groups.end(),
        [](const RowGroup& a, const RowGroup& b) { return a.rows.front() < b.rows.front(); });
    return std::move(result_);
  }

 private:
  void Take(const CsvRecord& record) {
    ++result_.rows_read;
    if (IsBlank(record)) {
      ++result_.blank;
      return;
    }
    if (IsTrailer(record, feed_)) {
      ++result_.trailers;
      return;
    }
    if (!seen_.insert(Joined(record)).second) {
      ++result_.duplicates;
      result_.remarks.push_back({'I', "duplicate-row", "row " + std::to_string(record.row),
                                 "the same as an earlier row: skipped"});
      return;
    }
    fhir::Resource rows = fhir::Resource::MakeOf(*model_.Find("Rows"));
    std::vector<Remark> once;  // made again when the unit is translated
    const Status status = model_.AppendRow(record, &rows.root(), &once);
    if (!status) {
      Refuse(record, status.error());
      return;
    }
    const Element& row = *rows.root().first_child();
    std::string key = KeyOfRow(row, feed_);
    const bool keyless = key.size() == feed_.key.size();
    const auto known = keyless ? by_key_.end() : by_key_.find(key);
    if (known != by_key_.end()) {
      units_[known->second].records.push_back(&record);
      return;
    }
    if (!keyless) {
      by_key_[key] = units_.size();
    }
    units_.push_back({std::move(key), {&record}});
  }

  void Refuse(const CsvRecord& record, const Error& error) {
    ++result_.refused;
    result_.groups.push_back({{record.row}, Result<Translation>(error)});
  }

  // The text by which rows of one key are put in order.
  static std::string OrderOf(const Element& row, const Feed& feed) {
    return feed.supersede_by.empty() ? std::string() : std::string(row.TextAt(feed.supersede_by));
  }

  void Translate(const Gathered& unit) {
    RowGroup group{{}, Error{}};
    struct Ordered {
      const CsvRecord* record;
      std::string order;
    };
    std::vector<Ordered> ordered;
    for (const CsvRecord* record : unit.records) {
      group.rows.push_back(record->row);
      fhir::Resource scratch = fhir::Resource::MakeOf(*model_.Find("Rows"));
      std::vector<Remark> once;
      if (model_.AppendRow(*record, &scratch.root(), &once)) {
        ordered.push_back({record, OrderOf(*scratch.root().first_child(), feed_)});
      }
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Ordered& a, const Ordered& b) { return a.order < b.order; });
    if (feed_.duplicate == "supersede" && ordered.size() > 1) {
      ordered.erase(ordered.begin(), ordered.end() - 1);
    }
    fhir::Resource rows = fhir::Resource::MakeOf(*model_.Find("Rows"));
    std::vector<Remark> remarks;
    for (const Ordered& row : ordered) {
      // It was read before without a fault.
      [[maybe_unused]] const Status again = model_.AppendRow(*row.record, &rows.root(), &remarks);
    }
    fhir::Resource typed = fhir::Resource::MakeOf(rows_type_);
    for (const Element* row = rows.root().first_child(); row != nullptr; row = row->next()) {
      const Status copied = CopyRow(*row, &typed.root());
      if (!copied) {
        group.translation = copied.error();
        result_.groups.push_back(std::move(group));
        return;
      }
    }
    group.translation = Run(unit, typed.root(), std::move(remarks));
    result_.groups.push_back(std::move(group));
  }

  Result<Translation> Run(const Gathered& unit, const Element& rows, std::vector<Remark> remarks) {
    const std::string url = std::string(kMapUrls) + feed_.map;
    GW_TRY(Translation translation,
           parts_.Run(url, rows, feed_, now_, feed_.name + "|" + unit.key));
    translation.remarks.insert(translation.remarks.begin(), remarks.begin(), remarks.end());
    for (const Remark& remark : translation.remarks) {
      if (remark.severity == 'E' && remark.code == "unidentified") {
        return Error{Code::kUnprocessable, remark.text, PlaceOf(*rows.first_child())};
      }
    }
    return translation;
  }

  const Translator::Parts& parts_;
  const Feed& feed_;
  const Instant now_;
  CsvModel model_;
  const fhir::TypeDef& rows_type_;
  CsvTranslation result_;
  std::vector<Gathered> units_;
  std::map<std::string, size_t> by_key_;
  std::set<std::string> seen_;
};

// The columns that a map was checked against are the ones a feed may give it.
Result<const RowModel*> ModelFor(const Translator::Parts& parts, const Feed& feed) {
  const std::string url = "urn:caregate:csv:" + feed.map.substr(feed.map.rfind('/') + 1);
  const auto model = std::find_if(parts.rows.begin(), parts.rows.end(),
                                  [&url](const RowModel& m) { return m.url == url; });
  if (model == parts.rows.end() || !parts.plan.Has(std::string(kMapUrls) + feed.map)) {
    return Error{Code::kInvalid, "there is no map of this name: " + feed.map, feed.name + ": map"};
  }
  for (const Column& column : feed.columns) {
    const bool known = std::any_of(
        model->feed.columns.begin(), model->feed.columns.end(),
        [&column](const Column& c) { return c.name == column.name && c.type == column.type; });
    if (!known) {
      return Error{Code::kInvalid,
                   "the map knows no column " + column.name + " of type " + column.type,
                   feed.name + ": columns"};
    }
  }
  return &*model;
}

}  // namespace

Result<CsvTranslation> Translator::FromCsv(std::string_view bytes, const Feed& feed,
                                           Instant now) const {
  if (!feed.tables.contains(std::string(kCompleted))) {
    return FromCsv(bytes, Complete(feed), now);
  }
  GW_TRY(const RowModel* rows, ModelFor(*parts_, feed));
  GW_TRY(const std::vector<CsvRecord> records, ReadCsv(bytes, feed, parts_->options.limits));
  GW_TRY(CsvModel model, CsvModel::Make(feed, *parts_->definitions));
  FileReader reader(*parts_, feed, now, std::move(model), *rows->model.Find("Rows"));
  return reader.Read(records);
}

}  // namespace gw::map
