#include "gateway/audit/verify.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/audit/cursor_internal.h"
#include "gateway/audit/file_internal.h"
#include "gateway/audit/frame_internal.h"
#include "gateway/audit/merkle.h"

namespace gw::audit {
namespace {

constexpr size_t kRecordsAtOnce = 16'384;

// Reads the leaf file from its beginning.
class LeafReader {
 public:
  Status Open(const std::string& directory) {
    GW_TRY(bytes_left_, OpenFile(directory));
    return {};
  }

  bool at_end() const { return at_ == chunk_.size() && bytes_left_ < kLeafRecordBytes; }
  // Whether exactly one whole record is left.
  bool at_last() const { return chunk_.size() - at_ + bytes_left_ < 2 * kLeafRecordBytes; }
  uint64_t bytes_left() const { return chunk_.size() - at_ + bytes_left_; }

  // The next record; nothing if its CRC does not fit. Precondition: !at_end().
  Result<std::optional<LeafRecord>> Next() {
    if (at_ == chunk_.size()) {
      const uint64_t whole = bytes_left_ - bytes_left_ % kLeafRecordBytes;
      const uint64_t wanted = std::min<uint64_t>(whole, kRecordsAtOnce * kLeafRecordBytes);
      GW_RETURN_IF_ERROR(file_.ReadAt(offset_, static_cast<size_t>(wanted), &chunk_));
      if (chunk_.size() != wanted) {
        return Error{Code::kUnavailable, "the leaf file shrank", std::string(kLeavesName)};
      }
      at_ = 0;
      offset_ += wanted;
      bytes_left_ -= wanted;
    }
    const std::string_view bytes = std::string_view(chunk_).substr(at_, kLeafRecordBytes);
    at_ += kLeafRecordBytes;
    return ReadLeafRecord(bytes);
  }

 private:
  Result<uint64_t> OpenFile(const std::string& directory) {
    Result<File> file = File::Open(directory, kLeavesName, File::Mode::kRead);
    if (!file && file.error().code == Code::kNotFound) {
      return uint64_t{0};
    }
    if (!file) {
      return std::move(file).error();
    }
    file_ = *std::move(file);
    return file_.Size();
  }

  File file_;
  std::string chunk_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
  uint64_t bytes_left_ = 0;  // behind chunk_
};

std::string Numbered(std::string_view thing, size_t number, std::string_view what) {
  return std::string(thing) + " " + std::to_string(number) + " " + std::string(what);
}

// Entries and leaf records are read side by side. Where they part, the next checkpoint says which
// of the two is right: its root is over the one or over the other.
class Verification {
 public:
  explicit Verification(const VerifyOptions& options) : options_(options) {}

  Result<Verified> Run() {
    // Read in this order, a log that grows meanwhile has at least the leaf records of each
    // checkpoint, and the entry of each leaf record.
    GW_RETURN_IF_ERROR(TakeCheckpoints());
    GW_RETURN_IF_ERROR(leaves_.Open(options_.directory));
    GW_TRY(std::vector<uint64_t> segments, SegmentsIn(options_.directory));
    cursor_.emplace(options_.directory, std::move(segments));
    for (size_t head = 0; head < heads_.size() && found_.intact(); ++head) {
      GW_RETURN_IF_ERROR(WalkTo(heads_[head].size));
      CheckHead(heads_[head]);
    }
    if (found_.intact()) {
      GW_RETURN_IF_ERROR(WalkUncovered());
    }
    if (note_finding_ && (found_.intact() || note_finding_->first < found_.first_bad->first)) {
      found_.first_bad = note_finding_;
    }
    return std::move(found_);
  }

 private:
  Result<VerifierKey> TakeKey();
  Status TakeCheckpoints();
  void TakeNotes(const NoteList& list, const VerifierKey& verifier);
  Status TakeGiven(const VerifierKey& verifier);
  Status WalkTo(uint64_t size);
  Result<bool> ReadEntry(LeafRecord* seen);
  Result<bool> ReadRecord(LeafRecord* noted);
  void Compare(const LeafRecord& seen, bool has_entry, const LeafRecord& noted, bool has_record);
  void CheckHead(const Checkpoint& head);
  Status WalkUncovered();
  void FindTail(Cursor::Step step, bool noted);
  void Part(std::string_view reason, bool by_end = false);
  void Find(uint64_t first, uint64_t last, std::string_view reason) {
    found_.first_bad = Finding{first, last, std::string(reason)};
  }

  const VerifyOptions& options_;
  std::vector<Checkpoint> heads_;  // good signatures, by size
  std::optional<Finding> note_finding_;
  LeafReader leaves_;
  std::optional<Cursor> cursor_;
  Verified found_;

  uint64_t index_ = 0;  // entries and records walked over
  Tree entry_tree_;
  Tree record_tree_;  // the same as entry_tree_ until the leaves part, and empty until then
  bool one_tree_ = true;
  bool entries_go_on_ = true;
  bool records_go_on_ = true;
  std::optional<uint64_t> parted_;  // the first index where entries and records differ
  std::string parted_reason_;
  bool parted_by_end_ = false;  // because the one or the other ended
};

Result<VerifierKey> Verification::TakeKey() {
  GW_TRY(const std::string text, ReadWhole(options_.directory, kVerifierName));
  if (!options_.verifier.empty()) {
    GW_TRY(VerifierKey given, VerifierKey::Parse(options_.verifier));
    if (text != given.Text() + "\n") {
      note_finding_ = Finding{0, 0, "the verifier key in the directory is not the one given"};
    }
    return given;
  }
  return VerifierKey::Parse(text);
}

Status Verification::TakeCheckpoints() {
  GW_TRY(const std::vector<uint64_t> segments, SegmentsIn(options_.directory));
  GW_TRY(const std::string text, ReadWhole(options_.directory, kCheckpointsName));
  if (segments.empty() && text.empty()) {
    return Error{Code::kNotFound, "there is no access log in the directory", options_.directory};
  }
  GW_TRY(const VerifierKey verifier, TakeKey());
  TakeNotes(SplitNotes(text, verifier), verifier);
  if (!options_.checkpoint.empty()) {
    GW_RETURN_IF_ERROR(TakeGiven(verifier));
  }
  return {};
}

void Verification::TakeNotes(const NoteList& list, const VerifierKey& verifier) {
  const auto find = [this](std::string reason) {
    if (!note_finding_) {
      const uint64_t covered = heads_.empty() ? 0 : heads_.back().size;
      note_finding_ = Finding{covered, covered, std::move(reason)};
    }
  };
  for (size_t i = 0; i < list.notes.size(); ++i) {
    Result<Checkpoint> checkpoint = ParseCheckpoint(list.notes[i], verifier);
    if (!checkpoint) {
      find(Numbered("checkpoint", i, "was changed: " + checkpoint.error().detail));
    } else if (heads_.empty() ? checkpoint->size != 0 : checkpoint->size <= heads_.back().size) {
      find(Numbered("checkpoint", i, "does not follow the one before it"));
    } else {
      heads_.push_back(*std::move(checkpoint));
    }
  }
  if (list.damaged) {
    find(Numbered("checkpoint", list.notes.size(), "was changed: it has not the form of one"));
  } else if (list.notes.empty()) {
    find("the checkpoints are missing");
  }
  found_.torn_bytes += list.torn_bytes;
}

Status Verification::TakeGiven(const VerifierKey& verifier) {
  std::string_view note = options_.checkpoint;
  if (note.size() > 2 && note.substr(note.size() - 2) == "\n\n") {
    note.remove_suffix(1);  // as it stands in the file of checkpoints
  }
  Result<Checkpoint> given = ParseCheckpoint(note, verifier);
  if (!given) {
    Error error = std::move(given).error();
    error.where = "the given checkpoint";
    return error;
  }
  const auto place =
      std::upper_bound(heads_.begin(), heads_.end(), given->size,
                       [](uint64_t size, const Checkpoint& head) { return size < head.size; });
  heads_.insert(place, *std::move(given));
  return {};
}

Status Verification::WalkTo(uint64_t size) {
  for (; index_ < size && (entries_go_on_ || records_go_on_); ++index_) {
    LeafRecord seen;
    LeafRecord noted;
    GW_TRY(const bool has_entry, ReadEntry(&seen));
    GW_TRY(const bool has_record, ReadRecord(&noted));
    Compare(seen, has_entry, noted, has_record);
  }
  return {};
}

Result<bool> Verification::ReadEntry(LeafRecord* seen) {
  if (!entries_go_on_) {
    return false;
  }
  Frame frame;
  GW_TRY(const Cursor::Step step, cursor_->Next(&frame));
  if (step != Cursor::Step::kEntry) {
    entries_go_on_ = false;
    const bool by_end = step == Cursor::Step::kEnd || step == Cursor::Step::kCut;
    Part(by_end ? "the entry is missing or cut short" : cursor_->reason(), by_end);
    return false;
  }
  *seen = {LeafHash(frame.id.view(), frame.bytes), frame.id, cursor_->frame_offset(),
           static_cast<uint32_t>(frame.size - kFrameHeaderBytes)};
  ++found_.entries;
  return true;
}

Result<bool> Verification::ReadRecord(LeafRecord* noted) {
  if (!records_go_on_) {
    return false;
  }
  if (leaves_.at_end()) {
    records_go_on_ = false;
    Part("the leaf record of the entry is missing", true);
    return false;
  }
  GW_TRY(const std::optional<LeafRecord> record, leaves_.Next());
  if (!record) {
    records_go_on_ = false;
    found_.torn_bytes += kLeafRecordBytes;
    Part("the leaf record of the entry was changed");
    return false;
  }
  *noted = *record;
  return true;
}

void Verification::Compare(const LeafRecord& seen, bool has_entry, const LeafRecord& noted,
                           bool has_record) {
  const bool leaves_differ = has_entry != has_record || seen.leaf != noted.leaf;
  if (one_tree_ && leaves_differ) {
    record_tree_ = entry_tree_;
    one_tree_ = false;
  }
  if (has_entry && has_record && !(seen == noted)) {
    Part(leaves_differ ? "the entry differs from its leaf record"
                       : "the leaf record of the entry was changed");
  }
  if (has_entry) {
    entry_tree_.Append(seen.leaf);
  }
  if (has_record && !one_tree_) {
    record_tree_.Append(noted.leaf);
  }
}

void Verification::Part(std::string_view reason, bool by_end) {
  if (!parted_) {
    parted_ = index_;
    parted_by_end_ = by_end;
    parted_reason_ = std::string(reason);
  }
}

void Verification::CheckHead(const Checkpoint& head) {
  const Tree& record_tree = one_tree_ ? entry_tree_ : record_tree_;
  const bool entries_right = entry_tree_.size() == head.size && entry_tree_.Root() == head.root;
  const bool records_right = record_tree.size() == head.size && record_tree.Root() == head.root;
  if (entries_right && !parted_) {
    found_.covered = head.size;
    found_.root = head.root;
    ++found_.checkpoints;
    return;
  }
  const uint64_t last = head.size == 0 ? 0 : head.size - 1;
  if (parted_ && entries_right) {
    Find(*parted_, *parted_, "the leaf record of the entry was changed; the entry is good");
  } else if (parted_ && records_right) {
    Find(*parted_, *parted_, parted_reason_);
  } else if (parted_ && parted_by_end_ && !entries_go_on_ && !records_go_on_) {
    // Whether the last entries were taken or some before them, only the entries could have told.
    Find(found_.covered, last,
         "the log ends before its checkpoint, at entry " + std::to_string(*parted_));
  } else {
    // Neither is what was signed: some entry was changed together with its leaf record, at the
    // latest where the two part.
    Find(found_.covered, parted_.value_or(last), "entries and leaf records were changed alike");
  }
}

// What no checkpoint covers yet: entries must fit the leaf records that are there. A leaf record is
// written only after its entry is durable; the last frame alone may be cut short.
Status Verification::WalkUncovered() {
  for (;; ++index_) {
    Frame frame;
    GW_TRY(const Cursor::Step step, cursor_->Next(&frame));
    const bool last_record = !leaves_.at_end() && leaves_.at_last();
    LeafRecord noted;
    GW_TRY(const bool has_record, ReadRecord(&noted));
    if (step != Cursor::Step::kEntry) {
      const bool ends_early = step == Cursor::Step::kEnd || step == Cursor::Step::kCut;
      if (step == Cursor::Step::kMisplaced || (has_record && !(last_record && ends_early))) {
        Find(index_, index_, ends_early ? "the entry is missing" : cursor_->reason());
      } else if (has_record && step == Cursor::Step::kCut &&
                 cursor_->rest_bytes() >= noted.frame_size()) {
        Find(index_, index_, "the length of the entry was changed");
      } else {
        found_.torn_bytes += step == Cursor::Step::kEnd ? 0 : cursor_->rest_bytes();
        found_.torn_bytes += leaves_.bytes_left() + (has_record ? kLeafRecordBytes : 0);
      }
      return {};
    }
    ++found_.entries;
    const LeafRecord seen = {LeafHash(frame.id.view(), frame.bytes), frame.id,
                             cursor_->frame_offset(),
                             static_cast<uint32_t>(frame.size - kFrameHeaderBytes)};
    if (has_record && !(seen == noted)) {
      Find(index_, index_, "the entry differs from its leaf record");
      return {};
    }
  }
}

}  // namespace

std::string Finding::where() const {
  return exact() ? "entry " + std::to_string(first)
                 : "entries " + std::to_string(first) + " to " + std::to_string(last);
}

Result<Verified> VerifyDirectory(const VerifyOptions& options) {
  return Verification(options).Run();
}

}  // namespace gw::audit
