#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/hl7v2/message.h"
#include "gateway/map/change/change.h"
#include "gateway/map/feed.h"

namespace gw::map {

// A remark on one translation: what was dropped, doubtful or out of order.
struct Remark {
  char severity = 'W';  // E: this part was refused; W; I
  std::string code;  // "unread", "unmapped-code", "bad-check-digit", "row-refused", "row-held", ...
  std::string where;  // "PID-3[2]", "row 7, column DOB"
  std::string text;   // the rule, never the value
};

struct Unmapped {
  std::string system;
  std::string code;
  std::string where;
};

// What one message, or one group of CSV rows with the same key, becomes.
struct Translation {
  std::vector<Change> changes;
  std::vector<Remark> remarks;
  std::vector<std::string> unread;  // places of valued fields that no rule read
  std::vector<Unmapped> unmapped;   // codes that a ConceptMap did not know
};

// The rows of a CSV file that become one Translation, in file order. An error with hl7_code 204
// holds them for matching; with any other they are refused.
struct RowGroup {
  std::vector<uint32_t> rows;  // counted from 1 after the header, records not lines
  Result<Translation> translation;
  bool superseded = false;  // a later group of the file is a later state of the same thing
  // A digest of the feed's key columns and what stands in them; empty: nothing says what it is of.
  std::string key = {};
};

struct CsvTranslation {
  // In order of the first row of their key; rows that supersede each other in their own order.
  std::vector<RowGroup> groups;
  uint32_t rows_read = 0, duplicates = 0, refused = 0, held = 0, blank = 0, trailers = 0;
  std::vector<Remark> remarks;  // of the file, and of every row that is in no group
};

// Of two states as the rows of one feed count them (Feed::supersede_by): version numbers are
// numbers, days are text that sorts. One that is not said is earlier than any that is.
bool IsEarlierState(std::string_view a, std::string_view b);

struct TraceStep;

// Is told what the rules make, step by step (gateway/map/plan/plan.h).
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void Made(const TraceStep& step) = 0;
};

struct TranslatorOptions {
  // The key of the identifiers that are made from names (decision 9): a secret of the deployment,
  // the same for ever. Empty: a key that everybody knows, for convert and for tests only.
  std::string hash_key;
  Limits limits;
  // For `map trace`; such a translator serves one thread at a time. Must outlive it.
  TraceSink* trace = nullptr;
};

// All maps of one mappings/ directory, checked against source and target definitions and compiled.
// Immutable after Load; any thread. The definitions must outlive it.
class Translator {
 public:
  // Errors: kInvalid, where = "file:line:column": an unparsed token, unknown element, wrong type,
  // missing group, a broken ConceptMap, an event of messages.json whose structure has no map.
  // `profiles_directory` holds the v2 tables the source model
  // is made from.
  static Result<Translator> Load(const std::string& mappings_directory,
                                 const std::string& profiles_directory,
                                 const fhir::Definitions& definitions,
                                 const TranslatorOptions& options = {});
  Translator(Translator&&) noexcept;
  ~Translator();

  // The feed with the code tables that it does not have, and the codes that its own lack, taken
  // from the ConceptMaps urn:caregate:codes:<table>. FromV2 and FromCsv take any feed; one that was
  // completed once saves them the work.
  Feed Complete(Feed feed) const;

  // Does the feed find what it names: a CSV feed its map and that map's columns, a feed that takes
  // common segments the map for them, any feed a map that asks for each of its code tables?
  // Errors: kInvalid, where = "feed: key".
  Status Check(const Feed& feed) const;
  // Is each table that a map asks for there, as a ConceptMap or in one of the feeds at least?
  // Errors: kInvalid, where = "file:line:column" of the map.
  Status CheckTables(const std::map<std::string, Feed, std::less<>>& feeds) const;

  // SHA-256 over the names and bytes of all map files, hex: recorded in each Provenance.
  const std::string& version() const;

  // Is there a map for this message, or does the feed take what the common segments say? Errors:
  // hl7_code 200 (type) or 201 (event).
  Status Takes(const hl7v2::Message& message, const Feed& feed) const;

  // Pure: the same message, feed and `now` give the same changes, urn:uuids included.
  // A person whom no identifier names is a remark "unidentified" of severity E: such a message is
  // for a human, and convert shows it. Errors: hl7_code per table 0357 with the place; nothing of a
  // refused message is returned.
  Result<Translation> FromV2(const hl7v2::Message& message, const Feed& feed, Instant now) const;
  // Errors: kInvalid where the header lacks a column (where = the column), kTooLarge; bad rows are
  // reported in the groups and do not stop the others.
  Result<CsvTranslation> FromCsv(std::string_view bytes, const Feed& feed, Instant now) const;

  struct Parts;  // of this module

 private:
  explicit Translator(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gw::map
