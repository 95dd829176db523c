#include "gateway/map/plan.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/map/v2_model.h"

namespace gw::map {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

const fhir::TypeDef* NoModel(std::string_view) { return nullptr; }

constexpr std::string_view kHead = R"(map "urn:test" = "Test"
uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as source
uses "http://hl7.org/fhir/StructureDefinition/Person" alias Person as target
group Test(source src : Patient, target tgt : Person) {
)";

Result<Plan> Compile(const std::string& text, const CompileOptions& options = {}) {
  const std::vector<MapFile> files = {{"test.map", text}};
  return Plan::Compile(files, NoModel, {}, R4(), options);
}

// The rules of one group from Patient to Person.
Result<Plan> CompileRules(std::string_view rules, std::string_view more = {}) {
  return Compile(std::string(kHead) + std::string(rules) + "\n}\n" + std::string(more));
}

fhir::Resource Parse(std::string_view json) {
  auto resource = fhir::ParseJson(json, R4(), Limits());
  EXPECT_TRUE(resource.ok()) << json << "\n" << (resource.ok() ? "" : resource.error().detail);
  return *std::move(resource);
}

std::string Json(const fhir::Resource& resource) {
  std::string json;
  fhir::WriteJson(resource, &json);
  return json;
}

// What the map makes of the source, as JSON; "error where: detail" where it refuses.
std::string Convert(const Result<Plan>& plan, std::string_view source, RunOptions options = {}) {
  if (!plan) {
    return "load error " + plan.error().where + ": " + plan.error().detail;
  }
  options.seed = options.seed.empty() ? "seed" : options.seed;
  const fhir::Resource resource = Parse(source);
  const auto mapped = plan->Run("urn:test", resource.root(), options);
  if (!mapped) {
    return "error " + mapped.error().where + ": " + mapped.error().detail;
  }
  return Json(mapped->target);
}

struct RuleCase {
  std::string_view rules;
  std::string_view source;
  std::string_view target;  // without resourceType
};

void ExpectConversions(const std::vector<RuleCase>& cases, std::string_view more = {}) {
  for (const RuleCase& c : cases) {
    std::string expected = "{\"resourceType\":\"Person\"";
    expected += c.target.empty() ? "" : ",";
    expected += std::string(c.target) + "}";
    const std::string source = "{\"resourceType\":\"Patient\"" +
                               std::string(c.source.empty() ? "" : ",") + std::string(c.source) +
                               "}";
    EXPECT_EQ(Convert(CompileRules(c.rules, more), source), expected) << c.rules;
  }
}

TEST(Plan, CopiesAndCreates) {
  ExpectConversions({
      {"src.birthDate -> tgt.birthDate;", R"("birthDate":"1950-03-01")",
       R"("birthDate":"1950-03-01")"},
      {"src.birthDate as d -> tgt.birthDate = d;", "", ""},
      {"src.name -> tgt.name;", R"("name":[{"family":"A","given":["B","C"]},{"text":"D"}])",
       R"("name":[{"family":"A","given":["B","C"]},{"text":"D"}])"},
      {"src.name as n -> tgt.name as m then { n.family -> m.family; n.given as g -> m.given = g; "
       "};",
       R"("name":[{"family":"A","given":["B","C"]}])",
       R"("name":[{"family":"A","given":["B","C"]}])"},
      {"src.name -> tgt.name as m then { src.gender as g -> m.text = g; };",
       R"("name":[{"family":"A"}],"gender":"male")", R"("name":[{"text":"male"}])"},
      // What nothing fills is not there.
      {"src.name -> tgt.name as m then { src.gender as g -> m.text = g; };",
       R"("name":[{"family":"A"}])", ""},
      {"src -> tgt.active = true, tgt.gender = 'other';", "", R"("gender":"other","active":true)"},
      {"src.name as n -> tgt.name = n first;", R"("name":[{"text":"A"}])",
       R"("name":[{"text":"A"}])"},
      {"src.birthDate as d -> tgt as alias, alias.birthDate = d;", R"("birthDate":"1950")",
       R"("birthDate":"1950")"},
      // A primitive with an extension keeps it.
      {"src.birthDate -> tgt.birthDate;",
       R"("birthDate":"1950","_birthDate":{"extension":[{"url":"urn:x","valueCode":"y"}]})",
       R"("birthDate":"1950","_birthDate":{"extension":[{"url":"urn:x","valueCode":"y"}]})"},
      {"src.telecom -> tgt.telecom as t then { src.gender as g -> t.value = g; };",
       R"("telecom":[{"value":"1"}],"gender":"male")", R"("telecom":[{"value":"male"}])"},
  });
}

TEST(Plan, ChoosesSources) {
  const std::string names = R"("name":[{"text":"A","use":"official"},{"text":"B"},{"text":"C"}])";
  const auto with_mode = [](const std::string& mode) {
    return "src.name " + mode + " as n -> tgt.name as m, m.text = (%n.text) 'x';";
  };
  ExpectConversions({
      {with_mode("first"), names, R"("name":[{"text":"A"}])"},
      {with_mode("not_first"), names, R"("name":[{"text":"B"},{"text":"C"}])"},
      {with_mode("last"), names, R"("name":[{"text":"C"}])"},
      {with_mode("not_last"), names, R"("name":[{"text":"A"},{"text":"B"}])"},
      {with_mode("only_one"), names, ""},
      {with_mode("only_one"), R"("name":[{"text":"A"}])", R"("name":[{"text":"A"}])"},
      {"src.name as n where (use = 'official') -> tgt.name as m, m.text = (n.text);", names,
       R"("name":[{"text":"A"}])"},
      {"src where gender = 'male' -> tgt.active = true;", R"("gender":"male")", R"("active":true)"},
      {"src where gender = 'male' -> tgt.active = true;", R"("gender":"female")", ""},
      {"src.gender default 'unknown' as g -> tgt.gender = g;", "", R"("gender":"unknown")"},
      {"src.gender default ('oth' & 'er') as g -> tgt.gender = g;", "", R"("gender":"other")"},
      {"src.gender default 'unknown' as g -> tgt.gender = g;", R"("gender":"male")",
       R"("gender":"male")"},
      {"src.deceased : boolean as d -> tgt.active = d;", R"("deceasedBoolean":true)",
       R"("active":true)"},
      {"src.deceased : dateTime as d -> tgt.birthDate = cast(d);", R"("deceasedBoolean":true)", ""},
      {"src.deceasedBoolean as d -> tgt.active = d;", R"("deceasedBoolean":true)",
       R"("active":true)"},
      {"src.name as n, src.gender as g -> tgt.name as m, m.text = append(n.text, '-', g);",
       R"("name":[{"text":"A"},{"text":"B"}],"gender":"male")",
       R"("name":[{"text":"A-male"},{"text":"B-male"}])"},
      {"src.birthDate as d then { d.value as v -> tgt.birthDate = v; };", R"("birthDate":"1950")",
       R"("birthDate":"1950")"},
  });
}

TEST(Plan, AppliesTransforms) {
  const std::string source = R"("id":"p1","active":true,"birthDate":"1950-01-31","gender":"male",)"
                             R"("name":[{"text":"a<b"}],"deceasedDateTime":"2020-02-28T10:00:00Z")";
  ExpectConversions({
      {"src.id as i -> tgt.gender = truncate(i, 1);", source, R"("gender":"p")"},
      {"src.name as n -> tgt.name as m, m.text = escape((n.text), 'xml');", source,
       R"("name":[{"text":"a&lt;b"}])"},
      {"src.deceased : dateTime as d -> tgt.birthDate = cast(d, 'date');", source,
       R"("birthDate":"2020-02-28")"},
      {"src.deceased : dateTime as d -> tgt.birthDate = cast(d);", source,
       R"("birthDate":"2020-02-28")"},
      {"src.active as a -> tgt.name as m, m.text = cast(a, 'string');", source,
       R"("name":[{"text":"true"}])"},
      {"src.birthDate as d -> tgt.birthDate = dateOp(d, 1, 'month');", source,
       R"("birthDate":"1950-02-28")"},
      {"src.birthDate as d -> tgt.birthDate = dateOp(d, '-31', 'days');", source,
       R"("birthDate":"1949-12-31")"},
      {"src -> tgt.birthDate = evaluate(src, birthDate);", source, R"("birthDate":"1950-01-31")"},
      {"src -> tgt.birthDate = evaluate(src, 'birthDate');", source, R"("birthDate":"1950-01-31")"},
      {"src -> tgt.birthDate = (src.birthDate);", source, R"("birthDate":"1950-01-31")"},
      {"src -> tgt.birthDate = src.birthDate;", source, R"("birthDate":"1950-01-31")"},
      {"src -> tgt.name as m, m.given = (src.id | src.gender);", source,
       R"("name":[{"given":["p1","male"]}])"},
      {"src.id as i -> tgt.identifier = id('urn:s', i, 'MR');", source,
       R"("identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:s","value":"p1"}])"},
      {"src -> tgt.telecom = cp('01632 960001'), tgt.telecom = cp('a@example.org'), tgt.telecom = "
       "cp('fax', '01632 960002') 'x';",
       source,
       R"("telecom":[{"system":"phone","value":"01632 960001"},{"system":"email","value":"a@example.org"},{"system":"fax","value":"01632 960002"}])"},
      {"src -> tgt.identifier as i, i.type = cc('urn:s', 'c', 'd'), i.system = 'urn:y' 'x';",
       source,
       R"("identifier":[{"type":{"coding":[{"system":"urn:s","code":"c","display":"d"}]},"system":"urn:y"}])"},
      {"src -> tgt.identifier as i, i.type = cc('free text') 'x';", source,
       R"("identifier":[{"type":{"text":"free text"}}])"},
      {"src -> tgt.identifier as i, i.type as t, t.coding = c('urn:s', 'c') 'x';", source,
       R"("identifier":[{"type":{"coding":[{"system":"urn:s","code":"c"}]}}])"},
      {"src -> tgt.identifier as i, i.value = identifierSystem('RXX', 'MR') 'x';", source,
       R"("identifier":[{"value":"urn:caregate:id:RXX:MR"}])"},
      {"src -> tgt.active = isNhsNumber('9991001018') 'x';", source, R"("active":true)"},
      {"src -> tgt.active = isNhsNumber('9991001019') 'x';", source, R"("active":false)"},
      {"src -> cc('urn:s', 'c') as kept, tgt.identifier as i, i.type = kept 'x';", source,
       R"("identifier":[{"type":{"coding":[{"system":"urn:s","code":"c"}]}}])"},
  });
}

}  // namespace
}  // namespace gw::map
