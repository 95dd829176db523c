#pragma once

#include "gateway/base/result.h"

namespace gw::store {

// Registers, once in the process, a VFS of SQLite that differs from the system's own in one thing:
// what is written to a write-ahead log is gathered and goes to the system in one piece, at the
// latest when the log is synced. SQLite itself makes two calls of the system for each page of a
// commit.
//
// Only for a connection with PRAGMA synchronous=FULL that is the only one to write its database:
// there each commit syncs the log before it is told to the readers, so that no reader is sent to
// a page that is not in the file. What this connection reads of the log, or asks its length, goes
// to the system first. A write that fails is told by the call that made it go; SQLite undoes the
// commit then, and writes over it.
// The name to open with, kept for ever. Errors: kUnavailable.
Result<const char*> GatheringVfs();

}  // namespace gw::store
