// What a feed's settings do to its messages.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/map/samples_testing.h"

namespace gw::map {
namespace {

const std::string kMessages = GW_SOURCE_DIR "/tests/data/hl7v2/";

constexpr std::string_view kCharge =
    "MSH|^~\\&|PAS|X9911|CAREGW|X9900|20260610093000||DFT^P03^DFT_P03|C1|P|2.5.1\r"
    "EVN||20260610\r"
    "PID|1||H700101^^^X9911^MR||Ashdown^Iris\r"
    "PV1|1|O|||||||||||||||||ENC-1^^^X9911^VN\r"
    "FT1|1|||20260610||CG|X^Charge\r";

size_t CountOf(const Translation& translation, std::string_view code) {
  return static_cast<size_t>(
      std::count_if(translation.remarks.begin(), translation.remarks.end(),
                    [code](const Remark& remark) { return remark.code == code; }));
}

const fhir::Resource* FragmentOf(const Translation& translation, std::string_view type,
                                 std::string_view identifier) {
  for (const Change& change : translation.changes) {
    if (change.fragment.type() == type &&
        change.fragment.root().TextAt("identifier.value") == identifier) {
      return &change.fragment;
    }
  }
  return nullptr;
}

TEST(FeedSettings, AMessageWithoutAMapIsRefusedUnlessTheFeedTakesItsCommonSegments) {
  Feed feed = FeedOf("X9911");
  EXPECT_EQ(TranslateMessage(std::string(kCharge), feed).refusal.substr(0, 3), "200");
  feed.take_common_segments = true;
  const Outcome taken = TranslateMessage(std::string(kCharge), feed);
  ASSERT_EQ(taken.refusal, "");
  EXPECT_EQ(CountOf(taken.translation, "common-segments-only"), 1u);
  EXPECT_EQ(CountOf(taken.translation, "unknown-segment"), 0u);
  EXPECT_NE(FragmentOf(taken.translation, "Patient", "H700101"), nullptr);
  EXPECT_NE(FragmentOf(taken.translation, "Encounter", "ENC-1"), nullptr);
  const auto& unread = taken.translation.unread;
  EXPECT_NE(std::find(unread.begin(), unread.end(), "FT1-6"), unread.end());
  EXPECT_EQ(std::find(unread.begin(), unread.end(), "PID-5.1.1"), unread.end());
  // Without a person there is nothing to take.
  std::string nobody(kCharge);
  nobody.erase(nobody.find("PID|"), nobody.find("PV1|") - nobody.find("PID|"));
  EXPECT_EQ(TranslateMessage(nobody, feed).refusal.substr(0, 3), "200");
}

TEST(FeedSettings, ASnapshotOfRolesReplacesTheTeam) {
  const std::string bytes = ReadFile(kMessages + "visit_discharge.hl7");
  ASSERT_FALSE(bytes.empty());
  for (const bool snapshot : {false, true}) {
    Feed feed = FeedOf("X9911");
    feed.roles = snapshot ? "snapshot" : "delta";
    const Outcome outcome = TranslateMessage(bytes, feed);
    ASSERT_EQ(outcome.refusal, "");
    bool whole = false;
    for (const Change& change : outcome.translation.changes) {
      if (change.fragment.type() != "CareTeam") {
        continue;
      }
      const auto current = fhir::ParseJson(
          R"({"resourceType":"CareTeam","participant":[{"id":"old","onBehalfOf":{"display":"x"}}]})",
          Definitions(), Limits());
      const auto operations = OperationsOf(change, *current);
      ASSERT_TRUE(operations.ok());
      for (const Operation& operation : *operations) {
        whole = whole || (operation.kind == Operation::Kind::kReplaceList &&
                          operation.path == "participant");
      }
    }
    EXPECT_EQ(whole, snapshot);
  }
}

TEST(FeedSettings, ACountyIsADistrictOrAState) {
  const std::string bytes = ReadFile(kMessages + "visit_transfer.hl7");
  Feed feed = FeedOf("X9911");
  for (const std::string_view county : {"district", "state"}) {
    feed.county = std::string(county);
    const Outcome outcome = TranslateMessage(bytes, feed);
    const fhir::Resource* person = FragmentOf(outcome.translation, "Patient", "9991001018");
    ASSERT_NE(person, nullptr);
    EXPECT_EQ(person->root().TextAt("address." + std::string(county)), "Northshire");
  }
}

TEST(FeedSettings, AnUnknownRecordThatIsMergedIsMadeOrRefused) {
  const std::string bytes = ReadFile(kMessages + "person_merge.hl7");
  Feed feed = FeedOf("X9911");
  for (const bool refuse : {false, true}) {
    feed.unknown_merge = refuse ? "refuse" : "create";
    Outcome outcome = TranslateMessage(bytes, feed);
    ASSERT_EQ(outcome.refusal, "");
    for (Change& change : outcome.translation.changes) {
      if (change.fragment.root().TextAt("identifier.value") == "H700901") {
        EXPECT_EQ(Create(&change).ok(), !refuse);
      }
    }
  }
}

TEST(FeedSettings, DefaultsAreWrittenOnlyWhereNothingStands) {
  Outcome outcome =
      TranslateMessage(ReadFile(kMessages + "visit_transfer_cancelled.hl7"), FeedOf("X9911"));
  ASSERT_EQ(outcome.refusal, "");
  for (Change& change : outcome.translation.changes) {
    if (change.fragment.type() != "Encounter") {
      continue;
    }
    const auto current = fhir::ParseJson(
        R"({"resourceType":"Encounter","status":"cancelled","class":{"code":"IMP"}})",
        Definitions(), Limits());
    const auto changed = OperationsOf(change, *current);
    ASSERT_TRUE(changed.ok());
    for (const Operation& operation : *changed) {
      EXPECT_NE(operation.path, "status");
    }
    const auto made = Create(&change);
    ASSERT_TRUE(made.ok() && made->has_value());
    EXPECT_EQ((*made)->root().TextAt("status"), "in-progress");
  }
}

}  // namespace
}  // namespace gw::map
