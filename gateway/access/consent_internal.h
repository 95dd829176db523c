#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/access/codes_internal.h"
#include "gateway/access/label_class_internal.h"

namespace gw::access {

// Does a criterion hold? A deny is held to match from kMaybe on, a permit only at kYes.
enum class Truth : uint8_t { kNo, kMaybe, kYes };

enum class Effect : uint8_t { kSilent, kPermit, kDeny };

// Bits of consentaction codes.
enum Action : uint8_t {
  kActionCollect = 1,
  kActionAccess = 2,
  kActionUse = 4,
  kActionDisclose = 8,
  kActionCorrect = 16,
  kActionUnknown = 32  // a code of no meaning here, or "use", which every interaction might be
};

// [low, high) in microseconds since 1970; an open end is the type's extreme.
struct Window {
  int64_t low_us = INT64_MIN;
  int64_t high_us = INT64_MAX;
  bool Contains(int64_t moment_us) const { return low_us <= moment_us && moment_us < high_us; }
};

struct ActorRule {
  bool recipient = false;  // a role that means "who receives"; of any other we cannot tell
  std::string reference;   // "Organization/1"; empty: none that is local
  std::string type;        // "Organization"
  std::optional<fhir::Identifier> identifier;
};

struct PurposeRule {
  std::string system;
  std::string code;
  bool of_hierarchy = false;  // v3-PurposeOfUse
};

struct ClassRule {
  std::vector<std::string> types;
  bool unknown = false;  // a coding that is no R4 resource type
};

struct LabelRule {
  struct Label {
    std::string text;  // as in a label class
    std::string code;
    bool sensitivity = false;
  };
  Level lowest = Level::kNone;  // of the confidentiality levels named
  Level highest = Level::kNone;
  std::vector<Label> labels;
  bool unknown = false;  // a label of no meaning here
};

// One provision, understood. Its children stand behind it; `end` is one past its last descendant.
struct Provision {
  Effect type = Effect::kSilent;  // kSilent: a root without type
  uint32_t end = 0;
  std::string path;  // "provision.provision[1]"
  Window period;
  uint8_t actions = 0;  // Action bits; 0: any
  std::vector<ActorRule> actors;
  std::vector<PurposeRule> purposes;
  std::optional<ClassRule> classes;
  std::optional<LabelRule> labels;
};

enum class Base : uint8_t { kNone, kPermit, kDeny, kEmergencyOnly };

// What is not understood of a Consent, and where. `rule` is a constant; empty: all is understood.
struct Problem {
  std::string_view rule;
  std::string place;
  bool found() const { return !rule.empty(); }
};

struct CompiledConsent {
  std::string id;
  uint64_t version = 0;
  bool research = false;  // of scope research: governs research purposes only
  Window period;          // of the root: outside, the Consent is as if it were not there
  Problem problem;        // found: unreadable, denies
  Base base = Base::kNone;
  std::vector<Provision> provisions;  // in document order; [0] is the root; may be empty
};

struct ConsentSet::Compiled {
  std::vector<CompiledConsent> consents;  // those that may govern, by id
  std::string patient_class;              // of the record's Patient
};

// Empty: status says that it does not govern (draft, proposed, rejected, inactive,
// entered-in-error), or its scope (treatment, adr). A Consent of such a status is not read further.
std::optional<CompiledConsent> CompileConsent(const fhir::Resource& consent,
                                              const fhir::Definitions& definitions,
                                              const Limits& limits);

// A FHIR dateTime as the interval it names, dates in UTC. Empty for what is none.
std::optional<Window> WindowOf(std::string_view date_time);

// The local reference "Type/id" in a Reference.reference, without _history; empty for others.
std::string_view LocalReference(std::string_view reference);

enum class Caller : uint8_t { kStaff, kPatient, kProxy };

// The request as rules see it, made once for each. Views point into what Judge holds references to.
struct Asked {
  Asked(const Permit& permit_in, const Actor& actor_in, const PolicySettings& policy_in,
        const fhir::Definitions& definitions_in, Instant now);

  const Principal& principal;
  const Actor& actor;
  const PolicySettings& policy;
  const fhir::Definitions& definitions;
  int64_t now_us = 0;
  uint8_t action = 0;  // Action bit
  Caller caller = Caller::kStaff;
  std::string_view patient;           // kPatient: whose own record it is
  std::string proxy_reference;        // kProxy: "RelatedPerson/3"
  bool proxy_valid = false;           // the record is active and in its period
  std::vector<std::string> bars;      // absolute bars as label texts, or codes of any system
  std::optional<std::string> within;  // the compartment that bounds the permit
  bool auditor = false;
  std::string_view type;  // of the permit
  std::string_view purpose_system;
  std::string_view purpose;
  bool purpose_of_hierarchy = false;  // v3-PurposeOfUse; if false and known: a registered one
  bool purpose_known = false;
  bool treatment = false;        // of the TREAT family
  bool individual_care = false;  // treatment, but not population health
  bool emergency = false;        // of the ETREAT family
  bool break_glass = false;
  bool research = false;          // of the HRESCH family
  bool clinical = false;          // a clinical role
  bool has_organization = false;  // known by local reference
  bool has_practitioner = false;

  bool Names(std::string_view reference) const;
};

Truth PeriodTruth(const Provision& rule, const Asked& asked);
Truth ActorTruth(const Provision& rule, const Asked& asked);
Truth PurposeTruth(const Provision& rule, const Asked& asked);
Truth ActionTruth(const Provision& rule, const Asked& asked);
Truth ClassTruth(const Provision& rule, const Asked& asked, const LabelClass& data);
Truth LabelTruth(const Provision& rule, const Asked& asked, const LabelClass& data);
// Does an actor of this provision name the proxy who asks?
bool NamesProxy(const Provision& rule, const Asked& asked);

enum class Reason : uint8_t {
  kConsentPermit,
  kConsentDeny,
  kNotCovered,
  kImplicitPolicy,
  kUnreadable,
  kUnavailable,
  kLegalBar,
  kUnknownPurpose,
  kBreakGlass,
  kPurposeTag,
  kNoPatient,
  kPatientSelf,
  kOtherPatient,
  kOutsideCompartment,
  kProxyInvalid,
  kNeedsMasking
};
std::string_view NameOf(Reason reason);

// A decision without owning anything: `consent` and `provision` point into the ConsentSet.
struct Verdict {
  bool permit = false;
  Reason reason = Reason::kNotCovered;
  const CompiledConsent* consent = nullptr;
  std::string_view provision;
};

// What one Consent that governs says. kSilent with reason kNotCovered: a permit that does not reach
// this; kSilent with kImplicitPolicy: nothing.
struct Statement {
  Effect effect = Effect::kSilent;
  Reason reason = Reason::kImplicitPolicy;
  std::string_view provision;
  bool names_proxy = false;
};
Statement StatementOf(const CompiledConsent& consent, const Asked& asked, const LabelClass& data);

// The whole decision, consent.md 1.3. Allocates nothing.
Verdict DecideFor(const Asked& asked, std::string_view person, const ConsentSet::Compiled& consents,
                  std::string_view label_class);

}  // namespace gw::access
