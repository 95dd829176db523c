#pragma once

#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/map/export/destination.h"
#include "gateway/map/export/internal.h"

// Consents on their way back. What CON with its rows, or ARV, cannot say is not sent as something
// wider (care-coordination page, decisions 1 and 8): the whole Consent is refused, with the place.
namespace gw::map {

// What the rows of one Consent must name.
struct ConsentRowsExpected {
  size_t recipients = 0;
  size_t exclusions = 0;
  size_t values = 0;         // of ARV-3, each in an ARV of its own
  bool needs_words = false;  // its limits are in words: CON-9 or ARV-5 must hold them
};

// Can MDM^T02 say this Consent, so that nobody who reads it permits more? A permit goes where it
// names organisations, for everything or for what a plan covers, with the same coded exclusions as
// its siblings; a deny may go wider than it is. Errors: kUnprocessable, where = the element
// ("Consent[1].provision[0].provision[1].purpose[0]") that no row says.
Result<ConsentRowsExpected> CheckConsent(const Outbound& outbound, const Outbound::Entry& entry,
                                         const Destination& destination);

// As CheckConsent for a restriction that ARV is to say. Each of its labels is a value of ARV-3 in
// an ARV of its own, where table 0717 says every one of them and the restriction has no key for
// ARV-10: several values of one key would replace one another. Errors: as CheckConsent.
Result<ConsentRowsExpected> CheckRestriction(const Outbound::Entry& entry);

// Does the message, fitted to its version, hold what was expected? A version without CON or ARV has
// no place for a Consent, and a code that no table of the receiver's knows leaves its row empty.
// Errors: kUnprocessable, where = `label`.
Status CheckRows(const fhir::Element& message, const ConsentRowsExpected& expected,
                 const std::string& label);
Status CheckRestrictionsOf(const fhir::Element& message,
                           const std::vector<ConsentRowsExpected>& restrictions,
                           const std::string& label);

}  // namespace gw::map
