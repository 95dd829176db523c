#include <algorithm>
#include <map>
#include <utility>

#include "gateway/fhir/definitions.h"

namespace gw::fhir {

struct ModelBuilder::Types {
  struct Model {
    std::string name;
    std::vector<ElementSpec> specs;
    std::vector<const TypeDef*> element_types;
    std::vector<ElementDef> elements;
    std::vector<TypeDef::NamedProperty> properties;
    TypeDef type;
  };
  std::map<std::string, std::unique_ptr<Model>, std::less<>> models;
  bool is_finished = false;
};

ModelBuilder::ModelBuilder(const Definitions& definitions)
    : definitions_(definitions), types_(std::make_unique<Types>()) {}
ModelBuilder::~ModelBuilder() = default;

void ModelBuilder::AddType(std::string name, std::vector<ElementSpec> elements) {
  auto model = std::make_unique<Types::Model>();
  model->name = name;
  model->specs = std::move(elements);
  types_->models.insert_or_assign(std::move(name), std::move(model));
}

Status ModelBuilder::Finish() {
  for (auto& [name, model] : types_->models) {
    for (const ElementSpec& spec : model->specs) {
      const auto own = types_->models.find(spec.type);
      const TypeDef* type =
          own != types_->models.end() ? &own->second->type : definitions_.Find(spec.type);
      if (type == nullptr || (own == types_->models.end() && type->kind() != Kind::kPrimitive)) {
        return Error{Code::kInvalid, "the model names a type that does not exist: " + spec.type,
                     name + "." + spec.name};
      }
      model->element_types.push_back(type);
    }
    model->type.name_ = model->name;
    model->type.kind_ = Kind::kModel;
    for (size_t index = 0; index < model->specs.size(); ++index) {
      ElementDef element;
      element.name = model->specs[index].name;
      element.types = std::span<const TypeDef* const>(model->element_types).subspan(index, 1);
      element.max = model->specs[index].max;
      model->elements.push_back(element);
    }
    for (const ElementDef& element : model->elements) {
      model->properties.push_back({element.name, {&element, element.types.front()}});
    }
    std::sort(model->properties.begin(), model->properties.end(),
              [](const TypeDef::NamedProperty& a, const TypeDef::NamedProperty& b) {
                return a.json_name < b.json_name;
              });
    model->type.elements_ = model->elements;
    model->type.properties_ = model->properties;
  }
  types_->is_finished = true;
  return {};
}

const TypeDef* ModelBuilder::Find(std::string_view type_name) const {
  const auto found = types_->models.find(type_name);
  return found == types_->models.end() || !types_->is_finished ? nullptr : &found->second->type;
}

}  // namespace gw::fhir
