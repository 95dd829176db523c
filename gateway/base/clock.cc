#include "gateway/base/clock.h"

#include <array>
#include <chrono>
#include <string_view>

namespace gw {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// The last `width` digits of a number that is not negative, from `to` on.
void PutDigits(int number, int width, char* to) {
  for (int at = width - 1; at >= 0; --at, number /= 10) {
    to[at] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace

Instant SystemClock::Now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Instant{std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

std::string FormatInstant(Instant instant) {
  const CivilTime civil = ToCivil(instant);
  std::string text = "0000";
  if (civil.year > 9999) {
    text = std::to_string(civil.year);
  } else {
    PutDigits(civil.year, 4, text.data());
  }
  constexpr std::string_view kRest = "-00-00T00:00:00.000Z";
  text += kRest;
  char* rest = text.data() + (text.size() - kRest.size());
  PutDigits(civil.month, 2, rest + 1);
  PutDigits(civil.day, 2, rest + 4);
  PutDigits(civil.hour, 2, rest + 7);
  PutDigits(civil.minute, 2, rest + 10);
  PutDigits(civil.second, 2, rest + 13);
  PutDigits(civil.microsecond / 1000, 3, rest + 16);
  return text;
}

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays.at(static_cast<size_t>(month - 1));
}

// Days from civil and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Years
// are counted from March, so that the leap day is the last day of a year.
Instant FromCivil(const CivilTime& civil) {
  const int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year =
      (153 * (civil.month + (civil.month > 2 ? -3 : 9)) + 2) / 5 + civil.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  const int64_t days = era * 146'097 + day_of_era - 719'468;
  const int64_t seconds = civil.hour * 3600 + civil.minute * 60 + civil.second;
  return Instant{days * kMicrosPerDay + seconds * kMicrosPerSecond + civil.microsecond};
}

CivilTime ToCivil(Instant instant) {
  int64_t days = instant.unix_us / kMicrosPerDay;
  int64_t rest = instant.unix_us % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilTime civil;
  civil.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  civil.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  civil.year = static_cast<int>(year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0));
  const int64_t seconds = rest / kMicrosPerSecond;
  civil.microsecond = static_cast<int>(rest % kMicrosPerSecond);
  civil.hour = static_cast<int>(seconds / 3600);
  civil.minute = static_cast<int>(seconds / 60 % 60);
  civil.second = static_cast<int>(seconds % 60);
  return civil;
}

}  // namespace gw
