#pragma once

#include <string_view>

namespace gw::hl7v2 {

// The message structure that a message code and trigger event imply ("ADT", "A08": "ADT_A01");
// empty where none is known. Source: HL7 v2.8.2 table 0354. Any thread.
std::string_view ImpliedStructure(std::string_view message_code, std::string_view trigger_event);

// Is this the structure of some event that ImpliedStructure knows?
bool IsImpliedStructure(std::string_view structure);

}  // namespace gw::hl7v2
