// How the sharing decisions of one file stand to those of earlier ones, and to what the person
// wrote.
#include "gateway/flow/decisions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/flow/flow_testing.h"
#include "tests/temp_folder.h"

namespace gw::flow {
namespace {

// What the sharing decisions of one person come to, file after file: "deny 2026-03-01 +X9901
// -X9905": the root, the latest decision, who is permitted and who is refused by name.
class DecisionsTest : public testing::Test {
 protected:
  DecisionsTest() : gateway_(folder_.Path("gateway")) {}

  std::vector<fhir::StoredResource> Patients() {
    const fhir::Identifier person{"https://fhir.nhs.uk/Id/nhs-number", "9991001018"};
    return *gateway_.parts().store.Find("Patient", {&person, 1});
  }
  static std::string Row(const std::string& preference, const std::string& organization,
                         const std::string& decided, const std::string& expires = "",
                         const std::string& excluded = "") {
    return "9991001018,1941-03-14," + preference + ",ALL," + organization + ",," + excluded + "," +
           decided + "," + expires + ",Pell A,Y,\n";
  }
  std::string Result(const std::string& rows) {
    const auto mappings = gateway_.parts().mappings.Get();
    const map::Feed& feed = mappings->feeds.find("fenwick-sharing-preferences")->second;
    const auto report = gateway_.ingest().AcceptCsv(
        "nhs_number,dob,preference,scope,organisation_ods,organisation_name,data_excluded,"
        "decision_date,expiry_date,recorded_by,capacity,comment\n" +
            rows,
        feed, "fenwick-sharing-preferences.csv");
    EXPECT_TRUE(report.ok());
    return !report.ok() || report->groups.empty() ? "" : report->groups.front().result;
  }
  std::string Kept() {
    return gateway_.parts().store.ConsentsOf(Patients().at(0).key.id)->resources.at(0).json;
  }
  // The person writes the Consent herself.
  template <typename Edit>
  void Write(Edit edit) {
    auto consent = fhir::ParseJson(Kept(), gateway_.parts().definitions, Limits());
    ASSERT_TRUE(consent.ok());
    edit(&consent->root());
    std::string json;
    fhir::WriteJson(*consent, &json);
    gateway_.Put(json);
  }
  static void AddAll(const Json* rules, const char* sign, std::string* text) {
    for (const Json& rule : rules == nullptr ? std::vector<Json>() : rules->items()) {
      const bool permits = rule.TextOf("type") == "permit";
      const Json* who = rule.Find("actor") == nullptr
                            ? rule.Find("valueReference")
                            : rule.Find("actor")->items()[0].Find("reference");
      if (who != nullptr) {
        *text += std::string(" ") + (permits ? "+" : sign) +
                 std::string(who->Find("identifier")->TextOf("value"));
      }
    }
  }
  std::string Now() {
    const Json consent = *Json::Parse(Kept(), Limits());
    const Json* root = consent.Find("provision");
    std::string text =
        std::string(root->TextOf("type")) + " " + std::string(consent.TextOf("dateTime"));
    AddAll(root->Find("provision"), "-", &text);
    AddAll(root->Find("extension"), "-", &text);
    return text;
  }

  const TempFolder folder_;
  TestGateway gateway_;
};

// An older decision, and one without a date, permits nothing that a newer one did not.
TEST_F(DecisionsTest, AnOlderGrantDoesNotUndoANewerRefusal) {
  EXPECT_EQ(Result(Row("DISSENT", "", "01/03/2026")), "taken");
  EXPECT_EQ(Now(), "deny 2026-03-01");
  EXPECT_EQ(Result(Row("CONSENT", "*", "01/02/2026")), "held");
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/01/2020")), "held");
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "")), "held");
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/03/2026")), "held") << "of the same day";
  // An old grant does not ride on a new one.
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/01/2020") + Row("CONSENT", "X9905", "02/03/2026")),
            "held");
  EXPECT_EQ(Now(), "deny 2026-03-01");
  EXPECT_EQ(Result(Row("DISSENT", "", "01/03/2026") + Row("CONSENT", "X9905", "02/03/2026")),
            "taken");
  EXPECT_EQ(Now(), "deny 2026-03-02 +X9905");
}

TEST_F(DecisionsTest, NarrowerIsAlwaysTaken) {
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/03/2026", "01/03/2027") +
                   Row("CONSENT", "X9905", "02/03/2026")),
            "taken");
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/03/2026", "01/03/2028")), "held")
      << "the same decision, said to hold for longer";
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/03/2026", "01/12/2026")), "taken");
  EXPECT_EQ(Now(), "deny 2026-03-02 +X9901") << "the later date stays";
  EXPECT_EQ(Result(Row("DISSENT", "", "01/01/2020")), "taken");
  EXPECT_EQ(Now(), "deny 2026-03-02");
}

// A refusal without a date counts from the day it comes.
TEST_F(DecisionsTest, ARefusalWithoutADateIsOfToday) {
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/03/2026")), "taken");
  EXPECT_EQ(Result(Row("DISSENT", "", "")), "taken");
  const std::string refused = Now();
  EXPECT_GT(refused, "deny 2026-03-01");
  EXPECT_EQ(refused.find('+'), std::string::npos);
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "02/03/2026")), "held");
  EXPECT_EQ(Now(), refused);
}

TEST_F(DecisionsTest, WhoIsRefusedByNameStaysSoUntilALaterDecisionByName) {
  EXPECT_EQ(Result(Row("CONSENT", "*", "01/07/2026") + Row("DISSENT", "X9901", "02/07/2026")),
            "taken");
  EXPECT_EQ(Now(), "permit 2026-07-02 -X9901");
  EXPECT_EQ(Result(Row("CONSENT", "*", "04/07/2026")), "taken");
  EXPECT_EQ(Now(), "permit 2026-07-04 -X9901");
  EXPECT_EQ(Result(Row("WITHDRAWN", "", "05/07/2026")), "taken");
  EXPECT_EQ(Now(), "deny 2026-07-05 -X9901");
  EXPECT_EQ(Result(Row("CONSENT", "*", "06/07/2026")), "taken");
  EXPECT_EQ(Now(), "permit 2026-07-06 -X9901");
  EXPECT_EQ(Result(Row("CONSENT", "*", "06/07/2026") + Row("CONSENT", "X9901", "01/07/2026")),
            "taken");
  EXPECT_EQ(Now(), "permit 2026-07-06 -X9901") << "an older decision by name";
  EXPECT_EQ(Result(Row("CONSENT", "*", "06/07/2026") + Row("CONSENT", "X9901", "07/07/2026")),
            "taken");
  EXPECT_EQ(Now(), "permit 2026-07-07") << "what is permitted to all it is permitted too";
}

// What is kept back from somebody by name is a deny of theirs ("-X9905") until a later decision
// names them, through files that do not.
TEST_F(DecisionsTest, WhatIsKeptBackByNameStaysSoUntilALaterDecisionByName) {
  EXPECT_EQ(Result(Row("CONSENT", "*", "05/05/2026") +
                   Row("CONSENT", "X9905", "05/05/2026", "", "MENTALHEALTH")),
            "taken");
  EXPECT_EQ(Now(), "permit 2026-05-05 -X9905");
  EXPECT_EQ(Result(Row("CONSENT", "*", "07/07/2026")), "taken");
  EXPECT_EQ(Now(), "permit 2026-07-07 -X9905");
  EXPECT_NE(Kept().find("PSY"), std::string::npos);
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "08/07/2026")), "taken");
  EXPECT_EQ(Result(Row("CONSENT", "*", "09/07/2026")), "taken");
  EXPECT_EQ(Now(), "permit 2026-07-09 -X9905");
  EXPECT_NE(Kept().find("PSY"), std::string::npos) << "of what is kept back, nothing else";
  EXPECT_EQ(Result(Row("CONSENT", "*", "09/07/2026") + Row("CONSENT", "X9905", "10/07/2026")),
            "taken");
  EXPECT_EQ(Now(), "permit 2026-07-10");
}

TEST_F(DecisionsTest, WhatAPermitKeptBackStaysSoUnderAGrantToAll) {
  EXPECT_EQ(Result(Row("CONSENT", "X9905", "05/05/2026", "", "MENTALHEALTH")), "taken");
  EXPECT_EQ(Result(Row("CONSENT", "X9905", "05/05/2026")), "held") << "of the same day";
  EXPECT_EQ(Result(Row("CONSENT", "*", "07/07/2026")), "taken");
  EXPECT_EQ(Now(), "permit 2026-07-07 -X9905");
  EXPECT_NE(Kept().find("PSY"), std::string::npos);
  EXPECT_EQ(Result(Row("WITHDRAWN", "", "08/07/2026")), "taken");
  EXPECT_EQ(Result(Row("CONSENT", "X9905", "09/07/2026")), "taken");
  EXPECT_EQ(Now(), "deny 2026-07-09 +X9905");
}

// What the person wrote counts from when she wrote it, whatever its dateTime says.
TEST_F(DecisionsTest, WhatThePersonWroteIsNotUndoneByAnOlderRow) {
  const std::string first = Row("CONSENT", "X9902", "02/02/2026");
  const std::string second = Row("CONSENT", "X9905", "02/02/2026");
  ASSERT_EQ(Result(first + second), "taken");
  Write([](fhir::Element* consent) {
    fhir::Element* root = consent->Child("provision");
    root->Remove(root->Child("provision")->next());
  });
  ASSERT_EQ(Now(), "deny 2026-02-02 +X9902");
  EXPECT_EQ(Result(second + first), "held");
  EXPECT_EQ(Result(Row("CONSENT", "X9902", "02/02/2026", "01/03/2036")), "taken") << "narrower";
  EXPECT_EQ(Result(second + Row("CONSENT", "X9902", "02/02/2026", "01/03/2036")), "held");
  EXPECT_EQ(Now(), "deny 2026-02-02 +X9902");
  EXPECT_EQ(Result(first + Row("CONSENT", "X9905", "02/02/2056")), "held") << "X9902 for longer";
  EXPECT_EQ(Result(Row("CONSENT", "X9905", "02/02/2056")), "taken") << "what she says later";
  EXPECT_EQ(Now(), "deny 2056-02-02 +X9905");
}

TEST_F(DecisionsTest, WhatThePersonEndedOrDeniedStaysSo) {
  const std::string first = Row("CONSENT", "X9902", "02/02/2026");
  const std::string second = Row("CONSENT", "X9905", "02/02/2026");
  ASSERT_EQ(Result(first + second), "taken");
  Write([](fhir::Element* consent) {
    fhir::Element* root = consent->Child("provision");
    fhir::Element* deny = *root->AddCopy("provision", *root->Child("provision"));
    deny->Child("type")->SetText("deny");
  });
  ASSERT_EQ(Now(), "deny 2026-02-02 +X9902 +X9905 -X9902");
  EXPECT_EQ(Result(second + first), "taken");
  EXPECT_EQ(Now().substr(Now().size() - 6), "-X9902");
  for (const bool dated : {true, false}) {
    Write([dated](fhir::Element* consent) {
      consent->Child("status")->SetText("inactive");
      if (!dated) {
        consent->Clear("dateTime");
      }
    });
    EXPECT_EQ(Result(dated ? first : second), "held");
    EXPECT_NE(Kept().find("\"inactive\""), std::string::npos);
  }
  EXPECT_EQ(Result(Row("DISSENT", "", "02/02/2026")), "taken") << "nothing is permitted";
}

// A row that is wrong refuses what the rows of its person say together: a grant without its refusal
// was never said.
TEST_F(DecisionsTest, AGrantIsNotTakenWithoutItsRefusal) {
  for (const std::string& wrong :
       {Row("DISENT", "", "05/05/2026"), Row("DISSENT", "", "31/02/2026"),
        Row("DISSENT", "x9901", "05/05/2026"), std::string("9991001018,1941-03-14,DISSENT\n")}) {
    EXPECT_EQ(Result(Row("CONSENT", "*", "20/01/2026") + wrong), "refused") << wrong;
    EXPECT_EQ(Result(wrong + Row("CONSENT", "*", "20/01/2026")), "refused") << wrong;
  }
  EXPECT_TRUE(Patients().empty());
}

TEST_F(DecisionsTest, AGrantClosesNothingThatWaits) {
  EXPECT_EQ(Result(Row("DISSENT", "", "01/03/2026")), "taken");
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "01/02/2026")), "held");
  const auto open = [this] {
    store::MessageQuery query;
    query.feed = "fenwick-sharing-preferences";
    query.state = store::MessageState::kOpen;
    return gateway_.parts().store.archive().List(query)->size();
  };
  ASSERT_EQ(open(), 1u);
  EXPECT_EQ(Result(Row("CONSENT", "X9901", "02/03/2026")), "taken");
  EXPECT_EQ(open(), 1u);
  EXPECT_EQ(Result(Row("DISSENT", "", "03/03/2026")), "taken");
  EXPECT_EQ(open(), 0u);
}

}  // namespace
}  // namespace gw::flow
