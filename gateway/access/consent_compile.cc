#include <algorithm>
#include <array>
#include <utility>

#include "gateway/access/consent_internal.h"
#include "gateway/access/label.h"

namespace gw::access {
namespace {

using fhir::Element;

constexpr std::string_view kConsentScope = "http://terminology.hl7.org/CodeSystem/consentscope";
constexpr std::string_view kConsentAction = "http://terminology.hl7.org/CodeSystem/consentaction";
constexpr std::string_view kPolicyCodes =
    "http://terminology.hl7.org/CodeSystem/consentpolicycodes";
constexpr std::string_view kResourceTypes = "http://hl7.org/fhir/resource-types";
// Roles of the value set security-role-type that mean "who gets to see it".
constexpr std::array<std::string_view, 7> kRecipients = {
    "IRCP", "PRCP", "GRANTEE", "DELEGATEE", "HPOWATT", "POWATT", "DPOWATT"};
constexpr std::array<std::string_view, 5> kDoNotGovern = {"draft", "proposed", "rejected",
                                                          "inactive", "entered-in-error"};

// Compiles the provisions of one Consent. The first thing not understood stops it.
class ProvisionCompiler {
 public:
  ProvisionCompiler(const fhir::Definitions& definitions, const Limits& limits,
                    CompiledConsent* out)
      : definitions_(definitions), limits_(limits), out_(*out) {}

  bool Compile(const Element& provision, std::string path, uint32_t depth) {
    if (depth > limits_.provision_depth_max) {
      return Fail("provisions nest too deep", path);
    }
    const size_t index = out_.provisions.size();
    out_.provisions.emplace_back();
    Provision rule;
    rule.path = std::move(path);
    if (!ReadType(provision, depth, &rule) || !ReadCriteria(provision, &rule)) {
      return false;
    }
    const std::string child_path = rule.path + ".provision[";
    out_.provisions[index] = std::move(rule);
    uint32_t position = 0;
    for (const Element* child = provision.first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "provision" &&
          !Compile(*child, child_path + std::to_string(position++) + "]", depth + 1)) {
        return false;
      }
    }
    out_.provisions[index].end = static_cast<uint32_t>(out_.provisions.size());
    return true;
  }

 private:
  bool Fail(std::string_view rule, std::string place) {
    out_.problem = Problem{rule, std::move(place)};
    return false;
  }

  bool ReadType(const Element& provision, uint32_t depth, Provision* rule) {
    const Element* type = provision.Child("type");
    if (type == nullptr) {
      return depth == 1 || Fail("a nested provision has a type", rule->path);
    }
    if (type->text() == "permit") {
      rule->type = Effect::kPermit;
    } else if (type->text() == "deny") {
      rule->type = Effect::kDeny;
    } else {
      return Fail("a provision's type is permit or deny", rule->path + ".type");
    }
    return true;
  }

  // Every element of R4 Consent.provision is named here: one that is not is not understood.
  bool ReadCriteria(const Element& provision, Provision* rule) {
    for (const Element* part = provision.first_child(); part != nullptr; part = part->next()) {
      const std::string_view name = part->name();
      bool understood = true;
      if (name == "period") {
        understood = ReadPeriod(*part, rule);
      } else if (name == "actor") {
        understood = ReadActor(*part, rule);
      } else if (name == "action") {
        understood = ReadAction(*part, rule);
      } else if (name == "purpose") {
        ReadPurpose(*part, rule);
      } else if (name == "class") {
        ReadClass(*part, rule);
      } else if (name == "securityLabel") {
        ReadLabel(*part, rule);
      } else if (name != "type" && name != "provision" && name != "id" && name != "extension") {
        understood =
            Fail("a criterion that is not evaluated", rule->path + "." + std::string(name));
      }
      if (!understood) {
        return false;
      }
    }
    return true;
  }

  bool ReadPeriod(const Element& period, Provision* rule) {
    const Element* start = period.Child("start");
    const Element* end = period.Child("end");
    for (const Element* bound : {start, end}) {
      if (bound != nullptr && !WindowOf(bound->text())) {
        return Fail("a bound of a period is a dateTime", rule->path + ".period");
      }
    }
    if (start != nullptr) {
      rule->period.low_us = WindowOf(start->text())->low_us;
    }
    if (end != nullptr) {
      rule->period.high_us = WindowOf(end->text())->high_us;
    }
    if ((start == nullptr && end == nullptr) || rule->period.low_us >= rule->period.high_us) {
      return Fail("a period has a bound and starts before it ends", rule->path + ".period");
    }
    return true;
  }

  bool ReadActor(const Element& actor, Provision* rule) {
    const Element* role = actor.Child("role");
    const Element* reference = actor.Child("reference");
    if (role == nullptr || reference == nullptr) {
      return Fail("an actor has a role and a reference", rule->path + ".actor");
    }
    ActorRule out;
    out.recipient = IsRecipient(*role);
    out.reference = LocalReference(reference->TextAt("reference"));
    out.type = out.reference.substr(0, out.reference.find('/'));
    const std::string_view value = reference->TextAt("identifier.value");
    if (!value.empty()) {
      out.identifier =
          fhir::Identifier{std::string(reference->TextAt("identifier.system")), std::string(value)};
    }
    if (out.reference.empty() && !out.identifier && reference->TextAt("reference").empty()) {
      return Fail("an actor's reference names someone", rule->path + ".actor");
    }
    rule->actors.push_back(std::move(out));
    return true;
  }

  static bool IsRecipient(const Element& role) {
    for (const Element* coding = role.first_child(); coding != nullptr; coding = coding->next()) {
      if (coding->name() != "coding") {
        continue;
      }
      const std::string_view system = coding->TextAt("system");
      const bool v3 = system == "http://terminology.hl7.org/CodeSystem/v3-ParticipationType" ||
                      system == "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
      if (v3 && std::find(kRecipients.begin(), kRecipients.end(), coding->TextAt("code")) !=
                    kRecipients.end()) {
        return true;
      }
    }
    return false;
  }

  static uint8_t ActionBits(std::string_view system, std::string_view code) {
    if (system != kConsentAction) {
      return kActionUnknown;
    }
    if (code == "collect") {
      return kActionCollect;
    }
    if (code == "access") {
      return kActionAccess;
    }
    if (code == "disclose") {
      return kActionDisclose;
    }
    if (code == "correct") {
      return kActionCorrect;
    }
    return kActionUnknown;
  }

  bool ReadAction(const Element& action, Provision* rule) {
    uint8_t bits = 0;
    for (const Element* coding = action.first_child(); coding != nullptr; coding = coding->next()) {
      if (coding->name() == "coding") {
        bits |= ActionBits(coding->TextAt("system"), coding->TextAt("code"));
      }
    }
    rule->actions |= bits == 0 ? static_cast<uint8_t>(kActionUnknown) : bits;
    return true;
  }

  void ReadPurpose(const Element& purpose, Provision* rule) {
    const CodeView code = Normalized({purpose.TextAt("system"), purpose.TextAt("code")});
    const bool of_hierarchy =
        code.system == kActReason && definitions_.Subsumes(kActReason, "PurposeOfUse", code.code);
    rule->purposes.push_back(
        PurposeRule{std::string(code.system), std::string(code.code), of_hierarchy});
  }

  void ReadClass(const Element& coding, Provision* rule) {
    if (!rule->classes) {
      rule->classes.emplace();
    }
    const std::string_view code = coding.TextAt("code");
    const fhir::TypeDef* type =
        coding.TextAt("system") == kResourceTypes ? definitions_.Find(code) : nullptr;
    if (type == nullptr || type->kind() != fhir::Kind::kResource || type->is_abstract()) {
      rule->classes->unknown = true;
    } else {
      rule->classes->types.emplace_back(code);
    }
  }

  void ReadLabel(const Element& coding, Provision* rule) {
    if (!rule->labels) {
      rule->labels.emplace();
    }
    LabelRule& labels = *rule->labels;
    const CodeView code = Normalized({coding.TextAt("system"), coding.TextAt("code")});
    const Level level = code.system == kConfidentiality ? LevelNamed(code.code) : Level::kNone;
    if (level != Level::kNone) {
      labels.lowest = labels.lowest == Level::kNone ? level : std::min(labels.lowest, level);
      labels.highest = std::max(labels.highest, level);
      return;
    }
    LabelRule::Label label;
    label.text = LabelText(code);
    label.code = label.text.substr(0, label.text.find('@'));
    const LabelClass::Kind kind = KindOf(label.text, definitions_);
    label.sensitivity = kind == LabelClass::Kind::kSensitivity;
    labels.unknown |= kind == LabelClass::Kind::kUnknown;
    labels.labels.push_back(std::move(label));
  }

  const fhir::Definitions& definitions_;
  const Limits& limits_;
  CompiledConsent& out_;
};

enum class Scope : uint8_t { kPrivacy, kResearch, kOther, kUnreadable };

Scope ScopeOf(const Element& consent) {
  Scope found = Scope::kUnreadable;
  const Element* scope = consent.Child("scope");
  if (scope == nullptr) {
    return found;
  }
  for (const Element* coding = scope->first_child(); coding != nullptr; coding = coding->next()) {
    if (coding->name() != "coding" || coding->TextAt("system") != kConsentScope) {
      continue;
    }
    const std::string_view code = coding->TextAt("code");
    if (code == "patient-privacy") {
      return Scope::kPrivacy;
    }
    if (code == "research") {
      found = Scope::kResearch;
    } else if ((code == "treatment" || code == "adr") && found == Scope::kUnreadable) {
      found = Scope::kOther;
    }
  }
  return found;
}

Base BaseNamed(std::string_view code) {
  if (code == "OPTIN" || code == "OPTINR" || code == "IMPLIED" || code == "IMPLIEDD") {
    return Base::kPermit;
  }
  if (code == "OPTOUT" || code == "OPTOUTE") {
    return Base::kDeny;
  }
  return code == "EMRGONLY" ? Base::kEmergencyOnly : Base::kNone;
}

// The base that policyRule names. A rule of consentpolicycodes is the name of a policy outside, as
// policy.uri is, and says nothing here; any other code that is not understood is a problem.
Base ReadPolicyRule(const Element& policy_rule, Problem* problem) {
  Base base = Base::kNone;
  bool external = false;
  for (const Element* coding = policy_rule.first_child(); coding != nullptr;
       coding = coding->next()) {
    if (coding->name() != "coding") {
      continue;
    }
    const CodeView code = Normalized({coding->TextAt("system"), coding->TextAt("code")});
    const Base named = code.system == kActCode ? BaseNamed(code.code) : Base::kNone;
    external |= code.system == kPolicyCodes;
    if (named != Base::kNone && base != Base::kNone && named != base) {
      *problem = Problem{"policyRule names two bases", "policyRule"};
      return Base::kNone;
    }
    base = named == Base::kNone ? base : named;
  }
  if (base == Base::kNone && !external) {
    *problem = Problem{"policyRule is no base that can be computed", "policyRule"};
  }
  return base;
}

const Element* FindModifierExtension(const Element& node) {
  for (const Element* child = node.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "modifierExtension") {
      return child;
    }
    if (const Element* found = FindModifierExtension(*child); found != nullptr) {
      return found;
    }
  }
  return nullptr;
}

bool HasCriteria(const Element& provision) {
  for (const Element* part = provision.first_child(); part != nullptr; part = part->next()) {
    if (part->name() != "provision" && part->name() != "id" && part->name() != "extension") {
      return true;
    }
  }
  return false;
}

void ReadBase(const Element& consent, const Element* root, CompiledConsent* out) {
  const bool typed = root != nullptr && root->Child("type") != nullptr;
  const Element* policy_rule = consent.Child("policyRule");
  if (policy_rule == nullptr && consent.Child("policy") == nullptr) {
    out->problem = Problem{"a Consent has a policy or a policyRule (ppc-1)", ""};
  } else if (policy_rule != nullptr) {
    out->base = ReadPolicyRule(*policy_rule, &out->problem);
  }
  if (out->problem.found() || typed) {
    return;
  }
  if (root != nullptr && HasCriteria(*root)) {
    out->problem = Problem{"a root provision with criteria has a type", "provision"};
  } else if (out->base == Base::kNone) {
    out->problem = Problem{"no base rule that can be computed", "policyRule"};
  }
}

// The window of the root alone: it says whether the Consent governs at all.
void ReadRootPeriod(const Element& root, CompiledConsent* out) {
  const Element* start = root.Path("period.start");
  const Element* end = root.Path("period.end");
  const std::optional<Window> low = start == nullptr ? Window{} : WindowOf(start->text());
  const std::optional<Window> high = end == nullptr ? Window{} : WindowOf(end->text());
  if (low && high && low->low_us < high->high_us) {
    out->period = Window{low->low_us, high->high_us};
  }
}

void CompileStructure(const Element& consent, const fhir::Definitions& definitions,
                      const Limits& limits, CompiledConsent* out) {
  const Element* root = consent.Child("provision");
  if (root != nullptr) {
    ReadRootPeriod(*root, out);
  }
  if (consent.Child("implicitRules") != nullptr) {
    out->problem = Problem{"implicitRules are not understood", "implicitRules"};
    return;
  }
  if (const Element* extension = FindModifierExtension(consent); extension != nullptr) {
    out->problem = Problem{"a modifierExtension is not understood", extension->Location()};
    return;
  }
  ReadBase(consent, root, out);
  if (root != nullptr && !out->problem.found()) {
    ProvisionCompiler(definitions, limits, out).Compile(*root, "provision", 1);
  }
  if (out->problem.found()) {
    out->provisions.clear();
  }
}

}  // namespace

std::optional<CompiledConsent> CompileConsent(const fhir::Resource& consent,
                                              const fhir::Definitions& definitions,
                                              const Limits& limits) {
  CompiledConsent out;
  const std::string_view status = consent.root().TextAt("status");
  if (std::find(kDoNotGovern.begin(), kDoNotGovern.end(), status) != kDoNotGovern.end()) {
    return std::nullopt;
  }
  if (status != "active") {
    out.problem = Problem{"status is none of the required value set", "status"};
    return out;
  }
  const Scope scope = ScopeOf(consent.root());
  if (scope == Scope::kOther) {
    return std::nullopt;
  }
  if (scope == Scope::kUnreadable) {
    out.problem = Problem{"scope is a code that is understood", "scope"};
    return out;
  }
  out.research = scope == Scope::kResearch;
  CompileStructure(consent.root(), definitions, limits, &out);
  return out;
}

ConsentSet::ConsentSet(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
ConsentSet::~ConsentSet() = default;

std::shared_ptr<const ConsentSet> ConsentSet::Compile(
    std::span<const fhir::StoredResource> consents, std::string_view patient_class,
    const fhir::Definitions& definitions, const Limits& limits) {
  auto compiled = std::make_unique<Compiled>();
  compiled->patient_class = patient_class;
  for (const fhir::StoredResource& stored : consents) {
    if (stored.deleted) {
      continue;
    }
    const Result<fhir::Resource> consent = fhir::ParseJson(stored.json, definitions, limits);
    std::optional<CompiledConsent> entry;
    if (consent && consent->type() == "Consent") {
      entry = CompileConsent(*consent, definitions, limits);
    } else {
      entry.emplace();
      entry->problem = Problem{"not a Consent of R4", ""};
    }
    if (entry) {
      entry->id = stored.key.id;
      entry->version = stored.version;
      compiled->consents.push_back(*std::move(entry));
    }
  }
  // The order of retrieval must not show in a decision.
  std::sort(compiled->consents.begin(), compiled->consents.end(),
            [](const CompiledConsent& a, const CompiledConsent& b) { return a.id < b.id; });
  return std::shared_ptr<const ConsentSet>(new ConsentSet(std::move(compiled)));
}

Status CheckConsent(const fhir::Resource& consent, const fhir::Definitions& definitions,
                    const Limits& limits) {
  const auto refuse = [](std::string_view rule, std::string_view place) {
    std::string where = "Consent";
    if (place.starts_with("Consent")) {
      where = place;
    } else if (!place.empty()) {
      where.append(".").append(place);
    }
    return Error{Code::kUnprocessable, "the Consent cannot be enforced: " + std::string(rule),
                 where};
  };
  if (consent.type() != "Consent") {
    return refuse("not a Consent", "");
  }
  const std::optional<CompiledConsent> compiled = CompileConsent(consent, definitions, limits);
  if (compiled && compiled->problem.found()) {
    return refuse(compiled->problem.rule, compiled->problem.place);
  }
  const std::string_view patient = LocalReference(consent.root().TextAt("patient.reference"));
  if (compiled && (!patient.starts_with("Patient/") || patient.size() == 8)) {
    return refuse("whom it binds is a Patient kept here", "patient");
  }
  return {};
}

}  // namespace gw::access
