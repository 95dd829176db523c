#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/v2/zone.h"

namespace gw::map {

// A date as a feed writes it, by the first of its styles that fits: FHIR date text; nothing where
// none fits or the day does not exist. Styles are made of YYYY, YY (70 to 99 are of the last
// century, as POSIX has it), MM (one or two digits where sent so), DD, MON (Jan ... or January ...)
// and the marks between them: "DD/MM/YYYY", "DD-MON-YY". A style that ends in " HH:mm" or
// "THH:mm:ss" is of a date with a time. "EXCEL" is a spreadsheet's serial: days since 1899-12-30,
// from 10000 (1927-05-18: what has fewer digits is a year) to 2958465, a time as a fraction.
std::optional<std::string> CsvDate(std::string_view text, const std::vector<std::string>& styles);

// The same for a date with a time, which a dateTime column may have: with the zone's offset. A
// FHIR dateTime with its own offset passes.
std::optional<std::string> CsvDateTime(std::string_view text,
                                       const std::vector<std::string>& styles, const Zone& zone);

// How long something takes, or how often it comes: ISO 8601 with one part ("P3M", "P2W"). Taken
// are "3M", "3 months", "6 monthly", "every 2 weeks", "P1Y", "annual", "quarterly" and the like; a
// year is P12M. Nothing where it is none, or has a sign ("-3M").
std::optional<std::string> CsvInterval(std::string_view text);

// Does a style name a year, a month and a day, each once, with marks between them, and a time, if
// any, behind them; or is it EXCEL?
bool IsDateStyle(std::string_view style);

// A decimal number in FHIR's form; nothing where it is none.
std::optional<std::string> CsvDecimal(std::string_view text);

// How headers and code values are compared: no outer blanks, one blank for many, small letters.
std::string FoldedCell(std::string_view text);

// The text without outer blanks, non-breaking ones included.
std::string_view TrimCell(std::string_view text);

}  // namespace gw::map
