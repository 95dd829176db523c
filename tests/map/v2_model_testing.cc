#include "tests/map/v2_model_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gw::map {

const V2Model& ProjectV2Model() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  static const V2Model model = [] {
    auto loaded = V2Model::Load(GW_SOURCE_DIR "/profiles/hl7v2", definitions);
    EXPECT_TRUE(loaded.ok()) << loaded.error().detail << " at " << loaded.error().where;
    return *std::move(loaded);
  }();
  return model;
}

std::string V2MessageOf(const std::string& type, const std::string& segments,
                        const std::string& time) {
  std::string text = "MSH|^~\\&|ASCCASE|X9903|CAREGW|X9900|" + time + "||" + type +
                     "|C1|P|2.5.1\r" + segments + "\r";
  std::replace(text.begin(), text.end(), '\n', '\r');
  return text;
}

std::string V2Reading::At(std::string_view path) const {
  if (!tree) {
    return "refused: " + tree.error().where;
  }
  const fhir::Element* node = tree->root().Path(path);
  return node == nullptr ? "-" : node->is_null() ? "null" : std::string(node->text());
}

std::vector<std::string> V2Reading::Remarked() const {
  std::vector<std::string> all;
  for (const Remark& remark : remarks) {
    all.push_back(remark.code + " " + remark.where);
  }
  return all;
}

std::string V2Reading::Refused() const {
  return tree ? "" : std::to_string(tree.error().hl7_code) + " " + tree.error().where;
}

V2Reading ReadV2(const std::string& text, const Feed& feed) {
  V2Reading reading{std::nullopt, Error{Code::kInvalid, "not parsed", "", 0}, {}};
  auto parsed = hl7v2::Message::Parse(text, hl7v2::ParseOptions{});
  if (!parsed) {
    reading.tree = parsed.error();
    return reading;
  }
  const hl7v2::Message& message = reading.message.emplace(*std::move(parsed));
  reading.tree = ProjectV2Model().Read(message, message.structure(), feed, &reading.remarks);
  return reading;
}

std::string OutlineOf(const fhir::Element& node) {
  std::string outline;
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    outline += outline.empty() ? "" : " ";
    outline += child->name();
    if (child->name() == "OTHER") {
      outline += ":" + std::string(child->TextAt("name"));
    } else if (child->name() != child->type().name()) {
      outline += "(" + OutlineOf(*child) + ")";
    }
  }
  return outline;
}

}  // namespace gw::map
