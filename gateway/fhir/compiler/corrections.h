#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/fhir/compiler/package.h"

namespace gw::fhir::compiler {

// Takes back where the package departs from R4 4.0.1: r4_corrections.json names the elements of
// snapshots and the search parameters that R4 does not have, and gives those that R4 has otherwise,
// as they were published. Each correction has to meet what it corrects, so that one that a later
// package no longer needs does not go unseen.
// Errors: kNotFound for a missing file, kInvalid; where = the file, or the path of the correction.
Status Correct(const std::string& path, Package* package);

}  // namespace gw::fhir::compiler
