#include "gateway/flow/remarks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/hl7_code.h"
#include "gateway/base/json.h"

namespace gw::flow {
namespace {

constexpr size_t kCodeBytesMax = 64;

// How remarks about who and what a message is about are told.
struct Told {
  std::string_view code;
  int hl7_code;  // table 0357
  char severity;
};
constexpr std::array<Told, 7> kTold = {{
    {"stub-created", hl7_code::kUnknownKeyIdentifier, 'W'},
    {"order-created", hl7_code::kUnknownKeyIdentifier, 'W'},
    {"unlinked-unknown", hl7_code::kUnknownKeyIdentifier, 'W'},
    {"older-update", 0, 'I'},
    {"not-taken", 0, 'W'},
    {"label-stands", 0, 'W'},
    {"said-otherwise", 0, 'W'},
}};
// What would confirm a guess about a record that the sender may not see: is somebody of that name
// and birth date known, has the other record plans? The Tasks that they raise tell who may know.
constexpr std::array<std::string_view, 4> kOfOthers = {"possible-match", "doubtful-merge",
                                                       "merged-plans", "number-of-other"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The first bytes of a code; what is longer is free text in a coded field, and stays with the
// message.
std::string CodeOf(const std::string& code) {
  return code.size() <= kCodeBytesMax ? code : std::string("(text)");
}

void WriteRemark(const map::Remark& remark, JsonWriter* writer) {
  writer->ObjectStart()
      .Member("severity", std::string_view(&remark.severity, 1))
      .Member("code", remark.code);
  writer->Member("at", remark.where).Member("text", remark.text).ObjectEnd();
}

}  // namespace

std::string PlaceOf(std::string_view where) {
  if (where.starts_with("row ")) {
    const size_t comma = where.find(", ");
    where = comma == std::string_view::npos ? std::string_view("row") : where.substr(comma + 2);
  }
  std::string place;
  for (size_t i = 0; i < where.size(); ++i) {
    const char open = where[i];
    size_t end = i + 1;
    while (end < where.size() && IsDigit(where[end])) {
      ++end;
    }
    const char close = open == '[' ? ']' : ')';
    if ((open == '[' || open == '(') && end > i + 1 && end < where.size() && where[end] == close) {
      i = end;
      continue;
    }
    place += open;
  }
  return place;
}

std::string CauseOf(const Error& error) {
  const std::string place = PlaceOf(error.where);
  return std::to_string(hl7v2::Hl7CodeFor(error)) + (place.empty() ? "" : " " + place);
}

std::vector<store::FieldNote> FieldsOf(const map::Translation& translation) {
  std::vector<store::FieldNote> fields;
  fields.reserve(translation.unread.size() + translation.unmapped.size());
  for (const std::string& unread : translation.unread) {
    fields.push_back({false, PlaceOf(unread), "", ""});
  }
  for (const map::Unmapped& unmapped : translation.unmapped) {
    fields.push_back({true, PlaceOf(unmapped.where), unmapped.system, CodeOf(unmapped.code)});
  }
  return fields;
}

std::string ReasonOf(const Error& error) {
  return error.where.empty() ? error.detail : error.where + ": " + error.detail;
}

std::string RemarksJson(const map::Translation& translation) {
  std::string json;
  JsonWriter writer(&json);
  writer.ArrayStart();
  for (const map::Remark& remark : translation.remarks) {
    WriteRemark(remark, &writer);
  }
  for (const std::string& unread : translation.unread) {
    writer.ObjectStart()
        .Member("severity", "W")
        .Member("code", "unread")
        .Member("at", unread)
        .ObjectEnd();
  }
  for (const map::Unmapped& unmapped : translation.unmapped) {
    writer.ObjectStart()
        .Member("severity", "W")
        .Member("code", "unmapped-code")
        .Member("at", unmapped.where);
    writer.Member("system", unmapped.system).Member("value", unmapped.code).ObjectEnd();
  }
  writer.ArrayEnd();
  return json;
}

void AddRemarks(const std::vector<map::Remark>& remarks, std::string* json) {
  for (const map::Remark& remark : remarks) {
    std::string one;
    JsonWriter writer(&one);
    WriteRemark(remark, &writer);
    if (json->size() > std::string_view("[]").size()) {
      json->back() = ',';
    } else {
      *json = "[";
    }
    json->append(one).push_back(']');
  }
}

std::vector<hl7v2::Issue> IssuesOf(std::span<const map::Remark> remarks) {
  std::vector<hl7v2::Issue> issues;
  for (const map::Remark& remark : remarks) {
    const bool is_of_others =
        std::find(kOfOthers.begin(), kOfOthers.end(), remark.code) != kOfOthers.end();
    if (remark.severity != 'W' || is_of_others) {
      continue;
    }
    const auto* told = std::find_if(kTold.begin(), kTold.end(),
                                    [&remark](const Told& one) { return one.code == remark.code; });
    if (told == kTold.end()) {
      issues.push_back(
          {Error{Code::kInvalid, remark.text, remark.where, hl7_code::kDataTypeError}, 'W'});
      continue;
    }
    issues.push_back(
        {Error{Code::kConflict, remark.text, remark.where, told->hl7_code}, told->severity});
  }
  return issues;
}

}  // namespace gw::flow
