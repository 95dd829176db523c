#include <charconv>
#include <string>

#include "gateway/base/utf8.h"
#include "gateway/fhir/path/regex_internal.h"

namespace gw::fhir::path {

namespace {
constexpr size_t kInstructionsMax = 50'000;
constexpr uint32_t kRepeatMax = 2'000;
constexpr int kDepthMax = 50;
constexpr uint32_t kUnbounded = UINT32_MAX;
}  // namespace

// One pass, recursive by group: each function appends instructions for what it reads. A repetition
// copies the instructions that it repeats, with their targets moved.
class RegexCompiler {
 public:
  explicit RegexCompiler(std::string_view pattern) : pattern_(pattern) {}

  std::optional<Regex> Compile() {
    Emit(Regex::Op::kSave, 0);
    if (!Alternatives(0) || at_ != pattern_.size()) {
      return std::nullopt;
    }
    Emit(Regex::Op::kSave, 1);
    Emit(Regex::Op::kMatch);
    if (out_.program_.size() > kInstructionsMax) {
      return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  using Code = std::vector<Regex::Instruction>;

  bool done() const { return at_ >= pattern_.size(); }
  char peek() const { return done() ? '\0' : pattern_[at_]; }
  bool Take(char c) {
    if (peek() == c && !done()) {
      ++at_;
      return true;
    }
    return false;
  }
  void Emit(Regex::Op op, uint32_t x = 0, uint32_t y = 0) { out_.program_.push_back({op, x, y}); }
  uint32_t here() const { return static_cast<uint32_t>(out_.program_.size()); }

  bool Alternatives(int depth) {
    if (depth > kDepthMax) {
      return false;
    }
    uint32_t begin = here();
    std::vector<uint32_t> jumps;
    while (true) {
      if (!Sequence(depth)) {
        return false;
      }
      if (!Take('|')) {
        break;
      }
      // split L1, L2; L1: this one; jump end; L2: the next; ... end:
      InsertAt(begin, {Regex::Op::kSplit, begin + 1, here() + 2});
      jumps.push_back(here());
      Emit(Regex::Op::kJump);
      begin = here();
    }
    for (const uint32_t jump : jumps) {
      out_.program_[jump].x = here();
    }
    return true;
  }

  bool Sequence(int depth) {
    while (!done() && peek() != '|' && peek() != ')') {
      const uint32_t begin = here();
      if (!Atom(depth) || !Repetition(begin) || out_.program_.size() > kInstructionsMax) {
        return false;
      }
    }
    return true;
  }

  bool Atom(int depth) {
    const char c = peek();
    if (c == '(') {
      return Group(depth);
    }
    if (c == '[') {
      ++at_;
      return CharacterClass();
    }
    if (c == '\\') {
      ++at_;
      return Escape();
    }
    if (c == '*' || c == '+' || c == '?') {
      return false;
    }
    if (c == '.' || c == '^' || c == '$') {
      ++at_;
      Emit(c == '.' ? Regex::Op::kAny : c == '^' ? Regex::Op::kStart : Regex::Op::kEnd);
      return true;
    }
    const CodePoint point = FirstCodePoint(pattern_.substr(at_));
    at_ += point.bytes;
    Emit(Regex::Op::kChar, static_cast<uint32_t>(point.value));
    return true;
  }

  bool Group(int depth) {
    ++at_;
    bool captures = true;
    if (Take('?')) {
      captures = false;
      if (!Take(':')) {
        return false;  // look-around, flags and names are not offered
      }
    }
    const uint32_t group = captures ? out_.groups_++ : 0;
    if (captures) {
      Emit(Regex::Op::kSave, group * 2);
    }
    if (!Alternatives(depth + 1) || !Take(')')) {
      return false;
    }
    if (captures) {
      Emit(Regex::Op::kSave, group * 2 + 1);
    }
    return true;
  }

  static bool AddShorthand(char c, Regex::Class* out) {
    switch (c) {
      case 'd':
        out->ranges.push_back({'0', '9'});
        return true;
      case 'w':
        out->ranges.insert(out->ranges.end(), {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}});
        return true;
      case 's':
        out->ranges.insert(out->ranges.end(), {{' ', ' '}, {'\t', '\r'}});
        return true;
      case 'D':
        out->ranges.insert(out->ranges.end(), {{0, '0' - 1}, {'9' + 1, 0x10FFFF}});
        return true;
      case 'W':
        out->ranges.insert(out->ranges.end(), {{0, '0' - 1},
                                               {'9' + 1, 'A' - 1},
                                               {'Z' + 1, '_' - 1},
                                               {'`', '`'},
                                               {'z' + 1, 0x10FFFF}});
        return true;
      case 'S':
        out->ranges.insert(out->ranges.end(),
                           {{0, '\t' - 1}, {'\r' + 1, ' ' - 1}, {' ' + 1, 0x10FFFF}});
        return true;
      default:
        return false;
    }
  }

  // The character that an escape stands for; false for one that is not offered.
  bool EscapedCharacter(char32_t* out) {
    if (done()) {
      return false;
    }
    const CodePoint point = FirstCodePoint(pattern_.substr(at_));
    at_ += point.bytes;
    switch (point.value) {
      case 'n':
        *out = '\n';
        return true;
      case 'r':
        *out = '\r';
        return true;
      case 't':
        *out = '\t';
        return true;
      case 'f':
        *out = '\f';
        return true;
      case 'u': {
        uint32_t value = 0;
        const char* first = pattern_.data() + at_;
        if (pattern_.size() - at_ < 4 ||
            std::from_chars(first, first + 4, value, 16).ptr != first + 4) {
          return false;
        }
        at_ += 4;
        *out = value;
        return true;
      }
      default:
        *out = point.value;
        const bool letter = (point.value >= 'a' && point.value <= 'z') ||
                            (point.value >= 'A' && point.value <= 'Z') ||
                            (point.value >= '0' && point.value <= '9');
        return !letter;  // \1, \p{..} and the like
    }
  }

  void EmitClass(Regex::Class characters) {
    out_.classes_.push_back(std::move(characters));
    Emit(Regex::Op::kClass, static_cast<uint32_t>(out_.classes_.size() - 1));
  }

  bool Escape() {
    Regex::Class shorthand;
    if (!done() && AddShorthand(peek(), &shorthand)) {
      ++at_;
      EmitClass(std::move(shorthand));
      return true;
    }
    if (peek() == 'b' || peek() == 'B') {
      Emit(peek() == 'b' ? Regex::Op::kBoundary : Regex::Op::kNotBoundary);
      ++at_;
      return true;
    }
    char32_t c = 0;
    if (!EscapedCharacter(&c)) {
      return false;
    }
    Emit(Regex::Op::kChar, static_cast<uint32_t>(c));
    return true;
  }

  // After the '['.
  bool CharacterClass() {
    Regex::Class out;
    out.negated = Take('^');
    bool first = true;
    while (first || peek() != ']') {
      if (done()) {
        return false;
      }
      first = false;
      if (peek() == '\\' && at_ + 1 < pattern_.size() && AddShorthand(pattern_[at_ + 1], &out)) {
        at_ += 2;
        continue;
      }
      char32_t low = 0;
      if (!ClassCharacter(&low)) {
        return false;
      }
      char32_t high = low;
      const bool range =
          peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']' &&
          !(pattern_[at_ + 1] == '\\' && at_ + 2 < pattern_.size() && AddsClass(pattern_[at_ + 2]));
      if (range) {
        ++at_;
        if (!ClassCharacter(&high) || high < low) {
          return false;
        }
      }
      out.ranges.push_back({low, high});
    }
    ++at_;
    EmitClass(std::move(out));
    return true;
  }

  static bool AddsClass(char c) {
    Regex::Class unused;
    return AddShorthand(c, &unused);
  }

  bool ClassCharacter(char32_t* out) {
    if (Take('\\')) {
      return EscapedCharacter(out);
    }
    if (done()) {
      return false;
    }
    const CodePoint point = FirstCodePoint(pattern_.substr(at_));
    at_ += point.bytes;
    *out = point.value;
    return true;
  }

  bool ReadBounds(uint32_t* low, uint32_t* high) {
    const auto number = [this](uint32_t* out) {
      const char* begin = pattern_.data() + at_;
      const auto read = std::from_chars(begin, pattern_.data() + pattern_.size(), *out);
      at_ += static_cast<size_t>(read.ptr - begin);
      return read.ec == std::errc() && *out <= kRepeatMax;
    };
    if (!number(low)) {
      return false;
    }
    *high = *low;
    if (Take(',')) {
      *high = kUnbounded;
      if (peek() != '}' && (!number(high) || *high < *low)) {
        return false;
      }
    }
    return Take('}');
  }

  bool Repetition(uint32_t begin) {
    uint32_t low = 0;
    uint32_t high = kUnbounded;
    if (Take('+')) {
      low = 1;
    } else if (Take('?')) {
      high = 1;
    } else if (Take('{')) {
      if (!ReadBounds(&low, &high)) {
        return false;
      }
    } else if (!Take('*')) {
      return true;
    }
    const bool lazy = Take('?');
    return Repeat(begin, low, high, lazy);
  }

  bool Repeat(uint32_t begin, uint32_t low, uint32_t high, bool lazy) {
    Code atom(out_.program_.begin() + begin, out_.program_.end());
    out_.program_.resize(begin);
    const size_t copies = high == kUnbounded ? low + 1 : high;
    if ((atom.size() + 2) * (copies + 1) > kInstructionsMax) {
      return false;
    }
    for (uint32_t i = 0; i < low; ++i) {
      Append(atom, begin);
    }
    if (high == kUnbounded) {
      const uint32_t split = here();
      Emit(Regex::Op::kSplit);
      Append(atom, begin);
      Emit(Regex::Op::kJump, split);
      SetSplit(split, split + 1, here(), lazy);
      return true;
    }
    std::vector<uint32_t> splits;
    for (uint32_t i = low; i < high; ++i) {
      splits.push_back(here());
      Emit(Regex::Op::kSplit);
      Append(atom, begin);
    }
    for (const uint32_t split : splits) {
      SetSplit(split, split + 1, here(), lazy);
    }
    return true;
  }

  void SetSplit(uint32_t at, uint32_t body, uint32_t after, bool lazy) {
    out_.program_[at].x = lazy ? after : body;
    out_.program_[at].y = lazy ? body : after;
  }

  static bool HasTarget(Regex::Op op) { return op == Regex::Op::kSplit || op == Regex::Op::kJump; }

  void Append(const Code& code, uint32_t was_at) {
    const uint32_t shift = here() - was_at;
    for (Regex::Instruction in : code) {
      if (HasTarget(in.op)) {
        in.x += shift;
        in.y += in.op == Regex::Op::kSplit ? shift : 0;
      }
      out_.program_.push_back(in);
    }
  }

  void InsertAt(uint32_t at, Regex::Instruction instruction) {
    for (size_t i = at; i < out_.program_.size(); ++i) {
      Regex::Instruction& in = out_.program_[i];
      if (HasTarget(in.op)) {
        ++in.x;
        in.y += in.op == Regex::Op::kSplit ? 1 : 0;
      }
    }
    out_.program_.insert(out_.program_.begin() + at, instruction);
  }

  std::string_view pattern_;
  size_t at_ = 0;
  Regex out_;
};

std::optional<Regex> Regex::Compile(std::string_view pattern) {
  return RegexCompiler(pattern).Compile();
}

}  // namespace gw::fhir::path
