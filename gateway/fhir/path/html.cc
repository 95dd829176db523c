#include <algorithm>
#include <array>
#include <vector>

#include "gateway/fhir/path/html_internal.h"

namespace gw::fhir::path {
namespace {

constexpr size_t kDepthMax = 200;

// R4 narrative.html: chapters 7 to 11 (except section 4 of 9) and 15 of HTML 4.0, a, img, style.
constexpr auto kElements = std::to_array<std::string_view>(
    {"a",    "abbr",  "acronym", "b",        "big",   "blockquote", "br",     "caption",
     "cite", "code",  "col",     "colgroup", "dd",    "dfn",        "div",    "dl",
     "dt",   "em",    "h1",      "h2",       "h3",    "h4",         "h5",     "h6",
     "hr",   "i",     "img",     "ins",      "del",   "kbd",        "li",     "ol",
     "p",    "pre",   "q",       "samp",     "small", "span",       "strong", "sub",
     "sup",  "table", "tbody",   "td",       "tfoot", "th",         "thead",  "tr",
     "tt",   "u",     "ul",      "var",      "bdo",   "address",    "style"});
constexpr auto kAttributes = std::to_array<std::string_view>(
    {"abbr",       "accesskey",   "align",       "alt",        "axis",   "bgcolor", "border",
     "cellhalign", "cellpadding", "cellspacing", "cellvalign", "char",   "charoff", "charset",
     "cite",       "class",       "colspan",     "compact",    "coords", "dir",     "frame",
     "headers",    "height",      "href",        "hreflang",   "hspace", "id",      "lang",
     "longdesc",   "name",        "nowrap",      "rel",        "rev",    "rowspan", "rules",
     "scope",      "shape",       "span",        "src",        "start",  "style",   "summary",
     "tabindex",   "title",       "type",        "usemap",     "valign", "value",   "vspace",
     "width",      "xml:lang",    "xmlns"});

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Reads the markup once. Values are not kept.
class NarrativeReader {
 public:
  explicit NarrativeReader(std::string_view text) : text_(text) {}

  bool Read() {
    SkipBlank();
    while (at_ < text_.size()) {
      if (text_[at_] == '<' ? !Markup() : !Text()) {
        return false;
      }
    }
    return closed_ && open_.empty() && has_content_;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipBlank() {
    while (IsBlank(peek())) {
      ++at_;
    }
  }

  bool Text() {
    const bool blank = IsBlank(text_[at_]);
    has_content_ |= !blank;
    ++at_;
    return blank || !open_.empty();
  }

  bool Markup() {
    if (text_.substr(at_).starts_with("<!--")) {
      const size_t end = text_.find("-->", at_ + 4);
      at_ = end == std::string_view::npos ? text_.size() : end + 3;
      return end != std::string_view::npos;
    }
    ++at_;
    if (peek() == '/') {
      ++at_;
      return Close();
    }
    return Open();
  }

  std::string_view Name() {
    const size_t begin = at_;
    while (at_ < text_.size() && !IsBlank(text_[at_]) &&
           std::string_view("<>/='\"").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  bool Open() {
    const std::string_view name = Name();
    const bool first = open_.empty();
    if (closed_ || open_.size() > kDepthMax || !Has(kElements, name) || (first && name != "div")) {
      return false;
    }
    has_content_ |= name == "img";
    SkipBlank();
    while (peek() != '>' && peek() != '/') {
      if (!Attribute()) {
        return false;
      }
      SkipBlank();
    }
    const bool empty = peek() == '/';
    at_ += empty ? 2 : 1;
    if (at_ > text_.size() || text_[at_ - 1] != '>') {
      return false;
    }
    if (!empty) {
      open_.push_back(name);
    }
    closed_ |= empty && first;
    return true;
  }

  bool Attribute() {
    const std::string_view name = Name();
    if (!Has(kAttributes, name) && !name.starts_with("xmlns:")) {
      return false;
    }
    SkipBlank();
    if (peek() != '=') {
      return false;
    }
    ++at_;
    SkipBlank();
    const char quote = peek();
    const size_t end =
        quote == '"' || quote == '\'' ? text_.find(quote, at_ + 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      return false;
    }
    const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value.find('<') == std::string_view::npos && !value.starts_with("javascript:");
  }

  bool Close() {
    const std::string_view name = Name();
    SkipBlank();
    if (peek() != '>' || open_.empty() || open_.back() != name) {
      return false;
    }
    ++at_;
    open_.pop_back();
    closed_ |= open_.empty();
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<std::string_view> open_;
  bool closed_ = false;
  bool has_content_ = false;
};

}  // namespace

bool IsNarrative(std::string_view text) { return NarrativeReader(text).Read(); }

}  // namespace gw::fhir::path
