#include "gateway/flow/older.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/hl7_code.h"
#include "gateway/map/translate.h"

namespace gw::flow {
namespace {

constexpr std::string_view kOlder = "older than the state that is held: nothing of it is taken";
constexpr std::string_view kNoDay =
    "it does not say of which day it is, and what is held does: nothing of it is taken";

int NumberAt(std::string_view text, size_t at, size_t length) {
  int number = 0;
  std::from_chars(text.data() + at, text.data() + at + length, number);
  return number;
}

// YYYY-MM-DDThh:mm:ss with Z or an offset, which FHIR demands of a time, in UTC.
Instant MomentOf(std::string_view text) {
  CivilTime civil{NumberAt(text, 0, 4),  NumberAt(text, 5, 2),  NumberAt(text, 8, 2),
                  NumberAt(text, 11, 2), NumberAt(text, 14, 2), NumberAt(text, 17, 2)};
  Instant moment = FromCivil(civil);
  const size_t sign = text.find_first_of("+-Z", 19);
  if (sign != text.npos && text[sign] != 'Z' && text.size() >= sign + 6) {
    const int minutes = NumberAt(text, sign + 1, 2) * 60 + NumberAt(text, sign + 4, 2);
    moment.unix_us -= (text[sign] == '-' ? -minutes : minutes) * int64_t{60'000'000};
  }
  return moment;
}

std::string_view ExtensionOf(const fhir::Resource& resource, std::string_view url) {
  for (const fhir::Element* child = resource.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == url) {
      return child->TextAt("value");
    }
  }
  return {};
}

// Where a sender of messages says when: the decision, or the change of the status.
std::string_view MomentSaid(const fhir::Resource& resource) {
  const std::string_view type = resource.type();
  return type == "Consent" ? resource.root().TextAt("dateTime")
         : type == "Goal"  ? resource.root().TextAt("statusDate")
                           : ExtensionOf(resource, map::kStatusDate);
}

// A row's state against the one that an earlier file of its feed left.
Status CompareRows(const map::Change& change, const fhir::Resource& held) {
  const std::string_view before = ExtensionOf(held, change.state.url);
  const std::string_view now = ExtensionOf(change.fragment, change.state.url);
  if (!map::IsEarlierState(now, before)) {
    return {};
  }
  return Error{Code::kConflict, std::string(now.empty() ? kNoDay : kOlder), change.state.where,
               hl7_code::kDuplicateKeyIdentifier};
}

Status CompareMoments(const map::Change& change, const fhir::Resource& held) {
  const std::string_view before = MomentSaid(held);
  const std::string_view now = MomentSaid(change.fragment);
  if (!before.empty() && !now.empty() && IsBefore(now, before)) {
    return Error{Code::kConflict, std::string(kOlder),
                 change.state.where.empty() ? change.where : change.state.where,
                 hl7_code::kDuplicateKeyIdentifier};
  }
  return {};
}

}  // namespace

bool IsBefore(std::string_view a, std::string_view b) {
  constexpr size_t kDay = 10;   // YYYY-MM-DD
  constexpr size_t kTime = 19;  // YYYY-MM-DDThh:mm:ss
  if (a.size() >= kTime && b.size() >= kTime) {
    return MomentOf(a) < MomentOf(b);
  }
  const size_t common = std::min({a.size(), b.size(), kDay});
  return a.substr(0, common) < b.substr(0, common);
}

bool IsOlderState(const Error& error) { return error.detail == kOlder || error.detail == kNoDay; }

Status RefuseOlder(const std::vector<map::Change>& changes, const Identified& identified) {
  for (size_t index = 0; index < changes.size(); ++index) {
    const map::Change& change = changes[index];
    const Known& known = identified.resources[identified.of_change[index]];
    if (!known.current || change.stub || change.action == map::Action::kCorrect ||
        change.action == map::Action::kDelete) {
      continue;
    }
    if (!change.state.url.empty()) {
      GW_RETURN_IF_ERROR(CompareRows(change, *known.current));
    }
    if (!change.where.starts_with("row ") || change.fragment.type() != "Consent") {
      GW_RETURN_IF_ERROR(CompareMoments(change, *known.current));  // of rows: flow/decisions.h
    }
  }
  return {};
}

}  // namespace gw::flow
