#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"

namespace gw::map {

struct MapFile {
  std::string name;  // as errors show it: "hl7v2-to-fhir/message/PPP_PCB.map"
  std::string text;
};

// What a run gives back besides its target.
struct Mapped {
  fhir::Resource target;
  std::vector<const fhir::Element*>
      unread;  // valued leaves of the source that no rule read, document order
  std::vector<Unmapped> unmapped;
  std::vector<Remark> remarks;  // log and check of the language
  uint64_t steps = 0;  // elements of the source that were looked at, and targets that were run
};

// One element that a rule made, as `map trace` tells it. Valid during the call; the element holds
// what the rule has put there so far.
struct TraceStep {
  std::string_view rule;   // its name
  std::string_view place;  // "file:line:column"
  const fhir::Element* source = nullptr;
  const fhir::Element* target = nullptr;
};

struct RunOptions {
  const Feed* feed = nullptr;  // identifier systems, code tables ("urn:caregate:feed:<table>")
  Instant now;
  std::string seed;  // names the run: uuid() gives the same UUIDs for the same seed
  std::string
      hash_key;  // of keyedHash(): a secret of the deployment; without it that transform fails
  // Where set: called for each target that a rule made.
  const std::function<void(const TraceStep& step)>* trace = nullptr;
};

// A table of the feed that a map asks for, "urn:caregate:feed:<name>", and where it first does.
struct FeedTable {
  std::string name;
  std::string where;       // "file:line:column"
  bool has_codes = false;  // there is a ConceptMap of that name
};

struct CompileOptions {
  // A variable that is bound and never used hides a value that is dropped; false lets it pass, as
  // other engines do.
  bool refuse_unused_variables = true;
  // A string may stand where one other primitive is declared: its form is checked in the run, as
  // other engines do.
  bool check_texts_in_runs = false;
};

// FHIR Mapping Language maps, checked and compiled to a flat plan. A source element that is the HL7
// v2 null makes its target element null and its dependent rules do not run. Immutable after
// Compile; any thread. Spec: FHIR R4 mapping-language.html, structuremap.html.
class Plan {
 public:
  // `find_source` gives source types by the url of a `uses ... as source` or `... as queried`
  // declaration. `concept_maps` are ConceptMap resources that translate() may name. Errors:
  // kInvalid, where = "file:line:column".
  static Result<Plan> Compile(
      std::span<const MapFile> files,
      const std::function<const fhir::TypeDef*(std::string_view url)>& find_source,
      std::span<const fhir::Resource> concept_maps, const fhir::Definitions& definitions,
      const CompileOptions& options = {});
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  bool Has(std::string_view map_url) const;
  // Each once. Whether a feed has the others, whoever knows the feeds must ask.
  std::span<const FeedTable> feed_tables() const;
  // The type that the first group of the map takes; null where the map cannot be run.
  const fhir::TypeDef* SourceOf(std::string_view map_url) const;
  // Runs the first group of the map. Errors: kInvalid where a check or a mandatory source fails,
  // with the place in the source and the rule's name; kUnprocessable where the target cannot take a
  // value.
  Result<Mapped> Run(std::string_view map_url, const fhir::Element& source,
                     const RunOptions& options) const;

 private:
  struct Parts;
  explicit Plan(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gw::map
