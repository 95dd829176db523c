#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/map/v2/time_internal.h"
#include "gateway/map/v2/zone.h"

namespace gw::map {
namespace {

std::string DateTime(const std::string& text, int zone_minutes = 0) {
  V2Time time;
  switch (ReadV2DateTime(text, &time)) {
    case V2TimeFault::kWrong:
      return "wrong";
    case V2TimeFault::kNothing:
      return "nothing";
    case V2TimeFault::kNone:
      break;
  }
  V2TimeText room{};
  return std::string(ToFhirDateTime(time, time.has_zone ? time.zone_minutes : zone_minutes, &room));
}

TEST(V2TimeTest, KeepsPrecisionAndZone) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1948", "1948"},
      {"194803", "1948-03"},
      {"19480314", "1948-03-14"},
      {"19480000", "1948"},
      {"19480300", "1948-03"},
      {"194800001200", "1948"},
      {"2026012010", "2026-01-20"},
      {"202601201030", "2026-01-20T10:30:00+01:00"},
      {"20260120103059", "2026-01-20T10:30:59+01:00"},
      {"20260120103059.1234", "2026-01-20T10:30:59.1234+01:00"},
      {"2026012010305912", "2026-01-20T10:30:59.12+01:00"},
      {"20260120103059+0000", "2026-01-20T10:30:59+00:00"},
      {"20260120103059-0530", "2026-01-20T10:30:59-05:30"},
      {"20260120103059.5+05:45", "2026-01-20T10:30:59.5+05:45"},
      {"20260120103059Z", "2026-01-20T10:30:59+00:00"},
      {"20260120+0100", "2026-01-20"},
      {"202601312400", "2026-02-01T00:00:00+01:00"},
      {"20261231240000", "2027-01-01T00:00:00+01:00"},
      {"20240229", "2024-02-29"},
      {"0000", "nothing"},
      {"00000000", "nothing"},
      {"20250229", "wrong"},
      {"20260231", "wrong"},
      {"20261301", "wrong"},
      {"20260014", "wrong"},
      {"00000101", "wrong"},
      {"202601202401", "wrong"},
      {"202601202530", "wrong"},
      {"202601201060", "wrong"},
      {"20260120103061", "wrong"},
      {"194803-0500", "1948-03"},
      {"2026012010-05", "2026-01-20"},
      {"2026-01-20", "wrong"},
      {"1938-04", "wrong"},
      {"1938+04", "wrong"},
      {"1938-0422", "wrong"},
      {"193804-22", "wrong"},
      {"19380422+01:00", "wrong"},
      {"26", "wrong"},
      {"202", "wrong"},
      {"2026013", "wrong"},
      {"20260120.5", "wrong"},
      {"20260120103059+15", "wrong"},
      {"20260120103059+1401", "wrong"},
      {"20260120103059+01x0", "wrong"},
      {"now", "wrong"},
      {"", "wrong"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(DateTime(text, 60), expected) << text;
  }
}

TEST(V2TimeTest, ReadsTimesOfDay) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"10", "10:00:00"},        {"1030", "10:30:00"}, {"103059.25", "10:30:59.25"},
      {"1030+0100", "10:30:00"}, {"2400", "wrong"},    {"1060", "wrong"},
      {"103", "wrong"}};
  for (const auto& [text, expected] : cases) {
    V2Time time;
    V2TimeText room{};
    const bool read = ReadV2TimeOfDay(text, &time) == V2TimeFault::kNone;
    EXPECT_EQ(read ? ToFhirTime(time, &room) : "wrong", expected) << text;
  }
}

TEST(ZoneTest, AppliesDaylightSaving) {
  struct Case {
    std::string zone;
    CivilTime local;
    int minutes;
  };
  const std::vector<Case> cases = {
      {"Europe/London", {2026, 1, 20, 10}, 0},
      {"Europe/London", {2026, 7, 10, 14}, 60},
      {"Europe/London", {2026, 3, 29, 0, 59}, 0},
      {"Europe/London", {2026, 3, 29, 1, 30}, 0},  // left out: the offset before
      {"Europe/London", {2026, 3, 29, 2, 0}, 60},
      {"Europe/London", {2026, 10, 25, 0, 59}, 60},
      {"Europe/London", {2026, 10, 25, 1, 30}, 60},  // twice: the first
      {"Europe/London", {2026, 10, 25, 2, 0}, 0},
      {"Europe/London", {1970, 1, 1, 12}, 60},   // summer time all the year
      {"Europe/London", {1941, 7, 1, 12}, 120},  // double summer time
      {"Europe/London", {2060, 7, 1, 12}, 60},   // by the rule after the table
      {"Europe/London", {2060, 12, 1, 12}, 0},
      {"Australia/Sydney", {2060, 1, 1, 12}, 660},  // summer over the end of the year
      {"Australia/Sydney", {2060, 7, 1, 12}, 600},
      {"Asia/Kathmandu", {2026, 1, 1, 12}, 345},
      {"America/New_York", {2026, 7, 1, 12}, -240},
      {"UTC", {2026, 7, 1, 12}, 0},
  };
  for (const Case& test : cases) {
    const auto zone = Zone::Load(test.zone);
    ASSERT_TRUE(zone.ok()) << test.zone << " (the package tzdata is needed)";
    EXPECT_EQ(zone->OffsetMinutes(test.local), test.minutes)
        << test.zone << " " << test.local.year << "-" << test.local.month << "-" << test.local.day;
  }
}

TEST(ZoneTest, RefusesWhatIsNoZone) {
  for (const char* name : {"", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "Europe"}) {
    EXPECT_FALSE(Zone::Load(name).ok()) << name;
  }
  std::string broken = "TZif2";
  EXPECT_FALSE(Zone::FromTzif(broken).ok());
  broken.resize(200, '\xFF');
  EXPECT_FALSE(Zone::FromTzif(broken).ok());
  EXPECT_FALSE(Zone::FromTzif("").ok());
}

}  // namespace
}  // namespace gw::map
