#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/fhir/instance_builder_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kTypeMember = "resourceType";

// A JSON document as a tree whose nodes know their places.
struct Node {
  enum class Form : uint8_t { kNull, kText, kArray, kObject };
  Form form = Form::kNull;
  std::string name;  // of a member of an object
  std::string text;
  size_t offset = 0;
  std::vector<Node> members;  // of an object or array

  const Node* Find(std::string_view member_name) const;
};

const Node* Node::Find(std::string_view member_name) const {
  for (const Node& member : members) {
    if (member.name == member_name) {
      return &member;
    }
  }
  return nullptr;
}

class TreeEvents : public JsonEvents {
 public:
  Node Take() { return std::move(root_); }

  Status ObjectStart() override { return Open(Node::Form::kObject); }
  Status ArrayStart() override { return Open(Node::Form::kArray); }
  Status ObjectEnd() override { return Close(); }
  Status ArrayEnd() override { return Close(); }
  Status Key(std::string_view name) override {
    key_ = std::string(name);
    return {};
  }
  Status String(std::string_view text) override { return Leaf(Node::Form::kText, text); }
  Status Number(std::string_view digits) override { return Leaf(Node::Form::kText, digits); }
  Status Bool(bool value) override { return Leaf(Node::Form::kText, value ? "true" : "false"); }
  Status Null() override { return Leaf(Node::Form::kNull, {}); }

 private:
  // The addresses of open nodes stay: only the last member of each is open.
  Node* Append(Node::Form form, std::string_view text) {
    Node* node = &root_;
    if (!open_.empty()) {
      node = &open_.back()->members.emplace_back();
      node->name = std::exchange(key_, {});
    }
    node->form = form;
    node->text = std::string(text);
    node->offset = offset();
    return node;
  }
  Status Open(Node::Form form) {
    open_.push_back(Append(form, {}));
    return {};
  }
  Status Close() {
    open_.pop_back();
    return {};
  }
  Status Leaf(Node::Form form, std::string_view text) {
    Append(form, text);
    return {};
  }

  Node root_;
  std::string key_;
  std::vector<Node*> open_;
};

class Reader {
 public:
  Reader(std::string_view text, const InstanceTypes& types) : builder_(text, types) {}

  Result<Resource> Run(const Node& root) {
    if (root.form != Node::Form::kObject) {
      return builder_.Fail(root.offset, "expected an object");
    }
    const Node* name = root.Find(kTypeMember);
    GW_TRY(const TypeDef* type,
           builder_.RootType(name == nullptr ? std::string_view() : std::string_view(name->text),
                             name == nullptr ? root.offset : name->offset));
    Resource instance = Resource::MakeOf(*type);
    GW_RETURN_IF_ERROR(Members(root, &instance.root()));
    return instance;
  }

 private:
  // Values first: what stands beside them, in a member with an underscore, is added to them.
  // Members go in as the type has its elements, sorted once: each that came before others would
  // have to be put before all of them.
  Status Members(const Node& object, Element* element) {
    std::vector<std::pair<const ElementDef*, const Node*>> ordered;
    for (const Node& node : object.members) {
      if (node.name != kTypeMember && !node.name.starts_with('_')) {
        ordered.emplace_back(element->type().ByJsonName(node.name).element, &node);
      }
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return std::less<>()(a.first, b.first); });
    for (const auto& [definition, node] : ordered) {
      GW_RETURN_IF_ERROR(Member(node->name, *node, element));
    }
    for (const Node& node : object.members) {
      if (node.name.starts_with('_')) {
        GW_RETURN_IF_ERROR(Beside(node.name.substr(1), node, element));
      }
    }
    return {};
  }

  Status Member(const std::string& name, const Node& node, Element* parent) {
    const TypeDef::Property property = parent->type().ByJsonName(name);
    if (property.element == nullptr) {
      return builder_.Fail(node.offset,
                           std::string(parent->type().name()) + " has no element of this name");
    }
    if (node.form != Node::Form::kArray) {
      return Value(name, node, *property.type, parent);
    }
    for (const Node& item : node.members) {
      GW_RETURN_IF_ERROR(Value(name, item, *property.type, parent));
    }
    return {};
  }

  Status Value(const std::string& name, const Node& node, const TypeDef& declared,
               Element* parent) {
    const bool is_leaf = declared.kind() == Kind::kPrimitive ||
                         (declared.kind() == Kind::kModel && declared.elements().empty());
    if (node.form == Node::Form::kNull) {
      // Holds the place of an item that has no value, only what stands beside it.
      if (!is_leaf) {
        return builder_.Fail(node.offset, "expected an object, not null");
      }
      GW_RETURN_IF_ERROR(builder_.Add(parent, name, declared, {}, node.offset));
      return {};
    }
    if (is_leaf != (node.form == Node::Form::kText)) {
      return builder_.Fail(node.offset, is_leaf ? "expected a value" : "expected an object");
    }
    if (is_leaf) {
      GW_RETURN_IF_ERROR(builder_.Add(parent, name, declared, node.text, node.offset));
      return {};
    }
    const TypeDef* type = &declared;
    if (declared.kind() == Kind::kResource) {
      const Node* own = node.Find(kTypeMember);
      GW_TRY(type, builder_.InnerType(own == nullptr ? std::string_view() : own->text, declared,
                                      node.offset));
    }
    GW_TRY(Element * child, builder_.Add(parent, name, *type, {}, node.offset));
    return Members(node, child);
  }

  // Ids and extensions of primitives.
  Status Beside(const std::string& name, const Node& node, Element* parent) {
    const TypeDef::Property property = parent->type().ByJsonName(name);
    if (property.element == nullptr || property.type->kind() != Kind::kPrimitive) {
      return builder_.Fail(node.offset, "there is no primitive element of this name");
    }
    if (node.form != Node::Form::kArray) {
      return BesideOne(name, property, parent->ChildOf(*property.element), node, parent);
    }
    Element* element = parent->ChildOf(*property.element);
    for (const Node& item : node.members) {
      GW_RETURN_IF_ERROR(BesideOne(name, property, element, item, parent));
      element = element == nullptr ? nullptr : NextOf(*element);
    }
    return {};
  }

  // The next item of a list: its items stand side by side.
  static Element* NextOf(Element& item) {
    Element* next = item.next();
    return next != nullptr && next->definition() == item.definition() ? next : nullptr;
  }

  // `element`: the value that it stands beside; null: there is none.
  Status BesideOne(const std::string& name, const TypeDef::Property& property, Element* element,
                   const Node& node, Element* parent) {
    if (node.form == Node::Form::kNull) {
      return {};
    }
    if (node.form != Node::Form::kObject) {
      return builder_.Fail(node.offset, "expected an object");
    }
    if (element == nullptr) {
      GW_TRY(element, builder_.Add(parent, name, *property.type, {}, node.offset));
    }
    return Members(node, element);
  }

  InstanceBuilder builder_;
};

}  // namespace

Result<Resource> ReadJsonInstance(std::string_view text, const InstanceTypes& types,
                                  const Limits& limits) {
  TreeEvents events;
  GW_RETURN_IF_ERROR(ReadJson(text, limits, &events));
  const Node root = events.Take();
  return Reader(text, types).Run(root);
}

}  // namespace gw::fhir
