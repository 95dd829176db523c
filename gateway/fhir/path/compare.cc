#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "gateway/fhir/path/compare_internal.h"
#include "gateway/fhir/path/ucum_internal.h"

namespace gw::fhir::path {
namespace {

using Kind = Value::Kind;
constexpr size_t kFew = 12;  // items that are compared one by one, without hashes

bool IsNumber(Kind kind) { return kind == Kind::kInteger || kind == Kind::kDecimal; }
bool IsMoment(Kind kind) { return kind == Kind::kDate || kind == Kind::kDateTime; }

// Children stand in the same order in both, repetitions too.
std::optional<bool> EqualElements(const Element& a, const Element& b) {
  if (&a == &b) {
    return true;
  }
  if (a.has_text() != b.has_text() || a.is_null() != b.is_null()) {
    return false;
  }
  const Element* x = a.first_child();
  const Element* y = b.first_child();
  for (; x != nullptr && y != nullptr; x = x->next(), y = y->next()) {
    if (x->name() != y->name()) {
      return false;
    }
    const std::optional<bool> equal = Equal(Value::Of(*x), Value::Of(*y));
    if (!equal.value_or(false)) {
      return equal;
    }
  }
  return x == nullptr && y == nullptr;
}

bool SamePrimitive(const Element& a, const Element& b) {
  return a.has_text() == b.has_text() && a.text() == b.text();
}

// Each child of one has its own equivalent among the other's, whatever the order.
bool EquivalentElements(const Element& a, const Element& b) {
  if (&a == &b) {
    return true;
  }
  size_t left = 0;
  for (const Element* child = b.first_child(); child != nullptr; child = child->next()) {
    ++left;
  }
  std::vector<const Element*> taken;
  for (const Element* x = a.first_child(); x != nullptr; x = x->next()) {
    const Element* found = nullptr;
    for (const Element* y = b.first_child(); y != nullptr && found == nullptr; y = y->next()) {
      const bool free = std::find(taken.begin(), taken.end(), y) == taken.end();
      if (free && x->name() == y->name() && Equivalent(Value::Of(*x), Value::Of(*y))) {
        found = y;
      }
    }
    if (found == nullptr) {
      return false;
    }
    taken.push_back(found);
  }
  return taken.size() == left && (left > 0 || SamePrimitive(a, b));
}

// The values of two quantities in one unit; absent where there is none.
struct CommonUnit {
  Decimal a;
  Decimal b;
};
std::optional<CommonUnit> ToCommonUnit(const Value& a, const Value& b) {
  const std::optional<Decimal> x = ParseDecimal(a.text());
  const std::optional<Decimal> y = ParseDecimal(b.text());
  if (!x || !y) {
    return std::nullopt;
  }
  if (a.unit() == b.unit()) {
    return CommonUnit{*x, *y};
  }
  if (const std::optional<Decimal> converted = Convert(*y, b.unit(), a.unit())) {
    return CommonUnit{*x, *converted};
  }
  if (const std::optional<Decimal> converted = Convert(*x, a.unit(), b.unit())) {
    return CommonUnit{*converted, *y};
  }
  return std::nullopt;
}

// FHIRPath 2.0, 6.1.2: to the precision of the less precise of the two, trailing zeros apart.
bool EquivalentNumbers(const Decimal& a, const Decimal& b) {
  const Decimal x = WithoutTrailingZeros(a);
  const Decimal y = WithoutTrailingZeros(b);
  const int32_t scale = std::min(x.scale, y.scale);
  const std::optional<Decimal> rounded_x = Rescale(x, scale, Rounding::kHalfUp);
  const std::optional<Decimal> rounded_y = Rescale(y, scale, Rounding::kHalfUp);
  return rounded_x && rounded_y && rounded_x->digits == rounded_y->digits;
}

char Fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Case and the kind of white space do not count.
bool EquivalentStrings(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return Fold(x) == Fold(y) || (IsBlank(x) && IsBlank(y));
  });
}

Order OrderOf(int order) {
  return order < 0 ? Order::kLess : order > 0 ? Order::kGreater : Order::kEqual;
}

uint64_t Mix(uint64_t hash, uint64_t more) {
  return (hash ^ more) * 0x9E3779B97F4A7C15ULL + (hash >> 29U);
}

uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

uint64_t HashElement(const Element& element) {
  uint64_t hash = element.has_text() ? 1 : 2;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    hash = Mix(hash, HashText(child->name()));
    hash = Mix(hash, HashOf(Value::Of(*child)));
  }
  return hash;
}

uint64_t HashNumber(const Decimal& number) {
  const Decimal plain = WithoutTrailingZeros(number);
  return Mix(static_cast<uint64_t>(plain.digits), static_cast<uint64_t>(plain.scale));
}

// In base units as a fraction in lowest terms, so that 1 g and 1000 mg hash alike.
uint64_t HashQuantity(const Value& value) {
  const std::optional<Decimal> number = ParseDecimal(value.text());
  const std::optional<Unit> unit = ParseUnit(value.unit());
  const std::optional<Decimal> shifted = number && unit ? Add(*number, unit->offset) : std::nullopt;
  const std::optional<Decimal> top = shifted ? Multiply(*shifted, unit->numerator) : std::nullopt;
  if (!top) {  // equal only to what has the same unit, and where it is no number the same text
    return Mix(HashText(value.unit()), number ? HashNumber(*number) : HashText(value.text()));
  }
  const Decimal over = WithoutTrailingZeros(*top);
  const Decimal under = WithoutTrailingZeros(unit->denominator);
  Int128 a = over.digits;
  Int128 b = under.digits;
  while (b != 0) {
    a = std::exchange(b, a % b);
  }
  const Int128 divisor = a < 0 ? -a : std::max<Int128>(a, 1);
  uint64_t hash = Mix(static_cast<uint64_t>(over.digits / divisor),
                      static_cast<uint64_t>(under.digits / divisor));
  for (const int dimension : unit->dimension) {
    hash = Mix(hash, static_cast<uint64_t>(dimension));
  }
  return hash;
}

}  // namespace

std::optional<Decimal> NumberOf(const Value& value) {
  if (value.kind() == Kind::kInteger) {
    return FromInteger(value.integer());
  }
  return value.kind() == Kind::kDecimal ? ParseDecimal(value.text()) : std::nullopt;
}

std::optional<Moment> MomentOf(const Value& value) {
  const bool moment = IsMoment(value.kind()) || value.kind() == Kind::kTime;
  return moment ? ParseMoment(value.kind(), value.text()) : std::nullopt;
}

std::optional<bool> Equal(const Value& first, const Value& second) {
  return EqualUnboxed(Unbox(first), Unbox(second));
}

std::optional<bool> EqualUnboxed(const Value& a, const Value& b) {
  if (a.kind() == Kind::kString && b.kind() == Kind::kString) {
    return a.text() == b.text();
  }
  if (IsNumber(a.kind()) && IsNumber(b.kind())) {
    if (a.kind() == Kind::kInteger && b.kind() == Kind::kInteger) {
      return a.integer() == b.integer();
    }
    const std::optional<Decimal> x = NumberOf(a);
    const std::optional<Decimal> y = NumberOf(b);
    return x && y ? Compare(*x, *y) == 0 : a.text() == b.text();
  }
  if ((IsMoment(a.kind()) && IsMoment(b.kind())) ||
      (a.kind() == Kind::kTime && b.kind() == Kind::kTime)) {
    const std::optional<Moment> x = MomentOf(a);
    const std::optional<Moment> y = MomentOf(b);
    return x && y ? Equal(*x, *y) : std::optional<bool>(a.text() == b.text());
  }
  if (a.kind() != b.kind()) {
    return false;
  }
  switch (a.kind()) {
    case Kind::kElement:
      return EqualElements(*a.element(), *b.element());
    case Kind::kBoolean:
      return a.is_true() == b.is_true();
    case Kind::kQuantity: {
      if (a.text() == b.text() && a.unit() == b.unit()) {
        return true;  // also where no number can hold it
      }
      const std::optional<CommonUnit> both = ToCommonUnit(a, b);
      return both ? std::optional<bool>(Compare(both->a, both->b) == 0) : std::nullopt;
    }
    default:
      return a.text() == b.text() && a.unit() == b.unit();
  }
}

bool Equivalent(const Value& first, const Value& second) {
  const Value a = Unbox(first);
  const Value b = Unbox(second);
  if (a.kind() == Kind::kString && b.kind() == Kind::kString) {
    return EquivalentStrings(a.text(), b.text());
  }
  if (IsNumber(a.kind()) && IsNumber(b.kind())) {
    const std::optional<Decimal> x = NumberOf(a);
    const std::optional<Decimal> y = NumberOf(b);
    return x && y && EquivalentNumbers(*x, *y);
  }
  if (a.kind() == Kind::kQuantity && b.kind() == Kind::kQuantity) {
    const std::optional<CommonUnit> both = ToCommonUnit(a, b);
    return both ? EquivalentNumbers(both->a, both->b)
                : EquivalentDurations(a.unit(), b.unit()) &&
                      EquivalentNumbers(ParseDecimal(a.text()).value_or(Decimal{}),
                                        ParseDecimal(b.text()).value_or(Decimal{}));
  }
  if (a.kind() == Kind::kElement && b.kind() == Kind::kElement) {
    return EquivalentElements(*a.element(), *b.element());
  }
  return Equal(a, b).value_or(false);
}

Order Compare(const Value& first, const Value& second) {
  const Value a = Unbox(first);
  const Value b = Unbox(second);
  if (IsNumber(a.kind()) && IsNumber(b.kind())) {
    const std::optional<Decimal> x = NumberOf(a);
    const std::optional<Decimal> y = NumberOf(b);
    return x && y ? OrderOf(Compare(*x, *y)) : Order::kOpen;
  }
  if (a.kind() == Kind::kString && b.kind() == Kind::kString) {
    return OrderOf(a.text().compare(b.text()));
  }
  if ((IsMoment(a.kind()) && IsMoment(b.kind())) ||
      (a.kind() == Kind::kTime && b.kind() == Kind::kTime)) {
    const std::optional<Moment> x = MomentOf(a);
    const std::optional<Moment> y = MomentOf(b);
    const std::optional<int> order = x && y ? Compare(*x, *y) : std::nullopt;
    return order ? OrderOf(*order) : Order::kOpen;
  }
  if (a.kind() == Kind::kQuantity && b.kind() == Kind::kQuantity) {
    const std::optional<CommonUnit> both = ToCommonUnit(a, b);
    return both ? OrderOf(Compare(both->a, both->b)) : Order::kOpen;
  }
  // An element that has no value (an extension in its place) leaves the order open.
  const auto valueless = [](const Value& value) {
    return value.element() != nullptr && SystemKindOf(value.element()->type()) != Kind::kElement;
  };
  return valueless(a) || valueless(b) ? Order::kOpen : Order::kMismatch;
}

uint64_t HashOf(const Value& boxed) {
  const Value value = Unbox(boxed);
  switch (value.kind()) {
    case Kind::kElement:
      return HashElement(*value.element());
    case Kind::kBoolean:
      return value.is_true() ? 11 : 12;
    case Kind::kInteger:
    case Kind::kDecimal: {
      const std::optional<Decimal> number = NumberOf(value);
      return number ? HashNumber(*number) : HashText(value.text());
    }
    case Kind::kDate:
    case Kind::kDateTime:
    case Kind::kTime: {
      const std::optional<Moment> moment = MomentOf(value);
      return moment ? Mix(21, static_cast<uint64_t>(SpanOf(*moment).low_us))
                    : HashText(value.text());
    }
    case Kind::kQuantity:
      return HashQuantity(value);
    default:
      return HashText(value.text());
  }
}

bool DistinctSet::Contains(const Value& value) const { return Holds(Unbox(value)); }

bool DistinctSet::Holds(const Value& value) const {
  const auto equal = [&value](const Value& other) {
    return EqualUnboxed(value, other).value_or(false);
  };
  if (buckets_.empty()) {
    return std::any_of(items_.begin(), items_.end(), equal);
  }
  const uint64_t hash = HashOf(value);
  for (uint32_t i = buckets_[hash % buckets_.size()]; i != 0; i = next_[i - 1]) {
    if (hashes_[i - 1] == hash && equal(items_[i - 1])) {
      return true;
    }
  }
  return false;
}

bool DistinctSet::Insert(const Value& boxed) {
  const Value value = Unbox(boxed);
  if (Holds(value)) {
    return false;
  }
  items_.push_back(value);
  if (items_.size() > std::max(kFew, buckets_.size())) {
    Rehash(items_.size() * 4);
  } else if (!buckets_.empty()) {
    hashes_.push_back(HashOf(value));
    uint32_t& bucket = buckets_[hashes_.back() % buckets_.size()];
    next_.push_back(bucket);
    bucket = static_cast<uint32_t>(items_.size());
  }
  return true;
}

void DistinctSet::Rehash(size_t buckets) {
  for (size_t i = hashes_.size(); i < items_.size(); ++i) {
    hashes_.push_back(HashOf(items_[i]));
  }
  buckets_.assign(buckets, 0);
  next_.assign(items_.size(), 0);
  for (size_t i = 0; i < items_.size(); ++i) {
    uint32_t& bucket = buckets_[hashes_[i] % buckets];
    next_[i] = bucket;
    bucket = static_cast<uint32_t>(i + 1);
  }
}

}  // namespace gw::fhir::path
