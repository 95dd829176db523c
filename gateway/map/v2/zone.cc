#include "gateway/map/v2/zone.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "gateway/base/file.h"

namespace gw::map {
namespace {

constexpr int64_t kMicroseconds = 1'000'000;
constexpr int64_t kDay = 86'400;
constexpr size_t kHeaderBytes = 44;  // RFC 9636 section 3.1

Error Broken(const char* rule) { return Error{Code::kInvalid, rule, "zone"}; }

int64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  if (bytes.size() == 4) {
    return static_cast<int32_t>(static_cast<uint32_t>(value));
  }
  return static_cast<int64_t>(value);
}

struct Counts {
  size_t transitions, types, bytes;  // bytes: of the whole block after the header
};

// The counts in a TZif header; `time_size` is that of one transition time in its block.
std::optional<Counts> ReadCounts(std::string_view file, size_t time_size) {
  if (file.size() < kHeaderBytes || !file.starts_with("TZif")) {
    return std::nullopt;
  }
  const auto count = [&](size_t at) { return static_cast<size_t>(BigEndian(file.substr(at, 4))); };
  const size_t ut = count(20), standard = count(24), leaps = count(28), transitions = count(32),
               types = count(36), characters = count(40);
  if (std::max({ut, standard, leaps, transitions, types, characters}) > 100'000 || types == 0) {
    return std::nullopt;
  }
  const size_t bytes = transitions * (time_size + 1) + types * 6 + characters +
                       leaps * (time_size + 4) + standard + ut;
  return Counts{transitions, types, bytes};
}

int64_t SecondsOf(const CivilTime& civil) { return FromCivil(civil).unix_us / kMicroseconds; }

int Weekday(int64_t day) {  // of days since 1970-01-01, a Thursday; Sunday is 0
  return static_cast<int>(((day + 4) % 7 + 7) % 7);
}

}  // namespace

// Reads the POSIX TZ rule at the end of a TZif file: "GMT0BST,M3.5.0/1,M10.5.0".
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  // False where the rule has a form that is not read; the zone then keeps its last offset.
  bool Read(Zone* zone) {
    if (!SkipName() || !TakeTime(&zone->standard_offset_s_)) {
      return false;
    }
    zone->standard_offset_s_ = -zone->standard_offset_s_;  // POSIX counts west
    zone->summer_offset_s_ = zone->standard_offset_s_;
    if (text_.empty()) {
      return true;
    }
    if (!SkipName()) {
      return false;
    }
    zone->summer_offset_s_ = zone->standard_offset_s_ + 3600;
    if (!text_.starts_with(',')) {
      if (!TakeTime(&zone->summer_offset_s_)) {
        return false;
      }
      zone->summer_offset_s_ = -zone->summer_offset_s_;
    }
    zone->has_summer_ = TakeDay(&zone->summer_[0]) && TakeDay(&zone->summer_[1]);
    return zone->has_summer_ && text_.empty();
  }

 private:
  bool Take(char character) {
    if (!text_.starts_with(character)) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }

  bool TakeNumber(int* number) {
    const auto [end, fault] = std::from_chars(text_.data(), text_.data() + text_.size(), *number);
    if (fault != std::errc{} || *number < 0) {
      return false;
    }
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return true;
  }

  bool SkipName() {
    size_t end = text_.starts_with('<') ? text_.find('>') : text_.find_first_of("+-,0123456789");
    if (text_.starts_with('<')) {
      end = end == text_.npos ? 0 : end + 1;
    }
    text_.remove_prefix(std::min(end, text_.size()));
    return end != 0;
  }

  // [+-]h[:m[:s]]
  bool TakeTime(int32_t* seconds) {
    const bool negative = Take('-');
    if (!negative) {
      Take('+');
    }
    int hours = 0, minutes = 0, rest = 0;
    if (!TakeNumber(&hours) || (Take(':') && !TakeNumber(&minutes)) ||
        (Take(':') && !TakeNumber(&rest)) || hours > 167) {
      return false;
    }
    *seconds = (hours * 60 + minutes) * 60 + rest;
    *seconds = negative ? -*seconds : *seconds;
    return true;
  }

  bool TakeDay(Zone::YearlyDay* day) {
    const bool read = Take(',') && Take('M') && TakeNumber(&day->month) && Take('.') &&
                      TakeNumber(&day->week) && Take('.') && TakeNumber(&day->weekday) &&
                      (!Take('/') || TakeTime(&day->time_s));
    return read && day->month >= 1 && day->month <= 12 && day->week >= 1 && day->week <= 5 &&
           day->weekday <= 6;
  }

  std::string_view text_;
};

Result<Zone> Zone::FromTzif(std::string_view bytes) {
  const auto first = ReadCounts(bytes, 4);
  // Version 1 has 32-bit times only; every database of this century has the second block.
  if (!first || bytes[4] < '2' || bytes.size() < 2 * kHeaderBytes + first->bytes) {
    return Broken("not a TZif file of version 2 or later");
  }
  bytes.remove_prefix(kHeaderBytes + first->bytes);
  const auto counts = ReadCounts(bytes, 8);
  if (!counts || bytes.size() < kHeaderBytes + counts->bytes) {
    return Broken("a TZif file that is cut short");
  }
  const std::string_view times = bytes.substr(kHeaderBytes);
  const std::string_view indexes = times.substr(counts->transitions * 8);
  const std::string_view types = indexes.substr(counts->transitions);
  const auto offset_of = [&](size_t type) {
    return static_cast<int32_t>(BigEndian(types.substr(type * 6, 4)));
  };
  Zone zone;
  zone.first_offset_s_ = offset_of(0);
  for (size_t i = 0; i < counts->transitions; ++i) {
    const auto type = static_cast<uint8_t>(indexes[i]);
    if (type >= counts->types) {
      return Broken("a TZif file with an unknown type");
    }
    zone.changes_.push_back({BigEndian(times.substr(i * 8, 8)), offset_of(type)});
  }
  std::string_view footer = bytes.substr(kHeaderBytes + counts->bytes);
  if (footer.size() > 2 && footer.front() == '\n') {
    footer.remove_prefix(1);
    zone.has_rule_ = RuleReader(footer.substr(0, footer.find('\n'))).Read(&zone);
  }
  return zone;
}

Result<Zone> Zone::Load(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  });
  if (name.empty() || !plain || name.starts_with('/')) {
    return Broken("not an IANA zone name");
  }
  const auto bytes = ReadFile("/usr/share/zoneinfo/" + std::string(name), kPartBytesMax);
  if (!bytes) {
    return Broken("no such zone in the system's zone database");
  }
  return FromTzif(*bytes);
}

int32_t Zone::OffsetByRule(int64_t utc_s) const {
  if (!has_summer_) {
    return standard_offset_s_;
  }
  const int year = ToCivil(Instant{(utc_s + standard_offset_s_) * kMicroseconds}).year;
  const auto moment = [&](const YearlyDay& day, int32_t offset_before) {
    const int64_t month_start = SecondsOf({year, day.month, 1}) / kDay;
    const int to_weekday = (day.weekday - Weekday(month_start) + 7) % 7;
    int of_month = to_weekday + (day.week - 1) * 7;
    while (of_month >= DaysInMonth(year, day.month)) {
      of_month -= 7;
    }
    return (month_start + of_month) * kDay + day.time_s - offset_before;
  };
  const int64_t begin = moment(summer_[0], standard_offset_s_);
  const int64_t end = moment(summer_[1], summer_offset_s_);
  // South of the equator summer goes over the end of the year.
  const bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
  return summer ? summer_offset_s_ : standard_offset_s_;
}

int32_t Zone::OffsetAt(int64_t utc_s) const {
  if (has_rule_ && (changes_.empty() || utc_s >= changes_.back().from_s)) {
    return OffsetByRule(utc_s);
  }
  const auto after =
      std::upper_bound(changes_.begin(), changes_.end(), utc_s,
                       [](int64_t time, const Change& change) { return time < change.from_s; });
  return after == changes_.begin() ? first_offset_s_ : std::prev(after)->offset_s;
}

int Zone::OffsetMinutes(const CivilTime& local) const {
  const int64_t local_s = SecondsOf(local);
  const int32_t before = OffsetAt(local_s - kDay);
  const int32_t after = OffsetAt(local_s + kDay);
  const bool take_after =
      before != after && OffsetAt(local_s - before) != before && OffsetAt(local_s - after) == after;
  return (take_after ? after : before) / 60;
}

}  // namespace gw::map
