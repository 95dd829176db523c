#include <algorithm>

#include "gateway/map/v2_reader_internal.h"

namespace gw::map::v2 {
namespace {

constexpr std::string_view kNull = "\"\"";  // "delete the value", HL7 v2 2.5.3.5

// Takes the part before the next `mark` off the front of *rest. An absent mark (0) divides nothing.
std::string_view TakePart(std::string_view* rest, char mark) {
  const size_t end = mark == 0 ? rest->npos : rest->find(mark);
  const std::string_view part = rest->substr(0, end);
  *rest = end == rest->npos ? std::string_view{} : rest->substr(end + 1);
  return part;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == text.npos ? std::string_view{}
                            : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
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

bool FieldReader::IsEmpty(std::string_view raw) const {
  return std::all_of(raw.begin(), raw.end(), [&](char c) {
    return c == ' ' || c == marks_.component || c == marks_.subcomponent || c == marks_.repetition;
  });
}

std::string_view FieldReader::Stored(std::string_view raw) {
  const bool escaped = marks_.escape != 0 && raw.find(marks_.escape) != raw.npos;
  return tree_->arena().Copy(escaped ? std::string_view(hl7v2::Unescape(raw, marks_)) : raw);
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
    here_.field = static_cast<uint32_t>(i + 1);
    here_.repetition = here_.component = 0;
    if (is_header && i < 2) {
      continue;  // MSH-1 and MSH-2 are syntax, not content
    }
    if (raw.empty() || IsEmpty(raw)) {
      if (field.required) {
        return Error{Code::kInvalid, "a required field has no value", PlaceText(), 101};
      }
      continue;
    }
    if (field.required && raw == kNull) {
      return Error{Code::kInvalid, "a required field has no value", PlaceText(), 101};
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
    if (IsEmpty(segment.fields[i])) {
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
  node->AppendRaw(tables_.other_name, *tables_.string_type, tree_->arena().Copy(segment.name));
  return ReadFieldsPast(0, segment, node);
}

Status FieldReader::ReadField(const fhir::ElementDef* element, const DataType& type,
                              std::string_view raw, fhir::Element* node) {
  uint32_t repetition = 0;
  while (!raw.empty()) {
    const std::string_view value = TakePart(&raw, marks_.repetition);
    here_.repetition = ++repetition;
    here_.component = 0;
    if (IsEmpty(value)) {
      continue;
    }
    GW_RETURN_IF_ERROR(ReadValue(element, type, value, node));
  }
  return {};
}

// One repetition of a field.
Status FieldReader::ReadValue(const fhir::ElementDef* element, const DataType& type,
                              std::string_view raw, fhir::Element* parent) {
  const bool divided = marks_.component != 0 && raw.find(marks_.component) != raw.npos;
  const bool in_two = marks_.subcomponent != 0 && raw.find(marks_.subcomponent) != raw.npos;
  const bool varies = type.form == Form::kVaries;
  if (raw == kNull) {
    const fhir::TypeDef& node_type = varies ? *tables_.string_type : *type.in_field;
    parent->AppendRaw(element, node_type, {}, here_.repetition)->SetNull();
    return {};
  }
  if (type.form == Form::kComposite || (varies && (divided || in_two))) {
    const fhir::TypeDef& node_type = varies ? *tables_.varies_field : *type.in_field;
    return ReadParts(type, raw, parent->AppendRaw(element, node_type, {}, here_.repetition));
  }
  const std::string_view first = TakePart(&raw, marks_.component);
  GW_TRY(fhir::Element * node, AddPrimitive(element, varies ? *tables_.text : type, first, parent));
  if (node == nullptr && !IsEmpty(raw)) {
    node = parent->AppendRaw(element, *type.in_field, {}, here_.repetition);
  }
  // Components behind a primitive's text: c2, c3 ... below it.
  for (size_t i = 1; !raw.empty() && i < kComponentsMax; ++i) {
    const std::string_view part = TakePart(&raw, marks_.component);
    here_.component = static_cast<uint32_t>(i + 1);
    if (IsEmpty(part)) {
      continue;
    }
    GW_RETURN_IF_ERROR(ReadComponent(tables_.any_component[i], *tables_.varies, part, node));
  }
  return {};
}

// The components of a composite, or of a value whose type is not known.
Status FieldReader::ReadParts(const DataType& type, std::string_view raw, fhir::Element* node) {
  const auto elements = type.form == Form::kComposite ? type.in_field->elements()
                                                      : std::span<const fhir::ElementDef>{};
  for (size_t i = 0; !raw.empty(); ++i) {
    const std::string_view part = TakePart(&raw, marks_.component);
    here_.component = static_cast<uint32_t>(i + 1);
    if (IsEmpty(part)) {
      continue;
    }
    if (i >= kComponentsMax) {
      AddRemark('W', "unread", "a component past all that can be read");
      break;
    }
    const bool defined = i < elements.size();
    GW_RETURN_IF_ERROR(ReadComponent(defined ? &elements[i] : tables_.any_component[i],
                                     defined ? *type.parts[i] : *tables_.varies, part, node));
  }
  return {};
}

Status FieldReader::ReadComponent(const fhir::ElementDef* element, const DataType& type,
                                  std::string_view raw, fhir::Element* parent) {
  const bool varies = type.form == Form::kVaries;
  if (raw == kNull) {
    const fhir::TypeDef& node_type = varies ? *tables_.string_type : *type.in_component;
    parent->AppendRaw(element, node_type, {})->SetNull();
    return {};
  }
  const bool divided = marks_.subcomponent != 0 && raw.find(marks_.subcomponent) != raw.npos;
  if (type.form == Form::kComposite || (varies && divided)) {
    const fhir::TypeDef& node_type = varies ? *tables_.varies_component : *type.in_component;
    ReadSubcomponents(type, raw, parent->AppendRaw(element, node_type, {}));
    return {};
  }
  GW_RETURN_IF_ERROR(AddPrimitive(element, varies ? *tables_.text : type, raw, parent));
  return {};
}

void FieldReader::ReadSubcomponents(const DataType& type, std::string_view raw,
                                    fhir::Element* node) {
  const auto elements = type.form == Form::kComposite ? type.in_component->elements()
                                                      : std::span<const fhir::ElementDef>{};
  for (size_t i = 0; !raw.empty(); ++i) {
    const std::string_view part = TakePart(&raw, marks_.subcomponent);
    if (IsEmpty(part)) {
      continue;
    }
    if (i >= kSubcomponentsMax) {
      AddRemark('W', "unread", "a subcomponent past all that can be read");
      break;
    }
    const fhir::ElementDef* element =
        i < elements.size() ? &elements[i] : tables_.any_subcomponent[i];
    const bool lenient = std::exchange(lenient_value_, true);
    const DataType& part_type = i < elements.size() ? *type.parts[i] : *tables_.text;
    const bool flat = part_type.form != Form::kComposite && part_type.form != Form::kVaries;
    if (part == kNull) {
      node->AppendRaw(element, *tables_.string_type, {})->SetNull();
    } else {
      // A wrong value is no error so deep: it is kept as text, with a remark.
      static_cast<void>(AddPrimitive(element, flat ? part_type : *tables_.text, part, node));
    }
    lenient_value_ = lenient;
  }
}

fhir::Element* FieldReader::AddText(const fhir::ElementDef* element, std::string_view raw,
                                    bool as_is, fhir::Element* parent) {
  return parent->AppendRaw(element, *tables_.string_type, Stored(as_is ? raw : Trim(raw)),
                           here_.repetition);
}

Result<fhir::Element*> FieldReader::AddPrimitive(const fhir::ElementDef* element,
                                                 const DataType& type, std::string_view raw,
                                                 fhir::Element* parent) {
  if (IsEmpty(raw)) {
    return nullptr;
  }
  if (type.form == Form::kText || type.form == Form::kTextAsIs) {
    return AddText(element, raw, type.form == Form::kTextAsIs, parent);
  }
  // TS before 2.6 is time & precision where it stands in a component.
  std::string_view rest = raw;
  const std::string_view value = Trim(TakePart(&rest, marks_.subcomponent));
  const bool number = type.form == Form::kNumber;
  const auto text = number ? NumberText(value) : TimeText(type, value);
  if (text && text->empty()) {
    return nullptr;
  }
  if (text) {
    fhir::Element* node =
        parent->AppendRaw(element, *type.in_field, tree_->arena().Copy(*text), here_.repetition);
    if (!IsEmpty(rest)) {
      node->AppendRaw(tables_.any_subcomponent[1], *tables_.string_type, Stored(rest));
    }
    return node;
  }
  const bool is_date = type.form == Form::kDate || type.form == Form::kDateTime;
  if (is_date && !lenient_value_ && essential_) {
    return Error{Code::kInvalid, "not a date or time of HL7 v2", PlaceText(), 102};
  }
  if (is_date && !lenient_value_) {
    AddRemark('W', "bad-date", "not a date or time: left out");
    return nullptr;
  }
  AddRemark('W', number ? "bad-number" : "bad-date",
            number ? "not a number; kept as text" : "not a date or time; kept as text");
  return AddText(element, raw, false, parent);
}

std::optional<std::string_view> FieldReader::NumberText(std::string_view raw) {
  number_room_ = DecimalOf(raw);
  return number_room_.empty() ? std::nullopt : std::optional<std::string_view>(number_room_);
}

int FieldReader::OffsetOf(const V2Time& time) const {
  if (time.has_zone) {
    return time.zone_minutes;
  }
  return message_offset_ ? *message_offset_ : zone_->OffsetMinutes(time.civil);
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
