// Every production of the grammar (FHIR R4 mapping-language.html), and of what R5 adds to it: each
// case is read, written as text and as a StructureMap, and all three forms are run.
#include <string>
#include <vector>

#include "gateway/map/fml/fml.h"
#include "gateway/map/fml/structure_map.h"
#include "tests/map/plan_testing.h"

namespace gw::map {
namespace {

constexpr std::string_view kUses =
    "uses \"http://hl7.org/fhir/StructureDefinition/Patient\" alias Patient as source\n"
    "uses \"http://hl7.org/fhir/StructureDefinition/Person\" alias Person as target\n";
constexpr std::string_view kOpen = "group Test(source src : Patient, target tgt : Person) {\n";
constexpr std::string_view kGroups = R"(}
group Named(source n : HumanName, target m : HumanName) { n.family as f -> m.family = f; }
group Given(source n : HumanName, target m : HumanName) { n.given as g -> m.given = g; }
group Text(source word, target m : HumanName) { word -> m.text = word "word"; }
group "odd name"(source n : HumanName, target m : HumanName) { n.use -> m.use; }
)";

struct GrammarCase {
  std::string production;
  std::string text;  // a map, or the rules of a group from `src` to `tgt`
  std::string source;
  std::string target;
};

std::string Rules(const std::string& rules) {
  return "map \"urn:test\" = \"Test\"\n" + std::string(kUses) + std::string(kOpen) + rules +
         std::string(kGroups);
}

std::string Resource(const std::string& type, const std::string& members) {
  return "{\"resourceType\":\"" + type + "\"" + (members.empty() ? "" : "," + members) + "}";
}

// As text, and as a StructureMap, the map says and does the same.
void ExpectSame(const GrammarCase& c, const std::string& text) {
  SCOPED_TRACE(c.production + ": " + text);
  const std::string source = Resource("Patient", c.source);
  const std::string target = Resource("Person", c.target);
  EXPECT_EQ(Convert(CompileMap(text), source), target);
  const auto map = ParseFml("test.map", text);
  ASSERT_TRUE(map.ok()) << map.error().where << ": " << map.error().detail;
  const auto written = WriteFml(*map);
  ASSERT_TRUE(written.ok()) << written.error().detail;
  const auto again = ParseFml("written.map", *written);
  ASSERT_TRUE(again.ok()) << again.error().where << ": " << again.error().detail << *written;
  EXPECT_EQ(*WriteFml(*again), *written) << "as written it is written alike";
  EXPECT_EQ(Convert(CompileMap(*written), source), target) << *written;
  const std::string json = WriteStructureMap(*map);
  const auto read = ReadMap("test.json", json, R4(), Limits());
  ASSERT_TRUE(read.ok()) << read.error().where << ": " << read.error().detail << json;
  EXPECT_EQ(*WriteFml(*read), *written) << json;
  EXPECT_EQ(Convert(CompileMap(json), source), target) << json;
}

void ExpectAll(const std::vector<GrammarCase>& cases) {
  for (const GrammarCase& c : cases) {
    ExpectSame(c, c.text);
  }
}

void ExpectRules(const std::vector<GrammarCase>& cases) {
  for (const GrammarCase& c : cases) {
    ExpectSame(c, Rules(c.text));
  }
}

constexpr char kName[] = R"("name":[{"use":"old","family":"A","given":["B","C"]}])";

TEST(FmlGrammar, TheHead) {
  const std::string body = std::string(kUses) + std::string(kOpen) + "src.active -> tgt.active; }";
  const std::string active = R"("active":true)";
  std::vector<GrammarCase> cases;
  for (const std::string head : {
           "map \"urn:test\" = \"Test\"\n",
           "map 'urn:test' = 'Test'\n",
           "map \"urn:test\" = Test\n",
           "map \"urn:test\" = `Test`;\n",
           "map\"urn:test\"=\"Test\"",
           "\xEF\xBB\xBFmap \"urn:test\" = \"Test\"\r\n",
           "// a comment\n\n/* and\n * another */ map \"urn:test\" /* here */ = \"Test\" // "
           "there\n",
           "//// no metadata\nmap \"urn:test\" = \"Test\"\n",
           "/// title = \"A title\"\n/// status = 'active'\nmap \"urn:test\" = \"Test\"\n",
           "/// url = 'urn:test'\n/// name = 'Test'\n/// title = 'T\xC3\xA9st'\n\n",
           "/// url = \"urn:test\"\nmap \"urn:test\" = \"Test\"\n",
           "map \"urn:test\" = \"Test\" imports \"urn:test*\" imports 'urn:t*t'\n",
           "map \"urn:test\" = \"Test\" let answer = 40 + 2; let word = 'w';\n",
       }) {
    cases.push_back({"mapId, comment, metadata, imports, let", head + body, active, active});
  }
  cases.push_back({"text without end of line", cases[0].text + " // the end", active, active});
  ExpectAll(cases);
}

TEST(FmlGrammar, Structures) {
  const auto map = [](const std::string& uses, const std::string& type) {
    return "map \"urn:test\" = \"Test\"\n" + uses + "group Test(source src" + type +
           ", target tgt : Person) { src.active -> tgt.active; }";
  };
  const std::string url = "\"http://hl7.org/fhir/StructureDefinition/";
  const std::string active = R"("active":true)";
  ExpectAll({
      {"uses", map("uses " + url + "Patient\" as source uses " + url + "Person\" as target\n", ""),
       active, active},
      {"alias", map("uses " + url + "Patient\" alias P as source // p\n", " : P"), active, active},
      {"alias", map("uses " + url + "Patient\" alias \"My P\" as source\n", " : \"My P\""), active,
       active},
      {"queried, produced",
       map("uses " + url + "Basic\" as queried; uses " + url + "Goal\" alias Goal as produced;\n",
           " : Patient"),
       active, active},
      {"type by url's name", map("uses " + url + "Patient\" as source\n", " : \"Patient\""), active,
       active},
  });
}

TEST(FmlGrammar, Groups) {
  const std::string head = "map \"urn:test\" = \"Test\"\n" + std::string(kUses);
  ExpectAll({
      {"extends",
       head + "group Test(source src : Patient, target tgt : Person) extends Base {\n"
              "src.gender -> tgt.gender; }\n"
              "group Base(source src : Patient, target tgt : Person) { src.active -> tgt.active; }",
       R"("active":true,"gender":"male")", R"("gender":"male","active":true)"},
      {"extends, typeMode",
       head + "group Test(source src : Patient, target tgt : Person) extends \"Base\" <<types>> {\n"
              "src.name -> tgt.name; }\n"
              "group Base(source src, target tgt) {}\n"
              "group Names(source a : HumanName, target b : HumanName) <<types>> {\n"
              "a.family -> b.text; };",
       kName, R"("name":[{"text":"A"}])"},
      {"type+",
       head + "group Test(source src : Patient, target tgt : Person) { src.name -> tgt.name; }\n"
              "group Names(source a : HumanName, target b : HumanName) << type+ >> {\n"
              "a.family -> b.text; }",
       kName, R"("name":[{"text":"A"}])"},
      {"variables with the words of the language",
       head + "group Test(source source : Patient, target target : Person) {\n"
              "source.name as map then { map.family as group -> target.name as then, then.text = "
              "group 'where'; } 'as'; source.gender as default -> target.gender = default; }",
       R"("gender":"male",)" + std::string(kName), R"("name":[{"text":"A"}],"gender":"male")"},
      {"an empty group", head + "group Test(source src : Patient, target tgt : Person) { }", kName,
       ""},
  });
}

TEST(FmlGrammar, Sources) {
  const std::string names = R"("name":[{"use":"old","text":"A"},{"text":"B"}])";
  const std::string made = " -> tgt.name as m, m.text = (%n.text) 'x';";
  ExpectRules({
      {"a rule that only reads", "src.active;", R"("active":true)", ""},
      {"a rule with a name alone", "src.active \"reads\";", R"("active":true)", ""},
      {"the context itself", "src -> tgt.active = true \"x\";", "", R"("active":true)"},
      {"several", "src.id as a, src.gender as b -> tgt.id = append(a, b) \"x\";",
       R"("id":"p","gender":"male")", R"("id":"pmale")"},
      {"quoted context and element", "\"src\".\"active\" as \"an a\" -> `tgt`.`active` = `an a`;",
       R"("active":true)", R"("active":true)"},
      {"type", "src.deceased : boolean as d -> tgt.active = d;", R"("deceasedBoolean":true)",
       R"("active":true)"},
      {"type in quotes", "src.deceased : \"boolean\" as d -> tgt.active = d;",
       R"("deceasedBoolean":true)", R"("active":true)"},
      {"cardinality", "src.name 0..* as n" + made, names, R"("name":[{"text":"A"},{"text":"B"}])"},
      {"cardinality", "src.name 1..2 as n" + made, names, R"("name":[{"text":"A"},{"text":"B"}])"},
      {"type, cardinality, list mode", "src.name : HumanName 0..2 last as n" + made, names,
       R"("name":[{"text":"B"}])"},
      {"first", "src.name first as n" + made, names, R"("name":[{"text":"A"}])"},
      {"not_first", "src.name not_first as n" + made, names, R"("name":[{"text":"B"}])"},
      {"last", "src.name last as n" + made, names, R"("name":[{"text":"B"}])"},
      {"not_last", "src.name not_last as n" + made, names, R"("name":[{"text":"A"}])"},
      {"only_one", "src.name only_one as n" + made, names, ""},
      {"where in brackets", "src.name as n where (use = 'old')" + made, names,
       R"("name":[{"text":"A"}])"},
      {"where without", "src.name as n where use = 'old'" + made, names,
       R"("name":[{"text":"A"}])"},
      {"where and more", "src.name as n where (use = 'old') and (text = 'A')" + made, names,
       R"("name":[{"text":"A"}])"},
      {"where with double quotes", "src.name as n where (use = \"old\")" + made, names,
       R"("name":[{"text":"A"}])"},
      {"an apostrophe in double quotes", "src.name as n where text = \"it's\" and true" + made,
       R"("name":[{"text":"it's"}])", R"("name":[{"text":"it's"}])"},
      {"where before a name", "src.name where use = 'old' 'read';", names, ""},
      {"check", "src.name as n check (text.exists())" + made, names,
       R"("name":[{"text":"A"},{"text":"B"}])"},
      {"check without brackets", "src.name as n check text.exists()" + made, names,
       R"("name":[{"text":"A"},{"text":"B"}])"},
      {"log", "src.name as n log ('seen')" + made, names, R"("name":[{"text":"A"},{"text":"B"}])"},
      {"where, check, log",
       "src.name as n where use = 'old' check text = 'A' log 'a ' + 'name'" + made, names,
       R"("name":[{"text":"A"}])"},
      {"comments between",
       "src /* a */ . name // b\n as n where ( /* c */ use = 'old' // d\n)" + made, names,
       R"("name":[{"text":"A"}])"},
  });
}

TEST(FmlGrammar, Defaults) {
  const auto into = [](const std::string& source, const std::string& target) {
    return "src." + source + " as d -> tgt." + target + " = d;";
  };
  ExpectRules({
      {"a string", into("gender default 'other'", "gender"), "", R"("gender":"other")"},
      {"double quotes", into("gender default \"other\"", "gender"), "", R"("gender":"other")"},
      {"brackets", into("gender default ('oth' + 'er')", "gender"), "", R"("gender":"other")"},
      {"a string in brackets", into("gender default ('other')", "gender"), "",
       R"("gender":"other")"},
      {"a boolean", into("active default true", "active"), "", R"("active":true)"},
      {"a date", into("birthDate default @2000-01-31", "birthDate"), "",
       R"("birthDate":"2000-01-31")"},
      {"not taken", into("gender default 'other'", "gender"), R"("gender":"male")",
       R"("gender":"male")"},
      {"with list mode", into("gender default 'other' first", "gender"), "", R"("gender":"other")"},
      {"with where", "src.gender default 'other' as d where $this = 'other' -> tgt.gender = d;", "",
       R"("gender":"other")"},
  });
}

TEST(FmlGrammar, Targets) {
  const std::string two = R"("name":[{"text":"A"},{"text":"B"}])";
  ExpectRules({
      {"the short form", "src.name -> tgt.name;", kName, kName},
      {"without transform", "src.name as n -> tgt.name as m then Named(n, m);", kName,
       R"("name":[{"family":"A"}])"},
      {"several", "src.id as i -> tgt.id = i, tgt.name as m, m.text = i, tgt.active = true;",
       R"("id":"p")", R"("id":"p","name":[{"text":"p"}],"active":true)"},
      {"ruleContext", "src.name as n -> tgt.name as m, m.text = n.family;", kName,
       R"("name":[{"text":"A"}])"},
      {"an invocation alone", "src -> append('a', 'b') as t, tgt.id = t 'x';", "", R"("id":"ab")"},
      {"an expression alone", "src -> ('a' & 'b') as t, tgt.id = t 'x';", "", R"("id":"ab")"},
      {"an expression", "src -> tgt.id = (src.id & 'b') 'x';", R"("id":"p")", R"("id":"pb")"},
      {"a path behind brackets", "src -> tgt.id = ('ab' & 'c').substring(1) 'x';", "",
       R"("id":"bc")"},
      {"%", "src.id as i -> tgt.id = append(%i, 'b');", R"("id":"p")", R"("id":"pb")"},
      {"no parameters", "src -> uuid() as u, tgt.active = (%u.length() = 36) 'x';", "",
       R"("active":true)"},
      {"double quotes", "src -> tgt.identifier as i, i.type = cc(\"urn:s\", \"c\") 'x';", "",
       R"("identifier":[{"type":{"coding":[{"system":"urn:s","code":"c"}]}}])"},
      {"evaluate", "src as s -> tgt.id = evaluate(s, id & 'b') 'x';", R"("id":"p")",
       R"("id":"pb")"},
      {"evaluate of a string", "src as s -> tgt.id = evaluate(s, 'id') 'x';", R"("id":"p")",
       R"("id":"p")"},
      {"first", "src.name as n -> tgt.name as m first, m.text = n.text;",
       R"("name":[{"text":"A"}])", R"("name":[{"text":"A"}])"},
      {"last", "src.name as n -> tgt.name as m last, m.text = n.text;", two, two},
      {"share", "src.name as n -> tgt.name as m share s, m.text = n.text;",
       R"("name":[{"text":"A"}])", R"("name":[{"text":"A"}])"},
      {"share of a quoted name", "src.id as n -> tgt.name as m share \"the name\", m.text = n;",
       R"("id":"p")", R"("name":[{"text":"p"}])"},
      {"collate", "src.name as n -> tgt.name as m collate, m.given = n.text;", two,
       R"("name":[{"given":["A","B"]}])"},
      {"single, R5's word for collate", "src.name as n -> tgt.name as m single, m.given = n.text;",
       two, R"("name":[{"given":["A","B"]}])"},
  });
}

TEST(FmlGrammar, Dependents) {
  const std::string make = "src.name as n -> tgt.name as m then ";
  const std::string alone = "src.name -> tgt.name as m then ";
  ExpectRules({
      {"a group", make + "Named(n, m);", kName, R"("name":[{"family":"A"}])"},
      {"two", make + "Named(n, m), Given(n, m);", kName,
       R"("name":[{"family":"A","given":["B","C"]}])"},
      {"a quoted group", make + "\"odd name\"(n, m);", kName, R"("name":[{"use":"old"}])"},
      {"a named rule", make + "Named(n, m) \"names\";", kName, R"("name":[{"family":"A"}])"},
      {"rules", make + "{ n.family -> m.text; };", kName, R"("name":[{"text":"A"}])"},
      {"no rules", "src.name then { } \"nothing\";", kName, ""},
      {"a group and rules", make + "Named(n, m) { n.use -> m.use; } \"both\";", kName,
       R"("name":[{"use":"old","family":"A"}])"},
      {"rules in rules", "src then { src.name as n then { n.family as f -> tgt.id = f; }; } 'x';",
       kName, R"("id":"A")"},
      {"without targets", "src.name as n then { n.family as f -> tgt.id = f; };", kName,
       R"("id":"A")"},
      {"a literal", alone + "Text('w', m);", kName, R"("name":[{"text":"w"}])"},
      {"a literal in double quotes", alone + "Text(\"w\", m);", kName, R"("name":[{"text":"w"}])"},
      {"a number", alone + "Text(7, m);", kName, R"("name":[{"text":"7"}])"},
      {"an expression", make + "Text((n.family & '!'), m);", kName, R"("name":[{"text":"A!"}])"},
      {"a path", make + "Text(n.family, m);", kName, R"("name":[{"text":"A"}])"},
  });
}

TEST(FmlGrammar, Literals) {
  const auto text = [](const std::string& literal, const std::string& json) {
    return GrammarCase{"a literal", "src -> tgt.name as m, m.text = " + literal + " 'x';", "",
                       "\"name\":[{\"text\":\"" + json + "\"}]"};
  };
  ExpectRules({
      text("'plain'", "plain"),
      text("\"double\"", "double"),
      text("'it\\'s'", "it's"),
      text("\"it's\"", "it's"),
      text("'say \"x\"'", "say \\\"x\\\""),
      text("\"say \\\"x\\\"\"", "say \\\"x\\\""),
      text("'a\\\\b'", "a\\\\b"),
      text("'a\\/b'", "a/b"),
      text("'a\\`b'", "a`b"),
      text("'a\\nb\\tc'", "a\\nb\\tc"),
      text("'\\u00e9\\u00E9'", "\xC3\xA9\xC3\xA9"),
      text("'\\u20ac'", "\xE2\x82\xAC"),
      text("'\\ud83d\\ude00'", "\xF0\x9F\x98\x80"),
      text("'\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80'", "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
      text("'// no comment /* nor this */ -> ;'", "// no comment /* nor this */ -> ;"),
      text("7", "7"),
      text("-7", "-7"),
      text("1.50", "1.50"),
      text("-0.5", "-0.5"),
      text("true", "true"),
      text("@2026", "2026"),
      text("@2026-01-20T10:00:00+01:00", "2026-01-20T10:00:00+01:00"),
      text("@T10:00:00", "10:00:00"),
  });
}

TEST(FmlGrammar, ConceptMaps) {
  const std::string head = "map \"urn:test\" = \"Test\"\n";
  const std::string rest = std::string(kUses) + std::string(kOpen) +
                           "src.gender as g -> tgt.gender = translate(g, '#sex', 'code'); }";
  const std::string prefixes = "  prefix s = \"urn:s\"\n  prefix t = 'urn:t'\n";
  const auto map = [&](const std::string& lines, const std::string& name = "\"#sex\"") {
    return head + "conceptmap " + name + " {\n" + prefixes + lines + "}\n" + rest;
  };
  const std::string male = R"("gender":"male")";
  std::vector<GrammarCase> cases;
  struct Symbol {
    std::string symbol, equivalence;
    bool maps;
  };
  for (const Symbol& s : std::vector<Symbol>{{"-", "relatedto", true},
                                             {"=", "equal", true},
                                             {"==", "equivalent", true},
                                             {"!=", "disjoint", false},
                                             {"<=", "wider", true},
                                             {"<-", "subsumes", true},
                                             {">=", "narrower", true},
                                             {">-", "specializes", true},
                                             {"~", "inexact", true}}) {
    const std::string text = map("  s:male " + s.symbol + " t:other\n");
    const auto read = ParseFml("c.map", text);
    ASSERT_TRUE(read.ok()) << s.symbol << read.error().detail;
    EXPECT_EQ(read->concept_maps.at(0).codes.at(0).equivalence, s.equivalence);
    cases.push_back({s.equivalence, text, male, s.maps ? R"("gender":"other")" : ""});
  }
  cases.push_back({"unmatched", map("  s:male --\n  s:female == t:female\n"), male, ""});
  cases.push_back(
      {"quoted codes", map("  s:\"male\" == t:'other';\n"), male, R"("gender":"other")"});
  cases.push_back(
      {"no blanks", map("  s:male==t:other s:female==t:female"), male, R"("gender":"other")"});
  cases.push_back({"unmapped", map("  unmapped for s = provided\n\n  s:x == t:y\n"), male, male});
  cases.push_back({"comments", map("  // men\n  s:male == t:other // x\n  /* no more */\n"), male,
                   R"("gender":"other")"});
  cases.push_back(
      {"a name without #", map("  s:male == t:other\n", "\"sex\""), male, R"("gender":"other")"});
  ExpectAll(cases);
}

TEST(FmlGrammar, NamesOfRules) {
  for (const std::string name : {"\"x\"", "'x'", "\"\xC3\xA9t\xC3\xA9\"", "'it\\'s a name'",
                                 "\"say \\\"x\\\"\"", "\"a;b -> c\"", "\"1\""}) {
    ExpectSame({"ruleName", "", R"("active":true)", R"("active":true)"},
               Rules("src.active as a -> tgt.active = a " + name + ";"));
  }
  const auto map = ParseFml("n.map", Rules("src.active as a -> tgt.active = a 'it\\'s \\u00e9';"));
  ASSERT_TRUE(map.ok()) << map.error().detail;
  EXPECT_EQ(map->groups[0].rules[0].name, "it's \xC3\xA9");
}

TEST(FmlGrammar, LinesMayEndInAnyWay) {
  const std::string text =
      Rules("src.name as n ->\n tgt.name as m then {\n n.family -> m.text;\n};");
  for (const std::string end : {"\r\n", "\r", "\n\n", "\t\n"}) {
    std::string changed;
    for (const char c : text) {
      changed += c == '\n' ? end : std::string(1, c);
    }
    ExpectSame({"blanks", "", kName, R"("name":[{"text":"A"}])"}, changed);
  }
}

// R4 structuremap.html, transforms: qty(text), qty(value, unit), qty(value, unit, system, code).
TEST(FmlGrammar, QuantitiesOfOneToFourArguments) {
  const auto quantity = [](const std::string& arguments, const std::string& json) {
    return GrammarCase{
        "qty", "src -> tgt.extension as e, e.url = 'urn:x', e.value = qty(" + arguments + ") 'x';",
        "", "\"extension\":[{\"url\":\"urn:x\",\"valueQuantity\":" + json + "}]"};
  };
  ExpectRules({
      quantity("'5.40 mg'", R"({"value":5.40,"unit":"mg"})"),
      quantity("'5.4mg'", R"({"value":5.4,"unit":"mg"})"),
      quantity("'7'", R"({"value":7})"),
      quantity("'-7 mm[Hg]'", R"({"value":-7,"unit":"mm[Hg]"})"),
      quantity("'>=5 %'", R"({"value":5,"comparator":">=","unit":"%"})"),
      quantity("'< 5 per day'", R"({"value":5,"comparator":"<","unit":"per day"})"),
      quantity("5", R"({"value":5})"),
      quantity("5, 'mg'", R"({"value":5,"unit":"mg"})"),
      quantity(
          "'5', 'milligram', 'http://unitsofmeasure.org', 'mg'",
          R"({"value":5,"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"})"),
  });
  for (const std::string wrong : {"'some mg'", "'mg', 'mg'", "'>'"}) {
    const auto refused =
        Convert(CompileMap(Rules("src -> tgt.extension as e, e.value = qty(" + wrong + ") 'x';")),
                R"({"resourceType":"Patient"})");
    EXPECT_NE(refused.find("qty takes a number"), std::string::npos) << refused;
  }
  for (const std::string wrong : {"1, 'mg', 'urn:s'", "1, 'mg', 'urn:s', 'mg', 5", ""}) {
    const auto refused =
        Convert(CompileMap(Rules("src -> tgt.extension as e, e.value = qty(" + wrong + ") 'x';")),
                R"({"resourceType":"Patient"})");
    EXPECT_NE(refused.find("load error"), std::string::npos) << refused;
    EXPECT_NE(refused.find("qty takes"), std::string::npos) << refused;
  }
}

}  // namespace
}  // namespace gw::map
