// What is older than what is held, and of consents what is not surely later and would permit more.
#include "gateway/flow/older.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/hl7v2/message.h"
#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

TEST(Older, AMomentIsBeforeAnotherOnlyWhereItSurelyIs) {
  struct Case {
    std::string a, b;
    bool before;
  };
  const std::vector<Case> cases = {
      {"2026-06-05", "2026-06-06", true},
      {"2026-06-06", "2026-06-06", false},
      {"2026-06", "2026-06-06", false},
      {"2026-06-05", "2026-06-06T08:30:00Z", true},
      {"2026-06-06", "2026-06-06T08:30:00Z", false},
      {"2026-06-06T08:30:00Z", "2026-06-06", false},
      {"2026-06-06T08:30:00Z", "2026-06-06T08:30:01Z", true},
      {"2026-06-06T08:30:00Z", "2026-06-06T08:30:00Z", false},
      {"2026-06-06T08:30:00Z", "2026-06-06T08:30:00.900Z", false},
      {"2026-06-06T08:30:00.900Z", "2026-06-06T08:30:00Z", false},
      {"2026-06-06T08:30:00.100Z", "2026-06-06T08:30:00.900Z", true},
      {"2026-06-06T08:30:00.900Z", "2026-06-06T08:30:00.100Z", false},
      {"2026-06-06T08:30:00.1Z", "2026-06-06T08:30:00.1999+00:00", false},
      {"2026-06-06T08:30:00.9999Z", "2026-06-06T09:30:01+01:00", true},
      {"2026-06-06T09:30:00+01:00", "2026-06-06T08:30:01Z", true},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(IsBefore(test.a, test.b), test.before) << test.a << " " << test.b;
  }
}

// One form, CON-4, of which one decision after the other is sent.
class FormTest : public testing::Test {
 protected:
  FormTest() : gateway_(folder_.Path("gateway")) {
    gateway_.Acknowledge(ProjectFile("tests/demo/01-care-plan.hl7"));
  }

  static void Put(const std::string& text, const std::string& other, std::string* message) {
    const size_t at = message->find(text);
    ASSERT_NE(at, std::string::npos) << text;
    message->replace(at, text.size(), other);
  }

  // "AA 3": the answer, and the plans that somebody sees whom the grant names.
  std::string Send(const std::string& status, const std::string& decided) {
    std::string bytes = ProjectFile("tests/demo/02-consent.hl7");
    Put("DEMO000002", "FORM" + std::to_string(++sent_), &bytes);
    Put("L^Limited - Consent has been granted with limitations^HL70498", status, &bytes);
    Put("20260203084500+0000|20260203||", decided + "|20260203||", &bytes);
    const std::string answer = gateway_.Acknowledge(bytes);
    const Result<hl7v2::Message> message = hl7v2::Message::Parse(answer, {});
    std::string told = message->Text({.segment = "MSA", .field = 1});
    if (told != "AA") {
      told += " " + message->Text({.segment = "ERR", .field = 3, .repetition = 1, .component = 1});
    }
    return told + " " + std::to_string(MatchesOn(gateway_.Get("/fhir/CarePlan", kCharity)));
  }

  // The person writes her Consent herself, with one text in place of another.
  void Write(const std::string& text, const std::string& other) {
    const fhir::Identifier form{"urn:caregate:id:GPSYS:consent", "CON-7301"};
    const auto found = gateway_.parts().store.Find("Consent", {&form, 1});
    ASSERT_TRUE(found.ok() && found->size() == 1u);
    std::string json = found->front().json;
    Put(text, other, &json);
    gateway_.Put(json);
  }

  const Caller kCharity{"charity", "X9905", "befriender", "TREAT", "", "system/*.rs"};
  const TempFolder folder_;
  TestGateway gateway_;
  int sent_ = 0;
};

TEST_F(FormTest, AGrantThatIsNotSurelyLaterDoesNotUndoARefusal) {
  EXPECT_EQ(Send("L", "20260604083000+0000"), "AA 1");
  EXPECT_EQ(Send("R", "20260606083000.900+0000"), "AA 0");
  EXPECT_EQ(Send("L", "20260606083000.100+0000"), "AE 205 0");
  EXPECT_EQ(Send("L", "20260606083000+0000"), "AE 205 0") << "perhaps before";
  EXPECT_EQ(Send("L", "20260606"), "AE 205 0") << "of that day";
  EXPECT_EQ(Send("L", "20260606083000.900+0000"), "AE 205 0") << "of the same moment";
  EXPECT_EQ(Send("P", "20260606"), "AE 205 0") << "what is proposed governs nothing";
  EXPECT_EQ(Send("X", "20260606"), "AE 205 0") << "neither does what is taken back";
  EXPECT_EQ(Send("R", "20260606083000.900+0000"), "AA 0") << "said again";
  EXPECT_EQ(Send("L", "20260606083001+0000"), "AA 1");
  EXPECT_EQ(Send("L", "20260606083001+0000"), "AA 1") << "said again";
  EXPECT_EQ(Send("R", "20260606083001+0000"), "AA 0") << "it permits less";
  EXPECT_EQ(Send("L", "20260607"), "AA 1");
}

TEST_F(FormTest, WhatThePersonWroteIsAsLateAsItWasWritten) {
  const std::string before = "20260604083000+0000";
  ASSERT_EQ(Send("L", before), "AA 1");
  Write("\"code\":\"CarePlan\"", "\"code\":\"Goal\"");
  EXPECT_EQ(Send("L", before), "AE 205 0");
  EXPECT_EQ(Send("L", "20360604"), "AA 1") << "what she says later counts";
  Write("\"status\":\"active\"", "\"status\":\"inactive\"");
  EXPECT_EQ(Send("L", before), "AE 205 0");
}

}  // namespace
}  // namespace gw::flow
