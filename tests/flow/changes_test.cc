// What action codes do to what is stored, and what their sender is told: nothing is taken that was
// not asked for, and nothing is dropped in silence (care coordination, decisions 2 and 8).
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/hl7v2/message.h"
#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

constexpr std::string_view kCoordinator = "ROL|R1^A|AD|768820003^Care coordinator^SCT|N1^Pell^A";

// Messages of the development hospital about one person, in a gateway of their own.
class Changes : public testing::Test {
 protected:
  Changes() : gateway_(folder_.Path("gateway")) {}

  // Sends one message; gives MSA-1, and of what is told the code and the place: "AE 103 ROL-2".
  std::string Send(std::string_view event, const std::string& segments,
                   std::string_view version = "2.5.1") {
    return SendAs("", event, segments, version);
  }
  // The same with a PID of its own.
  std::string SendAs(const std::string& person, std::string_view event, const std::string& segments,
                     std::string_view version = "2.5.1") {
    const int second = 10 + ++sent_;  // each message is later than the one before
    std::string bytes = "MSH|^~\\&|PAS|X9901|CAREGW|X9920|202603101015";
    bytes.append(std::to_string(second)).append("||").append(event);
    bytes.append("|C").append(std::to_string(sent_)).append("|P|");
    bytes.append(version).append("||||||UNICODE UTF-8\r");
    bytes += event.starts_with("ADT") ? "EVN||20260101\r" : "";
    bytes += person.empty() ? "PID|1||CH1^^^X9901^MR||Change^Kim||19390622|F\r" : person;
    bytes += segments;
    answer_ = gateway_.Acknowledge(bytes);
    const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer_, {});
    if (!message) {
      return "unreadable";
    }
    std::string told = message->Text({.segment = "MSA", .field = 1});
    if (told != "AA") {
      told += " " + message->Text({.segment = "ERR", .field = 3, .repetition = 1, .component = 1});
    }
    return told;
  }

  std::string SendPerson(const std::string& segments) {
    return Send("ADT^A31^ADT_A05", "PD1\r" + segments + "PV1|1|N\r");
  }
  std::string SendPlan(const std::string& segments, std::string_view version = "2.5.1") {
    return Send("PPP^PCC^PPP_PCB", segments, version);
  }

  bool IsTold(std::string_view text) const { return answer_.find(text) != std::string::npos; }

  // The only resource of that type, as it is stored.
  std::string Only(const std::string& type) {
    const Json found = gateway_.Get("/fhir/" + type, Caller{});
    EXPECT_EQ(MatchesOn(found), 1u) << type;
    if (MatchesOn(found) != 1) {
      return {};
    }
    const std::string id =
        std::string(found.Find("entry")->items().front().Find("resource")->TextOf("id"));
    const auto stored = gateway_.parts().store.Current({type, id});
    return stored ? stored->json : std::string();
  }

  // The only resource of that type with that code.
  std::string Coded(const std::string& type, const std::string& code) {
    const Json found = gateway_.Get("/fhir/" + type, Caller{});
    std::vector<std::string> ids;
    for (const Json& entry : found.Find("entry")->items()) {
      const Json& resource = *entry.Find("resource");
      const Json* codings =
          resource.Find("code") == nullptr ? nullptr : resource.Find("code")->Find("coding");
      if (codings != nullptr && codings->items().front().TextOf("code") == code) {
        ids.emplace_back(resource.TextOf("id"));
      }
    }
    EXPECT_EQ(ids.size(), 1u) << type << " " << code;
    return ids.empty() ? std::string() : gateway_.parts().store.Current({type, ids.front()})->json;
  }

  std::string Stored(const std::string& type, const std::string& system, const std::string& value) {
    const fhir::Identifier identifier{system, value};
    const auto found = gateway_.parts().store.Find(type, {&identifier, 1});
    EXPECT_TRUE(found.ok() && found->size() == 1u) << type << " " << value;
    return found.ok() && !found->empty() ? found->front().json : std::string();
  }
  std::string Person() {
    for (const std::string_view system :
         {"urn:caregate:id:X9901:MR", "https://example.org/id/x9901", "urn:caregate:id:X9901"}) {
      const fhir::Identifier identifier{std::string(system), "CH1"};
      const auto found = gateway_.parts().store.Find("Patient", {&identifier, 1});
      if (found.ok() && found->size() == 1) {
        return found->front().json;
      }
    }
    ADD_FAILURE() << "no Patient";
    return {};
  }
  std::string Plan(const std::string& value) {
    return Stored("CarePlan", "urn:caregate:id:C:plan", value);
  }
  std::string Goal(const std::string& value) {
    return Stored("Goal", "urn:caregate:id:C:goal", value);
  }

  static size_t Times(std::string_view text, std::string_view part) {
    size_t times = 0;
    for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
      ++times;
    }
    return times;
  }

  TestGateway& gateway() { return gateway_; }

 private:
  const TempFolder folder_;
  TestGateway gateway_;
  int sent_ = 0;

 protected:
  std::string answer_;
};

TEST_F(Changes, AnUnknownActionCodeRefusesAndTakesNobodyOutOfTheTeam) {
  ASSERT_EQ(SendPerson(std::string(kCoordinator) + "\rROL|R2^A|AD|AT^A^HL70443|N2^Two\r"), "AA");
  for (const char* code : {"ADD", "up", "ZZ"}) {
    EXPECT_EQ(SendPerson("ROL|R4^A|" + std::string(code) + "|AT^A^HL70443|N4^Four\r"), "AE 103")
        << code;
    EXPECT_TRUE(IsTold("ROL^1^2")) << answer_;
  }
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 2u);
  // A code of table 0206 is one of table 0287 by another name.
  EXPECT_EQ(SendPerson("ROL|R4^A|A|AT^A^HL70443|N4^Four\r"), "AA");
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 3u);
  EXPECT_EQ(SendPerson("ROL|R4^A|D|AT^A^HL70443|N4^Four\r"), "AA");
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 2u);
  for (const char* segment : {"PRB|ZZ|20260311|X^P^L|P1^C\r", "GOL|ZZ|20260310|G^G^L|G1^C\r"}) {
    EXPECT_EQ(Send(segment[0] == 'P' ? "PPR^PC2^PPR_PC1" : "PGL^PC6^PGL_PC6", segment), "AE 103");
  }
  EXPECT_EQ(SendPlan("PTH|up|p^P^L|PL1^C|20260101\r"), "AE 103");
  EXPECT_EQ(SendPlan("PTH|AD|p^P^L|PL1^C|20260101\rORC|ZZ|O1^C\rOBR|1|O1^C||V^v\r"), "AE 103");
  EXPECT_EQ(Send("ADT^A31^ADT_A05", "ARV|1|Q|DEM|ORG\rPV1|1|N\r", "2.8"), "AE 103");
}

TEST_F(Changes, ItemsOfAnUnchangedParentChangeAndTheRestIsTold) {
  ASSERT_EQ(SendPlan("PTH|AD|p^P^L|PL1^C|20260101\rORC|NW|O1^C\rOBR|1|O1^C||V^v\r"), "AA");
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|XO|O1^C|||CM\rOBR|1|O1^C||V^v\r"), "AA");
  EXPECT_NE(Plan("PL1").find(R"("status":"completed")"), std::string::npos);
  EXPECT_FALSE(IsTold("ERR")) << answer_;
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rNTE|1||a note\r"), "AA");
  EXPECT_TRUE(IsTold("note")) << answer_;
  EXPECT_TRUE(IsTold("|0^Message accepted^HL70357|W|")) << answer_;
  EXPECT_FALSE(IsTold("a note"));
  EXPECT_EQ(Plan("PL1").find("\"note\""), std::string::npos);
}

TEST_F(Changes, OfTwoEntriesTheOneThatChangesMoreStandsAndTheSenderIsTold) {
  ASSERT_EQ(Send("PGL^PC6^PGL_PC6",
                 "GOL|AD|20260310|g^G^L|G1^C\rPTH|AD|p^P^L|PL1^C|20260101\r"
                 "GOL|AD|20260310|h^H^L|G2^C\r"),
            "AA");
  EXPECT_EQ(Send("PGL^PC7^PGL_PC6",
                 "GOL|UP|20260310|g^G^L|G1^C\rPTH|UC|p^P^L|PL1^C|20260101|ACT\r"
                 "GOL|UP|20260310|h^H^L|G2^C\rPTH|UP|p^P^L|PL1^C|20260101|CMP|20260310\r"),
            "AA");
  EXPECT_NE(Plan("PL1").find(R"("status":"completed")"), std::string::npos);
  EXPECT_TRUE(IsTold("another segment says otherwise")) << answer_;
  EXPECT_EQ(Send("PGL^PC7^PGL_PC6",
                 "GOL|UP|20260310|g^First^L|G1^C||1\rGOL|UP|20260310|g^Second^L|G1^C||2\r"),
            "AA");
  EXPECT_NE(Goal("G1").find("Second"), std::string::npos);
  EXPECT_EQ(Goal("G1").find("First"), std::string::npos);
  EXPECT_TRUE(IsTold("another segment says otherwise")) << answer_;
  EXPECT_EQ(
      Send("PGL^PC6^PGL_PC6", "GOL|AD|20260311|a^A^L|G3^C||1\rGOL|UP|20260311|a^A^L|G3^C||2\r"),
      "AA");
  EXPECT_NE(Goal("G3").find(R"("priority":{"text":"1"})"), std::string::npos);
  EXPECT_TRUE(IsTold("another segment says otherwise")) << answer_;
}

// The filler may know no other number than its own.
TEST_F(Changes, AnOrderIsKnownByItsFillersNumberToo) {
  ASSERT_EQ(SendPlan("PTH|AD|p^P^L|PL1^C|20260101\rORC|NW|O1^C|F1^L\rOBR|1|O1^C|F1^L|V^v\r"), "AA");
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|SC||F1^L||IP\rOBR|1||F1^L|V^v\r"), "AA");
  const std::string plan = Plan("PL1");
  EXPECT_NE(plan.find(R"("status":"in-progress")"), std::string::npos) << plan;
  EXPECT_EQ(Times(plan, R"("id":"O1:C")"), 1u) << plan;
  EXPECT_EQ(Times(plan, R"("detail":)"), 1u) << plan;
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|SC\rOBR|1||F1^L|V^v\r"), "AA");
  // Another's number is nobody's, and a placer's that is unknown stays so.
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|SC||F1^M||CM\rOBR|1||F1^M|V^v\r"), "AE 204");
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|SC|O9^C|F1^L||CM\rOBR|1|O9^C|F1^L|V^v\r"),
            "AE 204");
  // Of two orders that have it, nobody knows which.
  ASSERT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|NW|O2^C|F1^L\rOBR|1|O2^C|F1^L|V^v\r"), "AA");
  EXPECT_EQ(SendPlan("PTH|UC|p^P^L|PL1^C|20260101\rORC|SC||F1^L||CM\rOBR|1||F1^L|V^v\r"), "AE 204");
}

// GOL-4 is scoped by its authority, else by the sender, and never by its plan (page 2.2): of two
// goals of one number none is taken for the other.
TEST_F(Changes, AKeyIsAddedOnce) {
  const auto plans = [](const std::string& one, const std::string& other) {
    return "PTH|AD|p^P^L|PL1^C|20260101\rGOL|AD|20260101|" + one +
           "|G1^C\rPTH|AD|q^Q^L|PL2^C|20260101\rGOL|AD|20260101|" + other + "|G1^C\r";
  };
  EXPECT_EQ(SendPlan(plans("w^Walk^L", "s^Swim^L")), "AE 205");
  ASSERT_EQ(SendPlan(plans("w^Walk^L", "w^Walk^L")), "AA");
  EXPECT_EQ(SendPlan("PTH|AD|r^R^L|PL3^C|20260101\rGOL|AD|20260101|s^Swim^L|G1^C\r"), "AE 205");
  EXPECT_NE(Goal("G1").find("Walk"), std::string::npos);
  EXPECT_EQ(SendPlan("PTH|AD|p^P^L|PL4^C|20260101\rPTH|AD|q^Q^L|PL4^C|20260101\r"), "AE 205");
  EXPECT_EQ(Send("PPR^PC1^PPR_PC1", "PRB|AD|20260101|a^A^L|B1^C\rPRB|AD|20260101|b^B^L|B1^C\r"),
            "AE 205");
}

TEST_F(Changes, ItemsOfANewListFollowEachOther) {
  ASSERT_EQ(SendPlan("PTH|AD|p^P^L|PL9^C|20260101\r" + std::string(kCoordinator) +
                     "\rROL|R2^A|AD|AT^At^HL70443|N9^Quist\rROL|R2^A|DE|AT^At^HL70443|N9^Quist\r"
                     "PRB|AD|20260101|q^Q^L|P1^C\r" +
                     std::string(kCoordinator) +
                     "\rORC|NW|O1^C\rOBR|1|O1^C||V^v\rORC|DC|O1^C\rOBR|1|O1^C||V^v\r"),
            "AA")
      << answer_;
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 1u);
  const std::string plan = Plan("PL9");
  EXPECT_EQ(Times(plan, "\"detail\""), 1u);
  EXPECT_NE(plan.find(R"("status":"stopped")"), std::string::npos);
}

TEST_F(Changes, ASnapshotReplacesTheListUnderItsParent) {
  ASSERT_EQ(SendPlan("PTH|AD|p^P^L|PL3^C|20260101\rPRB|AD|20260101|a^A^L|Q1^C\r"
                     "PRB|AD|20260101|b^B^L|Q2^C\rGOL|AD|20260101|b^B^L|H1^C\r"
                     "GOL|AD|20260101|c^C^L|H2^C\r",
                     "2.9"),
            "AA");
  EXPECT_EQ(SendPlan("PTH|SP|p^P^L|PL3^C|20260101\rPRB|SP|20260101|b^B^L|Q2^C\r"
                     "GOL|SP|20260101|c^C^L|H2^C\r",
                     "2.9"),
            "AA")
      << answer_;
  const std::string plan = Plan("PL3");
  EXPECT_EQ(plan.find("\"Q1\""), std::string::npos) << plan;
  EXPECT_NE(plan.find("\"Q2\""), std::string::npos);
  // What is unknown is made, and needs no state of its own.
  EXPECT_EQ(
      Send("PGL^PC7^PGL_PC6", "GOL|SP|20260310|g^G^L|H8^C\rPRB|SP|20260310|x^X^L|Q8^C\r", "2.9"),
      "AA")
      << answer_;
  EXPECT_NE(Goal("H8").find(R"("lifecycleStatus":"active")"), std::string::npos);
  EXPECT_NE(Stored("Condition", "urn:caregate:id:C:problem", "Q8").find("problem-list-item"),
            std::string::npos);
  // What stands is kept where a snapshot does not say.
  ASSERT_EQ(Send("PGL^PC7^PGL_PC6", "GOL|UP|20260310|g^G^L|H8^C||||||||||||||CMP\r", "2.9"), "AA")
      << answer_;
  ASSERT_EQ(Send("PGL^PC7^PGL_PC6", "GOL|SP|20260310|g^G^L|H8^C\r", "2.9"), "AA");
  EXPECT_NE(Goal("H8").find(R"("lifecycleStatus":"completed")"), std::string::npos);
}

TEST_F(Changes, WhatIsUnknownIsRefusedOrTold) {
  ASSERT_EQ(SendPerson(std::string(kCoordinator) + "\rROL|R2^A|AD|AT^A^HL70443|N2^Two\r"), "AA");
  EXPECT_EQ(SendPerson("ROL|R99^A|DE|AT^A^HL70443|N2^Two\r"), "AE 204");
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 2u);
  EXPECT_EQ(SendPerson("ROL|R2^A|DE|AT^A^HL70443|N2^Two\r"), "AA");
  EXPECT_EQ(SendPerson("ROL|R2^A|DE|AT^A^HL70443|N2^Two\r"), "AA");  // said once more
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 1u);
  EXPECT_EQ(SendPerson("ROL|R99^A|UN|AT^A^HL70443|N2^Two\r"), "AA");
  EXPECT_TRUE(IsTold("what is to be unlinked is not there")) << answer_;
  EXPECT_EQ(Send("PGL^PC7^PGL_PC6", "GOL|UN|20260101|g^N^L|G404^C\r"), "AA");
  EXPECT_TRUE(IsTold("what is to be unlinked is not there")) << answer_;
  EXPECT_EQ(Send("PGL^PC7^PGL_PC6", "GOL|LI|20260101|g^N^L|G405^C\r"), "AA");
  EXPECT_TRUE(IsTold("was created by its identifier")) << answer_;
}

TEST_F(Changes, ALabelIsLiftedByWhatSetItAndByNothingElse) {
  constexpr std::string_view kRestricted = R"("code":"R")";
  const auto person = [this](const std::string& indicator) {
    return Send("ADT^A31^ADT_A05", "PD1||||||||||||" + indicator + "\rPV1|1|N\r");
  };
  const auto visit = [this](const std::string& first, const std::string& second) {
    return Send("ADT^A08^ADT_A01",
                first + "PV1|1|I|W4||||||||||||||||E1^^^X9901^VN\rPV2||\r" + second, "2.8");
  };
  ASSERT_EQ(person("N"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 0u) << "nothing to lift is no label";
  ASSERT_EQ(person("Y"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 1u) << "a label alone is a change";
  ASSERT_EQ(person("N"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 0u);
  ASSERT_EQ(person("Y"), "AA");
  ASSERT_EQ(visit("ARV|1|A|DEM^D^HL70717|PAT\r", "ARV|1|A|HIV^H^HL70717|PAT\r"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 2u);
  ASSERT_EQ(person("N"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 1u) << "the other restriction stands";
  EXPECT_TRUE(IsTold("a restriction stands")) << answer_;
  ASSERT_EQ(visit("ARV|1|X|DEM^D^HL70717|PAT\r", "ARV|1|X|HIV^H^HL70717|PAT\r"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 1u) << "X changes nothing";
  ASSERT_EQ(visit("ARV|1|D|DEM^D^HL70717|PAT\r", "ARV|1|D|HIV^H^HL70717|PAT\r"), "AA");
  EXPECT_EQ(Times(Person(), kRestricted), 0u);
  EXPECT_EQ(Times(Only("Encounter"), kRestricted), 0u);
  ASSERT_EQ(Send("PPR^PC1^PPR_PC1", "PRB|AD|20260101|x^X^L|P4^C|||||||||||||||||NONE^U^L\r"), "AA");
  ASSERT_EQ(Send("PPR^PC2^PPR_PC1", "PRB|UP|20260101|x^X^L|P4^C|||||||||||||||||FULL^F^L\r"), "AA");
  EXPECT_TRUE(IsTold("a restriction stands")) << answer_;
  EXPECT_NE(Stored("Condition", "urn:caregate:id:C:problem", "P4").find("NOPAT"),
            std::string::npos);
}

// UP of what is not known is AE 204 (table 0287), in a list that is made now as in one that stands.
TEST_F(Changes, AnUpdateOfAnUnknownRoleMakesNone) {
  EXPECT_EQ(SendPerson("ROL|R1^A|UP|AT^A^HL70443|N1^One\r"), "AE 204");
  EXPECT_EQ(SendPerson("ROL|R1^A|CO|AT^A^HL70443|N1^One\r"), "AE 204");
  ASSERT_EQ(SendPerson("ROL|R1^A|AD|AT^A^HL70443|N1^One\r"), "AA");
  EXPECT_EQ(SendPerson("ROL|R2^A|UP|AT^A^HL70443|N2^Two\r"), "AE 204");
  EXPECT_EQ(Times(Only("CareTeam"), "\"member\""), 1u);
  // An order may be under way before its plan is heard of.
  EXPECT_EQ(Send("PPP^PCB^PPP_PCB",
                 "PTH|AD|PL^Plan^L|P9^C|20260310\rORC|SC|O1^C|||IP\r"
                 "OBR|1|O1^C||A^Act^L\r"),
            "AA");
  EXPECT_TRUE(IsTold("an order that was not known is made with its plan")) << answer_;
  EXPECT_NE(Plan("P9").find("\"activity\""), std::string::npos);
}

TEST_F(Changes, AFormIsNotTakenBackWithoutWhatItPermits) {
  const std::string form = "PV1|1|N\rTXA|1|CONS^Consent^L|TX|||||||||D-7^C|||||AU||AV\r";
  const auto decision = [](const std::string& status, const std::string& day) {
    return "CON|1|001||CN-7^C|||||||" + status + "||" + day + "|||||||||||Hartley^Beatrix|1\r" +
           "OBX|1|CWE|SHAREWITH^With^L||X9911^A^ODS||||||F\r";
  };
  ASSERT_EQ(Send("MDM^T02^MDM_T02", form + decision("A", "20260120")), "AA") << answer_;
  EXPECT_EQ(Send("MDM^T11^MDM_T01", form), "AE 204") << answer_;
  ASSERT_EQ(Send("MDM^T02^MDM_T02", form + decision("R", "20260220")), "AA") << answer_;
  EXPECT_EQ(Send("MDM^T11^MDM_T01", form), "AA") << "what is refused stays so: " << answer_;
}

// DG1-21 and PR1-20 are action codes like others (table 0206).
TEST_F(Changes, DiagnosesAndProceduresFollowTheirActionCodes) {
  const auto visit = [this](const std::string& segments) {
    return Send("ADT^A08^ADT_A01", "PV1|1|I|W1||||||||||||||||V1^^^X9901\r" + segments);
  };
  const auto dg1 = [](const std::string& code, const std::string& words,
                      const std::string& action) {
    return "DG1|1||" + code + "^" + words + "^L|||F" + std::string(15, '|') + action + "\r";
  };
  const auto pr1 = [](const std::string& words, const std::string& action) {
    return "PR1|1||P1^" + words + "^L||20260301" + std::string(15, '|') + action + "\r";
  };
  const auto count = [this](const std::string& type) {
    return MatchesOn(gateway().Get("/fhir/" + type, Caller{}));
  };
  EXPECT_EQ(visit(dg1("C1", "Cough", "D")), "AE 204");
  EXPECT_EQ(visit(pr1("Cast", "D")), "AE 204");
  EXPECT_EQ(visit(dg1("C1", "Cough", "U")), "AE 204");
  EXPECT_EQ(count("Condition") + count("Procedure"), 0u) << "nothing is made of what is taken out";
  EXPECT_EQ(visit(dg1("C1", "Cough", "ZZ")), "AE 103");
  EXPECT_TRUE(IsTold("DG1^1^21")) << answer_;
  EXPECT_EQ(visit(pr1("Cast", "ZZ")), "AE 103");
  EXPECT_TRUE(IsTold("PR1^1^20")) << answer_;
  ASSERT_EQ(visit(dg1("C1", "Cough", "A") + dg1("C2", "Fever", "A") + pr1("Cast", "A")), "AA");
  EXPECT_EQ(count("Condition"), 2u);
  EXPECT_EQ(Times(Only("Encounter"), "\"condition\""), 2u);
  EXPECT_EQ(visit(dg1("C1", "Dry cough", "A")), "AE 205") << "the key is taken";
  EXPECT_EQ(visit(dg1("C1", "Dry cough", "U")), "AA");
  EXPECT_EQ(Times(Only("Encounter"), "\"condition\""), 2u) << "the other one stays";
  EXPECT_EQ(visit(dg1("C1", "Wet cough", "X")), "AA");
  EXPECT_EQ(visit(dg1("C2", "Fever", "D") + pr1("Cast", "D")), "AA");
  EXPECT_EQ(Times(Only("Encounter"), "\"condition\""), 1u);
  EXPECT_NE(Only("Procedure").find("\"entered-in-error\""), std::string::npos);
  const std::string cough = Coded("Condition", "C1");
  EXPECT_EQ(cough.find("V1/C1"), std::string::npos) << "the key does not say the diagnosis";
  EXPECT_NE(cough.find("Dry cough"), std::string::npos) << cough;
  const std::string fever = Coded("Condition", "C2");
  EXPECT_NE(fever.find("entered-in-error"), std::string::npos) << fever;
  EXPECT_EQ(visit(dg1("C2", "Fever", "D")), "AA") << "once more";
}

// PD1-12 "" takes the restriction of an earlier Y away, as N does; no other, and none whose setter
// was not kept: that its sender is told.
TEST_F(Changes, ANullProtectionIndicatorLiftsItsOwnRestriction) {
  const auto send = [this](const std::string& indicator) {
    return Send("ADT^A31^ADT_A05", "PD1||||||||||||" + indicator + "\rPV1|1|N\r");
  };
  const std::string restricted = "\"code\":\"R\"";
  for (const char* lifts : {"\"\"", "N"}) {
    ASSERT_EQ(send("Y"), "AA");
    EXPECT_NE(Person().find(restricted), std::string::npos);
    EXPECT_EQ(send(""), "AA");
    EXPECT_NE(Person().find(restricted), std::string::npos) << "empty says nothing";
    EXPECT_EQ(send(lifts), "AA");
    EXPECT_EQ(Person().find(restricted), std::string::npos) << lifts;
    EXPECT_FALSE(IsTold("ERR|"));
  }
  EXPECT_EQ(send("X"), "AA") << "neither Y nor N: in doubt it is protected";
  EXPECT_NE(Person().find(restricted), std::string::npos);
  EXPECT_TRUE(IsTold("taken for protected")) << answer_;
  EXPECT_EQ(send("n"), "AA");
  EXPECT_EQ(Person().find(restricted), std::string::npos);
  // A label of an earlier version of the program does not say who set it.
  std::string person = Person();
  person.insert(person.find("\"meta\":{") + 8,
                R"("security":[{"system":"http://terminology.hl7.org/CodeSystem/)"
                R"(v3-Confidentiality","code":"R"}],)");
  gateway().Put(person);
  for (const char* lifts : {"\"\"", "N"}) {
    EXPECT_EQ(send(lifts), "AA");
    EXPECT_NE(Person().find(restricted), std::string::npos) << lifts;
    EXPECT_TRUE(IsTold("a restriction stands that this field cannot lift")) << answer_;
  }
}

// What is taken and cannot be right, or has no form in FHIR, is told with its place.
TEST_F(Changes, WhatIsDoubtfulIsKeptAndTold) {
  struct Case {
    std::string person, segments, place, stored;
  };
  const std::vector<Case> cases = {
      {"PID|1||CH1^^^X9901^MR||Change^Kim||20270622|F\r", "", "PID^1^7^1",
       "\"birthDate\":\"2027-06-22\""},
      {"PID|1||CH1^^^X9901^MR||Change^Kim||19390622|F" + std::string(21, '|') + "19380101\r", "",
       "PID^1^29^1", "\"deceasedDateTime\":\"1938-01-01\""},
      {"", "OBX|1|ZZ|A^B^L||kept as text||||||F\r", "OBX^1^2^1", "kept as text"},
      {"", "OBX|1|ZZ|A^B^L||one^two||||||F\r", "OBX^1^2^1", ""},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(SendAs(test.person, "ADT^A04^ADT_A01",
                     "PV1|1|I|W1||||||||||||||||V1^^^X9901\r" + test.segments),
              "AA");
    EXPECT_TRUE(IsTold("ERR||" + test.place + "|102^Data type error^HL70357|W")) << answer_;
    if (!test.stored.empty()) {
      const std::string kept = test.person.empty() ? Only("Observation") : Person();
      EXPECT_NE(kept.find(test.stored), std::string::npos) << kept;
    }
  }
}

// Nothing older overwrites what is newer: of a goal by GOL-19, of a consent by CON-13.
TEST_F(Changes, AnOlderStateIsRefused) {
  const auto goal = [this](const std::string& action, const std::string& state,
                           const std::string& day) {
    return Send(action == "AD" ? "PGL^PC6^PGL_PC6" : "PGL^PC7^PGL_PC6",
                "GOL|" + action + "|20260310|G^Goal^L|G1^C" + std::string(14, '|') + state + "|" +
                    day + "\r");
  };
  ASSERT_EQ(goal("AD", "ACT", "20260301"), "AA");
  EXPECT_EQ(goal("UP", "HLD", "20260305"), "AA");
  EXPECT_EQ(goal("UP", "ACT", "20260304"), "AE 205");
  EXPECT_TRUE(IsTold("ERR||GOL^1")) << answer_;
  EXPECT_NE(Goal("G1").find("on-hold"), std::string::npos);
  EXPECT_EQ(goal("CO", "ACT", "20260304"), "AA") << "a correction says so";
  EXPECT_NE(Goal("G1").find("\"active\""), std::string::npos);
}

}  // namespace
}  // namespace gw::flow
