#include "gateway/fhir/path/path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "tests/fhir/path_testing.h"

namespace gw::fhir::path {
namespace {

TEST(FhirPath, ErrorsNameLineAndColumn) {
  struct Case {
    std::string_view expression;
    std::string_view expected;
  };
  static constexpr Case kCases[] = {
      {"", "error: the expression ends too early (line 1, column 1)"},
      {"a.", "error: a name was expected (line 1, column 3)"},
      {"a b", "error: an operator or the end was expected (line 1, column 3)"},
      {"a\n  .b(", "error: there is no function of this name (line 2, column 4)"},
      {"a.where()", "error: wrong number of arguments (line 1, column 3)"},
      {"a.first(1)", "error: wrong number of arguments (line 1, column 3)"},
      {"(1 + 2", "error: ) was expected (line 1, column 7)"},
      {"a[1", "error: ] was expected (line 1, column 4)"},
      {"'abc", "error: a string is not closed (line 1, column 1)"},
      {"'abc\\", "error: a string is not closed (line 1, column 1)"},
      {"`abc", "error: an identifier is not closed (line 1, column 1)"},
      {"1 /* x", "error: a comment is not closed (line 1, column 3)"},
      {"'é' ?", "error: a character that no expression has here (line 1, column 5)"},
      {"'\\q'", "error: an unknown escape (line 1, column 3)"},
      {"'\\u12'", "error: \\u needs four hexadecimal digits (line 1, column 3)"},
      {"@2026-13", "error: not a date or time (line 1, column 1)"},
      {"@T25", "error: not a date or time (line 1, column 1)"},
      {"$that", "error: $this, $index or $total was expected (line 1, column 1)"},
      {"%", "error: a name was expected after % (line 1, column 1)"},
      {"99999999999999999999", "error: an integer is out of range (line 1, column 1)"},
      {"a is", "error: the name of a type was expected (line 1, column 5)"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Outcome(one.expression, nullptr), one.expected) << one.expression;
  }
}

TEST(FhirPath, BoundsOfAnExpression) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '(') + "1" + std::string(depth, ')');
  };
  EXPECT_EQ(Outcome(nested(250), nullptr), "1");
  EXPECT_EQ(Outcome(nested(251), nullptr),
            "error: the expression is nested too deeply (line 1, column 252)");
  const auto sum = [](size_t terms) {
    std::string text = "1";
    for (size_t i = 1; i < terms; ++i) {
      text += "+1";
    }
    return text;
  };
  EXPECT_EQ(Outcome(sum(250), nullptr), "250");
  EXPECT_TRUE(Outcome(sum(251), nullptr).starts_with("error: the expression is nested too deeply"));
  EXPECT_TRUE(Outcome(std::string(1000, '-') + "1", nullptr).starts_with("error: the expression"));
  EXPECT_EQ(Outcome("'" + std::string(64 * 1024, 'a') + "'", nullptr),
            "error: the expression is too long (line 1, column 1)");
}

TEST(FhirPath, StrictModeRefusesWhatTheTypesForbid) {
  const Resource patient = Parsed(
      R"({"resourceType": "Patient", "name": [{"family": "Testcase"}], "deceasedBoolean": false})");
  struct Case {
    std::string_view expression;
    std::string_view strict;
    std::string_view lenient;
  };
  static constexpr Case kCases[] = {
      {"name.middle", "error: the type has no element of this name (line 1, column 6)", ""},
      {"name.where(middle = 'x')",
       "error: the type has no element of this name (line 1, column 12)", ""},
      {"Encounter.status",
       "error: the focus is not of the type that the path begins with (line 1, column 1)", ""},
      {"Patient.deceasedBoolean", "error: the type has no element of this name (line 1, column 9)",
       ""},
      {"(deceased as Period).unit",
       "error: the type has no element of this name (line 1, column 22)", ""},
      {"children().first()",
       "error: the function needs an order that its input does not have (line 1, column 12)",
       "<HumanName>"},
      {"children()[0]", "error: an index into items that have no order (line 1, column 11)",
       "<HumanName>"},
      {"deceased is Boolean", "false", "true"},
      {"descendants().as(string)",
       "error: one item was expected, there are several (line 1, column 15)", "Testcase"},
      {"deceased is SomethingOfAnotherVersion",
       "error: there is no type of this name (line 1, column 13)", "false"},
      {"iif(name, 1, 2)", "error: a boolean was expected (line 1, column 5)", "1"},
      {"'\\d'", "error: an unknown escape (line 1, column 3)", "d"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Outcome(one.expression, &patient.root(), Mode::kStrict), one.strict)
        << one.expression;
    EXPECT_EQ(Outcome(one.expression, &patient.root(), Mode::kLenient), one.lenient)
        << one.expression;
  }
}

// Every expression that R4 itself brings compiles, each once.
TEST(FhirPath, CompilesAllOfR4) {
  std::set<std::string_view> invariants;
  std::set<std::string_view> parameters;
  std::vector<const TypeDef*> types(R4().resource_types().begin(), R4().resource_types().end());
  for (size_t i = 0; i < types.size(); ++i) {
    for (const Invariant& invariant : types[i]->invariants()) {
      invariants.insert(invariant.expression);
    }
    for (const ElementDef& element : types[i]->elements()) {
      for (const TypeDef* type : element.types) {
        if (std::find(types.begin(), types.end(), type) == types.end()) {
          types.push_back(type);
        }
      }
    }
  }
  for (const TypeDef* type : R4().resource_types()) {
    for (const SearchParameter* parameter : R4().SearchParametersOf(type->name())) {
      parameters.insert(parameter->expression);
    }
  }
  for (const auto* expressions : {&invariants, &parameters}) {
    EXPECT_GT(expressions->size(), 150U);
    for (const std::string_view expression : *expressions) {
      if (expression.empty()) {
        continue;  // _text, _content and the like
      }
      auto compiled = Expression::Compile(expression, R4(), Mode::kLenient);
      EXPECT_TRUE(compiled) << expression << ": "
                            << (compiled ? "" : compiled.error().detail + compiled.error().where);
    }
  }
}

// A resource that breaks no rule of R4's, so that an invariant that is misread shows.
TEST(FhirPath, InvariantsOfR4HoldOnAGoodResource) {
  const Resource plan = Parsed(R"({
    "resourceType": "CarePlan", "id": "c1",
    "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Plan</div>"},
    "contained": [{"resourceType": "Practitioner", "id": "k", "name": [{"family": "Testcase"}]}],
    "extension": [{"url": "urn:ex:next-review", "valueDate": "2026-03-01"}],
    "status": "active", "intent": "plan",
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "author": {"reference": "#k"},
    "activity": [{"detail": {"status": "scheduled",
      "scheduledTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
      "quantity": {"value": 2.5, "system": "http://unitsofmeasure.org", "code": "mg"}}}]})");
  Arena arena;
  Environment environment;
  environment.arena = &arena;
  environment.definitions = &R4();
  environment.resource = &plan.root();
  environment.root_resource = &plan.root();
  std::vector<const Element*> nodes = {&plan.root()};
  int tested = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const Element* child = nodes[i]->first_child(); child; child = child->next()) {
      nodes.push_back(child);
    }
    for (const Invariant& invariant : nodes[i]->type().invariants()) {
      auto compiled = Expression::Compile(invariant.expression, R4(), Mode::kLenient);
      ASSERT_TRUE(compiled) << invariant.expression;
      if (invariant.element.empty() && invariant.error) {
        ++tested;
        EXPECT_TRUE(compiled->Holds(nodes[i], environment))
            << nodes[i]->Location() << " " << invariant.key << " " << invariant.expression;
      }
    }
  }
  EXPECT_GT(tested, 40);
}

constexpr std::string_view kDom3 =
    "contained.where((('#'+id in (%resource.descendants().reference | "
    "%resource.descendants().as(canonical) | %resource.descendants().as(uri) | "
    "%resource.descendants().as(url))) or descendants().where(reference = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = "
    "'#').exists()).not()).trace('unmatched', id).empty()";

std::string Containing(size_t count, bool all_used) {
  std::string contained;
  std::string used;
  for (size_t i = 0; i < count; ++i) {
    const std::string id = "k" + std::to_string(i);
    contained += std::string(i == 0 ? "" : ",") + R"({"resourceType": "Practitioner", "id": ")" +
                 id + R"("})";
    if (all_used || i != 0) {
      used += std::string(used.empty() ? "" : ",") + R"({"reference": "#)" + id + R"("})";
    }
  }
  return R"({"resourceType": "CarePlan", "status": "active", "intent": "plan",
            "subject": {"reference": "Patient/p1"}, "contained": [)" +
         contained + R"(], "contributor": [)" + used + "]}";
}

TEST(FhirPath, Dom3FindsTheUnusedContainedResource) {
  for (const bool all_used : {true, false}) {
    const Resource plan = Parsed(Containing(20, all_used));
    EXPECT_EQ(Outcome(kDom3, &plan.root(), Mode::kLenient), all_used ? "true" : "false");
  }
}

// The tree is walked once, not once for each contained resource: 2,000 of them would take minutes.
TEST(FhirPath, Dom3WalksTheTreeOnce) {
  const Resource plan = Parsed(Containing(2000, true));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Outcome(kDom3, &plan.root(), Mode::kLenient), "true");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(FhirPath, VariablesAndResolver) {
  const Resource task = Parsed(R"({"resourceType": "Task", "status": "requested", "intent": "order",
    "for": {"reference": "Patient/p1"}, "focus": {"reference": "urn:ex:nowhere"}})");
  const Resource patient = Parsed(R"({"resourceType": "Patient", "id": "p1", "gender": "other"})");
  const std::function<const Element*(std::string_view)> resolver =
      [&patient](std::string_view reference) {
        return reference == "Patient/p1" ? &patient.root() : nullptr;
      };
  Arena arena;
  const std::pair<std::string_view, Collection> variables[] = {
      {"limit", {Value::Integer(3, &arena)}}, {"nothing", {}}};
  Environment environment;
  environment.arena = &arena;
  environment.definitions = &R4();
  environment.variables = variables;
  environment.resolver = &resolver;
  const auto holds = [&](std::string_view expression) {
    auto compiled = Expression::Compile(expression, R4(), Mode::kStrict);
    return compiled && compiled->Holds(&task.root(), environment);
  };
  EXPECT_TRUE(holds("for.resolve().gender = 'other'"));
  EXPECT_TRUE(holds("focus.resolve().empty()"));
  EXPECT_TRUE(holds("%limit = 3 and %nothing.empty()"));
  EXPECT_FALSE(holds("%limit = 4"));
  EXPECT_FALSE(holds("%limit"));        // not a boolean
  EXPECT_FALSE(holds("true | false"));  // not a single one
  EXPECT_FALSE(holds("%missing"));      // an error
}

// An Environment of one evaluation of R4.
Environment Around(Arena* arena) {
  Environment environment;
  environment.arena = arena;
  environment.definitions = &R4();
  return environment;
}

std::string EvaluatedIn(const Environment& environment, const Element& focus,
                        std::string_view expression) {
  auto compiled = Expression::Compile(expression, R4(), Mode::kStrict);
  if (!compiled) {
    return "error: " + compiled.error().detail;
  }
  auto result = compiled->Evaluate(&focus, environment);
  if (!result) {
    return "error: " + result.error().detail;
  }
  std::string out;
  for (const Value& value : *result) {
    out += (out.empty() ? "" : " ; ") + std::string(value.text());
  }
  return out;
}

TEST(FhirPath, ResolvesInsideABundle) {
  const Resource bundle = Parsed(R"({"resourceType": "Bundle", "type": "collection", "entry": [
    {"fullUrl": "https://a.example/fhir/Patient/1", "resource": {"resourceType": "Patient",
      "id": "1", "meta": {"versionId": "7"}, "gender": "female"}},
    {"fullUrl": "https://b.example/fhir/Patient/1", "resource": {"resourceType": "Patient",
      "id": "1", "gender": "male"}},
    {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource":
      {"resourceType": "Patient", "gender": "other"}},
    {"fullUrl": "https://b.example/fhir/Task/t", "resource": {"resourceType": "Task", "id": "t",
      "status": "requested", "intent": "order", "for": {"reference": "Patient/1"},
      "focus": {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
      "owner": {"reference": "#own"}, "requester": {"reference": "https://a.example/fhir/Patient/1"},
      "encounter": {"reference": "Encounter/nowhere"},
      "contained": [{"resourceType": "Patient", "id": "own", "gender": "unknown"}]}},
    {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1", "resource":
      {"resourceType": "Task", "id": "u", "status": "requested", "intent": "order",
       "for": {"reference": "https://a.example/fhir/Patient/1/_history/7"},
       "requester": {"reference": "https://a.example/fhir/Patient/1/_history/8"},
       "focus": {"reference": "Patient/1"}}}]})");
  const std::function<const Element*(std::string_view)> nothing = [](std::string_view) {
    return nullptr;
  };
  Arena arena;
  Environment environment = Around(&arena);
  environment.resolver = &nothing;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"entry[3].resource.for.resolve().gender", "male"},  // the base of its own entry
      {"entry[3].resource.focus.resolve().gender", "other"},
      {"entry[3].resource.owner.resolve().gender", "unknown"},
      {"entry[3].resource.requester.resolve().gender", "female"},
      {"entry[3].resource.encounter.resolve()", ""},
      {"entry[4].resource.for.resolve().gender", "female"},  // version 7
      {"entry[4].resource.requester.resolve()", ""},         // there is no version 8
      {"entry[4].resource.focus.resolve()", ""},             // its fullUrl has no base
  };
  for (const auto& [expression, expected] : cases) {
    EXPECT_EQ(EvaluatedIn(environment, bundle.root(), expression), expected) << expression;
  }
}

TEST(FhirPath, AsksTheHooksItIsGiven) {
  using Membership = Definitions::Membership;
  const Resource patient = Parsed(R"({"resourceType": "Patient", "gender": "other",
    "name": [{"family": "A"}, {"family": "B"}], "maritalStatus": {"coding":
    [{"system": "urn:ex:s", "code": "x"}, {"system": "urn:ex:s", "code": "M"}]}})");
  const std::function<Membership(std::string_view, std::string_view, std::string_view)> membership =
      [](std::string_view value_set, std::string_view system, std::string_view code) {
        if (value_set != "urn:ex:set|2") {
          return Membership::kUnknown;
        }
        const bool is_member = (code == "other" && system.empty()) || code == "M";
        return is_member ? Membership::kMember : Membership::kNotMember;
      };
  const std::function<std::optional<bool>(const Element&, std::string_view)> conformance =
      [](const Element& element, std::string_view profile) {
        return profile == "urn:ex:profile" ? std::optional<bool>(element.type().name() == "Patient")
                                           : std::nullopt;
      };
  std::string told;
  const std::function<void(std::string_view, std::span<const Value>)> tracer =
      [&told](std::string_view name, std::span<const Value> items) {
        told += std::string(name) + ":";
        for (const Value& item : items) {
          told += std::string(item.text()) + ",";
        }
      };
  Arena arena;
  Environment environment = Around(&arena);
  environment.membership = &membership;
  environment.conformance = &conformance;
  environment.tracer = &tracer;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"gender.memberOf('urn:ex:set|2')", "true"},
      {"gender.memberOf('urn:ex:set|1')", ""},
      {"maritalStatus.memberOf('urn:ex:set|2')", "true"},
      {"maritalStatus.coding[0].memberOf('urn:ex:set|2')", "false"},
      {"conformsTo('urn:ex:profile')", "true"},
      {"name[0].conformsTo('urn:ex:profile')", "false"},
      {"conformsTo('urn:ex:other')", "error: the profile is not known here"},
      {"name.family.trace('family').count()", "2"},
      {"name.trace('both', family).trace('none', given).count()", "2"},
  };
  for (const auto& [expression, expected] : cases) {
    EXPECT_EQ(EvaluatedIn(environment, patient.root(), expression), expected) << expression;
  }
  EXPECT_EQ(told, "family:A,B,both:A,B,none:");
}

// HL7 v2 and CSV trees are asked in the same language: names of segments are elements there, though
// R4's types begin with a capital too.
TEST(FhirPath, SourceModels) {
  ModelBuilder builder(R4());
  builder.AddType("Message", {{"PID", "PID", 1}, {"Patient", "string", 1}});
  builder.AddType("PID", {{"name", "XPN", kMany}, {"birth", "dateTime", 1}});
  builder.AddType("XPN", {{"family", "string", 1}});
  ASSERT_TRUE(builder.Finish());
  Resource message = Resource::MakeOf(*builder.Find("Message"));
  Element* pid = *message.root().Add("PID");
  ASSERT_TRUE((*pid->Add("name"))->Add("family", "Testcase"));
  ASSERT_TRUE(pid->Add("birth", "1950-03-31"));
  ASSERT_TRUE(message.root().Add("Patient", "here"));
  (*pid->Add("name"))->SetNull();
  struct Case {
    std::string_view expression;
    std::string_view expected;
  };
  static constexpr Case kCases[] = {
      {"PID.name.family", "Testcase"},
      {"Message.PID.name.family", "Testcase"},
      {"Patient", "here"},
      {"PID.birth < @1960", "true"},
      {"PID.name.count()", "2"},
      {"PID.name.where(hasValue()).count()", "0"},
      {"PID is PID", "true"},
      {"PID.type().namespace", "Model"},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(Outcome(one.expression, &message.root(), Mode::kLenient), one.expected)
        << one.expression;
  }
}

TEST(FhirPath, WhatAnExpressionMakesIsBounded) {
  EXPECT_EQ(Outcome("'" + std::string(4096, 'a') +
                        "'.toChars().aggregate($total + $total + 'x', 'y').length()",
                    nullptr),
            "error: the string is too long (line 1, column 4127)");
  EXPECT_EQ(Outcome("'" + std::string(40, 'a') +
                        "'.toChars().aggregate($total.combine($total), 1).count()",
                    nullptr)
                .substr(0, 37),
            "error: the collection is too large (l");
  EXPECT_EQ(Outcome("-(-9223372036854775807 - 1)", nullptr), "");
  EXPECT_EQ(Outcome("'" + std::string(40, 'a') +
                        "'.toChars().aggregate($total & $total, 'abcdefgh"
                        "').toChars()",
                    nullptr)
                .substr(0, 25),
            "error: the string is too ");
}

// Nesting multiplies work; an expression of a client ends all the same.
TEST(FhirPath, WorkIsBounded) {
  std::string items = "'" + std::string(200, 'a') + "'.toChars()";
  std::string nested = "true";
  for (int i = 0; i < 6; ++i) {
    nested = items + ".all(" + nested + ")";
  }
  EXPECT_TRUE(
      Outcome(nested, nullptr).starts_with("error: the expression takes too long on this input"));
  const std::string many = "'" + std::string(60'000, 'a') + "'.toChars()";
  EXPECT_TRUE(Outcome(many + ".combine('b') ~ " + "'b'.combine($this)", nullptr) == "false");
}

// Damaged expressions give a value or an error, and nothing else. The generator is fixed: each run
// is the same.
TEST(FhirPath, SurvivesDamagedExpressions) {
  static constexpr std::string_view kSeeds[] = {
      kDom3,
      "name.where(use = 'official').given.first() | name.family & 'x'",
      "(1 | 2 | 3).aggregate(iif($total.empty() or $this < $total, $this, $total), 1.5)",
      "@2026-01-20T10:00:00.000+01:00 + 1.5 'wk' > today() and @T10:30 < timeOfDay()",
      "1.587 'mg/dL'.lowBoundary(6) ~ (2 'kg' / 3 '10*3/uL').toString().replaceMatches('[0-9]+', "
      "'')",
      "descendants().ofType(Coding).memberOf(%`vs-task-status`) implies $this is FHIR.Patient",
      "contact.name.family.extension('urn:ex').value.as(string).matches('^(a|b)*?[c-e]{2,3}$')"};
  const Resource patient = Parsed(
      R"({"resourceType": "Patient", "name": [{"use": "official", "family": "Testcase"}],
          "contained": [{"resourceType": "Organization", "id": "o"}], "birthDate": "1950-03-31"})");
  uint64_t state = 20260120;
  const auto next = [&state](size_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state >> 33U) % bound;
  };
  int errors = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text(kSeeds[next(std::size(kSeeds))]);
    for (size_t edits = next(4) + 1; edits > 0; --edits) {
      const std::string_view other = kSeeds[next(std::size(kSeeds))];
      const size_t at = next(text.size());
      const size_t from = next(other.size());
      text.replace(at, next(6), other.substr(from, next(12)));
    }
    const Mode mode = round % 2 == 0 ? Mode::kStrict : Mode::kLenient;
    errors += Outcome(text, &patient.root(), mode).starts_with("error") ? 1 : 0;
  }
  EXPECT_GT(errors, 1000);
  EXPECT_LT(errors, 6000);
}

TEST(FhirPath, LargeCollectionsStayLinear) {
  // Twice 20,000 values: comparing each with each would be 400 million steps.
  std::string codes;
  for (int i = 0; i < 20'000; ++i) {
    codes += std::string(i == 0 ? "" : ",") + R"({"code": "c)" + std::to_string(i) + R"("})";
  }
  const Resource system = Parsed(
      R"({"resourceType": "CodeSystem", "status": "active", "content": "complete", "concept": [)" +
      codes + "]}");
  EXPECT_EQ(Outcome("(concept.code | concept.code).count()", &system.root()), "20000");
  EXPECT_EQ(Outcome("concept.code.isDistinct()", &system.root()), "true");
}

}  // namespace
}  // namespace gw::fhir::path
