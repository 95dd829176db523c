#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "gateway/base/crypto.h"
#include "gateway/map/plan/run_internal.h"
#include "gateway/map/plan/types_internal.h"
#include "gateway/map/v2/model.h"

namespace gw::map {
namespace {

constexpr size_t kHashCharacters = 32;  // 128 bits in hexadecimal

std::string_view FirstCharacters(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (begins && count-- == 0) {
      break;
    }
  }
  return text.substr(0, at);
}

bool IsTrue(std::string_view text) {
  return text == "true" || text == "t" || text == "yes" || text == "y" || text == "1" ||
         text == "1.0" || text == "Y" || text == "T" || text == "TRUE" || text == "YES";
}
bool IsFalse(std::string_view text) {
  return text == "false" || text == "f" || text == "no" || text == "n" || text == "0" ||
         text == "0.0" || text == "N" || text == "F" || text == "FALSE" || text == "NO";
}

// A number without a plus sign and needless zeros: "+007" is "7"; decimals keep their precision.
std::string PlainNumber(std::string_view text) {
  std::string sign;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    sign = text.front() == '-' ? "-" : "";
    text.remove_prefix(1);
  }
  while (text.size() > 1 && text[0] == '0' && text[1] != '.') {
    text.remove_prefix(1);
  }
  return sign + (text.starts_with('.') ? "0" : "") + std::string(text);
}

// R4 leaves the system of a contact to its content where none is given.
std::string_view ContactSystem(std::string_view value) {
  if (value.find('@') != std::string_view::npos && !value.starts_with("http")) {
    return "email";
  }
  return value.find("://") != std::string_view::npos ? "url" : "phone";
}

}  // namespace

Result<Item> Runner::Transformed(const Place& place) {
  const TargetOp& op = *place.op;
  if (op.transform == Transform::kEvaluate) {
    return Evaluated(place);
  }
  if (op.transform == Transform::kCopy) {
    GW_TRY(const Item item, Argument(*place.rule, op.arguments.front()));
    return Put(place, item);
  }
  if (op.transform == Transform::kAppend || op.transform == Transform::kKeyedHash) {
    GW_TRY(const Item text, op.transform == Transform::kAppend ? Append(place) : KeyedHash(place));
    return Put(place, text);
  }
  Items items;
  for (size_t i = 0; i < op.arguments.size() && i < items.size(); ++i) {
    GW_TRY(items[i], Argument(*place.rule, op.arguments[i]));
  }
  switch (op.transform) {
    case Transform::kCc:
    case Transform::kC:
    case Transform::kQty:
    case Transform::kId:
    case Transform::kCp:
      return Composite(place, items);
    case Transform::kReference:
    case Transform::kPointer:
      return Refer(place, items[0]);
    case Transform::kTranslate:
      return Translate(place, items[0]);
    default: {
      GW_TRY(const Item item, Value(place, items));
      return Put(place, item);
    }
  }
}

// The transforms that make one text.
Result<Item> Runner::Value(const Place& place, const Items& items) {
  const CommonTypes& types = program_.types;
  switch (place.op->transform) {
    case Transform::kTruncate:
      return Truncate(place, items);
    case Transform::kEscape:
      return Escape(place, items);
    case Transform::kCast:
      return Cast(place, items[0]);
    case Transform::kDateOp:
      return DateOp(place, items);
    case Transform::kUuid: {
      const fhir::TypeDef* type = place.op->type;
      const bool is_uri = type != nullptr && type->primitive() == fhir::Primitive::kUuid;
      return TextItem((is_uri ? "urn:uuid:" : "") +
                          crypto::NamedUuid(options_.seed + "#" + std::to_string(++uuids_)),
                      is_uri ? type : types.string_type);
    }
    case Transform::kIdentifierSystem: {
      static const Feed no_feed;
      const Feed& feed = options_.feed != nullptr ? *options_.feed : no_feed;
      return TextItem(IdentifierSystem(feed, items[0].Text(), items[1].Text()), types.uri_type);
    }
    case Transform::kIsNhsNumber:
      return TextItem(IsNhsNumber(items[0].Text()) ? "true" : "false", types.boolean_type);
    case Transform::kPlace:
      return items[0].node == nullptr ? Item()
                                      : TextItem(PlaceOf(*items[0].node), types.string_type);
    case Transform::kFeed:
      return FeedValue(place);
    default:
      return Fail(Code::kInternal, *place.rule, "the transform is not one of a text");
  }
}

// The codes that a table of the feed has, separated by blanks.
static std::string CodesOf(const Feed& feed, const std::string& table) {
  std::string codes;
  const auto found = feed.tables.find(table);
  if (found != feed.tables.end()) {
    for (const auto& [code, meaning] : found->second) {
      codes += (codes.empty() ? "" : " ") + code;
    }
  }
  return codes;
}

Result<Item> Runner::FeedValue(const Place& place) {
  const std::string& key = place.op->arguments[0].text;
  const Feed* feed = options_.feed;
  if (feed == nullptr) {
    return Item();
  }
  if (key == "codedConsentComplete") {
    return TextItem(feed->coded_consent_complete ? "true" : "false", program_.types.boolean_type);
  }
  if (key == "surveys") {
    return TextItem(CodesOf(*feed, "survey"), program_.types.string_type);
  }
  const std::string& text = key == "name"           ? feed->name
                            : key == "organization" ? feed->organization
                            : key == "zone"         ? feed->zone
                            : key == "roles"        ? feed->roles
                            : key == "county"       ? feed->county
                            : key == "unknownMerge" ? feed->unknown_merge
                                                    : feed->policy_uri;
  return text.empty() ? Item() : TextItem(text, program_.types.string_type);
}

Result<Item> Runner::Truncate(const Place& place, const Items& items) {
  const std::string_view length = items[1].Text();
  size_t count = 0;
  if (std::from_chars(length.data(), length.data() + length.size(), count).ec != std::errc()) {
    return Refuse(place, "truncate takes a length that is a whole number");
  }
  const std::string_view text = items[0].Text();
  if (text.empty()) {
    return Item();
  }
  return TextItem(FirstCharacters(text, count), program_.types.string_type);
}

Result<Item> Runner::Cast(const Place& place, const Item& item) {
  using fhir::Primitive;
  const fhir::TypeDef& type = *place.op->cast;
  const std::string_view text = item.Text();
  if (text.empty()) {
    return Item();
  }
  std::string cast(text);
  switch (type.primitive()) {
    case Primitive::kBoolean:
      cast = IsTrue(text) ? "true" : (IsFalse(text) ? "false" : cast);
      break;
    case Primitive::kDate:
      cast = cast.substr(0, cast.find('T'));
      break;
    case Primitive::kTime:
      cast = cast.substr(cast.find('T') == std::string::npos ? 0 : cast.find('T') + 1);
      cast = cast.substr(0, cast.find_first_of("Z+-"));
      break;
    case Primitive::kInteger:
    case Primitive::kPositiveInt:
    case Primitive::kUnsignedInt:
    case Primitive::kDecimal:
      cast = PlainNumber(text);
      break;
    default:
      break;
  }
  if (!fhir::IsLexicalForm(type.primitive(), cast)) {
    return Refuse(place, "the value cannot be cast to " + std::string(type.name()));
  }
  return TextItem(cast, &type);
}

Result<Item> Runner::DateOp(const Place& place, const Items& items) {
  if (items[0].Text().empty()) {
    return Item();
  }
  const std::string result = AddToDate(items[0].Text(), items[1].Text(), items[2].Text());
  if (result.empty()) {
    return Refuse(place,
                  "dateOp takes a date or dateTime, a whole number and a unit that the "
                  "date is precise enough for: year, month, week, day, hour, minute, second");
  }
  const bool has_time = result.find('T') != std::string::npos;
  return TextItem(result, has_time ? program_.types.date_time_type : program_.types.date_type);
}

Result<Item> Runner::Append(const Place& place) {
  std::string text;
  for (const ArgumentOp& argument : place.op->arguments) {
    GW_TRY(const Item item, Argument(*place.rule, argument));
    text += item.Text();
  }
  return text.empty() ? Item() : TextItem(text, program_.types.string_type);
}

// Each part goes in with its length, so that no two lists of parts read the same.
Result<Item> Runner::KeyedHash(const Place& place) {
  if (options_.hash_key.empty()) {
    return Fail(Code::kInternal, *place.rule, "keyedHash has no key: the run was given none");
  }
  std::string text;
  for (const ArgumentOp& argument : place.op->arguments) {
    GW_TRY(const Item item, Argument(*place.rule, argument));
    text += std::to_string(item.Text().size()) + ":";
    text += item.Text();
  }
  const std::string hash = crypto::Hex(crypto::HmacSha256(options_.hash_key, text));
  return TextItem(std::string_view(hash).substr(0, kHashCharacters), program_.types.string_type);
}

// Several results fill a list; where the target takes one, they are an error.
Result<Item> Runner::Evaluated(const Place& place) {
  const TargetOp& op = *place.op;
  Item focus;
  bool is_source = true;
  if (op.arguments.size() == 2) {
    GW_TRY(focus, Argument(*place.rule, op.arguments[0]));
    is_source = op.arguments[0].is_source;
    if (focus.is_absent()) {
      return Item();
    }
  }
  fhir::path::Collection results;
  GW_RETURN_IF_ERROR(Evaluate(*place.rule, *op.arguments.back().path, focus, is_source, &results));
  if (results.empty()) {
    return Item();
  }
  const fhir::ElementDef* element =
      place.context == nullptr || op.step.kind == Step::Kind::kSelf ? nullptr : ElementOf(place);
  const bool is_list = element != nullptr && element->max != 1;
  if (results.size() > 1 && !is_list) {
    return Refuse(place, "the expression gives several items, the target takes one");
  }
  Item made;
  for (const fhir::path::Value& result : results) {
    GW_TRY(made, PutResult(place, result));
  }
  return made;
}

Result<Item> Runner::PutResult(const Place& place, const fhir::path::Value& result) {
  if (result.kind() != fhir::path::Value::Kind::kQuantity || result.element() != nullptr) {
    return Put(place, ItemOf(result));
  }
  GW_TRY(fhir::Element * quantity, Whole(place, program_.types.quantity));
  GW_RETURN_IF_ERROR(AddText(place, quantity, "value", result.text()));
  GW_RETURN_IF_ERROR(AddText(place, quantity, "unit", result.unit()));
  return Written(quantity);
}

// cc(), c(), qty(), id() and cp(): the parts in the order of their arguments. Without its main
// part, the code or the value, there is nothing.
Result<Item> Runner::Composite(const Place& place, const Items& items) {
  const CommonTypes& types = program_.types;
  const Transform transform = place.op->transform;
  const bool is_one = place.op->arguments.size() == 1;
  const std::string_view main = items[is_one || transform == Transform::kQty ? 0 : 1].Text();
  if (main.empty()) {
    return Item();
  }
  if (transform == Transform::kCc || transform == Transform::kC) {
    return Concept(place, items);
  }
  if (transform == Transform::kId) {
    return Identifier(place, items);
  }
  if (transform == Transform::kQty) {
    GW_TRY(fhir::Element * quantity, Whole(place, types.quantity));
    GW_RETURN_IF_ERROR(FillQuantity(place, items, quantity));
    return Written(quantity);
  }
  GW_TRY(fhir::Element * contact, Whole(place, types.contact_point));
  GW_RETURN_IF_ERROR(
      AddText(place, contact, "system", is_one ? ContactSystem(main) : items[0].Text()));
  GW_RETURN_IF_ERROR(AddText(place, contact, "value", main));
  return Written(contact);
}

Result<Item> Runner::Concept(const Place& place, const Items& items) {
  const CommonTypes& types = program_.types;
  const bool is_concept = place.op->transform == Transform::kCc;
  GW_TRY(fhir::Element * whole, Whole(place, is_concept ? types.codeable_concept : types.coding));
  if (place.op->arguments.size() == 1) {
    GW_RETURN_IF_ERROR(AddText(place, whole, "text", items[0].Text()));
    return Written(whole);
  }
  fhir::Element* coding = whole;
  if (is_concept) {
    GW_TRY(coding, Part(place, whole, "coding"));
  }
  GW_RETURN_IF_ERROR(AddText(place, coding, "system", items[0].Text()));
  GW_RETURN_IF_ERROR(AddText(place, coding, "code", items[1].Text()));
  GW_RETURN_IF_ERROR(AddText(place, coding, "display", items[2].Text()));
  return Written(whole);
}

Result<Item> Runner::Identifier(const Place& place, const Items& items) {
  GW_TRY(fhir::Element * identifier, Whole(place, program_.types.identifier));
  GW_RETURN_IF_ERROR(AddText(place, identifier, "system", items[0].Text()));
  GW_RETURN_IF_ERROR(AddText(place, identifier, "value", items[1].Text()));
  if (items[2].Text().empty()) {
    return Written(identifier);
  }
  GW_TRY(fhir::Element * type, Part(place, identifier, "type"));
  GW_TRY(fhir::Element * coding, Part(place, type, "coding"));
  GW_RETURN_IF_ERROR(
      AddText(place, coding, "system", "http://terminology.hl7.org/CodeSystem/v2-0203"));
  GW_RETURN_IF_ERROR(AddText(place, coding, "code", items[2].Text()));
  return Written(identifier);
}

Result<fhir::Element*> Runner::Part(const Place& place, fhir::Element* parent,
                                    std::string_view name) {
  auto added = parent->Add(name);
  if (!added) {
    return Refuse(place, added.error().detail);
  }
  return *added;
}

// qty('>5.4 mg') or qty(value, unit, system, code).
Status Runner::FillQuantity(const Place& place, const Items& items, fhir::Element* quantity) {
  const size_t count = place.op->arguments.size();
  std::string_view value = items[0].Text();
  std::string_view unit = items[1].Text();
  if (count == 1) {
    const size_t sign = value.find_first_not_of("<>=");
    GW_RETURN_IF_ERROR(AddText(place, quantity, "comparator", value.substr(0, sign)));
    value.remove_prefix(std::min(sign, value.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    const size_t end = std::min(value.find_first_not_of("+-.0123456789eE"), value.size());
    unit = value.substr(end);
    unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
    value = value.substr(0, end);
  }
  const std::string number = PlainNumber(value);
  if (!fhir::IsLexicalForm(fhir::Primitive::kDecimal, number)) {
    return Refuse(place, "qty takes a number");
  }
  GW_RETURN_IF_ERROR(AddText(place, quantity, "value", number));
  GW_RETURN_IF_ERROR(AddText(place, quantity, "unit", unit));
  GW_RETURN_IF_ERROR(AddText(place, quantity, "system", items[2].Text()));
  return AddText(place, quantity, "code", items[3].Text());
}

}  // namespace gw::map
