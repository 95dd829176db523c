#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/flow/identify.h"
#include "gateway/flow/parts.h"
#include "gateway/map/change/change.h"

namespace gw::flow {

// Something that a human must decide, about resources that are here.
struct Review {
  std::string_view code;  // of urn:caregate:code-system:task: "possible-match", "doubtful-merge",
                          // "merged-plans"
  std::string_view text;  // the question
  std::string reason;     // the rule that asks for it; never a value
  std::string patient;    // whose record the Task is in: an id
  std::vector<std::string> compare;  // what to look at: "Patient/1", "CarePlan/7"; not empty
};

// The Task that asks, as a change: what to compare stands in its input, the first of it in its
// focus. One Task for each question: nothing where it was asked before. Errors: kUnavailable.
Result<std::optional<map::Change>> Ask(const Review& review, const Parts& parts, Instant now,
                                       const std::string& where);

// A document is not taken back while a Consent that rests on it permits somebody something, unless
// the message says what becomes of that Consent too. Errors: hl7_code 204 with the change's place;
// kUnavailable.
Status KeepSourcesOfPermits(const std::vector<map::Change>& changes, const Identified& identified,
                            const Parts& parts);

// The care plans in force of these persons: "CarePlan/7". Errors: kUnavailable.
Result<std::vector<std::string>> ActivePlansOf(const std::vector<std::string>& patients,
                                               const Parts& parts);

// Patients with a family name and that birth date who have no identifier in common with this one,
// and whom a human should compare it with (identity::MayBeSame). At most a few. Errors:
// kUnavailable.
Result<std::vector<std::string>> LookalikesOf(const fhir::Resource& patient, const Parts& parts);

}  // namespace gw::flow
