#include <algorithm>
#include <string>

#include "gateway/base/utf8.h"
#include "gateway/validate/mend_internal.h"

namespace gw::validate {
namespace {

constexpr std::string_view kDigits = "0123456789+-.eE";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class MendingReader {
 public:
  MendingReader(std::string_view text, const Limits& limits, std::vector<JsonFault>* faults)
      : text_(text), limits_(limits), faults_(*faults) {}

  // False where it gave up; fatal() says why.
  bool Read(MendedNode* root) {
    SkipBlank();
    if (!Value(root, 0)) {
      return false;
    }
    SkipBlank();
    return at_ == text_.size() || GiveUp("more text after the end of the resource");
  }

  const JsonFault& fatal() const { return fatal_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool GiveUp(std::string detail) {
    fatal_ = {static_cast<uint32_t>(at_), std::move(detail)};
    return false;
  }

  void Fault(size_t at, std::string detail) {
    faults_.push_back({static_cast<uint32_t>(at), std::move(detail)});
  }

  // White space, and comments, which JSON does not have.
  void SkipBlank() {
    for (;;) {
      while (IsBlank(peek())) {
        ++at_;
      }
      const std::string_view rest = text_.substr(std::min(at_, text_.size()));
      const bool is_line = rest.starts_with("//");
      if (!is_line && !rest.starts_with("/*")) {
        return;
      }
      Fault(at_, "JSON has no comments");
      const size_t end = text_.find(is_line ? "\n" : "*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + (is_line ? 1 : 2);
    }
  }

  bool Value(MendedNode* node, uint32_t depth) {
    if (depth > limits_.json_depth_max || ++nodes_ > limits_.json_nodes_max) {
      return GiveUp("deeper or larger than the limit");
    }
    node->offset = static_cast<uint32_t>(at_);
    switch (peek()) {
      case '{':
        return Object(node, depth);
      case '[':
        return Array(node, depth);
      case '"':
        node->kind = MendedNode::Kind::kString;
        return String(&node->text);
      default:
        return Literal(node);
    }
  }

  // After a member or item: takes a comma, notes one that is missing or needless. False at the end.
  bool Continues(char close) {
    SkipBlank();
    const size_t comma = at_;
    const bool has_comma = peek() == ',';
    if (has_comma) {
      ++at_;
      SkipBlank();
    }
    if (peek() == close || at_ >= text_.size()) {
      if (has_comma) {
        Fault(comma, "a comma before the end of an object or array");
      }
      return false;
    }
    const bool begins_value = peek() == '"' || peek() == '{' || peek() == '[' ||
                              (close == ']' && kDigits.find(peek()) != std::string_view::npos);
    if (!has_comma && begins_value) {
      Fault(at_, "a comma is missing");
      return true;
    }
    return has_comma;
  }

  bool Close(char close) {
    if (peek() != close) {
      return GiveUp(std::string("expected ") + close);
    }
    ++at_;
    return true;
  }

  bool Object(MendedNode* node, uint32_t depth) {
    node->kind = MendedNode::Kind::kObject;
    ++at_;
    SkipBlank();
    for (bool more = peek() != '}'; more; more = Continues('}')) {
      const size_t key_at = at_;
      std::string key;
      if (peek() != '"' || !String(&key)) {
        return fatal_.detail.empty() ? GiveUp("expected a member") : false;
      }
      SkipBlank();
      if (!Close(':')) {
        return false;
      }
      SkipBlank();
      MendedNode value;
      if (!Value(&value, depth + 1)) {
        return false;
      }
      const bool is_known = Has(*node, key);
      if (is_known) {
        Fault(key_at, "a member stands twice");
      } else {
        node->members.push_back({std::move(key), std::move(value)});
      }
      if (node->members.size() > limits_.json_members_max) {
        return GiveUp("deeper or larger than the limit");
      }
    }
    return Close('}');
  }

  static bool Has(const MendedNode& node, std::string_view key) {
    for (const auto& [name, value] : node.members) {
      if (name == key) {
        return true;
      }
    }
    return false;
  }

  bool Array(MendedNode* node, uint32_t depth) {
    node->kind = MendedNode::Kind::kArray;
    ++at_;
    SkipBlank();
    for (bool more = peek() != ']'; more; more = Continues(']')) {
      MendedNode item;
      if (!Value(&item, depth + 1)) {
        return false;
      }
      node->items.push_back(std::move(item));
      if (node->items.size() > limits_.json_items_max) {
        return GiveUp("deeper or larger than the limit");
      }
    }
    return Close(']');
  }

  bool Literal(MendedNode* node) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        node->kind = word == "null" ? MendedNode::Kind::kNull : MendedNode::Kind::kBool;
        node->text = word;
        return true;
      }
    }
    const size_t end = std::min(text_.find_first_not_of(kDigits, at_), text_.size());
    if (end == at_) {
      return GiveUp("expected a value");
    }
    node->kind = MendedNode::Kind::kNumber;
    node->text = text_.substr(at_, end - at_);
    at_ = end;
    return true;
  }

  bool String(std::string* out) {
    ++at_;
    for (;;) {
      const size_t end = text_.find_first_of("\"\\", at_);
      if (end == std::string_view::npos) {
        return GiveUp("a text without an end");
      }
      out->append(text_.substr(at_, end - at_));
      at_ = end + 1;
      if (text_[end] == '"') {
        return true;
      }
      if (!Escape(out)) {
        return GiveUp("an escape that JSON does not have");
      }
    }
  }

  bool Escape(std::string* out) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const size_t known = kEscapes.find(peek());
    if (at_ < text_.size() && known != std::string_view::npos) {
      out->push_back(kMeant[known]);
      ++at_;
      return true;
    }
    char32_t code = 0;
    if (!Unit(&code)) {
      return false;
    }
    if (code >= 0xD800 && code < 0xDC00) {
      char32_t low = 0;
      if (peek() != '\\') {
        return false;
      }
      ++at_;
      if (!Unit(&low) || low < 0xDC00 || low > 0xDFFF) {
        return false;
      }
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
      return false;
    }
    AppendUtf8(code, out);
    return true;
  }

  // "u0041" after the backslash.
  bool Unit(char32_t* code) {
    if (peek() != 'u' || at_ + 5 > text_.size()) {
      return false;
    }
    for (size_t digit = at_ + 1; digit < at_ + 5; ++digit) {
      const char c = text_[digit];
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      if ((c < '0' || c > '9') && (lower < 'a' || lower > 'f')) {
        return false;
      }
      const int value = lower <= '9' ? lower - '0' : lower - 'a' + 10;
      *code = *code * 16 + static_cast<char32_t>(value);
    }
    at_ += 5;
    return true;
  }

  std::string_view text_;
  const Limits& limits_;
  std::vector<JsonFault>& faults_;
  JsonFault fatal_{};
  size_t at_ = 0;
  uint32_t nodes_ = 0;
};

}  // namespace

Result<MendedNode> MendJson(std::string_view text, const Limits& limits,
                            std::vector<JsonFault>* faults, JsonFault* fatal) {
  MendingReader reader(text, limits, faults);
  MendedNode root;
  if (!reader.Read(&root)) {
    *fatal = reader.fatal();
    return Error{Code::kInvalid, fatal->detail, {}};
  }
  return root;
}

}  // namespace gw::validate
