#include <algorithm>
#include <array>
#include <utility>

#include "gateway/access/jwt_internal.h"

namespace gw::access {
namespace {

constexpr int64_t kLatestS = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::string_view kBearer = "bearer";
constexpr int64_t kSkewMaxS = 600;
constexpr int64_t kSecondUs = 1'000'000;

struct TrustedIssuer {
  std::string url;
  std::string audience;
  KeySet keys;
  int64_t skew_s = 0;
};

// The three parts of a compact JWS (RFC 7515 section 3.1), as in the token.
struct Segments {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  // header.payload
};

bool EqualIgnoringCase(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() &&
         std::equal(a.begin(), a.end(), lower.begin(), [](char left, char right) {
           return (left >= 'A' && left <= 'Z' ? static_cast<char>(left - 'A' + 'a') : left) ==
                  right;
         });
}

Result<std::string_view> BearerOf(std::string_view authorization) {
  if (authorization.empty()) {
    return Unauthenticated("a bearer token is required");
  }
  const size_t blank = authorization.find(' ');
  if (blank == std::string_view::npos ||
      !EqualIgnoringCase(authorization.substr(0, blank), kBearer)) {
    return Unauthenticated("the Authorization header is not of the scheme Bearer");
  }
  const std::string_view token = authorization.substr(blank + 1);
  if (token.empty() || token.size() > kTokenBytesMax) {
    return Unauthenticated("a token has at least one byte and at most 8192");
  }
  return token;
}

Result<Segments> Split(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Unauthenticated("a token has three parts");
  }
  return Segments{token.substr(0, first), token.substr(first + 1, second - first - 1),
                  token.substr(second + 1), token.substr(0, second)};
}

Result<Json> ReadPart(std::string_view part, std::string_view name, const Limits& limits) {
  const std::optional<std::string> text = crypto::FromBase64Url(part);
  if (!text) {
    return Unauthenticated("the " + std::string(name) + " is not base64url");
  }
  Result<Json> json = Json::Parse(*text, limits);
  if (!json || !json->is_object()) {
    return Unauthenticated("the " + std::string(name) + " is not a JSON object");
  }
  return json;
}

bool IsKeyId(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char character) {
           return (character >= 'A' && character <= 'Z') ||
                  (character >= 'a' && character <= 'z') ||
                  (character >= '0' && character <= '9') || character == '-' || character == '.' ||
                  character == '_';
         });
}

// Keys come from the configured set alone, and what must be understood is not (RFC 7515 4.1.11).
Status CheckHeader(const Json& header) {
  for (const std::string_view name : {"jku", "x5u", "jwk", "x5c", "crit"}) {
    if (header.Find(name) != nullptr) {
      return Unauthenticated("the header parameter " + std::string(name) + " is refused");
    }
  }
  const Json* key_id = header.Find("kid");
  if (key_id != nullptr && (!key_id->is_string() || !IsKeyId(key_id->text()))) {
    return Unauthenticated("kid is no name of a key");
  }
  // An id token or a logout token must not serve as an access token (RFC 8725 section 3.11).
  const Json* type = header.Find("typ");
  const bool known = type == nullptr || EqualIgnoringCase(type->text(), "jwt") ||
                     EqualIgnoringCase(type->text(), "at+jwt") ||
                     EqualIgnoringCase(type->text(), "application/at+jwt");
  return known ? Status() : Unauthenticated("typ is none of an access token");
}

Status CheckSignature(const Segments& parts, const Json& header, const KeySet& keys) {
  const Json* key_id = header.Find("kid");
  const SetKey* key = keys.Find(key_id == nullptr ? nullptr : &key_id->text());
  if (key == nullptr) {
    return Unauthenticated("no key of the issuer is named");
  }
  const Json* algorithm = header.Find("alg");
  if (algorithm == nullptr || !algorithm->is_string() ||
      algorithm->text() != crypto::NameOf(key->algorithm)) {
    return Unauthenticated("alg is not the algorithm of the key");
  }
  const std::optional<std::string> signature = crypto::FromBase64Url(parts.signature);
  if (!signature || !key->key.Verify(key->algorithm, parts.signed_text, *signature)) {
    return Unauthenticated("the signature is wrong");
  }
  return {};
}

bool HoldsAudience(const Json& claims, std::string_view audience) {
  const Json* aud = claims.Find("aud");
  if (aud == nullptr) {
    return false;
  }
  const auto is = [audience](const Json& value) {
    return value.is_string() && value.text() == audience;
  };
  return is(*aud) || (aud->is_array() && std::any_of(aud->items().begin(), aud->items().end(), is));
}

// A NumericDate (RFC 7519 section 2), whole seconds; a fraction is cut off.
Result<std::optional<int64_t>> ReadDate(const Json& claims, std::string_view name) {
  const Json* claim = claims.Find(name);
  if (claim == nullptr) {
    return std::optional<int64_t>();
  }
  const std::string_view digits = claim->text();
  const std::string_view whole = digits.substr(0, digits.find('.'));
  int64_t value = 0;
  const bool plain = claim->is_number() && !whole.empty() && whole.size() <= 12 &&
                     std::all_of(digits.begin(), digits.end(), [](char character) {
                       return (character >= '0' && character <= '9') || character == '.';
                     });
  for (const char digit : plain ? whole : std::string_view()) {
    value = value * 10 + (digit - '0');
  }
  if (!plain || value > kLatestS) {
    return Unauthenticated("the claim " + std::string(name) + " is no date");
  }
  return std::optional<int64_t>(value);
}

Result<ValidTimes> ReadTimes(const Json& claims, int64_t skew_s) {
  GW_TRY(const std::optional<int64_t> expires, ReadDate(claims, "exp"));
  GW_TRY(const std::optional<int64_t> not_before, ReadDate(claims, "nbf"));
  GW_TRY(const std::optional<int64_t> issued, ReadDate(claims, "iat"));
  if (!expires) {
    return Unauthenticated("the claim exp is missing");
  }
  ValidTimes times;
  times.expires_s = *expires + skew_s;
  for (const std::optional<int64_t>& begin : {not_before, issued}) {
    if (begin && *begin >= *expires) {
      return Unauthenticated("the token expires before it begins");
    }
    if (begin) {
      times.not_before_s = std::max(times.not_before_s, *begin - skew_s);
    }
  }
  return times;
}

// Small bounds: a token is at most 8 KB.
Limits TokenLimits(Limits limits) {
  limits.json_depth_max = std::min<uint32_t>(limits.json_depth_max, 16);
  limits.json_members_max = std::min<uint32_t>(limits.json_members_max, 128);
  limits.json_items_max = std::min<uint32_t>(limits.json_items_max, 512);
  return limits;
}

}  // namespace

Error Unauthenticated(std::string detail) {
  return Error{Code::kUnauthenticated, std::move(detail), "Authorization"};
}

Status ValidTimes::Check(Instant now) const {
  const int64_t now_s = now.unix_us / kSecondUs;
  if (now_s >= expires_s) {
    return Unauthenticated("the token is expired");
  }
  return now_s < not_before_s ? Unauthenticated("the token is not valid yet") : Status();
}

struct Authenticator::Parts {
  std::vector<TrustedIssuer> issuers;
  Limits limits;
  mutable TokenCache cache;

  // A wrong issuer and a wrong audience are told apart by nobody who has no key.
  Result<VerifiedToken> Verify(std::string_view token) const {
    GW_TRY(const Segments parts, Split(token));
    GW_TRY(const Json header, ReadPart(parts.header, "header", limits));
    GW_RETURN_IF_ERROR(CheckHeader(header));
    GW_TRY(const Json claims, ReadPart(parts.payload, "payload", limits));
    const auto issuer =
        std::find_if(issuers.begin(), issuers.end(), [&claims](const TrustedIssuer& one) {
          const Json* iss = claims.Find("iss");
          return iss != nullptr && iss->is_string() && iss->text() == one.url;
        });
    if (issuer == issuers.end()) {
      return Unauthenticated("iss is no issuer that is trusted");
    }
    GW_RETURN_IF_ERROR(CheckSignature(parts, header, issuer->keys));
    if (!HoldsAudience(claims, issuer->audience)) {
      return Unauthenticated("aud does not name this service");
    }
    VerifiedToken verified;
    GW_TRY(verified.times, ReadTimes(claims, issuer->skew_s));
    GW_RETURN_IF_ERROR(ReadClaims(claims, &verified.principal));
    verified.principal.expires.unix_us = (verified.times.expires_s - issuer->skew_s) * kSecondUs;
    return verified;
  }
};

Authenticator::Authenticator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Authenticator::Authenticator(Authenticator&&) noexcept = default;
Authenticator::~Authenticator() = default;

Result<Authenticator> Authenticator::Make(std::span<const Issuer> issuers, const Limits& limits) {
  auto parts = std::make_unique<Parts>();
  parts->limits = TokenLimits(limits);
  for (const Issuer& issuer : issuers) {
    const auto refuse = [&issuer](std::string_view rule) {
      return Error{Code::kInvalid, std::string(rule), "issuer " + issuer.url};
    };
    if (issuer.url.empty() || issuer.audience.empty()) {
      return refuse("an issuer has a url and an audience");
    }
    if (issuer.skew_s < 0 || issuer.skew_s > kSkewMaxS) {
      return refuse("skew is 0 to 600 seconds");
    }
    const bool twice =
        std::any_of(parts->issuers.begin(), parts->issuers.end(),
                    [&issuer](const TrustedIssuer& other) { return other.url == issuer.url; });
    if (twice) {
      return refuse("an issuer stands twice");
    }
    Result<KeySet> keys = ParseKeySet(issuer.jwks, limits);
    if (!keys) {
      return refuse(keys.error().detail);
    }
    parts->issuers.push_back(
        TrustedIssuer{issuer.url, issuer.audience, *std::move(keys), issuer.skew_s});
  }
  return Authenticator(std::move(parts));
}

Result<Principal> Authenticator::Authenticate(std::string_view authorization, Instant now) const {
  GW_TRY(const std::string_view token, BearerOf(authorization));
  const crypto::Digest digest = crypto::Sha256(token);
  if (std::optional<VerifiedToken> known = parts_->cache.Find(digest); known) {
    GW_RETURN_IF_ERROR(known->times.Check(now));
    return std::move(known->principal);
  }
  GW_TRY(VerifiedToken verified, parts_->Verify(token));
  GW_RETURN_IF_ERROR(verified.times.Check(now));
  if (verified.principal.token_id.empty()) {
    verified.principal.token_id = "sha256:" + crypto::Hex(digest);
  }
  parts_->cache.Add(digest, verified);
  return std::move(verified.principal);
}

}  // namespace gw::access
