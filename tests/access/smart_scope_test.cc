#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/access/access_testing.h"

namespace gw::access {
namespace {

Principal With(std::vector<std::string> scopes) {
  Principal principal;
  principal.scopes = std::move(scopes);
  return principal;
}

TEST(SmartScope, WhatEachGrants) {
  struct Case {
    const char* scope;
    Interaction interaction;
    const char* type;
    bool granted;
  };
  using enum Interaction;
  const std::vector<Case> cases = {
      {"system/CarePlan.rs", kRead, "CarePlan", true},
      {"system/CarePlan.rs", kVread, "CarePlan", true},
      {"system/CarePlan.rs", kSearch, "CarePlan", true},
      {"system/CarePlan.rs", kCreate, "CarePlan", false},
      {"system/CarePlan.rs", kUpdate, "CarePlan", false},
      {"system/CarePlan.rs", kRead, "CareTeam", false},
      {"system/CarePlan.r", kSearch, "CarePlan", false},
      {"system/CarePlan.s", kRead, "CarePlan", false},
      {"system/*.cruds", kUpdate, "CarePlan", true},
      {"system/*.cu", kCreate, "CarePlan", true},
      {"system/CarePlan.read", kRead, "CarePlan", true},
      {"system/CarePlan.read", kSearch, "CarePlan", true},
      {"system/CarePlan.read", kUpdate, "CarePlan", false},
      {"system/CarePlan.write", kUpdate, "CarePlan", true},
      {"system/CarePlan.write", kCreate, "CarePlan", true},
      {"system/CarePlan.write", kRead, "CarePlan", false},
      {"system/CarePlan.*", kUpdate, "CarePlan", true},
      {"system/*.*", kSearch, "CarePlan", true},
      {"system/CarePlan.sr", kRead, "CarePlan", false},
      {"system/CarePlan.rr", kRead, "CarePlan", false},
      {"system/CarePlan.rx", kRead, "CarePlan", false},
      {"system/CarePlan.", kRead, "CarePlan", false},
      {"system/CarePlan", kRead, "CarePlan", false},
      {"system/CarePlan.rs?category=assess-plan", kSearch, "CarePlan", false},
      {"system/CarePlan?x=a.rs", kSearch, "CarePlan", false},
      {"System/CarePlan.rs", kRead, "CarePlan", false},
      {"admin/CarePlan.rs", kRead, "CarePlan", false},
      {"CarePlan.rs", kRead, "CarePlan", false},
      {"system/careplan.rs", kRead, "CarePlan", false},
      {"system/CarePlan.read.rs", kRead, "CarePlan", false},
      {"openid", kRead, "CarePlan", false},
      {"", kRead, "CarePlan", false},
      {"/.", kRead, "CarePlan", false},
      {"user/CarePlan.rs", kRead, "CarePlan", false},     // there is no user
      {"patient/CarePlan.rs", kRead, "CarePlan", false},  // there is no launch patient
  };
  for (const Case& one : cases) {
    const Result<Permit> permit = Authorize(With({one.scope}), one.interaction, one.type);
    EXPECT_EQ(permit.ok(), one.granted) << one.scope << " " << one.type;
    if (!permit) {
      EXPECT_EQ(permit.error().code, Code::kForbidden);
    }
  }
}

TEST(SmartScope, NamesTheScopeThatIsNeeded) {
  const Result<Permit> permit = Authorize(With({}), Interaction::kSearch, "CareTeam");
  ASSERT_FALSE(permit);
  EXPECT_NE(permit.error().detail.find("system/CareTeam.s"), std::string::npos);
}

TEST(SmartScope, UserScopesNeedAUser) {
  Principal principal = With({"user/CarePlan.rs"});
  principal.user = "Practitioner/1";
  EXPECT_TRUE(Authorize(principal, Interaction::kRead, "CarePlan"));
  principal.user.clear();
  principal.practitioner.value = "9";
  EXPECT_TRUE(Authorize(principal, Interaction::kRead, "CarePlan"));
}

TEST(SmartScope, PatientScopesReachOneCompartment) {
  Principal principal = With({"patient/CarePlan.rs"});
  principal.patient = "p1";
  const Result<Permit> permit = Authorize(principal, Interaction::kSearch, "CarePlan");
  ASSERT_TRUE(permit);
  EXPECT_EQ(permit->compartment(), "p1");
  fhir::Query query;
  query.type = "CarePlan";
  ASSERT_TRUE(permit->Narrow({}, &query));
  EXPECT_EQ(query.compartment, std::vector<std::string>{"p1"});
  query.compartment = std::vector<std::string>{"p2"};
  ASSERT_TRUE(permit->Narrow({}, &query));
  EXPECT_EQ(query.compartment, std::vector<std::string>{});
  // What merges made one with p1 is p1's; of another's set nothing is.
  Actor actor;
  actor.one_person = {{"q1", "q2"}, {"p1", "p0"}};
  query.compartment = std::nullopt;
  ASSERT_TRUE(permit->Narrow(actor, &query));
  EXPECT_EQ(query.compartment, (std::vector<std::string>{"p1", "p0"}));
  query.compartment = std::vector<std::string>{"p0", "q1"};
  ASSERT_TRUE(permit->Narrow(actor, &query));
  EXPECT_EQ(query.compartment, std::vector<std::string>{"p0"});
  query.type = "Goal";
  EXPECT_EQ(permit->Narrow({}, &query).error().code, Code::kForbidden);
}

TEST(SmartScope, AWiderScopeLiftsTheBound) {
  Principal principal = With({"patient/CarePlan.rs", "system/CarePlan.r"});
  principal.patient = "p1";
  EXPECT_EQ(Authorize(principal, Interaction::kRead, "CarePlan")->compartment(), std::nullopt);
  EXPECT_EQ(Authorize(principal, Interaction::kSearch, "CarePlan")->compartment(), "p1");
  fhir::Query query;
  query.type = "CarePlan";
  ASSERT_TRUE(Authorize(principal, Interaction::kRead, "CarePlan")->Narrow({}, &query));
  EXPECT_EQ(query.compartment, std::nullopt);
}

TEST(SmartScope, TheBoundHoldsForReadsById) {
  Request request = Request();
  request.principal.scopes = {"patient/*.rs"};
  request.principal.patient = "p2";
  const Decision decision = Decide(request, {ConsentJson("c1", PolicyRule("OPTIN"))});
  EXPECT_FALSE(decision.permit);
  EXPECT_EQ(decision.reason, "outside-compartment");
  request.principal.patient = "p1";
  EXPECT_TRUE(Decide(request, {ConsentJson("c1", PolicyRule("OPTIN"))}).permit);
}

TEST(SmartScope, AuditorAndNobodyElseSeesTheLog) {
  Principal auditor = With({"system/AuditEvent.rs", "system/*.cruds"});
  auditor.roles = {"auditor"};
  const Result<Permit> permit = Authorize(auditor, Interaction::kSearch, "AuditEvent");
  ASSERT_TRUE(permit);
  EXPECT_TRUE(permit->auditor());
  EXPECT_FALSE(Authorize(auditor, Interaction::kCreate, "AuditEvent"));
  EXPECT_FALSE(Authorize(auditor, Interaction::kUpdate, "AuditEvent"));
  for (const char* type : {"CarePlan", "Patient", "Consent", "Provenance"}) {
    EXPECT_FALSE(Authorize(auditor, Interaction::kRead, type)) << type;
  }
  auditor.roles.push_back("doctor");
  EXPECT_FALSE(Authorize(auditor, Interaction::kRead, "CarePlan"));
  Principal doctor = With({"system/*.cruds"});
  doctor.roles = {"doctor"};
  EXPECT_FALSE(Authorize(doctor, Interaction::kSearch, "AuditEvent"));
  Principal no_scope = With({"system/CarePlan.rs"});
  no_scope.roles = {"auditor"};
  EXPECT_FALSE(Authorize(no_scope, Interaction::kSearch, "AuditEvent"));
  Principal patient = With({"patient/AuditEvent.rs"});
  patient.roles = {"auditor"};
  patient.patient = "p1";
  EXPECT_FALSE(Authorize(patient, Interaction::kSearch, "AuditEvent"));
}

}  // namespace
}  // namespace gw::access
