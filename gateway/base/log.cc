#include "gateway/base/log.h"

#include <unistd.h>

#include <cerrno>

#include "gateway/base/json.h"
#include "gateway/base/utf8.h"

namespace gw::log {
namespace {

constexpr size_t kValueBytesMax = 1024;

std::string_view NameOf(Level level) {
  switch (level) {
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    default:
      return "error";
  }
}

void AppendUtf16Escape(uint32_t unit, std::string* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out->append("\\u");
  for (const unsigned shift : {12u, 8u, 4u, 0u}) {
    out->push_back(kHex[(unit >> shift) & 0xF]);
  }
}

// JSON in ASCII alone: whoever reads the log on a terminal is not at the mercy of DEL, C1 controls
// or characters that turn the direction of the text.
std::string AsciiJsonString(std::string_view text) {
  std::string quoted;
  AppendJsonString(CutUtf8(text, kValueBytesMax), &quoted);
  std::string ascii;
  ascii.reserve(quoted.size());
  for (std::string_view rest = quoted; !rest.empty();) {
    const CodePoint next = FirstCodePoint(rest);
    if (next.value < 0x7F) {
      ascii.push_back(rest.front());
    } else if (next.value < 0x10000) {
      AppendUtf16Escape(next.value, &ascii);
    } else {
      AppendUtf16Escape(0xD800 + ((next.value - 0x10000) >> 10), &ascii);
      AppendUtf16Escape(0xDC00 + ((next.value - 0x10000) & 0x3FF), &ascii);
    }
    rest.remove_prefix(next.bytes);
  }
  return ascii;
}

}  // namespace

void Write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line;
  JsonWriter json(&line);
  json.ObjectStart().Member("time", FormatInstant(SystemClock().Now()));
  json.Member("level", NameOf(level)).Key("event").Raw(AsciiJsonString(event));
  for (const auto& [name, text] : fields) {
    json.Key(name).Raw(AsciiJsonString(text));
  }
  json.ObjectEnd();
  line.push_back('\n');
  // One call writes a line; only an interruption before the first byte is tried again. A log that
  // cannot be written must not stop the work it tells of.
  while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace gw::log
