// Reading packages: as .tgz and as folder, JSON and XML, hardened; lookups; the cache.
#include "gateway/fhir/package.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "package_testing.h"

namespace gw::fhir {
namespace {

namespace fs = std::filesystem;

Result<Packages> Load(const std::vector<std::string>& paths, const std::string& cache = {},
                      const PackageLimits& limits = {}) {
  PackageSources sources;
  sources.paths = paths;
  sources.cache = cache;
  sources.limits = limits;
  return Packages::Load(sources, R4Definitions());
}

std::string Patient(const std::string& name = "NorthlandPatient") {
  return ProfileJson(name, "Patient", R4Url("Patient"),
                     R"({"id":"Patient.birthDate","path":"Patient.birthDate","min":1,)"
                     R"("mustSupport":true})");
}

constexpr const char* kPatientXml =
    R"(<StructureDefinition xmlns="http://hl7.org/fhir">
  <url value="http://example.org/StructureDefinition/NorthlandNurse"/>
  <version value="1.2.0"/><name value="NorthlandNurse"/><status value="active"/>
  <fhirVersion value="4.0.1"/><kind value="resource"/><abstract value="false"/>
  <type value="Practitioner"/>
  <baseDefinition value="http://hl7.org/fhir/StructureDefinition/Practitioner"/>
  <derivation value="constraint"/>
  <differential><element id="Practitioner.name"><path value="Practitioner.name"/><min value="1"/>
  </element></differential>
</StructureDefinition>)";

TEST(R4Package, HoldsEveryTypeAndItsElements) {
  const Packages packages = Packages::R4(R4Definitions());
  for (const TypeDef& type : R4Definitions().types()) {
    if (type.kind() == Kind::kBackbone) {
      continue;
    }
    const Profile* profile = packages.ProfileOfType(type.name());
    ASSERT_NE(profile, nullptr) << type.name();
    EXPECT_EQ(profile->type, &type);
    EXPECT_FALSE(profile->is_constraint);
    for (const ElementDef& element : type.elements()) {
      const std::string id = std::string(type.name()) + "." + std::string(element.name) +
                             (element.choice ? "[x]" : "");
      const ElementRule* rule = RuleOf(*profile, id);
      ASSERT_NE(rule, nullptr) << id;
      EXPECT_EQ(rule->min, element.min) << id;
      EXPECT_EQ(rule->max, element.max) << id;
      EXPECT_EQ(rule->modifier, element.modifier) << id;
      EXPECT_EQ(rule->choice, element.choice) << id;
      EXPECT_EQ(rule->binding.strength, element.binding) << id;
      if (rule->content_reference.empty() && element.types.front()->kind() != Kind::kBackbone) {
        ASSERT_EQ(rule->types.size(), element.types.size()) << id;
        for (size_t index = 0; index < rule->types.size(); ++index) {
          EXPECT_EQ(rule->types[index].type, element.types[index]) << id;
        }
      }
    }
  }
}

TEST(R4Package, LinksElementsToTheirParents) {
  const Packages packages = Packages::R4(R4Definitions());
  const Profile* profile = packages.ProfileOfType("Patient");
  ASSERT_NE(profile, nullptr);
  const auto elements = profile->elements;
  EXPECT_EQ(elements[0].parent, UINT32_MAX);
  EXPECT_EQ(elements[0].end, elements.size());
  const ElementRule* contact = RuleOf(*profile, "Patient.contact");
  const ElementRule* name = RuleOf(*profile, "Patient.contact.name");
  ASSERT_NE(contact, nullptr);
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(&elements[name->parent], contact);
  EXPECT_EQ(elements[contact->end].id, "Patient.communication");
  EXPECT_EQ(elements[contact->parent].id, "Patient");
  const Profile* bundle = packages.ProfileOfType("Bundle");
  EXPECT_EQ(RuleOf(*bundle, "Bundle.entry.link")->content_reference, "Bundle.link");
}

TEST(R4Package, HoldsItsOwnExtensionsAndProfiles) {
  const Packages packages = Packages::R4(R4Definitions());
  const Profile* extension = packages.FindProfile(R4Url("patient-birthPlace"));
  ASSERT_NE(extension, nullptr);
  ASSERT_EQ(extension->contexts.size(), 1u);
  EXPECT_EQ(extension->contexts[0].kind, ContextKind::kElement);
  EXPECT_EQ(extension->contexts[0].expression, "Patient");
  const ElementRule* url = RuleOf(*extension, "Extension.url");
  ASSERT_NE(url, nullptr);
  ASSERT_NE(url->fixed, nullptr);
  EXPECT_EQ(url->fixed->text(), R4Url("patient-birthPlace"));
  EXPECT_EQ(url->fixed->type().name(), "uri");

  const Profile* vital = packages.FindProfile(R4Url("bp") + "|4.0.1");
  ASSERT_NE(vital, nullptr);
  EXPECT_TRUE(vital->is_constraint);
  EXPECT_EQ(vital->type, R4Definitions().Find("Observation"));
  const ElementRule* category = RuleOf(*vital, "Observation.category");
  ASSERT_NE(category, nullptr);
  EXPECT_NE(category->slicing.rules, SlicingRules::kNone);
  EXPECT_EQ(packages.FindProfile(R4Url("bp") + "|3.0.0"), nullptr);
  EXPECT_EQ(packages.FindProfile("http://example.org/none"), nullptr);
  EXPECT_TRUE(packages.names().empty());
}

TEST(R4Package, MakesAProfileOnceForManyThreads) {
  const Packages packages = Packages::R4(R4Definitions());
  std::atomic<const Profile*> first{nullptr};
  std::vector<std::thread> threads;
  for (int index = 0; index < 8; ++index) {
    threads.emplace_back([&] {
      const Profile* found = packages.FindProfile(R4Url("Observation"));
      const Profile* expected = nullptr;
      if (!first.compare_exchange_strong(expected, found)) {
        EXPECT_EQ(found, expected);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_NE(first.load(), nullptr);
}

TEST(Package, IsReadFromAnArchiveAndAFolderAlike) {
  const TempFolder folder;
  folder.Write("folder/package.json", kManifest);
  folder.Write("folder/Patient.json", Patient());
  folder.Write("folder/deeper/nurse.xml", kPatientXml);
  folder.Write("folder/readme.md", "not a definition");
  folder.Write("folder/.git/config.json", "not a definition");
  folder.Write("folder/example.json", R"({"resourceType":"Patient","id":"one"})");
  const std::string archive = folder.Write(
      "package.tgz", MakeArchive({{"package/package.json", kManifest},
                                  {"package/.index.json", "{}"},
                                  {"package/StructureDefinition-patient.json", Patient()},
                                  {"package/nurse.xml", kPatientXml},
                                  {"package/other/notes.json", "not JSON"},
                                  {"package/example/one.json", R"({"resourceType":"Patient"})"}}));
  for (const std::string& path : {folder.path() + "/folder", archive}) {
    const Result<Packages> packages = Load({path});
    ASSERT_TRUE(packages.ok()) << packages.error().detail << " " << packages.error().where;
    ASSERT_EQ(packages->names().size(), 1u);
    EXPECT_EQ(packages->names()[0], "northland.core#1.2.0");
    EXPECT_EQ(packages->PackageProfiles(),
              (std::vector<std::string>{OwnUrl("NorthlandNurse") + "|1.2.0",
                                        OwnUrl("NorthlandPatient") + "|1.2.0"}));
    const Profile* profile = packages->FindProfile(OwnUrl("NorthlandPatient"));
    ASSERT_NE(profile, nullptr);
    EXPECT_EQ(profile->package, "northland.core#1.2.0");
    EXPECT_EQ(profile->type, R4Definitions().Find("Patient"));
    EXPECT_EQ(RuleOf(*profile, "Patient.birthDate")->min, 1);
    EXPECT_TRUE(RuleOf(*profile, "Patient.birthDate")->must_support);
    EXPECT_EQ(RuleOf(*profile, "Patient.gender")->min, 0);
    EXPECT_EQ(RuleOf(*packages->FindProfile(OwnUrl("NorthlandNurse")), "Practitioner.name")->min,
              1);
    const Result<Resource> source =
        packages->Read("StructureDefinition", OwnUrl("NorthlandPatient") + "|1.2.0");
    ASSERT_TRUE(source.ok()) << source.error().detail << source.error().where;
    EXPECT_EQ(source->root().TextAt("name"), "NorthlandPatient");
    EXPECT_EQ(packages->Read("ValueSet", OwnUrl("NorthlandPatient")).error().code, Code::kNotFound);
  }
}

TEST(Package, MayBeAFolderWithoutManifestOrABundle) {
  const Result<Packages> packages = LoadFiles(
      {{"all.json", R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" +
                        Patient() + "}]}"}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  EXPECT_EQ(packages->names()[0], "northland");
  EXPECT_NE(packages->FindProfile(OwnUrl("NorthlandPatient")), nullptr);
}

TEST(Package, TakesTheHighestVersionWhereNoneIsAsked) {
  const auto at = [](const std::string& version) {
    std::string text = Patient();
    text.replace(text.find("1.2.0"), 5, version);
    return text;
  };
  const Result<Packages> packages =
      LoadFiles({{"a.json", at("1.9.0")}, {"b.json", at("1.10.0")}, {"c.json", at("1.10.0-beta")}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  EXPECT_EQ(packages->FindProfile(OwnUrl("NorthlandPatient"))->version, "1.10.0");
  EXPECT_EQ(packages->FindProfile(OwnUrl("NorthlandPatient") + "|1.9.0")->version, "1.9.0");
  EXPECT_EQ(packages->FindProfile(OwnUrl("NorthlandPatient") + "|2.0"), nullptr);
}

TEST(Package, OffersItsSearchParametersAndMaps) {
  const Result<Packages> packages = LoadFiles(
      {{"search.json",
        R"({"resourceType":"SearchParameter","url":"http://example.org/ward","name":"ward",)"
        R"("status":"active","description":"ward","code":"ward","base":["Patient","Person"],)"
        R"("type":"token","expression":"Patient.extension.value | Person.extension.value"})"},
       {"map.json",
        R"({"resourceType":"StructureMap","url":"http://example.org/map","name":"m",)"
        R"("status":"active","group":[{"name":"g","typeMode":"none","input":[{"name":"s",)"
        R"("mode":"source"}],"rule":[{"name":"r","source":[{"context":"s"}]}]}]})"}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail << packages.error().where;
  ASSERT_EQ(packages->searches().size(), 2u);
  EXPECT_EQ(packages->searches()[0].parameter.base, "Patient");
  EXPECT_EQ(packages->searches()[0].parameter.expression, "Patient.extension.value");
  EXPECT_EQ(packages->searches()[0].parameter.kind, SearchKind::kToken);
  EXPECT_EQ(packages->searches()[1].parameter.expression, "Person.extension.value");
  EXPECT_EQ(packages->CanonicalsOf("StructureMap"),
            std::vector<std::string>{"http://example.org/map"});
  EXPECT_TRUE(packages->Read("StructureMap", "http://example.org/map").ok());
}

struct Refusal {
  const char* what;
  std::string bytes;  // of the .tgz
  Code code;
  const char* detail;
  const char* where;
};

class BrokenArchive : public testing::TestWithParam<Refusal> {};

TEST_P(BrokenArchive, IsRefusedWithWhatAndWhere) {
  const TempFolder folder;
  const std::string path = folder.Write("broken.tgz", GetParam().bytes);
  const Result<Packages> packages = Load({path});
  ASSERT_FALSE(packages.ok());
  EXPECT_EQ(packages.error().code, GetParam().code) << packages.error().detail;
  EXPECT_NE(packages.error().detail.find(GetParam().detail), std::string::npos)
      << packages.error().detail;
  EXPECT_EQ(packages.error().where.rfind(path, 0), 0u) << packages.error().where;
  EXPECT_NE(packages.error().where.find(GetParam().where), std::string::npos)
      << packages.error().where;
}

std::string Whole() {
  return MakeArchive({{"package/package.json", kManifest}, {"package/patient.json", Patient()}});
}

// The archive with one byte of its compressed data turned.
std::string Turned(size_t from_end) {
  std::string bytes = Whole();
  char& turned = bytes[bytes.size() - from_end];
  turned = static_cast<char>(turned ^ 0x55);
  return bytes;
}

std::string With(const TestEntry& entry) {
  return MakeArchive({{"package/package.json", kManifest}, entry});
}

std::string WithManifest(const std::string& manifest) {
  return MakeArchive({{"package/package.json", manifest}, {"package/patient.json", Patient()}});
}

INSTANTIATE_TEST_SUITE_P(
    Package, BrokenArchive,
    testing::Values(
        Refusal{"empty", "", Code::kInvalid, "not a gzip tar", ""},
        Refusal{"no_gzip", "PK\x03\x04 zip", Code::kInvalid, "not a gzip tar", ""},
        Refusal{"cut", Whole().substr(0, Whole().size() / 2), Code::kInvalid, "cut off", ""},
        Refusal{"cut_at_the_end", Whole().substr(0, Whole().size() - 4), Code::kInvalid, "cut off",
                ""},
        Refusal{"turned", Turned(60), Code::kInvalid, "damaged", ""},
        Refusal{"turned_checksum", Turned(7), Code::kInvalid, "damaged", ""},
        Refusal{"out", With({"package/../../etc/passwd", "x"}), Code::kInvalid, "leads out",
                "entry 2"},
        Refusal{"absolute", With({"/etc/passwd", "x"}), Code::kInvalid, "leads out", "entry 2"},
        Refusal{"backslash", With({"package\\..\\x", "x"}), Code::kInvalid, "leads out", "entry 2"},
        Refusal{"link", With({"package/a.json", "", "/etc/passwd"}), Code::kInvalid, "link",
                "package/a.json"},
        Refusal{"hardlink", With({"package/a.json", "", "", "package/package.json"}),
                Code::kInvalid, "link", "package/a.json"},
        Refusal{"no_manifest", MakeArchive({{"package/patient.json", Patient()}}), Code::kInvalid,
                "package.json is missing", ""},
        Refusal{"broken_manifest", WithManifest("{"), Code::kInvalid, "", "package.json: line 1"},
        Refusal{"no_name", WithManifest(R"({"version":"1"})"), Code::kInvalid, "a name",
                "package.json"},
        Refusal{"no_version", WithManifest(R"({"name":"a"})"), Code::kInvalid, "a version",
                "package.json"},
        Refusal{"other_release",
                WithManifest(R"({"name":"a","version":"1","fhirVersions":["5.0.0"]})"),
                Code::kUnsupported, "another release", "package.json"},
        Refusal{"broken_json", With({"package/b.json", "{\"resourceType\":\n}"}), Code::kInvalid,
                "", "b.json: line 2"},
        Refusal{"broken_xml", With({"package/b.xml", "<Patient xmlns=\"http://hl7.org/fhir\">"}),
                Code::kInvalid, "", "b.xml"},
        Refusal{"doctype", With({"package/b.xml", "<!DOCTYPE x><Patient/>"}), Code::kInvalid, "",
                "b.xml"},
        Refusal{"no_url", With({"package/b.json", R"({"resourceType":"ValueSet"})"}),
                Code::kInvalid, "url", "b.json"},
        Refusal{"bad_content",
                With({"package/b.json",
                      R"({"resourceType":"CodeSystem","url":"http://a","content":"much"})"}),
                Code::kInvalid, "CodeSystem.content", "b.json"},
        Refusal{"code_twice",
                With({"package/b.json",
                      R"({"resourceType":"CodeSystem","url":"http://a","content":"complete",)"
                      R"("concept":[{"code":"a"},{"code":"a"}]})"}),
                Code::kInvalid, "stands once", "b.json"},
        Refusal{"bad_search",
                With({"package/b.json",
                      R"({"resourceType":"SearchParameter","url":"http://a","code":"a",)"
                      R"("base":["Patient"],"type":"odd"})"}),
                Code::kInvalid, "search parameter", "b.json"},
        Refusal{"profile_for_r5",
                With({"package/b.json", R"({"resourceType":"StructureDefinition","url":"http://a",)"
                                        R"("fhirVersion":"5.0.0","type":"Patient"})"}),
                Code::kUnsupported, "another release", "b.json"}),
    [](const auto& refusal) { return std::string(refusal.param.what); });

TEST(Package, IsRefusedWhereACanonicalStandsTwice) {
  std::string other = Patient();
  other.replace(other.find("\"min\":1"), 7, "\"min\":0");
  const Result<Packages> twice = LoadFiles({{"a.json", Patient()}, {"b.json", other}});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, Code::kInvalid);
  EXPECT_NE(twice.error().detail.find("stands twice"), std::string::npos);
  EXPECT_NE(twice.error().detail.find("a.json"), std::string::npos);
  EXPECT_NE(twice.error().where.find("b.json"), std::string::npos);
  EXPECT_TRUE(LoadFiles({{"a.json", Patient()}, {"b.json", Patient()}}).ok());  // the same
}

TEST(Package, LeavesR4sOwnAsTheyAre) {
  std::string text = ProfileJson("x", "Patient", R4Url("DomainResource"), "");
  text.replace(text.find(OwnUrl("x")), OwnUrl("x").size(), R4Url("Patient"));
  text.replace(text.find("1.2.0"), 5, "4.0.1");
  const Result<Packages> packages = LoadFiles({{"patient.json", text}});
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  EXPECT_NE(RuleOf(*packages->FindProfile(R4Url("Patient")), "Patient.birthDate"), nullptr);
}

TEST(Package, RefusesWhatIsNoFileOrFolder) {
  const TempFolder folder;
  const Result<Packages> missing = Load({folder.path() + "/none.tgz"});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_EQ(missing.error().where, folder.path() + "/none.tgz");
  folder.Write("linked/a.json", Patient());
  fs::create_symlink("/etc/passwd", folder.path() + "/linked/b.json");
  const Result<Packages> linked = Load({folder.path() + "/linked"});
  ASSERT_FALSE(linked.ok());
  EXPECT_EQ(linked.error().code, Code::kInvalid);
  EXPECT_NE(linked.error().where.find("b.json"), std::string::npos);
}

TEST(PackageLimit, HoldsAtTheBoundAndNotPastIt) {
  const TempFolder folder;
  const std::string big(2000, ' ');
  const std::vector<TestEntry> entries = {{"package/package.json", kManifest},
                                          {"package/a.json", "{" + big + "}"},
                                          {"package/b.json", "{}"}};
  uint64_t unpacked = 0;
  for (const TestEntry& entry : entries) {
    unpacked += entry.bytes.size();
  }
  const std::string bytes = MakeArchive(entries);
  const std::string path = folder.Write("a.tgz", bytes);
  const auto code = [&](const auto& change) {
    PackageLimits limits;
    change(&limits);
    const Result<Packages> packages = Load({path}, {}, limits);
    return packages.ok() ? Code::kInternal : packages.error().code;
  };
  EXPECT_EQ(code([&](auto* l) { l->archive_bytes_max = bytes.size(); }), Code::kInternal);
  EXPECT_EQ(code([&](auto* l) { l->archive_bytes_max = bytes.size() - 1; }), Code::kTooLarge);
  EXPECT_EQ(code([&](auto* l) { l->unpacked_bytes_max = unpacked; }), Code::kInternal);
  EXPECT_EQ(code([&](auto* l) { l->unpacked_bytes_max = unpacked - 1; }), Code::kTooLarge);
  EXPECT_EQ(code([&](auto* l) { l->file_bytes_max = 2002; }), Code::kInternal);
  EXPECT_EQ(code([&](auto* l) { l->file_bytes_max = 2001; }), Code::kTooLarge);
  EXPECT_EQ(code([&](auto* l) { l->files_max = 3; }), Code::kInternal);
  EXPECT_EQ(code([&](auto* l) { l->files_max = 2; }), Code::kTooLarge);
}

TEST(PackageLimit, RefusesABomb) {
  const TempFolder folder;
  const std::string zeros(8u << 20, ' ');
  const std::string path = folder.Write(
      "bomb.tgz", MakeArchive({{"package/package.json", kManifest}, {"package/a.json", zeros}}));
  ASSERT_LT(fs::file_size(path), 64u << 10);
  const Result<Packages> packages = Load({path});
  ASSERT_FALSE(packages.ok());
  EXPECT_EQ(packages.error().code, Code::kTooLarge);
  EXPECT_NE(packages.error().detail.find("times its size"), std::string::npos);
}

std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(PackageCache, IsMadeUsedAndRemadeWhereDamaged) {
  const TempFolder folder;
  folder.Write("folder/package.json", kManifest);
  folder.Write("folder/a.json", Patient());
  const std::string package = folder.path() + "/folder";
  const std::string cache = folder.path() + "/cache";
  ASSERT_TRUE(Load({package}, cache).ok());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(cache)) {
    files.push_back(entry.path());
  }
  ASSERT_EQ(files.size(), 1u);
  const std::string whole = Slurp(files[0]);

  // What is in the cache is used: a compiled form of another package under this name shows.
  folder.Write("other/package.json", R"({"name":"other","version":"1"})");
  folder.Write("other/a.json", Patient("Other"));
  const std::string other_cache = folder.path() + "/other-cache";
  ASSERT_TRUE(Load({folder.path() + "/other"}, other_cache).ok());
  const std::string other = Slurp(fs::directory_iterator(other_cache)->path());
  std::ofstream(files[0], std::ios::binary) << other;
  const Result<Packages> from_cache = Load({package}, cache);
  ASSERT_TRUE(from_cache.ok());
  EXPECT_EQ(from_cache->names()[0], "other#1");

  // Damaged in any part it is passed over and made anew.
  for (const std::string& damaged :
       {std::string(), whole.substr(0, 20), whole.substr(0, whole.size() - 1), whole + "x",
        std::string(whole).replace(whole.size() / 2, 1, "\x7f"),
        std::string(whole).replace(0, 1, "\x7f")}) {
    std::ofstream(files[0], std::ios::binary) << damaged;
    const Result<Packages> packages = Load({package}, cache);
    ASSERT_TRUE(packages.ok());
    EXPECT_NE(packages->FindProfile(OwnUrl("NorthlandPatient")), nullptr);
    EXPECT_EQ(Slurp(files[0]), whole);
  }

  // Another content has another name.
  folder.Write("folder/a.json", Patient() + " ");
  ASSERT_TRUE(Load({package}, cache).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(cache), fs::directory_iterator()), 2);
}

TEST(PackageCache, IsNotNeeded) {
  const TempFolder folder;
  folder.Write("folder/a.json", Patient());
  folder.Write("file", "in the way");
  EXPECT_TRUE(Load({folder.path() + "/folder"}, folder.path() + "/file").ok());
}

}  // namespace
}  // namespace gw::fhir
