#include "gateway/map/v2/model.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/v2/reader_internal.h"

namespace gw::map {

struct V2Model::Tables {
  std::unique_ptr<v2::Tables> v2;
  // Zones that messages have needed so far, by name. Zones stay where they are.
  mutable std::mutex zones_mutex;  // guards `zones`
  mutable std::map<std::string, Zone, std::less<>> zones;

  Result<const Zone*> FindZone(const std::string& name) const {
    const std::lock_guard lock(zones_mutex);
    const auto known = zones.find(name);
    if (known != zones.end()) {
      return &known->second;
    }
    auto loaded = Zone::Load(name);
    if (!loaded) {
      return Error{Code::kInternal, "the feed's time zone: " + loaded.error().detail, "MSH-7",
                   hl7_code::kApplicationError};
    }
    return &zones.emplace(name, *std::move(loaded)).first->second;
  }
};

namespace {

// Table 0104. One lenient form reads all versions, and others as the nearest of them.
constexpr std::array<std::string_view, 18> kVersions = {
    "2.0",   "2.0D", "2.1", "2.2",   "2.3", "2.3.1", "2.3.2", "2.4", "2.5",
    "2.5.1", "2.6",  "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9", "2.9.1"};

// Counts the segments of each name, so that an error can say which one it means.
class Repetitions {
 public:
  uint32_t Next(v2::SegmentId id) {
    for (auto& [known, count] : counts_) {
      if (known == id) {
        return ++count;
      }
    }
    counts_.emplace_back(id, 1);
    return 1;
  }

 private:
  std::vector<std::pair<v2::SegmentId, uint32_t>> counts_;
};

// Puts the segments of one message into its tree, one after the other.
class TreeReader {
 public:
  TreeReader(const v2::Tables& tables, const v2::Group& structure, const hl7v2::Message& message,
             fhir::Resource* tree, std::vector<Remark>* remarks)
      : tables_(tables),
        structure_(structure),
        tree_(tree),
        remarks_(remarks),
        placer_(structure, &tree->root()),
        fields_(tables, message.delimiters(), tree, remarks) {}

  v2::FieldReader& fields() { return fields_; }

  Status Take(const hl7v2::Segment& segment) {
    const v2::SegmentId id = v2::IdOf(segment.name);
    const uint32_t repetition = repetitions_.Next(id);
    const v2::Placer::Place place = placer_.Take(id);
    // A segment that says who the rest is about: whatever follows would be the wrong person's.
    const bool names_person = segment.name == "PID" || segment.name == "MRG";
    if (names_person && (place.item == nullptr || (place.out_of_order && repetition > 1))) {
      return Error{Code::kInvalid, "another person than the message has a place for",
                   hl7v2::Location{std::string(segment.name), repetition}.ToString(),
                   hl7_code::kSegmentSequenceError};
    }
    // What says who may see a record, and is not read, would leave it open.
    if (place.item == nullptr && (segment.name == "CON" || segment.name == "ARV")) {
      return Error{Code::kInvalid,
                   "a message of this structure has no place for what is restricted",
                   hl7v2::Location{std::string(segment.name), repetition}.ToString(),
                   hl7_code::kSegmentSequenceError};
    }
    if (place.item == nullptr) {
      const char severity = segment.name[0] == 'Z' ? 'I' : 'W';
      AddRemark(segment, repetition,
                {severity, "unknown-segment", "", "a segment that the structure does not have"});
      fhir::Element* node =
          tree_->root().AppendRaw(structure_.type->Find("OTHER"), *tables_.other, {}, repetition);
      return fields_.ReadOther(segment, repetition, node);
    }
    if (place.out_of_order) {
      AddRemark(segment, repetition,
                {'W', "out-of-order", "", "out of order; it went to the nearest group"});
    }
    // offset() of a segment is its repetition in the message: what PlaceOf() says.
    fhir::Element* node =
        place.parent->AppendRaw(place.item->element, *place.item->segment->type, {}, repetition);
    return fields_.ReadSegment(*place.item->segment, segment, repetition, node);
  }

  Status Finish() const {
    const std::string_view missing = placer_.Missing();
    if (!missing.empty()) {
      return Error{Code::kInvalid, "a required segment is missing", std::string(missing),
                   hl7_code::kSegmentSequenceError};
    }
    return {};
  }

 private:
  void AddRemark(const hl7v2::Segment& segment, uint32_t repetition, Remark remark) {
    remark.where = hl7v2::Location{std::string(segment.name), repetition}.ToString();
    remarks_->push_back(std::move(remark));
  }

  const v2::Tables& tables_;
  const v2::Group& structure_;
  fhir::Resource* tree_;
  std::vector<Remark>* remarks_;
  v2::Placer placer_;
  v2::FieldReader fields_;
  Repetitions repetitions_;
};

}  // namespace

V2Model::V2Model(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
V2Model::V2Model(V2Model&&) noexcept = default;
V2Model::~V2Model() = default;

Result<V2Model> V2Model::Load(const std::string& directory, const fhir::Definitions& definitions) {
  auto tables = std::make_unique<Tables>();
  GW_TRY(tables->v2, v2::LoadTables(directory, definitions));
  return V2Model(std::move(tables));
}

const fhir::TypeDef* V2Model::Find(std::string_view type_name) const {
  return tables_->v2->builder.Find(type_name);
}

bool V2Model::HasStructure(std::string_view structure) const {
  return structure.find('.') == structure.npos &&
         tables_->v2->groups.find(structure) != tables_->v2->groups.end();
}

Result<fhir::Resource> V2Model::Read(const hl7v2::Message& message, const std::string& structure,
                                     const Feed& feed, std::vector<Remark>* remarks) const {
  if (!HasStructure(structure)) {
    return Error{Code::kUnsupported, "no such message structure is known", "MSH-9",
                 hl7_code::kUnsupportedMessageType};
  }
  if (std::find(kVersions.begin(), kVersions.end(), message.version()) == kVersions.end()) {
    remarks->push_back(
        {'W', "unknown-version", "MSH-12", "not a version of HL7 v2: read as the nearest one"});
  }
  const v2::Tables& tables = *tables_->v2;
  const v2::Group& group = *tables.groups.find(structure)->second;
  fhir::Resource tree = fhir::Resource::MakeOf(*group.type);
  TreeReader reader(tables, group, message, &tree, remarks);
  GW_TRY(const Zone* zone, tables_->FindZone(feed.zone));
  reader.fields().SetZone(zone);
  for (const hl7v2::Segment& segment : message.segments()) {
    GW_RETURN_IF_ERROR(reader.Take(segment));
  }
  GW_RETURN_IF_ERROR(reader.Finish());
  return tree;
}

}  // namespace gw::map
