#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/fhir/package.h"
#include "gateway/fhir/resource.h"

namespace gw::fhir {

enum class Prefix : uint8_t { kEq, kNe, kGt, kLt, kGe, kLe, kSa, kEb, kAp };

// One value of a criterion, read according to the parameter's kind.
struct SearchValue {
  Prefix prefix = Prefix::kEq;
  // kToken: `system` is absent where no | stood ("code"), empty for "|code"; code may be empty for
  // "system|".
  std::optional<std::string> system;
  std::string text;            // token code; reference id or absolute URL; folded string; uri
  std::string reference_type;  // kReference: "Patient", empty if the value named no type
  int64_t low_us = 0;          // kDate: the value's interval [low, high), microseconds since 1970
  int64_t high_us = 0;
};

// values are ORed; criteria of one query are ANDed.
struct Criterion {
  const SearchParameter* parameter = nullptr;
  std::string modifier;  // "missing", "not", "Patient" ...; those that are not offered are refused
                         // when parsed
  std::vector<SearchValue> values;
};

// A parsed search. `_id` and `_lastUpdated` are criteria like any other.
struct Query {
  std::string type;
  std::vector<Criterion> criteria;
  // Set by access::Permit::Narrow: only what is in the compartment of one of these Patient ids.
  // Empty optional: no narrowing. An empty vector sees nothing.
  std::optional<std::vector<std::string>> compartment;
  uint32_t count = 50;
  std::string cursor;  // opaque keyset cursor of the store; empty: first page
  std::vector<std::pair<std::string, std::string>>
      applied;                       // name and raw value, as the self link repeats them
  std::vector<std::string> ignored;  // names skipped under handling=lenient
};

class SearchIndexer;

// Reads the query part of a search ("patient=Patient/1&date=ge2026", percent-encoded), of GET or
// POST _search. Parameters that R4 defines for all types but that are not offered here are refused,
// never ignored in silence. lenient: unknown parameters go to `ignored`; if no restricting
// parameter is left then, the search is refused. Modifiers: :missing, :not of tokens, :Type of
// references. A string matches what begins with it, case and accents aside. Dates without a zone
// are UTC; ap is not offered. Token codes compare exactly. A reference is an id, Type/id, or an
// absolute URL, which is kept as text. A _count past the bound is lowered to it, 0 asks for the
// total alone; _cursor is the page; _format is kept for the links only. Errors: kInvalid (unknown
// parameter or modifier, bad value: where = the parameter's name), kTooLarge (more values than
// limits.search_values_max), kUnsupported (the type). Spec: R4 search.html 3.1.1.
Result<Query> ParseQuery(std::string_view type, std::string_view text, bool lenient,
                         const SearchIndexer& indexer, const Limits& limits);

// One row of the search index, as a resource gives it for one parameter.
struct IndexEntry {
  std::string_view code;  // the search parameter
  SearchKind kind = SearchKind::kToken;
  std::string system;          // token
  std::string text;            // token code, string (folded), uri, reference id
  std::string reference_type;  // reference
  int64_t low_us = 0;          // date: interval [low, high)
  int64_t high_us = 0;
};

// The same row as it is compared, wherever its texts lie: in an IndexEntry, or packed in a store.
struct IndexRow {
  std::string_view code;
  SearchKind kind = SearchKind::kToken;
  std::string_view system;
  std::string_view text;
  std::string_view reference_type;
  int64_t low_us = 0;
  int64_t high_us = 0;
};
// Views of the entries, which must outlive them.
std::vector<IndexRow> RowsOf(std::span<const IndexEntry> entries);

// Does a resource of these index rows meet the criterion, its modifier included? The one rule of
// matching: Matches and the stores decide by it. Not for _id and _lastUpdated, which are no rows.
bool MeetsCriterion(const Criterion& criterion, std::span<const IndexRow> rows);

// Rows of Patients that serve no search parameter. By those of kNamesake, in the index of strings,
// the store finds who has a family name and day of birth (store::Store::Namesakes). By the others,
// beside those of birthdate and identifier, it is told whether a human should compare two Patients
// (identity::MayBeSame), so that the resources need not be read for it. Tokens, as they are
// written; of kName the system is the family name, and the text the first given name.
inline constexpr std::string_view kNamesake = "_namesake";
inline constexpr std::string_view kSex = "_sex";
inline constexpr std::string_view kName = "_name";
inline constexpr std::string_view kPostcode = "_postcode";
// The texts of those rows: the day of birth with each family name, folded as strings are for a
// search. Empty without a whole day of birth.
std::vector<std::string> NamesakeKeys(const Resource& patient);

// The parameters that a store indexes and that the CapabilityStatement names: for each type the
// ones offered, of R4 and of packages. Compiles their expressions once. What it is made of must
// outlive it. Immutable after Make; any thread.
class SearchIndexer {
 public:
  // `searches`: those of packages (Packages::searches). They are offered for the types that are
  // served, where R4's own of that code is not. Errors: kInternal where R4 has no such search
  // parameter or compartment; kInvalid, where = "SearchParameter <canonical>: <place>": an
  // expression that is missing or does not compile, a code that a URL cannot hold, a base that is
  // no resource type, a code that two packages define differently.
  static Result<SearchIndexer> Make(const Definitions& definitions,
                                    std::span<const PackageSearch> searches = {});
  SearchIndexer(SearchIndexer&&) noexcept;
  ~SearchIndexer();

  const Definitions& definitions() const;
  // Names all that the rows of an index depend on: rows that were made under another signature are
  // made anew (store::SqliteOptions::indexer).
  const std::string& signature() const;
  // Parameters of packages that are not offered, as "canonical for type: why".
  const std::vector<std::string>& left_out() const;

  // The parameter where it is offered for the type, _id and _lastUpdated too; null where it is not.
  const SearchParameter* Find(std::string_view type, std::string_view code) const;
  bool Offers(std::string_view type, std::string_view code) const {
    return Find(type, code) != nullptr;
  }
  std::vector<const SearchParameter*> OfferedFor(std::string_view type) const;  // sorted by code
  // All index rows of a resource but _id and _lastUpdated, which are columns of their own. Of a
  // Patient those of kNamesake too.
  std::vector<IndexEntry> Index(const Resource& resource) const;
  // Ids of the Patients whose compartment holds the resource; a Patient is in its own. Order:
  // subject first.
  std::vector<std::string> CompartmentsOf(const Resource& resource) const;

 private:
  struct Compiled;
  explicit SearchIndexer(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// Does the resource match the query's criteria, and lie in its compartment where it names one? The
// oracle for the stores.
bool Matches(const Query& query, const Resource& resource, const SearchIndexer& indexer);

}  // namespace gw::fhir
