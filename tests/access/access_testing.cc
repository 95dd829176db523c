#include "tests/access/access_testing.h"

#include <gtest/gtest.h>

namespace gw::access {

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

Instant At(int year, int month, int day, int hour, int minute, int second) {
  CivilTime civil;
  civil.year = year;
  civil.month = month;
  civil.day = day;
  civil.hour = hour;
  civil.minute = minute;
  civil.second = second;
  return FromCivil(civil);
}

Instant Noon() { return At(2026, 11, 21, 10); }

Request::Request() {
  principal.client_id = "app";
  principal.scopes = {"system/*.cruds"};
  As("hosp-a", "dr-a", "doctor");
  For("TREAT");
}

Request& Request::As(std::string organization, std::string practitioner, std::string role) {
  principal.organization = {};
  principal.practitioner = {};
  principal.patient.clear();
  principal.related_person.clear();
  principal.roles.clear();
  actor = {};
  if (!organization.empty()) {
    principal.organization = {"https://fhir.nhs.uk/Id/ods-organization-code", organization};
    actor.identifiers.push_back(principal.organization);
    actor.references.push_back("Organization/" + organization);
  }
  if (!practitioner.empty()) {
    principal.practitioner = {"https://fhir.nhs.uk/Id/sds-user-id", practitioner};
    actor.identifiers.push_back(principal.practitioner);
    actor.references.push_back("Practitioner/" + practitioner);
  }
  if (!role.empty()) {
    principal.roles.push_back(role);
  }
  return *this;
}

Request& Request::AsPatient(std::string id) {
  As("", "", "");
  principal.patient = std::move(id);
  return For("PATRQT");
}

Request& Request::AsProxy(std::string related_person, bool valid) {
  As("", "", "");
  principal.related_person = std::move(related_person);
  if (valid) {
    actor.references.push_back("RelatedPerson/" + principal.related_person);
  }
  return For("FAMRQT");
}

Request& Request::For(std::string purpose) {
  principal.purpose = std::move(purpose);
  return *this;
}

std::string ConsentJson(std::string_view id, std::string_view rest) {
  return R"({"resourceType":"Consent","id":")" + std::string(id) +
         R"(","status":"active","scope":{"coding":[)" +
         Coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy") +
         R"(]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],)" +
         R"("patient":{"reference":"Patient/p1"},"policy":[{"uri":"urn:example:policy"}])" +
         std::string(rest) + "}";
}

std::string ProvisionJson(std::string_view id, std::string_view provision) {
  return ConsentJson(id, ",\"provision\":" + std::string(provision));
}

std::string Coding(std::string_view system, std::string_view code) {
  std::string uri(system);
  if (uri.find(':') == std::string::npos) {
    uri = "http://terminology.hl7.org/CodeSystem/" + uri;
  }
  return R"({"system":")" + uri + R"(","code":")" + std::string(code) + R"("})";
}

std::string PolicyRule(std::string_view code) {
  return R"(,"policyRule":{"coding":[)" + Coding("v3-ActCode", code) + "]}";
}

std::string ActorJson(std::string_view reference, std::string_view role) {
  return R"("actor":[{"role":{"coding":[)" + Coding("v3-ParticipationType", role) +
         R"(]},"reference":{"reference":")" + std::string(reference) + R"("}}])";
}

fhir::StoredResource Stored(std::string_view json) {
  fhir::StoredResource stored;
  stored.json = json;
  stored.version = 1;
  const Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), Limits{});
  if (!resource) {
    ADD_FAILURE() << resource.error().detail << " " << resource.error().where << "\n" << json;
    return stored;
  }
  stored.key = {std::string(resource->type()), std::string(resource->id())};
  stored.label_class = LabelClassOf(*resource);
  stored.persons = PersonsOf(*resource);
  return stored;
}

std::shared_ptr<const ConsentSet> Compiled(const std::vector<std::string>& consents) {
  std::vector<fhir::StoredResource> stored;
  for (const std::string& json : consents) {
    fhir::StoredResource one;
    one.key.type = "Consent";
    const Result<Json> tree = Json::Parse(json, Limits{});
    one.key.id = tree ? std::string(tree->TextOf("id")) : "";
    one.version = 7;
    one.json = json;
    stored.push_back(std::move(one));
  }
  return ConsentSet::Compile(stored, "", R4(), Limits{});
}

Decision Decide(const Request& request, const std::vector<std::string>& consents,
                std::string_view label_class) {
  const std::string type(label_class.substr(0, label_class.find(' ')));
  const Result<Permit> permit = Authorize(request.principal, request.interaction, type);
  if (!permit) {
    ADD_FAILURE() << permit.error().detail;
    return {};
  }
  const Judge judge(*permit, request.actor, request.policy, R4(), request.now);
  const auto set = Compiled(consents);
  const Decision decision = judge.Decide("p1", *set, label_class);
  EXPECT_EQ(judge.Permits("p1", *set, label_class), decision.permit);
  return decision;
}

namespace {

void Write(const Json& json, JsonWriter* writer) {
  switch (json.kind()) {
    case Json::Kind::kObject:
      writer->ObjectStart();
      for (const auto& [name, value] : json.members()) {
        writer->Key(name);
        Write(value, writer);
      }
      writer->ObjectEnd();
      break;
    case Json::Kind::kArray:
      writer->ArrayStart();
      for (const Json& item : json.items()) {
        Write(item, writer);
      }
      writer->ArrayEnd();
      break;
    case Json::Kind::kString:
      writer->String(json.text());
      break;
    case Json::Kind::kNumber:
      writer->Raw(json.text());
      break;
    case Json::Kind::kBool:
      writer->Bool(json.boolean());
      break;
    case Json::Kind::kNull:
      writer->Null();
      break;
  }
}

}  // namespace

std::string Print(const Json& json) {
  std::string text;
  JsonWriter writer(&text);
  Write(json, &writer);
  return text;
}

}  // namespace gw::access
