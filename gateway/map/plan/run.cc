#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

// Groups that are open in each other: more than any tree is deep that the codecs let in, so only a
// map that calls itself without going down gets here.
constexpr uint32_t kGroupsMax = 256;

bool IsValued(const fhir::Element& node) { return node.has_text() || node.is_null(); }

bool Belongs(const Step& step, const fhir::Element& parent, const fhir::Element& child) {
  return step.owner == &parent.type() ? child.definition() == step.element
                                      : child.name() == step.name;
}

bool IsOf(const PathOp::Reading& reading, const fhir::Element& parent, const fhir::Element& child) {
  return (reading.step.kind == Step::Kind::kSelf || Belongs(reading.step, parent, child)) &&
         (reading.url.empty() || child.TextAt("url") == reading.url);
}

bool IsOf(const Item& item, const fhir::TypeDef& type) {
  return item.Type() == nullptr || IsA(*item.Type(), type);
}

fhir::path::Value::Kind KindOf(const fhir::TypeDef* type) {
  using ValueKind = fhir::path::Value::Kind;
  switch (type == nullptr ? fhir::Primitive::kString : type->primitive()) {
    case fhir::Primitive::kBoolean:
      return ValueKind::kBoolean;
    case fhir::Primitive::kInteger:
    case fhir::Primitive::kPositiveInt:
    case fhir::Primitive::kUnsignedInt:
      return ValueKind::kInteger;
    case fhir::Primitive::kDecimal:
      return ValueKind::kDecimal;
    case fhir::Primitive::kDate:
      return ValueKind::kDate;
    case fhir::Primitive::kDateTime:
    case fhir::Primitive::kInstant:
      return ValueKind::kDateTime;
    case fhir::Primitive::kTime:
      return ValueKind::kTime;
    default:
      return ValueKind::kString;
  }
}

}  // namespace

size_t ReadSet::SlotOf(const fhir::Element* node) const {
  // Nodes stand some 100 bytes apart; multiplying spreads the rest.
  const uint64_t hash = reinterpret_cast<uintptr_t>(node) * 0x9E3779B97F4A7C15u;
  size_t slot = (hash >> 32) & (table_.size() - 1);
  while (table_[slot] != nullptr && table_[slot] != node) {
    slot = (slot + 1) & (table_.size() - 1);
  }
  return slot;
}

void ReadSet::Add(const fhir::Element* node) {
  const size_t slot = SlotOf(node);
  if (table_[slot] == node) {
    return;
  }
  table_[slot] = node;
  if (++count_ * 2 > table_.size()) {
    Grow();
  }
}

void ReadSet::Grow() {
  const std::vector<const fhir::Element*> old =
      std::exchange(table_, std::vector<const fhir::Element*>(table_.size() * 4, nullptr));
  for (const fhir::Element* node : old) {
    if (node != nullptr) {
      table_[SlotOf(node)] = node;
    }
  }
}

size_t Listing::Read(const fhir::Element& node) {
  node_ = &node;
  present_ = 0;
  shared_ = 0;
  const auto elements = node.type().elements();
  size_t count = 0;
  for (const fhir::Element* child = node.first_child(); child != nullptr;
       child = child->next(), ++count) {
    const fhir::ElementDef* element = child->definition();
    const bool is_own = !std::less<>()(element, elements.data()) &&
                        std::less<>()(element, elements.data() + elements.size());
    if (!is_own) {
      continue;
    }
    const size_t place = PlaceIn(*element);
    const uint64_t bit = uint64_t{1} << place;
    shared_ |= present_ & bit;
    present_ |= bit;
    children_[place] = child;
  }
  return count;
}

const fhir::Element* Listing::Only(const fhir::ElementDef& element) const {
  const size_t place = PlaceIn(element);
  const bool is_one = ((present_ & ~shared_) >> place & 1U) != 0;
  return is_one && children_[place]->definition() == &element ? children_[place] : nullptr;
}

Error Runner::Fail(Code code, const RuleOp& rule, std::string_view detail) const {
  return Error{.code = code,
               .detail = "rule '" + rule.name + "' (" + rule.place + "): " + std::string(detail),
               .where = place_ == nullptr ? std::string() : PlaceOf(*place_)};
}

Result<Mapped> Runner::Run(const Program::Entry& entry, const fhir::Element& source) {
  Mapped mapped{
      .target = fhir::Resource::MakeOf(*entry.target), .unread = {}, .unmapped = {}, .remarks = {}};
  mapped_ = &mapped;
  root_ = &mapped.target.root();
  place_ = &source;
  environment_.arena = &scratch_;
  environment_.definitions = program_.definitions;
  environment_.now = options_.now;
  environment_.resource = &source;
  environment_.root_resource = &source;
  const std::array<Item, 2> arguments = {Item{&source, nullptr, {}, nullptr}, Written(root_)};
  GW_RETURN_IF_ERROR(RunGroup(entry.group, arguments));
  GW_RETURN_IF_ERROR(Finish());
  ListUnread(source, &mapped.unread);
  return mapped;
}

// `arguments` must not stand in slots_, which may move.
Status Runner::RunGroup(uint32_t group, std::span<const Item> arguments) {
  const GroupOp& op = program_.groups[group];
  if (++depth_ > kGroupsMax) {
    return Error{.code = Code::kTooLarge,
                 .detail = "group '" + op.name + "' calls itself without an end",
                 .where = PlaceOf(*place_)};
  }
  if (op.base != kNoGroup) {
    GW_RETURN_IF_ERROR(RunGroup(op.base, arguments));
  }
  const size_t base = std::exchange(base_, top_);
  top_ += op.slots;
  if (slots_.size() < top_) {
    slots_.resize(top_ * 2);
  }
  std::copy(arguments.begin(), arguments.end(),
            slots_.begin() + static_cast<std::ptrdiff_t>(base_));
  GW_RETURN_IF_ERROR(RunRules(op.rules));
  top_ = base_;
  base_ = base;
  --depth_;
  return {};
}

Status Runner::RunRules(const std::vector<RuleOp>& rules) {
  for (const RuleOp& rule : rules) {
    if (IsAbsent(rule.guard)) {
      continue;
    }
    const fhir::Element* place = place_;
    GW_RETURN_IF_ERROR(RunSource(rule, 0, false));
    place_ = place;
  }
  return {};
}

// The node, listed; null where it is not fixed: a target may yet grow.
const Listing* Runner::ListingOf(const Item& context, const fhir::TypeDef* owner) {
  const fhir::Element* node = context.node;
  if (node == nullptr || context.out != nullptr || &node->type() != owner) {
    return nullptr;
  }
  Listing& listing = listings_[depth_ % kListingsMax];
  if (listing.node() != node) {
    mapped_->steps += listing.Read(*node);
  }
  return &listing;
}

bool Runner::IsAbsent(const Guard& guard) {
  if (guard.element == nullptr) {
    return false;
  }
  const Listing* listing = ListingOf(At(guard.context), guard.owner);
  return listing != nullptr && !listing->MayHave(*guard.element);
}

// The index-th source of a rule: for each of its items the next source, and after the last the
// targets. Several sources are all their combinations (R4 7.8.0.8).
Status Runner::RunSource(const RuleOp& rule, size_t index, bool is_null) {
  const SourceOp& op = rule.sources[index];
  const size_t first = items_.size();
  GW_RETURN_IF_ERROR(Gather(rule, op));
  const size_t end = items_.size();
  for (size_t at = first; at < end; ++at) {
    const Item item = items_[at];
    Bind(op, item);
    if (index == 0) {
      place_ = item.node != nullptr ? item.node : place_;
    }
    const bool null = is_null || (item.node != nullptr && item.node->is_null());
    item_index_ = at - first;
    GW_RETURN_IF_ERROR(index + 1 < rule.sources.size() ? RunSource(rule, index + 1, null)
                                                       : Fire(rule, null));
  }
  items_.resize(first);
  return {};
}

void Runner::Bind(const SourceOp& op, const Item& item) {
  if (op.variable != kNoSlot) {
    At(op.variable) = item;
  }
  if (op.is_source && op.step.kind != Step::Kind::kSelf && item.node != nullptr &&
      IsValued(*item.node)) {
    read_.Add(item.node);
  }
}

const fhir::Element* Runner::OnlyOne(const SourceOp& op) {
  if (op.step.kind != Step::Kind::kElement || !op.is_source) {
    return nullptr;
  }
  const Listing* listing = ListingOf(At(op.context), op.step.owner);
  return listing == nullptr ? nullptr : listing->Only(*op.step.element);
}

// Appends to items_ what the source gives: typed, counted, filtered, checked, of its list mode.
Status Runner::Gather(const RuleOp& rule, const SourceOp& op) {
  const Item context = At(op.context);
  const size_t first = items_.size();
  if (op.step.kind == Step::Kind::kSelf) {
    if (!context.is_absent() && (op.filter == nullptr || IsOf(context, *op.filter))) {
      items_.push_back(context);
    }
  } else if (op.step.kind == Step::Kind::kValue) {
    if (!context.Text().empty()) {
      items_.push_back(context);
    }
  } else if (const fhir::Element* only = OnlyOne(op); only != nullptr) {
    if (op.filter == nullptr || IsA(only->type(), *op.filter)) {
      items_.push_back({only, nullptr, {}, nullptr});
    }
  } else if (context.node != nullptr) {
    // Repetitions need not stand together: a message may have its segments out of order. Of the
    // target, they may be written as well.
    fhir::Element* out = context.out == nullptr ? nullptr : context.out->first_child();
    for (const fhir::Element* child = context.node->first_child(); child != nullptr;
         child = child->next(), out = out == nullptr ? nullptr : out->next()) {
      ++mapped_->steps;
      if (Belongs(op.step, *context.node, *child) &&
          (op.filter == nullptr || IsA(child->type(), *op.filter))) {
        items_.push_back({child, out, {}, nullptr});
      }
    }
  }
  const size_t count = items_.size() - first;
  if (op.has_cardinality && (count < op.min || count > op.max)) {
    place_ = context.node != nullptr ? context.node : place_;
    const bool is_missing = count < op.min;
    Error error = Fail(Code::kInvalid, rule,
                       is_missing ? "'" + op.step.name + "' must be there"
                                  : "'" + op.step.name + "' repeats too often");
    error.hl7_code = is_missing ? hl7_code::kRequiredFieldMissing : 0;
    return error;
  }
  if (count == 0 && op.has_default) {
    GW_TRY(const Item value, Argument(rule, op.default_value));
    if (!value.is_absent()) {
      items_.push_back(value);
    }
  }
  if (op.where != nullptr) {
    GW_RETURN_IF_ERROR(Filter(rule, op, first));
  }
  if (op.check != nullptr || op.log != nullptr) {
    GW_RETURN_IF_ERROR(Check(rule, op, first));
  }
  ApplyListMode(op.list_mode, first);
  return {};
}

Status Runner::Filter(const RuleOp& rule, const SourceOp& op, size_t first) {
  size_t kept = first;
  for (size_t at = first; at < items_.size(); ++at) {
    const Item item = items_[at];
    if (op.variable != kNoSlot) {
      At(op.variable) = item;
    }
    GW_TRY(const bool holds, Holds(rule, *op.where, item, op.is_source));
    if (holds) {
      items_[kept++] = item;
    }
  }
  items_.resize(kept);
  return {};
}

Status Runner::Check(const RuleOp& rule, const SourceOp& op, size_t first) {
  for (size_t at = first; at < items_.size(); ++at) {
    const Item item = items_[at];
    if (op.variable != kNoSlot) {
      At(op.variable) = item;
    }
    GW_RETURN_IF_ERROR(CheckItem(rule, op, item));
    GW_RETURN_IF_ERROR(Log(rule, op, item));
  }
  return {};
}

Status Runner::CheckItem(const RuleOp& rule, const SourceOp& op, const Item& item) {
  if (op.check == nullptr) {
    return {};
  }
  GW_TRY(const bool holds, Holds(rule, *op.check, item, op.is_source));
  if (!holds) {
    place_ = item.node != nullptr ? item.node : place_;
    Error error = Fail(Code::kInvalid, rule, "the check does not hold: " + op.check->text);
    // What a map checks of a message is that a code is one it knows.
    error.hl7_code = hl7_code::kTableValueNotFound;
    return error;
  }
  return {};
}

// The value of an expression may be a person's: only a text of the map itself is repeated. One that
// begins with "warning: " is told to the sender.
Status Runner::Log(const RuleOp& rule, const SourceOp& op, const Item& item) {
  if (op.log == nullptr) {
    return {};
  }
  fhir::path::Collection ignored;
  GW_RETURN_IF_ERROR(Evaluate(rule, *op.log, item, op.is_source, &ignored));
  constexpr std::string_view kWarning = "warning: ";
  const bool warns = op.log->is_literal && op.log->text.starts_with(kWarning);
  mapped_->remarks.push_back({.severity = warns ? 'W' : 'I',
                              .code = "log",
                              .where = PlaceOf(item.node != nullptr ? *item.node : *place_),
                              .text = warns                ? op.log->text.substr(kWarning.size())
                                      : op.log->is_literal ? op.log->text
                                                           : rule.name});
  return {};
}

void Runner::ApplyListMode(FmlListMode mode, size_t first) {
  const size_t count = items_.size() - first;
  if (count == 0 || mode == FmlListMode::kNone) {
    return;
  }
  switch (mode) {
    case FmlListMode::kFirst:
      items_.resize(first + 1);
      break;
    case FmlListMode::kLast:
      items_[first] = items_.back();
      items_.resize(first + 1);
      break;
    case FmlListMode::kNotFirst:
      items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(first));
      break;
    case FmlListMode::kNotLast:
      items_.pop_back();
      break;
    case FmlListMode::kOnlyOne:
      items_.resize(count == 1 ? first + 1 : first);
      break;
    default:
      break;
  }
}

// The targets, and what depends on them, for one binding of the sources.
Status Runner::Fire(const RuleOp& rule, bool is_null) {
  const size_t item_index = item_index_;
  for (const TargetOp& target : rule.targets) {
    item_index_ = item_index;
    GW_RETURN_IF_ERROR(RunTarget(rule, target, is_null));
  }
  if (is_null) {
    return {};
  }
  for (const CallOp& call : rule.calls) {
    GW_RETURN_IF_ERROR(RunCall(rule, call));
  }
  return RunRules(rule.rules);
}

Status Runner::RunCall(const RuleOp& rule, const CallOp& call) {
  // Few groups take more than two; the frame of the caller may move, so they are copied.
  std::array<Item, kArgumentsMax> few;
  std::vector<Item> many;
  std::span<Item> items(few.data(), std::min(call.arguments.size(), few.size()));
  if (call.arguments.size() > few.size()) {
    many.resize(call.arguments.size());
    items = many;
  }
  for (size_t i = 0; i < items.size(); ++i) {
    GW_TRY(items[i], Argument(rule, call.arguments[i].value));
    const fhir::TypeDef* must_be = call.arguments[i].must_be;
    if (must_be != nullptr && !items[i].is_absent() && !IsOf(items[i], *must_be)) {
      return Fail(Code::kInvalid, rule,
                  "the group takes " + std::string(must_be->name()) + ", the source has " +
                      std::string(items[i].Type()->name()));
    }
  }
  return RunGroup(call.group, items);
}

Item Runner::ItemOf(const fhir::path::Value& value) const {
  using ValueKind = fhir::path::Value::Kind;
  if (value.element() != nullptr) {
    return {value.element(), nullptr, {}, nullptr};
  }
  const CommonTypes& types = program_.types;
  const fhir::TypeDef* type = types.string_type;
  switch (value.kind()) {
    case ValueKind::kBoolean:
      type = types.boolean_type;
      break;
    case ValueKind::kInteger:
      type = types.integer_type;
      break;
    case ValueKind::kDecimal:
      type = types.decimal_type;
      break;
    case ValueKind::kDate:
      type = types.date_type;
      break;
    case ValueKind::kDateTime:
      type = types.date_time_type;
      break;
    case ValueKind::kTime:
      type = types.time_type;
      break;
    case ValueKind::kQuantity:
      type = types.quantity;
      break;
    default:
      break;
  }
  const std::string_view text = value.text();
  return {nullptr, nullptr, text.data() == nullptr ? std::string_view("") : text, type};
}

// Binds the variables of an expression and marks what it reads; its focus as a node.
const fhir::Element* Runner::Prepare(const PathOp& path, const Item& focus, bool focus_is_source) {
  while (variables_.size() < path.variables.size()) {
    variables_.emplace_back();
  }
  for (size_t i = 0; i < path.variables.size(); ++i) {
    const PathOp::Variable& variable = path.variables[i];
    const Item& item = At(variable.slot);
    variables_[i].first = variable.name;
    variables_[i].second.clear();
    if (item.node != nullptr) {
      variables_[i].second.push_back(fhir::path::Value::Of(*item.node));
      if (variable.is_source) {
        MarkRead(*item.node, path, path.readings[variable.reading]);
      }
    } else if (!item.is_absent()) {
      variables_[i].second.push_back(fhir::path::Value::Of(KindOf(item.type), item.text));
    }
  }
  environment_.variables = std::span(variables_.data(), path.variables.size());
  if (focus.node != nullptr && focus_is_source) {
    MarkRead(*focus.node, path, path.readings.front());
  }
  if (focus.node == nullptr && !focus.is_absent() && focus.type != nullptr) {
    fhir::Element* node = mapped_->target.NewDetached(*focus.type);
    node->SetText(focus.text);
    return node;
  }
  return focus.node;
}

Status Runner::Evaluate(const RuleOp& rule, const PathOp& path, const Item& focus,
                        bool focus_is_source, fhir::path::Collection* result) {
  const fhir::Element* node = Prepare(path, focus, focus_is_source);
  auto evaluated = path.expression.Evaluate(node, environment_);
  if (!evaluated) {
    return Fail(Code::kInvalid, rule, "FHIRPath: " + evaluated.error().detail);
  }
  *result = *std::move(evaluated);
  return {};
}

Result<bool> Runner::Holds(const RuleOp& rule, const PathOp& path, const Item& focus,
                           bool is_source) {
  const fhir::Element* node = Prepare(path, focus, is_source);
  auto holds = path.expression.Test(node, environment_);
  if (!holds) {
    return Fail(Code::kInvalid, rule, "FHIRPath: " + holds.error().detail);
  }
  return *holds;
}

// The one item that an argument stands for; absent where there is none.
Result<Item> Runner::Argument(const RuleOp& rule, const ArgumentOp& argument) {
  if (argument.kind == ArgumentOp::Kind::kSlot) {
    return At(argument.slot);
  }
  if (argument.kind == ArgumentOp::Kind::kText) {
    return Item{nullptr, nullptr, argument.text, argument.type};
  }
  fhir::path::Collection result;
  GW_RETURN_IF_ERROR(Evaluate(rule, *argument.path, Item(), false, &result));
  if (result.size() > 1) {
    return Fail(Code::kUnprocessable, rule, "several items, expected one: " + argument.path->text);
  }
  return result.empty() ? Item() : ItemOf(result.front());
}

// What an expression reads of a node: the leaves at the ends of its paths.
void Runner::MarkRead(const fhir::Element& node, const PathOp& path,
                      const PathOp::Reading& reading) {
  if (reading.is_deep) {
    MarkAll(node);
    return;
  }
  if (reading.below.empty()) {
    return;
  }
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    for (const uint16_t index : reading.below) {
      const PathOp::Reading& below = path.readings[index];
      if (!IsOf(below, node, *child)) {
        continue;
      }
      if (below.is_read && IsValued(*child)) {
        read_.Add(child);
      }
      MarkRead(*child, path, below);
    }
  }
}

void Runner::MarkAll(const fhir::Element& node) {
  if (IsValued(node)) {
    read_.Add(&node);
  }
  for (const fhir::Element* child = node.first_child(); child != nullptr; child = child->next()) {
    MarkAll(*child);
  }
}

}  // namespace gw::map
