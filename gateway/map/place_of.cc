#include <charconv>

#include "gateway/hl7v2/message.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

// The number in an element's name: 3 in "f3"; 0 where it has another form.
uint32_t NumberIn(std::string_view name) {
  uint32_t number = 0;
  const auto [end, fault] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return fault == std::errc{} && end == name.data() + name.size() ? number : 0;
}

// Takes over what a node below a segment says of the place.
void Narrow(const fhir::Element& node, hl7v2::Location* place) {
  const std::string_view name = node.name();
  const uint32_t number = name.size() < 2 ? 0 : NumberIn(name);
  if (number == 0) {
    return;
  }
  if (name.front() == 's') {
    place->subcomponent = number;
  } else if (name.front() == 'c') {
    place->component = number;
  } else if (name.front() == 'f') {
    place->field = number;
    place->repetition = node.offset();
  }
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

bool IsSegment(const fhir::Element& node) {
  return node.definition() != nullptr && node.type().kind() == fhir::Kind::kModel &&
         node.name() == node.type().name();
}

std::string PlaceOf(const fhir::Element& node) {
  if (const fhir::Element* row = RowOf(&node)) {
    return PlaceOfCell(node, *row);
  }
  hl7v2::Location place;
  const fhir::Element* at = &node;
  while (at != nullptr && !IsSegment(*at)) {
    Narrow(*at, &place);
    at = at->parent();
  }
  if (at == nullptr) {  // a group stands where its first segment does
    place = {};
    at = &node;
    while (!IsSegment(*at) && at->first_child() != nullptr) {
      at = at->first_child();
    }
    if (!IsSegment(*at)) {
      return node.Location();  // of no message: FHIR's own way to say where
    }
  }
  if (IsSegment(*at)) {
    const fhir::Element* other = at->type().name() == "OTHER" ? at->Child("name") : nullptr;
    place.segment = other != nullptr ? other->text() : at->type().name();
    place.segment_repetition = at->offset();
  }
  return place.ToString();
}

}  // namespace gw::map
