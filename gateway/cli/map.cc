#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "gateway/base/file.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/map_pairs.h"
#include "gateway/cli/messages.h"
#include "gateway/map/fml/structure_map.h"
#include "gateway/map/plan/plan.h"
#include "gateway/map/v2/model.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;

Result<Config> ReadConfigOf(Arguments* arguments) {
  const std::string path = arguments->Option("--config");
  return ReadConfig(path.empty() ? DefaultConfigPath() : path);
}

// map test

int Test(Arguments arguments) {
  const bool write = arguments.Flag("--write");
  const auto config = ReadConfigOf(&arguments);
  std::string unknown;
  const std::vector<std::string> folders = arguments.Operands(&unknown);
  if (folders.size() > 1 || !unknown.empty()) {
    return Usage("map");
  }
  if (!config) {
    PrintError(Describe(config.error()));
    return kCannotRun;
  }
  const std::string folder = folders.empty() ? config->mappings : folders.front();
  auto pairs = MapPairs::Open(folder, config->profiles);
  if (!pairs) {
    PrintError(Describe(pairs.error()));
    return pairs.error().code == Code::kNotFound ? kCannotRun : kRefused;
  }
  int result = kDone;
  for (const std::string& name : pairs->names()) {
    const std::vector<std::string> differences = pairs->Run(name, write);
    std::printf("%s %s\n", differences.empty() ? "ok  " : "FAIL", name.c_str());
    for (const std::string& difference : differences) {
      std::printf("  %s\n", difference.c_str());
    }
    result = differences.empty() ? result : kRefused;
  }
  for (const std::string& map : pairs->untested()) {
    PrintError(map + ": the map has no pair");
  }
  return result;
}

// map trace

// One line for each target that a rule made.
class LinePrinter : public map::TraceSink {
 public:
  void Made(const map::TraceStep& step) override {
    const fhir::Element& target = *step.target;
    std::string value(target.is_null() ? "null" : target.text());
    if (!target.is_null() && !target.has_text()) {
      value = "(" + std::string(target.type().name()) + ")";
    }
    std::printf("%s -> %s = %s  [%.*s, %.*s]\n", map::PlaceOf(*step.source).c_str(),
                target.Location().c_str(), value.c_str(), static_cast<int>(step.rule.size()),
                step.rule.data(), static_cast<int>(step.place.size()), step.place.data());
  }
};

Result<map::Feed> FeedNamed(const Config& config, const std::string& name) {
  for (const std::string& path : config.feeds) {
    GW_TRY(map::Feed feed, map::ReadFeed(path));
    if (feed.name == name) {
      return feed;
    }
  }
  return Error{Code::kNotFound, "the configuration names no such feed", name};
}

void PrintUnread(const map::Translation& translation) {
  for (const std::string& unread : translation.unread) {
    std::printf("%s -> unread\n", unread.c_str());
  }
}

Status TraceMessages(const std::string& bytes, const map::Translator& translator,
                     const map::Feed& feed) {
  std::vector<std::string> warnings;
  return ForEachMessage(
      bytes, feed, &warnings, [&](const Result<hl7v2::Message>& message) -> Status {
        if (!message) {
          return message.error();
        }
        GW_TRY(const map::Translation done, translator.FromV2(*message, feed, Instant{}));
        PrintUnread(done);
        return {};
      });
}

Status TraceRows(const std::string& bytes, const map::Translator& translator,
                 const map::Feed& feed) {
  GW_TRY(const map::CsvTranslation done, translator.FromCsv(bytes, feed, Instant{}));
  for (const map::RowGroup& group : done.groups) {
    if (!group.translation) {
      return group.translation.error();
    }
    PrintUnread(*group.translation);
  }
  return {};
}

int Trace(Arguments arguments) {
  const std::string feed_name = arguments.Option("--feed");
  const auto config = ReadConfigOf(&arguments);
  std::string unknown;
  const std::vector<std::string> files = arguments.Operands(&unknown);
  if (feed_name.empty() || files.size() != 1 || !unknown.empty()) {
    return Usage("map");
  }
  const auto bytes = ReadFile(files.front(), kFileBytesMax);
  const auto feed = config ? FeedNamed(*config, feed_name) : Result<map::Feed>(config.error());
  if (!feed || !bytes) {
    PrintError(Describe(feed ? bytes.error() : feed.error()));
    return kCannotRun;
  }
  LinePrinter printer;
  map::TranslatorOptions options;
  options.trace = &printer;
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto translator =
      map::Translator::Load(config->mappings, config->profiles, definitions, options);
  if (!translator) {
    PrintError(Describe(translator.error()));
    return kCannotRun;
  }
  const Status done = feed->format == map::Feed::Format::kCsv
                          ? TraceRows(*bytes, *translator, *feed)
                          : TraceMessages(*bytes, *translator, *feed);
  if (!done) {
    PrintError(Describe(done.error()));
    return kRefused;
  }
  return kDone;
}

// map convert

// A StructureMap of text, or the text of a StructureMap.
int ConvertForm(Arguments arguments) {
  std::string unknown;
  const std::vector<std::string> files = arguments.Operands(&unknown);
  if (files.size() != 1 || !unknown.empty()) {
    return Usage("map");
  }
  const auto bytes = ReadFile(files.front(), kFileBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return kCannotRun;
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto read = map::ReadMap(files.front(), *bytes, definitions, Limits());
  if (!read) {
    PrintError(Describe(read.error()));
    return kRefused;
  }
  const size_t first = bytes->find_first_not_of("\xEF\xBB\xBF \t\r\n");
  const bool is_resource = (*bytes)[first] == '{' || (*bytes)[first] == '<';
  const Result<std::string> other = is_resource
                                        ? map::WriteFml(*read)
                                        : Result<std::string>(map::WriteStructureMap(*read) + "\n");
  if (!other) {
    PrintError(Describe(other.error()));
    return kRefused;
  }
  std::fputs(other->c_str(), stdout);
  return kDone;
}

}  // namespace

int Map(Arguments arguments) {
  const bool is_test = arguments.Flag("test");
  const bool is_trace = !is_test && arguments.Flag("trace");
  if (is_test) {
    return Test(std::move(arguments));
  }
  if (is_trace) {
    return Trace(std::move(arguments));
  }
  return arguments.Flag("convert") ? ConvertForm(std::move(arguments)) : Usage("map");
}

}  // namespace gw::cli
