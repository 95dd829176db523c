#include "gateway/hl7v2/structures.h"

#include <algorithm>
#include <array>

namespace gw::hl7v2 {
namespace {

struct Implied {
  std::string_view structure;
  std::string_view code;
  std::string_view events;  // separated by blanks
};

// Which structure an event's message has (HL7 v2.8.2 table 0354), for senders that leave MSH-9.3
// out, as those before 2.4 do.
constexpr std::array kImplied = {
    Implied{"ADT_A01", "ADT", "A01 A04 A08 A13"},
    Implied{"ADT_A02", "ADT", "A02"},
    Implied{"ADT_A03", "ADT", "A03"},
    Implied{"ADT_A05", "ADT", "A05 A14 A28 A31"},
    Implied{"ADT_A06", "ADT", "A06 A07"},
    Implied{"ADT_A09", "ADT", "A09 A10 A11"},
    Implied{"ADT_A12", "ADT", "A12"},
    Implied{"ADT_A15", "ADT", "A15"},
    Implied{"ADT_A16", "ADT", "A16"},
    Implied{"ADT_A17", "ADT", "A17"},
    Implied{"ADT_A18", "ADT", "A18"},
    Implied{"ADT_A20", "ADT", "A20"},
    Implied{"ADT_A21", "ADT", "A21 A22 A23 A25 A26 A27 A29 A32 A33"},
    Implied{"ADT_A24", "ADT", "A24"},
    Implied{"ADT_A30", "ADT", "A30 A34 A35 A36 A46 A47 A48 A49"},
    Implied{"ADT_A37", "ADT", "A37"},
    Implied{"ADT_A38", "ADT", "A38"},
    Implied{"ADT_A39", "ADT", "A39 A40 A41 A42"},
    Implied{"ADT_A43", "ADT", "A43"},
    Implied{"ADT_A44", "ADT", "A44"},
    Implied{"ADT_A45", "ADT", "A45"},
    Implied{"ADT_A50", "ADT", "A50 A51"},
    Implied{"ADT_A52", "ADT", "A52 A53"},
    Implied{"ADT_A54", "ADT", "A54 A55"},
    Implied{"ADT_A60", "ADT", "A60"},
    Implied{"ADT_A61", "ADT", "A61 A62"},
    Implied{"CCM_I21", "CCM", "I21"},
    Implied{"CCR_I16", "CCR", "I16 I17 I18"},
    Implied{"CCU_I20", "CCU", "I20"},
    Implied{"MDM_T01", "MDM", "T01 T03 T05 T07 T09 T11"},
    Implied{"MDM_T02", "MDM", "T02 T04 T06 T08 T10"},
    Implied{"ORU_R01", "ORU", "R01"},
    Implied{"PGL_PC6", "PGL", "PC6 PC7 PC8"},
    Implied{"PPG_PCG", "PPG", "PCG PCH PCJ"},
    Implied{"PPP_PCB", "PPP", "PCB PCC PCD"},
    Implied{"PPR_PC1", "PPR", "PC1 PC2 PC3"},
    Implied{"PTR_PCF", "PTR", "PCF"},
    Implied{"REF_I12", "REF", "I12 I13 I14 I15"},
    Implied{"RRI_I12", "RRI", "I12 I13 I14 I15"},
    Implied{"SIU_S12", "SIU", "S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26"},
};

}  // namespace

std::string_view ImpliedStructure(std::string_view message_code, std::string_view trigger_event) {
  if (trigger_event.size() != 3) {
    return {};
  }
  const auto* found = std::find_if(kImplied.begin(), kImplied.end(), [&](const Implied& implied) {
    return implied.code == message_code &&
           implied.events.find(trigger_event) != std::string_view::npos;
  });
  return found == kImplied.end() ? std::string_view{} : found->structure;
}

bool IsImpliedStructure(std::string_view structure) {
  return std::any_of(kImplied.begin(), kImplied.end(),
                     [&](const Implied& implied) { return implied.structure == structure; });
}

}  // namespace gw::hl7v2
