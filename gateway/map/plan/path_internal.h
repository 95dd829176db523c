#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/map/fml/lexer_internal.h"
#include "gateway/map/plan/scope_internal.h"

namespace gw::map {

// Compiles the FHIRPath expressions of a map. Before the FHIRPath engine sees an expression, its
// names are resolved against what is known of the types: an element that its focus does not have is
// refused, a variable may stand without %, `x.value` of a primitive x is x, and a choice's JSON
// name is its element with a type. What the expression reads is noted for the list of unread
// fields.
class PathCompiler {
 public:
  // Places are of the map file. Not thread-safe; one for each expression.
  PathCompiler(std::string_view file, const std::vector<FmlConstant>& constants, Scope* scope,
               const fhir::Definitions& definitions)
      : file_(file), constants_(constants), scope_(*scope), definitions_(definitions) {}

  // `focus` null: the expression has none, and each of its paths begins with a variable. `own_name`
  // means the focus too where nothing else has that name: `src.a where a.length() < 9`.
  // Errors: kInvalid, where = "file:line:column".
  Result<std::unique_ptr<PathOp>> Compile(const FmlPath& path, const StaticType* focus,
                                          std::string_view own_name = {});

 private:
  // What a part of the expression stands for: its type, and the elements (PathOp::readings) whose
  // values it has. None: it is made of what was read already.
  struct Operand {
    StaticType type;
    std::vector<uint16_t> readings;
  };
  // Where paths begin in a part of the expression.
  struct Focus {
    bool exists = false;
    bool is_item = false;  // of where(), select() ...: a bare name is an element of it
    Operand operand;
  };
  struct Edit {
    size_t at = 0;
    size_t erased = 0;
    std::string inserted;
  };

  const FmlToken& Now() const { return tokens_.list[at_]; }
  const FmlToken& Ahead() const { return tokens_.list[std::min(at_ + 1, tokens_.list.size() - 1)]; }
  Error Fail(size_t offset, std::string detail) const;

  Result<Operand> Walk(const Focus& focus);
  Result<Operand> Bracket(const Focus& focus, const Operand& before);
  Result<Operand> Name(const Focus& focus);
  Result<Operand> Member(const Focus& focus, const Operand& of);
  Result<Operand> Call(const Focus& focus, const Operand& input);
  Result<Operand> CallOnItems(const std::string& name, const Operand& input);
  Result<Operand> Element(const Operand& of, bool is_head);
  Result<Operand> Variable();
  bool IsOperator(bool after_operand);
  Operand Use(const Scope::Variable& variable, size_t at, size_t end);
  std::vector<uint16_t> Below(const Operand& of, const Step& step, std::string_view url = {});
  void Read(const Operand& operand);
  void ReadAll(const Operand& operand);
  void Change(size_t at, size_t erased, std::string inserted);
  std::string Edited() const;
  size_t OriginalOffset(size_t edited_offset) const;
  Error Relocate(const Error& error, const std::string& edited) const;

  std::string_view file_;
  const std::vector<FmlConstant>& constants_;
  Scope& scope_;
  const fhir::Definitions& definitions_;
  FmlPath path_;
  std::string own_name_;
  FmlTokens tokens_;
  size_t at_ = 0;
  std::vector<Edit> edits_;
  std::vector<PathOp::Variable> variables_;
  std::vector<PathOp::Reading> readings_{1};
};

}  // namespace gw::map
