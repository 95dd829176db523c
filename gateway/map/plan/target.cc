#include <algorithm>
#include <utility>

#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

// The element itself is written: tgt.value of a primitive, or tgt = value.
bool IsOnItself(const TargetOp& op) {
  return op.step.kind == Step::Kind::kSelf || op.step.kind == Step::Kind::kValue;
}

const fhir::TypeDef* OnlyType(const fhir::ElementDef& element) {
  const bool is_certain = element.types.size() == 1 && !element.types.front()->is_abstract();
  return is_certain ? element.types.front() : nullptr;
}

}  // namespace

const fhir::ElementDef* Runner::ElementOf(const Place& place) {
  const Step& step = place.op->step;
  if (step.owner == &place.context->type()) {
    return step.element;
  }
  const fhir::ElementDef* found = place.context->type().Find(step.name);
  return found != nullptr ? found : place.context->type().ByJsonName(step.name).element;
}

Status Runner::RunTarget(const RuleOp& rule, const TargetOp& op, bool is_null) {
  ++mapped_->steps;
  Place place{.rule = &rule, .op = &op, .context = nullptr};
  Item made;
  const bool has_context = op.context != kNoSlot;
  const Item context = has_context ? At(op.context) : Item();
  place.context = context.out;
  const bool is_lost = has_context && place.context == nullptr;  // its own transform gave nothing
  const bool is_alias = op.step.kind == Step::Kind::kSelf && op.transform == Transform::kNone;
  if (is_lost) {
    // Nothing to write to.
  } else if (has_context && is_alias) {
    made = context;
  } else if (is_null && (op.follows_source || (has_context && place.context->is_null()))) {
    if (has_context && !place.context->is_null()) {
      GW_TRY(fhir::Element * nulled, SetNull(place));
      made = nulled == nullptr ? Item() : Written(nulled);
    }
  } else if (op.transform == Transform::kNone || op.transform == Transform::kCreate) {
    GW_TRY(fhir::Element * element, Whole(place, op.type));
    made = Written(element);
  } else {
    GW_TRY(made, op.transform == Transform::kByType ? MapByType(place) : Transformed(place));
  }
  if (op.variable != kNoSlot) {
    At(op.variable) = made;
  }
  if (options_.trace != nullptr && made.out != nullptr && !is_alias && place_ != nullptr) {
    (*options_.trace)({rule.name, rule.place, place_, made.out});
  }
  return {};
}

// The null of the source deletes: its element in the target is null, whatever stood there. There
// are no null resources; null then.
Result<fhir::Element*> Runner::SetNull(const Place& place) {
  if (IsOnItself(*place.op)) {
    place.context->SetNull();
    return place.context;
  }
  const fhir::ElementDef* element = ElementOf(place);
  if (element == nullptr || element->types.empty()) {
    return Refuse(place, "the target has no element '" + place.op->step.name + "'");
  }
  const fhir::TypeDef* type = place.op->type;
  if (type == nullptr && !place.op->cases.empty()) {
    type = place.op->cases.front().target;
  }
  type = type == nullptr ? element->types.front() : type;
  if (type->kind() == fhir::Kind::kResource) {
    return static_cast<fhir::Element*>(nullptr);
  }
  if (element->max == 1) {
    place.context->Clear(element->name);
  }
  GW_TRY(fhir::Element * added, AddTo(place, place.context, *element, *type));
  added->SetNull();
  return added;
}

// A new element for the target: at its place, or loose where a variable only holds it. Without a
// type it is of the element's own.
Result<fhir::Element*> Runner::Whole(const Place& place, const fhir::TypeDef* type) {
  if (place.context != nullptr) {
    if (type == nullptr) {
      const fhir::ElementDef* element = ElementOf(place);
      type = element == nullptr ? nullptr : OnlyType(*element);
    }
    if (type == nullptr) {
      return Refuse(place, "the target's type cannot be told for '" + place.op->step.name + "'");
    }
    return Make(place, *type);
  }
  return mapped_->target.NewDetached(*type);
}

Result<fhir::Element*> Runner::Make(const Place& place, const fhir::TypeDef& type) {
  const fhir::ElementDef* element = ElementOf(place);
  if (element == nullptr) {
    return Refuse(place, "the target has no element '" + place.op->step.name + "'");
  }
  const FmlListMode mode = place.op->list_mode;
  if (mode == FmlListMode::kShare) {
    return MakeShared(place, *element, type);
  }
  if (element->max == 1) {
    return MakeSingle(place, *element, type);
  }
  if (mode == FmlListMode::kCollate) {
    if (fhir::Element* first = place.context->ChildOf(*element); first != nullptr) {
      return first;
    }
  }
  GW_TRY(fhir::Element * added, AddTo(place, place.context, *element, type));
  if (mode == FmlListMode::kFirst || mode == FmlListMode::kLast) {
    ordered_.push_back({added, place.rule, mode == FmlListMode::kFirst});
  }
  return added;
}

// What stands already is gone on with, unless it is null or of another type.
Result<fhir::Element*> Runner::MakeSingle(const Place& place, const fhir::ElementDef& element,
                                          const fhir::TypeDef& type) {
  fhir::Element* standing = place.context->ChildOf(element);
  if (standing != nullptr && !standing->is_null() && &standing->type() == &type) {
    return standing;
  }
  if (standing != nullptr) {
    place.context->Clear(element.name);
  }
  return AddTo(place, place.context, element, type);
}

Result<fhir::Element*> Runner::MakeShared(const Place& place, const fhir::ElementDef& element,
                                          const fhir::TypeDef& type) {
  fhir::Element*& shared = shared_[{place.context, &element, place.op->share}];
  if (shared != nullptr) {
    return shared;
  }
  fhir::Element* made = nullptr;
  if (element.max == 1) {
    GW_TRY(made, MakeSingle(place, element, type));
  } else {
    GW_TRY(made, AddTo(place, place.context, element, type));
  }
  shared = made;
  return made;
}

Result<fhir::Element*> Runner::AddTo(const Place& place, fhir::Element* parent,
                                     const fhir::ElementDef& element, const fhir::TypeDef& type) {
  auto added = parent->AddOf(element, type);
  if (!added) {
    return Refuse(place, added.error().detail);
  }
  return *added;
}

// A value at the target's place; without one it stays a value.
Result<Item> Runner::Put(const Place& place, const Item& item) {
  if (item.is_absent() || place.context == nullptr) {
    return item;
  }
  if (item.node != nullptr && item.node->is_null()) {
    GW_TRY(fhir::Element * nulled, SetNull(place));
    return nulled == nullptr ? Item() : Written(nulled);
  }
  GW_TRY(fhir::Element * element, Assign(place, item, place.op->type));
  return Written(element);
}

Result<fhir::Element*> Runner::Assign(const Place& place, const Item& item,
                                      const fhir::TypeDef* type) {
  if (IsOnItself(*place.op)) {
    GW_RETURN_IF_ERROR(SetText(place, place.context, item));
    return place.context;
  }
  const fhir::ElementDef* element = ElementOf(place);
  const fhir::TypeDef* given = item.Type();
  if (element == nullptr) {
    return Refuse(place, "the target has no element '" + place.op->step.name + "'");
  }
  const bool is_leaf = given == nullptr || IsLeaf(*given);
  if (type == nullptr && given != nullptr) {
    type = TypeIn(*element, *given);
    type = type == nullptr && is_leaf ? OnlyType(*element) : type;
  }
  const bool fits = type != nullptr && (is_leaf ? IsLeaf(*type) : HasRoomFor(*type, *given));
  if (!fits) {
    return Refuse(place, "'" + std::string(element->name) + "' does not take " +
                             (given == nullptr ? "this value" : std::string(given->name())));
  }
  // A primitive of HL7 v2 that was sent with components has more below it than its text.
  const bool is_deep =
      item.node != nullptr && item.node->first_child() != nullptr &&
      (type->kind() != fhir::Kind::kPrimitive || item.node->Child("extension") != nullptr ||
       item.node->Child("id") != nullptr);
  if (is_deep) {
    return AssignNode(place, *item.node, *type);
  }
  GW_TRY(fhir::Element * made, Make(place, *type));
  if (is_leaf) {
    GW_RETURN_IF_ERROR(SetText(place, made, item));
  }
  return made;
}

// A deep copy; what is copied is read.
Result<fhir::Element*> Runner::AssignNode(const Place& place, const fhir::Element& node,
                                          const fhir::TypeDef& type) {
  const fhir::ElementDef& element = *ElementOf(place);
  if (element.max == 1) {
    place.context->Clear(element.name);
  }
  const bool is_checked = &node.type() == &type || type.kind() != fhir::Kind::kPrimitive ||
                          !node.has_text() || fhir::IsLexicalForm(type.primitive(), node.text());
  if (!is_checked) {
    return Refuse(place, "the value is no " + std::string(type.name()));
  }
  const std::string_view name =
      type.is_abstract() ? element.name : place.context->type().JsonName(element, type);
  auto copy = place.context->AddCopy(name, node);
  if (!copy) {
    return Refuse(place, copy.error().detail);
  }
  MarkAll(node);
  const FmlListMode mode = place.op->list_mode;
  if (mode == FmlListMode::kFirst || mode == FmlListMode::kLast) {
    ordered_.push_back({*copy, place.rule, mode == FmlListMode::kFirst});
  }
  return *copy;
}

Status Runner::SetText(const Place& place, fhir::Element* element, const Item& item) {
  const std::string_view text = item.Text();
  if (text.empty()) {
    return {};
  }
  const fhir::TypeDef& type = element->type();
  // A node of that very type was checked when its tree was read; a value was made just now.
  const bool is_known = item.node != nullptr && item.Type() == &type;
  if (!is_known && type.kind() == fhir::Kind::kPrimitive &&
      !fhir::IsLexicalForm(type.primitive(), text)) {
    return Refuse(place, "the value is no " + std::string(type.name()));
  }
  // A source that repeats where the target does not: the last one stands, and that is told.
  if (item_index_ > 0 && element->has_text() && element->text() != text) {
    mapped_->remarks.push_back(
        {.severity = 'W',
         .code = "overwritten",
         .where = place_ == nullptr ? std::string() : PlaceOf(*place_),
         .text = "rule '" + place.rule->name + "' wrote several values to one element"});
  }
  element->SetText(text);
  return {};
}

Status Runner::AddText(const Place& place, fhir::Element* parent, std::string_view name,
                       std::string_view text) {
  if (text.empty()) {
    return {};
  }
  const auto property = parent->type().ByJsonName(name);
  if (property.element == nullptr || !fhir::IsLexicalForm(property.type->primitive(), text)) {
    return Refuse(place, "the value is no " + (property.type == nullptr
                                                   ? std::string(name)
                                                   : std::string(property.type->name())));
  }
  if (property.element->max == 1 && parent->ChildOf(*property.element) != nullptr) {
    parent->Clear(property.element->name);
  }
  auto added = parent->AddOf(*property.element, *property.type, text);
  if (!added) {
    return Refuse(place, added.error().detail);
  }
  return {};
}

// The short form.
Result<Item> Runner::MapByType(const Place& place) {
  const Item source = At(place.op->arguments.front().slot);
  const fhir::TypeDef* type = source.Type();
  const auto found =
      std::find_if(place.op->cases.begin(), place.op->cases.end(), [type](const TypeCase& c) {
        return c.source == nullptr || type == nullptr || IsA(*type, *c.source);
      });
  if (found == place.op->cases.end()) {
    return Refuse(place, "there is no group for " + std::string(type->name()));
  }
  if (found->group == kNoGroup) {
    GW_TRY(fhir::Element * element, Assign(place, source, found->target));
    return Written(element);
  }
  GW_TRY(fhir::Element * element, Make(place, *found->target));
  const std::array<Item, 2> arguments = {source, Written(element)};
  GW_RETURN_IF_ERROR(RunGroup(found->group, arguments));
  return Written(element);
}

}  // namespace gw::map
