#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/csv/writer.h"
#include "gateway/map/export/export.h"
#include "tests/map/samples_testing.h"

// CSV files of FHIR resources.

namespace gw::map {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

Destination CsvTo(const std::string& name) {
  auto to = ReadDestination(GW_SOURCE_DIR "/config/destinations/" + name + "-export.json");
  EXPECT_TRUE(to.ok()) << to.error().where;
  return *std::move(to);
}

TEST(ExportCsv, PlansTeamsAndReviewsDue) {
  const fhir::Resource bundle = OwnResource("PPP_PCB.plan");
  const auto plans = BackMaps().FromFhir(bundle, CsvTo("plans"), kNow);
  ASSERT_TRUE(plans.ok()) << plans.error().where;
  EXPECT_EQ(plans->rows, 1u);
  EXPECT_EQ(plans->csv,
            "\xEF\xBB\xBF"
            "Plan,NHS number,Surname,Forename,Title,Status,Start,End,Goals,Notes\r\n"
            "CP-1,9991001018,Okafor,Miriam,Care plan,active,02/03/2026,,"
            "Tend my allotment again; Go to church on my own,"
            "Ring the matron if her ankles swell.; Written at the kitchen table.\r\n");
  const auto teams = BackMaps().FromFhir(bundle, CsvTo("teams"), kNow);
  ASSERT_TRUE(teams.ok()) << teams.error().where;
  EXPECT_EQ(teams->rows, 4u);
  EXPECT_EQ(teams->csv,
            "Team,NHS number,Role,Member,Member code,Telephone,From,To\r\n"
            "CP-1,9991001018,Care coordinator,Ms Aurora Pell,N9990001,01632 960377,2026-03-02,\r\n"
            "CP-1,9991001018,Caregiver,Mr Daniel Okafor,KIN-5,07700 900344,,\r\n"
            "CP-1,9991001018,Patient,Mrs Miriam Ada Okafor,9991001018,01632 960101,,\r\n"
            "CP-1,9991001018,Volunteers,Saltby Volunteers,X9915,01632 960400,,\r\n");
  const auto reviews = BackMaps().FromFhir(bundle, CsvTo("reviews-due"), kNow);
  ASSERT_TRUE(reviews.ok()) << reviews.error().where;
  EXPECT_EQ(reviews->csv,
            "Plan,Goal,NHS number,What matters,Review due,Last review,Status,Reviewer\r\n"
            "CP-1,G-1,9991001018,Tend my allotment again,2026-06-01,2026-03-02,active,\r\n");
}

// Of a member in a role the person is named, by their own number, with the telephone of the role;
// the role is no member by itself.
TEST(ExportCsv, AMemberInARoleIsWhoHasTheRole) {
  const auto team_of = [](const std::string& phones, const std::string& person) {
    return Parsed(
        R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:t",)"
        R"("resource":{"resourceType":"CareTeam","identifier":[{"system":"s","value":"T-1"}],)"
        R"("status":"active",)"
        R"("participant":[{"role":[{"text":"Matron"}],"member":{"reference":"urn:uuid:r",)"
        R"("identifier":{"system":"s","value":"ROLE-1"}}}]}},{"fullUrl":"urn:uuid:r","resource":)"
        R"({"resourceType":"PractitionerRole","identifier":[{"system":"s","value":"ROLE-1"}],)"
        R"("practitioner":{"reference":"urn:uuid:w","display":"Sr Pell","identifier":)"
        R"({"system":"s","value":"N-7"}})" +
        phones + "}}" + person + "]}");
  };
  const std::string pell =
      R"(,{"fullUrl":"urn:uuid:w","resource":{"resourceType":"Practitioner","identifier":)"
      R"([{"system":"s","value":"N-7"}],"name":[{"prefix":["Ms"],"given":["Aurora"],)"
      R"("family":"Pell"}],"telecom":[{"system":"phone","value":"01632 960377"}]}})";
  const std::string phones = R"(,"telecom":[{"system":"phone","value":"01632 960500"}])";
  const std::vector<std::pair<fhir::Resource, std::string>> cases = [&] {
    std::vector<std::pair<fhir::Resource, std::string>> made;
    made.emplace_back(team_of(phones, pell), "T-1,,Matron,Ms Aurora Pell,N-7,01632 960500,,\r\n");
    made.emplace_back(team_of("", pell), "T-1,,Matron,Ms Aurora Pell,N-7,01632 960377,,\r\n");
    made.emplace_back(team_of(phones, ""), "T-1,,Matron,Sr Pell,N-7,01632 960500,,\r\n");
    return made;
  }();
  for (const auto& [bundle, row] : cases) {
    const auto teams = BackMaps().FromFhir(bundle, CsvTo("teams"), kNow);
    ASSERT_TRUE(teams.ok()) << teams.error().where;
    EXPECT_EQ(teams->rows, 1u);
    EXPECT_EQ(teams->csv.substr(teams->csv.find('\n') + 1), row);
  }
}

// A review that any of our feeds says is due is in the export: of a plan, of a goal, by its date.
TEST(ExportCsv, ReviewsDueAreThoseThatFeedsSay) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"northshire-reviews",
       "CP-881,,2026-10-01\nCP-882,,2027-03-05\nCP-883,,2026-02-28\nCP-884,,2025-03-16\n"
       "CP-885,,2026-11-01\n"},
      {"northshire-care-plans", "CP-881,,2026-06-01\nCP-881,,2026-10-01\nCP-882,,2026-09-05\n"},
      {"fenwick-goals-actions", "CP-881,G-1,2026-09-01\n"},
  };
  Destination to = CsvTo("reviews-due");
  std::erase_if(to.columns, [](const auto& column) {
    return column.name != "planRef" && column.name != "goalRef" && column.name != "due";
  });
  to.line_end = "\n";
  for (const auto& [name, due] : cases) {
    const auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/" + name + ".json");
    ASSERT_TRUE(feed.ok()) << feed.error().detail;
    const auto file =
        Maps().FromCsv(ReadFile(GW_SOURCE_DIR "/tests/data/csv/" + name + ".csv"), *feed, kNow);
    ASSERT_TRUE(file.ok()) << file.error().detail;
    std::string found;
    for (const RowGroup& group : file->groups) {
      if (!group.translation) {
        continue;
      }
      const auto made = BackMaps().FromChanges(group.translation->changes, to, kNow);
      ASSERT_TRUE(made.ok()) << made.error().where;
      found += made->csv.substr(made->csv.find('\n') + 1);  // below the header
    }
    EXPECT_EQ(found, due) << name;
  }
}

// OWASP, CSV injection: no cell begins as a formula does, in whichever column it stands.
TEST(ExportCsv, NoCellIsAFormula) {
  for (const char* evil : {"=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "'x",
                           "\n=1", " =1+1", "\xC2\xA0=1", "\xE2\x80\x8B=1",
                           "\xEF\xBC\x9D"
                           "1",
                           "\xEF\xBC\x8B"
                           "1",
                           "\xEF\xBC\x8D"
                           "1",
                           "\xEF\xBC\xA0"
                           "x"}) {
    fhir::Resource bundle = OwnResource("PPP_PCB.plan");
    fhir::Element* entry = bundle.root().Child("entry");
    entry->Child("resource")->Child("name")->Child("family")->SetText(evil);
    fhir::Element* plan = entry->next()->Child("resource");
    for (const char* name : {"title", "status"}) {
      plan->Child(name)->SetText(name == std::string_view("title") ? evil : "active");
    }
    const auto made = BackMaps().FromFhir(bundle, CsvTo("plans"), kNow);
    ASSERT_TRUE(made.ok());
    const std::string guarded = WithGuard(evil);
    const bool quoted = guarded.find_first_of("\r\n\",") != std::string::npos;
    const std::string cell = quoted ? "\"" + guarded + "\"" : guarded;
    EXPECT_NE(made->csv.find("," + cell + ",Miriam," + cell + ",active"), std::string::npos)
        << made->csv;
  }
}

TEST(ExportCsv, GuardsCanBeTakenAway) {
  for (const char* cell : {"=1+1", "+44", "-5", "@SUM", "\tx", "\rx", "'quoted", "'", "plain", "",
                           "\nx", "  =1", "\xE2\x80\x8B@x",
                           "\xEF\xBC\x9D"
                           "1",
                           "  plain"}) {
    const std::string guarded = WithGuard(cell);
    EXPECT_TRUE(guarded.starts_with('\'') ? guarded == std::string("'") + cell : guarded == cell)
        << guarded;
    EXPECT_EQ(WithoutGuard(guarded), cell);
  }
  EXPECT_EQ(WithGuard("=1+1"), "'=1+1");
  EXPECT_EQ(WithGuard("\n=1+1"), "'\n=1+1");
  EXPECT_EQ(WithGuard("\xC2\xA0=1"), "'\xC2\xA0=1");
  EXPECT_EQ(WithGuard("\xEF\xBC\x9D"
                      "1"),
            "'\xEF\xBC\x9D"
            "1");
  EXPECT_EQ(WithGuard("plain"), "plain");
  EXPECT_EQ(WithGuard(" plain"), " plain");
}

TEST(ExportCsv, QuotesDelimitersAndEncodingsAreTheReceivers) {
  fhir::Resource bundle = OwnResource("PPP_PCB.plan");
  bundle.root()
      .Child("entry")
      ->Child("resource")
      ->Child("name")
      ->Child("family")
      ->SetText("Zoë; \"Z\"\nOkafor");
  Destination to = CsvTo("plans");
  to.columns.erase(to.columns.begin(), to.columns.begin() + 2);
  to.columns.erase(to.columns.begin() + 2, to.columns.end());
  to.columns[1].codes["Miriam"] = "M.";
  to.delimiter = ";";
  to.quoting = "all";
  to.line_end = "\n";
  to.byte_order_mark = false;
  to.charset = hl7v2::Charset::kWindows1252;
  const auto made = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->csv, "\"Surname\";\"Forename\"\n\"Zo\xEB; \"\"Z\"\"\nOkafor\";\"M.\"\n");
  to.charset = hl7v2::Charset::kAscii;
  const auto refused = BackMaps().FromFhir(bundle, to, kNow);
  ASSERT_TRUE(refused.ok()) << "a row is left out, and told; the others are there";
  EXPECT_EQ(refused->csv, "\"Surname\";\"Forename\"\n");
  EXPECT_EQ(refused->rows, 0u);
  ASSERT_FALSE(refused->remarks.empty());
  EXPECT_EQ(refused->remarks.back().severity, 'E');
  EXPECT_EQ(refused->remarks.back().code, "row-refused");
  EXPECT_EQ(refused->remarks.back().where, "row 1, column Surname");
}

// What no column has is told, as with messages.
TEST(ExportCsv, ListsWhatNoColumnSays) {
  const auto made = BackMaps().FromFhir(OwnResource("PPP_PCB.plan"), CsvTo("plans"), kNow);
  ASSERT_TRUE(made.ok());
  EXPECT_NE(std::find(made->unread.begin(), made->unread.end(), "CarePlan[1].description"),
            made->unread.end());
  EXPECT_EQ(std::find(made->unread.begin(), made->unread.end(), "CarePlan[1].title"),
            made->unread.end());
}

}  // namespace
}  // namespace gw::map
