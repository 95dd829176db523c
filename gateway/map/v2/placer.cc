#include <algorithm>

#include "gateway/map/v2/reader_internal.h"

namespace gw::map::v2 {

Placer::Placer(const Group& structure, fhir::Element* root) {
  instances_.reserve(16);
  instances_.push_back({&structure, root, 0, 0});
}

bool Placer::CanTake(const Instance& instance, size_t item) const {
  const Item& place = instance.group->items[item];
  return place.repeats || (instance.filled & place.choice) == 0;
}

std::optional<uint32_t> Placer::LastInstanceOf(uint32_t parent, size_t item) const {
  for (size_t i = instances_.size(); i-- > 1;) {
    if (instances_[i].parent == parent && instances_[i].item == item) {
      return static_cast<uint32_t>(i);
    }
  }
  return std::nullopt;
}

Placer::Place Placer::Fill(uint32_t instance, size_t item, SegmentId id) {
  Instance& in = instances_[instance];
  const Item& place = in.group->items[item];
  in.filled |= uint64_t{1} << item;
  in.cursor = std::max(in.cursor, static_cast<uint32_t>(item));
  if (place.group == nullptr) {
    current_ = instance;
    return {in.node, &place, false};
  }
  fhir::Element* node = in.node->AppendRaw(place.element, *place.group->type, {});
  const auto opened = static_cast<uint32_t>(instances_.size());
  instances_.push_back({place.group, node, instance, static_cast<uint32_t>(item)});
  return TakeForward(opened, id).value_or(Place{});
}

std::optional<Placer::Place> Placer::TakeForward(uint32_t instance, SegmentId id) {
  const Instance& in = instances_[instance];
  for (size_t i = in.cursor; i < in.group->items.size(); ++i) {
    const Item& item = in.group->items[i];
    const bool fits = item.group == nullptr ? item.id == id : item.group->OpensWith(id);
    if (fits && CanTake(in, i)) {
      return Fill(instance, i, id);
    }
  }
  return std::nullopt;
}

std::optional<Placer::Place> Placer::TakeBackward(uint32_t instance, SegmentId id) {
  const size_t cursor = instances_[instance].cursor;
  for (size_t i = cursor + 1; i-- > 0;) {
    const Instance& in = instances_[instance];
    const Item& item = in.group->items[i];
    const bool fits = item.group == nullptr ? item.id == id : item.group->OpensWith(id);
    if (fits && CanTake(in, i)) {
      return Fill(instance, i, id);
    }
    const auto left = item.group == nullptr ? std::nullopt : LastInstanceOf(instance, i);
    if (!left) {
      continue;
    }
    auto place = TakeForward(*left, id);
    if (!place) {
      place = TakeBackward(*left, id);
    }
    if (place) {
      return place;
    }
  }
  return std::nullopt;
}

Placer::Place Placer::Take(SegmentId id) {
  uint32_t instance = current_;
  while (true) {
    if (const auto place = TakeForward(instance, id)) {
      return *place;
    }
    if (auto place = TakeBackward(instance, id)) {
      place->out_of_order = true;
      return *place;
    }
    if (instance == 0) {
      return {};
    }
    instance = instances_[instance].parent;
  }
}

std::string_view Placer::Missing() const {
  for (const Instance& instance : instances_) {
    for (const uint64_t needed : instance.group->needed) {
      if ((instance.filled & needed) != 0) {
        continue;
      }
      const Group* group = instance.group;
      size_t item = static_cast<size_t>(__builtin_ctzll(needed));
      // A group is named by the first segment that it needs.
      while (group->items[item].group != nullptr) {
        group = group->items[item].group;
        item =
            group->needed.empty() ? 0 : static_cast<size_t>(__builtin_ctzll(group->needed.front()));
      }
      return group->items[item].segment->name;
    }
  }
  return {};
}

}  // namespace gw::map::v2
