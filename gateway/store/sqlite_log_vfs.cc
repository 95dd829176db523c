#include "gateway/store/sqlite_log_vfs.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstring>
#include <new>

#include "gateway/store/sqlite_connection.h"

namespace gw::store {
namespace {

constexpr const char* kName = "caregate-gathering";
// SQLite's own VFS for Unix writes fewer than 128 KiB at a time: of more it takes the size modulo
// that, and tells of a full disk where nothing is left.
constexpr size_t kGatheredMax = 124u << 10;

// The system's own, and what is registered beside it: set once, before any file is opened.
sqlite3_vfs* system_vfs = nullptr;

// A write-ahead log: SQLite's view of it, what is gathered, and behind it the system's file.
struct LogFile {
  sqlite3_file base;  // first: SQLite sees a LogFile as this
  char* gathered;     // kGatheredMax bytes
  size_t size;
  sqlite3_int64 offset;  // in the file, of the first byte gathered

  sqlite3_file* system() { return reinterpret_cast<sqlite3_file*>(this + 1); }

  // What cannot be written is not kept: SQLite has been told and will write it again.
  int Flush() {
    const size_t count = size;
    size = 0;
    return count == 0
               ? SQLITE_OK
               : system()->pMethods->xWrite(system(), gathered, static_cast<int>(count), offset);
  }
};
static_assert(sizeof(LogFile) % alignof(sqlite3_int64) == 0);

LogFile& Of(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file); }

int Write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  LogFile& log = Of(file);
  const auto added = static_cast<size_t>(count);
  const bool follows = log.size > 0 && offset == log.offset + static_cast<sqlite3_int64>(log.size);
  if (!follows || added > kGatheredMax - log.size) {
    if (const int flushed = log.Flush(); flushed != SQLITE_OK) {
      return flushed;
    }
    log.offset = offset;
  }
  if (added > kGatheredMax) {
    return log.system()->pMethods->xWrite(log.system(), bytes, count, offset);
  }
  std::memcpy(log.gathered + log.size, bytes, added);
  log.size += added;
  return SQLITE_OK;
}

// Flushes, then calls the system's method of that name.
template <auto kMethod, typename... Arguments>
int AfterFlush(sqlite3_file* file, Arguments... arguments) {
  LogFile& log = Of(file);
  const int flushed = log.Flush();
  return flushed != SQLITE_OK ? flushed
                              : (log.system()->pMethods->*kMethod)(log.system(), arguments...);
}

// Only calls the system's.
template <auto kMethod, typename... Arguments>
int Pass(sqlite3_file* file, Arguments... arguments) {
  LogFile& log = Of(file);
  return (log.system()->pMethods->*kMethod)(log.system(), arguments...);
}

int Close(sqlite3_file* file) {
  LogFile& log = Of(file);
  const int flushed = log.Flush();
  const int closed = log.system()->pMethods->xClose(log.system());
  sqlite3_free(log.gathered);
  log.gathered = nullptr;
  return flushed != SQLITE_OK ? flushed : closed;
}

using Methods = sqlite3_io_methods;
constexpr Methods kLogMethods = {
    1,  // version 1: a log is neither mapped nor shared
    Close,
    AfterFlush<&Methods::xRead, void*, int, sqlite3_int64>,
    Write,
    AfterFlush<&Methods::xTruncate, sqlite3_int64>,
    AfterFlush<&Methods::xSync, int>,
    AfterFlush<&Methods::xFileSize, sqlite3_int64*>,
    Pass<&Methods::xLock, int>,
    Pass<&Methods::xUnlock, int>,
    Pass<&Methods::xCheckReservedLock, int*>,
    Pass<&Methods::xFileControl, int, void*>,
    Pass<&Methods::xSectorSize>,
    Pass<&Methods::xDeviceCharacteristics>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_WAL) == 0) {
    return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
  }
  auto* const log = new (file) LogFile{};
  const int code = system_vfs->xOpen(system_vfs, name, log->system(), flags, out_flags);
  if (code != SQLITE_OK) {
    return code;  // base.pMethods is null: SQLite closes nothing
  }
  log->gathered = static_cast<char*>(sqlite3_malloc64(kGatheredMax));
  if (log->gathered == nullptr) {
    log->system()->pMethods->xClose(log->system());
    return SQLITE_NOMEM;
  }
  log->base.pMethods = &kLogMethods;
  return SQLITE_OK;
}

int Register() {
  static sqlite3_vfs vfs;
  system_vfs = sqlite3_vfs_find(nullptr);
  if (system_vfs == nullptr) {
    return SQLITE_ERROR;
  }
  vfs = *system_vfs;
  vfs.pNext = nullptr;
  vfs.zName = kName;
  vfs.szOsFile += static_cast<int>(sizeof(LogFile));
  vfs.xOpen = Open;
  return sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
}

}  // namespace

Result<const char*> GatheringVfs() {
  static const int registered = Register();
  return registered == SQLITE_OK ? Result<const char*>(kName)
                                 : Result<const char*>(SqliteError(registered));
}

}  // namespace gw::store
