#include "gateway/map/v2/writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/hl7v2/charset_writer.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

using fhir::Element;
using fhir::Primitive;

constexpr std::string_view kNull = "\"\"";  // HL7 v2.8.2 2.5.3: delete it

// A child's number: 3 of "f3", 0 where its name has another form.
uint32_t NumberOf(const Element& child) {
  const std::string_view name = child.name();
  uint32_t number = 0;
  std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return number;
}

// FHIR "2026-03-02T14:00:00+00:00" as DTM "20260302140000+0000"; "14:00:00" as TM; years, months
// and days as they are. HL7 v2.8.2 2A.3.22: fractions of at most four digits.
std::string TimeText(std::string_view text, bool day_only) {
  std::string out;
  const size_t start_of_time = text.find('T');
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_time =
        start_of_time == text.npos ? text.find(':') != text.npos : i > start_of_time;
    if (day_only && (c == 'T' || out.size() == 8)) {
      break;
    }
    if (c == 'Z') {
      out += "+0000";
    } else if (c == '.') {
      const size_t end = std::min(text.find_first_not_of("0123456789", i + 1), text.size());
      out.append(text.substr(i, std::min<size_t>(end - i, 5)));
      i = end - 1;
    } else if ((c >= '0' && c <= '9') || c == '+' || (c == '-' && in_time)) {
      out += c;
    }
  }
  return out;
}

class Writer {
 public:
  Writer(const Destination& destination, std::vector<Remark>* remarks)
      : destination_(destination), marks_(destination.separators), remarks_(remarks) {}

  Result<std::string> Write(const Element& message) {
    GW_RETURN_IF_ERROR(WriteGroup(message));
    GW_TRY(std::string bytes, hl7v2::Encode(out_, destination_.charset));
    const bool wide = destination_.charset == hl7v2::Charset::kUtf16;
    return wide ? std::string(hl7v2::ByteOrderMark(destination_.charset)) + bytes : bytes;
  }

 private:
  Status WriteGroup(const Element& group) {
    const Element* person = group.Child("PD1") != nullptr ? group.Child("PD1") : group.Child("PID");
    for (const Element* child = group.first_child(); child != nullptr; child = child->next()) {
      if (person != nullptr && child->name() == "ARV") {
        continue;
      }
      GW_RETURN_IF_ERROR(IsSegment(*child) ? WriteSegment(*child) : WriteGroup(*child));
      if (child == person) {
        GW_RETURN_IF_ERROR(WriteRestrictions(group));
      }
    }
    return {};
  }

  // A person's restrictions stand behind PID and PD1: before them, they would be the message's.
  Status WriteRestrictions(const Element& group) {
    for (const Element* child = group.first_child(); child != nullptr; child = child->next()) {
      if (child->name() == "ARV") {
        GW_RETURN_IF_ERROR(WriteSegment(*child));
      }
    }
    return {};
  }

  Status WriteSegment(const Element& segment) {
    const bool is_other = segment.type().name() == "OTHER";
    const bool is_msh = segment.name() == "MSH";
    const size_t begin = out_.size();
    out_.append(is_other ? segment.TextAt("name") : segment.name());
    const size_t after_name = out_.size();
    uint32_t field = 0;
    if (is_msh) {
      out_ +=
          {marks_.field, marks_.component, marks_.repetition, marks_.escape, marks_.subcomponent};
      out_.append(marks_.truncation == 0 ? 0 : 1, marks_.truncation);
      field = 2;
    }
    for (const Element* child = segment.first_child(); child != nullptr; child = child->next()) {
      const uint32_t number = NumberOf(*child);
      if (number == 0 || (is_msh && number <= 2)) {
        continue;
      }
      if (number == field) {
        out_ += marks_.repetition;
      }
      out_.append(number - field, marks_.field);
      field = number;
      GW_RETURN_IF_ERROR(WriteParts(*child, marks_.component, marks_.subcomponent));
    }
    if (out_.size() == after_name) {
      out_.resize(begin);  // a segment that says nothing is none
      return {};
    }
    out_ += '\r';
    return {};
  }

  // A field's components, or a component's subcomponents, or a plain text.
  Status WriteParts(const Element& node, char separator, char below) {
    if (node.is_null()) {
      out_ += kNull;
      return {};
    }
    if (node.first_child() == nullptr) {
      return WriteText(node);
    }
    uint32_t at = 1;
    if (node.has_text()) {
      GW_RETURN_IF_ERROR(WriteText(node));
    }
    for (const Element* part = node.first_child(); part != nullptr; part = part->next()) {
      const uint32_t number = NumberOf(*part);
      out_.append(number - std::min(at, number), separator);
      at = number;
      GW_RETURN_IF_ERROR(WriteParts(*part, below, '\0'));
    }
    return {};
  }

  Status WriteText(const Element& node) {
    const Primitive primitive = node.type().primitive();
    const bool is_time = primitive == Primitive::kDate || primitive == Primitive::kDateTime ||
                         primitive == Primitive::kInstant || primitive == Primitive::kTime;
    if (is_time || IsTimeOfObservation(node)) {
      out_ += TimeText(node.text(), primitive == Primitive::kDate);
      return {};
    }
    if (node.text() == kNull) {
      AppendHex(kNull);  // a text of two quotes is not HL7's null
      return {};
    }
    return WriteEscaped(node, hl7v2::Escape(node.text(), marks_));
  }

  // OBX-5 has the type that OBX-2 says, and arrives here as text.
  static bool IsTimeOfObservation(const Element& node) {
    const Element* field = &node;
    while (field != nullptr && field->name() != "f5") {
      field = field->parent();
    }
    if (field == nullptr || field->parent()->name() != "OBX") {
      return false;
    }
    const std::string_view type = field->parent()->TextAt("f2");
    return type == "DT" || type == "DTM" || type == "TS" || type == "TM";
  }

  Status WriteEscaped(const Element& node, std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      const char32_t character = hl7v2::NextCharacter(text, &at);
      if (hl7v2::CanSay(character, destination_.charset)) {
        out_.append(text.substr(begin, at - begin));
        continue;
      }
      if (destination_.unrepresentable != "escape") {
        return Error{Code::kUnprocessable, "a character that the character set does not have",
                     PlaceOf(node), hl7_code::kDataTypeError};
      }
      AppendHex(text.substr(begin, at - begin));
      remarks_->push_back({'W', "escaped-character", PlaceOf(node),
                           "a character that the character set does not have is escaped"});
    }
    return {};
  }

  // HL7 v2.8.2 2.7.1: \Xdddd..\ .
  void AppendHex(std::string_view bytes) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    out_ += {marks_.escape, 'X'};
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      out_ += {kHex[byte >> 4], kHex[byte & 15]};
    }
    out_ += marks_.escape;
  }

  const Destination& destination_;
  hl7v2::Delimiters marks_;
  std::vector<Remark>* remarks_;
  std::string out_;
};

// Segments whose first field counts them.
constexpr std::array<std::string_view, 16> kCounted = {"PID", "PV1", "NK1", "NTE", "OBX", "OBR",
                                                       "DG1", "AL1", "PR1", "GT1", "IN1", "TXA",
                                                       "CON", "ARV", "REL", "IAM"};

class Numberer {
 public:
  void Number(Element* group) {
    std::map<std::string_view, uint32_t> in_group;
    for (Element* child = group->first_child(); child != nullptr; child = child->next()) {
      if (!IsSegment(*child)) {
        Number(child);
        continue;
      }
      child->SetOffset(++in_message_[child->name()]);
      NumberFields(child);
      const bool opens_group = group->parent() != nullptr && child == group->first_child();
      const uint32_t set_id = opens_group ? PlaceAmongSiblings(*group) : ++in_group[child->name()];
      SetId(child, set_id);
    }
  }

 private:
  static void NumberFields(Element* segment) {
    std::string_view name;
    uint32_t repetition = 0;
    for (Element* field = segment->first_child(); field != nullptr; field = field->next()) {
      repetition = field->name() == name ? repetition + 1 : 1;
      name = field->name();
      field->SetOffset(repetition);
    }
  }

  static uint32_t PlaceAmongSiblings(const Element& group) {
    uint32_t place = 0;
    for (const Element* sibling = group.parent()->first_child(); sibling != nullptr;
         sibling = sibling->next()) {
      place += sibling->name() == group.name() ? 1U : 0U;
      if (sibling == &group) {
        break;
      }
    }
    return place;
  }

  static void SetId(Element* segment, uint32_t set_id) {
    const bool is_counted =
        std::find(kCounted.begin(), kCounted.end(), segment->name()) != kCounted.end();
    if (is_counted && segment->Child("f1") == nullptr) {
      if (auto field = segment->Add("f1", std::to_string(set_id))) {
        (*field)->SetOffset(1);
      }
    }
  }

  std::map<std::string_view, uint32_t> in_message_;
};

}  // namespace

void NumberSegments(Element* message) { Numberer().Number(message); }

Result<std::string> WriteV2(const Element& message, const Destination& destination,
                            std::vector<Remark>* remarks) {
  return Writer(destination, remarks).Write(message);
}

}  // namespace gw::map
