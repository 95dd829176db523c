#include "gateway/store/sqlite_reindex.h"

#include <string>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/shard_key.h"
#include "gateway/store/sqlite_apply.h"

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
    GW_TRY(select_, writer_.Prepare("SELECT patient_key, type, id, body FROM resource"
                                    " WHERE (patient_key, type, id) > (?1, ?2, ?3)"
                                    " AND NOT deleted"
                                    " ORDER BY patient_key, type, id LIMIT ?4"));
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
    const Status changed = change();
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
                      std::string(run.TextAt(3))});
    }
  }

  Status Rewrite(const std::vector<Row>& rows, SqliteApplier* applier) const {
    for (const Row& row : rows) {
      Result<fhir::Resource> resource =
          fhir::ParseJson(row.body, indexer_.definitions(), kStoredLimits);
      if (!resource) {
        return Error{Code::kInvalid, "a stored resource cannot be read: " + resource.error().detail,
                     "store: " + row.type + "/" + row.id};
      }
      CheckedWrite checked;
      checked.patient_key = row.patient_key;
      checked.write.stored.key = {row.type, row.id};
      checked.write.index = indexer_.Index(*resource);
      checked.write.home = HomeOf(row, checked.write.index);
      GW_RETURN_IF_ERROR(applier->RewriteIndex(checked));
    }
    return {};
  }

  // The Patient whose shard the row lies in, as far as its references tell: who is not referred to
  // makes no difference to them.
  static std::string HomeOf(const Row& row, const std::vector<fhir::IndexEntry>& index) {
    for (const fhir::IndexEntry& entry : index) {
      if (entry.kind == fhir::SearchKind::kReference && entry.reference_type == "Patient" &&
          PatientKey(entry.text) == row.patient_key) {
        return entry.text;
      }
    }
    return {};
  }

  Connection& writer_;
  const fhir::SearchIndexer& indexer_;
  Statement select_;
};

}  // namespace

Status EnsureIndex(Connection* writer, const fhir::SearchIndexer& indexer) {
  return Reindexer(writer, indexer).Run();
}

}  // namespace gw::store
