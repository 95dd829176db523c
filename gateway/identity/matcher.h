#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/fhir/resource.h"
#include "gateway/fhir/search.h"

namespace gw::identity {

// The codes of FHIR's match-grade (http://terminology.hl7.org/CodeSystem/match-grade) that are
// given; `probable` is not: what is not certain asks a human.
enum class Grade : uint8_t { kCertain, kPossible, kCertainlyNot };

struct Match {
  size_t candidate = 0;  // index into the candidates
  Grade grade = Grade::kCertainlyNot;
  std::string_view reason;  // the rule that decided, a fixed text
};

// Is a Patient of a feed one that is already here? Candidates share at least one identifier with
// it: nobody is ever matched on a name alone.
// - A shared NHS number (its check digit holds) is certain; where birth date and family name both
//   differ it is possible.
// - A shared local number of the same authority is certain; where both have an NHS number and these
//   differ, or birth date and family name both differ, it is possible.
//
// Only `certain` may be linked by the machine. Best first; candidates of one grade keep their
// order. Pure; any thread. Source: care-coordination decisions 3 and 9; R4 patient-operation-match.
std::vector<Match> Rank(const fhir::Resource& patient, std::span<const fhir::Resource> candidates);

// Two Patients without an identifier in common: should a human compare them? Where birth date and
// a family name are the same, no sex contradicts, and
//   the first given names agree (an initial agrees with a name): whatever their numbers are, since
//     an NHS number may have been superseded;
//   not both say a given name: where the sexes or a postcode agree;
//   the given names differ: where a postcode agrees and not both have an NHS number, which is what
//     tells twins apart.
// Each by the rows of its index (fhir::kName and the like). Never more than a question: nobody is
// matched on it. Pure; any thread.
bool MayBeSame(std::span<const fhir::IndexRow> patient, std::span<const fhir::IndexRow> other);

// Do birth date and family name both differ, where both say them? Pure; any thread.
bool LookUnlike(const fhir::Resource& patient, const fhir::Resource& other);

// The system of NHS numbers.
inline constexpr std::string_view kNhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number";

}  // namespace gw::identity
