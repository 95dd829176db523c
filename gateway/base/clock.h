#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace gw {

// A point in time, in microseconds since 1970-01-01T00:00:00Z.
struct Instant {
  int64_t unix_us = 0;
  auto operator<=>(const Instant&) const = default;  // NOLINT(modernize-use-nullptr)
};

// The only source of time. Tests pass a FixedClock; nothing else in the program asks the system.
// Now() may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const override;
};

// Stands still until it is told otherwise. Not for concurrent use while it is being set.
class FixedClock final : public Clock {
 public:
  explicit FixedClock(Instant now) : now_(now) {}
  Instant Now() const override { return now_; }
  void Set(Instant now) { now_ = now; }

 private:
  Instant now_;
};

// "2026-01-20T10:00:00.123Z": a FHIR instant, UTC, milliseconds.
std::string FormatInstant(Instant instant);

// A moment of known year, month ... in the proleptic Gregorian calendar, UTC; month and day count
// from 1.
struct CivilTime {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, microsecond = 0;
};
Instant FromCivil(const CivilTime& civil);
CivilTime ToCivil(Instant instant);
// Days in a month of a year; month 1 to 12.
int DaysInMonth(int year, int month);

}  // namespace gw
