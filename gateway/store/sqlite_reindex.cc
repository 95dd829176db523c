#include "gateway/store/sqlite_reindex.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/signpost.h"
#include "gateway/store/sqlite_apply.h"
#include "gateway/store/terms.h"

namespace gw::store {
namespace {

constexpr int64_t kGroup = 500;  // resources in one engine commit

// What was taken in may have been near the bounds of its day.
constexpr Limits kStoredLimits = {.body_bytes_max = 256u << 20,
                                  .json_depth_max = 128,
                                  .json_items_max = 1'000'000,
                                  .json_nodes_max = 10'000'000};

struct Row {
  int64_t patient_key = 0;
  std::string type;
  std::string id;
  std::string persons;
  std::string terms;
  std::string body;
};

class Reindexer {
 public:
  Reindexer(Connection* writer, const fhir::SearchIndexer& indexer)
      : writer_(*writer), indexer_(indexer) {}

  Status Run() {
    GW_TRY(const std::string known, Signature());
    if (known == indexer_.signature()) {
      return {};
    }
    GW_TRY(SqliteApplier applier, SqliteApplier::Make(&writer_));
    GW_TRY(select_,
           writer_.Prepare("SELECT patient_key, type, id, persons, terms, body FROM resource"
                           " WHERE (patient_key, type, id) > (?1, ?2, ?3)"
                           " AND NOT deleted"
                           " ORDER BY patient_key, type, id LIMIT ?4"));
    GW_TRY(update_, writer_.Prepare("UPDATE resource SET terms = ?4"
                                    " WHERE patient_key = ?1 AND type = ?2 AND id = ?3"));
    // Before the first row changes, the file no longer says that its rows are of any one set.
    GW_RETURN_IF_ERROR(Sign({}));
    Row last;
    last.patient_key = INT64_MIN;
    uint64_t count = 0;
    while (true) {
      GW_TRY(std::vector<Row> rows, After(last));
      if (rows.empty()) {
        break;
      }
      GW_RETURN_IF_ERROR(InTransaction([&] { return Rewrite(rows, &applier); }));
      count += rows.size();
      last = std::move(rows.back());
    }
    GW_RETURN_IF_ERROR(Sign(indexer_.signature()));
    if (count > 0) {
      log::Write(log::Level::kInfo, "store.search_index_made_anew",
                 {{"resources", std::to_string(count)}});
    }
    return {};
  }

 private:
  Result<std::string> Signature() {
    GW_TRY(Statement read, writer_.Prepare("SELECT signature FROM search_index"));
    Execution run(read);
    GW_TRY(const bool has_row, run.Step());
    return has_row ? std::string(run.TextAt(0)) : std::string();
  }

  Status Sign(std::string_view signature) {
    GW_TRY(Statement insert, writer_.Prepare("INSERT INTO search_index VALUES (?1)"));
    return InTransaction([&]() -> Status {
      GW_RETURN_IF_ERROR(writer_.Run("DELETE FROM search_index"));
      return Execution(insert).Text(signature).Finish();
    });
  }

  template <typename Change>
  Status InTransaction(Change change) {
    GW_RETURN_IF_ERROR(writer_.Run("BEGIN IMMEDIATE"));
    Status changed = change();
    GW_RETURN_IF_ERROR(writer_.Run(changed ? "COMMIT" : "ROLLBACK"));
    return changed;
  }

  Result<std::vector<Row>> After(const Row& last) {
    std::vector<Row> rows;
    Execution run(select_);
    run.Int(last.patient_key).Text(last.type).Text(last.id).Int(kGroup);
    while (true) {
      GW_TRY(const bool has_row, run.Step());
      if (!has_row) {
        return rows;
      }
      rows.push_back({run.IntAt(0), std::string(run.TextAt(1)), std::string(run.TextAt(2)),
                      std::string(run.TextAt(3)), std::string(run.BlobAt(4)),
                      std::string(run.TextAt(5))});
    }
  }

  Status Rewrite(const std::vector<Row>& rows, SqliteApplier* applier) {
    for (const Row& row : rows) {
      Result<fhir::Resource> resource =
          fhir::ParseJson(row.body, indexer_.definitions(), kStoredLimits);
      if (!resource) {
        return Error{Code::kInvalid, "a stored resource cannot be read: " + resource.error().detail,
                     "store: " + row.type + "/" + row.id};
      }
      GW_RETURN_IF_ERROR(Rewrite(row, indexer_.Index(*resource), applier));
    }
    return {};
  }

  // What it claims, and whose record it is in, stays.
  Status Rewrite(const Row& row, const std::vector<fhir::IndexEntry>& index,
                 SqliteApplier* applier) {
    Terms before;
    GW_RETURN_IF_ERROR(UnpackTerms(row.terms, &before));
    Terms after = before;
    after.rows = fhir::RowsOf(index);
    const std::string packed = PackTerms(after);
    if (packed == row.terms) {
      return {};
    }
    GW_RETURN_IF_ERROR(
        Execution(update_).Int(row.patient_key).Text(row.type).Text(row.id).Blob(packed).Finish());
    return applier->MoveSignposts(
        {row.patient_key, row.type, row.id},
        SignpostsTo(before, row.persons, HomeOf(row.patient_key, row.persons, before)),
        SignpostsTo(after, row.persons, HomeOf(row.patient_key, row.persons, after)));
  }

  Connection& writer_;
  const fhir::SearchIndexer& indexer_;
  Statement select_;
  Statement update_;
};

}  // namespace

Status EnsureIndex(Connection* writer, const fhir::SearchIndexer& indexer) {
  return Reindexer(writer, indexer).Run();
}

}  // namespace gw::store
