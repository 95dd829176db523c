#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/fhir/resource.h"
#include "gateway/fhir/written_internal.h"

namespace gw::fhir {
namespace {

// Numbers and booleans stand bare where they are what their type says; text that a map put there
// and that is not would break the document.
bool StandsBare(Primitive primitive, std::string_view text) {
  switch (primitive) {
    case Primitive::kBoolean:
    case Primitive::kDecimal:
    case Primitive::kInteger:
    case Primitive::kPositiveInt:
    case Primitive::kUnsignedInt:
      return IsLexicalForm(primitive, text);
    default:
      return false;
  }
}

class TreeWriter {
 public:
  explicit TreeWriter(std::string* out) : out_(*out) { pending_.reserve(kUsualPending); }

  void Object(const Element& element) {
    out_ += '{';
    bool is_first = true;
    if (element.is_resource()) {
      out_ += "\"resourceType\":\"";
      out_ += element.type().name();
      out_ += '"';
      is_first = false;
    }
    const size_t begin = pending_.size();
    AppendWritten(element, &pending_);
    const size_t end = pending_.size();
    for (size_t first = begin; first < end;) {
      size_t last = first + 1;
      while (last < end && pending_[last]->definition() == pending_[first]->definition()) {
        ++last;
      }
      if (!is_first) {
        out_ += ',';
      }
      is_first = false;
      Member(element.type(), first, last);
      first = last;
    }
    pending_.resize(begin);
    out_ += '}';
  }

  void Value(const Element& element) {
    if (element.has_text()) {
      Text(element);
    } else {
      Object(element);
    }
  }

 private:
  static constexpr size_t kUsualPending = 64;

  // The repetitions of one element: pending_[first, last).
  void Member(const TypeDef& parent, size_t first, size_t last) {
    const Element& element = *pending_[first];
    const ElementDef& definition = *element.definition();
    const std::string_view name =
        definition.choice ? parent.JsonName(definition, element.type()) : definition.name;
    const bool is_array = definition.max != 1;
    if (element.type().kind() == Kind::kPrimitive) {
      const bool is_plain = last == first + 1 && element.first_child() == nullptr;
      if (is_plain && element.has_text()) {  // as nearly all are
        Key({}, name);
        Items(is_array, first, last, [this](const Element& item) { Text(item); });
        return;
      }
      Primitives(name, is_array, first, last);
      return;
    }
    Key({}, name);
    Items(is_array, first, last, [this](const Element& item) { Value(item); });
  }

  // Values and, in a member of their own, ids and extensions; null fills the gaps of each array.
  void Primitives(std::string_view name, bool is_array, size_t first, size_t last) {
    const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(last);
    const bool has_values =
        std::any_of(begin, end, [](const Element* item) { return item->has_text(); });
    const bool has_extensions =
        std::any_of(begin, end, [](const Element* item) { return HasChildren(*item); });
    if (has_values) {
      Key({}, name);
      Items(is_array, first, last, [this](const Element& item) {
        item.has_text() ? Text(item) : static_cast<void>(out_ += "null");
      });
    }
    if (has_extensions) {
      if (has_values) {
        out_ += ',';
      }
      Key("_", name);
      Items(is_array, first, last, [this](const Element& item) {
        HasChildren(item) ? Object(item) : static_cast<void>(out_ += "null");
      });
    }
  }

  static bool HasChildren(const Element& element) {
    const Element* child = element.first_child();
    while (child != nullptr && !HasContent(*child)) {
      child = child->next();
    }
    return child != nullptr;
  }

  // pending_ may move while an item is written, so items are reached by their place.
  template <typename Write>
  void Items(bool is_array, size_t first, size_t last, Write write) {
    if (is_array) {
      out_ += '[';
    }
    for (size_t index = first; index < last; ++index) {
      if (index > first) {
        out_ += ',';
      }
      write(*pending_[index]);
    }
    if (is_array) {
      out_ += ']';
    }
  }

  void Text(const Element& element) {
    if (StandsBare(element.type().primitive(), element.text())) {
      out_ += element.text();
    } else {
      AppendJsonString(element.text(), &out_);
    }
  }

  void Key(std::string_view prefix, std::string_view name) {
    out_ += '"';
    out_ += prefix;
    out_ += name;
    out_ += "\":";
  }

  std::string& out_;
  std::vector<const Element*> pending_;  // a stack: the children of the objects that are open
};

}  // namespace

void WriteJson(const Element& element, std::string* out) { TreeWriter(out).Value(element); }

void WriteJson(const Resource& resource, std::string* out) { WriteJson(resource.root(), out); }

}  // namespace gw::fhir
