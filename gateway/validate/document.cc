#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "gateway/base/place.h"
#include "gateway/base/utf8.h"
#include "gateway/fhir/xml_faults.h"
#include "gateway/validate/mend_internal.h"
#include "gateway/validate/rules_internal.h"

namespace gw::validate {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Line and column for each issue that has an element in the text, or a fault of its own.
void Place(std::string_view text, std::vector<Issue>* issues) {
  std::vector<Issue*> by_offset;
  for (Issue& issue : *issues) {
    if (issue.line == 0) {
      by_offset.push_back(&issue);
    }
  }
  std::stable_sort(by_offset.begin(), by_offset.end(),
                   [](const Issue* a, const Issue* b) { return a->offset < b->offset; });
  PlaceFinder places(text);
  for (Issue* issue : by_offset) {
    const gw::Place place = places.At(issue->offset);
    issue->line = place.line;
    issue->column = place.column;
  }
}

// "line 3, column 9" as a reader's error ends, taken off its place in the tree.
void TakePlace(std::string_view where, Issue* issue) {
  const size_t line = where.rfind("line ");
  if (line == std::string_view::npos) {
    issue->location = where;
    return;
  }
  const auto number = [where](size_t at) {
    uint32_t value = 0;
    for (; at < where.size() && where[at] >= '0' && where[at] <= '9'; ++at) {
      value = value * 10 + static_cast<uint32_t>(where[at] - '0');
    }
    return value;
  };
  issue->line = number(line + 5);
  const size_t column = where.find("column ", line);
  issue->column = column == std::string_view::npos ? 0 : number(column + 7);
  std::string_view before = where.substr(0, line);
  while (before.ends_with(' ') || before.ends_with(',') || before.ends_with('(')) {
    before.remove_suffix(1);
  }
  issue->location = before;
}

Report Refused(const Error& error) {
  Report report;
  Issue issue;
  issue.severity = Severity::kFatal;
  issue.code = error.code == Code::kTooLarge ? "too-long" : "structure";
  issue.rule = "format";
  issue.detail = error.detail;
  TakePlace(error.where, &issue);
  if (issue.location == "resourceType") {
    issue.rule = "resource-type";
    issue.location.clear();
  }
  // What stands at a place of the tree is a fault of that element; the rest may be in order.
  if (!issue.location.empty()) {
    issue.severity = Severity::kError;
    report.type = issue.location.substr(0, issue.location.find('.'));
  }
  report.issues.push_back(std::move(issue));
  return report;
}

// Is this only what follows from content that was not taken?
bool FollowsFromLoss(const Issue& issue, const MendedResource& mended) {
  if (issue.rule == "ele-1") {
    const auto loss = mended.losses.lower_bound({issue.location, ""});
    return loss != mended.losses.end() && loss->first == issue.location;
  }
  return issue.rule == "cardinality" &&
         mended.losses.contains({issue.location, issue.detail.substr(0, issue.detail.find(':'))});
}

Issue FaultIssue(const JsonFault& fault, Severity severity) {
  Issue issue;
  issue.severity = severity;
  issue.code = "structure";
  issue.rule = "json";
  issue.detail = fault.detail;
  issue.offset = fault.offset;
  return issue;
}

// Is that a place in a contained resource?
bool IsContained(std::string_view location) {
  constexpr std::string_view kContained = ".contained";
  for (size_t at = location.find(kContained); at != std::string_view::npos;
       at = location.find(kContained, at + 1)) {
    const std::string_view rest = location.substr(at + kContained.size());
    if (rest.empty() || rest.front() == '[' || rest.front() == '.') {
      return true;
    }
  }
  return false;
}

// dom-2, dom-4 and dom-5 stand at the whole and are about what it contains.
bool IsAboutContained(const Issue& issue) {
  return IsContained(issue.location) || issue.rule == "dom-2" || issue.rule == "dom-4" ||
         issue.rule == "dom-5";
}

void Apply(const Options& options, std::vector<Issue>* issues) {
  if (options.ignore_contained) {
    std::erase_if(*issues, IsAboutContained);
  }
  for (Issue& issue : *issues) {
    if (options.security_checks && issue.rule == kActiveContentRule) {
      issue.severity = Severity::kError;
    }
  }
}

// Past the string that begins at `at`.
size_t EndOfString(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' ? 1u : 0u;
  }
  return std::min(at + 1, text.size());
}

// Past the comment that begins at `at`; `at` where there is none, or one without an end.
size_t EndOfComment(std::string_view text, size_t at) {
  const std::string_view mark = text.substr(at, 2);
  if (mark == "//") {
    return std::min(text.find('\n', at), text.size());
  }
  const size_t end = mark == "/*" ? text.find("*/", at + 2) : std::string_view::npos;
  return end == std::string_view::npos ? at : end + 2;
}

// The same text with a blank for each byte of a comment, so that all else keeps its place.
std::string WithoutComments(std::string_view text) {
  std::string out(text);
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = EndOfString(text, at);
      continue;
    }
    const size_t end = EndOfComment(text, at);
    for (size_t byte = at; byte < end; ++byte) {
      out[byte] = text[byte] == '\n' ? '\n' : ' ';
    }
    at = std::max(end, at + 1);
  }
  return out;
}

// Reads one text of a Validator::CheckText.
class Reader {
 public:
  Reader(const Validator& validator, const fhir::Definitions& definitions, const Limits& limits,
         std::span<const std::string> profiles, const Options& options)
      : validator_(validator),
        definitions_(definitions),
        limits_(limits),
        profiles_(profiles),
        options_(options) {}

  Report Read(std::string_view text, Format format) const;

 private:
  Report ReadOn(std::string_view text) const;
  Report ReadOnXml(std::string_view text) const;
  void CheckMended(const MendedResource& mended, Report* report) const;

  const Validator& validator_;
  const fhir::Definitions& definitions_;
  const Limits& limits_;
  std::span<const std::string> profiles_;
  const Options& options_;
};

// A text that the strict reader refused.
Report Reader::ReadOn(std::string_view text) const {
  Report report;
  std::vector<JsonFault> faults;
  JsonFault fatal{};
  const Result<MendedNode> root = MendJson(text, limits_, &faults, &fatal);
  for (const JsonFault& fault : faults) {
    report.issues.push_back(FaultIssue(fault, Severity::kError));
  }
  if (!root) {
    report.issues.clear();
    report.issues.push_back(FaultIssue(fatal, Severity::kFatal));
    return report;
  }
  MendedResource mended = MendResource(*root, definitions_);
  std::move(mended.issues.begin(), mended.issues.end(), std::back_inserter(report.issues));
  CheckMended(mended, &report);
  return report;
}

// The same of XML, whose faults the codec itself can pass over.
Report Reader::ReadOnXml(std::string_view text) const {
  Result<fhir::XmlReading> reading = fhir::ReadXmlPastFaults(text, definitions_, limits_);
  if (!reading) {
    return Refused(reading.error());
  }
  Report report;
  MendedResource mended;
  mended.resource.emplace(std::move(reading->resource));
  for (fhir::XmlFault& fault : reading->faults) {
    Issue issue;
    issue.code = "structure";
    issue.rule = "xml-form";
    issue.location = fault.holder + (fault.name.empty() ? "" : "." + fault.name);
    issue.detail = std::move(fault.detail);
    issue.offset = fault.offset;
    report.issues.push_back(std::move(issue));
    mended.losses.emplace(std::move(fault.holder), std::move(fault.name));
  }
  CheckMended(mended, &report);
  return report;
}

// Adds what the rules say of a mended tree, all of it in the order of the text.
void Reader::CheckMended(const MendedResource& mended, Report* report) const {
  if (mended.resource.has_value()) {
    report->type = mended.resource->type();
    for (Issue& issue : validator_.Check(*mended.resource, profiles_)) {
      if (!FollowsFromLoss(issue, mended)) {
        report->issues.push_back(std::move(issue));
      }
    }
  }
  std::stable_sort(report->issues.begin(), report->issues.end(),
                   [](const Issue& a, const Issue& b) { return a.offset < b.offset; });
}

Report Reader::Read(std::string_view text, Format format) const {
  const Result<fhir::Resource> resource = format == Format::kXml
                                              ? fhir::ParseXml(text, definitions_, limits_)
                                              : fhir::ParseJson(text, definitions_, limits_);
  Report report;
  if (resource) {
    report.type = resource->type();
    report.issues = validator_.Check(*resource, profiles_);
  } else if (format == Format::kXml) {
    report = ReadOnXml(text);
  } else if (resource.error().code != Code::kTooLarge && IsValidUtf8(text) &&
             text.find('\0') == std::string_view::npos) {
    report = ReadOn(text);
  }
  if (!resource && !HasErrors(report.issues)) {
    // The strict reader's word stands, whatever the mending one made of it.
    report = Refused(resource.error());
  }
  Apply(options_, &report.issues);
  Place(text, &report.issues);
  return report;
}

}  // namespace

std::vector<Report> Validator::CheckText(std::string_view text, Format format, const Limits& limits,
                                         std::span<const std::string> profiles,
                                         const Options& options) const {
  const Reader reader(*this, rules_->definitions, limits, profiles, options);
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  std::string plain;
  if (options.allow_comments && format != Format::kXml) {
    plain = WithoutComments(text);
    text = plain;
  }
  std::vector<Report> reports;
  if (format != Format::kNdjson) {
    reports.push_back(reader.Read(text, format));
    return reports;
  }
  uint32_t line_number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.find_first_not_of(" \t") == std::string_view::npos) {
      continue;
    }
    reports.push_back(reader.Read(line, Format::kJson));
    for (Issue& issue : reports.back().issues) {
      issue.line = line_number;
    }
  }
  return reports;
}

}  // namespace gw::validate
