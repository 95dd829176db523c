#include "tests/map/patch_testing.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/crypto.h"
#include "gateway/base/json.h"

namespace gw::map {

namespace {

using fhir::Element;

Error Wrong(std::string_view text) { return {Code::kUnprocessable, std::string(text), "patch"}; }

// One step of a path: a name, and which of the items of that name.
struct Step {
  std::string name;
  std::vector<std::pair<std::string, std::string>> where;
  bool first = false;
};

// 'text' with \' and \\ inside; moves *at behind it.
std::string ReadLiteral(const std::string& text, size_t* at) {
  std::string out;
  for (++*at; text[*at] != '\''; ++*at) {
    if (text[*at] == '\\') {
      ++*at;
    }
    out += text[*at];
  }
  ++*at;
  return out;
}

std::vector<Step> ReadPath(const std::string& text) {
  std::vector<Step> steps;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '.') {
      ++at;
    }
    if (text.compare(at, 6, "where(") == 0) {
      at += 5;
      while (text[at] != ')') {
        at += text.compare(at, 5, " and ") == 0 ? size_t{5} : size_t{1};
        const size_t equals = text.find('=', at);
        std::string key = text.substr(at, equals - at);
        at = equals + 1;
        steps.back().where.emplace_back(std::move(key), ReadLiteral(text, &at));
      }
      ++at;
    } else if (text.compare(at, 3, "[0]") == 0) {
      steps.back().first = true;
      at += 3;
    } else {
      const size_t end = text.find_first_of(".[", at);
      steps.push_back({text.substr(at, end - at), {}, false});
      at = end == std::string::npos ? text.size() : end;
    }
  }
  return steps;
}

std::vector<Element*> Select(Element* root, const std::string& path) {
  const std::vector<Step> steps = ReadPath(path);
  std::vector<Element*> found;
  if (steps.empty() || steps[0].name != root->type().name()) {
    return found;
  }
  found.push_back(root);
  for (size_t i = 1; i < steps.size(); ++i) {
    std::vector<Element*> next;
    for (Element* element : found) {
      for (Element* child = element->first_child(); child != nullptr; child = child->next()) {
        bool fits = child->name() == steps[i].name;
        for (const auto& [key, text] : steps[i].where) {
          fits = fits && child->TextAt(key) == text;
        }
        if (fits) {
          next.push_back(child);
        }
      }
    }
    if (steps[i].first && next.size() > 1) {
      next.resize(1);
    }
    found = std::move(next);
  }
  return found;
}

const Element* Part(const Element& operation, std::string_view name) {
  for (const Element* part = operation.first_child(); part != nullptr; part = part->next()) {
    if (part->name() == "part" && part->TextAt("name") == name) {
      return part;
    }
  }
  return nullptr;
}

// Adds a value given as value[x], or as parts that are named like the elements.
Status AddValue(Element* parent, std::string_view name, const Element& part) {
  const Element* value = part.Child("value");
  if (value != nullptr) {
    auto copy = parent->AddTyped(name, value->type(), value->text());
    if (!copy) {
      return copy.error();
    }
    for (const Element* child = value->first_child(); child != nullptr; child = child->next()) {
      const std::string json_name(value->type().JsonName(*child->definition(), child->type()));
      auto added = (*copy)->AddCopy(json_name, *child);
      if (!added) {
        return added.error();
      }
    }
    return {};
  }
  auto backbone = parent->Add(name);
  if (!backbone) {
    return backbone.error();
  }
  for (const Element* child = part.first_child(); child != nullptr; child = child->next()) {
    if (child->name() == "part") {
      GW_RETURN_IF_ERROR(AddValue(*backbone, child->TextAt("name"), *child));
    }
  }
  return {};
}

Status ApplyOperation(const Element& operation, Element* root) {
  const Element* type = Part(operation, "type");
  const Element* path = Part(operation, "path");
  if (type == nullptr || path == nullptr) {
    return Wrong("an operation needs a type and a path");
  }
  const std::vector<Element*> found = Select(root, std::string(path->TextAt("value")));
  if (found.size() > 1) {
    return Wrong("the path selects several elements");
  }
  if (type->TextAt("value") == "delete") {
    if (found.size() == 1) {
      found[0]->parent()->Remove(found[0]);
    }
    return {};
  }
  const Element* name = Part(operation, "name");
  const Element* value = Part(operation, "value");
  if (type->TextAt("value") != "add" || found.empty() || name == nullptr || value == nullptr) {
    return Wrong("the operation cannot be done");
  }
  return AddValue(found[0], name->TextAt("value"), *value);
}

std::string TextOf(const Json& json) {
  std::string out;
  switch (json.kind()) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
    case Json::Kind::kNumber:
      return json.text();
    case Json::Kind::kString:
      AppendJsonString(json.text(), &out);
      return out;
    case Json::Kind::kArray:
      for (const Json& item : json.items()) {
        out += (out.empty() ? "" : ",") + TextOf(item);
      }
      return "[" + out + "]";
    case Json::Kind::kObject:
      break;
  }
  for (const auto& [name, value] : json.members()) {
    out += out.empty() ? "" : ",";
    AppendJsonString(name, &out);
    out += ":" + TextOf(value);
  }
  return "{" + out + "}";
}

// RFC 6902, for members of the root, which is what the product writes.
Result<fhir::Resource> ApplyJsonPatch(const std::string& text, const fhir::Resource& target,
                                      const fhir::Definitions& definitions) {
  std::string before;
  fhir::WriteJson(target, &before);
  GW_TRY(const Json patch, Json::Parse(text, Limits()));
  GW_TRY(const Json document, Json::Parse(before, Limits()));
  std::map<std::string, std::string> members;
  for (const auto& [name, value] : document.members()) {
    members[name] = TextOf(value);
  }
  for (const Json& operation : patch.items()) {
    const std::string name(operation.TextOf("path").substr(1));
    if (name.find('/') != std::string::npos) {
      return Wrong("only members of the root are changed here");
    }
    if (operation.TextOf("op") == "add") {
      members[name] = TextOf(*operation.Find("value"));
    } else if (operation.TextOf("op") != "remove" || members.erase(name) == 0) {
      return Wrong("the operation cannot be done");
    }
  }
  std::string after;
  for (const auto& [name, value] : members) {
    after += after.empty() ? "{" : ",";
    AppendJsonString(name, &after);
    after += ":" + value;
  }
  return fhir::ParseJson(after + "}", definitions, Limits());
}

}  // namespace

Status ApplyPatch(const Element& patch, fhir::Resource* target,
                  const fhir::Definitions& definitions) {
  if (patch.type().name() == "Parameters") {
    for (const Element* operation = patch.first_child(); operation != nullptr;
         operation = operation->next()) {
      if (operation->name() == "parameter") {
        GW_RETURN_IF_ERROR(ApplyOperation(*operation, &target->root()));
      }
    }
    return {};
  }
  const std::optional<std::string> text = crypto::FromBase64(patch.TextAt("data"));
  if (!text || patch.TextAt("contentType") != "application/json-patch+json") {
    return Wrong("no patch");
  }
  GW_TRY(*target, ApplyJsonPatch(*text, *target, definitions));
  return {};
}

}  // namespace gw::map
