#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::map {

// What a sender asks to be done with a resource: table 0287, and kMerge for what carries no action
// code.
enum class Action : uint8_t {
  kAdd,      // AD: create; known key with the same content is no change, with other content AE 205
  kUpdate,   // UP: only valued elements change, a null element is deleted
  kCorrect,  // CO: as kUpdate; Provenance says correction
  kDelete,   // DE: status entered-in-error (or the participant's removal), never physical
  kLink,     // LI: the child is only referred to; absent: stub
  kUnlink,   // UN: as kLink, the parent's reference goes
  kUnchanged,  // UC: only items with actions of their own change; what refers to it must resolve
  kSnapshot,   // SP: as kUpdate, and lists are replaced
  kMerge,  // no action code (PID, PD1, NK1, PV1, a CSV row): creates what is new, changes valued
           // elements
};
// "AD" ...; kMerge is "".
std::string_view CodeOf(Action action);

// The marks by which maps steer a change. They stand as extensions; none but kPersonOfMark leaves
// this module.
//   kActionMark   valueCode of table 0287: on a Bundle entry, what is to be done with its resource;
//                 on an item of a list, what is to be done with the item of the same key. On a
//                 security label: UN lifts it where its kLabelSource set it, UC leaves it alone
//   kWhereMark    valueString, on a Bundle entry: the place in the message, "GOL[1]"
//   kStubMark     valueBoolean, on a Bundle entry: see Change::stub
//   kDefaultMark  valueBoolean, on an element or an item of a list: it is written only where
//                 nothing stands yet (a status that the message does not say)
//   kRemoveMark   valueBoolean, on an element: it goes, as if the sender had sent "" for it
//   kChangedMark  valueCode, on Encounter.status: what the message changed of a visit that was
//   under
//                 way: "place" (A02) or "class" (A06, A07). For a message that tells of it in turn
//   kIfKnownMark  valueBoolean, on a Bundle entry: see Change::if_known
//   kDoneMark     valueDateTime, on a Bundle entry: see Change::done
//   kPersonOfMark valueString, on a Reference: it leads to the person whom another entry concerns,
//                 who is not named: the entry's fullUrl. Only a store can tell (flow/identify.h)
//   kRescindMark  valueCode, on a Consent: takes a grant's permits away; of a refusal, and of what
//   is
//                 not in force, the status becomes this code instead (decision 1)
inline constexpr std::string_view kActionMark = "urn:caregate:action";
inline constexpr std::string_view kWhereMark = "urn:caregate:where";
inline constexpr std::string_view kStubMark = "urn:caregate:stub";
inline constexpr std::string_view kRescindMark = "urn:caregate:rescind";
inline constexpr std::string_view kDefaultMark = "urn:caregate:default";
inline constexpr std::string_view kRemoveMark = "urn:caregate:remove";
inline constexpr std::string_view kChangedMark = "urn:caregate:changed";
inline constexpr std::string_view kDoneMark = "urn:caregate:done";
inline constexpr std::string_view kIfKnownMark = "urn:caregate:if-known";
inline constexpr std::string_view kPersonOfMark = "urn:caregate:person-of";
// The meta.tag of a resource that was created as a stub and that nothing has filled in since.
inline constexpr std::string_view kTagSystem = "urn:caregate:tag";
inline constexpr std::string_view kStubTag = "stub";
// The extension of a security label that says which feed's field set it: nothing else lifts it.
inline constexpr std::string_view kLabelSource = "urn:caregate:extension:label-source";
// The extension of a resource that says of which day, or which version, its state is, as a row of a
// CSV feed has it (Feed::supersede_by): behind it stands the feed's name, since what one feed
// counts says nothing of another's.
inline constexpr std::string_view kStateOf = "urn:caregate:extension:state-of:";
// The extension of a resource that keeps when its status changed (PTH-6, PRB-15).
inline constexpr std::string_view kStatusDate = "urn:caregate:extension:status-date";
// The extension of Provenance.target that says when it was changed, where a message tells of
// changes of several times (GOL-2, PRB-2); those of one time are Provenance.occurredDateTime.
inline constexpr std::string_view kDoneAt = "urn:caregate:extension:done";
// The extension of CarePlan.activity that keeps the filler's number of the order (ORC-3).
inline constexpr std::string_view kFillerNumber = "urn:caregate:extension:filler-number";
// The extension of a Consent that keeps the sender's own decision code (table 0498).
inline constexpr std::string_view kConsentDecision = "urn:caregate:extension:consent-decision";

// One fragment of a resource as a map writes it, with what is to be done with it.
// The business key is the fragment's first identifier (for a Patient: any). References to other
// fragments of the same translation are their full_url; each also carries Reference.identifier. In
// the fragment, two marks steer the merge:
//   a null element (Element::is_null)   delete this element
//   kActionMark on items of a list      each item is added, changed or taken out by its key: its
//                                       Element.id, its identifier, or what it is (an Identifier, a
//                                       Reference with identifier, a Coding)
// A list without marks is one value: it replaces the list that stands. Identifiers, extensions and
// security labels are added to those that stand, by their keys.
struct Change {
  Action action = Action::kMerge;
  fhir::Resource fragment;
  std::string full_url;  // "urn:uuid:..."
  std::string where;     // "GOL[1]", "row 3": for messages
  // Only what refers to it matters: an organisation known by its code alone, the child of a link. A
  // stub that is created because it was absent is a data-quality item (tagged kStubTag).
  bool stub = false;
  // Where its resource is not known nothing is done: what a message says of another resource in
  // passing (the document that this one replaces).
  bool if_known = false;
  // Of a row whose feed counts its states: the extension (kStateOf) that says which one it is
  // (empty: a Consent, which has a day of its own), and where the row says so, "row 7, column Last
  // Reviewed". The extension is not there where the row does not say.
  struct State {
    std::string url, where;
  } state = {};
  std::string done = {};  // when it was done what the message tells of (GOL-2, PRB-2); a dateTime
};

// An operation on a resource, by element path. The one meaning of a change: written into the
// transaction Bundle in the standard's own patch forms, and applied to the stored version by Apply,
// from the same list.
struct Operation {
  enum class Kind : uint8_t {
    kSet,         // `path` becomes values[0], whatever stood there
    kRemove,      // `path` goes, of whatever type and number
    kAddItem,     // values[0] is appended to the list `path`
    kRemoveItem,  // the item with `key` leaves the list `path`
    kReplaceList  // the list `path` becomes `values`
  } kind = Kind::kSet;
  std::string path;  // JSON property below the root, or below the item: "status", "period.end"
  std::vector<const fhir::Element*> values;  // into the Change's fragment; empty for removals
  // kSet, kRemove: the list whose item (named by `key`) holds `path`; empty: the root does.
  std::string list;
  struct KeyPart {
    std::string path;  // from the item: "id", "identifier.value"
    std::string text;
  };
  std::vector<KeyPart> key;
};

// What a change says and is not done: its sender is told (decision 8).
struct Note {
  std::string_view code;  // "not-taken", "unlinked-unknown", "label-stands"
  std::string text;       // the rule and the elements, never a value
};

// How a change is compared with what stands.
struct Comparison {
  // An item that is to be taken out may be gone already: a repeated DE is no error.
  bool repeated = false;
  // An item that is to be changed and is not there is added (Feed::upsert).
  bool upsert = false;
  std::vector<Note>* notes = nullptr;  // may be null
};

// The resource that a change makes where none is known: its fragment, which is used up, without
// marks, nulls and what it does not link; nothing where it makes none (UN of what is unknown).
// `notes` may be null. Errors: hl7_code 204 unknown key (kUpdate, kCorrect, kDelete, kUnchanged; DE
// of an item, UP and CO too but for an `upsert`).
Result<std::optional<fhir::Resource>> Create(Change* change, std::vector<Note>* notes = nullptr,
                                             bool upsert = false);
// What a change does to the current version of its resource. No operations: nothing changes.
// Errors: hl7_code 204 (UP, CO, DE of an item that is not in its list), 205 (kAdd on other
// content); kUnprocessable with the change's `where` otherwise.
Result<std::vector<Operation>> OperationsOf(const Change& change, const fhir::Resource& current,
                                            const Comparison& comparison = {});
// The resource after the operations; identical content comes back where nothing changes.
Result<fhir::Resource> Apply(const Change& change, std::span<const Operation> operations,
                             const fhir::Resource& current);

// Does one of them permit or restrict who sees a person's record: a Consent, or a label of the
// Patient?
bool SaysWhoSees(std::span<const Change> changes);

// R4 refuses a period of which nobody can tell that it ends after it begins (per-1): the 5th to a
// quarter past ten of the 5th. In each such period both ends are kept to the precision that both
// have. In a Consent the day is written as its first or last second instead: cut, a permit would
// last for longer than the person said. Either is noted.
void AlignPeriods(fhir::Resource* resource, std::vector<Note>* notes);

// The changes as a standard R4 transaction Bundle, keys taken as known: AD, and stubs, a POST with
// ifNoneExist; UP, CO, DE, LI, UN a conditional PATCH (FHIRPath Patch in Parameters; JSON Patch in
// a Binary where a whole list is replaced and no item is addressed by its key); kMerge a
// conditional update (PUT by identifier), but a PATCH where its items carry actions, which a PUT
// would not keep. One entry a resource, each with the urn:uuid of its change; what changes nothing
// has none, and references to it are searches for its identifier. An item that is changed (UP, CO)
// is replaced by what the fragment says of it: a patch of parts would fail where it is not there.
Result<fhir::Resource> ToTransaction(std::span<const Change> changes,
                                     const fhir::Definitions& definitions);

// Same content, but for id, meta and narrative. References are the same where they are equal, or
// where their identifiers are.
bool SameContent(const fhir::Resource& a, const fhir::Resource& b);
// Same security labels and tags, which SameContent leaves aside.
bool SameLabels(const fhir::Resource& a, const fhir::Resource& b);

}  // namespace gw::map
