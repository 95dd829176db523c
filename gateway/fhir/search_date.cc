#include "gateway/fhir/path/datetime_internal.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {

std::optional<Interval> IntervalOf(std::string_view text) {
  using path::Precision;
  const std::optional<path::Moment> moment = path::ParseMoment(path::Value::Kind::kDateTime, text);
  // An hour alone is FHIRPath's, not FHIR's.
  if (!moment || moment->precision == Precision::kHour || text.back() == 'T') {
    return std::nullopt;
  }
  const path::Span span = path::SpanOf(*moment);
  Interval out{span.low_us, span.high_us};
  if (moment->precision == Precision::kSecond) {
    int64_t width = 1'000'000;
    for (uint8_t i = 0; i < moment->fraction_digits; ++i) {
      width /= 10;
    }
    out.high_us = out.low_us + width;
  }
  return out;
}

}  // namespace gw::fhir
