// What the maps of HL7 v2 yield, as the store keeps it: each kind of message once, and the stories
// that several of them tell.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "gateway/hl7v2/message.h"
#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

// One of the project's messages, as if the hospital of the development feeds had sent it.
std::string MessageOf(const std::string& name) {
  std::string bytes = ProjectFile("tests/data/hl7v2/" + name + ".hl7");
  size_t begin = bytes.find('|', 4) + 1;  // MSH-3
  const size_t end = bytes.find('|', bytes.find('|', begin) + 1);
  return bytes.replace(begin, end - begin, "PAS|X9901");
}

struct Answered {
  std::string ack;
  std::string code;  // of table 0357, where it was refused
  std::string text;
};

Answered Send(TestGateway* gateway, const std::string& name) {
  Answered answered;
  answered.text = gateway->Acknowledge(MessageOf(name));
  const Result<hl7v2::Message> message = hl7v2::Message::Parse(answered.text, {});
  if (message) {
    answered.ack = message->Text({.segment = "MSA", .field = 1});
    answered.code = message->Text({.segment = "ERR", .field = 3, .repetition = 1, .component = 1});
  }
  return answered;
}

void SendAll(TestGateway* gateway, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const Answered answered = Send(gateway, name);
    ASSERT_EQ(answered.ack, "AA") << name << ": " << answered.text;
  }
}

// The only match of a search, as its own tree.
Json Only(TestGateway* gateway, const std::string& query) {
  const Json found = gateway->Get("/fhir/" + query, Caller{});
  EXPECT_EQ(MatchesOn(found), 1u) << query;
  const Json* entries = found.Find("entry");
  return entries == nullptr || entries->items().empty()
             ? Json()
             : Json(*entries->items().front().Find("resource"));
}

// What is stored under an identifier, whether it is served or not.
Json Stored(TestGateway* gateway, std::string_view type, const std::string& system,
            const std::string& value) {
  const fhir::Identifier identifier{system, value};
  const auto found = gateway->parts().store.Find(type, {&identifier, 1});
  EXPECT_TRUE(found.ok() && found->size() == 1u) << type << " " << value;
  return found.ok() && !found->empty() ? *Json::Parse(found->front().json, Limits()) : Json();
}

TEST(Messages, WhatEachMapYieldsConformsAndIsKept) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(GW_SOURCE_DIR "/tests/data/hl7v2")) {
    if (file.path().extension() == ".hl7") {
      names.insert(file.path().stem().string());
    }
  }
  // What no map takes, and what is held for a human.
  const std::set<std::string> refused = {"bad_birth_date", "no_person"};
  ASSERT_GT(names.size(), 60u);
  for (const std::string& name : names) {
    const Answered answered = Send(&gateway, name);
    if (refused.contains(name)) {
      EXPECT_NE(answered.ack, "AA") << name;
      continue;
    }
    // A change of what was never added, or of what was added otherwise, is the sender's matter.
    const bool known = answered.text.find("|E|") == std::string::npos ||
                       (answered.code != "204" && answered.code != "205");
    EXPECT_EQ(answered.ack, known ? "AA" : "AE") << name << ": " << answered.text;
  }
}

TEST(Messages, ADischargeThatIsCancelledLeavesTheVisitOpen) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"visit_transfer", "visit_discharge"});
  Json visit = Only(&gateway, "Encounter?identifier=ENC-7001");
  EXPECT_EQ(visit.TextOf("status"), "finished");
  ASSERT_NE(visit.Find("hospitalization"), nullptr);
  EXPECT_FALSE(visit.Find("period")->TextOf("end").empty());
  SendAll(&gateway, {"visit_discharge_cancelled"});
  visit = Only(&gateway, "Encounter?identifier=ENC-7001");
  EXPECT_EQ(visit.TextOf("status"), "in-progress");
  EXPECT_TRUE(visit.Find("period")->TextOf("end").empty());
  EXPECT_FALSE(visit.Find("period")->TextOf("start").empty());
  EXPECT_EQ(visit.Find("hospitalization"), nullptr);
  SendAll(&gateway, {"visit_cancelled"});
  EXPECT_EQ(Only(&gateway, "Encounter?identifier=ENC-7001").TextOf("status"), "cancelled");
  // A message that says nothing of the state leaves it.
  SendAll(&gateway, {"visit_transfer_cancelled"});
  EXPECT_EQ(Only(&gateway, "Encounter?identifier=ENC-7001").TextOf("status"), "cancelled");
}

TEST(Messages, APendingDischargeIsToldAndTakenBack) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"visit_pending_admit"});
  EXPECT_EQ(Only(&gateway, "Encounter?identifier=ENC-7004").TextOf("status"), "planned");
  SendAll(&gateway, {"visit_pending_transfer", "visit_pending_discharge"});
  Json visit = Only(&gateway, "Encounter?identifier=ENC-7004");
  EXPECT_EQ(visit.TextOf("status"), "planned") << "nobody said that it began";
  ASSERT_NE(visit.Find("hospitalization"), nullptr);
  EXPECT_EQ(visit.Find("hospitalization")->Find("destination")->TextOf("display"), "X9916");
  SendAll(&gateway, {"visit_pending_cancelled"});
  visit = Only(&gateway, "Encounter?identifier=ENC-7004");
  EXPECT_EQ(visit.Find("hospitalization"), nullptr);
}

TEST(Messages, SwappedPersonsStayThemselves) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"visit_swap"});
  const Json first = Only(&gateway, "Encounter?identifier=ENC-7001");
  const Json second = Only(&gateway, "Encounter?identifier=ENC-7004");
  EXPECT_NE(first.Find("subject")->TextOf("reference"),
            second.Find("subject")->TextOf("reference"));
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/Patient", Caller{})), 2u);
}

TEST(Messages, AMergeKeepsBothRecordsAndLinksThem) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"visit_transfer", "person_merge"});
  const Json survivor = Only(&gateway, "Patient?identifier=H700101");
  const Json loser = Only(&gateway, "Patient?identifier=H700901");
  EXPECT_TRUE(survivor.Find("active")->boolean());
  EXPECT_FALSE(loser.Find("active")->boolean());
  ASSERT_NE(survivor.Find("link"), nullptr);
  EXPECT_EQ(survivor.Find("link")->items().size(), 2u) << "two records lost";
  ASSERT_NE(loser.Find("link"), nullptr);
  const Json& link = loser.Find("link")->items().front();
  EXPECT_EQ(link.TextOf("type"), "replaced-by");
  EXPECT_EQ(link.Find("other")->TextOf("reference"),
            "Patient/" + std::string(survivor.TextOf("id")));
}

TEST(Messages, AReferralIsAskedForAcceptedAndCancelled) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  const std::string request = "urn:caregate:id:GPSYS:referral";
  const std::string work = "urn:caregate:id:GPSYS:referral-task";
  SendAll(&gateway, {"referral_add"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-80").TextOf("status"), "requested");
  EXPECT_EQ(Stored(&gateway, "ServiceRequest", request, "RF-80").TextOf("status"), "active");
  SendAll(&gateway, {"referral_change", "referral_ask"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-80").TextOf("status"), "accepted");
  EXPECT_EQ(Stored(&gateway, "ServiceRequest", request, "RF-80").TextOf("priority"), "asap");
  SendAll(&gateway, {"referral_cancel"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-80").TextOf("status"), "cancelled");
  EXPECT_EQ(Stored(&gateway, "ServiceRequest", request, "RF-80").TextOf("status"), "revoked");
  EXPECT_EQ(MatchesOn(gateway.Get("/fhir/DocumentReference", Caller{})), 1u) << "About me";
}

TEST(Messages, AnUpdateWithoutAPersonNeedsAReferralThatIsKnown) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  EXPECT_EQ(Send(&gateway, "care_referral_state").code, "204");
  const std::string work = "urn:caregate:id:PAS:referral-task";
  SendAll(&gateway, {"care_referral_add", "care_referral_change"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-71").TextOf("status"), "accepted");
  SendAll(&gateway, {"care_referral_cancel"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-71").TextOf("status"), "cancelled");
  SendAll(&gateway, {"care_referral_state"});
  EXPECT_EQ(Stored(&gateway, "Task", work, "RF-71").TextOf("status"), "accepted");
}

TEST(Messages, ACorrectedResultReplacesWhatWasReported) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"result_laboratory"});
  // Two reports under one number of the laboratory: each is known by its code as well.
  const std::string report = "urn:caregate:id:LAB:report";
  const std::string finding = "urn:caregate:id:LAB:obs";
  EXPECT_EQ(Stored(&gateway, "DiagnosticReport", report, "L-9001/UE").TextOf("status"),
            "preliminary");
  EXPECT_EQ(Stored(&gateway, "Observation", finding, "L-9001/UE/NA")
                .Find("valueQuantity")
                ->Find("value")
                ->text(),
            "138");
  SendAll(&gateway, {"result_correction"});
  EXPECT_EQ(Stored(&gateway, "DiagnosticReport", report, "L-9001/UE").TextOf("status"),
            "corrected");
  EXPECT_EQ(Stored(&gateway, "Observation", finding, "L-9001/UE/NA")
                .Find("valueQuantity")
                ->Find("value")
                ->text(),
            "135");
  SendAll(&gateway, {"result_survey", "result_score"});
  EXPECT_EQ(Stored(&gateway, "QuestionnaireResponse", "urn:caregate:id:ASCCASE:report",
                   "SV-1/ISTATEMENTS")
                .TextOf("questionnaire"),
            "urn:caregate:questionnaire:i-statements");
  EXPECT_EQ(Stored(&gateway, "Observation", "urn:caregate:id:COMMCARE:obs", "RS-1/PAM/PAM-SCORE")
                .Find("valueQuantity")
                ->Find("value")
                ->text(),
            "56.4");
}

TEST(Messages, AReplacedDocumentIsSuperseded) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"document_replaced"});  // what it replaces was never sent
  SendAll(&gateway, {"document_state"});
  EXPECT_EQ(Only(&gateway, "DocumentReference?identifier=DOC-71").TextOf("status"), "current");
  SendAll(&gateway, {"document_replaced_alone"});
  EXPECT_EQ(Only(&gateway, "DocumentReference?identifier=DOC-71").TextOf("status"), "superseded");
  SendAll(&gateway, {"document_cancelled"});
  EXPECT_EQ(Only(&gateway, "DocumentReference?identifier=DOC-75").TextOf("status"),
            "entered-in-error");
}

TEST(Messages, AnAppointmentMovesAndIsCancelled) {
  const TempFolder folder;
  TestGateway gateway(folder.Path("gateway"));
  SendAll(&gateway, {"appointment_new", "appointment_moved"});
  const std::string filler = "urn:caregate:id:PAS:appointment";
  const Json moved = Stored(&gateway, "Appointment", filler, "FA-1");
  EXPECT_EQ(moved.TextOf("start"), "2026-08-06T09:00:00+01:00");
  EXPECT_EQ(moved.TextOf("end"), "2026-08-06T09:45:00+01:00");
  SendAll(&gateway, {"appointment_cancelled"});
  EXPECT_EQ(Stored(&gateway, "Appointment", filler, "FA-1").TextOf("status"), "cancelled");
}

}  // namespace
}  // namespace gw::flow
