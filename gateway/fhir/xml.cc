#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/base/place.h"
#include "gateway/base/utf8.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kSchemaInstanceNamespace = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";

Error Invalid(std::string_view rule) { return {Code::kInvalid, std::string(rule), {}}; }
Error TooLarge(std::string_view rule) { return {Code::kTooLarge, std::string(rule), {}}; }

Error At(Error error, std::string_view text, size_t offset) {
  const std::string place = ToText(PlaceAt(text, offset));
  error.where = error.where.empty() ? place : error.where + " (" + place + ")";
  return error;
}

// Goes over the markup before the library does, for what must not reach it: a document type (X1,
// X2) and start tags with many attributes, whose names the library compares each with each (X3).
// Well-formedness is the library's business: where the markup ends early, so does this.
class MarkupScan {
 public:
  MarkupScan(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Status Run() {
    while ((at_ = text_.find('<', at_)) != std::string_view::npos) {
      GW_RETURN_IF_ERROR(Markup());
    }
    return {};
  }

 private:
  bool Starts(std::string_view markup) const { return text_.substr(at_).starts_with(markup); }
  void SkipPast(std::string_view end) {
    const size_t found = text_.find(end, at_);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
  }

  Status Markup() {
    if (Starts("<!--")) {
      at_ += std::strlen("<!--");
      SkipPast("-->");
    } else if (Starts("<![CDATA[")) {
      SkipPast("]]>");
    } else if (Starts("<!")) {
      return At(Invalid("a document type is not allowed"), text_, at_);
    } else if (Starts("<?")) {
      return Instruction();
    } else if (Starts("</")) {
      SkipPast(">");
    } else {
      return StartTag();
    }
    return {};
  }

  Status Instruction() {
    const size_t start = at_;
    SkipPast("?>");
    const std::string_view instruction = text_.substr(start, at_ - start);
    if (start == 0 && instruction.starts_with("<?xml") && !IsUtf8Declaration(instruction)) {
      return At(Invalid("the declared encoding is not UTF-8"), text_, start);
    }
    return {};
  }

  static bool IsUtf8Declaration(std::string_view declaration) {
    const size_t name = declaration.find("encoding");
    const size_t open = declaration.find_first_of("\"'", name);
    if (name == std::string_view::npos || open == std::string_view::npos) {
      return true;
    }
    const size_t close = declaration.find(declaration[open], open + 1);
    std::string encoding(declaration.substr(open + 1, close - open - 1));
    std::transform(encoding.begin(), encoding.end(), encoding.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return encoding == "utf-8";
  }

  // Each attribute has one value in quotes, and outside of them nothing else has a quote.
  Status StartTag() {
    const size_t start = at_++;
    for (uint32_t attributes = 0; at_ < text_.size(); ++attributes) {
      at_ = text_.find_first_of("\"'<>", at_);
      if (at_ == std::string_view::npos || text_[at_] == '<' || text_[at_] == '>') {
        return {};
      }
      if (attributes == limits_.xml_attributes_max) {
        return At(TooLarge("too many attributes in an element"), text_, start);
      }
      at_ = text_.find(text_[at_], at_ + 1);
      at_ = at_ == std::string_view::npos ? text_.size() : at_ + 1;
    }
    return {};
  }

  std::string_view text_;
  const Limits& limits_;
  size_t at_ = 0;
};

std::string_view View(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

std::string_view View(const xmlChar* begin, const xmlChar* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

XmlSpace SpaceOf(std::string_view uri) {
  if (uri.empty()) {
    return XmlSpace::kNone;
  }
  if (uri == kFhirNamespace) {
    return XmlSpace::kFhir;
  }
  if (uri == kXhtmlNamespace) {
    return XmlSpace::kXhtml;
  }
  if (uri == kXmlNamespace) {
    return XmlSpace::kXml;
  }
  return uri == kSchemaInstanceNamespace ? XmlSpace::kSchemaInstance : XmlSpace::kOther;
}

// Without XML_PARSE_NOENT, which reads local files (X1), the library gives each "&" of a value as
// the reference "&#38;" and everything else resolved.
std::string ValueOf(const xmlChar* begin, const xmlChar* end) {
  constexpr std::string_view kAmpersand = "&#38;";
  std::string value(View(begin, end));
  for (size_t at = value.find(kAmpersand); at != std::string::npos;
       at = value.find(kAmpersand, at + 1)) {
    value.erase(at + 1, kAmpersand.size() - 1);
  }
  return value;
}

// The library's messages quote the document, so each kind gets words of ours.
std::string_view RuleOf(int code) {
  switch (code) {
    case XML_ERR_DOCUMENT_EMPTY:
      return "the document is empty";
    case XML_ERR_DOCUMENT_END:
      return "something follows the document, or it ends early";
    case XML_ERR_INVALID_CHAR:
    case XML_ERR_INVALID_CHARREF:
      return "a character that XML does not allow";
    case XML_ERR_UNDECLARED_ENTITY:
    case XML_WAR_UNDECLARED_ENTITY:
      return "an entity that XML does not define";
    case XML_ERR_ENTITYREF_SEMICOL_MISSING:
    case XML_ERR_NAME_REQUIRED:
    case XML_ERR_ENTITYREF_NO_NAME:
      return "a name was expected, or an ampersand is not written as &amp;";
    case XML_ERR_LT_IN_ATTRIBUTE:
      return "an attribute value holds a <";
    case XML_ERR_ATTRIBUTE_NOT_STARTED:
    case XML_ERR_ATTRIBUTE_WITHOUT_VALUE:
      return "an attribute without a value in quotes";
    case XML_ERR_ATTRIBUTE_NOT_FINISHED:
      return "an attribute value does not end, or is too long";
    case XML_ERR_ATTRIBUTE_REDEFINED:
      return "an attribute comes twice";
    case XML_ERR_TAG_NAME_MISMATCH:
      return "an end tag does not match its start tag";
    case XML_ERR_TAG_NOT_FINISHED:
      return "an element does not end";
    case XML_ERR_GT_REQUIRED:
    case XML_ERR_SPACE_REQUIRED:
      return "a tag is not written as XML wants it";
    case XML_ERR_COMMENT_NOT_FINISHED:
    case XML_ERR_HYPHEN_IN_COMMENT:
      return "a comment holds -- or does not end";
    case XML_NS_ERR_UNDEFINED_NAMESPACE:
      return "a prefix that no xmlns declares";
    default:
      return "not well-formed XML";
  }
}

// Stands between the library and the caller's events and holds the bounds. The library calls it
// through C, so nothing may be thrown out of it.
class Guard {
 public:
  // `skipped`: bytes of the caller's text before `text`.
  Guard(std::string_view text, size_t skipped, const Limits& limits, XmlEvents* events)
      : text_(text), skipped_(skipped), limits_(limits), events_(events) {}

  void Attach(xmlParserCtxt* parser) { parser_ = parser; }
  std::optional<Error>& refused() { return refused_; }

  struct RawStart {
    const xmlChar* name;
    const xmlChar* prefix;
    const xmlChar* uri;
    std::span<const xmlChar* const> namespaces;  // pairs of prefix and URI
    std::span<const xmlChar* const> attributes;  // fives: name, prefix, URI, begin, end
  };

  void Start(const RawStart& raw) {
    // The library stands at the end of the start tag, which can hold no other "<".
    events_->SetOffset(skipped_ + text_.rfind('<', Here()));
    namespaces_.push_back(static_cast<uint32_t>(raw.namespaces.size() / 2));
    namespaces_open_ += namespaces_.back();
    if (namespaces_.size() > limits_.xml_depth_max) {
      return Refuse(TooLarge("nested too deeply"));
    }
    if (++nodes_ > limits_.xml_nodes_max) {
      return Refuse(TooLarge("too many elements in the document"));
    }
    // The library looks a prefix up among all that are open.
    if (namespaces_open_ > limits_.xml_depth_max) {
      return Refuse(TooLarge("too many namespaces declared"));
    }
    ReadAttributes(raw.attributes);
    bool declares_space = false;
    for (size_t at = 0; at < raw.namespaces.size(); at += 2) {
      declares_space |= raw.namespaces[at] == nullptr;
    }
    Forward(events_->ElementStart({SpaceOf(View(raw.uri)), raw.prefix != nullptr, declares_space,
                                   View(raw.name), attributes_}));
  }

  void End() {
    events_->SetOffset(skipped_ + Here());
    namespaces_open_ -= namespaces_.back();
    namespaces_.pop_back();
    Forward(events_->ElementEnd());
  }

  void Text(std::string_view text) {
    events_->SetOffset(skipped_ + Here());
    Forward(events_->Text(text));
  }

  void DocumentType() { Refuse(Invalid("a document type is not allowed")); }

  void LibraryError(const xmlError& error) {
    if (error.level >= XML_ERR_ERROR && !refused_) {
      events_->SetOffset(skipped_ + Here());
      // Its one internal error that a document can bring about is a lookup past 10,000,000 bytes.
      Refuse(error.code == XML_ERR_INTERNAL_ERROR ? TooLarge("a text or value is too long")
                                                  : Invalid(RuleOf(error.code)));
    }
  }

 private:
  size_t Here() const {
    const xmlParserInput* input = parser_->input;
    const size_t here = input == nullptr
                            ? text_.size()
                            : static_cast<size_t>(input->cur - input->base) + input->consumed;
    return std::min(here, text_.size());
  }

  void ReadAttributes(std::span<const xmlChar* const> raw) {
    constexpr size_t kWords = 5;
    attributes_.clear();
    for (size_t at = 0; at + kWords <= raw.size(); at += kWords) {
      attributes_.push_back(
          {SpaceOf(View(raw[at + 2])), View(raw[at]), ValueOf(raw[at + 3], raw[at + 4])});
    }
  }

  void Refuse(Error error) {
    if (!refused_) {
      refused_ = std::move(error);
      xmlStopParser(parser_);
    }
  }
  void Forward(Status status) {
    if (!status.ok()) {
      Refuse(std::move(status).error());
    }
  }

  std::string_view text_;
  size_t skipped_;
  const Limits& limits_;
  XmlEvents* events_;
  xmlParserCtxt* parser_ = nullptr;
  std::vector<uint32_t> namespaces_;  // declared by each open element
  uint32_t namespaces_open_ = 0;
  uint32_t nodes_ = 0;
  std::vector<XmlAttribute> attributes_;
  std::optional<Error> refused_;
};

// Calls `body` on the guard unless the reading was stopped; an exception (no memory) stops it.
template <typename Body>
void Guarded(void* user_data, Body body) {
  auto* guard = static_cast<Guard*>(user_data);
  if (guard->refused()) {
    return;
  }
  try {
    body(*guard);
  } catch (const std::exception&) {
    guard->refused() = Error{Code::kInternal, "the XML reader failed", {}};
  }
}

void OnStart(void* user_data, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri,
             int namespace_count, const xmlChar** namespaces, int attribute_count, int,
             const xmlChar** attributes) {  // NOLINT(readability-function-size): libxml2's
  Guarded(user_data, [&](Guard& guard) {
    guard.Start({name,
                 prefix,
                 uri,
                 {namespaces, static_cast<size_t>(namespace_count) * 2},
                 {attributes, static_cast<size_t>(attribute_count) * 5}});
  });
}

void OnEnd(void* user_data, const xmlChar*, const xmlChar*, const xmlChar*) {
  Guarded(user_data, [](Guard& guard) { guard.End(); });
}

void OnText(void* user_data, const xmlChar* text, int length) {
  Guarded(user_data, [&](Guard& guard) { guard.Text(View(text, text + length)); });
}

void OnDocumentType(void* user_data, const xmlChar*, const xmlChar*, const xmlChar*) {
  Guarded(user_data, [](Guard& guard) { guard.DocumentType(); });
}

void OnError(void* user_data, xmlError* error) {
  Guarded(user_data, [&](Guard& guard) { guard.LibraryError(*error); });
}

// Hands the document to the library in pieces: one of more than 10,000,000 bytes it takes in no
// other way.
int ReadPiece(void* rest, char* out, int room) {
  auto* text = static_cast<std::string_view*>(rest);
  const size_t bytes = text->copy(out, static_cast<size_t>(room));
  text->remove_prefix(bytes);
  return static_cast<int>(bytes);
}

xmlParserInput* LoadNothing(const char*, const char*, xmlParserCtxt*) { return nullptr; }

// Once a process: the library's tables, and a loader that opens nothing, whoever asks (X1).
void PrepareLibrary() {
  static const bool kPrepared = [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(&LoadNothing);
    return true;
  }();
  static_cast<void>(kPrepared);
}

xmlSAXHandler Handler() {
  xmlSAXHandler handler = {};
  handler.initialized = XML_SAX2_MAGIC;
  handler.internalSubset = &OnDocumentType;
  handler.startElementNs = &OnStart;
  handler.endElementNs = &OnEnd;
  handler.characters = &OnText;
  handler.ignorableWhitespace = &OnText;
  handler.serror = &OnError;
  return handler;
}

Status CheckBytes(std::string_view text) {
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return At(Invalid("a NUL byte is not allowed"), text, nul);
  }
  if (const size_t valid = ValidUtf8Prefix(text); valid != text.size()) {
    return At(Invalid("the bytes are not UTF-8"), text, valid);
  }
  return {};
}

}  // namespace

Status ReadXml(std::string_view whole, const Limits& limits, XmlEvents* events) {
  const size_t mark = whole.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::string_view text = whole.substr(mark);
  GW_RETURN_IF_ERROR(CheckBytes(text));
  GW_RETURN_IF_ERROR(MarkupScan(text, limits).Run());
  PrepareLibrary();
  Guard guard(text, mark, limits, events);
  xmlSAXHandler handler = Handler();
  std::string_view rest = text;
  const std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)> parser(
      xmlCreateIOParserCtxt(&handler, &guard, &ReadPiece, nullptr, &rest, XML_CHAR_ENCODING_UTF8),
      &xmlFreeParserCtxt);
  if (parser == nullptr) {
    return Error{Code::kInternal, "the XML reader failed", {}};
  }
  guard.Attach(parser.get());
  xmlCtxtUseOptions(parser.get(), XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
  xmlParseDocument(parser.get());
  if (guard.refused()) {
    return At(*std::move(guard.refused()), text, events->offset() - mark);
  }
  return parser->wellFormed != 0 ? Status() : At(Invalid("not well-formed XML"), text, text.size());
}

void AppendXmlText(std::string_view text, std::string* out) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  while (!text.empty()) {
    const size_t plain = std::min(text.find_first_of("&<>\"'\t\n\r"), text.size());
    for (size_t at = 0; at < plain;) {
      const auto byte = static_cast<uint8_t>(text[at]);
      if (byte >= 0x20 && byte < 0x80) {
        *out += text[at++];
        continue;
      }
      const CodePoint point = FirstCodePoint(text.substr(at, plain - at));
      // Bytes that are not UTF-8 come as U+FFFD, which stands above the rest with what is left out.
      const bool is_allowed = point.value >= 0x20 && (point.value < 0xFFFD || point.value > 0xFFFF);
      *out += is_allowed ? text.substr(at, point.bytes) : kReplacement;
      at += point.bytes;
    }
    text.remove_prefix(plain);
    if (text.empty()) {
      return;
    }
    switch (text.front()) {
      case '&':
        *out += "&amp;";
        break;
      case '<':
        *out += "&lt;";
        break;
      case '>':
        *out += "&gt;";
        break;
      case '"':
        *out += "&quot;";
        break;
      case '\'':
        *out += "&#39;";
        break;
      default:
        *out += "&#" + std::to_string(static_cast<int>(text.front())) + ";";
    }
    text.remove_prefix(1);
  }
}

}  // namespace gw::fhir
