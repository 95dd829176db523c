#include <gtest/gtest.h>

#include <string>

#include "gateway/fhir/package.h"
#include "gateway/rest/reply.h"
#include "tests/temp_folder.h"

namespace gw::rest {
namespace {

// The CapabilityStatement names the parameters of packages where they are offered.
TEST(PackageSearch, IsInTheCapabilityStatement) {
  const TempFolder folder;
  folder.Write("town.json",
               R"({"resourceType":"SearchParameter","url":"https://example.org/town","name":"X",)"
               R"("status":"active","description":"d","code":"town","base":["Patient"],)"
               R"("type":"string","expression":"Patient.address.city"})");
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto packages = fhir::Packages::Load({{folder.path()}, {}, {}}, definitions);
  ASSERT_TRUE(packages.ok()) << packages.error().detail;
  const auto with = fhir::SearchIndexer::Make(definitions, packages->searches());
  const auto without = fhir::SearchIndexer::Make(definitions);
  ASSERT_TRUE(with.ok());
  ASSERT_TRUE(without.ok());
  const std::string row = R"({"name":"town","type":"string"})";
  const auto statement = [](const fhir::SearchIndexer& indexer) {
    return CapabilityStatementJson(indexer, "https://example.org/fhir", "2026-01-20", "1");
  };
  const std::string text = statement(*with);
  const size_t at = text.find(row);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(text.find(row, at + 1), std::string::npos) << "of Patient alone";
  EXPECT_LT(text.rfind(R"("type":"Patient")", at), at);
  EXPECT_EQ(statement(*without).find(row), std::string::npos);
}

}  // namespace
}  // namespace gw::rest
