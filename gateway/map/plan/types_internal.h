#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/map/plan/internal.h"

namespace gw::map {

// What is known of a variable before a run: its type; or that it is one of a choice's types; or
// nothing (both null).
struct StaticType {
  const fhir::TypeDef* type = nullptr;
  const fhir::ElementDef* choice = nullptr;
  bool operator==(const StaticType&) const = default;
};

// Is a value of `from` also one of `to`? A logical model is what it specializes too; models of one
// name are not one.
bool IsA(const fhir::TypeDef& from, const fhir::TypeDef& to);

// Does an element of type `place` hold a whole `value`? What a model has beyond its base would have
// no place in it.
bool HasRoomFor(const fhir::TypeDef& place, const fhir::TypeDef& value);

// May the text of one primitive type stand in an element of another?
enum class Fit : uint8_t {
  kNever,    // not without cast()
  kChecked,  // where it has the right lexical form
  kAlways,
};
Fit FitOf(const fhir::TypeDef& from, const fhir::TypeDef& to);

// A leaf: a primitive, or a type of a model without elements.
bool IsLeaf(const fhir::TypeDef& type);

// HL7 v2's "varies": a node declared so may be a plain string or have any components (OBX-5), which
// only the run can tell.
bool IsOpen(const fhir::TypeDef& type);

// The type that a value of type `value` takes in `element`: its own, an ancestor, else the one
// primitive that it fits. Null: it does not fit.
const fhir::TypeDef* TypeIn(const fhir::ElementDef& element, const fhir::TypeDef& value);

// May an element be of exactly that type (a resource, where any stands)?
bool TakesType(const fhir::ElementDef& element, const fhir::TypeDef& type);

// "Patient", "value[x]" or "something", for messages.
std::string Describe(const StaticType& type);

// Where `name` leads from a value of that type. `filter` is set for a choice's JSON name
// (valueQuantity). False: no type that the value can have knows such an element.
struct Navigation {
  Step step;
  StaticType type;
  const fhir::TypeDef* filter = nullptr;
};
bool Navigate(const StaticType& from, std::string_view name, const fhir::Definitions& definitions,
              Navigation* navigation);

CommonTypes CommonTypesOf(const fhir::Definitions& definitions);

}  // namespace gw::map
