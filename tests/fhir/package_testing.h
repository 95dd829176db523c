#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/fhir/package.h"
#include "tests/temp_folder.h"

namespace gw::fhir {

struct TestEntry {
  std::string name;  // in the archive: "package/a.json"
  std::string bytes;
  std::string link = {};  // where a symbolic link leads
  std::string hardlink = {};
};

// A gzip tar.
std::string MakeArchive(const std::vector<TestEntry>& entries);

inline const char* const kManifest =
    R"({"name":"northland.core","version":"1.2.0","fhirVersions":["4.0.1"]})";

// A StructureDefinition of our own: "http://example.org/StructureDefinition/<name>" on `base`, with
// the elements of its differential as JSON objects, comma-separated.
std::string ProfileJson(const std::string& name, const std::string& type, const std::string& base,
                        const std::string& elements, const std::string& more = {});
std::string R4Url(const std::string& type);
std::string OwnUrl(const std::string& name);

const Definitions& R4Definitions();

// The packages of one folder with these files.
Result<Packages> LoadFiles(const std::vector<std::pair<std::string, std::string>>& files);

// The element of that id; null if there is none.
const ElementRule* RuleOf(const Profile& profile, std::string_view id);

}  // namespace gw::fhir
