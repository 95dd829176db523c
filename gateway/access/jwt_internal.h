#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/base/crypto.h"
#include "gateway/base/json.h"

namespace gw::access {

inline constexpr size_t kTokenBytesMax = 8192;

Error Unauthenticated(std::string detail);

// One public key of a set, with the one algorithm that it is for (RFC 8725 section 3.1).
struct SetKey {
  std::string key_id;  // may be empty where the set has one key
  crypto::Algorithm algorithm;
  crypto::PublicKey key;
};

struct KeySet {
  std::vector<SetKey> keys;
  uint32_t published = 0;  // keys in the set, those of no use here included

  // The key that `key_id` names; without one (null), the only key of the set. Null if there is
  // none.
  const SetKey* Find(const std::string* key_id) const;
};

// Reads a JSON Web Key Set (RFC 7517). Keys that are not for verifying, or of a kind that is not
// offered (oct, RSA below 2048 bits, other curves), are left out. Errors: kInvalid where the text
// is no key set, a kid stands twice, a private key is in it, or no key is left.
Result<KeySet> ParseKeySet(std::string_view text, const Limits& limits);

// The times of a token that was verified, in seconds since 1970; skew already allowed for.
struct ValidTimes {
  int64_t not_before_s = INT64_MIN;
  int64_t expires_s = INT64_MAX;  // first second at which it is not valid any more

  Status Check(Instant now) const;  // kUnauthenticated
};

struct VerifiedToken {
  Principal principal;
  ValidTimes times;
};

// Fills a Principal from verified claims: sub, jti, client_id or azp, scope, patient,
// related_person, fhirUser and extensions.ihe_iua. Errors: kUnauthenticated, naming the claim.
Status ReadClaims(const Json& claims, Principal* out);

// Tokens that were verified, by their SHA-256. Bounded: the least recently used of a shard goes
// first. Thread-safe: each shard has its own mutex.
class TokenCache {
 public:
  static constexpr size_t kShards = 16;
  static constexpr size_t kTokensMax = 10'000;

  std::optional<VerifiedToken> Find(const crypto::Digest& digest);
  void Add(const crypto::Digest& digest, const VerifiedToken& token);
  size_t size() const;

 private:
  struct DigestHash {
    size_t operator()(const crypto::Digest& digest) const;
  };
  struct Entry {
    crypto::Digest digest;
    VerifiedToken token;
  };
  struct Shard {
    mutable std::mutex mutex;  // guards both
    std::list<Entry> entries;  // most recently used first
    std::unordered_map<crypto::Digest, std::list<Entry>::iterator, DigestHash> by_digest;
  };
  std::array<Shard, kShards> shards_;
};

}  // namespace gw::access
