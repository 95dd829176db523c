// HL7 v2 messages that others published: each becomes a Bundle that the validator accepts, or is
// refused with a place; each valued field is read or listed. What they taught is held by messages
// of our own in tests/data/hl7v2 too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gateway/hl7v2/mllp.h"
#include "gateway/map/change/change.h"
#include "gateway/map/translate.h"
#include "gateway/validate/validator.h"

namespace gw::flow {
namespace {

constexpr Instant kNow{1'780'000'000'000'000};

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

const map::Translator& Maps() {
  static const Result<map::Translator> maps =
      map::Translator::Load(GW_SOURCE_DIR "/mappings", GW_SOURCE_DIR "/profiles", R4());
  EXPECT_TRUE(maps) << maps.error().where << " " << maps.error().detail;
  return *maps;
}

const validate::Validator& Rules() {
  static const validate::Validator validator(R4());
  return validator;
}

std::vector<std::string> Files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code none;
  for (std::filesystem::recursive_directory_iterator entry(folder, none), end;
       !none && entry != end; entry.increment(none)) {
    if (entry->path().extension() == ".hl7") {
      files.push_back(entry->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What became of one message: "AA", 5 resources, 12 fields unread; or the refusal.
struct Verdict {
  std::string refusal;  // code, place and rule of a refusal
  std::string broken;   // the first rule that the Bundle breaks
  size_t resources = 0;
  size_t unread = 0;
};

std::string RefusalOf(const Error& error) {
  return std::to_string(error.hl7_code) + " " + error.where + ": " + error.detail;
}

Verdict Convert(std::string_view bytes, const map::Feed& feed) {
  Verdict verdict;
  const auto message = hl7v2::Message::Parse(std::string(bytes), {});
  const Status takes = message ? Maps().Takes(*message, feed) : Status(message.error());
  if (!takes) {
    verdict.refusal = RefusalOf(takes.error());
    return verdict;
  }
  const auto translation = Maps().FromV2(*message, feed, kNow);
  if (!translation) {
    verdict.refusal = RefusalOf(translation.error());
    return verdict;
  }
  verdict.unread = translation->unread.size();
  const auto bundle = map::ToTransaction(translation->changes, R4());
  if (!bundle) {
    verdict.broken = bundle.error().detail;
    return verdict;
  }
  verdict.resources = bundle->root().Count("entry");
  for (const validate::Issue& issue : Rules().Check(*bundle)) {
    if (verdict.broken.empty() && issue.severity <= validate::Severity::kError) {
      verdict.broken = issue.rule + " at " + issue.location + ": " + issue.detail;
    }
  }
  return verdict;
}

// A refusal names where: a segment, a field. 200 and 201 are about MSH-9.
bool HasPlace(const std::string& refusal) {
  const size_t blank = refusal.find(' ');
  return blank != std::string::npos && blank + 3 < refusal.size() && refusal[0] != '0' &&
         refusal[blank + 1] >= 'A' && refusal[blank + 1] <= 'Z';
}

// Prints a line for each message, and holds each to it.
void ConvertAll(const std::vector<std::string>& files, const map::Feed& feed) {
  size_t taken = 0;
  size_t refused = 0;
  for (const std::string& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(stream), {});
    const std::string name = std::filesystem::path(file).filename().string();
    std::vector<std::string> warnings;
    const auto messages = hl7v2::SplitMessages(bytes, &warnings);
    ASSERT_TRUE(messages) << name << ": " << messages.error().detail;
    EXPECT_FALSE(messages->empty()) << name;
    for (const std::string_view message : *messages) {
      const Verdict verdict = Convert(message, feed);
      ++(verdict.refusal.empty() ? taken : refused);
      if (verdict.refusal.empty()) {
        std::printf("%-42s AA  %3zu resources  %4zu unread\n", name.c_str(), verdict.resources,
                    verdict.unread);
        EXPECT_GT(verdict.resources, 0u) << name;
        EXPECT_EQ(verdict.broken, "") << name;
      } else {
        std::printf("%-42s refused: %s\n", name.c_str(), verdict.refusal.c_str());
        EXPECT_TRUE(HasPlace(verdict.refusal)) << name << ": " << verdict.refusal;
      }
    }
  }
  std::printf("%zu taken, %zu refused\n", taken, refused);
  EXPECT_GT(taken, 0u);
}

class Corpus : public testing::TestWithParam<const char*> {};

TEST_P(Corpus, BecomesValidBundlesOrIsRefusedWithAPlace) {
  const std::vector<std::string> files =
      Files(std::string(GW_SOURCE_DIR "/../shared/corpus/") + GetParam());
  if (files.empty()) {
    GTEST_SKIP() << "the corpus of published messages is not on this machine; "
                    "tests/map/samples_golden_test.cc holds messages of our own";
  }
  map::Feed feed;
  feed.name = "corpus";
  feed.organization = "X9900";
  ConvertAll(files, feed);
  feed.take_common_segments = true;
  std::printf("what the common segments say, of the types without a map:\n");
  ConvertAll(files, feed);
}

INSTANTIATE_TEST_SUITE_P(Published, Corpus,
                         testing::Values("microsoft-fhir-converter/input", "whistle"),
                         [](const auto& param) {
                           const std::string name(param.param);
                           return name.substr(0, name.find_first_of("-/"));
                         });

// Our own messages, held to the same.
TEST(OwnMessages, BecomeValidBundlesOrAreRefusedWithAPlace) {
  const std::vector<std::string> files = Files(GW_SOURCE_DIR "/tests/data/hl7v2");
  ASSERT_FALSE(files.empty());
  map::Feed feed;
  feed.name = "own";
  feed.organization = "X9912";
  feed.take_common_segments = true;
  ConvertAll(files, feed);
}

}  // namespace
}  // namespace gw::flow
