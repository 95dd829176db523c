#include "gateway/hl7v2/mllp.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/hl7v2/charset.h"

namespace gw::hl7v2 {
namespace {

constexpr char kStart = '\x0B';  // VT
constexpr char kEnd = '\x1C';    // FS
constexpr char kReturn = '\r';   // after FS
constexpr std::string_view kFrameBytes = "\x0B\x1C";
constexpr size_t kKeptOfTooLarge = size_t{64} * 1024;

Error FrameError(const char* rule) { return Error{Code::kInvalid, rule, "MLLP frame"}; }

}  // namespace

void MllpDecoder::Refuse(Error error, std::string bytes, std::vector<MllpUnit>* units) {
  held_.clear();
  in_frame_ = false;
  after_end_ = false;
  if (!std::exchange(is_lost_, true)) {
    units->push_back({std::move(bytes), std::move(error)});
  }
}

// Takes what stands before the next VT or FS; returns how much that was.
size_t MllpDecoder::TakeContent(std::string_view bytes, std::vector<MllpUnit>* units) {
  const std::string_view content = bytes.substr(0, bytes.find_first_of(kFrameBytes));
  if (in_frame_) {
    if (held_.size() + content.size() > limits_.body_bytes_max) {
      held_.append(content.substr(0, kKeptOfTooLarge - std::min(kKeptOfTooLarge, held_.size())));
      held_.resize(std::min(held_.size(), kKeptOfTooLarge));
      Refuse(Error{Code::kTooLarge, "a frame larger than the limit", "MLLP frame"},
             std::move(held_), units);
    } else {
      held_.append(content);
    }
  } else if (content.find_first_not_of("\r\n") != content.npos) {
    Refuse(FrameError("bytes outside a frame: it does not begin with VT"), std::string(content),
           units);
  }
  return content.size();
}

void MllpDecoder::TakeControl(char byte, std::vector<MllpUnit>* units) {
  if (after_end_) {
    after_end_ = false;
    if (byte == kReturn) {
      in_frame_ = false;
      units->push_back({std::exchange(held_, {}), {}});
      return;
    }
    Refuse(FrameError("FS is not followed by CR"), std::move(held_), units);
  }
  if (byte == kStart) {
    if (in_frame_) {
      Refuse(FrameError("VT inside a frame: the one before has no end"), std::move(held_), units);
    }
    in_frame_ = true;
    is_lost_ = false;
  } else if (byte == kEnd && in_frame_) {
    after_end_ = true;
  } else {
    Refuse(FrameError("bytes outside a frame: it does not begin with VT"), std::string(1, byte),
           units);
  }
}

std::string MllpDecoder::TakeHeld() {
  in_frame_ = false;
  after_end_ = false;
  return std::exchange(held_, {});
}

std::vector<MllpUnit> MllpDecoder::Feed(std::string_view bytes) {
  std::vector<MllpUnit> units;
  while (!bytes.empty()) {
    size_t taken = after_end_ ? 0 : TakeContent(bytes, &units);
    if (taken == 0) {
      TakeControl(bytes[0], &units);
      taken = 1;
    }
    bytes.remove_prefix(taken);
  }
  return units;
}

std::string MllpFrame(std::string_view message) {
  std::string frame;
  frame.reserve(message.size() + 3);
  frame.push_back(kStart);
  frame.append(message);
  frame.push_back(kEnd);
  frame.push_back(kReturn);
  return frame;
}

namespace {

constexpr std::string_view kBlanks = " \t\x0B\x1C\xEF\xBB\xBF";  // a mark is none of a message too
constexpr std::string_view kLineEnds = "\r\n";

// The lines that begin and end messages, batches and files.
enum class Header : uint8_t { kNone, kMessage, kFile, kBatch, kBatchEnd, kFileEnd };

Header HeaderNamed(std::string_view name) {
  return name == "MSH"   ? Header::kMessage
         : name == "FHS" ? Header::kFile
         : name == "BHS" ? Header::kBatch
         : name == "BTS" ? Header::kBatchEnd
         : name == "FTS" ? Header::kFileEnd
                         : Header::kNone;
}

bool IsPunctuation(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return c > ' ' && c < 0x7F && !is_letter && c != '"';
}

// Are what separates and encodes told as a header tells them: "MSH|^~\\&|"?
bool NamesItsMarks(std::string_view line) {
  constexpr size_t kMarksMax = 5;
  const std::string_view marks = line.substr(4, kMarksMax + 1);
  const size_t end = std::min(marks.find(line[3]), marks.find_first_of(kLineEnds));
  return end > 0 && end <= kMarksMax &&
         std::all_of(marks.begin(), marks.begin() + static_cast<ptrdiff_t>(end), IsPunctuation);
}

// Walks a file line by line and gathers its messages. A VT begins a line where a header follows,
// and an FS ends one where a frame may end; anywhere else both are part of a text.
class FileSplitter {
 public:
  FileSplitter(std::string_view text, std::vector<std::string>* warnings)
      : text_(text), warnings_(warnings) {}

  std::vector<std::string_view> Run() {
    size_t at = 0;
    while (at < text_.size()) {
      if (begin_ == kNone) {  // blanks before a message are no part of it
        at = std::min(text_.find_first_not_of(kBlanks, at), text_.size());
      }
      const Header header = HeaderOf(text_.substr(at));
      Begin(header, at);
      const size_t end = LineEnd(at);
      Check(header, text_.substr(at, end - at));
      if (end < text_.size() && kFrameBytes.find(text_[end]) != kNone) {
        Close(end);
      }
      at = end + 1;
    }
    EndFile(text_.size());
    return std::move(messages_);
  }

 private:
  static constexpr size_t kNone = std::string_view::npos;

  size_t LineEnd(size_t at) const {
    constexpr std::string_view kEnds = "\r\n\x0B\x1C";
    size_t end = text_.find_first_of(kEnds, at);
    while (end != kNone && !EndsLine(end)) {
      end = text_.find_first_of(kEnds, end + 1);
    }
    return std::min(end, text_.size());
  }

  bool EndsLine(size_t at) const {
    if (text_[at] == kStart) {
      return begin_ == kNone || HeaderOf(text_.substr(at + 1)) != Header::kNone;
    }
    return text_[at] != kEnd || begin_ == kNone || EndsFrame(at);
  }

  // Does this FS end the open message? Of one that came in a frame a line end stands before or
  // behind it, and behind any message the next one, or nothing.
  bool EndsFrame(size_t at) const {
    const size_t next = std::min(text_.find_first_not_of(kLineEnds, at + 1), text_.size());
    const bool is_framed = begin_ > 0 && text_[begin_ - 1] == kStart;
    const bool has_line_end = next > at + 1 || kLineEnds.find(text_[at - 1]) != kNone;
    return (is_framed && has_line_end) || next == text_.size() || text_[next] == kStart ||
           HeaderOf(text_.substr(next)) != Header::kNone;
  }

  // What begins here. In a message, a batch or a file it has their field separator, or names its
  // own marks; else it is a text that only looks like it.
  Header HeaderOf(std::string_view line) const {
    if (line.size() < 4 || !IsPunctuation(line[3])) {
      return Header::kNone;
    }
    const Header header = HeaderNamed(line.substr(0, 3));
    const bool is_end = header == Header::kBatchEnd || header == Header::kFileEnd;
    const bool is_known =
        (separator_ == 0 && of_batch_ == 0) || line[3] == separator_ || line[3] == of_batch_;
    return is_known || (!is_end && NamesItsMarks(line)) ? header : Header::kNone;
  }

  void Begin(Header header, size_t at) {
    if (header == Header::kNone) {
      return;
    }
    const bool begins_batch = header == Header::kFile || header == Header::kBatch;
    (begins_batch ? of_batch_ : separator_) = text_[at + 3];
    if (header == Header::kMessage) {
      Close(at);
      begin_ = at;
      ++in_batch_;
    } else if (header == Header::kFile) {
      EndFile(at);
      in_file_ = true;
      in_batch_ = batches_ = 0;
    } else if (header == Header::kBatch) {
      EndBatch(at);
      batch_is_open_ = true;
      in_batch_ = 0;
      ++batches_;
    } else if (header == Header::kBatchEnd) {
      Close(at);
      batch_is_open_ = false;
    } else {
      EndBatch(at);
      in_file_ = false;
    }
  }

  // What a line says of the messages before it, and whether it is of any.
  void Check(Header header, std::string_view line) {
    if (header == Header::kBatchEnd) {
      Compare(line, in_batch_, "BTS-1 does not count the messages of its batch");
    } else if (header == Header::kFileEnd) {
      Compare(line, batches_, "FTS-1 does not count the batches of its file");
    } else if (header == Header::kNone && begin_ == kNone && !line.empty()) {
      Warn("a line outside of any message was left out");
    }
  }

  // Is the end of what was begun still to come, messages may have been lost with it.
  void EndBatch(size_t at) {
    Close(at);
    if (std::exchange(batch_is_open_, false)) {
      Warn("a batch without its end (BTS): it may be cut off");
    }
  }
  void EndFile(size_t at) {
    EndBatch(at);
    if (std::exchange(in_file_, false)) {
      Warn("a file without its end (FTS): it may be cut off");
    }
  }

  // Each once, however often a hostile file earns it.
  void Warn(std::string_view warning) {
    if (std::find(warnings_->begin(), warnings_->end(), warning) == warnings_->end()) {
      warnings_->emplace_back(warning);
    }
  }

  // Ends the open message before `at`.
  void Close(size_t at) {
    if (begin_ != kNone) {
      messages_.push_back(text_.substr(begin_, at - begin_));
      begin_ = kNone;
    }
  }

  void Compare(std::string_view line, uint32_t counted, const char* warning) {
    std::string_view digits = line.substr(4);
    digits = digits.substr(0, digits.find(line[3]));
    uint32_t said = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), said);
    const bool whole = fault == std::errc{} && end == digits.data() + digits.size();
    if (!digits.empty() && (!whole || said != counted)) {
      Warn(warning);
    }
  }

  std::string_view text_;
  std::vector<std::string>* warnings_;
  std::vector<std::string_view> messages_;
  size_t begin_ = kNone;
  char separator_ = 0;  // of the last message
  char of_batch_ = 0;   // of the last header of a batch or file
  uint32_t in_batch_ = 0;
  uint32_t batches_ = 0;
  bool batch_is_open_ = false;
  bool in_file_ = false;
};

// A text in UTF-16 with one character for each code unit: where messages begin and end is ASCII.
std::string UnitsOf(std::string_view text, Charset charset) {
  std::string units;
  units.reserve(text.size() / 2);
  const size_t low = charset == Charset::kUtf16Le ? 0 : 1;
  for (size_t at = 0; at + 1 < text.size(); at += 2) {
    const bool is_ascii = text[at + 1 - low] == 0 && static_cast<uint8_t>(text[at + low]) < 0x80;
    units.push_back(is_ascii ? text[at + low] : '?');
  }
  return units;
}

// The messages of a file in UTF-16. One alone is the file as it is, its mark with it.
std::vector<std::string_view> SplitUtf16(std::string_view text, Charset charset,
                                         std::vector<std::string>* warnings) {
  const std::string units = UnitsOf(text, charset);
  // The mark, which is no ASCII, stands before the first line.
  const size_t mark = units.starts_with('?') ? 1 : 0;
  const std::string_view lines = std::string_view(units).substr(mark);
  std::vector<std::string_view> messages = FileSplitter(lines, warnings).Run();
  if (messages.size() == 1 && messages.front() == lines) {
    return {text};
  }
  for (std::string_view& message : messages) {
    const auto begin = static_cast<size_t>(message.data() - units.data());
    message = text.substr(2 * begin, 2 * message.size());
  }
  return messages;
}

}  // namespace

Result<std::vector<std::string_view>> SplitMessages(std::string_view text,
                                                    std::vector<std::string>* warnings) {
  const auto utf16 = Utf16OfMessages(text);
  if (!utf16 && text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
    warnings->emplace_back("a byte order mark before the first message");
  }
  std::vector<std::string_view> messages =
      utf16 ? SplitUtf16(text, *utf16, warnings) : FileSplitter(text, warnings).Run();
  if (messages.empty()) {
    return Error{Code::kInvalid, "no MSH segment in the file", "MSH",
                 hl7_code::kSegmentSequenceError};
  }
  return messages;
}

}  // namespace gw::hl7v2
