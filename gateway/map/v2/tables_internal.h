#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/map/v2/zone.h"

// What profiles/hl7v2 says, in the form that reading a message needs: no look-up by name is left.
namespace gw::map::v2 {

// The most parts that a field or component is read to; what a sender adds to the defined ones too.
inline constexpr size_t kComponentsMax = 40;
inline constexpr size_t kSubcomponentsMax = 25;
inline constexpr size_t kFieldsMax = 250;
// The most repetitions of a field in a message that is taken: as it is read a field's repetitions
// are looked through for each other.
inline constexpr uint32_t kRepetitionsMax = 1'000;

enum class Form : uint8_t {
  kText,
  kTextAsIs,  // outer blanks are part of it
  kNumber,
  kDate,
  kDateTime,
  kTime,
  kVaries,  // as it comes: text, or components
  kComposite
};

// A data type. A composite one is two types of the model: in a field its parts are c1, c2 ...,
// in a component s1, s2 ...
struct DataType {
  std::string name;
  Form form = Form::kText;
  const fhir::TypeDef* in_field = nullptr;  // of the node; for a primitive FHIR's own type
  const fhir::TypeDef* in_component = nullptr;
  std::vector<const DataType*> parts;
};

struct Field {
  const fhir::ElementDef* element = nullptr;
  const DataType* type = nullptr;
  bool required = false;
  bool essential = false;  // a wrong date there refuses the message; elsewhere it is left out
};

// A segment's three letters as one number.
using SegmentId = uint32_t;
SegmentId IdOf(std::string_view segment_name);

struct SegmentDef {
  std::string name;
  const fhir::TypeDef* type = nullptr;
  std::vector<Field> fields;
};

struct Group;

// One place of a group: a segment or an inner group.
struct Item {
  const fhir::ElementDef* element = nullptr;
  SegmentId id = 0;                     // 0 for a group
  const SegmentDef* segment = nullptr;  // null for a group
  const Group* group = nullptr;         // null for a segment
  bool repeats = false;
  uint64_t choice = 0;  // its own bit in the group, and those of what stands in its stead
};

struct Group {
  std::string type_name;  // "PPP_PCB.PATHWAY"
  const fhir::TypeDef* type = nullptr;
  std::vector<Item> items;         // at most 64
  std::vector<uint64_t> needed;    // of each set of items (bits) one must be there
  std::vector<SegmentId> openers;  // the segments that may open it
  bool OpensWith(SegmentId id) const;
};

struct Tables {
  explicit Tables(const fhir::Definitions& definitions) : builder(definitions) {}

  const DataType* FindType(std::string_view name) const;  // aliases resolved; null if unknown
  const SegmentDef* FindSegment(SegmentId id) const;

  fhir::ModelBuilder builder;
  std::map<std::string, std::unique_ptr<DataType>, std::less<>> types;
  std::map<std::string, std::string, std::less<>> aliases;
  std::map<SegmentId, SegmentDef> segments;
  // Groups by type name; a structure is the group whose type name is its own.
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups;

  const DataType* text = nullptr;    // ST
  const DataType* varies = nullptr;  // VARIES
  const fhir::TypeDef* varies_field = nullptr;
  const fhir::TypeDef* varies_component = nullptr;
  const fhir::TypeDef* other = nullptr;
  const fhir::TypeDef* string_type = nullptr;
  // c1.., s1.. and f1.. for what stands past the definitions; names as the model has them.
  std::array<const fhir::ElementDef*, kComponentsMax> any_component{};
  std::array<const fhir::ElementDef*, kSubcomponentsMax> any_subcomponent{};
  std::array<const fhir::ElementDef*, kFieldsMax> any_field{};
  const fhir::ElementDef* other_name = nullptr;
};

// Reads types.txt, segments/*.txt and structures.txt. Errors: kInvalid, where = "file:line".
Result<std::unique_ptr<Tables>> LoadTables(const std::string& directory,
                                           const fhir::Definitions& definitions);

// One line of a table file.
struct Line {
  std::string file;
  uint32_t number = 0;
  std::string text;  // without comment and outer blanks
};
Error AtLine(const Line& line, std::string detail);

// Reads the structures from their lines into tables->groups: items name elements that exist only
// after AddStructureTypes() and builder.Finish(); BindStructures() then fills them in.
class StructureReader {
 public:
  explicit StructureReader(Tables* tables);
  ~StructureReader();
  Status Read(const std::vector<Line>& lines);
  void AddTypes();
  void Bind();

  struct Body;

 private:
  friend class StructureParser;
  void AddType(const Body& body);
  Tables* tables_;
  std::vector<std::unique_ptr<Body>> bodies_;
};

}  // namespace gw::map::v2
