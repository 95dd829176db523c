#include "tests/audit/log_testing.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gw::audit {

std::string ReadFileBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

void WriteFileBytes(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

FileSet Snapshot(const std::string& directory) {
  FileSet files;
  for (const auto& item : std::filesystem::directory_iterator(directory)) {
    files.emplace_back(item.path().filename().string(), ReadFileBytes(item.path().string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Restore(const FileSet& files, const std::string& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  for (const auto& [name, bytes] : files) {
    WriteFileBytes(directory + "/" + name, bytes);
  }
}

std::string& BytesOf(FileSet* files, std::string_view name) {
  for (auto& [file, bytes] : *files) {
    if (file == name) {
      return bytes;
    }
  }
  ADD_FAILURE() << "no file " << name;
  return files->emplace_back(std::string(name), std::string()).second;
}

const crypto::PrivateKey& TestKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::Generate(crypto::Algorithm::kEd25519);
  return key;
}

const Clock& TestClock() {
  static const FixedClock clock(FromCivil({2026, 1, 20, 10, 0, 0, 123'000}));
  return clock;
}

Options TestOptions(const std::string& directory) {
  Options options{.directory = directory, .origin = "caregate.example/log", .key = TestKey()};
  options.checkpoint_ms = 3'600'000;  // checkpoints come when a test asks
  return options;
}

std::unique_ptr<AuditLog> OpenLog(const Options& options) {
  Result<std::unique_ptr<AuditLog>> log = AuditLog::Open(options, TestClock());
  if (!log) {
    ADD_FAILURE() << log.error().detail << " at " << log.error().where;
    return nullptr;
  }
  return *std::move(log);
}

Entry TestEntry(uint64_t number) {
  const std::string text = std::to_string(number);
  return {crypto::NamedUuid("entry " + text),
          R"({"kind":"read","n":)" + text + R"(,"pad":")" + std::string(number % 40, 'x') + "\"}"};
}

bool AppendEntries(AuditLog* log, uint64_t from, uint64_t to) {
  for (uint64_t number = from; number < to; ++number) {
    const Result<Receipt> receipt = log->Append(TestEntry(number));
    if (!receipt || receipt->index() != number) {
      return false;
    }
  }
  return true;
}

Verified Verify(const std::string& directory, const std::string& checkpoint) {
  static const std::string key =
      VerifierKey::Of("caregate.example/log", TestKey().Public())->Text();
  const Result<Verified> verified = VerifyDirectory({directory, checkpoint, key});
  if (!verified) {
    ADD_FAILURE() << verified.error().detail << " at " << verified.error().where;
    return {};
  }
  return *verified;
}

}  // namespace gw::audit
