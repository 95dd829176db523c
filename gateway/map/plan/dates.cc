#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/map/plan/run_internal.h"

namespace gw::map {
namespace {

constexpr std::array<std::string_view, 7> kUnits = {"year", "month",  "week",  "day",
                                                    "hour", "minute", "second"};
constexpr int64_t kSecondUs = 1'000'000;
constexpr std::array<int64_t, 7> kUnitUs = {0,
                                            0,
                                            int64_t{7} * 86'400 * kSecondUs,
                                            86'400 * kSecondUs,
                                            3'600 * kSecondUs,
                                            60 * kSecondUs,
                                            kSecondUs};
// Characters of YYYY-MM-DDThh:mm:ss up to the finest part that a unit changes.
constexpr std::array<size_t, 7> kPrecision = {4, 7, 10, 10, 19, 19, 19};
constexpr int64_t kAmountMax = 10'000'000;  // keeps every product within 64 bits

int NumberAt(std::string_view text, size_t at, size_t length, int otherwise) {
  int value = otherwise;
  if (at + length <= text.size()) {
    std::from_chars(text.data() + at, text.data() + at + length, value);
  }
  return value;
}

}  // namespace

std::string AddToDate(std::string_view text, std::string_view amount, std::string_view unit) {
  unit = unit.ends_with('s') ? unit.substr(0, unit.size() - 1) : unit;
  const auto* known = std::find(kUnits.begin(), kUnits.end(), unit);
  amount.remove_prefix(amount.starts_with('+') ? 1 : 0);
  int64_t count = 0;
  const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), count);
  const bool is_number = error == std::errc() && end == amount.data() + amount.size() &&
                         count <= kAmountMax && count >= -kAmountMax;
  const size_t index = static_cast<size_t>(known - kUnits.begin());
  const bool is_date = fhir::IsLexicalForm(fhir::Primitive::kDateTime, text);
  if (known == kUnits.end() || !is_number || !is_date || text.size() < kPrecision[index]) {
    return {};
  }
  CivilTime civil{.year = NumberAt(text, 0, 4, 1),
                  .month = NumberAt(text, 5, 2, 1),
                  .day = NumberAt(text, 8, 2, 1),
                  .hour = NumberAt(text, 11, 2, 0),
                  .minute = NumberAt(text, 14, 2, 0),
                  .second = NumberAt(text, 17, 2, 0),
                  .microsecond = 0};
  if (index < 2) {
    const int64_t months =
        civil.year * int64_t{12} + (civil.month - 1) + count * (index == 0 ? 12 : 1);
    if (months < 12 || months >= int64_t{10'000} * 12) {
      return {};
    }
    civil.year = static_cast<int>(months / 12);
    civil.month = static_cast<int>(months % 12) + 1;
    civil.day = std::min(civil.day, DaysInMonth(civil.year, civil.month));
  } else {
    civil = ToCivil({FromCivil(civil).unix_us + count * kUnitUs[index]});
    if (civil.year < 1 || civil.year > 9'999) {
      return {};
    }
  }
  std::array<char, 64> whole{};
  std::snprintf(whole.data(), whole.size(), "%04d-%02d-%02dT%02d:%02d:%02d", civil.year,
                civil.month, civil.day, civil.hour, civil.minute, civil.second);
  const size_t kept = std::min<size_t>(text.size(), 19);
  return std::string(whole.data(), kept) + std::string(text.substr(kept));
}

}  // namespace gw::map
