#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/audit_log.h"
#include "gateway/audit/verify.h"
#include "gateway/base/clock.h"
#include "gateway/base/crypto.h"
#include "tests/temp_folder.h"

namespace gw::audit {

std::string ReadFileBytes(const std::string& path);
void WriteFileBytes(const std::string& path, std::string_view bytes);
// The files of a directory by name, and back.
using FileSet = std::vector<std::pair<std::string, std::string>>;
FileSet Snapshot(const std::string& directory);
void Restore(const FileSet& files, const std::string& directory);
std::string& BytesOf(FileSet* files, std::string_view name);

// One key for all tests of a run: they are about the log, not about keys.
const crypto::PrivateKey& TestKey();
const Clock& TestClock();
Options TestOptions(const std::string& directory);
std::unique_ptr<AuditLog> OpenLog(const Options& options);  // null, with a failure, if it cannot be

// Entry `number` of a test: id and bytes follow from the number.
Entry TestEntry(uint64_t number);
// Appends entries from..to-1; false if one fails.
bool AppendEntries(AuditLog* log, uint64_t from, uint64_t to);

Verified Verify(const std::string& directory, const std::string& checkpoint = {});

}  // namespace gw::audit
