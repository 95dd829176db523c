#include <string>
#include <utility>

#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {

// Of a Coding its system and code, of a CodeableConcept the first coding that the map knows, of a
// text the text as code. What no map knows gives nothing, and is told.
Result<Item> Runner::Translate(const Place& place, const Item& item) {
  const TargetOp& op = *place.op;
  const fhir::TypeDef* type = item.Type();
  if (item.is_absent()) {
    return Item();
  }
  CodeTable::Answer answer;
  std::string_view system = op.codes != nullptr ? op.codes->source_system() : std::string_view();
  system = system.empty() ? std::string_view(op.feed_table) : system;
  std::string_view code = item.Text();
  if (type == nullptr || IsLeaf(*type)) {
    if (code.empty()) {
      return Item();
    }
    if (TranslateOne(op, {}, code, &answer)) {
      return TranslationItem(place, answer);
    }
  } else if (type->Is("Coding") || type->Is("CodeableConcept")) {
    const bool is_coding = type->Is("Coding");
    const fhir::Element* coding = is_coding ? item.node : item.node->Child("coding");
    for (; coding != nullptr; coding = is_coding ? nullptr : coding->next()) {
      if (!is_coding && coding->name() != "coding") {
        break;
      }
      MarkAll(*coding);
      system = coding->TextAt("system");
      code = coding->TextAt("code");
      if (!code.empty() && TranslateOne(op, system, code, &answer)) {
        return TranslationItem(place, answer);
      }
    }
  } else {
    return Refuse(place, "translate takes a code, a Coding or a CodeableConcept, not " +
                             std::string(type->name()));
  }
  const fhir::Element* node = item.node != nullptr ? item.node : place_;
  // Once, however often the maps ask for it.
  if (!code.empty() && unmapped_.emplace(node, std::string(code)).second) {
    mapped_->unmapped.push_back({.system = std::string(system),
                                 .code = std::string(code),
                                 .where = node == nullptr ? std::string() : PlaceOf(*node)});
  }
  return Item();
}

bool Runner::TranslateOne(const TargetOp& op, std::string_view system, std::string_view code,
                          CodeTable::Answer* answer) {
  if (!op.feed_table.empty() && options_.feed != nullptr) {
    const auto table = options_.feed->tables.find(op.feed_table);
    if (table != options_.feed->tables.end()) {
      const auto row = table->second.find(std::string(code));
      if (row != table->second.end()) {
        *answer = {.system = {}, .code = row->second, .display = {}};
        return true;
      }
    }
  }
  return op.codes != nullptr && op.codes->Translate(system, code, answer);
}

Result<Item> Runner::TranslationItem(const Place& place, const CodeTable::Answer& answer) {
  const CommonTypes& types = program_.types;
  const TranslateOutput output = place.op->output;
  if (output == TranslateOutput::kCoding || output == TranslateOutput::kCodeableConcept) {
    const bool is_concept = output == TranslateOutput::kCodeableConcept;
    GW_TRY(fhir::Element * whole, Whole(place, is_concept ? types.codeable_concept : types.coding));
    fhir::Element* coding = whole;
    if (is_concept) {
      GW_TRY(coding, Part(place, whole, "coding"));
    }
    GW_RETURN_IF_ERROR(AddText(place, coding, "system", answer.system));
    GW_RETURN_IF_ERROR(AddText(place, coding, "code", answer.code));
    GW_RETURN_IF_ERROR(AddText(place, coding, "display", answer.display));
    return Written(whole);
  }
  Item item{nullptr, nullptr, answer.code, types.code_type};
  if (output == TranslateOutput::kSystem) {
    item = {nullptr, nullptr, answer.system, types.uri_type};
  } else if (output == TranslateOutput::kDisplay) {
    item = {nullptr, nullptr, answer.display, types.string_type};
  }
  return item.text.empty() ? Item() : Put(place, item);
}

}  // namespace gw::map
