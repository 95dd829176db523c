#include <array>
#include <charconv>

#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {

Value Value::Of(const Element& element) {
  Value value;
  value.element_ = &element;
  return value;
}

Value Value::Boolean(bool value) {
  Value out;
  out.kind_ = Kind::kBoolean;
  out.integer_ = value ? 1 : 0;
  out.text_ = value ? "true" : "false";
  out.text_size_ = value ? 4 : 5;
  return out;
}

Value Value::Integer(int64_t value, Arena* arena) {
  Value out;
  out.kind_ = Kind::kInteger;
  out.integer_ = value;
  if (arena != nullptr) {
    std::array<char, 24> buffer{};
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    const std::string_view text =
        arena->Copy({buffer.data(), static_cast<size_t>(written.ptr - buffer.data())});
    out.text_ = text.data();
    out.text_size_ = static_cast<uint32_t>(text.size());
  }
  return out;
}

Value Value::Of(Kind kind, std::string_view text, std::string_view unit) {
  Value out;
  out.kind_ = kind;
  out.text_ = text.data();
  out.text_size_ = static_cast<uint32_t>(text.size());
  out.unit_ = unit.data();
  out.unit_size_ = static_cast<uint32_t>(unit.size());
  return out;
}

}  // namespace gw::fhir::path
