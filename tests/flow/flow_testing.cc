#include "tests/flow/flow_testing.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/access/label.h"
#include "gateway/base/crypto.h"
#include "gateway/flow/apply.h"

namespace gw::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIssuer = "https://issuer.test.example";
constexpr std::string_view kAudience = "https://caregate.test.example";

const crypto::PrivateKey& TokenKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEs256);
  return key;
}

const crypto::PrivateKey& LogKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519);
  return key;
}

// What does not change between tests is made once.
const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

const fhir::SearchIndexer& Indexer() {
  static const fhir::SearchIndexer indexer = *fhir::SearchIndexer::Make(R4());
  return indexer;
}

const validate::Validator& Validator() {
  static const validate::Validator validator(R4());
  return validator;
}

std::shared_ptr<const Mappings> ProjectMappings() {
  static const std::shared_ptr<const Mappings> mappings = [] {
    const std::string root = GW_SOURCE_DIR;
    Result<map::Translator> translator =
        map::Translator::Load(root + "/mappings", root + "/profiles", R4());
    EXPECT_TRUE(translator) << translator.error().where << ": " << translator.error().detail;
    auto made = std::make_shared<Mappings>(Mappings{*std::move(translator), {}, {}});
    for (const auto& file : fs::directory_iterator(root + "/config/feeds")) {
      Result<map::Feed> feed = map::ReadFeed(file.path().string());
      EXPECT_TRUE(feed) << feed.error().where << ": " << feed.error().detail;
      const std::string name = feed->name;
      made->feeds.emplace(name, *std::move(feed));
    }
    map::Feed latin = made->feeds.at("fenwick-surgery");
    latin.name = "latin";
    latin.default_charset = "8859/15";
    made->feeds.emplace(latin.name, std::move(latin));
    made->senders = {{"ASCCASE|X9903", "northshire-council"},
                     {"LATIN|X9902", "latin"},
                     {"GPSYS|X9902", "fenwick-surgery"},
                     {"PAS|X9901", "fenwick-hospital"},
                     {"COMMCARE|X9906", "fenwick-community"}};
    return std::shared_ptr<const Mappings>(std::move(made));
  }();
  return mappings;
}

}  // namespace

TestGateway::TestGateway(const std::string& folder,
                         std::unique_ptr<store::Store> (*wrap)(std::unique_ptr<store::Store>)) {
  fs::create_directories(folder);
  labeller_.emplace(*access::Labeller::Load(std::string(GW_SOURCE_DIR) + "/profiles/labels"));
  const std::string jwks =
      "{\"keys\":[" + TokenKey().PublicJwk(crypto::Algorithm::kEs256, "test") + "]}";
  const access::Issuer issuer{std::string(kIssuer), std::string(kAudience), jwks, 60};
  authenticator_.emplace(*access::Authenticator::Make({&issuer, 1}, Limits{}));
  mappings_.emplace(ProjectMappings());
  store::SqliteOptions store_options;
  store_options.path = folder + "/caregate.db";
  store_ = *store::OpenSqlite(store_options, clock_);
  if (wrap != nullptr) {
    store_ = wrap(std::move(store_));
  }
  access_index_ = *store::OpenAccessIndex(folder + "/access-index.db");
  log_ = *audit::AuditLog::Open(
      audit::Options{.directory = folder + "/log", .origin = "test.example/log", .key = LogKey()},
      clock_);
  parts_.emplace(Parts{R4(), Indexer(), Validator(), *labeller_, *authenticator_, policy_,
                       *mappings_, *store_, *access_index_, *log_, clock_, Limits{},
                       "http://gateway.test.example/fhir", "caregate"});
  journal_.emplace(store_.get(), log_.get());
  ingest_.emplace(*parts_, &*journal_);
  exchange_.emplace(*parts_, &*ingest_, &*journal_);
}

TestGateway::~TestGateway() = default;

std::string TestGateway::Token(const Caller& caller) const {
  const int64_t now_s = clock_.Now().unix_us / 1'000'000;
  std::string claims;
  JsonWriter writer(&claims);
  writer.ObjectStart().Member("iss", kIssuer).Member("aud", kAudience).Member("sub", caller.client);
  writer.Member("client_id", caller.client).Member("scope", caller.scope);
  writer.Key("exp").Integer(now_s + 600).Key("iat").Integer(now_s);
  if (!caller.patient.empty()) {
    writer.Member("patient", caller.patient);
  }
  writer.Key("extensions").ObjectStart().Key("ihe_iua").ObjectStart();
  if (!caller.organization.empty()) {
    writer.Member("subject_organization_id", caller.organization);
  }
  if (!caller.role.empty()) {
    writer.Key("subject_role").ArrayStart().String(caller.role).ArrayEnd();
  }
  if (!caller.purpose.empty()) {
    writer.Key("purpose_of_use").ArrayStart().ObjectStart();
    writer.Member("system", "http://terminology.hl7.org/CodeSystem/v3-ActReason");
    writer.Member("code", caller.purpose).ObjectEnd().ArrayEnd();
  }
  writer.ObjectEnd().ObjectEnd().ObjectEnd();
  const std::string head = crypto::Base64Url(R"({"alg":"ES256","kid":"test","typ":"JWT"})");
  const std::string signed_part = head + "." + crypto::Base64Url(claims);
  return signed_part + "." +
         crypto::Base64Url(*TokenKey().Sign(crypto::Algorithm::kEs256, signed_part));
}

rest::Request TestGateway::Ask(std::string method, std::string target, const Caller& caller,
                               std::string body) const {
  rest::Request request;
  request.method = std::move(method);
  const size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = question < target.size() ? target.substr(question + 1) : std::string();
  request.headers = {{"host", "gateway.test.example"},
                     {"authorization", "Bearer " + Token(caller)}};
  if (!body.empty()) {
    request.headers.emplace_back("content-type", "application/fhir+json");
    request.body = std::move(body);
  }
  request.peer = "192.0.2.7";
  return request;
}

std::string TestGateway::Acknowledge(std::string message) {
  return ingest_->AnswerV2(std::move(message), "192.0.2.8").application;
}

Response TestGateway::Answer(const rest::Request& request) {
  Result<Response> answer = exchange_->Handle(request);
  EXPECT_TRUE(answer) << answer.error().detail;
  return *std::move(answer);
}

Json TestGateway::Get(const std::string& target, const Caller& caller) {
  const Response answer = Answer(Ask("GET", target, caller));
  EXPECT_EQ(answer.status(), 200) << target << ": " << answer.body();
  return *Json::Parse(answer.body(), Limits{});
}

void TestGateway::Put(const std::string& json) {
  Result<fhir::Resource> resource = fhir::ParseJson(json, R4(), Limits{});
  ASSERT_TRUE(resource) << resource.error().where << ": " << resource.error().detail;
  Known known;
  known.key = {std::string(resource->type()), std::string(resource->id())};
  known.claims = IdentifiersOf(resource->root());
  if (const auto current = store_->Current(known.key)) {
    known.version = current->version;
    known.home = current->persons.empty() ? std::string() : current->persons.front();
  }
  Result<store::Write> write = WriteOf(&*resource, known, *parts_, clock_.Now());
  ASSERT_TRUE(write) << write.error().where << ": " << write.error().detail;
  store::Transaction transaction;
  transaction.writes.push_back(*std::move(write));
  const auto committed = store_->Commit(std::move(transaction));
  ASSERT_TRUE(committed) << committed.error().detail;
}

std::vector<AccessRecord> TestGateway::Records() {
  std::vector<AccessRecord> records;
  const auto stored = log_->ReadFrom(0, 1'000'000);
  EXPECT_TRUE(stored);
  for (const audit::Stored& entry : *stored) {
    Result<AccessRecord> record = FromBytes(entry.entry.bytes);
    if (record) {
      records.push_back(*std::move(record));
    }
  }
  return records;
}

size_t MatchesOn(const Json& bundle) {
  size_t matches = 0;
  if (const Json* entries = bundle.Find("entry"); entries != nullptr) {
    for (const Json& entry : entries->items()) {
      const Json* search = entry.Find("search");
      matches += search != nullptr && search->TextOf("mode") == "match" ? 1u : 0u;
    }
  }
  return matches;
}

std::string ProjectFile(const std::string& path) {
  std::ifstream file(std::string(GW_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace gw::flow
