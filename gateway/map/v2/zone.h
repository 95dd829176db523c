#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace gw::map {

// The rules of one time zone, daylight saving included. Immutable; any thread; a value type.
// Source: the TZif file of the system's zone database (RFC 9636), the rule after its last
// transition included; the program's own TZ and locale play no part.
class Zone {
 public:
  // Errors: kInvalid, where = "zone": no such IANA name, or no zone database on this machine
  // (Debian: package tzdata).
  static Result<Zone> Load(std::string_view name);
  // Reads the bytes of a TZif file. Errors: kInvalid.
  static Result<Zone> FromTzif(std::string_view bytes);

  // Minutes east of UTC at a moment of local time. A local time that comes twice (clocks go back)
  // is the first; one that is left out (clocks go forward) is read with the offset before the gap.
  int OffsetMinutes(const CivilTime& local) const;

 private:
  struct Change {
    int64_t from_s;  // since 1970
    int32_t offset_s;
  };
  // Mm.w.d/time of a POSIX TZ rule: the last one for week 5, Sunday is 0.
  struct YearlyDay {
    int month = 0, week = 0, weekday = 0;
    int32_t time_s = 7200;
  };
  friend class RuleReader;

  int32_t OffsetAt(int64_t utc_s) const;
  int32_t OffsetByRule(int64_t utc_s) const;

  std::vector<Change> changes_;
  int32_t first_offset_s_ = 0;  // before the first change
  // The rule that goes on after the last change.
  int32_t standard_offset_s_ = 0;
  int32_t summer_offset_s_ = 0;
  bool has_rule_ = false;
  bool has_summer_ = false;
  std::array<YearlyDay, 2> summer_;  // its beginning and its end
};

}  // namespace gw::map
