#include <algorithm>

#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

// What a provision says of a request, exceptions included.
struct Outcome {
  Effect effect = Effect::kSilent;
  uint32_t decisive = 0;  // index of the provision that says so
  bool names_proxy = false;
};

// One walk over the provisions of one Consent. Bounded by limits.provision_depth_max.
class Walk {
 public:
  Walk(const CompiledConsent& consent, const Asked& asked, const LabelClass& data)
      : provisions_(consent.provisions), asked_(asked), data_(data) {}

  // A deny matches if it might apply; its exceptions are permits inside it. A permit has two
  // halves: who, why, how and when on the one hand, which data on the other. Where only the first
  // holds, a permit nested in it may still widen the data (consent.md 1.3 rule 6).
  Outcome Of(uint32_t index, bool named) const {
    const Provision& rule = provisions_[index];
    const Truth request = std::min({PeriodTruth(rule, asked_), ActorTruth(rule, asked_),
                                    PurposeTruth(rule, asked_), ActionTruth(rule, asked_)});
    if (request == Truth::kNo) {
      return {};
    }
    const bool names = named || NamesProxy(rule, asked_);
    const Truth data = std::min(ClassTruth(rule, asked_, data_), LabelTruth(rule, asked_, data_));
    if (rule.type == Effect::kDeny) {
      return data == Truth::kNo ? Outcome{} : Denied(index, names);
    }
    if (request != Truth::kYes) {
      return {};
    }
    return data == Truth::kYes ? Permitted(index, names) : Widened(index, names);
  }

  // The strongest of the children: a deny wins over any permit.
  Outcome OfChildren(uint32_t index, bool named) const {
    return AllChildren(index, named).strongest;
  }

 private:
  struct Children {
    Outcome strongest;
    bool widens = false;  // a permit among them says something
  };

  // One visit to each: a second one at every level would double the work with every level.
  Children AllChildren(uint32_t index, bool named) const {
    Children all;
    for (uint32_t child = index + 1; child < provisions_[index].end;
         child = provisions_[child].end) {
      const Outcome outcome = Of(child, named);
      if (Lifted(child, outcome)) {
        continue;
      }
      all.widens |= provisions_[child].type == Effect::kPermit && outcome.effect != Effect::kSilent;
      const bool names_too = outcome.effect == Effect::kPermit && outcome.names_proxy &&
                             all.strongest.effect == Effect::kPermit;
      if (outcome.effect > all.strongest.effect || names_too) {
        all.strongest = outcome;
      }
    }
    return all;
  }

  // A nested deny that its own exception lifts says nothing more to its parent than silence.
  bool Lifted(uint32_t child, const Outcome& outcome) const {
    return provisions_[child].type == Effect::kDeny && outcome.effect == Effect::kPermit;
  }

  Outcome Denied(uint32_t index, bool named) const {
    const Outcome exception = OfChildren(index, named);
    return exception.effect == Effect::kSilent ? Outcome{Effect::kDeny, index, named} : exception;
  }

  Outcome Permitted(uint32_t index, bool named) const {
    const Outcome exception = OfChildren(index, named);
    const bool says_more = exception.effect == Effect::kDeny || (exception.names_proxy && !named);
    return says_more ? exception : Outcome{Effect::kPermit, index, named};
  }

  // The data half does not hold: denies nested here are exceptions to what is not granted, and
  // count only against a nested permit that widens it.
  Outcome Widened(uint32_t index, bool named) const {
    const Children nested = AllChildren(index, named);
    const bool applies = nested.strongest.effect != Effect::kDeny || nested.widens;
    return applies ? nested.strongest : Outcome{};
  }

  const std::vector<Provision>& provisions_;
  const Asked& asked_;
  const LabelClass& data_;
};

Statement Stating(Effect effect, std::string_view provision) {
  return Statement{effect,
                   effect == Effect::kPermit ? Reason::kConsentPermit : Reason::kConsentDeny,
                   provision, false};
}

Statement StatementOfBase(const CompiledConsent& consent, const Asked& asked) {
  switch (consent.base) {
    case Base::kPermit:
      return Stating(Effect::kPermit, "policyRule");
    case Base::kDeny:
      return Stating(Effect::kDeny, "policyRule");
    case Base::kEmergencyOnly:
      return Stating(asked.emergency ? Effect::kPermit : Effect::kDeny, "policyRule");
    case Base::kNone:
      break;
  }
  return {};
}

Statement From(const Outcome& outcome, const CompiledConsent& consent) {
  Statement statement = Stating(outcome.effect, consent.provisions[outcome.decisive].path);
  statement.names_proxy = outcome.names_proxy;
  return statement;
}

bool IsBarred(std::string_view bar, const LabelClass& data) {
  if (const Level level = LevelNamed(bar); level != Level::kNone) {
    return data.level >= level;
  }
  const bool any_system = bar.find('@') == std::string_view::npos;
  for (uint32_t i = 0; i < data.label_count; ++i) {
    if ((any_system ? data.labels[i].code : data.labels[i].text) == bar) {
      return true;
    }
  }
  return data.overflow;
}

// The reasons that stand before any Consent (consent.md 1.3 rule 2), and what no Consent opens.
std::optional<Reason> Barred(const Asked& asked, const LabelClass& data) {
  for (const std::string_view bar : asked.bars) {
    if (IsBarred(bar, data)) {
      return Reason::kLegalBar;
    }
  }
  if (!asked.purpose_known) {
    return Reason::kUnknownPurpose;
  }
  // Nothing here establishes that it is authorised, bound to one person and short (decision 5).
  if (asked.break_glass) {
    return Reason::kBreakGlass;
  }
  return std::nullopt;
}

// A purpose tag on data binds its use (R4 Consent.provision.securityLabel). HTEST marks test data.
bool ConflictsWithPurposeTags(const Asked& asked, const LabelClass& data) {
  bool tagged = false;
  for (uint32_t i = 0; i < data.label_count; ++i) {
    const LabelClass::Label& label = data.labels[i];
    if (label.kind != LabelClass::Kind::kPurpose || label.code == "HTEST") {
      continue;
    }
    tagged = true;
    if (asked.purpose_of_hierarchy &&
        asked.definitions.Subsumes(kActReason, label.code, asked.purpose)) {
      return false;
    }
  }
  return tagged;
}

bool HeldBackFromPatient(const LabelClass& data) {
  return data.overflow || data.Has("NOPAT@v3-ActCode") || data.Has("TBOO@v3-ActCode");
}

Verdict Implicit(const Asked& asked, const LabelClass& data) {
  Verdict verdict;
  verdict.reason = Reason::kImplicitPolicy;
  if (asked.policy.implicit == ImplicitPolicy::kBasicNormal) {
    verdict.permit = asked.clinical && asked.individual_care;
  } else {
    verdict.permit = asked.policy.implicit == ImplicitPolicy::kAllNormal;
  }
  const std::vector<std::string>& withheld = asked.policy.implicit_withholds;
  for (uint32_t i = 0; i < data.label_count && verdict.permit; ++i) {
    const LabelClass::Label& label = data.labels[i];
    verdict.permit =
        label.kind != LabelClass::Kind::kSensitivity ||
        std::none_of(withheld.begin(), withheld.end(), [&](const std::string& sensitivity) {
          return SensitivityCovers(sensitivity, label.code, asked.definitions) ||
                 SensitivityCovers(label.code, sensitivity, asked.definitions);
        });
  }
  verdict.permit = verdict.permit && !(data.overflow && !withheld.empty());
  return verdict;
}

// Takes `next` in where it weighs more: unreadable, deny, permit, not covered, silence (rule 8).
void Weigh(const CompiledConsent& consent, const Statement& next, bool counts, Verdict* verdict,
           uint32_t* weight) {
  uint32_t mine = 0;
  if (next.reason == Reason::kUnreadable) {
    mine = 4;
  } else if (next.effect == Effect::kDeny) {
    mine = 3;
  } else if (next.effect == Effect::kPermit && counts) {
    mine = 2;
  } else if (next.effect == Effect::kPermit || next.reason == Reason::kNotCovered) {
    mine = 1;
  }
  if (mine > *weight) {
    *weight = mine;
    const Reason reason = mine == 1 ? Reason::kNotCovered : next.reason;
    *verdict = Verdict{mine == 2, reason, &consent, next.provision};
  }
}

Verdict ByConsents(const Asked& asked, const ConsentSet::Compiled& consents,
                   const LabelClass& data) {
  Verdict verdict;
  uint32_t weight = 0;
  for (const CompiledConsent& consent : consents.consents) {
    if ((consent.research && !asked.research) || !consent.period.Contains(asked.now_us)) {
      continue;
    }
    const Statement statement = StatementOf(consent, asked, data);
    // A proxy needs a permit that names him: one for everybody is no delegation (rule 3).
    const bool counts = asked.caller != Caller::kProxy || statement.names_proxy;
    Weigh(consent, statement, counts, &verdict, &weight);
  }
  if (weight > 0) {
    return verdict;
  }
  return asked.caller == Caller::kProxy ? Verdict{} : Implicit(asked, data);
}

// A patient for himself: all of his own but what is held back from him (rule 3).
Verdict ForPatient(const Asked& asked, std::string_view person, const LabelClass& data) {
  if (!asked.actor.SamePerson(person, asked.patient)) {
    return Verdict{false, Reason::kOtherPatient, nullptr, {}};
  }
  if (HeldBackFromPatient(data)) {
    return Verdict{false, Reason::kNoPatient, nullptr, {}};
  }
  return Verdict{true, Reason::kPatientSelf, nullptr, {}};
}

}  // namespace

std::string_view NameOf(Reason reason) {
  switch (reason) {
    case Reason::kConsentPermit:
      return "consent-permit";
    case Reason::kConsentDeny:
      return "consent-deny";
    case Reason::kNotCovered:
      return "not-covered";
    case Reason::kImplicitPolicy:
      return "implicit-policy";
    case Reason::kUnreadable:
      return "unreadable";
    case Reason::kUnavailable:
      return "consents-unavailable";
    case Reason::kLegalBar:
      return "legal-bar";
    case Reason::kUnknownPurpose:
      return "unknown-purpose";
    case Reason::kBreakGlass:
      return "break-glass-not-authorised";
    case Reason::kPurposeTag:
      return "purpose-tag";
    case Reason::kNoPatient:
      return "nopat";
    case Reason::kPatientSelf:
      return "patient-self";
    case Reason::kOtherPatient:
      return "other-patient";
    case Reason::kOutsideCompartment:
      return "outside-compartment";
    case Reason::kProxyInvalid:
      return "proxy-not-valid";
    case Reason::kNeedsMasking:
      return "needs-masking";
  }
  return "unreadable";
}

Statement StatementOf(const CompiledConsent& consent, const Asked& asked, const LabelClass& data) {
  if (consent.problem.found()) {
    return Statement{Effect::kDeny, Reason::kUnreadable, consent.problem.place, false};
  }
  const Statement base = StatementOfBase(consent, asked);
  if (consent.provisions.empty()) {
    return base;
  }
  const Walk walk(consent, asked, data);
  const Provision& root = consent.provisions.front();
  if (root.type == Effect::kSilent) {
    const Outcome exception = walk.OfChildren(0, false);
    const bool changes = exception.effect != Effect::kSilent && exception.effect != base.effect;
    return changes || exception.names_proxy ? From(exception, consent) : base;
  }
  const Outcome outcome = walk.Of(0, false);
  if (outcome.effect != Effect::kSilent) {
    return From(outcome, consent);
  }
  return root.type == Effect::kPermit
             ? Statement{Effect::kSilent, Reason::kNotCovered, root.path, false}
             : base;
}

Verdict DecideFor(const Asked& asked, std::string_view person, const ConsentSet::Compiled& consents,
                  std::string_view label_class) {
  const LabelClass data = ReadLabelClass(label_class, asked.definitions);
  if (asked.within && !asked.actor.SamePerson(person, *asked.within)) {
    return Verdict{false, Reason::kOutsideCompartment, nullptr, {}};
  }
  if (const std::optional<Reason> barred = Barred(asked, data); barred) {
    return Verdict{false, *barred, nullptr, {}};
  }
  if (asked.caller == Caller::kPatient) {
    return ForPatient(asked, person, data);
  }
  if (asked.caller == Caller::kProxy && !asked.proxy_valid) {
    return Verdict{false, Reason::kProxyInvalid, nullptr, {}};
  }
  if (asked.caller == Caller::kProxy && HeldBackFromPatient(data)) {
    return Verdict{false, Reason::kNoPatient, nullptr, {}};
  }
  if (ConflictsWithPurposeTags(asked, data)) {
    return Verdict{false, Reason::kPurposeTag, nullptr, {}};
  }
  // A restricted person's whereabouts must be masked (PDS, consent.md section 4); until masking is
  // understood the record is withheld whole.
  if (data.type == "Patient" && data.level >= Level::kR) {
    return Verdict{false, Reason::kNeedsMasking, nullptr, {}};
  }
  return ByConsents(asked, consents, data);
}

}  // namespace gw::access
