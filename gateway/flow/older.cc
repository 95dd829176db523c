#include "gateway/flow/older.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/hl7_code.h"
#include "gateway/flow/permits.h"
#include "gateway/map/translate.h"

namespace gw::flow {
namespace {

constexpr std::string_view kOlder = "older than the state that is held: nothing of it is taken";
constexpr std::string_view kNotLater =
    "it would permit more than what is held, and is not surely later: nothing of it is taken";
constexpr std::string_view kNoDay =
    "it does not say of which day it is, and what is held does: nothing of it is taken";

constexpr size_t kDay = 10;  // YYYY-MM-DD

int NumberAt(std::string_view text, size_t at, size_t length) {
  int number = 0;
  std::from_chars(text.data() + at, text.data() + at + length, number);
  return number;
}

// Digits of a second's fraction: they begin behind the dot, at 20.
size_t FractionSize(std::string_view text) {
  constexpr size_t kFraction = 20;
  const bool has_any = text.size() > kFraction && text[kFraction - 1] == '.';
  return has_any
             ? std::min(text.find_first_not_of("0123456789", kFraction), text.size()) - kFraction
             : 0;
}

// How long that lasts which a time names: a second, or the last digit of its fraction.
int64_t PrecisionOf(std::string_view text) {
  int64_t microseconds = 1'000'000;
  for (size_t digit = FractionSize(text); digit > 0 && microseconds > 1; --digit) {
    microseconds /= 10;
  }
  return microseconds;
}

// YYYY-MM-DDThh:mm:ss with Z or an offset, which FHIR demands of a time, in UTC.
Instant MomentOf(std::string_view text) {
  CivilTime civil{NumberAt(text, 0, 4),  NumberAt(text, 5, 2),  NumberAt(text, 8, 2),
                  NumberAt(text, 11, 2), NumberAt(text, 14, 2), NumberAt(text, 17, 2)};
  const size_t digits = std::min<size_t>(FractionSize(text), 6);
  civil.microsecond = NumberAt(text, 20, digits);
  for (size_t digit = digits; digit > 0 && digit < 6; ++digit) {
    civil.microsecond *= 10;
  }
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

std::string_view DecisionOf(const fhir::Resource& consent) {
  for (const fhir::Element* child = consent.root().first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == map::kConsentDecision) {
      return child->TextAt("value.code");
    }
  }
  return {};
}

// A decision that was said in words, and comes in codes now: the same one, of the same moment.
bool IsSaidAgain(const map::Change& change, const fhir::Resource& held) {
  return held.root().Child("modifierExtension") != nullptr && !DecisionOf(held).empty() &&
         DecisionOf(change.fragment) == DecisionOf(held) &&
         MomentSaid(change.fragment) == MomentSaid(held);
}

// Of a Consent that is not surely later than what it takes the place of: it may permit less.
Status CompareConsents(const map::Change& change, const Known& known, const Sending& sending) {
  const fhir::Resource& held = *known.current;
  const bool is_offer = held.root().TextAt("status") == "proposed";  // takes nothing back
  if (known.written.empty() && (is_offer || IsSaidAgain(change, held))) {
    return {};
  }
  map::Comparison comparison{.upsert = sending.upsert};
  const auto operations = map::OperationsOf(change, held, comparison);
  if (!operations) {
    return {};  // ApplyChanges tells
  }
  GW_TRY(fhir::Resource result, map::Apply(change, *operations, held));
  map::AlignPeriods(&result, nullptr);
  if (MightPermitMore(result, held, FormatInstant(sending.now).substr(0, kDay))) {
    return Error{Code::kConflict, std::string(kNotLater), change.where,
                 hl7_code::kDuplicateKeyIdentifier};
  }
  return {};
}

Status CompareMoments(const map::Change& change, const Known& known, const Sending& sending) {
  const std::string_view said = MomentSaid(change.fragment);
  bool is_later = true;
  for (const std::string_view before :
       {MomentSaid(*known.current), std::string_view(known.written)}) {
    if (said.empty() || before.empty()) {
      continue;
    }
    if (IsBefore(said, before)) {
      return Error{Code::kConflict, std::string(kOlder),
                   change.state.where.empty() ? change.where : change.state.where,
                   hl7_code::kDuplicateKeyIdentifier};
    }
    is_later = is_later && IsBefore(before, said);
  }
  return is_later || change.fragment.type() != "Consent" ? Status()
                                                         : CompareConsents(change, known, sending);
}

}  // namespace

bool IsBefore(std::string_view a, std::string_view b) {
  constexpr size_t kTime = 19;  // YYYY-MM-DDThh:mm:ss
  if (a.size() >= kTime && b.size() >= kTime) {
    return MomentOf(a).unix_us + PrecisionOf(a) <= MomentOf(b).unix_us;
  }
  const size_t common = std::min({a.size(), b.size(), kDay});
  return a.substr(0, common) < b.substr(0, common);
}

bool IsOlderState(const Error& error) { return error.detail == kOlder || error.detail == kNoDay; }

Result<std::string> LastWritten(const fhir::Key& key, store::Store* store) {
  if (key.type != "Consent") {
    return std::string();
  }
  GW_TRY(const std::vector<store::VersionOrigin> versions, store->archive().VersionsOf(key));
  const auto own = std::find_if(versions.begin(), versions.end(),
                                [](const auto& version) { return version.message == 0; });
  if (own == versions.end()) {
    return std::string();
  }
  constexpr int64_t kHour = 3'600'000'000;
  std::string moment = FormatInstant({own->last_updated.unix_us + kHour});
  moment.replace(moment.size() - 1, 1, "+01:00");
  return moment;
}

Status RefuseOlder(const std::vector<map::Change>& changes, const Identified& identified,
                   const Sending& sending) {
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
    if (!sending.in_rows || change.fragment.type() != "Consent") {
      GW_RETURN_IF_ERROR(CompareMoments(change, known, sending));  // of rows: flow/decisions.h
    }
  }
  return {};
}

}  // namespace gw::flow
