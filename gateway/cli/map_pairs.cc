#include "gateway/cli/map_pairs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "gateway/base/file.h"
#include "gateway/base/json.h"
#include "gateway/cli/deployment.h"
#include "gateway/cli/messages.h"
#include "gateway/fhir/instance.h"
#include "gateway/map/map_files.h"

namespace gw::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIn = ".in.";
constexpr std::string_view kOut = ".out.json";
constexpr std::string_view kExportOut = ".out.txt";
constexpr std::string_view kFeedFile = "pairs.feed.json";
constexpr std::string_view kDestinationFile = "pairs.destination.json";
constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;
constexpr size_t kDifferencesMax = 20;

bool IsIn(const std::string& name) {
  const size_t in = name.rfind(kIn);
  return in != std::string::npos && name.find('.', in + kIn.size()) == std::string::npos;
}

std::string StemOf(const std::string& path) { return path.substr(0, path.rfind(kIn)); }

// The map that a pair stands beside: its name ends at the first point.
std::string MapOf(const fs::path& path) {
  const std::string name = path.filename().string();
  return (path.parent_path() / (name.substr(0, name.find('.')) + ".map")).generic_string();
}

std::string Refusal(const Error& error) {
  std::string line;
  JsonWriter(&line).ObjectStart().Member("refused", Describe(error)).ObjectEnd();
  return line;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// Where two documents differ.
class Comparison {
 public:
  explicit Comparison(std::vector<std::string>* differences) : differences_(*differences) {}

  void Compare(const Json& expected, const Json& found, const std::string& place) {
    if (differences_.size() >= kDifferencesMax) {
      return;
    }
    if (expected.kind() != found.kind()) {
      Add(place, Text(expected), Text(found));
    } else if (expected.is_object()) {
      Objects(expected, found, place);
    } else if (expected.is_array()) {
      Arrays(expected, found, place);
    } else if (expected.text() != found.text() || expected.boolean() != found.boolean()) {
      Add(place, Text(expected), Text(found));
    }
  }

 private:
  static std::string Text(const Json& json) {
    switch (json.kind()) {
      case Json::Kind::kNull:
        return "null";
      case Json::Kind::kBool:
        return json.boolean() ? "true" : "false";
      case Json::Kind::kArray:
        return "a list of " + std::to_string(json.items().size());
      case Json::Kind::kObject:
        return json.TextOf("resourceType").empty() ? "an object"
                                                   : std::string(json.TextOf("resourceType"));
      default:
        return json.text();
    }
  }

  void Add(const std::string& place, const std::string& expected, const std::string& found) {
    differences_.push_back(place + ": expected " + expected + ", found " + found);
  }

  void Objects(const Json& expected, const Json& found, const std::string& place) {
    for (const auto& [name, value] : expected.members()) {
      const Json* other = found.Find(name);
      if (other == nullptr) {
        Add(place + "." + name, Text(value), "nothing");
      } else {
        Compare(value, *other, place + "." + name);
      }
    }
    for (const auto& [name, value] : found.members()) {
      if (expected.Find(name) == nullptr) {
        Add(place + "." + name, "nothing", Text(value));
      }
    }
  }

  void Arrays(const Json& expected, const Json& found, const std::string& place) {
    const size_t common = std::min(expected.items().size(), found.items().size());
    for (size_t i = 0; i < common; ++i) {
      Compare(expected.items()[i], found.items()[i], place + "[" + std::to_string(i) + "]");
    }
    for (size_t i = common; i < expected.items().size(); ++i) {
      Add(place + "[" + std::to_string(i) + "]", Text(expected.items()[i]), "nothing");
    }
    for (size_t i = common; i < found.items().size(); ++i) {
      Add(place + "[" + std::to_string(i) + "]", "nothing", Text(found.items()[i]));
    }
  }

  std::vector<std::string>& differences_;
};

// By their trees where both are JSON; the place of a difference begins with its line.
std::vector<std::string> Differences(const std::string& expected, const std::string& found) {
  std::vector<std::string> differences;
  if (expected == found) {
    return differences;
  }
  const std::vector<std::string> wanted = LinesOf(expected);
  const std::vector<std::string> got = LinesOf(found);
  if (wanted.size() != got.size()) {
    differences.push_back("expected " + std::to_string(wanted.size()) + " lines, found " +
                          std::to_string(got.size()));
  }
  for (size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
    const auto one = Json::Parse(wanted[i], Limits());
    const auto other = Json::Parse(got[i], Limits());
    const std::string place = "line " + std::to_string(i + 1);
    if (one && other) {
      Comparison(&differences).Compare(*one, *other, place);
    } else if (wanted[i] != got[i]) {
      differences.push_back(place + ": expected " + wanted[i] + ", found " + got[i]);
    }
  }
  return differences;
}

}  // namespace

Result<MapPairs> MapPairs::Open(const std::string& folder, const std::string& profiles) {
  MapPairs pairs(folder, std::make_unique<fhir::Definitions>(fhir::Definitions::R4()));
  GW_RETURN_IF_ERROR(pairs.Find());
  if (fs::exists(fs::path(folder) / "hl7v2-to-fhir" / "messages.json")) {
    GW_TRY(map::Translator translator,
           map::Translator::Load(folder, profiles, *pairs.definitions_));
    pairs.translator_ = std::make_unique<map::Translator>(std::move(translator));
  }
  if (fs::exists(fs::path(folder) / "fhir-to-hl7v2") ||
      fs::exists(fs::path(folder) / "fhir-to-csv")) {
    GW_TRY(map::Exporter exporter, map::Exporter::Load(folder, profiles, *pairs.definitions_));
    pairs.exporter_ = std::make_unique<map::Exporter>(std::move(exporter));
  }
  return pairs;
}

Status MapPairs::Find() {
  std::error_code failure;
  std::vector<std::string> maps;
  for (auto at = fs::recursive_directory_iterator(folder_, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    const fs::path& path = at->path();
    if (IsIn(path.filename().string())) {
      names_.push_back(path.lexically_relative(folder_).generic_string());
    }
    const std::string holder = path.parent_path().filename().string();
    const std::string kind = path.parent_path().parent_path().filename().string();
    const bool rows = (kind == "csv-to-fhir" && holder != "group") || kind == "fhir-to-csv";
    if (path.extension() == ".map" && (holder == "message" || rows)) {
      maps.push_back(path.generic_string());
    }
  }
  if (failure) {
    return Error{Code::kNotFound, "the folder cannot be read", folder_};
  }
  std::sort(names_.begin(), names_.end());
  std::sort(maps.begin(), maps.end());
  for (const std::string& map : maps) {
    const auto beside = [&](const std::string& name) {
      return MapOf(fs::path(folder_) / name) == map;
    };
    if (std::none_of(names_.begin(), names_.end(), beside)) {
      untested_.push_back(fs::path(map).lexically_relative(folder_).generic_string());
    }
  }
  return {};
}

std::vector<std::string> MapPairs::Run(const std::string& name, bool write) const {
  const std::string path = (fs::path(folder_) / name).generic_string();
  const std::string out = StemOf(path) + std::string(IsExport(path) ? kExportOut : kOut);
  const auto found = Outcome(path);
  if (!found) {
    return {Describe(found.error())};
  }
  if (write) {
    std::ofstream(out, std::ios::binary) << *found;
    return {};
  }
  const auto expected = ReadFile(out, kFileBytesMax);
  if (!expected) {
    return {Describe(expected.error())};
  }
  return Differences(*expected, *found);
}

Result<std::string> MapPairs::Outcome(const std::string& path) const {
  GW_TRY(const std::string bytes, ReadFile(path, kFileBytesMax));
  const std::string extension = fs::path(path).extension().string();
  if (IsExport(path)) {
    return OfExport(path, bytes);
  }
  if (extension != ".hl7" && extension != ".csv") {
    return OfInstance(path, bytes);
  }
  if (translator_ == nullptr) {
    return Error{Code::kNotFound, "the folder has no maps of messages or rows", path};
  }
  return extension == ".hl7" ? OfMessages(path, bytes) : OfRows(path, bytes);
}

// The file of that name in the pair's folder, or in the nearest one above it.
Result<std::string> MapPairs::Above(const std::string& path, std::string_view name) const {
  for (fs::path folder = fs::path(path).parent_path();; folder = folder.parent_path()) {
    if (const fs::path file = folder / name; fs::exists(file)) {
      return file.string();
    }
    if (folder == fs::path(folder_) || folder == folder.parent_path()) {
      return Error{Code::kNotFound, "there is no " + std::string(name) + " here or above", path};
    }
  }
}

Result<map::Feed> MapPairs::FeedOf(const std::string& path) const {
  GW_TRY(const std::string file, Above(path, kFeedFile));
  return map::ReadFeed(file);
}

bool MapPairs::IsExport(const std::string& path) const {
  const std::string name = fs::path(path).lexically_relative(folder_).generic_string();
  return exporter_ != nullptr &&
         (name.starts_with("fhir-to-hl7v2/") || name.starts_with("fhir-to-csv/"));
}

Result<std::string> MapPairs::OfExport(const std::string& path, const std::string& bytes) const {
  GW_TRY(const std::string file, Above(path, kDestinationFile));
  GW_TRY(const map::Destination destination, map::ReadDestination(file));
  GW_TRY(const fhir::Resource resource, fhir::ParseJson(bytes, *definitions_, Limits()));
  GW_TRY(const map::Export made, exporter_->FromFhir(resource, destination, Instant{}));
  std::string out = made.csv;
  for (const Result<map::ExportedMessage>& message : made.messages) {
    out += message ? message->bytes : Refusal(message.error()) + "\r";
  }
  std::replace(out.begin(), out.end(), '\r', '\n');
  for (const std::string& place : made.unread) {
    out += "# unwritten: " + place + "\n";
  }
  for (const map::Remark& remark : made.remarks) {
    out += "# " + remark.code + ": " + remark.where + "\n";
  }
  return out;
}

std::string MapPairs::Line(const Result<map::Translation>& translation) const {
  if (!translation) {
    return Refusal(translation.error());
  }
  const auto bundle = map::ToTransaction(translation->changes, *definitions_);
  if (!bundle) {
    return Refusal(bundle.error());
  }
  std::string line;
  fhir::WriteJson(*bundle, &line);
  const std::string& version = translator_->version();
  for (size_t at = line.find(version); at != std::string::npos; at = line.find(version, at)) {
    line.replace(at, version.size(), "(version)");
  }
  return line;
}

Result<std::string> MapPairs::OfMessages(const std::string& path, const std::string& bytes) const {
  GW_TRY(const map::Feed feed, FeedOf(path));
  std::vector<std::string> warnings;
  std::string out;
  GW_RETURN_IF_ERROR(
      ForEachMessage(bytes, feed, &warnings, [&](const Result<hl7v2::Message>& message) -> Status {
        out += Line(message ? translator_->FromV2(*message, feed, Instant{})
                            : Result<map::Translation>(message.error())) +
               "\n";
        return {};
      }));
  return out;
}

Result<std::string> MapPairs::OfRows(const std::string& path, const std::string& bytes) const {
  GW_TRY(const map::Feed feed, FeedOf(path));
  GW_TRY(const map::CsvTranslation rows, translator_->FromCsv(bytes, feed, Instant{}));
  std::string out;
  for (const map::RowGroup& group : rows.groups) {
    out += Line(group.translation) + "\n";
  }
  return out;
}

// Models and ConceptMaps lie in the folder of the map.
Result<std::string> MapPairs::OfInstance(const std::string& path, const std::string& bytes) const {
  const std::vector<std::string> packages = {fs::path(path).parent_path().string()};
  GW_TRY(const auto files, map::MapFiles::Load(MapOf(path), packages, *definitions_, Limits()));
  GW_TRY(const map::Plan plan, files.Compile());
  const fhir::InstanceTypes types{.definitions = definitions_.get(),
                                  .models = &files.models(),
                                  .expected = plan.SourceOf(files.url())};
  GW_TRY(const fhir::Resource source, fhir::ReadInstance(bytes, types, Limits()));
  map::RunOptions options;
  options.seed = fs::path(path).filename().string();
  const auto mapped = plan.Run(files.url(), source.root(), options);
  std::string out;
  if (mapped) {
    fhir::WriteInstance(mapped->target, &out);
  } else {
    out = Refusal(mapped.error());
  }
  return out + "\n";
}

}  // namespace gw::cli
