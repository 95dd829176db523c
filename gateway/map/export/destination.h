#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/hl7v2/message.h"

namespace gw::map {

// One column of a CSV export.
struct ExportColumn {
  std::string name;                          // the element of the row model: "planRef"
  std::string header;                        // what stands in the file's first row
  std::map<std::string, std::string> codes;  // the map's code -> the receiver's word; others as is
};

// A code table read backwards: FHIR code -> the receiver's code. Where several of the receiver's
// codes mean one FHIR code, the first of the file stands.
using BackTable = std::map<std::string, std::string>;

// One receiver of messages or files, as configured. A value type.
struct Destination {
  enum class Format : uint8_t { kHl7v2, kCsv } format = Format::kHl7v2;
  std::string name;  // "fenwick-ward"
  // "<authority>:<type>" or "<authority>" -> system URI, as in a feed; read backwards here.
  std::vector<std::pair<std::string, std::string>> identifier_systems;
  std::map<std::string, BackTable> tables;  // as a feed's tables, read backwards

  // HL7 v2 only.
  std::string version = "2.5.1";  // MSH-12
  hl7v2::Charset charset = hl7v2::Charset::kUtf8;
  hl7v2::Delimiters separators;
  std::string sending_application = "CAREGATE";  // MSH-3.1
  std::string sending_facility;                  // MSH-4.1
  std::string receiving_application;             // MSH-5.1
  std::string receiving_facility;                // MSH-6.1
  std::string processing_id = "P";               // MSH-11.1
  std::string participation;  // ROL or PRT; empty: ROL up to 2.6, PRT from 2.7 on
  // What becomes of a character that the character set lacks: "refuse" the message, with the place,
  // or "escape" it (\X..\ with the bytes of its UTF-8).
  std::string unrepresentable = "refuse";
  std::vector<std::string> messages;  // message codes it takes: "PPP", "ADT"; empty: all

  // CSV only.
  std::string map;  // "fhir-to-csv/plans"
  std::string delimiter = ",";
  std::string quote = "\"";
  std::string quoting = "needed";  // needed, or all
  std::string line_end = "\r\n";
  bool byte_order_mark = false;
  std::string date_style = "YYYY-MM-DD";  // or DD/MM/YYYY
  std::vector<ExportColumn> columns;
};

// Reads a destination file: a JSON object whose keys are the members above by their names;
// "format" is "hl7v2" or "csv", "charset" (or for csv "encoding") a name of hl7v2/charset.h,
// "separators" the five or six characters of MSH-1 and MSH-2, "line_end" "CRLF" or "LF".
// Errors: kInvalid, where = file and the key ("ward.json: $.version"): unknown keys, a value of the
// wrong kind, a version or character set that is not offered, separators that are not distinct.
Result<Destination> ReadDestination(const std::string& path);

// "2.5.1" as 20501, to compare; 0 where the text is no version.
int VersionNumber(std::string_view version);

// How the participants of a team are sent: "ROL" or "PRT".
std::string ParticipationOf(const Destination& destination);

}  // namespace gw::map
