// The way of a request: what each caller gets, and that every request is in the log before its
// answer.
#include <gtest/gtest.h>

#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

const char kPatient[] = R"({"resourceType":"Patient","id":"p1","active":true,
  "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9991005056"}],
  "name":[{"family":"Ashdown","given":["Winifred"]}]})";
const char kSurgery[] = R"({"resourceType":"Organization","id":"surgery","name":"Fenwick Surgery",
  "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9902"}]})";
const char kCharity[] = R"({"resourceType":"Organization","id":"charity","name":"Befrienders",
  "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9905"}]})";
const char kPlan[] = R"({"resourceType":"CarePlan","id":"plan1","status":"active","intent":"plan",
  "identifier":[{"system":"urn:caregate:id:ASCCASE:plan","value":"PC-1"}],
  "subject":{"reference":"Patient/p1"},"period":{"start":"2026-02-02"}})";

// Root deny, one permit for each organisation named.
std::string Consent(const std::string& organizations) {
  return R"({"resourceType":"Consent","id":"c1","status":"active",
    "scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
    "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"INFA"}]}],
    "patient":{"reference":"Patient/p1"},"dateTime":"2026-02-03",
    "policy":[{"uri":"urn:caregate:policy:sharing"}],
    "provision":{"type":"deny")" +
         organizations + "}}";
}

std::string Permit(const std::string& organization) {
  return R"(,"provision":[{"type":"permit","actor":[{"role":{"coding":[{"system":
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
    "reference":{"reference":"Organization/)" +
         organization + "\"}}]}]";
}

const Caller kCharityCaller{"charity", "X9905", "befriender", "TREAT", "", "system/*.rs"};
const Caller kAuditor{"audit", "X9901", "auditor", "HOPERAT", "", "system/AuditEvent.rs"};

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() : gateway(folder.Path("gateway")) {
    for (const char* json : {kPatient, kSurgery, kCharity, kPlan}) {
      gateway.Put(json);
    }
  }
  TempFolder folder;
  TestGateway gateway;
  Caller surgery;
};

TEST_F(ExchangeTest, AClinicianReadsUnderTheImplicitPolicyAndOthersDoNot) {
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery)).status(), 200);
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", kCharityCaller)).status(),
            404);
}

TEST_F(ExchangeTest, ARevocationGovernsTheVeryNextRequest) {
  gateway.Put(Consent(Permit("charity")));
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan?patient=p1", kCharityCaller)), 1u);
  gateway.Put(Consent(""));
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan?patient=p1", kCharityCaller)), 0u);
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery)).status(), 404);
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1/_history/1", surgery)).status(),
            404);
}

// Requests that would tell a hidden resource from one that never was, for every served type.
struct Probe {
  std::string method;
  std::string target;
  std::string body;
};

std::vector<Probe> ProbesOf(const std::string& type, const std::string& id) {
  const std::string path = "/fhir/" + type;
  std::vector<Probe> probes = {
      {"GET", path + "/" + id, ""},
      {"HEAD", path + "/" + id, ""},
      {"GET", path + "/" + id + "/_history/1", ""},
      {"GET", path + "?_id=" + id, ""},
      {"GET", path + "?_id=" + id + "&_count=0", ""},
      {"GET", path + "?_id=" + id + "&_lastUpdated=ge2020", ""},
  };
  if (rest::IsWritable(type)) {
    probes.push_back(
        {"PUT", path + "/" + id,
         "{\"resourceType\":\"" + type + "\",\"id\":\"" + id + "\",\"status\":\"active\"}"});
    probes.push_back({"PATCH", path + "/" + id, R"({"resourceType":"Parameters"})"});
  }
  return probes;
}

std::string Without(std::string text, const std::string& id) {
  for (size_t at = text.find(id); at != std::string::npos; at = text.find(id)) {
    text.replace(at, id.size(), "ID");
  }
  return text;
}

// A resource of each type about p1 that its own rules accept.
std::string Hidden(const std::string& type) {
  const std::string head = "{\"resourceType\":\"" + type + "\",\"id\":\"hidden\",";
  const std::string subject = "\"subject\":{\"reference\":\"Patient/p1\"}";
  const std::string text = "{\"text\":\"x\"}";
  const std::map<std::string, std::string> rest = {
      {"AllergyIntolerance",
       "\"patient\":{\"reference\":\"Patient/p1\"},\"clinicalStatus\":{\"coding\":[{\"system\":"
       "\"http://terminology.hl7.org/CodeSystem/"
       "allergyintolerance-clinical\",\"code\":\"active\"}]}"},
      {"Appointment",
       "\"status\":\"booked\",\"start\":\"2026-02-02T10:00:00Z\",\"end\":\"2026-02-02T10:15:00Z\","
       "\"participant\":[{\"actor\":{\"reference\":\"Patient/p1\"},\"status\":\"accepted\"}]"},
      {"CarePlan", "\"status\":\"active\",\"intent\":\"plan\"," + subject},
      {"CareTeam", "\"status\":\"active\"," + subject},
      {"Communication", "\"status\":\"completed\"," + subject},
      {"Condition", subject},
      {"DiagnosticReport", "\"status\":\"final\",\"code\":" + text + "," + subject},
      {"DocumentReference",
       "\"status\":\"current\"," + subject + ",\"content\":[{\"attachment\":{\"title\":\"x\"}}]"},
      {"Encounter", "\"status\":\"finished\",\"class\":{\"code\":\"IMP\"}," + subject},
      {"Flag", "\"status\":\"active\",\"code\":" + text + "," + subject},
      {"Goal", "\"lifecycleStatus\":\"active\",\"description\":" + text + "," + subject},
      {"MedicationRequest",
       "\"status\":\"active\",\"intent\":\"order\",\"medicationCodeableConcept\":" + text + "," +
           subject},
      {"Observation", "\"status\":\"final\",\"code\":" + text + "," + subject},
      {"Procedure", "\"status\":\"completed\"," + subject},
      {"Provenance",
       "\"target\":[{\"reference\":\"Patient/p1\"}],\"recorded\":\"2026-02-02T10:00:00Z\","
       "\"agent\":[{\"who\":{\"display\":\"x\"}}]"},
      {"QuestionnaireResponse", "\"status\":\"completed\"," + subject},
      {"RelatedPerson", "\"patient\":{\"reference\":\"Patient/p1\"}"},
      {"ServiceRequest", "\"status\":\"active\",\"intent\":\"order\"," + subject},
      {"Specimen", subject},
      {"Task",
       "\"status\":\"requested\",\"intent\":\"order\",\"for\":{\"reference\":\"Patient/p1\"}"},
  };
  const auto found = rest.find(type);
  return found == rest.end() ? std::string() : head + found->second + "}";
}

const std::set<std::string> kAboutNobody = {"AuditEvent", "Organization", "Practitioner",
                                            "PractitionerRole"};

// Each type by read, vread and its own search parameters, while nothing is refused; and none of it
// for somebody whom the implicit policy gives nothing.
TEST_F(ExchangeTest, EveryServedTypeIsReadAndSearched) {
  const std::map<std::string, std::string> by_own = {
      {"AllergyIntolerance", "_lastUpdated=ge2020"},
      {"Appointment", "actor=Patient/p1&status=booked&date=2026-02-02"},
      {"DiagnosticReport", "subject=Patient/p1&status=final"},
      {"Flag", "subject=p1"},
      {"MedicationRequest", "intent=order&status=active"},
      {"Procedure", "subject=p1&status=completed"},
      {"QuestionnaireResponse", "subject=Patient/p1&status=completed"},
      {"ServiceRequest", "subject=Patient/p1&intent=order&status=active"},
      {"Specimen", "subject=Patient/p1"},
  };
  for (const std::string_view served : rest::ServedTypes()) {
    const std::string type(served);
    const std::string json = Hidden(type);
    if (json.empty()) {
      continue;  // Patient, Consent and what is about nobody have tests of their own
    }
    gateway.Put(json);
    const std::string path = "/fhir/" + type;
    for (const std::string& target : {path + "/hidden", path + "/hidden/_history/1"}) {
      EXPECT_EQ(gateway.Answer(gateway.Ask("GET", target, surgery)).status(), 200) << target;
      EXPECT_EQ(gateway.Answer(gateway.Ask("GET", target, kCharityCaller)).status(), 404) << target;
    }
    std::vector<std::string> queries = {"?_id=hidden", "?_id=hidden&patient=p1"};
    if (const auto own = by_own.find(type); own != by_own.end()) {
      queries.push_back("?_id=hidden&" + own->second);
    }
    for (const std::string& query : queries) {
      EXPECT_EQ(MatchesOn(gateway.Get(path + query, surgery)), 1u) << type << query;
      EXPECT_EQ(MatchesOn(gateway.Get(path + query, kCharityCaller)), 0u) << type << query;
    }
  }
}

TEST_F(ExchangeTest, WhatIsWithheldAnswersAsWhatNeverWas) {
  gateway.Put(Consent(""));  // she shares with nobody
  const std::map<std::string, std::string> stands_already = {{"Patient", "p1"}, {"Consent", "c1"}};
  for (const std::string_view served : rest::ServedTypes()) {
    const std::string type(served);
    if (kAboutNobody.contains(type)) {
      continue;
    }
    std::string id = "hidden";
    if (const auto there = stands_already.find(type); there != stands_already.end()) {
      id = there->second;
    } else {
      const std::string json = Hidden(type);
      ASSERT_FALSE(json.empty()) << "a served type without a case here: " << type;
      gateway.Put(json);
    }
    const std::vector<Probe> hidden = ProbesOf(type, id);
    const std::vector<Probe> absent = ProbesOf(type, "never-was");
    for (size_t index = 0; index < hidden.size(); ++index) {
      const Response a = gateway.Answer(
          gateway.Ask(hidden[index].method, hidden[index].target, surgery, hidden[index].body));
      const Response b = gateway.Answer(
          gateway.Ask(absent[index].method, absent[index].target, surgery, absent[index].body));
      EXPECT_EQ(a.status(), b.status()) << hidden[index].method << " " << hidden[index].target;
      EXPECT_EQ(Without(a.body(), id), Without(b.body(), "never-was")) << hidden[index].target;
      EXPECT_EQ(a.headers(), b.headers()) << hidden[index].target;
    }
  }
}

TEST_F(ExchangeTest, AWithheldResourceChangesNoTotalAndNoPage) {
  for (int number = 0; number < 6; ++number) {
    gateway.Put(R"({"resourceType":"Patient","id":"q)" + std::to_string(number) + "\"}");
    gateway.Put(R"({"resourceType":"CarePlan","id":"other)" + std::to_string(number) +
                R"(","status":"active","intent":"plan","subject":{"reference":"Patient/q)" +
                std::to_string(number) + "\"}}");
  }
  gateway.Put(Consent(""));
  const Json all = gateway.Get("/fhir/CarePlan?status=active&_count=0", surgery);
  EXPECT_EQ(all.Find("total")->text(), "6");
  std::string target = "/fhir/CarePlan?status=active&_count=2";
  std::vector<size_t> pages;
  while (!target.empty()) {
    const Json page = gateway.Get(target, surgery);
    pages.push_back(MatchesOn(page));
    target.clear();
    for (const Json& link : page.Find("link")->items()) {
      if (link.TextOf("relation") == "next") {
        const std::string url(link.TextOf("url"));
        target = url.substr(url.find("/fhir/"));
      }
    }
  }
  EXPECT_EQ(pages, (std::vector<size_t>{2, 2, 2}));
}

TEST_F(ExchangeTest, EveryRequestLeavesOneEntryWhateverItsAnswer) {
  const std::vector<std::pair<rest::Request, int>> requests = {
      {gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery), 200},
      {gateway.Ask("GET", "/fhir/CarePlan/none", surgery), 404},
      {gateway.Ask("GET", "/fhir/CarePlan?patient=p1", surgery), 200},
      {gateway.Ask("GET", "/fhir/CarePlan?nonsense=1", surgery), 400},
      {gateway.Ask("GET", "/fhir/AuditEvent", surgery), 403},
      {gateway.Ask("GET", "/fhir/CarePlan/plan1", kAuditor), 403},
      {gateway.Ask("DELETE", "/fhir/CarePlan/plan1", surgery), 405},
      {gateway.Ask("GET", "/nowhere", surgery), 404},
      {gateway.Ask("POST", "/fhir/CarePlan", surgery, "{"), 400},
  };
  size_t entries = gateway.Records().size();
  for (const auto& [request, status] : requests) {
    EXPECT_EQ(gateway.Answer(request).status(), status) << request.method << " " << request.path;
    const std::vector<AccessRecord> records = gateway.Records();
    ASSERT_EQ(records.size(), entries + 1) << request.path;
    EXPECT_EQ(records.back().status, status);
    entries = records.size();
  }
  rest::Request anonymous = gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery);
  std::erase_if(anonymous.headers,
                [](const auto& header) { return header.first == "authorization"; });
  EXPECT_EQ(gateway.Answer(anonymous).status(), 401);
  EXPECT_EQ(gateway.Records().size(), entries + 1);
  anonymous.path = "/fhir/metadata";
  EXPECT_EQ(gateway.Answer(anonymous).status(), 200);
  EXPECT_EQ(gateway.Records().size(), entries + 2);
}

TEST_F(ExchangeTest, TheLogSaysWhatWasAsked) {
  gateway.Answer(gateway.Ask("GET", "/nowhere/at/all", surgery));
  EXPECT_EQ(gateway.Records().back().action, "GET /nowhere/at/all");
  EXPECT_EQ(ToAuditEvent(gateway.Records().back(), "caregate").json.find("subtype"),
            std::string::npos);
  gateway.Answer(gateway.Ask("DELETE", "/fhir/" + std::string(5000, 'x'), surgery));
  EXPECT_LT(gateway.Records().back().action.size(), 300u);
  rest::Request search = gateway.Ask("POST", "/fhir/CarePlan/_search?status=active", surgery);
  search.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  search.body = "patient=p1";
  gateway.Answer(search);
  EXPECT_EQ(gateway.Records().back().query, "status=active&patient=p1");
  EXPECT_TRUE(gateway.exchange().Refuse({}, {Code::kInvalid, "no header", "header", 0}));
  EXPECT_EQ(gateway.Records().back().action, "");
}

TEST_F(ExchangeTest, WithoutTheLogThereIsNoAnswer) {
  ASSERT_TRUE(gateway.log().Close());
  const Result<Response> answer =
      gateway.exchange().Handle(gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
}

std::string DetailOf(const Json& entity, std::string_view type) {
  for (const Json& detail : entity.Find("detail")->items()) {
    if (detail.TextOf("type") == type) {
      return std::string(detail.TextOf("valueString"));
    }
  }
  return "";
}

TEST_F(ExchangeTest, TheAuditorFindsWhoLookedAndNobodyElseDoes) {
  gateway.Put(Consent(Permit("surgery")));
  gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", surgery));
  gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", kCharityCaller));
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/AuditEvent?patient=p1", kAuditor)), 2u)
      << "the one who saw, and the one who tried";
  const Json seen = gateway.Get("/fhir/AuditEvent?patient=p1&outcome=0&agent=X9902", kAuditor);
  ASSERT_EQ(MatchesOn(seen), 1u);
  const Json& event = *seen.Find("entry")->items().front().Find("resource");
  EXPECT_EQ(event.TextOf("outcome"), "0");
  const Json* decision = nullptr;
  for (const Json& entity : event.Find("entity")->items()) {
    const Json* what = entity.Find("what");
    if (what != nullptr && what->TextOf("reference").starts_with("Consent/c1/_history/")) {
      decision = &entity;
    }
  }
  ASSERT_NE(decision, nullptr) << "the entry names the consent that decided, with its version";
  EXPECT_EQ(DetailOf(*decision, "decision"), "permit");
  EXPECT_EQ(DetailOf(*decision, "person"), "Patient/p1");
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/AuditEvent?agent=X9902&outcome=0", kAuditor)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/AuditEvent?agent=X9905&outcome=4", kAuditor)), 1u);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/AuditEvent?date=lt2020", kAuditor)), 0u);
}

TEST_F(ExchangeTest, APersonsTokenReachesTheirOwnRecordOnly) {
  gateway.Put(R"({"resourceType":"Patient","id":"q9"})");
  gateway.Put(R"({"resourceType":"CarePlan","id":"other","status":"active","intent":"plan",
    "subject":{"reference":"Patient/q9"}})");
  const Caller person{"app", "", "", "PATRQT", "p1", "patient/*.rs"};
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/plan1", person)).status(), 200);
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan/other", person)).status(), 404);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan", person)), 1u);
}

TEST_F(ExchangeTest, CreateAndUpdateKeepVersionsAndPreconditions) {
  const std::string body = R"({"resourceType":"CarePlan","status":"active","intent":"plan",
    "subject":{"reference":"Patient/p1"}})";
  const Response created = gateway.Answer(gateway.Ask("POST", "/fhir/CarePlan", surgery, body));
  ASSERT_EQ(created.status(), 201) << created.body();
  const Json plan = *Json::Parse(created.body(), Limits{});
  const std::string id(plan.TextOf("id"));
  const std::string changed = R"({"resourceType":"CarePlan","id":")" + id +
                              R"(","status":"completed","intent":"plan",
    "subject":{"reference":"Patient/p1"}})";
  rest::Request update = gateway.Ask("PUT", "/fhir/CarePlan/" + id, surgery, changed);
  update.headers.emplace_back("if-match", "W/\"7\"");
  EXPECT_EQ(gateway.Answer(update).status(), 412);
  update.headers.back().second = "W/\"1\"";
  EXPECT_EQ(gateway.Answer(update).status(), 200);
  rest::Request read = gateway.Ask("GET", "/fhir/CarePlan/" + id, surgery);
  read.headers.emplace_back("if-none-match", "W/\"2\"");
  EXPECT_EQ(gateway.Answer(read).status(), 304);
  EXPECT_EQ(gateway.Get("/fhir/CarePlan/" + id + "/_history/1", surgery).TextOf("status"),
            "active");
}

TEST_F(ExchangeTest, WritesThatMustNotBeAreRefusedAndWriteNothing) {
  struct Case {
    std::string method, target, body;
    int status;
  };
  const std::string consent_without_base =
      R"({"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"patient-privacy",
      "system":"http://terminology.hl7.org/CodeSystem/consentscope"}]},"category":[{"text":"x"}],
      "patient":{"reference":"Patient/p1"},"policy":[{"uri":"urn:x"}]})";
  const std::vector<Case> cases = {
      {"POST", "/fhir/CarePlan", R"({"resourceType":"CareTeam"})", 400},
      {"POST", "/fhir/Goal", R"({"resourceType":"Goal"})", 405},
      {"POST", "/fhir/CarePlan", R"({"resourceType":"CarePlan","status":"active","intent":"plan"})",
       422},
      {"POST", "/fhir/CarePlan", R"({"resourceType":"CarePlan","status":"active","intent":"plan",
        "subject":{"reference":"Patient/nobody"}})",
       422},
      {"POST", "/fhir/CarePlan", R"({"resourceType":"CarePlan","status":"wrong","intent":"plan",
        "subject":{"reference":"Patient/p1"}})",
       422},
      {"PUT", "/fhir/CarePlan/plan1", R"({"resourceType":"CarePlan","id":"plan2"})", 400},
      {"POST", "/fhir/Consent", consent_without_base, 422},
      {"POST", "/fhir/CarePlan", std::string(100'000, '['), 400},
      {"POST", "/fhir/CarePlan",
       R"({"resourceType":"CarePlan","status":"active","status":"draft"})", 400},
      {"POST", "/fhir/CarePlan", std::string("{\"resourceType\":\"CarePlan\"}\0{}", 28), 400},
      {"POST", "/fhir/CarePlan", "{\"resourceType\":\"CarePlan\",\"title\":\"\xff\"}", 400},
  };
  for (const Case& one : cases) {
    const Response answer = gateway.Answer(gateway.Ask(one.method, one.target, surgery, one.body));
    EXPECT_EQ(answer.status(), one.status) << one.body.substr(0, 80) << "\n" << answer.body();
    EXPECT_NE(answer.body().find("OperationOutcome"), std::string::npos);
  }
  rest::Request wrong_type = gateway.Ask("POST", "/fhir/CarePlan", surgery, "<CarePlan/>");
  wrong_type.headers.back().second = "text/plain";
  EXPECT_EQ(gateway.Answer(wrong_type).status(), 415);
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/CarePlan?patient=p1", surgery)), 1u);
}

TEST_F(ExchangeTest, DecimalsKeepTheirDigits) {
  const std::string body = R"({"resourceType":"CarePlan","status":"active","intent":"plan",
    "subject":{"reference":"Patient/p1"},"extension":[{"url":"urn:x:dose","valueDecimal":1.50}]})";
  const Response created = gateway.Answer(gateway.Ask("POST", "/fhir/CarePlan", surgery, body));
  ASSERT_EQ(created.status(), 201) << created.body();
  EXPECT_NE(created.body().find("\"valueDecimal\":1.50}"), std::string::npos);
}

TEST_F(ExchangeTest, UnknownParametersAreRefusedUnlessLenientAndStillRestricting) {
  EXPECT_EQ(gateway.Answer(gateway.Ask("GET", "/fhir/CarePlan?colour=red&status=active", surgery))
                .status(),
            400);
  rest::Request lenient = gateway.Ask("GET", "/fhir/CarePlan?colour=red&status=active", surgery);
  lenient.headers.emplace_back("prefer", "handling=lenient");
  const Response answer = gateway.Answer(lenient);
  ASSERT_EQ(answer.status(), 200);
  const Json bundle = *Json::Parse(answer.body(), Limits{});
  EXPECT_EQ(MatchesOn(bundle), 1u);
  EXPECT_EQ(bundle.Find("entry")->items().size(), 2u) << "an outcome names what was ignored";
  EXPECT_EQ(bundle.Find("link")->items().front().TextOf("url").find("colour"), std::string::npos);
  lenient.query = "colour=red";
  EXPECT_EQ(gateway.Answer(lenient).status(), 400);
}

}  // namespace
}  // namespace gw::flow
