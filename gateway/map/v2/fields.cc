#include <algorithm>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/map/v2/reader_internal.h"

namespace gw::map::v2 {
namespace {

using enum FieldScanner::Rank;

constexpr std::string_view kNull = "\"\"";  // "delete the value", HL7 v2 2.5.3.5

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// NM as a FHIR decimal: no plus sign, no leading zeros, digits on both sides of a point. Empty
// where it is no number.
std::string DecimalOf(std::string_view raw) {
  std::string out;
  if (raw.starts_with('-') || raw.starts_with('+')) {
    out = raw[0] == '-' ? "-" : "";
    raw.remove_prefix(1);
  }
  const size_t point = std::min(raw.find('.'), raw.size());
  std::string_view whole = raw.substr(0, point);
  const std::string_view fraction = point < raw.size() ? raw.substr(point + 1) : std::string_view{};
  const bool digits = std::all_of(whole.begin(), whole.end(), IsDigit) &&
                      std::all_of(fraction.begin(), fraction.end(), IsDigit);
  if (!digits || (whole.empty() && fraction.empty())) {
    return {};
  }
  while (whole.size() > 1 && whole[0] == '0') {
    whole.remove_prefix(1);
  }
  out.append(whole.empty() ? "0" : whole);
  if (!fraction.empty()) {
    out.append(".").append(fraction);
  }
  return out;
}

}  // namespace

FieldScanner::FieldScanner(const hl7v2::Delimiters& marks) {
  ranks_.fill(kText);
  const auto set = [this](char byte, Rank rank) {
    ranks_[static_cast<uint8_t>(byte)] = static_cast<uint8_t>(rank);
  };
  set(' ', kBlank);
  set(marks.escape, kEscape);
  set(marks.subcomponent, kSubcomponent);
  set(marks.component, kComponent);
  set(marks.repetition, kRepetition);
  set('\0', kText);  // a mark that is absent divides nothing
}

void FieldScanner::Open(std::string_view field) {
  at_ = field.data();
  end_ = at_ + field.size();
}

FieldScanner::Piece FieldScanner::Peek(Rank rank) const {
  unsigned ranks = 0;
  const char* at = at_;
  for (; at != end_ && RankOf(*at) < rank; ++at) {
    ranks |= RankOf(*at);
  }
  return {{at_, static_cast<size_t>(at - at_)}, ranks};
}

FieldScanner::Piece FieldScanner::Take(Rank rank) {
  const Piece piece = Peek(rank);
  at_ += piece.text.size();
  return piece;
}

bool FieldScanner::SkipEmpty(Rank rank) {
  const char* at = at_;
  while (at != end_ && RankOf(*at) < rank && RankOf(*at) != kText && RankOf(*at) != kEscape) {
    ++at;
  }
  if (at != end_ && RankOf(*at) < rank) {
    return false;
  }
  at_ = at;
  return true;
}

bool FieldScanner::TakeNull(Rank rank) {
  const std::string_view rest(at_, static_cast<size_t>(end_ - at_));
  if (!rest.starts_with(kNull) ||
      (rest.size() > kNull.size() && RankOf(rest[kNull.size()]) < rank)) {
    return false;
  }
  at_ += kNull.size();
  return true;
}

bool FieldScanner::Pass(Rank rank) {
  if (at_ == end_ || RankOf(*at_) != rank) {
    return false;
  }
  ++at_;
  return true;
}

std::string_view FieldReader::Unescaped(std::string_view raw) {
  return tree_->arena().Copy(hl7v2::Unescape(raw, marks_));
}

std::string FieldReader::PlaceText() const {
  return hl7v2::Location{std::string(here_.segment), here_.segment_repetition, here_.field,
                         here_.repetition,           here_.component,          0}
      .ToString();
}

void FieldReader::AddRemark(char severity, const char* code, const char* text) {
  remarks_->push_back({severity, code, PlaceText(), text});
}

Status FieldReader::ReadSegment(const SegmentDef& definition, const hl7v2::Segment& segment,
                                uint32_t repetition, fhir::Element* node) {
  here_ = {segment.name, repetition};
  const bool is_header = segment.name == "MSH";
  const bool is_observation = segment.name == "OBX";
  for (size_t i = 0; i < definition.fields.size(); ++i) {
    const Field& field = definition.fields[i];
    const std::string_view raw = i < segment.fields.size() ? segment.fields[i] : std::string_view{};
    if ((raw.empty() && !field.required) || (is_header && i < 2)) {
      continue;  // MSH-1 and MSH-2 are syntax, not content
    }
    here_.field = static_cast<uint32_t>(i + 1);
    here_.repetition = here_.component = 0;
    scanner_.Open(raw);
    const bool is_empty = scanner_.SkipEmpty(kEnd);
    if (field.required && (is_empty || raw == kNull)) {
      return Error{Code::kInvalid, "a required field has no value", PlaceText(),
                   hl7_code::kRequiredFieldMissing};
    }
    if (is_empty) {
      continue;
    }
    const DataType* type = field.type;
    essential_ = field.essential;
    lenient_value_ = is_observation && i == 4;
    if (lenient_value_) {
      const DataType* sent = tables_.FindType(Trim(segment.fields[1]));
      type = sent != nullptr ? sent : type;
    }
    GW_RETURN_IF_ERROR(ReadField(field.element, *type, raw, node));
  }
  lenient_value_ = essential_ = false;
  return ReadFieldsPast(definition.fields.size(), segment, node);
}

Status FieldReader::ReadFieldsPast(size_t defined, const hl7v2::Segment& segment,
                                   fhir::Element* node) {
  for (size_t i = defined; i < segment.fields.size(); ++i) {
    here_.field = static_cast<uint32_t>(i + 1);
    here_.repetition = here_.component = 0;
    scanner_.Open(segment.fields[i]);
    if (scanner_.SkipEmpty(kEnd)) {
      continue;
    }
    if (i >= kFieldsMax) {
      AddRemark('W', "unread", "a field past all that can be read");
      continue;
    }
    GW_RETURN_IF_ERROR(ReadField(tables_.any_field[i], *tables_.varies, segment.fields[i], node));
  }
  return {};
}

Status FieldReader::ReadOther(const hl7v2::Segment& segment, uint32_t repetition,
                              fhir::Element* node) {
  here_ = {segment.name, repetition};
  node->AppendRaw(tables_.other_name, *tables_.string_type, segment.name);
  return ReadFieldsPast(0, segment, node);
}

Status FieldReader::ReadField(const fhir::ElementDef* element, const DataType& type,
                              std::string_view raw, fhir::Element* node) {
  scanner_.Open(raw);
  here_.repetition = 0;
  bool is_read = false;
  do {
    ++here_.repetition;
    here_.component = 0;
    if (scanner_.SkipEmpty(kRepetition)) {
      continue;
    }
    if (here_.repetition > kRepetitionsMax) {
      return Error{Code::kTooLarge, "more repetitions than the limit", PlaceText(),
                   hl7_code::kRequiredFieldMissing};
    }
    if (is_read && element->max == 1) {
      AddRemark('W', "repeated", "a field that does not repeat: what it says first was taken");
      break;
    }
    is_read = true;
    GW_RETURN_IF_ERROR(ReadValue(element, type, node));
  } while (scanner_.Pass(kRepetition));
  return {};
}

// One repetition of a field.
Status FieldReader::ReadValue(const fhir::ElementDef* element, const DataType& type,
                              fhir::Element* parent) {
  const bool varies = type.form == Form::kVaries;
  if (scanner_.TakeNull(kRepetition)) {
    const fhir::TypeDef& node_type = varies ? *tables_.string_type : *type.in_field;
    parent->AppendRaw(element, node_type, {}, here_.repetition)->SetNull();
    return {};
  }
  if (type.form == Form::kComposite ||
      (varies && scanner_.Peek(kRepetition).has(kComponent | kSubcomponent))) {
    const fhir::TypeDef& node_type = varies ? *tables_.varies_field : *type.in_field;
    return ReadParts(type, parent->AppendRaw(element, node_type, {}, here_.repetition));
  }
  GW_TRY(fhir::Element * node,
         AddPrimitive(element, varies ? *tables_.text : type, scanner_.Take(kComponent), parent));
  // Components behind a primitive's text: c2, c3 ... below it.
  if (node == nullptr && !scanner_.SkipEmpty(kRepetition)) {
    node = parent->AppendRaw(element, *type.in_field, {}, here_.repetition);
  }
  for (size_t i = 1; i < kComponentsMax && scanner_.Pass(kComponent); ++i) {
    here_.component = static_cast<uint32_t>(i + 1);
    if (!scanner_.SkipEmpty(kComponent)) {
      GW_RETURN_IF_ERROR(ReadComponent(tables_.any_component[i], *tables_.varies, node));
    }
  }
  here_.component = kComponentsMax + 1;
  LeaveRest();
  return {};
}

// What stands behind the last component that can be read.
void FieldReader::LeaveRest() {
  if (!scanner_.SkipEmpty(kRepetition)) {
    AddRemark('W', "unread", "a component past all that can be read");
    scanner_.Take(kRepetition);
  }
}

// The components of a composite, or of a value whose type is not known.
Status FieldReader::ReadParts(const DataType& type, fhir::Element* node) {
  const auto elements = type.form == Form::kComposite ? type.in_field->elements()
                                                      : std::span<const fhir::ElementDef>{};
  for (size_t i = 0; i == 0 || scanner_.Pass(kComponent); ++i) {
    here_.component = static_cast<uint32_t>(i + 1);
    if (scanner_.SkipEmpty(kComponent)) {
      continue;
    }
    if (i >= kComponentsMax) {
      LeaveRest();
      break;
    }
    const bool defined = i < elements.size();
    GW_RETURN_IF_ERROR(ReadComponent(defined ? &elements[i] : tables_.any_component[i],
                                     defined ? *type.parts[i] : *tables_.varies, node));
  }
  return {};
}

Status FieldReader::ReadComponent(const fhir::ElementDef* element, const DataType& type,
                                  fhir::Element* parent) {
  const bool varies = type.form == Form::kVaries;
  if (scanner_.TakeNull(kComponent)) {
    const fhir::TypeDef& node_type = varies ? *tables_.string_type : *type.in_component;
    parent->AppendRaw(element, node_type, {})->SetNull();
    return {};
  }
  if (type.form == Form::kComposite || (varies && scanner_.Peek(kComponent).has(kSubcomponent))) {
    const fhir::TypeDef& node_type = varies ? *tables_.varies_component : *type.in_component;
    ReadSubcomponents(type, parent->AppendRaw(element, node_type, {}));
    return {};
  }
  GW_RETURN_IF_ERROR(
      AddPrimitive(element, varies ? *tables_.text : type, scanner_.Take(kComponent), parent));
  return {};
}

void FieldReader::ReadSubcomponents(const DataType& type, fhir::Element* node) {
  const auto elements = type.form == Form::kComposite ? type.in_component->elements()
                                                      : std::span<const fhir::ElementDef>{};
  // A wrong value is no error so deep: it is kept as text, with a remark.
  const bool lenient = std::exchange(lenient_value_, true);
  for (size_t i = 0; i == 0 || scanner_.Pass(kSubcomponent); ++i) {
    if (scanner_.SkipEmpty(kSubcomponent)) {
      continue;
    }
    if (i >= kSubcomponentsMax) {
      AddRemark('W', "unread", "a subcomponent past all that can be read");
      scanner_.Take(kComponent);
      break;
    }
    const bool defined = i < elements.size();
    const fhir::ElementDef* element = defined ? &elements[i] : tables_.any_subcomponent[i];
    const DataType& part_type = defined ? *type.parts[i] : *tables_.text;
    const bool flat = part_type.form != Form::kComposite && part_type.form != Form::kVaries;
    if (scanner_.TakeNull(kSubcomponent)) {
      node->AppendRaw(element, *tables_.string_type, {})->SetNull();
    } else {
      static_cast<void>(AddPrimitive(element, flat ? part_type : *tables_.text,
                                     scanner_.Take(kSubcomponent), node));
    }
  }
  lenient_value_ = lenient;
}

fhir::Element* FieldReader::AddText(const fhir::ElementDef* element,
                                    const FieldScanner::Piece& piece, bool as_is,
                                    fhir::Element* parent) {
  const std::string_view raw = as_is ? piece.text : Trim(piece.text);
  return parent->AppendRaw(element, *tables_.string_type, piece.has(kEscape) ? Unescaped(raw) : raw,
                           here_.repetition);
}

Result<fhir::Element*> FieldReader::AddPrimitive(const fhir::ElementDef* element,
                                                 const DataType& type,
                                                 const FieldScanner::Piece& piece,
                                                 fhir::Element* parent) {
  if (piece.is_empty()) {
    return nullptr;
  }
  if (type.form == Form::kText || type.form == Form::kTextAsIs) {
    return AddText(element, piece, type.form == Form::kTextAsIs, parent);
  }
  // TS before 2.6 is time & precision where it stands in a component.
  const size_t mark =
      piece.has(kSubcomponent) ? piece.text.find(marks_.subcomponent) : piece.text.npos;
  const std::string_view value = Trim(piece.text.substr(0, mark));
  const bool number = type.form == Form::kNumber;
  const auto text = number ? NumberText(value) : TimeText(type, value);
  if (text && text->empty()) {
    return nullptr;
  }
  if (text) {
    fhir::Element* node =
        parent->AppendRaw(element, *type.in_field, tree_->arena().Copy(*text), here_.repetition);
    const std::string_view rest =
        mark == piece.text.npos ? std::string_view{} : piece.text.substr(mark + 1);
    const bool is_said = std::any_of(
        rest.begin(), rest.end(), [this](char c) { return c != ' ' && c != marks_.subcomponent; });
    if (is_said) {
      node->AppendRaw(tables_.any_subcomponent[1], *tables_.string_type,
                      piece.has(kEscape) ? Unescaped(rest) : rest);
    }
    return node;
  }
  const bool is_date = type.form == Form::kDate || type.form == Form::kDateTime;
  if (is_date && !lenient_value_ && essential_) {
    return Error{Code::kInvalid, "not a date or time of HL7 v2", PlaceText(),
                 hl7_code::kDataTypeError};
  }
  if (is_date && !lenient_value_) {
    AddRemark('W', "bad-date", "not a date or time: left out");
    return nullptr;
  }
  AddRemark('W', number ? "bad-number" : "bad-date",
            number ? "not a number; kept as text" : "not a date or time; kept as text");
  return AddText(element, piece, false, parent);
}

std::optional<std::string_view> FieldReader::NumberText(std::string_view raw) {
  number_room_ = DecimalOf(raw);
  return number_room_.empty() ? std::nullopt : std::optional<std::string_view>(number_room_);
}

int FieldReader::OffsetOf(const V2Time& time) const {
  return time.has_zone ? time.zone_minutes : zone_->OffsetMinutes(time.civil);
}

std::optional<std::string_view> FieldReader::TimeText(const DataType& type, std::string_view raw) {
  V2Time time;
  const V2TimeFault fault =
      type.form == Form::kTime ? ReadV2TimeOfDay(raw, &time) : ReadV2DateTime(raw, &time);
  if (fault == V2TimeFault::kWrong) {
    return std::nullopt;
  }
  if (fault == V2TimeFault::kNothing) {
    AddRemark('W', "bad-date", "a date of zeros only was dropped");
    return std::string_view{};
  }
  if (type.form == Form::kTime) {
    return ToFhirTime(time, &time_room_);
  }
  if (type.form == Form::kDate) {
    return ToFhirDate(time, &time_room_);
  }
  if (time.precision == V2Time::Precision::kHour) {
    AddRemark('I', "hour-dropped", "FHIR takes no hour without minutes; the day was kept");
  }
  const bool needs_offset = time.precision >= V2Time::Precision::kMinute;
  return ToFhirDateTime(time, needs_offset ? OffsetOf(time) : 0, &time_room_);
}

}  // namespace gw::map::v2
