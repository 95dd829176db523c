#include "gateway/map/plan/plan.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/map/plan_testing.h"

namespace gw::map {
namespace {

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
      // And one with an id, which others may point to; without a value too.
      {"src.birthDate -> tgt.birthDate;", R"("birthDate":"1950","_birthDate":{"id":"b"})",
       R"("birthDate":"1950","_birthDate":{"id":"b"})"},
      {"src.birthDate -> tgt.birthDate;", R"("_birthDate":{"id":"b"})",
       R"("_birthDate":{"id":"b"})"},
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

// A variable of the map is itself in FHIRPath too, whatever FHIRPath means by %name.
TEST(Plan, KeepsItsVariablesFromWhatFhirPathMeansByTheirNames) {
  for (const std::string name :
       {"ucum", "sct", "loinc", "resource", "rootResource", "context", "n"}) {
    const std::string bind = "src.name as " + name + " -> tgt.name as m, m.text = ";
    const auto becomes = [&](const std::string& path, const std::string& text) {
      ExpectConversions({{bind + path + " 'x';", R"("name":[{"family":"A","given":["B"]}])",
                          R"("name":[{"text":")" + text + R"("}])"}});
    };
    becomes("(%" + name + ".family)", "A");
    becomes("(" + name + ".family & '-' & %" + name + ".given)", "A-B");
    becomes("(%" + name + ".where(family = %" + name + ".family).given)", "B");
    becomes("append(" + name + ".family, '!')", "A!");
    ExpectConversions({{"src.name as " + name + " where %" + name +
                            ".family = 'A' -> tgt.name as m, m.text = (%" + name + ".family) 'x';",
                        R"("name":[{"family":"A"},{"family":"B"}])", R"("name":[{"text":"A"}])"}});
  }
  // A primitive, and what FHIRPath means where the map says nothing.
  ExpectConversions({
      {"src.gender as ucum -> tgt.name as m, m.text = (ucum & %ucum) 'x';", R"("gender":"male")",
       R"("name":[{"text":"malemale"}])"},
      {"src.gender as g -> tgt.name as m, m.text = (%g & %ucum) 'x';", R"("gender":"male")",
       R"("name":[{"text":"malehttp://unitsofmeasure.org"}])"},
      {"src.gender as g -> tgt.name as m, m.text = (%g & %resource.id) 'x';",
       R"("id":"p1","gender":"male")", R"("name":[{"text":"malep1"}])"},
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
      {"src -> tgt.birthDate = dateOp('2024-02-29', 1, 'year') 'x';", source,
       R"("birthDate":"2025-02-28")"},
      {"src -> tgt.birthDate = dateOp('2024-02', -3, 'months') 'x';", source,
       R"("birthDate":"2023-11")"},
      {"src -> tgt.name as m, m.period as p, p.start = dateOp('2024-02-29T23:30:00+01:00', 45, "
       "'minutes') 'x';",
       source, R"("name":[{"period":{"start":"2024-03-01T00:15:00+01:00"}}])"},
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

TEST(Plan, OrdersAndSharesTargets) {
  const std::string names = R"("name":[{"text":"A"},{"text":"B"}],"gender":"male")";
  const std::string copy = "src.name as n -> tgt.name as m, m.text = (n.text) 'copy';\n";
  ExpectConversions({
      {copy + "src.gender as g -> tgt.name as m first, m.text = g 'g';", names,
       R"("name":[{"text":"male"},{"text":"A"},{"text":"B"}])"},
      {"src.gender as g -> tgt.name as m last, m.text = g 'g';\n" + copy, names,
       R"("name":[{"text":"A"},{"text":"B"},{"text":"male"}])"},
      {copy + "src.gender as g -> tgt.name as m collate, m.family = g 'g';", names,
       R"("name":[{"text":"A","family":"male"},{"text":"B"}])"},
      {"src.gender as g -> tgt.name as m share one, m.family = g 'a';\n"
       "src.name first as n -> tgt.name as m share one, m.text = (n.text) 'b';",
       names, R"("name":[{"text":"A","family":"male"}])"},
      {"src.gender as g -> tgt.name as m share one, m.family = g 'a';\n"
       "src.gender as g -> tgt.name as m share two, m.family = g 'b';",
       names, R"("name":[{"family":"male"},{"family":"male"}])"},
  });
  const std::string twice =
      "src.gender as g -> tgt.name as m first, m.text = g 'a';\n"
      "src.gender as g -> tgt.name as m first, m.text = g 'b';\n";
  EXPECT_NE(Convert(CompileRules(copy + twice), R"({"resourceType":"Patient","gender":"male"})")
                .find("already made the first item"),
            std::string::npos);
}

TEST(Plan, CallsGroups) {
  constexpr std::string_view kGroups = R"(
group Named(source n : HumanName, target m : HumanName) {
  n.family as f -> m.family = f;
  n.given as g -> m.given = g;
}
group Texted(source n : HumanName, target m : HumanName) extends Named {
  n.text as t -> m.text = t;
}
group Either(source what, target m : HumanName) {
  what -> m.text = 'seen' "seen";
}
group Literal(source word : string, target m : HumanName) {
  word -> m.text = word "word";
}
)";
  const std::string name = R"("name":[{"text":"T","family":"F","given":["G"]}])";
  ExpectConversions(
      {
          {"src.name as n -> tgt.name as m then Named(n, m);", name,
           R"("name":[{"family":"F","given":["G"]}])"},
          {"src.name as n -> tgt.name as m then Texted(n, m);", name, name},
          {"src.name as n -> tgt.name as m then Either(n, m);", name,
           R"("name":[{"text":"seen"}])"},
          {"src.gender as n -> tgt.name as m then Either(n, m);", R"("gender":"male")",
           R"("name":[{"text":"seen"}])"},
          {"src -> tgt.name as m then Literal('word', m) 'x';", "", R"("name":[{"text":"word"}])"},
          {"src -> tgt.name as m then Literal((src.gender & '!'), m) 'x';", R"("gender":"male")",
           R"("name":[{"text":"male!"}])"},
          {"src.name as n -> tgt.name as m then Named(n, m), Either(n, m) { n.use -> m.use; };",
           R"("name":[{"family":"F","use":"old"}])",
           R"("name":[{"use":"old","text":"seen","family":"F"}])"},
      },
      kGroups);
}

TEST(Plan, FindsGroupsByType) {
  constexpr std::string_view kGroups = R"(
group Names(source n : HumanName, target m : HumanName) <<types>> {
  n.family as f -> m.text = f;
}
group Points(source p : ContactPoint, target i : Identifier) <<type+>> {
  p.value -> i.value;
}
)";
  ExpectConversions(
      {{"src.name -> tgt.name;", R"("name":[{"family":"F"}])", R"("name":[{"text":"F"}])"},
       {"src.telecom -> tgt.identifier;", R"("telecom":[{"value":"1"}])",
        R"("identifier":[{"value":"1"}])"},
       {"src.telecom -> tgt.telecom;", R"("telecom":[{"value":"1"}])",
        R"("telecom":[{"value":"1"}])"}},
      kGroups);
}

// A choice goes through group or copy by the type that it has.
TEST(Plan, DispatchesChoicesByType) {
  const auto plan = CompileMap(R"(map "urn:test" = "Test"
uses "http://hl7.org/fhir/StructureDefinition/Observation" alias Observation as source
uses "http://hl7.org/fhir/StructureDefinition/Observation" alias Target as target
group Test(source src : Observation, target tgt : Target) {
  src.value -> tgt.value;
}
group Q(source a : Quantity, target b : Quantity) <<types>> { a.value -> b.value; }
)");
  EXPECT_EQ(
      Convert(plan, R"({"resourceType":"Observation","valueQuantity":{"value":1.50,"unit":"mg"}})"),
      R"({"resourceType":"Observation","valueQuantity":{"value":1.50}})");
  EXPECT_EQ(Convert(plan, R"({"resourceType":"Observation","valueString":"x"})"),
            R"({"resourceType":"Observation","valueString":"x"})");
}

TEST(Plan, ResolvesGroupsThroughImports) {
  const auto file = [](const std::string& url, const std::string& body) {
    return MapFile{url + ".map", "map '" + url + "' = 'n'\n" + body};
  };
  const std::string head =
      "uses 'http://hl7.org/fhir/StructureDefinition/Patient' alias P as source\n"
      "uses 'http://hl7.org/fhir/StructureDefinition/Person' alias T as target\n";
  const std::string start = "group Start(source s : P, target t : T) { s then Other(s, t) 'x'; }\n";
  const std::string other = "group Other(source s : Patient, target t : Person) { s -> t.active = ";
  const auto compile = [](const std::vector<MapFile>& files) {
    return Plan::Compile(
        files, [](std::string_view) -> const fhir::TypeDef* { return nullptr; }, {}, R4());
  };
  EXPECT_TRUE(compile({file("urn:test", head + "imports 'urn:l*b'\n" + start),
                       file("urn:lib", other + "true 'y'; }")})
                  .ok());
  // Through an imported map that imports; the nearest wins.
  EXPECT_TRUE(compile({file("urn:test", head + "imports 'urn:mid'\n" + start),
                       file("urn:mid", "imports 'urn:lib'\n" + other + "true 'y'; }"),
                       file("urn:lib", other + "true 'y'; }")})
                  .ok());
  const auto two =
      compile({file("urn:test", head + "imports 'urn:*'\n" + start),
               file("urn:a", other + "true 'y'; }"), file("urn:b", other + "false 'y'; }")});
  ASSERT_FALSE(two.ok());
  EXPECT_NE(two.error().detail.find("stands in urn:a.map and in urn:b.map"), std::string::npos)
      << two.error().detail;
  const auto same = compile(
      {file("urn:a", start + other + "true 'y'; }"), file("urn:a", start + other + "true 'y'; }")});
  ASSERT_FALSE(same.ok());
  EXPECT_NE(same.error().detail.find("the url of urn:a.map already"), std::string::npos);
}

// Types may be left out: `uses` gives them to the first group, calls to the others.
TEST(Plan, InfersTypes) {
  const auto plan = CompileMap(R"(map "urn:test" = "Test"
uses "http://hl7.org/fhir/StructureDefinition/Patient" as source
uses "http://hl7.org/fhir/StructureDefinition/Person" as target
let greeting = 'Dear ' & 'Person';
group Start(source src, target tgt) {
  src.name as n -> tgt.name as m then Name(n, m);
}
group Name(source n, target m) { n.family as f -> m.family = f, m.text = %greeting, m.given = greeting; }
)");
  EXPECT_EQ(
      Convert(plan, R"({"resourceType":"Patient","name":[{"family":"F"}]})"),
      R"({"resourceType":"Person","name":[{"text":"Dear Person","family":"F","given":["Dear Person"]}]})");
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->Has("urn:test"));
  EXPECT_FALSE(plan->Has("urn:other"));
  const fhir::Resource person = ParseResource(R"({"resourceType":"Person"})");
  const auto wrong = plan->Run("urn:test", person.root(), {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().detail, "the map takes Patient, not Person");
  EXPECT_EQ(plan->Run("urn:other", person.root(), {}).error().code, Code::kNotFound);
}

TEST(Plan, RefersToEntries) {
  const auto plan = CompileMap(R"(map "urn:test" = "Test"
uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as source
uses "http://hl7.org/fhir/StructureDefinition/Bundle" alias Bundle as target
group Test(source src : Patient, target bundle : Bundle) {
  src -> bundle.type = 'transaction' "type";
  src -> bundle.entry as e, e.resource = create('Patient') as p, bundle.entry as f, f.resource = create('CarePlan') as plan then {
    src -> plan.subject = reference(p), plan.instantiatesUri = pointer(p), plan.status = 'active' "subject";
    src -> uuid() as u, e.fullUrl = append('urn:uuid:', u) "full url";
    src.identifier -> p.identifier;
  } "entries";
  src -> bundle.entry as g, g.resource = create('Goal') as goal, bundle.entry as h, h.resource = create('CarePlan') as q, q.goal = reference(goal) "made url";
}
)");
  const std::string json =
      Convert(plan, R"({"resourceType":"Patient","identifier":[{"system":"urn:s","value":"1"}]})");
  const fhir::Resource bundle = ParseResource(json);
  const fhir::Element& root = bundle.root();
  const std::string url(root.Child("entry", 0)->TextAt("fullUrl"));
  EXPECT_EQ(url.size(), std::string_view("urn:uuid:").size() + 36) << json;
  const fhir::Element* subject = root.Child("entry", 1)->Path("resource.subject");
  ASSERT_NE(subject, nullptr) << json;
  EXPECT_EQ(subject->TextAt("reference"), url);
  EXPECT_EQ(subject->TextAt("type"), "Patient");
  EXPECT_EQ(subject->TextAt("identifier.value"), "1");
  EXPECT_EQ(root.Child("entry", 1)->TextAt("resource.instantiatesUri"), url);
  // No rule gave the goal's entry a fullUrl, so it has one of the run's.
  EXPECT_EQ(root.Child("entry", 3)->TextAt("resource.goal.reference"),
            root.Child("entry", 2)->TextAt("fullUrl"));
  EXPECT_TRUE(root.Child("entry", 2)->TextAt("fullUrl").starts_with("urn:uuid:"));
  // The same seed, the same bytes; another one, other UUIDs.
  RunOptions options;
  options.seed = "other";
  const std::string_view source =
      R"({"resourceType":"Patient","identifier":[{"system":"urn:s","value":"1"}]})";
  EXPECT_EQ(Convert(plan, source), json);
  EXPECT_NE(Convert(plan, source, options), json);
}

}  // namespace
}  // namespace gw::map
