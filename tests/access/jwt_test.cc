#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/access/jwt_internal.h"
#include "tests/access/access_testing.h"

namespace gw::access {
namespace {

constexpr std::string_view kIssuer = "https://issuer.example";
constexpr std::string_view kAudience = "https://gateway.example/fhir";
constexpr int64_t kNowS = 1'800'000'000;
const Instant kNow{kNowS * 1'000'000};

using crypto::Algorithm;

// One key for each algorithm: making RSA keys takes time.
const crypto::PrivateKey& KeyFor(Algorithm algorithm) {
  static const std::map<Algorithm, crypto::PrivateKey> kKeys = [] {
    std::map<Algorithm, crypto::PrivateKey> keys;
    for (const Algorithm each : {Algorithm::kRs256, Algorithm::kRs384, Algorithm::kPs256,
                                 Algorithm::kEs256, Algorithm::kEs384, Algorithm::kEd25519}) {
      keys.emplace(each, *crypto::PrivateKey::Generate(each));
    }
    return keys;
  }();
  return kKeys.at(algorithm);
}

std::string SetOf(const std::vector<std::string>& keys) {
  std::string text = R"({"keys":[)";
  for (const std::string& key : keys) {
    text += (text.back() == '[' ? "" : ",") + key;
  }
  return text + "]}";
}

std::string Jwk(Algorithm algorithm, std::string_view key_id) {
  return KeyFor(algorithm).PublicJwk(algorithm, key_id);
}

// `text` with its first `from` replaced.
std::string With(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

const std::string kClaims =
    R"({"iss":"https://issuer.example","aud":"https://gateway.example/fhir","sub":"s1",)"
    R"("jti":"t1","client_id":"gp-app","iat":1800000000,"nbf":1800000000,"exp":1800000300,)"
    R"("scope":"system/CarePlan.rs"})";

std::string Token(Algorithm algorithm, std::string_view header, std::string_view claims) {
  const std::string text = crypto::Base64Url(header) + "." + crypto::Base64Url(claims);
  return text + "." + crypto::Base64Url(*KeyFor(algorithm).Sign(algorithm, text));
}

std::string HeaderOf(Algorithm algorithm, std::string_view key_id = "k1") {
  return R"({"alg":")" + std::string(crypto::NameOf(algorithm)) + R"(","kid":")" +
         std::string(key_id) + R"("})";
}

// An ES256 token with claims of its own.
std::string Claiming(std::string_view claims) {
  return Token(Algorithm::kEs256, HeaderOf(Algorithm::kEs256), claims);
}

Authenticator Trusting(const std::string& jwks) {
  const Issuer issuer{std::string(kIssuer), std::string(kAudience), jwks, 60};
  Result<Authenticator> made = Authenticator::Make(std::vector{issuer}, Limits{});
  EXPECT_TRUE(made) << made.error().detail;
  return *std::move(made);
}

const Authenticator& Es256() {
  static const Authenticator kMade = Trusting(SetOf({Jwk(Algorithm::kEs256, "k1")}));
  return kMade;
}

void Refuses(const Authenticator& authenticator, const std::string& token, std::string_view rule,
             Instant now = kNow) {
  const Result<Principal> who = authenticator.Authenticate("Bearer " + token, now);
  ASSERT_FALSE(who) << rule;
  EXPECT_EQ(who.error().code, Code::kUnauthenticated);
  EXPECT_NE(who.error().detail.find(rule), std::string::npos)
      << who.error().detail << ", expected " << rule;
}

TEST(Jwt, EachAlgorithmByItsKey) {
  const std::vector<Algorithm> offered = {Algorithm::kRs256, Algorithm::kRs384, Algorithm::kPs256,
                                          Algorithm::kEs256, Algorithm::kEs384};
  for (const Algorithm algorithm : offered) {
    const Authenticator authenticator = Trusting(SetOf({Jwk(algorithm, "k1")}));
    const std::string token = Token(algorithm, HeaderOf(algorithm), kClaims);
    const Result<Principal> who = authenticator.Authenticate("Bearer " + token, kNow);
    ASSERT_TRUE(who) << crypto::NameOf(algorithm) << " " << who.error().detail;
    EXPECT_EQ(who->subject, "s1");
    EXPECT_EQ(who->client_id, "gp-app");
    EXPECT_EQ(who->token_id, "t1");
    EXPECT_EQ(who->issuer, kIssuer);
    EXPECT_EQ(who->scopes, std::vector<std::string>{"system/CarePlan.rs"});
    EXPECT_EQ(who->expires.unix_us, 1'800'000'300'000'000);
  }
}

TEST(Jwt, AlgorithmIsTheKeysAndNotTheTokens) {
  const Authenticator rs256 = Trusting(SetOf({Jwk(Algorithm::kRs256, "k1")}));
  const std::string unsigned_text =
      crypto::Base64Url(R"({"alg":"none"})") + "." + crypto::Base64Url(kClaims);
  Refuses(rs256, unsigned_text + ".", "alg is not");
  Refuses(rs256, Token(Algorithm::kRs256, R"({"alg":"None","kid":"k1"})", kClaims), "alg is not");
  Refuses(rs256, Token(Algorithm::kRs256, R"({"kid":"k1"})", kClaims), "alg is not");
  Refuses(rs256, Token(Algorithm::kRs256, R"({"alg":["RS256"],"kid":"k1"})", kClaims),
          "alg is not");
  // The RSA public key as the secret of an HMAC: key confusion.
  const std::string hs256 =
      crypto::Base64Url(R"({"alg":"HS256","kid":"k1"})") + "." + crypto::Base64Url(kClaims);
  const std::string pem = KeyFor(Algorithm::kRs256).PublicPem();
  const crypto::Digest mac = crypto::HmacSha256(pem, hs256);
  Refuses(rs256, hs256 + "." + crypto::Base64Url(crypto::AsBytes(mac)), "alg is not");
  // The same key, another algorithm of its kind.
  const std::string text =
      crypto::Base64Url(HeaderOf(Algorithm::kPs256)) + "." + crypto::Base64Url(kClaims);
  const std::string ps256 = *KeyFor(Algorithm::kRs256).Sign(Algorithm::kPs256, text);
  Refuses(rs256, text + "." + crypto::Base64Url(ps256), "alg is not");
}

TEST(Jwt, KeyIdIsAKeyOfTheSetAndNothingElse) {
  const Authenticator two =
      Trusting(SetOf({Jwk(Algorithm::kEs256, "k1"), Jwk(Algorithm::kRs256, "k2")}));
  EXPECT_TRUE(two.Authenticate("Bearer " + Claiming(kClaims), kNow));
  Refuses(two, Token(Algorithm::kEs256, R"({"alg":"ES256"})", kClaims), "no key");
  Refuses(two, Token(Algorithm::kEs256, HeaderOf(Algorithm::kEs256, "k2"), kClaims), "alg is not");
  EXPECT_TRUE(Es256().Authenticate(
      "Bearer " + Token(Algorithm::kEs256, R"({"alg":"ES256"})", kClaims), kNow));
  Refuses(Es256(), Token(Algorithm::kEs256, HeaderOf(Algorithm::kEs256, "k9"), kClaims), "no key");
  for (const std::string& key_id :
       {std::string("../../etc/passwd"), std::string("k1' OR '1'='1"),
        std::string("https://evil.example/jwks"), std::string(129, 'k'), std::string("")}) {
    Refuses(Es256(), Token(Algorithm::kEs256, HeaderOf(Algorithm::kEs256, key_id), kClaims), "kid");
  }
  Refuses(Es256(), Token(Algorithm::kEs256, R"({"alg":"ES256","kid":1})", kClaims), "kid");
}

TEST(Jwt, KeysFromTheTokenAreRefused) {
  for (const char* parameter :
       {R"("jku":"https://evil.example")", R"("x5u":"https://evil.example")", R"("jwk":{})",
        R"("x5c":[])", R"("crit":["exp"])"}) {
    const std::string header = R"({"alg":"ES256","kid":"k1",)" + std::string(parameter) + "}";
    Refuses(Es256(), Token(Algorithm::kEs256, header, kClaims), "is refused");
  }
  Refuses(Es256(),
          Token(Algorithm::kEs256, R"({"alg":"ES256","kid":"k1","typ":"logout+jwt"})", kClaims),
          "typ");
  EXPECT_TRUE(Es256().Authenticate(
      "Bearer " + Token(Algorithm::kEs256, R"({"alg":"ES256","kid":"k1","typ":"at+JWT"})", kClaims),
      kNow));
}

TEST(Jwt, AnotherIssuersKey) {
  const std::vector<Issuer> issuers = {
      {std::string(kIssuer), std::string(kAudience), SetOf({Jwk(Algorithm::kEs256, "k1")}), 60},
      {"https://other.example", std::string(kAudience), SetOf({Jwk(Algorithm::kEs384, "k1")}), 60}};
  const Result<Authenticator> both = Authenticator::Make(issuers, Limits{});
  ASSERT_TRUE(both);
  Refuses(*both, Token(Algorithm::kEs384, HeaderOf(Algorithm::kEs384), kClaims), "alg is not");
  const std::string others = With(kClaims, kIssuer, "https://other.example");
  Refuses(*both, Token(Algorithm::kEs256, HeaderOf(Algorithm::kEs256), others), "alg is not");
  EXPECT_TRUE(both->Authenticate(
      "Bearer " + Token(Algorithm::kEs384, HeaderOf(Algorithm::kEs384), others), kNow));
}

TEST(Jwt, IssuerAndAudience) {
  Refuses(Es256(), Claiming(With(kClaims, kIssuer, "https://issuer.example/")), "iss");
  Refuses(Es256(), Claiming(With(kClaims, "\"iss\":", "\"isz\":")), "iss");
  Refuses(Es256(), Claiming(With(kClaims, kAudience, "https://elsewhere.example")), "aud");
  Refuses(Es256(), Claiming(With(kClaims, "\"aud\":", "\"auz\":")), "aud");
  const std::string quoted = "\"" + std::string(kAudience) + "\"";
  Refuses(Es256(), Claiming(With(kClaims, quoted, "[]")), "aud");
  Refuses(Es256(), Claiming(With(kClaims, quoted, "{}")), "aud");
  const std::string list = R"(["x",)" + quoted + "]";
  EXPECT_TRUE(Es256().Authenticate("Bearer " + Claiming(With(kClaims, quoted, list)), kNow));
}

TEST(Jwt, Times) {
  const std::string exp = R"("exp":1800000300)";
  const std::string nbf = R"("nbf":1800000000)";
  const std::string iat = R"("iat":1800000000)";
  const std::vector<std::pair<std::string, const char*>> cases = {
      {With(kClaims, exp, R"("exp":1799999940)"), "expires before"},
      {With(kClaims, exp, R"("exq":1800000300)"), "exp is missing"},
      {With(kClaims, exp, R"("exp":"1800000300")"), "exp is no date"},
      {With(kClaims, exp, R"("exp":null)"), "exp is no date"},
      {With(kClaims, exp, R"("exp":-1)"), "exp is no date"},
      {With(kClaims, exp, R"("exp":1.8e9)"), "exp is no date"},
      {With(kClaims, exp, R"("exp":99999999999999999999)"), "exp is no date"},
      {With(kClaims, nbf, R"("nbf":1800000061)"), "not valid yet"},
      {With(kClaims, nbf, R"("nbf":true)"), "nbf is no date"},
      {With(kClaims, iat, R"("iat":1800000061)"), "not valid yet"},
      {With(kClaims, iat, R"("iat":9999999999999)"), "iat is no date"},
      {With(kClaims, iat, R"("iat":[])"), "iat is no date"},
      {With(kClaims, exp, R"("exp":1800000300,"exp":1900000000)"), "payload is not"},
  };
  for (const auto& [claims, rule] : cases) {
    Refuses(Es256(), Claiming(claims), rule);
  }
  EXPECT_TRUE(
      Es256().Authenticate("Bearer " + Claiming(With(kClaims, nbf, R"("nbf":1800000060)")), kNow));
  EXPECT_TRUE(Es256().Authenticate(
      "Bearer " + Claiming(With(kClaims, exp, R"("exp":1800000300.5)")), kNow));
}

TEST(Jwt, ExpiryIsCheckedOnEachUse) {
  const std::string token = Claiming(kClaims);
  const auto at = [](int64_t seconds) { return Instant{seconds * 1'000'000}; };
  EXPECT_TRUE(Es256().Authenticate("Bearer " + token, kNow));
  EXPECT_TRUE(Es256().Authenticate("Bearer " + token, at(1'800'000'359)));
  Refuses(Es256(), token, "expired", at(1'800'000'360));
  Refuses(Es256(), token, "not valid yet", at(1'799'999'939));
  EXPECT_TRUE(Es256().Authenticate("Bearer " + token, at(1'799'999'940)));
}

TEST(Jwt, Form) {
  const std::string token = Claiming(kClaims);
  Refuses(Es256(), token + ".x", "three parts");
  Refuses(Es256(), token.substr(0, token.rfind('.')), "three parts");
  Refuses(Es256(), token + "=", "signature");
  Refuses(Es256(), " " + token, "header is not base64url");
  Refuses(Es256(), "=" + token, "header is not base64url");
  Refuses(Es256(), With(token, ".", "=."), "header is not base64url");
  Refuses(Es256(), With(token, ".", "+."), "header is not base64url");
  Refuses(Es256(), token.substr(0, token.rfind('.')) + ".", "signature");
  Refuses(Es256(), token.substr(0, token.size() - 4), "signature");
  Refuses(Es256(), token + "AAAA", "signature");
  Refuses(Es256(), Claiming("[]"), "payload is not");
  Refuses(Es256(), Claiming("{} {}"), "payload is not");
  Refuses(Es256(), Claiming("\xEF\xBB\xBF{}"), "payload is not");
  Refuses(Es256(), Token(Algorithm::kEs256, "\"alg\"", kClaims), "header is not");
  Refuses(Es256(), std::string("a.b\0.c", 6), "base64url");
  std::string changed = Claiming(kClaims);
  changed[changed.find('.') + 5] ^= 1;
  EXPECT_FALSE(Es256().Authenticate("Bearer " + changed, kNow));
}

TEST(Jwt, AuthorizationHeader) {
  const std::string token = Claiming(kClaims);
  EXPECT_TRUE(Es256().Authenticate("bearer " + token, kNow));
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), token, "Basic " + token,
        "Bearer  " + token, "Bearer " + token + " "}) {
    const Result<Principal> who = Es256().Authenticate(header, kNow);
    ASSERT_FALSE(who) << header.substr(0, 12);
    EXPECT_EQ(who.error().code, Code::kUnauthenticated);
    EXPECT_EQ(who.error().detail.find(token), std::string::npos);
  }
}

TEST(Jwt, SizeIsBounded) {
  const auto sized = [](size_t padding) {
    return Claiming(With(kClaims, "\"sub\":\"s1\"",
                         R"("sub":"s1","pad":")" + std::string(padding, 'x') + "\""));
  };
  size_t padding = 5000;
  while (sized(padding + 1).size() <= kTokenBytesMax) {
    ++padding;
  }
  EXPECT_TRUE(Es256().Authenticate("Bearer " + sized(padding), kNow));
  Refuses(Es256(), sized(padding + 1), "8192");
}

TEST(Jwt, KeySets) {
  const std::string good = Jwk(Algorithm::kEs256, "k1");
  const auto make = [](const std::string& jwks) {
    const Issuer issuer{std::string(kIssuer), std::string(kAudience), jwks, 60};
    return Authenticator::Make(std::vector{issuer}, Limits{});
  };
  const std::string oct = R"({"kty":"oct","k":"AAAA","kid":"o"})";
  const std::string ed = Jwk(Algorithm::kEd25519, "e");
  EXPECT_TRUE(make(SetOf({good, oct, ed, R"({"kty":"new"})"})));
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string(R"({"keys":{}})"), SetOf({}), SetOf({oct}),
        SetOf({ed}), SetOf({good, good}), SetOf({"1"}), SetOf({With(good, "{", R"({"d":"AA",)")}),
        SetOf({With(good, "{", R"({"use":"enc",)")}),
        SetOf({R"({"kty":"EC","crv":"P-256","x":"A!","y":"AA","kid":"a"})"}),
        SetOf({R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a"})"}),
        SetOf({R"({"kty":"RSA","n":"AQAB","e":"AQAB","kid":"small"})"})}) {
    const Result<Authenticator> made = make(bad);
    ASSERT_FALSE(made) << bad;
    EXPECT_EQ(made.error().code, Code::kInvalid);
    EXPECT_EQ(made.error().where, "issuer https://issuer.example");
  }
  // RSA keys that do not say: RS256.
  const std::string silent =
      With(Jwk(Algorithm::kRs256, "k1"), R"("alg":"RS256")", R"("key_ops":["verify"])");
  const Result<Authenticator> rsa = make(SetOf({silent}));
  ASSERT_TRUE(rsa) << rsa.error().detail;
  EXPECT_TRUE(rsa->Authenticate(
      "Bearer " + Token(Algorithm::kRs256, HeaderOf(Algorithm::kRs256), kClaims), kNow));
}

TEST(Jwt, IssuersAreChecked) {
  const std::string jwks = SetOf({Jwk(Algorithm::kEs256, "k1")});
  const std::vector<std::vector<Issuer>> bad = {
      {{"", "a", jwks, 60}},
      {{"i", "", jwks, 60}},
      {{"i", "a", jwks, -1}},
      {{"i", "a", jwks, 601}},
      {{"i", "a", jwks, 60}, {"i", "b", jwks, 60}},
  };
  for (const std::vector<Issuer>& issuers : bad) {
    EXPECT_FALSE(Authenticator::Make(issuers, Limits{}));
  }
}

Result<Principal> WithIua(const std::string& iua) {
  return Es256().Authenticate(
      "Bearer " + Claiming(With(kClaims, "{", R"({"extensions":{"ihe_iua":)" + iua + "},")), kNow);
}

TEST(Iua, Organization) {
  const std::string ods = "https://fhir.nhs.uk/Id/ods-organization-code";
  const std::vector<std::pair<std::string, fhir::Identifier>> cases = {
      {R"("X9902")", {ods, "X9902"}},
      {R"("https://fhir.nhs.uk/Id/ods-organization-code|X9902")", {ods, "X9902"}},
      {R"({"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9902"})",
       {ods, "X9902"}},
      {R"("urn:oid:2.16.840.1.113883.2.1")",
       {"urn:ietf:rfc:3986", "urn:oid:2.16.840.1.113883.2.1"}},
  };
  for (const auto& [claim, expected] : cases) {
    const Result<Principal> who =
        WithIua(R"({"subject_organization":"Practice","subject_organization_id":)" + claim + "}");
    ASSERT_TRUE(who) << claim << who.error().detail;
    EXPECT_EQ(who->organization, expected);
    EXPECT_EQ(who->organization_name, "Practice");
  }
  for (const char* claim : {"1", "[]", "{}", R"("")", R"("a b")", R"("s|")", R"("X\u0001")"}) {
    EXPECT_FALSE(WithIua(R"({"subject_organization_id":)" + std::string(claim) + "}")) << claim;
  }
}

TEST(Iua, PurposeRolesAndPerson) {
  const std::string reason = Coding("v3-ActReason", "TREAT");
  const std::vector<std::pair<std::string, std::string>> purposes = {
      {R"("TREAT")", "TREAT"},
      {R"(["TREAT"])", "TREAT"},
      {"[" + reason + "]", "TREAT"},
      {"[" + reason + R"(,"TREAT"])", "TREAT"},
      {R"([{"system":"urn:oid:2.16.840.1.113883.1.11.20448","code":"ETREAT"}])", "ETREAT"},
      {R"(["urn:example:projects|p9"])", "urn:example:projects|p9"},
      {"[]", ""},
  };
  for (const auto& [claim, expected] : purposes) {
    const Result<Principal> who = WithIua(R"({"purpose_of_use":)" + claim + "}");
    ASSERT_TRUE(who) << claim << who.error().detail;
    EXPECT_EQ(who->purpose, expected);
  }
  const Result<Principal> two = WithIua(R"({"purpose_of_use":["TREAT","HRESCH"]})");
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().detail.find("more than one purpose"), std::string::npos);
  EXPECT_FALSE(WithIua(R"({"purpose_of_use":1})"));
  EXPECT_FALSE(WithIua(R"({"purpose_of_use":[{}]})"));

  const Result<Principal> roles =
      WithIua(R"({"subject_role":["doctor",{"system":"urn:x","code":"nurse"}],)"
              R"("person_id":"urn:x|1","national_provider_identifier":"urn:y|2"})");
  ASSERT_TRUE(roles);
  EXPECT_EQ(roles->roles, (std::vector<std::string>{"doctor", "nurse"}));
  EXPECT_EQ(roles->practitioner, (fhir::Identifier{"urn:y", "2"}));
  EXPECT_EQ(WithIua(R"({"person_id":"urn:x|1"})")->practitioner, (fhir::Identifier{"urn:x", "1"}));
  EXPECT_FALSE(WithIua("[]"));
}

TEST(Claims, PatientAndUser) {
  const auto with = [](const std::string& claims) {
    return Es256().Authenticate("Bearer " + Claiming(With(kClaims, "{", "{" + claims + ",")), kNow);
  };
  EXPECT_EQ(with(R"("patient":"p1")")->patient, "p1");
  EXPECT_EQ(with(R"("patient":"Patient/p1")")->patient, "p1");
  EXPECT_EQ(with(R"("related_person":"rp1")")->related_person, "rp1");
  EXPECT_EQ(with(R"("fhirUser":"RelatedPerson/rp1")")->related_person, "rp1");
  EXPECT_EQ(with(R"("fhirUser":"Practitioner/2")")->user, "Practitioner/2");
  EXPECT_FALSE(with(R"("patient":"a/b")"));
  EXPECT_FALSE(with(R"("patient":"")"));
  EXPECT_FALSE(with(R"("patient":["p1"])"));
  EXPECT_FALSE(with(R"("fhirUser":"RelatedPerson/rp1","related_person":"rp2")"));
  EXPECT_FALSE(with(R"("azp":{})"));
  EXPECT_EQ(Es256()
                .Authenticate("Bearer " + Claiming(With(kClaims, R"("jti":"t1",)", "")), kNow)
                ->token_id.substr(0, 7),
            "sha256:");
}

crypto::Digest Numbered(uint32_t number) { return crypto::Sha256(std::to_string(number)); }

TEST(TokenCache, IsBoundedAndForgetsTheLeastRecentlyUsed) {
  TokenCache cache;
  VerifiedToken token;
  cache.Add(Numbered(0), token);
  for (uint32_t i = 1; i < 30'000; ++i) {
    cache.Add(Numbered(i), token);
    ASSERT_TRUE(cache.Find(Numbered(0))) << "used just before " << i;
  }
  EXPECT_LE(cache.size(), TokenCache::kTokensMax);
  EXPECT_GT(cache.size(), TokenCache::kTokensMax * 9 / 10);
  EXPECT_FALSE(cache.Find(Numbered(1)));
  EXPECT_TRUE(cache.Find(Numbered(29'999)));
}

TEST(TokenCache, ManyThreads) {
  const std::string token = Claiming(kClaims);
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (size_t thread = 0; thread < right.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        right[thread] += Es256().Authenticate("Bearer " + token, kNow).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, std::vector<int>(4, 200));
}

}  // namespace
}  // namespace gw::access
