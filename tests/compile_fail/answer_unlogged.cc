// What consent let through is still no answer while the log does not have the request.
#include "gateway/flow/exchange.h"

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt,
                            const gw::fhir::Definitions& definitions);

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt,
                            const gw::fhir::Definitions& definitions) {
#ifdef GW_LEGAL
  return gw::flow::Response(disclosure, receipt, gw::rest::Reply{}, definitions);
#else
  static_cast<void>(receipt);
  return gw::flow::Response(disclosure, gw::rest::Reply{}, definitions);
#endif
}
