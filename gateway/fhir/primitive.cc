#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/base/clock.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

constexpr int64_t kIntegerMax = 2'147'483'647;
constexpr std::string_view kUuidShape = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
constexpr bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Reads a text from its front; each function takes what it names or leaves the text as it was.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  char Peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool Take(char expected) {
    if (rest_.empty() || rest_.front() != expected) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  bool Take(std::string_view expected) {
    if (!rest_.starts_with(expected)) {
      return false;
    }
    rest_.remove_prefix(expected.size());
    return true;
  }

  // As many digits as stand here; how many.
  size_t Digits() {
    size_t count = 0;
    while (count < rest_.size() && IsDigit(rest_[count])) {
      ++count;
    }
    rest_.remove_prefix(count);
    return count;
  }

  // Exactly `width` digits as a number from `low` to `high`.
  bool Number(size_t width, int low, int high, int* value = nullptr) {
    int number = 0;
    for (size_t at = 0; at < width; ++at) {
      if (at >= rest_.size() || !IsDigit(rest_[at])) {
        return false;
      }
      number = number * 10 + (rest_[at] - '0');
    }
    if (number < low || number > high) {
      return false;
    }
    rest_.remove_prefix(width);
    if (value != nullptr) {
      *value = number;
    }
    return true;
  }

 private:
  std::string_view rest_;
};

enum class Precision : uint8_t { kNone, kYear, kMonth, kDay };

// YYYY, YYYY-MM or YYYY-MM-DD of a day that exists.
Precision TakeDate(Scanner* text) {
  int year = 0;
  int month = 0;
  if (!text->Number(4, 1, 9999, &year)) {
    return Precision::kNone;
  }
  if (!text->Take('-')) {
    return Precision::kYear;
  }
  if (!text->Number(2, 1, 12, &month)) {
    return Precision::kNone;
  }
  if (!text->Take('-')) {
    return Precision::kMonth;
  }
  return text->Number(2, 1, DaysInMonth(year, month)) ? Precision::kDay : Precision::kNone;
}

// hh:mm:ss with an optional fraction; 60 for a leap second.
bool TakeTime(Scanner* text) {
  if (!text->Number(2, 0, 23) || !text->Take(':') || !text->Number(2, 0, 59) || !text->Take(':') ||
      !text->Number(2, 0, 60)) {
    return false;
  }
  return !text->Take('.') || text->Digits() > 0;
}

// Z, or an offset up to 14:00.
bool TakeZone(Scanner* text) {
  if (text->Take('Z')) {
    return true;
  }
  if (!text->Take('+') && !text->Take('-')) {
    return false;
  }
  int hours = 0;
  return text->Number(2, 0, 14, &hours) && text->Take(':') &&
         text->Number(2, 0, hours == 14 ? 0 : 59);
}

bool IsDate(std::string_view text) {
  Scanner scanner(text);
  return TakeDate(&scanner) != Precision::kNone && scanner.AtEnd();
}

bool IsDateTime(std::string_view text, bool needs_time) {
  Scanner scanner(text);
  const Precision precision = TakeDate(&scanner);
  if (precision == Precision::kNone) {
    return false;
  }
  if (scanner.AtEnd()) {
    return !needs_time;
  }
  return precision == Precision::kDay && scanner.Take('T') && TakeTime(&scanner) &&
         TakeZone(&scanner) && scanner.AtEnd();
}

bool IsTime(std::string_view text) {
  Scanner scanner(text);
  return TakeTime(&scanner) && scanner.AtEnd();
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool IsDecimal(std::string_view text) {
  Scanner scanner(text);
  scanner.Take('-');
  if (!scanner.Take('0') && scanner.Digits() == 0) {
    return false;
  }
  if (scanner.Take('.') && scanner.Digits() == 0) {
    return false;
  }
  if (scanner.Take('e') || scanner.Take('E')) {
    if (!scanner.Take('+')) {
      scanner.Take('-');
    }
    if (scanner.Digits() == 0) {
      return false;
    }
  }
  return scanner.AtEnd();
}

// A whole number without needless zeros, in [low, 2147483647] or, if `low` is negative, down to
// -2147483648.
bool IsInteger(std::string_view text, int low) {
  const bool is_negative = text.starts_with('-');
  const std::string_view digits = text.substr(is_negative ? 1 : 0);
  if (digits.empty() || digits.size() > 10 || (digits.front() == '0' && text != "0")) {
    return false;
  }
  int64_t value = 0;
  for (const char digit : digits) {
    if (!IsDigit(digit)) {
      return false;
    }
    value = value * 10 + (digit - '0');
  }
  value = is_negative ? -value : value;
  return value <= kIntegerMax && value >= (low < 0 ? -kIntegerMax - 1 : low);
}

// Not empty, no control characters but tab, line feed and carriage return.
bool IsString(std::string_view text) {
  if (!HasByteBelow(text, 0x20)) {
    return !text.empty();
  }
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 && !IsSpace(c)) {
      return false;
    }
  }
  return !text.empty();
}

// Single white space characters only, and only between others.
bool IsCode(std::string_view text) {
  if (!HasByteBelow(text, 0x21)) {
    return !text.empty();
  }
  bool after_space = true;
  for (const char c : text) {
    if (IsSpace(c)) {
      if (after_space) {
        return false;
      }
      after_space = true;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      return false;
    } else {
      after_space = false;
    }
  }
  return !after_space;
}

bool IsUri(std::string_view text) { return !text.empty() && !HasByteBelow(text, 0x21); }

// By a table: every reference and most keys are ids.
bool IsId(std::string_view text) {
  static constexpr std::array<bool, 256> kMayStand = [] {
    std::array<bool, 256> may_stand{};
    for (size_t byte = 0; byte < may_stand.size(); ++byte) {
      const char c = static_cast<char>(byte);
      may_stand[byte] = IsAlphanumeric(c) || c == '-' || c == '.';
    }
    return may_stand;
  }();
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return kMayStand[static_cast<uint8_t>(c)];
  });
}

// urn:oid:[0-2](\.(0|[1-9][0-9]*))+
bool IsOid(std::string_view text) {
  Scanner scanner(text);
  if (!scanner.Take("urn:oid:") || !scanner.Number(1, 0, 2) || scanner.AtEnd()) {
    return false;
  }
  while (scanner.Take('.')) {
    if (!scanner.Take('0') && scanner.Digits() == 0) {
      return false;
    }
  }
  return scanner.AtEnd();
}

// urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case.
bool IsUuid(std::string_view text) {
  if (text.size() != kUuidShape.size()) {
    return false;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_hexadecimal = IsDigit(c) || (c >= 'a' && c <= 'f');
    if (kUuidShape[at] == 'x' ? !is_hexadecimal : c != kUuidShape[at]) {
      return false;
    }
  }
  return true;
}

// Groups of four characters, white space between them allowed, = only to fill the last group.
bool IsBase64(std::string_view text) {
  size_t count = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (IsSpace(c)) {
      continue;
    }
    ++count;
    if (c == '=') {
      ++padding;
    } else if (padding > 0 || !(IsAlphanumeric(c) || c == '+' || c == '/')) {
      return false;
    }
  }
  return count > 0 && count % 4 == 0 && padding <= 2;
}

struct NamedPrimitive {
  std::string_view name;
  Primitive primitive;
};

constexpr NamedPrimitive kPrimitives[] = {{"string", Primitive::kString},
                                          {"code", Primitive::kCode},
                                          {"uri", Primitive::kUri},
                                          {"boolean", Primitive::kBoolean},
                                          {"date", Primitive::kDate},
                                          {"dateTime", Primitive::kDateTime},
                                          {"decimal", Primitive::kDecimal},
                                          {"id", Primitive::kId},
                                          {"instant", Primitive::kInstant},
                                          {"integer", Primitive::kInteger},
                                          {"markdown", Primitive::kMarkdown},
                                          {"canonical", Primitive::kCanonical},
                                          {"positiveInt", Primitive::kPositiveInt},
                                          {"unsignedInt", Primitive::kUnsignedInt},
                                          {"base64Binary", Primitive::kBase64Binary},
                                          {"time", Primitive::kTime},
                                          {"url", Primitive::kUrl},
                                          {"oid", Primitive::kOid},
                                          {"uuid", Primitive::kUuid},
                                          {"xhtml", Primitive::kXhtml}};

}  // namespace

bool IsLexicalForm(Primitive primitive, std::string_view text) {
  switch (primitive) {
    case Primitive::kNone:
      return false;
    case Primitive::kBase64Binary:
      return IsBase64(text);
    case Primitive::kBoolean:
      return text == "true" || text == "false";
    case Primitive::kCanonical:
    case Primitive::kUri:
    case Primitive::kUrl:
      return IsUri(text);
    case Primitive::kCode:
      return IsCode(text);
    case Primitive::kDate:
      return IsDate(text);
    case Primitive::kDateTime:
      return IsDateTime(text, false);
    case Primitive::kDecimal:
      return IsDecimal(text);
    case Primitive::kId:
      return IsId(text);
    case Primitive::kInstant:
      return IsDateTime(text, true);
    case Primitive::kInteger:
      return IsInteger(text, -1);
    case Primitive::kMarkdown:
    case Primitive::kString:
      return IsString(text);
    case Primitive::kOid:
      return IsOid(text);
    case Primitive::kPositiveInt:
      return IsInteger(text, 1);
    case Primitive::kTime:
      return IsTime(text);
    case Primitive::kUnsignedInt:
      return IsInteger(text, 0);
    case Primitive::kUuid:
      return IsUuid(text);
    case Primitive::kXhtml:
      // What it may hold is txt-1's business.
      return true;
  }
  return false;
}

bool IsLexicalForm(std::string_view primitive_type, std::string_view text) {
  for (const NamedPrimitive& known : kPrimitives) {
    if (known.name == primitive_type) {
      return IsLexicalForm(known.primitive, text);
    }
  }
  return false;
}

}  // namespace gw::fhir
