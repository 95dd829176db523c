#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/flow/identify.h"
#include "gateway/map/change/change.h"
#include "gateway/store/store.h"

namespace gw::flow {

// Is the one surely before the other? FHIR dates or times, each for as long as its last digit
// leaves open; of two where one is a day alone, the days count. Any thread.
bool IsBefore(std::string_view a, std::string_view b);

// When a client last wrote a Consent itself (a version that no message made), as a FHIR dateTime at
// the offset of this country's summer: no day here begins earlier. Empty: never, or another type.
// Errors: those of Archive::VersionsOf.
Result<std::string> LastWritten(const fhir::Key& key, store::Store* store);

// How changes came.
struct Sending {
  bool in_rows;  // of a CSV file
  bool upsert;   // of the feed
  Instant now;
};

// Nothing overwrites what is newer: a change that says of its resource an older state than the one
// that is held, or of no day where the held one is of a day. Compared are what the rows of one feed
// count by (map::kStateOf), the day of a Consent's decision, and when a plan's, a problem's or a
// goal's status changed (map::kStatusDate, Goal.statusDate). CO and DE are not: they speak of what
// was said before. A Patient has a rule of its own (ApplyChanges). A Consent that would permit more
// than the one that is held (flow/permits.h) must be surely later than it, and than what a client
// wrote there: what the person wrote counts as said when it was written. Of rows, see
// flow/decisions.h. `upsert`: of the feed. Errors: hl7_code 205, with the row and column, or the
// segment; IsOlderState says so of an error.
Status RefuseOlder(const std::vector<map::Change>& changes, const Identified& identified,
                   const Sending& sending);
bool IsOlderState(const Error& error);

}  // namespace gw::flow
