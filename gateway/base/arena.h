#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gw {

// A bump allocator for one message or request: everything in it is freed at once, nothing in it is
// destroyed. Pointers stay valid while the arena lives, moves included. Not thread-safe.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept { Swap(&other); }
  Arena& operator=(Arena&& other) noexcept {
    Arena moved(std::move(other));
    Swap(&moved);
    return *this;
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Uninitialised room; alignment is a power of two, at most that of max_align_t.
  void* Allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
    const size_t padding = -reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
    if (padding + bytes > left_) {
      return AllocateInNewBlock(bytes, alignment);
    }
    std::byte* start = next_ + padding;
    next_ = start + bytes;
    left_ -= padding + bytes;
    return start;
  }

  // Constructs a T in the arena. T's destructor never runs, so it must not need to.
  template <typename T, typename... Args>
  T* New(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "nothing in an arena is destroyed");
    return new (Allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  // A copy of `text` that lives as long as the arena.
  std::string_view Copy(std::string_view text) {
    if (text.empty()) {
      return {};
    }
    char* room = static_cast<char*>(Allocate(text.size(), 1));
    std::memcpy(room, text.data(), text.size());
    return {room, text.size()};
  }

  // Bytes taken from the system.
  size_t reserved_bytes() const { return reserved_bytes_; }

 private:
  struct Block;
  class KeptBlocks;

  void* AllocateInNewBlock(size_t bytes, size_t alignment);
  void Swap(Arena* other) noexcept {
    std::swap(last_, other->last_);
    std::swap(next_, other->next_);
    std::swap(left_, other->left_);
    std::swap(reserved_bytes_, other->reserved_bytes_);
  }

  Block* last_ = nullptr;  // of a chain
  std::byte* next_ = nullptr;
  size_t left_ = 0;
  size_t reserved_bytes_ = 0;
};

}  // namespace gw
