#include <gtest/gtest.h>

#include <span>
#include <string_view>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/fhir/path/path.h"
#include "gateway/fhir/search.h"
#include "gateway/fhir/search_internal.h"
#include "tests/fhir/path_testing.h"

namespace gw::fhir {
namespace {

using path::R4;

// Two of each element on the way, where it may repeat, of the first type that it takes.
void Grow(Element* from, std::span<const std::string_view> names) {
  const ElementDef* definition = names.empty() ? nullptr : from->type().Find(names.front());
  for (int count = 0; definition != nullptr && count < (definition->max == 1 ? 1 : 2); ++count) {
    const TypeDef& type = *definition->types.front();
    Grow(*from->AddOf(*definition, type, type.kind() == Kind::kPrimitive ? "text" : ""),
         names.subspan(1));
  }
}

// What is found by following names is what FHIRPath finds.
TEST(SearchIndexer, FollowsPlainPathsAsFhirPathDoes) {
  const auto indexer = SearchIndexer::Make(R4());
  ASSERT_TRUE(indexer);
  size_t plain = 0;
  for (const TypeDef* type : R4().resource_types()) {
    for (const SearchParameter* parameter : indexer->OfferedFor(type->name())) {
      const std::vector<std::string_view> names = PlainPath(parameter->expression, *type);
      if (names.empty()) {
        continue;
      }
      ++plain;
      Resource resource = *Resource::Make(type->name(), R4());
      Grow(&resource.root(), names);
      const auto expression =
          path::Expression::Compile(parameter->expression, R4(), path::Mode::kLenient);
      ASSERT_TRUE(expression) << parameter->expression;
      Arena arena;
      path::Environment environment;
      environment.arena = &arena;
      environment.definitions = &R4();
      environment.resource = environment.root_resource = &resource.root();
      const auto values = expression->Evaluate(&resource.root(), environment);
      ASSERT_TRUE(values) << parameter->expression;
      std::vector<const Element*> expected;
      for (const path::Value& value : *values) {
        expected.push_back(value.element());
      }
      EXPECT_FALSE(expected.empty()) << parameter->expression;
      std::vector<const Element*> found;
      AtPlainPath(resource.root(), names, [&found](const Element& one) { found.push_back(&one); });
      EXPECT_EQ(found, expected) << parameter->expression;
    }
  }
  EXPECT_GT(plain, 150u);
}

TEST(SearchIndexer, LeavesWhatIsMoreThanNamesToFhirPath) {
  const TypeDef& plan = *R4().Find("CarePlan");
  const std::vector<std::string_view> names = {"activity", "detail", "code"};
  EXPECT_EQ(PlainPath("CarePlan.activity.detail.code", plan), names);
  EXPECT_EQ(PlainPath("Resource.meta", plan), std::vector<std::string_view>{"meta"});
  for (const std::string_view other :
       {"CarePlan", "Goal.subject", "CarePlan.subject.where(resolve() is Patient)",
        "CarePlan.period | CarePlan.created", "(CarePlan.period)", "CarePlan.period as Period",
        ""}) {
    EXPECT_TRUE(PlainPath(other, plan).empty()) << other;
  }
}

}  // namespace
}  // namespace gw::fhir
