#include "gateway/store/sqlite_upgrade.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/checked_transaction.h"
#include "gateway/store/signpost.h"
#include "gateway/store/sqlite_apply.h"
#include "gateway/store/terms.h"

namespace gw::store {
namespace {

constexpr const char* kResources =
    "SELECT patient_key, type, id, persons, version, last_updated, deleted, label_class_id, "
    "message,"
    " body FROM resource_before_5";
constexpr const char* kInsert =
    "INSERT INTO resource(patient_key, type, id, persons, version, last_updated, deleted,"
    " label_class_id, message, terms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

// What was said of one resource, in the order of Carrier::Id.
#define GW_STORE_OF_ONE " WHERE patient_key = ?1 AND type = ?2 AND id = ?3"
constexpr std::array kOfOne = {
    "SELECT person, in_compartment FROM resource_person" GW_STORE_OF_ONE,
    "SELECT system, value FROM identifier_claim" GW_STORE_OF_ONE,
    "SELECT parameter, system, code FROM index_token" GW_STORE_OF_ONE,
    "SELECT parameter, target_type, target_id FROM index_reference" GW_STORE_OF_ONE,
    "SELECT parameter, low_us, high_us FROM index_date" GW_STORE_OF_ONE,
    "SELECT parameter, text FROM index_string" GW_STORE_OF_ONE,
};
#undef GW_STORE_OF_ONE

class Carrier {
 public:
  explicit Carrier(SqliteApplier applier) : applier_(std::move(applier)) {}

  Status Prepare(Connection* writer) {
    for (size_t i = 0; i < kOfOne.size(); ++i) {
      GW_TRY(of_one_[i], writer->Prepare(kOfOne[i]));
    }
    GW_TRY(insert_, writer->Prepare(kInsert));
    return {};
  }

  // `row` stands on a row of kResources.
  Status Carry(const Execution& row) {
    place_ = {row.IntAt(0), row.TextAt(1), row.TextAt(2)};
    persons_ = row.TextAt(3);
    terms_ = Terms();
    texts_.clear();
    GW_RETURN_IF_ERROR(ReadPersons());
    GW_RETURN_IF_ERROR(ReadRest());
    const std::string packed = PackTerms(terms_);
    Execution insert(insert_);
    insert.Int(place_.patient_key).Text(place_.type).Text(place_.id).Text(persons_);
    insert.Int(row.IntAt(4))
        .Int(row.IntAt(5))
        .Int(row.IntAt(6))
        .Int(row.IntAt(7))
        .Int(row.IntAt(8));
    GW_RETURN_IF_ERROR(insert.Blob(packed).Text(row.TextAt(9)).Finish());
    const std::string_view home = HomeOf(place_.patient_key, persons_, terms_);
    return applier_.MoveSignposts(place_, {}, SignpostsTo(terms_, persons_, home));
  }

 private:
  enum Id : uint8_t { kPersons, kClaims, kTokens, kReferences, kDates, kStrings };

  template <typename Take>
  Status Each(Id id, Take take) {
    Execution row(of_one_[id]);
    row.Int(place_.patient_key).Text(place_.type).Text(place_.id);
    while (true) {
      GW_TRY(const bool more, row.Step());
      if (!more) {
        return {};
      }
      take(row);
    }
  }

  // Whoever had to agree by either of the two must agree.
  Status ReadPersons() {
    std::vector<std::string> persons = SplitPersons(persons_);
    GW_RETURN_IF_ERROR(Each(kPersons, [&](const Execution& row) {
      const std::string_view person = row.TextAt(0);
      auto at = std::find(persons.begin(), persons.end(), person);
      if (at == persons.end()) {
        at = persons.insert(at, std::string(person));
      }
      if (row.IntAt(1) != 0) {
        terms_.compartments.push_back(static_cast<size_t>(at - persons.begin()));
      }
    }));
    std::sort(terms_.compartments.begin(), terms_.compartments.end());
    persons_ = JoinPersons(persons);
    return {};
  }

  Status ReadRest() {
    GW_RETURN_IF_ERROR(Each(kClaims, [this](const Execution& row) {
      terms_.claims.push_back({Kept(row, 0), Kept(row, 1)});
    }));
    GW_RETURN_IF_ERROR(Each(kTokens, [this](const Execution& row) {
      fhir::IndexRow& token = Add(row, fhir::SearchKind::kToken);
      token.system = Kept(row, 1);
      token.text = Kept(row, 2);
    }));
    GW_RETURN_IF_ERROR(Each(kReferences, [this](const Execution& row) {
      fhir::IndexRow& reference = Add(row, fhir::SearchKind::kReference);
      reference.reference_type = Kept(row, 1);
      reference.text = Kept(row, 2);
    }));
    GW_RETURN_IF_ERROR(Each(kDates, [this](const Execution& row) {
      fhir::IndexRow& date = Add(row, fhir::SearchKind::kDate);
      date.low_us = row.IntAt(1);
      date.high_us = row.IntAt(2);
    }));
    // URIs lay there too; which of them is one, the parameter of a search tells.
    return Each(kStrings, [this](const Execution& row) {
      Add(row, fhir::SearchKind::kString).text = Kept(row, 1);
    });
  }

  fhir::IndexRow& Add(const Execution& row, fhir::SearchKind kind) {
    fhir::IndexRow& added = terms_.rows.emplace_back();
    added.code = Kept(row, 0);
    added.kind = kind;
    return added;
  }

  std::string_view Kept(const Execution& row, int column) {
    return texts_.emplace_back(row.TextAt(column));
  }

  SqliteApplier applier_;
  std::array<Statement, kOfOne.size()> of_one_;
  Statement insert_;
  // Of the resource that is being carried.
  SqliteApplier::Place place_;
  std::string persons_;
  Terms terms_;
  std::deque<std::string> texts_;  // which terms_ views
};

}  // namespace

Status CarryResources(Connection* writer) {
  GW_TRY(SqliteApplier applier, SqliteApplier::Make(writer));
  Carrier carrier(std::move(applier));
  GW_RETURN_IF_ERROR(carrier.Prepare(writer));
  GW_TRY(Statement resources, writer->Prepare(kResources));
  Execution row(resources);
  uint64_t count = 0;
  while (true) {
    GW_TRY(const bool more, row.Step());
    if (!more) {
      break;
    }
    GW_RETURN_IF_ERROR(carrier.Carry(row));
    ++count;
  }
  if (count > 0) {
    log::Write(log::Level::kInfo, "store.resources_carried",
               {{"resources", std::to_string(count)}});
  }
  return {};
}

}  // namespace gw::store
