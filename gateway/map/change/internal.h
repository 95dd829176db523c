#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/change/change.h"

// What the parts of change.h share.
namespace gw::map {

// The systems of the national identifiers: NHS numbers, and the codes of organisations.
inline constexpr std::string_view kNhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number";
inline constexpr std::string_view kOdsSystem = "https://fhir.nhs.uk/Id/ods-organization-code";

// A mark on this element; null where it has none.
const fhir::Element* FindMark(const fhir::Element& holder, std::string_view mark);
// The text of a mark on this element, empty where it has none.
std::string_view MarkOf(const fhir::Element& holder, std::string_view mark);
// Is this element an extension that only steers the merge?
bool IsMark(const fhir::Element& element);
// The child that says nothing on its own in an element of this type: whose extension, whose
// reference, which system. Empty for the other types.
std::string_view HalfOf(const fhir::TypeDef& type);
// Has it a value of its own: text, or a child that is no mark, no null and not empty?
bool IsValued(const fhir::Element& element);

// Is the resource one that nothing has filled in yet (kStubTag)?
bool IsStub(const fhir::Element& resource);
// The sender's own decision code on a Consent (kConsentDecision), empty where it has none.
std::string_view DecisionOf(const fhir::Element& consent);

// Complex values whose parts are separate fields of their senders: each part changes alone. Other
// values are whole: half of a CodeableConcept with half of another would say what nobody sent.
bool HasSeparateParts(const fhir::Element& element);
// Is the item of a list to which senders add, each its own items: nobody sends it whole?
bool IsAddedTo(const fhir::Element& item);
// Does the change speak of a resource only to name it: a stub, LI, UN, UC?
bool ChangesItemsOnly(const Change& change);

// Of two changes that speak of one resource the action of higher rank is done; a stub's is 0.
int RankOf(Action action);
int RankOf(const Change& change);
// Makes two entries of one resource one, in `to`: the action of higher rank is done, with its
// values; of equal ones the later's (`from`) stand. What only names a resource (UC, LI, UN) gives
// no values to what changes it. True where something that either said is dropped.
Result<bool> JoinChanges(const Change& from, Change* to);
// Items with one key, of segments with actions of their own, become what they come to one after
// the other. True where something that one said is dropped.
Result<bool> FoldItems(Change* change);

// A change of what nobody knows.
inline constexpr std::string_view kNothingToTakeOut =
    "the item that is to be taken out is not known";
inline constexpr std::string_view kNothingToChange = "the item that is to be changed is not known";
// Of an item: table 0287's update and correction, of what is there.
inline bool IsChange(std::string_view action) { return action == "UP" || action == "CO"; }
Error UnknownKey(const Change& change, std::string_view rule);
// Tells, where somebody listens (`notes` may be null), that there was nothing to unlink in a list.
void TellUnlinked(std::vector<Note>* notes, std::string_view list);

// Does a list of the fragment have items with actions of their own?
bool HasMarkedItems(const fhir::Resource& fragment);

// Same type and same values; marks and nulls aside.
bool SameElement(const fhir::Element& a, const fhir::Element& b);
// A text that children of one parent share where they have one name and are the same: to find
// repeats among many. A reference counts as its identifier, else as its literal part.
std::string ContentKey(const fhir::Element& element);

// A deep copy of `source` as the child `name` of `parent`, without marks, nulls and what is empty
// then. Null where nothing is left of it. Errors: kUnprocessable where the parent cannot take it.
Result<fhir::Element*> CopyValued(fhir::Element* parent, std::string_view name,
                                  const fhir::Element& source);

// Takes out of an element what CopyValued leaves out of its copy. Has it a value then?
bool KeepValued(fhir::Element* element);

// The key of an item of a list (see Change); empty where it has none.
std::vector<Operation::KeyPart> KeyOf(const fhir::Element& item);
bool HasKey(const fhir::Element& item, std::span<const Operation::KeyPart> key);
// The child of that name with that key; null if there is none.
const fhir::Element* FindItem(const fhir::Element& parent, std::string_view name,
                              std::span<const Operation::KeyPart> key);

// The operations of a change on a resource that exists and is not at hand.
Result<std::vector<Operation>> OperationsOnKnown(const Change& change);

// The JSON property name of an element under its parent: "onsetDateTime".
std::string_view JsonNameOf(const fhir::Element& element);
// Cuts the first name off a dotted path.
std::string_view CutName(std::string_view* path);

}  // namespace gw::map
