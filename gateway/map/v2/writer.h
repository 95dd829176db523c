#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/map/export/destination.h"
#include "gateway/map/translate.h"

namespace gw::map {

// Which fields and components which version of HL7 v2 has, as profiles/hl7v2/versions.txt says:
// "PTH-7 from 2.6", "PID-2 to 2.6", "CWE.9 from 2.6". What it does not name, all versions have.
// Immutable after Load; any thread.
class V2Versions {
 public:
  // Errors: kInvalid, where = "file:line".
  static Result<V2Versions> Load(const std::string& path);

  // Takes out of a message what the version does not have, each with a remark "not-in-version"
  // where a value went. A text that only CWE.9 held goes to CWE.2 where CWE.9 goes.
  void Fit(fhir::Element* message, std::string_view version, std::vector<Remark>* remarks) const;

 private:
  friend class VersionFitter;
  struct Range {
    std::string name;  // "PTH-7", "CX.7", "PRT"
    int from = 0, to = 0;
  };
  const Range* Find(std::string_view name) const;
  std::vector<Range> ranges_;  // sorted by name
};

// Numbers the segments and fields of a message tree that a map made, as reading does, so that
// PlaceOf() names them, and fills the set ids (field 1 of type SI) that no rule filled.
void NumberSegments(fhir::Element* message);

// A message tree of V2Model as ER7: segments in the structure's order, the destination's
// separators, escapes and character set, `""` for null elements (and `\X2222\` for a text of two
// quotes), FHIR dates and times as DT, DTM and TM of the same precision with their offset, no empty
// parts at the end of anything. MSH-1 and MSH-2 are written here, whatever the tree says. A segment
// ends with CR. Errors: kUnprocessable, where = the place ("PID-5"), for a character that the set
// lacks where the destination refuses those; each that is escaped is a remark "escaped-character".
Result<std::string> WriteV2(const fhir::Element& message, const Destination& destination,
                            std::vector<Remark>* remarks);

}  // namespace gw::map
