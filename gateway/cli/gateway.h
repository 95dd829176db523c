#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/config.h"
#include "gateway/fhir/package.h"
#include "gateway/flow/exchange.h"
#include "gateway/flow/ingest.h"
#include "gateway/flow/journal.h"
#include "gateway/flow/operations.h"
#include "gateway/flow/parts.h"

namespace gw::cli {

// The parts of one deployment but for its edges, in the order they need each other; undone in the
// reverse of it.
struct Gateway {
  explicit Gateway(Config given);

  Config config;
  SystemClock clock;
  fhir::Definitions definitions;
  std::optional<fhir::Packages> packages;
  std::optional<fhir::SearchIndexer> indexer;
  std::optional<validate::Validator> validator;
  std::optional<access::Labeller> labeller;
  std::optional<access::Authenticator> authenticator;
  std::optional<flow::CurrentMappings> mappings;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::AccessIndex> access_index;
  std::unique_ptr<audit::AuditLog> log;
  std::optional<flow::Journal> journal;
  std::optional<flow::Parts> parts;
  std::optional<flow::Ingest> ingest;
  std::optional<flow::Exchange> exchange;
  std::optional<flow::Operations> operations;
};

// Loads what the configuration names and opens store and log. Errors: kUnavailable where another
// process has the store; those of every part, with the place.
Status Assemble(Gateway* gateway);
// The flows over the parts; `port` is where HTTP is served, for the address clients are told.
void Connect(Gateway* gateway, uint16_t port);
// Lets out what is pending; the last thing done with it.
void Close(Gateway* gateway);

}  // namespace gw::cli
