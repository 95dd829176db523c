// Takes every example of FHIR R4 from JSON to XML and back and compares what comes out with the
// document that went in: members in any order, everything else as written, decimals to the digit.
//   examples_test <folder of the package> <exceptions>
// An exception must fail in just the way it is listed with, so that the list says what is so.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/fhir/resource.h"
#include "tests/conformance/example_files.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

bool AreSame(const Json& a, const Json& b) {
  if (a.kind() != b.kind() || a.text() != b.text() || a.boolean() != b.boolean() ||
      a.items().size() != b.items().size() || a.members().size() != b.members().size()) {
    return false;
  }
  for (size_t at = 0; at < a.items().size(); ++at) {
    if (!AreSame(a.items()[at], b.items()[at])) {
      return false;
    }
  }
  return std::all_of(a.members().begin(), a.members().end(), [&b](const auto& member) {
    const Json* other = b.Find(member.first);
    return other != nullptr && AreSame(member.second, *other);
  });
}

// Empty: the example came back unchanged.
std::string Fault(const std::string& text, const fhir::Definitions& definitions) {
  const Limits limits = LargeLimits();
  const Result<fhir::Resource> of_json = fhir::ParseJson(text, definitions, limits);
  if (!of_json) {
    return of_json.error().detail;
  }
  std::string xml;
  fhir::WriteXml(*of_json, &xml);
  const Result<fhir::Resource> of_xml = fhir::ParseXml(xml, definitions, limits);
  if (!of_xml) {
    return "from XML: " + of_xml.error().detail;
  }
  std::string json;
  fhir::WriteJson(*of_xml, &json);
  const Result<Json> before = Json::Parse(text, limits);
  const Result<Json> after = Json::Parse(json, limits);
  if (!before || !after) {
    return "not readable as JSON";
  }
  return AreSame(*before, *after) ? "" : "changed on the way";
}

using Exceptions = std::map<std::string, std::string, std::less<>>;  // file to refusal

Exceptions ReadExceptions(const fs::path& path) {
  Exceptions exceptions;
  const Result<Json> list = Json::Parse(Contents(path), Limits{});
  const Json* items = list.ok() ? list->Find("exceptions") : nullptr;
  for (size_t at = 0; items != nullptr && at < items->items().size(); ++at) {
    const Json& item = items->items()[at];
    exceptions.emplace(item.TextOf("file"), item.TextOf("refusal"));
  }
  return exceptions;
}

int Run(const fs::path& folder, const fs::path& exceptions_path) {
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const Exceptions exceptions = ReadExceptions(exceptions_path);
  const std::vector<fs::path> examples = Examples(folder);
  std::mutex mutex;  // guards what follows and the output
  size_t wrong = 0;
  size_t excepted = 0;
  ForEach(examples, [&](const fs::path& example) {
    const std::string name = example.filename().string();
    const std::string fault = Fault(Contents(example), definitions);
    const auto exception = exceptions.find(name);
    const std::string expected = exception == exceptions.end() ? "" : exception->second;
    const std::lock_guard lock(mutex);
    excepted += exception == exceptions.end() ? 0u : 1u;
    if (fault != expected) {
      ++wrong;
      std::printf("%s: %s; expected: %s\n", name.c_str(),
                  fault.empty() ? "unchanged" : fault.c_str(),
                  expected.empty() ? "unchanged" : expected.c_str());
    }
  });
  std::printf("%zu examples, %zu of them listed as exceptions, %zu not as they should be\n",
              examples.size(), excepted, wrong);
  return examples.size() == kExamples && excepted == exceptions.size() && wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gw

int main(int argc, char** argv) { return argc == 3 ? gw::Run(argv[1], argv[2]) : 2; }
