#include "gateway/store/sqlite_log_vfs.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>

#include "gateway/store/sqlite_connection.h"
#include "tests/temp_folder.h"

namespace gw::store {
namespace {

// One file, opened by the VFS as SQLite opens a write-ahead log.
class Log {
 public:
  explicit Log(const std::string& path) : path_(path) {
    const auto name = GatheringVfs();
    EXPECT_TRUE(name.ok());
    vfs_ = sqlite3_vfs_find(*name);
    memory_.reset(new char[static_cast<size_t>(vfs_->szOsFile)]);
    std::memset(memory_.get(), 0, static_cast<size_t>(vfs_->szOsFile));
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
    std::ofstream(path.substr(0, path.rfind('-')));  // the database, whose mode the log takes
    // SQLite's names end in two zero bytes.
    name_ = path + std::string(4, '\0');
    EXPECT_EQ(vfs_->xOpen(vfs_, name_.c_str(), file(), kFlags, nullptr), SQLITE_OK);
  }
  ~Log() { Close(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Close() {
    if (open_) {
      EXPECT_EQ(file()->pMethods->xClose(file()), SQLITE_OK);
      open_ = false;
    }
  }
  int Write(const std::string& bytes, sqlite3_int64 offset) {
    return file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), offset);
  }
  std::string Read(size_t count, sqlite3_int64 offset) {
    std::string bytes(count, '?');
    EXPECT_EQ(file()->pMethods->xRead(file(), bytes.data(), static_cast<int>(count), offset),
              SQLITE_OK);
    return bytes;
  }
  sqlite3_int64 Size() {
    sqlite3_int64 size = -1;
    EXPECT_EQ(file()->pMethods->xFileSize(file(), &size), SQLITE_OK);
    return size;
  }
  void Sync() { EXPECT_EQ(file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL), SQLITE_OK); }
  void Truncate(sqlite3_int64 size) {
    EXPECT_EQ(file()->pMethods->xTruncate(file(), size), SQLITE_OK);
  }
  // What everybody else finds in the file.
  std::string OnDisk() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.get()); }

  std::string path_;
  std::string name_;
  sqlite3_vfs* vfs_ = nullptr;
  std::unique_ptr<char[]> memory_;
  bool open_ = true;
};

TEST(SqliteLogVfs, GathersUntilTheLogIsSynced) {
  const TempFolder folder;
  Log log(folder.Path("x-wal"));
  EXPECT_EQ(log.Write("head", 0), SQLITE_OK);
  EXPECT_EQ(log.Write("page", 4), SQLITE_OK);
  EXPECT_EQ(log.OnDisk(), "") << "nothing has gone to the system yet";
  log.Sync();
  EXPECT_EQ(log.OnDisk(), "headpage");
  EXPECT_EQ(log.Write("more", 8), SQLITE_OK);
  log.Close();
  EXPECT_EQ(log.OnDisk(), "headpagemore");
}

TEST(SqliteLogVfs, ReadsAndMeasuresWhatWasWritten) {
  const TempFolder folder;
  Log log(folder.Path("x-wal"));
  EXPECT_EQ(log.Write("headpage", 0), SQLITE_OK);
  EXPECT_EQ(log.Read(4, 4), "page");
  EXPECT_EQ(log.Write("more", 8), SQLITE_OK);
  EXPECT_EQ(log.Size(), 12);
  EXPECT_EQ(log.Write("last", 12), SQLITE_OK);
  log.Truncate(6);
  EXPECT_EQ(log.OnDisk(), "headpa");
}

// In any order and of any size, as if each write had gone to the system at once.
TEST(SqliteLogVfs, WritesWhereItWasTold) {
  const TempFolder folder;
  Log log(folder.Path("x-wal"));
  std::mt19937 random(3);
  std::string expected;
  size_t offset = 0;
  for (int i = 0; i < 800; ++i) {
    const size_t size = random() % 20 == 0 ? 65'536 : random() % 6'000;
    if (random() % 10 == 0 && !expected.empty()) {
      offset = random() % expected.size();  // over what is there
    }
    const std::string bytes(size, static_cast<char>('a' + random() % 26));
    ASSERT_EQ(log.Write(bytes, static_cast<sqlite3_int64>(offset)), SQLITE_OK);
    expected.resize(std::max(expected.size(), offset + size));
    expected.replace(offset, size, bytes);
    offset += size;
    if (offset > (8u << 20)) {
      offset = 0;
    }
    if (random() % 50 == 0) {
      ASSERT_EQ(log.Size(), static_cast<sqlite3_int64>(expected.size()));
      log.Sync();
      ASSERT_TRUE(log.OnDisk() == expected) << i;
    }
  }
  log.Close();
  EXPECT_TRUE(log.OnDisk() == expected);
}

TEST(SqliteLogVfs, TellsOfAWriteThatFailed) {
  const TempFolder folder;
  Log log(folder.Path("x-wal"));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const int gathered = log.Write("head", 100);
  const int told = log.Write("page", 0);  // what was gathered has to go first
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(gathered, SQLITE_OK);
  EXPECT_NE(told, SQLITE_OK);
  EXPECT_EQ(log.Write("again", 0), SQLITE_OK) << "what could not be written is not kept";
  log.Sync();
  EXPECT_EQ(log.OnDisk(), "again");
}

// A commit is in the file before anybody can see it.
TEST(SqliteLogVfs, ShowsReadersWholeCommits) {
  const TempFolder folder;
  const std::string path = folder.Path("store.db");
  auto writer = Connection::Open(path, Connection::Mode::kWriter);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->Run("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"));
  auto reader = Connection::Open(path, Connection::Mode::kReader);
  ASSERT_TRUE(reader);
  for (int i = 1; i <= 50; ++i) {
    ASSERT_TRUE(writer->Run("INSERT INTO t(b) VALUES (hex(zeroblob(3000)))"));
    auto count = reader->Prepare("SELECT count(*), sum(length(b)) FROM t");
    ASSERT_TRUE(count);
    Execution row(*count);
    ASSERT_TRUE(*row.Step());
    EXPECT_EQ(row.IntAt(0), i);
    EXPECT_EQ(row.IntAt(1), i * 6000);
  }
  ASSERT_TRUE(writer->Run("BEGIN; UPDATE t SET b = ''; ROLLBACK"));
  ASSERT_TRUE(writer->QuickCheck());
  ASSERT_TRUE(reader->QuickCheck());
}

}  // namespace
}  // namespace gw::store
