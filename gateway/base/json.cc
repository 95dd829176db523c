#include "gateway/base/json.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>

// A broken assumption inside the library must end the document, not the program (pitfall R7).
#define RAPIDJSON_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : throw std::logic_error("rapidjson"))
#include <rapidjson/reader.h>

#include "gateway/base/bytes.h"
#include "gateway/base/place.h"
#include "gateway/base/utf8.h"

namespace gw {
namespace {

// The document as the library's input stream. NUL marks the end, so a document with a NUL byte
// must be refused before (pitfall R5).
class TextStream {
 public:
  using Ch = char;

  explicit TextStream(std::string_view text)
      : begin_(text.data()), next_(text.data()), end_(text.data() + text.size()) {}
  Ch Peek() const { return next_ == end_ ? '\0' : *next_; }
  Ch Take() { return next_ == end_ ? '\0' : *next_++; }
  size_t Tell() const { return static_cast<size_t>(next_ - begin_); }
  std::string_view rest() const { return {next_, static_cast<size_t>(end_ - next_)}; }
  void Skip(size_t bytes) { next_ += bytes; }

  // The library's interface for writing in place, which this reading never does.
  Ch* PutBegin() { throw std::logic_error("not in place"); }
  void Put(Ch) { throw std::logic_error("not in place"); }
  size_t PutEnd(Ch*) { throw std::logic_error("not in place"); }

 private:
  const char* begin_;
  const char* next_;
  const char* end_;
};

}  // namespace
}  // namespace gw

namespace rapidjson {

template <>
struct StreamTraits<gw::TextStream> {
  enum { copyOptimization = 1 };  // NOLINT(readability-identifier-naming): the library's name
};

// The library's own place for taking what needs no look, which it fills for its own streams only:
// without it each character of a text is a call, and texts are most of a document.
template <>
template <>
inline void GenericReader<UTF8<>, UTF8<>, CrtAllocator>::ScanCopyUnescapedString(
    gw::TextStream& from, StackStream<char>& to) {
  const size_t length = gw::LengthBeforeJsonMark(from.rest());
  if (length > 0) {
    std::memcpy(to.Push(static_cast<SizeType>(length)), from.rest().data(), length);
    from.Skip(length);
  }
}

}  // namespace rapidjson

namespace gw {
namespace {

// The member names of the objects that are open, for finding a name that comes twice in an object
// at the cost of one probe. One hash table serves all of them: an object's names leave in reverse
// order of their coming, and taking out the newest entry of a linearly probed table leaves no gap
// in anyone's probe sequence.
class OpenNames {
 public:
  OpenNames() : slots_(kFirstSlots, 0) {}

  // False if the object that began at `object` (an earlier Count()) has this name already.
  bool Add(size_t object, std::string_view name) {
    if ((names_.size() + 1) * 2 > slots_.size()) {
      Grow();
    }
    const uint64_t hash = HashOf(object, name);
    size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      const size_t index = slots_[slot] - 1;
      const Name& other = names_[index];
      if (other.hash == hash && index >= object && TextOf(other) == name) {
        return false;
      }
    }
    names_.push_back({hash, bytes_.size(), name.size(), slot});
    bytes_.append(name);
    slots_[slot] = static_cast<uint32_t>(names_.size());
    return true;
  }

  size_t Count() const { return names_.size(); }

  // Forgets every name after the first `count`.
  void CutTo(size_t count) {
    while (names_.size() > count) {
      slots_[names_.back().slot] = 0;
      bytes_.resize(names_.back().offset);
      names_.pop_back();
    }
  }

 private:
  struct Name {
    uint64_t hash;
    size_t offset;
    size_t length;
    size_t slot;
  };
  static constexpr size_t kFirstSlots = 256;

  std::string_view TextOf(const Name& name) const {
    return std::string_view(bytes_).substr(name.offset, name.length);
  }

  // Where the program was loaded is the seed: names that collide cannot be worked out beforehand.
  static uint64_t HashOf(size_t object, std::string_view name) {
    static const char kSeed = 0;
    uint64_t hash = reinterpret_cast<uintptr_t>(&kSeed) ^ (object * 0x9E3779B97F4A7C15u);
    const auto mix = [&hash](uint64_t word) {
      const auto product = static_cast<Wide>(hash ^ word) * 0xA0761D6478BD642Fu;
      hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    };
    size_t at = 0;
    for (; name.size() - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, name.data() + at, sizeof(word));
      mix(word);
    }
    uint64_t rest = 0;
    if (at < name.size()) {
      std::memcpy(&rest, name.data() + at, name.size() - at);
    }
    mix(rest);
    mix(name.size());
    return hash;
  }

  void Grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (size_t index = 0; index < names_.size(); ++index) {
      size_t slot = names_[index].hash & (slots_.size() - 1);
      while (slots_[slot] != 0) {
        slot = (slot + 1) & (slots_.size() - 1);
      }
      names_[index].slot = slot;
      slots_[slot] = static_cast<uint32_t>(index + 1);
    }
  }

  __extension__ using Wide = unsigned __int128;

  std::vector<Name> names_;      // in order of coming
  std::string bytes_;            // of all names
  std::vector<uint32_t> slots_;  // 0, or 1 + an index into names_; a power of two, half full
};

Error Invalid(std::string_view rule) { return {Code::kInvalid, std::string(rule), {}}; }
Error TooLarge(std::string_view rule) { return {Code::kTooLarge, std::string(rule), {}}; }

// Stands between the library and the caller's events and holds the bounds.
class Guard {
 public:
  Guard(const Limits& limits, bool has_unicode_escapes, const TextStream& stream,
        JsonEvents* events)
      : limits_(limits),
        has_unicode_escapes_(has_unicode_escapes),
        stream_(stream),
        events_(events) {}

  bool Null() { return Value(kNullBytes) && Forward(events_->Null()); }
  bool Bool(bool value) {
    return Value(value ? kTrueBytes : kFalseBytes) && Forward(events_->Bool(value));
  }
  bool RawNumber(const char* digits, rapidjson::SizeType length, bool) {
    return Value() && Forward(events_->Number({digits, length}));
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return Value() && IsText({text, length}) && Forward(events_->String({text, length}));
  }
  bool StartObject() { return Value() && Open(true) && Forward(events_->ObjectStart()); }
  bool StartArray() { return Value() && Open(false) && Forward(events_->ArrayStart()); }
  bool Key(const char* text, rapidjson::SizeType length, bool);
  bool EndObject(rapidjson::SizeType) {
    names_.CutTo(frames_.back().first_name);
    return Close() && Forward(events_->ObjectEnd());
  }
  bool EndArray(rapidjson::SizeType) { return Close() && Forward(events_->ArrayEnd()); }

  // The library asks for these events only when it makes numbers of digits, which it is told not
  // to.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  bool refused() const { return refused_.has_value(); }
  Error TakeError() { return *std::move(refused_); }

 private:
  static constexpr size_t kNullBytes = 4;
  static constexpr size_t kTrueBytes = 4;
  static constexpr size_t kFalseBytes = 5;
  struct Frame {
    bool is_object;
    uint32_t children = 0;
    size_t first_name = 0;  // in names_
  };

  bool Refuse(Error error) {
    refused_ = std::move(error);
    return false;
  }
  bool Forward(Status status) { return status.ok() || Refuse(std::move(status).error()); }
  // The library reads texts and numbers from a copy of the stream and brackets after their event,
  // so the stream stands where the token begins; only words were read.
  void Locate(size_t bytes_read) { events_->SetOffset(stream_.Tell() - bytes_read); }
  bool Value(size_t bytes_read = 0);
  bool Open(bool is_object);
  bool Close() {
    Locate(0);
    frames_.pop_back();
    return true;
  }
  bool IsText(std::string_view text);

  const Limits& limits_;
  const bool has_unicode_escapes_;
  const TextStream& stream_;
  JsonEvents* events_;
  std::vector<Frame> frames_;
  OpenNames names_;
  uint32_t nodes_ = 0;
  std::optional<Error> refused_;
};

bool Guard::Value(size_t bytes_read) {
  Locate(bytes_read);
  if (++nodes_ > limits_.json_nodes_max) {
    return Refuse(TooLarge("too many values in the document"));
  }
  if (!frames_.empty() && !frames_.back().is_object &&
      ++frames_.back().children > limits_.json_items_max) {
    return Refuse(TooLarge("too many items in an array"));
  }
  return true;
}

bool Guard::Open(bool is_object) {
  if (frames_.size() == limits_.json_depth_max) {
    return Refuse(TooLarge("nested too deeply"));
  }
  frames_.push_back({is_object, 0, names_.Count()});
  return true;
}

bool Guard::Key(const char* text, rapidjson::SizeType length, bool) {
  Locate(0);
  const std::string_view name(text, length);
  Frame& object = frames_.back();
  if (++object.children > limits_.json_members_max) {
    return Refuse(TooLarge("too many members in an object"));
  }
  if (!IsText(name)) {
    return false;
  }
  if (!names_.Add(object.first_name, name)) {
    return Refuse(Invalid("a member name comes twice in one object"));
  }
  return Forward(events_->Key(name));
}

// The bytes of the document were checked as a whole; only an escape can still bring a NUL or, since
// the library takes a low surrogate that stands alone, text that is not UTF-8.
bool Guard::IsText(std::string_view text) {
  if (!has_unicode_escapes_) {
    return true;
  }
  if (text.find('\0') != std::string_view::npos) {
    return Refuse(Invalid("U+0000 is not allowed in a text"));
  }
  if (!IsValidUtf8(text)) {
    return Refuse(Invalid("a surrogate escape without its pair"));
  }
  return true;
}

Error At(Error error, std::string_view text, size_t offset) {
  const std::string place = ToText(PlaceAt(text, offset));
  error.where = error.where.empty() ? place : error.where + " (" + place + ")";
  return error;
}

Error SyntaxError(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
      return Invalid("the document is empty");
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return Invalid("something follows the document");
    case rapidjson::kParseErrorObjectMissName:
      return Invalid("a member name was expected");
    case rapidjson::kParseErrorObjectMissColon:
      return Invalid("a colon was expected after the member name");
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return Invalid("a comma or } was expected after the member");
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return Invalid("a comma or ] was expected after the item");
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      return Invalid("\\u must be followed by four hexadecimal digits");
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return Invalid("a surrogate escape without its pair");
    case rapidjson::kParseErrorStringEscapeInvalid:
      return Invalid("an unknown escape or a control character in a text");
    case rapidjson::kParseErrorStringMissQuotationMark:
      return Invalid("the closing quote of a text is missing");
    case rapidjson::kParseErrorNumberTooBig:
      return {Code::kUnprocessable, "the number is past the range of IEEE 754 binary64", {}};
    case rapidjson::kParseErrorNumberMissFraction:
      return Invalid("a digit was expected after the decimal point");
    case rapidjson::kParseErrorNumberMissExponent:
      return Invalid("a digit was expected in the exponent");
    default:
      return Invalid("a value was expected");
  }
}

Status CheckBytes(std::string_view text) {
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return At(Invalid("a NUL byte is not allowed"), text, nul);
  }
  if (const size_t valid = ValidUtf8Prefix(text); valid != text.size()) {
    return At(Invalid("the bytes are not UTF-8"), text, valid);
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    return At(Invalid("a byte order mark is not allowed"), text, 0);
  }
  return {};
}

}  // namespace

Status ReadJson(std::string_view text, const Limits& limits, JsonEvents* events) {
  GW_RETURN_IF_ERROR(CheckBytes(text));
  // The encoding was checked above, eight bytes at a time; the library's own check would take one.
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  try {
    TextStream stream(text);
    Guard guard(limits, text.find("\\u") != std::string_view::npos, stream, events);
    rapidjson::Reader reader;
    const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, guard);
    if (guard.refused()) {
      return At(guard.TakeError(), text, events->offset());
    }
    if (result.IsError()) {
      return At(SyntaxError(result.Code()), text, result.Offset());
    }
    if (stream.Tell() != text.size()) {
      return At(Invalid("something follows the document"), text, stream.Tell());
    }
    return {};
  } catch (const std::exception&) {
    return Error{Code::kInternal, "the JSON reader failed", {}};
  }
}

// Makes the tree. An open container waits on a stack and moves into its parent when it ends.
class JsonTreeBuilder final : public JsonEvents {
 public:
  Status ObjectStart() override { return Open(Json::Kind::kObject); }
  Status Key(std::string_view name) override {
    open_.back().members_.emplace_back(std::string(name), Json());
    return {};
  }
  Status ObjectEnd() override { return Close(); }
  Status ArrayStart() override { return Open(Json::Kind::kArray); }
  Status ArrayEnd() override { return Close(); }
  Status String(std::string_view text) override { return Leaf(Json::Kind::kString, text); }
  Status Number(std::string_view digits) override { return Leaf(Json::Kind::kNumber, digits); }
  Status Bool(bool value) override {
    Json leaf;
    leaf.kind_ = Json::Kind::kBool;
    leaf.boolean_ = value;
    return Place(std::move(leaf));
  }
  Status Null() override { return Place(Json()); }

  Json TakeRoot() { return std::move(root_); }

 private:
  Status Open(Json::Kind kind) {
    Json container;
    container.kind_ = kind;
    open_.push_back(std::move(container));
    return {};
  }
  Status Close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    return Place(std::move(done));
  }
  Status Leaf(Json::Kind kind, std::string_view text) {
    Json leaf;
    leaf.kind_ = kind;
    leaf.text_ = std::string(text);
    return Place(std::move(leaf));
  }
  Status Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().kind_ == Json::Kind::kObject) {
      open_.back().members_.back().second = std::move(value);
    } else {
      open_.back().items_.push_back(std::move(value));
    }
    return {};
  }

  std::vector<Json> open_;
  Json root_;
};

Result<Json> Json::Parse(std::string_view text, const Limits& limits) {
  JsonTreeBuilder builder;
  GW_RETURN_IF_ERROR(ReadJson(text, limits, &builder));
  return builder.TakeRoot();
}

Result<int64_t> Json::integer() const {
  const size_t digits = text_.size() - (text_.substr(0, 1) == "-" ? 1 : 0);
  int64_t value = 0;
  const char* end = text_.data() + text_.size();
  const auto [stopped, error] = std::from_chars(text_.data(), end, value);
  if (kind_ != Kind::kNumber || digits > 18 || error != std::errc() || stopped != end) {
    return Invalid("a whole number of at most 18 digits was expected");
  }
  return value;
}

const Json* Json::Find(std::string_view name) const {
  for (const auto& [member, value] : members_) {
    if (member == name) {
      return &value;
    }
  }
  return nullptr;
}

std::string_view Json::TextOf(std::string_view name, std::string_view fallback) const {
  const Json* member = Find(name);
  return member != nullptr && member->is_string() ? std::string_view(member->text()) : fallback;
}

void JsonWriter::Separate() {
  if (needs_comma_) {
    out_->push_back(',');
  }
  needs_comma_ = true;
}

JsonWriter& JsonWriter::ObjectStart() {
  Separate();
  out_->push_back('{');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::ObjectEnd() {
  out_->push_back('}');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::ArrayStart() {
  Separate();
  out_->push_back('[');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::ArrayEnd() {
  out_->push_back(']');
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  AppendJsonString(name, out_);
  out_->push_back(':');
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  AppendJsonString(text, out_);
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_->append(json);
  return *this;
}

JsonWriter& JsonWriter::Integer(int64_t value) { return Raw(std::to_string(value)); }

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

namespace {

void AppendEscape(char byte, std::string* out) {
  constexpr std::string_view kNames = "btnvfr";  // of bytes 8 to 13; JSON has no \v
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<uint8_t>(byte);
  out->push_back('\\');
  if (byte == '"' || byte == '\\') {
    out->push_back(byte);
  } else if (value >= 8 && value <= 13 && value != 11) {
    out->push_back(kNames[value - 8u]);
  } else {
    out->append("u00");
    out->push_back(kHex[value >> 4]);
    out->push_back(kHex[value & 0xF]);
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  if (IsPlainJson(text)) {
    out->append(text);
    out->push_back('"');
    return;
  }
  size_t copied = 0;
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    const CodePoint next = FirstCodePoint(text.substr(at));
    const bool ill_formed = next.value == 0xFFFD && text.substr(at, 3) != "\xEF\xBF\xBD";
    if (byte >= 0x80 && !ill_formed) {
      at += next.bytes;
      continue;
    }
    out->append(text.substr(copied, at - copied));
    if (ill_formed) {
      out->append("\xEF\xBF\xBD");
    } else {
      AppendEscape(text[at], out);
    }
    at += next.bytes;
    copied = at;
  }
  out->append(text.substr(copied));
  out->push_back('"');
}

}  // namespace gw
