#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gateway/base/limits.h"

namespace gw {

// The examples of FHIR R4 in a folder that the npm package hl7.fhir.r4.examples 4.0.1 was unpacked
// in.
inline constexpr size_t kExamples = 5306;  // so that none is lost on the way here

// The collections of all definitions are longer than what a caller may send.
Limits LargeLimits();

// The whole file; empty where it cannot be read.
std::string Contents(const std::filesystem::path& path);

// The longest first, so that no thread is left with one at the end.
std::vector<std::filesystem::path> Examples(const std::filesystem::path& folder);

// Calls `work` once with each example, on all cores at the same time.
void ForEach(const std::vector<std::filesystem::path>& examples,
             const std::function<void(const std::filesystem::path&)>& work);

}  // namespace gw
