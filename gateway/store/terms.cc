#include "gateway/store/terms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

namespace gw::store {
namespace {

using fhir::IndexRow;
using fhir::SearchKind;

constexpr uint8_t kFormat = 1;
constexpr size_t kNamedAgainMax = 64;
constexpr size_t kUsualBytes = 512;

enum Tag : uint8_t { kToken, kReference, kDate, kString, kUri };

Tag TagOf(SearchKind kind) {
  switch (kind) {
    case SearchKind::kReference:
      return kReference;
    case SearchKind::kDate:
      return kDate;
    case SearchKind::kString:
      return kString;
    case SearchKind::kUri:
      return kUri;
    default:
      return kToken;
  }
}

uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ (value < 0 ? ~uint64_t{0} : 0);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1 ^ ((value & 1) != 0 ? ~uint64_t{0} : 0));
}

// The first texts of a column, each under its place.
struct NamedTexts {
  std::array<std::string_view, kNamedAgainMax> texts;
  size_t count = 0;

  void Add(std::string_view text) {
    if (count < texts.size()) {
      texts[count++] = text;
    }
  }
};

class Packer {
 public:
  std::string Pack(const Terms& terms) && {
    out_.reserve(kUsualBytes);
    out_.push_back(static_cast<char>(kFormat));
    Number(terms.compartments.size());
    for (const size_t place : terms.compartments) {
      Number(place);
    }
    Number(terms.claims.size());
    for (const Claim& claim : terms.claims) {
      Text(claim.system);
      Text(claim.value);
    }
    Number(terms.rows.size());
    for (const IndexRow& row : terms.rows) {
      Row(row);
    }
    return std::move(out_);
  }

 private:
  void Row(const IndexRow& row) {
    const Tag tag = TagOf(row.kind);
    out_.push_back(static_cast<char>(tag));
    Text(row.code);
    if (tag == kDate) {
      Number(ZigZag(row.low_us));
      Number(static_cast<uint64_t>(row.high_us) - static_cast<uint64_t>(row.low_us));
      return;
    }
    if (tag == kToken || tag == kReference) {
      Text(tag == kToken ? row.system : row.reference_type);
    }
    Text(row.text);
  }

  void Text(std::string_view text) {
    const std::span<const std::string_view> names(named_.texts.data(), named_.count);
    const auto known = std::find(names.begin(), names.end(), text);
    if (known != names.end()) {
      Number(static_cast<uint64_t>(known - names.begin()) * 2 + 1);
      return;
    }
    Number(uint64_t{text.size()} * 2);
    out_.append(text);
    named_.Add(text);
  }

  void Number(uint64_t value) {
    while (value > 0x7F) {
      out_.push_back(static_cast<char>(0x80 | (value & 0x7F)));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }

  std::string out_;
  NamedTexts named_;
};

// After the first thing that cannot be, every read gives nothing and ok() is false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view packed) : rest_(packed) {}

  bool Unpack(Terms* out) {
    if (Byte() != kFormat) {
      return false;
    }
    for (uint64_t left = Number(); ok_ && left > 0; --left) {
      out->compartments.push_back(Number());
    }
    for (uint64_t left = Number(); ok_ && left > 0; --left) {
      const std::string_view system = Text();
      out->claims.push_back({system, Text()});
    }
    for (uint64_t left = Number(); ok_ && left > 0; --left) {
      out->rows.push_back(Row());
    }
    return ok_ && rest_.empty();
  }

 private:
  IndexRow Row() {
    static constexpr std::array kKinds = {SearchKind::kToken, SearchKind::kReference,
                                          SearchKind::kDate, SearchKind::kString, SearchKind::kUri};
    IndexRow row;
    const uint8_t tag = Byte();
    if (tag >= kKinds.size()) {
      ok_ = false;
      return row;
    }
    row.kind = kKinds[tag];
    row.code = Text();
    if (tag == kDate) {
      row.low_us = UnZigZag(Number());
      row.high_us = static_cast<int64_t>(static_cast<uint64_t>(row.low_us) + Number());
      return row;
    }
    if (tag == kToken || tag == kReference) {
      (tag == kToken ? row.system : row.reference_type) = Text();
    }
    row.text = Text();
    return row;
  }

  std::string_view Text() {
    const uint64_t head = Number();
    const uint64_t value = head >> 1;
    if ((head & 1) != 0) {
      ok_ = ok_ && value < named_.count;
      return ok_ ? named_.texts[value] : std::string_view();
    }
    ok_ = ok_ && value <= rest_.size();
    if (!ok_) {
      return {};
    }
    const std::string_view text = rest_.substr(0, value);
    rest_.remove_prefix(value);
    named_.Add(text);
    return text;
  }

  uint64_t Number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < std::numeric_limits<uint64_t>::digits; shift += 7) {
      const uint8_t byte = Byte();
      const uint64_t bits = byte & 0x7F;
      if (bits << shift >> shift != bits) {
        break;  // past 64 bits
      }
      value |= bits << shift;
      if ((byte & 0x80) == 0) {
        return ok_ ? value : 0;
      }
    }
    ok_ = false;
    return 0;
  }

  uint8_t Byte() {
    ok_ = ok_ && !rest_.empty();
    if (!ok_) {
      return 0;
    }
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  std::string_view rest_;
  NamedTexts named_;
  bool ok_ = true;
};

}  // namespace

std::string PackTerms(const Terms& terms) { return Packer().Pack(terms); }

Status UnpackTerms(std::string_view packed, Terms* out) {
  out->rows.clear();
  out->claims.clear();
  out->compartments.clear();
  if (!Unpacker(packed).Unpack(out)) {
    return Error{Code::kUnavailable, "what a resource holds cannot be read", "store"};
  }
  return {};
}

}  // namespace gw::store
