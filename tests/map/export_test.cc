#include "gateway/map/export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "gateway/map/csv_writer.h"
#include "gateway/map/v2_model.h"
#include "tests/map/samples_testing.h"

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

using Leaves = std::map<std::string, int>;

// Each valued leaf below the segments, "ROL.f4.c1=value", but for the envelope and set ids.
void Collect(const fhir::Element& node, const std::string& path, Leaves* leaves) {
  const bool is_segment = node.definition() != nullptr && node.name() == node.type().name();
  if (is_segment && (node.name() == "MSH" || node.name() == "EVN" || node.name() == "OTHER")) {
    return;
  }
  const std::string here = is_segment     ? std::string(node.name())
                           : path.empty() ? ""
                                          : path + "." + std::string(node.name());
  if (node.has_text() && !here.empty()) {
    ++(*leaves)[here + "=" + std::string(node.text())];
  }
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    Collect(*child, here, leaves);
  }
}

// The round trip of issue 4, item 5: prints what is kept and what is not.
TEST(Export, MeasuresTheRoundTripOfSamples) {
  const auto model = V2Model::Load(GW_SOURCE_DIR "/profiles/hl7v2", Definitions());
  const auto exporter =
      Exporter::Load(GW_SOURCE_DIR "/mappings", GW_SOURCE_DIR "/profiles", Definitions());
  ASSERT_TRUE(model.ok());
  ASSERT_TRUE(exporter.ok()) << exporter.error().where << ": " << exporter.error().detail;
  Destination to;
  to.name = "test";
  to.version = "2.6";
  int kept = 0;
  int all = 0;
  for (const char* name : {"plan_add", "goal_add", "admit", "person_add", "consent_grant"}) {
    const Feed feed = FeedOf("X9900");
    const std::string bytes =
        ReadFile(std::string(GW_SOURCE_DIR "/tests/data/hl7v2/") + name + ".hl7");
    const auto message = hl7v2::Message::Parse(bytes, {});
    ASSERT_TRUE(message.ok()) << name;
    std::vector<Remark> remarks;
    const auto before = model->Read(*message, message->structure(), feed, &remarks);
    ASSERT_TRUE(before.ok()) << name;
    const Outcome outcome = TranslateMessage(bytes, feed);
    const auto made = exporter->FromChanges(outcome.translation.changes, to, kNow);
    ASSERT_TRUE(made.ok()) << name << made.error().detail;
    Leaves had;
    Leaves has;
    Collect(before->root(), "", &had);
    for (const auto& one : made->messages) {
      ASSERT_TRUE(one.ok()) << name << one.error().detail;
      const auto again = hl7v2::Message::Parse(one->bytes, {});
      ASSERT_TRUE(again.ok()) << name;
      const auto after = model->Read(*again, again->structure(), feed, &remarks);
      ASSERT_TRUE(after.ok()) << name << after.error().detail;
      Collect(after->root(), "", &has);
    }
    for (const auto& [leaf, count] : had) {
      const int found = std::min(count, has.contains(leaf) ? has[leaf] : 0);
      all += count;
      kept += found;
      if (found < count) {
        std::printf("[ not back ] %s: %s\n", name, leaf.substr(0, leaf.find('=')).c_str());
      }
    }
  }
  std::printf("[ measured ] %d of %d valued components come back (%.1f %%)\n", kept, all,
              100.0 * kept / all);
  EXPECT_GE(kept * 100, all * 80);
}

TEST(Export, GuardsCellsAgainstFormulas) {
  for (const char* cell : {"=1+1", "+44", "-5", "@SUM", "\tx", "\rx", "'quoted", "plain", ""}) {
    EXPECT_EQ(WithoutGuard(WithGuard(cell)), cell);
  }
  EXPECT_EQ(WithGuard("=1+1"), "'=1+1");
  EXPECT_EQ(WithGuard("plain"), "plain");
}

}  // namespace
}  // namespace gw::map
