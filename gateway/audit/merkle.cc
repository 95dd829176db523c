#include "gateway/audit/merkle.h"

namespace gw::audit {

crypto::Digest LeafHash(std::string_view id, std::string_view bytes) {
  return crypto::Sha256(std::string_view("\x00", 1), id, bytes);
}

crypto::Digest NodeHash(const crypto::Digest& left, const crypto::Digest& right) {
  return crypto::Sha256("\x01", crypto::AsBytes(left), crypto::AsBytes(right));
}

void Tree::Append(const crypto::Digest& leaf) {
  crypto::Digest node = leaf;
  // Adding one to the size carries through its low bits that are set; each carry joins two full
  // subtrees of the same height.
  for (uint64_t carry = size_; (carry & 1) != 0; carry >>= 1) {
    node = NodeHash(full_.back(), node);
    full_.pop_back();
  }
  full_.push_back(node);
  ++size_;
}

crypto::Digest Tree::Root() const {
  if (full_.empty()) {
    return crypto::Sha256({});
  }
  crypto::Digest root = full_.back();
  for (size_t i = full_.size() - 1; i > 0; --i) {
    root = NodeHash(full_[i - 1], root);
  }
  return root;
}

}  // namespace gw::audit
