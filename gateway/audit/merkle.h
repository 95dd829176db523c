#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/base/crypto.h"

namespace gw::audit {

// The hash of a leaf: SHA-256(0x00 || id || bytes), where `id` is the 16 bytes of the entry's UUID.
// Source: RFC 9162 section 2.1.1.
crypto::Digest LeafHash(std::string_view id, std::string_view bytes);

// The hash of an inner node: SHA-256(0x01 || left || right). Source: as above.
crypto::Digest NodeHash(const crypto::Digest& left, const crypto::Digest& right);

// The Merkle tree over a list of leaves that only grows, of which only the roots of the full
// subtrees at its right edge are kept: at most 64 hashes. Not thread-safe.
class Tree {
 public:
  // Costs one node hash on average.
  void Append(const crypto::Digest& leaf);
  uint64_t size() const { return size_; }
  // The root over all leaves so far (SHA-256 of nothing if there are none); at most 63 node hashes.
  crypto::Digest Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<crypto::Digest> full_;  // largest first: one for each bit that is set in size_
};

}  // namespace gw::audit
