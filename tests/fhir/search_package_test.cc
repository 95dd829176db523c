// Search parameters that packages define: offered, indexed and asked like R4's own, or refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gateway/fhir/search.h"
#include "package_testing.h"

namespace gw::fhir {
namespace {

std::string Parameter(const std::string& code, const std::string& base, const std::string& type,
                      const std::string& expression) {
  return R"({"resourceType":"SearchParameter","url":"https://example.org/SearchParameter/)" + base +
         "-" + code + R"(","name":"X","status":"active","description":"d","code":")" + code +
         R"(","base":[")" + base + R"("],"type":")" + type + "\"" +
         (expression.empty() ? "" : R"(,"expression":")" + expression + "\"") + "}";
}

// The packages and the indexer over them.
struct Loaded {
  explicit Loaded(const std::vector<std::string>& parameters) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const std::string& parameter : parameters) {
      files.emplace_back("p" + std::to_string(files.size()) + ".json", parameter);
    }
    Result<Packages> read = LoadFiles(files);
    EXPECT_TRUE(read.ok()) << read.error().detail << " " << read.error().where;
    packages.emplace(std::move(*read));
    made.emplace(SearchIndexer::Make(R4Definitions(), packages->searches()));
  }
  const SearchIndexer& indexer() const { return **made; }
  std::string Refusal() const {
    return made->ok() ? "" : made->error().where + ": " + made->error().detail;
  }
  std::optional<Packages> packages;
  std::optional<Result<SearchIndexer>> made;
};

const std::vector<std::string>& Parameters() {
  static const std::vector<std::string> kParameters = {
      Parameter("ward", "Patient", "token", "Patient.extension('https://example.org/ward').value"),
      Parameter("surname", "Patient", "string", "Patient.name"),
      Parameter("town", "Patient", "string", "Patient.address.city"),
      Parameter("claims", "Resource", "uri", "Resource.meta.profile"),
      Parameter("keeper", "CarePlan", "reference",
                "CarePlan.extension('https://example.org/keeper').value"),
      Parameter("review", "CarePlan", "date",
                "CarePlan.extension('https://example.org/review').value"),
      Parameter("named", "Patient", "token", "Patient.name.exists()"),
      Parameter("weight", "Patient", "quantity", "Patient.extension.value"),
      Parameter("status", "CarePlan", "token", "CarePlan.intent"),
      Parameter("cost", "ChargeItem", "token", "ChargeItem.status"),
  };
  return kParameters;
}

const Loaded& Held() {
  static const Loaded kLoaded(Parameters());
  return kLoaded;
}

Resource Parsed(std::string_view json) {
  Result<Resource> read = ParseJson(json, R4Definitions(), Limits{});
  EXPECT_TRUE(read.ok()) << read.error().detail << " " << read.error().where;
  return std::move(*read);
}

const Resource& Patient() {
  static const Resource kPatient =
      Parsed(R"({"resourceType":"Patient","id":"p1","meta":{"lastUpdated":"2026-01-20T10:00:00Z",)"
             R"("profile":["https://example.org/profile"]},"extension":[{"url":)"
             R"("https://example.org/ward","valueCoding":{"system":"urn:w","code":"7"}}],)"
             R"("name":[{"family":"Łukasz-ÉVANS","given":["Zoë"]}],"address":[{"city":)"
             R"("Stoke  on Trent"}]})");
  return kPatient;
}

bool Finds(const Resource& resource, const std::string& query) {
  const SearchIndexer& indexer = Held().indexer();
  const auto parsed = ParseQuery(resource.type(), query, false, indexer, Limits{});
  EXPECT_TRUE(parsed.ok()) << query << ": " << parsed.error().detail;
  return parsed && Matches(*parsed, resource, indexer);
}

TEST(PackageSearchTest, AreIndexedAndAskedByTheirKind) {
  ASSERT_EQ(Held().Refusal(), "");
  struct Case {
    const char* query;
    bool finds;
  };
  constexpr Case kCases[] = {
      {"ward=7", true},
      {"ward=urn:w|7", true},
      {"ward=urn:x|7", false},
      {"ward:not=8", true},
      {"ward:missing=true", false},
      {"surname=luka", true},
      {"surname=%C5%81UKASZ-evans", true},
      {"surname=zoe", true},
      {"surname=evans", false},
      {"town=stoke%20on%20t", true},
      {"town=trent", false},
      {"claims=https://example.org/profile", true},
      {"claims=https://example.org/pro", false},
      {"named=true", true},
      {"named=false", false},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(Finds(Patient(), each.query), each.finds) << each.query;
  }
  const Resource plan = Parsed(
      R"({"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":)"
      R"("Patient/p1"},"extension":[{"url":"https://example.org/keeper","valueReference":)"
      R"({"reference":"Practitioner/n1"}},{"url":"https://example.org/review","valueDate":)"
      R"("2026-03"}]})");
  EXPECT_TRUE(Finds(plan, "keeper=Practitioner/n1"));
  EXPECT_FALSE(Finds(plan, "keeper=Practitioner/n2"));
  EXPECT_TRUE(Finds(plan, "review=ge2026-03-01&review=lt2026-04"));
  EXPECT_FALSE(Finds(plan, "review=gt2026-03"));
  EXPECT_TRUE(Finds(plan, "status=active")) << "R4's own parameter of that code stands";
}

TEST(PackageSearchTest, AreOfferedWhereTheyCanBe) {
  const SearchIndexer& indexer = Held().indexer();
  EXPECT_TRUE(indexer.Offers("Patient", "ward"));
  EXPECT_FALSE(indexer.Offers("CarePlan", "ward"));
  EXPECT_TRUE(indexer.Offers("Goal", "claims")) << "for all resources";
  EXPECT_FALSE(indexer.Offers("AuditEvent", "claims"));
  EXPECT_FALSE(indexer.Offers("Patient", "weight"));
  std::vector<std::string_view> codes;
  for (const SearchParameter* parameter : indexer.OfferedFor("Patient")) {
    codes.push_back(parameter->code);
  }
  EXPECT_TRUE(std::is_sorted(codes.begin(), codes.end()));
  for (const std::string_view code : {"ward", "surname", "identifier", "_id"}) {
    EXPECT_NE(std::find(codes.begin(), codes.end(), code), codes.end()) << code;
  }
  const auto says = [&](std::string_view what) {
    return std::any_of(
        indexer.left_out().begin(), indexer.left_out().end(),
        [what](const std::string& line) { return line.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(says("Patient-weight for Patient: parameters of its type are not indexed"));
  EXPECT_TRUE(says("CarePlan-status for CarePlan: R4's own parameter"));
  EXPECT_TRUE(says("ChargeItem-cost for ChargeItem: the type is not served"));
  const auto refused = ParseQuery("Patient", "weight=1", false, indexer, Limits{});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().where, "weight");
}

TEST(PackageSearchTest, AreRefusedWithTheirPlace) {
  struct Case {
    const char* what;
    std::vector<std::string> parameters;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {"no expression",
       {Parameter("ward", "Patient", "token", "")},
       "SearchParameter https://example.org/SearchParameter/Patient-ward: expression: a search "
       "parameter is evaluated by its expression, and has none"},
      {"one that does not compile",
       {Parameter("ward", "Patient", "token", "Patient.name.")},
       "SearchParameter https://example.org/SearchParameter/Patient-ward: expression, line 1, "
       "column 14"},
      {"a code that a URL cannot hold",
       {Parameter("a b", "Patient", "token", "Patient.name")},
       "SearchParameter https://example.org/SearchParameter/Patient-a b: code"},
      {"a code that is R4's to give",
       {Parameter("_ward", "Patient", "token", "Patient.name")},
       "SearchParameter https://example.org/SearchParameter/Patient-_ward: code"},
      {"a base that is no resource type",
       {Parameter("ward", "HumanName", "token", "HumanName.use")},
       "SearchParameter https://example.org/SearchParameter/HumanName-ward: base"},
      {"one code, two meanings",
       {Parameter("ward", "Patient", "token", "Patient.name"),
        Parameter("ward", "DomainResource", "token", "DomainResource.id")},
       ": code: two packages define this code for one type differently"},
  };
  for (const Case& each : cases) {
    const Loaded loaded(each.parameters);
    EXPECT_NE(loaded.Refusal().find(each.expected), std::string::npos)
        << each.what << ": " << loaded.Refusal();
  }
}

TEST(PackageSearchTest, TheSignatureTellsSetsOfParametersApart) {
  const auto of = [](const std::vector<std::string>& parameters) {
    return Loaded(parameters).indexer().signature();
  };
  const std::string ward = Parameter("ward", "Patient", "token", "Patient.gender");
  const std::string town = Parameter("town", "Patient", "string", "Patient.address.city");
  EXPECT_NE(of({ward}), SearchIndexer::Make(R4Definitions())->signature());
  EXPECT_NE(of({ward}), of({Parameter("ward", "Patient", "token", "Patient.active")}));
  EXPECT_NE(of({ward}), of({Parameter("ward", "Patient", "string", "Patient.gender")}));
  EXPECT_EQ(of({ward, town}), of({town, ward})) << "the order of the files does not count";
}

}  // namespace
}  // namespace gw::fhir
