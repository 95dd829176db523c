#include "gateway/base/json_members.h"

#include <gtest/gtest.h>

#include <map>

namespace gw {
namespace {

// One of each kind of member.
struct Read {
  std::string text = "unsaid";
  bool flag = false;
  std::vector<std::string> texts = {"unsaid"};
  uint16_t count = 7;
  std::map<std::string, std::string> table = {{"said", "before"}};
  std::vector<std::pair<std::string, std::string>> rows;
  size_t object = 0;  // members
  size_t list = 0;    // items
};

Status ReadAll(const Json& json, const std::string& place, Read* out) {
  JsonMembers members(json, place);
  members.Text("text", &out->text)
      .Bool("flag", &out->flag)
      .Texts("texts", &out->texts)
      .Count("count", 100, &out->count)
      .Pairs("table", &out->table)
      .Pairs("rows", &out->rows);
  if (const Json* object = members.Object("object")) {
    out->object = object->members().size();
  }
  if (const Json* list = members.Array("list")) {
    out->list = list->items().size();
  }
  members.Check(out->text != "wrong", "a rule of the caller's", "text");
  return members.Finish();
}

Json Parsed(std::string_view text) {
  Result<Json> json = Json::Parse(text, Limits{});
  EXPECT_TRUE(json.ok()) << text;
  return json.ok() ? *std::move(json) : Json();
}

TEST(JsonMembers, ReadsEachKind) {
  Read read;
  const Status status = ReadAll(
      Parsed(
          R"({"text": "a", "flag": true, "texts": ["b", "c"], "count": 100, "table": {"d": "e"},)"
          R"( "rows": {"z": "1", "y": "2"}, "object": {"f": 1}, "list": [1, 2]})"),
      "file: $", &read);
  ASSERT_TRUE(status.ok()) << status.error().where << " " << status.error().detail;
  EXPECT_EQ(read.text, "a");
  EXPECT_TRUE(read.flag);
  EXPECT_EQ(read.texts, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(read.count, 100);
  EXPECT_EQ(read.table, (std::map<std::string, std::string>{{"d", "e"}, {"said", "before"}}));
  EXPECT_EQ(read.rows, (std::vector<std::pair<std::string, std::string>>{{"z", "1"}, {"y", "2"}}));
  EXPECT_EQ(read.object, 1U);
  EXPECT_EQ(read.list, 2U);
}

TEST(JsonMembers, LeavesWhatIsNotSaid) {
  Read read;
  ASSERT_TRUE(ReadAll(Parsed("{}"), "file: $", &read).ok());
  EXPECT_EQ(read.text, "unsaid");
  EXPECT_EQ(read.texts, (std::vector<std::string>{"unsaid"}));
  EXPECT_EQ(read.count, 7);
  EXPECT_EQ(read.table.size(), 1U);
}

TEST(JsonMembers, RefusesWithTheRuleAndThePlace) {
  struct Case {
    const char* json;
    const char* where;
    const char* detail;
  };
  const Case cases[] = {
      {"[]", "file: $", "an object is needed here"},
      {"null", "file: $", "an object is needed here"},
      {R"({"text": 1})", "file: $.text", "a string is needed here"},
      {R"({"text": null})", "file: $.text", "a string is needed here"},
      {R"({"flag": "true"})", "file: $.flag", "true or false is needed here"},
      {R"({"texts": "a"})", "file: $.texts", "a list of strings is needed here"},
      {R"({"texts": ["a", 1]})", "file: $.texts", "a list of strings is needed here"},
      {R"({"count": 101})", "file: $.count", "a whole number from 0 to 100 is needed here"},
      {R"({"count": -1})", "file: $.count", "a whole number from 0 to 100 is needed here"},
      {R"({"count": 1.5})", "file: $.count", "a whole number from 0 to 100 is needed here"},
      {R"({"count": "1"})", "file: $.count", "a whole number from 0 to 100 is needed here"},
      {R"({"table": ["a"]})", "file: $.table", "an object of strings is needed here"},
      {R"({"rows": {"a": 1}})", "file: $.rows", "an object of strings is needed here"},
      {R"({"object": []})", "file: $.object", "an object is needed here"},
      {R"({"list": {}})", "file: $.list", "a list is needed here"},
      {R"({"txet": "a"})", "file: $.txet", "an unknown key"},
      {R"({"text": "wrong"})", "file: $.text", "a rule of the caller's"},
      // The first that is taken, not the first of the file; what nobody took comes last.
      {R"({"list": 1, "other": 1, "flag": 1})", "file: $.flag", "true or false is needed here"},
  };
  for (const Case& test : cases) {
    Read read;
    const Status status = ReadAll(Parsed(test.json), "file: $", &read);
    ASSERT_FALSE(status.ok()) << test.json;
    EXPECT_EQ(status.error().code, Code::kInvalid) << test.json;
    EXPECT_EQ(status.error().where, test.where) << test.json;
    EXPECT_EQ(status.error().detail, test.detail) << test.json;
    EXPECT_EQ(read.count, 7) << test.json;
  }
}

TEST(JsonMembers, NamesPlacesFromTheTopOfAFile) {
  Read read;
  EXPECT_EQ(ReadAll(Parsed(R"({"flag": 1})"), "gateway.json: ", &read).error().where,
            "gateway.json: flag");
  const Json json = Parsed("{}");
  EXPECT_EQ(JsonMembers(json, "gateway.json: ").PlaceOf("http"), "gateway.json: http");
  EXPECT_EQ(JsonMembers(json, "gateway.json: http").PlaceOf("port"), "gateway.json: http.port");
  EXPECT_EQ(JsonMembers(json, "gateway.json: http").PlaceOf(""), "gateway.json: http");
}

TEST(JsonMembers, KeepsTheFirstFaultOfItsParts) {
  const Json json = Parsed("{}");
  JsonMembers members(json, "file: $");
  members.Keep({});
  EXPECT_TRUE(members.Finish().ok());
  members.Keep(Error{Code::kNotFound, "first", "here"});
  members.Keep(Error{Code::kInvalid, "second", "there"});
  members.Check(false, "third", "");
  ASSERT_FALSE(members.Finish().ok());
  EXPECT_EQ(members.Finish().error().code, Code::kNotFound);
  EXPECT_EQ(members.Finish().error().detail, "first");
}

}  // namespace
}  // namespace gw
