#pragma once

#include <cstdint>
#include <optional>

#include "gateway/fhir/path/datetime_internal.h"
#include "gateway/fhir/path/decimal_internal.h"
#include "gateway/fhir/path/path.h"

namespace gw::fhir::path {

// The System type that a FHIR type is read as: kElement for what has none (HumanName ...).
Value::Kind SystemKindOf(const TypeDef& type);
// The System value of an element that has one, else the value itself (FHIRPath 2.0 in R4, "Using
// FHIR types in expressions"). Makes nothing: views into the element.
Value Unbox(const Value& value);

// A number, or absent. Only of unboxed values.
std::optional<Decimal> NumberOf(const Value& value);
std::optional<Moment> MomentOf(const Value& value);

// The operators = and ~ on two items. Absent: the outcome is open (precision, units).
std::optional<bool> Equal(const Value& a, const Value& b);
std::optional<bool> EqualUnboxed(const Value& a, const Value& b);  // of what Unbox() gave
bool Equivalent(const Value& a, const Value& b);
// The order of two items. kMismatch: types that have no order among them.
enum class Order : uint8_t { kLess, kEqual, kGreater, kOpen, kMismatch };
Order Compare(const Value& a, const Value& b);
// Equal items have equal hashes.
uint64_t HashOf(const Value& value);

// Keeps the first of equal items, in linear time. Not for items in a moving stack: it copies.
class DistinctSet {
 public:
  // False where an equal item is in.
  bool Insert(const Value& value);
  bool Contains(const Value& value) const;

 private:
  bool Holds(const Value& unboxed) const;
  void Rehash(size_t buckets);
  std::vector<Value> items_;  // unboxed
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> next_;     // chains of one bucket
  std::vector<uint32_t> buckets_;  // empty while there are few
};

}  // namespace gw::fhir::path
