#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/map/v2/model.h"
#include "tests/map/v2_model_testing.h"

namespace gw::map {
namespace {

using Texts = std::vector<std::string>;

constexpr char kPid[] = "PID|1||H000451^^^X9901^MR~9991001018^^^NHS^NH||Smith^Margaret^Rose";

// An A31 with this segment behind PID.
V2Reading ReadWith(const std::string& segment, const Feed& feed = Feed{}) {
  return ReadV2(V2MessageOf("ADT^A31^ADT_A05", std::string(kPid) + "\nPV1|1|N\n" + segment), feed);
}

TEST(V2ModelTest, ReadsFieldsComponentsAndRepetitions) {
  const V2Reading read = ReadWith("");
  ASSERT_TRUE(read.tree.ok()) << read.tree.error().detail << " " << read.tree.error().where;
  const fhir::Element& root = read.tree->root();
  EXPECT_EQ(root.type().name(), "ADT_A05");
  EXPECT_EQ(root.type().kind(), fhir::Kind::kModel);
  EXPECT_EQ(read.At("MSH.f3.c1"), "ASCCASE");
  EXPECT_EQ(read.At("MSH.f1"), "-");  // syntax, not content
  EXPECT_EQ(read.At("MSH.f2"), "-");
  EXPECT_EQ(root.Path("PID")->Count("f3"), 2U);
  EXPECT_EQ(root.Path("PID")->Child("f3", 1)->TextAt("c4.s1"), "NHS");
  EXPECT_EQ(read.At("PID.f5.c1.s1"), "Smith");
  EXPECT_EQ(read.At("PID.f5.c3"), "Rose");
  EXPECT_EQ(read.At("PATIENT_VISIT.PV1.f2.c1"), "N");
  EXPECT_EQ(read.At("PATIENT_VISIT.PV1.f3"), "-");
  EXPECT_TRUE(read.remarks.empty());
}

// One field sent in many ways: segment, path, text there.
TEST(V2ModelTest, ReadsValues) {
  struct Case {
    std::string segment, path, text;
  };
  const std::string note = "OBX|1|TX|A||x\nNTE|1||";
  const std::vector<Case> cases = {
      // a composite sent as plain text; a primitive sent with components
      {"AL1|1|DA|penicillin", "AL1.f3.c1", "penicillin"},
      {"DG1|1||I10|high^more", "DG1.f4", "high"},
      {"DG1|1||I10|high^more", "DG1.f4.c2", "more"},
      {"DG1|1||I10|high^a&b", "DG1.f4.c2.s2", "b"},
      {"DG1|1||I10|^more", "DG1.f4.c2", "more"},
      // subcomponents
      {"NK1|1|van Dam&van&Dam^Jo", "NK1.f2.c1.s3", "Dam"},
      {"AL1|1|DA|a^Salt & pepper", "AL1.f3.c2", "Salt & pepper"},
      // parts past the definition
      {"DG1|1||I10^^^^^^^^^^^^^^^^^^^^^^^x", "DG1.f3.c24", "x"},
      {"DB1|1||||||||1^2", "DB1.f9.c2", "2"},
      {"DB1|1||||||||plain", "DB1.f9", "plain"},
      // null and empty
      {"AL1|1|\"\"|a^\"\"^c", "AL1.f2", "null"},
      {"AL1|1|\"\"|a^\"\"^c", "AL1.f3.c2", "null"},
      {"NK1|1|\"\"&b^c", "NK1.f2.c1.s1", "null"},
      {"AL1|1||^^&^|  |", "AL1.f3", "-"},
      {"AL1|1||^^&^|  |", "AL1.f4", "-"},
      {"NK1|1|A~~C", "NK1.f2.c1.s1", "A"},
      // texts: escapes, blanks
      {"AL1|1|DA|a^  b \\T\\ c  ", "AL1.f3.c2", "b & c"},
      {note + "  two\\.br\\lines ", "OBSERVATION.NTE.f3", "  two\nlines "},
      // dates and times
      {"DG1|1||I10||19480000", "DG1.f5", "1948"},
      {"DG1|1||I10||20260710", "DG1.f5", "2026-07-10"},
      {"DG1|1||I10||202607101430", "DG1.f5", "2026-07-10T14:30:00+01:00"},
      {"DG1|1||I10||202601101430", "DG1.f5", "2026-01-10T14:30:00+00:00"},
      {"DG1|1||I10||20260710143000-0500", "DG1.f5", "2026-07-10T14:30:00-05:00"},
      {"DG1|1||I10||20260710143000+0100^D", "DG1.f5", "2026-07-10T14:30:00+01:00"},
      {"DG1|1||I10||20260710143000+0100^D", "DG1.f5.c2", "D"},
      {"DB1|1||||20260710", "DB1.f5", "2026-07-10"},
      {"DG1|1||I10||00000000", "DG1.f5", "-"},
      {"NK1|1|A||^^^^^^^^^^^2026&2027", "NK1.f4.c12.s2", "2027"},
      // numbers
      {"DRG|1|||||+007.50", "DRG.f6", "7.50"},
      {"DRG|1|||||.5", "DRG.f6", "0.5"},
      {"DRG|1|||||few", "DRG.f6", "few"},
  };
  for (const Case& test : cases) {
    const V2Reading read = ReadWith(test.segment);
    ASSERT_TRUE(read.tree.ok()) << test.segment << ": " << read.tree.error().where;
    EXPECT_EQ(read.At(test.path), test.text) << test.segment;
  }
}

TEST(V2ModelTest, GivesObx5TheTypeThatObx2Says) {
  struct Case {
    std::string type, value, model_type, path, text;
  };
  const std::vector<Case> cases = {
      {"NM", "40", "decimal", "f5", "40"},
      {"NM", ">40", "string", "f5", ">40"},
      {"TX", "my text", "string", "f5", "my text"},
      {"CWE", "A^B^C", "CWE", "f5.c2", "B"},
      {"CE", "A^B^C", "CWE", "f5.c1", "A"},
      {"CWE", "A", "CWE", "f5.c1", "A"},
      {"DT", "20260120", "date", "f5", "2026-01-20"},
      {"TS", "20260120", "dateTime", "f5", "2026-01-20"},
      {"TM", "1030", "time", "f5", "10:30:00"},
      {"DT", "soon", "string", "f5", "soon"},
      {"ED", "A^application^pdf^Base64^JVBE", "ED", "f5.c5", "JVBE"},
      {"XPN", "Smith^Jo", "XPN", "f5.c1.s1", "Smith"},
      {"", "plain", "string", "f5", "plain"},
      {"", "a^b&c", "VARIES", "f5.c2.s2", "c"},
      {"QQ", "a^b", "VARIES", "f5.c2", "b"},
      {"ST", "\"\"", "string", "f5", "null"},
  };
  for (const Case& test : cases) {
    const V2Reading read = ReadWith("OBX|1|" + test.type + "|X||" + test.value);
    ASSERT_TRUE(read.tree.ok()) << test.type << " " << read.tree.error().detail;
    EXPECT_EQ(read.At("OBSERVATION.OBX." + test.path), test.text) << test.type;
    const fhir::Element* value = read.tree->root().Path("OBSERVATION.OBX.f5");
    EXPECT_EQ(value->type().name(), test.model_type) << test.type;
  }
}

// MSH-7 has the offset of the day it was sent on: a time of another season would be an hour off.
TEST(V2ModelTest, TimesWithoutOffsetAreOfTheFeedsZoneWhateverMsh7Says) {
  const std::string segments = std::string(kPid) + "\nPV1|1|N\nDG1|1||I10||202601101430";
  const std::string type = "ADT^A31^ADT_A05";
  EXPECT_EQ(ReadV2(V2MessageOf(type, segments, "20260710+0100")).At("DG1.f5"),
            "2026-01-10T14:30:00+00:00");
  EXPECT_EQ(ReadV2(V2MessageOf(type, std::string(kPid) + "\nPV1|1|N\nDG1|1||I10||202608051400",
                               "20260310101500+0000"))
                .At("DG1.f5"),
            "2026-08-05T14:00:00+01:00");
  Feed feed;
  feed.zone = "Asia/Kathmandu";
  EXPECT_EQ(ReadV2(V2MessageOf(type, segments), feed).At("DG1.f5"), "2026-01-10T14:30:00+05:45");
  feed.zone = "Europe/Atlantis";
  EXPECT_EQ(ReadV2(V2MessageOf(type, segments), feed).Refused(), "207 MSH-7");
}

TEST(V2ModelTest, RefusesWithPlaceAndCode) {
  struct Case {
    std::string name, type, segments, refused;
  };
  const std::string pid = std::string(kPid) + "\n";
  const std::vector<Case> cases = {
      {"unknown structure", "DFT^P03^DFT_P03", pid, "200 MSH-9"},
      {"a group is no structure", "X^Y^PPP_PCB.PATHWAY", pid, "200 MSH-9"},
      {"no PID", "ADT^A31^ADT_A05", "PV1|1|N", "100 PID"},
      {"no PV1, as where NK1 was cut", "ADT^A03^ADT_A03", pid + "NK1|1|Hughes^Al", "100 PV1"},
      {"no PTH", "PPP^PCB^PPP_PCB", pid, "100 PTH"},
      {"no RXO or the like is needed", "PPP^PCB^PPP_PCB", pid + "PTH|AD|1|1\nORC|NW", ""},
      {"no MRG in the second", "ADT^A40^ADT_A39", pid + "MRG|1\n" + pid + "PV1|1", "100 MRG"},
      {"no TXA-2", "MDM^T01^MDM_T01", pid + "TXA|1", "101 TXA-2"},
      {"null TXA-2", "MDM^T01^MDM_T01", pid + "TXA|1|\"\"", "101 TXA-2"},
      {"no PTH-3", "PPP^PCB^PPP_PCB", pid + "PTH|AD|1|1\nPTH|AD|1", "101 PTH[2]-3"},
      {"a bad birth date", "ADT^A31^ADT_A05", "PID|1||1||||19480231\nPV1|1|N", "102 PID-7"},
  };
  for (const Case& test : cases) {
    const V2Reading read = ReadV2(V2MessageOf(test.type, test.segments));
    EXPECT_EQ(read.Refused(), test.refused) << test.name;
  }
}

TEST(V2ModelTest, RemarksWithThePlace) {
  const V2Reading read =
      ReadWith("ZPI|1|a^b\nDRG|1|||||few\nDG1|1||I10||2026012010\nDG1|2||I10||0000\nPDA|x");
  EXPECT_EQ(read.Remarked(), (Texts{"unknown-segment ZPI", "bad-number DRG-6", "out-of-order DG1",
                                    "hour-dropped DG1-5", "out-of-order DG1[2]",
                                    "bad-date DG1[2]-5", "unknown-segment PDA"}));
  const V2Reading part =
      ReadV2(V2MessageOf("ADT^A31^ADT_A05", "PID|1||1^^^A~2^^^^^^soon||Smith\nPV1|1|N"));
  EXPECT_EQ(part.Refused(), "") << "nothing stands on how long a number holds";
  EXPECT_EQ(part.Remarked(), (Texts{"bad-date PID-3[2].7"}));
  EXPECT_EQ(read.At("OTHER.name"), "ZPI");
  EXPECT_EQ(read.At("OTHER.f1"), "1");
  EXPECT_EQ(read.At("OTHER.f2.c2"), "b");
  std::string old = V2MessageOf("ADT^A31^ADT_A05", std::string(kPid) + "\nPV1|1|N");
  old.replace(old.find("2.5.1"), 5, "7.0.0");
  EXPECT_EQ(ReadV2(old).Remarked(), (Texts{"unknown-version MSH-12"}));
}

TEST(V2ModelTest, SaysThePlaceOfANode) {
  const V2Reading read = ReadV2(
      V2MessageOf("PPP^PCB^PPP_PCB", std::string(kPid) +
                                         "\nPTH|AD|1|1\nROL||AD|PP|N1^A\nROL||AD|PP|N2^A~N3^B&C\n"
                                         "ZZZ|a^b"));
  ASSERT_TRUE(read.tree.ok());
  const fhir::Element& root = read.tree->root();
  EXPECT_EQ(PlaceOf(root), "MSH");
  EXPECT_EQ(PlaceOf(*root.Path("PATHWAY")), "PTH");
  EXPECT_EQ(PlaceOf(*root.Path("PID")->Child("f3", 1)->Path("c4.s1")), "PID-3[2].4.1");
  const fhir::Element* second = root.Path("PATHWAY")->Child("PATHWAY_ROLE", 1);
  EXPECT_EQ(PlaceOf(*second), "ROL[2]");
  EXPECT_EQ(PlaceOf(*second->Path("ROL.f3")), "ROL[2]-3");
  EXPECT_EQ(PlaceOf(*second->Child("ROL")->Child("f4", 1)->Path("c2.s2")), "ROL[2]-4[2].2.2");
  EXPECT_EQ(PlaceOf(*root.Path("OTHER")), "ZZZ");
  EXPECT_EQ(PlaceOf(*root.Path("OTHER.name")), "ZZZ");
  EXPECT_EQ(PlaceOf(*root.Path("OTHER.f1.c2")), "ZZZ-1.2");
}

TEST(V2ModelTest, TellsAFieldThatRepeatsAndMayNot) {
  const V2Reading read = ReadV2(V2MessageOf(
      "ADT^A31^ADT_A05", "PID|1||A~B||Smith||19380422~19400101|~F~~M~X|||||||~a\nPV1|1|N"));
  EXPECT_EQ(read.Remarked(), (Texts{"repeated PID-7[2]", "repeated PID-8[4]"}));
  EXPECT_EQ(read.At("PID.f7"), "1938-04-22");
  EXPECT_EQ(read.At("PID.f8.c1"), "F");
  EXPECT_EQ(read.tree->root().Path("PID")->Count("f8"), 1U);
}

TEST(V2ModelTest, ReadsRepetitionsToTheirLimit) {
  std::string numbers = "A";
  for (int i = 1; i < 1000; ++i) {
    numbers += "~A";
  }
  const auto refused = [](const std::string& field) {
    return ReadV2(V2MessageOf("ADT^A31^ADT_A05", "PID|1||" + field + "||Smith\nPV1|1|N")).Refused();
  };
  EXPECT_EQ(refused(numbers), "");
  EXPECT_EQ(refused(numbers + "~"), "");
  EXPECT_EQ(refused(numbers + "~A"), "101 PID-3[1001]");
}

TEST(V2ModelTest, TellsComponentsPastAllThatCanBeRead) {
  const std::string forty(39, '^');
  const V2Reading read =
      ReadWith("DG1|1||I10|high" + forty + "a\nDG1|2||I10|high" + forty + "^b^c\nDG1|3||I10" +
               forty + "^d\nDG1|4||I10|high" + forty + "^^");
  EXPECT_EQ(read.Remarked(), (Texts{"unread DG1[2]-4.41", "unread DG1[3]-3.41"}));
}

TEST(V2ModelTest, CountsRepetitionsThatAreEmpty) {
  const V2Reading read = ReadV2(V2MessageOf("ADT^A31^ADT_A05", "PID|1||A~~C||Smith\nPV1|1|N"));
  ASSERT_TRUE(read.tree.ok());
  EXPECT_EQ(PlaceOf(*read.tree->root().Path("PID")->Child("f3", 1)), "PID-3[3]");
}

TEST(V2ModelTest, FindsTypesByName) {
  const V2Model& model = ProjectV2Model();
  for (const char* name : {"PPP_PCB", "PPP_PCB.PATHWAY", "PID", "CX", "OTHER", "HD.component"}) {
    ASSERT_NE(model.Find(name), nullptr) << name;
    EXPECT_EQ(model.Find(name)->name(), name);
  }
  EXPECT_EQ(model.Find("PATHWAY"), nullptr);
  EXPECT_EQ(model.Find("PID")->Find("f3")->types.front()->name(), "CX");
  EXPECT_EQ(model.Find("PID")->Find("f7")->types.front()->name(), "dateTime");
  EXPECT_EQ(model.Find("CX")->Find("c4")->types.front()->Find("s1")->types.front()->name(),
            "string");
  EXPECT_TRUE(model.HasStructure("ADT_A39"));
  EXPECT_FALSE(model.HasStructure("PID"));
}

}  // namespace
}  // namespace gw::map
