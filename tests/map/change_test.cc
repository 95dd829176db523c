#include "gateway/map/change/change.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/map/patch_testing.h"

namespace gw::map {
namespace {

using fhir::Resource;

const fhir::Definitions& Definitions() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

Resource Parse(std::string_view json) {
  auto resource = fhir::ParseJson(json, Definitions(), Limits());
  EXPECT_TRUE(resource.ok()) << resource.error().detail << " at " << resource.error().where;
  return resource.ok() ? *std::move(resource) : *Resource::Make("Basic", Definitions());
}

std::string JsonOf(const Resource& resource) {
  std::string json;
  fhir::WriteJson(resource, &json);
  return json;
}

Change Make(Action action, std::string_view fragment) {
  return {action, Parse(fragment), "urn:uuid:00000000-0000-8000-8000-000000000001", "GOL[1]",
          false};
}

// What a change makes of a version; the error's HL7 code as text where it is refused.
std::string Outcome(const Change& change, const Resource* current) {
  if (current == nullptr) {
    Change own{change.action, change.fragment.Clone(), change.full_url, change.where,
               change.stub,   change.if_known};
    const auto created = Create(&own);
    return !created   ? std::to_string(created.error().hl7_code)
           : *created ? JsonOf(**created)
                      : "unchanged";
  }
  const auto operations = OperationsOf(change, *current);
  if (!operations) {
    return std::to_string(operations.error().hl7_code);
  }
  if (operations->empty()) {
    return "unchanged";
  }
  const auto result = Apply(change, *operations, *current);
  return result ? JsonOf(*result) : result.error().detail;
}

constexpr std::string_view kGoal =
    R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
    R"("lifecycleStatus":"active","description":{"text":"Walk"},"subject":{"reference":"Patient/1"},)"
    R"("startDate":"2026-03-02","note":[{"text":"first"}]})";

TEST(ChangeTest, EachActionOnKnownAndUnknownKeys) {
  const Resource goal = Parse(kGoal);
  const std::string other =
      R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
      R"("lifecycleStatus":"completed"})";
  const struct {
    Action action;
    bool known;
    std::string_view fragment;
    std::string_view outcome;
  } cases[] = {
      {Action::kAdd, false, kGoal, kGoal},       {Action::kAdd, true, kGoal, "unchanged"},
      {Action::kAdd, true, other, "205"},        {Action::kUpdate, false, kGoal, "204"},
      {Action::kCorrect, false, kGoal, "204"},   {Action::kDelete, false, kGoal, "204"},
      {Action::kUnchanged, false, kGoal, "204"}, {Action::kUnchanged, true, other, "unchanged"},
      {Action::kLink, true, other, "unchanged"}, {Action::kUnlink, false, other, "unchanged"},
      {Action::kMerge, false, kGoal, kGoal},     {Action::kMerge, true, kGoal, "unchanged"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(Make(c.action, c.fragment), c.known ? &goal : nullptr), c.outcome)
        << CodeOf(c.action) << (c.known ? " known" : " unknown");
  }
}

TEST(ChangeTest, ChangesOnlyWhatIsValued) {
  const Resource goal = Parse(kGoal);
  const Change change =
      Make(Action::kUpdate,
           R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
           R"("lifecycleStatus":"on-hold","note":[{"text":"second"},{"text":"third"}]})");
  EXPECT_EQ(Outcome(change, &goal),
            R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
            R"("lifecycleStatus":"on-hold","description":{"text":"Walk"},)"
            R"("subject":{"reference":"Patient/1"},"startDate":"2026-03-02",)"
            R"("note":[{"text":"second"},{"text":"third"}]})");
}

TEST(ChangeTest, NullRemoves) {
  const Resource goal = Parse(kGoal);
  Change change =
      Make(Action::kUpdate,
           R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}]})");
  (*change.fragment.root().Add("startDate"))->SetNull();
  (*change.fragment.root().Add("note"))->SetNull();
  EXPECT_EQ(Outcome(change, &goal),
            R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
            R"("lifecycleStatus":"active","description":{"text":"Walk"},)"
            R"("subject":{"reference":"Patient/1"}})");
}

TEST(ChangeTest, IdentifiersOfOtherSendersStay) {
  const Resource person =
      Parse(R"({"resourceType":"Patient","identifier":[{"system":"urn:a","value":"1"}],)"
            R"("telecom":[{"system":"phone","value":"01632 960001"}]})");
  const Change change = Make(
      Action::kMerge, R"({"resourceType":"Patient","identifier":[{"system":"urn:b","value":"2"}],)"
                      R"("telecom":[{"system":"phone","value":"01632 960002"}]})");
  EXPECT_EQ(Outcome(change, &person),
            R"({"resourceType":"Patient","identifier":[{"system":"urn:a","value":"1"},)"
            R"({"system":"urn:b","value":"2"}],)"
            R"("telecom":[{"system":"phone","value":"01632 960002"}]})");
}

std::string Item(std::string_view id, std::string_view action, std::string_view rest) {
  return R"({"id":")" + std::string(id) +
         R"(","extension":[{"url":"urn:caregate:action","valueCode":")" + std::string(action) +
         R"("}])" + std::string(rest) + "}";
}

std::string Team(const std::vector<std::string>& participants) {
  std::string list;
  for (const std::string& participant : participants) {
    list += (list.empty() ? "" : ",") + participant;
  }
  return R"({"resourceType":"CareTeam","identifier":[{"system":"urn:x:plan","value":"P1"}],)"
         R"("participant":[)" +
         list + "]}";
}

TEST(ChangeTest, ItemsHaveActionsOfTheirOwn) {
  const std::string ann = R"({"id":"R1","period":{"start":"2026-01-01"}})";
  const std::string bob = R"({"id":"R2","period":{"start":"2026-02-01"}})";
  const Resource team = Parse(Team({ann, bob}));
  const struct {
    std::string item;
    std::string outcome;
  } cases[] = {
      {Item("R3", "AD", R"(,"period":{"start":"2026-03-01"})"),
       Team({ann, bob, R"({"id":"R3","period":{"start":"2026-03-01"}})"})},
      {Item("R1", "AD", R"(,"period":{"start":"2026-01-01"})"), "unchanged"},
      {Item("R1", "UP", R"(,"period":{"end":"2026-04-01"})"),
       Team({R"({"id":"R1","period":{"start":"2026-01-01","end":"2026-04-01"}})", bob})},
      {Item("R9", "UP", R"(,"period":{"end":"2026-04-01"})"), "204"},
      {Item("R1", "DE", ""), Team({bob})},
      {Item("R9", "DE", ""), "204"},
      {Item("R9", "UN", ""), "unchanged"},
      {Item("R9", "UC", ""), "unchanged"},
      {Item("R3", "SP", R"(,"period":{"start":"2026-03-01"})"),
       Team({R"({"id":"R3","period":{"start":"2026-03-01"}})"})},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Outcome(Make(Action::kMerge, Team({c.item})), &team), c.outcome) << c.item;
  }
}

// Table 0287: what is to be changed and is not known is 204, in a list that is made now too.
TEST(ChangeTest, AnUnknownItemIsChangedOnlyByAnUpsert) {
  const Resource team = Parse(Team({R"({"id":"R1"})"}));
  for (const char* action : {"UP", "CO"}) {
    Change change =
        Make(Action::kMerge, Team({Item("R9", action, R"(,"period":{"end":"2026-04-01"})")}));
    EXPECT_EQ(Outcome(change, nullptr), "204") << action;
    EXPECT_EQ(Outcome(change, &team), "204") << action;
    Comparison comparison;
    comparison.upsert = true;
    const auto operations = OperationsOf(change, team, comparison);
    ASSERT_TRUE(operations.ok()) << action;
    EXPECT_EQ(operations->size(), 1u);
    const auto made = Create(&change, nullptr, true);
    ASSERT_TRUE(made.ok() && made->has_value()) << action;
    EXPECT_EQ((*made)->root().Count("participant"), 1u);
  }
}

std::string Reference(std::string_view value, std::string_view action) {
  return R"({"extension":[{"url":"urn:caregate:action","valueCode":")" + std::string(action) +
         R"("}],"reference":"urn:uuid:)" + std::string(value) +
         R"(","type":"Condition","identifier":{"system":"urn:x:condition","value":")" +
         std::string(value) + R"("}})";
}

std::string GoalWith(std::string_view addresses) {
  return R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
         R"("lifecycleStatus":"active","addresses":[)" +
         std::string(addresses) + "]}";
}

TEST(ChangeTest, ExtensionsOfOneUrlAreOneList) {
  const auto goal = [](std::initializer_list<std::string_view> said) {
    std::string text = R"({"resourceType":"Goal")";
    std::string_view separator = R"(,"extension":[)";
    for (const std::string_view one : said) {
      text.append(separator).append(R"({"url":"urn:x:)").append(one.substr(0, 1));
      text.append(R"(","valueCode":")").append(one).append("\"}");
      separator = ",";
    }
    return text + (said.size() == 0 ? "}" : "]}");
  };
  const Resource stands = Parse(goal({"a1", "a2", "b1"}));
  EXPECT_EQ(Outcome(Make(Action::kMerge, goal({"a1", "a2"})), &stands), "unchanged");
  EXPECT_EQ(Outcome(Make(Action::kAdd, goal({"a1", "a2", "b1"})), &stands), "unchanged");
  EXPECT_EQ(Outcome(Make(Action::kMerge, goal({"a3", "a4"})), &stands), goal({"b1", "a3", "a4"}));
  EXPECT_EQ(Outcome(Make(Action::kUpdate, goal({"a1"})), &stands), goal({"b1", "a1"}));
}

// R4 fhirpatch.html: `delete` takes a single element, and nobody knows how many of one url there
// are.
TEST(ChangeTest, APatchDeletesEachExtensionOfAUrlAlone) {
  std::vector<Change> changes;
  changes.push_back(
      Make(Action::kUpdate,
           R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
           R"("extension":[{"url":"urn:x:a","valueCode":"a3"}]})"));
  const auto bundle = ToTransaction(changes, Definitions());
  ASSERT_TRUE(bundle.ok()) << bundle.error().detail;
  const fhir::Element* patch = bundle->root().Child("entry")->Child("resource");
  Resource stands = Parse(R"({"resourceType":"Goal","extension":[)"
                          R"({"url":"urn:x:a","valueCode":"a1"},)"
                          R"({"url":"urn:x:b","valueCode":"b1"},)"
                          R"({"url":"urn:x:a","valueCode":"a2"}]})");
  const Status applied = ApplyPatch(*patch, &stands, Definitions());
  ASSERT_TRUE(applied.ok()) << applied.error().detail;
  std::string text;
  fhir::WriteJson(stands, &text);
  EXPECT_EQ(text, R"({"resourceType":"Goal","extension":[{"url":"urn:x:b","valueCode":"b1"},)"
                  R"({"url":"urn:x:a","valueCode":"a3"}]})");
}

// R4 per-1: nothing tells that a day ends after a time of that day began.
TEST(ChangeTest, APeriodIsKnownToOnePrecision) {
  const struct {
    std::string_view start;
    std::string_view end;
    std::string_view comes;
  } cases[] = {
      {"2026-03-05", "2026-03-05T10:15:00Z", "2026-03-05/2026-03-05 1"},
      {"2026-03-05T10:15:00Z", "2026-03-06", "2026-03-05/2026-03-06 1"},
      {"2026-03", "2026-03-05", "2026-03/2026-03 1"},
      {"2026-03-01", "2026-03-05T10:15:00Z", "2026-03-01/2026-03-05T10:15:00Z 0"},
      {"2026-03-05T10:15:00Z", "2026-03-05T10:16:00Z",
       "2026-03-05T10:15:00Z/2026-03-05T10:16:00Z 0"},
      {"2026-03-06", "2026-03-05T10:15:00Z", "2026-03-06/2026-03-05T10:15:00Z 0"},
  };
  for (const auto& c : cases) {
    Resource plan = Parse(R"({"resourceType":"CarePlan","period":{"start":")" +
                          std::string(c.start) + R"(","end":")" + std::string(c.end) + "\"}}");
    std::vector<Note> notes;
    AlignPeriods(&plan, &notes);
    EXPECT_EQ(std::string(plan.root().TextAt("period.start")) + "/" +
                  std::string(plan.root().TextAt("period.end")) + " " +
                  std::to_string(notes.size()),
              c.comes);
  }
}

TEST(ChangeTest, APermitLastsNoLongerThanWasSaid) {
  const struct {
    std::string_view start;
    std::string_view end;
    std::string_view comes;
  } cases[] = {
      {"2026-03-05", "2026-03-05T10:15:00+01:00",
       "2026-03-05T00:00:00+01:00/2026-03-05T10:15:00+01:00 1"},
      {"2026-03-05T10:15:00Z", "2026-03-05", "2026-03-05T10:15:00Z/2026-03-05T23:59:59Z 1"},
      {"2026-03-01", "2026-03-05T10:15:00Z", "2026-03-01/2026-03-05T10:15:00Z 0"},
      {"2026-03", "2026-03-05T10:15:00Z", "2026-03/2026-03-05T10:15:00Z 0"},
  };
  for (const auto& c : cases) {
    Resource consent = Parse(R"({"resourceType":"Consent","provision":{"period":{"start":")" +
                             std::string(c.start) + R"(","end":")" + std::string(c.end) + "\"}}}");
    std::vector<Note> notes;
    AlignPeriods(&consent, &notes);
    EXPECT_EQ(std::string(consent.root().TextAt("provision.period.start")) + "/" +
                  std::string(consent.root().TextAt("provision.period.end")) + " " +
                  std::to_string(notes.size()),
              c.comes);
  }
}

TEST(ChangeTest, LinksTouchNothingButTheReference) {
  const Resource goal = Parse(kGoal);
  const Change link = Make(Action::kLink, GoalWith(Reference("C1", "LI")));
  const auto operations = OperationsOf(link, goal);
  ASSERT_TRUE(operations.ok());
  const auto linked = Apply(link, *operations, goal);
  ASSERT_TRUE(linked.ok());
  EXPECT_EQ(linked->root().TextAt("lifecycleStatus"), "active");
  EXPECT_EQ(linked->root().TextAt("addresses.identifier.value"), "C1");
  EXPECT_EQ(linked->root().TextAt("note.text"), "first");
  // A second time it is there already, whatever its literal reference became.
  EXPECT_EQ(Outcome(link, &*linked), "unchanged");
  const Change unlink = Make(Action::kUnlink, GoalWith(Reference("C1", "UN")));
  EXPECT_EQ(Outcome(unlink, &*linked), kGoal);
}

TEST(ChangeTest, WhatALinkNamesAndNobodyKnowsBecomesAStubUntilItIsFilled) {
  Change link = Make(Action::kLink, GoalWith(Reference("C1", "LI")));
  const auto stub = Create(&link);
  ASSERT_TRUE(stub.ok() && stub->has_value());
  EXPECT_EQ((*stub)->root().TextAt("meta.tag.code"), kStubTag);
  const std::string filled = Outcome(Make(Action::kAdd, kGoal), &**stub);
  EXPECT_EQ(filled.find(kStubTag), std::string::npos);
  EXPECT_NE(filled.find("Walk"), std::string::npos);
}

TEST(ChangeTest, WhatIsCreatedHasNeitherMarksNorNullsNorWhatSaysNothing) {
  Change change = Make(
      Action::kMerge,
      R"({"resourceType":"Goal","extension":[{"url":"urn:caregate:rescind","valueCode":"x"}],)"
      R"("identifier":[{"system":"urn:x:goal"},{"system":"urn:x:goal","value":"G1"}],)"
      R"("lifecycleStatus":"active","description":{"text":"Walk"},"subject":{"type":"Patient"},)"
      R"("startDate":"2026-03-02","addresses":[{"extension":[{"url":"urn:caregate:action",)"
      R"("valueCode":"UC"}],"display":"gone"},{"extension":[{"url":"urn:caregate:action",)"
      R"("valueCode":"AD"}],"display":"here"}]})");
  change.fragment.root().Child("start")->SetNull();
  EXPECT_EQ(Outcome(change, nullptr),
            R"({"resourceType":"Goal","identifier":[{"system":"urn:x:goal","value":"G1"}],)"
            R"("lifecycleStatus":"active","description":{"text":"Walk"},)"
            R"("addresses":[{"display":"here"}]})");
  const Change nothing =
      Make(Action::kAdd, R"({"resourceType":"Goal","subject":{"type":"Patient"}})");
  EXPECT_EQ(Outcome(nothing, nullptr), "unchanged");
}

TEST(ChangeTest, DeletedConditionLosesItsClinicalStatus) {
  const Resource condition = Parse(
      R"({"resourceType":"Condition","identifier":[{"value":"C1"}],"clinicalStatus":{"text":"a"},)"
      R"("subject":{"reference":"Patient/1"}})");
  const std::string deleted =
      Outcome(Make(Action::kDelete, R"({"resourceType":"Condition","identifier":[{"value":"C1"}],)"
                                    R"("verificationStatus":{"text":"entered-in-error"}})"),
              &condition);
  EXPECT_EQ(
      deleted,
      R"({"resourceType":"Condition","identifier":[{"value":"C1"}],)"
      R"("verificationStatus":{"text":"entered-in-error"},"subject":{"reference":"Patient/1"}})");
  EXPECT_EQ(
      Outcome(Make(Action::kDelete, R"({"resourceType":"Condition","identifier":[{"value":"C1"}],)"
                                    R"("verificationStatus":{"text":"entered-in-error"}})"),
              [&] {
                static Resource gone = *Resource::Make("Condition", Definitions());
                gone = Parse(deleted);
                return &gone;
              }()),
      "unchanged");
}

std::string Consent(std::string_view status, std::string_view decision,
                    std::string_view provision) {
  return R"({"resourceType":"Consent","extension":[{"url":"urn:caregate:extension:)"
         R"(consent-decision","valueCoding":{"code":")" +
         std::string(decision) + R"("}}],"identifier":[{"value":"1"}],"status":")" +
         std::string(status) + R"(","provision":)" + std::string(provision) + "}";
}

TEST(ChangeTest, RescissionTakesAGrantsPermitsAndEndsARefusal) {
  constexpr std::string_view kGrant = R"({"type":"deny","provision":[{"type":"permit"}]})";
  constexpr std::string_view kDeny = R"({"type":"deny"})";
  Change rescission = Make(Action::kUpdate, Consent("active", "X", kDeny));
  auto mark = rescission.fragment.root().Add("extension");
  ASSERT_TRUE((*mark)->Add("url", kRescindMark).ok());
  ASSERT_TRUE((*mark)->Add("valueCode", "inactive").ok());
  const struct {
    std::string before;
    std::string after;
  } cases[] = {
      {Consent("active", "A", kGrant), Consent("active", "X", kDeny)},
      {Consent("active", "X", kDeny), "unchanged"},  // a second X must not widen
      {Consent("active", "R", kDeny), Consent("inactive", "X", kDeny)},
      {Consent("inactive", "X", kDeny), "unchanged"},
      {Consent("proposed", "P", kGrant), Consent("inactive", "X", kGrant)},
  };
  for (const auto& c : cases) {
    const Resource before = Parse(c.before);
    EXPECT_EQ(Outcome(rescission, &before), c.after) << c.before;
  }
}

TEST(ChangeTest, NewRulesOfAConsentLeaveNoOldModifierBehind) {
  const Resource unreadable = Parse(
      R"({"resourceType":"Consent","modifierExtension":[{"url":"urn:m","valueBoolean":true}],)"
      R"("identifier":[{"value":"1"}],"status":"active","provision":{"type":"deny"}})");
  const Change readable =
      Make(Action::kMerge, R"({"resourceType":"Consent","identifier":[{"value":"1"}],)"
                           R"("status":"active","provision":{"type":"permit"}})");
  EXPECT_EQ(Outcome(readable, &unreadable),
            R"({"resourceType":"Consent","identifier":[{"value":"1"}],"status":"active",)"
            R"("provision":{"type":"permit"}})");
}

// What stands in the transaction, applied by the test's own patcher, is what Apply does.
TEST(ChangeTest, PatchesSayWhatApplyDoes) {
  const std::string rich =
      R"({"resourceType":"Condition","meta":{"lastUpdated":"2026-01-01T00:00:00Z"},)"
      R"("extension":[{"url":"urn:e:1","valueString":"old"}],)"
      R"("identifier":[{"system":"urn:x","value":"it's"}],)"
      R"("subject":{"reference":"Patient/1"},"onsetString":"years ago",)"
      R"("category":[{"text":"a"},{"text":"b"}],"note":[{"text":"n"}]})";
  const std::string head =
      R"({"resourceType":"Condition","identifier":[{"system":"urn:x","value":"it's"}])";
  const std::string aside = R"({"extension":[{"url":"urn:e:2","valueString":"about"}]})";
  const std::string dated = rich.substr(0, rich.size() - 1) +
                            R"(,"recordedDate":"2026-01-01","_recordedDate":)"
                            R"({"extension":[{"url":"urn:e:3","valueString":"other"}]}})";
  const struct {
    Action action;
    std::string before;
    std::string fragment;
    bool json;
  } cases[] = {
      {Action::kUpdate, rich, head + R"(,"onsetDateTime":"2025-11-18"})", false},
      {Action::kCorrect, rich, head + R"(,"category":[{"text":"c"}],"onsetAge":{"value":3}})",
       true},
      {Action::kCorrect, dated,
       head + R"(,"category":[{"text":"c"}],"recordedDate":"2026-01-02","_recordedDate":)" + aside +
           R"(,"abatementString":"now","_abatementString":)" + aside + "}",
       true},
      {Action::kCorrect, dated,
       head + R"(,"category":[{"text":"c"}],"_recordedDate":)" + aside + "}", true},
      {Action::kCorrect, dated, head + R"(,"category":[{"text":"c"}],"recordedDate":"2026-01-02"})",
       true},
      {Action::kUpdate, rich,
       head + R"(,"extension":[{"url":"urn:e:1","valueString":"new"}],"category":[{"text":"c"}]})",
       false},
      {Action::kUpdate, rich,
       R"({"resourceType":"Condition","meta":{"security":[{"system":"urn:s","code":"R"}]},)" +
           head.substr(28) + "}",
       false},
      {Action::kDelete, rich, head + R"(,"verificationStatus":{"text":"entered-in-error"}})",
       false},
      {Action::kMerge, Team({R"({"id":"R1","role":[{"text":"x"}]})"}),
       Team({Item("R1", "UP",
                  R"(,"role":[{"text":"y"},{"text":"z"}],"period":{"end":"2026-02-02"})"),
             Item("R2", "AD", R"(,"member":{"reference":"Practitioner/2"})")}),
       false},
      {Action::kMerge, Team({R"({"id":"R1"})", R"({"id":"R2","role":[{"text":"x"}]})"}),
       Team({Item("R2", "DE", "")}), false},
      {Action::kLink, GoalWith(R"({"reference":"Condition/7"})"), GoalWith(Reference("C1", "LI")),
       false},
      {Action::kUnlink, GoalWith(R"({"reference":"Condition/7"},)" + Reference("C1", "LI")),
       GoalWith(Reference("C1", "UN")), false},
  };
  for (const auto& c : cases) {
    const Resource before = Parse(c.before);
    std::vector<Change> changes;
    changes.push_back(Make(c.action, c.fragment));
    const auto bundle = ToTransaction(changes, Definitions());
    ASSERT_TRUE(bundle.ok()) << bundle.error().detail;
    const fhir::Element* patch = bundle->root().Path("entry.resource");
    ASSERT_NE(patch, nullptr) << c.fragment;
    EXPECT_EQ(bundle->root().TextAt("entry.request.method"), "PATCH");
    EXPECT_EQ(patch->type().name(), c.json ? "Binary" : "Parameters") << c.fragment;
    Resource patched = before.Clone();
    const Status applied = ApplyPatch(*patch, &patched, Definitions());
    ASSERT_TRUE(applied.ok()) << applied.error().detail << c.fragment;
    const std::string outcome = Outcome(changes[0], &before);
    EXPECT_TRUE(SameContent(patched, Parse(outcome))) << JsonOf(patched) << "\n" << outcome;
  }
}

TEST(ChangeTest, TransactionUsesTheRightVerbs) {
  std::vector<Change> changes;
  changes.push_back(Make(Action::kMerge,
                         R"({"resourceType":"Patient","identifier":[{"system":"https://x/id",)"
                         R"("value":"a b|c"}],"active":true})"));
  changes.push_back(Make(Action::kAdd, kGoal));
  changes.push_back(Make(Action::kUnchanged, kGoal));
  changes[1].full_url = "urn:uuid:2";
  changes[2].full_url = "urn:uuid:3";
  changes.push_back(Make(Action::kAdd, R"({"resourceType":"CarePlan","identifier":[{"value":"P"}],)"
                                       R"("status":"active","intent":"plan",)"
                                       R"("goal":[{"reference":"urn:uuid:2"}]})"));
  changes[3].full_url = "urn:uuid:4";
  const auto bundle = ToTransaction(changes, Definitions());
  ASSERT_TRUE(bundle.ok()) << bundle.error().detail;
  const std::string json = JsonOf(*bundle);
  EXPECT_NE(json.find(R"("method":"PUT","url":"Patient?identifier=https://x/id|a%20b%5C%7Cc")"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("method":"POST","url":"Goal","ifNoneExist":"identifier=urn:x:goal|G1")"),
            std::string::npos)
      << json;
  // A key without a system is not one of any system.
  EXPECT_NE(json.find(R"("url":"CarePlan","ifNoneExist":"identifier=|P")"), std::string::npos)
      << json;
  EXPECT_EQ(bundle->root().Count("entry"), 3u);
  EXPECT_NE(json.find(R"("reference":"urn:uuid:2")"), std::string::npos) << json;
}

TEST(ChangeTest, ReferencesToWhatHasNoEntryAreConditional) {
  std::vector<Change> changes;
  changes.push_back(Make(Action::kUnchanged, kGoal));
  changes[0].full_url = "urn:uuid:3";
  changes.push_back(Make(
      Action::kAdd, R"({"resourceType":"CarePlan","identifier":[{"value":"P"}],"status":"active",)"
                    R"("goal":[{"reference":"urn:uuid:3"}]})"));
  const auto bundle = ToTransaction(changes, Definitions());
  ASSERT_TRUE(bundle.ok()) << bundle.error().detail;
  EXPECT_EQ(bundle->root().TextAt("entry.resource.goal.reference"),
            "Goal?identifier=urn:x:goal|G1");
}

}  // namespace
}  // namespace gw::map
