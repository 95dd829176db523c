#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "gateway/map/translate_internal.h"

namespace gw::map {
namespace {

const fhir::Definitions& Definitions() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

// The changes of a Bundle that a map may have written, each entry made of the same node.
Result<Translation> ChangesOf(std::string_view bundle) {
  auto written = fhir::ParseJson(bundle, Definitions(), Limits());
  EXPECT_TRUE(written.ok());
  const auto source =
      fhir::ParseJson(R"({"resourceType":"Basic","id":"source"})", Definitions(), Limits());
  Origins origins;
  for (fhir::Element* entry = written->root().first_child(); entry != nullptr;
       entry = entry->next()) {
    if (const fhir::Element* resource = entry->Child("resource")) {
      origins.emplace(resource, &source->root());
    }
  }
  const Feed feed;
  const Unit unit{&Definitions(), &feed, Instant{}, "seed", "1", &source->root()};
  Translation translation;
  GW_RETURN_IF_ERROR(MakeChanges(*std::move(written), origins, unit, &translation));
  return translation;
}

TEST(TranslateChangesTest, ARepeatIsDroppedAndNothingElse) {
  const auto made =
      ChangesOf(R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{
    "resourceType":"Patient",
    "identifier":[
      {"system":"urn:a","value":"1"},
      {"system":"urn:a","value":"1","use":"old"},
      {"value":"1","system":"urn:a"},
      {"system":"urn:a","value":"11"},
      {"system":"urn:a1","value":"1"},
      {"system":"urn:a","value":"1","assigner":{"display":"A","identifier":{"value":"X"}}},
      {"system":"urn:a","value":"1","assigner":{"display":"B","identifier":{"value":"X"}}},
      {"system":"urn:a","value":"1","assigner":{"identifier":{"value":"Y"}}},
      {"system":"urn:a","value":"1","use":"old"}],
    "telecom":[{"system":"phone","value":"1"},{"system":"phone","value":"1"}],
    "name":[{"family":"A"},{"family":"A"}]}}]})");
  ASSERT_TRUE(made.ok()) << made.error().detail;
  ASSERT_EQ(made->changes.size(), 1u);
  const fhir::Element& patient = made->changes[0].fragment.root();
  EXPECT_EQ(patient.Count("identifier"), 6u);
  EXPECT_EQ(patient.Count("telecom"), 1u);
  EXPECT_EQ(patient.Count("name"), 2u) << "a name may be said twice";
}

// A local name may hold a number of the message.
TEST(TranslateChangesTest, AReferenceThatLeadsNowhereIsToldByItsPlace) {
  const auto made = ChangesOf(R"({"resourceType":"Bundle","type":"transaction","entry":[{
    "fullUrl":"#appointment-1","resource":{"resourceType":"Appointment","status":"booked",
    "participant":[{"status":"accepted","actor":{"reference":"#appointment-4711"}}]}}]})");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Code::kUnprocessable);
  EXPECT_EQ(made.error().detail.find("4711"), std::string::npos) << made.error().detail;
  EXPECT_FALSE(made.error().where.empty());
}

}  // namespace
}  // namespace gw::map
