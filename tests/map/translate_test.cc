#include "gateway/map/translate.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/map/samples_testing.h"
#include "tests/temp_folder.h"

namespace gw::map {
namespace {

const std::string kMessages = GW_SOURCE_DIR "/tests/data/hl7v2/";

constexpr std::string_view kPerson = "PID|1||9992010010^^^NHS^NH||Hartley^Beatrix||19380611|F\r";

std::string Header(std::string_view type, std::string_view version = "2.7.1") {
  return "MSH|^~\\&|CARE1|X9910|CAREGW|X9920|20260302143000+0000||" + std::string(type) + "|W1|P|" +
         std::string(version) + "\r";
}

std::string CodeOfRefusal(const std::string& bytes) {
  const Outcome outcome = TranslateMessage(bytes, FeedOf("X9912"));
  return outcome.refusal.substr(0, outcome.refusal.find(':'));
}

const fhir::Resource* Find(const Translation& translation, std::string_view type) {
  for (const Change& change : translation.changes) {
    if (change.fragment.type() == type) {
      return &change.fragment;
    }
  }
  return nullptr;
}

size_t Count(const Translation& translation, std::string_view type) {
  size_t count = 0;
  for (const Change& change : translation.changes) {
    count += change.fragment.type() == type ? 1u : 0u;
  }
  return count;
}

TEST(TranslateTest, TakesWhatHasAMapAndRefusesTheRestByItsCode) {
  const struct {
    std::string_view type;
    std::string_view refusal;
  } cases[] = {
      {"DFT^P03^DFT_P03", "200 MSH-9.1"},
      {"ADT^A41^ADT_A39", "201 MSH-9.2"},
      {"PPV^PCA^PPV_PCA", "200 MSH-9.1"},
      {"MDM^T12^MDM_T01", "201 MSH-9.2"},
      {"ADT^A28^ADT_A05", ""},
      {"ADT^A08", ""},
  };
  for (const auto& c : cases) {
    const std::string bytes =
        Header(c.type) + "EVN||20260302\r" + std::string(kPerson) + "PV1|1|N\r";
    EXPECT_EQ(CodeOfRefusal(bytes), c.refusal) << c.type;
  }
}

TEST(TranslateTest, RefusesWithThePlace) {
  EXPECT_EQ(CodeOfRefusal(ReadFile(kMessages + "no_person.hl7")), "101 PID-3");
  EXPECT_EQ(CodeOfRefusal(ReadFile(kMessages + "bad_birth_date.hl7")), "102 PID-7");
  EXPECT_EQ(CodeOfRefusal(Header("PGL^PC6^PGL_PC6") + std::string(kPerson)), "100 GOL");
  // Results that are nobody's, an appointment of nobody: nothing would be taken.
  EXPECT_EQ(CodeOfRefusal(Header("ORU^R01") + "OBR|1||F-1^B|Q\rOBX|1|NM|A||2||||||F\r"),
            "101 PID-3");
  EXPECT_EQ(CodeOfRefusal(Header("SIU^S12") + "SCH|P-1^A\rRGS|1\rAIS|1||HF\r"), "101 PID-3");
  const std::string merge = Header("ADT^A40") + "EVN||20260302\r" + std::string(kPerson) + "MRG|";
  EXPECT_EQ(CodeOfRefusal(merge + "\r"), "101 MRG-1");
  EXPECT_EQ(CodeOfRefusal(merge + "\"\"\r"), "101 MRG-1");
  EXPECT_EQ(CodeOfRefusal(Header("ADT^A06") + "EVN||20260302\r" + std::string(kPerson) +
                          "MRG|||ACC-1\rPV1|1|I|||||||||||||||||V-1\r"),
            "")
      << "an account that was";
  EXPECT_EQ(CodeOfRefusal(merge + "M1^^^X9910^MR\r"), "");
  const std::string consent =
      Header("MDM^T02") + "EVN||20260302\r" + std::string(kPerson) + "PV1|1|N\rTXA|1|CONS|TX\r";
  EXPECT_EQ(CodeOfRefusal(consent + "CON|1|S||C-1^A|||||||Q||20260302\r"), "103 CON-11");
  EXPECT_EQ(CodeOfRefusal(consent + "CON|1|S||C-1^A|||||||R||20260302\r"), "");
  EXPECT_EQ(CodeOfRefusal(consent + "CON|1|001||C-1^A|||||||R||20260302\r"
                                    "CON|2|109||C-1^A|||||||A||20260302\r"),
            "");
  EXPECT_EQ(CodeOfRefusal(consent + "CON|1|001||C-1^A|||||||R||20260302\r"
                                    "CON|2|||C-1^A|||||||A||20260303\r"),
            "103 CON");
  EXPECT_EQ(CodeOfRefusal(Header("REF^I12") + "RF1|Z|R|SOC|||RF-1^A\rPRD|RP|Okafor^Ben\r" +
                          std::string(kPerson) + "PV1|1|N\r"),
            "103 RF1-1");
  EXPECT_EQ(CodeOfRefusal(Header("ORU^R01") + std::string(kPerson) +
                          "OBR|1||F-1^B|Q\rOBX|1|NM|A||2\rOBX|2|NM|||2||||||F\r"),
            "101 OBX[2]");
}

// An answer that is neither Y nor N says nothing: above all not that somebody lives who is dead.
// Where the standard wants no action code, a null says that there is none; where it wants one, a
// null says nothing that can be done.
TEST(TranslateTest, ANullIsNoActionWhereNoneIsWanted) {
  const std::string visit = Header("ADT^A08^ADT_A01", "2.5.1") + "EVN||20260302\r" +
                            std::string(kPerson) + "PV1|1|I|W1||||||||||||||||VN1^^^X9911^VN\r";
  const std::string diagnosis = "DG1|1||I50.0^Heart failure^I10||20260601|W|||||||||2|||||D-1^PAS|";
  const std::string procedure = "PR1|1||H33^Colectomy^OPCS||20260602||||||||||||||P-1^PAS|";
  EXPECT_EQ(CodeOfRefusal(visit + diagnosis + "\"\"\r"), CodeOfRefusal(visit + diagnosis + "\r"));
  EXPECT_EQ(CodeOfRefusal(visit + procedure + "\"\"\r"), CodeOfRefusal(visit + procedure + "\r"));
  EXPECT_EQ(CodeOfRefusal(visit + diagnosis + "Q\r"), "103 DG1-21");
  EXPECT_EQ(CodeOfRefusal(visit + "ROL|R-1^PAS|\"\"|PP|G1^Low\r"), "101 ROL-2");
}

TEST(TranslateTest, TakesNoOtherAnswerForNo) {
  const auto said = [](const std::string& multiple, const std::string& dead,
                       const std::string& unknown) {
    const Outcome outcome = TranslateMessage(
        Header("ADT^A31") + "EVN||20260302\rPID|1||A^^^X9912^MR||Ash^Ira" + std::string(19, '|') +
            multiple + std::string(6, '|') + dead + "|" + unknown + "\rPV1|1|N\r",
        FeedOf("X9912"));
    EXPECT_EQ(outcome.refusal, "");
    std::string text;
    const fhir::Element& patient = Find(outcome.translation, "Patient")->root();
    for (const fhir::Element* child = patient.first_child(); child != nullptr;
         child = child->next()) {
      if (child->name() == "extension") {
        text += "unknown=" + std::string(child->TextAt("value")) + " ";
      } else if (child->name() == "deceased" || child->name() == "multipleBirth") {
        text += std::string(child->name()) + "=" +
                (child->is_null() ? "null" : std::string(child->text())) + " ";
      }
    }
    for (const Remark& remark : outcome.translation.remarks) {
      text += std::string(1, remark.severity) + " " + remark.where + " ";
    }
    return text;
  };
  EXPECT_EQ(said("Y", "n", "y"), "unknown=true deceased=false multipleBirth=true ");
  EXPECT_EQ(said("Maybe", "Yes", "1"), "W PID-24 W PID-31 W PID-30 ");
  EXPECT_EQ(said("", "\"\"", ""), "deceased=null ");
}

// The value of a type that nobody knows stands as it was sent; parts that have no place are listed,
// in a survey as well.
TEST(TranslateTest, NoValueOfAResultGoesInSilence) {
  Feed feed = FeedOf("X9912");
  for (const char* survey : {"", "Q"}) {
    feed.tables["survey"] = {{survey, "urn:q"}};
    const Outcome outcome = TranslateMessage(
        Header("ORU^R01") + std::string(kPerson) +
            "OBR|1||F-1^B|Q\rOBX|1|XX|A||some value||||||F\rOBX|2||B||other||||||F\r"
            "OBX|3|XCN|C||N1^Pell||||||F\rOBX|4|CX|D||12^^^A||||||F\rOBX|5|ST|E||x||||||Q\r",
        feed);
    ASSERT_EQ(outcome.refusal, "");
    std::string values;
    for (const Change& change : outcome.translation.changes) {
      if (change.fragment.type() == "Observation") {
        values += std::string(change.fragment.root().TextAt("status")) + ":" +
                  std::string(change.fragment.root().TextAt("value")) + " ";
      }
    }
    EXPECT_EQ(values, "final:some value final:other final: final: unknown:x ") << survey;
    const std::set<std::string> unread(outcome.translation.unread.begin(),
                                       outcome.translation.unread.end());
    for (const char* place : {"OBX[3]-5.1", "OBX[3]-5.2.1", "OBX[4]-5.1", "OBX[4]-5.4.1"}) {
      EXPECT_EQ(unread.count(place), 1u) << place << " of " << survey;
    }
  }
}

// Page 2.9: {OBX [{NTE}] [{VAR}]} of an order, {OBX [{NTE}]} of a goal or problem.
TEST(TranslateTest, WhatStandsWithAnObservationOfAPlanIsTaken) {
  const std::string observation =
      "OBX|1|ST|A||x||||||F\rPRT|P1|AD||RO|G700001^Okafor^Ben\rNTE|1||a note\r";
  const std::string bytes = Header("PPP^PCB", "2.8") + std::string(kPerson) +
                            "PTH|AD|p|PL-1^A|20260101\rPRB|AD|20260101|a|P-1^A\r" + observation +
                            "GOL|AD|20260101|g|G-1^A\r" + observation +
                            "ORC|NW|A-1^A\rOBR|1|A-1^A||V\r" + observation +
                            "VAR|V-2^A|20260101|||LATE|was late\r";
  const Outcome outcome = TranslateMessage(bytes, FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  // Numbers of participations have no place: they are listed.
  EXPECT_EQ(outcome.translation.unread,
            (std::vector<std::string>{"PRT-1.1", "PRT[2]-1.1", "PRT[3]-1.1"}));
  size_t noted = 0;
  for (const Change& change : outcome.translation.changes) {
    if (change.fragment.type() == "Observation") {
      EXPECT_EQ(change.fragment.root().TextAt("performer.identifier.value"), "G700001");
      noted += change.fragment.root().TextAt("note.text") == "a note" ? 1u : 0u;
    }
  }
  EXPECT_EQ(noted, 3u);
  EXPECT_EQ(Find(outcome.translation, "CarePlan")->root().TextAt("activity.progress.text"),
            "LATE: was late");
}

// A relation that has no place is told: one end only, two of a kind, an end that is not here.
TEST(TranslateTest, ARelationThatLeadsNowhereIsTold) {
  const Outcome outcome = TranslateMessage(
      Header("CCM^I21", "2.8") + std::string(kPerson) +
          "PV1|1|N\rPRB|AD|20260101|a|P-1^A\rPRB|AD|20260101|b|P-2^A\rGOL|AD|20260101|g|G-1^A\r"
          "REL|1|R||G-1^A|P-1^A\rREL|2|R||P-9^A|G-1^A\rREL|3|R||P-1^A|P-2^A\rREL|4|R|||P-2^A\r",
      FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  std::string told;
  for (const Remark& remark : outcome.translation.remarks) {
    told += remark.severity == 'W' ? remark.where + " " : "";
  }
  EXPECT_EQ(told, "REL[2]-4 REL[3] REL[4] ");
}

// A wrong date costs the message no more than itself, but where what is made stands on it.
TEST(TranslateTest, LeavesOutAWrongDateAndSaysWhere) {
  const Outcome outcome = TranslateMessage(ReadFile(kMessages + "bad_date.hl7"), FeedOf("X9910"));
  ASSERT_EQ(outcome.refusal, "");
  const auto& remarks = outcome.translation.remarks;
  const auto remark = std::find_if(remarks.begin(), remarks.end(),
                                   [](const Remark& one) { return one.code == "bad-date"; });
  ASSERT_NE(remark, remarks.end());
  EXPECT_EQ(remark->severity, 'W');
  EXPECT_EQ(remark->where, "GOL-7");
  const auto& changes = outcome.translation.changes;
  const auto goal = std::find_if(changes.begin(), changes.end(), [](const Change& change) {
    return change.fragment.type() == "Goal";
  });
  ASSERT_NE(goal, changes.end());
  EXPECT_EQ(goal->fragment.root().Child("startDate"), nullptr);
  EXPECT_EQ(goal->fragment.root().TextAt("description.text"), "Goal");
}

// What somebody is called or where they were born in a list refuses no message.
TEST(TranslateTest, LeavesOutAnOrderOfBirthThatIsNoneAndSaysWhere) {
  const auto person = [](const std::string& order) {
    return "MSH|^~\\&|PAS|X9912|CAREGW|X9900|20260310||ADT^A31^ADT_A05|O1|P|2.5.1\rEVN||20260310\r"
           "PID|1||A^^^X9912^MR||Ash^Ira|||||||||||||||||||Y|" +
           order + "\rPV1|1|N\r";
  };
  const auto births = [&](const std::string& order) {
    const Outcome outcome = TranslateMessage(person(order), FeedOf("X9912"));
    EXPECT_EQ(outcome.refusal, "") << order;
    std::string said;
    for (const Change& change : outcome.translation.changes) {
      const fhir::Element* born = change.fragment.root().Child("multipleBirth");
      said += born == nullptr ? "" : born->text();
    }
    for (const Remark& remark : outcome.translation.remarks) {
      said += " " + std::string(1, remark.severity) + " " + remark.where;
    }
    return said;
  };
  EXPECT_EQ(births(""), "true");
  EXPECT_EQ(births("2"), "2");
  EXPECT_EQ(births("OTH^Other"), "true W PID-25 W PID-25")
      << "the field is no number, and what was left out for it";
}

TEST(TranslateTest, SameMessageSameChanges) {
  const std::string bytes = ReadFile(kMessages + "plan_add.hl7");
  ASSERT_FALSE(bytes.empty());
  std::string texts[2];
  for (std::string& text : texts) {
    const Outcome outcome = TranslateMessage(bytes, FeedOf("X9910"));
    ASSERT_EQ(outcome.refusal, "");
    std::set<std::string> urls;
    for (const Change& change : outcome.translation.changes) {
      EXPECT_TRUE(change.full_url.starts_with("urn:uuid:")) << change.full_url;
      EXPECT_TRUE(urls.insert(change.full_url).second) << "one entry a resource";
      text += change.full_url + change.where;
      fhir::WriteJson(change.fragment, &text);
    }
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST(TranslateTest, ChangesSayWhereTheyComeFrom) {
  const Outcome outcome = TranslateMessage(ReadFile(kMessages + "plan_add.hl7"), FeedOf("X9910"));
  ASSERT_EQ(outcome.refusal, "");
  for (const Change& change : outcome.translation.changes) {
    if (change.fragment.type() == "Goal") {
      EXPECT_EQ(change.where, "GOL");
      EXPECT_EQ(change.action, Action::kAdd);
    }
    if (change.fragment.type() == "Condition") {
      EXPECT_EQ(change.where, "PRB");
      EXPECT_EQ(change.action, Action::kLink);
    }
  }
}

TEST(TranslateTest, BadCheckDigitsAreDroppedAndTold) {
  const std::string only = Header("ADT^A28^ADT_A05") + "EVN||20260302\r" +
                           "PID|1||9992010011^^^NHS^NH||Hartley^Beatrix\rPV1|1|N\r";
  const Outcome outcome = TranslateMessage(only, FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  EXPECT_EQ(Find(outcome.translation, "Patient")->root().Child("identifier"), nullptr);
  ASSERT_EQ(outcome.translation.remarks.size(), 2u);
  EXPECT_EQ(outcome.translation.remarks[0].code, "bad-check-digit");
  EXPECT_EQ(outcome.translation.remarks[0].where, "PID-3.1");
  EXPECT_EQ(outcome.translation.remarks[1].code, "unidentified");
  EXPECT_EQ(outcome.translation.remarks[1].severity, 'E');

  const Outcome beside =
      TranslateMessage(ReadFile(kMessages + "bad_check_digit.hl7"), FeedOf("X9912"));
  EXPECT_EQ(Find(beside.translation, "Patient")->root().TextAt("identifier.value"), "S9009");
}

// Each at its own place, in a time that grows with their number and not with its square.
TEST(TranslateTest, ManyNumbersTakeNoLongTime) {
  const std::string start = Header("ADT^A28^ADT_A05") + "EVN||20260302\rPID|1||S9009^^^X9912^MR";
  const std::string end = "||Hartley^Beatrix\rPV1|1|N\r";
  std::string bad = start;
  std::string twice = start;
  for (int i = 0; i < 999; ++i) {
    bad += "~" + std::to_string(9000000001 + (i % 7)) + "^^^NHS^NH";
    twice += "~K" + std::to_string(i / 2) + "^^^X9912^MR";
  }
  const Outcome told = TranslateMessage(bad + end, FeedOf("X9912"));
  ASSERT_EQ(told.refusal, "");
  ASSERT_GE(told.translation.remarks.size(), 500u);
  EXPECT_EQ(told.translation.remarks[0].where, "PID-3[2].1");
  EXPECT_EQ(told.translation.remarks[1].where, "PID-3[3].1");
  const Outcome once = TranslateMessage(twice + end, FeedOf("X9912"));
  ASSERT_EQ(once.refusal, "");
  EXPECT_EQ(Find(once.translation, "Patient")->root().Count("identifier"), 501u);
}

TEST(TranslateTest, ANumberIsNeverTakenBack) {
  const Outcome outcome = TranslateMessage(
      Header("ADT^A28^ADT_A05") +
          "EVN||20260302\rPID|1||\"\"^^^NHS^NH~S9009^^^X9912^MR||Hartley^Beatrix\rPV1|1|N\r",
      FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  ASSERT_EQ(outcome.translation.remarks.size(), 1u);
  EXPECT_EQ(outcome.translation.remarks[0].code, "null-number");
  EXPECT_EQ(outcome.translation.remarks[0].where, "PID-3");
  const fhir::Resource* patient = Find(outcome.translation, "Patient");
  EXPECT_EQ(patient->root().Count("identifier"), 1u);
  EXPECT_EQ(patient->root().TextAt("identifier.value"), "S9009");
}

TEST(TranslateTest, UnreadFieldsAndUnknownCodesAreListed) {
  const std::string bytes = Header("PGL^PC6^PGL_PC6") +
                            "PID|1||9992010010^^^NHS^NH||Hartley^Beatrix||19380611|XYZ\r"
                            "GOL|AD|20260302|G^Goal^L|G-1^CARE1|EP-1\rZZZ|own\r";
  const Outcome outcome = TranslateMessage(bytes, FeedOf("X9910"));
  ASSERT_EQ(outcome.refusal, "");
  const std::vector<std::string>& unread = outcome.translation.unread;
  EXPECT_NE(std::find(unread.begin(), unread.end(), "GOL-5.1"), unread.end());
  EXPECT_NE(std::find(unread.begin(), unread.end(), "ZZZ-1"), unread.end());
  ASSERT_EQ(outcome.translation.unmapped.size(), 1u);
  EXPECT_EQ(outcome.translation.unmapped[0].where, "PID-8.1");
  EXPECT_EQ(outcome.translation.unmapped[0].code, "XYZ");
}

TEST(TranslateTest, FeedTablesGoBeforeTheProjects) {
  Feed feed = FeedOf("X9910");
  feed.tables["goal-status"] = {{"ACT", "on-hold"}};
  const std::string bytes = Header("PGL^PC6^PGL_PC6") + std::string(kPerson) +
                            "GOL|AD|20260302|G^Goal^L|G-1^CARE1||||||||||||||ACT^Active^L\r"
                            "GOL|AD|20260302|G^Goal^L|G-2^CARE1||||||||||||||CMP^Done^L\r";
  const Outcome outcome = TranslateMessage(bytes, feed);
  std::vector<std::string> statuses;
  for (const Change& change : outcome.translation.changes) {
    if (change.fragment.type() == "Goal") {
      statuses.emplace_back(change.fragment.root().TextAt("lifecycleStatus"));
    }
  }
  EXPECT_EQ(statuses, (std::vector<std::string>{"on-hold", "completed"}));
}

TEST(TranslateTest, OneResourceForEachPerson) {
  const Outcome outcome = TranslateMessage(ReadFile(kMessages + "admit.hl7"), FeedOf("X9911"));
  ASSERT_EQ(outcome.refusal, "");
  // Twice in NK1, once with an identifier: the keyed hash says that she is one.
  EXPECT_EQ(Count(outcome.translation, "RelatedPerson"), 1u);
  EXPECT_EQ(Find(outcome.translation, "RelatedPerson")->root().Count("relationship"), 4u);
  EXPECT_EQ(Count(outcome.translation, "Encounter"), 1u);
}

TEST(TranslateTest, NoVisitNoEncounter) {
  const Outcome outcome = TranslateMessage(ReadFile(kMessages + "person_add.hl7"), FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  EXPECT_EQ(Count(outcome.translation, "Encounter"), 0u);
  for (const std::string& place : outcome.translation.unread) {
    EXPECT_FALSE(place.starts_with("PV1")) << place;
  }
}

// Decision 1, case by case: CON-11, the words of CON-9, the rows, and what comes of them.
struct ConsentCase {
  std::string_view status;
  std::string_view words;
  std::string_view rows;
  bool complete;           // the feed says that its coded rows say all
  std::string_view comes;  // status, root type, permits, unreadable
  size_t tasks;
};

TEST(TranslateTest, ConsentsFollowTheDecision) {
  constexpr std::string_view kWith = "OBX|1|CWE|SHAREWITH^With^L||X9911^A^ODS||||||F\r";
  constexpr std::string_view kOdd = "OBX|1|CWE|HIDEFROM^From^L||X9911^A^ODS||||||F\r";
  constexpr std::string_view kOddLimit =
      "OBX|1|CWE|SHAREWITH^With^L||X9911^A^ODS||||||F\r"
      "OBX|2|CWE|EXCLUDE^Not^L||MOON^Moon^L||||||F\r";
  const ConsentCase cases[] = {
      {"A", "", kWith, true, "active deny 1 readable", 0},
      {"A", "", kWith, false, "active deny 1 readable", 0},
      {"L", "", kWith, false, "active deny 1 readable", 0},
      {"L", "Not my brother", kWith, true, "active deny 1 readable", 1},
      {"L", "Not my brother", kWith, false, "active deny 1 unreadable", 1},
      {"L", "Not my brother", "", true, "active deny 0 unreadable", 1},
      {"A", "", "", true, "active deny 0 unreadable", 1},
      {"A", "", kOdd, true, "active deny 0 unreadable", 1},
      {"L", "", kOddLimit, true, "active deny 1 unreadable", 1},
      {"A", "", "OBX|1|CWE|SHAREWITH^With^L||||||||F\r", true, "active deny 0 unreadable", 1},
      {"L", "", "OBX|1|IS|EXCLUDE^Not^L||||||||F\r", true, "active deny 0 unreadable", 1},
      {"R", "", "", true, "active deny 0 readable", 0},
      {"X", "", "", true, "active deny 0 readable", 0},
      {"P", "", kWith, true, "proposed deny 1 readable", 0},
  };
  for (const ConsentCase& c : cases) {
    Feed feed = FeedOf("X9912");
    feed.coded_consent_complete = c.complete;
    const std::string bytes =
        Header("MDM^T02^MDM_T02") + "EVN||20260302\r" + std::string(kPerson) +
        "PV1|1|N\rTXA|1|CONS|TX|||||||||D-1^CARE1\rCON|1|SHARE^Share^L||C-1^CARE1|||||" +
        std::string(c.words) + "||" + std::string(c.status) +
        "^^HL70498||20260302||||||||||||Hartley^Beatrix|1^Self^HL70548\r" + std::string(c.rows);
    const Outcome outcome = TranslateMessage(bytes, feed);
    ASSERT_EQ(outcome.refusal, "") << c.status;
    const fhir::Resource* consent = Find(outcome.translation, "Consent");
    ASSERT_NE(consent, nullptr) << c.status;
    const fhir::Element& root = consent->root();
    const fhir::Element* provision = root.Child("provision");
    const std::string comes =
        std::string(root.TextAt("status")) + " " + std::string(provision->TextAt("type")) + " " +
        std::to_string(provision->Count("provision")) +
        (root.Child("modifierExtension") == nullptr ? " readable" : " unreadable");
    EXPECT_EQ(comes, c.comes) << c.status << " " << c.words << " " << c.rows;
    EXPECT_EQ(Count(outcome.translation, "Task"), c.tasks) << c.status << c.words << c.rows;
  }
}

TEST(TranslateTest, TwoDecisionsUnderOneNumberAreRefused) {
  const std::string refusal =
      "CON|1|001^Privacy^HL70496||C-1^CARE1|||||||R^^HL70498||20260302|||||||||||"
      "|Hartley^Beatrix|1^Self^HL70548\r";
  std::string grant = refusal;
  grant.replace(grant.find("R^^"), 1, "A");
  const std::string head = Header("MDM^T02^MDM_T02") + "EVN||20260302\r" + std::string(kPerson) +
                           "PV1|1|N\rTXA|1|CONS|TX|||||||||D-1^CARE1\r";
  EXPECT_EQ(CodeOfRefusal(head + refusal + grant), "103 CON");
}

TEST(TranslateTest, ABypassIsNoConsent) {
  const Outcome outcome =
      TranslateMessage(ReadFile(kMessages + "consent_bypass.hl7"), FeedOf("X9912"));
  ASSERT_EQ(outcome.refusal, "");
  EXPECT_EQ(Count(outcome.translation, "Consent"), 0u);
  EXPECT_EQ(Count(outcome.translation, "Communication"), 1u);
}

// Those that it gives: one that is marked changes nothing where it does not stand already.
std::string LabelsOf(const fhir::Resource& resource) {
  std::string labels;
  const fhir::Element* meta = resource.root().Child("meta");
  for (const fhir::Element* label = meta == nullptr ? nullptr : meta->first_child();
       label != nullptr; label = label->next()) {
    if (label->Child("extension") != nullptr) {
      continue;
    }
    labels += (labels.empty() ? "" : " ") + std::string(label->TextAt("code"));
  }
  return labels;
}

TEST(TranslateTest, ProblemsCarryTheirLabels) {
  const struct {
    std::string_view diagnosis;  // PRB-21
    std::string_view prognosis;  // PRB-23
    std::string_view family;     // PRB-24
    std::string_view security;   // PRB-25
    std::string_view labels;
  } cases[] = {
      {"FULL", "FULL", "", "", ""},
      {"NONE", "", "", "", "NOPAT"},
      {"", "NONE", "", "", "NOPAT"},
      {"ODD", "", "", "", "NOPAT"},
      {"", "", "Daughter knows", "", ""},
      {"", "", "", "N", ""},
      {"", "", "", "R", "R"},
      {"", "", "", "V", "V"},
      {"", "", "", "PSY", "R PSY"},
      {"", "", "", "^Psychiatric", "R"},
      {"", "", "", "^^^PSY", "R PSY"},
      {"", "", "", "N~PSY", "R PSY"},
      {"^Not told", "", "", "", "NOPAT"},
      {"", "", "", "ODD", "R"},
      {"NONE", "NONE", "", "R", "NOPAT R"},
  };
  for (const auto& c : cases) {
    const std::string bytes = Header("PPR^PC1^PPR_PC1") + std::string(kPerson) +
                              "PRB|AD|20260302|1^Problem^L|P-1^SURG|||||||||||||||||" +
                              std::string(c.diagnosis) + "||" + std::string(c.prognosis) + "|" +
                              std::string(c.family) + "|" + std::string(c.security) + "\r";
    const Outcome outcome = TranslateMessage(bytes, FeedOf("X9912"));
    ASSERT_EQ(outcome.refusal, "");
    EXPECT_EQ(LabelsOf(*Find(outcome.translation, "Condition")), c.labels)
        << c.diagnosis << c.prognosis << c.family << c.security;
  }
}

TEST(TranslateTest, FilesAreRefusedForWhatTheyLack) {
  auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/fenwick-sharing-preferences.json");
  ASSERT_TRUE(feed.ok());
  const auto no_column = Maps().FromCsv("nhs_number,dob\n1,2\n", *feed, Instant{});
  ASSERT_FALSE(no_column.ok());
  EXPECT_EQ(no_column.error().code, Code::kInvalid);
  EXPECT_FALSE(Maps().FromCsv("", *feed, Instant{}).ok());
  feed->map = "csv-to-fhir/nothing";
  const auto no_map = Maps().FromCsv("a\n", *feed, Instant{});
  ASSERT_FALSE(no_map.ok());
  EXPECT_NE(no_map.error().where.find("map"), std::string::npos);
}

TEST(TranslateTest, LoadsNothingFromAFolderThatIsNotThere) {
  const auto missing =
      Translator::Load(GW_SOURCE_DIR "/no-mappings", GW_SOURCE_DIR "/profiles", Definitions());
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kInvalid);
}

TEST(TranslateTest, LoadsNoListThatSaysNothing) {
  const struct {
    std::string_view name;
    std::string_view text;
    std::string_view where;
  } cases[] = {
      {"none", "", "hl7v2-to-fhir/messages.json"},
      {"hl7v2-to-fhir/messages.json", R"(["ADT"])", "hl7v2-to-fhir/messages.json: $"},
      {"hl7v2-to-fhir/messages.json", R"({"ADT":{"A01":1}})", "hl7v2-to-fhir/messages.json: $.ADT"},
      {"hl7v2-to-fhir/messages.json", R"({"ADT":[1]})", "hl7v2-to-fhir/messages.json: $.ADT"},
      {"csv-to-fhir/x/rows.json", R"({"url":"u","columns":["a"]})",
       "csv-to-fhir/x/rows.json: $.columns[0]"},
      {"csv-to-fhir/x/rows.json", R"({"url":"u","columns":[{"name":"a","tpye":"date"}]})",
       "csv-to-fhir/x/rows.json: $.columns[0]"},
  };
  for (const auto& c : cases) {
    const TempFolder folder;
    folder.Write(std::string(c.name), c.text);
    const auto loaded = Translator::Load(folder.path(), GW_SOURCE_DIR "/profiles", Definitions());
    ASSERT_FALSE(loaded.ok()) << c.text;
    EXPECT_EQ(loaded.error().where, c.where) << c.text;
  }
}

TEST(TranslateTest, ALinkToItselfAmongTheMapsIsRefused) {
  const TempFolder folder;
  folder.Write("hl7v2-to-fhir/messages.json", "{}");
  std::filesystem::create_symlink("loop.map", folder.Path("hl7v2-to-fhir/loop.map"));
  const auto loaded = Translator::Load(folder.path(), GW_SOURCE_DIR "/profiles", Definitions());
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().detail, "cannot be read");
  EXPECT_EQ(loaded.error().where, folder.Path("hl7v2-to-fhir/loop.map"));
}

TEST(TranslateTest, VersionIsOfTheBytesOfTheMaps) { EXPECT_EQ(Maps().version().size(), 64u); }

}  // namespace
}  // namespace gw::map
