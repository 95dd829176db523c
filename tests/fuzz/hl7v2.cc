// HL7 v2 files: split into messages, parsed, every field read and unescaped.
#include "gateway/hl7v2/message.h"
#include "gateway/hl7v2/mllp.h"
#include "tests/fuzz/fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gw;
  std::vector<std::string> warnings;
  const auto messages = hl7v2::SplitMessages(fuzz::Text(data, size), &warnings);
  if (!messages) {
    return 0;
  }
  for (const std::string_view bytes : *messages) {
    const auto message = hl7v2::Message::Parse(std::string(bytes), {});
    if (!message) {
      continue;
    }
    static_cast<void>(message->structure());
    for (const hl7v2::Segment& segment : message->segments()) {
      for (uint32_t field = 1; field <= segment.fields.size(); ++field) {
        const hl7v2::Location place{std::string(segment.name), 1, field, 1, 1, 1};
        static_cast<void>(message->Text(place));
        const std::string text = hl7v2::Unescape(segment.fields[field - 1], message->delimiters());
        static_cast<void>(hl7v2::Escape(text, message->delimiters()));
      }
    }
  }
  return 0;
}
