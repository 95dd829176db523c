#include "gateway/flow/decisions.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/base/hl7_code.h"
#include "gateway/flow/permits.h"

namespace gw::flow {
namespace {

using fhir::Element;

constexpr size_t kDaySize = 10;  // YYYY-MM-DD
// What the maps say beside the rules: an extension of the root provision, and kDecided of a permit,
// or of an actor of the root that an earlier file speaks of.
constexpr std::string_view kGrantedByName = "urn:caregate:extension:granted-by-name";
constexpr std::string_view kDecided = "urn:caregate:extension:decided";
constexpr std::string_view kParticipation =
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

std::string_view DayOf(std::string_view moment) { return moment.substr(0, kDaySize); }

template <typename Visit>
void EachOf(const Element& rule, std::string_view name, Visit visit) {
  for (const Element* child = rule.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      visit(*child);
    }
  }
}

bool Names(const Element& rule, const std::string& who) {
  const std::vector<std::string> actors = TextsOf(rule, "actor");
  return std::find(actors.begin(), actors.end(), who) != actors.end();
}

// Do they speak of somebody in common?
bool NamesAlike(const Element& one, const Element& other) {
  const std::vector<std::string> actors = TextsOf(other, "actor");
  return std::any_of(actors.begin(), actors.end(),
                     [&one](const std::string& who) { return Names(one, who); });
}

std::string_view DecidedOf(const Element& element) {
  std::string_view day;
  EachOf(element, "extension", [&day](const Element& extension) {
    day = extension.TextAt("url") == kDecided ? DayOf(extension.TextAt("value")) : day;
  });
  return day;
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

// One Consent of a file against the stored one.
class Decisions {
 public:
  Decisions(map::Change* change, const Known& known, Instant now)
      : change_(*change),
        fresh_(*change->fragment.root().Child("provision")),
        held_(known.current->root().Child("provision")),
        is_in_force_(held_ != nullptr && known.current->root().TextAt("status") == "active" &&
                     known.current->root().Child("modifierExtension") == nullptr),
        today_(DayOf(FormatInstant(now))),
        said_day_(DayOf(known.current->root().TextAt("dateTime").empty()
                            ? known.current->last_updated()
                            : known.current->root().TextAt("dateTime"))),
        written_day_(DayOf(known.written)),
        held_day_(std::max(said_day_, written_day_)),
        of_some_(fresh_.Child("actor") != nullptr) {}

  // True where a refusal was carried over.
  Result<bool> KeepRefusals() {
    bool any = false;
    if (held_ == nullptr) {
      return any;
    }
    for (const Element* reference : RefusedIn(*held_)) {
      const std::string who = WhoOf(*reference);
      const bool is_rule = reference->parent()->name() == "actor";  // KeepDeny
      if (!is_rule && !IsAmong(RefusedIn(fresh_), who) && !IsGrantedLater(who)) {
        GW_RETURN_IF_ERROR(AddRefusal(*reference, &fresh_));
        any = true;
      }
    }
    for (const Element* rule : RulesOf(*held_)) {
      GW_TRY(const bool is_kept, IsPermit(*rule) ? KeepLimits(*rule) : KeepDeny(*rule, *rule));
      any = any || is_kept;
    }
    GW_TRY(const bool are_kept, KeepActors());
    return any || are_kept;
  }

  Status TakeNothingBack() const {
    bool held = IsPermit(fresh_) && !IsHeldWithin(fresh_) && !IsLater(fresh_);
    for (const Element* rule : RulesOf(fresh_)) {
      held = held || (IsPermit(*rule) && !IsPermit(fresh_) && !IsHeldWithin(*rule) &&
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
    if (!fresh.empty() && fresh < said_day_) {
      consent.Clear("dateTime");  // what stands stays
    } else if (fresh.empty() && today_ > said_day_ && Narrows()) {
      GW_TRY(const Element* added, consent.Add("dateTime", today_));
      static_cast<void>(added);
    }
    return {};
  }

 private:
  // A deny by name goes on for whom no later decision names, however much it keeps back. `of`: the
  // rule that says whom, where the deny does not.
  Result<bool> KeepDeny(const Element& deny, const Element& of) {
    if (of.Child("actor") == nullptr) {
      return false;  // of everybody: it holds until any later decision
    }
    const std::vector<const Element*> refused = RefusedIn(fresh_);
    GW_TRY(Element * kept, fresh_.AddCopy("provision", deny));
    kept->Clear("actor");
    bool is_new = false;
    for (const Element* actor = of.first_child(); actor != nullptr; actor = actor->next()) {
      const Element* reference = actor->Child("reference");
      const std::string who = reference == nullptr ? std::string() : WhoOf(*reference);
      if (actor->name() == "actor" && !IsGrantedLater(who)) {
        GW_TRY(const Element* copy, kept->AddCopy("actor", *actor));
        static_cast<void>(copy);
        is_new = is_new || !IsAmong(refused, who);
      }
    }
    is_new = is_new && !IsSaid(*kept);
    if (!is_new) {
      fresh_.Remove(kept);
    }
    return is_new;
  }

  // Is the deny among those of the file, or carried over?
  bool IsSaid(const Element& deny) const {
    const std::vector<const Element*> rules = RulesOf(fresh_);
    return std::any_of(rules.begin(), rules.end(), [&deny](const Element* rule) {
      return rule != &deny && IsSameRule(*rule, deny);
    });
  }

  // What was kept back from somebody inside their own permit is kept back by a deny where that
  // permit is gone: a grant to any organisation would open it.
  Result<bool> KeepLimits(const Element& permit) {
    bool any = false;
    if (permit.Child("actor") == nullptr || IsPermittedByName(permit)) {
      return any;
    }
    for (const Element* limit : RulesOf(permit)) {
      if (!IsPermit(*limit)) {
        GW_TRY(const bool is_kept,
               KeepDeny(*limit, limit->Child("actor") == nullptr ? permit : *limit));
        any = any || is_kept;
      }
    }
    return any;
  }

  bool IsPermittedByName(const Element& permit) const {
    const std::vector<const Element*> rules = RulesOf(fresh_);
    return !IsPermit(fresh_) && std::any_of(rules.begin(), rules.end(), [&](const Element* rule) {
      return IsPermit(*rule) && NamesAlike(*rule, permit);
    });
  }

  // Of carers the file speaks of those alone whom it names. Who was refused, or permitted less than
  // all, stays among those whom the root denies, as of the day when that was said.
  Result<bool> KeepActors() {
    bool any = false;
    if (!of_some_) {
      return any;
    }
    for (const Element* actor = held_->first_child(); actor != nullptr; actor = actor->next()) {
      const Element* reference = actor->name() == "actor" ? actor->Child("reference") : nullptr;
      if (reference == nullptr || Names(fresh_, WhoOf(*reference)) ||
          IsWhollyPermitted(WhoOf(*reference))) {
        continue;
      }
      GW_TRY(Element * kept, fresh_.AddCopy("actor", *actor));
      if (DecidedOf(*kept).empty()) {
        GW_TRY(Element * extension, kept->Add("extension"));
        GW_TRY(const Element* url, extension->Add("url", kDecided));
        GW_TRY(const Element* value, extension->Add("valueDate", said_day_));
        static_cast<void>(url);
        static_cast<void>(value);
      }
      any = true;
    }
    return any;
  }

  bool IsWhollyPermitted(const std::string& who) const {
    const std::vector<const Element*> rules = RulesOf(*held_);
    return is_in_force_ && std::any_of(rules.begin(), rules.end(), [&who](const Element* rule) {
             return IsPermit(*rule) && Names(*rule, who) &&
                    HasOnly(*rule, {"type", "actor", "id", "extension"});
           });
  }

  // Does the file grant it something, by name and on a later day?
  bool IsGrantedLater(const std::string& who) const {
    bool later = false;
    for (const Element* rule : RulesOf(fresh_)) {
      later = later || (IsPermit(*rule) && IsLater(*rule) && Names(*rule, who));
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
      later = later || (is_about && DayOf(day) > held_day_);
    });
    return later;
  }

  // Is somebody refused, or less permitted, who was not before?
  bool Narrows() const {
    if (!is_in_force_) {
      return true;
    }
    const std::vector<const Element*> before = RulesOf(*held_);
    const std::vector<const Element*> now = RulesOf(fresh_);
    const auto stays = [&](const Element& permit, const std::vector<const Element*>& rules) {
      return !IsPermit(permit) || std::any_of(rules.begin(), rules.end(), [&](const auto* rule) {
        return IsWithin(permit, *rule, today_);
      });
    };
    const std::vector<const Element*> refused = RefusedIn(fresh_);
    const std::vector<const Element*> known = RefusedIn(*held_);
    const auto is_new = [&](const Element* who) { return !IsAmong(known, WhoOf(*who)); };
    return !stays(*held_, {&fresh_}) || std::any_of(refused.begin(), refused.end(), is_new) ||
           std::any_of(before.begin(), before.end(),
                       [&](const Element* rule) { return !stays(*rule, now); });
  }

  // Was it permitted already?
  bool IsHeldWithin(const Element& permit) const {
    if (!is_in_force_) {
      return false;
    }
    const std::vector<std::string> actors = TextsOf(permit, "actor");
    const std::vector<const Element*> refused = RefusedIn(*held_);
    const std::vector<const Element*> denies = RulesOf(*held_);
    return std::none_of(actors.begin(), actors.end(),
                        [&](const std::string& who) { return IsAmong(refused, who); }) &&
           std::none_of(denies.begin(), denies.end(),
                        [&](const Element* deny) { return IsDroppedFor(*deny, permit); }) &&
           IsWithinRoot(permit, *held_, today_);
  }

  // Is it a deny of what is permitted, which the file does not say, and which was not carried over?
  // A root that permits asks for its denies itself.
  bool IsDroppedFor(const Element& deny, const Element& permit) const {
    const bool is_about = deny.Child("actor") == nullptr || NamesAlike(deny, permit);
    return !IsPermit(deny) && !IsPermit(*held_) && is_about && !IsSaid(deny);
  }

  // Does the stored Consent say something of whom the permit is for? One that a client wrote speaks
  // of those, too, whom it leaves out.
  bool IsSpokenOf(const Element& permit) const {
    return !is_in_force_ || !written_day_.empty() || held_->Child("actor") == nullptr ||
           NamesAlike(*held_, permit);
  }

  // When it was decided: of carers it stands beside it, else it is where its period begins.
  std::string_view DayOfDecision(const Element& permit) const {
    return of_some_ ? DecidedOf(permit) : DayOf(permit.TextAt("period.start"));
  }

  // When the last was said of whom the permit is for: of a carer whom the last file does not name
  // it stands beside them.
  std::string DayHeldFor(const Element& permit) const {
    std::string day;
    bool is_known = of_some_ && held_ != nullptr;
    for (const std::string& who : TextsOf(permit, "actor")) {
      std::string_view decided;
      if (is_known) {
        EachOf(*held_, "actor", [&](const Element& actor) {
          const Element* reference = actor.Child("reference");
          decided = reference != nullptr && WhoOf(*reference) == who ? DecidedOf(actor) : decided;
        });
      }
      is_known = !decided.empty();
      day = std::max(day, std::string(decided));
    }
    return is_known && !day.empty() ? std::max(day, written_day_) : held_day_;
  }

  // Was it decided surely after all that is stored?
  bool IsLater(const Element& permit) const {
    const std::string_view day = DayOfDecision(permit);
    return day > DayHeldFor(permit) || (day == held_day_ && AddsToDay(permit));
  }

  // On the last day that is stored more can have been permitted than an earlier file says, to whom
  // nothing stored speaks of: no refusal of all is of that day where a permit is, for it would have
  // ended the permit.
  bool AddsToDay(const Element& permit) const {
    if (of_some_ || !is_in_force_ || !written_day_.empty()) {
      return false;
    }
    const std::vector<const Element*> rules = RulesOf(*held_);
    const std::vector<const Element*> refused = RefusedIn(*held_);
    const std::vector<std::string> actors = TextsOf(permit, "actor");
    const auto of_that_day = [this](const Element& rule) {
      return IsPermit(rule) && DayOf(rule.TextAt("period.start")) == held_day_;
    };
    const auto speaks_of_it = [&](const Element* rule) {
      return rule->Child("actor") == nullptr || NamesAlike(*rule, permit);
    };
    return !IsPermit(*held_) &&
           std::none_of(actors.begin(), actors.end(),
                        [&](const std::string& who) { return IsAmong(refused, who); }) &&
           std::none_of(rules.begin(), rules.end(), speaks_of_it) &&
           std::any_of(rules.begin(), rules.end(),
                       [&](const Element* rule) { return of_that_day(*rule); });
  }

  map::Change& change_;
  Element& fresh_;
  const Element* held_;     // the stored root; null: there is none
  const bool is_in_force_;  // the stored Consent can permit something
  const std::string today_;
  const std::string said_day_;     // of the latest decision that is stored
  const std::string written_day_;  // when a client last wrote it itself; empty: never
  const std::string held_day_;     // the later of both
  const bool of_some_;
};

Status KeepOne(map::Change* change, const Known& known, Instant now,
               std::vector<map::Remark>* remarks) {
  if (!known.current || known.version == 0 ||
      change->fragment.root().Child("provision") == nullptr) {
    if (change->fragment.root().Child("dateTime") == nullptr) {
      GW_TRY(const Element* added,
             change->fragment.root().Add("dateTime", DayOf(FormatInstant(now))));
      static_cast<void>(added);
    }
    return {};
  }
  Decisions decisions(change, known, now);
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
