#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gw::fhir::compiled {

// The compiled form of packages: one run of bytes that is used in place. R4's own stands in the
// program as a constant (compiler/), those of packages in the cache (cache.cc). Rows of numbers
// over one heap of texts; a Text is the offset of a length (uint32_t) and its bytes, 0 the empty
// text. A Range is [first, first + count) of the section that the comment names. Byte order and
// layout are the machine's own: the form never leaves it.

// Raised whenever a row, its meaning or what is made of a resource changes.
inline constexpr uint32_t kFormat = 2;

using Text = uint32_t;
inline constexpr uint16_t kNoValue = 0xFFFF;
inline constexpr uint32_t kNoRow = 0xFFFFFFFF;

struct Range {
  uint32_t first = 0;
  uint32_t count = 0;
};

enum ProfileFlag : uint32_t { kAbstract = 1, kConstraint = 2, kLogical = 4 };

// Sorted, as every row with url and version, by url, then by version, lowest first.
struct ProfileRow {
  Text url, version, name, package, base, type_name;
  Text values;               // a Parameters resource as JSON: the values that its elements name
  Range contexts;            // contexts
  Range context_invariants;  // lists of texts
  Range elements;            // elements
  uint32_t flags;            // ProfileFlag
};

enum ElementFlag : uint8_t { kModifier = 1, kMustSupport = 2, kOrdered = 4 };

struct ElementRow {
  Text id, path, slice_name, content_reference;
  Range types;        // lists of types
  Range constraints;  // lists of constraints
  Range discriminators;
  Text value_set, max_value_set;
  uint16_t fixed, pattern, min_value, max_value;  // parameters of the profile's values, or kNoValue
  uint32_t max_length;
  uint16_t min, max, base_max;
  uint8_t strength;  // Strength
  uint8_t rules;     // SlicingRules
  uint8_t flags;     // ElementFlag
};

struct TypeRow {
  Text code;
  Range profiles, targets;  // lists of texts
};

struct ConstraintRow {
  Text key, expression, human, source;
  uint32_t is_error;
};

struct ContextRow {
  uint32_t kind;  // ContextKind
  Text expression;
};

struct DiscriminatorRow {
  uint32_t kind;  // DiscriminatorKind
  Text path;
};

enum class Content : uint32_t { kComplete, kFragment, kNotPresent, kSupplement };

struct CodeSystemRow {
  Text url, version, name, package;
  Content content;
  uint32_t is_case_sensitive;
  Range codes;   // codes, in the order of the definition
  Range sorted;  // lists: places counted from the first of `codes`, sorted by code
};

enum CodeFlag : uint32_t { kAbstractCode = 1, kInactiveCode = 2 };

struct CodeRow {
  Text code, display, definition;
  Range parents;       // lists: places counted from the system's first code
  Range properties;    // lists of properties
  Range designations;  // designations
  uint32_t flags;      // CodeFlag
};

struct DesignationRow {
  Text language, use, value;  // use: the code alone
};

struct PropertyRow {
  Text code, value;
};

struct ValueSetRow {
  Text url, version, name, package;
  Range includes;  // includes; none: the set says nothing that can be used
};

enum IncludeFlag : uint32_t { kExclude = 1, kListed = 2 };  // kListed: `members`, not the system

struct IncludeRow {
  Text system, version;
  Range members;  // members, in the order of the definition
  Range sorted;   // lists: places counted from the first of `members`, sorted by code
  Range filters;
  Range value_sets;  // lists of texts
  uint32_t flags;    // IncludeFlag
};

struct MemberRow {
  Text code, display;
};

struct FilterRow {
  Text property, op, value;
};

struct ConceptMapRow {
  Text url, version, name, package, source, target;
  Range groups;
};

struct GroupRow {
  Text source, target;
  Text unmapped_mode, unmapped_code, unmapped_display, unmapped_url;
  Range mappings;  // sorted by code
};

struct MappingRow {
  Text code, equivalence, target_code, target_display, comment;
  Range dependencies;  // dependencies: what else must hold
};

struct DependencyRow {
  Text property, system, value;
};

// Sorted by base, then code.
struct SearchRow {
  Text base, code, expression, url;
  Range targets;  // lists of texts
  uint32_t kind;  // SearchKind
};

// A resource as it stood in its package; sorted by type, url and version.
struct ResourceRow {
  Text type, url, version, package, json;
};

// Calls `function` with each section's pointer to member, in the order of the file.
template <typename Sections, typename Function>
void ForEachSection(Sections&& sections, Function&& function) {
  function(sections.profiles);
  function(sections.elements);
  function(sections.types);
  function(sections.constraints);
  function(sections.contexts);
  function(sections.discriminators);
  function(sections.code_systems);
  function(sections.codes);
  function(sections.properties);
  function(sections.designations);
  function(sections.value_sets);
  function(sections.includes);
  function(sections.members);
  function(sections.filters);
  function(sections.concept_maps);
  function(sections.groups);
  function(sections.mappings);
  function(sections.dependencies);
  function(sections.searches);
  function(sections.resources);
  function(sections.packages);
  function(sections.lists);
  function(sections.texts);
}

inline constexpr size_t kSections = 23;

// At the start of the bytes; each section begins at a multiple of eight.
struct Header {
  std::array<char, 8> magic;
  uint32_t format;
  uint32_t bytes;
  std::array<Range, kSections> sections;  // first: offset in the bytes; count: rows
};

inline constexpr std::array<char, 8> kMagic = {'c', 'g', 'p', 'a', 'c', 'k', 'e', 'd'};

template <template <typename> typename Holder>
struct Sections {
  Holder<ProfileRow> profiles;
  Holder<ElementRow> elements;
  Holder<TypeRow> types;
  Holder<ConstraintRow> constraints;
  Holder<ContextRow> contexts;
  Holder<DiscriminatorRow> discriminators;
  Holder<CodeSystemRow> code_systems;
  Holder<CodeRow> codes;
  Holder<PropertyRow> properties;
  Holder<DesignationRow> designations;
  Holder<ValueSetRow> value_sets;
  Holder<IncludeRow> includes;
  Holder<MemberRow> members;
  Holder<FilterRow> filters;
  Holder<ConceptMapRow> concept_maps;
  Holder<GroupRow> groups;
  Holder<MappingRow> mappings;
  Holder<DependencyRow> dependencies;
  Holder<SearchRow> searches;
  Holder<ResourceRow> resources;
  Holder<Text> packages;  // "name#version", in order of loading
  Holder<uint32_t> lists;
  Holder<char> texts;
};

template <typename Row>
using ConstRows = std::span<const Row>;
template <typename Row>
using OwnRows = std::vector<Row>;

// The bytes, read in place. Views go with the bytes.
struct View : Sections<ConstRows> {
  std::string_view TextAt(Text text) const {
    uint32_t size = 0;
    std::memcpy(&size, texts.data() + text, sizeof(size));
    return {texts.data() + text + sizeof(size), size};
  }
  template <typename Row>
  static std::span<const Row> In(std::span<const Row> rows, Range range) {
    return rows.subspan(range.first, range.count);
  }
  std::span<const uint32_t> List(Range range) const { return In(lists, range); }
};

// Reads the header. `bytes` must be aligned to eight and whole as Writer::Bytes made them (a digest
// vouches for that): the rows themselves are not checked. Nothing: not that form, or another
// format.
std::optional<View> Open(std::string_view bytes);

// R4's own definitions, made at build time.
std::string_view R4Bytes();

// Orders versions as people do: by their numbers, then by their texts; "10.0" after "9.1", and a
// version with a label ("2.0.0-ballot") before the one without.
int CompareVersions(std::string_view a, std::string_view b);

// Finds the row of a canonical ("url" or "url|version") among rows sorted by url and version: the
// exact version, the highest where the canonical has none. Null if there is none.
template <typename Row>
const Row* FindCanonical(const View& view, std::span<const Row> rows, std::string_view canonical);

// The compiled form while it grows. Equal texts, lists, types and constraints are kept once.
class Writer : public Sections<OwnRows> {
 public:
  Writer() { Intern({}); }

  Text Intern(std::string_view text);
  Range List(const std::vector<uint32_t>& items);
  Range TextList(const std::vector<std::string>& texts_in_order);
  uint32_t Type(const TypeRow& row);
  uint32_t ConstraintOf(const ConstraintRow& row);
  uint32_t Property(const PropertyRow& row);
  // Sorts what is sorted and puts everything in one piece. Errors are for the caller to avoid: the
  // form holds up to 4 GB.
  std::string Bytes();
  std::string_view TextAt(Text text) const;

 private:
  template <typename Row>
  void SortByCanonical(std::vector<Row>* rows) const;
  template <typename Row>
  static uint32_t InternRow(const Row& row, std::vector<Row>* rows,
                            std::map<std::string, uint32_t, std::less<>>* known);

  std::unordered_map<std::string, Text> known_texts_;
  std::map<std::vector<uint32_t>, Range> known_lists_;
  std::map<std::string, uint32_t, std::less<>> known_types_;
  std::map<std::string, uint32_t, std::less<>> known_constraints_;
  std::map<std::string, uint32_t, std::less<>> known_properties_;
};

template <typename Row>
const Row* FindCanonical(const View& view, std::span<const Row> rows, std::string_view canonical) {
  const size_t bar = canonical.find('|');
  const std::string_view url = canonical.substr(0, bar);
  size_t low = 0;
  size_t high = rows.size();
  while (low < high) {  // the first row past the url
    const size_t middle = low + (high - low) / 2;
    if (view.TextAt(rows[middle].url) <= url) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  while (low > 0 && view.TextAt(rows[low - 1].url) == url) {
    --low;
    if (bar == std::string_view::npos ||
        view.TextAt(rows[low].version) == canonical.substr(bar + 1)) {
      return &rows[low];
    }
  }
  return nullptr;
}

}  // namespace gw::fhir::compiled
