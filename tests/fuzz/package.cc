// FHIR packages: an archive where the bytes begin as one, else files as
//   === <name>
//   <text>
#include <algorithm>

#include "gateway/fhir/package/compile_internal.h"
#include "tests/fuzz/fuzzing.h"

namespace {

gw::fhir::PackageBytes FolderOf(std::string_view text) {
  constexpr std::string_view kMark = "=== ";
  gw::fhir::PackageBytes package;
  while (text.starts_with(kMark)) {
    text.remove_prefix(kMark.size());
    const size_t line_end = std::min(text.find('\n'), text.size());
    const std::string_view name = text.substr(0, line_end);
    text.remove_prefix(std::min(line_end + 1, text.size()));
    const size_t next = text.find("\n=== ");
    const size_t length = next == std::string_view::npos ? text.size() : next + 1;
    package.files.push_back({std::string(name), std::string(text.substr(0, length))});
    text.remove_prefix(length);
  }
  std::sort(package.files.begin(), package.files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return package;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  const std::string_view text = fuzz::Text(data, size);
  fhir::PackageBytes package;
  if (text.starts_with("\x1F\x8B")) {
    package.is_archive = true;
    package.archive = std::string(text);
  } else {
    package = FolderOf(text);
  }
  package.path = "p";
  fhir::PackageLimits limits;
  limits.unpacked_bytes_max = 1u << 20;
  limits.elements_max = 2'000;
  std::vector<fhir::PackageBytes> packages;
  packages.push_back(std::move(package));
  static_cast<void>(fhir::CompilePackages(std::move(packages), limits, fuzz::R4()).ok());
  return 0;
}
