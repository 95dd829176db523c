#include "gateway/map/feed.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/temp_folder.h"

namespace gw::map {
namespace {

// Writes the text to a file and reads it as a feed.
Result<Feed> Read(const std::string& text) {
  const TempFolder folder;
  return ReadFeed(folder.Write("feed.json", text));
}

constexpr char kCsv[] =
    R"("format": "csv", "name": "n", "organization": "X9903", "map": "m", "key": ["a"], )"
    R"("empty_cell": "keep")";

std::string Csv(const std::string& more) { return "{" + std::string(kCsv) + more + "}"; }
std::string Column(const std::string& members) {
  return Csv(R"(, "columns": [{"name": "a", "headers": ["A"]}, {)" + members + "}]");
}

TEST(FeedTest, ReadsTheExampleFeeds) {
  struct Case {
    std::string name, organization;
    Feed::Format format;
    bool coded_consent_complete;
  };
  const std::vector<Case> cases = {
      {"northshire-council", "X9903", Feed::Format::kHl7v2, false},
      {"fenwick-surgery", "X9902", Feed::Format::kHl7v2, true},
      {"fenwick-hospital", "X9901", Feed::Format::kHl7v2, false},
      {"fenwick-community", "X9906", Feed::Format::kHl7v2, false},
      {"northshire-care-plans", "X9903", Feed::Format::kCsv, false},
      {"fenwick-sharing-preferences", "X9902", Feed::Format::kCsv, false},
  };
  for (const Case& test : cases) {
    const auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/" + test.name + ".json");
    ASSERT_TRUE(feed.ok()) << feed.error().where << " " << feed.error().detail;
    EXPECT_EQ(feed->name, test.name);
    EXPECT_EQ(feed->organization, test.organization) << test.name;
    EXPECT_EQ(feed->format, test.format) << test.name;
    EXPECT_EQ(feed->coded_consent_complete, test.coded_consent_complete) << test.name;
    EXPECT_EQ(IdentifierSystem(*feed, "NHS", "NH"), "https://fhir.nhs.uk/Id/nhs-number");
    EXPECT_EQ(feed->columns.empty(), test.format == Feed::Format::kHl7v2) << test.name;
  }
}

TEST(FeedTest, RefusesWithThePlace) {
  const std::string v2 = R"("format": "hl7v2", "name": "n", "organization": "X9903")";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{" + v2 + R"(, "colour": "red"})", "$.colour"},
      {"{" + v2 + R"(, "upsert": "yes"})", "$.upsert"},
      {"{" + v2 + R"(, "zone": "Europe/Atlantis"})", "$.zone"},
      {"{" + v2 + R"(, "default_charset": "KLINGON"})", "$.default_charset"},
      {"{" + v2 + R"(, "tables": {"a": {"b": 1}}})", "$.tables.a"},
      {"{" + v2 + R"(, "tables": {"a": []}})", "$.tables.a"},
      {"{" + v2 + R"(, "identifier_systems": []})", "$.identifier_systems"},
      {"{" + v2 + R"(, "delimiter": ";"})", "$.delimiter"},  // a key of CSV feeds
      {R"({"format": "xml", "name": "n", "organization": "X"})", "$.format"},
      {R"({"format": "hl7v2", "organization": "X9903"})", "$.name"},
      {"[]", "$"},
      {Csv(""), "$.columns"},
      {Column(R"("name": "a", "headers": ["B"])"), "$.columns[1].name"},
      {Column(R"("name": "B", "headers": ["B"])"), "$.columns[1].name"},
      {Column(R"("name": "b")"), "$.columns[1].headers"},
      {Column(R"("name": "b", "headers": ["B"], "type": "number")"), "$.columns[1].type"},
      {Column(R"("name": "b", "headers": ["B"], "type": "code")"), "$.columns[1].codes"},
      {Column(R"("name": "b", "headers": ["B"], "codes": {"x": "y"})"), "$.columns[1].codes"},
      {Column(R"("name": "b", "headers": ["B"], "type": "list")"), "$.columns[1].separator"},
      {Column(R"("name": "b", "headers": ["B"], "type": "boolean", "codes": {"j": "ja"})"),
       "$.columns[1].codes"},
      {Column(R"("name": "b", "headers": ["B"], "colour": "red")"), "$.columns[1].colour"},
      {Column(R"("name": "b", "headers": [" a "])"), "$.columns[1].headers"},  // that of a
      {Column(R"("name": "b", "headers": ["B", " "])"), "$.columns[1].headers"},
      {Column(R"("name": "b", "headers": ["B"], "type": "date")"), "$.date_styles"},
      {Column(R"("name": "b", "headers": ["B"], "type": "date", "date_styles": [])"),
       "$.columns[1].date_styles"},
      {"{" + v2 + R"(, "identifier_systems": {"X9901": "MR"}})", "$.identifier_systems"},
      {"{" + v2 + R"(, "identifier_systems": {"X9901": "urn:a b"}})", "$.identifier_systems"},
  };
  for (const auto& [text, where] : cases) {
    const auto feed = Read(text);
    ASSERT_FALSE(feed.ok()) << text;
    EXPECT_EQ(feed.error().code, Code::kInvalid);
    EXPECT_TRUE(feed.error().where.ends_with(where)) << text << ": " << feed.error().where;
  }
  const std::string column = R"(, "columns": [{"name": "a", "headers": ["A"]}])";
  EXPECT_TRUE(Read(Csv(column)).ok());
  for (const std::string more :
       {R"("duplicate": "forget")", R"("delimiter": ",,")", R"("quote": ",")",
        R"("encoding": "EBCDIC")", R"("supersede_by": "b")", R"("supersede_by": "a")",
        R"("file_pattern": "")", R"("date_styles": [])", R"("date_styles": ["DD/QQ"])",
        R"("date_styles": ["MM/YYYY"])", R"("date_styles": ["DD/MM/YYYY DD"])",
        R"("date_styles": ["DD/MM/YYYY mm:HH"])"}) {
    EXPECT_FALSE(Read(Csv(column + ", " + more)).ok()) << more;
  }
  for (const std::string styles :
       {R"("EXCEL")", R"("DD-MON-YY", "YYYY-MM-DDTHH:mm:ss")", R"("DD MON YYYY HH:mm")"}) {
    EXPECT_TRUE(Read(Csv(column + R"(, "date_styles": [)" + styles + "]")).ok()) << styles;
  }
  const auto nobodys =
      Read(R"({"format": "csv", "name": "n", "organization": "", "map": "m", "key": ["a"],)"
           R"("empty_cell": "keep")" +
           column + "}");
  ASSERT_FALSE(nobodys.ok());
  EXPECT_TRUE(nobodys.error().where.ends_with("$.organization"));
  EXPECT_FALSE(Read("{").ok());
  const TempFolder folder;
  EXPECT_FALSE(ReadFeed(folder.Path("no-such-feed.json")).ok());
}

TEST(FeedTest, ACsvFeedSaysWhatAnEmptyCellDoes) {
  const auto feed =
      Read(R"({"format": "csv", "name": "n", "organization": "X", "map": "m", "key": ["a"],)"
           R"("columns": [{"name": "a", "headers": ["A"]}]})");
  ASSERT_FALSE(feed.ok());
  EXPECT_TRUE(feed.error().where.ends_with("$.empty_cell"));
}

TEST(IdentifierSystemTest, PairThenAuthorityThenFallback) {
  Feed feed;
  feed.identifier_systems = {{"X9901:MR", "urn:pair"}, {"X9901", "urn:authority"}};
  EXPECT_EQ(IdentifierSystem(feed, "X9901", "MR"), "urn:pair");
  EXPECT_EQ(IdentifierSystem(feed, "X9901", "VN"), "urn:authority");
  EXPECT_EQ(IdentifierSystem(feed, "X9902", "MR"), "urn:caregate:id:X9902:MR");
  EXPECT_EQ(IdentifierSystem(feed, "Fenwick Ward 7", "<é>"),
            "urn:caregate:id:Fenwick%20Ward%207:%3C%C3%A9%3E");
  feed.name = "fenwick";
  EXPECT_EQ(IdentifierSystem(feed, "", "plan"), "urn:caregate:id:fenwick:plan");
  feed.organization = "X9911";
  EXPECT_EQ(IdentifierSystem(feed, "", "plan"), "urn:caregate:id:X9911:plan");
}

TEST(NhsNumberTest, ChecksTheLastDigit) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"9991001018", true},
      {"999 100 1018", true},
      {"999-100-1018", true},
      {"9991002022", true},
      {"9991003037", true},
      {"9991004041", true},
      {"9991001019", false},
      {"999100101", false},
      {"99910010180", false},
      {"999100101X", false},
      {"", false},
      {"0000000000", false},
      {"4444444444", false},
      {"9990000000", false},  // the check would be 10: never given out
  };
  for (const auto& [text, good] : cases) {
    EXPECT_EQ(IsNhsNumber(text), good) << text;
  }
}

}  // namespace
}  // namespace gw::map
