#include "gateway/base/clock.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gw {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

struct Known {
  CivilTime civil;
  int64_t unix_us;
  std::string text;
};

TEST(Clock, ConvertsKnownMomentsBothWays) {
  const std::vector<Known> cases = {
      {{1970, 1, 1, 0, 0, 0, 0}, 0, "1970-01-01T00:00:00.000Z"},
      {{1969, 12, 31, 23, 59, 59, 999'999}, -1, "1969-12-31T23:59:59.999Z"},
      {{2000, 2, 29, 12, 0, 0, 0}, 951'825'600 * kSecond, "2000-02-29T12:00:00.000Z"},
      {{1900, 3, 1, 0, 0, 0, 0}, -2'203'891'200 * kSecond, "1900-03-01T00:00:00.000Z"},
      {{2026, 1, 20, 10, 0, 0, 123'456},
       1'768'903'200 * kSecond + 123'456,
       "2026-01-20T10:00:00.123Z"},
      {{2038, 1, 19, 3, 14, 8, 0}, 2'147'483'648 * kSecond, "2038-01-19T03:14:08.000Z"},
      {{9999, 12, 31, 23, 59, 59, 0}, 253'402'300'799 * kSecond, "9999-12-31T23:59:59.000Z"},
      {{10000, 1, 1, 0, 0, 0, 0}, 253'402'300'800 * kSecond, "10000-01-01T00:00:00.000Z"},
      {{1, 1, 1, 0, 0, 0, 0}, -62'135'596'800 * kSecond, "0001-01-01T00:00:00.000Z"},
  };
  for (const Known& known : cases) {
    EXPECT_EQ(FromCivil(known.civil).unix_us, known.unix_us) << known.text;
    EXPECT_EQ(FormatInstant(Instant{known.unix_us}), known.text);
  }
}

TEST(Clock, WalksEveryDayOfFourCenturies) {
  CivilTime expected{1800, 1, 1};
  for (int64_t day = FromCivil(expected).unix_us; expected.year < 2200; day += kDay) {
    const CivilTime civil = ToCivil(Instant{day});
    ASSERT_EQ(civil.year, expected.year);
    ASSERT_EQ(civil.month, expected.month);
    ASSERT_EQ(civil.day, expected.day);
    ASSERT_EQ(FromCivil(expected).unix_us, day);
    if (++expected.day > DaysInMonth(expected.year, expected.month)) {
      expected.day = 1;
      expected.month = expected.month % 12 + 1;
      expected.year += expected.month == 1 ? 1 : 0;
    }
  }
}

TEST(Clock, KnowsLeapYears) {
  EXPECT_EQ(DaysInMonth(2024, 2), 29);
  EXPECT_EQ(DaysInMonth(2023, 2), 28);
  EXPECT_EQ(DaysInMonth(1900, 2), 28);
  EXPECT_EQ(DaysInMonth(2000, 2), 29);
  EXPECT_EQ(DaysInMonth(2026, 4), 30);
  EXPECT_EQ(DaysInMonth(2026, 12), 31);
}

TEST(Clock, StandsStillOrRuns) {
  FixedClock fixed(Instant{5});
  EXPECT_EQ(fixed.Now(), Instant{5});
  fixed.Set(Instant{7});
  EXPECT_EQ(fixed.Now(), Instant{7});
  const SystemClock system;
  EXPECT_GT(system.Now(), FromCivil({2024, 1, 1}));
}

}  // namespace
}  // namespace gw
