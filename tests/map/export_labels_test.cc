#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/map/export/export.h"
#include "tests/map/plan_testing.h"
#include "tests/map/samples_testing.h"

// The law of labels: what carries a security label arrives with it, or not at all.
namespace gw::map {
namespace {

constexpr std::string_view kMark = "Zebra";
const Instant kNow{};

std::string Coded(const std::string& label) {
  const bool is_level = label.size() == 1;
  const std::string system = label == "LOCAL" ? "urn:other"
                             : label == "HTEST"
                                 ? "http://terminology.hl7.org/CodeSystem/v3-ActReason"
                             : is_level ? "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
                                        : "http://terminology.hl7.org/CodeSystem/v3-ActCode";
  return R"({"system": ")" + system + R"(", "code": ")" + label + R"("})";
}

// A resource of the Bundle. `text` holds %M where its mark goes.
struct Item {
  std::string_view name;  // "Condition (problem)"
  std::string_view type;
  std::string_view text;
};

// clang-format off
constexpr Item kItems[] = {
    {"person", "Patient", R"("name": [{"family": "%M"}], "identifier": [{"system": "urn:caregate:id:X:MR", "value": "1"}])"},
    {"kin", "RelatedPerson", R"("patient": {"reference": "urn:uuid:person"}, "name": [{"family": "%M"}])"},
    {"carer", "RelatedPerson", R"("patient": {"reference": "urn:uuid:person"}, "identifier": [{"system": "urn:caregate:id:X:PI", "value": "5"}], "name": [{"family": "%M"}])"},
    {"doctor", "Practitioner", R"("identifier": [{"system": "urn:caregate:id:X:EI", "value": "D1"}], "name": [{"family": "%M"}])"},
    {"volunteers", "Organization", R"("identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "X9915"}], "name": "%M")"},
    {"visit", "Encounter", R"("status": "in-progress", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}, "subject": {"reference": "urn:uuid:person"}, "identifier": [{"system": "urn:caregate:id:X:visit", "value": "%M"}], "diagnosis": [{"condition": {"reference": "urn:uuid:diagnosis"}}])"},
    {"diagnosis", "Condition", R"("category": [{"coding": [{"code": "encounter-diagnosis"}]}], "subject": {"reference": "urn:uuid:person"}, "encounter": {"reference": "urn:uuid:visit"}, "code": {"coding": [{"system": "urn:x", "code": "1", "display": "%M"}]})"},
    {"procedure", "Procedure", R"("status": "completed", "subject": {"reference": "urn:uuid:person"}, "encounter": {"reference": "urn:uuid:visit"}, "code": {"coding": [{"system": "urn:x", "code": "2", "display": "%M"}]})"},
    {"allergy", "AllergyIntolerance", R"("patient": {"reference": "urn:uuid:person"}, "code": {"coding": [{"system": "urn:x", "code": "3", "display": "%M"}]})"},
    {"finding", "Observation", R"("status": "final", "subject": {"reference": "urn:uuid:person"}, "code": {"coding": [{"system": "urn:x", "code": "4", "display": "%M"}]}, "valueString": "said")"},
    {"problem", "Condition", R"("identifier": [{"system": "urn:caregate:id:C:problem", "value": "P1"}], "subject": {"reference": "urn:uuid:person"}, "code": {"coding": [{"system": "urn:x", "code": "5", "display": "%M"}]})"},
    {"lone-problem", "Condition", R"("identifier": [{"system": "urn:caregate:id:C:problem", "value": "P2"}], "subject": {"reference": "urn:uuid:person"}, "code": {"coding": [{"system": "urn:x", "code": "6", "display": "%M"}]})"},
    {"goal", "Goal", R"("identifier": [{"system": "urn:caregate:id:C:goal", "value": "G1"}], "lifecycleStatus": "active", "description": {"text": "%M"}, "subject": {"reference": "urn:uuid:person"}, "addresses": [{"reference": "urn:uuid:problem"}], "extension": [{"url": "urn:caregate:extension:review", "extension": [{"url": "next", "valueDateTime": "2026-03-01"}]}])"},
    {"lone-goal", "Goal", R"("identifier": [{"system": "urn:caregate:id:C:goal", "value": "G2"}], "lifecycleStatus": "active", "description": {"text": "%M"}, "subject": {"reference": "urn:uuid:person"}, "extension": [{"url": "urn:caregate:extension:review", "extension": [{"url": "next", "valueDateTime": "2026-03-01"}]}])"},
    {"variance", "Communication", R"("status": "completed", "category": [{"coding": [{"system": "urn:caregate:code-system:communication", "code": "variance"}]}], "subject": {"reference": "urn:uuid:person"}, "about": [{"reference": "urn:uuid:goal"}], "sent": "2026-03-01T10:00:00Z", "payload": [{"contentString": "%M"}])"},
    {"order", "ServiceRequest", R"("identifier": [{"system": "urn:caregate:id:C:order", "value": "O1"}], "status": "active", "intent": "order", "subject": {"reference": "urn:uuid:person"}, "code": {"coding": [{"system": "urn:x", "code": "7", "display": "%M"}]})"},
    {"team", "CareTeam", R"("identifier": [{"system": "urn:caregate:id:C:team", "value": "T1"}], "status": "active", "subject": {"reference": "urn:uuid:person"}, "participant": [{"role": [{"text": "Neighbour"}], "member": {"display": "%M"}}, {"role": [{"text": "Carer"}], "member": {"reference": "urn:uuid:carer"}}, {"role": [{"text": "Doctor"}], "member": {"reference": "urn:uuid:doctor"}}, {"role": [{"text": "Volunteers"}], "member": {"reference": "urn:uuid:volunteers"}}])"},
    {"plan", "CarePlan", R"("identifier": [{"system": "urn:caregate:id:C:plan", "value": "CP1"}], "status": "active", "intent": "plan", "title": "%M", "subject": {"reference": "urn:uuid:person"}, "careTeam": [{"reference": "urn:uuid:team"}], "addresses": [{"reference": "urn:uuid:problem"}], "goal": [{"reference": "urn:uuid:goal"}], "activity": [{"reference": {"reference": "urn:uuid:order"}}])"},
    {"form", "DocumentReference", R"("identifier": [{"system": "urn:caregate:id:C:doc", "value": "F1"}], "status": "current", "type": {"coding": [{"system": "urn:x", "code": "8", "display": "Form"}]}, "subject": {"reference": "urn:uuid:person"}, "description": "%M", "content": [{"attachment": {"contentType": "text/plain"}}])"},
    {"consent", "Consent", R"("identifier": [{"system": "urn:caregate:id:C:consent", "value": "%M"}], "status": "active", "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]}, "category": [{"coding": [{"code": "59284-0"}]}], "patient": {"reference": "urn:uuid:person"}, "dateTime": "2026-02-02", "sourceReference": {"reference": "urn:uuid:form"}, "provision": {"type": "deny"})"},
    {"words", "Task", R"("status": "requested", "intent": "order", "code": {"coding": [{"code": "code-limits"}]}, "description": "%M", "for": {"reference": "urn:uuid:person"}, "focus": {"reference": "urn:uuid:consent", "type": "Consent", "identifier": {"system": "urn:caregate:id:C:consent", "value": "C1"}})"},
};
// clang-format on

// All of them, that of the name marked and labelled.
fhir::Resource BundleWith(std::string_view name, const std::vector<std::string>& labels) {
  std::string entries;
  for (const Item& item : kItems) {
    std::string text(item.text);
    const size_t mark = text.find("%M");
    text.replace(mark, 2, item.name == name ? kMark : item.name == "consent" ? "C1" : "Horse");
    std::string security;
    for (const std::string& label : labels) {
      security += (security.empty() ? "" : ", ") + Coded(label);
    }
    const std::string meta =
        item.name == name && !labels.empty() ? R"("meta": {"security": [)" + security + "]}, " : "";
    entries += (entries.empty() ? "" : ", ") + std::string(R"({"fullUrl": "urn:uuid:)") +
               std::string(item.name) + R"(", "resource": {"resourceType": ")" +
               std::string(item.type) + R"(", )" + meta + text + "}}";
  }
  return Parsed(R"({"resourceType": "Bundle", "type": "collection", "entry": [)" + entries + "]}");
}

// "Condition[2]"
std::string PlaceOf(const Item& item) {
  size_t number = 0;
  for (const Item* each = std::begin(kItems); each <= &item; ++each) {
    number += each->type == item.type ? 1U : 0U;
  }
  return std::string(item.type) + "[" + std::to_string(number) + "]";
}

bool IsProtective(const std::string& label) {
  return label != "N" && label != "L" && label != "M" && label != "U";
}

// The labels of the resource that has the mark; those that a change takes away are none.
std::vector<std::string> LabelsBack(const ExportedMessage& message, std::string_view type) {
  std::vector<std::string> labels;
  const Outcome outcome = TranslateMessage(message.bytes, FeedOf("X9900"));
  EXPECT_EQ(outcome.refusal, "") << message.bytes;
  const auto outcomes = OutcomesOf(outcome.translation.changes);
  EXPECT_TRUE(outcomes.ok());
  for (const fhir::Resource& resource : outcomes->resources) {
    const fhir::Element* meta = resource.root().Child("meta");
    if (resource.type() != type || ToJson(resource).find(kMark) == std::string::npos ||
        meta == nullptr) {
      continue;
    }
    for (const fhir::Element* label = meta->first_child(); label != nullptr;
         label = label->next()) {
      const fhir::Element* extension = label->Child("extension");
      if (label->name() == "security" &&
          (extension == nullptr || extension->TextAt("url") != kActionMark)) {
        labels.emplace_back(label->TextAt("code"));
      }
    }
  }
  return labels;
}

bool Has(const std::vector<std::string>& labels, const std::string& label) {
  const auto is = [&labels](std::string_view code) {
    return std::find(labels.begin(), labels.end(), code) != labels.end();
  };
  return is(label) || (label == "R" && is("V"));
}

// Is a label of this place refused?
bool IsRefused(const Export& made, const std::string& place) {
  const std::string start = place + ".meta.security[";
  return std::any_of(made.messages.begin(), made.messages.end(),
                     [&](const auto& message) {
                       return !message.ok() && message.error().where.starts_with(start);
                     }) ||
         std::any_of(made.remarks.begin(), made.remarks.end(), [&](const Remark& remark) {
           return remark.severity == 'E' && remark.where.starts_with(start);
         });
}

const std::vector<std::vector<std::string>>& Labels() {
  static const std::vector<std::vector<std::string>> labels = {
      {"R"},        {"V"},      {"PSY"},        {"HIV"},        {"SEX"},
      {"STD"},      {"SUD"},    {"ETHUD"},      {"SDV"},        {"NOPAT"},
      {"TBOO"},     {"HTEST"},  {"LOCAL"},      {"PSY", "R"},   {"R", "HIV"},
      {"PSY", "V"}, {"V", "R"}, {"HIV", "SEX"}, {"NOPAT", "R"}, {"NOPAT", "PSY", "R"},
      {"N", "R"},   {"R", "R"}};
  return labels;
}

void CheckMessages(const Item& item, const std::vector<std::string>& labels,
                   const std::string& version, bool* is_said) {
  Destination to;
  to.name = "test";
  to.version = version;
  const auto made = BackMaps().FromFhir(BundleWith(item.name, labels), to, kNow);
  ASSERT_TRUE(made.ok()) << made.error().detail;
  *is_said = false;
  for (const auto& message : made->messages) {
    if (!message.ok() || message->bytes.find(kMark) == std::string::npos) {
      continue;
    }
    *is_said = true;
    const std::vector<std::string> back = labels.empty() ? labels : LabelsBack(*message, item.type);
    for (const std::string& label : labels) {
      EXPECT_TRUE(!IsProtective(label) || Has(back, label))
          << item.name << " without " << label << " in " << version << "\n"
          << message->bytes;
    }
  }
  if (!labels.empty() && !*is_said) {
    EXPECT_TRUE(IsRefused(*made, PlaceOf(item))) << item.name << " " << labels[0] << version;
  }
}

TEST(ExportLabels, WhatIsSentCarriesThemOrIsRefused) {
  for (const char* version : {"2.3", "2.8"}) {
    for (const Item& item : kItems) {
      bool is_said = false;
      CheckMessages(item, {}, version, &is_said);
      if (!is_said) {
        continue;  // this version has no place for it, with labels or without
      }
      for (const std::vector<std::string>& labels : Labels()) {
        CheckMessages(item, labels, version, &is_said);
      }
    }
  }
}

// Every kind of resource of the table is sent by some version: the law speaks of it.
TEST(ExportLabels, EveryKindIsSentWithoutLabels) {
  for (const Item& item : kItems) {
    bool is_said = false;
    CheckMessages(item, {}, "2.8", &is_said);
    EXPECT_TRUE(is_said) << item.name;
  }
}

TEST(ExportLabels, FieldsThatThereAreHoldThem) {
  const struct {
    std::string_view name;
    std::vector<std::string> labels;
    std::string_view segment;
  } cases[] = {
      {"person", {"R"}, "\rPD1||||||||||||Y"},
      {"visit", {"R"}, "\rPV2||||||||||||||||||||||Y"},
      {"lone-problem", {"HIV", "R"}, "||||||||||||||||||||HIV\r"},
      {"lone-problem", {"R", "V"}, "||||||||||||||||||||V\r"},
      {"lone-problem", {"NOPAT"}, "||||||||||||||||NONE\r"},
      {"form", {"V"}, "|V|AV|"},
  };
  for (const auto& c : cases) {
    Destination to;
    to.name = "test";
    to.version = "2.8";
    const auto made = BackMaps().FromFhir(BundleWith(c.name, c.labels), to, kNow);
    ASSERT_TRUE(made.ok());
    EXPECT_TRUE(std::any_of(made->messages.begin(), made->messages.end(), [&](const auto& message) {
      return message.ok() && message->bytes.find(c.segment) != std::string::npos;
    })) << c.name;
  }
}

// No column says a label: the row is left out, with all that cannot stand without it.
TEST(ExportLabels, RowsAreLeftOut) {
  for (const char* map : {"plans", "teams", "reviews-due"}) {
    Destination to;
    to.name = "test";
    to.format = Destination::Format::kCsv;
    to.map = std::string("fhir-to-csv/") + map;
    for (const Item& item : kItems) {
      const auto plain = BackMaps().FromFhir(BundleWith(item.name, {}), to, kNow);
      ASSERT_TRUE(plain.ok()) << plain.error().detail;
      for (const std::string label : {"R", "HIV", "NOPAT"}) {
        const std::vector<std::string> labels = {label};
        const auto made = BackMaps().FromFhir(BundleWith(item.name, labels), to, kNow);
        ASSERT_TRUE(made.ok()) << made.error().detail;
        EXPECT_EQ(made->csv.find(kMark), std::string::npos) << item.name << map << made->csv;
        const bool was_said = plain->csv.find(kMark) != std::string::npos;
        EXPECT_TRUE(!was_said || IsRefused(*made, PlaceOf(item))) << item.name << map;
        EXPECT_TRUE(was_said || made->rows <= plain->rows) << item.name << map;
      }
    }
  }
}

// A label that is to be taken away is none that must be said.
TEST(ExportLabels, WhatIsTakenAwayIsNoLabel) {
  const std::string bundle = ToJson(BundleWith("person", {"R"}));
  std::string lifted = bundle;
  const std::string code = R"("code":"R")";
  const size_t at = lifted.find(code);
  ASSERT_NE(at, std::string::npos);
  lifted.insert(at + code.size(),
                R"(,"extension":[{"url":"urn:caregate:action","valueCode":"UN"}])");
  Destination to;
  to.name = "test";
  const auto made = BackMaps().FromFhir(Parsed(lifted), to, kNow);
  ASSERT_TRUE(made.ok());
  for (const auto& message : made->messages) {
    EXPECT_TRUE(!message.ok() || message->bytes.find("||Y") == std::string::npos);
  }
  EXPECT_FALSE(IsRefused(*made, "Patient[1]"));
}

}  // namespace
}  // namespace gw::map
