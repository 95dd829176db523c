#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "gateway/base/percent.h"
#include "gateway/base/utf8.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

// What R4 defines for every search (search.html 3.1.1.3 to 3.1.1.6) and is not offered. Even a
// lenient client must not take the answer for one that heeded them.
constexpr auto kNotOffered = std::to_array<std::string_view>(
    {"_content", "_contained", "_containedType", "_elements",   "_filter", "_has",      "_include",
     "_list",    "_profile",   "_query",         "_revinclude", "_score",  "_security", "_sort",
     "_source",  "_summary",   "_tag",           "_text",       "_total",  "_type"});
struct NamedPrefix {
  std::string_view text;
  Prefix prefix;
};
// ap is not here: what is "approximately" would depend on the day of asking, and pages would shift.
constexpr auto kPrefixes = std::to_array<NamedPrefix>({{"eq", Prefix::kEq},
                                                       {"ne", Prefix::kNe},
                                                       {"gt", Prefix::kGt},
                                                       {"lt", Prefix::kLt},
                                                       {"ge", Prefix::kGe},
                                                       {"le", Prefix::kLe},
                                                       {"sa", Prefix::kSa},
                                                       {"eb", Prefix::kEb}});

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error Invalid(std::string_view name, std::string_view detail) {
  return Error{Code::kInvalid, std::string(detail), std::string(name)};
}

// application/x-www-form-urlencoded: %xx strictly, + is a blank. Control characters and bytes that
// are not UTF-8 are refused.
std::optional<std::string> FormDecoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      const int byte = TakePercent(text, &i);
      if (byte < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(byte);
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return std::nullopt;
    }
    out.push_back(c);
  }
  return IsValidUtf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

// The position of the first `c` that no backslash escapes.
size_t FindUnescaped(std::string_view text, char c) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == c) {
      return i;
    }
  }
  return std::string_view::npos;
}

// R4 search.html 3.1.1.4.2.1: \$ \, \| and \\. Anything else after a backslash is an error.
std::optional<std::string> Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      if (i == text.size() || std::string_view("$,|\\").find(text[i]) == std::string_view::npos) {
        return std::nullopt;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

class QueryParser {
 public:
  QueryParser(std::string_view type, bool lenient, const SearchIndexer& indexer,
              const Limits& limits)
      : lenient_(lenient), indexer_(indexer), definitions_(indexer.definitions()), limits_(limits) {
    query_.type = std::string(type);
    query_.count = std::min(limits.search_count_default, limits.search_count_max);
  }

  Result<Query> Parse(std::string_view text) {
    const TypeDef* type = definitions_.Find(query_.type);
    if (type == nullptr || type->kind() != Kind::kResource) {
      return Error{Code::kUnsupported, "not a resource type of R4", query_.type};
    }
    while (!text.empty()) {
      const size_t end = text.find('&');
      const std::string_view one = text.substr(0, end);
      text = end == std::string_view::npos ? "" : text.substr(end + 1);
      GW_RETURN_IF_ERROR(Pair(one));
    }
    if (!query_.ignored.empty() && query_.criteria.empty()) {
      return Invalid(query_.ignored.front(),
                     "no parameter that restricts the search is left without the unknown ones");
    }
    return std::move(query_);
  }

 private:
  Status Pair(std::string_view pair) {
    if (pair.empty()) {
      return {};
    }
    const size_t equals = pair.find('=');
    const std::optional<std::string> name = FormDecoded(pair.substr(0, equals));
    if (!name || name->empty()) {
      return Invalid("query", "a parameter name is not well formed");
    }
    const std::string_view raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    const std::optional<std::string> value = FormDecoded(raw);
    if (!value) {
      return Invalid(PlainName(*name), "the value is not percent-encoded UTF-8");
    }
    return Parameter(*name, *value);
  }

  // The name as an error may repeat it: what the client sent beyond a name may be anything.
  static std::string PlainName(std::string_view name) {
    const bool plain = name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':' ||
                                c == '.';
                       });
    return plain ? std::string(name) : "query";
  }

  Status Parameter(const std::string& name, const std::string& value) {
    if (name == "_count") {
      return Count(value);
    }
    if (name == "_cursor") {
      return Cursor(value);
    }
    if (name == "_format") {  // which rest judges for every interaction; the next page keeps it
      query_.applied.emplace_back(name, value);
      return {};
    }
    if (name == "_pretty") {
      return value == "true" || value == "false"
                 ? Status()
                 : Status(Invalid(name, "the value must be true or false"));
    }
    const size_t colon = name.find(':');
    const std::string code = name.substr(0, colon);
    const SearchParameter* parameter = indexer_.Find(query_.type, code);
    if (parameter == nullptr) {
      return NotOffered(name, code);
    }
    Criterion criterion;
    criterion.parameter = parameter;
    if (colon != std::string::npos) {
      criterion.modifier = name.substr(colon + 1);
      GW_RETURN_IF_ERROR(CheckModifier(name, criterion));
    }
    GW_RETURN_IF_ERROR(Values(name, value, &criterion));
    query_.criteria.push_back(std::move(criterion));
    query_.applied.emplace_back(name, value);
    return {};
  }

  Status NotOffered(const std::string& name, std::string_view code) {
    if (Has(kNotOffered, code)) {
      return Invalid(PlainName(name), "the parameter is not offered");
    }
    if (code.find('.') != std::string_view::npos) {
      return Invalid(PlainName(name), "chained parameters are not offered");
    }
    if (!lenient_) {
      return Invalid(PlainName(name), "the search parameter is not offered for this type");
    }
    query_.ignored.push_back(PlainName(name));
    return {};
  }

  Status Count(const std::string& value) {
    uint64_t count = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, count);
    if (value.empty() || value.size() > 18 || read.ec != std::errc() || read.ptr != end) {
      return Invalid("_count", "the value must be a whole number");
    }
    if (std::exchange(counted_, true)) {
      return Invalid("_count", "the parameter must stand once");
    }
    // R4 search.html 3.1.1.5.1: a server may return fewer than were asked for.
    query_.count = static_cast<uint32_t>(std::min<uint64_t>(count, limits_.search_count_max));
    query_.applied.emplace_back("_count", std::to_string(query_.count));
    return {};
  }

  Status Cursor(const std::string& value) {
    if (value.empty() || !query_.cursor.empty()) {
      return Invalid("_cursor", "the parameter must stand once, with a value");
    }
    query_.cursor = value;
    query_.applied.emplace_back("_cursor", value);
    return {};
  }

  // :missing for all, :not for tokens, :Type for references. _id and _lastUpdated take none.
  Status CheckModifier(const std::string& name, const Criterion& criterion) const {
    const SearchParameter& parameter = *criterion.parameter;
    const bool own = !parameter.code.starts_with('_');
    const bool type_name = parameter.kind == SearchKind::kReference &&
                           std::find(parameter.targets.begin(), parameter.targets.end(),
                                     criterion.modifier) != parameter.targets.end();
    const bool offered =
        own && (criterion.modifier == "missing" ||
                (criterion.modifier == "not" && parameter.kind == SearchKind::kToken) || type_name);
    return offered ? Status() : Status(Invalid(PlainName(name), "the modifier is not offered"));
  }

  Status Values(const std::string& name, std::string_view text, Criterion* criterion) {
    while (true) {
      const size_t comma = FindUnescaped(text, ',');
      if (++values_ > limits_.search_values_max) {
        return Error{Code::kTooLarge, "too many values in one search", PlainName(name)};
      }
      SearchValue value;
      if (!OneValue(text.substr(0, comma), *criterion, &value)) {
        return Invalid(PlainName(name), Expected(*criterion));
      }
      criterion->values.push_back(std::move(value));
      if (comma == std::string_view::npos) {
        break;
      }
      text.remove_prefix(comma + 1);
    }
    if (criterion->modifier == "missing" && criterion->values.size() != 1) {
      return Invalid(PlainName(name), "the value must be true or false");
    }
    return {};
  }

  static std::string_view Expected(const Criterion& criterion) {
    if (criterion.modifier == "missing") {
      return "the value must be true or false";
    }
    switch (criterion.parameter->kind) {
      case SearchKind::kDate:
        return "the value must be a date or dateTime, with one of eq ne gt lt ge le sa eb before "
               "it";
      case SearchKind::kReference:
        return "the value must be an id, a type and id, or a URL, of a type that it may refer to";
      case SearchKind::kString:
      case SearchKind::kUri:
        return "the value must be a text that is not empty";
      default:
        return "the value must be a code, system|code, |code or system|";
    }
  }

  bool OneValue(std::string_view text, const Criterion& criterion, SearchValue* out) const {
    if (criterion.modifier == "missing") {
      out->text = std::string(text);
      return text == "true" || text == "false";
    }
    switch (criterion.parameter->kind) {
      case SearchKind::kToken:
        return criterion.parameter->code == "_id" ? Id(text, out) : Token(text, out);
      case SearchKind::kReference:
        return Reference(text, criterion, out);
      case SearchKind::kDate:
        return Date(text, out);
      case SearchKind::kString:
      case SearchKind::kUri:
        return Text(text, criterion.parameter->kind, out);
      default:
        return false;
    }
  }

  static bool Text(std::string_view escaped, SearchKind kind, SearchValue* out) {
    const std::optional<std::string> text = Unescaped(escaped);
    if (text) {
      out->text = kind == SearchKind::kString ? FoldedText(*text) : *text;
    }
    return !out->text.empty();
  }

  static bool Id(std::string_view text, SearchValue* out) {
    out->text = std::string(text);
    return IsLexicalForm(Primitive::kId, text);
  }

  static bool Token(std::string_view text, SearchValue* out) {
    const size_t bar = FindUnescaped(text, '|');
    if (bar != std::string_view::npos) {
      out->system = Unescaped(text.substr(0, bar));
      if (!out->system) {
        return false;
      }
      text.remove_prefix(bar + 1);
    }
    const std::optional<std::string> code = Unescaped(text);
    if (!code || FindUnescaped(text, '|') != std::string_view::npos) {
      return false;
    }
    out->text = *code;
    return !out->text.empty() || (out->system && !out->system->empty());
  }

  bool Reference(std::string_view escaped, const Criterion& criterion, SearchValue* out) const {
    const std::optional<std::string> text = Unescaped(escaped);
    if (!text) {
      return false;
    }
    const std::optional<ReferenceText> split = SplitReference(*text, definitions_);
    const auto& targets = criterion.parameter->targets;
    if (!split) {
      return false;
    }
    out->text = std::string(split->text);
    out->reference_type = std::string(split->type);
    if (!split->type.empty()) {
      const bool named = criterion.modifier.empty() || criterion.modifier == split->type;
      const bool target = targets.empty() ||
                          std::find(targets.begin(), targets.end(), split->type) != targets.end();
      return named && target;
    }
    if (!IsLexicalForm(Primitive::kId, *text)) {
      return text->find(':') != std::string::npos;  // an absolute URL or URN; else no reference
    }
    if (!criterion.modifier.empty()) {
      out->reference_type = criterion.modifier;
    } else if (targets.size() == 1) {
      out->reference_type = std::string(targets.front());
    } else if (criterion.parameter->code == "patient") {
      out->reference_type = "Patient";
    }
    return true;
  }

  static bool Date(std::string_view text, SearchValue* out) {
    for (const NamedPrefix& entry : kPrefixes) {
      if (text.starts_with(entry.text)) {
        out->prefix = entry.prefix;
        text.remove_prefix(2);
        break;
      }
    }
    const std::optional<Interval> interval = IntervalOf(text);
    if (!interval) {
      return false;
    }
    out->low_us = interval->low_us;
    out->high_us = interval->high_us;
    return true;
  }

  bool lenient_;
  const SearchIndexer& indexer_;
  const Definitions& definitions_;
  const Limits& limits_;
  Query query_;
  uint32_t values_ = 0;
  bool counted_ = false;
};

}  // namespace

Result<Query> ParseQuery(std::string_view type, std::string_view text, bool lenient,
                         const SearchIndexer& indexer, const Limits& limits) {
  return QueryParser(type, lenient, indexer, limits).Parse(text);
}

}  // namespace gw::fhir
