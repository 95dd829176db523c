#include <set>
#include <string>
#include <vector>

#include "gateway/validate/walk_internal.h"

namespace gw::validate {
namespace {

using fhir::Element;

// Entries of these are asked for, or answered, and need no identity.
bool NeedsNoFullUrl(std::string_view type) {
  return type == "transaction" || type == "batch" || type == "transaction-response" ||
         type == "batch-response";
}

}  // namespace

// What bundle.html asks of the entries beside the invariants bdl-1 to bdl-12.
void Walk::BundleEntries() {
  BundleLinks(bundle_->bundle());
  for (const BundleScope::Entry& entry : bundle_->entries()) {
    if (!entry.full_url.empty()) {
      FullUrl(entry);
    } else if (bundle_->type() == "document" && entry.resource != nullptr) {
      findings_.Error("required", "full-url", *entry.element,
                      "an entry of a document has a fullUrl");
    }
  }
  const bool has_order = bundle_->type() == "document" || bundle_->type() == "message";
  if (has_order && bundle_->entries().empty()) {
    findings_.Error("required", "bundle-first", bundle_->bundle(),
                    "a document or message has at least one entry");
  }
}

void Walk::BundleLinks(const Element& bundle) {
  std::set<std::string_view> seen;
  for (const Element& child : Children(bundle)) {
    if (child.name() != "link") {
      continue;
    }
    if (!seen.insert(child.TextAt("relation")).second) {
      findings_.Error("structure", "bundle-link", child, "a link relation occurs once in a Bundle");
    }
  }
  if (bundle_->type() == "searchset" && !seen.contains("self")) {
    findings_.Warning("structure", "bundle-link", bundle,
                      "a searchset should say by a self link what the search was");
  }
}

void Walk::FullUrl(const BundleScope::Entry& entry) {
  const std::string_view url = entry.full_url;
  if (!IsAbsolute(url)) {
    findings_.Error("value", "full-url", *entry.element, "a fullUrl is absolute");
    return;
  }
  if (entry.resource == nullptr || NeedsNoFullUrl(bundle_->type())) {
    return;
  }
  const ReferenceForm form = FormOf(url, rules_.definitions);
  const std::string_view id = entry.resource->TextAt("id");
  if (form.type.empty() || id.empty()) {
    return;
  }
  if (form.type != entry.resource->type().name() || form.id != id) {
    findings_.Error("structure", "full-url", *entry.element,
                    "the fullUrl disagrees with the type or id of the resource");
  }
}

// What a document's Composition refers to is in the document, and what is in it hangs together
// (documents.html#content); in a message the latter is a matter of care. Runs when all references
// of the Bundle are known.
void Walk::Document(size_t first_issue) {
  const bool is_document = bundle_->type() == "document";
  if ((!is_document && bundle_->type() != "message") || bundle_->entries().empty()) {
    return;
  }
  const size_t before = findings_.size();
  const Element* first = bundle_->entries().front().resource;
  if (is_document && first != nullptr && first->type().name() == "Composition") {
    entry_ = 0;
    for (const std::string_view path :
         {"subject", "encounter", "author", "attester.party", "custodian", "event.detail"}) {
      DocumentReference(*first, path);
    }
    DocumentSections(*first);
    entry_ = BundleScope::kNone;
  }
  Reachable();
  findings_.MoveUp(first_issue, before);
}

void Walk::DocumentReference(const Element& holder, std::string_view path) {
  const size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  for (const Element& child : Children(holder)) {
    if (child.name() != name) {
      continue;
    }
    if (dot != std::string_view::npos) {
      DocumentReference(child, path.substr(dot + 1));
      continue;
    }
    const std::string_view text = child.TextAt("reference");
    if (text.empty() || text.front() == '#') {
      continue;
    }
    const BundleScope::Match match = bundle_->Resolve(text, 0);
    if (match.count != 1) {
      findings_.Error(match.count == 0 ? "not-found" : "multiple-matches", "document-reference",
                      child,
                      "what the Composition refers to is in the document once; entries found: " +
                          std::to_string(match.count));
    }
  }
}

void Walk::DocumentSections(const Element& holder) {
  for (const Element& child : Children(holder)) {
    if (child.name() == "section") {
      DocumentReference(child, "author");
      DocumentReference(child, "focus");
      DocumentReference(child, "entry");
      DocumentSections(child);
    }
  }
}

void Walk::Reachable() {
  const size_t count = bundle_->entries().size();
  std::vector<std::vector<uint32_t>> forward(count);
  std::vector<std::vector<uint32_t>> either(count);
  for (const auto& [from, to] : bundle_->links()) {
    forward[from].push_back(to);
    either[from].push_back(to);
    either[to].push_back(from);
  }
  const auto reach = [count](const std::vector<std::vector<uint32_t>>& links) {
    std::vector<bool> seen(count, false);
    std::vector<uint32_t> open = {0};
    seen[0] = true;
    while (!open.empty()) {
      const uint32_t at = open.back();
      open.pop_back();
      for (const uint32_t to : links[at]) {
        if (!seen[to]) {
          seen[to] = true;
          open.push_back(to);
        }
      }
    }
    return seen;
  };
  const std::vector<bool> from_first = reach(forward);
  const std::vector<bool> linked = reach(either);
  const bool is_document = bundle_->type() == "document";
  for (size_t at = 0; at < count; ++at) {
    const BundleScope::Entry& entry = bundle_->entries()[at];
    if (from_first[at] || entry.resource == nullptr) {
      continue;
    }
    const Severity severity = linked[at]
                                  ? (is_document ? Severity::kWarning : Severity::kInformation)
                              : is_document ? Severity::kError
                                            : Severity::kWarning;
    findings_.Add(severity, "structure", "bundle-linked", *entry.element,
                  linked[at] ? "nothing that the first entry leads to refers to this one"
                             : "no reference links this entry with the first one");
  }
}

}  // namespace gw::validate
