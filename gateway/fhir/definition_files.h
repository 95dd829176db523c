#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gw::fhir {

// A resource of a package, unparsed.
struct DefinitionFile {
  std::string name;   // "<path>: <file>"
  std::string type;   // "StructureMap"
  std::string bytes;  // JSON or XML
};

// The resources of these types in packages: .tgz files, or folders of JSON and XML files, which
// need no package.json. For what Packages does not hold: definitions as they lie there.
// Errors: kNotFound, kInvalid, kTooLarge, kUnavailable as Packages::Load has them for files.
Result<std::vector<DefinitionFile>> ReadDefinitionFiles(std::span<const std::string> paths,
                                                        std::span<const std::string_view> types);

// The type of the resource in a text, by its resourceType or its first tag; empty: none is seen.
std::string_view TypeInText(std::string_view bytes);

}  // namespace gw::fhir
