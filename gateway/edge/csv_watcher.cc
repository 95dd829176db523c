#include "gateway/edge/csv_watcher.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "gateway/base/json.h"
#include "gateway/base/log.h"

namespace gw::edge {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kRetryMsMax = 60'000;
// NAME_MAX less ".99999" and ".report.jsonl.part".
constexpr size_t kNameBytesMax = 230;

bool IsCandidate(const std::string& name) {
  return !name.starts_with('.') && !name.ends_with(".part") && !name.ends_with(".tmp");
}

// A file's name in so many bytes, with its extension.
std::string Cut(const std::string& name, size_t bytes_max) {
  const std::string extension = fs::path(name).extension().string();
  if (name.size() <= bytes_max || extension.size() >= bytes_max) {
    return name.substr(0, bytes_max);
  }
  size_t length = bytes_max - extension.size();
  while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xC0) == 0x80) {
    --length;  // not inside a character
  }
  return name.substr(0, length) + extension;
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

// What tells one file of a name from the next.
struct Facts {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  struct timespec written {};

  explicit Facts(const struct stat& of)
      : device(of.st_dev), inode(of.st_ino), size(of.st_size), written(of.st_mtim) {}
  bool operator==(const Facts& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           written.tv_sec == other.written.tv_sec && written.tv_nsec == other.written.tv_nsec;
  }
};

// The facts of whatever has that name, a link itself included; nothing where nothing has it.
std::optional<Facts> FactsOf(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0 ? std::optional<Facts>(facts) : std::nullopt;
}

// Reads all that the open file holds, which is `facts`. kUnavailable: not now, its writer is not
// done.
Result<std::string> ReadSettled(int file, const Limits& limits, uint32_t settle_ms,
                                std::optional<Facts>* read_facts) {
  struct stat facts {};
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return Error{Code::kInvalid, "is no regular file", "file", 0};
  }
  *read_facts = Facts(facts);
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
  const bool is_as_before =
      held == text.size() && fstat(file, &after) == 0 && Facts(after) == Facts(facts);
  return is_as_before ? Result<std::string>(std::move(text)) : Result<std::string>(not_now);
}

// Reads a regular file without following a link.
Result<std::string> ReadRegular(const std::string& path, const CsvOptions& options,
                                std::optional<Facts>* facts) {
  const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    const bool is_passing =
        errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO || errno == ENOENT;
    return Error{is_passing ? Code::kUnavailable : Code::kInvalid,
                 is_passing ? "cannot be opened now" : "cannot be opened, or is a link", "file", 0};
  }
  Result<std::string> bytes = ReadSettled(file, options.limits, options.settle_ms, facts);
  close(file);
  return bytes;
}

// Whole, or an error: a report that is cut off would pass for one of fewer rows.
bool WriteReport(const fs::path& path, const std::string& text) {
  const fs::path part = path.string() + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code problem;
  if (out) {
    fs::rename(part, path, problem);
    return !problem;
  }
  fs::remove(part, problem);
  return false;
}

// A part that must work does not: what was asked is not refused, and may be asked again.
bool IsOutage(Code code) {
  return code == Code::kUnavailable || code == Code::kBusy || code == Code::kInternal;
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
        Safely(folder.path, [&] { Look(folder); });
      }
      lock.lock();
      wake.wait_for(lock, std::chrono::milliseconds(options.poll_ms), [this] { return stopping; });
    }
  }

  // What a library throws ends the look at one file, not the watch.
  template <typename Step>
  void Safely(const std::string& path, const Step& step) {
    try {
      step();
    } catch (const std::exception& thrown) {
      TellOnce(path, thrown.what());
    }
  }

  // Files of one look in the order of their names, so that a day's exports apply in the day's
  // order.
  void Look(const WatchedFolder& folder) {
    std::vector<std::string> names;
    std::error_code problem;
    fs::directory_iterator entry(folder.path, problem);
    for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
      const std::string name = entry->path().filename().string();
      std::error_code unknown;
      if (!entry->is_directory(unknown) && IsCandidate(name)) {
        names.push_back(name);
      }
    }
    TellOnce(folder.path, problem ? "the folder cannot be read: " + problem.message() : "");
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (IsStopping()) {
        return;
      }
      Safely((fs::path(folder.path) / name).string(), [&] { Take(folder, name); });
    }
  }

  bool IsStopping() {
    const std::scoped_lock lock(mutex);
    return stopping;
  }

  // A line of the log when what is wrong with a folder or a file changes.
  void TellOnce(const std::string& path, const std::string& what) {
    std::string& told = told_of[path];
    if (what != told && !what.empty()) {
      log::Write(log::Level::kError, "csv.waits", {{"path", path}, {"reason", what}});
    }
    if (what.empty()) {
      told_of.erase(path);
    } else {
      told = what;
    }
  }

  // What became of a file that still lies in its folder.
  struct Done {
    Facts facts;
    Result<flow::CsvReport> report;
    std::string kept;  // its name in the other folder, once its report stands there
  };

  // When a file that met an outage is tried again: later each time.
  struct Retry {
    uint32_t wait_ms;
    std::chrono::steady_clock::time_point due;
  };

  void Take(const WatchedFolder& folder, const std::string& name) {
    const std::string path = (fs::path(folder.path) / name).string();
    if (const auto done = unmoved.find(path); done != unmoved.end()) {
      Put(folder, name, &done->second);  // taken in, and not moved yet
      return;
    }
    if (const auto retry = retries.find(path);
        retry != retries.end() && std::chrono::steady_clock::now() < retry->second.due) {
      return;
    }
    std::optional<Facts> facts = FactsOf(path);
    Result<flow::CsvReport> report = ReportOf(folder, name, &facts);
    if (!report && IsOutage(report.error().code)) {
      WaitWith(path, report.error());
      return;  // the store, the log or the whole file is not there yet
    }
    retries.erase(path);
    TellOnce(path, "");
    if (facts) {
      Put(folder, name,
          &unmoved.insert_or_assign(path, Done{*facts, std::move(report), ""}).first->second);
    }
  }

  // Takes the file in; `facts` are those of what was read.
  Result<flow::CsvReport> ReportOf(const WatchedFolder& folder, const std::string& name,
                                   std::optional<Facts>* facts) {
    const std::shared_ptr<const flow::Mappings> current = mappings->Get();
    const map::Feed* feed = FeedOf(name, folder, *current);
    GW_TRY(const std::string bytes,
           ReadRegular((fs::path(folder.path) / name).string(), options, facts));
    if (feed == nullptr) {
      return Error{Code::kInvalid, "no feed of this folder takes a file of that name", "file", 0};
    }
    Result<flow::CsvReport> report = ingest->AcceptCsv(bytes, *feed, name);
    if (!report && IsOutage(report.error().code)) {
      Retry& retry = retries[(fs::path(folder.path) / name).string()];
      retry.wait_ms = std::min(std::max(retry.wait_ms * 2, options.poll_ms), kRetryMsMax);
      retry.due = std::chrono::steady_clock::now() + std::chrono::milliseconds(retry.wait_ms);
    }
    return report;
  }

  void WaitWith(const std::string& path, const Error& error) {
    if (retries.contains(path)) {
      TellOnce(path, error.where + ": " + error.detail);
    }
  }

  // The name, cut where its report's would be too long for a file; or name.2.csv and so on: a file
  // that was taken before keeps its own report.
  static std::string FreeName(const fs::path& folder, const std::string& name) {
    const fs::path parts(Cut(name, kNameBytesMax));
    std::string free = parts.string();
    std::error_code problem;
    const auto is_used = [&folder, &problem](const std::string& used) {
      return fs::exists(fs::symlink_status(folder / used, problem)) ||
             fs::exists(fs::symlink_status(folder / (used + ".report.jsonl"), problem));
    };
    for (int number = 2; is_used(free); ++number) {
      free = parts.stem().string() + "." + std::to_string(number) + parts.extension().string();
    }
    return free;
  }

  // Report first, then the file: whoever sees the file gone from the folder finds its report. What
  // cannot be done is tried again at the next look, without taking the file in once more. Another
  // file that has come under the name meanwhile stays: it is taken at the next look.
  void Put(const WatchedFolder& folder, const std::string& name, Done* done) {
    const std::string path = (fs::path(folder.path) / name).string();
    const fs::path target = fs::path(folder.path) / (done->report ? "taken" : "refused");
    std::error_code problem;
    fs::create_directories(target, problem);
    const bool is_first = done->kept.empty();
    const std::string kept = is_first ? FreeName(target, name) : done->kept;
    if (is_first && !WriteReport(target / (kept + ".report.jsonl"), ReportText(done->report))) {
      TellOnce(path, "its report cannot be written");
      return;
    }
    done->kept = kept;
    const bool is_same = FactsOf(path) == done->facts;
    if (is_same) {
      fs::rename(path, target / kept, problem);
    }
    if (is_first) {
      LogFile(name, done->report, is_same && !problem);
    }
    if (is_same && problem) {
      TellOnce(path, "it cannot be moved: " + problem.message());
      return;
    }
    TellOnce(path, "");
    unmoved.erase(path);
  }

  static void LogFile(const std::string& name, const Result<flow::CsvReport>& report, bool moved) {
    log::Write(
        report && report->refused == 0 && report->held == 0 ? log::Level::kInfo : log::Level::kWarn,
        "csv.file",
        {{"file", name},
         {"result", report ? "taken" : "refused"},
         {"rows_taken", report ? std::to_string(report->taken) : "0"},
         {"rows_held", report ? std::to_string(report->held) : ""},
         {"rows_refused", report ? std::to_string(report->refused) : ""},
         {"moved", moved ? "yes" : "no"}});
  }

  CsvOptions options;
  flow::Ingest* ingest;
  const flow::CurrentMappings* mappings;
  std::mutex mutex;  // guards stopping
  std::condition_variable wake;
  bool stopping = false;
  // By path; of the watching thread alone.
  std::map<std::string, std::string> told_of;
  std::map<std::string, Done> unmoved;
  std::map<std::string, Retry> retries;
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
