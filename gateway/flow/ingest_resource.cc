// The end of a message's way, from the check on, for a resource that a client writes.
#include <string>
#include <utility>

#include "gateway/access/label.h"
#include "gateway/base/crypto.h"
#include "gateway/flow/apply.h"
#include "gateway/flow/ingest.h"

namespace gw::flow {

Result<fhir::StoredResource> Ingest::AcceptResource(ClientWrite write, AccessRecord* record) {
  GW_RETURN_IF_ERROR(journal_->Ready());
  if (write.resource.type() == "Consent") {
    GW_RETURN_IF_ERROR(access::CheckConsent(write.resource, parts_.definitions, parts_.limits));
  }
  Known known;
  known.key = {std::string(write.resource.type()), std::string(write.resource.id())};
  known.version = write.expected_version;
  if (write.expected_version == 0) {
    known.key.id = crypto::Uuid7(record->recorded.unix_us / 1000);
  } else {
    GW_TRY(const fhir::StoredResource current, parts_.store.Current(known.key));
    known.home = current.persons.empty() ? std::string() : current.persons.front();
    GW_RETURN_IF_ERROR(KeepLabels(current, parts_, &write.resource));
  }
  GW_TRY(known.claims, ClaimsOf(write.resource, known.key, &parts_.store));
  GW_TRY(store::Write prepared, WriteOf(&write.resource, known, parts_, record->recorded));
  fhir::StoredResource stored = prepared.stored;
  record->target = known.key.type + "/" + known.key.id;
  record->resources = {record->target + "/_history/" + std::to_string(stored.version)};
  store::Transaction transaction;
  transaction.writes.push_back(std::move(prepared));
  transaction.entry = store::PendingEntry{record->id, ToBytes(*record)};
  GW_TRY(const store::Committed committed, journal_->Commit(std::move(transaction)));
  static_cast<void>(committed);
  return stored;
}

}  // namespace gw::flow
