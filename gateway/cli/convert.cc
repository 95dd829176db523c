#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/base/file.h"
#include "gateway/base/hl7_code.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/convert_back.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/messages.h"
#include "gateway/edge/csv_watcher.h"
#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/hl7v2/charset.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;
constexpr size_t kStartBytes = 64;  // enough to tell what a file is

// The feed of senders that the configuration does not name.
constexpr std::string_view kDefaultFeed = "default";

struct Conversion {
  const fhir::Definitions& definitions;
  const flow::Mappings& mappings;
  const map::Feed* feed = nullptr;  // named on the command line; null: by sender
  bool report = false;
  Instant now;
};

void WriteIssue(char severity, std::string_view code, std::string_view where, std::string_view text,
                JsonWriter* writer) {
  writer->ObjectStart().Member("severity", std::string_view(&severity, 1)).Member("code", code);
  writer->Member("at", where).Member("text", text).ObjectEnd();
}

// The verdict on one message or row group: an object on stderr.
void PrintReport(std::string_view control_id, const Result<map::Translation>& translation,
                 const std::vector<hl7v2::Warning>& warnings) {
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Member("control_id", control_id);
  writer.Member("ack", translation ? "AA" : hl7v2::NameOf(hl7v2::AckCodeFor(translation.error())));
  writer.Key("issues").ArrayStart();
  if (!translation) {
    const Error& error = translation.error();
    WriteIssue('E', std::to_string(hl7v2::Hl7CodeFor(error)), error.where, error.detail, &writer);
  }
  for (const hl7v2::Warning& warning : warnings) {
    WriteIssue('W', "message", warning.where, warning.text, &writer);
  }
  if (translation) {
    for (const map::Remark& remark : translation->remarks) {
      WriteIssue(remark.severity, remark.code, remark.where, remark.text, &writer);
    }
  }
  writer.ArrayEnd().Key("unread").ArrayStart();
  if (translation) {
    for (const std::string& unread : translation->unread) {
      writer.String(unread);
    }
  }
  writer.ArrayEnd().Key("unmapped").ArrayStart();
  if (translation) {
    for (const map::Unmapped& unmapped : translation->unmapped) {
      writer.ObjectStart().Member("system", unmapped.system).Member("code", unmapped.code);
      writer.Member("at", unmapped.where).ObjectEnd();
    }
  }
  writer.ArrayEnd().ObjectEnd();
  std::fprintf(stderr, "%s\n", line.c_str());
}

// True where a Bundle was printed.
bool PrintBundle(const Conversion& conversion, Result<map::Translation>* translation) {
  if (!*translation) {
    return false;
  }
  const Result<fhir::Resource> bundle =
      map::ToTransaction((*translation)->changes, conversion.definitions);
  if (!bundle) {
    *translation = bundle.error();
    return false;
  }
  std::string json;
  fhir::WriteJson(*bundle, &json);
  std::printf("%s\n", json.c_str());
  return true;
}

// `sender`: "MSH-3.1|MSH-4.1".
const map::Feed* FeedOf(std::string_view sender, const Conversion& conversion) {
  if (conversion.feed != nullptr) {
    return conversion.feed;
  }
  const auto named = conversion.mappings.senders.find(sender);
  const auto feed = conversion.mappings.feeds.find(
      named == conversion.mappings.senders.end() ? kDefaultFeed : named->second);
  return feed == conversion.mappings.feeds.end() ? nullptr : &feed->second;
}

Result<map::Translation> Translate(const hl7v2::Message& message, const Conversion& conversion) {
  const map::Feed* feed = FeedOf(
      std::string(message.sending_application()).append("|").append(message.sending_facility()),
      conversion);
  if (feed == nullptr) {
    return Error{Code::kForbidden, "no feed is configured for this sender", "MSH-3",
                 hl7_code::kApplicationError};
  }
  GW_RETURN_IF_ERROR(conversion.mappings.translator.Takes(message, *feed));
  return conversion.mappings.translator.FromV2(message, *feed, conversion.now);
}

bool ConvertMessage(const Result<hl7v2::Message>& message, const Conversion& conversion) {
  Result<map::Translation> translation =
      message ? Translate(*message, conversion) : Result<map::Translation>(message.error());
  const bool printed = PrintBundle(conversion, &translation);
  if (conversion.report) {
    std::vector<hl7v2::Warning> warnings;
    if (message) {
      warnings.assign(message->warnings().begin(), message->warnings().end());
    }
    PrintReport(message ? message->control_id() : std::string_view(), translation, warnings);
  } else if (!printed) {
    PrintError(Describe(translation.error()));
  }
  return printed;
}

int ConvertMessages(const std::string& path, std::string_view bytes, const Conversion& conversion) {
  std::vector<std::string> warnings;
  bool all = true;
  const auto feed_of = [&conversion](std::string_view message) {
    return FeedOf(hl7v2::SenderOf(message), conversion);
  };
  const Status split = ForEachMessage(bytes, feed_of, &warnings,
                                      [&](const Result<hl7v2::Message>& message) -> Status {
                                        all = ConvertMessage(message, conversion) && all;
                                        return {};
                                      });
  for (const std::string& warning : warnings) {
    PrintError(std::string(path).append(": ").append(warning));
  }
  if (!split && conversion.report) {
    PrintReport("", split.error(), {});
  } else if (!split) {
    PrintError(path + ": " + Describe(split.error()));
  }
  return all && split ? kDone : kRefused;
}

std::string RowsText(const std::vector<uint32_t>& rows) {
  std::string text;
  for (const uint32_t row : rows) {
    text += (text.empty() ? "row " : ",") + std::to_string(row);
  }
  return text;
}

int ConvertRows(const std::string& path, std::string_view bytes, const Conversion& conversion) {
  if (conversion.feed == nullptr) {
    PrintError(
        path +
        ": no feed of the configuration takes a file of that name or header; name one with --feed");
    return kCannotRun;
  }
  Result<map::CsvTranslation> translation =
      conversion.mappings.translator.FromCsv(bytes, *conversion.feed, conversion.now);
  if (!translation) {
    PrintError(path + ": " + Describe(translation.error()));
    return kRefused;
  }
  bool all = true;
  for (map::RowGroup& group : translation->groups) {
    const bool printed = PrintBundle(conversion, &group.translation);
    if (conversion.report) {
      PrintReport(RowsText(group.rows), group.translation, {});
    } else if (!printed) {
      PrintError(path + ": " + Describe(group.translation.error()));
    }
    all = printed && all;
  }
  for (const map::Remark& remark : translation->remarks) {
    PrintError(path + ": " + remark.where + ": " + remark.text);
  }
  return all ? kDone : kRefused;
}

// The feed that knows most columns of a header, of those whose required columns it has.
const map::Feed* CsvFeedByHeader(std::string_view bytes, const Conversion& conversion) {
  const map::Feed* best = nullptr;
  ptrdiff_t fewest = 0;
  for (const auto& [feed_name, feed] : conversion.mappings.feeds) {
    if (feed.format != map::Feed::Format::kCsv) {
      continue;
    }
    const auto read = conversion.mappings.translator.FromCsv(bytes, feed, conversion.now);
    const ptrdiff_t unknown =
        read ? std::count_if(read->remarks.begin(), read->remarks.end(),
                             [](const map::Remark& remark) { return remark.code == "unread"; })
             : 0;
    if (read && (best == nullptr || unknown < fewest)) {
      best = &feed;
      fewest = unknown;
    }
  }
  return best;
}

// A CSV file's feed: by its name, as the watched folder finds it, else by its header, which may end
// behind the first line (a newline in quotes, UTF-16).
const map::Feed* CsvFeedOf(const std::string& path, std::string_view bytes,
                           const Conversion& conversion) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (const auto& [feed_name, feed] : conversion.mappings.feeds) {
    if (feed.format == map::Feed::Format::kCsv && edge::FileIsOf(feed, name)) {
      return &feed;
    }
  }
  const std::string_view line = bytes.substr(0, bytes.find_first_of("\r\n"));
  const map::Feed* feed = CsvFeedByHeader(line, conversion);
  return feed != nullptr ? feed : CsvFeedByHeader(bytes, conversion);
}

// HL7 v2 begins with MSH, or FHS or BHS of a batch, behind a BOM, blank lines or an MLLP frame's
// VT, in UTF-16 too.
bool LooksLikeHl7v2(std::string_view bytes) {
  std::string start(bytes.substr(0, kStartBytes));
  if (const auto utf16 = hl7v2::Utf16OfMessages(bytes)) {
    start = hl7v2::DecodeLenient(std::move(start), *utf16).text;
  }
  start.erase(0, start.find_first_not_of("\xEF\xBB\xBF\x0B\r\n\t "));
  return start.starts_with("MSH") || start.starts_with("FHS") || start.starts_with("BHS");
}

int ConvertFile(const std::string& path, std::string_view from, Conversion conversion) {
  const Result<std::string> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return kCannotRun;
  }
  const bool named_csv =
      conversion.feed != nullptr && conversion.feed->format == map::Feed::Format::kCsv;
  if (from == "csv" || (from.empty() && (named_csv || !LooksLikeHl7v2(*bytes)))) {
    if (conversion.feed == nullptr) {
      conversion.feed = CsvFeedOf(path, *bytes, conversion);
    }
    return ConvertRows(path, *bytes, conversion);
  }
  return ConvertMessages(path, *bytes, conversion);
}

}  // namespace

int Convert(Arguments arguments) {
  const std::string from = arguments.Option("--from");
  const std::string to = arguments.Option("--to");
  const std::string feed = arguments.Option("--feed");
  const std::string destination = arguments.Option("--destination");
  std::string path = arguments.Option("--config");
  const bool report = arguments.Flag("--report");
  std::string unknown;
  const std::vector<std::string> files = arguments.Operands(&unknown);
  const bool directions =
      (from.empty() || from == "hl7v2" || from == "csv") && (to.empty() || to == "fhir");
  const bool is_back = (to == "hl7v2" || to == "csv") &&
                       (from.empty() || from == "fhir" || from == "hl7v2" || from == "csv");
  if (files.empty() || !unknown.empty() || (!directions && !is_back)) {
    return Usage("convert");
  }
  if (is_back) {
    return ConvertBack({from, to, feed, destination, path, report, files});
  }
  if (path.empty()) {
    path = DefaultConfigPath();
  }
  const Result<Config> config = ReadConfig(path);
  if (!config) {
    PrintError(Describe(config.error()));
    return kCannotRun;
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto mappings = LoadMappings(*config, definitions);
  if (!mappings) {
    PrintError(Describe(mappings.error()));
    return kCannotRun;
  }
  Conversion conversion{definitions, **mappings, nullptr, report, SystemClock().Now()};
  if (!feed.empty()) {
    const auto found = (*mappings)->feeds.find(feed);
    if (found == (*mappings)->feeds.end()) {
      PrintError("the configuration names no such feed");
      return kCannotRun;
    }
    conversion.feed = &found->second;
  }
  int result = kDone;
  for (const std::string& file : files) {
    result = std::max(result, ConvertFile(file, from, conversion));
  }
  return result;
}

}  // namespace gw::cli
