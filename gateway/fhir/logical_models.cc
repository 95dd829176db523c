#include "gateway/fhir/logical_models.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace gw::fhir {
namespace {

constexpr std::string_view kSystemTypes = "http://hl7.org/fhirpath/System.";
constexpr std::string_view kDefinitionPath = "/StructureDefinition/";

std::string_view WithoutVersion(std::string_view canonical) {
  return canonical.substr(0, canonical.find('|'));
}

std::string_view LastPart(std::string_view url) {
  const size_t slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

uint16_t MaxOf(std::string_view text) {
  uint16_t max = kMany;
  if (text != "*" && !text.empty()) {
    std::from_chars(text.data(), text.data() + text.size(), max);
  }
  return max;
}

// Holds nothing of its own: what stands below it in the definition is the type.
bool IsContainer(std::string_view code) {
  return code.empty() || code == "Element" || code == "BackboneElement" || code == "Base";
}

struct Part {
  std::string path;
  uint16_t max = kMany;
  std::vector<std::string> types;  // codes as written
  std::string content_reference;   // a path
};

struct Definition {
  std::string url;
  std::string type;
  std::string name;
  std::string base;
  std::string where;
  std::string key;          // "TLeft#http://..."; of the builder
  bool is_profile = false;  // constrains `type`
  bool is_whole = false;    // parts are those of a snapshot
  std::vector<Part> parts;
};

std::string_view RootOf(const Definition& definition) {
  return definition.parts.empty() ? std::string_view(definition.type)
                                  : std::string_view(definition.parts[0].path)
                                        .substr(0, definition.parts[0].path.find('.'));
}

Part ReadPart(const Element& element) {
  Part part;
  part.path = std::string(element.TextAt("path"));
  part.max = MaxOf(element.TextAt("max"));
  part.content_reference = std::string(element.TextAt("contentReference"));
  part.content_reference.erase(0, part.content_reference.find('#') + 1);
  for (const Element* type = element.Child("type"); type != nullptr; type = type->next()) {
    if (type->name() == "type") {
      part.types.emplace_back(type->TextAt("code"));
    }
  }
  return part;
}

}  // namespace

struct LogicalModels::Models {
  explicit Models(const Definitions& r4) : definitions(r4), builder(r4) {}

  const Definition* Named(std::string_view name) const;
  const TypeDef* TypeOf(const Definition& definition) const;
  std::string BaseKey(const Definition& definition) const;
  Status Build(const Definition& definition);
  Status Inherit(const Definition& definition, std::vector<ModelBuilder::ElementSpec>* specs,
                 std::set<std::string>* seen);
  Status Children(const Definition& definition, const std::string& path,
                  std::vector<ModelBuilder::ElementSpec>* specs);
  Result<std::string> TypeText(const Definition& definition, const Part& part);
  Result<std::string> TypeName(const Definition& definition, const Part& part,
                               const std::string& code) const;
  static bool HasChildren(const Definition& definition, const std::string& path);
  static std::string InnerKey(const Definition& definition, std::string_view path);

  const Definitions& definitions;
  ModelBuilder builder;
  std::vector<std::unique_ptr<Definition>> all;
  std::map<std::string, const Definition*, std::less<>> by_url;
  std::map<std::string, const Definition*, std::less<>> by_name;
};

LogicalModels::LogicalModels(const Definitions& definitions)
    : models_(std::make_unique<Models>(definitions)) {}
LogicalModels::~LogicalModels() = default;
LogicalModels::LogicalModels(LogicalModels&&) noexcept = default;

Status LogicalModels::Add(const Resource& structure_definition, const std::string& where) {
  const Element& root = structure_definition.root();
  auto definition = std::make_unique<Definition>();
  definition->url = std::string(root.TextAt("url"));
  definition->type = std::string(root.TextAt("type"));
  definition->name = std::string(root.TextAt("name"));
  definition->base = std::string(WithoutVersion(root.TextAt("baseDefinition")));
  definition->where = where;
  definition->is_profile = root.TextAt("derivation") == "constraint";
  if (definition->url.empty() || definition->type.empty()) {
    return Error{Code::kInvalid, "a StructureDefinition has a url and a type", where};
  }
  const Element* list = root.Child("snapshot");
  definition->is_whole = list != nullptr;
  list = list != nullptr ? list : root.Child("differential");
  for (const Element* element = list == nullptr ? nullptr : list->first_child(); element != nullptr;
       element = element->next()) {
    if (element->name() == "element" && element->TextAt("sliceName").empty()) {
      definition->parts.push_back(ReadPart(*element));
    }
  }
  definition->key = std::string(LastPart(definition->type)) + "#" + definition->url;
  const Definition* kept = definition.get();
  if (!models_->by_url.emplace(definition->url, kept).second) {
    return {};
  }
  for (const std::string_view name :
       {std::string_view(kept->type), LastPart(kept->type), std::string_view(kept->name)}) {
    if (!kept->is_profile && !name.empty()) {
      models_->by_name.emplace(std::string(name), kept);
    }
  }
  models_->all.push_back(std::move(definition));
  return {};
}

Status LogicalModels::Finish() {
  for (const auto& definition : models_->all) {
    const bool is_of_r4 = models_->definitions.Find(LastPart(definition->type)) != nullptr;
    if (!definition->is_profile && !is_of_r4) {
      GW_RETURN_IF_ERROR(models_->Build(*definition));
    }
  }
  return models_->builder.Finish();
}

const TypeDef* LogicalModels::Find(std::string_view canonical_or_name) const {
  const Definition* found = models_->Named(WithoutVersion(canonical_or_name));
  return found == nullptr ? nullptr : models_->TypeOf(*found);
}

const Definition* LogicalModels::Models::Named(std::string_view name) const {
  if (const auto found = by_url.find(name); found != by_url.end()) {
    return found->second;
  }
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

// A profile is of the type that it constrains, which may be a model in its turn.
const TypeDef* LogicalModels::Models::TypeOf(const Definition& definition) const {
  const std::string_view name = LastPart(definition.type);
  if (const TypeDef* type = definitions.Find(name); type != nullptr) {
    return type;
  }
  if (!definition.is_profile) {
    return builder.Find(definition.key);
  }
  const auto model = by_name.find(name);
  return model == by_name.end() ? nullptr : builder.Find(model->second->key);
}

std::string LogicalModels::Models::InnerKey(const Definition& definition, std::string_view path) {
  const std::string_view below = path.substr(std::min(path.find('.'), path.size()));
  return std::string(LastPart(definition.type)) + std::string(below) + "#" + definition.url;
}

bool LogicalModels::Models::HasChildren(const Definition& definition, const std::string& path) {
  const std::string prefix = path + ".";
  return std::any_of(definition.parts.begin(), definition.parts.end(),
                     [&prefix](const Part& part) { return part.path.starts_with(prefix); });
}

Status LogicalModels::Models::Build(const Definition& definition) {
  std::vector<ModelBuilder::ElementSpec> specs;
  if (!definition.is_whole) {
    std::set<std::string> seen = {definition.url};
    GW_RETURN_IF_ERROR(Inherit(definition, &specs, &seen));
  }
  GW_RETURN_IF_ERROR(Children(definition, std::string(RootOf(definition)), &specs));
  builder.AddType(definition.key, std::move(specs), BaseKey(definition));
  return {};
}

// The builder's name of what a model specializes; empty: Base, of which R4 has no definition, or
// what no package holds.
std::string LogicalModels::Models::BaseKey(const Definition& definition) const {
  const Definition* base = Named(definition.base);
  const std::string_view name = LastPart(base != nullptr ? base->type : definition.base);
  if (const TypeDef* of_r4 = definitions.Find(name); of_r4 != nullptr) {
    return std::string(of_r4->name());
  }
  if (base != nullptr && base->is_profile) {
    const auto model = by_name.find(name);
    base = model == by_name.end() ? nullptr : model->second;
  }
  return base == nullptr ? std::string() : base->key;
}

// The elements of the base, before the model's own.
Status LogicalModels::Models::Inherit(const Definition& definition,
                                      std::vector<ModelBuilder::ElementSpec>* specs,
                                      std::set<std::string>* seen) {
  const Definition* base = Named(definition.base);
  if (base != nullptr) {
    if (!seen->insert(base->url).second) {
      return Error{Code::kInvalid, "its bases go in a circle", definition.where};
    }
    if (!base->is_whole) {
      GW_RETURN_IF_ERROR(Inherit(*base, specs, seen));
    }
    return Children(*base, std::string(RootOf(*base)), specs);
  }
  const TypeDef* type = definitions.Find(LastPart(definition.base));
  if (type == nullptr) {
    return {};  // Base, of which R4 has no definition: it holds nothing
  }
  for (const ElementDef& element : type->elements()) {
    std::string types;
    for (const TypeDef* one : element.types) {
      types += (types.empty() ? "" : "|") + std::string(one->name());
    }
    specs->push_back({std::string(element.name), types, element.max});
  }
  return {};
}

// The elements right below a path; those below them become types of their own.
Status LogicalModels::Models::Children(const Definition& definition, const std::string& path,
                                       std::vector<ModelBuilder::ElementSpec>* specs) {
  for (const Part& part : definition.parts) {
    const bool is_child = part.path.starts_with(path + ".") &&
                          part.path.find('.', path.size() + 1) == std::string::npos;
    if (!is_child) {
      continue;
    }
    std::string name = part.path.substr(path.size() + 1);
    if (name.ends_with("[x]")) {
      name.resize(name.size() - 3);
    }
    GW_TRY(std::string types, TypeText(definition, part));
    const bool is_open = types.empty();
    if (is_open) {
      continue;  // prohibited here: it has no type, and no instance has it
    }
    const auto same = [&name](const ModelBuilder::ElementSpec& spec) { return spec.name == name; };
    std::erase_if(*specs, same);
    specs->push_back({std::move(name), std::move(types), part.max});
  }
  return {};
}

Result<std::string> LogicalModels::Models::TypeText(const Definition& definition,
                                                    const Part& part) {
  if (part.max == 0) {
    return std::string();
  }
  if (!part.content_reference.empty()) {
    if (!HasChildren(definition, part.content_reference)) {
      return Error{Code::kInvalid, "the content reference leads nowhere",
                   definition.where + ": " + part.path};
    }
    return InnerKey(definition, part.content_reference);
  }
  const bool is_container =
      part.types.empty() || (part.types.size() == 1 && IsContainer(part.types[0]));
  if (is_container && HasChildren(definition, part.path)) {
    std::vector<ModelBuilder::ElementSpec> inner;
    const TypeDef* base = definitions.Find("Element");
    for (const ElementDef& element : base->elements()) {
      inner.push_back(
          {std::string(element.name), std::string(element.types.front()->name()), element.max});
    }
    GW_RETURN_IF_ERROR(Children(definition, part.path, &inner));
    std::string key = InnerKey(definition, part.path);
    builder.AddType(key, std::move(inner));
    return key;
  }
  std::string types;
  for (const std::string& code : part.types) {
    GW_TRY(const std::string name, TypeName(definition, part, code));
    types += (types.empty() ? "" : "|") + name;
  }
  if (types.empty()) {
    return Error{Code::kInvalid, "the element has no type", definition.where + ": " + part.path};
  }
  return types;
}

// The builder's name of a type code: R4's name, a canonical, or the name of a model.
Result<std::string> LogicalModels::Models::TypeName(const Definition& definition, const Part& part,
                                                    const std::string& code) const {
  if (code.starts_with(kSystemTypes)) {
    std::string name = code.substr(kSystemTypes.size());
    name[0] = static_cast<char>(name[0] | 0x20);
    return name;
  }
  if (definitions.Find(code) != nullptr) {
    return code;
  }
  if (code == "Any" || code == "Base") {
    return std::string("Resource");
  }
  if (const Definition* model = Named(code); model != nullptr) {
    const TypeDef* of_r4 = definitions.Find(LastPart(model->type));
    return of_r4 != nullptr ? std::string(of_r4->name()) : model->key;
  }
  if (code.find(kDefinitionPath) != std::string::npos &&
      definitions.Find(LastPart(code)) != nullptr) {
    return std::string(LastPart(code));
  }
  return Error{Code::kInvalid, "there is no type '" + code + "'",
               definition.where + ": " + part.path};
}

}  // namespace gw::fhir
