#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::validate {

// A reference by its form: "Patient/1", "https://example.org/fhir/Patient/1/_history/2",
// "Patient?identifier=...". Views into the reference.
struct ReferenceForm {
  std::string_view type;         // a resource type of R4; empty where the form does not tell
  std::string_view root;         // what stands before the type: "https://example.org/fhir/" or ""
  std::string_view id;           // empty for a conditional reference
  std::string_view version;      // of "/_history/2"
  std::string_view unversioned;  // the reference without that
};
ReferenceForm FormOf(std::string_view reference, const fhir::Definitions& definitions);

// Does it begin with a scheme ("http:", "urn:")?
bool IsAbsolute(std::string_view uri);

// The entries of one Bundle, found by what refers to them (R4 bundle.html#references). Linear to
// build, and constant to ask.
class BundleScope {
 public:
  BundleScope(const fhir::Element& bundle, const fhir::Definitions& definitions);

  struct Entry {
    const fhir::Element* element = nullptr;
    const fhir::Element* resource = nullptr;  // null where it has none, or a patch
    std::string_view full_url;
    std::string_view root;  // of a RESTful fullUrl, for relative references: "https://x.org/fhir/"
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  const fhir::Element& bundle() const { return bundle_; }
  // "document", "transaction" ...
  std::string_view type() const { return type_; }
  std::span<const Entry> entries() const { return entries_; }

  struct Match {
    uint32_t entry = kNone;  // the first that matches
    uint32_t count = 0;
  };
  // What a reference in the entry at `from` (kNone: outside of all) means within the Bundle.
  Match Resolve(std::string_view reference, uint32_t from) const;

  // How many elements of the entry's resource have that id, those of its narratives among them.
  // Each resource is searched once.
  uint32_t CountIds(uint32_t entry, std::string_view id);

  // Notes that one entry refers to another, for documents and messages.
  void Link(uint32_t from, uint32_t to) { links_.emplace_back(from, to); }
  std::span<const std::pair<uint32_t, uint32_t>> links() const { return links_; }

 private:
  using Ids = std::unordered_map<std::string_view, uint32_t>;

  Match Find(std::string_view url, std::string_view version) const;

  const fhir::Element& bundle_;
  const fhir::Definitions& definitions_;
  std::string_view type_;
  std::vector<Entry> entries_;
  // The first entry of each fullUrl; next_ leads to the others, in order.
  std::unordered_map<std::string_view, uint32_t> by_url_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> last_;
  std::vector<std::pair<uint32_t, uint32_t>> links_;
  std::unordered_map<uint32_t, Ids> ids_;  // of the entries that were asked for
};

}  // namespace gw::validate
