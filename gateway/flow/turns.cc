#include "gateway/flow/turns.h"

#include <functional>

namespace gw::flow {

bool LostRace(const Status& admitted) {
  return !admitted && admitted.error().code == Code::kConflict && admitted.error().hl7_code == 0;
}

void Turns::Turn::Note(const Identified& identified) {
  const auto place = [this](std::string_view type, std::string_view name) {
    const size_t hash =
        std::hash<std::string_view>()(type) * 31 + std::hash<std::string_view>()(name);
    noted_.insert(hash % turns_->taken_.size());
  };
  for (const Known& known : identified.resources) {
    if (!known.changed || known.key.type == "Provenance") {
      continue;
    }
    for (const fhir::Identifier& claim : known.claims) {
      place(known.key.type, claim.value);
    }
    if (known.version != 0) {
      place(known.key.type, known.key.id);
    }
  }
}

// In the order of their places, so that no two wait for each other.
void Turns::Turn::Wait() {
  if (held_.size() == noted_.size()) {
    return;
  }
  held_.clear();
  for (const size_t place : noted_) {
    held_.emplace_back(turns_->taken_[place]);
  }
}

}  // namespace gw::flow
