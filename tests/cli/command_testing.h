#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "gateway/cli/commands.h"

namespace gw::cli {

// What a command gave back and wrote on either stream.
struct Ran {
  int exit_code = 0;
  std::string out;
  std::string error;
};

// Runs a command in this process: Run(FhirPath, {"--no-input", "1 + 1"}).
inline Ran Run(int (*command)(Arguments), std::vector<std::string> words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit_code = command(Arguments(std::move(words)));
  std::fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.error = testing::internal::GetCapturedStderr();
  return ran;
}

}  // namespace gw::cli
