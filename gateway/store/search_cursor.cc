#include "gateway/store/search_cursor.h"

#include <optional>

namespace gw::store {
namespace {

constexpr size_t kMacBytes = 16;
constexpr size_t kTimeBytes = 8;

// Length first, so that no two lists of texts run together into the same bytes.
void AppendText(std::string* out, std::string_view text) {
  out->append(std::to_string(text.size())).append(":").append(text);
}

void AppendInt(std::string* out, int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift & 0xff));
  }
}

int64_t ReadInt(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kTimeBytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return static_cast<int64_t>(value);
}

std::string MacOf(std::string_view payload, const crypto::Digest& search, std::string_view key) {
  std::string text(crypto::AsBytes(search));
  text.append(payload);
  const crypto::Digest mac = crypto::HmacSha256(key, text);
  return std::string(crypto::AsBytes(mac).substr(0, kMacBytes));
}

}  // namespace

crypto::Digest DigestOf(const fhir::Query& query) {
  std::string text;
  AppendText(&text, query.type);
  for (const fhir::Criterion& criterion : query.criteria) {
    AppendText(&text, criterion.parameter->code);
    AppendText(&text, criterion.modifier);
    for (const fhir::SearchValue& value : criterion.values) {
      AppendInt(&text, static_cast<int64_t>(value.prefix));
      AppendText(&text, value.system ? *value.system : "-");
      AppendInt(&text, value.system ? 1 : 0);
      AppendText(&text, value.text);
      AppendText(&text, value.reference_type);
      AppendInt(&text, value.low_us);
      AppendInt(&text, value.high_us);
    }
    text.push_back(';');
  }
  return crypto::Sha256(text);
}

std::string EncodeCursor(const SearchPosition& position, const crypto::Digest& search,
                         std::string_view key) {
  std::string payload;
  AppendInt(&payload, position.last_updated_us);
  payload.append(position.id);
  return crypto::Base64Url(MacOf(payload, search, key) + payload);
}

Result<SearchPosition> DecodeCursor(std::string_view cursor, const crypto::Digest& search,
                                    std::string_view key) {
  const Error broken{Code::kInvalid, "the page link is not one of this search", "cursor"};
  const std::optional<std::string> bytes = crypto::FromBase64Url(cursor);
  if (!bytes || bytes->size() <= kMacBytes + kTimeBytes) {
    return broken;
  }
  const std::string_view all = *bytes;
  const std::string_view payload = all.substr(kMacBytes);
  if (!crypto::EqualInConstantTime(all.substr(0, kMacBytes), MacOf(payload, search, key))) {
    return broken;
  }
  return SearchPosition{ReadInt(payload), std::string(payload.substr(kTimeBytes))};
}

}  // namespace gw::store
