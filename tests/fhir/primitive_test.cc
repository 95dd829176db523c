#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <string>

#include "gateway/base/json.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

struct Form {
  const char* type;
  const char* text;
  bool is_valid;
};

constexpr Form kForms[] = {
    {"boolean", "true", true},
    {"boolean", "false", true},
    {"boolean", "True", false},
    {"boolean", "1", false},
    {"integer", "0", true},
    {"integer", "-17", true},
    {"integer", "2147483647", true},
    {"integer", "2147483648", false},
    {"integer", "-2147483648", true},
    {"integer", "-2147483649", false},
    {"integer", "01", false},
    {"integer", "-0", false},
    {"integer", "+1", false},
    {"integer", "1.0", false},
    {"integer", "", false},
    {"unsignedInt", "0", true},
    {"unsignedInt", "-1", false},
    {"positiveInt", "1", true},
    {"positiveInt", "0", false},
    {"decimal", "1.50", true},
    {"decimal", "-0.001", true},
    {"decimal", "0", true},
    {"decimal", "1e6", true},
    {"decimal", "1.0E-3", true},
    {"decimal", "01", false},
    {"decimal", ".5", false},
    {"decimal", "1.", false},
    {"decimal", "1e", false},
    {"decimal", "1.0.0", false},
    {"decimal", "NaN", false},
    {"decimal", "-", false},
    {"string", "two words", true},
    {"string", "line\none\ttab", true},
    {"string", "", false},
    {"string", "bell\a", false},
    {"markdown", "# Plan", true},
    {"code", "final", true},
    {"code", "not done", true},
    {"code", " final", false},
    {"code", "final ", false},
    {"code", "not  done", false},
    {"code", "", false},
    {"uri", "urn:oid:2.16.840.1.113883", true},
    {"uri", "has space", false},
    {"url", "mailto:team@example.org", true},
    {"url", " ", false},
    {"canonical", "http://example.org/fhir/Profile|2.0", true},
    {"canonical", "\t", false},
    {"id", "a.B-9", true},
    {"id", "1234567890123456789012345678901234567890123456789012345678901234", true},
    {"id", "12345678901234567890123456789012345678901234567890123456789012345", false},
    {"id", "under_score", false},
    {"id", "", false},
    {"oid", "urn:oid:1.2.3", true},
    {"oid", "urn:oid:3.2.3", false},
    {"oid", "urn:oid:1.02", false},
    {"oid", "urn:oid:1", false},
    {"oid", "1.2.3", false},
    {"uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", true},
    {"uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", false},
    {"uuid", "urn:uuid:c757873dec9a4326a141556f43239520", false},
    {"date", "2026", true},
    {"date", "2026-02", true},
    {"date", "2026-02-28", true},
    {"date", "2024-02-29", true},
    {"date", "2026-02-29", false},
    {"date", "2026-13", false},
    {"date", "2026-1-1", false},
    {"date", "0000", false},
    {"date", "2026-01-01T00:00:00Z", false},
    {"date", "26", false},
    {"dateTime", "2026", true},
    {"dateTime", "2026-01-20T10:00:00Z", true},
    {"dateTime", "2026-01-20T10:00:00.123456+01:00", true},
    {"dateTime", "2026-01-20T23:59:60Z", true},
    {"dateTime", "2026-01-20T10:00:00+14:00", true},
    {"dateTime", "2026-01-20T10:00:00+14:01", false},
    {"dateTime", "2026-01-20T10:00:00", false},
    {"dateTime", "2026-01-20T10:00Z", false},
    {"dateTime", "2026-01-20T24:00:00Z", false},
    {"dateTime", "2026-01T10:00:00Z", false},
    {"dateTime", "2026-01-20T10:00:00.Z", false},
    {"instant", "2026-01-20T10:00:00.000Z", true},
    {"instant", "2026-01-20", false},
    {"time", "23:59:59", true},
    {"time", "24:00:00", false},
    {"time", "12:05", false},
    {"time", "12:05:00Z", false},
    {"base64Binary", "AAECAw==", true},
    {"base64Binary", "AAEC\nAwQF", true},
    {"base64Binary", "AAE", false},
    {"base64Binary", "A=AA", false},
    {"base64Binary", "A&AA", false},
    {"base64Binary", "A===", false},
    {"HumanName", "x", false},
    {"unknown", "x", false},
};

TEST(PrimitiveTest, FormsOfEachType) {
  for (const Form& form : kForms) {
    EXPECT_EQ(IsLexicalForm(form.type, form.text), form.is_valid)
        << form.type << " \"" << form.text << '"';
  }
}

// Takes one JSON value and remembers its form.
class OneValue final : public JsonEvents {
 public:
  Status ObjectStart() override { return Other(); }
  Status Key(std::string_view) override { return Other(); }
  Status ObjectEnd() override { return Other(); }
  Status ArrayStart() override { return Other(); }
  Status ArrayEnd() override { return Other(); }
  Status String(std::string_view value) override { return Take('s', value); }
  Status Number(std::string_view digits) override { return Take('n', digits); }
  Status Bool(bool value) override { return Take('b', value ? "true" : "false"); }
  Status Null() override { return Take('0', {}); }

  char kind = '-';
  std::string text;

 private:
  Status Take(char form, std::string_view value) {
    kind = form;
    text = value;
    return {};
  }
  static Status Other() { return Error{Code::kInvalid, "not a primitive", {}}; }
};

char JsonKindOf(const std::string& type) {
  if (type == "boolean") {
    return 'b';
  }
  const bool is_number =
      type == "decimal" || type == "integer" || type == "positiveInt" || type == "unsignedInt";
  return is_number ? 'n' : 's';
}

// "date_time" is "dateTime".
std::string CamelCase(const std::string& snake) {
  std::string camel;
  for (size_t at = 0; at < snake.size(); ++at) {
    if (snake[at] == '_' && at + 1 < snake.size()) {
      camel += static_cast<char>(std::toupper(snake[++at]));
    } else {
      camel += snake[at];
    }
  }
  return camel;
}

TEST(PrimitiveTest, PublishedForms) {
  const std::string folder = std::string(GW_SOURCE_DIR) + "/../shared/suites/primitives/";
  if (!std::ifstream(folder + "date.valid.ndjson")) {
    GTEST_SKIP() << "the published suite of primitive forms is not on this machine; the cases "
                    "above are ours";
  }
  size_t checked = 0;
  for (const char* name : {"base64_binary", "boolean", "canonical",    "code",    "date",
                           "date_time",     "decimal", "id",           "instant", "integer",
                           "markdown",      "oid",     "positive_int", "string",  "time",
                           "unsigned_int",  "uri",     "url",          "uuid",    "xhtml"}) {
    const std::string type = CamelCase(name);
    for (const bool is_valid : {true, false}) {
      std::ifstream file(folder + name + (is_valid ? ".valid.ndjson" : ".invalid.ndjson"));
      for (std::string line; std::getline(file, line);) {
        OneValue value;
        const bool is_json = ReadJson(line, Limits{}, &value).ok();
        if (line.empty() || value.kind == '0') {
          continue;  // null is the absence of a value, of which no form can be asked
        }
        ++checked;
        EXPECT_EQ(is_json && value.kind == JsonKindOf(type) && IsLexicalForm(type, value.text),
                  is_valid)
            << type << ": " << line;
      }
    }
  }
  EXPECT_GT(checked, 100u);
}

}  // namespace
}  // namespace gw::fhir
