#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/map/samples_testing.h"

// The project's own messages and files, whole: what goes in stands in tests/data, what comes out
// beside it, one JSON object a line. CAREGATE_WRITE_GOLDEN=1 writes the outcomes anew; read the
// difference before it is committed.

namespace gw::map {
namespace {

const std::string kData = GW_SOURCE_DIR "/tests/data/";

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

// The version of the maps changes with every word in them.
std::string WithoutVersion(std::string text) {
  for (size_t at = text.find(Maps().version()); at != std::string::npos;
       at = text.find(Maps().version())) {
    text.replace(at, Maps().version().size(), "(version)");
  }
  return text;
}

std::string ListOf(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    out += (out.empty() ? "" : ",") + Quoted(item);
  }
  return "[" + out + "]";
}

std::string TextOf(const Translation& translation) {
  const auto bundle = ToTransaction(translation.changes, Definitions());
  const auto outcomes = OutcomesOf(translation.changes);
  if (!bundle || !outcomes) {
    return "no bundle: " + (bundle ? outcomes.error().detail : bundle.error().detail) + "\n";
  }
  std::string text;
  size_t index = 0;
  for (const fhir::Element* entry = bundle->root().first_child(); entry != nullptr;
       entry = entry->next()) {
    if (entry->name() != "entry") {
      continue;
    }
    std::string request;
    fhir::WriteJson(*entry->Child("request"), &request);
    std::string resource;
    fhir::WriteJson(outcomes->resources[index++], &resource);
    text += "{\"request\":" + request +
            ",\"form\":" + Quoted(entry->Child("resource")->type().name()) +
            ",\"resource\":" + resource + "}\n";
  }
  std::vector<std::string> unmapped;
  for (const Unmapped& code : translation.unmapped) {
    unmapped.push_back(code.where + " " + code.system + " " + code.code);
  }
  std::vector<std::string> remarks;
  for (const Remark& remark : translation.remarks) {
    remarks.push_back(std::string(1, remark.severity) + " " + remark.code + " " + remark.where);
  }
  return text + "{\"unread\":" + ListOf(translation.unread) + ",\"unmapped\":" + ListOf(unmapped) +
         ",\"remarks\":" + ListOf(remarks) + "}\n";
}

std::string MessageOutcome(const std::string& path) {
  Feed feed = FeedOf("X9912");
  feed.coded_consent_complete = path.find("consent_words") == std::string::npos;
  const Outcome outcome = TranslateMessage(ReadFile(path), feed);
  return outcome.refusal.empty() ? TextOf(outcome.translation)
                                 : "{\"refused\":" + Quoted(outcome.refusal) + "}\n";
}

std::string FileOutcome(const std::string& path) {
  // A file is of the feed whose name it has.
  const auto feed = ReadFeed(GW_SOURCE_DIR "/config/feeds/" +
                             std::filesystem::path(path).stem().string() + ".json");
  if (!feed) {
    return feed.error().detail + " at " + feed.error().where;
  }
  const auto file = Maps().FromCsv(ReadFile(path), *feed, Instant{});
  if (!file) {
    return file.error().detail + " at " + file.error().where;
  }
  std::string text = "{\"rows\":" + std::to_string(file->rows_read) +
                     ",\"duplicates\":" + std::to_string(file->duplicates) +
                     ",\"refused\":" + std::to_string(file->refused) +
                     ",\"held\":" + std::to_string(file->held) +
                     ",\"blank\":" + std::to_string(file->blank) +
                     ",\"trailers\":" + std::to_string(file->trailers) + "}\n";
  for (const RowGroup& group : file->groups) {
    std::string rows;
    for (const uint32_t row : group.rows) {
      rows += (rows.empty() ? "" : ",") + std::to_string(row);
    }
    text += "{\"of_rows\":[" + rows + "]}\n";
    if (group.translation) {
      text += TextOf(*group.translation);
      continue;
    }
    const Error& error = group.translation.error();
    text += (error.hl7_code == 204 ? "{\"held\":" : "{\"refused\":") +
            Quoted(error.where + ": " + error.detail) + "}\n";
  }
  return text;
}

void Compare(const std::string& folder, const std::string& extension,
             std::string (*outcome_of)(const std::string&)) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData + folder)) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != extension) {
      continue;
    }
    ++count;
    const std::string golden = path.substr(0, path.size() - extension.size()) + ".outcome.ndjson";
    const std::string outcome = WithoutVersion(outcome_of(path));
    if (std::getenv("CAREGATE_WRITE_GOLDEN") != nullptr) {
      std::ofstream(golden, std::ios::binary) << outcome;
    }
    EXPECT_EQ(outcome, ReadFile(golden)) << path;
  }
  EXPECT_GT(count, 0u) << "no data in " << folder;
}

TEST(GoldenSamples, Messages) { Compare("hl7v2", ".hl7", MessageOutcome); }
TEST(GoldenSamples, Files) { Compare("csv", ".csv", FileOutcome); }

}  // namespace
}  // namespace gw::map
