#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/base/hl7_code.h"
#include "gateway/base/percent.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {

namespace {

using fhir::Element;

constexpr std::string_view kMapUrls = "urn:caregate:map:";

// The rows of one key, in file order.
struct Gathered {
  std::string key;
  std::vector<const CsvRecord*> records;
  // Rows that say together what they say stand and fall together (Feed::duplicate: combine).
  std::vector<Error> faults;
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

// The first number in a trailer's first cell: how many rows its sender counts.
std::optional<uint32_t> CountIn(const CsvRecord& trailer) {
  const std::string& cell = trailer.cells.front();
  const size_t digit = cell.find_first_of("0123456789");
  uint32_t count = 0;
  if (digit == std::string::npos ||
      std::from_chars(cell.data() + digit, cell.data() + cell.size(), count).ec != std::errc{}) {
    return std::nullopt;
  }
  return count;
}

// Cells as one text; U+001F cannot be typed into a spreadsheet's cell.
std::string Joined(const std::vector<std::string>& cells) {
  std::string text;
  for (const std::string& cell : cells) {
    text += cell + '\x1F';
  }
  return text;
}

constexpr std::array<std::string_view, 3> kWhoseColumns = {"nhsNumber", "personId", "planRef"};

// Do the cells of a row's key say what it is of? Whose it is does not say it where the key has
// columns of the thing itself.
bool SaysWhatItIsOf(const std::vector<std::string>& cells, const Feed& feed) {
  bool has_own = false;
  bool has_whose = false;
  bool wants_own = false;
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool whose =
        std::find(kWhoseColumns.begin(), kWhoseColumns.end(), feed.key[i]) != kWhoseColumns.end();
    wants_own |= !whose;
    (whose ? has_whose : has_own) |= !cells[i].empty();
  }
  return wants_own ? has_own : has_whose;
}

// Does the fragment say of its resource more than which one it is?
bool SaysMore(const Element& fragment) {
  for (const Element* child = fragment.first_child(); child != nullptr; child = child->next()) {
    if (child->name() != "identifier") {
      return true;
    }
  }
  return false;
}

// People and organisations are of no state of the thing that the rows are of.
bool HasState(const Change& change) {
  constexpr std::array<std::string_view, 7> kOthers = {
      "Patient",      "Provenance",    "Practitioner", "PractitionerRole",
      "Organization", "RelatedPerson", "Location"};
  return !change.stub && SaysMore(change.fragment.root()) &&
         std::find(kOthers.begin(), kOthers.end(), change.fragment.type()) == kOthers.end();
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
    std::stable_sort(groups_.begin(), groups_.end(),
                     [](const Placed& a, const Placed& b) { return a.first_row < b.first_row; });
    for (Placed& placed : groups_) {
      result_.groups.push_back(std::move(placed.group));
    }
    return std::move(result_);
  }

 private:
  // A group, and the first row of its unit: later states of a thing stand behind earlier ones.
  struct Placed {
    uint32_t first_row;
    RowGroup group;
  };

  struct Ordered {
    const CsvRecord* record;
    std::string order;
  };

  void Take(const CsvRecord& record) {
    ++result_.rows_read;
    if (IsBlank(record)) {
      ++result_.blank;
      return;
    }
    if (IsTrailer(record, feed_)) {
      ++result_.trailers;
      Compare(record);
      return;
    }
    fhir::Resource rows = fhir::Resource::MakeOf(*model_.Find("Rows"));
    std::vector<Remark> once;  // made again when the unit is translated
    const Status status = model_.AppendRow(record, &rows.root(), &once);
    const std::vector<std::string> key = model_.TextsOf(record, feed_.key);
    const bool has_key = SaysWhatItIsOf(key, feed_);
    const auto [seen, is_first] = seen_.try_emplace(Joined(record.cells), &record);
    if (!is_first && !(status && has_key && feed_.duplicate == "supersede")) {
      Skip(&record, &seen->second, status && has_key);
    } else if (!status && !(has_key && feed_.duplicate == "combine")) {
      Refuse(record, status.error());
    } else if (!has_key) {
      Refuse(record, Keyless(record, once));
    } else {
      Gather(record, Joined(key), status);
    }
  }

  void Gather(const CsvRecord& record, std::string key, const Status& status) {
    const auto [known, is_new] = by_key_.try_emplace(std::move(key), units_.size());
    if (is_new) {
      units_.push_back({known->first, {}, {}});
    } else if (feed_.duplicate == "refuse") {
      Refuse(record, Error{Code::kConflict, "an earlier row has the same key", PlaceOf(record)});
      return;
    }
    Gathered& unit = units_[known->second];
    unit.records.push_back(&record);
    if (!status) {
      unit.faults.push_back(status.error());
    }
  }

  // Equal rows are one. Of rows that combine it stands where it was said last: what a row says may
  // take back what rows before it say.
  void Skip(const CsvRecord* record, const CsvRecord** earlier, bool is_gathered) {
    if (!is_gathered || feed_.duplicate != "combine") {
      Tell(*record, "the same as an earlier row: skipped");
      return;
    }
    std::vector<const CsvRecord*>& records =
        units_[by_key_.at(Joined(model_.TextsOf(*record, feed_.key)))].records;
    if (records.back() == *earlier) {
      Tell(*record, "the same as an earlier row: skipped");
      return;
    }
    Tell(**earlier, "the same as a later row: skipped");
    std::erase(records, *earlier);
    records.push_back(record);
    *earlier = record;
  }

  void Tell(const CsvRecord& record, const char* why) {
    ++result_.duplicates;
    result_.remarks.push_back({'I', "duplicate-row", PlaceOf(record), why});
  }

  static std::string PlaceOf(const CsvRecord& record) {
    return "row " + std::to_string(record.row);
  }

  // A sender's own count, against what came: a file may be cut off between two rows.
  void Compare(const CsvRecord& trailer) {
    const std::optional<uint32_t> count = CountIn(trailer);
    const uint32_t data = result_.rows_read - result_.blank - result_.trailers;
    if (count && *count != data) {
      result_.remarks.push_back({'W', "row-count", PlaceOf(trailer),
                                 "the trailer counts other rows than came before it"});
    }
  }

  // A row that does not say what it is of waits for a human; where all it says of a person is a
  // number that fails its check, it is wrong (decision 3).
  static Error Keyless(const CsvRecord& record, const std::vector<Remark>& remarks) {
    for (const Remark& remark : remarks) {
      if (remark.code == "bad-check-digit") {
        return {Code::kUnprocessable,
                "an NHS number that fails its check digit, and no other number says who it is",
                remark.where};
      }
    }
    return {Code::kUnprocessable, "no number says what the row is of: held for matching",
            PlaceOf(record), hl7_code::kUnknownKeyIdentifier};
  }

  // By it the rows of another file are known to be of the same thing.
  std::string KeyOf(const CsvRecord& record) const {
    const std::vector<std::string> cells = model_.TextsOf(record, feed_.key);
    return SaysWhatItIsOf(cells, feed_)
               ? crypto::Hex(crypto::Sha256(Joined(feed_.key) + Joined(cells)))
               : std::string();
  }

  void Refuse(const CsvRecord& record, const Error& error) {
    ++(error.hl7_code == hl7_code::kUnknownKeyIdentifier ? result_.held : result_.refused);
    groups_.push_back(
        {record.row, {{record.row}, Result<Translation>(error), false, KeyOf(record)}});
  }

  // The rows of a unit in the order in which they are true.
  std::vector<Ordered> InOrder(const Gathered& unit) const {
    std::vector<Ordered> ordered;
    for (const CsvRecord* record : unit.records) {
      fhir::Resource scratch = fhir::Resource::MakeOf(*model_.Find("Rows"));
      std::vector<Remark> once;
      if (model_.AppendRow(*record, &scratch.root(), &once)) {
        const Element& row = *scratch.root().first_child();
        ordered.push_back({record, feed_.supersede_by.empty()
                                       ? std::string()
                                       : std::string(row.TextAt(feed_.supersede_by))});
      }
    }
    std::stable_sort(ordered.begin(), ordered.end(), [](const Ordered& a, const Ordered& b) {
      return IsEarlierState(a.order, b.order);
    });
    return ordered;
  }

  // Rows that supersede each other are states of one thing, one after the other, and each is a
  // group: the store keeps a version of each. Rows that combine are one group.
  void Translate(const Gathered& unit) {
    const uint32_t first_row = unit.records.front()->row;
    if (!unit.faults.empty()) {
      RefuseAll(unit);
      return;
    }
    const std::vector<Ordered> ordered = InOrder(unit);
    if (feed_.duplicate == "combine") {
      Translate(unit, ordered, first_row);
      return;
    }
    const std::string* before = nullptr;
    std::vector<std::string> texts;
    texts.reserve(ordered.size());
    for (const Ordered& row : ordered) {
      texts.push_back(Joined(row.record->cells));
      if (before != nullptr && *before == texts.back()) {
        Tell(*row.record, "the same as the row before it: skipped");
      } else {
        Translate(unit, {&row, 1}, first_row);
        groups_.back().group.superseded = &row != &ordered.back();
      }
      before = &texts.back();
    }
  }

  // One row of them is wrong: without it the others may say what was never meant (a grant without
  // its refusal, a team without a member).
  void RefuseAll(const Gathered& unit) {
    RowGroup group{{}, unit.faults.front()};
    for (const CsvRecord* record : unit.records) {
      group.rows.push_back(record->row);
    }
    for (const Error& fault : std::span(unit.faults).subspan(1)) {
      result_.remarks.push_back({'W', "bad-row", fault.where, fault.detail});
    }
    group.key = KeyOf(*unit.records.front());
    std::sort(group.rows.begin(), group.rows.end());
    result_.refused += static_cast<uint32_t>(group.rows.size());
    groups_.push_back({unit.records.front()->row, std::move(group)});
  }

  void Translate(const Gathered& unit, std::span<const Ordered> ordered, uint32_t first_row) {
    RowGroup group{{}, Error{}};
    fhir::Resource rows = fhir::Resource::MakeOf(*model_.Find("Rows"));
    std::vector<Remark> remarks;
    for (const Ordered& row : ordered) {
      group.rows.push_back(row.record->row);
      // It was read before without a fault.
      [[maybe_unused]] const Status again = model_.AppendRow(*row.record, &rows.root(), &remarks);
    }
    group.key = KeyOf(*ordered.front().record);
    std::sort(group.rows.begin(), group.rows.end());
    group.translation = Run(unit, rows.root(), std::move(remarks));
    Status marked;
    if (group.translation && !feed_.supersede_by.empty()) {
      marked = MarkState(ordered.back(), &*group.translation);
    }
    if (!marked) {
      group.translation = marked.error();
    }
    groups_.push_back({first_row, std::move(group)});
  }

  // What the rows so far say in a column.
  struct Said {
    std::string_view first;
    bool is_several = false;
    // Takes what the next row says; does a row before it say something else?
    bool Differs(std::string_view text) {
      if (text.empty()) {
        return false;
      }
      first = first.empty() ? text : first;
      is_several = is_several || first != text;
      return is_several;
    }
  };

  // Rows that are one unit are of one person and one plan: whom numbers tell apart, and whom birth
  // date and name both do (as identity has it), are two.
  static Status OneSubject(const Element& rows) {
    std::array<Said, kWhoseColumns.size()> whose;
    Said birth_date;
    Said surname;
    Said whole_name;
    for (const Element* row = rows.first_child(); row != nullptr; row = row->next()) {
      for (size_t i = 0; i < kWhoseColumns.size(); ++i) {
        const std::string_view column = kWhoseColumns.at(i);
        if (whose.at(i).Differs(row->TextAt(column))) {
          const bool is_plan = column == "planRef";
          return Error{
              Code::kConflict,
              is_plan ? "rows of one key name two plans" : "rows of one key name two people",
              map::PlaceOf(*row) + ", column " + std::string(column)};
        }
      }
      const bool is_born_otherwise = birth_date.Differs(row->TextAt("birthDate"));
      const bool has_other_surname = surname.Differs(row->TextAt("surname"));
      const bool has_other_name = whole_name.Differs(row->TextAt("personName"));
      if (is_born_otherwise && (has_other_surname || has_other_name)) {
        return Error{Code::kConflict, "rows of one key name two people",
                     map::PlaceOf(*row) + ", column birthDate"};
      }
    }
    return {};
  }

  // What the store compares a later file's rows with: of which day this state is.
  Status MarkState(const Ordered& row, Translation* translation) const {
    std::vector<Change>& changes = translation->changes;
    // A Consent has the day of its decision, whoever sent it, and what stands beside it follows it.
    const bool by_consent = std::any_of(changes.begin(), changes.end(), [](const Change& change) {
      return change.fragment.type() == "Consent";
    });
    const std::string url = by_consent ? "" : std::string(kStateOf) + PercentEncoded(feed_.name);
    for (Change& change : changes) {
      if (!HasState(change)) {
        continue;
      }
      change.state = {url, model_.PlaceOf(*row.record, feed_.supersede_by)};
      if (by_consent || row.order.empty()) {
        continue;
      }
      GW_TRY(Element * extension, change.fragment.root().Add("extension"));
      GW_TRY([[maybe_unused]] const Element* named, extension->Add("url", url));
      GW_TRY([[maybe_unused]] const Element* value, extension->Add("valueString", row.order));
    }
    return {};
  }

  Result<Translation> Run(const Gathered& unit, const Element& rows, std::vector<Remark> remarks) {
    fhir::Resource typed = fhir::Resource::MakeOf(rows_type_);
    for (const Element* row = rows.first_child(); row != nullptr; row = row->next()) {
      GW_RETURN_IF_ERROR(CopyRow(*row, &typed.root()));
    }
    GW_RETURN_IF_ERROR(OneSubject(rows));
    const std::string url = std::string(kMapUrls) + feed_.map;
    GW_TRY(Translation translation,
           parts_.Run(url, typed.root(), feed_, now_, feed_.name + "|" + unit.key));
    translation.remarks.insert(translation.remarks.begin(), remarks.begin(), remarks.end());
    for (const Remark& remark : translation.remarks) {
      if (remark.severity == 'E' && remark.code == "unidentified") {
        return Error{Code::kUnprocessable, remark.text, map::PlaceOf(*rows.first_child()),
                     hl7_code::kUnknownKeyIdentifier};
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
  std::vector<Placed> groups_;
  std::vector<Gathered> units_;
  std::map<std::string, size_t> by_key_;
  std::map<std::string, const CsvRecord*> seen_;  // by its cells, where it stands
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

// The feed's columns, those that the map's resources stand on as strict as the map has them.
Feed WithEssentials(const Feed& feed, const Feed& model) {
  Feed strict = feed;
  for (Column& column : strict.columns) {
    for (const Column& known : model.columns) {
      column.refuse_bad |= known.refuse_bad && known.name == column.name;
    }
  }
  return strict;
}

}  // namespace

bool IsEarlierState(std::string_view a, std::string_view b) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return is_number(a) && is_number(b) && a.size() != b.size() ? a.size() < b.size() : a < b;
}

Status Translator::Check(const Feed& feed) const {
  const std::span<const FeedTable> asked = parts_->plan.feed_tables();
  for (const auto& [name, codes] : feed.tables) {
    const bool known = parts_->tables.contains(name) || name == kCompleted ||
                       std::any_of(asked.begin(), asked.end(),
                                   [&name](const FeedTable& table) { return table.name == name; });
    if (!known) {
      return Error{Code::kInvalid, "no map asks for a table of this name",
                   feed.name + ": tables." + name};
    }
  }
  if (feed.format == Feed::Format::kCsv) {
    GW_RETURN_IF_ERROR(ModelFor(*parts_, feed));
  } else if (feed.take_common_segments &&
             !parts_->plan.Has(std::string(kMessageMaps) + std::string(kCommon))) {
    return Error{Code::kInvalid, "there is no map for common segments",
                 feed.name + ": take_common_segments"};
  }
  return {};
}

Status Translator::CheckTables(const std::map<std::string, Feed, std::less<>>& feeds) const {
  for (const FeedTable& table : parts_->plan.feed_tables()) {
    const bool is_there =
        table.has_codes || std::any_of(feeds.begin(), feeds.end(), [&table](const auto& feed) {
          return feed.second.tables.contains(table.name);
        });
    if (!is_there) {
      return Error{Code::kInvalid,
                   "there is neither a feed nor a ConceptMap with the table '" + table.name + "'",
                   table.where};
    }
  }
  return {};
}

Result<CsvTranslation> Translator::FromCsv(std::string_view bytes, const Feed& feed,
                                           Instant now) const {
  if (!feed.tables.contains(std::string(kCompleted))) {
    return FromCsv(bytes, Complete(feed), now);
  }
  GW_TRY(const RowModel* rows, ModelFor(*parts_, feed));
  GW_TRY(const std::vector<CsvRecord> records, ReadCsv(bytes, feed, parts_->options.limits));
  GW_TRY(CsvModel model, CsvModel::Make(WithEssentials(feed, rows->feed), *parts_->definitions));
  FileReader reader(*parts_, feed, now, std::move(model), *rows->model.Find("Rows"));
  GW_TRY(CsvTranslation translation, reader.Read(records));
  if (LooksLikeUtf8(bytes, feed)) {
    translation.remarks.push_back(
        {'W', "encoding", "file", "the bytes look like UTF-8, and the feed says " + feed.encoding});
  }
  return translation;
}

}  // namespace gw::map
