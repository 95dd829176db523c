#include <algorithm>
#include <utility>

#include "gateway/access/codes_internal.h"
#include "gateway/access/jwt_internal.h"

namespace gw::access {
namespace {

constexpr size_t kTextMax = 1024;  // of one claim
constexpr size_t kItemsMax = 100;  // scopes, roles
constexpr std::string_view kOdsSystem = "https://fhir.nhs.uk/Id/ods-organization-code";
constexpr std::string_view kRelatedPrefix = "RelatedPerson/";
constexpr std::string_view kUriSystem = "urn:ietf:rfc:3986";

Error BadClaim(std::string_view name) {
  return Unauthenticated("the claim " + std::string(name) + " is not understood");
}

bool IsPlain(std::string_view text) {
  return text.size() <= kTextMax && std::all_of(text.begin(), text.end(), [](char character) {
           const auto byte = static_cast<unsigned char>(character);
           return byte >= 0x20 && byte != 0x7F;
         });
}

// A string claim; absent leaves *out as it is.
Status ReadText(const Json& claims, std::string_view name, std::string* out) {
  const Json* claim = claims.Find(name);
  if (claim == nullptr) {
    return {};
  }
  if (!claim->is_string() || !IsPlain(claim->text())) {
    return BadClaim(name);
  }
  *out = claim->text();
  return {};
}

// R4 id: "Patient/1" and "1" are read alike.
Status ReadId(const Json& claims, std::string_view name, std::string_view type, std::string* out) {
  std::string text;
  GW_RETURN_IF_ERROR(ReadText(claims, name, &text));
  std::string_view id = text;
  if (id.starts_with(type) && id.substr(type.size()).starts_with('/')) {
    id.remove_prefix(type.size() + 1);
  }
  if (claims.Find(name) != nullptr && !fhir::IsLexicalForm("id", id)) {
    return BadClaim(name);
  }
  *out = id;
  return {};
}

bool IsBareCode(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char character) {
           return (character >= 'A' && character <= 'Z') ||
                  (character >= 'a' && character <= 'z') ||
                  (character >= '0' && character <= '9') || character == '-' || character == '.';
         });
}

// {"system", "value"}, "system|value", a URN or URL, or a bare code of `bare_system`.
bool ReadIdentifier(const Json& claim, std::string_view bare_system, fhir::Identifier* out) {
  if (claim.is_object()) {
    const std::string_view value = claim.TextOf("value", claim.TextOf("code"));
    *out = {std::string(claim.TextOf("system")), std::string(value)};
    return !value.empty() && IsPlain(value) && IsPlain(out->system);
  }
  const std::string_view text = claim.text();
  if (!claim.is_string() || text.empty() || !IsPlain(text)) {
    return false;
  }
  if (const size_t bar = text.find('|'); bar != std::string_view::npos) {
    *out = {std::string(text.substr(0, bar)), std::string(text.substr(bar + 1))};
    return !out->value.empty();
  }
  if (text.find(':') != std::string_view::npos) {
    *out = {std::string(kUriSystem), std::string(text)};
    return true;
  }
  *out = {std::string(bare_system), std::string(text)};
  return IsBareCode(text);
}

// A claim that is one coding or string, or an array of them. `read` takes each.
template <typename Read>
Status ForEachCoding(const Json& iua, std::string_view name, Read read) {
  const Json* claim = iua.Find(name);
  if (claim == nullptr) {
    return {};
  }
  if (!claim->is_array()) {
    return read(*claim) ? Status() : BadClaim(name);
  }
  if (claim->items().size() > kItemsMax) {
    return BadClaim(name);
  }
  for (const Json& item : claim->items()) {
    if (!read(item)) {
      return BadClaim(name);
    }
  }
  return {};
}

// {"system", "code"}, "system|code", or a code of `bare_system`.
bool ReadCoding(const Json& coding, std::string_view bare_system, fhir::Identifier* out) {
  if (coding.is_object()) {
    *out = {std::string(coding.TextOf("system")), std::string(coding.TextOf("code"))};
  } else if (coding.is_string()) {
    const std::string_view text = coding.text();
    const size_t bar = text.rfind('|');
    *out =
        bar == std::string_view::npos
            ? fhir::Identifier{std::string(bare_system), std::string(text)}
            : fhir::Identifier{std::string(text.substr(0, bar)), std::string(text.substr(bar + 1))};
  } else {
    return false;
  }
  return !out->value.empty() && IsPlain(out->system) && IsPlain(out->value);
}

Status ReadRoles(const Json& iua, Principal* out) {
  return ForEachCoding(iua, "subject_role", [out](const Json& item) {
    fhir::Identifier role;
    if (!ReadCoding(item, "", &role)) {
      return false;
    }
    out->roles.push_back(std::move(role.value));
    return true;
  });
}

// One request has one purpose: which of two a Consent would be asked about cannot be told.
Status ReadPurpose(const Json& iua, Principal* out) {
  std::string purpose;
  bool several = false;
  GW_RETURN_IF_ERROR(ForEachCoding(iua, "purpose_of_use", [&](const Json& item) {
    fhir::Identifier coding;
    if (!ReadCoding(item, kActReason, &coding)) {
      return false;
    }
    const CodeView code = Normalized({coding.system, coding.value});
    std::string text = code.system == kActReason
                           ? std::string(code.code)
                           : std::string(code.system) + "|" + std::string(code.code);
    several |= !purpose.empty() && purpose != text;
    purpose = std::move(text);
    return true;
  }));
  if (several) {
    return Unauthenticated("the claim purpose_of_use names more than one purpose");
  }
  out->purpose = std::move(purpose);
  return {};
}

Status ReadIua(const Json& iua, Principal* out) {
  if (!iua.is_object()) {
    return BadClaim("extensions.ihe_iua");
  }
  GW_RETURN_IF_ERROR(ReadText(iua, "subject_organization", &out->organization_name));
  const Json* organization = iua.Find("subject_organization_id");
  if (organization != nullptr && !ReadIdentifier(*organization, kOdsSystem, &out->organization)) {
    return BadClaim("subject_organization_id");
  }
  // Of the two, the one that is defined to name the practitioner goes first.
  for (const std::string_view name : {"national_provider_identifier", "person_id"}) {
    const Json* person = iua.Find(name);
    if (person != nullptr && out->practitioner.value.empty() &&
        !ReadIdentifier(*person, "", &out->practitioner)) {
      return BadClaim(name);
    }
  }
  GW_RETURN_IF_ERROR(ReadRoles(iua, out));
  return ReadPurpose(iua, out);
}

Status ReadScopes(const Json& claims, Principal* out) {
  std::string text;
  const Json* scope = claims.Find("scope");
  if (scope != nullptr && !scope->is_string()) {
    return BadClaim("scope");
  }
  std::string_view rest = scope == nullptr ? std::string_view() : scope->text();
  while (!rest.empty()) {
    const size_t blank = std::min(rest.find(' '), rest.size());
    if (blank > 0) {
      out->scopes.emplace_back(rest.substr(0, blank));
    }
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return out->scopes.size() > kItemsMax ? BadClaim("scope") : Status();
}

// Who the user is (SMART App Launch 2.0, fhirUser).
Status ReadUser(const Json& claims, Principal* out) {
  GW_RETURN_IF_ERROR(ReadText(claims, "fhirUser", &out->user));
  if (!out->user.starts_with(kRelatedPrefix)) {
    return {};
  }
  const std::string id = out->user.substr(kRelatedPrefix.size());
  if (!fhir::IsLexicalForm("id", id) ||
      (!out->related_person.empty() && out->related_person != id)) {
    return BadClaim("fhirUser");
  }
  out->related_person = id;
  return {};
}

}  // namespace

Status ReadClaims(const Json& claims, Principal* out) {
  GW_RETURN_IF_ERROR(ReadText(claims, "iss", &out->issuer));
  GW_RETURN_IF_ERROR(ReadText(claims, "sub", &out->subject));
  GW_RETURN_IF_ERROR(ReadText(claims, "jti", &out->token_id));
  GW_RETURN_IF_ERROR(ReadText(claims, "azp", &out->client_id));
  GW_RETURN_IF_ERROR(ReadText(claims, "client_id", &out->client_id));
  GW_RETURN_IF_ERROR(ReadId(claims, "patient", "Patient", &out->patient));
  GW_RETURN_IF_ERROR(ReadId(claims, "related_person", "RelatedPerson", &out->related_person));
  GW_RETURN_IF_ERROR(ReadUser(claims, out));
  GW_RETURN_IF_ERROR(ReadScopes(claims, out));
  const Json* extensions = claims.Find("extensions");
  const Json* iua = extensions == nullptr ? nullptr : extensions->Find("ihe_iua");
  return iua == nullptr ? Status() : ReadIua(*iua, out);
}

}  // namespace gw::access
