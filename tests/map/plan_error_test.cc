#include <string>
#include <vector>

#include "tests/map/plan_testing.h"

namespace gw::map {
namespace {

struct ErrorCase {
  std::string rules;
  std::string where;   // line 5 is the first of the rules
  std::string detail;  // a part of it
};

TEST(PlanErrors, AreFoundAtLoadWithTheirPlace) {
  constexpr std::string_view kGroups = R"(
group Name(source n : HumanName, target m : HumanName) { n.family -> m.family; }
)";
  const std::vector<ErrorCase> cases = {
      {"src.nam as n -> tgt.name = n;", "5:5", "Patient has no element 'nam'"},
      {"src.name as n -> tgt.names = n;", "5:22", "Person has no element 'names'"},
      {"sorc.name -> tgt.name;", "5:1", "there is no variable 'sorc'"},
      {"src.name -> target.name;", "5:13", "there is no variable 'target'"},
      {"src.name -> src.name;", "5:13", "expected a target variable: 'src' belongs to the source"},
      {"src.name as n -> tgt.name = m;", "5:29", "there is no variable 'm'"},
      {"src.name as n -> tgt.active = true;", "5:13", "nothing uses the variable 'n'"},
      {"src.name -> tgt.name as m;", "5:25", "nothing uses the variable 'm'"},
      {"src.name -> tgt.birthDate;", "5:13", "'birthDate' takes date, not HumanName"},
      {"src.deceased : dateTime as d -> tgt.birthDate = d;", "5:49", "use cast"},
      {"src.active as a -> tgt.birthDate = a;", "5:36", "'birthDate' takes date, not boolean"},
      {"src.name as n -> tgt.telecom = n;", "5:32", "'telecom' takes ContactPoint, not HumanName"},
      {"src.name : Identifier as n -> tgt.name = n;", "5:12", "HumanName is never Identifier"},
      {"src.name : Nothing as n -> tgt.name = n;", "5:12", "there is no type 'Nothing'"},
      {"src.name as n -> tgt.name as m then Nome(n, m);", "5:37", "there is no group 'Nome'"},
      {"src.name as n -> tgt.name as m then Name(n);", "5:37", "takes 2 arguments, found 1"},
      {"src.name as n -> tgt.name as m then Name(m, n);", "5:45", "expected a target variable"},
      {"src.telecom as n -> tgt.name as m then Name(n, m);", "5:45",
       "takes HumanName as 'n', not ContactPoint"},
      {"src.name as n -> tgt.telecom as m then Name(n, m);", "5:48",
       "takes HumanName as 'm', not ContactPoint"},
      {"src.name as n -> tgt.name as m then Name(n, 'x');", "5:45", "expected a target variable"},
      {"src.name as n -> tgt.name = copyy(n);", "5:29", "there is no transform 'copyy'"},
      {"src.name as n -> tgt.name = append();", "5:29",
       "append takes 1 or more arguments, found 0"},
      {"src.name as n -> tgt.name = truncate(n);", "5:29", "truncate takes 2 arguments, found 1"},
      {"src.name as n -> tgt.name = uuid(n);", "5:29", "uuid takes 0 arguments, found 1"},
      {"src.name as n -> tgt.name = create('Nome');", "5:36", "there is no type 'Nome'"},
      {"src.name as n -> tgt.name = create(n);", "5:36", "expected the name of a type in quotes"},
      {"src.name -> tgt.name = create('Coding') as c, c.code = 'x';", "5:31",
       "'name' takes HumanName, not Coding"},
      {"src.name -> create() as c, tgt.name = c;", "5:13", "expected a type: create('...')"},
      {"src.name -> tgt.extension as e, e.url = 'u', e.value as v, v.code = 'c';", "5:46",
       "may be of several types"},
      {"src.name -> tgt.contained as c, c.id = 'x';", "5:13", "may be of several types"},
      {"src.gender as g -> tgt.gender = translate(g, '#none', 'code');", "5:46",
       "there is no ConceptMap '#none'"},
      {"src.gender as g -> tgt.gender = translate(g, 'urn:none', 'code');", "5:46",
       "there is no ConceptMap 'urn:none'"},
      {"src.gender as g -> tgt.gender = translate(g, 'urn:caregate:feed:x', 'word');", "5:69",
       "expected 'code', 'system'"},
      {"src.gender as g -> tgt.gender = translate(g, g);", "5:46", "expected the url"},
      {"src.gender as g -> tgt.gender = cast(g, 'HumanName');", "5:33", "cast makes a primitive"},
      {"src.name as n -> tgt.managingOrganization = reference(n);", "5:55",
       "expected a variable that holds a resource"},
      {"src -> tgt.managingOrganization = reference(src) 'x';", "5:45",
       "'managingOrganization' does not refer to Patient"},
      {"src -> tgt.active = feed('key') 'x';", "5:26", "expected 'name'"},
      // What has parts has no text of its own.
      {"src.name as n -> tgt.gender = append(n);", "5:38", "append takes a text, not HumanName"},
      {"src.name as n -> tgt.gender = cast(n, 'string');", "5:36", "cast takes a text"},
      {"src.name as n -> tgt.name = cc('s', n);", "5:37", "cc takes a text, not HumanName"},
      {"src.name as n -> tgt.gender = truncate(n, 3);", "5:40", "truncate takes a text"},
      {"src.name as n -> tgt.gender = translate(n, 'urn:caregate:feed:x', 'code');", "5:41",
       "translate takes a code, a Coding or a CodeableConcept, not HumanName"},
      {"src.name as n -> tgt.gender = (n);", "5:31", "'gender' takes code, not HumanName"},
      {"src.name as n -> tgt.gender = (%n);", "5:31", "'gender' takes code, not HumanName"},
      // Literals that no run takes.
      {"src.id as i -> tgt.gender = truncate(i, 'x');", "5:41", "a whole number"},
      {"src.id as i -> tgt.gender = escape(i, 'latin');", "5:39", "expected a format"},
      {"src.birthDate as d -> tgt.birthDate = dateOp(d, 1, 'fortnight');", "5:52",
       "expected a unit"},
      {"src.birthDate as d -> tgt.birthDate = dateOp(d, 'x', 'day');", "5:49", "a whole number"},
      {"src -> tgt.birthDate = @2020-13-01 'x';", "5:24", "is no date"},
      {"src -> tgt.birthDate = @2020-02-30 'x';", "5:24", "is no date"},
      {"src -> tgt.gender = ' male' 'x';", "5:21", "' male' is no code"},
      {"src -> tgt.extension as e, e.url = 'u', e.valueDateTime = @2020-02-10T25:00:00Z 'x';",
       "5:59", "is no dateTime"},
      {"src -> tgt.extension as e, e.url = 'u', e.valueDateTime = @2020-01-01T12:00 'x';", "5:59",
       "is no dateTime"},
      {"src -> tgt.extension as e, e.url = 'u', e.valueTime = @T14:30 'x';", "5:55", "is no time"},
      {"src -> tgt.extension as e, e.url = 'u', e.valueInteger = 99999999999 'x';", "5:58",
       "'99999999999' is no integer"},
      {"src -> tgt.extension as e, e.url = 'u', e.valueDecimal = 99999999999 'x';", "", ""},
      {"src -> tgt.extension as e, e.url = 'u', e.valueDateTime = @2020-01-01 'x';", "", ""},
      {"src -> tgt = 'x' 'x';", "5:8", "has no value of its own"},
      {"src -> tgt share all 'x';", "5:8", "a list mode needs an element"},
      {"src.gender default 'maybe one' as g -> tgt.gender = g;", "", ""},
      {"src.active default 'maybe' as g -> tgt.active = g;", "5:20",
       "expected a value of type boolean"},
      {"src.name as n where use = 'x' and (fammily = 'y') -> tgt.name = n;", "5:36",
       "HumanName has no element 'fammily'"},
      {"src.name as n where %m.use = 'x' -> tgt.name = n;", "5:21", "there is no variable 'm'"},
      {"src.name as n check period.begin.exists() -> tgt.name = n;", "5:28",
       "Period has no element 'begin'"},
      {"src where name.where(use = 'x').famly.exists() -> tgt.active = true;", "5:33",
       "HumanName has no element 'famly'"},
      {"src -> tgt.active = (src.name.family = famly) 'x';", "5:40",
       "there is no variable 'famly'"},
      {"src where (name.frobnicate()) -> tgt.active = true;", "5:17", "FHIRPath"},
      {"src where (name.where(use = ) ) -> tgt.active = true;", "5:29", "FHIRPath"},
      {"src.name as n then {\n  n.family -> tgt.name as m,\n    m.familly = 'x';\n};", "7:7",
       "HumanName has no element 'familly'"},
  };
  for (const ErrorCase& c : cases) {
    const auto plan = CompileRules(c.rules, kGroups);
    if (c.where.empty()) {
      EXPECT_TRUE(plan.ok()) << c.rules << "\n" << plan.error().detail;
      continue;
    }
    ASSERT_FALSE(plan.ok()) << c.rules;
    EXPECT_EQ(plan.error().code, Code::kInvalid);
    EXPECT_EQ(plan.error().where, "test.map:" + c.where) << c.rules << "\n" << plan.error().detail;
    EXPECT_NE(plan.error().detail.find(c.detail), std::string::npos) << c.rules << "\n"
                                                                     << plan.error().detail;
  }
}

TEST(PlanErrors, OfWholeMaps) {
  const std::string head = "map 'urn:test' = 'n'\n";
  const std::vector<ErrorCase> cases = {
      {head + "uses 'urn:nothing' as source\ngroup G(source s, target t) {}", "2:1",
       "there is no structure with the url 'urn:nothing'"},
      {head + "imports 'urn:none'\ngroup G(source s, target t) {}", "2:1",
       "there is no map with the url 'urn:none'"},
      {head + "group G(source s, target t) {}\ngroup G(source s, target t) {}", "3:1",
       "a group 'G' stands in this map already"},
      {head + "group G(source s : Nothing, target t) {}", "2:20", "there is no type 'Nothing'"},
      {head + "group G(source s, target t) <<types>> {}", "2:1", "each with its type"},
      {head + "group G(source s, source s) {}", "2:9", "two parameters are called 's'"},
      {head + "group G(source s, target t) extends H {}", "2:37", "there is no group 'H'"},
      {head + "group G(source s, target t) extends H {}\ngroup H(source s, target t) extends G {}",
       "3:37", "extends itself"},
      {head + "group G(source s, target t) extends H {}\ngroup H(source s) {}", "2:37",
       "expected the same parameters"},
      {head + "group G(source s : Patient, target t) extends H {}\n"
              "group H(source s : Person, target t) {}",
       "2:47", "takes Person as 's', not Patient"},
      {head + "conceptmap '#a' { }\nconceptmap '#a' { }\ngroup G(source s) {}", "3:1",
       "stands in this map already"},
      // What nothing calls is checked too.
      {head + "group G(source s : Patient, target t : Person) {}\n"
              "group H(source s : Patient, target t : Person) { s.nome -> t.name; }",
       "3:52", "Patient has no element 'nome'"},
  };
  for (const ErrorCase& c : cases) {
    const auto plan = CompileMap(c.rules);
    ASSERT_FALSE(plan.ok()) << c.rules;
    EXPECT_EQ(plan.error().where, "test.map:" + c.where) << c.rules << "\n" << plan.error().detail;
    EXPECT_NE(plan.error().detail.find(c.detail), std::string::npos) << c.rules << "\n"
                                                                     << plan.error().detail;
  }
}

TEST(PlanErrors, OfARunNameThePlaceAndTheRuleAndNoValue) {
  struct Case {
    std::string rules;
    std::string source;
    Code code;
    std::string detail;
  };
  const std::vector<Case> cases = {
      {"src.name 1..1 -> tgt.name 'the name';", "", Code::kInvalid, "'name' must be there"},
      {"src.name 0..1 -> tgt.name 'the name';", R"(,"name":[{"text":"Secret"},{"text":"B"}])",
       Code::kInvalid, "'name' repeats too often"},
      {"src.name as n check text.exists() -> tgt.name = n 'the name';",
       R"(,"name":[{"family":"Secret"}])", Code::kInvalid,
       "the check does not hold: text.exists()"},
      {"src.name as n -> tgt.birthDate = (n.text) 'the name';", R"(,"name":[{"text":"Secret"}])",
       Code::kUnprocessable, "the value is no date"},
      {"src.name as n -> tgt.birthDate = (n.given) 'the name';",
       R"(,"name":[{"given":["Secret","B"]}])", Code::kUnprocessable, "several items"},
      {"src.name as n -> tgt.name = (n.given) 'the name';", R"(,"name":[{"given":["Secret"]}])",
       Code::kUnprocessable, "'name' does not take string"},
      {"src.id as i -> tgt.active = cast(i, 'boolean') 'the name';", R"(,"id":"Secret")",
       Code::kUnprocessable, "cannot be cast to boolean"},
      {"src.id as i -> tgt.birthDate = dateOp(i, 1, 'day') 'the name';", R"(,"id":"Secret")",
       Code::kUnprocessable, "dateOp takes a date"},
      {"src.id as i -> tgt.gender = truncate(i, i) 'the name';", R"(,"id":"Secret")",
       Code::kUnprocessable, "truncate takes a length"},
      {"src.id as i -> tgt.gender = keyedHash(i) 'the name';", R"(,"id":"Secret")", Code::kInternal,
       "keyedHash has no key"},
      {"src.id as i -> tgt.gender = escape(i, i) 'the name';", R"(,"id":"Secret")",
       Code::kUnprocessable, "escape knows the formats"},
  };
  for (const Case& c : cases) {
    const auto plan = CompileRules(c.rules);
    ASSERT_TRUE(plan.ok()) << c.rules << "\n" << plan.error().detail;
    const fhir::Resource source = ParseResource("{\"resourceType\":\"Patient\"" + c.source + "}");
    const auto mapped = plan->Run("urn:test", source.root(), {});
    ASSERT_FALSE(mapped.ok()) << c.rules;
    const Error& error = mapped.error();
    EXPECT_EQ(error.code, c.code) << c.rules;
    EXPECT_NE(error.detail.find(c.detail), std::string::npos) << c.rules << "\n" << error.detail;
    EXPECT_NE(error.detail.find("rule 'the name' (test.map:5:1)"), std::string::npos)
        << error.detail;
    EXPECT_EQ(error.detail.find("Secret"), std::string::npos) << error.detail;
  }
}

TEST(PlanErrors, AConceptMapIsOfTheVersionThatIsAsked) {
  std::vector<fhir::Resource> tables;
  tables.push_back(ParseResource(R"({"resourceType":"ConceptMap","url":"urn:cm","version":"1",
    "status":"active","group":[{"element":[{"code":"f","target":[{"code":"female",
    "equivalence":"equal"}]}]}]})"));
  const auto none = [](std::string_view) -> const fhir::TypeDef* { return nullptr; };
  for (const auto& [url, fits] :
       {std::pair("urn:cm", true), std::pair("urn:cm|1", true), std::pair("urn:cm|2", false)}) {
    const std::vector<MapFile> files = {
        {"test.map",
         "map 'urn:test' = 'n'\ngroup G(source s : Patient, target t : Person) { "
         "s.id as i -> t.gender = translate(i, '" +
             std::string(url) + "', 'code'); }"}};
    const auto plan = Plan::Compile(files, none, tables, R4());
    EXPECT_EQ(plan.ok(), fits) << url;
  }
}

TEST(PlanErrors, AUuidInItsOwnTypeIsAUri) {
  const auto plan =
      CompileRules("src -> tgt.extension as e, e.url = 'u', e.valueUuid = uuid() 'x';");
  ASSERT_TRUE(plan.ok()) << plan.error().detail;
  const std::string made = Convert(plan, R"({"resourceType":"Patient"})");
  EXPECT_NE(made.find("\"valueUuid\":\"urn:uuid:"), std::string::npos) << made;
}

TEST(PlanErrors, EndAGroupThatCallsItself) {
  const auto plan = CompileRules("src then Again(src, tgt) 'x';",
                                 "group Again(source s : Patient, target t : Person) { s then "
                                 "Again(s, t) 'y'; }");
  ASSERT_TRUE(plan.ok()) << plan.error().detail;
  const fhir::Resource source = ParseResource(R"({"resourceType":"Patient"})");
  const auto mapped = plan->Run("urn:test", source.root(), {});
  ASSERT_FALSE(mapped.ok());
  EXPECT_EQ(mapped.error().code, Code::kTooLarge);
}

// What other engines accept passes where it is asked for.
TEST(PlanErrors, UnusedVariablesCanBeAllowed) {
  EXPECT_TRUE(CompileMap("map 'urn:test' = 'n'\n"
                         "group G(source s : Patient, target t : Person) { s.name as n -> t.active "
                         "= true; }",
                         {.refuse_unused_variables = false})
                  .ok());
}

}  // namespace
}  // namespace gw::map
