#include <algorithm>
#include <string>

#include "gateway/fhir/path/path.h"
#include "gateway/map/change.h"

namespace gw::map {
namespace {

using fhir::Element;

constexpr size_t kDayLength = 10;  // "2026-03-05"

// Cuts the end that is known to more; nothing where R4 can compare them as they are, or where the
// cut would turn them round.
bool Align(Element* start, Element* end) {
  if (fhir::path::CompareDateTimes(start->text(), end->text())) {
    return false;
  }
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

}  // namespace

void AlignPeriods(Element* element, std::vector<Note>* notes) {
  for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
    if (child->first_child() != nullptr) {
      AlignPeriods(child, notes);
    }
  }
  if (element->type().name() != "Period") {
    return;
  }
  Element* start = element->Child("start");
  Element* end = element->Child("end");
  if (start != nullptr && end != nullptr && start->has_text() && end->has_text() &&
      Align(start, end)) {
    notes->push_back({"period-cut",
                      "start and end are known to different precision, which R4 (per-1) does not "
                      "allow so near each other: both are kept to the lesser: " +
                          element->Location()});
  }
}

}  // namespace gw::map
