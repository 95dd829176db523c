#include "gateway/map/fml/fml.h"

#include <string>
#include <vector>

namespace gw::map {
namespace {

constexpr std::string_view kWhole = R"(/// url = 'urn:test:whole'
/// title = "A title"
// A comment before the map.
map "urn:test:whole" = "Whole"

conceptmap "#codes" {
  prefix s = "urn:s"
  prefix t = "urn:t"
  unmapped for s = provided
  s:a == t:b
  s:"x y" - t:entered-in-error
  s:entered-in-error >= t:"z"
  s:none --
}

uses "http://hl7.org/fhir/StructureDefinition/Patient" alias P as source
uses "http://hl7.org/fhir/StructureDefinition/Person" as target;
imports "urn:test:*other"
imports 'urn:test:more';
let system = 'urn:x';

/* A comment
   of two lines. */
group One(source src : P, target tgt : Person) extends Zero <<type+>> {
  src.name -> tgt.name;
  src.birthDate as d -> tgt.birthDate = d "born";
  src.telecom : ContactPoint 0..* default 'x' first as t where (system = 'phone') check value.exists() log 'phone' -> tgt.telecom = t last then One(src, tgt);
  src.contact 1..2 not_first as c where c.name.exists() and (c.gender = "male") then { c.name as n "inner"; } "outer";
  src.photo default (1 + 2) as p, src.gender only_one as g -> tgt.link as l share all, l.target = reference(p), uuid() as u, tgt.a = evaluate(p, name.where(use = 'x')), tgt.b = (p.url & ')') collate, tgt.c = evaluate(g, '$this') "many";
  src where active = true -> tgt;
  src -> tgt.active = true, tgt.n = -1.5, tgt.d = @2026-01-20, tgt.s = "it\'s", tgt.v = p.name.given, tgt.w = cc('a', (%p.url)) "literals";
  src.x as x then One(x, tgt), Two(x, 'lit') { x.y; } "both";
}
group Two(source a, target b) <<types>> { }
)";

TEST(Fml, ReadsTheWholeGrammar) {
  const auto map = ParseFml("whole.map", kWhole);
  ASSERT_TRUE(map.ok()) << map.error().where << ": " << map.error().detail;
  EXPECT_EQ(map->url, "urn:test:whole");
  EXPECT_EQ(map->name, "Whole");
  ASSERT_EQ(map->concept_maps.size(), 1u);
  const FmlConceptMap& codes = map->concept_maps[0];
  EXPECT_EQ(codes.id, "#codes");
  ASSERT_EQ(codes.unmapped.size(), 1u);
  EXPECT_EQ(codes.unmapped[0].source_system, "urn:s");
  EXPECT_TRUE(codes.unmapped[0].provided);
  ASSERT_EQ(codes.codes.size(), 4u);
  EXPECT_EQ(codes.codes[0].equivalence, "equivalent");
  EXPECT_EQ(codes.codes[1].source_code, "x y");
  EXPECT_EQ(codes.codes[1].target_code, "entered-in-error");
  EXPECT_EQ(codes.codes[2].source_code, "entered-in-error");
  EXPECT_EQ(codes.codes[3].equivalence, "unmatched");
  ASSERT_EQ(map->uses.size(), 2u);
  EXPECT_EQ(map->uses[0].alias, "P");
  EXPECT_EQ(map->uses[1].mode, FmlUse::Mode::kTarget);
  ASSERT_EQ(map->imports.size(), 2u);
  EXPECT_EQ(map->constants.at(0).value.text, "'urn:x'");
  ASSERT_EQ(map->groups.size(), 2u);
  const FmlGroup& one = map->groups[0];
  EXPECT_EQ(one.extends, "Zero");
  EXPECT_EQ(one.type_mode, FmlGroup::TypeMode::kTypeAndTypes);
  EXPECT_EQ(map->groups[1].type_mode, FmlGroup::TypeMode::kTypes);
  EXPECT_EQ(one.inputs.at(1).type, "Person");
  EXPECT_TRUE(one.inputs.at(1).is_target);
  ASSERT_EQ(one.rules.size(), 8u);
  EXPECT_TRUE(IsSimple(one.rules[0]));
  EXPECT_FALSE(IsSimple(one.rules[1]));
  EXPECT_EQ(one.rules[0].name, "name");
  EXPECT_EQ(one.rules[1].name, "born");
}

TEST(Fml, ReadsSources) {
  const auto map = ParseFml("whole.map", kWhole);
  ASSERT_TRUE(map.ok());
  const FmlSource& telecom = map->groups[0].rules[2].sources.at(0);
  EXPECT_EQ(telecom.type, "ContactPoint");
  EXPECT_TRUE(telecom.has_cardinality);
  EXPECT_EQ(telecom.max, kFmlMany);
  EXPECT_EQ(telecom.default_value.text, "x");
  EXPECT_EQ(telecom.list_mode, FmlListMode::kFirst);
  EXPECT_EQ(telecom.variable, "t");
  EXPECT_EQ(telecom.where.text, "(system = 'phone')");
  EXPECT_EQ(telecom.check.text, "value.exists()");
  EXPECT_EQ(telecom.log.text, "'phone'");
  EXPECT_EQ(map->groups[0].rules[2].targets.at(0).list_mode, FmlListMode::kLast);
  EXPECT_EQ(map->groups[0].rules[2].dependents.at(0).group, "One");

  const FmlRule& contact = map->groups[0].rules[3];
  EXPECT_EQ(contact.name, "outer");
  EXPECT_EQ(contact.sources[0].min, 1u);
  EXPECT_EQ(contact.sources[0].max, 2u);
  EXPECT_EQ(contact.sources[0].where.text, "c.name.exists() and (c.gender = 'male')");
  ASSERT_EQ(contact.rules.size(), 1u);
  EXPECT_EQ(contact.rules[0].name, "inner");

  const FmlRule& self = map->groups[0].rules[5];
  EXPECT_EQ(self.sources[0].element, "");
  EXPECT_EQ(self.sources[0].where.text, "active = true");
  EXPECT_EQ(self.targets.at(0).context, "tgt");

  const FmlRule& both = map->groups[0].rules[7];
  EXPECT_EQ(both.dependents.size(), 2u);
  EXPECT_EQ(both.rules.size(), 1u);
  EXPECT_EQ(both.dependents[1].arguments.at(1).kind, FmlArgument::Kind::kString);
}

TEST(Fml, ReadsTargets) {
  const auto map = ParseFml("whole.map", kWhole);
  ASSERT_TRUE(map.ok());
  const FmlRule& many = map->groups[0].rules[4];
  EXPECT_EQ(many.sources.size(), 2u);
  EXPECT_EQ(many.sources[0].default_value.kind, FmlArgument::Kind::kPath);
  EXPECT_EQ(many.sources[0].default_value.text, "(1 + 2)");
  ASSERT_EQ(many.targets.size(), 6u);
  EXPECT_EQ(many.targets[0].list_mode, FmlListMode::kShare);
  EXPECT_EQ(many.targets[0].share_id, "all");
  EXPECT_EQ(many.targets[1].transform, "reference");
  EXPECT_EQ(many.targets[2].context, "");
  EXPECT_EQ(many.targets[2].variable, "u");
  EXPECT_EQ(many.targets[3].arguments.at(1).text, "name.where(use = 'x')");
  EXPECT_EQ(many.targets[4].transform, "evaluate");
  EXPECT_EQ(many.targets[4].arguments.at(0).text, "(p.url & ')')");
  EXPECT_EQ(many.targets[4].list_mode, FmlListMode::kCollate);
  EXPECT_EQ(many.targets[5].arguments.at(1).text, "$this");

  const std::vector<FmlTarget>& literals = map->groups[0].rules[6].targets;
  ASSERT_EQ(literals.size(), 6u);
  const std::vector<std::pair<FmlArgument::Kind, std::string>> expected = {
      {FmlArgument::Kind::kBoolean, "true"},
      {FmlArgument::Kind::kDecimal, "-1.5"},
      {FmlArgument::Kind::kDate, "2026-01-20"},
      {FmlArgument::Kind::kString, "it's"},
      {FmlArgument::Kind::kPath, "p.name.given"}};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(literals[i].arguments.at(0).kind, expected[i].first) << i;
    EXPECT_EQ(literals[i].arguments.at(0).text, expected[i].second) << i;
  }
  EXPECT_EQ(literals[5].arguments.at(1).kind, FmlArgument::Kind::kPath);
}

TEST(Fml, TakesTheUrlFromMetadataAlone) {
  const auto map = ParseFml("r5.map",
                            "/// url = 'urn:test:r5'\n/// name = 'R5'\n"
                            "group G(source s, target t) { s.a -> t.b; }");
  ASSERT_TRUE(map.ok()) << map.error().detail;
  EXPECT_EQ(map->url, "urn:test:r5");
  EXPECT_EQ(map->name, "R5");
}

TEST(Fml, BlanksCommentsInExpressionsAndKeepsPlaces) {
  const auto map = ParseFml("c.map",
                            "map \"u\" = \"n\"\ngroup G(source s, target t) {\n"
                            "  s.a as a where (x /* why */\n    = 'y') -> t.b = a;\n}");
  ASSERT_TRUE(map.ok()) << map.error().detail;
  const FmlPath& where = map->groups[0].rules[0].sources[0].where;
  EXPECT_EQ(where.text, "(x          \n    = 'y')");
  EXPECT_EQ(where.place.line, 3u);
  EXPECT_EQ(where.place.column, 18u);
}

TEST(Fml, RefusesWithPlaceAndExpectation) {
  const std::string head = "map \"u\" = \"n\"\n";
  const std::string group = head + "group G(source s, target t) {\n";
  struct Case {
    std::string text;
    std::string where;
    std::string detail;  // a part of it
  };
  const std::vector<Case> cases = {
      {"", "bad.map:1:1", "expected map \"url\" = \"name\", found the end of the file"},
      {"group G(source s) {}", "bad.map:1:1", "expected map"},
      {"map u = n", "bad.map:1:5", "expected the url of the map in quotes, found 'u'"},
      {"map 'u' n", "bad.map:1:9", "expected '='"},
      {head, "bad.map:2:1", "expected 'conceptmap'"},
      {head + "uses patient as source", "bad.map:2:6", "url of a structure in quotes"},
      {head + "uses 'u' alias as source", "bad.map:2:19", "expected 'as', found 'source'"},
      {head + "uses 'u' as sauce", "bad.map:2:13", "'queried'"},
      {head + "imports u", "bad.map:2:9", "url of a map"},
      {head + "group (source s) {}", "bad.map:2:7", "expected the name of the group"},
      {head + "group G() {}", "bad.map:2:9", "expected 'source' or 'target'"},
      {head + "group G(source s) <<typ>> {}", "bad.map:2:21", "expected 'types' or 'type+'"},
      {head + "group G(source s) {", "bad.map:2:20", "expected a rule or '}'"},
      {group + "  s.a -> t.b\n}", "bad.map:4:1",
       "the name of the rule in quotes or ';', found '}'"},
      {group + "  s. -> t.b;\n}", "bad.map:3:6", "expected the name of an element, found '->'"},
      {group + "  s.a as a first -> t.b;\n}", "bad.map:3:12", "list mode of a source before 'as'"},
      {group + "  s.a as -> t.b;\n}", "bad.map:3:10", "expected the name of a variable"},
      {group + "  s.a 2..1 -> t.b;\n}", "bad.map:3:7", "upper bound"},
      {group + "  s.a 1.. -> t.b;\n}", "bad.map:3:11", "expected a whole number"},
      {group + "  s.a where -> t.b;\n}", "bad.map:3:13", "expected a FHIRPath expression"},
      {group + "  s.a where (x = 'y' -> t.b;\n}", "bad.map:3:22", "expected ')' of the FHIRPath"},
      {group + "  s.a -> t.b = ;\n}", "bad.map:3:16", "expected a literal"},
      {group + "  s.a -> t.b = create('X';\n}", "bad.map:3:26", "expected ')'"},
      {group + "  s.a -> t.b share;\n}", "bad.map:3:19", "the name that is shared"},
      {group + "  s.a then ;\n}", "bad.map:3:12", "expected the name of a group or '{'"},
      {group + "  s.a -> 'x' ;\n}", "bad.map:3:10", "expected a target variable"},
      {group + "  s.a 'unclosed\n}", "bad.map:3:7", "not closed: expected '"},
      {group + "  s.a /* x\n}", "bad.map:3:7", "expected */"},
      {group + "  s.a 'x\\q';\n}", "bad.map:3:9", "unknown escape"},
      {group + "  s.a -> t.b = '\\u12G4';\n}", "bad.map:3:17", "hexadecimal"},
      {group + "  s.a ^ t.b;\n}", "bad.map:3:7", "no meaning"},
      {group + "  search(x) as y;\n}", "bad.map:3:3", "search() is not offered"},
      {group + "  s.a;\n}\nuses 'u' as source", "bad.map:5:1", "expected 'group'"},
      {head + "conceptmap 'c' { s:a - t:b }\ngroup G(source s) {}", "bad.map:2:18",
       "there is no 'prefix s"},
      {head + "conceptmap 'c' { prefix s = 'u' s:a ? s:b }", "bad.map:2:37",
       "expected a relationship"},
      {group + "  s.\xC3\xA4;\n}", "bad.map:3:5", "no meaning"},
  };
  for (const Case& c : cases) {
    const auto map = ParseFml("bad.map", c.text);
    ASSERT_FALSE(map.ok()) << c.text;
    EXPECT_EQ(map.error().code, Code::kInvalid);
    EXPECT_EQ(map.error().where, c.where) << c.text << "\n" << map.error().detail;
    EXPECT_NE(map.error().detail.find(c.detail), std::string::npos) << c.text << "\n"
                                                                    << map.error().detail;
  }
}

TEST(Fml, BoundsNesting) {
  const auto nested = [](int depth) {
    std::string text = "map 'u' = 'n' group G(source s, target t) {";
    for (int i = 0; i < depth; ++i) {
      text += "s.a then {";
    }
    for (int i = 0; i < depth; ++i) {
      text += "};";
    }
    return text + "}";
  };
  EXPECT_TRUE(ParseFml("deep.map", nested(64)).ok());
  const auto deep = ParseFml("deep.map", nested(65));
  ASSERT_FALSE(deep.ok());
  EXPECT_NE(deep.error().detail.find("too deep"), std::string::npos);

  const auto bracketed = [](int depth) {
    return "map 'u' = 'n' group G(source s, target t) { s where " +
           std::string(static_cast<size_t>(depth), '(') + "true" +
           std::string(static_cast<size_t>(depth), ')') + " -> t; }";
  };
  EXPECT_TRUE(ParseFml("deep.map", bracketed(64)).ok());
  EXPECT_FALSE(ParseFml("deep.map", bracketed(65)).ok());
}

// Any text gives a map or an error, never a crash: prefixes of a map, and maps with one byte
// changed.
TEST(Fml, SurvivesDamage) {
  for (size_t length = 0; length < kWhole.size(); length += 3) {
    static_cast<void>(ParseFml("cut.map", kWhole.substr(0, length)).ok());
    std::string changed(kWhole);
    changed[length] = static_cast<char>("\x00(}';\"\xFF\n"[length % 8]);
    static_cast<void>(ParseFml("changed.map", changed).ok());
  }
}

}  // namespace
}  // namespace gw::map
