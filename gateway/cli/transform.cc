#include <cstdio>

#include "gateway/base/clock.h"
#include "gateway/base/file.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/fhir/instance.h"
#include "gateway/map/map_files.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;

// What the map said while it ran; never a value of the instance.
void PrintRemarks(const std::string& path, const map::Mapped& mapped) {
  for (const map::Remark& remark : mapped.remarks) {
    PrintError(path + ": " + remark.where + ": " + remark.text);
  }
  for (const map::Unmapped& code : mapped.unmapped) {
    PrintError(path + ": " + code.where + ": no ConceptMap has this code of '" + code.system + "'");
  }
}

int TransformFile(const std::string& path, const map::MapFiles& files, const map::Plan& plan,
                  const fhir::Definitions& definitions) {
  const Result<std::string> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return kCannotRun;
  }
  const fhir::InstanceTypes types{.definitions = &definitions,
                                  .models = &files.models(),
                                  .expected = plan.SourceOf(files.url())};
  const Result<fhir::Resource> source = fhir::ReadInstance(*bytes, types, Limits());
  if (!source) {
    PrintError(path + ": " + Describe(source.error()));
    return kRefused;
  }
  map::RunOptions options;
  options.now = SystemClock().Now();
  options.seed = path;
  const Result<map::Mapped> mapped = plan.Run(files.url(), source->root(), options);
  if (!mapped) {
    PrintError(path + ": " + Describe(mapped.error()));
    return kRefused;
  }
  PrintRemarks(path, *mapped);
  std::string json;
  fhir::WriteInstance(mapped->target, &json);
  std::printf("%s\n", json.c_str());
  return kDone;
}

}  // namespace

int Transform(Arguments arguments) {
  const std::string map = arguments.Option("--map");
  const std::vector<std::string> packages = arguments.Options("--package");
  std::string unknown;
  const std::vector<std::string> paths = arguments.Operands(&unknown);
  if (map.empty() || paths.empty() || !unknown.empty()) {
    return Usage("transform");
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto files = map::MapFiles::Load(map, packages, definitions, Limits());
  if (!files) {
    PrintError(Describe(files.error()));
    return files.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  const auto plan = files->Compile();
  if (!plan) {
    PrintError(Describe(plan.error()));
    return kRefused;
  }
  if (!plan->Has(files->url())) {
    PrintError(map +
               ": the first group of a map that is run takes one source and one target, each with "
               "a type");
    return kRefused;
  }
  int result = kDone;
  for (const std::string& path : paths) {
    result = std::max(result, TransformFile(path, *files, *plan, definitions));
  }
  return result;
}

}  // namespace gw::cli
