#include <cstring>

#include "gateway/access/jwt_internal.h"

namespace gw::access {

size_t TokenCache::DigestHash::operator()(const crypto::Digest& digest) const {
  // Any eight bytes of a SHA-256 are as good as a hash of it; the first choose the shard.
  size_t value = 0;
  static_assert(sizeof(value) <= 16);
  std::memcpy(&value, digest.data() + 8, sizeof(value));
  return value;
}

std::optional<VerifiedToken> TokenCache::Find(const crypto::Digest& digest) {
  Shard& shard = shards_[digest[0] % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto found = shard.by_digest.find(digest);
  if (found == shard.by_digest.end()) {
    return std::nullopt;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->token;
}

void TokenCache::Add(const crypto::Digest& digest, const VerifiedToken& token) {
  Shard& shard = shards_[digest[0] % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.by_digest.count(digest) != 0) {
    return;  // another thread verified it meanwhile
  }
  if (shard.entries.size() >= kTokensMax / kShards) {
    shard.by_digest.erase(shard.entries.back().digest);
    shard.entries.pop_back();
  }
  shard.entries.push_front(Entry{digest, token});
  shard.by_digest.emplace(digest, shard.entries.begin());
}

size_t TokenCache::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    total += shard.entries.size();
  }
  return total;
}

}  // namespace gw::access
