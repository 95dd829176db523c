#include "gateway/identity/matcher.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace gw::identity {
namespace {

std::string_view NhsNumberOf(const fhir::Element& patient) {
  for (const fhir::Element* child = patient.first_child(); child != nullptr;
       child = child->next()) {
    if (child->name() == "identifier" && child->TextAt("system") == kNhsNumberSystem) {
      return child->TextAt("value");
    }
  }
  return {};
}

// Do the two share an identifier other than the NHS number?
bool ShareLocalNumber(const fhir::Element& a, const fhir::Element& b) {
  using Number = std::pair<std::string_view, std::string_view>;
  std::set<Number> numbers;
  for (const fhir::Element* x = a.first_child(); x != nullptr; x = x->next()) {
    if (x->name() == "identifier" && x->TextAt("system") != kNhsNumberSystem) {
      numbers.emplace(x->TextAt("system"), x->TextAt("value"));
    }
  }
  for (const fhir::Element* y = b.first_child(); y != nullptr; y = y->next()) {
    if (y->name() == "identifier" &&
        numbers.contains(Number(y->TextAt("system"), y->TextAt("value")))) {
      return true;
    }
  }
  return false;
}

bool EqualsFolded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

// Both say it, and they say different things. A partial birth date agrees with any that it begins.
bool BirthDatesDiffer(const fhir::Element& a, const fhir::Element& b) {
  const std::string_view x = a.TextAt("birthDate");
  const std::string_view y = b.TextAt("birthDate");
  return !x.empty() && !y.empty() && !x.starts_with(y) && !y.starts_with(x);
}

bool FamilyNamesDiffer(const fhir::Element& a, const fhir::Element& b) {
  bool compared = false;
  for (const fhir::Element* x = a.first_child(); x != nullptr; x = x->next()) {
    const bool named = x->name() == "name";
    for (const fhir::Element* y = b.first_child(); named && y != nullptr; y = y->next()) {
      if (y->name() != "name") {
        continue;
      }
      const std::string_view family = x->TextAt("family");
      const std::string_view other = y->TextAt("family");
      if (family.empty() || other.empty()) {
        continue;
      }
      if (EqualsFolded(family, other)) {
        return false;
      }
      compared = true;
    }
  }
  return compared;
}

using Rows = std::span<const fhir::IndexRow>;

std::string_view SexOf(Rows patient) {
  const auto sex = std::find_if(patient.begin(), patient.end(),
                                [](const fhir::IndexRow& row) { return row.code == fhir::kSex; });
  return sex == patient.end() ? std::string_view() : sex->text;
}

bool HasNhsNumber(Rows patient) {
  return std::any_of(patient.begin(), patient.end(), [](const fhir::IndexRow& row) {
    return row.code == "identifier" && row.system == kNhsNumberSystem && !row.text.empty();
  });
}

// Does `agree` hold for a row of each of the two with that code?
template <typename Agree>
bool AnyPair(Rows a, Rows b, std::string_view code, Agree agree) {
  return std::any_of(a.begin(), a.end(), [&](const fhir::IndexRow& x) {
    return x.code == code && std::any_of(b.begin(), b.end(), [&](const fhir::IndexRow& y) {
             return y.code == code && agree(x, y);
           });
  });
}

bool BornAlike(Rows a, Rows b) {
  return AnyPair(a, b, "birthdate", [](const fhir::IndexRow& x, const fhir::IndexRow& y) {
    return x.low_us == y.low_us && x.high_us == y.high_us;
  });
}

// Blanks and case do not count: "ZZ99 3VA" is "zz993va".
bool PostcodesAgree(Rows a, Rows b) {
  const auto plain = [](std::string_view postcode) {
    std::string out;
    for (const char c : postcode) {
      if (c != ' ') {
        out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      }
    }
    return out;
  };
  return AnyPair(a, b, fhir::kPostcode, [plain](const fhir::IndexRow& x, const fhir::IndexRow& y) {
    return plain(x.text) == plain(y.text);
  });
}

// An initial agrees with the names that it begins.
bool GivenNamesAgree(std::string_view a, std::string_view b) {
  const size_t initial = a.size() <= 2 && (a.size() == 1 || a[1] == '.') ? 1 : a.size();
  const size_t other = b.size() <= 2 && (b.size() == 1 || b[1] == '.') ? 1 : b.size();
  const size_t compared = initial == 1 || other == 1 ? 1 : std::max(initial, other);
  return EqualsFolded(a.substr(0, compared), b.substr(0, compared));
}

// How the names of two Patients compare: the best of all pairs.
enum class Names : uint8_t { kDiffer, kFamily, kFamilyAlone, kFamilyAndGiven };

Names CompareNames(Rows a, Rows b) {
  Names best = Names::kDiffer;
  const auto compare = [&best](const fhir::IndexRow& x, const fhir::IndexRow& y) {
    if (EqualsFolded(x.system, y.system)) {
      const bool both = !x.text.empty() && !y.text.empty();
      const Names pair = !both                             ? Names::kFamilyAlone
                         : GivenNamesAgree(x.text, y.text) ? Names::kFamilyAndGiven
                                                           : Names::kFamily;
      best = std::max(best, pair);
    }
    return best == Names::kFamilyAndGiven;
  };
  AnyPair(a, b, fhir::kName, compare);
  return best;
}

Match Compare(const fhir::Element& patient, const fhir::Element& candidate) {
  const std::string_view nhs_number = NhsNumberOf(patient);
  const std::string_view other_nhs_number = NhsNumberOf(candidate);
  const bool same_nhs_number = !nhs_number.empty() && nhs_number == other_nhs_number;
  if (!same_nhs_number && !ShareLocalNumber(patient, candidate)) {
    return {0, Grade::kCertainlyNot, "no identifier is shared"};
  }
  if (BirthDatesDiffer(patient, candidate) && FamilyNamesDiffer(patient, candidate)) {
    return {0, Grade::kPossible, "birth date and family name both differ"};
  }
  if (same_nhs_number) {
    return {0, Grade::kCertain, "the NHS number is the same"};
  }
  if (!nhs_number.empty() && !other_nhs_number.empty()) {
    return {0, Grade::kPossible, "a local number is the same, the NHS numbers differ"};
  }
  return {0, Grade::kCertain, "a local number of the same authority is the same"};
}

}  // namespace

std::vector<Match> Rank(const fhir::Resource& patient, std::span<const fhir::Resource> candidates) {
  std::vector<Match> matches;
  matches.reserve(candidates.size());
  for (size_t index = 0; index < candidates.size(); ++index) {
    Match match = Compare(patient.root(), candidates[index].root());
    match.candidate = index;
    matches.push_back(match);
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return a.grade < b.grade; });
  return matches;
}

bool LookUnlike(const fhir::Resource& patient, const fhir::Resource& other) {
  return BirthDatesDiffer(patient.root(), other.root()) &&
         FamilyNamesDiffer(patient.root(), other.root());
}

bool MayBeSame(Rows patient, Rows other) {
  const std::string_view sex = SexOf(patient);
  const std::string_view other_sex = SexOf(other);
  const bool sexes_agree = sex.empty() || other_sex.empty() || sex == other_sex ||
                           sex == "unknown" || other_sex == "unknown";
  if (!sexes_agree || !BornAlike(patient, other)) {
    return false;
  }
  const bool same_sex = !sex.empty() && sex == other_sex && sex != "unknown";
  switch (CompareNames(patient, other)) {
    case Names::kFamilyAndGiven:
      return true;
    case Names::kFamilyAlone:
      return same_sex || PostcodesAgree(patient, other);
    case Names::kFamily:
      return PostcodesAgree(patient, other) && !(HasNhsNumber(patient) && HasNhsNumber(other));
    case Names::kDiffer:
      break;
  }
  return false;
}

}  // namespace gw::identity
