// What operators look at: kept messages as text, and whose they are.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "gateway/flow/operations.h"
#include "gateway/hl7v2/message.h"
#include "gateway/map/csv/model.h"

namespace gw::flow {
namespace {

// A record as it would be written, in UTF-8.
void AddRow(const map::CsvRecord& record, const map::Feed& feed, std::string* text) {
  for (size_t i = 0; i < record.cells.size(); ++i) {
    const std::string& cell = record.cells[i];
    text->append(i == 0 ? "" : feed.delimiter);
    const bool plain = feed.quote.empty() || cell.find_first_of("\r\n" + feed.delimiter +
                                                                feed.quote) == std::string::npos;
    if (plain) {
      text->append(cell);
      continue;
    }
    text->append(feed.quote);
    for (const char c : cell) {
      text->append(feed.quote.front() == c ? 2 : 1, c);
    }
    text->append(feed.quote);
  }
  text->append("\n");
}

// "<digest>:rows 3,4": is the row named there?
bool IsNamed(const store::MessageEntry& rows, uint32_t row) {
  std::string_view list = rows.control_id;
  list.remove_prefix(std::min(list.find(' '), list.size() - 1) + 1);
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == std::to_string(row)) {
      return true;
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

void AddPerson(const std::string& person, AccessRecord* record) {
  if (std::find(record->patients.begin(), record->patients.end(), person) ==
      record->patients.end()) {
    record->patients.push_back(person);
  }
}

// What stands before the separator, which goes with it.
std::string_view Take(char separator, std::string_view* text) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return part;
}

// The persons that texts speak of: those of their numbers that the gateway knows.
class Persons {
 public:
  Persons(const Parts& parts, AccessRecord* record) : parts_(parts), record_(record) {}

  // Every PID-3 and MRG-1.
  Status OfMessage(const std::string& bytes, const map::Feed* feed) {
    hl7v2::ParseOptions options;
    options.limits = parts_.limits;
    options.default_charset = feed == nullptr ? options.default_charset : feed->default_charset;
    const Result<hl7v2::Message> message = hl7v2::Message::Parse(bytes, options);
    if (!message) {
      return {};  // unreadable: whose it is cannot be told
    }
    for (const hl7v2::Segment& segment : message->segments()) {
      const uint32_t field = segment.name == "PID" ? 3 : segment.name == "MRG" ? 1 : 0;
      if (field == 0 || segment.fields.size() < field) {
        continue;
      }
      std::string_view numbers = segment.fields[field - 1];
      while (!numbers.empty()) {
        const std::string_view number = Take(message->delimiters().repetition, &numbers);
        GW_RETURN_IF_ERROR(OfIdentifier(number, message->delimiters(), feed));
      }
    }
    return {};
  }

  Status OfCell(const std::string& cell) { return OfNumber(cell, nullptr, "", ""); }

 private:
  // A CX: the first subcomponents of its number, authority and type.
  Status OfIdentifier(std::string_view cx, const hl7v2::Delimiters& delimiters,
                      const map::Feed* feed) {
    std::array<std::string, 5> components;
    for (size_t i = 0; i < components.size() && !cx.empty(); ++i) {
      std::string_view component = Take(delimiters.component, &cx);
      components[i] = hl7v2::Unescape(Take(delimiters.subcomponent, &component), delimiters);
    }
    return OfNumber(components[0], feed, components[3], components[4]);
  }

  Status OfNumber(const std::string& value, const map::Feed* feed, const std::string& authority,
                  const std::string& type) {
    if (value.empty() || !seen_.insert(authority + "|" + type + "|" + value).second) {
      return {};
    }
    if (feed != nullptr) {
      const fhir::Identifier identifier{map::IdentifierSystem(*feed, authority, type), value};
      GW_TRY(const std::vector<fhir::StoredResource> found,
             parts_.store.Find("Patient", {&identifier, 1}));
      for (const fhir::StoredResource& patient : found) {
        AddPerson(patient.key.id, record_);
      }
    }
    if (map::IsNhsNumber(value)) {
      std::string digits = value;
      digits.erase(
          std::remove_if(digits.begin(), digits.end(), [](char c) { return c < '0' || c > '9'; }),
          digits.end());
      GW_TRY(const std::vector<std::string> found,
             parts_.store.archive().PatientsNamed("", digits));
      for (const std::string& patient : found) {
        AddPerson(patient, record_);
      }
    }
    return {};
  }

  const Parts& parts_;
  AccessRecord* record_;
  std::set<std::string> seen_;
};

}  // namespace

void RecordOpened(const store::MessageEntry& message, store::Store& store, AccessRecord* record) {
  for (const std::string& name : message.resources) {
    const size_t slash = name.find('/');
    const std::string id = name.substr(slash + 1, name.find('/', slash + 1) - slash - 1);
    const auto resource = store.Current({name.substr(0, slash), id});
    for (const std::string& person : resource ? resource->persons : std::vector<std::string>()) {
      AddPerson(person, record);
    }
  }
}

Status RequireKeptFeed(std::string_view name, store::Archive* archive) {
  if (name.empty()) {
    return {};
  }
  GW_TRY(const std::vector<store::FeedState> states, archive->Feeds());
  const bool known = std::any_of(states.begin(), states.end(),
                                 [name](const auto& state) { return state.feed == name; });
  return known ? Status()
               : Status(Error{Code::kNotFound, "there is no feed of this name", "feed", 0});
}

Status Operations::RequireFeed(std::string_view name) {
  return parts_.mappings.Get()->feeds.contains(name)
             ? Status()
             : RequireKeptFeed(name, &parts_.store.archive());
}

Result<store::KeptMessage> Operations::FileOf(const store::MessageEntry& rows) {
  store::MessageQuery query;
  query.feed = rows.feed;
  query.control_id = rows.control_id.substr(0, rows.control_id.find(':'));
  query.count = 1;
  GW_TRY(const std::vector<store::MessageEntry> files, parts_.store.archive().List(query));
  if (files.empty()) {
    return Error{Code::kNotFound, "the rows' file is not there any more", "message", 0};
  }
  return parts_.store.archive().Open(files.front().number);
}

Result<store::KeptMessage> Operations::Open(uint64_t number, AccessRecord* record) {
  GW_TRY(store::KeptMessage message, parts_.store.archive().Open(number));
  RecordOpened(message.entry, parts_.store, record);
  const std::shared_ptr<const Mappings> mappings = parts_.mappings.Get();
  const auto found = mappings->feeds.find(message.entry.feed);
  const map::Feed* feed = found == mappings->feeds.end() ? nullptr : &found->second;
  Persons persons(parts_, record);
  const bool is_file = message.entry.type == store::kFileType;
  if (message.entry.type != "rows" && !is_file) {
    GW_RETURN_IF_ERROR(persons.OfMessage(message.bytes, feed));
    return message;
  }
  const Result<store::KeptMessage> file =
      is_file ? Result<store::KeptMessage>(message) : FileOf(message.entry);
  if (!file || feed == nullptr) {
    return message;
  }
  const auto records = map::ReadCsv(file->bytes, *feed, parts_.limits);
  for (const map::CsvRecord& row : records ? *records : std::vector<map::CsvRecord>()) {
    if (!is_file && row.row != 0 && !IsNamed(message.entry, row.row)) {
      continue;
    }
    if (!is_file) {
      AddRow(row, *feed, &message.bytes);
    }
    for (const std::string& cell : row.cells) {
      GW_RETURN_IF_ERROR(persons.OfCell(cell));
    }
  }
  return message;
}

}  // namespace gw::flow
