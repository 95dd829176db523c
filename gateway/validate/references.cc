#include <algorithm>
#include <string>

#include "gateway/validate/findings_internal.h"
#include "gateway/validate/references_internal.h"

namespace gw::validate {
namespace {

// Takes the last segment of a path off its end; the slash before it stays with the path.
std::string_view TakeLastSegment(std::string_view* path) {
  if (path->ends_with('/')) {
    path->remove_suffix(1);
  }
  const size_t slash = path->rfind('/');
  const size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string_view segment = path->substr(start);
  path->remove_suffix(path->size() - start);
  return segment;
}

bool IsResourceType(std::string_view name, const fhir::Definitions& definitions) {
  const fhir::TypeDef* type = definitions.Find(name);
  return type != nullptr && type->kind() == fhir::Kind::kResource;
}

using Ids = std::unordered_map<std::string_view, uint32_t>;

// The values of the attributes id of a narrative, which is well-formed or refused elsewhere.
void CountNarrativeIds(std::string_view div, Ids* ids) {
  constexpr std::string_view kStart = "id=";
  for (size_t at = div.find(kStart); at != std::string_view::npos; at = div.find(kStart, at + 1)) {
    const size_t quote = at + kStart.size();
    const bool is_attribute =
        at > 0 && quote < div.size() &&
        std::string_view(" \t\r\n").find(div[at - 1]) != std::string_view::npos &&
        (div[quote] == '"' || div[quote] == '\'');
    if (!is_attribute) {
      continue;
    }
    const size_t end = std::min(div.find(div[quote], quote + 1), div.size());
    ++(*ids)[div.substr(quote + 1, end - quote - 1)];
  }
}

void CountElementIds(const fhir::Element& element, Ids* ids) {
  for (const fhir::Element& child : Children(element)) {
    if (child.type().primitive() == fhir::Primitive::kXhtml) {
      CountNarrativeIds(child.text(), ids);
    } else if (child.name() == "id" && !element.is_resource()) {
      ++(*ids)[child.text()];
    } else if (!child.is_resource()) {
      CountElementIds(child, ids);
    }
  }
}

}  // namespace

ReferenceForm FormOf(std::string_view reference, const fhir::Definitions& definitions) {
  ReferenceForm form;
  form.unversioned = reference;
  if (reference.empty() || reference.front() == '#' || reference.starts_with("urn:")) {
    return form;
  }
  std::string_view path = reference;
  if (const size_t query = path.find('?'); query != std::string_view::npos) {
    path = path.substr(0, query);
  } else {
    if (path.ends_with('/')) {
      return form;
    }
    const size_t fragment = path.find('#');
    path = path.substr(0, fragment);
    form.id = TakeLastSegment(&path);
    if (path.ends_with("/_history/")) {
      form.version = form.id;
      path.remove_suffix(1);
      TakeLastSegment(&path);
      path.remove_suffix(1);
      form.unversioned = path;
      form.id = TakeLastSegment(&path);
    }
  }
  const std::string_view type = TakeLastSegment(&path);
  if (IsResourceType(type, definitions)) {
    form.type = type;
    form.root = path;
  }
  return form;
}

bool IsAbsolute(std::string_view uri) {
  for (size_t at = 0; at < uri.size(); ++at) {
    const char c = uri[at];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (c == ':') {
      return at > 0;
    }
    if (!is_letter && (at == 0 || !is_other)) {
      return false;
    }
  }
  return false;
}

BundleScope::BundleScope(const fhir::Element& bundle, const fhir::Definitions& definitions)
    : bundle_(bundle), definitions_(definitions), type_(bundle.TextAt("type")) {
  for (const fhir::Element& child : Children(bundle)) {
    if (child.name() != "entry") {
      continue;
    }
    const auto place = static_cast<uint32_t>(entries_.size());
    Entry entry;
    entry.element = &child;
    // A patch stands for what it is applied to, whose type it does not tell.
    const bool is_patch = child.TextAt("request.method") == "PATCH";
    entry.resource = is_patch ? nullptr : child.Child("resource");
    entry.full_url = child.TextAt("fullUrl");
    entry.root = FormOf(entry.full_url, definitions).root;
    entries_.push_back(entry);
    next_.push_back(kNone);
    last_.push_back(place);
    if (entry.full_url.empty()) {
      continue;
    }
    const auto [first, is_new] = by_url_.emplace(entry.full_url, place);
    if (!is_new) {
      next_[last_[first->second]] = place;
      last_[first->second] = place;
    }
  }
}

BundleScope::Match BundleScope::Find(std::string_view url, std::string_view version) const {
  Match match;
  const auto found = by_url_.find(url);
  for (uint32_t at = found == by_url_.end() ? kNone : found->second; at != kNone; at = next_[at]) {
    const fhir::Element* resource = entries_[at].resource;
    if (!version.empty() &&
        (resource == nullptr || resource->TextAt("meta.versionId") != version)) {
      continue;
    }
    match.entry = match.count == 0 ? at : match.entry;
    ++match.count;
  }
  return match;
}

BundleScope::Match BundleScope::Resolve(std::string_view reference, uint32_t from) const {
  if (reference.empty() || reference.front() == '#') {
    return {};
  }
  // A fragment names a place within the target.
  const std::string_view whole = reference.substr(0, reference.find('#'));
  const ReferenceForm form = FormOf(whole, definitions_);
  if (IsAbsolute(whole)) {
    const Match exact = Find(whole, {});
    return exact.count > 0 || form.version.empty() ? exact : Find(form.unversioned, form.version);
  }
  if (form.id.empty() || from == kNone || entries_[from].root.empty()) {
    return {};
  }
  std::string absolute(entries_[from].root);
  absolute += form.unversioned;
  return Find(absolute, form.version);
}

uint32_t BundleScope::CountIds(uint32_t entry, std::string_view id) {
  const auto [place, is_new] = ids_.try_emplace(entry);
  if (is_new && entries_[entry].resource != nullptr) {
    CountElementIds(*entries_[entry].resource, &place->second);
  }
  const auto found = place->second.find(id);
  return found == place->second.end() ? 0 : found->second;
}

}  // namespace gw::validate
