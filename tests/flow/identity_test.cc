// Who messages are about: numbers that are verified, records that were merged, and what a human is
// asked.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/flow/apply.h"
#include "gateway/hl7v2/message.h"
#include "tests/flow/flow_testing.h"
#include "tests/temp_folder.h"

namespace gw::flow {
namespace {

constexpr char kNhs[] = "https://fhir.nhs.uk/Id/nhs-number";
constexpr char kLocal[] = "urn:caregate:id:X9901:MR";

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() : gateway_(folder_.Path("gateway")) {}

  struct Answered {
    std::string ack, place, code, text;
  };
  Answered Send(const std::string& body) {
    const std::string id = "ID" + std::to_string(++sent_);
    Answered answered;
    answered.text = gateway_.Acknowledge(
        "MSH|^~\\&|PAS|X9901|CAREGW|X9920|20260310101500+0000||" + body.substr(0, body.find('\r')) +
        "|" + id + "|P|2.5.1||||||UNICODE UTF-8" + body.substr(body.find('\r')));
    const auto message = hl7v2::Message::Parse(answered.text, {});
    EXPECT_TRUE(message.ok());
    answered.ack = message->Text({.segment = "MSA", .field = 1});
    answered.place = message->Text({.segment = "ERR", .field = 2, .repetition = 1, .component = 1});
    answered.code = message->Text({.segment = "ERR", .field = 3, .repetition = 1, .component = 1});
    return answered;
  }
  // A person by PID-3 and, after it, any more of PID.
  Answered Person(const std::string& numbers, const std::string& name,
                  const std::string& rest = "19380611|F") {
    return Send("ADT^A31^ADT_A05\rEVN||20260310\rPID|1||" + numbers + "||" + name + "||" + rest +
                "\rPV1|1|N\r");
  }
  Answered Merge(const std::string& survivor, const std::string& loser) {
    return Send("ADT^A40^ADT_A39\rEVN||20260310\rPID|1||" + survivor + "||Hartley^Beatrix\rMRG|" +
                loser + "\r");
  }
  Answered Plan(const std::string& numbers, const std::string& plan, const char* event,
                const char* action) {
    return Send("PPP^" + std::string(event) + "^PPP_PCB\rPID|1||" + numbers +
                "||Hartley^Beatrix\rPTH|" + action + "|P^Plan^L|" + plan +
                "^PAS|20260310|ACT^Active^L\r");
  }

  std::vector<fhir::StoredResource> Find(std::string_view type, const std::string& system,
                                         const std::string& value) {
    const fhir::Identifier identifier{system, value};
    return *gateway_.parts().store.Find(type, {&identifier, 1});
  }
  Json Patient(const std::string& system, const std::string& value) {
    const auto found = Find("Patient", system, value);
    EXPECT_EQ(found.size(), 1u) << value;
    return found.empty() ? Json() : *Json::Parse(found.front().json, Limits());
  }
  // Both sides of the merge, and each once.
  void ExpectLinked(const std::string& survivor, const std::string& loser) {
    const Json kept = Patient(kLocal, survivor);
    const Json merged = Patient(kLocal, loser);
    const auto links = [](const Json& patient, const char* type, std::string_view id) {
      size_t count = 0;
      for (const Json& link :
           patient.Find("link") == nullptr ? std::vector<Json>() : patient.Find("link")->items()) {
        count += link.TextOf("type") == type &&
                         link.Find("other")->TextOf("reference") == "Patient/" + std::string(id)
                     ? 1u
                     : 0u;
      }
      return count;
    };
    EXPECT_EQ(links(kept, "replaces", merged.TextOf("id")), 1u) << survivor << " " << loser;
    EXPECT_EQ(links(merged, "replaced-by", kept.TextOf("id")), 1u) << survivor << " " << loser;
  }
  // The review Tasks of that code.
  std::vector<Json> Reviews(const std::string& code) {
    std::vector<Json> reviews;
    const Json found = gateway_.Get("/fhir/Task?code=" + code, Caller{});
    const Json* entries = found.Find("entry");
    for (size_t i = 0; entries != nullptr && i < entries->items().size(); ++i) {
      if (entries->items()[i].Find("resource")->TextOf("resourceType") == "Task") {
        reviews.push_back(*entries->items()[i].Find("resource"));
      }
    }
    return reviews;
  }

  TempFolder folder_;
  TestGateway gateway_;
  int sent_ = 0;
};

std::string Local(const std::string& number) { return number + "^^^X9901^MR"; }
std::string Nhs(const std::string& number) { return number + "^^^NHS^NH"; }

TEST_F(IdentityTest, ANameAloneMatchesNobodyAndAsksAHuman) {
  ASSERT_EQ(Person(Nhs("9992010010") + "~" + Local("H1"), "Hartley^Beatrix").ack, "AA");
  // The same name and day of birth under another number, without an NHS number.
  ASSERT_EQ(Person(Local("H2"), "HARTLEY^beatrix").ack, "AA");
  const Json first = Patient(kLocal, "H1");
  const Json second = Patient(kLocal, "H2");
  EXPECT_NE(first.TextOf("id"), second.TextOf("id")) << "never on a name";
  const std::vector<Json> reviews = Reviews("possible-match");
  ASSERT_EQ(reviews.size(), 1u);
  EXPECT_EQ(reviews[0].TextOf("status"), "requested");
  EXPECT_EQ(reviews[0].Find("focus")->TextOf("reference"),
            "Patient/" + std::string(first.TextOf("id")));
  EXPECT_EQ(reviews[0].Find("input")->items().size(), 2u) << "both, to compare";
  // Asked once.
  ASSERT_EQ(Person(Local("H2"), "Hartley^Beatrix").ack, "AA");
  EXPECT_EQ(Reviews("possible-match").size(), 1u);
  // Another day of birth, another sex, another family: no question.
  ASSERT_EQ(Person(Local("H3"), "Hartley^Beatrix", "19380612|F").ack, "AA");
  ASSERT_EQ(Person(Local("H4"), "Hartley^Beatrix", "19380611|M").ack, "AA");
  ASSERT_EQ(Person(Local("H5"), "Hartleys^Beatrix").ack, "AA");
  EXPECT_EQ(Reviews("possible-match").size(), 1u);
}

// An NHS number tells no two records apart: one may have none yet, or one that was superseded.
TEST_F(IdentityTest, WhoComesWithAnNhsNumberIsComparedToo) {
  ASSERT_EQ(Person(Local("H1"), "Hartley^Beatrix").ack, "AA");
  const Answered numbered = Person(Nhs("9992010010"), "Hartley^Beatrix");
  ASSERT_EQ(numbered.ack, "AA");
  EXPECT_NE(Patient(kLocal, "H1").TextOf("id"), Patient(kNhs, "9992010010").TextOf("id"));
  ASSERT_EQ(Reviews("possible-match").size(), 1u) << "a record without an NHS number";
  // To the sender it is as if nobody of that name were known: a guess is not confirmed.
  EXPECT_EQ(numbered.text.find("\rERR|"), std::string::npos) << numbered.text;
  ASSERT_EQ(Person(Nhs("9992010088"), "Hartley^Beatrix").ack, "AA");
  const std::vector<Json> reviews = Reviews("possible-match");
  ASSERT_EQ(reviews.size(), 2u) << "records with another NHS number, and with none";
  EXPECT_EQ(reviews[0].Find("input")->items().size() + reviews[1].Find("input")->items().size(),
            5u);
  // A twin: the same family, day of birth, sex and home, and both have numbers of their own.
  const std::string home = "19520317|F|||1 High Street^^Saltby^^ZZ99 4CD";
  ASSERT_EQ(Person(Nhs("9992010150"), "Oduya^Grace", home).ack, "AA");
  ASSERT_EQ(Person(Nhs("9992010223"), "Oduya^Ama", home).ack, "AA");
  EXPECT_EQ(Reviews("possible-match").size(), 2u);
  // Neither says a given name, or one is an initial.
  ASSERT_EQ(Person(Nhs("9991001018"), "Oduya^G.", home).ack, "AA");
  EXPECT_EQ(Reviews("possible-match").size(), 3u);
}

// What is found out about who and what a message is about reaches its sender.
TEST_F(IdentityTest, RemarksOfIdentityRideOnTheAcknowledgment) {
  ASSERT_EQ(Plan(Local("A"), "P-1", "PCB", "AD").ack, "AA");
  ASSERT_EQ(Plan(Local("B"), "P-2", "PCB", "AD").ack, "AA");
  const Answered merged = Merge(Local("B"), Local("A"));
  EXPECT_EQ(merged.ack, "AA");
  EXPECT_EQ(merged.text.find("\rERR|"), std::string::npos) << "of others' plans: " << merged.text;
  const std::string last = "|||||||||||||||||||||||||";  // PID-8 to PID-33
  ASSERT_EQ(Person(Local("C"), "Oduya^Samuel", "19520317|" + last + "20260301120000+0000").ack,
            "AA");
  const Answered older =
      Person(Local("C"), "Oduya^Sam", "19520317|" + last + "20260201120000+0000");
  EXPECT_EQ(older.ack, "AA");
  EXPECT_EQ(older.code, "0") << older.text;
  EXPECT_EQ(older.place, "PID") << older.text;
  EXPECT_NE(older.text.find("|0^Message accepted^HL70357|I|"), std::string::npos) << older.text;
  ASSERT_EQ(Person(Local("D"), "Whitcombe^Ide", "19660930|F").ack, "AA");
  const Answered doubtful = Merge(Local("D"), Local("C"));
  EXPECT_EQ(doubtful.ack, "AA");
  EXPECT_EQ(doubtful.text.find("\rERR|"), std::string::npos) << "of others: " << doubtful.text;
  // The same message again is answered with the same words.
  ASSERT_EQ(Person(Local("E"), "Oduya^Samuel", "19520317|" + last + "20260301120000+0000").ack,
            "AA");
  const std::string message =
      "MSH|^~\\&|PAS|X9901|CAREGW|X9920|20260310101500+0000||ADT^A31^ADT_A05|TWICE|P|2.5.1\r"
      "EVN||20260310\rPID|1||" +
      Local("E") + "||Oduya^Samuel||19520317|" + last + "20260201120000+0000\rPV1|1|N\r";
  const std::string first = gateway_.Acknowledge(message);
  EXPECT_NE(first.find("|I|"), std::string::npos) << first;
  EXPECT_EQ(gateway_.Acknowledge(message), first);
}

TEST_F(IdentityTest, NumbersOfTwoRecordsInOneMessageAskAHuman) {
  ASSERT_EQ(Person(Local("H1"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Nhs("9992010010"), "Hartley^Beatrix", "19380612|F").ack, "AA");
  ASSERT_EQ(Person(Nhs("9992010010") + "~" + Local("H1"), "Hartley^Beatrix").ack, "AA");
  EXPECT_EQ(Reviews("possible-match").size(), 1u);
}

// A restriction must bind both records, and which they are is not known yet.
TEST_F(IdentityTest, WhatIsSaidOfSharingByTheNumbersOfTwoRecordsIsHeld) {
  const std::string protect = "19380611|F\rPD1||||||||||||Y";
  ASSERT_EQ(Person(Local("H1"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Nhs("9992010010"), "Hartley^Beatrix", "19380612|F").ack, "AA");
  const Answered both = Person(Nhs("9992010010") + "~" + Local("H1"), "Hartley^Beatrix", protect);
  EXPECT_EQ(both.ack + " " + both.code + " " + both.place, "AE 204 PID") << both.text;
  EXPECT_EQ(Patient(kLocal, "H1").Find("meta")->Find("security"), nullptr);
  ASSERT_EQ(Person(Local("H1"), "Hartley^Beatrix", protect).ack, "AA");
  EXPECT_NE(Patient(kLocal, "H1").Find("meta")->Find("security"), nullptr);
}

// The records stay apart, each with its own numbers, and go on being written.
TEST_F(IdentityTest, NumbersOfTwoRecordsInOneMessageStayWithTheirRecords) {
  ASSERT_EQ(Person(Local("A1"), "Scen^Ann", "19210101|F").ack, "AA");
  ASSERT_EQ(Person(Local("A2"), "Scen^Bob", "19220202|M").ack, "AA");
  const Answered both = Person(Local("A1") + "~" + Local("A2"), "Scen^Ann", "19210101|F");
  ASSERT_EQ(both.ack, "AA") << both.text;
  EXPECT_EQ(both.text.find("\rERR|"), std::string::npos) << "of others: " << both.text;
  EXPECT_EQ(Patient(kLocal, "A1").Find("identifier")->items().size(), 1u);
  EXPECT_EQ(Reviews("possible-match").size(), 1u);
  EXPECT_EQ(Person(Local("A1"), "Scenic^Ann", "19210101|F").ack, "AA");
  EXPECT_EQ(Person(Local("A2"), "Scenic^Bob", "19220202|M").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "A1").Find("name")->items()[0].TextOf("family"), "Scenic");
  EXPECT_EQ(Patient(kLocal, "A2").Find("name")->items()[0].TextOf("family"), "Scenic");

  // One NHS number for two people: it stays with the one who had it first.
  ASSERT_EQ(Person(Nhs("9992010010") + "~" + Local("B1"), "Bee^Alice", "19230101|F").ack, "AA");
  const std::string second = Nhs("9992010010") + "~" + Local("B2");
  ASSERT_EQ(Person(second, "Wrong^Zed", "19790101|M").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "B2").Find("identifier")->items().size(), 1u);
  EXPECT_EQ(Person(second, "Wrong^Zedekiah", "19790101|M").ack, "AA");
  EXPECT_EQ(Person(Local("B2"), "Wrong^Zac", "19790101|M").ack, "AA");
  EXPECT_EQ(Person(Nhs("9992010010") + "~" + Local("B1"), "Bee^Ali", "19230101|F").ack, "AA");
  EXPECT_EQ(Person(Nhs("9992010010"), "Bee^Alison", "19230101|F").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "B1").Find("name")->items()[0].Find("given")->items()[0].text(),
            "Alison");
  EXPECT_EQ(Patient(kLocal, "B2").Find("name")->items()[0].Find("given")->items()[0].text(), "Zac");
}

// What a message says once more of a person is under the same rules: a number of another record is
// left out, and a new one names the person from then on.
TEST_F(IdentityTest, NumbersOfASecondSegmentFollowTheRulesOfTheFirst) {
  ASSERT_EQ(Person(Local("ZZ1"), "Other^Olga", "19500101|F").ack, "AA");
  ASSERT_EQ(Person(Local("S1"), "Survivor^Sue", "19500101|F").ack, "AA");
  const std::string sue(Patient(kLocal, "S1").TextOf("id"));
  const Answered merged =
      Send("ADT^A40^ADT_A39\rEVN||20260310\rPID|1||" + Local("S1") + "||Survivor^Sue\rMRG|" +
           Local("L1") + "\rPID|2||" + Local("S1") + "~" + Local("ZZ1") + "~" + Local("N9") +
           "||Survivor^Sue\rMRG|" + Local("L2") + "\r");
  ASSERT_EQ(merged.ack, "AA") << merged.text;
  EXPECT_EQ(Patient(kLocal, "S1").Find("identifier")->items().size(), 2u) << "S1 and N9";
  EXPECT_EQ(Patient(kLocal, "N9").TextOf("id"), sue);
  EXPECT_NE(Patient(kLocal, "ZZ1").TextOf("id"), sue);
  EXPECT_EQ(Person(Local("N9"), "Survivor^Susan", "19500101|F").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "S1").Find("name")->items()[0].Find("given")->items()[0].text(),
            "Susan");
}

// Decision 3: who has no number is held, whichever way the message says that there is none.
TEST_F(IdentityTest, APersonWithoutANumberIsHeld) {
  for (const char* numbers :
       {"\"\"^^^X9901^PI", "^^^X9901^PI", "\"\"", "\"\"^^^X9901^PI~^^^X9901^MR"}) {
    const Answered held = Person(numbers, "Nul^Zero");
    EXPECT_EQ(held.ack, "AE") << numbers;
    EXPECT_NE(held.code, "207") << held.text;
  }
  EXPECT_EQ(MatchesOn(gateway_.Get("/fhir/Patient", Caller{})), 0u);
  EXPECT_EQ(Person(std::string("\"\"^^^X9901^PI~") + Local("Z1"), "Nul^Zero").ack, "AA");
}

TEST_F(IdentityTest, AChainOfMergesInOneMessageIsTaken) {
  const auto chain = [](const std::string& a, const std::string& b, const std::string& c) {
    return "ADT^A40^ADT_A39\rEVN||20260310\rPID|1||" + Local(b) + "||Hartley^Beatrix\rMRG|" +
           Local(a) + "\rPID|2||" + Local(c) + "||Hartley^Beatrix\rMRG|" + Local(b) + "\r";
  };
  for (const char* number : {"E1", "E2", "E3"}) {
    ASSERT_EQ(Person(Local(number), "Hartley^Beatrix").ack, "AA");
  }
  const Answered known = Send(chain("E1", "E2", "E3"));
  EXPECT_EQ(known.ack, "AA") << known.text;
  const Answered unknown = Send(chain("N1", "N2", "N3"));
  EXPECT_EQ(unknown.ack, "AA") << unknown.text;
  for (const char* begin : {"E", "N"}) {
    const std::string name(begin);
    ExpectLinked(name + "2", name + "1");
    ExpectLinked(name + "3", name + "2");
  }
}

// Merged into the chain's end what was merged into its middle is no new merge: the links stay.
TEST_F(IdentityTest, AMergeThatAChainHoldsAlreadyLeavesBothSidesOfEachLink) {
  for (const char* number : {"M1", "M2", "M3"}) {
    ASSERT_EQ(Person(Local(number), "Hartley^Beatrix").ack, "AA");
  }
  ASSERT_EQ(Merge(Local("M2"), Local("M1")).ack, "AA");
  ASSERT_EQ(Merge(Local("M3"), Local("M2")).ack, "AA");
  const Answered again = Merge(Local("M3"), Local("M1"));
  EXPECT_EQ(again.ack, "AA") << again.text;
  ExpectLinked("M2", "M1");
  ExpectLinked("M3", "M2");
  EXPECT_EQ(Patient(kLocal, "M3").Find("link")->items().size(), 1u);
}

// A record that took somebody's number before it was refused to it goes on without it.
TEST_F(IdentityTest, ARecordThatHoldsTheNumberOfAnotherGoesOn) {
  ASSERT_EQ(Person(Local("A2"), "Scen^Bob", "19220202|M").ack, "AA");
  Parts& parts = gateway_.parts();
  auto ann = fhir::ParseJson(R"({"resourceType":"Patient","identifier":[
    {"system":"urn:caregate:id:X9901:MR","value":"A1"},
    {"system":"urn:caregate:id:X9901:MR","value":"A2"}],"name":[{"family":"Scen"}]})",
                             parts.definitions, parts.limits);
  ASSERT_TRUE(ann.ok());
  Known known;
  known.key = {"Patient", "ann"};
  known.claims = {{kLocal, "A1"}};
  store::Transaction transaction;
  auto write = WriteOf(&*ann, known, parts, parts.clock.Now());
  ASSERT_TRUE(write.ok());
  transaction.writes.push_back(*std::move(write));
  ASSERT_TRUE(parts.store.Commit(std::move(transaction)).ok());
  EXPECT_EQ(Person(Local("A1"), "Scenic^Ann", "19210101|F").ack, "AA");
  EXPECT_EQ(Person(Local("A1") + "~" + Local("A2"), "Scenic^Anne", "19210101|F").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "A1").TextOf("id"), "ann");
  EXPECT_EQ(Person(Local("A2"), "Scenic^Bob", "19220202|M").ack, "AA");
  EXPECT_EQ(Patient(kLocal, "A2").Find("name")->items()[0].TextOf("family"), "Scenic");
}

TEST_F(IdentityTest, WhatIsInAnotherPersonsRecordIsNotLinked) {
  ASSERT_EQ(Send("PGL^PC6^PGL_PC6\rPID|1||" + Local("XP1") +
                 "||Cross^One\rGOL|AD|20260101|g^Private goal^L|XG-1^C\r")
                .ack,
            "AA");
  const auto plan = [this](const std::string& action, const std::string& child) {
    return Send("PPP^PCB^PPP_PCB\rPID|1||" + Local("XP2") + "||Link^Two\rPTH|" + action +
                "|p^Plan^L|XPL-2^C|20260101\r" + child);
  };
  for (const char* action : {"LI", "UC"}) {
    const Answered refused =
        plan("AD", "GOL|" + std::string(action) + "|20260101|g^Private goal^L|XG-1^C\r");
    EXPECT_EQ(refused.ack, "AE") << action;
    EXPECT_EQ(refused.code, "204") << refused.text;
    EXPECT_EQ(refused.place, "GOL") << refused.text;
  }
  EXPECT_TRUE(Find("CarePlan", "urn:caregate:id:C:plan", "XPL-2").empty()) << "nothing was taken";
  EXPECT_EQ(plan("AD", "GOL|LI|20260101|g^Nobody's yet^L|XG-2^C\r").ack, "AA");
  // Records of one person are one.
  ASSERT_EQ(Merge(Local("XP2"), Local("XP1")).ack, "AA");
  EXPECT_EQ(plan("UP", "GOL|LI|20260101|g^Private goal^L|XG-1^C\r").ack, "AA");
}

TEST_F(IdentityTest, AMergedRecordsMessagesGoToTheOneThatCounts) {
  ASSERT_EQ(Person(Local("A"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Local("B"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Local("C"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  ASSERT_EQ(Merge(Local("C"), Local("B")).ack, "AA");
  // A is B, and B is C.
  ASSERT_EQ(Person(Local("A"), "Hartley^Bea").ack, "AA");
  const Json end = Patient(kLocal, "C");
  EXPECT_EQ(end.Find("name")->items()[0].Find("given")->items()[0].text(), "Bea");
  EXPECT_TRUE(end.Find("active")->boolean());
  EXPECT_EQ(end.Find("identifier")->items().size(), 1u) << "the others' numbers stay theirs";
  const Json first = Patient(kLocal, "A");
  EXPECT_FALSE(first.Find("active")->boolean());
  EXPECT_EQ(first.Find("name")->items()[0].Find("given")->items()[0].text(), "Beatrix");
  EXPECT_TRUE(Reviews("possible-match").size() <= 2u);
}

TEST_F(IdentityTest, TheMostRestrictiveConsentOfMergedRecordsGoverns) {
  ASSERT_EQ(Person(Local("A"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Local("B"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Local("C"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Plan(Local("B"), "PLAN-B", "PCB", "AD").ack, "AA");
  const std::string a = Find("Patient", kLocal, "A").front().key.id;
  gateway_.Put(R"({"resourceType":"Consent","id":"no","status":"active",
    "scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
    "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"INFA"}]}],
    "patient":{"reference":"Patient/)" +
               a + R"("},"policy":[{"uri":"urn:caregate:policy:sharing"}],
    "provision":{"type":"deny"}})");
  const auto plans = [this] {
    return gateway_.Get("/fhir/CarePlan", Caller{}).Find("total")->text();
  };
  ASSERT_EQ(plans(), "1") << "two records are two persons until they are merged";
  ASSERT_EQ(Merge(Local("C"), Local("B")).ack, "AA");
  ASSERT_EQ(plans(), "1");
  // A was C all along: what was said of A holds for what B, which is C too, has.
  ASSERT_EQ(Merge(Local("C"), Local("A")).ack, "AA");
  EXPECT_EQ(plans(), "0");
}

// Each Patient of merged records says who the person is.
TEST_F(IdentityTest, WhatHidesOnePatientHidesThoseThatAreOneWithIt) {
  const auto shown = [this](const std::string& number) {
    return gateway_
        .Get("/fhir/Patient?identifier=" + std::string(kLocal) + "%7C" + number, Caller{})
        .Find("total")
        ->text();
  };
  ASSERT_EQ(Person(Local("A"), "Hartley^Beatrix", "19380611|F\rPD1||||||||||||Y").ack, "AA");
  ASSERT_EQ(Person(Local("B"), "Hartley^Beatrix").ack, "AA");
  EXPECT_EQ(shown("A") + shown("B"), "01") << "two records are two persons until they are merged";
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  EXPECT_EQ(shown("A") + shown("B"), "00");
}

TEST_F(IdentityTest, ASearchByOneRecordCoversThoseThatAreOneWithIt) {
  ASSERT_EQ(Person(Local("A"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Person(Local("B"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Plan(Local("A"), "PLAN-A", "PCB", "AD").ack, "AA");
  ASSERT_EQ(Plan(Local("B"), "PLAN-B", "PCB", "AD").ack, "AA");
  const auto of = [this](const char* number) {
    const std::string id = Find("Patient", kLocal, number).front().key.id;
    return gateway_.Get("/fhir/CarePlan?patient=" + id, Caller{}).Find("total")->text() +
           gateway_.Get("/fhir/CarePlan?subject=Patient/" + id, Caller{}).Find("total")->text();
  };
  EXPECT_EQ(of("A") + of("B"), "1111");
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  EXPECT_EQ(of("A") + of("B"), "2222");
}

// The person's own way in: a token of theirs names one record.
TEST_F(IdentityTest, APersonSeesWhatStandsWithTheRecordsThatAreOneWithTheirs) {
  for (const char* number : {"A", "B", "C"}) {
    ASSERT_EQ(Person(Local(number), "Hartley^Beatrix").ack, "AA");
    ASSERT_EQ(Plan(Local(number), "PLAN-" + std::string(number), "PCB", "AD").ack, "AA");
  }
  const auto id = [this](const char* number) {
    return Find("Patient", kLocal, number).front().key.id;
  };
  const std::string plan_a = Find("CarePlan", "urn:caregate:id:PAS:plan", "PLAN-A").front().key.id;
  // How many plans the holder of a token finds, by several searches and by a read of PLAN-A.
  const auto sees = [&](const char* number, const std::string& scope = "patient/*.rs") {
    Caller self;
    self.client = "app";
    self.organization = self.role = "";
    self.purpose = "PATRQT";
    self.patient = id(number);
    self.scope = scope;
    std::string counts;
    for (const std::string& query : {std::string("CarePlan"), "CarePlan?patient=" + self.patient,
                                     "CarePlan?patient=" + id("A"), std::string("Patient")}) {
      counts += gateway_.Get("/fhir/" + query, self).Find("total")->text();
    }
    const auto read = gateway_.Answer(gateway_.Ask("GET", "/fhir/CarePlan/" + plan_a, self));
    return counts + (read.status() == 200 ? "+" : "-");
  };
  EXPECT_EQ(sees("A"), "1111+");
  EXPECT_EQ(sees("B"), "1101-");
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  EXPECT_EQ(sees("B"), "2222+");
  EXPECT_EQ(sees("A"), "2222+") << "a token for the record that lost";
  EXPECT_EQ(sees("B", "user/*.rs"), "2222+") << "a user who is that Patient and nobody else";
  EXPECT_EQ(sees("C"), "1101-") << "somebody else all along";
  ASSERT_EQ(Merge(Local("C"), Local("B")).ack, "AA");
  EXPECT_EQ(sees("C"), "3333+") << "a chain";
  // A person's record as somebody puts it, linked or not.
  const auto put = [&](const std::string& number, const std::string& type,
                       const std::string& other) {
    const std::string link = other.empty()
                                 ? ""
                                 : R"(,"link":[{"type":")" + type +
                                       R"(","other":{"reference":"Patient/)" + other + R"("}}])";
    gateway_.Put(R"({"resourceType":"Patient","id":")" + id(number.c_str()) +
                 R"(","identifier":[{"system":")" + kLocal + R"(","value":")" + number +
                 R"("}],"name":[{"family":"Hartley"}])" + link + "}");
  };
  // Unlinked: one side is enough, and what one record alone says joins nothing. As long as B's
  // record still names A, who is another person now, it is withheld from everybody but both.
  put("A", "", "");
  EXPECT_EQ(sees("C"), "2201-");
  EXPECT_EQ(sees("B"), "2201-");
  EXPECT_EQ(sees("A"), "1111+");
  put("B", "replaced-by", id("C"));
  EXPECT_EQ(sees("C"), "2202-");
  EXPECT_EQ(sees("B"), "2202-");
  // Nobody comes to a record by what their own says.
  put("A", "replaces", id("C"));
  EXPECT_EQ(sees("A"), "1110+");
  put("A", "replaced-by", id("C"));
  EXPECT_EQ(sees("A"), "1110+");
  EXPECT_EQ(sees("C"), "2222-") << "who asks for A is shown C's own: nothing of A's";
}

TEST_F(IdentityTest, AMergeThatWouldMakeACycleIsRefusedWithItsPlace) {
  for (const char* number : {"A", "B", "C", "D"}) {
    ASSERT_EQ(Person(Local(number), "Hartley^Beatrix").ack, "AA");
  }
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  ASSERT_EQ(Merge(Local("C"), Local("B")).ack, "AA");
  const Answered cycle = Merge(Local("A"), Local("C"));
  EXPECT_EQ(cycle.ack, "AE") << cycle.text;
  EXPECT_NE(cycle.text.find("MRG"), std::string::npos) << cycle.text;
  EXPECT_TRUE(Patient(kLocal, "C").Find("active")->boolean()) << "nothing of it was written";
  // Once more what is so already changes nothing; into a third record it is refused.
  EXPECT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  EXPECT_EQ(Merge(Local("D"), Local("A")).ack, "AE");
}

TEST_F(IdentityTest, AMergeOfRecordsThatLookUnlikeIsDoneAndAskedAbout) {
  ASSERT_EQ(Person(Local("A"), "Oduya^Samuel", "19520317|M").ack, "AA");
  ASSERT_EQ(Person(Local("B"), "Hartley^Beatrix").ack, "AA");
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  EXPECT_FALSE(Patient(kLocal, "A").Find("active")->boolean());
  EXPECT_EQ(Reviews("doubtful-merge").size(), 1u);
}

TEST_F(IdentityTest, TwoActivePlansAfterAMergeAskAHumanAndStayTwo) {
  ASSERT_EQ(Plan(Local("A"), "P-1", "PCB", "AD").ack, "AA");
  ASSERT_EQ(Plan(Local("B"), "P-2", "PCB", "AD").ack, "AA");
  ASSERT_EQ(Merge(Local("B"), Local("A")).ack, "AA");
  const std::vector<Json> reviews = Reviews("merged-plans");
  ASSERT_EQ(reviews.size(), 1u);
  EXPECT_EQ(reviews[0].Find("input")->items().size(), 2u);
  // A plan stays with the record that it was made for, by whichever number it is spoken of.
  const Answered changed = Plan(Local("B"), "P-1", "PCC", "UP");
  EXPECT_EQ(changed.ack, "AA") << changed.text;
  const auto plan = Find("CarePlan", "urn:caregate:id:PAS:plan", "P-1");
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_EQ(plan[0].persons.front(), Patient(kLocal, "A").TextOf("id"));
}

TEST_F(IdentityTest, AnOlderUpdateFillsInAndOverwritesNothing) {
  const std::string last = "|||||||||||||||||||||||||";  // PID-8 to PID-33
  ASSERT_EQ(Person(Local("A"), "Hartley^Beatrix", "19380611|" + last + "20260301120000+0000").ack,
            "AA");
  ASSERT_EQ(Person(Local("A"), "Hartley^Trixie", "19380611|F" + last + "20260201120000+0000").ack,
            "AA");
  Json person = Patient(kLocal, "A");
  EXPECT_EQ(person.Find("name")->items()[0].Find("given")->items()[0].text(), "Beatrix");
  EXPECT_EQ(person.TextOf("gender"), "female") << "what was not known is filled in";
  ASSERT_EQ(Person(Local("A"), "Hartley^Bea", "19380611|F" + last + "20260302120000+0000").ack,
            "AA");
  person = Patient(kLocal, "A");
  EXPECT_EQ(person.Find("name")->items()[0].Find("given")->items()[0].text(), "Bea");
}

TEST_F(IdentityTest, AWrongDateIsAWarningOnTheAcknowledgment) {
  const Answered answered = Send("ADT^A31^ADT_A05\rEVN||20261399\rPID|1||" + Local("A") +
                                 "||Hartley^Beatrix||19380611|F\rPV1|1|N\r");
  EXPECT_EQ(answered.ack, "AA");
  EXPECT_EQ(answered.code, "102");
  EXPECT_NE(answered.text.find("|W|"), std::string::npos) << answered.text;
  EXPECT_EQ(Person(Local("A"), "Hartley^Beatrix", "19381399|F").ack, "AE")
      << "who somebody is stands on the day of birth";
}

}  // namespace
}  // namespace gw::flow
