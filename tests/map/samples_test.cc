#include <string>
#include <utility>

#include "tests/map/samples_testing.h"

namespace gw::map {
namespace {

const std::string kShared = GW_SOURCE_DIR "/../shared/samples/";

// The shared samples, with the outcomes that stand beside them. `organization` is the sender's.
struct Sample {
  const char* file;
  const char* organization;
  const char* refusal;  // "" where it is taken
};

// Every unit that was taken, together, against what is expected of the file.
void ExpectGroups(const CsvTranslation& file, const std::string& expected_file, size_t taken) {
  Outcomes all;
  size_t count = 0;
  for (const RowGroup& group : file.groups) {
    if (!group.translation) {
      continue;
    }
    ++count;
    auto outcomes = OutcomesOf(group.translation->changes);
    ASSERT_TRUE(outcomes.ok()) << outcomes.error().detail << " at " << outcomes.error().where;
    for (fhir::Resource& resource : outcomes->resources) {
      all.resources.push_back(std::move(resource));
    }
  }
  EXPECT_EQ(count, taken);
  const auto expected = Json::Parse(ReadFile(kShared + expected_file), Limits());
  ASSERT_TRUE(expected.ok());
  for (const std::string& difference : Differences(*expected, all)) {
    ADD_FAILURE() << difference << "\n" << all.Json();
  }
}

class SharedSamples : public testing::TestWithParam<Sample> {};

TEST_P(SharedSamples, ComeToWhatIsExpected) {
  const Sample& sample = GetParam();
  const std::string bytes = ReadFile(kShared + "hl7v2/" + sample.file + ".hl7");
  if (bytes.empty()) {
    GTEST_SKIP() << "the shared samples are not on this machine";
  }
  const Outcome outcome = TranslateMessage(bytes, FeedOf(sample.organization));
  EXPECT_EQ(outcome.refusal.substr(0, outcome.refusal.find(' ')), sample.refusal)
      << outcome.refusal;
  if (!outcome.refusal.empty()) {
    return;
  }
  const auto outcomes = OutcomesOf(outcome.translation.changes);
  ASSERT_TRUE(outcomes.ok()) << outcomes.error().detail << " at " << outcomes.error().where;
  const std::string text =
      WithFirstIdentities(ReadFile(kShared + "hl7v2/" + sample.file + ".expected.json"), *outcomes);
  if (text.empty()) {
    return;
  }
  const auto expected = Json::Parse(text, Limits());
  ASSERT_TRUE(expected.ok());
  for (const std::string& difference : Differences(*expected, *outcomes)) {
    ADD_FAILURE() << difference << "\n" << outcomes->Json();
  }
}

std::string NameOf(const testing::TestParamInfo<Sample>& sample) {
  return "Message" + std::string(sample.param.file).substr(0, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Hl7v2, SharedSamples,
    testing::Values(
        Sample{"01_pgl_pc6_goal_add", "X9903", ""}, Sample{"02_pgl_pc7_goal_update", "X9903", ""},
        Sample{"03_pgl_pc8_goal_delete", "X9903", ""},
        Sample{"05_ppr_pc2_problem_update_link_unlink", "X9902", ""},
        Sample{"10_ppg_pcg_pathway_goal_add_v26", "X9906", ""},
        Sample{"14_adt_a03_discharge_receiving_team", "X9901", ""},
        Sample{"15_adt_a16_pending_discharge_care_home", "X9901", ""},
        Sample{"19_adt_a40_merge", "X9901", ""}, Sample{"24_ref_i12_voluntary_sector", "X9902", ""},
        Sample{"26_ccm_i21_collaborative_care_message", "X9906", ""},
        Sample{"39_ptr_pcf_query_response", "X9903", ""},
        Sample{"07_ppp_pcb_careplan_add", "X9903", ""},
        Sample{"12_adt_a31_team_prt_v28", "X9906", ""}, Sample{"13_adt_a01_admit", "X9901", ""},
        Sample{"17_adt_a28_add_person_utf8", "X9902", ""},
        Sample{"21_mdm_t02_consent_set", "X9902", ""},
        Sample{"23_adt_a31_access_restriction_arv", "X9902", ""},
        Sample{"27_mdm_t02_about_me", "X9903", ""},
        Sample{"28_ppp_pcc_odd_encoding_chars", "X9903", ""},
        Sample{"30_adt_a08_messy_zsegments_lf", "X9901", ""},
        Sample{"34_adt_a28_bad_nhs_check_digit", "X9902", ""},
        Sample{"35_duplicate_of_07_replay", "X9903", ""},
        Sample{"36_truncated_message", "X9901", "100"},
        Sample{"37_unsupported_event", "X9901", "200"},
        Sample{"04_ppr_pc1_problem_add", "X9902", ""},
        Sample{"06_ppr_pc3_problem_delete", "X9902", ""},
        Sample{"09_ppp_pcd_careplan_delete", "X9903", ""}),
    NameOf);

// What a file of the samples comes to without a store: whether what it refers to is known, that
// only a gateway can tell (tests/flow/rows_test.cc).
struct CsvSample {
  const char* file;
  const char* feed;
  const char* expected;  // file of what is expected; "" where MANIFEST.tsv says it in words
  uint32_t rows, duplicates, refused, held, blank, trailers;
  size_t taken;                     // groups
  std::vector<const char*> places;  // of what is refused or held, in order
};

class SharedCsvSamples : public testing::TestWithParam<CsvSample> {};

TEST_P(SharedCsvSamples, ComeToWhatIsExpected) {
  const CsvSample& sample = GetParam();
  const std::string bytes = ReadFile(kShared + "csv/" + sample.file);
  if (bytes.empty()) {
    GTEST_SKIP() << "the shared samples are not on this machine";
  }
  const auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/" + std::string(sample.feed) + ".json");
  ASSERT_TRUE(feed.ok()) << feed.error().detail << " at " << feed.error().where;
  const auto file = Maps().FromCsv(bytes, *feed, Instant{});
  ASSERT_TRUE(file.ok()) << file.error().detail << " at " << file.error().where;
  EXPECT_EQ(file->rows_read, sample.rows);
  EXPECT_EQ(file->duplicates, sample.duplicates);
  EXPECT_EQ(file->refused, sample.refused);
  EXPECT_EQ(file->held, sample.held);
  EXPECT_EQ(file->blank, sample.blank);
  EXPECT_EQ(file->trailers, sample.trailers);
  size_t taken = 0;
  std::vector<std::string> places;
  for (const RowGroup& group : file->groups) {
    taken += group.translation ? 1u : 0u;
    if (!group.translation) {
      places.push_back(group.translation.error().where);
    }
  }
  EXPECT_EQ(taken, sample.taken);
  EXPECT_EQ(places, std::vector<std::string>(sample.places.begin(), sample.places.end()));
  if (*sample.expected != '\0') {
    ExpectGroups(*file, sample.expected, sample.taken);
  }
}

std::string CsvNameOf(const testing::TestParamInfo<CsvSample>& sample) {
  return std::string(sample.param.file).substr(0, 5);
}

INSTANTIATE_TEST_SUITE_P(
    Csv, SharedCsvSamples,
    testing::Values(
        // The plan that two rows tell of is two states of one plan, one after the other.
        CsvSample{"csv01_socialcare_careplan_export.csv",
                  "northshire-care-plans",
                  "csv/csv01_socialcare_careplan_export.expected.json",
                  11,
                  1,
                  2,
                  0,
                  1,
                  1,
                  6,
                  {"row 7, column DOB", "row 8"}},
        CsvSample{"csv02_gp_careteam_members_cp1252.csv",
                  "fenwick-care-teams",
                  "",
                  10,
                  1,
                  1,
                  0,
                  0,
                  0,
                  3,
                  {"row 10, column NHS Number"}},
        // One Consent with one version: "two versions" of the note would put a permit in force that
        // row 4 took away (tests/flow/rows_test.cc, APermitThatALaterRowTakesAwayIsNeverInForce).
        CsvSample{"csv03_gp_sharing_preferences.csv",
                  "fenwick-sharing-preferences",
                  "csv/csv03_gp_sharing_preferences.expected.json",
                  9,
                  0,
                  2,
                  0,
                  0,
                  0,
                  4,
                  {"row 8, column preference", "row 9, column decision_date"}},
        CsvSample{"csv04_community_goals_actions.tsv",
                  "fenwick-goals-actions",
                  "",
                  6,
                  0,
                  0,
                  1,
                  0,
                  0,
                  4,
                  {"row 6"}},
        CsvSample{"csv06_plan_reviews_due.csv", "northshire-reviews", "", 6, 0, 0, 0, 0, 0, 6, {}},
        CsvSample{"csv09_transfers.csv", "fenwick-transfers", "", 3, 0, 0, 0, 0, 0, 3, {}}),
    CsvNameOf);

}  // namespace
}  // namespace gw::map
