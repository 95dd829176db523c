#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"

namespace gw::map {

// What a CSV feed file says of one column.
struct Column {
  std::string name;  // the element of the row model: "planRef"
  std::vector<std::string>
      headers;  // header texts that mean it, compared without case and outer blanks
  // string, date, dateTime, boolean, code, decimal, nhsNumber, list, interval ("3M", "annual",
  // "every 6 weeks": as P3M, P12M, P6W)
  std::string type = "string";
  bool required = false;  // the header must be there
  bool valued = false;    // each row must have a value
  // list: what separates the items; marks of a list before an item ("1. ", "- ") are dropped.
  std::string separator;
  std::map<std::string, std::string>
      codes;  // code, boolean: the feed's value (lower case) -> the code
  // A value that is none of the type's refuses the row; else it is left out, with a warning. So in
  // a valued column, and in one that the map says its resource stands on (rows.json: essential).
  bool refuse_bad = false;
  // date, dateTime: the column (a date too) that it may not lie before; a row that says so
  // contradicts itself and is refused.
  std::string not_before = {};
  std::vector<std::string> date_styles = {};  // date, dateTime: instead of the feed's
};

// One source of messages or rows, as configured: its zone, its authorities, its code tables. A
// value type.
struct Feed {
  enum class Format : uint8_t { kHl7v2, kCsv } format = Format::kHl7v2;
  std::string name;          // "northshire-social-care"
  std::string organization;  // ODS code of who sends it
  std::string zone =
      "Europe/London";  // where a time stands without offset: IANA name, daylight saving applied
  std::string default_charset = "UNICODE UTF-8";
  bool upsert = false;  // UP, CO on an unknown key creates
  bool coded_consent_complete =
      false;  // decision 1: the coded rows of a limited consent say all of it
  bool reject_reused_control_id = false;
  bool accept_test_messages = false;  // MSH-11 other than P
  // A message type without a map: what its PID, PD1, NK1, ROL and PV1 say is taken (decision 10).
  bool take_common_segments = false;
  std::string roles = "delta";           // a person's ROL and PRT: delta, or snapshot (decision 5)
  std::string county = "district";       // where XAD.4 goes: district, or state (decision 11)
  std::string unknown_merge = "create";  // MRG-1 that nobody has: create, or refuse (AE 204)
  std::map<std::string, std::string>
      identifier_systems;  // "<authority>:<type>" or "<authority>" -> system URI
  // Named code tables of the feed, used by maps through translate(): name -> code -> code.
  std::map<std::string, std::map<std::string, std::string>> tables;
  std::string policy_uri =
      "urn:caregate:policy:sharing";  // Consent.policy.uri of consents it sends

  // CSV only.
  std::string map;  // the map's url or file: "csv-to-fhir/care-plan"
  std::string delimiter = ",";
  std::string quote = "\"";
  std::string encoding = "UTF-8";
  std::vector<std::string>
      date_styles;  // "DD/MM/YYYY", "DD-MON-YY", "EXCEL": csv/values_internal.h
  std::vector<Column> columns;
  std::vector<std::string> key;  // columns that make rows one unit, in row order
  // What a second row of a key means: supersede (a later state of the thing), combine (the rows
  // say one thing, and stand or fall together) or refuse. Equal rows are one; states, side by side.
  std::string duplicate = "supersede";
  std::string supersede_by;         // column (date) that says which row is later; empty: file order
  std::string empty_cell = "keep";  // keep or clear
  std::string trailer_prefix;       // a record whose first cell begins so is no data
  std::string file_pattern = "*.csv";  // names in the watched folder that belong to it
};

// Reads a feed file: a JSON object whose keys are the members of Feed and Column by their names,
// "format" being "hl7v2" or "csv". A CSV feed must say its map, columns, key and empty_cell.
// Errors: kInvalid, where = file and the key ("feed.json: $.columns[2].type"): unknown keys, a
// value of the wrong kind or form, a zone or set that is not there, a header of two columns.
Result<Feed> ReadFeed(const std::string& path);

// The system URI of an identifier: the feed's, or urn:caregate:id:<authority>:<type> (decision 9).
// Where a message names no authority at all, the feed's organisation (else its name) is it; what a
// URI cannot hold is percent-encoded.
std::string IdentifierSystem(const Feed& feed, std::string_view authority, std::string_view type);

// Does a 10-digit NHS number pass its modulo 11 check? Blanks and dashes between digits are
// allowed. Ten equal digits pass the arithmetic, but they are what forms are filled with, not a
// person's: false.
bool IsNhsNumber(std::string_view text);

}  // namespace gw::map
