// FHIRPath 2.0, 5.6: strings, by code point. split(), join(), trim(), lastIndexOf() and
// matchesFull() are of the continuous build.
#include <array>
#include <string>

#include "gateway/base/utf8.h"
#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

using Text = std::optional<std::string_view>;
constexpr size_t kNone = std::string_view::npos;

size_t Length(std::string_view text) {
  size_t count = 0;
  for (const char c : text) {
    count += (static_cast<unsigned char>(c) & 0xC0U) == 0x80U ? 0 : 1;
  }
  return count;
}

// The byte where the index-th character begins; the size where there are fewer.
size_t OffsetOf(std::string_view text, size_t index) {
  size_t at = 0;
  while (at < text.size() && index > 0) {
    at += FirstCodePoint(text.substr(at)).bytes;
    --index;
  }
  return at;
}

// The input and the first `kCount` arguments; absent ones make *all false.
template <size_t kCount>
bool Texts(Evaluator& evaluator, const Node& node, Range input,
           std::array<std::string_view, kCount + 1>* out, bool* all) {
  Text text;
  if (!evaluator.SingleString(node, input, &text)) {
    return false;
  }
  *all = text.has_value();
  (*out)[0] = text.value_or("");
  for (size_t i = 0; i < kCount; ++i) {
    if (!evaluator.StringArgument(node, i, &text)) {
      return false;
    }
    *all = *all && text.has_value();
    (*out)[i + 1] = text.value_or("");
  }
  return true;
}

// A text of which each character may become an item.
bool MayBeParted(Evaluator& evaluator, const Node& node, std::string_view text) {
  constexpr size_t kPartedMax = size_t{1} << 20U;
  return text.size() <= kPartedMax ||
         evaluator.Fail(node, "the string is too long", Code::kTooLarge);
}

enum class Test : uint8_t { kStarts, kEnds, kContains };

template <Test kTest>
bool TestText(Evaluator& evaluator, const Node& node, Range input) {
  std::array<std::string_view, 2> texts;
  bool all = false;
  if (!Texts<1>(evaluator, node, input, &texts, &all)) {
    return false;
  }
  const auto [text, part] = texts;
  const bool holds = kTest == Test::kStarts ? text.starts_with(part)
                     : kTest == Test::kEnds ? text.ends_with(part)
                                            : text.find(part) != kNone;
  return !all || evaluator.PushBoolean(holds);
}

template <bool kLast>
bool IndexOf(Evaluator& evaluator, const Node& node, Range input) {
  std::array<std::string_view, 2> texts;
  bool all = false;
  if (!Texts<1>(evaluator, node, input, &texts, &all)) {
    return false;
  }
  const size_t at = kLast ? texts[0].rfind(texts[1]) : texts[0].find(texts[1]);
  return !all || evaluator.PushInteger(
                     at == kNone ? -1 : static_cast<int64_t>(Length(texts[0].substr(0, at))));
}

bool Substring(Evaluator& evaluator, const Node& node, Range input) {
  Text text;
  std::optional<int64_t> start;
  std::optional<int64_t> length;
  if (!evaluator.SingleString(node, input, &text) || !evaluator.IntegerArgument(node, 0, &start) ||
      (node.arguments.size() > 1 && !evaluator.IntegerArgument(node, 1, &length))) {
    return false;
  }
  if (!text || !start || *start < 0) {
    return true;
  }
  const size_t begin = OffsetOf(*text, static_cast<size_t>(*start));
  if (begin >= text->size()) {
    return true;
  }
  std::string_view rest = text->substr(begin);
  if (length) {
    rest = *length <= 0 ? "" : rest.substr(0, OffsetOf(rest, static_cast<size_t>(*length)));
  }
  return evaluator.PushString(rest);
}

// Letters of ASCII and Latin-1, which have their case 32 apart.
char32_t ChangeCase(char32_t c, bool upper) {
  const bool lower_letter = (c >= 'a' && c <= 'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7);
  const bool upper_letter = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
  if (upper && lower_letter) {
    return c - 32;
  }
  return !upper && upper_letter ? c + 32 : c;
}

template <bool kUpper>
bool Case(Evaluator& evaluator, const Node& node, Range input) {
  Text text;
  if (!evaluator.SingleString(node, input, &text)) {
    return false;
  }
  if (!text) {
    return true;
  }
  std::string out;
  for (size_t at = 0; at < text->size();) {
    const CodePoint c = FirstCodePoint(text->substr(at));
    AppendUtf8(ChangeCase(c.value, kUpper), &out);
    at += c.bytes;
  }
  return evaluator.PushCopy(out);
}

bool PushChecked(Evaluator& evaluator, const Node& node, const std::string& text) {
  return text.size() > kMadeTextMax
             ? evaluator.Fail(node, "the string is too long", Code::kTooLarge)
             : evaluator.PushCopy(text);
}

// An empty pattern stands between all characters.
bool Replace(Evaluator& evaluator, const Node& node, Range input) {
  std::array<std::string_view, 3> texts;
  bool all = false;
  if (!Texts<2>(evaluator, node, input, &texts, &all)) {
    return false;
  }
  if (!all) {
    return true;
  }
  const auto [text, pattern, substitution] = texts;
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    if (out.size() > kMadeTextMax) {
      break;
    }
    if (pattern.empty()) {
      const size_t bytes = FirstCodePoint(text.substr(at)).bytes;
      out.append(substitution).append(text.substr(at, bytes));
      at += bytes;
      continue;
    }
    const size_t found = text.find(pattern, at);
    if (found == kNone) {
      break;
    }
    out.append(text.substr(at, found - at)).append(substitution);
    at = found + pattern.size();
  }
  out.append(text.substr(at));
  if (pattern.empty()) {
    out.append(substitution);
  }
  return PushChecked(evaluator, node, out);
}

enum class Pattern : uint8_t { kFind, kFull, kReplace };
constexpr size_t ArgumentsOf(Pattern what) { return what == Pattern::kReplace ? 2 : 1; }

template <Pattern kWhat>
bool Matches(Evaluator& evaluator, const Node& node, Range input) {
  std::array<std::string_view, ArgumentsOf(kWhat) + 1> texts;
  bool all = false;
  if (!Texts<ArgumentsOf(kWhat)>(evaluator, node, input, &texts, &all)) {
    return false;
  }
  if (!all) {
    return true;
  }
  constexpr uint64_t kCompileWork = 1000;
  std::optional<Regex> made;
  const Regex* regex = node.regex;
  if (!evaluator.Charge(node, texts[0].size() + (regex == nullptr ? kCompileWork : 0))) {
    return false;
  }
  if (regex == nullptr) {
    made = Regex::Compile(texts[1]);
    if (!made) {
      return evaluator.Fail(node, "not a regular expression that is offered");
    }
    regex = &*made;
  }
  if constexpr (kWhat == Pattern::kReplace) {
    return texts[1].empty() ? evaluator.PushString(texts[0])
                            : PushChecked(evaluator, node, regex->Replace(texts[0], texts[2]));
  } else {
    return evaluator.PushBoolean(kWhat == Pattern::kFull ? regex->MatchesAll(texts[0])
                                                         : regex->Find(texts[0]));
  }
}

bool LengthOf(Evaluator& evaluator, const Node& node, Range input) {
  Text text;
  if (!evaluator.SingleString(node, input, &text)) {
    return false;
  }
  return !text || evaluator.PushInteger(static_cast<int64_t>(Length(*text)));
}

bool ToChars(Evaluator& evaluator, const Node& node, Range input) {
  Text text;
  if (!evaluator.SingleString(node, input, &text)) {
    return false;
  }
  if (text && !MayBeParted(evaluator, node, *text)) {
    return false;
  }
  for (size_t at = 0; text && at < text->size();) {
    const size_t bytes = FirstCodePoint(text->substr(at)).bytes;
    evaluator.PushString(text->substr(at, bytes));
    at += bytes;
  }
  return true;
}

bool Trim(Evaluator& evaluator, const Node& node, Range input) {
  Text text;
  if (!evaluator.SingleString(node, input, &text)) {
    return false;
  }
  if (!text) {
    return true;
  }
  const size_t first = text->find_first_not_of(" \t\r\n\f");
  const size_t last = text->find_last_not_of(" \t\r\n\f");
  return evaluator.PushString(first == kNone ? "" : text->substr(first, last - first + 1));
}

bool Split(Evaluator& evaluator, const Node& node, Range input) {
  std::array<std::string_view, 2> texts;
  bool all = false;
  if (!Texts<1>(evaluator, node, input, &texts, &all)) {
    return false;
  }
  if (!all) {
    return true;
  }
  if (texts[1].empty()) {
    return ToChars(evaluator, node, input);
  }
  if (!MayBeParted(evaluator, node, texts[0])) {
    return false;
  }
  std::string_view rest = texts[0];
  for (size_t at = rest.find(texts[1]); at != kNone; at = rest.find(texts[1])) {
    evaluator.PushString(rest.substr(0, at));
    rest.remove_prefix(at + texts[1].size());
  }
  return evaluator.PushString(rest);
}

bool Join(Evaluator& evaluator, const Node& node, Range input) {
  Text separator;
  if (!node.arguments.empty() && !evaluator.StringArgument(node, 0, &separator)) {
    return false;
  }
  if (input.empty()) {
    return true;
  }
  std::string out;
  for (size_t i = input.begin; i < input.end; ++i) {
    Text text;
    if (!evaluator.SingleString(node, {i, i + 1}, &text)) {
      return false;
    }
    out += i == input.begin ? "" : separator.value_or("");
    out += text.value_or("");
  }
  return PushChecked(evaluator, node, out);
}

constexpr std::array<FunctionSpec, 17> kFunctions = {{
    {"indexOf", 1, 1, false, &IndexOf<false>},
    {"lastIndexOf", 1, 1, false, &IndexOf<true>},
    {"substring", 1, 2, false, &Substring},
    {"startsWith", 1, 1, false, &TestText<Test::kStarts>},
    {"endsWith", 1, 1, false, &TestText<Test::kEnds>},
    {"contains", 1, 1, false, &TestText<Test::kContains>},
    {"upper", 0, 0, false, &Case<true>},
    {"lower", 0, 0, false, &Case<false>},
    {"replace", 2, 2, false, &Replace},
    {"matches", 1, 1, false, &Matches<Pattern::kFind>},
    {"matchesFull", 1, 1, false, &Matches<Pattern::kFull>},
    {"replaceMatches", 2, 2, false, &Matches<Pattern::kReplace>},
    {"length", 0, 0, false, &LengthOf},
    {"toChars", 0, 0, false, &ToChars},
    {"trim", 0, 0, false, &Trim},
    {"split", 1, 1, false, &Split},
    {"join", 0, 1, false, &Join},
}};

}  // namespace

std::span<const FunctionSpec> StringFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
