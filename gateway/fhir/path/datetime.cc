#include <algorithm>
#include <array>
#include <cstdlib>

#include "gateway/fhir/path/datetime_internal.h"

namespace gw::fhir::path {
namespace {

constexpr int64_t kMillisecondUs = 1'000;
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;
// The zones in use on Earth, for values that name none: +14:00 to -12:00.
constexpr int64_t kEastmostMinutes = 840;
constexpr int64_t kWestmostMinutes = -720;
constexpr int64_t kCountMax = 10'000LL * 366 * 24 * 60 * 60 * 1000;  // milliseconds of the calendar
// The digits of each precision, the last for milliseconds (FHIRPath, lowBoundary()).
constexpr std::array<int64_t, 7> kMomentDigits = {4, 6, 8, 10, 12, 14, 17};
constexpr std::array<int64_t, 4> kTimeDigits = {2, 4, 6, 9};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  bool Take(char c) {
    if (!done() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  bool Digits(size_t count, int* out) {
    if (text_.size() - at_ < count) {
      return false;
    }
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      const char c = text_[at_ + i];
      if (c < '0' || c > '9') {
        return false;
      }
      value = value * 10 + (c - '0');
    }
    at_ += count;
    *out = value;
    return true;
  }
  // The digits after the point; at least one.
  bool Fraction(int* microseconds, uint8_t* digits) {
    int value = 0;
    size_t count = 0;
    for (; !done() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++count) {
      if (count < 6) {
        value = value * 10 + (text_[at_] - '0');
      }
    }
    for (size_t i = count; i < 6; ++i) {
      value *= 10;
    }
    *microseconds = value;
    *digits = static_cast<uint8_t>(std::min<size_t>(count, 6));
    return count > 0;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

class TextWriter {
 public:
  void Put(char c) { buffer_[size_++] = c; }
  void Put(char before, int value, size_t width) {
    if (before != '\0') {
      Put(before);
    }
    for (size_t i = width; i-- > 0; value /= 10) {
      buffer_[size_ + i] = static_cast<char>('0' + value % 10);
    }
    size_ += width;
  }
  void Drop(size_t count) { size_ -= count; }
  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, 40> buffer_{};
  size_t size_ = 0;
};

bool ReadZone(Reader* reader, Moment* out) {
  if (reader->Take('Z')) {
    out->zoned = true;
    return true;
  }
  const bool minus = reader->Take('-');
  if (!minus && !reader->Take('+')) {
    return true;
  }
  int hours = 0;
  int minutes = 0;
  if (!reader->Digits(2, &hours) || !reader->Take(':') || !reader->Digits(2, &minutes) ||
      hours > 14 || minutes > 59) {
    return false;
  }
  out->zoned = true;
  out->offset_minutes = (minus ? -1 : 1) * (hours * 60 + minutes);
  return true;
}

bool ReadTime(Reader* reader, Moment* out) {
  CivilTime& civil = out->civil;
  if (!reader->Digits(2, &civil.hour) || civil.hour > 23) {
    return false;
  }
  out->precision = Precision::kHour;
  if (reader->Take(':')) {
    if (!reader->Digits(2, &civil.minute) || civil.minute > 59) {
      return false;
    }
    out->precision = Precision::kMinute;
    if (reader->Take(':')) {
      if (!reader->Digits(2, &civil.second) || civil.second > 60) {
        return false;
      }
      out->precision = Precision::kSecond;
      if (reader->Take('.') && !reader->Fraction(&civil.microsecond, &out->fraction_digits)) {
        return false;
      }
    }
  }
  return true;
}

bool ReadDate(Reader* reader, Moment* out) {
  CivilTime& civil = out->civil;
  civil = {.year = 1, .month = 1, .day = 1};
  if (!reader->Digits(4, &civil.year) || civil.year < 1) {
    return false;
  }
  if (reader->Take('-')) {
    if (!reader->Digits(2, &civil.month) || civil.month < 1 || civil.month > 12) {
      return false;
    }
    out->precision = Precision::kMonth;
    if (reader->Take('-')) {
      if (!reader->Digits(2, &civil.day) || civil.day < 1 ||
          civil.day > DaysInMonth(civil.year, civil.month)) {
        return false;
      }
      out->precision = Precision::kDay;
    }
  }
  return true;
}

int64_t LocalStart(const Moment& moment) { return FromCivil(moment.civil).unix_us; }

int64_t LocalEnd(const Moment& moment) {
  CivilTime next = moment.civil;
  switch (moment.precision) {
    case Precision::kYear:
      ++next.year;
      return FromCivil(next).unix_us;
    case Precision::kMonth:
      next.year += next.month == 12 ? 1 : 0;
      next.month = next.month == 12 ? 1 : next.month + 1;
      return FromCivil(next).unix_us;
    case Precision::kDay:
      return LocalStart(moment) + kDayUs;
    case Precision::kHour:
      return LocalStart(moment) + kHourUs;
    case Precision::kMinute:
      return LocalStart(moment) + kMinuteUs;
    case Precision::kSecond:
      return LocalStart(moment) + 1;
  }
  return LocalStart(moment);
}

// The span, widened by the zones that a value without one may be in.
Span Widened(const Moment& moment, bool other_is_zoned) {
  Span span = SpanOf(moment);
  if (!moment.zoned && other_is_zoned) {
    span.low_us -= kEastmostMinutes * kMinuteUs;
    span.high_us -= kWestmostMinutes * kMinuteUs;
  }
  return span;
}

std::optional<Moment> WithCivil(Moment moment, int64_t local_us) {
  moment.civil = ToCivil(Instant{local_us});
  if (moment.civil.year < 1 || moment.civil.year > 9999) {
    return std::nullopt;
  }
  return moment;
}

std::optional<Moment> PlusMonths(Moment moment, int64_t months) {
  const int64_t index = moment.civil.year * 12LL + (moment.civil.month - 1) + months;
  if (index < 12 || index >= 10'000LL * 12) {
    return std::nullopt;
  }
  moment.civil.year = static_cast<int>(index / 12);
  moment.civil.month = static_cast<int>(index % 12) + 1;
  // The last day of a shorter month stands for a day it lacks (FHIRPath 2.0, 6.6.7).
  moment.civil.day = std::min(moment.civil.day, DaysInMonth(moment.civil.year, moment.civil.month));
  return moment;
}

int64_t UnitUs(CalendarUnit unit) {
  switch (unit) {
    case CalendarUnit::kWeek:
      return 7 * kDayUs;
    case CalendarUnit::kDay:
      return kDayUs;
    case CalendarUnit::kHour:
      return kHourUs;
    case CalendarUnit::kMinute:
      return kMinuteUs;
    case CalendarUnit::kSecond:
      return kSecondUs;
    default:
      return kMillisecondUs;
  }
}

int64_t PrecisionUs(Precision precision) {
  switch (precision) {
    case Precision::kDay:
      return kDayUs;
    case Precision::kHour:
      return kHourUs;
    case Precision::kMinute:
      return kMinuteUs;
    default:
      return 1;
  }
}

}  // namespace

std::optional<Moment> ParseMoment(Value::Kind kind, std::string_view text) {
  Moment out;
  out.kind = kind;
  Reader reader(text);
  if (kind == Value::Kind::kTime) {
    return ReadTime(&reader, &out) && reader.done() ? std::optional<Moment>(out) : std::nullopt;
  }
  if (!ReadDate(&reader, &out)) {
    return std::nullopt;
  }
  if (kind == Value::Kind::kDateTime && reader.Take('T') && !reader.done() &&
      (out.precision != Precision::kDay || !ReadTime(&reader, &out) || !ReadZone(&reader, &out))) {
    return std::nullopt;
  }
  return reader.done() ? std::optional<Moment>(out) : std::nullopt;
}

std::string_view FormatMoment(const Moment& moment, Arena* arena) {
  TextWriter out;
  const CivilTime& c = moment.civil;
  const bool time = moment.kind == Value::Kind::kTime;
  if (!time) {
    out.Put('\0', c.year, 4);
    if (moment.precision >= Precision::kMonth) {
      out.Put('-', c.month, 2);
    }
    if (moment.precision >= Precision::kDay) {
      out.Put('-', c.day, 2);
    }
  }
  if (moment.precision >= Precision::kHour) {
    out.Put(time ? '\0' : 'T', c.hour, 2);
  }
  if (moment.precision >= Precision::kMinute) {
    out.Put(':', c.minute, 2);
  }
  if (moment.precision >= Precision::kSecond) {
    out.Put(':', c.second, 2);
    if (moment.fraction_digits > 0) {
      out.Put('.', c.microsecond, 6);
      out.Drop(6U - moment.fraction_digits);
    }
  }
  if (moment.zoned && moment.precision >= Precision::kHour) {
    if (moment.offset_minutes == 0) {
      out.Put('Z');
    } else {
      const int magnitude = std::abs(moment.offset_minutes);
      out.Put(moment.offset_minutes < 0 ? '-' : '+', magnitude / 60, 2);
      out.Put(':', magnitude % 60, 2);
    }
  }
  return arena->Copy(out.text());
}

Span SpanOf(const Moment& moment) {
  const int64_t shift = moment.offset_minutes * kMinuteUs;
  return {LocalStart(moment) - shift, LocalEnd(moment) - shift};
}

std::optional<int> Compare(const Moment& a, const Moment& b) {
  const Span x = Widened(a, b.zoned);
  const Span y = Widened(b, a.zoned);
  if (x.high_us <= y.low_us) {
    return -1;
  }
  if (x.low_us >= y.high_us) {
    return 1;
  }
  if (a.precision == b.precision && a.zoned == b.zoned && x.low_us == y.low_us) {
    return 0;
  }
  return std::nullopt;
}

std::optional<int> CompareDateTimes(std::string_view a, std::string_view b) {
  const std::optional<Moment> first = ParseMoment(Value::Kind::kDateTime, a);
  const std::optional<Moment> second = ParseMoment(Value::Kind::kDateTime, b);
  return first && second ? Compare(*first, *second) : std::nullopt;
}

std::optional<bool> Equal(const Moment& a, const Moment& b) {
  const std::optional<int> order = Compare(a, b);
  return order ? std::optional<bool>(*order == 0) : std::nullopt;
}

bool Equivalent(const Moment& a, const Moment& b) { return Equal(a, b).value_or(false); }

std::optional<Moment> Plus(const Moment& moment, int64_t count, CalendarUnit unit) {
  if (count > kCountMax || count < -kCountMax) {
    return std::nullopt;
  }
  if (unit == CalendarUnit::kYear) {
    return PlusMonths(moment, count * 12);
  }
  if (unit == CalendarUnit::kMonth) {
    return moment.precision == Precision::kYear ? PlusMonths(moment, count / 12 * 12)
                                                : PlusMonths(moment, count);
  }
  int64_t microseconds = 0;
  if (__builtin_mul_overflow(count, UnitUs(unit), &microseconds)) {
    return std::nullopt;
  }
  return PlusMicroseconds(moment, microseconds);
}

std::optional<Moment> PlusMicroseconds(const Moment& moment, int64_t microseconds) {
  if (moment.precision == Precision::kYear) {
    return PlusMonths(moment, microseconds / kDayUs / 365 * 12);
  }
  if (moment.precision == Precision::kMonth) {
    return PlusMonths(moment, microseconds / kDayUs / 30);
  }
  const int64_t step = PrecisionUs(moment.precision);
  const int64_t whole = microseconds / step * step;
  int64_t local = 0;
  if (__builtin_add_overflow(LocalStart(moment), whole, &local)) {
    return std::nullopt;
  }
  if (moment.kind == Value::Kind::kTime) {
    local = ((local % kDayUs) + kDayUs) % kDayUs;
  }
  std::optional<Moment> out = WithCivil(moment, local);
  if (out && out->precision == Precision::kSecond && out->fraction_digits < 3 &&
      out->civil.microsecond != 0) {
    out->fraction_digits = out->civil.microsecond % 1000 == 0 ? 3 : 6;
  }
  return out;
}

std::optional<Moment> Boundary(const Moment& moment, int64_t digits, bool high) {
  const bool time = moment.kind == Value::Kind::kTime;
  const size_t level =
      time ? static_cast<size_t>(std::find(kTimeDigits.begin(), kTimeDigits.end(), digits) -
                                 kTimeDigits.begin()) +
                 3
           : static_cast<size_t>(std::find(kMomentDigits.begin(), kMomentDigits.end(), digits) -
                                 kMomentDigits.begin());
  if (level >= kMomentDigits.size() || (moment.kind == Value::Kind::kDate && level > 2)) {
    return std::nullopt;
  }
  Moment out = moment;
  if (high) {
    // A second without a fraction reaches to its last millisecond.
    const bool whole_second = moment.precision == Precision::kSecond && moment.fraction_digits == 0;
    const int64_t end = LocalEnd(moment) + (whole_second ? kSecondUs - 1 : 0);
    const bool exact = moment.precision == Precision::kSecond && !whole_second;
    out.civil = ToCivil(Instant{exact ? LocalStart(moment) : end - kMillisecondUs});
  }
  out.precision = static_cast<Precision>(std::min<size_t>(level, 5));
  out.fraction_digits = level == 6 ? 3 : 0;
  if (!time && level >= 3 && !moment.zoned) {
    out.zoned = true;
    out.offset_minutes = static_cast<int32_t>(high ? kWestmostMinutes : kEastmostMinutes);
  }
  if (level < 3) {
    out.zoned = false;
    out.offset_minutes = 0;
  }
  return out;
}

int64_t DigitsOf(const Moment& moment) {
  const int64_t digits = kMomentDigits[static_cast<size_t>(moment.precision)];
  const int64_t fraction =
      moment.precision == Precision::kSecond ? moment.fraction_digits : int64_t{0};
  return digits + fraction - (moment.kind == Value::Kind::kTime ? 8 : 0);
}

}  // namespace gw::fhir::path
