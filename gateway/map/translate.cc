#include "gateway/map/translate.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/translate_internal.h"

namespace gw::map {

namespace {

using fhir::Element;

// The segment with the action code that the event speaks of, in each group of the top.
struct Top {
  std::string_view group;
  std::string_view segment;
};
constexpr Top kTops[] = {{"PATHWAY", "PTH"}, {"GOAL", "GOL"}, {"PROBLEM", "PRB"}};

enum class Kind : uint8_t { kAdd, kChange, kDelete };

// What the events of chapter 12 mean (12.3).
Kind KindOfEvent(std::string_view event) {
  if (event == "PC1" || event == "PC6" || event == "PCB" || event == "PCG") {
    return Kind::kAdd;
  }
  return event == "PC3" || event == "PC8" || event == "PCD" || event == "PCJ" ? Kind::kDelete
                                                                              : Kind::kChange;
}

Kind KindOfCode(std::string_view code) {
  return code == "AD" ? Kind::kAdd : code == "DE" ? Kind::kDelete : Kind::kChange;
}

// Event and action must agree; where they do not, the segment's code is what is done.
void CompareEvent(const Element& message, std::string_view event, std::vector<Remark>* remarks) {
  if (!event.starts_with("PC")) {
    return;
  }
  for (const Element* child = message.first_child(); child != nullptr; child = child->next()) {
    for (const Top& top : kTops) {
      if (child->name() != top.group) {
        continue;
      }
      const Element* segment = child->Child(top.segment);
      const Element* code = segment == nullptr ? nullptr : segment->Child("f1");
      if (code != nullptr && KindOfCode(code->text()) != KindOfEvent(event)) {
        remarks->push_back({'W', "event-mismatch", PlaceOf(*code),
                            "the action code is not of the event's kind; the code is followed"});
      }
    }
  }
}

// The fields that say what is to be done, and the table of codes that they are from.
struct ActionField {
  std::string_view segment;
  std::string_view field;
  std::string_view table;
  bool is_optional = false;
};
constexpr ActionField kActionFields[] = {
    {"PRB", "f1", "action"},        {"GOL", "f1", "action"},       {"PTH", "f1", "action"},
    {"ROL", "f2", "action"},        {"PRT", "f2", "action"},       {"DG1", "f21", "action", true},
    {"PR1", "f20", "action", true}, {"ORC", "f1", "order-control"}};

// Of a segment that has an action code; null for any other.
const ActionField* ActionOf(const Element& segment) {
  const auto* found = std::find_if(
      std::begin(kActionFields), std::end(kActionFields),
      [&segment](const ActionField& action) { return action.segment == segment.name(); });
  return found == std::end(kActionFields) ? nullptr : found;
}

// Nobody guesses what an action code means that no table has, nor what its absence does: whatever
// was done then would be another thing than was asked for. Codes of table 0206 become those of
// table 0287, which the maps read. A null where the standard wants none says that there is none.
Status KnowAction(const ActionField& action, const Feed& feed, Element* segment) {
  Element* field = segment->Child(action.field);
  if (field == nullptr) {
    return {};  // where the standard wants one, the reader has refused
  }
  if (field->is_null() && action.is_optional) {
    segment->Remove(field);
    return {};
  }
  const auto unknown = [field] {
    return Error{Code::kInvalid, "an action code that is in no table", PlaceOf(*field),
                 hl7_code::kTableValueNotFound};
  };
  const auto table = feed.tables.find(std::string(action.table));
  if (table == feed.tables.end() || field->is_null()) {
    return unknown();
  }
  const auto code = table->second.find(std::string(field->text()));
  if (code == table->second.end()) {
    return unknown();
  }
  if (field->text() != code->second) {
    field->SetText(code->second);
  }
  return {};
}

// A restriction of access is added, changed or taken away, by table 0206 alone; one that does not
// say what is to be done is added.
Status KnowRestriction(const Element& segment) {
  constexpr std::string_view kCodes[] = {"A", "D", "S", "U", "X"};
  const Element* field = segment.Child("f2");
  if (field != nullptr &&
      std::find(std::begin(kCodes), std::end(kCodes), field->TextAt("c1")) == std::end(kCodes)) {
    return Error{Code::kInvalid, "an action code that is in no table", PlaceOf(*field),
                 hl7_code::kTableValueNotFound};
  }
  return {};
}

// Every segment of the message with an action code of its own.
Status KnowActions(const Feed& feed, Element* part) {
  constexpr size_t kSegmentName = 3;  // what is longer is a group
  for (Element* child = part->first_child(); child != nullptr; child = child->next()) {
    if (child->name().size() > kSegmentName) {
      GW_RETURN_IF_ERROR(KnowActions(feed, child));
    } else if (child->name() == "ARV") {
      GW_RETURN_IF_ERROR(KnowRestriction(*child));
    } else if (const ActionField* action = ActionOf(*child); action != nullptr) {
      GW_RETURN_IF_ERROR(KnowAction(*action, feed, child));
    }
  }
  return {};
}

bool HasValue(const Element& segment, std::string_view field) {
  const Element* value = segment.Child(field);
  return value != nullptr && !value->is_null();
}

bool HasNumber(const Element& person) {
  return HasValue(person, "f3") || HasValue(person, "f2") || HasValue(person, "f4");
}

Error NamesNobody() {
  return {Code::kInvalid, "the message does not say who it is about", "PID-3",
          hl7_code::kRequiredFieldMissing};
}

// Each person has an identifier of some kind; results are somebody's, and so is a merged record.
Status NamesPersons(const Element& part) {
  for (const Element* child = part.first_child(); child != nullptr; child = child->next()) {
    const bool is_nameless = child->name() == "PID" && !HasNumber(*child);
    if (is_nameless || (child->name() == "PATIENT_RESULT" && child->Child("PATIENT") == nullptr)) {
      return NamesNobody();
    }
    // Before 2.7 the number may stand in MRG-4 or MRG-2 alone. Outside of a PATIENT nobody is
    // merged: of a change of class MRG names the account or the visit that was (ADT^A06).
    if (child->name() == "MRG" && part.name() == "PATIENT" && !HasValue(*child, "f1") &&
        !HasValue(*child, "f2") && !HasValue(*child, "f4")) {
      return Error{Code::kInvalid, "the message does not say which record is merged", "MRG-1",
                   hl7_code::kRequiredFieldMissing};
    }
    if (child->name() == "PATIENT" || child->name() == "PATIENT_RESULT") {
      GW_RETURN_IF_ERROR(NamesPersons(*child));
    }
  }
  return {};
}

bool HasPerson(const hl7v2::Message& message) {
  const auto& segments = message.segments();
  return std::any_of(segments.begin(), segments.end(),
                     [](const hl7v2::Segment& segment) { return segment.name == "PID"; });
}

// One warning for the message instead of one for each segment that is left; its fields are unread.
void OnlyCommon(std::vector<Remark>* remarks) {
  remarks->erase(
      std::remove_if(remarks->begin(), remarks->end(),
                     [](const Remark& remark) { return remark.code == "unknown-segment"; }),
      remarks->end());
  remarks->push_back({'W', "common-segments-only", "MSH-9",
                      "no map for this message: what its common segments say was taken"});
}

// Did the map take anything, beside who sent it?
bool TookSomething(const Translation& translation) {
  return std::any_of(translation.changes.begin(), translation.changes.end(),
                     [](const Change& change) { return change.fragment.type() != "Provenance"; });
}

Error OfTable0357(Error error) {
  if (error.hl7_code == 0 && (error.code == Code::kInvalid || error.code == Code::kUnprocessable)) {
    error.hl7_code = hl7_code::kDataTypeError;
  }
  return error;
}

}  // namespace

Result<Translation> Translator::Parts::Run(std::string_view map_url, const Element& source,
                                           const Feed& feed, Instant now, std::string seed) const {
  Origins origins;
  const fhir::TypeDef* number = definitions->Find("Identifier");
  const std::function<void(const TraceStep&)> trace = [&](const TraceStep& step) {
    if (step.target->is_resource() || &step.target->type() == number) {
      origins.emplace(step.target, step.source);
    }
    if (options.trace != nullptr) {
      options.trace->Made(step);
    }
  };
  RunOptions run;
  run.feed = &feed;
  run.now = now;
  run.seed = seed;
  run.hash_key = options.hash_key;
  run.trace = &trace;
  GW_TRY(Mapped mapped, plan.Run(map_url, source, run));
  Translation translation;
  translation.remarks = std::move(mapped.remarks);
  translation.unmapped = std::move(mapped.unmapped);
  for (const Element* leaf : mapped.unread) {
    translation.unread.push_back(PlaceOf(*leaf));
  }
  const Unit unit{definitions, &feed, now, std::move(seed), version, &source};
  GW_RETURN_IF_ERROR(MakeChanges(std::move(mapped.target), origins, unit, &translation));
  return translation;
}

Status Translator::Parts::HasMap(const hl7v2::Message& message) const {
  const auto type = events.find(message.message_code());
  if (type == events.end()) {
    return Error{Code::kUnsupported, "messages of this type are not taken", "MSH-9.1",
                 hl7_code::kUnsupportedMessageType};
  }
  const auto& known = type->second;
  if (std::find(known.begin(), known.end(), message.trigger_event()) == known.end()) {
    return Error{Code::kUnsupported, "this event is not taken", "MSH-9.2",
                 hl7_code::kUnsupportedEventCode};
  }
  if (!plan.Has(std::string(kMessageMaps) + message.structure())) {
    return Error{Code::kUnsupported, "this message structure is not taken", "MSH-9.3",
                 hl7_code::kUnsupportedMessageType};
  }
  return {};
}

Status Translator::Takes(const hl7v2::Message& message, const Feed& feed) const {
  return feed.take_common_segments && HasPerson(message) ? Status() : parts_->HasMap(message);
}

Result<Translation> Translator::FromV2(const hl7v2::Message& message, const Feed& feed,
                                       Instant now) const {
  if (!feed.tables.contains(std::string(kCompleted))) {
    return FromV2(message, Complete(feed), now);
  }
  GW_RETURN_IF_ERROR(Takes(message, feed));
  const bool is_mapped = parts_->HasMap(message).ok();
  const std::string structure = is_mapped ? message.structure() : std::string(kCommon);
  std::vector<Remark> remarks;
  GW_TRY(fhir::Resource tree, parts_->v2.Read(message, structure, feed, &remarks));
  GW_RETURN_IF_ERROR(NamesPersons(tree.root()));
  GW_RETURN_IF_ERROR(KnowActions(feed, &tree.root()));
  if (!is_mapped) {
    OnlyCommon(&remarks);
  }
  CompareEvent(tree.root(), message.trigger_event(), &remarks);
  std::string seed(message.sending_application());
  seed.append("|").append(message.sending_facility()).append("|").append(message.control_id());
  auto translation =
      parts_->Run(std::string(kMessageMaps) + structure, tree.root(), feed, now, std::move(seed));
  if (!translation) {
    return OfTable0357(translation.error());
  }
  if (!TookSomething(*translation)) {
    return NamesNobody();
  }
  translation->remarks.insert(translation->remarks.begin(), remarks.begin(), remarks.end());
  return translation;
}

}  // namespace gw::map
