// Validates every example of FHIR R4 and holds the errors against a list of those that break R4:
//   examples_validation_test <folder of the package> <list>
// The list groups rules, why the examples break them, and which do. A test of our rules as much as
// of the examples: one that is refused and not listed is a rule too strict, one that is listed and
// passes is a rule lost.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/validate/validator.h"
#include "tests/conformance/example_files.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

// Under a sanitizer, one in so many of the examples, by size, and none of the collections of all
// definitions.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kOneOf = 8;
constexpr uintmax_t kBytesMax = 1u << 20;
#else
constexpr size_t kOneOf = 1;
constexpr uintmax_t kBytesMax = UINTMAX_MAX;
#endif

using Fault = std::pair<std::string, std::string>;  // file, rule

Result<std::set<Fault>> ReadList(const fs::path& path) {
  GW_TRY(const Json list, Json::Parse(Contents(path), Limits{}));
  const Json* groups = list.Find("groups");
  if (groups == nullptr || groups->items().empty()) {
    return Error{Code::kInvalid, "the list has no groups", path.string()};
  }
  std::set<Fault> faults;
  for (const Json& group : groups->items()) {
    const std::string rule(group.TextOf("rule"));
    const Json* files = group.Find("files");
    if (rule.empty() || group.TextOf("reason").empty() || files == nullptr ||
        files->items().empty()) {
      return Error{Code::kInvalid, "a group has a rule, a reason and files", rule};
    }
    for (const Json& file : files->items()) {
      faults.emplace(file.text(), rule);
    }
  }
  return faults;
}

std::set<std::string> RulesBroken(const validate::Validator& validator, const std::string& text) {
  std::set<std::string> rules;
  for (const validate::Report& report :
       validator.CheckText(text, validate::Format::kJson, LargeLimits())) {
    for (const validate::Issue& issue : report.issues) {
      if (issue.severity <= validate::Severity::kError) {
        rules.insert(issue.rule);
      }
    }
  }
  return rules;
}

// Those that are checked in this build.
std::vector<fs::path> Sample(const std::vector<fs::path>& examples) {
  std::vector<fs::path> sample;
  for (size_t at = 0; at < examples.size(); at += kOneOf) {
    if (fs::file_size(examples[at]) <= kBytesMax) {
      sample.push_back(examples[at]);
    }
  }
  return sample;
}

void Tell(const std::set<Fault>& faults, const std::set<Fault>& others, const char* what) {
  for (const auto& [file, rule] : faults) {
    if (!others.contains({file, rule})) {
      std::printf("%s: %s: %s\n", file.c_str(), rule.c_str(), what);
    }
  }
}

int Run(const fs::path& folder, const fs::path& list_path) {
  const Result<std::set<Fault>> list = ReadList(list_path);
  if (!list) {
    std::printf("%s (%s)\n", list.error().detail.c_str(), list.error().where.c_str());
    return 1;
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const validate::Validator validator(definitions);
  const std::vector<fs::path> examples = Examples(folder);
  const std::vector<fs::path> sample = Sample(examples);
  std::mutex mutex;  // guards what follows
  std::set<Fault> listed;
  std::set<Fault> found;
  ForEach(sample, [&](const fs::path& example) {
    const std::string name = example.filename().string();
    const std::set<std::string> rules = RulesBroken(validator, Contents(example));
    const std::lock_guard lock(mutex);
    for (const std::string& rule : rules) {
      found.emplace(name, rule);
    }
    std::copy_if(list->begin(), list->end(), std::inserter(listed, listed.end()),
                 [&name](const Fault& fault) { return fault.first == name; });
  });
  Tell(found, listed, "broken, and not listed");
  Tell(listed, found, "listed, and not broken");
  std::set<std::string> refused;
  for (const auto& [file, rule] : found) {
    refused.insert(file);
  }
  std::printf("%zu of %zu examples validated, %zu refused, each with its reason: %s\n",
              sample.size(), examples.size(), refused.size(), found == listed ? "yes" : "no");
  const bool all_listed_exist = kOneOf > 1 || listed == *list;
  if (!all_listed_exist) {
    std::printf("the list names examples that are not there\n");
  }
  return examples.size() == kExamples && found == listed && all_listed_exist ? 0 : 1;
}

}  // namespace
}  // namespace gw

int main(int argc, char** argv) { return argc == 3 ? gw::Run(argv[1], argv[2]) : 2; }
