#include "gateway/store/terms.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gateway/store/signpost.h"

namespace gw::store {
namespace {

using fhir::IndexRow;
using fhir::SearchKind;

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

IndexRow Token(std::string_view code, std::string_view system, std::string_view text) {
  return {code, SearchKind::kToken, system, text, {}, 0, 0};
}
IndexRow Reference(std::string_view code, std::string_view type, std::string_view id) {
  return {code, SearchKind::kReference, {}, id, type, 0, 0};
}
IndexRow Date(std::string_view code, int64_t low_us, int64_t high_us) {
  return {code, SearchKind::kDate, {}, {}, {}, low_us, high_us};
}
IndexRow Text(SearchKind kind, std::string_view code, std::string_view text) {
  return {code, kind, {}, text, {}, 0, 0};
}

Terms OfEachKind() {
  Terms terms;
  terms.compartments = {0, 2, 300};
  terms.claims = {{"urn:nhs", "9991001018"}, {"", ""}};
  terms.rows = {Token("identifier", "urn:nhs", "9991001018"),
                Token("status", "", "active"),
                Reference("patient", "Patient", "p1"),
                Reference("subject", "Patient", "p1"),
                Date("date", kLowest, kHighest),
                Date("date", -1, 1),
                Date("date", 5, 5),
                Text(SearchKind::kString, "name", "ashdown"),
                Text(SearchKind::kUri, "url", "urn:1")};
  return terms;
}

void ExpectSame(const Terms& a, const Terms& b) {
  EXPECT_EQ(a.compartments, b.compartments);
  ASSERT_EQ(a.claims.size(), b.claims.size());
  for (size_t i = 0; i < a.claims.size(); ++i) {
    EXPECT_EQ(a.claims[i].system, b.claims[i].system);
    EXPECT_EQ(a.claims[i].value, b.claims[i].value);
  }
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].code, b.rows[i].code);
    EXPECT_EQ(a.rows[i].kind, b.rows[i].kind);
    EXPECT_EQ(a.rows[i].system, b.rows[i].system);
    EXPECT_EQ(a.rows[i].text, b.rows[i].text);
    EXPECT_EQ(a.rows[i].reference_type, b.rows[i].reference_type);
    EXPECT_EQ(a.rows[i].low_us, b.rows[i].low_us);
    EXPECT_EQ(a.rows[i].high_us, b.rows[i].high_us);
  }
}

TEST(Terms, ReadBackAsTheyWerePacked) {
  Terms read;
  for (const Terms& terms : {Terms(), OfEachKind(), Terms()}) {
    const std::string packed = PackTerms(terms);
    ASSERT_TRUE(UnpackTerms(packed, &read));
    ExpectSame(read, terms);
  }
}

TEST(Terms, NameAgainOnlyTheFirstTexts) {
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) {
    texts.push_back(std::string(static_cast<size_t>(i), 'x') + std::to_string(i % 100));
  }
  Terms terms;
  for (size_t i = 0; i < texts.size(); ++i) {
    terms.rows.push_back(Token("code", texts[(i * 7) % texts.size()], texts[i]));
  }
  const std::string packed = PackTerms(terms);
  Terms read;
  ASSERT_TRUE(UnpackTerms(packed, &read));
  ExpectSame(read, terms);
}

TEST(Terms, AreShort) {
  EXPECT_LT(PackTerms(OfEachKind()).size(), 150u) << "texts that come again are not repeated";
  EXPECT_EQ(PackTerms(Terms()).size(), 4u);
}

TEST(Terms, RefuseWhatIsCutShortOrGoesOn) {
  const std::string packed = PackTerms(OfEachKind());
  Terms read;
  for (size_t size = 0; size < packed.size(); ++size) {
    const Status cut = UnpackTerms(packed.substr(0, size), &read);
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, Code::kUnavailable);
  }
  EXPECT_FALSE(UnpackTerms(packed + '\0', &read));
}

TEST(Terms, RefuseWhatCannotBe) {
  using std::string_literals::operator""s;
  const std::string number_past_64_bits = std::string(9, '\xFF') + "\x02";
  const std::vector<std::string> bad = {
      "\x02\0\0\0"s,                 // another format
      "\x01\0\0\x01\x05\x02x\0\0"s,  // a kind that is none
      "\x01\0\0\x01\0\x01\0\0"s,     // a text by name before any was written out
      "\x01\0\0\x01\0\x02x\x05\0"s,  // the third text, of one
      "\x01\0\0\x01\0\x7Ex\0\0"s,    // a text longer than the rest
      "\x01\0\0\x01\x02\x02x" + number_past_64_bits + "\0"s,
      "\x01\0\0\x01\x02\x02x" + std::string(11, '\x80') + "\0"s,
      "\x01" + std::string(9, '\xFF') + "\x01",  // as many compartments as a number can say
      "\x01\0\0" + std::string(9, '\xFF') + "\x01",
  };
  Terms read;
  for (const std::string& packed : bad) {
    EXPECT_FALSE(UnpackTerms(packed, &read)) << testing::PrintToString(packed);
  }
  const std::string good = "\x01\0\0\x01\0\x02x\x01\0"s;
  EXPECT_TRUE(UnpackTerms(good, &read));
  EXPECT_EQ(read.rows.front().system, "x");
}

// Any bytes: an error, or terms that lie within them.
TEST(Terms, TakeNoHarmFromDamage) {
  std::mt19937 random(11);
  const std::string whole = PackTerms(OfEachKind());
  Terms read;
  size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string packed = whole;
    for (uint32_t changes = 1 + static_cast<uint32_t>(random()) % 3; changes > 0; --changes) {
      packed[random() % packed.size()] = static_cast<char>(random());
    }
    refused += UnpackTerms(packed, &read) ? 0u : 1u;
    for (const IndexRow& row : read.rows) {
      ASSERT_LE(row.code.size() + row.system.size() + row.text.size(), 3 * packed.size());
    }
  }
  EXPECT_GT(refused, 1'000u);
}

using Table = Signpost::Table;

TEST(Signposts, StandWhereASearchMayBegin) {
  Terms terms;
  terms.compartments = {0, 1};
  terms.claims = {{"urn:nhs", "1"}, {"urn:own", "2"}};
  terms.rows = {Token("identifier", "urn:nhs", "1"),
                Token("identifier", "urn:x", "3"),
                Token("identifier", "urn:x", ""),
                Token("status", "", "active"),
                Reference("patient", "Patient", "p1"),
                Reference("subject", "Group", "p1"),
                Reference("performer", "Patient", "p3"),
                Reference("performer", "Practitioner", "d1"),
                Date("date", 1, 2),
                Text(SearchKind::kString, "name", "a"),
                Text(SearchKind::kString, "name", "a"),
                Text(SearchKind::kUri, "url", "u")};
  const std::vector<Signpost> expected = {
      {Table::kIdentifier, "1", "urn:nhs", true}, {Table::kIdentifier, "2", "urn:own", true},
      {Table::kIdentifier, "3", "urn:x", false},  {Table::kElsewhere, "p1", "", false},
      {Table::kElsewhere, "p2", "", false},       {Table::kElsewhere, "p3", "", false},
      {Table::kString, "a", "name", false}};
  EXPECT_EQ(SignpostsTo(terms, "p1 p2", "p1"), expected);
  terms.rows = {Reference("patient", "Patient", "p1")};
  terms.claims.clear();
  terms.compartments = {0};
  EXPECT_TRUE(SignpostsTo(terms, "p1", "p1").empty()) << "what lies at home needs none";
  EXPECT_EQ(SignpostsTo(terms, "p1", "").size(), 1u);
}

}  // namespace
}  // namespace gw::store
