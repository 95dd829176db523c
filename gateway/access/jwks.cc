#include <algorithm>

#include "gateway/access/jwt_internal.h"

namespace gw::access {
namespace {

Error BadSet(std::string detail) { return Error{Code::kInvalid, std::move(detail), "jwks"}; }

bool ForVerifying(const Json& key) {
  const Json* use = key.Find("use");
  if (use != nullptr && use->text() != "sig") {
    return false;
  }
  const Json* operations = key.Find("key_ops");
  if (operations == nullptr) {
    return true;
  }
  return std::any_of(operations->items().begin(), operations->items().end(),
                     [](const Json& operation) { return operation.text() == "verify"; });
}

// RSA: the JWK says which of its algorithms (RS256 if it does not). EC: the curve says.
std::optional<crypto::Algorithm> AlgorithmOf(const Json& key) {
  const std::string_view kty = key.TextOf("kty");
  const std::string_view crv = key.TextOf("crv");
  const std::string_view alg = key.TextOf("alg");
  if (kty == "RSA") {
    const std::string_view name = alg.empty() ? "RS256" : alg;
    const bool offered = name == "RS256" || name == "RS384" || name == "PS256";
    return offered ? crypto::AlgorithmNamed(name) : std::nullopt;
  }
  if (kty == "EC" && crv == "P-256" && (alg.empty() || alg == "ES256")) {
    return crypto::Algorithm::kEs256;
  }
  if (kty == "EC" && crv == "P-384" && (alg.empty() || alg == "ES384")) {
    return crypto::Algorithm::kEs384;
  }
  return std::nullopt;
}

Result<crypto::PublicKey> KeyOf(const Json& key, crypto::Algorithm algorithm) {
  const bool rsa = key.TextOf("kty") == "RSA";
  const std::optional<std::string> first = crypto::FromBase64Url(key.TextOf(rsa ? "n" : "x"));
  const std::optional<std::string> second = crypto::FromBase64Url(key.TextOf(rsa ? "e" : "y"));
  if (!first || !second) {
    return BadSet("the numbers of a key are base64url");
  }
  return rsa ? crypto::PublicKey::FromRsa(*first, *second)
             : crypto::PublicKey::FromEc(algorithm, *first, *second);
}

Status AddKey(const Json& key, KeySet* set) {
  if (!key.is_object()) {
    return BadSet("a key is an object");
  }
  if (key.Find("d") != nullptr) {
    return BadSet("a private key stands in the set");
  }
  const std::string_view key_id = key.TextOf("kid");
  const std::optional<crypto::Algorithm> algorithm = AlgorithmOf(key);
  if (!algorithm || !ForVerifying(key)) {
    return {};
  }
  const bool twice = !key_id.empty() &&
                     std::any_of(set->keys.begin(), set->keys.end(),
                                 [key_id](const SetKey& other) { return other.key_id == key_id; });
  if (twice) {
    return BadSet("a kid stands twice");
  }
  Result<crypto::PublicKey> made = KeyOf(key, *algorithm);
  if (made) {
    set->keys.push_back(SetKey{std::string(key_id), *algorithm, *std::move(made)});
  } else if (made.error().code != Code::kUnsupported) {
    return BadSet("a key cannot be read: " + made.error().detail);
  }
  return {};
}

}  // namespace

const SetKey* KeySet::Find(const std::string* key_id) const {
  if (key_id == nullptr) {
    return published == 1 && keys.size() == 1 ? &keys.front() : nullptr;
  }
  const auto found = std::find_if(keys.begin(), keys.end(), [key_id](const SetKey& key) {
    return !key.key_id.empty() && key.key_id == *key_id;
  });
  return found == keys.end() ? nullptr : &*found;
}

Result<KeySet> ParseKeySet(std::string_view text, const Limits& limits) {
  const Result<Json> json = Json::Parse(text, limits);
  if (!json) {
    return BadSet("not JSON: " + json.error().detail);
  }
  const Json* keys = json->Find("keys");
  if (keys == nullptr || !keys->is_array()) {
    return BadSet("a key set has an array `keys`");
  }
  KeySet set;
  set.published = static_cast<uint32_t>(keys->items().size());
  for (const Json& key : keys->items()) {
    GW_RETURN_IF_ERROR(AddKey(key, &set));
  }
  if (set.keys.empty()) {
    return BadSet("no key that can verify RS256, RS384, PS256, ES256 or ES384");
  }
  return set;
}

}  // namespace gw::access
