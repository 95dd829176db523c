#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fhir/resource.h"
#include "gateway/hl7v2/message.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"
#include "gateway/map/v2/tables_internal.h"
#include "gateway/map/v2/time_internal.h"

namespace gw::map::v2 {

// Which place of a structure each segment takes, segment by segment.
// Rule: from the innermost open group outwards, first a place at or after the last one taken in
// that group, then one before it (out of order), the nearest first, entering again a group that
// was left where that is the only way. So a segment goes to the nearest open group that takes it.
// Not thread-safe; one for each message.
class Placer {
 public:
  struct Place {
    fhir::Element* parent = nullptr;
    const Item* item = nullptr;  // null: nothing takes the segment
    bool out_of_order = false;
  };

  Placer(const Group& structure, fhir::Element* root);
  Place Take(SegmentId id);

  // The first place that had to be filled and was not: a segment's name; empty if there is none.
  std::string_view Missing() const;

 private:
  // One group as it stands in the message.
  struct Instance {
    const Group* group;
    fhir::Element* node;
    uint32_t parent;  // index of the instance it is in; its own for the root
    uint32_t item;    // of the parent's group
    uint32_t cursor = 0;
    uint64_t filled = 0;
  };

  bool CanTake(const Instance& instance, size_t item) const;
  std::optional<Place> TakeForward(uint32_t instance, SegmentId id);
  std::optional<Place> TakeBackward(uint32_t instance, SegmentId id);
  Place Fill(uint32_t instance, size_t item, SegmentId id);
  std::optional<uint32_t> LastInstanceOf(uint32_t parent, size_t item) const;

  std::vector<Instance> instances_;
  uint32_t current_ = 0;  // the innermost open one
};

// Takes one field apart from left to right, looking at each byte once. Not thread-safe.
class FieldScanner {
 public:
  // What a byte is. Marks from kSubcomponent on divide, the higher more than the lower.
  enum Rank : unsigned {
    kText = 1,
    kBlank = 2,
    kEscape = 4,
    kSubcomponent = 8,
    kComponent = 16,
    kRepetition = 32,
    kEnd = 64
  };

  struct Piece {
    std::string_view text;
    unsigned ranks = 0;  // of its bytes, together
    bool has(unsigned rank) const { return (ranks & rank) != 0; }
    bool is_empty() const { return !has(kText | kEscape); }
  };

  explicit FieldScanner(const hl7v2::Delimiters& marks);

  void Open(std::string_view field);
  // What stands before the next mark of at least that rank.
  Piece Peek(Rank rank) const;
  // The same, and goes to the mark.
  Piece Take(Rank rank);
  // Goes to that mark if nothing but blanks and lower marks stand before it.
  bool SkipEmpty(Rank rank);
  // Goes to that mark if the explicit null, and nothing else, stands before it.
  bool TakeNull(Rank rank);
  // Goes over a mark of exactly that rank, if one is next.
  bool Pass(Rank rank);

 private:
  unsigned RankOf(char byte) const { return ranks_[static_cast<uint8_t>(byte)]; }

  std::array<uint8_t, 256> ranks_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

// Turns the fields of segments into nodes. Not thread-safe; one for each message.
class FieldReader {
 public:
  // Texts are those of the message where nothing is escaped, else in the tree's arena; all outlive
  // the reader.
  FieldReader(const Tables& tables, const hl7v2::Delimiters& marks, fhir::Resource* tree,
              std::vector<Remark>* remarks)
      : tables_(tables), marks_(marks), scanner_(marks), tree_(tree), remarks_(remarks) {}

  // The zone of times that say no offset; it outlives the reader.
  void SetZone(const Zone* zone) { zone_ = zone; }

  // Fields of a segment that is where the structure has it. Errors: hl7_code 101, 102.
  Status ReadSegment(const SegmentDef& definition, const hl7v2::Segment& segment,
                     uint32_t repetition, fhir::Element* node);
  // Name and fields of one that nothing takes, each as it comes.
  Status ReadOther(const hl7v2::Segment& segment, uint32_t repetition, fhir::Element* node);

 private:
  // Where the value stands that is being read, for errors and remarks.
  struct Here {
    std::string_view segment;
    uint32_t segment_repetition = 1, field = 0, repetition = 0, component = 0;
  };

  // These read what the scanner is at, and leave it at the mark behind that.
  Status ReadField(const fhir::ElementDef* element, const DataType& type, std::string_view raw,
                   fhir::Element* node);
  Status ReadFieldsPast(size_t defined, const hl7v2::Segment& segment, fhir::Element* node);
  Status ReadValue(const fhir::ElementDef* element, const DataType& type, fhir::Element* parent);
  Status ReadParts(const DataType& type, fhir::Element* node);
  void LeaveRest();
  Status ReadComponent(const fhir::ElementDef* element, const DataType& type,
                       fhir::Element* parent);
  void ReadSubcomponents(const DataType& type, fhir::Element* node);
  // A primitive's node; null where there was nothing to say.
  Result<fhir::Element*> AddPrimitive(const fhir::ElementDef* element, const DataType& type,
                                      const FieldScanner::Piece& piece, fhir::Element* parent);
  fhir::Element* AddText(const fhir::ElementDef* element, const FieldScanner::Piece& piece,
                         bool as_is, fhir::Element* parent);
  // The FHIR text of a date or time; nothing where it is no value of its type.
  std::optional<std::string_view> TimeText(const DataType& type, std::string_view raw);
  std::optional<std::string_view> NumberText(std::string_view raw);
  int OffsetOf(const V2Time& time) const;

  std::string_view Unescaped(std::string_view raw);  // in the arena
  std::string PlaceText() const;
  void AddRemark(char severity, const char* code, const char* text);

  const Tables& tables_;
  hl7v2::Delimiters marks_;
  FieldScanner scanner_;
  fhir::Resource* tree_;
  std::vector<Remark>* remarks_;
  const Zone* zone_ = nullptr;
  Here here_;
  bool lenient_value_ = false;  // OBX-5: the sender chose the type; a wrong value is kept as text
  bool essential_ = false;      // of the field that is being read: Field::essential
  V2TimeText time_room_{};
  std::string number_room_;
};

}  // namespace gw::map::v2
