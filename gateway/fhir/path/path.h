#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir::path {

// One item of a FHIRPath collection: an element of a tree, or a value that the expression made.
// Small, trivially copyable; what it views belongs to the tree, the arena or the expression.
class Value {
 public:
  enum class Kind : uint8_t {
    kElement,
    kBoolean,
    kInteger,
    kDecimal,
    kString,
    kDate,
    kDateTime,
    kTime,
    kQuantity,
    kUnresolved,  // what a reference points at, not fetched: text() the reference, unit() its type
    kTypeInfo     // of type(): text() the name, unit() the namespace
  };

  Value() : element_(nullptr) {}
  static Value Of(const Element& element);
  static Value Boolean(bool value);
  // With a null arena text() stays empty; integer() serves then.
  static Value Integer(int64_t value, Arena* arena);
  // `text` must outlive the value: pass text of the arena or of the expression. Not for kElement
  // and kInteger.
  static Value Of(Kind kind, std::string_view text, std::string_view unit = {});

  Kind kind() const { return kind_; }
  const Element* element() const { return kind_ == Kind::kElement ? element_ : nullptr; }
  // The lexical form: of the element (a primitive's) or of the value: "true", "1.50", "2026-01-20".
  std::string_view text() const {
    return kind_ == Kind::kElement ? element_->text() : std::string_view{text_, text_size_};
  }
  // Of a quantity: UCUM code or calendar word.
  std::string_view unit() const { return {unit_size_ == 0 ? "" : unit_, unit_size_}; }
  int64_t integer() const { return kind_ == Kind::kInteger ? integer_ : 0; }
  bool is_true() const { return kind_ == Kind::kBoolean && integer_ != 0; }

 private:
  union {
    const Element* element_;
    int64_t integer_;   // of kInteger, and kBoolean as 0 or 1
    const char* unit_;  // where unit_size_ is not 0
  };
  const char* text_ = nullptr;
  uint32_t text_size_ = 0;  // Limits bound every text far below 4 GB
  uint32_t unit_size_ = 0;
  Kind kind_ = Kind::kElement;
};
static_assert(sizeof(Value) == 32);  // collections of them are copied and moved all the time

using Collection = std::vector<Value>;

// The name of the item's type without its namespace: "Patient", "BackboneElement", "String",
// "Quantity".
std::string_view TypeNameOf(const Value& value);
// A quantity as FHIRPath writes it: 4.0 'mg', 3 days.
std::string QuantityText(const Value& quantity);

// What an evaluation may see besides its focus. The arena takes every value that is made. What is
// called must not throw, and what it returns must outlive the results.
struct Environment {
  Arena* arena = nullptr;
  const Definitions* definitions = nullptr;
  Instant now;
  const Element* resource = nullptr;                                   // %resource
  const Element* root_resource = nullptr;                              // %rootResource
  std::span<const std::pair<std::string_view, Collection>> variables;  // %name
  // resolve(): null if it cannot be found. Where this is empty, resolve() gives an element-less
  // item whose type is the reference's, so that `resolve() is Patient` decides without a fetch.
  const std::function<const Element*(std::string_view reference)>* resolver = nullptr;
  // memberOf(): is the code in the value set (its canonical, with "|version" where the expression
  // has one)? `system` is empty for a bare code. Where this is empty, the definitions' own sets.
  const std::function<Definitions::Membership(std::string_view value_set, std::string_view system,
                                              std::string_view code)>* membership = nullptr;
  // conformsTo(): absent where the profile is not known. Where this is empty, R4's own types.
  const std::function<std::optional<bool>(const Element& element, std::string_view profile)>*
      conformance = nullptr;
  // elementDefinition(): the ElementDefinition of an element where it is defined, null where it is
  // not (ElementDefinitions::Of). Where this is empty, so is the result.
  const std::function<const Element*(const Element& element)>* definition = nullptr;
  // slice(): is the element in that slice of that profile? Where this is empty, no profile is
  // known, and the result is empty.
  const std::function<bool(const Element& element, std::string_view structure,
                           std::string_view name)>* slicing = nullptr;
  // trace(): told the name and the items, or their projection. Where this is empty, nothing is told
  // to anybody: items are a person's data.
  const std::function<void(std::string_view name, std::span<const Value> items)>* tracer = nullptr;
};

enum class Mode : uint8_t {
  kLenient,  // R4's own invariants and search parameters, mappings
  kStrict,   // the specification, as its test suite asks
};

// A compiled FHIRPath (2.0, with R4's additions). Immutable: compile once, evaluate from any
// thread.
class Expression {
 public:
  // Errors: kInvalid, where = "line L, column C" of the expression.
  static Result<Expression> Compile(std::string_view text, const Definitions& definitions,
                                    Mode mode);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  // `focus` may be null: the empty collection. Errors: kInvalid (wrong number of items, wrong type
  // ...), with the place in the expression.
  Result<Collection> Evaluate(const Element* focus, const Environment& environment) const;
  // True only where the result is the single boolean true. Errors: as Evaluate.
  Result<bool> Test(const Element* focus, const Environment& environment) const;
  // As Test; false where that is an error.
  bool Holds(const Element* focus, const Environment& environment) const;

  struct Program;

 private:
  explicit Expression(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

// Two dates or dateTimes as R4 writes them, by FHIRPath's rules (2.0, 6.2): negative, zero or
// positive; absent where a precision or a missing zone leaves it open, or one is no date.
std::optional<int> CompareDateTimes(std::string_view a, std::string_view b);

}  // namespace gw::fhir::path
