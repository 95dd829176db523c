#include "gateway/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/temp_folder.h"

namespace gw {
namespace {

TEST(File, IsReadWholeUpToTheBound) {
  const TempFolder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65'536}, size_t{200'000}}) {
    std::string bytes(size, 'x');
    for (size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<char>(i % 251);
    }
    const std::string path = folder.Write("file", bytes);
    const auto read = ReadFile(path, size);
    ASSERT_TRUE(read.ok()) << size;
    EXPECT_EQ(*read, bytes) << size;
    if (size > 0) {
      const auto refused = ReadFile(path, size - 1);
      ASSERT_FALSE(refused.ok()) << size;
      EXPECT_EQ(refused.error().code, Code::kTooLarge);
      EXPECT_EQ(refused.error().where, path);
    }
  }
}

TEST(File, ThatIsNoneIsNotFound) {
  const TempFolder folder;
  for (const std::string& path : {folder.Path("none"), folder.path()}) {
    const auto read = ReadFile(path, 100);
    ASSERT_FALSE(read.ok()) << path;
    EXPECT_EQ(read.error().code, Code::kNotFound);
    EXPECT_EQ(read.error().where, path);
  }
}

TEST(File, ThatFailsWhileItIsReadIsUnavailable) {
  const std::string path = "/proc/self/mem";  // nothing is mapped where it begins
  if (!std::ifstream(path)) {
    GTEST_SKIP() << "the system has no /proc, whose files fail while they are read; the cases "
                    "beside this one hold what is missing and what is too large";
  }
  const auto read = ReadFile(path, 100);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::kUnavailable);
}

TEST(File, MayBeAPipe) {
  const TempFolder folder;
  const std::string path = folder.Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::string bytes(300'000, 'y');
  for (const uint64_t bytes_max : {uint64_t{300'000}, uint64_t{299'999}}) {
    std::thread writer([&] { std::ofstream(path, std::ios::binary) << bytes; });
    const auto read = ReadFile(path, bytes_max);
    writer.join();
    EXPECT_EQ(read.ok() ? *read == bytes : read.error().code == Code::kTooLarge, true);
    EXPECT_EQ(read.ok(), bytes_max == 300'000);
  }
}

}  // namespace
}  // namespace gw
