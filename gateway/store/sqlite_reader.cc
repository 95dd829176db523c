#include "gateway/store/sqlite_reader.h"

#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/store/checked_transaction.h"
#include "gateway/store/search_cursor.h"
#include "gateway/store/shard_key.h"
#include "gateway/store/terms.h"

namespace gw::store {
namespace {

// Columns 1 to 5 of every row of a resource are the same, see Fill.
#define GW_STORE_ROW "version, last_updated, label_class_id, persons, body"

// In the order of SqliteReader::Id.
constexpr std::array kStatements = {
    "BEGIN",
    "COMMIT",
    "SELECT patient_key FROM resource_home WHERE id = ?1 AND type = ?2",
    "SELECT deleted, " GW_STORE_ROW
    " FROM resource WHERE patient_key = ?1 AND type = ?2 AND id = ?3",
    "SELECT deleted, " GW_STORE_ROW
    " FROM resource_version WHERE patient_key = ?1 AND type = ?2 AND id = ?3 AND version = ?4",
    "SELECT policy_class FROM person_policy WHERE patient_key = ?1 AND person = ?2",
    "SELECT text FROM label_class WHERE label_class_id = ?1",
    "SELECT id, " GW_STORE_ROW
    " FROM resource WHERE patient_key = ?1 AND type = 'Consent' AND NOT deleted",
    "SELECT patient_key, id FROM identifier"
    " WHERE value = ?1 AND type = ?2 AND system = ?3 AND claimed",
    "SELECT s.id, r.terms FROM string_value s JOIN resource r"
    " ON r.patient_key = s.patient_key AND r.type = s.type AND r.id = s.id"
    " WHERE s.type = 'Patient' AND s.parameter = '_namesake' AND s.text = ?1"
    " ORDER BY s.id DESC LIMIT ?2",
    "SELECT answer, entry_id FROM message"
    " WHERE control_id = ?1 AND sender = ?2 AND digest = ?3 AND outcome = 'AA'",
    "SELECT answer, entry_id FROM message"
    " WHERE control_id = ?1 AND sender = ?2 AND outcome = 'AA' LIMIT 1",
    "SELECT id, bytes FROM pending_entry ORDER BY sequence LIMIT ?1",
};
#undef GW_STORE_ROW

constexpr size_t kSearchesKept = 128;
constexpr size_t kLabelsKept = 4096;
// A search may take some five seconds of SQLite's work (about 20 ns a step): a longer one would
// keep the write-ahead log from starting again.
constexpr int kStepsPerCall = 100'000;
constexpr int kCallsMax = 2'500;

// Decisions about rows that cost about as much as the steps of one call.
constexpr int kDecisionsPerCall = 2'000;

constexpr SearchDialect kDialect{"caregate_holds(r.terms, r.persons)",
                                 "caregate_sees(r.persons, r.label_class_id)"};

Error Absent() { return Error{Code::kNotFound, "no such resource", "store"}; }
Error Damaged(const char* what) { return Error{Code::kUnavailable, what, "store"}; }

// Is `sees` true for each of the column? Who has no name cannot be asked, so nothing is seen then.
template <typename Sees>
Result<bool> EachPerson(std::string_view persons, Sees sees) {
  while (!persons.empty()) {
    const bool ends_in_nobody = persons.back() == ' ';
    const std::string_view person = NextPerson(&persons);
    if (person.empty() || ends_in_nobody) {
      return false;
    }
    GW_TRY(const bool seen, sees(person));
    if (!seen) {
      return false;
    }
  }
  return true;
}

}  // namespace

// Several statements, one snapshot.
class SqliteReader::Snapshot {
 public:
  static Result<std::unique_ptr<Snapshot>> Begin(SqliteReader* reader) {
    GW_RETURN_IF_ERROR(Execution(reader->At(kBegin)).Finish());
    return std::unique_ptr<Snapshot>(new Snapshot(reader));
  }
  // Ends a transaction that has only read: what this could answer tells nothing.
  ~Snapshot() { (void)Execution(reader_->At(kEnd)).Finish(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  explicit Snapshot(SqliteReader* reader) : reader_(reader) {}
  SqliteReader* reader_;
};

struct SqliteReader::Sight {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using ByPerson = std::unordered_map<std::string, bool, Hash, std::equal_to<>>;

  Sight(const fhir::Query& wanted, const Visibility& asked) : query(wanted), visibility(asked) {}
  const fhir::Query& query;
  const Visibility& visibility;
  std::unordered_map<int64_t, ByPerson> answers;  // by label class, then person
  Terms terms;                                    // of the row that is decided
  std::optional<Error> failure;                   // why a function could not answer
  int decisions = 0;
  int calls = 0;  // of the progress handler
};

struct SqliteReader::SqlCallback {
  static std::string_view Bytes(sqlite3_value* value) {
    const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
    const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
  }

  static void Answer(sqlite3_context* context, Sight* sight, const Result<bool>& answer) {
    sight->calls += ++sight->decisions % kDecisionsPerCall == 0 ? 1 : 0;
    if (answer) {
      sqlite3_result_int(context, *answer ? 1 : 0);
      return;
    }
    sight->failure = answer.error();
    sqlite3_result_error(context, "undecided", -1);
  }

  // caregate_holds(terms, persons): 1 or 0.
  static void Holds(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
    Sight& sight = *static_cast<SqliteReader*>(sqlite3_user_data(context))->sight_;
    const Status read = UnpackTerms(Bytes(arguments[0]), &sight.terms);
    Answer(context, &sight,
           read ? Result<bool>(Meets(sight.query, sight.terms, Bytes(arguments[1])))
                : Result<bool>(read.error()));
  }

  static bool Meets(const fhir::Query& query, const Terms& terms, std::string_view persons) {
    const auto inside = [&](size_t place) {
      const std::vector<std::string>& patients = *query.compartment;
      return std::find(patients.begin(), patients.end(), PersonAt(persons, place)) !=
             patients.end();
    };
    return (!query.compartment ||
            std::any_of(terms.compartments.begin(), terms.compartments.end(), inside)) &&
           std::all_of(query.criteria.begin(), query.criteria.end(), [&](const auto& criterion) {
             return IsOwnColumn(criterion) || fhir::MeetsCriterion(criterion, terms.rows);
           });
  }

  // caregate_sees(persons, label_class_id): 1 or 0. A person's policy class is read in the query's
  // own snapshot; each pair of person and label class is asked once in a query.
  static void Sees(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
    auto* reader = static_cast<SqliteReader*>(sqlite3_user_data(context));
    const int64_t label = sqlite3_value_int64(arguments[1]);
    Answer(context, reader->sight_.get(),
           EachPerson(Bytes(arguments[0]), [reader, label](std::string_view person) {
             return Remembered(reader, person, label);
           }));
  }

  static Result<bool> Remembered(SqliteReader* reader, std::string_view person, int64_t label) {
    Sight& sight = *reader->sight_;
    Sight::ByPerson& answers = sight.answers[label];
    if (const auto known = answers.find(person); known != answers.end()) {
      return known->second;
    }
    GW_TRY(const bool sees, reader->SeesOne(sight.visibility, person, label));
    answers.emplace(person, sees);
    return sees;
  }

  static int Progress(void* data) {
    auto* reader = static_cast<SqliteReader*>(data);
    return reader->sight_ != nullptr && ++reader->sight_->calls > kCallsMax ? 1 : 0;
  }
};

SqliteReader::SqliteReader(Connection connection, std::string cursor_key)
    : connection_(std::move(connection)), cursor_key_(std::move(cursor_key)) {}

SqliteReader::~SqliteReader() = default;

Result<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path,
                                                         std::string cursor_key) {
  GW_TRY(Connection connection, Connection::Open(path, Connection::Mode::kReader));
  std::unique_ptr<SqliteReader> reader(
      new SqliteReader(std::move(connection), std::move(cursor_key)));
  GW_RETURN_IF_ERROR(reader->Prepare());
  return reader;
}

Status SqliteReader::Prepare() {
  static_assert(kStatements.size() == kStatementCount);
  for (size_t i = 0; i < kStatements.size(); ++i) {
    GW_TRY(statements_[i], connection_.Prepare(kStatements[i]));
  }
  const auto add = [this](const char* name, auto* function) {
    return sqlite3_create_function_v2(connection_.handle(), name, 2,
                                      SQLITE_UTF8 | SQLITE_DIRECTONLY, this, function, nullptr,
                                      nullptr, nullptr);
  };
  int code = add("caregate_sees", &SqlCallback::Sees);
  code = code == SQLITE_OK ? add("caregate_holds", &SqlCallback::Holds) : code;
  sqlite3_progress_handler(connection_.handle(), kStepsPerCall, &SqlCallback::Progress, this);
  return code == SQLITE_OK ? Status() : Status(SqliteError(code));
}

Result<fhir::StoredResource> SqliteReader::Read(const fhir::Key& key,
                                                const Visibility& visibility) {
  Execution home(At(kHome));  // stands on its row while the rest is read: one snapshot
  GW_TRY(const int64_t patient_key, StepToHome(key, &home));
  return CurrentAt(patient_key, key, &visibility);
}

Result<fhir::StoredResource> SqliteReader::Current(const fhir::Key& key) {
  Execution home(At(kHome));
  GW_TRY(const int64_t patient_key, StepToHome(key, &home));
  return CurrentAt(patient_key, key, nullptr);
}

Result<int64_t> SqliteReader::StepToHome(const fhir::Key& key, Execution* home) {
  home->Text(key.id).Text(key.type);
  GW_TRY(const bool found, home->Step());
  if (!found) {
    return Absent();
  }
  return home->IntAt(0);
}

// `visibility` null: unfiltered, and a deleted resource is returned as it is.
Result<fhir::StoredResource> SqliteReader::CurrentAt(int64_t patient_key, const fhir::Key& key,
                                                     const Visibility* visibility) {
  Execution row(At(kCurrentRow));
  row.Int(patient_key).Text(key.type).Text(key.id);
  GW_TRY(const bool found, row.Step());
  if (!found) {
    return Damaged("a resource is not where its home says");
  }
  if (visibility != nullptr) {
    GW_TRY(const bool sees, SeesAll(*visibility, row.TextAt(4), row.IntAt(3)));
    if (!sees) {
      return Absent();
    }
    if (row.IntAt(0) != 0) {
      return Error{Code::kGone, "the resource was deleted", "store"};
    }
  }
  Result<fhir::StoredResource> resource = fhir::StoredResource();
  resource->key = key;
  resource->deleted = row.IntAt(0) != 0;
  GW_RETURN_IF_ERROR(Fill(row, &*resource));
  return resource;
}

// A version is seen by those who may see it as it was and the resource as it is now: neither a
// label that came later nor one that is gone opens what lies before it.
Result<fhir::StoredResource> SqliteReader::ReadVersion(const fhir::Key& key, uint64_t version,
                                                       const Visibility& visibility) {
  Execution home(At(kHome));
  GW_TRY(const int64_t patient_key, StepToHome(key, &home));
  Result<fhir::StoredResource> current = CurrentAt(patient_key, key, &visibility);
  if (current ? current->version == version : current.error().code != Code::kGone) {
    return current;
  }
  Execution row(At(kVersionRow));
  row.Int(patient_key).Text(key.type).Text(key.id).Int(static_cast<int64_t>(version));
  GW_TRY(const bool found, row.Step());
  if (!found) {
    // The version that deletes is the current one, or there is no such version.
    GW_TRY(const fhir::StoredResource last, CurrentAt(patient_key, key, nullptr));
    return last.deleted && last.version == version ? current : Absent();
  }
  GW_TRY(const bool sees, SeesAll(visibility, row.TextAt(4), row.IntAt(3)));
  if (!sees) {
    return Absent();
  }
  if (row.IntAt(0) != 0) {
    return Error{Code::kGone, "this version is a deletion", "store"};
  }
  Result<fhir::StoredResource> resource = fhir::StoredResource();
  resource->key = key;
  GW_RETURN_IF_ERROR(Fill(row, &*resource));
  return resource;
}

Result<bool> SqliteReader::SeesAll(const Visibility& visibility, std::string_view persons,
                                   int64_t label_class_id) {
  return EachPerson(persons, [&](std::string_view person) {
    return SeesOne(visibility, person, label_class_id);
  });
}

Result<bool> SqliteReader::SeesOne(const Visibility& visibility, std::string_view person,
                                   int64_t label_class_id) {
  GW_TRY(const uint64_t policy_class, PolicyClassOf(person));
  GW_TRY(const std::string_view label_class, LabelText(label_class_id));
  try {
    return visibility.Sees(person, policy_class, label_class);
  } catch (const std::exception&) {  // between here and the caller there may be SQLite's frames
    return Error{Code::kInternal, "deciding what may be seen failed", "store"};
  }
}

Result<uint64_t> SqliteReader::PolicyClassOf(std::string_view person) {
  Execution find(At(kPolicy));
  find.Int(PatientKey(person)).Text(person);
  GW_TRY(const bool found, find.Step());
  return found ? static_cast<uint64_t>(find.IntAt(0)) : uint64_t{0};
}

Result<std::string_view> SqliteReader::LabelText(int64_t label_class_id) {
  if (const auto known = label_texts_.find(label_class_id); known != label_texts_.end()) {
    return std::string_view(known->second);
  }
  Execution find(At(kLabel));
  find.Int(label_class_id);
  GW_TRY(const bool found, find.Step());
  if (!found) {
    return Damaged("a label class has no text");
  }
  if (label_texts_.size() >= kLabelsKept) {
    label_texts_.clear();
  }
  return std::string_view(label_texts_[label_class_id] = std::string(find.TextAt(0)));
}

Status SqliteReader::Fill(const Execution& row, fhir::StoredResource* resource) {
  resource->version = static_cast<uint64_t>(row.IntAt(1));
  resource->last_updated = Instant{row.IntAt(2)};
  GW_TRY(resource->label_class, LabelText(row.IntAt(3)));
  resource->persons = SplitPersons(row.TextAt(4));
  resource->json = row.TextAt(5);
  return {};
}

Result<Page> SqliteReader::Search(const fhir::Query& query, const Visibility& visibility) {
  if (query.compartment && query.compartment->empty()) {
    Page nothing;
    nothing.total = 0;
    return nothing;
  }
  sight_ = std::make_unique<Sight>(query, visibility);
  Result<Page> page = Page();
  if (query.count == 0) {
    Result<uint64_t> total = Count(query);
    if (total) {
      page->total = *total;
    } else {
      page = total.error();
    }
  } else {
    page = PageOf(query);
  }
  const std::unique_ptr<Sight> sight = std::move(sight_);
  if (!page && sight->failure) {
    return *sight->failure;
  }
  if (!page && sight->calls > kCallsMax) {
    return Error{Code::kTooLarge, "the search takes too long; narrow it", "store"};
  }
  return page;
}

Result<Page> SqliteReader::PageOf(const fhir::Query& query) {
  const crypto::Digest search = DigestOf(query);
  std::optional<SearchPosition> after;
  if (!query.cursor.empty()) {
    GW_TRY(after, DecodeCursor(query.cursor, search, cursor_key_));
  }
  GW_TRY(const SearchPlan plan,
         PlanSearch(query, SearchShape::kPage, after ? &*after : nullptr, kDialect));
  Page page;
  GW_TRY(page.resources, PageRows(plan, query.type));
  if (page.resources.size() > query.count) {
    page.resources.pop_back();
    const fhir::StoredResource& last = page.resources.back();
    page.next_cursor =
        EncodeCursor(SearchPosition{last.last_updated.unix_us, last.key.id}, search, cursor_key_);
  } else if (!after) {
    page.total = page.resources.size();
  }
  return page;
}

namespace {

void BindAll(const SearchPlan& plan, Execution* run) {
  for (const SqlValue& value : plan.values) {
    if (const auto* number = std::get_if<int64_t>(&value)) {
      run->Int(*number);
    } else {
      run->Text(std::get<std::string>(value));
    }
  }
}

}  // namespace

Result<std::vector<fhir::StoredResource>> SqliteReader::PageRows(const SearchPlan& plan,
                                                                 const std::string& type) {
  GW_TRY(Statement* const statement, SearchStatement(plan.sql));
  Execution run(*statement);
  BindAll(plan, &run);
  std::vector<fhir::StoredResource> rows;
  while (true) {
    GW_TRY(const bool more, run.Step());
    if (!more) {
      return rows;
    }
    fhir::StoredResource& resource = rows.emplace_back();
    resource.key = fhir::Key{type, std::string(run.TextAt(0))};
    GW_RETURN_IF_ERROR(Fill(run, &resource));
  }
}

Result<uint64_t> SqliteReader::Count(const fhir::Query& query) {
  GW_TRY(const SearchPlan plan, PlanSearch(query, SearchShape::kCount, nullptr, kDialect));
  GW_TRY(Statement* const statement, SearchStatement(plan.sql));
  Execution run(*statement);
  BindAll(plan, &run);
  GW_TRY(const bool row, run.Step());
  return row ? static_cast<uint64_t>(run.IntAt(0)) : uint64_t{0};
}

Result<Statement*> SqliteReader::SearchStatement(const std::string& sql) {
  if (const auto known = searches_.find(sql); known != searches_.end()) {
    return &known->second;
  }
  GW_TRY(Statement statement, connection_.Prepare(sql));
  if (searches_.size() >= kSearchesKept) {
    searches_.clear();
  }
  return &(searches_[sql] = std::move(statement));
}

Result<Consents> SqliteReader::ConsentsOf(std::string_view person) {
  GW_TRY(const auto snapshot, Snapshot::Begin(this));
  Consents consents;
  GW_TRY(consents.policy_class, PolicyClassOf(person));
  Execution row(At(kConsents));
  row.Int(PatientKey(person));
  while (true) {
    GW_TRY(const bool more, row.Step());
    if (!more) {
      return consents;
    }
    fhir::StoredResource consent;
    consent.key = fhir::Key{"Consent", std::string(row.TextAt(0))};
    GW_RETURN_IF_ERROR(Fill(row, &consent));
    // Another person's hash may be the same.
    if (!consent.persons.empty() && consent.persons.front() == person) {
      consents.resources.push_back(std::move(consent));
    }
  }
}

Result<std::vector<fhir::StoredResource>> SqliteReader::Find(
    std::string_view type, std::span<const fhir::Identifier> identifiers) {
  GW_TRY(const auto snapshot, Snapshot::Begin(this));
  return FindNow({type, identifiers});
}

Result<std::vector<std::vector<fhir::StoredResource>>> SqliteReader::FindEach(
    std::span<const Wanted> wanted) {
  GW_TRY(const auto snapshot, Snapshot::Begin(this));
  std::vector<std::vector<fhir::StoredResource>> found;
  found.reserve(wanted.size());
  for (const Wanted& one : wanted) {
    GW_TRY(std::vector<fhir::StoredResource> resources, FindNow(one));
    found.push_back(std::move(resources));
  }
  return found;
}

Result<std::vector<fhir::StoredResource>> SqliteReader::FindNow(const Wanted& wanted) {
  std::vector<fhir::StoredResource> found;
  for (const fhir::Identifier& identifier : wanted.identifiers) {
    Execution claim(At(kClaim));
    claim.Text(identifier.value).Text(wanted.type).Text(identifier.system);
    GW_TRY(const bool claimed, claim.Step());
    if (claimed) {
      GW_RETURN_IF_ERROR(AppendOnce(claim.IntAt(0), wanted.type, claim.TextAt(1), &found));
    }
  }
  return found;
}

Result<std::vector<std::string>> SqliteReader::Namesakes(std::span<const std::string> keys,
                                                         const Likeness& likeness, uint32_t max) {
  std::vector<std::string> found;
  if (keys.empty()) {
    return found;
  }
  GW_TRY(const auto snapshot, Snapshot::Begin(this));
  Terms terms;
  for (const std::string& key : keys) {
    Execution row(At(kNamesakes));
    row.Text(key).Int(kNamesakesMax);
    while (found.size() < max) {
      GW_TRY(const bool more, row.Step());
      if (!more) {
        break;
      }
      GW_RETURN_IF_ERROR(UnpackTerms(row.BlobAt(1), &terms));
      const bool again = std::find(found.begin(), found.end(), row.TextAt(0)) != found.end();
      if (!again && likeness.Fits(terms.rows)) {
        found.emplace_back(row.TextAt(0));
      }
    }
  }
  return found;
}

Status SqliteReader::AppendOnce(int64_t patient_key, std::string_view type, std::string_view id,
                                std::vector<fhir::StoredResource>* found) {
  const bool again =
      std::any_of(found->begin(), found->end(),
                  [id](const fhir::StoredResource& one) { return one.key.id == id; });
  if (!again) {
    GW_TRY(fhir::StoredResource resource,
           CurrentAt(patient_key, {std::string(type), std::string(id)}, nullptr));
    found->push_back(std::move(resource));
  }
  return {};
}

Result<std::optional<PriorAnswer>> SqliteReader::FindAnswer(std::string_view sender,
                                                            std::string_view control_id,
                                                            const crypto::Digest& digest) {
  Execution same(At(kSameAnswer));
  same.Text(control_id).Text(sender).Blob(crypto::AsBytes(digest));
  GW_TRY(const bool is_same, same.Step());
  if (is_same) {
    return std::optional(
        PriorAnswer{std::string(same.BlobAt(0)), std::string(same.TextAt(1)), true});
  }
  // Of a sender that uses one control id again and again any one does.
  Execution other(At(kOtherAnswer));
  other.Text(control_id).Text(sender);
  GW_TRY(const bool is_used, other.Step());
  if (!is_used) {
    return std::optional<PriorAnswer>();
  }
  return std::optional(
      PriorAnswer{std::string(other.BlobAt(0)), std::string(other.TextAt(1)), false});
}

Result<std::vector<PendingEntry>> SqliteReader::PendingEntries(uint32_t max) {
  Execution row(At(kPending));
  row.Int(max);
  std::vector<PendingEntry> entries;
  while (true) {
    GW_TRY(const bool more, row.Step());
    if (!more) {
      return entries;
    }
    entries.push_back(PendingEntry{std::string(row.TextAt(0)), std::string(row.BlobAt(1))});
  }
}

}  // namespace gw::store
