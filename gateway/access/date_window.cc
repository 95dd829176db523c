#include <algorithm>
#include <charconv>

#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr int64_t kDayUs = 86'400 * kSecondUs;

// The `count` digits at `from`; checked as digits by IsLexicalForm before.
int Digits(std::string_view text, size_t from, size_t count) {
  int value = 0;
  std::from_chars(text.data() + from, text.data() + from + count, value);
  return value;
}

// What follows the time of day: 0 for Z, minutes east of UTC otherwise.
int OffsetMinutes(std::string_view zone) {
  if (zone.size() < 6) {
    return 0;
  }
  const int minutes = Digits(zone, 1, 2) * 60 + Digits(zone, 4, 2);
  return zone[0] == '-' ? -minutes : minutes;
}

Window WholeDays(CivilTime first, CivilTime next) {
  return Window{FromCivil(first).unix_us, FromCivil(next).unix_us};
}

Window WindowOfTime(std::string_view text, CivilTime civil) {
  civil.hour = Digits(text, 11, 2);
  civil.minute = Digits(text, 14, 2);
  civil.second = Digits(text, 17, 2);
  size_t at = 19;
  int64_t unit_us = kSecondUs;
  int64_t fraction_us = 0;
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      if (unit_us > 1) {
        unit_us /= 10;
        fraction_us += (text[at] - '0') * unit_us;
      }
    }
  }
  const int64_t offset_us = OffsetMinutes(text.substr(at)) * kMinuteUs;
  const int64_t low_us = FromCivil(civil).unix_us + fraction_us - offset_us;
  return Window{low_us, low_us + unit_us};
}

}  // namespace

std::optional<Window> WindowOf(std::string_view date_time) {
  if (!fhir::IsLexicalForm("dateTime", date_time)) {
    return std::nullopt;
  }
  CivilTime civil;
  civil.year = Digits(date_time, 0, 4);
  if (date_time.size() == 4) {
    CivilTime next = civil;
    ++next.year;
    return WholeDays(civil, next);
  }
  civil.month = Digits(date_time, 5, 2);
  if (date_time.size() == 7) {
    CivilTime next = civil;
    next.year += civil.month / 12;
    next.month = civil.month % 12 + 1;
    return WholeDays(civil, next);
  }
  civil.day = Digits(date_time, 8, 2);
  if (civil.day > DaysInMonth(civil.year, civil.month)) {
    return std::nullopt;
  }
  if (date_time.size() == 10) {
    const int64_t low_us = FromCivil(civil).unix_us;
    return Window{low_us, low_us + kDayUs};
  }
  return WindowOfTime(date_time, civil);
}

}  // namespace gw::access
