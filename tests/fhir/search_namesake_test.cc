#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/fhir/search.h"
#include "tests/fhir/path_testing.h"

namespace gw::fhir {
namespace {

using path::Parsed;
using path::R4;

TEST(SearchIndexer, IndexesOfAPersonForTheStoreAlone) {
  const Result<SearchIndexer> indexer = SearchIndexer::Make(R4());
  ASSERT_TRUE(indexer);
  const Resource patient =
      Parsed(R"({"resourceType":"Patient","id":"p","birthDate":"1938-06-11","name":[)"
             R"({"family":"ASHDOWN","given":["Zoë","May"]},{"family":"Marsh"},{"given":["May"]},)"
             R"({"family":"van  Dyke"},{"family":"Ashdówn","given":["May"]}],"gender":"female",)"
             R"("address":[{"city":"Saltby"},{"postalCode":"ZZ99 3VA"}]})");
  const std::vector<std::string> keys = {"1938-06-11|ashdown", "1938-06-11|marsh",
                                         "1938-06-11|van dyke"};
  EXPECT_EQ(NamesakeKeys(patient), keys);
  std::vector<std::string> rows;
  std::vector<std::string> compared;
  for (const IndexEntry& entry : indexer->Index(patient)) {
    if (entry.code == kNamesake) {
      EXPECT_EQ(entry.kind, SearchKind::kString);
      rows.push_back(entry.text);
    }
    if (entry.code == kSex || entry.code == kName || entry.code == kPostcode) {
      EXPECT_EQ(entry.kind, SearchKind::kToken);
      compared.push_back(std::string(entry.code) + " " + entry.system + "|" + entry.text);
    }
  }
  EXPECT_EQ(rows, keys);
  const std::vector<std::string> to_compare = {"_name ASHDOWN|Zoë", "_name Marsh|",
                                               "_name van  Dyke|",  "_name Ashdówn|May",
                                               "_sex |female",      "_postcode |ZZ99 3VA"};
  EXPECT_EQ(compared, to_compare);
  EXPECT_FALSE(ParseQuery("Patient", "_namesake=1938-06-11|ashdown", false, *indexer, Limits{}));
  EXPECT_EQ(indexer->Find("Patient", kNamesake), nullptr);
  const Resource of_a_year = Parsed(
      R"({"resourceType":"Patient","birthDate":"1938","name":[{"family":"A","given":["B"]}]})");
  EXPECT_TRUE(NamesakeKeys(of_a_year).empty());
}

}  // namespace
}  // namespace gw::fhir
