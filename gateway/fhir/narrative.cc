#include "gateway/fhir/narrative.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "gateway/base/place.h"
#include "gateway/base/utf8.h"
#include "gateway/fhir/narrative_internal.h"
#include "gateway/fhir/resource.h"
#include "gateway/fhir/xml_internal.h"

namespace gw::fhir {
namespace {

// R4 narrative.html: chapters 7 to 11 (except section 4 of chapter 9) and 15 of HTML 4.0, links,
// images and their maps. Each table is sorted.
constexpr auto kElements = std::to_array<std::string_view>(
    {"a",   "abbr",    "acronym", "address", "area", "b",     "bdo",      "big",    "blockquote",
     "br",  "caption", "center",  "cite",    "code", "col",   "colgroup", "dd",     "dfn",
     "div", "dl",      "dt",      "em",      "font", "h1",    "h2",       "h3",     "h4",
     "h5",  "h6",      "hr",      "i",       "img",  "kbd",   "li",       "map",    "ol",
     "p",   "pre",     "q",       "s",       "samp", "small", "span",     "strike", "strong",
     "sub", "sup",     "table",   "tbody",   "td",   "tfoot", "th",       "thead",  "tr",
     "tt",  "u",       "ul",      "var"});
constexpr auto kAttributes = std::to_array<std::string_view>(
    {"abbr",        "accesskey",   "align",    "alt",     "axis",     "bgcolor",  "border",
     "cellpadding", "cellspacing", "char",     "charoff", "charset",  "cite",     "class",
     "clear",       "color",       "colspan",  "compact", "coords",   "dir",      "face",
     "frame",       "headers",     "height",   "href",    "hreflang", "hspace",   "id",
     "ismap",       "lang",        "longdesc", "name",    "nohref",   "noshade",  "nowrap",
     "rel",         "rev",         "rowspan",  "rules",   "scope",    "shape",    "size",
     "span",        "src",         "start",    "style",   "summary",  "tabindex", "title",
     "type",        "usemap",      "valign",   "value",   "vspace",   "width",    "xml:lang",
     "xml:space",   "xmlns"});
static_assert(std::is_sorted(kElements.begin(), kElements.end()));
static_assert(std::is_sorted(kAttributes.begin(), kAttributes.end()));

constexpr auto kUrlAttributes =
    std::to_array<std::string_view>({"cite", "href", "longdesc", "src", "usemap"});
// The schemes that a browser follows without running what it finds.
constexpr auto kSchemes =
    std::to_array<std::string_view>({"cid", "ftp", "http", "https", "mailto", "tel", "urn"});
// Those that a reader's click can follow.
constexpr auto kLinkSchemes =
    std::to_array<std::string_view>({"cid", "ftp", "http", "https", "mailto", "sms", "tel"});
constexpr std::string_view kImageData = "data:image/";
// What a style may not hold: addresses other than of images inside the page, and old ways to run
// code or to hide either by an escape.
constexpr auto kActiveStyle = std::to_array<std::string_view>(
    {"\\", "expression(", "javascript:", "@import", "behavior:", "-moz-binding", "/*"});

template <typename Names>
bool Has(const Names& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<uint8_t>(c) & 0x80) != 0;
}
bool IsNamePart(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

bool IsXmlCharacter(uint32_t value) {
  return value == '\t' || value == '\n' || value == '\r' || (value >= 0x20 && value <= 0xD7FF) ||
         (value >= 0xE000 && value <= 0xFFFD) || (value >= 0x10000 && value <= 0x10FFFF);
}

// Does the text begin with a character that XML has no way to write?
bool StartsWithNoCharacter(std::string_view text) {
  const auto first = static_cast<uint8_t>(text.front());
  return (first < 0x20 && !IsBlank(text.front())) || text.starts_with("\xEF\xBF\xBE") ||
         text.starts_with("\xEF\xBF\xBF");
}

// The character that "&...;" at the front of `text` stands for; `*bytes` it takes. 0: none.
char32_t Reference(std::string_view text, size_t* bytes) {
  constexpr size_t kLengthMax = 12;
  const size_t end = text.substr(0, kLengthMax).find(';');
  if (end == std::string_view::npos) {
    return 0;
  }
  *bytes = end + 1;
  std::string_view name = text.substr(1, end - 1);
  if (!name.starts_with('#')) {
    constexpr std::pair<std::string_view, char32_t> kNamed[] = {
        {"amp", U'&'}, {"lt", U'<'}, {"gt", U'>'}, {"quot", U'"'}, {"apos", U'\''}};
    for (const auto& [known, value] : kNamed) {
      if (name == known) {
        return value;
      }
    }
    return 0;
  }
  name.remove_prefix(1);
  const bool is_hex = name.starts_with('x');
  name.remove_prefix(is_hex ? 1 : 0);
  uint32_t value = 0;
  const auto [stop, error] =
      std::from_chars(name.data(), name.data() + name.size(), value, is_hex ? 16 : 10);
  const bool is_number = error == std::errc() && stop == name.data() + name.size();
  return is_number && IsXmlCharacter(value) ? static_cast<char32_t>(value) : 0;
}

// A value as a browser takes an address or a style: references resolved, white space and controls
// left out, letters small.
std::string Folded(std::string_view value) {
  std::string folded;
  while (!value.empty()) {
    size_t bytes = 1;
    char32_t c = static_cast<uint8_t>(value.front());
    if (c == '&') {
      c = Reference(value, &bytes);
    }
    if (c >= 'A' && c <= 'Z') {
      c += 'a' - 'A';
    }
    if (c > 0x20) {
      c<0x80 || bytes> 1 ? AppendUtf8(c, &folded) : folded.push_back(value.front());
    }
    value.remove_prefix(bytes);
  }
  return folded;
}

bool IsSafeUrl(std::string_view element, std::string_view attribute, std::string_view value) {
  const std::string url = Folded(value);
  const size_t colon = url.find_first_of(":/?#");
  if (colon == std::string::npos || url[colon] != ':') {
    return true;  // relative, or within the page
  }
  const bool is_link = element == "a" && attribute == "href";
  return Has(is_link ? kLinkSchemes : kSchemes, url.substr(0, colon)) ||
         (attribute == "src" && url.starts_with(kImageData));
}

bool IsSafeStyle(std::string_view value) {
  constexpr std::string_view kUrl = "url(";
  const std::string style = Folded(value);
  for (const std::string_view active : kActiveStyle) {
    if (style.find(active) != std::string::npos) {
      return false;
    }
  }
  for (size_t at = style.find(kUrl); at != std::string::npos; at = style.find(kUrl, at + 1)) {
    const size_t start = style.find_first_not_of("\"'", at + kUrl.size());
    if (start == std::string::npos ||
        (style[start] != '#' && !style.substr(start).starts_with(kImageData))) {
      return false;
    }
  }
  return true;
}

// Reads a narrative once: what makes it well formed always, which ends it; what else FHIR asks of
// it where `reading` takes it.
class NarrativeReader {
 public:
  NarrativeReader(std::string_view text, const Limits& limits, NarrativeReading* reading)
      : text_(text), limits_(limits), reading_(reading) {}

  Status Read();
  bool has_namespace() const { return has_namespace_; }
  size_t offset() const { return at_; }
  std::string_view rule() const { return rule_; }  // that made it unreadable

 private:
  // What makes it unreadable; `rule` is a constant.
  Error Refusal(std::string_view rule, Code code = Code::kInvalid) {
    rule_ = rule;
    return {code, std::string(rule), {}};
  }
  void Note(NarrativeRule rule, std::string_view detail) {
    if (reading_ != nullptr) {
      reading_->faults.push_back({rule, detail, at_});
    }
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Starts(std::string_view markup) const { return text_.substr(at_).starts_with(markup); }
  void SkipBlank() {
    while (IsBlank(Peek())) {
      ++at_;
    }
  }
  std::string_view Name();
  Status Text();
  Status Markup();
  Status Comment();
  Status Open();
  Status CheckElement(std::string_view name);
  Status Attributes(std::string_view element);
  Status Attribute(std::string_view element);
  Status Value(std::string_view* value);
  void CheckAttribute(std::string_view element, std::string_view name, std::string_view value);
  // The character that a reference at the front of `text` means; 0: none. *bytes it takes; where
  // that is not 0, it has the form of one.
  char32_t Resolve(std::string_view text, size_t* bytes);
  Status Close();

  std::string_view text_;
  const Limits& limits_;
  NarrativeReading* reading_;
  std::string_view rule_;
  size_t at_ = 0;
  std::set<std::string_view> refused_;  // addresses that were noted
  std::vector<std::string_view> open_;
  std::vector<std::string_view> attributes_;  // of the tag at hand
  bool is_closed_ = false;
  bool has_namespace_ = false;
  bool has_content_ = false;
};

Status NarrativeReader::Read() {
  at_ = ValidUtf8Prefix(text_);
  if (at_ != text_.size()) {
    return Refusal("the bytes are not UTF-8");
  }
  at_ = 0;
  if (reading_ != nullptr) {
    SkipBlank();
  }
  while (at_ < text_.size() && !is_closed_) {
    GW_RETURN_IF_ERROR(Peek() == '<' ? Markup() : Text());
  }
  if (reading_ != nullptr) {
    SkipBlank();
  }
  if (!is_closed_ || at_ != text_.size()) {
    return Refusal(is_closed_ ? "something follows the div of the narrative"
                              : "an element of the narrative does not end");
  }
  if (!has_namespace_) {
    Note(NarrativeRule::kNamespace,
         "the div of a narrative declares the namespace http://www.w3.org/1999/xhtml");
  }
  if (!has_content_) {
    Note(NarrativeRule::kContent, "the narrative SHALL have some non-whitespace content (txt-2)");
  }
  return {};
}

char32_t NarrativeReader::Resolve(std::string_view text, size_t* bytes) {
  *bytes = 0;
  const char32_t c = Reference(text, bytes);
  if (c != 0) {
    return c;
  }
  const size_t end = std::min(text.find(';'), text.size());
  const std::string_view name = text.substr(1, end - 1);
  const bool has_form = end < text.size() && !name.empty() && IsNameStart(name.front()) &&
                        std::all_of(name.begin(), name.end(), IsNamePart);
  *bytes = reading_ != nullptr && has_form ? end + 1 : 0;
  return 0;
}

Status NarrativeReader::Text() {
  if (open_.empty()) {
    return Refusal("a narrative is one div");
  }
  while (at_ < text_.size() && Peek() != '<') {
    size_t bytes = 1;
    if (Peek() == '&') {
      const char32_t c = Resolve(text_.substr(at_), &bytes);
      if (c == 0 && bytes == 0) {
        return Refusal("an entity that XML does not define");
      }
      if (c == 0) {
        Note(NarrativeRule::kEntity, "an entity that XML does not define");
      }
      // A no-break space is a space to a reader; txt-2 asks for more.
      has_content_ |= c > 0x20 && c != 0xA0;
    } else if (StartsWithNoCharacter(text_.substr(at_))) {
      return Refusal("a character that XML does not allow");
    } else if (Starts("]]>")) {
      return Refusal("a character or mark that XML does not allow in a text");
    } else {
      has_content_ |= !IsBlank(Peek());
    }
    at_ += bytes;
  }
  return {};
}

Status NarrativeReader::Markup() {
  if (Starts("<!--")) {
    return Comment();
  }
  // What XML takes for text or an instruction, a browser's HTML reader may take for elements.
  if (Starts("<!") || Starts("<?")) {
    return Refusal("a narrative has no markup but elements and comments");
  }
  return Starts("</") ? Close() : Open();
}

Status NarrativeReader::Comment() {
  constexpr std::string_view kStart = "<!--";
  constexpr std::string_view kEnd = "-->";
  const size_t end = text_.find("--", at_ + kStart.size());
  if (open_.empty() || end == std::string_view::npos || !text_.substr(end).starts_with(kEnd)) {
    return Refusal("a comment holds -- or does not end, or stands outside of the div");
  }
  const std::string_view comment = text_.substr(at_ + kStart.size(), end - at_ - kStart.size());
  for (size_t at = 0; at < comment.size(); ++at) {
    if (StartsWithNoCharacter(comment.substr(at))) {
      return Refusal("a character that XML does not allow");
    }
  }
  // To HTML "<!-->" and "<!--->" are whole comments, and what follows is live.
  if (reading_ != nullptr && (comment.starts_with('>') || comment.starts_with("->"))) {
    return Refusal("a comment that HTML ends earlier than XML");
  }
  at_ = end + kEnd.size();
  return {};
}

std::string_view NarrativeReader::Name() {
  const size_t begin = at_;
  if (IsNameStart(Peek())) {
    while (IsNamePart(Peek())) {
      ++at_;
    }
  }
  return text_.substr(begin, at_ - begin);
}

Status NarrativeReader::CheckElement(std::string_view name) {
  if (name.empty() || name.find(':') != std::string_view::npos) {
    return Refusal("the name of an element, without a prefix, was expected");
  }
  if (open_.empty() && name != "div") {
    return Refusal("a narrative is one div");
  }
  // Half of what a document may have, so that a narrative fits wherever it stands in one.
  if (open_.size() == limits_.xml_depth_max / 2) {
    return Refusal("nested too deeply", Code::kTooLarge);
  }
  if (!Has(kElements, name)) {
    Note(NarrativeRule::kAllowed, "an element that a narrative may not have (txt-1)");
  }
  return {};
}

Status NarrativeReader::Open() {
  ++at_;
  const std::string_view name = Name();
  GW_RETURN_IF_ERROR(CheckElement(name));
  const bool is_root = open_.empty();
  GW_RETURN_IF_ERROR(Attributes(name));
  has_content_ |= name == "img";
  const bool is_empty = Peek() == '/';
  at_ += is_empty ? 1 : 0;
  if (Peek() != '>') {
    return Refusal("a tag does not end");
  }
  ++at_;
  if (is_empty) {
    is_closed_ = is_root;
  } else {
    open_.push_back(name);
  }
  return {};
}

Status NarrativeReader::Attributes(std::string_view element) {
  attributes_.clear();
  while (true) {
    const size_t before = at_;
    SkipBlank();
    if (Peek() == '>' || Peek() == '/') {
      return {};
    }
    if (at_ == before) {
      return Refusal("a space was expected before an attribute");
    }
    if (attributes_.size() == limits_.xml_attributes_max) {
      return Refusal("too many attributes in an element", Code::kTooLarge);
    }
    GW_RETURN_IF_ERROR(Attribute(element));
  }
}

Status NarrativeReader::Attribute(std::string_view element) {
  const std::string_view name = Name();
  const bool has_prefix = name.find(':') != std::string_view::npos;
  if (name.empty() || (has_prefix && name != "xml:lang" && name != "xml:space")) {
    return Refusal("the name of an attribute, without a prefix, was expected");
  }
  if (std::find(attributes_.begin(), attributes_.end(), name) != attributes_.end()) {
    return Refusal("an attribute comes twice");
  }
  attributes_.push_back(name);
  std::string_view value;
  GW_RETURN_IF_ERROR(Value(&value));
  if (name == "xmlns") {
    if (value != kXhtmlNamespace) {
      return Refusal("the namespace of a narrative is http://www.w3.org/1999/xhtml");
    }
    has_namespace_ |= open_.empty() && element == "div";
  }
  if (reading_ != nullptr) {
    CheckAttribute(element, name, value);
  }
  return {};
}

// ="value" or ='value'.
Status NarrativeReader::Value(std::string_view* value) {
  SkipBlank();
  const bool has_sign = Peek() == '=';
  at_ += has_sign ? 1 : 0;
  SkipBlank();
  const char quote = Peek();
  const size_t end = has_sign && (quote == '"' || quote == '\'') ? text_.find(quote, at_ + 1)
                                                                 : std::string_view::npos;
  if (end == std::string_view::npos) {
    return Refusal("an attribute without a value in quotes");
  }
  *value = text_.substr(at_ + 1, end - at_ - 1);
  for (size_t at = 0; at < value->size(); ++at) {
    const char c = (*value)[at];
    size_t bytes = 1;
    const bool is_unknown = c == '&' && Resolve(value->substr(at), &bytes) == 0;
    if (c == '<' || StartsWithNoCharacter(value->substr(at)) || bytes == 0) {
      return Refusal("an attribute value holds a character that XML does not allow");
    }
    if (is_unknown) {
      Note(NarrativeRule::kEntity, "an entity that XML does not define");
    }
  }
  at_ = end + 1;
  return {};
}

void NarrativeReader::CheckAttribute(std::string_view element, std::string_view name,
                                     std::string_view value) {
  if (!Has(kAttributes, name)) {
    Note(NarrativeRule::kAllowed, "an attribute that a narrative may not have (txt-1)");
  } else if (value.size() > 1 && value.front() == '#' && (name == "href" || name == "src")) {
    reading_->local_links.push_back(value.substr(1));
  } else if (Has(kUrlAttributes, name) && !IsSafeUrl(element, name, value)) {
    if (refused_.insert(value).second) {
      Note(NarrativeRule::kAddress, "an address of a kind that a narrative may not have");
    }
  } else if (name == "style" && !IsSafeStyle(value)) {
    Note(NarrativeRule::kStyle, "a style that is not contained in the narrative (txt-1)");
  }
}

Status NarrativeReader::Close() {
  at_ += 2;
  const std::string_view name = Name();
  SkipBlank();
  if (open_.empty() || name != open_.back() || Peek() != '>') {
    return Refusal("an end tag does not match its start tag");
  }
  ++at_;
  open_.pop_back();
  is_closed_ = open_.empty();
  return {};
}

}  // namespace

NarrativeForm FormOf(std::string_view div) {
  const Limits limits;
  NarrativeReader reader(div, limits, nullptr);
  const bool is_well_formed = reader.Read().ok();
  return {is_well_formed, reader.has_namespace()};
}

NarrativeReading ReadNarrative(std::string_view div, const Limits& limits) {
  NarrativeReading reading;
  NarrativeReader reader(div, limits, &reading);
  if (const Status read = reader.Read(); !read) {
    const bool is_bound = read.error().code == Code::kTooLarge;
    reading.faults.push_back(
        {is_bound ? NarrativeRule::kBounds : NarrativeRule::kForm, reader.rule(), reader.offset()});
  }
  return reading;
}

Status CheckNarrative(std::string_view div, const Limits& limits) {
  const NarrativeReading reading = ReadNarrative(div, limits);
  if (reading.faults.empty()) {
    return {};
  }
  const NarrativeFault& first = reading.faults.front();
  return Error{first.rule == NarrativeRule::kBounds ? Code::kTooLarge : Code::kInvalid,
               std::string(first.detail), ToText(PlaceAt(div, first.offset))};
}

}  // namespace gw::fhir
