#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/fhir/package.h"
#include "gateway/flow/parts.h"

namespace gw::cli {

// The maps and feeds that a configuration names, loaded and checked together.
// Errors: those of map::Translator::Load and map::ReadFeed; kInvalid for a sender whose feed is not
// configured, and for a feed whose map is not there.
Result<std::shared_ptr<const flow::Mappings>> LoadMappings(const Config& config,
                                                           const fhir::Definitions& definitions);

// What goes out: the maps from FHIR, and the destinations beside the configuration. Nothing of it
// is kept. Errors: those of map::Exporter::Load, map::ReadDestination, Exporter::Check
// and CheckTables.
Status CheckExports(const std::string& config_path, const Config& config,
                    const fhir::Definitions& definitions);

// The FHIR packages that a configuration names, over R4. Errors: those of fhir::Packages::Load.
Result<fhir::Packages> LoadPackages(const Config& config, const fhir::Definitions& definitions);

// The access log's signing key. Errors: as crypto::PrivateKey::FromPem; a development configuration
// gets a new key where the file is absent, any other refuses.
Result<crypto::PrivateKey> LogKey(const Config& config);

// The configuration that ships with the program: beside it where it is installed (share/caregate),
// or at the root of the tree it was built in.
std::string DefaultConfigPath();

// "file:line:column: what", as `check` prints a problem.
std::string Describe(const Error& error);

}  // namespace gw::cli
