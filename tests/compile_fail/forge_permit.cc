// A Permit is made by Authorize alone. With GW_LEGAL this compiles; without, it must not.
#include "gateway/access/access.h"

gw::Result<gw::access::Permit> Forge(const gw::access::Principal& principal);

gw::Result<gw::access::Permit> Forge(const gw::access::Principal& principal) {
  using gw::access::Interaction;
#ifdef GW_LEGAL
  return gw::access::Authorize(principal, Interaction::kRead, "CarePlan");
#else
  return gw::access::Permit(principal, Interaction::kRead, "CarePlan", false, false);
#endif
}
