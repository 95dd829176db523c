#include "gateway/rest/outcome.h"

#include "gateway/base/json.h"

namespace gw::rest {
namespace {

struct Mapping {
  int status;
  std::string_view issue_type;
};

Mapping MappingOf(Code code) {
  switch (code) {
    case Code::kInvalid:
      return {400, "invalid"};
    case Code::kUnauthenticated:
      return {401, "login"};
    case Code::kForbidden:
      return {403, "forbidden"};
    case Code::kNotFound:
      return {404, "not-found"};
    case Code::kGone:
      return {410, "deleted"};
    case Code::kConflict:
      return {409, "conflict"};
    case Code::kPreconditionFailed:
      return {412, "conflict"};
    case Code::kTooLarge:
      return {413, "too-long"};
    case Code::kUnprocessable:
      return {422, "processing"};
    case Code::kUnsupported:
      return {405, "not-supported"};
    case Code::kBusy:
      return {503, "throttled"};
    case Code::kUnavailable:
      return {503, "transient"};
    case Code::kInternal:
      return {500, "exception"};
  }
  return {500, "exception"};
}

}  // namespace

int HttpStatusOf(const Error& error) {
  if (error.code == Code::kUnsupported) {
    if (error.where == "Accept" || error.where == "_format") {
      return 406;
    }
    if (error.where == "Content-Length") {
      return 411;
    }
    if (error.where == "Content-Type") {
      return 415;
    }
    if (error.where == "Transfer-Encoding") {
      return 501;
    }
  }
  return MappingOf(error.code).status;
}

std::string_view IssueTypeOf(Code code) { return MappingOf(code).issue_type; }

std::string OutcomeJson(const std::vector<OutcomeIssue>& issues) {
  std::string json;
  JsonWriter writer(&json);
  writer.ObjectStart().Member("resourceType", "OperationOutcome").Key("issue").ArrayStart();
  for (const OutcomeIssue& issue : issues) {
    writer.ObjectStart().Member("severity", issue.severity).Member("code", issue.code);
    if (!issue.diagnostics.empty()) {
      writer.Member("diagnostics", issue.diagnostics);
    }
    if (!issue.expression.empty()) {
      writer.Key("expression").ArrayStart().String(issue.expression).ArrayEnd();
    }
    writer.ObjectEnd();
  }
  writer.ArrayEnd().ObjectEnd();
  return json;
}

std::string OutcomeJson(const Error& error) {
  return OutcomeJson({{"error", std::string(IssueTypeOf(error.code)), error.detail, error.where}});
}

}  // namespace gw::rest
