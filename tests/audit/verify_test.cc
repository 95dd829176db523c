#include "gateway/audit/verify.h"

#include <gtest/gtest.h>

#include <random>
#include <span>

#include "gateway/audit/frame_internal.h"
#include "gateway/audit/merkle.h"
#include "tests/audit/log_testing.h"

namespace gw::audit {
namespace {

constexpr std::string_view kFirstSegment = "entries-00000000000000000000.log";

// A log that was changed behind its back: the files as they were, and a place to put changed ones.
class Tampering : public testing::Test {
 protected:
  // Entries 0 to 59 with checkpoints at 0, 20, 40 and 60, in one segment or in many, closed.
  void MakeLog(uint64_t segment_bytes = uint64_t{1} << 20) {
    Options options = TestOptions(place_.path());
    options.segment_bytes = segment_bytes;
    const auto log = OpenLog(options);
    ASSERT_NE(log, nullptr);
    for (uint64_t start = 0; start < 60; start += 20) {
      ASSERT_TRUE(AppendEntries(log.get(), start, start + 20));
      const Result<Checkpoint> checkpoint = log->Sign();
      ASSERT_TRUE(checkpoint.ok());
      kept_elsewhere_ = checkpoint->signed_note;
    }
    ASSERT_TRUE(log->Close().ok());
    files_ = Snapshot(place_.path());
  }

  // Where frame `index` begins and ends in the first segment.
  std::pair<size_t, size_t> FrameAt(uint64_t index) {
    const std::string_view records = BytesOf(&files_, "leaves");
    const LeafRecord record =
        *ReadLeafRecord(records.substr(static_cast<size_t>(index) * kLeafRecordBytes, 64));
    return {static_cast<size_t>(record.offset),
            static_cast<size_t>(record.offset + record.frame_size())};
  }

  // Frames and leaf records anew from entries, as somebody would who knows the format but not the
  // key.
  static void Rewrite(const std::vector<Entry>& entries, FileSet* files) {
    std::string segment = SegmentHeader(0);
    std::string leaves;
    for (const Entry& entry : entries) {
      const Id id = *ParseUuid(entry.id);
      const std::string frame = MakeFrame(id, entry.bytes);
      AppendLeafRecord({LeafHash(id.view(), entry.bytes), id, segment.size(),
                        static_cast<uint32_t>(frame.size() - kFrameHeaderBytes)},
                       &leaves);
      segment += frame;
    }
    BytesOf(files, kFirstSegment) = segment;
    BytesOf(files, "leaves") = leaves;
  }

  Finding FindingOf(const FileSet& files) {
    Restore(files, place_.path());
    const Verified verified = Verify(place_.path());
    return verified.first_bad.value_or(Finding{999, 999, "nothing was found"});
  }

  // The log cannot be served from such files, and says where.
  void ExpectOpenRefuses(uint64_t index) { ExpectOpenRefuses("entry " + std::to_string(index)); }
  void ExpectOpenRefuses(const std::string& where) {
    const Result<std::unique_ptr<AuditLog>> log =
        AuditLog::Open(TestOptions(place_.path()), TestClock());
    ASSERT_FALSE(log.ok());
    EXPECT_EQ(log.error().code, Code::kUnavailable);
    EXPECT_EQ(log.error().where, where);
  }

  TempFolder place_;
  FileSet files_;
  std::string kept_elsewhere_;
};

TEST_F(Tampering, FindsNothingInAGoodLog) {
  MakeLog();
  const Verified verified = Verify(place_.path(), kept_elsewhere_);
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.entries, 60u);
  EXPECT_EQ(verified.covered, 60u);
  EXPECT_EQ(verified.checkpoints, 5u);  // four of the log, and the one kept elsewhere
  EXPECT_EQ(verified.torn_bytes, 0u);
}

TEST_F(Tampering, NamesTheEntryOfEveryFlippedByte) {
  MakeLog();
  for (uint64_t index = 0; index < 60; ++index) {
    const auto [start, end] = FrameAt(index);
    for (size_t at = start; at < end; at += index % 20 == 7 ? size_t{1} : size_t{13}) {
      FileSet files = files_;
      char& byte = BytesOf(&files, kFirstSegment)[at];
      byte = static_cast<char>(byte ^ 0x04);
      const Finding finding = FindingOf(files);
      ASSERT_EQ(finding.first, index) << at - start;
      ASSERT_TRUE(finding.exact());
    }
    if (index % 10 == 3) {
      ExpectOpenRefuses(index);
    }
  }
}

TEST_F(Tampering, NamesTheEntryOfEveryFlippedByteOfItsLeafRecord) {
  MakeLog();
  for (size_t at = 0; at < BytesOf(&files_, "leaves").size(); at += 5) {
    FileSet files = files_;
    char& byte = BytesOf(&files, "leaves")[at];
    byte = static_cast<char>(byte ^ 0x80);
    const Finding finding = FindingOf(files);
    ASSERT_EQ(finding.first, at / kLeafRecordBytes);
    ASSERT_TRUE(finding.exact());
    ASSERT_EQ(finding.reason, "the leaf record of the entry was changed; the entry is good");
    if (at % 100 == 0) {
      ExpectOpenRefuses(at / kLeafRecordBytes);
    }
  }
}

TEST_F(Tampering, NamesTheCheckpointOfEveryFlippedByte) {
  MakeLog();
  const std::string& notes = BytesOf(&files_, "checkpoints");
  for (size_t at = 0; at < notes.size(); at += 3) {
    FileSet files = files_;
    char& byte = BytesOf(&files, "checkpoints")[at];
    byte = static_cast<char>(byte ^ 0x01);
    const Finding finding = FindingOf(files);
    // The entries from the last checkpoint that is good are no longer proven.
    const size_t note = at * 4 / notes.size();
    EXPECT_LE(finding.first, 40u) << at;
    EXPECT_EQ(finding.first % 20, 0u);
    EXPECT_LE(finding.first / 20, note);
    EXPECT_NE(finding.reason.find("checkpoint"), std::string::npos) << finding.reason;
  }
}

TEST_F(Tampering, FindsAChangedVerifierKey) {
  MakeLog();
  std::string& key = BytesOf(&files_, "verifier");
  for (size_t at = 0; at < key.size(); ++at) {
    FileSet files = files_;
    char& byte = BytesOf(&files, "verifier")[at];
    byte = static_cast<char>(byte ^ 0x01);
    EXPECT_EQ(FindingOf(files).reason, "the verifier key in the directory is not the one given");
    const Result<Verified> by_itself = VerifyDirectory({place_.path(), {}, {}});
    EXPECT_TRUE(!by_itself.ok() || !by_itself->intact());
    EXPECT_FALSE(AuditLog::Open(TestOptions(place_.path()), TestClock()).ok());
  }
}

TEST_F(Tampering, NamesTheFirstEntryOfADeletionASwapAndAnInsertion) {
  MakeLog();
  const std::string& segment = BytesOf(&files_, kFirstSegment);
  for (const uint64_t index :
       {uint64_t{0}, uint64_t{19}, uint64_t{20}, uint64_t{33}, uint64_t{58}, uint64_t{59}}) {
    const auto [start, end] = FrameAt(index);
    FileSet files = files_;
    BytesOf(&files, kFirstSegment).erase(start, end - start);
    EXPECT_EQ(FindingOf(files).first, index) << "deletion";
    ExpectOpenRefuses(index);

    files = files_;
    BytesOf(&files, kFirstSegment)
        .insert(start, MakeFrame(*ParseUuid(TestEntry(777).id), "{\"forged\":1}"));
    EXPECT_EQ(FindingOf(files).first, index) << "insertion";
    ExpectOpenRefuses(index);

    files = files_;
    BytesOf(&files, kFirstSegment).insert(start, segment.substr(start, end - start));
    if (index < 59) {  // behind the last checkpoint it is an entry that none covers yet
      EXPECT_EQ(FindingOf(files).first, index + 1) << "duplication";
    }

    if (index < 59) {
      const auto [next_start, next_end] = FrameAt(index + 1);
      files = files_;
      BytesOf(&files, kFirstSegment) =
          segment.substr(0, start) + segment.substr(next_start, next_end - next_start) +
          segment.substr(start, end - start) + segment.substr(next_end);
      EXPECT_EQ(FindingOf(files).first, index) << "swap";
      ExpectOpenRefuses(index);
    }
  }
}

TEST_F(Tampering, NamesTheFirstEntryThatATruncationTook) {
  MakeLog();
  for (const uint64_t index : {uint64_t{0}, uint64_t{20}, uint64_t{45}, uint64_t{59}}) {
    const auto [start, end] = FrameAt(index);
    for (const size_t length : {start, start + 1, start + 10, end - 1}) {
      FileSet files = files_;
      BytesOf(&files, kFirstSegment).resize(length);
      EXPECT_EQ(FindingOf(files).first, index) << length;
      ExpectOpenRefuses(index);
      // The same of both files.
      BytesOf(&files, "leaves").resize(static_cast<size_t>(index) * kLeafRecordBytes);
      const Finding both = FindingOf(files);
      EXPECT_EQ(both.first, index / 20 * 20);
      EXPECT_EQ(both.last, index / 20 * 20 + 19);
      EXPECT_EQ(both.reason,
                "the log ends before its checkpoint, at entry " + std::to_string(index));
      ExpectOpenRefuses(both.where());
    }
  }
}

TEST_F(Tampering, FindsFilesThatAreGone) {
  MakeLog(300);
  for (size_t gone = 0; gone < files_.size(); ++gone) {
    SCOPED_TRACE(files_[gone].first);
    FileSet files = files_;
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(gone));
    const Finding finding = FindingOf(files);
    EXPECT_EQ(finding.first, FirstIndexOfName(files_[gone].first).value_or(0));
    ExpectOpenRefuses(files_[gone].first == "verifier" ? "verifier" : finding.where());
  }
}

TEST_F(Tampering, FindsSegmentsThatWereSwappedOrMadeUp) {
  MakeLog(300);
  FileSet files = files_;
  std::swap(files[2].second, files[3].second);
  EXPECT_EQ(FindingOf(files).first, *FirstIndexOfName(files_[2].first));
  files = files_;
  files.emplace_back(SegmentName(1), SegmentHeader(1) + MakeFrame(Id{}, "{}"));
  EXPECT_LE(FindingOf(files).first, *FirstIndexOfName(files_[3].first));
  files = files_;
  files.emplace_back(SegmentName(61), SegmentHeader(61) + MakeFrame(Id{}, "{}"));
  EXPECT_EQ(FindingOf(files).first, 60u);
  ExpectOpenRefuses(60);
}

// Who changes an entry together with its leaf record cannot change the root that was signed.
TEST_F(Tampering, NamesTheRangeWhenEntryAndRecordWereChangedAlike) {
  MakeLog();
  for (uint64_t index = 0; index < 60; index += 7) {
    std::vector<Entry> entries;
    for (uint64_t number = 0; number < 60; ++number) {
      entries.push_back(TestEntry(number));
    }
    entries[static_cast<size_t>(index)].bytes += " ";
    FileSet files = files_;
    Rewrite(entries, &files);
    const Finding changed = FindingOf(files);
    EXPECT_EQ(changed.first, index / 20 * 20);
    EXPECT_EQ(changed.last, index / 20 * 20 + 19);
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(index));
    Rewrite(entries, &files);
    const Finding removed = FindingOf(files);
    EXPECT_EQ(removed.first, index / 20 * 20);
    EXPECT_EQ(removed.last, index / 20 * 20 + 19);
  }
}

TEST_F(Tampering, FindsALogCutBackWithItsCheckpointsByTheOneKeptElsewhere) {
  MakeLog();
  FileSet files = files_;
  std::vector<Entry> entries;
  for (uint64_t number = 0; number < 40; ++number) {
    entries.push_back(TestEntry(number));
  }
  Rewrite(entries, &files);
  std::string& notes = BytesOf(&files, "checkpoints");
  notes.resize(notes.rfind("caregate.example/log\n"));  // the last of the four
  Restore(files, place_.path());
  EXPECT_TRUE(Verify(place_.path()).intact());  // by itself it is a shorter, sound log
  const Verified verified = Verify(place_.path(), kept_elsewhere_);
  ASSERT_FALSE(verified.intact());
  EXPECT_EQ(verified.first_bad->first, 40u);
  EXPECT_EQ(verified.first_bad->last, 59u);
  EXPECT_FALSE(Verify(place_.path(), kept_elsewhere_ + "\n").intact());
  const Result<Verified> wrong = VerifyDirectory({place_.path(), "not a checkpoint\n", {}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Code::kInvalid);
}

TEST_F(Tampering, FindsAThousandRandomEdits) {
  MakeLog(1'500);
  std::mt19937 random(20260120);
  const auto below = [&random](size_t bound) { return static_cast<size_t>(random() % bound); };
  for (int round = 0; round < 1000; ++round) {
    FileSet files = files_;
    std::string& bytes = files[below(files.size())].second;
    const size_t at = below(bytes.size());
    const size_t length = 1 + below(std::min<size_t>(bytes.size() - at, 100));
    switch (below(4)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 + static_cast<char>(below(127))));
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, length) + "\x5A");
        break;
      default:
        bytes.resize(at);
        break;
    }
    Restore(files, place_.path());
    const Verified verified = Verify(place_.path());
    // A file of checkpoints that merely ends early has lost proof, which shows as entries that are
    // not covered or as a torn end; every other edit is a finding.
    const bool shortened = verified.torn_bytes > 0 || verified.not_yet_covered() > 0;
    ASSERT_TRUE(!verified.intact() || shortened) << round;
  }
}

TEST(Verify, NeedsALog) {
  const TempFolder place;
  EXPECT_EQ(VerifyDirectory({place.path(), {}, {}}).error().code, Code::kNotFound);
  EXPECT_EQ(VerifyDirectory({place.path() + "/none", {}, {}}).error().code, Code::kNotFound);
  const auto log = OpenLog(TestOptions(place.path()));
  EXPECT_EQ(VerifyDirectory({place.path(), {}, "no key"}).error().code, Code::kInvalid);
  EXPECT_TRUE(VerifyDirectory({place.path(), {}, {}})->intact());  // by the key that lies there
}

TEST(Verify, FindsAnEditOfWhatIsNotYetCovered) {
  const TempFolder place;
  const auto log = OpenLog(TestOptions(place.path()));
  ASSERT_TRUE(AppendEntries(log.get(), 0, 10));
  FileSet files = Snapshot(place.path());
  std::string& segment = BytesOf(&files, kFirstSegment);
  segment[segment.find("\"n\":4") + 4] = '5';
  const TempFolder copy;
  Restore(files, copy.path());
  const Verified verified = Verify(copy.path());
  ASSERT_FALSE(verified.intact());
  EXPECT_EQ(verified.first_bad->first, 4u);
}

}  // namespace
}  // namespace gw::audit
