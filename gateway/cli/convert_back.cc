#include "gateway/cli/convert_back.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/messages.h"
#include "gateway/hl7v2/acknowledgment.h"
#include "gateway/map/export/export.h"

namespace gw::cli {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;

// What all files of one call share. `mappings` is there where the input is not FHIR.
struct Back {
  const fhir::Definitions& definitions;
  const map::Exporter& exporter;
  const map::Destination& destination;
  std::shared_ptr<const flow::Mappings> mappings;
  const map::Feed* feed = nullptr;
  bool report = false;
  Instant now;
};

void WriteIssues(const std::vector<map::Remark>& remarks, JsonWriter* writer) {
  for (const map::Remark& remark : remarks) {
    writer->ObjectStart()
        .Member("severity", std::string_view(&remark.severity, 1))
        .Member("code", remark.code)
        .Member("at", remark.where)
        .Member("text", remark.text)
        .ObjectEnd();
  }
}

void WritePlaces(std::string_view key, const std::vector<std::string>& places, JsonWriter* writer) {
  writer->Key(key).ArrayStart();
  for (const std::string& place : places) {
    writer->String(place);
  }
  writer->ArrayEnd();
}

// One line of the report: of a message, or of what stands for none.
void Report(const Result<map::ExportedMessage>& message, const map::Export& whole) {
  std::string line;
  JsonWriter writer(&line);
  writer.ObjectStart().Member("control_id", message ? message->control_id : "");
  writer.Member("ack", message ? "AA" : hl7v2::NameOf(hl7v2::AckCodeFor(message.error())));
  writer.Key("issues").ArrayStart();
  if (message) {
    WriteIssues(message->remarks, &writer);
  } else {
    const Error& error = message.error();
    WriteIssues({{'E', std::to_string(hl7v2::Hl7CodeFor(error)), error.where, error.detail}},
                &writer);
  }
  WriteIssues(whole.remarks, &writer);
  writer.ArrayEnd();
  WritePlaces("unwritten", message ? message->unwritten : std::vector<std::string>(), &writer);
  WritePlaces("unread", whole.unread, &writer);
  writer.Key("unmapped").ArrayStart();
  if (message) {
    for (const map::Unmapped& unmapped : message->unmapped) {
      writer.ObjectStart().Member("system", unmapped.system).Member("code", unmapped.code);
      writer.Member("at", unmapped.where).ObjectEnd();
    }
  }
  writer.ArrayEnd().ObjectEnd();
  std::fprintf(stderr, "%s\n", line.c_str());
}

bool Print(const Back& back, const Result<map::Export>& made) {
  if (!made) {
    PrintError(Describe(made.error()));
    return false;
  }
  bool all = true;
  std::fwrite(made->csv.data(), 1, made->csv.size(), stdout);
  for (const Result<map::ExportedMessage>& message : made->messages) {
    if (message) {
      std::fwrite(message->bytes.data(), 1, message->bytes.size(), stdout);
    } else if (!back.report) {
      PrintError(Describe(message.error()));
    }
    if (back.report) {
      Report(message, *made);
    }
    all = all && message;
  }
  for (const map::Remark& remark : made->remarks) {
    if (remark.severity == 'E') {
      all = false;
      if (!back.report) {
        PrintError(remark.where + ": " + remark.text);
      }
    }
  }
  if (back.report && made->messages.empty()) {
    Report(map::ExportedMessage{}, *made);
  }
  return all;
}

bool PrintTranslation(const Back& back, const Result<map::Translation>& translation) {
  if (!translation) {
    PrintError(Describe(translation.error()));
    return false;
  }
  return Print(back, back.exporter.FromChanges(translation->changes, back.destination, back.now));
}

bool FromFhir(std::string_view text, const Back& back) {
  const size_t start = std::min(text.find_first_not_of("\xEF\xBB\xBF \t\r\n"), text.size());
  text.remove_prefix(start);
  const auto resource = text.starts_with('<') ? fhir::ParseXml(text, back.definitions, Limits{})
                                              : fhir::ParseJson(text, back.definitions, Limits{});
  if (!resource) {
    PrintError(Describe(resource.error()));
    return false;
  }
  return Print(back, back.exporter.FromFhir(*resource, back.destination, back.now));
}

// A document, or NDJSON: one resource a line, so that its first line is JSON by itself.
bool FromFhirFile(std::string_view bytes, const Back& back) {
  const size_t line_end = bytes.find('\n');
  const bool is_lines = line_end != bytes.npos && bytes.starts_with('{') &&
                        bytes.find('{', line_end) != bytes.npos &&
                        Json::Parse(bytes.substr(0, line_end), Limits{}).ok();
  bool all = true;
  while (is_lines && !bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    all = (line.find('{') == line.npos || FromFhir(line, back)) && all;
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
  }
  return is_lines ? all : FromFhir(bytes, back);
}

bool FromV2(std::string_view bytes, const Back& back) {
  std::vector<std::string> warnings;
  bool all = true;
  const Status split = ForEachMessage(
      bytes, *back.feed, &warnings, [&](const Result<hl7v2::Message>& message) -> Status {
        all = PrintTranslation(
                  back, message ? back.mappings->translator.FromV2(*message, *back.feed, back.now)
                                : Result<map::Translation>(message.error())) &&
              all;
        return {};
      });
  if (!split) {
    PrintError(Describe(split.error()));
  }
  return all && split;
}

bool FromCsv(std::string_view bytes, const Back& back) {
  const auto translation = back.mappings->translator.FromCsv(bytes, *back.feed, back.now);
  if (!translation) {
    PrintError(Describe(translation.error()));
    return false;
  }
  bool all = translation->refused == 0;
  for (const map::RowGroup& group : translation->groups) {
    all = PrintTranslation(back, group.translation) && all;
  }
  return all;
}

int ConvertFile(const std::string& path, const std::string& from, const Back& back) {
  const Result<std::string> bytes = ReadFile(path, kFileBytesMax);
  if (!bytes) {
    PrintError(Describe(bytes.error()));
    return kCannotRun;
  }
  if (from == "hl7v2") {
    return FromV2(*bytes, back) ? kDone : kRefused;
  }
  if (from == "csv") {
    return FromCsv(*bytes, back) ? kDone : kRefused;
  }
  return FromFhirFile(*bytes, back) ? kDone : kRefused;
}

// A name is a file of destinations/ beside the configuration.
Result<map::Destination> FindDestination(const BackRequest& request, const std::string& config) {
  const bool is_fhir = request.from.empty() || request.from == "fhir";
  const std::string name =
      request.destination.empty() && is_fhir ? request.feed : request.destination;
  if (name.empty()) {
    return Error{Code::kInvalid, "say where to: --destination NAME", "--destination"};
  }
  const bool is_file = name.ends_with(".json");
  const std::filesystem::path beside = std::filesystem::path(config).parent_path();
  GW_TRY(
      map::Destination destination,
      map::ReadDestination(is_file ? name : (beside / "destinations" / (name + ".json")).string()));
  const bool is_csv = destination.format == map::Destination::Format::kCsv;
  if (is_csv != (request.to == "csv")) {
    return Error{Code::kInvalid, "the destination is of another format", "--to"};
  }
  return destination;
}

int CannotRun(const Error& error) {
  PrintError(Describe(error));
  return kCannotRun;
}

}  // namespace

int ConvertBack(const BackRequest& request) {
  const std::string path = request.config.empty() ? DefaultConfigPath() : request.config;
  const Result<Config> config = ReadConfig(path);
  if (!config) {
    return CannotRun(config.error());
  }
  const Result<map::Destination> destination = FindDestination(request, path);
  if (!destination) {
    return CannotRun(destination.error());
  }
  const fhir::Definitions definitions = fhir::Definitions::R4();
  const auto exporter = map::Exporter::Load(config->mappings, config->profiles, definitions);
  if (!exporter) {
    return CannotRun(exporter.error());
  }
  if (const Status fits = exporter->Check(*destination); !fits.ok()) {
    return CannotRun(fits.error());
  }
  Back back{definitions, *exporter,      *destination,       nullptr,
            nullptr,     request.report, SystemClock().Now()};
  if (request.from == "hl7v2" || request.from == "csv") {
    auto mappings = LoadMappings(*config, definitions);
    if (!mappings) {
      return CannotRun(mappings.error());
    }
    back.mappings = *mappings;
    const auto feed = back.mappings->feeds.find(request.feed.empty() ? "default" : request.feed);
    if (feed == back.mappings->feeds.end()) {
      PrintError("the configuration names no such feed");
      return kCannotRun;
    }
    back.feed = &feed->second;
  }
  int result = kDone;
  for (const std::string& file : request.files) {
    result = std::max(result, ConvertFile(file, request.from, back));
  }
  return result;
}

}  // namespace gw::cli
