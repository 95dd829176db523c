#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "gateway/fhir/definitions.h"

namespace gw::fhir {
namespace {

std::string_view BeforeFirst(std::string_view text, char separator) {
  return text.substr(0, text.find(separator));
}

// "valueString" of value and string.
std::string ChoiceName(std::string_view element, std::string_view type) {
  std::string name(element);
  name += type;
  char& first = name[element.size()];
  first = first >= 'a' && first <= 'z' ? static_cast<char>(first - 'a' + 'A') : first;
  return name;
}

}  // namespace

struct ModelBuilder::Types {
  struct Model {
    std::string name;
    std::string base;
    std::vector<ElementSpec> specs;
    std::vector<std::vector<const TypeDef*>> element_types;  // of each element
    std::vector<std::string> choice_names;
    std::vector<ElementDef> elements;
    std::vector<TypeDef::NamedProperty> properties;
    std::vector<uint16_t> slots;
    TypeDef type;
  };
  std::map<std::string, std::unique_ptr<Model>, std::less<>> models;
  bool is_finished = false;

  Status FindTypes(const Definitions& definitions, Model* model) const;
  Status FindBase(const Definitions& definitions, Model* model) const;
  static void Fill(Model* model, std::string_view name);
};

ModelBuilder::ModelBuilder(const Definitions& definitions)
    : definitions_(definitions), types_(std::make_unique<Types>()) {}
ModelBuilder::~ModelBuilder() = default;

void ModelBuilder::AddType(std::string name, std::vector<ElementSpec> elements, std::string base) {
  auto model = std::make_unique<Types::Model>();
  model->name = name;
  model->base = std::move(base);
  model->specs = std::move(elements);
  types_->models.insert_or_assign(std::move(name), std::move(model));
}

Status ModelBuilder::Types::FindTypes(const Definitions& definitions, Model* model) const {
  for (const ElementSpec& spec : model->specs) {
    std::vector<const TypeDef*> found;
    for (std::string_view rest = spec.type; !rest.empty();) {
      const std::string_view name = BeforeFirst(rest, '|');
      rest.remove_prefix(std::min(name.size() + 1, rest.size()));
      const auto own = models.find(name);
      found.push_back(own != models.end() ? &own->second->type : definitions.Find(name));
    }
    if (found.empty() || std::count(found.begin(), found.end(), nullptr) > 0) {
      return Error{Code::kInvalid, "the model names a type that does not exist: " + spec.type,
                   std::string(BeforeFirst(model->name, '#')) + "." + spec.name};
    }
    model->element_types.push_back(std::move(found));
  }
  return {};
}

Status ModelBuilder::Types::FindBase(const Definitions& definitions, Model* model) const {
  if (model->base.empty()) {
    return {};
  }
  std::set<const Model*> seen = {model};
  for (auto next = models.find(model->base); next != models.end();
       next = models.find(next->second->base)) {
    if (!seen.insert(next->second.get()).second) {
      return Error{Code::kInvalid, "its bases go in a circle",
                   std::string(BeforeFirst(model->name, '#'))};
    }
  }
  const auto own = models.find(model->base);
  model->type.base_ = own != models.end() ? &own->second->type : definitions.Find(model->base);
  if (model->type.base_ == nullptr) {
    return Error{Code::kInvalid, "the model names a type that does not exist: " + model->base,
                 std::string(BeforeFirst(model->name, '#'))};
  }
  return {};
}

void ModelBuilder::Types::Fill(Model* model, std::string_view name) {
  size_t choices = 0;
  for (size_t index = 0; index < model->specs.size(); ++index) {
    ElementDef element;
    element.name = model->specs[index].name;
    element.types = model->element_types[index];
    element.max = model->specs[index].max;
    element.choice = element.types.size() > 1;
    choices += element.choice ? element.types.size() : 0;
    model->elements.push_back(element);
  }
  model->choice_names.reserve(choices);  // properties hold views of them
  for (const ElementDef& element : model->elements) {
    for (const TypeDef* type : element.types) {
      std::string_view json_name = element.name;
      if (element.choice) {
        model->choice_names.push_back(ChoiceName(element.name, type->name()));
        json_name = model->choice_names.back();
      }
      model->properties.push_back({json_name, {&element, type}});
    }
  }
  std::sort(model->properties.begin(), model->properties.end(),
            [](const TypeDef::NamedProperty& a, const TypeDef::NamedProperty& b) {
              return a.json_name < b.json_name;
            });
  model->type.name_ = name;
  model->type.elements_ = model->elements;
  model->type.properties_ = model->properties;
  model->slots.resize(TypeDef::SlotCount(model->properties.size()));
  model->type.SetSlots(model->slots);
}

Status ModelBuilder::Finish() {
  for (auto& [name, model] : types_->models) {
    GW_RETURN_IF_ERROR(types_->FindTypes(definitions_, model.get()));
    GW_RETURN_IF_ERROR(types_->FindBase(definitions_, model.get()));
    model->type.kind_ = Kind::kModel;
    model->type.name_ = BeforeFirst(name, '#');  // choices are named by it, in any order
  }
  for (auto& [name, model] : types_->models) {
    Types::Fill(model.get(), BeforeFirst(name, '#'));
  }
  types_->is_finished = true;
  return {};
}

const TypeDef* ModelBuilder::Find(std::string_view type_name) const {
  const auto found = types_->models.find(type_name);
  return found == types_->models.end() || !types_->is_finished ? nullptr : &found->second->type;
}

}  // namespace gw::fhir
