// The snapshot generator against what HL7 published: R4's own profiles and extensions, made again
// from their differentials.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "gateway/fhir/package/snapshot_internal.h"

namespace gw::fhir {
namespace {

constexpr Limits kLimits = {.body_bytes_max = 100u << 20,
                            .json_depth_max = 200,
                            .json_members_max = 10'000,
                            .json_items_max = 1'000'000,
                            .json_nodes_max = 50'000'000};

// R4's own definitions, as the program holds them.
class Source final : public StructureSource {
 public:
  Result<const StructureDraft*> Find(std::string_view canonical) override {
    if (const auto known = known_.find(canonical); known != known_.end()) {
      return known->second.get();
    }
    const auto* row = compiled::FindCanonical(r4_, r4_.profiles, canonical);
    if (row == nullptr) {
      return nullptr;
    }
    auto made = std::make_unique<StructureDraft>(UnpackStructure(r4_, *row));
    return known_.emplace(std::string(canonical), std::move(made)).first->second.get();
  }

 private:
  compiled::View r4_ = *compiled::Open(compiled::R4Bytes());
  std::map<std::string, std::unique_ptr<StructureDraft>, std::less<>> known_;
};

// What an element says, as one line.
std::string Said(const ElementDraft& element) {
  std::ostringstream out;
  out << element.id << " " << *element.min << ".." << *element.max;
  for (const TypeDraft& type : element.types) {
    out << " " << type.code;
    for (const std::string& profile : type.profiles) {
      out << " <" << profile << ">";
    }
    for (const std::string& target : type.targets) {
      out << " ->" << target;
    }
  }
  if (element.binding) {
    out << " binding " << static_cast<int>(element.binding->strength) << " "
        << element.binding->value_set;
  }
  if (element.slicing) {
    out << " sliced " << static_cast<int>(element.slicing->rules);
  }
  out << (element.fixed ? " fixed " + element.fixed->json : std::string());
  out << (element.pattern ? " pattern " + element.pattern->json : std::string());
  std::set<std::string> keys;
  for (const ConstraintDraft& constraint : element.constraints) {
    keys.insert(constraint.key);
  }
  for (const std::string& key : keys) {
    out << " " << key;
  }
  out << " " << element.content_reference;
  return out.str();
}

std::set<std::string> Lines(const std::vector<ElementDraft>& elements) {
  std::set<std::string> lines;
  for (const ElementDraft& element : elements) {
    lines.insert(Said(element));
  }
  return lines;
}

// The structure without its snapshot: a differential is read only where there is none.
StructureDraft DifferentialOf(const Json& json) {
  std::string text = "{";
  for (const auto& [name, value] : json.members()) {
    if (name != "snapshot") {
      text += text.size() > 1 ? "," : "";
      AppendJsonString(name, &text);
      text += ':';
      AppendJson(value, &text);
    }
  }
  return *ReadStructure(*Json::Parse(text + "}", kLimits));
}

struct Outcome {
  size_t same = 0;
  std::set<std::string> different;
  std::set<std::string> refused;
};

Outcome Compare(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  const Result<Json> bundle = Json::Parse(text.str(), kLimits);
  EXPECT_TRUE(bundle.ok());
  Outcome outcome;
  Source source;
  for (const Json& entry : ItemsOf(*bundle, "entry")) {
    const Json& json = *entry.Find("resource");
    const Result<StructureDraft> published = ReadStructure(json);
    EXPECT_TRUE(published.ok());
    StructureDraft made = DifferentialOf(json);
    const std::string id(json.TextOf("id"));
    if (!MakeSnapshot(&made, 20'000, &source)) {
      outcome.refused.insert(id);
    } else if (Lines(published->elements) == Lines(made.elements)) {
      ++outcome.same;
    } else {
      outcome.different.insert(id);
    }
  }
  return outcome;
}

class PublishedSnapshots : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder_ + "extension-definitions.json")) {
      GTEST_SKIP() << "R4's definitions were not unpacked under build/definitions; "
                      "snapshot_test.cc holds cases of our own";
    }
  }
  const std::string folder_ = GW_SOURCE_DIR "/build/definitions/package/dist/fhir/r4/";
};

TEST_F(PublishedSnapshots, OfExtensionsAreMadeAgain) {
  const Outcome outcome = Compare(folder_ + "extension-definitions.json");
  EXPECT_EQ(outcome.same, 392u);
  EXPECT_EQ(outcome.different, std::set<std::string>{});
  // Its revision allows no extension and asks for three.
  EXPECT_EQ(outcome.refused, std::set<std::string>{"codesystem-history"});
}

TEST_F(PublishedSnapshots, OfProfilesAreMadeAgain) {
  const Outcome outcome = Compare(folder_ + "profiles-others.json");
  EXPECT_EQ(outcome.same, 36u);
  EXPECT_EQ(outcome.different,
            (std::set<std::string>{
                // HL7 drops a binding that the differential states.
                "provenance-relevant-history",
                // component.valueQuantity: the same said on the choice, without a slice.
                "bp",
                // HL7 repeats the constraints of the type's profile on the element.
                "cholesterol", "hdlcholesterol", "ldlcholesterol",
                // A slice name on an element that cannot repeat.
                "catalog",
                // HL7 opens the extensions' own elements, which nothing narrows.
                "elementdefinition-de"}));
  // Slices of what is not sliced.
  EXPECT_EQ(outcome.refused, std::set<std::string>{"familymemberhistory-genetic"});
}

}  // namespace
}  // namespace gw::fhir
