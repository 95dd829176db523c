#include <array>
#include <charconv>

#include "gateway/hl7v2/message.h"

namespace gw::hl7v2 {
namespace {

// Takes a number from 1 off the front of *text; 0 where none stands.
uint32_t TakeNumber(std::string_view* text) {
  uint32_t number = 0;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (fault != std::errc{}) {
    return 0;
  }
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

// "[2]": nothing there leaves *number alone; false where it is broken.
bool TakeRepetition(std::string_view* text, uint32_t* number) {
  if (!text->starts_with('[')) {
    return true;
  }
  text->remove_prefix(1);
  *number = TakeNumber(text);
  if (*number == 0 || !text->starts_with(']')) {
    return false;
  }
  text->remove_prefix(1);
  return true;
}

// ".4": nothing there leaves *number alone; false where it is broken.
bool TakePart(std::string_view* text, char mark, uint32_t* number) {
  if (!text->starts_with(mark)) {
    return true;
  }
  text->remove_prefix(1);
  *number = TakeNumber(text);
  return *number != 0;
}

void AppendNumber(std::string_view before, uint32_t number, std::string_view after,
                  std::string* text) {
  std::array<char, 10> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text->append(before).append(digits.data(), written.ptr).append(after);
}

}  // namespace

std::string Location::ToString() const {
  std::string text = segment;
  if (segment_repetition > 1) {
    AppendNumber("[", segment_repetition, "]", &text);
  }
  if (field == 0) {
    return text;
  }
  AppendNumber("-", field, "", &text);
  if (repetition > 1) {
    AppendNumber("[", repetition, "]", &text);
  }
  if (component != 0) {
    AppendNumber(".", component, "", &text);
    if (subcomponent != 0) {
      AppendNumber(".", subcomponent, "", &text);
    }
  }
  return text;
}

std::optional<Location> Location::FromString(std::string_view text) {
  const auto is_name = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (text.size() < 3 || !is_name(text[0]) || !is_name(text[1]) || !is_name(text[2])) {
    return std::nullopt;
  }
  Location location;
  location.segment = text.substr(0, 3);
  text.remove_prefix(3);
  const bool whole =
      TakeRepetition(&text, &location.segment_repetition) &&
      TakePart(&text, '-', &location.field) && TakeRepetition(&text, &location.repetition) &&
      TakePart(&text, '.', &location.component) && TakePart(&text, '.', &location.subcomponent);
  const bool in_order =
      location.field != 0 || (location.repetition == 0 && location.component == 0);
  if (!whole || !text.empty() || !in_order) {
    return std::nullopt;
  }
  return location;
}

}  // namespace gw::hl7v2
