#include "gateway/map/export/export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/map/samples_testing.h"

// Which messages a Bundle becomes, and what they leave.

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

// A Bundle of a person (p) and these entries, each with its request.
struct Item {
  std::string resource;
  std::string request;  // "POST Goal", "" for none
};
fhir::Resource BundleOf(const std::vector<Item>& items) {
  std::string json = R"({"resourceType": "Bundle", "type": "collection", "entry": [)"
                     R"({"fullUrl": "urn:uuid:p", "resource": {"resourceType": "Patient", )"
                     R"("identifier": [{"system": "urn:caregate:id:X:MR", "value": "1"}]}})";
  for (size_t i = 0; i < items.size(); ++i) {
    json += R"(, {"fullUrl": "urn:uuid:)" + std::to_string(i) + R"(", "resource": )" +
            items[i].resource;
    const size_t blank = items[i].request.find(' ');
    if (blank != std::string::npos) {
      json += R"(, "request": {"method": ")" + items[i].request.substr(0, blank) +
              R"(", "url": ")" + items[i].request.substr(blank + 1) + R"("})";
    }
    json += "}";
  }
  return Parsed(json + "]}");
}

std::vector<std::string> TypesOf(const fhir::Resource& resource) {
  Destination to;
  to.name = "test";
  to.version = "2.8";
  const auto made = BackMaps().FromFhir(resource, to, kNow);
  EXPECT_TRUE(made.ok()) << made.error().detail;
  std::vector<std::string> types;
  for (const auto& message : made->messages) {
    types.push_back(message ? message->type + " " + message->focus : message.error().where);
  }
  return types;
}

constexpr std::string_view kSubject = R"("subject": {"reference": "urn:uuid:p"})";
constexpr std::string_view kPatient = R"("patient": {"reference": "urn:uuid:p"})";

std::string Resource(const std::string& type, const std::string& members) {
  const bool of_patient = type == "Consent" || type == "RelatedPerson";
  return R"({"resourceType": ")" + type + "\", " + std::string(of_patient ? kPatient : kSubject) +
         (members.empty() ? "" : ", ") + members + "}";
}

TEST(Export, ChoosesTheMessageByWhatIsTold) {
  const std::string plan = R"("status": "active", "intent": "plan")";
  const std::string goal = R"("lifecycleStatus": "active", "description": {"text": "Walk"})";
  const std::string stay = R"("class": {"code": "IMP"}, )";
  const std::string visit = R"("class": {"code": "AMB"}, )";
  const std::string places = R"("location": [{"location": {"display": "W2"}, "status": "active"}, )"
                             R"({"location": {"display": "W1"}, "status": "completed"}])";
  const std::string before =
      R"("classHistory": [{"period": {"end": "2026-01-01"}, "class": {"code": )";
  const std::string refusal =
      R"("status": "active", "scope": {"coding": [{"code": "patient-privacy"}]}, )"
      R"("category": [{"text": "c"}], "provision": {"type": "deny"})";
  using Types = std::vector<std::string>;
  struct Case {
    std::vector<Item> items;
    Types types;
  };
  const Case cases[] = {
      {{}, {"ADT^A28 Patient[1]"}},
      {{{Resource("CarePlan", plan), ""}}, {"PPP^PCB CarePlan[1]"}},
      {{{Resource("CarePlan", plan), "POST CarePlan"}}, {"PPP^PCB CarePlan[1]"}},
      {{{Resource("CarePlan", plan), "PUT CarePlan/1"}}, {"PPP^PCC CarePlan[1]"}},
      {{{Resource("CarePlan", R"("status": "entered-in-error", "intent": "plan")"), ""}},
       {"PPP^PCD CarePlan[1]"}},
      {{{Resource("Goal", goal), ""}}, {"PGL^PC6 Goal[1]"}},
      {{{Resource("Goal", goal), "PUT Goal/1"}}, {"PGL^PC7 Goal[1]"}},
      {{{Resource("Goal", R"("lifecycleStatus": "entered-in-error", "description": {"text": "W"})"),
         ""}},
       {"PGL^PC8 Goal[1]"}},
      {{{Resource("Goal", goal), ""},
        {Resource("CarePlan", plan + R"(, "goal": [{"reference": "urn:uuid:0"}])"), ""}},
       {"PPP^PCB CarePlan[1]"}},
      {{{Resource("Condition", R"("code": {"text": "Asthma"})"), ""}}, {"PPR^PC1 Condition[1]"}},
      {{{Resource("Condition", R"("code": {"text": "Asthma"})"), "PUT Condition/1"}},
       {"PPR^PC2 Condition[1]"}},
      {{{Resource("Condition",
                  R"("verificationStatus": {"coding": [{"code": "entered-in-error"}]})"),
         ""}},
       {"PPR^PC3 Condition[1]"}},
      {{{Resource("Condition", R"("code": {"text": "Asthma"})"), ""},
        {Resource("Goal", goal + R"(, "addresses": [{"reference": "urn:uuid:0"}])"), ""}},
       {"PGL^PC6 Goal[1]"}},
      {{{Resource("CareTeam", R"("status": "active")"), ""}}, {"ADT^A31 CareTeam[1]"}},
      {{{Resource("CareTeam", R"("status": "active")"), ""},
        {Resource("CarePlan", plan + R"(, "careTeam": [{"reference": "urn:uuid:0"}])"), ""}},
       {"PPP^PCB CarePlan[1]"}},
      {{{Resource("Encounter", stay + R"("status": "planned")"), ""}}, {"ADT^A05 Encounter[1]"}},
      {{{Resource("Encounter", stay + R"("status": "in-progress")"), ""}},
       {"ADT^A01 Encounter[1]"}},
      {{{Resource("Encounter", visit + R"("status": "in-progress")"), ""}},
       {"ADT^A04 Encounter[1]"}},
      {{{Resource("Encounter", stay + R"("status": "in-progress")"), "PUT Encounter/1"}},
       {"ADT^A08 Encounter[1]"}},
      // What a patch says has just become so: moved, or not told; and a whole resource does not
      // say.
      {{{Resource("Encounter", stay + places + R"(, "status": "in-progress")"), "PUT Encounter/1"}},
       {"ADT^A08 Encounter[1]"}},
      {{{Resource("Encounter", stay + places + R"(, "status": "in-progress")"), ""}},
       {"ADT^A01 Encounter[1]"}},
      {{{Resource("Encounter", stay + before + R"("AMB"}}], "status": "in-progress")"),
         "PUT Encounter/1"}},
       {"ADT^A06 Encounter[1]"}},
      {{{Resource("Encounter", visit + before + R"("IMP"}}], "status": "in-progress")"),
         "PUT Encounter/1"}},
       {"ADT^A07 Encounter[1]"}},
      {{{Resource("Encounter", visit + before + R"("EMER"}}], "status": "in-progress")"),
         "PUT Encounter/1"}},
       {"ADT^A08 Encounter[1]"}},
      {{{Resource("Encounter", stay + R"("status": "finished")"), ""}}, {"ADT^A03 Encounter[1]"}},
      {{{Resource("Encounter", stay + R"("status": "cancelled")"), ""}}, {"ADT^A11 Encounter[1]"}},
      {{{Resource("Encounter", stay + R"("status": "finished")"), ""},
        {Resource("CareTeam", R"("status": "active")"), ""}},
       {"ADT^A03 Encounter[1]"}},
      {{{Resource("Consent", refusal), ""}}, {"MDM^T02 Consent[1]"}},
      {{{Resource("Consent", refusal), "PUT Consent/1"}}, {"MDM^T08 Consent[1]"}},
      {{{Resource("Consent",
                  R"("identifier": [{"system": "urn:caregate:id:S:restriction", "value": "r"}], )" +
                      refusal),
         ""}},
       {"ADT^A31 Consent[1]"}},
  };
  for (const Case& one : cases) {
    std::string json;
    fhir::WriteJson(BundleOf(one.items), &json);
    EXPECT_EQ(TypesOf(BundleOf(one.items)), one.types) << json;
  }
  EXPECT_EQ(TypesOf(Parsed(R"({"resourceType": "Patient", "id": "x"})")),
            Types{"ADT^A28 Patient[1]"});
}

// From HL7 v2 to HL7 v2: the event of a visit that FHIR can tell goes on as it came.
TEST(Export, EventsOfVisitsGoOnAsTheyCame) {
  const std::string head = "MSH|^~\\&|PAS|X9912|CAREGW|X9900|20260610093000+0100||ADT^";
  const std::string pid = "|V1|P|2.5.1\rEVN||20260610093000+0100\rPID|1||H1^^^X9912^MR||Ash^Ira\r";
  const std::string stay = "PV1|1|I|W2^B^3^X9912|||";
  const std::string number = "|||||||||||||E1^^^X9912^VN";
  const std::string prior = "W1^A^1^X9912";
  struct Case {
    std::string event, pv1, sent;
  };
  const std::vector<Case> cases = {
      {"A01", stay + number, "ADT^A01"},
      // Where they were before they came.
      {"A01", stay + prior + number, "ADT^A01"},
      {"A04", "PV1|1|O|W2^B^3^X9912|||" + prior + number, "ADT^A04"},
      {"A02", stay + prior + number, "ADT^A02"},
      {"A02", stay + number, "ADT^A02"},
      {"A06", stay + prior + number, "ADT^A06"},
      {"A06", stay + number, "ADT^A06"},
      {"A07", "PV1|1|O|W2^B^3^X9912|||" + number, "ADT^A07"},
      {"A08", stay + number, "ADT^A08"},
      {"A08", stay + prior + number, "ADT^A08"},
      {"A03", stay + number, "ADT^A03"},
      {"A11", stay + number, "ADT^A11"},
      {"A13", stay + number, "ADT^A13"},
      // FHIR says where the person is, and not that a transfer was taken back.
      {"A12", stay + prior + number, "ADT^A08"},
  };
  for (const Case& c : cases) {
    const Outcome outcome = TranslateMessage(head + c.event + pid + c.pv1 + "\r", FeedOf("X9912"));
    ASSERT_EQ(outcome.refusal, "") << c.event;
    Destination to;
    to.name = "test";
    const auto made = BackMaps().FromChanges(outcome.translation.changes, to, kNow);
    ASSERT_TRUE(made.ok()) << made.error().detail;
    ASSERT_EQ(made->messages.size(), 1u) << c.event;
    ASSERT_TRUE(made->messages[0].ok()) << made->messages[0].error().detail;
    EXPECT_EQ(made->messages[0]->type, c.sent) << c.pv1;
    EXPECT_NE(made->messages[0]->bytes.find("W2^B^3^X9912"), std::string::npos)
        << made->messages[0]->bytes;
    if (c.sent == "ADT^A02") {
      EXPECT_NE(made->messages[0]->bytes.find("|ADT^A02^ADT_A02|"), std::string::npos);
    }
    EXPECT_EQ(made->messages[0]->bytes.find("|||W1^A^1^X9912|") != std::string::npos,
              c.pv1.find(prior) != std::string::npos)
        << made->messages[0]->bytes;
  }
}

// A patch says what has just become so.
TEST(Export, APatchOfThePlacesIsATransfer) {
  const auto add = [](const std::string& name, const std::string& value) {
    return R"({"name": "operation", "part": [{"name": "type", "valueCode": "add"}, )"
           R"({"name": "path", "valueString": "Encounter"}, {"name": "name", "valueString": ")" +
           name + R"("}, {"name": "value", )" + value + "}]}";
  };
  const auto place = [&add](const std::string& ward, const std::string& status) {
    return add("location", R"("part": [{"name": "location", "valueReference": {"display": ")" +
                               ward + R"("}}, {"name": "status", "valueCode": ")" + status +
                               R"("}])");
  };
  const std::string subject = add("subject", R"("valueReference": {"reference": "urn:uuid:p"})");
  const auto patch = [](const std::string& operations) {
    return Item{R"({"resourceType": "Parameters", "parameter": [)" + operations + "]}",
                "PATCH Encounter?identifier=urn:caregate:id:X:VN|E1"};
  };
  using Types = std::vector<std::string>;
  EXPECT_EQ(TypesOf(BundleOf(
                {patch(subject + ", " + place("W2", "active") + ", " + place("W1", "completed"))})),
            Types{"ADT^A02 Encounter[1]"});
  EXPECT_EQ(TypesOf(BundleOf({patch(subject + ", " + place("W2", "active"))})),
            Types{"ADT^A08 Encounter[1]"});
}

TEST(Export, AMergedPersonIsAnA40) {
  const fhir::Resource bundle = Parsed(
      R"({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:a", "resource": {"resourceType": "Patient",
          "identifier": [{"system": "urn:caregate:id:X:MR", "value": "A"}], "active": true,
          "link": [{"type": "replaces", "other": {"reference": "urn:uuid:b"}}]}},
        {"fullUrl": "urn:uuid:b", "resource": {"resourceType": "Patient",
          "identifier": [{"system": "urn:caregate:id:X:MR", "value": "B"}], "active": false,
          "name": [{"family": "Old"}],
          "link": [{"type": "replaced-by", "other": {"reference": "urn:uuid:a"}}]}}]})");
  Destination to;
  to.name = "test";
  const auto made = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_TRUE(made->messages[0].ok()) << made->messages[0].error().where;
  EXPECT_EQ(made->messages[0]->type, "ADT^A40");
  EXPECT_NE(made->messages[0]->bytes.find("\rMRG|B^^^X^MR||||||Old\r"), std::string::npos)
      << made->messages[0]->bytes;
  EXPECT_TRUE(made->unread.empty()) << made->unread.front();
}

// What a message does not say is told with it; what none says, once more for all.
TEST(Export, ListsWhatEachMessageDoesNotSay) {
  const fhir::Resource bundle = BundleOf(
      {{Resource("Goal", R"("lifecycleStatus": "active", "description": {"text": "Walk"}, )"
                         R"("target": [{"measure": {"text": "Steps"}}])"),
        ""},
       {R"({"resourceType": "Medication", "status": "active"})", ""}});
  Destination to;
  to.name = "test";
  const auto made = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_TRUE(made->messages[0].ok());
  const std::vector<std::string> unwritten = {"Goal[1].target[0].measure.text"};
  EXPECT_EQ(made->messages[0]->unwritten, unwritten);
  EXPECT_EQ(made->unread, unwritten);
  ASSERT_EQ(made->remarks.size(), 1u) << "nothing speaks of the medicine";
  EXPECT_EQ(made->remarks[0].code, "not-sent");
  EXPECT_EQ(made->remarks[0].where, "Medication[1]");
}

// A reference that no field holds is a loss like any other; one whose target the message tells of,
// or whose name it holds, is none. A third coding has no place in CWE.
TEST(Export, ListsReferencesThatNoFieldHolds) {
  const fhir::Resource bundle = BundleOf(
      {{Resource("CarePlan",
                 R"("status": "active", "intent": "plan", "author": {"display": "A"}, )"
                 R"("partOf": [{"identifier": {"system": "urn:a", "value": "1"}}], )"
                 R"("category": [{"coding": [{"code": "1"}, {"code": "2"}, {"code": "3"}]}], )"
                 R"("note": [{"text": "n", "authorReference": {"display": "N"}}], )"
                 R"("activity": [{"reference": {"display": "O", "identifier": )"
                 R"({"value": "7", "assigner": {"display": "S"}}}}], )"
                 R"("addresses": [{"reference": "urn:uuid:1", "display": "Asthma"}])"),
        ""},
       {Resource("Condition", R"("code": {"text": "Asthma"}, "recorder": {"display": "R"})"), ""}});
  Destination to;
  to.name = "test";
  to.version = "2.8";
  const auto made = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_TRUE(made->messages[0].ok());
  const std::vector<std::string> unwritten = {
      "CarePlan[1].activity[0].reference.identifier.assigner.display",
      "CarePlan[1].author.display",
      "CarePlan[1].category[0].coding[2].code",
      "CarePlan[1].partOf[0].identifier.system",
      "CarePlan[1].partOf[0].identifier.value",
      "Condition[1].recorder.display"};
  EXPECT_EQ(made->messages[0]->unwritten, unwritten);
}

// What goes out says what the resource said, and what it cannot say is listed.
TEST(Export, SaysNothingElse) {
  const std::string plan = R"("status": "active", "intent": "plan")";
  const std::string foreign = R"(, "activity": [{"reference": {"display": "Physio", "identifier": )"
                              R"({"system": "urn:caregate:id:PLACER:order", "value": "ORD77"}}}])";
  const std::string aside = R"(, "activity": [{"reference": {"display": "Physio"}}])";
  const std::string titled =
      R"(, "title": "Plan", "category": [{"coding": [{"code": "1", "display": "Care"}]}])";
  const std::string goal = R"("lifecycleStatus": "active", "description": {"text": "\"\""})";
  const std::string team =
      R"("status": "active", "participant": [{"role": [{"text": "A"}, {"text": "B"}, )"
      R"({"text": "C"}], "member": {"display": "Dr Far", "identifier": )"
      R"({"system": "urn:caregate:id:GMC:PRN", "value": "G7"}}}])";
  const std::string problem =
      R"("code": {"text": "x"}, "category": [{"text": "a"}, {"text": "b"}])";
  struct Case {
    std::string type, members;
    std::string has, has_not;  // of the message
    std::string unwritten;     // one of them, or none at all
  };
  const Case cases[] = {
      {"CarePlan", plan + foreign, "\rORC|LI|ORD77^PLACER\rOBR|1|ORD77^PLACER||^Physio\r", "", ""},
      {"CarePlan", plan + aside, "", "\rORC", "CarePlan[1].activity[0].reference.display"},
      {"CarePlan", plan + R"(, "period": {"end": "2026-12-01"})", "", "20261201",
       "CarePlan[1].period.end"},
      {"CarePlan", R"("status": "completed", "intent": "plan", "period": {"end": "2026-12-01"})",
       "|CMP|20261201|", "", ""},
      {"CarePlan", plan + titled, "\rPTH|AD|1^Plan^L|", "",
       "CarePlan[1].category[0].coding[0].display"},
      {"Goal", goal, "|^^^^^^^^\\X2222\\|", "|\"\"|", ""},
      {"CareTeam", team, "|G7^Dr Far^", "", "CareTeam[1].participant[0].role[2].text"},
      {"Condition", problem, "|^^^^^^^^a\r", "^b\r", "Condition[1].category[1].text"},
  };
  for (const Case& one : cases) {
    Destination to;
    to.name = "test";
    to.version = "2.8";
    const auto made =
        BackMaps().FromFhir(BundleOf({{Resource(one.type, one.members), ""}}), to, kNow);
    ASSERT_TRUE(made.ok());
    ASSERT_EQ(made->messages.size(), 1u) << one.members;
    ASSERT_TRUE(made->messages[0].ok()) << made->messages[0].error().where;
    const ExportedMessage& message = *made->messages[0];
    EXPECT_NE(message.bytes.find(one.has), std::string::npos) << one.has << "\n" << message.bytes;
    if (!one.has_not.empty()) {
      EXPECT_EQ(message.bytes.find(one.has_not), std::string::npos) << message.bytes;
    }
    const auto& list = message.unwritten;
    if (one.unwritten.empty()) {
      EXPECT_TRUE(list.empty()) << list.front();
    } else {
      EXPECT_NE(std::find(list.begin(), list.end(), one.unwritten), list.end()) << one.unwritten;
    }
  }
}

// An order elsewhere, sent as ORC-1 LI, comes back as an activity of that number whose state nobody
// said: it is not begun anew, and not taken for one that was not started.
TEST(Export, AnOrderElsewhereComesBackAsOneOfUnknownState) {
  const std::string plan =
      R"("identifier": [{"system": "urn:caregate:id:X:plan", "value": "P1"}], "status": "active", )"
      R"("intent": "plan", "created": "2026-03-02", "category": [{"text": "Care"}], )"
      R"("activity": [{"reference": {"display": "Physio", "identifier": )"
      R"({"system": "urn:caregate:id:PLACER:order", "value": "ORD77"}}}])";
  Destination to;
  to.name = "test";
  to.version = "2.5.1";
  const auto made = BackMaps().FromFhir(BundleOf({{Resource("CarePlan", plan), ""}}), to, kNow);
  ASSERT_TRUE(made.ok() && made->messages.size() == 1 && made->messages[0].ok());
  ASSERT_NE(made->messages[0]->bytes.find("\rORC|LI|ORD77^PLACER"), std::string::npos);
  const Outcome back = TranslateMessage(made->messages[0]->bytes, FeedOf("X9901"));
  ASSERT_EQ(back.refusal, "");
  const auto outcomes = OutcomesOf(back.translation.changes);
  ASSERT_TRUE(outcomes.ok());
  const auto known =
      std::find_if(outcomes->resources.begin(), outcomes->resources.end(),
                   [](const fhir::Resource& one) { return one.type() == "CarePlan"; });
  ASSERT_NE(known, outcomes->resources.end());
  ASSERT_EQ(known->root().Count("activity"), 1u);
  const fhir::Element& activity = *known->root().Child("activity");
  EXPECT_EQ(activity.TextAt("id"), "ORD77:PLACER");
  EXPECT_EQ(activity.TextAt("detail.status"), "unknown");
}

// A person's codes go with the system that they are of, names and addresses with all their words.
TEST(Export, PersonsGoWithTheirOwnSystemsAndWords) {
  const fhir::Resource person = Parsed(
      R"({"resourceType": "Patient", "identifier": [{"system": "urn:caregate:id:X:MR", "value": "1",
          "assigner": {"display": "A"}}],
          "name": [{"family": "Ash", "given": ["Ira"], "text": "Ira Ash"},
                   {"family": "Ash", "text": "Ira the Younger Ash"}],
          "telecom": [{"system": "sms", "value": "07700 900344"}],
          "address": [{"text": "1 Elm Row, Fen", "line": ["1 Elm Row"], "city": "Fen"},
                      {"text": "care of Bo", "line": ["2 Elm Row"]}],
          "maritalStatus": {"coding": [{"system": "urn:caregate:code-system:MAR", "code": "9"}]},
          "communication": [{"language": {"coding": [{"system": "urn:caregate:code-system:LAN",
                                                      "code": "x"}]}}]})");
  Destination to;
  to.name = "test";
  to.version = "2.8";
  const auto made = BackMaps().FromFhir(person, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(made->messages[0].ok());
  EXPECT_NE(made->messages[0]->bytes.find("|x^^LAN|9^^MAR\r"), std::string::npos)
      << made->messages[0]->bytes;
  const std::vector<std::string> unwritten = {
      "Patient[1].address[1].text", "Patient[1].identifier[0].assigner.display",
      "Patient[1].name[1].text", "Patient[1].telecom[0].value"};
  EXPECT_EQ(made->messages[0]->unwritten, unwritten);
}

// A DELETE names what a server keeps, and no message can.
TEST(Export, RefusesWhatItCannotSay) {
  const fhir::Resource deleted = Parsed(
      R"({"resourceType": "Bundle", "type": "transaction", "entry": [
          {"request": {"method": "DELETE", "url": "CarePlan/1"}}]})");
  Destination to;
  to.name = "test";
  to.version = "2.3.1";
  const auto made = BackMaps().FromFhir(deleted, to, kNow);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_FALSE(made->messages[0].ok());
  EXPECT_EQ(made->messages[0].error().where, "Bundle.entry[0].request");

  const std::string team = R"("status": "active", "participant": [{"member": {"display": "Bo"}}])";
  const auto early = BackMaps().FromFhir(BundleOf({{Resource("CareTeam", team), ""}}), to, kNow);
  ASSERT_TRUE(early.ok());
  ASSERT_FALSE(early->messages[0].ok()) << "ROL came to ADT with 2.4";
  EXPECT_EQ(early->messages[0].error().where, "CareTeam[1]");
  to.version = "2.4";
  const auto later = BackMaps().FromFhir(BundleOf({{Resource("CareTeam", team), ""}}), to, kNow);
  EXPECT_TRUE(later.ok() && later->messages[0].ok());
}

// What is of somebody who does not stand in the Bundle would be nobody's, or of whoever was told of
// before: the id of another server's person is no key.
TEST(Export, RefusesWhatIsOfNobodyInTheBundle) {
  const std::string refusal =
      R"("status": "active", "scope": {"coding": [{"code": "patient-privacy"}]}, )"
      R"("category": [{"text": "c"}], "provision": {"type": "deny"})";
  struct Case {
    std::string type, members, where;
  };
  const Case cases[] = {
      {"CarePlan", R"("status": "active", "intent": "plan")", "CarePlan[1].subject"},
      {"Goal", R"("lifecycleStatus": "active", "description": {"text": "Walk"})",
       "Goal[1].subject"},
      {"Condition", R"("code": {"text": "Asthma"})", "Condition[1].subject"},
      {"CareTeam", R"("status": "active")", "CareTeam[1].subject"},
      {"Encounter", R"("status": "planned", "class": {"code": "IMP"})", "Encounter[1].subject"},
      {"Consent", refusal, "Consent[1].patient"},
      {"Consent",
       R"("identifier": [{"system": "urn:caregate:id:S:restriction", "value": "r"}], )" + refusal,
       "Consent[1].patient"},
  };
  const std::vector<std::string> whose = {
      R"({"reference": "https://b.example/fhir/Patient/1"})", R"({"display": "Ira Ash"})",
      R"({"identifier": {"system": "urn:caregate:id:Y:MR", "value": "1"}})"};
  for (const Case& c : cases) {
    for (const std::string& person : whose) {
      std::string json = R"({"resourceType": ")" + c.type;
      json += c.type == "Consent" ? R"(", "patient": )" : R"(", "subject": )";
      json += person + ", " + c.members + "}";
      std::vector<std::string> types = TypesOf(BundleOf({{json, ""}}));
      std::sort(types.begin(), types.end());
      std::vector<std::string> expected = {"ADT^A28 Patient[1]", c.where};
      EXPECT_EQ(types, expected) << json;
    }
  }
}

// An unknown code, and a state that no event tells, are told with the place in what came in.
TEST(Export, TellsWhereACodeOrStateIsNotSaid) {
  Destination to;
  to.name = "test";
  const auto visit = BackMaps().FromFhir(
      BundleOf({{Resource("Encounter", R"("status": "onleave", "class": {"code": "AMB"}, "type": )"
                                       R"([{"coding": [{"system": "urn:t", "code": "1"}]}])"),
                 ""}}),
      to, kNow);
  ASSERT_TRUE(visit.ok());
  ASSERT_TRUE(visit->messages[0].ok());
  EXPECT_EQ(visit->messages[0]->type, "ADT^A08") << "nobody has arrived";
  const auto& remarks = visit->messages[0]->remarks;
  EXPECT_TRUE(std::any_of(remarks.begin(), remarks.end(), [](const Remark& remark) {
    return remark.code == "not-said" && remark.where == "Encounter[1].status";
  }));
  const auto& unmapped = visit->messages[0]->unmapped;
  ASSERT_FALSE(unmapped.empty());
  EXPECT_EQ(unmapped[0].where, "Encounter[1].type[0].coding[0].system");
}

// A change of a few elements goes on as far as it goes; what a receiver may miss is told.
TEST(Export, TellsWhereAReceiverMayRefuse) {
  const Outcome outcome = TranslateMessage(
      ReadFile(GW_SOURCE_DIR "/tests/data/hl7v2/goal_delete.hl7"), FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  const auto bundle = ToTransaction(outcome.translation.changes, Definitions());
  ASSERT_TRUE(bundle.ok());
  Destination to;
  to.name = "test";
  const auto made = BackMaps().FromFhir(*bundle, to, kNow);
  ASSERT_TRUE(made.ok()) << made.error().detail;
  ASSERT_EQ(made->messages.size(), 1u);
  ASSERT_TRUE(made->messages[0].ok());
  EXPECT_EQ(made->messages[0]->type, "PGL^PC8");
  const auto& remarks = made->messages[0]->remarks;
  EXPECT_TRUE(std::any_of(remarks.begin(), remarks.end(), [](const Remark& remark) {
    return remark.code == "may-be-refused" && remark.where == "GOL-3";
  }));
  // The changes themselves say what is deleted: nothing is missing.
  const auto whole = BackMaps().FromChanges(outcome.translation.changes, to, kNow);
  ASSERT_TRUE(whole.ok());
  ASSERT_TRUE(whole->messages[0].ok());
  for (const Remark& remark : whole->messages[0]->remarks) {
    EXPECT_NE(remark.code, "may-be-refused") << remark.where;
  }
}

}  // namespace
}  // namespace gw::map
