#include <array>
#include <cstddef>
#include <utility>

#include "gateway/access/codes_internal.h"
#include "gateway/base/percent.h"

namespace gw::access {
namespace {

constexpr std::string_view kReserved = "@%+~";  // of the grammar of a label class

using Pair = std::pair<std::string_view, std::string_view>;

// Other names of the three systems: DSTU2 and STU3 canonicals, OIDs, and the value set PurposeOfUse
// (2.16.840.1.113883.1.11.20448), which IHE IUA and XUA examples write as the system.
constexpr std::array<Pair, 11> kSystems = {{
    {"http://hl7.org/fhir/v3/ActReason", kActReason},
    {"http://terminology.hl7.org/ValueSet/v3-PurposeOfUse", kActReason},
    {"http://hl7.org/fhir/ValueSet/v3-PurposeOfUse", kActReason},
    {"urn:oid:2.16.840.1.113883.5.8", kActReason},
    {"urn:oid:2.16.840.1.113883.1.11.20448", kActReason},
    {"http://hl7.org/fhir/v3/ActCode", kActCode},
    {"urn:oid:2.16.840.1.113883.5.4", kActCode},
    {"http://hl7.org/fhir/v3/Confidentiality", kConfidentiality},
    {"urn:oid:2.16.840.1.113883.5.25", kConfidentiality},
    {"http://hl7.org/fhir/v2/0177", kTable0177},
    {"urn:oid:2.16.840.1.113883.12.177", kTable0177},
}};

struct Synonym {
  std::string_view code;
  CodeView means;
};

// Table 0177 -> v3-Confidentiality and v3-ActCode, as the v2-to-FHIR guide maps it; UWM and VIP
// have no counterpart and stay.
constexpr std::array<Synonym, 8> kOf0177 = {{
    {"V", {kConfidentiality, "V"}},
    {"R", {kConfidentiality, "R"}},
    {"U", {kConfidentiality, "N"}},
    {"PSY", {kActCode, "PSY"}},
    {"AID", {kActCode, "HIV"}},
    {"HIV", {kActCode, "HIV"}},
    {"ETH", {kActCode, "ETHUD"}},
    {"EMP", {kActCode, "EMP"}},
}};

// The topic codes that v3-Confidentiality once had. T is "not to be disclosed to the patient".
constexpr std::array<Synonym, 8> kOfConfidentiality = {{
    {"PSY", {kActCode, "PSY"}},
    {"HIV", {kActCode, "HIV"}},
    {"AID", {kActCode, "HIV"}},
    {"ETH", {kActCode, "ETHUD"}},
    {"SDV", {kActCode, "SDV"}},
    {"C", {kActCode, "CEL"}},
    {"S", {kConfidentiality, "R"}},
    {"T", {kActCode, "TBOO"}},
}};

template <size_t kSize>
CodeView Replaced(const std::array<Synonym, kSize>& table, CodeView code) {
  for (const Synonym& synonym : table) {
    if (synonym.code == code.code) {
      return synonym.means;
    }
  }
  return code;
}

void AppendEncoded(std::string_view text, std::string* out) {
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte <= 0x20 || kReserved.find(character) != std::string_view::npos) {
      AppendPercent(character, out);
    } else {
      out->push_back(character);
    }
  }
}

}  // namespace

CodeView Normalized(CodeView code) {
  for (const Pair& system : kSystems) {
    if (system.first == code.system) {
      code.system = system.second;
      break;
    }
  }
  if (code.system == kTable0177) {
    return Replaced(kOf0177, code);
  }
  if (code.system == kConfidentiality) {
    return Replaced(kOfConfidentiality, code);
  }
  return code;
}

Level LevelNamed(std::string_view code) {
  if (code.size() != 1) {
    return Level::kNone;
  }
  switch (code[0]) {
    case 'U':
      return Level::kU;
    case 'L':
      return Level::kL;
    case 'M':
      return Level::kM;
    case 'N':
      return Level::kN;
    case 'R':
      return Level::kR;
    case 'V':
      return Level::kV;
    default:
      return Level::kNone;
  }
}

std::string LabelText(CodeView code) {
  const CodeView normal = Normalized(code);
  std::string text;
  AppendEncoded(normal.code, &text);
  if (normal.system == kConfidentiality && LevelNamed(normal.code) != Level::kNone) {
    return text;
  }
  text.push_back('@');
  const bool official = normal.system.substr(0, kTerminology.size()) == kTerminology;
  AppendEncoded(official ? normal.system.substr(kTerminology.size()) : normal.system, &text);
  return text;
}

}  // namespace gw::access
