#include <cstdio>

#include "gateway/access/label.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

// Every part is checked, so that one run names all that is wrong.
std::vector<Error> ProblemsOf(const std::string& path, const Config& config) {
  std::vector<Error> problems;
  const fhir::Definitions definitions = fhir::Definitions::R4();
  if (const auto mappings = LoadMappings(config, definitions); !mappings) {
    problems.push_back(mappings.error());
  }
  if (const Status exports = CheckExports(path, config, definitions); !exports) {
    // A code table serves both ways: it is told once.
    if (problems.empty() || Describe(problems.back()) != Describe(exports.error())) {
      problems.push_back(exports.error());
    }
  }
  if (const auto packages = LoadPackages(config, definitions); !packages) {
    problems.push_back(packages.error());
  } else if (const auto indexer = fhir::SearchIndexer::Make(definitions, packages->searches());
             !indexer) {
    problems.push_back(indexer.error());
  }
  if (const auto labeller = access::Labeller::Load(config.profiles + "/labels"); !labeller) {
    problems.push_back(labeller.error());
  }
  if (const auto authenticator = access::Authenticator::Make(config.issuers, Limits{});
      !authenticator) {
    problems.push_back(authenticator.error());
  }
  if (!config.development) {  // a development configuration makes its own when it is served
    if (const auto key = LogKey(config); !key) {
      problems.push_back(key.error());
    }
  }
  return problems;
}

}  // namespace

int Check(Arguments arguments) {
  const std::string path = arguments.Option("--config");
  std::string unknown;
  if (path.empty() || !arguments.Operands(&unknown).empty()) {
    return Usage("check");
  }
  const Result<Config> config = ReadConfig(path);
  if (!config) {
    std::printf("%s\n", Describe(config.error()).c_str());
    return config.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  const std::vector<Error> problems = ProblemsOf(path, *config);
  for (const Error& problem : problems) {
    std::printf("%s\n", Describe(problem).c_str());
  }
  return problems.empty() ? kDone : kRefused;
}

}  // namespace gw::cli
