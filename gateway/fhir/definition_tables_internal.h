#pragma once

#include <cstdint>
#include <span>

namespace gw::fhir::tables {

// The constant tables that compiler/ makes of R4's definitions at build time, in the form in which
// they stand in the program: rows of small indexes over one blob of text. definitions.cc turns them
// into the types of definitions.h when the program starts. A Text is an index into `text_starts`;
// the other indexes are into the span that the comment names. Ranges are [first, first + count).

using Text = uint16_t;
inline constexpr uint16_t kNoRow = 0xFFFF;

enum ElementFlag : uint8_t { kChoice = 1, kModifier = 2, kSummary = 4 };

struct TypeRow {
  Text name;
  uint16_t base;  // types, or kNoRow
  uint8_t kind;   // Kind
  uint8_t primitive;
  uint8_t is_abstract;
  uint16_t element, element_count;      // elements
  uint16_t property, property_count;    // properties
  uint16_t invariant, invariant_count;  // invariant_uses
};

struct ElementRow {
  Text name;
  uint16_t type, type_count;      // type_lists
  uint16_t target, target_count;  // text_lists
  Text value_set;
  uint16_t min, max;
  uint8_t binding;  // Strength
  uint8_t flags;    // ElementFlag
};

// A JSON property of a type; sorted by the bytes of its name.
struct PropertyRow {
  Text json_name;
  uint16_t element;  // counted from the type's first
  uint16_t type;     // types
};

struct InvariantRow {
  Text key, expression, human;
  uint8_t is_error;
};

struct InvariantUseRow {
  uint16_t invariant;  // invariants
  Text element;        // relative to the type; the empty text: the type itself
};

// Sorted by base, then code.
struct SearchRow {
  Text base, code, expression;
  uint16_t target, target_count;  // text_lists
  uint8_t kind;                   // SearchKind
};

// Sorted by url.
struct ValueSetRow {
  Text url;
  uint16_t member, member_count;  // members, sorted by code
  uint8_t is_complete;            // no: it draws on a system that the definitions do not list
};

struct MemberRow {
  Text code, system;
};

// Sorted by url.
struct CodeSystemRow {
  Text url;
  uint16_t code, code_count;  // codes, sorted by code
};

struct CodeRow {
  Text code;
  uint16_t parent, parent_count;  // parents: indexes of codes, counted from the system's first
};

// Sorted by type. A type that is not in the compartment has no row.
struct CompartmentRow {
  Text type;
  uint16_t parameter, parameter_count;  // text_lists
};

struct Tables {
  const char* text;
  std::span<const uint32_t> text_starts;  // one more than there are texts
  std::span<const TypeRow> types;         // sorted by name
  std::span<const ElementRow> elements;
  std::span<const PropertyRow> properties;
  std::span<const uint16_t> type_lists;
  std::span<const Text> text_lists;
  std::span<const InvariantRow> invariants;
  std::span<const InvariantUseRow> invariant_uses;
  std::span<const SearchRow> searches;
  std::span<const ValueSetRow> value_sets;
  std::span<const MemberRow> members;
  std::span<const CodeSystemRow> code_systems;
  std::span<const CodeRow> codes;
  std::span<const uint16_t> parents;
  std::span<const CompartmentRow> patient_compartment;
};

extern const Tables kR4;

}  // namespace gw::fhir::tables
