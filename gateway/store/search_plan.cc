#include "gateway/store/search_plan.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "gateway/store/shard_key.h"

namespace gw::store {
namespace {

using fhir::Criterion;
using fhir::Prefix;
using fhir::SearchKind;
using fhir::SearchValue;

constexpr int64_t kMilli = 1000;
constexpr std::string_view kIdentifier = "identifier";

int64_t FloorToMilli(int64_t us) {
  const int64_t rest = ((us % kMilli) + kMilli) % kMilli;
  return us < std::numeric_limits<int64_t>::min() + kMilli ? us : us - rest;
}

int64_t CeilToMilli(int64_t us) {
  const int64_t floor = FloorToMilli(us);
  return floor == us || us > std::numeric_limits<int64_t>::max() - kMilli ? us : floor + kMilli;
}

bool IsId(const Criterion& criterion) { return criterion.parameter->code == "_id"; }
bool IsLastUpdated(const Criterion& criterion) {
  return criterion.parameter->code == "_lastUpdated";
}
bool IsNegated(const Criterion& criterion) {
  return criterion.modifier == "not" ||
         (criterion.modifier == "missing" && criterion.values.front().text == "true");
}

std::string_view TableOf(SearchKind kind) {
  switch (kind) {
    case SearchKind::kToken:
      return "index_token";
    case SearchKind::kReference:
      return "index_reference";
    case SearchKind::kDate:
      return "index_date";
    case SearchKind::kString:
    case SearchKind::kUri:
      return "index_string";
    case SearchKind::kNumber:
    case SearchKind::kComposite:
    case SearchKind::kQuantity:
    case SearchKind::kSpecial:
      break;
  }
  return {};
}

// The first text that is past every text that begins with `prefix`, by bytes; none for one that is
// all 0xFF.
std::optional<std::string> EndOfPrefix(std::string prefix) {
  while (!prefix.empty()) {
    auto& last = prefix.back();
    if (static_cast<unsigned char>(last) != 0xFF) {
      last = static_cast<char>(static_cast<unsigned char>(last) + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return std::nullopt;
}

// What the search is driven by: the criterion whose rows are few and found by an index. Without
// one the newest resources of the type are walked until the page is full.
struct Driver {
  const Criterion* criterion = nullptr;
  bool compartment = false;
};

// Lower is better; none: no driver.
std::optional<int> DriverRank(const Criterion& criterion) {
  if (criterion.modifier == "not" || criterion.modifier == "missing") {
    return std::nullopt;
  }
  const auto& values = criterion.values;
  const bool all_texts = std::none_of(values.begin(), values.end(),
                                      [](const SearchValue& value) { return value.text.empty(); });
  if (!all_texts) {
    return std::nullopt;
  }
  if (IsId(criterion)) {
    return 0;
  }
  const std::string_view code = criterion.parameter->code;
  if (criterion.parameter->kind == SearchKind::kToken && code == kIdentifier) {
    return 1;
  }
  if (criterion.parameter->kind == SearchKind::kReference &&
      (code == "patient" || code == "subject" || values.front().reference_type == "Patient" ||
       criterion.modifier == "Patient")) {
    return 3;
  }
  return criterion.parameter->kind == SearchKind::kString && criterion.modifier.empty()
             ? std::optional(4)
             : std::nullopt;
}

Driver ChooseDriver(const fhir::Query& query) {
  constexpr int kCompartmentRank = 2;
  Driver driver;
  int best = std::numeric_limits<int>::max();
  if (query.compartment) {
    driver.compartment = true;
    best = kCompartmentRank;
  }
  for (const Criterion& criterion : query.criteria) {
    const std::optional<int> rank = DriverRank(criterion);
    if (rank && *rank < best) {
      best = *rank;
      driver = Driver{&criterion, false};
    }
  }
  return driver;
}

class PlanBuilder {
 public:
  PlanBuilder(const fhir::Query& query, const SearchDialect& dialect)
      : query_(query), dialect_(dialect), driver_(ChooseDriver(query)) {}

  SearchPlan Build(SearchShape shape, const SearchPosition* after) &&;

 private:
  PlanBuilder& Sql(std::string_view text) {
    plan_.sql.append(text);
    return *this;
  }
  PlanBuilder& Value(SqlValue value);
  void Source();
  void DriverRows();
  void ReferenceRows(const Criterion& criterion);
  PlanBuilder& Rows(std::string_view table);
  PlanBuilder& Homes(const std::vector<std::string>& patients);
  PlanBuilder& Parameter(const Criterion& criterion);
  void Conditions(const SearchPosition* after);
  void One(const Criterion& criterion);
  void OneOfIndex(const Criterion& criterion);
  // Conditions on one index row x, or on r itself, for the ORed values.
  PlanBuilder& AnyValue(const Criterion& criterion);
  void OneValue(const Criterion& criterion, const SearchValue& value);
  void Token(const SearchValue& value);
  void Reference(const Criterion& criterion, const SearchValue& value);
  void Text(const Criterion& criterion, const SearchValue& value);
  void Date(const SearchValue& value);
  void LastUpdated(const SearchValue& value);
  void Compartment();

  const fhir::Query& query_;
  const SearchDialect& dialect_;
  const Driver driver_;
  SearchPlan plan_;
};

PlanBuilder& PlanBuilder::Value(SqlValue value) {
  plan_.values.push_back(std::move(value));
  return Sql("$").Sql(std::to_string(plan_.values.size()));
}

SearchPlan PlanBuilder::Build(SearchShape shape, const SearchPosition* after) && {
  if (shape == SearchShape::kCount) {
    Sql("SELECT count(*) FROM ");
    Source();
    Conditions(after);
    return std::move(plan_);
  }
  // The keys of the page first, from narrow columns; then the bodies of just these.
  Sql("SELECT r.id, r.version, r.last_updated, r.label_class_id, r.persons, r.body FROM"
      " (SELECT r.patient_key, r.id, r.last_updated FROM ");
  Source();
  Conditions(after);
  Sql(" ORDER BY r.last_updated DESC, r.id DESC LIMIT ").Value(int64_t{query_.count} + 1);
  Sql(") k CROSS JOIN resource r WHERE r.patient_key = k.patient_key AND r.type = ");
  Value(query_.type);
  Sql(" AND r.id = k.id ORDER BY k.last_updated DESC, k.id DESC");
  return std::move(plan_);
}

// CROSS JOIN keeps SQLite from turning the order round; with the conditions in WHERE it means the
// same as an inner join everywhere.
void PlanBuilder::Source() {
  if (driver_.criterion == nullptr && !driver_.compartment) {
    Sql("resource r WHERE r.type = ").Value(query_.type);
    return;
  }
  Sql("(");
  DriverRows();
  Sql(") d CROSS JOIN resource r WHERE r.patient_key = d.patient_key AND r.type = ");
  Value(query_.type);
  Sql(" AND r.id = d.id");
}

void PlanBuilder::DriverRows() {
  if (driver_.compartment) {
    const std::vector<std::string>& patients = *query_.compartment;
    Rows("resource_person").Homes(patients).Compartment();
    Sql(" UNION ");
    Rows("resource_person").Sql(" AND NOT x.at_home AND ").Compartment();
    return;
  }
  const Criterion& criterion = *driver_.criterion;
  if (IsId(criterion)) {
    Rows("resource_home").Sql(" AND x.id IN (");
    for (size_t i = 0; i < criterion.values.size(); ++i) {
      Sql(i == 0 ? "" : ", ").Value(criterion.values[i].text);
    }
    Sql(")");
    return;
  }
  if (criterion.parameter->kind == SearchKind::kReference) {
    ReferenceRows(criterion);
    return;
  }
  Rows(TableOf(criterion.parameter->kind)).Sql(" AND ").Parameter(criterion).AnyValue(criterion);
}

// What refers to a Patient lies in that Patient's shard, or else in the index of what does not.
void PlanBuilder::ReferenceRows(const Criterion& criterion) {
  std::vector<std::string> patients;
  for (const SearchValue& value : criterion.values) {
    patients.push_back(value.text);
  }
  Rows("index_reference").Homes(patients).Parameter(criterion).AnyValue(criterion);
  Sql(" UNION ");
  Rows("index_reference").Sql(" AND NOT x.at_home AND ").Parameter(criterion).AnyValue(criterion);
}

PlanBuilder& PlanBuilder::Rows(std::string_view table) {
  Sql("SELECT DISTINCT x.patient_key, x.id FROM ").Sql(table);
  return Sql(" x WHERE x.type = ").Value(query_.type);
}

PlanBuilder& PlanBuilder::Homes(const std::vector<std::string>& patients) {
  Sql(" AND x.at_home AND x.patient_key IN (");
  for (size_t i = 0; i < patients.size(); ++i) {
    Sql(i == 0 ? "" : ", ").Value(PatientKey(patients[i]));
  }
  return Sql(") AND ");
}

// The name of identifiers stands in the text: that is how an engine knows that its index serves.
PlanBuilder& PlanBuilder::Parameter(const Criterion& criterion) {
  const std::string_view code = criterion.parameter->code;
  if (code == kIdentifier) {
    return Sql("x.parameter = 'identifier' AND ");
  }
  return Sql("x.parameter = ").Value(std::string(code)).Sql(" AND ");
}

void PlanBuilder::Conditions(const SearchPosition* after) {
  Sql(" AND NOT r.deleted");
  if (after != nullptr) {
    Sql(" AND (r.last_updated, r.id) < (").Value(after->last_updated_us);
    Sql(", ").Value(after->id).Sql(")");
  }
  if (query_.compartment && !driver_.compartment) {
    Sql(" AND EXISTS (SELECT 1 FROM resource_person x WHERE x.patient_key = r.patient_key"
        " AND x.type = r.type AND x.id = r.id AND ");
    Compartment();
    Sql(")");
  }
  for (const Criterion& criterion : query_.criteria) {
    if (&criterion != driver_.criterion) {
      One(criterion);
    }
  }
  Sql(" AND NOT EXISTS (SELECT 1 FROM resource_person p WHERE p.patient_key = r.patient_key"
      " AND p.type = r.type AND p.id = r.id AND NOT ");
  Sql(dialect_.sees).Sql(")");
}

void PlanBuilder::Compartment() {
  Sql("x.in_compartment AND x.person IN (");
  for (size_t i = 0; i < query_.compartment->size(); ++i) {
    Sql(i == 0 ? "" : ", ").Value((*query_.compartment)[i]);
  }
  Sql(")");
}

void PlanBuilder::One(const Criterion& criterion) {
  if (!IsId(criterion) && !IsLastUpdated(criterion)) {
    OneOfIndex(criterion);
    return;
  }
  Sql(IsNegated(criterion) ? " AND NOT " : " AND ");
  if (criterion.modifier == "missing") {
    Sql("(1 = 1)");  // both are in every resource
  } else {
    AnyValue(criterion);
  }
}

void PlanBuilder::OneOfIndex(const Criterion& criterion) {
  Sql(IsNegated(criterion) ? " AND NOT EXISTS" : " AND EXISTS");
  Sql(" (SELECT 1 FROM ").Sql(TableOf(criterion.parameter->kind));
  Sql(" x WHERE x.patient_key = r.patient_key AND x.type = r.type AND x.id = r.id"
      " AND ");
  Parameter(criterion);
  if (criterion.modifier == "missing") {
    Sql("1 = 1");
  } else {
    AnyValue(criterion);
  }
  Sql(")");
}

PlanBuilder& PlanBuilder::AnyValue(const Criterion& criterion) {
  Sql("(");
  for (size_t i = 0; i < criterion.values.size(); ++i) {
    Sql(i == 0 ? "(" : " OR (");
    OneValue(criterion, criterion.values[i]);
    Sql(")");
  }
  return Sql(")");
}

void PlanBuilder::OneValue(const Criterion& criterion, const SearchValue& value) {
  if (IsId(criterion)) {
    Sql("r.id = ").Value(value.text);
  } else if (IsLastUpdated(criterion)) {
    LastUpdated(value);
  } else if (criterion.parameter->kind == SearchKind::kToken) {
    Token(value);
  } else if (criterion.parameter->kind == SearchKind::kReference) {
    Reference(criterion, value);
  } else if (criterion.parameter->kind == SearchKind::kDate) {
    Date(value);
  } else {
    Text(criterion, value);
  }
}

void PlanBuilder::Token(const SearchValue& value) {
  if (value.text.empty() && !value.system) {
    Sql("1 = 0");
    return;
  }
  if (!value.text.empty()) {
    Sql("x.code = ").Value(value.text);
  }
  if (value.system) {
    Sql(value.text.empty() ? "" : " AND ").Sql("x.system = ").Value(*value.system);
  }
}

void PlanBuilder::Reference(const Criterion& criterion, const SearchValue& value) {
  Sql("x.target_id = ").Value(value.text);
  const std::string& type =
      value.reference_type.empty() ? criterion.modifier : value.reference_type;
  if (!type.empty()) {
    Sql(" AND x.target_type = ").Value(type);
  }
}

// String: begins with; the text is folded on both sides. Uri: equal.
void PlanBuilder::Text(const Criterion& criterion, const SearchValue& value) {
  if (criterion.parameter->kind == SearchKind::kUri) {
    Sql("x.text = ").Value(value.text);
    return;
  }
  Sql("x.text >= ").Value(value.text);
  if (const std::optional<std::string> end = EndOfPrefix(value.text)) {
    Sql(" AND x.text < ").Value(*end);
  }
}

// R4 search.html 3.1.1.4.7 (prefixes): the value's interval [low, high) against the row's.
void PlanBuilder::Date(const SearchValue& value) {
  switch (value.prefix) {
    case Prefix::kEq:
      Sql("x.low_us >= ").Value(value.low_us).Sql(" AND x.high_us <= ").Value(value.high_us);
      return;
    case Prefix::kNe:
      Sql("x.low_us < ").Value(value.low_us).Sql(" OR x.high_us > ").Value(value.high_us);
      return;
    case Prefix::kGt:
      Sql("x.high_us > ").Value(value.high_us);
      return;
    case Prefix::kLt:
      Sql("x.low_us < ").Value(value.low_us);
      return;
    case Prefix::kGe:
      Sql("x.high_us > ").Value(value.high_us).Sql(" OR x.low_us >= ").Value(value.low_us);
      return;
    case Prefix::kLe:
      Sql("x.low_us < ").Value(value.low_us).Sql(" OR x.high_us <= ").Value(value.high_us);
      return;
    case Prefix::kSa:
      Sql("x.low_us >= ").Value(value.high_us);
      return;
    case Prefix::kEb:
      Sql("x.high_us <= ").Value(value.low_us);
      return;
    case Prefix::kAp:
      Sql("x.low_us < ").Value(value.high_us).Sql(" AND x.high_us > ").Value(value.low_us);
      return;
  }
}

// meta.lastUpdated is written with milliseconds, so a resource's interval is the millisecond in
// which last_updated lies: [floor, floor + 1 ms). The same conditions as for Date, turned into
// plain bounds on the column, for which its index serves.
void PlanBuilder::LastUpdated(const SearchValue& value) {
  const int64_t low_floor = FloorToMilli(value.low_us);
  const int64_t low_ceil = CeilToMilli(value.low_us);
  const int64_t high_floor = FloorToMilli(value.high_us);
  const int64_t high_ceil = CeilToMilli(value.high_us);
  switch (value.prefix) {
    case Prefix::kEq:
      Sql("r.last_updated >= ").Value(low_ceil).Sql(" AND r.last_updated < ").Value(high_floor);
      return;
    case Prefix::kNe:
      Sql("r.last_updated < ").Value(low_ceil).Sql(" OR r.last_updated >= ").Value(high_floor);
      return;
    case Prefix::kGt:
      Sql("r.last_updated >= ").Value(high_floor);
      return;
    case Prefix::kLt:
      Sql("r.last_updated < ").Value(low_ceil);
      return;
    case Prefix::kGe:
      Sql("r.last_updated >= ").Value(std::min(high_floor, low_ceil));
      return;
    case Prefix::kLe:
      Sql("r.last_updated < ").Value(std::max(low_ceil, high_floor));
      return;
    case Prefix::kSa:
      Sql("r.last_updated >= ").Value(high_ceil);
      return;
    case Prefix::kEb:
      Sql("r.last_updated < ").Value(low_floor);
      return;
    case Prefix::kAp:
      Sql("r.last_updated < ").Value(high_ceil).Sql(" AND r.last_updated >= ").Value(low_floor);
      return;
  }
}

Status CheckKinds(const fhir::Query& query) {
  for (const Criterion& criterion : query.criteria) {
    const SearchKind kind = criterion.parameter->kind;
    if (!IsId(criterion) && !IsLastUpdated(criterion) && TableOf(kind).empty()) {
      return Error{Code::kUnsupported, "no index holds search parameters of this kind",
                   std::string(criterion.parameter->code)};
    }
  }
  return {};
}

}  // namespace

Result<SearchPlan> PlanSearch(const fhir::Query& query, SearchShape shape,
                              const SearchPosition* after, const SearchDialect& dialect) {
  GW_RETURN_IF_ERROR(CheckKinds(query));
  return PlanBuilder(query, dialect).Build(shape, after);
}

}  // namespace gw::store
