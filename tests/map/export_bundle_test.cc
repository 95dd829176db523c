#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/crypto.h"
#include "gateway/map/export/export.h"
#include "tests/map/samples_testing.h"

// How a Bundle is read before it goes back: who is meant by a reference, by which key a resource is
// known, what a patch says, and what goes with what.

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

constexpr std::string_view kPerson =
    R"({"resourceType": "Patient", "id": "7", "identifier": [{"system": )"
    R"("urn:caregate:id:IA%20PHIMS:MR", "value": "P7"}]})";

std::string EntryOf(const std::string& url, const std::string& resource,
                    const std::string& request = {}) {
  const size_t blank = request.find(' ');
  return "{" + (url.empty() ? "" : R"("fullUrl": ")" + url + R"(", )") + R"("resource": )" +
         resource +
         (request.empty() ? ""
                          : R"(, "request": {"method": ")" + request.substr(0, blank) +
                                R"(", "url": ")" + request.substr(blank + 1) + R"("})") +
         "}";
}

Export Exported(const std::vector<std::string>& entries) {
  std::string json = R"({"resourceType": "Bundle", "type": "collection", "entry": [)";
  for (const std::string& entry : entries) {
    json += (json.ends_with('[') ? "" : ", ") + entry;
  }
  Destination to;
  to.name = "test";
  to.version = "2.8";
  auto made = BackMaps().FromFhir(Parsed(json + "]}"), to, kNow);
  EXPECT_TRUE(made.ok()) << made.error().where << made.error().detail;
  return *std::move(made);
}

// The bytes of the messages, or the places where they are refused.
std::vector<std::string> Texts(const Export& made) {
  std::vector<std::string> texts;
  for (const auto& message : made.messages) {
    texts.push_back(message ? message->bytes : "refused at " + message.error().where);
  }
  return texts;
}

std::string GoalOf(const std::string& subject, const std::string& members = {}) {
  return R"({"resourceType": "Goal", "lifecycleStatus": "active", )"
         R"("description": {"text": "Walk"}, )"
         R"("subject": {"reference": ")" +
         subject + R"("})" + members + "}";
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A field, or the place where it is refused.
bool Says(const std::string& text, const std::string& field) {
  return text == field || Has(text, field + "|") || Has(text, field + "\r");
}

// R4 bundle.html 2.36.4.1. Another server's person with the same id is another person.
TEST(ExportBundle, AReferenceIsOfItsOwnServer) {
  const std::string person = "https://a.example/fhir/Patient/7";
  struct {
    std::string person, goal, subject;
    bool is_known;
  } const cases[] = {
      {person, "urn:uuid:1", "https://a.example/fhir/Patient/7", true},
      {person, "urn:uuid:1", "https://a.example/fhir/Patient/7/_history/2", true},
      {person, "https://a.example/fhir/Goal/1", "Patient/7", true},
      {person, "https://a.example/fhir/Goal/1", "Patient/7/_history/2", true},
      {person, "urn:uuid:1", "Patient/7", true},
      {"urn:uuid:p", "https://a.example/fhir/Goal/1", "Patient/7", true},
      {"urn:uuid:p", "urn:uuid:1", "urn:uuid:p", true},
      {"urn:uuid:p", "urn:uuid:1", "Patient?identifier=urn:caregate:id:IA%2520PHIMS:MR%7CP7", true},
      {person, "https://b.example/fhir/Goal/1", "https://b.example/fhir/Patient/7", false},
      {person, "https://b.example/fhir/Goal/1", "Patient/7", false},
      {person, "urn:uuid:1", "https://b.example/fhir/Patient/7", false},
      {person, "urn:uuid:1", "https://a.example/other/fhir/Patient/7", false},
      {"urn:uuid:p", "urn:uuid:1", "https://a.example/fhir/Patient/7", false},
      {"urn:uuid:p", "urn:uuid:1", "Patient?identifier=P7", false},
  };
  for (const auto& one : cases) {
    const Export made = Exported(
        {EntryOf(one.person, std::string(kPerson)), EntryOf(one.goal, GoalOf(one.subject))});
    const std::vector<std::string> texts = Texts(made);
    const auto goal = std::find_if(texts.begin(), texts.end(), [](const std::string& text) {
      return Has(text, "PGL^PC6") || Has(text, "refused");
    });
    ASSERT_NE(goal, texts.end());
    EXPECT_EQ(Has(*goal, "P7^^^IA PHIMS^MR"), one.is_known)
        << one.person << " " << one.goal << " " << one.subject << "\n"
        << *goal;
  }
}

// Two servers' resources of one id have not one key.
TEST(ExportBundle, KeysAreNeverInvented) {
  const std::string person = EntryOf("urn:uuid:p", std::string(kPerson));
  const std::string goal = GoalOf("urn:uuid:p");
  const std::string named = GoalOf("urn:uuid:p", R"(, "id": "G7")");
  using Texts = std::vector<std::string>;
  EXPECT_EQ(gw::map::Texts(Exported({person, EntryOf("", goal)})), Texts{"refused at Goal[1]"});
  EXPECT_TRUE(Has(gw::map::Texts(Exported({person, EntryOf("", named)}))[0], "|G7^fhir|"));
  EXPECT_TRUE(Has(gw::map::Texts(Exported({person, EntryOf("urn:uuid:8", goal)}))[0], "|8^fhir|"));
  const Texts both =
      gw::map::Texts(Exported({person, EntryOf("https://a.example/fhir/Goal/G7", named),
                               EntryOf("https://b.example/fhir/Goal/G7", named)}));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_TRUE(Has(both[0], "|G7^fhir|"));
  EXPECT_EQ(both[1], "refused at Goal[2]");
  // Nor whose plan it is.
  EXPECT_EQ(gw::map::Texts(Exported(
                {EntryOf("", R"({"resourceType": "Patient", "name": [{"family": "Ash"}]})")})),
            Texts{"refused at Patient[1]"});
}

// What goes with a message that says nothing of it needs no name; nor what its container names.
TEST(ExportBundle, OnlyWhatAMessageSaysNeedsAName) {
  const std::string goal =
      GoalOf("Patient/7", R"(, "id": "g", "identifier": [{"system": "urn:g", "value": "G1"}])");
  const auto about = [](const std::string& category) {
    return R"({"resourceType": "Communication", "status": "completed", "category": )"
           R"([{"coding": [{"code": ")" +
           category +
           R"("}]}], "about": [{"reference": "Goal/g"}], "payload": [{"contentString": "Hello"}]})";
  };
  const std::string letter =
      R"({"resourceType": "DocumentReference", "status": "current", "subject": )"
      R"({"reference": "Patient/7"}, "content": [{"attachment": )"
      R"({"contentType": "text/plain", "data": "QUFB"}}]})";
  const std::string plan =
      R"({"resourceType": "CarePlan", "identifier": [{"system": "urn:caregate:id:X9910:plan", )"
      R"("value": "CP-1"}], "status": "active", "intent": "plan", "subject": {"reference": )"
      R"("Patient/7"}, "contained": [)" +
      GoalOf("Patient/7", R"(, "id": "g")") + R"(], "goal": [{"reference": "#g"}]})";
  struct {
    std::vector<std::string> entries;
    std::string sent;
  } const cases[] = {
      {{EntryOf("", letter)}, "ADT^A28"},
      {{EntryOf("", goal), EntryOf("", about("notification"))}, "|G1^urn:g|"},
      {{EntryOf("", goal), EntryOf("", about("variance"))}, "refused at Communication[1]"},
      {{EntryOf("", plan)}, "|CP-1#g^X9910|"},
  };
  for (const auto& one : cases) {
    std::vector<std::string> entries = {EntryOf("", std::string(kPerson))};
    entries.insert(entries.end(), one.entries.begin(), one.entries.end());
    const std::vector<std::string> texts = Texts(Exported(entries));
    ASSERT_EQ(texts.size(), 1u) << one.sent;
    EXPECT_TRUE(Has(texts[0], one.sent)) << texts[0];
  }
}

std::string PatchOf(const std::string& verb, const std::string& members) {
  return R"({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [)"
         R"({"name": "type", "valueCode": ")" +
         verb + R"("}, {"name": "path", "valueString": "Goal"}, )" + members + "]}]}";
}

const std::string& SubjectPatch() {
  static const std::string patch =
      PatchOf("add", R"({"name": "name", "valueString": "subject"}, )"
                     R"({"name": "value", "valueReference": {"reference": "urn:uuid:p"}})");
  return patch;
}

// RFC 3986 section 2.1 and, below it, R4 search 3.1.1.3.1.
TEST(ExportBundle, KeysInUrlsAreReadAsTheyWereWritten) {
  struct {
    std::string url, sent;
  } const cases[] = {
      {"Goal?identifier=urn:caregate:id:X9910:goal|G%201%2B2", "|G 1+2^X9910"},
      {"Goal?identifier=urn:caregate:id:IA%2520PHIMS:goal%7CG1", "|G1^IA PHIMS"},
      {"Goal?identifier=urn:caregate:id:X9910:goal|G%5C%7C1%5C,2%5C$3%5C%5C4",
       "|G\\F\\1,2$3\\E\\4^X9910"},
      {"Goal?identifier=|G1", "|G1"},
      {"Goal/G7", "|G7^fhir"},
      {"Goal?identifier=G1", "refused at Bundle.entry[1]"},
      {"Goal?identifier=urn:a|1,urn:a|2", "refused at Bundle.entry[1]"},
      {"Goal?identifier=urn:a|1&status=active", "refused at Bundle.entry[1]"},
      {"Goal?status=active", "refused at Bundle.entry[1]"},
      {"Goal", "refused at Bundle.entry[1]"},
      {"Nothing/1", "refused at Bundle.entry[1]"},
  };
  for (const auto& one : cases) {
    const Export made = Exported({EntryOf("urn:uuid:p", std::string(kPerson)),
                                  EntryOf("urn:uuid:9", SubjectPatch(), "PATCH " + one.url)});
    const std::vector<std::string> texts = Texts(made);
    EXPECT_TRUE(std::any_of(texts.begin(), texts.end(),
                            [&](const auto& text) { return Has(text, one.sent); }))
        << one.url << "\n"
        << texts.front();
  }
}

// The rest is sent.
TEST(ExportBundle, APatchThatCannotBeReadIsRefusedAlone) {
  const std::string other = PatchOf("replace", R"({"name": "value", "valueCode": "active"})");
  const std::vector<std::string> texts =
      Texts(Exported({EntryOf("urn:uuid:p", std::string(kPerson)),
                      EntryOf("urn:uuid:8", other, "PATCH Goal?identifier=urn:g|1"),
                      EntryOf("urn:uuid:9", GoalOf("urn:uuid:p"), "POST Goal")}));
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_TRUE(Has(texts[0], "PGL^PC6")) << texts[0];
  EXPECT_EQ(texts[1], "refused at Bundle.entry[1]");
}

// A choice is deleted by its name without a type.
TEST(ExportBundle, ADeletedChoiceIsSaid) {
  const std::string gone =
      R"({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [)"
      R"({"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Goal.start"}]}, )"
      R"({"name": "operation", "part": [{"name": "type", "valueCode": "add"}, )"
      R"({"name": "path", "valueString": "Goal"}, {"name": "name", "valueString": "subject"}, )"
      R"({"name": "value", "valueReference": {"reference": "urn:uuid:p"}}]})";
  const std::string set =
      R"(, {"name": "operation", "part": [{"name": "type", "valueCode": "add"}, )"
      R"({"name": "path", "valueString": "Goal"}, {"name": "name", )"
      R"("valueString": "start"}, {"name": "value", "valueDate": "2026-03-01"}]})";
  struct {
    std::string patch, sent;
  } const cases[] = {{gone + "]}", R"(|"")"}, {gone + set + "]}", "|20260301"}};
  for (const auto& one : cases) {
    const std::vector<std::string> texts =
        Texts(Exported({EntryOf("urn:uuid:p", std::string(kPerson)),
                        EntryOf("urn:uuid:9", one.patch, "PATCH Goal?identifier=urn:g|1")}));
    ASSERT_EQ(texts.size(), 1u);
    EXPECT_TRUE(Says(texts[0], one.sent)) << texts[0];
  }
}

std::string OperationOn(const std::string& verb, const std::string& path,
                        const std::string& value = {}) {
  return R"({"name": "operation", "part": [{"name": "type", "valueCode": ")" + verb +
         R"("}, {"name": "path", "valueString": ")" + path + R"("})" + value + "]}";
}

std::string ItemOf(const std::string& list, const std::string& parts) {
  return R"(, {"name": "name", "valueString": ")" + list + R"("}, {"name": "value", "part": [)" +
         parts + "]}";
}

std::string FhirPathPatch(const std::vector<std::string>& operations) {
  std::string json;
  for (const std::string& operation : operations) {
    json += (json.empty() ? "" : ", ") + operation;
  }
  return R"({"resourceType": "Parameters", "parameter": [)" + json + "]}";
}

// Our own patches set an item by its key so: it is deleted, then added. It may be deleted more than
// once, where several may have the key.
TEST(ExportBundle, AnItemThatIsReplacedIsSaidOnce) {
  const auto discipline = [](const std::string& text) {
    return ItemOf("extension",
                  R"({"name": "url", "valueUri": "urn:caregate:extension:discipline"}, )"
                  R"({"name": "value", "valueCodeableConcept": {"text": ")" +
                      text + R"("}})");
  };
  const std::string url = "Goal.extension.where(url='urn:caregate:extension:discipline')";
  const std::string role = "CareTeam.participant.where(id='R-1:X')";
  const std::string member = ItemOf(
      "participant",
      R"({"name": "id", "valueString": "R-1:X"}, {"name": "role", "valueCodeableConcept": )"
      R"({"coding": [{"code": "KW"}]}}, {"name": "member", "valueReference": )"
      R"({"identifier": {"system": "urn:caregate:id:X:PI", "value": "9"}, "type": "Practitioner"}})");
  struct {
    std::string type, patch, sent, unsent;
  } const cases[] = {
      {"Goal",
       FhirPathPatch(
           {OperationOn("delete", url), OperationOn("add", "Goal", discipline("Nursing"))}),
       "|^^^^^^^^Nursing", "Unheard"},
      {"Goal",
       FhirPathPatch({OperationOn("delete", url + "[0]"), OperationOn("delete", url + "[0]"),
                      OperationOn("add", "Goal", discipline("Nursing"))}),
       "|^^^^^^^^Nursing", "Unheard"},
      {"CareTeam",
       FhirPathPatch({OperationOn("delete", role), OperationOn("add", "CareTeam", member)}),
       "PRT|R-1^X|AD||KW|9", "R-1^X|DE"},
      {"CareTeam", FhirPathPatch({OperationOn("delete", role)}), "PRT|R-1^X|DE", "R-1^X|AD"},
      // Deleted after all.
      {"CareTeam",
       FhirPathPatch({OperationOn("add", "CareTeam", member), OperationOn("delete", role),
                      OperationOn("delete", role)}),
       "PRT|R-1^X|DE||KW|9", "R-1^X|AD"},
  };
  for (const auto& one : cases) {
    std::string patch = one.patch;
    patch.insert(patch.find('[') + 1,
                 OperationOn("add", one.type,
                             R"(, {"name": "name", "valueString": "subject"}, {"name": "value", )"
                             R"("valueReference": {"reference": "urn:uuid:p"}})") +
                     ", ");
    const Export made =
        Exported({EntryOf("urn:uuid:p", std::string(kPerson)),
                  EntryOf("urn:uuid:9", patch, "PATCH " + one.type + "?identifier=urn:g|1")});
    const std::vector<std::string> texts = Texts(made);
    ASSERT_FALSE(texts.empty()) << one.patch;
    EXPECT_TRUE(Has(texts.back(), one.sent)) << texts.back();
    EXPECT_FALSE(Has(texts.back(), one.unsent)) << texts.back();
  }
}

std::string JsonPatch(const std::string& operations) {
  return R"({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": ")" +
         crypto::Base64(operations) + R"("})";
}

TEST(ExportBundle, JsonPatchIsReadLikeFhirPathPatch) {
  const std::string subject =
      R"([{"op": "add", "path": "/subject", "value": {"reference": "urn:uuid:p"}})";
  struct {
    std::string operations, sent;
  } const cases[] = {
      {R"({"op": "add", "path": "/description", "value": {"text": "Walk"}})",
       "|^^^^^^^^Walk|G1^X9910"},
      {R"({"op": "replace", "path": "/lifecycleStatus", "value": "completed"})", "|G1^X9910"},
      {R"({"op": "add", "path": "/startDate", "value": ""}, )"
       R"({"op": "remove", "path": "/startDate"},)"
       R"( {"op": "add", "path": "/startDate", "value": "2026-03-01"})",
       "|20260301"},
      {R"({"op": "add", "path": "/startDate", "value": ""}, )"
       R"({"op": "remove", "path": "/startDate"})",
       R"(|"")"},
      {R"({"op": "add", "path": "/note/0/text", "value": "x"})", "refused at Bundle.entry[1]"},
      {R"({"op": "add", "path": "/note/-", "value": {"text": "x"}})", "refused at Bundle.entry[1]"},
      {R"({"op": "test", "path": "/lifecycleStatus", "value": "x"})", "refused at Bundle.entry[1]"},
      {R"({"op": "move", "from": "/a", "path": "/b"})", "refused at Bundle.entry[1]"},
      {R"({"op": "add", "path": "/unheardOf", "value": "x"})", "refused at Bundle.entry[1]"},
      {R"({"op": "remove", "path": "/unheardOf"})", "refused at Bundle.entry[1]"},
      {R"({"op": "add", "path": "/identifier", "value": [{"value": "2"}]})",
       "refused at Bundle.entry[1]"},
      {R"({"op": "add", "path": "", "value": {}})", "refused at Bundle.entry[1]"},
  };
  for (const auto& one : cases) {
    const std::vector<std::string> texts =
        Texts(Exported({EntryOf("urn:uuid:p", std::string(kPerson)),
                        EntryOf("urn:uuid:9", JsonPatch(subject + ", " + one.operations + "]"),
                                "PATCH Goal?identifier=urn:caregate:id:X9910:goal|G1")}));
    const bool is_refused = one.sent.starts_with("refused");
    const std::string& text = is_refused ? texts.back() : texts.front();
    EXPECT_TRUE(Says(text, one.sent)) << one.operations << "\n" << text;
    EXPECT_TRUE(is_refused || Has(text, "PGL^PC7")) << text;
  }
  const std::vector<std::string> texts = Texts(
      Exported({EntryOf("urn:uuid:9", R"({"resourceType": "Binary", "contentType": "text/x"})",
                        "PATCH Goal?identifier=urn:g|1")}));
  EXPECT_EQ(texts, std::vector<std::string>{"refused at Bundle.entry[0]"});
}

// Whatever the order of the entries: a variance of a known goal that was joined to the problem.
TEST(ExportBundle, WhatBelongsToItGoesWithIt) {
  const std::vector<std::string> entries = {
      EntryOf("urn:uuid:p", std::string(kPerson)),
      EntryOf("urn:uuid:c",
              R"({"resourceType": "Condition", "code": {"text": "Falls"}, )"
              R"("subject": {"reference": "urn:uuid:p"}})",
              "PUT Condition?identifier=urn:c|1"),
      EntryOf("urn:uuid:g",
              GoalOf("urn:uuid:p",
                     R"(, "meta": {"tag": [{"system": "urn:caregate:tag", "code": "stub"}]}, )"
                     R"("addresses": [{"reference": "urn:uuid:c"}])")),
      EntryOf("urn:uuid:v",
              R"({"resourceType": "Communication", "status": "completed", "category": )"
              R"([{"coding": [{"code": "variance"}]}], "about": [{"reference": "urn:uuid:g"}], )"
              R"("payload": [{"contentString": "Slipped"}]})")};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    std::vector<std::string> ordered;
    for (const size_t index : order) {
      ordered.push_back(entries[index]);
    }
    const std::vector<std::string> texts = Texts(Exported(ordered));
    ASSERT_EQ(texts.size(), 1u);
    EXPECT_TRUE(Says(texts[0], "|Slipped")) << texts[0];
  } while (std::next_permutation(order.begin(), order.end()));
}

// Twice as much takes about twice as long.
TEST(ExportBundle, TakesTimeInProportion) {
  const auto seconds = [](size_t goals) {
    std::vector<std::string> entries = {EntryOf("urn:uuid:p", std::string(kPerson))};
    for (size_t i = 0; i < goals; ++i) {
      entries.push_back(EntryOf("urn:uuid:g" + std::to_string(i), GoalOf("urn:uuid:p")));
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Exported(entries).messages.size(), goals);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  seconds(10);
  const double few = std::min(seconds(200), seconds(200));
  EXPECT_LT(seconds(1600), few * 8 * 2.5 + 1);
}

}  // namespace
}  // namespace gw::map
