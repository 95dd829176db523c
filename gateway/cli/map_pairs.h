#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/fhir/definitions.h"
#include "gateway/map/export/export.h"
#include "gateway/map/feed.h"
#include "gateway/map/translate.h"

namespace gw::cli {

// The examples beside the maps of a folder: `<map>[.<case>].in.hl7`, `.in.csv`, `.in.json` or
// `.in.xml`, and in `<map>[.<case>].out.json` what comes of it: for messages and rows one line of
// JSON for each message or group of rows, the transaction Bundle or {"refused": "place: rule"}; for
// instances, which go through the map beside them alone, the target. Messages and rows are of the
// feed in `pairs.feed.json` of their folder or of the nearest one above it. Time stands still in
// them, and the version of the maps is "(version)".
// Below fhir-to-hl7v2 and fhir-to-csv: resources go in, for the destination in
// `pairs.destination.json` here or above, and in `<map>[.<case>].out.txt` stands what is sent, one
// segment or row a line, and behind it a line "# unwritten: place" for all that no message says.
class MapPairs {
 public:
  // Errors: kNotFound: no such folder; kInvalid: the maps or a feed cannot be read.
  static Result<MapPairs> Open(const std::string& folder, const std::string& profiles);

  // Each pair by the path of what goes in, sorted.
  const std::vector<std::string>& names() const { return names_; }
  // Maps that may be run and that have no pair, sorted.
  const std::vector<std::string>& untested() const { return untested_; }
  // Runs one; a line for each difference, with its place. `write`: what comes out becomes what is
  // expected.
  std::vector<std::string> Run(const std::string& name, bool write) const;

 private:
  MapPairs(std::string folder, std::unique_ptr<fhir::Definitions> definitions)
      : folder_(std::move(folder)), definitions_(std::move(definitions)) {}
  Status Find();
  Result<std::string> Outcome(const std::string& path) const;
  Result<std::string> OfMessages(const std::string& path, const std::string& bytes) const;
  Result<std::string> OfRows(const std::string& path, const std::string& bytes) const;
  Result<std::string> OfInstance(const std::string& path, const std::string& bytes) const;
  Result<std::string> OfExport(const std::string& path, const std::string& bytes) const;
  bool IsExport(const std::string& path) const;
  Result<std::string> Above(const std::string& path, std::string_view name) const;
  Result<map::Feed> FeedOf(const std::string& path) const;
  std::string Line(const Result<map::Translation>& translation) const;

  std::string folder_;
  std::unique_ptr<fhir::Definitions> definitions_;
  std::unique_ptr<map::Translator> translator_;  // null: the folder has no maps of messages or rows
  std::unique_ptr<map::Exporter> exporter_;      // null: it has none that go back
  std::vector<std::string> names_;
  std::vector<std::string> untested_;
};

}  // namespace gw::cli
