#include <algorithm>

#include "gateway/fhir/package/terms_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::terms {
namespace {

constexpr std::string_view kMimeTypes = "urn:ietf:bcp:13";
constexpr std::string_view kLanguages = "urn:ietf:bcp:47";
constexpr std::string_view kUnits = "http://unitsofmeasure.org";
constexpr size_t kSubtagMax = 8;      // BCP 47, 2.1
constexpr size_t kMimeNameMax = 127;  // RFC 6838, 4.2

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsLetterOrDigit(char c) { return IsLetter(c) || (c >= '0' && c <= '9'); }

// RFC 6838, 4.2: restricted-name.
bool IsMimeName(std::string_view name) {
  return !name.empty() && name.size() <= kMimeNameMax && IsLetterOrDigit(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsLetterOrDigit(c) || std::string_view("!#$&-^_.+").find(c) != std::string::npos;
         });
}

bool IsMimeType(std::string_view code) {
  const std::string_view type = code.substr(0, code.find_first_of("; "));
  const size_t slash = type.find('/');
  return slash != std::string_view::npos && IsMimeName(type.substr(0, slash)) &&
         IsMimeName(type.substr(slash + 1));
}

bool IsAll(std::string_view tag, bool (*is_one)(char)) {
  return std::all_of(tag.begin(), tag.end(), is_one);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The languages that the registry of BCP 47 gives extended languages ("zh-yue"): after others,
// three letters ("en-AUs") are a mistake.
bool HasExtendedLanguages(std::string_view language) {
  constexpr std::string_view kLanguagesWithThem[] = {"ar",  "kok", "lv", "ms",
                                                     "sgn", "sw",  "uz", "zh"};
  return std::find(std::begin(kLanguagesWithThem), std::end(kLanguagesWithThem), language) !=
         std::end(kLanguagesWithThem);
}

// A subtag after the language and before any single letter: script, region or variant.
bool IsSubtag(std::string_view tag, std::string_view language, bool is_second) {
  switch (tag.size()) {
    case 2:
      return IsAll(tag, IsLetter);
    case 3:
      return IsAll(tag, IsDigit) ||
             (is_second && IsAll(tag, IsLetter) && HasExtendedLanguages(language));
    case 4:
      return IsAll(tag, IsLetter) || IsDigit(tag.front());
    default:
      return tag.size() > 4;
  }
}

// BCP 47, 2.1: the form; whether the registry holds the subtags is not asked.
bool IsLanguage(std::string_view code) {
  const std::string_view language = code.substr(0, code.find('-'));
  const bool is_special = language == "x" || language == "i" || language == "X" || language == "I";
  if (!IsAll(language, IsLetter) || (language.size() < 2 && !is_special)) {
    return false;
  }
  bool is_free = is_special;  // after a single letter come extensions and private use
  size_t index = 0;
  for (size_t start = 0; start <= code.size(); ++index) {
    const size_t end = std::min(code.find('-', start), code.size());
    const std::string_view tag = code.substr(start, end - start);
    if (tag.empty() || tag.size() > kSubtagMax || !IsAll(tag, IsLetterOrDigit)) {
      return false;
    }
    is_free = is_free || tag.size() == 1;
    if (index > 0 && !is_free && !IsSubtag(tag, language, index == 1)) {
      return false;
    }
    if (end == code.size() && is_free && tag.size() == 1) {
      return false;  // nothing follows the single letter
    }
    start = end + 1;
  }
  return true;
}

}  // namespace

Answer FitsGrammar(std::string_view system, std::string_view code) {
  if (system == kMimeTypes) {
    return IsMimeType(code) ? Answer::kYes : Answer::kNo;
  }
  if (system == kLanguages) {
    return IsLanguage(code) ? Answer::kYes : Answer::kNo;
  }
  if (system == kUnits && path::ParseUnit(code) && !path::CalendarWordOf(code)) {
    return Answer::kYes;
  }
  return Answer::kUnknown;
}

}  // namespace gw::fhir::terms
