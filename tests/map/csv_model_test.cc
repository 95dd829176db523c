#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/map/csv/model.h"
#include "gateway/map/csv/values_internal.h"
#include "gateway/map/translate.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

using Cells = std::vector<std::vector<std::string>>;

Cells CellsOf(const Result<std::vector<CsvRecord>>& records) {
  Cells cells;
  for (const CsvRecord& record : *records) {
    cells.push_back(record.cells);
  }
  return cells;
}

TEST(CsvReaderTest, SplitsRecords) {
  struct Case {
    std::string name, text;
    Cells cells;
  };
  const std::vector<Case> cases = {
      {"plain", "a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"BOM and CRLF",
       "\xEF\xBB\xBF"
       "a,b\r\n1,2\r\n",
       {{"a", "b"}, {"1", "2"}}},
      {"CR", "a,b\r1,2\r", {{"a", "b"}, {"1", "2"}}},
      {"no last line end", "a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"empty cells", "a,b,c\n,,\n", {{"a", "b", "c"}, {"", "", ""}}},
      {"quotes", "\"a, \"\"b\"\"\",c\n", {{"a, \"b\"", "c"}}},
      {"embedded line ends", "\"a\r\nb\nc\",d\n", {{"a\r\nb\nc", "d"}}},
      {"empty quotes", "\"\",a\n", {{"", "a"}}},
      {"blanks after a quote", "\"a\" ,b\n", {{"a", "b"}}},
      {"a quote inside", "a\"b,c\n", {{"a\"b", "c"}}},
      {"blank line", "a\n\nb\n", {{"a"}, {""}, {"b"}}},
      {"nothing", "", {}},
  };
  for (const Case& test : cases) {
    const auto records = ReadCsv(test.text, Feed{}, Limits{});
    ASSERT_TRUE(records.ok()) << test.name;
    EXPECT_EQ(CellsOf(records), test.cells) << test.name;
  }
}

TEST(CsvReaderTest, CountsRecordsAndLines) {
  const auto records = ReadCsv("h\n\"a\nb\nc\"\nd\n", Feed{}, Limits{});
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 3U);
  EXPECT_EQ((*records)[1].row, 1U);
  EXPECT_EQ((*records)[1].line, 2U);
  EXPECT_EQ((*records)[2].row, 2U);
  EXPECT_EQ((*records)[2].line, 5U);
}

TEST(CsvReaderTest, ReadsTheFeedsEncodingAndDelimiter) {
  Feed feed;
  feed.delimiter = "\t";
  feed.encoding = "Windows-1252";
  const auto tabs = ReadCsv("a\tZo\xEB \x96 b\n", feed, Limits{});
  ASSERT_TRUE(tabs.ok());
  EXPECT_EQ(CellsOf(tabs), (Cells{{"a", "Zo\xC3\xAB \xE2\x80\x93 b"}}));
  feed.encoding = "UTF-16";
  const auto wide = ReadCsv(std::string("\xFF\xFE"
                                        "a\0\t\0\xEB\0\n\0",
                                        10),
                            feed, Limits{});
  ASSERT_TRUE(wide.ok());
  EXPECT_EQ(CellsOf(wide), (Cells{{"a", "\xC3\xAB"}}));
}

TEST(CsvReaderTest, RefusesWithThePlace) {
  struct Case {
    std::string name, text, where;
  };
  const std::vector<Case> cases = {
      {"unclosed quote", "a,b\nc,\"d\n", "line 2, column 3"},
      {"text after a quote", "a,b\n\"c\"d,e\n", "line 2, column 4"},
      {"not UTF-8", "a,b\nc,\xEB\n", "byte 7"},
      {"cut UTF-8", "a,\xC3", "byte 3"},
      {"NUL", std::string("a,b\nc,\0\n", 8), "line 2, column 3"},
      {"after CR", "a,b\rc,\"d\"e\r", "line 2, column 6"},
      {"after CRLF", "a,b\r\n\"c\r\nc\",\"d\"e\r\n", "line 3, column 7"},
      {"mark of UTF-16",
       "\xFF\xFE"
       "a,b",
       "byte 1"},
  };
  for (const Case& test : cases) {
    const auto records = ReadCsv(test.text, Feed{}, Limits{});
    ASSERT_FALSE(records.ok()) << test.name;
    EXPECT_EQ(records.error().code, Code::kInvalid);
    EXPECT_EQ(records.error().where, test.where) << test.name;
  }
}

// Another encoding than the feed's makes other names of them.
TEST(CsvReaderTest, TellsAnotherEncodingFromTheFeeds) {
  struct Case {
    std::string encoding, text, where;  // where: of a refusal; "" where it is read
    bool looks_like_utf8;
  };
  const std::vector<Case> cases = {
      {"windows-1252",
       "\xEF\xBB\xBF"
       "a",
       "byte 1", true},
      {"8859/1",
       "\xEF\xBB\xBF"
       "a",
       "byte 1", true},
      {"UTF-16",
       "\xEF\xBB\xBF"
       "a",
       "byte 1", false},
      {"windows-1252", "a,Zo\xC3\xAB", "", true},
      {"windows-1252", "a,Zo\xEB", "", false},
      {"windows-1252", "a,b", "", false},
      {"windows-1252", "a \x96 b", "", false},
      {"8859/1", "a \x96 b", "byte 3", false},
      {"8859/15", "a \x96 b", "byte 3", false},
      {"8859/1", "Zo\xEB", "", false},
      {"UTF-8", "Zo\xC3\xAB", "", false},
  };
  for (const Case& test : cases) {
    Feed feed;
    feed.encoding = test.encoding;
    const auto records = ReadCsv(test.text, feed, Limits{});
    EXPECT_EQ(records ? "" : records.error().where, test.where) << test.encoding << test.text;
    EXPECT_EQ(LooksLikeUtf8(test.text, feed), test.looks_like_utf8) << test.encoding << test.text;
  }
}

TEST(CsvReaderTest, HoldsItsBounds) {
  Limits limits;
  limits.csv_rows_max = 2;
  limits.csv_columns_max = 3;
  limits.csv_bytes_max = 20;
  EXPECT_TRUE(ReadCsv("a,b,c\n1\n2\n", Feed{}, limits).ok());
  for (const std::string text : {"a\n1\n2\n3\n", "a,b,c,d\n", "aaaaaaaaaaaaaaaaaaaaa"}) {
    const auto records = ReadCsv(text, Feed{}, limits);
    ASSERT_FALSE(records.ok()) << text;
    EXPECT_EQ(records.error().code, Code::kTooLarge) << text;
  }
}

TEST(CsvValuesTest, DatesAreOfTheFeedsStyles) {
  const std::vector<std::string> styles = {"DD/MM/YYYY", "YYYY-MM-DD", "DD MON YYYY"};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"14/03/1941", "1941-03-14"},
      {"1941-03-14", "1941-03-14"},
      {"15 Jan 2026", "2026-01-15"},
      {"1 September 2026", "2026-09-01"},
      {"5 Sept 2026", "2026-09-05"},
      {"1/2/2026", "2026-02-01"},
      {"29/02/2024", "2024-02-29"},
      {"31/02/1948", "-"},
      {"02/13/2026", "-"},
      {"29/02/2025", "-"},
      {"00/01/2026", "-"},
      {"14/03/41", "-"},
      {"14/03/1941 10:00", "-"},
      {"14.03.1941", "-"},
      {"46037", "-"},
      {"15 Foo 2026", "-"},
      {"/03/1941", "-"},
      {"", "-"},
      {"0000-01-01", "-"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(CsvDate(text, styles).value_or("-"), expected) << text;
  }
}

TEST(CsvValuesTest, ShortYearsAndSpreadsheetSerialsAreStylesToo) {
  const std::vector<std::string> styles = {"DD/MM/YYYY", "DD-MON-YY", "DD/MM/YY", "EXCEL"};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"01-Feb-25", "2025-02-01"},
      {"01/05/26", "2026-05-01"},
      {"01/05/69", "2069-05-01"},
      {"01/05/70", "1970-05-01"},
      {"14/03/1941", "1941-03-14"},  // the longer style comes first
      {"45000", "2023-03-15"},
      {"46096", "2026-03-15"},
      {"45732", "2025-03-16"},
      {"13780", "1937-09-22"},
      {"9192", "1925-03-01"},
      {"2200", "1906-01-08"},
      {"2199", "-"},
      {"2026", "-"},  // a year that somebody typed
      {"2958465", "9999-12-31"},
      {"2958466", "-"},
      {"-45000", "-"},
      {"4.5e4", "-"},
      {"45000x", "-"},
      {"01-Feb-1", "-"},
      {"nan", "-"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(CsvDate(text, styles).value_or("-"), expected) << text;
  }
  const auto zone = Zone::Load("Europe/London");
  ASSERT_TRUE(zone.ok());
  EXPECT_EQ(CsvDateTime("46213.5", {"EXCEL"}, *zone).value_or("-"), "2026-07-10T12:00:00+01:00");
}

TEST(CsvValuesTest, AnIntervalIsSaidInManyWays) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"3M", "P3M"},
      {"12M", "P12M"},
      {"annual", "P12M"},
      {"6 months", "P6M"},
      {"6-monthly", "P6M"},
      {"Every 2 weeks", "P2W"},
      {"P1Y", "P12M"},
      {"quarterly", "P3M"},
      {"Half-yearly", "P6M"},
      {"fortnightly", "P2W"},
      {"90 days", "P90D"},
      {"1 yr", "P12M"},
      {"each 3 months", "P3M"},
      {"0M", "-"},
      {"-3M", "-"},
      {"+3M", "-"},
      {"P-3M", "-"},
      {"\xE2\x88\x92 3M", "P3M"},  // a dash that stands apart
      {"\xE2\x88\x92"
       "3M",
       "-"},
      {"M", "-"},
      {"soon", "-"},
      {"1000M", "-"},
      {"3", "-"},
      {"", "-"},
      {"3 moons", "-"},
      {"3 months or so", "-"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(CsvInterval(text).value_or("-"), expected) << text;
  }
}

TEST(CsvValuesTest, DatesWithATimeGetTheZonesOffset) {
  const auto zone = Zone::Load("Europe/London");
  ASSERT_TRUE(zone.ok());
  const std::vector<std::string> styles = {"DD/MM/YYYY HH:mm", "DD/MM/YYYY"};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"15/03/2026 11:00", "2026-03-15T11:00:00+00:00"},
      {"10/07/2026 14:00", "2026-07-10T14:00:00+01:00"},
      {"10/07/2026", "2026-07-10"},
      {"2026-07-10T14:00:00+02:00", "2026-07-10T14:00:00+02:00"},
      {"10/07/2026 24:00", "-"},
      {"2026-07-10", "-"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(CsvDateTime(text, styles, *zone).value_or("-"), expected) << text;
  }
}

Feed TestFeed() {
  Feed feed;
  feed.format = Feed::Format::kCsv;
  feed.date_styles = {"DD/MM/YYYY"};
  feed.columns = {
      {"planRef", {"Plan Ref"}, "string", true, true, "", {}},
      {"nhsNumber", {"NHS No", "NHS Number"}, "nhsNumber", true, false, "", {}},
      {"birthDate", {"DOB"}, "date", false, false, "", {}},
      {"status", {"Status"}, "code", false, false, "", {{"on hold", "on-hold"}}},
      {"agreed", {"Agreed?"}, "boolean", false, false, "", {{"y", "true"}, {"n", "false"}}},
      {"goals", {"Goals"}, "list", false, false, "\n", {}},
      {"score", {"Score"}, "decimal", false, false, "", {}},
  };
  return feed;
}

struct Row {
  Status status;
  fhir::Resource rows;
  std::vector<Remark> remarks;
  std::string At(std::string_view path) const {
    const fhir::Element* node = rows.root().Path(path);
    return node == nullptr ? "-" : node->is_null() ? "null" : std::string(node->text());
  }
};

// One row under a header of all columns.
Row Append(const std::vector<std::string>& cells, const Feed& feed = TestFeed()) {
  auto model = CsvModel::Make(feed, R4());
  EXPECT_TRUE(model.ok());
  std::vector<Remark> remarks;
  const CsvRecord header{
      {"Plan Ref", "NHS  number ", "dob", "Status", "Agreed?", "Goals", "Score"}, 0, 1};
  EXPECT_TRUE(model->ReadHeader(header, &remarks).ok());
  EXPECT_TRUE(remarks.empty());
  fhir::Resource rows = fhir::Resource::MakeOf(*model->Find("Rows"));
  Status status = model->AppendRow({cells, 7, 9}, &rows.root(), &remarks);
  Row row{std::move(status), fhir::Resource::MakeOf(*R4().Find("HumanName")), std::move(remarks)};
  // The model's types must outlive the tree, so what the test asks is asked while it lives.
  static std::vector<CsvModel> models;
  models.push_back(*std::move(model));
  row.rows = std::move(rows);
  return row;
}

TEST(CsvModelTest, ReadsARow) {
  const Row row = Append({" PC-1 ", "999 100 1018", "14/03/1941", "ON  Hold", "Y",
                          "1. Stay at home\r\n2. Walk\n\n- Sing", "1.50"});
  ASSERT_TRUE(row.status.ok()) << row.status.error().where;
  EXPECT_EQ(row.At("row.planRef"), "PC-1");
  EXPECT_EQ(row.At("row.nhsNumber"), "9991001018");
  EXPECT_EQ(row.At("row.birthDate"), "1941-03-14");
  EXPECT_EQ(row.At("row.status"), "on-hold");
  EXPECT_EQ(row.At("row.agreed"), "true");
  EXPECT_EQ(row.At("row.score"), "1.50");
  const fhir::Element* only = row.rows.root().Child("row");
  ASSERT_EQ(only->Count("goals"), 3U);
  EXPECT_EQ(only->Child("goals", 0)->text(), "Stay at home");
  EXPECT_EQ(only->Child("goals", 1)->text(), "Walk");
  EXPECT_EQ(only->Child("goals", 2)->text(), "Sing");
  EXPECT_EQ(PlaceOf(*only), "row 7");
  EXPECT_EQ(PlaceOf(*only->Child("birthDate")), "row 7, column birthDate");
}

TEST(CsvModelTest, RefusesARowWithThePlace) {
  struct Case {
    std::string name;
    std::vector<std::string> cells;
    std::string where;
  };
  const std::vector<Case> cases = {
      {"too few", {"PC-1", "", "", "", "", ""}, "row 7"},
      {"too many", {"PC-1", "", "", "", "", "", "", ""}, "row 7"},
      {"no such day", {"PC-1", "", "31/02/1948", "", "", "", ""}, "row 7, column DOB"},
      {"other style", {"PC-1", "", "02/13/2026", "", "", "", ""}, "row 7, column DOB"},
      {"code", {"PC-1", "", "", "MAYBE", "", "", ""}, "row 7, column Status"},
      {"boolean", {"PC-1", "", "", "", "perhaps", "", ""}, "row 7, column Agreed?"},
      {"number", {"PC-1", "", "", "", "", "", "1,5"}, "row 7, column Score"},
      {"no key", {"  ", "", "", "", "", "", ""}, "row 7, column Plan Ref"},
  };
  Feed strict = TestFeed();
  for (Column& column : strict.columns) {
    column.refuse_bad = true;
  }
  for (const Case& test : cases) {
    const Row row = Append(test.cells, strict);
    ASSERT_FALSE(row.status.ok()) << test.name;
    EXPECT_EQ(row.status.error().code, Code::kInvalid);
    EXPECT_EQ(row.status.error().where, test.where) << test.name;
    EXPECT_EQ(row.rows.root().Child("row"), nullptr) << test.name;
  }
}

TEST(CsvModelTest, RefusesAControlCharacterAsWrongData) {
  const Row row = Append({"PC-1", "", "", "", "", "Walk\x0B out", ""});
  ASSERT_FALSE(row.status.ok());
  EXPECT_EQ(row.status.error().where, "row 7, column Goals");
  EXPECT_EQ(row.status.error().hl7_code, 102);
}

// Our own exports put an apostrophe before what a spreadsheet would take for a formula.
TEST(CsvModelTest, TakesOffTheGuardOfAnExportAndNoOtherApostrophe) {
  EXPECT_EQ(Append({"'=1+1", "", "", "", "", "", ""}).At("row.planRef"), "=1+1");
  EXPECT_EQ(Append({"''quoted'", "", "", "", "", "", ""}).At("row.planRef"), "'quoted'");
  EXPECT_EQ(Append({"'tis so", "", "", "", "", "", ""}).At("row.planRef"), "'tis so");
}

TEST(CsvModelTest, SaysWhatIsReadableOfABadRow) {
  auto model = CsvModel::Make(TestFeed(), R4());
  ASSERT_TRUE(model.ok());
  std::vector<Remark> remarks;
  ASSERT_TRUE(model->ReadHeader({{"NHS No", "DOB", "Plan Ref"}, 0, 1}, &remarks).ok());
  const std::vector<std::string> names = {"planRef", "nhsNumber", "birthDate"};
  using Texts = std::vector<std::string>;
  EXPECT_EQ(model->TextsOf({{"999 100 1018", "31/02/1941", " PC-1 "}, 7, 9}, names),
            (Texts{"PC-1", "9991001018", ""}));
  EXPECT_EQ(model->TextsOf({{"9991001019", "14/03/1941"}, 7, 9}, names),
            (Texts{"", "", "1941-03-14"}));
}

TEST(CsvModelTest, LeavesOutABadValueWithARemark) {
  struct Case {
    std::vector<std::string> cells;
    std::string element, code, where;
  };
  const std::vector<Case> cases = {
      {{"PC-1", "", "31/02/1948", "on hold", "", "", ""}, "row.birthDate", "bad-date", "DOB"},
      {{"PC-1", "", "", "MAYBE", "", "", ""}, "row.status", "bad-value", "Status"},
      {{"PC-1", "", "", "", "perhaps", "", ""}, "row.agreed", "bad-value", "Agreed?"},
      {{"PC-1", "", "", "", "", "", "1,5"}, "row.score", "bad-value", "Score"},
  };
  for (const Case& test : cases) {
    const Row row = Append(test.cells);
    ASSERT_TRUE(row.status.ok()) << test.element;
    EXPECT_EQ(row.At(test.element), "-");
    EXPECT_EQ(row.At("row.planRef"), "PC-1");
    ASSERT_EQ(row.remarks.size(), 1U) << test.element;
    EXPECT_EQ(row.remarks[0].severity, 'W');
    EXPECT_EQ(row.remarks[0].code, test.code);
    EXPECT_EQ(row.remarks[0].where, "row 7, column " + test.where);
    EXPECT_EQ(row.remarks[0].text.find("MAYBE"), std::string::npos) << "a value in a remark";
  }
}

TEST(CsvModelTest, ADateMayNotComeBeforeTheOneItFollows) {
  Feed feed = TestFeed();
  feed.columns[3] = {"due", {"Status"}, "date", false, false, "", {}};
  feed.columns[3].not_before = "birthDate";
  feed.columns[3].date_styles = {"YYYY-MM-DD"};
  EXPECT_TRUE(Append({"PC-1", "", "14/03/1941", "1941-03-14", "", "", ""}, feed).status.ok());
  EXPECT_TRUE(Append({"PC-1", "", "", "1900-01-01", "", "", ""}, feed).status.ok());
  const Row row = Append({"PC-1", "", "14/03/1941", "1941-03-13", "", "", ""}, feed);
  ASSERT_FALSE(row.status.ok());
  EXPECT_EQ(row.status.error().where, "row 7, column Status");
}

TEST(CsvModelTest, DropsABadNhsNumberWithARemark) {
  const Row row = Append({"PC-1", "9991001019", "", "", "", "", ""});
  ASSERT_TRUE(row.status.ok());
  EXPECT_EQ(row.At("row.nhsNumber"), "-");
  EXPECT_EQ(row.At("row.planRef"), "PC-1");
  ASSERT_EQ(row.remarks.size(), 1U);
  EXPECT_EQ(row.remarks[0].code, "bad-check-digit");
  EXPECT_EQ(row.remarks[0].where, "row 7, column NHS Number");
}

TEST(CsvModelTest, AnEmptyCellKeepsOrClears) {
  EXPECT_EQ(Append({"PC-1", "", "", "", "", "", ""}).At("row.birthDate"), "-");
  Feed feed = TestFeed();
  feed.empty_cell = "clear";
  EXPECT_EQ(Append({"PC-1", "", "", "", "", "", ""}, feed).At("row.birthDate"), "null");
}

TEST(CsvModelTest, ReadsTheHeader) {
  struct Case {
    std::vector<std::string> header;
    bool taken;
    std::string where;
    size_t remarks;
  };
  const std::vector<Case> cases = {
      {{"PLAN REF", "NHS No"}, true, "", 0},
      {{"Goals", "Plan Ref", "Colour", "NHS No"}, true, "", 1},
      {{"Plan Ref"}, false, "NHS No", 0},
      {{"A-10451", "999 100 1018"}, false, "Plan Ref", 2},  // a file without header
      {{"Plan Ref", "NHS No", "NHS Number"}, false, "NHS No", 0},
  };
  for (const Case& test : cases) {
    auto model = CsvModel::Make(TestFeed(), R4());
    ASSERT_TRUE(model.ok());
    std::vector<Remark> remarks;
    const Status status = model->ReadHeader({test.header, 0, 1}, &remarks);
    EXPECT_EQ(status.ok(), test.taken) << test.header[0];
    EXPECT_EQ(remarks.size(), test.remarks) << test.header[0];
    if (!test.taken) {
      EXPECT_EQ(status.error().where, test.where);
    }
    for (const Remark& remark : remarks) {
      EXPECT_EQ(remark.where.find("A-10451"), std::string::npos) << "a value in a remark";
    }
  }
}

// The rows of a file of the samples, by the example feed: the places that are refused.
std::vector<std::string> RefusedRows(const std::string& feed_name, const std::string& file) {
  const auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/" + feed_name + ".json");
  EXPECT_TRUE(feed.ok());
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto records = ReadCsv(bytes, *feed, Limits{});
  EXPECT_TRUE(records.ok());
  auto model = CsvModel::Make(*feed, R4());
  std::vector<Remark> remarks;
  EXPECT_TRUE(model->ReadHeader(records->front(), &remarks).ok());
  std::vector<std::string> refused;
  fhir::Resource rows = fhir::Resource::MakeOf(*model->Find("Rows"));
  for (size_t i = 1; i < records->size(); ++i) {
    const Status status = model->AppendRow((*records)[i], &rows.root(), &remarks);
    if (!status) {
      refused.push_back(status.error().where);
    }
  }
  for (const Remark& remark : remarks) {
    refused.push_back(remark.code + " " + remark.where);
  }
  return refused;
}

TEST(CsvModelTest, ReadsTheSamples) {
  const std::string folder = GW_SOURCE_DIR "/../shared/samples/csv/";
  if (!std::ifstream(folder + "csv01_socialcare_careplan_export.csv")) {
    GTEST_SKIP() << "the shared samples are not beside the project";
  }
  EXPECT_EQ(RefusedRows("northshire-care-plans", folder + "csv01_socialcare_careplan_export.csv"),
            (std::vector<std::string>{"row 8", "row 10", "row 11, column Plan Ref",
                                      "bad-check-digit row 6, column NHS No",
                                      "bad-date row 7, column DOB"}));
  EXPECT_EQ(RefusedRows("fenwick-sharing-preferences", folder + "csv03_gp_sharing_preferences.csv"),
            (std::vector<std::string>{"bad-value row 8, column preference",
                                      "bad-date row 9, column decision_date"}));
}

}  // namespace
}  // namespace gw::map
