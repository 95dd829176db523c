#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// What StructureDefinitions say, in the form in which instances are checked: one ElementRule for
// each ElementDefinition of the snapshot. All views, spans and pointers of these types live as long
// as the Packages that they come from.

// One ElementDefinition.type.
struct TypeRule {
  // R4's name: "Quantity", "Reference". FHIRPath's System types are resolved to the R4 type that is
  // meant. A logical model may name its own canonical here.
  std::string_view code;
  const TypeDef* type = nullptr;                      // null: not a type of R4 (logical models)
  std::span<const std::string_view> profiles;         // canonicals as written, |version kept
  std::span<const std::string_view> target_profiles;  // of Reference and canonical
};

struct BindingRule {
  Strength strength = Strength::kNone;
  std::string_view value_set;      // canonical as written, |version kept; may be empty
  std::string_view max_value_set;  // extension elementdefinition-maxValueSet: required where given
};

enum class DiscriminatorKind : uint8_t { kValue, kExists, kPattern, kType, kProfile };

struct Discriminator {
  DiscriminatorKind kind = DiscriminatorKind::kValue;
  std::string_view path;  // the restricted FHIRPath: "$this", "code", "value.ofType(Quantity)"
};

enum class SlicingRules : uint8_t { kNone, kClosed, kOpen, kOpenAtEnd };  // kNone: not sliced

struct Slicing {
  SlicingRules rules = SlicingRules::kNone;
  bool ordered = false;
  std::span<const Discriminator> discriminators;
};

struct Constraint {
  std::string_view key;         // "cpl-3"
  std::string_view expression;  // FHIRPath; empty where the profile gives none
  std::string_view human;
  std::string_view source;  // canonical of the StructureDefinition that states it
  bool error = true;        // false: a warning
};

// One element of a snapshot, or one slice of it.
struct ElementRule {
  std::string_view id;          // "Observation.component:systolic.code"
  std::string_view path;        // "Observation.component.code", "Observation.value[x]"
  std::string_view name;        // the last part of the path, without [x]: "code", "value"
  std::string_view slice_name;  // "systolic"; a reslice is "systolic/left"; empty: not a slice
  // "Bundle.link": the rules for the children are those of that path in the type's own definition.
  // Empty where the children follow here or come from the type.
  std::string_view content_reference;
  std::span<const TypeRule> types;
  std::span<const Constraint> constraints;
  BindingRule binding;
  Slicing slicing;  // of this element: its slices follow among its siblings
  // The value itself ("Parameters.parameter.value" of a tree of the Packages); null: none.
  const Element* fixed = nullptr;
  const Element* pattern = nullptr;
  const Element* min_value = nullptr;
  const Element* max_value = nullptr;
  uint32_t max_length = 0;  // 0: not limited
  uint16_t min = 0;
  uint16_t max = 1;  // kMany for *
  // What the base allows, for the element without its slices: 0..1 elements are no arrays.
  uint16_t base_max = 1;
  bool choice = false;  // the path ends with [x]
  bool modifier = false;
  bool must_support = false;
  // Places in Profile::elements: the children of this element, in order, are those of
  // (own place, end) whose `parent` is this one's place. A slice stands beside the element that it
  // slices, after it and after that one's children.
  uint32_t parent = UINT32_MAX;  // UINT32_MAX for the first, the root
  uint32_t end = 0;              // one past the last descendant
};

enum class ContextKind : uint8_t { kElement, kExtension, kFhirPath };

// Where an extension may stand: StructureDefinition.context.
struct ContextRule {
  ContextKind kind = ContextKind::kElement;
  std::string_view expression;  // "Patient.name", a canonical, or FHIRPath
};

// A StructureDefinition with its snapshot: of a type of R4, of one of R4's own extensions and
// profiles, or of a package.
struct Profile {
  std::string_view url;
  std::string_view version;
  std::string_view name;
  std::string_view package;  // "name#version"; "hl7.fhir.r4.core#4.0.1" for R4's own
  std::string_view base;     // baseDefinition
  std::string_view type_name;
  const TypeDef* type = nullptr;  // null for a logical model
  bool is_abstract = false;
  bool is_constraint = false;  // derivation = constraint: a profile; false: a type of its own
  std::span<const ContextRule> contexts;                 // of extensions
  std::span<const std::string_view> context_invariants;  // FHIRPath
  std::span<const ElementRule> elements;                 // the first is the root
};

// A SearchParameter of a package, one row for each base type that it names.
struct PackageSearch {
  std::string_view url;
  SearchParameter parameter;
};

// Every bound on a package, which is foreign input. Each has a test at the bound and one past it.
struct PackageLimits {
  uint64_t archive_bytes_max = 256u << 20;  // the .tgz itself
  uint64_t unpacked_bytes_max = 1u << 30;   // all files of one package together
  uint32_t file_bytes_max = 64u << 20;      // one file
  uint32_t files_max = 50'000;              // entries of one package
  uint32_t ratio_max = 200;                 // unpacked bytes per byte of archive
  uint32_t chain_max = 32;                  // profiles on profiles, value sets in value sets
  uint32_t elements_max = 20'000;           // of one snapshot
};

// What is to be loaded.
struct PackageSources {
  std::vector<std::string> paths;  // each a .tgz, or a folder of JSON and XML files
  std::string cache;               // folder of compiled packages; empty: none is kept
  PackageLimits limits;
};

// The FHIR packages of a deployment, compiled, over R4's own definitions, which are always there.
// Immutable after Load; any thread. The Definitions must outlive it.
class Packages {
 public:
  ~Packages();
  Packages(Packages&&) noexcept;

  // R4 alone: nothing is read or parsed, microseconds.
  static Packages R4(const Definitions& definitions);

  // Reads the packages (any order; they may need each other), makes the snapshots that are
  // differentials and takes the compiled form from the cache where it is there and sound. A package
  // is refused as a whole. Errors, where = "<path>: <file in the package>[: place]":
  //   kNotFound    no such file or folder
  //   kTooLarge    past one of the limits
  //   kUnsupported a fhirVersion other than 4.0.x
  //   kInvalid     not a gzip tar; a path that leads out, a link or a device in it; package.json
  //                missing (.tgz) or without name and version; a file that is not JSON or XML of
  //                FHIR; the same canonical and version twice; a base or content reference that
  //                does not exist, a cycle, a differential that contradicts its base (profile and
  //                element are named).
  // Source: https://hl7.org/fhir/packages.html, R4 profiling.html.
  static Result<Packages> Load(const PackageSources& sources, const Definitions& definitions);

  // By canonical, with or without |version: without, the highest version stands, and R4's own
  // before those of packages. Null if it is not held.
  const Profile* FindProfile(std::string_view canonical) const;
  // The definition of an R4 type itself: "Patient", "HumanName". Null for inner types
  // ("Patient.contact"): their rules stand in the outer one's.
  const Profile* ProfileOfType(std::string_view type_name) const;
  // Canonicals ("url|version") of the profiles that packages brought, sorted.
  std::vector<std::string> PackageProfiles() const;

  // A resource that a package brought, as it stands there: StructureDefinition, ValueSet,
  // CodeSystem, ConceptMap, SearchParameter, StructureMap. Parsed at each call. Errors: kNotFound;
  // those of ParseJson for what R4 does not allow.
  Result<Resource> Read(std::string_view type, std::string_view canonical) const;
  // Canonicals ("url|version") of the resources of a type that packages brought, sorted.
  std::vector<std::string> CanonicalsOf(std::string_view type) const;

  // The search parameters that packages brought, sorted by base and code.
  std::span<const PackageSearch> searches() const;
  // "name#version" of each package, in order of loading.
  std::span<const std::string_view> names() const;

  // The compiled forms (package/compiled_internal.h), for Terminology.
  struct Loaded;
  const Loaded& loaded() const { return *loaded_; }

 private:
  explicit Packages(std::unique_ptr<Loaded> loaded);
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace gw::fhir
