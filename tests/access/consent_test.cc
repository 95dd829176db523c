// The rules of docs/consent.md, case by case: what governs, how it adds up, for whom.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/access/consent_cases.h"

namespace gw::access {
namespace {

TEST(Consent, ImplicitPolicyWhereNoneGoverns) {
  Check({
      {"clinician treats", {}, kPermit, "implicit-policy"},
      {"emergency", {}, kPermit, "implicit-policy", "Observation", Asking("ETREAT")},
      {"clerk", {}, kDeny, "implicit-policy", "Observation", By("hosp-a", "c", "clerk")},
      {"no role", {}, kDeny, "implicit-policy", "Observation", By("hosp-a", "c", "")},
      {"payment", {}, kDeny, "implicit-policy", "Observation", Asking("HPAYMT")},
      {"population health is not care",
       {},
       kDeny,
       "implicit-policy",
       "Observation",
       Asking("POPHLTH")},
      {"all-normal",
       {},
       kPermit,
       "implicit-policy",
       "Observation",
       Under(ImplicitPolicy::kAllNormal, "HPAYMT", "clerk")},
      {"break-glass-only",
       {},
       kDeny,
       "implicit-policy",
       "Observation",
       Under(ImplicitPolicy::kBreakGlassOnly)},
      {"deny", {}, kDeny, "implicit-policy", "Observation", Under(ImplicitPolicy::kDeny)},
      {"labels are not judged", {}, kPermit, "implicit-policy", "Condition R HIV@v3-ActCode"},
  });
}

TEST(Consent, ImplicitPolicyMayWithholdSensitivities) {
  Request request;
  request.policy.implicit_withholds = {"SUD"};
  Check({
      {"below", {}, kDeny, "implicit-policy", "Condition R ETHUD@v3-ActCode", request},
      {"above", {}, kDeny, "implicit-policy", "Condition R SPI@v3-ActCode", request},
      {"beside", {}, kPermit, "implicit-policy", "Condition R HIV@v3-ActCode", request},
      {"unlabelled", {}, kPermit, "implicit-policy", "Condition", request},
  });
}

TEST(Consent, PurposeIsNeededAndKnown) {
  const std::vector<std::string> optin = {ConsentJson("c1", PolicyRule("OPTIN"))};
  Request registered = Asking("urn:example:projects|p9");
  registered.policy.registered_purposes = {"urn:example:projects|p9"};
  Check({
      {"none", optin, kDeny, "unknown-purpose", "Observation", Asking("")},
      {"unknown", optin, kDeny, "unknown-purpose", "Observation", Asking("CURIOSITY")},
      {"the heading", optin, kDeny, "unknown-purpose", "Observation", Asking("PurposeOfUse")},
      {"a reason that is no purpose", optin, kDeny, "unknown-purpose", "Observation",
       Asking("PATCAR")},
      {"registered", optin, kPermit, "consent-permit", "Observation", registered},
      {"not registered", optin, kDeny, "unknown-purpose", "Observation",
       Asking("urn:example:projects|p8")},
      {"break-glass is never authorised here", optin, kDeny, "break-glass-not-authorised",
       "Observation", Asking("BTG")},
  });
}

TEST(Consent, AbsentPurposeDeniesUnderEveryPolicyAndCaller) {
  for (const ImplicitPolicy policy : {ImplicitPolicy::kBasicNormal, ImplicitPolicy::kAllNormal,
                                      ImplicitPolicy::kBreakGlassOnly, ImplicitPolicy::kDeny}) {
    for (Request request : {Request(), Request().AsPatient("p1"), Request().AsProxy("rp1", true)}) {
      request.policy.implicit = policy;
      EXPECT_FALSE(Decide(request.For(""), {}).permit);
      EXPECT_FALSE(Decide(request, {ConsentJson("c1", PolicyRule("OPTIN"))}).permit);
    }
  }
}

TEST(Consent, BaseRules) {
  for (const std::string_view code : {"OPTIN", "OPTINR", "IMPLIED", "IMPLIEDD"}) {
    const Decision decision = Decide(Request(), {ConsentJson("c1", PolicyRule(code))});
    EXPECT_TRUE(decision.permit) << code;
    EXPECT_EQ(decision.provision, "policyRule");
    EXPECT_EQ(decision.consent, "c1");
    EXPECT_EQ(decision.version, 7U);
  }
  for (const std::string_view code : {"OPTOUT", "OPTOUTE", "EMRGONLY"}) {
    EXPECT_EQ(Decide(Request(), {ConsentJson("c1", PolicyRule(code))}).reason, "consent-deny");
  }
  EXPECT_TRUE(Decide(Asking("ERTREAT"), {ConsentJson("c1", PolicyRule("EMRGONLY"))}).permit);
  for (const std::string_view code : {"NOCONSENT", "GRANTORCHOICE", "OPTOT"}) {
    EXPECT_EQ(Decide(Request(), {ConsentJson("c1", PolicyRule(code))}).reason, "unreadable");
  }
  EXPECT_EQ(Decide(Request(), {ConsentJson("c1", "")}).reason, "unreadable");
}

TEST(Consent, WhichGovern) {
  const std::string scope = R"("code":"patient-privacy")";
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const std::string optout = ConsentJson("c1", PolicyRule("OPTOUT"));
  for (const char* status : {"draft", "proposed", "rejected", "inactive", "entered-in-error"}) {
    const std::string ignored = with(optout, R"("active")", "\"" + std::string(status) + "\"");
    EXPECT_EQ(Decide(Request(), {ignored}).reason, "implicit-policy") << status;
  }
  EXPECT_EQ(Decide(Request(), {with(optout, R"("active")", R"("live")")}).reason, "unreadable");
  EXPECT_EQ(Decide(Request(), {with(optout, R"("status":"active",)", "")}).reason, "unreadable");
  for (const char* other : {"treatment", "adr"}) {
    const std::string ignored = with(optout, scope, R"("code":")" + std::string(other) + "\"");
    EXPECT_EQ(Decide(Request(), {ignored}).reason, "implicit-policy") << other;
  }
  const std::string research = with(optout, scope, R"("code":"research")");
  EXPECT_EQ(Decide(Request(), {research}).reason, "implicit-policy");
  EXPECT_EQ(Decide(Asking("CLINTRCH"), {research}).reason, "consent-deny");
  EXPECT_EQ(Decide(Request(), {with(optout, scope, R"("code":"else")")}).reason, "unreadable");
}

TEST(Consent, RootPeriodSaysWhetherItGoverns) {
  const auto during = [](std::string_view period) {
    return std::vector<std::string>{
        ProvisionJson("c1", Rule("deny", {R"("period":)" + std::string(period)}))};
  };
  const auto year = during(R"({"start":"2026-01-01","end":"2026-11-21"})");
  Check({
      {"last second of the last day", year, kDeny, "consent-deny", "Observation",
       AtTime(At(2026, 11, 21, 23, 59, 59))},
      {"the second after", year, kPermit, "implicit-policy", "Observation",
       AtTime(At(2026, 11, 22))},
      {"first second", year, kDeny, "consent-deny", "Observation", AtTime(At(2026, 1, 1))},
      {"the second before", year, kPermit, "implicit-policy", "Observation",
       AtTime(At(2025, 12, 31, 23, 59, 59))},
      {"a year", during(R"({"end":"2026"})"), kDeny, "consent-deny"},
      {"a month", during(R"({"end":"2026-10"})"), kPermit, "implicit-policy"},
      {"a zone", during(R"({"end":"2026-11-21T12:00:00+02:00"})"), kDeny, "consent-deny"},
      {"past in its zone", during(R"({"end":"2026-11-21T11:59:58+02:00"})"), kPermit,
       "implicit-policy"},
      {"ends before it starts", during(R"({"start":"2027","end":"2026"})"), kDeny, "unreadable"},
      {"no such day", during(R"({"start":"2026-02-30"})"), kDeny, "unreadable"},
      {"no date", during(R"({"start":"last summer"})"), kDeny, "unreadable"},
  });
}

TEST(Consent, Nesting) {
  const std::string psychiatrist = Rule("permit", {ActorJson("Practitioner/psy-m")});
  const std::string three = ProvisionJson(
      "c1", Rule("permit",
                 {Purpose("TREAT"), Nested(Rule("deny", {Label("PSY"), Nested(psychiatrist)}))}));
  const std::string psy = "Condition R PSY@v3-ActCode";
  const Request m = By("mh-c", "psy-m");
  const std::string deny_deny_permit = ProvisionJson(
      "c1", Rule("deny", {Nested(Rule("deny", {Label("PSY"), Nested(psychiatrist)}))}));
  Check({
      {"three levels, the exception", {three}, kPermit, "consent-permit", psy, m},
      {"three levels, another", {three}, kDeny, "consent-deny", psy},
      {"three levels, other data", {three}, kPermit, "consent-permit"},
      {"root not met", {three}, kDeny, "not-covered", psy, Request(m).For("HRESCH")},
      {"an exception to a nested deny does not lift the outer one",
       {deny_deny_permit},
       kDeny,
       "consent-deny",
       psy,
       m},
      {"untyped root, nested deny",
       {ConsentJson("c1", PolicyRule("OPTIN") + R"(,"provision":{)" +
                              Nested(Rule("deny", {ActorJson("Organization/hosp-a")})) + "}")},
       kDeny,
       "consent-deny"},
      {"untyped root, nested permit",
       {ConsentJson("c1", PolicyRule("OPTOUT") + R"(,"provision":{)" +
                              Nested(Rule("permit", {ActorJson("Organization/hosp-a")})) + "}")},
       kPermit,
       "consent-permit"},
      {"deny that does not match, OPTIN",
       {ConsentJson("c1", PolicyRule("OPTIN") + R"(,"provision":)" +
                              Rule("deny", {ActorJson("Organization/gp-b")}))},
       kPermit,
       "consent-permit"},
      {"deny that does not match, no base: silent",
       {ProvisionJson("c1", Rule("deny", {Purpose("HRESCH")}))},
       kPermit,
       "implicit-policy"},
  });
}

TEST(Consent, SiblingsAndWidening) {
  const std::string hospital = Rule("permit", {ActorJson("Organization/hosp-a")});
  const std::string person = Rule("deny", {ActorJson("Practitioner/dr-a")});
  const std::string normal = Label("N", "v3-Confidentiality");
  const auto widened = [&normal](const std::string& nested) {
    return ProvisionJson("c1", Rule("permit", {normal, Purpose("TREAT"), Nested(nested)}));
  };
  const std::string std_data = "Condition R STD@v3-ActCode";
  const std::string add_std = Rule("permit", {Label("STD")});
  Check({
      {"deny wins",
       {ProvisionJson("c1", Rule("deny", {Nested(hospital + "," + person)}))},
       kDeny,
       "consent-deny"},
      {"in any order",
       {ProvisionJson("c1", Rule("deny", {Nested(person + "," + hospital)}))},
       kDeny,
       "consent-deny"},
      {"a permit widens the data", {widened(add_std)}, kPermit, "consent-permit", std_data},
      {"but not the purpose", {widened(add_std)}, kDeny, "not-covered", std_data, Asking("HRESCH")},
      {"a sibling deny wins", {widened(add_std + "," + person)}, kDeny, "consent-deny", std_data},
      {"a deny in what is not granted is silent",
       {widened(person)},
       kDeny,
       "not-covered",
       std_data},
  });
}

TEST(Consent, Several) {
  const std::string permit = ProvisionJson("c1", Rule("permit"));
  const std::string deny = ProvisionJson("c2", Rule("deny"));
  const std::string other = ProvisionJson("c3", Rule("permit", {ActorJson("Organization/gp-b")}));
  const std::string broken = ProvisionJson("c4", Rule("maybe"));
  const std::string silent = ProvisionJson("c5", Rule("deny", {Purpose("HRESCH")}));
  Check({
      {"deny wins", {permit, deny}, kDeny, "consent-deny"},
      {"unreadable wins", {permit, deny, broken}, kDeny, "unreadable"},
      {"not named in one grant is no refusal", {permit, other}, kPermit, "consent-permit"},
      {"not covered by the only one", {other}, kDeny, "not-covered"},
      {"not covered and silent", {other, silent}, kDeny, "not-covered"},
      {"silent alone", {silent}, kPermit, "implicit-policy"},
  });
  EXPECT_EQ(Decide(Request(), {permit, deny}).consent, "c2");
}

TEST(Consent, UnreadableDenies) {
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"not JSON", "{"},
      {"not a Consent", R"({"resourceType":"Patient","id":"c1"})"},
      {"unknown element", ConsentJson("c1", R"(,"mood":"good")")},
      {"type", ProvisionJson("c1", Rule("maybe"))},
      {"nested without type", Except("permit", "{" + Purpose("TREAT") + "}")},
      {"nested given as an object", ProvisionJson("c1", R"({"type":"permit","provision":{}})")},
      {"untyped root with criteria",
       ConsentJson("c1", PolicyRule("OPTIN") + R"(,"provision":{)" + Purpose("TREAT") + "}")},
      {"untyped root with a period",
       ConsentJson("c1", PolicyRule("OPTIN") + R"(,"provision":{"period":{"start":"2026"}})")},
      {"actor without reference",
       Except("permit", Rule("deny", {R"("actor":[{"role":{"coding":[)" +
                                      Coding("v3-ParticipationType", "IRCP") + "]}}]"}))},
      {"actor without role",
       Except("permit",
              Rule("deny", {R"("actor":[{"reference":{"reference":"Organization/x"}}])"}))},
      {"modifierExtension",
       ConsentJson("c1", PolicyRule("OPTIN") +
                             R"(,"modifierExtension":[{"url":"urn:x","valueBoolean":true}])")},
      {"modifierExtension within",
       ProvisionJson(
           "c1", R"({"type":"permit","modifierExtension":[{"url":"urn:x","valueBoolean":true}]})")},
      {"implicitRules", ConsentJson("c1", PolicyRule("OPTIN") + R"(,"implicitRules":"urn:x")")},
      {"two bases",
       ConsentJson("c1", R"(,"policyRule":{"coding":[)" + Coding("v3-ActCode", "OPTIN") + "," +
                             Coding("v3-ActCode", "OPTOUT") + "]}")},
      {"code", Except("permit", Rule("deny", {R"("code":[{"coding":[)" +
                                              Coding("http://snomed.info/sct", "1") + "]}]"}))},
      {"data", Except("permit", Rule("deny", {R"("data":[{"meaning":"instance","reference":)"
                                              R"({"reference":"Observation/1"}}])"}))},
      {"dataPeriod", Except("permit", Rule("deny", {R"("dataPeriod":{"start":"2020"})"}))},
  };
  for (const auto& [title, json] : cases) {
    const Decision decision = Decide(Request(), {ConsentJson("c0", PolicyRule("OPTIN")), json});
    EXPECT_FALSE(decision.permit) << title;
    EXPECT_EQ(decision.reason, "unreadable") << title;
    EXPECT_EQ(Decide(Request().AsPatient("p1"), {json}).reason, "patient-self") << title;
  }
}

TEST(Consent, DepthIsBounded) {
  const auto nested = [](uint32_t depth) {
    std::string provision = Rule("permit");
    for (uint32_t level = 1; level < depth; ++level) {
      provision = Rule("permit", {Nested(provision)});
    }
    return ProvisionJson("c1", provision);
  };
  Limits limits;
  limits.provision_depth_max = 5;
  const auto reason = [&limits](const std::string& json) {
    fhir::StoredResource stored;
    stored.json = json;
    const auto set = ConsentSet::Compile(std::vector{stored}, "", R4(), limits);
    const Request request;
    const Result<Permit> permit = Authorize(request.principal, Interaction::kRead, "Goal");
    return Judge(*permit, request.actor, request.policy, R4(), Noon())
        .Decide("p1", *set, "Goal")
        .reason;
  };
  EXPECT_EQ(reason(nested(5)), "consent-permit");
  EXPECT_EQ(reason(nested(6)), "unreadable");
}

TEST(Consent, EachProvisionIsVisitedOnce) {
  // The innermost deny comes back through every level; two visits a level would be 2^31.
  const std::string normal = Label("N", "v3-Confidentiality");
  std::string provision = Rule("permit") + "," + Rule("deny");
  for (int level = 0; level < 30; ++level) {
    provision = Rule("permit", {normal, Nested(provision)});
  }
  EXPECT_EQ(Decide(Request(), {ProvisionJson("c1", Rule("permit", {normal, Nested(provision)}))},
                   "Condition R")
                .reason,
            "consent-deny");
}

TEST(Consent, PatientAndProxy) {
  const std::string grant =
      ProvisionJson("c1", Rule("permit", {ActorJson("RelatedPerson/rp1"), Purpose("FAMRQT")}));
  const std::string everybody = ConsentJson("c2", PolicyRule("OPTIN"));
  const std::string refuse = ConsentJson("c3", PolicyRule("OPTOUT"));
  const std::string hidden = "Observation NOPAT@v3-ActCode";
  const std::string taboo = "Observation R TBOO@v3-ActCode";
  const Request self = Request().AsPatient("p1");
  const Request proxy = Request().AsProxy("rp1", true);
  Request launched = Request();
  launched.principal.patient = "p1";
  Request user = Request().AsPatient("p1");
  user.principal.user = "Patient/p2";
  Request staff_user = Request().AsPatient("p1");
  staff_user.principal.user = "https://issuer.example/Practitioner/9";
  Check({
      {"own record, opted out", {refuse}, kPermit, "patient-self", "Observation", self},
      {"held back", {}, kDeny, "nopat", hidden, self},
      {"taboo", {}, kDeny, "nopat", taboo, self},
      {"somebody else's", {}, kDeny, "other-patient", "Observation", Request().AsPatient("p2")},
      {"the user counts, not the launch patient", {}, kDeny, "other-patient", "Observation", user},
      {"a clinician in the patient's context is no patient",
       {refuse},
       kDeny,
       "consent-deny",
       "Observation",
       launched},
      {"nor is a user of another server",
       {refuse},
       kDeny,
       "consent-deny",
       "Observation",
       staff_user},
      {"proxy named", {grant}, kPermit, "consent-permit", "Observation", proxy},
      {"proxy not named", {everybody}, kDeny, "not-covered", "Observation", proxy},
      {"named and everybody", {grant, everybody}, kPermit, "consent-permit", "Observation", proxy},
      {"no consent, no proxy", {}, kDeny, "not-covered", "Observation", proxy},
      {"refused", {grant, refuse}, kDeny, "consent-deny", "Observation", proxy},
      {"not valid",
       {grant},
       kDeny,
       "proxy-not-valid",
       "Observation",
       Request().AsProxy("rp1", false)},
      {"held back from the proxy", {grant}, kDeny, "nopat", hidden, proxy},
      {"other purpose",
       {grant},
       kDeny,
       "not-covered",
       "Observation",
       Request().AsProxy("rp1", true).For("HMARKT")},
      {"NOPAT does not bind clinicians", {everybody}, kPermit, "consent-permit", hidden},
  });
}

TEST(Consent, AbsoluteBarsStandFirst) {
  Request request;
  request.policy.absolute_bars = {"http://example.org/labels|GRA", "ADOPT"};
  Request self = Request().AsPatient("p1");
  self.policy = request.policy;
  const std::vector<std::string> optin = {ConsentJson("c1", PolicyRule("OPTIN"))};
  Check({
      {"by system", optin, kDeny, "legal-bar", "Condition GRA@http://example.org/labels", request},
      {"other system", optin, kPermit, "consent-permit", "Condition GRA@http://example.org/other",
       request},
      {"by code", optin, kDeny, "legal-bar", "Condition ADOPT@urn:any", request},
      {"for the person too", {}, kDeny, "legal-bar", "Condition ADOPT@urn:any", self},
  });
}

TEST(Consent, ARestrictedPersonIsWithheldWhole) {
  Check({
      {"R", {}, kDeny, "needs-masking", "Patient R"},
      {"R, opted in",
       {ConsentJson("c1", PolicyRule("OPTIN"))},
       kDeny,
       "needs-masking",
       "Patient R"},
      {"PDS U is ordinary", {}, kPermit, "implicit-policy", "Patient U"},
      {"the person sees it", {}, kPermit, "patient-self", "Patient R", Request().AsPatient("p1")},
  });
}

TEST(Consent, TooManyLabelsAreShownNothing) {
  std::string labels = "Condition";
  for (int i = 0; i < 33; ++i) {
    labels += " NOAUTH" + std::to_string(i) + "@v3-ActCode";
  }
  const std::string normal = Label("N", "v3-Confidentiality");
  Check({
      {"permit", {ProvisionJson("c1", Rule("permit", {normal}))}, kDeny, "not-covered", labels},
      {"deny", {Except("permit", Rule("deny", {Label("HIV")}))}, kDeny, "consent-deny", labels},
      {"the patient", {}, kDeny, "nopat", labels, Request().AsPatient("p1")},
  });
}

TEST(Consent, DecisionNamesTheProvision) {
  const std::string json = ProvisionJson(
      "c1", Rule("permit", {Nested(Rule("deny", {Purpose("HRESCH")}) + "," +
                                   Rule("deny", {ActorJson("Organization/hosp-a")}))}));
  const Decision decision = Decide(Request(), {json});
  EXPECT_EQ(decision.provision, "provision.provision[1]");
  EXPECT_EQ(decision.consent, "c1");
  EXPECT_EQ(decision.version, 7U);
  const Decision unreadable =
      Decide(Request(), {Except("permit", Rule("deny", {R"("dataPeriod":{"start":"2020"})"}))});
  EXPECT_EQ(unreadable.provision, "provision.provision[0].dataPeriod");
}

TEST(CheckConsent, RefusesWhatCannotBeEnforcedAndSaysWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {ConsentJson("c1", PolicyRule("OPTIN")), ""},
      {ProvisionJson("c1", Rule("deny", {ActorJson("Organization/hosp-a")})), ""},
      {ConsentJson("c1", ""), "Consent.policyRule"},
      {ConsentJson("c1", PolicyRule("OPTIN") + R"(,"provision":{)" + Purpose("TREAT") + "}"),
       "Consent.provision"},
      {Except("permit", Rule("deny", {R"("dataPeriod":{"start":"2020"})"})),
       "Consent.provision.provision[0].dataPeriod"},
      {ConsentJson("c1", PolicyRule("OPTIN") +
                             R"(,"modifierExtension":[{"url":"urn:x","valueBoolean":true}])"),
       "Consent.modifierExtension[0]"},
  };
  for (const auto& [json, where] : cases) {
    const Result<fhir::Resource> consent = fhir::ParseJson(json, R4(), Limits{});
    ASSERT_TRUE(consent) << json;
    const Status status = CheckConsent(*consent, R4(), Limits{});
    EXPECT_EQ(status.ok(), where.empty()) << json;
    if (!status) {
      EXPECT_EQ(status.error().code, Code::kUnprocessable);
      EXPECT_EQ(status.error().where, where);
    }
  }
}

TEST(CheckConsent, WhomItBindsAndWhatIsWithdrawn) {
  const auto check = [](std::string json, const std::string& from, const std::string& to) {
    json.replace(json.find(from), from.size(), to);
    const Result<fhir::Resource> consent = fhir::ParseJson(json, R4(), Limits{});
    EXPECT_TRUE(consent) << json;
    return CheckConsent(*consent, R4(), Limits{});
  };
  const std::string optin = ConsentJson("c1", PolicyRule("OPTIN"));
  EXPECT_EQ(check(optin, R"("patient":{"reference":"Patient/p1"},)", "").error().where,
            "Consent.patient");
  EXPECT_FALSE(check(optin, "Patient/p1", "Organization/p1"));
  EXPECT_FALSE(check(optin, "Patient/p1", "https://other.example/Patient/p1"));
  // One that cannot be enforced must still be possible to withdraw.
  EXPECT_TRUE(check(ConsentJson("c1", ""), R"("active")", R"("inactive")"));
}

}  // namespace
}  // namespace gw::access
