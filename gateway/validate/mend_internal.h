#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/validate/validator.h"

namespace gw::validate {

// JSON that a strict reader refuses, read on past faults that do not hide what follows: comments,
// commas too many or missing, a member twice. Only for texts that were refused, so that one run
// names all that is wrong with them.
struct MendedNode {
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  struct Member;
  Kind kind = Kind::kNull;
  uint32_t offset = 0;
  std::string text;  // of a string; the digits of a number; "true" or "false"
  std::vector<MendedNode> items;
  std::vector<Member> members;
};
struct MendedNode::Member {
  std::string name;
  MendedNode value;
};

// Where and how a text departs from JSON.
struct JsonFault {
  uint32_t offset;
  std::string detail;
};

// Errors: kInvalid, where nothing beyond can be trusted; *fault says what and where.
Result<MendedNode> MendJson(std::string_view text, const Limits& limits,
                            std::vector<JsonFault>* faults, JsonFault* fatal);

// A tree of what FHIR can make of mended JSON, and what it could not take.
struct MendedResource {
  std::optional<fhir::Resource> resource;  // none where its type is not known
  std::vector<Issue> issues;
  // Elements whose content was not taken: that they lack it needs no second issue. As the location
  // and the name of the child.
  std::set<std::pair<std::string, std::string>> losses;
};
MendedResource MendResource(const MendedNode& root, const fhir::Definitions& definitions);

}  // namespace gw::validate
