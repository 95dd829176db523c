#include <charconv>

#include "gateway/hl7v2/message.h"
#include "gateway/map/v2_model.h"

namespace gw::map {
namespace {

// The number in an element's name: 3 in "f3"; 0 where it has another form.
uint32_t NumberIn(std::string_view name, char letter) {
  uint32_t number = 0;
  if (name.size() < 2 || name[0] != letter) {
    return 0;
  }
  const auto [end, fault] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return fault == std::errc{} && end == name.data() + name.size() ? number : 0;
}

bool IsSegment(const fhir::Element& node) {
  return node.definition() != nullptr && node.name() == node.type().name();
}

// The row that the node is in or is; null where there is none.
const fhir::Element* RowOf(const fhir::Element* node) {
  while (node != nullptr && node->type().name() != "Row") {
    node = node->parent();
  }
  return node;
}

std::string PlaceOfCell(const fhir::Element& node, const fhir::Element& row) {
  std::string place = "row " + std::to_string(row.offset());
  const fhir::Element* cell = &node;
  while (cell != &row && cell->parent() != &row) {
    cell = cell->parent();
  }
  return cell == &row ? place : place + ", column " + std::string(cell->name());
}

}  // namespace

std::string PlaceOf(const fhir::Element& node) {
  if (const fhir::Element* row = RowOf(&node)) {
    return PlaceOfCell(node, *row);
  }
  hl7v2::Location place;
  const fhir::Element* at = &node;
  // A group stands where its first segment does.
  const bool in_segment = [&] {
    const fhir::Element* up = at;
    while (up != nullptr && !IsSegment(*up)) {
      up = up->parent();
    }
    return up != nullptr;
  }();
  while (!in_segment && !IsSegment(*at) && at->first_child() != nullptr) {
    at = at->first_child();
  }
  for (; at != nullptr; at = at->parent()) {
    const std::string_view name = at->name();
    if (const uint32_t subcomponent = NumberIn(name, 's')) {
      place.subcomponent = subcomponent;
    } else if (const uint32_t component = NumberIn(name, 'c')) {
      place.component = component;
    } else if (const uint32_t field = NumberIn(name, 'f')) {
      place.field = field;
      place.repetition = at->offset();
    } else if (IsSegment(*at)) {
      const fhir::Element* other = at->type().name() == "OTHER" ? at->Child("name") : nullptr;
      place.segment = other != nullptr ? other->text() : at->type().name();
      place.segment_repetition = at->offset();
      break;
    }
  }
  return place.ToString();
}

}  // namespace gw::map
