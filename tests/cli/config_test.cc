#include "gateway/config.h"

#include <gtest/gtest.h>

#include "tests/temp_folder.h"

namespace gw {
namespace {

// The whole of a configuration that may be read, with `more` members before the others.
std::string TextWith(const std::string& more) {
  return "{" + more + (more.empty() ? "" : ",") +
         R"("store":{"path":"data/store.db"},"log":{"directory":"log","key":"key.pem",)"
         R"("origin":"test.example/log"},"mappings":"maps","profiles":"/usr/profiles",)"
         R"("issuers":[{"url":"https://issuer.test.example","audience":"https://test.example",)"
         R"("jwks":"keys.json"}]})";
}

TEST(Config, ReadsAWholeOne) {
  const TempFolder folder;
  folder.Write("keys.json", "{}");
  const std::string path = folder.Write(
      "gateway.json",
      TextWith(R"("http":{"port":65535},"mllp":{},"csv":{"folders":[{"path":"in","feeds":["a"]}]},)"
               R"("senders":{"A|B":"a"},"operations":{"queue_max":5,"feeds":{"a":{)"
               R"("retain_days":30}}},"policy":{"implicit":"deny"},)"
               R"("clients":[{"id":"desk","scopes":["system/*.rs"]}])"));
  const Result<Config> config = ReadConfig(path);
  ASSERT_TRUE(config.ok()) << config.error().where << ": " << config.error().detail;
  EXPECT_EQ(config->http_port, 65535);
  EXPECT_EQ(config->http_address, "127.0.0.1");
  EXPECT_TRUE(config->mllp);
  EXPECT_EQ(config->store_path, folder.Path("data/store.db"));
  EXPECT_EQ(config->mappings, folder.Path("maps"));
  EXPECT_EQ(config->profiles, "/usr/profiles");
  ASSERT_EQ(config->csv_folders.size(), 1U);
  EXPECT_EQ(config->csv_folders[0].path, folder.Path("in"));
  EXPECT_EQ(config->senders.at("A|B"), "a");
  EXPECT_EQ(config->feed_care.at("a").retain_days, 30U);
  EXPECT_EQ(config->feed_care.at("a").queue_max, 5U);  // what is said of all
  EXPECT_EQ(config->policy.implicit, access::ImplicitPolicy::kDeny);
  ASSERT_EQ(config->issuers.size(), 1U);
  EXPECT_EQ(config->issuers[0].jwks, "{}");
  ASSERT_EQ(config->clients.size(), 1U);
  EXPECT_EQ(config->clients[0].id, "desk");
}

TEST(Config, NamesTheKeyOfWhatIsWrong) {
  const TempFolder folder;
  folder.Write("keys.json", "{}");
  struct Case {
    std::string text;
    const char* where;  // after the file's name
  };
  const Case cases[] = {
      {"[]", ""},
      {TextWith(R"("htpp":{})"), "htpp"},
      {TextWith(R"("http":[])"), "http"},
      {TextWith(R"("http":{"port":65536})"), "http.port"},
      {TextWith(R"("http":{"prot":1})"), "http.prot"},
      {TextWith(R"("csv":{"folders":[{"path":"in"},{"path":1}]})"), "csv.folders[1].path"},
      {TextWith(R"("senders":{"A|B":1})"), "senders"},
      {TextWith(R"("operations":{"feeds":{"a":{"retain":1}}})"), "operations.feeds.a.retain"},
      {TextWith(R"("policy":{"implicit":"allow"})"), "policy.implicit"},
      {TextWith(R"("clients":[{"scopes":"all"}])"), "clients[0].scopes"},
      {TextWith(R"("development":true,"http":{"address":"0.0.0.0"})"), "development"},
      {"{}", "store.path"},
      {R"({"issuers":[{"url":"u","audience":"a"}]})", "issuers[0]"},
  };
  for (const Case& test : cases) {
    const std::string path = folder.Write("gateway.json", test.text);
    const Result<Config> config = ReadConfig(path);
    ASSERT_FALSE(config.ok()) << test.text;
    EXPECT_EQ(config.error().code, Code::kInvalid) << test.text;
    EXPECT_EQ(config.error().where, path + ": " + test.where) << config.error().detail;
  }
}

TEST(Config, NamesTheFileOfKeysThatIsNotThere) {
  const TempFolder folder;
  const Result<Config> config = ReadConfig(folder.Write("gateway.json", TextWith("")));
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, Code::kNotFound);
  EXPECT_EQ(config.error().where, folder.Path("keys.json"));
}

TEST(Config, NamesLineAndColumnOfWhatIsNoJson) {
  const TempFolder folder;
  const std::string path = folder.Write("gateway.json", "{\n  \"http\": }");
  const Result<Config> config = ReadConfig(path);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().where, path + ": line 2, column 11");
}

}  // namespace
}  // namespace gw
