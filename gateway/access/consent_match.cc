#include <algorithm>

#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

Truth Known(bool holds) { return holds ? Truth::kYes : Truth::kNo; }

bool IsRegistered(std::string_view system, std::string_view code, const PolicySettings& policy) {
  return std::any_of(policy.registered_purposes.begin(), policy.registered_purposes.end(),
                     [&](std::string_view name) {
                       return name.size() == system.size() + 1 + code.size() &&
                              name.starts_with(system) && name[system.size()] == '|' &&
                              name.ends_with(code);
                     });
}

Truth PurposeTruthOf(const PurposeRule& rule, const Asked& asked) {
  if (rule.code == asked.purpose && rule.system == asked.purpose_system) {
    return Truth::kYes;
  }
  if (!rule.of_hierarchy) {
    return IsRegistered(rule.system, rule.code, asked.policy) ? Truth::kNo : Truth::kMaybe;
  }
  if (!asked.purpose_of_hierarchy) {
    return Truth::kMaybe;  // a project of its own: it may well be of the kind that is named
  }
  if (asked.definitions.Subsumes(kActReason, rule.code, asked.purpose)) {
    return Truth::kYes;
  }
  // Asked more broadly than the rule names. Not for the TREAT family: v3 puts POPHLTH below
  // TREAT, and who refuses population health does not refuse care (consent.md 1.3).
  if (!asked.treatment && asked.definitions.Subsumes(kActReason, asked.purpose, rule.code)) {
    return Truth::kMaybe;
  }
  return Truth::kNo;
}

// A rule names someone by local reference, and the caller is known by others.
Truth OtherReference(const ActorRule& rule, const Asked& asked) {
  if (rule.type == "Organization") {
    return asked.has_organization || asked.caller != Caller::kStaff ? Truth::kNo : Truth::kMaybe;
  }
  if (rule.type == "Practitioner") {
    return asked.has_practitioner || asked.caller != Caller::kStaff ? Truth::kNo : Truth::kMaybe;
  }
  return Truth::kMaybe;  // Group, CareTeam, PractitionerRole, Device: who is in it we cannot tell
}

Truth IdentifierTruth(const fhir::Identifier& wanted, const Asked& asked) {
  bool same_system = false;
  const auto compare = [&](const fhir::Identifier& mine) {
    same_system |= !mine.value.empty() && mine.system == wanted.system && !mine.system.empty();
    return mine.system == wanted.system && mine.value == wanted.value && !mine.system.empty();
  };
  const bool equal =
      std::any_of(asked.actor.identifiers.begin(), asked.actor.identifiers.end(), compare) ||
      compare(asked.principal.organization) || compare(asked.principal.practitioner);
  if (equal) {
    return Truth::kYes;
  }
  return same_system ? Truth::kNo : Truth::kMaybe;
}

Truth ActorTruthOf(const ActorRule& rule, const Asked& asked) {
  if (!rule.recipient) {
    return Truth::kMaybe;
  }
  // A launch patient says about whom is asked, not who asks; a person's own access is not decided
  // by Consents. A proxy is known by exactly one reference.
  if (rule.type == "Patient") {
    return Truth::kNo;
  }
  if (rule.type == "RelatedPerson") {
    return Known(asked.caller == Caller::kProxy && rule.reference == asked.proxy_reference);
  }
  if (!rule.reference.empty() && asked.Names(rule.reference)) {
    return Truth::kYes;
  }
  const Truth identifier =
      rule.identifier ? IdentifierTruth(*rule.identifier, asked) : Truth::kMaybe;
  if (identifier == Truth::kYes || rule.reference.empty()) {
    return identifier;
  }
  return OtherReference(rule, asked);
}

// Deny reaches what a label stands for and what may be it: an equal or narrower label, a broader
// one, an unknown one.
Truth DeniedLabel(const LabelRule::Label& rule, const LabelClass::Label& data, const Asked& asked) {
  if (rule.text == data.text) {
    return Truth::kYes;
  }
  if (rule.sensitivity && data.kind == LabelClass::Kind::kSensitivity) {
    if (SensitivityCovers(rule.code, data.code, asked.definitions)) {
      return Truth::kYes;
    }
    return SensitivityCovers(data.code, rule.code, asked.definitions) ? Truth::kMaybe : Truth::kNo;
  }
  return rule.sensitivity && data.kind == LabelClass::Kind::kUnknown ? Truth::kMaybe : Truth::kNo;
}

// Confidentiality is a high-water mark: a refusal of R is one of V too (consent.md 1.1; read
// literally it would refuse everything below R instead).
Truth DeniedLabels(const LabelRule& rule, const Asked& asked, const LabelClass& data) {
  if (rule.lowest != Level::kNone && data.level >= rule.lowest) {
    return Truth::kYes;
  }
  Truth truth = rule.unknown || data.overflow || data.narrative ? Truth::kMaybe : Truth::kNo;
  for (const LabelRule::Label& label : rule.labels) {
    for (uint32_t i = 0; i < data.label_count; ++i) {
      truth = std::max(truth, DeniedLabel(label, data.labels[i], asked));
    }
  }
  return truth;
}

bool Covers(const LabelRule& rule, const LabelClass::Label& data, const Asked& asked) {
  return std::any_of(rule.labels.begin(), rule.labels.end(), [&](const LabelRule::Label& label) {
    return label.text == data.text ||
           (label.sensitivity && data.kind == LabelClass::Kind::kSensitivity &&
            SensitivityCovers(label.code, data.code, asked.definitions));
  });
}

// A permit of levels alone covers sensitivities below the highest of them; one that names labels
// too covers no sensitivity but those. A label that is not understood is covered only by name.
Truth PermittedLabels(const LabelRule& rule, const Asked& asked, const LabelClass& data) {
  if (data.overflow) {
    return Truth::kNo;
  }
  bool any_named = false;
  for (uint32_t i = 0; i < data.label_count; ++i) {
    const LabelClass::Label& label = data.labels[i];
    const bool raises =
        label.kind == LabelClass::Kind::kSensitivity || label.kind == LabelClass::Kind::kUnknown;
    if (!raises) {
      continue;
    }
    const bool covered = Covers(rule, label, asked);
    any_named |= covered;
    if (!covered && (!rule.labels.empty() || label.kind == LabelClass::Kind::kUnknown)) {
      return Truth::kNo;
    }
  }
  const bool by_level = rule.highest != Level::kNone && data.level <= rule.highest;
  // What is R for no more than the sensitivities named is covered with them.
  return Known(by_level || (any_named && data.level <= Level::kR));
}

bool HasType(const ClassRule& rule, std::string_view type) {
  return std::find(rule.types.begin(), rule.types.end(), type) != rule.types.end();
}

}  // namespace

Truth PeriodTruth(const Provision& rule, const Asked& asked) {
  return Known(rule.period.Contains(asked.now_us));
}

Truth ActorTruth(const Provision& rule, const Asked& asked) {
  Truth truth = rule.actors.empty() ? Truth::kYes : Truth::kNo;
  for (const ActorRule& actor : rule.actors) {
    truth = std::max(truth, ActorTruthOf(actor, asked));
  }
  return truth;
}

Truth PurposeTruth(const Provision& rule, const Asked& asked) {
  Truth truth = rule.purposes.empty() ? Truth::kYes : Truth::kNo;
  for (const PurposeRule& purpose : rule.purposes) {
    truth = std::max(truth, PurposeTruthOf(purpose, asked));
  }
  return truth;
}

Truth ActionTruth(const Provision& rule, const Asked& asked) {
  if (rule.actions == 0 || (rule.actions & asked.action) != 0) {
    return Truth::kYes;
  }
  return (rule.actions & kActionUnknown) != 0 ? Truth::kMaybe : Truth::kNo;
}

Truth ClassTruth(const Provision& rule, const Asked& asked, const LabelClass& data) {
  if (!rule.classes) {
    return Truth::kYes;
  }
  const ClassRule& classes = *rule.classes;
  const auto contained_end = data.contained.begin() + data.contained_count;
  if (rule.type == Effect::kPermit) {
    // What is contained is judged by the same rule: Practitioners and the like are not.
    const bool contained_too =
        !data.overflow &&
        std::all_of(data.contained.begin(), contained_end, [&](std::string_view type) {
          return HasType(classes, type) || asked.definitions.PatientCompartment(type).empty();
        });
    return Known(HasType(classes, data.type) && contained_too);
  }
  if (HasType(classes, data.type)) {
    return Truth::kYes;
  }
  const bool contains =
      std::any_of(data.contained.begin(), contained_end,
                  [&classes](std::string_view type) { return HasType(classes, type); });
  return contains || classes.unknown || data.overflow || data.narrative ? Truth::kMaybe
                                                                        : Truth::kNo;
}

Truth LabelTruth(const Provision& rule, const Asked& asked, const LabelClass& data) {
  if (!rule.labels) {
    return Truth::kYes;
  }
  return rule.type == Effect::kPermit ? PermittedLabels(*rule.labels, asked, data)
                                      : DeniedLabels(*rule.labels, asked, data);
}

bool NamesProxy(const Provision& rule, const Asked& asked) {
  return asked.caller == Caller::kProxy &&
         std::any_of(rule.actors.begin(), rule.actors.end(), [&asked](const ActorRule& actor) {
           return actor.recipient && actor.reference == asked.proxy_reference;
         });
}

}  // namespace gw::access
