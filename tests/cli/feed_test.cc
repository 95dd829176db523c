// caregate feed on a store, and the reload of a running gateway's configuration.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/gateway.h"
#include "gateway/cli/reload.h"
#include "gateway/map/fml/structure_map.h"
#include "tests/temp_folder.h"

namespace gw::cli {
namespace {

namespace fs = std::filesystem;

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class FeedCommand : public testing::Test {
 protected:
  FeedCommand() {
    const std::string root = GW_SOURCE_DIR;
    fs::create_symlink(root + "/profiles", Path("profiles"));
    fs::copy(root + "/mappings", Path("mappings"), fs::copy_options::recursive);
    Write("feeds/council.json", Replaced(FileText(root + "/config/feeds/northshire-council.json"),
                                         "northshire-council", "council"));
    Write("config.json", ConfigText());
  }
  static std::string ConfigText() {
    return R"({"development":true,"http":{"port":0},"store":{"path":"store.db"},
"log":{"directory":"log","key":"key.pem","origin":"test.example/log"},
"mappings":"mappings","profiles":"profiles","feeds":["feeds/council.json"],
"senders":{"ASCCASE|X9903":"council"},
"operations":{"queue_max":5,"feeds":{"council":{"retain_days":30}}},
"issuers":[{"url":"https://issuer.test.example","audience":"https://caregate.test.example",
"jwks":")" +
           std::string(GW_SOURCE_DIR) + R"(/config/development/jwks.json"}]})";
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void Write(const std::string& name, const std::string& text) const { folder_.Write(name, text); }
  // Runs `step` on an assembled gateway.
  template <typename Step>
  void On(const Step& step) {
    Result<Config> config = ReadConfig(Path("config.json"));
    ASSERT_TRUE(config) << config.error().where << ": " << config.error().detail;
    Gateway gateway(*std::move(config));
    const Status assembled = Assemble(&gateway);
    ASSERT_TRUE(assembled) << assembled.error().where << ": " << assembled.error().detail;
    Connect(&gateway, 0);
    step(&gateway);
    Close(&gateway);
  }
  // caregate feed ...: exit code, and what it printed.
  std::pair<int, std::string> Feed(std::vector<std::string> words) {
    words.insert(words.end(), {"--config", Path("config.json")});
    testing::internal::CaptureStdout();
    const int code = cli::Feed(Arguments(std::move(words)));
    return {code, testing::internal::GetCapturedStdout()};
  }
  const std::string message_ =
      FileText(std::string(GW_SOURCE_DIR) + "/tests/demo/01-care-plan.hl7");
  TempFolder folder_;
};

TEST_F(FeedCommand, FindsAndSettlesWhatWasRefused) {
  const std::string test_message = Replaced(message_, "|P|2.5.1|", "|T|2.5.1|");
  On([&](Gateway* gateway) {
    gateway->ingest->AnswerV2(test_message, "192.0.2.8");
    // Beside a running gateway: what shows nobody's data, and nothing else.
    EXPECT_EQ(Feed({"causes"}).first, kDone);
    EXPECT_EQ(Feed({"show", "1"}).first, kCannotRun);
  });
  const auto [code, causes] = Feed({"causes"});
  EXPECT_EQ(code, kDone);
  const auto cause = Json::Parse(causes, Limits{});
  ASSERT_TRUE(cause) << causes;
  EXPECT_EQ(cause->TextOf("feed"), "council");
  EXPECT_EQ(cause->TextOf("cause"), "202 MSH-11");
  const auto listed = Json::Parse(Feed({"messages", "--feed", "council"}).second, Limits{});
  ASSERT_TRUE(listed);
  const std::string number = listed->Find("message")->text();

  const auto shown = Json::Parse(Feed({"show", number}).second, Limits{});
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->TextOf("bytes"), test_message);
  EXPECT_EQ(Feed({"resubmit", number}).first, kRefused);   // nothing has changed
  EXPECT_EQ(Feed({"discard", number}).first, kCannotRun);  // without a reason
  Write("edited.hl7", message_);
  EXPECT_EQ(Feed({"resubmit", number, "--file", Path("edited.hl7")}).first, kDone);
  EXPECT_EQ(Feed({"causes"}).second, "");
  EXPECT_EQ(
      Feed({"replay", "--feed", "council", "--from", "2020-01-01", "--until", "2099-01-01"}).first,
      kDone);
  const auto trace = Json::Parse(Feed({"trace", "--control-id", "DEMO000001"}).second, Limits{});
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->Find("messages")->items().size(), 2u);
  EXPECT_GT(trace->Find("versions")->items().size(), 4u);
  EXPECT_EQ(Feed({"list"}).first, kDone);
  EXPECT_EQ(Feed({"fields", "--feed", "council"}).first, kDone);
  const std::vector<std::vector<std::string>> misused = {
      {"nothing"},
      {"show"},
      {"show", "one"},
      {"list", "--what"},
      {"list", number},
      {"fields"},
      {"resubmit"},
      {"resubmit", "--feed", "council"},
      {"discard", number, "--reason", " "},
      {"discard", "--feed", "council", "--cause", "202 MSH-11"},
      {"replay", "--feed", "council", "--from", "2020-01-01"},
      {"replay", "--feed", "council", "--from", "2099-01-01", "--until", "2020-01-01"},
      {"replay", "--feed", "council", "--from", "2020-01-01T18", "--until", "2099-01-01"},
      {"messages", "--from", "2026-11-22T18"},
      {"messages", "--state", "gone"},
      {"trace"},
      {"trace", "--resource", "CarePlan"}};
  for (const std::vector<std::string>& words : misused) {
    EXPECT_EQ(Feed(words).first, kCannotRun) << words.front() << " " << words.back();
  }
  const std::vector<std::vector<std::string>> unknown_feeds = {
      {"list", "--feed", "nope"},
      {"causes", "--feed", "nope"},
      {"fields", "--feed", "nope"},
      {"replay", "--feed", "nope", "--from", "2020-01-01", "--until", "2099-01-01"},
      {"resubmit", "--feed", "nope", "--cause", "c"}};
  for (const std::vector<std::string>& words : unknown_feeds) {
    EXPECT_EQ(Feed(words).first, kRefused) << words.front();
  }
  EXPECT_EQ(Feed({"list", "--feed", ""}).second, "");  // nothing is of no feed
  EXPECT_NE(Feed({"list", "--feed", "council"}).second, "");

  size_t operations = 0;
  On([&](Gateway* gateway) {
    const auto entries = gateway->log->ReadFrom(0, 1000);
    ASSERT_TRUE(entries);
    for (const audit::Stored& entry : *entries) {
      const auto record = flow::FromBytes(entry.entry.bytes);
      operations += record && record->kind == "operation" ? 1u : 0u;
    }
  });
  EXPECT_EQ(operations, 7u);  // show, resubmit twice, replay, trace; of no feed: replay, resubmit
}

// Whatever a message, a row or a destination will need is missed when the maps are loaded.
TEST_F(FeedCommand, ALoadMissesWhatIsNotThere) {
  const std::string admit = "mappings/hl7v2-to-fhir/message/ADT_A01.map";
  const std::string outward = "mappings/fhir-to-hl7v2/message/ADT_A01.map";
  const std::string carers = "mappings/csv-to-fhir/carers/carers.map";
  Write("feeds/carers.json",
        FileText(std::string(GW_SOURCE_DIR) + "/config/feeds/northshire-carers.json"));
  Write("config.json", Replaced(ConfigText(), "\"feeds/council.json\"",
                                "\"feeds/council.json\",\"feeds/carers.json\""));
  On([&](Gateway* gateway) {
    ConfigReloader reloader(Path("config.json"), gateway);
    const auto check = [&] {
      testing::internal::CaptureStdout();
      const int code = Check(Arguments({"--config", Path("config.json")}));
      return std::pair(code, testing::internal::GetCapturedStdout());
    };
    ASSERT_EQ(check(), std::pair(kDone, std::string()));
    const auto expect_missed = [&](const std::string& place) {
      const Status reloaded = reloader.Reload();
      ASSERT_FALSE(reloaded) << place;
      EXPECT_NE(reloaded.error().where.find(place), std::string::npos) << reloaded.error().where;
      const auto [code, said] = check();
      EXPECT_EQ(code, kRefused) << place;
      EXPECT_NE(said.find(place), std::string::npos) << said;
    };
    const std::string admit_text = FileText(Path(admit));
    fs::remove(Path(admit));
    expect_missed("hl7v2-to-fhir/messages.json: $.ADT[0]");
    Write(admit, admit_text);
    const std::string carers_text = FileText(Path(carers));
    fs::remove(Path(carers));
    expect_missed("feeds/carers.json: map");
    Write(carers, carers_text);
    const std::string outward_text = FileText(Path(outward));
    Write(outward, outward_text + "\nzzz\n");
    expect_missed("fhir-to-hl7v2/message/ADT_A01.map:");
    Write(outward, outward_text);
    Write("destinations/ward.json", R"({"zz":1})");
    expect_missed("destinations/ward.json");
    fs::remove(Path("destinations/ward.json"));
    // A code table that nothing has, and one that nothing asks for.
    Write(admit,
          Replaced(admit_text, "message.MSH as msh then",
                   "message.MSH as probe then { probe.f9 as type then { type.c1 as code -> "
                   "bundle.type = translate(code, 'urn:caregate:feed:nope', 'code') \"a\"; } "
                   "\"b\"; } \"c\";\n  message.MSH as msh then"));
    expect_missed("hl7v2-to-fhir/message/ADT_A01.map:");
    Write(admit, admit_text);
    const std::string council_text = FileText(Path("feeds/council.json"));
    Write("feeds/council.json",
          Replaced(council_text, "\"tables\": {", "\"tables\": {\"nope\": {},"));
    expect_missed("feeds/council.json: tables.nope");
    Write("feeds/council.json", council_text);
    // A StructureMap is a map wherever it stands; another JSON file is missed.
    const auto map = map::ReadMap(admit, admit_text, gateway->definitions, Limits{});
    ASSERT_TRUE(map);
    fs::remove(Path(admit));
    Write("mappings/hl7v2-to-fhir/message/ADT_A01.json", map::WriteStructureMap(*map));
    EXPECT_EQ(check(), std::pair(kDone, std::string()));
    EXPECT_TRUE(reloader.Reload());
    Write("mappings/hl7v2-to-fhir/notes.json", R"({"a":1})");
    expect_missed("hl7v2-to-fhir/notes.json");
  });
}

// A start checks what a reload does: the maps by which is sent on too.
TEST_F(FeedCommand, AStartRefusesWhatAReloadWould) {
  const std::string outward = "mappings/fhir-to-hl7v2/message/ADT_A01.map";
  const std::string text = FileText(Path(outward));
  const auto serve = [&] {
    testing::internal::CaptureStderr();
    const int code = Serve(Arguments({"--config", Path("config.json")}));
    return std::pair(code, testing::internal::GetCapturedStderr());
  };
  Write(outward, text + "\nzzz\n");
  const auto [map, of_map] = serve();
  EXPECT_EQ(map, kRefused);
  EXPECT_NE(of_map.find("fhir-to-hl7v2/message/ADT_A01.map:"), std::string::npos) << of_map;
  Write(outward, text);
  Write("destinations/ward.json", R"({"zz":1})");
  const auto [destination, of_destination] = serve();
  EXPECT_EQ(destination, kRefused);
  EXPECT_NE(of_destination.find("destinations/ward.json"), std::string::npos) << of_destination;
  EXPECT_FALSE(fs::exists(Path("store.db"))) << "nothing was opened before";
}

TEST_F(FeedCommand, AReloadIsWholeOrNothing) {
  On([&](Gateway* gateway) {
    ConfigReloader reloader(Path("config.json"), gateway);
    const auto before = gateway->mappings->Get();
    EXPECT_EQ(before->CareOf("council").retain_days, 30u);
    EXPECT_EQ(before->CareOf("council").queue_max, 5u);
    EXPECT_EQ(before->CareOf("another").retain_days, 0u);

    Write("config.json", Replaced(ConfigText(), "\"retain_days\":30", "\"retain_days\":31"));
    EXPECT_TRUE(reloader.Reload());
    EXPECT_EQ(gateway->mappings->Get()->CareOf("council").retain_days, 31u);
    EXPECT_EQ(before->CareOf("council").retain_days, 30u);  // whoever began with it keeps it

    // A map that cannot be read: its place, and the old maps.
    const std::string version = gateway->mappings->Get()->translator.version();
    const std::string map = "mappings/hl7v2-to-fhir/segment/MSH.map";
    const std::string good = FileText(Path(map));
    Write(map, good + "\ngroup {\n");
    Write("config.json", Replaced(ConfigText(), "\"retain_days\":30", "\"retain_days\":32"));
    const Status refused = reloader.Reload();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().where.find("MSH.map:"), std::string::npos) << refused.error().where;
    EXPECT_EQ(gateway->mappings->Get()->CareOf("council").retain_days, 31u);
    EXPECT_EQ(gateway->mappings->Get()->translator.version(), version);
    Write(map, good + "\n// better\n");
    EXPECT_TRUE(reloader.Reload());
    EXPECT_NE(gateway->mappings->Get()->translator.version(), version);

    Write("config.json", Replaced(ConfigText(), "\"store.db\"", "\"other.db\""));
    EXPECT_EQ(reloader.Reload().error().code, Code::kUnsupported);
    EXPECT_NE(reloader.Reload().error().where.find("store"), std::string::npos);
    Write("config.json", Replaced(ConfigText(), "\"council\":{", "\"nobody\":{"));
    EXPECT_EQ(reloader.Reload().error().where, "operations.feeds.nobody");
    Write("config.json", Replaced(ConfigText(), "queue_max", "queue_min"));
    EXPECT_EQ(reloader.Reload().error().code, Code::kInvalid);
  });
}

}  // namespace
}  // namespace gw::cli
