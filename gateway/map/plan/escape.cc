#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "gateway/base/percent.h"
#include "gateway/map/plan/run_internal.h"

namespace gw::map {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kXml = {
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}}};
constexpr std::array<std::pair<std::string_view, char>, 5> kJson = {
    {{"\\\\", '\\'}, {"\\\"", '"'}, {"\\n", '\n'}, {"\\r", '\r'}, {"\\t", '\t'}}};

template <typename Table>
std::string Replace(std::string_view text, const Table& table) {
  std::string out;
  for (const char c : text) {
    const auto* found = std::find_if(table.begin(), table.end(),
                                     [c](const auto& entry) { return entry.second == c; });
    if (found == table.end()) {
      out.push_back(c);
    } else {
      out += found->first;
    }
  }
  return out;
}

template <typename Table>
std::string Restore(std::string_view text, const Table& table) {
  std::string out;
  while (!text.empty()) {
    const auto* found = std::find_if(table.begin(), table.end(), [text](const auto& entry) {
      return text.starts_with(entry.first);
    });
    out.push_back(found == table.end() ? text.front() : found->second);
    text.remove_prefix(found == table.end() ? 1 : found->first.size());
  }
  return out;
}

// False: no such format.
bool Recode(std::string_view format, bool is_from, std::string* text) {
  if (format == "text") {
    return true;
  }
  if (format == "xml" || format == "html") {
    *text = is_from ? Restore(*text, kXml) : Replace(*text, kXml);
  } else if (format == "json") {
    *text = is_from ? Restore(*text, kJson) : Replace(*text, kJson);
  } else if (format == "url") {
    *text = is_from ? PercentDecoded(*text) : PercentEncoded(*text);
  } else {
    return false;
  }
  return true;
}

}  // namespace

// escape(text, format): from plain text to the format; escape(text, from, to): between two.
Result<Item> Runner::Escape(const Place& place, const Items& items) {
  const bool is_between = place.op->arguments.size() == 3;
  std::string text(items[0].Text());
  if (text.empty()) {
    return Item();
  }
  const bool known = (!is_between || Recode(items[1].Text(), true, &text)) &&
                     Recode(items[is_between ? 2 : 1].Text(), false, &text);
  if (!known) {
    return Refuse(place, "escape knows the formats text, html, xml, json and url");
  }
  return TextItem(text, program_.types.string_type);
}

}  // namespace gw::map
