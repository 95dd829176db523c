#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/package/compiled_internal.h"

namespace gw::fhir {

// A profile in the form that is handed out, made from its rows when it is first asked for.
struct MadeProfile {
  Profile profile;
  Arena arena;                     // spans of the profile
  std::optional<Resource> values;  // the Parameters that hold fixed[x] and pattern[x]
};

// One compiled form in use.
struct Layer {
  explicit Layer(std::string bytes);               // sound bytes of our own
  explicit Layer(const compiled::View& constant);  // R4's
  std::string bytes;
  compiled::View view;
  // One for each row of view.profiles; null until it is made.
  std::vector<std::atomic<const Profile*>> profiles;
};

struct Packages::Loaded {
  const Definitions* definitions = nullptr;
  std::vector<std::unique_ptr<Layer>> layers;  // R4's first
  std::vector<PackageSearch> searches;
  std::vector<std::string_view> names;
  std::vector<std::unique_ptr<std::vector<std::string_view>>> targets;  // of `searches`
  mutable std::mutex making;                                            // guards `made`
  mutable std::vector<std::unique_ptr<MadeProfile>> made;
};

// Makes the profile of a row. Precondition: its values are a Parameters resource that R4 allows, or
// empty.
std::unique_ptr<MadeProfile> MakeProfile(const compiled::View& view,
                                         const compiled::ProfileRow& row,
                                         const Definitions& definitions);

// The values of a profile's elements as a resource. Errors: those of ParseJson.
Result<Resource> ParseValues(std::string_view json, const Definitions& definitions);

}  // namespace gw::fhir
