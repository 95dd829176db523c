#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::fhir::path {

// A regular expression in the common part of the dialects that FHIR's definitions use: literals, .
// (which also matches a line break, as FHIRPath asks), classes, \d \w \s \b and their opposites,
// groups, alternation, ^ $, * + ? {n,m} greedy and lazy. It runs all alternatives side by side
// (Pike; Thompson 1968), so time is linear in the text whatever the pattern. No back-references, no
// look-around. Immutable; any thread.
class Regex {
 public:
  // Absent where the pattern is malformed, uses what is not offered, or is too large.
  static std::optional<Regex> Compile(std::string_view pattern);

  bool Find(std::string_view text) const;
  bool MatchesAll(std::string_view text) const;
  // Every match replaced; $0 to $9 and ${n} stand for groups, \$ for a dollar.
  std::string Replace(std::string_view text, std::string_view substitution) const;

  enum class Op : uint8_t {
    kChar,
    kAny,
    kClass,
    kSplit,  // tries x, then y
    kJump,
    kSave,
    kStart,
    kEnd,
    kBoundary,
    kNotBoundary,
    kMatch
  };
  struct Instruction {
    Op op = Op::kMatch;
    uint32_t x = 0;  // a code point, a class, a target, a slot
    uint32_t y = 0;
  };
  struct Class {
    std::vector<std::pair<char32_t, char32_t>> ranges;
    bool negated = false;
    bool Holds(char32_t c) const;
  };

 private:
  friend class RegexCompiler;
  struct Match {
    std::vector<size_t> slots;  // begin and end of each group, npos where it took no part
  };
  bool Takes(const Instruction& in, char32_t c) const;
  // The leftmost, most preferred match that begins at `from` or later; with `whole` only one that
  // begins there and ends with the text.
  std::optional<Match> Run(std::string_view text, size_t from, bool whole) const;

  std::vector<Instruction> program_;
  std::vector<Class> classes_;
  uint32_t groups_ = 1;
};

}  // namespace gw::fhir::path
