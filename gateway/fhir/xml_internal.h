#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"

namespace gw::fhir {

class TypeDef;

inline constexpr std::string_view kFhirNamespace = "http://hl7.org/fhir";
inline constexpr std::string_view kXhtmlNamespace = "http://www.w3.org/1999/xhtml";

// The namespaces that a FHIR document may name.
enum class XmlSpace : uint8_t { kNone, kFhir, kXhtml, kSchemaInstance, kXml, kOther };

struct XmlAttribute {
  XmlSpace space;
  std::string_view name;  // without its prefix
  std::string value;      // references resolved
};

struct XmlStart {
  XmlSpace space;
  bool has_prefix;
  bool declares_space;  // by an xmlns of its own, without a prefix
  std::string_view name;
  std::span<const XmlAttribute> attributes;
};

// Receives one XML document as events, in document order; comments and processing instructions are
// not among them. A returned error stops the reading and comes back from ReadXml with line and
// column added to `where`. Views live for the call only.
class XmlEvents {
 public:
  virtual ~XmlEvents() = default;
  virtual Status ElementStart(const XmlStart& element) = 0;
  virtual Status ElementEnd() = 0;
  virtual Status Text(std::string_view text) = 0;  // in pieces, references resolved

  // Where the event at hand stands in the text, in bytes: the "<" of a start tag, the byte behind
  // the ">" of an end tag, a place within or behind a piece of text.
  size_t offset() const { return offset_; }
  void SetOffset(size_t offset) { offset_ = offset; }  // for the reader only

 private:
  size_t offset_ = 0;
};

// A narrative while a document is read: its tree keeps the bytes as they stand, not its elements.
class OpenNarrative {
 public:
  bool is_open() const { return depth_ > 0; }
  // For each start tag, from that of the div, with where its "<" stands.
  void Start(size_t offset) { begin_ = depth_++ == 0 ? offset : begin_; }
  // For each end tag; true where it is that of the div.
  bool End() { return --depth_ == 0; }
  size_t begin() const { return begin_; }
  // `end`: behind the end tag of the div.
  std::string_view Bytes(std::string_view text, size_t end) const {
    return text.substr(begin_, end - begin_);
  }

 private:
  size_t begin_ = 0;
  uint32_t depth_ = 0;
};

// Is the text what may stand between elements?
bool IsXmlBlank(std::string_view text);

// Reads exactly one XML document, hardened: depth, elements, attributes and open namespaces
// bounded; a document type, entities other than XML's five, encodings other than UTF-8, NUL, bytes
// that are not UTF-8 and what is not well formed or breaks the rules of namespaces refused. Nothing
// is ever fetched. A byte order mark is passed over. Texts and attribute values end at 10,000,000
// bytes, libxml2's own bound. Errors: kInvalid with the rule, where = "line L, column C" (columns
// count characters); kTooLarge past a bound of `limits`. Source: XML 1.0; pitfalls X1 to X4 of
// libxml2 2.9.14. Re-entrant.
Status ReadXml(std::string_view text, const Limits& limits, XmlEvents* events);

// What stands as an attribute in XML: ids of elements, Extension.url and the values of primitives
// (R4 xml.html).
bool IsXmlAttribute(const TypeDef& type, std::string_view element_name);

// Appends text for an attribute value or for content, so that any reader gives back the same:
// markup, quotes, tabs and line ends as references. A character that XML 1.0 cannot hold becomes
// U+FFFD.
void AppendXmlText(std::string_view text, std::string* out);

}  // namespace gw::fhir
