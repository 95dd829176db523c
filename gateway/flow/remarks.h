#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/map/translate.h"
#include "gateway/store/archive.h"

namespace gw::flow {

// What is kept of a translation's remarks, and of a refusal: places and rules, never a value.

// "PID-3: the rule".
std::string ReasonOf(const Error& error);
// What refusals are grouped by: the table 0357 code and the place without repetitions: "204 PID-3",
// "102 CarePlan.goal", "103 column DOB".
std::string CauseOf(const Error& error);
// A place without what tells one repetition, row or segment from the next.
std::string PlaceOf(std::string_view where);

// Remarks, unread fields and unmapped codes as a JSON array, for the message's record.
std::string RemarksJson(const map::Translation& translation);
// Adds remarks to such an array.
void AddRemarks(const std::vector<map::Remark>& remarks, std::string* json);
// The unread fields and unmapped codes, to be counted by feed.
std::vector<store::FieldNote> FieldsOf(const map::Translation& translation);
// What the sender's people should know rides on the AA as ERR segments of severity W or I: every
// warning of the translation, and what was found while the message's persons and plans were looked
// up. What is known of others is not told: a possible match is no more than a question.
std::vector<hl7v2::Issue> IssuesOf(std::span<const map::Remark> remarks);

}  // namespace gw::flow
