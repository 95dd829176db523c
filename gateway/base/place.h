#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gw {

// A place in a text for people: both count from 1, columns count code points.
struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
  bool operator==(const Place&) const = default;
};

// Tells the places of bytes of one text, which must be UTF-8 and outlive it. Asked in rising order
// it reads the text once, whatever the number of questions. Not thread-safe.
class PlaceFinder {
 public:
  explicit PlaceFinder(std::string_view text) : text_(text) {}
  // Of the byte at `offset`; past the end, of the end.
  Place At(size_t offset);

 private:
  std::string_view text_;
  size_t offset_ = 0;  // of place_
  Place place_;
};

// The place of one byte of `text`.
Place PlaceAt(std::string_view text, size_t offset);

// "line 3, column 9".
std::string ToText(Place place);

}  // namespace gw
