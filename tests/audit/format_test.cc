#include <gtest/gtest.h>

#include <cstdio>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/verify.h"
#include "tests/audit/log_testing.h"

namespace gw::audit {
namespace {

// Sixteen bytes a line: offset, bytes, as in docs/audit_log_format.md.
std::string Dump(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    char offset[24];
    std::snprintf(offset, sizeof(offset), "%04zx ", at);
    text += offset;
    for (const char byte : bytes.substr(at, 16)) {
      text += " " + crypto::Hex(std::string_view(&byte, 1));
    }
    text += "\n";
  }
  return text;
}

// The worked example of the page is what the program writes, to the byte.
TEST(Format, IsWhatThePageSays) {
  const TempFolder place;
  Options options = TestOptions(place.path());
  // RFC 8032 section 7.1, test 1: a key that everybody knows.
  options.key = *crypto::PrivateKey::FromPem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
      "-----END PRIVATE KEY-----\n");
  const auto log = OpenLog(options);
  ASSERT_NE(log, nullptr);
  ASSERT_TRUE(log->Append({"0198a3c4-5d6e-7f80-9123-456789abcdef", R"({"n":1})"}).ok());
  ASSERT_TRUE(log->Close().ok());
  const std::string page = ReadFileBytes(std::string(GW_SOURCE_DIR) + "/docs/audit_log_format.md");
  FileSet files = Snapshot(place.path());
  ASSERT_EQ(files.size(), 4u);
  for (const char* name : {"entries-00000000000000000000.log", "leaves"}) {
    const std::string dump = Dump(BytesOf(&files, name));
    EXPECT_NE(page.find(dump), std::string::npos) << name << "\n" << dump;
  }
  for (const char* name : {"checkpoints", "verifier"}) {
    EXPECT_NE(page.find(BytesOf(&files, name)), std::string::npos) << BytesOf(&files, name);
  }
}

}  // namespace
}  // namespace gw::audit
