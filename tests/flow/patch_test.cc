// PATCH, in its two forms.
#include <gtest/gtest.h>

#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

const char kPatient[] = R"({"resourceType":"Patient","id":"p1"})";
const char kStranger[] = R"({"resourceType":"Patient","id":"p2"})";
const char kSurgery[] = R"({"resourceType":"Organization","id":"surgery","name":"Fenwick Surgery",
  "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9902"}]})";
const char kPlan[] = R"({"resourceType":"CarePlan","id":"plan1","status":"active","intent":"plan",
  "title":"Diabetes","subject":{"reference":"Patient/p1"}})";
const char kCompleted[] = R"({"resourceType":"Parameters","parameter":[{"name":"operation","part":[
  {"name":"type","valueCode":"replace"},{"name":"path","valueString":"CarePlan.status"},
  {"name":"value","valueCode":"completed"}]}]})";
const char kCompletedXml[] =
    R"(<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>)"
    R"(<part><name value="type"/><valueCode value="replace"/></part>)"
    R"(<part><name value="path"/><valueString value="CarePlan.status"/></part>)"
    R"(<part><name value="value"/><valueCode value="completed"/></part></parameter></Parameters>)";

class PatchTest : public testing::Test {
 protected:
  PatchTest() : gateway(folder.Path("gateway")) {
    for (const char* json : {kPatient, kStranger, kSurgery, kPlan}) {
      gateway.Put(json);
    }
  }

  rest::Request Patch(std::string body, const std::string& media_type,
                      const std::string& target = "/fhir/CarePlan/plan1") {
    rest::Request request = gateway.Ask("PATCH", target, surgery, std::move(body));
    std::erase_if(request.headers, [](const auto& header) {
      return header.first == "content-type" || header.first == "Content-Type";
    });
    request.headers.emplace_back("content-type", media_type);
    return request;
  }

  std::string StatusOfThePlan() {
    return std::string(gateway.Get("/fhir/CarePlan/plan1", surgery).TextOf("status"));
  }

  TempFolder folder;
  TestGateway gateway;
  Caller surgery;
};

TEST_F(PatchTest, TakesEachForm) {
  struct Case {
    std::string body;
    std::string media_type;
  };
  const Case cases[] = {
      {R"([{"op":"test","path":"/title","value":"Diabetes"},
           {"op":"replace","path":"/status","value":"completed"}])",
       "application/json-patch+json; charset=utf-8"},
      {kCompleted, "application/fhir+json"},
      {kCompletedXml, "application/fhir+xml"},
  };
  uint64_t version = 1;
  for (const Case& one : cases) {
    rest::Request request = Patch(one.body, one.media_type);
    request.headers.emplace_back("if-match", "W/\"" + std::to_string(version) + "\"");
    const Response answer = gateway.Answer(request);
    EXPECT_EQ(answer.status(), 200) << answer.body();
    EXPECT_NE(answer.body().find("completed"), std::string::npos);
    EXPECT_EQ(StatusOfThePlan(), "completed");
    ++version;
    EXPECT_EQ(gateway
                  .Answer(Patch(R"([{"op":"replace","path":"/status","value":"active"}])",
                                "application/json-patch+json"))
                  .status(),
              200);
    ++version;
  }
}

TEST_F(PatchTest, RefusedPatchesChangeNothing) {
  struct Case {
    std::string body;
    std::string media_type;
    std::string target;
    int status;
  };
  const std::string json = "application/json-patch+json";
  const std::string plan = "/fhir/CarePlan/plan1";
  const Case cases[] = {
      {"[{", json, plan, 400},
      {R"({"op":"remove"})", json, plan, 400},
      {R"([{"op":"merge","path":"/title"}])", json, plan, 400},
      {R"([{"op":"test","path":"/title","value":"Other"}])", json, plan, 422},
      {R"([{"op":"replace","path":"/status","value":"wrong"}])", json, plan, 422},
      {R"([{"op":"remove","path":"/intent"}])", json, plan, 422},
      {R"([{"op":"add","path":"/nosuch","value":1}])", json, plan, 422},
      {R"([{"op":"replace","path":"/id","value":"plan2"}])", json, plan, 422},
      {R"([{"op":"replace","path":"/subject/reference","value":"Patient/nobody"}])", json, plan,
       422},
      {R"([{"op":"replace","path":"/title","value":"New"}])", "text/plain", plan, 415},
      {R"([{"op":"replace","path":"/title","value":"New"}])", json, "/fhir/CarePlan/none", 404},
      {R"([{"op":"replace","path":"/gender","value":"male"}])", json, "/fhir/Patient/p1", 405},
      {kPlan, "application/fhir+json", plan, 400},
      {R"({"resourceType":"Parameters","parameter":[{"name":"other"}]})", "application/fhir+json",
       plan, 400},
  };
  for (const Case& one : cases) {
    const Response answer = gateway.Answer(Patch(one.body, one.media_type, one.target));
    EXPECT_EQ(answer.status(), one.status) << one.body << "\n" << answer.body();
    EXPECT_NE(answer.body().find("OperationOutcome"), std::string::npos);
  }
  rest::Request stale = Patch(kCompleted, "application/fhir+json");
  stale.headers.emplace_back("if-match", "W/\"7\"");
  EXPECT_EQ(gateway.Answer(stale).status(), 412);
  const Json now = gateway.Get("/fhir/CarePlan/plan1", surgery);
  EXPECT_EQ(now.Find("meta")->TextOf("versionId"), "1");
}

TEST_F(PatchTest, TheCapabilityStatementSaysSo) {
  const Response answer = gateway.Answer(gateway.Ask("GET", "/fhir/metadata", surgery));
  EXPECT_NE(answer.body().find(R"({"code":"patch"})"), std::string::npos);
  EXPECT_NE(answer.body().find(R"("patchFormat":["application/json-patch+json")"),
            std::string::npos);
}

}  // namespace
}  // namespace gw::flow
