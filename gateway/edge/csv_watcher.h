#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/result.h"
#include "gateway/flow/ingest.h"

namespace gw::edge {

struct WatchedFolder {
  std::string path;                // must exist
  std::vector<std::string> feeds;  // names; a file belongs to the first whose file_pattern it fits
};

struct CsvOptions {
  std::vector<WatchedFolder> folders;
  uint32_t poll_ms = 500;
  uint32_t settle_ms = 2000;  // a file not written to for so long is whole
  Limits limits;
};

// Takes CSV files that are put into watched folders. A file is put there whole, by renaming it in;
// names that begin with a dot or end in .part or .tmp are left alone, and files that somebody still
// writes to, until they are settled. Taken files move to the folder's `taken`, files refused as
// such to `refused` (as name.2.csv where there is a name.csv), each with <name>.report.jsonl beside
// it: one JSON object a row group and a summary. A file stays where the store cannot take it, and
// is tried again, later each time; one that was taken and cannot be moved is not taken again. Only
// regular files are opened, never links (security: threat 20). Stops when destroyed, after the file
// in hand.
class CsvWatcher {
 public:
  // Errors: kUnavailable where a folder cannot be used, where = its path.
  static Result<std::unique_ptr<CsvWatcher>> Start(const CsvOptions& options, flow::Ingest* ingest,
                                                   const flow::CurrentMappings* mappings);
  ~CsvWatcher();

 private:
  struct Watch;
  explicit CsvWatcher(std::unique_ptr<Watch> watch);
  std::unique_ptr<Watch> watch_;
};

// Does a file of that name belong to the feed (Feed::file_pattern, as the shell matches names)?
bool FileIsOf(const map::Feed& feed, const std::string& file_name);

// The report of a file, as it is written beside it.
std::string ReportText(const Result<flow::CsvReport>& report);

}  // namespace gw::edge
