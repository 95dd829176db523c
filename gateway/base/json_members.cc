#include "gateway/base/json_members.h"

#include <algorithm>

namespace gw {

JsonMembers::JsonMembers(const Json& json, std::string place)
    : json_(json), place_(std::move(place)) {
  Check(json.is_object(), "an object is needed here", "");
}

JsonMembers& JsonMembers::Text(std::string_view key, std::string* out) {
  if (const Json* value = Take(key, Json::Kind::kString, "a string is needed here")) {
    *out = value->text();
  }
  return *this;
}

JsonMembers& JsonMembers::Bool(std::string_view key, bool* out) {
  if (const Json* value = Take(key, Json::Kind::kBool, "true or false is needed here")) {
    *out = value->boolean();
  }
  return *this;
}

JsonMembers& JsonMembers::Texts(std::string_view key, std::vector<std::string>* out) {
  constexpr std::string_view kRule = "a list of strings is needed here";
  if (const Json* value = Take(key, Json::Kind::kArray, kRule)) {
    out->clear();
    for (const Json& item : value->items()) {
      Check(item.is_string(), kRule, key);
      out->push_back(item.text());
    }
  }
  return *this;
}

const Json* JsonMembers::Object(std::string_view key) {
  return Take(key, Json::Kind::kObject, "an object is needed here");
}

const Json* JsonMembers::Array(std::string_view key) {
  return Take(key, Json::Kind::kArray, "a list is needed here");
}

void JsonMembers::Check(bool holds, std::string_view rule, std::string_view key) {
  if (!holds && fault_.ok()) {
    fault_ = Error{Code::kInvalid, std::string(rule), PlaceOf(key)};
  }
}

void JsonMembers::Keep(Status part) {
  if (fault_.ok()) {
    fault_ = std::move(part);
  }
}

std::string JsonMembers::PlaceOf(std::string_view key) const {
  const bool is_top = place_.ends_with(' ');
  return place_ + (key.empty() || is_top ? "" : ".") + std::string(key);
}

Status JsonMembers::Finish() {
  for (const auto& [name, value] : json_.members()) {
    Check(std::find(taken_.begin(), taken_.end(), name) != taken_.end(), "an unknown key", name);
  }
  return fault_;
}

const Json* JsonMembers::Take(std::string_view key, Json::Kind kind, std::string_view rule) {
  taken_.emplace_back(key);
  const Json* value = json_.Find(key);
  Check(value == nullptr || value->kind() == kind, rule, key);
  return value != nullptr && value->kind() == kind ? value : nullptr;
}

std::optional<int64_t> JsonMembers::Whole(std::string_view key, int64_t max) {
  const std::string rule = "a whole number from 0 to " + std::to_string(max) + " is needed here";
  const Json* member = Take(key, Json::Kind::kNumber, rule);
  if (member == nullptr) {
    return std::nullopt;
  }
  const Result<int64_t> value = member->integer();
  const bool fits = value && *value >= 0 && *value <= max;
  Check(fits, rule, key);
  return fits ? std::optional(*value) : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> JsonMembers::TextPairs(std::string_view key) {
  constexpr std::string_view kRule = "an object of strings is needed here";
  std::vector<std::pair<std::string, std::string>> pairs;
  if (const Json* value = Take(key, Json::Kind::kObject, kRule)) {
    for (const auto& [name, item] : value->members()) {
      Check(item.is_string(), kRule, key);
      pairs.emplace_back(name, item.text());
    }
  }
  return pairs;
}

}  // namespace gw
