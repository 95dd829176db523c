#pragma once

// Consents and requests in few words, for tables of cases.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/access/access_testing.h"

namespace gw::access {

inline constexpr bool kPermit = true;
inline constexpr bool kDeny = false;

inline std::string Purpose(std::string_view code) {
  return R"("purpose":[)" + Coding("v3-ActReason", code) + "]";
}
inline std::string Label(std::string_view code, std::string_view system = "v3-ActCode") {
  return R"("securityLabel":[)" + Coding(system, code) + "]";
}
inline std::string Class(std::string_view code) {
  return R"("class":[)" + Coding("http://hl7.org/fhir/resource-types", code) + "]";
}
inline std::string Action(std::string_view code) {
  return R"("action":[{"coding":[)" + Coding("consentaction", code) + "]}]";
}
inline std::string Nested(std::string_view provisions) {
  return R"("provision":[)" + std::string(provisions) + "]";
}
// {"type":"permit", parts joined}
inline std::string Rule(std::string_view type, const std::vector<std::string>& parts = {}) {
  std::string text = R"({"type":")" + std::string(type) + "\"";
  for (const std::string& part : parts) {
    text += "," + part;
  }
  return text + "}";
}
inline std::string Except(std::string_view base, const std::string& rule) {
  return ProvisionJson("c1", Rule(base, {Nested(rule)}));
}

struct Case {
  const char* title;
  std::vector<std::string> consents;
  bool permit;
  const char* reason;
  std::string label_class = "Observation";
  Request request = {};
};

inline void Check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const Decision decision = Decide(one.request, one.consents, one.label_class);
    EXPECT_EQ(decision.permit, one.permit) << one.title << ": " << decision.reason;
    EXPECT_EQ(decision.reason, one.reason) << one.title << " at " << decision.provision;
    EXPECT_EQ(decision.person, "p1");
  }
}

inline Request Asking(std::string purpose) { return Request().For(std::move(purpose)); }
inline Request By(std::string organization, std::string practitioner = "dr-b",
                  std::string role = "doctor") {
  return Request().As(std::move(organization), std::move(practitioner), std::move(role));
}
inline Request Doing(Interaction interaction) {
  Request request;
  request.interaction = interaction;
  return request;
}
inline Request Under(ImplicitPolicy policy, std::string purpose = "TREAT",
                     std::string role = "doctor") {
  Request request = By("hosp-a", "dr-a", std::move(role));
  request.policy.implicit = policy;
  return request.For(std::move(purpose));
}
inline Request AtTime(Instant now) {
  Request request;
  request.now = now;
  return request;
}

}  // namespace gw::access
