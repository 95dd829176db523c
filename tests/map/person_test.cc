#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/map/samples_testing.h"

// What PID says of a person, and what of it cannot be right.

namespace gw::map {
namespace {

// The message's Patient; PID-7, PID-15 and PID-29 as given.
Outcome PersonOf(const std::string& born, const std::string& language, const std::string& died) {
  return TranslateMessage(
      "MSH|^~\\&|PAS|X9901|CAREGW|X9920|20260310101500||ADT^A31^ADT_A05|C1|P|2.5.1\r"
      "EVN||20260310\rPID|1||P1^^^X9901^MR||Field^Ann||" +
          born + "|F|||||||" + language + std::string(14, '|') + died + "\rPV1|1|N\r",
      FeedOf("X9901"));
}

const fhir::Resource* PatientOf(const Outcome& outcome) {
  for (const Change& change : outcome.translation.changes) {
    if (change.fragment.type() == "Patient") {
      return &change.fragment;
    }
  }
  return nullptr;
}

// "PID-7 the rule; ..." of each warning.
std::string Warnings(const Outcome& outcome) {
  std::string text;
  for (const Remark& remark : outcome.translation.remarks) {
    text += remark.severity == 'W' ? remark.where + " " : "";
  }
  return text;
}

TEST(Person, ALanguageIsOfTheSystemThatIsNamed) {
  struct Case {
    std::string sent, system, code, text;
  };
  const std::string bcp = "urn:ietf:bcp:47";
  const std::vector<Case> cases = {
      {"en", bcp, "en", ""},
      {"cy-GB^Welsh", bcp, "cy-GB", ""},
      {"en^English^ISO639", bcp, "en", ""},
      {"en-GB^English^BCP47", bcp, "en-GB", ""},
      {"pol^Polish^HL70296", bcp, "pol", ""},
      {"ENGLISH^English^HL70296", "http://terminology.hl7.org/CodeSystem/v2-0296", "ENGLISH",
       "English"},
      {"E^English", "", "E", "English"},
      {"297504001^Welsh^SCT", "http://snomed.info/sct", "297504001", "Welsh"},
      {"12^Welsh^PAS-LANG", "urn:caregate:code-system:PAS-LANG", "12", "Welsh"},
      {"^Welsh", "", "", "Welsh"},
  };
  for (const Case& test : cases) {
    const Outcome made = PersonOf("19390622", test.sent, "");
    ASSERT_EQ(made.refusal, "") << test.sent;
    const fhir::Element* said = PatientOf(made)->root().Child("communication");
    ASSERT_NE(said, nullptr) << test.sent;
    EXPECT_EQ(said->TextAt("language.coding.system"), test.system) << test.sent;
    EXPECT_EQ(said->TextAt("language.coding.code"), test.code) << test.sent;
    EXPECT_EQ(said->TextAt("language.text"), test.text) << test.sent;
    EXPECT_EQ(Warnings(made), "") << test.sent;
  }
}

TEST(Person, DatesThatCannotBothBeRightAreKeptAndTold) {
  struct Case {
    std::string born, died, told;
  };
  const std::vector<Case> cases = {
      {"19390622", "20260309", ""},
      {"20260310", "", ""},
      {"2026", "2026", ""},
      {"20260313", "", "PID-7 "},
      {"2027", "", "PID-7 "},
      {"19390622", "19390621", "PID-29 "},
      {"20270101", "20260309", "PID-7 PID-29 "},
  };
  for (const Case& test : cases) {
    const Outcome made = PersonOf(test.born, "", test.died);
    ASSERT_EQ(made.refusal, "") << test.born;
    EXPECT_EQ(Warnings(made), test.told) << test.born << " " << test.died;
    EXPECT_EQ(PatientOf(made)->root().TextAt("birthDate").substr(0, 4), test.born.substr(0, 4));
    EXPECT_EQ(PatientOf(made)->root().TextAt("deceased").substr(0, 4), test.died.substr(0, 4));
  }
}

// Kin named twice in one message are one: by a number, or by name and relationship, in any order.
TEST(Person, KinAreNamedOnce) {
  const auto nk1 = [](const std::string& name, const std::string& relationship,
                      const std::string& born, const std::string& number) {
    return "NK1|1|" + name + "|" + relationship + std::string(13, '|') + born +
           std::string(17, '|') + number + "\r";
  };
  const auto rol = [](const std::string& xcn) { return "ROL||AD|CGV|" + xcn + "\r"; };
  const std::string key = "K1^^^X9901^MR";
  const std::string keyed = "^^^^^^X9901&&^^^^MR";
  const std::string named = "^Ash^Bo";
  struct Case {
    const char* why;
    std::string segments;
    size_t kin;
  };
  const std::vector<Case> cases = {
      {"a role, and kin with a birth date", rol(named) + nk1("Ash^Bo", "SPO", "19400101", ""), 1},
      {"a number with a name", rol("K1^Ash^Bo" + keyed) + nk1("Ash^Bo", "SPO", "19400101", key), 1},
      {"a number alone", rol("K1^^" + keyed) + nk1("Ash^Bo", "SPO", "19400101", key), 1},
      {"twice, once with a number",
       rol(named) + nk1("Ash^Bo", "SPO", "19400101", "") + nk1("Ash^Bo", "SPO", "19400101", key),
       1},
      {"twice, once without a birth date",
       nk1("Ash^Bo", "SPO", "19400101", "") + nk1("Ash^Bo", "SPO", "", ""), 1},
      {"the number, the name, and then both",
       rol("K1^^" + keyed) + rol(named) + rol("K1^Ash^Bo" + keyed), 1},
      {"father and son", nk1("Ash^Bo", "FTH", "19400101", "") + nk1("Ash^Bo", "CHD", "", ""), 2},
      {"of two births", nk1("Ash^Bo", "FTH", "19400101", "") + nk1("Ash^Bo", "FTH", "19410101", ""),
       2},
      {"two numbers without names", rol("K1^^" + keyed) + rol("K2^^" + keyed), 2},
  };
  for (const Case& test : cases) {
    const Outcome made = TranslateMessage(
        "MSH|^~\\&|PAS|X9901|CAREGW|X9920|20260310101500||ADT^A31^ADT_A05|C1|P|2.5.1\r"
        "EVN||20260310\rPID|1||P1^^^X9901^MR||Field^Ann\r" +
            test.segments + "PV1|1|N\r",
        FeedOf("X9901"));
    ASSERT_EQ(made.refusal, "") << test.why;
    size_t kin = 0;
    for (const Change& change : made.translation.changes) {
      kin += change.fragment.type() == "RelatedPerson" ? 1U : 0U;
    }
    EXPECT_EQ(kin, test.kin) << test.why;
  }
}

}  // namespace
}  // namespace gw::map
