#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <thread>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/frame_internal.h"
#include "gateway/audit/verify.h"
#include "gateway/base/json.h"
#include "tests/audit/log_testing.h"

namespace gw::audit {
namespace {

constexpr std::string_view kFirstSegment = "entries-00000000000000000000.log";

// What a process that died left: entries 0 to 9, the first five under a checkpoint.
class Crash : public testing::Test {
 protected:
  void SetUp() override {
    const TempFolder live;
    const auto log = OpenLog(TestOptions(live.path()));
    ASSERT_NE(log, nullptr);
    ASSERT_TRUE(AppendEntries(log.get(), 0, 5));
    ASSERT_TRUE(log->Sign().ok());
    ASSERT_TRUE(AppendEntries(log.get(), 5, 10));
    files_ = Snapshot(live.path());
    const LeafRecord last =
        *ReadLeafRecord(std::string_view(BytesOf(&files_, "leaves")).substr(9 * kLeafRecordBytes));
    last_frame_ = static_cast<size_t>(last.offset);
  }

  std::unique_ptr<AuditLog> OpenFrom(const FileSet& files) {
    Restore(files, place_.path());
    return OpenLog(TestOptions(place_.path()));
  }

  Error RefusalOf(const FileSet& files) {
    Restore(files, place_.path());
    const Result<std::unique_ptr<AuditLog>> log =
        AuditLog::Open(TestOptions(place_.path()), TestClock());
    return log.ok() ? Error{Code::kInternal, "opened", {}} : log.error();
  }

  // The log has entries 0 to `kept`-1 and then what it says of its recovery; it goes on, and
  // nothing is called tampering.
  void ExpectRecovered(AuditLog* log, uint64_t kept, int64_t bytes_cut, bool lost) {
    ASSERT_NE(log, nullptr);
    ASSERT_EQ(log->size(), kept + 1);
    const Result<std::vector<Stored>> entries = log->ReadFrom(0, 100);
    ASSERT_TRUE(entries.ok());
    for (uint64_t number = 0; number < kept; ++number) {
      EXPECT_EQ((*entries)[number].entry.bytes, TestEntry(number).bytes);
    }
    const Result<Json> record = Json::Parse(entries->back().entry.bytes, Limits{});
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(record->TextOf("kind"), "log.recovered");
    EXPECT_EQ(*record->Find("entry_bytes_cut")->integer(), bytes_cut);
    EXPECT_EQ(*record->Find("entries_kept")->integer(), static_cast<int64_t>(kept));
    EXPECT_EQ(record->Find("lost_leaf") != nullptr, lost);
    EXPECT_EQ(log->Append(TestEntry(kept))->index(), kept + 1);
    EXPECT_TRUE(log->Close().ok());
    const Verified verified = Verify(place_.path());
    EXPECT_TRUE(verified.intact());
    EXPECT_EQ(verified.covered, kept + 2);
    EXPECT_EQ(verified.torn_bytes, 0u);
  }

  TempFolder place_;
  FileSet files_;
  size_t last_frame_ = 0;  // where the frame of entry 9 begins
};

TEST_F(Crash, LosesNothingThatWasWhole) {
  const auto log = OpenFrom(files_);
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->size(), 10u);
  EXPECT_EQ(Verify(place_.path()).not_yet_covered(), 5u);
  EXPECT_EQ(log->Append(TestEntry(9))->index(), 9u);  // the ids are known again
}

TEST_F(Crash, CutsATornLastFrameAtEveryLength) {
  const size_t whole = BytesOf(&files_, kFirstSegment).size();
  for (size_t length = last_frame_; length < whole; ++length) {
    SCOPED_TRACE(length - last_frame_);
    const int64_t cut = static_cast<int64_t>(length - last_frame_);
    FileSet files = files_;
    BytesOf(&files, kFirstSegment).resize(length);
    {  // The disk lost what it had promised: the leaf record says that there was an entry.
      Restore(files, place_.path());
      EXPECT_TRUE(Verify(place_.path()).intact());
      EXPECT_GT(Verify(place_.path()).torn_bytes, 0u);
      ExpectRecovered(OpenFrom(files).get(), 9, cut, true);
    }
    BytesOf(&files, "leaves").resize(9 * kLeafRecordBytes);
    if (cut > 0) {
      Restore(files, place_.path());
      EXPECT_EQ(Verify(place_.path()).torn_bytes, static_cast<uint64_t>(cut));
      ExpectRecovered(OpenFrom(files).get(), 9, cut, false);
    } else {
      EXPECT_EQ(OpenFrom(files)->size(), 9u);  // nothing was torn, and nothing is recorded
    }
  }
}

TEST_F(Crash, CutsWhatIsNoFrame) {
  for (const std::string& rubbish : {std::string(1, '\0'), std::string(300, '\0'),
                                     std::string(300, '\xFF'), std::string("text of no format")}) {
    FileSet files = files_;
    BytesOf(&files, kFirstSegment) += rubbish;
    ExpectRecovered(OpenFrom(files).get(), 10, static_cast<int64_t>(rubbish.size()), false);
  }
}

TEST_F(Crash, CutsAFrameThatIsWholeBehindOneThatIsNot) {
  // The pages of one batch reach the disk in any order.
  FileSet files = files_;
  std::string& segment = BytesOf(&files, kFirstSegment);
  segment[last_frame_ + 30] = '\0';
  segment += MakeFrame(*ParseUuid(TestEntry(10).id), TestEntry(10).bytes);
  const int64_t cut = static_cast<int64_t>(segment.size() - last_frame_);
  BytesOf(&files, "leaves").resize(9 * kLeafRecordBytes);
  ExpectRecovered(OpenFrom(files).get(), 9, cut, false);
}

TEST_F(Crash, MakesLeafRecordsAnewAtEveryLength) {
  for (size_t length = 5 * kLeafRecordBytes; length < 10 * kLeafRecordBytes; length += 16) {
    FileSet files = files_;
    BytesOf(&files, "leaves").resize(length);
    const auto log = OpenFrom(files);
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->size(), 10u);
    EXPECT_EQ(log->ReadFrom(0, 100)->size(), 10u);
    EXPECT_EQ(Snapshot(place_.path()), files_);  // to the byte
  }
  FileSet files = files_;
  BytesOf(&files, "leaves")
      .replace(7 * kLeafRecordBytes, 2 * kLeafRecordBytes, 2 * kLeafRecordBytes, '\0');
  OpenFrom(files);
  EXPECT_TRUE(Verify(place_.path()).intact());
}

TEST_F(Crash, CutsATornCheckpointAtEveryLength) {
  const std::string notes = BytesOf(&files_, "checkpoints");
  const size_t second = notes.find("\n\ncaregate") + 2;
  for (size_t length = second + 1; length < notes.size(); length += 6) {
    SCOPED_TRACE(length);
    FileSet files = files_;
    BytesOf(&files, "checkpoints").resize(length);
    Restore(files, place_.path());
    EXPECT_TRUE(Verify(place_.path()).intact());
    EXPECT_EQ(Verify(place_.path()).torn_bytes, length - second);
    ExpectRecovered(OpenFrom(files).get(), 10, 0, false);
  }
}

TEST_F(Crash, TakesUpASegmentThatWasJustBegun) {
  const std::string header = SegmentHeader(10);
  for (size_t length = 0; length <= header.size(); ++length) {
    FileSet files = files_;
    files.emplace_back(SegmentName(10), header.substr(0, length));
    const auto log = OpenFrom(files);
    ASSERT_NE(log, nullptr);
    const bool torn = length > 0 && length < header.size();
    EXPECT_EQ(log->size(), torn ? 11u : 10u);
    EXPECT_TRUE(AppendEntries(log.get(), log->size(), 15));
    EXPECT_TRUE(log->Close().ok());
    EXPECT_TRUE(Verify(place_.path()).intact());
    EXPECT_EQ(Verify(place_.path()).covered, 15u);
  }
}

TEST_F(Crash, MakesALogAnewThatWasNotYetMade) {
  for (const size_t length : {size_t{0}, size_t{10}}) {
    FileSet files;
    files.emplace_back("verifier", BytesOf(&files_, "verifier").substr(0, length));
    files.emplace_back("leaves", "");
    files.emplace_back("checkpoints", BytesOf(&files_, "checkpoints").substr(0, length));
    const auto log = OpenFrom(files);
    ASSERT_NE(log, nullptr);
    EXPECT_TRUE(AppendEntries(log.get(), 0, 3));
    EXPECT_TRUE(log->Close().ok());
    EXPECT_TRUE(Verify(place_.path()).intact());
  }
}

TEST_F(Crash, RefusesWhatNoCrashLeaves) {
  // Two durable entries gone, above the checkpoint too.
  FileSet files = files_;
  BytesOf(&files, kFirstSegment).resize(last_frame_ - 1);
  EXPECT_EQ(RefusalOf(files).where, "entry 8");
  // A durable entry changed.
  files = files_;
  BytesOf(&files, kFirstSegment)[last_frame_ + 40] = '!';
  EXPECT_EQ(RefusalOf(files).where, "entry 9");
  files = files_;
  std::string& segment = BytesOf(&files, kFirstSegment);
  segment[segment.find("\"n\":6") + 4] = '7';
  EXPECT_EQ(RefusalOf(files).where, "entry 6");
  // Its length field changed, so that it seems to be cut.
  files = files_;
  BytesOf(&files, kFirstSegment)[last_frame_ + 5] = '\x01';
  EXPECT_EQ(RefusalOf(files).where, "entry 9");
  // An entry under the checkpoint torn.
  files = files_;
  BytesOf(&files, kFirstSegment).resize(60);
  BytesOf(&files, "leaves").resize(kLeafRecordBytes);
  EXPECT_EQ(RefusalOf(files).code, Code::kUnavailable);
  EXPECT_EQ(RefusalOf(files).where, "entries 0 to 4");
  // The refusal changed nothing.
  EXPECT_EQ(Snapshot(place_.path()), files);
}

TEST_F(Crash, ChecksOnlyTheNewestBytesOfALongLogWhenItOpens) {
  TempFolder place;
  Options options = TestOptions(place.path());
  options.segment_bytes = 500;
  options.checked_on_open = 5;
  {
    const auto log = OpenLog(options);
    ASSERT_TRUE(AppendEntries(log.get(), 0, 50));
  }
  FileSet files = Snapshot(place.path());
  const auto change = [&](std::string_view what) {
    FileSet changed = files;
    for (auto& [name, bytes] : changed) {
      const size_t at = bytes.find(what);
      if (FirstIndexOfName(name).has_value() && at != std::string::npos) {
        bytes[at] = '!';
      }
    }
    Restore(changed, place.path());
  };
  change("\"n\":46");
  EXPECT_EQ(AuditLog::Open(options, TestClock()).error().where, "entry 46");
  change("\"n\":20");
  EXPECT_TRUE(AuditLog::Open(options, TestClock()).ok());
  EXPECT_EQ(Verify(place.path()).first_bad->first, 20u);  // which is what verification is for
}

// Appends from four threads and reports each receipt on the pipe, until it is killed.
[[noreturn]] void AppendUntilKilled(const std::string& directory, int round, int pipe_end) {
  Options options = TestOptions(directory);
  options.segment_bytes = 4'000;
  options.checkpoint_entries = 25;
  Result<std::unique_ptr<AuditLog>> log = AuditLog::Open(options, TestClock());
  if (!log) {
    ::_exit(1);
  }
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0;; ++i) {
        const uint64_t number = static_cast<uint64_t>(round) * 1'000'000 + thread * 100'000 + i;
        const Result<Receipt> receipt = (*log)->Append(TestEntry(number));
        const uint64_t line[2] = {number, receipt ? receipt->index() : UINT64_MAX};
        if (!receipt || ::write(pipe_end, line, sizeof(line)) != sizeof(line)) {
          ::_exit(1);
        }
      }
    });
  }
  for (;;) {
    ::pause();
  }
}

TEST(Kill, LosesNoEntryThatHadItsReceipt) {
  TestKey();  // made at first use: every child must have the same
  const TempFolder place;
  std::map<uint64_t, uint64_t> receipts;  // number of an entry -> its place
  for (int round = 0; round < 12; ++round) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      AppendUntilKilled(place.path(), round, ends[1]);
    }
    ::close(ends[1]);
    uint64_t line[2] = {0, 0};
    const size_t enough = receipts.size() + 20 + static_cast<size_t>(round) * 7;
    while (receipts.size() < enough && ::read(ends[0], line, sizeof(line)) == sizeof(line)) {
      receipts[line[0]] = line[1];
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], line, sizeof(line)) == sizeof(line)) {
      receipts[line[0]] = line[1];
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_TRUE(Verify(place.path()).intact()) << round;
  }
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_NE(log, nullptr);
  EXPECT_GT(receipts.size(), 400u);
  for (const auto& [number, index] : receipts) {
    const Result<std::vector<Stored>> stored = log->ReadFrom(index, 1);
    ASSERT_TRUE(stored.ok());
    ASSERT_EQ(stored->size(), 1u) << number;
    EXPECT_EQ(stored->front().entry.id, TestEntry(number).id);
    EXPECT_EQ(stored->front().entry.bytes, TestEntry(number).bytes);
  }
}

}  // namespace
}  // namespace gw::audit
