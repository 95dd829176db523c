#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"

namespace gw::hl7v2 {

// Splits one MLLP stream into messages.
// `bytes` may end anywhere; a partial frame is kept for the next call. Appends whole messages,
// without VT, FS and CR, to *frames; frames before and after a fault in the same bytes are still
// delivered, and the first fault is returned. CR and LF between frames are passed over.
// Errors: kTooLarge past limits.body_bytes_max; kInvalid where a frame does not begin with VT, a VT
// stands inside a frame, or FS is not followed by CR. At a fault the decoder drops what it held and
// goes on at the next VT; what it passes over until then is one fault, told once.
// Spec: HL7 v2 Transport: MLLP release 1.
// Not thread-safe; one decoder per connection.
class MllpDecoder {
 public:
  explicit MllpDecoder(const Limits& limits) : limits_(limits) {}
  Status Feed(std::string_view bytes, std::vector<std::string>* frames);
  bool in_frame() const { return in_frame_; }
  size_t held_bytes() const { return held_.size(); }

 private:
  size_t TakeContent(std::string_view bytes, Status* fault);
  void TakeControl(char byte, std::vector<std::string>* frames, Status* fault);
  void Refuse(Error error, Status* fault);

  Limits limits_;
  std::string held_;
  bool in_frame_ = false;
  bool after_end_ = false;
  bool passing_over_ = false;  // after a fault, until the next VT
};

// VT + message + FS + CR.
std::string MllpFrame(std::string_view message);

// The messages of a file: one message, a batch (FHS, BHS, BTS, FTS), an MLLP stream, or several
// messages one after the other, in UTF-16 too. Views into `text`. Each a text in *warnings: a wrong
// count of a batch or file (BTS-1, FTS-1), a batch or file without its end, lines outside of any
// message. Errors: kInvalid where no MSH is found at all.
Result<std::vector<std::string_view>> SplitMessages(std::string_view text,
                                                    std::vector<std::string>* warnings);

}  // namespace gw::hl7v2
