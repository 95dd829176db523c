#include "gateway/base/arena.h"

#include <algorithm>
#include <cstdint>

namespace gw {
namespace {

constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kLargestBlockBytes = size_t{256} << 10;

}  // namespace

void* Arena::Allocate(size_t bytes, size_t alignment) {
  const size_t padding = (alignment - reinterpret_cast<uintptr_t>(next_) % alignment) % alignment;
  if (next_ == nullptr || padding + bytes > left_) {
    // Blocks double, so that a small request stays small and a large Bundle needs few of them.
    const size_t doubled =
        std::min(kFirstBlockBytes << std::min<size_t>(blocks_.size(), 16), kLargestBlockBytes);
    const size_t size = std::max(doubled, bytes + alignment);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    next_ = blocks_.back().get();
    left_ = size;
    reserved_bytes_ += size;
    return Allocate(bytes, alignment);
  }
  std::byte* start = next_ + padding;
  next_ = start + bytes;
  left_ -= padding + bytes;
  return start;
}

std::string_view Arena::Copy(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  char* room = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(room, text.data(), text.size());
  return {room, text.size()};
}

}  // namespace gw
