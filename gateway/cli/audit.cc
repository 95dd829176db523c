#include <cinttypes>
#include <cstdio>

#include "gateway/audit/verify.h"
#include "gateway/base/crypto.h"
#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"

namespace gw::cli {
namespace {

constexpr uint64_t kNoteBytesMax = uint64_t{64} * 1024;

// The text of an optional file; false where it cannot be read.
bool ReadOption(const std::string& path, std::string* text) {
  if (path.empty()) {
    return true;
  }
  Result<std::string> bytes = ReadFile(path, kNoteBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return false;
  }
  *text = *std::move(bytes);
  return true;
}

int Print(const audit::Verified& verified) {
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Key("intact").Bool(verified.intact());
  writer.Key("entries").Integer(static_cast<int64_t>(verified.entries));
  writer.Key("covered").Integer(static_cast<int64_t>(verified.covered));
  writer.Key("checkpoints").Integer(static_cast<int64_t>(verified.checkpoints));
  writer.Member("root", crypto::Base64(crypto::AsBytes(verified.root)));
  if (verified.torn_bytes != 0) {
    writer.Key("torn_bytes").Integer(static_cast<int64_t>(verified.torn_bytes));
  }
  if (verified.first_bad) {
    writer.Key("first_bad").ObjectStart();
    writer.Key("entry").Integer(static_cast<int64_t>(verified.first_bad->first));
    if (!verified.first_bad->exact()) {
      writer.Key("at_latest").Integer(static_cast<int64_t>(verified.first_bad->last));
    }
    writer.Member("reason", verified.first_bad->reason).ObjectEnd();
  }
  writer.ObjectEnd();
  std::printf("%s\n", line.c_str());
  return verified.intact() ? kDone : kRefused;
}

}  // namespace

int Audit(Arguments arguments) {
  const std::string checkpoint = arguments.Option("--checkpoint");
  const std::string verifier = arguments.Option("--verifier");
  std::string unknown;
  const std::vector<std::string> operands = arguments.Operands(&unknown);
  if (!unknown.empty() || operands.size() != 2 || operands[0] != "verify") {
    return Usage("audit");
  }
  audit::VerifyOptions options;
  options.directory = operands[1];
  if (!ReadOption(checkpoint, &options.checkpoint) || !ReadOption(verifier, &options.verifier)) {
    return kCannotRun;
  }
  const Result<audit::Verified> verified = audit::VerifyDirectory(options);
  if (!verified) {
    PrintError(Describe(verified.error()));
    return verified.error().code == Code::kInvalid ? kRefused : kCannotRun;
  }
  return Print(*verified);
}

}  // namespace gw::cli
