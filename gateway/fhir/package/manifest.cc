#include <algorithm>
#include <array>
#include <utility>

#include "gateway/fhir/package/manifest_internal.h"
#include "gateway/fhir/package/structure_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kRelease = "4.0";  // R4 and its technical corrections
constexpr std::array<std::string_view, 6> kUsed = {"CodeSystem",          "ConceptMap",
                                                   "SearchParameter",     "StructureMap",
                                                   "StructureDefinition", "ValueSet"};
constexpr std::string_view kManifestName = "package.json";

Limits LimitsFor(const PackageLimits& limits) {
  Limits bounds;
  bounds.body_bytes_max = limits.file_bytes_max;
  bounds.json_depth_max = 128;
  bounds.json_items_max = 1'000'000;
  bounds.json_nodes_max = 10'000'000;
  return bounds;
}

// "package.xml" or the like beside the resources holds no resource; nor do a guide's own files.
bool IsResourceFile(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('/') + 1);
  return last != kManifestName;
}

Error In(const std::string& file, Error error) {
  error.where = error.where.empty() ? file : file + ": " + error.where;
  return error;
}

class ManifestReader {
 public:
  ManifestReader(std::string path, const PackageLimits& limits, const Definitions& definitions)
      : path_(std::move(path)), limits_(LimitsFor(limits)), definitions_(definitions) {}

  // package.json: R4's package specification asks for name and version.
  Status ReadIdentity(const std::vector<PackageFile>& files, bool is_archive) {
    const auto file = std::find_if(files.begin(), files.end(), [](const PackageFile& item) {
      return item.name == kManifestName || item.name == "package/package.json";
    });
    if (file == files.end()) {
      if (is_archive) {
        return Error{Code::kInvalid, "package/package.json is missing", path_};
      }
      manifest_.name = path_.substr(path_.find_last_of('/', path_.size() - 2) + 1);
      return {};
    }
    const std::string where = path_ + ": " + file->name;
    Result<Json> json = Json::Parse(file->bytes, limits_);
    if (!json) {
      return In(where, std::move(json).error());
    }
    const std::string_view name = json->TextOf("name");
    const std::string_view version = json->TextOf("version");
    if (name.empty() || version.empty()) {
      return Error{Code::kInvalid, "package.json has a name and a version", where};
    }
    manifest_.name = std::string(name) + "#" + std::string(version);
    return CheckRelease(*json, where);
  }

  Status ReadFile(const PackageFile& file) {
    const std::string where = path_ + ": " + file.name;
    if (!IsResourceFile(file.name)) {
      return {};
    }
    Result<Json> json = Parse(file);
    if (!json) {
      return In(where, std::move(json).error());
    }
    return Keep(*std::move(json), where);
  }

  Manifest Take() { return std::move(manifest_); }

 private:
  static Status CheckRelease(const Json& json, const std::string& where) {
    for (const char* member : {"fhirVersions", "fhir-version-list"}) {
      const std::vector<Json>& versions = ItemsOf(json, member);
      const bool is_r4 =
          versions.empty() || std::any_of(versions.begin(), versions.end(), [](const Json& item) {
            return item.text().starts_with(kRelease);
          });
      if (!is_r4) {
        return Error{Code::kUnsupported, "the package is for another release than FHIR R4", where};
      }
    }
    return {};
  }

  Result<Json> Parse(const PackageFile& file) const {
    if (file.name.ends_with(".json")) {
      return Json::Parse(file.bytes, limits_);
    }
    GW_TRY(const Resource resource, ParseXml(file.bytes, definitions_, limits_));
    std::string text;
    WriteJson(resource, &text);
    return Json::Parse(text, limits_);
  }

  Status Keep(Json json, const std::string& where) {
    PackagedResource resource;
    resource.type = json.TextOf("resourceType");
    if (resource.type == "Bundle") {
      return KeepEntries(json, where);
    }
    if (std::find(kUsed.begin(), kUsed.end(), resource.type) == kUsed.end()) {
      return {};
    }
    resource.url = json.TextOf("url");
    resource.version = json.TextOf("version");
    resource.file = where;
    if (resource.url.empty() || resource.url.find('|') != std::string::npos) {
      return Error{Code::kInvalid, "a " + resource.type + " has a url without a version", where};
    }
    const std::string_view release = json.TextOf("fhirVersion");
    if (!release.empty() && !release.starts_with(kRelease)) {
      return Error{Code::kUnsupported, "the definition is for another release than FHIR R4", where};
    }
    resource.json = std::move(json);
    manifest_.resources.push_back(std::move(resource));
    return {};
  }

  // Some publish their definitions as one Bundle.
  Status KeepEntries(const Json& bundle, const std::string& where) {
    for (const Json& entry : ItemsOf(bundle, "entry")) {
      const Json* resource = entry.Find("resource");
      if (resource != nullptr && resource->TextOf("resourceType") != "Bundle") {
        GW_RETURN_IF_ERROR(Keep(*resource, where));
      }
    }
    return {};
  }

  std::string path_;
  Limits limits_;
  const Definitions& definitions_;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> ReadManifest(PackageBytes package, const PackageLimits& limits,
                              const Definitions& definitions) {
  ManifestReader reader(package.path, limits, definitions);
  std::vector<PackageFile> files = std::move(package.files);
  if (package.is_archive) {
    Result<std::vector<PackageFile>> unpacked = UnpackArchive(package.archive, limits);
    if (!unpacked) {
      return In(package.path, std::move(unpacked).error());
    }
    files = *std::move(unpacked);
  }
  GW_RETURN_IF_ERROR(reader.ReadIdentity(files, package.is_archive));
  for (PackageFile& file : files) {
    GW_RETURN_IF_ERROR(reader.ReadFile(file));
    file.bytes = {};
  }
  return reader.Take();
}

}  // namespace gw::fhir
