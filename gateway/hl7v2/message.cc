#include "gateway/hl7v2/message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/base/utf8.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/hl7v2/structures.h"

namespace gw::hl7v2 {

struct Message::Parts {
  std::string bytes;  // UTF-8; every view below points into it
  Delimiters delimiters;
  std::vector<std::string_view> fields;  // of all segments, one after the other
  std::vector<Segment> segments;
  std::vector<Warning> warnings;
  Charset charset = Charset::kUtf8;
  bool has_byte_order_mark = false;
  std::string_view message_code, trigger_event, control_id, sending_application, sending_facility,
      processing_id, version;
  std::string structure;
};

namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

Error Invalid(std::string detail, std::string where, int hl7_code) {
  return Error{Code::kInvalid, std::move(detail), std::move(where), hl7_code};
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsUpperOrDigit(char c) { return IsUpper(c) || (c >= '0' && c <= '9'); }

// Characters that may separate: printable ASCII that is no letter, digit, quote or blank. The quote
// is kept out since "" is the null value.
bool IsDelimiter(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || IsUpperOrDigit(c);
  return c > ' ' && c < 0x7F && !letter && c != '"';
}

bool BeginsSegment(std::string_view text, char field) {
  return text.size() >= 4 && IsUpper(text[0]) && IsUpperOrDigit(text[1]) &&
         IsUpperOrDigit(text[2]) && text[3] == field;
}

std::string_view Line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

// The index-th part, from 1, of a text that `separator` divides; empty where there is none.
std::string_view Part(std::string_view text, char separator, uint32_t index) {
  while (index > 1) {
    const size_t end = separator != 0 ? text.find(separator) : text.npos;
    if (end == text.npos) {
      return {};
    }
    text.remove_prefix(end + 1);
    --index;
  }
  return separator != 0 ? text.substr(0, text.find(separator)) : text;
}

// Reads MSH-1 and MSH-2. A character that MSH-2 leaves out separates nothing.
Result<Delimiters> ReadDelimiters(std::string_view text) {
  if (!text.starts_with("MSH") || text.size() < 5) {
    return Invalid("the message does not begin with an MSH segment", "MSH",
                   hl7_code::kSegmentSequenceError);
  }
  Delimiters found;
  found.field = text[3];
  if (!IsDelimiter(found.field)) {
    return Invalid("the field separator is none", "MSH-1", hl7_code::kDataTypeError);
  }
  const std::string_view line = Line(text.substr(4));
  const std::string_view characters = line.substr(0, line.find(found.field));
  const std::array<char*, 5> places = {&found.component, &found.repetition, &found.escape,
                                       &found.subcomponent, &found.truncation};
  if (characters.empty() || characters.size() > places.size()) {
    return Invalid("one to five encoding characters are needed", "MSH-2", hl7_code::kDataTypeError);
  }
  for (size_t i = 0; i < places.size(); ++i) {
    *places[i] = i < characters.size() ? characters[i] : '\0';
    if (i < characters.size() &&
        (!IsDelimiter(characters[i]) || characters.find(characters[i]) != i)) {
      return Invalid("encoding characters are punctuation, each another one", "MSH-2",
                     hl7_code::kDataTypeError);
    }
  }
  return found;
}

// Bytes that no text has: NUL is refused, since it shows a wrong encoding; other control characters
// become blanks.
Status CleanControls(std::string* bytes, std::vector<Warning>* warnings) {
  uint32_t seen = 0;
  for (const char c : *bytes) {
    const bool control = static_cast<uint8_t>(c) < 0x20 && !IsBlank(c);
    seen |= control ? 1U : 0U;
  }
  if (seen == 0) {
    return {};
  }
  if (bytes->find('\0') != std::string::npos) {
    return Invalid("a NUL byte in the message", "MSH", hl7_code::kDataTypeError);
  }
  for (char& c : *bytes) {
    c = static_cast<uint8_t>(c) < 0x20 && !IsBlank(c) ? ' ' : c;
  }
  warnings->push_back({"control characters were replaced by blanks", ""});
  return {};
}

// Does the text end inside a UTF-8 character, and is it well formed before that?
bool EndsInsideCharacter(std::string_view bytes) {
  const size_t valid = ValidUtf8Prefix(bytes);
  const size_t left = bytes.size() - valid;
  if (left == 0 || left > 3) {
    return false;
  }
  const auto lead = static_cast<uint8_t>(bytes[valid]);
  const size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  const std::string_view tail = bytes.substr(valid + 1);
  return needed > left && std::all_of(tail.begin(), tail.end(), [](char c) {
           return (static_cast<uint8_t>(c) & 0xC0U) == 0x80U;
         });
}

// Sets that ISO 2022 escapes switch between are not read: each name of MSH-18 is one that is
// offered, and they are all the same, or what stands behind an escape is another text.
Status CheckEscapes(std::string_view text, std::string_view names, char repetition, Charset used) {
  if (text.find('\x1B') == text.npos) {
    return {};
  }
  while (!names.empty()) {
    const std::string_view name = Part(names, repetition, 1);
    if (!name.empty() && CharsetNamed(name) != used) {
      return Invalid("character sets that escape sequences switch between are not offered",
                     "MSH-18", hl7_code::kTableValueNotFound);
    }
    names.remove_prefix(std::min(name.size() + 1, names.size()));
  }
  return {};
}

Status Decode(std::string* bytes, const ParseOptions& options, Charset* read_as,
              std::vector<Warning>* warnings) {
  const auto utf16 = Utf16OfMessages(*bytes);
  if (utf16) {
    *read_as = *utf16;
    Decoded decoded = DecodeLenient(std::move(*bytes), *utf16);
    *bytes = std::move(decoded.text);
    if (!decoded.disagreement.empty()) {
      warnings->push_back({std::string(decoded.disagreement), "MSH-18"});
    }
  }
  if (bytes->starts_with(kUtf8Mark)) {
    bytes->erase(0, kUtf8Mark.size());
    warnings->push_back({"a byte order mark before the message", "MSH"});
  }
  const size_t start = bytes->find_first_not_of(" \t\r\n");
  const std::string_view text = std::string_view(*bytes).substr(std::min(start, bytes->size()));
  GW_TRY(const Delimiters delimiters, ReadDelimiters(text));
  // MSH-1 is the separator itself, so MSH-18 is the eighteenth part of the line.
  const std::string_view names = Part(Line(text), delimiters.field, 18);
  const std::string_view name = Part(names, delimiters.repetition, 1);
  const auto charset = CharsetNamed(name.empty() ? options.default_charset : name);
  const bool utf16_label =
      charset == Charset::kUtf16 || charset == Charset::kUtf16Le || charset == Charset::kUtf16Be;
  if (utf16_label && !utf16) {  // it cannot be true of one-byte separators
    warnings->push_back({"bytes disagree with the character set; read as UTF-8", "MSH-18"});
  }
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c) < 0x80 && c != '\x1B';
  });
  if (ascii) {
    *read_as = utf16 ? *utf16 : utf16_label ? Charset::kUtf8 : charset.value_or(Charset::kUtf8);
    return {};
  }
  if (!charset) {
    return Invalid("a character set that is not offered", "MSH-18", hl7_code::kTableValueNotFound);
  }
  GW_RETURN_IF_ERROR(CheckEscapes(text, names, delimiters.repetition, *charset));
  if (*charset == Charset::kUtf8 && EndsInsideCharacter(*bytes)) {
    return Invalid("the message ends inside a character", "", hl7_code::kSegmentSequenceError);
  }
  Decoded decoded = DecodeLenient(std::move(*bytes), utf16_label ? Charset::kUtf8 : *charset);
  *bytes = std::move(decoded.text);
  *read_as = utf16.value_or(decoded.charset);
  if (!decoded.disagreement.empty()) {
    warnings->push_back({std::string(decoded.disagreement), "MSH-18"});
  }
  return {};
}

// Divides the bytes into segments and fields in one pass.
class Splitter {
 public:
  Splitter(std::string_view text, const Delimiters& delimiters, const Limits& limits)
      : text_(text), delimiters_(delimiters), limits_(limits) {
    const std::string_view first = Line(text.substr(text.find_first_not_of(" \t\r\n")));
    const auto end = static_cast<size_t>(first.data() - text.data()) + first.size();
    lf_ends_segments_ = end < text.size() && text[end] == '\n';
    last_character_ = text.find_last_not_of(" \t\r\n");
    fields_.reserve(text.size() / 6 + 32);
    segments_.reserve(text.size() / 64 + 8);
  }

  Status Run() {
    size_t at = 0;
    while (at < text_.size()) {
      if (IsBlank(text_[at])) {
        at = SkipBlankLine(at);
        continue;
      }
      GW_TRY(at, ReadSegment(at));
    }
    return CheckEnd();
  }

  void Take(std::vector<std::string_view>* fields, std::vector<Segment>* segments,
            std::vector<Warning>* warnings) {
    for (size_t i = 0; i < segments_.size(); ++i) {
      const size_t end = i + 1 < first_field_.size() ? first_field_[i + 1] : fields_.size();
      segments_[i].fields = std::span(fields_).subspan(first_field_[i], end - first_field_[i]);
    }
    *fields = std::move(fields_);  // the spans stay true: a moved vector keeps its buffer
    *segments = std::move(segments_);
    if (lf_ends_segments_ || lf_seen_) {
      warnings->push_back({"segments end with a line feed instead of a carriage return", ""});
    }
    if (blank_lines_seen_) {
      warnings->push_back({"blank lines or blanks between segments", ""});
    }
  }

 private:
  size_t SkipBlankLine(size_t at) {
    // The line feed of CR LF is no blank line.
    if (text_[at] == '\n' && at > 0 && text_[at - 1] == '\r') {
      lf_seen_ = true;
    } else {
      blank_lines_seen_ = true;
    }
    return at + 1;
  }

  Error AfterLast(std::string detail) const {
    return Invalid(std::move(detail), PlaceOfLast(), hl7_code::kSegmentSequenceError);
  }

  std::string PlaceOfLast() const {
    if (segments_.empty()) {
      return "MSH";
    }
    Location place;
    place.segment = segments_.back().name;
    place.segment_repetition = static_cast<uint32_t>(
        std::count_if(segments_.begin(), segments_.end(),
                      [&](const Segment& s) { return s.name == segments_.back().name; }));
    return place.ToString();
  }

  bool EndsSegment(size_t at) const {
    const char c = text_[at];
    if (c == '\r') {
      return true;
    }
    // In a message with CR, a line feed is part of a text unless a segment begins after it.
    return c == '\n' && (lf_ends_segments_ || at > last_character_ ||
                         BeginsSegment(text_.substr(at + 1), delimiters_.field));
  }

  Result<size_t> ReadSegment(size_t begin) {
    if (segments_.size() == limits_.v2_segments_max) {
      return Error{Code::kTooLarge, "more segments than the limit", PlaceOfLast()};
    }
    const bool named = text_.size() - begin >= 3 && IsUpper(text_[begin]) &&
                       IsUpperOrDigit(text_[begin + 1]) && IsUpperOrDigit(text_[begin + 2]);
    const size_t after_name = begin + 3;
    if (!named || (after_name < text_.size() && text_[after_name] != delimiters_.field &&
                   !EndsSegment(after_name))) {
      return AfterLast("after this segment stands no segment name");
    }
    const std::string_view name = text_.substr(begin, 3);
    if ((name == "MSH") != segments_.empty()) {
      return AfterLast(name == "MSH" ? "a second MSH segment in one message"
                                     : "the message does not begin with an MSH segment");
    }
    segments_.push_back(Segment{name, {}, static_cast<uint32_t>(begin)});
    first_field_.push_back(fields_.size());
    if (name == "MSH") {
      fields_.push_back(text_.substr(after_name, 1));
    }
    return ReadFields(after_name);
  }

  Result<size_t> ReadFields(size_t at) {
    while (at < text_.size() && text_[at] == delimiters_.field) {
      const size_t begin = at + 1;
      at = begin;
      while (at < text_.size() && text_[at] != delimiters_.field &&
             (static_cast<uint8_t>(text_[at]) >= 0x20 || !EndsSegment(at))) {
        ++at;
      }
      if (fields_.size() - first_field_.back() == limits_.v2_fields_max) {
        return Error{Code::kTooLarge, "more fields than the limit", PlaceOfLast()};
      }
      fields_.push_back(text_.substr(begin, at - begin));
    }
    terminated_ = at < text_.size();
    lf_seen_ = lf_seen_ || (terminated_ && text_[at] == '\n');
    return std::min(at + 1, text_.size());
  }

  // The rule of message.h for a message whose last segment has no end.
  Status CheckEnd() const {
    if (terminated_) {
      return {};
    }
    const bool bare_name = fields_.size() == first_field_.back();
    const std::string_view last = bare_name ? std::string_view{} : fields_.back();
    const bool is_encoding_characters = fields_.size() <= 2;
    const char end = last.empty() ? '\0' : last.back();
    const bool on_separator =
        end != 0 && (end == delimiters_.component || end == delimiters_.repetition ||
                     end == delimiters_.subcomponent);
    if (bare_name || is_encoding_characters || on_separator || EndsInsideEscape(last)) {
      return AfterLast("the message ends inside this segment");
    }
    return {};
  }

  // An escape sequence that is open at the end: an escape character that none follows, with at most
  // the beginning of a short sequence after it.
  bool EndsInsideEscape(std::string_view last) const {
    const auto escapes = std::count(last.begin(), last.end(), delimiters_.escape);
    if (delimiters_.escape == 0 || escapes % 2 == 0) {
      return false;
    }
    return last.size() - last.rfind(delimiters_.escape) <= 3;
  }

  std::string_view text_;
  Delimiters delimiters_;
  const Limits& limits_;
  std::vector<std::string_view> fields_;
  std::vector<Segment> segments_;
  std::vector<size_t> first_field_;  // of each segment, in fields_
  size_t last_character_ = 0;        // that is no blank
  bool lf_ends_segments_ = false;
  bool lf_seen_ = false;
  bool blank_lines_seen_ = false;
  bool terminated_ = false;
};

}  // namespace

Message::Message(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Result<Message> Message::Parse(std::string bytes, const ParseOptions& options) {
  if (bytes.size() > options.limits.body_bytes_max) {
    return Error{Code::kTooLarge, "the message is larger than the limit", "MSH"};
  }
  auto parts = std::make_unique<Parts>();
  parts->has_byte_order_mark = bytes.starts_with("\xEF\xBB\xBF") || bytes.starts_with("\xFF\xFE") ||
                               bytes.starts_with("\xFE\xFF");
  GW_RETURN_IF_ERROR(Decode(&bytes, options, &parts->charset, &parts->warnings));
  GW_RETURN_IF_ERROR(CleanControls(&bytes, &parts->warnings));
  parts->bytes = std::move(bytes);
  const std::string_view text = parts->bytes;
  GW_TRY(parts->delimiters, ReadDelimiters(text.substr(text.find_first_not_of(" \t\r\n"))));
  Splitter splitter(text, parts->delimiters, options.limits);
  GW_RETURN_IF_ERROR(splitter.Run());
  splitter.Take(&parts->fields, &parts->segments, &parts->warnings);

  Message message(std::move(parts));
  const auto msh = [&](uint32_t field, uint32_t component) {
    return message.Raw(Location{"MSH", 1, field, 1, component, 0});
  };
  Parts& out = *message.parts_;
  out.sending_application = msh(3, 1);
  out.sending_facility = msh(4, 1);
  out.message_code = msh(9, 1);
  out.trigger_event = msh(9, 2);
  out.control_id = msh(10, 0);
  out.processing_id = msh(11, 1);
  out.version = msh(12, 1);
  if (out.trigger_event.empty()) {
    out.trigger_event = message.Raw(Location{"EVN", 1, 1, 1, 1, 0});
  }
  const std::string_view named = msh(9, 3);
  const std::string_view implied = ImpliedStructure(out.message_code, out.trigger_event);
  if (!implied.empty() && !IsImpliedStructure(named)) {
    out.structure = implied;
  } else if (!named.empty()) {
    out.structure = named;
  } else {
    out.structure.append(out.message_code).append("_").append(out.trigger_event);
  }
  return message;
}

std::string SenderOf(std::string_view bytes) {
  bytes.remove_prefix(bytes.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  const auto delimiters = ReadDelimiters(bytes);
  if (!delimiters) {
    return {};
  }
  const auto name = [&](uint32_t field) {
    return Part(Part(Part(Line(bytes), delimiters->field, field), delimiters->repetition, 1),
                delimiters->component, 1);
  };
  return std::string(name(3)).append("|").append(name(4));
}

const Delimiters& Message::delimiters() const { return parts_->delimiters; }
std::span<const Segment> Message::segments() const { return parts_->segments; }
std::span<const Warning> Message::warnings() const { return parts_->warnings; }
Charset Message::charset() const { return parts_->charset; }
bool Message::has_byte_order_mark() const { return parts_->has_byte_order_mark; }

const Segment* Message::Find(std::string_view segment_name, uint32_t repetition) const {
  for (const Segment& segment : parts_->segments) {
    if (segment.name == segment_name && repetition-- <= 1) {
      return &segment;
    }
  }
  return nullptr;
}

std::string_view Message::Raw(const Location& location) const {
  const Segment* segment = Find(location.segment, location.segment_repetition);
  if (segment == nullptr || location.field > segment->fields.size()) {
    return {};
  }
  if (location.field == 0) {
    const char* end = segment->fields.empty()
                          ? segment->name.data() + segment->name.size()
                          : segment->fields.back().data() + segment->fields.back().size();
    return {segment->name.data(), static_cast<size_t>(end - segment->name.data())};
  }
  std::string_view raw = segment->fields[location.field - 1];
  const bool is_syntax = segment->name == "MSH" && location.field <= 2;
  if (is_syntax || (location.repetition == 0 && location.component == 0)) {
    return raw;
  }
  raw = Part(raw, parts_->delimiters.repetition, std::max(location.repetition, 1U));
  if (location.component != 0) {
    raw = Part(raw, parts_->delimiters.component, location.component);
  }
  if (location.component != 0 && location.subcomponent != 0) {
    raw = Part(raw, parts_->delimiters.subcomponent, location.subcomponent);
  }
  return raw;
}

std::string Message::Text(const Location& location) const {
  const bool is_syntax = location.segment == "MSH" && (location.field == 1 || location.field == 2);
  const std::string_view raw = Raw(location);
  return is_syntax ? std::string(raw) : Unescape(raw, parts_->delimiters);
}

std::string_view Message::message_code() const { return parts_->message_code; }
std::string_view Message::trigger_event() const { return parts_->trigger_event; }
std::string Message::structure() const { return parts_->structure; }
std::string_view Message::control_id() const { return parts_->control_id; }
std::string_view Message::sending_application() const { return parts_->sending_application; }
std::string_view Message::sending_facility() const { return parts_->sending_facility; }
std::string_view Message::processing_id() const { return parts_->processing_id; }
std::string_view Message::version() const { return parts_->version; }

}  // namespace gw::hl7v2
