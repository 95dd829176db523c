// encode(), decode(), escape() and unescape() of the FHIRPath continuous build.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"
#include "gateway/base/utf8.h"
#include "gateway/fhir/path/evaluator_internal.h"

namespace gw::fhir::path {
namespace {

using Coded = std::optional<std::string>;

void Exchange(std::string* text, std::string_view from, std::string_view to) {
  for (char& c : *text) {
    const size_t at = from.find(c);
    c = at == std::string_view::npos ? c : to[at];
  }
}

Coded FromHex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, value, 16).ptr !=
        text.data() + i + 2) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(value));
  }
  return out;
}

Coded Encoded(std::string_view text, std::string_view format) {
  if (format == "hex") {
    return crypto::Hex(text);
  }
  if (format != "base64" && format != "urlbase64") {
    return std::nullopt;
  }
  std::string out = crypto::Base64(text);
  if (format == "urlbase64") {
    Exchange(&out, "+/", "-_");
  }
  return out;
}

Coded Decoded(std::string_view text, std::string_view format) {
  if (format == "hex") {
    return FromHex(text);
  }
  std::string plain(text);
  if (format == "urlbase64") {
    Exchange(&plain, "-_", "+/");
  } else if (format != "base64") {
    return std::nullopt;
  }
  Coded out = crypto::FromBase64(plain);
  return out && IsValidUtf8(*out) ? out : std::nullopt;
}

struct Entity {
  char character;
  std::string_view name;
};
constexpr std::array<Entity, 5> kEntities = {
    {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};

Coded Escaped(std::string_view text, std::string_view target) {
  if (target == "json") {
    std::string quoted;
    AppendJsonString(text, &quoted);
    return quoted.substr(1, quoted.size() - 2);
  }
  if (target != "html") {
    return std::nullopt;
  }
  std::string out;
  for (const char c : text) {
    const auto* entity = std::find_if(kEntities.begin(), kEntities.end(),
                                      [c](const Entity& entry) { return entry.character == c; });
    entity == kEntities.end() ? out.push_back(c) : void(out.append(entity->name));
  }
  return out;
}

std::string UnescapedHtml(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto* entity = std::find_if(kEntities.begin(), kEntities.end(), [&](const Entity& entry) {
      return text.substr(i).starts_with(entry.name);
    });
    out.push_back(entity == kEntities.end() ? text[i] : entity->character);
    i += entity == kEntities.end() ? 1 : entity->name.size();
  }
  return out;
}

constexpr std::string_view kEscapes = "rntfb";
constexpr std::string_view kEscaped = "\r\n\t\f\b";

std::string UnescapedJson(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    const size_t known = kEscapes.find(c);
    uint32_t code = 0;
    const char* digits = text.data() + i + 1;
    if (c == 'u' && text.size() - i > 4 &&
        std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4) {
      AppendUtf8(code, &out);
      i += 4;
    } else {
      out.push_back(known == std::string_view::npos ? c : kEscaped[known]);
    }
  }
  return out;
}

Coded Unescaped(std::string_view text, std::string_view target) {
  if (target == "json") {
    return UnescapedJson(text);
  }
  return target == "html" ? Coded(UnescapedHtml(text)) : std::nullopt;
}

// An unknown format gives the empty collection, as does text that is not of it.
template <Coded (*kRecode)(std::string_view, std::string_view)>
bool Recode(Evaluator& evaluator, const Node& node, Range input) {
  std::optional<std::string_view> text;
  std::optional<std::string_view> format;
  if (!evaluator.SingleString(node, input, &text) || !evaluator.StringArgument(node, 0, &format)) {
    return false;
  }
  if (!text || !format) {
    return true;
  }
  const Coded out = kRecode(*text, *format);
  return !out || evaluator.PushCopy(*out);
}

constexpr std::array<FunctionSpec, 4> kFunctions = {{
    {"encode", 1, 1, false, &Recode<&Encoded>},
    {"decode", 1, 1, false, &Recode<&Decoded>},
    {"escape", 1, 1, false, &Recode<&Escaped>},
    {"unescape", 1, 1, false, &Recode<&Unescaped>},
}};

}  // namespace

std::span<const FunctionSpec> EncodingFunctions() { return kFunctions; }

}  // namespace gw::fhir::path
