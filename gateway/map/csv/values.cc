#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "gateway/fhir/resource.h"
#include "gateway/map/csv/values_internal.h"
#include "gateway/map/v2/time_internal.h"

namespace gw::map {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

constexpr std::string_view kNoBreak = "\xC2\xA0";  // a no-break space
constexpr std::string_view kBlanks = " \t\r\n";

constexpr std::string_view kExcel = "EXCEL";
// 1906-01-08: less is a year that somebody typed, not a day of a living person's record.
constexpr double kExcelFirst = 2'200;
constexpr double kExcelLast = 2958465;
constexpr int64_t kExcelEpochDays = -25569;  // 1899-12-30, in days from 1970-01-01
constexpr int64_t kDaySeconds = 86'400;
constexpr int kCenturyPivot = 70;
constexpr int kIntervalMax = 999;
// Hyphen-minus, plus, en dash, minus sign.
constexpr std::array<std::string_view, 4> kSigns = {"-", "+", "\xE2\x80\x93", "\xE2\x88\x92"};

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
      const bool read = Part("YYYY", 4, 4, &civil.year) || ShortYear(&civil.year) ||
                        Part("MM", 1, 2, &civil.month) || Part("DD", 1, 2, &civil.day) ||
                        Part("HH", 1, 2, &civil.hour) || Part("mm", 2, 2, &civil.minute) ||
                        Part("ss", 2, 2, &civil.second) || MonthName(&civil.month) || Mark();
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

  bool ShortYear(int* year) {
    if (!Part("YY", 2, 2, year)) {
      return false;
    }
    *year += *year < kCenturyPivot ? 2000 : 1900;
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

// A day of a spreadsheet, with a time where there is a fraction.
bool ReadSerial(std::string_view text, V2Time* time) {
  double serial = 0;
  const auto [end, fault] =
      std::from_chars(text.data(), text.data() + text.size(), serial, std::chars_format::fixed);
  if (fault != std::errc{} || end != text.data() + text.size() || !(serial >= kExcelFirst) ||
      serial >= kExcelLast + 1) {
    return false;
  }
  const double whole = std::floor(serial);
  const bool has_time = text.find('.') != text.npos;
  const int64_t seconds =
      has_time ? std::llround((serial - whole) * static_cast<double>(kDaySeconds)) : 0;
  const int64_t days = static_cast<int64_t>(whole) + kExcelEpochDays;
  time->civil = ToCivil({(days * kDaySeconds + seconds) * 1'000'000});
  time->precision = has_time ? V2Time::Precision::kSecond : V2Time::Precision::kDay;
  return true;
}

std::optional<V2Time> ReadByStyle(std::string_view text, const std::vector<std::string>& styles) {
  for (const std::string& style : styles) {
    V2Time time;
    if (style == kExcel ? ReadSerial(text, &time) : StyleReader(text, style).Read(&time)) {
      return time;
    }
  }
  return std::nullopt;
}

// Small letters, digits, and one blank for whatever stands between them.
std::string Words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool part = IsDigit(c) || IsLetter(c);
    if (part) {
      const bool joins =
          words.empty() || words.back() == ' ' || IsDigit(words.back()) == IsDigit(c);
      words += joins ? "" : " ";
      words += IsDigit(c) ? c : static_cast<char>(c | 0x20);
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  return std::string(TrimCell(words));
}

struct IntervalWord {
  std::string_view word;
  int amount;
  char unit;
};
constexpr std::array kIntervalWords = {
    IntervalWord{"annual", 12, 'M'},     IntervalWord{"annually", 12, 'M'},
    IntervalWord{"yearly", 12, 'M'},     IntervalWord{"every year", 12, 'M'},
    IntervalWord{"half yearly", 6, 'M'}, IntervalWord{"biannual", 6, 'M'},
    IntervalWord{"quarterly", 3, 'M'},   IntervalWord{"every quarter", 3, 'M'},
    IntervalWord{"monthly", 1, 'M'},     IntervalWord{"every month", 1, 'M'},
    IntervalWord{"fortnightly", 2, 'W'}, IntervalWord{"every fortnight", 2, 'W'},
    IntervalWord{"weekly", 1, 'W'},      IntervalWord{"every week", 1, 'W'},
    IntervalWord{"daily", 1, 'D'},       IntervalWord{"every day", 1, 'D'},
};
constexpr std::array kIntervalUnits = {
    IntervalWord{"m", 1, 'M'},       IntervalWord{"mo", 1, 'M'},
    IntervalWord{"month", 1, 'M'},   IntervalWord{"months", 1, 'M'},
    IntervalWord{"monthly", 1, 'M'}, IntervalWord{"mth", 1, 'M'},
    IntervalWord{"mths", 1, 'M'},    IntervalWord{"y", 12, 'M'},
    IntervalWord{"yr", 12, 'M'},     IntervalWord{"yrs", 12, 'M'},
    IntervalWord{"year", 12, 'M'},   IntervalWord{"years", 12, 'M'},
    IntervalWord{"yearly", 12, 'M'}, IntervalWord{"w", 1, 'W'},
    IntervalWord{"wk", 1, 'W'},      IntervalWord{"wks", 1, 'W'},
    IntervalWord{"week", 1, 'W'},    IntervalWord{"weeks", 1, 'W'},
    IntervalWord{"weekly", 1, 'W'},  IntervalWord{"d", 1, 'D'},
    IntervalWord{"day", 1, 'D'},     IntervalWord{"days", 1, 'D'},
    IntervalWord{"daily", 1, 'D'},
};

template <size_t N>
const IntervalWord* FindWord(const std::array<IntervalWord, N>& words, std::string_view word) {
  const auto* const found = std::find_if(
      words.begin(), words.end(), [word](const IntervalWord& known) { return known.word == word; });
  return found == words.end() ? nullptr : found;
}

// A minus, hyphen, dash or plus right before the first digit makes a number of what is no length of
// time.
bool HasSign(std::string_view text) {
  const std::string_view before =
      text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
  if (before.size() == text.size()) {
    return false;
  }
  return std::any_of(kSigns.begin(), kSigns.end(),
                     [before](std::string_view sign) { return before.ends_with(sign); });
}

std::string IntervalText(int amount, char unit) { return "P" + std::to_string(amount) + unit; }

}  // namespace

std::optional<std::string> CsvInterval(std::string_view text) {
  if (HasSign(text)) {
    return std::nullopt;
  }
  const std::string words = Words(text);
  if (const IntervalWord* known = FindWord(kIntervalWords, words)) {
    return IntervalText(known->amount, known->unit);
  }
  std::string_view rest = words;
  for (const std::string_view before : {"every ", "each ", "p ", "q "}) {
    rest.remove_prefix(rest.starts_with(before) ? before.size() : 0);
  }
  int amount = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), amount);
  const std::string_view unit = TrimCell(rest.substr(static_cast<size_t>(end - rest.data())));
  const IntervalWord* known = FindWord(kIntervalUnits, unit);
  if (fault != std::errc{} || known == nullptr || amount < 1 || amount > kIntervalMax) {
    return std::nullopt;
  }
  return IntervalText(amount * known->amount, known->unit);
}

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

bool IsDateStyle(std::string_view style) {
  constexpr std::array<std::string_view, 8> kParts = {"YYYY", "YY", "MM", "MON",
                                                      "DD",   "HH", "mm", "ss"};
  if (style == kExcel) {
    return true;
  }
  std::string order;  // the first letters of what is named: y, n (month), d, h, m, s
  while (!style.empty()) {
    const auto* const part =
        std::find_if(kParts.begin(), kParts.end(),
                     [style](std::string_view one) { return style.starts_with(one); });
    if (part != kParts.end()) {
      order += std::string_view("yynndhms")[static_cast<size_t>(part - kParts.begin())];
    } else if (IsDigit(style[0]) || (IsLetter(style[0]) && style[0] != 'T')) {
      return false;
    }
    style.remove_prefix(part == kParts.end() ? 1 : part->size());
  }
  const std::string time = order.substr(std::min(order.find('h'), order.size()));
  std::string date = order.substr(0, order.size() - time.size());
  std::sort(date.begin(), date.end());
  return date == "dny" && (time.empty() || time == "hm" || time == "hms");
}

std::string FoldedCell(std::string_view text) {
  std::string folded;
  for (const char c : TrimCell(text)) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (blank && folded.ends_with(' ')) {
      continue;
    }
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    folded.push_back(blank ? ' ' : lower);
  }
  return folded;
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
