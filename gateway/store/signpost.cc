#include "gateway/store/signpost.h"

#include <algorithm>
#include <functional>

#include "gateway/store/checked_transaction.h"
#include "gateway/store/shard_key.h"

namespace gw::store {
namespace {

using fhir::IndexRow;
using fhir::SearchKind;

// What a search by Patient may ask for (search_plan.cc).
bool MayNamePatient(const IndexRow& row) {
  return row.kind == SearchKind::kReference &&
         (row.reference_type == "Patient" || row.code == "patient" || row.code == "subject");
}

bool NamesPatient(const IndexRow& row) {
  return row.kind == SearchKind::kReference && row.reference_type == "Patient";
}

void AddRow(const IndexRow& row, std::string_view home, std::vector<Signpost>* out) {
  if (row.text.empty()) {
    return;
  }
  if (row.kind == SearchKind::kToken && row.code == "identifier") {
    out->push_back({Signpost::Table::kIdentifier, row.text, row.system, false});
  } else if (row.kind == SearchKind::kString) {
    out->push_back({Signpost::Table::kString, row.text, row.code, false});
  } else if (MayNamePatient(row) && !(NamesPatient(row) && row.text == home)) {
    out->push_back({Signpost::Table::kElsewhere, row.text, {}, false});
  }
}

}  // namespace

std::vector<Signpost> SignpostsTo(const Terms& terms, std::string_view persons,
                                  std::string_view home) {
  std::vector<Signpost> signposts;
  for (const Claim& claim : terms.claims) {
    signposts.push_back({Signpost::Table::kIdentifier, claim.value, claim.system, true});
  }
  for (const size_t place : terms.compartments) {
    const std::string_view person = PersonAt(persons, place);
    if (person != home && !person.empty()) {
      signposts.push_back({Signpost::Table::kElsewhere, person, {}, false});
    }
  }
  for (const IndexRow& row : terms.rows) {
    AddRow(row, home, &signposts);
  }
  // Of an identifier that is claimed and indexed the claim stays.
  std::sort(signposts.begin(), signposts.end(), std::greater<>());
  const auto same = [](const Signpost& a, const Signpost& b) {
    return a.table == b.table && a.key == b.key && a.more == b.more;
  };
  signposts.erase(std::unique(signposts.begin(), signposts.end(), same), signposts.end());
  std::reverse(signposts.begin(), signposts.end());
  return signposts;
}

std::string_view HomeOf(int64_t patient_key, std::string_view persons, const Terms& terms) {
  while (!persons.empty()) {
    const std::string_view person = NextPerson(&persons);
    if (PatientKey(person) == patient_key) {
      return person;
    }
  }
  const auto home =
      std::find_if(terms.rows.begin(), terms.rows.end(), [patient_key](const IndexRow& row) {
        return NamesPatient(row) && PatientKey(row.text) == patient_key;
      });
  return home == terms.rows.end() ? std::string_view() : home->text;
}

}  // namespace gw::store
