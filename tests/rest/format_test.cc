#include "gateway/rest/format.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/rest/outcome.h"

namespace gw::rest {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions kDefinitions = fhir::Definitions::R4();
  return kDefinitions;
}

Request Get(std::string accept, std::string query = {}) {
  Request request;
  request.method = "GET";
  request.path = "/fhir/CarePlan";
  request.query = std::move(query);
  if (!accept.empty()) {
    request.headers.emplace_back("accept", std::move(accept));
  }
  return request;
}

std::string Told(const Result<Format>& format) {
  if (!format) {
    return std::to_string(HttpStatusOf(format.error())) + " " + format.error().where;
  }
  return *format == Format::kXml ? "xml" : "json";
}

TEST(AnswerFormat, IsTheBestOfAccept) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "json"},
      {"*/*", "json"},
      {"application/*", "json"},
      {"application/fhir+json", "json"},
      {"application/json", "json"},
      {"text/json", "json"},
      {"application/json+fhir", "json"},
      {"application/fhir+xml", "xml"},
      {"application/xml", "xml"},
      {"text/xml", "xml"},
      {"application/xml+fhir", "xml"},
      {"Application/FHIR+XML ; charset=UTF-8", "xml"},
      {"application/fhir+xml;charset=\"utf-8\"", "xml"},
      {"application/fhir+xml; fhirVersion=4.0", "xml"},
      {"application/fhir+xml; fhirVersion=3.0", "406 Accept"},
      {"application/fhir+xml; charset=iso-8859-1", "406 Accept"},
      {"application/fhir+xml; charset=iso-8859-1, application/json;q=0.1", "json"},
      {"application/fhir+json;q=0.5, application/fhir+xml;q=0.9", "xml"},
      {"application/fhir+json;q=0.9,application/fhir+xml;q=0.875", "json"},
      {"application/fhir+json, application/fhir+xml", "json"},
      {"application/fhir+xml, application/fhir+json", "xml"},
      {"*/*, application/fhir+xml", "xml"},
      {"application/fhir+xml;q=0, */*", "json"},
      {"application/fhir+json;q=0, */*;q=0.1", "xml"},
      {"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "xml"},
      {"text/html", "406 Accept"},
      {"text/turtle, application/fhir+turtle", "406 Accept"},
      {"application/fhir+json;q=0", "406 Accept"},
      {"application/fhir+xml;q=2", "406 Accept"},
      {"application/fhir+xml;q=0.x", "406 Accept"},
      {",;,=", "406 Accept"},
  };
  for (const auto& [accept, format] : cases) {
    EXPECT_EQ(Told(AnswerFormat(Get(accept))), format) << accept;
  }
}

TEST(AnswerFormat, TheQueryOverrulesAccept) {
  const std::pair<const char*, const char*> cases[] = {
      {"_format=xml", "xml"},
      {"_format=json", "json"},
      {"status=active&_format=xml", "xml"},
      {"_format=application/fhir+xml", "xml"},
      {"_format=application%2Ffhir%2Bxml", "xml"},
      {"_format=application/fhir%2bjson;fhirVersion=4.0", "json"},
      {"_format=text/xml", "xml"},
      {"_format=html", "406 _format"},
      {"_format=ttl", "406 _format"},
      {"_format=", "406 _format"},
      {"_format=%", "406 _format"},
      {"_format=xml&_format=json", "400 _format"},
      {"x_format=xml", "json"},
  };
  for (const auto& [query, format] : cases) {
    EXPECT_EQ(Told(AnswerFormat(Get("application/fhir+json", query))), format) << query;
  }
  EXPECT_EQ(Told(AnswerFormat(Get("text/html", "_format=xml"))), "xml");
}

TEST(AnswerFormat, OfASearchByPostIsInTheForm) {
  Request request = Get("");
  request.method = "POST";
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = "status=active&_format=xml";
  EXPECT_EQ(Told(AnswerFormat(request)), "xml");
  request.query = "_format=json";
  EXPECT_EQ(Told(AnswerFormat(request)), "400 _format");
}

TEST(AnswerFormat, IsThatOfTheBodyWhereNothingIsAsked) {
  Request request = Get("");
  request.method = "PUT";
  request.headers.emplace_back("content-type", "application/fhir+xml");
  EXPECT_EQ(Told(AnswerFormat(request)), "xml");
  request.headers.emplace_back("accept", "*/*");
  EXPECT_EQ(Told(AnswerFormat(request)), "xml");
  request.headers.back().second = "application/fhir+json";
  EXPECT_EQ(Told(AnswerFormat(request)), "json");
}

TEST(BodyFormat, IsThatOfContentType) {
  const std::pair<const char*, const char*> cases[] = {
      {"application/fhir+json", "json"},
      {"application/json; charset=utf-8", "json"},
      {"application/fhir+xml; charset=utf-8; fhirVersion=4.0", "xml"},
      {"TEXT/XML", "xml"},
      {"application/fhir+xml; charset=utf-16", "415 Content-Type"},
      {"application/fhir+json; fhirVersion=5.0", "415 Content-Type"},
      {"text/plain", "415 Content-Type"},
      {"*/*", "415 Content-Type"},
      {"", "415 Content-Type"},
  };
  for (const auto& [type, format] : cases) {
    Request request = Get("");
    request.headers.emplace_back("content-type", type);
    EXPECT_EQ(Told(BodyFormat(request)), format) << type;
  }
}

TEST(InFormat, MakesXmlOfJson) {
  const std::string json = R"({"resourceType":"Patient","id":"p","active":true})";
  EXPECT_EQ(*InFormat(Format::kJson, json, R4()), json);
  EXPECT_EQ(*InFormat(Format::kXml, json, R4()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Patient xmlns=\"http://hl7.org/fhir\">"
            "<id value=\"p\"/><active value=\"true\"/></Patient>");
  EXPECT_EQ(*InFormat(Format::kXml, "", R4()), "");
  const Result<std::string> not_fhir = InFormat(Format::kXml, "{}", R4());
  ASSERT_FALSE(not_fhir.ok());
  EXPECT_EQ(not_fhir.error().code, Code::kInternal);
}

// A resource within every bound, and the Bundle around it that is not.
TEST(InFormat, IsNotHeldToTheBoundsOfWhatOthersSend) {
  std::string open;
  std::string close;
  const int levels = 30;
  for (int level = 0; level < levels; ++level) {
    open += R"("extension":[{"url":"x",)";
    close += "}]";
  }
  const std::string basic = R"({"resourceType":"Basic",)" + open +
                            R"("extension":[{"url":"x","valueCode":"y"}])" + close + "}";
  ASSERT_TRUE(fhir::ParseJson(basic, R4(), Limits{}).ok());
  const std::string bundle =
      R"({"resourceType":"Bundle","type":"searchset","entry":[{"resource":)" + basic + "}]}";
  ASSERT_FALSE(fhir::ParseJson(bundle, R4(), Limits{}).ok());
  EXPECT_TRUE(InFormat(Format::kXml, bundle, R4()).ok());
}

}  // namespace
}  // namespace gw::rest
