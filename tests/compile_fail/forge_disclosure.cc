// A Disclosure is made by Release, Public, ReleaseLog and Refuse alone. With GW_LEGAL this
// compiles; without, it must not.
#include <utility>
#include <vector>

#include "gateway/access/access.h"

gw::access::Disclosure Forge(const gw::access::Judge& judge,
                             std::vector<gw::fhir::StoredResource> found);

gw::access::Disclosure Forge(const gw::access::Judge& judge,
                             std::vector<gw::fhir::StoredResource> found) {
#ifdef GW_LEGAL
  return gw::access::Release(judge, {}, std::move(found));
#else
  static_cast<void>(judge);
  gw::access::Disclosure disclosure;
  disclosure.resources_ = std::move(found);
  return disclosure;
#endif
}
