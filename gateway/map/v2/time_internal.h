#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/base/clock.h"

namespace gw::map {

// An HL7 v2 date or time as far as it was sent.
struct V2Time {
  enum class Precision : uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };
  CivilTime civil;  // 24:00 is the next day's midnight already
  Precision precision = Precision::kYear;
  std::string_view fraction;  // digits after the point, as sent; views into the input
  bool has_zone = false;
  int zone_minutes = 0;  // east of UTC
};

enum class V2TimeFault : uint8_t {
  kNone,
  kNothing,  // zeros only: no date was meant
  kWrong,    // no value of its type
};

// Reads DT, DTM and TS: YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ]. A month or day of 00 and what
// follows it count as not sent ("19480000" is the year). No zone stands behind a year alone: what
// looks like one is a date of another form ("1938-04"), which is wrong. Spec: HL7 v2.8.2 2A.3.21,
// 2A.3.22.
V2TimeFault ReadV2DateTime(std::string_view text, V2Time* out);
// Reads TM: HH[MM[SS[.S...]]][+/-ZZZZ]; the civil date means nothing.
V2TimeFault ReadV2TimeOfDay(std::string_view text, V2Time* out);

// Room for any text below: 19 characters, 32 of a fraction, 6 of the zone.
using V2TimeText = std::array<char, 64>;

// FHIR date: at most the day.
std::string_view ToFhirDate(const V2Time& time, V2TimeText* room);
// FHIR dateTime: with a time only where minutes were sent (FHIR takes no hour alone), seconds 00
// where they were not, and the offset `zone_minutes`.
std::string_view ToFhirDateTime(const V2Time& time, int zone_minutes, V2TimeText* room);
// FHIR time: seconds 00 where they were not sent.
std::string_view ToFhirTime(const V2Time& time, V2TimeText* room);

}  // namespace gw::map
