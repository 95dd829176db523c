// MLLP streams: whole and in pieces they give the same frames, and a frame reads back.
#include "gateway/hl7v2/mllp.h"

#include "tests/fuzz/fuzzing.h"

namespace {

std::vector<std::string> Frames(std::string_view bytes, size_t piece) {
  gw::Limits limits;
  limits.body_bytes_max = 64;
  gw::hl7v2::MllpDecoder decoder(limits);
  std::vector<std::string> frames;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    for (gw::hl7v2::MllpUnit& unit : decoder.Feed(bytes.substr(at, piece))) {
      if (unit.fault) {
        frames.push_back(std::move(unit.bytes));
      }
    }
    gw::fuzz::Require(decoder.held_bytes() <= limits.body_bytes_max, "what is held is bounded");
  }
  return frames;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = gw::fuzz::Text(data, size);
  if (bytes.empty()) {
    return 0;
  }
  const std::vector<std::string> whole = Frames(bytes, bytes.size());
  gw::fuzz::Require(whole == Frames(bytes, 1), "pieces of one byte give the same frames");
  gw::fuzz::Require(whole == Frames(bytes, 3), "pieces of three bytes give the same frames");
  for (const std::string& frame : whole) {
    const std::string framed = gw::hl7v2::MllpFrame(frame);
    gw::fuzz::Require(Frames(framed, framed.size()) == std::vector{frame}, "a frame reads back");
  }
  return 0;
}
