#include <charconv>
#include <cstdio>

#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

constexpr uint64_t kKeyBytesMax = uint64_t{64} * 1024;
constexpr int64_t kLifetimeS = 3600;
constexpr std::string_view kKeyId = "development";

const DevelopmentClient* FindClient(const Config& config, std::string_view id) {
  for (const DevelopmentClient& client : config.clients) {
    if (client.id == id) {
      return &client;
    }
  }
  return nullptr;
}

void WriteCoding(std::string_view name, std::string_view system, std::string_view code,
                 JsonWriter* writer) {
  if (!code.empty()) {
    writer->Key(name).ArrayStart().ObjectStart();
    if (!system.empty()) {
      writer->Member("system", system);
    }
    writer->Member("code", code).ObjectEnd().ArrayEnd();
  }
}

// The claims of IHE IUA 2.2 (extensions.ihe_iua) and SMART App Launch 2.0.
std::string Claims(const DevelopmentClient& client, const access::Issuer& issuer, int64_t now_s,
                   int64_t lifetime_s) {
  std::string scopes;
  for (const std::string& scope : client.scopes) {
    scopes += (scopes.empty() ? "" : " ") + scope;
  }
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart()
      .Member("iss", issuer.url)
      .Member("aud", issuer.audience)
      .Member("sub", client.id)
      .Member("client_id", client.id)
      .Member("jti", crypto::Uuid7(now_s * 1000))
      .Member("scope", scopes);
  writer.Key("iat").Integer(now_s).Key("nbf").Integer(now_s).Key("exp").Integer(now_s + lifetime_s);
  if (!client.patient.empty()) {
    writer.Member("patient", client.patient);
  }
  writer.Key("extensions").ObjectStart().Key("ihe_iua").ObjectStart();
  if (!client.organization.empty()) {
    writer.Member("subject_organization", client.name);
    writer.Member("subject_organization_id", client.organization);
  }
  if (!client.practitioner.empty()) {
    writer.Member("person_id", client.practitioner);
  }
  WriteCoding("subject_role", "", client.role, &writer);
  WriteCoding("purpose_of_use", "http://terminology.hl7.org/CodeSystem/v3-ActReason",
              client.purpose, &writer);
  writer.ObjectEnd().ObjectEnd().ObjectEnd();
  return json;
}

Result<std::string> MakeToken(const Config& config, const DevelopmentClient& client,
                              int64_t lifetime_s) {
  GW_TRY(const std::string pem, ReadFile(config.token_key, kKeyBytesMax));
  GW_TRY(const crypto::PrivateKey key, crypto::PrivateKey::FromPem(pem));
  std::string header;
  JsonWriter(&header)
      .ObjectStart()
      .Member("alg", "ES256")
      .Member("typ", "JWT")
      .Member("kid", kKeyId)
      .ObjectEnd();
  const int64_t now_s = SystemClock().Now().unix_us / 1'000'000;
  const std::string signed_part =
      crypto::Base64Url(header) + "." +
      crypto::Base64Url(Claims(client, config.issuers.front(), now_s, lifetime_s));
  GW_TRY(const std::string signature, key.Sign(crypto::Algorithm::kEs256, signed_part));
  return signed_part + "." + crypto::Base64Url(signature);
}

}  // namespace

int Token(Arguments arguments) {
  const std::string path = arguments.Option("--config");
  const std::string id = arguments.Option("--client");
  const std::string patient = arguments.Option("--patient");
  const std::string lifetime = arguments.Option("--lifetime");
  std::string unknown;
  if (path.empty() || id.empty() || !arguments.Operands(&unknown).empty()) {
    return Usage("token");
  }
  const Result<Config> config = ReadConfig(path);
  if (!config) {
    PrintError(Describe(config.error()));
    return config.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  if (!config->development || config->token_key.empty()) {
    PrintError(
        "tokens are made in a development configuration only; elsewhere the issuer makes them");
    return kRefused;
  }
  const DevelopmentClient* known = FindClient(*config, id);
  if (known == nullptr) {
    PrintError("the configuration names no such client");
    return kRefused;
  }
  DevelopmentClient client = *known;
  if (!patient.empty()) {
    client.patient = patient;
  }
  int64_t lifetime_s = kLifetimeS;
  const char* end = lifetime.data() + lifetime.size();
  if (!lifetime.empty() && std::from_chars(lifetime.data(), end, lifetime_s).ptr != end) {
    return Usage("token");
  }
  const Result<std::string> token = MakeToken(*config, client, lifetime_s);
  if (!token) {
    PrintError(Describe(token.error()));
    return kRefused;
  }
  std::printf("%s\n", token->c_str());
  return kDone;
}

}  // namespace gw::cli
