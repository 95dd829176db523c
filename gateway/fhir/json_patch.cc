// RFC 6902, JSON Patch, and RFC 6901, JSON Pointer.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/base/json.h"
#include "gateway/fhir/patch.h"

namespace gw::fhir {
namespace {

// A JSON value that can be changed. Lives in an arena; members and items are a list.
struct Node {
  Json::Kind kind = Json::Kind::kNull;
  bool emptied = false;  // a removal took its last member
  bool boolean = false;
  std::string_view text;  // of a string; the digits of a number
  std::string_view name;  // as a member of an object
  Node* first = nullptr;
  Node* next = nullptr;

  bool is_container() const { return kind == Json::Kind::kObject || kind == Json::Kind::kArray; }
};

class Reader : public JsonEvents {
 public:
  explicit Reader(Arena* arena) : arena_(arena) {}

  static Result<Node*> Read(std::string_view text, const Limits& limits, Arena* arena) {
    Reader reader(arena);
    GW_RETURN_IF_ERROR(ReadJson(text, limits, &reader));
    return reader.root_;
  }

  Status ObjectStart() override { return Open(Json::Kind::kObject); }
  Status ArrayStart() override { return Open(Json::Kind::kArray); }
  Status ObjectEnd() override { return Close(); }
  Status ArrayEnd() override { return Close(); }
  Status Key(std::string_view name) override {
    name_ = arena_->Copy(name);
    return {};
  }
  Status String(std::string_view text) override {
    Append(Json::Kind::kString)->text = arena_->Copy(text);
    return {};
  }
  Status Number(std::string_view digits) override {
    Append(Json::Kind::kNumber)->text = arena_->Copy(digits);
    return {};
  }
  Status Bool(bool value) override {
    Append(Json::Kind::kBool)->boolean = value;
    return {};
  }
  Status Null() override {
    Append(Json::Kind::kNull);
    return {};
  }

 private:
  struct Level {
    Node* container;
    Node* last = nullptr;
  };

  Node* Append(Json::Kind kind) {
    Node* node = arena_->New<Node>();
    node->kind = kind;
    node->name = std::exchange(name_, {});
    if (open_.empty()) {
      root_ = node;
    } else {
      Level& level = open_.back();
      (level.last == nullptr ? level.container->first : level.last->next) = node;
      level.last = node;
    }
    return node;
  }
  Status Open(Json::Kind kind) {
    open_.push_back({Append(kind)});
    return {};
  }
  Status Close() {
    open_.pop_back();
    return {};
  }

  Arena* arena_;
  Node* root_ = nullptr;
  std::string_view name_;
  std::vector<Level> open_;
};

const Node* Member(const Node& object, std::string_view name) {
  const Node* member = object.kind == Json::Kind::kObject ? object.first : nullptr;
  while (member != nullptr && member->name != name) {
    member = member->next;
  }
  return member;
}

void Write(const Node& node, JsonWriter* writer) {
  switch (node.kind) {
    case Json::Kind::kNull:
      writer->Null();
      return;
    case Json::Kind::kBool:
      writer->Bool(node.boolean);
      return;
    case Json::Kind::kNumber:
      writer->Raw(node.text);
      return;
    case Json::Kind::kString:
      writer->String(node.text);
      return;
    case Json::Kind::kArray:
      writer->ArrayStart();
      for (const Node* item = node.first; item != nullptr; item = item->next) {
        Write(*item, writer);
      }
      writer->ArrayEnd();
      return;
    case Json::Kind::kObject:
      writer->ObjectStart();
      for (const Node* member = node.first; member != nullptr; member = member->next) {
        writer->Key(member->name);
        Write(*member, writer);
      }
      writer->ObjectEnd();
      return;
  }
}

// 4.6: numbers by value, objects whatever the order of their members.
bool Equal(const Node& a, const Node& b) {
  if (a.kind != b.kind) {
    return false;
  }
  switch (a.kind) {
    case Json::Kind::kNull:
      return true;
    case Json::Kind::kBool:
      return a.boolean == b.boolean;
    case Json::Kind::kString:
      return a.text == b.text;
    case Json::Kind::kNumber: {
      double x = 0;
      double y = 0;
      std::from_chars(a.text.data(), a.text.data() + a.text.size(), x);
      std::from_chars(b.text.data(), b.text.data() + b.text.size(), y);
      return a.text == b.text || x == y;
    }
    case Json::Kind::kArray: {
      const Node* x = a.first;
      const Node* y = b.first;
      for (; x != nullptr && y != nullptr && Equal(*x, *y); x = x->next, y = y->next) {
      }
      return x == nullptr && y == nullptr;
    }
    case Json::Kind::kObject:
      break;
  }
  size_t members = 0;
  for (const Node* x = a.first; x != nullptr; x = x->next, ++members) {
    const Node* y = Member(b, x->name);
    if (y == nullptr || !Equal(*x, *y)) {
      return false;
    }
  }
  for (const Node* y = b.first; y != nullptr; y = y->next) {
    --members;
  }
  return members == 0;
}

// What operations may still add.
struct Budget {
  size_t nodes_left;
  uint32_t depth_max;
};

// Null where the budget does not allow it.
Node* Copy(const Node& source, uint32_t depth, Budget* budget, Arena* arena) {
  if (budget->nodes_left == 0 || depth > budget->depth_max) {
    return nullptr;
  }
  --budget->nodes_left;
  Node* copy = arena->New<Node>(source);
  Node** end = &copy->first;
  *end = nullptr;
  copy->next = nullptr;
  for (const Node* child = source.first; child != nullptr; child = child->next) {
    *end = Copy(*child, depth + 1, budget, arena);
    if (*end == nullptr) {
      return nullptr;
    }
    end = &(*end)->next;
  }
  return copy;
}

uint32_t DepthOf(const Node& node) {
  uint32_t depth = 0;
  for (const Node* child = node.first; child != nullptr; child = child->next) {
    depth = std::max(depth, DepthOf(*child));
  }
  return depth + 1;
}

Error Malformed(std::string detail) { return {Code::kInvalid, std::move(detail), {}}; }
Error Unfit(std::string detail) { return {Code::kUnprocessable, std::move(detail), {}}; }

// RFC 6901: the tokens of a pointer, escapes resolved (~1 before ~0).
Result<std::vector<std::string>> TokensOf(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (!pointer.empty() && pointer.front() != '/') {
    return Malformed("a JSON Pointer begins with /");
  }
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] != '~') {
      tokens.back() += pointer[i];
    } else if (++i < pointer.size() && (pointer[i] == '0' || pointer[i] == '1')) {
      tokens.back() += pointer[i] == '0' ? '~' : '/';
    } else {
      return Malformed("~ in a JSON Pointer is followed by 0 or 1");
    }
  }
  return tokens;
}

// Where a pointer leads: the link that holds the value, which may be the end of its container.
struct Place {
  Node* container = nullptr;  // null: the whole document
  Node** link = nullptr;
  std::string name;  // of a member
};

class JsonPatch {
 public:
  JsonPatch(Node* root, const Limits& limits, Arena* arena)
      : root_(root), arena_(arena), budget_{limits.json_nodes_max, limits.json_depth_max} {}

  Node* root() { return root_; }

  Status Apply(const Node& operation) {
    if (operation.kind != Json::Kind::kObject) {
      return Malformed("an operation is an object");
    }
    GW_TRY(const std::string_view op, TextMember(operation, "op"));
    GW_TRY(const std::string_view path, TextMember(operation, "path"));
    GW_TRY(const std::vector<std::string> to, TokensOf(path));
    if (op == "remove") {
      GW_TRY([[maybe_unused]] const Node* taken, Take(to));
      return {};
    }
    if (op == "move" || op == "copy") {
      GW_TRY(const std::string_view from_path, TextMember(operation, "from"));
      GW_TRY(const std::vector<std::string> from, TokensOf(from_path));
      return op == "move" ? Move(from, to) : CopyOver(from, to);
    }
    const bool known = op == "add" || op == "replace" || op == "test";
    if (!known) {
      return Malformed("op is none of add, remove, replace, move, copy, test");
    }
    const Node* value = Member(operation, "value");
    if (value == nullptr) {
      return Malformed("add, replace and test need a value");
    }
    if (op == "add") {
      return Add(to, *value);
    }
    return op == "test" ? Test(to, *value) : Replace(to, *value);
  }

 private:
  static Result<std::string_view> TextMember(const Node& operation, std::string_view name) {
    const Node* member = Member(operation, name);
    if (member == nullptr || member->kind != Json::Kind::kString) {
      return Malformed("an operation needs the string " + std::string(name));
    }
    return member->text;
  }

  // RFC 6901, section 4: no leading zeros; RFC 6902, 4.1: - is past the last item.
  static Status FindItem(const std::string& token, Place* place) {
    if (token == "-") {
      while (*place->link != nullptr) {
        place->link = &(*place->link)->next;
      }
      return {};
    }
    uint32_t index = 0;
    const char* end = token.data() + token.size();
    const auto read = std::from_chars(token.data(), end, index);
    const bool is_index = !token.empty() && read.ec == std::errc() && read.ptr == end &&
                          (token.size() == 1 || token[0] != '0');
    if (!is_index) {
      return Unfit("an array has no such index");
    }
    for (; index > 0; --index) {
      if (*place->link == nullptr) {
        return Unfit("the index is past the end of the array");
      }
      place->link = &(*place->link)->next;
    }
    return {};
  }

  Result<Place> Find(const std::vector<std::string>& tokens) {
    Place place;
    place.link = &root_;
    for (const std::string& token : tokens) {
      Node* container = *place.link;
      if (container == nullptr || !container->is_container()) {
        return Unfit("nothing that could hold a value stands on the way of the path");
      }
      place.container = container;
      place.link = &container->first;
      place.name.clear();
      if (container->kind == Json::Kind::kArray) {
        GW_RETURN_IF_ERROR(FindItem(token, &place));
        continue;
      }
      place.name = token;
      while (*place.link != nullptr && (*place.link)->name != token) {
        place.link = &(*place.link)->next;
      }
    }
    return place;
  }

  Result<Place> FindValue(const std::vector<std::string>& tokens) {
    GW_TRY(Place place, Find(tokens));
    if (*place.link == nullptr) {
      return Unfit("nothing stands at the path");
    }
    return place;
  }

  // Puts a value that is ours at a place: before the item that stands there, or instead of the
  // member.
  void Put(const Place& place, Node* value, bool instead) {
    value->name = place.container == nullptr ? std::string_view() : arena_->Copy(place.name);
    Node* old = *place.link;
    value->next = instead && old != nullptr ? old->next : old;
    *place.link = value;
    if (place.container != nullptr) {
      place.container->emptied = false;
    }
  }

  Status AddOwn(const std::vector<std::string>& path, Node* value) {
    GW_TRY(const Place place, Find(path));
    const bool in_array = place.container != nullptr && place.container->kind == Json::Kind::kArray;
    Put(place, value, !in_array);
    return {};
  }

  Result<Node*> CopyOf(const Node& value, const std::vector<std::string>& path) {
    Node* copy = Copy(value, static_cast<uint32_t>(path.size()) + 1, &budget_, arena_);
    if (copy == nullptr) {
      return Error{Code::kTooLarge, "the patched document is too large", {}};
    }
    return copy;
  }

  Status Add(const std::vector<std::string>& path, const Node& value) {
    GW_TRY(Node * copy, CopyOf(value, path));
    return AddOwn(path, copy);
  }

  Status Replace(const std::vector<std::string>& path, const Node& value) {
    GW_TRY(const Place place, FindValue(path));
    GW_TRY(Node * copy, CopyOf(value, path));
    Put(place, copy, true);
    return {};
  }

  Status Test(const std::vector<std::string>& path, const Node& value) {
    GW_TRY(const Place place, FindValue(path));
    return Equal(**place.link, value) ? Status() : Unfit("test: the values are not equal");
  }

  Result<Node*> Take(const std::vector<std::string>& path) {
    GW_TRY(const Place place, FindValue(path));
    if (place.container == nullptr) {
      return Unfit("the whole document cannot be taken away");
    }
    Node* taken = *place.link;
    *place.link = std::exchange(taken->next, nullptr);
    place.container->emptied = place.container->first == nullptr;
    return taken;
  }

  // 4.4: a value cannot be moved into one of its own parts.
  Status Move(const std::vector<std::string>& from, const std::vector<std::string>& to) {
    if (from.size() < to.size() && std::equal(from.begin(), from.end(), to.begin())) {
      return Unfit("a value cannot be moved into itself");
    }
    if (from == to) {
      GW_TRY([[maybe_unused]] const Place place, FindValue(from));
      return {};
    }
    GW_TRY(Node * taken, Take(from));
    if (DepthOf(*taken) + to.size() > budget_.depth_max) {
      return Error{Code::kTooLarge, "the patched document is nested too deeply", {}};
    }
    return AddOwn(to, taken);
  }

  Status CopyOver(const std::vector<std::string>& from, const std::vector<std::string>& to) {
    GW_TRY(const Place place, FindValue(from));
    return Add(to, **place.link);
  }

  Node* root_;
  Arena* arena_;
  Budget budget_;
};

// Takes out the containers that a removal left empty, and those that they leave empty.
void Prune(Node* node) {
  if (!node->is_container() || node->first == nullptr) {
    return;
  }
  for (Node** link = &node->first; *link != nullptr;) {
    Prune(*link);
    if ((*link)->emptied) {
      *link = (*link)->next;
    } else {
      link = &(*link)->next;
    }
  }
  node->emptied = node->first == nullptr;
}

enum class Empties : uint8_t { kKeep, kPrune };

Result<std::string> Patched(std::string_view document, std::string_view patch, const Limits& limits,
                            Empties empties) {
  Arena arena;
  GW_TRY(Node * root, Reader::Read(document, limits, &arena));
  auto operations = Reader::Read(patch, limits, &arena);
  if (!operations) {
    return std::move(operations).error();
  }
  if ((*operations)->kind != Json::Kind::kArray) {
    return Error{Code::kInvalid, "a JSON Patch is an array of operations", "line 1, column 1"};
  }
  JsonPatch run(root, limits, &arena);
  size_t place = 0;
  for (const Node* operation = (*operations)->first; operation != nullptr;
       operation = operation->next) {
    Status applied = place < kPatchOperationsMax
                         ? run.Apply(*operation)
                         : Error{Code::kTooLarge, "a patch of too many operations", {}};
    if (!applied) {
      applied.error().where = "operation " + std::to_string(place);
      return std::move(applied).error();
    }
    ++place;
  }
  if (empties == Empties::kPrune) {
    Prune(run.root());
  }
  std::string out;
  JsonWriter writer(&out);
  Write(*run.root(), &writer);
  return out;
}

}  // namespace

Result<std::string> PatchJson(std::string_view document, std::string_view patch,
                              const Limits& limits) {
  return Patched(document, patch, limits, Empties::kKeep);
}

Result<Resource> ApplyJsonPatch(const Resource& resource, std::string_view patch,
                                const Definitions& definitions, const Limits& limits) {
  std::string json;
  WriteJson(resource, &json);
  GW_TRY(const std::string patched, Patched(json, patch, limits, Empties::kPrune));
  auto parsed = ParseJson(patched, definitions, limits);
  if (!parsed) {
    // The place is one in the text that the patch made: only its FHIRPath means something outside.
    Error error = std::move(parsed).error();
    error.code = error.code == Code::kTooLarge ? error.code : Code::kUnprocessable;
    error.where = error.where.starts_with("line ")
                      ? std::string(resource.type())
                      : error.where.substr(0, error.where.find(" (line "));
    return error;
  }
  return parsed;
}

}  // namespace gw::fhir
