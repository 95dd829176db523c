#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"

namespace gw::hl7v2 {

// What came on a stream: a message, without VT, FS and CR; or, where the fault is set, bytes that
// are no whole frame, so that what was refused can be answered and kept like any other message.
struct MllpUnit {
  std::string bytes;  // of a frame past the limit its first 64 KiB
  Status fault;
};

// Splits one MLLP stream into units, in the order in which they came.
// `bytes` may end anywhere; a partial frame is kept for the next call. CR and LF between frames are
// passed over.
// Faults: kTooLarge past limits.body_bytes_max; kInvalid where a frame does not begin with VT, a VT
// stands inside a frame, or FS is not followed by CR. After a fault the decoder goes on at the next
// VT; what it passes over until then is one fault, told once.
// Spec: HL7 v2 Transport: MLLP release 1.
// Not thread-safe; one decoder per connection.
class MllpDecoder {
 public:
  explicit MllpDecoder(const Limits& limits) : limits_(limits) {}
  std::vector<MllpUnit> Feed(std::string_view bytes);
  bool in_frame() const { return in_frame_; }
  // After a fault, until the next VT: what comes now is not of a frame.
  bool is_lost() const { return is_lost_; }
  size_t held_bytes() const { return held_.size(); }
  // What came of a frame whose end will not come; the decoder is outside of any frame then.
  std::string TakeHeld();

 private:
  size_t TakeContent(std::string_view bytes, std::vector<MllpUnit>* units);
  void TakeControl(char byte, std::vector<MllpUnit>* units);
  void Refuse(Error error, std::string bytes, std::vector<MllpUnit>* units);

  Limits limits_;
  std::string held_;
  bool in_frame_ = false;
  bool after_end_ = false;
  bool is_lost_ = false;
};

// VT + message + FS + CR.
std::string MllpFrame(std::string_view message);

// The messages of a file: one message, a batch (FHS, BHS, BTS, FTS), an MLLP stream, or several
// messages one after the other, in UTF-16 too, behind blanks or a mark. Views into `text`. A VT or
// FS that begins or ends no frame is left in its message, and so is a text that begins a line with
// MSH, BTS or the like and has not the message's field separator behind it. Each a text in
// *warnings, once: a wrong count of a batch or file (BTS-1, FTS-1), a batch or file without its
// end, lines outside of any message. Errors: kInvalid where no MSH is found at all.
Result<std::vector<std::string_view>> SplitMessages(std::string_view text,
                                                    std::vector<std::string>* warnings);

}  // namespace gw::hl7v2
