// Expand, validate-code, lookup, subsumes, translate over R4 and packages of our own.
#include "gateway/fhir/terminology.h"

#include <gtest/gtest.h>

#include "package_testing.h"

namespace gw::fhir {
namespace {

using Answer = Terminology::Answer;

std::string Cs(const std::string& name) { return "http://example.org/CodeSystem/" + name; }
std::string Vs(const std::string& name) { return "http://example.org/ValueSet/" + name; }

// wards: a hierarchy with properties; one code stands below two others.
const std::string kWards = R"({"resourceType":"CodeSystem","url":")" + Cs("wards") +
                           R"(","version":"3","name":"Wards","status":"active","content":"complete",
  "caseSensitive":true,"concept":[
  {"code":"all","display":"All wards","property":[{"code":"notSelectable","valueBoolean":true}],
   "concept":[
    {"code":"medical","display":"Medical","concept":[
      {"code":"med-1","display":"Ward one","definition":"The first",
       "designation":[{"language":"cy","value":"Ward un"},
         {"use":{"code":"short"},"value":"W1"}],
       "property":[{"code":"beds","valueInteger":12},{"code":"site","valueCode":"north"}]},
      {"code":"med-2","display":"Ward two","property":[{"code":"site","valueCode":"south"}]}]},
    {"code":"surgical","display":"Surgical","concept":[
      {"code":"day","display":"Day ward","property":[{"code":"parent","valueCode":"medical"},
       {"code":"status","valueCode":"retired"}]}]}]}]})";

const std::string kShout = R"({"resourceType":"CodeSystem","url":")" + Cs("shout") +
                           R"(","content":"complete","caseSensitive":false,
  "concept":[{"code":"Yes"},{"code":"No"}]})";
const std::string kPart = R"({"resourceType":"CodeSystem","url":")" + Cs("part") +
                          R"(","content":"fragment","concept":[{"code":"a","display":"A"}]})";

std::string Set(const std::string& name, const std::string& compose) {
  return R"({"resourceType":"ValueSet","url":")" + Vs(name) +
         R"(","version":"1","status":"active","compose":{)" + compose + "}}";
}

std::string Include(const std::string& system, const std::string& more) {
  return R"({"system":")" + Cs(system) + "\"" + more + "}";
}

std::string Filter(const std::string& property, const std::string& op, const std::string& value) {
  return R"(,"filter":[{"property":")" + property + R"(","op":")" + op + R"(","value":")" + value +
         "\"}]";
}

std::string OfWards(const std::string& name, const std::string& filter) {
  return Set(name, R"("include":[)" + Include("wards", filter) + "]");
}

const Packages& Held() {
  static const Result<Packages> packages = LoadFiles({
      {"wards.json", kWards},
      {"shout.json", kShout},
      {"part.json", kPart},
      {"v01.json", OfWards("all", "")},
      {"v02.json", OfWards("is-a", Filter("concept", "is-a", "medical"))},
      {"v03.json", OfWards("descendent", Filter("concept", "descendent-of", "medical"))},
      {"v04.json", OfWards("is-not-a", Filter("concept", "is-not-a", "medical"))},
      {"v05.json", OfWards("site", Filter("site", "=", "north"))},
      {"v06.json", OfWards("in", Filter("code", "in", "med-1, day"))},
      {"v07.json", OfWards("not-in", Filter("code", "not-in", "all,medical,surgical"))},
      {"v08.json", OfWards("regex", Filter("code", "regex", "med-[0-9]"))},
      {"v09.json", OfWards("exists", Filter("beds", "exists", "true"))},
      {"v10.json", OfWards("parent", Filter("parent", "=", "medical"))},
      {"v11.json", OfWards("generalizes", Filter("concept", "generalizes", "med-1"))},
      {"v12.json", OfWards("odd", Filter("concept", "odd", "med-1"))},
      {"listed.json",
       Set("listed", R"("include":[)" +
                         Include("wards", R"(,"concept":[{"code":"day","display":"Short stay"},
                                                {"code":"gone"}])") +
                         R"(,{"system":"http://snomed.info/sct","concept":[{"code":"1"}]}])")},
      {"excluded.json",
       Set("excluded", R"("include":[)" + Include("wards", "") + R"(],"exclude":[)" +
                           Include("wards", Filter("concept", "is-a", "medical")) + "]")},
      {"nested.json",
       Set("nested", R"("include":[{"valueSet":[")" + Vs("is-a") + "\",\"" + Vs("exists") +
                         R"("]},{"valueSet":[")" + Vs("listed") + R"("]}])")},
      {"both.json",
       Set("both",
           R"("include":[)" + Include("wards", R"(,"valueSet":[")" + Vs("is-a") + "\"]") + "]")},
      {"shout-set.json", Set("shout", R"("include":[)" + Include("shout", "") + "]")},
      {"part-set.json", Set("part", R"("include":[)" + Include("part", "") + "]")},
      {"foreign.json", Set("foreign", R"("include":[{"system":"http://snomed.info/sct"},)" +
                                          Include("shout", "") + "]")},
      {"unheld.json", Set("unheld", R"("include":[{"valueSet":["http://example.org/none"]}])")},
      {"minus.json", Set("minus", R"("include":[)" + Include("shout", "") +
                                      R"(],"exclude":[{"valueSet":["http://example.org/none"]}])")},
      {"circle-a.json", Set("circle-a", R"("include":[{"valueSet":[")" + Vs("circle-b") +
                                            R"("]},)" + Include("shout", "") + "]")},
      {"circle-b.json", Set("circle-b", R"("include":[{"valueSet":[")" + Vs("circle-a") + "\"]}]")},
      {"ready.json", R"({"resourceType":"ValueSet","url":")" + Vs("ready") +
                         R"(","expansion":{"contains":[{"system":"http://snomed.info/sct",
           "abstract":true,"code":"0","contains":[{"system":"http://snomed.info/sct","code":"7",
           "display":"Seven"}]}]}})"},
      {"map.json", R"({"resourceType":"ConceptMap","url":"http://example.org/map","version":"1",
         "targetUri":")" +
                       Vs("shout") + R"(","group":[{"source":")" + Cs("wards") + R"(","target":")" +
                       Cs("shout") + R"(","element":[
           {"code":"med-1","target":[{"code":"Yes","display":"Y","equivalence":"wider",
             "comment":"roughly"},{"code":"No","equivalence":"inexact"}]},
           {"code":"med-2"}],"unmapped":{"mode":"fixed","code":"No"}}]})"},
      {"depends.json", R"({"resourceType":"ConceptMap","url":"http://example.org/depends","group":[
         {"source":")" + Cs("wards") +
                           R"(","target":")" + Cs("shout") +
                           R"(","element":[{"code":"day","target":[
           {"code":"Yes","equivalence":"equal","dependsOn":[{"property":"open","value":"true"}]},
           {"code":"No","equivalence":"wider","dependsOn":[{"property":"open","value":"false"},
             {"property":"site","system":"urn:s","value":"north"}]}]}],
          "unmapped":{"mode":"other-map","url":"http://example.org/map"}}]})"},
      {"circle.json",
       R"({"resourceType":"ConceptMap","url":"http://example.org/circle","group":[
         {"source":")" +
           Cs("wards") +
           R"(","unmapped":{"mode":"other-map","url":"http://example.org/circle"}}]})"},
      {"same.json", R"({"resourceType":"ConceptMap","url":"http://example.org/same","group":[
         {"source":")" + Cs("wards") +
                        R"(","target":"http://example.org/same-system",
          "unmapped":{"mode":"provided"}}]})"},
  });
  EXPECT_TRUE(packages.ok()) << packages.error().detail << packages.error().where;
  return *packages;
}

const char* NameOf(Answer answer) {
  return answer == Answer::kYes ? "yes" : answer == Answer::kNo ? "no" : "unknown";
}

struct Question {
  std::string value_set, system, code;
  const char* answer;
};

TEST(ValidateCode, AnswersByHierarchyPropertyListAndImport) {
  const Terminology terminology(Held());
  const std::string wards = Cs("wards");
  const std::vector<Question> questions = {
      {"all", wards, "med-1", "yes"},
      {"all", wards, "MED-1", "no"},
      {"all", "", "med-1", "yes"},
      {"all", Cs("shout"), "med-1", "no"},
      {"all", "http://snomed.info/sct", "1", "no"},
      {"is-a", wards, "medical", "yes"},
      {"is-a", wards, "day", "yes"},  // below two
      {"is-a", wards, "surgical", "no"},
      {"is-a", wards, "none", "no"},
      {"descendent", wards, "medical", "no"},
      {"descendent", wards, "med-2", "yes"},
      {"is-not-a", wards, "medical", "no"},
      {"is-not-a", wards, "surgical", "yes"},
      {"site", wards, "med-1", "yes"},
      {"site", wards, "med-2", "no"},
      {"in", wards, "day", "yes"},
      {"in", wards, "med-2", "no"},
      {"not-in", wards, "day", "yes"},
      {"not-in", wards, "medical", "no"},
      {"regex", wards, "med-2", "yes"},
      {"regex", wards, "medical", "no"},
      {"exists", wards, "med-1", "yes"},
      {"exists", wards, "med-2", "no"},
      {"parent", wards, "med-2", "yes"},
      {"parent", wards, "medical", "no"},
      {"generalizes", wards, "all", "yes"},
      {"generalizes", wards, "med-2", "no"},
      {"odd", wards, "med-1", "unknown"},
      {"listed", wards, "day", "yes"},
      {"listed", wards, "gone", "yes"},  // a list needs no system
      {"listed", "http://snomed.info/sct", "1", "yes"},
      {"listed", "http://snomed.info/sct", "2", "no"},
      {"excluded", wards, "surgical", "yes"},
      {"excluded", wards, "med-1", "no"},
      {"nested", wards, "med-1", "yes"},
      {"nested", wards, "med-2", "no"},
      {"nested", wards, "day", "yes"},
      {"both", wards, "med-1", "yes"},
      {"both", wards, "surgical", "no"},
      {"shout", Cs("shout"), "YES", "yes"},
      {"part", Cs("part"), "a", "yes"},
      {"part", Cs("part"), "b", "unknown"},
      {"foreign", "http://snomed.info/sct", "1", "unknown"},
      {"foreign", Cs("shout"), "Yes", "yes"},
      {"foreign", "", "Yes", "yes"},
      {"foreign", "", "other", "unknown"},
      {"foreign", wards, "med-1", "no"},
      {"unheld", wards, "med-1", "unknown"},
      {"minus", Cs("shout"), "Yes", "unknown"},
      {"minus", Cs("shout"), "other", "no"},
      {"circle-a", Cs("shout"), "Yes", "yes"},
      {"circle-b", Cs("shout"), "Yes", "yes"},
      {"circle-b", Cs("shout"), "other", "no"},
      {"ready", "http://snomed.info/sct", "7", "yes"},
      {"ready", "http://snomed.info/sct", "0", "no"},
      {"none", wards, "med-1", "unknown"},
      {"all|1", wards, "med-1", "yes"},
      {"all|2", wards, "med-1", "unknown"},
  };
  for (const Question& question : questions) {
    const auto found =
        terminology.ValidateCode(Vs(question.value_set), {question.system, question.code, {}, {}});
    EXPECT_STREQ(NameOf(found.answer), question.answer)
        << question.value_set << " " << question.system << " " << question.code;
  }
}

TEST(ValidateCode, SaysWhatIsMissingAndWhatTheDisplayIs) {
  const Terminology terminology(Held());
  EXPECT_EQ(
      terminology.ValidateCode(Vs("foreign"), {"http://snomed.info/sct", "1", {}, {}}).missing,
      "http://snomed.info/sct");
  EXPECT_EQ(terminology.ValidateCode(Vs("unheld"), {{}, "1", {}, {}}).missing,
            "http://example.org/none");
  EXPECT_EQ(terminology.ValidateCode(Vs("none"), {{}, "1", {}, {}}).missing, Vs("none"));
  const auto found = terminology.ValidateCode(Vs("all"), {{}, "med-1", "ward  ONE", {}});
  EXPECT_EQ(found.system, Cs("wards"));
  EXPECT_EQ(found.display, "Ward one");
  EXPECT_EQ(found.display_fits, Answer::kYes);
  EXPECT_EQ(terminology.ValidateCode(Vs("all"), {{}, "med-1", "Ward two", {}}).display_fits,
            Answer::kNo);
  EXPECT_EQ(terminology.ValidateCode(Vs("all"), {{}, "med-1", {}, {}}).display_fits,
            Answer::kUnknown);
  // A list may give a display of its own.
  EXPECT_EQ(
      terminology.ValidateCode(Vs("listed"), {Cs("wards"), "day", "Short stay", {}}).display_fits,
      Answer::kYes);
}

TEST(ValidateInSystem, KnowsSystemsVersionsAndGrammars) {
  const Terminology terminology(Held());
  const struct {
    std::string system, code, version;
    const char* answer;
  } cases[] = {
      {Cs("wards"), "med-1", "", "yes"},
      {Cs("wards"), "none", "", "no"},
      {Cs("wards"), "med-1", "3", "yes"},
      {Cs("wards"), "none", "4", "unknown"},  // another version may have it
      {Cs("part"), "b", "", "unknown"},
      {"http://snomed.info/sct", "1", "", "unknown"},
      {"http://hl7.org/fhir/administrative-gender", "female", "", "yes"},
      {"http://hl7.org/fhir/administrative-gender", "woman", "", "no"},
      {"http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "", "yes"},
      {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "", "yes"},
      {"urn:ietf:bcp:13", "application/fhir+json", "", "yes"},
      {"urn:ietf:bcp:13", "text/plain; charset=UTF-8", "", "yes"},
      {"urn:ietf:bcp:13", "text", "", "no"},
      {"urn:ietf:bcp:13", "text/", "", "no"},
      {"urn:ietf:bcp:47", "en", "", "yes"},
      {"urn:ietf:bcp:47", "en-GB", "", "yes"},
      {"urn:ietf:bcp:47", "zh-Hant-TW", "", "yes"},
      {"urn:ietf:bcp:47", "zh-yue", "", "yes"},
      {"urn:ietf:bcp:47", "de-CH-1996", "", "yes"},
      {"urn:ietf:bcp:47", "x-ours", "", "yes"},
      {"urn:ietf:bcp:47", "en-a-bbb", "", "yes"},
      {"urn:ietf:bcp:47", "en-AUs", "", "no"},
      {"urn:ietf:bcp:47", "e", "", "no"},
      {"urn:ietf:bcp:47", "en_GB", "", "no"},
      {"urn:ietf:bcp:47", "en-", "", "no"},
      {"urn:ietf:bcp:47", "en-a", "", "no"},
      {"http://unitsofmeasure.org", "mg/dL", "", "yes"},
      {"http://unitsofmeasure.org", "odd", "", "unknown"},
  };
  for (const auto& item : cases) {
    EXPECT_STREQ(
        NameOf(terminology.ValidateInSystem({item.system, item.code, {}, item.version}).answer),
        item.answer)
        << item.system << " " << item.code;
  }
}

TEST(ValidateCode, KnowsR4sOwnSets) {
  const Packages packages = Packages::R4(R4Definitions());
  const Terminology terminology(packages);
  const std::string vs = "http://hl7.org/fhir/ValueSet/";
  const struct {
    std::string value_set, system, code;
    const char* answer;
  } cases[] = {
      {vs + "administrative-gender", "", "male", "yes"},
      {vs + "administrative-gender|4.0.1", "", "man", "no"},
      {vs + "observation-vitalsignresult", "http://loinc.org", "8867-4", "yes"},
      {vs + "observation-codes", "http://loinc.org", "8867-4", "unknown"},
      {vs + "marital-status", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", "yes"},
      {vs + "marital-status", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "X", "no"},
      {vs + "v3-PurposeOfUse", "", "", "unknown"},
      {"http://terminology.hl7.org/ValueSet/v3-PurposeOfUse",
       "http://terminology.hl7.org/CodeSystem/v3-ActReason", "TREAT", "yes"},
      {"http://terminology.hl7.org/ValueSet/v3-PurposeOfUse",
       "http://terminology.hl7.org/CodeSystem/v3-ActReason", "ADMREV", "no"},
      {vs + "languages", "urn:ietf:bcp:47", "en-GB", "yes"},
      {vs + "languages", "urn:ietf:bcp:47", "cy", "no"},
      {vs + "mimetypes", "", "image/png", "yes"},
  };
  for (const auto& item : cases) {
    EXPECT_STREQ(
        NameOf(terminology.ValidateCode(item.value_set, {item.system, item.code, {}, {}}).answer),
        item.answer)
        << item.value_set << " " << item.code;
  }
}

// The codes of an expansion, in its order, with what is missing behind a bar.
std::string Listed(const Result<Terminology::Expansion>& expansion) {
  if (!expansion) {
    return "error " + std::to_string(static_cast<int>(expansion.error().code));
  }
  std::string out;
  for (const auto& item : expansion->codes) {
    out += (out.empty() ? "" : " ") + std::string(item.coding.code);
    out += item.is_abstract ? "*" : "";
    out += item.is_inactive ? "-" : "";
  }
  for (const std::string& missing : expansion->missing) {
    out += " | " + missing;
  }
  return out;
}

TEST(Expand, ListsInTheOrderOfTheDefinition) {
  const Terminology terminology(Held());
  const std::pair<const char*, std::string> cases[] = {
      {"all", "all* medical med-1 med-2 surgical day-"},
      {"is-a", "medical med-1 med-2 day-"},
      {"descendent", "med-1 med-2 day-"},
      {"is-not-a", "all* surgical"},
      {"regex", "med-1 med-2"},
      {"generalizes", "all* medical med-1"},
      {"listed", "day- gone 1"},
      {"excluded", "all* surgical"},
      {"nested", "med-1 day- gone 1"},
      {"both", "medical med-1 med-2 day-"},
      {"ready", "7"},
      {"part", "a | " + Cs("part")},
      {"foreign", "Yes No | http://snomed.info/sct"},
      {"unheld", " | http://example.org/none"},
      {"minus", " | http://example.org/none"},
      {"odd", " | " + Cs("wards")},
      {"circle-a", "error " + std::to_string(static_cast<int>(Code::kInvalid))},
      {"none", "error " + std::to_string(static_cast<int>(Code::kNotFound))},
  };
  for (const auto& [name, expected] : cases) {
    EXPECT_EQ(Listed(terminology.Expand(Vs(name), {})), expected) << name;
  }
}

TEST(Expand, FiltersAndPages) {
  const Terminology terminology(Held());
  Terminology::ExpandOptions options;
  options.filter = "WARD";
  EXPECT_EQ(Listed(terminology.Expand(Vs("all"), options)), "all* med-1 med-2 day-");
  options.active_only = true;
  EXPECT_EQ(Listed(terminology.Expand(Vs("all"), options)), "all* med-1 med-2");
  options.offset = 1;
  options.count = 1;
  const auto page = terminology.Expand(Vs("all"), options);
  EXPECT_EQ(Listed(page), "med-1");
  EXPECT_EQ(page->total, 3u);
  EXPECT_EQ(page->codes[0].coding.display, "Ward one");
  EXPECT_EQ(page->codes[0].coding.version, "3");
}

TEST(Lookup, TellsDisplayDefinitionAndProperties) {
  const Terminology terminology(Held());
  const auto found = terminology.Lookup({Cs("wards"), "day", {}, {}});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->system_name, "Wards");
  EXPECT_EQ(found->system_version, "3");
  EXPECT_EQ(found->display, "Day ward");
  std::string properties;
  for (const auto& property : found->properties) {
    properties += std::string(property.code) + "=" + std::string(property.value) + " ";
  }
  EXPECT_EQ(properties, "status=retired parent=surgical parent=medical ");
  const auto first = terminology.Lookup({Cs("wards"), "med-1", {}, {}});
  EXPECT_EQ(first->definition, "The first");
  ASSERT_EQ(first->designations.size(), 2u);
  EXPECT_EQ(first->designations[0].language, "cy");
  EXPECT_EQ(first->designations[0].value, "Ward un");
  EXPECT_EQ(first->designations[1].use, "short");
  EXPECT_EQ(first->designations[1].value, "W1");
  EXPECT_TRUE(found->designations.empty());
  EXPECT_EQ(terminology.Lookup({Cs("wards"), "none", {}, {}}).error().code, Code::kNotFound);
  EXPECT_EQ(terminology.Lookup({Cs("wards"), "day", {}, "9"}).error().code, Code::kUnsupported);
  EXPECT_EQ(terminology.Lookup({"http://snomed.info/sct", "1", {}, {}}).error().code,
            Code::kUnsupported);
  EXPECT_EQ(terminology.Lookup({"http://hl7.org/fhir/request-status", "on-hold", {}, {}})->display,
            "On Hold");
}

TEST(Subsumes, ComparesTwoCodes) {
  using Relation = Terminology::Relation;
  const Terminology terminology(Held());
  EXPECT_EQ(terminology.Subsumes(Cs("wards"), "all", "med-1"), Relation::kSubsumes);
  EXPECT_EQ(terminology.Subsumes(Cs("wards"), "day", "medical"), Relation::kSubsumedBy);
  EXPECT_EQ(terminology.Subsumes(Cs("wards"), "day", "day"), Relation::kEquivalent);
  EXPECT_EQ(terminology.Subsumes(Cs("wards"), "day", "med-1"), Relation::kNotSubsumed);
  EXPECT_EQ(terminology.Subsumes(Cs("wards"), "day", "none"), Relation::kUnknown);
  EXPECT_EQ(terminology.Subsumes("http://snomed.info/sct", "1", "2"), Relation::kUnknown);
}

std::string Translated(const Result<std::vector<Terminology::Match>>& matches) {
  if (!matches) {
    return "error " + std::to_string(static_cast<int>(matches.error().code));
  }
  std::string out;
  for (const auto& match : *matches) {
    out += std::string(match.equivalence) + ":" + std::string(match.target.code) + " ";
  }
  return out;
}

TEST(Translate, GoesByMapSystemAndTarget) {
  const Terminology terminology(Held());
  const std::string map = "http://example.org/map";
  const std::string wards = Cs("wards");
  const auto ask = [&](std::string_view which, std::string_view code, std::string_view target) {
    return Translated(terminology.Translate(which, {wards, code, {}, {}}, target));
  };
  EXPECT_EQ(ask(map, "med-1", ""), "wider:Yes inexact:No ");
  EXPECT_EQ(ask(map + "|1", "med-2", ""), "unmatched: ");
  EXPECT_EQ(ask(map, "day", ""), "inexact:No ");
  EXPECT_EQ(ask(map, "med-1", Cs("shout")), "wider:Yes inexact:No ");
  EXPECT_EQ(ask(map, "med-1", Vs("shout")), "wider:Yes inexact:No ");
  EXPECT_EQ(ask(map, "med-1", Cs("other")), "");
  EXPECT_EQ(ask("http://example.org/same", "day", ""), "equal:day ");
  EXPECT_EQ(ask("", "med-1", Cs("shout")), "wider:Yes inexact:No ");
  EXPECT_EQ(ask("http://example.org/none", "med-1", ""),
            "error " + std::to_string(static_cast<int>(Code::kNotFound)));
  const auto first = terminology.Translate(map, {wards, "med-1", {}, {}}, {});
  EXPECT_EQ(first->front().comment, "roughly");
  EXPECT_EQ(first->front().source, map);
  EXPECT_EQ(first->front().target.system, Cs("shout"));
  EXPECT_EQ(Translated(terminology.Translate(
                {}, {"http://hl7.org/fhir/administrative-gender", "female", {}, {}},
                "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender")),
            "equal:F ");
}

TEST(Translate, HeedsWhatAMappingDependsOn) {
  const Terminology terminology(Held());
  const auto ask = [&](std::vector<Terminology::Dependency> known) {
    return Translated(terminology.Translate("http://example.org/depends",
                                            {Cs("wards"), "day", {}, {}}, "", known));
  };
  EXPECT_EQ(ask({}), "");
  EXPECT_EQ(ask({{"open", "", "true"}}), "equal:Yes ");
  EXPECT_EQ(ask({{"open", "", "false"}}), "") << "one of two";
  EXPECT_EQ(ask({{"open", "", "false"}, {"site", "urn:s", "north"}}), "wider:No ");
  EXPECT_EQ(ask({{"open", "", "false"}, {"site", "urn:t", "north"}}), "");
}

TEST(Translate, HandsOnToAnotherMap) {
  const Terminology terminology(Held());
  const std::string wards = Cs("wards");
  const Coding ward{wards, "med-1", {}, {}};
  const auto matches = terminology.Translate("http://example.org/depends", ward, "");
  EXPECT_EQ(Translated(matches), "wider:Yes inexact:No ");
  EXPECT_EQ(matches->front().source, "http://example.org/map");
  EXPECT_EQ(Translated(terminology.Translate("http://example.org/circle", ward, "")), "");
}

TEST(Terminology, TakesAPackagesSystemBeforeR4s) {
  const Result<Packages> packages =
      LoadFiles({{"gender.json", R"({"resourceType":"CodeSystem","version":"9.0.0",
         "url":"http://hl7.org/fhir/administrative-gender","content":"complete",
         "concept":[{"code":"new"}]})"},
                 {"extra.json", R"({"resourceType":"CodeSystem","url":"http://example.org/extra",
         "content":"supplement","concept":[{"code":"x"}]})"}});
  ASSERT_TRUE(packages.ok());
  const Terminology terminology(*packages);
  const std::string gender = "http://hl7.org/fhir/administrative-gender";
  EXPECT_EQ(terminology.ValidateInSystem({gender, "new", {}, {}}).answer, Answer::kYes);
  EXPECT_EQ(terminology.ValidateInSystem({gender, "male", {}, "4.0.1"}).answer, Answer::kYes);
  EXPECT_EQ(terminology.ValidateInSystem({"http://example.org/extra", "x", {}, {}}).answer,
            Answer::kUnknown);
}

// Sets of sets that would double the work with each level.
TEST(Terminology, AnswersInBoundedTime) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int level = 0; level < 40; ++level) {
    const std::string next = Vs("l" + std::to_string(level + 1));
    const std::string both = R"({"valueSet":[")" + next + "\"]}";
    files.emplace_back(std::to_string(level) + ".json",
                       Set("l" + std::to_string(level), "\"include\":[" + both + "," + both + "]"));
  }
  files.emplace_back("end.json", Set("l40", R"("include":[{"system":"http://example.org/none"}])"));
  const Result<Packages> packages = LoadFiles(files);
  ASSERT_TRUE(packages.ok());
  const Terminology terminology(*packages);
  EXPECT_EQ(terminology.ValidateCode(Vs("l0"), {{}, "x", {}, {}}).answer, Answer::kUnknown);
  EXPECT_EQ(terminology.Expand(Vs("l0"), {}).error().code, Code::kTooLarge);
  EXPECT_EQ(terminology.Expand(Vs("l20"), {}).error().code, Code::kTooLarge);
}

// Codes that are reached on very many ways, and in a circle.
TEST(Terminology, ClimbsAnyHierarchyInBoundedTime) {
  std::string concepts = R"({"code":"top"})";
  const auto parent = [](const std::string& code) {
    return R"({"code":"parent","valueCode":")" + code + "\"}";
  };
  for (int level = 0; level < 60; ++level) {
    const std::string above = level == 0 ? "top" : std::to_string(level - 1);
    const std::string last = std::to_string(level);
    const std::string sides =
        level == 0 ? parent("top") : parent("a" + above) + "," + parent("b" + above);
    concepts += R"(,{"code":"a)" + last + R"(","property":[)" + sides + R"(]},{"code":"b)" + last +
                R"(","property":[)" + sides + "]}";
  }
  concepts += R"(,{"code":"x","property":[)" + parent("y") + R"(]},{"code":"y","property":[)" +
              parent("x") + "]}";
  const Result<Packages> packages =
      LoadFiles({{"c.json", R"({"resourceType":"CodeSystem","url":")" + Cs("mesh") +
                                R"(","content":"complete","concept":[)" + concepts + "]}"}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  using Relation = Terminology::Relation;
  const Terminology terminology(*packages);
  EXPECT_EQ(terminology.Subsumes(Cs("mesh"), "top", "a59"), Relation::kSubsumes);
  EXPECT_EQ(terminology.Subsumes(Cs("mesh"), "x", "a59"), Relation::kNotSubsumed);
  EXPECT_EQ(terminology.Subsumes(Cs("mesh"), "top", "x"), Relation::kNotSubsumed);
  EXPECT_EQ(terminology.Subsumes(Cs("mesh"), "x", "y"), Relation::kSubsumes);
}

}  // namespace
}  // namespace gw::fhir
