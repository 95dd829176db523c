#include <algorithm>
#include <utility>

#include "gateway/audit/cursor_internal.h"
#include "gateway/audit/file_internal.h"
#include "gateway/audit/recovery_internal.h"
#include "gateway/audit/verify.h"

namespace gw::audit {
namespace {

constexpr size_t kRecordsAtOnce = 16'384;

class Recovery {
 public:
  Recovery(const Options& options, const VerifierKey& verifier)
      : options_(options), verifier_(verifier) {}

  Result<Recovered> Run() {
    GW_TRY(found_.segments, SegmentsIn(options_.directory));
    GW_RETURN_IF_ERROR(ReadCheckpoints());
    if (!found_.fresh) {
      GW_RETURN_IF_ERROR(CheckVerifier());
      GW_RETURN_IF_ERROR(ReadLeaves());
      GW_RETURN_IF_ERROR(WalkEntries());
    }
    return std::move(found_);
  }

 private:
  Error Refuse(uint64_t index, std::string_view reason) const;
  Status ReadCheckpoints();
  Status CheckVerifier() const;
  Status ReadLeaves();
  Status TakeRecords(uint64_t index, std::string_view bytes);
  Status TakeRecord(uint64_t index, const LeafRecord& record);
  Status WalkEntries();
  Status TakeEntry(const Cursor& cursor, const Frame& frame);
  Status TakeEnd(const Cursor& cursor, Cursor::Step step);

  uint64_t covered() const { return found_.last.size; }
  const LeafRecord& record(uint64_t index) const {
    return records_[static_cast<size_t>(index - first_kept_)];
  }

  const Options& options_;
  const VerifierKey& verifier_;
  Recovered found_;
  uint64_t first_kept_ = 0;          // the index of records_[0]
  std::vector<LeafRecord> records_;  // as far back as bytes are checked or ids wanted
};

// Opening stops at the first sign that something is wrong; the whole verification says what.
Error Recovery::Refuse(uint64_t index, std::string_view reason) const {
  const Result<Verified> verified = VerifyDirectory({options_.directory, {}, verifier_.Text()});
  Finding finding = {index, index, std::string(reason)};
  if (verified.ok() && !verified->intact()) {
    finding = *verified->first_bad;
  }
  return {Code::kUnavailable, "access log: " + finding.reason, finding.where()};
}

Status Recovery::ReadCheckpoints() {
  GW_TRY(const std::string text, ReadWhole(options_.directory, kCheckpointsName));
  const NoteList list = SplitNotes(text, verifier_);
  if (list.damaged) {
    return Refuse(0, "the file of checkpoints was changed, or is of another key or origin");
  }
  if (list.notes.empty()) {
    // The first checkpoint is made before the first entry can be.
    GW_TRY(const std::string leaves, ReadWhole(options_.directory, kLeavesName));
    if (!found_.segments.empty() || !leaves.empty()) {
      return Refuse(0, "there are entries, but no checkpoint");
    }
    found_.fresh = true;
    return {};
  }
  Result<Checkpoint> last = ParseCheckpoint(list.notes.back(), verifier_);
  if (!last) {
    return Refuse(0, last.error().detail);
  }
  found_.last = *std::move(last);
  found_.checkpoints_end = list.whole_bytes;
  found_.torn.checkpoint_bytes = list.torn_bytes;
  return {};
}

Status Recovery::CheckVerifier() const {
  GW_TRY(const std::string text, ReadWhole(options_.directory, kVerifierName));
  if (text != verifier_.Text() + "\n") {
    return Error{Code::kUnavailable,
                 "access log: the verifier key in the directory is not that of the configured key",
                 std::string(kVerifierName)};
  }
  return {};
}

Status Recovery::ReadLeaves() {
  Result<File> file = File::Open(options_.directory, kLeavesName, File::Mode::kRead);
  uint64_t count = 0;
  if (file) {
    GW_TRY(const uint64_t size, file->Size());
    count = size / kLeafRecordBytes;
  } else if (file.error().code != Code::kNotFound) {
    return std::move(file).error();
  }
  const uint64_t checked = std::max<uint64_t>(1, options_.checked_on_open);
  first_kept_ = std::min(covered() - std::min(covered(), checked),
                         count - std::min<uint64_t>(count, options_.recent_ids));
  std::string chunk;
  while (found_.leaf_records < count) {
    const uint64_t index = found_.leaf_records;
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(count - index, kRecordsAtOnce));
    GW_RETURN_IF_ERROR(file->ReadAt(index * kLeafRecordBytes, wanted * kLeafRecordBytes, &chunk));
    GW_RETURN_IF_ERROR(TakeRecords(index, chunk));
    if (found_.leaf_records < index + wanted) {
      break;  // the rest was cut short by a crash
    }
  }
  if (found_.leaf_records < covered()) {
    return Refuse(found_.leaf_records, "the leaf record of the entry is missing");
  }
  return {};
}

// Takes records up to the first that is none.
Status Recovery::TakeRecords(uint64_t index, std::string_view bytes) {
  for (; bytes.size() >= kLeafRecordBytes; bytes.remove_prefix(kLeafRecordBytes), ++index) {
    const std::optional<LeafRecord> record = ReadLeafRecord(bytes.substr(0, kLeafRecordBytes));
    if (!record && index < covered()) {
      return Refuse(index, "the leaf record of the entry was changed");
    }
    if (!record) {
      return {};
    }
    GW_RETURN_IF_ERROR(TakeRecord(index, *record));
  }
  return {};
}

Status Recovery::TakeRecord(uint64_t index, const LeafRecord& record) {
  ++found_.leaf_records;
  if (index >= first_kept_) {
    records_.push_back(record);
  }
  if (index >= covered()) {
    return {};  // it joins the tree with its entry
  }
  found_.tree.Append(record.leaf);
  if (index + 1 == covered() && found_.tree.Root() != found_.last.root) {
    return Refuse(0, "the leaf records differ from the last checkpoint");
  }
  return {};
}

Status Recovery::WalkEntries() {
  Cursor cursor(options_.directory, found_.segments);
  if (found_.leaf_records > 0) {
    const uint64_t checked = std::max<uint64_t>(1, options_.checked_on_open);
    const uint64_t newest = std::max<uint64_t>(covered(), 1);
    const uint64_t start = newest - std::min(newest, checked);
    GW_RETURN_IF_ERROR(cursor.Seek(start, record(start).offset));
  }
  for (;;) {
    Frame frame;
    GW_TRY(const Cursor::Step step, cursor.Next(&frame));
    if (step != Cursor::Step::kEntry) {
      return TakeEnd(cursor, step);
    }
    GW_RETURN_IF_ERROR(TakeEntry(cursor, frame));
  }
}

Status Recovery::TakeEntry(const Cursor& cursor, const Frame& frame) {
  const uint64_t index = cursor.index() - 1;
  const LeafRecord seen = {LeafHash(frame.id.view(), frame.bytes), frame.id, cursor.frame_offset(),
                           static_cast<uint32_t>(frame.size - kFrameHeaderBytes)};
  if (index >= found_.leaf_records) {
    // It was written, and perhaps answered for, but not yet noted in the leaf file.
    AppendLeafRecord(seen, &found_.new_records);
    records_.push_back(seen);
  } else if (!(seen == record(index))) {
    return Refuse(index, "the entry differs from its leaf record");
  }
  if (index >= covered()) {
    found_.tree.Append(seen.leaf);
  }
  return {};
}

// The walk has come to the end of the log, or to bytes that are no entry. A leaf record is written
// only after its entry is durable: what has one must be there, but for a last frame that ends
// early, which is what a crash (or a disk that lied about its cache) leaves.
Status Recovery::TakeEnd(const Cursor& cursor, Cursor::Step step) {
  using Step = Cursor::Step;
  const uint64_t index = cursor.index();
  const bool noted = index < found_.leaf_records;
  const bool last_noted = noted && index + 1 == found_.leaf_records && index >= covered();
  const bool ends_early = step == Step::kEnd || step == Step::kCut;
  if (step == Step::kMisplaced || (noted && !(last_noted && ends_early))) {
    return Refuse(index, ends_early ? "the entry is missing" : cursor.reason());
  }
  if (noted && step == Step::kCut && cursor.rest_bytes() >= record(index).frame_size()) {
    return Refuse(index, "the length of the entry was changed");
  }
  if (step == Step::kBroken && cursor.segment() != found_.segments.back()) {
    return Refuse(index, cursor.reason());
  }
  if (noted) {
    found_.torn.lost_leaf = record(index).leaf;
    found_.leaf_records = index;
    records_.pop_back();
  }
  found_.torn.entry_bytes = step == Step::kEnd ? 0 : cursor.rest_bytes();
  found_.segment_end = cursor.offset();
  const size_t recent = std::min<size_t>(records_.size(), options_.recent_ids);
  for (size_t i = records_.size() - recent; i < records_.size(); ++i) {
    found_.recent.push_back(records_[i].id);
  }
  return {};
}

}  // namespace

Result<Recovered> Recover(const Options& options, const VerifierKey& verifier) {
  return Recovery(options, verifier).Run();
}

}  // namespace gw::audit
