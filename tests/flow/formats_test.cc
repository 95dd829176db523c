// Everything that the REST API says, in XML as in JSON.
#include <gtest/gtest.h>

#include "gateway/fhir/resource.h"
#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

const char kPatient[] = R"({"resourceType":"Patient","id":"p1","active":true,
  "name":[{"family":"Ashdown"}]})";
const char kSurgery[] = R"({"resourceType":"Organization","id":"surgery","name":"Fenwick Surgery",
  "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9902"}]})";
const char kPlan[] = R"({"resourceType":"CarePlan","id":"plan1","text":{"status":"generated",
  "div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &amp; b</p></div>"},
  "status":"active","intent":"plan","subject":{"reference":"Patient/p1"},
  "extension":[{"url":"urn:x:dose","valueDecimal":1.50}]})";

class FormatsTest : public testing::Test {
 protected:
  FormatsTest() : gateway(folder.Path("gateway")) {
    for (const char* json : {kPatient, kSurgery, kPlan}) {
      gateway.Put(json);
    }
  }

  Response Xml(const std::string& method, const std::string& target, std::string body = {}) {
    rest::Request request = gateway.Ask(method, target, surgery, std::move(body));
    request.headers.emplace_back("accept", "application/fhir+xml");
    return gateway.Answer(request);
  }

  // What the XML says, as JSON; fails the test where it is not FHIR.
  Json Read(const Response& answer) {
    EXPECT_EQ(answer.media_type(), "application/fhir+xml; charset=utf-8");
    const auto resource = fhir::ParseXml(answer.body(), gateway.parts().definitions, Limits{});
    EXPECT_TRUE(resource.ok()) << answer.body();
    std::string json;
    if (resource) {
      fhir::WriteJson(*resource, &json);
    }
    Result<Json> read = Json::Parse(json, Limits{});
    return read ? *std::move(read) : Json();
  }

  TempFolder folder;
  TestGateway gateway;
  Caller surgery;
};

TEST_F(FormatsTest, AReadIsTheSameResource) {
  const Response json = gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery));
  EXPECT_EQ(json.media_type(), "application/fhir+json; charset=utf-8");
  for (const char* target : {"/fhir/CarePlan/plan1", "/fhir/CarePlan/plan1/_history/1"}) {
    const Response xml = Xml("GET", target);
    EXPECT_EQ(xml.status(), 200);
    EXPECT_EQ(xml.headers(), json.headers());
    const auto resource = fhir::ParseXml(xml.body(), gateway.parts().definitions, Limits{});
    ASSERT_TRUE(resource.ok()) << xml.body();
    std::string back;
    fhir::WriteJson(*resource, &back);
    const auto as_sent = fhir::ParseJson(json.body(), gateway.parts().definitions, Limits{});
    ASSERT_TRUE(as_sent.ok());
    std::string sent;
    fhir::WriteJson(*as_sent, &sent);
    EXPECT_EQ(back, sent);
    EXPECT_NE(xml.body().find("<p>a &amp; b</p>"), std::string::npos);
    EXPECT_NE(xml.body().find("value=\"1.50\""), std::string::npos);
  }
}

TEST_F(FormatsTest, ASearchIsABundleAndItsLinksKeepTheFormat) {
  for (const char* id : {"plan2", "plan3"}) {
    std::string plan = kPlan;
    plan.replace(plan.find("plan1"), 5, id);
    gateway.Put(plan);
  }
  const Response answer =
      gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan?patient=p1&_count=2&_format=xml", surgery));
  const Json bundle = Read(answer);
  EXPECT_EQ(bundle.TextOf("type"), "searchset");
  EXPECT_EQ(MatchesOn(bundle), 2u);
  ASSERT_EQ(bundle.Find("link")->items().size(), 2u);
  const std::string next(bundle.Find("link")->items()[1].TextOf("url"));
  EXPECT_NE(next.find("_format=xml"), std::string::npos) << next;
  const Response rest =
      gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan" + next.substr(next.find('?')), surgery));
  EXPECT_EQ(MatchesOn(Read(rest)), 1u);
}

TEST_F(FormatsTest, AnEmptyPageIgnoredParametersAndTheLogAreToo) {
  EXPECT_EQ(MatchesOn(Read(Xml("GET", "/fhir/CarePlan?patient=nobody"))), 0u);
  rest::Request lenient =
      gateway.Ask("GET", "/fhir/CarePlan?colour=red&status=active&_format=xml", surgery);
  lenient.headers.emplace_back("prefer", "handling=lenient");
  EXPECT_EQ(MatchesOn(Read(gateway.Answer(lenient))), 1u);
  const Caller auditor{"audit", "X9901", "auditor", "HOPERAT", "", "system/AuditEvent.rs"};
  const Json log =
      Read(gateway.Answer(gateway.Ask("GET", "/fhir/AuditEvent?_format=xml", auditor)));
  EXPECT_GT(MatchesOn(log), 0u);
}

TEST_F(FormatsTest, TheCapabilityStatementNamesBothFormats) {
  const Json statement = Read(Xml("GET", "/fhir/metadata"));
  EXPECT_EQ(statement.TextOf("resourceType"), "CapabilityStatement");
  std::string formats;
  for (const Json& format : statement.Find("format")->items()) {
    formats += format.text() + " ";
  }
  EXPECT_EQ(formats, "json xml application/fhir+json application/fhir+xml ");
}

TEST_F(FormatsTest, RefusalsAreInTheFormatThatWasAsked) {
  struct Case {
    std::string method, target;
    int status;
  };
  for (const Case& one : std::vector<Case>{{"GET", "/fhir/CarePlan/none", 404},
                                           {"GET", "/fhir/Nothing", 404},
                                           {"GET", "/fhir/CarePlan?colour=red", 400},
                                           {"DELETE", "/fhir/CarePlan/plan1", 405}}) {
    const Response answer = Xml(one.method, one.target);
    EXPECT_EQ(answer.status(), one.status);
    EXPECT_EQ(Read(answer).TextOf("resourceType"), "OperationOutcome") << one.target;
  }
  rest::Request stranger = gateway.Ask("GET", "/fhir/CarePlan/plan1?_format=xml", surgery);
  stranger.headers[1].second = "Bearer x";
  const Response refused = gateway.Answer(stranger);
  EXPECT_EQ(refused.status(), 401);
  EXPECT_EQ(Read(refused).TextOf("resourceType"), "OperationOutcome");
}

TEST_F(FormatsTest, WhatIsNotOfferedIsRefusedInJson) {
  rest::Request html = gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery);
  html.headers.emplace_back("accept", "text/html");
  const Response answer = gateway.Answer(html);
  EXPECT_EQ(answer.status(), 406);
  EXPECT_EQ(answer.media_type(), "application/fhir+json; charset=utf-8");
  EXPECT_NE(answer.body().find("OperationOutcome"), std::string::npos);
  EXPECT_EQ(
      gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1?_format=ttl", surgery)).status(),
      406);
}

TEST_F(FormatsTest, XmlIsWrittenAndReadBackInBothFormats) {
  const std::string body =
      "<CarePlan xmlns=\"http://hl7.org/fhir\"><extension url=\"urn:x:dose\"><valueDecimal "
      "value=\"2.50\"/></extension><status value=\"active\"/><intent value=\"plan\"/>"
      "<subject><reference value=\"Patient/p1\"/></subject></CarePlan>";
  rest::Request create = gateway.Ask("POST", "/fhir/CarePlan", surgery, body);
  create.headers.back().second = "application/fhir+xml; charset=utf-8";
  const Response created = gateway.Answer(create);
  ASSERT_EQ(created.status(), 201) << created.body();
  const std::string id(Read(created).TextOf("id"));
  const Json plan = gateway.Get("/fhir/CarePlan/" + id, surgery);
  EXPECT_EQ(plan.Find("extension")->items()[0].Find("valueDecimal")->text(), "2.50");
  EXPECT_EQ(Read(Xml("GET", "/fhir/CarePlan/" + id)).TextOf("id"), id);
}

TEST_F(FormatsTest, XmlThatMustNotBeIsRefusedWithItsPlace) {
  struct Case {
    std::string body, type;
    int status;
  };
  const std::string open = "<CarePlan xmlns=\"http://hl7.org/fhir\">";
  const std::vector<Case> cases = {
      {"<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/hostname\">]>" + open + "</CarePlan>",
       "application/fhir+xml", 400},
      {open + "\n<colour value=\"red\"/></CarePlan>", "application/fhir+xml", 400},
      {open + std::string("\0", 1) + "</CarePlan>", "application/fhir+xml", 400},
      {open + "</CarePlan>", "application/fhir+xml; charset=iso-8859-1", 415},
      {open + "</CarePlan>", "application/pdf", 415},
      {R"({"resourceType":"CarePlan"})", "application/fhir+xml", 400},
      {open + "</CarePlan>", "application/fhir+json", 400},
      {"<CareTeam xmlns=\"http://hl7.org/fhir\"/>", "application/fhir+xml", 400},
  };
  for (const Case& one : cases) {
    rest::Request request = gateway.Ask("POST", "/fhir/CarePlan", surgery, one.body);
    request.headers.back().second = one.type;
    const Response answer = gateway.Answer(request);
    EXPECT_EQ(answer.status(), one.status) << one.body << "\n" << answer.body();
    EXPECT_NE(answer.body().find("OperationOutcome"), std::string::npos);
  }
  rest::Request request = gateway.Ask("POST", "/fhir/CarePlan", surgery, cases[1].body);
  request.headers.back().second = "application/fhir+xml";
  EXPECT_NE(gateway.Answer(request).body().find("CarePlan (line 2, column 1)"), std::string::npos);
}

}  // namespace
}  // namespace gw::flow
