#include "gateway/map/fml/structure_map.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/base/json.h"
#include "tests/map/plan_testing.h"

// The three forms of a map: what one says, the others say.

namespace gw::map {
namespace {

// Every part of the language once.
constexpr std::string_view kWhole = R"(
/// title = "A map of all kinds"
/// status = 'active'
/// experimental = true
map "urn:test" = "Test"

conceptmap "#codes" {
  prefix s = "urn:s"
  prefix t = "urn:t"
  unmapped for s = provided
  s:a == t:"entered-in-error"
  s:entered-in-error - t:c
  s:b --
}

uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as source
uses "http://hl7.org/fhir/StructureDefinition/Person" alias Person as target
uses "http://hl7.org/fhir/StructureDefinition/Basic" as queried
uses "http://hl7.org/fhir/StructureDefinition/Observation" as produced

imports "urn:other:*"

let codes = ('a' | 'b');

group Test(source src : Patient, target tgt : Person) extends Base <<type+>> {
  src.id -> tgt.id;
  src.name : HumanName 1..* first as n where (use = 'official') check (family.exists())
      log ('a name') -> tgt.name as m share names then Name(n, m), Other(n, 'x', true, 7, 1.50, @2026-01-20, (n.given.first())) "names";
  src.birthDate default '2000-01-01' as b -> tgt.birthDate = cast(b, 'date'), tgt.active = true;
  src.gender default (%src.id) only_one as g -> tgt.gender = translate(g, '#codes', 'code') last;
  src.active as a, src.deceased as d then { a -> tgt.active = a; };
  src as s -> tgt.id = (%s.id + 'x').lower(), append(s.id, "it's", 'a\nb') as text, tgt.id = text;
  src.telecom as t -> tgt.telecom = evaluate(t, system = 'phone') collate, tgt.id = @T10:00;
  src.`contact` not_last;
}

group "odd name"(source a, target b) { a.extension -> b.extension "keeps"; }
group Name(source n, target m) <<types>> { n -> m.text = n.text; }
)";

std::string ToText(const FmlMap& map) {
  const auto text = WriteFml(map);
  return text ? *text : "error: " + text.error().detail;
}

FmlMap FromText(std::string_view text) {
  auto map = ReadMap("test.map", text, R4(), Limits());
  EXPECT_TRUE(map.ok()) << (map ? "" : map.error().where + ": " + map.error().detail) << "\n"
                        << text;
  return map ? *std::move(map) : FmlMap();
}

// Text, resource and back both ways: nothing may change.
void ExpectStable(const FmlMap& map, const std::string& name) {
  const std::string text = ToText(map);
  const std::string resource = WriteStructureMap(map);
  EXPECT_EQ(WriteStructureMap(FromText(text)), resource) << name;
  const FmlMap of_resource = FromText(resource);
  EXPECT_EQ(WriteStructureMap(of_resource), resource) << name;
  EXPECT_EQ(ToText(of_resource), text) << name;
}

TEST(StructureMap, SaysWhatTheTextSays) { ExpectStable(FromText(kWhole), "kWhole"); }

// Where R4 has a documentation element, or a description, for what a comment stands at.
TEST(StructureMap, CommentsAreDocumentation) {
  constexpr std::string_view kCommented = R"(/// title = "T"
// Above the map.
map "urn:test" = "Test"  // beside it
// Below it,
//
//   in three lines.

// The codes.
conceptmap "#codes" {  // all of them
  prefix s = "urn:s"
  prefix t = "urn:t"
  s:a == t:b  // one code
}

// What comes in.
uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as source
uses "http://hl7.org/fhir/StructureDefinition/Person" alias Person as target  // what comes out
// Others' groups.
imports "urn:other:*"
// Always the same.
let codes = ('a' | 'b');

/*
 * The first group,
 * in a block.
 */

group Test(source src : Patient,  // who
           target tgt : Person) {  // as whom
  // The id
  src.id -> tgt.id;  // as it is
  src.name as n then {  // names
    n.family as f  /* inner */ -> tgt.name as m "family";
    // nothing behind it
  };
  // the end of the group
}
// the end of the map
)";
  const FmlMap map = FromText(kCommented);
  EXPECT_EQ(map.documentation,
            "Above the map.\nbeside it\nBelow it,\n\n  in three lines.\nOthers' groups.\n"
            "the end of the map");
  ASSERT_EQ(map.concept_maps.size(), 1u);
  EXPECT_EQ(map.concept_maps[0].documentation, "The codes.\nall of them\none code");
  ASSERT_EQ(map.uses.size(), 2u);
  EXPECT_EQ(map.uses[0].documentation, "What comes in.");
  EXPECT_EQ(map.uses[1].documentation, "what comes out");
  EXPECT_EQ(map.constants.at(0).documentation, "Always the same.");
  const FmlGroup& group = map.groups.at(0);
  EXPECT_EQ(group.documentation, "The first group,\nin a block.\nas whom\nthe end of the group");
  EXPECT_EQ(group.inputs.at(0).documentation, "who");
  EXPECT_EQ(group.rules.at(0).documentation, "The id\nas it is");
  EXPECT_EQ(group.rules.at(1).documentation, "names\nnothing behind it");
  EXPECT_EQ(group.rules.at(1).rules.at(0).documentation, "inner");
  ExpectStable(map, "comments");
  const auto tree = Json::Parse(WriteStructureMap(map), Limits());
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->TextOf("description"), map.documentation);
  const Json& first = tree->Find("group")->items().front();
  EXPECT_EQ(first.TextOf("documentation"), group.documentation);
  EXPECT_EQ(first.Find("rule")->items().front().TextOf("documentation"), "The id\nas it is");
  EXPECT_EQ(tree->Find("structure")->items().front().TextOf("documentation"), "What comes in.");
}

TEST(StructureMap, HasR4sShape) {
  const std::string json = WriteStructureMap(FromText(kWhole));
  const auto tree = Json::Parse(json, Limits());
  ASSERT_TRUE(tree.ok()) << json;
  EXPECT_EQ(tree->TextOf("status"), "active");
  EXPECT_EQ(tree->TextOf("title"), "A map of all kinds");
  for (
      const std::string_view part :
      {R"("structure":[{"url":"http://hl7.org/fhir/StructureDefinition/Patient","mode":"source","alias":"Patient"})",
       // R4's dom-3: what is contained is referred to.
       R"({"url":"urn:caregate:fml:conceptmap","valueCanonical":"#codes"})",
       R"("import":["urn:other:*"])",
       R"("name":"Test","extends":"Base","typeMode":"type-and-types")",
       R"("source":[{"context":"src","element":"id","variable":"vvv"}],"target":[{"context":"tgt","contextType":"variable","element":"id","variable":"vvv","transform":"create"}])",
       R"x("min":1,"max":"*","type":"HumanName","element":"name","listMode":"first","variable":"n","condition":"use = 'official'","check":"family.exists()","logMessage":"'a name'")x",
       R"("listMode":["share"],"listRuleId":"names")",
       R"("transform":"translate","parameter":[{"valueId":"g"},{"valueString":"#codes"},{"valueString":"code"}])",
       R"("transform":"evaluate","parameter":[{"valueId":"t"},{"valueString":"system = 'phone'"}])",
       R"("transform":"copy","parameter":[{"valueBoolean":true}])",
       R"x("dependent":[{"name":"Name","variable":["n","m"]},{"name":"Other","variable":["n","x","true","7","1.50","2026-01-20","n.given.first()"])x",
       R"({"code":"b","target":[{"equivalence":"unmatched"}]})",
       R"("unmapped":{"mode":"provided"})"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
}

TEST(StructureMap, EveryMapOfTheProjectIsStable) {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(GW_SOURCE_DIR "/mappings")) {
    if (entry.path().extension() != ".map") {
      continue;
    }
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    ExpectStable(FromText(text), entry.path().filename().string());
    ++count;
  }
  EXPECT_GT(count, 0u);
}

// As other tools write it: underscores in ids, a single value for a list, variables of any name
// around a create() without a type, dotted ids.
constexpr std::string_view kForeign = R"({
  "resourceType": "StructureMap", "id": "x", "url": "urn:test", "name": "Test", "status": "draft",
  "structure": [{"url": "http://hl7.org/fhir/StructureDefinition/Patient", "mode": "source"},
                {"url": "http://hl7.org/fhir/StructureDefinition/Person", "mode": "target"}],
  "group": [{"name": "main", "typeMode": "none",
    "input": [{"name": "src", "type": "Patient", "mode": "source"},
              {"name": "tgt", "type": "Person", "mode": "target"}],
    "rule": [
      {"name": "rule_a", "source": [{"context": "src", "element": "name", "variable": "s_a"}],
       "target": {"context": "tgt", "contextType": "variable", "element": "name", "variable": "t_a", "transform": "create"}},
      {"name": "rule_b", "source": [{"context": "src", "element": "gender", "variable": "g", "condition": "$this = \"male\""}],
       "target": [{"context": "tgt", "element": "gender", "transform": "copy", "parameter": [{"valueId": "g"}]},
                  {"context": "tgt", "element": "birthDate", "transform": "copy", "parameter": [{"valueId": "src.birthDate"}]}]}
    ]}]})";

TEST(StructureMap, OfOtherToolsRuns) {
  const auto plan = CompileMap(std::string(kForeign));
  EXPECT_EQ(
      Convert(
          plan,
          R"({"resourceType":"Patient","name":[{"family":"Ash"}],"gender":"male","birthDate":"1950-02-01"})"),
      R"({"resourceType":"Person","name":[{"family":"Ash"}],"gender":"male","birthDate":"1950-02-01"})");
}

TEST(StructureMap, AsXmlIsTheSame) {
  constexpr std::string_view kXml = R"(<?xml version="1.0" encoding="UTF-8"?>
<StructureMap xmlns="http://hl7.org/fhir">
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>a map</p></div></text>
  <url value="urn:test"/><name value="Test"/><status value="draft"/>
  <structure><url value="http://hl7.org/fhir/StructureDefinition/Patient"/><mode value="source"/></structure>
  <structure><url value="http://hl7.org/fhir/StructureDefinition/Person"/><mode value="target"/></structure>
  <group><name value="main"/><typeMode value="none"/>
    <input><name value="src"/><type value="Patient"/><mode value="source"/></input>
    <input><name value="tgt"/><type value="Person"/><mode value="target"/></input>
    <rule><name value="rule_g"/>
      <source><context value="src"/><element value="gender"/><variable value="s_g"/></source>
      <target><context value="tgt"/><contextType value="variable"/><element value="gender"/>
        <transform value="copy"/><parameter><valueId value="s_g"/></parameter></target></rule>
  </group>
</StructureMap>)";
  EXPECT_EQ(Convert(CompileMap(std::string(kXml)), R"({"resourceType":"Patient","gender":"male"})"),
            R"({"resourceType":"Person","gender":"male"})");
}

TEST(StructureMap, ErrorsHaveTheirPlace) {
  struct Case {
    std::string_view text;
    std::string_view where;
    std::string_view detail;
  };
  const Case cases[] = {
      {"{\"resourceType\":\"StructureMap\",\n \"group\":[]}", "test.map:1:1", "with a url"},
      {"{\"resourceType\":\"StructureMap\",\n \"nothing\":1}", "test.map:2:12", "no element"},
      {"{\"resourceType\":\"StructureMap\",\n \"url\":}", "test.map:2:8", ""},
      {"{\"url\":\"u\",\"group\":[{\"name\":\"g\",\"input\":[\n{\"name\":\"a\",\"mode\":\"both\"}]}"
       "]}",
       "test.map:2:1", "'source' or 'target'"},
      {"{\"url\":\"u\",\"group\":[{\"name\":\"g\",\"rule\":[\n{\"name\":\"a\"}]}]}", "test.map:2:1",
       "at least one"},
      {"{\"url\":\"u\",\"group\":[{\"name\":\"g\",\"rule\":[{\"source\":[{\"context\":\"a\",\n"
       "\"condition\":\"a = (\"}]}]}]}",
       "test.map:2:13", "expected"},
      {"{\"url\":\"u\",\"group\":[{\"name\":\"g\",\"rule\":[{\"source\":[{\"context\":\"a\",\n"
       "\"listMode\":\"share\"}]}]}]}",
       "test.map:2:12", "list mode"},
      {"<StructureMap xmlns=\"http://hl7.org/fhir\">\n<nothing/></StructureMap>", "test.map:2:1",
       "no element"},
      {"{\"url\":\"u\"}", "test.map:1:1", "'group'"},
  };
  for (const Case& c : cases) {
    const auto map = ReadMap("test.map", c.text, R4(), Limits());
    ASSERT_FALSE(map.ok()) << c.text;
    EXPECT_EQ(map.error().where, c.where) << c.text << " " << map.error().detail;
    EXPECT_NE(map.error().detail.find(c.detail), std::string::npos) << map.error().detail;
  }
}

TEST(StructureMap, FixedCodesHaveNoText) {
  FmlMap map = FromText(kWhole);
  map.concept_maps[0].unmapped[0].provided = false;
  map.concept_maps[0].unmapped[0].code = "other";
  const auto text = WriteFml(map);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, Code::kUnsupported);
  const FmlMap again = FromText(WriteStructureMap(map));
  EXPECT_EQ(again.concept_maps[0].unmapped[0].code, "other");
}

}  // namespace
}  // namespace gw::map
