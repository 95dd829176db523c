#include <algorithm>
#include <utility>

#include "gateway/fhir/package/loaded_internal.h"

namespace gw::fhir {
namespace {

using compiled::Range;
using compiled::View;

constexpr Limits kValueLimits = {
    .body_bytes_max = 64u << 20, .json_items_max = 1'000'000, .json_nodes_max = 10'000'000};

std::string_view LastPart(std::string_view path) {
  std::string_view name = path.substr(path.rfind('.') + 1);
  if (name.ends_with("[x]")) {
    name.remove_suffix(3);
  }
  return name;
}

class ProfileMaker {
 public:
  ProfileMaker(const View& view, const Definitions& definitions, MadeProfile* out)
      : view_(view), definitions_(definitions), out_(*out) {}

  void Make(const compiled::ProfileRow& row) {
    ReadValues(row.values);
    Profile& profile = out_.profile;
    profile.url = Text(row.url);
    profile.version = Text(row.version);
    profile.name = Text(row.name);
    profile.package = Text(row.package);
    profile.base = Text(row.base);
    profile.type_name = Text(row.type_name);
    profile.type = definitions_.Find(profile.type_name);
    profile.is_abstract = (row.flags & compiled::kAbstract) != 0;
    profile.is_constraint = (row.flags & compiled::kConstraint) != 0;
    profile.context_invariants = Texts(row.context_invariants);
    const auto contexts = View::In(view_.contexts, row.contexts);
    profile.contexts = ArrayOf<ContextRule>(contexts.size(), [&](size_t index) {
      return ContextRule{static_cast<ContextKind>(contexts[index].kind),
                         Text(contexts[index].expression)};
    });
    const auto elements = View::In(view_.elements, row.elements);
    const std::span<ElementRule> rules =
        ArrayOf<ElementRule>(elements.size(), [&](size_t index) { return Rule(elements[index]); });
    LinkElements(rules);
    profile.elements = rules;
  }

 private:
  std::string_view Text(compiled::Text text) const { return view_.TextAt(text); }

  // An array in the arena; `make` is called with each index.
  template <typename T, typename Make>
  std::span<T> ArrayOf(size_t count, Make make) {
    if (count == 0) {
      return {};
    }
    T* items = static_cast<T*>(out_.arena.Allocate(sizeof(T) * count, alignof(T)));
    for (size_t index = 0; index < count; ++index) {
      new (items + index) T(make(index));
    }
    return {items, count};
  }

  std::span<const std::string_view> Texts(Range range) {
    const auto list = view_.List(range);
    return ArrayOf<std::string_view>(list.size(), [&](size_t index) { return Text(list[index]); });
  }

  TypeRule Type(const compiled::TypeRow& row) {
    const std::string_view code = Text(row.code);
    return {code, definitions_.Find(code), Texts(row.profiles), Texts(row.targets)};
  }

  Constraint ConstraintOf(const compiled::ConstraintRow& row) const {
    return {Text(row.key), Text(row.expression), Text(row.human), Text(row.source),
            row.is_error != 0};
  }

  ElementRule Rule(const compiled::ElementRow& row) {
    ElementRule rule;
    rule.id = Text(row.id);
    rule.path = Text(row.path);
    rule.name = LastPart(rule.path);
    rule.slice_name = Text(row.slice_name);
    rule.content_reference = Text(row.content_reference);
    const auto types = view_.List(row.types);
    rule.types = ArrayOf<TypeRule>(types.size(),
                                   [&](size_t index) { return Type(view_.types[types[index]]); });
    const auto constraints = view_.List(row.constraints);
    rule.constraints = ArrayOf<Constraint>(constraints.size(), [&](size_t index) {
      return ConstraintOf(view_.constraints[constraints[index]]);
    });
    rule.binding = {static_cast<Strength>(row.strength), Text(row.value_set),
                    Text(row.max_value_set)};
    rule.slicing.rules = static_cast<SlicingRules>(row.rules);
    rule.slicing.ordered = (row.flags & compiled::kOrdered) != 0;
    const auto discriminators = View::In(view_.discriminators, row.discriminators);
    rule.slicing.discriminators = ArrayOf<Discriminator>(discriminators.size(), [&](size_t index) {
      return Discriminator{static_cast<DiscriminatorKind>(discriminators[index].kind),
                           Text(discriminators[index].path)};
    });
    rule.fixed = Value(row.fixed);
    rule.pattern = Value(row.pattern);
    rule.min_value = Value(row.min_value);
    rule.max_value = Value(row.max_value);
    rule.max_length = row.max_length;
    rule.min = row.min;
    rule.max = row.max;
    rule.base_max = row.base_max;
    rule.choice = rule.path.ends_with("[x]");
    rule.modifier = (row.flags & compiled::kModifier) != 0;
    rule.must_support = (row.flags & compiled::kMustSupport) != 0;
    return rule;
  }

  void ReadValues(compiled::Text json) {
    if (Text(json).empty()) {
      return;
    }
    Result<Resource> values = ParseValues(Text(json), definitions_);
    if (!values) {
      return;
    }
    out_.values = *std::move(values);
    for (const Element* parameter = out_.values->root().first_child(); parameter != nullptr;
         parameter = parameter->next()) {
      values_.push_back(parameter->Child("value"));
    }
  }

  const Element* Value(uint16_t place) const {
    return place < values_.size() ? values_[place] : nullptr;
  }

  // Parents and ends, from the depth of the paths: children follow their parent, the slices of an
  // element follow its children.
  static void LinkElements(std::span<ElementRule> rules) {
    std::vector<uint32_t> open;  // the element of each depth that is open
    for (uint32_t place = 0; place < rules.size(); ++place) {
      const std::string_view path = rules[place].path;
      const auto depth = static_cast<size_t>(std::count(path.begin(), path.end(), '.'));
      while (open.size() > depth) {
        rules[open.back()].end = place;
        open.pop_back();
      }
      rules[place].parent = open.empty() ? UINT32_MAX : open.back();
      open.push_back(place);
    }
    for (const uint32_t place : open) {
      rules[place].end = static_cast<uint32_t>(rules.size());
    }
  }

  const View& view_;
  const Definitions& definitions_;
  MadeProfile& out_;
  std::vector<const Element*> values_;
};

}  // namespace

std::unique_ptr<MadeProfile> MakeProfile(const View& view, const compiled::ProfileRow& row,
                                         const Definitions& definitions) {
  auto made = std::make_unique<MadeProfile>();
  ProfileMaker(view, definitions, made.get()).Make(row);
  return made;
}

Result<Resource> ParseValues(std::string_view json, const Definitions& definitions) {
  return ParseJson(json, definitions, kValueLimits);
}

}  // namespace gw::fhir
