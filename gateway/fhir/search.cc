#include "gateway/fhir/search.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "gateway/base/arena.h"
#include "gateway/base/crypto.h"
#include "gateway/fhir/path/path.h"
#include "gateway/fhir/search_internal.h"

namespace gw::fhir {
namespace {

constexpr std::string_view kValueSets = "http://hl7.org/fhir/ValueSet/";
// Of SearchIndexer::signature: raised whenever other rows are made of the same expression.
constexpr std::string_view kRowsRevision = "3";

struct CompiledParameter {
  const SearchParameter* parameter;
  path::Expression expression;
  std::vector<std::string_view> names;  // PlainPath of it
};

// What names a resource's compartment. Whether a reference leads to a Patient is asked of what it
// says, so that the expressions' own question is left out.
struct CompartmentReference {
  std::optional<path::Expression> expression;  // where it is more than names
  std::vector<std::string_view> names;
};
constexpr std::string_view kToPatient = ".where(resolve() is Patient)";

// The rows of one parameter stand together.
void Append(IndexEntry entry, std::vector<IndexEntry>* out) {
  const auto first_other =
      std::find_if(out->rbegin(), out->rend(),
                   [&entry](const IndexEntry& other) { return other.code != entry.code; });
  const bool known = std::any_of(out->rbegin(), first_other, [&entry](const IndexEntry& other) {
    return other.system == entry.system && other.text == entry.text &&
           other.reference_type == entry.reference_type && other.low_us == entry.low_us &&
           other.high_us == entry.high_us;
  });
  if (!known) {
    out->push_back(std::move(entry));
  }
}

// The system of a plain code, which follows from its binding: R4 names a value set of one code
// system as it names the system itself. Empty where that is not so.
std::string ImpliedSystem(const Element& element, const Definitions& definitions) {
  const ElementDef* definition = element.definition();
  if (definition == nullptr || !definition->value_set.starts_with(kValueSets)) {
    return {};
  }
  std::string system =
      "http://hl7.org/fhir/" + std::string(definition->value_set.substr(kValueSets.size()));
  const bool member = definitions.IsMember(definition->value_set, system, element.text()) ==
                      Definitions::Membership::kMember;
  return member ? system : std::string();
}

// R4 search.html 3.1.1.4.10: what a token parameter finds in each type.
void IndexToken(const Element& element, const IndexEntry& base, const Definitions& definitions,
                std::vector<IndexEntry>* out) {
  const TypeDef& type = element.type();
  IndexEntry entry = base;
  if (type.name() == "CodeableConcept") {
    for (const Element* child = element.first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "coding") {
        IndexToken(*child, base, definitions, out);
      }
    }
    return;
  }
  if (type.name() == "Coding" || type.name() == "Identifier") {
    entry.system = std::string(element.TextAt("system"));
    entry.text = std::string(element.TextAt(type.name() == "Coding" ? "code" : "value"));
  } else if (type.name() == "ContactPoint") {
    entry.text = std::string(element.TextAt("value"));
  } else if (type.kind() == Kind::kPrimitive) {
    entry.text = std::string(element.text());
    entry.system = type.name() == "code" ? ImpliedSystem(element, definitions) : std::string();
  }
  if (!entry.text.empty() || !entry.system.empty()) {
    Append(std::move(entry), out);
  }
}

void IndexReference(const Element& element, const IndexEntry& base, const Definitions& definitions,
                    std::vector<IndexEntry>* out) {
  const std::string_view reference =
      element.type().kind() == Kind::kPrimitive ? element.text() : element.TextAt("reference");
  const std::optional<ReferenceText> split = SplitReference(reference, definitions);
  if (split) {
    IndexEntry entry = base;
    entry.text = std::string(split->text);
    entry.reference_type = std::string(split->type);
    Append(std::move(entry), out);
  }
}

// An open end of a Period reaches as far as there is time (R4 search.html 3.1.1.4.5).
std::optional<Interval> PeriodInterval(const Element& period) {
  const std::string_view start = period.TextAt("start");
  const std::string_view end = period.TextAt("end");
  if (start.empty() && end.empty()) {
    return std::nullopt;
  }
  Interval out{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  if (const auto low = IntervalOf(start)) {
    out.low_us = low->low_us;
  }
  if (const auto high = IntervalOf(end)) {
    out.high_us = high->high_us;
  }
  return out;
}

// From the first to the last event, or the bounds.
std::optional<Interval> TimingInterval(const Element& timing) {
  std::optional<Interval> out;
  for (const Element* child = timing.first_child(); child != nullptr; child = child->next()) {
    const auto event = child->name() == "event" ? IntervalOf(child->text()) : std::nullopt;
    if (event) {
      out = out ? Interval{std::min(out->low_us, event->low_us),
                           std::max(out->high_us, event->high_us)}
                : *event;
    }
  }
  const Element* bounds = timing.Path("repeat.bounds");
  if (!out && bounds != nullptr && bounds->type().name() == "Period") {
    out = PeriodInterval(*bounds);
  }
  return out;
}

void IndexDate(const Element& element, const IndexEntry& base, std::vector<IndexEntry>* out) {
  std::optional<Interval> interval;
  if (element.type().name() == "Period") {
    interval = PeriodInterval(element);
  } else if (element.type().name() == "Timing") {
    interval = TimingInterval(element);
  } else if (element.type().kind() == Kind::kPrimitive) {
    interval = IntervalOf(element.text());
  }
  if (interval) {
    IndexEntry entry = base;
    entry.low_us = interval->low_us;
    entry.high_us = interval->high_us;
    Append(std::move(entry), out);
  }
}

void IndexText(const Element& element, const IndexEntry& base, std::vector<IndexEntry>* out) {
  if (base.kind == SearchKind::kUri) {
    IndexEntry entry = base;
    entry.text = std::string(element.text());
    if (!entry.text.empty()) {
      Append(std::move(entry), out);
    }
    return;
  }
  for (const std::string_view text : StringsOf(element)) {
    IndexEntry entry = base;
    entry.text = FoldedText(text);
    if (!entry.text.empty()) {
      Append(std::move(entry), out);
    }
  }
}

// What an expression computed rather than selected: "deceased.exists()" and the like.
void IndexComputed(const path::Value& value, const IndexEntry& base, std::vector<IndexEntry>* out) {
  IndexEntry entry = base;
  if (base.kind == SearchKind::kDate) {
    const std::optional<Interval> interval = IntervalOf(value.text());
    if (!interval) {
      return;
    }
    entry.low_us = interval->low_us;
    entry.high_us = interval->high_us;
  } else {
    const std::string text = value.kind() == path::Value::Kind::kInteger
                                 ? std::to_string(value.integer())
                                 : std::string(value.text());
    entry.text = base.kind == SearchKind::kString ? FoldedText(text) : text;
  }
  if (base.kind == SearchKind::kDate || !entry.text.empty()) {
    Append(std::move(entry), out);
  }
}

bool Within(const Interval& inner, const Interval& outer) {
  return inner.low_us >= outer.low_us && inner.high_us <= outer.high_us;
}

// R4 search.html 3.1.1.4.6 (prefixes): the value's interval against the resource's.
bool MatchesDate(const SearchValue& value, const Interval& row) {
  const Interval asked{value.low_us, value.high_us};
  switch (value.prefix) {
    case Prefix::kEq:
      return Within(row, asked);
    case Prefix::kNe:
      return !Within(row, asked);
    case Prefix::kGt:
      return row.high_us > asked.high_us;
    case Prefix::kLt:
      return row.low_us < asked.low_us;
    case Prefix::kGe:
      return row.high_us > asked.high_us || Within(row, asked);
    case Prefix::kLe:
      return row.low_us < asked.low_us || Within(row, asked);
    case Prefix::kSa:
      return row.low_us >= asked.high_us;
    case Prefix::kEb:
      return row.high_us <= asked.low_us;
    case Prefix::kAp:
      return row.low_us < asked.high_us && row.high_us > asked.low_us;
  }
  return false;
}

// Strings and URIs are rows of one shape: how they compare is the parameter's.
bool IsText(SearchKind kind) { return kind == SearchKind::kString || kind == SearchKind::kUri; }

bool IsRowOf(const SearchParameter& parameter, const IndexRow& row) {
  return row.code == parameter.code &&
         (row.kind == parameter.kind || (IsText(row.kind) && IsText(parameter.kind)));
}

bool MatchesRow(SearchKind kind, const SearchValue& value, const IndexRow& row) {
  switch (kind) {
    case SearchKind::kToken:
      return (value.text.empty() ? value.system.has_value() : value.text == row.text) &&
             (!value.system || *value.system == row.system);
    case SearchKind::kReference:
      return value.text == row.text &&
             (value.reference_type.empty() || value.reference_type == row.reference_type);
    case SearchKind::kDate:
      return MatchesDate(value, {row.low_us, row.high_us});
    case SearchKind::kString:
      return row.text.starts_with(value.text);
    case SearchKind::kUri:
      return row.text == value.text;
    default:
      return false;
  }
}

bool MatchesOwnColumn(const Criterion& criterion, const Resource& resource) {
  const bool is_id = criterion.parameter->code == "_id";
  const std::optional<Interval> updated = IntervalOf(resource.last_updated());
  return std::any_of(
      criterion.values.begin(), criterion.values.end(), [&](const SearchValue& value) {
        return is_id ? value.text == resource.id() : updated && MatchesDate(value, *updated);
      });
}

// "patient" and "subject" say whose record it is; the other parameters come after.
bool NamesSubject(std::string_view code) { return code == "subject" || code == "patient"; }

}  // namespace

struct SearchIndexer::Compiled {
  explicit Compiled(const Definitions& r4) : definitions(r4) {}

  const Definitions& definitions;
  std::map<std::string_view, std::vector<CompiledParameter>> offered;          // by type, then code
  std::map<std::string_view, std::vector<CompartmentReference>> compartments;  // by type
  std::string signature;
  std::vector<std::string> left_out;

  Status AddAllOffered(const OfferedParameters& entry);
  Status AddOffered(std::string_view type, const SearchParameter* parameter);
  void Sign();
  Status AddCompartment(std::string_view type);
  path::Collection Evaluate(const path::Expression& expression, const Resource& resource,
                            Arena* arena) const;
  void Index(const CompiledParameter& compiled, const Resource& resource, Arena* arena,
             std::vector<IndexEntry>* out) const;
  void IndexElement(const Element& element, const IndexEntry& base,
                    std::vector<IndexEntry>* out) const;
};

Status SearchIndexer::Compiled::AddAllOffered(const OfferedParameters& entry) {
  std::string_view rest = entry.codes;
  while (!rest.empty()) {
    const size_t blank = rest.find(' ');
    const std::string_view code = rest.substr(0, blank);
    const SearchParameter* parameter = definitions.FindSearch(entry.type, code);
    if (parameter == nullptr || !IsIndexed(parameter->kind)) {
      return Error{Code::kInternal, "an offered search parameter is not one of R4 that is indexed",
                   std::string(entry.type) + "." + std::string(code)};
    }
    GW_RETURN_IF_ERROR(AddOffered(entry.type, parameter));
    rest = blank == std::string_view::npos ? "" : rest.substr(blank + 1);
  }
  return {};
}

Status SearchIndexer::Compiled::AddOffered(std::string_view type,
                                           const SearchParameter* parameter) {
  GW_TRY(auto expression,
         path::Expression::Compile(parameter->expression, definitions, path::Mode::kLenient));
  offered[type].push_back({parameter, std::move(expression),
                           PlainPath(parameter->expression, *definitions.Find(type))});
  return {};
}

Status SearchIndexer::Compiled::AddCompartment(std::string_view type) {
  std::vector<std::string_view> codes;
  for (const std::string_view code : definitions.PatientCompartment(type)) {
    codes.insert(NamesSubject(code) ? codes.begin() : codes.end(), code);
  }
  for (const std::string_view code : codes) {
    const SearchParameter* parameter = definitions.FindSearch(type, code);
    if (parameter == nullptr) {
      return Error{Code::kInternal, "the Patient compartment names no search parameter of R4",
                   std::string(type) + "." + std::string(code)};
    }
    std::string_view path = parameter->expression;
    if (path.ends_with(kToPatient)) {
      path.remove_suffix(kToPatient.size());
    }
    CompartmentReference reference;
    reference.names = PlainPath(path, *definitions.Find(type));
    if (reference.names.empty()) {
      GW_TRY(reference.expression,
             path::Expression::Compile(parameter->expression, definitions, path::Mode::kLenient));
    }
    compartments[type].push_back(std::move(reference));
  }
  return {};
}

void SearchIndexer::Compiled::Sign() {
  std::string text(kRowsRevision);
  for (auto& [type, parameters] : offered) {
    std::sort(parameters.begin(), parameters.end(),
              [](const CompiledParameter& a, const CompiledParameter& b) {
                return a.parameter->code < b.parameter->code;
              });
    for (const CompiledParameter& compiled : parameters) {
      text += '\n';
      text += type;
      text += ' ';
      text += compiled.parameter->code;
      text += ' ';
      text += std::to_string(static_cast<int>(compiled.parameter->kind));
      text += ' ';
      text += compiled.parameter->expression;
    }
  }
  signature = crypto::Hex(crypto::Sha256(text));
}

path::Collection SearchIndexer::Compiled::Evaluate(const path::Expression& expression,
                                                   const Resource& resource, Arena* arena) const {
  path::Environment environment;
  environment.arena = arena;
  environment.definitions = &definitions;
  environment.resource = &resource.root();
  environment.root_resource = &resource.root();
  auto found = expression.Evaluate(&resource.root(), environment);
  return found ? *std::move(found) : path::Collection();
}

void SearchIndexer::Compiled::Index(const CompiledParameter& compiled, const Resource& resource,
                                    Arena* arena, std::vector<IndexEntry>* out) const {
  IndexEntry base;
  base.code = compiled.parameter->code;
  base.kind = compiled.parameter->kind;
  if (!compiled.names.empty()) {
    AtPlainPath(resource.root(), compiled.names,
                [&](const Element& element) { IndexElement(element, base, out); });
    return;
  }
  for (const path::Value& value : Evaluate(compiled.expression, resource, arena)) {
    if (const Element* element = value.element()) {
      IndexElement(*element, base, out);
    } else if (base.kind != SearchKind::kReference) {
      IndexComputed(value, base, out);
    }
  }
}

void SearchIndexer::Compiled::IndexElement(const Element& element, const IndexEntry& base,
                                           std::vector<IndexEntry>* out) const {
  if (base.kind == SearchKind::kToken) {
    IndexToken(element, base, definitions, out);
  } else if (base.kind == SearchKind::kReference) {
    IndexReference(element, base, definitions, out);
  } else if (base.kind == SearchKind::kDate) {
    IndexDate(element, base, out);
  } else {
    IndexText(element, base, out);
  }
}

SearchIndexer::SearchIndexer(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
SearchIndexer::SearchIndexer(SearchIndexer&&) noexcept = default;
SearchIndexer::~SearchIndexer() = default;

Result<SearchIndexer> SearchIndexer::Make(const Definitions& definitions,
                                          std::span<const PackageSearch> searches) {
  auto compiled = std::make_unique<Compiled>(definitions);
  for (const OfferedParameters& entry : AllOffered()) {
    GW_RETURN_IF_ERROR(compiled->AddAllOffered(entry));
  }
  GW_TRY(PackageOffer of_packages, OfferOf(definitions, searches));
  for (const PackageOffer::Offered& entry : of_packages.offered) {
    GW_RETURN_IF_ERROR(compiled->AddOffered(entry.type, entry.parameter));
  }
  compiled->left_out = std::move(of_packages.left_out);
  compiled->Sign();
  for (const TypeDef* type : definitions.resource_types()) {
    GW_RETURN_IF_ERROR(compiled->AddCompartment(type->name()));
  }
  return SearchIndexer(std::move(compiled));
}

const Definitions& SearchIndexer::definitions() const { return compiled_->definitions; }
const std::string& SearchIndexer::signature() const { return compiled_->signature; }
const std::vector<std::string>& SearchIndexer::left_out() const { return compiled_->left_out; }

const SearchParameter* SearchIndexer::Find(std::string_view type, std::string_view code) const {
  const auto found = compiled_->offered.find(type);
  if (found == compiled_->offered.end()) {
    return nullptr;
  }
  if (code == "_id" || code == "_lastUpdated") {
    return compiled_->definitions.FindSearch(type, code);
  }
  for (const CompiledParameter& compiled : found->second) {
    if (compiled.parameter->code == code) {
      return compiled.parameter;
    }
  }
  return nullptr;
}

std::vector<const SearchParameter*> SearchIndexer::OfferedFor(std::string_view type) const {
  std::vector<const SearchParameter*> out;
  const auto found = compiled_->offered.find(type);
  if (found == compiled_->offered.end()) {
    return out;
  }
  for (const std::string_view code : {"_id", "_lastUpdated"}) {
    if (const SearchParameter* own = compiled_->definitions.FindSearch(type, code)) {
      out.push_back(own);
    }
  }
  for (const CompiledParameter& compiled : found->second) {
    out.push_back(compiled.parameter);
  }
  std::sort(out.begin(), out.end(),
            [](const SearchParameter* a, const SearchParameter* b) { return a->code < b->code; });
  return out;
}

std::vector<IndexEntry> SearchIndexer::Index(const Resource& resource) const {
  std::vector<IndexEntry> out;
  Arena arena;
  const auto found = compiled_->offered.find(resource.type());
  if (found != compiled_->offered.end()) {
    for (const CompiledParameter& compiled : found->second) {
      compiled_->Index(compiled, resource, &arena, &out);
    }
  }
  if (resource.type() == "Patient") {
    IndexPerson(resource, &out);
  }
  return out;
}

std::vector<std::string> SearchIndexer::CompartmentsOf(const Resource& resource) const {
  std::vector<std::string> out;
  const auto add = [&out](std::string_view id) {
    if (!id.empty() && std::find(out.begin(), out.end(), id) == out.end()) {
      out.emplace_back(id);
    }
  };
  const auto add_target = [this, &add](const Element* element) {
    const std::string_view reference = element == nullptr ? "" : element->TextAt("reference");
    const auto split = SplitReference(reference, compiled_->definitions);
    if (split && split->type == "Patient") {
      add(split->text);
    }
  };
  if (resource.type() == "Patient") {
    add(resource.id());
  }
  const auto found = compiled_->compartments.find(resource.type());
  if (found == compiled_->compartments.end()) {
    return out;
  }
  Arena arena;
  for (const CompartmentReference& reference : found->second) {
    if (reference.expression) {
      for (const path::Value& value :
           compiled_->Evaluate(*reference.expression, resource, &arena)) {
        add_target(value.element());
      }
      continue;
    }
    AtPlainPath(resource.root(), reference.names,
                [&](const Element& element) { add_target(&element); });
  }
  return out;
}

std::vector<IndexRow> RowsOf(std::span<const IndexEntry> entries) {
  std::vector<IndexRow> rows;
  rows.reserve(entries.size());
  for (const IndexEntry& entry : entries) {
    rows.push_back({entry.code, entry.kind, entry.system, entry.text, entry.reference_type,
                    entry.low_us, entry.high_us});
  }
  return rows;
}

bool MeetsCriterion(const Criterion& criterion, std::span<const IndexRow> rows) {
  const SearchParameter& parameter = *criterion.parameter;
  const auto& values = criterion.values;
  const bool missing = criterion.modifier == "missing";
  const bool found = std::any_of(rows.begin(), rows.end(), [&](const IndexRow& row) {
    return IsRowOf(parameter, row) &&
           (missing || std::any_of(values.begin(), values.end(), [&](const SearchValue& value) {
              return MatchesRow(parameter.kind, value, row);
            }));
  });
  const bool negated = criterion.modifier == "not" || (missing && values.front().text == "true");
  return found != negated;
}

bool Matches(const Query& query, const Resource& resource, const SearchIndexer& indexer) {
  if (query.type != resource.type()) {
    return false;
  }
  if (query.compartment) {
    const std::vector<std::string> persons = indexer.CompartmentsOf(resource);
    const auto& allowed = *query.compartment;
    const bool inside = std::any_of(persons.begin(), persons.end(), [&](const auto& person) {
      return std::find(allowed.begin(), allowed.end(), person) != allowed.end();
    });
    if (!inside) {
      return false;
    }
  }
  const std::vector<IndexEntry> entries = indexer.Index(resource);
  const std::vector<IndexRow> rows = RowsOf(entries);
  return std::all_of(query.criteria.begin(), query.criteria.end(), [&](const Criterion& criterion) {
    return criterion.parameter->code.starts_with('_') ? MatchesOwnColumn(criterion, resource)
                                                      : MeetsCriterion(criterion, rows);
  });
}

}  // namespace gw::fhir
