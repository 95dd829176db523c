#include "gateway/map/export/destination.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "gateway/base/file.h"
#include "gateway/base/json_members.h"
#include "gateway/hl7v2/charset_writer.h"

namespace gw::map {
namespace {

constexpr std::array<std::string_view, 13> kVersions = {"2.3",   "2.3.1", "2.4",   "2.5", "2.5.1",
                                                        "2.6",   "2.7",   "2.7.1", "2.8", "2.8.1",
                                                        "2.8.2", "2.9",   "2.9.1"};
constexpr int kFirstWithPrt = 20700;

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

Status ReadTables(const Json& tables, const std::string& place, Destination* destination) {
  JsonMembers members(tables, place);
  for (const auto& [name, table] : tables.members()) {
    std::vector<std::pair<std::string, std::string>> rows;
    members.Pairs(name, &rows);
    BackTable& back = destination->tables[name];
    for (const auto& [code, meaning] : rows) {
      back.emplace(meaning, code);
    }
  }
  return members.Finish();
}

// MSH-1 and MSH-2 as one text: field, component, repetition, escape, subcomponent, perhaps
// truncation; all different, none a letter, digit, blank or quote.
bool ReadSeparators(std::string_view text, hl7v2::Delimiters* marks) {
  const bool fits =
      (text.size() == 5 || text.size() == 6) &&
      std::set<char>(text.begin(), text.end()).size() == text.size() &&
      std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '"' && c != '.' && c != '-' && c != '+' &&
               !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
      });
  if (fits) {
    *marks = {.field = text[0],
              .component = text[1],
              .repetition = text[2],
              .escape = text[3],
              .subcomponent = text[4],
              .truncation = text.size() == 6 ? text[5] : '\0'};
  }
  return fits;
}

void ReadV2Members(JsonMembers* members, Destination* to) {
  std::string charset = "UNICODE UTF-8";
  std::string separators = "|^~\\&";
  members->Text("version", &to->version)
      .Text("charset", &charset)
      .Text("separators", &separators)
      .Text("sending_application", &to->sending_application)
      .Text("sending_facility", &to->sending_facility)
      .Text("receiving_application", &to->receiving_application)
      .Text("receiving_facility", &to->receiving_facility)
      .Text("processing_id", &to->processing_id)
      .Text("participation", &to->participation)
      .Text("unrepresentable", &to->unrepresentable)
      .Texts("messages", &to->messages);
  members->Check(std::find(kVersions.begin(), kVersions.end(), to->version) != kVersions.end(),
                 "no such version is offered", "version");
  const auto known = hl7v2::CharsetNamed(charset);
  members->Check(known.has_value() && !hl7v2::Table0211Name(*known).empty(),
                 "no such character set of table 0211 is offered", "charset");
  to->charset = known.value_or(hl7v2::Charset::kUtf8);
  members->Check(ReadSeparators(separators, &to->separators),
                 "five or six different marks are needed: MSH-1 and MSH-2", "separators");
  members->Check(!to->sending_application.empty(), "a sender is needed", "sending_application");
  members->Check(IsOneOf(to->participation, {"", "ROL", "PRT"}), "ROL or PRT", "participation");
  members->Check(IsOneOf(to->processing_id, {"P", "T", "D"}), "P, T or D", "processing_id");
  members->Check(IsOneOf(to->unrepresentable, {"refuse", "escape"}), "refuse or escape",
                 "unrepresentable");
}

Status ReadColumns(const Json& list, const std::string& place, Destination* to) {
  for (size_t i = 0; i < list.items().size(); ++i) {
    JsonMembers members(list.items()[i], place + "[" + std::to_string(i) + "]");
    ExportColumn column;
    std::vector<std::pair<std::string, std::string>> codes;
    members.Text("name", &column.name).Text("header", &column.header).Pairs("codes", &codes);
    members.Check(!column.name.empty(), "a column needs the name of its element", "name");
    members.Check(!column.header.empty(), "a column needs its header", "header");
    column.codes.insert(codes.begin(), codes.end());
    GW_RETURN_IF_ERROR(members.Finish());
    to->columns.push_back(std::move(column));
  }
  return {};
}

Status ReadCsvMembers(JsonMembers* members, Destination* to) {
  to->format = Destination::Format::kCsv;
  std::string encoding = "UTF-8";
  std::string line_end = "CRLF";
  members->Text("map", &to->map)
      .Text("delimiter", &to->delimiter)
      .Text("quote", &to->quote)
      .Text("quoting", &to->quoting)
      .Text("encoding", &encoding)
      .Text("line_end", &line_end)
      .Bool("byte_order_mark", &to->byte_order_mark)
      .Text("date_style", &to->date_style);
  if (const Json* columns = members->Array("columns")) {
    GW_RETURN_IF_ERROR(ReadColumns(*columns, members->PlaceOf("columns"), to));
  }
  const auto known = hl7v2::CharsetNamed(encoding);
  members->Check(known.has_value(), "no such encoding is offered", "encoding");
  to->charset = known.value_or(hl7v2::Charset::kUtf8);
  to->line_end = line_end == "LF" ? "\n" : "\r\n";
  members->Check(IsOneOf(line_end, {"CRLF", "LF"}), "CRLF or LF", "line_end");
  members->Check(IsOneOf(to->quoting, {"needed", "all"}), "needed or all", "quoting");
  members->Check(IsOneOf(to->date_style, {"YYYY-MM-DD", "DD/MM/YYYY"}), "YYYY-MM-DD or DD/MM/YYYY",
                 "date_style");
  members->Check(!to->map.empty(), "a CSV destination names its map", "map");
  members->Check(!to->columns.empty(), "a CSV destination needs its columns", "columns");
  members->Check(to->delimiter.size() == 1 && to->delimiter[0] != '\n' && to->delimiter[0] != '\r',
                 "the delimiter is one character", "delimiter");
  members->Check(to->quote.size() == 1 && to->quote != to->delimiter,
                 "the quote is one character, another than the delimiter", "quote");
  return {};
}

Result<Destination> DestinationOf(const Json& json, const std::string& place) {
  Destination to;
  JsonMembers members(json, place);
  std::string format;
  members.Text("format", &format).Text("name", &to.name);
  members.Pairs("identifier_systems", &to.identifier_systems);
  members.Check(!to.name.empty(), "a destination needs a name", "name");
  members.Check(format == "hl7v2" || format == "csv", "the format is hl7v2 or csv", "format");
  if (const Json* tables = members.Object("tables")) {
    GW_RETURN_IF_ERROR(ReadTables(*tables, place + ".tables", &to));
  }
  if (format == "csv") {
    GW_RETURN_IF_ERROR(ReadCsvMembers(&members, &to));
  } else {
    ReadV2Members(&members, &to);
  }
  GW_RETURN_IF_ERROR(members.Finish());
  return to;
}

}  // namespace

Result<Destination> ReadDestination(const std::string& path) {
  const auto text = ReadFile(path, kPartBytesMax);
  if (!text) {
    return Error{Code::kInvalid, "the destination file cannot be read", path};
  }
  const auto json = Json::Parse(*text, Limits{});
  if (!json) {
    return Error{Code::kInvalid, json.error().detail, path + ": " + json.error().where};
  }
  return DestinationOf(*json, path + ": $");
}

int VersionNumber(std::string_view version) {
  int major = 0;
  int minor = 0;
  int patch = 0;
  const std::string text(version);
  const int parts = std::sscanf(text.c_str(), "%2d.%2d.%2d", &major, &minor, &patch);
  return parts < 2 ? 0 : major * 10000 + minor * 100 + patch;
}

std::string ParticipationOf(const Destination& destination) {
  if (!destination.participation.empty()) {
    return destination.participation;
  }
  return VersionNumber(destination.version) >= kFirstWithPrt ? "PRT" : "ROL";
}

}  // namespace gw::map
