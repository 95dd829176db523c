#include <algorithm>
#include <array>
#include <utility>

#include "gateway/access/access.h"

namespace gw::access {
namespace {

constexpr std::string_view kAuditorRole = "auditor";
constexpr std::string_view kAuditEvent = "AuditEvent";

enum class Context : uint8_t { kSystem, kUser, kPatient };

constexpr std::string_view kLettersInOrder = "cruds";
constexpr std::array<std::pair<std::string_view, Context>, 3> kContexts = {
    {{"system", Context::kSystem}, {"user", Context::kUser}, {"patient", Context::kPatient}}};

char LetterOf(Interaction interaction) {
  switch (interaction) {
    case Interaction::kRead:
    case Interaction::kVread:
      return 'r';
    case Interaction::kSearch:
      return 's';
    case Interaction::kCreate:
      return 'c';
    case Interaction::kUpdate:
      return 'u';
  }
  return '\0';
}

// The letters of SMART v2 that a v1 word stands for (SMART App Launch 2.0, "scopes v1").
std::string_view LettersOfV1(std::string_view word) {
  if (word == "read") {
    return "rs";
  }
  if (word == "write") {
    return "cud";
  }
  return word == "*" ? "cruds" : "";
}

// v2: at least one of c, r, u, d, s, each once and in that order.
bool IsV2(std::string_view letters) {
  size_t from = 0;
  for (const char letter : letters) {
    const size_t at = kLettersInOrder.find(letter, from);
    if (at == std::string_view::npos) {
      return false;
    }
    from = at + 1;
  }
  return !letters.empty();
}

bool ReadContext(std::string_view word, Context* context) {
  for (const auto& [name, value] : kContexts) {
    if (name == word) {
      *context = value;
      return true;
    }
  }
  return false;
}

// Does this scope grant the interaction on the type, and in which context? A scope that is not
// understood whole (a query part, an unknown word) grants nothing.
bool Grants(std::string_view scope, char letter, std::string_view type, Context* context) {
  const size_t slash = scope.find('/');
  const size_t dot = scope.rfind('.');
  if (slash == std::string_view::npos || dot == std::string_view::npos || dot < slash ||
      scope.find('?') != std::string_view::npos || !ReadContext(scope.substr(0, slash), context)) {
    return false;
  }
  const std::string_view scope_type = scope.substr(slash + 1, dot - slash - 1);
  if (scope_type != "*" && scope_type != type) {
    return false;
  }
  const std::string_view suffix = scope.substr(dot + 1);
  const std::string_view v1 = LettersOfV1(suffix);
  const std::string_view letters = v1.empty() && IsV2(suffix) ? suffix : v1;
  return letters.find(letter) != std::string_view::npos;
}

bool HasUser(const Principal& principal) {
  return !principal.practitioner.value.empty() || !principal.user.empty() ||
         !principal.patient.empty() || !principal.related_person.empty();
}

struct Granted {
  bool wide = false;     // by a system/ scope, or a user/ scope where there is a user
  bool patient = false;  // by a patient/ scope where there is a launch patient
};

Granted GrantedBy(const Principal& principal, char letter, std::string_view type) {
  Granted granted;
  for (const std::string& scope : principal.scopes) {
    Context context = Context::kSystem;
    if (!Grants(scope, letter, type, &context)) {
      continue;
    }
    granted.wide |= context == Context::kSystem;
    granted.wide |= context == Context::kUser && HasUser(principal);
    granted.patient |= context == Context::kPatient && !principal.patient.empty();
  }
  return granted;
}

Error Needs(std::string detail) { return Error{Code::kForbidden, std::move(detail), "scope"}; }

}  // namespace

Permit::Permit(Principal principal, Interaction interaction, std::string type, bool auditor,
               bool patient_only)
    : principal_(std::move(principal)),
      interaction_(interaction),
      type_(std::move(type)),
      auditor_(auditor),
      patient_only_(patient_only) {}

std::optional<std::string> Permit::compartment() const {
  return patient_only_ ? std::optional<std::string>(principal_.patient) : std::nullopt;
}

std::vector<std::string> Actor::RecordsOf(const std::string& patient) const {
  for (const std::vector<std::string>& set : one_person) {
    if (std::find(set.begin(), set.end(), patient) != set.end()) {
      return set;
    }
  }
  return {patient};
}

bool Actor::SamePerson(std::string_view patient, std::string_view other) const {
  return patient == other ||
         std::any_of(one_person.begin(), one_person.end(), [&](const auto& set) {
           return std::find(set.begin(), set.end(), patient) != set.end() &&
                  std::find(set.begin(), set.end(), other) != set.end();
         });
}

Status Permit::Narrow(const Actor& actor, fhir::Query* query) const {
  if (query->type != type_) {
    return Error{Code::kForbidden, "the permit is for another resource type", "scope"};
  }
  if (!patient_only_) {
    return {};
  }
  std::vector<std::string> reach = actor.RecordsOf(principal_.patient);
  if (query->compartment) {
    const std::vector<std::string>& asked = *query->compartment;
    std::erase_if(reach, [&asked](const std::string& record) {
      return std::find(asked.begin(), asked.end(), record) == asked.end();
    });
  }
  query->compartment = std::move(reach);
  return {};
}

Result<Permit> Authorize(const Principal& principal, Interaction interaction,
                         std::string_view type) {
  const bool auditor = std::find(principal.roles.begin(), principal.roles.end(), kAuditorRole) !=
                       principal.roles.end();
  const bool log = type == kAuditEvent;
  if (log && !auditor) {
    return Needs("AuditEvent needs the role auditor");
  }
  if (auditor && !log) {
    return Needs("the role auditor opens nothing but AuditEvent");
  }
  const char letter = LetterOf(interaction);
  if (log && letter != 'r' && letter != 's') {
    return Needs("AuditEvent is not written over this interface");
  }
  const Granted granted = GrantedBy(principal, letter, type);
  if (!granted.wide && (log || !granted.patient)) {
    return Needs("needs a scope such as system/" + std::string(type) + "." + letter);
  }
  return Permit(principal, interaction, std::string(type), auditor, !granted.wide);
}

}  // namespace gw::access
