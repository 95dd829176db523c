// An answer needs what consent let through and the log's receipt; an error alone is no answer.
#include "gateway/flow/exchange.h"

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt, const gw::Error& error,
                            const gw::fhir::Definitions& definitions);

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt, const gw::Error& error,
                            const gw::fhir::Definitions& definitions) {
#ifdef GW_LEGAL
  static_cast<void>(error);
  return gw::flow::Response(disclosure, receipt, gw::rest::Reply{}, definitions);
#else
  static_cast<void>(disclosure);
  static_cast<void>(receipt);
  static_cast<void>(definitions);
  return gw::flow::Response(error);
#endif
}
