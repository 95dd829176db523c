#include <algorithm>
#include <utility>

#include "gateway/audit/cursor_internal.h"
#include "gateway/audit/log_files_internal.h"

namespace gw::audit {
namespace {

constexpr size_t kReadBytesMax = size_t{4} << 20;
constexpr uint64_t kRecordsAtOnce = 16'384;

Error Changed(uint64_t index) {
  return {Code::kUnavailable, "access log: the entry is not what was appended",
          "entry " + std::to_string(index)};
}

}  // namespace

Result<std::unique_ptr<LogFiles>> LogFiles::Open(const Options& options,
                                                 const VerifierKey& verifier, Instant now,
                                                 TornTail* torn, std::vector<Id>* recent) {
  GW_TRY(DirectoryLock lock, DirectoryLock::Take(options.directory));
  std::unique_ptr<LogFiles> files(new LogFiles(options, std::move(lock)));
  GW_TRY(Recovered recovered, Recover(options, verifier));
  if (recovered.fresh) {
    GW_RETURN_IF_ERROR(files->Make(verifier, now));
    return files;
  }
  *torn = recovered.torn;
  *recent = std::move(recovered.recent);
  GW_RETURN_IF_ERROR(files->TakeUp(std::move(recovered)));
  return files;
}

// A log without a checkpoint is no log, so the first one, over nothing, comes last: a crash before
// leaves what the next start makes anew.
Status LogFiles::Make(const VerifierKey& verifier, Instant now) {
  const std::string& directory = options_.directory;
  GW_TRY(File verifier_file, File::Open(directory, kVerifierName, File::Mode::kCreate));
  GW_RETURN_IF_ERROR(verifier_file.Truncate(0));
  GW_RETURN_IF_ERROR(verifier_file.WriteAt(0, verifier.Text() + "\n"));
  GW_RETURN_IF_ERROR(verifier_file.Sync());
  GW_TRY(leaves_, File::Open(directory, kLeavesName, File::Mode::kCreate));
  GW_TRY(checkpoints_, File::Open(directory, kCheckpointsName, File::Mode::kCreate));
  GW_RETURN_IF_ERROR(checkpoints_.Truncate(0));
  GW_RETURN_IF_ERROR(lock_.Sync());
  GW_TRY(Checkpoint first, SignCheckpoint(0, Tree().Root(), now, verifier, options_.key));
  return AppendCheckpoint(std::move(first));
}

Status LogFiles::TakeUp(Recovered recovered) {
  const std::string& directory = options_.directory;
  GW_TRY(leaves_, File::Open(directory, kLeavesName, File::Mode::kCreate));
  GW_TRY(checkpoints_, File::Open(directory, kCheckpointsName, File::Mode::kWrite));
  GW_RETURN_IF_ERROR(checkpoints_.Truncate(recovered.checkpoints_end));
  if (!recovered.segments.empty()) {
    GW_RETURN_IF_ERROR(TakeUpSegment(recovered.segments.back(), recovered.segment_end));
  }
  const uint64_t records_end = recovered.leaf_records * kLeafRecordBytes;
  GW_RETURN_IF_ERROR(leaves_.Truncate(records_end));
  GW_RETURN_IF_ERROR(leaves_.WriteAt(records_end, recovered.new_records));
  GW_RETURN_IF_ERROR(leaves_.Sync());
  GW_RETURN_IF_ERROR(checkpoints_.Sync());
  GW_RETURN_IF_ERROR(lock_.Sync());
  last_ = std::move(recovered.last);
  checkpoints_end_ = recovered.checkpoints_end;
  tree_ = std::move(recovered.tree);
  segments_ = std::move(recovered.segments);
  return {};
}

// Cuts the last segment at its good end, which may lie before the end of its header.
Status LogFiles::TakeUpSegment(uint64_t first_index, uint64_t good_end) {
  GW_TRY(segment_, File::Open(options_.directory, SegmentName(first_index), File::Mode::kWrite));
  GW_RETURN_IF_ERROR(segment_.Truncate(good_end));
  if (good_end < kSegmentHeaderBytes) {
    GW_RETURN_IF_ERROR(segment_.WriteAt(0, SegmentHeader(first_index)));
  }
  segment_end_ = std::max<uint64_t>(good_end, kSegmentHeaderBytes);
  return segment_.Sync();
}

Result<uint64_t> LogFiles::Append(std::span<const Prepared* const> batch) {
  GW_RETURN_IF_ERROR(Mend());
  if (segment_end_ == 0 || segment_end_ >= options_.segment_bytes) {
    GW_RETURN_IF_ERROR(BeginSegment());
  }
  if (Status written = WriteBatch(batch); !written) {
    half_written_ = true;
    static_cast<void>(Mend());  // at once if it can be; else before the next batch
    return std::move(written).error();
  }
  segment_end_ += frames_.size();
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t first = tree_.size();
  for (const Prepared* entry : batch) {
    tree_.Append(entry->leaf);
  }
  return first;
}

// Cuts back what a failed batch left. After a failed fdatasync the system may hold pages that it
// will not write again: cutting drops them, and the next batch is written anew.
Status LogFiles::Mend() {
  if (!half_written_) {
    return {};
  }
  GW_RETURN_IF_ERROR(segment_.Truncate(segment_end_));
  GW_RETURN_IF_ERROR(leaves_.Truncate(size() * kLeafRecordBytes));
  half_written_ = false;
  return {};
}

// What is in the last segment is durable before the next one gets its name.
Status LogFiles::BeginSegment() {
  const uint64_t first = size();
  GW_TRY(File file, File::Open(options_.directory, SegmentName(first), File::Mode::kCreate));
  GW_RETURN_IF_ERROR(file.Truncate(0));
  GW_RETURN_IF_ERROR(file.WriteAt(0, SegmentHeader(first)));
  GW_RETURN_IF_ERROR(file.Sync());
  GW_RETURN_IF_ERROR(lock_.Sync());
  segment_ = std::move(file);
  segment_end_ = kSegmentHeaderBytes;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (segments_.empty() || segments_.back() != first) {
    segments_.push_back(first);
  }
  return {};
}

// The leaf records come after the fdatasync and without one of their own: that a record is there
// says that its entry was durable, and a record that a crash took is made again from its entry.
Status LogFiles::WriteBatch(std::span<const Prepared* const> batch) {
  frames_.clear();
  records_.clear();
  for (const Prepared* entry : batch) {
    const LeafRecord record = {entry->leaf, entry->id, segment_end_ + frames_.size(),
                               static_cast<uint32_t>(entry->frame.size() - kFrameHeaderBytes)};
    frames_.append(entry->frame);
    AppendLeafRecord(record, &records_);
  }
  GW_RETURN_IF_ERROR(segment_.WriteAt(segment_end_, frames_));
  GW_RETURN_IF_ERROR(segment_.Sync());
  return leaves_.WriteAt(size() * kLeafRecordBytes, records_);
}

Result<std::vector<LeafRecord>> LogFiles::Records(uint64_t index, uint64_t count) const {
  std::string bytes;
  GW_RETURN_IF_ERROR(leaves_.ReadAt(index * kLeafRecordBytes,
                                    static_cast<size_t>(count * kLeafRecordBytes), &bytes));
  std::vector<LeafRecord> records;
  records.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(i * kLeafRecordBytes);
    const std::optional<LeafRecord> record =
        at + kLeafRecordBytes <= bytes.size()
            ? ReadLeafRecord(std::string_view(bytes).substr(at, kLeafRecordBytes))
            : std::nullopt;
    if (!record) {
      return Changed(index + i);
    }
    records.push_back(*record);
  }
  return records;
}

Result<LeafRecord> LogFiles::Record(uint64_t index) const {
  GW_TRY(const std::vector<LeafRecord> records, Records(index, 1));
  return records.front();
}

Result<std::vector<Stored>> LogFiles::Read(uint64_t index, uint32_t max) const {
  std::vector<uint64_t> segments;
  uint64_t durable = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    segments = segments_;
    durable = tree_.size();
  }
  std::vector<Stored> entries;
  const uint64_t count =
      std::min<uint64_t>({max, durable - std::min(index, durable), kRecordsAtOnce});
  GW_TRY(const std::vector<LeafRecord> records, Records(index, count));
  size_t bytes = 0;
  for (size_t start = 0; start < records.size() && bytes < kReadBytesMax;) {
    // A run is what lies together in one segment, within the bound.
    const auto next = std::upper_bound(segments.begin(), segments.end(), index + start);
    size_t end = start;
    while (end < records.size() && (next == segments.end() || index + end < *next) &&
           bytes < kReadBytesMax) {
      bytes += static_cast<size_t>(records[end].frame_size());
      ++end;
    }
    const std::span<const LeafRecord> run(records.data() + start, end - start);
    const uint64_t segment = next == segments.begin() ? 0 : *(next - 1);
    GW_TRY(const File file,
           File::Open(options_.directory, SegmentName(segment), File::Mode::kRead));
    GW_RETURN_IF_ERROR(ReadRun(file, index + start, run, &entries));
    start = end;
  }
  return entries;
}

Status LogFiles::ReadRun(const File& file, uint64_t first, std::span<const LeafRecord> records,
                         std::vector<Stored>* entries) const {
  const uint64_t start = records.front().offset;
  const uint64_t length = records.back().offset + records.back().frame_size() - start;
  if (length > kReadBytesMax + kFrameHeaderBytes + kIdBytes + kEntryBytesMax) {
    return Changed(first);
  }
  std::string bytes;
  GW_RETURN_IF_ERROR(file.ReadAt(start, static_cast<size_t>(length), &bytes));
  std::string_view rest = bytes;
  for (size_t i = 0; i < records.size(); ++i) {
    Frame frame;
    if (ReadFrame(rest, &frame) != FrameState::kWhole || !(frame.id == records[i].id) ||
        LeafHash(frame.id.view(), frame.bytes) != records[i].leaf) {
      return Changed(first + i);
    }
    entries->push_back({first + i, {FormatUuid(frame.id), std::string(frame.bytes)}});
    rest.remove_prefix(frame.size);
  }
  return {};
}

Status LogFiles::RemovePresent(std::unordered_set<Id, IdHash>* wanted) const {
  const uint64_t durable = size();
  for (uint64_t index = 0; index < durable && !wanted->empty(); index += kRecordsAtOnce) {
    GW_TRY(const std::vector<LeafRecord> records,
           Records(index, std::min(kRecordsAtOnce, durable - index)));
    for (const LeafRecord& record : records) {
      wanted->erase(record.id);
    }
  }
  return {};
}

LogFiles::TreeHead LogFiles::Head() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {tree_.size(), tree_.Root()};
}

uint64_t LogFiles::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tree_.size();
}

Status LogFiles::AppendCheckpoint(Checkpoint checkpoint) {
  const std::string text = checkpoint.signed_note + "\n";
  GW_RETURN_IF_ERROR(leaves_.Sync());
  // A note that failed before may still lie there in part.
  GW_RETURN_IF_ERROR(checkpoints_.Truncate(checkpoints_end_));
  GW_RETURN_IF_ERROR(checkpoints_.WriteAt(checkpoints_end_, text));
  GW_RETURN_IF_ERROR(checkpoints_.Sync());
  checkpoints_end_ += text.size();
  last_ = std::move(checkpoint);
  return {};
}

}  // namespace gw::audit
