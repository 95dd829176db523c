#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/flow/parts.h"

namespace gw::flow {

// Which records of persons are one person's: what merges left in Patient.link (care-coordination
// decision 4), and the merges of the message in hand. No record moves: a chain of links leads to
// the one that counts. For one message; not thread-safe.
class PersonLinks {
 public:
  explicit PersonLinks(const Parts& parts) : parts_(parts) {}

  // Into which record the Patient was merged in the end; its own id where into none. Errors:
  // kConflict where the links make a circle, or are more than kChainMax; kUnavailable.
  Result<std::string> EndOf(const std::string& patient);

  // One more merge, that is not stored yet. False where a chain of other merges says it already: no
  // link is to be made. Errors: kConflict 204: the survivor was merged into the loser, or is it;
  // the loser was merged into another record before. `where`: its place.
  Result<bool> Merge(const std::string& loser, const std::string& survivor,
                     const std::string& where);

  // All records that are one with the Patient's, the end first. Errors: as EndOf.
  Result<std::vector<std::string>> SetOf(const std::string& patient);

  // All records that are one with the Patient's as both sides of each merge say: what only one of
  // two records says of the other joins nothing, so that unlinking either side ends it, and nobody
  // comes to a record by what stands in their own. The Patient first. Errors: kUnavailable.
  Result<std::vector<std::string>> AgreedSetOf(const std::string& patient);

  // The records that a merge linked with this one, in either direction.
  static std::vector<std::string> LinkedBy(const fhir::Element& patient);

  // Whose `replaced-by` the resource has: a Patient's id; empty where there is none.
  static std::string ReplacedBy(const fhir::Element& patient);

 private:
  Result<std::string> Next(const std::string& patient);
  Result<std::vector<std::string>> Replaced(const std::string& patient);

  const Parts& parts_;
  std::map<std::string, std::string> merges_;  // of the message in hand: loser -> survivor
};

}  // namespace gw::flow
