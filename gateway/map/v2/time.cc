#include <algorithm>

#include "gateway/map/v2/time_internal.h"

namespace gw::map {
namespace {

using Precision = V2Time::Precision;

constexpr size_t kLongestFraction = 32;
constexpr size_t kWholeTime = 14;  // YYYYMMDDHHMMSS
constexpr size_t kWithHour = 10;
constexpr size_t kWithMonth = 6;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool AreDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

int Number(std::string_view digits) {
  int number = 0;
  for (const char digit : digits) {
    number = number * 10 + (digit - '0');
  }
  return number;
}

// "1938-04" is no year with a zone, but a date of another form: behind a date alone a zone has the
// four digits of the standard, and a month before it.
bool IsOfOtherForm(std::string_view text) {
  const size_t sign = text.find_first_of("+-");
  return sign < kWithHour && (sign < kWithMonth || text.size() - sign != sizeof("+0100") - 1);
}

// Takes "+0100", "-05:30" or "Z" off the end of *text. False where it is broken.
bool TakeZone(std::string_view* text, V2Time* out) {
  const size_t sign = text->find_first_of("+-Z");
  if (sign == text->npos) {
    return true;
  }
  std::string_view zone = text->substr(sign + 1);
  const char mark = (*text)[sign];
  *text = text->substr(0, sign);
  out->has_zone = true;
  if (mark == 'Z') {
    return zone.empty();
  }
  const std::string_view hours = zone.substr(0, 2);
  zone.remove_prefix(hours.size());
  if (zone.starts_with(':')) {
    zone.remove_prefix(1);
  }
  if (hours.size() != 2 || (zone.size() != 2 && !zone.empty()) || !AreDigits(hours) ||
      !AreDigits(zone)) {
    return false;
  }
  const int minutes = Number(hours) * 60 + Number(zone);
  out->zone_minutes = mark == '-' ? -minutes : minutes;
  return minutes <= 14 * 60 && Number(zone) < 60;
}

// Takes ".1234" off the end of *text. False where it is broken.
bool TakeFraction(std::string_view* text, V2Time* out) {
  const size_t point = text->find('.');
  if (point == text->npos) {
    return true;
  }
  out->fraction = text->substr(point + 1);
  *text = text->substr(0, point);
  return AreDigits(out->fraction) && out->fraction.size() <= kLongestFraction;
}

// Reads HH[MM[SS]] with hour 24 as the end of the day.
bool ReadClock(std::string_view text, V2Time* out) {
  CivilTime& civil = out->civil;
  civil.hour = Number(text.substr(0, 2));
  civil.minute = text.size() >= 4 ? Number(text.substr(2, 2)) : 0;
  civil.second = text.size() >= 6 ? Number(text.substr(4, 2)) : 0;
  out->precision = text.size() >= 6   ? Precision::kSecond
                   : text.size() >= 4 ? Precision::kMinute
                                      : Precision::kHour;
  const bool end_of_day = civil.hour == 24 && civil.minute == 0 && civil.second == 0;
  return (civil.hour <= 23 || end_of_day) && civil.minute <= 59 && civil.second <= 59;
}

void GoToNextDay(CivilTime* civil) {
  civil->hour = 0;
  if (++civil->day > DaysInMonth(civil->year, civil->month)) {
    civil->day = 1;
    if (++civil->month > 12) {
      civil->month = 1;
      ++civil->year;
    }
  }
}

// Writes texts of a fixed form; snprintf costs more than all the rest of a date.
class Digits {
 public:
  explicit Digits(V2TimeText* room) : room_(room) {}
  Digits& Number(int value, size_t width) {
    for (size_t i = width; i > 0; --i) {
      (*room_)[size_ + i - 1] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    size_ += width;
    return *this;
  }
  Digits& Mark(char mark) {
    (*room_)[size_++] = mark;
    return *this;
  }
  Digits& Clock(const V2Time& time) {
    Number(time.civil.hour, 2)
        .Mark(':')
        .Number(time.civil.minute, 2)
        .Mark(':')
        .Number(time.civil.second, 2);
    if (!time.fraction.empty()) {
      Mark('.');
      std::copy(time.fraction.begin(), time.fraction.end(), room_->begin() + size_);
      size_ += time.fraction.size();
    }
    return *this;
  }
  std::string_view text() const { return {room_->data(), size_}; }

 private:
  V2TimeText* room_;
  size_t size_ = 0;
};

}  // namespace

V2TimeFault ReadV2DateTime(std::string_view text, V2Time* out) {
  *out = V2Time{};
  if (IsOfOtherForm(text) || !TakeZone(&text, out) || !TakeFraction(&text, out)) {
    return V2TimeFault::kWrong;
  }
  if (text.size() > kWholeTime && text.size() <= kWholeTime + 4 && out->fraction.empty()) {
    out->fraction = text.substr(kWholeTime);  // some senders leave the point out
    text = text.substr(0, kWholeTime);
  }
  if (!AreDigits(text) || !AreDigits(out->fraction) || text.size() < 4 ||
      text.size() > kWholeTime || text.size() % 2 != 0 ||
      (!out->fraction.empty() && text.size() != kWholeTime)) {
    return V2TimeFault::kWrong;
  }
  if (text.find_first_not_of('0') == text.npos) {
    return V2TimeFault::kNothing;
  }
  CivilTime& civil = out->civil;
  civil.year = Number(text.substr(0, 4));
  const int month = text.size() >= 6 ? Number(text.substr(4, 2)) : 0;
  const int day = text.size() >= 8 ? Number(text.substr(6, 2)) : 0;
  if (civil.year == 0 || month > 12 || (month == 0 && day != 0)) {
    return V2TimeFault::kWrong;
  }
  if (month == 0 || day == 0) {
    civil.month = std::max(month, 1);
    out->precision = month == 0 ? Precision::kYear : Precision::kMonth;
    return V2TimeFault::kNone;
  }
  civil.month = month;
  civil.day = day;
  out->precision = Precision::kDay;
  if (day > DaysInMonth(civil.year, month) ||
      (text.size() > 8 && !ReadClock(text.substr(8), out))) {
    return V2TimeFault::kWrong;
  }
  if (civil.hour == 24) {
    GoToNextDay(&civil);
  }
  return V2TimeFault::kNone;
}

V2TimeFault ReadV2TimeOfDay(std::string_view text, V2Time* out) {
  *out = V2Time{};
  const bool read = TakeZone(&text, out) && TakeFraction(&text, out) && AreDigits(text) &&
                    (text.size() == 2 || text.size() == 4 || text.size() == 6) &&
                    (out->fraction.empty() || text.size() == 6) && ReadClock(text, out);
  // FHIR's time knows no 24:00.
  return read && out->civil.hour != 24 ? V2TimeFault::kNone : V2TimeFault::kWrong;
}

std::string_view ToFhirDate(const V2Time& time, V2TimeText* room) {
  Digits digits(room);
  digits.Number(time.civil.year, 4);
  if (time.precision >= Precision::kMonth) {
    digits.Mark('-').Number(time.civil.month, 2);
  }
  if (time.precision >= Precision::kDay) {
    digits.Mark('-').Number(time.civil.day, 2);
  }
  return digits.text();
}

std::string_view ToFhirDateTime(const V2Time& time, int zone_minutes, V2TimeText* room) {
  if (time.precision < Precision::kMinute) {
    return ToFhirDate(time, room);
  }
  const int distance = zone_minutes < 0 ? -zone_minutes : zone_minutes;
  return Digits(room)
      .Number(time.civil.year, 4)
      .Mark('-')
      .Number(time.civil.month, 2)
      .Mark('-')
      .Number(time.civil.day, 2)
      .Mark('T')
      .Clock(time)
      .Mark(zone_minutes < 0 ? '-' : '+')
      .Number(distance / 60, 2)
      .Mark(':')
      .Number(distance % 60, 2)
      .text();
}

std::string_view ToFhirTime(const V2Time& time, V2TimeText* room) {
  return Digits(room).Clock(time).text();
}

}  // namespace gw::map
