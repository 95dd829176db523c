// A receipt is the log's word that an entry is durable: nobody else can give it.
#include "gateway/audit/audit_log.h"

gw::audit::Receipt Forged();

gw::audit::Receipt Forged() {
#ifdef GW_LEGAL
  const gw::audit::Receipt* given = nullptr;
  return *given;
#else
  return gw::audit::Receipt(0, gw::crypto::Digest{});
#endif
}
