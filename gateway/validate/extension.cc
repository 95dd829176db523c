#include <algorithm>
#include <string>

#include "gateway/validate/profile_internal.h"
#include "gateway/validate/walk_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;

constexpr std::string_view kNarrativeLink = "http://hl7.org/fhir/StructureDefinition/narrativeLink";
constexpr uint32_t kConformanceDepthMax = 8;  // profiles that ask for each other

// Is the element that path, from a type that holds it: "HumanName.family", "Patient.contact.name"?
bool IsAtPath(const Element& element, std::string_view path) {
  const Element* at = &element;
  for (size_t dot = path.rfind('.'); dot != std::string_view::npos; dot = path.rfind('.')) {
    if (at != nullptr && at->type().name() == path) {
      return true;  // an inner type that contains itself: Questionnaire.item
    }
    std::string_view name = path.substr(dot + 1);
    if (name.ends_with("[x]")) {
      name.remove_suffix(3);
    }
    if (at == nullptr || at->name() != name) {
      return false;
    }
    path = path.substr(0, dot);
    at = at->parent();
  }
  return at != nullptr && at->type().Is(path);
}

// R4's own definitions use their tooling's extensions elsewhere than they state.
bool IsTooling(const Element& holder, const fhir::Profile& definition) {
  constexpr std::string_view kTooling =
      "http://hl7.org/fhir/StructureDefinition/structuredefinition-";
  return holder.type().name().starts_with("ElementDefinition") ||
         (holder.is_resource() && definition.url.starts_with(kTooling));
}

}  // namespace

bool Walk::IsInContext(const Element& holder, const fhir::ContextRule& context) {
  switch (context.kind) {
    case fhir::ContextKind::kExtension:
      return holder.type().name() == "Extension" && holder.TextAt("url") == context.expression;
    case fhir::ContextKind::kElement:
      return context.expression == "Element" || context.expression == "Any" ||
             (context.expression == "CanonicalResource" && holder.is_resource()) ||
             IsAtPath(holder, context.expression);
    case fhir::ContextKind::kFhirPath:
      break;
  }
  // The elements that the expression selects, from the resource; one that cannot be asked, here or
  // at all, judges nothing.
  const fhir::path::Expression* expression = rules_.profiles.ExpressionOf(context.expression);
  if (expression == nullptr) {
    return true;
  }
  const Result<fhir::path::Collection> found =
      expression->Evaluate(environment_.resource, environment_);
  return !found || std::any_of(found->begin(), found->end(), [&](const fhir::path::Value& value) {
    return value.element() == &holder;
  });
}

// May an extension stand on that element (StructureDefinition.context)?
bool Walk::MayStand(const Element& extension, const fhir::Profile& definition) {
  const Element& holder = *extension.parent();
  return IsTooling(holder, definition) || definition.contexts.empty() ||
         std::any_of(
             definition.contexts.begin(), definition.contexts.end(),
             [&](const fhir::ContextRule& context) { return IsInContext(holder, context); });
}

// StructureDefinition.contextInvariant: asked of the element that has the extension, which is
// %extension. Only an answer of false refuses: many are written for another version's elements.
void Walk::ContextInvariants(const Element& extension, const fhir::Profile& definition) {
  const Element& holder = *extension.parent();
  if (IsTooling(holder, definition)) {
    return;
  }
  const std::pair<std::string_view, fhir::path::Collection> variables[] = {
      {"extension", {fhir::path::Value::Of(extension)}}};
  fhir::path::Environment environment = environment_;
  environment.variables = variables;
  for (const std::string_view invariant : definition.context_invariants) {
    const fhir::path::Expression* expression = rules_.profiles.ExpressionOf(invariant);
    if (expression == nullptr) {
      continue;
    }
    const Result<fhir::path::Collection> found = expression->Evaluate(&holder, environment);
    const bool is_false = found && found->size() == 1 &&
                          found->front().kind() == fhir::path::Value::Kind::kBoolean &&
                          !found->front().is_true();
    if (is_false) {
      findings_.Error("extension", "extension-context-invariant", extension,
                      "the extension may stand here only where " + std::string(invariant));
    }
  }
}

// An Extension: its url, and what the definition says of where it stands and what it holds. The
// parts of a complex one are named by their definition, and are known by it.
void Walk::Extension(const Element& element) {
  const std::string_view url = element.TextAt("url");
  const Element* holder = element.parent();
  if (url.empty() || holder == nullptr) {
    return;
  }
  const bool is_part = holder->type().name() == "Extension";
  if (!IsAbsolute(url)) {
    if (!is_part) {
      findings_.Error("value", "extension-url", element, "Extension.url is an absolute URL");
    }
    return;
  }
  if (url == kNarrativeLink) {
    NarrativeLink(element);
  }
  const ReadyProfile* definition = rules_.profiles.Find(url);
  if (definition == nullptr) {
    // An extension that nobody here knows may be passed over; not one that changes the meaning.
    const bool is_modifier = element.name() == "modifierExtension";
    findings_.Add(is_modifier ? Severity::kWarning : Severity::kInformation, "extension",
                  "extension-unknown", element,
                  "the definition of the extension is not known here");
    return;
  }
  const fhir::Profile& profile = *definition->profile;
  if (profile.type_name != "Extension") {
    findings_.Error("extension", "extension-url", element, "the url is not that of an extension");
    return;
  }
  if (!MayStand(element, profile)) {
    findings_.Error("extension", "extension-context", *holder,
                    "the extension " + std::string(profile.url) + " may not stand here");
  } else {
    ContextInvariants(element, profile);
  }
  if (profile.elements.front().modifier != (element.name() == "modifierExtension")) {
    findings_.Error("extension", "extension-modifier", element,
                    profile.elements.front().modifier
                        ? "an extension that changes the meaning is a modifierExtension"
                        : "the extension does not change the meaning, so it is no "
                          "modifierExtension");
  }
  ProfileCheck(rules_.profiles, *this, environment_, &findings_).Whole(element, *definition);
  ExtensionParts(element, *definition);
}

// The extension narrativeLink leads from data to the one place of a narrative that tells them.
// Asked where the narrative's resource is in the same Bundle.
void Walk::NarrativeLink(const Element& extension) {
  const Element* value = extension.Child("value");
  const std::string_view link = value == nullptr ? std::string_view() : value->text();
  const size_t fragment = link.find('#');
  if (bundle_ == nullptr || fragment == 0 || fragment == std::string_view::npos) {
    return;
  }
  const BundleScope::Match match = bundle_->Resolve(link, entry_);
  if (match.count != 1) {
    return;
  }
  const uint32_t count = bundle_->CountIds(match.entry, link.substr(fragment + 1));
  if (count != 1) {
    findings_.Error(
        count == 0 ? "not-found" : "multiple-matches", "narrative-link", *value,
        "the link leads to one place of the narrative; found: " + std::to_string(count));
  }
}

// A part whose url is relative is one that the definition lists.
void Walk::ExtensionParts(const Element& element, const ReadyProfile& definition) {
  const auto& elements = definition.profile->elements;
  for (const Element& part : Children(element)) {
    const std::string_view url = part.name() == "extension" ? part.TextAt("url") : "";
    if (url.empty() || IsAbsolute(url)) {
      continue;
    }
    bool is_listed = false;
    for (size_t place = 1; place < elements.size() && !is_listed; ++place) {
      const fhir::ElementRule& rule = elements[place];
      is_listed = rule.name == "url" && rule.fixed != nullptr && rule.fixed->text() == url &&
                  elements[rule.parent].name == "extension";
    }
    if (!is_listed) {
      findings_.Error("structure", "extension-part", part,
                      "the definition of the extension has no part of that url");
    }
  }
}

const Element* Walk::FindTarget(std::string_view reference) const {
  if (reference == "#") {
    return scope_.whole;
  }
  if (reference.starts_with('#')) {
    return Contained(reference.substr(1));
  }
  if (bundle_ == nullptr) {
    return nullptr;
  }
  const BundleScope::Match match = bundle_->Resolve(reference, entry_);
  return match.count == 1 ? bundle_->entries()[match.entry].resource : nullptr;
}

std::string_view Walk::FindType(std::string_view reference) const {
  if (reference.empty() || (reference.front() == '#' && FindTarget(reference) == nullptr)) {
    return {};
  }
  return TargetOf(reference, FormOf(reference, rules_.definitions));
}

Walk::Membership Walk::MemberOf(std::string_view value_set, std::string_view system,
                                std::string_view code) {
  const fhir::Terminology::Answer answer =
      rules_.profiles.terminology().ValidateCode(value_set, {system, code, {}, {}}).answer;
  return answer == fhir::Terminology::Answer::kYes  ? Membership::kMember
         : answer == fhir::Terminology::Answer::kNo ? Membership::kNotMember
                                                    : Membership::kUnknown;
}

std::optional<bool> Walk::ConformsTo(const Element& element, std::string_view profile) {
  const ReadyProfile* known = rules_.profiles.Find(profile);
  if (known == nullptr || conformance_depth_ >= kConformanceDepthMax) {
    return std::nullopt;
  }
  ++conformance_depth_;
  const bool conforms =
      ProfileCheck(rules_.profiles, *this, environment_, &findings_).Conforms(element, *known);
  --conformance_depth_;
  return conforms;
}

bool Walk::IsInSlice(const Element& element, std::string_view structure, std::string_view name) {
  const ReadyProfile* known = rules_.profiles.Find(structure);
  return known != nullptr && ProfileCheck(rules_.profiles, *this, environment_, &findings_)
                                 .IsInSlice(element, *known, name);
}

namespace {

constexpr std::string_view kProfileUrl = "http://hl7.org/fhir/StructureDefinition/";

// Codes of LOINC whose Observations are vital signs, and so have to conform
// (R4 observation-vitalsigns.html).
struct VitalSign {
  std::string_view code;
  std::string_view profile;
};
constexpr VitalSign kVitalSigns[] = {{"85353-1", "vitalspanel"}, {"9279-1", "resprate"},
                                     {"8867-4", "heartrate"},    {"2708-6", "oxygensat"},
                                     {"8310-5", "bodytemp"},     {"8302-2", "bodyheight"},
                                     {"9843-4", "headcircum"},   {"29463-7", "bodyweight"},
                                     {"39156-5", "bmi"},         {"85354-9", "bp"}};

std::string_view VitalSignOf(const Element& resource) {
  const Element* code = resource.type().name() == "Observation" ? resource.Child("code") : nullptr;
  if (!IsPresent(code)) {
    return {};
  }
  for (const Element& coding : Children(*code)) {
    if (coding.name() != "coding" || coding.TextAt("system") != "http://loinc.org") {
      continue;
    }
    for (const VitalSign& sign : kVitalSigns) {
      if (sign.code == coding.TextAt("code")) {
        return sign.profile;
      }
    }
  }
  return {};
}

}  // namespace

// The profiles that a resource claims, that R4 asks of it, and, of the outermost, those that the
// caller asks for.
void Walk::Profiles(const Element& resource) {
  std::vector<const ReadyProfile*> wanted;
  const auto want = [&wanted](const ReadyProfile* profile) {
    if (profile != nullptr && profile->profile->is_constraint &&
        std::find(wanted.begin(), wanted.end(), profile) == wanted.end()) {
      wanted.push_back(profile);
    }
  };
  if (const Element* meta = resource.Child("meta"); IsPresent(meta)) {
    for (const Element& claimed : Children(*meta)) {
      if (claimed.name() != "profile" || !claimed.has_text()) {
        continue;
      }
      const ReadyProfile* profile = rules_.profiles.Find(claimed.text());
      if (profile == nullptr) {
        findings_.Warning("not-found", "profile-unknown", claimed,
                          "the profile is not known here, so it was not checked");
      }
      want(profile);
    }
  }
  if (const std::string_view sign = VitalSignOf(resource); !sign.empty()) {
    want(rules_.profiles.Find(std::string(kProfileUrl) + std::string(sign)));
  }
  if (resource.parent() == nullptr) {
    for (const ReadyProfile* profile : asked_) {
      want(profile);
    }
  }
  const size_t first = findings_.size();
  for (const ReadyProfile* profile : wanted) {
    ProfileCheck(rules_.profiles, *this, environment_, &findings_).Whole(resource, *profile);
  }
  if (!wanted.empty()) {
    findings_.DropRepeats(first);
  }
}

}  // namespace gw::validate
