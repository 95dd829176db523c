#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/map/export/internal.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Resource;

Error Unreadable(std::string_view what) {
  return Error{Code::kUnprocessable, "a PATCH that cannot be sent on: " + std::string(what), ""};
}

// What the operations set, as a tree of members: an object that is set whole is a leaf.
struct Member {
  std::optional<Json> value;
  std::map<std::string, Member> members;
};

void WriteValue(const Json& value, JsonWriter* writer) {
  switch (value.kind()) {
    case Json::Kind::kNull:
      writer->Null();
      return;
    case Json::Kind::kBool:
      writer->Bool(value.boolean());
      return;
    case Json::Kind::kNumber:
      writer->Raw(value.text());
      return;
    case Json::Kind::kString:
      writer->String(value.text());
      return;
    case Json::Kind::kArray:
      writer->ArrayStart();
      for (const Json& item : value.items()) {
        WriteValue(item, writer);
      }
      writer->ArrayEnd();
      return;
    case Json::Kind::kObject:
      writer->ObjectStart();
      for (const auto& [name, member] : value.members()) {
        writer->Key(name);
        WriteValue(member, writer);
      }
      writer->ObjectEnd();
      return;
  }
}

void WriteMembers(const std::map<std::string, Member>& members, JsonWriter* writer) {
  for (const auto& [name, member] : members) {
    writer->Key(name);
    if (member.value) {
      WriteValue(*member.value, writer);
      continue;
    }
    writer->ObjectStart();
    WriteMembers(member.members, writer);
    writer->ObjectEnd();
  }
}

using Path = std::vector<std::string>;

// The members that a pointer names (RFC 6901); none where it names an item of a list, or a name
// that FHIR does not have.
Path PathOf(std::string_view pointer) {
  Path path;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view name = pointer.substr(0, pointer.find('/'));
    const bool is_name =
        !name.empty() && name.find_first_of("0123456789-~") != 0 && name.find('~') == name.npos;
    if (!is_name) {
      return {};
    }
    path.emplace_back(name);
    pointer.remove_prefix(name.size());
  }
  return pointer.empty() ? path : Path();
}

class Reader {
 public:
  Status Read(const Json& operation) {
    const std::string_view verb = operation.TextOf("op");
    const Path path = PathOf(operation.TextOf("path"));
    if (path.empty()) {
      return Unreadable("an operation on other than an element of the resource");
    }
    const Json* value = operation.Find("value");
    if ((verb == "add" || verb == "replace") && value != nullptr) {
      return Set(path, *value);
    }
    if (verb != "remove") {
      return Unreadable("an operation that neither sets nor removes");
    }
    return Remove(path);
  }

  std::string Document(std::string_view type) const {
    std::string text;
    JsonWriter writer(&text);
    writer.ObjectStart().Member("resourceType", type);
    WriteMembers(set_, &writer);
    writer.ObjectEnd();
    return text;
  }
  const std::set<Path>& removed() const { return removed_; }

 private:
  Status Set(const Path& path, const Json& value) {
    removed_.erase(path);
    std::map<std::string, Member>* at = &set_;
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      Member& member = (*at)[path[i]];
      if (member.value) {
        return Unreadable("a part of what it has set");
      }
      at = &member.members;
    }
    Member& last = (*at)[path.back()];
    if (!last.members.empty()) {
      return Unreadable("a whole whose part it has set");
    }
    last.value = value;
    return {};
  }

  Status Remove(const Path& path) {
    std::map<std::string, Member>* at = &set_;
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      const auto found = at->find(path[i]);
      if (found != at->end() && found->second.value) {
        return Unreadable("a part of what it has set");
      }
      at = found == at->end() ? nullptr : &found->second.members;
      if (at == nullptr) {
        break;
      }
    }
    if (at != nullptr) {
      at->erase(path.back());
    }
    if (!path.back().starts_with('_')) {  // what a primitive has besides goes with it
      removed_.insert(path);
    }
    return {};
  }

  std::map<std::string, Member> set_;
  std::set<Path> removed_;
};

// A null where the resource has nothing of that name, of whatever type.
Status SetGone(const Path& path, Element* root) {
  Element* at = root;
  for (const std::string& name : path) {
    const bool is_last = &name == &path.back();
    const fhir::ElementDef* element = at->type().ByJsonName(name).element;
    if (element == nullptr) {
      return Unreadable("a path that cannot be followed");
    }
    Element* child = at->Child(element->name);
    if (is_last && child != nullptr) {
      return {};  // set as another type
    }
    if (child == nullptr) {
      GW_TRY(child, at->Add(name));
    }
    at = child;
  }
  at->SetNull();
  return {};
}

}  // namespace

Status ReadJsonPatch(std::string_view patch, const fhir::Definitions& definitions,
                     Resource* fragment) {
  const auto operations = Json::Parse(patch, Limits{});
  if (!operations || !operations->is_array()) {
    return Unreadable("a body that is no JSON Patch");
  }
  Reader reader;
  for (const Json& operation : operations->items()) {
    GW_RETURN_IF_ERROR(reader.Read(operation));
  }
  auto set = fhir::ParseJson(reader.Document(fragment->type()), definitions, Limits{});
  if (!set) {
    return Unreadable("a value that does not fit");
  }
  Element* root = &set->root();
  for (const std::string_view key : {"id", "identifier"}) {
    if (root->Child(key) != nullptr) {
      return Unreadable("an operation on what it is found by");
    }
    if (const Element* known = fragment->root().Child(key); known != nullptr) {
      GW_RETURN_IF_ERROR(root->AddCopy(key, *known));
    }
  }
  for (const Path& path : reader.removed()) {
    GW_RETURN_IF_ERROR(SetGone(path, root));
  }
  *fragment = *std::move(set);
  return {};
}

}  // namespace gw::map
