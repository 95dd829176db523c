#include <algorithm>
#include <utility>

#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {
namespace {

using compiled::Range;
using compiled::View;
using compiled::Writer;

constexpr Limits kValueLimits = {
    .body_bytes_max = 64u << 20, .json_items_max = 1'000'000, .json_nodes_max = 10'000'000};

uint8_t Flag(bool is_set, compiled::ElementFlag flag) {
  return is_set ? static_cast<uint8_t>(flag) : uint8_t{0};
}

// Writes the elements of one structure, and the values that they name on the way.
class Packer {
 public:
  explicit Packer(Writer* out) : out_(*out) {}

  void Pack(const ElementDraft& element) {
    compiled::ElementRow row = {};
    row.id = out_.Intern(element.id);
    row.path = out_.Intern(element.path);
    row.slice_name = out_.Intern(element.slice_name);
    row.content_reference = out_.Intern(element.content_reference);
    row.types = Types(element);
    row.constraints = Constraints(element);
    if (element.binding) {
      row.strength = static_cast<uint8_t>(element.binding->strength);
      row.value_set = out_.Intern(element.binding->value_set);
      row.max_value_set = out_.Intern(element.binding->max_value_set);
    }
    if (element.slicing) {
      row.rules = static_cast<uint8_t>(element.slicing->rules);
      row.discriminators = Discriminators(*element.slicing);
      row.flags |= Flag(element.slicing->ordered, compiled::kOrdered);
    }
    row.fixed = Value(element.fixed);
    row.pattern = Value(element.pattern);
    row.min_value = Value(element.min_value);
    row.max_value = Value(element.max_value);
    row.max_length = element.max_length.value_or(0);
    row.min = element.min.value_or(0);
    row.max = element.max.value_or(kMany);
    row.base_max = element.base_max.value_or(row.max);
    row.flags |= Flag(element.modifier, compiled::kModifier);
    row.flags |= Flag(element.must_support, compiled::kMustSupport);
    out_.elements.push_back(row);
  }

  compiled::Text Values() {
    return values_.empty() ? out_.Intern({}) : out_.Intern(ValuesJson(values_));
  }

 private:
  Range Types(const ElementDraft& element) {
    std::vector<uint32_t> rows;
    for (const TypeDraft& type : element.types) {
      rows.push_back(out_.Type(
          {out_.Intern(type.code), out_.TextList(type.profiles), out_.TextList(type.targets)}));
    }
    return out_.List(rows);
  }

  Range Constraints(const ElementDraft& element) {
    std::vector<uint32_t> rows;
    for (const ConstraintDraft& constraint : element.constraints) {
      rows.push_back(
          out_.ConstraintOf({out_.Intern(constraint.key), out_.Intern(constraint.expression),
                             out_.Intern(constraint.human), out_.Intern(constraint.source),
                             constraint.is_error ? 1u : 0u}));
    }
    return out_.List(rows);
  }

  Range Discriminators(const SlicingDraft& slicing) {
    const Range range = {static_cast<uint32_t>(out_.discriminators.size()),
                         static_cast<uint32_t>(slicing.discriminators.size())};
    for (const DiscriminatorDraft& discriminator : slicing.discriminators) {
      out_.discriminators.push_back(
          {static_cast<uint32_t>(discriminator.kind), out_.Intern(discriminator.path)});
    }
    return range;
  }

  uint16_t Value(const std::optional<ValueDraft>& value) {
    if (!value || values_.size() == compiled::kNoValue) {
      return compiled::kNoValue;
    }
    values_.push_back(*value);
    return static_cast<uint16_t>(values_.size() - 1);
  }

  Writer& out_;
  std::vector<ValueDraft> values_;
};

// The other way: rows of one view.
class Unpacker {
 public:
  Unpacker(const View& view, const compiled::ProfileRow& row) : view_(view) {
    if (const std::string_view text = view.TextAt(row.values); !text.empty()) {
      if (Result<Json> json = Json::Parse(text, kValueLimits); json) {
        values_ = *std::move(json);
      }
    }
  }

  ElementDraft Unpack(const compiled::ElementRow& row) const {
    ElementDraft element;
    element.id = Text(row.id);
    element.path = Text(row.path);
    element.slice_name = Text(row.slice_name);
    element.content_reference = Text(row.content_reference);
    for (const uint32_t type : view_.List(row.types)) {
      const compiled::TypeRow& type_row = view_.types[type];
      element.types.push_back(
          {Text(type_row.code), Texts(type_row.profiles), Texts(type_row.targets)});
    }
    for (const uint32_t constraint : view_.List(row.constraints)) {
      const compiled::ConstraintRow& found = view_.constraints[constraint];
      element.constraints.push_back({Text(found.key), Text(found.expression), Text(found.human),
                                     Text(found.source), found.is_error != 0});
    }
    const auto strength = static_cast<Strength>(row.strength);
    if (strength != Strength::kNone) {
      element.binding = {strength, Text(row.value_set), Text(row.max_value_set)};
    }
    element.slicing = Slicing(row);
    element.fixed = Value(row.fixed);
    element.pattern = Value(row.pattern);
    element.min_value = Value(row.min_value);
    element.max_value = Value(row.max_value);
    if (row.max_length != 0) {
      element.max_length = row.max_length;
    }
    element.min = row.min;
    element.max = row.max;
    element.base_max = row.base_max;
    element.modifier = (row.flags & compiled::kModifier) != 0;
    element.must_support = (row.flags & compiled::kMustSupport) != 0;
    return element;
  }

  std::vector<std::string> Texts(Range range) const {
    std::vector<std::string> texts;
    for (const uint32_t text : view_.List(range)) {
      texts.push_back(Text(text));
    }
    return texts;
  }

  std::string Text(compiled::Text text) const { return std::string(view_.TextAt(text)); }

 private:
  std::optional<SlicingDraft> Slicing(const compiled::ElementRow& row) const {
    const auto rules = static_cast<SlicingRules>(row.rules);
    if (rules == SlicingRules::kNone) {
      return std::nullopt;
    }
    SlicingDraft slicing = {rules, (row.flags & compiled::kOrdered) != 0, {}};
    for (const auto& discriminator : View::In(view_.discriminators, row.discriminators)) {
      slicing.discriminators.push_back(
          {static_cast<DiscriminatorKind>(discriminator.kind), Text(discriminator.path)});
    }
    return slicing;
  }

  std::optional<ValueDraft> Value(uint16_t place) const {
    const std::vector<Json>& parameters = ItemsOf(values_, "parameter");
    if (place >= parameters.size()) {
      return std::nullopt;
    }
    const auto& [name, value] = parameters[place].members().back();
    ValueDraft draft = {name.substr(std::string_view("value").size()), {}};
    AppendJson(value, &draft.json);
    return draft;
  }

  const View& view_;
  Json values_;
};

}  // namespace

std::string ValuesJson(const std::vector<ValueDraft>& values) {
  std::string json = R"({"resourceType":"Parameters","parameter":[)";
  for (const ValueDraft& value : values) {
    json += json.ends_with('[') ? "" : ",";
    json += R"({"name":"value","value)" + value.type + "\":" + value.json + "}";
  }
  return json + "]}";
}

void PackStructure(const StructureDraft& structure, Writer* out) {
  compiled::ProfileRow row = {};
  row.url = out->Intern(structure.url);
  row.version = out->Intern(structure.version);
  row.name = out->Intern(structure.name);
  row.package = out->Intern(structure.package);
  row.base = out->Intern(structure.base);
  row.type_name = out->Intern(structure.type);
  row.flags = (structure.is_abstract ? compiled::kAbstract : 0u) |
              (structure.is_constraint ? compiled::kConstraint : 0u) |
              (structure.is_logical ? compiled::kLogical : 0u);
  row.contexts = {static_cast<uint32_t>(out->contexts.size()),
                  static_cast<uint32_t>(structure.contexts.size())};
  for (const ContextDraft& context : structure.contexts) {
    out->contexts.push_back({static_cast<uint32_t>(context.kind), out->Intern(context.expression)});
  }
  row.context_invariants = out->TextList(structure.context_invariants);
  row.elements = {static_cast<uint32_t>(out->elements.size()),
                  static_cast<uint32_t>(structure.elements.size())};
  Packer packer(out);
  for (const ElementDraft& element : structure.elements) {
    packer.Pack(element);
  }
  row.values = packer.Values();
  out->profiles.push_back(row);
}

StructureDraft UnpackStructure(const View& view, const compiled::ProfileRow& row) {
  const Unpacker unpacker(view, row);
  StructureDraft structure;
  structure.url = unpacker.Text(row.url);
  structure.version = unpacker.Text(row.version);
  structure.name = unpacker.Text(row.name);
  structure.package = unpacker.Text(row.package);
  structure.base = unpacker.Text(row.base);
  structure.type = unpacker.Text(row.type_name);
  structure.is_abstract = (row.flags & compiled::kAbstract) != 0;
  structure.is_constraint = (row.flags & compiled::kConstraint) != 0;
  structure.is_logical = (row.flags & compiled::kLogical) != 0;
  structure.context_invariants = unpacker.Texts(row.context_invariants);
  for (const compiled::ContextRow& context : View::In(view.contexts, row.contexts)) {
    structure.contexts.push_back(
        {static_cast<ContextKind>(context.kind), unpacker.Text(context.expression)});
  }
  for (const compiled::ElementRow& element : View::In(view.elements, row.elements)) {
    structure.elements.push_back(unpacker.Unpack(element));
  }
  return structure;
}

}  // namespace gw::fhir
