// What operators do with kept messages: nothing lost, everything found, and nothing done twice.
#include "gateway/flow/operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "gateway/flow/admin.h"
#include "gateway/flow/feed_watch.h"
#include "gateway/flow/remarks.h"
#include "tests/flow/flow_testing.h"

namespace gw::flow {
namespace {

namespace fs = std::filesystem;

std::string CarePlanMessage() { return ProjectFile("tests/demo/01-care-plan.hl7"); }

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

// An update of a plan that nobody has: AE 204 until the plan is there.
std::string UpdateMessage() {
  return Replaced(
      Replaced(Replaced(CarePlanMessage(), "PPP^PCB^", "PPP^PCC^"), "PTH|AD|", "PTH|UP|"),
      "DEMO000001", "DEMO000077");
}

class OperationsTest : public testing::Test {
 protected:
  OperationsTest()
      : gateway_(folder_.Path("gateway")),
        operations_(gateway_.parts(), &gateway_.ingest(), &gateway_.journal()),
        admin_(gateway_.parts(), &operations_, nullptr) {
    gateway_.exchange().Offer(&admin_);
  }
  store::Archive& archive() { return gateway_.parts().store.archive(); }
  std::string Accept(const std::string& bytes) { return gateway_.Acknowledge(bytes); }
  uint64_t NumberOf(const std::string& control_id) {
    store::MessageQuery query;
    query.control_id = control_id;
    const auto found = archive().List(query);
    EXPECT_TRUE(found && !found->empty()) << control_id;
    return found && !found->empty() ? found->back().number : 0;
  }
  Selection AllOf(const std::string& feed) const {
    Selection selection;
    selection.feed = feed;
    selection.from = Instant{0};
    selection.until = Instant{gateway_clock_.Now().unix_us + 3'600'000'000};
    return selection;
  }
  Json Ask(const std::string& method, const std::string& target, const std::string& body = "",
           int status = 200) {
    const Response answer = gateway_.Answer(gateway_.Ask(method, target, engineer_, body));
    EXPECT_EQ(answer.status(), status) << target << ": " << answer.body();
    return *Json::Parse(answer.body(), Limits{});
  }

  const Caller engineer_{"desk", "X9901", "integration-engineer", "", "", ""};
  SystemClock gateway_clock_;
  TempFolder folder_;
  TestGateway gateway_;
  Operations operations_;
  Admin admin_;
};

TEST(Remarks, ACauseHoldsCodeAndPlaceAndNeitherRepetitionNorRow) {
  EXPECT_EQ(CauseOf({Code::kUnprocessable, "r", "PID-3[2].4", 204}), "204 PID-3.4");
  EXPECT_EQ(CauseOf({Code::kInvalid, "r", "row 17, column DOB", 0}), "102 column DOB");
  EXPECT_EQ(CauseOf({Code::kUnprocessable, "r", "CarePlan.goal[0].reference", 102}),
            "102 CarePlan.goal.reference");
  EXPECT_EQ(CauseOf({Code::kInternal, "r", "", 0}), "207");
}

TEST_F(OperationsTest, ARefusedMessageIsResubmittedWhenItsCauseIsGone) {
  Accept(UpdateMessage());
  const auto causes = archive().Causes(std::nullopt);
  ASSERT_EQ(causes->size(), 1u);
  EXPECT_EQ(causes->front().feed, "northshire-council");
  EXPECT_TRUE(causes->front().cause.starts_with("204 ")) << causes->front().cause;
  const uint64_t number = NumberOf("DEMO000077");
  EXPECT_EQ(operations_.Resubmit(number, "test")->outcome, "AE");  // nothing has changed
  EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kOpen);

  Accept(CarePlanMessage());
  Selection selection;
  selection.feed = "northshire-council";
  selection.cause = causes->front().cause;
  const auto batch = operations_.ResubmitAll(selection, "test");
  ASSERT_TRUE(batch) << batch.error().detail;
  EXPECT_EQ(batch->taken, 1u);
  EXPECT_TRUE(archive().Causes(std::nullopt)->empty());
  EXPECT_EQ(archive().Open(number)->entry.outcome, "AA");
  EXPECT_EQ(operations_.Resubmit(number, "test").error().code, Code::kConflict);
  const store::FeedState feed = archive().Feeds()->front();
  EXPECT_EQ(feed.received, 2u);
  EXPECT_EQ(feed.taken, 1u);
  EXPECT_EQ(feed.refused, 1u);
  EXPECT_EQ(feed.replayed, 2u);
}

TEST_F(OperationsTest, AnEditTakesThePlaceOfWhatWasRefused) {
  const std::string bad = Replaced(CarePlanMessage(), "|P|2.5.1|", "|T|2.5.1|");
  Accept(bad);
  const uint64_t number = NumberOf("DEMO000001");
  const auto still = operations_.ResubmitEdited(
      number, Replaced(CarePlanMessage(), "|P|2.5.1|", "|D|2.5.1|"), "test");
  ASSERT_TRUE(still);
  EXPECT_EQ(still->outcome, "AR");
  EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kReplaced);
  EXPECT_EQ(archive().Open(number)->entry.replaced_by, still->number);
  EXPECT_EQ(archive().Open(number)->bytes, bad);  // kept
  const auto good = operations_.ResubmitEdited(still->number, CarePlanMessage(), "test");
  ASSERT_TRUE(good) << good.error().detail;
  EXPECT_EQ(good->outcome, "AA");
  EXPECT_TRUE(archive().Causes(std::nullopt)->empty());
  EXPECT_EQ(MatchesOn(gateway_.Get("/fhir/CarePlan?identifier=PC-2026-3117", Caller{})), 1u);
}

TEST_F(OperationsTest, WhatIsDiscardedNeedsAReasonAndIsKept) {
  Accept(UpdateMessage());
  const uint64_t number = NumberOf("DEMO000077");
  EXPECT_EQ(operations_.Discard(number, "", "test").error().code, Code::kInvalid);
  EXPECT_EQ(operations_.Discard(number, " \n", "test").error().code, Code::kInvalid);
  EXPECT_TRUE(operations_.Discard(number, "sent twice", "test"));
  EXPECT_EQ(archive().Open(number)->entry.note, "discarded by test: sent twice");
  EXPECT_EQ(archive().Open(number)->bytes, UpdateMessage());
  EXPECT_EQ(operations_.Discard(number, "again", "test").error().code, Code::kConflict);
  EXPECT_EQ(operations_.Discard(1, "none", "test").error().code, Code::kNotFound);
  // Its sender does not know, and tries again: it stays so, and the answer says so.
  const std::string answer = Accept(UpdateMessage());
  EXPECT_NE(answer.find("MSA|AE"), std::string::npos) << answer;
  EXPECT_NE(answer.find("an operator has discarded this message"), std::string::npos) << answer;
  EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kDiscarded);
  Accept(CarePlanMessage());
  EXPECT_NE(Accept(UpdateMessage()).find("MSA|AA"), std::string::npos);
  EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kDone);
}

TEST_F(OperationsTest, AnEditThatCannotBeReadTakesNoPlace) {
  Accept(UpdateMessage());
  const uint64_t number = NumberOf("DEMO000077");
  const std::string good = CarePlanMessage();
  for (const std::string& edit :
       {std::string("xxx"), "\x0b" + good + "\x1c\r", good + good, "BHS|^~\\&|X\r" + good}) {
    const auto refused = operations_.ResubmitEdited(number, edit, "test");
    ASSERT_FALSE(refused) << edit.substr(0, 20);
    EXPECT_EQ(refused.error().code, Code::kUnprocessable);
    EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kOpen)
        << edit.substr(0, 20);
  }
  Ask("POST", "/admin/messages/" + std::to_string(number) + "/resubmit", "hello", 422);
  const auto edited =
      operations_.ResubmitEdited(number, Replaced(good, "|P|2.5.1|", "|T|2.5.1|"), "test");
  ASSERT_TRUE(edited) << edited.error().detail;
  EXPECT_EQ(edited->outcome, "AR");
  EXPECT_EQ(archive().Open(edited->number)->entry.feed, "northshire-council");
  const std::string answer = Accept(UpdateMessage());
  EXPECT_NE(answer.find("an operator has put another message in its place"), std::string::npos)
      << answer;
}

TEST_F(OperationsTest, TwoWhoDoTheSameAtOneTimeCountItOnce) {
  for (const char* id : {"DEMO2", "DEMO3", "DEMO4", "DEMO5"}) {
    Accept(Replaced(UpdateMessage(), "DEMO000077", id));
  }
  const std::string cause = archive().Causes(std::nullopt)->front().cause;
  Selection selection;
  selection.feed = "northshire-council";
  selection.cause = cause;
  const auto both = [](const auto& call) {
    std::optional<Result<Batch>> first;
    std::thread other([&] { first.emplace(call()); });
    const Result<Batch> second = call();
    other.join();
    EXPECT_TRUE(*first && second);
    return std::pair(**first, *second);
  };
  Accept(CarePlanMessage());  // what they wait for
  const auto [a, b] = both([&] { return operations_.ResubmitAll(selection, "test"); });
  EXPECT_EQ(a.taken + b.taken, 4u);
  EXPECT_EQ(a.refused + b.refused, 0u);
  for (const char* id : {"DEMO6", "DEMO7", "DEMO8", "DEMO9"}) {
    Accept(Replaced(Replaced(UpdateMessage(), "DEMO000077", id), "|P|2.5.1|", "|T|2.5.1|"));
  }
  selection.cause = archive().Causes(std::nullopt)->front().cause;
  const auto [c, d] = both([&] { return operations_.DiscardAll(selection, "known", "test"); });
  EXPECT_EQ(c.discarded + d.discarded, 4u);
  EXPECT_TRUE(archive().Causes(std::nullopt)->empty());
}

TEST_F(OperationsTest, WhatIsAskedIsKnownAndSaidOnce) {
  Accept(CarePlanMessage());
  Accept(Replaced(CarePlanMessage(), "DEMO000001", "DEMO2"));
  Accept(Replaced(CarePlanMessage(), "DEMO000001", "DEMO3"));
  for (const char* path :
       {"/admin/feeds?x=1", "/admin/causes?feed=&feed=", "/admin/messages?state=open&state=done",
        "/admin/messages?state=open&limit=5",
        "/admin/messages?state=open&until=2026-01-01&from=2027-01-01",
        "/admin/feeds/northshire-council/fields?cause=x"}) {
    Ask("GET", path, "", 400);
  }
  Ask("POST", "/admin/causes/resubmit", R"({"feed":"northshire-council","cause":"c","x":1})", 400);
  Ask("POST", "/admin/trace", R"({"control_id":"DEMO2","identifier":"9991001018"})", 400);
  Ask("POST", "/admin/feeds/northshire-council/replay",
      R"({"from":"2027-01-01","until":"2026-01-01"})", 400);
  // Page after page.
  Json page = Ask("GET", "/admin/messages?feed=northshire-council&count=2");
  EXPECT_EQ(page.Find("messages")->items().size(), 2u);
  ASSERT_TRUE(page.Find("more")->boolean());
  page = Ask("GET", "/admin/messages?feed=northshire-council&count=2&after=" +
                        std::string(page.TextOf("after")));
  ASSERT_EQ(page.Find("messages")->items().size(), 1u);
  EXPECT_EQ(page.Find("messages")->items()[0].TextOf("control_id"), "DEMO3");
  EXPECT_FALSE(page.Find("more")->boolean());
}

TEST_F(OperationsTest, FreeTextOfACallDoesNotGoIntoTheLog) {
  const std::string text(5000, 'x');
  Ask("POST", "/admin/trace", R"({"resource":"Patient/Ann Smith"})", 400);
  EXPECT_EQ(gateway_.Records().back().target, "");
  Ask("POST", "/admin/trace", R"({"resource":"Smith/p1"})", 400);
  EXPECT_EQ(gateway_.Records().back().target, "");
  Ask("GET", "/admin/feeds/" + text + "/fields", "", 404);
  EXPECT_EQ(gateway_.Records().back().target, "");
  EXPECT_LT(gateway_.Records().back().action.size(), 300u);
  Ask("POST", "/admin/feeds/" + text + "/replay", R"({"from":"2020-01-01","until":"2099-01-01"})",
      404);
  EXPECT_EQ(gateway_.Records().back().target, "");
}

TEST_F(OperationsTest, AReplayMakesNoVersionTwice) {
  Accept(CarePlanMessage());
  Accept(UpdateMessage());
  Accept(Replaced(UpdateMessage(), "DEMO000077", "DEMO000078"));
  const auto same = operations_.Replay(AllOf("northshire-council"), "test");
  ASSERT_TRUE(same) << same.error().detail;
  EXPECT_EQ(same->unchanged, 3u);

  // The same maps under another version: everything is translated once more, and nothing changes.
  const std::string maps = folder_.Path("mappings");
  fs::copy(std::string(GW_SOURCE_DIR) + "/mappings", maps, fs::copy_options::recursive);
  std::ofstream(maps + "/hl7v2-to-fhir/segment/MSH.map", std::ios::app) << "\n// another version\n";
  auto translator = map::Translator::Load(maps, std::string(GW_SOURCE_DIR) + "/profiles",
                                          gateway_.parts().definitions);
  ASSERT_TRUE(translator) << translator.error().detail;
  const auto before = gateway_.parts().mappings.Get();
  gateway_.parts().mappings.Set(
      std::make_shared<Mappings>(Mappings{*std::move(translator), before->feeds, before->senders}));
  const auto replayed = operations_.Replay(AllOf("northshire-council"), "test");
  ASSERT_TRUE(replayed) << replayed.error().detail;
  EXPECT_EQ(replayed->taken, 3u);
  EXPECT_EQ(replayed->versions, 0u);
  const auto again = operations_.Replay(AllOf("northshire-council"), "test");
  EXPECT_EQ(again->unchanged, 3u);  // these maps have seen them
  EXPECT_EQ(Accept(CarePlanMessage()).find("MSA|AA") != std::string::npos, true);
}

TEST_F(OperationsTest, AMessageIsTracedFromItsIdItsPersonAndItsResources) {
  Accept(CarePlanMessage());
  const uint64_t number = NumberOf("DEMO000001");
  const auto by_id = operations_.TraceControlId("DEMO000001");
  ASSERT_TRUE(by_id);
  ASSERT_EQ(by_id->messages.size(), 1u);
  EXPECT_EQ(by_id->versions.size(), by_id->messages.front().resources.size());
  EXPECT_GT(by_id->versions.size(), 4u);
  const std::string plan = [&] {
    for (const store::VersionOrigin& version : by_id->versions) {
      if (version.key.type == "CarePlan") {
        return version.key.id;
      }
    }
    return std::string();
  }();
  // Clients find the same in the Provenance.
  const Response answer = gateway_.Answer(gateway_.Ask("GET", "/fhir/Provenance", Caller{}));
  for (const std::string part : {"urn:caregate:feed", "northshire-council", "DEMO000001",
                                 "urn:caregate:map-version", "/_history/1"}) {
    EXPECT_NE(answer.body().find(part), std::string::npos) << part << answer.body();
  }

  const auto by_resource = operations_.TraceResource({"CarePlan", plan});
  ASSERT_TRUE(by_resource);
  ASSERT_EQ(by_resource->messages.size(), 1u);
  EXPECT_EQ(by_resource->messages.front().number, number);
  ASSERT_EQ(by_resource->patients.size(), 1u);

  const std::string message = CarePlanMessage();
  const size_t at = message.find("999");
  const std::string nhs_number = message.substr(at, 10);
  Accept(Replaced(Replaced(message, "|P|2.5.1|", "|T|2.5.1|"), "DEMO000001", "DEMO000002"));
  const auto by_person = operations_.TracePerson(nhs_number);
  ASSERT_TRUE(by_person);
  EXPECT_EQ(by_person->patients, by_resource->patients);
  EXPECT_EQ(by_person->messages.size(), 2u);  // what was refused is found too
}

TEST_F(OperationsTest, OperatorsAloneAreServedAndEachRequestIsLogged) {
  Accept(CarePlanMessage());
  Accept(Replaced(Replaced(CarePlanMessage(), "|P|2.5.1|", "|T|2.5.1|"), "DEMO000001", "DEMO2"));
  const std::string number = std::to_string(NumberOf("DEMO000001"));
  for (const char* role : {"doctor", "auditor", ""}) {
    const Caller other{"surgery", "X9902", role, "TREAT", "", "system/*.cruds"};
    EXPECT_EQ(gateway_.Answer(gateway_.Ask("GET", "/admin/messages/" + number, other)).status(),
              403);
  }
  rest::Request nobody = gateway_.Ask("GET", "/admin/feeds", engineer_);
  nobody.headers.pop_back();
  EXPECT_EQ(gateway_.Answer(nobody).status(), 401);

  // What was refused made nothing, and is somebody's all the same.
  Ask("GET", "/admin/messages/" + std::to_string(NumberOf("DEMO2")));
  EXPECT_EQ(gateway_.Records().back().patients.size(), 1u);
  const size_t entries = gateway_.Records().size();
  const Json message = Ask("GET", "/admin/messages/" + number);
  EXPECT_EQ(message.TextOf("bytes"), CarePlanMessage());
  const AccessRecord record = gateway_.Records().back();
  EXPECT_EQ(gateway_.Records().size(), entries + 1);
  EXPECT_EQ(record.kind, "operation");
  EXPECT_EQ(record.target, "message/" + number);
  EXPECT_EQ(record.patients.size(), 1u);  // whose message was opened

  EXPECT_EQ(Ask("GET", "/admin/feeds").Find("feeds")->items().size(),
            gateway_.parts().mappings.Get()->feeds.size())
      << "those that never sent anything are among them";
  EXPECT_FALSE(Ask("GET", "/admin/feeds/northshire-council/fields").Find("fields")->is_null());
  const Json causes = Ask("GET", "/admin/causes");
  const std::string cause(causes.Find("causes")->items().front().TextOf("cause"));
  EXPECT_EQ(Ask("GET", "/admin/messages?state=open").Find("messages")->items().size(), 1u);
  Ask("GET", "/admin/messages?state=gone", "", 400);
  Ask("GET", "/admin/messages", "", 400);
  EXPECT_EQ(Ask("POST", "/admin/trace", R"({"control_id":"DEMO000001"})")
                .Find("messages")
                ->items()
                .size(),
            1u);
  Ask("POST", "/admin/causes/discard", R"({"feed":"northshire-council","cause":")" + cause + "\"}",
      400);
  Ask("POST", "/admin/causes/discard",
      R"({"feed":"northshire-council","cause":")" + cause + R"(","reason":"known"})");
  EXPECT_TRUE(archive().Causes(std::nullopt)->empty());
  EXPECT_EQ(Ask("POST", "/admin/feeds/northshire-council/replay",
                R"({"from":"2020-01-01","until":"2099-01-01"})")
                .Find("unchanged")
                ->text(),
            "2");
  Ask("POST", "/admin/feeds/northshire-council/replay", R"({"from":"soon"})", 400);
  Ask("GET", "/admin/nothing", "", 404);
  for (const char* path :
       {"/admin/feeds/nope/fields", "/admin/causes?feed=nope", "/admin/messages?feed=nope"}) {
    Ask("GET", path, "", 404);
  }
  Ask("POST", "/admin/feeds/nope/replay", R"({"from":"2020-01-01","until":"2099-01-01"})", 404);
  Ask("POST", "/admin/causes/resubmit", R"({"feed":"nope","cause":"c"})", 404);
  EXPECT_EQ(Ask("GET", "/admin/causes?feed=").Find("causes")->items().size(), 0u);
  Ask("POST", "/admin/reload", "", 405);  // nothing to reload here
}

TEST(AuditEvents, SayWhichOperationItWas) {
  struct Case {
    const char* action;
    const char* subtype;
    const char* kind;
  };
  const Case cases[] = {
      {"GET /admin/messages/7", "show", "R"},
      {"feed show", "show", "R"},
      {"GET /admin/messages", "messages", "R"},
      {"GET /admin/feeds", "list", "R"},
      {"GET /admin/feeds/council/fields", "fields", "R"},
      {"POST /admin/trace", "trace", "R"},
      {"POST /admin/messages/7/resubmit", "resubmit", "E"},
      {"POST /admin/messages/7/discard", "discard", "U"},
      {"feed discard", "discard", "U"},
      {"POST /admin/causes/discard", "discard-cause", "U"},
      {"POST /admin/causes/resubmit", "resubmit-cause", "E"},
      {"POST /admin/feeds/council/replay", "replay", "E"},
      {"POST /admin/reload", "reload", "E"},
  };
  for (const Case& test : cases) {
    AccessRecord record;
    record.kind = "operation";
    record.action = test.action;
    const auto event = Json::Parse(ToAuditEvent(record, "caregate").json, Limits{});
    ASSERT_TRUE(event);
    EXPECT_EQ(event->Find("subtype")->items().front().TextOf("code"), test.subtype) << test.action;
    EXPECT_EQ(event->TextOf("action"), test.kind) << test.action;
  }
}

TEST_F(OperationsTest, WithoutTheLogNoMessageIsOpened) {
  Accept(CarePlanMessage());
  ASSERT_TRUE(gateway_.log().Close());
  const auto answer = gateway_.exchange().Handle(
      gateway_.Ask("GET", "/admin/messages/" + std::to_string(NumberOf("DEMO000001")), engineer_));
  EXPECT_FALSE(answer);
}

TEST_F(OperationsTest, RowsAreResubmittedFromTheirFile) {
  const map::Feed feed =
      gateway_.parts().mappings.Get()->feeds.find("northshire-care-plans")->second;
  std::string file = ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  const auto report = gateway_.ingest().AcceptCsv(file, feed, "plans.csv");
  ASSERT_TRUE(report);
  store::MessageQuery rows;
  rows.feed = feed.name;
  const auto kept = archive().List(rows);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), report->groups.size() + 1);  // and the file itself
  for (const store::MessageEntry& entry : *kept) {
    if (entry.type == store::kFileType) {
      EXPECT_EQ(archive().Open(entry.number)->bytes, file);
    } else if (entry.state == store::MessageState::kOpen) {
      EXPECT_EQ(operations_.Resubmit(entry.number, "test")->outcome, "AE");
      EXPECT_EQ(archive().Open(entry.number)->entry.attempts, entry.attempts + 1);
      AccessRecord record;
      const auto shown = operations_.Open(entry.number, &record);
      ASSERT_TRUE(shown);
      EXPECT_EQ(std::count(shown->bytes.begin(), shown->bytes.end(), '\n'), 2) << shown->bytes;
      EXPECT_TRUE(shown->bytes.starts_with("PersonID,NHS No,Surname,")) << shown->bytes;
    }
  }
  const store::FeedState state = archive().Feeds()->front();
  EXPECT_EQ(state.received, report->groups.size());  // no arrival was counted twice
}

TEST_F(OperationsTest, AFileThatIsRefusedWaitsInTheQueue) {
  const map::Feed feed =
      gateway_.parts().mappings.Get()->feeds.find("northshire-care-plans")->second;
  const std::string good = ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  const std::string bad = good + "\"never closed";
  EXPECT_FALSE(gateway_.ingest().AcceptCsv(bad, feed, "plans.csv"));
  store::MessageQuery query;
  query.feed = feed.name;
  query.state = store::MessageState::kOpen;
  ASSERT_EQ(archive().List(query)->size(), 1u);
  const store::MessageEntry entry = archive().List(query)->front();
  EXPECT_EQ(entry.type, store::kFileType);
  EXPECT_EQ(entry.outcome, "AE");
  EXPECT_FALSE(entry.reason.empty());
  EXPECT_EQ(archive().Open(entry.number)->bytes, bad);
  EXPECT_EQ(gateway_.Records().back().outcome, "4");
  const auto again = operations_.Resubmit(entry.number, "test");
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(again->outcome, "AE");
  EXPECT_EQ(archive().Open(entry.number)->entry.attempts, 2u);
  EXPECT_TRUE(operations_.Discard(entry.number, "sent anew", "test"));
  EXPECT_TRUE(archive().List(query)->empty());
}

TEST_F(OperationsTest, RowsThatWereGivenUpAreNotTakenAlong) {
  const map::Feed feed =
      gateway_.parts().mappings.Get()->feeds.find("northshire-care-plans")->second;
  ASSERT_TRUE(gateway_.ingest().AcceptCsv(ProjectFile("tests/data/csv/northshire-care-plans.csv"),
                                          feed, "plans.csv"));
  store::MessageQuery query;
  query.feed = feed.name;
  query.state = store::MessageState::kOpen;
  const auto open = archive().List(query);
  ASSERT_GE(open->size(), 2u);
  ASSERT_TRUE(operations_.Discard(open->front().number, "known", "test"));
  ASSERT_TRUE(operations_.Resubmit(open->back().number, "test"));
  EXPECT_EQ(archive().Open(open->front().number)->entry.state, store::MessageState::kDiscarded);
  EXPECT_EQ(archive().Open(open->front().number)->entry.attempts, 1u);
}

TEST_F(OperationsTest, RowsThatAreForgottenAreNotTakenAlong) {
  const map::Feed feed =
      gateway_.parts().mappings.Get()->feeds.find("northshire-care-plans")->second;
  ASSERT_TRUE(gateway_.ingest().AcceptCsv(ProjectFile("tests/data/csv/northshire-care-plans.csv"),
                                          feed, "plans.csv"));
  store::Transaction forget;
  forget.upkeep.pruning = {feed.name, Instant{gateway_clock_.Now().unix_us + 1'000'000}, 1'000};
  ASSERT_TRUE(gateway_.journal().Commit(std::move(forget)));
  store::MessageQuery query;
  query.feed = feed.name;
  const auto kept = archive().List(query);
  const auto waits = std::find_if(kept->begin(), kept->end(), [](const auto& entry) {
    return entry.state == store::MessageState::kOpen;
  });
  ASSERT_NE(waits, kept->end());
  ASSERT_EQ(std::count_if(kept->begin(), kept->end(),
                          [](const auto& entry) { return entry.outcome == "AA"; }),
            1)
      << "the file alone";
  ASSERT_TRUE(operations_.Resubmit(waits->number, "test"));
  EXPECT_EQ(archive().List(query)->size(), kept->size());
}

TEST_F(OperationsTest, AnEditThatIsKnownAlreadySettlesTheMessage) {
  Accept(CarePlanMessage());
  const std::string bad =
      Replaced(Replaced(CarePlanMessage(), "DEMO000001", "BAD0000001"), "PTH|AD|", "PTH|XX|");
  Accept(bad);
  const uint64_t number = NumberOf("BAD0000001");
  ASSERT_EQ(archive().Open(number)->entry.state, store::MessageState::kOpen);
  const auto taken = operations_.ResubmitEdited(number, CarePlanMessage(), "test");
  ASSERT_TRUE(taken) << taken.error().detail;
  EXPECT_EQ(taken->outcome, "AA");
  EXPECT_EQ(archive().Open(number)->entry.state, store::MessageState::kReplaced);
  EXPECT_EQ(archive().Feeds()->front().repeated, 0u) << "no sender repeated anything";
}

// A clock that tests move.
TEST_F(OperationsTest, AFeedThatFallsSilentOrPilesUpIsToldOnce) {
  FixedClock clock(gateway_clock_.Now());
  Parts& parts = gateway_.parts();
  const Parts watched{parts.definitions,   parts.indexer,    parts.validator, parts.labeller,
                      parts.authenticator, parts.policy,     parts.mappings,  parts.store,
                      parts.access_index,  parts.log,        clock,           parts.limits,
                      parts.base_url,      parts.source_name};
  const auto before = parts.mappings.Get();
  auto translator =
      map::Translator::Load(std::string(GW_SOURCE_DIR) + "/mappings",
                            std::string(GW_SOURCE_DIR) + "/profiles", parts.definitions);
  Mappings cared{*std::move(translator), before->feeds, before->senders};
  cared.feed_care["northshire-council"] = {30, 1, 7};
  parts.mappings.Set(std::make_shared<Mappings>(std::move(cared)));
  Accept(CarePlanMessage());
  FeedWatch watch(watched, &gateway_.journal());
  const auto in_force = [&](const std::string& condition) {
    EXPECT_TRUE(watch.Look());
    const auto alerts = archive().Alerts();
    for (const store::FeedAlert& alert : *alerts) {
      if (alert.feed == "northshire-council" && alert.condition == condition) {
        return std::pair(alert.since.unix_us != 0, alert.raised);
      }
    }
    return std::pair(false, uint64_t{0});
  };
  EXPECT_EQ(in_force("silent"), std::pair(false, uint64_t{0}));
  clock.Set(Instant{clock.Now().unix_us + 31 * 60'000'000LL});
  EXPECT_EQ(in_force("silent"), std::pair(true, uint64_t{1}));
  EXPECT_EQ(in_force("silent"), std::pair(true, uint64_t{1}));  // told once
  FeedWatch restarted(watched, &gateway_.journal());
  EXPECT_TRUE(restarted.Look());
  const auto standing = archive().Alerts();
  ASSERT_TRUE(standing);
  for (const store::FeedAlert& alert : *standing) {
    if (alert.feed == "northshire-council" && alert.condition == "silent") {
      EXPECT_NE(alert.since.unix_us, 0);  // a restart is no recovery
      EXPECT_EQ(alert.raised, 1u);
    }
  }
  clock.Set(gateway_clock_.Now());
  Accept(UpdateMessage());
  EXPECT_EQ(in_force("silent"), std::pair(false, uint64_t{1}));
  EXPECT_EQ(in_force("queue"), std::pair(false, uint64_t{0}));
  Accept(Replaced(UpdateMessage(), "DEMO000077", "DEMO000079"));
  Accept(Replaced(CarePlanMessage(), "|P|2.5.1|", "|T|2.5.1|"));
  Accept(Replaced(Replaced(CarePlanMessage(), "|P|2.5.1|", "|T|2.5.1|"), "DEMO000001", "DEMO3"));
  EXPECT_EQ(in_force("queue"), std::pair(true, uint64_t{1}));

  // Time goes by: what is open stays, what is done goes.
  clock.Set(Instant{clock.Now().unix_us + 8 * 86'400'000'000LL});
  EXPECT_TRUE(watch.Look());
  store::MessageQuery all;
  all.feed = "northshire-council";
  const auto left = archive().List(all);
  ASSERT_TRUE(left);
  for (const store::MessageEntry& entry : *left) {
    EXPECT_EQ(entry.state, store::MessageState::kOpen);
  }
  const auto feeds = archive().Feeds();
  ASSERT_TRUE(feeds);
  EXPECT_GT(feeds->front().pruned, 0u);
  EXPECT_GT(feeds->front().open, 1u);
}

}  // namespace
}  // namespace gw::flow
