#include "gateway/base/place.h"

#include <algorithm>

namespace gw {

Place PlaceFinder::At(size_t offset) {
  offset = std::min(offset, text_.size());
  if (offset < offset_) {
    offset_ = 0;
    place_ = {};
  }
  const std::string_view before = text_.substr(0, offset);
  for (size_t end = before.find('\n', offset_); end != std::string_view::npos;
       end = before.find('\n', offset_)) {
    offset_ = end + 1;
    place_ = {place_.line + 1, 1};
  }
  for (; offset_ < offset; ++offset_) {
    const bool starts_code_point = (static_cast<uint8_t>(text_[offset_]) & 0xC0) != 0x80;
    place_.column += starts_code_point ? 1 : 0;
  }
  return place_;
}

Place PlaceAt(std::string_view text, size_t offset) { return PlaceFinder(text).At(offset); }

std::string ToText(Place place) {
  return "line " + std::to_string(place.line) + ", column " + std::to_string(place.column);
}

}  // namespace gw
