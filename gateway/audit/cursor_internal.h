#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/file_internal.h"
#include "gateway/audit/frame_internal.h"
#include "gateway/base/result.h"

namespace gw::audit {

// The first index of each segment in a directory, ascending. kNotFound without the directory.
Result<std::vector<uint64_t>> SegmentsIn(const std::string& directory);

// Walks over the entries of a log, segment after segment.
class Cursor {
 public:
  enum class Step : uint8_t {
    kEntry,
    kEnd,        // behind the last whole frame of the last segment
    kCut,        // the last segment ends in the middle of a frame, or of its header
    kBroken,     // the bytes that stand here are no frame; see reason()
    kMisplaced,  // a segment begins here that should not; see reason()
  };

  Cursor(std::string directory, std::vector<uint64_t> segments)
      : directory_(std::move(directory)), segments_(std::move(segments)) {}

  // Goes to the entry `index`, which lies at `offset` of its segment. The offset is believed: what
  // is not there shows at the next step.
  Status Seek(uint64_t index, uint64_t offset);

  // Reads the entry at index(). Its bytes live until the next step. After kEntry, the cursor stands
  // behind it; after the others it stays.
  Result<Step> Next(Frame* frame);

  uint64_t index() const { return index_; }  // of the entry that Next() would read
  uint64_t segment() const { return current_ < segments_.size() ? segments_[current_] : 0; }
  uint64_t offset() const { return offset_; }              // in that segment
  uint64_t frame_offset() const { return frame_offset_; }  // of the entry read last
  uint64_t rest_bytes() const { return size_ - offset_; }  // of the segment, as it was at first
  const std::string& reason() const { return reason_; }

 private:
  Status OpenSegment(size_t number);
  Result<Step> CheckHeader(uint64_t first_index);
  Status Fill(size_t count);
  std::string_view Ahead() const;

  std::string directory_;
  std::vector<uint64_t> segments_;
  size_t current_ = 0;
  bool open_ = false;
  Step header_ = Step::kEntry;  // kEntry: the header of the segment is good
  File file_;
  uint64_t index_ = 0;
  uint64_t offset_ = 0;
  uint64_t frame_offset_ = 0;
  uint64_t size_ = 0;
  std::string buffer_;
  uint64_t buffer_offset_ = 0;  // of buffer_ in the segment
  std::string reason_;
};

}  // namespace gw::audit
