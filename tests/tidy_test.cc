// The layout, held by a test: who may include whom, which library may be named where, and how long
// lines and files may be. The table is CMakeLists.txt's, told once more so that a wrong include
// fails even where it would link.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"fhir", {"base"}},
    {"hl7v2", {"base"}},
    {"map", {"base", "fhir", "hl7v2"}},
    {"validate", {"base", "fhir"}},
    {"identity", {"base", "fhir"}},
    {"access", {"base", "fhir"}},
    {"rest", {"base", "fhir"}},
    {"store", {"base", "fhir"}},
    {"audit", {"base"}},
    {"flow",
     {"base", "fhir", "hl7v2", "map", "validate", "identity", "access", "rest", "store", "audit"}},
    {"edge", {"base", "hl7v2", "map", "rest", "flow"}},
    {"cli",
     {"base", "fhir", "hl7v2", "map", "validate", "access", "store", "audit", "flow", "edge"}},
};

// Where a library's headers may stand: a folder or a file.
const std::vector<std::pair<std::string, std::vector<std::string>>> kConfined = {
    {"<rapidjson/", {"gateway/base/json.cc"}},
    {"<openssl/", {"gateway/base/crypto.cc"}},
    {"<sqlite3", {"gateway/store/"}},
    {"<archive", {"gateway/fhir/package/archive.cc"}},
    {"<zlib", {"gateway/fhir/package/archive.cc"}},
    {"<libxml/", {"gateway/fhir/xml.cc"}},
    {"<Poco/", {"gateway/edge/"}},
};

struct Source {
  std::string path;    // from the root: "gateway/fhir/json.cc"
  std::string module;  // "fhir"; empty for main.cc and config
  std::vector<std::string> lines;
};

std::vector<Source> Sources(const std::string& folder) {
  std::vector<Source> sources;
  const fs::path root(GW_SOURCE_DIR);
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".h" && extension != ".cc") {
      continue;
    }
    Source source;
    const fs::path relative = fs::relative(entry.path(), root);
    source.path = relative.string();
    const auto parts = std::vector<fs::path>(relative.begin(), relative.end());
    source.module = parts.size() > 2 ? parts[1].string() : std::string();
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      source.lines.push_back(line);
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

// "gateway/<module>/..." of an #include line; empty for others.
std::string IncludedPath(const std::string& line) {
  const std::string prefix = "#include \"gateway/";
  if (line.rfind(prefix, 0) != 0) {
    return {};
  }
  const size_t end = line.find('"', prefix.size());
  return line.substr(std::string("#include \"").size(), end - std::string("#include \"").size());
}

std::string ModuleOf(const std::string& path) {
  const size_t start = std::string("gateway/").size();
  const size_t slash = path.find('/', start);
  return slash == std::string::npos ? std::string() : path.substr(start, slash - start);
}

TEST(Layers, EachModuleIncludesOnlyWhatStandsBelowIt) {
  for (const Source& source : Sources("gateway")) {
    if (source.module.empty()) {
      continue;
    }
    const auto allowed = kMayInclude.find(source.module);
    ASSERT_NE(allowed, kMayInclude.end()) << source.path << ": no such module";
    for (const std::string& line : source.lines) {
      const std::string included = IncludedPath(line);
      const std::string module = ModuleOf(included);
      if (included.empty() || module == source.module ||
          (module.empty() && source.module == "cli")) {
        continue;
      }
      EXPECT_TRUE(allowed->second.count(module)) << source.path << " may not include " << included;
    }
  }
}

TEST(Layers, AModulesInternalsStayInside) {
  for (const Source& source : Sources("gateway")) {
    for (const std::string& line : source.lines) {
      const std::string included = IncludedPath(line);
      if (included.find("_internal.h") != std::string::npos) {
        EXPECT_EQ(ModuleOf(included), source.module) << source.path << " includes " << included;
      }
    }
  }
}

TEST(Libraries, EachIsNamedOnlyInItsPlace) {
  for (const Source& source : Sources("gateway")) {
    for (const auto& [header, places] : kConfined) {
      const bool at_home = std::any_of(
          places.begin(), places.end(),
          [&, path = source.path](const std::string& place) { return path.rfind(place, 0) == 0; });
      for (const std::string& line : source.lines) {
        EXPECT_TRUE(at_home || line.rfind("#include " + header, 0) != 0)
            << source.path << ": " << line;
      }
    }
  }
}

TEST(Headers, SlowStandardHeadersStayOutOfThem) {
  const std::set<std::string> slow = {"<regex>", "<iostream>", "<filesystem>"};
  for (const Source& source : Sources("gateway")) {
    if (source.path.substr(source.path.size() - 2) != ".h") {
      continue;
    }
    ASSERT_FALSE(source.lines.empty()) << source.path;
    EXPECT_EQ(source.lines.front(), "#pragma once") << source.path;
    for (const std::string& line : source.lines) {
      if (line.rfind("#include <", 0) == 0) {
        EXPECT_FALSE(slow.count(line.substr(std::string("#include ").size())))
            << source.path << ": " << line;
      }
    }
  }
}

TEST(Sizes, FilesStayReadable) {
  for (const std::string folder : {"gateway", "tests"}) {
    for (const Source& source : Sources(folder)) {
      EXPECT_LE(source.lines.size(), 600u) << source.path;
    }
  }
}

// Tests hold messages and documents as they are, and those may be long.
TEST(Sizes, LinesOfTheProductStayReadable) {
  for (const Source& source : Sources("gateway")) {
    for (size_t index = 0; index < source.lines.size(); ++index) {
      EXPECT_LE(source.lines[index].size(), 100u) << source.path << ":" << index + 1;
    }
  }
}

TEST(Words, NothingUnfinishedIsLeftInTheProduct) {
  // Spelt in halves, so that this file does not find itself.
  const std::vector<std::string> words = {std::string("TO") + "DO(", std::string("FIX") + "ME",
                                          std::string("not impl") + "emented"};
  for (const Source& source : Sources("gateway")) {
    for (const std::string& line : source.lines) {
      for (const std::string& word : words) {
        EXPECT_EQ(line.find(word), std::string::npos) << source.path << ": " << line;
      }
    }
  }
}

}  // namespace
