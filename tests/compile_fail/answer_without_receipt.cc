// An answer needs what consent let through and the log's receipt; an error alone is no answer.
#include "gateway/flow/exchange.h"

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt, const gw::Error& error);

gw::flow::Response Answered(const gw::access::Disclosure& disclosure,
                            const gw::audit::Receipt& receipt, const gw::Error& error) {
#ifdef GW_LEGAL
  static_cast<void>(error);
  return gw::flow::Response(disclosure, receipt, gw::rest::Reply{});
#else
  static_cast<void>(disclosure);
  static_cast<void>(receipt);
  return gw::flow::Response(error);
#endif
}
