#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/map/samples_testing.h"

// Consents on their way back: what a receiver reads out of CON and its rows, or ARV, never permits
// what the Consent did not (care-coordination page, decisions 1 and 8).

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

std::string Actor(const std::string& code) {
  return R"({"role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/)"
         R"(v3-ParticipationType", "code": "IRCP"}]}, "reference": {"type": "Organization", )"
         R"("identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": ")" +
         code + R"("}}})";
}

std::string Coding(const std::string& system, const std::string& code) {
  return R"({"system": ")" + system + R"(", "code": ")" + code + R"("})";
}

std::string Kind(const std::string& code) {
  return Coding("http://hl7.org/fhir/resource-types", code);
}

std::string Label(const std::string& code) {
  return Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", code);
}

// A permit of X9915 with these further members.
std::string Permit(const std::string& members, const std::string& code = "X9915") {
  return R"({"type": "permit", "actor": [)" + Actor(code) + "]" +
         (members.empty() ? "" : ", " + members) + "}";
}

std::string Within(const std::string& rules) { return R"("provision": [)" + rules + "]"; }

std::string Deny(const std::string& members) {
  return R"({"type": "deny")" + (members.empty() ? "" : ", " + members) + "}";
}

// A root deny with these further members.
std::string Root(const std::string& members) { return R"("provision": )" + Deny(members); }

constexpr std::string_view kUncoded =
    R"("modifierExtension": [{"url": "urn:caregate:extension:uncoded-limits", )"
    R"("valueBoolean": true}], )";

std::string Decision(const std::string& code) {
  return R"("extension": [{"url": "urn:caregate:extension:consent-decision", "valueCoding": )" +
         Coding("http://terminology.hl7.org/CodeSystem/v2-0498", code) + "}], ";
}

struct Options {
  std::string status = "active";
  std::string scope = "patient-privacy";
  std::string category = R"([{"coding": [{"code": "59284-0"}]}])";
  std::string before = {};  // further members
  std::string key = "consent";
  std::string id = "CN1";
};

fhir::Resource BundleWith(const std::string& provision, const Options& options,
                          const std::string& more = {}) {
  return Parsed(
      R"({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:p", )"
      R"("resource": {"resourceType": "Patient", "identifier": )"
      R"([{"system": "urn:caregate:id:X:MR", "value": "1"}]}}, )"
      R"({"fullUrl": "urn:uuid:c", "resource": {"resourceType": "Consent", )" +
      options.before + R"("identifier": [{"system": "urn:caregate:id:C:)" + options.key +
      R"(", "value": ")" + options.id + R"("}], "status": ")" + options.status +
      R"(", "scope": {"coding": [)" +
      Coding("http://terminology.hl7.org/CodeSystem/consentscope", options.scope) +
      R"(]}, "category": )" + options.category +
      R"(, "patient": {"reference": "urn:uuid:p"}, "dateTime": "2026-02-02")" +
      (provision.empty() ? "" : ", ") + provision + "}}" + more + "]}");
}

Result<ExportedMessage> Sent(const fhir::Resource& bundle, const std::string& version = "2.8") {
  Destination to;
  to.name = "test";
  to.version = version;
  auto made = BackMaps().FromFhir(bundle, to, kNow);
  if (!made) {
    return made.error();
  }
  EXPECT_EQ(made->messages.size(), 1u);
  return std::move(made->messages.front());
}

// What is asked for.
struct Asked {
  std::string_view actor, kind, label, purpose, day;
};

std::vector<const fhir::Element*> All(const fhir::Element& parent, std::string_view name) {
  std::vector<const fhir::Element*> found;
  for (const fhir::Element* child = parent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name) {
      found.push_back(child);
    }
  }
  return found;
}

bool Names(const fhir::Element& rule, std::string_view name, std::string_view path,
           std::string_view wanted) {
  const auto all = All(rule, name);
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const fhir::Element* each) {
           return each->TextAt(path) == wanted;
         });
}

bool IsNow(const fhir::Element& rule, std::string_view day) {
  const std::string_view start = rule.TextAt("period.start"), end = rule.TextAt("period.end");
  return (start.empty() || start.substr(0, 10) <= day) && (end.empty() || day <= end.substr(0, 10));
}

bool Matches(const fhir::Element& rule, const Asked& asked) {
  return Names(rule, "actor", "reference.identifier.value", asked.actor) &&
         Names(rule, "class", "code", asked.kind) &&
         Names(rule, "securityLabel", "code", asked.label) &&
         Names(rule, "purpose", "code", asked.purpose) && IsNow(rule, asked.day) &&
         rule.Child("dataPeriod") == nullptr;
}

// Consent page 1.3: exceptions only inside a matched parent, a deny wins over its siblings.
bool Permits(const fhir::Element& rule, bool otherwise, const Asked& asked) {
  bool permitted = otherwise;
  bool denied = false;
  for (const fhir::Element* nested : All(rule, "provision")) {
    if (!Matches(*nested, asked)) {
      continue;
    }
    const bool is_permit = nested->TextAt("type") == "permit";
    const bool result = Permits(*nested, is_permit, asked);
    permitted |= result;
    denied |= !is_permit && !result;
  }
  return permitted && !denied;
}

bool Permits(const fhir::Element& consent, const Asked& asked) {
  const fhir::Element* root = consent.Child("provision");
  if (consent.TextAt("status") != "active" || root == nullptr ||
      consent.Child("modifierExtension") != nullptr ||
      consent.TextAt("scope.coding.code") != "patient-privacy" || !Matches(*root, asked)) {
    return false;
  }
  return Permits(*root, root->TextAt("type") == "permit", asked);
}

const fhir::Element& ConsentOf(const fhir::Resource& bundle) {
  return *bundle.root().Child("entry", 1)->Child("resource");
}

// Of all that can be asked: what the receiver permits and the Consent did not.
std::vector<std::string> Widened(const fhir::Element& before, const fhir::Element& after,
                                 size_t* permitted) {
  std::vector<std::string> widened;
  for (const std::string_view actor : {"X9915", "X9916", "X9917"}) {
    for (const std::string_view kind :
         {"CarePlan", "CareTeam", "Goal", "Condition", "Observation", "MedicationRequest"}) {
      for (const std::string_view label : {"N", "PSY", "HIV"}) {
        for (const std::string_view purpose : {"TREAT", "HRESCH"}) {
          for (const std::string_view day : {"2026-01-10", "2026-05-01", "2027-05-01"}) {
            const Asked asked{actor, kind, label, purpose, day};
            const bool is_permitted = Permits(after, asked);
            *permitted += is_permitted ? 1U : 0U;
            if (is_permitted && !Permits(before, asked)) {
              widened.push_back(std::string(actor) + " " + std::string(kind) + " " +
                                std::string(label) + " " + std::string(purpose) + " " +
                                std::string(day));
            }
          }
        }
      }
    }
  }
  return widened;
}

struct Case {
  std::string provision;
  std::string refused_at = {};  // below Consent[1]; empty: it is sent
  bool permits = true;          // somebody something, where it is sent
  Options options = {};
};

// What rows say is sent, and read back it permits nothing more.
const std::vector<Case>& Cases() {
  const std::string plan = R"("class": [)" + Kind("CarePlan") + ", " + Kind("CareTeam");
  const std::string psy = Deny(R"("securityLabel": [)" + Label("PSY") + "]");
  const std::string hiv = Deny(R"("securityLabel": [)" + Label("HIV") + "]");
  const std::string first = ".provision.provision[0]";
  static const std::vector<Case> cases = {
      // Said exactly.
      {Root(""), "", false},
      {Root(Within(Permit("")))},
      {Root(Within(Permit(plan + "]")))},
      {Root(R"("period": {"start": "2026-01-20", "end": "2027-01-20"}, )" + Within(Permit("")))},
      {Root(Within(Permit("") + ", " + Permit(plan + "]", "X9916")))},
      {Root(Within(Permit(Within(psy))))},
      {Root(Within(Permit(Within(psy + ", " + hiv)) + ", " +
                   Permit(Within(hiv + ", " + psy), "X9916")))},
      {Root(Within(Permit(Within(Deny(
          R"("class": [)" + Kind("MedicationRequest") + ", " + Kind("MedicationStatement") + ", " +
          Kind("MedicationDispense") + ", " + Kind("MedicationAdministration") + "]")))))},
      {Root(Within(Permit(""))), "", false, {.status = "proposed"}},
      {Root(Within(Permit(""))), "", false, {.status = "inactive"}},
      {Root(Within(Permit(R"("purpose": [)" + Label("TREAT") + "]"))),
       "",
       false,
       {.status = "inactive"}},
      // A permit narrower, a deny wider.
      {Root(Within(Permit(plan + ", " + Kind("Goal") + "]")))},
      {Root(Within(Permit("") + ", " + psy))},
      {Root(Within(Permit(Within(Deny(R"("securityLabel": [)" + Label("PSY") +
                                      R"(], "purpose": [)" + Label("HRESCH") + "]")))))},
      {Root(Within(Permit(Within(Permit("", "X9916"))))), "", true},
      {Root(R"("purpose": [)" + Label("HRESCH") + "]"), "", false},
      // A stale word of its sender's gives nothing back.
      {Root(""), "", false, {.before = Decision("A")}},
      {Root(Within(Permit(""))), "", false, {.status = "inactive", .before = Decision("A")}},
      {Root(Within(Permit(""))), "", true, {.before = Decision("R")}},
      // What no row says.
      {Root(Within(Permit("") + ", " + Permit(Within(psy), "X9916"))), ".provision.provision[1]"},
      {Root(Within(Permit(Within(psy)) + ", " + Permit(Within(hiv), "X9916"))),
       ".provision.provision[1]"},
      {Root(Within(Permit(R"("class": [)" + Kind("Condition") + "]"))), first + ".class[0]"},
      {Root(Within(Permit(R"("class": [)" + Kind("CarePlan") + "]"))), first + ".class[0]"},
      {Root(Within(
           Permit(R"("class": [)" + Kind("Observation") + ", " + Kind("DocumentReference") + "]"))),
       first + ".class[0]"},
      {Root(Within(Permit(R"("purpose": [)" + Label("TREAT") + "]"))), first + ".purpose[0]"},
      {Root(Within(Permit(R"("period": {"end": "2026-06-01"})"))), first + ".period"},
      {Root(Within(Permit(R"("dataPeriod": {"end": "2026-06-01"})"))), first + ".dataPeriod"},
      {Root(Within(Permit(R"("securityLabel": [)" + Label("PSY") + "]"))),
       first + ".securityLabel[0]"},
      {Root(Within(Permit(R"("code": [{"text": "x"}])"))), first + ".code[0]"},
      {Root(Within(Permit(R"("action": [{"text": "x"}])"))), first + ".action[0]"},
      {Root(Within(Permit(R"("data": [{"meaning": "instance", "reference": {"display": "x"}}])"))),
       first + ".data[0]"},
      {Root(Within(Permit(Within(Deny(R"("class": [)" + Kind("Goal") + "]"))))),
       first + ".provision[0]"},
      {Root(Within(Permit(Within(Deny(R"("purpose": [)" + Label("HRESCH") + "]"))))),
       first + ".provision[0]"},
      {Root(Within(
           Permit(Within(Deny(R"("securityLabel": [)" + Coding("urn:other", "PSY") + "]"))))),
       first + ".provision[0].securityLabel[0]"},
      {Root(Within(Permit(Within(Deny(R"("securityLabel": [)" + Label("UNHEARDOF") + "]"))))),
       ".provision"},
      {Root(Within(R"({"type": "permit", )" + plan + "]}")), first},
      {Root(Within(R"({"type": "permit", "actor": [{"role": {"text": "x"}, "reference": )"
                   R"({"display": "Anybody"}}]})")),
       first + ".actor[0]"},
      {Root(Within(Permit("") + R"(, {"actor": [)" + Actor("X9916") + "]}")),
       ".provision.provision[1]"},
      {Root(R"("purpose": [)" + Label("TREAT") + "], " + Within(Permit(""))),
       ".provision.purpose[0]"},
      {R"("provision": {"type": "permit", )" +
           Within(Deny(R"("actor": [)" + Actor("X9915") + "]")) + "}",
       ".provision"},
      {R"("provision": {"type": "permit"})", ".provision"},
      {R"("provision": {)" + Within(Permit("")) + "}", ".provision"},
      {"", " "},
      {Root(Within(Permit(""))), ".provision", true, {.status = "draft"}},
      {Root(Within(Permit(""))), ".scope", true, {.scope = "research"}},
      {Root(""), ".scope", true, {.category = R"([{"coding": [{"code": "025"}]}])"}},
      {Root(Within(Permit(""))), ".modifierExtension[0]", true, {.before = std::string(kUncoded)}},
      {Root(Within(Permit(""))),
       ".modifierExtension[0]",
       true,
       {.before = R"("modifierExtension": [{"url": "urn:other", "valueBoolean": true}], )"}},
  };
  return cases;
}

TEST(ExportConsent, WhatIsReadBackPermitsNothingMore) {
  for (const Case& one : Cases()) {
    const fhir::Resource bundle = BundleWith(one.provision, one.options);
    const auto message = Sent(bundle);
    if (!one.refused_at.empty()) {
      ASSERT_FALSE(message.ok()) << one.provision << message->bytes;
      EXPECT_EQ(message.error().code, Code::kUnprocessable);
      EXPECT_EQ(message.error().where, "Consent[1]" + (one.refused_at == " " ? "" : one.refused_at))
          << one.provision;
      continue;
    }
    ASSERT_TRUE(message.ok()) << one.provision << message.error().where << message.error().detail;
    const Outcome outcome = TranslateMessage(message->bytes, FeedOf("X9900"));
    ASSERT_EQ(outcome.refusal, "") << message->bytes;
    const auto outcomes = OutcomesOf(outcome.translation.changes);
    ASSERT_TRUE(outcomes.ok()) << outcomes.error().detail;
    const auto back =
        std::find_if(outcomes->resources.begin(), outcomes->resources.end(),
                     [](const fhir::Resource& each) { return each.type() == "Consent"; });
    ASSERT_NE(back, outcomes->resources.end()) << message->bytes;
    size_t permitted = 0;
    const std::vector<std::string> widened = Widened(ConsentOf(bundle), back->root(), &permitted);
    EXPECT_TRUE(widened.empty()) << widened.front() << "\n" << one.provision << message->bytes;
    EXPECT_EQ(permitted > 0, one.permits) << one.provision << message->bytes;
  }
}

TEST(ExportConsent, WordsThatNobodyHasCodedGoWithIt) {
  const std::string task =
      R"(, {"resource": {"resourceType": "Task", "status": "requested", "intent": "order", )"
      R"("code": {"coding": [{"code": "code-limits"}]}, "description": "Not to my neighbour", )"
      R"("focus": {"type": "Consent", "identifier": {"system": "urn:caregate:id:C:consent", )"
      R"("value": "CN1"}}}})";
  Options options;
  options.before = std::string(kUncoded) + Decision("L");
  const auto message = Sent(BundleWith(Root(Within(Permit(""))), options, task));
  ASSERT_TRUE(message.ok()) << message.error().where;
  EXPECT_NE(message->bytes.find("|Not to my neighbour||L|"), std::string::npos) << message->bytes;
}

TEST(ExportConsent, AVersionWithoutAPlaceForItIsSentNothing) {
  for (const char* version : {"2.3", "2.4", "2.5.1"}) {
    for (const char* key : {"consent", "restriction"}) {
      Options options;
      options.key = key;
      const auto message = Sent(BundleWith(Root(""), options), version);
      ASSERT_FALSE(message.ok()) << version << message->bytes;
      EXPECT_EQ(message.error().where, "Consent[1]");
    }
  }
  // ARV came with 2.6; MDM has CON from 2.7 on, whatever chapter 9 said of the segment before.
  Options restriction;
  restriction.key = "restriction";
  EXPECT_TRUE(Sent(BundleWith(Root(""), restriction), "2.6").ok());
  EXPECT_FALSE(Sent(BundleWith(Root(""), {}), "2.6").ok());
  EXPECT_TRUE(Sent(BundleWith(Root(""), {}), "2.7").ok());
}

// Is what is asked for kept back by a restriction?
bool Denies(const fhir::Element& consent, const Asked& asked) {
  const fhir::Element* root = consent.Child("provision");
  return consent.TextAt("status") == "active" && root != nullptr &&
         root->TextAt("type") == "deny" && Matches(*root, asked);
}

// Of all that can be asked: what the restriction keeps back, and what is read back does not.
std::vector<std::string> Narrowed(const fhir::Element& before,
                                  const std::vector<fhir::Resource>& after) {
  std::vector<std::string> narrowed;
  for (const std::string_view kind : {"Encounter", "Goal", "Condition"}) {
    for (const std::string_view label : {"N", "R", "V", "PSY", "HIV", "STD", "SUD", "ETH", "SDV"}) {
      for (const std::string_view day : {"2026-01-10", "2026-05-01"}) {
        const Asked asked{"X9915", kind, label, "TREAT", day};
        const bool is_denied =
            std::any_of(after.begin(), after.end(), [&asked](const fhir::Resource& each) {
              return each.type() == "Consent" && Denies(each.root(), asked);
            });
        if (Denies(before, asked) && !is_denied) {
          narrowed.push_back(std::string(kind) + " " + std::string(label));
        }
      }
    }
  }
  return narrowed;
}

// A restriction that ARV has no code for would come out as none, and of several values in one ARV
// the rest would.
TEST(ExportConsent, ARestrictionIsNeverNarrowed) {
  const auto labels = [](const std::string& list) { return R"("securityLabel": [)" + list + "]"; };
  const std::string level = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
  const std::string keyed_by_value = "0123456789abcdef0123456789abcdef";
  struct {
    std::string provision;
    std::vector<std::string> sent;  // ARV-3
    std::string refused_at = {};
    std::string id = "CN1";
  } const cases[] = {
      {Root(""), {"ALL"}},
      {Root(R"("period": {"start": "2026-02-01"}, )" + labels(Label("PSY"))), {"PSY"}},
      {Root(labels(Label("SUD"))), {"DRG"}},
      {Root(labels(Coding(level, "R"))), {"SMD"}},
      {Root(R"("class": [)" + Kind("Encounter") + "]"), {"LOC"}},
      {Root(labels(Label("HIV")) + R"(, "class": [)" + Kind("Encounter") + "]"), {"HIV"}},
      {Root(labels(Label("HIV") + ", " + Label("PSY") + ", " + Coding(level, "R"))),
       {"HIV", "PSY", "SMD"},
       "",
       keyed_by_value},
      {Root(labels(Label("HIV") + ", " + Label("PSY"))), {}, ".provision.securityLabel[1]"},
      {Root(labels(Label("HIV") + ", " + Label("ETH") + ", " + Label("SDV"))),
       {},
       ".provision.securityLabel[1]",
       keyed_by_value},
      {Root(labels(Label("HIV") + ", " + Coding("urn:other", "X"))),
       {},
       ".provision.securityLabel[1]"},
      {Root(labels(Label("SDV"))), {}, ".provision.securityLabel[0]"},
      {Root(labels(Coding(level, "V"))), {}, ".provision.securityLabel[0]"},
      {Root(labels(Coding("urn:other", "PSY"))), {}, ".provision.securityLabel[0]"},
      {Root(R"("class": [)" + Kind("Goal") + "]"), {}, ".provision"},
      {Root(R"("class": [)" + Coding("urn:other", "Encounter") + "]"), {}, ".provision"},
      {Root(R"("class": [)" + Kind("Encounter") + ", " + Kind("Goal") + "]"), {}, ".provision"},
      {R"("provision": {"type": "permit"})", {}, ".provision"},
  };
  for (const auto& one : cases) {
    Options options;
    options.key = "restriction";
    options.id = one.id;
    const fhir::Resource bundle = BundleWith(one.provision, options);
    const auto message = Sent(bundle);
    if (!one.refused_at.empty()) {
      ASSERT_FALSE(message.ok()) << one.provision << message->bytes;
      EXPECT_EQ(message.error().where, "Consent[1]" + one.refused_at) << one.provision;
      continue;
    }
    ASSERT_TRUE(message.ok()) << message.error().where << one.provision;
    for (size_t i = 0; i < one.sent.size(); ++i) {
      EXPECT_NE(message->bytes.find("\rARV|" + std::to_string(i + 1) + "|A^Add^HL70206|" +
                                    one.sent[i] + "^"),
                std::string::npos)
          << message->bytes;
    }
    const Outcome outcome = TranslateMessage(message->bytes, FeedOf("X9900"));
    ASSERT_EQ(outcome.refusal, "") << message->bytes;
    const auto outcomes = OutcomesOf(outcome.translation.changes);
    ASSERT_TRUE(outcomes.ok()) << outcomes.error().detail;
    const std::vector<std::string> narrowed = Narrowed(ConsentOf(bundle), outcomes->resources);
    EXPECT_TRUE(narrowed.empty()) << narrowed.front() << one.provision << message->bytes;
  }
}

// Each of them is told with their own name.
TEST(ExportConsent, RestrictionsOfTwoPeopleAreTwoMessages) {
  Options options;
  options.key = "restriction";
  const fhir::Resource bundle = BundleWith(
      Root(""), options,
      R"(, {"fullUrl": "urn:uuid:q", "resource": {"resourceType": "Patient", "identifier": )"
      R"([{"system": "urn:caregate:id:X:MR", "value": "2"}]}}, {"fullUrl": "urn:uuid:d", )"
      R"("resource": {"resourceType": "Consent", "identifier": )"
      R"([{"system": "urn:caregate:id:C:restriction", "value": "CN2"}], "status": "active", )"
      R"("patient": {"reference": "urn:uuid:q"}, )" +
          Root(R"("securityLabel": [)" + Label("HIV") + "]") + "}}");
  Destination to;
  to.name = "test";
  to.version = "2.8";
  const auto made = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const std::string number = std::to_string(i + 1);
    ASSERT_TRUE(made->messages[i].ok()) << made->messages[i].error().where;
    const std::string& bytes = made->messages[i]->bytes;
    EXPECT_NE(bytes.find("PID|1||" + number + "^^^X^MR"), std::string::npos) << bytes;
    EXPECT_NE(bytes.find("|CN" + number + "^C"), std::string::npos) << bytes;
    EXPECT_EQ(bytes.find("ARV|2"), std::string::npos) << bytes;
  }
}

}  // namespace
}  // namespace gw::map
