#include "gateway/access/access.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/access/consent_cases.h"

namespace gw::access {
namespace {

fhir::StoredResource Goal(const std::string& id, std::vector<std::string> persons,
                          std::string label_class = "Goal") {
  fhir::StoredResource stored;
  stored.key = {"Goal", id};
  stored.persons = std::move(persons);
  stored.label_class = std::move(label_class);
  return stored;
}

std::vector<std::string> IdsOf(const Disclosure& disclosure) {
  std::vector<std::string> ids;
  for (const fhir::StoredResource& resource : disclosure.resources()) {
    ids.push_back(resource.key.id);
  }
  return ids;
}

Disclosure Released(const Request& request, const std::vector<PersonConsents>& consents,
                    std::vector<fhir::StoredResource> found, std::string_view type = "Goal") {
  const Result<Permit> permit = Authorize(request.principal, request.interaction, type);
  EXPECT_TRUE(permit);
  const Judge judge(*permit, request.actor, request.policy, R4(), request.now);
  return Release(judge, consents, std::move(found));
}

TEST(Release, EveryPersonMustAgree) {
  const auto open = Compiled({ConsentJson("c1", PolicyRule("OPTIN"))});
  const auto shut = Compiled({ConsentJson("c2", PolicyRule("OPTOUT"))});
  const Disclosure disclosure =
      Released(Request(), {{"p1", {open}}, {"p2", {shut}}},
               {Goal("a", {"p1"}), Goal("b", {"p1", "p2"}), Goal("c", {"p2"}), Goal("d", {"p1"})});
  EXPECT_EQ(IdsOf(disclosure), (std::vector<std::string>{"a", "d"}));
  EXPECT_EQ(disclosure.withheld(), 2U);
  ASSERT_EQ(disclosure.decisions().size(), 2U) << "one for each person and deciding Consent";
  EXPECT_EQ(disclosure.decisions()[0].person, "p1");
  EXPECT_TRUE(disclosure.decisions()[0].permit);
  EXPECT_EQ(disclosure.decisions()[1].consent, "c2");
  EXPECT_FALSE(disclosure.decisions()[1].permit);
}

TEST(Release, EachRecordThatIsOneWithThePersonsMustAgree) {
  const auto open = Compiled({ConsentJson("c1", PolicyRule("OPTIN"))});
  const auto shut = Compiled({ConsentJson("c2", PolicyRule("OPTOUT"))});
  EXPECT_EQ(Released(Request(), {{"p1", {open, open}}}, {Goal("a", {"p1"})}).withheld(), 0U);
  const Disclosure denied = Released(Request(), {{"p1", {open, shut}}}, {Goal("a", {"p1"})});
  EXPECT_EQ(denied.withheld(), 1U);
  EXPECT_EQ(denied.decisions()[0].consent, "c2");
  EXPECT_EQ(Released(Request(), {{"p1", {open, nullptr}}}, {Goal("a", {"p1"})}).withheld(), 1U);
  EXPECT_EQ(Released(Request(), {{"p1", {}}}, {Goal("a", {"p1"})}).withheld(), 1U);
}

TEST(Release, ConsentsThatCouldNotBeReadDeny) {
  const auto open = Compiled({});
  const Disclosure disclosure = Released(Request(), {{"p1", {nullptr}}, {"p2", {open}}},
                                         {Goal("a", {"p1"}), Goal("b", {"p3"}), Goal("c", {"p2"})});
  EXPECT_EQ(IdsOf(disclosure), std::vector<std::string>{"c"});
  EXPECT_EQ(disclosure.decisions()[0].reason, "consents-unavailable");
}

TEST(Release, WhatConcernsNobody) {
  fhir::StoredResource organization;
  organization.key = {"Organization", "o"};
  organization.label_class = "Organization";
  EXPECT_EQ(Released(Request(), {}, {organization}, "Organization").resources().size(), 1U);
  EXPECT_EQ(Released(Request(), {}, {Goal("a", {})}).withheld(), 1U)
      << "a Goal is somebody's: whose cannot be told";
  Request bounded;
  bounded.principal.scopes = {"patient/*.rs"};
  bounded.principal.patient = "p1";
  EXPECT_EQ(Released(bounded, {}, {organization}, "Organization").withheld(), 1U);
}

TEST(Release, OnlyThePermitsType) {
  const auto open = Compiled({ConsentJson("c1", PolicyRule("OPTIN"))});
  EXPECT_EQ(Released(Request(), {{"p1", {open}}}, {Goal("a", {"p1"})}, "CarePlan").withheld(), 1U);
}

TEST(Release, TheAuditorsPermitOpensNoRecord) {
  Request auditor;
  auditor.principal.roles = {"auditor"};
  fhir::StoredResource event;
  event.key = {"AuditEvent", "e"};
  EXPECT_EQ(Released(auditor, {}, {event}, "AuditEvent").withheld(), 1U);
}

TEST(ReleaseLog, ForAnAuditorsPermitAndAuditEventsOnly) {
  Principal auditor;
  auditor.roles = {"auditor"};
  auditor.scopes = {"system/AuditEvent.rs"};
  const Result<Permit> permit = Authorize(auditor, Interaction::kSearch, "AuditEvent");
  ASSERT_TRUE(permit);
  fhir::StoredResource event;
  event.key = {"AuditEvent", "e"};
  const Result<Disclosure> log = ReleaseLog(*permit, {event});
  ASSERT_TRUE(log);
  EXPECT_EQ(IdsOf(*log), std::vector<std::string>{"e"});
  EXPECT_EQ(ReleaseLog(*permit, {event, Goal("a", {})}).error().code, Code::kForbidden);
  const Request doctor;
  const Result<Permit> other = Authorize(doctor.principal, Interaction::kSearch, "Goal");
  EXPECT_EQ(ReleaseLog(*other, {event}).error().code, Code::kForbidden);
}

TEST(Public, OnlyTheCapabilityStatement) {
  fhir::StoredResource statement;
  statement.key = {"CapabilityStatement", "c"};
  EXPECT_EQ(Public(statement).resources().size(), 1U);
  EXPECT_TRUE(Public(Goal("a", {"p1"})).resources().empty());
  EXPECT_EQ(Public(Goal("a", {})).withheld(), 1U);
}

TEST(Refuse, HoldsTheOutcomeAlone) {
  const Disclosure refusal = Refuse(R"({"resourceType":"OperationOutcome"})");
  ASSERT_EQ(refusal.resources().size(), 1U);
  EXPECT_EQ(refusal.resources()[0].key.type, "OperationOutcome");
  EXPECT_TRUE(refusal.decisions().empty());
}

}  // namespace
}  // namespace gw::access
