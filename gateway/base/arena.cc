#include "gateway/base/arena.h"

#include <algorithm>
#include <utility>

namespace gw {
namespace {

constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kLargestBlockBytes = size_t{256} << 10;
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif
// 128 KB a thread, about what one message needs at a time; none where what outlives its arena is to
// be found.
constexpr uint32_t kKeptMax = kIsSanitized ? 0 : 32;

}  // namespace

// Stands at the front of its own room.
struct alignas(std::max_align_t) Arena::Block {
  Block* previous;
  size_t bytes;  // this header included
};

// First blocks that a thread's arenas left, for its next ones: a message has some twenty arenas,
// and blocks of this size are what malloc is slow at. The values stand in storage that needs no
// destruction, so that an arena may end after the thread's own objects.
class Arena::KeptBlocks {
 public:
  static Block* Take() {
    Block* block = first_;
    if (block != nullptr) {
      first_ = block->previous;
      --count_;
    }
    return block;
  }

  // False if it is not kept.
  static bool Give(Block* block) {
    if (block->bytes != kFirstBlockBytes || count_ >= kKeptMax || is_swept_) {
      return false;
    }
    thread_local const Sweeper sweeper;
    block->previous = std::exchange(first_, block);
    ++count_;
    return true;
  }

 private:
  struct Sweeper {
    Sweeper() = default;
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    ~Sweeper() {
      is_swept_ = true;
      while (Block* block = Take()) {
        ::operator delete(block);
      }
    }
  };
  static thread_local Block* first_;
  static thread_local uint32_t count_;
  static thread_local bool is_swept_;
};

thread_local Arena::Block* Arena::KeptBlocks::first_ = nullptr;
thread_local uint32_t Arena::KeptBlocks::count_ = 0;
thread_local bool Arena::KeptBlocks::is_swept_ = false;

Arena::~Arena() {
  while (last_ != nullptr) {
    Block* block = std::exchange(last_, last_->previous);
    if (!KeptBlocks::Give(block)) {
      ::operator delete(block);
    }
  }
}

// Blocks double, so that a small request stays small and a large Bundle needs few of them.
void* Arena::AllocateInNewBlock(size_t bytes, size_t alignment) {
  const size_t doubled = last_ == nullptr
                             ? kFirstBlockBytes
                             : std::min(reserved_bytes_ + kFirstBlockBytes, kLargestBlockBytes);
  const size_t size = std::max(doubled, sizeof(Block) + bytes + alignment);
  Block* block = size == kFirstBlockBytes ? KeptBlocks::Take() : nullptr;
  if (block == nullptr) {
    block = static_cast<Block*>(::operator new(size));
  }
  block->previous = std::exchange(last_, block);
  block->bytes = size;
  next_ = reinterpret_cast<std::byte*>(block + 1);
  left_ = size - sizeof(Block);
  reserved_bytes_ += size;
  return Allocate(bytes, alignment);
}

}  // namespace gw
