#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/change.h"
#include "gateway/map/csv_model.h"
#include "gateway/map/destination.h"
#include "gateway/map/plan.h"
#include "gateway/map/v2_model.h"
#include "gateway/map/v2_writer.h"

// What the parts of export.h share.
namespace gw::map {

// A Bundle made ready for the maps that go back: every entry has a fullUrl and says what is to be
// done with it (kActionMark); references to what is in the Bundle are that fullUrl and carry an
// identifier; contained resources are entries; every resource that is referred to by business key
// has an identifier.
class Outbound {
 public:
  // One entry as it stands in the prepared Bundle.
  struct Entry {
    fhir::Element* node = nullptr;
    fhir::Element* resource = nullptr;
    std::string url;    // fullUrl
    std::string label;  // "CarePlan[1]"
    std::string_view action;
    bool is_merge = false;  // of a segment or row without an action code
    std::vector<size_t> refers_to;
    std::optional<std::set<std::string>> unread;  // below the resource: ".title"
  };

  static Result<Outbound> FromBundle(const fhir::Resource& resource,
                                     const fhir::Definitions& definitions);
  static Result<Outbound> FromChanges(std::span<const Change> changes,
                                      const fhir::Definitions& definitions);

  std::vector<Entry>& entries() { return entries_; }
  const std::vector<Entry>& entries() const { return entries_; }
  const fhir::Resource& bundle() const { return bundle_; }

  // A Bundle of these entries and of all that they lead to, or that belongs to those: in it
  // search.mode "match" marks the entries given, "include" the others. `from` takes, for each entry
  // of that Bundle, its index here.
  Result<fhir::Resource> Cut(const std::vector<size_t>& focus, std::vector<size_t>* from) const;
  // Takes what one message left unread: an element is lost only where every message leaves it.
  // Returns what this message leaves of the resources that it speaks of.
  std::vector<std::string> Merge(const std::vector<size_t>& from,
                                 const std::vector<const fhir::Element*>& unread,
                                 const fhir::Resource& cut);
  std::vector<std::string> Unread() const;
  // "Goal[1].description" of "Bundle.entry[3].resource.description" in the Bundle that Cut made
  // with `from`; any other place as it is.
  std::string PlaceIn(const std::vector<size_t>& from, const std::string& place) const;
  // Entries that cannot be sent on, with their places in the Bundle given.
  const std::vector<Error>& refused() const { return refused_; }
  // The systems of all identifiers in it.
  const std::set<std::string>& systems() const { return systems_; }

 private:
  Outbound(fhir::Resource bundle, const fhir::Definitions& definitions)
      : bundle_(std::move(bundle)), definitions_(&definitions) {}
  Result<fhir::Element*> Append(const fhir::Element& resource, std::string url,
                                std::string_view action);
  Status AppendEntry(const fhir::Element& entry);
  Status Lift(size_t entry);
  Status Finish();
  Status Identify(Entry* entry);
  Status Resolve(size_t entry, fhir::Element* element);
  bool RefersToOneOf(const fhir::Element& holder, std::string_view path,
                     const std::set<size_t>& taken) const;
  std::optional<size_t> Find(std::string_view reference, const fhir::Element* holder) const;
  // What one message says: of which entries it speaks, and which leaves it left.
  struct Said {
    std::set<const fhir::Element*> unread;
    std::set<size_t> entries;
  };
  // An unread leaf that is no loss: part of a reference whose target, or whose key or name, the
  // message holds, or a mark of ours.
  bool IsSaid(const fhir::Element& leaf, const Said& said) const;
  bool IsToldElsewhere(size_t entry, const std::set<size_t>& focus) const;
  bool IsAdded(const std::string& place) const;

  fhir::Resource bundle_;
  const fhir::Definitions* definitions_;
  std::vector<Entry> entries_;
  std::vector<Error> refused_;
  std::map<std::string, size_t, std::less<>> by_url_;  // fullUrl, "Type/id", "Type?identifier=..."
  std::set<std::string> systems_;
  std::set<std::string> added_;  // "label.path" of what preparing added
};

// Reads a PATCH entry's Parameters as the fragment that its operations set: a deleted element that
// is not set again is a null. Errors: kUnprocessable where an operation is of a form that is not
// read.
Result<fhir::Resource> FragmentOfPatch(const fhir::Element& parameters, std::string_view url,
                                       const fhir::Definitions& definitions);

// One message to be made.
struct Planned {
  std::string code, event, structure;
  std::vector<size_t> focus;
};
// Which messages the entries become, in the Bundle's order.
std::vector<Planned> PlanMessages(const std::vector<Outbound::Entry>& entries);

}  // namespace gw::map
