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

bool IsHeld(SearchKind kind) {
  switch (kind) {
    case SearchKind::kToken:
    case SearchKind::kReference:
    case SearchKind::kDate:
    case SearchKind::kString:
    case SearchKind::kUri:
      return true;
    case SearchKind::kNumber:
    case SearchKind::kComposite:
    case SearchKind::kQuantity:
    case SearchKind::kSpecial:
      break;
  }
  return false;
}

// Do all of its values name Patients? "subject" is one of them where nothing else is said.
bool IsByPatient(const Criterion& criterion) {
  const std::string_view code = criterion.parameter->code;
  return criterion.parameter->kind == SearchKind::kReference &&
         (code == "patient" || code == "subject" ||
          std::all_of(criterion.values.begin(), criterion.values.end(),
                      [](const SearchValue& value) { return value.reference_type == "Patient"; }));
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
  if (IsByPatient(criterion)) {
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
  void StringRows(const Criterion& criterion);
  void RowsOfPatients(const std::vector<std::string>& patients);
  PlanBuilder& Rows(std::string_view table);
  PlanBuilder& AnyOf(std::string_view column, const std::vector<std::string>& texts);
  void Conditions(const SearchPosition* after);
  void OwnColumn(const Criterion& criterion);
  void LastUpdated(const SearchValue& value);

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
    RowsOfPatients(*query_.compartment);
    return;
  }
  const Criterion& criterion = *driver_.criterion;
  std::vector<std::string> texts;
  for (const SearchValue& value : criterion.values) {
    texts.push_back(value.text);
  }
  if (IsId(criterion)) {
    Rows("resource_home").Sql(" AND ").AnyOf("x.id", texts);
  } else if (criterion.parameter->kind == SearchKind::kToken) {
    Rows("identifier").Sql(" AND ").AnyOf("x.value", texts);
  } else if (criterion.parameter->kind == SearchKind::kReference) {
    RowsOfPatients(texts);
  } else {
    StringRows(criterion);
  }
}

// What begins with one of the texts.
void PlanBuilder::StringRows(const Criterion& criterion) {
  for (size_t i = 0; i < criterion.values.size(); ++i) {
    const std::string& text = criterion.values[i].text;
    Sql(i == 0 ? "" : " UNION ");
    Rows("string_value").Sql(" AND x.parameter = ").Value(std::string(criterion.parameter->code));
    Sql(" AND x.text >= ").Value(text);
    if (const std::optional<std::string> end = EndOfPrefix(text)) {
      Sql(" AND x.text < ").Value(*end);
    }
  }
}

// What concerns a Patient lies in that Patient's shard, or else is named by what does not.
void PlanBuilder::RowsOfPatients(const std::vector<std::string>& patients) {
  Rows("resource").Sql(" AND x.patient_key IN (");
  for (size_t i = 0; i < patients.size(); ++i) {
    Sql(i == 0 ? "" : ", ").Value(PatientKey(patients[i]));
  }
  Sql(") UNION ");
  Rows("named_elsewhere").Sql(" AND ").AnyOf("x.person", patients);
}

PlanBuilder& PlanBuilder::Rows(std::string_view table) {
  Sql("SELECT DISTINCT x.patient_key, x.id FROM ").Sql(table);
  return Sql(" x WHERE x.type = ").Value(query_.type);
}

PlanBuilder& PlanBuilder::AnyOf(std::string_view column, const std::vector<std::string>& texts) {
  Sql(column).Sql(" IN (");
  for (size_t i = 0; i < texts.size(); ++i) {
    Sql(i == 0 ? "" : ", ").Value(texts[i]);
  }
  return Sql(")");
}

// What drives the search is decided again with the rest: its rows only say where to begin.
void PlanBuilder::Conditions(const SearchPosition* after) {
  Sql(" AND NOT r.deleted");
  if (after != nullptr) {
    Sql(" AND (r.last_updated, r.id) < (").Value(after->last_updated_us);
    Sql(", ").Value(after->id).Sql(")");
  }
  bool all_own = !query_.compartment;
  for (const Criterion& criterion : query_.criteria) {
    if (IsOwnColumn(criterion)) {
      OwnColumn(criterion);
    } else {
      all_own = false;
    }
  }
  if (!all_own) {
    Sql(" AND ").Sql(dialect_.holds);
  }
  Sql(" AND ").Sql(dialect_.sees);
}

void PlanBuilder::OwnColumn(const Criterion& criterion) {
  Sql(IsNegated(criterion) ? " AND NOT (" : " AND (");
  if (criterion.modifier == "missing") {
    Sql("1 = 1)");  // both are in every resource
    return;
  }
  for (size_t i = 0; i < criterion.values.size(); ++i) {
    const SearchValue& value = criterion.values[i];
    Sql(i == 0 ? "(" : " OR (");
    if (IsId(criterion)) {
      Sql("r.id = ").Value(value.text);
    } else {
      LastUpdated(value);
    }
    Sql(")");
  }
  Sql(")");
}

// meta.lastUpdated is written with milliseconds, so a resource's interval is the millisecond in
// which last_updated lies: [floor, floor + 1 ms). The same conditions as for any date, turned into
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
    if (!IsOwnColumn(criterion) && !IsHeld(kind)) {
      return Error{Code::kUnsupported, "no index holds search parameters of this kind",
                   std::string(criterion.parameter->code)};
    }
  }
  return {};
}

}  // namespace

bool IsOwnColumn(const Criterion& criterion) { return IsId(criterion) || IsLastUpdated(criterion); }

Result<SearchPlan> PlanSearch(const fhir::Query& query, SearchShape shape,
                              const SearchPosition* after, const SearchDialect& dialect) {
  GW_RETURN_IF_ERROR(CheckKinds(query));
  return PlanBuilder(query, dialect).Build(shape, after);
}

}  // namespace gw::store
