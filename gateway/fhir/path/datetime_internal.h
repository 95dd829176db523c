#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {

// How far a date or time is known. Seconds and their fraction are one precision (FHIRPath 2.0,
// 6.1.1).
enum class Precision : uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };

// A date, dateTime or time with its precision. A time has the day 1970-01-01.
struct Moment {
  Value::Kind kind = Value::Kind::kDateTime;  // kDate, kDateTime, kTime
  Precision precision = Precision::kYear;
  CivilTime civil;
  uint8_t fraction_digits = 0;  // as written; at most 6 are kept
  bool zoned = false;
  int32_t offset_minutes = 0;
};

// Reads "2015", "2015-02", "2015-02-04T14:34:28.123+10:00" (also with the T of a literal at the
// end, "2015T"), or for kTime "14:34". Absent where that is no such form or no day of the calendar.
std::optional<Moment> ParseMoment(Value::Kind kind, std::string_view text);
std::string_view FormatMoment(const Moment& moment, Arena* arena);

// The span of time that a moment may mean, [low, high) in microseconds since 1970, UTC. Without a
// zone it is taken as UTC.
struct Span {
  int64_t low_us = 0;
  int64_t high_us = 0;
};
Span SpanOf(const Moment& moment);

// Negative, zero or positive; absent where the precisions or a missing zone leave it open.
std::optional<int> Compare(const Moment& a, const Moment& b);
// For =: absent where it is open.
std::optional<bool> Equal(const Moment& a, const Moment& b);
// For ~: like =, but false where it is open.
bool Equivalent(const Moment& a, const Moment& b);

// `count` units later (or earlier): "year" ... "millisecond". A unit finer than the precision is
// turned into whole units of it first (FHIRPath 2.0, 6.6.7). Absent past the years 1 to 9999.
enum class CalendarUnit : uint8_t {
  kYear,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond
};
std::optional<Moment> Plus(const Moment& moment, int64_t count, CalendarUnit unit);
// The same, in microseconds, for seconds with a fraction.
std::optional<Moment> PlusMicroseconds(const Moment& moment, int64_t microseconds);

// lowBoundary() and highBoundary(): `digits` is 4, 6, 8, 10, 12, 14 or 17 (for a time 2, 4, 6, 9).
std::optional<Moment> Boundary(const Moment& moment, int64_t digits, bool high);
// precision(): the digits that are known.
int64_t DigitsOf(const Moment& moment);

}  // namespace gw::fhir::path
