#include "gateway/audit/audit_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>
#include <type_traits>

#include "gateway/audit/merkle.h"
#include "gateway/base/json.h"
#include "tests/audit/log_testing.h"

namespace gw::audit {
namespace {

static_assert(!std::is_default_constructible_v<Receipt>);
static_assert(!std::is_aggregate_v<Receipt>);
static_assert(!std::is_constructible_v<Receipt, uint64_t, crypto::Digest>);
static_assert(std::is_copy_constructible_v<Receipt>);

constexpr std::string_view kFirstSegment = "entries-00000000000000000000.log";

TEST(AuditLog, MakesALogWithACheckpointOverNothing) {
  const TempFolder place;
  const std::string directory = place.path() + "/log";
  {
    const auto log = OpenLog(TestOptions(directory));
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->size(), 0u);
    EXPECT_TRUE(log->healthy().ok());
    EXPECT_EQ(ReadFileBytes(directory + "/verifier"), log->verifier().Text() + "\n");
  }
  const Verified verified = Verify(directory);
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.entries, 0u);
  EXPECT_EQ(verified.checkpoints, 1u);
  EXPECT_EQ(verified.root, Tree().Root());
}

TEST(AuditLog, AppendsReadsAndSigns) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  Tree tree;
  for (uint64_t number = 0; number < 100; ++number) {
    const Entry entry = TestEntry(number);
    const Result<Receipt> receipt = log->Append(entry);
    ASSERT_TRUE(receipt.ok());
    EXPECT_EQ(receipt->index(), number);
    tree.Append(receipt->leaf());
  }
  const Result<std::vector<Stored>> entries = log->ReadFrom(90, 1000);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 10u);
  EXPECT_EQ(entries->front().index, 90u);
  EXPECT_EQ(entries->front().entry.id, TestEntry(90).id);
  EXPECT_EQ(entries->back().entry.bytes, TestEntry(99).bytes);
  EXPECT_EQ(log->ReadFrom(10, 3)->size(), 3u);
  EXPECT_TRUE(log->ReadFrom(100, 10)->empty());
  EXPECT_TRUE(log->ReadFrom(1'000'000, 10)->empty());
  const Result<Checkpoint> checkpoint = log->Sign();
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->size, 100u);
  EXPECT_EQ(checkpoint->root, tree.Root());
  EXPECT_EQ(checkpoint->time, TestClock().Now());
  EXPECT_EQ(log->Sign()->signed_note, checkpoint->signed_note);  // nothing new, nothing signed
  EXPECT_EQ(Verify(place.path()).checkpoints, 2u);
}

TEST(AuditLog, GoesOnWhereItWasClosed) {
  const TempFolder place;
  for (uint64_t round = 0; round < 5; ++round) {
    const auto log = OpenLog(TestOptions(place.path()));
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->size(), round * 10);
    EXPECT_TRUE(AppendEntries(log.get(), round * 10, round * 10 + 10));
  }
  const Verified verified = Verify(place.path());
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.covered, 50u);
  EXPECT_EQ(verified.not_yet_covered(), 0u);
  EXPECT_EQ(verified.checkpoints, 6u);  // each close signs
}

TEST(AuditLog, BeginsSegments) {
  const TempFolder place;
  Options options = TestOptions(place.path());
  options.segment_bytes = 400;
  {
    const auto log = OpenLog(options);
    ASSERT_NE(log, nullptr);
    ASSERT_TRUE(AppendEntries(log.get(), 0, 60));
  }
  const auto log = OpenLog(options);
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(AppendEntries(log.get(), 60, 70));
  const Result<std::vector<Stored>> entries = log->ReadFrom(0, 1000);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 70u);
  for (uint64_t number = 0; number < 70; ++number) {
    EXPECT_EQ((*entries)[number].entry.bytes, TestEntry(number).bytes);
  }
  EXPECT_GT(Snapshot(place.path()).size(), 8u);
  const Verified verified = Verify(place.path());
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.entries, 70u);
  EXPECT_EQ(verified.covered, 60u);
  EXPECT_EQ(verified.not_yet_covered(), 10u);
}

TEST(AuditLog, AppendsAnIdOnce) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(AppendEntries(log.get(), 0, 3));
  const Result<Receipt> again = log->Append(TestEntry(1));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->index(), 1u);
  EXPECT_EQ(log->size(), 3u);
  Entry other = TestEntry(1);
  other.bytes += " ";
  const Result<Receipt> conflict = log->Append(other);
  ASSERT_FALSE(conflict.ok());
  EXPECT_EQ(conflict.error().code, Code::kConflict);
  EXPECT_EQ(conflict.error().where, "entry 1");
  EXPECT_TRUE(log->healthy().ok());
}

TEST(AuditLog, KnowsIdsAfterReopeningAndPastTheNewest) {
  const TempFolder place;
  Options options = TestOptions(place.path());
  options.recent_ids = 4;
  {
    const auto log = OpenLog(options);
    ASSERT_NE(log, nullptr);
    ASSERT_TRUE(AppendEntries(log.get(), 0, 20));
  }
  const auto log = OpenLog(options);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->Append(TestEntry(17))->index(), 17u);
  const std::vector<std::string> ids = {TestEntry(0).id, TestEntry(99).id, TestEntry(19).id,
                                        TestEntry(7).id};
  const Result<std::vector<bool>> present = log->Contains(ids);
  ASSERT_TRUE(present.ok());
  EXPECT_EQ(*present, std::vector<bool>({true, false, true, true}));
  const std::vector<std::string> wrong = {"not an id"};
  EXPECT_FALSE(log->Contains(wrong).ok());
  EXPECT_EQ(log->size(), 20u);
}

TEST(AuditLog, RefusesWhatIsOutOfBounds) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  const std::string id = TestEntry(0).id;
  for (const Entry& entry : {Entry{"", "{}"}, Entry{"x", "{}"}, Entry{id, ""},
                             Entry{id, std::string(kEntryBytesMax + 1, 'x')}}) {
    const Result<Receipt> receipt = log->Append(entry);
    ASSERT_FALSE(receipt.ok());
    EXPECT_EQ(receipt.error().code, Code::kInvalid);
  }
  EXPECT_TRUE(log->Append({id, std::string(kEntryBytesMax, 'x')}).ok());
  EXPECT_EQ(log->ReadFrom(0, 1)->front().entry.bytes.size(), kEntryBytesMax);
  EXPECT_TRUE(log->healthy().ok());
}

TEST(AuditLog, RefusesAppendsOnceClosed) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(AppendEntries(log.get(), 0, 2));
  EXPECT_TRUE(log->Close().ok());
  EXPECT_TRUE(log->Close().ok());
  EXPECT_EQ(log->Append(TestEntry(2)).error().code, Code::kUnavailable);
  EXPECT_FALSE(log->healthy().ok());
  EXPECT_EQ(log->ReadFrom(0, 10)->size(), 2u);
}

TEST(AuditLog, IsHeldByOneProcessAtATime) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  const Result<std::unique_ptr<AuditLog>> second =
      AuditLog::Open(TestOptions(place.path()), TestClock());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_EQ(second.error().detail, "access log: another process holds it");
}

TEST(AuditLog, RefusesAnotherKeyOriginOrPlace) {
  const TempFolder place;
  ASSERT_NE(OpenLog(TestOptions(place.path())), nullptr);
  Options other_key = TestOptions(place.path());
  other_key.key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519);
  Options other_origin = TestOptions(place.path());
  other_origin.origin = "caregate.example/other";
  Options no_parent = TestOptions(place.path() + "/no/such");
  Options wrong_kind = TestOptions(place.path());
  wrong_kind.key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEs256);
  Options wrong_name = TestOptions(place.path());
  wrong_name.origin = "two words";
  EXPECT_EQ(AuditLog::Open(other_key, TestClock()).error().code, Code::kUnavailable);
  EXPECT_EQ(AuditLog::Open(other_origin, TestClock()).error().code, Code::kUnavailable);
  EXPECT_EQ(AuditLog::Open(no_parent, TestClock()).error().code, Code::kUnavailable);
  EXPECT_EQ(AuditLog::Open(wrong_kind, TestClock()).error().code, Code::kInvalid);
  EXPECT_EQ(AuditLog::Open(wrong_name, TestClock()).error().code, Code::kInvalid);
}

TEST(AuditLog, GivesEveryThreadItsReceipt) {
  const TempFolder place;
  Options options = TestOptions(place.path());
  options.segment_bytes = 20'000;
  options.checkpoint_entries = 100;  // signers run meanwhile
  constexpr uint64_t kThreads = 8;
  constexpr uint64_t kEach = 200;
  std::vector<std::vector<uint64_t>> places(kThreads);
  {
    const auto log = OpenLog(options);
    ASSERT_NE(log, nullptr);
    std::vector<std::thread> threads;
    std::atomic<uint64_t> read = 0;
    for (uint64_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (uint64_t i = 0; i < kEach; ++i) {
          // Every tenth entry is one that all threads bring.
          const uint64_t number = i % 10 == 0 ? i : 10'000 + thread * kEach + i;
          const Result<Receipt> receipt = log->Append(TestEntry(number));
          if (receipt.ok()) {
            places[thread].push_back(receipt->index());
            const Result<std::vector<Stored>> stored = log->ReadFrom(receipt->index(), 1);
            read += stored.ok() && stored->front().entry.id == TestEntry(number).id ? 1 : 0;
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(read, kThreads * kEach);
  }
  std::set<uint64_t> distinct;
  for (const std::vector<uint64_t>& own : places) {
    ASSERT_EQ(own.size(), kEach);
    distinct.insert(own.begin(), own.end());
    for (uint64_t i = 0; i < kEach; i += 10) {
      EXPECT_EQ(own[i], places[0][i]);  // one place for what all brought
    }
  }
  EXPECT_EQ(distinct.size(), kThreads * kEach * 9 / 10 + kEach / 10);
  const Verified verified = Verify(place.path());
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.covered, distinct.size());
  EXPECT_GT(verified.checkpoints, 3u);
}

TEST(AuditLog, SignsByItselfAfterAWhile) {
  const TempFolder place;
  Options options = TestOptions(place.path());
  options.checkpoint_ms = 20;
  const auto log = OpenLog(options);
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(AppendEntries(log.get(), 0, 3));
  for (int i = 0; i < 500 && Verify(place.path()).covered < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(Verify(place.path()).covered, 3u);
}

// Bounds the size of files for a while, as a full disk would.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit bound = before_;
    bound.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &bound);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

TEST(AuditLog, RefusesWhileTheDiskIsFullAndRecoversByItself) {
  const TempFolder place;
  uint64_t kept = 0;
  {
    const auto log = OpenLog(TestOptions(place.path()));
    ASSERT_NE(log, nullptr);
    ASSERT_TRUE(AppendEntries(log.get(), 0, 20));
    const rlim_t size = std::filesystem::file_size(place.path() + "/" + std::string(kFirstSegment));
    {
      const FullDisk full(size + 30);  // the frame goes in only in part
      for (uint64_t number = 20; number < 25; ++number) {
        const Result<Receipt> receipt = log->Append(TestEntry(number));
        ASSERT_FALSE(receipt.ok());
        EXPECT_EQ(receipt.error().code, Code::kUnavailable);
        EXPECT_FALSE(log->healthy().ok());
      }
      EXPECT_EQ(log->size(), 20u);
      EXPECT_EQ(log->ReadFrom(0, 100)->size(), 20u);
    }
    for (int i = 0; i < 500 && !log->healthy().ok(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(log->healthy().ok());  // by the log's own entry, nobody having appended
    const Result<std::vector<Stored>> resumed = log->ReadFrom(20, 1);
    ASSERT_EQ(resumed->size(), 1u);
    EXPECT_EQ(Json::Parse(resumed->front().entry.bytes, Limits{})->TextOf("kind"), "log.resumed");
    EXPECT_EQ(log->Append(TestEntry(20))->index(), 21u);
    kept = log->size();
  }
  const Verified verified = Verify(place.path());
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.entries, kept);
}

TEST(AuditLog, RefusesWhileTheLeafFileCannotGrow) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  // Small entries, so that the leaf file is the larger one.
  const auto small = [](uint64_t number) { return Entry{TestEntry(number).id, "1"}; };
  for (uint64_t number = 0; number < 20; ++number) {
    ASSERT_TRUE(log->Append(small(number)).ok());
  }
  {
    const FullDisk full(std::filesystem::file_size(place.path() + "/leaves") + 10);
    EXPECT_EQ(log->Append(small(20)).error().code, Code::kUnavailable);
  }
  EXPECT_EQ(log->Append(small(20))->index(), 20u);
  EXPECT_TRUE(log->Close().ok());
  EXPECT_TRUE(Verify(place.path()).intact());
}

TEST(AuditLog, NamesTheEntryThatChangedUnderAReader) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(AppendEntries(log.get(), 0, 10));
  const std::string path = place.path() + "/" + std::string(kFirstSegment);
  std::string bytes = ReadFileBytes(path);
  const size_t at = bytes.find("\"n\":7");
  bytes[at + 4] = '8';
  WriteFileBytes(path, bytes);
  EXPECT_EQ(log->ReadFrom(0, 7)->size(), 7u);
  const Result<std::vector<Stored>> changed = log->ReadFrom(0, 10);
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code, Code::kUnavailable);
  EXPECT_EQ(changed.error().where, "entry 7");
}

}  // namespace
}  // namespace gw::audit
