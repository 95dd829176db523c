#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"
#include "gateway/validate/validator.h"

namespace gw::validate {

// Walking the children of an element that are not null (HL7 v2 ""), in document order.
class Children {
 public:
  class Iterator {
   public:
    explicit Iterator(const fhir::Element* element) : element_(SkipNull(element)) {}
    const fhir::Element& operator*() const { return *element_; }
    Iterator& operator++() {
      element_ = SkipNull(element_->next());
      return *this;
    }
    bool operator!=(const Iterator& other) const { return element_ != other.element_; }

   private:
    static const fhir::Element* SkipNull(const fhir::Element* element) {
      while (element != nullptr && element->is_null()) {
        element = element->next();
      }
      return element;
    }
    const fhir::Element* element_;
  };

  explicit Children(const fhir::Element& parent) : first_(parent.first_child()) {}
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  const fhir::Element* first_;
};

inline bool IsPresent(const fhir::Element* element) {
  return element != nullptr && !element->is_null();
}

// Has a coded element a code at all? Where none is suitable, an extensible binding takes text
// alone.
inline bool HasCode(const fhir::Element& element) {
  return element.has_text() || IsPresent(element.Child("coding")) ||
         IsPresent(element.Child("code"));
}

// The issues of one resource while they are found.
class Findings {
 public:
  explicit Findings(std::vector<Issue>* out) : out_(*out) {}

  void Add(Severity severity, std::string_view code, std::string_view rule,
           const fhir::Element& element, std::string detail);
  void Error(std::string_view code, std::string_view rule, const fhir::Element& element,
             std::string detail) {
    Add(Severity::kError, code, rule, element, std::move(detail));
  }
  void Warning(std::string_view code, std::string_view rule, const fhir::Element& element,
               std::string detail) {
    Add(Severity::kWarning, code, rule, element, std::move(detail));
  }
  void Broken(const fhir::Invariant& invariant, const fhir::Element& element);
  // An invariant of the element's type that is written out instead of evaluated.
  void Broken(std::string_view key, const fhir::Element& element) { Broken(key, element, element); }
  // The same of `holder`, found at `element`.
  void Broken(std::string_view key, const fhir::Element& holder, const fhir::Element& element);

  size_t size() const { return out_.size(); }
  // Puts what was found since `last` before what was found since `first`: an element's own issues
  // come before those of its children, also where only the whole can tell.
  void MoveUp(size_t first, size_t last);

  // Takes out what was found twice since `first`: a slice repeats the rules of what it slices.
  void DropRepeats(size_t first);

  // The FHIRPath of an element, a choice's type told: "Observation.value.ofType(Quantity)".
  std::string LocationOf(const fhir::Element& element);

 private:
  uint32_t IndexOf(const fhir::Element& element);

  std::vector<Issue>& out_;
  // Places among siblings where there are many of them, so that telling them stays linear.
  std::unordered_map<const fhir::Element*, uint32_t> indexes_;
};

}  // namespace gw::validate
