#include <algorithm>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/cursor_internal.h"

namespace gw::audit {
namespace {

constexpr size_t kFrameBytesMax = kFrameHeaderBytes + kIdBytes + kEntryBytesMax;
constexpr size_t kBufferBytes = 2 * kFrameBytesMax;

}  // namespace

Result<std::vector<uint64_t>> SegmentsIn(const std::string& directory) {
  GW_TRY(const std::vector<std::string> names, NamesIn(directory));
  std::vector<uint64_t> segments;
  for (const std::string& name : names) {
    if (const std::optional<uint64_t> first = FirstIndexOfName(name)) {
      segments.push_back(*first);
    }
  }
  return segments;  // the names are sorted and their numbers have one width
}

Status Cursor::OpenSegment(size_t number) {
  GW_TRY(file_, File::Open(directory_, SegmentName(segments_[number]), File::Mode::kRead));
  GW_TRY(size_, file_.Size());
  current_ = number;
  offset_ = kSegmentHeaderBytes;
  buffer_.clear();
  open_ = true;
  return {};
}

Status Cursor::Seek(uint64_t index, uint64_t offset) {
  const auto behind = std::upper_bound(segments_.begin(), segments_.end(), index);
  index_ = index;
  if (behind == segments_.begin()) {
    return {};  // no segment can hold it, which the next step finds
  }
  GW_RETURN_IF_ERROR(OpenSegment(static_cast<size_t>(behind - segments_.begin()) - 1));
  GW_TRY(header_, CheckHeader(segments_[current_]));
  if (header_ == Step::kEntry) {
    offset_ = offset;
  }
  return {};
}

// Whether the segment just opened begins as it must: its name and its header say `first_index`.
Result<Cursor::Step> Cursor::CheckHeader(uint64_t first_index) {
  std::string header;
  GW_RETURN_IF_ERROR(file_.ReadAt(0, kSegmentHeaderBytes, &header));
  const std::string expected = SegmentHeader(segments_[current_]);
  if (segments_[current_] == first_index && current_ + 1 == segments_.size() &&
      header.size() < expected.size() && expected.substr(0, header.size()) == header) {
    offset_ = 0;
    return Step::kCut;
  }
  if (segments_[current_] != first_index || header != expected) {
    reason_ = "the segment does not begin with this entry";
    return Step::kMisplaced;
  }
  return Step::kEntry;
}

std::string_view Cursor::Ahead() const {
  return std::string_view(buffer_).substr(static_cast<size_t>(offset_ - buffer_offset_));
}

// Has `count` bytes from offset_ on in the buffer, or all that the segment has.
Status Cursor::Fill(size_t count) {
  const bool inside = offset_ >= buffer_offset_ && offset_ <= buffer_offset_ + buffer_.size();
  const uint64_t wanted = std::min<uint64_t>(count, size_ - offset_);
  if (inside && buffer_offset_ + buffer_.size() - offset_ >= wanted) {
    return {};
  }
  buffer_offset_ = offset_;
  const uint64_t ahead = std::min<uint64_t>(kBufferBytes, size_ - offset_);
  return file_.ReadAt(offset_, static_cast<size_t>(ahead), &buffer_);
}

Result<Cursor::Step> Cursor::Next(Frame* frame) {
  while (!open_ || (offset_ == size_ && header_ == Step::kEntry)) {
    const size_t next = open_ ? current_ + 1 : 0;
    if (next == segments_.size()) {
      return Step::kEnd;
    }
    GW_RETURN_IF_ERROR(OpenSegment(next));
    GW_TRY(header_, CheckHeader(index_));
  }
  if (header_ != Step::kEntry) {
    return header_;
  }
  if (offset_ > size_) {
    reason_ = "the segment ends before this entry";
    return Step::kBroken;
  }
  GW_RETURN_IF_ERROR(Fill(kFrameBytesMax));
  switch (ReadFrame(Ahead(), frame)) {
    case FrameState::kWhole:
      frame_offset_ = offset_;
      offset_ += frame->size;
      ++index_;
      return Step::kEntry;
    case FrameState::kCut:
      if (current_ + 1 == segments_.size()) {
        return Step::kCut;
      }
      reason_ = "the segment ends within this entry";
      return Step::kBroken;
    default:
      reason_ = "the bytes of the entry do not fit their CRC";
      return Step::kBroken;
  }
}

}  // namespace gw::audit
