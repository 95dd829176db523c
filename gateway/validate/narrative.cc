#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

constexpr size_t kDepthMax = 200;
constexpr std::string_view kNamespace = "http://www.w3.org/1999/xhtml";

// R4 narrative.html: chapters 7 to 11 (except section 4 of 9) and 15 of HTML 4.0, a, img.
constexpr auto kElements = std::to_array<std::string_view>(
    {"a",   "abbr",    "acronym", "address", "area",  "b",        "bdo",    "big",   "blockquote",
     "br",  "caption", "cite",    "code",    "col",   "colgroup", "dd",     "del",   "dfn",
     "div", "dl",      "dt",      "em",      "h1",    "h2",       "h3",     "h4",    "h5",
     "h6",  "hr",      "i",       "img",     "ins",   "kbd",      "li",     "map",   "ol",
     "p",   "pre",     "q",       "samp",    "small", "span",     "strong", "style", "sub",
     "sup", "table",   "tbody",   "td",      "tfoot", "th",       "thead",  "tr",    "tt",
     "u",   "ul",      "var"});
constexpr auto kAttributes = std::to_array<std::string_view>(
    {"abbr",       "accesskey",   "align",       "alt",        "axis",     "bgcolor",  "border",
     "cellhalign", "cellpadding", "cellspacing", "cellvalign", "char",     "charoff",  "charset",
     "cite",       "class",       "colspan",     "compact",    "coords",   "datetime", "dir",
     "frame",      "headers",     "height",      "href",       "hreflang", "hspace",   "id",
     "ismap",      "lang",        "longdesc",    "name",       "nohref",   "nowrap",   "rel",
     "rev",        "rowspan",     "rules",       "scope",      "shape",    "span",     "src",
     "start",      "style",       "summary",     "tabindex",   "title",    "type",     "usemap",
     "valign",     "value",       "vspace",      "width",      "xml:lang"});
constexpr auto kLinkSchemes =
    std::to_array<std::string_view>({"http", "https", "ftp", "mailto", "tel", "sms", "cid"});
constexpr auto kEntities = std::to_array<std::string_view>({"amp", "lt", "gt", "quot", "apos"});

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
         c == '-' || c == '_' || c == '.' || static_cast<uint8_t>(c) >= 0x80;
}

// Reads one narrative once and says what is wrong with it; markup that cannot be read ends it.
class NarrativeReader {
 public:
  NarrativeReader(const fhir::Element& div, Findings* findings,
                  std::vector<std::string_view>* local_references)
      : div_(div), findings_(*findings), local_(*local_references), text_(div.text()) {}

  void Read() {
    while (at_ < text_.size() && !is_broken_) {
      if (text_[at_] == '<') {
        Markup();
      } else {
        Text();
      }
    }
    if (!is_broken_ && (!open_.empty() || !is_closed_)) {
      Break("its tags do not nest");
    }
    if (is_broken_) {
      return;
    }
    if (breaks_rules_) {
      Invariant("txt-1",
                "The narrative SHALL contain only the basic html formatting elements and "
                "attributes");
    }
    if (!has_content_) {
      Invariant("txt-2", "The narrative SHALL have some non-whitespace content");
    }
    for (std::string& fault : faults_) {
      findings_.Error("value", "xhtml", div_, std::move(fault));
    }
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void Break(std::string_view fault) {
    is_broken_ = true;
    findings_.Error("value", "xhtml", div_, "not well-formed XHTML: " + std::string(fault));
  }

  void Invariant(std::string_view key, std::string_view human) {
    findings_.Error("invariant", key, div_, std::string(key) + ": " + std::string(human));
  }

  void SkipBlank() {
    while (IsBlank(peek())) {
      ++at_;
    }
  }

  std::string_view Name() {
    const size_t start = at_;
    while (at_ < text_.size() && IsNameByte(text_[at_])) {
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  bool SkipPast(std::string_view end) {
    const size_t found = text_.find(end, at_);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    return found != std::string_view::npos;
  }

  void Text() {
    const size_t end = std::min(text_.find('<', at_), text_.size());
    const std::string_view run = text_.substr(at_, end - at_);
    at_ = end;
    const bool is_blank = std::all_of(run.begin(), run.end(), IsBlank);
    if (open_.empty() && !is_blank) {
      Break("text outside of the div");
      return;
    }
    has_content_ = has_content_ || !is_blank;
    References(run);
  }

  // XML knows five entities by name; what only HTML knows cannot be read without its DTD.
  void References(std::string_view run) {
    for (size_t at = run.find('&'); at != std::string_view::npos; at = run.find('&', at + 1)) {
      const size_t end = run.find(';', at);
      const std::string_view name =
          end == std::string_view::npos ? std::string_view() : run.substr(at + 1, end - at - 1);
      if (name.empty()) {
        Break("an ampersand that begins no entity");
        return;
      }
      if (name.front() != '#' && !Has(kEntities, name)) {
        faults_.emplace_back("an entity that is none of XML's");
      }
    }
  }

  void Markup() {
    if (text_.substr(at_).starts_with("<!--")) {
      at_ += 4;
      if (!SkipPast("-->")) {
        Break("a comment without an end");
      }
      return;
    }
    if (text_.substr(at_).starts_with("<!") || text_.substr(at_).starts_with("<?")) {
      Break("a declaration or instruction");
      return;
    }
    ++at_;
    if (peek() == '/') {
      ++at_;
      EndTag();
    } else {
      StartTag();
    }
  }

  void EndTag() {
    const std::string_view name = Name();
    SkipBlank();
    if (peek() != '>' || open_.empty() || open_.back() != name) {
      Break("its tags do not nest");
      return;
    }
    ++at_;
    open_.pop_back();
    is_closed_ = open_.empty();
  }

  void StartTag() {
    const std::string_view name = Name();
    if (name.empty() || is_closed_ || open_.size() >= kDepthMax) {
      Break("a tag where none may stand");
      return;
    }
    if (open_.empty() && name != "div") {
      Break("its root is not a div");
      return;
    }
    if (!Has(kElements, name)) {
      breaks_rules_ = true;
      faults_.emplace_back("an element that narrative does not have");
    }
    has_content_ = has_content_ || name == "img";
    const bool is_root = open_.empty();
    has_namespace_ = !is_root;
    if (!Attributes(name)) {
      return;
    }
    if (is_root && !has_namespace_) {
      faults_.emplace_back("the div is not of the XHTML namespace");
    }
    if (peek() == '/') {
      ++at_;
      if (peek() != '>') {
        Break("a tag without an end");
        return;
      }
      is_closed_ = open_.empty();
    } else {
      open_.push_back(name);
    }
    ++at_;
  }

  // Up to the end of the tag; false where that cannot be read.
  bool Attributes(std::string_view element) {
    for (;;) {
      SkipBlank();
      if (peek() == '>' || peek() == '/') {
        return true;
      }
      const std::string_view name = Name();
      SkipBlank();
      if (name.empty() || peek() != '=') {
        Break("an attribute without a value");
        return false;
      }
      ++at_;
      SkipBlank();
      const char quote = peek();
      const size_t end =
          quote == '"' || quote == '\'' ? text_.find(quote, at_ + 1) : std::string_view::npos;
      if (end == std::string_view::npos) {
        Break("an attribute without quotes");
        return false;
      }
      const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      Attribute(element, name, value);
      if (is_broken_) {
        return false;
      }
    }
  }

  void Attribute(std::string_view element, std::string_view name, std::string_view value) {
    References(value);
    if (name == "xmlns") {
      has_namespace_ = has_namespace_ || value == kNamespace;
      return;
    }
    if (name.starts_with("xmlns:")) {
      return;
    }
    if (!Has(kAttributes, name)) {
      breaks_rules_ = true;
      faults_.emplace_back("an attribute that narrative does not have");
      return;
    }
    if (value.size() > 1 && value.front() == '#' && (name == "href" || name == "src")) {
      local_.push_back(value.substr(1));
    } else if (name == "href" && element == "a") {
      Link(value);
    }
  }

  // A link leads to a page, a mail or a call, or to a place nearby; not into a program.
  void Link(std::string_view value) {
    while (!value.empty() && IsBlank(value.front())) {
      value.remove_prefix(1);
    }
    const size_t end = value.find_first_of(":/?#");
    if (end == std::string_view::npos || value[end] != ':') {
      return;
    }
    std::string scheme(value.substr(0, end));
    for (char& c : scheme) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (!Has(kLinkSchemes, scheme) && refused_.insert(value).second) {
      faults_.emplace_back("a link whose scheme cannot be followed");
    }
  }

  const fhir::Element& div_;
  Findings& findings_;
  std::vector<std::string_view>& local_;
  std::string_view text_;
  size_t at_ = 0;
  std::set<std::string_view> refused_;  // links that were reported
  std::vector<std::string_view> open_;
  std::vector<std::string> faults_;
  bool is_closed_ = false;
  bool is_broken_ = false;
  bool breaks_rules_ = false;
  bool has_content_ = false;
  bool has_namespace_ = false;
};

}  // namespace

void CheckNarrative(const fhir::Element& div, Findings* findings,
                    std::vector<std::string_view>* local_references) {
  NarrativeReader(div, findings, local_references).Read();
}

}  // namespace gw::validate
