#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/crypto.h"
#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

bool IsEmpty(const fhir::Element& node) {
  return !node.has_text() && !node.is_null() && node.first_child() == nullptr &&
         !node.is_resource();
}

// Takes out elements that a rule opened and nothing filled, from the leaves up.
void PruneBelow(fhir::Element* node) {
  for (fhir::Element* child = node->first_child(); child != nullptr;) {
    fhir::Element* next = child->next();
    PruneBelow(child);
    if (IsEmpty(*child)) {
      node->Remove(child);
    }
    child = next;
  }
}

}  // namespace

// A reference says where its resource is only when the Bundle stands: the entry's fullUrl and the
// identifier may be mapped after it. `reference(x)` on a text element is that text alone.
Result<Item> Runner::Refer(const Place& place, const Item& item) {
  if (item.is_absent()) {
    return Item();
  }
  if (item.out == nullptr) {
    const std::string_view id = item.node == nullptr ? std::string_view() : item.node->TextAt("id");
    if (id.empty()) {
      return Refuse(place, "only a resource of the target, or one with an id, can be referred to");
    }
    const std::string text = std::string(item.node->type().name()) + "/" + std::string(id);
    if (place.op->type != program_.types.reference) {
      return Put(place, TextItem(text, program_.types.uri_type));
    }
    GW_TRY(fhir::Element * reference, Whole(place, program_.types.reference));
    GW_RETURN_IF_ERROR(AddText(place, reference, "reference", text));
    return Written(reference);
  }
  fhir::Element* resource = item.out;
  while (!resource->is_resource() && resource->parent() != nullptr) {
    resource = resource->parent();
  }
  if (place.context == nullptr) {
    GW_TRY(const std::string text, UrlOf(resource));
    return TextItem(text, program_.types.uri_type);
  }
  const fhir::TypeDef* type = place.op->type;
  if (type == nullptr) {
    const fhir::ElementDef* element = ElementOf(place);
    const bool takes = element != nullptr && TypeIn(*element, *program_.types.reference) != nullptr;
    type = takes ? program_.types.reference : nullptr;
  }
  GW_TRY(fhir::Element * holder, Whole(place, type));
  pending_.push_back({holder, resource, &holder->type() == program_.types.reference});
  return Written(holder);
}

// The fullUrl of the Bundle entry that holds the resource, else its id; made where no rule made
// one.
Result<std::string> Runner::UrlOf(fhir::Element* resource) {
  fhir::Element* entry = resource->parent();
  if (entry != nullptr && entry->type().name() == "Bundle.entry") {
    const std::string_view url = entry->TextAt("fullUrl");
    if (!url.empty()) {
      return std::string(url);
    }
    const std::string made =
        "urn:uuid:" + crypto::NamedUuid(options_.seed + "#" + std::to_string(++uuids_));
    GW_RETURN_IF_ERROR(entry->Add("fullUrl", made));
    return made;
  }
  std::string id(resource->TextAt("id"));
  if (id.empty()) {
    id = crypto::NamedUuid(options_.seed + "#" + std::to_string(++uuids_));
    GW_RETURN_IF_ERROR(resource->Add("id", id));
  }
  const bool is_contained = entry != nullptr && entry->is_resource();
  return (is_contained ? "#" : std::string(resource->type().name()) + "/") + std::string(id);
}

Status Runner::FinishReference(const Pending& pending) {
  GW_TRY(const std::string url, UrlOf(pending.resource));
  if (!pending.is_reference) {
    pending.holder->SetText(url);
    return {};
  }
  fhir::Element* holder = pending.holder;
  for (const std::string_view name : {"reference", "type"}) {
    holder->Clear(name);
  }
  GW_RETURN_IF_ERROR(holder->Add("reference", url));
  GW_RETURN_IF_ERROR(holder->Add("type", pending.resource->type().name()));
  const fhir::Element* identifier = pending.resource->Child("identifier");
  const bool is_usable = identifier != nullptr && !identifier->is_null() &&
                         &identifier->type() == program_.types.identifier;
  if (is_usable && holder->Child("identifier") == nullptr) {
    GW_RETURN_IF_ERROR(holder->AddCopy("identifier", *identifier));
  }
  return {};
}

// R4 map-list-mode: the items of `first` go before, those of `last` behind all others of the list;
// two rules that both say first of one list contradict each other.
Status Runner::FinishOrder() {
  std::map<std::pair<fhir::Element*, const fhir::ElementDef*>, const RuleOp*> lists;
  Ranks ranks;
  for (const Ordered& ordered : ordered_) {
    ranks[ordered.item] = ordered.is_first ? -1 : 1;
    const RuleOp*& first_rule = lists[{ordered.item->parent(), ordered.item->definition()}];
    if (!ordered.is_first) {
      continue;
    }
    if (first_rule != nullptr && first_rule != ordered.rule) {
      return Fail(Code::kUnprocessable, *ordered.rule,
                  "another rule, '" + first_rule->name + "', already made the first item");
    }
    first_rule = ordered.rule;
  }
  for (const auto& [list, first_rule] : lists) {
    GW_RETURN_IF_ERROR(Reorder(ranks, list.first, *list.second));
  }
  return {};
}

Status Runner::Reorder(const Ranks& ranks, fhir::Element* parent, const fhir::ElementDef& element) {
  std::vector<std::pair<int, fhir::Element*>> items;
  for (fhir::Element* child = parent->first_child(); child != nullptr; child = child->next()) {
    if (child->definition() == &element) {
      const auto rank = ranks.find(child);
      items.emplace_back(rank == ranks.end() ? 0 : rank->second, child);
    }
  }
  const auto before = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (std::is_sorted(items.begin(), items.end(), before)) {
    return {};
  }
  std::stable_sort(items.begin(), items.end(), before);
  for (const auto& [rank, item] : items) {
    GW_RETURN_IF_ERROR(parent->AddCopy(element.name, *item));
  }
  for (const auto& [rank, item] : items) {
    parent->Remove(item);
  }
  return {};
}

Status Runner::Finish() {
  for (const Pending& pending : pending_) {
    GW_RETURN_IF_ERROR(FinishReference(pending));
  }
  PruneBelow(root_);
  return FinishOrder();
}

void Runner::ListUnread(const fhir::Element& source,
                        std::vector<const fhir::Element*>* unread) const {
  const fhir::Element* node = &source;
  while (node != nullptr) {
    if ((node->has_text() || node->is_null()) && !read_.Has(node)) {
      unread->push_back(node);
    }
    if (node->first_child() != nullptr) {
      node = node->first_child();
      continue;
    }
    while (node != &source && node->next() == nullptr) {
      node = node->parent();
    }
    node = node == &source ? nullptr : node->next();
  }
}

}  // namespace gw::map
