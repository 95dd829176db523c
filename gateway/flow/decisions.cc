#include "gateway/flow/decisions.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "gateway/base/hl7_code.h"

namespace gw::flow {
namespace {

using fhir::Element;

constexpr size_t kDaySize = 10;  // YYYY-MM-DD
// What the maps say beside the rules: extensions of the root provision, and kDecided of a permit.
constexpr std::string_view kRefusedByName = "urn:caregate:extension:refused-by-name";
constexpr std::string_view kGrantedByName = "urn:caregate:extension:granted-by-name";
constexpr std::string_view kParticipation =
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
constexpr std::string_view kDecided = "urn:caregate:extension:decided";
// What says of a rule whom and what it is about: each with its codes, or references, any of which
// will do.
constexpr std::array<std::string_view, 6> kCriteria = {"actor", "action",        "class",
                                                       "code",  "securityLabel", "purpose"};

std::string_view DayOf(std::string_view moment) { return moment.substr(0, kDaySize); }

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whom a reference means, by identifier.
std::string WhoOf(const Element& reference) {
  return std::string(reference.TextAt("identifier.system")) + '|' +
         std::string(reference.TextAt("identifier.value"));
}

std::string TextOfCriterion(const Element& criterion) {
  if (criterion.name() == "actor") {
    const Element* reference = criterion.Child("reference");
    return reference == nullptr ? std::string() : WhoOf(*reference);
  }
  const Element* coding = criterion.Child("coding");
  const Element& from = coding == nullptr ? criterion : *coding;
  return std::string(from.TextAt("system")) + '|' + std::string(from.TextAt("code"));
}

template <typename Visit>
void EachOf(const Element& rule, std::string_view name, Visit visit) {
  for (const Element* child = rule.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      visit(*child);
    }
  }
}

std::vector<std::string> TextsOf(const Element& rule, std::string_view criterion) {
  std::vector<std::string> texts;
  EachOf(rule, criterion, [&texts](const Element& one) { texts.push_back(TextOfCriterion(one)); });
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<const Element*> RulesOf(const Element& rule) {
  std::vector<const Element*> rules;
  EachOf(rule, "provision", [&rules](const Element& one) { rules.push_back(&one); });
  return rules;
}

bool IsPermit(const Element& rule) { return rule.TextAt("type") == "permit"; }

// A deny of somebody, whatever it is about: what a refusal by name comes to.
bool IsRefusalByName(const Element& rule) {
  if (rule.TextAt("type") != "deny" || rule.Child("actor") == nullptr) {
    return false;
  }
  for (const Element* child = rule.first_child(); child != nullptr; child = child->next()) {
    if (!IsOneOf(child->name(), {"type", "actor", "id", "extension"})) {
      return false;
    }
  }
  return true;
}

// Whom a Consent refuses by name: references of the denies of its root, and those that it says
// beside them.
std::vector<const Element*> RefusedIn(const Element& root) {
  std::vector<const Element*> refused;
  for (const Element* rule : RulesOf(root)) {
    if (IsRefusalByName(*rule)) {
      EachOf(*rule, "actor", [&refused](const Element& actor) {
        if (actor.Child("reference") != nullptr) {
          refused.push_back(actor.Child("reference"));
        }
      });
    }
  }
  EachOf(root, "extension", [&refused](const Element& extension) {
    if (extension.TextAt("url") == kRefusedByName && extension.Child("value") != nullptr) {
      refused.push_back(extension.Child("value"));
    }
  });
  return refused;
}

bool IsAmong(const std::vector<const Element*>& references, const std::string& who) {
  return std::any_of(references.begin(), references.end(),
                     [&who](const Element* one) { return WhoOf(*one) == who; });
}

// Says a refusal by name: as a deny where the root permits, else beside the rules.
Status AddRefusal(const Element& reference, Element* root) {
  if (!IsPermit(*root)) {
    GW_TRY(Element * extension, root->Add("extension"));
    GW_TRY(const Element* url, extension->Add("url", kRefusedByName));
    GW_TRY(const Element* value, extension->AddCopy("valueReference", reference));
    static_cast<void>(url);
    static_cast<void>(value);
    return {};
  }
  GW_TRY(Element * deny, root->Add("provision"));
  GW_TRY(const Element* type, deny->Add("type", "deny"));
  GW_TRY(Element * actor, deny->Add("actor"));
  GW_TRY(Element * role, actor->Add("role"));
  GW_TRY(Element * coding, role->Add("coding"));
  GW_TRY(const Element* system, coding->Add("system", kParticipation));
  GW_TRY(const Element* code, coding->Add("code", "IRCP"));
  GW_TRY(const Element* who, actor->AddCopy("reference", reference));
  static_cast<void>(type);
  static_cast<void>(system);
  static_cast<void>(code);
  static_cast<void>(who);
  return {};
}

// Do both say the same? Elements that are not compared make a rule unlike every other.
bool IsSameRule(const Element& one, const Element& other) {
  for (const Element* child = other.first_child(); child != nullptr; child = child->next()) {
    const bool compared =
        IsOneOf(child->name(), {"type", "period", "id", "extension"}) ||
        std::find(kCriteria.begin(), kCriteria.end(), child->name()) != kCriteria.end();
    if (!compared) {
      return false;
    }
  }
  return one.TextAt("type") == other.TextAt("type") &&
         one.TextAt("period.start") == other.TextAt("period.start") &&
         one.TextAt("period.end") == other.TextAt("period.end") && RulesOf(one).empty() &&
         std::all_of(kCriteria.begin(), kCriteria.end(), [&](std::string_view criterion) {
           return TextsOf(one, criterion) == TextsOf(other, criterion);
         });
}

// Does one hold at no time at which the other does not?
bool IsPeriodWithin(const Element& narrow, const Element& wide, std::string_view today) {
  const std::string_view wide_end = wide.TextAt("period.end");
  const std::string_view wide_start = wide.TextAt("period.start");
  const std::string_view end = narrow.TextAt("period.end");
  const bool ends = wide_end.empty() || (!end.empty() && DayOf(end) <= DayOf(wide_end));
  return ends &&
         (DayOf(wide_start) <= today || DayOf(narrow.TextAt("period.start")) >= DayOf(wide_start));
}

// What an element of the wide permit asks, the narrow one asks too.
bool Keeps(const Element& narrow, const Element& wide, const Element& asked,
           std::string_view today) {
  if (IsOneOf(asked.name(), {"type", "id", "extension"})) {
    return true;
  }
  if (asked.name() == "period") {
    return IsPeriodWithin(narrow, wide, today);
  }
  if (asked.name() == "provision") {
    const std::vector<const Element*> rules = RulesOf(narrow);
    const bool at_root = wide.parent() != nullptr && wide.parent()->parent() == nullptr;
    return (at_root && IsRefusalByName(asked)) ||  // carried over
           (!IsPermit(asked) && std::any_of(rules.begin(), rules.end(), [&](const Element* rule) {
             return IsSameRule(*rule, asked);
           }));
  }
  if (std::find(kCriteria.begin(), kCriteria.end(), asked.name()) == kCriteria.end()) {
    return false;
  }
  const std::vector<std::string> some = TextsOf(narrow, asked.name());
  const std::vector<std::string> all = TextsOf(wide, asked.name());
  return !some.empty() && std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// Does the permit allow nothing that the other does not?
bool IsWithin(const Element& narrow, const Element& wide, std::string_view today) {
  if (!IsPermit(wide)) {
    return false;
  }
  for (const Element* asked = wide.first_child(); asked != nullptr; asked = asked->next()) {
    if (!Keeps(narrow, wide, *asked, today)) {
      return false;
    }
  }
  return true;
}

// One Consent of a file against the stored one.
class Decisions {
 public:
  Decisions(map::Change* change, const fhir::Resource& stored, Instant now)
      : change_(*change),
        fresh_(*change->fragment.root().Child("provision")),
        stored_(*stored.root().Child("provision")),
        today_(DayOf(FormatInstant(now))),
        stored_day_(DayOf(stored.root().TextAt("dateTime").empty()
                              ? stored.last_updated()
                              : stored.root().TextAt("dateTime"))),
        of_some_(fresh_.Child("actor") != nullptr) {}

  // True where a refusal was carried over.
  Result<bool> KeepRefusals() {
    bool any = false;
    for (const Element* reference : RefusedIn(stored_)) {
      const std::string who = WhoOf(*reference);
      if (!IsAmong(RefusedIn(fresh_), who) && !IsGrantedLater(who)) {
        GW_RETURN_IF_ERROR(AddRefusal(*reference, &fresh_));
        any = true;
      }
    }
    return any;
  }

  Status TakeNothingBack() const {
    bool held = IsPermit(fresh_) && !IsStoredWithin(fresh_) && !IsLater(fresh_);
    for (const Element* rule : RulesOf(fresh_)) {
      held = held || (IsPermit(*rule) && !IsPermit(fresh_) && !IsStoredWithin(*rule) &&
                      IsSpokenOf(*rule) && !IsLater(*rule));
    }
    if (held) {
      return Error{Code::kConflict,
                   "a decision that is older than what is stored, or has no date, would permit "
                   "more: held, and what is stored stays in force. Taking it once more changes "
                   "nothing: ask the person, and put in a file with the day of the decision, "
                   "and discard this one",
                   change_.where, hl7_code::kUnknownKeyIdentifier};
    }
    return {};
  }

  // The later of both; without a date, that of today where less is permitted than before.
  Status Date() {
    Element& consent = change_.fragment.root();
    const std::string fresh(DayOf(consent.TextAt("dateTime")));
    if (!fresh.empty() && fresh < stored_day_) {
      consent.Clear("dateTime");  // what stands stays
    } else if (fresh.empty() && today_ > stored_day_ && Narrows()) {
      GW_TRY(const Element* added, consent.Add("dateTime", today_));
      static_cast<void>(added);
    }
    return {};
  }

 private:
  // Does the file grant it something, by name and on a later day?
  bool IsGrantedLater(const std::string& who) const {
    bool later = false;
    for (const Element* rule : RulesOf(fresh_)) {
      const std::vector<std::string> actors = TextsOf(*rule, "actor");
      later = later || (IsPermit(*rule) && IsLater(*rule) &&
                        std::find(actors.begin(), actors.end(), who) != actors.end());
    }
    EachOf(fresh_, "extension", [&](const Element& extension) {
      if (extension.TextAt("url") != kGrantedByName) {
        return;
      }
      bool is_about = false;
      std::string_view day;
      EachOf(extension, "extension", [&](const Element& part) {
        const Element* value = part.Child("value");
        if (value != nullptr && part.TextAt("url") == "decided") {
          day = value->text();
        } else if (value != nullptr) {
          is_about = WhoOf(*value) == who;
        }
      });
      later = later || (is_about && DayOf(day) > stored_day_);
    });
    return later;
  }

  // Is somebody refused, or less permitted, who was not before?
  bool Narrows() const {
    const std::vector<const Element*> before = RulesOf(stored_);
    const std::vector<const Element*> now = RulesOf(fresh_);
    const auto stays = [&](const Element& permit, const std::vector<const Element*>& rules) {
      return !IsPermit(permit) || std::any_of(rules.begin(), rules.end(), [&](const auto* rule) {
        return IsWithin(permit, *rule, today_);
      });
    };
    const std::vector<const Element*> refused = RefusedIn(fresh_);
    const std::vector<const Element*> known = RefusedIn(stored_);
    const auto is_new = [&](const Element* who) { return !IsAmong(known, WhoOf(*who)); };
    return !stays(stored_, {&fresh_}) || std::any_of(refused.begin(), refused.end(), is_new) ||
           std::any_of(before.begin(), before.end(),
                       [&](const Element* rule) { return !stays(*rule, now); });
  }

  bool IsStoredWithin(const Element& permit) const {
    const std::vector<std::string> actors = TextsOf(permit, "actor");
    const std::vector<const Element*> refused = RefusedIn(stored_);
    if (std::any_of(actors.begin(), actors.end(),
                    [&](const std::string& who) { return IsAmong(refused, who); })) {
      return false;
    }
    const std::vector<const Element*> rules = RulesOf(stored_);
    return (IsPermit(stored_) && IsWithin(permit, stored_, today_)) ||
           std::any_of(rules.begin(), rules.end(), [&](const Element* rule) {
             return !IsPermit(stored_) && IsWithin(permit, *rule, today_);
           });
  }

  // Does the stored Consent say something of whom the permit is for?
  bool IsSpokenOf(const Element& permit) const {
    const std::vector<std::string> spoken = TextsOf(stored_, "actor");
    const std::vector<std::string> actors = TextsOf(permit, "actor");
    return spoken.empty() || std::any_of(actors.begin(), actors.end(), [&](const auto& actor) {
             return std::binary_search(spoken.begin(), spoken.end(), actor);
           });
  }

  // When it was decided: of carers it stands beside it, else it is where its period begins.
  std::string_view DayOfDecision(const Element& permit) const {
    std::string_view day;
    EachOf(permit, "extension", [&day](const Element& extension) {
      day = extension.TextAt("url") == kDecided ? DayOf(extension.TextAt("value")) : day;
    });
    return of_some_ ? day : DayOf(permit.TextAt("period.start"));
  }

  // Was it decided after all that is stored? On its last day more can have been permitted: no
  // refusal is of that day where a permit is, for it would have ended the permit.
  bool IsLater(const Element& permit) const {
    const std::string_view day = DayOfDecision(permit);
    if (day != stored_day_ || day.empty()) {
      return day > stored_day_;
    }
    const std::vector<std::string> actors = TextsOf(permit, "actor");
    const std::vector<const Element*> refused = RefusedIn(stored_);
    const std::vector<const Element*> rules = RulesOf(stored_);
    const auto of_that_day = [this](const Element& rule) {
      return IsPermit(rule) && DayOf(rule.TextAt("period.start")) == stored_day_;
    };
    return !of_some_ &&
           std::none_of(actors.begin(), actors.end(),
                        [&](const std::string& who) { return IsAmong(refused, who); }) &&
           (of_that_day(stored_) ||
            std::any_of(rules.begin(), rules.end(),
                        [&](const Element* rule) { return of_that_day(*rule); }));
  }

  map::Change& change_;
  Element& fresh_;
  const Element& stored_;
  const std::string today_;
  const std::string stored_day_;
  const bool of_some_;
};

Status KeepOne(map::Change* change, const Known& known, Instant now,
               std::vector<map::Remark>* remarks) {
  if (!known.current || known.version == 0 || known.current->root().TextAt("status") != "active" ||
      known.current->root().Child("provision") == nullptr ||
      change->fragment.root().Child("provision") == nullptr) {
    if (change->fragment.root().Child("dateTime") == nullptr) {
      GW_TRY(const Element* added,
             change->fragment.root().Add("dateTime", DayOf(FormatInstant(now))));
      static_cast<void>(added);
    }
    return {};
  }
  Decisions decisions(change, *known.current, now);
  GW_TRY(const bool kept, decisions.KeepRefusals());
  if (kept) {
    remarks->push_back({'W', "refusal-kept", change->where,
                        "an earlier file refuses somebody by name whom no later decision names"});
  }
  GW_RETURN_IF_ERROR(decisions.TakeNothingBack());
  return decisions.Date();
}

}  // namespace

Status KeepDecisions(std::vector<map::Change>* changes, Identified* identified, Instant now) {
  for (size_t index = 0; index < changes->size(); ++index) {
    map::Change& change = (*changes)[index];
    if (change.fragment.type() == "Consent") {
      GW_RETURN_IF_ERROR(KeepOne(&change, identified->resources[identified->of_change[index]], now,
                                 &identified->remarks));
    }
  }
  return {};
}

}  // namespace gw::flow
