#include "package_testing.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace gw::fhir {

namespace {

la_ssize_t Append(archive* /*writer*/, void* bytes, const void* block, size_t size) {
  static_cast<std::string*>(bytes)->append(static_cast<const char*>(block), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

std::string MakeArchive(const std::vector<TestEntry>& entries) {
  std::string bytes;
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_pax_restricted(writer);
  archive_write_set_bytes_in_last_block(writer, 1);  // unpadded
  EXPECT_EQ(archive_write_open(writer, &bytes, nullptr, Append, nullptr), ARCHIVE_OK);
  for (const TestEntry& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.name.c_str());
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, item.link.empty() ? AE_IFREG : AE_IFLNK);
    if (!item.link.empty()) {
      archive_entry_set_symlink(entry, item.link.c_str());
    }
    if (!item.hardlink.empty()) {
      archive_entry_set_hardlink(entry, item.hardlink.c_str());
    }
    const bool has_bytes = item.link.empty() && item.hardlink.empty();
    archive_entry_set_size(entry, has_bytes ? static_cast<la_int64_t>(item.bytes.size()) : 0);
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    if (has_bytes) {
      archive_write_data(writer, item.bytes.data(), item.bytes.size());
    }
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  return bytes;
}

std::string R4Url(const std::string& type) {
  return "http://hl7.org/fhir/StructureDefinition/" + type;
}

std::string OwnUrl(const std::string& name) {
  return "http://example.org/StructureDefinition/" + name;
}

std::string ProfileJson(const std::string& name, const std::string& type, const std::string& base,
                        const std::string& elements, const std::string& more) {
  const std::string kind = type == "Extension" || type == "Quantity" ? "complex-type" : "resource";
  return R"({"resourceType":"StructureDefinition","url":")" + OwnUrl(name) +
         R"(","version":"1.2.0","name":")" + name + R"(","status":"active","kind":")" + kind +
         R"(","abstract":false,"fhirVersion":"4.0.1","type":")" + type + R"(","baseDefinition":")" +
         base + R"(","derivation":"constraint")" + more +
         (elements.empty() ? "" : R"(,"differential":{"element":[)" + elements + "]}") + "}";
}

const Definitions& R4Definitions() {
  static const Definitions definitions = Definitions::R4();
  return definitions;
}

Result<Packages> LoadFiles(const std::vector<std::pair<std::string, std::string>>& files) {
  const TempFolder folder;
  for (const auto& [name, bytes] : files) {
    folder.Write("northland/" + name, bytes);
  }
  PackageSources sources;
  sources.paths = {folder.path() + "/northland"};
  return Packages::Load(sources, R4Definitions());
}

const ElementRule* RuleOf(const Profile& profile, std::string_view id) {
  for (const ElementRule& rule : profile.elements) {
    if (rule.id == id) {
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace gw::fhir
