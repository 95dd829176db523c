#include "gateway/hl7v2/acknowledgment.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/base/utf8.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/hl7v2/charset_writer.h"

namespace gw::hl7v2 {
namespace {

// What an answer's MSH repeats of the message it answers: raw fields, of the sender's delimiters.
struct Heading {
  Delimiters delimiters;
  std::string_view encoding_characters = "^~\\&";
  std::string_view sending_application, sending_facility, receiving_application, receiving_facility,
      trigger_event, processing = "P", version = "2.5.1", control_id, accept_due, application_due;
  bool enhanced = false;          // the sender values MSH-15 or MSH-16
  std::string_view charset = {};  // MSH-18: what the answer is in
  bool is_accept = false;         // it says AA or CA

  // MSH-15 and MSH-16.
  void SetDue(std::string_view accept, std::string_view application) {
    accept_due = accept;
    application_due = application;
    enhanced = !accept.empty() || !application.empty();
  }

  // MSH-11 and MSH-12, which an answer must have where the message has not.
  void SetVersion(std::string_view processing_id, std::string_view version_id) {
    processing = processing_id.empty() ? processing : processing_id;
    version = version_id.empty() ? version : version_id;
  }
};

// "2.5.1" is at least {2, 5}; a version that cannot be read counts as new.
bool IsAtLeast(std::string_view version, char minor) {
  const bool readable =
      version.size() >= 3 && version.starts_with("2.") && version[2] >= '0' && version[2] <= '9';
  return !readable || version[2] >= minor;
}

std::string Timestamp(Instant now) {
  const CivilTime t = ToCivil(now);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02d+0000",
                                   t.year, t.month, t.day, t.hour, t.minute, t.second);
  return {text.data(), static_cast<size_t>(std::max(length, 0))};
}

int CodeOf(const Issue& issue, const Heading& heading) {
  const bool is_warning = issue.severity == 'W' && heading.is_accept;
  const bool only_told = (is_warning || issue.severity == 'I') && issue.error.hl7_code == 0;
  return only_told ? 0 : Hl7CodeFor(issue.error);
}

std::string_view TextOf(int hl7_code) {
  switch (hl7_code) {
    case 0:
      return "Message accepted";
    case hl7_code::kSegmentSequenceError:
      return "Segment sequence error";
    case hl7_code::kRequiredFieldMissing:
      return "Required field missing";
    case hl7_code::kDataTypeError:
      return "Data type error";
    case hl7_code::kTableValueNotFound:
      return "Table value not found";
    case hl7_code::kUnsupportedMessageType:
      return "Unsupported message type";
    case hl7_code::kUnsupportedEventCode:
      return "Unsupported event code";
    case hl7_code::kUnsupportedProcessingId:
      return "Unsupported processing id";
    case hl7_code::kUnsupportedVersionId:
      return "Unsupported version id";
    case hl7_code::kUnknownKeyIdentifier:
      return "Unknown key identifier";
    case hl7_code::kDuplicateKeyIdentifier:
      return "Duplicate key identifier";
    case hl7_code::kApplicationRecordLocked:
      return "Application record locked";
    default:
      return "Application internal error";
  }
}

// Writes one segment; each value is escaped or raw as the caller chose.
class SegmentWriter {
 public:
  SegmentWriter(std::string* out, const Delimiters& delimiters, std::string_view name)
      : out_(out), delimiters_(delimiters) {
    out_->append(name);
  }
  SegmentWriter& Raw(std::string_view value) {
    out_->push_back(delimiters_.field);
    out_->append(value);
    return *this;
  }
  SegmentWriter& Text(std::string_view value) { return Raw(Escape(value, delimiters_)); }
  void End() { out_->push_back('\r'); }

 private:
  std::string* out_;
  const Delimiters& delimiters_;
};

// Parts joined by a separator, trailing empty ones left out; where the sender named no such
// separator only the first part can be said.
std::string Join(std::initializer_list<std::string_view> parts, char separator) {
  std::string text;
  size_t whole = 0;
  for (const std::string_view part : parts) {
    text.append(part);
    whole = part.empty() ? whole : text.size();
    if (separator == 0) {
      break;
    }
    text.push_back(separator);
  }
  text.resize(whole);
  return text;
}

std::string Number(uint32_t number) { return number == 0 ? std::string() : std::to_string(number); }

void WriteHeading(const Heading& heading, std::string_view control_id, Instant now,
                  std::string* out) {
  const char component = heading.delimiters.component;
  const bool has_structure = IsAtLeast(heading.version, '4');
  SegmentWriter msh(out, heading.delimiters, "MSH");
  msh.Raw(heading.encoding_characters)
      .Raw(heading.receiving_application)
      .Raw(heading.receiving_facility)
      .Raw(heading.sending_application)
      .Raw(heading.sending_facility)
      .Raw(Timestamp(now))
      .Raw("")
      .Raw(Join({"ACK", heading.trigger_event, has_structure ? "ACK" : ""}, component))
      .Text(control_id)
      .Raw(heading.processing)
      .Raw(heading.version);
  if (heading.enhanced || !heading.charset.empty()) {
    const std::string_view none_due = heading.enhanced ? "NE" : "";
    msh.Raw("").Raw("").Raw(none_due).Raw(none_due);
  }
  if (!heading.charset.empty()) {
    msh.Raw("").Raw(heading.charset);
  }
  msh.End();
}

bool IsUtf16(Charset charset) {
  return charset == Charset::kUtf16 || charset == Charset::kUtf16Le || charset == Charset::kUtf16Be;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// What MSH-18 of an answer in that set says: the sender's own word for it, where that was true; of
// a set that the table has no name for (Windows-1252) what the sender said, since that is how its
// own text is read.
std::string_view CharsetWord(std::string_view said, Charset charset) {
  const auto named = CharsetNamed(said);
  const bool is_true = named == charset || (named && IsUtf16(*named) && IsUtf16(charset));
  const std::string_view word = Table0211Name(charset);
  return (is_true || word.empty()) && named ? said : word;
}

// ERR of 2.5 and later: location, code, severity, diagnostic and user texts.
void WriteIssue(const Issue& issue, const Heading& heading, std::string* out) {
  const Delimiters& d = heading.delimiters;
  const int code = CodeOf(issue, heading);
  const std::string number = std::to_string(code);
  const auto place = Location::FromString(issue.error.where);
  std::string location;
  if (place) {
    const uint32_t repetition =
        place->field != 0 ? std::max(place->repetition, 1U) : place->repetition;
    location = Join({place->segment, Number(place->segment_repetition), Number(place->field),
                     Number(repetition), Number(place->component), Number(place->subcomponent)},
                    d.component);
  }
  SegmentWriter(out, d, "ERR")
      .Raw("")
      .Raw(location)
      .Raw(Join({number, TextOf(code), "HL70357"}, d.component))
      .Raw(std::string_view(&issue.severity, 1))
      .Raw("")
      .Raw("")
      .Text(place ? std::string_view{} : std::string_view(issue.error.where))
      .Text(issue.error.detail)
      .End();
}

// ERR before 2.5: one field that repeats, segment ^ sequence ^ field ^ code.
void WriteOldIssues(std::span<const Issue> issues, const Heading& heading, std::string* out) {
  const Delimiters& d = heading.delimiters;
  std::string field;
  for (const Issue& issue : issues) {
    const int code = CodeOf(issue, heading);
    const std::string number = std::to_string(code);
    const Location place = Location::FromString(issue.error.where).value_or(Location{"", 0});
    if (!field.empty() && d.repetition == 0) {
      break;
    }
    if (!field.empty()) {
      field.push_back(d.repetition);
    }
    field += Join({place.segment, Number(place.segment_repetition), Number(place.field),
                   Join({number, TextOf(code), "HL70357"}, d.subcomponent)},
                  d.component);
  }
  SegmentWriter(out, d, "ERR").Raw(field).End();
}

std::string Write(const Heading& heading, AckCode code, std::span<const Issue> issues,
                  std::string_view control_id, Instant now) {
  std::string out;
  out.reserve(256);
  WriteHeading(heading, control_id, now, &out);
  const bool new_form = IsAtLeast(heading.version, '5');
  SegmentWriter msa(&out, heading.delimiters, "MSA");
  msa.Raw(NameOf(code)).Raw(heading.control_id);
  if (!new_form && !issues.empty()) {
    msa.Text(issues.front().error.detail);  // MSA-3, which ERR-8 takes over from 2.5 on
  }
  msa.End();
  if (!new_form && !issues.empty()) {
    WriteOldIssues(issues, heading, &out);
    return out;
  }
  for (const Issue& issue : issues) {
    WriteIssue(issue, heading, &out);
  }
  return out;
}

// The answer in the bytes of the set that its sender uses; it says only what came from that sender,
// and ASCII.
std::string InCharset(std::string answer, Charset charset, bool with_mark) {
  if (charset == Charset::kUtf8) {
    return answer;
  }
  auto bytes = Encode(answer, charset);
  if (!bytes) {
    return answer;  // a byte that the set does not have was replaced when it was read
  }
  return std::string(with_mark && IsUtf16(charset) ? ByteOrderMark(charset) : "") + *bytes;
}

constexpr size_t kLongestTrusted = 227;  // of MSH-3 to MSH-6 in HL7 v2.5 to 2.8

// A field of a line that could not be parsed, if it is fit to be sent back.
std::string_view Trusted(std::string_view field) {
  const bool plain =
      std::all_of(field.begin(), field.end(), [](char c) { return c >= ' ' && c < 0x7F; });
  return plain && field.size() <= kLongestTrusted ? field : std::string_view{};
}

// A number of the sender's own, which goes back as it came, in whatever bytes.
std::string_view OwnId(std::string_view field) {
  const bool has_control = std::any_of(field.begin(), field.end(), [](char c) {
    return static_cast<uint8_t>(c) < ' ' || c == 0x7F;
  });
  return has_control || field.size() > kLongestTrusted ? std::string_view{} : field;
}

// Of an MSH line whose text is not known to be of any set.
std::string_view CharsetWordFor(std::string_view said, std::string_view control_id) {
  if (CharsetNamed(said)) {
    return said;
  }
  return !IsAscii(control_id) && IsValidUtf8(control_id) ? Table0211Name(Charset::kUtf8)
                                                         : std::string_view{};
}

// The fields of a line that begins as MSH, BHS and FHS do, by their numbers: 1 is the separator,
// which must be fit to be one; no field where it is not.
constexpr size_t kMessageId = 10;  // of MSH
constexpr size_t kBatchId = 11;    // of BHS and FHS
constexpr size_t kCharset = 18;
using HeaderFields = std::array<std::string_view, kCharset + 1>;
HeaderFields FieldsOfHeader(std::string_view line) {
  HeaderFields fields;
  const char separator = line.size() > 3 ? line[3] : '\0';
  const bool is_letter = (separator >= '0' && separator <= '9') ||
                         (separator >= 'A' && separator <= 'Z') ||
                         (separator >= 'a' && separator <= 'z');
  if (separator <= ' ' || separator >= 0x7F || is_letter || separator == '"' ||
      Heading{}.encoding_characters.find(separator) != std::string_view::npos) {
    return fields;
  }
  fields[1] = line.substr(3, 1);
  line.remove_prefix(4);
  for (size_t number = 2; number < fields.size(); ++number) {
    const size_t end = std::min(line.find(separator), line.size());
    const bool is_id = number == kMessageId || number == kBatchId;
    fields[number] = is_id ? OwnId(line.substr(0, end)) : Trusted(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

// Of an MSH whose MSH-2 names no encoding characters its fields are still told apart; the answer
// then has the usual characters in them.
Heading SalvageFields(std::string_view line) {
  Heading heading;
  const HeaderFields fields = FieldsOfHeader(line);
  if (!fields[1].empty()) {
    heading.delimiters.field = fields[1].front();
    heading.sending_application = fields[3];
    heading.sending_facility = fields[4];
    heading.receiving_application = fields[5];
    heading.receiving_facility = fields[6];
    heading.control_id = fields[kMessageId];
    heading.charset = CharsetWordFor(fields[kCharset], heading.control_id);
    heading.SetDue(fields[15], fields[16]);
  }
  return heading;
}

// FHS or BHS of an answer; the sender's own id (field 11) is what it refers to (field 12).
void WriteBatchHeader(SegmentWriter header, const HeaderFields& sent, std::string_view control_id,
                      Instant now) {
  const std::string_view usual = Heading{}.encoding_characters;
  header.Raw(sent[2].size() == usual.size() ? sent[2] : usual)
      .Raw(sent[5])
      .Raw(sent[6])
      .Raw(sent[3])
      .Raw(sent[4])
      .Raw(Timestamp(now))
      .Raw("")
      .Raw("")
      .Raw("")
      .Text(control_id)
      .Raw(sent[kBatchId])
      .End();
}

// The first line of that name.
std::string_view LineOf(std::string_view bytes, std::string_view name) {
  size_t at = 0;
  while (at < bytes.size() && !bytes.substr(at).starts_with(name)) {
    at = bytes.find_first_of("\r\n", at);
    at = at == bytes.npos ? bytes.size() : at + 1;
  }
  const std::string_view rest = bytes.substr(std::min(at, bytes.size()));
  return rest.substr(0, rest.find_first_of("\r\n"));
}

std::string_view FirstOf(std::string_view field, char repetition) {
  return repetition == 0 ? field : field.substr(0, field.find(repetition));
}

// What can be trusted of bytes that are no message.
Heading Salvage(std::string_view bytes) {
  Heading heading;
  const size_t start = bytes.find("MSH");
  // Before it only what a sender may have put there by mistake: a mark, blanks, a frame's VT.
  if (start == bytes.npos || start > 8) {
    return heading;
  }
  // The line alone is read as a message, its bytes past ASCII and controls covered, so that neither
  // its character set nor what comes after it matters.
  const std::string_view line = bytes.substr(start, bytes.find_first_of("\r\n", start) - start);
  std::string covered(line);
  std::replace_if(
      covered.begin(), covered.end(), [](char c) { return c < ' ' || c >= 0x7F; }, 'x');
  const auto parsed = Message::Parse(covered + "\r", ParseOptions{});
  if (!parsed) {
    return SalvageFields(line);
  }
  const Segment& msh = parsed->segments()[0];
  const auto bytes_of = [&](std::string_view part) {
    const auto offset = static_cast<size_t>(part.data() - msh.name.data());
    return part.empty() ? std::string_view{} : line.substr(offset, part.size());
  };
  const auto original = [&](std::string_view part) { return Trusted(bytes_of(part)); };
  const auto field = [&](size_t number) {
    return number <= msh.fields.size() ? original(msh.fields[number - 1]) : std::string_view{};
  };
  heading.delimiters = parsed->delimiters();
  heading.encoding_characters = field(2);
  heading.sending_application = field(3);
  heading.sending_facility = field(4);
  heading.receiving_application = field(5);
  heading.receiving_facility = field(6);
  heading.trigger_event = original(parsed->trigger_event());
  heading.control_id = msh.fields.size() < kMessageId ? std::string_view{}
                                                      : OwnId(bytes_of(msh.fields[kMessageId - 1]));
  heading.charset =
      CharsetWordFor(FirstOf(field(kCharset), heading.delimiters.repetition), heading.control_id);
  heading.SetVersion(field(11), field(12));
  heading.SetDue(field(15), field(16));
  return heading;
}

// What may stand before a batch and is none of it: a mark, blanks.
std::string_view WithoutLead(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("\xEF\xBB\xBF \t\r\n"), text.size()));
  return text;
}

bool HasUtf16Mark(std::string_view bytes) {
  return bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
}

AcksDue DueFor(std::string_view accept, std::string_view processed, AckCode application) {
  if (accept.empty() && processed.empty()) {
    return {false, true};
  }
  const bool taken = application == AckCode::kAccept;
  const auto due = [taken](std::string_view condition) {
    if (condition.empty() || condition == "NE") {
      return false;
    }
    return condition == "ER" ? !taken : (condition != "SU" || taken);
  };
  return {due(accept), due(processed)};
}

}  // namespace

std::string_view NameOf(AckCode code) {
  switch (code) {
    case AckCode::kAccept:
      return "AA";
    case AckCode::kError:
      return "AE";
    case AckCode::kReject:
      return "AR";
    case AckCode::kCommitAccept:
      return "CA";
    case AckCode::kCommitError:
      return "CE";
    case AckCode::kCommitReject:
      return "CR";
  }
  return "AR";
}

AckCode CommitCodeFor(AckCode application) {
  switch (application) {
    case AckCode::kAccept:
      return AckCode::kCommitAccept;
    case AckCode::kError:
      return AckCode::kCommitError;
    default:
      return AckCode::kCommitReject;
  }
}

AcksDue AcksDueFor(const Message& message, AckCode application) {
  return DueFor(message.Raw(Location{"MSH", 1, 15}), message.Raw(Location{"MSH", 1, 16}),
                application);
}

AcksDue AcksDueForUnreadable(std::string_view bytes, AckCode application) {
  const auto utf16 = Utf16OfMessages(bytes);
  const std::string text = utf16 ? DecodeLenient(std::string(bytes), *utf16).text : std::string();
  const Heading heading = Salvage(utf16 ? std::string_view(text) : bytes);
  return DueFor(heading.accept_due, heading.application_due, application);
}

int Hl7CodeFor(const Error& error) {
  if (error.hl7_code != 0) {
    return error.hl7_code;
  }
  switch (error.code) {
    case Code::kInvalid:
      return hl7_code::kDataTypeError;
    case Code::kUnsupported:
      return hl7_code::kUnsupportedMessageType;
    case Code::kNotFound:
    case Code::kGone:
      return hl7_code::kUnknownKeyIdentifier;
    case Code::kConflict:
      return hl7_code::kDuplicateKeyIdentifier;
    case Code::kPreconditionFailed:
      return hl7_code::kApplicationRecordLocked;
    default:
      return hl7_code::kApplicationError;
  }
}

AckCode AckCodeFor(const Error& error) {
  const int code = error.hl7_code;
  const bool not_taken =
      (code >= hl7_code::kUnsupportedMessageType && code <= hl7_code::kUnsupportedVersionId) ||
      error.code == Code::kUnsupported;
  const bool may_pass_later = code == hl7_code::kApplicationRecordLocked ||
                              error.code == Code::kPreconditionFailed ||
                              error.code == Code::kBusy || error.code == Code::kUnavailable ||
                              error.code == Code::kInternal;
  return not_taken || may_pass_later ? AckCode::kReject : AckCode::kError;
}

std::string Acknowledge(const Message& message, AckCode code, std::span<const Issue> issues,
                        std::string_view control_id, Instant now) {
  const auto msh = [&](uint32_t field) { return message.Raw(Location{"MSH", 1, field}); };
  Heading heading;
  heading.delimiters = message.delimiters();
  heading.encoding_characters = msh(2);
  heading.sending_application = msh(3);
  heading.sending_facility = msh(4);
  heading.receiving_application = msh(5);
  heading.receiving_facility = msh(6);
  heading.trigger_event = message.trigger_event();
  heading.SetVersion(msh(11), msh(12));
  heading.control_id = msh(10);
  heading.is_accept = code == AckCode::kAccept || code == AckCode::kCommitAccept;
  heading.SetDue(msh(15), msh(16));
  const std::string_view said = FirstOf(msh(kCharset), heading.delimiters.repetition);
  const Charset charset = message.charset();
  heading.charset = said.empty() ? said : CharsetWord(said, charset);
  std::string answer = Write(heading, code, issues, control_id, now);
  if (IsAscii(answer) && !IsUtf16(charset)) {
    return answer;
  }
  if (said.empty()) {
    heading.charset = CharsetWord(said, charset);
    answer = Write(heading, code, issues, control_id, now);
  }
  return InCharset(std::move(answer), charset, message.has_byte_order_mark());
}

std::string AcknowledgeUnreadable(std::string_view bytes, AckCode code, const Error& error,
                                  std::string_view control_id, Instant now) {
  const std::array<Issue, 1> issues = {Issue{error}};
  const auto utf16 = Utf16OfMessages(bytes);
  if (!utf16) {
    return Write(Salvage(bytes), code, issues, control_id, now);
  }
  const Decoded decoded = DecodeLenient(std::string(bytes), *utf16);
  Heading heading = Salvage(decoded.text);
  heading.charset = CharsetWord(heading.charset, *utf16);
  return InCharset(Write(heading, code, issues, control_id, now), *utf16, HasUtf16Mark(bytes));
}

bool IsBatch(std::string_view bytes) {
  constexpr size_t kStartBytes = 256;
  const auto begins = [](std::string_view text) {
    text = WithoutLead(text);
    return text.starts_with("FHS") || text.starts_with("BHS");
  };
  const auto utf16 = Utf16OfMessages(bytes);
  return utf16 ? begins(DecodeLenient(std::string(bytes.substr(0, kStartBytes)), *utf16).text)
               : begins(bytes);
}

std::string AcknowledgeBatch(std::string_view bytes, std::span<const std::string> answers,
                             std::span<const std::string> warnings, std::string_view control_id,
                             Instant now) {
  const auto utf16 = Utf16OfMessages(bytes);
  const std::string text =
      utf16 ? DecodeLenient(std::string(bytes), *utf16).text : std::string(bytes);
  const std::string_view batch = WithoutLead(text);
  const auto in_its_set = [&utf16](std::string* part) {
    return utf16 ? InCharset(std::exchange(*part, {}), *utf16, false) : std::exchange(*part, {});
  };
  const HeaderFields file = FieldsOfHeader(LineOf(batch, "FHS"));
  const HeaderFields first = FieldsOfHeader(LineOf(batch, "BHS"));
  const std::string_view separator = first[1].empty() ? file[1] : first[1];
  Delimiters delimiters;
  delimiters.field = separator.empty() ? delimiters.field : separator.front();
  const bool is_file = batch.starts_with("FHS");
  std::string part;
  if (is_file) {
    WriteBatchHeader({&part, delimiters, "FHS"}, file, control_id, now);
  }
  WriteBatchHeader({&part, delimiters, "BHS"}, first[1].empty() ? file : first, control_id, now);
  std::string out(utf16 && HasUtf16Mark(bytes) ? ByteOrderMark(*utf16) : "");
  out += in_its_set(&part);
  for (const std::string& answer : answers) {
    out += answer;
  }
  std::string told;
  for (const std::string& warning : warnings) {
    told += (told.empty() ? "" : "; ") + warning;
  }
  SegmentWriter(&part, delimiters, "BTS").Raw(std::to_string(answers.size())).Text(told).End();
  if (is_file) {
    SegmentWriter(&part, delimiters, "FTS").Raw("1").End();
  }
  return out + in_its_set(&part);
}

}  // namespace gw::hl7v2
