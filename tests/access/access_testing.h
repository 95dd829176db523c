#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/access.h"
#include "gateway/access/label.h"
#include "gateway/base/json.h"

namespace gw::access {

// R4, indexed once for the whole test program.
const fhir::Definitions& R4();

// 2026-11-21T10:00:00Z.
Instant Noon();
Instant At(int year, int month, int day, int hour = 0, int minute = 0, int second = 0);

// A doctor of Organization/hosp-a who asks for treatment, by a system/ scope for everything.
struct Request {
  Request();
  Principal principal;
  Actor actor;
  PolicySettings policy;
  Interaction interaction = Interaction::kRead;
  Instant now = Noon();

  Request& As(std::string organization, std::string practitioner, std::string role);
  Request& AsPatient(std::string id);
  Request& AsProxy(std::string related_person, bool valid);
  Request& For(std::string purpose);
};

// A Consent of person p1 in JSON: active, of scope patient-privacy, under a policy; `rest` is what
// follows (",\"provision\":{...}"), and may be empty.
std::string ConsentJson(std::string_view id, std::string_view rest);
// As ConsentJson with `provision` as it is given.
std::string ProvisionJson(std::string_view id, std::string_view provision);
std::string Coding(std::string_view system, std::string_view code);  // v3-ActCode for short systems
std::string PolicyRule(std::string_view code);
std::string ActorJson(std::string_view reference, std::string_view role = "IRCP");

fhir::StoredResource Stored(std::string_view json);  // id, type, label class and persons from JSON
std::shared_ptr<const ConsentSet> Compiled(const std::vector<std::string>& consents);

// The decision about p1 and a label class, made as flow/ makes it.
Decision Decide(const Request& request, const std::vector<std::string>& consents,
                std::string_view label_class = "Observation");

// The text of a JSON tree, members in order.
std::string Print(const Json& json);

}  // namespace gw::access
