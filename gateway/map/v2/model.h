#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/hl7v2/message.h"
#include "gateway/map/feed.h"

namespace gw::map {

struct Remark;

// The HL7 v2 source model: types made from the tables in profiles/hl7v2 (segments, data types,
// message structures). Names a map uses: segments and groups by their own names (PID, PATHWAY),
// field n as f<n>, component n as c<n>, subcomponent n as s<n>: `pid.f3 as cx`, `cx.c1`. Segments
// the structure does not name, Z segments too, stand as `OTHER` with `name`, and f1, f2 ... Dates
// and times arrive as FHIR date or dateTime text: precision kept, zone of the value, else of the
// feed (with daylight saving: MSH-7 has the offset of another day); 0000 parts dropped. Text
// arrives unescaped. An explicit null ("") is a null element. Empty fields have no element.
// Immutable after Load; any thread.
class V2Model {
 public:
  // Errors: kInvalid, where = "file:line".
  static Result<V2Model> Load(const std::string& directory, const fhir::Definitions& definitions);
  V2Model(V2Model&&) noexcept;
  ~V2Model();

  // "PPP_PCB", "PPP_PCB.PATHWAY", "PID", "CX"; null if unknown.
  const fhir::TypeDef* Find(std::string_view type_name) const;
  bool HasStructure(std::string_view structure) const;

  // The message as a tree of its structure's type, groups found leniently: a segment goes to the
  // nearest open group that takes it; one that nothing takes is OTHER, with a remark. Errors:
  // hl7_code 200 (unknown structure), 100 (a required segment is missing; a CON or ARV has no
  // place, or a further PID or MRG none where it stands), 101 (a required field), 102 (a value that
  // is no value of its type, such as a date), each with its Location.
  // `structure`: the message's own, or one that is to be read into it. The tree's texts are those
  // of the message, which must outlive it.
  Result<fhir::Resource> Read(const hl7v2::Message& message, const std::string& structure,
                              const Feed& feed, std::vector<Remark>* remarks) const;

 private:
  struct Tables;
  explicit V2Model(std::unique_ptr<Tables> tables);
  std::unique_ptr<Tables> tables_;
};

// Is it a segment of a message's tree? Groups and fields are not named as their type is; the
// message itself, which stands in nothing, is none.
bool IsSegment(const fhir::Element& node);

// The place of a node of a source tree in HL7's words ("PID-3[2].4"), or "row 7, column planRef"
// for a CSV row.
std::string PlaceOf(const fhir::Element& node);

}  // namespace gw::map
