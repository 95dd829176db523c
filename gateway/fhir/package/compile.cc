#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "gateway/fhir/package/compile_internal.h"
#include "gateway/fhir/package/loaded_internal.h"
#include "gateway/fhir/package/manifest_internal.h"
#include "gateway/fhir/package/snapshot_internal.h"
#include "gateway/fhir/package/terminology_pack_internal.h"

namespace gw::fhir {
namespace {

// Names the first element with a value that R4 does not allow.
Error ValueError(const StructureDraft& structure, const Definitions& definitions) {
  for (const ElementDraft& element : structure.elements) {
    for (const auto* value :
         {&element.fixed, &element.pattern, &element.min_value, &element.max_value}) {
      if (!*value) {
        continue;
      }
      const Result<Resource> parsed = ParseValues(ValuesJson({**value}), definitions);
      if (!parsed) {
        return {Code::kInvalid, "a fixed or pattern value: " + parsed.error().detail,
                structure.file + ": " + structure.url + ": " + element.id};
      }
    }
  }
  return {Code::kInvalid, "fixed or pattern values", structure.file + ": " + structure.url};
}

// The structures of the packages and of R4, made as they are asked for.
class Structures final : public StructureSource {
 public:
  explicit Structures(const PackageLimits& limits)
      : limits_(limits), r4_(compiled::Open(compiled::R4Bytes()).value_or(compiled::View{})) {}

  void Add(StructureDraft structure) {
    auto entry = std::make_unique<Entry>();
    entry->state = structure.elements.empty() ? State::kGiven : State::kMade;
    entry->structure = std::move(structure);
    by_url_[entry->structure.url].push_back(entry.get());
    entries_.push_back(std::move(entry));
  }

  Result<const StructureDraft*> Find(std::string_view canonical) override {
    if (const auto known = r4_made_.find(canonical); known != r4_made_.end()) {
      return &known->second;
    }
    const auto* row = compiled::FindCanonical(r4_, r4_.profiles, canonical);
    if (row != nullptr) {
      return &r4_made_.emplace(std::string(canonical), UnpackStructure(r4_, *row)).first->second;
    }
    Entry* entry = EntryOf(canonical);
    if (entry == nullptr) {
      return nullptr;
    }
    GW_RETURN_IF_ERROR(Make(entry));
    return &entry->structure;
  }

  // Makes what is not made yet and appends all. Errors: those of MakeSnapshot; kInvalid: a fixed or
  // pattern value that R4 does not allow.
  Status PackAll(const Definitions& definitions, compiled::Writer* out) {
    for (const auto& entry : entries_) {
      GW_RETURN_IF_ERROR(Make(entry.get()));
      PackStructure(entry->structure, out);
      const std::string_view values = out->TextAt(out->profiles.back().values);
      if (!values.empty() && !ParseValues(values, definitions)) {
        return ValueError(entry->structure, definitions);
      }
    }
    return {};
  }

  const compiled::View& r4() const { return r4_; }

 private:
  enum class State : uint8_t { kGiven, kBeingMade, kMade };
  struct Entry {
    StructureDraft structure;
    State state = State::kGiven;
  };

  // The exact version, or the highest.
  Entry* EntryOf(std::string_view canonical) const {
    const size_t bar = canonical.find('|');
    const auto found = by_url_.find(canonical.substr(0, bar));
    if (found == by_url_.end()) {
      return nullptr;
    }
    Entry* best = nullptr;
    for (Entry* entry : found->second) {
      const std::string& version = entry->structure.version;
      if (bar != std::string_view::npos) {
        if (version == canonical.substr(bar + 1)) {
          return entry;
        }
      } else if (best == nullptr ||
                 compiled::CompareVersions(version, best->structure.version) > 0) {
        best = entry;
      }
    }
    return best;
  }

  Status Make(Entry* entry) {
    if (entry->state == State::kMade) {
      return {};
    }
    const std::string where = entry->structure.file + ": " + entry->structure.url;
    if (entry->state == State::kBeingMade) {
      return Error{Code::kInvalid, "profiles that stand on each other in a circle", where};
    }
    if (depth_ >= limits_.chain_max) {
      return Error{Code::kTooLarge, "profiles stand on too many profiles", where};
    }
    entry->state = State::kBeingMade;
    ++depth_;
    Status status = MakeSnapshot(&entry->structure, limits_.elements_max, this);
    --depth_;
    if (!status) {
      Error error = std::move(status).error();
      if (error.where.find(entry->structure.url) == 0) {  // not of another file
        error.where = entry->structure.file + ": " + error.where;
      }
      return error;
    }
    entry->state = State::kMade;
    return {};
  }

  const PackageLimits& limits_;
  compiled::View r4_;
  uint32_t depth_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::string, std::vector<Entry*>, std::less<>> by_url_;
  std::map<std::string, StructureDraft, std::less<>> r4_made_;
};

class PackagesCompiler {
 public:
  PackagesCompiler(const PackageLimits& limits, const Definitions& definitions)
      : limits_(limits), definitions_(definitions), structures_(limits) {}

  Status Add(PackageBytes package) {
    GW_TRY(const Manifest manifest, ReadManifest(std::move(package), limits_, definitions_));
    writer_.packages.push_back(writer_.Intern(manifest.name));
    for (const PackagedResource& resource : manifest.resources) {
      GW_TRY(const bool is_new, IsNew(resource));
      if (!is_new) {
        continue;
      }
      if (Status status = Pack(resource, manifest.name); !status) {
        Error error = std::move(status).error();
        error.where = resource.file + ": " + error.where;
        return error;
      }
    }
    return {};
  }

  Result<std::string> Finish() {
    GW_RETURN_IF_ERROR(structures_.PackAll(definitions_, &writer_));
    return writer_.Bytes();
  }

 private:
  // R4's own stands; the same in two packages is one; two that differ are an error.
  Result<bool> IsNew(const PackagedResource& resource) {
    const std::string canonical = resource.url + "|" + resource.version;
    if (IsOfR4(resource.type, canonical)) {
      return false;
    }
    std::string text;
    AppendJson(resource.json, &text);
    const auto [known, is_new] = known_.emplace(resource.type + " " + canonical,
                                                std::pair(crypto::Sha256(text), resource.file));
    if (is_new) {
      compiled::ResourceRow row = {};
      row.type = writer_.Intern(resource.type);
      row.url = writer_.Intern(resource.url);
      row.version = writer_.Intern(resource.version);
      row.json = writer_.Intern(text);
      writer_.resources.push_back(row);
      return true;
    }
    if (known->second.first != crypto::Sha256(text)) {
      return Error{Code::kInvalid,
                   "the canonical " + canonical + " stands twice, also in " + known->second.second,
                   resource.file};
    }
    return false;
  }

  bool IsOfR4(std::string_view type, std::string_view canonical) const {
    const compiled::View& r4 = structures_.r4();
    if (type == "StructureDefinition") {
      return compiled::FindCanonical(r4, r4.profiles, canonical) != nullptr;
    }
    if (type == "CodeSystem") {
      return compiled::FindCanonical(r4, r4.code_systems, canonical) != nullptr;
    }
    if (type == "ValueSet") {
      return compiled::FindCanonical(r4, r4.value_sets, canonical) != nullptr;
    }
    return type == "ConceptMap" &&
           compiled::FindCanonical(r4, r4.concept_maps, canonical) != nullptr;
  }

  Status Pack(const PackagedResource& resource, const std::string& package) {
    if (resource.type == "StructureDefinition") {
      GW_TRY(StructureDraft structure, ReadStructure(resource.json));
      structure.package = package;
      structure.file = resource.file;
      structures_.Add(std::move(structure));
      return {};
    }
    if (resource.type == "CodeSystem") {
      return PackCodeSystem(resource.json, package, true, &writer_);
    }
    if (resource.type == "ValueSet") {
      return PackValueSet(resource.json, package, &writer_);
    }
    if (resource.type == "ConceptMap") {
      return PackConceptMap(resource.json, package, &writer_);
    }
    return resource.type == "SearchParameter" ? PackSearchParameter(resource.json, &writer_)
                                              : Status();
  }

  const PackageLimits& limits_;
  const Definitions& definitions_;
  Structures structures_;
  compiled::Writer writer_;
  std::map<std::string, std::pair<crypto::Digest, std::string>> known_;
};

}  // namespace

Result<std::string> CompilePackages(std::vector<PackageBytes> packages, const PackageLimits& limits,
                                    const Definitions& definitions) {
  PackagesCompiler compiler(limits, definitions);
  for (PackageBytes& package : packages) {
    GW_RETURN_IF_ERROR(compiler.Add(std::move(package)));
  }
  return compiler.Finish();
}

}  // namespace gw::fhir
