#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/search.h"
#include "gateway/fhir/stored.h"
#include "gateway/store/search_plan.h"
#include "gateway/store/sqlite_connection.h"
#include "gateway/store/store.h"

namespace gw::store {

// One read-only connection with its prepared statements: the reading half of Store, used by one
// thread at a time. Each call sees one snapshot, in which every earlier commit is.
class SqliteReader {
 public:
  // `cursor_key` signs the page cursors. Errors: kUnavailable.
  static Result<std::unique_ptr<SqliteReader>> Open(const std::string& path,
                                                    std::string cursor_key);
  ~SqliteReader();
  SqliteReader(const SqliteReader&) = delete;
  SqliteReader& operator=(const SqliteReader&) = delete;

  // As in Store.
  Result<fhir::StoredResource> Read(const fhir::Key& key, const Visibility& visibility);
  Result<fhir::StoredResource> ReadVersion(const fhir::Key& key, uint64_t version,
                                           const Visibility& visibility);
  Result<Page> Search(const fhir::Query& query, const Visibility& visibility);
  Result<Consents> ConsentsOf(std::string_view person);
  Result<uint64_t> PolicyClassOf(std::string_view person);
  Result<std::vector<fhir::StoredResource>> Find(std::string_view type,
                                                 std::span<const fhir::Identifier> identifiers);
  Result<std::vector<std::vector<fhir::StoredResource>>> FindEach(std::span<const Wanted> wanted);
  Result<std::vector<std::string>> Namesakes(std::span<const std::string> keys,
                                             const Likeness& likeness, uint32_t max);
  Result<fhir::StoredResource> Current(const fhir::Key& key);
  Result<std::optional<PriorAnswer>> FindAnswer(std::string_view sender,
                                                std::string_view control_id,
                                                const crypto::Digest& digest);
  Result<std::vector<PendingEntry>> PendingEntries(uint32_t max);

 private:
  // In the order of kStatements in the .cc.
  enum Id : uint8_t {
    kBegin,
    kEnd,
    kHome,
    kCurrentRow,
    kVersionRow,
    kPolicy,
    kLabel,
    kConsents,
    kClaim,
    kNamesakes,
    kSameAnswer,
    kOtherAnswer,
    kPending,
    kStatementCount,
  };
  class Snapshot;
  struct Sight;        // what the running search has asked of its Visibility so far
  struct SqlCallback;  // what SQLite calls

  SqliteReader(Connection connection, std::string cursor_key);
  Status Prepare();
  Statement& At(Id id) { return statements_[id]; }
  Result<Statement*> SearchStatement(const std::string& sql);
  Result<int64_t> StepToHome(const fhir::Key& key, Execution* home);
  Result<fhir::StoredResource> CurrentAt(int64_t patient_key, const fhir::Key& key,
                                         const Visibility* visibility);
  // Is each of the persons seen, for that label class?
  Result<bool> SeesAll(const Visibility& visibility, std::string_view persons,
                       int64_t label_class_id);
  Result<bool> SeesOne(const Visibility& visibility, std::string_view person,
                       int64_t label_class_id);
  // Find, in the snapshot that the caller holds.
  Result<std::vector<fhir::StoredResource>> FindNow(const Wanted& wanted);
  // Appends the current version, unless one of that id is there already.
  Status AppendOnce(int64_t patient_key, std::string_view type, std::string_view id,
                    std::vector<fhir::StoredResource>* found);
  // The text lives until the next call.
  Result<std::string_view> LabelText(int64_t label_class_id);
  // Takes version, last_updated, label_class_id, persons and body from columns 1 to 5.
  Status Fill(const Execution& row, fhir::StoredResource* resource);
  Result<std::vector<fhir::StoredResource>> PageRows(const SearchPlan& plan,
                                                     const std::string& type);
  Result<Page> PageOf(const fhir::Query& query);
  Result<uint64_t> Count(const fhir::Query& query);

  Connection connection_;
  const std::string cursor_key_;
  std::array<Statement, kStatementCount> statements_;
  std::unordered_map<std::string, Statement> searches_;   // by SQL text; bounded
  std::unordered_map<int64_t, std::string> label_texts_;  // bounded
  std::unique_ptr<Sight> sight_;                          // null outside of Search
};

}  // namespace gw::store
