// Whole texts: where they are wrong, in which order it is told, and what is read on past.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/validate/validate_testing.h"

namespace gw::validate {
namespace {

struct Case {
  const char* what;
  const char* text;
  const char* expected;
};

constexpr Case kJson[] = {
    {"nothing wrong", R"({"resourceType":"Patient","active":true})", ""},
    {"an unknown property and a missing element",
     "{\"resourceType\":\"Goal\",\n \"colour\":1,\n \"lifecycleStatus\":\"active\",\n"
     " \"description\":{\"text\":\"d\"}}",
     "error cardinality Goal 1:1; error unknown-element Goal 2:11"},
    {"no array where there is one, and a code that is none",
     "{\"resourceType\":\"Patient\",\n\"name\":{\"family\":\"f\"},\n\"gender\":\"x\"}",
     "error json-form Patient.name 2:8; error binding Patient.gender 3:10"},
    {"an array where there is none", R"({"resourceType":"Patient","active":[true]})",
     "error json-form Patient.active 1:36"},
    {"an empty array; that the element is empty is no second fault",
     R"({"resourceType":"Patient","maritalStatus":{"coding":[]}})",
     "error json-form Patient.maritalStatus.coding 1:53"},
    {"a number for a text, in a required element", R"({"resourceType":"Basic","code":{"text":1}})",
     "error json-form Basic.code.text 1:40"},
    {"comments", "{\"resourceType\":\"Patient\", // c\n\"active\":true /* d */}",
     "error json  1:28; error json  2:15"},
    {"commas", "{\"resourceType\":\"Patient\",\n\"name\":[{\"family\":\"f\"},]\n\"active\":true,}",
     "error json  2:23; error json  3:1; error json  3:14"},
    {"a member twice", R"({"resourceType":"Patient","active":true,"active":false})",
     "error json  1:41"},
    {"an empty text", R"({"resourceType":"Patient","id":""})", "error json-form Patient.id 1:32"},
    {"a null alone", R"({"resourceType":"Patient","name":[{"given":[null]}]})",
     "error json-form Patient.name[0].given 1:45"},
    {"a wrong form", R"({"resourceType":"Patient","birthDate":"1.2.1950","id":"a_b"})",
     "error lexical-form Patient.birthDate 1:39; error lexical-form Patient.id 1:55"},
    {"what hides the rest", "{\"resourceType\":\"Patient\",\n\"active\":true]", "fatal json  2:14"},
    {"no type", R"({"active":true})", "fatal resource-type  1:1"},
    {"a type that R4 does not have", R"({"resourceType":"Penguin"})", "fatal resource-type  1:1"},
    {"not a resource", "[1]", "fatal resource-type  1:1"},
    {"nothing at all", "", "fatal json  1:1"},
};

TEST(DocumentTest, Json) {
  for (const Case& each : kJson) {
    EXPECT_EQ(RulesOf(TheValidator().CheckText(each.text, Format::kJson, Limits{}), true),
              each.expected)
        << each.what;
  }
}

TEST(DocumentTest, Xml) {
  const char* good =
      "<Patient xmlns=\"http://hl7.org/fhir\">\n <active value=\"true\"/>\n</Patient>";
  EXPECT_EQ(RulesOf(TheValidator().CheckText(good, Format::kXml, Limits{}), true), "");
  const char* bad = "<Patient xmlns=\"http://hl7.org/fhir\">\n <gender value=\"x\"/>\n</Patient>";
  EXPECT_EQ(RulesOf(TheValidator().CheckText(bad, Format::kXml, Limits{}), true),
            "error binding Patient.gender 2:2");
  EXPECT_TRUE(
      HasErrors(TheValidator().CheckText("<Patient", Format::kXml, Limits{}).front().issues));
}

constexpr Case kXml[] = {
    {"every fault of the form, and what the rules say of the rest",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <colour value=\"1\"><deep/></colour>\n"
     " <active value=\"true\" size=\"2\"/>\n <name><family value=\"f\"/>text</name>\n"
     " <gender value=\"x\"/>\n <birthDate value=\"1.2.1950\"/>\n</Patient>",
     "error xml-form Patient 2:2; error xml-form Patient.active 3:2; "
     "error xml-form Patient.name[0] 4:27; error binding Patient.gender 5:2; "
     "error lexical-form Patient.birthDate 6:2"},
    {"out of order, and twice",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <gender value=\"male\"/>\n <active "
     "value=\"true\"/>\n"
     " <gender value=\"male\"/>\n <birthDate value=\"1950\"/>\n</Patient>",
     "error xml-form Patient.active 3:2; error xml-form Patient.gender 4:2"},
    {"a choice of two",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <deceasedBoolean value=\"true\"/>\n"
     " <deceasedDateTime value=\"2020\"/>\n</Patient>",
     "error xml-form Patient.deceasedDateTime 3:2"},
    {"an element that should be an attribute, and one of another namespace",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <extension>\n  <url "
     "value=\"http://example.org/x\"/>\n"
     "  <valueCode value=\"y\"/>\n </extension>\n <active xmlns=\"urn:x\" "
     "value=\"true\"/>\n</Patient>",
     "error xml-form Patient.extension[0].url 3:3; error xml-form Patient.active 6:2"},
    {"an attribute without a value",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <active value=\"\"/>\n <gender "
     "value=\"x\"/>\n</Patient>",
     "error xml-form Patient.active.value 2:2; error binding Patient.gender 3:2"},
    {"an element without anything",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <name/>\n <gender "
     "value=\"x\"/>\n</Patient>",
     "error ele-1 Patient.name[0] 2:2; error binding Patient.gender 3:2"},
    {"a contained resource that R4 does not have",
     "<Patient xmlns=\"http://hl7.org/fhir\">\n <contained><Nobody><id "
     "value=\"a\"/></Nobody></contained>\n"
     " <gender value=\"x\"/>\n</Patient>",
     "error xml-form Patient.contained 2:13; error binding Patient.gender 3:2"},
    {"what hides the rest", "<Patient xmlns=\"http://hl7.org/fhir\">\n <colour/>\n</Patien>",
     "fatal format  3:10"},
    {"no resource", "<Penguin xmlns=\"http://hl7.org/fhir\"/>", "fatal resource-type  1:1"},
};

TEST(DocumentTest, XmlIsReadOnPastFaultsOfItsForm) {
  for (const Case& each : kXml) {
    EXPECT_EQ(RulesOf(TheValidator().CheckText(each.text, Format::kXml, Limits{}), true),
              each.expected)
        << each.what;
  }
}

TEST(DocumentTest, NdjsonIsOneReportALine) {
  const std::vector<Report> reports = TheValidator().CheckText(
      "{\"resourceType\":\"Patient\"}\n\n{\"resourceType\":\"Basic\"}\r\n{", Format::kNdjson,
      Limits{});
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].type, "Patient");
  EXPECT_FALSE(HasErrors(reports[0].issues));
  EXPECT_EQ(reports[1].type, "Basic");
  EXPECT_TRUE(HasErrors(reports[1].issues));
  EXPECT_EQ(reports[1].issues[0].line, 3u);
  EXPECT_EQ(reports[2].issues[0].severity, Severity::kFatal);
  EXPECT_EQ(reports[2].issues[0].line, 4u);
}

TEST(DocumentTest, LimitsHoldForRefusedTextsToo) {
  Limits limits;
  std::string deep = R"({"resourceType":"Patient","x":)";
  deep += std::string(limits.json_depth_max + 2, '[') + std::string(limits.json_depth_max + 2, ']');
  deep += "}";
  const std::vector<Report> reports = TheValidator().CheckText(deep, Format::kJson, limits);
  ASSERT_EQ(reports[0].issues.size(), 1u);
  EXPECT_TRUE(HasErrors(reports[0].issues));
}

TEST(DocumentTest, CommentsOfJsonMayBeAllowed) {
  constexpr Case kCases[] = {
      {"of both kinds, between all tokens",
       "// a\n{/* b */\"resourceType\" /**/ : \"Patient\", // c \" \\\n"
       "\"active\":/* \n */true}// d",
       ""},
      {"a text that only looks like one", R"({"resourceType":"Patient","id":"a//b"})",
       "error lexical-form Patient.id 1:32"},
      {"after an escaped quotation mark",
       R"({"resourceType":"Patient","language":"\"/*","gender":"x"/*"*/})",
       "error binding Patient.gender 1:54"},
      {"what follows keeps its place",
       "{/* a */\"resourceType\":\"Patient\",\n/* b\n */ \"gender\":\"x\"}",
       "error binding Patient.gender 3:14"},
      {"other faults are named as ever", "{\"resourceType\":\"Patient\", // c\n\"active\":true,}",
       "error json  2:14"},
      {"one without an end", R"({"resourceType":"Patient"} /* a)", "error json  1:28"},
      {"a mark that is none", R"({"resourceType":"Patient"} / a)", "fatal json  1:28"},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(RulesOf(TheValidator().CheckText(each.text, Format::kJson, Limits{}, {},
                                               {.allow_comments = true}),
                      true),
              each.expected)
        << each.what;
  }
  const std::vector<Report> lines = TheValidator().CheckText(
      "// two\n{\"resourceType\":\"Patient\"} // one\n{\"resourceType\":\"Patient\"}\n",
      Format::kNdjson, Limits{}, {}, {.allow_comments = true});
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(RulesOf(lines), "");
}

TEST(DocumentTest, ContainedResourcesMayBeIgnored) {
  struct Contained {
    const char* what;
    const char* text;
    const char* expected;
    const char* ignored;
  };
  constexpr Contained kCases[] = {
      {"a wrong code, and nothing refers to it",
       R"({"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a","gender":"x"}]})",
       "error dom-3 Patient.contained[0]; error binding Patient.contained[0].gender", ""},
      {"an id that the reader refuses",
       R"({"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a_b"}]})",
       "error dom-3 Patient.contained[0]; error lexical-form Patient.contained[0].id", ""},
      {"one within another",
       R"({"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"a",)"
       R"("contained":[{"resourceType":"Patient","id":"b"}]}],"link":[{"type":"seealso",)"
       R"("other":{"reference":"#a"}}]})",
       "error dom-2 Patient", ""},
      {"the whole is held to all rules",
       R"({"resourceType":"Patient","gender":"x","contained":[{"resourceType":"Basic","id":"a"}]})",
       "error dom-3 Patient.contained[0]; error binding Patient.gender; "
       "error cardinality Patient.contained[0]",
       "error binding Patient.gender"},
      {"a reference to one that is not there",
       R"({"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"#a"}}]})",
       "error ref-1 Patient.link[0].other", "error ref-1 Patient.link[0].other"},
      {"an element that only begins with the word",
       R"({"resourceType":"ExampleScenario","status":"draft","instance":[{"resourceId":"a",)"
       R"("resourceType":"Patient","containedInstance":[{"versionId":"b"}]}]})",
       "error cardinality ExampleScenario.instance[0].containedInstance[0]",
       "error cardinality ExampleScenario.instance[0].containedInstance[0]"},
  };
  for (const Contained& each : kCases) {
    EXPECT_EQ(RulesOf(TheValidator().CheckText(each.text, Format::kJson, Limits{})), each.expected)
        << each.what;
    EXPECT_EQ(RulesOf(TheValidator().CheckText(each.text, Format::kJson, Limits{}, {},
                                               {.ignore_contained = true})),
              each.ignored)
        << each.what;
  }
}

TEST(DocumentTest, TextThatRunsIsAnErrorToThoseWhoAsk) {
  constexpr const char* kText = R"({"resourceType":"Basic","code":{"text":"a <Script>b"}})";
  EXPECT_EQ(RulesOf(TheValidator().CheckText(kText, Format::kJson, Limits{})),
            "warning active-content Basic.code.text");
  EXPECT_EQ(RulesOf(TheValidator().CheckText(kText, Format::kJson, Limits{}, {},
                                             {.security_checks = true})),
            "error active-content Basic.code.text");
}

TEST(DocumentTest, NoIssueNamesAValue) {
  const char* text =
      R"({"resourceType":"Patient","gender":"Sekret1","birthDate":"Sekret2","Sekret3":"Sekret4",)"
      R"("name":"Sekret5","active":"Sekret6","id":"Sekret_7"})";
  for (const Report& report : TheValidator().CheckText(text, Format::kJson, Limits{})) {
    EXPECT_GE(report.issues.size(), 6u);
    for (const Issue& issue : report.issues) {
      EXPECT_EQ((issue.location + issue.detail).find("Sekret"), std::string::npos) << issue.detail;
    }
  }
}

}  // namespace
}  // namespace gw::validate
