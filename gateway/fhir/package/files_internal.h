#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/crypto.h"
#include "gateway/base/result.h"
#include "gateway/fhir/package.h"

namespace gw::fhir {

struct PackageFile {
  std::string name;  // "Patient.json", "fhir/xml/a.xml": relative to the folder or to "package/"
  std::string bytes;
};

// One package as it lies there.
struct PackageBytes {
  std::string path;  // as configured
  bool is_archive = false;
  std::string archive;             // the bytes of the .tgz
  std::vector<PackageFile> files;  // of a folder, sorted by name
  crypto::Digest digest = {};      // of all that counts
};

// Reads a .tgz whole, or the .json and .xml files of a folder and its subfolders (those whose names
// begin with a dot are passed over). Errors, where = the path or file: kNotFound; kInvalid: a link,
// device or other thing that is no file; kTooLarge; kUnavailable: it cannot be read.
Result<PackageBytes> ReadPackageBytes(const std::string& path, const PackageLimits& limits);

// The .json and .xml files of `package/` of an archive, sorted by name; what lies deeper is checked
// and passed over. Errors, where = the entry: kInvalid: not a gzip tar, damaged or cut off, a path
// that leads out, a link or device; kTooLarge.
Result<std::vector<PackageFile>> UnpackArchive(std::string_view archive,
                                               const PackageLimits& limits);

}  // namespace gw::fhir
