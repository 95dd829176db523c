// The shared consent vectors (beside the checkout; skipped where they are absent), run as flow/
// runs a request: actor resolved from the directory, each person's consents compiled, each resource
// released.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gateway/access/consent_internal.h"
#include "tests/access/access_testing.h"

namespace gw::access {
namespace {

const std::string kFolder = std::string(GW_SOURCE_DIR) + "/../shared/consent-vectors";

// Scenarios that expect a permit which needs what is not evaluated yet; each is denied instead.
const std::map<std::string, std::string> kNotYet = {
    {"DEF-07", "authorised break-glass"},
    {"BTG-01", "authorised break-glass"},
    {"BTG-12", "authorised break-glass"},
    {"BTG-13", "authorised break-glass"},
    {"ACT-08", "PractitionerRole directory: whether the caller holds that role"},
    {"ACT-10", "Group by characteristic"},
    {"CLS-03", "class by profile"},
    {"DAT-01", "dataPeriod"},
    {"DAT-03", "dataPeriod"},
    {"DAT-13", "data related"},
    {"DAT-14", "data related"},
    {"DAT-20", "data authoredby"},
    {"NEST-04", "code"},
    {"PAT-12", "data instance"},
    {"UK-08", "data authoredby"},
    {"UK-09", "data authoredby"},
};

std::vector<Json> Scenarios(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const Result<Json> json = Json::Parse(text, Limits{});
  EXPECT_TRUE(json) << file;
  const Json* scenarios = json ? json->Find("scenarios") : nullptr;
  return scenarios == nullptr ? std::vector<Json>() : scenarios->items();
}

const std::vector<Json>& ItemsOf(const Json& parent, std::string_view name) {
  static const std::vector<Json> kNone;
  const Json* list = parent.Find(name);
  return list == nullptr ? kNone : list->items();
}

std::string_view ReferenceIn(const Json& parent, std::string_view name) {
  const Json* reference = parent.Find(name);
  return reference == nullptr ? std::string_view() : reference->TextOf("reference");
}

std::string IdOf(std::string_view reference) {
  return std::string(reference.substr(reference.find('/') + 1));
}

const Json* InContext(const Json& scenario, std::string_view reference) {
  for (const Json& resource : ItemsOf(scenario, "context")) {
    const std::string own =
        std::string(resource.TextOf("resourceType")) + "/" + std::string(resource.TextOf("id"));
    if (own == reference) {
      return &resource;
    }
  }
  return nullptr;
}

bool InPeriod(const Json& resource, Instant now) {
  const Json* period = resource.Find("period");
  if (period == nullptr) {
    return true;
  }
  const std::string_view start = period->TextOf("start");
  const std::string_view end = period->TextOf("end");
  return (start.empty() || WindowOf(start)->low_us <= now.unix_us) &&
         (end.empty() || now.unix_us < WindowOf(end)->high_us);
}

// What flow/ would find in the directory about the caller.
void Resolve(const Json& scenario, const Json& asked, Instant now, Actor* actor) {
  std::string organization(asked.TextOf("organization"));
  const std::string practitioner(asked.TextOf("practitioner"));
  if (!practitioner.empty()) {
    actor->references.push_back(practitioner);
  }
  for (const Json& resource : ItemsOf(scenario, "context")) {
    const std::string id(resource.TextOf("id"));
    const std::string_view type = resource.TextOf("resourceType");
    if (type == "PractitionerRole" && ReferenceIn(resource, "practitioner") == practitioner &&
        ReferenceIn(resource, "organization") == organization) {
      actor->references.push_back("PractitionerRole/" + id);
    }
    for (const Json& member : ItemsOf(resource, "member")) {
      if (!practitioner.empty() && ReferenceIn(member, "entity") == practitioner) {
        actor->references.push_back("Group/" + id);
      }
    }
  }
  while (!organization.empty()) {
    actor->references.push_back(organization);
    const Json* found = InContext(scenario, organization);
    organization = found == nullptr ? "" : std::string(ReferenceIn(*found, "partOf"));
  }
  const std::string related(asked.TextOf("relatedPerson"));
  const Json* record = InContext(scenario, related);
  if (record != nullptr && record->Find("active") != nullptr && record->Find("active")->boolean() &&
      InPeriod(*record, now)) {
    actor->references.push_back(related);
  }
}

PolicySettings PolicyOf(const Json& scenario) {
  PolicySettings settings;
  const Json* policy = scenario.Find("policy");
  const std::string_view uri = policy->TextOf("implicit");
  if (uri.ends_with("all-normal")) {
    settings.implicit = ImplicitPolicy::kAllNormal;
  } else if (uri.ends_with("break-glass-only")) {
    settings.implicit = ImplicitPolicy::kBreakGlassOnly;
  } else if (uri.ends_with("deny")) {
    settings.implicit = ImplicitPolicy::kDeny;
  }
  for (const Json& purpose : ItemsOf(*policy, "registeredPurposes")) {
    settings.registered_purposes.push_back(purpose.text());
  }
  for (const Json& bar : ItemsOf(*policy, "absoluteBars")) {
    settings.absolute_bars.push_back(bar.text());
  }
  return settings;
}

Request RequestOf(const Json& scenario) {
  const Json& asked = *scenario.Find("request");
  const Json& who = *asked.Find("actor");
  Request request;
  request.As("", "", std::string(who.TextOf("role")));
  request.now = Instant{WindowOf(asked.TextOf("time"))->low_us};
  request.policy = PolicyOf(scenario);
  request.principal.organization = {"urn:example", std::string(who.TextOf("organization"))};
  request.principal.practitioner = {"urn:example", std::string(who.TextOf("practitioner"))};
  request.principal.patient = IdOf(who.TextOf("patient"));
  request.principal.related_person = IdOf(who.TextOf("relatedPerson"));
  Resolve(scenario, who, request.now, &request.actor);
  const Json* purpose = asked.Find("purposeOfUse");
  request.For("");
  if (purpose != nullptr) {
    const std::string code(purpose->TextOf("code"));
    const std::string system(purpose->TextOf("system"));
    request.For(system == kActReason ? code : system + "|" + code);
  }
  const std::string_view action = asked.TextOf("action");
  request.interaction = action == "search"   ? Interaction::kSearch
                        : action == "update" ? Interaction::kUpdate
                        : action == "create" ? Interaction::kCreate
                                             : Interaction::kRead;
  return request;
}

std::vector<PersonConsents> ConsentsFor(const Json& scenario,
                                        const std::vector<std::string>& persons) {
  std::vector<PersonConsents> found;
  for (const std::string& person : persons) {
    std::vector<std::string> consents;
    for (const Json& consent : ItemsOf(scenario, "consents")) {
      if (ReferenceIn(consent, "patient") == "Patient/" + person) {
        consents.push_back(Print(consent));
      }
    }
    found.push_back(PersonConsents{person, {Compiled(consents)}});
  }
  return found;
}

bool Released(const Json& scenario, const Json& resource) {
  const Request request = RequestOf(scenario);
  const std::string_view type = resource.TextOf("resourceType");
  const Result<Permit> permit = Authorize(request.principal, request.interaction, type);
  EXPECT_TRUE(permit);
  const Judge judge(*permit, request.actor, request.policy, R4(), request.now);
  const fhir::StoredResource stored = Stored(Print(resource));
  return !Release(judge, ConsentsFor(scenario, stored.persons), {stored}).resources().empty();
}

// Nothing here exports or notifies yet, so nobody can ask.
bool IsAskable(const Json& scenario) {
  const std::string_view action = scenario.Find("request")->TextOf("action");
  return action != "export" && action != "notify";
}

struct Tally {
  int right = 0;
  int too_strict = 0;
  int wrong_permits = 0;
};

void Check(const Json& scenario, Tally* tally) {
  const std::string id(scenario.TextOf("id"));
  const Json* decisions = scenario.Find("expected")->Find("decisions");
  ASSERT_NE(decisions, nullptr) << id;
  bool refused_too_much = false;
  for (const Json& resource : ItemsOf(scenario, "resources")) {
    const std::string name =
        std::string(resource.TextOf("resourceType")) + "/" + std::string(resource.TextOf("id"));
    const Json* expected = decisions->Find(name);
    if (expected == nullptr) {
      continue;
    }
    const bool released = Released(scenario, resource);
    const bool permitted = expected->TextOf("decision") == "permit";
    tally->right += released == permitted ? 1 : 0;
    tally->wrong_permits += released && !permitted ? 1 : 0;
    tally->too_strict += !released && permitted ? 1 : 0;
    refused_too_much |= !released && permitted;
    EXPECT_TRUE(!released || permitted) << id << " " << name << " must not leave";
  }
  EXPECT_EQ(refused_too_much, kNotYet.count(id) != 0)
      << id << ": " << (refused_too_much ? "denied, expected to be permitted" : "is permitted now");
}

TEST(ConsentVectors, NoWrongPermitAndEveryPermitThatCanBeShown) {
  if (!std::filesystem::exists(kFolder)) {
    GTEST_SKIP() << "the shared consent vectors are not beside this checkout; consent_test.cc "
                    "holds cases of our own for the same rules";
  }
  Tally tally;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = file.path().filename().string();
    if (file.path().extension() != ".json" || name.starts_with("15-")) {
      continue;
    }
    for (const Json& scenario : Scenarios(file.path())) {
      if (IsAskable(scenario)) {
        Check(scenario, &tally);
      }
    }
  }
  EXPECT_GT(tally.right, 100);
  EXPECT_EQ(tally.wrong_permits, 0);
  RecordProperty("right", tally.right);
  RecordProperty("too_strict", tally.too_strict);
}

}  // namespace
}  // namespace gw::access
