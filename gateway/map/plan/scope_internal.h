#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/fml/fml.h"
#include "gateway/map/plan/internal.h"
#include "gateway/map/plan/types_internal.h"

namespace gw::map {

// The variables that a rule sees while it is compiled. Slots are given out like a stack, so that a
// frame holds no more than stand at once. Source and target variables are two name spaces, as in
// the language: `src.name as n -> tgt.name as n`.
class Scope {
 public:
  struct Variable {
    std::string name;  // empty: of the compiler's own
    FmlPlace place;
    bool is_target = false;
    StaticType type;
    bool is_used = false;
    Slot slot = kNoSlot;
  };

  Slot Declare(std::string_view name, FmlPlace place, bool is_target, StaticType type) {
    const Slot slot = static_cast<Slot>(variables_.size());
    variables_.push_back({std::string(name), place, is_target, type, false, slot});
    slots_ = std::max(slots_, static_cast<uint32_t>(variables_.size()));
    return slot;
  }

  // The innermost variable of that name: of the wanted side if there is one, else of the other.
  // Null: undeclared. What is found counts as used.
  const Variable* Find(std::string_view name, bool wants_target) {
    Variable* other = nullptr;
    for (size_t at = variables_.size(); at-- > 0;) {
      Variable& variable = variables_[at];
      if (name.empty() || variable.name != name) {
        continue;
      }
      if (variable.is_target == wants_target) {
        variable.is_used = true;
        return &variable;
      }
      other = other == nullptr ? &variable : other;
    }
    if (other != nullptr) {
      other->is_used = true;
    }
    return other;
  }

  size_t mark() const { return variables_.size(); }
  // Forgets what was declared since; the first variable of it that nothing used, by value.
  Variable Release(size_t mark) {
    Variable unused;
    for (size_t at = variables_.size(); at-- > mark;) {
      if (!variables_[at].is_used && !variables_[at].name.empty()) {
        unused = variables_[at];
      }
    }
    variables_.resize(mark);
    return unused;
  }

  uint32_t slots() const { return slots_; }

 private:
  std::vector<Variable> variables_;
  uint32_t slots_ = 0;
};

}  // namespace gw::map
