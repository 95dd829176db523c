#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/fhir/instance.h"
#include "gateway/fhir/logical_models.h"
#include "gateway/map/plan/plan.h"
#include "tests/map/plan_testing.h"

// Maps between logical models: the language as a newcomer learns it, from one copied element to
// resources that refer to each other.

namespace gw::map {
namespace {

constexpr std::string_view kElement = "http://hl7.org/fhir/StructureDefinition/Element";

// A StructureDefinition of a model: "a : string 0..1" a line, in order; "aa" alone holds what
// stands below it as "aa.ab".
std::string ModelJson(const std::string& name, const std::vector<std::string>& lines,
                      std::string_view base) {
  std::string elements = "{\"id\":\"" + name + "\",\"path\":\"" + name + "\"}";
  for (const std::string& line : lines) {
    const size_t colon = line.find(" : ");
    const size_t space = line.rfind(' ');
    const size_t dots = line.rfind("..");
    std::string types;
    std::string rest = line.substr(colon + 3, space - colon - 3);
    while (!rest.empty()) {
      const size_t bar = std::min(rest.find('|'), rest.size());
      types += (types.empty() ? "" : ",") + ("{\"code\":\"" + rest.substr(0, bar) + "\"}");
      rest.erase(0, bar + 1);
    }
    elements += ",{\"path\":\"" + name + "." + line.substr(0, colon) +
                "\",\"min\":" + line.substr(space + 1, dots - space - 1) + ",\"max\":\"" +
                line.substr(dots + 2) + "\",\"type\":[" + types + "]}";
  }
  return "{\"resourceType\":\"StructureDefinition\",\"url\":\"urn:model:" + name +
         "\",\"name\":\"" + name +
         "\",\"status\":\"draft\",\"kind\":\"logical\",\"abstract\":true,\"type\":\"" + name +
         "\",\"baseDefinition\":\"" + std::string(base) +
         "\","
         "\"derivation\":\"specialization\",\"differential\":{\"element\":[" +
         elements + "]}}";
}

class Models {
 public:
  void Add(const std::string& name, const std::vector<std::string>& lines,
           std::string_view base = kElement) {
    const auto status = models_.Add(ParseResource(ModelJson(name, lines, base)), name + ".json");
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().detail);
  }
  Status Finish() { return models_.Finish(); }
  const fhir::LogicalModels& all() const { return models_; }

 private:
  fhir::LogicalModels models_{R4()};
};

struct Lesson {
  std::vector<std::string> left;   // elements of TLeft
  std::vector<std::string> right;  // elements of TRight
  std::string rules;               // of the group from `src` to `tgt`; more groups may follow
  std::string source;              // without braces and resourceType
  std::string target;              // so too, or "error..."
};

std::string Learn(const Lesson& lesson) {
  Models models;
  models.Add("TLeft", lesson.left);
  models.Add("TRight", lesson.right);
  models.Add("TLeftInner", {"ab : string 0..1"});
  models.Add("TRightInner", {"ac : string 0..1"});
  models.Add("TBase", {"k : string 0..1"});
  models.Add("TMore", {"d : string 0..1"}, "urn:model:TBase");
  const auto finished = models.Finish();
  if (!finished.ok()) {
    return "error " + finished.error().where + ": " + finished.error().detail;
  }
  const std::string text =
      "map \"urn:test\" = \"test\"\n"
      "conceptmap \"codes\" { prefix s = \"urn:s\" prefix t = \"urn:t\" s:old == t:\"new-one\" }\n"
      "uses \"urn:model:TLeft\" alias TLeft as source\n"
      "uses \"urn:model:TRight\" as target\n"
      "group Test(source src : TLeft, target tgt : TRight) {" +
      lesson.rules + "}\n";
  const std::vector<MapFile> files = {{"test.map", text}};
  const auto plan =
      Plan::Compile(files, [&models](std::string_view url) { return models.all().Find(url); }, {},
                    R4(), {.refuse_unused_variables = false, .check_texts_in_runs = true});
  if (!plan) {
    return "error " + plan.error().where + ": " + plan.error().detail;
  }
  const fhir::InstanceTypes types{
      .definitions = &R4(), .models = &models.all(), .expected = plan->SourceOf("urn:test")};
  const auto source =
      fhir::ReadInstance("{\"resourceType\":\"TLeft\"," + lesson.source + "}", types, Limits());
  if (!source) {
    return "error " + source.error().where + ": " + source.error().detail;
  }
  RunOptions options;
  options.seed = "seed";
  const auto mapped = plan->Run("urn:test", source->root(), options);
  if (!mapped) {
    return "error " + mapped.error().where + ": " + mapped.error().detail;
  }
  std::string out;
  fhir::WriteInstance(mapped->target, &out);
  return out;
}

void ExpectLessons(const std::vector<Lesson>& lessons) {
  for (const Lesson& lesson : lessons) {
    const std::string found = Learn(lesson);
    if (lesson.target.starts_with("error")) {
      EXPECT_EQ(found.substr(0, lesson.target.size()), lesson.target) << lesson.rules;
    } else {
      EXPECT_EQ(found, "{\"resourceType\":\"TRight\"" +
                           std::string(lesson.target.empty() ? "" : ",") + lesson.target + "}")
          << lesson.rules;
    }
  }
}

const std::vector<std::string> kText = {"a : string 0..1", "b : string 0..*"};
const std::vector<std::string> kNumber = {"n : integer 0..1", "a : string 0..1"};

TEST(LogicalMap, CopiesRenamesAndCuts) {
  ExpectLessons({
      {kText, kText, "src.a as a -> tgt.a = a \"copied\";", R"("a":"x")", R"("a":"x")"},
      {kText, kText, "src.a -> tgt.a;", R"("a":"x")", R"("a":"x")"},
      {kText, kText, "src.a as a -> tgt.a = copy(a);", R"("a":"x")", R"("a":"x")"},
      {kText, kText, "src.b as b -> tgt.a = b;", R"("b":"x")", R"("a":"x")"},
      {kText, kText, "src.a -> tgt.a;", R"("b":["x"])", ""},
      {kText, kText, "src.a as a -> tgt.a = truncate(a, 3);", R"("a":"four")", R"("a":"fou")"},
      {kText, kText, "src.a as a where a.length() < 4 -> tgt.a = a;", R"("a":"four")", ""},
      {kText, kText, "src.a as a where (%a.length() < 5) -> tgt.a = a;", R"("a":"four")",
       R"("a":"four")"},
      {kText, kText, "src.a as x where a.length() < 5 -> tgt.a = x;", R"("a":"four")",
       R"("a":"four")"},
      {kText, kText, "src.a as a check a.length() < 4 -> tgt.a = a;", R"("a":"four")", "error"},
      {kText, kText, "src.a as a where $this.matches('^\\\\d+$') -> tgt.a = a;", R"("a":"12")",
       R"("a":"12")"},
  });
}

TEST(LogicalMap, ConvertsAndTellsApart) {
  ExpectLessons({
      {kText, kNumber, "src.a as a -> tgt.n = cast(a, 'integer');", R"("a":"012")", R"("n":12)"},
      {kText, kNumber, "src.a as a -> tgt.n = a;", R"("a":"12")", R"("n":12)"},
      {kText, kNumber, "src.a -> tgt.n;", R"("a":"12")", R"("n":12)"},
      {kText, kNumber, "src.a as a -> tgt.n = a;", R"("a":"many")", "error"},
      {kText, kNumber, "src.a as a -> tgt.n = cast(a, 'integer');", R"("a":"many")", "error"},
      {kText, kNumber,
       "src.a as a where a.matches('^[0-9]+$') -> tgt.n = cast(a, 'integer');"
       "src.a as a where a.matches('^[0-9]+$').not() -> tgt.n = 0;",
       R"("a":"many")", R"("n":0)"},
      {kNumber, kText,
       "src.a as i where src.n < 2 -> tgt.a = i; src.a as i where src.n >= 2 -> tgt.b = i;",
       R"("a":"x","n":2)", R"("b":["x"])"},
      {{"d : date 0..1"},
       kNumber,
       "src.d as d -> tgt.n = d;",
       R"("d":"2026-01-20")",
       "error test.map:5:76: 'n' takes integer, not date"},
      {kText, kText, "src.nothing -> tgt.a;", R"("a":"x")",
       "error test.map:5:58: TLeft has no element 'nothing'"},
      {kText, kText, "src.a 1..1 as a -> tgt.a = a;", R"("b":"x")", "error"},
      {kText, kText, "src.a default 'none' as a -> tgt.a = a;", R"("b":"x")", R"("a":"none")"},
      {kText, kText, "src.a as a -> tgt.a = translate(a, '#codes', 'code');", R"("a":"old")",
       R"("a":"new-one")"},
  });
}

TEST(LogicalMap, ChoosesFromLists) {
  const std::string three = R"("b":["x","y","z"])";
  ExpectLessons({
      {kText, kText, "src.b as b -> tgt.b = b;", three, three},
      {kText, kText, "src.b first as b -> tgt.a = b;", three, R"("a":"x")"},
      {kText, kText, "src.b last as b -> tgt.a = b;", three, R"("a":"z")"},
      {kText, kText, "src.b not_first as b -> tgt.b = b;", three, R"("b":["y","z"])"},
      {kText, kText, "src.b not_last as b -> tgt.b = b;", three, R"("b":["x","y"])"},
      {kText, kText, "src.b only_one as b -> tgt.b = b;", three, ""},
      {kText, kText, "src.b only_one as b -> tgt.b = b;", R"("b":"x")", R"("b":["x"])"},
      {kText, kText, "src.b as b -> tgt.b = b; src.a as a -> tgt.b = a first;",
       three + R"(,"a":"w")", R"("b":["w","x","y","z"])"},
      {kText, kText, "src.a as a -> tgt.b = a last; src.b as b -> tgt.b = b;",
       three + R"(,"a":"w")", R"("b":["x","y","z","w"])"},
  });
}

TEST(LogicalMap, GoesDown) {
  const std::vector<std::string> left = {"aa : BackboneElement 0..*", "aa.ab : string 0..1",
                                         "aa.n : string 0..*"};
  const std::string source = R"("aa":[{"ab":"1","n":["p","q"]},{"ab":"2","n":"r"}])";
  ExpectLessons({
      {left, left, "src.aa as s -> tgt.aa as t then { s.ab as ab -> t.ab = ab; };", source,
       R"("aa":[{"ab":"1"},{"ab":"2"}])"},
      {left, left,
       "src.aa as s -> tgt.aa as t then Inner(s, t);} group Inner(source s, target t) { s.ab as ab "
       "-> t.ab = ab;",
       source, R"("aa":[{"ab":"1"},{"ab":"2"}])"},
      // One target for each of the inner items; the outer one is still seen.
      {left, left,
       "src.aa as s then { s.n as n -> tgt.aa as t then { s.ab as ab -> t.ab = ab; n -> t.n = n; "
       "}; "
       "};",
       source, R"("aa":[{"ab":"1","n":["p"]},{"ab":"1","n":["q"]},{"ab":"2","n":["r"]}])"},
      // All into one.
      {left, left, "src.aa as s -> tgt.aa as t share all then { s.n as n -> t.n = n; };", source,
       R"("aa":[{"n":["p","q","r"]}])"},
      {left, left, "src.aa as s -> tgt.aa as t then Other(s);", source,
       "error test.map:5:86: there is no group 'Other'"},
  });
}

TEST(LogicalMap, FindsGroupsByType) {
  const std::vector<std::string> left = {"aa : TLeftInner 0..*"};
  const std::vector<std::string> right = {"aa : TRightInner 0..*", "c : string|integer 0..1"};
  const std::string group =
      "} group Inner(source s : TLeftInner, target t : TRightInner) <<types>> { s.ab -> t.ac;";
  ExpectLessons({
      {left, right, "src.aa -> tgt.aa;" + group, R"("aa":[{"ab":"1"},{"ab":"2"}])",
       R"("aa":[{"ac":"1"},{"ac":"2"}])"},
      {left, right, "src.aa as a -> tgt.aa as b then Inner(a, b);" + group, R"("aa":[{"ab":"1"}])",
       R"("aa":[{"ac":"1"}])"},
      {left, right, "src.aa -> tgt.aa;", R"("aa":[{"ab":"1"}])",
       "error test.map:5:64: 'aa' takes TRightInner, not TLeftInner, and there is no group for "
       "these types"},
      {left, right, "src.aa as a then { a.ab as v -> tgt.c = v; };", R"("aa":{"ab":"1"})",
       R"("cString":"1")"},
  });
}

// A model is what it specializes too, but an element of the base has no room for what it has more.
TEST(LogicalMap, AModelIsOneOfItsBase) {
  const std::vector<std::string> more = {"m : TMore 0..1", "b : TBase 0..1"};
  const std::vector<std::string> any = {"m : TMore 0..1", "b : TBase 0..1"};
  const std::string uses =
      "} group Base(source s : TBase, target t : TBase) { s.k as k -> t.k = k \"k\";"
      "} group Any(source s : Element, target t : TBase) { s.id as k -> t.k = k \"k\";";
  const std::string source = R"("m":{"id":"i","k":"1","d":"2"})";
  ExpectLessons({
      {more, any,
       "src.m as s -> tgt.m as t then { s then Base(s, t); s.d as d -> t.d = d; };" + uses, source,
       R"("m":{"k":"1","d":"2"})"},
      {more, any, "src.m as s -> tgt.b as t then Base(s, t);" + uses, source, R"("b":{"k":"1"})"},
      {more, any, "src.m as s -> tgt.b as t then Any(s, t);" + uses, source, R"("b":{"k":"i"})"},
      {more, any, "src.m as s -> tgt.b = s;", source, "error test.map:"},
      {more, any,
       "src.b as s -> tgt.m as t then { s then More(s, t); };"
       "} group More(source s : TMore, target t : TMore) { s.d as d -> t.d = d;",
       R"("b":{"k":"1"})", "error TLeft.b: "},
  });
  Models models;
  models.Add("TOne", {"a : string 0..1"}, "urn:model:TTwo");
  models.Add("TTwo", {"a : string 0..1"}, "urn:model:TOne");
  const auto finished = models.Finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().detail, "its bases go in a circle");
}

TEST(LogicalMap, MakesResourcesThatReferToEachOther) {
  const std::vector<std::string> right = {"ptr : string 0..*", "who : Patient 0..*",
                                          "code : CodeableConcept 0..1", "any : Reference 0..1"};
  const std::string found = Learn({kText, right,
                                   "src.b as b -> tgt.who = create('Patient') as p, tgt.ptr = "
                                   "reference(p) then { b -> p.name as n, n.text = b; };"
                                   "src.a as a -> tgt.code = cc('urn:x', a);",
                                   R"("a":"y","b":"Ash")", ""});
  const size_t id = found.find("\"id\":\"");
  ASSERT_NE(id, std::string::npos) << found;
  const std::string uuid = found.substr(id + 6, 36);
  EXPECT_EQ(
      found,
      R"({"resourceType":"TRight","ptr":["Patient/)" + uuid +
          R"("],"who":[{"resourceType":"Patient","id":")" + uuid +
          R"(","name":[{"text":"Ash"}]}],"code":{"coding":[{"system":"urn:x","code":"y"}]}})");
}

TEST(LogicalMap, RefusesModelsThatAreNone) {
  Models models;
  models.Add("TLeft", {"a : Nothing 0..1"});
  const auto finished = models.Finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().where, "TLeft.json: TLeft.a");
  EXPECT_EQ(finished.error().detail, "there is no type 'Nothing'");
}

struct BadInstance {
  std::string_view text;
  std::string_view where;
  std::string_view detail;
};

TEST(LogicalMap, RefusesInstancesWithTheirPlace) {
  Models models;
  models.Add("TLeft", {"a : string 0..1", "aa : BackboneElement 0..*", "aa.ab : string 0..1"});
  ASSERT_TRUE(models.Finish().ok());
  const fhir::InstanceTypes types{
      .definitions = &R4(), .models = &models.all(), .expected = models.all().Find("TLeft")};
  const BadInstance cases[] = {
      {"{\"a\":{}}", "line 1, column 6", "expected a value"},
      {"{\"aa\":\n\"x\"}", "line 2, column 1", "expected an object"},
      {"{\"x\":1}", "line 1, column 6", "TLeft has no element of this name"},
      {"{\"aa\":[{\"x\":1}]}", "line 1, column 13", "TLeft.aa has no element of this name"},
      {"{\"resourceType\":\"Nothing\"}", "line 1, column 17", "there is no type of that name"},
      {"{\"a\":[\"x\",\"y\"]}", "line 1, column 11", "may not repeat"},
      {"[]", "line 1, column 1", "expected an object"},
      {"<TLeft><x value=\"1\"/></TLeft>", "line 1, column 8", "TLeft has no element"},
      {"<TLeft><a>x</a></TLeft>", "line 1, column", "text between elements"},
      {"<Other/>", "line 1, column 1", "there is no type of that name"},
      {"<TLeft><a x=\"1\"/></TLeft>", "line 1, column 8", "no attribute"},
  };
  for (const BadInstance& c : cases) {
    const auto instance = fhir::ReadInstance(c.text, types, Limits());
    ASSERT_FALSE(instance.ok()) << c.text;
    EXPECT_EQ(instance.error().where.substr(0, c.where.size()), c.where) << c.text;
    EXPECT_NE(instance.error().detail.find(c.detail), std::string::npos)
        << c.text << " " << instance.error().detail;
  }
}

TEST(LogicalMap, ReadsXmlOfAnyNamespace) {
  Models models;
  models.Add("TLeft", {"a : string 0..1", "aa : BackboneElement 0..*", "aa.ab : string 0..1",
                       "who : Resource 0..1", "c : string|Quantity 0..1"});
  ASSERT_TRUE(models.Finish().ok());
  const fhir::InstanceTypes types{
      .definitions = &R4(), .models = &models.all(), .expected = models.all().Find("TLeft")};
  const auto instance = fhir::ReadInstance(
      "<?xml version=\"1.0\"?>\n<TLeft xmlns=\"urn:other\"><a value=\"x\"/><aa><ab "
      "value=\"1\"/></aa><aa id=\"two\"/><cQuantity><value value=\"1.50\"/></cQuantity><who><Basic>"
      "<id value=\"b\"/></Basic></who></TLeft>",
      types, Limits());
  ASSERT_TRUE(instance.ok()) << instance.error().where << instance.error().detail;
  std::string json;
  fhir::WriteInstance(*instance, &json);
  EXPECT_EQ(
      json,
      R"({"resourceType":"TLeft","a":"x","aa":[{"ab":"1"},{"id":"two"}],"who":{"resourceType":"Basic","id":"b"},"cQuantity":{"value":1.50}})");
}

}  // namespace
}  // namespace gw::map
