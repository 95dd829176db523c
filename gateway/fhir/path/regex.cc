#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/base/utf8.h"
#include "gateway/fhir/path/regex_internal.h"

namespace gw::fhir::path {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool IsWord(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool WordAt(std::string_view text, size_t at) {
  return at < text.size() && IsWord(static_cast<unsigned char>(text[at]));
}

bool AtBoundary(std::string_view text, size_t at) {
  return (at > 0 && WordAt(text, at - 1)) != WordAt(text, at);
}

// The alternatives that are alive at one position, in order of preference, each with its groups.
class Threads {
 public:
  Threads(size_t instructions, size_t slots) : slots_(slots), seen_(instructions, 0) {}
  void Clear() {
    pcs_.clear();
    saved_.clear();
    ++generation_;
  }
  bool Enter(uint32_t pc) {
    if (seen_[pc] == generation_) {
      return false;
    }
    seen_[pc] = generation_;
    return true;
  }
  void Push(uint32_t pc, const std::vector<size_t>& slots) {
    pcs_.push_back(pc);
    saved_.insert(saved_.end(), slots.begin(), slots.end());
  }
  size_t size() const { return pcs_.size(); }
  uint32_t pc(size_t i) const { return pcs_[i]; }
  void CopySlots(size_t i, std::vector<size_t>* out) const {
    const auto first = saved_.begin() + static_cast<std::ptrdiff_t>(i * slots_);
    out->assign(first, first + static_cast<std::ptrdiff_t>(slots_));
  }

 private:
  size_t slots_;
  std::vector<uint64_t> seen_;
  uint64_t generation_ = 1;
  std::vector<uint32_t> pcs_;
  std::vector<size_t> saved_;
};

// Follows what takes no character from `pc`, depth first, without recursion.
class Follower {
 public:
  Follower(const std::vector<Regex::Instruction>& program, std::string_view text)
      : program_(program), text_(text) {}

  void Follow(uint32_t start, size_t at, std::vector<size_t>* slots, Threads* threads) {
    stack_.assign(1, {start, kNone, 0});
    while (!stack_.empty()) {
      const Step step = stack_.back();
      stack_.pop_back();
      if (step.slot != kNone) {
        (*slots)[step.slot] = step.old;
        continue;
      }
      if (threads->Enter(step.pc)) {
        Visit(step.pc, at, slots, threads);
      }
    }
  }

 private:
  struct Step {
    uint32_t pc;
    size_t slot;  // not kNone: give this slot its old value back
    size_t old;
  };

  void Visit(uint32_t pc, size_t at, std::vector<size_t>* slots, Threads* threads) {
    const Regex::Instruction& in = program_[pc];
    switch (in.op) {
      case Regex::Op::kJump:
        stack_.push_back({in.x, kNone, 0});
        break;
      case Regex::Op::kSplit:
        stack_.push_back({in.y, kNone, 0});
        stack_.push_back({in.x, kNone, 0});
        break;
      case Regex::Op::kSave:
        stack_.push_back({0, in.x, (*slots)[in.x]});
        (*slots)[in.x] = at;
        stack_.push_back({pc + 1, kNone, 0});
        break;
      case Regex::Op::kStart:
      case Regex::Op::kEnd:
      case Regex::Op::kBoundary:
      case Regex::Op::kNotBoundary:
        if (Holds(in.op, at)) {
          stack_.push_back({pc + 1, kNone, 0});
        }
        break;
      default:
        threads->Push(pc, *slots);
    }
  }

  bool Holds(Regex::Op op, size_t at) const {
    switch (op) {
      case Regex::Op::kStart:
        return at == 0;
      case Regex::Op::kEnd:
        return at == text_.size();
      default:
        return AtBoundary(text_, at) == (op == Regex::Op::kBoundary);
    }
  }

  const std::vector<Regex::Instruction>& program_;
  std::string_view text_;
  std::vector<Step> stack_;
};

void AppendGroup(std::string_view text, const std::vector<size_t>& slots, size_t group,
                 std::string* out) {
  if (group * 2 + 1 < slots.size() && slots[group * 2 + 1] != kNone) {
    out->append(text.substr(slots[group * 2], slots[group * 2 + 1] - slots[group * 2]));
  }
}

void AppendSubstitution(std::string_view text, const std::vector<size_t>& slots,
                        std::string_view substitution, std::string* out) {
  for (size_t i = 0; i < substitution.size(); ++i) {
    const char c = substitution[i];
    const char next = i + 1 < substitution.size() ? substitution[i + 1] : '\0';
    if (c == '\\' && next != '\0') {
      out->push_back(next);
      ++i;
    } else if (c == '$' && next >= '0' && next <= '9') {
      AppendGroup(text, slots, static_cast<size_t>(next - '0'), out);
      ++i;
    } else if (c == '$' && next == '{') {
      const size_t close = substitution.find('}', i);
      size_t group = kNone / 4;
      if (close != kNone) {
        std::from_chars(substitution.data() + i + 2, substitution.data() + close, group);
        AppendGroup(text, slots, group, out);
        i = close;
      }
    } else {
      out->push_back(c);
    }
  }
}

}  // namespace

bool Regex::Class::Holds(char32_t c) const {
  const bool in = std::any_of(ranges.begin(), ranges.end(), [c](const auto& range) {
    return c >= range.first && c <= range.second;
  });
  return in != negated;
}

bool Regex::Takes(const Instruction& in, char32_t c) const {
  switch (in.op) {
    case Op::kAny:
      return true;
    case Op::kChar:
      return in.x == c;
    case Op::kClass:
      return classes_[in.x].Holds(c);
    default:
      return false;
  }
}

std::optional<Regex::Match> Regex::Run(std::string_view text, size_t from, bool whole) const {
  const size_t slot_count = static_cast<size_t>(groups_) * 2;
  Threads current(program_.size(), slot_count);
  Threads next(program_.size(), slot_count);
  Follower follower(program_, text);
  std::vector<size_t> slots(slot_count, kNone);
  std::optional<Match> best;
  for (size_t at = from; at <= text.size();) {
    if (!best && (!whole || at == from)) {
      slots.assign(slot_count, kNone);
      follower.Follow(0, at, &slots, &current);
    }
    if (current.size() == 0 && (best || whole)) {
      break;
    }
    const bool at_end = at == text.size();
    const CodePoint c = at_end ? CodePoint{0, 1} : FirstCodePoint(text.substr(at));
    next.Clear();
    for (size_t i = 0; i < current.size(); ++i) {
      const Instruction& in = program_[current.pc(i)];
      current.CopySlots(i, &slots);
      if (in.op == Op::kMatch && (!whole || at_end)) {
        best = Match{slots};
        break;  // what follows is less preferred
      }
      if (!at_end && Takes(in, c.value)) {
        follower.Follow(current.pc(i) + 1, at + c.bytes, &slots, &next);
      }
    }
    std::swap(current, next);
    at += c.bytes;
  }
  return best;
}

bool Regex::Find(std::string_view text) const { return Run(text, 0, false).has_value(); }

bool Regex::MatchesAll(std::string_view text) const { return Run(text, 0, true).has_value(); }

std::string Regex::Replace(std::string_view text, std::string_view substitution) const {
  std::string out;
  size_t at = 0;
  while (at <= text.size()) {
    const std::optional<Match> match = Run(text, at, false);
    if (!match) {
      break;
    }
    const size_t begin = match->slots[0];
    const size_t end = match->slots[1];
    out.append(text.substr(at, begin - at));
    AppendSubstitution(text, match->slots, substitution, &out);
    at = end;
    if (begin == end) {  // an empty match: step over one character, or it would match for ever
      if (at < text.size()) {
        const size_t bytes = FirstCodePoint(text.substr(at)).bytes;
        out.append(text.substr(at, bytes));
        at += bytes;
      } else {
        ++at;
      }
    }
  }
  if (at < text.size()) {
    out.append(text.substr(at));
  }
  return out;
}

}  // namespace gw::fhir::path
