#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gw::access {

inline constexpr std::string_view kActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
inline constexpr std::string_view kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
inline constexpr std::string_view kConfidentiality =
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
inline constexpr std::string_view kTable0177 = "http://terminology.hl7.org/CodeSystem/v2-0177";
inline constexpr std::string_view kTerminology = "http://terminology.hl7.org/CodeSystem/";

// A code with its system, as it stands in a resource.
struct CodeView {
  std::string_view system;
  std::string_view code;
};

// The same code under the system that decisions use: code systems by their R4 canonical (older
// canonicals, OIDs and the value set's canonical where people write it for the code system), codes
// of table 0177 and the topic codes of v3-Confidentiality as the v3-ActCode sensitivities they mean
// (consent.md decision 7). Views into constants or into the argument.
CodeView Normalized(CodeView code);

// v3-Confidentiality in its order; kNone where a code is none of them.
enum class Level : uint8_t { kNone, kU, kL, kM, kN, kR, kV };
Level LevelNamed(std::string_view code);

// The text of one label in a label class: "R" for a v3-Confidentiality code,
// "PSY@v3-ActCode" otherwise, "X@http://example.org/labels" outside terminology.hl7.org. Blanks,
// '@', '%', '+' and '~' are percent-encoded. The code is normalised first.
std::string LabelText(CodeView code);

}  // namespace gw::access
