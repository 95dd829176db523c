#include <algorithm>
#include <array>
#include <string>

#include "gateway/validate/walk_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;
using fhir::ElementDef;
using fhir::Kind;

constexpr size_t kStringBytesMax = 1'048'576;  // datatypes.html#string
// Elements that run programs where a text is shown as a page (security.html#narrative).
constexpr auto kActive = std::to_array<std::string_view>(
    {"script", "iframe", "object", "embed", "applet", "form", "svg"});

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Does the text hold the start tag of an element that runs programs?
bool HasActiveContent(std::string_view text) {
  for (size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    std::array<char, 8> name{};
    size_t size = 0;
    for (size_t next = at + 1; next < text.size() && size < name.size() && IsLetter(text[next]);
         ++next) {
      name[size++] = Lower(text[next]);
    }
    const std::string_view tag(name.data(), size);
    if (std::find(kActive.begin(), kActive.end(), tag) != kActive.end()) {
      return true;
    }
  }
  return false;
}

// Has a coded element a code of a system that it names?
bool NamesSystem(const Element& element) {
  if (!element.TextAt("system").empty() && !element.TextAt("code").empty()) {
    return true;
  }
  for (const Element& child : Children(element)) {
    if (child.name() == "coding" && NamesSystem(child)) {
      return true;
    }
  }
  return false;
}

bool IsUriKind(fhir::Primitive primitive) {
  return primitive == fhir::Primitive::kUri || primitive == fhir::Primitive::kUrl ||
         primitive == fhir::Primitive::kCanonical;
}

// RFC 4122: hexadecimal digits in groups of 8, 4, 4, 4 and 12; as a URN of either case.
bool IsUuidUrn(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    c = Lower(c);
  }
  return fhir::IsLexicalForm(fhir::Primitive::kUuid, small);
}

// What datatypes.html asks of a URI beyond its characters; empty where it is met.
std::string_view UriFault(fhir::Primitive primitive, std::string_view text) {
  if (text.starts_with("oid:") || text.starts_with("uuid:")) {
    return "an OID or UUID as a URI begins with urn:";
  }
  // "|4.0.1" is the version of a canonical, which R4's expansions name as a URI, "#a" a part of it.
  const bool is_oid = text.starts_with("urn:oid:");
  if (is_oid || text.starts_with("urn:uuid:")) {
    const std::string_view name = text.substr(0, text.find_first_of("|#"));
    if (is_oid && !fhir::IsLexicalForm(fhir::Primitive::kOid, name)) {
      return "not a valid OID";
    }
    if (!is_oid && !IsUuidUrn(name)) {
      return "not a valid UUID";
    }
  }
  if (primitive == fhir::Primitive::kCanonical && text.front() != '#' && !IsAbsolute(text)) {
    return "a canonical is an absolute URL, or a fragment";
  }
  return {};
}

}  // namespace

void Walk::Primitive(const Element& element) {
  if (!element.has_text()) {
    return;
  }
  const fhir::Primitive primitive = element.type().primitive();
  const std::string_view text = element.text();
  if (!fhir::IsLexicalForm(primitive, text)) {
    findings_.Error("value", "lexical-form", element,
                    "not a valid " + std::string(element.type().name()));
    return;
  }
  if (primitive == fhir::Primitive::kXhtml) {
    CheckNarrative(element, &findings_, &scope_.local_references);
    return;
  }
  if (text.size() > kStringBytesMax && primitive != fhir::Primitive::kBase64Binary) {
    findings_.Error("too-long", "string-size", element, "a text has at most 1,048,576 bytes");
  }
  if (IsUriKind(primitive)) {
    if (const std::string_view fault = UriFault(primitive, text); !fault.empty()) {
      findings_.Error("value", "uri", element, std::string(fault));
    }
  } else if (primitive == fhir::Primitive::kString && HasActiveContent(text)) {
    findings_.Warning("value", kActiveContentRule, element,
                      "a text holds a tag that runs programs where it is shown");
  } else if (primitive == fhir::Primitive::kBase64Binary &&
             text.find_first_of(" \t\r\n") != std::string_view::npos) {
    findings_.Warning("value", "base64-white-space", element,
                      "base64 should be without white space (RFC 4648)");
  }
  const bool is_element_id =
      element.name() == "id" && element.parent() != nullptr && !element.parent()->is_resource();
  if (is_element_id && text.find(' ') != std::string_view::npos) {
    findings_.Error("value", "element-id", element, "the id of an element has no spaces");
  }
  if (text.front() == '#') {
    NoteLocalReference(element, text);
  }
}

void Walk::NoteLocalReference(const Element& element, std::string_view text) {
  if (!IsUriKind(element.type().primitive()) && element.name() != "reference") {
    return;
  }
  if (text.size() > 1) {
    scope_.local_references.push_back(text.substr(1));
  } else if (contained_ != nullptr) {
    scope_.refer_back.push_back(contained_);
  }
}

void Walk::Absolute(const Element& element, const TypeRules& rules) {
  for (const ElementDef* definition : rules.absolute) {
    const Element* uri = element.Child(definition->name);
    if (IsPresent(uri) && uri->has_text() && !IsAbsolute(uri->text())) {
      findings_.Error("value", "absolute-uri", *uri,
                      std::string(element.type().name()) + "." + std::string(definition->name) +
                          " is an absolute URI");
    }
  }
}

void Walk::Binding(const Element& element) {
  const ElementDef& definition = *element.definition();
  if (definition.binding < fhir::Strength::kExtensible) {
    return;
  }
  Membership membership = Membership::kUnknown;
  const std::string_view type = element.type().name();
  if (element.type().kind() == Kind::kPrimitive) {
    membership = CodeMembership(definition, element);
  } else if (type == "CodeableConcept") {
    membership = ConceptMembership(definition, element);
  } else if (type == "Coding" || element.type().Is("Quantity")) {
    membership = CodingMembership(definition, element);
  }
  if (membership == Membership::kUnknown && NamesSystem(element)) {
    findings_.Warning("not-found", "binding", element,
                      "the code could not be held against " + std::string(definition.value_set) +
                          ": not all of it is known here");
  }
  if (membership != Membership::kNotMember) {
    return;
  }
  if (definition.binding == fhir::Strength::kRequired) {
    findings_.Error("code-invalid", "binding", element,
                    "no code of the required value set " + std::string(definition.value_set));
  } else if (HasCode(element)) {
    findings_.Warning("code-invalid", "binding", element,
                      "no code of the extensible value set " + std::string(definition.value_set) +
                          ", which should be used where it has a suitable one");
  }
}

// What has no list may have a grammar (MIME types, languages). A code that does not fit it is worth
// a word, and no more: R4 itself writes "json" for a MIME type.
Walk::Membership Walk::CodeMembership(const ElementDef& definition, const Element& element) {
  const Membership listed = rules_.definitions.IsMember(definition.value_set, {}, element.text());
  if (listed == Membership::kUnknown && element.has_text() &&
      MemberOf(definition.value_set, {}, element.text()) == Membership::kNotMember) {
    findings_.Warning("code-invalid", "binding", element,
                      "not as codes of " + std::string(definition.value_set) + " are written");
  }
  return listed;
}

Walk::Membership Walk::CodingMembership(const ElementDef& definition, const Element& coding) const {
  return rules_.definitions.IsMember(definition.value_set, coding.TextAt("system"),
                                     coding.TextAt("code"));
}

// One coding of the set is enough; one that cannot be judged leaves the concept unjudged.
Walk::Membership Walk::ConceptMembership(const ElementDef& definition,
                                         const Element& concept_element) const {
  Membership best = rules_.definitions.IsMember(definition.value_set, {}, {});
  for (const Element& child : Children(concept_element)) {
    if (child.name() != "coding") {
      continue;
    }
    const Membership membership = CodingMembership(definition, child);
    if (membership == Membership::kMember) {
      return membership;
    }
    best = membership == Membership::kUnknown ? membership : best;
  }
  return best;
}

void Walk::Reference(const Element& element) {
  const std::string_view text = element.TextAt("reference");
  if (text.starts_with('#') && text.size() > 1 && Contained(text.substr(1)) == nullptr) {
    findings_.Error("structure", "ref-1", element, "ref-1: no contained resource has that id");
    return;
  }
  const ReferenceForm form = FormOf(text, rules_.definitions);
  const bool is_relative = !text.empty() && text.front() != '#' && !IsAbsolute(text);
  if (is_relative && (form.type.empty() || !form.root.empty())) {
    findings_.Error("value", "reference-form", element,
                    "a relative reference is [type]/[id] or a search, of a type of R4");
    return;
  }
  if (bundle_ != nullptr && !text.empty() && text.front() != '#') {
    ReferenceInBundle(element, text);
  }
  const std::string_view stated = element.TextAt("type");
  std::string_view target = TargetOf(text, form);
  if (!stated.empty() && !IsAbsolute(stated)) {
    if (!target.empty() && target != stated) {
      findings_.Error("structure", "reference-type", element,
                      "the type that the reference states is not that of its target");
    }
    const fhir::TypeDef* named = rules_.definitions.Find(stated);
    const bool is_resource = named != nullptr && named->kind() == Kind::kResource;
    target = target.empty() && is_resource ? stated : target;
  }
  if (element.definition() == nullptr || element.definition()->targets.empty()) {
    return;
  }
  const std::span<const std::string_view> targets = element.definition()->targets;
  if (!target.empty() && std::find(targets.begin(), targets.end(), target) == targets.end()) {
    findings_.Error("structure", "reference-target", element,
                    "the element may not refer to " + std::string(target));
  }
}

void Walk::ReferenceInBundle(const Element& element, std::string_view text) {
  const BundleScope::Match match = bundle_->Resolve(text, entry_);
  if (match.count > 1) {
    findings_.Error("structure", "bundle-reference", element,
                    std::to_string(match.count) + " entries of the Bundle match the reference");
  } else if (match.count == 0 && text.starts_with("urn:uuid:")) {
    findings_.Warning("not-found", "bundle-reference", element,
                      "no entry of the Bundle has the fullUrl that the reference names");
  }
  if (match.count > 0 && entry_ != BundleScope::kNone) {
    bundle_->Link(entry_, match.entry);
  }
}

// The type that a reference points at; empty where nothing tells.
std::string_view Walk::TargetOf(std::string_view text, const ReferenceForm& form) const {
  if (text == "#") {
    return scope_.whole->type().name();
  }
  if (text.starts_with('#')) {
    return Contained(text.substr(1))->type().name();
  }
  if (form.type.empty() && bundle_ != nullptr) {
    const BundleScope::Match match = bundle_->Resolve(text, entry_);
    const bool has_resource =
        match.count > 0 && bundle_->entries()[match.entry].resource != nullptr;
    return has_resource ? bundle_->entries()[match.entry].resource->type().name()
                        : std::string_view();
  }
  return form.type;
}

}  // namespace gw::validate
