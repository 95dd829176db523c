// What was released cannot be added to. With GW_LEGAL this compiles; without, it must not.
#include "gateway/access/access.h"

bool Alter(gw::access::Disclosure* disclosure, const gw::fhir::StoredResource& more);

bool Alter(gw::access::Disclosure* disclosure, const gw::fhir::StoredResource& more) {
#ifdef GW_LEGAL
  return !more.deleted && !disclosure->resources().empty();
#else
  disclosure->resources().push_back(more);
  return true;
#endif
}
