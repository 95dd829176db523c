#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gw::rest {

// The one table from Code to HTTP status and to FHIR issue-type. What is not supported is 405 for a
// method, and by the header in `where` 406 (Accept, and _format of the query), 411
// (Content-Length), 415 (Content-Type) or 501 (Transfer-Encoding).
int HttpStatusOf(const Error& error);
std::string_view IssueTypeOf(Code code);  // "not-found", "invalid" ...

// One issue of an OperationOutcome: rule and place, never a value.
struct OutcomeIssue {
  std::string severity = "error";  // fatal, error, warning, information
  std::string code;                // issue-type
  std::string diagnostics;
  std::string expression;  // FHIRPath or parameter name; empty: none
};

// An OperationOutcome as FHIR JSON. Spec: R4 operationoutcome.html.
std::string OutcomeJson(const std::vector<OutcomeIssue>& issues);
std::string OutcomeJson(const Error& error);

}  // namespace gw::rest
