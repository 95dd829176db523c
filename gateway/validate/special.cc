#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "gateway/validate/references_internal.h"
#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

using fhir::Definitions;
using fhir::Element;

// The concept properties that R4 defines, and the types that carry them
// (codesystem.html#defined-props).
struct StandardProperty {
  std::string_view code;
  std::string_view type;
};
constexpr auto kStandardProperties =
    std::to_array<StandardProperty>({{"inactive", "boolean"},
                                     {"deprecated", "dateTime"},
                                     {"deprecationDate", "dateTime"},
                                     {"notSelectable", "boolean"},
                                     {"parent", "code"},
                                     {"child", "code"}});
constexpr std::string_view kPropertyUri = "http://hl7.org/fhir/concept-properties#";

void PropertyDefinition(const Element& property, Findings* findings) {
  const std::string_view uri = property.TextAt("uri");
  if (!uri.starts_with(kPropertyUri)) {
    return;
  }
  const std::string_view meant = uri.substr(kPropertyUri.size());
  for (const StandardProperty& standard : kStandardProperties) {
    if (standard.code != meant) {
      continue;
    }
    if (property.TextAt("code") != meant) {
      const bool is_taken = std::any_of(
          kStandardProperties.begin(), kStandardProperties.end(),
          [&](const StandardProperty& other) { return other.code == property.TextAt("code"); });
      if (is_taken) {
        findings->Error("business-rule", "code-system-property", property,
                        "the code is that of another property than the URI");
      }
    }
    if (property.TextAt("type") != standard.type) {
      findings->Error("business-rule", "code-system-property", property,
                      "the property that the URI names has the type " + std::string(standard.type));
    }
  }
}

// `types`: of each property that the system defines, by its code: CodeSystem.property.type has the
// names of the choices of CodeSystem.concept.property.value.
void PropertyValues(const Element& holder,
                    const std::map<std::string_view, std::string_view>& types, Findings* findings) {
  for (const Element& item : Children(holder)) {
    if (item.name() != "concept") {
      continue;
    }
    for (const Element& property : Children(item)) {
      const Element* value = property.name() == "property" ? property.Child("value") : nullptr;
      const auto defined = types.find(property.TextAt("code"));
      if (IsPresent(value) && defined != types.end() && defined->second != value->type().name()) {
        findings->Error("business-rule", "code-system-property", property,
                        "the value is not of the type that the code system defines");
      }
    }
    PropertyValues(item, types, findings);
  }
}

// The properties of concepts: defined once, and used as defined.
void CodeSystem(const Element& system, const Definitions&, Findings* findings) {
  std::map<std::string_view, std::string_view> types;
  std::set<std::string_view> uris;
  for (const Element& property : Children(system)) {
    if (property.name() != "property") {
      continue;
    }
    const std::string_view code = property.TextAt("code");
    const std::string_view uri = property.TextAt("uri");
    if (!types.emplace(code, property.TextAt("type")).second) {
      findings->Error("business-rule", "code-system-property", property,
                      "a property of that code is defined already");
    }
    if (!uri.empty() && !uris.insert(uri).second) {
      findings->Error("business-rule", "code-system-property", property,
                      "a property of that URI is defined already");
    }
    PropertyDefinition(property, findings);
  }
  if (!types.empty()) {
    PropertyValues(system, types, findings);
  }
}

// Does the path of an ElementDefinition name an element of its R4 type? True also where that cannot
// be told: a choice whose type is open, an extension's own slices.
bool IsElementPath(std::string_view path, const Definitions& definitions) {
  size_t dot = path.find('.');
  const fhir::TypeDef* type = definitions.Find(path.substr(0, dot));
  while (type != nullptr && dot != std::string_view::npos) {
    path = path.substr(dot + 1);
    dot = path.find('.');
    std::string_view name = path.substr(0, dot);
    if (name.ends_with("[x]")) {
      name.remove_suffix(3);
    }
    const fhir::ElementDef* element = type->Find(name);
    const fhir::TypeDef::Property property = type->ByJsonName(name);
    if (element == nullptr && property.element == nullptr) {
      return type->is_abstract() || type->kind() == fhir::Kind::kPrimitive;
    }
    if (property.element != nullptr) {
      type = property.type;
    } else {
      type = element->types.size() == 1 ? element->types.front() : nullptr;
    }
  }
  return true;
}

// A profile's differential: paths of its base, no slicing of the root (profiling.html#slicing).
void StructureDefinition(const Element& structure, const Definitions& definitions,
                         Findings* findings) {
  const Element* differential = structure.Child("differential");
  const bool constrains = structure.TextAt("derivation") == "constraint";
  const fhir::TypeDef* type = definitions.Find(structure.TextAt("type"));
  if (!IsPresent(differential) || !constrains || type == nullptr) {
    return;
  }
  for (const Element& element : Children(*differential)) {
    const std::string_view path = element.TextAt("path");
    if (element.name() != "element" || path.empty()) {
      continue;
    }
    if (path.find('.') == std::string_view::npos && IsPresent(element.Child("slicing"))) {
      findings->Error("structure", "profile-root-slicing", element,
                      "the root of a profile cannot be sliced");
    }
    if (path.substr(0, path.find('.')) != type->name()) {
      findings->Error("structure", "profile-path", element,
                      "the path does not begin with the type that is constrained");
    } else if (!IsElementPath(path, definitions)) {
      findings->Error("structure", "profile-path", element,
                      "the path names no element of the type that is constrained");
    }
  }
}

// Attachment.size is the number of bytes before base64 (datatypes.html#Attachment).
void Attachment(const Element& attachment, const Definitions&, Findings* findings) {
  const std::string_view stated = attachment.TextAt("size");
  const std::string_view data = attachment.TextAt("data");
  if (stated.empty() || data.empty()) {
    return;
  }
  size_t characters = 0;
  size_t padding = 0;
  for (const char c : data) {
    characters += c == ' ' || c == '\t' || c == '\r' || c == '\n' ? 0u : 1u;
    padding += c == '=' ? 1u : 0u;
  }
  if (stated != std::to_string(characters / 4 * 3 - std::min(padding, characters))) {
    findings->Error("value", "attachment-size", attachment,
                    "the stated size is not that of the data");
  }
}

// datatypes.html#Identifier: a value that is a URI by itself has that system, and the other way.
void Identifier(const Element& identifier, const Definitions&, Findings* findings) {
  const std::string_view value = identifier.TextAt("value");
  if (identifier.TextAt("system") == "urn:ietf:rfc:3986" && !value.empty() && !IsAbsolute(value)) {
    // R4's own examples hold bare OIDs there.
    findings->Warning("value", "identifier-uri", identifier,
                      "a value of the system urn:ietf:rfc:3986 is an absolute URI");
  }
}

// terminologies.html#system: a set of codes is not what defines them.
void Coding(const Element& coding, const Definitions&, Findings* findings) {
  const std::string_view system = coding.TextAt("system");
  if (system.starts_with("http://hl7.org/fhir/ValueSet/") ||
      system.starts_with("http://terminology.hl7.org/ValueSet/")) {
    findings->Error("value", "coding-system", coding,
                    "the system of a code is a code system, not a value set");
  }
}

constexpr std::string_view kParameterUrl =
    "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter";
constexpr std::string_view kExpressionUrl =
    "http://hl7.org/fhir/StructureDefinition/cqf-expression";
// What FHIRPath itself names so (fhirpath.html#variables).
constexpr auto kVariables = std::to_array<std::string_view>(
    {"context", "resource", "rootResource", "ucum", "sct", "loinc"});

// The value of the extension of that url; null where there is none.
const Element* ExtensionValue(const Element& holder, std::string_view url) {
  for (const Element& extension : Children(holder)) {
    if (extension.name() == "extension" && extension.TextAt("url") == url) {
      return extension.Child("value");
    }
  }
  return nullptr;
}

// The names of the parameters that a value set states.
std::set<std::string_view> ParametersOf(const Element& value_set) {
  std::set<std::string_view> names;
  for (const Element& extension : Children(value_set)) {
    if (extension.name() == "extension" && extension.TextAt("url") == kParameterUrl) {
      const Element* name = ExtensionValue(extension, "name");
      names.insert(name == nullptr ? std::string_view() : name->text());
    }
  }
  return names;
}

// A filter whose value is an expression of one variable, "%name", names a parameter of the value
// set (the extensions valueset-parameter and cqf-expression).
void FilterParameter(const Element& filter, const std::set<std::string_view>& parameters,
                     Findings* findings) {
  const Element* value = filter.Child("value");
  const Element* expression = value == nullptr ? nullptr : ExtensionValue(*value, kExpressionUrl);
  const std::string_view text = expression == nullptr ? "" : expression->TextAt("expression");
  const bool is_variable = text.starts_with('%') &&
                           text.find_first_of(" .()[]|+*/='\"%", 1) == std::string_view::npos &&
                           expression->TextAt("language") == "text/fhirpath";
  if (!is_variable) {
    return;
  }
  const std::string_view name = text.substr(1);
  if (!parameters.contains(name) &&
      std::find(kVariables.begin(), kVariables.end(), name) == kVariables.end()) {
    findings->Error("business-rule", "value-set-parameter", *expression,
                    "the expression names no parameter of the value set");
  }
}

void ValueSet(const Element& value_set, const Definitions&, Findings* findings) {
  const Element* compose = value_set.Child("compose");
  if (!IsPresent(compose)) {
    return;
  }
  const std::set<std::string_view> parameters = ParametersOf(value_set);
  for (const Element& set : Children(*compose)) {  // include and exclude
    for (const Element& filter : Children(set)) {
      if (filter.name() == "filter") {
        FilterParameter(filter, parameters, findings);
      }
    }
  }
}

struct NamedRule {
  std::string_view type;
  SpecialRule rule;
};
constexpr NamedRule kRules[] = {
    {"CodeSystem", CodeSystem}, {"StructureDefinition", StructureDefinition},
    {"ValueSet", ValueSet},     {"Attachment", Attachment},
    {"Identifier", Identifier}, {"Coding", Coding}};

}  // namespace

SpecialRule SpecialRuleOf(std::string_view type) {
  for (const NamedRule& named : kRules) {
    if (named.type == type) {
      return named.rule;
    }
  }
  return nullptr;
}

}  // namespace gw::validate
