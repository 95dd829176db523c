#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"

namespace gw::fhir {

// A node of the one typed tree: a FHIR resource, an HL7 v2 message or a CSV row, driven by
// definitions. Lives in its Tree's arena; a parent's children stand in document order, repetitions
// of one element together. Reading is safe from many threads while nobody writes.
class Element {
 public:
  std::string_view name() const {
    return definition_ == nullptr ? type_->name() : definition_->name;
  }
  const TypeDef& type() const { return *type_; }
  const ElementDef* definition() const { return definition_; }  // null for the root of a tree
  // The lexical form of a primitive: "1.50" stays "1.50", true is "true". Empty and !has_text()
  // where it has none.
  std::string_view text() const { return text_; }
  bool has_text() const { return text_.data() != nullptr; }
  // The explicit null of HL7 v2 (""): "delete the value". Never true in a FHIR resource that was
  // parsed.
  bool is_null() const { return null_; }
  bool is_resource() const { return type_->kind() == Kind::kResource; }

  const Element* parent() const { return parent_; }
  const Element* first_child() const { return first_child_; }
  const Element* next() const { return next_; }
  Element* parent() { return parent_; }
  Element* first_child() { return first_child_; }
  Element* next() { return next_; }

  // The index-th child of that name; null if absent.
  const Element* Child(std::string_view name, uint32_t index = 0) const;
  Element* Child(std::string_view name, uint32_t index = 0);
  uint32_t Count(std::string_view name) const;
  // Follows names from here: Path("subject.reference"); first of each; null if one is absent.
  const Element* Path(std::string_view dotted) const;
  // The text at Path(dotted), empty if there is none.
  std::string_view TextAt(std::string_view dotted) const;

  // Appends a child, after the last of its name and in definition order otherwise. `name` is the
  // element's name
  // ("value") or, for a choice, the JSON name ("valueQuantity"), which fixes the type. Text is
  // copied. Errors: kInvalid where the type has no such element, a choice has no type, or a single
  // element stands already.
  Result<Element*> Add(std::string_view name, std::string_view text = {});
  // As Add, with the type given: a choice, or Bundle.entry.resource and contained ("Patient").
  Result<Element*> AddTyped(std::string_view name, const TypeDef& type, std::string_view text = {});
  // As AddTyped, with the element given, which is one of this type's own (TypeDef::elements()).
  Result<Element*> AddOf(const ElementDef& definition, const TypeDef& type,
                         std::string_view text = {});
  // The first child of that element; null if absent.
  Element* ChildOf(const ElementDef& definition);
  // A deep copy of `source` (from any tree) as a child of this name.
  Result<Element*> AddCopy(std::string_view name, const Element& source);
  // Takes the children of that name, or one child, out of the tree (their room is freed with the
  // arena).
  void Clear(std::string_view name);
  void Remove(Element* child);
  // Puts a child at the index-th place among those of its name; past the end: last.
  void MoveTo(Element* child, uint32_t index);
  void SetText(std::string_view text);  // copied
  void SetNull() { null_ = true; }

  // The FHIRPath that leads here from the root: "CarePlan.activity[0].detail.status".
  std::string Location() const;
  // Byte offset in the text this was parsed from, 0 where it was not: in JSON of the value's first
  // byte (of the object in the "_" member where a primitive has no value), in XML of the "<" of the
  // start tag. PlaceFinder (base/place.h) makes a line and column of it.
  uint32_t offset() const { return offset_; }

  // For the tree's own makers (codecs, source models): appends without checks, in arrival order.
  Element* AppendRaw(const ElementDef* definition, const TypeDef& type,
                     std::string_view stored_text, uint32_t offset = 0);
  void SetOffset(uint32_t offset) { offset_ = offset; }

 private:
  friend class Resource;
  friend class gw::Arena;
  Element(Arena* arena, Element* parent, const ElementDef* definition, const TypeDef& type,
          std::string_view stored_text = {}, uint32_t offset = 0)
      : arena_(arena),
        parent_(parent),
        definition_(definition),
        type_(&type),
        text_(stored_text),
        offset_(offset) {}
  Result<Element*> Insert(const ElementDef& definition, const TypeDef& type, std::string_view text);
  void Unlink(Element* previous, Element* child);

  Arena* arena_;
  Element* parent_;
  const ElementDef* definition_;
  const TypeDef* type_;
  Element* first_child_ = nullptr;
  Element* last_child_ = nullptr;
  Element* next_ = nullptr;
  std::string_view text_;
  uint32_t offset_;
  bool null_ = false;
};

// A whole tree with the arena it lives in. Movable (nodes keep their addresses); Clone() copies.
// The Definitions (or model) that drive it must outlive it.
class Resource {
 public:
  Resource(Resource&&) noexcept = default;
  Resource& operator=(Resource&&) noexcept = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  ~Resource() = default;

  // An empty resource. Errors: kUnsupported where `type` names no concrete resource type of R4.
  static Result<Resource> Make(std::string_view type, const Definitions& definitions);
  // An empty tree of any type, for source models and fragments of data types.
  static Resource MakeOf(const TypeDef& type);
  Resource Clone() const;
  // A resource of its own that is a deep copy of a node of another (Bundle.entry.resource).
  static Resource CopyOf(const Element& node);
  // Takes a node below the root out of this tree, as a resource of its own in the same arena, which
  // lives as long as one of its resources. They are not to be written by several threads at a time.
  Resource Detach(Element* node);

  std::string_view type() const { return root_->type().name(); }
  std::string_view id() const { return root_->TextAt("id"); }
  std::string_view version_id() const { return root_->TextAt("meta.versionId"); }
  std::string_view last_updated() const { return root_->TextAt("meta.lastUpdated"); }
  const Element& root() const { return *root_; }
  Element& root() { return *root_; }
  Arena& arena() { return *arena_; }
  // A root beside this one, in the same arena: a value that stands nowhere yet.
  Element* NewDetached(const TypeDef& type);
  // Replaces or adds: id, meta.versionId, meta.lastUpdated.
  void SetId(std::string_view id);
  void SetVersion(uint64_t version, std::string_view last_updated);

 private:
  Resource(std::shared_ptr<Arena> arena, Element* root) : arena_(std::move(arena)), root_(root) {}
  static void SetText(Element* parent, std::string_view name, std::string_view text);
  std::shared_ptr<Arena> arena_;
  Element* root_;
};

// Reads one resource from FHIR JSON (R4 json.html). Unknown properties, wrong JSON types, empty
// strings, objects and arrays, misplaced nulls are refused; primitive lexical forms are checked.
// Errors: kInvalid, where = FHIRPath and "line L, column C"; kTooLarge past a bound; kUnsupported:
// unknown type.
Result<Resource> ParseJson(std::string_view text, const Definitions& definitions,
                           const Limits& limits);
// Appends FHIR JSON without white space, elements in definition order. A null element (v2 "") is
// not written.
void WriteJson(const Resource& resource, std::string* out);
void WriteJson(const Element& element, std::string* out);

// Reads one resource from FHIR XML (R4 xml.html) into the same tree. Unknown elements and
// attributes, a wrong namespace or order, empty elements and text between elements are refused;
// comments and processing instructions are passed over; a narrative keeps its bytes. DOCTYPE,
// entities other than XML's own five, encodings other than UTF-8, NUL and control characters are
// refused, and nothing is ever fetched. Errors: as for ParseJson.
// Source: pitfalls X1 to X4 of libxml2 2.9.14.
Result<Resource> ParseXml(std::string_view text, const Definitions& definitions,
                          const Limits& limits);
// Appends FHIR XML without white space between elements, in definition order. A null element (v2
// "") is not written, nor is a character that XML cannot hold.
void WriteXml(const Resource& resource, std::string* out);

// Does the text of an xhtml primitive hold what FHIR allows and no more: a well-formed div of the
// XHTML namespace, the elements, attributes and styles of R4 narrative.html (txt-1), and something
// to read (txt-2)? Errors: kInvalid with the element or attribute at fault; kTooLarge past a bound.
Status CheckNarrative(std::string_view div, const Limits& limits);

// Is `text` a lexical form of that R4 primitive type (datatypes.html)? Unknown primitive names:
// false.
bool IsLexicalForm(std::string_view primitive_type, std::string_view text);
bool IsLexicalForm(Primitive primitive, std::string_view text);

}  // namespace gw::fhir
