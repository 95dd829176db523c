#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/map/plan/internal.h"
#include "gateway/map/plan/library_internal.h"
#include "gateway/map/plan/plan.h"
#include "gateway/map/plan/scope_internal.h"
#include "gateway/map/plan/types_internal.h"

namespace gw::map {

// Turns a library of maps into a program. Each group is compiled once for each combination of
// argument types that it is called with, so that every element is checked and resolved before the
// first run. Not thread-safe; used once.
class Compiler {
 public:
  Compiler(const Library& library, const fhir::Definitions& definitions,
           const CompileOptions& options);

  // Errors: kInvalid, where = "file:line:column".
  Result<std::unique_ptr<Program>> Compile(std::span<const fhir::Resource> concept_maps);

  // For the compiler of one group's rules.

  const Library& library() const { return library_; }
  const fhir::Definitions& definitions() const { return *program_->definitions; }
  const CommonTypes& types() const { return program_->types; }
  const CompileOptions& options() const { return options_; }
  // The number of the group for these argument types.
  uint32_t Instance(Library::GroupRef ref, std::vector<StaticType> types);
  // The type of a parameter that is declared so and given that; `must_be` is set where only a run
  // can tell. False: the types do not fit.
  static bool FitParameter(const StaticType& given, const fhir::TypeDef* declared, StaticType* type,
                           const fhir::TypeDef** must_be);
  const PathOp* Keep(std::unique_ptr<PathOp> path);
  void KeepFeedTable(FeedTable table);  // once for each name
  // The table of a ConceptMap: "#name" of a map, or a url. Null: there is none.
  const CodeTable* CodesNamed(uint32_t map, std::string_view url) const;
  uint32_t ShareNumber(std::string_view name);

 private:
  struct Open {
    uint32_t index = 0;
    Library::GroupRef ref;
    std::vector<StaticType> types;
  };
  using Key = std::pair<const FmlGroup*, std::vector<const void*>>;

  Status ReadCodes(std::span<const fhir::Resource> concept_maps);
  Status OpenEntries();
  Status OpenTyped();
  Result<std::vector<StaticType>> DeclaredTypes(Library::GroupRef ref) const;
  Status CompileOpen();
  Status CompileGroup(const Open& open);
  Result<uint32_t> Base(const Open& open);

  const Library& library_;
  CompileOptions options_;
  std::unique_ptr<Program> program_;
  std::map<Key, uint32_t> instances_;
  std::vector<Open> open_;
  std::map<std::pair<uint32_t, std::string>, const CodeTable*> codes_;  // 0xFFFFFFFF: by url
  std::map<std::string, uint32_t, std::less<>> shares_;
};

// Compiles the rules of one group for given argument types.
class RuleCompiler {
 public:
  RuleCompiler(Compiler* compiler, uint32_t map) : compiler_(*compiler), map_(map) {}

  Scope& scope() { return scope_; }
  Result<std::vector<RuleOp>> Rules(const std::vector<FmlRule>& rules);

 private:
  Result<RuleOp> Rule(const FmlRule& rule);
  Result<SourceOp> Source(const FmlSource& source, StaticType* type);
  Status SourceFilter(const FmlSource& source, StaticType* type, SourceOp* op);
  Status SourceDefault(const FmlSource& source, const StaticType& type, SourceOp* op);
  // `own_name`: the element that the focus is, where the expression may call it so.
  Result<const PathOp*> Path(const FmlPath& path, const StaticType* focus,
                             std::string_view own_name = {});

  // Targets (compile_target.cc).
  Result<TargetOp> Target(const FmlTarget& target);
  Status TargetContext(const FmlTarget& target, TargetOp* op, StaticType* place);
  Status Created(const FmlTarget& target, TargetOp* op, StaticType* place);
  Status Valued(const FmlTarget& target, const StaticType& value, TargetOp* op, StaticType* place);
  Result<TargetOp> ByType(const FmlTarget& target, Slot source, const StaticType& type);
  const fhir::TypeDef* TextIn(const fhir::ElementDef& element, const fhir::TypeDef& value) const;
  Status TypeCases(const FmlTarget& target, const fhir::TypeDef& source,
                   const fhir::ElementDef& element, TargetOp* op);
  StaticType TypeOfPath(std::string_view text);
  Status CheckLiteral(const FmlTarget& target, const TargetOp& op) const;
  Result<ArgumentOp> Argument(const FmlArgument& argument, bool wants_target, StaticType* type);

  // Transforms (compile_transform.cc).
  Status Transformed(const FmlTarget& target, TargetOp* op, StaticType* place);
  Status CheckArguments(const FmlTarget& target, const std::vector<StaticType>& types, TargetOp* op,
                        StaticType* made);
  Status CheckTexts(const FmlTarget& target, const std::vector<StaticType>& types);
  Status CheckWords(const FmlTarget& target, const TargetOp& op) const;
  Status Casting(const FmlTarget& target, TargetOp* op, StaticType* made);
  Status Referring(const FmlTarget& target, const StaticType& resource, TargetOp* op,
                   StaticType* made);
  Status Translation(const FmlTarget& target, TargetOp* op, StaticType* made);

  Result<CallOp> Call(const FmlDependent& dependent);

  Error Fail(FmlPlace place, std::string detail) const {
    return compiler_.library().Fail(map_, place, std::move(detail));
  }

  Compiler& compiler_;
  uint32_t map_;
  Scope scope_;
};

}  // namespace gw::map
