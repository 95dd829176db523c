#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/map/v2/model.h"
#include "tests/map/plan_testing.h"

namespace gw::map {
namespace {

using fhir::kMany;

// A small model in the shape of the v2 one: a message with PID and OBX, fields with components.
class PlanOfAModel : public testing::Test {
 protected:
  PlanOfAModel() : builder_(R4()) {
    builder_.AddType("MSG", {{"PID", "PID", 1}, {"OBX", "OBX", kMany}});
    builder_.AddType("PID", {{"f3", "CX", kMany},
                             {"f5", "XPN", kMany},
                             {"f7", "dateTime", 1},
                             {"f8", "string", 1},
                             {"f11", "string", kMany}});
    builder_.AddType("OBX", {{"f1", "string", 1}, {"f5", "VARIES", kMany}});
    builder_.AddType("CX", {{"c1", "string", 1}, {"c5", "string", 1}});
    builder_.AddType("XPN", {{"c1", "string", 1}, {"c2", "string", 1}});
    builder_.AddType("VARIES", {{"c1", "string", 1}, {"c2", "string", 1}});
    EXPECT_TRUE(builder_.Finish().ok());
  }

  Result<Plan> Compile(std::string_view rules, std::string_view more = {},
                       std::span<const fhir::Resource> concept_maps = {}) const {
    std::string text = R"(map "urn:test" = "Test"
uses "urn:model:MSG" alias MSG as source
uses "http://hl7.org/fhir/StructureDefinition/Patient" alias Patient as target
)";
    const bool is_group = more.starts_with("group");
    text += is_group ? "" : more;
    text += "group Test(source msg : MSG, target p : Patient) {\n";
    text += rules;
    text += "\n}\n";
    text += is_group ? more : "";
    const std::vector<MapFile> files = {{"test.map", text}};
    return Plan::Compile(
        files,
        [this](std::string_view url) {
          constexpr std::string_view kPrefix = "urn:model:";
          return url.starts_with(kPrefix) ? builder_.Find(url.substr(kPrefix.size())) : nullptr;
        },
        concept_maps, R4());
  }

  // Adds what a path names to the tree: "PID.f5[1].c1". Children come in the model's order.
  static fhir::Element* Add(fhir::Element* at, std::string_view name, std::string_view text = {}) {
    auto added = at->Add(name, text);
    EXPECT_TRUE(added.ok()) << name;
    return *added;
  }

  fhir::Resource Message() const { return fhir::Resource::MakeOf(*builder_.Find("MSG")); }

  // The message of most tests.
  fhir::Resource Whole() const {
    fhir::Resource message = Message();
    fhir::Element* pid = Add(&message.root(), "PID");
    fhir::Element* cx = Add(pid, "f3");
    Add(cx, "c1", "123");
    Add(cx, "c5", "MR");
    fhir::Element* xpn = Add(pid, "f5");
    Add(xpn, "c1", "Fam");
    Add(xpn, "c2", "Giv");
    Add(pid, "f7", "1950-03-01T10:00:00Z");
    Add(pid, "f8", "M");
    Add(pid, "f11", "one");
    Add(pid, "f11", "two");
    return message;
  }

  static std::vector<std::string> Names(const std::vector<const fhir::Element*>& nodes) {
    std::vector<std::string> names;
    for (const fhir::Element* node : nodes) {
      names.emplace_back(node->Location());
    }
    return names;
  }

  std::string Run(const Result<Plan>& plan, const fhir::Resource& message,
                  Mapped* result = nullptr) const {
    if (!plan) {
      return plan.error().where + ": " + plan.error().detail;
    }
    RunOptions options;
    options.feed = &feed_;
    options.seed = "seed";
    options.hash_key = "key";
    auto mapped = plan->Run("urn:test", message.root(), options);
    if (!mapped) {
      return mapped.error().where + ": " + mapped.error().detail;
    }
    const std::string json = ToJson(mapped->target);
    if (result != nullptr) {
      *result = *std::move(mapped);
    }
    return json;
  }

  std::vector<std::string> Unread(std::string_view rules) const {
    const auto plan = Compile(rules);
    const fhir::Resource message = Whole();
    Mapped mapped{.target = Message(), .unread = {}, .unmapped = {}, .remarks = {}};
    const std::string json = Run(plan, message, &mapped);
    EXPECT_TRUE(json.starts_with("{")) << json;
    return Names(mapped.unread);
  }

  fhir::ModelBuilder builder_;
  Feed feed_;
};

using Strings = std::vector<std::string>;

TEST_F(PlanOfAModel, MapsSegmentsFieldsAndComponents) {
  const auto plan = Compile(R"(
msg.PID as pid then {
  pid.f3 as cx -> p.identifier as i then { cx.c1 as v -> i.value = v; cx.c5 as t -> i.system = identifierSystem('RXX', t); };
  pid.f5 as xpn -> p.name as n then Name(xpn, n);
  pid.f7 as d -> p.birthDate = cast(d, 'date');
  pid.f11 as line -> p.address as a, a.line = line;
};)",
                            "group Name(source x : XPN, target n : HumanName) { x.c1 as f -> "
                            "n.family = f; x.c2 as g -> n.given = g; }\n");
  EXPECT_EQ(
      Run(plan, Whole()),
      R"({"resourceType":"Patient","identifier":[{"system":"urn:caregate:id:RXX:MR","value":"123"}],)"
      R"("name":[{"family":"Fam","given":["Giv"]}],"birthDate":"1950-03-01",)"
      R"("address":[{"line":["one"]},{"line":["two"]}]})");
}

TEST_F(PlanOfAModel, RefusesCompositeValues) {
  const auto plan = Compile("msg.PID as pid then { pid.f3 as cx -> p.birthDate = cx; };");
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().where, "test.map:5:53");
  EXPECT_EQ(plan.error().detail, "'birthDate' takes date, not CX");
}

// What the model calls VARIES may be text or have parts: the run knows.
TEST_F(PlanOfAModel, TakesVariesAsItComes) {
  const auto plan = Compile(
      "msg.OBX as x then { x.f5 as v -> p.language = v; x.f5 as w then { w.c2 as c -> p.id = c; }; "
      "};");
  fhir::Resource message = Message();
  fhir::Element* obx = Add(&message.root(), "OBX");
  obx->AppendRaw(obx->type().Find("f5"), *R4().Find("string"), "en");
  EXPECT_EQ(Run(plan, message), R"({"resourceType":"Patient","language":"en"})");
  fhir::Resource parts = Message();
  Add(Add(Add(&parts.root(), "OBX"), "f5"), "c2", "x");
  EXPECT_NE(Run(plan, parts).find("'language' does not take VARIES"), std::string::npos)
      << Run(plan, parts);
}

TEST_F(PlanOfAModel, NullMakesNullAndSkipsWhatDepends) {
  const auto plan = Compile(R"(
msg.PID as pid then {
  pid.f7 as d -> p.birthDate = cast(d, 'date'), p.active = true;
  pid.f5 as xpn -> p.name as n, n.use = 'official' then { xpn.c1 as f -> n.family = f; xpn -> p.language = 'en' 'never'; };
  pid.f8 as sex -> p.gender = translate(sex, 'urn:caregate:feed:sex', 'code');
};)");
  ASSERT_TRUE(plan.ok()) << plan.error().where << plan.error().detail;
  fhir::Resource message = Message();
  fhir::Element* pid = Add(&message.root(), "PID");
  for (const char* field : {"f5", "f7", "f8"}) {
    Add(pid, field)->SetNull();
  }
  const auto mapped = plan->Run("urn:test", message.root(), {});
  ASSERT_TRUE(mapped.ok()) << mapped.error().detail;
  const fhir::Element& patient = mapped->target.root();
  for (const char* name : {"birthDate", "name", "gender"}) {
    ASSERT_NE(patient.Child(name), nullptr) << name;
    EXPECT_TRUE(patient.Child(name)->is_null()) << name;
    EXPECT_EQ(patient.Child(name)->first_child(), nullptr) << name;
  }
  EXPECT_EQ(patient.TextAt("active"), "true");
  EXPECT_EQ(patient.Child("language"), nullptr);
  EXPECT_TRUE(mapped->unmapped.empty());
  EXPECT_TRUE(mapped->unread.empty());
}

TEST_F(PlanOfAModel, ANullThatAnExpressionFindsIsNull) {
  const auto plan = Compile("msg.PID as pid then { pid -> p.birthDate = (%pid.f7) 'x'; };");
  fhir::Resource message = Message();
  Add(Add(&message.root(), "PID"), "f7")->SetNull();
  ASSERT_TRUE(plan.ok()) << plan.error().detail;
  const auto mapped = plan->Run("urn:test", message.root(), {});
  ASSERT_TRUE(mapped.ok()) << mapped.error().detail;
  ASSERT_NE(mapped->target.root().Child("birthDate"), nullptr);
  EXPECT_TRUE(mapped->target.root().Child("birthDate")->is_null());
}

TEST_F(PlanOfAModel, ANullGivesWayToAValue) {
  const auto plan = Compile("msg.OBX as x then { x.f1 as v -> p.language = v; };");
  fhir::Resource message = Message();
  Add(Add(&message.root(), "OBX"), "f1")->SetNull();
  Add(Add(&message.root(), "OBX"), "f1", "en");
  EXPECT_EQ(Run(plan, message), R"({"resourceType":"Patient","language":"en"})");
}

TEST_F(PlanOfAModel, ListsWhatNoRuleRead) {
  const Strings all = {"MSG.PID.f3[0].c1", "MSG.PID.f3[0].c5", "MSG.PID.f5[0].c1",
                       "MSG.PID.f5[0].c2", "MSG.PID.f7",       "MSG.PID.f8",
                       "MSG.PID.f11[0]",   "MSG.PID.f11[1]"};
  const auto without = [&all](const Strings& read) {
    Strings rest;
    std::copy_if(all.begin(), all.end(), std::back_inserter(rest), [&read](const std::string& s) {
      return std::find(read.begin(), read.end(), s) == read.end();
    });
    return rest;
  };
  struct Case {
    std::string_view rules;  // inside pid
    Strings read;
  };
  const std::vector<Case> cases = {
      {"pid -> p.active = true 'x';", {}},
      // Bound: a leaf is read, what has parts is not.
      {"pid.f7;", {"MSG.PID.f7"}},
      {"pid.f3;", {}},
      {"pid.f11;", {"MSG.PID.f11[0]", "MSG.PID.f11[1]"}},
      // What was left out is not read.
      {"pid.f11 first;", {"MSG.PID.f11[0]"}},
      {"pid.f11 where $this = 'two';", {"MSG.PID.f11[1]"}},
      // An expression reads what it names.
      {"pid where f8 = 'X' -> p.active = true 'x';", {"MSG.PID.f8"}},
      {"pid.f3 where c5 = 'X';", {"MSG.PID.f3[0].c5"}},
      {"pid -> p.id = (%pid.f3.c1) 'x';", {"MSG.PID.f3[0].c1"}},
      {"pid -> p.id = (pid.f3.c1) 'x';", {"MSG.PID.f3[0].c1"}},
      {"pid -> p.id = evaluate(pid, f3.c1) 'x';", {"MSG.PID.f3[0].c1"}},
      {"pid -> p.id = pid.f8 'x';", {"MSG.PID.f8"}},
      // That something is there is not what it says.
      {"pid; msg where PID.f5.c2.exists() -> p.active = true 'x';", {}},
      {"pid where f5.c1.empty().not() and f3.children().count() > 0 -> p.active = true 'x';", {}},
      {"pid where f11.where($this = 'two').exists() -> p.active = true 'x';",
       {"MSG.PID.f11[0]", "MSG.PID.f11[1]"}},
      // A path reads its own end alone: f3.c5 and f5.c1 are not f3.c1.
      {"pid where f3.c5 = 'X' or f5.c1 = 'Y' -> p.active = true 'x';",
       {"MSG.PID.f3[0].c5", "MSG.PID.f5[0].c1"}},
      {"pid -> p.active = ((pid.f5 | pid.f3).c2.first() = 'X') 'x';", {"MSG.PID.f5[0].c2"}},
      {"pid -> p.active = (pid.f3.c1.combine(pid.f5.c2).join('') = 'X') 'x';",
       {"MSG.PID.f3[0].c1", "MSG.PID.f5[0].c2"}},
      {"pid -> p.active = (pid.f5.where(c1 = 'X').c2 = 'Y') 'x';",
       {"MSG.PID.f5[0].c1", "MSG.PID.f5[0].c2"}},
      {"pid -> p.active = (pid.f5.select(iif(c1.exists(), c1, c2)) = 'Y') 'x';",
       {"MSG.PID.f5[0].c1", "MSG.PID.f5[0].c2"}},
      {"pid -> p.active = (pid.f3.children().join('') = 'Y') 'x';",
       {"MSG.PID.f3[0].c1", "MSG.PID.f3[0].c5"}},
  };
  for (const Case& c : cases) {
    const std::string rules = "msg.PID as pid then { " + std::string(c.rules) + " };";
    const Strings expected = without(c.read);
    EXPECT_EQ(Unread(rules), expected) << c.rules;
  }
}

TEST_F(PlanOfAModel, TranslatesByConceptMapInlineAndFeed) {
  std::vector<fhir::Resource> maps;
  maps.push_back(
      ParseResource(R"({"resourceType":"ConceptMap","url":"urn:cm","status":"active","group":[
    {"source":"urn:s","target":"urn:t","element":[
      {"code":"M","target":[{"code":"male","display":"Male","equivalence":"equivalent"}]},
      {"code":"N","target":[{"equivalence":"unmatched"}]}],
     "unmapped":{"mode":"other-map","url":"urn:cm2"}}]})"));
  maps.push_back(
      ParseResource(R"({"resourceType":"ConceptMap","url":"urn:cm2","status":"active","group":[
    {"source":"urn:s","target":"urn:t","element":[{"code":"O","target":[{"code":"other","equivalence":"equal"}]}]}]})"));
  maps.push_back(
      ParseResource(R"({"resourceType":"ConceptMap","url":"urn:fixed","status":"active","group":[
    {"source":"urn:s","target":"urn:t","element":[{"code":"O","target":[{"code":"other","equivalence":"equal"}]}],
     "unmapped":{"mode":"fixed","code":"unknown"}}]})"));
  maps.push_back(ParseResource(
      R"({"resourceType":"ConceptMap","url":"urn:caregate:codes:sex","status":"active","group":[
    {"target":"urn:t","element":[{"code":"Q","target":[{"code":"other","equivalence":"equal"}]}]}]})"));
  feed_.tables["sex"] = {{"M", "male"}};
  constexpr std::string_view kInline = R"(conceptmap "#sex" {
  prefix s = "urn:s"
  prefix t = "urn:t"
  s:M == t:male
}
)";
  struct Case {
    std::string_view value;
    std::string_view transform;
    std::string_view gender;  // empty: unmapped
  };
  const std::vector<Case> cases = {
      {"M", "translate(s, '#sex', 'code')", "male"},
      {"F", "translate(s, '#sex', 'code')", ""},
      {"M", "translate(s, '#sex')", "male"},
      {"M", "translate(s, 'urn:cm', 'code')", "male"},
      {"M", "translate(s, 'urn:cm|1.0', 'code')", "male"},
      {"M", "translate(s, 'urn:cm', 'display')", "Male"},
      {"M", "translate(s, 'urn:cm', 'system')", "urn:t"},
      {"N", "translate(s, 'urn:cm', 'code')", ""},
      {"O", "translate(s, 'urn:cm', 'code')", "other"},
      {"X", "translate(s, 'urn:fixed', 'code')", "unknown"},
      {"M", "translate(s, 'urn:caregate:feed:sex', 'code')", "male"},
      {"Q", "translate(s, 'urn:caregate:feed:sex', 'code')", "other"},
      {"X", "translate(s, 'urn:caregate:feed:sex', 'code')", ""},
      {"X", "translate(s, 'urn:caregate:feed:none', 'code')", ""},
  };
  for (const Case& c : cases) {
    const auto plan = Compile(
        "msg.PID as pid then { pid.f8 as s -> p.gender = " + std::string(c.transform) + "; };",
        kInline, maps);
    fhir::Resource message = Message();
    Add(Add(&message.root(), "PID"), "f8", c.value);
    Mapped mapped{.target = Message(), .unread = {}, .unmapped = {}, .remarks = {}};
    const std::string json = Run(plan, message, &mapped);
    EXPECT_EQ(json, c.gender.empty()
                        ? R"({"resourceType":"Patient"})"
                        : R"({"resourceType":"Patient","gender":")" + std::string(c.gender) + "\"}")
        << c.transform;
    ASSERT_EQ(mapped.unmapped.size(), c.gender.empty() ? 1u : 0u) << c.transform;
    if (c.gender.empty()) {
      EXPECT_EQ(mapped.unmapped[0].code, c.value);
      EXPECT_FALSE(mapped.unmapped[0].system.empty());
      EXPECT_FALSE(mapped.unmapped[0].where.empty());
    }
  }
  // A field's code counts once, however many rules ask for it.
  const auto twice = Compile(
      "msg.PID as pid then { pid.f8 as s -> p.gender = translate(s, '#sex', 'code'); "
      "pid.f8 as s -> p.gender = translate(s, 'urn:cm', 'code'); };",
      kInline, maps);
  fhir::Resource asked = Message();
  Add(Add(&asked.root(), "PID"), "f8", "N");
  Mapped once{.target = Message(), .unread = {}, .unmapped = {}, .remarks = {}};
  Run(twice, asked, &once);
  EXPECT_EQ(once.unmapped.size(), 1u);
  const auto coded = Compile(
      "msg.PID as pid then { pid.f8 as s -> p.maritalStatus = translate(s, 'urn:cm', "
      "'CodeableConcept'); };",
      {}, maps);
  EXPECT_EQ(
      Run(coded, Whole()),
      R"({"resourceType":"Patient","maritalStatus":{"coding":[{"system":"urn:t","code":"male","display":"Male"}]}})");
}

TEST_F(PlanOfAModel, RefusesBrokenConceptMaps) {
  std::vector<fhir::Resource> maps;
  maps.push_back(
      ParseResource(R"({"resourceType":"ConceptMap","url":"urn:a","status":"active","group":[
    {"element":[{"code":"M"}],"unmapped":{"mode":"other-map","url":"urn:none"}}]})"));
  const auto lost = Compile("msg.PID;", {}, maps);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().where, "urn:a");
  maps.clear();
  maps.push_back(ParseResource(R"({"resourceType":"ConceptMap","status":"active"})"));
  EXPECT_FALSE(Compile("msg.PID;", {}, maps).ok());
  maps.clear();
  maps.push_back(ParseResource(R"({"resourceType":"ConceptMap","url":"urn:a","status":"active"})"));
  maps.push_back(ParseResource(R"({"resourceType":"ConceptMap","url":"urn:a","status":"active"})"));
  EXPECT_FALSE(Compile("msg.PID;", {}, maps).ok());
}

TEST_F(PlanOfAModel, HasItsOwnTransforms) {
  feed_.name = "north";
  feed_.organization = "X9900";
  feed_.identifier_systems["RXX:MR"] = "urn:system:rxx";
  const auto value = [this](const std::string& transform) {
    const std::string json = Run(
        Compile("msg.PID as pid then { pid.f3 as cx -> p.id = " + transform + " 'x'; };"), Whole());
    const size_t start = json.find("\"id\":\"");
    return start == std::string::npos ? json : json.substr(start + 6, json.size() - start - 8);
  };
  EXPECT_EQ(Run(Compile("msg -> p.id = feed('name'), p.language = feed('organization'), p.active = "
                        "feed('codedConsentComplete') 'x';"),
                Message()),
            R"({"resourceType":"Patient","id":"north","language":"X9900","active":false})");
  EXPECT_EQ(Run(Compile("msg -> p.implicitRules = identifierSystem('RXX', 'MR') 'x';"), Message()),
            R"({"resourceType":"Patient","implicitRules":"urn:system:rxx"})");
  const std::string one = value("keyedHash((cx.c1), 'a')");
  EXPECT_EQ(one.size(), 32u) << one;
  EXPECT_EQ(one, value("keyedHash((cx.c1), 'a')"));
  EXPECT_NE(one, value("keyedHash((cx.c1 & 'a'))"));
  EXPECT_NE(one, value("keyedHash('12', '3a')"));
}

TEST_F(PlanOfAModel, TellsWhatRepeatsInVain) {
  const auto plan = Compile("msg.PID as pid then { pid.f11 as l -> p.language = l 'lines'; };");
  const fhir::Resource message = Whole();
  Mapped mapped{.target = Message(), .unread = {}, .unmapped = {}, .remarks = {}};
  EXPECT_EQ(Run(plan, message, &mapped), R"({"resourceType":"Patient","language":"two"})");
  ASSERT_EQ(mapped.remarks.size(), 1u);
  EXPECT_EQ(mapped.remarks[0].code, "overwritten");
  EXPECT_NE(mapped.remarks[0].text.find("'lines'"), std::string::npos);
}

TEST_F(PlanOfAModel, LogsTextsOfTheMapOnly) {
  const auto plan = Compile(
      "msg.PID as pid then { pid.f8 log 'sex seen' 'a'; pid.f8 log ($this & '!') 'b'; "
      "pid.f8 log 'warning: odd' 'c'; pid.f8 log ('warning: ' & $this) 'd'; };");
  const fhir::Resource message = Whole();
  Mapped mapped{.target = Message(), .unread = {}, .unmapped = {}, .remarks = {}};
  Run(plan, message, &mapped);
  ASSERT_EQ(mapped.remarks.size(), 4u);
  EXPECT_EQ(mapped.remarks[0].text, "sex seen");
  EXPECT_EQ(mapped.remarks[0].severity, 'I');
  EXPECT_EQ(mapped.remarks[1].text, "b");
  EXPECT_EQ(mapped.remarks[2].text, "odd");
  EXPECT_EQ(mapped.remarks[2].severity, 'W') << "told to the sender";
  EXPECT_EQ(mapped.remarks[3].text, "d");
  EXPECT_EQ(mapped.remarks[3].severity, 'I');
}

TEST_F(PlanOfAModel, Traces) {
  const auto plan = Compile(
      "msg.PID as pid then { pid.f8 as s -> p.language = s 'sex'; pid.f7; pid.f5 as x -> p.name as "
      "n "
      "then { x.c1 as f -> n.family = f 'family'; } 'name'; };");
  ASSERT_TRUE(plan.ok()) << plan.error().detail;
  std::string trace;
  const std::function<void(const TraceStep&)> record = [&trace](const TraceStep& step) {
    trace += std::string(step.rule) + ": " + step.source->Location() + " -> " +
             step.target->Location() + "\n";
  };
  RunOptions options;
  options.trace = &record;
  const fhir::Resource message = Whole();
  ASSERT_TRUE(plan->Run("urn:test", message.root(), options).ok());
  EXPECT_EQ(trace,
            "sex: MSG.PID.f8 -> Patient.language\n"
            "name: MSG.PID.f5[0] -> Patient.name[0]\n"
            "family: MSG.PID.f5[0].c1 -> Patient.name[0].family\n");
}

// Twice the source is twice the work, counted and not timed.
TEST_F(PlanOfAModel, IsLinearInItsSource) {
  const auto plan = Compile("msg.OBX as x -> p.name as n then { x.f1 as v -> n.text = v; };");
  ASSERT_TRUE(plan.ok()) << plan.error().detail;
  std::vector<uint64_t> steps;
  for (const uint32_t count : {10'000u, 20'000u, 40'000u}) {
    fhir::Resource message = Message();
    for (uint32_t i = 0; i < count; ++i) {
      fhir::Element* obx =
          message.root().AppendRaw(message.root().type().Find("OBX"), *builder_.Find("OBX"), {});
      obx->AppendRaw(obx->type().Find("f1"), *R4().Find("string"), "x");
    }
    const auto mapped = plan->Run("urn:test", message.root(), {});
    ASSERT_TRUE(mapped.ok());
    EXPECT_EQ(mapped->target.root().Count("name"), count);
    steps.push_back(mapped->steps);
  }
  EXPECT_EQ(steps[1], 2 * steps[0]);
  EXPECT_EQ(steps[2], 2 * steps[1]);
}

}  // namespace
}  // namespace gw::map
