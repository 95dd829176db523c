#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include "gateway/fhir/package/compiled_internal.h"

namespace gw::fhir::compiled {
namespace {

constexpr size_t kAlignment = 8;

size_t Aligned(size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

// Takes the next part of a version, up to a dot or hyphen.
std::string_view TakePart(std::string_view* version) {
  const size_t end = std::min(version->find_first_of(".-"), version->size());
  const std::string_view part = version->substr(0, end);
  version->remove_prefix(std::min(end + 1, version->size()));
  return part;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

int CompareParts(std::string_view a, std::string_view b) {
  if (IsNumber(a) && IsNumber(b)) {
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    if (a.size() != b.size()) {
      return a.size() < b.size() ? -1 : 1;
    }
  } else if (IsNumber(a) != IsNumber(b)) {
    return IsNumber(b) ? -1 : 1;  // a label stands before a number
  }
  return a.compare(b);
}

}  // namespace

int CompareVersions(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view part_a = TakePart(&a);
    const std::string_view part_b = TakePart(&b);
    if (const int order = CompareParts(part_a, part_b); order != 0) {
      return order;
    }
  }
  if (a.empty() && b.empty()) {
    return 0;
  }
  // More numbers come later ("4.0" before "4.0.1"), a label earlier ("2.0-ballot" before "2.0").
  const bool is_a_longer = b.empty();
  std::string_view rest = is_a_longer ? a : b;
  const bool is_label = !IsNumber(TakePart(&rest));
  return is_a_longer == is_label ? -1 : 1;
}

std::optional<View> Open(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic || header.format != kFormat || header.bytes != bytes.size()) {
    return std::nullopt;
  }
  View view;
  size_t index = 0;
  bool is_sound = true;
  ForEachSection(view, [&](auto& section) {
    using Row = typename std::remove_reference_t<decltype(section)>::value_type;
    const Range range = header.sections[index++];
    const uint64_t end = range.first + uint64_t{range.count} * sizeof(Row);
    if (range.first % kAlignment != 0 || end > bytes.size()) {
      is_sound = false;
      return;
    }
    // The rows were written by Bytes() as they stand in memory.
    const void* start = bytes.data() + range.first;
    section = std::remove_reference_t<decltype(section)>(static_cast<const Row*>(start),
                                                         size_t{range.count});
  });
  return is_sound ? std::optional<View>(view) : std::nullopt;
}

Text Writer::Intern(std::string_view text) {
  const auto [place, is_new] =
      known_texts_.emplace(std::string(text), static_cast<Text>(texts.size()));
  if (is_new) {
    const auto size = static_cast<uint32_t>(text.size());
    char length[sizeof(size)];
    std::memcpy(length, &size, sizeof(size));
    texts.insert(texts.end(), length, length + sizeof(size));
    texts.insert(texts.end(), text.begin(), text.end());
  }
  return place->second;
}

std::string_view Writer::TextAt(Text text) const {
  uint32_t size = 0;
  std::memcpy(&size, texts.data() + text, sizeof(size));
  return {texts.data() + text + sizeof(size), size};
}

Range Writer::List(const std::vector<uint32_t>& items) {
  if (items.empty()) {
    return {};
  }
  const Range next = {static_cast<uint32_t>(lists.size()), static_cast<uint32_t>(items.size())};
  const auto [place, is_new] = known_lists_.emplace(items, next);
  if (is_new) {
    lists.insert(lists.end(), items.begin(), items.end());
  }
  return place->second;
}

Range Writer::TextList(const std::vector<std::string>& texts_in_order) {
  std::vector<uint32_t> items;
  items.reserve(texts_in_order.size());
  for (const std::string& text : texts_in_order) {
    items.push_back(Intern(text));
  }
  return List(items);
}

template <typename Row>
uint32_t Writer::InternRow(const Row& row, std::vector<Row>* rows,
                           std::map<std::string, uint32_t, std::less<>>* known) {
  static_assert(std::has_unique_object_representations_v<Row>, "rows are compared as bytes");
  std::string key(sizeof(row), '\0');
  std::memcpy(key.data(), &row, sizeof(row));
  const auto [place, is_new] = known->emplace(std::move(key), static_cast<uint32_t>(rows->size()));
  if (is_new) {
    rows->push_back(row);
  }
  return place->second;
}

uint32_t Writer::Type(const TypeRow& row) { return InternRow(row, &types, &known_types_); }

uint32_t Writer::ConstraintOf(const ConstraintRow& row) {
  return InternRow(row, &constraints, &known_constraints_);
}

uint32_t Writer::Property(const PropertyRow& row) {
  return InternRow(row, &properties, &known_properties_);
}

template <typename Row>
void Writer::SortByCanonical(std::vector<Row>* rows) const {
  std::stable_sort(rows->begin(), rows->end(), [this](const Row& a, const Row& b) {
    if (const int order = TextAt(a.url).compare(TextAt(b.url)); order != 0) {
      return order < 0;
    }
    return CompareVersions(TextAt(a.version), TextAt(b.version)) < 0;
  });
}

std::string Writer::Bytes() {
  SortByCanonical(&profiles);
  SortByCanonical(&code_systems);
  SortByCanonical(&value_sets);
  SortByCanonical(&concept_maps);
  SortByCanonical(&resources);
  std::stable_sort(resources.begin(), resources.end(),
                   [this](const ResourceRow& a, const ResourceRow& b) {
                     return TextAt(a.type) < TextAt(b.type);
                   });
  std::stable_sort(searches.begin(), searches.end(),
                   [this](const SearchRow& a, const SearchRow& b) {
                     return std::pair(TextAt(a.base), TextAt(a.code)) <
                            std::pair(TextAt(b.base), TextAt(b.code));
                   });
  Header header = {kMagic, kFormat, 0, {}};
  std::string bytes(Aligned(sizeof(header)), '\0');
  size_t index = 0;
  ForEachSection(*this, [&](const auto& section) {
    using Row = typename std::remove_reference_t<decltype(section)>::value_type;
    static_assert(std::is_trivially_copyable_v<Row>, "rows are kept as they stand in memory");
    header.sections[index++] = {static_cast<uint32_t>(bytes.size()),
                                static_cast<uint32_t>(section.size())};
    const size_t start = bytes.size();
    bytes.resize(Aligned(start + section.size() * sizeof(Row)));
    if (!section.empty()) {
      std::memcpy(bytes.data() + start, section.data(), section.size() * sizeof(Row));
    }
  });
  header.bytes = static_cast<uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

}  // namespace gw::fhir::compiled
