#include "gateway/base/arena.h"

#include <algorithm>

namespace gw {
namespace {

constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kLargestBlockBytes = size_t{256} << 10;

}  // namespace

// Blocks double, so that a small request stays small and a large Bundle needs few of them.
void* Arena::AllocateInNewBlock(size_t bytes, size_t alignment) {
  const size_t doubled =
      std::min(kFirstBlockBytes << std::min<size_t>(blocks_.size(), 16), kLargestBlockBytes);
  const size_t size = std::max(doubled, bytes + alignment);
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
  next_ = blocks_.back().get();
  left_ = size;
  reserved_bytes_ += size;
  return Allocate(bytes, alignment);
}

}  // namespace gw
