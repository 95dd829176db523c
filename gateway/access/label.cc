#include "gateway/access/label.h"

#include <algorithm>
#include <array>
#include <set>

#include "gateway/access/codes_internal.h"
#include "gateway/access/consent_internal.h"

namespace gw::access {
namespace {

using fhir::Element;

constexpr std::string_view kPatientPrefix = "Patient/";
// References to these tell nothing clinical.
constexpr std::array<std::string_view, 9> kNotClinical = {
    "Patient",  "Practitioner",  "PractitionerRole", "Organization",     "Location",
    "Endpoint", "RelatedPerson", "Device",           "HealthcareService"};

// What the parts of one resource say of its label class.
struct Gathered {
  std::set<std::string, std::less<>> contained;
  std::set<std::string, std::less<>> levels;
  std::set<std::string, std::less<>> labels;
  bool narrative = false;
  bool clinical_references = false;
};

void AddCoding(const Element& coding, Gathered* out) {
  const CodeView code{coding.TextAt("system"), coding.TextAt("code")};
  if (code.code.empty() && code.system.empty()) {
    return;
  }
  std::string text = LabelText(code);
  (text.find('@') == std::string::npos ? out->levels : out->labels).insert(std::move(text));
}

void AddCodings(const Element& parent, std::string_view name, Gathered* out) {
  for (const Element* child = parent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      AddCoding(*child, out);
    }
  }
}

// The labels that a resource node itself carries.
void AddOwnLabels(const Element& resource, Gathered* out) {
  if (const Element* meta = resource.Child("meta"); meta != nullptr) {
    AddCodings(*meta, "security", out);
  }
  const std::string_view type = resource.type().name();
  for (const Element* child = resource.first_child(); child != nullptr; child = child->next()) {
    if (type == "DocumentReference" && child->name() == "securityLabel") {
      AddCodings(*child, "coding", out);
    } else if (type == "Composition" && child->name() == "confidentiality") {
      out->levels.insert(LabelText({kConfidentiality, child->text()}));
    }
  }
}

bool IsClinicalTarget(std::string_view reference) {
  const std::string_view local = LocalReference(reference);
  const std::string_view type = local.substr(0, local.find('/'));
  return std::find(kNotClinical.begin(), kNotClinical.end(), type) == kNotClinical.end();
}

// Recursion follows a parsed tree, whose depth limits.json_depth_max bounds.
void Gather(const Element& node, Gathered* out) {
  for (const Element* child = node.first_child(); child != nullptr; child = child->next()) {
    if (child->is_resource()) {
      out->contained.insert(std::string(child->type().name()));
      AddOwnLabels(*child, out);
    } else if (child->type().name() == "Reference") {
      out->clinical_references |= IsClinicalTarget(child->TextAt("reference"));
    } else if (child->type().name() == "Narrative") {
      out->narrative |= child->TextAt("status") != "empty";
    }
    Gather(*child, out);
  }
}

void CollectPersons(const Element& node, std::vector<std::string>* persons) {
  if (node.type().name() == "Reference") {
    const std::string_view reference = node.TextAt("reference");
    const std::string_view local =
        reference.starts_with(kPatientPrefix) ? LocalReference(reference) : std::string_view();
    if (local.size() > kPatientPrefix.size()) {
      const std::string_view id = local.substr(kPatientPrefix.size());
      if (std::find(persons->begin(), persons->end(), id) == persons->end()) {
        persons->emplace_back(id);
      }
    }
  }
  for (const Element* child = node.first_child(); child != nullptr; child = child->next()) {
    CollectPersons(*child, persons);
  }
}

}  // namespace

std::string_view LocalReference(std::string_view reference) {
  const size_t slash = reference.find('/');
  if (slash == 0 || slash == std::string_view::npos || reference.find(':') < slash) {
    return {};
  }
  const size_t end = reference.find('/', slash + 1);
  if (end != std::string_view::npos && reference.substr(end, 10) != "/_history/") {
    return {};
  }
  return reference.substr(0, end);
}

std::string LabelClassOf(const fhir::Resource& resource) {
  Gathered gathered;
  AddOwnLabels(resource.root(), &gathered);
  Gather(resource.root(), &gathered);
  std::string text(resource.type());
  for (const std::string& type : gathered.contained) {
    text.append(" +").append(type);
  }
  if (gathered.narrative && (gathered.clinical_references || !gathered.contained.empty())) {
    text.append(" ~text");
  }
  for (const auto* words : {&gathered.levels, &gathered.labels}) {
    for (const std::string& word : *words) {
      text.append(" ").append(word);
    }
  }
  return text;
}

std::vector<std::string> PersonsOf(const fhir::Resource& resource) {
  std::vector<std::string> persons;
  const Element& root = resource.root();
  if (resource.type() == "Patient" && !resource.id().empty()) {
    persons.emplace_back(resource.id());
  }
  for (const std::string_view name : {"subject", "patient", "beneficiary", "for"}) {
    if (const Element* subject = root.Child(name); subject != nullptr) {
      CollectPersons(*subject, &persons);
    }
  }
  CollectPersons(root, &persons);
  return persons;
}

}  // namespace gw::access
