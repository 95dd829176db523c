#include "gateway/identity/matcher.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gw::identity {
namespace {

const fhir::Definitions& R4() {
  static const fhir::Definitions definitions = fhir::Definitions::R4();
  return definitions;
}

fhir::Resource Patient(const std::string& members) {
  auto patient = fhir::ParseJson(
      R"({"resourceType":"Patient")" + (members.empty() ? std::string() : "," + members) + "}",
      R4(), Limits());
  EXPECT_TRUE(patient.ok()) << members;
  return *std::move(patient);
}

std::string Nhs(const std::string& value) {
  return R"({"system":"https://fhir.nhs.uk/Id/nhs-number","value":")" + value + R"("})";
}
std::string Local(const std::string& value) {
  return R"({"system":"urn:x","value":")" + value + R"("})";
}

TEST(Matcher, GradesByNumbersAndNeverByNames) {
  const std::string person = R"("birthDate":"1941-05-06","name":[{"family":"Okafor"}])";
  const std::string other = R"("birthDate":"1990-01-02","name":[{"family":"Quist"}])";
  struct Case {
    std::string a, b;
    Grade grade;
  };
  const auto of = [](const std::string& identifiers, const std::string& rest) {
    return "\"identifier\":[" + identifiers + "]," + rest;
  };
  const std::vector<Case> cases = {
      {person, person, Grade::kCertainlyNot},
      {of(Nhs("9991001018"), person), of(Nhs("9991001018"), person), Grade::kCertain},
      {of(Nhs("9991001018"), person), of(Nhs("9991001018"), other), Grade::kPossible},
      {of(Nhs("9991001018"), person), of(Nhs("9991002022"), person), Grade::kCertainlyNot},
      {of(Local("1"), person), of(Local("1"), person), Grade::kCertain},
      {of(Local("1"), person), of(Local("1"), other), Grade::kPossible},
      {of(Local("1") + "," + Nhs("9991001018"), person),
       of(Local("1") + "," + Nhs("9991002022"), person), Grade::kPossible},
  };
  for (const Case& c : cases) {
    std::vector<fhir::Resource> candidates;
    candidates.push_back(Patient(c.b));
    const std::vector<Match> matches = Rank(Patient(c.a), candidates);
    ASSERT_EQ(matches.size(), 1u);
    EXPECT_EQ(matches[0].grade, c.grade) << c.a << "\n" << c.b;
  }
}

TEST(Matcher, AsksAboutThoseWhoLookAlike) {
  const auto person = [](const std::string& given, const std::string& rest = "",
                         const std::string& family = "Okafor",
                         const std::string& born = "1941-05-06") {
    return "\"birthDate\":\"" + born + "\",\"name\":[{\"family\":\"" + family + "\"" +
           (given.empty() ? "" : ",\"given\":[\"" + given + "\"]") + "}]" +
           (rest.empty() ? "" : "," + rest);
  };
  const auto numbered = [](const std::string& number) {
    return "\"identifier\":[" + Nhs(number) + "]";
  };
  const std::string female = R"("gender":"female")";
  const std::string male = R"("gender":"male")";
  const std::string home = R"("address":[{"city":"Saltby","postalCode":"ZZ99 4CD"}])";
  const std::string same_home = R"("address":[{"text":"x"},{"postalCode":"zz994cd"}])";
  const std::string one = numbered("9991001018");
  const std::string two = numbered("9991002022");
  struct Case {
    std::string a, b;
    bool ask;
  };
  const std::vector<Case> cases = {
      // The given names agree: whoever has an NHS number.
      {person("Miriam"), person("Miriam"), true},
      {person("Miriam", one), person("Miriam"), true},
      {person("Miriam", one), person("MIRIAM", two), true},
      {person("Miriam"), person("M"), true},
      {person("M.", one), person("Miriam", two), true},
      {person("Miriam"), person("Mo"), false},
      // What contradicts.
      {person("Miriam"), person("Miriam", "", "Okafors"), false},
      {person("Miriam"), person("Miriam", "", "Okafor", "1941-05-07"), false},
      {person("Miriam", female), person("Miriam", male), false},
      {person("Miriam", female), person("Miriam", R"("gender":"unknown")"), true},
      // A given name is not said.
      {person(""), person("Miriam"), false},
      {person("", female), person("Miriam", female), true},
      {person("", female), person("Miriam"), false},
      {person("", R"("gender":"unknown")"), person("", R"("gender":"unknown")"), false},
      {person("", home), person("Miriam", same_home), true},
      // Given names that differ: of one home, and not both with a number, as twins are.
      {person("Miriam", female), person("Grace", female), false},
      {person("Miriam", home), person("Grace", same_home), true},
      {person("Miriam", home + "," + one), person("Grace", same_home), true},
      {person("Miriam", home + "," + one), person("Grace", same_home + "," + two), false},
      // Not all of it is known.
      {person("Miriam", "", "Okafor", "1941"), person("Miriam"), false},
      {person("Miriam", "", "Okafor", "1941"), person("Miriam", "", "Okafor", "1941"), true},
      {R"("birthDate":"1941-05-06","name":[{"given":["Miriam"]}])", person("Miriam"), false},
  };
  const Result<fhir::SearchIndexer> indexer = fhir::SearchIndexer::Make(R4());
  ASSERT_TRUE(indexer);
  const auto may_be_same = [&indexer](const std::string& a, const std::string& b) {
    const std::vector<fhir::IndexEntry> index = indexer->Index(Patient(a));
    const std::vector<fhir::IndexEntry> other = indexer->Index(Patient(b));
    return MayBeSame(fhir::RowsOf(index), fhir::RowsOf(other));
  };
  for (const Case& c : cases) {
    EXPECT_EQ(may_be_same(c.a, c.b), c.ask) << c.a << "\n" << c.b;
    EXPECT_EQ(may_be_same(c.b, c.a), c.ask) << c.b << "\n" << c.a;
  }
  EXPECT_FALSE(may_be_same("", ""));
}

}  // namespace
}  // namespace gw::identity
