#include "gateway/fhir/definitions.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/fhir/definition_tables_internal.h"

namespace gw::fhir {
namespace {

std::string_view TextAt(tables::Text row) {
  const uint32_t start = tables::kR4.text_starts[row];
  return {tables::kR4.text + start, tables::kR4.text_starts[row + 1u] - start};
}

// Finds rows by a name of theirs in one or two probes. The table holds views: the names must stay.
class NameIndex {
 public:
  explicit NameIndex(size_t count) {
    size_t size = 16;
    while (size < count * 2) {
      size *= 2;
    }
    slots_.assign(size, kNone);
    names_.reserve(count);
  }

  void Add(std::string_view name) {
    size_t slot = SlotOf(name);
    while (slots_[slot] != kNone) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = static_cast<uint32_t>(names_.size());
    names_.push_back(name);
  }

  static constexpr uint32_t kNone = UINT32_MAX;

  // The place in the order of Add, or kNone.
  uint32_t Find(std::string_view name) const {
    for (size_t slot = SlotOf(name); slots_[slot] != kNone;
         slot = (slot + 1) & (slots_.size() - 1)) {
      if (names_[slots_[slot]] == name) {
        return slots_[slot];
      }
    }
    return kNone;
  }

 private:
  // Names that the program knows, of which many share their beginning: length and last bytes tell
  // them apart well enough.
  size_t SlotOf(std::string_view name) const {
    uint64_t tail = 0;
    const size_t taken = std::min(name.size(), sizeof(tail));
    if (taken > 0) {
      std::memcpy(&tail, name.data() + name.size() - taken, taken);
    }
    uint64_t middle = 0;
    if (name.size() >= 2 * sizeof(middle)) {
      std::memcpy(&middle, name.data() + name.size() - 2 * sizeof(middle), sizeof(middle));
    }
    uint64_t hash = (tail ^ (middle * 0x9E3779B97F4A7C15u) ^ name.size()) * 0xA0761D6478BD642Fu;
    hash ^= hash >> 32;
    return hash & (slots_.size() - 1);
  }

  std::vector<uint32_t> slots_;
  std::vector<std::string_view> names_;
};

// Compares a JSON name with `element` followed by `type` in upper case at its start: "value" and
// "string" make "valueString".
int CompareChoiceName(std::string_view json_name, std::string_view element, std::string_view type) {
  if (const int order = json_name.substr(0, element.size()).compare(element); order != 0) {
    return order;
  }
  if (json_name.size() == element.size()) {
    return -1;
  }
  const char initial = type[0] >= 'a' ? static_cast<char>(type[0] - 'a' + 'A') : type[0];
  if (json_name[element.size()] != initial) {
    return static_cast<uint8_t>(json_name[element.size()]) < static_cast<uint8_t>(initial) ? -1 : 1;
  }
  return json_name.substr(element.size() + 1).compare(type.substr(1));
}

template <typename Row>
std::span<const Row> Slice(std::span<const Row> rows, size_t first, size_t count) {
  return rows.subspan(first, count);
}

}  // namespace

bool TypeDef::Is(std::string_view type_name) const {
  for (const TypeDef* type = this; type != nullptr; type = type->base_) {
    if (type->name_ == type_name) {
      return true;
    }
  }
  return false;
}

const ElementDef* TypeDef::Find(std::string_view element_name) const {
  for (const ElementDef& element : elements_) {
    if (element.name == element_name) {
      return &element;
    }
  }
  return nullptr;
}

TypeDef::Property TypeDef::ByJsonName(std::string_view json_name) const {
  if (slots_.empty()) {
    return {};
  }
  const size_t mask = slots_.size() - 1;
  for (size_t slot = SlotOf(json_name, slots_.size()); slots_[slot] != 0;
       slot = (slot + 1) & mask) {
    const NamedProperty& candidate = properties_[slots_[slot] - 1u];
    if (candidate.json_name == json_name) {
      return candidate.property;
    }
  }
  return {};
}

// The names of one type differ in their length and in a few of their characters.
size_t TypeDef::SlotOf(std::string_view json_name, size_t slots) {
  const size_t size = json_name.size();
  if (size == 0) {
    return 0;
  }
  const auto at = [json_name](size_t place) { return static_cast<uint8_t>(json_name[place]); };
  const uint32_t ends = at(0) | uint32_t{at(size - 1)} << 8;
  const uint32_t middle = at(size / 2) | uint32_t{at(size - 1 - size / 4)} << 8;
  const uint64_t key = uint64_t{ends} | uint64_t{middle} << 16 | uint64_t{size} << 32;
  return static_cast<size_t>((key * 0x9E3779B97F4A7C15u) >> 40) & (slots - 1);
}

size_t TypeDef::SlotCount(size_t properties) {
  size_t count = properties == 0 ? 0 : 2;
  while (count < properties * 2) {
    count *= 2;
  }
  return count;
}

void TypeDef::SetSlots(std::span<uint16_t> slots) {
  for (size_t place = 0; place < properties_.size(); ++place) {
    size_t slot = SlotOf(properties_[place].json_name, slots.size());
    while (slots[slot] != 0) {
      slot = (slot + 1) & (slots.size() - 1);
    }
    slots[slot] = static_cast<uint16_t>(place + 1);
  }
  slots_ = slots;
}

std::string_view TypeDef::JsonName(const ElementDef& element, const TypeDef& type) const {
  if (!element.choice) {
    return element.name;
  }
  const auto found = std::partition_point(
      properties_.begin(), properties_.end(), [&element, &type](const NamedProperty& property) {
        return CompareChoiceName(property.json_name, element.name, type.name_) < 0;
      });
  if (found == properties_.end() ||
      CompareChoiceName(found->json_name, element.name, type.name_) != 0) {
    return {};
  }
  return found->json_name;
}

struct Definitions::Tables {
  Tables()
      : type_names(tables::kR4.types.size()),
        value_set_names(tables::kR4.value_sets.size()),
        code_system_names(tables::kR4.code_systems.size()) {}

  std::vector<TypeDef> types;  // in the order of the rows: sorted by name
  std::vector<ElementDef> elements;
  std::vector<const TypeDef*> type_lists;
  std::vector<std::string_view> text_lists;
  std::vector<Invariant> invariants;
  std::vector<TypeDef::NamedProperty> properties;
  std::vector<uint16_t> slots;  // of all types' properties
  std::vector<const TypeDef*> resource_types;
  std::vector<SearchParameter> searches;  // sorted by base, then code
  // For each type: its own parameters, then those of its ancestors; empty but for resources.
  std::vector<std::vector<const SearchParameter*>> searches_of;
  NameIndex type_names;
  NameIndex value_set_names;
  NameIndex code_system_names;
};

// Turns the constant tables into the types.
class DefinitionsBuilder {
 public:
  explicit DefinitionsBuilder(Definitions::Tables* out) : out_(*out) {}

  void Build() {
    out_.types.resize(rows_.types.size());
    for (const uint16_t type : rows_.type_lists) {
      out_.type_lists.push_back(&out_.types[type]);
    }
    for (const tables::Text text : rows_.text_lists) {
      out_.text_lists.push_back(TextAt(text));
    }
    BuildElements();
    BuildInvariants();
    out_.properties.resize(rows_.properties.size());
    for (size_t index = 0; index < rows_.types.size(); ++index) {
      BuildType(rows_.types[index], &out_.types[index]);
    }
    BuildSlots();
    BuildSearches();
    for (const tables::ValueSetRow& row : rows_.value_sets) {
      out_.value_set_names.Add(TextAt(row.url));
    }
    for (const tables::CodeSystemRow& row : rows_.code_systems) {
      out_.code_system_names.Add(TextAt(row.url));
    }
  }

 private:
  void BuildElements() {
    const std::span<const TypeDef* const> types(out_.type_lists);
    const std::span<const std::string_view> texts(out_.text_lists);
    out_.elements.reserve(rows_.elements.size());
    for (const tables::ElementRow& row : rows_.elements) {
      ElementDef element;
      element.name = TextAt(row.name);
      element.types = Slice(types, row.type, row.type_count);
      element.targets = Slice(texts, row.target, row.target_count);
      element.value_set = TextAt(row.value_set);
      element.min = row.min;
      element.max = row.max;
      element.binding = static_cast<Strength>(row.binding);
      element.choice = (row.flags & tables::kChoice) != 0;
      element.modifier = (row.flags & tables::kModifier) != 0;
      element.summary = (row.flags & tables::kSummary) != 0;
      out_.elements.push_back(element);
    }
  }

  void BuildInvariants() {
    out_.invariants.reserve(rows_.invariant_uses.size());
    for (const tables::InvariantUseRow& use : rows_.invariant_uses) {
      const tables::InvariantRow& row = rows_.invariants[use.invariant];
      out_.invariants.push_back({TextAt(row.key), TextAt(row.expression), TextAt(row.human),
                                 TextAt(use.element), row.is_error != 0});
    }
  }

  void BuildType(const tables::TypeRow& row, TypeDef* type) {
    type->name_ = TextAt(row.name);
    type->base_ = row.base == tables::kNoRow ? nullptr : &out_.types[row.base];
    type->kind_ = static_cast<Kind>(row.kind);
    type->primitive_ = static_cast<Primitive>(row.primitive);
    type->abstract_ = row.is_abstract != 0;
    type->elements_ =
        Slice(std::span<const ElementDef>(out_.elements), row.element, row.element_count);
    type->invariants_ =
        Slice(std::span<const Invariant>(out_.invariants), row.invariant, row.invariant_count);
    for (size_t index = row.property; index < row.property + row.property_count; ++index) {
      const tables::PropertyRow& property = rows_.properties[index];
      out_.properties[index] = {TextAt(property.json_name),
                                {&type->elements_[property.element], &out_.types[property.type]}};
    }
    type->properties_ = Slice(std::span<const TypeDef::NamedProperty>(out_.properties),
                              row.property, row.property_count);
    out_.type_names.Add(type->name_);
    if (type->kind_ == Kind::kResource && !type->abstract_) {
      out_.resource_types.push_back(type);
    }
  }

  void BuildSlots() {
    size_t total = 0;
    for (const TypeDef& type : out_.types) {
      total += TypeDef::SlotCount(type.properties_.size());
    }
    out_.slots.resize(total);
    size_t begin = 0;
    for (TypeDef& type : out_.types) {
      const size_t count = TypeDef::SlotCount(type.properties_.size());
      type.SetSlots(std::span<uint16_t>(out_.slots).subspan(begin, count));
      begin += count;
    }
  }

  void BuildSearches() {
    const std::span<const std::string_view> texts(out_.text_lists);
    out_.searches.reserve(rows_.searches.size());
    out_.searches_of.resize(rows_.types.size());
    for (const tables::SearchRow& row : rows_.searches) {
      out_.searches.push_back({TextAt(row.code), TextAt(row.base), TextAt(row.expression),
                               static_cast<SearchKind>(row.kind),
                               Slice(texts, row.target, row.target_count)});
    }
    // The tables hold DomainResource and Resource before and after others: own parameters first,
    // then the bases' in a second pass.
    for (const SearchParameter& search : out_.searches) {
      if (const uint32_t type = out_.type_names.Find(search.base); type != NameIndex::kNone) {
        out_.searches_of[type].push_back(&search);
      }
    }
    for (const TypeDef* type : out_.resource_types) {
      auto& searches = out_.searches_of[static_cast<size_t>(type - out_.types.data())];
      for (const TypeDef* base = type->base_; base != nullptr; base = base->base_) {
        const auto& inherited = out_.searches_of[static_cast<size_t>(base - out_.types.data())];
        searches.insert(searches.end(), inherited.begin(), inherited.end());
      }
    }
  }

  const tables::Tables& rows_ = tables::kR4;
  Definitions::Tables& out_;
};

Definitions::Definitions(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
Definitions::~Definitions() = default;
Definitions::Definitions(Definitions&&) noexcept = default;

Definitions Definitions::R4() {
  auto tables = std::make_unique<Tables>();
  DefinitionsBuilder(tables.get()).Build();
  return Definitions(std::move(tables));
}

const TypeDef* Definitions::Find(std::string_view type_name) const {
  const uint32_t row = tables_->type_names.Find(type_name);
  return row == NameIndex::kNone ? nullptr : &tables_->types[row];
}

std::span<const TypeDef> Definitions::types() const { return tables_->types; }

std::span<const TypeDef* const> Definitions::resource_types() const {
  return tables_->resource_types;
}

std::span<const SearchParameter* const> Definitions::SearchParametersOf(
    std::string_view type_name) const {
  const uint32_t row = tables_->type_names.Find(type_name);
  return row == NameIndex::kNone ? std::span<const SearchParameter* const>()
                                 : tables_->searches_of[row];
}

const SearchParameter* Definitions::FindSearch(std::string_view type_name,
                                               std::string_view code) const {
  for (const SearchParameter* search : SearchParametersOf(type_name)) {
    if (search->code == code) {
      return search;
    }
  }
  return nullptr;
}

namespace {

// The rows with that code, of rows that are sorted by it.
template <typename Row>
std::span<const Row> RowsWithCode(std::span<const Row> rows, std::string_view code) {
  const auto first = std::lower_bound(
      rows.begin(), rows.end(), code,
      [](const Row& row, std::string_view sought) { return TextAt(row.code) < sought; });
  auto last = first;
  while (last != rows.end() && TextAt(last->code) == code) {
    ++last;
  }
  return {first, last};
}

std::span<const tables::CodeRow> CodesOf(const tables::CodeSystemRow& system) {
  return Slice(tables::kR4.codes, system.code, system.code_count);
}

// Is the code at `row` below `ancestor`? v3 hierarchies have a few levels and codes few parents.
bool IsBelow(std::span<const tables::CodeRow> codes, const tables::CodeRow& row,
             std::string_view ancestor, int levels_left) {
  if (TextAt(row.code) == ancestor) {
    return true;
  }
  if (levels_left == 0) {
    return false;
  }
  for (const uint16_t parent : Slice(tables::kR4.parents, row.parent, row.parent_count)) {
    if (IsBelow(codes, codes[parent], ancestor, levels_left - 1)) {
      return true;
    }
  }
  return false;
}

constexpr int kHierarchyLevelsMax = 32;

}  // namespace

Definitions::Membership Definitions::IsMember(std::string_view value_set, std::string_view system,
                                              std::string_view code) const {
  const uint32_t row = tables_->value_set_names.Find(value_set);
  if (row == NameIndex::kNone) {
    return Membership::kUnknown;
  }
  const tables::ValueSetRow& set = tables::kR4.value_sets[row];
  for (const tables::MemberRow& member :
       RowsWithCode(Slice(tables::kR4.members, set.member, set.member_count), code)) {
    if (system.empty() || TextAt(member.system) == system) {
      return Membership::kMember;
    }
  }
  return set.is_complete != 0 ? Membership::kNotMember : Membership::kUnknown;
}

bool Definitions::Subsumes(std::string_view system, std::string_view ancestor,
                           std::string_view code) const {
  const uint32_t row = tables_->code_system_names.Find(system);
  if (row == NameIndex::kNone) {
    return ancestor == code;
  }
  const auto codes = CodesOf(tables::kR4.code_systems[row]);
  const auto found = RowsWithCode(codes, code);
  return found.empty() ? ancestor == code
                       : IsBelow(codes, found.front(), ancestor, kHierarchyLevelsMax);
}

bool Definitions::KnowsCode(std::string_view system, std::string_view code) const {
  const uint32_t row = tables_->code_system_names.Find(system);
  return row != NameIndex::kNone &&
         !RowsWithCode(CodesOf(tables::kR4.code_systems[row]), code).empty();
}

std::span<const std::string_view> Definitions::PatientCompartment(
    std::string_view type_name) const {
  const auto rows = tables::kR4.patient_compartment;
  const auto found = std::lower_bound(rows.begin(), rows.end(), type_name,
                                      [](const tables::CompartmentRow& row, std::string_view name) {
                                        return TextAt(row.type) < name;
                                      });
  if (found == rows.end() || TextAt(found->type) != type_name) {
    return {};
  }
  return Slice(std::span<const std::string_view>(tables_->text_lists), found->parameter,
               found->parameter_count);
}

}  // namespace gw::fhir
