#include "gateway/base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gw {
namespace {

TEST(Arena, AlignsWhatItGives) {
  Arena arena;
  for (const size_t alignment : {1u, 2u, 4u, 8u, 16u}) {
    for (const size_t bytes : {1u, 3u, 17u, 5000u}) {
      void* room = arena.Allocate(bytes, alignment);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(room) % alignment, 0u);
      std::memset(room, 0xAB, bytes);  // the sanitizer sees what is not ours
    }
  }
}

TEST(Arena, KeepsCopiesApartAndAlive) {
  Arena arena;
  std::vector<std::string_view> copies;
  for (int i = 0; i < 20'000; ++i) {
    copies.push_back(arena.Copy("text " + std::to_string(i)));
  }
  const Arena moved = std::move(arena);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(copies[static_cast<size_t>(i)], "text " + std::to_string(i));
  }
  EXPECT_GT(moved.reserved_bytes(), 20'000u);
}

TEST(Arena, TakesWhatIsLargerThanABlock) {
  Arena arena;
  const std::string large(3 << 20, 'x');
  EXPECT_EQ(arena.Copy(large), large);
  EXPECT_EQ(arena.Copy("after"), "after");
  EXPECT_TRUE(arena.Copy("").empty());
}

TEST(Arena, StaysSmallForLittle) {
  Arena arena;
  arena.Copy("little");
  EXPECT_LE(arena.reserved_bytes(), 4096u);
}

// A thread's arenas leave their room to the next ones: those that live must not share it.
TEST(Arena, SharesNoRoomWithAnother) {
  for (int round = 0; round < 3; ++round) {
    std::vector<Arena> arenas(100);
    std::vector<std::string_view> copies;
    for (size_t at = 0; at < arenas.size(); ++at) {
      copies.push_back(arenas[at].Copy(std::to_string(round * 1000 + static_cast<int>(at))));
    }
    for (size_t at = 0; at < arenas.size(); ++at) {
      EXPECT_EQ(copies[at], std::to_string(round * 1000 + static_cast<int>(at)));
    }
  }
}

TEST(Arena, LeavesWhatItHadToWhoTakesItsPlace) {
  Arena arena;
  arena.Copy("before");
  Arena other;
  const std::string_view kept = other.Copy(std::string(10'000, 'y'));
  arena = std::move(other);
  EXPECT_EQ(kept, std::string(10'000, 'y'));
  EXPECT_GT(arena.reserved_bytes(), 10'000u);
  EXPECT_EQ(other.reserved_bytes(), 0u);  // NOLINT(bugprone-use-after-move): left empty
  EXPECT_EQ(other.Copy("anew"), "anew");
}

TEST(Arena, MayEndOnAnotherThread) {
  Arena arena;
  const std::string_view copy = arena.Copy("here");
  std::thread([moved = std::move(arena), copy] { EXPECT_EQ(copy, "here"); }).join();
}

TEST(Arena, ConstructsInPlace) {
  struct Point {
    int x;
    int y;
  };
  Arena arena;
  const Point* point = arena.New<Point>(Point{3, 4});
  EXPECT_EQ(point->x + point->y, 7);
}

}  // namespace
}  // namespace gw
