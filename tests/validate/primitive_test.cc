// Every primitive type through the validator, from JSON and from XML: what is a valid form gives no
// issue, what is none gives one at its place.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

// Issues that tell of the form of a value, not of what it means.
bool IsOfForm(const Issue& issue) {
  return issue.rule == "lexical-form" || issue.rule == "json-form" || issue.rule == "json" ||
         issue.rule == "xml-form" || issue.rule == "unknown-element" || issue.rule == "format" ||
         issue.rule == "string-size";
}

bool IsTaken(const std::string& text, Format format) {
  for (const Report& report : TheValidator().CheckText(text, format, Limits{})) {
    for (const Issue& issue : report.issues) {
      if (IsOfForm(issue) && HasErrors({issue})) {
        return false;
      }
    }
  }
  return true;
}

std::string PropertyOf(std::string type) {
  type[0] = static_cast<char>(std::toupper(type[0]));
  return "value" + type;
}

std::string InJson(const std::string& type, const std::string& value) {
  return R"({"resourceType":"Parameters","parameter":[{"name":"p",")" + PropertyOf(type) +
         "\":" + value + "}]}";
}

std::string InXml(const std::string& type, std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '\n' ? "&#10;" : std::string(1, c);
  }
  return R"(<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="p"/><)" +
         PropertyOf(type) + " value=\"" + escaped + "\"/></parameter></Parameters>";
}

struct Row {
  const char* type;
  std::vector<const char*> valid;
  std::vector<const char*> invalid;
};

// Numbers and booleans stand without quotes in JSON.
bool IsQuoted(std::string_view type) {
  return type != "boolean" && type != "decimal" && type != "integer" && type != "positiveInt" &&
         type != "unsignedInt";
}

const Row kRows[] = {
    {"base64Binary", {"AAECAw==", "QQ==", "QUJD"}, {"QQ=", "Q", "QUJ%", "=QQQ"}},
    {"boolean", {"true", "false"}, {"True", "1", "yes"}},
    {"canonical", {"http://example.org/a|1.0", "urn:oid:1.2.3", "#a"}, {"a b", " http://x.org"}},
    {"code", {"a", "a b", "in-progress"}, {" a", "a ", "a  b"}},
    {"date",
     {"1950", "1950-02", "1950-02-28", "2024-02-29"},
     {"50", "1950-13", "1950-02-30", "1950-2-1", "1950-02-01T10:00:00Z", "0000"}},
    {"dateTime",
     {"1950", "1950-02", "1950-02-01", "1950-02-01T10:00:00Z", "1950-02-01T10:00:00.123+01:00"},
     {"1950-02-01T10:00:00", "1950-02-01T10:00Z", "1950-02-01T25:00:00Z", "1950-02-01 10:00:00Z",
      "1950-02-01T10:00:00+15:00"}},
    {"decimal", {"0", "-1.50", "1.0e3", "100000000000000000000"}, {"01", "1.", ".5", "+1", "NaN"}},
    {"id",
     {"a", "A-1.b", "0123456789012345678901234567890123456789012345678901234567890123"},
     {"a_b", "a b", "01234567890123456789012345678901234567890123456789012345678901234"}},
    {"instant",
     {"2026-01-20T10:00:00Z", "2026-01-20T10:00:00.5-05:00"},
     {"2026-01-20", "2026-01-20T10:00:00", "2026-01"}},
    {"integer", {"0", "-2147483648", "2147483647"}, {"2147483648", "1.0", "-", "01"}},
    {"markdown", {"# a", "a *b*"}, {""}},
    {"oid", {"urn:oid:1.2.3", "urn:oid:2.16.840"}, {"1.2.3", "urn:oid:3.1", "urn:oid:1.02"}},
    {"positiveInt", {"1", "2147483647"}, {"0", "-1", "2147483648"}},
    {"string", {"a", " a", "a\\nb"}, {""}},
    {"time", {"10:30:00", "23:59:59.999"}, {"10:30", "24:00:00", "10:30:00Z", "1:30:00"}},
    {"unsignedInt", {"0", "2147483647"}, {"-1", "2147483648"}},
    {"uri", {"http://example.org", "urn:a:b", "a/b"}, {"a b", " "}},
    {"url", {"https://example.org/a", "mailto:a@example.org"}, {"a b", " "}},
    {"uuid",
     {"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
     {"c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873dec9a4326a141556f43239520",
      "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"}},
};

TEST(PrimitiveRulesTest, OwnFormsOfEachTypeInJsonAndXml) {
  for (const Row& row : kRows) {
    for (const bool is_valid : {true, false}) {
      for (const std::string form : is_valid ? row.valid : row.invalid) {
        const std::string json = IsQuoted(row.type) ? "\"" + form + "\"" : form;
        EXPECT_EQ(IsTaken(InJson(row.type, json), Format::kJson), is_valid)
            << "JSON " << row.type << " <" << form << ">";
        const std::string plain = form == "a\\nb" ? "a\nb" : form;
        EXPECT_EQ(IsTaken(InXml(row.type, plain), Format::kXml), is_valid)
            << "XML " << row.type << " <" << form << ">";
      }
    }
  }
}

TEST(PrimitiveRulesTest, TheWrongKindOfJsonValue) {
  EXPECT_FALSE(IsTaken(InJson("boolean", "\"true\""), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("integer", "\"1\""), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("decimal", "true"), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("date", "1950"), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("string", "[\"a\"]"), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("string", "{}"), Format::kJson));
  EXPECT_FALSE(IsTaken(InJson("string", "\"\""), Format::kJson));
}

TEST(PrimitiveRulesTest, AnIssueStandsAtItsValue) {
  const std::vector<Report> reports = TheValidator().CheckText(
      "{\"resourceType\":\"Patient\",\n  \"birthDate\":\"1950-02-30\"}", Format::kJson, Limits{});
  ASSERT_EQ(reports.size(), 1u);
  for (const Issue& issue : reports[0].issues) {
    if (issue.rule == "lexical-form") {
      EXPECT_EQ(issue.location, "Patient.birthDate");
      EXPECT_EQ(issue.line, 2u);
      EXPECT_EQ(issue.column, 15u);
      return;
    }
  }
  ADD_FAILURE() << "no issue of the form";
}

// "date_time" is "dateTime".
std::string CamelCase(std::string_view snake) {
  std::string camel;
  for (size_t at = 0; at < snake.size(); ++at) {
    camel += snake[at] == '_' ? static_cast<char>(std::toupper(snake[++at])) : snake[at];
  }
  return camel;
}

TEST(PrimitiveRulesTest, PublishedForms) {
  const std::string folder = std::string(GW_SOURCE_DIR) + "/../shared/suites/primitives/";
  if (!std::ifstream(folder + "date.valid.ndjson")) {
    GTEST_SKIP() << "The published suite of primitive forms is not on this machine.";
  }
  size_t checked = 0;
  for (const char* name : {"base64_binary", "boolean", "canonical",    "code",    "date",
                           "date_time",     "decimal", "id",           "instant", "integer",
                           "markdown",      "oid",     "positive_int", "string",  "time",
                           "unsigned_int",  "uri",     "url",          "uuid",    "reference"}) {
    for (const bool is_valid : {true, false}) {
      std::ifstream file(folder + name + (is_valid ? ".valid.ndjson" : ".invalid.ndjson"));
      for (std::string line; std::getline(file, line);) {
        if (line.empty() || line == "null") {
          continue;  // the absence of a value
        }
        ++checked;
        EXPECT_EQ(IsTaken(InJson(CamelCase(name), line), Format::kJson), is_valid)
            << name << ": " << line;
      }
    }
  }
  EXPECT_GT(checked, 100u);
}

}  // namespace
}  // namespace gw::validate
