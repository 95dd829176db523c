#include <algorithm>
#include <string>

#include "gateway/fhir/path/path.h"
#include "gateway/map/change/change.h"

namespace gw::map {
namespace {

using fhir::Element;

constexpr size_t kDayLength = 10;  // "2026-03-05"

bool IsOpen(const Element& start, const Element& end) {
  return !fhir::path::CompareDateTimes(start.text(), end.text());
}

// Cuts the end that is known to more; not where that would turn them round.
bool Cut(Element* start, Element* end) {
  const size_t length = std::min({start->text().size(), end->text().size(), kDayLength});
  const std::string first(start->text().substr(0, length));
  const std::string last(end->text().substr(0, length));
  if (fhir::path::CompareDateTimes(first, last).value_or(1) > 0) {
    return false;
  }
  start->SetText(first);
  end->SetText(last);
  return true;
}

// Writes the day among the two as its first or its last second, in the zone of the other: R4 counts
// a day as the end of a period whole.
bool Complete(Element* start, Element* end) {
  const bool is_start = start->text().size() < end->text().size();
  Element* day = is_start ? start : end;
  const std::string_view moment = is_start ? end->text() : start->text();
  const size_t zone = moment.find_first_of("Z+-", kDayLength + 1);
  if (day->text().size() != kDayLength || zone == std::string_view::npos) {
    return false;
  }
  std::string text(day->text());
  text.append(is_start ? "T00:00:00" : "T23:59:59").append(moment.substr(zone));
  const int order = is_start ? fhir::path::CompareDateTimes(text, moment).value_or(1)
                             : fhir::path::CompareDateTimes(moment, text).value_or(1);
  if (order > 0) {
    return false;
  }
  day->SetText(text);
  return true;
}

void AlignBelow(Element* element, bool is_consent, std::vector<Note>* notes) {
  for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
    if (child->first_child() != nullptr) {
      AlignBelow(child, is_consent, notes);
    }
  }
  if (element->type().name() != "Period") {
    return;
  }
  Element* start = element->Child("start");
  Element* end = element->Child("end");
  if (start == nullptr || end == nullptr || !start->has_text() || !end->has_text() ||
      !IsOpen(*start, *end)) {
    return;
  }
  const std::string why =
      "start and end are known to different precision, which R4 (per-1) does not allow so near "
      "each other: ";
  if (is_consent && Complete(start, end)) {
    notes->push_back({"period-completed", why + "the day is written as its first or last second: " +
                                              element->Location()});
  } else if (!is_consent && Cut(start, end)) {
    notes->push_back({"period-cut", why + "both are kept to the lesser: " + element->Location()});
  }
}

}  // namespace

void AlignPeriods(fhir::Resource* resource, std::vector<Note>* notes) {
  AlignBelow(&resource->root(), resource->type() == "Consent", notes);
}

}  // namespace gw::map
