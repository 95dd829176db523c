#include "gateway/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"

namespace gw::fhir {
namespace {

bool IsNumber(Primitive primitive) {
  return primitive == Primitive::kDecimal || primitive == Primitive::kInteger ||
         primitive == Primitive::kPositiveInt || primitive == Primitive::kUnsignedInt;
}

// Builds the tree while the document is read. A resource whose resourceType does not come first is
// kept back as events until its type is known, then read from there.
class TreeReader final : public JsonEvents {
 public:
  explicit TreeReader(const Definitions& definitions) : definitions_(definitions) {
    frames_.reserve(16);
  }

  Status ObjectStart() override;
  Status Key(std::string_view name) override;
  Status ObjectEnd() override;
  Status ArrayStart() override;
  Status ArrayEnd() override;
  Status String(std::string_view text) override;
  Status Number(std::string_view digits) override;
  Status Bool(bool value) override;
  Status Null() override;

  // Precondition: a whole document was read without an error.
  Resource Take() { return *std::move(resource_); }

 private:
  enum class Token : uint8_t {
    kObject,
    kKey,
    kObjectEnd,
    kArray,
    kArrayEnd,
    kString,
    kNumber,
    kTrue,
    kFalse,
    kNull
  };
  struct Event {
    Token token;
    uint32_t offset;
    std::string text;
  };
  // An object that is open, and the member of it whose value is being read.
  struct Frame {
    Element* element;
    TypeDef::Property property;
    bool is_extension = false;  // "_birthDate": id and extensions of a primitive
    bool in_array = false;
    bool has_extensions = false;  // a member like that was among those before
    bool is_filling = false;      // the other member of the pair made nodes already
    bool has_gaps = false;        // a primitive was made that has no value yet
    uint32_t item = 0;            // of the array
    Element* next = nullptr;      // the primitive at `item`, where the other array made it before
  };

  Error At(std::string detail) const;
  std::string Place() const;
  Status StartMember(Frame* frame, std::string_view name);
  Status StartResource();
  Status StartElement(Frame* frame);
  Status Primitive(std::string_view text, bool is_string, bool is_number);
  Result<Element*> PrimitiveNode(Frame* frame);
  Status CheckNoGaps(const Frame& frame);
  Status NameResource(std::string_view type);
  Status Record(Token token, std::string_view text = {});
  Status Replay(const std::vector<Event>& events);
  Status Play(const Event& event);
  bool is_recording() const { return awaits_type_; }
  uint32_t Offset() const { return static_cast<uint32_t>(offset()); }

  const Definitions& definitions_;
  std::optional<Resource> resource_;
  std::vector<Frame> frames_;

  bool awaits_type_ = false;      // a resource has begun and its type is not known yet
  bool names_type_ = false;       // the next value is that type
  uint32_t resource_offset_ = 0;  // of that resource
  uint32_t recorded_depth_ = 0;   // objects and arrays open in `recorded_`
  std::vector<Event> recorded_;
};

std::string TreeReader::Place() const {
  if (frames_.empty()) {
    return {};
  }
  const Frame& frame = frames_.back();
  std::string place = frame.element->Location();
  if (frame.property.element != nullptr) {
    place += '.';
    place += frame.property.element->name;
    if (frame.property.element->max != 1) {
      place += '[' + std::to_string(frame.item) + ']';
    }
  }
  return place;
}

Error TreeReader::At(std::string detail) const {
  return {Code::kInvalid, std::move(detail), Place()};
}

Status TreeReader::ObjectStart() {
  if (is_recording()) {
    return Record(Token::kObject);
  }
  if (frames_.empty()) {
    return StartResource();
  }
  Frame& frame = frames_.back();
  if (frame.property.element->max != 1 && !frame.in_array) {
    return At("an element that may repeat is an array");
  }
  if (frame.property.type->kind() == Kind::kPrimitive && !frame.is_extension) {
    return At("a primitive value was expected, not an object");
  }
  if (frame.property.type->kind() == Kind::kResource) {
    return StartResource();
  }
  return StartElement(&frame);
}

Status TreeReader::StartResource() {
  awaits_type_ = true;
  names_type_ = false;
  resource_offset_ = Offset();
  recorded_depth_ = 0;
  recorded_.clear();
  return {};
}

Status TreeReader::StartElement(Frame* frame) {
  Element* element = nullptr;
  if (frame->is_extension) {
    GW_TRY(element, PrimitiveNode(frame));
    if (!element->has_text()) {
      element->SetOffset(Offset());
    }
  } else {
    element =
        frame->element->AppendRaw(frame->property.element, *frame->property.type, {}, Offset());
  }
  frames_.push_back({element, {}});
  return {};
}

Status TreeReader::Key(std::string_view name) {
  if (is_recording()) {
    if (recorded_depth_ == 0 && name == "resourceType") {
      names_type_ = true;
      return {};
    }
    return Record(Token::kKey, name);
  }
  return StartMember(&frames_.back(), name);
}

Status TreeReader::StartMember(Frame* frame, std::string_view name) {
  const TypeDef& type = frame->element->type();
  frame->is_extension = name.starts_with('_');
  frame->in_array = false;
  frame->item = 0;
  frame->property = type.ByJsonName(frame->is_extension ? name.substr(1) : name);
  const ElementDef* element = frame->property.element;
  if (element == nullptr ||
      (frame->is_extension && frame->property.type->kind() != Kind::kPrimitive)) {
    frame->property = {};
    return At("a property that the type does not have");
  }
  // The members _given and given fill the same nodes, in whichever order they come.
  frame->next = nullptr;
  if (frame->is_extension || frame->has_extensions || element->choice) {
    frame->next = frame->element->Child(element->name);
    if (frame->next != nullptr && &frame->next->type() != frame->property.type) {
      return At("a choice of types has two values");
    }
  }
  frame->is_filling = frame->next != nullptr;
  frame->has_extensions |= frame->is_extension;
  return {};
}

Status TreeReader::ObjectEnd() {
  if (is_recording()) {
    if (recorded_depth_ == 0) {
      return At("a resource without a resourceType");
    }
    return Record(Token::kObjectEnd);
  }
  const Frame frame = frames_.back();
  frames_.pop_back();
  const Element& element = *frame.element;
  if (element.first_child() == nullptr && !element.is_resource()) {
    return Error{Code::kInvalid, "an object without a member", element.Location()};
  }
  if (frame.has_gaps) {
    GW_RETURN_IF_ERROR(CheckNoGaps(frame));
  }
  if (!frames_.empty()) {
    Frame& outer = frames_.back();
    ++outer.item;
  }
  return {};
}

Status TreeReader::CheckNoGaps(const Frame& frame) {
  for (const Element* child = frame.element->first_child(); child != nullptr;
       child = child->next()) {
    if (child->type().kind() == Kind::kPrimitive && !child->has_text() &&
        child->first_child() == nullptr) {
      return Error{Code::kInvalid, "null where there is neither a value nor an extension",
                   child->Location()};
    }
  }
  return {};
}

Status TreeReader::ArrayStart() {
  if (is_recording()) {
    return Record(Token::kArray);
  }
  if (frames_.empty()) {
    return Error{Code::kInvalid, "a resource is an object", {}};
  }
  Frame& frame = frames_.back();
  if (frame.in_array) {
    return At("an array within an array");
  }
  if (frame.property.element == nullptr || frame.property.element->max == 1) {
    return At("the element does not repeat, so it is no array");
  }
  frame.in_array = true;
  return {};
}

Status TreeReader::ArrayEnd() {
  if (is_recording()) {
    return Record(Token::kArrayEnd);
  }
  Frame& frame = frames_.back();
  if (frame.item == 0) {
    return At("an array without an item");
  }
  frame.in_array = false;
  return {};
}

Status TreeReader::String(std::string_view text) {
  if (is_recording()) {
    return names_type_ ? NameResource(text) : Record(Token::kString, text);
  }
  return Primitive(text, true, false);
}

Status TreeReader::Number(std::string_view digits) {
  return is_recording() ? Record(Token::kNumber, digits) : Primitive(digits, false, true);
}

Status TreeReader::Bool(bool value) {
  if (is_recording()) {
    return Record(value ? Token::kTrue : Token::kFalse);
  }
  return Primitive(value ? "true" : "false", false, false);
}

Status TreeReader::Null() {
  if (is_recording()) {
    return Record(Token::kNull);
  }
  if (frames_.empty() || !frames_.back().in_array ||
      frames_.back().property.type->kind() != Kind::kPrimitive) {
    return At("null stands only in the arrays of a primitive's values and extensions");
  }
  Frame& frame = frames_.back();
  GW_TRY(const Element* element, PrimitiveNode(&frame));
  static_cast<void>(element);
  frame.has_gaps = true;
  ++frame.item;
  return {};
}

// The node of the primitive at frame->item, which its other member may have made already.
Result<Element*> TreeReader::PrimitiveNode(Frame* frame) {
  Element* element = frame->next;
  if (element == nullptr) {
    if (!frame->is_filling) {
      return frame->element->AppendRaw(frame->property.element, *frame->property.type, {},
                                       Offset());
    }
    // Where the other member had fewer items, what stands between them keeps its place.
    GW_TRY(element, frame->element->AddTyped(frame->property.element->name, *frame->property.type));
    element->SetOffset(Offset());
    return element;
  }
  Element* following = element->next();
  const bool is_same = following != nullptr && following->definition() == frame->property.element;
  frame->next = is_same ? following : nullptr;
  return element;
}

Status TreeReader::Primitive(std::string_view text, bool is_string, bool is_number) {
  if (frames_.empty()) {
    return Error{Code::kInvalid, "a resource is an object", {}};
  }
  Frame& frame = frames_.back();
  const TypeDef& type = *frame.property.type;
  const fhir::Primitive primitive = type.primitive();
  if (primitive == fhir::Primitive::kNone || frame.is_extension) {
    return At("an object was expected");
  }
  if (frame.property.element->max != 1 && !frame.in_array) {
    return At("an element that may repeat is an array");
  }
  const bool wants_number = IsNumber(primitive);
  const bool wants_string = !wants_number && primitive != fhir::Primitive::kBoolean;
  if (is_string != wants_string || is_number != wants_number) {
    return At(wants_number ? "a number was expected"
                           : (wants_string ? "a text was expected" : "true or false was expected"));
  }
  if (text.empty()) {
    return At("a text may not be empty");
  }
  if (!IsLexicalForm(primitive, text)) {
    return At("not a valid " + std::string(type.name()));
  }
  GW_TRY(Element * element, PrimitiveNode(&frame));
  element->SetText(text);
  element->SetOffset(Offset());
  ++frame.item;
  return {};
}

Status TreeReader::NameResource(std::string_view type_name) {
  names_type_ = false;
  awaits_type_ = false;
  if (frames_.empty()) {
    GW_TRY(Resource made, Resource::Make(type_name, definitions_));
    resource_.emplace(std::move(made));
    resource_->root().SetOffset(resource_offset_);
    frames_.push_back({&resource_->root(), {}});
  } else {
    const TypeDef* type = definitions_.Find(type_name);
    Frame& frame = frames_.back();
    if (type == nullptr || type->is_abstract() || !type->Is(frame.property.type->name())) {
      Error error = At("not a resource type of FHIR R4");
      error.code = Code::kUnsupported;
      return error;
    }
    frames_.push_back(
        {frame.element->AppendRaw(frame.property.element, *type, {}, resource_offset_), {}});
  }
  return Replay(std::exchange(recorded_, {}));
}

Status TreeReader::Record(Token token, std::string_view text) {
  if (names_type_) {
    return At("resourceType is a text");
  }
  if (token == Token::kObject || token == Token::kArray) {
    ++recorded_depth_;
  } else if (token == Token::kObjectEnd || token == Token::kArrayEnd) {
    --recorded_depth_;
  }
  recorded_.push_back({token, Offset(), std::string(text)});
  return {};
}

Status TreeReader::Replay(const std::vector<Event>& events) {
  const size_t present = offset();
  for (const Event& event : events) {
    SetOffset(event.offset);
    GW_RETURN_IF_ERROR(Play(event));
  }
  SetOffset(present);
  return {};
}

Status TreeReader::Play(const Event& event) {
  switch (event.token) {
    case Token::kObject:
      return ObjectStart();
    case Token::kKey:
      return Key(event.text);
    case Token::kObjectEnd:
      return ObjectEnd();
    case Token::kArray:
      return ArrayStart();
    case Token::kArrayEnd:
      return ArrayEnd();
    case Token::kString:
      return String(event.text);
    case Token::kNumber:
      return Number(event.text);
    case Token::kTrue:
    case Token::kFalse:
      return Bool(event.token == Token::kTrue);
    case Token::kNull:
      return Null();
  }
  return {};
}

}  // namespace

Result<Resource> ParseJson(std::string_view text, const Definitions& definitions,
                           const Limits& limits) {
  TreeReader reader(definitions);
  GW_RETURN_IF_ERROR(ReadJson(text, limits, &reader));
  return reader.Take();
}

}  // namespace gw::fhir
