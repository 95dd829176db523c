#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"

namespace gw::validate {

enum class Severity : uint8_t { kError, kWarning };

// One rule of R4 that a resource breaks.
struct Issue {
  Severity severity = Severity::kError;
  // FHIR issue-type: required, structure, value, code-invalid, invariant.
  std::string code;
  std::string location;  // FHIRPath: "CarePlan.activity[0]"
  std::string
      detail;  // the rule, never the value: "cpl-3: Provide a reference or detail, not both"
  auto operator<=>(const Issue&) const = default;
};

// Checks resources against base R4: cardinality, types of choices, lexical forms, required
// bindings, reference targets, and R4's invariants, of which the frequent ones are written out here
// and the others are evaluated as FHIRPath. Known-bad invariants that never fire in R4 are left out
// (rules.cc). A binding whose value set or code system the definitions
// cannot expand gives no issue. Immutable after construction; any thread. The Definitions must
// outlive it.
class Validator {
 public:
  // Compiles the invariants: some milliseconds.
  explicit Validator(const fhir::Definitions& definitions);
  Validator(Validator&&) noexcept;
  ~Validator();

  // In document order; an element's own issues before those of its children. Equal resources give
  // equal lists. An element that is null (HL7 v2 "") counts as absent. Linear in the resource.
  std::vector<Issue> Check(const fhir::Resource& resource) const;

  // Invariants whose expression the FHIRPath engine refuses, as "key: reason". They are not
  // checked; a test holds that there are none.
  const std::vector<std::string>& Uncompiled() const;

  struct Rules;

 private:
  std::unique_ptr<const Rules> rules_;
};

// Whether any issue is an error.
bool HasErrors(const std::vector<Issue>& issues);

}  // namespace gw::validate
