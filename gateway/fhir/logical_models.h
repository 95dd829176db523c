#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

// Types made of StructureDefinitions that are not R4's own: logical models, and what else is a
// specialization. Profiles lead to the type that they constrain. Elements keep their names, types,
// choices and upper bounds; what a base says (Element, BackboneElement, another model) is inherited
// where the definition has no snapshot. Not thread-safe until Finish() is called; the types are.
// The Definitions must outlive it. Spec: FHIR R4 structuredefinition.html, logical models.
class LogicalModels {
 public:
  explicit LogicalModels(const Definitions& definitions);
  ~LogicalModels();
  LogicalModels(LogicalModels&&) noexcept;

  // Copies what it needs of a StructureDefinition; others of the same url and version are not
  // taken. Errors: kInvalid, where = `where`: without url or type.
  Status Add(const Resource& structure_definition, const std::string& where);
  // Errors: kInvalid, where = the file and path of an element: a type that nothing defines, a
  // content reference that leads nowhere, bases in a circle.
  Status Finish();

  // By canonical, with or without |version; else by the name that instances carry: the type, its
  // last part where it is a url, or the name. Of several by name, the first that was added. Null:
  // none.
  const TypeDef* Find(std::string_view canonical_or_name) const;

 private:
  struct Models;
  std::unique_ptr<Models> models_;
};

}  // namespace gw::fhir
