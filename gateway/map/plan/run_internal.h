#pragma once

#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/map/plan/internal.h"
#include "gateway/map/plan/plan.h"

namespace gw::map {

// Which nodes of the source a run has read: a hash set of their addresses.
class ReadSet {
 public:
  ReadSet() : table_(kSizeAtFirst, nullptr) {}
  void Add(const fhir::Element* node);
  bool Has(const fhir::Element* node) const { return table_[SlotOf(node)] == node; }

 private:
  static constexpr size_t kSizeAtFirst = 256;  // a power of two
  size_t SlotOf(const fhir::Element* node) const;
  void Grow();

  std::vector<const fhir::Element*> table_;
  size_t count_ = 0;
};

// The children of one node by their element, so that the rules of a group do not each walk them
// all. Elements that are 64 apart in their type share a place.
class Listing {
 public:
  static constexpr size_t kPlaces = 64;
  const fhir::Element* node() const { return node_; }
  // Lists a node; how many children it has.
  size_t Read(const fhir::Element& node);
  // May the node, which is of the element's own type, have a child of it?
  bool MayHave(const fhir::ElementDef& element) const {
    return (present_ >> PlaceIn(element) & 1U) != 0;
  }
  // Its only child of that element; null where it has none, or where that takes a walk.
  const fhir::Element* Only(const fhir::ElementDef& element) const;

 private:
  size_t PlaceIn(const fhir::ElementDef& element) const {
    return static_cast<size_t>(&element - node_->type().elements().data()) % kPlaces;
  }

  const fhir::Element* node_ = nullptr;
  uint64_t present_ = 0;
  uint64_t shared_ = 0;  // places of several children
  std::array<const fhir::Element*, kPlaces> children_;
};

// One run of a program: a frame of slots for each group that is open, and the target that grows.
// Used once, by one thread.
class Runner {
 public:
  Runner(const Program& program, const RunOptions& options)
      : program_(program), options_(options) {}

  // Errors as Plan::Run.
  Result<Mapped> Run(const Program::Entry& entry, const fhir::Element& source);

 private:
  // Where a transform puts what it makes.
  struct Place {
    const RuleOp* rule = nullptr;
    const TargetOp* op = nullptr;
    fhir::Element* context = nullptr;  // null: the value goes to a variable only
  };
  // A Reference, or a uri, that must say where a resource is once the Bundle stands.
  struct Pending {
    fhir::Element* holder;
    fhir::Element* resource;
    bool is_reference;
  };
  struct Ordered {  // made in list mode first or last
    fhir::Element* item;
    const RuleOp* rule;
    bool is_first;
  };
  static constexpr size_t kArgumentsMax = 8;
  using Items = std::array<Item, kArgumentsMax>;

  Item& At(Slot slot) { return slots_[base_ + slot]; }
  Error Fail(Code code, const RuleOp& rule, std::string_view detail) const;
  Error Refuse(const Place& place, std::string_view detail) const {
    return Fail(Code::kUnprocessable, *place.rule, detail);
  }

  // Rules (run.cc).
  Status RunGroup(uint32_t group, std::span<const Item> arguments);
  Status RunRules(const std::vector<RuleOp>& rules);
  const Listing* ListingOf(const Item& context, const fhir::TypeDef* owner);
  bool IsAbsent(const Guard& guard);
  const fhir::Element* OnlyOne(const SourceOp& op);  // null: none, or that takes a walk
  Status RunSource(const RuleOp& rule, size_t index, bool is_null);
  Status Gather(const RuleOp& rule, const SourceOp& op);
  Status Filter(const RuleOp& rule, const SourceOp& op, size_t first);
  Status Check(const RuleOp& rule, const SourceOp& op, size_t first);
  Status CheckItem(const RuleOp& rule, const SourceOp& op, const Item& item);
  Status Log(const RuleOp& rule, const SourceOp& op, const Item& item);
  void ApplyListMode(FmlListMode mode, size_t first);
  void Bind(const SourceOp& op, const Item& item);
  Status Fire(const RuleOp& rule, bool is_null);
  Status RunCall(const RuleOp& rule, const CallOp& call);

  // Expressions (run.cc).
  const fhir::Element* Prepare(const PathOp& path, const Item& focus, bool focus_is_source);
  Status Evaluate(const RuleOp& rule, const PathOp& path, const Item& focus, bool focus_is_source,
                  fhir::path::Collection* result);
  Result<bool> Holds(const RuleOp& rule, const PathOp& path, const Item& focus, bool is_source);
  Item ItemOf(const fhir::path::Value& value) const;
  Result<Item> Argument(const RuleOp& rule, const ArgumentOp& argument);
  void MarkRead(const fhir::Element& node, const PathOp& path, const PathOp::Reading& reading);
  void MarkAll(const fhir::Element& node);

  // Targets (target.cc).
  Status RunTarget(const RuleOp& rule, const TargetOp& op, bool is_null);
  Result<fhir::Element*> SetNull(const Place& place);
  Result<fhir::Element*> Whole(const Place& place, const fhir::TypeDef* type);
  Result<fhir::Element*> Make(const Place& place, const fhir::TypeDef& type);
  Result<fhir::Element*> MakeSingle(const Place& place, const fhir::ElementDef& element,
                                    const fhir::TypeDef& type);
  Result<fhir::Element*> MakeShared(const Place& place, const fhir::ElementDef& element,
                                    const fhir::TypeDef& type);
  Result<fhir::Element*> AddTo(const Place& place, fhir::Element* parent,
                               const fhir::ElementDef& element, const fhir::TypeDef& type);
  Result<Item> Put(const Place& place, const Item& item);
  Result<fhir::Element*> Assign(const Place& place, const Item& item, const fhir::TypeDef* type);
  Result<fhir::Element*> AssignNode(const Place& place, const fhir::Element& node,
                                    const fhir::TypeDef& type);
  Status SetText(const Place& place, fhir::Element* element, const Item& item);
  Status AddText(const Place& place, fhir::Element* parent, std::string_view name,
                 std::string_view text);
  Result<Item> MapByType(const Place& place);
  static const fhir::ElementDef* ElementOf(const Place& place);
  static Item Written(fhir::Element* element) { return {element, element, {}, nullptr}; }

  // Transforms (transform.cc).
  Result<Item> Transformed(const Place& place);
  Result<Item> Value(const Place& place, const Items& items);
  Result<Item> Composite(const Place& place, const Items& items);
  Result<Item> Evaluated(const Place& place);
  Result<Item> PutResult(const Place& place, const fhir::path::Value& result);
  Result<Item> Concept(const Place& place, const Items& items);
  Result<Item> Identifier(const Place& place, const Items& items);
  Result<Item> Cast(const Place& place, const Item& item);
  Result<Item> Truncate(const Place& place, const Items& items);
  Result<Item> Escape(const Place& place, const Items& items);
  Result<Item> DateOp(const Place& place, const Items& items);
  Result<Item> Append(const Place& place);
  Result<Item> KeyedHash(const Place& place);
  Result<Item> Refer(const Place& place, const Item& item);
  Result<Item> FeedValue(const Place& place);
  Result<fhir::Element*> Part(const Place& place, fhir::Element* parent, std::string_view name);
  Status FillQuantity(const Place& place, const Items& items, fhir::Element* quantity);

  // Codes (translate.cc).
  Result<Item> Translate(const Place& place, const Item& item);
  bool TranslateOne(const TargetOp& op, std::string_view system, std::string_view code,
                    CodeTable::Answer* answer);
  Result<Item> TranslationItem(const Place& place, const CodeTable::Answer& answer);
  Item TextItem(std::string_view text, const fhir::TypeDef* type) {
    return {nullptr, nullptr, scratch_.Copy(text), type};
  }

  // After the last rule (finish.cc).
  Result<std::string> UrlOf(fhir::Element* resource);
  Status Finish();
  Status FinishReference(const Pending& pending);
  Status FinishOrder();
  using Ranks = std::map<const fhir::Element*, int>;  // of items: -1 first, 1 last
  static Status Reorder(const Ranks& ranks, fhir::Element* parent, const fhir::ElementDef& element);
  void ListUnread(const fhir::Element& source, std::vector<const fhir::Element*>* unread) const;

  const Program& program_;
  const RunOptions& options_;
  Mapped* mapped_ = nullptr;
  fhir::Element* root_ = nullptr;
  Arena scratch_;
  std::vector<Item> slots_;
  size_t base_ = 0;
  size_t top_ = 0;
  uint32_t depth_ = 0;
  std::vector<Item> items_;               // of the sources that are open, as a stack
  const fhir::Element* place_ = nullptr;  // the source node that is being mapped, for messages
  size_t item_index_ = 0;
  static constexpr size_t kListingsMax = 8;
  std::array<Listing, kListingsMax> listings_;  // by depth_: a group mostly asks one node
  ReadSet read_;
  std::set<std::pair<const fhir::Element*, std::string>> unmapped_;  // codes that are listed
  uint64_t uuids_ = 0;
  using ShareKey = std::tuple<const fhir::Element*, const fhir::ElementDef*, uint32_t>;
  std::map<ShareKey, fhir::Element*> shared_;
  std::vector<Pending> pending_;
  std::vector<Ordered> ordered_;
  std::vector<std::pair<std::string_view, fhir::path::Collection>> variables_;
  fhir::path::Environment environment_;  // of every expression; `variables` are those of the last
};

// The arithmetic of dateOp (dates.cc): `text` is a FHIR date or dateTime; its precision
// and zone stay. Empty: `text`, `amount` or `unit` is not what it takes.
std::string AddToDate(std::string_view text, std::string_view amount, std::string_view unit);

}  // namespace gw::map
