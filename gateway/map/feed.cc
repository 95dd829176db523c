#include "gateway/map/feed.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/base/json_members.h"
#include "gateway/base/percent.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/map/csv/values_internal.h"
#include "gateway/map/v2/zone.h"

namespace gw::map {
namespace {

constexpr std::array<std::string_view, 9> kColumnTypes = {
    "string", "date", "dateTime", "boolean", "code", "decimal", "nhsNumber", "list", "interval"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return lower;
}

void CheckStyles(const Json& json, const std::vector<std::string>& styles, JsonMembers* reader) {
  reader->Check(json.Find("date_styles") == nullptr || !styles.empty(),
                "the styles of dates are one or more", "date_styles");
  reader->Check(std::all_of(styles.begin(), styles.end(), IsDateStyle),
                "a style has a year, a month and a day: DD/MM/YYYY, DD-MON-YY, YYYY-MM-DD HH:mm",
                "date_styles");
}

Status ReadColumn(const Json& json, const std::string& place, Column* column) {
  JsonMembers reader(json, place);
  std::map<std::string, std::string> codes;
  reader.Text("name", &column->name)
      .Texts("headers", &column->headers)
      .Text("type", &column->type)
      .Bool("required", &column->required)
      .Bool("valued", &column->valued)
      .Bool("refuse_bad", &column->refuse_bad)
      .Text("not_before", &column->not_before)
      .Texts("date_styles", &column->date_styles)
      .Text("separator", &column->separator)
      .Pairs("codes", &codes);
  for (auto& [value, code] : codes) {
    column->codes[Lower(value)] = std::move(code);
  }
  const std::string& name = column->name;
  reader.Check(!name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
                   std::all_of(name.begin(), name.end(),
                               [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                        (c >= '0' && c <= '9');
                               }),
               "a column's name is an element's: camelCase", "name");
  reader.Check(!column->headers.empty() &&
                   std::none_of(column->headers.begin(), column->headers.end(),
                                [](const std::string& text) { return FoldedCell(text).empty(); }),
               "a column needs its headers, none of them empty", "headers");
  reader.Check(
      std::find(kColumnTypes.begin(), kColumnTypes.end(), column->type) != kColumnTypes.end(),
      "no such column type", "type");
  const bool coded = column->type == "code" || column->type == "boolean";
  reader.Check(coded || column->codes.empty(), "only code and boolean columns have codes", "codes");
  reader.Check(!coded || !column->codes.empty(), "a code or boolean column needs codes", "codes");
  reader.Check((column->type == "list") == !column->separator.empty(),
               "a list column has a separator, no other has", "separator");
  const bool dated = column->type == "date" || column->type == "dateTime";
  reader.Check(dated || column->not_before.empty(), "only a date is compared", "not_before");
  reader.Check(dated || column->date_styles.empty(), "only dates have styles", "date_styles");
  CheckStyles(json, column->date_styles, &reader);
  for (const auto& [value, code] : column->codes) {
    reader.Check(column->type != "boolean" || code == "true" || code == "false",
                 "a boolean column's codes are true and false", "codes");
  }
  return reader.Finish();
}

const Column* FindColumn(const Feed& feed, const std::string& name) {
  const auto found = std::find_if(feed.columns.begin(), feed.columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  return found == feed.columns.end() ? nullptr : &*found;
}

bool HasColumn(const Feed& feed, const std::string& name) {
  return FindColumn(feed, name) != nullptr;
}

bool HasDate(const Feed& feed, const std::string& name) {
  const Column* column = FindColumn(feed, name);
  return column != nullptr && (column->type == "date" || column->type == "dateTime");
}

void CheckCsv(const Feed& feed, JsonMembers* reader) {
  reader->Check(!feed.map.empty(), "a CSV feed names its map", "map");
  reader->Check(!feed.columns.empty(), "a CSV feed needs its columns", "columns");
  reader->Check(feed.delimiter.size() == 1 && feed.delimiter != "\n" && feed.delimiter != "\r",
                "the delimiter is one character", "delimiter");
  reader->Check(feed.quote.size() <= 1 && feed.quote != feed.delimiter,
                "the quote is one character, another than the delimiter", "quote");
  reader->Check(hl7v2::CharsetNamed(feed.encoding).has_value(), "no such encoding is offered",
                "encoding");
  reader->Check(
      feed.duplicate == "supersede" || feed.duplicate == "combine" || feed.duplicate == "refuse",
      "a duplicate is to supersede, to combine or to be refused", "duplicate");
  reader->Check(feed.empty_cell == "keep" || feed.empty_cell == "clear",
                "an empty cell is to keep or clear", "empty_cell");
  reader->Check(feed.supersede_by.empty() || HasDate(feed, feed.supersede_by),
                "not the name of a column of dates", "supersede_by");
  reader->Check(!feed.organization.empty(), "a CSV feed says whose numbers its rows have",
                "organization");
  reader->Check(!feed.file_pattern.empty(), "a pattern of names is needed here", "file_pattern");
  for (const Column& column : feed.columns) {
    reader->Check(column.type != "date" || !column.date_styles.empty() || !feed.date_styles.empty(),
                  "a column of dates needs the styles of the feed, or its own", "date_styles");
  }
  for (const Column& column : feed.columns) {
    reader->Check(column.not_before.empty() || HasDate(feed, column.not_before),
                  "not_before is not the name of a column of dates", "columns");
  }
  reader->Check(!feed.key.empty(), "a CSV feed needs the columns of its key", "key");
  for (const std::string& name : feed.key) {
    reader->Check(HasColumn(feed, name), "not the name of a column", "key");
  }
}

// Does a header of the column mean one of the feed's already?
bool SharesHeader(const Feed& feed, const Column& column) {
  std::set<std::string> known;
  for (const Column& one : feed.columns) {
    for (const std::string& header : one.headers) {
      known.insert(FoldedCell(header));
    }
  }
  return std::any_of(
      column.headers.begin(), column.headers.end(),
      [&known](const std::string& text) { return known.contains(FoldedCell(text)); });
}

Status ReadColumns(const Json& list, const std::string& place, Feed* feed) {
  for (size_t i = 0; i < list.items().size(); ++i) {
    Column column;
    const std::string where = place + ".columns[" + std::to_string(i) + "]";
    GW_RETURN_IF_ERROR(ReadColumn(list.items()[i], where, &column));
    if (HasColumn(*feed, column.name)) {
      return Error{Code::kInvalid, "a second column of that name", where + ".name"};
    }
    if (SharesHeader(*feed, column)) {
      return Error{Code::kInvalid, "a header that means another column too", where + ".headers"};
    }
    feed->columns.push_back(std::move(column));
  }
  return {};
}

Status ReadTables(const Json& tables, const std::string& place, Feed* feed) {
  JsonMembers reader(tables, place);
  for (const auto& [name, table] : tables.members()) {
    reader.Pairs(name, &feed->tables[name]);
  }
  return reader.Finish();
}

// The members that only a CSV feed has.
Status ReadCsvMembers(const Json& json, const std::string& place, JsonMembers* reader, Feed* feed) {
  feed->format = Feed::Format::kCsv;
  reader->Text("map", &feed->map)
      .Text("delimiter", &feed->delimiter)
      .Text("quote", &feed->quote)
      .Text("encoding", &feed->encoding)
      .Texts("date_styles", &feed->date_styles)
      .Texts("key", &feed->key)
      .Text("duplicate", &feed->duplicate)
      .Text("supersede_by", &feed->supersede_by)
      .Text("empty_cell", &feed->empty_cell)
      .Text("trailer_prefix", &feed->trailer_prefix)
      .Text("file_pattern", &feed->file_pattern);
  if (const Json* columns = reader->Array("columns")) {
    GW_RETURN_IF_ERROR(ReadColumns(*columns, place, feed));
  }
  reader->Check(json.Find("empty_cell") != nullptr, "each CSV feed says what an empty cell does",
                "empty_cell");
  CheckStyles(json, feed->date_styles, reader);
  CheckCsv(*feed, reader);
  return {};
}

// RFC 3986: a scheme, a colon, and more, without what a URI cannot have.
bool IsUri(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view scheme = text.substr(0, colon);
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !scheme.empty() && is_letter(scheme[0]) && text.size() > colon + 1 &&
         std::all_of(scheme.begin(), scheme.end(),
                     [is_letter](char c) {
                       return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
                              c == '.';
                     }) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7F &&
                  std::string_view("\"<>\\^`{|}").find(c) == std::string::npos;
         });
}

Result<Feed> FeedOf(const Json& json, const std::string& place) {
  Feed feed;
  JsonMembers reader(json, place);
  std::string format;
  reader.Text("format", &format)
      .Text("name", &feed.name)
      .Text("organization", &feed.organization)
      .Text("zone", &feed.zone)
      .Text("default_charset", &feed.default_charset)
      .Bool("upsert", &feed.upsert)
      .Bool("coded_consent_complete", &feed.coded_consent_complete)
      .Bool("reject_reused_control_id", &feed.reject_reused_control_id)
      .Bool("accept_test_messages", &feed.accept_test_messages)
      .Bool("take_common_segments", &feed.take_common_segments)
      .Text("roles", &feed.roles)
      .Text("county", &feed.county)
      .Text("unknown_merge", &feed.unknown_merge)
      .Pairs("identifier_systems", &feed.identifier_systems)
      .Text("policy_uri", &feed.policy_uri);
  if (const Json* tables = reader.Object("tables")) {
    GW_RETURN_IF_ERROR(ReadTables(*tables, place + ".tables", &feed));
  }
  reader.Check(format == "hl7v2" || format == "csv", "the format is hl7v2 or csv", "format");
  reader.Check(!feed.name.empty(), "a feed needs a name", "name");
  reader.Check(json.Find("organization") != nullptr,
               "a feed says the code of its organization, empty where it has none", "organization");
  reader.Check(hl7v2::CharsetNamed(feed.default_charset).has_value(),
               "no such character set is offered", "default_charset");
  reader.Check(feed.roles == "delta" || feed.roles == "snapshot", "roles are a delta or a snapshot",
               "roles");
  reader.Check(feed.county == "district" || feed.county == "state",
               "a county is a district or a state", "county");
  reader.Check(feed.unknown_merge == "create" || feed.unknown_merge == "refuse",
               "an unknown record that is merged is to create or to refuse", "unknown_merge");
  for (const auto& [authority, system] : feed.identifier_systems) {
    reader.Check(IsUri(system), "the system of an identifier is an absolute URI",
                 "identifier_systems");
  }
  reader.Check(Zone::Load(feed.zone).ok(), "no such zone in the system's zone database", "zone");
  if (format == "csv") {
    GW_RETURN_IF_ERROR(ReadCsvMembers(json, place, &reader, &feed));
  }
  GW_RETURN_IF_ERROR(reader.Finish());
  return feed;
}

// RFC 3986: what a URI cannot have as it stands ("IA PHIMS Stage") is written %20.
std::string UriText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte > ' ' && byte < 0x7F && std::string_view("\"<>\\^`{|}%").find(c) == text.npos) {
      out += c;
    } else {
      AppendPercent(c, &out);
    }
  }
  return out;
}

}  // namespace

Result<Feed> ReadFeed(const std::string& path) {
  const auto text = ReadFile(path, kPartBytesMax);
  if (!text) {
    return Error{Code::kInvalid, "the feed file cannot be read", path};
  }
  const auto json = Json::Parse(*text, Limits{});
  if (!json) {
    return Error{Code::kInvalid, json.error().detail, path + ": " + json.error().where};
  }
  return FeedOf(*json, path + ": $");
}

std::string IdentifierSystem(const Feed& feed, std::string_view authority, std::string_view type) {
  if (authority.empty()) {
    authority = feed.organization.empty() ? feed.name : feed.organization;
  }
  const std::string pair = std::string(authority) + ":" + std::string(type);
  for (const std::string& key : {pair, std::string(authority)}) {
    const auto found = feed.identifier_systems.find(key);
    if (found != feed.identifier_systems.end()) {
      return found->second;
    }
  }
  return "urn:caregate:id:" + UriText(pair);
}

bool IsNhsNumber(std::string_view text) {
  int count = 0;
  int sum = 0;
  int last = 0;
  int first = -1;
  bool all_alike = true;
  for (const char c : text) {
    if (c == ' ' || c == '-') {
      continue;
    }
    if (c < '0' || c > '9' || count == 10) {
      return false;
    }
    last = c - '0';
    first = first < 0 ? last : first;
    all_alike = all_alike && last == first;
    sum += ++count < 10 ? last * (11 - count) : 0;  // weights 10 to 2
  }
  const int check = 11 - sum % 11;  // 11 counts as 0, and 10 is never given out
  return count == 10 && !all_alike && check != 10 && last == check % 11;
}

}  // namespace gw::map
