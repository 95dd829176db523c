// What the rows of CSV files come to in a gateway: taken, held for matching or refused, and found
// again in the queue.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/flow/operations.h"
#include "tests/flow/flow_testing.h"
#include "tests/temp_folder.h"

namespace gw::flow {
namespace {

const std::string kPlans = "urn:caregate:id:X9903:plan";

class RowsTest : public testing::Test {
 protected:
  RowsTest() : gateway_(folder_.Path("gateway")) {}

  const map::Feed& Feed(const std::string& name) {
    mappings_ = gateway_.parts().mappings.Get();
    return mappings_->feeds.find(name)->second;
  }
  CsvReport Take(const std::string& feed, const std::string& bytes) {
    auto report = gateway_.ingest().AcceptCsv(bytes, Feed(feed), feed + ".csv");
    EXPECT_TRUE(report.ok()) << report.error().where << ": " << report.error().detail;
    return report ? *std::move(report) : CsvReport();
  }
  CsvReport TakeOwn(const std::string& feed) {
    return Take(feed, ProjectFile("tests/data/csv/" + feed + ".csv"));
  }
  std::vector<fhir::StoredResource> Find(std::string_view type, const std::string& system,
                                         const std::string& value) {
    const fhir::Identifier identifier{system, value};
    return *gateway_.parts().store.Find(type, {&identifier, 1});
  }
  Json Stored(std::string_view type, const std::string& system, const std::string& value) {
    const auto found = Find(type, system, value);
    EXPECT_EQ(found.size(), 1u) << type << " " << value;
    return found.empty() ? Json() : *Json::Parse(found.front().json, Limits());
  }

  TempFolder folder_;
  TestGateway gateway_;
  std::shared_ptr<const Mappings> mappings_;
};

// "1,4 held row 4: ..." of each group that is not taken.
std::vector<std::string> NotTaken(const CsvReport& report) {
  std::vector<std::string> lines;
  for (const RowReport& group : report.groups) {
    if (group.result != "taken") {
      lines.push_back(group.result + " " + group.where);
    }
  }
  return lines;
}

TEST_F(RowsTest, EveryFileIsTakenOnceAndASecondTimeChangesNothing) {
  struct Case {
    const char* feed;
    uint32_t taken, held, refused, duplicates;
  };
  const std::vector<Case> cases = {
      {"northshire-care-plans", 4, 0, 2, 1},     {"fenwick-sharing-preferences", 7, 0, 2, 0},
      {"northshire-reviews", 4, 2, 0, 0},        {"fenwick-goals-actions", 4, 1, 0, 0},
      {"fenwick-care-teams", 8, 1, 2, 1},        {"northshire-carers", 4, 0, 2, 0},
      {"fenwick-transfers", 3, 2, 2, 0},         {"northshire-about-me", 3, 0, 0, 0},
      {"northshire-outcome-scores", 4, 0, 3, 0},
  };
  for (const Case& test : cases) {
    const CsvReport report = TakeOwn(test.feed);
    EXPECT_EQ(report.taken, test.taken) << test.feed;
    EXPECT_EQ(report.held, test.held) << test.feed;
    EXPECT_EQ(report.refused, test.refused) << test.feed;
    EXPECT_EQ(report.duplicates, test.duplicates) << test.feed;
    for (const RowReport& group : report.groups) {
      EXPECT_TRUE(group.result == "taken" || group.where.starts_with("row ")) << test.feed;
      EXPECT_TRUE(group.result == "taken" || !group.reason.empty()) << test.feed;
    }
    const CsvReport again = TakeOwn(test.feed);
    EXPECT_EQ(again.taken, 0u) << test.feed;
    EXPECT_EQ(again.unchanged, test.taken) << test.feed;
    EXPECT_EQ(again.held + again.refused, test.held + test.refused) << test.feed;
  }
}

TEST_F(RowsTest, StatesOfOnePlanAreItsVersions) {
  TakeOwn("northshire-care-plans");
  const Json plan = Stored("CarePlan", kPlans, "CP-881");
  EXPECT_EQ(plan.Find("meta")->TextOf("versionId"), "2");
  EXPECT_EQ(plan.TextOf("status"), "on-hold") << "the row that was reviewed later counts";
}

// The rows of a person in one file come to one version, their state at its end: the shared sample's
// words of "two versions" (a permit given in row 3 and taken away in row 4) are of files that come
// one after the other. A permit of yesterday that a later row of the same file takes away is never
// in force, not for the moment between two commits; what was decided when stands in the file, which
// is kept.
TEST_F(RowsTest, APermitThatALaterRowTakesAwayIsNeverInForce) {
  const std::string head =
      "nhs_number,dob,preference,scope,organisation_ods,organisation_name,data_excluded,"
      "decision_date,expiry_date,recorded_by,capacity,comment\n";
  const auto given = [](const std::string& person) {
    return person + ",1941-03-14,CONSENT,CAREPLAN,X9901,Hospital,,20/01/2026,,Pell A,Y,\n" +
           person + ",1941-03-14,CONSENT,CAREPLAN,X9905,Befrienders,,20/01/2026,,Pell A,Y,\n";
  };
  const auto taken = [](const std::string& person) {
    return person + ",1941-03-14,WITHDRAWN,CAREPLAN,X9905,Befrienders,,05/05/2026,,Pell A,Y,\n";
  };
  // Consents as they are now: version, date of the last decision, and who may see.
  const auto now = [this](const std::string& person) {
    std::string text;
    const auto patients = Find("Patient", "https://fhir.nhs.uk/Id/nhs-number", person);
    const auto consents = gateway_.parts().store.ConsentsOf(patients.at(0).key.id);
    for (const fhir::StoredResource& stored : consents->resources) {
      const Json consent = *Json::Parse(stored.json, Limits());
      text += std::to_string(stored.version) + " " + std::string(consent.TextOf("dateTime"));
      for (const Json& permit : consent.Find("provision")->Find("provision")->items()) {
        const Json* who = permit.Find("actor")->items()[0].Find("reference");
        text += " " + std::string(who->Find("identifier")->TextOf("value"));
      }
    }
    return text;
  };
  Take("fenwick-sharing-preferences", head + given("9991001018") + taken("9991001018"));
  EXPECT_EQ(now("9991001018"), "1 2026-05-05 X9901");
  Take("fenwick-sharing-preferences", head + given("9991002022"));
  EXPECT_EQ(now("9991002022"), "1 2026-01-20 X9901 X9905");
  Take("fenwick-sharing-preferences", head + given("9991002022") + taken("9991002022"));
  EXPECT_EQ(now("9991002022"), "2 2026-05-05 X9901");
}

TEST_F(RowsTest, ACarerWhoIsNotInvolvedAnyLongerIsNotByAnOlderFile) {
  const std::string head = "NHS No,Carer,Relationship,Involvement,Decision Date\n9991001018,";
  const auto result = [&](const std::string& row) {
    return Take("northshire-carers", head + row + "\n").groups.front().result;
  };
  EXPECT_EQ(result("Ann Ash,Daughter,Not involved,05/05/2026"), "taken");
  EXPECT_EQ(result("Ann Ash,Daughter,Full,02/03/2026"), "held");
  EXPECT_EQ(result("Ann Ash,Daughter,Full,"), "held");
  EXPECT_EQ(result("Ben Ash,Son,Full,"), "taken") << "of whom nothing was said";
  EXPECT_EQ(result("Ann Ash,Daughter,Full,02/03/2026"), "held")
      << "though the last file does not name her";
  EXPECT_EQ(result("Ann Ash,Daughter,Full,06/05/2036"), "taken");
  EXPECT_EQ(result("Ben Ash,Son,Only in emergency,07/05/2036"), "taken");
  EXPECT_EQ(result("Ann Ash,Daughter,Full,08/05/2036"), "taken");
  EXPECT_EQ(result("Ben Ash,Son,Full,06/05/2036"), "held") << "it was less that he may see";
  EXPECT_EQ(result("Ben Ash,Son,Full,08/05/2036"), "taken") << "of him, not of her";
}

// A goal's number may be given out once in each plan; rows of one goal are of one person.
TEST_F(RowsTest, RowsOfOneGoalNameOnePerson) {
  map::Feed feed = Feed("fenwick-goals-actions");
  feed.delimiter = ",";
  const std::string head = "NHS Number,PlanRef,GoalRef,Goal,Action\n";
  const auto report = gateway_.ingest().AcceptCsv(
      head + "9991001018,CP-881,1,Walk,To the gate\n9991002022,CP-881,1,Swim,To the pool\n", feed,
      "goals.csv");
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->groups.size(), 1u);
  EXPECT_EQ(report->groups[0].where, "row 2, column nhsNumber");
  EXPECT_EQ(report->refused, 2u);
  const auto plans = gateway_.ingest().AcceptCsv(
      head + "9991001018,CP-881,1,Walk,To the gate\n9991001018,CP-882,1,Swim,To the pool\n", feed,
      "plans.csv");
  ASSERT_TRUE(plans.ok());
  EXPECT_EQ(plans->groups.size(), 2u) << "of two plans";
}

// Equal rows are one where nothing stands between them.
TEST_F(RowsTest, AStateThatComesBackIsAState) {
  const std::string head = "NHS Number,Plan Ref,last_review,next_review_due\n";
  const std::string one = "9991001018,PL1,01/02/2026,01/05/2026\n";
  const std::string other = "9991001018,PL1,01/02/2026,01/09/2026\n";
  const CsvReport back = Take("northshire-reviews", head + one + other + one);
  EXPECT_EQ(back.groups.size(), 3u);
  EXPECT_EQ(back.duplicates, 0u);
  const CsvReport twice = Take("northshire-reviews", head + one + one + other);
  EXPECT_EQ(twice.duplicates, 1u);
}

// A file that comes late does not take back what a newer one said: it is refused, with the column
// that says so. Not by the order of files: by what the feed counts its states by.
TEST_F(RowsTest, AnOlderStateOverwritesNothing) {
  const std::string head =
      "PersonID,NHS No,Surname,Forename,DOB,Plan Ref,Plan Type,Plan Status,Start Date,Review Due,"
      "Last Reviewed,Lead Worker,Goals\n";
  const auto row = [](const std::string& status, const std::string& reviewed) {
    return "W-1,9992010010,HARTLEY,Beatrix,11/06/1938,CP-881,Personalised plan," + status +
           ",02/03/2026,01/12/2026," + reviewed + ",\"Pell, Aurora\",Tend my allotment\n";
  };
  struct Case {
    const char* why;
    std::string rows;
    std::vector<std::string> not_taken;
    const char* status;
    const char* version;
  };
  const std::string refused = "refused row 1, column Last Reviewed";
  const std::vector<Case> cases = {
      {"first", row("Active", "01/04/2026"), {}, "active", "1"},
      {"newer", row("On hold", "01/05/2026"), {}, "on-hold", "2"},
      {"older", row("Ended", "30/04/2026"), {refused}, "on-hold", "2"},
      {"of no day", row("Ended", ""), {refused}, "on-hold", "2"},
      {"the same day, and said otherwise", row("Active", "01/05/2026"), {}, "active", "3"},
      {"the first file again", row("Active", "01/04/2026"), {"unchanged "}, "active", "3"},
      {"what came to pass, and what came then",
       row("On hold", "01/04/2026") + row("Ended", "01/06/2026"),
       {"unchanged "},
       "completed",
       "4"},
      {"two that are older",
       row("Active", "02/04/2026") + row("On hold", "03/05/2026"),
       {"unchanged ", "refused row 2, column Last Reviewed"},
       "completed",
       "4"},
  };
  for (const Case& test : cases) {
    const CsvReport report = Take("northshire-care-plans", head + test.rows);
    EXPECT_EQ(NotTaken(report), test.not_taken) << test.why;
    const Json plan = Stored("CarePlan", kPlans, "CP-881");
    EXPECT_EQ(plan.TextOf("status"), test.status) << test.why;
    EXPECT_EQ(plan.Find("meta")->TextOf("versionId"), test.version) << test.why;
  }
  const CsvReport told =
      Take("northshire-care-plans", head + row("Draft", "01/04/2026") + row("Ended", "01/06/2026"));
  ASSERT_EQ(told.remarks.size(), 2u);
  EXPECT_EQ(told.remarks.front().code, "superseded-row");
  EXPECT_EQ(told.remarks.front().where, "row 1, column Last Reviewed");
  EXPECT_EQ(told.remarks.back().code, "rows-closed") << "the rows that were refused as older";
}

// A corrected file, or a later state, takes the place of what waited; an older one does not.
TEST_F(RowsTest, ALaterRowOfTheKeyClosesWhatWaits) {
  const std::string head =
      "PersonID,NHS No,Surname,Forename,DOB,Plan Ref,Plan Type,Plan Status,Start Date,Review Due,"
      "Last Reviewed,Lead Worker,Goals\n";
  const auto row = [](const std::string& plan, const std::string& status,
                      const std::string& reviewed) {
    return "W-1,9992010010,HARTLEY,Beatrix,11/06/1938," + plan + ",Personalised plan," + status +
           ",02/03/2026,01/12/2026," + reviewed + ",\"Pell, Aurora\",Tend my allotment\n";
  };
  const auto open = [this] {
    store::MessageQuery query;
    query.feed = "northshire-care-plans";
    query.state = store::MessageState::kOpen;
    return *gateway_.parts().store.archive().List(query);
  };
  const std::string good = row("CP-881", "Active", "01/04/2026");
  const std::string first =
      head + good + row("CP-882", "no such", "01/04/2026") + row("CP-883", "no such", "01/04/2026");
  EXPECT_EQ(Take("northshire-care-plans", first).refused, 2u);
  ASSERT_EQ(open().size(), 2u);
  const CsvReport corrected =
      Take("northshire-care-plans", head + good + row("CP-882", "Active", "02/04/2026"));
  EXPECT_EQ(corrected.taken, 2u);
  ASSERT_FALSE(corrected.remarks.empty());
  EXPECT_EQ(corrected.remarks.back().code, "rows-closed");
  EXPECT_EQ(corrected.remarks.back().where, "row 2");
  ASSERT_EQ(open().size(), 1u) << "another key, or nothing said of it";

  store::MessageQuery all;
  all.feed = "northshire-care-plans";
  all.state = store::MessageState::kReplaced;
  const auto closed = *gateway_.parts().store.archive().List(all);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_GT(closed[0].replaced_by, closed[0].number);
  EXPECT_FALSE(closed[0].note.empty());
  const store::FeedState counts = gateway_.parts().store.archive().Feeds()->front();
  EXPECT_EQ(counts.replaced, 1u);

  // What was replaced stays so, whoever sends its file again; what failed afterwards waits.
  EXPECT_EQ(
      NotTaken(Take("northshire-care-plans", first)),
      (std::vector<std::string>{"unchanged ", "unchanged ", "refused row 3, column Plan Status"}));
  EXPECT_EQ(Take("northshire-care-plans", head + row("CP-882", "no such", "03/04/2026")).refused,
            1u);
  EXPECT_EQ(open().size(), 2u);
}

TEST_F(RowsTest, GoalsOfAPlanThatNobodyKnowsWaitUntilItIs) {
  const std::string goals = ProjectFile("tests/data/csv/fenwick-goals-actions.csv");
  const CsvReport before = Take("fenwick-goals-actions", goals);
  EXPECT_EQ(before.taken, 0u);
  EXPECT_EQ(before.held, 5u);
  store::MessageQuery open;
  open.feed = "fenwick-goals-actions";
  open.state = store::MessageState::kOpen;
  const auto queue = gateway_.parts().store.archive().List(open);
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->size(), 4u) << "three goals and a row without a number";
  TakeOwn("northshire-care-plans");
  Operations operations(gateway_.parts(), &gateway_.ingest(), &gateway_.journal());
  for (const store::MessageEntry& entry : *queue) {
    EXPECT_TRUE(entry.cause.starts_with("204 ")) << entry.cause;
  }
  // All that is open of the file is taken once more.
  ASSERT_TRUE(operations.Resubmit(queue->front().number, "test").ok());
  EXPECT_EQ(gateway_.parts().store.archive().List(open)->size(), 1u) << "the row without a number";
  const Json goal = Stored("Goal", "urn:caregate:id:X9906:goal", "G-1");
  const Json plan = Stored("CarePlan", kPlans, "CP-881");
  EXPECT_EQ(goal.Find("subject")->TextOf("reference"), plan.Find("subject")->TextOf("reference"))
      << "whose plan it is, theirs is the goal";
  ASSERT_NE(plan.Find("activity"), nullptr);
  EXPECT_EQ(plan.Find("activity")->items().size(), 2u);
}

TEST_F(RowsTest, AnActionGoesOnUnderItsGoal) {
  TakeOwn("northshire-care-plans");
  const std::string head = "PlanRef,GoalRef,Goal,Action,By whom,Status\n";
  const std::string row = "CP-881,G-9,Tend my allotment,Beds to be built,Volunteers,";
  map::Feed feed = Feed("fenwick-goals-actions");
  feed.delimiter = ",";
  for (const char* status : {"Not started", "In progress", "Done"}) {
    const auto report = gateway_.ingest().AcceptCsv(head + row + status + "\n", feed, "goals.csv");
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->taken, 1u) << status;
  }
  const Json plan = Stored("CarePlan", kPlans, "CP-881");
  ASSERT_EQ(plan.Find("activity")->items().size(), 1u);
  EXPECT_EQ(plan.Find("activity")->items()[0].Find("detail")->TextOf("status"), "completed");
}

// Reviews that are due by a day, as the Tasks say it.
TEST_F(RowsTest, ReviewsAreDueAsSentOrByTheirInterval) {
  const std::string path = GW_SOURCE_DIR "/../shared/samples/csv/csv06_plan_reviews_due.csv";
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    GTEST_SKIP() << "the shared samples are not on this machine; the pairs of "
                    "mappings/csv-to-fhir/reviews hold reviews of our own";
  }
  const CsvReport report =
      Take("northshire-reviews", std::string(std::istreambuf_iterator<char>(in), {}));
  EXPECT_EQ(report.taken, 6u);
  const std::vector<std::pair<std::string, std::string>> due = {
      {"PC-2026-0451", "2026-09-01"}, {"PC-2025-0782", "2026-02-01"},
      {"PC-2026-0404", "2027-03-03"}, {"PC-2024-0303", "2026-10-10"},
      {"PC-2026-0707", "2026-11-01"}, {"PC-2023-0606", "2025-03-16"}};
  std::vector<std::string> overdue;
  for (const auto& [plan, day] : due) {
    const Json task = Stored("Task", "urn:caregate:id:X9903:review", plan);
    EXPECT_EQ(task.Find("restriction")->Find("period")->TextOf("end"), day) << plan;
    EXPECT_EQ(task.TextOf("status"), "requested");
    if (std::string(task.Find("restriction")->Find("period")->TextOf("end")) < "2026-09-01") {
      overdue.push_back(plan);
    }
  }
  EXPECT_EQ(overdue, (std::vector<std::string>{"PC-2025-0782", "PC-2023-0606"}));
}

TEST_F(RowsTest, TheSamplesOfGoalsAreTakenAndHeldAsListed) {
  const std::string folder = GW_SOURCE_DIR "/../shared/samples/csv/";
  std::ifstream plans(folder + "csv01_socialcare_careplan_export.csv", std::ios::binary);
  std::ifstream goals(folder + "csv04_community_goals_actions.tsv", std::ios::binary);
  if (!plans || !goals) {
    GTEST_SKIP() << "the shared samples are not on this machine";
  }
  Take("northshire-care-plans", std::string(std::istreambuf_iterator<char>(plans), {}));
  const CsvReport report =
      Take("fenwick-goals-actions", std::string(std::istreambuf_iterator<char>(goals), {}));
  EXPECT_EQ(report.taken, 4u);
  EXPECT_EQ(report.held, 2u);
  EXPECT_EQ(report.refused, 0u);
  EXPECT_EQ(NotTaken(report).size(), 2u);
}

// A person's wish that a carer be told only in an emergency binds the carer, and nobody else.
TEST_F(RowsTest, ACarersConsentSpeaksOfCarersAlone) {
  TakeOwn("northshire-care-plans");
  const auto plans_seen = [this] {
    return MatchesOn(gateway_.Get("/fhir/CarePlan?identifier=CP-881", Caller{}));
  };
  ASSERT_EQ(plans_seen(), 1u);
  TakeOwn("northshire-carers");
  EXPECT_EQ(plans_seen(), 1u) << "a clinician still sees the plan";
  const Json carer = Stored("RelatedPerson", "urn:caregate:id:X9903:carer", "C-77");
  const Json consents = gateway_.Get("/fhir/Consent", Caller{});
  bool emergency = false;
  for (const Json& entry : consents.Find("entry")->items()) {
    const Json* provision = entry.Find("resource")->Find("provision");
    for (const Json& permit : provision->Find("provision")->items()) {
      const bool his = permit.Find("actor")->items()[0].Find("reference")->TextOf("reference") ==
                       "RelatedPerson/" + std::string(carer.TextOf("id"));
      emergency |= his && permit.Find("purpose") != nullptr &&
                   permit.Find("purpose")->items()[0].TextOf("code") == "ETREAT";
    }
  }
  EXPECT_TRUE(emergency);
}

TEST_F(RowsTest, ARowWithoutANumberIsHeldAndOneWithABadOneRefused) {
  const CsvReport report = TakeOwn("fenwick-care-teams");
  EXPECT_EQ(NotTaken(report),
            (std::vector<std::string>{"refused row 10, column To",
                                      "refused row 11, column NHS Number", "held row 12"}));
}

}  // namespace
}  // namespace gw::flow
