#include <algorithm>
#include <array>

#include "gateway/fhir/resource.h"
#include "gateway/map/csv_values_internal.h"
#include "gateway/map/v2_time_internal.h"

namespace gw::map {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

constexpr std::string_view kNoBreak = "\xC2\xA0";  // a no-break space
constexpr std::string_view kBlanks = " \t\r\n";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads one text by one style, part by part.
class StyleReader {
 public:
  StyleReader(std::string_view text, std::string_view style) : text_(text), style_(style) {}

  // False where the text does not have the style or is no moment of the calendar.
  bool Read(V2Time* time) {
    CivilTime& civil = time->civil;
    while (!style_.empty()) {
      const bool read = Part("YYYY", 4, 4, &civil.year) || Part("MM", 1, 2, &civil.month) ||
                        Part("DD", 1, 2, &civil.day) || Part("HH", 1, 2, &civil.hour) ||
                        Part("mm", 2, 2, &civil.minute) || Part("ss", 2, 2, &civil.second) ||
                        MonthName(&civil.month) || Mark();
      if (!read) {
        return false;
      }
    }
    time->precision = has_time_ ? V2Time::Precision::kSecond : V2Time::Precision::kDay;
    return text_.empty() && civil.year > 0 && civil.month >= 1 && civil.month <= 12 &&
           civil.day >= 1 && civil.day <= DaysInMonth(civil.year, civil.month) &&
           civil.hour <= 23 && civil.minute <= 59 && civil.second <= 59;
  }

 private:
  bool Part(std::string_view name, size_t fewest, size_t most, int* out) {
    if (!style_.starts_with(name)) {
      return false;
    }
    size_t digits = 0;
    int value = 0;
    while (digits < most && digits < text_.size() && IsDigit(text_[digits])) {
      value = value * 10 + (text_[digits++] - '0');
    }
    if (digits < fewest) {
      return false;
    }
    text_.remove_prefix(digits);
    style_.remove_prefix(name.size());
    has_time_ = has_time_ || name == "HH";
    *out = value;
    return true;
  }

  bool MonthName(int* month) {
    if (!style_.starts_with("MON")) {
      return false;
    }
    std::string word;
    while (word.size() < text_.size() && IsLetter(text_[word.size()])) {
      word.push_back(static_cast<char>(text_[word.size()] | 0x20));
    }
    for (size_t i = 0; i < kMonths.size() && word.size() >= 3; ++i) {
      const bool short_name = word == kMonths[i].substr(0, 3) || word == kMonths[i].substr(0, 4);
      if (short_name || word == kMonths[i]) {
        *month = static_cast<int>(i + 1);
        text_.remove_prefix(word.size());
        style_.remove_prefix(3);
        return true;
      }
    }
    return false;
  }

  bool Mark() {
    if (text_.empty() || IsDigit(text_[0]) || text_[0] != style_[0]) {
      return false;
    }
    text_.remove_prefix(1);
    style_.remove_prefix(1);
    return true;
  }

  std::string_view text_;
  std::string_view style_;
  bool has_time_ = false;
};

std::optional<V2Time> ReadByStyle(std::string_view text, const std::vector<std::string>& styles) {
  for (const std::string& style : styles) {
    V2Time time;
    if (StyleReader(text, style).Read(&time)) {
      return time;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> CsvDate(std::string_view text, const std::vector<std::string>& styles) {
  const auto time = ReadByStyle(text, styles);
  if (!time) {
    return std::nullopt;
  }
  V2TimeText room{};
  return std::string(ToFhirDate(*time, &room));
}

std::optional<std::string> CsvDateTime(std::string_view text,
                                       const std::vector<std::string>& styles, const Zone& zone) {
  V2TimeText room{};
  if (const auto time = ReadByStyle(text, styles)) {
    return std::string(ToFhirDateTime(*time, zone.OffsetMinutes(time->civil), &room));
  }
  const bool has_offset = text.find('T') != text.npos && fhir::IsLexicalForm("dateTime", text);
  return has_offset ? std::optional<std::string>(text) : std::nullopt;
}

std::optional<std::string> CsvDecimal(std::string_view text) {
  return fhir::IsLexicalForm("decimal", text) ? std::optional<std::string>(text) : std::nullopt;
}

std::string_view TrimCell(std::string_view text) {
  while (true) {
    if (!text.empty() && kBlanks.find(text.front()) != text.npos) {
      text.remove_prefix(1);
    } else if (text.starts_with(kNoBreak)) {
      text.remove_prefix(2);
    } else if (!text.empty() && kBlanks.find(text.back()) != text.npos) {
      text.remove_suffix(1);
    } else if (text.ends_with(kNoBreak)) {
      text.remove_suffix(2);
    } else {
      return text;
    }
  }
}

}  // namespace gw::map
