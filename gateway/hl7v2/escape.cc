#include <optional>

#include "gateway/base/utf8.h"
#include "gateway/hl7v2/charset.h"
#include "gateway/hl7v2/message.h"

namespace gw::hl7v2 {
namespace {

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The text of an \X..\ sequence: bytes in hexadecimal, UTF-8 or else Windows-1252. Line ends become
// a line feed; other control characters are no text, and the sequence stays as it stands.
std::optional<std::string> HexText(std::string_view digits) {
  if (digits.empty() || digits.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  int before = 0;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = HexValue(digits[i]);
    const int low = HexValue(digits[i + 1]);
    const int value = high * 16 + low;
    if (high < 0 || low < 0 || (value < 0x20 && value != '\t' && value != '\n' && value != '\r')) {
      return std::nullopt;
    }
    if (value != '\n' || before != '\r') {  // CR LF is one line end
      bytes.push_back(value == '\r' ? '\n' : static_cast<char>(value));
    }
    before = value;
  }
  return DecodeLenient(std::move(bytes), Charset::kUtf8).text;
}

// What stands for one escape sequence, without its escape characters; nothing where it is unknown.
std::optional<std::string> Resolve(std::string_view sequence, const Delimiters& delimiters) {
  if (sequence.size() == 1) {
    switch (sequence[0]) {
      case 'F':
        return std::string(1, delimiters.field);
      case 'S':
        return std::string(1, delimiters.component != 0 ? delimiters.component : '^');
      case 'T':
        return std::string(1, delimiters.subcomponent != 0 ? delimiters.subcomponent : '&');
      case 'R':
        return std::string(1, delimiters.repetition != 0 ? delimiters.repetition : '~');
      case 'E':
        return std::string(1, delimiters.escape);
      case 'P':
        return std::string(1, delimiters.truncation != 0 ? delimiters.truncation : '#');
      default:
        return std::nullopt;
    }
  }
  if (sequence == ".br") {
    return "\n";
  }
  if (sequence.starts_with('X')) {
    return HexText(sequence.substr(1));
  }
  return std::nullopt;
}

// What a sequence begins with.
constexpr std::string_view kSequenceStarts = "FSTREPHNCMXZ.";

// Does the text between two escape characters look like a sequence (2.7: highlighting, character
// sets, formatting, local ones), rather than like text between two stray characters?
bool IsSequence(std::string_view text) {
  return !text.empty() && kSequenceStarts.find(text[0]) != text.npos && text.find(' ') == text.npos;
}

// The letter that escapes a character under these delimiters; 0 where it needs none.
char EscapeLetter(char character, const Delimiters& delimiters) {
  if (character == delimiters.field) {
    return 'F';
  }
  if (character == delimiters.component) {
    return 'S';
  }
  if (character == delimiters.subcomponent) {
    return 'T';
  }
  if (character == delimiters.repetition) {
    return 'R';
  }
  if (character == delimiters.escape) {
    return 'E';
  }
  return character == delimiters.truncation ? 'P' : '\0';
}

}  // namespace

std::string Unescape(std::string_view raw, const Delimiters& delimiters) {
  std::string text;
  text.reserve(raw.size());
  size_t at = 0;
  while (at < raw.size()) {
    const size_t open = delimiters.escape != 0 ? raw.find(delimiters.escape, at) : raw.npos;
    text.append(raw.substr(at, open - at));
    if (open == raw.npos) {
      break;
    }
    const size_t close = raw.find(delimiters.escape, open + 1);
    const std::string_view sequence =
        close == raw.npos ? std::string_view{} : raw.substr(open + 1, close - open - 1);
    if (!IsSequence(sequence)) {
      text.push_back(raw[open]);  // a stray one; the next may begin a sequence
      at = open + 1;
      continue;
    }
    const auto resolved = Resolve(sequence, delimiters);
    text.append(resolved ? std::string_view(*resolved) : raw.substr(open, close + 1 - open));
    at = close + 1;
  }
  return text;
}

std::string Escape(std::string_view text, const Delimiters& delimiters) {
  std::string out;
  out.reserve(text.size() + 8);
  for (size_t i = 0; i < text.size(); ++i) {
    const char character = text[i];
    const bool line_end = character == '\r' || character == '\n';
    const char letter = line_end ? '\0' : EscapeLetter(character, delimiters);
    if (character == '\n' && i > 0 && text[i - 1] == '\r') {
      continue;  // CR LF is one line end
    }
    if (!line_end && letter == 0) {
      out.push_back(character);
    } else if (delimiters.escape == 0) {
      out.push_back(' ');  // a sender without an escape character cannot say it
    } else {
      out.push_back(delimiters.escape);
      line_end ? out.append(".br") : out.append(1, letter);
      out.push_back(delimiters.escape);
    }
  }
  return out;
}

}  // namespace gw::hl7v2
