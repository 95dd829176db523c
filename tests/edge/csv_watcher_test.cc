// The watched folder: whole files only, regular files only, a report beside each.
#include "gateway/edge/csv_watcher.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/flow/flow_testing.h"

namespace gw::edge {
namespace {

namespace fs = std::filesystem;

class CsvWatcherTest : public testing::Test {
 protected:
  CsvWatcherTest() : gateway(folder.Path("gateway")), in(folder.Path("in")) {
    fs::create_directories(in);
    CsvOptions options;
    options.poll_ms = 20;
    options.settle_ms = 400;
    options.folders = {{in, {"northshire-care-plans", "fenwick-sharing-preferences"}}};
    watcher = *CsvWatcher::Start(options, &gateway.ingest(), &gateway.parts().mappings);
  }

  void Put(const std::string& name, const std::string& text) {
    std::ofstream(in + "/.arriving", std::ios::binary) << text;
    fs::rename(in + "/.arriving", in + "/" + name);
  }

  // The report of a file, once it is there.
  std::string Report(const std::string& outcome, const std::string& name) {
    const std::string path = in + "/" + outcome + "/" + name + ".report.jsonl";
    const std::string moved = in + "/" + outcome + "/" + name;
    for (int wait = 0; wait < 1000 && !fs::exists(moved) && !fs::is_symlink(moved); ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  TempFolder folder;
  flow::TestGateway gateway;
  std::string in;
  std::unique_ptr<CsvWatcher> watcher;
};

TEST_F(CsvWatcherTest, ALongNameIsCutWhereItsReportWouldHaveNone) {
  const std::string name = "northshire-care-plans-" + std::string(228, 'x') + ".csv";
  Put(name, flow::ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv"));
  EXPECT_NE(Report("taken", name.substr(0, 226) + ".csv").find(R"("taken":2)"), std::string::npos);
  EXPECT_FALSE(fs::exists(in + "/" + name));
}

TEST_F(CsvWatcherTest, GoodRowsAreTakenBadOnesNamedAndTheSameFileAgainChangesNothing) {
  const std::string text = flow::ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  Put("northshire-care-plans-1.csv", text);
  const std::string report = Report("taken", "northshire-care-plans-1.csv");
  EXPECT_NE(report.find(R"({"rows":[1],"result":"taken"})"), std::string::npos) << report;
  EXPECT_NE(report.find(R"("rows":[3],"result":"refused","at":"row 3, column DOB")"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find(R"("taken":2,"unchanged":0,"refused":1)"), std::string::npos) << report;
  EXPECT_EQ(report.find("Patel"), std::string::npos) << "a value in a report";
  Put("northshire-care-plans-2.csv", text);
  const std::string again = Report("taken", "northshire-care-plans-2.csv");
  EXPECT_NE(again.find(R"("taken":0,"unchanged":2,"refused":1)"), std::string::npos) << again;
  const Json plans = gateway.Get("/fhir/CarePlan?identifier=PC-2026-3118", flow::Caller{});
  ASSERT_EQ(flow::MatchesOn(plans), 1u);
  EXPECT_EQ(plans.Find("entry")->items()[0].Find("resource")->Find("meta")->TextOf("versionId"),
            "1");
}

// Written in place, with a pause: not read before its writer is done.
TEST_F(CsvWatcherTest, AFileThatGrowsIsTakenWhole) {
  const std::string text = flow::ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  const size_t half = text.find('\n') + 1;
  {
    std::ofstream slow(in + "/northshire-care-plans-slow.csv", std::ios::binary);
    slow << text.substr(0, half) << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    slow << text.substr(half);
  }
  const std::string report = Report("taken", "northshire-care-plans-slow.csv");
  EXPECT_NE(report.find(R"("taken":2,"unchanged":0,"refused":1)"), std::string::npos) << report;
}

TEST_F(CsvWatcherTest, AnEarlierFileOfThatNameKeepsItsReport) {
  const std::string text = flow::ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  Put("northshire-care-plans.csv", text);
  EXPECT_NE(Report("taken", "northshire-care-plans.csv").find(R"("taken":2)"), std::string::npos);
  Put("northshire-care-plans.csv", text);
  EXPECT_NE(Report("taken", "northshire-care-plans.2.csv").find(R"("unchanged":2)"),
            std::string::npos);
  EXPECT_NE(Report("taken", "northshire-care-plans.csv").find(R"("taken":2)"), std::string::npos);
}

TEST_F(CsvWatcherTest, FilesThatNoFeedTakesLinksAndBadHeadersAreRefusedWhole) {
  Put("holiday-rota.csv", "a,b\n1,2\n");
  EXPECT_NE(Report("refused", "holiday-rota.csv").find("no feed"), std::string::npos);
  ASSERT_EQ(symlink("/etc/hostname", (in + "/northshire-care-plans-link.csv").c_str()), 0);
  EXPECT_NE(Report("refused", "northshire-care-plans-link.csv").find("link"), std::string::npos);
  Put("northshire-care-plans-short.csv", "PersonID,Surname\nA-1,X\n");
  EXPECT_NE(Report("refused", "northshire-care-plans-short.csv").find("refused"),
            std::string::npos);
  Put("northshire-care-plans-open.csv", "PersonID,\"Surname\nA-1,X\n");
  EXPECT_NE(Report("refused", "northshire-care-plans-open.csv").find("refused"), std::string::npos);
}

// What cannot be moved is not taken in again at each look; what comes under its name meanwhile is
// not taken for it.
TEST_F(CsvWatcherTest, AFileThatCannotBeMovedWaitsAndItsSuccessorIsRead) {
  const std::string text = flow::ProjectFile("tests/demo/northshire-care-plans-2026-02-02.csv");
  const std::string in_the_way = in + "/taken/northshire-care-plans.csv.report.jsonl.part";
  fs::create_directories(in_the_way + "/full");
  Put("northshire-care-plans.csv", text);
  const auto stored = [this] {
    return flow::MatchesOn(gateway.Get("/fhir/CarePlan?identifier=PC-2026-3118", flow::Caller{}));
  };
  for (int wait = 0; wait < 1000 && stored() == 0; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(stored(), 1u);
  Put("northshire-care-plans.csv", text.substr(0, text.find('\n') + 1));
  fs::remove_all(in_the_way);
  const std::string second = Report("taken", "northshire-care-plans.2.csv");
  EXPECT_NE(second.find(R"({"rows_read":0,)"), std::string::npos) << second;
  std::ostringstream first;
  first << std::ifstream(in + "/taken/northshire-care-plans.csv.report.jsonl").rdbuf();
  EXPECT_NE(first.str().find(R"("taken":2,"unchanged":0,"refused":1)"), std::string::npos)
      << first.str();
  EXPECT_FALSE(fs::exists(in + "/northshire-care-plans.csv"));
}

TEST_F(CsvWatcherTest, AFolderThatIsNotThereForAWhileIsLookedAtAgain) {
  fs::rename(in, in + "-away");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  fs::rename(in + "-away", in);
  Put("holiday-rota.csv", "a,b\n1,2\n");
  EXPECT_NE(Report("refused", "holiday-rota.csv").find("no feed"), std::string::npos);
}

}  // namespace
}  // namespace gw::edge
