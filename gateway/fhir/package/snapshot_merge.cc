#include <algorithm>
#include <utility>

#include "gateway/fhir/package/snapshot_merge_internal.h"

namespace gw::fhir {
namespace {

Error Contradiction(std::string rule) { return {Code::kInvalid, std::move(rule), {}}; }

Status MergeCardinality(const ElementDraft& differential, ElementDraft* element) {
  const uint16_t base_min = element->min.value_or(0);
  const uint16_t base_max = element->max.value_or(kMany);
  if (differential.min.value_or(base_min) < base_min) {
    return Contradiction("min is less than the base asks");
  }
  if (differential.max.value_or(base_max) > base_max) {
    return Contradiction("max is more than the base allows");
  }
  element->min = differential.min.value_or(base_min);
  element->max = differential.max.value_or(base_max);
  if (*element->min > *element->max) {
    return Contradiction("min is more than max");
  }
  if (!element->base_max) {
    element->base_max = element->max;
  }
  return {};
}

Status MergeTypes(const ElementDraft& differential, TypeOrder* order, ElementDraft* element) {
  if (differential.types.empty()) {
    return {};
  }
  const std::vector<TypeDraft> base = std::move(element->types);
  element->types = differential.types;
  for (TypeDraft& type : element->types) {
    const auto found = std::find_if(base.begin(), base.end(), [&](const TypeDraft& item) {
      return item.code == type.code || order->Fits(type.code, item.code);
    });
    if (found == base.end() && !base.empty()) {
      return Contradiction("a type that the base does not allow: " + type.code);
    }
    if (found != base.end() && type.profiles.empty() && found->code == type.code) {
      type.profiles = found->profiles;
    }
    if (found != base.end() && type.targets.empty()) {
      type.targets = found->targets;
    }
  }
  return {};
}

Status MergeBinding(const ElementDraft& differential, ElementDraft* element) {
  if (!differential.binding) {
    return {};
  }
  BindingDraft binding = *differential.binding;
  if (element->binding) {
    if (element->binding->strength == Strength::kRequired &&
        binding.strength != Strength::kRequired) {
      return Contradiction("a required binding may not be loosened");
    }
    if (binding.value_set.empty()) {
      binding.value_set = element->binding->value_set;
    }
    if (binding.max_value_set.empty()) {
      binding.max_value_set = element->binding->max_value_set;
    }
  }
  element->binding = std::move(binding);
  return {};
}

Status MergeSlicing(const ElementDraft& differential, ElementDraft* element) {
  if (!differential.slicing) {
    return {};
  }
  SlicingDraft slicing = *differential.slicing;
  if (element->slicing) {
    if (element->slicing->rules == SlicingRules::kClosed &&
        slicing.rules != SlicingRules::kClosed) {
      return Contradiction("a closed slicing may not be opened");
    }
    std::vector<DiscriminatorDraft> discriminators = element->slicing->discriminators;
    for (DiscriminatorDraft& discriminator : slicing.discriminators) {
      if (std::find(discriminators.begin(), discriminators.end(), discriminator) ==
          discriminators.end()) {
        discriminators.push_back(std::move(discriminator));
      }
    }
    slicing.discriminators = std::move(discriminators);
    slicing.ordered = slicing.ordered || element->slicing->ordered;
  }
  element->slicing = std::move(slicing);
  return {};
}

Status MergeValues(const ElementDraft& differential, ElementDraft* element) {
  if (differential.fixed) {
    if (element->fixed && *element->fixed != *differential.fixed) {
      return Contradiction("the base fixes another value");
    }
    element->fixed = differential.fixed;
  }
  const auto take = [](const auto& from, auto* to) {
    if (from) {
      *to = from;
    }
  };
  take(differential.pattern, &element->pattern);
  take(differential.min_value, &element->min_value);
  take(differential.max_value, &element->max_value);
  if (differential.max_length) {
    if (element->max_length.value_or(UINT32_MAX) < *differential.max_length) {
      return Contradiction("maxLength is more than the base allows");
    }
    element->max_length = differential.max_length;
  }
  return {};
}

}  // namespace

void AddConstraints(const std::vector<ConstraintDraft>& added, std::vector<ConstraintDraft>* out) {
  for (const ConstraintDraft& constraint : added) {
    const auto found = std::find_if(
        out->begin(), out->end(),
        [&constraint](const ConstraintDraft& item) { return item.key == constraint.key; });
    if (found == out->end()) {
      out->push_back(constraint);
    } else if (!constraint.expression.empty()) {
      *found = constraint;
    }
  }
}

Status MergeElement(const ElementDraft& differential, TypeOrder* order, ElementDraft* element) {
  GW_RETURN_IF_ERROR(MergeCardinality(differential, element));
  GW_RETURN_IF_ERROR(MergeTypes(differential, order, element));
  GW_RETURN_IF_ERROR(MergeBinding(differential, element));
  GW_RETURN_IF_ERROR(MergeSlicing(differential, element));
  GW_RETURN_IF_ERROR(MergeValues(differential, element));
  AddConstraints(differential.constraints, &element->constraints);
  element->modifier = element->modifier || differential.modifier;
  element->must_support = element->must_support || differential.must_support;
  if (!differential.content_reference.empty()) {
    element->content_reference = differential.content_reference;
  }
  return {};
}

}  // namespace gw::fhir
