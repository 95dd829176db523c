#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/fhir/resource.h"
#include "gateway/fhir/search.h"
#include "gateway/fhir/stored.h"

namespace gw::access {

// What a token says of who asks. All from verified claims, never from the request.
struct Principal {
  std::string client_id;
  std::string issuer;
  std::string subject;            // sub
  std::string token_id;           // jti, or a hash of the token where it has none
  fhir::Identifier organization;  // for whom: extensions.ihe_iua.subject_organization_id
  std::string organization_name;
  fhir::Identifier practitioner;  // person_id / national_provider_identifier; empty value: a system
  std::vector<std::string> roles;  // codes of extensions.ihe_iua.subject_role
  std::string purpose;  // of extensions.ihe_iua.purpose_of_use: the code alone where it is of
                        // v3-ActReason, "system|code" otherwise; may be empty
  std::string patient;  // logical id of the launch patient; empty: none
  std::string related_person;       // logical id, where a proxy asks
  std::string user;                 // fhirUser as given: "Practitioner/2"; may be empty
  std::vector<std::string> scopes;  // as granted: "system/CarePlan.rs"
  Instant expires;
};

// One token issuer we trust.
struct Issuer {
  std::string url;       // iss, compared exactly
  std::string audience;  // aud must hold it
  std::string jwks;      // JSON Web Key Set, text
  int64_t skew_s = 60;   // allowed on exp, nbf, iat
};

// Verifies bearer tokens (JWT). The algorithm is the key's own (RS256, RS384, PS256, ES256, ES384);
// header `alg` must equal it; kid is a key into the set and nothing else; jku, x5u, jwk, crit are
// refused. Verified tokens are remembered by their SHA-256 (bounded; exp and nbf checked on each
// use). Errors: kUnauthenticated with the rule that failed, never a claim's value. Thread-safe.
// Spec: RFC 7515, 7517, 7519, 8725; SMART App Launch 2.0 (scopes); IHE IUA 2.2
// (extensions.ihe_iua).
class Authenticator {
 public:
  // Errors: kInvalid for a key set that holds no usable key, naming the issuer.
  static Result<Authenticator> Make(std::span<const Issuer> issuers, const Limits& limits);
  Authenticator(Authenticator&&) noexcept;
  ~Authenticator();
  // `authorization` is the header's value ("Bearer ..."), empty if there was none.
  Result<Principal> Authenticate(std::string_view authorization, Instant now) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  explicit Authenticator(std::unique_ptr<Parts> parts);
};

// What is asked, in the words of R4 restful-interaction.
enum class Interaction : uint8_t { kRead, kVread, kSearch, kCreate, kUpdate };

// Who asks, as consents may name them: resolved by flow/ from the principal's identifiers.
struct Actor {
  // "Organization/1", its partOf ancestors, "Practitioner/2", a Group or CareTeam that the caller
  // is known to be in. "RelatedPerson/3" only where that record is active and in its period now:
  // its presence is what makes a proxy valid.
  std::vector<std::string> references;
  std::vector<fhir::Identifier> identifiers;  // the same by business identifier
  // Ids of Patients that merges made one person, a set for each record that the token names; empty
  // where none is linked. What the principal may see of one of a set they may see of all of it.
  std::vector<std::vector<std::string>> one_person;

  // The set that holds the Patient, else the Patient alone.
  std::vector<std::string> RecordsOf(const std::string& patient) const;
  bool SamePerson(std::string_view patient, std::string_view other) const;
};

// The proof that a principal may do an interaction on a type, by scope and role. Consent is not
// asked yet. Made only by Authorize.
class Permit {
 public:
  const Principal& principal() const { return principal_; }
  Interaction interaction() const { return interaction_; }
  const std::string& type() const { return type_; }
  bool auditor() const { return auditor_; }
  // The Patient id whose compartment is all that the scopes reach; empty optional: no such bound.
  // It binds reads by id as it binds searches: Judge denies what lies outside. The records that
  // are one with that Patient (Actor::one_person) lie inside.
  std::optional<std::string> compartment() const;

  // Restricts a search to what the scopes reach: a patient/ scope to the compartments of that
  // person's records. Errors: kForbidden for a query on a type other than type().
  Status Narrow(const Actor& actor, fhir::Query* query) const;

 private:
  friend Result<Permit> Authorize(const Principal&, Interaction, std::string_view type);
  Permit(Principal principal, Interaction interaction, std::string type, bool auditor,
         bool patient_only);
  Principal principal_;
  Interaction interaction_;
  std::string type_;
  bool auditor_;
  bool patient_only_;  // only patient/ scopes allow it: the compartment of principal().patient
};

// SMART v2 scopes (v1 read, write, * too): system/, user/ and patient/ contexts. AuditEvent needs
// the role `auditor` and is open to no one else; the role auditor opens nothing but AuditEvent (and
// metadata). Errors: kForbidden, naming the scope or role that would be needed.
Result<Permit> Authorize(const Principal& principal, Interaction interaction,
                         std::string_view type);

// The implicit policy where a person has no governing consent (IHE PCF, consent.md decision 4).
enum class ImplicitPolicy : uint8_t { kBasicNormal, kAllNormal, kBreakGlassOnly, kDeny };

struct PolicySettings {
  ImplicitPolicy implicit = ImplicitPolicy::kBasicNormal;
  std::vector<std::string> clinical_roles = {"doctor", "nurse", "pharmacist", "social-worker"};
  std::vector<std::string> absolute_bars;  // labels that nothing opens: "system|code" or a code
  std::vector<std::string> implicit_withholds;  // v3-ActCode sensitivities, and what is below them,
                                                // that the implicit policy withholds
  std::vector<std::string> registered_purposes;  // "system|code": known beside v3-PurposeOfUse
};

// Why something is shown or withheld. For the access log and those allowed to ask; never for the
// caller refused.
struct Decision {
  bool permit = false;
  std::string reason;    // "consent-permit", "consent-deny", "not-covered", "implicit-policy",
                         // "unreadable", "unknown-purpose" ...: docs/consent.md lists them
  std::string consent;   // id of the deciding Consent; empty if none
  uint64_t version = 0;  // of that Consent
  std::string
      provision;       // path: "provision.provision[1]"; of an unreadable one, what is unreadable
  std::string person;  // id of the Patient it is about
};

// The consents of one person, compiled once per policy class: understood, ignored or unreadable.
// Immutable; any thread.
class ConsentSet {
 public:
  // `consents`: every Consent of the record's person, of any status, as stored. One that cannot be
  // read denies. `patient_class`: the label class of the record's Patient, empty where there is
  // none: a Patient is shown only where those of all records that are one with it are.
  static std::shared_ptr<const ConsentSet> Compile(std::span<const fhir::StoredResource> consents,
                                                   std::string_view patient_class,
                                                   const fhir::Definitions& definitions,
                                                   const Limits& limits);
  ~ConsentSet();
  struct Compiled;
  const Compiled& compiled() const { return *compiled_; }

 private:
  explicit ConsentSet(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

struct Asked;  // the request as rules see it (consent_internal.h)

// Decides for one request: who (permit, actor), when (now), under which policy. The references must
// outlive it. Rules: shared design, docs/consent (1.3); a criterion that is not evaluated makes its
// Consent unreadable, which denies. Safe to share between threads.
class Judge {
 public:
  Judge(const Permit& permit, const Actor& actor, const PolicySettings& policy,
        const fhir::Definitions& definitions, Instant now);
  Judge(Judge&&) noexcept;
  ~Judge();
  // May this caller see a resource of that label class that concerns `person`? (A resource that
  // concerns several is asked for each; one that concerns nobody is not asked.)
  Decision Decide(std::string_view person, const ConsentSet& consents,
                  std::string_view label_class) const;
  // By the consents of each record that is one with the person's: the first decision that denies,
  // else the first. None, or a null one, denies.
  Decision DecideByAll(std::string_view person,
                       std::span<const std::shared_ptr<const ConsentSet>> consents,
                       std::string_view label_class) const;
  // Decide().permit without the explanation: allocates nothing. For the store's Visibility.
  bool Permits(std::string_view person, const ConsentSet& consents,
               std::string_view label_class) const;
  // May a resource that concerns nobody be seen? Not where its type is one of the Patient
  // compartment (whose record it is cannot be told, so no preference can be looked up), nor where
  // only a patient/ scope permits.
  bool PermitsUnattributed(std::string_view type) const;
  const Permit& permit() const { return permit_; }

 private:
  const Permit& permit_;
  std::unique_ptr<const Asked> asked_;
};

// What governs one person's record, for Release: read by flow/ in the narrow way the store has for
// it.
struct PersonConsents {
  std::string person;
  // The record's own consents, and those of the records linked with it: all must permit. Empty, or
  // null: they could not be read, which denies.
  std::vector<std::shared_ptr<const ConsentSet>> consents;
};

// What may leave. Made only here: by Release (each resource judged), Public, ReleaseLog,
// ReleaseOperation and Refuse.
class Disclosure {
 public:
  const std::vector<fhir::StoredResource>& resources() const { return resources_; }
  // For the access log: one for each person and deciding consent, and how many were withheld.
  const std::vector<Decision>& decisions() const { return decisions_; }
  uint32_t withheld() const { return withheld_; }

 private:
  Disclosure() = default;
  friend Disclosure Release(const Judge&, std::span<const PersonConsents>,
                            std::vector<fhir::StoredResource>);
  friend Disclosure Public(fhir::StoredResource);
  friend Result<Disclosure> ReleaseLog(const Permit&, std::vector<fhir::StoredResource>);
  friend Result<Disclosure> ReleaseOperation(const Principal&, std::string json);
  friend Disclosure Refuse(std::string outcome_json);
  std::vector<fhir::StoredResource> resources_;
  std::vector<Decision> decisions_;
  uint32_t withheld_ = 0;
};

// Judges each resource for each person it concerns; what is not permitted for all of them is left
// out, and so is what is not of the permit's type. Decisions about an absent or null ConsentSet
// deny.
Disclosure Release(const Judge& judge, std::span<const PersonConsents> consents,
                   std::vector<fhir::StoredResource> found);
// What concerns nobody and is for everybody: the CapabilityStatement. Anything else is withheld.
Disclosure Public(fhir::StoredResource resource);
// AuditEvents, for a permit of the auditor role. Errors: kForbidden otherwise.
Result<Disclosure> ReleaseLog(const Permit& permit, std::vector<fhir::StoredResource> events);
// May the principal operate the interfaces: see kept messages, resubmit, replay, reload? The role
// integration-engineer does that and, by itself, opens no resource. Errors: kForbidden.
Status AuthorizeOperator(const Principal& principal);
// What an operation answers, for such a principal: JSON that is no FHIR. Errors: kForbidden.
Result<Disclosure> ReleaseOperation(const Principal& principal, std::string json);
// A refusal: an OperationOutcome that holds no id, count or value of what was refused.
Disclosure Refuse(std::string outcome_json);

}  // namespace gw::access
