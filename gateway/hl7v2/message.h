#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/hl7v2/charset.h"

namespace gw::hl7v2 {

// Where something stands in a message, as ERR-2 says it: "PID[1]-3[2].4.1". Counting starts at 1; 0
// means "not so deep": the segment, or the whole field.
struct Location {
  std::string segment;  // "PID"
  uint32_t segment_repetition = 1;
  uint32_t field = 0;
  uint32_t repetition = 0;
  uint32_t component = 0;
  uint32_t subcomponent = 0;
  std::string ToString() const;  // "PID-3[2].4": first segment of its name, first repetition unsaid
  // Reads that form; nothing where the text is no location.
  static std::optional<Location> FromString(std::string_view text);
  auto operator<=>(const Location&) const = default;
};

struct Delimiters {
  char field = '|', component = '^', repetition = '~', escape = '\\', subcomponent = '&';
  char truncation = 0;  // '#' from 2.7 on; 0: none
};

// A remark on something that was accepted: wrong line ends, bytes that disagree with MSH-18, a BOM.
struct Warning {
  std::string text;  // the rule, never the value
  std::string where;
};

// A segment as it stands in the bytes. Fields count as HL7 counts them: MSH-1 is the field
// separator itself.
struct Segment {
  std::string_view name;  // "PID"
  std::span<const std::string_view>
      fields;           // fields[0] is field 1; raw, delimiters and escapes as sent
  uint32_t offset = 0;  // of its first byte in the message
};

struct ParseOptions {
  Limits limits;
  std::string default_charset =
      "UNICODE UTF-8";  // where MSH-18 is empty: the feed's, as table 0211 names it
};

// One HL7 v2 message: owns its bytes (as UTF-8), hands out views into them. Immutable; any thread.
// Tolerated with a warning: a BOM, LF or CRLF for CR, blank lines, trailing blanks, bytes that are
// not of MSH-18.
class Message {
 public:
  // Errors: kInvalid with where: no MSH ("MSH"), bad delimiters ("MSH-2"), a segment name that is
  // none, a message that ends inside a segment where that shows (hl7_code 100); an MSH-18 that is
  // not offered where it matters (hl7_code 103); kTooLarge past a bound of the limits.
  // A message whose last segment has no CR is whole unless that segment ends in a way that no
  // writer ends it: inside its name, an escape sequence, a UTF-8 character, or on a separator
  // within a field. What a cut at another place takes away, required segments and fields, is
  // missed when the message is read by its structure (map/v2/model.h).
  // Spec: HL7 v2.8.2 chapter 2, 2.5 to 2.8.
  static Result<Message> Parse(std::string bytes, const ParseOptions& options);
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();

  const Delimiters& delimiters() const;
  std::span<const Segment> segments() const;
  std::span<const Warning> warnings() const;
  // What its bytes were read as, whatever MSH-18 says, and whether a byte order mark was before
  // them: what an answer is to be written in.
  Charset charset() const;
  bool has_byte_order_mark() const;
  const Segment* Find(std::string_view segment_name, uint32_t repetition = 1) const;

  // Raw bytes at a place, empty where nothing stands.
  std::string_view Raw(const Location& location) const;
  // The same with escapes resolved (2.7), UTF-8.
  std::string Text(const Location& location) const;

  std::string_view message_code() const;   // MSH-9.1 "ADT"
  std::string_view trigger_event() const;  // MSH-9.2 "A01"; from EVN-1 where MSH-9 has none
  // MSH-9.3 "ADT_A01"; as the event implies where MSH-9.3 is empty or names no structure.
  std::string structure() const;
  std::string_view control_id() const;           // MSH-10
  std::string_view sending_application() const;  // MSH-3.1
  std::string_view sending_facility() const;     // MSH-4.1
  std::string_view processing_id() const;        // MSH-11.1
  std::string_view version() const;              // MSH-12.1

 private:
  struct Parts;
  explicit Message(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The sender as feeds name it, "MSH-3.1|MSH-4.1", of bytes whose character set is not known yet;
// empty where they begin with no MSH, or in UTF-16, which needs no name.
std::string SenderOf(std::string_view bytes);

// Resolves the escape sequences of one value: \F\ \S\ \T\ \R\ \E\ \P\ \X..\ \.br\ (a line feed); an
// unknown sequence or a lone escape character stays as it stands.
std::string Unescape(std::string_view raw, const Delimiters& delimiters);
// Escapes a text for these delimiters; CR and LF become \.br\ .
std::string Escape(std::string_view text, const Delimiters& delimiters);

}  // namespace gw::hl7v2
