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
#include "gateway/map/change/change.h"
#include "gateway/map/csv/model.h"
#include "gateway/map/export/destination.h"
#include "gateway/map/plan/plan.h"
#include "gateway/map/v2/model.h"
#include "gateway/map/v2/writer.h"

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
    bool is_contained = false;
    std::string base;        // of a RESTful fullUrl: "https://server/fhir"
    std::string key;         // what it is known by where it has no identifier; empty: nothing says
    std::string key_system;  // of that key; empty: our own, of its type
    // It has no key, and no message that speaks of it can be sent: which it is would be invented.
    bool is_nameless = false;
    std::vector<size_t> refers_to;
    std::vector<size_t> plans;     // CarePlans that refer to it
    std::vector<size_t> attached;  // what says something about it without being referred to by it
    std::optional<std::set<std::string>> unread;  // below the resource: ".title"
  };

  static Result<Outbound> FromBundle(const fhir::Resource& resource,
                                     const fhir::Definitions& definitions);
  static Result<Outbound> FromChanges(std::span<const Change> changes,
                                      const fhir::Definitions& definitions);

  std::vector<Entry>& entries() { return entries_; }
  const std::vector<Entry>& entries() const { return entries_; }
  const fhir::Resource& bundle() const { return bundle_; }

  // The entry with that fullUrl; null if there is none.
  const Entry* EntryOf(std::string_view url) const;

  // A Bundle of these entries and of all that they lead to, or that belongs to those: in it
  // search.mode "match" marks the entries given, "include" the others. `from` takes, for each entry
  // of that Bundle, its index here. Those of `without` are not in it.
  Result<fhir::Resource> Cut(const std::vector<size_t>& focus, const std::set<size_t>& without,
                             std::vector<size_t>* from) const;
  // The entry and all that lead to it, but for Provenances: what cannot speak without it.
  std::set<size_t> WithReferrers(size_t entry) const;
  // Is everything that a message says of a resource with a name? An entry that goes with it, of
  // which it says nothing, needs none. Error kUnprocessable where not.
  Status CheckNamed(const std::vector<size_t>& from,
                    const std::vector<const fhir::Element*>& unread,
                    const fhir::Resource& cut) const;
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
  Result<size_t> Append(const fhir::Element& resource, std::string url, std::string_view action);
  Status AppendEntry(const fhir::Element& entry);
  Status AppendPatch(const fhir::Element& entry, const fhir::Element& patch);
  Status Lift(size_t entry);
  Status Finish();
  Status Identify(size_t entry);
  bool IsTaken(const std::string& name, const Entry& entry) const;
  Status Resolve(size_t entry, fhir::Element* element);
  void Attach(size_t entry);
  std::optional<size_t> Known(std::string_view name) const;
  std::optional<size_t> FindRelative(std::string_view reference, const std::string& base) const;
  // `base`: of the entry that the reference stands in.
  std::optional<size_t> Find(std::string_view reference, const fhir::Element* holder,
                             const std::string& base) const;
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
  std::map<std::string, size_t, std::less<>> by_url_;              // fullUrl, "Type|system|value"
  std::map<std::string, std::vector<size_t>, std::less<>> by_id_;  // "Type/id", of any server
  std::map<std::string, size_t> number_of_;                        // by type
  std::set<std::string> systems_;
  std::set<std::string> added_;  // "label.path" of what preparing added
};

// What is only referred to makes no message of its own.
inline bool IsSpokenOf(const Outbound::Entry& entry) {
  return entry.action != "LI" && entry.action != "UC" && entry.action != "UN";
}

// ".goal[0].reference" of "Bundle.entry[3].resource.goal[0].reference"; empty of the resource.
std::string PathBelow(const fhir::Element& node, const fhir::Element& resource);

// The business key of a conditional request or reference, "identifier=system|value", without the
// escapes of URLs (RFC 3986) and of search values (R4 search 3.1.1.3.1). Nothing where the query
// asks for anything else, or leaves the system open.
struct QueriedKey {
  std::string system;
  std::string value;
};
std::optional<QueriedKey> KeyOfQuery(std::string_view query);

// Reads the resource of a PATCH entry as the fragment that its operations set, with the key or the
// id that its URL names: a deleted element that is not set again is a null. Parameters of a
// FHIRPath Patch; a Binary of a JSON Patch. Errors: kUnprocessable where the URL names no resource,
// or an operation is of a form that is not read.
Result<fhir::Resource> FragmentOfPatch(const fhir::Element& patch, std::string_view url,
                                       const fhir::Definitions& definitions);
// The JSON Patch (RFC 6902) form of it: `add` and `replace` of elements of the resource, and
// `remove`; nothing of an item of a list. `fragment` is empty but for its key.
Status ReadJsonPatch(std::string_view patch, const fhir::Definitions& definitions,
                     fhir::Resource* fragment);

// One message to be made.
struct Planned {
  std::string code, event, structure;
  std::vector<size_t> focus;
};
// Which messages the entries become, in the Bundle's order.
std::vector<Planned> PlanMessages(const std::vector<Outbound::Entry>& entries);

}  // namespace gw::map
