#include "gateway/edge/csv_watcher.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "gateway/base/json.h"
#include "gateway/base/log.h"

namespace gw::edge {
namespace {

namespace fs = std::filesystem;

bool IsCandidate(const std::string& name) {
  return !name.starts_with('.') && !name.ends_with(".part") && !name.ends_with(".tmp");
}

const map::Feed* FeedOf(const std::string& name, const WatchedFolder& folder,
                        const flow::Mappings& mappings) {
  for (const std::string& feed : folder.feeds) {
    const auto found = mappings.feeds.find(feed);
    if (found != mappings.feeds.end() &&
        fnmatch(found->second.file_pattern.c_str(), name.c_str(), 0) == 0) {
      return &found->second;
    }
  }
  return nullptr;
}

// Was the file written to within the last `settle_ms`? A time that lies ahead by more says nothing.
bool IsBeingWritten(const struct stat& facts, uint32_t settle_ms) {
  struct timespec now {};
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t age_ms = (now.tv_sec - facts.st_mtim.tv_sec) * int64_t{1000} +
                         (now.tv_nsec - facts.st_mtim.tv_nsec) / 1'000'000;
  return age_ms < int64_t{settle_ms} && age_ms > -int64_t{settle_ms};
}

// Reads all that the open file holds. kUnavailable: not now, its writer is not done.
Result<std::string> ReadSettled(int file, const Limits& limits, uint32_t settle_ms) {
  struct stat facts {};
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return Error{Code::kInvalid, "is no regular file", "file", 0};
  }
  if (static_cast<uint64_t>(facts.st_size) > limits.csv_bytes_max) {
    return Error{Code::kTooLarge,
                 "is larger than " + std::to_string(limits.csv_bytes_max) + " bytes", "file", 0};
  }
  const Error not_now{Code::kUnavailable, "is still being written", "file", 0};
  if (IsBeingWritten(facts, settle_ms)) {
    return not_now;
  }
  std::string text(static_cast<size_t>(facts.st_size), '\0');
  size_t held = 0;
  ssize_t count = 1;
  while (held < text.size() && (count = read(file, text.data() + held, text.size() - held)) > 0) {
    held += static_cast<size_t>(count);
  }
  struct stat after {};
  const bool is_as_before = held == text.size() && fstat(file, &after) == 0 &&
                            after.st_size == facts.st_size &&
                            after.st_mtim.tv_sec == facts.st_mtim.tv_sec &&
                            after.st_mtim.tv_nsec == facts.st_mtim.tv_nsec;
  return is_as_before ? Result<std::string>(std::move(text)) : Result<std::string>(not_now);
}

// Reads a regular file without following a link.
Result<std::string> ReadRegular(const std::string& path, const CsvOptions& options) {
  const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    return Error{Code::kInvalid, "cannot be opened, or is a link", "file", 0};
  }
  Result<std::string> bytes = ReadSettled(file, options.limits, options.settle_ms);
  close(file);
  return bytes;
}

void WriteRemark(const map::Remark& remark, JsonWriter* writer) {
  writer->ObjectStart()
      .Member("remark", remark.code)
      .Member("at", remark.where)
      .Member("text", remark.text);
  writer->ObjectEnd();
}

}  // namespace

bool FileIsOf(const map::Feed& feed, const std::string& file_name) {
  return fnmatch(feed.file_pattern.c_str(), file_name.c_str(), 0) == 0;
}

std::string ReportText(const Result<flow::CsvReport>& report) {
  std::string text;
  if (!report) {
    JsonWriter writer(&text);
    writer.ObjectStart().Member("result", "refused").Member("at", report.error().where);
    writer.Member("reason", report.error().detail).ObjectEnd();
    return text + "\n";
  }
  for (const flow::RowReport& group : report->groups) {
    JsonWriter writer(&text);
    writer.ObjectStart().Key("rows").ArrayStart();
    for (const uint32_t row : group.rows) {
      writer.Integer(row);
    }
    writer.ArrayEnd().Member("result", group.result);
    if (group.result == "refused" || group.result == "held") {
      writer.Member("at", group.where).Member("reason", group.reason);
    }
    writer.ObjectEnd();
    text += "\n";
  }
  for (const map::Remark& remark : report->remarks) {
    JsonWriter writer(&text);
    WriteRemark(remark, &writer);
    text += "\n";
  }
  JsonWriter writer(&text);
  writer.ObjectStart()
      .Key("rows_read")
      .Integer(report->rows_read)
      .Key("taken")
      .Integer(report->taken);
  writer.Key("unchanged").Integer(report->unchanged).Key("refused").Integer(report->refused);
  writer.Key("held").Integer(report->held);
  writer.Key("duplicates").Integer(report->duplicates).Key("blank").Integer(report->blank);
  writer.Key("trailers").Integer(report->trailers).ObjectEnd();
  return text + "\n";
}

struct CsvWatcher::Watch {
  Watch(const CsvOptions& given, flow::Ingest* flow_ingest, const flow::CurrentMappings* current)
      : options(given), ingest(flow_ingest), mappings(current), thread([this] { Run(); }) {}

  ~Watch() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    thread.join();
  }

  void Run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      lock.unlock();
      for (const WatchedFolder& folder : options.folders) {
        Look(folder);
      }
      lock.lock();
      wake.wait_for(lock, std::chrono::milliseconds(options.poll_ms), [this] { return stopping; });
    }
  }

  // Files of one look in the order of their names, so that a day's exports apply in the day's
  // order.
  void Look(const WatchedFolder& folder) {
    std::vector<std::string> names;
    std::error_code problem;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path, problem)) {
      if (!entry.is_directory(problem) && IsCandidate(entry.path().filename().string())) {
        names.push_back(entry.path().filename().string());
      }
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      Take(folder, name);
    }
  }

  void Take(const WatchedFolder& folder, const std::string& name) {
    const std::shared_ptr<const flow::Mappings> current = mappings->Get();
    const map::Feed* feed = FeedOf(name, folder, *current);
    const std::string path = (fs::path(folder.path) / name).string();
    Result<std::string> bytes = ReadRegular(path, options);
    Result<flow::CsvReport> report =
        Error{Code::kInvalid, "no feed of this folder takes a file of that name", "file", 0};
    if (!bytes) {
      report = bytes.error();
    } else if (feed != nullptr) {
      report = ingest->AcceptCsv(*bytes, *feed, name);
    }
    if (!report && report.error().code == Code::kUnavailable) {
      return;  // the store, the log or the whole file is not there yet: taken at a later look
    }
    Put(folder, name, report);
  }

  // The name, or name.2.csv and so on: a file that was taken before keeps its own report.
  static std::string FreeName(const fs::path& folder, const std::string& name) {
    const fs::path parts(name);
    std::string free = name;
    std::error_code problem;
    for (int number = 2; fs::exists(fs::symlink_status(folder / free, problem)); ++number) {
      free = parts.stem().string() + "." + std::to_string(number) + parts.extension().string();
    }
    return free;
  }

  // Report first, then the file: whoever sees the file gone from the folder finds its report.
  void Put(const WatchedFolder& folder, const std::string& name,
           const Result<flow::CsvReport>& report) const {
    const fs::path target = fs::path(folder.path) / (report ? "taken" : "refused");
    std::error_code problem;
    fs::create_directories(target, problem);
    const std::string kept = FreeName(target, name);
    std::ofstream(target / (kept + ".report.jsonl"), std::ios::binary) << ReportText(report);
    fs::rename(fs::path(folder.path) / name, target / kept, problem);
    log::Write(
        report && report->refused == 0 && report->held == 0 ? log::Level::kInfo : log::Level::kWarn,
        "csv.file",
        {{"file", name},
         {"result", report ? "taken" : "refused"},
         {"rows_taken", report ? std::to_string(report->taken) : "0"},
         {"rows_held", report ? std::to_string(report->held) : ""},
         {"rows_refused", report ? std::to_string(report->refused) : ""},
         {"moved", problem ? "no" : "yes"}});
  }

  CsvOptions options;
  flow::Ingest* ingest;
  const flow::CurrentMappings* mappings;
  std::mutex mutex;  // guards stopping
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;
};

CsvWatcher::CsvWatcher(std::unique_ptr<Watch> watch) : watch_(std::move(watch)) {}

CsvWatcher::~CsvWatcher() = default;

Result<std::unique_ptr<CsvWatcher>> CsvWatcher::Start(const CsvOptions& options,
                                                      flow::Ingest* ingest,
                                                      const flow::CurrentMappings* mappings) {
  for (const WatchedFolder& folder : options.folders) {
    std::error_code problem;
    fs::create_directories(folder.path, problem);
    if (!fs::is_directory(folder.path, problem)) {
      return Error{Code::kUnavailable, "the folder cannot be used", folder.path, 0};
    }
  }
  return std::unique_ptr<CsvWatcher>(
      new CsvWatcher(std::make_unique<Watch>(options, ingest, mappings)));
}

}  // namespace gw::edge
