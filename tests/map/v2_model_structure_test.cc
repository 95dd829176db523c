#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "gateway/hl7v2/mllp.h"
#include "tests/map/v2_model_testing.h"
#include "tests/temp_folder.h"

namespace gw::map {
namespace {

// Segments by their names alone, with what each must have.
std::string Segments(const std::string& names) {
  std::string text;
  for (size_t at = 0; at < names.size();) {
    const std::string name = names.substr(at, 3);
    at += 4;
    const bool needs = name == "PRB" || name == "GOL";
    text += name +
            (name == "PID"   ? "|1||A"
             : needs         ? "|AD|2026|A|A"
             : name == "PTH" ? "|AD|A|A"
             : name == "ROL" ? "|1|AD|PP|A"
             : name == "PRT" ? "|1|AD||PP"
             : name == "VAR" ? "|V1"
             : name == "ARV" ? "|1|A|PSY"
             : name == "TXA" ? "|1|A"
             : name == "CON" ? "|1||||||||||A"
                             : "|1") +
            "\n";
  }
  return text;
}

TEST(V2StructureTest, SegmentsGoToTheNearestGroupThatTakesThem) {
  struct Case {
    std::string type, segments, outline;
    size_t out_of_order;
  };
  const std::vector<Case> cases = {
      // chapter 12
      {"PPP^PCB", "PID PTH NTE ROL ROL PRB GOL ORC OBR NTE",
       "MSH PID PATHWAY(PTH NTE PATHWAY_ROLE(ROL) PATHWAY_ROLE(ROL) PROBLEM(PRB GOAL(GOL) "
       "ORDER(ORC ORDER_DETAIL(OBR NTE))))",
       0},
      {"PPP^PCB", "PID PV1 PV2 PTH ROL VAR PRT VAR PRB VAR ROL VAR OBX NTE GOL NTE OBX PTH",
       "MSH PID PATIENT_VISIT(PV1 PV2) PATHWAY(PTH PATHWAY_ROLE(ROL VAR) PATHWAY_ROLE(PRT VAR) "
       "PROBLEM(PRB VAR PROBLEM_ROLE(ROL VAR) PROBLEM_OBSERVATION(OBX NTE) GOAL(GOL NTE "
       "GOAL_OBSERVATION(OBX)))) PATHWAY(PTH)",
       0},
      {"PPP^PCB", "PRD CTD PID PTH GOL ORC",
       "MSH PROVIDER(PRD CTD) PID PATHWAY(PTH GOAL(GOL) ORDER(ORC))", 0},
      {"PPP^PCB", "PID PRD PTH", "MSH PID PROVIDER(PRD) PATHWAY(PTH)", 0},
      {"PPP^PCB", "PID PTH PRB OBX ROL",
       "MSH PID PATHWAY(PTH PROBLEM(PRB PROBLEM_OBSERVATION(OBX) PROBLEM_ROLE(ROL)))", 1},
      {"PPP^PCB", "PID PTH ROL NTE", "MSH PID PATHWAY(PTH PATHWAY_ROLE(ROL) NTE)", 1},
      {"PPP^PCB", "PID PTH PRB OBR", "MSH PID PATHWAY(PTH PROBLEM(PRB ORDER(ORDER_DETAIL(OBR))))",
       0},
      {"PGL^PC6", "PID GOL ROL PTH VAR OBX PRB NTE ORC RXO GOL",
       "MSH PID GOAL(GOL GOAL_ROLE(ROL) PATHWAY(PTH VAR) GOAL_OBSERVATION(OBX) PROBLEM(PRB NTE) "
       "ORDER(ORC ORDER_DETAIL(RXO))) GOAL(GOL)",
       0},
      {"PGL^PC6", "PID GOL PRB PTH", "MSH PID GOAL(GOL PROBLEM(PRB) PATHWAY(PTH))", 1},
      {"PPR^PC2", "PID PRB GOL VAR PRB GOL",
       "MSH PID PROBLEM(PRB GOAL(GOL VAR)) PROBLEM(PRB GOAL(GOL))", 0},
      {"PPG^PCG", "PID PTH GOL PRB GOL PRB ROL",
       "MSH PID PATHWAY(PTH GOAL(GOL PROBLEM(PRB)) GOAL(GOL PROBLEM(PRB PROBLEM_ROLE(ROL))))", 0},
      // person and visit stay apart by position
      {"ADT^A01", "EVN PID PD1 ARV ROL NK1 PV1 PV2 ARV ROL DG1",
       "MSH EVN PID PD1 ARV ROL NK1 PATIENT_VISIT(PV1 PV2 ARV ROL) DG1", 0},
      {"ADT^A01", "EVN PID NK1 ROL PV1", "MSH EVN PID NK1 ROL PATIENT_VISIT(PV1)", 1},
      {"ADT^A01", "EVN PID PV1 DG1 ROL", "MSH EVN PID PATIENT_VISIT(PV1 ROL) DG1", 1},
      {"ADT^A01", "EVN PID PV1 NK1", "MSH EVN PID PATIENT_VISIT(PV1) NK1", 1},
      {"ADT^A31", "ARV EVN PID PD1 PRT PRT NK1 PV1 PRT",
       "MSH ARV EVN PID PD1 PRT PRT NK1 PATIENT_VISIT(PV1 PRT)", 0},
      {"ADT^A03", "EVN PID PV1 AL1 DG1 PR1 ROL OBX",
       "MSH EVN PID PATIENT_VISIT(PV1) AL1 DG1 PROCEDURE(PR1 ROL) OBSERVATION(OBX)", 0},
      {"ADT^A40", "EVN PID MRG PID PD1 MRG PV1",
       "MSH EVN PATIENT(PID MRG) PATIENT(PID PD1 MRG PATIENT_VISIT(PV1))", 0},
      // a segment too many, Z segments and strange ones are kept
      {"ADT^A31", "EVN PID ZAB PV1 PV1 XYZ",
       "MSH EVN PID OTHER:ZAB PATIENT_VISIT(PV1) OTHER:PV1 OTHER:XYZ", 0},
      {"MDM^T02", "EVN PID PV1 TXA CON OBX NTE OBX",
       "MSH EVN PID PATIENT_VISIT(PV1) TXA CON OBSERVATION(OBX NTE) OBSERVATION(OBX)", 0},
      {"ORU^R01", "PID PV1 ORC OBR OBX OBR OBX NTE",
       "MSH PATIENT_RESULT(PATIENT(PID PATIENT_VISIT(PV1)) ORDER_OBSERVATION(ORC OBR "
       "OBSERVATION(OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX NTE)))",
       0},
  };
  for (const Case& test : cases) {
    const V2Reading read = ReadV2(V2MessageOf(test.type, Segments(test.segments)));
    ASSERT_TRUE(read.tree.ok()) << test.segments << ": " << read.Refused();
    EXPECT_EQ(OutlineOf(read.tree->root()), test.outline) << test.segments;
    const auto out_of_order =
        std::count_if(read.remarks.begin(), read.remarks.end(),
                      [](const Remark& remark) { return remark.code == "out-of-order"; });
    EXPECT_EQ(static_cast<size_t>(out_of_order), test.out_of_order) << test.segments;
  }
}

// Tables in a folder of their own: the project's own with one file replaced.
Status LoadWith(const std::string& file, const std::string& text) {
  namespace fs = std::filesystem;
  const TempFolder folder;
  fs::copy(GW_SOURCE_DIR "/profiles/hl7v2", folder.path(), fs::copy_options::recursive);
  folder.Write(file, text);
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  auto model = V2Model::Load(folder.path(), definitions);
  return model ? Status() : Status(model.error());
}

// What follows a segment that says who it is about would be filed under somebody else.
TEST(V2StructureTest, RefusesAnotherPersonThanThereIsAPlaceFor) {
  struct Case {
    std::string type, segments, refused;
  };
  const std::vector<Case> cases = {
      {"PGL^PC6", "PID GOL PID GOL", "100 PID[2]"},
      {"PPP^PCB", "PID PTH PID PTH", "100 PID[2]"},
      {"PPR^PC1", "PID PRB PID PRB", "100 PID[2]"},
      {"ADT^A01", "EVN PID PV1 AL1 PID AL1", "100 PID[2]"},
      {"ADT^A08", "EVN PID PV1 PID AL1", "100 PID[2]"},
      {"MDM^T02", "EVN PID PV1 TXA PID OBX", "100 PID[2]"},
      {"REF^I12", "RF1 PRD PID PID PV1", "100 PID[2]"},
      {"ADT^A01", "EVN PID MRG PV1", "100 MRG"},
      // What restricts, and would not be read.
      {"ADT^A08", "EVN PID PV1 CON", "100 CON"},
      {"PPR^PC1", "PID PRB CON", "100 CON"},
      {"ADT^A40", "EVN PID MRG MRG", "100 MRG[2]"},
      // Behind what speaks of the first person the second one's own would be the first one's too.
      {"CCR^I16", "RF1 PRD PID PV1 PRB PID GOL", "100 PID[2]"},
      // Several have their place, and one late person is still the only one.
      {"CCR^I16", "RF1 PRD PID PID PV1 PRB", ""},
      {"ADT^A17", "EVN PID PV1 PID PV1", ""},
      {"ADT^A40", "EVN PID MRG PID MRG", ""},
      {"ORU^R01", "PID OBR OBX PID OBR OBX", ""},
      {"PGL^PC6", "PV1 PID GOL", ""},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(ReadV2(V2MessageOf(test.type, Segments(test.segments))).Refused(), test.refused)
        << test.type << " " << test.segments;
  }
}

TEST(V2TablesTest, RefusesWithFileAndLine) {
  const std::string types = "ST string\nVARIES varies\nDTM dateTime\n";
  const std::vector<std::vector<std::string>> cases = {
      {"types.txt", "ST", "hl7v2/types.txt:1"},
      {"types.txt", types + "HD 2 ST x\n", "hl7v2/types.txt:4"},
      {"types.txt", types + "\n# remark\nHD 1 QQ x\n", "hl7v2/types.txt:6"},
      {"types.txt", types + "HD 1 ST\n", "hl7v2/types.txt:4"},
      {"types.txt", types + "ST string\n", "hl7v2/types.txt:4"},
      {"segments/visit.txt", "PV1 1 SI 1 O Set ID\nPV1 3 SI 1 O x\n", "hl7v2/segments/visit.txt:2"},
      {"segments/visit.txt", "PV1 1 QQ 1 O Set ID\n", "hl7v2/segments/visit.txt:1"},
      {"segments/visit.txt", "PV1 1 SI 2 O Set ID\n", "hl7v2/segments/visit.txt:1"},
      {"segments/visit.txt", "PV1 1 SI 1 X Set ID\n", "hl7v2/segments/visit.txt:1"},
      {"structures.txt", "structure A_B: MSH [PID\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "structure A_B:\nMSH\nQQQ\n", "hl7v2/structures.txt:3"},
      {"structures.txt", "structure A_B: MSH [PID PV1]\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "structure A_B: {G: PID {G: PV1}}\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "structure A_B: {G: PID [G]}\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "structure A_B: <PID PV1>\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "MSH PID\n", "hl7v2/structures.txt:1"},
      {"structures.txt", "structure A_B: MSH (PID)\n", "hl7v2/structures.txt:1"},
  };
  for (const auto& test : cases) {
    const Status status = LoadWith(test[0], test[1]);
    ASSERT_FALSE(status.ok()) << test[1];
    EXPECT_EQ(status.error().where, test[2]) << test[1] << ": " << status.error().detail;
  }
  EXPECT_TRUE(LoadWith("structures.txt", "structure A_B: MSH [{G: <PID|PV1> [PV2]}] [G]\n").ok());
}

TEST(V2SamplesTest, EverySampleIsReadOrRefusedAsItShould) {
  namespace fs = std::filesystem;
  const fs::path folder = GW_SOURCE_DIR "/../shared/samples/hl7v2";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "the shared samples are not beside the project";
  }
  size_t messages = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".hl7") {
      continue;
    }
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const std::string name = entry.path().filename().string();
    std::vector<std::string> warnings;
    const auto split = hl7v2::SplitMessages(text, &warnings);
    ASSERT_TRUE(split.ok()) << name;
    EXPECT_TRUE(warnings.empty()) << name;
    for (const std::string_view message : *split) {
      ++messages;
      const V2Reading read = ReadV2(std::string(message));
      const std::string expected = name.starts_with("36")   ? "100 PV1"
                                   : name.starts_with("37") ? "200 MSH-9"
                                                            : "";
      EXPECT_EQ(read.Refused(), expected) << name;
    }
  }
  EXPECT_GE(messages, 30U);
}

// Messages broken at random are read or refused, never a crash: run it under the asan preset.
TEST(V2MutationTest, TwentyThousandBrokenMessages) {
  std::mt19937 random(20260120);
  const std::string seed = V2MessageOf(
      "PPP^PCB^PPP_PCB",
      "PID|1||H1^^^X9901^MR~9991001018^^^NHS^NH||Smith&v^Zo\xC3\xAB||19410314|F\nPD1|||F^^X\n"
      "PTH|AD|1^Plan \\T\\ more^SCT|P1^A|202601151330\nNTE|1||a\\.br\\b\nROL|R1|AD|PP|N1^A~N2\n"
      "PRB|LI|2026|1^H^SCT|P&2\nGOL|AD|20260115|G^x|G1\nORC|NW\nOBX|1|NM|A||4~5\nZZZ|1^2&3");
  const std::string special = "|^~\\&\r\"0123456789PTHROLGZ";
  size_t read_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (size_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = 40 + random() % (text.size() - 40);
      if (random() % 2 == 0) {
        text.erase(at, 1 + random() % 3);
      } else {
        text.insert(at, 1, special[random() % special.size()]);
      }
    }
    const V2Reading read = ReadV2(text);
    if (read.tree) {
      ++read_count;
      EXPECT_FALSE(OutlineOf(read.tree->root()).empty());
    } else {
      EXPECT_FALSE(read.tree.error().detail.empty());
    }
  }
  EXPECT_GT(read_count, 2'000U);
}

}  // namespace
}  // namespace gw::map
