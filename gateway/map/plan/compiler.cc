#include <algorithm>
#include <set>
#include <utility>

#include "gateway/map/plan/compiler_internal.h"
#include "gateway/map/plan/path_internal.h"

namespace gw::map {
namespace {

constexpr uint32_t kAnyMap = 0xFFFFFFFF;  // ConceptMaps of their own are for every map
constexpr uint32_t kSlotsMax = 1'000;     // variables that stand at once

}  // namespace

Compiler::Compiler(const Library& library, const fhir::Definitions& definitions,
                   const CompileOptions& options)
    : library_(library), options_(options), program_(std::make_unique<Program>()) {
  program_->definitions = &definitions;
  program_->types = CommonTypesOf(definitions);
}

Result<std::unique_ptr<Program>> Compiler::Compile(std::span<const fhir::Resource> concept_maps) {
  GW_RETURN_IF_ERROR(ReadCodes(concept_maps));
  GW_RETURN_IF_ERROR(OpenEntries());
  GW_RETURN_IF_ERROR(CompileOpen());
  GW_RETURN_IF_ERROR(OpenTyped());
  GW_RETURN_IF_ERROR(CompileOpen());
  return std::move(program_);
}

Status Compiler::ReadCodes(std::span<const fhir::Resource> concept_maps) {
  std::vector<CodeTable*> tables;
  for (const fhir::Resource& resource : concept_maps) {
    GW_TRY(CodeTable table, CodeTable::FromResource(resource));
    auto kept = std::make_unique<CodeTable>(std::move(table));
    if (!codes_.emplace(std::pair(kAnyMap, kept->url()), kept.get()).second) {
      return Error{
          .code = Code::kInvalid, .detail = "two ConceptMaps have this url", .where = kept->url()};
    }
    tables.push_back(kept.get());
    program_->code_tables.push_back(std::move(kept));
  }
  for (CodeTable* table : tables) {
    if (table->other_map().empty()) {
      continue;
    }
    const CodeTable* other = CodesNamed(kAnyMap, table->other_map());
    if (other == nullptr) {
      return Error{
          .code = Code::kInvalid,
          .detail = "there is no ConceptMap '" + table->other_map() + "' for what is unmapped",
          .where = table->url()};
    }
    table->SetOther(other);
  }
  for (uint32_t map = 0; map < library_.size(); ++map) {
    for (const FmlConceptMap& inline_map : library_.map(map).concept_maps) {
      auto kept = std::make_unique<CodeTable>(CodeTable::FromFml(inline_map));
      if (!codes_.emplace(std::pair(map, kept->url()), kept.get()).second) {
        return library_.Fail(map, inline_map.place,
                             "a conceptmap '" + inline_map.id + "' stands in this map already");
      }
      program_->code_tables.push_back(std::move(kept));
    }
  }
  return {};
}

const CodeTable* Compiler::CodesNamed(uint32_t map, std::string_view url) const {
  const uint32_t owner = url.starts_with('#') ? map : kAnyMap;
  auto found = codes_.find(std::pair(owner, std::string(url)));
  const size_t bar = url.find('|');
  if (found == codes_.end() && owner == kAnyMap && bar != std::string_view::npos) {
    found = codes_.find(std::pair(owner, std::string(url.substr(0, bar))));
    const bool is_other = found != codes_.end() && !found->second->version().empty() &&
                          found->second->version() != url.substr(bar + 1);
    if (is_other) {
      return nullptr;  // another version may say other things
    }
  }
  return found == codes_.end() ? nullptr : found->second;
}

uint32_t Compiler::ShareNumber(std::string_view name) {
  return shares_.emplace(std::string(name), static_cast<uint32_t>(shares_.size() + 1))
      .first->second;
}

void Compiler::KeepFeedTable(FeedTable table) {
  const auto same = [&table](const FeedTable& known) { return known.name == table.name; };
  if (std::none_of(program_->feed_tables.begin(), program_->feed_tables.end(), same)) {
    program_->feed_tables.push_back(std::move(table));
  }
}

const PathOp* Compiler::Keep(std::unique_ptr<PathOp> path) {
  program_->paths.push_back(std::move(path));
  return program_->paths.back().get();
}

bool Compiler::FitParameter(const StaticType& given, const fhir::TypeDef* declared,
                            StaticType* type, const fhir::TypeDef** must_be) {
  *type = given;
  *must_be = nullptr;
  if (declared == nullptr) {
    return true;
  }
  if (given.type != nullptr && IsA(*given.type, *declared)) {
    // A model has the elements of its base as its own.
    const bool is_more = declared->is_abstract() || declared->kind() == fhir::Kind::kModel;
    type->type = is_more ? given.type : declared;
    return true;
  }
  *type = {.type = declared, .choice = nullptr};
  if (given.type != nullptr && FitOf(*given.type, *declared) != Fit::kNever) {
    return true;
  }
  *must_be = declared;
  if (given.type != nullptr) {
    return IsOpen(*given.type) || IsA(*declared, *given.type);
  }
  return given.choice == nullptr ||
         std::any_of(given.choice->types.begin(), given.choice->types.end(),
                     [declared](const fhir::TypeDef* t) { return IsA(*t, *declared); });
}

uint32_t Compiler::Instance(Library::GroupRef ref, std::vector<StaticType> types) {
  Key key{ref.group, {}};
  for (const StaticType& type : types) {
    key.second.push_back(type.type != nullptr ? static_cast<const void*>(type.type)
                                              : static_cast<const void*>(type.choice));
  }
  const auto [found, is_new] =
      instances_.emplace(std::move(key), static_cast<uint32_t>(program_->groups.size()));
  if (is_new) {
    open_.push_back({found->second, ref, std::move(types)});
    program_->groups.emplace_back();
  }
  return found->second;
}

Result<std::vector<StaticType>> Compiler::DeclaredTypes(Library::GroupRef ref) const {
  std::vector<StaticType> types;
  for (const FmlInput& input : ref.group->inputs) {
    StaticType type;
    if (!input.type.empty()) {
      GW_TRY(type.type, library_.TypeNamed(ref.map, input.type, input.type_place));
    }
    types.push_back(type);
  }
  return types;
}

// A map can be run where its first group takes one source and one target of known types.
Status Compiler::OpenEntries() {
  for (uint32_t map = 0; map < library_.size(); ++map) {
    const Library::GroupRef first{map, &library_.map(map).groups.front()};
    const std::vector<FmlInput>& inputs = first.group->inputs;
    GW_TRY(std::vector<StaticType> types, DeclaredTypes(first));
    if (types.size() != 2 || inputs[0].is_target || !inputs[1].is_target) {
      continue;
    }
    for (size_t i = 0; i < 2; ++i) {
      if (types[i].type == nullptr) {
        types[i].type = library_.OnlyStructure(map, inputs[i].is_target);
      }
    }
    if (types[0].type == nullptr || types[1].type == nullptr || types[1].type->is_abstract()) {
      continue;
    }
    Program::Entry entry{.group = kNoGroup, .source = types[0].type, .target = types[1].type};
    entry.group = Instance(first, std::move(types));
    program_->entries.emplace(library_.map(map).url, entry);
  }
  return {};
}

// What no entry leads to is checked as well: with its declared types.
Status Compiler::OpenTyped() {
  std::set<const FmlGroup*> compiled;
  for (const auto& [key, index] : instances_) {
    compiled.insert(key.first);
  }
  for (uint32_t map = 0; map < library_.size(); ++map) {
    for (const FmlGroup& group : library_.map(map).groups) {
      if (compiled.count(&group) != 0) {
        continue;
      }
      GW_TRY(std::vector<StaticType> types, DeclaredTypes({map, &group}));
      Instance({map, &group}, std::move(types));
    }
  }
  return {};
}

Status Compiler::CompileOpen() {
  while (!open_.empty()) {
    const Open next = std::move(open_.back());
    open_.pop_back();
    GW_RETURN_IF_ERROR(CompileGroup(next));
  }
  return {};
}

Result<uint32_t> Compiler::Base(const Open& open) {
  const FmlGroup& group = *open.ref.group;
  GW_TRY(const Library::GroupRef base,
         library_.GroupNamed(open.ref.map, group.extends, group.extends_place));
  std::set<const FmlGroup*> seen = {&group};
  for (Library::GroupRef at = base;;) {
    if (!seen.insert(at.group).second) {
      return library_.Fail(open.ref.map, group.extends_place,
                           "the group '" + group.name + "' extends itself");
    }
    if (at.group->extends.empty()) {
      break;
    }
    GW_TRY(at, library_.GroupNamed(at.map, at.group->extends, at.group->extends_place));
  }
  const bool same_shape =
      std::equal(group.inputs.begin(), group.inputs.end(), base.group->inputs.begin(),
                 base.group->inputs.end(),
                 [](const FmlInput& a, const FmlInput& b) { return a.is_target == b.is_target; });
  if (!same_shape) {
    return library_.Fail(
        open.ref.map, group.extends_place,
        "expected the same parameters as the group '" + base.group->name + "' has");
  }
  GW_TRY(const std::vector<StaticType> declared, DeclaredTypes(base));
  std::vector<StaticType> types(open.types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    const fhir::TypeDef* must_be = nullptr;
    if (!FitParameter(open.types[i], declared[i].type, &types[i], &must_be)) {
      return library_.Fail(open.ref.map, group.extends_place,
                           "the group '" + base.group->name + "' takes " + Describe(declared[i]) +
                               " as '" + base.group->inputs[i].name + "', not " +
                               Describe(open.types[i]));
    }
  }
  return Instance(base, std::move(types));
}

Status Compiler::CompileGroup(const Open& open) {
  const FmlGroup& group = *open.ref.group;
  RuleCompiler rules(this, open.ref.map);
  for (size_t i = 0; i < group.inputs.size(); ++i) {
    const FmlInput& input = group.inputs[i];
    const auto same = [&input](const FmlInput& other) {
      return other.name == input.name && other.is_target == input.is_target;
    };
    if (std::count_if(group.inputs.begin(), group.inputs.end(), same) > 1) {
      return library_.Fail(open.ref.map, input.place,
                           "two parameters are called '" + input.name + "'");
    }
    rules.scope().Declare(input.name, input.place, input.is_target, open.types[i]);
  }
  GroupOp op;
  op.name = group.name;
  op.parameters = static_cast<uint32_t>(group.inputs.size());
  if (!group.extends.empty()) {
    GW_TRY(op.base, Base(open));
  }
  GW_TRY(op.rules, rules.Rules(group.rules));
  op.slots = rules.scope().slots();
  if (op.slots > kSlotsMax) {
    return library_.Fail(open.ref.map, group.place, "too many variables stand at once");
  }
  program_->groups[open.index] = std::move(op);
  return {};
}

}  // namespace gw::map
