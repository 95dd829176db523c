// The criteria of a provision, case by case: a deny matches if it might apply, a permit only if it
// is shown to.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/access/consent_cases.h"

namespace gw::access {
namespace {

TEST(ConsentMatch, Actors) {
  const auto deny = [](const std::string& actor) {
    return std::vector<std::string>{Except("permit", Rule("deny", {actor}))};
  };
  const auto permit = [](const std::string& actor) {
    return std::vector<std::string>{ProvisionJson("c1", Rule("permit", {actor}))};
  };
  Request nobody = By("", "", "");
  Request launched = Request();
  launched.principal.patient = "p1";
  launched.actor.references.push_back("Patient/p1");
  Request parent = By("ward-3");
  parent.actor.references.push_back("Organization/hosp-a");
  Check({
      {"organisation denied", deny(ActorJson("Organization/hosp-a")), kDeny, "consent-deny"},
      {"other organisation", deny(ActorJson("Organization/hosp-a")), kPermit, "consent-permit",
       "Observation", By("gp-b")},
      {"part of it", deny(ActorJson("Organization/hosp-a", "PRCP")), kDeny, "consent-deny",
       "Observation", parent},
      {"practitioner elsewhere", deny(ActorJson("Practitioner/dr-a")), kDeny, "consent-deny",
       "Observation", By("gp-b", "dr-a")},
      {"versioned reference", deny(ActorJson("Practitioner/dr-a/_history/2")), kDeny,
       "consent-deny"},
      {"unknown practitioner might be him", deny(ActorJson("Practitioner/dr-z")), kDeny,
       "consent-deny", "Observation", By("gp-b", "")},
      {"unknown caller might be it", deny(ActorJson("Organization/hosp-a")), kDeny, "consent-deny",
       "Observation", nobody},
      {"unknown caller is not shown to be", permit(ActorJson("Organization/hosp-a")), kDeny,
       "not-covered", "Observation", nobody},
      {"group denied", deny(ActorJson("Group/g1")), kDeny, "consent-deny"},
      {"group permitted", permit(ActorJson("Group/g1")), kDeny, "not-covered"},
      {"other server's denied", deny(ActorJson("https://other.example/Organization/1")), kDeny,
       "consent-deny"},
      {"other server's permitted", permit(ActorJson("https://other.example/Organization/hosp-a")),
       kDeny, "not-covered"},
      {"strange role denied", deny(ActorJson("Organization/gp-b", "CST")), kDeny, "consent-deny"},
      {"strange role permitted", permit(ActorJson("Organization/hosp-a", "CST")), kDeny,
       "not-covered"},
      {"a launch patient is not the caller", permit(ActorJson("Patient/p1")), kDeny, "not-covered",
       "Observation", launched},
      {"a relative is no clinician", deny(ActorJson("RelatedPerson/rp1")), kPermit,
       "consent-permit"},
  });
}

TEST(ConsentMatch, ActorsByIdentifier) {
  const auto rule = [](std::string_view type, std::string_view system, std::string_view value) {
    const std::string actor = R"("actor":[{"role":{"coding":[)" +
                              Coding("v3-ParticipationType", "IRCP") +
                              R"(]},"reference":{"identifier":{"system":")" + std::string(system) +
                              R"(","value":")" + std::string(value) + R"("}}}])";
    return std::vector<std::string>{type == "deny" ? Except("permit", Rule("deny", {actor}))
                                                   : ProvisionJson("c1", Rule("permit", {actor}))};
  };
  const std::string_view ods = "https://fhir.nhs.uk/Id/ods-organization-code";
  Check({
      {"same", rule("deny", ods, "hosp-a"), kDeny, "consent-deny"},
      {"other of the system", rule("deny", ods, "X9901"), kPermit, "consent-permit"},
      {"other system might be", rule("deny", "urn:example:other", "1"), kDeny, "consent-deny"},
      {"permitted", rule("permit", ods, "hosp-a"), kPermit, "consent-permit"},
      {"not permitted", rule("permit", "urn:example:other", "hosp-a"), kDeny, "not-covered"},
  });
}

TEST(ConsentMatch, Purposes) {
  const auto deny = [](std::string_view code) {
    return std::vector<std::string>{Except("permit", Rule("deny", {Purpose(code)}))};
  };
  const auto permit = [](std::string_view code) {
    return std::vector<std::string>{ProvisionJson("c1", Rule("permit", {Purpose(code)}))};
  };
  Request project = Asking("urn:example:projects|p9");
  project.policy.registered_purposes = {"urn:example:projects|p9"};
  Check({
      {"narrower than refused", deny("HRESCH"), kDeny, "consent-deny", "Observation",
       Asking("CLINTRCH")},
      {"broader than refused", deny("CLINTRCH"), kDeny, "consent-deny", "Observation",
       Asking("HRESCH")},
      {"not upward to treatment", deny("POPHLTH"), kPermit, "consent-permit"},
      {"beside", deny("HMARKT"), kPermit, "consent-permit"},
      {"unknown code refused", deny("XYZZY"), kDeny, "consent-deny"},
      {"a project may be research", deny("HRESCH"), kDeny, "consent-deny", "Observation", project},
      {"narrower than granted", permit("HRESCH"), kPermit, "consent-permit", "Observation",
       Asking("DSRCH")},
      {"broader than granted", permit("CLINTRCH"), kDeny, "not-covered", "Observation",
       Asking("HRESCH")},
      {"unknown code granted", permit("XYZZY"), kDeny, "not-covered"},
      {"a project is not shown to be research", permit("HRESCH"), kDeny, "not-covered",
       "Observation", project},
  });
}

TEST(ConsentMatch, Actions) {
  const auto deny = [](std::string_view code) {
    return std::vector<std::string>{Except("permit", Rule("deny", {Action(code)}))};
  };
  const auto permit = [](std::string_view code) {
    return std::vector<std::string>{ProvisionJson("c1", Rule("permit", {Action(code)}))};
  };
  Check({
      {"read is access", permit("access"), kPermit, "consent-permit"},
      {"search is access", permit("access"), kPermit, "consent-permit", "Observation",
       Doing(Interaction::kSearch)},
      {"update is not", permit("access"), kDeny, "not-covered", "Observation",
       Doing(Interaction::kUpdate)},
      {"update is correct", permit("correct"), kPermit, "consent-permit", "Observation",
       Doing(Interaction::kUpdate)},
      {"create is collect", permit("collect"), kPermit, "consent-permit", "Observation",
       Doing(Interaction::kCreate)},
      {"deny disclose", deny("disclose"), kPermit, "consent-permit"},
      {"deny access", deny("access"), kDeny, "consent-deny"},
      {"every interaction may be a use", deny("use"), kDeny, "consent-deny"},
      {"unknown refused", deny("gossip"), kDeny, "consent-deny"},
      {"unknown granted", permit("gossip"), kDeny, "not-covered"},
  });
}

TEST(ConsentMatch, Classes) {
  const auto deny = [](const std::string& rule) {
    return std::vector<std::string>{Except("permit", Rule("deny", {rule}))};
  };
  const auto permit = [](const std::string& rule) {
    return std::vector<std::string>{ProvisionJson("c1", Rule("permit", {rule}))};
  };
  const std::string foreign = R"("class":[)" + Coding("http://example.org/classes", "secret") + "]";
  Check({
      {"denied", deny(Class("Observation")), kDeny, "consent-deny"},
      {"other", deny(Class("Goal")), kPermit, "consent-permit"},
      {"contained", deny(Class("Goal")), kDeny, "consent-deny", "Observation +Goal"},
      {"narrative may repeat it", deny(Class("Goal")), kDeny, "consent-deny", "Observation ~text"},
      {"no such type refused", deny(Class("Goat")), kDeny, "consent-deny"},
      {"unknown system refused", deny(foreign), kDeny, "consent-deny"},
      {"permitted", permit(Class("Observation")), kPermit, "consent-permit"},
      {"only that", permit(Class("Goal")), kDeny, "not-covered"},
      {"contained too", permit(Class("Observation")), kDeny, "not-covered", "Observation +Goal"},
      {"contained, of no patient", permit(Class("Observation")), kPermit, "consent-permit",
       "Observation +Organization"},
      {"unknown system granted", permit(foreign), kDeny, "not-covered"},
  });
}

TEST(ConsentMatch, LabelsRefused) {
  const auto deny = [](const std::string& rule) {
    return std::vector<std::string>{Except("permit", Rule("deny", {rule}))};
  };
  const std::string secret = Label("SECRET", "http://example.org/labels");
  Check({
      {"that sensitivity", deny(Label("HIV")), kDeny, "consent-deny", "Condition R HIV@v3-ActCode"},
      {"below it", deny(Label("SUD")), kDeny, "consent-deny", "Condition ETHUD@v3-ActCode"},
      {"above it might be it", deny(Label("ETHUD")), kDeny, "consent-deny",
       "Condition SUD@v3-ActCode"},
      {"beside it", deny(Label("SUD")), kPermit, "consent-permit", "Condition HIV@v3-ActCode"},
      {"ETH and SUD are one", deny(Label("ETH")), kDeny, "consent-deny",
       "Condition OPIOIDUD@v3-ActCode"},
      {"table 0177 in the Consent", deny(Label("ETH", "v2-0177")), kDeny, "consent-deny",
       "Condition ETHUD@v3-ActCode"},
      {"v3-Confidentiality AID", deny(Label("AID", "v3-Confidentiality")), kDeny, "consent-deny",
       "Condition HIV@v3-ActCode"},
      {"unlabelled is normal", deny(Label("HIV")), kPermit, "consent-permit", "Condition"},
      {"unknown label on data might be it", deny(Label("HIV")), kDeny, "consent-deny",
       "Condition X@http://example.org/labels"},
      {"unknown label in the rule", deny(secret), kDeny, "consent-deny", "Condition"},
      {"R", deny(Label("R", "v3-Confidentiality")), kDeny, "consent-deny", "Condition R"},
      {"R reaches V", deny(Label("R", "v3-Confidentiality")), kDeny, "consent-deny", "Condition V"},
      {"R does not reach N", deny(Label("R", "v3-Confidentiality")), kPermit, "consent-permit",
       "Condition N"},
      {"a sensitivity is R", deny(Label("R", "v3-Confidentiality")), kDeny, "consent-deny",
       "Condition N HIV@v3-ActCode"},
      {"narrative may repeat it", deny(Label("HIV")), kDeny, "consent-deny", "Encounter ~text"},
  });
}

TEST(ConsentMatch, LabelsPermitted) {
  const auto permit = [](const std::string& rule) {
    return std::vector<std::string>{ProvisionJson("c1", Rule("permit", {rule}))};
  };
  const std::string normal = Label("N", "v3-Confidentiality");
  const std::string two = R"("securityLabel":[)" + Coding("v3-ActCode", "STD") + "," +
                          Coding("v3-ActCode", "SEX") + "]";
  Check({
      {"N", permit(normal), kPermit, "consent-permit", "Condition N"},
      {"unlabelled", permit(normal), kPermit, "consent-permit", "Condition"},
      {"R under N", permit(normal), kDeny, "not-covered", "Condition R"},
      {"a sensitivity under N", permit(normal), kDeny, "not-covered", "Condition HIV@v3-ActCode"},
      {"unknown is R", permit(normal), kDeny, "not-covered", "Condition X@http://example.org/l"},
      {"handling does not raise", permit(normal), kPermit, "consent-permit",
       "Condition N NORDSCLCD@v3-ActCode"},
      {"test data", permit(normal), kPermit, "consent-permit", "Condition N HTEST@v3-ActReason"},
      {"high-water mark", permit(Label("R", "v3-Confidentiality")), kPermit, "consent-permit",
       "Condition R PSY@v3-ActCode"},
      {"V above it", permit(Label("R", "v3-Confidentiality")), kDeny, "not-covered", "Condition V"},
      {"one of two", permit(two), kPermit, "consent-permit", "Condition R STD@v3-ActCode"},
      {"one covered, one not", permit(two), kDeny, "not-covered",
       "Condition R HIV@v3-ActCode STD@v3-ActCode"},
      {"V for other reasons", permit(two), kDeny, "not-covered", "Condition V STD@v3-ActCode"},
      {"a grant of labels is no grant of the rest", permit(two), kDeny, "not-covered", "Condition"},
  });
}

TEST(ConsentMatch, PurposeTagsBindTheData) {
  const std::vector<std::string> optin = {ConsentJson("c1", PolicyRule("OPTIN"))};
  Check({
      {"for care only", optin, kPermit, "consent-permit", "Condition TREAT@v3-ActReason"},
      {"not for research", optin, kDeny, "purpose-tag", "Condition TREAT@v3-ActReason",
       Asking("HRESCH")},
  });
}

}  // namespace
}  // namespace gw::access
