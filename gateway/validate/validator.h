#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/resource.h"

namespace gw::validate {

enum class Severity : uint8_t { kFatal, kError, kWarning, kInformation };

// "fatal", "error" ...: the codes of issue-severity.
std::string_view NameOf(Severity severity);

// One rule that a resource breaks.
struct Issue {
  Severity severity = Severity::kError;
  // FHIR issue-type: required, structure, value, code-invalid, invariant, not-found ...
  std::string code;
  std::string
      location;        // FHIRPath: "CarePlan.activity[0].detail", "Observation.value.ofType(Range)"
  std::string detail;  // the rule in words, never the value
  std::string rule;    // its short name: "cpl-3", "cardinality", "binding", "bundle-reference"
  // Of the element, in the text that it was parsed from: a byte offset. Validator::CheckText makes
  // line and column of it, from 1; 0 where they are not known.
  uint32_t offset = 0;
  uint32_t line = 0;
  uint32_t column = 0;
  auto operator<=>(const Issue&) const = default;
};

enum class Format : uint8_t {
  kJson,
  kXml,
  kNdjson  // one resource a line
};

// What a caller may ask of a check beside R4.
struct Options {
  // "// ..." and "/* ... */" between the tokens of JSON, which has none, are passed over: for files
  // that people keep.
  bool allow_comments = false;
  // What is wrong within contained resources, and that nothing refers to them, is no issue.
  bool ignore_contained = false;
  // A text that holds a tag which runs programs where it is shown is an error; R4 lets it pass, so
  // that it is a warning otherwise.
  bool security_checks = false;
};

// What was found out about one resource of a text.
struct Report {
  std::string type;  // "CarePlan"; empty where the text did not even tell that
  std::vector<Issue> issues;
};

// Checks resources against R4: cardinality, types, lexical forms, bindings, references and their
// targets, contained resources, extensions, narrative, the rules of Bundles and documents, and R4's
// invariants, of which the frequent ones are written out here and the others are evaluated as
// FHIRPath. Known-bad invariants that never fire in R4 are left out (rules.cc). A code that cannot
// be judged, because its system or value set is not known here, gives a warning at most. Immutable
// after construction; any thread. The Definitions must outlive it.
class Validator {
 public:
  // Compiles the invariants: some milliseconds.
  explicit Validator(const fhir::Definitions& definitions);
  // With the profiles, extensions and code sets of packages, which must outlive it too.
  Validator(const fhir::Definitions& definitions, const fhir::Packages& packages);
  Validator(Validator&&) noexcept;
  ~Validator();

  // In document order; an element's own issues before those of its children. Equal resources give
  // equal lists. An element that is null (HL7 v2 "") counts as absent. Linear in the resource.
  // Beside R4's rules and those of the profiles that it claims (meta.profile), the resource is held
  // to `profiles`; those that are not known are passed over.
  std::vector<Issue> Check(const fhir::Resource& resource,
                           std::span<const std::string> profiles = {}) const;

  // What FHIRPath asks of profiles (conformsTo(), slice()) of one element of a tree: does it
  // conform, absent where the profile is not known; is it in the slice of that name of the profile.
  std::optional<bool> Conforms(const fhir::Element& element, std::string_view profile) const;
  bool IsInSlice(const fhir::Element& element, std::string_view structure,
                 std::string_view name) const;

  // Is that a profile of R4 or of the packages?
  bool Knows(std::string_view profile) const;

  // Reads a text and checks each resource in it: one report, or one a line of NDJSON. JSON that
  // FHIR refuses is read on as far as it can be understood, so that one run names all that is
  // wrong; what hides the rest is fatal.
  std::vector<Report> CheckText(std::string_view text, Format format, const Limits& limits,
                                std::span<const std::string> profiles = {},
                                const Options& options = {}) const;

  // Invariants whose expression the FHIRPath engine refuses, as "key: reason". They are not
  // checked; a test holds that there are none.
  const std::vector<std::string>& Uncompiled() const;

  struct Rules;

 private:
  static std::unique_ptr<const Rules> MakeRules(const fhir::Definitions& definitions,
                                                const fhir::Packages& packages);

  std::unique_ptr<const fhir::Packages> own_packages_;  // null where the caller's are used
  std::unique_ptr<const Rules> rules_;
};

// Whether any issue is an error, or fatal.
bool HasErrors(const std::vector<Issue>& issues);

}  // namespace gw::validate
