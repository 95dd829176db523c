#include "gateway/map/v2_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/map/translate.h"

namespace gw::map {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

const V2Model& Model() {
  static const V2Model model = [] {
    auto loaded = V2Model::Load(GW_SOURCE_DIR "/profiles/hl7v2", R4());
    EXPECT_TRUE(loaded.ok()) << loaded.error().detail << " at " << loaded.error().where;
    return *std::move(loaded);
  }();
  return model;
}

// A message of lines, with "|" lines joined by CR and an MSH of this event in front.
std::string MessageOf(const std::string& event, const std::string& segments,
                      const std::string& time = "20260120100000") {
  std::string text =
      "MSH|^~\\&|ASCCASE|X9903|CAREGW|X9900|" + time + "||" + event + "|C1|P|2.5.1\r" + segments;
  std::replace(text.begin(), text.end(), '\n', '\r');
  return text;
}

struct Outcome {
  Result<fhir::Resource> tree;
  std::vector<Remark> remarks;
  // The text at a path below the root, "-" where nothing stands, "null" for a null element.
  std::string At(std::string_view path) const {
    const fhir::Element* node = tree->root().Path(path);
    return node == nullptr ? "-" : node->is_null() ? "null" : std::string(node->text());
  }
  bool Remarked(std::string_view code, std::string_view where) const {
    return std::any_of(remarks.begin(), remarks.end(), [&](const Remark& remark) {
      return remark.code == code && remark.where == where;
    });
  }
};

Outcome Read(const std::string& text, const Feed& feed = Feed{}) {
  auto message = hl7v2::Message::Parse(text, hl7v2::ParseOptions{});
  EXPECT_TRUE(message.ok()) << message.error().detail;
  Outcome outcome{Error{}, {}};
  if (message) {
    outcome.tree = Model().Read(*message, feed, &outcome.remarks);
  }
  return outcome;
}

constexpr char kPid[] = "PID|1||H000451^^^X9901^MR~9991001018^^^NHS^NH||Smith^Margaret^Rose\n";

TEST(V2ModelTest, ReadsFieldsComponentsAndRepetitions) {
  const Outcome read = Read(MessageOf("ADT^A31^ADT_A05", std::string(kPid) + "PV1|1|N\n"));
  ASSERT_TRUE(read.tree.ok()) << read.tree.error().detail << read.tree.error().where;
  const fhir::Element& root = read.tree->root();
  EXPECT_EQ(root.type().name(), "ADT_A05");
  EXPECT_EQ(read.At("MSH.f3.c1"), "ASCCASE");
  EXPECT_EQ(read.At("MSH.f2"), "-");
  EXPECT_EQ(root.Path("PID")->Count("f3"), 2U);
  EXPECT_EQ(root.Path("PID")->Child("f3", 1)->TextAt("c4.s1"), "NHS");
  EXPECT_EQ(read.At("PID.f5.c1.s1"), "Smith");
  EXPECT_EQ(read.At("PID.f5.c3"), "Rose");
  EXPECT_EQ(read.At("PATIENT_VISIT.PV1.f2.c1"), "N");
  EXPECT_EQ(read.At("PATIENT_VISIT.PV1.f3"), "-");
}

}  // namespace
}  // namespace gw::map
