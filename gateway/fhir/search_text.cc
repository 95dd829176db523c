#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/utf8.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

// Letters of Latin-1 and Latin Extended-A (U+00C0 to U+017F) without their marks, in small; a dot
// where a letter is none or stands for two. R4 search.html 3.1.1.4.8 compares without accents.
constexpr std::string_view kPlain =
    "aaaaaa.ceeeeiiii"
    "dnooooo.ouuuuy.."
    "aaaaaa.ceeeeiiii"
    "dnooooo.ouuuuy.y"
    "aaaaaaccccccccdd"
    "ddeeeeeeeeeegggg"
    "gggghhhhiiiiiiii"
    "ii..jjkkklllllll"
    "lllnnnnnnnnnoooo"
    "oo..rrrrrrssssss"
    "ssttttttuuuuuuuu"
    "uuuuwwyyyzzzzzzs";
static_assert(kPlain.size() == 0x0180 - 0x00C0);

struct Pair {
  char32_t letter;
  std::string_view plain;
};
constexpr auto kTwoLetters = std::to_array<Pair>({{0x00C6, "ae"},
                                                  {0x00DE, "th"},
                                                  {0x00DF, "ss"},
                                                  {0x00E6, "ae"},
                                                  {0x00FE, "th"},
                                                  {0x0132, "ij"},
                                                  {0x0133, "ij"},
                                                  {0x0152, "oe"},
                                                  {0x0153, "oe"}});

constexpr bool IsMark(char32_t c) { return c >= 0x0300 && c <= 0x036F; }

// Greek and Cyrillic capitals, whose small letters stand at a fixed distance.
constexpr char32_t SmallOf(char32_t c) {
  const bool is_greek = c >= 0x0391 && c <= 0x03A9;
  const bool is_cyrillic = c >= 0x0410 && c <= 0x042F;
  if (is_greek || is_cyrillic) {
    return c + 0x20;
  }
  return c >= 0x0400 && c <= 0x040F ? c + 0x50 : c;
}

void AppendFolded(char32_t c, std::string* out) {
  for (const Pair& pair : kTwoLetters) {
    if (pair.letter == c) {
      out->append(pair.plain);
      return;
    }
  }
  if (c >= 0x00C0 && c < 0x0180 && kPlain[c - 0x00C0] != '.') {
    out->push_back(kPlain[c - 0x00C0]);
  } else if (!IsMark(c)) {
    AppendUtf8(SmallOf(c), out);
  }
}

constexpr auto kNameParts =
    std::to_array<std::string_view>({"text", "family", "given", "prefix", "suffix"});
constexpr auto kAddressParts = std::to_array<std::string_view>(
    {"text", "line", "city", "district", "state", "postalCode", "country"});

}  // namespace

std::string FoldedText(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  bool was_blank = true;  // blanks at the front, and more than one, say nothing
  while (!text.empty()) {
    const char first = text.front();
    if (first == ' ' || first == '\t' || first == '\n' || first == '\r') {
      text.remove_prefix(1);
      if (!std::exchange(was_blank, true)) {
        folded.push_back(' ');
      }
      continue;
    }
    was_blank = false;
    if (static_cast<uint8_t>(first) < 0x80) {
      folded.push_back(first >= 'A' && first <= 'Z' ? static_cast<char>(first - 'A' + 'a') : first);
      text.remove_prefix(1);
      continue;
    }
    const CodePoint point = FirstCodePoint(text);
    AppendFolded(point.value, &folded);
    text.remove_prefix(point.bytes);
  }
  if (folded.ends_with(' ')) {
    folded.pop_back();
  }
  return folded;
}

std::vector<std::string_view> StringsOf(const Element& element) {
  if (element.type().kind() == Kind::kPrimitive) {
    return {element.text()};
  }
  const bool is_name = element.type().name() == "HumanName";
  const bool is_address = element.type().name() == "Address";
  std::vector<std::string_view> texts;
  const auto is_part = [&](std::string_view name) {
    return (is_name && std::find(kNameParts.begin(), kNameParts.end(), name) != kNameParts.end()) ||
           (is_address &&
            std::find(kAddressParts.begin(), kAddressParts.end(), name) != kAddressParts.end());
  };
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (child->has_text() && is_part(child->name())) {
      texts.push_back(child->text());
    }
  }
  return texts;
}

}  // namespace gw::fhir
