#include "gateway/base/json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gw {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace): texts with NUL

// Writes down the events as a line of words, or refuses a given one.
class Recorder final : public JsonEvents {
 public:
  explicit Recorder(std::string refused = {}) : refused_(std::move(refused)) {}
  Status ObjectStart() override { return Note("{"); }
  Status Key(std::string_view name) override { return Note("key:" + std::string(name)); }
  Status ObjectEnd() override { return Note("}"); }
  Status ArrayStart() override { return Note("["); }
  Status ArrayEnd() override { return Note("]"); }
  Status String(std::string_view text) override { return Note("text:" + std::string(text)); }
  Status Number(std::string_view digits) override { return Note("number:" + std::string(digits)); }
  Status Bool(bool value) override { return Note(value ? "true" : "false"); }
  Status Null() override { return Note("null"); }
  const std::string& events() const { return events_; }

 private:
  Status Note(const std::string& event) {
    if (event == refused_) {
      return Error{Code::kUnprocessable, "not wanted", "Patient.name"};
    }
    events_ += events_.empty() ? event : " " + event;
    return {};
  }
  std::string refused_;
  std::string events_;
};

std::string EventsOf(std::string_view text) {
  Recorder recorder;
  const Status status = ReadJson(text, Limits{}, &recorder);
  return status.ok() ? recorder.events() : "refused: " + status.error().detail;
}

Error RefusalOf(std::string_view text, const Limits& limits = {}) {
  Recorder recorder;
  const Status status = ReadJson(text, limits, &recorder);
  if (status.ok()) {
    return {Code::kInternal, "accepted", {}};
  }
  return status.error();
}

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    all.append(text);
  }
  return all;
}

TEST(ReadJson, GivesTheEventsInOrder) {
  EXPECT_EQ(EventsOf(R"( {"a": [1, "x", true, false, null, {}], "b": {"c": []}} )"),
            "{ key:a [ number:1 text:x true false null { } ] key:b { key:c [ ] } }");
  EXPECT_EQ(EventsOf("\"alone\""), "text:alone");
  EXPECT_EQ(EventsOf("17"), "number:17");
}

TEST(ReadJson, LeavesNumbersAsWritten) {
  for (const char* digits : {"1.50", "1.00", "0.10", "1.0E3", "1.0e+3", "-0", "-0.0",
                             "1.1030161663305387", "1234567890123456789012345678",
                             "-9223372036854775809", "1E-400", "1e308", "100", "-2.50"}) {
    EXPECT_EQ(EventsOf("["s + digits + "]"), "[ number:"s + digits + " ]");
  }
}

TEST(ReadJson, RefusesANumberPastTheRangeOfBinary64) {
  const Error error = RefusalOf("{\"value\": 1E400}");
  EXPECT_EQ(error.code, Code::kUnprocessable);
  EXPECT_EQ(error.where, "line 1, column 11");
  EXPECT_EQ(RefusalOf("[" + Repeat("9", 400) + "]").code, Code::kUnprocessable);
}

TEST(ReadJson, ResolvesEscapes) {
  EXPECT_EQ(EventsOf(R"("\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00")"), "text:\"\\/\b\f\n\r\té€😀");
  EXPECT_EQ(EventsOf("\"é€😀\""), "text:é€😀");
}

struct Refused {
  std::string text;
  std::string rule;
  std::string where;
};

TEST(ReadJson, RefusesWhatIsNotOneJsonDocument) {
  const std::vector<Refused> cases = {
      {"", "the document is empty", "line 1, column 1"},
      {" \n ", "the document is empty", "line 2, column 2"},
      {"{} {}", "something follows the document", "line 1, column 4"},
      {"{}x", "something follows the document", "line 1, column 3"},
      {"[1,]", "a value was expected", "line 1, column 4"},
      {"{\"a\":1,}", "a member name was expected", "line 1, column 8"},
      {"{a:1}", "a member name was expected", "line 1, column 2"},
      {"{'a':1}", "a member name was expected", "line 1, column 2"},
      {"{\"a\" 1}", "a colon was expected after the member name", "line 1, column 6"},
      {"{\"a\":1 \"b\":2}", "a comma or } was expected after the member", "line 1, column 8"},
      {"[1 2]", "a comma or ] was expected after the item", "line 1, column 4"},
      {"[1", "a comma or ] was expected after the item", "line 1, column 3"},
      {"[NaN]", "a value was expected", "line 1, column 2"},
      {"[+1]", "a value was expected", "line 1, column 2"},
      {"[01]", "a comma or ] was expected after the item", "line 1, column 3"},
      {"[1.]", "a digit was expected after the decimal point", "line 1, column 4"},
      {"[.5]", "a value was expected", "line 1, column 2"},
      {"[1e]", "a digit was expected in the exponent", "line 1, column 4"},
      {"[\"abc", "the closing quote of a text is missing", "line 1, column 6"},
      {"[\"a\nb\"]", "an unknown escape or a control character in a text", "line 1, column 4"},
      {"[\"\\x\"]", "an unknown escape or a control character in a text", "line 1, column 3"},
      {"[\"\\u12g4\"]", "\\u must be followed by four hexadecimal digits", "line 1, column 3"},
      {"[\"\\ud83d\"]", "a surrogate escape without its pair", "line 1, column 3"},
      {"[\"\\ude00\"]", "a surrogate escape without its pair", "line 1, column 2"},
      {"[/* a */ 1]", "a value was expected", "line 1, column 2"},
      {"\xEF\xBB\xBF{}", "a byte order mark is not allowed", "line 1, column 1"},
      {"{\"a\":\n [tru]}", "a value was expected", "line 2, column 6"},
  };
  for (const Refused& refused : cases) {
    const Error error = RefusalOf(refused.text);
    EXPECT_EQ(error.code, Code::kInvalid) << refused.text;
    EXPECT_EQ(error.detail, refused.rule) << refused.text;
    EXPECT_EQ(error.where, refused.where) << refused.text;
  }
}

TEST(ReadJson, RefusesNulBytes) {
  EXPECT_EQ(RefusalOf("{\"a\":1}\0{\"b\":2}"s).detail, "a NUL byte is not allowed");
  EXPECT_EQ(RefusalOf("{\"a\":1}\0"s).where, "line 1, column 8");
  EXPECT_EQ(RefusalOf("{\"a\":\"x\0y\"}"s).detail, "a NUL byte is not allowed");
  EXPECT_EQ(RefusalOf("\0"s).detail, "a NUL byte is not allowed");
}

TEST(ReadJson, RefusesU0000) {
  const Error value = RefusalOf("{\n \"a\": \"x\\u0000y\"}");
  EXPECT_EQ(value.detail, "U+0000 is not allowed in a text");
  EXPECT_EQ(value.where, "line 2, column 7");
  EXPECT_EQ(RefusalOf(R"({"a\u0000":1})").detail, "U+0000 is not allowed in a text");
}

TEST(ReadJson, RefusesBytesThatAreNotUtf8) {
  for (const std::string& bytes :
       {"\x80"s, "\xC0\xAF"s, "\xC1\xBF"s, "\xC3"s, "\xE0\x80\xAF"s, "\xE2\x82"s, "\xED\xA0\x80"s,
        "\xED\xBF\xBF"s, "\xF0\x80\x80\xAF"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s}) {
    const Error error = RefusalOf("{\"é\": \"" + bytes + "\"}");
    EXPECT_EQ(error.code, Code::kInvalid);
    EXPECT_EQ(error.detail, "the bytes are not UTF-8");
    EXPECT_EQ(error.where, "line 1, column 8");
  }
  EXPECT_EQ(EventsOf("\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\""),
            "text:\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF");
}

TEST(ReadJson, RefusesAMemberNameThatComesTwice) {
  const Error error = RefusalOf("{\"id\": \"1\",\n  \"id\": \"2\"}");
  EXPECT_EQ(error.code, Code::kInvalid);
  EXPECT_EQ(error.detail, "a member name comes twice in one object");
  EXPECT_EQ(error.where, "line 2, column 3");
  EXPECT_EQ(RefusalOf(R"({"a":{"b":1},"a":2})").where, "line 1, column 14");
  EXPECT_EQ(RefusalOf(R"({"a":1,"\u0061":2})").where, "line 1, column 8");
  // The same name in another object, an outer one included, is another member.
  EXPECT_EQ(
      EventsOf(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"),
      "{ key:a { key:a { key:a number:1 } } key:b [ { key:a number:1 } { key:a number:2 } ] }");
}

TEST(ReadJson, FindsTheSecondNameAmongMany) {
  // Past the first size of the table of names, with objects between that come and go.
  std::string object = "{";
  for (int i = 0; i < 500; ++i) {
    object +=
        "\"member" + std::to_string(i) + "\":{\"x\":1,\"member" + std::to_string(i + 1) + "\":2},";
  }
  Recorder recorder;
  EXPECT_TRUE(ReadJson(object + "\"last\":0}", Limits{}, &recorder).ok());
  for (const int twice : {0, 1, 127, 128, 255, 256, 499}) {
    EXPECT_EQ(RefusalOf(object + "\"member" + std::to_string(twice) + "\":0}").detail,
              "a member name comes twice in one object");
  }
}

TEST(ReadJson, TakesTheDepthOfTheBoundAndNoMore) {
  const auto nested = [](size_t depth) { return Repeat("[", depth) + Repeat("]", depth); };
  EXPECT_EQ(RefusalOf(nested(64)).detail, "accepted");
  const Error error = RefusalOf(nested(65));
  EXPECT_EQ(error.code, Code::kTooLarge);
  EXPECT_EQ(error.detail, "nested too deeply");
  EXPECT_EQ(error.where, "line 1, column 65");
  EXPECT_EQ(RefusalOf(Repeat("{\"a\":", 65) + "1" + Repeat("}", 65)).code, Code::kTooLarge);
}

TEST(ReadJson, RefusesAHundredThousandDeepWithoutRecursion) {
  for (const std::string_view open : {"[", "{\"a\":", "[{\"a\":"}) {
    EXPECT_EQ(RefusalOf(Repeat(open, 100'000)).code, Code::kTooLarge);
  }
}

TEST(ReadJson, TakesTheMembersOfTheBoundAndNoMore) {
  const auto object = [](int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) {
      text += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":1";
    }
    return text + "}";
  };
  EXPECT_EQ(RefusalOf(object(512)).detail, "accepted");
  EXPECT_EQ(RefusalOf(object(513)).code, Code::kTooLarge);
  EXPECT_EQ(RefusalOf(object(513)).detail, "too many members in an object");
}

TEST(ReadJson, TakesTheItemsOfTheBoundAndNoMore) {
  EXPECT_EQ(RefusalOf("[0" + Repeat(",0", 99'999) + "]").detail, "accepted");
  EXPECT_EQ(RefusalOf("[0" + Repeat(",0", 100'000) + "]").detail, "too many items in an array");
}

TEST(ReadJson, TakesTheNodesOfTheBoundAndNoMore) {
  Limits limits;
  limits.json_nodes_max = 5;
  EXPECT_EQ(RefusalOf(R"({"a":[1,2],"b":3})", limits).detail, "accepted");
  EXPECT_EQ(RefusalOf(R"({"a":[1,2],"b":[]})", limits).detail, "accepted");
  EXPECT_EQ(RefusalOf(R"({"a":[1,2],"b":[4]})", limits).detail, "too many values in the document");
  EXPECT_EQ(RefusalOf(R"({"a":[1,2],"b":[4]})", limits).code, Code::kTooLarge);
}

TEST(ReadJson, ReturnsTheCallersErrorWithTheStartOfItsToken) {
  const std::string text = "{\"a\":\n  [\"x \\\"quoted\\\\\", 12, true], \"b\": {}}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"key:a", "line 1, column 2"},
      {"text:x \"quoted\\", "line 2, column 4"},
      {"number:12", "line 2, column 20"},
      {"key:b", "line 2, column 31"}};
  for (const auto& [refused, place] : cases) {
    Recorder recorder(refused);
    const Status status = ReadJson(text, Limits{}, &recorder);
    ASSERT_FALSE(status.ok()) << refused;
    EXPECT_EQ(status.error().code, Code::kUnprocessable);
    EXPECT_EQ(status.error().where, "Patient.name (" + place + ")") << refused;
  }
}

TEST(ReadJson, NeverQuotesTheDocumentInAnError) {
  for (const std::string_view text :
       {"{\"Smith\":1,\"Smith\":2}", "[\"Smith\\q\"]", "[Smith]", "\"Smith\" Smith"}) {
    EXPECT_EQ(RefusalOf(text).detail.find("Smith"), std::string::npos);
  }
}

TEST(Json, ParsesATree) {
  const Result<Json> json = Json::Parse(
      R"({"name":"x","list":[1,-20,{"deep":null}],"yes":true,"no":false,"half":0.50})", Limits{});
  ASSERT_TRUE(json.ok());
  EXPECT_TRUE(json->is_object());
  EXPECT_EQ(json->TextOf("name"), "x");
  EXPECT_EQ(json->TextOf("absent", "fallback"), "fallback");
  EXPECT_EQ(json->TextOf("list", "fallback"), "fallback");
  const Json* list = json->Find("list");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items().size(), 3u);
  EXPECT_EQ(*list->items()[1].integer(), -20);
  EXPECT_TRUE(list->items()[2].Find("deep")->is_null());
  EXPECT_TRUE(json->Find("yes")->boolean());
  EXPECT_FALSE(json->Find("no")->boolean());
  EXPECT_TRUE(json->Find("no")->is_bool());
  EXPECT_EQ(json->Find("half")->text(), "0.50");
  EXPECT_EQ(json->Find("absent"), nullptr);
  EXPECT_EQ(list->Find("name"), nullptr);
  EXPECT_EQ(json->members().front().first, "name");
  EXPECT_FALSE(Json::Parse("{", Limits{}).ok());
}

TEST(Json, TakesWholeNumbersOfEighteenDigits) {
  const auto integer = [](const std::string& text) {
    return Json::Parse("[" + text + "]", Limits{})->items()[0].integer();
  };
  EXPECT_EQ(*integer("999999999999999999"), 999'999'999'999'999'999);
  EXPECT_EQ(*integer("-999999999999999999"), -999'999'999'999'999'999);
  EXPECT_EQ(*integer("0"), 0);
  for (const char* other : {"1000000000000000000", "1.0", "1e3", "\"1\"", "true", "null", "[]"}) {
    EXPECT_FALSE(integer(other).ok()) << other;
  }
}

TEST(JsonWriter, SeparatesAndEscapes) {
  std::string out;
  JsonWriter json(&out);
  json.ObjectStart().Member("a", "x").Key("b").ArrayStart().Integer(-1).Raw("1.50").Bool(true);
  json.Null().ArrayStart().ArrayEnd().ObjectStart().ObjectEnd().ArrayEnd();
  json.Key("c").Bool(false).ObjectEnd();
  EXPECT_EQ(out, R"({"a":"x","b":[-1,1.50,true,null,[],{}],"c":false})");
}

TEST(JsonWriter, EscapesControlsAndMendsWhatIsNotUtf8) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", R"("plain")"},
      {"\"\\/", R"("\"\\/")"},
      {"\b\f\n\r\t"s, R"("\b\f\n\r\t")"},
      {"\0\x01\x0b\x1f"s, R"("\u0000\u0001\u000b\u001f")"},
      {"é€😀", "\"é€😀\""},
      {"a\x80z", "\"a\xEF\xBF\xBDz\""},
      {"a\xE2\x82z", "\"a\xEF\xBF\xBDz\""},
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xEF\xBF\xBD", "\"\xEF\xBF\xBD\""},
      {"end\xF0\x9F", "\"end\xEF\xBF\xBD\""},
  };
  for (const auto& [text, json] : cases) {
    std::string out;
    AppendJsonString(text, &out);
    EXPECT_EQ(out, json);
  }
}

// Texts are taken in words: what is special must be seen at each place of one, and alone.
TEST(JsonWriter, SeesEachSpecialByteAtEachPlace) {
  const std::string fillers = "a ~\x7F!#[]";
  for (size_t size = 1; size <= 26; ++size) {
    std::string text;
    for (size_t at = 0; at < size; ++at) {
      text += fillers[at % fillers.size()];
    }
    std::string plain;
    AppendJsonString(text, &plain);
    EXPECT_EQ(plain, "\"" + text + "\"");
    EXPECT_EQ(EventsOf(plain), "text:" + text);
    for (const std::string_view special : {"\"", "\\", "\x01", "\x1F", "\n", "é", "€"}) {
      for (size_t at = 0; at <= size; ++at) {
        const std::string mixed = text.substr(0, at) + std::string(special) + text.substr(at);
        std::string out;
        AppendJsonString(mixed, &out);
        EXPECT_EQ(EventsOf(out), "text:" + mixed);
        const bool is_escaped = out.size() > mixed.size() + 2;
        EXPECT_EQ(is_escaped, static_cast<uint8_t>(special[0]) < 0x80) << out;
      }
    }
  }
}

TEST(ReadJson, RefusesAControlCharacterAtEachPlaceOfAText) {
  for (size_t size = 0; size <= 20; ++size) {
    for (size_t at = 0; at <= size; ++at) {
      std::string text(size, 'x');
      text.insert(at, 1, '\x1F');
      EXPECT_EQ(RefusalOf("\"" + text + "\"").code, Code::kInvalid) << size << " " << at;
    }
  }
}

TEST(JsonWriter, WritesWhatTheReaderReadsBack) {
  std::string every;
  for (int byte = 1; byte < 128; ++byte) {
    every.push_back(static_cast<char>(byte));
  }
  std::string out;
  AppendJsonString(every + "é€😀", &out);
  EXPECT_EQ(EventsOf(out), "text:" + every + "é€😀");
}

}  // namespace
}  // namespace gw
