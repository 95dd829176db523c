#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/json.h"

namespace gw {

// Reads the members of one JSON object that people write by hand (a configuration, a feed), and
// strictly: each member is taken by its key and must be of its kind, an absent one leaves `*out` as
// it is, and Finish() refuses what nobody took, so that a misspelt key is never passed over. The
// first fault stays and comes from Finish(), so that what is taken can be written in a row.
// Errors: kInvalid, detail = the rule, where = the key's place ("feed.json: $.columns[2].type");
// never a value. For one thread; `json` must outlive it.
class JsonMembers {
 public:
  // `place` is the object's own ("feed.json: $"). One that ends in a blank ("gateway.json: ") is
  // the top of a file, and its keys stand right behind it.
  JsonMembers(const Json& json, std::string place);

  JsonMembers& Text(std::string_view key, std::string* out);
  JsonMembers& Bool(std::string_view key, bool* out);
  // A list of strings, which replaces what `*out` holds.
  JsonMembers& Texts(std::string_view key, std::vector<std::string>* out);
  // A whole number from 0 to `max`, which a Number must be able to hold.
  template <typename Number>
  JsonMembers& Count(std::string_view key, int64_t max, Number* out) {
    if (const std::optional<int64_t> value = Whole(key, max)) {
      *out = static_cast<Number>(*value);
    }
    return *this;
  }
  // An object of strings, added to a vector (in the object's order) or map of pairs.
  template <typename Container>
  JsonMembers& Pairs(std::string_view key, Container* out) {
    for (auto& [name, text] : TextPairs(key)) {
      out->insert(out->end(), {std::move(name), std::move(text)});
    }
    return *this;
  }
  // A member that the caller reads on its own, inside of `json`; null where it is absent, or of
  // another kind, which is a fault.
  const Json* Object(std::string_view key);
  const Json* Array(std::string_view key);

  // A rule of the caller's own about the member `key`, or about the object where that is empty.
  void Check(bool holds, std::string_view rule, std::string_view key);
  // What came of a part that the caller read on its own.
  void Keep(Status part);
  // The place of a member; of the object where `key` is empty.
  std::string PlaceOf(std::string_view key) const;
  // The first fault; once all of the object's members are taken. May be called again after a later
  // Check.
  Status Finish();

 private:
  const Json* Take(std::string_view key, Json::Kind kind, std::string_view rule);
  std::optional<int64_t> Whole(std::string_view key, int64_t max);
  std::vector<std::pair<std::string, std::string>> TextPairs(std::string_view key);

  const Json& json_;
  std::string place_;
  std::vector<std::string> taken_;
  Status fault_;
};

}  // namespace gw
