#include "gateway/fhir/definition_files.h"

#include <algorithm>
#include <utility>

#include "gateway/fhir/package/files_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kBlank = "\xEF\xBB\xBF \t\r\n";
constexpr std::string_view kTypeMember = "\"resourceType\"";

std::string_view TypeInXml(std::string_view bytes) {
  for (;;) {
    bytes.remove_prefix(std::min(bytes.find('<'), bytes.size()));
    const bool is_comment = bytes.starts_with("<!--");
    if (!is_comment && !bytes.starts_with("<?")) {
      break;
    }
    const size_t end = bytes.find(is_comment ? "-->" : "?>");
    if (end == std::string_view::npos) {
      return {};
    }
    bytes.remove_prefix(end + 2);
  }
  bytes.remove_prefix(std::min<size_t>(1, bytes.size()));
  return bytes.substr(0, bytes.find_first_of(" \t\r\n/>"));
}

std::string_view TypeInJson(std::string_view bytes) {
  const size_t member = bytes.find(kTypeMember);
  if (member == std::string_view::npos) {
    return {};
  }
  bytes.remove_prefix(member + kTypeMember.size());
  const size_t quote = bytes.find('"');
  if (quote == std::string_view::npos) {
    return {};
  }
  bytes.remove_prefix(quote + 1);
  return bytes.substr(0, bytes.find('"'));
}

}  // namespace

std::string_view TypeInText(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(kBlank);
  const char begin = first == std::string_view::npos ? '\0' : bytes[first];
  return begin == '<' ? TypeInXml(bytes) : begin == '{' ? TypeInJson(bytes) : std::string_view();
}

Result<std::vector<DefinitionFile>> ReadDefinitionFiles(std::span<const std::string> paths,
                                                        std::span<const std::string_view> types) {
  std::vector<DefinitionFile> found;
  for (const std::string& path : paths) {
    GW_TRY(PackageBytes package, ReadPackageBytes(path, PackageLimits()));
    if (package.is_archive) {
      auto files = UnpackArchive(package.archive, PackageLimits());
      if (!files) {
        return Error{files.error().code, files.error().detail, path + ": " + files.error().where};
      }
      package.files = *std::move(files);
    }
    for (PackageFile& file : package.files) {
      const std::string_view type = TypeInText(file.bytes);
      if (std::find(types.begin(), types.end(), type) != types.end()) {
        std::string kept(type);
        found.push_back({path + ": " + file.name, std::move(kept), std::move(file.bytes)});
      }
    }
  }
  return found;
}

}  // namespace gw::fhir
