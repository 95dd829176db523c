// The example that docs/mapping.md works through is the page's own text.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gateway/map/plan/plan.h"
#include "tests/map/plan_testing.h"
#include "tests/map/v2_model_testing.h"

namespace gw::map {
namespace {

// The fenced blocks of a page that begin with `word`.
std::vector<std::string> Blocks(const std::string& page, const std::string& word) {
  std::ifstream file(std::string(GW_SOURCE_DIR) + "/docs/" + page);
  std::ostringstream whole;
  whole << file.rdbuf();
  const std::string text = whole.str();
  const std::string fence = "```\n";
  std::vector<std::string> blocks;
  for (size_t at = text.find("\n" + fence + word); at != std::string::npos;
       at = text.find("\n" + fence + word, at + 1)) {
    const size_t begin = at + 1 + fence.size();
    blocks.push_back(text.substr(begin, text.find("\n```", begin) + 1 - begin));
  }
  return blocks;
}

TEST(WorkedExample, OfTheManualRunsAsPrinted) {
  const std::vector<std::string> maps = Blocks("mapping.md", "map \"");
  ASSERT_EQ(maps.size(), 1u);
  const std::vector<MapFile> files = {{"example.map", maps.front()}};
  const std::string model = "urn:caregate:hl7v2:";
  const auto find = [&](std::string_view url) {
    return url.starts_with(model) ? ProjectV2Model().Find(url.substr(model.size())) : nullptr;
  };
  const auto plan = Plan::Compile(files, find, {}, R4());
  ASSERT_TRUE(plan.ok()) << plan.error().where << ": " << plan.error().detail;
  const V2Reading reading =
      ReadV2(V2MessageOf("ADT^A01^ADT_A01",
                         "EVN|A01|20260120100000\n"
                         "PID|1||9991001018^^^NHS^NH||Marsh^Olive||19440203|F\nPV1|1|I"));
  ASSERT_TRUE(reading.tree) << reading.Refused();
  const auto mapped = plan->Run("urn:caregate:map:example", reading.tree->root(), {});
  ASSERT_TRUE(mapped.ok()) << mapped.error().where << ": " << mapped.error().detail;
  const fhir::Element& patient = *mapped->target.root().Path("entry.resource");
  EXPECT_EQ(patient.TextAt("gender"), "female");
  EXPECT_EQ(patient.TextAt("birthDate"), "1944-02-03");
  EXPECT_EQ(patient.TextAt("name.family"), "Marsh");
  EXPECT_EQ(patient.TextAt("name.given"), "Olive");
  EXPECT_EQ(patient.TextAt("identifier.value"), "9991001018");
}

}  // namespace
}  // namespace gw::map
