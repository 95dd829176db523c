#include "gateway/map/change/change.h"

#include <algorithm>

#include "gateway/map/change/internal.h"

namespace gw::map {

namespace {

using fhir::Element;

constexpr std::string_view kMarks[] = {kActionMark,  kWhereMark,   kStubMark,    kRescindMark,
                                       kDefaultMark, kRemoveMark,  kChangedMark, kIfKnownMark,
                                       kDoneMark,    kPersonOfMark};

// The child of that name that counts when two elements are compared, the index-th of them.
const Element* Counted(const Element& parent, std::string_view name, uint32_t index) {
  for (const Element* child = parent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name && IsValued(*child) && index-- == 0) {
      return child;
    }
  }
  return nullptr;
}

bool SameIdentifier(const Element& a, const Element& b) {
  return !a.TextAt("value").empty() && a.TextAt("value") == b.TextAt("value") &&
         a.TextAt("system") == b.TextAt("system");
}

// A reference keeps its identifier when its literal part is resolved to another form.
bool SameReference(const Element& a, const Element& b) {
  if (!a.TextAt("reference").empty() && a.TextAt("reference") == b.TextAt("reference")) {
    return true;
  }
  const Element* left = a.Child("identifier");
  const Element* right = b.Child("identifier");
  return left != nullptr && right != nullptr && SameIdentifier(*left, *right);
}

// Is the child content, where the parent is a resource?
bool IsContent(const Element& child) {
  return !child.parent()->is_resource() ||
         (child.name() != "id" && child.name() != "meta" && child.name() != "text");
}

// Elements of one name are compared in their order; the order of names is the parser's.
bool SameChildren(const Element& a, const Element& b) {
  uint32_t left = 0;
  uint32_t right = 0;
  for (const Element* child = b.first_child(); child != nullptr; child = child->next()) {
    right += IsValued(*child) && IsContent(*child) ? 1u : 0u;
  }
  std::string_view name;
  uint32_t index = 0;
  for (const Element* child = a.first_child(); child != nullptr; child = child->next()) {
    if (!IsValued(*child) || !IsContent(*child)) {
      continue;
    }
    index = child->name() == name ? index + 1 : 0;
    name = child->name();
    const Element* other = Counted(b, name, index);
    if (other == nullptr || !SameElement(*child, *other)) {
      return false;
    }
    ++left;
  }
  return left == right;
}

// Each text with its length, so that no two lists of texts are one key.
void AppendText(std::string_view text, std::string* key) {
  key->append(std::to_string(text.size())).append(":").append(text);
}

void AppendContent(const Element& element, std::string* key) {
  AppendText(element.name(), key);
  AppendText(element.type().name(), key);
  AppendText(element.text(), key);
  const bool is_reference = element.type().name() == "Reference";
  const Element* named = is_reference ? element.Child("identifier") : nullptr;
  if (named != nullptr && !named->TextAt("value").empty()) {
    AppendText(named->TextAt("system"), key);
    AppendText(named->TextAt("value"), key);
    return;
  }
  if (is_reference && !element.TextAt("reference").empty()) {
    AppendText(element.TextAt("reference"), key);
    return;
  }
  std::vector<const Element*> children;
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (IsValued(*child) && IsContent(*child)) {
      children.push_back(child);
    }
  }
  std::stable_sort(children.begin(), children.end(),
                   [](const Element* a, const Element* b) { return a->name() < b->name(); });
  key->append("(");
  for (const Element* child : children) {
    AppendContent(*child, key);
  }
  key->append(")");
}

Error Unfit(const Element& parent, std::string_view name) {
  return {Code::kUnprocessable, "no place for the value: " + std::string(name), parent.Location()};
}

}  // namespace

std::string_view CodeOf(Action action) {
  switch (action) {
    case Action::kAdd:
      return "AD";
    case Action::kUpdate:
      return "UP";
    case Action::kCorrect:
      return "CO";
    case Action::kDelete:
      return "DE";
    case Action::kLink:
      return "LI";
    case Action::kUnlink:
      return "UN";
    case Action::kUnchanged:
      return "UC";
    case Action::kSnapshot:
      return "SP";
    case Action::kMerge:
      return "";
  }
  return "";
}

const Element* FindMark(const Element& holder, std::string_view mark) {
  for (const Element* child = holder.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "extension" && child->TextAt("url") == mark) {
      return child;
    }
  }
  return nullptr;
}

std::string_view MarkOf(const Element& holder, std::string_view mark) {
  const Element* found = FindMark(holder, mark);
  return found == nullptr ? std::string_view() : found->TextAt("value");
}

bool IsMark(const Element& element) {
  if (element.name() != "extension") {
    return false;
  }
  const std::string_view url = element.TextAt("url");
  for (const std::string_view mark : kMarks) {
    if (url == mark) {
      return true;
    }
  }
  return false;
}

std::string_view HalfOf(const fhir::TypeDef& type) {
  const std::string_view name = type.name();
  return name == "Extension"                        ? "url"
         : name == "Reference"                      ? "type"
         : name == "Coding" || name == "Identifier" ? "system"
                                                    : "";
}

bool IsValued(const Element& element) {
  if (element.is_null() || IsMark(element)) {
    return false;
  }
  if (element.has_text() && !element.text().empty()) {
    return true;
  }
  const std::string_view half = HalfOf(element.type());
  for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
    if (child->name() != half && IsValued(*child)) {
      return true;
    }
  }
  return false;
}

bool SameElement(const Element& a, const Element& b) {
  if (&a.type() != &b.type() || a.text() != b.text()) {
    return false;
  }
  if (a.type().name() == "Reference" && SameReference(a, b)) {
    return true;
  }
  return SameChildren(a, b);
}

std::string ContentKey(const Element& element) {
  std::string key;
  key.reserve(192);
  AppendContent(element, &key);
  return key;
}

bool SameContent(const fhir::Resource& a, const fhir::Resource& b) {
  return a.type() == b.type() && SameChildren(a.root(), b.root());
}

bool SameLabels(const fhir::Resource& a, const fhir::Resource& b) {
  const Element* left = a.root().Child("meta");
  const Element* right = b.root().Child("meta");
  for (const std::string_view name : {"security", "tag"}) {
    const uint32_t count = left == nullptr ? 0 : left->Count(name);
    if (count != (right == nullptr ? 0 : right->Count(name))) {
      return false;
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (!SameElement(*left->Child(name, i), *right->Child(name, i))) {
        return false;
      }
    }
  }
  return true;
}

bool HasSeparateParts(const Element& element) {
  return element.type().name() == "Period" ||
         (element.type().kind() == fhir::Kind::kBackbone && element.name() != "provision");
}

bool IsAddedTo(const Element& item) {
  const std::string_view type = item.type().name();
  return type == "Identifier" || item.name() == "extension" ||
         (type == "Coding" && item.parent() != nullptr && item.parent()->name() == "meta");
}

bool ChangesItemsOnly(const Change& change) {
  return change.stub || change.action == Action::kLink || change.action == Action::kUnlink ||
         change.action == Action::kUnchanged;
}

bool HasMarkedItems(const fhir::Resource& fragment) {
  for (const Element* child = fragment.root().first_child(); child != nullptr;
       child = child->next()) {
    if (!MarkOf(*child, kActionMark).empty()) {
      return true;
    }
  }
  return false;
}

std::string_view JsonNameOf(const Element& element) {
  const Element* parent = element.parent();
  if (parent == nullptr || element.definition() == nullptr) {
    return element.name();
  }
  return parent->type().JsonName(*element.definition(), element.type());
}

std::string_view CutName(std::string_view* path) {
  const size_t dot = path->find('.');
  const std::string_view name = path->substr(0, dot);
  *path = dot == std::string_view::npos ? std::string_view() : path->substr(dot + 1);
  return name;
}

Result<Element*> CopyValued(Element* parent, std::string_view name, const Element& source) {
  if (!IsValued(source)) {
    return static_cast<Element*>(nullptr);
  }
  auto copy = parent->AddTyped(name, source.type(), source.text());
  if (!copy) {
    return Unfit(*parent, name);
  }
  for (const Element* child = source.first_child(); child != nullptr; child = child->next()) {
    GW_TRY([[maybe_unused]] Element * added, CopyValued(*copy, child->name(), *child));
  }
  return *copy;
}

bool KeepValued(Element* element) {
  bool is_valued = !element->text().empty();
  if (element->first_child() == nullptr) {
    return is_valued;
  }
  const std::string_view half = HalfOf(element->type());
  for (Element *child = element->first_child(), *next = nullptr; child != nullptr; child = next) {
    next = child->next();
    if (child->is_null() || IsMark(*child) || !KeepValued(child)) {
      element->Remove(child);
    } else {
      is_valued |= child->name() != half;
    }
  }
  return is_valued;
}

std::vector<Operation::KeyPart> KeyOf(const Element& item) {
  const auto parts = [&item](std::string_view first, std::string_view second) {
    std::vector<Operation::KeyPart> key;
    for (const std::string_view path : {first, second}) {
      if (!path.empty() && !item.TextAt(path).empty()) {
        key.push_back({std::string(path), std::string(item.TextAt(path))});
      }
    }
    return key;
  };
  const std::string_view type = item.type().name();
  if (type == "Extension") {
    return parts("url", "");
  }
  if (!item.TextAt("id").empty()) {
    return parts("id", "");
  }
  if (type == "Identifier") {
    return parts("system", "value");
  }
  if (type == "Coding") {
    std::vector<Operation::KeyPart> key = parts("system", "code");
    if (item.TextAt("extension.url") == kLabelSource) {
      key.push_back({"extension.value", std::string(item.TextAt("extension.value"))});
    }
    return key;
  }
  if (!item.TextAt("identifier.value").empty()) {
    return parts("identifier.system", "identifier.value");
  }
  if (!item.TextAt("condition.identifier.value")
           .empty()) {  // Encounter.diagnosis: which, and as what
    std::vector<Operation::KeyPart> key =
        parts("condition.identifier.system", "condition.identifier.value");
    const std::string_view use = item.TextAt("use.coding.code");
    if (!use.empty()) {
      key.push_back({"use.coding.code", std::string(use)});
    }
    return key;
  }
  return {};
}

bool HasKey(const Element& item, std::span<const Operation::KeyPart> key) {
  for (const Operation::KeyPart& part : key) {
    if (item.TextAt(part.path) != part.text) {
      return false;
    }
  }
  return !key.empty();
}

const Element* FindItem(const Element& parent, std::string_view name,
                        std::span<const Operation::KeyPart> key) {
  for (const Element* child = parent.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == name && HasKey(*child, key)) {
      return child;
    }
  }
  return nullptr;
}

bool SaysWhoSees(std::span<const Change> changes) {
  return std::any_of(changes.begin(), changes.end(), [](const Change& change) {
    const Element* meta = change.fragment.root().Child("meta");
    return change.fragment.type() == "Consent" ||
           (change.fragment.type() == "Patient" && meta != nullptr &&
            meta->Child("security") != nullptr);
  });
}

}  // namespace gw::map
